//! What SageMaker's network interfaces use: the ways that their workloads need
//! and that they have.
//!
//! An interface needs what was relied on with its groups until now, by what was
//! noted of profiles in force: a spec that was edited does not change what runs,
//! nor does a profile that takes another's place. Where nobody was noted for one
//! of its groups nobody can tell, so that it needs whatever it reaches of what
//! the VPC offers. Besides, it needs what profiles declare on whose subnets and
//! groups it is.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    closed::Closed,
    holders::Holders,
    standing::{WayStanding, standing},
};
use crate::{
    desired::KeptOfPolicy,
    observed::{NetworkAcl, NetworkInterface, Subnet, VpcSnapshot},
    plan::{
        consumers::Territory,
        draft::Draft,
        kept::HeldThing,
        reachability::{destinations, reader},
        resolved::{ResolvedProfile, WorkloadGroups},
    },
    reach::Destination,
    types::{
        BucketAccess, BucketUse, Direction, Holdings, Peer, PortRange, ProfileKey, Protocol, Rule, SecurityGroupId,
        SubnetId, Traffic,
    },
};

const HTTPS: u16 = 443;
const ELASTIC_INFERENCE: &str = "elastic-inference.runtime";

/// Interfaces that have the same subnet and groups, and so the same ways.
pub(super) struct User<'a> {
    pub(super) subnet: &'a SubnetId,
    pub(super) groups: BTreeSet<SecurityGroupId>,
    pub(super) interfaces: Vec<&'a NetworkInterface>,
    /// The profiles whose they may be by what is declared.
    pub(super) profiles: BTreeSet<&'a ProfileKey>,
    /// What was relied on with their groups; `None` where nobody can tell.
    pub(super) noted: Option<Holdings>,
    /// The ways that they need and have.
    pub(super) ways: Vec<(Destination, WayStanding)>,
}

/// Everyone who uses the VPC, in the order of subnets and groups.
pub(super) fn users<'a>(
    draft: &Draft<'a>,
    profiles: &'a [ResolvedProfile<'a>],
    known: &WorkloadGroups,
) -> Vec<User<'a>> {
    let snapshot = draft.snapshot;
    let mut alike: BTreeMap<(&SubnetId, BTreeSet<SecurityGroupId>), Vec<&NetworkInterface>> = BTreeMap::new();
    for interface in snapshot.running_interfaces() {
        let groups: BTreeSet<SecurityGroupId> = interface.groups.iter().map(|group| group.group_id.clone()).collect();
        // None is without a group, unless nobody looked.
        if !groups.is_empty() {
            alike.entry((&interface.subnet_id, groups)).or_default().push(interface);
        }
    }
    if alike.is_empty() {
        return Vec::new();
    }
    let territories: Vec<(Territory<'a>, &'a ResolvedProfile<'a>)> = profiles
        .iter()
        .filter(|resolved| resolved.takes_part())
        .map(|resolved| (Territory::of(resolved, known), resolved))
        .collect();
    let holders = Holders::noted(draft);
    let offer = Offer::of(draft);
    let members = Members::of(alike.keys());
    let ports = Ports::of(snapshot);
    let closed = Closed::now(draft);
    let reach = reader(draft, snapshot);
    alike
        .into_iter()
        .map(|((subnet, groups), interfaces)| {
            let whose: Vec<&ResolvedProfile<'_>> = territories
                .iter()
                .filter(|(territory, _)| territory.holds_interface(snapshot, interfaces[0]))
                .map(|(_, resolved)| *resolved)
                .collect();
            let noted = holders.with(draft, &groups);
            let relied_on = noted.unwrap_or(Holdings::EVERYTHING);
            let went_out = relied_on.may_hold(&HeldThing::WayOut.to_string());
            let mut needs: BTreeSet<Destination> = offer.held_by(relied_on).collect();
            needs.extend(by_rules(snapshot, &groups, &members, &ports, went_out));
            needs.extend(
                whose
                    .iter()
                    .flat_map(|resolved| declared(draft, resolved, &groups, known)),
            );
            let start = reach.from(subnet, &groups);
            let ways = start.map_or_else(Vec::new, |start| {
                let ways = needs.into_iter().map(|way| {
                    let standing = standing(draft, &closed, &start, &way);
                    (way, standing)
                });
                ways.filter(|(_, standing)| standing.is_any()).collect()
            });
            User {
                subnet,
                groups,
                interfaces,
                profiles: whose.iter().map(|resolved| resolved.key()).collect(),
                noted,
                ways,
            }
        })
        .collect()
}

