//! The way that answers take, from wherever they are to where packets set out.

use super::{
    super::{
        Reach,
        cause::{Cause, RouteUsed},
        hop::Hop,
        network::{Crossing, Leg},
        routes::{Leads, Table, Via, parts},
        space::{Cell, EVERY_PORT, space},
    },
    Across, Link, LinkFault, NoWayBack, Stand,
};
use crate::types::{Direction, VpcEndpointId};

impl<'w, 's> Across<'w, 's> {
    /// Answers go on by the routes of the subnet where they are. All of the
    /// sender's addresses must be led home.
    pub(super) fn back(&self, stand: &Stand<'w, 's>, leg: Leg, steps: usize) -> Vec<Leg> {
        if leg.stop.is_some() {
            return vec![leg];
        }
        let Some(steps) = steps.checked_sub(1) else {
            let vpc = stand.view.snapshot.vpc.vpc_id.clone();
            return vec![leg.stopped(Cause::across(LinkFault::Circle { vpc }))];
        };
        let view = stand.view;
        let Some(table) = view.places[stand.at].table.map(|table| &view.tables[table]) else {
            return vec![view.without_table(&view.places[stand.at].id, leg)];
        };
        self.back_by_table(stand, table, leg, steps)
    }

    pub(super) fn back_by_table(&self, stand: &Stand<'w, 's>, table: &Table, leg: Leg, steps: usize) -> Vec<Leg> {
        let home = space(self.trip.nets.iter().copied(), EVERY_PORT);
        let (parts, rest) = parts(table.routes.iter().map(|lead| (lead.to, lead)), home);
        let mut legs = vec![leg];
        for (lead, part) in parts {
            let follow = |leg: Leg| {
                if leg.stop.is_some() {
                    vec![leg]
                } else {
                    self.back_by(stand, table, lead, &part, leg, steps)
                }
            };
            legs = legs.into_iter().flat_map(follow).collect();
        }
        if rest.is_empty() {
            return legs;
        }
        let end = |mut leg: Leg| {
            if leg.stop.is_some() {
                return leg;
            }
            if table.unknown.is_empty() {
                return leg.stopped(self.no_way_back(stand, table, &rest, None));
            }
            for unseen in &table.unknown {
                leg = leg.not_knowing(unseen.clone());
            }
            leg
        };
        legs.into_iter().map(end).collect()
    }

    fn back_by(
        &self,
        stand: &Stand<'w, 's>,
        table: &Table,
        lead: &Leads,
        part: &[Cell],
        leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let route = RouteUsed {
            table: table.id.clone(),
            destination: lead.destination.clone(),
        };
        let astray = |leg: Leg| {
            let instead = Some((route.clone(), lead.via.target()));
            vec![leg.stopped(self.no_way_back(stand, table, part, instead))]
        };
        let hop = Hop::Route {
            table: table.id.clone(),
            destination: lead.destination.clone(),
            to: lead.via.target(),
        };
        match &lead.via {
            Via::Local if self.is_own(stand.view) => vec![self.at_home(stand, leg)],
            Via::Across(Link::Peering(id)) => {
                let connection = self.root.snapshot.beyond.peering_connections.get(id);
                let connection = connection.filter(|connection| connection.is_active());
                let peer = connection.and_then(|connection| connection.peer_of(&stand.view.snapshot.vpc.vpc_id));
                let own = Some(&self.own.snapshot.vpc.vpc_id);
                if peer.is_some_and(|peer| peer.vpc_id.as_ref() == own) {
                    vec![self.finished(leg.past(hop))]
                } else {
                    astray(leg)
                }
            }
            Via::Across(Link::TransitGateway(id)) => self.back_by_transit(stand, id, part, leg.past(hop), steps),
            Via::Across(Link::Appliance(id)) => self.back_through_appliance(stand, id, leg.past(hop), steps),
            Via::Unseen(unseen) => vec![leg.past(hop).not_knowing(unseen.clone())],
            Via::Blackhole(target) => vec![leg.stopped(Cause::Blackhole {
                route,
                target: target.clone(),
            })],
            Via::Local
            | Via::Across(Link::VirtualPrivateGateway(_))
            | Via::GatewayEndpoint(_)
            | Via::NatGateway(_)
            | Via::InternetGateway(_)
            | Via::EgressOnlyInternetGateway(_) => astray(leg),
        }
    }

