//! Creations, written ahead, so that a crash leaves nothing twice and nothing
//! lost.
//!
//! Before a creation is sent, its key, incarnation and time are persisted in the
//! SageMakerVpc's status. The client token follows from the object's UID, these
//! and a random epoch:
//!
//! | What happens | What the next pass does |
//! |---|---|
//! | crash before the request | the same token; AWS makes it once |
//! | crash after the request, answer lost | found by its tags; else the same token, and AWS answers with the same id |
//! | the answer came, AWS does not show it yet | waits, for at most [`SETTLING`] |
//! | it was there and is gone | a new incarnation, so a new token: the old one would name the deleted thing |
//! | the ledger is full | the oldest entries that AWS answered go; as the time is part of the token, what is made anew later has another one |
//! | status is lost | a new epoch, so new tokens; found by its tags first |
//!
//! See <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ClientTokens, History, Outcome, Plan, SETTLING};
use crate::{
    api::{LedgerEntry, LedgerStatus, bounds::MAX_LEDGER_ENTRIES},
    types::ResourceKey,
};

/// Has creations wait that the ledger has no room for, which happens when very
/// many resources are made within [`SETTLING`].
pub(super) fn make_room(mut plan: Plan, history: &History) -> Plan {
    let unsettled: BTreeSet<&ResourceKey> = history
        .ledger
        .iter()
        .filter(|(_, entry)| !is_settled(entry, history.now))
        .map(|(key, _)| key)
        .collect();
    let mut room = MAX_LEDGER_ENTRIES.saturating_sub(unsettled.len());
    for planned in plan.actions.iter_mut().filter(|planned| planned.runs_now()) {
        match planned.action.makes() {
            None => {}
            Some(key) if unsettled.contains(key) => {}
            Some(_) if room > 0 => room -= 1,
            Some(_) => {
                planned.waits_for = Some(format!(
                    "{MAX_LEDGER_ENTRIES} other resources are being made; this one follows within minutes."
                ));
            }
        }
    }
    plan
}

/// What must be persisted before the plan's creations run, and the tokens they
/// run with. `None` when the plan creates nothing now.
///
/// `uid` is the SageMakerVpc object's; `epoch` draws a random word, asked for
/// only when the ledger has none.
pub fn write_ahead(
    plan: &Plan,
    ledger: &LedgerStatus,
    uid: &str,
    epoch: impl FnOnce() -> String,
    now: Timestamp,
) -> Option<(LedgerStatus, ClientTokens)> {
    let keys: Vec<_> = plan
        .actions
        .iter()
        .filter(|planned| planned.runs_now())
        .filter_map(|planned| planned.action.makes())
        .collect();
    if keys.is_empty() {
        return None;
    }
    let mut written = ledger.clone();
    let epoch = written.epoch.get_or_insert_with(epoch).clone();
    let mut tokens = ClientTokens::new();
    for key in keys {
        let name = key.to_string();
        let entry = match written.entries.iter_mut().find(|entry| entry.key == name) {
            Some(entry) => {
                // AWS answered once, and what it named is gone: the plan would
                // not make it anew otherwise.
                if entry.id.take().is_some() {
                    entry.incarnation += 1;
                    entry.begun = now;
                }
                entry.sent = now;
                entry
            }
            None => {
                written.entries.push(LedgerEntry {
                    key: name,
                    incarnation: 1,
                    id: None,
                    begun: now,
                    sent: now,
                });
                let last = written.entries.len() - 1;
                &mut written.entries[last]
            }
        };
        tokens.insert(key.clone(), token(uid, &epoch, entry));
    }
    forget_oldest(&mut written.entries, &tokens, now);
    written.entries.sort_by(|a, b| a.key.cmp(&b.key));
    Some((written, tokens))
}

/// Drops what the ledger has no room for and no pass needs any more.
fn forget_oldest(entries: &mut Vec<LedgerEntry>, tokens: &ClientTokens, now: Timestamp) {
    let surplus = entries.len().saturating_sub(MAX_LEDGER_ENTRIES);
    let needed: BTreeSet<String> = tokens.keys().map(ToString::to_string).collect();
    entries.sort_by_key(|entry| entry.begun);
    let mut left = surplus;
    entries.retain(|entry| {
        let goes = left > 0 && is_settled(entry, now) && !needed.contains(&entry.key);
        left -= usize::from(goes);
        !goes
    });
}

/// Whether AWS answered, and must show by now what it made.
fn is_settled(entry: &LedgerEntry, now: Timestamp) -> bool {
    entry.id.is_some() && now.duration_since(entry.sent) >= SETTLING
}

