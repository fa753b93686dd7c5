//! What the fields of a resource come to: states as closed sets, rules in one
//! spelling, whether a route leads anywhere.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{
    IpPermission, NatGateway, NetworkAcl, NetworkAclEntry, NetworkInterface, Route, RouteTable, SecurityGroup, Subnet,
    UserIdGroupPair, Vpc, VpcEndpoint,
};
use crate::types::{AclEntry, Direction, Peer, PortRange, Protocol, Rule};
use iam_policy::{PolicyDocument, PolicyError};

/// How far an endpoint is, as far as we tell it apart.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It serves.
    Available,
    /// It will serve.
    Pending,
    /// It is going.
    Deleting,
    /// It is gone; EC2 still shows it for a while.
    Deleted,
    /// It will never serve.
    Failed,
}

impl VpcEndpoint {
    /// Whether it is a gateway endpoint.
    pub fn is_gateway(&self) -> bool {
        self.vpc_endpoint_type
            .as_deref()
            .is_none_or(|kind| kind.eq_ignore_ascii_case("Gateway"))
    }

    /// Whether it is an interface endpoint.
    pub fn is_interface(&self) -> bool {
        self.vpc_endpoint_type
            .as_deref()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("Interface"))
    }

    /// Whether it is there, serving or not, and not on its way out.
    pub fn is_there(&self) -> bool {
        match self.endpoint_state() {
            EndpointState::Available | EndpointState::Pending | EndpointState::Failed => true,
            EndpointState::Deleting | EndpointState::Deleted => false,
        }
    }

    /// Its policy; EC2 gives an endpoint without one full access.
    ///
    /// # Errors
    ///
    /// When it cannot be read as an IAM policy.
    pub fn policy(&self) -> Result<PolicyDocument, PolicyError> {
        match &self.policy_document {
            Some(text) => text.parse(),
            None => Ok(PolicyDocument::full_access()),
        }
    }

    /// How far it is. EC2 writes states in lower case, though its own model
    /// says otherwise.
    pub fn endpoint_state(&self) -> EndpointState {
        match self.state.to_ascii_lowercase().as_str() {
            "available" => EndpointState::Available,
            "deleting" => EndpointState::Deleting,
            "deleted" => EndpointState::Deleted,
            "failed" | "rejected" | "expired" => EndpointState::Failed,
            _ => EndpointState::Pending,
        }
    }
}

impl Vpc {
    /// Its addresses, IPv4 first.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> + '_ {
        let secondary = self
            .cidr_block_association_set
            .iter()
            .filter_map(|association| association.cidr_block)
            .filter(|block| Some(*block) != self.cidr_block);
        let ipv6 = self
            .ipv6_cidr_block_association_set
            .iter()
            .filter_map(|association| association.ipv6_cidr_block.map(IpNet::V6));
        self.cidr_block.into_iter().chain(secondary).map(IpNet::V4).chain(ipv6)
    }
}

impl Subnet {
    /// Its zone, by the name that the account knows it by, or by its id where
    /// the name was not seen.
    pub fn zone(&self) -> Option<&str> {
        let id = self.availability_zone_id.as_ref().map(|id| id.as_str());
        self.availability_zone.as_deref().or(id)
    }

    /// Its addresses, IPv4 first.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.cidr_block.map(IpNet::V4).into_iter().chain(
            self.ipv6_cidr_block_association_set
                .iter()
                .filter_map(|association| association.ipv6_cidr_block.map(IpNet::V6)),
        )
    }
}

impl Route {
    /// The addresses that it sends somewhere; `None` where a prefix list says it.
    pub fn destination(&self) -> Option<IpNet> {
        let ipv4 = self.destination_cidr_block.map(IpNet::V4);
        ipv4.or(self.destination_ipv6_cidr_block.map(IpNet::V6))
    }

