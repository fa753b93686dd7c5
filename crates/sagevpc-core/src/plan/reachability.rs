//! Whether packets get there: what every verdict rests on.
//!
//! The network is judged as it will be once the plan is carried out. So what an
//! action repairs is not reported here: while it is not done, it stands in the
//! way by itself.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{Claims, draft::Draft, project::project, resolve::ResolvedProfile};
use crate::{
    api::{AcceptUnknown, Reason},
    catalog::{Need, PeerNeed, Symptom, WorkloadKind},
    observed::VpcSnapshot,
    reach::{Cause, Destination, Reach, Start, Traffic, Unseen, Verdict},
    report::{Concern, Finding, Scope, Weight},
    types::{Direction, ResourceKey, SecurityGroupId, SubnetId, listed},
    validate::{SecurityGroups, ValidWorkload},
};

pub(super) fn judge(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    for finding in findings(draft, profiles) {
        draft.push(finding);
    }
}

fn findings(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<Finding> {
    let taking_part: Vec<&ResolvedProfile<'_>> = profiles.iter().filter(|resolved| resolved.takes_part()).collect();
    let mut findings = Vec::new();
    if taking_part.is_empty() {
        return findings;
    }
    let projected = project(draft.snapshot, draft.actions().iter().map(|planned| &planned.action));
    let mut reach = Reach::new(&projected);
    let accepted = &draft.network.vpc.accept_unknown;
    if accepted.contains(&AcceptUnknown::CustomResolver) {
        reach = reach.accepting_custom_resolvers();
    }
    if projected.network_acls.is_empty() && !draft.has_found(Concern::NetworkAcls) {
        let message = format!(
            "The network ACLs of {} were not looked at, so they are taken to let everything through: allow the \
             controller's role ec2:DescribeNetworkAcls, or add NetworkAcls.json to the snapshot.",
            projected.vpc.vpc_id
        );
        let (concern, reason) = (Concern::NetworkAcls, Reason::ReachUnknown);
        let finding = Finding::new(concern, Scope::SageMakerVpc, reason, message);
        findings.push(finding.weighing(Weight::Advice));
    }
    let keys = Keys::look(draft, &projected);
    for resolved in taking_part {
        let mut told = Told::default();
        let workloads = &resolved.profile().workloads;
        let subnets_of: Vec<Vec<SubnetId>> = (0..workloads.len())
            .map(|place| resolved.subnets_to_name(place))
            .collect();
        // Workloads share groups and destinations: each way is followed once.
        let mut ways: BTreeMap<BTreeSet<SecurityGroupId>, BTreeMap<Destination, Vec<usize>>> = BTreeMap::new();
        for (place, workload) in workloads.iter().enumerate() {
            let Some(groups) = keys.groups_of(draft, resolved, place) else {
                continue;
            };
            let by_destination = ways.entry(groups).or_default();
            for destination in destinations(&projected, resolved, workload, &subnets_of[place]) {
                by_destination.entry(destination).or_default().push(place);
            }
        }
        for (groups, by_destination) in &ways {
            let mut from: BTreeMap<&SubnetId, Option<Start<'_, '_>>> = BTreeMap::new();
            for (destination, places) in by_destination {
                let subnets: BTreeSet<&SubnetId> = places.iter().flat_map(|place| &subnets_of[*place]).collect();
                for subnet in subnets {
                    let start = from.entry(subnet).or_insert_with(|| reach.from(subnet, groups));
                    let Some(verdict) = start.as_ref().and_then(|start| start.unless_reached(destination)) else {
                        continue;
                    };
                    if let Some(obstacle) = Obstacle::of(draft, destination, &verdict) {
                        let whose = places.iter().filter(|place| subnets_of[**place].contains(subnet));
                        let names = whose.map(|place| workloads[*place].name.clone());
                        told.note(obstacle, names, subnet, destination);
                    }
                }
            }
        }
        findings.extend(told.findings(draft, resolved));
    }
    findings
}

/// Security groups of ours in the network to come, by what they are for.
struct Keys(BTreeMap<ResourceKey, SecurityGroupId>);

impl Keys {
    fn look(draft: &Draft<'_>, projected: &VpcSnapshot) -> Self {
        let claims = Claims::look(draft.network, projected, draft.history);
        let groups = projected.security_groups.keys().rev();
        Self(
            groups
                .filter_map(|id| Some((claims.key_of(id.as_str())?.clone(), id.clone())))
                .collect(),
        )
    }

    /// The groups that a workload will have; `None` where they are not there
    /// and not to come, which is reported where it is found out.
    fn groups_of(
        &self,
        draft: &Draft<'_>,
        resolved: &ResolvedProfile<'_>,
        workload: usize,
    ) -> Option<BTreeSet<SecurityGroupId>> {
        let known = draft
            .groups_of
            .get(resolved.key())
            .and_then(|groups| groups.get(workload));
        let mut groups = known.cloned().unwrap_or_default();
        match &resolved.profile().security_groups {
            SecurityGroups::Own(ids) => {
                if ids.iter().any(|id| !draft.snapshot.security_groups.contains_key(id)) {
                    return None;
                }
                groups.extend(ids.iter().cloned());
            }
            SecurityGroups::PerProfile | SecurityGroups::PerWorkload => {
                let managed = resolved.network.groups.iter();
                for group in managed.filter(|group| group.workloads.contains(&workload)) {
                    groups.insert(self.0.get(&group.key)?.clone());
                }
            }
        }
        match resolved.profile().workloads.get(workload)?.kind {
            WorkloadKind::ElasticInference => {
                groups.extend(self.0.get(&ResourceKey::ElasticInferenceClient).cloned());
            }
            WorkloadKind::Compilation
            | WorkloadKind::Hosting
            | WorkloadKind::Processing
            | WorkloadKind::Training
            | WorkloadKind::Tuning
            | WorkloadKind::Transform
            | WorkloadKind::Notebook
            | WorkloadKind::Studio
            | WorkloadKind::Clarify
            | WorkloadKind::ModelMonitor => {}
        }
        Some(groups)
    }
}

const ELASTIC_INFERENCE: &str = "elastic-inference.runtime";

/// What a workload must reach. With internet access of its own, only what is
/// inside the VPC: the rest goes another way.
pub(super) fn destinations(
    projected: &VpcSnapshot,
    resolved: &ResolvedProfile<'_>,
    workload: &ValidWorkload,
    subnets: &[SubnetId],
) -> Vec<Destination> {
    let has_elastic_inference = projected
        .vpc_endpoints
        .iter()
        .any(|endpoint| projected.is_service(&endpoint.service_name, ELASTIC_INFERENCE));

    let profile = resolved.profile();
    let requirements = workload.kind.requirements();
    let mut all = BTreeSet::new();
    if !workload.direct_internet_access {
        if requirements.needs.contains(&Need::S3) {
            if profile.buckets.is_empty() {
                all.insert(Destination::S3 { bucket: None });
            }
            all.extend(profile.buckets.iter().map(|bucket| Destination::S3 {
                bucket: Some(bucket.clone()),
            }));
        }
        let of_kind = requirements.services.iter().map(|name| (*name).to_owned());
        all.extend(
            of_kind
                .chain(profile.services.iter().cloned())
                .map(Destination::Service),
        );
        // Where the region offers it no more, that is told where it is planned.
        if requirements.needs.contains(&Need::ElasticInference) && has_elastic_inference {
            all.insert(Destination::Service(ELASTIC_INFERENCE.to_owned()));
        }
    }
    for destination in &profile.destinations {
        for port in &destination.ports {
            let cidr = destination.cidr.as_ref().and_then(|cidr| cidr.parse::<IpNet>().ok());
            all.extend(cidr.map(|cidr| Destination::Cidr { cidr, port: *port }));
            if let (Some(name), false) = (&destination.host, workload.direct_internet_access) {
                all.insert(Destination::Host {
                    name: name.clone(),
                    port: *port,
                });
            }
        }
    }
    let outgoing = workload
        .kind
        .rules(workload.options)
        .filter(|rule| rule.direction == Direction::Egress);
    for rule in outgoing {
        let traffic = Traffic {
            protocol: rule.protocol,
            ports: rule.ports,
        };
        for subnet in subnets.iter().cloned() {
            match rule.peer {
                PeerNeed::Members => {
                    all.insert(Destination::Members { subnet, traffic });
                }
                // Where AWS asks for a rule and names no port, nobody is known
                // to listen.
                PeerNeed::SubnetCidrs if rule.ports.is_some() => {
                    all.insert(Destination::Subnet { subnet, traffic });
                }
                PeerNeed::SubnetCidrs | PeerNeed::VpcCidrs | PeerNeed::S3 => {}
            }
        }
    }
    let is_there = |destination: &Destination| match destination {
        Destination::Members { subnet, .. } | Destination::Subnet { subnet, .. } => {
            projected.subnets.contains_key(subnet)
        }
        Destination::S3 { .. } | Destination::Service(_) | Destination::Host { .. } | Destination::Cidr { .. } => true,
    };
    all.into_iter().filter(is_there).collect()
}

/// What keeps packets from a kind of destination, as a finding has it. The same
/// for several subnets, workloads or destinations is told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Obstacle {
    weight: Weight,
    concern: Concern,
    reason: Reason,
    symptom: Symptom,
    /// The resource to look at: what obstacles have in common.
    resource: String,
}

