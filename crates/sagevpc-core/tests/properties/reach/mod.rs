//! Verdicts of the reachability module against an oracle that moves single
//! packets: the addresses and ports on either side of every bound that a rule or
//! a route has, so that no part of a destination goes untried.

mod call_back;
mod fixes;
mod networks;
pub mod oracle;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;
use networks::{ALLOWS, GROUPS, SUBNETS, destination, network};
use oracle::{Ends, Fate, Kind, Packet, fate, is_private, named, subnet_of};
use proptest::{collection, prelude::*, sample, test_runner::TestCaseError};
use sagevpc_core::{
    observed::{IpPermission, NetworkInterface, VpcEndpoint, VpcSnapshot},
    reach::{Cause, Destination, Reach, Unseen, Verdict},
    report::Weight,
    types::{BucketAccess, BucketUse, PortRange, PrivatePeer, Protocol, SecurityGroupId, SubnetId, Traffic},
};
use serde_json::json;

use crate::{
    inputs::{plan_for, world},
    memory::Memory,
    planning::converge,
};

/// What can stop a packet, as the oracle has it.
fn kind(cause: &Cause) -> Kind {
    match cause {
        Cause::NotAdmitted { .. } => Kind::SecurityGroup,
        Cause::AclDenies(_) => Kind::NetworkAcl,
        Cause::NoRoute { .. } | Cause::Blackhole { .. } | Cause::NoPublicAddress { .. } | Cause::NoSubnet { .. } => {
            Kind::Route
        }
        Cause::PrivateAddress { .. } => Kind::Private,
        Cause::NobodyThere { .. } => Kind::Nobody,
        Cause::EndpointUnavailable { otherwise: None, .. } => Kind::Endpoint,
        Cause::PolicyBlocks { .. } => Kind::Policy,
        Cause::NatUnavailable { .. }
        | Cause::NatIsPrivate { .. }
        | Cause::NatInPrivateSubnet { .. }
        | Cause::NatTakesNoIpv6 { .. } => Kind::Nat,
        Cause::GatewayDetached { .. } => Kind::InternetGateway,
        Cause::PublicAccessBlocked(_) => Kind::PublicAccess,
        Cause::NoEndpoint {
            otherwise: Some(otherwise),
            ..
        }
        | Cause::DnsOff {
            otherwise: Some(otherwise),
            ..
        }
        | Cause::EndpointUnavailable {
            otherwise: Some(otherwise),
            ..
        }
        | Cause::PrivateDnsOff { otherwise, .. } => kind(otherwise),
        Cause::NoEndpoint { otherwise: None, .. }
        | Cause::BucketElsewhere { .. }
        | Cause::TakesNothing { .. }
        | Cause::NobodyHas { .. }
        | Cause::NotPublic(_)
        | Cause::DnsOff { otherwise: None, .. }
        | Cause::NoDnsServer { .. }
        | Cause::NoResolver { .. }
        | Cause::NoAddress { .. }
        | Cause::Across(_)
        | Cause::NoRouteTable { .. } => {
            panic!("these networks give no reason for {cause}")
        }
    }
}

/// Every block that anything in the VPC speaks of.
fn blocks(vpc: &VpcSnapshot) -> Vec<IpNet> {
    let mut blocks: Vec<IpNet> = vpc.subnets.values().flat_map(|subnet| subnet.cidrs()).collect();
    for table in vpc.route_tables.values() {
        for route in &table.routes {
            blocks.extend(route.destination_cidr_block.map(IpNet::V4));
            blocks.extend(route.destination_ipv6_cidr_block.map(IpNet::V6));
        }
    }
    for acl in vpc.network_acls.values() {
        for entry in &acl.entries {
            blocks.extend(entry.cidr_block.map(IpNet::V4));
            blocks.extend(entry.ipv6_cidr_block.map(IpNet::V6));
        }
    }
    for group in vpc.security_groups.values() {
        for permission in group.ip_permissions.iter().chain(&group.ip_permissions_egress) {
            blocks.extend(
                permission
                    .ip_ranges
                    .iter()
                    .map(|range| range.cidr_ip.parse::<IpNet>().unwrap()),
            );
            blocks.extend(
                permission
                    .ipv6_ranges
                    .iter()
                    .map(|range| range.cidr_ipv6.parse::<IpNet>().unwrap()),
            );
        }
    }
    let lists = vpc.prefix_lists.iter().flat_map(|list| &list.cidrs);
    blocks.extend(lists.map(|cidr| cidr.parse::<IpNet>().unwrap()));
    blocks
}

