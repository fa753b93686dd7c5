//! What a verdict hangs on and cannot be seen.

use std::fmt;

use super::Hidden;
use crate::types::{SubnetId, listed};

/// Something on a packet's way that cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unseen {
    /// The VPC's DNS attributes were not looked at.
    DnsAttributes,
    /// The VPC's DHCP options were not looked at.
    DhcpOptions,
    /// Names are resolved by servers that are not AWS's.
    CustomResolver {
        /// The servers.
        servers: Vec<String>,
    },
    /// Network ACLs were not looked at.
    NetworkAcls,
    /// Which routes a subnet or a route table has.
    Routes {
        /// The subnet, or the table with a route that cannot be read.
        of: String,
    },
    /// Which addresses a prefix list holds.
    PrefixList {
        /// The list, by its id or its name.
        list: String,
    },
    /// The endpoint is not among those that were seen.
    Endpoint {
        /// Its id.
        endpoint: String,
    },
    /// Which security groups the endpoint's interfaces have.
    EndpointGroups {
        /// Its id.
        endpoint: String,
    },
    /// What an endpoint's policy decides hangs on who asks, and how.
    Policy {
        /// The endpoint.
        endpoint: String,
        /// The action.
        action: String,
        /// On what.
        resource: String,
        /// What it hangs on.
        why: String,
    },
    /// A security group that is not among those that were seen.
    SecurityGroup {
        /// Its id.
        group: String,
    },
    /// The NAT gateway is not among those that were seen.
    NatGateway {
        /// Its id.
        gateway: String,
    },
    /// Whether the internet gateway is attached was not looked at.
    InternetGateway {
        /// Its id.
        gateway: String,
    },
    /// What lies behind a transit gateway.
    TransitGateway {
        /// Its id.
        gateway: String,
    },
    /// What lies behind a core network.
    CoreNetwork {
        /// Its ARN.
        network: String,
    },
    /// What a firewall, or another appliance on the way, does.
    Firewall {
        /// Its interface or endpoint.
        interface: String,
    },
    /// What lies behind a peering connection.
    Peering {
        /// Its id.
        connection: String,
    },
    /// What lies behind a virtual private gateway.
    VirtualPrivateGateway {
        /// Its id.
        gateway: String,
    },
    /// What lies beyond something that joins networks, of which a part was seen.
    Beyond(Box<Hidden>),
    /// What lies behind a gateway of another kind.
    Gateway {
        /// Its id, or the table that leads to it.
        gateway: String,
    },
    /// Which address of the VPC has a name, and whom it admits.
    NameInside {
        /// The name.
        name: String,
    },
    /// What answers at an address in the VPC, and whom it admits.
    Receiver {
        /// The subnet of the address.
        subnet: SubnetId,
    },
    /// Whether the owner of a shared VPC has an interface endpoint for a service.
    OwnersEndpoint {
        /// The service.
        service: String,
    },
    /// What listens at an interface without security groups.
    Listener {
        /// The interface.
        interface: String,
    },
    /// Which addresses a name has inside the VPC, or in networks joined to it.
    PrivateName {
        /// The name.
        name: String,
    },
    /// Which addresses a name has, where some can be reached and others not.
    Addresses {
        /// The name.
        name: String,
    },
}

impl Unseen {
    pub(super) fn beyond(hidden: Hidden) -> Self {
        Self::Beyond(Box::new(hidden))
    }

    /// The file that a snapshot lacks, where it is one.
    pub fn file(&self) -> Option<&'static str> {
        match self {
            Self::DnsAttributes => Some("VpcAttributes.json"),
            Self::DhcpOptions => Some("DhcpOptions.json"),
            Self::NetworkAcls => Some("NetworkAcls.json"),
            Self::Routes { .. } => Some("RouteTables.json"),
            Self::PrefixList { .. } => Some("PrefixLists.json"),
            Self::Endpoint { .. } | Self::EndpointGroups { .. } => Some("VpcEndpoints.json"),
            Self::SecurityGroup { .. } => Some("SecurityGroups.json"),
            Self::NatGateway { .. } => Some("NatGateways.json"),
            Self::InternetGateway { .. } => Some("InternetGateways.json"),
            Self::Receiver { .. } => Some("NetworkInterfaces.json"),
            Self::TransitGateway { .. } => Some("TransitGatewayVpcAttachments.json"),
            Self::Peering { .. } => Some("VpcPeeringConnections.json"),
            Self::Beyond(hidden) => hidden.file(),
            Self::CustomResolver { .. }
            | Self::Policy { .. }
            | Self::CoreNetwork { .. }
            | Self::Firewall { .. }
            | Self::VirtualPrivateGateway { .. }
            | Self::Gateway { .. }
            | Self::OwnersEndpoint { .. }
            | Self::Listener { .. }
            | Self::PrivateName { .. }
            | Self::NameInside { .. }
            | Self::Addresses { .. } => None,
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnsAttributes => f.write_str("whether DNS is on in the VPC"),
            Self::DhcpOptions => f.write_str("which DNS servers the DHCP options name"),
            Self::CustomResolver { servers } => write!(f, "what the DNS servers {} answer", listed(servers)),
            Self::NetworkAcls => f.write_str("what the network ACLs let through"),
            Self::Routes { of } => write!(f, "which routes {of} has"),
            Self::PrefixList { list } => write!(f, "which addresses prefix list {list} holds"),
            Self::Endpoint { endpoint } => write!(f, "what {endpoint} is"),
            Self::EndpointGroups { endpoint } => write!(f, "which security groups {endpoint} has"),
            Self::Policy {
                endpoint,
                action,
                resource,
                why,
            } => write!(
                f,
                "whether the policy of {endpoint} lets {action} on {resource} through: {why}"
            ),
            Self::SecurityGroup { group } => write!(f, "what security group {group} admits"),
            Self::NatGateway { gateway } => write!(f, "where NAT gateway {gateway} is, and whether it serves"),
            Self::InternetGateway { gateway } => write!(f, "whether {gateway} is attached to the VPC"),
            Self::TransitGateway { gateway } => write!(f, "what lies behind transit gateway {gateway}"),
            Self::CoreNetwork { network } => write!(f, "what lies behind core network {network}"),
            Self::Firewall { interface } => write!(f, "what the appliance at {interface} lets through"),
            Self::Peering { connection } => write!(f, "what lies behind peering connection {connection}"),
            Self::VirtualPrivateGateway { gateway } => write!(f, "what lies behind virtual private gateway {gateway}"),
            Self::Beyond(hidden) => hidden.fmt(f),
            Self::Gateway { gateway } => write!(f, "what lies behind {gateway}"),
            Self::NameInside { name } => write!(f, "which address of the VPC has the name {name}, and whom it admits"),
            Self::Receiver { subnet } => write!(f, "what answers at that address in {subnet}, and whom it admits"),
            Self::OwnersEndpoint { service } => {
                write!(f, "whether the VPC's owner has an interface endpoint for {service}")
            }
            Self::Listener { interface } => write!(f, "what listens at {interface}, which has no security groups"),
            Self::PrivateName { name } => write!(f, "which addresses {name} has inside the VPC"),
            Self::Addresses { name } => write!(f, "which addresses {name} has: some can be reached, others not"),
        }
    }
}
