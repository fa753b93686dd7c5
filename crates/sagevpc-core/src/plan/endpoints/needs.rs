//! Which services need an interface endpoint, and on whose behalf.

use std::collections::{BTreeMap, BTreeSet};

use super::services::{NamedService, Service, is_offered, look_up};
use crate::{
    api::{InternetMode, Reason},
    catalog::{self, ELASTIC_INFERENCE, symptom_without_service},
    demand::Strength,
    observed::Subnet,
    plan::{
        Serves,
        draft::Draft,
        resolved::{ResolvedProfile, Standing},
    },
    report::{Concern, Finding, Lack, Scope, Weight},
    types::{ProfileKey, SubnetId, listed},
};

/// A service that needs an endpoint.
#[derive(Clone, Debug)]
pub(in crate::plan) struct EndpointNeed<'a> {
    pub(in crate::plan) service: Service<'a>,
    /// Whose workloads call it, each with the scope of what stands in their way.
    pub(in crate::plan) callers: BTreeMap<&'a ProfileKey, Scope>,
    /// The subnets that the endpoint may have interfaces in.
    pub(in crate::plan) subnets: BTreeMap<&'a SubnetId, &'a Subnet>,
}

impl<'a> EndpointNeed<'a> {
    pub(in crate::plan) fn new(service: Service<'a>) -> Self {
        Self {
            service,
            callers: BTreeMap::new(),
            subnets: BTreeMap::new(),
        }
    }

    /// Whom it concerns that the service is out of reach.
    pub(in crate::plan) fn scopes(&self) -> Vec<Scope> {
        if self.callers.is_empty() {
            return vec![Scope::SageMakerVpc];
        }
        self.callers.values().cloned().collect()
    }

    /// Whom an action on its endpoint serves.
    pub(in crate::plan) fn serves(&self) -> Serves {
        serves(self.callers.keys().copied())
    }
}

/// Reports to everyone who needs the service why it is out of reach.
pub(super) fn find_for_all(
    draft: &mut Draft<'_>,
    need: &EndpointNeed<'_>,
    concern: Concern,
    reason: Reason,
    message: &str,
) {
    for scope in need.scopes() {
        draft.push(
            Finding::new(concern, scope, reason, message)
                .lacking(Lack::Service(need.service.name.to_owned()))
                .showing(symptom_without_service(need.service.short)),
        );
    }
}

/// Whom something serves that these profiles need, or nobody in particular.
pub(in crate::plan) fn serves<'a>(callers: impl Iterator<Item = &'a ProfileKey>) -> Serves {
    let callers: BTreeSet<ProfileKey> = callers.cloned().collect();
    if callers.is_empty() {
        Serves::SageMakerVpc
    } else {
        Serves::Profiles(callers)
    }
}

/// What needs an endpoint: first what the SageMakerVpc names, then what
/// profiles call, the oldest first. And what is wrong with the names.
pub(super) fn gather<'a>(draft: &Draft<'a>, profiles: &[ResolvedProfile<'a>]) -> (Vec<EndpointNeed<'a>>, Vec<Finding>) {
    let mut gathered = Gathered::default();
    let in_use: Vec<&ResolvedProfile<'a>> = profiles.iter().filter(|resolved| has_effect(resolved)).collect();
    if in_use.is_empty() {
        return (gathered.needs, gathered.findings);
    }
    let has_own_groups = in_use.iter().any(|resolved| !elastic_inference_of(resolved).is_empty());
    let vpc = &draft.network.vpc;
    for name in &vpc.services {
        let field = format!("spec.services of SageMakerVpc {}", vpc.ownership.vpc);
        let Some(need) = gathered.need(draft, name, &field, &[Scope::SageMakerVpc], has_own_groups) else {
            continue;
        };
        let subnets = in_use.iter().flat_map(|resolved| &resolved.subnets);
        need.subnets.extend(subnets.map(|subnet| (&subnet.subnet_id, *subnet)));
    }
    for resolved in &in_use {
        for (name, places) in resolved.network.demands.services(Strength::Required) {
            if draft.by_way_out.has_named(name) {
                continue;
            }
            let scope = resolved.scope_of(&places);
            let field = if resolved.profile().services.iter().any(|named| named == name) {
                format!("spec.services of profile {}", resolved.key())
            } else {
                format!("the requirements of {}", kinds(resolved, &places))
            };
            if let Some(need) = gathered.need(draft, name, &field, std::slice::from_ref(&scope), has_own_groups) {
                need.callers.insert(resolved.key(), scope);
                let subnets = resolved.subnets.iter();
                need.subnets.extend(subnets.map(|subnet| (&subnet.subnet_id, *subnet)));
            }
        }
    }
    for name in vpc.interface_endpoints.policies.keys() {
        let field = format!("spec.interfaceEndpoints.policies of SageMakerVpc {}", vpc.ownership.vpc);
        gathered.check(draft, name, &field, &[Scope::SageMakerVpc]);
    }
    for resolved in &in_use {
        gathered.advise(draft, resolved);
    }
    (gathered.needs, gathered.findings)
}

/// Whether the profile has effect, or what it had stays, going by what is known
/// so far.
fn has_effect(resolved: &ResolvedProfile<'_>) -> bool {
    match resolved.standing {
        Standing::TakesPart => !resolved.is_out(),
        Standing::Kept => true,
        Standing::Out => false,
    }
}

