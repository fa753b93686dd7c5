//! A team's own security groups: they are named and never changed. Whether they
//! admit what the workloads need, reachability says.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::{
    api::ResourceOwnership,
    observed::SecurityGroup,
    plan::resolved::{ResolvedProfile, WorkloadGroups},
    types::SecurityGroupId,
    validate::SecurityGroups,
};

pub(super) fn note(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], known: &mut WorkloadGroups) {
    for resolved in profiles {
        if let SecurityGroups::Own(ids) = &resolved.profile().security_groups {
            note_profile(draft, resolved, ids, known);
        }
    }
}

fn note_profile(
    draft: &mut Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    ids: &BTreeSet<SecurityGroupId>,
    known: &mut WorkloadGroups,
) {
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
    known.note(resolved, 0..resolved.profile().workloads.len(), ids);
}
