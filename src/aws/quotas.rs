//! Token buckets in front of every call.
//!
//! AWS gives each account a bucket for each region and action, and refuses what
//! comes when it is empty ([`Throttle`]). All who work here draw on one copy of
//! those buckets, so that no worker spends a call on a refusal, and where many
//! wait for one bucket the more urgent goes first.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use parking_lot::Mutex;
use tokio::sync::{Notify, OnceCell};

use super::{clients::ConnectionMeans, errors::Refusal};
use sagevpc_core::{
    catalog::calls::{Call, Throttle},
    plan::Priority,
    types::{AccountId, Region},
};

/// The name of our own account until AWS has told it, which no account has:
/// those of accounts are all digits.
const OUR_OWN: &str = "our own";

/// Whose buckets: an account, or [`OUR_OWN`], in a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scope {
    account: String,
    region: Region,
}

/// Our share of what AWS allows in one account and region. Everything that is
/// asked of AWS goes through one of these.
pub(super) struct Share {
    quotas: Arc<Quotas>,
    /// The account that is acted in: the role's, or that of our own credentials,
    /// once AWS has told it.
    pub(super) account: OnceCell<AccountId>,
    /// The region.
    pub(super) region: Region,
    /// How urgent it is to look at something.
    looks: Priority,
}

impl Share {
    /// The share of a connection whose `looks` are as urgent as that.
    pub(super) fn new(means: &ConnectionMeans, looks: Priority) -> Self {
        Self {
            quotas: Arc::clone(&means.quotas),
            account: OnceCell::new_with(means.account.clone()),
            region: means.region.clone(),
            looks,
        }
    }

    /// The account, in a word.
    pub(super) fn account_name(&self) -> &str {
        self.account.get().map_or(OUR_OWN, AccountId::as_str)
    }

    /// Waits until AWS can be expected to accept `call`.
    pub(super) async fn pace(&self, call: Call, priority: Priority) {
        let scope = Scope {
            account: self.account_name().to_owned(),
            region: self.region.clone(),
        };
        self.quotas.acquire(scope, call, priority).await;
    }

    /// Makes one call that only looks. The SDK's futures are large, and a round
    /// holds many of them: they are kept on the heap.
    pub(super) fn read<T, E, R>(
        &self,
        call: Call,
        request: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> impl Future<Output = Result<T, Refusal>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let request = Box::pin(request);
        async move {
            self.pace(call, self.looks).await;
            request.await.map_err(|error| Refusal::from_sdk(call, &error))
        }
    }
}

/// All buckets of all accounts and regions.
#[derive(Default)]
pub(super) struct Quotas {
    buckets: Mutex<HashMap<(Scope, Call), Arc<Bucket>>>,
}

impl Quotas {
    /// Waits until AWS can be expected to accept `call`, and until nothing more
    /// urgent waits for the same.
    async fn acquire(&self, scope: Scope, call: Call, priority: Priority) {
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
