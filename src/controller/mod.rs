//! The process that reconciles: watches, passes, shutdown.
//!
//! ```text
//! watches ─→ local copies ─→ who is woken ─→ queue of VPC objects ─→ reconcile: the list of steps
//!                                        └─→ queue of profiles without a VPC object ─→ orphan
//! ```
//!
//! The unit of work is the VPC: all its profiles merge into one desired
//! network, so that each AWS resource has one writer and a VPC costs one look
//! and one plan however many profiles it has. Passes over different VPCs run
//! side by side, those over one VPC one after the other.

mod apply;
mod backoff;
mod context;
mod deadline;
mod events;
mod finalizers;
mod left_behind;
mod memory;
mod observe;
mod orphan;
mod pin;
mod reconcile;
mod report;
mod schedule;
mod watches;
mod writes;

use std::{sync::Arc, time::Duration};

use futures::{
    Stream, StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
    stream,
};
use kube::{
    Resource, ResourceExt,
    runtime::{
        controller::{self, Controller},
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use tokio::sync::watch;

use self::{
    context::Context,
    memory::Memories,
    watches::{Mirrors, Wakes},
};
use crate::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    aws::Connections,
    cluster::{Clients, Patches, Publisher, Stores},
    telemetry::{Health, Metrics, chain},
};

/// How long passes that are under way may take after a stop was asked for. A
/// pod has a minute by default of the chart.
const DRAIN: Duration = Duration::from_secs(45);

/// The namespace that every cluster has, and keeps for life.
const CLUSTER_NAMESPACE: &str = "kube-system";

/// How the controller works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's stable id; by default the UID of `kube-system`.
    pub cluster_id: Option<String>,
    /// Passes under way at the same time.
    pub workers: u16,
}

/// Why the controller ended, other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// There is nothing to take the cluster's id from.
    #[error(
        "namespace {CLUSTER_NAMESPACE} was not found, whose UID is this cluster's id by default: choose one with --cluster-id"
    )]
    NoClusterId,
    /// The watches ended, which they never should.
    #[error("watching the objects in Kubernetes ended unexpectedly")]
    WatchesEnded,
}

/// Reconciles until `stop` becomes true. Then no pass is begun any more, and
/// those under way are given time to end.
///
/// # Errors
///
/// [`ControllerError`].
pub async fn run(
    settings: Settings,
    clients: Clients,
    aws: Connections,
    metrics: Arc<Metrics>,
    health: Health,
    stop: watch::Receiver<bool>,
) -> Result<(), ControllerError> {
    let mirrors = Mirrors::default();
    let stores = mirrors.stores();
    let memories = Arc::new(Memories::default());
    let (vpcs, woken_vpcs) = unbounded();
    let (profiles, woken_profiles) = unbounded();
    let wakes = Wakes {
        vpcs,
        profiles,
        memories: memories.clone(),
        metrics: metrics.clone(),
    };

    let watching = watches::watch(&clients, mirrors, wakes);
    let working = async {
        if !synced(&stores, stop.clone()).await {
            return Ok(());
        }
        let cluster = settings.cluster_id.map_or_else(|| cluster_id(&stores), Ok)?;
        tracing::info!(
            cluster,
            vpcs = stores.vpcs.len(),
            profiles = stores.profiles.len(),
            "ready"
        );
        health.set_ready(true);
        let context = Arc::new(Context {
            cluster,
            stores,
            patches: Patches::new(clients.call.clone(), metrics.clone()),
            publisher: Publisher::new(clients.call.clone()),
            aws,
            metrics,
            memories,
        });
        let controllers = reconcile_all(context, settings.workers, woken_vpcs, woken_profiles, stop.clone());
        tokio::select! {
            () = controllers => tracing::info!("all passes have ended"),
            () = drained(stop) => tracing::warn!("passes that were still under way are broken off"),
        }
        health.set_ready(false);
        Ok(())
    };
    tokio::select! {
        result = working => result,
        () = watching => Err(ControllerError::WatchesEnded),
    }
}

/// Waits until every local copy is complete; false if a stop comes first.
async fn synced(stores: &Stores, mut stop: watch::Receiver<bool>) -> bool {
    let all = async {
        tokio::try_join!(
            stores.vpcs.wait_until_ready(),
            stores.profiles.wait_until_ready(),
            stores.namespaces.wait_until_ready()
        )
    };
    tokio::select! {
        complete = all => complete.is_ok(),
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

fn cluster_id(stores: &Stores) -> Result<String, ControllerError> {
    let namespace = stores.namespaces.get(&ObjectRef::new(CLUSTER_NAMESPACE));
    namespace
        .and_then(|namespace| namespace.uid())
        .ok_or(ControllerError::NoClusterId)
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

/// Ends a while after a stop was asked for.
async fn drained(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(DRAIN).await;
}