/// The addresses on either side of every bound.
fn addresses(vpc: &VpcSnapshot) -> BTreeSet<IpAddr> {
    let mut addresses = BTreeSet::new();
    for block in blocks(vpc) {
        match block {
            IpNet::V4(net) => {
                let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
                let all = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
                addresses.extend(all.map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))));
            }
            IpNet::V6(net) => {
                let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
                let all = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
                addresses.extend(all.map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))));
            }
        }
    }
    addresses
}

/// The ports on either side of every bound, from `first` up.
fn ports(first: u16) -> impl Iterator<Item = u16> {
    const BOUNDS: [u16; 14] = [
        0, 399, 400, 443, 444, 500, 501, 1023, 1024, 32_767, 32_768, 60_999, 61_000, 65_535,
    ];
    BOUNDS.into_iter().filter(move |port| *port >= first)
}

/// Messages of ICMP on either side of every bound: 256 times the type, and the code.
const MESSAGES: [u16; 7] = [0x0800, 0x0801, 0x0000, 0x0001, 0x0304, 0x0305, 0x0d00];

/// The one message that a question names, and of a type that asks the one code.
fn message(range: PortRange) -> u16 {
    u16::try_from(range.from * 256 + range.to.max(0)).unwrap()
}

/// The ports, or the messages of ICMP, that answers may go to or be.
fn answers(protocol: u8, port: u16, is_any: bool) -> Vec<Option<u16>> {
    match (protocol, port) {
        (6 | 17, _) => ports(32_768).filter(|port| *port <= 60_999).map(Some).collect(),
        (1, _) if is_any => MESSAGES.map(Some).to_vec(),
        (1, 0x0800) => vec![Some(0)],
        (1, _) => vec![None],
        _ => vec![Some(port)],
    }
}

/// Whether the internet may have the address, as far as these networks go.
fn is_public(address: IpAddr) -> bool {
    const OTHERS: [&str; 4] = ["10.0.0.0/8", "18.88.0.0/18", "52.216.0.0/15", "54.231.0.0/16"];
    let inside = |block: &str| block.parse::<IpNet>().unwrap().contains(&address);
    match address {
        IpAddr::V4(ipv4) => {
            !(OTHERS.into_iter().any(inside) || ipv4.octets()[0] == 0 || ipv4.octets()[0] >= 224 || ipv4.is_loopback())
        }
        IpAddr::V6(_) => false,
    }
}

/// A question, and every packet that it stands for.
struct Question<'v> {
    vpc: &'v VpcSnapshot,
    subnet: &'v str,
    groups: Vec<&'v str>,
    destination: Destination,
}

