//! What stops a packet, each a value that reads as a part of a sentence.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{
    AclDenial, EndpointFault, Gone, LinkFault, NotPublic, PublicAccessBlock, hop::preposition, routes::SiblingRoute,
};
use crate::{
    observed::{NatGatewayState, RouteDestination, Word},
    types::{
        Direction, NatGatewayId, NetworkInterfaceId, Peer, Region, RouteTableId, SecurityGroupId, SubnetId, Traffic,
        VpcEndpointId, listed,
    },
};

/// Where a default route of IPv4 leads.
pub(super) const DEFAULT_ROUTE: &str = "0.0.0.0/0";

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
        /// What stops the way to the public addresses that services' names have
        /// for it; `None` where no name resolves.
        otherwise: Option<Box<Cause>>,
    },
    /// The DHCP options name no resolver.
    NoResolver {
        /// The VPC.
        vpc: String,
    },
    /// None of the DNS servers that the VPC has in place of AWS's can be asked.
    NoDnsServer {
        /// All of them.
        servers: Vec<String>,
        /// The first.
        server: IpAddr,
        /// What stops queries to it.
        why: Box<Cause>,
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
        peers: Vec<Peer>,
        /// The interface endpoint whose groups they are, where they are one's.
        endpoint: Option<VpcEndpointId>,
        /// The groups of whoever calls, where it is the interface that is called
        /// which does not let it in.
        callers: Option<Vec<SecurityGroupId>>,
    },
    /// A network ACL denies it.
    AclDenies(AclDenial),
    /// No route leads there.
    NoRoute {
        /// The table.
        table: RouteTableId,
        /// Whether it is IPv6 that has no route.
        is_ipv6: bool,
        /// A route of another table of the VPC that leads there.
        sibling: Option<Box<SiblingRoute>>,
    },
    /// The route leads to the internet, where nobody has a private address.
    PrivateAddress {
        /// The route.
        route: RouteUsed,
        /// A route of another table of the VPC that leads there.
        sibling: Option<Box<SiblingRoute>>,
    },
    /// The interface at the address takes only what answers its own packets.
    TakesNothing {
        /// The interface.
        interface: NetworkInterfaceId,
    },
    /// Nothing in the VPC has the address.
    NobodyThere {
        /// The subnet of the address.
        subnet: SubnetId,
        /// The address.
        address: IpAddr,
    },
    /// Nothing in the VPC has the security group.
    NobodyHas {
        /// The group.
        group: SecurityGroupId,
    },
    /// The bucket is in another region, where no gateway endpoint of this one
    /// leads.
    BucketElsewhere {
        /// The bucket.
        bucket: String,
        /// Its region.
        region: Region,
        /// The region of the VPC, where it is known.
        here: Option<Region>,
        /// What stops the way to its public addresses.
        otherwise: Box<Cause>,
    },
    /// The subnet has no route table that was seen.
    NoRouteTable {
        /// The subnet.
        subnet: SubnetId,
    },
    /// The route leads to something that is gone.
    Blackhole {
        /// The route.
        route: RouteUsed,
        /// What is gone.
        target: Gone,
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
        /// What is the matter with it.
        fault: EndpointFault,
        /// What stops the way to the public addresses that its service's name has
        /// meanwhile, where it has any.
        otherwise: Option<Box<Cause>>,
    },
    /// A gateway endpoint's policy does not let it through.
    PolicyBlocks {
        /// The endpoint.
        endpoint: VpcEndpointId,
        /// The action.
        action: String,
        /// On what.
        resource: String,
        /// Which statement decides so.
        why: String,
        /// What to write in the policy, where that follows from what is in it.
        mend: Option<String>,
    },
    /// The service has no interface endpoint, and there is no other way to it.
    NoEndpoint {
        /// The service.
        service: String,
        /// What stops the way to its public addresses; `None` for a service of
        /// somebody else's, which has none.
        otherwise: Option<Box<Cause>>,
    },
    /// The service's endpoint does not have its name, and there is no other way
    /// to it.
    PrivateDnsOff {
        /// The service.
        service: String,
        /// The endpoint.
        endpoint: VpcEndpointId,
        /// The VPC, where its host names are off, without which EC2 turns no private
        /// DNS on.
        without_host_names: Option<String>,
        /// What stops the way to its public addresses.
        otherwise: Box<Cause>,
    },
    /// A NAT gateway is there and does not serve.
    NatUnavailable {
        /// The NAT gateway.
        gateway: NatGatewayId,
        /// Its state.
        state: Word<NatGatewayState>,
        /// Why it failed, in EC2's words.
        failure: Option<String>,
        /// The route that leads to it.
        route: Option<RouteUsed>,
    },
    /// A private NAT gateway does not lead to the internet.
    NatIsPrivate {
        /// The NAT gateway.
        gateway: NatGatewayId,
        /// The route that leads to it.
        route: Option<RouteUsed>,
    },
    /// A NAT gateway's own subnet has no way to the internet.
    NatInPrivateSubnet(Through),
    /// A NAT gateway takes no IPv6 out.
    NatTakesNoIpv6 {
        /// The NAT gateway.
        gateway: NatGatewayId,
    },
    /// A route to an internet gateway is of no use to a private address.
    NoPublicAddress {
        /// The route.
        route: RouteUsed,
        /// The gateway.
        gateway: String,
    },
    /// Nothing on the internet knows the interface.
    NotPublic(NotPublic),
    /// VPC Block Public Access keeps it off the gateway.
    PublicAccessBlocked(PublicAccessBlock),
    /// Something is in the way between networks.
    Across(Box<LinkFault>),
    /// The internet gateway is not attached to the VPC.
    GatewayDetached {
        /// The gateway.
        gateway: String,
        /// The VPC.
        vpc: String,
        /// The route that leads to it.
        route: Option<RouteUsed>,
        /// The internet gateway that is attached to the VPC.
        attached: Option<String>,
        /// The NAT gateway that the packet came by.
        through: Option<Box<Through>>,
    },
}

