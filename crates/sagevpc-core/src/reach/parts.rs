//! The parts of a way, from the source's security groups to the receiver's.

use std::{borrow::Cow, collections::BTreeSet};

use ipnet::IpNet;

use super::{
    across::FarEnd,
    call_back::CallBack,
    cause::Cause,
    filter::{Admission, Groups},
    hop::Hop,
    names::{Receiver, Resolution},
    network::{AT_HOME, Leg, Trip},
    space::{Cell, space, take},
    start::Start,
    unseen::Unseen,
    verdict::Path,
};
use crate::types::{Direction, Peer, Rule, SecurityGroupId, VpcEndpointId};

/// How one part of a destination fares, from the source's groups to the
/// receiver's.
pub(super) struct Part<'l> {
    pub(super) leg: Cow<'l, Leg>,
    /// The rule of the source's groups that admits it, before the leg.
    pub(super) admitted: Option<&'l (SecurityGroupId, Rule)>,
    /// What the receiver's groups say, at the leg's turn.
    pub(super) received: Option<Hop>,
    /// What stops it, in the order in which it is met.
    pub(super) stops: Vec<(StoppedAt, Cause)>,
    /// Its addresses, where a stop concerns these alone.
    pub(super) only: Option<IpNet>,
    pub(super) unseen: Vec<Unseen>,
}

/// Where a part is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoppedAt {
    AtTheSource,
    /// After so many hops of the leg.
    OnTheWay(usize),
    AtTheReceiver,
}

