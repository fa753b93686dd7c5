//! One service's endpoint: used, adopted, made, changed.

use super::{
    change::modify,
    found::{self, Endpoints, judge_state, supports},
    group::EndpointGroup,
    hit, let_go,
    needs::{EndpointNeed, find_for_all},
    placement::{Placement, apart, place, taken_so_far},
    services::{NamedService, look_up},
    setting::{Dns, Setting},
};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::symptom_without_service,
    observed::{EndpointState, VpcEndpoint, tags_of},
    plan::{Action, Disruption, PlannedAction, VpcEndpointChange, draft::Draft},
    report::{Concern, Scope, Weight},
    types::{IpAddressType, SubnetId, listed},
};
use iam_policy::{PolicyDocument, same_meaning};

/// Keeps one service's endpoint.
pub(in crate::plan) fn keep(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, setting: &Setting<'_>) {
    let endpoints = Endpoints::of(draft, &need.service);
    if let Some(serving) = endpoints.serving {
        found::judge(draft, need, serving, setting.concern);
        for endpoint in &endpoints.ours {
            let reason = format!("{} serves the service's own name", serving.vpc_endpoint_id);
            let_go(draft, endpoint, &reason);
        }
        return;
    }
    match endpoints.ours.as_slice() {
        [] => match endpoints.to_adopt {
            Some(endpoint) => {
                let id = endpoint.vpc_endpoint_id.as_str();
                let purpose = need.service.short.to_owned();
                draft.list("VpcEndpoint", id, purpose, ResourceOwnership::Found);
                let adoption = draft.adopt(id, &need.service.key(), need.serves(), setting.concern);
                judge_state(draft, need, endpoint, setting.concern);
                modify(draft, need, endpoint, setting, Some(adoption));
            }
            None if super::is_the_owners(draft) => {}
            None => create(draft, need, &endpoints, setting),
        },
        [kept, spare @ ..] => {
            for endpoint in spare {
                let_go(draft, endpoint, "a second endpoint for the same service is not needed");
            }
            let tags = tags_of(&kept.tags);
            let id = kept.vpc_endpoint_id.as_str();
            if kept.state == EndpointState::Failed && !draft.claims.is_adopted(id) {
                replace_failed(draft, need, kept, setting.concern);
                return;
            }
            draft.list_ours("VpcEndpoint", id, need.service.short.to_owned());
            judge_state(draft, need, kept, setting.concern);
            draft.keep_tags(id, &need.service.key(), need.serves(), &tags);
            modify(draft, need, kept, setting, None);
        }
    }
}

/// One that failed never serves: it goes, and the next pass makes another.
fn replace_failed(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, endpoint: &VpcEndpoint, concern: Concern) {
    let_go(draft, endpoint, "AWS could not set it up; a new one follows");
    let message = format!(
        "AWS could not set endpoint {} for {} up: it is deleted, and a new one follows.",
        endpoint.vpc_endpoint_id, need.service.short
    );
    find_for_all(draft, need, concern, Reason::Waiting, &message);
}

fn create(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, endpoints: &Endpoints<'_>, setting: &Setting<'_>) {
    let service = &need.service;
    let vpc = &draft.network.vpc;
    if let Some((reason, message)) = why_not_yet(draft, need, endpoints, setting) {
        find_for_all(draft, need, setting.concern, reason, &message);
        return;
    }
    let taken = taken_so_far(draft.actions());
    let address_type = vpc.interface_endpoints.ip_address_type;
    let placement = place(draft.snapshot, need, &[], address_type, &taken);
    if placement.is_nowhere() {
        if let Some((reason, message)) = why_nowhere(need, &placement) {
            find_for_all(draft, need, setting.concern, reason, &message);
        }
        return;
    }
    let Some(group) = setting.group else { return };
    let policy = wanted_policy(draft, need);
    let address_type = wanted_address_type(draft, need, &placement);
    advise_on_full_zones(draft, need, &placement, setting.concern);
    let after = match setting.dns {
        Dns::After(turned_on) if service.private_dns => turned_on.as_slice(),
        Dns::After(_) | Dns::Off => &[],
    };
    let disruption = service
        .private_dns
        .then(|| of_private_dns(draft, need, group, &placement, policy.as_ref()))
        .flatten();
    let action = Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
        key: service.key(),
        vpc: draft.network.vpc.vpc_id.clone(),
        service_name: service.name.to_owned(),
        subnets: placement.all(),
        groups: vec![group.target.clone()],
        private_dns: service.private_dns,
        ip_address_type: address_type,
        policy,
        tags: draft.tags_for(&service.key()),
    });
    let reason = format!("{} has no interface endpoint in the VPC", service.short);
    let planned = PlannedAction::new(action, need.serves(), reason)
        .blocking(setting.concern)
        .symptom(symptom_without_service(service.short))
        .after(group.ready.iter().chain(after).copied())
        .disrupting(disruption);
    draft.act(planned);
}

