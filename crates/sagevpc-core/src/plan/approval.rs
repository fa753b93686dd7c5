//! Which actions wait until a person approves them.
//!
//! Held actions are named by a digest over their fingerprints and over whom
//! they hit. Approving it approves exactly these: their fingerprints are kept in
//! status, so that those which cannot be done at once need no second approval,
//! and later, other actions need one of their own, as do these where they would
//! hit someone else. Where there are more than status can keep, the first are
//! named, and the others once these are approved.
//!
//! What would cut off what runs waits whatever `spec.approval` says.
//!
//! An approval ages: what was not done within [`APPROVAL_AGES`] needs another,
//! by another digest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{History, Plan, PlannedAction};
use crate::{
    api::{
        Approval, ApprovedStatus, HeldStatus,
        bounds::{MAX_APPROVED, MAX_APPROVED_VICTIMS, MAX_HELD_MESSAGE, MAX_VICTIM},
    },
    types::{listed, shortened},
};

/// How long what was approved may still be done.
pub const APPROVAL_AGES: SignedDuration = SignedDuration::from_hours(24);

/// `approved_plan` is the digest that a person approved.
pub(super) fn decide(mut plan: Plan, approval: Approval, approved_plan: Option<&str>, history: &History) -> Plan {
    let record = history.approved.clone().map(|approved| ApprovedStatus {
        // One of an earlier version says no time.
        at: Some(approved.at.unwrap_or(history.now)),
        ..approved
    });
    let (aged, fresh) = match record {
        Some(approved) if is_aged(&approved, history.now) => (Some(approved), None),
        record => (
            None,
            record.filter(|approved| Some(approved.digest.as_str()) == approved_plan),
        ),
    };
    let approved = Approved::of(fresh.as_ref());
    let waiting: Vec<usize> = plan
        .actions
        .iter()
        .enumerate()
        .filter(|(_, planned)| asks(planned, approval) && !approved.covers(planned))
        .map(|(place, _)| place)
        .collect();
    for planned in &mut plan.actions {
        planned.approved = asks(planned, approval) && approved.covers(planned);
    }
    // That one aged is remembered, for without that its digest would be that of
    // the same changes once more.
    let salt = aged.as_ref().map(|aged| aged.digest.clone());
    plan.approved = fresh.or(aged.filter(|_| approved_plan.is_some()).map(|aged| ApprovedStatus {
        changes: Vec::new(),
        hits: Vec::new(),
        victims: Vec::new(),
        ..aged
    }));
    let (named, others) = waiting.split_at(waiting.len().min(MAX_APPROVED));
    if named.is_empty() {
        return plan;
    }
    let digest = digest(&plan, named, salt.as_deref());
    if approved_plan == Some(digest.as_str()) {
        plan.approved = Some(remembered(&plan, named, digest, history.now));
        for place in named {
            plan.actions[*place].approved = true;
        }
        hold(&mut plan, others, None);
    } else {
        hold(&mut plan, &waiting, salt.as_deref());
    }
    plan
}

fn is_aged(approved: &ApprovedStatus, now: Timestamp) -> bool {
    approved.at.is_some_and(|at| now.duration_since(at) >= APPROVAL_AGES)
}

/// What was approved, and whom it may hit.
struct Approved<'a> {
    /// The set of victims of each change, by its number; 0 is nobody.
    changes: BTreeMap<&'a str, u32>,
    victims: BTreeSet<&'a str>,
}

impl<'a> Approved<'a> {
    fn of(approved: Option<&'a ApprovedStatus>) -> Self {
        let changes = approved.into_iter().flat_map(|approved| {
            let sets = approved.hits.iter().copied().chain(std::iter::repeat(0));
            approved.changes.iter().map(String::as_str).zip(sets)
        });
        Self {
            changes: changes.collect(),
            victims: approved
                .into_iter()
                .flat_map(|approved| &approved.victims)
                .map(String::as_str)
                .collect(),
        }
    }

    /// Whether it is one of these, and hits nobody else.
    fn covers(&self, planned: &PlannedAction) -> bool {
        let Some(set) = self.changes.get(planned.fingerprint().as_str()) else {
            return false;
        };
        let victims = planned.victims();
        let knows = |victim: &str| self.victims.contains(victim);
        victims.iter().all(|victim| knows(&member(*set, victim))) || knows(&whole(*set, &victims))
    }
}

/// One of a set of victims.
fn member(set: u32, victim: &str) -> String {
    short(&format!("{set}\0{victim}"))
}

