//! Changes to a security group.

use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List, all},
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{Direction, ResourceKey, Rule, SecurityGroupId, Tags, VpcId},
};

/// A change to a security group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum SecurityGroupChange {
    /// Makes a group, which starts with EC2's own rule that lets everything out.
    #[serde(rename = "CreateSecurityGroup")]
    Create {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// Its name.
        name: String,
        /// What it says of itself.
        description: String,
        /// Its tags.
        tags: Tags,
    },
    /// Adds rules of one direction.
    #[serde(rename = "AuthorizeSecurityGroup")]
    Authorize {
        /// The group.
        group: Target<SecurityGroupId>,
        /// The direction of all the rules.
        direction: Direction,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Takes rules of one direction off.
    #[serde(rename = "RevokeSecurityGroup")]
    Revoke {
        /// The group.
        group: Target<SecurityGroupId>,
        /// The direction of all the rules.
        direction: Direction,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Deletes the group.
    #[serde(rename = "DeleteSecurityGroup")]
    Delete {
        /// The group.
        id: SecurityGroupId,
    },
}

impl Change for SecurityGroupChange {
    fn call(&self) -> Call {
        match self {
            Self::Create { .. } => Call::CreateSecurityGroup,
            Self::Authorize { direction, .. } => Call::authorize(*direction),
            Self::Revoke { direction, .. } => Call::revoke(*direction),
            Self::Delete { .. } => Call::DeleteSecurityGroup,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Create { .. } => Deed::Creates,
            Self::Authorize { .. } | Self::Revoke { .. } => Deed::Changes,
            Self::Delete { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Create { key, .. } => key.to_string(),
            Self::Authorize { group, .. } | Self::Revoke { group, .. } => group.to_string(),
            Self::Delete { id } => id.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "SecurityGroup"
    }

    fn describe(&self, list: List<'_>) -> String {
        match self {
            Self::Create { name, .. } => format!("security group {name}"),
            Self::Authorize { rules, .. } => format!("add {}", all(rules, list)),
            Self::Revoke { rules, .. } => format!("remove {}", all(rules, list)),
            Self::Delete { .. } => "delete the security group".to_owned(),
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::Create { key, .. } => Some(key),
            Self::Authorize { .. } | Self::Revoke { .. } | Self::Delete { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::Authorize {
                group: Target::Existing(id),
                ..
            } => vec![Lack::GroupRules(id.clone())],
            Self::Authorize {
                group: Target::Made(_), ..
            }
            | Self::Create { .. }
            | Self::Revoke { .. }
            | Self::Delete { .. } => Vec::new(),
        }
    }
}
