//! Whether packets get there: what every verdict rests on.
//!
//! The network is judged as it will be once the plan is carried out. So what an
//! action repairs is not reported here: while it is not done, it stands in the
//! way by itself. Each demand of each workload is followed, and what is in the
//! way becomes a finding; who plans only says what no action of ours gives.
//!
//! | File | Knows |
//! |---|---|
//! | `obstacles` | how what is in the way is put together and told |
//! | `meanwhile` | services that are reached by another way than an endpoint that is missing |
//! | `roots` | what is one cause |
//! | `mirrors` | package repositories that are in reach though they are denied |

mod meanwhile;
mod mirrors;
mod obstacles;
mod roots;

use std::collections::{BTreeMap, BTreeSet};

use self::{mirrors::LeadingOut, obstacles::Obstacles};
use super::{dns, draft::Draft, project::project};
use crate::{
    api::AcceptUnknown,
    catalog::ELASTIC_INFERENCE,
    demand::{Demand, DemandPeer},
    observed::VpcSnapshot,
    plan::{
        claims::Claims,
        resolved::{ResolvedProfile, WorkloadGroups},
    },
    reach::{Destination, Hop, Reach, Start, Unseen, Verdict},
    report::Finding,
    types::{ResourceKey, SecurityGroupId, SubnetId},
    validate::SecurityGroups,
};

pub(super) fn judge(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], groups: &WorkloadGroups) {
    meanwhile::spare(draft, profiles, groups);
    for finding in findings(draft, profiles, groups) {
        draft.push(finding);
    }
    dns::advise_on_hostnames(draft, profiles);
}

fn findings(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>], known: &WorkloadGroups) -> Vec<Finding> {
    let taking_part: Vec<&ResolvedProfile<'_>> = profiles.iter().filter(|resolved| resolved.takes_part()).collect();
    let mut findings = Vec::new();
    if taking_part.is_empty() {
        return findings;
    }
    let projected = project(draft.snapshot, draft.actions().map(|planned| &planned.action));
    let reach = reader(draft, &projected);
    let keys = Keys::look(draft, &projected);
    let mut leading_out = LeadingOut::default();
    for resolved in taking_part {
        let mut obstacles = Obstacles::of(draft, &projected, resolved);
        let sources = keys.sources(draft, resolved, known);
        findings.extend(leading_out.advise(&reach, resolved, sources.keys().map(|source| &source.groups)));
        for (from, places) in sources {
            let mut demanded: BTreeMap<Destination, Vec<(usize, &Demand)>> = BTreeMap::new();
            for place in places {
                for (destination, demand) in destinations(&projected, resolved, place, &from.subnets) {
                    demanded.entry(destination).or_default().push((place, demand));
                }
            }
            let starts: Vec<_> = from
                .subnets
                .iter()
                .filter_map(|subnet| Some((subnet, reach.from(subnet, &from.groups)?)))
                .collect();
            let may_resolve = |(subnet, start): &(_, Start<'_, '_>)| start.no_dns_server().is_none().then_some(*subnet);
            let resolving: BTreeSet<&SubnetId> = starts.iter().filter_map(may_resolve).collect();
            for (destination, demands) in &demanded {
                for (subnet, start) in &starts {
                    let Some(answer) = start.answer(destination) else {
                        continue;
                    };
                    for (place, demand) in demands {
                        if demand.peer == DemandPeer::Resolver && resolving.contains(subnet) {
                            let demand = demand.as_usual();
                            obstacles.note(&answer, &demand, *place, subnet, destination);
                        } else {
                            obstacles.note(&answer, demand, *place, subnet, destination);
                        }
                    }
                }
            }
        }
        findings.extend(obstacles.findings());
    }
    findings
}

/// Reads a network, and takes to work what the spec accepts.
pub(super) fn reader<'s>(draft: &Draft<'_>, snapshot: &'s VpcSnapshot) -> Reach<'s> {
    let reach = Reach::new(snapshot);
    let accepted = &draft.network.vpc.accept_unknown;
    if accepted.contains(&AcceptUnknown::CustomResolver) {
        reach.accepting_custom_resolvers()
    } else {
        reach
    }
}

/// Where the packets of workloads begin.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    groups: BTreeSet<SecurityGroupId>,
    subnets: Vec<SubnetId>,
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

    /// Where packets of a profile's workloads begin, each with the places of the
    /// workloads that share it: their ways are followed once.
    fn sources(
        &self,
        draft: &Draft<'_>,
        resolved: &ResolvedProfile<'_>,
        known: &WorkloadGroups,
    ) -> BTreeMap<Source, Vec<usize>> {
        let mut sources: BTreeMap<Source, Vec<usize>> = BTreeMap::new();
        for place in 0..resolved.profile().workloads.len() {
            if let Some(groups) = self.groups_of(draft, resolved, place, known) {
                let subnets = resolved.subnets_to_name(place);
                sources.entry(Source { groups, subnets }).or_default().push(place);
            }
        }
        sources
    }

    /// The groups that a workload will have; `None` where they are not there
    /// and not to come, which is reported where it is found out.
    fn groups_of(
        &self,
        draft: &Draft<'_>,
        resolved: &ResolvedProfile<'_>,
        workload: usize,
        known: &WorkloadGroups,
    ) -> Option<BTreeSet<SecurityGroupId>> {
        let mut groups = known.of_workload(resolved.key(), workload).cloned().unwrap_or_default();
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
        let mut demands = resolved.network.demands.of_workload(workload).iter();
        if demands.any(|demand| demand.peer == DemandPeer::ElasticInference) {
            groups.extend(self.0.get(&ResourceKey::ElasticInferenceClient).cloned());
        }
        Some(groups)
    }
}

