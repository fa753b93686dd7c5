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
//! | crash after the request, answer lost | found by its tags, unless it was noted as another's; else the same token, and AWS answers with the same id |
//! | the answer came, AWS does not show it yet | waits, for at most [`SETTLING`] |
//! | it was there and is gone in two looks, or is shown as deleted | a new incarnation, so a new token: the old one would name the deleted thing |
//! | the ledger is full | the oldest entries that AWS answered go, those first whose names tell what they name; as the time is part of the token, what is made anew later has another one |
//! | status is lost | a new epoch, so new tokens; found by its tags first, and noted |
//!
//! See <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{ClientTokens, History, Outcome, Plan, PlannedAction, SETTLING, claims::has_a_name};
use crate::{
    api::{
        LedgerEntry, LedgerStatus,
        bounds::{MAX_LEDGER_ENTRIES, MAX_LEDGER_IDS},
    },
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
    let strangers = strangers_of(&plan, |_| true).count();
    for planned in plan.actions.iter_mut().filter(|planned| planned.runs_now()) {
        match planned.action.makes() {
            None => {}
            Some(key) if strangers > MAX_LEDGER_IDS && !has_a_name(key) => {
                planned.waits_for = Some(format!(
                    "{strangers} resources carry sagevpc's tags and are not sagevpc's, more than can be noted: take the \
                     tags off them."
                ));
            }
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
    let adopted: Vec<_> = plan
        .actions
        .iter()
        .filter(|planned| planned.runs_now())
        .filter_map(PlannedAction::adopts)
        .collect();
    if keys.is_empty() && adopted.is_empty() {
        return None;
    }
    let mut written = ledger.clone();
    let epoch = written.epoch.get_or_insert_with(epoch).clone();
    let mut tokens = ClientTokens::new();
    for key in keys {
        let before = written
            .entries
            .iter_mut()
            .find(|entry| entry.key == key.to_string())
            .and_then(|entry| entry.id.clone());
        let entry = entry_for(&mut written.entries, key, now);
        // AWS answered once, and what it named is gone or to be replaced: the
        // plan would not make it anew otherwise.
        if entry.id.take().is_some() {
            entry.incarnation += 1;
            entry.begun = now;
        }
        entry.adopted = false;
        entry.sent = now;
        tokens.insert(key.clone(), token(uid, &epoch, entry));
        written.earlier.extend(before.filter(|_| !has_a_name(key)));
    }
    for (key, id) in adopted {
        let entry = entry_for(&mut written.entries, key, now);
        entry.id = Some(id.to_owned());
        entry.adopted = true;
    }
    note_strangers(&mut written, plan, &tokens);
    forget_earlier(&mut written.earlier, plan);
    forget_oldest(&mut written.entries, &tokens, now);
    written.entries.sort_by(|a, b| a.key.cmp(&b.key));
    Some((written, tokens))
}

/// The entry for a purpose, begun where there was none.
fn entry_for<'e>(entries: &'e mut Vec<LedgerEntry>, key: &ResourceKey, now: Timestamp) -> &'e mut LedgerEntry {
    let name = key.to_string();
    let place = entries.iter().position(|entry| entry.key == name).unwrap_or_else(|| {
        entries.push(LedgerEntry {
            key: name,
            incarnation: 1,
            id: None,
            adopted: false,
            begun: now,
            sent: now,
        });
        entries.len() - 1
    });
    &mut entries[place]
}

/// Notes what carries the tags of something that is about to be made, and is
/// not it: once the answer is lost, nothing else tells the two apart.
fn note_strangers(written: &mut LedgerStatus, plan: &Plan, tokens: &ClientTokens) {
    let alike = strangers_of(plan, |key| tokens.contains_key(key)).map(str::to_owned);
    let mut others: BTreeSet<String> = written.others.drain(..).collect();
    others.retain(|id| plan.strangers.contains_key(id));
    others.extend(alike);
    written.others = others.into_iter().take(MAX_LEDGER_IDS).collect();
}

/// What carries tags of these purposes and only a ledger tells from ours.
fn strangers_of(plan: &Plan, is_such: impl Fn(&ResourceKey) -> bool) -> impl Iterator<Item = &str> {
    let alike = plan
        .strangers
        .iter()
        .filter(move |(_, key)| !has_a_name(key) && is_such(key));
    alike.map(|(id, _)| id.as_str())
}

