//! What is ours in the VPC.

use std::collections::BTreeMap;

use super::{
    draft::Draft,
    network_acls::{self, Entries},
};
use crate::{
    api::BucketInForce,
    desired::bucket_arn,
    observed::NatGateway,
    types::{NatGatewayId, ResourceKey},
};

/// Everything that is ours in the VPC, what is being deleted included.
pub(super) fn owned(
    draft: &Draft<'_>,
    buckets: &[BucketInForce],
    roles: &BTreeMap<String, String>,
    acls: &Entries,
) -> BTreeMap<String, ResourceKey> {
    // Our statements in buckets' policies, by the bucket's ARN.
    let statements = buckets.iter().map(|bucket| {
        let key = ResourceKey::BucketPolicy {
            bucket: bucket.name.clone(),
        };
        (bucket_arn(&draft.network.vpc.region, &bucket.name), key)
    });
    let role_policies = roles
        .values()
        .map(|role| (role.clone(), ResourceKey::RolePolicy { role: role.clone() }));
    tagged(draft)
        .chain(statements)
        .chain(role_policies)
        // What carries no tags is told by its place.
        .chain(network_acls::owned(draft, acls))
        .collect()
}

/// What is ours by its tags.
pub(super) fn tagged(draft: &Draft<'_>) -> impl Iterator<Item = (String, ResourceKey)> {
    let is_gone = |id: &str| {
        let nat = draft.snapshot.nat_gateways.get(&NatGatewayId::new(id));
        nat.is_some_and(NatGateway::is_gone)
    };
    let ours = draft.claims.ours().iter().filter(move |(id, _)| !is_gone(id));
    ours.map(|(id, ours)| (id.clone(), ours.key.clone()))
}
