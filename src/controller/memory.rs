//! What is remembered of each VPC between passes, in memory alone. Nothing
//! breaks when it is lost: it paces, and it spares waits.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::schedule::Pace;
use crate::{
    api::LedgerEntry,
    plan::{Plan, Repairs, SETTLING},
    types::{ProfileKey, ResourceKey},
};

/// What is remembered of one VPC.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// How often each resource was repaired.
    pub(super) repairs: Repairs,
    /// How often to look.
    pub(super) pace: Pace,
    /// What asked for a fresh look last.
    pub(super) requested_at: Option<String>,
    /// Profiles that took no status last: what is said of them is said again and
    /// again otherwise.
    pub(super) unwritten: BTreeSet<ProfileKey>,
    /// Things of ours that AWS has shown.
    seen: BTreeSet<(String, ResourceKey)>,
}

impl Memory {
    /// Notes what AWS shows of ours.
    pub(super) fn note_seen(&mut self, plan: &Plan) {
        self.seen
            .extend(plan.owned.iter().map(|(id, key)| (id.clone(), key.clone())));
    }

    /// Whether something may have been made that AWS does not show yet. While
    /// that is so, seeing nothing proves nothing.
    pub(super) fn may_appear(&self, entry: &LedgerEntry, now: Timestamp) -> bool {
        if entry.adopted || now.duration_since(entry.sent) >= SETTLING {
            return false;
        }
        let is_this = |(id, key): &(String, ResourceKey)| match &entry.id {
            Some(made) => made == id,
            None => entry.key == key.to_string(),
        };
        !self.seen.iter().any(is_this)
    }

    /// Forgets that these were seen, for they are about to be made anew.
    pub(super) fn note_begun<'a>(&mut self, keys: impl IntoIterator<Item = &'a ResourceKey>) {
        for begun in keys {
            self.seen.retain(|(_, key)| key != begun);
        }
    }
}

/// The memories of all VPCs, by the UIDs of their objects.
#[derive(Debug, Default)]
pub(super) struct Memories(Mutex<HashMap<String, Memory>>);

impl Memories {
    /// Takes a memory out, for the one pass that runs over the VPC.
    pub(super) fn take(&self, uid: &str) -> Memory {
        self.lock().remove(uid).unwrap_or_default()
    }

    /// Puts it back.
    pub(super) fn put(&self, uid: String, memory: Memory) {
        self.lock().insert(uid, memory);
    }

    /// Forgets a VPC whose object is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// Nothing that panics happens under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: Option<&str>) -> LedgerEntry {
        LedgerEntry {
            key: ResourceKey::S3GatewayEndpoint.to_string(),
            incarnation: 1,
            id: id.map(str::to_owned),
            adopted: false,
            begun: "2026-01-01T12:00:00Z".parse().unwrap(),
            sent: "2026-01-01T12:00:00Z".parse().unwrap(),
        }
    }

    fn showing(id: &str) -> Plan {
        Plan {
            owned: [(id.to_owned(), ResourceKey::S3GatewayEndpoint)].into(),
            ..Plan::default()
        }
    }

    #[test]
    fn what_was_made_just_now_may_appear_until_it_was_seen_or_time_is_up() {
        let soon: Timestamp = "2026-01-01T12:00:10Z".parse().unwrap();
        let later: Timestamp = "2026-01-01T12:01:00Z".parse().unwrap();
        let mut memory = Memory::default();
        assert!(memory.may_appear(&entry(Some("vpce-1")), soon));
        assert!(!memory.may_appear(&entry(Some("vpce-1")), later));
        memory.note_seen(&showing("vpce-1"));
        assert!(!memory.may_appear(&entry(Some("vpce-1")), soon));
        assert!(memory.may_appear(&entry(Some("vpce-2")), soon), "that was another one");
    }

    #[test]
    fn a_creation_whose_answer_was_lost_may_appear_until_anything_for_that_purpose_was_seen() {
        let soon: Timestamp = "2026-01-01T12:00:10Z".parse().unwrap();
        let mut memory = Memory::default();
        memory.note_seen(&showing("vpce-1"));
        assert!(!memory.may_appear(&entry(None), soon));
        memory.note_begun([&ResourceKey::S3GatewayEndpoint]);
        assert!(memory.may_appear(&entry(None), soon), "it was begun anew since");
    }
}
