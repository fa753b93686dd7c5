//! Changes to tags of any resource.

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{catalog::calls::Call, types::Tags};

/// A change to tags.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum TagsChange {
    /// Sets some.
    #[serde(rename = "CreateTags")]
    Create {
        /// Any resource's id.
        resource: String,
        /// The tags to set.
        tags: Tags,
    },
    /// Takes some off.
    #[serde(rename = "DeleteTags")]
    Delete {
        /// Any resource's id.
        resource: String,
        /// The keys of the tags.
        keys: Vec<String>,
    },
}

impl Change for TagsChange {
    fn call(&self) -> Call {
        match self {
            Self::Create { .. } => Call::CreateTags,
            Self::Delete { .. } => Call::DeleteTags,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Create { .. } | Self::Delete { .. } => Deed::Changes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Create { resource, .. } | Self::Delete { resource, .. } => resource.clone(),
        }
    }

    fn family(&self) -> &'static str {
        "Tags"
    }

    fn describe(&self, list: List<'_>) -> String {
        match self {
            Self::Create { tags, .. } => {
                let pairs = tags.iter().map(|(key, value)| format!("{key}={value}"));
                format!("set {}", list(pairs.collect()))
            }
            Self::Delete { keys, .. } => format!("remove {}", list(keys.clone())),
        }
    }
}
