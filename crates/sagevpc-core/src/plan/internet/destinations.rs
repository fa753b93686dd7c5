//! Which addresses and security group rules a profile's destinations stand for.

use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    api::Destination,
    observed::Subnet,
    plan::resolved::ResolvedProfile,
    types::{Direction, Peer, PortRange, Protocol, Rule},
};

/// Every IPv4 address.
pub(super) fn anywhere_ipv4() -> IpNet {
    IpNet::V4(Ipv4Net::default())
}

/// Every IPv6 address.
fn anywhere_ipv6() -> IpNet {
    IpNet::V6(Ipv6Net::default())
}

/// The rules that let a profile's workloads out to its destinations. A host's
/// addresses change, so its rules admit any address on its ports.
pub(in crate::plan) fn rules(resolved: &ResolvedProfile<'_>) -> BTreeSet<Rule> {
    to(resolved, &anywhere(resolved))
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

fn to(resolved: &ResolvedProfile<'_>, anywhere: &[IpNet]) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for destination in &resolved.profile().destinations {
        for block in blocks(destination, anywhere) {
            rules.extend(destination.ports.iter().map(|port| {
                Rule::new(
                    Direction::Egress,
                    Protocol::TCP,
                    Some(PortRange::only(*port)),
                    Peer::Cidr(block),
                )
            }));
        }
    }
    rules
}

/// What a route out of the subnet must lead to: each destination with its block
/// of addresses. To a host, IPv4 will do where the subnet has it.
pub(super) fn from_subnet<'a>(
    resolved: &'a ResolvedProfile<'_>,
    subnet: &Subnet,
) -> impl Iterator<Item = (&'a Destination, IpNet)> {
    let anywhere = if subnet.cidr_block.is_some() {
        anywhere_ipv4()
    } else {
        anywhere_ipv6()
    };
    let destinations = resolved.profile().destinations.iter();
    destinations.flat_map(move |destination| {
        blocks(destination, &[anywhere])
            .into_iter()
            .map(move |block| (destination, block))
    })
}

/// The blocks of addresses that a destination may be at; `anywhere` for a host.
fn blocks(destination: &Destination, anywhere: &[IpNet]) -> Vec<IpNet> {
    match &destination.cidr {
        Some(cidr) => cidr.parse().iter().map(IpNet::trunc).collect(),
        None => anywhere.to_vec(),
    }
}