/// A NAT gateway on a packet's way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Through {
    /// The route that leads to it.
    pub route: Option<RouteUsed>,
    /// The NAT gateway.
    pub gateway: NatGatewayId,
    /// Its subnet; a regional one has none.
    pub subnet: Option<SubnetId>,
    /// The route table of that subnet, or the one that a regional one has.
    pub table: Option<RouteTableId>,
    /// Other subnets that use the table.
    pub shared_with: Vec<SubnetId>,
    /// Whether the table has a default route.
    pub has_default: bool,
    /// The internet gateway that is attached to the VPC.
    pub attached: Option<String>,
}

/// A route by which a packet goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteUsed {
    /// Its table.
    pub table: RouteTableId,
    /// Its destination, a block or a prefix list.
    pub destination: RouteDestination,
}

impl fmt::Display for RouteUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {} of {}", self.destination, self.table)
    }
}

impl Cause {
    /// The resource to look at.
    pub fn resource(&self) -> String {
        match self {
            Self::DnsOff { vpc, .. } | Self::NoResolver { vpc } | Self::NoSubnet { vpc } => vpc.clone(),
            Self::NoDnsServer { why, .. } => why.resource(),
            Self::NoAddress { subnet } | Self::NoRouteTable { subnet } => subnet.to_string(),
            Self::NotAdmitted { groups, .. } => listed(groups),
            Self::AclDenies(denial) => denial.acl.to_string(),
            Self::NoRoute { table, .. } => table.to_string(),
            Self::PrivateAddress { route, .. } => route.table.to_string(),
            Self::TakesNothing { interface } => interface.to_string(),
            Self::NobodyThere { address, .. } => address.to_string(),
            Self::NobodyHas { group } => group.to_string(),
            Self::BucketElsewhere { bucket, .. } => bucket.clone(),
            Self::Blackhole { route, .. } | Self::NoPublicAddress { route, .. } => route.table.to_string(),
            Self::EndpointUnavailable { endpoint, .. }
            | Self::PolicyBlocks { endpoint, .. }
            | Self::PrivateDnsOff { endpoint, .. } => endpoint.to_string(),
            Self::NoEndpoint { service, .. } => service.clone(),
            Self::NatUnavailable { gateway, .. }
            | Self::NatIsPrivate { gateway, .. }
            | Self::NatTakesNoIpv6 { gateway }
            | Self::NatInPrivateSubnet(Through { gateway, .. }) => gateway.to_string(),
            Self::NotPublic(why) => why.resource(),
            Self::PublicAccessBlocked(block) => block.resource(),
            Self::Across(fault) => fault.resource(),
            Self::GatewayDetached { gateway, .. } => gateway.clone(),
        }
    }

