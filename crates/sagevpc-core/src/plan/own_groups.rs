//! A team's own security groups: they are named and never changed. Whether they
//! admit what the workloads need, reachability says.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::{
    api::ResourceOwnership, observed::SecurityGroup, plan::resolved::ResolvedProfile, types::SecurityGroupId,
    validate::SecurityGroups,
};

pub(super) fn note(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    for resolved in profiles {
        if let SecurityGroups::Own(ids) = &resolved.profile().security_groups {
            note_profile(draft, resolved, ids);
        }
    }
}

fn note_profile(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, ids: &BTreeSet<SecurityGroupId>) {
    let snapshot = draft.snapshot;
    let groups: Vec<&SecurityGroup> = ids.iter().filter_map(|id| snapshot.security_groups.get(id)).collect();
    if groups.len() < ids.len() {
        // Reported where the profile was found to have bad input.
        return;
    }
    for group in &groups {
        let purpose = format!("workloads of {}", resolved.key());
        draft.list(
            "SecurityGroup",
            group.group_id.as_str(),
            purpose,
            ResourceOwnership::Found,
        );
    }
    let count = resolved.profile().workloads.len();
    draft.groups_of.insert(resolved.key().clone(), vec![ids.clone(); count]);
}
