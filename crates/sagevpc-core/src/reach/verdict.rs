//! Security groups at both ends, and what the whole way comes to.

use std::{borrow::Cow, collections::BTreeSet, rc::Rc};

use ipnet::IpNet;

use super::{
    Destination, Reach,
    alike::{Numbers, Way},
    filter::Admission,
    hop::{Cause, Hop, Stop},
    names::{Receiver, Resolution, Target, is_of_family},
    network::{AT_HOME, Leg, Trip},
    space::{Space, space, take},
    unseen::Unseen,
};
use crate::types::{Direction, Rule, SecurityGroupId, SubnetId, listed};

/// The steps of a way, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Hop>);

/// Whether packets get there, and answers back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do.
    Reachable(Path),
    /// They do not: the way up to the first stop.
    Stopped(Path, Stop),
    /// It hangs on what cannot be seen.
    Unknown(Path, Vec<Unseen>),
}

impl Verdict {
    /// The way, as far as it goes.
    pub const fn path(&self) -> &Path {
        match self {
            Self::Reachable(path) | Self::Stopped(path, _) | Self::Unknown(path, _) => path,
        }
    }
}

/// A verdict on what is not plainly reached, with all that is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether packets get there.
    pub verdict: Verdict,
    /// Everything that stops them, the first first, as far as that can be found
    /// out before the first is mended; where it is not known whether they are
    /// stopped, what stops them on the way to some of the addresses.
    pub causes: Vec<Cause>,
    /// What cannot be seen, also past what stops them.
    pub unseen: Vec<Unseen>,
    /// What stops only those that were told to use other ports than SageMaker's
    /// instances do.
    pub remarks: Vec<Cause>,
}

/// The addresses of a destination that packets get to, on the ports that are
/// asked for.
#[derive(Clone, Debug, Default)]
pub struct Extent(Space);

impl Extent {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of the other's are among them.
    pub fn covers(&self, other: &Self) -> bool {
        let mut rest = other.0.clone();
        for cell in &self.0 {
            take(&mut rest, &cell.net, cell.ports);
        }
        rest.is_empty()
    }
}

impl From<Verdict> for Extent {
    /// What is clear from the start is that they get nowhere.
    fn from(_: Verdict) -> Self {
        Self::default()
    }
}

impl From<Verdict> for Option<Answer> {
    /// What is clear from the start has one cause.
    fn from(verdict: Verdict) -> Self {
        let causes = match &verdict {
            Verdict::Stopped(_, stop) => vec![stop.cause.clone()],
            Verdict::Reachable(_) | Verdict::Unknown(..) => Vec::new(),
        };
        Some(Answer {
            verdict,
            causes,
            unseen: Vec::new(),
            remarks: Vec::new(),
        })
    }
}

/// Where packets begin: in a subnet, with the security groups of a workload.
pub struct Start<'r, 's> {
    reach: &'r Reach<'s>,
    place: usize,
    groups: Rc<BTreeSet<SecurityGroupId>>,
    numbers: Numbers,
    /// The subnet's addresses, of IPv4 and of IPv6.
    nets: [Vec<IpNet>; 2],
}

impl<'s> Reach<'s> {
    /// From a subnet; `None` where the VPC has no such subnet.
    pub fn from(&self, subnet: &SubnetId, groups: &BTreeSet<SecurityGroupId>) -> Option<Start<'_, 's>> {
        let place = *self.place_of.get(subnet)?;
        let nets = [false, true].map(|is_ipv6| {
            let nets = self.places[place].nets.iter().copied();
            nets.filter(|net| is_of_family(net, is_ipv6)).collect()
        });
        let (groups, numbers) = self.known.borrow_mut().wearing(groups, &self.groups);
        Some(Start {
            reach: self,
            place,
            groups,
            numbers,
            nets,
        })
    }
}

/// How one part of a destination fares, from the source's groups to the
/// receiver's.
struct Part<'l> {
    leg: Cow<'l, Leg>,
    /// The rule of the source's groups that admits it, before the leg.
    admitted: Option<&'l (SecurityGroupId, Rule)>,
    /// What the receiver's groups say, at the leg's turn.
    received: Option<Hop>,
    /// What stops it, in the order in which it is met.
    stops: Vec<(StoppedAt, Cause)>,
    /// Its addresses, where a stop concerns these alone.
    only: Option<IpNet>,
    unseen: Vec<Unseen>,
}

/// Where a part is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoppedAt {
    AtTheSource,
    /// After so many hops of the leg.
    OnTheWay(usize),
    AtTheReceiver,
}

