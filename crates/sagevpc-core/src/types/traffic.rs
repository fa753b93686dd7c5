//! What is said between two ends.

use std::fmt;

use super::{PortRange, Protocol};

/// What is said, by protocol and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic {
    /// The protocol, or all of them.
    pub protocol: Protocol,
    /// The ports; `None` for all, and where the protocol has none.
    pub ports: Option<PortRange>,
}

impl Traffic {
    /// TCP to one port.
    pub const fn tcp(port: u16) -> Self {
        Self {
            protocol: Protocol::TCP,
            ports: Some(PortRange::only(port)),
        }
    }
}

/// What DNS servers are asked with: UDP, and TCP where an answer is long.
///
/// See <https://www.rfc-editor.org/rfc/rfc7766>.
pub const DNS_QUERIES: [Traffic; 2] = [
    Traffic {
        protocol: Protocol::UDP,
        ports: Some(PortRange::only(53)),
    },
    Traffic::tcp(53),
];

/// What network file systems are spoken to with.
///
/// See <https://docs.aws.amazon.com/efs/latest/ug/network-access.html>.
pub const NFS: Traffic = Traffic::tcp(2049);

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::All => f.write_str("all traffic")?,
            Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6 => {
                f.write_str(&self.protocol.as_ec2())?
            }
            Protocol::Number(number) => write!(f, "protocol {number}")?,
        }
        match &self.ports {
            Some(range) if range.from == range.to => write!(f, " {}", range.from),
            Some(range) => write!(f, " {}-{}", range.from, range.to),
            None => Ok(()),
        }
    }
}

/// Ports that whoever asks over TCP or UDP may choose for the answer. NAT
/// gateways use all of them.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports>.
pub const ANSWER_PORTS: PortRange = PortRange { from: 1024, to: 65_535 };

/// Those among them that a Linux kernel chooses from, and so SageMaker's
/// instances unless told otherwise: the default of `ip_local_port_range`.
///
/// See <https://docs.kernel.org/networking/ip-sysctl.html>.
pub const LINUX_PORTS: PortRange = PortRange {
    from: 32_768,
    to: 60_999,
};
