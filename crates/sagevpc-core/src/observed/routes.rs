//! Where a route leads.

use std::fmt;

use ipnet::IpNet;

use super::{Route, RouteState, RouteTable};
use crate::types::{InternetGatewayId, NatGatewayId, PrefixListId, VpcEndpointId};

/// What a route leads to, by its id.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#route-table-routes>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget<'a> {
    /// The VPC itself.
    Local,
    /// An internet gateway.
    InternetGateway(&'a str),
    /// A virtual private gateway, to a VPN or Direct Connect.
    VirtualPrivateGateway(&'a str),
    /// A VPC endpoint: a gateway endpoint, or one that leads to appliances.
    VpcEndpoint(&'a str),
    /// A NAT gateway.
    NatGateway(&'a str),
    /// An egress-only internet gateway, for IPv6.
    EgressOnlyInternetGateway(&'a str),
    /// A network interface, such as a firewall's or a NAT instance's.
    NetworkInterface(&'a str),
    /// A transit gateway.
    TransitGateway(&'a str),
    /// A peering connection.
    PeeringConnection(&'a str),
    /// A core network of AWS Cloud WAN, by its ARN.
    CoreNetwork(&'a str),
    /// A gateway of an outpost.
    LocalGateway(&'a str),
    /// A gateway of a wavelength zone.
    CarrierGateway(&'a str),
    /// A gateway of a kind that this version does not know.
    Other(&'a str),
}

impl<'a> RouteTarget<'a> {
    /// Its id as AWS writes it; `local` for the VPC itself.
    pub const fn id(self) -> &'a str {
        match self {
            Self::Local => LOCAL,
            Self::InternetGateway(id)
            | Self::VirtualPrivateGateway(id)
            | Self::VpcEndpoint(id)
            | Self::NatGateway(id)
            | Self::EgressOnlyInternetGateway(id)
            | Self::NetworkInterface(id)
            | Self::TransitGateway(id)
            | Self::PeeringConnection(id)
            | Self::CoreNetwork(id)
            | Self::LocalGateway(id)
            | Self::CarrierGateway(id)
            | Self::Other(id) => id,
        }
    }
}

/// What EC2 calls the VPC itself as a target.
const LOCAL: &str = "local";

/// What ids of virtual private gateways begin with.
const VIRTUAL_PRIVATE_GATEWAY: &str = "vgw-";

/// What a route is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteDestination {
    /// A block of addresses.
    Block(IpNet),
    /// The addresses of a prefix list.
    PrefixList(PrefixListId),
}

impl RouteDestination {
    /// The option by which the AWS CLI takes it.
    pub const fn option(&self) -> &'static str {
        match self {
            Self::Block(IpNet::V6(_)) => "--destination-ipv6-cidr-block",
            Self::Block(IpNet::V4(_)) => "--destination-cidr-block",
            Self::PrefixList(_) => "--destination-prefix-list-id",
        }
    }
}

impl fmt::Display for RouteDestination {
    /// As route tables show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(net) => net.fmt(f),
            Self::PrefixList(list) => list.fmt(f),
        }
    }
}

/// What a field named `GatewayId` leads to: EC2 puts gateways of several kinds
/// there, and endpoints, and tells them apart by the beginning of the id alone.
fn gateway(id: &str) -> RouteTarget<'_> {
    if id == LOCAL {
        RouteTarget::Local
    } else if InternetGatewayId::is_kind_of(id) {
        RouteTarget::InternetGateway(id)
    } else if id.starts_with(VIRTUAL_PRIVATE_GATEWAY) {
        RouteTarget::VirtualPrivateGateway(id)
    } else if VpcEndpointId::is_kind_of(id) {
        RouteTarget::VpcEndpoint(id)
    } else {
        RouteTarget::Other(id)
    }
}

impl Route {
    /// What it leads to; `None` where that is in no field that is looked at.
    /// AWS gives a route one target.
    pub fn target(&self) -> Option<RouteTarget<'_>> {
        let Self {
            destination_cidr_block: _,
            destination_ipv6_cidr_block: _,
            destination_prefix_list_id: _,
            gateway_id,
            nat_gateway_id,
            transit_gateway_id,
            vpc_peering_connection_id,
            network_interface_id,
            egress_only_internet_gateway_id,
            local_gateway_id,
            carrier_gateway_id,
            core_network_arn,
            state: _,
        } = self;
        let interface = network_interface_id.as_ref().map(|id| id.as_str());
        let by_field = [
            nat_gateway_id.as_deref().map(RouteTarget::NatGateway),
            egress_only_internet_gateway_id
                .as_deref()
                .map(RouteTarget::EgressOnlyInternetGateway),
            interface.map(RouteTarget::NetworkInterface),
            transit_gateway_id.as_deref().map(RouteTarget::TransitGateway),
            vpc_peering_connection_id.as_deref().map(RouteTarget::PeeringConnection),
            core_network_arn.as_deref().map(RouteTarget::CoreNetwork),
            local_gateway_id.as_deref().map(RouteTarget::LocalGateway),
            carrier_gateway_id.as_deref().map(RouteTarget::CarrierGateway),
        ];
        let gateway = gateway_id.as_deref().map(gateway);
        gateway.or_else(|| by_field.into_iter().flatten().next())
    }

    /// The NAT gateway that it leads to, if it leads to one.
    pub fn nat_gateway(&self) -> Option<NatGatewayId> {
        match self.target()? {
            RouteTarget::NatGateway(id) => Some(NatGatewayId::new(id)),
            RouteTarget::Local
            | RouteTarget::InternetGateway(_)
            | RouteTarget::VirtualPrivateGateway(_)
            | RouteTarget::VpcEndpoint(_)
            | RouteTarget::EgressOnlyInternetGateway(_)
            | RouteTarget::NetworkInterface(_)
            | RouteTarget::TransitGateway(_)
            | RouteTarget::PeeringConnection(_)
            | RouteTarget::CoreNetwork(_)
            | RouteTarget::LocalGateway(_)
            | RouteTarget::CarrierGateway(_)
            | RouteTarget::Other(_) => None,
        }
    }

    /// The addresses that it sends somewhere; `None` where a prefix list says it.
    pub fn destination(&self) -> Option<IpNet> {
        let ipv4 = self.destination_cidr_block.map(IpNet::V4);
        ipv4.or(self.destination_ipv6_cidr_block.map(IpNet::V6))
    }

    /// Whether it says what it is for; one that does not might be for anything.
    pub const fn is_readable(&self) -> bool {
        self.destination_cidr_block.is_some()
            || self.destination_ipv6_cidr_block.is_some()
            || self.destination_prefix_list_id.is_some()
    }

    /// Whether it leads somewhere.
    pub fn is_active(&self) -> bool {
        let state = self.state.as_ref();
        state.is_none_or(|state| *state != RouteState::Blackhole && *state != RouteState::Filtered)
    }

    /// Whether AWS passes it over, so that the next route decides.
    pub fn is_filtered(&self) -> bool {
        self.state.as_ref().is_some_and(|state| *state == RouteState::Filtered)
    }

    /// Whether it leads to an internet gateway.
    pub fn to_internet_gateway(&self) -> bool {
        matches!(self.target(), Some(RouteTarget::InternetGateway(_)))
    }

    /// Whether it leads elsewhere than to the VPC or to a gateway endpoint, which
    /// has a prefix list for its destination. Behind an endpoint that blocks of
    /// addresses are sent to stands a firewall, and something behind what is not
    /// known.
    pub fn leaves_vpc(&self) -> bool {
        match self.target() {
            Some(RouteTarget::Local) => false,
            Some(RouteTarget::VpcEndpoint(_)) => self.destination_prefix_list_id.is_none(),
            Some(
                RouteTarget::InternetGateway(_)
                | RouteTarget::VirtualPrivateGateway(_)
                | RouteTarget::NatGateway(_)
                | RouteTarget::EgressOnlyInternetGateway(_)
                | RouteTarget::NetworkInterface(_)
                | RouteTarget::TransitGateway(_)
                | RouteTarget::PeeringConnection(_)
                | RouteTarget::CoreNetwork(_)
                | RouteTarget::LocalGateway(_)
                | RouteTarget::CarrierGateway(_)
                | RouteTarget::Other(_),
            )
            | None => true,
        }
    }
}

impl RouteTable {
    /// Whether subnets on this table are public: a route to an internet gateway.
    pub fn is_public(&self) -> bool {
        self.routes
            .iter()
            .any(|route| route.is_active() && route.to_internet_gateway())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_target_is_told_by_its_field_and_a_gateways_by_its_id() {
        let cases = [
            ("GatewayId", "local", RouteTarget::Local, false),
            ("GatewayId", "igw-1", RouteTarget::InternetGateway("igw-1"), true),
            ("GatewayId", "vgw-1", RouteTarget::VirtualPrivateGateway("vgw-1"), true),
            ("GatewayId", "vpce-1", RouteTarget::VpcEndpoint("vpce-1"), true),
            ("GatewayId", "new-1", RouteTarget::Other("new-1"), true),
            ("NatGatewayId", "nat-1", RouteTarget::NatGateway("nat-1"), true),
            (
                "EgressOnlyInternetGatewayId",
                "eigw-1",
                RouteTarget::EgressOnlyInternetGateway("eigw-1"),
                true,
            ),
            (
                "NetworkInterfaceId",
                "eni-1",
                RouteTarget::NetworkInterface("eni-1"),
                true,
            ),
            ("TransitGatewayId", "tgw-1", RouteTarget::TransitGateway("tgw-1"), true),
            (
                "VpcPeeringConnectionId",
                "pcx-1",
                RouteTarget::PeeringConnection("pcx-1"),
                true,
            ),
            ("CoreNetworkArn", "arn:1", RouteTarget::CoreNetwork("arn:1"), true),
            ("LocalGatewayId", "lgw-1", RouteTarget::LocalGateway("lgw-1"), true),
            (
                "CarrierGatewayId",
                "cagw-1",
                RouteTarget::CarrierGateway("cagw-1"),
                true,
            ),
        ];
        for (field, id, target, leaves) in cases {
            let route: Route = serde_json::from_value(json!({ field: id })).unwrap();
            assert_eq!(route.target(), Some(target));
            assert_eq!((target.id(), route.leaves_vpc()), (id, leaves));
        }
        let of_gateway_endpoint = json!({ "DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1" });
        let route: Route = serde_json::from_value(of_gateway_endpoint).unwrap();
        assert!(!route.leaves_vpc(), "a gateway endpoint's");
        let route: Route = serde_json::from_value(json!({ "DestinationCidrBlock": "10.0.0.0/16" })).unwrap();
        assert_eq!((route.target(), route.leaves_vpc()), (None, true));
    }

    #[test]
    fn a_blackhole_and_what_aws_filters_out_lead_nowhere() {
        for (state, is_active) in [
            ("active", true),
            ("filtered", false),
            ("BlackHole", false),
            ("new", true),
        ] {
            let route: Route = serde_json::from_value(json!({ "State": state })).unwrap();
            assert_eq!(route.is_active(), is_active, "{state}");
        }
        let route: Route = serde_json::from_value(json!({})).unwrap();
        assert!(route.is_active());
    }
}
