//! One pass over one VPC: the list of steps.
//!
//! | Step | What it may do |
//! |---|---|
//! | dereference | read the local copies |
//! | validate | nothing: pure |
//! | ask | look at AWS, together with all who are due |
//! | turn | wait until few enough others work |
//! | see | look at what the answers lead to |
//! | plan | nothing: pure |
//! | pin | note in which accounts things are about to be made |
//! | claim | put finalizers on what is about to have effect |
//! | apply | write down what is about to be created, then change AWS |
//! | assess | nothing: pure |
//! | report | write statuses, publish events |
//! | release | take finalizers off what has nothing left in AWS |
//! | schedule | nothing: pure |
//!
//! Status is written whatever AWS says; only where Kubernetes itself refuses a
//! write, or has moved on, is a pass given up and repeated.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::controller::Action};
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    apply::{Applied, apply},
    caught::{Panicked, caught},
    context::Context,
    deadline::Deadline,
    events::{self, About},
    finalizers::{self, Releases, Remains},
    left_behind,
    memory::Memory,
    observe::{Asked, Look, Seen, ask, see},
    pin::pin,
    report,
    schedule::PassEnd,
};
use crate::{
    cluster::{Behind, PatchError, dereference},
    telemetry::chain,
};
use sagevpc_core::{
    api::{ManagementPolicy, SageMakerVpc},
    desired::Network,
    plan::{History, Plan, plan},
    status::{self, Assessment, Observation, Statuses},
    types::ProfileKey,
    validate::{References, Refused, Validated, validate, validate_without},
};

/// How often to look at a VPC whose object does not say it in a readable way.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// How soon to see whether the local copies follow again what is declared.
pub(super) const UNTIL_FOLLOWED: Duration = Duration::from_secs(1);

/// How long what was seen may be kept until the pass has its turn. After that
/// it is looked at anew.
const LASTS_UNTIL_TURN: Duration = Duration::from_secs(2);

/// How soon to see whether the local copies show what was written.
const UNTIL_SHOWN: Duration = Duration::from_millis(5);

/// Why a pass was given up.
#[derive(Debug, thiserror::Error)]
enum PassError {
    /// The local copies do not agree with each other yet.
    #[error(transparent)]
    Behind(#[from] Behind),
    /// An object could not be written.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The process may not ask AWS any more.
    #[error("the term is over, or about to be")]
    TermOver,
}

/// One pass over one VPC, and when the next is due. Failures are states that
/// are reported, not errors.
pub(super) async fn reconcile(vpc: Arc<SageMakerVpc>, context: Arc<Context>) -> Result<Action, Infallible> {
    if !context.health.follows_all() {
        tracing::debug!(
            vpc = vpc.name_any(),
            "no pass is begun while the local copies are not followed"
        );
        return Ok(Action::requeue(UNTIL_FOLLOWED));
    }
    if is_behind(&vpc, &context) {
        return Ok(Action::requeue(UNTIL_SHOWN));
    }
    let uid = vpc.uid().unwrap_or_default();
    let mut memory = context.memories.take(&uid);
    let mut deadline = Deadline::begin();
    let span = tracing::info_span!("pass", vpc = vpc.name_any(), id = format!("{:08x}", fastrand::u32(..)));
    let (standing, interval) = async {
        let (standing, interval) = match caught(pass(&vpc, &context, &mut memory, &mut deadline)).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => (given_up(&error), DEFAULT_INTERVAL),
            Err(panicked) => (broken_off(&vpc, &context, &panicked).await, DEFAULT_INTERVAL),
        };
        tracing::debug!(?standing, took = ?deadline.elapsed(), "the pass ended");
        (standing, interval)
    }
    .instrument(span)
    .await;
    context.metrics.passed(standing.result(), deadline.elapsed());
    let wait = memory.pace.next(standing, interval, Timestamp::now(), fastrand::f64());
    if context.stores.vpc(&vpc.name_any()).is_some() {
        context.memories.put(uid, memory);
    }
    Ok(Action::requeue(wait))
}

/// Whether the local copies show what the pass before has replaced: one that
/// follows at once would be based on it, and be refused.
fn is_behind(vpc: &SageMakerVpc, context: &Context) -> bool {
    let profiles = context.stores.profiles_of(&vpc.name_any());
    context.patches.have_replaced(vpc) || profiles.iter().any(|profile| context.patches.have_replaced(&**profile))
}

/// What a pass begins with.
struct Begun {
    now: Timestamp,
    references: References,
    validated: Result<Validated, Refused>,
    asked: Asked,
}

