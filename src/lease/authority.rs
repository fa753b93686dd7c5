//! The right to act, for one term of leadership.
//!
//! Whoever sends something asks it first: an interceptor of every client of
//! AWS, and every write to Kubernetes. It is asked when the attempt starts, not
//! when the pass did, so that a term that is renewed carries a long pass on,
//! and one that is not ends it. A term that has ended never comes back: should
//! this process lead again, that is another term, with other clients, and what
//! was found out in the old one starts nothing any more.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{Moment, clock};

/// The right to act, for one term. Clones are one right.
#[derive(Clone)]
pub struct Authority {
    shared: Arc<Shared>,
}

struct Shared {
    /// Until when it holds, in nanoseconds of the clock; 0 where it has ended.
    until: AtomicU64,
    /// Whether nothing new is begun at AWS any more.
    closed: AtomicBool,
    /// Attempts at calls to AWS that are under way.
    under_way: watch::Sender<usize>,
}

/// A term without end.
const ALWAYS: u64 = u64::MAX;

impl Authority {
    /// For whoever shares AWS with nobody who would act by itself: the command
    /// line, which only looks, and a controller without leader election.
    pub fn unlimited() -> Self {
        Self::with(ALWAYS)
    }

    /// A term that lasts until this moment, unless it is renewed.
    pub fn until(moment: Moment) -> Self {
        Self::with(nanoseconds(moment))
    }

    fn with(until: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                until: AtomicU64::new(until),
                closed: AtomicBool::new(false),
                under_way: watch::Sender::new(0),
            }),
        }
    }

    /// Renews the term, at `now`; false if it was over by then.
    pub fn renew(&self, until: Moment, now: Moment) -> bool {
        let renewed = |before: u64| (nanoseconds(now) < before).then(|| nanoseconds(until).max(before));
        self.shared
            .until
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, renewed)
            .is_ok()
    }

    /// From now on nothing is begun at AWS. What is under way may end, and what
    /// came of it may be written down.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
    }

    /// Ends the term, for ever.
    pub fn end(&self) {
        self.close();
        self.shared.until.store(0, Ordering::SeqCst);
    }

    /// Whether an attempt at a call to AWS may start now.
    pub fn may_ask_aws(&self) -> bool {
        !self.shared.closed.load(Ordering::SeqCst) && self.holds_at(clock::now())
    }

    /// Whether a write to Kubernetes may start now.
    pub fn may_write(&self) -> bool {
        self.holds_at(clock::now())
    }

    /// Whether the term lasts at this moment.
    pub fn holds_at(&self, now: Moment) -> bool {
        nanoseconds(now) < self.shared.until.load(Ordering::SeqCst)
    }

    /// When the term ends, if nothing renews it.
    pub fn ends(&self) -> Moment {
        Moment::after_start(Duration::from_nanos(self.shared.until.load(Ordering::SeqCst)))
    }

    /// Notes an attempt at a call to AWS, for as long as what this gives is
    /// kept.
    pub fn attempt(&self) -> Attempt {
        self.shared.under_way.send_modify(|count| *count += 1);
        Attempt(self.clone())
    }

    /// Waits until no attempt at a call to AWS is under way.
    pub async fn idle(&self) {
        // An error means that there is no sender, and we hold one.
        let _ = self.shared.under_way.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("until", &self.shared.until.load(Ordering::SeqCst))
            .field("closed", &self.shared.closed.load(Ordering::SeqCst))
            .finish_non_exhaustive()
    }
}

/// An attempt at a call to AWS that is under way.
pub struct Attempt(Authority);

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.shared.under_way.send_modify(|count| *count -= 1);
    }
}

/// Half a millennium fits.
fn nanoseconds(moment: Moment) -> u64 {
    u64::try_from(moment.since_start().as_nanos()).unwrap_or(ALWAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn it_holds_until_its_end_and_what_is_renewed_in_time_holds_longer() {
        let authority = Authority::until(at(10));
        assert!(authority.holds_at(at(9)) && !authority.holds_at(at(10)));
        assert!(authority.renew(at(18), at(9)));
        assert!(authority.holds_at(at(17)) && !authority.holds_at(at(18)));
    }

    #[test]
    fn what_was_not_renewed_in_time_never_holds_again() {
        let authority = Authority::until(at(10));
        assert!(!authority.renew(at(20), at(10)), "it came too late");
        assert!(!authority.holds_at(at(15)));
        let ended = Authority::until(at(10));
        ended.end();
        assert!(!ended.renew(at(20), at(1)) && !ended.holds_at(at(1)));
    }

    #[test]
    fn a_renewal_never_shortens_a_term() {
        let authority = Authority::until(at(10));
        assert!(authority.renew(at(8), at(5)));
        assert!(authority.holds_at(at(9)));
    }

    #[test]
    fn a_closed_term_begins_nothing_and_may_still_write() {
        let authority = Authority::unlimited();
        assert!(authority.may_ask_aws() && authority.may_write());
        authority.close();
        assert!(!authority.may_ask_aws() && authority.may_write());
        authority.end();
        assert!(!authority.may_write());
    }

    #[tokio::test]
    async fn it_is_idle_once_every_attempt_has_ended() {
        use futures::FutureExt;

        let authority = Authority::unlimited();
        let (one, other) = (authority.attempt(), authority.clone().attempt());
        drop(one);
        assert!(authority.idle().now_or_never().is_none());
        drop(other);
        authority.idle().await;
    }
}