/// A set of victims for which there is no room one by one.
fn whole(set: u32, victims: &BTreeSet<&str>) -> String {
    let all: Vec<&str> = victims.iter().copied().collect();
    short(&format!("{set}\0\0{}", all.join("\0")))
}

fn short(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..MAX_VICTIM / 2])
}

/// What status is to remember of an approval.
fn remembered(plan: &Plan, places: &[usize], digest: String, now: Timestamp) -> ApprovedStatus {
    let mut sets: BTreeMap<BTreeSet<&str>, u32> = BTreeMap::from([(BTreeSet::new(), 0)]);
    let mut hits = Vec::new();
    for place in places {
        let next = u32::try_from(sets.len()).unwrap_or(u32::MAX);
        hits.push(*sets.entry(plan.actions[*place].victims()).or_insert(next));
    }
    let mut victims = Vec::new();
    let mut left = sets.len();
    for (set, number) in &sets {
        left -= 1;
        // Each of those to come takes one at least.
        if victims.len() + set.len() + left <= MAX_APPROVED_VICTIMS {
            victims.extend(set.iter().map(|victim| member(*number, victim)));
        } else {
            victims.push(whole(*number, set));
        }
    }
    ApprovedStatus {
        digest,
        at: Some(now),
        changes: fingerprints(plan, places),
        hits,
        victims,
    }
}

/// Holds the actions at these places back, and names as many of them as can be
/// approved together.
fn hold(plan: &mut Plan, waiting: &[usize], salt: Option<&str>) {
    for place in waiting {
        plan.actions[*place].held = true;
    }
    let named = &waiting[..waiting.len().min(MAX_APPROVED)];
    if named.is_empty() {
        return;
    }
    let message = listed(named.iter().map(|place| described(&plan.actions[*place])));
    plan.held = Some(HeldStatus {
        count: u32::try_from(named.len()).unwrap_or(u32::MAX),
        message: shortened(&message, MAX_HELD_MESSAGE),
        digest: digest(plan, named, salt),
    });
}

fn fingerprints(plan: &Plan, places: &[usize]) -> Vec<String> {
    places.iter().map(|place| plan.actions[*place].fingerprint()).collect()
}

fn asks(planned: &PlannedAction, approval: Approval) -> bool {
    let hits_others = match approval {
        Approval::None => false,
        // What was in force before was let through then; putting it back needs
        // no new approval, or a drift would stay open until someone is awake.
        Approval::Disruptive => planned.disruption.is_some() && !planned.drift,
        Approval::All => true,
    };
    hits_others || planned.cuts_off.is_some()
}

fn described(planned: &PlannedAction) -> String {
    let others = planned
        .disruption
        .iter()
        .map(|disruption| format!("hits {}: {}", listed(&disruption.interfaces), disruption.effect));
    let running = planned
        .cuts_off
        .iter()
        .map(|cut_off| format!("cuts {} off from {}", cut_off.whom, listed(&cut_off.from)));
    let whom: Vec<String> = running.chain(others).collect();
    if whom.is_empty() {
        planned.to_string()
    } else {
        format!("{planned} ({})", whom.join("; "))
    }
}

