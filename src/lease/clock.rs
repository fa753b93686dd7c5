//! The clock that runs on.
//!
//! A machine that was suspended for a minute must know that its minute is over,
//! and `Instant` does not: on Linux it stands still meanwhile. The time of day
//! is no help either, for it is set back and forth.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::Moment;

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
// Elsewhere the monotonic clock counts on in suspend.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// Now.
pub fn now() -> Moment {
    let time = clock_gettime(CLOCK);
    // It counts from the start of the machine, so it is never negative.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Moment::after_start(Duration::new(seconds, nanoseconds))
}

/// Sleeps until a moment. A machine that is suspended meanwhile may oversleep:
/// whoever wakes looks at the clock.
pub async fn sleep_until(moment: Moment) {
    tokio::time::sleep(moment.since(now())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_since_the_machine_started_with_suspends_counted_in() {
        let before = now();
        let told = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = told.split_whitespace().next().unwrap().parse().unwrap();
        let after = now();
        // The file is cut to hundredths.
        assert!(
            before.since_start().as_secs_f64() <= uptime + 0.02,
            "{before:?} {uptime}"
        );
        assert!(after.since_start().as_secs_f64() >= uptime, "{after:?} {uptime}");
    }
}
