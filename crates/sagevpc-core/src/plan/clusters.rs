//! Two clusters with one id.
//!
//! The id is what a rebuilt cluster knows its own by, so it is chosen, and can be
//! chosen twice: by a copied values file, or for a second cluster that is to
//! stand in for the first. Both would then take the same resources for their
//! own. So what is made carries the UID of the cluster's own `kube-system`
//! besides, which nobody chooses. Whoever finds another cluster's mark on what
//! it would take for its own changes nothing in the VPC, until a person has said
//! that the other one is gone (`spec.takeOverFrom`); and the other one, should it
//! live, finds the new mark and stops in turn.
//!
//! What carries no mark, for an earlier version made it, is taken as ours and is
//! not marked on that account: a steady state changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlannedAction, Serves, draft::Draft};
use crate::{
    api::Reason,
    observed::{Tag, VpcSnapshot, tags_of},
    plan::{Action, TagsChange},
    report::{Concern, Finding, Scope},
    types::{TAG_CLUSTER, TAG_CLUSTER_UID, TAG_VPC, Tags, listed},
};

/// Resources that a message names.
const MAX_NAMED: usize = 3;

/// Marks what is taken over; or, where another cluster's mark is on what is
/// ours, takes all actions back and says so. Gives whether another has it.
pub(super) fn judge(draft: &mut Draft<'_>) -> bool {
    let ownership = &draft.network.vpc.ownership;
    let Some(own) = ownership.cluster_uid.clone() else {
        return false;
    };
    let mut marked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let taken_over = draft.network.vpc.take_over_from.clone().unwrap_or_default();
    for (id, tags, is_here) in tagged(draft.snapshot) {
        let tags = tags_of(tags);
        let Some(mark) = tags.get(TAG_CLUSTER_UID).filter(|mark| **mark != own) else {
            continue;
        };
        // Made for a SageMakerVpc of another name it is not ours, and tells of the
        // other cluster all the same. What was taken over may have left some.
        let is_anothers = || {
            tags.get(TAG_CLUSTER) == Some(&ownership.cluster)
                && tags.get(TAG_VPC).is_some_and(|name| *name != ownership.vpc)
                && *mark != taken_over
        };
        if draft.claims.is_ours(id) || is_here && is_anothers() {
            marked.entry(mark.clone()).or_default().insert(id.to_owned());
        }
    }
    let to_mark = marked.remove(&taken_over).unwrap_or_default();
    if marked.is_empty() {
        for id in to_mark {
            let action = Action::Tags(TagsChange::Create {
                resource: id.clone(),
                tags: Tags::from([(TAG_CLUSTER_UID.to_owned(), own.clone())]),
            });
            let why = format!("spec.takeOverFrom names the cluster {taken_over}, which made it");
            let planned = PlannedAction::new(action, Serves::SageMakerVpc, why);
            let key = draft.claims.key_of(&id).cloned();
            let planned = match &key {
                Some(key) => planned.about(key),
                None => planned,
            };
            draft.act(planned);
        }
        return false;
    }
    draft.graph.leave_out(|_| true);
    let cluster = ownership_of(draft);
    for (other, ids) in marked {
        let more = ids.len().saturating_sub(MAX_NAMED);
        let named = ids.iter().take(MAX_NAMED).cloned();
        let named = named.chain((more > 0).then(|| format!("{more} more")));
        let message = format!(
            "{}: made by another cluster with the id {cluster}, whose kube-system has the UID {other}; this \
             cluster's has {own}. Nothing is changed in this VPC. If the other cluster is there, give this one an id of \
             its own (--cluster-id, the chart's clusterId). If it is gone for good, set spec.takeOverFrom to {other}.",
            listed(named)
        );
        let first = ids.first().cloned().unwrap_or_default();
        draft.push(Finding::new(Concern::Accepted, Scope::Vpc, Reason::ClusterIdTaken, message).about(first));
    }
    true
}

fn ownership_of(draft: &Draft<'_>) -> String {
    draft.network.vpc.ownership.cluster.clone()
}

/// Everything that can carry tags of ours, by its id, and whether it is in this
/// VPC for sure and not gone.
fn tagged(snapshot: &VpcSnapshot) -> impl Iterator<Item = (&str, &[Tag], bool)> {
    let groups = snapshot.security_groups.values();
    let endpoints = snapshot.vpc_endpoints.iter();
    let nat_gateways = snapshot.nat_gateways.values();
    let addresses = snapshot.addresses.values();
    let flow_logs = snapshot.flow_logs.values();
    groups
        .map(|it| (it.group_id.as_str(), it.tags.as_slice(), true))
        .chain(endpoints.map(|it| (it.vpc_endpoint_id.as_str(), it.tags.as_slice(), it.is_there())))
        .chain(nat_gateways.map(|it| (it.nat_gateway_id.as_str(), it.tags.as_slice(), false)))
        .chain(addresses.map(|it| (it.allocation_id.as_str(), it.tags.as_slice(), false)))
        .chain(flow_logs.map(|it| (it.flow_log_id.as_str(), it.tags.as_slice(), false)))
}
