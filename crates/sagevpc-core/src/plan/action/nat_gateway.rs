//! Changes to a NAT gateway.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List},
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{AllocationId, AvailabilityZoneId, NatGatewayId, ResourceKey, SubnetId, Tags, VpcId, listed},
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
    /// Makes a public one for all zones of the VPC. AWS gives it addresses, and
    /// takes it into each zone that has network interfaces.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
    #[serde(rename = "CreateRegionalNatGateway")]
    CreateRegional {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// The zones that go out by it: it costs for each.
        zones: BTreeSet<AvailabilityZoneId>,
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
            Self::Create { .. } | Self::CreateRegional { .. } => Call::CreateNatGateway,
            Self::Delete { .. } => Call::DeleteNatGateway,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Create { .. } | Self::CreateRegional { .. } => Deed::Creates,
            Self::Delete { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Create { key, .. } | Self::CreateRegional { key, .. } => key.to_string(),
            Self::Delete { id } => id.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "NatGateway"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::Create { subnet, address, .. } => format!("public NAT gateway in {subnet} with {address}"),
            Self::CreateRegional { vpc, zones, .. } if zones.is_empty() => {
                format!("regional NAT gateway for all zones of {vpc}")
            }
            Self::CreateRegional { vpc, zones, .. } => {
                format!("regional NAT gateway for all zones of {vpc}, now {}", listed(zones))
            }
            Self::Delete { .. } => "delete the NAT gateway".to_owned(),
        }
    }

    fn lasting(&self, _list: List<'_>) -> Option<String> {
        match self {
            Self::Create { subnet, .. } => Some(format!("public NAT gateway in {subnet}")),
            Self::CreateRegional { vpc, .. } => Some(format!("regional NAT gateway for all zones of {vpc}")),
            Self::Delete { .. } => None,
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::Create { key, .. } | Self::CreateRegional { key, .. } => Some(key),
            Self::Delete { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::Create { .. } | Self::CreateRegional { .. } => vec![Lack::WayOut(None)],
            Self::Delete { .. } => Vec::new(),
        }
    }
}
