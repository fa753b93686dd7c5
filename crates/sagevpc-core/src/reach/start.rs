//! Where packets begin, and what is asked of them: each way is followed once.

use std::{collections::BTreeSet, rc::Rc};

use ipnet::IpNet;

use super::{
    Destination, Reach, ResolvedDestination,
    acl_denial::AclDenial,
    alike::{Numbers, TargetNumbers, Way},
    cause::{Cause, Stop},
    filter::{Admission, LAST_RULE},
    hop::Hop,
    names::{Receiver, Resolution, Target, is_of_family},
    network::{Leg, Trip},
    parts::Part,
    unseen::Unseen,
    verdict::{Answer, Extent, Path, Verdict, distinct, stops_of, unseen_of},
};
use crate::{
    observed::NetworkInterface,
    types::{Direction, PrivatePeer, SecurityGroupId, SubnetId},
};

/// Where packets begin: in a subnet, with the security groups of a workload.
pub struct Start<'r, 's> {
    pub(super) reach: &'r Reach<'s>,
    place: usize,
    pub(super) groups: Rc<BTreeSet<SecurityGroupId>>,
    numbers: Numbers,
    /// The addresses, of IPv4 and of IPv6.
    nets: [Vec<IpNet>; 2],
    sender: Sender,
}

/// What packets begin at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// Whatever is in the subnet, at any of its addresses, none of them public.
    Anything,
    /// One interface.
    Interface {
        /// Whether it has a public IPv4 address, by which internet gateways know it.
        is_public: bool,
    },
}

/// A destination as it is seen from where packets begin.
pub(super) struct Asked {
    is_ipv6: bool,
    resolved: Rc<ResolvedDestination>,
}

impl Asked {
    fn resolution(&self) -> &Resolution {
        &self.resolved.resolution
    }
}

impl<'s> Reach<'s> {
    /// From a subnet; `None` where the VPC has no such subnet.
    pub fn from(&self, subnet: &SubnetId, groups: &BTreeSet<SecurityGroupId>) -> Option<Start<'_, 's>> {
        let place = *self.place_of.get(subnet)?;
        Some(self.starting(place, &self.places[place].nets, groups, Sender::Anything))
    }

    /// From a network interface, with its addresses and groups; `None` where its
    /// subnet was not seen.
    pub fn from_interface(&self, interface: &NetworkInterface) -> Option<Start<'_, 's>> {
        let place = *self.place_of.get(&interface.subnet_id)?;
        let nets: Vec<IpNet> = interface.addresses().map(IpNet::from).collect();
        let groups = interface.groups.iter().map(|group| group.group_id.clone()).collect();
        let is_public = interface.public_addresses().next().is_some();
        Some(self.starting(place, &nets, &groups, Sender::Interface { is_public }))
    }

    fn starting(
        &self,
        place: usize,
        nets: &[IpNet],
        groups: &BTreeSet<SecurityGroupId>,
        sender: Sender,
    ) -> Start<'_, 's> {
        let (groups, numbers) = self.known.borrow_mut().wearing(groups, &self.groups);
        Start {
            reach: self,
            place,
            groups,
            numbers,
            nets: [false, true].map(|is_ipv6| nets.iter().copied().filter(|net| is_of_family(net, is_ipv6)).collect()),
            sender,
        }
    }
}

impl Start<'_, '_> {
    /// Follows packets to the destination, and answers back.
    pub fn to(&self, destination: &Destination) -> Verdict {
        if *destination == Destination::Efa {
            return self
                .efa()
                .map_or_else(|| Verdict::Reachable(Path::default()), |answer| answer.verdict);
        }
        let asked = self.resolve(destination);
        self.follow(&asked, |parts| self.conclude(asked.resolution(), parts))
    }

    /// The same with all that is in the way; `None` where nothing is, which is
    /// found out faster, for no way is written down.
    pub fn answer(&self, destination: &Destination) -> Option<Answer> {
        if *destination == Destination::Efa {
            return self.efa();
        }
        let asked = self.resolve(destination);
        let way = match self.sender {
            Sender::Anything => Way::new(self.numbers, &self.groups, self.place, &asked.resolved),
            Sender::Interface { .. } => None,
        };
        if way.is_some_and(|way| self.reach.known.borrow().alike.is_plain(&way)) {
            return None;
        }
        let resolution = asked.resolution();
        self.follow(&asked, |parts| {
            let is_plain =
                // Groups of other VPCs may name some groups and not others that are alike here.
                |part: &Part<'_>| {
                    part.stops.is_empty() && part.unseen.is_empty() && part.leg.remarks.is_empty() && part.leg.far.is_none()
                };
            if let Some(way) = way.filter(|_| parts.iter().all(is_plain)) {
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
            if asked.resolution().unresolved.is_some() {
                return Extent::default();
            }
            let is_open = |part: &&Part<'_>| part.stops.is_empty() && counts(&part.leg.hops, &part.unseen);
            let open = parts.iter().filter(is_open);
            Extent(open.flat_map(|part| part.leg.space.iter().cloned()).collect())
        })
    }

    /// What network ACLs deny on the way, whatever security groups say. Of a
    /// name whose addresses are not known, what somebody's own rule denies is no
    /// obstacle while others are let through.
    pub fn acl_denials(&self, destination: &Destination) -> Vec<AclDenial> {
        let asked = self.resolve(destination);
        let Ok(ways) = self.ways(&asked) else {
            return Vec::new();
        };
        let legs = || ways.iter().flat_map(|legs| legs.iter());
        let is_partly_open = asked.resolution().somewhere_in.is_some() && legs().any(Leg::is_open);
        let denials = legs().flat_map(|leg| &leg.denials);
        let counts = |denial: &&AclDenial| !is_partly_open || denial.rule == LAST_RULE;
        let of_acls = denials.filter_map(|(_, cause)| cause.acl_denial());
        distinct(of_acls.filter(counts).cloned())
    }