/// The words of an obstacle.
struct Words {
    cause: String,
    fix: String,
}

impl Obstacle {
    /// `None` where there is none, or none to be told.
    fn of(draft: &Draft<'_>, destination: &Destination, verdict: &Verdict) -> Option<(Self, Words)> {
        match verdict {
            Verdict::Reachable(_) => None,
            Verdict::Stopped(_, stop) => Some(Self::stop(destination, &stop.cause)),
            Verdict::Unknown(_, unseen) => Self::unseen(draft, destination, unseen),
        }
    }

    fn stop(destination: &Destination, cause: &Cause) -> (Self, Words) {
        let (concern, reason) = told_as(destination, cause);
        let obstacle = Self {
            weight: Weight::Blocks,
            concern,
            reason,
            symptom: symptom(destination),
            resource: cause.resource(),
        };
        let words = Words {
            cause: cause.to_string(),
            fix: cause.fix(),
        };
        (obstacle, words)
    }

    /// `None` where all that cannot be seen is accepted, or told elsewhere.
    fn unseen(draft: &Draft<'_>, destination: &Destination, unseen: &[Unseen]) -> Option<(Self, Words)> {
        let open = open(draft, unseen);
        let first = open.first()?;
        let is_of_dns = matches!(
            first,
            Unseen::DnsAttributes | Unseen::DhcpOptions | Unseen::CustomResolver { .. }
        );
        let concern = if is_of_dns {
            Concern::Dns
        } else {
            concern_of(destination)
        };
        let (reason, fix) = match acceptance(draft, first) {
            Some(AcceptUnknown::CustomResolver) => (
                Reason::CustomResolver,
                "If they forward to AWS's, list CustomResolver in spec.acceptUnknown of the SageMakerVpc.".to_owned(),
            ),
            Some(AcceptUnknown::SharedVpc) => (
                Reason::SharedVpc,
                "Set spec.credentials.network to a role of the owner's account, or list SharedVpc in \
                 spec.acceptUnknown of the SageMakerVpc."
                    .to_owned(),
            ),
            Some(acceptance) => (
                Reason::BeyondTheVpc,
                format!("If it leads there, list {acceptance:?} in spec.acceptUnknown of the SageMakerVpc."),
            ),
            None => (Reason::ReachUnknown, remedy(first)),
        };
        // What answers inside the VPC is its owners' affair.
        let is_receiver = open.iter().all(|unseen| matches!(unseen, Unseen::Receiver { .. }));
        let obstacle = Self {
            weight: if is_receiver { Weight::Advice } else { Weight::Unknown },
            concern,
            reason,
            symptom: symptom(destination),
            resource: first.to_string(),
        };
        let words = Words {
            cause: format!("it cannot be seen {}", listed(&open)),
            fix,
        };
        Some((obstacle, words))
    }
}

