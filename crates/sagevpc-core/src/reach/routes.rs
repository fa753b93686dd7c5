//! Route tables: where each address is sent.

use std::fmt;

use ipnet::IpNet;

use super::{
    Link, Unseen,
    filter::Groups,
    space::{EVERY_PORT, Space, take},
};
use crate::{
    observed::{EndpointState, Route, RouteDestination, RouteTable, RouteTarget, Stage, VpcEndpoint, VpcSnapshot},
    types::{NatGatewayId, RouteTableId, TransitGatewayId, VpcEndpointId, VpcPeeringConnectionId, VpnGatewayId},
};

/// What a route leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Local,
    Blackhole(Gone),
    GatewayEndpoint(VpcEndpointId),
    NatGateway(NatGatewayId),
    InternetGateway(String),
    EgressOnlyInternetGateway(String),
    /// To another network, or through an appliance.
    Across(Link),
    Unseen(Unseen),
}

/// What a route led to before it was gone, as far as that makes a difference to
/// what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// An internet gateway, which is detached rather than gone.
    InternetGateway(String),
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// What led to another network, or to an appliance.
    Across(Link),
    /// Anything else, by its name.
    Other(String),
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InternetGateway(target) | Self::Other(target) => f.write_str(target),
            Self::NatGateway(gateway) => gateway.fmt(f),
            Self::Across(link) => f.write_str(link.id()),
        }
    }
}

impl Via {
    /// What a route that does not lead there any more is. The VPC itself is never
    /// gone.
    fn gone(self) -> Self {
        match self {
            Self::Local | Self::Blackhole(_) => self,
            Self::InternetGateway(gateway) => Self::Blackhole(Gone::InternetGateway(gateway)),
            Self::NatGateway(gateway) => Self::Blackhole(Gone::NatGateway(gateway)),
            Self::Across(link) => Self::Blackhole(Gone::Across(link)),
            Self::GatewayEndpoint(_) | Self::EgressOnlyInternetGateway(_) | Self::Unseen(_) => {
                Self::Blackhole(Gone::Other(self.target()))
            }
        }
    }

    /// The target by its name.
    pub(super) fn target(&self) -> String {
        match self {
            Self::Local => "the VPC itself".to_owned(),
            Self::InternetGateway(gateway) | Self::EgressOnlyInternetGateway(gateway) => gateway.clone(),
            Self::Blackhole(gone) => gone.to_string(),
            Self::GatewayEndpoint(endpoint) => endpoint.to_string(),
            Self::NatGateway(gateway) => gateway.to_string(),
            Self::Across(link) => link.id().to_owned(),
            Self::Unseen(unseen) => match unseen {
                Unseen::Endpoint { endpoint } => endpoint.clone(),
                Unseen::TransitGateway { gateway }
                | Unseen::VirtualPrivateGateway { gateway }
                | Unseen::Gateway { gateway }
                | Unseen::NatGateway { gateway }
                | Unseen::InternetGateway { gateway } => gateway.clone(),
                Unseen::CoreNetwork { network } => network.clone(),
                Unseen::Firewall { interface } => interface.clone(),
                Unseen::Peering { connection } => connection.clone(),
                Unseen::DnsAttributes
                | Unseen::DhcpOptions
                | Unseen::CustomResolver { .. }
                | Unseen::NetworkAcls
                | Unseen::Routes { .. }
                | Unseen::PrefixList { .. }
                | Unseen::EndpointGroups { .. }
                | Unseen::Policy { .. }
                | Unseen::SecurityGroup { .. }
                | Unseen::Beyond(_)
                | Unseen::Receiver { .. }
                | Unseen::OwnersEndpoint { .. }
                | Unseen::Listener { .. }
                | Unseen::NameInside { .. }
                | Unseen::PrivateName { .. }
                | Unseen::Addresses { .. } => unseen.to_string(),
            },
        }
    }
}

/// A route of another table, as one that lacks it could have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiblingRoute {
    /// The table that has it; none where an endpoint is on no table yet.
    pub table: Option<RouteTableId>,
    /// Its destination.
    pub destination: RouteDestination,
    /// Its target.
    pub target: String,
    /// The option by which `aws ec2 create-route` takes the target; `None` for a
    /// gateway endpoint, which adds its routes itself.
    pub option: Option<&'static str>,
}

