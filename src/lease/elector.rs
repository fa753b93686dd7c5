//! The election as it is held: reads and writes of the Lease. Decides nothing.

use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::PostParams,
    runtime::{WatchStreamExt, watcher},
};

use super::{
    Authority, Contact, Moment, clock,
    election::{Decision, Election},
    record::{Record, Version},
};
use crate::telemetry::chain;

/// How long giving the lease back may take. Others wait no longer than it
/// lasts in any case.
const RELEASE: Duration = Duration::from_millis(700);

/// How soon to try again after somebody else was faster.
const AGAIN: Duration = Duration::from_millis(100);

/// A candidate.
pub struct Elector {
    api: Api<Lease>,
    namespace: String,
    name: String,
    election: Election,
    contact: Contact,
    /// Whether the Lease must be read before it is written.
    look: bool,
}

/// Why a term ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It was not renewed in time.
    NotRenewed,
    /// Somebody else has the lease.
    Taken(String),
}

/// What an attempt came to.
enum Attempt {
    /// The lease is ours: we may act until then.
    Ours(Moment),
    /// It is another's: look again then.
    Another(Moment),
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("somebody else wrote the Lease in the same moment")]
    Raced,
    #[error("the API server did not answer")]
    Silence,
    #[error(transparent)]
    Refused(#[from] kube::Error),
}

