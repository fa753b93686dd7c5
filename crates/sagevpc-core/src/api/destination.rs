//! What workloads reach besides AWS services.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::is_private_name,
    types::{PortRange, Protocol, SecurityGroupId, Traffic, is_private},
};

/// The port of a destination that names none.
const HTTPS: u16 = 443;

/// A host, a block of addresses, or whatever has a security group, and the ports
/// there: on the internet, in the VPC, or in a network that is joined to it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("[has(self.host), has(self.cidr), has(self.securityGroupId)].filter(one, one).size() == 1").message("a destination has either a host, a cidr or a securityGroupId"))]
#[x_kube(validation = Rule::new("!has(self.inside) || has(self.host)").message("a destination's inside is for a host: a cidr and a securityGroupId say by themselves where they are"))]
#[x_kube(validation = Rule::new("!has(self.fileSystem) || (!has(self.ports) && !has(self.portRanges) && (!has(self.protocol) || self.protocol == 'TCP'))").message("a destination's fileSystem says the ports: leave ports, portRanges and protocol out"))]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// A host's name. Its addresses may change, so its security group rule
    /// admits every address on these ports, or every address of the VPC where it
    /// is inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message("a destination's host is a name such as pypi.org: lower case, no https://, no path"))]
    #[x_kube(validation = Rule::new("!self.matches('(^|[.])[0-9]+$')").message("a destination's host is a name: write an address as a cidr, such as 192.0.2.7/32"))]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,
    /// A block of addresses, such as 192.0.2.0/24 or 2001:db8::/32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("isCIDR(self)").message("a destination's cidr is a block of addresses, such as 192.0.2.0/24"))]
    #[schemars(length(min = 1, max = 43))]
    pub cidr: Option<String>,
    /// A security group of the VPC: whatever has it, such as a database or the
    /// mount targets of a file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^sg-([0-9a-f]{8}|[0-9a-f]{17})$')").message("a destination's securityGroupId is a security group's id, such as sg-0123456789abcdef0"))]
    #[schemars(length(min = 1, max = 32))]
    pub security_group_id: Option<SecurityGroupId>,
    /// Whether the host's name leads to an address of the VPC, as names of a
    /// private hosted zone do. Names that AWS gives to databases and file systems
    /// are known to lead to private addresses without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<bool>,
    /// Ports; 443 where neither ports nor portRanges are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 8), inner(range(min = 1, max = 65535)))]
    pub ports: Vec<u16>,
    /// Ranges of ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 8))]
    pub port_ranges: Vec<DestinationPorts>,
    /// The protocol of all these ports; TCP where none is named.
    #[serde(default, skip_serializing_if = "TransportProtocol::is_tcp")]
    pub protocol: TransportProtocol,
    /// The kind of file system that it is: it says the ports, and whether the file
    /// system calls its clients back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system: Option<FileSystem>,
}

/// A range of ports.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("self.from <= self.to").message("a range of ports ends at or after the port that it begins with"))]
pub struct DestinationPorts {
    /// The first port.
    #[schemars(range(min = 1, max = 65535))]
    pub from: u16,
    /// The last port.
    #[schemars(range(min = 1, max = 65535))]
    pub to: u16,
}

/// A protocol that has ports.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[schemars(inline)]
pub enum TransportProtocol {
    /// TCP.
    #[default]
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
}

/// A kind of file system whose ports are known.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[schemars(inline)]
pub enum FileSystem {
    /// Amazon EFS: TCP 2049.
    #[serde(rename = "EFS")]
    Efs,
    /// Amazon FSx for Lustre: TCP 988 and 1018 to 1023, both ways.
    #[serde(rename = "FSxForLustre")]
    FsxForLustre,
}

impl TransportProtocol {
    fn is_tcp(&self) -> bool {
        *self == Self::Tcp
    }
}

impl FileSystem {
    /// Its ports.
    ///
    /// See <https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html>
    /// and <https://docs.aws.amazon.com/efs/latest/ug/network-access.html>.
    const fn ports(self) -> &'static [(u16, u16)] {
        match self {
            Self::Efs => &[(2049, 2049)],
            Self::FsxForLustre => &[(988, 988), (1018, 1023)],
        }
    }

    /// Whether the file system opens connections to its clients as well.
    const fn calls_back(self) -> bool {
        match self {
            Self::Efs => false,
            Self::FsxForLustre => true,
        }
    }
}

