//! Looks at AWS for one VPC. Changes nothing, and always comes back in time.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::{context::Context, deadline::Deadline, finalizers::is_claimed_unpinned, memory::Memory};
use crate::{
    aws::Clients,
    cluster::{REQUESTED_AT, has_finalizer},
};
use sagevpc_core::{
    api::{Discovery, SageMakerVpc, is_deleting},
    desired::Network,
    observed::{Bucket, Interest, Roles, Snapshot, VpcSnapshot},
    plan::accounts,
    report::{Failure, FailureKind},
    types::AccountId,
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

/// What was asked of AWS, and its answers as they came. Those of one round are
/// shared by all who asked, so that many may hold them.
pub(super) enum Asked {
    /// The VPC object was refused: there is nothing to ask for.
    Nothing,
    /// AWS did not let us, or did not answer.
    Failed(Failure),
    /// AWS answered.
    Answered(Box<Answers>),
}

/// What AWS answered.
pub(super) struct Answers {
    network: Network,
    clients: Clients,
    snapshot: Arc<Snapshot>,
    workloads: Option<(AccountId, Arc<Snapshot>)>,
    buckets: Vec<Bucket>,
    roles: Roles,
}

/// Asks AWS for what is to be seen of the VPC that `vpc` names, together with
/// whoever else asks in this moment.
pub(super) async fn ask(
    context: &Context,
    vpc: &SageMakerVpc,
    validated: &Result<Validated, Refused>,
    memory: &mut Memory,
    deadline: Deadline,
) -> Asked {
    let Ok(validated) = validated else {
        return Asked::Nothing;
    };
    let network = Network::new(validated);
    let mut interest = network.interest();
    interest.fresh = wants_fresh_look(vpc, memory);
    // What was put into policies is looked after when no profile asks for it
    // any more.
    let held = vpc.status.iter().flat_map(|status| &status.in_force.buckets);
    interest.buckets.extend(held.map(|bucket| bucket.name.clone()));
    match timeout_at(deadline.observe(), answers(context, vpc, network, &interest)).await {
        Err(_) => Asked::Failed(no_answer()),
        Ok(Err(failure)) => Asked::Failed(failure),
        Ok(Ok(answers)) => Asked::Answered(Box::new(answers)),
    }
}

async fn answers(
    context: &Context,
    vpc: &SageMakerVpc,
    network: Network,
    interest: &Interest,
) -> Result<Answers, Failure> {
    let region = &vpc.spec.region;
    let clients = context.aws.clients(region, vpc.spec.credentials.as_ref()).await;
    let (snapshot, workloads, buckets, roles, acting) = tokio::join!(
        clients.ec2.observe(interest),
        view_of_workloads(&clients, interest),
        clients.s3.observe(&interest.buckets, interest.fresh),
        clients.iam.observe(&interest.roles, region, interest.fresh),
        clients.accounts_if_known(),
    );
    accounts::admit(&accounts::pinned(vpc.status.as_ref()), &acting)?;
    let (snapshot, workloads) = (snapshot?, workloads?);
    Ok(Answers {
        network,
        clients,
        snapshot,
        workloads,
        buckets,
        roles,
    })
}

/// Sees in the answers what concerns the VPC, and asks for what only they lead
/// to.
pub(super) async fn see(vpc: &SageMakerVpc, asked: Asked, deadline: Deadline) -> Look {
    let answers = match asked {
        Asked::Nothing => return Look::NotLooked,
        Asked::Failed(failure) => return Look::Failed(failure),
        Asked::Answered(answers) => *answers,
    };
    match timeout_at(deadline.observe(), look(vpc, answers)).await {
        Err(_) => Look::Failed(no_answer()),
        Ok(Err(failure)) => Look::Failed(failure),
        Ok(Ok(None)) => Look::VpcMissing,
        Ok(Ok(Some(seen))) => Look::Seen(Box::new(seen)),
    }
}

/// Looks; `None` where there is no such VPC, and none that anything is left of.
async fn look(vpc: &SageMakerVpc, answers: Answers) -> Result<Option<Seen>, Failure> {
    let Answers {
        network,
        clients,
        snapshot,
        workloads,
        buckets,
        roles,
    } = answers;
    let seen = match snapshot.vpc(&vpc.spec.vpc_id) {
        Some(seen) => seen,
        None => {
            confirm_missing(&clients, vpc).await?;
            if !network.vpc.deleting {
                return Ok(None);
            }
            VpcSnapshot::gone(&vpc.spec.vpc_id, &snapshot)
        }
    };
    let mut snapshot = VpcSnapshot {
        roles,
        ..seen.with_buckets(&buckets)
    };
    if let Some((account, view)) = workloads {
        snapshot.add_view_of(account, &view);
    }
    discover(&clients, &network, &mut snapshot).await;
    Ok(Some(Seen {
        network,
        snapshot,
        clients,
    }))
}

/// That a VPC is not seen says nothing but in the account in which it was.
async fn confirm_missing(clients: &Clients, vpc: &SageMakerVpc) -> Result<(), Failure> {
    if !has_finalizer(vpc) {
        return Ok(());
    }
    let acting = clients.accounts_now().await?;
    if is_deleting(vpc) && is_claimed_unpinned(vpc) {
        return Err(accounts::unknown(&acting));
    }
    accounts::admit(&accounts::pinned(vpc.status.as_ref()), &acting)
}

/// What the workloads' account sees, where it is another than the VPC's.
async fn view_of_workloads(
    clients: &Clients,
    interest: &Interest,
) -> Result<Option<(AccountId, Arc<Snapshot>)>, Failure> {
    let Some(workloads) = &clients.workloads else {
        return Ok(None);
    };
    let (account, snapshot) = tokio::join!(workloads.account(), workloads.observe(interest));
    Ok(Some((account?, snapshot?)))
}

/// Asks SageMaker what runs behind its network interfaces. Where it gives no
/// answer, all but the names is known.
async fn discover(clients: &Clients, network: &Network, snapshot: &mut VpcSnapshot) {
    if network.vpc.discovery == Discovery::Disabled {
        return;
    }
    let interfaces = snapshot
        .sagemakers_interfaces()
        .map(|interface| interface.network_interface_id.clone())
        .collect();
    snapshot.note_discovered(clients.sagemaker.discover(&interfaces).await);
}

/// What AWS lets nobody read in bulk is read less often, unless someone asks.
/// What we change ourselves is read anew in any case, by those who change it.
fn wants_fresh_look(vpc: &SageMakerVpc, memory: &mut Memory) -> bool {
    let requested = vpc
        .metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(REQUESTED_AT).cloned());
    let is_new_request = requested != memory.requested_at;
    memory.requested_at = requested;
    is_new_request
}

fn no_answer() -> Failure {
    Failure {
        kind: FailureKind::Unreachable,
        action: "ec2:DescribeVpcs".to_owned(),
        code: None,
        message: "AWS did not answer in time".to_owned(),
    }
}
