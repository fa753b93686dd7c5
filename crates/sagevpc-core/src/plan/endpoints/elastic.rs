//! Who needs the endpoint of Elastic Inference.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    needs::{EndpointNeed, elastic_inference_of},
    services::{NamedService, look_up},
};
use crate::{
    catalog::ELASTIC_INFERENCE,
    plan::{draft::Draft, resolved::ResolvedProfile},
    report::Scope,
    types::{ProfileKey, ResourceKey},
};

/// What the endpoint is called among what is ours.
pub(in crate::plan) fn endpoint_key() -> ResourceKey {
    ResourceKey::InterfaceEndpoint {
        service: ELASTIC_INFERENCE.to_owned(),
    }
}

/// Workloads by their profile, each profile's by their places.
pub(in crate::plan) type Workloads<'a> = BTreeMap<&'a ProfileKey, (Scope, BTreeSet<usize>)>;

pub(in crate::plan) fn workloads<'a>(profiles: &[ResolvedProfile<'a>]) -> Workloads<'a> {
    profiles
        .iter()
        .map(|resolved| (resolved, elastic_inference_of(resolved)))
        .filter(|(_, places)| !places.is_empty())
        .map(|(resolved, places)| (resolved.key(), (resolved.scope_of(&places), places)))
        .collect()
}

/// Profiles whose workloads use it.
pub(in crate::plan) fn callers(profiles: &[ResolvedProfile<'_>]) -> BTreeSet<ProfileKey> {
    workloads(profiles).into_keys().cloned().collect()
}

/// The need of an endpoint, where workloads use the service and the region has
/// it.
pub(in crate::plan) fn need<'a>(draft: &Draft<'a>, profiles: &[ResolvedProfile<'a>]) -> Option<EndpointNeed<'a>> {
    let workloads = workloads(profiles);
    if workloads.is_empty() {
        return None;
    }
    let NamedService::Service(service) = look_up(draft.snapshot, &draft.network.vpc.region, ELASTIC_INFERENCE) else {
        return None;
    };
    // An endpoint that outlived its service serves nobody.
    let is_offered = service.details.is_some() || !services_were_seen(draft);
    if !is_offered {
        return None;
    }
    let mut need = EndpointNeed::new(service);
    for resolved in profiles {
        if let Some((scope, _)) = workloads.get(resolved.key()) {
            need.callers.insert(resolved.key(), scope.clone());
            let subnets = resolved.subnets.iter();
            need.subnets.extend(subnets.map(|subnet| (&subnet.subnet_id, *subnet)));
        }
    }
    Some(need)
}

pub(in crate::plan) fn services_were_seen(draft: &Draft<'_>) -> bool {
    let mut services = draft.snapshot.endpoint_services.iter();
    services.any(crate::observed::EndpointService::is_interface)
}
