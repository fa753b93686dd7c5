//! What a VPC is joined to: other VPCs, by peering connections and transit
//! gateways, as far as snapshots show them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use ipnet::IpNet;

use super::{
    RouteTable, RouteTarget, Snapshot, Switch, TransitAttachmentState, TransitGateway, TransitGatewayAssociation,
    TransitGatewayAttachment, TransitGatewayPropagations, TransitGatewayRoute, TransitGatewayRoutes,
    TransitGatewayVpcAttachment, TransitResource, TransitRouteState, TransitRouteType, VpcPeeringConnection,
    VpcSnapshot, VpnGateway, Word,
};
use crate::types::{
    AccountId, SecurityGroupId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId,
    VpcPeeringConnectionId, VpnGatewayId,
};

/// What joins a VPC to other networks, and what of them was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beyond {
    /// Other VPCs that packets may come to.
    pub vpcs: BTreeMap<VpcId, VpcSnapshot>,
    /// Peering connections.
    pub peering_connections: BTreeMap<VpcPeeringConnectionId, VpcPeeringConnection>,
    /// Virtual private gateways.
    pub vpn_gateways: BTreeMap<VpnGatewayId, VpnGateway>,
    transit_gateways: BTreeMap<TransitGatewayId, TransitGateway>,
    attachments: BTreeMap<TransitGatewayAttachmentId, TransitGatewayAttachment>,
    /// Those that the owner of the gateway saw, who alone sees associations.
    seen_by_owners: BTreeSet<TransitGatewayAttachmentId>,
    vpc_attachments: BTreeMap<TransitGatewayAttachmentId, TransitGatewayVpcAttachment>,
    routes: BTreeMap<TransitGatewayRouteTableId, TransitGatewayRoutes>,
    static_routes: BTreeMap<TransitGatewayRouteTableId, TransitGatewayRoutes>,
    propagations: BTreeMap<TransitGatewayRouteTableId, TransitGatewayPropagations>,
}

/// An attachment of a VPC to a transit gateway, as far as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'b> {
    /// Its id.
    pub id: &'b TransitGatewayAttachmentId,
    /// How far it is.
    pub state: Option<&'b Word<TransitAttachmentState>>,
    /// Its subnets and switches, where they were seen.
    pub of_vpc: Option<&'b TransitGatewayVpcAttachment>,
}

/// Where a route of a transit gateway leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitTarget {
    /// Nowhere.
    Blackhole,
    /// To one of these attachments.
    Attachments(Vec<TransitGatewayAttachmentId>),
}

/// A route of a transit gateway to one block of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitLead {
    /// The block.
    pub to: IpNet,
    /// Where it leads.
    pub target: TransitTarget,
}

/// The routes of a transit gateway's table, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransitRoutes {
    /// Those that were seen.
    pub leads: Vec<TransitLead>,
    /// Whether there may be others.
    pub is_partial: bool,
}

impl Beyond {
    /// What snapshots show beyond a VPC. Where its routes lead to no other
    /// network, that is nothing.
    pub(super) fn of(home: &VpcSnapshot, snapshots: &[&Snapshot]) -> Self {
        let leads_beyond = |table: &RouteTable| joins(table).next().is_some();
        if !home.route_tables.values().any(leads_beyond) {
            return Self::default();
        }
        let mut beyond = Self::default();
        // What comes first stands: the gateway's owner sees more than others do.
        for snapshot in snapshots {
            beyond.note(snapshot);
        }
        beyond.reached(home, snapshots);
        beyond
    }

