//! Changes to an execution role.

use std::collections::BTreeSet;

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{catalog::calls::Call, types::ResourceKey};
use iam_policy::{ActionClause, PolicyDocument};

/// A change to an execution role.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum RoleChange {
    /// Puts an inline policy of ours on it.
    #[serde(rename = "PutRolePolicy")]
    PutPolicy {
        /// What it is for.
        key: ResourceKey,
        /// The role's ARN.
        role: String,
        /// The policy's name.
        name: String,
        /// What it allows.
        policy: PolicyDocument,
        /// Whether there is one of this name, which it replaces.
        replaces: bool,
    },
    /// Takes an inline policy of ours off.
    #[serde(rename = "DeleteRolePolicy")]
    DeletePolicy {
        /// The role's ARN.
        role: String,
        /// The policy's name.
        name: String,
    },
}

impl Change for RoleChange {
    fn call(&self) -> Call {
        match self {
            Self::PutPolicy { .. } => Call::PutRolePolicy,
            Self::DeletePolicy { .. } => Call::DeleteRolePolicy,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::PutPolicy { replaces: false, .. } => Deed::Creates,
            Self::PutPolicy { replaces: true, .. } => Deed::Changes,
            Self::DeletePolicy { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::PutPolicy { role, .. } | Self::DeletePolicy { role, .. } => role.clone(),
        }
    }

    fn family(&self) -> &'static str {
        "RolePolicy"
    }

    fn describe(&self, list: List<'_>) -> String {
        match self {
            Self::PutPolicy {
                name, policy, replaces, ..
            } => {
                let verb = if *replaces { "replace" } else { "add" };
                format!("{verb} inline policy {name}: allow {}", list(allowed_actions(policy)))
            }
            Self::DeletePolicy { name, .. } => format!("remove inline policy {name}"),
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::PutPolicy {
                key, replaces: false, ..
            } => Some(key),
            Self::PutPolicy { replaces: true, .. } | Self::DeletePolicy { .. } => None,
        }
    }

    fn policy(&self) -> Option<&PolicyDocument> {
        match self {
            Self::PutPolicy { policy, .. } => Some(policy),
            Self::DeletePolicy { .. } => None,
        }
    }
}

/// The actions that a document allows by name, each once.
fn allowed_actions(policy: &PolicyDocument) -> Vec<String> {
    let listed = policy.statements.iter().flat_map(|statement| match &statement.action {
        ActionClause::Action(actions) => actions.as_slice(),
        ActionClause::NotAction(_) => &[],
    });
    listed.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
