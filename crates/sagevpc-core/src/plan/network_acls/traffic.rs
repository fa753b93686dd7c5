//! What must pass the network ACLs.
//!
//! An ACL stands at the edge of a subnet: what stays within it never meets the
//! ACL. It keeps no state, so each conversation needs a way for the question
//! and one for the answer, at each subnet that it crosses. Name resolution
//! needs none: packets to and from AWS's own resolver are not filtered.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{passage::Passage, ways};
use crate::{
    catalog::{ELASTIC_INFERENCE, Symptom, names_service},
    demand::{Demand, DemandPeer},
    observed::{PrefixList, Subnet, VpcSnapshot},
    plan::{draft::Draft, project::project, resolved::ResolvedProfile},
    types::{ANSWER_PORTS, Direction, NetworkAclId, Protocol, RouteTableId, SubnetId, Traffic},
};

/// Workloads that need the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Beneficiaries {
    /// What their users see without.
    pub(super) symptom: Option<Symptom>,
    /// Their places, by those of their profiles.
    pub(super) workloads: BTreeMap<usize, BTreeSet<usize>>,
}

/// What must pass one ACL, each with the places of its beneficiaries.
pub(super) type Passages = BTreeMap<Passage, BTreeSet<usize>>;

/// What must pass the ACLs, and for whom.
pub(super) struct Needed {
    pub(super) acls: BTreeMap<NetworkAclId, Passages>,
    pub(super) beneficiaries: Vec<Beneficiaries>,
}

/// What must pass each of the ACLs that `is_judged` names.
pub(super) fn gather(
    draft: &Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    is_judged: impl Fn(&NetworkAclId) -> bool,
) -> Needed {
    let acls = acls(draft.snapshot, is_judged);
    let mut needed = Needed {
        acls: BTreeMap::new(),
        beneficiaries: Vec::new(),
    };
    if acls.is_empty() {
        return needed;
    }
    // Who asks the same from the same subnets needs the same: the work follows
    // from the number of different needs and not of workloads.
    let mut asked: BTreeMap<(Vec<&SubnetId>, Ask<'_>), (&ResolvedProfile<'_>, Beneficiaries)> = BTreeMap::new();
    for (place, resolved) in profiles.iter().enumerate().filter(|(_, one)| one.takes_part()) {
        let subnets: Vec<&SubnetId> = resolved.subnets.iter().map(|subnet| &subnet.subnet_id).collect();
        for index in 0..resolved.profile().workloads.len() {
            for (ask, symptom) in asks(resolved, index) {
                let (_, whom) = asked
                    .entry((subnets.clone(), ask))
                    .or_insert_with(|| (resolved, Beneficiaries::default()));
                whom.symptom = symptom;
                whom.workloads.entry(place).or_default().insert(index);
            }
        }
    }
    let projected = project(draft.snapshot, draft.actions().map(|planned| &planned.action));
    let peers = Peers {
        s3: s3_cidrs(&projected),
        endpoints: ways::endpoints(&projected),
        projected: &projected,
    };
    for ((_, ask), (resolved, whom)) in asked {
        let mut crossings = Crossings {
            acls: &acls,
            passages: &mut needed.acls,
            whom: needed.beneficiaries.len(),
        };
        crossings.carry(ask, resolved, &peers);
        needed.beneficiaries.push(whom);
    }
    needed
}

/// What a workload asks, from whichever of its subnets it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ask<'a> {
    /// S3 in the region.
    S3(Traffic),
    /// The other instances of its job, in any of its subnets.
    Members(Traffic),
    /// Whatever else is in its subnets.
    Subnets(Traffic),
    /// A service's interface endpoints, by the name that it is called by.
    Endpoints(Traffic, &'a str),
    /// A host, or a block of addresses, outside.
    Outside(Traffic, Option<IpNet>),
}

