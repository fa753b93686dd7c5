//! A pass that panics ends by itself. A panic is a bug; one object that brings
//! it out must not end the process, and with it the work on all others.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt;

/// That a pass panicked.
#[derive(Debug, thiserror::Error)]
#[error("a bug: {0}")]
pub(super) struct Panicked(String);

/// Runs a pass to its end, whatever that is.
///
/// What it shares with other passes is guarded by locks that take a panic for
/// no reason to stop, and what it had to itself is of no use to anybody after.
///
/// # Errors
///
/// When it panicked.
pub(super) async fn caught<T>(pass: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(pass)
        .catch_unwind()
        .await
        .map_err(|payload| Panicked(message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn one_that_panics_ends_alone_and_says_why() {
        let shared = Mutex::new(0);
        let poisoned = caught(async {
            tokio::task::yield_now().await;
            let _held = shared.lock();
            panic!("{} is not {}", 1, 2)
        });
        let other = caught(async {
            tokio::task::yield_now().await;
            7
        });
        let (poisoned, other): (Result<(), _>, _) = tokio::join!(poisoned, other);
        assert_eq!(poisoned.unwrap_err().to_string(), "a bug: 1 is not 2");
        assert_eq!(other.unwrap(), 7);
    }

    #[tokio::test]
    async fn any_payload_will_do() {
        let odd: Result<(), _> = caught(async { std::panic::panic_any(7) }).await;
        assert!(odd.unwrap_err().to_string().contains("without a message"));
        let plain: Result<(), _> = caught(async { panic!("plain") }).await;
        assert_eq!(plain.unwrap_err().to_string(), "a bug: plain");
    }
}
