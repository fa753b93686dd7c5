//! When to look at a VPC next. Pure: the time and the dice are arguments.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff::Backoff;
use crate::telemetry::PassResult;
use sagevpc_core::{
    api::Reason,
    plan::{Outcome, Plan, Step},
    report::FailureKind,
};

/// How things stand at the end of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PassEnd {
    /// Nothing is left to do until something changes.
    Settled,
    /// AWS was changed: the next look shows what came of it.
    Changed,
    /// AWS works on something, or something still uses what is to go.
    Waiting,
    /// AWS refused something, or did not answer.
    Failed(FailureKind),
    /// What the pass was based on changed meanwhile.
    Superseded,
    /// Kubernetes refused something, or did not answer.
    NotWritten,
    /// The process may not act any more.
    TermOver,
    /// It broke off by a bug of ours.
    Panicked,
}

impl PassEnd {
    /// How things stand after a plan was applied, or was not to be.
    pub(super) fn of(plan: &Plan, outcome: &Outcome, may_change: bool) -> Self {
        // A throttled account must be left alone, whatever else went wrong.
        let mut kinds: Vec<FailureKind> = outcome.failures().map(|(_, failure)| failure.kind).collect();
        kinds.sort_by_key(|kind| *kind != FailureKind::Throttled);
        if let Some(kind) = kinds.first() {
            return Self::Failed(*kind);
        }
        if outcome.changed() {
            return Self::Changed;
        }
        // What is blocked waits for another action, which counts by itself; or
        // for a person, if that one is held.
        let steps_wait = outcome.steps.values().any(|step| match step {
            Step::Waiting { .. } => true,
            Step::Done | Step::Failed(_) | Step::Blocked { .. } => false,
        });
        let actions_wait = may_change
            && plan
                .actions
                .iter()
                .any(|planned| !planned.held && planned.waits_for.is_some());
        let aws_works = plan.findings.iter().any(|finding| finding.reason == Reason::Waiting);
        if steps_wait || actions_wait || aws_works {
            Self::Waiting
        } else {
            Self::Settled
        }
    }

    /// The word for metrics.
    pub(super) fn result(self) -> PassResult {
        match self {
            Self::Settled => PassResult::Settled,
            Self::Changed => PassResult::Changed,
            Self::Waiting => PassResult::Waiting,
            Self::Failed(_) => PassResult::Failed,
            Self::Superseded => PassResult::Superseded,
            Self::NotWritten => PassResult::NotWritten,
            Self::TermOver => PassResult::TermOver,
            Self::Panicked => PassResult::Panicked,
        }
    }
}

/// After a change, look at once. Where that look leads to another change, wait,
/// and longer and longer should they have no end.
const CHANGED: Backoff = Backoff {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(30),
};
/// What AWS works on takes from seconds to minutes.
const WAITING: Backoff = Backoff {
    first: Duration::from_secs(5),
    longest: Duration::from_secs(30),
};
/// A local copy catches up within milliseconds.
const SUPERSEDED: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(5),
};
/// Most failures last until someone does something.
const FAILED: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(300),
};
/// Every attempt makes this one worse.
const THROTTLED: Backoff = Backoff {
    first: Duration::from_secs(5),
    longest: Duration::from_secs(300),
};

/// The pace at which one VPC is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    last: Option<PassResult>,
    repeated: u32,
}

impl Pace {
    /// How long to wait after a pass that came to this `end` at `now`. `random`
    /// is from 0 to 1.
    pub(super) fn next(&mut self, end: PassEnd, interval: Duration, now: Timestamp, random: f64) -> Duration {
        let result = end.result();
        self.repeated = if self.last == Some(result) {
            self.repeated.saturating_add(1)
        } else {
            0
        };
        self.last = Some(result);
        match end {
            PassEnd::Settled => until_next_round(interval, now),
            PassEnd::Changed => self
                .repeated
                .checked_sub(1)
                .map_or(Duration::ZERO, |again| CHANGED.after(again)),
            PassEnd::Waiting => WAITING.after(self.repeated),
            PassEnd::Superseded | PassEnd::TermOver => SUPERSEDED.after(self.repeated),
            PassEnd::Failed(FailureKind::Throttled) => THROTTLED.jittered(self.repeated, random),
            PassEnd::Failed(
                FailureKind::NoCredentials
                | FailureKind::WrongAccount
                | FailureKind::AccessDenied
                | FailureKind::Unreachable
                | FailureKind::QuotaExceeded
                | FailureKind::Rejected,
            )
            | PassEnd::NotWritten
            | PassEnd::Panicked => FAILED.jittered(self.repeated, random),
        }
    }
}