/// Drops what there is no room for: what AWS shows no longer, and the oldest.
fn forget_earlier(earlier: &mut Vec<String>, plan: &Plan) {
    let mut surplus = earlier.len().saturating_sub(MAX_LEDGER_IDS);
    for is_shown in [false, true] {
        earlier.retain(|id| {
            let goes = surplus > 0 && plan.shown.contains(id) == is_shown;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

/// Notes the ids of what was found to be ours and is not in the ledger, as where
/// status was lost, the answer to a creation was, or the entry was forgotten.
pub fn note_found(ledger: &mut LedgerStatus, plan: &Plan, now: Timestamp) {
    let mut is_new = false;
    for (key, held) in &plan.held_ids {
        let name = key.to_string();
        let entry = ledger.entries.iter_mut().find(|entry| entry.key == name);
        match entry {
            Some(entry) if entry.id.is_some() => {}
            Some(entry) => {
                entry.id = Some(held.id.clone());
                entry.adopted = held.adopted;
            }
            None => {
                // It was not made just now: whatever becomes of it shows at once.
                let long_ago = now - SETTLING;
                let entry = entry_for(&mut ledger.entries, key, long_ago);
                entry.id = Some(held.id.clone());
                entry.adopted = held.adopted;
                is_new = true;
            }
        }
    }
    if is_new {
        forget_oldest(&mut ledger.entries, &ClientTokens::new(), now);
        ledger.entries.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

/// Drops what the ledger has no room for and no pass needs any more: first what
/// is found again by its name.
fn forget_oldest(entries: &mut Vec<LedgerEntry>, tokens: &ClientTokens, now: Timestamp) {
    let surplus = entries.len().saturating_sub(MAX_LEDGER_ENTRIES);
    let needed: BTreeSet<String> = tokens.keys().map(ToString::to_string).collect();
    let is_found_again = |entry: &LedgerEntry| !entry.adopted && entry.key.parse().is_ok_and(|key| has_a_name(&key));
    entries.sort_by_key(|entry| (!is_found_again(entry), entry.begun));
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
        adopted: _,
    } = entry;
    let identity = format!("{uid}\0{epoch}\0{key}\0{incarnation}\0{begun}");
    hex::encode(&Sha256::digest(identity.as_bytes())[..24])
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        plan::{Action, HeldId, PlannedAction, Repairs, SecurityGroupChange, Serves, VpcEndpointChange},
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
            let action = Action::SecurityGroup(SecurityGroupChange::Create {
                key: key(number),
                vpc: "vpc-0123456789abcdef0".into(),
                name: "n".into(),
                description: "d".into(),
                tags: Tags::new(),
            });
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
                adopted: false,
                begun,
                sent: begun,
            }
        });
        LedgerStatus {
            epoch: Some("e".into()),
            entries: entries.collect(),
            ..LedgerStatus::default()
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

    fn endpoint() -> ResourceKey {
        ResourceKey::S3GatewayEndpoint
    }

    /// A plan that makes the S3 endpoint where these carry its tags already.
    fn endpoint_beside(strangers: &[&str]) -> Plan {
        let action = Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
            key: endpoint(),
            vpc: "vpc-0123456789abcdef0".into(),
            service_name: "com.amazonaws.us-east-1.s3".to_owned(),
            route_tables: Vec::new(),
            policy: iam_policy::PolicyDocument::full_access(),
            tags: Tags::new(),
        });
        Plan {
            actions: vec![PlannedAction::new(action, Serves::Vpc, "r")],
            strangers: strangers.iter().map(|id| ((*id).to_owned(), endpoint())).collect(),
            ..Plan::default()
        }
    }

    fn holding(id: &str, adopted: bool) -> Plan {
        let held = HeldId {
            id: id.to_owned(),
            adopted,
        };
        Plan {
            held_ids: [(endpoint(), held)].into(),
            ..Plan::default()
        }
    }

    #[test]
    fn what_carries_the_tags_of_something_that_is_begun_is_noted_first() {
        let (ledger, _) = written(
            &endpoint_beside(&["vpce-1", "vpce-2"]),
            &LedgerStatus::default(),
            noon(),
        );
        assert_eq!(ledger.others, ["vpce-1", "vpce-2"]);
        let (ledger, _) = written(&endpoint_beside(&["vpce-2", "vpce-3"]), &ledger, noon());
        assert_eq!(ledger.others, ["vpce-2", "vpce-3"], "what is gone is forgotten");
    }

    #[test]
    fn more_claimants_than_can_be_noted_hold_creations_back() {
        let many: Vec<String> = (0..=MAX_LEDGER_IDS).map(|number| format!("vpce-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let none = History::none(noon());
        let waits = |plan: Plan| !make_room(plan, &none).actions[0].runs_now();
        assert!(waits(endpoint_beside(&many)));
        assert!(!waits(endpoint_beside(&many[1..])));
    }

    #[test]
    fn what_was_made_before_is_remembered_when_something_takes_its_place() {
        let mut ledger = LedgerStatus::default();
        note_found(&mut ledger, &holding("vpce-1", false), noon());
        let (ledger, _) = written(&endpoint_beside(&[]), &ledger, noon());
        assert_eq!(
            (ledger.earlier.as_slice(), &ledger.entries[0].id),
            (["vpce-1".to_owned()].as_slice(), &None)
        );
        assert_eq!(ledger.entries[0].incarnation, 2);
    }

    #[test]
    fn what_is_found_is_noted_where_nothing_is_and_does_not_seem_new() {
        let mut ledger = LedgerStatus::default();
        note_found(&mut ledger, &holding("vpce-1", true), noon());
        let entry = &ledger.entries[0];
        assert_eq!((entry.id.as_deref(), entry.adopted), (Some("vpce-1"), true));
        assert!(is_settled(entry, noon()), "nothing waits for it to be shown");
        let before = ledger.clone();
        note_found(&mut ledger, &holding("vpce-2", false), noon());
        assert_eq!(ledger, before, "what the ledger names stays");
    }

    #[test]
    fn a_full_ledger_forgets_first_what_its_name_tells() {
        let mut full = answered(MAX_LEDGER_ENTRIES, SETTLING);
        full.entries[MAX_LEDGER_ENTRIES - 1].key = endpoint().to_string();
        full.entries[MAX_LEDGER_ENTRIES - 1].begun = Timestamp::UNIX_EPOCH;
        full.entries[MAX_LEDGER_ENTRIES - 2].adopted = true;
        full.entries[MAX_LEDGER_ENTRIES - 2].begun = Timestamp::UNIX_EPOCH;
        let (after, _) = written(&creations([9000]), &full, noon());
        let holds = |key: ResourceKey| after.entries.iter().any(|entry| entry.key == key.to_string());
        assert!(holds(endpoint()), "an endpoint has no name");
        assert!(
            holds(key(MAX_LEDGER_ENTRIES - 2)),
            "that it was adopted is known from here alone"
        );
        assert!(!holds(key(0)));
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
