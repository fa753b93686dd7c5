//! Where packets begin, and what is asked of them: each way is followed once.

use std::{collections::BTreeSet, rc::Rc};

use ipnet::IpNet;

use super::{
    Destination, Reach,
    alike::{Numbers, Way},
    filter::Admission,
    hop::{Cause, Hop, Stop},
    names::{Receiver, Resolution, Target, is_of_family},
    network::{Leg, Trip},
    parts::Part,
    unseen::Unseen,
    verdict::{Answer, Extent, Path, Verdict, distinct, stops_of, unseen_of},
};
use crate::types::{Direction, SecurityGroupId, SubnetId};

/// Where packets begin: in a subnet, with the security groups of a workload.
pub struct Start<'r, 's> {
    pub(super) reach: &'r Reach<'s>,
    place: usize,
    pub(super) groups: Rc<BTreeSet<SecurityGroupId>>,
    numbers: Numbers,
    /// The subnet's addresses, of IPv4 and of IPv6.
    nets: [Vec<IpNet>; 2],
}

/// A destination as it is seen from where packets begin.
struct Asked {
    is_ipv6: bool,
    /// The number that it shares with those that fare alike.
    number: usize,
    resolution: Rc<Resolution>,
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

impl Start<'_, '_> {
    /// Follows packets to the destination, and answers back.
    pub fn to(&self, destination: &Destination) -> Verdict {
        let asked = self.resolve(destination);
        self.follow(&asked, |parts| self.conclude(&asked.resolution, parts))
    }

    /// The same with all that is in the way; `None` where nothing is, which is
    /// found out faster, for no way is written down.
    pub fn answer(&self, destination: &Destination) -> Option<Answer> {
        let asked = self.resolve(destination);
        let resolution = asked.resolution.as_ref();
        let way = Way::new(self.numbers, &self.groups, self.place, asked.number, resolution);
        if self.reach.known.borrow().alike.is_plain(&way) {
            return None;
        }
        self.follow(&asked, |parts| {
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

    /// How much of the destination packets get to by ways that count, each told
    /// by its hops and by what cannot be seen of it.
    pub fn extent(&self, destination: &Destination, counts: impl Fn(&[Hop], &[Unseen]) -> bool) -> Extent {
        let asked = self.resolve(destination);
        self.follow(&asked, |parts| {
            if asked.resolution.unresolved.is_some() {
                return Extent::default();
            }
            let is_open = |part: &&Part<'_>| part.stops.is_empty() && counts(&part.leg.hops, &part.unseen);
            let open = parts.iter().filter(is_open);
            Extent(open.flat_map(|part| part.leg.space.iter().cloned()).collect())
        })
    }

    /// What the destination is from here.
    fn resolve(&self, destination: &Destination) -> Asked {
        let is_ipv6 = self.is_ipv6_to(destination);
        let (number, resolution) = self.reach.resolve(destination, is_ipv6);
        Asked {
            is_ipv6,
            number,
            resolution,
        }
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
    fn follow<T: From<Verdict>>(&self, asked: &Asked, conclude: impl FnOnce(&[Part<'_>]) -> T) -> T {
        let Asked {
            is_ipv6,
            number,
            ref resolution,
        } = *asked;
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
        conclude(&parts)
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
}
