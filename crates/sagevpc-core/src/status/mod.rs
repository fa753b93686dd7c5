//! What is known about a VPC and its profiles, as status: pure.
//!
//! [`assess`] takes one pass of the controller, however far it came, and gives
//! the whole status of every object that the pass concerns. Nothing else writes
//! status. A pass that finds nothing new gives the very same status as the one
//! before, times included, so that comparing with `==` tells whether to write.

mod aged;
mod broken;
mod concerns;
mod conditions;
mod in_the_way;
mod lacks;
mod left;
mod obstacles;
mod orphan;
mod profile;
mod remedy;
mod told;
mod verdicts;
mod vpc;
mod workload;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use broken::broken;
pub use left::last_seen;
pub use orphan::orphan;
pub use verdicts::{PlannedVerdict, verdicts};

use in_the_way::InTheWay;

use crate::{
    api::{LedgerStatus, SageMakerVpcProfileStatus, SageMakerVpcStatus},
    plan::{Outcome, Plan},
    report::Failure,
    types::ProfileKey,
    validate::{References, Refused, Validated},
};

/// One pass of the controller.
#[derive(Clone, Debug)]
pub struct Assessment<'a> {
    /// The objects.
    pub references: &'a References,
    /// What may be acted on, or why nothing may.
    pub validated: Result<&'a Validated, &'a Refused>,
    /// How far looking at AWS came.
    pub observation: Observation<'a>,
    /// The ledger of creations as it stands now.
    pub ledger: LedgerStatus,
    /// The time.
    pub now: Timestamp,
}

/// How far looking at AWS came.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// Nobody looked, for the spec was refused.
    NotLooked,
    /// AWS gave no answer, or a refusal.
    Failed(&'a Failure),
    /// AWS answered, and the VPC does not exist.
    VpcMissing,
    /// The VPC was seen, planned for and worked on.
    Seen {
        /// The plan.
        plan: &'a Plan,
        /// What became of it.
        outcome: &'a Outcome,
    },
}

/// The status of every object that a pass concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct Statuses {
    /// The SageMakerVpc's.
    pub vpc: SageMakerVpcStatus,
    /// Each profile's.
    pub profiles: BTreeMap<ProfileKey, SageMakerVpcProfileStatus>,
}

/// Assesses one pass.
pub fn assess(assessment: &Assessment<'_>) -> Statuses {
    let found = InTheWay::of(assessment);
    let profiles: BTreeMap<_, _> = assessment
        .references
        .profiles
        .iter()
        .map(|reference| (reference.key(), profile::status(assessment, &found, reference)))
        .collect();
    Statuses {
        vpc: vpc::status(assessment, &found, &profiles),
        profiles,
    }
}

/// How many are left out where only some are shown.
fn truncated(all: usize, shown: usize) -> Option<u32> {
    u32::try_from(all.saturating_sub(shown))
        .ok()
        .filter(|left_out| *left_out > 0)
}

/// Kubernetes writes times to the second, and so do its readers expect them.
fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
