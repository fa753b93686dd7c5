//! Which addresses and security group rules stand for what goes out.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    demand::{Demand, DemandPeer},
    observed::{Subnet, VpcSnapshot},
    plan::resolved::ResolvedProfile,
    types::{Direction, Peer, Rule},
};

/// Every IPv4 address.
pub(super) fn anywhere_ipv4() -> IpNet {
    IpNet::V4(Ipv4Net::default())
}

/// Every IPv6 address.
pub(in crate::plan) fn anywhere_ipv6() -> IpNet {
    IpNet::V6(Ipv6Net::default())
}

/// The rules that let these workloads of a profile out to the hosts and blocks
/// that they demand, and to DNS servers that are not AWS's. A host's addresses change, so its rules admit any address
/// on its ports.
pub(in crate::plan) fn rules(
    resolved: &ResolvedProfile<'_>,
    workloads: &BTreeSet<usize>,
    snapshot: &VpcSnapshot,
) -> BTreeSet<Rule> {
    let anywhere = anywhere(resolved);
    let demands = workloads
        .iter()
        .flat_map(|place| resolved.network.demands.of_workload(*place));
    let rules = demands
        .filter(|demand| demand.applies_in(snapshot.vpc.cidrs()))
        .flat_map(|demand| {
            let rule = |block| {
                Rule::new(
                    Direction::Egress,
                    demand.traffic.protocol,
                    demand.traffic.ports,
                    Peer::Cidr(block),
                )
            };
            let resolvers = (demand.peer == DemandPeer::Resolver).then(|| snapshot.custom_resolver_addresses());
            let resolvers = resolvers.into_iter().flatten().map(IpNet::from);
            let blocks = blocks(demand, &anywhere).into_iter().chain(resolvers);
            blocks.map(rule).collect::<Vec<_>>()
        });
    rules.collect()
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
        | DemandPeer::Resolver => Vec::new(),
    }
}