/// What the workload at this place must reach, each with the demand that asks
/// for it.
pub(super) fn destinations<'d>(
    projected: &VpcSnapshot,
    resolved: &ResolvedProfile<'d>,
    place: usize,
    subnets: &[SubnetId],
) -> BTreeMap<Destination, &'d Demand> {
    let demands = resolved.network.demands.of_workload(place).iter();
    let mut all = BTreeMap::new();
    for demand in demands.filter(|demand| demand.applies_in(projected.vpc.cidrs())) {
        for destination in destinations_of(projected, demand, subnets) {
            all.entry(of_its_region(projected, resolved, destination))
                .or_insert(demand);
        }
    }
    all
}

/// The destination, or where its bucket is if the profile says that it is in
/// another region; what S3 itself says is known to the network.
fn of_its_region(projected: &VpcSnapshot, resolved: &ResolvedProfile<'_>, destination: Destination) -> Destination {
    let Destination::S3 { bucket: Some(bucket) } = &destination else {
        return destination;
    };
    let is_seen = projected
        .buckets
        .get(&bucket.name)
        .is_some_and(|seen| seen.region.is_some());
    let declared = resolved.profile().bucket_regions.get(&bucket.name).filter(|_| !is_seen);
    match declared.filter(|region| projected.region.as_ref().is_some_and(|here| here != *region)) {
        Some(region) => Destination::BucketElsewhere {
            bucket: bucket.name.clone(),
            region: region.clone(),
        },
        None => destination,
    }
}

/// The destinations of a demand from any of these subnets.
pub(super) fn destinations_of(projected: &VpcSnapshot, demand: &Demand, subnets: &[SubnetId]) -> Vec<Destination> {
    let traffic = demand.traffic;
    let there = subnets.iter().filter(|subnet| projected.subnets.contains_key(*subnet));
    match &demand.peer {
        DemandPeer::S3 { bucket } => vec![Destination::S3 { bucket: bucket.clone() }],
        DemandPeer::PackageMirrors => vec![Destination::PackageMirrors],
        DemandPeer::Service(name) => vec![Destination::Service(name.clone())],
        // Where the region offers it no more, that is told where it is planned.
        DemandPeer::ElasticInference => {
            let mut endpoints = projected.vpc_endpoints.iter();
            let is_there = endpoints.any(|endpoint| projected.is_service(&endpoint.service_name, ELASTIC_INFERENCE));
            let service = is_there.then(|| Destination::Service(ELASTIC_INFERENCE.to_owned()));
            service.into_iter().collect()
        }
        DemandPeer::EfaMembers => vec![Destination::Efa],
        DemandPeer::Members => there
            .map(|subnet| Destination::Members {
                subnet: subnet.clone(),
                traffic,
            })
            .collect(),
        DemandPeer::OwnSubnets => there
            .map(|subnet| Destination::Subnet {
                subnet: subnet.clone(),
                traffic,
            })
            .collect(),
        DemandPeer::Resolver => projected
            .custom_resolver_addresses()
            .map(|server| Destination::Resolver { server, traffic })
            .collect(),
        DemandPeer::Host(name) => vec![Destination::Host {
            name: name.clone(),
            traffic,
        }],
        DemandPeer::Cidr { cidr, .. } => vec![Destination::Cidr { cidr: *cidr, traffic }],
        DemandPeer::Inside { whom, calls_back } => vec![Destination::Inside {
            whom: whom.clone(),
            traffic,
            calls_back: *calls_back,
        }],
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

/// Whether the verdict is that a service is reached past interface endpoints, by
/// its public addresses.
pub(super) fn is_by_way_out(draft: &Draft<'_>, verdict: &Verdict) -> bool {
    let mut hops = verdict.path().0.iter();
    let is_endpoint = hops.any(|hop| matches!(hop, Hop::PrivateName { .. } | Hop::InterfaceEndpoint { .. }));
    !is_endpoint && reached(draft, Some(verdict)) == Reached::Yes
}

/// Whether what cannot be seen does not count.
pub(super) fn is_taken_to_work(draft: &Draft<'_>, unseen: &[Unseen]) -> bool {
    // That nobody looked at the ACLs is told once for the VPC, where they are planned.
    let mut of_interest = unseen.iter().filter(|unseen| **unseen != Unseen::NetworkAcls);
    of_interest.all(|unseen| !is_open(draft, unseen))
}

/// Whether something that cannot be seen is not accepted.
fn is_open(draft: &Draft<'_>, unseen: &Unseen) -> bool {
    let accepted = &draft.network.vpc.accept_unknown;
    let acceptance = unseen.acceptance(draft.snapshot.foreign_owner().is_some());
    acceptance.is_none_or(|acceptance| !accepted.contains(&acceptance))
}
