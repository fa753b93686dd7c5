//! How long to wait after the n-th failure in a row. Pure.

use std::time::Duration;

/// Waits that double up to a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// The first wait.
    pub(super) first: Duration,
    /// The longest.
    pub(super) longest: Duration,
}

impl Backoff {
    /// The wait before the attempt after `failures` in a row, the first failure
    /// being 0.
    pub(super) fn after(&self, failures: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(failures)
            .filter(|factor| *factor != 0)
            .unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// The same, shortened by up to a half: `random` is from 0 to 1. Objects
    /// that failed together, for one cause, must not all come back together.
    pub(super) fn jittered(&self, failures: u32, random: f64) -> Duration {
        self.after(failures).mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(300),
    };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u64> = (0..11).map(|failures| BACKOFF.after(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn any_number_of_failures_is_answered() {
        for failures in [31, 32, 33, 64, u32::MAX] {
            assert_eq!(BACKOFF.after(failures), BACKOFF.longest, "{failures}");
        }
    }

    #[test]
    fn jitter_takes_half_off_at_most() {
        assert_eq!(BACKOFF.jittered(3, 0.0), Duration::from_secs(8));
        assert_eq!(BACKOFF.jittered(3, 1.0), Duration::from_secs(4));
        assert_eq!(BACKOFF.jittered(3, 7.0), Duration::from_secs(4));
    }
}