    fn note(&mut self, snapshot: &Snapshot) {
        for connection in &snapshot.vpc_peering_connections {
            let id = connection.vpc_peering_connection_id.clone();
            self.peering_connections.entry(id).or_insert_with(|| connection.clone());
        }
        for gateway in &snapshot.vpn_gateways {
            let id = gateway.vpn_gateway_id.clone();
            self.vpn_gateways.entry(id).or_insert_with(|| gateway.clone());
        }
        for gateway in &snapshot.transit_gateways {
            let id = gateway.transit_gateway_id.clone();
            self.transit_gateways.entry(id).or_insert_with(|| gateway.clone());
        }
        for attachment in &snapshot.transit_gateway_attachments {
            let id = attachment.transit_gateway_attachment_id.clone();
            let owner = attachment.transit_gateway_owner_id.as_ref();
            if owner.is_none() || owner == snapshot.account.as_ref().or(attachment.resource_owner_id.as_ref()) {
                self.seen_by_owners.insert(id.clone());
            }
            let known = self.attachments.entry(id).or_insert_with(|| attachment.clone());
            if known.association.is_none() {
                known.association.clone_from(&attachment.association);
            }
        }
        for attachment in &snapshot.transit_gateway_vpc_attachments {
            let id = attachment.transit_gateway_attachment_id.clone();
            self.vpc_attachments.entry(id).or_insert_with(|| attachment.clone());
        }
        let of_tables = [
            (&mut self.routes, &snapshot.transit_gateway_routes),
            (&mut self.static_routes, &snapshot.transit_gateway_static_routes),
        ];
        for (known, seen) in of_tables {
            for routes in seen {
                let id = routes.transit_gateway_route_table_id.clone();
                known.entry(id).or_insert_with(|| routes.clone());
            }
        }
        for propagations in &snapshot.transit_gateway_propagations {
            let id = propagations.transit_gateway_route_table_id.clone();
            self.propagations.entry(id).or_insert_with(|| propagations.clone());
        }
    }

    /// Adds the VPCs that packets from this one may come to, in one step or
    /// several.
    fn reached(&mut self, home: &VpcSnapshot, snapshots: &[&Snapshot]) {
        let mut asked = BTreeSet::from([home.vpc.vpc_id.clone()]);
        let mut next: Vec<VpcId> = self.neighbours(home).into_iter().collect();
        while let Some(id) = next.pop() {
            if !asked.insert(id.clone()) {
                continue;
            }
            let mut views: Vec<VpcSnapshot> = snapshots
                .iter()
                .filter_map(|snapshot| VpcSnapshot::cut(snapshot, &id))
                .collect();
            // A VPC's owner sees all of it.
            views.sort_by_key(|view| view.foreign_owner().is_some());
            if let Some(view) = views.into_iter().next() {
                next.extend(self.neighbours(&view));
                self.vpcs.insert(id, view);
            }
        }
    }

    /// The VPCs that routes of this one lead to.
    fn neighbours(&self, vpc: &VpcSnapshot) -> BTreeSet<VpcId> {
        let mut found = BTreeSet::new();
        for target in vpc.route_tables.values().flat_map(joins) {
            match target {
                Join::Peering(id) => {
                    let connection = self.peering_connections.get(&id);
                    found.extend(connection.into_iter().flat_map(VpcPeeringConnection::vpcs).cloned());
                }
                Join::TransitGateway(id) => {
                    let seen = self.attachments.values().filter(|other| other.transit_gateway_id == id);
                    let vpcs = seen.filter(|other| is_vpc(other.resource_type.as_ref().map(|kind| kind.means())));
                    found.extend(vpcs.filter_map(|other| other.resource_id.as_deref()).map(VpcId::new));
                    let seen = self
                        .vpc_attachments
                        .values()
                        .filter(|other| other.transit_gateway_id == id);
                    found.extend(seen.map(|other| other.vpc_id.clone()));
                }
                Join::VirtualPrivateGateway(_) => {}
            }
        }
        found
    }

    /// The account of a transit gateway.
    pub fn owner_of(&self, gateway: &TransitGatewayId) -> Option<&AccountId> {
        let own = self.transit_gateways.get(gateway);
        let own = own.and_then(|gateway| gateway.owner_id.as_ref());
        let mut attachments = self.attachments.values();
        own.or_else(|| {
            let attachment = attachments.find(|other| other.transit_gateway_id == *gateway)?;
            attachment.transit_gateway_owner_id.as_ref()
        })
    }

