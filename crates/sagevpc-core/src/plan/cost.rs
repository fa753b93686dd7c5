//! What interface endpoints and NAT gateways cost, at list prices and without
//! the traffic, and what goes beyond the limit.
//!
//! Only what is made here counts, and only that is ever left out: what is there
//! stays, whatever it costs.

use std::collections::BTreeSet;

use super::{Action, ActionId, PlannedAction, draft::Draft, shared};
use crate::{
    api::Reason,
    catalog::{Prices, Usd},
    plan::{
        AddressChange, BucketChange, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange, RouteChange,
        SecurityGroupChange, TagsChange, VpcChange, VpcEndpointChange,
    },
    report::{Concern, Finding, Scope, Weight},
    types::{ResourceKey, listed},
};

/// Prices what is there and what is planned, and leaves out what would go
/// beyond `spec.maxMonthlyCost`. Older needs are planned first, and so are
/// served first. Gives what all that is made here will cost in a month.
pub(super) fn plan(draft: &mut Draft<'_>) -> Usd {
    let prices = Prices::of(&draft.network.vpc.region);
    let mut sum = there(draft, prices);
    let limit = draft.network.vpc.max_monthly_cost.map(Usd::dollars);
    let mut left_out: BTreeSet<ActionId> = BTreeSet::new();
    for planned in draft.actions() {
        let cost = cost_of(&planned.action, prices);
        if cost.is_zero() {
            continue;
        }
        if limit.is_some_and(|limit| sum + cost > limit) {
            left_out.insert(planned.id);
        } else {
            sum = sum + cost;
        }
    }
    if let Some(limit) = limit {
        report(draft, &left_out, sum, limit, prices);
    }
    left_out.extend(for_nothing(draft, &left_out));
    let ids: Vec<ActionId> = draft.actions().map(|planned| planned.id).collect();
    for id in ids {
        if let Some(planned) = draft.graph.get_mut(id) {
            if !left_out.contains(&id) {
                let cost = cost_of(&planned.action, prices);
                planned.monthly_cost = (!cost.is_zero()).then_some(cost);
            } else if drop_cost(&mut planned.action) {
                left_out.remove(&id);
            }
        }
    }
    draft.graph.leave_out(|planned| left_out.contains(&planned.id));
    sum
}

/// What an action adds to the cost of a month.
fn cost_of(action: &Action, prices: Prices) -> Usd {
    match action {
        Action::VpcEndpoint(VpcEndpointChange::CreateInterface { subnets, .. }) => {
            prices.interface_endpoint(subnets.len())
        }
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { add_subnets, .. }) => {
            prices.interface_endpoint(add_subnets.len())
        }
        Action::NatGateway(NatGatewayChange::Create { .. }) => prices.nat_gateway(),
        Action::Vpc(VpcChange::ModifyAttribute { .. })
        | Action::SecurityGroup(
            SecurityGroupChange::Create { .. }
            | SecurityGroupChange::Authorize { .. }
            | SecurityGroupChange::Revoke { .. }
            | SecurityGroupChange::Delete { .. },
        )
        | Action::VpcEndpoint(
            VpcEndpointChange::CreateGateway { .. }
            | VpcEndpointChange::ModifyGateway { .. }
            | VpcEndpointChange::Delete { .. },
        )
        | Action::Address(AddressChange::Allocate { .. } | AddressChange::Release { .. })
        | Action::NatGateway(NatGatewayChange::Delete { .. })
        | Action::Route(RouteChange::Create { .. } | RouteChange::Replace { .. } | RouteChange::Delete { .. })
        | Action::NetworkAcl(
            NetworkAclChange::CreateEntry { .. }
            | NetworkAclChange::ReplaceEntry { .. }
            | NetworkAclChange::DeleteEntry { .. },
        )
        | Action::FlowLog(FlowLogChange::Create { .. } | FlowLogChange::Delete { .. })
        | Action::Bucket(BucketChange::PutPolicy { .. })
        | Action::Role(RoleChange::PutPolicy { .. } | RoleChange::DeletePolicy { .. })
        | Action::Tags(TagsChange::Create { .. } | TagsChange::Delete { .. }) => Usd::default(),
    }
}

/// Takes out of an action what costs: an endpoint that is there gets everything
/// but more zones. Gives whether anything is left to do.
fn drop_cost(action: &mut Action) -> bool {
    let Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
        id: _,
        policy,
        add_subnets,
        remove_subnets,
        add_groups,
        remove_groups,
        private_dns,
        ip_address_type,
    }) = action
    else {
        return false;
    };
    add_subnets.clear();
    policy.is_some()
        || !remove_subnets.is_empty()
        || !add_groups.is_empty()
        || !remove_groups.is_empty()
        || private_dns.is_some()
        || ip_address_type.is_some()
}

