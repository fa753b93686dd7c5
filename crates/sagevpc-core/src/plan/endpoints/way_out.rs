//! Services that are left to a way out, where the VPC wants endpoints only for
//! those that none leads to.
//!
//! Whether one leads there is asked of the network as it will be with its NAT
//! gateways and routes, and without the endpoints that would then go; and of
//! every subnet, for workloads may be started in any of them. What security
//! groups say is left aside: those that are made here let out what goes that
//! way, and a team's own are judged on it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    found::Endpoints,
    services::{NamedService, Service, look_up},
};
use crate::{
    api::{InterfaceEndpointMode, Reason},
    catalog::{ELASTIC_INFERENCE, Priced, is_aws_service, together},
    demand::{DemandPeer, Strength},
    observed::VpcSnapshot,
    plan::{
        Action, SecurityGroupChange, Target, cost,
        draft::Draft,
        internet,
        kept::HeldThing,
        project::{project, projected_id},
        reachability::{is_by_way_out, reader},
        resolved::ResolvedProfile,
    },
    reach::Destination,
    report::{Concern, Scope, Weight},
    types::{Direction, Peer, ResourceKey, Rule, SecurityGroupId, SubnetId, Tags, listed},
};

/// Services that workloads reach by a way out and that get no endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plan) struct ByWayOut {
    /// By their full names, each with its short one and the number of zones that
    /// an endpoint would be in.
    services: BTreeMap<String, (String, usize)>,
    /// By the names that they are called by.
    named: BTreeSet<String>,
}

/// A service that an endpoint may be done without for.
struct Candidate<'a> {
    service: Service<'a>,
    named: BTreeSet<&'a str>,
    /// The subnets of those who call it.
    subnets: BTreeSet<&'a SubnetId>,
}

impl Candidate<'_> {
    /// How many zones an endpoint would be in.
    fn zones(&self, snapshot: &VpcSnapshot) -> usize {
        let offered = self.service.zones();
        let zones = self
            .subnets
            .iter()
            .filter_map(|subnet| snapshot.subnets.get(*subnet)?.zone());
        let wanted: BTreeSet<&str> = zones
            .filter(|zone| offered.as_ref().is_none_or(|offered| offered.contains(zone)))
            .collect();
        wanted.len()
    }
}

