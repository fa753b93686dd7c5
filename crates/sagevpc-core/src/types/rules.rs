//! Security group rules as values that compare by meaning.
//!
//! EC2 accepts a rule in many spellings and gives it back in another: protocol
//! `6` for `tcp`, a CIDR with host bits set, several sources in one permission,
//! the group's own id filled in. Here one rule has one protocol, one range of
//! ports and one peer, in one spelling, so a set difference is a real one.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{AccountId, PrefixListId, ResourceKey, SecurityGroupId, Traffic};

/// Which way the traffic goes that a rule admits, as seen from the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Towards the group's network interfaces.
    Ingress,
    /// Away from them.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// An IP protocol by its number, or all of them.
///
/// See <https://www.iana.org/assignments/protocol-numbers>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// EC2's `-1`.
    All,
    /// One protocol: 6 is TCP, 17 UDP, 1 ICMP, 58 ICMPv6, 50 ESP.
    Number(u8),
}

impl Protocol {
    /// TCP, number 6.
    pub const TCP: Self = Self::Number(6);
    /// UDP, number 17.
    pub const UDP: Self = Self::Number(17);
    /// ICMP, number 1.
    pub const ICMP: Self = Self::Number(1);
    /// ICMP for IPv6, number 58.
    pub const ICMPV6: Self = Self::Number(58);

    /// Reads EC2's `IpProtocol`, a name or a number. `None` for text that EC2
    /// does not give out.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Some(Self::All),
            "tcp" => Some(Self::TCP),
            "udp" => Some(Self::UDP),
            "icmp" => Some(Self::ICMP),
            "icmpv6" => Some(Self::ICMPV6),
            number => number.parse().ok().map(Self::Number),
        }
    }

    /// EC2's spelling.
    pub fn as_ec2(self) -> String {
        match self {
            Self::All => "-1".to_owned(),
            Self::TCP => "tcp".to_owned(),
            Self::UDP => "udp".to_owned(),
            Self::ICMP => "icmp".to_owned(),
            Self::ICMPV6 => "icmpv6".to_owned(),
            Self::Number(number) => number.to_string(),
        }
    }

    /// Whether rules of this protocol carry ports (or, for ICMP, type and code).
    pub fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::ICMP | Self::ICMPV6)
    }
}

/// `FromPort` and `ToPort`: ports for TCP and UDP, type and code for ICMP,
/// where -1 stands for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortRange {
    /// First port, or ICMP type.
    pub from: i32,
    /// Last port, or ICMP code.
    pub to: i32,
}

impl PortRange {
    /// The one port.
    pub const fn only(port: u16) -> Self {
        Self {
            from: port as i32,
            to: port as i32,
        }
    }

    /// Whether every port of `other` is in this range.
    pub fn contains(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// The other end of the traffic that a rule admits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Peer {
    /// Members of the group that holds the rule. EC2 gives it back with the
    /// group's own id, and takes it only once that id is known.
    Itself,
    /// Members of another group, in this account or in a peer's.
    Group {
        /// The other group.
        id: SecurityGroupId,
        /// Its account, where EC2 names one other than the VPC's.
        owner: Option<AccountId>,
    },
    /// Members of a group that an earlier action of the same plan makes. EC2
    /// never gives it back.
    Made(ResourceKey),
    /// The addresses of a prefix list, such as S3's in the region.
    PrefixList(PrefixListId),
    /// Addresses, IPv4 or IPv6, with the host bits cleared.
    Cidr(IpNet),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("the group itself"),
            Self::Group { id, .. } => write!(f, "{id}"),
            Self::Made(key) => write!(f, "{key}"),
            Self::PrefixList(id) => write!(f, "prefix list {id}"),
            Self::Cidr(cidr) => write!(f, "{cidr}"),
        }
    }
}

/// One security group rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Rule {
    /// Which way.
    pub direction: Direction,
    /// Which protocol.
    pub protocol: Protocol,
    /// Which ports; `None` where the protocol has none, and for all of them.
    pub ports: Option<PortRange>,
    /// From or to whom.
    pub peer: Peer,
}

