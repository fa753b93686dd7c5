//! Blocks of packets against single packets, one after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::{collection, prelude::*, sample};

use super::*;

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

/// The number of the rule that decides on a packet, and whether it allows it.
fn decided(rules: &[AclEntry], direction: Direction, packet: Packet) -> (Option<u16>, bool) {
    let mut rules = rules.iter().filter(|rule| rule.direction == direction);
    match rules.find(|rule| matches(rule, packet)) {
        Some(rule) => (
            (rule.allows || rule.rule_number < LAST_ACL_RULE).then_some(rule.rule_number),
            rule.allows,
        ),
        None => (None, false),
    }
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

fn direction() -> impl Strategy<Value = Direction> {
    sample::select(vec![Direction::Ingress, Direction::Egress])
}

fn rules() -> impl Strategy<Value = Vec<AclEntry>> {
    let rule = (direction(), any::<bool>(), protocol_and_ports(), cidr());
    (collection::vec(rule, 0..8), any::<bool>()).prop_map(|(rules, has_last)| {
        let mut rules: Vec<AclEntry> = rules
            .into_iter()
            .zip(1..)
            .map(|((direction, allows, (protocol, ports), cidr), number)| {
                AclEntry::new(direction, number * 100, allows, protocol, ports, cidr)
            })
            .collect();
        if has_last {
            let everywhere = "0.0.0.0/0".parse().unwrap();
            rules.extend(
                [Direction::Ingress, Direction::Egress]
                    .map(|direction| AclEntry::new(direction, LAST_ACL_RULE, false, Protocol::All, None, everywhere)),
            );
        }
        rules
    })
}

/// Packets at the edges of what the rules name, and just beyond them.
fn packet() -> impl Strategy<Value = Packet> {
    let peers = || {
        let ipv4 = [0u32, 0x0a00_0000, 0x0a00_0001, 0x0a00_0002, 0x0a01_0000, 0x0b00_0000];
        let ipv6 = [0x2001_0db8u128 << 96, (0x2001_0db8u128 << 96) + 1, 1];
        let ipv4 = ipv4.into_iter().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        ipv4.chain(ipv6.into_iter().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))))
            .collect::<Vec<_>>()
    };
    let services = vec![
        0, 1, 2, 3, 4, 5, 442, 443, 444, 768, 769, 772, 1023, 1024, 1027, 32_767, 32_768, 65_280, 65_535,
    ];
    (
        sample::select(vec![0u8, 1, 6, 17, 50, 51, 58, 255]),
        sample::select(services),
        sample::select(peers()),
    )
        .prop_map(|(protocol, service, peer)| Packet {
            protocol,
            service,
            peer,
        })
}

fn point(packet: Packet) -> Packets {
    let at = |number: u128| Span::new(number, number);
    let (is_ipv6, address) = match packet.peer {
        IpAddr::V4(peer) => (false, u128::from(peer.to_bits())),
        IpAddr::V6(peer) => (true, peer.to_bits()),
    };
    Packets {
        is_ipv6,
        spans: [at(packet.protocol.into()), at(packet.service.into()), at(address)],
    }
}

proptest! {
    #[test]
    fn blocks_are_stopped_as_each_of_their_packets_is(
        questions in collection::vec((rules(), direction(), protocol_and_ports(), cidr()), 16),
        packets in collection::vec(packet(), 32),
    ) {
        for (rules, direction, (protocol, ports), cidr) in questions {
            let asked = AclEntry::new(direction, 1, true, protocol, ports, cidr);
            let stops = stops(&rules, direction, Packets::of_rule(&asked));
            for packet in packets.iter().copied() {
                let stopped: Vec<&DeniedPackets> = stops.iter().filter(|stop| stop.packets.contain(&point(packet))).collect();
                let (by, allowed) = decided(&rules, direction, packet);
                if matches(&asked, packet) && !allowed {
                    prop_assert_eq!(stopped.len(), 1, "{:?}", packet);
                    prop_assert_eq!(stopped[0].by, by);
                } else {
                    prop_assert!(stopped.is_empty(), "{packet:?} is stopped by {stopped:?}");
                }
            }
        }
    }
}
