//! What became of a plan, as a value, so that status is written on every path.

use std::collections::BTreeMap;

use super::ActionId;
use crate::{report::Failure, types::ResourceKey};

/// What became of each action that was to run. Held actions are not in here:
/// the plan says so itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What became of each.
    pub steps: BTreeMap<ActionId, Step>,
    /// Ids of what was made.
    pub made: BTreeMap<ResourceKey, String>,
}

/// What became of one action.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// AWS did it.
    Done,
    /// AWS is not ready for it yet, or something still uses what is to go.
    /// Not an error: the next look at AWS decides anew.
    Waiting {
        /// For what.
        message: String,
    },
    /// AWS refused it.
    Failed(Failure),
    /// An action that it comes after was not done.
    Blocked {
        /// That action.
        by: ActionId,
    },
}

impl Outcome {
    /// Whether anything was changed in AWS.
    pub fn changed(&self) -> bool {
        self.steps.values().any(|step| matches!(step, Step::Done))
    }

    /// Refusals, in the order of the plan.
    pub fn failures(&self) -> impl Iterator<Item = (ActionId, &Failure)> {
        self.steps.iter().filter_map(|(id, step)| match step {
            Step::Failed(failure) => Some((*id, failure)),
            Step::Done | Step::Waiting { .. } | Step::Blocked { .. } => None,
        })
    }
}
