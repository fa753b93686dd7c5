//! The way between a subnet and a destination, whatever the security groups:
//! network ACLs, route tables, and what they lead to.

use std::{collections::BTreeSet, rc::Rc};

use ipnet::IpNet;

use super::{
    Reach,
    acl_denial::AclDenial,
    across::FarEnd,
    cause::{Cause, RouteUsed},
    filter::{Acl, Flow, LAST_RULE},
    hop::Hop,
    names::{ANY_OTHER, Receiver, Target, is_of_family},
    routes::{Leads, Via, parts},
    space::{ANSWERS, Cell, EPHEMERAL, EVERY_PORT, Space, on_ports, space, take},
    unseen::Unseen,
};
use crate::{
    observed::files::FileKind,
    types::{ANSWER_PORTS, Direction, Protocol, SubnetId, Traffic, VpcEndpointId},
};

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
    /// What does not let it through, each with the number of hops before it.
    /// What it would meet next is found out all the same, so that everything
    /// that is closed is told at once.
    pub(super) denials: Vec<(usize, Cause)>,
    /// Why it goes nowhere from its last hop.
    pub(super) stop: Option<Cause>,
    /// What is denied to others than SageMaker's instances.
    pub(super) remarks: Vec<Cause>,
    /// Who answers, where that is an interface in another VPC.
    pub(super) far: Option<Rc<FarEnd>>,
    /// Whether what is sent back goes by what nobody can look into.
    pub(super) is_back_unseen: bool,
    /// Endpoints of appliances that it went by and that answers have not passed.
    pub(super) appliances: Vec<VpcEndpointId>,
}

impl Leg {
    pub(super) fn stopped(mut self, cause: Cause) -> Self {
        self.stop = Some(cause);
        self
    }

    pub(super) fn denied(mut self, cause: Cause) -> Self {
        self.denials.push((self.hops.len(), cause));
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

    /// The route by which it came to where it is.
    pub(super) fn route(&self) -> Option<RouteUsed> {
        self.hops.last().and_then(Hop::route)
    }

    /// The route by which it left the source's subnet.
    pub(super) fn first_route(&self) -> Option<RouteUsed> {
        self.hops.iter().find_map(Hop::route)
    }

    /// Whether packets get there and answers back, as far as can be seen.
    pub(super) fn is_open(&self) -> bool {
        self.stop.is_none() && self.denials.is_empty()
    }

    /// The packet has arrived, unless it had before; what follows is the answer's
    /// way.
    pub(super) fn turned(mut self) -> Self {
        self.turn.get_or_insert(self.hops.len());
        self
    }

    /// The same way for other addresses.
    pub(super) fn with(&self, space: Space) -> Self {
        Self { space, ..self.clone() }
    }
}

/// The place of what stops the answer where it comes home, by whichever way.
pub(super) const AT_HOME: usize = usize::MAX;

/// What crosses a network ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    /// The packets themselves.
    There,
    /// Answers to an instance, which asks from a port that Linux chose.
    Back,
    /// Answers to a NAT gateway, which asks from any port above 1023.
    BackToNat,
}

impl Crossing {
    fn is_answer(self) -> bool {
        match self {
            Self::There => false,
            Self::Back | Self::BackToNat => true,
        }
    }
}

/// Where a packet leaves for a gateway: from a subnet, or from a regional NAT
/// gateway, which is in none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The subnet, by its place.
    pub(super) place: Option<usize>,
    /// The route table that it leaves by, by its place.
    pub(super) table: Option<usize>,
}

impl Edge {
    /// The edge of the subnet at `at`.
    pub(super) fn of(reach: &Reach<'_>, at: usize) -> Self {
        Self {
            place: Some(at),
            table: reach.places[at].table,
        }
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
    /// Whether an internet gateway takes it out as it is, by a public IPv4 address.
    pub(super) is_public: bool,
}

impl Trip<'_> {
    /// The packets as they cross; `None` for answers to what nothing answers.
    fn flow(&self, crossing: Crossing) -> Option<Flow> {
        let flow = self.target.flow;
        let on = |ports| Some(Flow { ports, ..flow });
        match crossing {
            Crossing::There => Some(flow),
            Crossing::Back if flow.has_ports() => on(EPHEMERAL),
            Crossing::BackToNat if flow.has_ports() => on(ANSWERS),
            Crossing::Back | Crossing::BackToNat => flow.answered(),
        }
    }