impl Question<'_> {
    fn verdict(&self) -> Verdict {
        let groups: BTreeSet<SecurityGroupId> = self.groups.iter().map(|id| SecurityGroupId::new(*id)).collect();
        let reach = Reach::new(self.vpc);
        let start = reach.from(&SubnetId::new(self.subnet), &groups);
        let start = start.expect("the subnet is there");
        let verdict = start.to(&self.destination);
        match start.answer(&self.destination) {
            None => assert!(matches!(verdict, Verdict::Reachable(_)), "{verdict:?}"),
            Some(answer) => {
                assert_eq!(answer.verdict, verdict);
                let first = match &verdict {
                    Verdict::Stopped(_, stop) => Some(&stop.cause),
                    Verdict::Reachable(_) | Verdict::Unknown(..) => None,
                };
                assert!(first.is_none() || answer.causes.first() == first, "{answer:?}");
            }
        }
        verdict
    }

    fn is_directory_bucket(&self) -> bool {
        matches!(&self.destination, Destination::S3 { bucket: Some(bucket) } if bucket.name.ends_with("--x-s3"))
    }

    fn is_dns_off(&self) -> bool {
        let attributes = self.vpc.attributes.as_ref().expect("they were looked at");
        let by_name = match &self.destination {
            Destination::S3 { .. }
            | Destination::BucketElsewhere { .. }
            | Destination::PackageMirrors
            | Destination::Service(_)
            | Destination::Host { .. } => true,
            Destination::Members { .. }
            | Destination::Efa
            | Destination::Subnet { .. }
            | Destination::Resolver { .. }
            | Destination::Inside { .. }
            | Destination::Cidr { .. } => false,
        };
        by_name && !attributes.enable_dns_support.value
    }

    /// The block of addresses that is asked for, where it is one.
    fn block(&self) -> Option<IpNet> {
        match &self.destination {
            Destination::Cidr { cidr, .. } => Some(*cidr),
            Destination::Resolver { server, .. } => Some(IpNet::from(*server)),
            Destination::S3 { .. }
            | Destination::BucketElsewhere { .. }
            | Destination::PackageMirrors
            | Destination::Service(_)
            | Destination::Host { .. }
            | Destination::Members { .. }
            | Destination::Efa
            | Destination::Inside { .. }
            | Destination::Subnet { .. } => None,
        }
    }

    /// Whether it is one address in a subnet, and no interface has it.
    fn is_nobodys(&self) -> bool {
        let Some(cidr) = self.block() else {
            return false;
        };
        let has_it = |interface: &NetworkInterface| {
            let ips = &interface.private_ip_addresses;
            ips.iter().any(|ip| ip.private_ip_address == cidr.addr().to_string())
        };
        let mut interfaces = self.vpc.network_interfaces.values().peekable();
        cidr.prefix_len() == cidr.max_prefix_len()
            && subnet_of(self.vpc, cidr.addr()).is_some()
            && interfaces.peek().is_some()
            && !interfaces.any(has_it)
    }

    /// Whether it is all of ICMP that is said.
    fn is_of_every_message(&self) -> bool {
        !matches!(&self.destination, Destination::Cidr { traffic, .. } if traffic.ports.is_some())
    }

    fn wearing(&self, group: &SecurityGroupId) -> impl Iterator<Item = &NetworkInterface> {
        let interfaces = self.vpc.network_interfaces.values();
        interfaces.filter(move |eni| eni.groups.iter().any(|worn| worn.group_id == *group))
    }

    /// Whether it is whatever has a group, and nothing has it.
    fn is_of_a_bare_group(&self) -> bool {
        matches!(&self.destination, Destination::Inside { whom: PrivatePeer::Group(group), .. }
            if self.wearing(group).next().is_none())
    }

    /// The addresses of an endpoint, and its groups.
    fn interfaces_of<'e>(&self, endpoint: &'e VpcEndpoint) -> (Vec<IpAddr>, Option<Vec<&'e str>>) {
        let interfaces = endpoint
            .network_interface_ids
            .iter()
            .map(|id| &self.vpc.network_interfaces[id]);
        let ips = interfaces.map(|eni| eni.private_ip_addresses[0].private_ip_address.parse().unwrap());
        let groups = endpoint.groups.iter().map(|group| group.group_id.as_str()).collect();
        (ips.collect(), Some(groups))
    }

    /// What the destination's name leads to: addresses, and who answers there.
    fn far_ends(&self) -> (Vec<IpAddr>, Option<Vec<&str>>) {
        let all = addresses(self.vpc);
        let in_block = |block: IpNet| all.iter().filter(|ip| block.contains(*ip)).copied().collect::<Vec<_>>();
        let public = || all.iter().filter(|ip| is_public(**ip)).copied().collect();
        match &self.destination {
            Destination::S3 { .. } if self.is_directory_bucket() => {
                let list = &self.vpc.prefix_lists[1].cidrs;
                let nets = list.iter().flat_map(|cidr| in_block(cidr.parse().unwrap()));
                (nets.collect(), None)
            }
            Destination::S3 { .. } | Destination::PackageMirrors => match named(self.vpc, "s3") {
                Some(endpoint) => self.interfaces_of(endpoint),
                None => {
                    let list = &self.vpc.prefix_lists[0].cidrs;
                    let nets = list.iter().flat_map(|cidr| in_block(cidr.parse().unwrap()));
                    (nets.collect(), None)
                }
            },
            Destination::Service(_) => match named(self.vpc, "sts") {
                Some(endpoint) => self.interfaces_of(endpoint),
                None => (public(), None),
            },
            Destination::Host { .. } | Destination::BucketElsewhere { .. } => (public(), None),
            Destination::Inside { whom, .. } => {
                let PrivatePeer::Group(group) = whom else {
                    panic!("these questions name {whom:?} otherwise");
                };
                let wearing: Vec<&NetworkInterface> = self.wearing(group).collect();
                let ips = wearing
                    .iter()
                    .map(|eni| eni.private_ip_addresses[0].private_ip_address.parse().unwrap());
                let groups = wearing.iter().flat_map(|eni| &eni.groups);
                let groups: BTreeSet<&str> = groups.map(|group| group.group_id.as_str()).collect();
                (ips.collect(), Some(groups.into_iter().collect()))
            }
            Destination::Cidr { .. } | Destination::Resolver { .. } => {
                let cidr = self.block().unwrap();
                let mut ips = in_block(cidr);
                ips.push(cidr.addr());
                // A block with public addresses stands for these.
                if !(is_private(cidr.network()) && is_private(cidr.broadcast())) {
                    ips.retain(|ip| !is_private(*ip));
                }
                (ips, None)
            }
            // Groups alone answer for adapters: no packet is followed.
            Destination::Efa => (Vec::new(), None),
            Destination::Members { subnet, .. } => (
                in_block(IpNet::V4(self.vpc.subnets[subnet].cidr_block.unwrap())),
                Some(self.groups.clone()),
            ),
            Destination::Subnet { subnet, .. } => {
                (in_block(IpNet::V4(self.vpc.subnets[subnet].cidr_block.unwrap())), None)
            }
        }
    }

    /// What becomes of the packets to each address.
    fn fates(&self) -> BTreeMap<IpAddr, BTreeSet<Fate>> {
        let (far, receiver) = self.far_ends();
        let sources: Vec<IpAddr> = addresses(self.vpc)
            .into_iter()
            .filter(|ip| subnet_of(self.vpc, *ip) == Some(self.subnet))
            .collect();
        let protocols: Vec<u8> = match &self.destination {
            Destination::Members { traffic, .. }
            | Destination::Resolver { traffic, .. }
            | Destination::Subnet { traffic, .. } => match traffic.protocol {
                Protocol::All => vec![6, 17, 1, 253],
                Protocol::Number(number) => vec![number],
            },
            Destination::Cidr { traffic, .. } => match traffic.protocol {
                Protocol::All => panic!("blocks are asked for by one protocol"),
                Protocol::Number(number) => vec![number],
            },
            _ => vec![6],
        };
        let policy_allows = !matches!(self.destination, Destination::S3 { .. })
            || self
                .vpc
                .vpc_endpoints
                .iter()
                .filter(|endpoint| endpoint.is_gateway())
                .filter(|endpoint| {
                    endpoint.service_name.ends_with(if self.is_directory_bucket() {
                        ".s3express"
                    } else {
                        ".s3"
                    })
                })
                .all(|endpoint| endpoint.policy_document.as_deref() == Some(ALLOWS));
        let ends = Ends {
            subnet: self.subnet,
            groups: self.groups.clone(),
            receiver,
            policy_allows,
        };
        let mut all = BTreeMap::new();
        for destination in far {
            let mut fates = BTreeSet::new();
            for &source in sources
                .iter()
                .filter(|source| source.is_ipv4() == destination.is_ipv4())
            {
                for &protocol in &protocols {
                    let ports: Vec<u16> = match &self.destination {
                        Destination::Cidr { traffic, .. } if protocol == 1 => match traffic.ports {
                            Some(range) => vec![message(range)],
                            None => MESSAGES.to_vec(),
                        },
                        _ if protocol == 1 => MESSAGES.to_vec(),
                        Destination::Cidr { traffic, .. }
                        | Destination::Host { traffic, .. }
                        | Destination::Inside { traffic, .. } => {
                            vec![u16::try_from(traffic.ports.unwrap().from).unwrap()]
                        }
                        Destination::S3 { .. } | Destination::BucketElsewhere { .. } | Destination::Service(_) => {
                            vec![443]
                        }
                        Destination::PackageMirrors => vec![80],
                        Destination::Efa => Vec::new(),
                        Destination::Members { traffic, .. }
                        | Destination::Resolver { traffic, .. }
                        | Destination::Subnet { traffic, .. } => match traffic.ports {
                            Some(range) => vec![u16::try_from(range.from).unwrap()],
                            None => ports(0).collect(),
                        },
                    };
                    for port in ports {
                        for own_port in answers(protocol, port, self.is_of_every_message()) {
                            let packet = Packet {
                                source,
                                destination,
                                protocol,
                                port,
                                own_port,
                            };
                            fates.insert(fate(self.vpc, &ends, packet));
                            fates.extend(self.fate_of_a_call_back(&ends, packet));
                        }
                    }
                }
            }
            all.insert(destination, fates);
        }
        all
    }
}

