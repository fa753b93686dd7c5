//! The way across to a destination.

use std::rc::Rc;

use super::{
    super::{
        Reach,
        cause::{Cause, RouteUsed},
        endpoint_fault::EndpointFault,
        hop::Hop,
        names::Receiver,
        network::{Crossing, Edge, Leg, Trip},
        routes::{Leads, Via},
        space::{EVERY_PORT, Space, take},
        unseen::Unseen,
    },
    Across, FarEnd, Hidden, Link, LinkFault, Sender, Stand,
};
use crate::{
    observed::Stage,
    types::{Direction, NatGatewayId, VpcEndpointId, VpcPeeringConnectionId},
};

impl<'w, 's> Across<'w, 's> {
    pub(super) fn by_link(&self, stand: &Stand<'w, 's>, link: &Link, leg: Leg, steps: usize) -> Vec<Leg> {
        let Some(steps) = steps.checked_sub(1) else {
            let vpc = stand.view.snapshot.vpc.vpc_id.clone();
            return vec![leg.stopped(Cause::across(LinkFault::Circle { vpc }))];
        };
        match link {
            Link::Peering(id) => self.by_peering(stand, id, leg, steps),
            Link::TransitGateway(id) => self.by_transit(stand, id, leg, steps),
            Link::VirtualPrivateGateway(id) => {
                let vpc = &stand.view.snapshot.vpc.vpc_id;
                if !self.is_own(stand.view) {
                    return vec![self.not_through(stand, link.to_string(), leg)];
                }
                let gateway = self.root.snapshot.beyond.vpn_gateways.get(id);
                vec![match gateway {
                    Some(gateway) if !gateway.is_attached_to(vpc) => {
                        leg.stopped(Cause::across(LinkFault::GatewayDetached {
                            gateway: id.clone(),
                            vpc: vpc.clone(),
                        }))
                    }
                    Some(_) | None => leg.not_knowing(link.unseen()),
                }]
            }
            Link::Appliance(id) => self.through_appliance(stand, id, leg, steps),
        }
    }

    /// That what a VPC has is for its own packets alone.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-limitations>.
    fn not_through(&self, stand: &Stand<'w, 's>, on: String, leg: Leg) -> Leg {
        let vpc = stand.view.snapshot.vpc.vpc_id.clone();
        match &stand.by {
            Some(by) => leg.stopped(Cause::across(LinkFault::NotThrough {
                by: by.clone(),
                vpc,
                on: Some(on),
            })),
            None => leg,
        }
    }

    fn by_peering(&self, stand: &Stand<'w, 's>, id: &VpcPeeringConnectionId, mut leg: Leg, steps: usize) -> Vec<Leg> {
        let link = Link::Peering(id.clone());
        if !self.is_own(stand.view) {
            return vec![self.not_through(stand, link.to_string(), leg)];
        }
        let Some(connection) = self.root.snapshot.beyond.peering_connections.get(id) else {
            return vec![leg.not_knowing(link.unseen())];
        };
        if let Some(status) = connection.status.as_ref().filter(|_| !connection.is_active()) {
            let accepter = connection.accepter_vpc_info.as_ref();
            return vec![leg.stopped(Cause::across(LinkFault::PeeringInactive {
                connection: id.clone(),
                state: status.code.to_string(),
                accepter: accepter.and_then(|end| end.owner_id.clone()),
            }))];
        }
        let peer = connection.peer_of(&stand.view.snapshot.vpc.vpc_id);
        let Some((peer, vpc)) = peer.and_then(|peer| Some((peer, peer.vpc_id.clone()?))) else {
            return vec![leg.not_knowing(link.unseen())];
        };
        let view = self.root.view(&vpc);
        let seen = view.map(|view| view.snapshot.vpc.cidrs()).into_iter().flatten();
        let mut inside = Space::new();
        let mut is_known = false;
        for net in peer.cidrs().chain(seen) {
            is_known = true;
            inside.extend(take(&mut leg.space, &net, EVERY_PORT));
        }
        let mut legs = Vec::new();
        if !is_known {
            inside.append(&mut leg.space);
        }
        if !leg.space.is_empty() {
            let fault = LinkFault::NotThrough {
                by: link.clone(),
                vpc: vpc.clone(),
                on: None,
            };
            legs.push(leg.clone().stopped(Cause::across(fault)));
        }
        if inside.is_empty() {
            return legs;
        }
        let leg = leg.with(inside).past(Hop::Entered {
            vpc: vpc.clone(),
            by: link.clone(),
        });
        match view {
            Some(view) => legs.extend(self.deliver(view, None, &link, leg, steps)),
            None => {
                let hidden = Hidden::vpc(&link, vpc, peer.owner_id.clone(), peer.region.clone());
                legs.push(leg.not_knowing(Unseen::beyond(hidden)));
            }
        }
        legs
    }

