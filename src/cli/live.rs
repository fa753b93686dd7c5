//! A look at live AWS, for commands that run without a cluster.

use std::sync::Arc;

use crate::aws::{CallObserver, CallOutcome, Connections};
use sagevpc_core::{
    api::Credentials,
    desired::Network,
    observed::{Interest, Snapshot},
    report::Failure,
    types::Region,
};

/// Nobody counts calls outside the controller.
struct Uncounted;

impl CallObserver for Uncounted {
    fn on_call(&self, _: &str, _: &str, _: CallOutcome, _: std::time::Duration) {}
}

/// Looks at what a plan for the network needs.
///
/// # Errors
///
/// When AWS refuses, or gives no answer.
pub async fn observe(network: &Network, credentials: Option<&Credentials>) -> Result<Snapshot, Failure> {
    observe_interest(&network.vpc.region, credentials, &network.interest()).await
}

/// Looks at `interest` in a region, all of it as one role.
///
/// # Errors
///
/// When AWS refuses, or gives no answer.
pub async fn observe_interest(
    region: &Region,
    credentials: Option<&Credentials>,
    interest: &Interest,
) -> Result<Snapshot, Failure> {
    let connections = Connections::load(Arc::new(Uncounted)).await;
    let clients = connections.clients(region, credentials).await;
    let (snapshot, buckets, roles) = tokio::join!(
        clients.ec2.observe(interest),
        clients.s3.observe(&interest.buckets, interest.fresh),
        clients.iam.observe(&interest.roles, region, interest.fresh)
    );
    let snapshot = Snapshot {
        buckets,
        ..Arc::unwrap_or_clone(snapshot?)
    };
    Ok(snapshot.with_roles(roles))
}
