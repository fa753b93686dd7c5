//! Which actions wait until a person approves them.
//!
//! Held actions are named by a digest over their fingerprints. Approving it
//! approves exactly these: their fingerprints are kept in status, so that those
//! which cannot be done at once need no second approval, and later, other
//! actions need one of their own.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{History, Plan, PlannedAction};
use crate::{
    api::{Approval, ApprovedStatus, HeldStatus},
    types::listed,
    validate::ValidVpc,
};

/// The longest message that status takes.
const MAX_MESSAGE: usize = 4096;

pub(super) fn decide(mut plan: Plan, vpc: &ValidVpc, history: &History) -> Plan {
    let earlier = history
        .approved
        .as_ref()
        .filter(|approved| Some(&approved.digest) == vpc.approved_plan.as_ref());
    let approved: BTreeSet<&str> = earlier
        .map(|approved| approved.changes.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let waiting: Vec<usize> = plan
        .actions
        .iter()
        .enumerate()
        .filter(|(_, planned)| asks(planned, vpc.approval) && !approved.contains(planned.fingerprint().as_str()))
        .map(|(place, _)| place)
        .collect();
    let fingerprints: Vec<String> = waiting.iter().map(|place| plan.actions[*place].fingerprint()).collect();
    let digest = digest(&fingerprints);
    plan.approved = earlier.cloned();
    if waiting.is_empty() {
        return plan;
    }
    if vpc.approved_plan.as_ref() == Some(&digest) {
        plan.approved = Some(ApprovedStatus {
            digest,
            changes: fingerprints,
        });
        return plan;
    }
    for place in &waiting {
        plan.actions[*place].held = true;
    }
    let message = listed(waiting.iter().map(|place| described(&plan.actions[*place])));
    plan.held = Some(HeldStatus {
        count: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
        message: message.chars().take(MAX_MESSAGE).collect(),
        digest,
    });
    plan
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
    let what = format!(
        "{} {}: {}",
        planned.action.name(),
        planned.action.resource(),
        planned.action.change()
    );
    match &planned.disruption {
        Some(disruption) => format!(
            "{what} (hits {}: {})",
            listed(&disruption.interfaces),
            disruption.effect
        ),
        None => what,
    }
}

fn digest(fingerprints: &[String]) -> String {
    let mut sorted = fingerprints.to_vec();
    sorted.sort();
    hex::encode(&Sha256::digest(sorted.join("\n").as_bytes())[..8])
}
