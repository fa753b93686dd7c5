//! The calls that look at a role, and their answers in our own types.

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{IamConnection, unseen_cause};
use crate::aws::errors::Refusal;
use sagevpc_core::{
    catalog::{RoleActions, calls::Call},
    observed::{
        AttachedPolicy, BoundaryDecision, EvaluationResult, ManagedPolicy, OrganizationsDecision, PermissionsBoundary,
        PolicyVersion, ResourceResult, RoleDetail, RolePolicy, RoleSimulation, UnseenCause, UnseenRole,
    },
    types::Region,
};

/// A role with its trust policy and all its inline policies.
pub(super) async fn role(connection: &IamConnection, arn: &str) -> Result<RoleDetail, UnseenRole> {
    let unseen = |cause, message| UnseenRole {
        arn: arn.to_owned(),
        cause,
        message,
    };
    let refused = |refusal: Refusal| {
        let message = format!("{}: {}", refusal.failure.action, refusal.failure.message);
        unseen(unseen_cause(&refusal), message)
    };
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let request = connection.client.get_role().role_name(name);
    let found = connection
        .share
        .read(Call::GetRole, request.send())
        .await
        .map_err(refused)?;
    let Some(role) = found.role else {
        return Err(unseen(UnseenCause::Unreachable, "GetRole answered nothing".to_owned()));
    };
    if role.arn() != arn {
        // IAM looks roles up by name in the account that asks.
        let cause = if account_of(role.arn()) == account_of(arn) {
            UnseenCause::NoSuchEntity
        } else {
            UnseenCause::OtherAccount
        };
        return Err(unseen(cause, format!("there is {}", role.arn())));
    }
    let inline = inline_policies(connection, name).await.map_err(refused)?;
    let attached = attached_policies(connection, name).await.map_err(refused)?;
    Ok(RoleDetail {
        role_name: role.role_name().to_owned(),
        arn: role.arn().to_owned(),
        assume_role_policy_document: role.assume_role_policy_document().map(document),
        role_policy_list: inline,
        attached_managed_policies: attached,
        permissions_boundary: role
            .permissions_boundary()
            .and_then(|boundary| boundary.permissions_boundary_arn())
            .map(|arn| PermissionsBoundary {
                permissions_boundary_arn: arn.to_owned(),
            }),
    })
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

async fn inline_policies(connection: &IamConnection, role: &str) -> Result<Vec<RolePolicy>, Refusal> {
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let request = connection.client.list_role_policies().role_name(role);
        let request = request.set_marker(marker);
        let page = connection.share.read(Call::ListRolePolicies, request.send()).await?;
        names.extend(page.policy_names);
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    let mut policies = Vec::new();
    for name in names {
        let request = connection.client.get_role_policy().role_name(role).policy_name(&name);
        let found = connection.share.read(Call::GetRolePolicy, request.send()).await?;
        policies.push(RolePolicy {
            policy_document: document(&found.policy_document),
            policy_name: name,
        });
    }
    Ok(policies)
}

async fn attached_policies(connection: &IamConnection, role: &str) -> Result<Vec<AttachedPolicy>, Refusal> {
    let mut attached = Vec::new();
    let mut marker = None;
    loop {
        let request = connection.client.list_attached_role_policies().role_name(role);
        let request = request.set_marker(marker);
        let page = connection
            .share
            .read(Call::ListAttachedRolePolicies, request.send())
            .await?;
        attached.extend(
            page.attached_policies
                .unwrap_or_default()
                .into_iter()
                .filter_map(|policy| {
                    Some(AttachedPolicy {
                        policy_name: policy.policy_name.unwrap_or_default(),
                        policy_arn: policy.policy_arn?,
                    })
                }),
        );
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(attached);
        }
    }
}

/// A managed policy with the version in force.
pub(super) async fn managed_policy(connection: &IamConnection, arn: &str) -> Result<ManagedPolicy, Refusal> {
    let request = connection.client.get_policy().policy_arn(arn);
    let found = connection.share.read(Call::GetPolicy, request.send()).await?;
    let version = found.policy.and_then(|policy| policy.default_version_id);
    let mut policy = ManagedPolicy {
        arn: arn.to_owned(),
        default_version_id: version.clone(),
        policy_version_list: Vec::new(),
    };
    if let Some(version) = version {
        let request = connection.client.get_policy_version();
        let request = request.policy_arn(arn).version_id(&version);
        let found = connection.share.read(Call::GetPolicyVersion, request.send()).await?;
        let text = found.policy_version.and_then(|version| version.document);
        policy.policy_version_list.extend(text.map(|text| PolicyVersion {
            document: document(&text),
            version_id: version,
            is_default_version: true,
        }));
    }
    Ok(policy)
}