    /// Ports to which answers may go as well, to whoever was told to ask from
    /// other ports than Linux does; none where the ACL lets everything through.
    fn other_answers(&self, crossing: Crossing, acl: &Acl, direction: Direction) -> Vec<Flow> {
        match crossing {
            Crossing::Back if acl.open_by(direction, self.is_ipv6).is_some() => Vec::new(),
            Crossing::Back if self.target.flow.has_ports() => {
                let below = (ANSWERS.0, EPHEMERAL.0 - 1);
                let above = (EPHEMERAL.1 + 1, ANSWERS.1);
                let flow = |ports| Flow {
                    ports,
                    ..self.target.flow
                };
                vec![flow(below), flow(above)]
            }
            Crossing::There | Crossing::Back | Crossing::BackToNat => Vec::new(),
        }
    }

    /// That a rule of a network ACL denies these cells to or from these peers.
    fn denial(
        &self,
        acl: &Acl,
        direction: Direction,
        crossing: Crossing,
        (rule, cells): (i32, &[Cell]),
        peers: Vec<IpNet>,
    ) -> Cause {
        let flow = self.target.flow;
        Cause::AclDenies(AclDenial {
            else_allowed: rule < LAST_RULE && acl.passes_without(rule, direction, flow, cells.to_vec()),
            acl: acl.id.clone(),
            direction,
            rule,
            traffic: self.as_rule(crossing),
            peers,
            answer: crossing.is_answer(),
        })
    }

    /// Addresses at the far end, as the peers of rules of a network ACL.
    fn far(&self, cells: &[Cell]) -> Vec<IpNet> {
        let mut rest = self.target.space.clone();
        for cell in cells {
            take(&mut rest, &cell.net, EVERY_PORT);
        }
        if rest.is_empty()
            && let Some(block) = self.target.block
        {
            return vec![block];
        }
        distinct(cells)
    }

    /// What would have to be let through, as a rule is written.
    fn as_rule(&self, crossing: Crossing) -> Traffic {
        let flow = self.target.flow;
        if crossing.is_answer() && flow.has_ports() {
            return Traffic {
                protocol: Protocol::Number(flow.protocol),
                ports: Some(ANSWER_PORTS),
            };
        }
        match self.target.traffic.protocol {
            // No rule names what stands for all other protocols.
            Protocol::All if flow.protocol == ANY_OTHER => self.target.traffic,
            Protocol::All | Protocol::Number(_) => Traffic {
                protocol: Protocol::Number(flow.protocol),
                ports: self.flow(crossing).and_then(Flow::as_range),
            },
        }
    }
}

/// The blocks of addresses, each once.
fn distinct(cells: &[Cell]) -> Vec<IpNet> {
    let nets: BTreeSet<IpNet> = cells.iter().map(|cell| cell.net).collect();
    nets.into_iter().collect()
}