impl Start<'_, '_> {
    /// Adds the parts of the way to one target.
    pub(super) fn add_parts<'l>(
        &self,
        parts: &mut Vec<Part<'l>>,
        trip: &Trip<'_>,
        admission: &'l Admission,
        legs: &'l [Leg],
    ) {
        let by = admission.by.as_ref();
        if admission.refused.is_empty() {
            parts.extend(legs.iter().map(|leg| self.part(trip, by, Cow::Borrowed(leg))));
            return;
        }
        let target = trip.target;
        if by.is_none() {
            let legs = legs.iter().map(Cow::Borrowed);
            parts.extend(legs.map(|leg| self.refused(trip, target.whom.clone(), admission, leg, None)));
            return;
        }
        let mut open = target.space.clone();
        for cell in &admission.refused {
            take(&mut open, &cell.net, cell.ports);
        }
        let only = admission.refused.first().map(|cell| cell.net);
        let peers = match &target.receiver {
            Receiver::Members | Receiver::Endpoint(..) | Receiver::MountTarget(_) => target.whom.clone(),
            Receiver::Outside | Receiver::Interface(_) | Receiver::SageMaker => blocks_of(&admission.refused),
        };
        let closed = self.reach.network(trip, admission.refused.clone()).into_iter();
        parts.extend(closed.map(|leg| self.refused(trip, peers.clone(), admission, Cow::Owned(leg), only)));
        let ways = self.reach.network(trip, open);
        parts.extend(ways.into_iter().map(|leg| self.part(trip, by, Cow::Owned(leg))));
    }

    /// The part that goes by this leg.
    fn part<'l>(&self, trip: &Trip<'_>, admitted: Option<&'l (SecurityGroupId, Rule)>, leg: Cow<'l, Leg>) -> Part<'l> {
        let received = match &leg.far {
            Some(far) => Some(self.received_far(trip, far)),
            None => leg.arrives.then(|| self.received(trip)),
        };
        let (received, refusal, unseen) = received.unwrap_or_default();
        let turn = leg.turn.unwrap_or(AT_HOME);
        let on_the_way = |(hops, cause): &(usize, Cause)| (StoppedAt::OnTheWay(*hops), cause.clone());
        let before = leg.denials.iter().filter(|(hops, _)| *hops < turn).map(on_the_way);
        let is_after = |(hops, _): &&(usize, Cause)| *hops >= turn && *hops < AT_HOME;
        let after = leg.denials.iter().filter(is_after).map(on_the_way);
        let at_home = leg.denials.iter().filter(|(hops, _)| *hops == AT_HOME).map(on_the_way);
        let end = leg
            .stop
            .iter()
            .map(|cause| (StoppedAt::OnTheWay(leg.hops.len()), cause.clone()));
        let CallBack {
            let_out,
            let_in,
            unseen: not_seen,
        } = if leg.arrives {
            self.called_back(trip, &leg)
        } else {
            CallBack::default()
        };
        let there = |cause| (StoppedAt::AtTheReceiver, cause);
        let at_the_receiver = refusal.into_iter().chain(let_out).map(there);
        Part {
            stops: before
                .chain(at_the_receiver)
                .chain(after)
                .chain(end)
                .chain(at_home)
                .chain(let_in.map(there))
                .collect(),
            only: None,
            unseen: leg.unseen.iter().cloned().chain(unseen).chain(not_seen).collect(),
            admitted,
            received,
            leg,
        }
    }

    /// The part that the source's groups do not admit, unless that cannot be
    /// told.
    fn refused<'l>(
        &self,
        trip: &Trip<'_>,
        peers: Vec<Peer>,
        admission: &Admission,
        leg: Cow<'l, Leg>,
        only: Option<IpNet>,
    ) -> Part<'l> {
        let unseen = not_known(admission);
        let mut part = self.part(trip, None, leg);
        if unseen.is_empty() {
            let cause = Cause::NotAdmitted {
                groups: self.groups.iter().cloned().collect(),
                direction: Direction::Egress,
                traffic: trip.target.traffic,
                peers,
                endpoint: None,
                callers: None,
            };
            part.stops.insert(0, (StoppedAt::AtTheSource, cause));
            part.only = only;
        }
        part.unseen.extend(unseen);
        part
    }

    /// What the receiver's groups say of the source.
    fn received(&self, trip: &Trip<'_>) -> (Option<Hop>, Option<Cause>, Vec<Unseen>) {
        let target = trip.target;
        let groups = match &target.receiver {
            Receiver::Endpoint(_, groups) | Receiver::Interface(groups) if !groups.is_empty() => groups,
            Receiver::Members => &self.groups,
            // An interface without groups, such as a gateway's, admits all.
            Receiver::Endpoint(..)
            | Receiver::Interface(_)
            | Receiver::Outside
            | Receiver::MountTarget(_)
            | Receiver::SageMaker => {
                return (None, None, Vec::new());
            }
        };
        let endpoint = match &target.receiver {
            Receiver::Endpoint(endpoint, _) => Some(endpoint.clone()),
            Receiver::Outside
            | Receiver::Interface(_)
            | Receiver::MountTarget(_)
            | Receiver::Members
            | Receiver::SageMaker => None,
        };
        let whom = match &target.receiver {
            Receiver::Members => Some(target.whom.clone()),
            Receiver::Outside
            | Receiver::Endpoint(..)
            | Receiver::Interface(_)
            | Receiver::MountTarget(_)
            | Receiver::SageMaker => None,
        };
        let answers = Answering {
            rules: &self.reach.groups,
            groups,
            sources: trip.nets,
            peers: &self.groups,
            callers: match &target.receiver {
                Receiver::Endpoint(..) | Receiver::Interface(_) => Some(self.groups.iter().cloned().collect()),
                Receiver::Outside | Receiver::MountTarget(_) | Receiver::Members | Receiver::SageMaker => None,
            },
            endpoint,
            whom,
        };
        answers.receive(trip)
    }

    /// What the groups of an interface in another VPC say of the source.
    fn received_far(&self, trip: &Trip<'_>, far: &FarEnd) -> (Option<Hop>, Option<Cause>, Vec<Unseen>) {
        let none = BTreeSet::new();
        let Some(rules) = self.reach.groups_of(&far.vpc) else {
            return (None, None, Vec::new());
        };
        let answers = Answering {
            rules,
            groups: &far.groups,
            sources: &far.sources,
            peers: if far.knows_groups { &self.groups } else { &none },
            callers: Some(if far.knows_groups {
                self.groups.iter().cloned().collect()
            } else {
                Vec::new()
            }),
            endpoint: None,
            whom: None,
        };
        answers.receive(trip)
    }
}