    /// The route that leads to what is wrong, where it begins with one.
    pub fn route(&self) -> Option<&RouteUsed> {
        if let Self::PrivateAddress { route, .. }
        | Self::Blackhole { route, .. }
        | Self::NoPublicAddress { route, .. } = self
        {
            Some(route)
        } else if let Self::NatUnavailable { route, .. }
        | Self::NatIsPrivate { route, .. }
        | Self::NatInPrivateSubnet(Through { route, .. }) = self
        {
            route.as_ref()
        } else if let Self::GatewayDetached {
            through: Some(through), ..
        } = self
        {
            through.route.as_ref()
        } else if let Self::Across(fault) = self {
            fault.route()
        } else {
            None
        }
    }

    /// Where its route leads and what is wrong there; all of it where it begins
    /// with none.
    pub fn after_route(&self) -> impl fmt::Display {
        fmt::from_fn(|f| self.write_after_route(f))
    }

    /// What stops the way past what is wrong, where there is one.
    pub fn otherwise(&self) -> Option<&Self> {
        if let Self::NoEndpoint { otherwise, .. }
        | Self::DnsOff { otherwise, .. }
        | Self::EndpointUnavailable { otherwise, .. } = self
        {
            otherwise.as_deref()
        } else if let Self::PrivateDnsOff { otherwise, .. } | Self::BucketElsewhere { otherwise, .. } = self {
            Some(otherwise)
        } else {
            None
        }
    }

    /// What is wrong, without the way past it.
    pub fn before_otherwise(&self) -> impl fmt::Display {
        fmt::from_fn(|f| self.write_itself(f))
    }

    pub(super) fn across(fault: LinkFault) -> Self {
        Self::Across(Box::new(fault))
    }

    /// What a network ACL denies, where it is that.
    pub const fn acl_denial(&self) -> Option<&AclDenial> {
        if let Self::AclDenies(denial) = self {
            Some(denial)
        } else {
            None
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(route) = self.route() {
            write!(f, "{route} leads to ")?;
        }
        self.write_after_route(f)
    }
}

impl Cause {
    fn write_after_route(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_itself(f)?;
        match self.otherwise() {
            Some(otherwise) => write!(f, ", and {otherwise}"),
            None => Ok(()),
        }
    }

