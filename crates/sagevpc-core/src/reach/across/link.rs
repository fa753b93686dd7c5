//! What a route leads across: to other networks, or through an appliance.

use std::fmt;

use super::super::Unseen;
use crate::{
    api::AcceptUnknown,
    types::{TransitGatewayId, VpcEndpointId, VpcPeeringConnectionId, VpnGatewayId},
};

/// What a route leads across.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// A peering connection, to one other VPC.
    Peering(VpcPeeringConnectionId),
    /// A transit gateway, to whatever is attached to it.
    TransitGateway(TransitGatewayId),
    /// A virtual private gateway, to a VPN or Direct Connect.
    VirtualPrivateGateway(VpnGatewayId),
    /// An endpoint that leads to appliances, a firewall's as a rule, and lets
    /// traffic out again in its own subnet.
    Appliance(VpcEndpointId),
}

impl Link {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Peering(id) => id.as_str(),
            Self::TransitGateway(id) => id.as_str(),
            Self::VirtualPrivateGateway(id) => id.as_str(),
            Self::Appliance(id) => id.as_str(),
        }
    }

    /// The option by which `aws ec2 create-route` takes it.
    pub const fn option(&self) -> &'static str {
        match self {
            Self::Peering(_) => "--vpc-peering-connection-id",
            Self::TransitGateway(_) => "--transit-gateway-id",
            Self::VirtualPrivateGateway(_) => "--gateway-id",
            Self::Appliance(_) => "--vpc-endpoint-id",
        }
    }

    /// How to put it back where it is gone.
    pub(in crate::reach) fn put_back(&self) -> String {
        match self {
            Self::Peering(_) => "Make a new peering connection, and lead the route to it".to_owned(),
            Self::TransitGateway(id) => format!(
                "Attach the VPC to it again with `aws ec2 create-transit-gateway-vpc-attachment --transit-gateway-id \
                 {id} …`"
            ),
            Self::VirtualPrivateGateway(id) => {
                format!("Attach it again with `aws ec2 attach-vpn-gateway --vpn-gateway-id {id} …`")
            }
            Self::Appliance(_) => "Put the endpoint back".to_owned(),
        }
    }

    /// What cannot be seen where nothing of it was.
    pub fn unseen(&self) -> Unseen {
        match self {
            Self::Peering(connection) => Unseen::Peering {
                connection: connection.to_string(),
            },
            Self::TransitGateway(gateway) => Unseen::TransitGateway {
                gateway: gateway.to_string(),
            },
            Self::VirtualPrivateGateway(gateway) => Unseen::VirtualPrivateGateway {
                gateway: gateway.to_string(),
            },
            Self::Appliance(endpoint) => Unseen::Firewall {
                interface: endpoint.to_string(),
            },
        }
    }

    /// The switch that takes what lies there to work.
    pub(in crate::reach) const fn acceptance(&self) -> AcceptUnknown {
        match self {
            Self::TransitGateway(_) => AcceptUnknown::TransitGateway,
            // Like a peering connection, it leads to a network of somebody else's.
            Self::Peering(_) | Self::VirtualPrivateGateway(_) => AcceptUnknown::Peering,
            Self::Appliance(_) => AcceptUnknown::Firewall,
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peering(id) => write!(f, "peering connection {id}"),
            Self::TransitGateway(id) => write!(f, "transit gateway {id}"),
            Self::VirtualPrivateGateway(id) => write!(f, "virtual private gateway {id}"),
            Self::Appliance(id) => write!(f, "endpoint {id}"),
        }
    }
}
