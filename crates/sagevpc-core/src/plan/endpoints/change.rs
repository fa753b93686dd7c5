//! Changes to an endpoint that is there.

use std::collections::BTreeSet;

use super::{
    hit,
    keep::{advise_on_full_zones, of_private_dns, wanted_address_type, wanted_policy},
    needs::{EndpointNeed, find_for_all},
    placement::{place, taken_so_far},
};
use crate::{
    api::Reason,
    catalog::symptom_without_service,
    observed::VpcEndpoint,
    plan::{
        Action, ActionId, Disruption, PlannedAction, Target, VpcEndpointChange,
        draft::Draft,
        endpoints::setting::{Dns, Setting},
        loosening::only_loosens,
    },
    types::{IpAddressType, SecurityGroupId, SubnetId},
};
use iam_policy::{PolicyDocument, same_meaning};

/// What is to change about an endpoint, in one call.
#[derive(Default)]
struct Change {
    policy: Option<PolicyDocument>,
    add_subnets: Vec<SubnetId>,
    remove_subnets: Vec<SubnetId>,
    add_groups: Vec<Target<SecurityGroupId>>,
    remove_groups: Vec<SecurityGroupId>,
    private_dns: Option<bool>,
    address_type: Option<IpAddressType>,
}

/// Changes an endpoint in as few calls as safety allows: EC2 allows 0.3 of them
/// a second, so what hits nobody is one call, and each part that may have to
/// wait for a person is one by itself, additions first.
pub(super) fn modify(
    draft: &mut Draft<'_>,
    need: &EndpointNeed<'_>,
    endpoint: &VpcEndpoint,
    setting: &Setting<'_>,
    adoption: Option<ActionId>,
) {
    let snapshot = draft.snapshot;
    let service = &need.service;
    // What others rely on of an endpoint that was theirs, or that a frozen
    // profile may use, is not taken away.
    let keeps_all = adoption.is_some() || draft.claims.is_adopted(endpoint.vpc_endpoint_id.as_str()) || setting.frozen;
    let mut placement = place(
        snapshot,
        need,
        &endpoint.subnet_ids,
        draft.network.vpc.interface_endpoints.ip_address_type,
        &taken_so_far(draft.actions()),
    );
    if keeps_all {
        placement.keep.extend(placement.remove.drain(..));
    }
    advise_on_full_zones(draft, need, &placement, setting.concern);
    let mut calm = Change {
        add_subnets: placement.add.clone(),
        address_type: wanted_address_type(draft, need, &placement)
            .filter(|wanted| endpoint.ip_address_type != Some(wanted.as_str().into())),
        ..Change::default()
    };
    let mut apart: Vec<(Change, Option<Disruption>)> = Vec::new();
    let mut part = |change: Change, hit: Option<Disruption>, merge: fn(&mut Change, Change)| {
        if hit.is_some() {
            apart.push((change, hit));
        } else {
            merge(&mut calm, change);
        }
    };

    let declared = wanted_policy(draft, need);
    // A policy that the owners of an adopted endpoint gave it is theirs until
    // the spec declares another.
    let policy = if keeps_all && declared.is_none() {
        None
    } else {
        Some(declared.clone().unwrap_or_else(PolicyDocument::full_access))
    };
    let current = endpoint.policy().ok();
    let is_same = |wanted: &PolicyDocument| current.as_ref().is_some_and(|current| same_meaning(current, wanted));
    if let Some(wanted) = policy.filter(|wanted| !is_same(wanted)) {
        let loosens = match &current {
            Some(current) => only_loosens(current, &wanted),
            None => same_meaning(&wanted, &PolicyDocument::full_access()),
        };
        let hit = (!loosens)
            .then(|| hit::of_policy(snapshot, endpoint, service.short))
            .flatten();
        let change = Change {
            policy: Some(wanted),
            ..Change::default()
        };
        part(change, hit, |calm, change| calm.policy = change.policy);
    }

    let mut before: Vec<ActionId> = adoption.into_iter().collect();
    if let Some(group) = setting.group {
        let carried: BTreeSet<&SecurityGroupId> = endpoint.groups.iter().map(|group| &group.group_id).collect();
        let own = match &group.target {
            Target::Existing(id) => Some(id),
            Target::Made(_) => None,
        };
        before.extend(&group.ready);
        if own.is_none_or(|id| !carried.contains(id)) {
            let change = Change {
                add_groups: vec![group.target.clone()],
                ..Change::default()
            };
            part(change, None, |calm, change| calm.add_groups = change.add_groups);
        }
        let others: Vec<SecurityGroupId> = carried.into_iter().filter(|id| Some(*id) != own).cloned().collect();
        if !others.is_empty() && !keeps_all {
            let hit = hit::of_lost_groups(snapshot, endpoint, &group.rules);
            let change = Change {
                remove_groups: others,
                ..Change::default()
            };
            part(change, hit, |calm, change| calm.remove_groups = change.remove_groups);
        }
        if service.private_dns && !endpoint.private_dns_enabled {
            match setting.dns {
                Dns::After(turned_on) => {
                    before.extend(turned_on);
                    let hit = of_private_dns(draft, need, group, &placement, declared.as_ref());
                    let change = Change {
                        private_dns: Some(true),
                        ..Change::default()
                    };
                    part(change, hit, |calm, change| calm.private_dns = change.private_dns);
                }
                Dns::Off => {
                    let message = format!(
                        "The private DNS of endpoint {} for {} is off, and can be on only where enableDnsSupport and \
                         enableDnsHostnames of {} are: turn both on, or set spec.dns: Enforce.",
                        endpoint.vpc_endpoint_id, service.short, draft.network.vpc.vpc_id
                    );
                    find_for_all(draft, need, setting.concern, Reason::PrivateDnsOff, &message);
                }
            }
        }
    }
    if !placement.remove.is_empty() {
        let hit = hit::of_lost_subnets(snapshot, endpoint, service.short);
        let change = Change {
            remove_subnets: placement.remove.clone(),
            ..Change::default()
        };
        part(change, hit, |calm, change| calm.remove_subnets = change.remove_subnets);
    }

    let first = call(draft, need, endpoint, setting, calm, &before, None);
    for (change, hit) in apart {
        // Only what takes something away must wait for what takes its place.
        let takes_away = !change.remove_groups.is_empty() || !change.remove_subnets.is_empty();
        let mut before = before.clone();
        before.extend(first.filter(|_| takes_away));
        call(draft, need, endpoint, setting, change, &before, hit);
    }
}

