//! Changes to a route.

use ipnet::IpNet;
use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List},
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{NatGatewayId, RouteTableId},
};

/// A change to a route.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum RouteChange {
    /// Adds a route to a NAT gateway.
    #[serde(rename = "CreateRoute")]
    Create {
        /// The route table.
        table: RouteTableId,
        /// What it leads to.
        destination: IpNet,
        /// By which way.
        nat_gateway: Target<NatGatewayId>,
    },
    /// Turns a route that is there to a NAT gateway.
    #[serde(rename = "ReplaceRoute")]
    Replace {
        /// The route table.
        table: RouteTableId,
        /// What it leads to.
        destination: IpNet,
        /// By which way.
        nat_gateway: Target<NatGatewayId>,
    },
    /// Takes a route away.
    #[serde(rename = "DeleteRoute")]
    Delete {
        /// The route table.
        table: RouteTableId,
        /// What it led to.
        destination: IpNet,
    },
}

impl Change for RouteChange {
    fn call(&self) -> Call {
        match self {
            Self::Create { .. } => Call::CreateRoute,
            Self::Replace { .. } => Call::ReplaceRoute,
            Self::Delete { .. } => Call::DeleteRoute,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::Create { .. } => Deed::Creates,
            Self::Replace { .. } => Deed::Changes,
            Self::Delete { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::Create { table, .. } | Self::Replace { table, .. } | Self::Delete { table, .. } => table.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "Route"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::Create {
                destination,
                nat_gateway,
                ..
            } => format!("add route {destination} -> {nat_gateway}"),
            Self::Replace {
                destination,
                nat_gateway,
                ..
            } => format!("turn route {destination} -> {nat_gateway}"),
            Self::Delete { destination, .. } => format!("remove route {destination}"),
        }
    }

    fn lasting(&self, _list: List<'_>) -> Option<String> {
        match self {
            Self::Create { destination, .. } => Some(format!("add route {destination}")),
            Self::Replace { destination, .. } => Some(format!("turn route {destination}")),
            Self::Delete { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::Create { table, .. } | Self::Replace { table, .. } => vec![Lack::WayOut(Some(table.clone()))],
            Self::Delete { .. } => Vec::new(),
        }
    }
}
