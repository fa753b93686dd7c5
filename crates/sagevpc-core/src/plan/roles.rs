//! Execution roles: what they lack, and the inline policy of ours that gives
//! it where that is switched on.
//!
//! What a role is given follows from its other policies alone, as we read them:
//! whatever AWS's simulation says of the role with our policy on it, the next
//! plan wants the same. The simulation decides what is reported.
//!
//! No role is given more than what concerns network interfaces
//! ([`RolePart::Network`]), and nothing new for a workload that cannot run.
//! What else a role lacks is told.

mod grant;
mod judge;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    grant::{INLINE_POLICIES_MAX_CHARS, RoleGrant, inline_characters},
    judge::{Cause, Question, RolePolicies},
};
use super::{Action, PlannedAction, Serves, draft::Draft, endpoints::elastic, keeping};
use crate::{
    api::{DeletionPolicy, Reason, ResourceOwnership, bounds::MAX_ROLES},
    catalog::{RoleNeed, RolePart, Symptom, WorkloadKind},
    desired::role_policy_name,
    observed::{RoleDetail, UnseenCause},
    plan::{RoleChange, kept::HeldThing, resolved::ResolvedProfile},
    report::{Concern, Scope, Weight},
    types::{ProfileKey, ResourceKey},
    validate::ValidWorkload,
};
use iam_policy::{PolicyDocument, same_meaning};

const CONCERN: Concern = Concern::Roles;

/// Permissions on network interfaces that status lists.
const MAX_PERMISSIONS: usize = 16;

/// A workload that runs with a role.
#[derive(Clone, Copy)]
struct Use<'a> {
    profile: &'a ProfileKey,
    workload: &'a ValidWorkload,
    /// Whether the workload can run, as far as bad input and retired services
    /// bear on it.
    can_run: bool,
}

/// Gives the names of roles that have our inline policy, or may have it, by ARN.
pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeMap<String, String> {
    let mut roles: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
    let has_accelerators = elastic::need(draft, profiles).is_some();
    for resolved in profiles.iter().filter(|resolved| resolved.takes_part()) {
        let accelerated = resolved.network.demands.of_elastic_inference();
        for (place, workload) in resolved.profile().workloads.iter().enumerate() {
            if let Some(arn) = &workload.role_arn {
                let needs_accelerator = accelerated.contains(&place);
                roles.entry(arn).or_default().push(Use {
                    profile: resolved.key(),
                    workload,
                    can_run: !resolved.is_blocked(place) && (has_accelerators || !needs_accelerator),
                });
            }
        }
    }
    let network = draft.network;
    for arn in &network.vpc.roles_in_force {
        roles.entry(arn).or_default();
    }
    let mut means = RoleMeans {
        room: MAX_ROLES.saturating_sub(network.vpc.roles_in_force.len()),
        in_force: BTreeMap::new(),
    };
    for (arn, uses) in roles {
        role(draft, arn, &uses, &mut means);
    }
    list_permissions(draft);
    means.in_force
}

/// What bears on all roles alike.
struct RoleMeans {
    /// How many more roles can be remembered.
    room: usize,
    /// Names of roles that have our inline policy, or may have it, by ARN.
    in_force: BTreeMap<String, String>,
}

impl RoleMeans {
    fn remember(&mut self, detail: &RoleDetail) {
        self.in_force.insert(detail.arn.clone(), detail.role_name.clone());
    }
}

fn role(draft: &mut Draft<'_>, arn: &str, uses: &[Use<'_>], means: &mut RoleMeans) {
    let snapshot = draft.snapshot;
    let Some(detail) = snapshot.roles.details.get(arn) else {
        let remembered = draft.network.vpc.roles_in_force.contains(arn);
        let gone = snapshot
            .roles
            .unseen
            .get(arn)
            .is_some_and(|unseen| unseen.cause == UnseenCause::NoSuchEntity);
        if remembered && !gone && !retains(draft) {
            means.in_force.insert(arn.to_owned(), role_name(arn).to_owned());
        }
        report::unseen(draft, arn, uses);
        report::lacks(draft, arn, uses, None, &RoleGrant::default());
        return;
    };
    report::trust(draft, detail, uses);
    let wanted = wanted(draft, detail, uses);
    let given = give(draft, detail, uses, &wanted, means);
    report::lacks(draft, arn, uses, Some(detail), &given);
}

