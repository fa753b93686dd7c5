//! What a packet meets on its way, each a small value that reads as a line.

use std::fmt;

use ipnet::IpNet;

use super::{Traffic, Unseen};
use crate::types::{
    Direction, NatGatewayId, NetworkAclId, RouteTableId, Rule, SecurityGroupId, SubnetId, VpcEndpointId, listed,
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
        destination: String,
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
        /// Its subnet.
        subnet: SubnetId,
    },
    /// An internet gateway takes it out, egress-only or not.
    InternetGateway {
        /// The gateway.
        gateway: String,
    },
    /// It goes where nothing can be seen.
    Unseen(Unseen),
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicName { name } => write!(f, "{name} resolves to its public addresses"),
            Self::PrivateName { name, endpoint } => write!(f, "{name} resolves to the interfaces of {endpoint}"),
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
            Self::NatGateway { gateway, subnet } => write!(f, "NAT gateway {gateway} in {subnet} translates it"),
            Self::InternetGateway { gateway } => write!(f, "{gateway} takes it to the internet"),
            Self::Unseen(unseen) => write!(f, "not known: {unseen}"),
        }
    }
}

/// What stops a packet or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What it is.
    pub cause: Cause,
    /// The far addresses that it concerns, where it is not all of them.
    pub part: Option<IpNet>,
}

/// Why a packet goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A DNS attribute of the VPC is off.
    DnsOff {
        /// The VPC.
        vpc: String,
        /// The attribute, in EC2's words.
        attribute: &'static str,
    },
    /// The DHCP options name no resolver.
    NoResolver {
        /// The VPC.
        vpc: String,
    },
    /// The subnet has no addresses of the destination's family.
    NoAddress {
        /// The subnet.
        subnet: SubnetId,
    },
    /// None of the security groups admits it.
    NotAdmitted {
        /// The groups, on one interface.
        groups: Vec<SecurityGroupId>,
        /// Which way.
        direction: Direction,
        /// What.
        traffic: Traffic,
        /// To or from whom.
        peer: String,
    },
    /// A network ACL denies it.
    AclDenies {
        /// The ACL.
        acl: NetworkAclId,
        /// Which way.
        direction: Direction,
        /// The number of the rule; 32767 is the one at the end.
        rule: i32,
        /// What is denied.
        traffic: Traffic,
        /// To or from whom.
        peer: String,
        /// Whether it is the answer that is denied.
        answer: bool,
    },
    /// No route leads there.
    NoRoute {
        /// The table.
        table: RouteTableId,
    },
    /// The subnet has no route table that was seen.
    NoRouteTable {
        /// The subnet.
        subnet: SubnetId,
    },
    /// The route leads to something that is gone.
    Blackhole {
        /// The table.
        table: RouteTableId,
        /// The route's destination.
        destination: String,
        /// What is gone.
        target: String,
    },
    /// No subnet of the VPC has the address.
    NoSubnet {
        /// The VPC.
        vpc: String,
    },
    /// An endpoint is there and does not serve.
    EndpointUnavailable {
        /// The endpoint.
        endpoint: VpcEndpointId,
        /// Its state.
        state: String,
    },
    /// A gateway endpoint's policy does not let it through.
    PolicyBlocks {
        /// The endpoint.
        endpoint: VpcEndpointId,
        /// The action.
        action: String,
        /// On what.
        resource: String,
    },
    /// The service has no interface endpoint, and there is no other way to it.
    NoEndpoint {
        /// The service.
        service: String,
        /// What stops the way to its public addresses.
        otherwise: Box<Cause>,
    },
    /// The service's endpoint does not have its name, and there is no other way
    /// to it.
    PrivateDnsOff {
        /// The service.
        service: String,
        /// The endpoint.
        endpoint: VpcEndpointId,
        /// What stops the way to its public addresses.
        otherwise: Box<Cause>,
    },
    /// A NAT gateway is there and does not serve.
    NatUnavailable {
        /// The NAT gateway.
        gateway: NatGatewayId,
        /// Its state.
        state: String,
    },
    /// A private NAT gateway does not lead to the internet.
    NatIsPrivate {
        /// The NAT gateway.
        gateway: NatGatewayId,
    },
    /// A NAT gateway's own subnet has no way to the internet.
    NatInPrivateSubnet {
        /// The NAT gateway.
        gateway: NatGatewayId,
        /// Its subnet.
        subnet: SubnetId,
    },
    /// A route to an internet gateway is of no use to a private address.
    NoPublicAddress {
        /// The table.
        table: RouteTableId,
        /// The gateway.
        gateway: String,
    },
    /// The internet gateway is not attached to the VPC.
    GatewayDetached {
        /// The gateway.
        gateway: String,
    },
}