impl Rule {
    /// A rule in its one spelling: the ports of a protocol that has none, and a
    /// range that takes in every port, are dropped, host bits are cleared.
    pub fn new(direction: Direction, protocol: Protocol, ports: Option<PortRange>, peer: Peer) -> Self {
        let every_port = |range: &PortRange| match protocol {
            Protocol::All => true,
            Protocol::TCP | Protocol::UDP => range.from <= 0 && range.to >= 65_535,
            Protocol::ICMP | Protocol::ICMPV6 => range.from == -1,
            Protocol::Number(_) => true,
        };
        let ports = ports.filter(|range| protocol.has_ports() && !every_port(range));
        let peer = match peer {
            Peer::Cidr(cidr) => Peer::Cidr(cidr.trunc()),
            Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => peer,
        };
        Self {
            direction,
            protocol,
            ports,
            peer,
        }
    }

    /// All traffic with `peer`.
    pub fn all(direction: Direction, peer: Peer) -> Self {
        Self::new(direction, Protocol::All, None, peer)
    }

    /// HTTPS with `peer`.
    pub fn https(direction: Direction, peer: Peer) -> Self {
        Self::new(direction, Protocol::TCP, Some(PortRange::only(443)), peer)
    }

    /// Whether this rule admits the protocol and every port of `other`,
    /// whatever the peers.
    pub fn admits_service_of(&self, other: &Self) -> bool {
        if self.direction != other.direction {
            return false;
        }
        match (self.protocol, other.protocol) {
            (Protocol::All, _) => true,
            (mine, theirs) if mine == theirs => match (&self.ports, &other.ports) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(mine), Some(theirs)) => mine.contains(theirs),
            },
            _ => false,
        }
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for Rule {
    /// For messages: `egress tcp 443 to prefix list pl-63a5400a`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rule(f, self.direction, self.protocol, self.ports.as_ref(), &self.peer)
    }
}

/// Writes a rule as a phrase, whatever stands for its peer.
pub(crate) fn write_rule(
    f: &mut fmt::Formatter<'_>,
    direction: Direction,
    protocol: Protocol,
    ports: Option<&PortRange>,
    peer: &dyn fmt::Display,
) -> fmt::Result {
    write!(f, "{direction} ")?;
    write_traffic(f, direction, protocol, ports, peer)
}

/// The same without the direction: `tcp 443 to 0.0.0.0/0`.
pub(crate) fn write_traffic(
    f: &mut fmt::Formatter<'_>,
    direction: Direction,
    protocol: Protocol,
    ports: Option<&PortRange>,
    peer: &dyn fmt::Display,
) -> fmt::Result {
    let traffic = Traffic {
        protocol,
        ports: ports.copied(),
    };
    let preposition = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    write!(f, "{traffic} {preposition} {peer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Peer {
        Peer::Cidr(text.parse().unwrap())
    }

    #[test]
    fn equal_meaning_is_one_spelling() {
        let tcp = Protocol::parse("6").unwrap();
        assert_eq!(Some(tcp), Protocol::parse("TCP"));
        assert_eq!(
            Rule::new(
                Direction::Egress,
                tcp,
                Some(PortRange { from: 0, to: 65_535 }),
                cidr("10.0.0.9/24")
            ),
            Rule::new(Direction::Egress, Protocol::TCP, None, cidr("10.0.0.0/24")),
        );
        assert_eq!(
            Rule::new(
                Direction::Ingress,
                Protocol::All,
                Some(PortRange { from: -1, to: -1 }),
                Peer::Itself
            ),
            Rule::all(Direction::Ingress, Peer::Itself),
        );
    }

    #[test]
    fn a_wider_rule_admits_a_narrower_one_and_not_the_reverse() {
        let all = Rule::all(Direction::Egress, cidr("0.0.0.0/0"));
        let https = Rule::https(Direction::Egress, cidr("0.0.0.0/0"));
        assert!(all.admits_service_of(&https));
        assert!(!https.admits_service_of(&all));
        assert!(!all.admits_service_of(&Rule::https(Direction::Ingress, cidr("0.0.0.0/0"))));
    }

    #[test]
    fn rules_read_as_phrases() {
        assert_eq!(
            Rule::https(Direction::Egress, Peer::PrefixList("pl-63a5400a".into())).to_string(),
            "egress tcp 443 to prefix list pl-63a5400a"
        );
        assert_eq!(
            Rule::all(Direction::Ingress, Peer::Itself).to_string(),
            "ingress all traffic from the group itself"
        );
    }
}
