//! Differences that someone made behind our back, and those that are wanted anew.

use super::{
    draft::Draft,
    matched::{Matched, Part},
    others,
    resolved::ResolvedProfile,
};

/// What tells them apart: AWS matched this very network before, with the same
/// profiles taking part on the same subnets and tables, and the same things
/// served by others.
pub(super) fn fingerprint(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> String {
    let matched = Matched {
        network: draft.network.fingerprint(),
        shared: draft.snapshot.foreign_owner().is_some(),
        everything_stays: draft.keeping.is_everything(),
        holders: draft.keeping.holders(),
        profiles: profiles.iter().map(Part::of).collect(),
        served_by_others: others::serving(draft, profiles),
    };
    matched.fingerprint()
}
