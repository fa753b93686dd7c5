//! One packet at a time, step by step, by the plainest reading of AWS's pages.
//! Shares nothing with the code under test but the shapes of what was seen.

use std::net::IpAddr;

use ipnet::IpNet;
use sagevpc_core::observed::{
    IpPermission, NetworkAcl, NetworkAclEntry, Route, RouteTable, SecurityGroup, VpcEndpoint, VpcSnapshot, Word,
    files::FileKind,
};

/// What becomes of a packet and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Arrives,
    /// It ends here.
    Dropped(Kind),
    /// It goes where nobody can look.
    OutOfSight,
}

/// What can end a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    SecurityGroup,
    NetworkAcl,
    Route,
    Endpoint,
    Policy,
    Nat,
    InternetGateway,
    /// VPC Block Public Access.
    PublicAccess,
    /// Nobody on the internet has a private address.
    Private,
    /// Nothing in the VPC has the address.
    Nobody,
}

/// Whether an address is a private network's, by RFC 1918, 6598 and 4193.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1])),
        IpAddr::V6(ip) => ip.octets()[0] & 0xfe == 0xfc,
    }
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    /// The destination's port; of ICMP, 256 times the type, and the code.
    pub port: u16,
    /// The port that the answer goes to; of ICMP, what answers; `None` where
    /// nothing does.
    pub own_port: Option<u16>,
}

/// Who sends, and who is meant to answer.
pub struct Ends<'s> {
    pub subnet: &'s str,
    pub groups: Vec<&'s str>,
    /// The groups of whoever has the destination's address; `None` where that
    /// is nobody of this VPC or does not matter.
    pub receiver: Option<Vec<&'s str>>,
    /// Whether the S3 endpoint's policy lets the request through.
    pub policy_allows: bool,
}

/// The interface endpoint that the name of a service of AWS's leads to from inside
/// the VPC: one that has the name and serves, where both DNS attributes are on.
pub fn named<'v>(vpc: &'v VpcSnapshot, service: &str) -> Option<&'v VpcEndpoint> {
    let attributes = vpc.attributes.as_ref().expect("they were looked at");
    if !attributes.enable_dns_support.value || !attributes.enable_dns_hostnames.value {
        return None;
    }
    let of_service = |endpoint: &&VpcEndpoint| endpoint.service_name.ends_with(&format!(".{service}"));
    let all = || vpc.vpc_endpoints.iter().filter(of_service);
    let is_of =
        |endpoint: &VpcEndpoint, kind: &str| endpoint.vpc_endpoint_type.as_ref().map(Word::as_str) == Some(kind);
    let has_gateway = all().any(|endpoint| is_of(endpoint, "Gateway"));
    all().find(|endpoint| {
        let only_outside = endpoint
            .dns_options
            .as_ref()
            .and_then(|options| options.private_dns_only_for_inbound_resolver_endpoint);
        is_of(endpoint, "Interface")
            && endpoint.private_dns_enabled
            && endpoint.state.as_str() == "available"
            && !only_outside.unwrap_or(has_gateway)
    })
}

/// Moves the packet there and the answer back.
pub fn fate(vpc: &VpcSnapshot, ends: &Ends<'_>, packet: Packet) -> Fate {
    if !admitted(
        vpc,
        &ends.groups,
        true,
        packet,
        packet.destination,
        ends.receiver.as_deref(),
    ) {
        return Fate::Dropped(Kind::SecurityGroup);
    }
    let there = subnet_of(vpc, packet.destination);
    if there == Some(ends.subnet) {
        return received(vpc, ends, packet);
    }
    if !passes(vpc, ends.subnet, true, packet.protocol, packet.port, packet.destination) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    let outcome = match target(vpc, ends.subnet, packet.destination) {
        Target::Local => return within(vpc, ends, packet, there),
        Target::Nat(id) => nat(vpc, ends, packet, &id),
        Target::Internet(_) if packet.source.is_ipv4() => Fate::Dropped(Kind::Route),
        other => outside(vpc, ends, &other, Some(ends.subnet), packet.destination),
    };
    match outcome {
        Fate::Dropped(kind) => Fate::Dropped(kind),
        Fate::Arrives | Fate::OutOfSight => {
            if answer_comes_in(vpc, ends, packet) {
                outcome
            } else {
                Fate::Dropped(Kind::NetworkAcl)
            }
        }
    }
}