/// Why no endpoint can be made now, if so.
fn why_not_yet(
    draft: &Draft<'_>,
    need: &EndpointNeed<'_>,
    endpoints: &Endpoints<'_>,
    setting: &Setting<'_>,
) -> Option<(Reason, String)> {
    let service = &need.service;
    // EC2 frees the name only when the endpoint is gone.
    let holds_name = |endpoint: &&&VpcEndpoint| endpoint.private_dns_enabled || !service.private_dns;
    if let Some(leaving) = endpoints.leaving.iter().find(holds_name) {
        let message = format!(
            "Endpoint {} for {} is still being deleted, and holds the service's name until then: a new one follows \
             once it is gone.",
            leaving.vpc_endpoint_id, service.short
        );
        return Some((Reason::Waiting, message));
    }
    if let Some(id) = draft.not_visible_yet(&service.key()) {
        let message = format!(
            "AWS made endpoint {id} for {} and does not show it yet; this takes seconds.",
            service.short
        );
        return Some((Reason::Waiting, message));
    }
    if let Some(unclear) = draft.claims.unclear(&service.key()) {
        return Some((Reason::OwnershipUnclear, unclear));
    }
    if !service.private_dns {
        return None;
    }
    if let Dns::Off = setting.dns {
        let message = format!(
            "{} is called by its own name, which can lead to an endpoint only where enableDnsSupport and \
             enableDnsHostnames of {} are on: turn both on, or set spec.dns: Enforce.",
            service.short, draft.network.vpc.vpc_id
        );
        return Some((Reason::PrivateDnsOff, message));
    }
    let (other, name) = in_the_way(draft, need)?;
    let message = format!(
        "Endpoint {} for {} has the name {name} in the VPC, which {} needs: turn its private DNS off, or delete it.",
        other.vpc_endpoint_id, other.service_name, service.short
    );
    Some((Reason::PrivateDnsConflict, message))
}

/// An endpoint for another service that has one of the names that this one
/// needs.
fn in_the_way<'a>(draft: &Draft<'a>, need: &EndpointNeed<'_>) -> Option<(&'a VpcEndpoint, String)> {
    let wanted = need.service.details?.private_names();
    let others = draft.snapshot.vpc_endpoints.iter().filter(|endpoint| {
        endpoint.private_dns_enabled
            && endpoint.service_name != need.service.name
            && endpoint.state != EndpointState::Deleted
    });
    others
        .filter_map(|endpoint| {
            let services = &draft.snapshot.endpoint_services;
            let behind = services
                .iter()
                .find(|service| service.is_interface() && service.service_name == endpoint.service_name)?;
            let names = behind.private_names();
            let shared = names.intersection(&wanted).next()?;
            Some((endpoint, (*shared).to_owned()))
        })
        .next()
}

fn why_nowhere(need: &EndpointNeed<'_>, placement: &Placement) -> Option<(Reason, String)> {
    let service = need.service.short;
    if need.subnets.is_empty() {
        return None;
    }
    if !placement.full_zones.is_empty() {
        let message = format!(
            "An endpoint for {service} needs a free address in each of its subnets, and those in {} have none: add a \
             subnet, or free addresses.",
            listed(&placement.full_zones)
        );
        return Some((Reason::TooFewAddresses, message));
    }
    let (offered, used) = apart(need);
    let message = format!(
        "{service} takes interface endpoints in {offered} only, and the subnets in use are in {used}: offer a subnet \
         in one of these zones in spec.subnets of the SageMakerVpc; an endpoint there serves the whole VPC."
    );
    Some((Reason::ServiceNotInZone, message))
}