/// What the VPC offers that something in it may use.
struct Offer {
    buckets: BTreeSet<String>,
    /// Services with an interface endpoint, by their full names.
    services: BTreeSet<String>,
}

impl Offer {
    fn of(draft: &Draft<'_>) -> Self {
        let region = &draft.network.vpc.region;
        let snapshot = draft.snapshot;
        let named = draft
            .network
            .profiles
            .iter()
            .flat_map(|network| network.profile.bucket_uses())
            .map(|bucket| bucket.name);
        let mut buckets: BTreeSet<String> = named.chain(draft.history.buckets.keys().cloned()).collect();
        for endpoint in snapshot.s3_gateway_endpoints() {
            let policy = endpoint.policy().ok();
            buckets.extend(
                policy
                    .into_iter()
                    .flat_map(|policy| KeptOfPolicy::of(&policy, region, |_| true).buckets.into_keys()),
            );
        }
        let endpoints = snapshot.vpc_endpoints.iter();
        let services = endpoints.filter(|endpoint| endpoint.is_interface() && endpoint.is_there());
        Self {
            buckets,
            services: services.map(|endpoint| endpoint.service_name.clone()).collect(),
        }
    }

    /// What of it the holder may rely on.
    fn held_by(&self, holdings: Holdings) -> impl Iterator<Item = Destination> {
        let uses = self.buckets.iter().flat_map(|name| {
            let all = [BucketAccess::ReadOnly, BucketAccess::ReadWrite];
            all.map(|access| BucketUse::new(name, access))
        });
        let buckets = uses.filter(move |bucket| {
            let thing = HeldThing::Bucket(bucket).to_string();
            holdings.may_hold(&thing)
        });
        let services = self.services.iter().filter(move |service| {
            let thing = if service.ends_with(ELASTIC_INFERENCE) {
                HeldThing::ElasticInference
            } else {
                HeldThing::Service(service)
            };
            holdings.may_hold(&thing.to_string())
        });
        let s3 = Destination::S3 { bucket: None };
        let buckets = buckets.map(|bucket| Destination::S3 { bucket: Some(bucket) });
        let services = services.map(|service| Destination::Service(service.clone()));
        std::iter::once(s3).chain(buckets).chain(services)
    }
}

/// What a profile's workloads with these groups need by its spec.
fn declared(
    draft: &Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    groups: &BTreeSet<SecurityGroupId>,
    known: &WorkloadGroups,
) -> BTreeSet<Destination> {
    let profile = resolved.profile();
    let mut needs = BTreeSet::new();
    for place in 0..profile.workloads.len() {
        let its_own = known.of_workload(resolved.key(), place);
        if its_own.is_none_or(|its_own| its_own.is_disjoint(groups)) {
            continue;
        }
        let subnets = resolved.subnets_to_name(place);
        needs.extend(destinations(draft.snapshot, resolved, place, &subnets).into_keys());
    }
    needs
}

/// Subnets in which a group's members are.
struct Members<'a>(BTreeMap<SecurityGroupId, BTreeSet<&'a SubnetId>>);