    /// Goes on by the routes of the subnet where it is.
    pub(super) fn on_from(&self, stand: &Stand<'w, 's>, leg: Leg, steps: usize) -> Vec<Leg> {
        let Stand { view, at, .. } = *stand;
        view.routed(self.trip, at, leg, |leg, lead| match &lead.via {
            Via::Local => match &stand.by {
                Some(by) => self.deliver(view, Some(stand), by, leg, steps),
                None => vec![leg],
            },
            Via::NatGateway(id) => self.by_nat(stand, id, leg, steps),
            Via::InternetGateway(_) | Via::EgressOnlyInternetGateway(_) => self.to_internet(stand, lead, leg, steps),
            Via::GatewayEndpoint(id) if self.is_own(view) => {
                vec![view.past_gateway_endpoint(self.trip, id, leg)]
            }
            Via::GatewayEndpoint(id) => vec![self.not_through(stand, format!("gateway endpoint {id}"), leg)],
            Via::Across(link) => {
                let mut legs = Vec::new();
                for leg in self.out_of(stand, leg) {
                    if leg.stop.is_some() {
                        legs.push(leg);
                    } else {
                        let stand = Stand {
                            is_out: true,
                            ..stand.clone()
                        };
                        legs.extend(self.by_link(&stand, link, leg, steps));
                    }
                }
                legs
            }
            Via::Unseen(unseen) => vec![leg.not_knowing(unseen.clone())],
            Via::Blackhole(_) => vec![view.led_out(self.trip, Edge::of(view, at), leg, lead)],
        })
    }

    /// Leaves the subnet, unless it has left it.
    fn out_of(&self, stand: &Stand<'w, 's>, leg: Leg) -> Vec<Leg> {
        if stand.is_out {
            return vec![leg];
        }
        stand
            .view
            .past_acl(self.trip, stand.at, Direction::Egress, Crossing::There, leg)
    }

    /// To whatever in the VPC has the address, and back. `from` is the subnet by
    /// which it came into the VPC, where it came by one.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-nacls.html>.
    fn deliver(
        &self,
        view: &'w Reach<'s>,
        from: Option<&Stand<'w, 's>>,
        by: &Link,
        mut leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let mut legs = Vec::new();
        for (at, place) in view.places.iter().enumerate() {
            let mut part = Space::new();
            for net in &place.nets {
                part.extend(take(&mut leg.space, net, EVERY_PORT));
            }
            if part.is_empty() {
                continue;
            }
            let part = leg.with(part);
            let there = match from {
                Some(stand) if stand.at != at => self.out_of(stand, part),
                Some(_) | None => vec![part],
            };
            for there in there {
                let there = view.past_acl_from(self.trip, at, Direction::Ingress, Crossing::There, there);
                let subnet = place.id.clone();
                let there = self.arrived(view, at, by, there.past(Hop::Subnet { subnet }).turned());
                if there.stop.is_some() {
                    legs.push(there);
                    continue;
                }
                let back = view.past_acl_from(self.trip, at, Direction::Egress, Crossing::Back, there);
                let stand = Stand {
                    view,
                    at,
                    is_out: true,
                    by: Some(by.clone()),
                };
                legs.extend(self.back(&stand, back, steps));
            }
        }
        if !leg.space.is_empty() {
            let vpc = view.snapshot.vpc.vpc_id.to_string();
            legs.push(leg.stopped(Cause::NoSubnet { vpc }));
        }
        legs
    }

    /// Arrives in a subnet, where it is known of one address who has it.
    fn arrived(&self, view: &'w Reach<'s>, at: usize, by: &Link, mut leg: Leg) -> Leg {
        if self.is_own(view) {
            return view.received(self.trip, leg, at);
        }
        let one = match leg.space.as_slice() {
            [cell] if cell.net.prefix_len() == cell.net.max_prefix_len() => Some(*cell),
            [] | [_, ..] => None,
        };
        let subnet = view.places[at].id.clone();
        let Some(cell) = one else {
            leg.unseen.push(Unseen::Receiver { subnet });
            return leg;
        };
        let resolution = view.resolve_cidr(cell.net, self.trip.target.traffic);
        if let Some(cause) = resolution.stop {
            return leg.stopped(cause);
        }
        leg.unseen.extend(resolution.unseen);
        let receiver = resolution.targets.into_iter().next().map(|target| target.receiver);
        match receiver {
            Some(Receiver::Interface(groups)) if !groups.is_empty() => {
                leg.arrives = true;
                leg.far = Some(Rc::new(FarEnd {
                    vpc: view.snapshot.vpc.vpc_id.clone(),
                    groups,
                    sources: self.trip.nets.to_vec(),
                    knows_groups: self.knows_groups(view, by),
                }));
            }
            Some(Receiver::Interface(_)) => {}
            Some(
                Receiver::Outside
                | Receiver::Endpoint(..)
                | Receiver::MountTarget(_)
                | Receiver::Members
                | Receiver::SageMaker,
            )
            | None => {
                leg.unseen.push(Unseen::Receiver { subnet });
            }
        }
        leg
    }

