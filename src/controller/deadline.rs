//! The time that a pass may take. Whatever AWS does, enough of it is left to
//! write the status and say so.

use std::time::Duration;

use tokio::time::Instant;

/// For looking at AWS, its own waits for a turn included.
const OBSERVE: Duration = Duration::from_secs(60);
/// For changing AWS, counted from the start of the pass. What has not had its
/// turn by then has it in the next pass.
const APPLY: Duration = Duration::from_secs(90);

/// Points in time by which the steps of one pass must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    begun: Instant,
}

impl Deadline {
    /// For a pass that begins now.
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now() }
    }

    /// Puts all of it off by the time in which the pass waited for others.
    pub(super) fn put_off(&mut self, waited: Duration) {
        self.begun += waited;
    }

    /// How long the pass has taken, without its waits for others.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When looking at AWS must have ended.
    pub(super) fn observe(&self) -> Instant {
        self.begun + OBSERVE
    }

    /// When changing AWS must have ended.
    pub(super) fn apply(&self) -> Instant {
        self.begun + APPLY
    }
}
