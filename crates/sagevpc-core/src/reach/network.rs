//! The way between a subnet and a destination, whatever the security groups:
//! network ACLs, route tables, and what they lead to.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{
    Reach, Traffic,
    filter::Flow,
    hop::{Cause, Hop, Stop},
    names::{Receiver, Target, is_of_family},
    routes::{Leads, Via},
    space::{Cell, EPHEMERAL, EVERY_PORT, Space, on_ports, space, take},
    unseen::Unseen,
};
use crate::types::{Direction, PortRange, Protocol, listed};

/// Addresses that fare alike, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Leg {
    pub(super) space: Space,
    pub(super) hops: Vec<Hop>,
    /// How many of the hops lead there; the others lead back.
    pub(super) turn: Option<usize>,
    /// Whether it is seen to arrive in the VPC, where security groups admit it
    /// or do not.
    pub(super) arrives: bool,
    pub(super) unseen: Vec<Unseen>,
    pub(super) stop: Option<Stop>,
}

impl Leg {
    pub(super) fn stopped(mut self, cause: Cause) -> Self {
        self.stop = Some(Stop { cause, part: None });
        self
    }

    pub(super) fn past(mut self, hop: Hop) -> Self {
        self.hops.push(hop);
        self
    }

    pub(super) fn not_knowing(mut self, unseen: Unseen) -> Self {
        self.hops.push(Hop::Unseen(unseen.clone()));
        self.unseen.push(unseen);
        self
    }

    /// The packet has arrived; what follows is the answer's way.
    pub(super) fn turned(mut self) -> Self {
        self.turn = Some(self.hops.len());
        self
    }

    /// The same way for other addresses.
    fn with(&self, space: Space) -> Self {
        Self { space, ..self.clone() }
    }
}

/// What does not change on the way to one target.
pub(super) struct Trip<'t> {
    /// The source's subnet, by its place.
    pub(super) from: usize,
    /// Its addresses, of the target's family.
    pub(super) nets: &'t [IpNet],
    pub(super) target: &'t Target,
    pub(super) is_ipv6: bool,
}

impl Trip<'_> {
    /// The packets as they go out, or the answers.
    fn flow(&self, answer: bool) -> Flow {
        let flow = self.target.flow;
        if answer && flow.has_ports() {
            Flow {
                ports: EPHEMERAL,
                ..flow
            }
        } else {
            flow
        }
    }

    /// Addresses at the far end, as the peer of a rule of a network ACL.
    fn far(&self, cells: &[Cell]) -> String {
        let mut rest = self.target.space.clone();
        for cell in cells {
            take(&mut rest, &cell.net, EVERY_PORT);
        }
        if rest.is_empty() && self.target.whom.parse::<IpNet>().is_ok() {
            return self.target.whom.clone();
        }
        let nets: BTreeSet<IpNet> = cells.iter().map(|cell| cell.net).collect();
        listed(nets)
    }

    /// What is denied, as a rule would be written, by the first cell of it.
    fn denied(&self, answer: bool, cells: &[Cell]) -> (Traffic, Option<IpNet>) {
        let flow = self.flow(answer);
        let protocol = Protocol::Number(flow.protocol);
        let first = cells.first();
        let range = |(from, to): (u16, u16)| PortRange {
            from: from.into(),
            to: to.into(),
        };
        let ports = first
            .map(|cell| cell.ports)
            .filter(|ports| flow.has_ports() && *ports != EVERY_PORT)
            .map(range);
        (Traffic { protocol, ports }, first.map(|cell| cell.net))
    }
}

