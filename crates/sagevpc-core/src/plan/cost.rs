//! What interface endpoints and NAT gateways cost, with the public addresses of
//! the latter, at list prices and without the traffic; and what goes beyond the
//! limit.
//!
//! Only what is made here counts, and only that is ever left out: what is there
//! stays, whatever it costs.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Action, ActionId, PlannedAction, draft::Draft, shared};
use crate::{
    api::Reason,
    catalog::{Cost, Priced, Prices, Usd, together},
    plan::{
        AddressChange, BucketChange, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange, RouteChange,
        SecurityGroupChange, TagsChange, VpcChange, VpcEndpointChange,
    },
    report::{Concern, Finding, Scope, Weight},
    types::{ResourceKey, listed},
};

/// What all that is made here costs in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthlyCost {
    /// As it is; `None` where a price of it is not known.
    pub before: Option<Usd>,
    /// Once the plan is carried out; `None` where a price of it is not known.
    pub after: Option<Usd>,
    /// The prices that are not known.
    pub unknown: BTreeSet<Priced>,
}

/// Prices what is there and what is planned, and leaves out what would go
/// beyond `spec.maxMonthlyCost`, or may. Older needs are planned first, and so
/// are served first.
pub(super) fn plan(draft: &mut Draft<'_>) -> MonthlyCost {
    let prices = &prices(draft);
    let before = there(draft, prices, true);
    let mut sum = there(draft, prices, false);
    let limit = draft.network.vpc.max_monthly_cost.map(Usd::dollars);
    let mut left_out: BTreeSet<ActionId> = BTreeSet::new();
    for planned in draft.actions() {
        let cost = cost_of(&planned.action, prices);
        if cost == Ok(Usd::default()) {
            continue;
        }
        let next = together([sum.clone(), cost]);
        let is_within = |limit: Usd| next.as_ref().is_ok_and(|next| *next <= limit);
        if limit.is_none_or(is_within) {
            sum = next;
        } else {
            left_out.insert(planned.id);
        }
    }
    if let Some(limit) = limit {
        report(draft, &left_out, &sum, limit, prices);
    }
    left_out.extend(for_nothing(draft, &left_out));
    let ids: Vec<ActionId> = draft.actions().map(|planned| planned.id).collect();
    for id in ids {
        if let Some(planned) = draft.graph.get_mut(id) {
            if !left_out.contains(&id) {
                let cost = cost_of(&planned.action, prices).ok();
                planned.monthly_cost = cost.filter(|cost| !cost.is_zero());
            } else if drop_cost(&mut planned.action) {
                left_out.remove(&id);
            }
        }
    }
    draft.graph.leave_out(|planned| left_out.contains(&planned.id));
    let unknown = [&before, &sum].into_iter().filter_map(|cost| cost.as_ref().err());
    MonthlyCost {
        unknown: unknown.flatten().copied().collect(),
        before: before.ok(),
        after: sum.ok(),
    }
}

/// The prices of the VPC's region, with what the spec says of them.
pub(super) fn prices(draft: &Draft<'_>) -> Prices {
    let vpc = &draft.network.vpc;
    Prices::of(&vpc.region).with(&vpc.prices)
}