/// Gathers what is declared, and what AWS says.
async fn begin(
    vpc: &SageMakerVpc,
    context: &Context,
    memory: &mut Memory,
    deadline: Deadline,
) -> Result<Begun, PassError> {
    let now = whole_second(Timestamp::now());
    let references = dereference(&context.stores, &context.cluster, vpc)?;
    let validated = validate(&references);
    let asked = ask(context, vpc, &validated, memory, deadline).await;
    Ok(Begun {
        now,
        references,
        validated,
        asked,
    })
}

/// The object as it is by now, if it is the same one.
fn anew(vpc: &SageMakerVpc, context: &Context) -> Result<Arc<SageMakerVpc>, PassError> {
    let now = context.stores.vpc(&vpc.name_any());
    let same = now.filter(|now| now.uid() == vpc.uid());
    same.ok_or_else(|| PatchError::Gone(format!("SageMakerVpc {}", vpc.name_any())).into())
}

async fn pass(
    vpc: &Arc<SageMakerVpc>,
    context: &Context,
    memory: &mut Memory,
    deadline: &mut Deadline,
) -> Result<(PassEnd, Duration), PassError> {
    let mut vpc = Arc::clone(vpc);
    let mut begun = begin(&vpc, context, memory, *deadline).await?;
    let asked_at = Instant::now();
    // Nobody closes the semaphore.
    let _turn = context.turns.acquire().await.map_err(|_| PassError::TermOver)?;
    deadline.put_off(asked_at.elapsed());
    if asked_at.elapsed() > LASTS_UNTIL_TURN {
        vpc = anew(&vpc, context)?;
        begun = begin(&vpc, context, memory, *deadline).await?;
    }
    work(&vpc, context, memory, *deadline, begun).await
}

/// What a pass does with what it began with.
async fn work(
    vpc: &SageMakerVpc,
    context: &Context,
    memory: &mut Memory,
    deadline: Deadline,
    begun: Begun,
) -> Result<(PassEnd, Duration), PassError> {
    let Begun {
        now,
        mut references,
        mut validated,
        asked,
    } = begun;
    let mut look = see(vpc, asked, deadline).await;
    // What could not be seen for that reason says nothing of AWS.
    if !context.authority.may_ask_aws() {
        return Err(PassError::TermOver);
    }
    let mut plan = plan_for(&look, vpc, memory, now);
    pin(context, &mut references, plan.as_ref()).await?;
    let claimed = finalizers::claim(context, &references, plan.as_ref()).await?;
    // Without those, the same is decided once more.
    if !claimed.left_out.is_empty() {
        validated = validate_without(&references, &claimed.left_out);
        if let (Look::Seen(seen), Ok(validated)) = (&mut look, &validated) {
            seen.network = Network::new(validated);
        }
        plan = plan_for(&look, vpc, memory, now);
    }
    let claimed = claimed.vpc;
    let applied = match seen(&look).zip(plan.as_ref()) {
        Some((seen, plan)) => apply(context, claimed, seen, plan, memory, now, deadline).await?,
        None => Applied::nothing(claimed),
    };
    report::log(&references, plan.as_ref(), &applied);
    let statuses = status::assess(&Assessment {
        references: &references,
        validated: validated.as_ref(),
        observation: observation(&look, plan.as_ref(), &applied),
        ledger: applied.ledger.clone(),
        now,
    });
    let remains = Remains::of(vpc, &look, plan.as_ref());
    let releases = finalizers::releases(&references, remains, &applied.ledger, memory, now);
    if vpc.spec.management_policy == ManagementPolicy::Observe {
        report::publish(
            context,
            &references,
            left_behind::told(&references, &releases, plan.as_ref()),
        )
        .await;
    }
    let written = write(context, &references, &applied, &statuses, &releases).await;
    let carried_out = plan.as_ref().map(|plan| (plan, &applied.outcome));
    let mut notices = events::decide(&references, carried_out, &statuses);
    notices.retain(|(about, _)| match about {
        About::Profile(key) => !memory.unwritten.contains(key),
        About::Vpc => true,
    });
    // What was done is reported even where it could not be written down.
    report::publish(context, &references, notices).await;
    report::count(context, &references, carried_out, &statuses);
    memory.unwritten = written?;
    let settles_at = plan.as_ref().and_then(|plan| plan.settles_at);
    let interval = until(settles_at, now, interval(&validated));
    Ok((standing(&look, plan.as_ref(), &applied, vpc), interval))
}

