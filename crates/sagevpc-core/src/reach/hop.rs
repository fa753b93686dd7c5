//! What a packet meets on its way, each a small value that reads as a line.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{Link, RouteUsed, Unseen};
use crate::{
    observed::RouteDestination,
    types::{
        Direction, NatGatewayId, NetworkAclId, NetworkInterfaceId, RouteTableId, Rule, SecurityGroupId, SubnetId,
        TransitGatewayAttachmentId, TransitGatewayRouteTableId, VpcEndpointId, VpcId,
    },
};

/// A step of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// A name resolves to the public addresses of what it names.
    PublicName {
        /// The name.
        name: String,
    },
    /// A name resolves to the interfaces of an endpoint.
    PrivateName {
        /// The name.
        name: String,
        /// The endpoint.
        endpoint: VpcEndpointId,
    },
    /// A name resolves to an interface in the VPC.
    InterfaceName {
        /// The name.
        name: String,
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// It goes to an address of the instance's own link, where no route, security
    /// group or network ACL holds.
    LinkLocal {
        /// The address.
        address: IpAddr,
    },
    /// A security group admits it.
    SecurityGroup {
        /// The group.
        group: SecurityGroupId,
        /// By this rule.
        rule: Rule,
    },
    /// A network ACL lets it through.
    NetworkAcl {
        /// The ACL.
        acl: NetworkAclId,
        /// Of this subnet.
        subnet: SubnetId,
        /// Which way.
        direction: Direction,
        /// By the rule of this number.
        rule: i32,
        /// Whether it is the answer that passes.
        answer: bool,
    },
    /// A route table sends it on.
    Route {
        /// The table.
        table: RouteTableId,
        /// The route's destination, a block or a prefix list.
        destination: RouteDestination,
        /// Its target.
        to: String,
    },
    /// It stays in its subnet, where neither routes nor network ACLs apply.
    SameSubnet {
        /// The subnet.
        subnet: SubnetId,
    },
    /// It arrives in a subnet of the VPC.
    Subnet {
        /// The subnet.
        subnet: SubnetId,
    },
    /// A gateway endpoint takes it.
    GatewayEndpoint {
        /// The endpoint.
        endpoint: VpcEndpointId,
    },
    /// An interface endpoint takes it.
    InterfaceEndpoint {
        /// The endpoint.
        endpoint: VpcEndpointId,
    },
    /// A NAT gateway takes it, and gives it its own address.
    NatGateway {
        /// The NAT gateway.
        gateway: NatGatewayId,
        /// Its subnet; a regional one has none.
        subnet: Option<SubnetId>,
    },
    /// An internet gateway takes it out, egress-only or not.
    InternetGateway {
        /// The gateway.
        gateway: String,
    },
    /// An internet gateway brings it in, to the address that the public one stands
    /// for.
    FromInternet {
        /// The gateway.
        gateway: String,
        /// The address that is known outside.
        public: IpAddr,
        /// The address in the VPC, the same for IPv6.
        address: IpAddr,
    },
    /// A transit gateway sends it on.
    Transit {
        /// The gateway's route table.
        table: TransitGatewayRouteTableId,
        /// The route's block.
        destination: IpNet,
        /// The attachment that it leads to.
        attachment: TransitGatewayAttachmentId,
    },
    /// It comes into another VPC.
    Entered {
        /// The VPC.
        vpc: VpcId,
        /// What it came by.
        by: Link,
    },
    /// It goes where nothing can be seen.
    Unseen(Unseen),
}

impl Hop {
    /// The route, where it is one.
    pub(super) fn route(&self) -> Option<RouteUsed> {
        if let Self::Route { table, destination, .. } = self {
            Some(RouteUsed {
                table: table.clone(),
                destination: destination.clone(),
            })
        } else {
            None
        }
    }

    /// The endpoint that takes it, where it is one.
    pub const fn endpoint(&self) -> Option<&VpcEndpointId> {
        if let Self::GatewayEndpoint { endpoint } | Self::InterfaceEndpoint { endpoint, .. } = self {
            Some(endpoint)
        } else {
            None
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicName { name } => write!(f, "{name} resolves to its public addresses"),
            Self::PrivateName { name, endpoint } => write!(f, "{name} resolves to the interfaces of {endpoint}"),
            Self::InterfaceName { name, interface } => write!(f, "{name} resolves to {interface} in the VPC"),
            Self::LinkLocal { address } => write!(
                f,
                "{address} is answered on the host: no route, security group or network ACL holds for it"
            ),
            Self::SecurityGroup { group, rule } => write!(f, "security group {group} admits it: {rule}"),
            Self::NetworkAcl {
                acl,
                subnet,
                direction,
                rule,
                answer,
            } => {
                let what = if *answer { "the answer" } else { "it" };
                let way = match direction {
                    Direction::Egress => "out of",
                    Direction::Ingress => "into",
                };
                write!(f, "network ACL {acl} lets {what} {way} {subnet}: rule {rule}")
            }
            Self::Route { table, destination, to } => {
                write!(f, "route table {table} sends it to {to}, by its route to {destination}")
            }
            Self::SameSubnet { subnet } => write!(f, "it stays in {subnet}"),
            Self::Subnet { subnet } => write!(f, "it arrives in {subnet}"),
            Self::GatewayEndpoint { endpoint } => write!(f, "gateway endpoint {endpoint} takes it"),
            Self::InterfaceEndpoint { endpoint } => write!(f, "interface endpoint {endpoint} takes it"),
            Self::NatGateway {
                gateway,
                subnet: Some(subnet),
            } => write!(f, "NAT gateway {gateway} in {subnet} translates it"),
            Self::NatGateway { gateway, subnet: None } => write!(f, "regional NAT gateway {gateway} translates it"),
            Self::InternetGateway { gateway } => write!(f, "{gateway} takes it to the internet"),
            Self::FromInternet {
                gateway,
                public,
                address,
            } if public == address => write!(f, "{gateway} brings it in to {address}"),
            Self::FromInternet {
                gateway,
                public,
                address,
            } => write!(f, "{gateway} brings it in, to {address} for {public}"),
            Self::Transit {
                table,
                destination,
                attachment,
            } => write!(
                f,
                "transit gateway route table {table} sends it to {attachment}, by its route to {destination}"
            ),
            Self::Entered { vpc, by } => write!(f, "it comes into {vpc} by {by}"),
            Self::Unseen(unseen) => write!(f, "not known: {unseen}"),
        }
    }
}

pub(super) fn preposition(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "to",
        Direction::Ingress => "from",
    }
}