/// What AWS's simulation says of everything that some workload needs of its
/// role and that it can be asked for.
pub(super) async fn simulation(
    connection: &IamConnection,
    arn: &str,
    region: &Region,
) -> Result<RoleSimulation, Refusal> {
    let mut actions: Vec<String> = RoleActions::ALL
        .into_iter()
        .flat_map(RoleActions::needs)
        .filter(|need| need.can_be_simulated())
        .flat_map(|need| need.actions)
        .map(|action| (*action).to_owned())
        .collect();
    actions.sort_unstable();
    actions.dedup();
    let known = [
        ("aws:RequestedRegion", region.as_str(), ContextKeyTypeEnum::String),
        ("aws:SecureTransport", "true", ContextKeyTypeEnum::Boolean),
    ];
    let context: Vec<ContextEntry> = known
        .into_iter()
        .map(|(key, value, kind)| {
            ContextEntry::builder()
                .context_key_name(key)
                .context_key_values(value)
                .context_key_type(kind)
                .build()
        })
        .collect();
    let mut results = Vec::new();
    let mut marker = None;
    loop {
        let request = connection.client.simulate_principal_policy().policy_source_arn(arn);
        let request = request
            .set_action_names(Some(actions.clone()))
            .set_context_entries(Some(context.clone()))
            .set_marker(marker);
        let page = connection
            .share
            .read(Call::SimulatePrincipalPolicy, request.send())
            .await?;
        results.extend(page.evaluation_results.unwrap_or_default().into_iter().map(evaluation));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    Ok(RoleSimulation {
        policy_source_arn: arn.to_owned(),
        region: Some(region.clone()),
        evaluation_results: results,
    })
}

fn evaluation(result: aws_sdk_iam::types::EvaluationResult) -> EvaluationResult {
    EvaluationResult {
        eval_decision: result.eval_decision.as_str().into(),
        eval_action_name: result.eval_action_name,
        eval_resource_name: result.eval_resource_name,
        missing_context_values: result.missing_context_values.unwrap_or_default(),
        organizations_decision_detail: result
            .organizations_decision_detail
            .map(|detail| OrganizationsDecision {
                allowed_by_organizations: detail.allowed_by_organizations,
            }),
        permissions_boundary_decision_detail: result.permissions_boundary_decision_detail.map(boundary),
        resource_specific_results: result
            .resource_specific_results
            .unwrap_or_default()
            .into_iter()
            .map(|resource| ResourceResult {
                eval_resource_decision: resource.eval_resource_decision.as_str().into(),
                eval_resource_name: resource.eval_resource_name,
                missing_context_values: resource.missing_context_values.unwrap_or_default(),
                permissions_boundary_decision_detail: resource.permissions_boundary_decision_detail.map(boundary),
            })
            .collect(),
    }
}

fn boundary(detail: aws_sdk_iam::types::PermissionsBoundaryDecisionDetail) -> BoundaryDecision {
    BoundaryDecision {
        allowed_by_permissions_boundary: detail.allowed_by_permissions_boundary,
    }
}

/// A document as JSON. IAM gives documents as text, percent-encoded as in a
/// URL; what is no JSON at all is kept as it came.
fn document(text: &str) -> Value {
    let plain = if text.trim_start().starts_with('{') {
        text.into()
    } else {
        percent_decode_str(text).decode_utf8_lossy()
    };
    serde_json::from_str(&plain).unwrap_or_else(|_| Value::String(plain.into_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_read_encoded_or_not() {
        let expected = json!({ "Statement": [], "Id": "a+b %" });
        assert_eq!(document(r#"{"Statement": [], "Id": "a+b %"}"#), expected);
        assert_eq!(
            document("%7B%22Statement%22%3A%20%5B%5D%2C%20%22Id%22%3A%20%22a%2Bb%20%25%22%7D"),
            expected
        );
        assert_eq!(document("nonsense"), json!("nonsense"));
    }
}
