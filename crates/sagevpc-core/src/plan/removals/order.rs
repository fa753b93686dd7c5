//! In which order what is no longer needed goes: the reverse of that in which
//! it is needed.
//!
//! What carries traffic goes last. Groups go before it, for EC2 deletes none
//! that an interface has: so what began to run since the look is noticed while
//! it has its ways yet. A statement that closes a bucket goes before the
//! endpoint that it admits, for without that nobody could read the bucket.

use std::collections::BTreeMap;

use crate::{
    plan::{
        Action, ActionId, BucketChange, NetworkAclChange, PlannedAction, Priority, RouteChange, SecurityGroupChange,
        VpcEndpointChange, draft::Draft, graph::Graph,
    },
    types::{ResourceKey, VpcEndpointId},
};

pub(super) fn settle(draft: &mut Draft<'_>) {
    if draft.retains() {
        return;
    }
    for (id, earlier) in edges(&draft.graph) {
        draft.graph.wait(id, earlier);
    }
}

/// Where an action stands among those that nothing else orders: what is no
/// longer needed goes last.
pub(in crate::plan) fn rank(draft: &Draft<'_>) -> impl Fn(&PlannedAction) -> usize + use<> {
    let retains = draft.retains();
    move |planned| {
        if retains || !is_deletion(planned) {
            0
        } else {
            rank_of(planned)
        }
    }
}

fn is_deletion(planned: &PlannedAction) -> bool {
    planned.priority == Priority::Deletion
}

/// What comes first goes first.
fn rank_of(planned: &PlannedAction) -> usize {
    match &planned.key {
        None | Some(ResourceKey::RolePolicy { .. } | ResourceKey::BucketPolicy { .. }) => 1,
        Some(ResourceKey::FlowLog { .. }) => 2,
        Some(ResourceKey::WorkloadSecurityGroup { .. } | ResourceKey::ElasticInferenceClient) => 3,
        Some(ResourceKey::NetworkAclEntries { .. }) => 4,
        Some(ResourceKey::DefaultRoute { .. }) => 5,
        Some(
            ResourceKey::S3GatewayEndpoint
            | ResourceKey::S3ExpressGatewayEndpoint
            | ResourceKey::InterfaceEndpoint { .. },
        ) => 6,
        Some(ResourceKey::EndpointSecurityGroup | ResourceKey::ElasticInferenceEndpoint) => 7,
        Some(ResourceKey::NatGateway { .. }) => 8,
        Some(ResourceKey::Address { .. }) => 9,
    }
}

/// What else must be done before an action.
fn edges(graph: &Graph) -> BTreeMap<ActionId, Vec<ActionId>> {
    let groups: Vec<ActionId> = graph
        .iter()
        .filter(|planned| is_deletion(planned) && planned.runs_now() && deletes_group_of_workloads(planned))
        .map(|planned| planned.id)
        .collect();
    let mut edges = BTreeMap::new();
    for planned in graph.iter().filter(|planned| is_deletion(planned)) {
        let mut before: Vec<ActionId> = Vec::new();
        if let Action::VpcEndpoint(VpcEndpointChange::Delete { id }) = &planned.action {
            before.extend(statements_of(graph, planned, id));
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
        Action::VpcEndpoint(VpcEndpointChange::Delete { .. })
            | Action::Route(RouteChange::Delete { .. })
            | Action::NetworkAcl(NetworkAclChange::DeleteEntry { .. })
    )
}

fn deletes_group_of_workloads(planned: &PlannedAction) -> bool {
    let is_workloads = matches!(
        planned.key,
        Some(ResourceKey::WorkloadSecurityGroup { .. } | ResourceKey::ElasticInferenceClient)
    );
    is_workloads
        && matches!(
            planned.action,
            Action::SecurityGroup(SecurityGroupChange::Delete { .. })
        )
}

/// Changes that take the endpoint out of buckets' statements, but for those
/// that are to come after it.
fn statements_of<'a>(
    graph: &'a Graph,
    deletion: &'a PlannedAction,
    endpoint: &'a VpcEndpointId,
) -> impl Iterator<Item = ActionId> + 'a {
    graph.iter().filter_map(move |planned| {
        let Action::Bucket(BucketChange::PutPolicy { remove_endpoints, .. }) = &planned.action else {
            return None;
        };
        let comes_after = graph.needed_by(planned.id).contains(&deletion.id);
        (remove_endpoints.contains(endpoint) && !comes_after && !deletion.after.contains(&planned.id))
            .then_some(planned.id)
    })
}