    /// The attachment of a VPC to a transit gateway; one that serves before others.
    pub fn attached(&self, vpc: &VpcId, gateway: &TransitGatewayId) -> Option<Attached<'_>> {
        let of_vpc = self
            .vpc_attachments
            .values()
            .filter(|other| other.vpc_id == *vpc && other.transit_gateway_id == *gateway)
            .map(|other| Attached {
                id: &other.transit_gateway_attachment_id,
                state: other.state.as_ref(),
                of_vpc: Some(other),
            });
        let any = self
            .attachments
            .values()
            .filter(|other| other.resource_id.as_deref() == Some(vpc.as_str()) && other.transit_gateway_id == *gateway)
            .map(|other| Attached {
                id: &other.transit_gateway_attachment_id,
                state: other.state.as_ref(),
                of_vpc: self.vpc_attachments.get(&other.transit_gateway_attachment_id),
            });
        of_vpc
            .chain(any)
            .min_by_key(|attached| attached.state.is_some_and(|state| !state.means().serves()))
    }

    /// Whether a VPC without an attachment to a transit gateway among those that
    /// were seen has none: its account and the gateway's see them all.
    pub fn lists_all_of(&self, vpc: &VpcSnapshot, gateway: &TransitGatewayId) -> bool {
        let account = vpc.vpc.owner_id.as_ref().or(vpc.account.as_ref());
        let gateways_own = self.owner_of(gateway);
        let is_theirs = |owner: Option<&AccountId>| owner.is_some() && (owner == account || owner == gateways_own);
        let mut of_vpcs = self.vpc_attachments.values();
        let mut all = self.attachments.values();
        of_vpcs.any(|other| other.transit_gateway_id == *gateway && is_theirs(other.vpc_owner_id.as_ref()))
            || all.any(|other| other.transit_gateway_id == *gateway && is_theirs(other.resource_owner_id.as_ref()))
    }

    /// The route table that decides on what comes from an attachment: none where
    /// it is associated with none; `None` where that was not seen.
    pub fn association(&self, attachment: &TransitGatewayAttachmentId) -> Option<Option<&TransitGatewayRouteTableId>> {
        let seen = self.attachments.get(attachment)?;
        let associated = |found: &&TransitGatewayAssociation| {
            let state = found.state.as_deref();
            state.is_none_or(|state| state.eq_ignore_ascii_case("associated"))
        };
        let found = seen.association.as_ref().filter(associated);
        if found.is_none() && !self.seen_by_owners.contains(attachment) {
            return None;
        }
        Some(found.and_then(|found| found.transit_gateway_route_table_id.as_ref()))
    }

    /// An attachment of a VPC by its id.
    pub fn vpc_attachment(&self, id: &TransitGatewayAttachmentId) -> Option<&TransitGatewayVpcAttachment> {
        self.vpc_attachments.get(id)
    }

    /// Anything attached to a transit gateway, by its id.
    pub fn attachment(&self, id: &TransitGatewayAttachmentId) -> Option<&TransitGatewayAttachment> {
        self.attachments.get(id)
    }

    /// The VPC that is attached; `None` where it is none, or was not seen.
    pub fn vpc_at(&self, id: &TransitGatewayAttachmentId) -> Option<VpcId> {
        let of_vpc = self.vpc_attachments.get(id).map(|other| other.vpc_id.clone());
        of_vpc.or_else(|| {
            let other = self.attachments.get(id)?;
            let kind = other.resource_type.as_ref().map(|kind| kind.means());
            other.resource_id.as_deref().filter(|_| is_vpc(kind)).map(VpcId::new)
        })
    }

    /// The routes of a transit gateway's table; `None` where they were not seen.
    /// `cidrs` tells the addresses of a VPC, where they are known.
    ///
    /// The longest prefix wins; of equal ones a static route.
    /// See <https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html>.
    pub fn transit_routes(
        &self,
        table: &TransitGatewayRouteTableId,
        cidrs: impl Fn(&VpcId) -> Option<Vec<IpNet>>,
    ) -> Option<TransitRoutes> {
        let mut found: Vec<(bool, TransitLead)> = Vec::new();
        let mut is_partial = false;
        if let Some(all) = self.routes.get(table) {
            is_partial = all.additional_routes_available;
            found.extend(all.routes.iter().filter_map(TransitGatewayRoute::lead));
        } else {
            let (of_table, propagations) = (self.static_routes.get(table)?, self.propagations.get(table)?);
            is_partial |= of_table.additional_routes_available;
            found.extend(of_table.routes.iter().filter_map(TransitGatewayRoute::lead));
            for propagation in &propagations.transit_gateway_route_table_propagations {
                if propagation
                    .state
                    .as_ref()
                    .is_some_and(|state| *state != Switch::Enabled)
                {
                    continue;
                }
                let Some(id) = &propagation.transit_gateway_attachment_id else {
                    continue;
                };
                let kind = propagation.resource_type.as_ref().map(|kind| kind.means());
                let vpc = propagation.resource_id.as_deref().filter(|_| is_vpc(kind));
                match vpc.and_then(|vpc| cidrs(&VpcId::new(vpc))) {
                    Some(nets) => found.extend(nets.into_iter().map(|to| {
                        let target = TransitTarget::Attachments(vec![id.clone()]);
                        (false, TransitLead { to, target })
                    })),
                    None => is_partial = true,
                }
            }
        }
        found.sort_by_key(|(is_static, lead)| (Reverse(lead.to.prefix_len()), !is_static));
        Some(TransitRoutes {
            leads: found.into_iter().map(|(_, lead)| lead).collect(),
            is_partial,
        })
    }

    /// The security groups of whoever has an address in a VPC that is joined by a
    /// peering connection of its region.
    pub fn groups_at(&self, home: &VpcSnapshot, address: std::net::IpAddr) -> BTreeSet<SecurityGroupId> {
        let mut groups = BTreeSet::new();
        for connection in self.peering_connections.values().filter(|other| other.is_active()) {
            let peer = connection.peer_of(&home.vpc.vpc_id).and_then(|end| end.vpc_id.as_ref());
            let Some(view) = peer.and_then(|id| self.vpcs.get(id)) else {
                continue;
            };
            if view.region != home.region {
                continue;
            }
            let at_address = view
                .network_interfaces
                .values()
                .filter(|interface| interface.has_address(address));
            groups.extend(at_address.flat_map(|interface| interface.groups.iter().map(|group| group.group_id.clone())));
        }
        groups
    }
}