    fn write_itself(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnsOff {
                vpc,
                attribute,
                otherwise: None,
            } => write!(f, "{attribute} of {vpc} is off, so the name does not resolve"),
            Self::DnsOff {
                vpc,
                attribute,
                otherwise: Some(_),
            } => write!(
                f,
                "{attribute} of {vpc} is off, so that names lead past endpoints to public addresses"
            ),
            Self::NoResolver { vpc } => write!(f, "the DHCP options of {vpc} name no DNS server, so no name resolves"),
            Self::NoDnsServer { servers, server, why } => write!(
                f,
                "no name resolves, for none of the DNS servers {} can be asked: on the way to {server}, {why}",
                listed(servers)
            ),
            Self::NoAddress { subnet } => write!(f, "{subnet} has no address of the destination's family"),
            Self::NotAdmitted {
                groups,
                direction,
                traffic,
                peers,
                endpoint,
                callers: _,
            } => {
                if let Some(endpoint) = endpoint {
                    write!(f, "{endpoint} does not let it in: ")?;
                }
                let towards = preposition(*direction);
                write!(
                    f,
                    "security group {} admits no {direction} {traffic} {towards} {}",
                    listed(groups),
                    listed(peers)
                )
            }
            Self::AclDenies(denial) => write!(f, "{denial}"),
            Self::NoRoute {
                table, is_ipv6: false, ..
            } => write!(f, "{table} has no route there"),
            Self::NoRoute {
                table, is_ipv6: true, ..
            } => write!(f, "{table} has no route there for IPv6"),
            Self::PrivateAddress { .. } => f.write_str("the internet, and nobody has a private address there"),
            Self::TakesNothing { interface } => write!(
                f,
                "{interface} is a NAT gateway's, which takes only answers to what it sent"
            ),
            Self::NobodyThere { subnet, address } => write!(f, "nothing in {subnet} has the address {address}"),
            Self::NobodyHas { group } => write!(f, "nothing in the VPC has security group {group}"),
            Self::BucketElsewhere { bucket, region, .. } => write!(
                f,
                "bucket {bucket} is in {region}, where no S3 gateway endpoint of this VPC leads"
            ),
            Self::NoRouteTable { subnet } => write!(f, "no route table of {subnet} was seen"),
            Self::Blackhole { target, .. } => {
                let what = match target {
                    Gone::NatGateway(_) => "NAT gateway ",
                    Gone::InternetGateway(_) | Gone::Across(_) | Gone::Other(_) => "",
                };
                write!(f, "{what}{target}, which is gone (a blackhole)")
            }
            Self::NoSubnet { vpc } => write!(f, "no subnet of {vpc} has that address"),
            Self::EndpointUnavailable {
                endpoint,
                fault,
                otherwise: None,
            } => write!(f, "endpoint {endpoint} is {fault}"),
            Self::EndpointUnavailable {
                endpoint,
                fault,
                otherwise: Some(_),
            } => write!(
                f,
                "endpoint {endpoint} is {fault}, so that its service's name leads to public addresses"
            ),
            Self::PolicyBlocks {
                endpoint,
                action,
                resource,
                why,
                mend: _,
            } => write!(
                f,
                "the policy of {endpoint} does not let {action} on {resource} through: {why}"
            ),
            Self::NoEndpoint { service, otherwise } => {
                write!(f, "{service} has no interface endpoint in this VPC")?;
                match otherwise {
                    Some(_) => Ok(()),
                    None => f.write_str(", and is reached by nothing else"),
                }
            }
            Self::PrivateDnsOff { service, endpoint, .. } => write!(
                f,
                "private DNS of {endpoint} is off, so {service} resolves to public addresses"
            ),
            Self::NatUnavailable {
                gateway,
                state,
                failure,
                route,
            } => {
                write_nat_gateway(f, route.is_some(), gateway)?;
                let state = state.as_str().to_ascii_lowercase();
                match failure {
                    Some(failure) => write!(f, "{state} ({})", failure.trim_end_matches('.')),
                    None => write!(f, "is {state}"),
                }
            }
            Self::NatIsPrivate { gateway, route } => {
                write_nat_gateway(f, route.is_some(), gateway)?;
                f.write_str("is private: it has no public address")
            }
            Self::NatTakesNoIpv6 { gateway } => write!(f, "NAT gateway {gateway} takes no IPv6 out"),
            Self::NatInPrivateSubnet(Through {
                gateway,
                subnet,
                table,
                route,
                ..
            }) => {
                write_nat_gateway(f, route.is_some(), gateway)?;
                match subnet {
                    Some(subnet) => write!(f, "is in {subnet}, a private subnet: ")?,
                    None => f.write_str("is regional: ")?,
                }
                match table {
                    Some(table) => write!(f, "its {table} leads to no internet gateway"),
                    None => f.write_str("it has no way to the internet itself"),
                }
            }
            Self::Across(fault) => write!(f, "{fault}"),
            Self::NoPublicAddress { gateway, .. } => write!(
                f,
                "internet gateway {gateway}, and SageMaker gives its interfaces no public address"
            ),
            Self::NotPublic(why) => write!(f, "{why}"),
            Self::PublicAccessBlocked(block) => write!(f, "{block}"),
            Self::GatewayDetached {
                gateway, vpc, through, ..
            } => {
                if let Some(through) = through {
                    let Through {
                        route,
                        gateway,
                        subnet,
                        table,
                        ..
                    } = through.as_ref();
                    write_nat_gateway(f, route.is_some(), gateway)?;
                    let table = table.as_ref().map(ToString::to_string).unwrap_or_default();
                    match subnet {
                        Some(subnet) => write!(f, "leads on by {table} of its subnet {subnet}, and ")?,
                        None => write!(f, "leads on by its own {table}, and ")?,
                    }
                }
                write!(f, "internet gateway {gateway} is not attached to {vpc}")
            }
        }
    }
}

/// The beginning of what is wrong with a NAT gateway, behind a route or alone.
fn write_nat_gateway(f: &mut fmt::Formatter<'_>, is_led_to: bool, gateway: &NatGatewayId) -> fmt::Result {
    let which = if is_led_to { ", which" } else { "" };
    write!(f, "NAT gateway {gateway}{which} ")
}