impl<'a> Ask<'a> {
    fn of(demand: &'a Demand) -> Self {
        let traffic = demand.traffic;
        match &demand.peer {
            DemandPeer::S3 { .. } => Self::S3(traffic),
            DemandPeer::Members => Self::Members(traffic),
            DemandPeer::OwnSubnets => Self::Subnets(traffic),
            DemandPeer::Service(name) => Self::Endpoints(traffic, name),
            DemandPeer::ElasticInference => Self::Endpoints(traffic, ELASTIC_INFERENCE),
            DemandPeer::Host(_) => Self::Outside(traffic, None),
            DemandPeer::Cidr { cidr, .. } => Self::Outside(traffic, Some(*cidr)),
        }
    }
}

/// What a workload asks of whom that crosses ACLs: nothing that it reaches past
/// the VPC.
fn asks<'a>(resolved: &'a ResolvedProfile<'_>, place: usize) -> impl Iterator<Item = (Ask<'a>, Option<Symptom>)> {
    let demands = resolved.network.demands.of_workload(place).iter();
    let crossing = demands.filter(|demand| demand.is_of_the_vpc() && !demand.is_inside_only());
    crossing.map(|demand| (Ask::of(demand), demand.symptom()))
}

/// Where the peers are.
struct Peers<'a> {
    /// The VPC once the plan is carried out.
    projected: &'a VpcSnapshot,
    s3: Vec<IpNet>,
    /// The subnets of interface endpoints, by service.
    endpoints: BTreeMap<&'a str, BTreeSet<&'a SubnetId>>,
}

/// The ACL of each subnet, where it is judged.
fn acls(snapshot: &VpcSnapshot, is_judged: impl Fn(&NetworkAclId) -> bool) -> BTreeMap<&SubnetId, &NetworkAclId> {
    let subnets = snapshot.subnets.keys();
    subnets
        .filter_map(|subnet| Some((subnet, &snapshot.network_acl_of(subnet)?.network_acl_id)))
        .filter(|(_, acl)| is_judged(acl))
        .collect()
}

/// What comes back. Only TCP has answers that need a passage of their own: rules
/// for anything else always come in pairs, one each way.
fn answer_to(asked: Traffic) -> Option<Traffic> {
    (asked.protocol == Protocol::TCP).then_some(Traffic {
        ports: Some(ANSWER_PORTS),
        ..asked
    })
}

/// Lets the packets of one need pass.
struct Crossings<'a> {
    /// The ACL of each subnet, where it is judged.
    acls: &'a BTreeMap<&'a SubnetId, &'a NetworkAclId>,
    passages: &'a mut BTreeMap<NetworkAclId, Passages>,
    /// The place of the beneficiaries.
    whom: usize,
}

