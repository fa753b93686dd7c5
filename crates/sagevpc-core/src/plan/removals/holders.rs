//! Who may be the owner of what runs, by what was noted of the profiles in force
//! before this pass: specs say what is to be from now on, and what runs was
//! started before.

use std::collections::BTreeSet;

use crate::{
    plan::{consumers::is_sagemakers, draft::Draft, kept::HeldThing},
    types::{Holdings, ProfileKey, ResourceKey, SecurityGroupId},
};

/// The profiles that were in force, with what each relied on.
pub(in crate::plan) struct Holders(Vec<(ProfileKey, Holdings)>);

impl Holders {
    /// Those that status remembers. Where it had no room for all, nobody can
    /// tell whose anything is.
    pub(in crate::plan) fn noted(draft: &Draft<'_>) -> Self {
        let in_force = draft.history.in_force.iter();
        let complete = in_force.filter(|in_force| in_force.profiles_truncated.is_none());
        let entries = complete.flat_map(|in_force| &in_force.profiles);
        Self(entries.map(|entry| (entry.key(), entry.holdings())).collect())
    }

    /// All that was relied on with these groups; `None` where nobody was noted
    /// for one of them, so that it may be anything.
    pub(super) fn with(&self, draft: &Draft<'_>, groups: &BTreeSet<SecurityGroupId>) -> Option<Holdings> {
        let mut all: Option<Holdings> = None;
        for group in groups.iter().filter(|group| tells(draft, group)) {
            let of_one = self.of(draft, group).map(|(_, holdings)| *holdings);
            let of_one = of_one.reduce(Holdings::with)?;
            all = Some(all.unwrap_or_default().with(of_one));
        }
        all
    }

    /// Those noted for a group.
    pub(in crate::plan) fn of<'h>(
        &'h self,
        draft: &'h Draft<'_>,
        group: &'h SecurityGroupId,
    ) -> impl Iterator<Item = &'h (ProfileKey, Holdings)> {
        let is_its = move |(key, holdings): &&(ProfileKey, Holdings)| uses(draft, key, *holdings, group);
        self.0.iter().filter(is_its)
    }
}

/// Whether the profile was noted for this group: one that was made for it, or one
/// of its own.
pub(in crate::plan) fn uses(draft: &Draft<'_>, key: &ProfileKey, holdings: Holdings, group: &SecurityGroupId) -> bool {
    match draft.claims.key_of(group.as_str()).and_then(ResourceKey::profile) {
        Some(profile) => profile == key,
        None => holdings.may_hold(&HeldThing::Group(group).to_string()),
    }
}

/// Whether a group tells whose an interface is. SageMaker's do not, nor do those
/// that are made for several profiles together.
fn tells(draft: &Draft<'_>, group: &SecurityGroupId) -> bool {
    let is_shared = draft
        .claims
        .key_of(group.as_str())
        .is_some_and(|key| key.profile().is_none());
    !is_shared && !is_sagemakers(draft.snapshot, group)
}