impl Leads {
    /// The route, as another table could have it; `None` for one that is local,
    /// gone, or of use to none but its own subnets.
    fn as_sibling(&self, table: &RouteTableId) -> Option<SiblingRoute> {
        let option = match &self.via {
            Via::NatGateway(_) => Some("--nat-gateway-id"),
            Via::EgressOnlyInternetGateway(_) => Some("--egress-only-internet-gateway-id"),
            Via::GatewayEndpoint(_) => None,
            Via::Across(link) => Some(link.option()),
            Via::Unseen(Unseen::CoreNetwork { .. }) => Some("--core-network-arn"),
            Via::Unseen(_) | Via::Local | Via::Blackhole(_) | Via::InternetGateway(_) => return None,
        };
        Some(SiblingRoute {
            table: Some(table.clone()),
            destination: self.destination.clone(),
            target: self.via.target(),
            option,
        })
    }
}

/// A route of any table but the one at `except` by which all of a block goes;
/// by the internet only where that block may be there.
pub(super) fn sibling(tables: &[Table], except: Option<usize>, net: &IpNet, is_private: bool) -> Option<SiblingRoute> {
    let others = tables.iter().enumerate().filter(|(place, _)| Some(*place) != except);
    let lead = |table: &Table| {
        let lead = table.routes.iter().find(|lead| lead.to.contains(net))?;
        let leads_on = match lead.via {
            Via::NatGateway(_) | Via::EgressOnlyInternetGateway(_) => !is_private,
            Via::Across(_)
            | Via::GatewayEndpoint(_)
            | Via::Unseen(_)
            | Via::Local
            | Via::Blackhole(_)
            | Via::InternetGateway(_) => true,
        };
        lead.as_sibling(&table.id).filter(|_| leads_on)
    };
    others.filter_map(|(_, table)| lead(table)).next()
}

/// Parts of a set of packets by the first route that holds each, and what none
/// does.
pub(super) fn parts<L>(routes: impl Iterator<Item = (IpNet, L)>, mut rest: Space) -> (Vec<(L, Space)>, Space) {
    let mut parts = Vec::new();
    for (to, route) in routes {
        if rest.is_empty() {
            break;
        }
        let part = take(&mut rest, &to, EVERY_PORT);
        if !part.is_empty() {
            parts.push((route, part));
        }
    }
    (parts, rest)
}

/// A route to one block of addresses.
#[derive(Debug)]
pub(super) struct Leads {
    pub(super) to: IpNet,
    /// The destination as the table has it: the block or its prefix list.
    pub(super) destination: RouteDestination,
    pub(super) via: Via,
}

/// A route table's routes, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: RouteTableId,
    pub(super) routes: Vec<Leads>,
    /// What is not known of where it sends things: prefix lists among the
    /// destinations, and routes that cannot be read.
    pub(super) unknown: Vec<Unseen>,
}

impl Table {
    /// Whether a route of it takes all of IPv4, wherever that leads.
    pub(super) fn has_default(&self) -> bool {
        let mut blocks = self.routes.iter().map(|lead| lead.to);
        blocks.any(|net| net.prefix_len() == 0 && matches!(net, IpNet::V4(_)))
    }