impl Start<'_, '_> {
    /// Follows packets to the destination, and answers back.
    pub fn to(&self, destination: &Destination) -> Verdict {
        self.follow(destination, |resolution, parts| self.conclude(resolution, parts))
    }

    /// The same with all that is in the way; `None` where nothing is, which is
    /// found out faster, for no way is written down.
    pub fn answer(&self, destination: &Destination) -> Option<Answer> {
        let is_ipv6 = self.is_ipv6_to(destination);
        let (number, resolution) = self.reach.resolve(destination, is_ipv6);
        let way = Way::new(self.numbers, &self.groups, self.place, number, &resolution);
        if self.reach.known.borrow().alike.is_plain(&way) {
            return None;
        }
        self.follow(destination, |resolution, parts| {
            let is_plain =
                |part: &Part<'_>| part.stops.is_empty() && part.unseen.is_empty() && part.leg.remarks.is_empty();
            let resolves = resolution.unseen.is_empty() && resolution.unresolved.is_none();
            if resolves && parts.iter().all(is_plain) {
                self.reach.known.borrow_mut().alike.note_plain(way);
                return None;
            }
            let verdict = self.conclude(resolution, parts);
            let causes = match &verdict {
                Verdict::Stopped(_, first) => self.causes(resolution, parts, &first.cause),
                Verdict::Unknown(..) => distinct(stops_of(parts)),
                Verdict::Reachable(_) => Vec::new(),
            };
            let unseen = match &verdict {
                Verdict::Unknown(_, unseen) => unseen.clone(),
                Verdict::Stopped(..) => unseen_of(resolution, parts),
                Verdict::Reachable(_) => Vec::new(),
            };
            let remarks = parts.iter().flat_map(|part| part.leg.remarks.iter().cloned());
            Some(Answer {
                verdict,
                causes,
                unseen,
                remarks: distinct(remarks),
            })
        })
    }

