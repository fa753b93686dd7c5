//! Whether the API server answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Moment, clock};

/// Until when the API server is taken to be within reach. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<AtomicU64>);

impl Contact {
    /// It answered a question that was put at `asked`: for so long that counts.
    pub(super) fn answered(&self, asked: Moment, counts: Duration) {
        let until = (asked + counts).since_start().as_millis();
        self.0
            .fetch_max(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Nobody asks it: it is taken to be there.
    pub fn assume(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether it answered lately.
    pub fn is_fresh(&self) -> bool {
        let now = clock::now().since_start().as_millis();
        now < u128::from(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_a_while() {
        let contact = Contact::default();
        assert!(!contact.is_fresh(), "it was never asked");
        contact.answered(clock::now(), Duration::from_secs(60));
        assert!(contact.clone().is_fresh());
        let old = Contact::default();
        old.answered(Moment::after_start(Duration::ZERO), Duration::from_millis(1));
        assert!(!old.is_fresh());
    }
}
