//! Notes in which accounts things are made, before the first is made and before
//! a finalizer goes on: a finalizer without a note says that the note was lost.

use super::{context::Context, finalizers::may_change};
use crate::cluster::PatchError;
use sagevpc_core::{
    plan::{Plan, PlannedAction, accounts},
    validate::References,
};

/// Pins the accounts of what the plan is about to make, or found of ours.
///
/// # Errors
///
/// When it cannot be written down. Then nothing may be changed in AWS.
pub(super) async fn pin(context: &Context, references: &mut References, plan: Option<&Plan>) -> Result<(), PatchError> {
    let vpc = &references.vpc;
    let Some(plan) = plan.filter(|_| may_change(vpc)) else {
        return Ok(());
    };
    let before = accounts::pinned(vpc.status.as_ref());
    let pinned = plan.pin(before.clone(), PlannedAction::runs_now);
    if pinned == before {
        return Ok(());
    }
    let mut status = vpc.status.clone().unwrap_or_default();
    status.in_force.account = pinned.network;
    status.in_force.workloads_account = pinned.workloads;
    references.vpc = context.patches.vpc_status(vpc, &status).await?;
    Ok(())
}
