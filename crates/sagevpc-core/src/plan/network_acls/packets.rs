//! Sets of packets that rules of network ACLs match: which rules match all that
//! others do.

use ipnet::IpNet;

use crate::types::{AclEntry, PortRange, Protocol};

/// Numbers from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u128,
    last: u128,
}

impl Span {
    const fn new(first: u128, last: u128) -> Self {
        Self { first, last }
    }

    fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

const PROTOCOLS: Span = Span::new(0, 255);

/// Ports; for ICMP, 256 times the type plus the code.
const SERVICES: Span = Span::new(0, 65_535);

/// A set of packets of one IP version: a block of protocols, ports of the
/// destination and addresses of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packets {
    is_ipv6: bool,
    spans: [Span; 3],
}

impl Packets {
    /// Those that a rule with these fields matches.
    pub(super) fn new(protocol: Protocol, ports: Option<PortRange>, cidr: IpNet) -> Self {
        let protocols = match protocol {
            Protocol::All => PROTOCOLS,
            Protocol::Number(number) => Span::new(number.into(), number.into()),
        };
        let services = match (protocol, ports) {
            (Protocol::TCP | Protocol::UDP, Some(range)) => ports_span(range),
            (Protocol::ICMP | Protocol::ICMPV6, Some(range)) => icmp_span(range),
            (Protocol::All | Protocol::Number(_), _) => SERVICES,
        };
        let addresses = match cidr {
            IpNet::V4(net) => Span::new(net.network().to_bits().into(), net.broadcast().to_bits().into()),
            IpNet::V6(net) => Span::new(net.network().to_bits(), net.broadcast().to_bits()),
        };
        Self {
            is_ipv6: matches!(cidr, IpNet::V6(_)),
            spans: [protocols, services, addresses],
        }
    }

    /// Those that a rule matches.
    pub(super) fn of_rule(rule: &AclEntry) -> Self {
        Self::new(rule.protocol, rule.ports, rule.cidr)
    }

    /// Whether all of `other` are among these.
    pub(super) fn contain(&self, other: &Self) -> bool {
        self.is_ipv6 == other.is_ipv6
            && self
                .spans
                .iter()
                .zip(other.spans)
                .all(|(mine, theirs)| mine.contains(theirs))
    }
}

fn ports_span(range: PortRange) -> Span {
    let port = |port: i32| u128::from(u16::try_from(port.clamp(0, 65_535)).unwrap_or(u16::MAX));
    Span::new(port(range.from), port(range.to))
}

/// Type and code, where -1 stands for any.
fn icmp_span(range: PortRange) -> Span {
    match (u8::try_from(range.from), u8::try_from(range.to)) {
        (Err(_), _) => SERVICES,
        (Ok(type_), Err(_)) => Span::new(u128::from(type_) * 256, u128::from(type_) * 256 + 255),
        (Ok(type_), Ok(code)) => {
            let only = u128::from(type_) * 256 + u128::from(code);
            Span::new(only, only)
        }
    }
}

#[cfg(test)]
mod tests;