/// How far a way can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    /// Packets do not get there.
    No,
    /// That hangs on what cannot be seen, and is not taken to work.
    Unknown,
    /// They do.
    Yes,
}

/// What a verdict comes to, given that there is none on what is reached.
pub(super) fn reached(draft: &Draft<'_>, verdict: Option<&Verdict>) -> Reached {
    match verdict {
        None | Some(Verdict::Reachable(_)) => Reached::Yes,
        Some(Verdict::Stopped(..)) => Reached::No,
        Some(Verdict::Unknown(_, unseen)) if is_taken_to_work(draft, unseen) => Reached::Yes,
        Some(Verdict::Unknown(..)) => Reached::Unknown,
    }
}

/// Whether what cannot be seen does not count.
pub(super) fn is_taken_to_work(draft: &Draft<'_>, unseen: &[Unseen]) -> bool {
    open(draft, unseen).is_empty()
}

/// What of it is neither accepted nor told elsewhere.
fn open<'u>(draft: &Draft<'_>, unseen: &'u [Unseen]) -> Vec<&'u Unseen> {
    let accepted = &draft.network.vpc.accept_unknown;
    unseen
        .iter()
        .filter(|unseen| **unseen != Unseen::NetworkAcls)
        .filter(|unseen| acceptance(draft, unseen).is_none_or(|acceptance| !accepted.contains(&acceptance)))
        .collect()
}

