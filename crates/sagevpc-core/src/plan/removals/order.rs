//! In which order what is no longer needed goes: the reverse of that in which
//! it is needed.
//!
//! What carries traffic goes last. Groups go before it, for EC2 deletes none
//! that an interface has: so what began to run since the look is noticed while
//! it has its ways yet. A statement that closes a bucket goes before the
//! endpoint that it admits, for without that nobody could read the bucket.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    plan::{Action, ActionId, PlannedAction, Priority, draft::Draft},
    types::{ResourceKey, VpcEndpointId},
};

pub(super) fn settle(draft: &mut Draft<'_>) {
    if draft.retains() || draft.actions().iter().all(|planned| !is_deletion(planned)) {
        return;
    }
    let edges = edges(draft.actions());
    for planned in draft.actions_mut() {
        planned.after.extend(edges.get(&planned.id).into_iter().flatten());
    }
    draft.reorder(|planned| if is_deletion(planned) { rank(planned) } else { 0 });
}

fn is_deletion(planned: &PlannedAction) -> bool {
    planned.priority == Priority::Deletion
}

/// What comes first goes first.
fn rank(planned: &PlannedAction) -> usize {
    match &planned.key {
        None | Some(ResourceKey::RolePolicy { .. } | ResourceKey::BucketPolicy { .. }) => 1,
        Some(ResourceKey::FlowLog { .. }) => 2,
        Some(ResourceKey::WorkloadSecurityGroup { .. } | ResourceKey::ElasticInferenceClient) => 3,
        Some(ResourceKey::NetworkAclEntries { .. }) => 4,
        Some(ResourceKey::DefaultRoute { .. }) => 5,
        Some(ResourceKey::S3GatewayEndpoint | ResourceKey::InterfaceEndpoint { .. }) => 6,
        Some(ResourceKey::EndpointSecurityGroup | ResourceKey::ElasticInferenceEndpoint) => 7,
        Some(ResourceKey::NatGateway { .. }) => 8,
        Some(ResourceKey::ElasticIp { .. }) => 9,
    }
}

/// What else must be done before an action.
fn edges(actions: &[PlannedAction]) -> BTreeMap<ActionId, Vec<ActionId>> {
    let groups: Vec<ActionId> = actions
        .iter()
        .filter(|planned| is_deletion(planned) && planned.runs_now() && deletes_group_of_workloads(planned))
        .map(|planned| planned.id)
        .collect();
    let mut edges = BTreeMap::new();
    for planned in actions.iter().filter(|planned| is_deletion(planned)) {
        let mut before: Vec<ActionId> = Vec::new();
        if let Action::DeleteVpcEndpoint { id } = &planned.action {
            before.extend(statements_of(actions, planned, id));
        }
        if carries(&planned.action) {
            before.extend(&groups);
        }
        if !before.is_empty() {
            edges.insert(planned.id, before);
        }
    }
    edges
}

/// Whether what goes carries traffic of workloads.
fn carries(action: &Action) -> bool {
    matches!(
        action,
        Action::DeleteVpcEndpoint { .. } | Action::DeleteRoute { .. } | Action::DeleteNetworkAclEntry { .. }
    )
}

fn deletes_group_of_workloads(planned: &PlannedAction) -> bool {
    let is_workloads = matches!(
        planned.key,
        Some(ResourceKey::WorkloadSecurityGroup { .. } | ResourceKey::ElasticInferenceClient)
    );
    is_workloads && matches!(planned.action, Action::DeleteSecurityGroup { .. })
}

/// Changes that take the endpoint out of buckets' statements, but for those
/// that are to come after it.
fn statements_of<'a>(
    actions: &'a [PlannedAction],
    deletion: &'a PlannedAction,
    endpoint: &'a VpcEndpointId,
) -> impl Iterator<Item = ActionId> + 'a {
    actions.iter().filter_map(move |planned| {
        let Action::PutBucketPolicy { remove_endpoints, .. } = &planned.action else {
            return None;
        };
        let comes_after = needed_by(actions, planned.id).contains(&deletion.id);
        (remove_endpoints.contains(endpoint) && !comes_after && !deletion.after.contains(&planned.id))
            .then_some(planned.id)
    })
}

/// All that must be done before an action.
pub(super) fn needed_by(actions: &[PlannedAction], id: ActionId) -> BTreeSet<ActionId> {
    let mut needed = BTreeSet::new();
    let mut open = vec![id];
    while let Some(next) = open.pop() {
        let after = actions.get(next.0).map_or(&[][..], |planned| &planned.after);
        open.extend(after.iter().copied().filter(|earlier| needed.insert(*earlier)));
    }
    needed
}