/// A policy by which gateway endpoints tell buckets apart.
const LETS_FRAUD_THROUGH: &str = r#"{ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:*",
    "Resource": ["arn:aws:s3:::fraud-*", "arn:aws:s3:::risk"] } }"#;

/// One by which they tell what is read from what is written as well.
const LETS_FRAUD_BE_READ: &str = r#"{ "Statement": [
    { "Effect": "Allow", "Principal": "*", "Action": ["s3:Get*", "s3:List*"], "Resource": "arn:aws:s3:::fraud-*" },
    { "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::risk*" }] }"#;

fn destination_or_bucket() -> impl Strategy<Value = Destination> {
    let buckets = sample::select(vec!["fraud-data", "fraud-models", "risk", "loans"]);
    prop_oneof![
        3 => destination(),
        2 => Just(Destination::Service("sts".to_owned())),
        1 => (buckets, sample::select(vec![BucketAccess::ReadOnly, BucketAccess::ReadWrite]))
            .prop_map(|(bucket, access)| Destination::S3 { bucket: Some(BucketUse::new(bucket, access)) }),
    ]
}

/// Gives one group the rules of another, those among its own members being its
/// own.
fn make_alike(vpc: &mut VpcSnapshot, one: &str, other: &str) {
    let renamed = |permissions: &[IpPermission]| -> Vec<IpPermission> {
        let text = serde_json::to_string(permissions).unwrap();
        let (swapped, held) = (text.replace(one, "sg-held"), other);
        serde_json::from_str(&swapped.replace(held, one).replace("sg-held", other)).unwrap()
    };
    let group = &vpc.security_groups[&SecurityGroupId::new(one)];
    let (ingress, egress) = (renamed(&group.ip_permissions), renamed(&group.ip_permissions_egress));
    let twin = vpc.security_groups.get_mut(&SecurityGroupId::new(other)).unwrap();
    twin.ip_permissions = ingress;
    twin.ip_permissions_egress = egress;
}