/// The switch that takes something unseen to work.
fn acceptance(draft: &Draft<'_>, unseen: &Unseen) -> Option<AcceptUnknown> {
    match unseen {
        Unseen::CustomResolver { .. } => Some(AcceptUnknown::CustomResolver),
        Unseen::TransitGateway { .. } | Unseen::CoreNetwork { .. } => Some(AcceptUnknown::TransitGateway),
        Unseen::Firewall { .. } => Some(AcceptUnknown::Firewall),
        Unseen::Peering { .. } | Unseen::VirtualPrivateGateway { .. } => Some(AcceptUnknown::Peering),
        // Endpoints of a shared VPC are its owner's, whom alone they show themselves to.
        Unseen::Endpoint { .. } if draft.snapshot.foreign_owner().is_some() => Some(AcceptUnknown::SharedVpc),
        Unseen::DnsAttributes
        | Unseen::DhcpOptions
        | Unseen::NetworkAcls
        | Unseen::PrefixList { .. }
        | Unseen::Endpoint { .. }
        | Unseen::EndpointGroups { .. }
        | Unseen::Policy { .. }
        | Unseen::SecurityGroup { .. }
        | Unseen::NatGateway { .. }
        | Unseen::InternetGateway { .. }
        | Unseen::Gateway { .. }
        | Unseen::Receiver { .. }
        | Unseen::Addresses { .. } => None,
    }
}

fn remedy(unseen: &Unseen) -> String {
    match (unseen.file(), unseen) {
        (Some(file), _) => format!("Allow the controller's role to look at it, or add {file} to the snapshot."),
        (None, Unseen::Addresses { .. }) => "Open the way to all public addresses.".to_owned(),
        (None, _) => "Choose a way that can be seen.".to_owned(),
    }
}

/// What a destination is about.
fn concern_of(destination: &Destination) -> Concern {
    match destination {
        Destination::S3 { .. } => Concern::S3,
        Destination::Service(name) if name == ELASTIC_INFERENCE => Concern::ElasticInference,
        Destination::Service(_) => Concern::Endpoints,
        Destination::Members { .. } | Destination::Subnet { .. } => Concern::Subnets,
        Destination::Host { .. } | Destination::Cidr { .. } => Concern::Internet,
    }
}

/// The condition and the reason that tell of a stop.
fn told_as(destination: &Destination, cause: &Cause) -> (Concern, Reason) {
    let concern = concern_of(destination);
    match cause {
        Cause::DnsOff { .. } => (Concern::Dns, Reason::DnsDisabled),
        Cause::NoResolver { .. } => (Concern::Dns, Reason::DhcpOptionsIncomplete),
        Cause::NotAdmitted {
            direction: Direction::Ingress,
            ..
        } if matches!(destination, Destination::Service(_)) => (concern, Reason::RuleMissing),
        Cause::NotAdmitted { .. } => (Concern::SecurityGroups, Reason::RuleMissing),
        Cause::AclDenies { .. } => (Concern::NetworkAcls, Reason::NetworkAclBlocks),
        Cause::NoRoute { .. } if concern == Concern::S3 => (concern, Reason::S3EndpointMissing),
        Cause::EndpointUnavailable { .. } if concern == Concern::S3 => (concern, Reason::S3EndpointUnavailable),
        Cause::EndpointUnavailable { .. } => (concern, Reason::EndpointUnavailable),
        Cause::PolicyBlocks { .. } => (Concern::S3, Reason::PolicyBlocks),
        Cause::NoEndpoint { .. } => (concern, Reason::EndpointMissing),
        Cause::PrivateDnsOff { .. } => (concern, Reason::PrivateDnsOff),
        Cause::Blackhole { .. } => (concern, Reason::BlackholeRoute),
        Cause::NatUnavailable { .. } => (concern, Reason::NatGatewayUnavailable),
        Cause::NatInPrivateSubnet { .. } => (concern, Reason::NatGatewayInPrivateSubnet),
        Cause::GatewayDetached { .. } => (concern, Reason::InternetGatewayMissing),
        Cause::NoRoute { .. } | Cause::NatIsPrivate { .. } | Cause::NoPublicAddress { .. } => {
            (concern, Reason::NoWayOut)
        }
        Cause::NoAddress { .. } | Cause::NoRouteTable { .. } | Cause::NoSubnet { .. } => (concern, Reason::Unreached),
    }
}

