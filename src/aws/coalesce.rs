//! Many requests become one round.
//!
//! Group commit: a request joins the round that has not begun yet. A round
//! begins when the one before it has ended and [`WINDOW`] has passed since its
//! first request, so that the workers that a timer or a restart wakes in one
//! moment share one round, and a request waits for no more than the round
//! under way and its own. Because a request never joins a round that has begun,
//! its answer holds nothing that was read before it asked.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

/// How long a round gathers requests. Short beside the time that a round takes
/// with AWS, long beside the time in which woken workers come to ask.
pub(super) const WINDOW: Duration = Duration::from_millis(50);

type Round<Request, Answer> = Arc<dyn Fn(Vec<Request>) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// Gathers requests and answers all that came together with one round.
pub(super) struct Gathering<Request, Answer> {
    round: Round<Request, Answer>,
    state: Arc<Mutex<State<Request, Answer>>>,
}

impl<Request, Answer> Clone for Gathering<Request, Answer> {
    fn clone(&self) -> Self {
        Self {
            round: Arc::clone(&self.round),
            state: Arc::clone(&self.state),
        }
    }
}

struct State<Request, Answer> {
    next: Vec<(Request, oneshot::Sender<Answer>)>,
    since: Instant,
    working: bool,
}

impl<Request, Answer> Gathering<Request, Answer>
where
    Request: Send + 'static,
    Answer: Clone + Send + 'static,
{
    pub(super) fn new<F>(round: impl Fn(Vec<Request>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self {
            round: Arc::new(move |requests| Box::pin(round(requests))),
            state: Arc::new(Mutex::new(State {
                next: Vec::new(),
                since: Instant::now(),
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
            let mut state = lock(&self.state);
            if state.next.is_empty() {
                state.since = Instant::now();
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
        while let Some(since) = at_work.more() {
            tokio::time::sleep_until(since + WINDOW).await;
            let (requests, waiting): (Vec<_>, Vec<_>) = mem::take(&mut lock(&self.state).next).into_iter().unzip();
            let answer = (self.round)(requests).await;
            for sender in waiting {
                // Whoever has stopped waiting has no use for it.
                let _ = sender.send(answer.clone());
            }
        }
    }
}

/// That rounds are being run. However that ends, the next request starts anew.
struct AtWork<Request, Answer> {
    state: Arc<Mutex<State<Request, Answer>>>,
    done: bool,
}

impl<Request, Answer> AtWork<Request, Answer> {
    /// Since when the next round gathers. `None` ends the work, in the same
    /// breath as nobody is found to wait, so that nobody can come in between.
    fn more(&mut self) -> Option<Instant> {
        let mut state = lock(&self.state);
        state.working = !state.next.is_empty();
        self.done = !state.working;
        state.working.then_some(state.since)
    }
}

impl<Request, Answer> Drop for AtWork<Request, Answer> {
    /// After a panic or a shutdown nobody may wait for an answer any more.
    fn drop(&mut self) {
        if !self.done {
            let mut state = lock(&self.state);
            state.working = false;
            state.next.clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