/// Whether the answer passes the network ACL of the source's subnet.
fn answer_comes_in(vpc: &VpcSnapshot, ends: &Ends<'_>, packet: Packet) -> bool {
    answer_passes(vpc, ends.subnet, false, packet, packet.destination)
}

/// Whether the answer passes the network ACL of a subnet, if there is one.
fn answer_passes(vpc: &VpcSnapshot, subnet: &str, egress: bool, packet: Packet, far: IpAddr) -> bool {
    let answer = packet.own_port;
    answer.is_none_or(|port| passes(vpc, subnet, egress, packet.protocol, port, far))
}

fn received(vpc: &VpcSnapshot, ends: &Ends<'_>, packet: Packet) -> Fate {
    match &ends.receiver {
        Some(groups) if !admitted(vpc, groups, false, packet, packet.source, Some(&ends.groups)) => {
            Fate::Dropped(Kind::SecurityGroup)
        }
        Some(_) | None => Fate::Arrives,
    }
}

/// To another subnet and back.
fn within(vpc: &VpcSnapshot, ends: &Ends<'_>, packet: Packet, there: Option<&str>) -> Fate {
    let Some(there) = there else {
        return Fate::Dropped(Kind::Route);
    };
    if !passes(vpc, there, false, packet.protocol, packet.port, packet.source) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    if let Fate::Dropped(kind) = received(vpc, ends, packet) {
        return Fate::Dropped(kind);
    }
    if !answer_passes(vpc, there, true, packet, packet.source) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    let back = match target(vpc, there, packet.source) {
        Target::Local => Fate::Arrives,
        Target::OutOfSight => Fate::OutOfSight,
        _ => return Fate::Dropped(Kind::Route),
    };
    if answer_comes_in(vpc, ends, packet) {
        back
    } else {
        Fate::Dropped(Kind::NetworkAcl)
    }
}

