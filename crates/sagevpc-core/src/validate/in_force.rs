//! What the controller itself noted of profiles in force: the one place that
//! says whether a profile had effect. Finalizers, labels, annotations and status
//! of a profile are its team's to write, and say nothing here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{AbsentProfile, ProfileReference};
use crate::{
    api::{ProfileInForce, SageMakerVpc},
    types::{Holdings, ProfileKey, ResourceKey},
};

/// The profiles in force, as the VPC object's status remembers them.
#[derive(Debug, Default)]
pub(super) struct Registry {
    profiles: BTreeMap<ProfileKey, (Holdings, Option<Timestamp>)>,
    /// Whether more are in force than could be noted.
    overflows: bool,
}

impl Registry {
    pub(super) fn of(vpc: &SageMakerVpc) -> Self {
        let Some(status) = &vpc.status else {
            return Self::default();
        };
        if status.in_force.since.is_none() {
            return Self::before_it_was_kept(status.ledger.entries.iter().map(|entry| entry.key.as_str()));
        }
        Self {
            profiles: status.in_force.profiles.iter().map(entry).collect(),
            overflows: status.in_force.profiles_truncated.is_some(),
        }
    }

    /// A status of an earlier version tells of profiles by what was made for
    /// them. What else they relied on is not known, so it may be anything.
    fn before_it_was_kept<'a>(ledger: impl Iterator<Item = &'a str>) -> Self {
        let made_for = ledger.filter_map(|key| key.parse::<ResourceKey>().ok()?.profile().cloned());
        Self {
            profiles: made_for.map(|key| (key, (Holdings::EVERYTHING, None))).collect(),
            overflows: false,
        }
    }

    /// What the profile relies on, if it is noted to be in force.
    pub(super) fn holdings(&self, key: &ProfileKey) -> Option<Holdings> {
        self.profiles.get(key).map(|(holdings, _)| *holdings)
    }

    /// The same, given that it is accepted now: one that could not be noted may
    /// rely on anything.
    pub(super) fn holdings_of_accepted(&self, key: &ProfileKey) -> Holdings {
        let unnoted = if self.overflows {
            Holdings::EVERYTHING
        } else {
            Holdings::NOTHING
        };
        self.holdings(key).unwrap_or(unnoted)
    }

    /// Whether the profile had effect, given that it is accepted now: one that
    /// could not be noted is taken to have had.
    pub(super) fn has_established(&self, key: &ProfileKey) -> bool {
        self.overflows || self.profiles.contains_key(key)
    }

    /// Whether more are in force than could be noted.
    pub(super) const fn overflows(&self) -> bool {
        self.overflows
    }

    /// Those that are not there.
    pub(super) fn absent(&self, references: &[ProfileReference]) -> Vec<AbsentProfile> {
        let there: BTreeSet<ProfileKey> = references.iter().map(ProfileReference::key).collect();
        self.profiles
            .iter()
            .filter(|(key, _)| !there.contains(*key))
            .map(|(key, (holdings, since))| AbsentProfile {
                key: key.clone(),
                holdings: *holdings,
                since: *since,
            })
            .collect()
    }
}

fn entry(entry: &ProfileInForce) -> (ProfileKey, (Holdings, Option<Timestamp>)) {
    (entry.key(), (entry.holdings(), entry.absent_since))
}
