//! Services that workloads reach by another way than the interface endpoint
//! that is planned, or that cannot be had: a way out does as well, so that the
//! lack of the endpoint keeps nobody from running.

use std::collections::{BTreeMap, BTreeSet};

use super::{Keys, destinations_of, is_by_way_out, reader};
use crate::{
    api::Reason,
    catalog::names_service,
    demand::{Demand, DemandPeer},
    plan::{
        Action, ActionId, PlannedAction, Serves, VpcEndpointChange,
        draft::Draft,
        project::project,
        resolved::{ResolvedProfile, WorkloadGroups},
    },
    report::{Concern, Finding, Lack, Weight},
    types::{ProfileKey, ResourceKey},
};

/// Takes out of the workloads' way what is only one of two ways to a service.
pub(super) fn spare(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], groups: &WorkloadGroups) {
    let is_about_services = |finding: &Finding| !services_of(draft, finding).is_empty();
    let is_needed =
        draft.actions().any(|planned| service_of(planned).is_some()) || draft.findings().iter().any(is_about_services);
    if !is_needed {
        return;
    }
    let served = Served::of(draft, profiles, groups);
    let endpoints: Vec<(ActionId, BTreeSet<ProfileKey>)> = draft
        .actions()
        .filter_map(|planned| Some((planned.id, served.all_that_call(service_of(planned)?, &planned.serves))))
        .collect();
    let without_group = without_group(draft, &served, &endpoints);
    let groups: Vec<(ActionId, BTreeSet<ProfileKey>)> = draft
        .actions()
        .filter(|planned| is_of_group(planned))
        .map(|planned| {
            (
                planned.id,
                those_of(&planned.serves)
                    .intersection(&without_group)
                    .cloned()
                    .collect(),
            )
        })
        .collect();
    for (id, profiles) in &endpoints {
        if let Some(planned) = draft.graph.get_mut(*id).filter(|_| !profiles.is_empty()) {
            planned
                .reason
                .push_str(", though workloads reach it by a way out as well");
        }
    }
    for (id, profiles) in endpoints.into_iter().chain(groups) {
        if let Some(planned) = draft.graph.get_mut(id) {
            planned.spares = profiles;
        }
    }
    let mut findings = std::mem::take(&mut draft.findings);
    findings.retain_mut(|finding| {
        let services = services_of(draft, finding);
        let is_served = !services.is_empty() && services.iter().all(|service| served.covers(finding, service));
        if !is_served {
            return true;
        }
        let was_advice = finding.weight == Weight::Advice;
        finding.weight = Weight::Advice;
        !was_advice
    });
    draft.findings = findings;
}

/// The service that an endpoint is to be made for.
fn service_of(planned: &PlannedAction) -> Option<&str> {
    if let Action::VpcEndpoint(VpcEndpointChange::CreateInterface { service_name, .. }) = &planned.action
        && planned.blocks == Some(Concern::Endpoints)
    {
        Some(service_name)
    } else {
        None
    }
}

/// Whether it keeps the security group that interface endpoints share.
fn is_of_group(planned: &PlannedAction) -> bool {
    planned.key == Some(ResourceKey::EndpointSecurityGroup) && planned.blocks == Some(Concern::Endpoints)
}

/// The profiles that do without the group that endpoints share: none of the
/// endpoints that are there or are to be made is their only way.
fn without_group(
    draft: &Draft<'_>,
    served: &Served<'_>,
    endpoints: &[(ActionId, BTreeSet<ProfileKey>)],
) -> BTreeSet<ProfileKey> {
    let mut without: BTreeSet<ProfileKey> = endpoints
        .iter()
        .flat_map(|(_, spared)| spared.iter().cloned())
        .collect();
    for (id, spared) in endpoints {
        let planned = draft.actions().find(|planned| planned.id == *id);
        let served = planned.map(|planned| those_of(&planned.serves)).unwrap_or_default();
        without.retain(|key| spared.contains(key) || !served.contains(key));
    }
    let there = draft.snapshot.vpc_endpoints.iter().filter(|endpoint| {
        endpoint.is_interface() && endpoint.is_there() && draft.claims.is_ours(endpoint.vpc_endpoint_id.as_str())
    });
    for endpoint in there {
        without.retain(|key| !served.calls(key, &endpoint.service_name));
    }
    without
}

/// The profiles that something serves in particular.
fn those_of(serves: &Serves) -> BTreeSet<ProfileKey> {
    match serves {
        Serves::Vpc | Serves::SageMakerVpc => BTreeSet::new(),
        Serves::Profile(key) => BTreeSet::from([key.clone()]),
        Serves::Profiles(keys) => keys.clone(),
    }
}

