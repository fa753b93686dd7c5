//! Counts calls as they are told to the metrics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use sagevpc::aws::{CallObserver, CallOutcome};

/// Every attempt that was made, in order.
#[derive(Default)]
pub struct Tally(Mutex<Vec<(String, CallOutcome)>>);

impl Tally {
    /// One that has counted nothing.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often each action was attempted since the last time.
    pub fn take(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (action, _) in self.0.lock().unwrap().drain(..) {
            *counts.entry(action).or_default() += 1;
        }
        counts
    }

    /// How the attempts at an action ended.
    pub fn outcomes(&self, action: &str) -> Vec<CallOutcome> {
        let attempts = self.0.lock().unwrap();
        attempts
            .iter()
            .filter(|(name, _)| name == action)
            .map(|(_, outcome)| *outcome)
            .collect()
    }
}

impl CallObserver for Tally {
    fn on_call(&self, service: &'static str, action: &str, outcome: CallOutcome, duration: Duration) {
        assert!(["ec2", "iam", "s3", "sagemaker", "sts"].contains(&service), "{service}");
        assert!(duration < Duration::from_secs(60), "{duration:?}");
        self.0.lock().unwrap().push((action.to_owned(), outcome));
    }
}
