//! Which addresses and security group rules stand for what goes out.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    demand::{Demand, DemandPeer},
    observed::{Subnet, VpcSnapshot},
    plan::resolved::ResolvedProfile,
    types::{Direction, Peer, PrivatePeer, Rule},
};

/// Every IPv4 address.
pub(super) fn anywhere_ipv4() -> IpNet {
    IpNet::V4(Ipv4Net::default())
}

/// Every IPv6 address.
pub(in crate::plan) fn anywhere_ipv6() -> IpNet {
    IpNet::V6(Ipv6Net::default())
}

/// The rules that let these workloads of a profile out to what they name and to
/// DNS servers that are not AWS's, and let in what calls them back. A host's
/// addresses change, so its rules admit any address on its ports, or any of the
/// VPC's where it is there.
pub(in crate::plan) fn rules(
    resolved: &ResolvedProfile<'_>,
    workloads: &BTreeSet<usize>,
    snapshot: &VpcSnapshot,
) -> BTreeSet<Rule> {
    let anywhere = anywhere(resolved);
    let demands = workloads
        .iter()
        .flat_map(|place| resolved.network.demands.of_workload(*place));
    let mut rules = BTreeSet::new();
    for demand in demands.filter(|demand| demand.applies_in(snapshot.vpc.cidrs())) {
        for direction in directions(demand) {
            let rule = |peer| Rule::new(*direction, demand.traffic.protocol, demand.traffic.ports, peer);
            rules.extend(peers(demand, &anywhere, snapshot).into_iter().map(rule));
        }
    }
    rules
}

/// Which way connections of a demand are opened.
fn directions(demand: &Demand) -> &'static [Direction] {
    if matches!(demand.peer, DemandPeer::Inside { calls_back: true, .. }) {
        &[Direction::Egress, Direction::Ingress]
    } else {
        &[Direction::Egress]
    }
}

/// The peers of the rules for a demand. EC2 takes no rule that names a group which
/// is not there.
fn peers(demand: &Demand, anywhere: &[IpNet], snapshot: &VpcSnapshot) -> Vec<Peer> {
    if demand.peer == DemandPeer::Resolver {
        let servers = snapshot.custom_resolver_addresses();
        return servers.map(IpNet::from).map(Peer::Cidr).collect();
    }
    let DemandPeer::Inside { whom, .. } = &demand.peer else {
        return blocks(demand, anywhere).into_iter().map(Peer::Cidr).collect();
    };
    let of_families = |block: &IpNet| anywhere.iter().any(|any| any.contains(block));
    match whom {
        PrivatePeer::Cidr(cidr) => vec![Peer::Cidr(cidr.trunc())],
        PrivatePeer::Group(id) if snapshot.security_groups.contains_key(id) => vec![Peer::Group {
            id: id.clone(),
            owner: None,
        }],
        PrivatePeer::Group(_) => Vec::new(),
        PrivatePeer::Host { is_inside: true, .. } => {
            let inside = snapshot.vpc.cidrs().filter(of_families);
            inside.map(Peer::Cidr).collect()
        }
        PrivatePeer::Host { is_inside: false, .. } => anywhere.iter().copied().map(Peer::Cidr).collect(),
    }
}

/// The rules that let the profile's workloads out by HTTPS to any address, as
/// the public addresses of AWS's services may be.
pub(in crate::plan) fn https_anywhere(resolved: &ResolvedProfile<'_>) -> BTreeSet<Rule> {
    let rule = |block| Rule::https(Direction::Egress, Peer::Cidr(block));
    anywhere(resolved).into_iter().map(rule).collect()
}

/// Every address that the profile's subnets can speak to, IPv4 first.
fn anywhere(resolved: &ResolvedProfile<'_>) -> Vec<IpNet> {
    let has = |ipv6: bool| {
        let mut cidrs = resolved.subnets.iter().flat_map(|subnet| subnet.cidrs());
        cidrs.any(|cidr| matches!(cidr, IpNet::V6(_)) == ipv6)
    };
    [(false, anywhere_ipv4()), (true, anywhere_ipv6())]
        .into_iter()
        .filter_map(|(ipv6, block)| has(ipv6).then_some(block))
        .collect()
}

/// The blocks that a demand may be for, seen from a subnet. To a host, IPv4
/// will do where the subnet has it.
pub(super) fn from_subnet(demand: &Demand, subnet: &Subnet) -> Vec<IpNet> {
    let anywhere = if subnet.cidr_block.is_some() {
        anywhere_ipv4()
    } else {
        anywhere_ipv6()
    };
    blocks(demand, &[anywhere])
}

/// The blocks of addresses that a demand is for; `anywhere` for a host, none
/// for what is no destination of a team's.
fn blocks(demand: &Demand, anywhere: &[IpNet]) -> Vec<IpNet> {
    match &demand.peer {
        DemandPeer::Cidr { cidr, .. } => vec![cidr.trunc()],
        DemandPeer::Host(_) => anywhere.to_vec(),
        DemandPeer::S3 { .. }
        | DemandPeer::Service(_)
        | DemandPeer::ElasticInference
        | DemandPeer::Members
        | DemandPeer::EfaMembers
        | DemandPeer::OwnSubnets
        | DemandPeer::PackageMirrors
        | DemandPeer::Resolver
        | DemandPeer::Inside { .. } => Vec::new(),
    }
}
