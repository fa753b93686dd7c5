//! Whose permissions a change to an execution role takes away.
//!
//! Which role something runs with, neither EC2 nor the search for what runs
//! tells. So a role is in use as long as an interface is there that may be of a
//! profile which names the role, or named it until now, and as long as one is
//! of which nobody can tell.

use std::collections::BTreeMap;

use super::{Ruling, cut_off, ways::User};
use crate::plan::{
    Action, ActionId, PlannedAction, RoleChange, draft::Draft, kept::HeldThing, loosening::widened,
    replaced::role_policy, resolved::ResolvedProfile, roles::is_as_given,
};
use iam_policy::same_meaning;

/// Whether an action may take permissions away from what runs.
pub(super) fn takes_permissions(planned: &PlannedAction) -> bool {
    matches!(
        planned.action,
        Action::Role(RoleChange::DeletePolicy { .. } | RoleChange::PutPolicy { replaces: true, .. })
    )
}

pub(super) fn judge(
    draft: &Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    users: &[User<'_>],
    rulings: &mut BTreeMap<ActionId, Ruling>,
) {
    for planned in draft.actions() {
        let Some((role, addition)) = taken(draft, planned) else {
            continue;
        };
        let using: Vec<&User<'_>> = users.iter().filter(|user| may_use(profiles, user, role)).collect();
        if using.is_empty() {
            continue;
        }
        let cut_off = cut_off(draft, using, [format!("what inline policies of {role} allow")]);
        let addition = addition.into_iter().map(|addition| (addition, None));
        let parts = addition.chain([(planned.action.clone(), Some(cut_off))]).collect();
        rulings.insert(planned.id, Ruling::Parts(parts));
    }
}

/// The role that an action takes permissions from, and what gives it those that
/// it is to have before.
fn taken<'p>(draft: &Draft<'_>, planned: &'p PlannedAction) -> Option<(&'p str, Option<Action>)> {
    let action = &planned.action;
    if let Action::Role(RoleChange::DeletePolicy { role, .. }) = action {
        return Some((role, None));
    }
    let Action::Role(RoleChange::PutPolicy {
        key,
        role,
        name,
        policy,
        replaces: true,
    }) = action
    else {
        return None;
    };
    let now = role_policy(draft.snapshot, role, name)?;
    // What someone else wrote there was never given; what we gave was, though
    // nothing but the role's other policies changed since.
    if planned.drift && !is_as_given(draft, role, &now) {
        return None;
    }
    let wider = widened(&now, policy);
    if same_meaning(&wider, policy) {
        return None;
    }
    let addition = (!same_meaning(&wider, &now)).then(|| {
        Action::Role(RoleChange::PutPolicy {
            key: key.clone(),
            role: role.clone(),
            name: name.clone(),
            policy: wider,
            replaces: true,
        })
    });
    Some((role, addition))
}

fn may_use(profiles: &[ResolvedProfile<'_>], user: &User<'_>, role: &str) -> bool {
    let thing = HeldThing::Role(role).to_string();
    user.noted.is_none_or(|noted| noted.may_hold(&thing))
        || profiles
            .iter()
            .filter(|resolved| user.profiles.contains(resolved.key()))
            .flat_map(|resolved| &resolved.profile().workloads)
            .any(|workload| workload.role_arn.as_deref() == Some(role))
}
