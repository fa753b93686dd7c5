//! Changes to a network ACL.

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{AclEntry, Direction, NetworkAclId},
};

/// A change to a network ACL.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum NetworkAclChange {
    /// Adds a rule.
    #[serde(rename = "CreateNetworkAclEntry")]
    CreateEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The rule.
        entry: AclEntry,
    },
    /// Puts a rule in place of the one with the same number and direction.
    #[serde(rename = "ReplaceNetworkAclEntry")]
    ReplaceEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The rule.
        entry: AclEntry,
    },
    /// Takes a rule away.
    #[serde(rename = "DeleteNetworkAclEntry")]
    DeleteEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The rule's direction.
        direction: Direction,
        /// Its number.
        rule_number: u16,
    },
}

impl Change for NetworkAclChange {
    fn call(&self) -> Call {
        match self {
            Self::CreateEntry { .. } => Call::CreateNetworkAclEntry,
            Self::ReplaceEntry { .. } => Call::ReplaceNetworkAclEntry,
            Self::DeleteEntry { .. } => Call::DeleteNetworkAclEntry,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::CreateEntry { .. } => Deed::Creates,
            Self::ReplaceEntry { .. } => Deed::Changes,
            Self::DeleteEntry { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::CreateEntry { acl, .. } | Self::ReplaceEntry { acl, .. } | Self::DeleteEntry { acl, .. } => {
                acl.to_string()
            }
        }
    }

    fn family(&self) -> &'static str {
        "NetworkAclEntry"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::CreateEntry { entry, .. } => format!("add {entry}"),
            Self::ReplaceEntry { entry, .. } => format!("replace by {entry}"),
            Self::DeleteEntry {
                direction, rule_number, ..
            } => format!("remove {direction} rule {rule_number}"),
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::CreateEntry { acl, .. } | Self::ReplaceEntry { acl, .. } => vec![Lack::AclRules(acl.clone())],
            Self::DeleteEntry { .. } => Vec::new(),
        }
    }
}
