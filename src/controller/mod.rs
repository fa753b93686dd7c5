//! The process that reconciles: watches, terms, passes, shutdown.
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
//!
//! Of several processes one leads. Only while it does are there queues and
//! passes; the watches and the copies are kept all the time, so that a standby
//! can begin at once. Losing the lease ends the term and not the process.

mod apply;
mod backoff;
mod caught;
mod changes;
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
mod term;
mod watches;
mod writes;

use std::sync::Arc;

use tokio::sync::watch;

use self::watches::{Mirrors, Wakes};
use crate::{
    cluster::{Clients, Stores},
    lease::{Authority, Election, Elector, Lost, Timing},
    telemetry::{Health, LeaseChange, Metrics, Role},
};
use sagevpc_core::types::CLUSTER_NAMESPACE;

/// How the controller works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster's stable id; by default the UID of `kube-system`.
    pub cluster_id: Option<String>,
    /// Passes under way at the same time.
    pub workers: u16,
    /// The lease to work under; without one, nobody else may be at work.
    pub lease: Option<LeaseSettings>,
}

/// Which lease to work under.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// The namespace that the Lease is in.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Our name, which no other process may have.
    pub identity: String,
    /// The times.
    pub timing: Timing,
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

/// What lasts from one term to the next.
struct Parts {
    cluster: String,
    workers: u16,
    stores: Stores,
    clients: Clients,
    metrics: Arc<Metrics>,
    health: Health,
}

/// Reconciles until `stop` becomes true, whenever it has the lease. Then no
/// pass is begun any more, those under way are given a moment to end, and the
/// lease is given back.
///
/// # Errors
///
/// [`ControllerError`].
pub async fn run(
    settings: Settings,
    clients: Clients,
    metrics: Arc<Metrics>,
    health: Health,
    stop: watch::Receiver<bool>,
) -> Result<(), ControllerError> {
    let mirrors = Mirrors::default();
    let stores = mirrors.stores();
    let wakes = Wakes::new(metrics.clone());

    let watching = watches::watch(&clients, mirrors, wakes.clone(), health.clone());
    let working = async {
        if !synced(&stores, stop.clone()).await {
            return Ok(());
        }
        let cluster = settings.cluster_id.map_or_else(|| cluster_id(&stores), Ok)?;
        tracing::info!(
            cluster,
            vpcs = stores.vpcs.len(),
            profiles = stores.profiles.len(),
            "the local copies are complete"
        );
        let parts = Parts {
            cluster,
            workers: settings.workers,
            stores,
            clients: clients.clone(),
            metrics,
            health,
        };
        match settings.lease {
            Some(lease) => terms(&parts, &wakes, lease, stop).await,
            None => {
                parts.health.contact().assume();
                parts.lead();
                term::work(&parts, &wakes, &Authority::unlimited(), stop).await;
            }
        }
        parts.health.plays(Role::Stopping);
        Ok(())
    };
    tokio::select! {
        result = working => result,
        () = watching => Err(ControllerError::WatchesEnded),
    }
}

/// How a term ended.
enum Ended {
    Lost(Lost),
    Stopped,
}

/// One term after the other, until a stop is asked for.
async fn terms(parts: &Parts, wakes: &Wakes, lease: LeaseSettings, mut stop: watch::Receiver<bool>) {
    let LeaseSettings {
        namespace,
        name,
        identity,
        timing,
    } = lease;
    let mut elector = Elector::new(
        parts.clients.call.clone(),
        &namespace,
        &name,
        Election::new(identity, timing),
        parts.health.contact().clone(),
    );
    loop {
        let me = elector.identity().to_owned();
        tracing::info!(lease = format!("{namespace}/{name}"), identity = me, "standing by");
        parts.health.plays(Role::Standby(String::new()));
        let standing_by = elector.acquire(|leader| {
            tracing::info!(leader, "somebody else has the lease");
            parts.health.plays(Role::Standby(leader.to_owned()));
        });
        let authority = tokio::select! {
            authority = standing_by => authority,
            _ = stop.wait_for(|stop| *stop) => {
                // It may have been taken in this very moment.
                elector.release().await;
                return;
            }
        };
        tracing::info!(identity = me, "leading");
        parts.metrics.lease_changed(LeaseChange::Acquired);
        parts.lead();
        let ended = tokio::select! {
            lost = elector.keep(&authority) => Ended::Lost(lost),
            () = term::work(parts, wakes, &authority, stop.clone()) => Ended::Stopped,
        };
        authority.end();
        parts.metrics.leads(false);
        match ended {
            Ended::Lost(lost) => {
                match lost {
                    Lost::NotRenewed => tracing::error!("the lease was not renewed in time: nothing is done any more"),
                    Lost::Taken(by) => tracing::error!(by, "the lease was taken: nothing is done any more"),
                }
                parts.metrics.lease_changed(LeaseChange::Lost);
                parts.metrics.forget_all();
                term::let_go(&authority).await;
            }
            Ended::Stopped => {
                let released = term::let_go(&authority).await && elector.release().await;
                if released {
                    tracing::info!("the lease is given back");
                    parts.metrics.lease_changed(LeaseChange::Released);
                }
                return;
            }
        }
    }
}

impl Parts {
    fn lead(&self) {
        self.metrics.leads(true);
        self.health.plays(Role::Leader);
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
    stores.cluster_uid().ok_or(ControllerError::NoClusterId)
}