pub(super) fn advise_on_full_zones(
    draft: &mut Draft<'_>,
    need: &EndpointNeed<'_>,
    placement: &Placement,
    concern: Concern,
) {
    if placement.full_zones.is_empty() {
        return;
    }
    let message = format!(
        "The endpoint for {} gets no interface in {}, for the subnets there have no free address: workloads there \
         reach it in another zone. Add a subnet, or free addresses.",
        need.service.short,
        listed(&placement.full_zones)
    );
    for scope in need.scopes() {
        let reason = Reason::TooFewAddresses;
        draft.find_weighing(Weight::Advice, concern, scope, reason, message.clone());
    }
}

/// The policy that the spec asks for; everything is let through where `None`.
pub(super) fn wanted_policy(draft: &mut Draft<'_>, need: &EndpointNeed<'_>) -> Option<PolicyDocument> {
    let vpc = &draft.network.vpc;
    let is_its = |name: &String| match look_up(draft.snapshot, &vpc.region, name) {
        NamedService::Service(service) => service.name == need.service.name,
        NamedService::Nothing { .. } | NamedService::Several(_) | NamedService::Unseen => false,
    };
    let mut policies = vpc.interface_endpoints.policies.iter();
    let (name, policy) = policies.find(|(name, _)| is_its(name))?;
    if need
        .service
        .details
        .is_none_or(|details| details.vpc_endpoint_policy_supported)
    {
        return Some(policy.clone());
    }
    let message = format!(
        "spec.interfaceEndpoints.policies has a policy for {name}, and AWS takes none on endpoints for that service: \
         everything is let through. Remove the policy."
    );
    let scope = Scope::SageMakerVpc;
    draft.find(Concern::Endpoints, scope, Reason::InvalidPolicy, None, message);
    None
}

/// What the endpoint is to be reached by, where the spec asks for something
/// that service and subnets can do.
pub(super) fn wanted_address_type(
    draft: &mut Draft<'_>,
    need: &EndpointNeed<'_>,
    placement: &Placement,
) -> Option<IpAddressType> {
    let wanted = draft.network.vpc.interface_endpoints.ip_address_type?;
    let snapshot = draft.snapshot;
    let lacks_ipv6 = |id: &&SubnetId| {
        let subnet = snapshot.subnets.get(*id);
        subnet.is_none_or(|subnet| subnet.ipv6_cidr_block_association_set.is_empty())
    };
    let subnets = placement.all();
    let without: Vec<&SubnetId> = match wanted {
        IpAddressType::Ipv4 => Vec::new(),
        IpAddressType::Ipv6 | IpAddressType::Dualstack => subnets.iter().filter(lacks_ipv6).collect(),
    };
    let problem = if !supports(&need.service, wanted) {
        format!("{} does not offer it", need.service.short)
    } else if !without.is_empty() {
        format!("{} have no IPv6 addresses", listed(without))
    } else {
        return Some(wanted);
    };
    let message = format!(
        "The endpoint for {} cannot have spec.interfaceEndpoints.ipAddressType {wanted}: {problem}. It gets what EC2 \
         chooses.",
        need.service.short
    );
    let scope = Scope::SageMakerVpc;
    let reason = Reason::EndpointUnavailable;
    draft.find_weighing(Weight::Advice, Concern::Endpoints, scope, reason, message);
    None
}

pub(super) fn of_private_dns(
    draft: &Draft<'_>,
    need: &EndpointNeed<'_>,
    group: &EndpointGroup,
    placement: &Placement,
    policy: Option<&PolicyDocument>,
) -> Option<Disruption> {
    let open = policy.is_none_or(|policy| same_meaning(policy, &PolicyDocument::full_access()));
    let subnets = placement.all();
    hit::of_private_dns(draft.snapshot, need.service.short, &group.rules, &subnets, open)
}