impl Elector {
    /// A candidate for the Lease of this name.
    pub fn new(client: Client, namespace: &str, name: &str, election: Election, contact: Contact) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            election,
            contact,
            look: true,
        }
    }

    /// The candidate's name.
    pub fn identity(&self) -> &str {
        self.election.identity()
    }

    /// Waits until the lease is ours, and gives the right that goes with it.
    /// `leader` is told who has it meanwhile, whenever that changes.
    pub async fn acquire(&mut self, mut leader: impl FnMut(&str)) -> Authority {
        // A lease that is given back is seen at once; should the watch fail, it
        // is seen at the next look.
        let only_it = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        let mut changes = std::pin::pin!(watcher(self.api.clone(), only_it).default_backoff());
        let mut known = None;
        let mut troubled = false;
        self.look = true;
        loop {
            let next = match self.attempt().await {
                Ok(Attempt::Ours(until)) => return Authority::until(until),
                Ok(Attempt::Another(next)) => {
                    troubled = false;
                    if known.as_deref() != Some(self.election.holder()) {
                        known = Some(self.election.holder().to_owned());
                        leader(self.election.holder());
                    }
                    next
                }
                Err(Failure::Raced) => clock::now() + AGAIN,
                Err(failure) => {
                    if !troubled {
                        self.warn(&failure, "standing by");
                    }
                    troubled = true;
                    // Candidates that lost the API server together do not all
                    // come back in the same moment.
                    clock::now() + self.election.timing().retry.mul_f64(1.0 + fastrand::f64() / 4.0)
                }
            };
            self.look = true;
            tokio::select! {
                () = clock::sleep_until(next) => {}
                () = changed(&mut changes) => {}
            }
        }
    }

    /// Renews a term until that fails for too long.
    pub async fn keep(&mut self, authority: &Authority) -> Lost {
        let retry = self.election.timing().retry;
        let mut next = clock::now() + retry;
        loop {
            clock::sleep_until(next.min(authority.ends())).await;
            if !authority.may_write() {
                return Lost::NotRenewed;
            }
            next = clock::now() + retry;
            let left = authority.ends().since(clock::now());
            let attempt = match tokio::time::timeout(left, self.attempt()).await {
                Ok(attempt) => attempt,
                Err(_) => Err(Failure::Silence),
            };
            // What is not known to be stored is read first.
            self.look = attempt.is_err();
            match attempt {
                Ok(Attempt::Ours(until)) => {
                    if !authority.renew(until, clock::now()) {
                        return Lost::NotRenewed;
                    }
                }
                Ok(Attempt::Another(_)) => return Lost::Taken(self.election.holder().to_owned()),
                Err(Failure::Raced) => next = clock::now() + AGAIN,
                Err(failure) => self.warn(&failure, "the lease is not renewed yet"),
            }
        }
    }

    /// Gives the lease back, so that another can take it at once. To be called
    /// when nothing can be sent any more on account of it.
    pub async fn release(&mut self) -> bool {
        let releasing = async {
            // A renewal that was under way may have been stored meanwhile.
            for look in [self.look, true] {
                if look && self.read().await.is_err() {
                    return false;
                }
                let Some((record, version)) = self.election.release(Timestamp::now()) else {
                    return false;
                };
                match self.write(&record, Some(&version)).await {
                    Ok(_) => return true,
                    Err(Failure::Raced) => {}
                    Err(failure) => {
                        self.warn(&failure, "others wait until the lease is over");
                        return false;
                    }
                }
            }
            false
        };
        tokio::time::timeout(RELEASE, releasing).await.unwrap_or(false)
    }

    /// Reads the Lease where need be, and takes or renews it if that is allowed.
    async fn attempt(&mut self) -> Result<Attempt, Failure> {
        if self.look {
            self.read().await?;
        }
        match self.election.decide(clock::now(), Timestamp::now()) {
            Decision::Wait(next) => Ok(Attempt::Another(next)),
            Decision::Write(record, version) => {
                // A write that is broken off may be stored all the same.
                self.look = true;
                let begun = clock::now();
                let stored = self.write(&record, version.as_ref()).await?;
                self.election.see(Record::read(&stored), clock::now());
                self.look = false;
                Ok(Attempt::Ours(self.election.acts_until(begun)))
            }
        }
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let asked = clock::now();
        let found = self.in_time(self.api.get_opt(&self.name)).await?;
        self.answered(asked);
        self.election.see(found.as_ref().and_then(Record::read), clock::now());
        Ok(())
    }

    async fn write(&self, record: &Record, version: Option<&Version>) -> Result<Lease, Failure> {
        let asked = clock::now();
        let lease = record.write(&self.name, &self.namespace, version);
        let parameters = PostParams {
            field_manager: Some(crate::cluster::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let written = match version {
            Some(_) => self.in_time(self.api.replace(&self.name, &parameters, &lease)).await,
            None => self.in_time(self.api.create(&parameters, &lease)).await,
        };
        match written {
            Ok(lease) => {
                self.answered(asked);
                Ok(lease)
            }
            // It was written, made or deleted since it was read.
            Err(Failure::Refused(kube::Error::Api(status))) if status.is_conflict() || status.is_already_exists() => {
                Err(Failure::Raced)
            }
            Err(Failure::Refused(kube::Error::Api(status))) if status.is_not_found() && version.is_some() => {
                Err(Failure::Raced)
            }
            Err(failure) => Err(failure),
        }
    }

    fn answered(&self, asked: Moment) {
        self.contact.answered(asked, self.election.timing().renew_deadline);
    }

    /// Two attempts fit into the renew deadline, whatever becomes of the first.
    async fn in_time<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
        let time = self.election.timing().renew_deadline / 2;
        match tokio::time::timeout(time, call).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Silence),
        }
    }

    fn warn(&self, failure: &Failure, so: &str) {
        let advice = match failure {
            Failure::Refused(kube::Error::Api(status)) if status.is_forbidden() => {
                ": bind the service account to the Role of the chart, which lets it write this Lease"
            }
            Failure::Refused(kube::Error::Api(status)) if status.is_not_found() => {
                ": the namespace does not exist; name another with --lease-namespace"
            }
            Failure::Refused(_) | Failure::Raced | Failure::Silence => "",
        };
        tracing::warn!(
            lease = format!("{}/{}", self.namespace, self.name),
            error = chain(failure),
            "{so}{advice}"
        );
    }
}

/// Waits for the next change, and for ever if there will be none.
async fn changed(changes: &mut (impl futures::Stream<Item = watcher::Result<watcher::Event<Lease>>> + Unpin)) {
    loop {
        match changes.next().await {
            Some(Ok(_)) => return,
            // The looks tell of it.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}
