//! What planning remembers of earlier passes: from status, and from memory.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Outcome, Plan, Step};
use crate::{
    api::{
        ApprovedStatus, BucketInForce, InForce, LedgerEntry, LedgerStatus, NetworkAclInForce, ResourceOwnership,
        SageMakerVpcStatus,
    },
    types::ResourceKey,
};

/// How long AWS may take to show what it said it made.
///
/// See <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);

/// Repairs of one resource within [`STORM_WINDOW`] before they back off.
pub const STORM_LIMIT: usize = 5;

/// The time over which repairs are counted.
pub const STORM_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// How often access that someone opened is closed during a storm.
const STORM_PACE: SignedDuration = SignedDuration::from_mins(10);

/// What planning remembers.
#[derive(Clone, Debug)]
pub struct History {
    /// The time of this pass.
    pub now: Timestamp,
    /// Creations that were begun.
    pub ledger: BTreeMap<ResourceKey, LedgerEntry>,
    /// Ids of what was made before what the ledger names now.
    pub earlier: BTreeSet<String>,
    /// Ids of what carried our tags when something was begun, and was not it.
    pub others: BTreeSet<String>,
    /// Fingerprint of the network that AWS was last seen to match.
    pub network_in_force: Option<String>,
    /// Changes that were approved last.
    pub approved: Option<ApprovedStatus>,
    /// Buckets whose policy we changed, by name.
    pub buckets: BTreeMap<String, BucketInForce>,
    /// Rules of network ACLs that we made.
    pub network_acls: Vec<NetworkAclInForce>,
    /// What was noted of the profiles in force; `None` outside the cluster, where
    /// nothing is remembered.
    pub in_force: Option<InForce>,
    /// Ids of what status lists as ours.
    pub listed: BTreeSet<String>,
    /// Ids of what AWS showed once and shows no longer, as more than one look
    /// found: that is gone, and does not appear any more.
    pub gone: BTreeSet<String>,
    /// Resources repaired too often lately, each with its last repair.
    pub storming: BTreeMap<String, Timestamp>,
}

impl History {
    /// What status and memory hold, at the time `now`.
    pub fn new(status: Option<&SageMakerVpcStatus>, repairs: &Repairs, now: Timestamp) -> Self {
        let ledger = status
            .map(|status| &status.ledger.entries)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some((entry.key.parse().ok()?, entry.clone())))
            .collect();
        let ids = |of: fn(&LedgerStatus) -> &Vec<String>| {
            let ids = status.into_iter().flat_map(|status| of(&status.ledger));
            ids.cloned().collect()
        };
        Self {
            now,
            ledger,
            earlier: ids(|ledger| &ledger.earlier),
            others: ids(|ledger| &ledger.others),
            network_in_force: status.and_then(|status| status.in_force.network.clone()),
            approved: status.and_then(|status| status.plan.approved.clone()),
            buckets: status
                .map(|status| &status.in_force.buckets)
                .into_iter()
                .flatten()
                .map(|bucket| (bucket.name.clone(), bucket.clone()))
                .collect(),
            network_acls: status
                .map(|status| status.in_force.network_acls.clone())
                .unwrap_or_default(),
            in_force: Some(status.map(|status| status.in_force.clone()).unwrap_or_default()),
            listed: status
                .map(|status| &status.resources)
                .into_iter()
                .flatten()
                .filter(|resource| resource.ownership != ResourceOwnership::Found)
                .map(|resource| resource.id.clone())
                .collect(),
            gone: BTreeSet::new(),
            storming: repairs.storming(now),
        }
    }

    /// The same, knowing that these are gone though they were made just now.
    #[must_use]
    pub fn without(self, gone: BTreeSet<String>) -> Self {
        Self { gone, ..self }
    }

    /// Remembers nothing: for a plan outside the cluster.
    pub fn none(now: Timestamp) -> Self {
        Self {
            in_force: None,
            ..Self::new(None, &Repairs::default(), now)
        }
    }

    /// The id of something that AWS said it made and may not show yet.
    pub(super) fn not_visible_yet(&self, key: &ResourceKey) -> Option<&str> {
        let entry = self.ledger.get(key).filter(|entry| !entry.adopted)?;
        let id = entry.id.as_deref().filter(|id| !self.gone.contains(*id))?;
        (self.now.duration_since(entry.sent) < SETTLING).then_some(id)
    }

    /// Whether something was asked for lately, and nobody knows what became of
    /// it: AWS may yet show it.
    pub(super) fn may_appear(&self, key: &ResourceKey) -> bool {
        self.ledger
            .get(key)
            .is_some_and(|entry| entry.id.is_none() && self.now.duration_since(entry.sent) < SETTLING)
    }
}

/// Repairs of one VPC's resources, kept in memory: should the controller
/// restart, counting begins anew.
#[derive(Clone, Debug, Default)]
pub struct Repairs {
    times: BTreeMap<String, Vec<Timestamp>>,
}

impl Repairs {
    /// Notes what was repaired just now.
    pub fn record(&mut self, plan: &Plan, outcome: &Outcome, now: Timestamp) {
        let repaired: BTreeSet<String> = plan
            .actions
            .iter()
            .filter(|planned| planned.drift && matches!(outcome.steps.get(&planned.id), Some(Step::Done)))
            .map(|planned| planned.subject())
            .collect();
        for subject in repaired {
            self.times.entry(subject).or_default().push(now);
        }
        self.times.retain(|_, times| {
            times.retain(|time| now.duration_since(*time) < STORM_WINDOW);
            !times.is_empty()
        });
    }

    fn storming(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        self.times
            .iter()
            .filter_map(|(subject, times)| {
                let recent = times.iter().filter(|time| now.duration_since(**time) < STORM_WINDOW);
                let last = recent.clone().max()?;
                (recent.count() >= STORM_LIMIT).then(|| (subject.clone(), *last))
            })
            .collect()
    }
}

/// Holds back repairs of what was repaired too often lately, so that two
/// controllers never fight for ever. Closing access that someone opened goes
/// on, at a slower pace.
pub(super) fn calm(mut plan: Plan, history: &History) -> Plan {
    for planned in plan.actions.iter_mut().filter(|planned| planned.drift) {
        let Some(last) = history.storming.get(&planned.subject()) else {
            continue;
        };
        if planned.closes_access && history.now.duration_since(*last) >= STORM_PACE {
            continue;
        }
        planned.waits_for.get_or_insert_with(|| {
            format!(
                "{} was repaired {STORM_LIMIT} times within an hour and something keeps changing it back: find out what \
                 does (CloudTrail shows who calls {}:*{}*), and stop it or set managementPolicy: Observe.",
                planned.action.resource(),
                planned.action.service(),
                planned.action.family(),
            )
        });
        planned.backs_off = true;
    }
    plan
}
