//! Execution roles: their policies, and what AWS's policy simulation says of
//! them.
//!
//! Roles and managed policies are in the shape in which `aws iam
//! get-account-authorization-details` prints them, simulations in that of `aws
//! iam simulate-principal-policy`. Documents are kept as they were found, for
//! one that cannot be read must not hide the rest.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Types.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SimulatedDecision, Word, shapes::shapes};
use crate::types::Region;
use iam_policy::PolicyDocument;

shapes! {
    /// A role with all of its policies.
    RoleDetail {
        /// Its name, unique in the account whatever the path.
        role_name: String,
        /// Its ARN.
        arn: String,
        /// Its trust policy: who may assume it.
        #[serde(default)]
        assume_role_policy_document: Option<Value>,
        /// Its inline policies.
        #[serde(default)]
        role_policy_list: Vec<RolePolicy>,
        /// The managed policies attached to it.
        #[serde(default)]
        attached_managed_policies: Vec<AttachedPolicy>,
        /// The most that its policies can allow.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions_boundary: Option<PermissionsBoundary>,
    }

    /// An inline policy of a role.
    RolePolicy {
        /// Its name, unique on the role.
        policy_name: String,
        /// What it says.
        policy_document: Value,
    }

    /// That a managed policy is attached to a role.
    AttachedPolicy {
        /// The policy's name.
        #[serde(default)]
        policy_name: String,
        /// The policy.
        policy_arn: String,
    }

    /// That a managed policy bounds a role.
    PermissionsBoundary {
        /// The policy.
        permissions_boundary_arn: String,
    }

    /// A managed policy.
    ManagedPolicy {
        /// Its ARN.
        arn: String,
        /// The version in force.
        #[serde(default)]
        default_version_id: Option<String>,
        /// Its versions, at least the one in force.
        #[serde(default)]
        policy_version_list: Vec<PolicyVersion>,
    }

    /// A version of a managed policy.
    PolicyVersion {
        /// What it says.
        document: Value,
        /// Its id.
        version_id: String,
        /// Whether it is in force.
        #[serde(default)]
        is_default_version: bool,
    }

    /// What AWS's simulation says that a role may do.
    RoleSimulation {
        /// The role.
        policy_source_arn: String,
        /// The region that requests were taken to go to.
        #[serde(default)]
        region: Option<Region>,
        /// One for each action.
        evaluation_results: Vec<EvaluationResult>,
    }

    /// What it says of one action.
    EvaluationResult {
        /// The action.
        eval_action_name: String,
        /// On what.
        #[serde(default)]
        eval_resource_name: Option<String>,
        /// `allowed`, `explicitDeny` or `implicitDeny`.
        eval_decision: Word<SimulatedDecision>,
        /// Context keys that policies ask for and the request had not.
        #[serde(default)]
        missing_context_values: Vec<String>,
        /// What the organization's policies say, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        organizations_decision_detail: Option<OrganizationsDecision>,
        /// What the permissions boundary says, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions_boundary_decision_detail: Option<BoundaryDecision>,
        /// What it says of single resources, where several were asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resource_specific_results: Vec<ResourceResult>,
    }

    /// What service control policies say.
    OrganizationsDecision {
        /// Whether they allow it.
        #[serde(default)]
        allowed_by_organizations: bool,
    }

    /// What a permissions boundary says.
    BoundaryDecision {
        /// Whether it allows it.
        #[serde(default)]
        allowed_by_permissions_boundary: bool,
    }

    /// What a simulation says of one resource of several.
    ResourceResult {
        /// The resource.
        eval_resource_name: String,
        /// `allowed`, `explicitDeny` or `implicitDeny`.
        eval_resource_decision: Word<SimulatedDecision>,
        /// Context keys that policies ask for and the request had not.
        #[serde(default)]
        missing_context_values: Vec<String>,
        /// What the permissions boundary says, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions_boundary_decision_detail: Option<BoundaryDecision>,
    }

    /// A role that was looked for and not seen.
    UnseenRole {
        /// The role.
        arn: String,
        /// Why not.
        cause: UnseenCause,
        /// AWS's words.
        #[serde(default)]
        message: String,
    }
}

/// Why a role was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UnseenCause {
    /// There is none.
    NoSuchEntity,
    /// It belongs to another account than the one that was asked.
    OtherAccount,
    /// AWS does not let us look.
    AccessDenied,
    /// AWS gave no answer.
    Unreachable,
}

/// Everything that was seen of roles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roles {
    /// Roles, by their ARNs.
    pub details: BTreeMap<String, RoleDetail>,
    /// The managed policies that they have, by their ARNs.
    pub managed_policies: BTreeMap<String, ManagedPolicy>,
    /// What AWS's simulation says of them, by their ARNs.
    pub simulations: BTreeMap<String, RoleSimulation>,
    /// Roles that were looked for and not seen, by their ARNs.
    pub unseen: BTreeMap<String, UnseenRole>,
}

impl RoleDetail {
    /// What its inline policy of this name says.
    pub fn inline_policy(&self, name: &str) -> Option<&Value> {
        let mut policies = self.role_policy_list.iter();
        let policy = policies.find(|policy| policy.policy_name == name)?;
        Some(&policy.policy_document)
    }
}

/// A policy, and how messages name it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPolicy {
    /// Such as `inline policy S3`.
    pub name: String,
    /// What it says.
    pub document: PolicyDocument,
}

/// The policies that decide what a role may do, as far as they were seen and can
/// be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoliciesOfRole {
    /// Those of which one must allow a request.
    pub own: Vec<NamedPolicy>,
    /// Those of its own that were not seen or cannot be read, by their names.
    pub unread: Vec<String>,
    /// Its permissions boundary, or the name of one that was not seen or cannot be
    /// read.
    pub boundary: Option<Result<NamedPolicy, String>>,
}

impl Roles {
    /// The policies of a role; of its inline policies those whose names count.
    pub fn policies_of(&self, role: &RoleDetail, counts: impl Fn(&str) -> bool) -> PoliciesOfRole {
        let managed = |arn: &str| {
            let document = self.managed_policies.get(arn).and_then(ManagedPolicy::document);
            named(format!("managed policy {arn}"), document)
        };
        let inline = role
            .role_policy_list
            .iter()
            .filter(|policy| counts(&policy.policy_name))
            .map(|policy| {
                named(
                    format!("inline policy {}", policy.policy_name),
                    Some(&policy.policy_document),
                )
            });
        let attached = role
            .attached_managed_policies
            .iter()
            .map(|policy| managed(&policy.policy_arn));
        let mut policies = PoliciesOfRole::default();
        for policy in inline.chain(attached) {
            match policy {
                Ok(policy) => policies.own.push(policy),
                Err(name) => policies.unread.push(name),
            }
        }
        let boundary = role.permissions_boundary.as_ref();
        policies.boundary = boundary.map(|boundary| managed(&boundary.permissions_boundary_arn));
        policies
    }
}

/// The policy, or its name where it was not seen or cannot be read.
fn named(name: String, document: Option<&Value>) -> Result<NamedPolicy, String> {
    match document.and_then(|value| PolicyDocument::try_from(value).ok()) {
        Some(document) => Ok(NamedPolicy { name, document }),
        None => Err(name),
    }
}

impl ManagedPolicy {
    /// What the version in force says, if it was seen.
    pub fn document(&self) -> Option<&Value> {
        let is_in_force = |version: &&PolicyVersion| {
            version.is_default_version || self.default_version_id.as_ref() == Some(&version.version_id)
        };
        let version = self.policy_version_list.iter().find(is_in_force)?;
        Some(&version.document)
    }
}
