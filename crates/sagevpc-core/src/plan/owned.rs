//! What is ours in the VPC.

use std::collections::BTreeMap;

use super::{draft::Draft, network_acls};
use crate::{
    desired::bucket_arn,
    observed::NatGateway,
    types::{NatGatewayId, ResourceKey},
};

/// Everything that is ours in the VPC, what is being deleted included.
pub(super) fn owned(draft: &Draft<'_>) -> BTreeMap<String, ResourceKey> {
    let is_gone = |id: &str| {
        let nat = draft.snapshot.nat_gateways.get(&NatGatewayId::new(id));
        nat.is_some_and(NatGateway::is_gone)
    };
    let tagged = draft.claims.ours().iter();
    let role_policies = draft
        .role_policies
        .values()
        .map(|role| (role.clone(), ResourceKey::RolePolicy { role: role.clone() }));
    tagged
        .filter(|(id, _)| !is_gone(id))
        .map(|(id, ours)| (id.clone(), ours.key.clone()))
        .chain(statements(draft))
        .chain(role_policies)
        // What carries no tags is told by its place.
        .chain(network_acls::owned(draft))
        .collect()
}

/// Our statements in buckets' policies, by the bucket's ARN.
fn statements(draft: &Draft<'_>) -> impl Iterator<Item = (String, ResourceKey)> {
    draft.buckets.iter().map(|bucket| {
        let key = ResourceKey::BucketPolicy {
            bucket: bucket.name.clone(),
        };
        (bucket_arn(&draft.network.vpc.region, &bucket.name), key)
    })
}
