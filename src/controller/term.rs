//! One term of leadership: the queues and the passes, from the moment when this
//! process may act to the one when it may not any more.
//!
//! Nothing is carried from one term into the next. Another process may have
//! worked in between: connections, what was seen through them and what was
//! remembered begin anew, as in a process that has just been started.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::{
    FutureExt, Stream, StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
    stream,
};
use kube::{
    Resource,
    runtime::{
        controller::{self, Controller},
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use tokio::sync::{Semaphore, watch};

use super::{
    Parts,
    context::Context,
    memory::Memories,
    orphan, reconcile,
    watches::{Queues, Wakes},
};
use crate::{
    aws::Connections,
    cluster::{Patches, Publisher},
    lease::Authority,
    telemetry::chain,
};
use sagevpc_core::api::{SageMakerVpc, SageMakerVpcProfile};

/// How long passes that are under way may take to come to an end after a stop
/// was asked for: to hear AWS's answers and to write down what came of them. A
/// standby waits for it.
const DRAIN: Duration = Duration::from_millis(1200);

/// How long to wait until passes that were broken off have let go.
const LET_GO: Duration = Duration::from_millis(300);

/// How long changes that wake are gathered.
const APPLIED_TOGETHER: Duration = Duration::from_millis(50);

/// What the queue takes for any number at the same time.
const UNBOUNDED: u16 = 0;

/// Works under `authority` until `stop` becomes true and passes have ended or
/// were given their time. Dropped, it breaks passes off.
pub(super) async fn work(parts: &Parts, wakes: &Wakes, authority: &Authority, mut stop: watch::Receiver<bool>) {
    let memories = Arc::new(Memories::default());
    let (vpcs, woken_vpcs) = unbounded();
    let (profiles, woken_profiles) = unbounded();
    let call = &parts.clients.call;
    let context = Arc::new(Context {
        cluster: parts.cluster.clone(),
        stores: parts.stores.clone(),
        patches: Patches::new(call.clone(), parts.metrics.clone(), authority.clone()),
        publisher: Publisher::new(call.clone(), authority.clone()),
        turns: Semaphore::new(parts.workers.into()),
        aws: Connections::load(parts.metrics.clone()).await.under(authority.clone()),
        metrics: parts.metrics.clone(),
        health: parts.health.clone(),
        memories: memories.clone(),
        authority: authority.clone(),
    });
    let _woken = wakes.lead_to(
        Queues {
            vpcs,
            profiles,
            memories,
        },
        &parts.stores,
    );
    let passes = reconcile_all(context, parts.workers, woken_vpcs, woken_profiles, stop.clone());
    let drained = async {
        let _ = stop.wait_for(|stop| *stop).await;
        authority.close();
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = passes => tracing::info!("all passes have ended"),
        () = drained => tracing::warn!("passes that were still under way are broken off"),
    }
}

/// Waits until nothing of an ended term can be sent any more; false if that is
/// not so in time.
pub(super) async fn let_go(authority: &Authority) -> bool {
    tokio::time::timeout(LET_GO, authority.idle()).await.is_ok()
}

async fn reconcile_all(
    context: Arc<Context>,
    workers: u16,
    vpcs: UnboundedReceiver<ObjectRef<SageMakerVpc>>,
    profiles: UnboundedReceiver<ObjectRef<SageMakerVpcProfile>>,
    stop: watch::Receiver<bool>,
) {
    let never = |_: Arc<SageMakerVpc>, error: &std::convert::Infallible, _: Arc<Context>| match *error {};
    // Passes over VPCs take turns by themselves, once they have looked at AWS.
    let of_vpcs = queue(context.stores.vpcs.clone(), gathered(vpcs), UNBOUNDED, stop.clone()).run(
        reconcile::reconcile,
        never,
        context.clone(),
    );
    let of_profiles =
        queue(context.stores.profiles.clone(), profiles, workers, stop).run(orphan::reconcile, orphan::retry, context);
    tokio::join!(drive(of_vpcs), drive(of_profiles));
}

/// Gathers whom changes wake: what is applied together comes one object after
/// the other, and a pass over the first ones would be followed by another one.
fn gathered<K>(woken: UnboundedReceiver<ObjectRef<K>>) -> impl Stream<Item = ObjectRef<K>> + Send + 'static
where
    K: Resource<DynamicType = ()> + 'static,
{
    stream::unfold(woken, |mut woken| async {
        let mut together = HashSet::from([woken.next().await?]);
        tokio::time::sleep(APPLIED_TOGETHER).await;
        while let Some(Some(next)) = woken.next().now_or_never() {
            together.insert(next);
        }
        Some((stream::iter(together), woken))
    })
    .flatten()
}

/// A queue of objects that are woken by name. The watches that wake them are
/// not the queue's own, for they serve both queues and the local copies.
fn queue<K>(
    store: Store<K>,
    woken: impl Stream<Item = ObjectRef<K>> + Send + 'static,
    workers: u16,
    mut stop: watch::Receiver<bool>,
) -> Controller<K>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + Sync + 'static,
{
    Controller::for_stream(stream::pending::<Result<K, watcher::Error>>(), store)
        .reconcile_on(woken)
        .with_config(controller::Config::default().concurrency(workers))
        .graceful_shutdown_on(async move {
            // An error means that whoever could ask for a stop is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        })
}

async fn drive<T, E: std::error::Error + 'static, Q: std::error::Error + 'static>(
    passes: impl Stream<Item = Result<T, controller::Error<E, Q>>>,
) {
    passes
        .for_each(|ended| async {
            match ended {
                Ok(_) => {}
                // It was woken and is gone by now.
                Err(controller::Error::ObjectNotFound(_)) => {}
                // Said where it happened.
                Err(controller::Error::ReconcilerFailed(..)) => {}
                Err(error @ (controller::Error::QueueError(_) | controller::Error::RunnerError(_))) => {
                    tracing::error!(error = chain(&error), "the queue of objects is disturbed");
                }
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_woken_by_several_changes_of_one_moment_is_woken_once() {
        let (wake, woken) = unbounded();
        let mut gathered = std::pin::pin!(gathered::<SageMakerVpc>(woken));
        let send = |name| wake.unbounded_send(ObjectRef::new(name)).unwrap();
        send("a");
        let (first, ()) = tokio::join!(gathered.next(), async {
            tokio::time::sleep(APPLIED_TOGETHER / 4).await;
            send("b");
            send("a");
        });
        let second = gathered.next().await;
        assert_eq!(
            HashSet::from([first, second]),
            ["a", "b"].map(|name| Some(ObjectRef::new(name))).into()
        );
        assert_eq!(gathered.next().now_or_never(), None, "nobody else is woken");
        send("a");
        assert_eq!(gathered.next().await, Some(ObjectRef::new("a")));
        drop(wake);
        assert_eq!(gathered.next().await, None);
    }
}
