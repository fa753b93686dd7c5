//! Changes to a NAT gateway.

use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List},
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{AllocationId, NatGatewayId, ResourceKey, SubnetId, Tags},
};

/// A change to a NAT gateway.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum NatGatewayChange {
    /// Makes a public one.
    #[serde(rename = "CreateNatGateway")]
    Create {
        /// What it is for.
        key: ResourceKey,
        /// Its public subnet.
        subnet: SubnetId,
        /// Its elastic IP address.
        address: Target<AllocationId>,
        /// Its tags.
        tags: Tags,
    },
    /// Deletes it. Its routes stay, as blackholes.
    #[serde(rename = "DeleteNatGateway")]
    Delete {
        /// The NAT gateway.
        id: NatGatewayId,
    },
}

impl Change for NatGatewayChange {
    fn call(&self) -> Call {
        match self {
            Self::Create { .. } => Call::CreateNatGateway,
            Self::Delete { .. } => Call::DeleteNatGateway,
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
        "NatGateway"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::Create { subnet, address, .. } => format!("public NAT gateway in {subnet} with {address}"),
            Self::Delete { .. } => "delete the NAT gateway".to_owned(),
        }
    }

    fn lasting(&self, _list: List<'_>) -> Option<String> {
        match self {
            Self::Create { subnet, .. } => Some(format!("public NAT gateway in {subnet}")),
            Self::Delete { .. } => None,
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::Create { key, .. } => Some(key),
            Self::Delete { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::Create { .. } => vec![Lack::WayOut(None)],
            Self::Delete { .. } => Vec::new(),
        }
    }
}