impl TransitGatewayRoute {
    /// Where it leads, and whether somebody made it; `None` for one that does not
    /// count.
    fn lead(&self) -> Option<(bool, TransitLead)> {
        let to = self.destination_cidr_block?.trunc();
        let target = match self.state.as_ref().map(|state| state.means()) {
            Some(TransitRouteState::Deleting | TransitRouteState::Deleted) => return None,
            Some(TransitRouteState::Blackhole) => TransitTarget::Blackhole,
            Some(TransitRouteState::Pending | TransitRouteState::Active | TransitRouteState::Other) | None => {
                let attachments = self.transit_gateway_attachments.iter();
                let ids = attachments.map(|attachment| attachment.transit_gateway_attachment_id.clone());
                TransitTarget::Attachments(ids.collect())
            }
        };
        let is_static = self
            .type_
            .as_ref()
            .is_none_or(|type_| *type_ != TransitRouteType::Propagated);
        Some((is_static, TransitLead { to, target }))
    }
}

fn is_vpc(kind: Option<TransitResource>) -> bool {
    match kind {
        Some(TransitResource::Vpc) => true,
        Some(
            TransitResource::Vpn
            | TransitResource::DirectConnectGateway
            | TransitResource::Connect
            | TransitResource::Peering
            | TransitResource::TransitGatewayPeering
            | TransitResource::Other,
        )
        | None => false,
    }
}

/// What a route leads to, where that joins networks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// A peering connection.
    Peering(VpcPeeringConnectionId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// A virtual private gateway, by its id: to what no snapshot shows.
    VirtualPrivateGateway(String),
}

/// What the routes of a table lead to that joins networks.
pub fn joins(table: &RouteTable) -> impl Iterator<Item = Join> {
    let targets = table.routes.iter().filter_map(|route| route.target());
    targets.filter_map(|target| match target {
        RouteTarget::PeeringConnection(id) => Some(Join::Peering(VpcPeeringConnectionId::new(id))),
        RouteTarget::TransitGateway(id) => Some(Join::TransitGateway(TransitGatewayId::new(id))),
        RouteTarget::VirtualPrivateGateway(id) => Some(Join::VirtualPrivateGateway(id.to_owned())),
        RouteTarget::Local
        | RouteTarget::InternetGateway(_)
        | RouteTarget::VpcEndpoint(_)
        | RouteTarget::NatGateway(_)
        | RouteTarget::EgressOnlyInternetGateway(_)
        | RouteTarget::NetworkInterface(_)
        | RouteTarget::CoreNetwork(_)
        | RouteTarget::LocalGateway(_)
        | RouteTarget::CarrierGateway(_)
        | RouteTarget::Other(_) => None,
    })
}