impl Reach<'_> {
    /// Where packets of the trip to these addresses end.
    pub(super) fn network(&self, trip: &Trip<'_>, space: Space) -> Vec<Leg> {
        let place = &self.places[trip.from];
        let mut far = Leg {
            space,
            ..Leg::default()
        };
        let mut near = Leg::default();
        for net in &place.nets {
            near.space.extend(take(&mut far.space, net, EVERY_PORT));
        }
        let mut legs = Vec::new();
        if !near.space.is_empty() {
            let subnet = place.id.clone();
            let near = near.past(Hop::SameSubnet { subnet }).turned();
            legs.push(self.received(trip, near, trip.from));
        }
        if !far.space.is_empty() {
            for leg in self.past_acl(trip, trip.from, Direction::Egress, false, far) {
                if leg.stop.is_some() {
                    legs.push(leg);
                } else {
                    legs.extend(self.routed(trip, trip.from, leg, |leg, lead| self.sent(trip, leg, lead)));
                }
            }
        }
        legs
    }

    /// Arrives in the subnet at `at`, where it may not be known who answers.
    fn received(&self, trip: &Trip<'_>, mut leg: Leg, at: usize) -> Leg {
        leg.arrives = true;
        match trip.target.receiver {
            Receiver::Outside => {
                let subnet = self.places[at].id.clone();
                leg.unseen.push(Unseen::Receiver { subnet });
                leg
            }
            Receiver::Endpoint(..) | Receiver::Interface(_) | Receiver::Members | Receiver::SageMaker => leg,
        }
    }

    /// Takes a leg through the network ACL of the subnet at `at`, by the
    /// addresses at the target's end: what is denied parts from what is not.
    pub(super) fn past_acl(
        &self,
        trip: &Trip<'_>,
        at: usize,
        direction: Direction,
        answer: bool,
        mut leg: Leg,
    ) -> Vec<Leg> {
        let place = &self.places[at];
        let Some(acl) = place.acl.map(|acl| &self.acls[acl]) else {
            return vec![leg.not_knowing(Unseen::NetworkAcls)];
        };
        let flow = trip.flow(answer);
        let asked = if answer {
            on_ports(&leg.space, flow.ports)
        } else {
            leg.space.clone()
        };
        let passage = acl.pass(direction, flow, asked);
        let mut legs = Vec::new();
        for (rule, cells) in passage.denied.into_iter().filter(|(_, cells)| !cells.is_empty()) {
            let (traffic, _) = trip.denied(answer, &cells);
            let peer = trip.far(&cells);
            let mut denied = Space::new();
            for cell in &cells {
                denied.extend(take(
                    &mut leg.space,
                    &cell.net,
                    if answer { EVERY_PORT } else { cell.ports },
                ));
            }
            let cause = Cause::AclDenies {
                acl: acl.id.clone(),
                direction,
                rule,
                traffic,
                peer,
                answer,
            };
            legs.push(leg.with(denied).stopped(cause));
        }
        if !leg.space.is_empty() {
            legs.push(leg.past(Hop::NetworkAcl {
                acl: acl.id.clone(),
                subnet: place.id.clone(),
                direction,
                rule: passage.by,
                answer,
            }));
        }
        legs
    }

    /// Takes a leg through the network ACL of the subnet at `at`, by the
    /// source's addresses, any of which may be asked from: all must pass.
    pub(super) fn past_acl_from(
        &self,
        trip: &Trip<'_>,
        at: usize,
        direction: Direction,
        answer: bool,
        leg: Leg,
    ) -> Leg {
        let place = &self.places[at];
        let Some(acl) = place.acl.map(|acl| &self.acls[acl]) else {
            return leg.not_knowing(Unseen::NetworkAcls);
        };
        let flow = trip.flow(answer);
        let passage = acl.pass(direction, flow, space(trip.nets.iter().copied(), flow.ports));
        let denied = passage.denied.into_iter().find(|(_, cells)| !cells.is_empty());
        match denied {
            Some((rule, cells)) => {
                let (traffic, net) = trip.denied(answer, &cells);
                leg.stopped(Cause::AclDenies {
                    acl: acl.id.clone(),
                    direction,
                    rule,
                    traffic,
                    peer: net.map(|net| net.to_string()).unwrap_or_default(),
                    answer,
                })
            }
            None => leg.past(Hop::NetworkAcl {
                acl: acl.id.clone(),
                subnet: place.id.clone(),
                direction,
                rule: passage.by,
                answer,
            }),
        }
    }

    /// Parts a leg by the routes of the subnet at `at`, and sends each part on.
    pub(super) fn routed(
        &self,
        trip: &Trip<'_>,
        at: usize,
        leg: Leg,
        mut send: impl FnMut(Leg, &Leads) -> Vec<Leg>,
    ) -> Vec<Leg> {
        let place = &self.places[at];
        let Some(table) = place.table.map(|table| &self.tables[table]) else {
            let subnet = place.id.clone();
            return vec![leg.stopped(Cause::NoRouteTable { subnet })];
        };
        let mut rest = leg.space.clone();
        let mut parts: Vec<(&Leads, Space)> = Vec::new();
        for lead in table.routes.iter().filter(|lead| is_of_family(&lead.to, trip.is_ipv6)) {
            if rest.is_empty() {
                break;
            }
            let part = take(&mut rest, &lead.to, EVERY_PORT);
            if part.is_empty() {
                continue;
            }
            let same = parts
                .iter_mut()
                .find(|(other, _)| other.via == lead.via && other.destination == lead.destination);
            match same {
                Some((_, cells)) => cells.extend(part),
                None => parts.push((lead, part)),
            }
        }
        let list_unknown = |mut leg: Leg| {
            for list in &table.unknown_lists {
                leg = leg.not_knowing(Unseen::PrefixList { list: list.clone() });
            }
            leg
        };
        let mut legs = Vec::new();
        for (lead, part) in parts {
            let mut leg = leg.with(part);
            if lead.via != Via::Local {
                leg = list_unknown(leg);
            }
            let leg = leg.past(Hop::Route {
                table: table.id.clone(),
                destination: lead.destination.clone(),
                to: lead.via.target(),
            });
            legs.extend(send(leg, lead));
        }
        if !rest.is_empty() {
            let leg = leg.with(rest);
            legs.push(if table.unknown_lists.is_empty() {
                leg.stopped(Cause::NoRoute {
                    table: table.id.clone(),
                })
            } else {
                list_unknown(leg)
            });
        }
        legs
    }

    /// Follows a route out of the source's subnet.
    fn sent(&self, trip: &Trip<'_>, leg: Leg, lead: &Leads) -> Vec<Leg> {
        match &lead.via {
            Via::Local => self.within(trip, leg),
            Via::NatGateway(gateway) => self.past_nat(trip, gateway, leg),
            Via::InternetGateway(gateway) if !trip.is_ipv6 => {
                let table = self.places[trip.from].table.map(|table| self.tables[table].id.clone());
                let gateway = gateway.clone();
                vec![match table {
                    Some(table) => leg.stopped(Cause::NoPublicAddress { table, gateway }),
                    None => leg,
                }]
            }
            Via::Blackhole(_)
            | Via::GatewayEndpoint(_)
            | Via::InternetGateway(_)
            | Via::EgressOnlyInternetGateway(_)
            | Via::Unseen(_) => {
                let leg = self.out(trip, trip.from, leg, lead);
                if leg.stop.is_some() {
                    vec![leg]
                } else {
                    self.past_acl(trip, trip.from, Direction::Ingress, true, leg.turned())
                }
            }
        }
    }

    /// To another subnet of the VPC, and back.
    fn within(&self, trip: &Trip<'_>, mut leg: Leg) -> Vec<Leg> {
        let mut legs = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            let mut part = Space::new();
            for net in &place.nets {
                part.extend(take(&mut leg.space, net, EVERY_PORT));
            }
            if part.is_empty() {
                continue;
            }
            let there = self.past_acl_from(trip, at, Direction::Ingress, false, leg.with(part));
            if there.stop.is_some() {
                legs.push(there);
                continue;
            }
            let subnet = place.id.clone();
            let there = self.received(trip, there.past(Hop::Subnet { subnet }).turned(), at);
            let out = self.past_acl_from(trip, at, Direction::Egress, true, there);
            let back = self.routed_back(trip, at, out);
            if back.stop.is_some() {
                legs.push(back);
            } else {
                legs.extend(self.past_acl(trip, trip.from, Direction::Ingress, true, back));
            }
        }
        if !leg.space.is_empty() {
            let vpc = self.snapshot.vpc.vpc_id.to_string();
            legs.push(leg.stopped(Cause::NoSubnet { vpc }));
        }
        legs
    }

    /// The answer's route from the subnet at `at`: within the VPC it is local,
    /// unless an appliance stands in between.
    fn routed_back(&self, trip: &Trip<'_>, at: usize, mut leg: Leg) -> Leg {
        if leg.stop.is_some() {
            return leg;
        }
        let Some(table) = self.places[at].table.map(|table| &self.tables[table]) else {
            let subnet = self.places[at].id.clone();
            return leg.stopped(Cause::NoRouteTable { subnet });
        };
        let mut rest = space(trip.nets.iter().copied(), EVERY_PORT);
        for lead in &table.routes {
            if take(&mut rest, &lead.to, EVERY_PORT).is_empty() || lead.via == Via::Local {
                continue;
            }
            match &lead.via {
                Via::Unseen(unseen) => leg = leg.not_knowing(unseen.clone()),
                Via::Blackhole(target) => {
                    return leg.stopped(Cause::Blackhole {
                        table: table.id.clone(),
                        destination: lead.destination.clone(),
                        target: target.clone(),
                    });
                }
                Via::Local
                | Via::GatewayEndpoint(_)
                | Via::NatGateway(_)
                | Via::InternetGateway(_)
                | Via::EgressOnlyInternetGateway(_) => {
                    return leg.stopped(Cause::NoRoute {
                        table: table.id.clone(),
                    });
                }
            }
        }
        if rest.is_empty() {
            leg
        } else {
            leg.stopped(Cause::NoRoute {
                table: table.id.clone(),
            })
        }
    }
}