    /// Everything that stops any part, each cause once, the first first.
    fn causes(&self, resolution: &Resolution, parts: &[Part<'_>], first: &Cause) -> Vec<Cause> {
        // Behind a detour nothing is to be mended.
        if resolution.detour.is_some() {
            let detour = parts.iter().find_map(|part| part.stops.first());
            let detour = detour.map(|(_, cause)| self.explained(resolution, cause.clone()));
            return distinct(std::iter::once(first.clone()).chain(detour));
        }
        let all = stops_of(parts);
        distinct(std::iter::once(first.clone()).chain(all))
    }

    /// The cause, or that of the detour that led to it.
    fn explained(&self, resolution: &Resolution, cause: Cause) -> Cause {
        let vpc = self.reach.snapshot.vpc.vpc_id.as_str();
        match &resolution.detour {
            Some(detour) => detour.explain(vpc, cause),
            None => cause,
        }
    }

    /// How much of the destination packets get to by ways that count, each told
    /// by its hops and by what cannot be seen of it.
    pub fn extent(&self, destination: &Destination, counts: impl Fn(&[Hop], &[Unseen]) -> bool) -> Extent {
        self.follow(destination, |resolution, parts| {
            if resolution.unresolved.is_some() {
                return Extent::default();
            }
            let is_open = |part: &&Part<'_>| part.stops.is_empty() && counts(&part.leg.hops, &part.unseen);
            let open = parts.iter().filter(is_open);
            Extent(open.flat_map(|part| part.leg.space.iter().cloned()).collect())
        })
    }

    /// By which family the destination is reached from here.
    fn is_ipv6_to(&self, destination: &Destination) -> bool {
        let has_ipv4 = !self.nets[0].is_empty();
        match destination {
            Destination::Cidr { cidr, .. } => is_of_family(cidr, true),
            Destination::Host { name, .. } => name
                .parse()
                .map_or(!has_ipv4, |address: std::net::IpAddr| address.is_ipv6()),
            Destination::S3 { .. }
            | Destination::Service(_)
            | Destination::Members { .. }
            | Destination::Subnet { .. } => !has_ipv4,
        }
    }

    /// Gives the parts of the way to whoever concludes from them; where there
    /// is none, the verdict is clear.
    fn follow<T: From<Verdict>>(
        &self,
        destination: &Destination,
        conclude: impl FnOnce(&Resolution, &[Part<'_>]) -> T,
    ) -> T {
        let is_ipv6 = self.is_ipv6_to(destination);
        let (number, resolution) = self.reach.resolve(destination, is_ipv6);
        let nets = self.nets[usize::from(is_ipv6)].as_slice();
        let early = resolution.stop.clone().or_else(|| {
            let has_no_address = nets.is_empty() || resolution.targets.iter().any(|target| target.space.is_empty());
            has_no_address.then(|| Cause::NoAddress {
                subnet: self.reach.places[self.place].id.clone(),
            })
        });
        if let Some(cause) = early {
            return Verdict::Stopped(Path(resolution.hops.clone()), Stop { cause, part: None }).into();
        }
        let ways: Vec<Rc<Vec<Leg>>> = resolution
            .targets
            .iter()
            .enumerate()
            .map(|(place, target)| {
                let key = (self.place, number, place);
                let known = self.reach.known.borrow().ways.get(&key).cloned();
                known.unwrap_or_else(|| {
                    let trip = self.trip(target, nets, is_ipv6);
                    let legs = Rc::new(self.reach.network(&trip, target.space.clone()));
                    self.reach.known.borrow_mut().ways.insert(key, legs.clone());
                    legs
                })
            })
            .collect();
        let admissions: Vec<Rc<Admission>> = resolution
            .targets
            .iter()
            .enumerate()
            .map(|(place, target)| self.admission(target, (self.numbers.set, number, place)))
            .collect();
        let mut parts: Vec<Part<'_>> = Vec::new();
        for ((target, legs), admission) in resolution.targets.iter().zip(&ways).zip(&admissions) {
            self.add_parts(&mut parts, &self.trip(target, nets, is_ipv6), admission, legs);
        }
        conclude(&resolution, &parts)
    }

    fn trip<'t>(&self, target: &'t Target, nets: &'t [IpNet], is_ipv6: bool) -> Trip<'t> {
        Trip {
            from: self.place,
            nets,
            target,
            is_ipv6,
        }
    }

    /// What the source's groups say of a target, which goes by this key: the
    /// same in every subnet.
    fn admission(&self, target: &Target, key: (usize, usize, usize)) -> Rc<Admission> {
        let known = &self.reach.known;
        if let Some(found) = known.borrow().admissions.get(&key) {
            return found.clone();
        }
        let none = BTreeSet::new();
        let peers = match &target.receiver {
            Receiver::Endpoint(_, groups) | Receiver::Interface(groups) => groups,
            Receiver::Members => &self.groups,
            Receiver::Outside | Receiver::SageMaker => &none,
        };
        let admission = Rc::new(self.reach.groups.admit(
            &self.groups,
            Direction::Egress,
            target.flow,
            target.space.clone(),
            peers,
        ));
        known.borrow_mut().admissions.insert(key, admission.clone());
        admission
    }

    /// Adds the parts of the way to one target.
    fn add_parts<'l>(&self, parts: &mut Vec<Part<'l>>, trip: &Trip<'_>, admission: &'l Admission, legs: &'l [Leg]) {
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
        let peer = match &target.receiver {
            Receiver::Members => target.whom.clone(),
            Receiver::Outside | Receiver::Endpoint(..) | Receiver::Interface(_) | Receiver::SageMaker => {
                listed(admission.refused.iter().map(|cell| cell.net).collect::<BTreeSet<_>>())
            }
        };
        let closed = self.reach.network(trip, admission.refused.clone()).into_iter();
        parts.extend(closed.map(|leg| self.refused(trip, peer.clone(), admission, Cow::Owned(leg), only)));
        let ways = self.reach.network(trip, open);
        parts.extend(ways.into_iter().map(|leg| self.part(trip, by, Cow::Owned(leg))));
    }

    /// The part that goes by this leg.
    fn part<'l>(&self, trip: &Trip<'_>, admitted: Option<&'l (SecurityGroupId, Rule)>, leg: Cow<'l, Leg>) -> Part<'l> {
        let received = leg.arrives.then(|| self.received(trip));
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
        let at_the_receiver = refusal.into_iter().map(|cause| (StoppedAt::AtTheReceiver, cause));
        Part {
            stops: before
                .chain(at_the_receiver)
                .chain(after)
                .chain(end)
                .chain(at_home)
                .collect(),
            only: None,
            unseen: leg.unseen.iter().cloned().chain(unseen).collect(),
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
        peer: String,
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
                peer,
                endpoint: None,
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
            Receiver::Endpoint(..) | Receiver::Interface(_) | Receiver::Outside | Receiver::SageMaker => {
                return (None, None, Vec::new());
            }
        };
        let sources = space(trip.nets.iter().copied(), target.flow.ports);
        let admission = self
            .reach
            .groups
            .admit(groups, Direction::Ingress, target.flow, sources, &self.groups);
        let unseen = not_known(&admission);
        let by = admission.by;
        let hop = by.map(|(group, rule)| Hop::SecurityGroup { group, rule });
        let Some(refused) = admission.refused.first() else {
            return (hop, None, Vec::new());
        };
        if !unseen.is_empty() {
            return (hop, None, unseen);
        }
        let peer = match &target.receiver {
            Receiver::Members => target.whom.clone(),
            Receiver::Outside | Receiver::Endpoint(..) | Receiver::Interface(_) | Receiver::SageMaker => {
                refused.net.to_string()
            }
        };
        let cause = Cause::NotAdmitted {
            groups: groups.iter().cloned().collect(),
            direction: Direction::Ingress,
            traffic: target.traffic,
            peer,
            endpoint: match &target.receiver {
                Receiver::Endpoint(endpoint, _) => Some(endpoint.clone()),
                Receiver::Outside | Receiver::Interface(_) | Receiver::Members | Receiver::SageMaker => None,
            },
        };
        (hop, Some(cause), Vec::new())
    }