    fn no_way_back(
        &self,
        stand: &Stand<'w, 's>,
        table: &Table,
        cells: &[Cell],
        instead: Option<(RouteUsed, String)>,
    ) -> Cause {
        let view = stand.view;
        let whole = cells.first().and_then(|cell| {
            let mut blocks = self.own.snapshot.vpc.cidrs();
            blocks.find(|block| block.contains(&cell.net)).or(Some(cell.net))
        });
        let Some(to) = whole else {
            return Cause::NoRouteTable {
                subnet: view.places[stand.at].id.clone(),
            };
        };
        Cause::across(LinkFault::NoWayBack(Box::new(NoWayBack {
            table: table.id.to_string(),
            subnet: view.places[stand.at].id.clone(),
            vpc: view.snapshot.vpc.vpc_id.clone(),
            to,
            by: stand.by.clone(),
            instead,
            owner: self.owner(view),
        })))
    }

    /// Answers are in the VPC where packets set out: they leave the subnet by
    /// which they came, if that is another than the one that they go to.
    fn at_home(&self, stand: &Stand<'w, 's>, leg: Leg) -> Leg {
        let leg = if stand.is_out || stand.at == self.start {
            leg
        } else {
            let (direction, crossing) = (Direction::Egress, Crossing::Back);
            stand.view.past_acl_from(self.trip, stand.at, direction, crossing, leg)
        };
        self.finished(leg)
    }

    /// Whether answers passed every appliance that packets did.
    fn finished(&self, leg: Leg) -> Leg {
        match leg.appliances.get(self.passed).cloned() {
            Some(endpoint) => leg.stopped(Cause::across(LinkFault::OneSided {
                endpoint,
                is_answer: true,
            })),
            None => leg,
        }
    }

    fn back_through_appliance(
        &self,
        stand: &Stand<'w, 's>,
        id: &VpcEndpointId,
        mut leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let view = stand.view;
        let place = leg.appliances.iter().skip(self.passed).position(|other| other == id);
        let Some(place) = place else {
            return vec![leg.stopped(Cause::across(LinkFault::OneSided {
                endpoint: id.clone(),
                is_answer: false,
            }))];
        };
        leg.appliances.remove(self.passed + place);
        let endpoint = view.snapshot.vpc_endpoint(id);
        let subnet = endpoint.and_then(|endpoint| endpoint.subnet_ids.first());
        let Some(&at) = subnet.and_then(|subnet| view.place_of.get(subnet)) else {
            return vec![leg];
        };
        let legs = if at == stand.at {
            vec![leg]
        } else {
            view.past_acl(self.trip, at, Direction::Ingress, Crossing::Back, leg)
        };
        let stand = Stand {
            view,
            at,
            is_out: false,
            by: stand.by.clone(),
        };
        legs.into_iter().flat_map(|leg| self.back(&stand, leg, steps)).collect()
    }

    /// Answers come in by an internet gateway. A table of its own may lead them
    /// through an appliance.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html>.
    pub(super) fn back_from_internet(&self, view: &'w Reach<'s>, gateway: &str, leg: Leg, steps: usize) -> Vec<Leg> {
        let stand = Stand {
            view,
            at: self.start,
            is_out: true,
            by: leg.appliances.last().cloned().map(Link::Appliance),
        };
        match view.edge_table(gateway) {
            Some(table) => self.back_by_table(&stand, table, leg, steps),
            None => vec![self.finished(leg)],
        }
    }
}
