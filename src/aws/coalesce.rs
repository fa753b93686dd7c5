//! Many requests become one round.
//!
//! Group commit: a request joins the round that has not begun yet. A round
//! begins when the one before it has ended and nobody new has come for a
//! moment, so that all whom a timer or a restart wakes at once share one round,
//! and a request waits for no more than the round under way and its own.
//! Because a request never joins a round that has begun, its answer holds
//! nothing that was read before it asked.

use std::{mem, pin::Pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

/// A round begins when nobody has come for this long: those who are woken
/// together come within it, one after the other.
const QUIET: Duration = Duration::from_millis(20);

/// How long a round gathers requests at most.
const LONGEST: Duration = Duration::from_millis(200);

type Round<Request, Answer> = Arc<dyn Fn(Vec<Request>) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// How many of the requests, from the first on, one round can serve.
type Fitting<Request> = Arc<dyn Fn(&mut dyn Iterator<Item = &Request>) -> usize + Send + Sync>;

/// Gathers requests and answers all that came together with one round.
pub(super) struct Gathering<Request, Answer> {
    fitting: Fitting<Request>,
    round: Round<Request, Answer>,
    state: Arc<Mutex<State<Request, Answer>>>,
}

impl<Request, Answer> Clone for Gathering<Request, Answer> {
    fn clone(&self) -> Self {
        Self {
            fitting: Arc::clone(&self.fitting),
            round: Arc::clone(&self.round),
            state: Arc::clone(&self.state),
        }
    }
}

struct State<Request, Answer> {
    next: Vec<(Request, oneshot::Sender<Answer>)>,
    /// When the first of them came.
    since: Instant,
    /// When the last of them came.
    last: Instant,
    working: bool,
}

impl<Request, Answer> Gathering<Request, Answer>
where
    Request: Send + 'static,
    Answer: Clone + Send + 'static,
{
    /// Rounds that are made by `round`, each for as many requests as `fitting`
    /// says of those that wait; one at least.
    pub(super) fn new<F>(
        fitting: impl Fn(&mut dyn Iterator<Item = &Request>) -> usize + Send + Sync + 'static,
        round: impl Fn(Vec<Request>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let now = Instant::now();
        Self {
            fitting: Arc::new(fitting),
            round: Arc::new(move |requests| Box::pin(round(requests))),
            state: Arc::new(Mutex::new(State {
                next: Vec::new(),
                since: now,
                last: now,
                working: false,
            })),
        }
    }

    /// Joins the next round and waits for its answer; `None` if it ended
    /// without one, which a shutdown does. The round goes on for the others
    /// when someone stops waiting.
    pub(super) async fn ask(&self, request: Request) -> Option<Answer> {
        let (sender, answer) = oneshot::channel();
        let begin = {
            let mut state = self.state.lock();
            state.last = Instant::now();
            if state.next.is_empty() {
                state.since = state.last;
            }
            state.next.push((request, sender));
            !mem::replace(&mut state.working, true)
        };
        if begin {
            tokio::spawn(self.clone().work());
        }
        answer.await.ok()
    }

    /// Runs rounds until nobody waits for one.
    async fn work(self) {
        let mut at_work = AtWork {
            state: Arc::clone(&self.state),
            done: false,
        };
        while let Some(begins) = at_work.more() {
            // Others may have come by then, who are waited for as well.
            if Instant::now() < begins {
                tokio::time::sleep_until(begins).await;
                continue;
            }
            let (requests, waiting): (Vec<_>, Vec<_>) = self.together().into_iter().unzip();
            let answer = (self.round)(requests).await;
            for sender in waiting {
                // Whoever has stopped waiting has no use for it.
                let _ = sender.send(answer.clone());
            }
        }
    }
}

impl<Request, Answer> Gathering<Request, Answer> {
    /// Takes those who wait and fit into one round.
    fn together(&self) -> Vec<(Request, oneshot::Sender<Answer>)> {
        let mut state = self.state.lock();
        let fitting = (self.fitting)(&mut state.next.iter().map(|(request, _)| request));
        let taken = state.next.len().min(fitting.max(1));
        let later = state.next.split_off(taken);
        mem::replace(&mut state.next, later)
    }
}

/// That rounds are being run. However that ends, the next request starts anew.
struct AtWork<Request, Answer> {
    state: Arc<Mutex<State<Request, Answer>>>,
    done: bool,
}

impl<Request, Answer> AtWork<Request, Answer> {
    /// When the next round begins, if nobody comes until then. `None` ends the
    /// work, in the same breath as nobody is found to wait, so that nobody can
    /// come in between.
    fn more(&mut self) -> Option<Instant> {
        let mut state = self.state.lock();
        state.working = !state.next.is_empty();
        self.done = !state.working;
        state.working.then(|| (state.last + QUIET).min(state.since + LONGEST))
    }
}

impl<Request, Answer> Drop for AtWork<Request, Answer> {
    /// After a panic or a shutdown nobody may wait for an answer any more.
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.state.lock();
            state.working = false;
            state.next.clear();
        }
    }
}

#[cfg(test)]
mod tests;
