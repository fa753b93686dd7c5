//! Names that resolve to addresses in the VPC, or in networks that it is joined
//! to: those of databases and file systems, and of private zones.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{
    Reach,
    filter::Flow,
    hop::Hop,
    names::{Resolution, Target, is_of_family},
    space::space,
    unseen::Unseen,
};
use crate::{
    observed::NetworkInterface,
    types::{Peer, Traffic},
};

/// What stands in the names of resources that AWS puts into a VPC, behind the
/// resource's own label; the API of a service begins with it.
const SERVICES_IN_VPCS: [&str; 12] = [
    "cache",
    "docdb",
    "docdb-elastic",
    "efs",
    "fsx",
    "kafka",
    "memorydb",
    "mq",
    "neptune",
    "rds",
    "redshift",
    "redshift-serverless",
];

/// Ends of names that no public zone has.
const PRIVATE_ZONES: [&str; 7] = ["corp", "home", "internal", "intranet", "lan", "local", "private"];

/// Whether a name resolves to private addresses, if at all.
fn is_private(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    let (Some(first), Some(last)) = (labels.first(), labels.last()) else {
        return false;
    };
    let is_label = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if (labels.len() == 1 && is_label(first)) || PRIVATE_ZONES.contains(last) {
        return true;
    }
    let is_aws = name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn");
    let in_vpc = labels[1..].iter().any(|label| SERVICES_IN_VPCS.contains(label));
    let is_search_domain = first.starts_with("vpc-") && labels.contains(&"es");
    is_aws && (in_vpc || is_search_domain)
}

/// The address in a name that EC2 gives to an instance, such as
/// `ip-10-0-1-5.eu-west-1.compute.internal`.
fn address_in(name: &str) -> Option<IpAddr> {
    let label = name.split('.').next()?.strip_prefix("ip-")?;
    let address: Ipv4Addr = label.replace('-', ".").parse().ok()?;
    Some(IpAddr::V4(address))
}

/// The id of the file system in a name.
fn file_system_in(name: &str) -> Option<&str> {
    name.split('.').find(|label| label.starts_with("fs-"))
}

impl Reach<'_> {
    /// What a name that resolves to private addresses leads to; `None` for one
    /// that does not.
    pub(super) fn resolve_inside(&self, name: &str, port: u16, is_ipv6: bool) -> Option<Resolution> {
        if !is_private(name) {
            return None;
        }
        if let Some(address) = address_in(name) {
            return Some(self.resolve_cidr(IpNet::from(address), port));
        }
        let named = file_system_in(name);
        let mut interfaces: Vec<&NetworkInterface> = self
            .snapshot
            .network_interfaces
            .values()
            .filter(|interface| named.is_some_and(|id| interface.description.contains(id)))
            .collect();
        interfaces.sort_by(|a, b| a.network_interface_id.cmp(&b.network_interface_id));
        Some(self.by_name(|resolution| {
            if interfaces.is_empty() {
                resolution.unseen.push(Unseen::PrivateName { name: name.to_owned() });
                return;
            }
            for interface in interfaces {
                let id = interface.network_interface_id.clone();
                let nets: Vec<IpNet> = interface
                    .addresses()
                    .map(IpNet::from)
                    .filter(|net| is_of_family(net, is_ipv6))
                    .collect();
                resolution.hops.push(Hop::InterfaceName {
                    name: name.to_owned(),
                    interface: id,
                });
                let receiver = self.receiver_of(interface, resolution);
                resolution.targets.push(Target {
                    flow: Flow::tcp(port),
                    traffic: Traffic::tcp(port),
                    whom: nets.iter().copied().map(Peer::Cidr).collect(),
                    space: space(nets, (port, port)),
                    block: None,
                    receiver,
                    s3: None,
                });
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_resources_in_vpcs_are_told_from_those_of_apis() {
        for name in [
            "fs-0a1b2c3d.efs.eu-west-1.amazonaws.com",
            "orders.cluster-c9akciq32.us-east-1.rds.amazonaws.com",
            "dw.abc123.eu-west-1.redshift.amazonaws.com",
            "sessions.x1.0001.euw1.cache.amazonaws.com",
            "vpc-logs-abc.eu-west-1.es.amazonaws.com",
            "ip-10-0-1-5.eu-west-1.compute.internal",
            "registry.corp",
            "registry",
        ] {
            assert!(is_private(name), "{name}");
        }
        for name in [
            "pypi.org",
            "rds.eu-west-1.amazonaws.com",
            "elasticfilesystem.eu-west-1.amazonaws.com",
            "sts.eu-west-1.amazonaws.com",
            "search-logs-abc.eu-west-1.es.amazonaws.com",
            "bucket.s3.eu-west-1.amazonaws.com",
        ] {
            assert!(!is_private(name), "{name}");
        }
    }

    #[test]
    fn an_instances_name_holds_its_address() {
        assert_eq!(
            address_in("ip-10-0-1-5.ec2.internal"),
            Some("10.0.1.5".parse().unwrap())
        );
        assert_eq!(address_in("ip-10-0-1.ec2.internal"), None);
    }
}