fn nat(vpc: &VpcSnapshot, ends: &Ends<'_>, packet: Packet, id: &str) -> Fate {
    let Some(nat) = vpc.nat_gateways.values().find(|nat| nat.nat_gateway_id.as_str() == id) else {
        return Fate::OutOfSight;
    };
    if nat.state.as_ref().map(Word::as_str) != Some("available") {
        return Fate::Dropped(Kind::Nat);
    }
    let Some(at) = nat.subnet_id.as_ref() else {
        // Regional: in no subnet, so no network ACL is its own.
        // AWS gives it a route to the VPC's internet gateway, in a table of its own.
        let own = nat.route_table_id.as_ref().and_then(|id| vpc.route_tables.get(id));
        let attached = vpc.internet_gateway.as_ref();
        let attached = attached.map(|gateway| gateway.internet_gateway_id.to_string());
        let by = match own {
            Some(table) => target_of_table(vpc, table, packet.destination),
            None => Target::Internet(attached.unwrap_or_default()),
        };
        let outcome = match by {
            Target::Nowhere | Target::Blackhole | Target::Local | Target::Nat(_) => return Fate::Dropped(Kind::Nat),
            other => outside(vpc, ends, &other, None, packet.destination),
        };
        return outcome;
    };
    let at = at.as_str();
    let apart = at != ends.subnet;
    let (destination, protocol) = (packet.destination, packet.protocol);
    if apart && !passes(vpc, at, false, protocol, packet.port, packet.source) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    if !passes(vpc, at, true, protocol, packet.port, destination) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    let is_private = nat.connectivity_type.as_ref().map(Word::as_str) == Some("private");
    let outcome = match target(vpc, at, destination) {
        Target::Internet(_) if is_private => return Fate::Dropped(Kind::Nat),
        // What is gone there is no internet gateway.
        Target::Nowhere | Target::Blackhole | Target::Local | Target::Nat(_) => return Fate::Dropped(Kind::Nat),
        other => outside(vpc, ends, &other, Some(at), destination),
    };
    if let Fate::Dropped(_) = outcome {
        return outcome;
    }
    // The gateway chooses its own port for the answer, above 1023: any may come.
    const NAT_PORTS: [u16; 6] = [1024, 32_767, 32_768, 60_999, 61_000, 65_535];
    let answers: &[u16] = match protocol {
        6 | 17 => &NAT_PORTS,
        _ => packet.own_port.as_slice(),
    };
    if answers
        .iter()
        .any(|port| !passes(vpc, at, false, protocol, *port, destination))
    {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    if apart && !answer_passes(vpc, at, true, packet, packet.source) {
        return Fate::Dropped(Kind::NetworkAcl);
    }
    outcome
}

/// Whether VPC Block Public Access of the subnet, or of the VPC where there is
/// none or it does not say, keeps it in.
fn is_blocked(vpc: &VpcSnapshot, subnet: Option<&str>, by_nat_or_egress_only: bool) -> bool {
    let subnet = subnet.and_then(|id| vpc.subnets.values().find(|one| one.subnet_id.as_str() == id));
    let states = subnet
        .and_then(|subnet| subnet.block_public_access_states.as_ref())
        .or(vpc.vpc.block_public_access_states.as_ref());
    let mode = states.and_then(|states| states.internet_gateway_block_mode.as_ref());
    match mode.map(Word::as_str) {
        Some("block-bidirectional") => true,
        Some("block-ingress") => !by_nat_or_egress_only,
        _ => false,
    }
}

/// Out by a gateway from the subnet `at`, the source's or its NAT gateway's, if
/// that is in one.
fn outside(vpc: &VpcSnapshot, ends: &Ends<'_>, target: &Target, at: Option<&str>, to: IpAddr) -> Fate {
    let is_public_gateway = matches!(target, Target::EgressOnly | Target::Internet(_));
    let by_nat = matches!(target, Target::Internet(_)) && to.is_ipv4();
    let lets_out_alone = by_nat || matches!(target, Target::EgressOnly);
    let is_blocked = [at, Some(ends.subnet)]
        .into_iter()
        .any(|subnet| is_blocked(vpc, subnet, lets_out_alone));
    match target {
        Target::EgressOnly | Target::Internet(_) if is_private(to) => Fate::Dropped(Kind::Private),
        _ if is_public_gateway && is_blocked => Fate::Dropped(Kind::PublicAccess),
        Target::Nowhere | Target::Blackhole => Fate::Dropped(Kind::Route),
        Target::OutOfSight => Fate::OutOfSight,
        Target::EgressOnly => Fate::Arrives,
        Target::Internet(id) => match &vpc.internet_gateway {
            None if vpc.missing.contains(&FileKind::InternetGateways) => Fate::OutOfSight,
            Some(gateway) if gateway.internet_gateway_id.as_str() == id => Fate::Arrives,
            None | Some(_) => Fate::Dropped(Kind::InternetGateway),
        },
        Target::GatewayEndpoint(id) => {
            let endpoint = vpc
                .vpc_endpoints
                .iter()
                .find(|endpoint| endpoint.vpc_endpoint_id.as_str() == id);
            let is_available = endpoint.is_some_and(|endpoint| endpoint.state.as_str() == "available");
            match (is_available, ends.policy_allows) {
                (false, _) => Fate::Dropped(Kind::Endpoint),
                (true, false) => Fate::Dropped(Kind::Policy),
                (true, true) => Fate::Arrives,
            }
        }
        Target::Local | Target::Nat(_) => Fate::Dropped(Kind::Route),
    }
}

/// Where a route table sends one address.
#[derive(Clone, Debug)]
enum Target {
    Nowhere,
    Local,
    Blackhole,
    Nat(String),
    Internet(String),
    EgressOnly,
    GatewayEndpoint(String),
    OutOfSight,
}

fn target(vpc: &VpcSnapshot, subnet: &str, address: IpAddr) -> Target {
    target_of_table(vpc, table_of(vpc, subnet), address)
}

fn target_of_table(vpc: &VpcSnapshot, table: &RouteTable, address: IpAddr) -> Target {
    let mut best: Option<(u8, u8, Target)> = None;
    let mut offer = |length: u8, rank: u8, target: Target| {
        let is_better = match &best {
            None => true,
            Some((other_length, other_rank, _)) => (length, rank) > (*other_length, *other_rank),
        };
        if is_better {
            best = Some((length, rank, target));
        }
    };
    for route in &table.routes {
        let blocks = [
            route.destination_cidr_block.map(IpNet::V4),
            route.destination_ipv6_cidr_block.map(IpNet::V6),
        ];
        for block in blocks.into_iter().flatten().filter(|block| block.contains(&address)) {
            let target = target_of(route);
            let rank = if matches!(target, Target::Local) { 2 } else { 1 };
            offer(block.prefix_len(), rank, target);
        }
    }
    for endpoint in &vpc.vpc_endpoints {
        let is_on_it = endpoint.route_table_ids.contains(&table.route_table_id);
        if endpoint.vpc_endpoint_type.as_ref().map(Word::as_str) != Some("Gateway") || !is_on_it {
            continue;
        }
        let list = vpc
            .prefix_lists
            .iter()
            .find(|list| list.prefix_list_name == endpoint.service_name)
            .expect("the endpoints here are of services with prefix lists");
        for cidr in list.cidrs.iter().map(|cidr| cidr.parse::<IpNet>().expect("a block")) {
            if cidr.contains(&address) {
                let id = endpoint.vpc_endpoint_id.to_string();
                offer(cidr.prefix_len(), 0, Target::GatewayEndpoint(id));
            }
        }
    }
    best.map_or(Target::Nowhere, |(_, _, target)| target)
}

fn table_of<'s>(vpc: &'s VpcSnapshot, subnet: &str) -> &'s RouteTable {
    let mut main = None;
    for table in vpc.route_tables.values() {
        for association in &table.associations {
            if association.subnet_id.as_ref().is_some_and(|id| id.as_str() == subnet) {
                return table;
            }
            if association.main {
                main = Some(table);
            }
        }
    }
    main.expect("a VPC has a main route table")
}