impl Destination {
    /// How it is named: its host, its block of addresses, or its security group.
    pub fn name(&self) -> &str {
        let group = self.security_group_id.as_ref().map(SecurityGroupId::as_str);
        self.host
            .as_deref()
            .or(self.cidr.as_deref())
            .or(group)
            .unwrap_or_default()
    }

    /// What is said to it, port by port and range by range: HTTPS where nothing
    /// else is named.
    pub fn traffic(&self) -> Vec<Traffic> {
        let named = self.ports.iter().map(|port| (*port, *port));
        let ranges = self.port_ranges.iter().map(|range| (range.from, range.to));
        let mut ports: Vec<(u16, u16)> = named.chain(ranges).collect();
        match self.file_system {
            Some(kind) => ports = kind.ports().to_vec(),
            None if ports.is_empty() => ports = vec![(HTTPS, HTTPS)],
            None => {}
        }
        let protocol = match self.protocol {
            TransportProtocol::Tcp => Protocol::TCP,
            TransportProtocol::Udp => Protocol::UDP,
        };
        let traffic = ports.into_iter().map(|(from, to)| Traffic {
            protocol,
            ports: Some(PortRange {
                from: from.into(),
                to: to.into(),
            }),
        });
        traffic.collect()
    }

    /// The same destination with the ports that it has where it names none.
    pub fn spelled_out(&self) -> Self {
        let mut spelled_out = self.clone();
        if self.ports.is_empty() && self.port_ranges.is_empty() && self.file_system.is_none() {
            spelled_out.ports = vec![HTTPS];
        }
        spelled_out
    }

    /// Whether it opens connections to whoever calls it, on the same ports.
    pub fn calls_back(&self) -> bool {
        self.file_system.is_some_and(FileSystem::calls_back)
    }

    /// Whether it is said to be in the VPC.
    pub fn is_inside(&self) -> bool {
        self.inside == Some(true)
    }

    /// Whether it is on the internet, as far as its name or its addresses say: what
    /// is private is reached without a way out.
    pub fn is_on_the_internet(&self) -> bool {
        let is_public_block = |cidr: &String| cidr.parse().is_ok_and(|cidr| !is_private(&cidr));
        match (&self.host, &self.cidr) {
            (Some(host), _) => !self.is_inside() && !is_private_name(host),
            (None, Some(cidr)) => is_public_block(cidr),
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn destination(value: Value) -> Destination {
        serde_json::from_value(value).unwrap()
    }

    fn said(value: Value) -> Vec<String> {
        let traffic = destination(value).traffic();
        traffic.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ports_are_named_one_by_one_by_ranges_and_by_kinds_of_file_systems() {
        assert_eq!(said(json!({ "host": "pypi.org" })), ["tcp 443"]);
        assert_eq!(
            said(json!({ "host": "pypi.org", "ports": [443, 80] })),
            ["tcp 443", "tcp 80"]
        );
        let ranges = json!({ "cidr": "10.0.9.0/24", "portRanges": [{ "from": 6000, "to": 6010 }], "protocol": "UDP" });
        assert_eq!(said(ranges), ["udp 6000-6010"]);
        let group = "sg-0123456789abcdef0";
        let lustre = json!({ "securityGroupId": group, "fileSystem": "FSxForLustre" });
        assert_eq!(said(lustre.clone()), ["tcp 988", "tcp 1018-1023"]);
        assert!(destination(lustre).calls_back());
        let efs = json!({ "securityGroupId": group, "fileSystem": "EFS" });
        assert_eq!(said(efs.clone()), ["tcp 2049"]);
        assert!(!destination(efs).calls_back());
    }

    #[test]
    fn what_is_private_is_not_on_the_internet() {
        for (value, expected) in [
            (json!({ "host": "pypi.org" }), true),
            (json!({ "host": "pypi.org", "inside": true }), false),
            (json!({ "host": "fs-0a1b2c3d.efs.eu-west-1.amazonaws.com" }), false),
            (json!({ "cidr": "10.0.9.0/24" }), false),
            (json!({ "cidr": "10.0.0.0/0" }), true),
            (json!({ "cidr": "192.0.2.0/24" }), true),
            (json!({ "cidr": "fd00::/64" }), false),
            (json!({ "securityGroupId": "sg-0123456789abcdef0" }), false),
        ] {
            assert_eq!(destination(value.clone()).is_on_the_internet(), expected, "{value}");
        }
    }
}
