//! Looks at AWS for one VPC. Changes nothing, and always comes back in time.

use tokio::time::timeout_at;

use super::{context::Context, deadline::Deadline, memory::Memory};
use crate::{
    api::SageMakerVpc,
    aws::Clients,
    cluster::{REQUESTED_AT, is_deleting},
    desired::Network,
    observed::VpcSnapshot,
    plan::{Failure, FailureKind},
    validate::{Refused, Validated},
};

/// What came of looking.
pub(super) enum Look {
    /// The VPC object was refused: there is nothing to compare AWS with.
    NotLooked,
    /// AWS did not let us, or did not answer.
    Failed(Failure),
    /// There is no such VPC.
    VpcMissing,
    /// This is what is wanted, and what is there.
    Seen(Box<Seen>),
}

/// What is wanted of a VPC, and what is there.
pub(super) struct Seen {
    /// What is wanted.
    pub(super) network: Network,
    /// What is there.
    pub(super) snapshot: VpcSnapshot,
    /// By which way it was seen, and can be changed.
    pub(super) clients: Clients,
}

/// Looks at the VPC that `vpc` names.
pub(super) async fn observe(
    context: &Context,
    vpc: &SageMakerVpc,
    validated: &Result<Validated, Refused>,
    memory: &mut Memory,
    deadline: Deadline,
) -> Look {
    let Ok(validated) = validated else {
        return Look::NotLooked;
    };
    let network = Network::new(validated);
    let mut interest = network.interest();
    interest.fresh = wants_fresh_look(vpc, memory);
    // What was put into policies is looked after when no profile asks for it
    // any more.
    let held = vpc.status.iter().flat_map(|status| &status.in_force.buckets);
    interest.buckets.extend(held.map(|bucket| bucket.name.clone()));
    let looking = async {
        let clients = context.aws.clients(&vpc.spec).await;
        let (snapshot, buckets) = tokio::join!(
            clients.ec2.observe(&interest),
            clients.s3.observe(&interest.buckets, interest.fresh)
        );
        snapshot.map(|snapshot| (clients, snapshot, buckets))
    };
    match timeout_at(deadline.observe(), looking).await {
        Err(_) => Look::Failed(no_answer()),
        Ok(Err(failure)) => Look::Failed(failure),
        Ok(Ok((clients, snapshot, buckets))) => match snapshot.vpc(&vpc.spec.vpc_id).or_else(|| leftovers(vpc)) {
            None => Look::VpcMissing,
            Some(snapshot) => Look::Seen(Box::new(Seen {
                network,
                snapshot: snapshot.with_buckets(&buckets),
                clients,
            })),
        },
    }
}

/// The VPC as it is after it was deleted before its object, where something of
/// ours outlives it.
fn leftovers(vpc: &SageMakerVpc) -> Option<VpcSnapshot> {
    let held = vpc.status.iter().flat_map(|status| &status.in_force.buckets);
    (is_deleting(vpc) && held.count() > 0)
        .then(|| VpcSnapshot::gone(&vpc.spec.vpc_id))
        .flatten()
}

/// What AWS lets nobody read in bulk is read less often, unless someone asks,
/// or we have just changed something.
fn wants_fresh_look(vpc: &SageMakerVpc, memory: &mut Memory) -> bool {
    let requested = vpc
        .metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(REQUESTED_AT).cloned());
    let is_new_request = requested != memory.requested_at;
    memory.requested_at = requested;
    is_new_request || memory.pace.changed_last()
}

fn no_answer() -> Failure {
    Failure {
        kind: FailureKind::Unreachable,
        action: "ec2:DescribeVpcs".to_owned(),
        code: None,
        message: "AWS did not answer in time".to_owned(),
    }
}
