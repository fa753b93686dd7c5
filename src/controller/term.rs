//! One term of leadership: the queues and the passes, from the moment when this
//! process may act to the one when it may not any more.
//!
//! Nothing is carried from one term into the next. Another process may have
//! worked in between: connections, what was seen through them and what was
//! remembered begin anew, as in a process that has just been started.

use std::{sync::Arc, time::Duration};

use futures::{
    Stream, StreamExt,
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
use tokio::sync::watch;

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
    let of_vpcs = queue(context.stores.vpcs.clone(), vpcs, workers, stop.clone()).run(
        reconcile::reconcile,
        never,
        context.clone(),
    );
    let of_profiles =
        queue(context.stores.profiles.clone(), profiles, workers, stop).run(orphan::reconcile, orphan::retry, context);
    tokio::join!(drive(of_vpcs), drive(of_profiles));
}

/// A queue of objects that are woken by name. The watches that wake them are
/// not the queue's own, for they serve both queues and the local copies.
fn queue<K>(
    store: Store<K>,
    woken: UnboundedReceiver<ObjectRef<K>>,
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
