//! Rules of network ACLs as values that compare by meaning.

use std::fmt;

use ipnet::IpNet;
use serde::Serialize;

use super::{Direction, Peer, PortRange, Protocol, Rule, rules::write_traffic};

/// The lowest number that EC2 gives the rules at the end, which deny: 32767 for
/// IPv4 and 32768 for IPv6.
pub const LAST_ACL_RULE: u16 = 32_767;

/// One rule of a network ACL. Rules are tried in the order of their numbers,
/// each direction by itself, and the first that matches decides. An ACL keeps
/// no state: answers need a rule of their own.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html>.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct AclEntry {
    /// Which way, as seen from the subnet.
    pub direction: Direction,
    /// Its number, from 1 to 32766; 32767 is the rule at the end that denies.
    pub rule_number: u16,
    /// Whether what matches goes through.
    pub allows: bool,
    /// Which protocol.
    pub protocol: Protocol,
    /// Which ports of the destination; `None` for all, and where the protocol
    /// has none. For ICMP, type and code.
    pub ports: Option<PortRange>,
    /// From or to which addresses.
    pub cidr: IpNet,
}

impl AclEntry {
    /// A rule in its one spelling, as [`Rule::new`] gives it.
    pub fn new(
        direction: Direction,
        rule_number: u16,
        allows: bool,
        protocol: Protocol,
        ports: Option<PortRange>,
        cidr: IpNet,
    ) -> Self {
        let Rule {
            direction,
            protocol,
            ports,
            peer: _,
        } = Rule::new(direction, protocol, ports, Peer::Cidr(cidr));
        Self {
            direction,
            rule_number,
            allows,
            protocol,
            ports,
            cidr: cidr.trunc(),
        }
    }

    /// Whether it does the same, whatever its number.
    pub fn does_the_same_as(&self, other: &Self) -> bool {
        let number = self.rule_number;
        *self
            == Self {
                rule_number: number,
                ..other.clone()
            }
    }
}

impl From<AclEntry> for String {
    fn from(entry: AclEntry) -> Self {
        entry.to_string()
    }
}

impl fmt::Display for AclEntry {
    /// For messages: `egress rule 100: allow tcp 443 to 0.0.0.0/0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            direction,
            rule_number,
            allows,
            protocol,
            ports,
            cidr,
        } = self;
        let verb = if *allows { "allow" } else { "deny" };
        write!(f, "{direction} rule {rule_number}: {verb} ")?;
        write_traffic(f, *direction, *protocol, ports.as_ref(), cidr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_meaning_is_one_spelling() {
        let entry = |number, ports, cidr: &str| {
            AclEntry::new(
                Direction::Egress,
                number,
                true,
                Protocol::TCP,
                ports,
                cidr.parse().unwrap(),
            )
        };
        let every_port = Some(PortRange { from: 0, to: 65_535 });
        assert_eq!(entry(1, every_port, "10.0.0.9/24"), entry(1, None, "10.0.0.0/24"));
        assert!(entry(1, None, "10.0.0.0/24").does_the_same_as(&entry(2, None, "10.0.0.0/24")));
        assert!(!entry(1, None, "10.0.0.0/24").does_the_same_as(&entry(1, None, "10.0.0.0/16")));
    }

    #[test]
    fn entries_read_as_phrases() {
        let entry = AclEntry {
            direction: Direction::Ingress,
            rule_number: 30_001,
            allows: true,
            protocol: Protocol::TCP,
            ports: Some(PortRange { from: 1024, to: 65_535 }),
            cidr: "0.0.0.0/0".parse().unwrap(),
        };
        assert_eq!(
            entry.to_string(),
            "ingress rule 30001: allow tcp 1024-65535 from 0.0.0.0/0"
        );
    }
}
