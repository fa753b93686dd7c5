//! A look at live AWS, for commands that run without a cluster.

use std::sync::Arc;

use crate::{
    api::AssumedRole,
    aws::{CallObserver, CallOutcome, Connections},
    desired::Network,
    observed::Snapshot,
    plan::{Failure, Interest},
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
pub async fn observe(network: &Network, role: Option<&AssumedRole>) -> Result<Arc<Snapshot>, Failure> {
    observe_interest(&network.vpc.region, role, &network.interest()).await
}

/// Looks at `interest` in a region.
///
/// # Errors
///
/// When AWS refuses, or gives no answer.
pub async fn observe_interest(
    region: &Region,
    role: Option<&AssumedRole>,
    interest: &Interest,
) -> Result<Arc<Snapshot>, Failure> {
    let connections = Connections::load(Arc::new(Uncounted)).await;
    connections.ec2(region, role).await.observe(interest).await
}