fn target_of(route: &Route) -> Target {
    if route.gateway_id.as_deref() == Some("local") {
        return Target::Local;
    }
    if route.state.as_ref().map(Word::as_str) == Some("blackhole") {
        return Target::Blackhole;
    }
    match (&route.gateway_id, &route.nat_gateway_id) {
        (Some(id), _) if id.starts_with("igw-") => Target::Internet(id.clone()),
        (_, Some(id)) => Target::Nat(id.clone()),
        _ if route.egress_only_internet_gateway_id.is_some() => Target::EgressOnly,
        _ => Target::OutOfSight,
    }
}

/// The subnet whose block holds the address.
pub fn subnet_of(vpc: &VpcSnapshot, address: IpAddr) -> Option<&str> {
    for subnet in vpc.subnets.values() {
        let in_ipv4 = subnet
            .cidr_block
            .is_some_and(|block| IpNet::V4(block).contains(&address));
        let in_ipv6 = subnet
            .ipv6_cidr_block_association_set
            .iter()
            .filter_map(|association| association.ipv6_cidr_block)
            .any(|block| IpNet::V6(block).contains(&address));
        if in_ipv4 || in_ipv6 {
            return Some(subnet.subnet_id.as_str());
        }
    }
    None
}

/// Whether any of the groups has a rule for the packet.
fn admitted(
    vpc: &VpcSnapshot,
    groups: &[&str],
    egress: bool,
    packet: Packet,
    far: IpAddr,
    far_groups: Option<&[&str]>,
) -> bool {
    groups.iter().any(|id| {
        let group: Option<&SecurityGroup> = vpc
            .security_groups
            .values()
            .find(|group| group.group_id.as_str() == *id);
        let rules = group.map(|group| {
            if egress {
                &group.ip_permissions_egress
            } else {
                &group.ip_permissions
            }
        });
        rules
            .into_iter()
            .flatten()
            .any(|rule| rule_admits(vpc, rule, packet, far, far_groups))
    })
}

