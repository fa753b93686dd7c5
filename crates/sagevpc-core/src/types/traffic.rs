//! What is said between two ends.

use std::fmt;

use super::{PortRange, Protocol};

/// What is said, by protocol and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traffic {
    /// The protocol, or all of them.
    pub protocol: Protocol,
    /// The ports; `None` for all, and where the protocol has none. Those of ICMP are
    /// its type and code, each -1 for any.
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
    /// For messages: `tcp 443`, `icmp`, `icmp type 8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::All => f.write_str("all traffic")?,
            Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6 => {
                f.write_str(&self.protocol.as_ec2())?;
            }
            Protocol::Number(number) => write!(f, "protocol {number}")?,
        }
        let Some(PortRange { from, to }) = self.ports else {
            return Ok(());
        };
        match self.protocol {
            Protocol::ICMP | Protocol::ICMPV6 if from == -1 => Ok(()),
            Protocol::ICMP | Protocol::ICMPV6 if to == -1 => write!(f, " type {from}"),
            Protocol::ICMP | Protocol::ICMPV6 => write!(f, " type {from} code {to}"),
            Protocol::All | Protocol::Number(_) if from == to => write!(f, " {from}"),
            Protocol::All | Protocol::Number(_) => write!(f, " {from}-{to}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icmp_is_told_by_its_type_and_code() {
        let told = |from, to| {
            let ports = Some(PortRange { from, to });
            let protocol = Protocol::ICMP;
            Traffic { protocol, ports }.to_string()
        };
        assert_eq!(told(-1, -1), "icmp");
        assert_eq!(told(8, -1), "icmp type 8");
        assert_eq!(told(3, 4), "icmp type 3 code 4");
    }
}
