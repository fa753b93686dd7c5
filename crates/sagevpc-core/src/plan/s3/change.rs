//! Changes to a gateway endpoint of S3 that is there.

use std::collections::BTreeSet;

use super::whose::CONCERN;
use crate::{
    catalog::Symptom,
    observed::VpcEndpoint,
    plan::{
        Action, ActionId, Disruption, PlannedAction, Serves, VpcEndpointChange, disruption, draft::Draft,
        loosening::only_loosens,
    },
    types::{ResourceKey, RouteTableId},
};
use iam_policy::{PolicyDocument, same_meaning};

/// Changes policy and tables in as few calls as safety allows: what is added
/// comes first, and what is taken away only after it, held by itself where it
/// could hit others.
pub(super) fn modify(
    draft: &mut Draft<'_>,
    key: &ResourceKey,
    endpoint: &VpcEndpoint,
    document: &PolicyDocument,
    needed: &BTreeSet<RouteTableId>,
    keeps_other_tables: bool,
    earlier: Option<ActionId>,
) {
    let snapshot = draft.snapshot;
    let list = if endpoint.is_s3_gateway() {
        snapshot.s3_prefix_list()
    } else {
        snapshot.s3_express_prefix_list()
    };
    let present: BTreeSet<RouteTableId> = endpoint.route_table_ids.iter().cloned().collect();
    let add: Vec<RouteTableId> = needed.difference(&present).cloned().collect();
    let remove: Vec<RouteTableId> = if keeps_other_tables {
        Vec::new()
    } else {
        present.difference(needed).cloned().collect()
    };
    let current = endpoint.policy().ok();
    let is_same = current.as_ref().is_some_and(|current| same_meaning(current, document));
    let new_policy = (!is_same).then(|| document.clone());
    // Whoever reaches something today still does where more is let through.
    let only_loosens = || match &current {
        Some(current) => only_loosens(current, document),
        None => same_meaning(document, &PolicyDocument::full_access()),
    };

    let of_policy = new_policy
        .as_ref()
        .filter(|_| !only_loosens())
        .and_then(|_| disruption::of_policy_change(snapshot, &endpoint.route_table_ids));
    let of_add = (!add.is_empty())
        .then(|| disruption::of_new_s3_route(snapshot, list, &add))
        .flatten();
    let of_remove = (!remove.is_empty())
        .then(|| disruption::of_lost_s3_route(snapshot, &remove))
        .flatten();

    let mut call = |policy: Option<PolicyDocument>, add: Vec<RouteTableId>, remove: Vec<RouteTableId>, hit| {
        if policy.is_none() && add.is_empty() && remove.is_empty() {
            return;
        }
        let blocks = policy.is_some() || !add.is_empty();
        let mut reasons = Vec::new();
        if policy.is_some() {
            reasons.push("the endpoint's policy is not the one declared");
        }
        if !add.is_empty() {
            reasons.push("subnets in use have no route to the endpoint");
        }
        if !remove.is_empty() {
            reasons.push("no subnet in use has these route tables");
        }
        let action = Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id: endpoint.vpc_endpoint_id.clone(),
            policy,
            add_route_tables: add,
            remove_route_tables: remove,
        });
        let mut planned = PlannedAction::new(action, Serves::Vpc, reasons.join("; "))
            .about(key)
            .after(earlier)
            .disrupting(hit);
        if blocks {
            planned = planned.blocking(CONCERN).symptom(Symptom::NoWayToS3);
        } else {
            planned = planned.closing_access();
        }
        draft.act(planned);
    };

    // EC2 allows 0.3 of these calls a second, so what hits nobody is one call,
    // and each part that may have to wait for a person is one by itself.
    let apart = |hit: &Option<Disruption>| hit.is_some();
    call(
        new_policy.clone().filter(|_| !apart(&of_policy)),
        if apart(&of_add) { Vec::new() } else { add.clone() },
        if apart(&of_remove) { Vec::new() } else { remove.clone() },
        None,
    );
    if apart(&of_add) {
        call(None, add, Vec::new(), of_add);
    }
    if apart(&of_policy) {
        call(new_policy, Vec::new(), Vec::new(), of_policy);
    }
    if apart(&of_remove) {
        call(None, Vec::new(), remove, of_remove);
    }
}
