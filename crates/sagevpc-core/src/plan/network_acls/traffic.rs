//! What workloads need that network ACLs deny, and whom it is for.
//!
//! Whether packets pass is asked of `reach`, of the network as it will be once
//! the plan is carried out, with the rules that are to be judged in its ACLs.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::passage::Passage;
use crate::{
    catalog::Symptom,
    observed::{Subnet, VpcSnapshot},
    plan::{
        draft::Draft,
        project::{acl_entry, project},
        reachability::{destinations, reader},
        resolved::ResolvedProfile,
    },
    reach::{AclDenial, Destination},
    types::{AclEntry, LAST_ACL_RULE, NetworkAclId, PrivatePeer, SubnetId},
};

/// Workloads that need the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Beneficiaries {
    /// What their users see without.
    pub(super) symptom: Option<Symptom>,
    /// The places of their profiles.
    pub(super) profiles: BTreeSet<usize>,
}

/// What one ACL denies though it is needed, each with the places of its
/// beneficiaries.
pub(super) type Passages = BTreeMap<Passage, BTreeSet<usize>>;

/// What workloads ask of whom, in the network to come.
pub(super) struct Asked {
    projected: VpcSnapshot,
    /// By where packets begin and what they go to, the place of whoever asks.
    ways: BTreeMap<(SubnetId, Destination), usize>,
    pub(super) beneficiaries: Vec<Beneficiaries>,
}

impl Asked {
    /// What all workloads ask, from whichever of their subnets.
    pub(super) fn gather(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Self {
        let projected = project(draft.snapshot, draft.actions().map(|planned| &planned.action)).into_owned();
        let mut asked = Self {
            projected,
            ways: BTreeMap::new(),
            beneficiaries: Vec::new(),
        };
        for (place, resolved) in profiles.iter().enumerate().filter(|(_, one)| one.takes_part()) {
            let subnets: Vec<SubnetId> = resolved.subnets.iter().map(|one| one.subnet_id.clone()).collect();
            for workload in 0..resolved.profile().workloads.len() {
                let wanted = destinations(&asked.projected, resolved, workload, &subnets);
                for (destination, demand) in wanted {
                    for subnet in &subnets {
                        asked.note(place, subnet, &destination, demand.symptom());
                    }
                }
            }
        }
        asked
    }

    fn note(&mut self, profile: usize, subnet: &SubnetId, destination: &Destination, symptom: Option<Symptom>) {
        let next = self.beneficiaries.len();
        // ACLs tell no bucket from another.
        let destination = match destination {
            Destination::S3 { .. } if destination.is_directory_bucket() => destination.clone(),
            Destination::S3 { .. } => Destination::S3 { bucket: None },
            Destination::Service(_)
            | Destination::PackageMirrors
            | Destination::BucketElsewhere { .. }
            | Destination::Members { .. }
            | Destination::Efa
            | Destination::Resolver { .. }
            | Destination::Subnet { .. }
            | Destination::Host { .. }
            | Destination::Cidr { .. }
            | Destination::Inside { .. } => destination.clone(),
        };
        let place = *self.ways.entry((subnet.clone(), destination)).or_insert(next);
        if place == next {
            self.beneficiaries.push(Beneficiaries::default());
        }
        let whom = &mut self.beneficiaries[place];
        whom.symptom = whom.symptom.into_iter().chain(symptom).min();
        whom.profiles.insert(profile);
    }

    /// The ACLs that packets may cross: those of subnets where one begins or is
    /// received.
    pub(super) fn crossed(&self) -> BTreeSet<&NetworkAclId> {
        let vpc = &self.projected;
        if self.ways.is_empty() {
            return BTreeSet::new();
        }
        let endpoints = vpc.vpc_endpoints.iter().flat_map(|endpoint| &endpoint.subnet_ids);
        let nats = vpc.nat_gateways.values().filter_map(|nat| nat.subnet_id.as_ref());
        let starts = self.ways.keys().map(|(subnet, _)| subnet);
        let inside = self.ways.keys().flat_map(|(_, to)| received_in(vpc, to));
        let all = starts.chain(endpoints).chain(nats).chain(inside);
        all.filter_map(|subnet| vpc.network_acl_of(subnet))
            .map(|acl| &acl.network_acl_id)
            .collect()
    }

    /// What is denied where the ACLs hold these rules; those for which there
    /// are none given hold what they will.
    pub(super) fn denied<'r, R>(
        &self,
        draft: &Draft<'_>,
        rules: impl Fn(&NetworkAclId) -> Option<R>,
    ) -> BTreeMap<NetworkAclId, Passages>
    where
        R: IntoIterator<Item = &'r AclEntry>,
    {
        let mut vpc = self.projected.clone();
        for (id, acl) in &mut vpc.network_acls {
            if let Some(rules) = rules(id) {
                acl.entries = rules.into_iter().map(acl_entry).collect();
            }
        }
        let reach = reader(draft, &vpc);
        let mut denied: BTreeMap<NetworkAclId, Passages> = BTreeMap::new();
        for ((subnet, destination), place) in &self.ways {
            let start = reach.from(subnet, &BTreeSet::new());
            let Some((start, source)) = start.zip(vpc.subnets.get(subnet)) else {
                continue;
            };
            for denial in start.acl_denials(destination) {
                let passages = denied.entry(denial.acl.clone()).or_default();
                for passage in passages_of(&vpc, source, destination, &denial) {
                    passages.entry(passage).or_default().insert(*place);
                }
            }
        }
        denied
    }
}