/// What the role lacks of the network part without our policies, where we may
/// give it. A workload that cannot run gets nothing, and loses nothing of what
/// our policy, as it is, gives: a subnet that is gone for an hour is no reason
/// to cut off what runs on the others.
fn wanted(draft: &Draft<'_>, detail: &RoleDetail, uses: &[Use<'_>]) -> RoleGrant {
    let mut grant = RoleGrant::default();
    let vpc = &draft.network.vpc;
    if !uses.iter().any(|used| used.workload.role_enforced) {
        return grant;
    }
    // What someone else wrote there is no reason to give anything.
    let has = ours(draft, detail)
        .flatten()
        .and_then(|current| as_given(draft, &detail.arn, &current));
    let policies = RolePolicies::without_ours(detail, &draft.snapshot.roles, &vpc.region);
    let may_ask = uses.iter().filter(|used| used.workload.role_enforced);
    let asked: BTreeSet<(WorkloadKind, bool)> = may_ask.map(|used| (used.workload.kind, used.can_run)).collect();
    for (kind, can_run) in asked {
        for (question, need, action) in questions(kind).filter(|(_, need, _)| need.part == RolePart::Network) {
            if !can_run && !has.as_ref().is_some_and(|has| has.holds(need, action)) {
                continue;
            }
            match policies.judge(question) {
                Some(Cause::Unstated) => grant.add(need, action),
                // Where a narrow allowance does for SageMaker, whoever narrowed it
                // knows why.
                Some(Cause::Narrow(_)) if question.without_condition => grant.add(need, action),
                Some(
                    Cause::Narrow(_) | Cause::Denied(_) | Cause::Bounded(_) | Cause::Organization | Cause::Unclear(_),
                )
                | None => {}
            }
        }
    }
    grant
}

/// What our policy on a role gives; `None` where someone else wrote into it.
fn as_given(draft: &Draft<'_>, arn: &str, current: &PolicyDocument) -> Option<RoleGrant> {
    let region = &draft.network.vpc.region;
    let grant = RoleGrant::of(current, arn, region);
    same_meaning(current, &grant.document(region)).then_some(grant)
}

/// Whether our policy on a role is one that we write.
pub(super) fn is_as_given(draft: &Draft<'_>, arn: &str, current: &PolicyDocument) -> bool {
    as_given(draft, arn, current).is_some()
}

/// Our policy on the role, if it is there, and its document, if that can be
/// read.
fn ours(draft: &Draft<'_>, detail: &RoleDetail) -> Option<Option<PolicyDocument>> {
    let name = role_policy_name(&draft.network.vpc.ownership);
    let ours = detail.inline_policy(&name);
    ours.map(|document| PolicyDocument::try_from(document).ok())
}