/// Names changes and whom they hit; `salt` is the digest of an approval of them
/// that aged.
fn digest(plan: &Plan, places: &[usize], salt: Option<&str>) -> String {
    let mut named: Vec<String> = places
        .iter()
        .map(|place| {
            let planned = &plan.actions[*place];
            let victims: Vec<&str> = planned.victims().into_iter().collect();
            format!("{} {}", planned.fingerprint(), victims.join(" "))
        })
        .collect();
    named.sort();
    named.extend(salt.map(str::to_owned));
    hex::encode(&Sha256::digest(named.join("\n").as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, CutOff, SecurityGroupChange, Serves};

    fn deletions(count: usize) -> Plan {
        let delete = |number| {
            let action = Action::SecurityGroup(SecurityGroupChange::Delete {
                id: format!("sg-{number:017x}").as_str().into(),
            });
            PlannedAction::new(action, Serves::Vpc, "r")
        };
        Plan {
            actions: (0..count).map(delete).collect(),
            ..Plan::default()
        }
    }

    const NOON: &str = "2026-01-01T12:00:00Z";

    fn history(approved: Option<&ApprovedStatus>, hours: i64) -> History {
        let noon: Timestamp = NOON.parse().unwrap();
        History {
            approved: approved.cloned(),
            ..History::none(noon + SignedDuration::from_hours(hours))
        }
    }

    /// A deletion that would cut off these interfaces, by their numbers.
    fn cutting(interfaces: &[usize]) -> Plan {
        let mut plan = deletions(1);
        plan.actions[0].cuts_off = Some(CutOff {
            from: vec!["S3".to_owned()],
            interfaces: interfaces
                .iter()
                .map(|id| format!("eni-{id}").as_str().into())
                .collect(),
            whom: String::new(),
        });
        plan
    }

    /// The digest that is held, if one is.
    fn held(plan: &Plan) -> Option<String> {
        plan.held.as_ref().map(|held| held.digest.clone())
    }

    /// What is remembered once these are approved.
    fn approved(interfaces: &[usize]) -> ApprovedStatus {
        let first = decide(cutting(interfaces), Approval::None, None, &history(None, 0));
        let digest = held(&first);
        let second = decide(
            cutting(interfaces),
            Approval::None,
            digest.as_deref(),
            &history(None, 0),
        );
        assert!(!second.actions[0].held && second.actions[0].approved);
        second.approved.unwrap()
    }

    /// What becomes of a deletion that would cut off these, under the approval.
    fn an_hour_later(approved: &ApprovedStatus, interfaces: &[usize]) -> Plan {
        let history = history(Some(approved), 1);
        decide(cutting(interfaces), Approval::None, Some(&approved.digest), &history)
    }

    #[test]
    fn an_approval_covers_whom_it_hits_and_nobody_else() {
        let approved = approved(&[1, 2]);
        for fewer in [&[1, 2][..], &[2], &[]] {
            assert_eq!(held(&an_hour_later(&approved, fewer)), None, "{fewer:?}");
        }
        for others in [&[3][..], &[1, 2, 3]] {
            let again = held(&an_hour_later(&approved, others)).unwrap();
            assert_ne!(again, approved.digest, "{others:?}");
        }
    }

    #[test]
    fn whom_there_is_no_room_for_one_by_one_is_covered_together() {
        let many: Vec<usize> = (0..2 * MAX_APPROVED_VICTIMS).collect();
        let approved = approved(&many);
        assert!(approved.victims.len() <= MAX_APPROVED_VICTIMS);
        assert_eq!(held(&an_hour_later(&approved, &many)), None);
        assert!(held(&an_hour_later(&approved, &many[1..])).is_some());
    }

    #[test]
    fn an_approval_ages_and_the_next_has_another_digest() {
        let old = approved(&[1]);
        let decided = |digest: &str, record: &ApprovedStatus, hours: i64| {
            let plan = cutting(&[1]);
            decide(plan, Approval::None, Some(digest), &history(Some(record), hours))
        };
        assert_eq!(held(&decided(&old.digest, &old, 23)), None);
        let aged = decided(&old.digest, &old, 24);
        let next = held(&aged).unwrap();
        assert_ne!(next, old.digest);
        // However often one looks, and whatever else is tried.
        let aged = aged.approved.unwrap();
        assert_eq!(held(&decided(&old.digest, &aged, 48)).as_ref(), Some(&next));
        assert_eq!(held(&decided("0000000000000000", &aged, 48)).as_ref(), Some(&next));
        let renewed = decided(&next, &aged, 48);
        assert_eq!(held(&renewed), None);
        let renewed = renewed.approved.unwrap();
        assert_eq!(held(&decided(&next, &renewed, 71)), None);
        assert!(held(&decided(&next, &renewed, 72)).is_some());
    }

    #[test]
    fn more_than_can_be_remembered_is_approved_in_turns() {
        let history = History::none("2026-01-01T12:00:00Z".parse().unwrap());
        let decided = |approved: Option<&str>| decide(deletions(MAX_APPROVED + 2), Approval::All, approved, &history);
        let running = |plan: &Plan| plan.actions.iter().filter(|planned| !planned.held).count();

        let first = decided(None);
        let held = first.held.as_ref().unwrap();
        assert_eq!((held.count as usize, running(&first)), (MAX_APPROVED, 0));

        let second = decided(Some(&held.digest));
        let others = second.held.as_ref().unwrap();
        assert_eq!((others.count, running(&second)), (2, MAX_APPROVED));
        assert_eq!(second.approved.as_ref().unwrap().changes.len(), MAX_APPROVED);
        assert_ne!(others.digest, held.digest);
    }
}
