//! What of ours was there when AWS was last seen.

use std::collections::BTreeSet;

use crate::api::{ResourceOwnership, SageMakerVpc};

/// What the status tells of what is ours, in words that name each thing.
pub fn last_seen(vpc: &SageMakerVpc) -> BTreeSet<String> {
    let Some(status) = &vpc.status else {
        return BTreeSet::new();
    };
    let resources = status.resources.iter().filter(|resource| match resource.ownership {
        ResourceOwnership::Ours | ResourceOwnership::Adopted => true,
        ResourceOwnership::Found => false,
    });
    let buckets = status.in_force.buckets.iter();
    resources
        .map(|resource| resource.id.clone())
        .chain(buckets.map(|bucket| format!("a statement in the policy of bucket {}", bucket.name)))
        .chain(
            status
                .in_force
                .roles
                .iter()
                .map(|role| format!("an inline policy on {role}")),
        )
        .collect()
}