    /// What the destination is from here.
    pub(super) fn resolve(&self, destination: &Destination) -> Asked {
        let is_ipv6 = self.is_ipv6_to(destination);
        let resolved = self.reach.resolve(destination, is_ipv6);
        Asked { is_ipv6, resolved }
    }

    /// Whether the destination's name is resolved first.
    pub(super) fn is_by_name(&self, destination: &Destination) -> bool {
        self.resolve(destination).resolution().is_by_name
    }

    /// By which family the destination is reached from here.
    fn is_ipv6_to(&self, destination: &Destination) -> bool {
        let has_ipv4 = !self.nets[0].is_empty();
        match destination {
            Destination::Cidr { cidr, .. }
            | Destination::Inside {
                whom: PrivatePeer::Cidr(cidr),
                ..
            } => is_of_family(cidr, true),
            Destination::Resolver { server, .. } => server.is_ipv6(),
            Destination::Host { name, .. } => name
                .parse()
                .map_or(!has_ipv4, |address: std::net::IpAddr| address.is_ipv6()),
            Destination::S3 { .. }
            | Destination::BucketElsewhere { .. }
            | Destination::PackageMirrors
            | Destination::Service(_)
            | Destination::Members { .. }
            | Destination::Efa
            | Destination::Subnet { .. }
            | Destination::Inside {
                whom: PrivatePeer::Group(_) | PrivatePeer::Host { .. },
                ..
            } => !has_ipv4,
        }
    }

    /// Gives the parts of the way to whoever concludes from them; where there
    /// is none, the verdict is clear.
    fn follow<T: From<Verdict>>(&self, asked: &Asked, conclude: impl FnOnce(&[Part<'_>]) -> T) -> T {
        let resolution = asked.resolution();
        let ways = match self.ways(asked) {
            Ok(ways) => ways,
            Err(cause) => {
                let stop = Stop {
                    cause: *cause,
                    part: None,
                };
                return Verdict::Stopped(Path(resolution.hops.clone()), stop).into();
            }
        };
        let nets = self.nets_of(asked);
        let admissions: Vec<Rc<Admission>> = resolution
            .targets
            .iter()
            .zip(&asked.resolved.targets)
            .map(|(target, numbers)| self.admission(target, (self.numbers.set, numbers.target)))
            .collect();
        let mut parts: Vec<Part<'_>> = Vec::new();
        for ((target, legs), admission) in resolution.targets.iter().zip(&ways).zip(&admissions) {
            self.add_parts(&mut parts, &self.trip(target, nets, asked.is_ipv6), admission, legs);
        }
        conclude(&parts)
    }

    /// The ways to each target, whatever security groups say, or why there is
    /// none.
    pub(super) fn ways(&self, asked: &Asked) -> Result<Vec<Rc<Vec<Leg>>>, Box<Cause>> {
        let resolution = asked.resolution();
        if let Some(cause) = &resolution.stop {
            return Err(Box::new(cause.clone()));
        }
        let nets = self.nets_of(asked);
        if nets.is_empty() || resolution.targets.iter().any(|target| target.space.is_empty()) {
            return Err(Box::new(Cause::NoAddress {
                subnet: self.reach.places[self.place].id.clone(),
            }));
        }
        let way = |(target, numbers): (&Target, &TargetNumbers)| {
            let follow = || {
                let trip = self.trip(target, nets, asked.is_ipv6);
                Rc::new(self.reach.network(&trip, target.space.clone()))
            };
            if self.sender != Sender::Anything {
                return follow();
            }
            let key = (self.place, numbers.packets);
            let known = self.reach.known.borrow().ways.get(&key).cloned();
            known.unwrap_or_else(|| {
                let legs = follow();
                self.reach.known.borrow_mut().ways.insert(key, legs.clone());
                legs
            })
        };
        Ok(resolution
            .targets
            .iter()
            .zip(&asked.resolved.targets)
            .map(way)
            .collect())
    }

    /// The source's addresses of the family that the destination is asked by.
    fn nets_of(&self, asked: &Asked) -> &[IpNet] {
        &self.nets[usize::from(asked.is_ipv6)]
    }

    fn trip<'t>(&self, target: &'t Target, nets: &'t [IpNet], is_ipv6: bool) -> Trip<'t> {
        Trip {
            from: self.place,
            nets,
            target,
            is_ipv6,
            is_public: self.sender == Sender::Interface { is_public: true },
        }
    }

    /// What the source's groups say of a target, which goes by this key: the
    /// same in every subnet.
    fn admission(&self, target: &Target, key: (usize, usize)) -> Rc<Admission> {
        let known = &self.reach.known;
        if let Some(found) = known.borrow().admissions.get(&key) {
            return found.clone();
        }
        let none = BTreeSet::new();
        let snapshot = self.reach.snapshot;
        let one = target
            .block
            .filter(|block| block.prefix_len() == block.max_prefix_len());
        let beyond = one.map(|block| snapshot.beyond.groups_at(snapshot, block.addr()));
        let beyond = beyond.unwrap_or_default();
        let peers = match &target.receiver {
            Receiver::Members => &self.groups,
            Receiver::Outside => &beyond,
            receiver @ (Receiver::Endpoint(..)
            | Receiver::Interface(_)
            | Receiver::MountTarget(_)
            | Receiver::SageMaker) => receiver.groups().unwrap_or(&none),
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
