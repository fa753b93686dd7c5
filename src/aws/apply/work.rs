//! What every action needs to make its call.

use std::{fmt, time::Duration};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use tokio::time::Instant;

use crate::{
    aws::{
        calls::{Call, Service},
        clients::Clients,
        deadline::TimeIsOver,
        ec2::{Connection, Ec2},
        errors::{Meaning, Refusal, is_caused_by},
        iam::Iam,
    },
    plan::{FailureKind, Priority},
};

/// What became of an action: the id of what it made, if it makes something.
pub(super) type Performed = Result<Option<String>, Setback>;

/// Why an action was not done.
pub(super) enum Setback {
    /// AWS refused it, or did not answer.
    Refused(Refusal),
    /// It is not yet time for it. Not an error.
    Waiting(String),
}

impl Setback {
    /// What AWS's refusal means, if it was one.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Refused(refusal) => Some(refusal.meaning),
            Self::Waiting(_) => None,
        }
    }

    /// Turns the refusal that something is not there into a wait for the next
    /// look: it is not visible yet, or has vanished since the last one.
    pub(super) fn vanished(self, what: &str) -> Self {
        match self {
            Self::Refused(refusal) if matches!(refusal.meaning, Meaning::NotThere(_)) => Self::Waiting(format!(
                "{} found no {what}, which was made or deleted a moment ago: {}",
                refusal.failure.action, refusal.failure.message
            )),
            Self::Refused(_) | Self::Waiting(_) => self,
        }
    }
}

impl From<Refusal> for Setback {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The means to do one action.
pub(super) struct Work<'a> {
    pub(super) ec2: &'a Ec2,
    iam: &'a Iam,
    priority: Priority,
    deadline: Instant,
}

/// Pauses between attempts at what EC2 does not see yet, though it has just
/// answered that it made it: it takes a second at most, as a rule.
const UNTIL_VISIBLE: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

impl<'a> Work<'a> {
    pub(super) fn new(clients: &'a Clients, priority: Priority, deadline: Instant) -> Self {
        let Clients { ec2, iam } = clients;
        Self {
            ec2,
            iam,
            priority,
            deadline,
        }
    }

    pub(super) fn client(&self) -> &'a aws_sdk_ec2::Client {
        &self.connection().client
    }

    pub(super) fn iam(&self) -> &'a Iam {
        self.iam
    }

    pub(super) fn connection(&self) -> &'a Connection {
        self.ec2.connection()
    }

    /// Makes a call when AWS's quota allows it, if that is in time.
    pub(super) async fn call<T, E, R>(
        &self,
        call: Call,
        request: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, Setback>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let too_late = || {
            Setback::Waiting(format!(
                "{call} did not get its turn in the time of this pass; the next one tries again"
            ))
        };
        let pace = self.pace(call);
        if self.is_over() || tokio::time::timeout_at(self.deadline, pace).await.is_err() {
            return Err(too_late());
        }
        request.await.map_err(|error| {
            if is_caused_by::<TimeIsOver>(&error) {
                too_late()
            } else {
                Setback::Refused(Refusal::from_sdk(call, &error))
            }
        })
    }

    /// Waits for the quota of the account that the call goes to.
    async fn pace(&self, call: Call) {
        match call.facts().service {
            Service::Ec2 | Service::Sts => self.connection().pace(call, self.priority).await,
            Service::Iam => self.iam.pace(call, self.priority).await,
        }
    }

    /// Looks something up on the way. Where that fails because the time is
    /// over, it is no failure.
    pub(super) async fn look<T>(&self, lookup: impl Future<Output = Result<T, Refusal>>) -> Result<T, Setback> {
        lookup.await.map_err(|refusal| {
            if self.is_over() {
                Setback::Waiting(format!(
                    "{} was not answered in the time of this pass; the next one tries again",
                    refusal.failure.action
                ))
            } else {
                Setback::Refused(refusal)
            }
        })
    }

    /// Makes a call on something new, again where EC2 does not see it yet.
    pub(super) async fn once_visible<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Setback>
    where
        F: Future<Output = Result<T, Setback>>,
    {
        for pause in UNTIL_VISIBLE {
            match attempt().await {
                Err(setback) if matches!(setback.meaning(), Some(Meaning::NotThere(_))) && !self.is_over() => {
                    tokio::time::sleep(pause).await;
                }
                other => return other,
            }
        }
        attempt().await
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// A refusal of our own, before AWS is asked.
    pub(super) fn refuse(call: Call, message: &str) -> Setback {
        Setback::Refused(Refusal::without_code(call, FailureKind::Rejected, message))
    }
}