impl Crossings<'_> {
    fn carry(&mut self, ask: Ask<'_>, resolved: &ResolvedProfile<'_>, peers: &Peers<'_>) {
        let subnets = &resolved.subnets;
        match ask {
            Ask::S3(traffic) => {
                for subnet in subnets {
                    for cidr in &peers.s3 {
                        self.end(subnet, true, traffic, End::of_network(*cidr));
                    }
                }
            }
            // Each subnet may be the one that asks, so that one direction of a
            // pair of rules gives both.
            Ask::Members(traffic) | Ask::Subnets(traffic) => {
                for asks in subnets {
                    for asked in subnets {
                        self.between(asks, asked, traffic);
                    }
                }
            }
            Ask::Endpoints(traffic, name) => {
                let of_service = peers
                    .endpoints
                    .iter()
                    .filter(|(service, _)| names_service(service, name));
                let places: BTreeSet<&SubnetId> = of_service.flat_map(|(_, subnets)| subnets).copied().collect();
                for endpoint in places.into_iter().filter_map(|id| peers.projected.subnets.get(id)) {
                    for subnet in subnets {
                        self.between(subnet, endpoint, traffic);
                    }
                }
            }
            Ask::Outside(traffic, cidr) => {
                for (table, subnet) in tables_of(resolved) {
                    let nat = ways::nat(peers.projected, table);
                    match cidr {
                        Some(IpNet::V4(_)) => self.outside(subnet, nat, traffic, cidr),
                        Some(IpNet::V6(_)) => self.outside(subnet, None, traffic, cidr),
                        None => {
                            let anywhere = IpNet::V4(ipnet::Ipv4Net::default());
                            self.outside(subnet, nat, traffic, Some(anywhere));
                            let has_ipv6 = ways::leads_ipv6_out(peers.projected, table);
                            let anywhere = has_ipv6.then(|| ipnet::Ipv6Net::default().into());
                            self.outside(subnet, None, traffic, anywhere);
                        }
                    }
                }
            }
        }
    }

    /// Lets packets pass the ACL of one subnet.
    fn pass(&mut self, subnet: &Subnet, passage: Passage) {
        if let Some(acl) = self.acls.get(&subnet.subnet_id) {
            let passages = self.passages.entry((*acl).clone()).or_default();
            passages.entry(passage).or_default().insert(self.whom);
        }
    }

    /// One end of a conversation, at the subnet of whoever asks or, with the
    /// directions turned, of whoever is asked.
    fn end(&mut self, subnet: &Subnet, asks: bool, traffic: Traffic, peer: End) {
        let (question, answer) = if asks {
            (Direction::Egress, Direction::Ingress)
        } else {
            (Direction::Ingress, Direction::Egress)
        };
        self.pass(subnet, peer.passage(question, traffic));
        if let Some(back) = answer_to(traffic) {
            self.pass(subnet, peer.passage(answer, back));
        }
    }

    /// A conversation between two subnets.
    fn between(&mut self, asks: &Subnet, asked: &Subnet, traffic: Traffic) {
        if asks.subnet_id == asked.subnet_id {
            return;
        }
        for (mine, theirs) in pairs(asks, asked) {
            self.end(asks, true, traffic, End::of_network(theirs));
            self.end(asked, false, traffic, End::of_network(mine));
        }
    }

    /// A conversation with something outside, through a NAT gateway where there
    /// is one on the way.
    fn outside(&mut self, subnet: &Subnet, nat: Option<&Subnet>, traffic: Traffic, peer: Option<IpNet>) {
        let Some(cidr) = peer else { return };
        let peer = End { cidr, is_chosen: true };
        self.end(subnet, true, traffic, peer);
        let Some(nat) = nat.filter(|nat| nat.subnet_id != subnet.subnet_id) else {
            return;
        };
        for mine in subnet.cidrs().filter(|mine| matches!(mine, IpNet::V4(_))) {
            self.end(nat, false, traffic, End::of_network(mine));
        }
        self.end(nat, true, traffic, peer);
    }
}

/// Whoever a subnet speaks with.
#[derive(Clone, Copy)]
struct End {
    cidr: IpNet,
    /// Whether a team chose it.
    is_chosen: bool,
}

impl End {
    /// S3, or something in the VPC.
    const fn of_network(cidr: IpNet) -> Self {
        Self { cidr, is_chosen: false }
    }

    const fn passage(self, direction: Direction, traffic: Traffic) -> Passage {
        Passage {
            direction,
            protocol: traffic.protocol,
            ports: traffic.ports,
            cidr: self.cidr,
            is_chosen: self.is_chosen,
        }
    }
}

/// Addresses of two subnets, by pairs of the same IP version.
fn pairs(a: &Subnet, b: &Subnet) -> Vec<(IpNet, IpNet)> {
    let is_same = |mine: &IpNet, theirs: &IpNet| matches!(mine, IpNet::V4(_)) == matches!(theirs, IpNet::V4(_));
    a.cidrs()
        .flat_map(|mine| b.cidrs().map(move |theirs| (mine, theirs)))
        .filter(|(mine, theirs)| is_same(mine, theirs))
        .collect()
}

/// The subnets of a profile, each with its route table.
fn tables_of<'a>(resolved: &'a ResolvedProfile<'_>) -> impl Iterator<Item = (&'a RouteTableId, &'a Subnet)> {
    resolved.tables.iter().flat_map(|(table, ids)| {
        let on_it = resolved
            .subnets
            .iter()
            .filter(|subnet| ids.contains(&&subnet.subnet_id));
        on_it.map(move |subnet| (table, *subnet))
    })
}

fn s3_cidrs(snapshot: &VpcSnapshot) -> Vec<IpNet> {
    snapshot
        .s3_prefix_list()
        .and_then(PrefixList::addresses)
        .unwrap_or_default()
}