    /// Reads a table. Gateway endpoints know the tables that lead to them, which
    /// is the same as the routes that AWS writes there.
    pub(super) fn new(table: &RouteTable, snapshot: &VpcSnapshot, groups: &Groups) -> Self {
        let mut read = Self {
            id: table.route_table_id.clone(),
            routes: Vec::new(),
            unknown: Vec::new(),
        };
        let mut gateways: Vec<&VpcEndpoint> = snapshot
            .vpc_endpoints
            .iter()
            .filter(|endpoint| endpoint.is_gateway() && endpoint.state != EndpointState::Deleted)
            .filter(|endpoint| endpoint.route_table_ids.contains(&table.route_table_id))
            .collect();
        gateways.sort_by_key(|endpoint| endpoint.stage() != Stage::Available);
        for endpoint in gateways {
            let list = snapshot
                .prefix_lists
                .iter()
                .find(|list| list.prefix_list_name == endpoint.service_name)
                .map(|list| &list.prefix_list_id);
            let id = &endpoint.vpc_endpoint_id;
            let leads_nowhere =
                |route: &Route| !route.is_active() && route.target() == Some(RouteTarget::VpcEndpoint(id.as_str()));
            let via = Via::GatewayEndpoint(id.clone());
            let via = if table.routes.iter().any(leads_nowhere) {
                via.gone()
            } else {
                via
            };
            match list.and_then(|id| Some((id, groups.list(id)?))) {
                Some((id, nets)) => read.add(nets, &RouteDestination::PrefixList(id.clone()), &via),
                None => read.unknown.push(Unseen::PrefixList {
                    list: endpoint.service_name.clone(),
                }),
            }
        }
        for route in &table.routes {
            if route.is_filtered() {
                continue;
            }
            if !route.is_readable() {
                let of = table.route_table_id.to_string();
                read.unknown.push(Unseen::Routes { of });
                continue;
            }
            let Some(via) = via(route, snapshot) else { continue };
            if let Some(net) = route.destination_cidr_block {
                let net = IpNet::V4(net);
                read.add(&[net], &RouteDestination::Block(net), &via);
            }
            if let Some(net) = route.destination_ipv6_cidr_block {
                let net = IpNet::V6(net);
                read.add(&[net], &RouteDestination::Block(net), &via);
            }
            if let Some(id) = &route.destination_prefix_list_id {
                match groups.list(id) {
                    Some(nets) => read.add(nets, &RouteDestination::PrefixList(id.clone()), &via),
                    None => read.unknown.push(Unseen::PrefixList { list: id.to_string() }),
                }
            }
        }
        // The longest prefix wins; of equal ones a local route, then one to a
        // block, then one to a prefix list. The sort keeps gateway endpoints
        // that serve before others.
        read.routes.sort_by_key(|route| {
            let of_list = match route.destination {
                RouteDestination::Block(_) => false,
                RouteDestination::PrefixList(_) => true,
            };
            (
                std::cmp::Reverse(route.to.prefix_len()),
                route.via != Via::Local,
                of_list,
            )
        });
        read
    }

    fn add(&mut self, nets: &[IpNet], destination: &RouteDestination, via: &Via) {
        self.routes.extend(nets.iter().map(|net| Leads {
            to: net.trunc(),
            destination: destination.clone(),
            via: via.clone(),
        }));
    }
}

/// What a route leads to; `None` for one that a gateway endpoint stands for.
fn via(route: &Route, snapshot: &VpcSnapshot) -> Option<Via> {
    let active = |via: Via| if route.is_active() { via } else { via.gone() };
    let via = match route.target() {
        Some(RouteTarget::Local) => Via::Local,
        Some(RouteTarget::InternetGateway(id)) => Via::InternetGateway(id.to_owned()),
        Some(RouteTarget::NatGateway(id)) => Via::NatGateway(NatGatewayId::new(id)),
        Some(RouteTarget::EgressOnlyInternetGateway(id)) => Via::EgressOnlyInternetGateway(id.to_owned()),
        Some(RouteTarget::VpcEndpoint(id)) => {
            let endpoint = snapshot
                .vpc_endpoints
                .iter()
                .find(|endpoint| endpoint.vpc_endpoint_id.as_str() == id);
            Via::Unseen(match endpoint {
                Some(endpoint) if endpoint.is_gateway() => return None,
                Some(endpoint) if endpoint.leads_to_appliances() => {
                    return Some(active(Via::Across(Link::Appliance(endpoint.vpc_endpoint_id.clone()))));
                }
                None if route.destination_prefix_list_id.is_some() => Unseen::Endpoint {
                    endpoint: id.to_owned(),
                },
                Some(_) | None => Unseen::Firewall {
                    interface: id.to_owned(),
                },
            })
        }
        Some(RouteTarget::NetworkInterface(id)) => Via::Unseen(Unseen::Firewall {
            interface: id.to_owned(),
        }),
        Some(RouteTarget::VirtualPrivateGateway(id)) => Via::Across(Link::VirtualPrivateGateway(VpnGatewayId::new(id))),
        Some(RouteTarget::TransitGateway(id)) => Via::Across(Link::TransitGateway(TransitGatewayId::new(id))),
        Some(RouteTarget::PeeringConnection(id)) => Via::Across(Link::Peering(VpcPeeringConnectionId::new(id))),
        Some(RouteTarget::CoreNetwork(arn)) => Via::Unseen(Unseen::CoreNetwork {
            network: arn.to_owned(),
        }),
        Some(RouteTarget::LocalGateway(id) | RouteTarget::CarrierGateway(id) | RouteTarget::Other(id)) => {
            Via::Unseen(Unseen::Gateway { gateway: id.to_owned() })
        }
        None => Via::Unseen(Unseen::Gateway {
            gateway: "a target of an unknown kind".to_owned(),
        }),
    };
    Some(active(via))
}