impl<'a> Members<'a> {
    fn of<'k>(alike: impl Iterator<Item = &'k (&'a SubnetId, BTreeSet<SecurityGroupId>)>) -> Self
    where
        'a: 'k,
    {
        let mut members: BTreeMap<SecurityGroupId, BTreeSet<&SubnetId>> = BTreeMap::new();
        for (subnet, groups) in alike {
            for group in groups {
                members.entry(group.clone()).or_default().insert(subnet);
            }
        }
        Self(members)
    }
}

/// What the groups let out: a group of ours lets out what its workloads need.
fn by_rules<'g>(
    snapshot: &VpcSnapshot,
    groups: impl IntoIterator<Item = &'g SecurityGroupId>,
    members: &Members<'_>,
    ports: &Ports,
    goes_out: bool,
) -> BTreeSet<Destination> {
    let mut let_out = BTreeSet::new();
    let groups = groups.into_iter().filter_map(|id| snapshot.security_groups.get(id));
    for group in groups {
        let rules = group.rules();
        // Of a pair of rules, either may have gone already.
        for rule in rules.iter().filter(|rule| rule.peer == Peer::Itself) {
            let subnets = members.0.get(&group.group_id).into_iter().flatten();
            let_out.extend(subnets.map(|subnet| Destination::Members {
                subnet: (*subnet).clone(),
                traffic: traffic_of(rule),
            }));
        }
        for rule in rules.iter().filter(|rule| rule.direction == Direction::Egress) {
            match rule.peer {
                Peer::Cidr(cidr) if snapshot.vpc.cidrs().any(|own| own.contains(&cidr)) => {
                    let is_in_it = |subnet: &&Subnet| subnet.cidrs().any(|own| cidr.contains(&own));
                    let mut subnets = snapshot.subnets.values().filter(is_in_it).peekable();
                    if subnets.peek().is_none() {
                        let_out.extend(addresses(ports.of_rule(rule), cidr));
                    }
                    let_out.extend(subnets.map(|subnet| Destination::Subnet {
                        subnet: subnet.subnet_id.clone(),
                        traffic: traffic_of(rule),
                    }));
                }
                Peer::Cidr(cidr) if goes_out => let_out.extend(addresses(ports.of_rule(rule), cidr)),
                Peer::Cidr(_) | Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => {}
            }
        }
    }
    let_out
}

fn traffic_of(rule: &Rule) -> Traffic {
    Traffic {
        protocol: rule.protocol,
        ports: rule.ports,
    }
}

/// TCP ports that may fare differently from others: HTTPS, and those of which
/// network ACLs speak.
struct Ports(BTreeSet<u16>);

impl Ports {
    fn of(snapshot: &VpcSnapshot) -> Self {
        let rules = snapshot.network_acls.values().flat_map(NetworkAcl::rules);
        let spoken_of = rules.filter_map(|rule| u16::try_from(rule.ports?.from).ok());
        Self(spoken_of.chain([HTTPS]).collect())
    }

    /// Those among them that a rule lets out, the first of its own included.
    fn of_rule(&self, rule: &Rule) -> BTreeSet<u16> {
        match (rule.protocol, rule.ports) {
            (Protocol::All, _) | (Protocol::TCP, None) => self.0.clone(),
            (Protocol::TCP, Some(PortRange { from, to })) => {
                let in_it = self
                    .0
                    .iter()
                    .copied()
                    .filter(|port| (from..=to).contains(&i32::from(*port)));
                in_it.chain(u16::try_from(from)).collect()
            }
            (Protocol::Number(_), _) => BTreeSet::new(),
        }
    }
}

/// What is at the addresses that a rule lets out to, by these ports.
fn addresses(ports: BTreeSet<u16>, cidr: IpNet) -> impl Iterator<Item = Destination> {
    let at = move |port| match cidr {
        IpNet::V4(_) if cidr.prefix_len() == 0 => Some(Destination::outside(port)),
        IpNet::V6(_) if cidr.prefix_len() == 0 => None,
        IpNet::V4(_) | IpNet::V6(_) => Some(Destination::Cidr {
            cidr,
            traffic: Traffic::tcp(port),
        }),
    };
    ports.into_iter().filter_map(at)
}
