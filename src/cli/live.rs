//! A look at live AWS, for commands that run without a cluster.

use std::sync::Arc;

use crate::{
    api::{AssumedRole, SageMakerVpcSpec},
    aws::{CallObserver, CallOutcome, Clients, Connections},
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
pub async fn observe(network: &Network, spec: &SageMakerVpcSpec) -> Result<Snapshot, Failure> {
    let connections = Connections::load(Arc::new(Uncounted)).await;
    look(&connections.clients(spec).await, &network.interest()).await
}

/// Looks at `interest` in a region, all of it as one role.
///
/// # Errors
///
/// When AWS refuses, or gives no answer.
pub async fn observe_interest(
    region: &Region,
    role: Option<&AssumedRole>,
    interest: &Interest,
) -> Result<Snapshot, Failure> {
    let connections = Connections::load(Arc::new(Uncounted)).await;
    let clients = Clients {
        ec2: connections.ec2(region, role).await,
        s3: connections.s3(region, role).await,
        sagemaker: connections.sagemaker(region, role).await,
    };
    look(&clients, interest).await
}

async fn look(clients: &Clients, interest: &Interest) -> Result<Snapshot, Failure> {
    let Clients { ec2, s3, sagemaker: _ } = clients;
    let (snapshot, buckets) = tokio::join!(ec2.observe(interest), s3.observe(&interest.buckets, interest.fresh));
    Ok(Snapshot {
        buckets,
        ..(*snapshot?).clone()
    })
}
