//! Our inline policy on execution roles.

use super::work::{Performed, Work};
use crate::aws::errors::Meaning;
use iam_policy::PolicyDocument;
use sagevpc_core::{catalog::calls::Call, plan::RoleChange};

/// Changes an execution role.
pub(super) async fn change(work: &Work<'_>, change: &RoleChange) -> Performed {
    match change {
        RoleChange::PutPolicy {
            key: _,
            role,
            name,
            policy,
            replaces: _,
        } => put(work, role, name, policy).await,
        RoleChange::DeletePolicy { role, name } => delete(work, role, name).await,
    }
}

/// Puts the policy on the role, in place of the one of that name.
async fn put(work: &Work<'_>, role: &str, name: &str, policy: &PolicyDocument) -> Performed {
    let request = work
        .iam()
        .client()
        .put_role_policy()
        .role_name(role_name(role))
        .policy_name(name)
        .policy_document(policy.to_string());
    work.iam().note_change(role);
    match work.call(Call::PutRolePolicy, request.send()).await {
        Ok(_) => Ok(Some(role_name(role).to_owned())),
        Err(setback) => Err(setback.vanished(role)),
    }
}

/// Takes the policy off the role.
async fn delete(work: &Work<'_>, role: &str, name: &str) -> Performed {
    let request = work
        .iam()
        .client()
        .delete_role_policy()
        .role_name(role_name(role))
        .policy_name(name);
    work.iam().note_change(role);
    match work.call(Call::DeleteRolePolicy, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) if matches!(setback.meaning(), Some(Meaning::NotThere(_))) => Ok(None),
        Err(setback) => Err(setback),
    }
}

/// A role's name, by which IAM takes it, without its path.
fn role_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
