//! Packets that must pass a network ACL, and how much it weighs that some of
//! them are stopped.

use std::{collections::BTreeSet, fmt};

use ipnet::IpNet;

use super::{
    entries::Kind,
    packets::{Packets, Stop, at_ports, leave_no_address, stops},
};
use crate::{
    report::Weight,
    types::{AclEntry, Direction, Peer, PortRange, Protocol, Rule},
};

/// Ports that whoever asks may choose for the answer.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html>.
pub(super) const ANSWERS: PortRange = PortRange { from: 1024, to: 65_535 };

/// Those among them that a Linux kernel chooses, and so SageMaker's containers
/// unless told otherwise.
const ANSWERS_TO_LINUX: PortRange = PortRange {
    from: 32_768,
    to: 61_000,
};

/// Which addresses of a passage's peers matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Addresses {
    /// Each of them.
    Each,
    /// Those of a host that may be anywhere among them.
    OfAHost,
    /// Those of a host that has IPv4 addresses as a rule.
    OfAHostBesides,
}

/// Packets that must pass an ACL, one way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passage {
    pub(super) direction: Direction,
    pub(super) protocol: Protocol,
    pub(super) ports: Option<PortRange>,
    pub(super) cidr: IpNet,
    pub(super) addresses: Addresses,
    /// Whether they answer a Linux kernel, which chooses the port.
    pub(super) answers_linux: bool,
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rule::new(self.direction, self.protocol, self.ports, Peer::Cidr(self.cidr)).fmt(f)
    }
}

/// A passage that is stopped, in part at least.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) passage: Passage,
    /// Numbers of the rules that deny; none where only no rule allows.
    pub(super) by: BTreeSet<u16>,
    pub(super) weight: Weight,
}

impl Passage {
    pub(super) fn kind(&self) -> Kind {
        Kind {
            direction: self.direction,
            is_ipv6: matches!(self.cidr, IpNet::V6(_)),
        }
    }

    pub(super) fn packets(&self) -> Packets {
        Packets::new(self.protocol, self.ports, self.cidr)
    }

    /// What of it the rules stop.
    pub(super) fn stops<'a>(&self, rules: impl IntoIterator<Item = &'a AclEntry>) -> Vec<Stop> {
        stops(rules, self.direction, self.packets())
    }

    /// How much it weighs that the rules stop some of it; `None` where they stop
    /// nothing.
    pub(super) fn judge<'a>(&self, rules: impl IntoIterator<Item = &'a AclEntry>) -> Option<Blocked> {
        let stops = self.stops(rules);
        if stops.is_empty() {
            return None;
        }
        let that_matter = if self.answers_linux {
            at_ports(&stops, ANSWERS_TO_LINUX)
        } else {
            stops.clone()
        };
        let blocks = match self.addresses {
            Addresses::Each => !that_matter.is_empty(),
            Addresses::OfAHost => leave_no_address(&that_matter, &self.packets()),
            Addresses::OfAHostBesides => false,
        };
        Some(Blocked {
            passage: self.clone(),
            by: stops.iter().filter_map(|stop| stop.by).collect(),
            weight: if blocks { Weight::Blocks } else { Weight::Advice },
        })
    }
}