    /// Whether security groups of another VPC may name the sender's.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html>.
    fn knows_groups(&self, view: &Reach<'s>, by: &Link) -> bool {
        let is_one_region = self.own.snapshot.region == view.snapshot.region;
        let is_instance = self.sender == Sender::Instance;
        let offers = match by {
            Link::Peering(_) => true,
            Link::TransitGateway(gateway) => [self.own, view].iter().all(|view| {
                let vpc = &view.snapshot.vpc.vpc_id;
                let attached = self.root.snapshot.beyond.attached(vpc, gateway);
                attached
                    .and_then(|attached| attached.of_vpc)
                    .is_some_and(|attachment| attachment.knows_groups())
            }),
            Link::VirtualPrivateGateway(_) | Link::Appliance(_) => false,
        };
        is_one_region && is_instance && offers
    }

    /// Through a NAT gateway of the VPC where it is.
    fn by_nat(&self, stand: &Stand<'w, 's>, id: &NatGatewayId, leg: Leg, steps: usize) -> Vec<Leg> {
        let view = stand.view;
        let trip = Trip {
            from: stand.at,
            ..*self.trip
        };
        let mut legs = Vec::new();
        let place = view.place_of_nat(id);
        let out = if place == Some(stand.at) {
            vec![view.past_acl_from(self.trip, stand.at, Direction::Ingress, Crossing::There, leg)]
        } else {
            self.out_of(stand, leg)
        };
        for leg in out {
            legs.extend(
                view.through_nat(self.root, &trip, id, leg, &|from, leg| match (from.place, from.table) {
                    (Some(at), _) => {
                        let leg = view.past_acl_from(self.trip, at, Direction::Egress, Crossing::Back, leg);
                        let stand = Stand {
                            at,
                            is_out: true,
                            ..stand.clone()
                        };
                        self.back(&stand, leg, steps)
                    }
                    (None, Some(table)) => self.back_by_table(stand, &view.tables[table], leg, steps),
                    (None, None) => vec![leg.not_knowing(Unseen::NatGateway {
                        gateway: id.to_string(),
                    })],
                }),
            );
        }
        legs
    }

    /// Out to the internet, where the sender has a public address, and back.
    fn to_internet(&self, stand: &Stand<'w, 's>, lead: &Leads, leg: Leg, steps: usize) -> Vec<Leg> {
        let view = stand.view;
        if !self.is_own(view) {
            return vec![self.not_through(stand, lead.via.target(), leg)];
        }
        let has_public = self.trip.is_ipv6 || self.sender == Sender::NatGateway { is_private: false };
        // An appliance may give packets an address of its own, to which answers come.
        if let Some(appliance) = leg.appliances.last().filter(|_| !has_public) {
            let unseen = Link::Appliance(appliance.clone()).unseen();
            return vec![leg.not_knowing(unseen)];
        }
        if !has_public {
            let table = view.places[stand.at].table.map(|table| view.tables[table].id.clone());
            return vec![match table {
                Some(table) => leg.stopped(Cause::NoPublicAddress {
                    route: RouteUsed {
                        table,
                        destination: lead.destination.clone(),
                    },
                    gateway: lead.via.target(),
                }),
                None => leg,
            }];
        }
        let mut legs = Vec::new();
        for leg in self.out_of(stand, leg) {
            for leg in view.out(self.trip, Edge::of(view, stand.at), leg, lead) {
                if leg.stop.is_some() {
                    legs.push(leg);
                } else {
                    legs.extend(self.back_from_internet(view, &lead.via.target(), leg.turned(), steps));
                }
            }
        }
        legs
    }

    /// Through an appliance, and on from its endpoint's subnet.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-load-balancer-endpoints.html>.
    fn through_appliance(&self, stand: &Stand<'w, 's>, id: &VpcEndpointId, mut leg: Leg, steps: usize) -> Vec<Leg> {
        let view = stand.view;
        let link = Link::Appliance(id.clone());
        let endpoint = view.snapshot.vpc_endpoint(id);
        if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.stage() != Stage::Available) {
            return vec![leg.stopped(Cause::EndpointUnavailable {
                endpoint: id.clone(),
                fault: EndpointFault::State(endpoint.state.clone()),
                otherwise: None,
            })];
        }
        let subnet = endpoint.and_then(|endpoint| endpoint.subnet_ids.first());
        let Some(&at) = subnet.and_then(|subnet| view.place_of.get(subnet)) else {
            return vec![leg.not_knowing(link.unseen())];
        };
        if at != stand.at {
            leg = view.past_acl_from(self.trip, at, Direction::Ingress, Crossing::There, leg);
        }
        leg.appliances.push(id.clone());
        let stand = Stand {
            view,
            at,
            is_out: false,
            by: Some(link.clone()),
        };
        self.on_from(&stand, leg.not_knowing(link.unseen()), steps)
    }
}