/// Notes the ids that AWS answered with.
pub fn settle(ledger: &mut LedgerStatus, outcome: &Outcome) {
    for (key, id) in &outcome.made {
        let name = key.to_string();
        if let Some(entry) = ledger.entries.iter_mut().find(|entry| entry.key == name) {
            entry.id = Some(id.clone());
        }
    }
}

/// EC2 takes at most 64 ASCII characters.
fn token(uid: &str, epoch: &str, entry: &LedgerEntry) -> String {
    let LedgerEntry {
        key,
        incarnation,
        begun,
        sent: _,
        id: _,
    } = entry;
    let identity = format!("{uid}\0{epoch}\0{key}\0{incarnation}\0{begun}");
    hex::encode(&Sha256::digest(identity.as_bytes())[..24])
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        plan::{Action, PlannedAction, Repairs, Serves},
        types::{ProfileKey, Tags},
    };

    fn noon() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    fn key(number: usize) -> ResourceKey {
        ResourceKey::WorkloadSecurityGroup {
            profile: ProfileKey::new("ml", format!("p{number:04}")),
            workload: None,
        }
    }

    fn creations(numbers: impl IntoIterator<Item = usize>) -> Plan {
        let create = |number| {
            let action = Action::CreateSecurityGroup {
                key: key(number),
                vpc: "vpc-0123456789abcdef0".into(),
                name: "n".into(),
                description: "d".into(),
                tags: Tags::new(),
            };
            PlannedAction::new(action, Serves::Vpc, "r")
        };
        Plan {
            actions: numbers.into_iter().map(create).collect(),
            ..Plan::default()
        }
    }

    /// A ledger of answered creations, a second apart, the last of them `ago`.
    fn answered(count: usize, ago: SignedDuration) -> LedgerStatus {
        let entries = (0..count).map(|number| {
            let begun = noon() - ago - SignedDuration::from_secs((count - number) as i64);
            LedgerEntry {
                key: key(number).to_string(),
                incarnation: 1,
                id: Some(format!("sg-{number:017x}")),
                begun,
                sent: begun,
            }
        });
        LedgerStatus {
            epoch: Some("e".into()),
            entries: entries.collect(),
        }
    }

    fn written(plan: &Plan, ledger: &LedgerStatus, now: Timestamp) -> (LedgerStatus, ClientTokens) {
        write_ahead(plan, ledger, "uid", || "e".into(), now).unwrap()
    }

    #[test]
    fn a_full_ledger_forgets_the_oldest_that_aws_answered() {
        let mut before = answered(MAX_LEDGER_ENTRIES, SETTLING);
        before.entries[0].id = None;
        let (after, _) = written(&creations([9000, 9001]), &before, noon());
        assert_eq!(after.entries.len(), MAX_LEDGER_ENTRIES);
        let holds = |number| after.entries.iter().any(|entry| entry.key == key(number).to_string());
        assert!(holds(0), "its answer may still come");
        assert!(!holds(1) && !holds(2), "these are the oldest that are settled");
        assert!(holds(3) && holds(9000) && holds(9001));
    }

    #[test]
    fn what_is_made_anew_after_its_entry_was_forgotten_has_another_token() {
        let (ledger, first) = written(&creations([1]), &LedgerStatus::default(), noon());
        let again = written(&creations([1]), &ledger, noon() + SETTLING).1;
        assert_eq!(first, again, "the answer may have been lost");
        let forgotten = LedgerStatus {
            entries: Vec::new(),
            ..ledger
        };
        assert_ne!(first, written(&creations([1]), &forgotten, noon() + SETTLING).1);
    }

    #[test]
    fn creations_wait_for_room_in_the_ledger() {
        let history = |ledger| {
            let status = crate::api::SageMakerVpcStatus {
                ledger,
                ..Default::default()
            };
            History::new(Some(&status), &Repairs::default(), noon())
        };
        let waiting = |plan: &Plan| plan.actions.iter().filter(|planned| !planned.runs_now()).count();
        let many = || creations(5000..5000 + MAX_LEDGER_ENTRIES + 3);
        assert_eq!(waiting(&make_room(many(), &history(answered(100, SETTLING)))), 3);
        let now = SignedDuration::ZERO;
        assert_eq!(waiting(&make_room(many(), &history(answered(50, now)))), 53);
        assert_eq!(
            waiting(&make_room(
                creations(0..50),
                &history(answered(MAX_LEDGER_ENTRIES, now))
            )),
            0
        );
    }
}