/// The kinds of workload that use a role: what one asks of it, all of its kind
/// ask.
fn kinds(uses: &[Use<'_>]) -> BTreeSet<WorkloadKind> {
    uses.iter().map(|used| used.workload.kind).collect()
}

/// Everything that a kind of workload asks of its role.
fn questions(kind: WorkloadKind) -> impl Iterator<Item = (Question<'static>, &'static RoleNeed, &'static str)> {
    let without_condition = kind.wants_role_actions_without_condition();
    let needs = kind.requirements().role_actions.needs();
    needs.iter().flat_map(move |need| {
        need.actions.iter().map(move |action| {
            let question = Question {
                need,
                action,
                without_condition,
            };
            (question, need, *action)
        })
    })
}

/// Puts our policy on the role, keeps or removes it. Gives what it allows, or
/// will once the plan is carried out. Where there is no room for it, what the
/// role lacks is reported instead.
fn give(
    draft: &mut Draft<'_>,
    detail: &RoleDetail,
    uses: &[Use<'_>],
    wanted: &RoleGrant,
    means: &mut RoleMeans,
) -> RoleGrant {
    let vpc = &draft.network.vpc;
    let name = role_policy_name(&vpc.ownership);
    // What the role lacks is not known while a policy of it is out of sight.
    let unsure =
        !uses.is_empty() && !RolePolicies::without_ours(detail, &draft.snapshot.roles, &vpc.region).is_complete();
    // What was given for a profile that has no say at present stays as it is.
    let may_be_changed = uses.iter().any(|used| used.workload.role_enforced);
    let is_kept = keeping::is_still_granted(draft, HeldThing::Role(&detail.arn), |granted| {
        granted.may_change_role(&detail.arn)
    });
    let stays = is_kept || (unsure && may_be_changed);
    match ours(draft, detail) {
        None if wanted.is_empty() => RoleGrant::default(),
        None if inline_characters(detail, &name, &wanted.document(&vpc.region)) > INLINE_POLICIES_MAX_CHARS => {
            RoleGrant::default()
        }
        None if vpc.roles_in_force.contains(&detail.arn) => put(draft, detail, uses, wanted, false, means),
        None if means.room == 0 => RoleGrant::default(),
        None => {
            means.room -= 1;
            put(draft, detail, uses, wanted, false, means)
        }
        Some(current) => {
            let mut kept = wanted.clone();
            if let (Some(current), true) = (&current, stays) {
                kept.extend(RoleGrant::of(current, &detail.arn, &vpc.region));
            }
            let is_same = current
                .as_ref()
                .is_some_and(|current| same_meaning(current, &kept.document(&vpc.region)));
            if is_same || (kept.is_empty() && current.is_none() && stays) {
                list(draft, detail, means);
                return kept;
            }
            if kept.is_empty() {
                take_off(draft, detail, name, means);
                return kept;
            }
            list(draft, detail, means);
            put(draft, detail, uses, &kept, true, means)
        }
    }
}

/// Plans our policy, in place of another of ours where it `replaces` one.
fn put(
    draft: &mut Draft<'_>,
    detail: &RoleDetail,
    uses: &[Use<'_>],
    wanted: &RoleGrant,
    replaces: bool,
    means: &mut RoleMeans,
) -> RoleGrant {
    let vpc = &draft.network.vpc;
    let key = key(&detail.arn);
    let name = role_policy_name(&vpc.ownership);
    let policy = wanted.document(&vpc.region);
    if !replaces && draft.not_visible_yet(&key).is_some() {
        let message = format!(
            "AWS put inline policy {name} on role {} and does not show it yet; this takes seconds.",
            detail.role_name
        );
        for scope in scopes(uses) {
            draft.find(CONCERN, scope, Reason::Waiting, None, message.clone());
        }
        means.remember(detail);
        return wanted.clone();
    }
    let serves = match uses.iter().map(|used| used.profile).collect::<BTreeSet<_>>() {
        only if only.len() == 1 => uses
            .first()
            .map_or(Serves::Vpc, |used| Serves::Profile(used.profile.clone())),
        _ => Serves::Vpc,
    };
    let reason = if replaces {
        "our inline policy is not what the role lacks without it"
    } else {
        "SageMaker takes these actions with the role's permissions, and the role lacks them"
    };
    let action = Action::Role(RoleChange::PutPolicy {
        key: key.clone(),
        role: detail.arn.clone(),
        name,
        policy,
        replaces,
    });
    draft.act(
        PlannedAction::new(action, serves, reason)
            .about(&key)
            .blocking(CONCERN)
            .symptom(Symptom::RoleLacksActions),
    );
    wanted.clone()
}

/// Removes our policy, or, where what is ours is to be retained, forgets it.
fn take_off(draft: &mut Draft<'_>, detail: &RoleDetail, name: String, means: &mut RoleMeans) {
    if retains(draft) {
        return;
    }
    means.remember(detail);
    let reason = if draft.network.vpc.deleting {
        "the SageMakerVpc is being deleted"
    } else if draft.network.vpc.granted.may_change_role(&detail.arn) {
        "the role lacks nothing without it that a workload needs"
    } else {
        "spec.grants no longer lets sagevpc change the role"
    };
    let action = Action::Role(RoleChange::DeletePolicy {
        role: detail.arn.clone(),
        name,
    });
    draft.act(
        PlannedAction::new(action, Serves::Vpc, reason)
            .about(&key(&detail.arn))
            .deleting(),
    );
}

/// Lists our policy where it is, and remembers the role.
fn list(draft: &mut Draft<'_>, detail: &RoleDetail, means: &mut RoleMeans) {
    means.remember(detail);
    let purpose = format!("permissions of SageMaker's on {}", detail.arn);
    draft.list("RolePolicy", &detail.role_name, purpose, ResourceOwnership::Ours);
}

/// Lists who may attach the network interfaces of what runs there.
fn list_permissions(draft: &mut Draft<'_>) {
    let snapshot = draft.snapshot;
    let mut permissions: Vec<_> = snapshot
        .network_interface_permissions
        .iter()
        .filter_map(|permission| {
            let interface = permission.network_interface_id.as_ref()?;
            let is_sagemakers = snapshot
                .network_interfaces
                .get(interface)
                .is_some_and(|interface| interface.is_sagemakers());
            is_sagemakers.then_some((interface, permission))
        })
        .collect();
    permissions.sort_by_key(|(interface, permission)| (*interface, &permission.network_interface_permission_id));
    for (interface, permission) in permissions.into_iter().take(MAX_PERMISSIONS) {
        let whom = permission
            .aws_service
            .as_deref()
            .or(permission.aws_account_id.as_ref().map(|account| account.as_str()))
            .unwrap_or("someone unnamed");
        let what = permission.permission.as_deref().unwrap_or("a permission");
        let state = permission
            .permission_state
            .as_ref()
            .and_then(|state| state.state.as_deref());
        let state = state.map(|state| format!(" ({state})")).unwrap_or_default();
        let id = &permission.network_interface_permission_id;
        let purpose = format!("{what} on {interface} for {whom}{state}");
        draft.list("NetworkInterfacePermission", id, purpose, ResourceOwnership::Found);
    }
}

fn key(arn: &str) -> ResourceKey {
    ResourceKey::RolePolicy {
        role: role_name(arn).to_owned(),
    }
}

/// A role's name, without its path.
fn role_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn retains(draft: &Draft<'_>) -> bool {
    draft.network.vpc.deletion_policy == DeletionPolicy::Retain
}

/// The workloads that use a role, profile by profile.
fn scopes(uses: &[Use<'_>]) -> Vec<Scope> {
    let mut by_profile: BTreeMap<&ProfileKey, Vec<String>> = BTreeMap::new();
    for used in uses {
        by_profile
            .entry(used.profile)
            .or_default()
            .push(used.workload.name.clone());
    }
    by_profile
        .into_iter()
        .map(|(profile, workloads)| Scope::Workloads(profile.clone(), workloads))
        .collect()
}

/// Says the same of every workload that uses a role.
fn tell(draft: &mut Draft<'_>, uses: &[Use<'_>], weight: Weight, reason: Reason, message: &str) {
    for scope in scopes(uses) {
        draft.find_weighing(weight, CONCERN, scope, reason, message.to_owned());
    }
}