/// Whoever answers, with groups that admit sources or do not.
struct Answering<'a> {
    rules: &'a Groups,
    groups: &'a BTreeSet<SecurityGroupId>,
    sources: &'a [IpNet],
    /// The source's groups, as far as rules may name them.
    peers: &'a BTreeSet<SecurityGroupId>,
    /// The interface endpoint that it is, if it is one.
    endpoint: Option<VpcEndpointId>,
    /// The source's groups, where a rule may name them.
    callers: Option<Vec<SecurityGroupId>>,
    /// How the source is told, where it is not by its addresses.
    whom: Option<Vec<Peer>>,
}

impl Answering<'_> {
    fn receive(self, trip: &Trip<'_>) -> (Option<Hop>, Option<Cause>, Vec<Unseen>) {
        let target = trip.target;
        let sources = space(self.sources.iter().copied(), target.flow.ports);
        let admission = self
            .rules
            .admit(self.groups, Direction::Ingress, target.flow, sources, self.peers);
        let unseen = not_known(&admission);
        let by = admission.by;
        let hop = by.map(|(group, rule)| Hop::SecurityGroup { group, rule });
        if admission.refused.is_empty() {
            return (hop, None, Vec::new());
        }
        if !unseen.is_empty() {
            return (hop, None, unseen);
        }
        let peers = self.whom.unwrap_or_else(|| blocks_of(&admission.refused));
        let cause = Cause::NotAdmitted {
            groups: self.groups.iter().cloned().collect(),
            direction: Direction::Ingress,
            traffic: target.traffic,
            peers,
            callers: self.callers,
            endpoint: self.endpoint,
        };
        (hop, Some(cause), Vec::new())
    }
}

/// The blocks of addresses, each once, as peers of rules.
pub(super) fn blocks_of(cells: &[Cell]) -> Vec<Peer> {
    let nets: BTreeSet<IpNet> = cells.iter().map(|cell| cell.net).collect();
    nets.into_iter().map(Peer::Cidr).collect()
}

pub(super) fn not_known(admission: &Admission) -> Vec<Unseen> {
    let lists = admission
        .unknown_lists
        .iter()
        .map(|list| Unseen::PrefixList { list: list.to_string() });
    let groups = admission.unknown_groups.iter();
    lists
        .chain(groups.map(|group| Unseen::SecurityGroup {
            group: group.to_string(),
        }))
        .collect()
}

/// The steps of a part, up to what stops it.
pub(super) fn path(resolution: &Resolution, part: &Part<'_>) -> Path {
    let mut hops = resolution.hops.clone();
    hops.extend(
        part.admitted
            .cloned()
            .map(|(group, rule)| Hop::SecurityGroup { group, rule }),
    );
    let leg = &part.leg;
    let turn = leg.turn.unwrap_or(leg.hops.len()).min(leg.hops.len());
    let first = part.stops.first().map(|(place, _)| *place);
    let (there, back) = match first {
        Some(StoppedAt::AtTheSource) => return Path(hops),
        Some(StoppedAt::OnTheWay(last)) if last < turn => (&leg.hops[..last], &leg.hops[..0]),
        Some(StoppedAt::OnTheWay(last)) => (&leg.hops[..turn], &leg.hops[turn..last]),
        Some(StoppedAt::AtTheReceiver) | None => leg.hops.split_at(turn),
    };
    hops.extend(there.iter().cloned());
    let is_stopped_here = match first {
        Some(StoppedAt::AtTheReceiver) => true,
        Some(StoppedAt::OnTheWay(last)) => last < turn,
        Some(StoppedAt::AtTheSource) | None => false,
    };
    if leg.turn.is_some() && !is_stopped_here {
        hops.extend(part.received.clone());
        let mut targets = resolution.targets.iter().filter(|_| leg.arrives);
        hops.extend(targets.find_map(|target| match &target.receiver {
            Receiver::Endpoint(endpoint, _) => Some(Hop::InterfaceEndpoint {
                endpoint: endpoint.clone(),
            }),
            Receiver::Outside
            | Receiver::Interface(_)
            | Receiver::MountTarget(_)
            | Receiver::Members
            | Receiver::SageMaker => None,
        }));
        hops.extend(back.iter().cloned());
    }
    Path(hops)
}
