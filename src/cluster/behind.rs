//! Whether a local copy shows what was written a moment ago.
//!
//! A write is answered before the watch tells of it. Whoever reads the copy in
//! between sees what the write replaced, and would base the next one on it.
//! Versions of Kubernetes are not to be compared but for being equal, so those
//! are noted that are known to be replaced.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use kube::{Resource, ResourceExt};
use parking_lot::Mutex;

/// How long the watch may take to tell of a write. After that the copy counts
/// as it is; a write that is based on an old version is refused.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known to be replaced, by the UIDs of the objects.
#[derive(Debug, Default)]
pub(super) struct Replaced(Mutex<HashMap<String, Versions>>);

#[derive(Debug)]
struct Versions {
    /// The version that was written last.
    last: String,
    /// When.
    at: Instant,
    /// Those before it.
    before: HashSet<String>,
}

impl Replaced {
    /// Notes that `before` was replaced by `after`, in a write that was answered.
    pub(super) fn note<K: Resource>(&self, before: &K, after: &K) {
        let versions = (before.resource_version(), after.resource_version());
        let (Some(uid), (Some(before), Some(last))) = (after.uid(), versions) else {
            return;
        };
        let mut noted = self.0.lock();
        noted.retain(|_, versions| versions.at.elapsed() < PATIENCE);
        // What changed nothing leaves the version as it is.
        if before == last {
            return;
        }
        let at = Instant::now();
        let versions = noted.entry(uid).or_insert_with(|| Versions {
            last: last.clone(),
            at,
            before: HashSet::new(),
        });
        let earlier = std::mem::replace(&mut versions.last, last);
        versions.at = at;
        versions.before.extend([before, earlier]);
        versions.before.remove(&versions.last);
    }

    /// Whether `object`, as a copy shows it, is what a write of ours replaced.
    pub(super) fn shows_replaced<K: Resource>(&self, object: &K) -> bool {
        let (Some(uid), Some(version)) = (object.uid(), object.resource_version()) else {
            return false;
        };
        let noted = self.0.lock();
        let versions = noted.get(&uid).filter(|versions| versions.at.elapsed() < PATIENCE);
        versions.is_some_and(|versions| versions.before.contains(&version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sagevpc_core::api::SageMakerVpc;

    fn vpc(version: &str) -> SageMakerVpc {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": "a", "uid": "uid-of-a", "resourceVersion": version },
            "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
        }))
        .unwrap()
    }

    #[test]
    fn a_copy_is_behind_until_it_shows_the_last_of_our_writes() {
        let replaced = Replaced::default();
        assert!(!replaced.shows_replaced(&vpc("7")));
        // The second write is based on what the first one gave, the third on no
        // version at all.
        replaced.note(&vpc("7"), &vpc("8"));
        replaced.note(&vpc("8"), &vpc("9"));
        replaced.note(&vpc("7"), &vpc("12"));
        for old in ["7", "8", "9"] {
            assert!(replaced.shows_replaced(&vpc(old)), "{old}");
        }
        assert!(!replaced.shows_replaced(&vpc("12")));
        assert!(!replaced.shows_replaced(&vpc("13")), "somebody else has written since");
    }

    #[test]
    fn a_write_that_changes_nothing_replaces_nothing() {
        let replaced = Replaced::default();
        replaced.note(&vpc("7"), &vpc("7"));
        assert!(!replaced.shows_replaced(&vpc("7")));
    }
}
