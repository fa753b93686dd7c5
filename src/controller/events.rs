//! Which events a pass calls for. Pure: what was said before is read from the
//! previous status, so that nothing is said twice, not even after a restart,
//! and nothing at all in a steady state.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::changes::{Change, changes, concerned};
use crate::cluster::{Notice, NoticeType};
use sagevpc_core::{
    api::{
        ActionState, ActionStatus, Blocker, Condition, ConditionStatus, ConditionType, PlanStatus, Reason, is_deleting,
    },
    plan::{Deed, Outcome, Plan, PlannedAction, Priority, Step},
    status::Statuses,
    types::{ProfileKey, listed, shortened},
    validate::{References, awaited},
};

/// AWS differs from what is declared, and it was not us.
const DRIFT_DETECTED: &str = "DriftDetected";
/// It was put back.
const DRIFT_REPAIRED: &str = "DriftRepaired";
/// Something was made.
const CREATED: &str = "Created";
/// Something was changed.
const CHANGED: &str = "Changed";
/// Something was deleted, or given back.
const DELETED: &str = "Deleted";
/// Changes wait to be approved.
const HELD: &str = "Held";
/// The spec cannot have effect.
const REFUSED: &str = "Refused";
/// Workloads cannot run.
const NOT_READY: &str = "NotReady";
/// All workloads can run.
const READY: &str = "Ready";
/// Something stands in the way of a deletion.
const DELETION_BLOCKED: &str = "DeletionBlocked";
/// An object goes, and something of ours stays.
pub(super) const LEFT_BEHIND: &str = "LeftBehind";

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The VPC object.
    Vpc,
    /// A profile.
    Profile(ProfileKey),
}

/// Events of one reason about one object that a pass publishes one by one:
/// what is beyond is told together.
const MAX_ALIKE: usize = 8;
/// Events about changes that a pass publishes on profiles: beyond, each profile
/// gets one, and beyond that none, for the SageMakerVpc has them all.
const MAX_ON_PROFILES: usize = 64;

/// Bytes of an event that say what was replaced: Kubernetes takes 1,024 of all.
const MAX_REPLACED: usize = 400;

/// The events that a pass calls for.
pub(super) fn decide(
    references: &References,
    carried_out: Option<(&Plan, &Outcome)>,
    statuses: &Statuses,
) -> Vec<(About, Notice)> {
    let before = references.vpc.status.clone().unwrap_or_default();
    let mut notices = Vec::new();
    let now = &statuses.vpc.plan;
    if let Some((plan, outcome)) = carried_out {
        let changes = changes(references, plan, outcome);
        let news = new_drift(&before.plan, now, plan)
            .map(|planned| (planned, warning(DRIFT_DETECTED, described(planned))))
            .chain(changes.iter().map(|change| (change.planned, told_change(change))))
            .chain(blocked_deletions(&before.plan, now, plan));
        notices.extend(bounded(news, plan));
    }
    notices.extend(held(&before.plan, now, &references.vpc.name_any()).map(|notice| (About::Vpc, notice)));
    if is_deleting(&references.vpc) {
        notices.extend(
            awaiting(references, &before.conditions, &statuses.vpc.conditions).map(|notice| (About::Vpc, notice)),
        );
        notices.extend(unseen(&before.conditions, &statuses.vpc.conditions).map(|notice| (About::Vpc, notice)));
    }
    notices.extend(
        transitions(&before.conditions, &statuses.vpc.conditions, &[])
            .into_iter()
            .map(|notice| (About::Vpc, notice)),
    );
    for reference in &references.profiles {
        let key = reference.key();
        let Some(status) = statuses.profiles.get(&key) else {
            continue;
        };
        let before = reference
            .profile
            .status
            .as_ref()
            .map(|status| status.conditions.as_slice())
            .unwrap_or_default();
        let notices_of = transitions(before, &status.conditions, &status.blockers);
        notices.extend(
            notices_of
                .into_iter()
                .map(|notice| (About::Profile(key.clone()), notice)),
        );
    }
    notices
}

/// The event of a change.
fn told_change(change: &Change<'_>) -> Notice {
    let planned = change.planned;
    let reason = match (planned.drift, planned.action.deed()) {
        (true, _) => DRIFT_REPAIRED,
        (false, Deed::Creates) => CREATED,
        (false, Deed::Changes) => CHANGED,
        (false, Deed::Deletes) => DELETED,
    };
    let id = change.id.map(|id| format!(" as {id}")).unwrap_or_default();
    let words = planned.replaced.as_ref().and_then(|replaced| replaced.words.as_deref());
    let words = words
        .map(|words| format!(": {}", shortened(words, MAX_REPLACED)))
        .unwrap_or_default();
    let text = format!("{planned}{id}{words} ({}); {}", planned.reason, change.accounted_for());
    Notice {
        is_logged: true,
        ..normal(reason, text)
    }
}

