//! Changes to a flow log.

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{
    catalog::calls::Call,
    types::{FlowLogId, FlowLogSettings, ResourceKey, Tags},
};

/// A change to a flow log, which cannot be modified.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum FlowLogChange {
    /// Makes one.
    #[serde(rename = "CreateFlowLogs")]
    Create {
        /// What it is for.
        key: ResourceKey,
        /// The VPC or subnet whose traffic it records.
        resource: String,
        /// How.
        settings: FlowLogSettings,
        /// Its tags.
        tags: Tags,
    },
    /// Deletes it.
    #[serde(rename = "DeleteFlowLogs")]
    Delete {
        /// The flow log.
        id: FlowLogId,
    },
}

impl Change for FlowLogChange {
    fn call(&self) -> Call {
        match self {
            Self::Create { .. } => Call::CreateFlowLogs,
            Self::Delete { .. } => Call::DeleteFlowLogs,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Create { .. } => Deed::Creates,
            Self::Delete { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Create { key, .. } => key.to_string(),
            Self::Delete { id } => id.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "FlowLogs"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::Create { resource, settings, .. } => format!("flow log of {resource}: {settings}"),
            Self::Delete { .. } => "delete the flow log".to_owned(),
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::Create { key, .. } => Some(key),
            Self::Delete { .. } => None,
        }
    }
}
