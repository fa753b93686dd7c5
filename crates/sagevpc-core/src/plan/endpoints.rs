//! Interface endpoints: one for each service that workloads call, in each zone
//! that they are in, with a security group that all of them share.
//!
//! An endpoint of somebody else's that serves already is used as it is and
//! judged. What [`keep`] does for one service, Elastic Inference uses as well,
//! with groups of its own.

mod change;
pub(super) mod elastic;
mod found;
mod group;
mod hit;
mod keep;
mod needs;
mod placement;
pub(super) mod services;
mod setting;
mod way_out;

use std::collections::{BTreeMap, BTreeSet};

use self::found::{Endpoints, key_of, report_what_is_not_adopted};
use self::services::Service;
pub(super) use self::{
    group::{EndpointGroup, finish as finish_group, let_go as let_go_groups, prepare as prepare_group},
    hit::of_lost_admission,
    keep::keep,
    needs::{EndpointNeed, serves},
    placement::place,
    way_out::ByWayOut,
};
use super::{Action, PlannedAction, Serves, draft::Draft};
pub(super) use crate::plan::endpoints::setting::{Dns, Setting};
use crate::{
    api::Reason,
    catalog::{MAX_INTERFACE_ENDPOINTS, names_service},
    observed::{SecurityGroup, VpcEndpoint},
    plan::{VpcEndpointChange, kept::HeldThing, resolved::ResolvedProfile},
    report::{Concern, Scope, Weight},
    types::{ProfileKey, ResourceKey, Rule, SecurityGroupId, SubnetId},
};

const CONCERN: Concern = Concern::Endpoints;

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let (mut needs, findings) = needs::gather(draft, profiles);
    for finding in findings {
        draft.push(finding);
    }
    let elastic = elastic::need(draft, profiles);
    needs.extend(left_behind(draft, &needs, elastic.as_ref()));
    let wanted: Vec<&EndpointNeed<'_>> = needs.iter().chain(&elastic).collect();
    report_what_is_not_adopted(draft, &wanted);
    let kept: BTreeSet<&str> = wanted.iter().map(|need| need.service.name).collect();
    let stays = |key: &ResourceKey| *key == elastic::endpoint_key() && draft.keeping.has(HeldThing::ElasticInference);
    let unneeded: Vec<&VpcEndpoint> = draft
        .snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| endpoint.is_there() && key_of(draft, endpoint).is_some_and(|key| !stays(&key)))
        .filter(|endpoint| !kept.contains(endpoint.service_name.as_str()))
        .collect();

    let dns = Dns::of(draft);
    // Where all that is called is served by others, or by nobody, no group is
    // needed.
    let ours: Vec<&EndpointNeed<'_>> = needs
        .iter()
        .filter(|need| is_ours_to_serve(draft, need, &dns))
        .collect();
    let callers: BTreeSet<&ProfileKey> = ours.iter().flat_map(|need| need.callers.keys().copied()).collect();
    let group = if ours.is_empty() {
        None
    } else {
        group::keep(draft, profiles, &callers)
    };
    for need in &needs {
        let setting = Setting {
            concern: CONCERN,
            group: group.as_ref(),
            dns: &dns,
            frozen: draft.keeping.has(HeldThing::Service(need.service.name)),
        };
        keep(draft, need, &setting);
    }
    for endpoint in unneeded {
        let reason = if draft.by_way_out.has(&endpoint.service_name) {
            "workloads reach the service by a way out, and spec.interfaceEndpoints.mode is WhereNoWayOut"
        } else {
            "no workload calls the service any more"
        };
        let_go(draft, endpoint, reason);
    }
    if ours.is_empty() && !draft.keeping.has(HeldThing::Endpoints) {
        let reason = "the VPC has no interface endpoint of ours any more";
        let_go_groups(draft, &[ResourceKey::EndpointSecurityGroup], reason);
    }
    advise_on_quota(draft);
    way_out::tell(draft);
}