fn rule_admits(
    vpc: &VpcSnapshot,
    rule: &IpPermission,
    packet: Packet,
    far: IpAddr,
    far_groups: Option<&[&str]>,
) -> bool {
    let protocol = match rule.ip_protocol.as_str() {
        "-1" => None,
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmp" => Some(1),
        number => Some(number.parse().expect("a protocol's number")),
    };
    if protocol.is_some_and(|protocol| protocol != packet.protocol) {
        return false;
    }
    if let (Some(6 | 17), Some(from), Some(to)) = (protocol, rule.from_port, rule.to_port)
        && !(from..=to).contains(&i32::from(packet.port))
    {
        return false;
    }
    if let (Some(1), Some(kind), Some(code)) = (protocol, rule.from_port, rule.to_port)
        && !is_message(packet.port, kind, code)
    {
        return false;
    }
    let holds = |text: &str| text.parse::<IpNet>().expect("a block").contains(&far);
    rule.ip_ranges.iter().any(|range| holds(&range.cidr_ip))
        || rule.ipv6_ranges.iter().any(|range| holds(&range.cidr_ipv6))
        || rule.prefix_list_ids.iter().any(|wanted| {
            let list = vpc
                .prefix_lists
                .iter()
                .find(|list| list.prefix_list_id == wanted.prefix_list_id);
            list.is_some_and(|list| list.cidrs.iter().any(|cidr| holds(cidr)))
        })
        || rule.user_id_group_pairs.iter().any(|pair| {
            let id = pair.group_id.as_ref().expect("the groups here have ids").as_str();
            far_groups.is_some_and(|groups| groups.contains(&id))
        })
}

/// Whether a message of ICMP is of a type and code, each -1 for any.
fn is_message(port: u16, kind: i32, code: i32) -> bool {
    let is_it = |wanted: i32, found: u16| wanted == -1 || wanted == i32::from(found);
    kind == -1 || is_it(kind, port / 256) && is_it(code, port % 256)
}

/// Whether the subnet's network ACL lets one packet through.
fn passes(vpc: &VpcSnapshot, subnet: &str, egress: bool, protocol: u8, port: u16, far: IpAddr) -> bool {
    let mut own: Option<&NetworkAcl> = None;
    let mut default: Option<&NetworkAcl> = None;
    for acl in vpc.network_acls.values() {
        if acl
            .associations
            .iter()
            .any(|association| association.subnet_id.as_ref().is_some_and(|id| id.as_str() == subnet))
        {
            own = Some(acl);
        }
        if acl.is_default {
            default = Some(acl);
        }
    }
    let Some(acl) = own.or(default) else {
        // None was looked at.
        return true;
    };
    let mut entries: Vec<&NetworkAclEntry> = acl.entries.iter().filter(|entry| entry.egress == egress).collect();
    entries.sort_by_key(|entry| entry.rule_number);
    for entry in entries {
        let block = entry.cidr_block.map(IpNet::V4).or(entry.ipv6_cidr_block.map(IpNet::V6));
        let of_protocol = entry.protocol == "-1" || entry.protocol == protocol.to_string();
        let icmp = entry.icmp_type_code.as_ref().filter(|_| entry.protocol == "1");
        let of_port = match icmp {
            Some(icmp) => is_message(port, icmp.type_, icmp.code),
            None if entry.protocol == "-1" || !matches!(protocol, 6 | 17) => true,
            None => entry
                .port_range
                .as_ref()
                .is_none_or(|range| (range.from..=range.to).contains(&i32::from(port))),
        };
        if block.is_some_and(|block| block.contains(&far)) && of_protocol && of_port {
            return entry.rule_action.as_str() == "allow";
        }
    }
    false
}

/// Whether what a subnet sends to an address goes where nobody can look.
pub fn goes_out_of_sight(vpc: &VpcSnapshot, subnet: &str, address: IpAddr) -> bool {
    subnet_of(vpc, address) != Some(subnet) && matches!(target(vpc, subnet, address), Target::OutOfSight)
}