    /// Whether it leads somewhere.
    pub fn is_active(&self) -> bool {
        !self
            .state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("blackhole"))
    }

    /// Whether it leads to an internet gateway.
    pub fn to_internet_gateway(&self) -> bool {
        self.gateway_id
            .as_deref()
            .is_some_and(|gateway| gateway.starts_with("igw-"))
    }

    /// Whether it leads out of the VPC by another way than a gateway endpoint.
    pub fn leaves_vpc(&self) -> bool {
        self.to_internet_gateway()
            || self.nat_gateway_id.is_some()
            || self.transit_gateway_id.is_some()
            || self.vpc_peering_connection_id.is_some()
            || self.network_interface_id.is_some()
            || self.egress_only_internet_gateway_id.is_some()
            || self.local_gateway_id.is_some()
            || self.carrier_gateway_id.is_some()
            || self.core_network_arn.is_some()
            || self
                .gateway_id
                .as_deref()
                .is_some_and(|gateway| gateway.starts_with("vgw-"))
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

impl NetworkAcl {
    /// Its rules, in the order in which they are tried.
    pub fn rules(&self) -> Vec<AclEntry> {
        let mut rules: Vec<AclEntry> = self.entries.iter().filter_map(NetworkAclEntry::rule).collect();
        rules.sort_by_key(|rule| (rule.direction, rule.rule_number));
        rules
    }
}

impl NetworkAclEntry {
    /// The rule; `None` for what EC2 does not give out.
    fn rule(&self) -> Option<AclEntry> {
        let direction = if self.egress {
            Direction::Egress
        } else {
            Direction::Ingress
        };
        let ipv4 = self.cidr_block.map(IpNet::V4);
        let ports = self.port_range.as_ref().map(|range| PortRange {
            from: range.from,
            to: range.to,
        });
        let icmp = self.icmp_type_code.as_ref().map(|icmp| PortRange {
            from: icmp.type_,
            to: icmp.code,
        });
        Some(AclEntry::new(
            direction,
            u16::try_from(self.rule_number).ok()?,
            self.rule_action.eq_ignore_ascii_case("allow"),
            Protocol::parse(&self.protocol)?,
            ports.or(icmp),
            ipv4.or_else(|| self.ipv6_cidr_block.map(IpNet::V6))?,
        ))
    }
}

impl NatGateway {
    /// Whether it is gone; EC2 still shows it for about an hour.
    pub fn is_gone(&self) -> bool {
        self.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("deleted"))
    }
}

impl NetworkInterface {
    /// Whether SageMaker made it for a workload. SageMaker signs the
    /// description; there is no field that says so.
    pub fn is_sagemakers(&self) -> bool {
        self.description.to_ascii_lowercase().contains("sagemaker")
            || self
                .requester_id
                .as_deref()
                .is_some_and(|requester| requester.to_ascii_lowercase().contains("sagemaker"))
    }

    /// Whether traffic of somebody other than SageMaker may begin at it: a
    /// gateway's or an endpoint's interface only answers.
    pub fn is_somebody_elses(&self) -> bool {
        !self.only_answers() && !self.is_sagemakers()
    }

    /// Whether it is a gateway's or an endpoint's.
    pub fn only_answers(&self) -> bool {
        matches!(
            self.interface_type.as_deref(),
            Some("nat_gateway" | "vpc_endpoint" | "gateway_load_balancer_endpoint" | "transit_gateway")
        )
    }

    /// The IPv4 addresses that it takes from its subnet; at least one.
    pub fn address_count(&self) -> u32 {
        u32::try_from(self.private_ip_addresses.len())
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// How it is named in a message: id, and what its maker says of it.
    pub fn described(&self) -> String {
        if self.description.is_empty() {
            self.network_interface_id.to_string()
        } else {
            format!("{} ({})", self.network_interface_id, self.description)
        }
    }

    /// The same, with how long it has been in use, where that is known.
    pub fn described_with_age(&self) -> String {
        let since = self
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.attach_time.as_deref());
        match since {
            Some(since) => format!("{} since {since}", self.described()),
            None => self.described(),
        }
    }
}

impl SecurityGroup {
    /// Its rules, each in its one spelling. A rule of a kind that this version
    /// cannot read is left out, and so never revoked.
    pub fn rules(&self) -> BTreeSet<Rule> {
        let ingress = self
            .ip_permissions
            .iter()
            .map(|permission| (Direction::Ingress, permission));
        let egress = self
            .ip_permissions_egress
            .iter()
            .map(|permission| (Direction::Egress, permission));
        ingress
            .chain(egress)
            .flat_map(|(direction, permission)| self.rules_of(direction, permission))
            .collect()
    }

    fn rules_of(&self, direction: Direction, permission: &IpPermission) -> Vec<Rule> {
        let Some(protocol) = Protocol::parse(&permission.ip_protocol) else {
            return Vec::new();
        };
        let ports = permission
            .from_port
            .zip(permission.to_port)
            .map(|(from, to)| PortRange { from, to });
        let ipv4 = permission.ip_ranges.iter().map(|range| range.cidr_ip.as_str());
        let ipv6 = permission.ipv6_ranges.iter().map(|range| range.cidr_ipv6.as_str());
        let cidrs = ipv4.chain(ipv6).filter_map(|cidr| cidr.parse().ok()).map(Peer::Cidr);
        let lists = permission
            .prefix_list_ids
            .iter()
            .map(|list| Peer::PrefixList(list.prefix_list_id.clone()));
        let groups = permission
            .user_id_group_pairs
            .iter()
            .filter_map(|pair| self.peer_group(pair));
        cidrs
            .chain(lists)
            .chain(groups)
            .map(|peer| Rule::new(direction, protocol, ports, peer))
            .collect()
    }

    fn peer_group(&self, pair: &UserIdGroupPair) -> Option<Peer> {
        let id = pair.group_id.clone()?;
        if id == self.group_id {
            return Some(Peer::Itself);
        }
        let owner = pair.user_id.clone().filter(|user| self.owner_id.as_ref() != Some(user));
        Some(Peer::Group { id, owner })
    }
}