impl Cause {
    /// The resource to look at.
    pub fn resource(&self) -> String {
        match self {
            Self::DnsOff { vpc, .. } | Self::NoResolver { vpc } | Self::NoSubnet { vpc } => vpc.clone(),
            Self::NoAddress { subnet } | Self::NoRouteTable { subnet } => subnet.to_string(),
            Self::NotAdmitted { groups, .. } => listed(groups),
            Self::AclDenies { acl, .. } => acl.to_string(),
            Self::NoRoute { table } | Self::Blackhole { table, .. } | Self::NoPublicAddress { table, .. } => {
                table.to_string()
            }
            Self::EndpointUnavailable { endpoint, .. }
            | Self::PolicyBlocks { endpoint, .. }
            | Self::PrivateDnsOff { endpoint, .. } => endpoint.to_string(),
            Self::NoEndpoint { service, .. } => service.clone(),
            Self::NatUnavailable { gateway, .. }
            | Self::NatIsPrivate { gateway }
            | Self::NatInPrivateSubnet { gateway, .. } => gateway.to_string(),
            Self::GatewayDetached { gateway } => gateway.clone(),
        }
    }

    /// What would let it through.
    pub fn fix(&self) -> String {
        match self {
            Self::DnsOff { vpc, attribute } => {
                let option: String = attribute.chars().flat_map(kebab).collect();
                format!("Turn it on: `aws ec2 modify-vpc-attribute --vpc-id {vpc} --{option}`.")
            }
            Self::NoResolver { vpc } => format!(
                "Associate DHCP options with domain-name-servers=AmazonProvidedDNS: `aws ec2 associate-dhcp-options \
                 --vpc-id {vpc} …`."
            ),
            Self::NoAddress { subnet } => format!("Give {subnet} a block of that family, or use another subnet."),
            Self::NotAdmitted {
                groups,
                direction,
                traffic,
                peer,
            } => {
                let towards = preposition(*direction);
                format!(
                    "Add a rule to {}: {direction} {traffic} {towards} {peer}.",
                    listed(groups)
                )
            }
            Self::AclDenies {
                direction,
                rule,
                traffic,
                peer,
                ..
            } => {
                let towards = preposition(*direction);
                format!("Add an {direction} rule with a number below {rule}: allow {traffic} {towards} {peer}.")
            }
            Self::NoRoute { table } => format!("Add a route to {table} that leads there."),
            Self::NoRouteTable { .. } => {
                "Add RouteTables.json, as `aws ec2 describe-route-tables` prints it, to the snapshot.".to_owned()
            }
            Self::Blackhole { destination, .. } => {
                format!("Turn the route to {destination} to something that is there, or remove it.")
            }
            Self::NoSubnet { .. } => "Correct the address.".to_owned(),
            Self::EndpointUnavailable { state, .. } => {
                if state.starts_with("pending") {
                    "Wait, or accept the endpoint where its service asks for that.".to_owned()
                } else {
                    "Delete it, and make a new one.".to_owned()
                }
            }
            Self::PolicyBlocks { action, resource, .. } => {
                format!("Allow {action} on {resource} in its policy.")
            }
            Self::NoEndpoint { service, .. } => {
                format!("Make an interface endpoint for {service} with private DNS, or a way out.")
            }
            Self::PrivateDnsOff { endpoint, .. } => {
                format!("Turn it on: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --private-dns-enabled`.")
            }
            Self::NatUnavailable { state, .. } => {
                if state == "pending" {
                    "Wait until it is available.".to_owned()
                } else {
                    "Make a new one, and turn the route to it.".to_owned()
                }
            }
            Self::NatIsPrivate { .. } => "Turn the route to a public NAT gateway.".to_owned(),
            Self::NatInPrivateSubnet { subnet, .. } => format!(
                "Give {subnet} a route to an internet gateway, or make the NAT gateway anew in a public subnet."
            ),
            Self::NoPublicAddress { .. } => "Turn the route to a NAT gateway in a public subnet.".to_owned(),
            Self::GatewayDetached { gateway } => {
                format!("Attach it: `aws ec2 attach-internet-gateway --internet-gateway-id {gateway} …`.")
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnsOff { vpc, attribute } => write!(f, "{attribute} of {vpc} is off, so the name does not resolve"),
            Self::NoResolver { vpc } => write!(f, "the DHCP options of {vpc} name no DNS server, so no name resolves"),
            Self::NoAddress { subnet } => write!(f, "{subnet} has no address of the destination's family"),
            Self::NotAdmitted {
                groups,
                direction,
                traffic,
                peer,
            } => write!(
                f,
                "security group {} admits no {direction} {traffic} {} {peer}",
                listed(groups),
                preposition(*direction)
            ),
            Self::AclDenies {
                acl,
                direction,
                rule,
                traffic,
                peer,
                answer,
            } => {
                let end = if *rule == super::filter::LAST_RULE {
                    "*".to_owned()
                } else {
                    rule.to_string()
                };
                let answers = if *answer { "answers, " } else { "" };
                write!(
                    f,
                    "{direction} rule {end} of network ACL {acl} denies {answers}{traffic} {} {peer}",
                    preposition(*direction)
                )
            }
            Self::NoRoute { table } => write!(f, "route table {table} has no route there"),
            Self::NoRouteTable { subnet } => write!(f, "no route table of {subnet} was seen"),
            Self::Blackhole {
                table,
                destination,
                target,
            } => write!(
                f,
                "the route to {destination} in {table} leads to {target}, which is gone"
            ),
            Self::NoSubnet { vpc } => write!(f, "no subnet of {vpc} has that address"),
            Self::EndpointUnavailable { endpoint, state } => write!(f, "endpoint {endpoint} is {state}"),
            Self::PolicyBlocks {
                endpoint,
                action,
                resource,
            } => write!(
                f,
                "the policy of {endpoint} does not let {action} on {resource} through"
            ),
            Self::NoEndpoint { service, otherwise } => {
                write!(f, "{service} has no interface endpoint in this VPC, and {otherwise}")
            }
            Self::PrivateDnsOff {
                service,
                endpoint,
                otherwise,
            } => write!(
                f,
                "private DNS of {endpoint} is off, so {service} resolves to public addresses, and {otherwise}"
            ),
            Self::NatUnavailable { gateway, state } => write!(f, "NAT gateway {gateway} is {state}"),
            Self::NatIsPrivate { gateway } => {
                write!(f, "NAT gateway {gateway} is private, and leads to no internet gateway")
            }
            Self::NatInPrivateSubnet { gateway, subnet } => {
                write!(
                    f,
                    "NAT gateway {gateway} is in {subnet}, which has no way to the internet itself"
                )
            }
            Self::NoPublicAddress { table, gateway } => write!(
                f,
                "the route in {table} leads to {gateway}, and SageMaker's interfaces have no public address"
            ),
            Self::GatewayDetached { gateway } => write!(f, "{gateway} is not attached to the VPC"),
        }
    }
}

fn preposition(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "to",
        Direction::Ingress => "from",
    }
}

/// A letter as the AWS CLI spells it within an option.
fn kebab(letter: char) -> impl Iterator<Item = char> {
    let hyphen = letter.is_ascii_uppercase().then_some('-');
    hyphen.into_iter().chain([letter.to_ascii_lowercase()])
}