/// Addresses that only what is left out would have used: an address costs even
/// where nothing uses it.
fn for_nothing(draft: &Draft<'_>, left_out: &BTreeSet<ActionId>) -> Vec<ActionId> {
    let uses = |id: ActionId| draft.actions().filter(move |planned| planned.after.contains(&id));
    draft
        .actions()
        .filter(|planned| matches!(planned.action, Action::Address(AddressChange::Allocate { .. })))
        .map(|planned| planned.id)
        .filter(|id| uses(*id).next().is_some() && uses(*id).all(|user| left_out.contains(&user.id)))
        .collect()
}

/// What is there and stays, of what was made here.
fn there(draft: &Draft<'_>, prices: Prices) -> Usd {
    let snapshot = draft.snapshot;
    let is_made_here = |id: &str| draft.claims.is_ours(id) && !draft.claims.is_adopted(id);
    let goes = |id: &str| {
        let is_its_end = |action: &Action| {
            matches!(action, Action::VpcEndpoint(VpcEndpointChange::Delete { id: gone }) if gone.as_str() == id)
                || matches!(action, Action::NatGateway(NatGatewayChange::Delete { id: gone }) if gone.as_str() == id)
        };
        draft.actions().any(|planned| is_its_end(&planned.action))
    };
    let endpoints = snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| {
            endpoint.is_interface() && endpoint.is_there() && is_made_here(endpoint.vpc_endpoint_id.as_str())
        })
        .filter(|endpoint| !goes(endpoint.vpc_endpoint_id.as_str()))
        .map(|endpoint| {
            let lost = lost_zones(draft, endpoint.vpc_endpoint_id.as_str());
            prices.interface_endpoint(endpoint.subnet_ids.len().saturating_sub(lost))
        });
    let nat_gateways = snapshot
        .nat_gateways
        .values()
        .filter(|nat| is_made_here(nat.nat_gateway_id.as_str()) && !nat.is_gone() && !goes(nat.nat_gateway_id.as_str()))
        .map(|_| prices.nat_gateway());
    endpoints.chain(nat_gateways).sum()
}

/// How many zones an endpoint loses by what is planned.
fn lost_zones(draft: &Draft<'_>, endpoint: &str) -> usize {
    let mut lost = 0;
    for planned in draft.actions() {
        if let Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { id, remove_subnets, .. }) = &planned.action
            && id.as_str() == endpoint
        {
            lost += remove_subnets.len();
        }
    }
    lost
}

/// One finding for all that each profile goes without.
fn report(draft: &mut Draft<'_>, left_out: &BTreeSet<ActionId>, sum: Usd, limit: Usd, prices: Prices) {
    let mut findings = Vec::new();
    let without: Vec<&PlannedAction> = draft
        .actions()
        .filter(|planned| left_out.contains(&planned.id))
        .collect();
    let mut scopes: BTreeSet<(Concern, Scope, Weight)> = BTreeSet::new();
    for planned in &without {
        // One that is there serves on in the zones that it has.
        let is_there = matches!(
            planned.action,
            Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { .. })
        );
        let weight = if is_there { Weight::Advice } else { Weight::Blocks };
        let concern = planned.blocks.unwrap_or(Concern::Endpoints);
        for scope in shared::scopes(&planned.serves) {
            scopes.insert((concern, scope, weight));
        }
    }
    for (concern, scope, weight) in scopes {
        let its: Vec<&&PlannedAction> = without
            .iter()
            .filter(|planned| planned.blocks.unwrap_or(Concern::Endpoints) == concern)
            .filter(|planned| shared::scopes(&planned.serves).contains(&scope))
            .collect();
        let cost: Usd = its.iter().map(|planned| cost_of(&planned.action, prices)).sum();
        let what: BTreeSet<String> = its.iter().map(|planned| described(planned)).collect();
        let message = format!(
            "{} would cost {cost} USD a month at list prices, without the traffic; with the {sum} USD that the rest \
             costs, that goes beyond spec.maxMonthlyCost of {limit} USD, so it is not made. Raise the limit, or name \
             fewer services and zones.",
            listed(what)
        );
        findings.push(Finding {
            concern,
            scope,
            weight,
            reason: Reason::TooExpensive,
            message,
            resource: None,
            symptom: its.iter().find_map(|planned| planned.symptom),
            fix: None,
            shows_otherwise: Vec::new(),
            lacks: its.iter().flat_map(|planned| planned.action.gives()).collect(),
        });
    }
    for finding in findings {
        draft.push(finding);
    }
}

fn described(planned: &PlannedAction) -> String {
    let key: Option<&ResourceKey> = planned.key.as_ref();
    key.map_or_else(|| planned.action.resource(), ToString::to_string)
}
