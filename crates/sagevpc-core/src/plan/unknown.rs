//! What is ours and nobody remembers, as after status was lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{draft::Draft, owned::tagged};
use crate::{
    api::ProfileInForce,
    types::{Holdings, ProfileKey, ResourceKey},
};

/// What is ours and nobody remembers.
pub(super) struct Unknown {
    /// Since when nothing was added to it.
    pub(super) since: Timestamp,
    /// All that was ever so.
    pub(super) seen: Holdings,
    /// Ids of what of it is there now.
    pub(super) shown: BTreeSet<String>,
}

impl Unknown {
    pub(super) fn is_any(&self) -> bool {
        self.seen != Holdings::NOTHING
    }
}

/// Looks through what is ours for what neither the ledger nor status knows.
pub(super) fn unknown(draft: &Draft<'_>) -> Unknown {
    let history = draft.history;
    let Some(in_force) = &history.in_force else {
        return Unknown {
            since: history.now,
            seen: Holdings::NOTHING,
            shown: BTreeSet::new(),
        };
    };
    let made: BTreeSet<&str> = history
        .ledger
        .values()
        .filter_map(|entry| entry.id.as_deref())
        .collect();
    let begun = |key: &ResourceKey| history.ledger.get(key).is_some_and(|entry| entry.id.is_none());
    let noted: BTreeSet<ProfileKey> = in_force.profiles.iter().map(ProfileInForce::key).collect();
    let vpc = &draft.network.vpc;
    let is_known = |id: &str, key: &ResourceKey| {
        made.contains(id)
            || begun(key)
            || history.earlier.contains(id)
            || history.listed.contains(id)
            || key.profile().is_some_and(|profile| noted.contains(profile))
            || vpc.adopt_endpoints.iter().any(|adopted| adopted.as_str() == id)
            || vpc.adopt_security_groups.iter().any(|adopted| adopted.as_str() == id)
    };
    let mut shown: BTreeMap<String, ResourceKey> = tagged(draft).collect();
    shown.retain(|_, key| is_told_by_tags(key));
    let mut seen: Holdings = in_force
        .unknown
        .as_ref()
        .map_or(Holdings::NOTHING, |text| text.parse().unwrap_or_default());
    let is_new = |id: &str, key: &ResourceKey| !seen.may_hold(id) && !is_known(id, key);
    let news: Vec<String> = shown
        .iter()
        .filter(|(id, key)| is_new(id, key))
        .map(|(id, _)| id.clone())
        .collect();
    for id in &news {
        seen.insert(id);
    }
    Unknown {
        since: in_force.since.filter(|_| news.is_empty()).unwrap_or(history.now),
        shown: shown.into_keys().filter(|id| seen.may_hold(id)).collect(),
        seen,
    }
}

/// Whether such a resource is found again by its tags alone.
fn is_told_by_tags(key: &ResourceKey) -> bool {
    match key {
        ResourceKey::S3GatewayEndpoint
        | ResourceKey::S3ExpressGatewayEndpoint
        | ResourceKey::InterfaceEndpoint { .. }
        | ResourceKey::EndpointSecurityGroup
        | ResourceKey::ElasticInferenceClient
        | ResourceKey::ElasticInferenceEndpoint
        | ResourceKey::NatGateway { .. }
        | ResourceKey::Address { .. }
        | ResourceKey::FlowLog { .. }
        | ResourceKey::WorkloadSecurityGroup { .. } => true,
        ResourceKey::NetworkAclEntries { .. }
        | ResourceKey::DefaultRoute { .. }
        | ResourceKey::BucketPolicy { .. }
        | ResourceKey::RolePolicy { .. } => false,
    }
}