/// The services that a finding says to be out of reach for want of an endpoint
/// that serves; none where it says something else.
fn services_of<'f>(draft: &Draft<'_>, finding: &'f Finding) -> Vec<&'f str> {
    // A name that stands for no service is no service's that could be reached.
    let is_a_name = finding.reason == Reason::ServiceNotFound && !draft.snapshot.endpoint_services.is_empty();
    if finding.concern != Concern::Endpoints || is_a_name {
        return Vec::new();
    }
    let services = finding.lacks.iter().map(|lack| match lack {
        Lack::Service(name) => Some(name.as_str()),
        Lack::Dns
        | Lack::S3Route(_)
        | Lack::Endpoint(_)
        | Lack::WayOut(_)
        | Lack::NatGateway(_)
        | Lack::AclRules(_)
        | Lack::GroupRules(_)
        | Lack::Other => None,
    });
    services.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Which workloads call which service, and whether they reach it without an
/// endpoint that is still to be made.
struct Served<'p>(BTreeMap<(&'p ProfileKey, &'p str), BTreeMap<&'p str, bool>>);

impl<'p> Served<'p> {
    fn of(draft: &Draft<'_>, profiles: &'p [ResolvedProfile<'_>], known: &WorkloadGroups) -> Self {
        let is_endpoint =
            |action: &&Action| matches!(action, Action::VpcEndpoint(VpcEndpointChange::CreateInterface { .. }));
        let others = draft.actions().map(|planned| &planned.action);
        let projected = project(draft.snapshot, others.filter(|action| !is_endpoint(action)));
        let reach = reader(draft, &projected);
        let keys = Keys::look(draft, &projected);
        let mut served: BTreeMap<(&ProfileKey, &str), BTreeMap<&str, bool>> = BTreeMap::new();
        for resolved in profiles.iter().filter(|resolved| resolved.takes_part()) {
            for (from, places) in keys.sources(draft, resolved, known) {
                let starts: Vec<_> = from
                    .subnets
                    .iter()
                    .map(|subnet| reach.from(subnet, &from.groups))
                    .collect();
                let is_reached = |demand: &Demand| {
                    let destinations = destinations_of(&projected, demand, &from.subnets);
                    destinations.iter().all(|destination| {
                        starts.iter().all(|start| {
                            let Some(start) = start else { return false };
                            let verdict = start.to(destination);
                            is_by_way_out(draft, &verdict)
                        })
                    })
                };
                for place in places {
                    let workload = resolved.profile().workloads[place].name.as_str();
                    for demand in resolved.network.demands.of_workload(place) {
                        if let DemandPeer::Service(name) = &demand.peer {
                            let services = served.entry((resolved.key(), workload)).or_default();
                            services.insert(name, !starts.is_empty() && is_reached(demand));
                        }
                    }
                }
            }
        }
        Self(served)
    }

    /// Those of the profiles whose workloads that call the service all reach it.
    fn all_that_call(&self, service: &str, serves: &Serves) -> BTreeSet<ProfileKey> {
        let mut profiles = those_of(serves);
        profiles.retain(|key| {
            let verdicts = self.of_profile(key, service);
            !verdicts.is_empty() && verdicts.into_iter().all(|is_reached| is_reached)
        });
        profiles
    }

    /// Whether any workload of the profile calls the service.
    fn calls(&self, key: &ProfileKey, service: &str) -> bool {
        !self.of_profile(key, service).is_empty()
    }

    /// Whether it is reached, by each workload of the profile that calls it.
    fn of_profile(&self, key: &ProfileKey, service: &str) -> Vec<bool> {
        let its = self.0.iter().filter(|((profile, _), _)| *profile == key);
        its.flat_map(|(_, services)| reached_of(services, service)).collect()
    }

    /// Whether all whom a finding concerns that call the service reach it.
    fn covers(&self, finding: &Finding, service: &str) -> bool {
        let concerned = self.0.iter().filter(|((profile, workload), _)| {
            let names = finding.concerns(profile);
            names.is_some_and(|names| names.is_none_or(|names| names.iter().any(|name| name == workload)))
        });
        let verdicts: Vec<bool> = concerned
            .flat_map(|(_, services)| reached_of(services, service))
            .collect();
        !verdicts.is_empty() && verdicts.into_iter().all(|is_reached| is_reached)
    }
}

/// Whether a workload reaches the service, by each name that it calls it by.
fn reached_of<'s>(services: &'s BTreeMap<&str, bool>, service: &'s str) -> impl Iterator<Item = bool> {
    let is_it = move |name: &str| names_service(name, service) || names_service(service, name);
    services
        .iter()
        .filter(move |(name, _)| is_it(name))
        .map(|(_, is_reached)| *is_reached)
}