/// Has network ACLs allow everything and endpoints serve.
fn open(vpc: &mut VpcSnapshot) {
    for acl in vpc.network_acls.values_mut() {
        let allows = |egress: bool| {
            json!({ "RuleNumber": 1, "Egress": egress, "RuleAction": "allow", "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0" })
        };
        acl.entries = serde_json::from_value(json!([allows(true), allows(false)])).unwrap();
    }
    for endpoint in &mut vpc.vpc_endpoints {
        endpoint.state = "available".into();
        endpoint.private_dns_enabled = !endpoint.is_gateway();
    }
}

/// The verdict against what becomes of each packet.
fn agree(question: &Question<'_>) -> Result<(), TestCaseError> {
    let verdict = question.verdict();
    if question.is_dns_off() {
        let is_told = matches!(&verdict, Verdict::Stopped(_, stop) if matches!(stop.cause, Cause::DnsOff { .. }));
        prop_assert!(is_told);
        return Ok(());
    }
    if question.is_nobodys() {
        let is_told = matches!(&verdict, Verdict::Stopped(_, stop) if kind(&stop.cause) == Kind::Nobody);
        prop_assert!(is_told, "{verdict:?}");
        return Ok(());
    }
    if question.is_of_a_bare_group() {
        let is_told = matches!(&verdict, Verdict::Stopped(_, stop) if matches!(stop.cause, Cause::NobodyHas { .. }));
        prop_assert!(is_told, "{verdict:?}");
        return Ok(());
    }
    let by_address = question.fates();
    let fates: BTreeSet<Fate> = by_address.values().flatten().copied().collect();
    let is_dropped = |fate: &Fate| matches!(fate, Fate::Dropped(_));
    // An address is lost where some packet to it is: it may begin anywhere
    // in its subnet.
    let lost = by_address.values().filter(|fates| fates.iter().any(is_dropped)).count();
    match &verdict {
        Verdict::Reachable(_) => prop_assert_eq!(&fates, &BTreeSet::from([Fate::Arrives]), "{:?}", verdict),
        Verdict::Stopped(_, stop) => {
            prop_assert!(
                fates.contains(&Fate::Dropped(kind(&stop.cause))),
                "{fates:?}: {verdict:?}"
            );
            let is_enough = is_of_every_address(question) || lost == by_address.len();
            prop_assert!(is_enough, "{by_address:?}: {verdict:?}");
        }
        Verdict::Unknown(_, unseen) => {
            let hangs_on = |wanted: fn(&Unseen) -> bool| unseen.iter().any(wanted);
            if hangs_on(|unseen| matches!(unseen, Unseen::Addresses { .. })) {
                prop_assert!(lost > 0 && lost < by_address.len(), "{by_address:?}: {verdict:?}");
            } else {
                prop_assert!(lost == 0, "{by_address:?}: {verdict:?}");
                let is_receiver =
                    hangs_on(|unseen| matches!(unseen, Unseen::Receiver { .. } | Unseen::Listener { .. }));
                prop_assert!(
                    is_receiver || fates.contains(&Fate::OutOfSight),
                    "{fates:?}: {verdict:?}"
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn verdicts_are_those_of_packets_moved_one_by_one(
        vpc in network(),
        questions in collection::vec(
            (sample::select(&SUBNETS[..2]), sample::subsequence(GROUPS.to_vec(), 1..=2), destination()),
            4,
        ),
    ) {
        for (subnet, groups, destination) in questions {
            agree(&Question { vpc: &vpc, subnet, groups, destination })?;
        }
    }

    // Groups, buckets and subnets that fare alike are followed once, and each is
    // told what it would be told alone.
    #[test]
    fn who_is_asked_after_others_gets_the_answer_of_its_own(
        vpc in network(),
        is_like_another in prop::bool::weighted(0.7),
        only_groups_count in any::<bool>(),
        policy in proptest::option::weighted(0.3, sample::select(vec![LETS_FRAUD_THROUGH, LETS_FRAUD_BE_READ])),
        questions in collection::vec(
            (sample::select(&SUBNETS[..2]), sample::subsequence(GROUPS.to_vec(), 1..=2), destination_or_bucket()),
            4..12,
        ),
    ) {
        let mut vpc = vpc;
        if is_like_another {
            make_alike(&mut vpc, GROUPS[0], GROUPS[1]);
        }
        if only_groups_count {
            open(&mut vpc);
        }
        for endpoint in vpc.vpc_endpoints.iter_mut().filter(|endpoint| endpoint.is_gateway()) {
            if let Some(policy) = policy {
                endpoint.policy_document = Some(policy.to_owned());
            }
        }
        let asked_by_all = Reach::new(&vpc);
        let twins = |groups: &[&str]| -> BTreeSet<SecurityGroupId> {
            let twin = |id: &&str| match *id {
                id if id == GROUPS[0] => SecurityGroupId::new(GROUPS[1]),
                id if id == GROUPS[1] => SecurityGroupId::new(GROUPS[0]),
                id => SecurityGroupId::new(id),
            };
            groups.iter().map(twin).collect()
        };
        for (subnet, groups, destination) in questions {
            let subnet = SubnetId::new(subnet);
            let own: BTreeSet<SecurityGroupId> = groups.iter().map(SecurityGroupId::new).collect();
            for groups in [own, twins(&groups)] {
                let alone = Reach::new(&vpc);
                let answer = |reach: &Reach<'_>| {
                    let start = reach.from(&subnet, &groups).expect("the subnet is there");
                    start.answer(&destination)
                };
                prop_assert_eq!(answer(&asked_by_all), answer(&alone), "{} to {} of {:?}", subnet, destination, groups);
            }
        }
    }

    #[test]
    fn what_is_called_ready_reaches_s3(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        let vpc_id = &memory.snapshot.vpcs[0].vpc_id;
        let vpc = memory.snapshot.vpc(vpc_id).expect("the VPC is there");
        for key in &plan.contributing {
            let stands_in_the_way = |finding: &sagevpc_core::report::Finding| {
                finding.weight != Weight::Advice && finding.concerns(key).is_some()
            };
            if plan.findings.iter().any(stands_in_the_way) {
                continue;
            }
            for config in &plan.vpc_configs[key] {
                prop_assert!(!config.security_group_ids.is_empty() && !config.subnets.is_empty());
                for subnet in &config.subnets {
                    let question = Question {
                        vpc: &vpc,
                        subnet: subnet.as_str(),
                        groups: config.security_group_ids.iter().map(|id| id.as_str()).collect(),
                        destination: Destination::Cidr { cidr: "52.216.0.0/15".parse().unwrap(), traffic: Traffic::tcp(443) },
                    };
                    let all_arrive = BTreeSet::from([Fate::Arrives]);
                    prop_assert!(question.fates().values().all(|fates| *fates == all_arrive), "{subnet}");
                }
            }
        }
    }
}

/// Whether each address of the destination must be reached; of a public name it
/// is not known which it has.
fn is_of_every_address(question: &Question<'_>) -> bool {
    match &question.destination {
        Destination::Host { .. } => false,
        Destination::Service(_) => named(question.vpc, "sts").is_some(),
        Destination::S3 { .. }
        | Destination::BucketElsewhere { .. }
        | Destination::PackageMirrors
        | Destination::Members { .. }
        | Destination::Efa
        | Destination::Subnet { .. }
        | Destination::Resolver { .. }
        | Destination::Inside { .. }
        | Destination::Cidr { .. } => true,
    }
}