/// News on the objects that they concern, not more than a pass may publish.
fn bounded<'a>(news: impl Iterator<Item = (&'a PlannedAction, Notice)>, plan: &Plan) -> Vec<(About, Notice)> {
    let mut of_vpc: Vec<Notice> = Vec::new();
    let mut of_profiles: BTreeMap<ProfileKey, Vec<Notice>> = BTreeMap::new();
    for (planned, notice) in news {
        for key in concerned(planned, plan) {
            of_profiles.entry(key).or_default().push(notice.clone());
        }
        of_vpc.push(notice);
    }
    let mut notices: Vec<(About, Notice)> = Vec::new();
    let on_profiles: usize = of_profiles.values().map(|alike| together(alike, MAX_ALIKE).len()).sum();
    let most = if on_profiles > MAX_ON_PROFILES { 1 } else { MAX_ALIKE };
    for (key, news) in of_profiles {
        let about = || About::Profile(key.clone());
        notices.extend(together(&news, most).into_iter().map(|notice| (about(), notice)));
    }
    notices.truncate(MAX_ON_PROFILES);
    notices.extend(
        together(&of_vpc, MAX_ALIKE)
            .into_iter()
            .map(|notice| (About::Vpc, notice)),
    );
    notices
}

/// Notices with those of one reason beyond the `most` told as one.
fn together(notices: &[Notice], most: usize) -> Vec<Notice> {
    let mut by_reason: Vec<Vec<&Notice>> = Vec::new();
    for notice in notices {
        let same = by_reason
            .iter_mut()
            .find(|others| others.iter().any(|other| other.reason == notice.reason));
        match same {
            Some(others) => others.push(notice),
            None => by_reason.push(vec![notice]),
        }
    }
    let told = by_reason.into_iter().flat_map(|alike| {
        if alike.len() <= most {
            return alike.into_iter().cloned().collect::<Vec<_>>();
        }
        let (single, rest) = alike.split_at(most - 1);
        let more = rest.first().map(|first| Notice {
            message: format!(
                "{}{}: {}",
                rest.len(),
                if single.is_empty() { " changes" } else { " more" },
                listed(rest.iter().map(|notice| head(&notice.message)))
            ),
            ..(*first).clone()
        });
        single.iter().map(|notice| (*notice).clone()).chain(more).collect()
    });
    told.collect()
}

/// What was done to what, without the rest.
fn head(message: &str) -> &str {
    message.split(": ").next().unwrap_or(message)
}

/// Drift that the status before does not speak of.
pub(super) fn new_drift<'a>(
    before: &'a PlanStatus,
    now: &'a PlanStatus,
    plan: &'a Plan,
) -> impl Iterator<Item = &'a PlannedAction> + use<'a> {
    told(now, plan)
        .filter(|(planned, _)| planned.drift)
        .filter(|(_, told)| !before.actions.iter().any(|earlier| is_same(earlier, told)))
        .map(|(planned, _)| planned)
}

/// Each action with what status says of it. Beyond what status has room for,
/// nobody could tell what was said already.
fn told<'a>(now: &'a PlanStatus, plan: &'a Plan) -> impl Iterator<Item = (&'a PlannedAction, &'a ActionStatus)> {
    plan.actions.iter().zip(&now.actions)
}

/// Drift that was put back in this pass.
pub(super) fn repaired_drift<'a>(
    plan: &'a Plan,
    outcome: &'a Outcome,
) -> impl Iterator<Item = &'a PlannedAction> + use<'a> {
    plan.drift()
        .filter(|planned| outcome.steps.get(&planned.id) == Some(&Step::Done))
}

