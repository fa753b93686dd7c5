//! What AWS has shown of ours, and shows no longer. It is kept in memory alone:
//! should it be lost, what was made just now is waited for a little longer.
//!
//! What was never seen may only not be shown yet. What was seen and is gone in
//! two looks was deleted, and is made again at once.
//!
//! See <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Plan, SETTLING};
use crate::{api::LedgerEntry, types::ResourceKey};

/// How far apart two looks must be that show something no longer, for it to be
/// gone: one alone may have been answered by what had not heard of it yet.
const TWO_LOOKS: SignedDuration = SignedDuration::from_secs(2);

/// What AWS has shown of what is ours in one VPC.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    seen: BTreeSet<(String, ResourceKey)>,
    /// What of it is shown no longer, by its ids, and since when.
    missing: BTreeMap<String, Timestamp>,
}

impl Sightings {
    /// Notes what AWS shows of ours, and what it shows no longer.
    pub fn note_look(&mut self, plan: &Plan, now: Timestamp) {
        self.seen
            .extend(plan.owned.iter().map(|(id, key)| (id.clone(), key.clone())));
        self.missing.retain(|id, _| !plan.owned.contains_key(id));
        for (id, _) in self.seen.iter().filter(|(id, _)| !plan.owned.contains_key(id)) {
            self.missing.entry(id.clone()).or_insert(now);
        }
        // By then it is waited for no longer anyway.
        self.missing.retain(|id, since| {
            let counts = now.duration_since(*since) < SETTLING;
            if !counts {
                self.seen.retain(|(seen, _)| seen != id);
            }
            counts
        });
    }

    /// Ids of what was seen and is gone, should this look not show it either.
    pub fn gone(&self, now: Timestamp) -> BTreeSet<String> {
        let missing = self.missing.iter();
        missing
            .filter(|(_, since)| now.duration_since(**since) >= TWO_LOOKS)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Whether something may have been made that AWS does not show yet. While
    /// that is so, seeing nothing proves nothing.
    pub fn may_appear(&self, entry: &LedgerEntry, now: Timestamp) -> bool {
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
    pub fn note_begun<'a>(&mut self, keys: impl IntoIterator<Item = &'a ResourceKey>) {
        for begun in keys {
            self.seen.retain(|(_, key)| key != begun);
        }
        self.missing
            .retain(|id, _| self.seen.iter().any(|(seen, _)| seen == id));
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
        let mut sightings = Sightings::default();
        assert!(sightings.may_appear(&entry(Some("vpce-1")), soon));
        assert!(!sightings.may_appear(&entry(Some("vpce-1")), later));
        sightings.note_look(&showing("vpce-1"), soon);
        assert!(!sightings.may_appear(&entry(Some("vpce-1")), soon));
        assert!(
            sightings.may_appear(&entry(Some("vpce-2")), soon),
            "that was another one"
        );
    }

    #[test]
    fn what_two_looks_show_no_longer_is_gone_and_what_comes_back_is_not() {
        let at = |second: i64| -> Timestamp {
            let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
            noon + SignedDuration::from_secs(second)
        };
        let gone = |sightings: &Sightings, second| sightings.gone(at(second)).into_iter().collect::<Vec<_>>();
        let mut sightings = Sightings::default();
        sightings.note_look(&Plan::default(), at(0));
        assert!(gone(&sightings, 9).is_empty(), "it was never seen");
        sightings.note_look(&showing("vpce-1"), at(10));
        assert!(gone(&sightings, 15).is_empty(), "this look may show it");
        sightings.note_look(&Plan::default(), at(15));
        assert!(gone(&sightings, 16).is_empty(), "that is the same moment");
        assert_eq!(gone(&sightings, 20), ["vpce-1"]);
        sightings.note_look(&showing("vpce-1"), at(20));
        assert!(gone(&sightings, 30).is_empty(), "it is there again");
        sightings.note_look(&Plan::default(), at(30));
        sightings.note_look(&Plan::default(), at(100));
        assert!(
            sightings.seen.is_empty() && sightings.missing.is_empty(),
            "it is not remembered for ever"
        );
    }

    #[test]
    fn a_creation_whose_answer_was_lost_may_appear_until_anything_for_that_purpose_was_seen() {
        let soon: Timestamp = "2026-01-01T12:00:10Z".parse().unwrap();
        let mut sightings = Sightings::default();
        sightings.note_look(&showing("vpce-1"), soon);
        assert!(!sightings.may_appear(&entry(None), soon));
        sightings.note_begun([&ResourceKey::S3GatewayEndpoint]);
        assert!(sightings.may_appear(&entry(None), soon), "it was begun anew since");
    }
}
