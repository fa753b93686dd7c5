//! Token buckets in front of every call.
//!
//! AWS gives each account a bucket for each region and action, and refuses what
//! comes when it is empty ([`Throttle`]). All who work here draw on one copy of
//! those buckets, so that no worker spends a call on a refusal, and where many
//! wait for one bucket the more urgent goes first.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use sagevpc_core::{
    catalog::calls::{Call, Throttle},
    plan::Priority,
    types::Region,
};

/// Whose buckets: an account (or, until it is known, a name for the credentials
/// in use) in a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) account: String,
    pub(super) region: Region,
}

/// All buckets of all accounts and regions.
#[derive(Default)]
pub(super) struct Quotas {
    buckets: Mutex<HashMap<(Scope, Call), Arc<Bucket>>>,
}

impl Quotas {
    /// Waits until AWS can be expected to accept `call`, and until nothing more
    /// urgent waits for the same.
    pub(super) async fn acquire(&self, scope: Scope, call: Call, priority: Priority) {
        let bucket = Arc::clone(
            self.buckets
                .lock()
                .entry((scope, call))
                .or_insert_with(|| Arc::new(Bucket::new(call.facts().throttle, MonotonicClock))),
        );
        bucket.acquire(priority).await;
    }
}

/// A place in the queue: by urgency, then by order of arrival.
type Ticket = (Priority, u64);

/// What someone who waits is to do.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Go: a token was taken.
    Go,
    /// First in the queue; look again after this time.
    After(Duration),
    /// Others come first; look again when the queue moves.
    NotYet,
}

#[derive(Default)]
struct Queue {
    waiting: BTreeSet<Ticket>,
    arrivals: u64,
}

struct Bucket<C: Clock = MonotonicClock> {
    tokens: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    queue: Mutex<Queue>,
    moved: Notify,
}

impl<C: Clock + Clone> Bucket<C> {
    fn new(throttle: Throttle, clock: C) -> Self {
        let burst = NonZeroU32::new(throttle.burst()).unwrap_or(NonZeroU32::MIN);
        let one_a_second = || Quota::per_second(NonZeroU32::MIN);
        let quota = Quota::with_period(throttle.period())
            .unwrap_or_else(one_a_second)
            .allow_burst(burst);
        Self {
            tokens: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            queue: Mutex::default(),
            moved: Notify::new(),
        }
    }

    fn enter(&self, priority: Priority) -> Waiting<'_, C> {
        let mut queue = self.queue.lock();
        queue.arrivals += 1;
        let ticket = (priority, queue.arrivals);
        queue.waiting.insert(ticket);
        Waiting { bucket: self, ticket }
    }

    /// Takes a token for the holder of `ticket`, if one is there and nobody
    /// comes first. The queue stays locked meanwhile, so that nobody who is
    /// more urgent can arrive in between.
    fn turn(&self, ticket: Ticket) -> Turn {
        let queue = self.queue.lock();
        if queue.waiting.first() != Some(&ticket) {
            return Turn::NotYet;
        }
        match self.tokens.check() {
            Ok(()) => Turn::Go,
            Err(not_until) => Turn::After(not_until.wait_time_from(self.clock.now())),
        }
    }
}

impl Bucket {
    async fn acquire(&self, priority: Priority) {
        let waiting = self.enter(priority);
        loop {
            // Registered before looking, so that a move in between is not missed.
            let moved = self.moved.notified();
            match self.turn(waiting.ticket) {
                Turn::Go => return,
                Turn::NotYet => moved.await,
                // Someone more urgent may arrive and be served by then: the
                // next look finds out.
                Turn::After(wait) => tokio::time::sleep(wait).await,
            }
        }
    }
}

/// A place in the queue that is given up when dropped: served, or no longer
/// wanted.
struct Waiting<'a, C: Clock> {
    bucket: &'a Bucket<C>,
    ticket: Ticket,
}

impl<C: Clock> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        self.bucket.queue.lock().waiting.remove(&self.ticket);
        self.bucket.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
