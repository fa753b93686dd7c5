//! Changes to an elastic IP address.

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{AllocationId, ResourceKey, Tags},
};

/// A change to an elastic IP address.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum AddressChange {
    /// Gets one. EC2 has no client token for it.
    #[serde(rename = "AllocateAddress")]
    Allocate {
        /// What it is for.
        key: ResourceKey,
        /// Its tags.
        tags: Tags,
    },
    /// Gives one back.
    #[serde(rename = "ReleaseAddress")]
    Release {
        /// The address.
        id: AllocationId,
    },
}

impl Change for AddressChange {
    fn call(&self) -> Call {
        match self {
            Self::Allocate { .. } => Call::AllocateAddress,
            Self::Release { .. } => Call::ReleaseAddress,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Allocate { .. } => Deed::Creates,
            Self::Release { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Allocate { key, .. } => key.to_string(),
            Self::Release { id } => id.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "Address"
    }

    fn describe(&self, _list: List<'_>) -> String {
        let words = match self {
            Self::Allocate { .. } => "an elastic IP address",
            Self::Release { .. } => "release the elastic IP address",
        };
        words.to_owned()
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::Allocate { key, .. } => Some(key),
            Self::Release { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::Allocate { .. } => vec![Lack::WayOut(None)],
            Self::Release { .. } => Vec::new(),
        }
    }
}