fn call(
    draft: &mut Draft<'_>,
    need: &EndpointNeed<'_>,
    endpoint: &VpcEndpoint,
    setting: &Setting<'_>,
    change: Change,
    before: &[ActionId],
    hit: Option<Disruption>,
) -> Option<ActionId> {
    let Change {
        policy,
        add_subnets,
        remove_subnets,
        add_groups,
        remove_groups,
        private_dns,
        address_type,
    } = change;
    let lacking = [
        (policy.is_some(), "the endpoint's policy is not the one declared"),
        (
            !add_subnets.is_empty(),
            "the endpoint lacks zones that workloads are in",
        ),
        (!add_groups.is_empty(), "the endpoint lacks its security group"),
        (
            private_dns.is_some(),
            "the service's own name does not lead to the endpoint",
        ),
        (
            address_type.is_some(),
            "the endpoint's kind of address is not the one declared",
        ),
    ];
    let too_much = [
        (!remove_groups.is_empty(), "these security groups are not its own"),
        (!remove_subnets.is_empty(), "no workload is in these zones"),
    ];
    let blocks = lacking.iter().any(|(applies, _)| *applies);
    let all = lacking.into_iter().chain(too_much);
    let reasons: Vec<&str> = all.filter(|(applies, _)| *applies).map(|(_, reason)| reason).collect();
    if reasons.is_empty() {
        return None;
    }
    let reason = reasons.join("; ");
    let action = Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
        id: endpoint.vpc_endpoint_id.clone(),
        policy,
        add_subnets,
        remove_subnets,
        add_groups,
        remove_groups,
        private_dns,
        ip_address_type: address_type,
    });
    let planned = PlannedAction::new(action, need.serves(), reason)
        .about(&need.service.key())
        .after(before.iter().copied())
        .disrupting(hit);
    Some(draft.act(if blocks {
        planned
            .blocking(setting.concern)
            .symptom(symptom_without_service(need.service.short))
    } else {
        planned.closing_access()
    }))
}
