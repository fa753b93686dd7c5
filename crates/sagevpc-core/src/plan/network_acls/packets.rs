//! Sets of packets, and what the ordered rules of a network ACL do with them.

use ipnet::IpNet;

use crate::types::{AclEntry, Direction, LAST_ACL_RULE, PortRange, Protocol};

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

    fn common(self, other: Self) -> Option<Self> {
        let common = Self::new(self.first.max(other.first), self.last.min(other.last));
        (common.first <= common.last).then_some(common)
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

    fn common(&self, other: &Self) -> Option<Self> {
        if self.is_ipv6 != other.is_ipv6 {
            return None;
        }
        let mut common = *self;
        for (span, theirs) in common.spans.iter_mut().zip(other.spans) {
            *span = span.common(theirs)?;
        }
        Some(common)
    }

    /// These without `other`, in blocks that do not overlap.
    fn without(&self, other: &Self) -> Vec<Self> {
        let Some(common) = self.common(other) else {
            return vec![*self];
        };
        let mut rest = Vec::new();
        let mut left = *self;
        for (axis, cut) in common.spans.into_iter().enumerate() {
            if left.spans[axis].first < cut.first {
                let mut below = left;
                below.spans[axis].last = cut.first - 1;
                rest.push(below);
            }
            if cut.last < left.spans[axis].last {
                let mut above = left;
                above.spans[axis].first = cut.last + 1;
                rest.push(above);
            }
            left.spans[axis] = cut;
        }
        rest
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

/// Packets that an ACL stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeniedPackets {
    /// The number of the rule that denies them; `None` where no rule matches,
    /// and for the rule at the end.
    pub(super) by: Option<u16>,
    packets: Packets,
}

/// What of the packets is stopped. The rules must come in the order of their
/// numbers.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html>.
pub(super) fn stops<'a>(
    rules: impl IntoIterator<Item = &'a AclEntry>,
    direction: Direction,
    packets: Packets,
) -> Vec<DeniedPackets> {
    let mut undecided = vec![packets];
    let mut stops = Vec::new();
    for rule in rules.into_iter().filter(|rule| rule.direction == direction) {
        let matched = Packets::of_rule(rule);
        if !rule.allows {
            let by = (rule.rule_number < LAST_ACL_RULE).then_some(rule.rule_number);
            let denied = undecided.iter().filter_map(|block| block.common(&matched));
            stops.extend(denied.map(|packets| DeniedPackets { by, packets }));
        }
        undecided = undecided.iter().flat_map(|block| block.without(&matched)).collect();
    }
    stops.extend(undecided.into_iter().map(|packets| DeniedPackets { by: None, packets }));
    stops
}

#[cfg(test)]
mod tests;
