//! What is remembered of each VPC between passes, in memory alone. Nothing
//! breaks when it is lost: it paces, and it spares waits.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;

use super::schedule::Pace;
use sagevpc_core::{
    plan::{Repairs, Sightings},
    types::ProfileKey,
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
    /// What AWS has shown of ours.
    pub(super) sightings: Sightings,
}

/// The memories of all VPCs, by the UIDs of their objects.
#[derive(Debug, Default)]
pub(super) struct Memories(Mutex<HashMap<String, Memory>>);

impl Memories {
    /// Takes a memory out, for the one pass that runs over the VPC.
    pub(super) fn take(&self, uid: &str) -> Memory {
        self.0.lock().remove(uid).unwrap_or_default()
    }

    /// Puts it back.
    pub(super) fn put(&self, uid: String, memory: Memory) {
        self.0.lock().insert(uid, memory);
    }

    /// Forgets a VPC whose object is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }
}