/// Deletions that something stands in the way of, where the status before does
/// not say so.
fn blocked_deletions<'a>(
    before: &'a PlanStatus,
    now: &'a PlanStatus,
    plan: &'a Plan,
) -> impl Iterator<Item = (&'a PlannedAction, Notice)> + use<'a> {
    told(now, plan)
        .filter(|(planned, told)| match &planned.cuts_off {
            Some(_) => told.state == ActionState::Held,
            None => planned.priority == Priority::Deletion && is_obstructed(told.state),
        })
        .filter(|(_, told)| {
            !before
                .actions
                .iter()
                .any(|earlier| is_same(earlier, told) && earlier.message == told.message)
        })
        .filter_map(|(planned, told)| {
            let text = format!("{} {}: {}", told.action, told.resource, told.message.as_deref()?);
            Some((planned, warning(DELETION_BLOCKED, text)))
        })
}

fn is_obstructed(state: ActionState) -> bool {
    match state {
        ActionState::Waiting | ActionState::Failed => true,
        ActionState::Planned | ActionState::Held | ActionState::Done => false,
    }
}

fn held(before: &PlanStatus, now: &PlanStatus, vpc: &str) -> Option<Notice> {
    let held = now.held.as_ref()?;
    if before.held.as_ref().is_some_and(|before| before.digest == held.digest) {
        return None;
    }
    let text = format!(
        "{} to be approved: {}. To approve exactly this: kubectl patch sagemakervpc {vpc} --type merge -p \
         '{{\"spec\":{{\"approvedPlan\":\"{}\"}}}}'",
        counted(held.count),
        held.message,
        held.digest
    );
    Some(warning(HELD, text))
}

fn counted(changes: u32) -> String {
    if changes == 1 {
        "1 change waits".to_owned()
    } else {
        format!("{changes} changes wait")
    }
}

/// Events for conditions that changed; what a condition names among the blockers,
/// these say.
pub(super) fn transitions(before: &[Condition], now: &[Condition], blockers: &[Blocker]) -> Vec<Notice> {
    let said = |now: &Condition| {
        let blocker = blockers.iter().find(|blocker| blocker.reason == now.reason);
        let fix = blocker.and_then(|blocker| blocker.fix.as_deref());
        let parts = [blocker.map_or(now.message.as_str(), |blocker| blocker.message.as_str())];
        parts.into_iter().chain(fix).collect::<Vec<_>>().join(" ")
    };
    let accepted = changed(before, now, ConditionType::Accepted)
        .filter(|now| now.status == ConditionStatus::False)
        .map(|now| warning(REFUSED, format!("{}: {}", now.reason, said(now))));
    // Who was refused is not ready either; that need not be said as well.
    let ready = changed(before, now, ConditionType::Ready)
        .filter(|_| accepted.is_none())
        .and_then(|now| {
            if now.status == ConditionStatus::True {
                Some(normal(READY, now.message.clone()))
            } else if is_passing(&now.reason) {
                None
            } else {
                Some(warning(NOT_READY, format!("{}: {}", now.reason, now.message)))
            }
        });
    accepted.into_iter().chain(ready).collect()
}

/// A deletion that waits for profiles.
fn awaiting(references: &References, before: &[Condition], now: &[Condition]) -> Option<Notice> {
    let ready = changed(before, now, ConditionType::Ready)?;
    (!awaited(references).is_empty()).then(|| warning(DELETION_BLOCKED, in_the_way_of_deletion(now, ready)))
}

/// A deletion that cannot go on because nobody sees what is left.
fn unseen(before: &[Condition], now: &[Condition]) -> Option<Notice> {
    let (reachable, ready) = (
        find(now, ConditionType::AwsReachable)?,
        find(now, ConditionType::Ready)?,
    );
    let is_news = [ConditionType::AwsReachable, ConditionType::Ready]
        .iter()
        .any(|type_| changed(before, now, *type_).is_some());
    (is_news && reachable.status == ConditionStatus::False)
        .then(|| warning(DELETION_BLOCKED, in_the_way_of_deletion(now, ready)))
}

/// What is left, and what that waits for: `Reconciling` says it while an object is
/// being deleted.
fn in_the_way_of_deletion(now: &[Condition], ready: &Condition) -> String {
    let told = find(now, ConditionType::Reconciling).unwrap_or(ready);
    told.message.clone()
}

/// Reasons that need nobody's attention.
fn is_passing(reason: &str) -> bool {
    [Reason::InProgress, Reason::Waiting, Reason::Deleting]
        .iter()
        .any(|passing| passing.as_str() == reason)
}

/// A condition whose status or reason changed.
fn changed<'a>(before: &[Condition], now: &'a [Condition], type_: ConditionType) -> Option<&'a Condition> {
    let now = find(now, type_)?;
    let is_same =
        find(before, type_).is_some_and(|before| (before.status, &before.reason) == (now.status, &now.reason));
    (!is_same).then_some(now)
}

fn find(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

/// Whether both speak of the same change.
fn is_same(earlier: &ActionStatus, told: &ActionStatus) -> bool {
    (&earlier.action, &earlier.resource, &earlier.change) == (&told.action, &told.resource, &told.change)
}

fn described(planned: &PlannedAction) -> String {
    format!("{planned} ({})", planned.reason)
}

fn normal(reason: &'static str, message: String) -> Notice {
    Notice {
        type_: NoticeType::Normal,
        reason,
        message,
        is_logged: false,
    }
}

pub(super) fn warning(reason: &'static str, message: String) -> Notice {
    Notice {
        type_: NoticeType::Warning,
        reason,
        message,
        is_logged: false,
    }
}

#[cfg(test)]
mod tests;