/// The time until the clock next shows a whole multiple of `interval`.
///
/// VPCs of one account and region are looked at in one round of calls, as long
/// as they ask at the same moment. So those with equal intervals are kept in
/// step by the clock, and those whose intervals divide each other meet as well;
/// any random offset would cost a round for each VPC. The calls of a round are
/// paged and paced, so that nothing is gained by spreading VPCs out.
///
/// A multiple that is nearer than a tenth of the interval is passed over: AWS
/// was looked at just now.
fn until_next_round(interval: Duration, now: Timestamp) -> Duration {
    let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let remaining = interval_ms - now.as_millisecond().rem_euclid(interval_ms);
    let wait = if remaining < interval_ms / 10 {
        remaining.saturating_add(interval_ms)
    } else {
        remaining
    };
    Duration::from_millis(wait.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sagevpc_core::{plan::ActionId, report::Failure};

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn noon() -> Timestamp {
        at("2026-01-01T12:00:00Z")
    }

    fn outcome(steps: impl IntoIterator<Item = Step>) -> Outcome {
        let steps = steps
            .into_iter()
            .enumerate()
            .map(|(number, step)| (ActionId(number), step))
            .collect();
        Outcome {
            steps,
            ..Outcome::default()
        }
    }

    fn failed(kind: FailureKind) -> Step {
        Step::Failed(Failure {
            kind,
            action: "ec2:X".into(),
            code: None,
            message: "m".into(),
        })
    }

    #[test]
    fn vpcs_with_the_same_interval_meet_however_they_began() {
        for now in ["2026-01-01T12:00:07Z", "2026-01-01T12:00:31.5Z", "2026-01-01T12:00:54Z"] {
            let wait = until_next_round(MINUTE, at(now));
            assert_eq!(
                at(now) + jiff::SignedDuration::try_from(wait).unwrap(),
                at("2026-01-01T12:01:00Z"),
                "{now}"
            );
        }
    }

    #[test]
    fn a_look_just_before_the_round_counts_for_it() {
        assert_eq!(
            until_next_round(MINUTE, at("2026-01-01T12:00:58Z")),
            Duration::from_secs(62)
        );
        assert_eq!(until_next_round(MINUTE, noon()), MINUTE);
    }

    #[test]
    fn after_a_change_the_next_look_follows_at_once_and_slows_down_if_changes_never_end() {
        let mut pace = Pace::default();
        let waits: Vec<u128> = (0..9)
            .map(|_| pace.next(PassEnd::Changed, MINUTE, noon(), 0.5).as_millis())
            .collect();
        assert_eq!(waits, [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000]);
        pace.next(PassEnd::Settled, MINUTE, noon(), 0.5);
        assert_eq!(pace.next(PassEnd::Changed, MINUTE, noon(), 0.5).as_millis(), 0);
    }

    #[test]
    fn waiting_grows_from_five_seconds_to_thirty() {
        let mut pace = Pace::default();
        let waits: Vec<u64> = (0..5)
            .map(|_| pace.next(PassEnd::Waiting, MINUTE, noon(), 0.5).as_secs())
            .collect();
        assert_eq!(waits, [5, 10, 20, 30, 30]);
    }

    #[test]
    fn failures_back_off_and_throttling_begins_longer() {
        let mut pace = Pace::default();
        let denied = PassEnd::Failed(FailureKind::AccessDenied);
        let waits: Vec<u64> = (0..10)
            .map(|_| pace.next(denied, MINUTE, noon(), 0.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        let mut pace = Pace::default();
        assert_eq!(
            pace.next(PassEnd::Failed(FailureKind::Throttled), MINUTE, noon(), 0.0)
                .as_secs(),
            5
        );
    }

    #[test]
    fn a_refusal_outweighs_changes_and_throttling_outweighs_other_refusals() {
        let plan = Plan::default();
        let mixed = outcome([
            Step::Done,
            failed(FailureKind::Rejected),
            failed(FailureKind::Throttled),
        ]);
        assert_eq!(
            PassEnd::of(&plan, &mixed, true),
            PassEnd::Failed(FailureKind::Throttled)
        );
        let waits = outcome([Step::Waiting { message: "m".into() }]);
        assert_eq!(PassEnd::of(&plan, &waits, true), PassEnd::Waiting);
        let changed = outcome([Step::Done, Step::Waiting { message: "m".into() }]);
        assert_eq!(PassEnd::of(&plan, &changed, true), PassEnd::Changed);
        assert_eq!(PassEnd::of(&plan, &outcome([]), true), PassEnd::Settled);
    }
}
