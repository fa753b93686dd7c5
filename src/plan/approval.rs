//! Which actions wait until a person approves them.
//!
//! Held actions are named by a digest over their fingerprints. Approving it
//! approves exactly these: their fingerprints are kept in status, so that those
//! which cannot be done at once need no second approval, and later, other
//! actions need one of their own. Where there are more than status can keep,
//! the first are named, and the others once these are approved.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{History, Plan, PlannedAction};
use crate::{
    api::{
        Approval, ApprovedStatus, HeldStatus,
        bounds::{MAX_APPROVED, MAX_HELD_MESSAGE},
    },
    types::{listed, one_line},
};

/// `approved_plan` is the digest that a person approved.
pub(super) fn decide(mut plan: Plan, approval: Approval, approved_plan: Option<&str>, history: &History) -> Plan {
    let earlier = history
        .approved
        .as_ref()
        .filter(|approved| Some(approved.digest.as_str()) == approved_plan);
    let approved: BTreeSet<&str> = earlier
        .map(|approved| approved.changes.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let waiting: Vec<usize> = plan
        .actions
        .iter()
        .enumerate()
        .filter(|(_, planned)| asks(planned, approval) && !approved.contains(planned.fingerprint().as_str()))
        .map(|(place, _)| place)
        .collect();
    for planned in &mut plan.actions {
        planned.approved = asks(planned, approval) && approved.contains(planned.fingerprint().as_str());
    }
    plan.approved = earlier.cloned();
    let (named, others) = waiting.split_at(waiting.len().min(MAX_APPROVED));
    let changes = fingerprints(&plan, named);
    let digest = digest(&changes);
    if named.is_empty() {
        return plan;
    }
    if approved_plan == Some(digest.as_str()) {
        plan.approved = Some(ApprovedStatus { digest, changes });
        for place in named {
            plan.actions[*place].approved = true;
        }
        hold(&mut plan, others);
    } else {
        hold(&mut plan, &waiting);
    }
    plan
}

/// Holds the actions at these places back, and names as many of them as can be
/// approved together.
fn hold(plan: &mut Plan, waiting: &[usize]) {
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
        message: one_line(&message).chars().take(MAX_HELD_MESSAGE).collect(),
        digest: digest(&fingerprints(plan, named)),
    });
}

fn fingerprints(plan: &Plan, places: &[usize]) -> Vec<String> {
    places.iter().map(|place| plan.actions[*place].fingerprint()).collect()
}

fn asks(planned: &PlannedAction, approval: Approval) -> bool {
    match approval {
        Approval::None => false,
        // What was in force before was let through then; putting it back needs
        // no new approval, or a drift would stay open until someone is awake.
        Approval::Disruptive => planned.disruption.is_some() && !planned.drift,
        Approval::All => true,
    }
}

fn described(planned: &PlannedAction) -> String {
    match &planned.disruption {
        Some(disruption) => format!(
            "{planned} (hits {}: {})",
            listed(&disruption.interfaces),
            disruption.effect
        ),
        None => planned.to_string(),
    }
}

fn digest(fingerprints: &[String]) -> String {
    let mut sorted = fingerprints.to_vec();
    sorted.sort();
    hex::encode(&Sha256::digest(sorted.join("\n").as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Serves};

    fn deletions(count: usize) -> Plan {
        let delete = |number| {
            let action = Action::DeleteSecurityGroup {
                id: format!("sg-{number:017x}").as_str().into(),
            };
            PlannedAction::new(action, Serves::Vpc, "r")
        };
        Plan {
            actions: (0..count).map(delete).collect(),
            ..Plan::default()
        }
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