impl ByWayOut {
    /// What is left to a way out, given what is planned so far.
    pub(in crate::plan) fn of(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Self {
        match draft.network.vpc.interface_endpoints.mode {
            InterfaceEndpointMode::Always => return Self::default(),
            InterfaceEndpointMode::WhereNoWayOut => {}
        }
        let candidates = candidates(draft, profiles);
        if candidates.is_empty() {
            return Self::default();
        }
        let (projected, group) = without_endpoints(draft, profiles, &candidates);
        let reach = reader(draft, &projected);
        let groups = BTreeSet::from([group]);
        let mut by_way_out = Self::default();
        for (name, candidate) in &candidates {
            let destination = Destination::Service(name.clone());
            let is_reached = candidate.subnets.iter().all(|subnet| {
                let start = reach.from(subnet, &groups);
                start.is_some_and(|start| is_by_way_out(draft, &start.to(&destination)))
            });
            if is_reached && !candidate.subnets.is_empty() {
                let short = candidate.service.short.to_owned();
                by_way_out
                    .services
                    .insert(name.clone(), (short, candidate.zones(draft.snapshot)));
                by_way_out
                    .named
                    .extend(candidate.named.iter().map(|name| (*name).to_owned()));
            }
        }
        by_way_out
    }

    /// Whether the service of this full name is.
    pub(in crate::plan) fn has(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// Whether the service is that is called by this name.
    pub(in crate::plan) fn has_named(&self, name: &str) -> bool {
        self.named.contains(name)
    }

    /// Whether any of these workloads calls such a service.
    pub(in crate::plan) fn is_taken_by(&self, resolved: &ResolvedProfile<'_>, workloads: &BTreeSet<usize>) -> bool {
        let demands = workloads
            .iter()
            .flat_map(|place| resolved.network.demands.of_workload(*place));
        let mut peers = demands.map(|demand| &demand.peer);
        !self.named.is_empty()
            && peers.any(|peer| matches!(peer, DemandPeer::Service(name) if self.named.contains(name)))
    }

    /// Whether any workload of the profile calls such a service.
    pub(in crate::plan) fn is_taken_by_any(&self, resolved: &ResolvedProfile<'_>) -> bool {
        self.is_taken_by(resolved, &(0..resolved.profile().workloads.len()).collect())
    }
}

/// Tells the platform team what is left to a way out, and what endpoints would
/// cost.
pub(super) fn tell(draft: &mut Draft<'_>) {
    let services = &draft.by_way_out.services;
    if services.is_empty() {
        return;
    }
    let vpc = &draft.network.vpc;
    let prices = cost::prices(draft);
    let endpoints = together(services.values().map(|(_, zones)| prices.interface_endpoint(*zones)));
    let month = endpoints.map_or_else(|_| "what is not known here".to_owned(), |cost| format!("{cost} USD"));
    let gigabyte = |priced| Some(prices.get(priced)?.exact());
    let traffic = match (
        gigabyte(Priced::InterfaceEndpointGigabyte),
        gigabyte(Priced::NatGatewayGigabyte),
    ) {
        (Some(endpoint), Some(nat)) => {
            format!("{endpoint} USD for each gigabyte, for which a NAT gateway takes {nat} USD")
        }
        (Some(_) | None, _) => "what each takes for the traffic".to_owned(),
    };
    let message = format!(
        "{} {} reached by a way out from each subnet of the workloads, and get no interface endpoints: these would cost \
         {month} a month at list prices, and {traffic}. To have them, set spec.interfaceEndpoints.mode: Always \
         of SageMakerVpc {}, or name the services in its spec.services.",
        listed(services.values().map(|(short, _)| short)),
        if services.len() == 1 { "is" } else { "are" },
        vpc.ownership.vpc,
    );
    let scope = Scope::SageMakerVpc;
    let reason = Reason::ReachedByWayOut;
    draft.find_weighing(Weight::Advice, Concern::Endpoints, scope, reason, message);
}

/// The services of AWS's that profiles call and whose endpoints would be ours to
/// make, by their full names.
fn candidates<'a>(draft: &Draft<'a>, profiles: &[ResolvedProfile<'a>]) -> BTreeMap<String, Candidate<'a>> {
    let vpc = &draft.network.vpc;
    let look_up = |name: &str| match look_up(draft.snapshot, &vpc.region, name) {
        NamedService::Service(service) => Some(service),
        NamedService::Nothing { .. } | NamedService::Several(_) | NamedService::Unseen => None,
    };
    let declared: BTreeSet<&str> = vpc
        .services
        .iter()
        .filter_map(|name| Some(look_up(name)?.name))
        .collect();
    let mut candidates: BTreeMap<String, Candidate<'a>> = BTreeMap::new();
    for resolved in profiles
        .iter()
        .filter(|resolved| resolved.takes_part() && !resolved.is_out())
    {
        for strength in [Strength::Required, Strength::Usual] {
            for name in resolved.network.demands.services(strength).into_keys() {
                let Some(service) = look_up(name) else { continue };
                let is_ours_to_make = is_aws_service(service.name)
                    && service.short != ELASTIC_INFERENCE
                    && !declared.contains(service.name)
                    && !is_settled(draft, &service);
                if !is_ours_to_make {
                    continue;
                }
                let candidate = candidates.entry(service.name.to_owned()).or_insert_with(|| Candidate {
                    service,
                    named: BTreeSet::new(),
                    subnets: BTreeSet::new(),
                });
                candidate.named.insert(name);
                candidate
                    .subnets
                    .extend(resolved.subnets.iter().map(|subnet| &subnet.subnet_id));
            }
        }
    }
    candidates
}

/// Whether the service's name leads to an endpoint that stays, whatever leads
/// out: somebody else's, an adopted one, or one that a profile without a say may
/// rely on.
fn is_settled(draft: &Draft<'_>, service: &Service<'_>) -> bool {
    let endpoints = Endpoints::of(draft, service);
    let has_name = |private_dns: bool| private_dns || !service.private_dns;
    let is_adopted = |id: &str| draft.claims.is_adopted(id);
    endpoints
        .serving
        .is_some_and(|serving| has_name(serving.private_dns_enabled))
        || endpoints.to_adopt.is_some()
        || endpoints
            .ours
            .iter()
            .any(|endpoint| is_adopted(endpoint.vpc_endpoint_id.as_str()))
        || (!endpoints.ours.is_empty() && draft.keeping.has(HeldThing::Service(service.name)))
}

/// The network with its way out as it will be and without our endpoints for
/// these services; and a security group that lets everything out.
fn without_endpoints(
    draft: &Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    candidates: &BTreeMap<String, Candidate<'_>>,
) -> (VpcSnapshot, SecurityGroupId) {
    let mut trial = draft.clone();
    internet::plan(&mut trial, profiles);
    let key = ResourceKey::EndpointSecurityGroup;
    let open = [
        Action::SecurityGroup(SecurityGroupChange::Create {
            key: key.clone(),
            vpc: draft.network.vpc.vpc_id.clone(),
            name: String::new(),
            description: String::new(),
            tags: Tags::default(),
        }),
        Action::SecurityGroup(SecurityGroupChange::Authorize {
            group: Target::Made(key.clone()),
            direction: Direction::Egress,
            rules: vec![Rule::all(Direction::Egress, Peer::Cidr(internet::anywhere_ipv6()))],
        }),
    ];
    let actions = trial.actions().map(|planned| &planned.action);
    let mut projected = project(draft.snapshot, actions.chain(&open)).into_owned();
    let gone: BTreeSet<&str> = candidates
        .values()
        .flat_map(|candidate| Endpoints::of(draft, &candidate.service).ours)
        .map(|endpoint| endpoint.vpc_endpoint_id.as_str())
        .collect();
    projected
        .vpc_endpoints
        .retain(|endpoint| !gone.contains(endpoint.vpc_endpoint_id.as_str()));
    (projected, projected_id(&Target::Made(key)))
}