impl<'s> Reach<'s> {
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
            for leg in self.past_acl(trip, trip.from, Direction::Egress, Crossing::There, far) {
                let parts = self.routed(trip, trip.from, leg, |leg, lead| self.sent(trip, leg, lead));
                legs.extend(parts.into_iter().map(|leg| self.home(trip, leg)));
            }
        }
        legs
    }

    /// What goes nowhere has no answer; would the answer be let in?
    fn home(&self, trip: &Trip<'_>, mut leg: Leg) -> Leg {
        if leg.stop.is_some() && leg.turn.is_none() {
            let answer = Leg {
                space: leg.space.clone(),
                ..Leg::default()
            };
            let answers = self.past_acl(trip, trip.from, Direction::Ingress, Crossing::Back, answer);
            let denials = answers.into_iter().flat_map(|answer| answer.denials);
            leg.denials.extend(denials.map(|(_, cause)| (AT_HOME, cause)));
        }
        leg
    }

    /// Arrives in the subnet at `at`, where it may not be known who answers.
    pub(super) fn received(&self, trip: &Trip<'_>, mut leg: Leg, at: usize) -> Leg {
        leg.arrives = true;
        match trip.target.receiver {
            Receiver::Outside => {
                let subnet = self.places[at].id.clone();
                leg.unseen.push(Unseen::Receiver { subnet });
                leg
            }
            Receiver::Endpoint(..)
            | Receiver::Interface(_)
            | Receiver::MountTarget(_)
            | Receiver::Members
            | Receiver::SageMaker => leg,
        }
    }

    /// Takes a leg through the network ACL of the subnet at `at`, by the
    /// addresses at the target's end: what is denied parts from what is not.
    pub(super) fn past_acl(
        &self,
        trip: &Trip<'_>,
        at: usize,
        direction: Direction,
        crossing: Crossing,
        mut leg: Leg,
    ) -> Vec<Leg> {
        let place = &self.places[at];
        let Some(acl) = place.acl.map(|acl| &self.acls[acl]) else {
            return vec![leg.not_knowing(Unseen::NetworkAcls)];
        };
        let Some(flow) = trip.flow(crossing) else {
            return vec![leg];
        };
        let answer = crossing.is_answer();
        let asked = |leg: &Leg, flow: Flow| {
            if answer {
                on_ports(&leg.space, flow.ports)
            } else {
                leg.space.clone()
            }
        };
        let denial = |rule: i32, cells: &[Cell]| trip.denial(acl, direction, crossing, (rule, cells), trip.far(cells));
        for other in trip.other_answers(crossing, acl, direction) {
            let passage = acl.pass(direction, other, asked(&leg, other));
            let denied = passage.denied.iter().filter(|(_, cells)| !cells.is_empty());
            leg.remarks.extend(denied.map(|(rule, cells)| denial(*rule, cells)));
        }
        let passage = acl.pass(direction, flow, asked(&leg, flow));
        let mut legs = Vec::new();
        for (rule, cells) in passage.denied.into_iter().filter(|(_, cells)| !cells.is_empty()) {
            let mut denied = Space::new();
            for cell in &cells {
                let ports = if answer { EVERY_PORT } else { cell.ports };
                denied.extend(take(&mut leg.space, &cell.net, ports));
            }
            // Of answers, some ports of the same addresses may be denied by another rule.
            if !denied.is_empty() {
                legs.push(leg.with(denied).denied(denial(rule, &cells)));
            }
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
        crossing: Crossing,
        mut leg: Leg,
    ) -> Leg {
        let place = &self.places[at];
        let Some(acl) = place.acl.map(|acl| &self.acls[acl]) else {
            return leg.not_knowing(Unseen::NetworkAcls);
        };
        let Some(flow) = trip.flow(crossing) else {
            return leg;
        };
        let answer = crossing.is_answer();
        let pass = |flow: Flow| acl.pass(direction, flow, space(trip.nets.iter().copied(), flow.ports));
        let denial = |rule: i32, cells: &[Cell]| trip.denial(acl, direction, crossing, (rule, cells), distinct(cells));
        for other in trip.other_answers(crossing, acl, direction) {
            let denied = pass(other).denied;
            let denied = denied.iter().filter(|(_, cells)| !cells.is_empty());
            leg.remarks.extend(denied.map(|(rule, cells)| denial(*rule, cells)));
        }
        let passage = pass(flow);
        let mut denied = passage.denied.iter().filter(|(_, cells)| !cells.is_empty()).peekable();
        if denied.peek().is_some() {
            return denied.fold(leg, |leg, (rule, cells)| leg.denied(denial(*rule, cells)));
        }
        leg.past(Hop::NetworkAcl {
            acl: acl.id.clone(),
            subnet: place.id.clone(),
            direction,
            rule: passage.by,
            answer,
        })
    }

    /// Parts a leg by the routes of the subnet at `at`, and sends each part on.
    pub(super) fn routed(
        &self,
        trip: &Trip<'_>,
        at: usize,
        leg: Leg,
        send: impl FnMut(Leg, &Leads) -> Vec<Leg>,
    ) -> Vec<Leg> {
        let place = &self.places[at];
        match place.table {
            Some(table) => self.routed_by(trip, table, leg, send),
            None => {
                vec![self.without_table(&place.id, leg)]
            }
        }
    }

    /// Parts a leg by the routes of the table at `by`, and sends each part on.
    pub(super) fn routed_by(
        &self,
        trip: &Trip<'_>,
        by: usize,
        leg: Leg,
        mut send: impl FnMut(Leg, &Leads) -> Vec<Leg>,
    ) -> Vec<Leg> {
        let table = &self.tables[by];
        let of_family = table.routes.iter().filter(|lead| is_of_family(&lead.to, trip.is_ipv6));
        let (by_route, rest) = parts(of_family.map(|lead| (lead.to, lead)), leg.space.clone());
        let mut parts: Vec<(&Leads, Space)> = Vec::new();
        for (lead, part) in by_route {
            let same = parts
                .iter_mut()
                .find(|(other, _)| other.via == lead.via && other.destination == lead.destination);
            match same {
                Some((_, cells)) => cells.extend(part),
                None => parts.push((lead, part)),
            }
        }
        let not_knowing = |mut leg: Leg| {
            for unseen in &table.unknown {
                leg = leg.not_knowing(unseen.clone());
            }
            leg
        };
        let mut legs = Vec::new();
        for (lead, part) in parts {
            let mut leg = leg.with(part);
            if lead.via != Via::Local {
                leg = not_knowing(leg);
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
            legs.push(if table.unknown.is_empty() {
                let beside = trip.target.s3.as_ref();
                let beside = beside.and_then(|bucket| self.s3_endpoint_beside(bucket.as_ref()));
                let sibling = beside.or_else(|| self.sibling(Some(by), &leg.space));
                leg.stopped(Cause::NoRoute {
                    table: table.id.clone(),
                    is_ipv6: trip.is_ipv6,
                    sibling,
                })
            } else {
                not_knowing(leg)
            });
        }
        legs
    }

    /// Leaves a subnet that no route table was seen of.
    pub(super) fn without_table(&self, subnet: &SubnetId, leg: Leg) -> Leg {
        if self.snapshot.unread(FileKind::RouteTables).next().is_some() {
            return leg.not_knowing(Unseen::Routes { of: subnet.to_string() });
        }
        leg.stopped(Cause::NoRouteTable { subnet: subnet.clone() })
    }

    /// Follows a route out of the source's subnet.
    fn sent(&self, trip: &Trip<'_>, leg: Leg, lead: &Leads) -> Vec<Leg> {
        match &lead.via {
            Via::Local => self.within(trip, leg),
            Via::NatGateway(gateway) => self.past_nat(trip, gateway, leg),
            Via::InternetGateway(gateway) if !trip.is_ipv6 && !trip.is_public => {
                let table = self.places[trip.from].table.map(|table| self.tables[table].id.clone());
                let gateway = gateway.clone();
                vec![match table {
                    Some(table) => leg.stopped(Cause::NoPublicAddress {
                        route: RouteUsed {
                            table,
                            destination: lead.destination.clone(),
                        },
                        gateway,
                    }),
                    None => leg,
                }]
            }
            Via::Across(link) => self.come_in(trip, self.across(trip, link, leg)),
            Via::Blackhole(_)
            | Via::GatewayEndpoint(_)
            | Via::InternetGateway(_)
            | Via::EgressOnlyInternetGateway(_)
            | Via::Unseen(_) => self.come_in(trip, self.out(trip, Edge::of(self, trip.from), leg, lead)),
        }
    }

    /// Answers come in to the source's subnet.
    fn come_in(&self, trip: &Trip<'_>, out: Vec<Leg>) -> Vec<Leg> {
        let mut legs = Vec::new();
        for leg in out {
            if leg.stop.is_some() {
                legs.push(leg);
            } else {
                legs.extend(self.past_acl(trip, trip.from, Direction::Ingress, Crossing::Back, leg.turned()));
            }
        }
        legs
    }
}