fn symptom(destination: &Destination) -> Symptom {
    match destination {
        Destination::S3 { .. } => Symptom::NoWayToS3,
        Destination::Service(name) if name.contains("sagemaker.") => Symptom::NoWayToSageMaker,
        Destination::Service(name) if name.ends_with("sts") || name.ends_with("logs") => Symptom::StaysStarting,
        Destination::Service(_) => Symptom::NoWayToServices,
        Destination::Members { .. } | Destination::Subnet { .. } => Symptom::MembersCannotTalk,
        Destination::Host { .. } | Destination::Cidr { .. } => Symptom::NoWayOut,
    }
}

/// Obstacles of one profile, each with whom it concerns.
#[derive(Default)]
struct Told(BTreeMap<Obstacle, Concerned>);

struct Concerned {
    words: Words,
    workloads: BTreeSet<String>,
    subnets: BTreeSet<SubnetId>,
    destinations: BTreeSet<String>,
}

impl Told {
    fn note(
        &mut self,
        (obstacle, words): (Obstacle, Words),
        workloads: impl Iterator<Item = String>,
        subnet: &SubnetId,
        destination: &Destination,
    ) {
        let concerned = self.0.entry(obstacle).or_insert_with(|| Concerned {
            words,
            workloads: BTreeSet::new(),
            subnets: BTreeSet::new(),
            destinations: BTreeSet::new(),
        });
        concerned.workloads.extend(workloads);
        concerned.subnets.insert(subnet.clone());
        concerned.destinations.insert(destination.to_string());
    }

    /// What is to be told: not what another finding says already of the same
    /// workloads under the same concern.
    fn findings(self, draft: &Draft<'_>, resolved: &ResolvedProfile<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (mut obstacle, mut concerned) in self.0 {
            let said = |workload: &String| {
                draft.findings().iter().any(|finding| {
                    finding.concern == obstacle.concern
                        && finding.weight <= obstacle.weight
                        && (finding.weight.stands_in_the_way() || !obstacle.weight.stands_in_the_way())
                        && finding
                            .concerns(resolved.key())
                            .is_some_and(|names| names.is_none_or(|names| names.contains(workload)))
                })
            };
            concerned.workloads.retain(|workload| !said(workload));
            if concerned.workloads.is_empty() {
                continue;
            }
            if obstacle.symptom == Symptom::NoWayOut && concerned.subnets.len() < resolved.subnets.len() {
                obstacle.symptom = Symptom::NoWayOutSometimes;
            }
            let verb = match obstacle.weight {
                Weight::Blocks => "cannot be reached",
                Weight::Unknown | Weight::Unmet | Weight::Aside | Weight::Advice => "may not be reached",
            };
            let message = format!(
                "From {}, {} {verb}: {}. {}",
                listed(&concerned.subnets),
                listed(&concerned.destinations),
                concerned.words.cause,
                concerned.words.fix
            );
            let is_all = concerned.workloads.len() == resolved.profile().workloads.len();
            findings.push(Finding {
                concern: obstacle.concern,
                scope: if is_all {
                    resolved.scope()
                } else {
                    Scope::Workloads(resolved.key().clone(), concerned.workloads.into_iter().collect())
                },
                weight: obstacle.weight,
                reason: obstacle.reason,
                message,
                resource: None,
                symptom: (obstacle.weight == Weight::Blocks).then_some(obstacle.symptom),
            });
        }
        findings
    }
}
