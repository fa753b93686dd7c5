//! Packets that a network ACL denies though they are needed.

use ipnet::IpNet;

use super::packets::Packets;
use crate::types::{AclEntry, Direction, PortRange, Protocol};

/// Packets that must pass an ACL, one way, and do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passage {
    pub(super) direction: Direction,
    pub(super) protocol: Protocol,
    pub(super) ports: Option<PortRange>,
    pub(super) cidr: IpNet,
    /// Whether a team chose the addresses: it is granted those and no more, so
    /// that no rule may let more through for it.
    pub(super) is_chosen: bool,
    /// The number of the rule that denies them; `None` where no rule matches,
    /// and for the rule at the end.
    pub(super) by: Option<u16>,
}

impl Passage {
    pub(super) fn kind(&self) -> RuleKind {
        RuleKind {
            direction: self.direction,
            is_ipv6: matches!(self.cidr, IpNet::V6(_)),
        }
    }

    pub(super) fn packets(&self) -> Packets {
        Packets::new(self.protocol, self.ports, self.cidr)
    }
}

/// EC2 counts rules by direction and IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKind {
    pub(super) direction: Direction,
    pub(super) is_ipv6: bool,
}

impl RuleKind {
    pub(super) fn of(rule: &AclEntry) -> Self {
        Self {
            direction: rule.direction,
            is_ipv6: matches!(rule.cidr, IpNet::V6(_)),
        }
    }
}