    fn conclude(&self, resolution: &Resolution, parts: &[Part<'_>]) -> Verdict {
        if let Some(cause) = &resolution.unresolved {
            let cause = cause.clone();
            return Verdict::Stopped(Path::default(), Stop { cause, part: None });
        }
        let stopped = parts
            .iter()
            .find_map(|part| part.stops.first().map(|(_, cause)| (part, cause)));
        let open = parts.iter().find(|part| part.stops.is_empty());
        let mut unseen = resolution.unseen.clone();
        let is_stopped = match (&resolution.somewhere_in, &stopped, open) {
            (_, None, _) => false,
            (Some(name), Some(_), Some(_)) => {
                unseen.push(Unseen::Addresses { name: name.clone() });
                false
            }
            (None, Some(_), _) | (Some(_), Some(_), None) => true,
        };
        if let (true, Some((part, cause))) = (is_stopped, stopped) {
            let fares_alike = |other: &Part<'_>| other.stops.first().is_some_and(|(_, first)| first == cause);
            let is_a_part = !parts.iter().all(fares_alike) && resolution.targets.len() == 1;
            let first_cell = || part.leg.space.first().map(|cell| cell.net);
            let stop = Stop {
                cause: self.explained(resolution, cause.clone()),
                part: part.only.or_else(|| first_cell().filter(|_| is_a_part)),
            };
            return Verdict::Stopped(path(resolution, part), stop);
        }
        for part in parts.iter().filter(|part| part.stops.is_empty()) {
            unseen.extend(part.unseen.iter().cloned());
        }
        unseen.sort();
        unseen.dedup();
        let shown = parts
            .iter()
            .filter(|part| part.stops.is_empty())
            .max_by_key(|part| !part.unseen.is_empty());
        let path = shown.map_or_else(|| Path(resolution.hops.clone()), |part| path(resolution, part));
        if unseen.is_empty() {
            Verdict::Reachable(path)
        } else {
            Verdict::Unknown(path, unseen)
        }
    }
}

fn not_known(admission: &Admission) -> Vec<Unseen> {
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
fn path(resolution: &Resolution, part: &Part<'_>) -> Path {
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
            Receiver::Outside | Receiver::Interface(_) | Receiver::Members | Receiver::SageMaker => None,
        }));
        hops.extend(back.iter().cloned());
    }
    Path(hops)
}

/// What cannot be seen of the way, also past what stops it.
fn unseen_of(resolution: &Resolution, parts: &[Part<'_>]) -> Vec<Unseen> {
    let of_parts = parts.iter().flat_map(|part| &part.unseen);
    let unseen: BTreeSet<&Unseen> = resolution.unseen.iter().chain(of_parts).collect();
    unseen.into_iter().cloned().collect()
}

/// What stops any part.
fn stops_of<'p>(parts: &'p [Part<'_>]) -> impl Iterator<Item = Cause> + 'p {
    parts
        .iter()
        .flat_map(|part| part.stops.iter().map(|(_, cause)| cause.clone()))
}

/// Each once, in the order in which they come.
fn distinct(causes: impl Iterator<Item = Cause>) -> Vec<Cause> {
    causes.fold(Vec::new(), |mut all, cause| {
        if !all.contains(&cause) {
            all.push(cause);
        }
        all
    })
}