/// Compares what is wanted with what was seen, if anything was.
fn plan_for(look: &Look, vpc: &SageMakerVpc, memory: &mut Memory, now: Timestamp) -> Option<Plan> {
    let seen = seen(look)?;
    let history = History::new(vpc.status.as_ref(), &memory.repairs, now).without(memory.sightings.gone(now));
    let plan = plan(&seen.network, &seen.snapshot, &history);
    memory.sightings.note_look(&plan, now);
    Some(plan)
}

fn seen(look: &Look) -> Option<&Seen> {
    match look {
        Look::Seen(seen) => Some(seen),
        Look::NotLooked | Look::Failed(_) | Look::VpcMissing => None,
    }
}

/// What came of looking, in the words of status.
fn observation<'a>(look: &'a Look, plan: Option<&'a Plan>, applied: &'a Applied) -> Observation<'a> {
    match (look, plan) {
        (Look::Seen(_), Some(plan)) => Observation::Seen {
            plan,
            outcome: &applied.outcome,
        },
        (Look::Failed(failure), _) => Observation::Failed(failure),
        (Look::VpcMissing, _) => Observation::VpcMissing,
        (Look::NotLooked | Look::Seen(_), _) => Observation::NotLooked,
    }
}

/// Writes statuses, and then lets go what has nothing left in AWS. What goes
/// needs no status any more.
async fn write(
    context: &Context,
    references: &References,
    applied: &Applied,
    statuses: &Statuses,
    releases: &Releases<'_>,
) -> Result<BTreeSet<ProfileKey>, PatchError> {
    let unwritten = report::write_profiles(context, references, statuses, releases).await;
    let vpc = if releases.vpc {
        finalizers::release_vpc(context, &applied.vpc).await
    } else {
        report::write_vpc(context, &applied.vpc, &statuses.vpc).await
    };
    // That a profile was seen to be deleted is written down before it goes.
    vpc?;
    finalizers::release_profiles(context, releases).await?;
    unwritten
}

/// How things stand at the end of a pass.
fn standing(look: &Look, plan: Option<&Plan>, applied: &Applied, vpc: &SageMakerVpc) -> PassEnd {
    match (look, plan) {
        (Look::Failed(failure), _) => PassEnd::Failed(failure.kind),
        (Look::Seen(_), Some(plan)) => PassEnd::of(plan, &applied.outcome, finalizers::may_change(vpc)),
        (Look::NotLooked | Look::VpcMissing | Look::Seen(_), _) => PassEnd::Settled,
    }
}

/// How often AWS is to be looked at.
fn interval(validated: &Result<Validated, Refused>) -> Duration {
    validated
        .as_ref()
        .map_or(DEFAULT_INTERVAL, |validated| validated.vpc.resync_interval)
}

/// The interval, or less where something is to be decided before it is over.
fn until(time: Option<Timestamp>, now: Timestamp, interval: Duration) -> Duration {
    let left = time.and_then(|time| Duration::try_from(time.duration_since(now)).ok());
    left.map_or(interval, |left| interval.min(left))
}

/// How things stand after a pass that was given up.
fn given_up(error: &PassError) -> PassEnd {
    match error {
        PassError::Behind(_) | PassError::Patch(PatchError::Superseded(_) | PatchError::Gone(_)) => {
            tracing::debug!(error = chain(error), "the pass is repeated");
            PassEnd::Superseded
        }
        PassError::TermOver | PassError::Patch(PatchError::TermOver(_)) => {
            tracing::info!(error = chain(error), "the pass was given up");
            PassEnd::TermOver
        }
        PassError::Patch(PatchError::Failed { .. } | PatchError::TooManyFinalizers(_)) => {
            tracing::warn!(error = chain(error), "the pass was given up");
            PassEnd::NotWritten
        }
    }
}

/// How things stand after a pass that broke off by a bug of ours, which is told.
async fn broken_off(vpc: &SageMakerVpc, context: &Context, panicked: &Panicked) -> PassEnd {
    tracing::error!(
        error = chain(panicked),
        "the pass broke off; it is tried again more and more seldom"
    );
    context.metrics.panicked(&SageMakerVpc::kind(&()));
    // The pass may have written to it.
    if let Some(now) = context.stores.vpc(&vpc.name_any()) {
        let status = status::broken(&now, Timestamp::now());
        if let Err(error) = report::write_vpc(context, &now, &status).await {
            tracing::debug!(error = chain(&error), "that the pass broke off could not be written");
        }
    }
    PassEnd::Panicked
}

/// Kubernetes writes times to the second.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