/// The workloads of a profile that has effect that use Elastic Inference.
pub(in crate::plan) fn elastic_inference_of(resolved: &ResolvedProfile<'_>) -> BTreeSet<usize> {
    if !has_effect(resolved) {
        return BTreeSet::new();
    }
    resolved.network.demands.of_elastic_inference()
}

fn kinds(resolved: &ResolvedProfile<'_>, places: &BTreeSet<usize>) -> String {
    let workloads = &resolved.profile().workloads;
    let kinds: BTreeSet<_> = places
        .iter()
        .filter_map(|place| Some(workloads.get(*place)?.kind))
        .collect();
    listed(kinds)
}

#[derive(Default)]
struct Gathered<'a> {
    needs: Vec<EndpointNeed<'a>>,
    findings: Vec<Finding>,
}

impl<'a> Gathered<'a> {
    /// The need that the name stands for: one for each service, however it is
    /// spelled. `None` where it stands for none, which has been noted.
    fn need(
        &mut self,
        draft: &Draft<'a>,
        name: &str,
        field: &str,
        scopes: &[Scope],
        has_own_groups: bool,
    ) -> Option<&mut EndpointNeed<'a>> {
        let service = self.check(draft, name, field, scopes)?;
        // Its endpoint has groups of its own, and is planned with them.
        if has_own_groups && service.short == ELASTIC_INFERENCE {
            return None;
        }
        let known = self.needs.iter().position(|need| need.service.name == service.name);
        let place = known.unwrap_or_else(|| {
            self.needs.push(EndpointNeed::new(service));
            self.needs.len() - 1
        });
        self.needs.get_mut(place)
    }

    /// The service that the name stands for; a finding where there is none.
    fn check(&mut self, draft: &Draft<'a>, name: &str, field: &str, scopes: &[Scope]) -> Option<Service<'a>> {
        let region = &draft.network.vpc.region;
        let (weight, message) = match look_up(draft.snapshot, region, name) {
            NamedService::Service(service) => return Some(service),
            NamedService::Nothing { near } => {
                let near = if near.is_empty() {
                    "`aws ec2 describe-vpc-endpoint-services` lists those that do".to_owned()
                } else {
                    format!("names like it are {}", listed(near))
                };
                (
                    Weight::Blocks,
                    format!(
                        "No AWS service {name}, named in {field}, takes interface endpoints in {region}; {near}. \
                         Correct the name; what has no interface endpoint is reached by a way out, spec.internet."
                    ),
                )
            }
            NamedService::Several(names) => (
                Weight::Blocks,
                format!(
                    "{name}, named in {field}, may be any of {} in {region}: write the full name of the one that is \
                     meant.",
                    listed(names)
                ),
            ),
            NamedService::Unseen => (
                Weight::Blocks,
                format!(
                    "Services that take interface endpoints in {region} were not found, so that there is none for \
                     {name}: allow the controller's role ec2:DescribeVpcEndpointServices, or add \
                     VpcEndpointServices.json to the snapshot."
                ),
            ),
        };
        self.findings.extend(scopes.iter().map(|scope| Finding {
            concern: Concern::Endpoints,
            scope: scope.clone(),
            weight,
            reason: Reason::ServiceNotFound,
            message: message.clone(),
            resource: None,
            symptom: Some(symptom_without_service(name)),
            fix: None,
            shows_otherwise: Vec::new(),
            lacks: vec![Lack::Service(name.to_owned())],
        }));
        None
    }

    /// Tells of services that workloads call as a rule and that nobody has.
    fn advise(&mut self, draft: &Draft<'a>, resolved: &ResolvedProfile<'a>) {
        let vpc = &draft.network.vpc;
        // With a way out they are reached by it.
        if vpc.internet != InternetMode::None || !resolved.takes_part() {
            return;
        }
        let endpoints = &draft.snapshot.vpc_endpoints;
        let is_there = |short: &str| {
            let served = endpoints
                .iter()
                .any(|endpoint| endpoint.is_interface() && catalog::names_service(&endpoint.service_name, short));
            served || self.needs.iter().any(|need| need.service.short == short)
        };
        let usual = resolved.network.demands.services(Strength::Usual).into_iter();
        let missing: BTreeMap<&str, BTreeSet<usize>> = usual
            .filter(|(short, _)| !is_there(short) && !draft.by_way_out.has_named(short))
            .filter(|(short, _)| is_offered(draft.snapshot, &vpc.region, short))
            .collect();
        if missing.is_empty() {
            return;
        }
        let places: BTreeSet<usize> = missing.values().flat_map(|places| places.iter().copied()).collect();
        let message = format!(
            "{} calls {} as a rule, and {} has no interface endpoint for {}: add {} to spec.services of SageMakerVpc \
             {}, unless these workloads do without.",
            kinds(resolved, &places),
            listed(missing.keys()),
            vpc.vpc_id,
            if missing.len() == 1 { "it" } else { "them" },
            if missing.len() == 1 { "it" } else { "them" },
            vpc.ownership.vpc,
        );
        self.findings.push(Finding {
            concern: Concern::Endpoints,
            scope: resolved.scope_of(&places),
            weight: Weight::Advice,
            reason: Reason::EndpointMissing,
            message,
            resource: None,
            symptom: missing.keys().next().map(|short| symptom_without_service(short)),
            fix: None,
            shows_otherwise: Vec::new(),
            lacks: missing.keys().map(|short| Lack::Service((*short).to_owned())).collect(),
        });
    }
}
