//! Carries the plan out: first what is about to be created, and which buckets'
//! policies are about to be changed, is written down,
//! then AWS is changed.

use jiff::Timestamp;
use kube::ResourceExt;

use super::{context::Context, deadline::Deadline, finalizers::may_change, memory::Memory, observe::Seen};
use crate::{aws, cluster::PatchError};
use sagevpc_core::{
    api::{LedgerStatus, SageMakerVpc},
    plan::{ClientTokens, Outcome, Plan, PlannedAction, ledger},
};

/// What came of carrying the plan out.
pub(super) struct Applied {
    /// The VPC object, as it is now.
    pub(super) vpc: SageMakerVpc,
    /// What became of each action.
    pub(super) outcome: Outcome,
    /// Creations, with what AWS answered.
    pub(super) ledger: LedgerStatus,
}

impl Applied {
    /// Nothing was to be carried out.
    pub(super) fn nothing(vpc: SageMakerVpc) -> Self {
        let ledger = ledger_of(&vpc);
        Self {
            vpc,
            outcome: Outcome::default(),
            ledger,
        }
    }
}

/// Carries out what of the plan may be carried out now.
///
/// # Errors
///
/// When creations cannot be written down first. Then nothing was changed.
pub(super) async fn apply(
    context: &Context,
    vpc: SageMakerVpc,
    seen: &Seen,
    plan: &Plan,
    memory: &mut Memory,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Applied, PatchError> {
    if !may_change(&vpc) || !plan.has_runnable() {
        return Ok(Applied::nothing(vpc));
    }
    let (vpc, tokens) = write_ahead(context, vpc, plan, memory, now).await?;
    let outcome = aws::apply(&seen.clients, plan, &tokens, deadline.apply()).await;
    memory.repairs.record(plan, &outcome, now);
    let mut ledger = ledger_of(&vpc);
    ledger::settle(&mut ledger, &outcome);
    Ok(Applied { vpc, outcome, ledger })
}

/// Writes down what is about to be created, so that whoever comes after a crash
/// creates it with the same token or finds it, and never a second time.
async fn write_ahead(
    context: &Context,
    vpc: SageMakerVpc,
    plan: &Plan,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<(SageMakerVpc, ClientTokens), PatchError> {
    let before = ledger_of(&vpc);
    let uid = vpc.uid().unwrap_or_default();
    let (ledger, tokens) = ledger::write_ahead(plan, &before, &uid, random_epoch, now)
        .unwrap_or_else(|| (before.clone(), ClientTokens::new()));
    memory.sightings.note_begun(tokens.keys());
    let mut status = vpc.status.clone().unwrap_or_default();
    plan.note_roles(&mut status.in_force.roles, PlannedAction::runs_now);
    status.in_force.buckets = plan.buckets_ahead();
    status.in_force.network_acls = plan.network_acls_ahead();
    plan.in_force.note(&mut status.in_force);
    status.ledger = ledger;
    if vpc.status.as_ref() == Some(&status) {
        return Ok((vpc, tokens));
    }
    let vpc = context.patches.vpc_status(&vpc, &status).await?;
    Ok((vpc, tokens))
}

fn ledger_of(vpc: &SageMakerVpc) -> LedgerStatus {
    vpc.status
        .as_ref()
        .map(|status| status.ledger.clone())
        .unwrap_or_default()
}

fn random_epoch() -> String {
    format!("{:016x}", fastrand::u64(..))
}
