//! Rules against single packets, one after the other.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use proptest::{collection, prelude::*, sample};

use super::*;
use crate::types::Direction;

/// One packet, as an ACL looks at it.
#[derive(Clone, Copy, Debug)]
struct Packet {
    protocol: u8,
    /// The port, or ICMP's type and code.
    service: u16,
    peer: IpAddr,
}

/// Whether the rule matches, word for word as EC2's documentation says.
fn matches(rule: &AclEntry, packet: Packet) -> bool {
    let protocol = match rule.protocol {
        Protocol::All => true,
        Protocol::Number(number) => number == packet.protocol,
    };
    let [kind, code] = packet.service.to_be_bytes();
    let service = match (rule.protocol, rule.ports) {
        (Protocol::TCP | Protocol::UDP, Some(ports)) => (ports.from..=ports.to).contains(&i32::from(packet.service)),
        (Protocol::ICMP | Protocol::ICMPV6, Some(icmp)) => {
            let is = |wanted: i32, there: u8| wanted == -1 || wanted == i32::from(there);
            is(icmp.from, kind) && (icmp.from == -1 || is(icmp.to, code))
        }
        _ => true,
    };
    protocol && service && rule.cidr.contains(&packet.peer)
}

const PROTOCOL_CHOICES: [Protocol; 6] = [
    Protocol::All,
    Protocol::TCP,
    Protocol::UDP,
    Protocol::ICMP,
    Protocol::ICMPV6,
    Protocol::Number(50),
];

const PORTS: [i32; 8] = [-1, 0, 3, 4, 443, 1024, 32_768, 65_535];

const CIDRS: [&str; 8] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.0.0/31",
    "10.0.0.1/32",
    "::/0",
    "2001:db8::/64",
    "2001:db8::1/128",
];

fn protocol_and_ports() -> impl Strategy<Value = (Protocol, Option<PortRange>)> {
    let ports = (sample::select(&PORTS[..]), sample::select(&PORTS[..]));
    (sample::select(&PROTOCOL_CHOICES[..]), proptest::option::of(ports)).prop_map(|(protocol, ports)| {
        let ports = ports.map(|(from, to)| match protocol {
            Protocol::ICMP | Protocol::ICMPV6 => PortRange {
                from: from.min(255),
                to: to.min(255),
            },
            _ => PortRange {
                from: from.min(to).max(0),
                to: to.max(from).max(0),
            },
        });
        (protocol, ports)
    })
}

fn cidr() -> impl Strategy<Value = IpNet> {
    sample::select(&CIDRS[..]).prop_map(|text| text.parse().unwrap())
}

fn rule() -> impl Strategy<Value = AclEntry> {
    (protocol_and_ports(), cidr())
        .prop_map(|((protocol, ports), cidr)| AclEntry::new(Direction::Ingress, 1, true, protocol, ports, cidr))
}

/// Packets at the edges of all that the rules name, and just beyond them.
fn packets() -> impl Iterator<Item = Packet> {
    let ipv4 = [0u32, 0x0a00_0000, 0x0a00_0001, 0x0a00_0002, 0x0a01_0000, 0x0b00_0000];
    let ipv6 = [0x2001_0db8u128 << 96, (0x2001_0db8u128 << 96) + 1, 1];
    let ipv4 = ipv4.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    let peers = ipv4.chain(ipv6.into_iter().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))));
    let edges = PORTS.iter().flat_map(|port| [port - 1, *port, port + 1]);
    let ports: BTreeSet<u16> = edges.filter_map(|port| u16::try_from(port).ok()).collect();
    let bytes: BTreeSet<u8> = PORTS
        .iter()
        .flat_map(|port| [port.min(&255) - 1, *port.min(&255), port + 1])
        .filter_map(|byte| u8::try_from(byte).ok())
        .collect();
    let icmp = bytes
        .iter()
        .flat_map(|kind| bytes.iter().map(|code| u16::from_be_bytes([*kind, *code])));
    let services: BTreeSet<u16> = ports.iter().copied().chain(icmp).collect();
    peers.flat_map(move |peer| {
        let services = services.clone();
        services.into_iter().flat_map(move |service| {
            [0u8, 1, 6, 17, 50, 51, 58, 255].map(|protocol| Packet {
                protocol,
                service,
                peer,
            })
        })
    })
}

proptest! {
    #[test]
    fn rules_contain_others_whose_packets_they_all_match(rules in collection::vec(rule(), 6)) {
        for (one, other) in rules.iter().flat_map(|one| rules.iter().map(move |other| (one, other))) {
            let left_out = packets().find(|packet| matches(other, *packet) && !matches(one, *packet));
            let contains = Packets::of_rule(one).contain(&Packets::of_rule(other));
            prop_assert_eq!(contains, left_out.is_none(), "{} and {}: {:?}", one, other, left_out);
        }
    }
}
