//! Creations, written ahead, so that a crash leaves nothing twice and nothing
//! lost.
//!
//! Before a creation is sent, its key and incarnation are persisted in the
//! SageMakerVpc's status. The client token follows from the object's UID, the
//! key, the incarnation and a random epoch:
//!
//! | What happens | What the next pass does |
//! |---|---|
//! | crash before the request | the same token; AWS makes it once |
//! | crash after the request, answer lost | found by its tags; else the same token, and AWS answers with the same id |
//! | the answer came, AWS does not show it yet | waits, for at most [`SETTLING`](super::SETTLING) |
//! | it was there and is gone | a new incarnation, so a new token: the old one would name the deleted thing |
//! | status is lost | a new epoch, so new tokens; found by its tags first |
//!
//! See <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ClientTokens, Outcome, Plan};
use crate::api::{LedgerEntry, LedgerStatus};

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
                entry
            }
            None => {
                written.entries.push(LedgerEntry {
                    key: name,
                    incarnation: 1,
                    id: None,
                    begun: now,
                });
                let last = written.entries.len() - 1;
                &mut written.entries[last]
            }
        };
        tokens.insert(key.clone(), token(uid, &epoch, entry));
    }
    written.entries.sort_by(|a, b| a.key.cmp(&b.key));
    Some((written, tokens))
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
    let identity = format!("{uid}\0{epoch}\0{}\0{}", entry.key, entry.incarnation);
    hex::encode(&Sha256::digest(identity.as_bytes())[..24])
}