/// What an action adds to the cost of a month.
fn cost_of(action: &Action, prices: &Prices) -> Cost {
    match action {
        Action::VpcEndpoint(VpcEndpointChange::CreateInterface { subnets, .. }) => {
            prices.interface_endpoint(subnets.len())
        }
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { add_subnets, .. }) => {
            prices.interface_endpoint(add_subnets.len())
        }
        Action::NatGateway(NatGatewayChange::Create { .. }) => prices.nat_gateway(),
        Action::NatGateway(NatGatewayChange::CreateRegional { zones, .. }) => prices.regional_nat_gateway(zones.len()),
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
        | Action::Tags(TagsChange::Create { .. } | TagsChange::Delete { .. }) => Ok(Usd::default()),
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

/// What is there of what was made here; what goes counts only where that is
/// asked for.
fn there(draft: &Draft<'_>, prices: &Prices, with_what_goes: bool) -> Cost {
    let snapshot = draft.snapshot;
    let is_made_here = |id: &str| draft.claims.is_ours(id) && !draft.claims.is_adopted(id);
    let goes = |id: &str| {
        let is_its_end = |action: &Action| {
            matches!(action, Action::VpcEndpoint(VpcEndpointChange::Delete { id: gone }) if gone.as_str() == id)
                || matches!(action, Action::NatGateway(NatGatewayChange::Delete { id: gone }) if gone.as_str() == id)
        };
        !with_what_goes && draft.actions().any(|planned| is_its_end(&planned.action))
    };
    let endpoints = snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| {
            endpoint.is_interface() && endpoint.is_there() && is_made_here(endpoint.vpc_endpoint_id.as_str())
        })
        .filter(|endpoint| !goes(endpoint.vpc_endpoint_id.as_str()))
        .map(|endpoint| {
            let lost = if with_what_goes {
                0
            } else {
                lost_zones(draft, endpoint.vpc_endpoint_id.as_str())
            };
            prices.interface_endpoint(endpoint.subnet_ids.len().saturating_sub(lost))
        });
    let nat_gateways = snapshot
        .nat_gateways
        .values()
        .filter(|nat| is_made_here(nat.nat_gateway_id.as_str()) && !nat.is_gone() && !goes(nat.nat_gateway_id.as_str()))
        .map(|nat| {
            if nat.is_regional() {
                prices.regional_nat_gateway(nat.zones().len())
            } else {
                prices.nat_gateway()
            }
        });
    together(endpoints.chain(nat_gateways))
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
fn report(draft: &mut Draft<'_>, left_out: &BTreeSet<ActionId>, sum: &Cost, limit: Usd, prices: &Prices) {
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
        let cost = together(its.iter().map(|planned| cost_of(&planned.action, prices)));
        let what: BTreeSet<String> = its.iter().map(|planned| described(planned)).collect();
        let (reason, message) = match (&cost, sum) {
            (Ok(cost), Ok(sum)) => (
                Reason::TooExpensive,
                format!(
                    "{} would cost {cost} USD a month at list prices, without the traffic; with the {sum} USD that the \
                     rest costs, that goes beyond spec.maxMonthlyCost of {limit} USD, so it is not made. Raise the \
                     limit, or name fewer services and zones.",
                    listed(what)
                ),
            ),
            (Ok(_) | Err(_), _) => (
                Reason::PriceUnknown,
                unpriced(draft, &listed(what), &[&cost, sum], limit),
            ),
        };
        findings.push(Finding {
            concern,
            scope,
            weight,
            reason,
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

/// Why what has no known price is not made under a limit, and what to do.
fn unpriced(draft: &Draft<'_>, what: &str, costs: &[&Cost], limit: Usd) -> String {
    let unknown: BTreeSet<Priced> = costs
        .iter()
        .filter_map(|cost| cost.as_ref().err())
        .flatten()
        .copied()
        .collect();
    let vpc = &draft.network.vpc;
    let example = unknown.first().map_or("natGatewayHour", |first| first.field());
    format!(
        "{what} is not made, for what it costs is not known: sagevpc has no {} of {}, so that nobody can say whether it \
         stays within spec.maxMonthlyCost of {limit} USD. Give it in spec.prices of SageMakerVpc {}, in US dollars as in \
         AWS's price list, such as `prices: {{{example}: \"0.05\"}}`; or remove the limit.",
        listed(&unknown),
        vpc.region,
        vpc.ownership.vpc,
    )
}

fn described(planned: &PlannedAction) -> String {
    let key: Option<&ResourceKey> = planned.key.as_ref();
    key.map_or_else(|| planned.action.resource(), ToString::to_string)
}