/// Whether an endpoint of ours serves the need, or can be made for it.
fn is_ours_to_serve(draft: &Draft<'_>, need: &EndpointNeed<'_>, dns: &Dns) -> bool {
    let endpoints = Endpoints::of(draft, &need.service);
    if endpoints.serving.is_some() {
        return false;
    }
    let is_there = endpoints.chosen().is_some() || !endpoints.leaving.is_empty();
    let can_be_made = match dns {
        _ if is_the_owners(draft) => false,
        Dns::Off if need.service.private_dns => false,
        Dns::Off | Dns::After(_) => !place(draft.snapshot, need, &[], None, &BTreeMap::new()).is_nowhere(),
    };
    is_there || can_be_made
}

/// Whether endpoints are another account's to make, which shows them to nobody: a
/// service may have one already, and a second is not asked for.
fn is_the_owners(draft: &Draft<'_>) -> bool {
    draft.snapshot.foreign_owner().is_some()
}

/// Somebody else's endpoint that serves the need already.
pub(super) fn serving<'a>(draft: &Draft<'a>, need: &EndpointNeed<'_>) -> Option<&'a VpcEndpoint> {
    Endpoints::of(draft, &need.service).serving
}

/// The services that workloads call and somebody else's endpoints serve.
pub(super) fn served_by_others(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<String> {
    let (needs, _) = needs::gather(draft, profiles);
    let elastic = elastic::need(draft, profiles);
    let all = needs.iter().chain(&elastic);
    all.filter(|need| serving(draft, need).is_some())
        .map(|need| need.service.name.to_owned())
        .collect()
}

/// The subnets of the endpoint that is kept for the need.
pub(super) fn present(draft: &Draft<'_>, need: &EndpointNeed<'_>) -> Vec<SubnetId> {
    let chosen = Endpoints::of(draft, &need.service).chosen();
    chosen.map(|endpoint| endpoint.subnet_ids.clone()).unwrap_or_default()
}

/// The addresses that endpoints which are still to be made, or are to get
/// another zone, will take from each subnet. Each interface takes one.
pub(super) fn addresses_to_take(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeMap<SubnetId, u32> {
    let (needs, _) = needs::gather(draft, profiles);
    let elastic = elastic::need(draft, profiles);
    let address_type = draft.network.vpc.interface_endpoints.ip_address_type;
    let mut taken: BTreeMap<SubnetId, u32> = BTreeMap::new();
    for need in needs.iter().chain(&elastic) {
        if serving(draft, need).is_some() || is_the_owners(draft) {
            continue;
        }
        let placement = place(draft.snapshot, need, &present(draft, need), address_type, &taken);
        for subnet in placement.add {
            *taken.entry(subnet).or_default() += 1;
        }
    }
    taken
}

/// Services that only frozen profiles may call: their endpoints stay as they
/// are.
fn left_behind<'a>(
    draft: &Draft<'a>,
    needs: &[EndpointNeed<'a>],
    elastic: Option<&EndpointNeed<'a>>,
) -> Vec<EndpointNeed<'a>> {
    let mut left: Vec<EndpointNeed<'a>> = Vec::new();
    for endpoint in &draft.snapshot.vpc_endpoints {
        let known = |need: &EndpointNeed<'_>| need.service.name == endpoint.service_name;
        let is_known = needs.iter().chain(&left).chain(elastic).any(known);
        let of_its_own = key_of(draft, endpoint).is_none_or(|key| key == elastic::endpoint_key());
        let stays = draft.keeping.has(HeldThing::Service(&endpoint.service_name));
        if stays && !is_known && !of_its_own && endpoint.is_there() {
            let region = &draft.network.vpc.region;
            left.push(EndpointNeed::new(Service::behind(draft.snapshot, region, endpoint)));
        }
    }
    left
}

/// Which profile relies on which service's endpoint, by the service's full name.
/// On one that the SageMakerVpc names any may.
pub(super) fn callers(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<(ProfileKey, String)> {
    let (needs, _) = needs::gather(draft, profiles);
    let elastic = elastic::need(draft, profiles);
    let declared = &draft.network.vpc.services;
    let is_declared = |need: &EndpointNeed<'_>| {
        let service = &need.service;
        let names = |name: &String| name == service.name || names_service(name, service.short);
        need.callers.is_empty() || declared.iter().any(names)
    };
    let mut callers = Vec::new();
    for need in needs.iter().chain(&elastic) {
        let may_be_any = is_declared(need);
        for resolved in profiles {
            if may_be_any || need.callers.contains_key(resolved.key()) {
                callers.push((resolved.key().clone(), need.service.name.to_owned()));
            }
        }
    }
    callers
}

/// Lets go of an endpoint of ours.
pub(super) fn let_go(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, reason: &str) {
    let Some(key) = key_of(draft, endpoint) else { return };
    let snapshot = draft.snapshot;
    if draft.claims.is_adopted(endpoint.vpc_endpoint_id.as_str()) && take_our_groups_off(draft, endpoint, &key, reason)
    {
        return;
    }
    let id = endpoint.vpc_endpoint_id.as_str();
    draft.let_go(id, &key, reason, |_| {
        let action = Action::VpcEndpoint(VpcEndpointChange::Delete {
            id: endpoint.vpc_endpoint_id.clone(),
        });
        PlannedAction::new(action, Serves::Vpc, reason).disrupting(hit::of_lost_endpoint(snapshot, endpoint))
    });
}

/// Takes our group off an endpoint that is to be given back, which happens in
/// the pass after: the group goes too, and EC2 keeps one that is in use.
fn take_our_groups_off(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, key: &ResourceKey, reason: &str) -> bool {
    let snapshot = draft.snapshot;
    let is_ours = |id: &SecurityGroupId| draft.claims.is_ours(id.as_str());
    let carried = endpoint.groups.iter().map(|group| &group.group_id);
    let (ours, theirs): (Vec<_>, Vec<_>) = carried.partition(|id| is_ours(id));
    // EC2 leaves no endpoint without a group.
    if ours.is_empty() || theirs.is_empty() {
        return false;
    }
    let left: BTreeSet<Rule> = theirs
        .iter()
        .filter_map(|id| snapshot.security_groups.get(*id))
        .flat_map(SecurityGroup::rules)
        .collect();
    let action = Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
        id: endpoint.vpc_endpoint_id.clone(),
        policy: None,
        add_subnets: Vec::new(),
        remove_subnets: Vec::new(),
        add_groups: Vec::new(),
        remove_groups: ours.into_iter().cloned().collect(),
        private_dns: None,
        ip_address_type: None,
    });
    let why = format!("{reason}; it was adopted, so it is released without the security group");
    let planned = PlannedAction::new(action, Serves::Vpc, why).about(key).deleting();
    draft.act(planned.disrupting(hit::of_lost_groups(snapshot, endpoint, &left)));
    true
}

/// Tells when there will be more endpoints than AWS's default quota: it can be
/// raised, so nothing is held back for it.
fn advise_on_quota(draft: &mut Draft<'_>) {
    let endpoints = draft.snapshot.vpc_endpoints.iter();
    let there = endpoints
        .filter(|endpoint| endpoint.is_interface() && endpoint.is_there())
        .count();
    let new = draft
        .actions()
        .filter(|planned| {
            matches!(
                planned.action,
                Action::VpcEndpoint(VpcEndpointChange::CreateInterface { .. })
            )
        })
        .count();
    if new == 0 || there + new <= MAX_INTERFACE_ENDPOINTS {
        return;
    }
    let message = format!(
        "{} will have {} interface endpoints, and AWS's default quota is {MAX_INTERFACE_ENDPOINTS} for a VPC: ask AWS \
         to raise \"Interface VPC endpoints per VPC\", or name fewer services.",
        draft.network.vpc.vpc_id,
        there + new
    );
    let scope = Scope::SageMakerVpc;
    draft.find_weighing(Weight::Advice, CONCERN, scope, Reason::EndpointMissing, message);
}