/// What must pass in place of what is denied. Rules name subnets rather than
/// the addresses that something has in them, and what teams chose as they chose
/// it.
fn passages_of(vpc: &VpcSnapshot, source: &Subnet, destination: &Destination, denial: &AclDenial) -> BTreeSet<Passage> {
    let peer = |net: &IpNet| {
        let holds = |block: &IpNet| block.contains(net);
        if let Some(block) = source.cidrs().find(holds) {
            return (block, false);
        }
        if let Some(block) = chosen(destination, net).filter(holds) {
            return (block, true);
        }
        let subnets = vpc.subnets.values().flat_map(Subnet::cidrs);
        (subnets.into_iter().find(holds).unwrap_or(*net), false)
    };
    let by = u16::try_from(denial.rule).ok().filter(|rule| *rule < LAST_ACL_RULE);
    let peers = denial.peers.iter().map(peer);
    peers
        .map(|(cidr, is_chosen)| Passage {
            direction: denial.direction,
            protocol: denial.traffic.protocol,
            ports: denial.traffic.ports,
            cidr,
            is_chosen,
            by,
        })
        .collect()
}

/// The block that a team chose, of the same IP version as `net`: of a name, all
/// addresses, for any may be its.
fn chosen(destination: &Destination, net: &IpNet) -> Option<IpNet> {
    match destination {
        Destination::Cidr { cidr, .. }
        | Destination::Inside {
            whom: PrivatePeer::Cidr(cidr),
            ..
        } => Some(*cidr),
        Destination::Resolver { server, .. } => Some(IpNet::from(*server)),
        Destination::Host { name, .. } => Some(match (name.parse::<IpAddr>().map(IpNet::from), net) {
            (Ok(address), _) => address,
            (Err(_), IpNet::V4(_)) => Ipv4Net::default().into(),
            (Err(_), IpNet::V6(_)) => Ipv6Net::default().into(),
        }),
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
        } => None,
    }
}

/// The subnets in which what a team names may be.
fn received_in<'v>(vpc: &'v VpcSnapshot, destination: &Destination) -> BTreeSet<&'v SubnetId> {
    let in_block = |cidr: &IpNet| -> BTreeSet<&'v SubnetId> {
        let meets = |own: IpNet| own.contains(cidr) || cidr.contains(&own);
        let subnets = vpc.subnets.values();
        subnets
            .filter(|subnet| subnet.cidrs().any(meets))
            .map(|subnet| &subnet.subnet_id)
            .collect()
    };
    match destination {
        Destination::Cidr { cidr, .. }
        | Destination::Inside {
            whom: PrivatePeer::Cidr(cidr),
            ..
        } => in_block(cidr),
        Destination::Inside {
            whom: PrivatePeer::Group(group),
            ..
        } => {
            let interfaces = vpc.network_interfaces.values();
            interfaces
                .filter(|interface| interface.groups.iter().any(|worn| worn.group_id == *group))
                .map(|interface| &interface.subnet_id)
                .collect()
        }
        Destination::Resolver { server, .. } => in_block(&IpNet::from(*server)),
        Destination::Inside {
            whom: PrivatePeer::Host { .. },
            ..
        } => vpc.subnets.keys().collect(),
        Destination::S3 { .. }
        | Destination::PackageMirrors
        | Destination::BucketElsewhere { .. }
        | Destination::Service(_)
        | Destination::Members { .. }
        | Destination::Efa
        | Destination::Subnet { .. }
        | Destination::Host { .. } => BTreeSet::new(),
    }
}
