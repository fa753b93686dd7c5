//! What every action needs to make its call.

use std::{fmt, time::Duration};

use aws_sdk_ec2::{
    error::{ProvideErrorMetadata, SdkError},
    types::UnsuccessfulItem,
};
use tokio::time::Instant;

use crate::aws::{
    clients::Clients,
    deadline::TimeIsOver,
    ec2::{Ec2, Ec2Connection},
    errors::{Meaning, Refusal, is_caused_by},
    iam::Iam,
    quotas::Share,
    s3::S3,
};
use sagevpc_core::{
    catalog::calls::{Call, Service},
    plan::{Plan, PlannedAction, Priority},
    report::FailureKind,
    types::{ResourceKey, listed},
};

/// What became of an action: the id of what it made, if it makes something.
pub(super) type Performed = Result<Option<String>, Setback>;

/// What an action works on, with the id that it has by now.
pub(super) struct Resolved {
    pub(super) id: String,
    /// Whether it was made a moment ago, and EC2 may not see it everywhere yet.
    pub(super) new: bool,
}

/// What was made, by the id that EC2 answered with.
pub(super) fn made(key: &ResourceKey, id: Option<String>) -> Performed {
    match id {
        Some(id) => Ok(Some(id)),
        None => Err(Setback::Waiting(format!(
            "EC2 did not say what it made for {key}; the next look shows it"
        ))),
    }
}

/// The client token of a creation. Without one, a lost answer would make a
/// second of what was made already.
pub(super) fn token_for<'t>(call: Call, key: &ResourceKey, token: Option<&'t String>) -> Result<&'t str, Setback> {
    token
        .map(String::as_str)
        .ok_or_else(|| Work::refuse(call, &format!("there is no client token for {key}, so it was not made")))
}

/// What went wrong with a call that answers that all is well even when it is
/// not, and says below what it could not do.
pub(super) fn unsuccessful(call: Call, items: Option<Vec<UnsuccessfulItem>>) -> Option<Refusal> {
    let error = items?.into_iter().find_map(|item| item.error)?;
    let code = error.code.unwrap_or_default();
    Some(Refusal::from_code(call, &code, &error.message.unwrap_or_default()))
}

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
    pub(super) s3: &'a S3,
    iam: &'a Iam,
    plan: &'a Plan,
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
    pub(super) fn new(clients: &'a Clients, plan: &'a Plan, planned: &PlannedAction, deadline: Instant) -> Self {
        let Clients {
            ec2,
            s3,
            iam,
            workloads,
            sagemaker: _,
        } = clients;
        let ec2 = workloads.as_ref().filter(|_| planned.is_the_workloads()).unwrap_or(ec2);
        Self {
            priority: planned.priority,
            ec2,
            s3,
            iam,
            plan,
            deadline,
        }
    }

    pub(super) fn client(&self) -> &'a aws_sdk_ec2::Client {
        &self.connection().client
    }

    pub(super) fn iam(&self) -> &'a Iam {
        self.iam
    }

    pub(super) fn connection(&self) -> &'a Ec2Connection {
        self.ec2.connection()
    }

    pub(super) fn priority(&self) -> Priority {
        self.priority
    }

    /// Which of these, found by the tags of something that is to be made, an
    /// earlier request for it made. What the plan saw is not it: it would not
    /// be made otherwise.
    pub(super) fn made_before(
        &self,
        key: &ResourceKey,
        found: impl IntoIterator<Item = String>,
    ) -> Result<Option<String>, Setback> {
        let was_seen = |id: &String| self.plan.shown.contains(id) || self.plan.strangers.contains_key(id);
        let mut new: Vec<String> = found.into_iter().filter(|id| !was_seen(id)).collect();
        if new.len() > 1 {
            new.sort();
            return Err(Setback::Waiting(format!(
                "{} have come meanwhile with sagevpc's tags for {key}, and only one can be sagevpc's: the next look \
                 tells",
                listed(new)
            )));
        }
        Ok(new.pop())
    }

    /// Makes a call when the quota of the account that it goes to allows it, if
    /// that is in time.
    ///
    /// The SDK's futures are large, and a walk holds one for every action that
    /// is under way: they are kept on the heap.
    pub(super) fn call<T, E, R>(
        &self,
        call: Call,
        request: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> impl Future<Output = Result<T, Setback>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let request = Box::pin(request);
        async move {
            let too_late = || {
                Setback::Waiting(format!(
                    "{call} did not get its turn in the time of this pass; the next one tries again"
                ))
            };
            let pace = self.share(call).pace(call, self.priority);
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
    }

    /// What AWS allows us of this call.
    fn share(&self, call: Call) -> &'a Share {
        match call.facts().service {
            Service::Ec2 | Service::Sts | Service::SageMaker => &self.connection().share,
            Service::Iam => self.iam.share(),
            Service::S3 => self.s3.share(),
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
