//! Names that resolve to addresses in the VPC, or in networks that it is joined
//! to: those of databases and file systems, and of private zones.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;

use super::{
    Reach,
    cause::Cause,
    filter::Flow,
    hop::Hop,
    names::{Receiver, Resolution, Target, is_of_family, named_by},
    space::space,
    unseen::Unseen,
};
use crate::{
    catalog::is_private_name,
    observed::NetworkInterface,
    types::{NFS, Peer, PrivatePeer, SecurityGroupId, SubnetId, Traffic},
};

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
    pub(super) fn resolve_inside(&self, name: &str, traffic: Traffic, is_ipv6: bool) -> Option<Resolution> {
        if !is_private_name(name) {
            return None;
        }
        if let Some(address) = address_in(name) {
            return Some(self.resolve_cidr(IpNet::from(address), traffic));
        }
        let interfaces = self.interfaces_of(name);
        Some(self.by_name(|resolution| {
            if interfaces.is_empty() {
                resolution.unseen.push(Unseen::PrivateName { name: name.to_owned() });
                return;
            }
            self.add_interfaces(resolution, Some(name), &interfaces, traffic, is_ipv6);
        }))
    }

    /// What somebody says to be in the VPC.
    pub(super) fn resolve_whom(&self, whom: &PrivatePeer, traffic: Traffic, is_ipv6: bool) -> Resolution {
        match whom {
            PrivatePeer::Cidr(cidr) => self.resolve_cidr(*cidr, traffic),
            PrivatePeer::Group(group) => self.resolve_group(group, traffic, is_ipv6),
            PrivatePeer::Host { name, is_inside: false } => self.resolve_host(name, traffic, is_ipv6),
            PrivatePeer::Host { name, is_inside: true } => {
                let known = self.resolve_inside(name, traffic, is_ipv6);
                let known = known.filter(|known| !known.targets.is_empty());
                known.unwrap_or_else(|| self.somewhere_inside(name, traffic, is_ipv6))
            }
        }
    }

    /// A name that leads to some address of the VPC, and nobody knows which.
    fn somewhere_inside(&self, name: &str, traffic: Traffic, is_ipv6: bool) -> Resolution {
        let flow = Flow::of(traffic);
        let of_family = |net: &IpNet| is_of_family(net, is_ipv6);
        let nets = self.places.iter().flat_map(|place| place.nets.iter().copied());
        let blocks: Vec<IpNet> = self.snapshot.vpc.cidrs().filter(of_family).collect();
        self.by_name(|resolution| {
            resolution.somewhere_in = Some(name.to_owned());
            resolution.unseen.push(Unseen::NameInside { name: name.to_owned() });
            resolution.targets.push(Target {
                flow,
                traffic,
                whom: blocks.iter().copied().map(Peer::Cidr).collect(),
                space: space(nets.filter(of_family), flow.ports),
                block: blocks.first().copied().filter(|_| blocks.len() == 1),
                receiver: Receiver::SageMaker,
                calls_back: false,
                s3: None,
            });
        })
    }

    /// Whatever has a security group.
    fn resolve_group(&self, group: &SecurityGroupId, traffic: Traffic, is_ipv6: bool) -> Resolution {
        let interfaces: Vec<&NetworkInterface> = self
            .snapshot
            .network_interfaces
            .values()
            .filter(|interface| interface.groups.iter().any(|worn| worn.group_id == *group))
            .collect();
        let mut resolution = Resolution::default();
        if !self.snapshot.security_groups.contains_key(group) {
            let group = group.to_string();
            resolution.unseen.push(Unseen::SecurityGroup { group });
        } else if interfaces.is_empty() {
            resolution.stop = Some(Cause::NobodyHas { group: group.clone() });
        }
        self.add_interfaces(&mut resolution, None, &interfaces, traffic, is_ipv6);
        for target in &mut resolution.targets {
            target.whom = vec![Peer::Group {
                id: group.clone(),
                owner: None,
            }];
        }
        resolution
    }

    /// A Studio domain's home directories: the mount targets of its file system in
    /// the subnet, where they are seen, and all of the subnet until then. SageMaker
    /// has their group admit the domain's apps.
    pub(super) fn resolve_homes(&self, subnet: &SubnetId, is_ipv6: bool) -> Resolution {
        let of_domains: BTreeSet<&SecurityGroupId> = self
            .snapshot
            .security_groups
            .values()
            .filter(|group| group.is_of_mount_targets())
            .map(|group| &group.group_id)
            .collect();
        let is_a_domains = |interface: &NetworkInterface| {
            let mut worn = interface.groups.iter();
            worn.any(|worn| of_domains.contains(&worn.group_id))
        };
        let interfaces = self.snapshot.network_interfaces.values();
        let mut targets: Vec<&NetworkInterface> = interfaces.filter(|interface| interface.is_mount_target()).collect();
        if targets.iter().any(|target| is_a_domains(target)) {
            targets.retain(|target| is_a_domains(target));
        }
        let groups: BTreeSet<SecurityGroupId> = if of_domains.is_empty() {
            let worn = targets.iter().flat_map(|target| &target.groups);
            worn.map(|worn| worn.group_id.clone()).collect()
        } else {
            of_domains.into_iter().cloned().collect()
        };
        let here = targets.iter().filter(|target| target.subnet_id == *subnet);
        let mut nets: Vec<IpNet> = here
            .flat_map(|target| target.addresses())
            .map(IpNet::from)
            .filter(|net| is_of_family(net, is_ipv6))
            .collect();
        if nets.is_empty() {
            nets = self.nets_of(subnet, is_ipv6);
        }
        let flow = Flow::of(NFS);
        Resolution {
            stop: nets.is_empty().then(|| Cause::NoAddress { subnet: subnet.clone() }),
            targets: vec![Target {
                flow,
                traffic: NFS,
                space: space(nets, flow.ports),
                whom: named_by(&groups).unwrap_or_else(|| self.blocks_of(subnet, is_ipv6)),
                block: None,
                receiver: Receiver::MountTarget(groups),
                calls_back: false,
                s3: None,
            }],
            ..Resolution::default()
        }
    }

    /// The interfaces that a name is seen to lead to.
    fn interfaces_of(&self, name: &str) -> Vec<&NetworkInterface> {
        let named = file_system_in(name);
        let interfaces = self.snapshot.network_interfaces.values();
        interfaces
            .filter(|interface| named.is_some_and(|id| interface.description.contains(id)))
            .collect()
    }

    /// Each of these interfaces is to be reached.
    fn add_interfaces(
        &self,
        resolution: &mut Resolution,
        name: Option<&str>,
        interfaces: &[&NetworkInterface],
        traffic: Traffic,
        is_ipv6: bool,
    ) {
        let flow = Flow::of(traffic);
        for interface in interfaces {
            let nets: Vec<IpNet> = interface
                .addresses()
                .map(IpNet::from)
                .filter(|net| is_of_family(net, is_ipv6))
                .collect();
            resolution.hops.extend(name.map(|name| Hop::InterfaceName {
                name: name.to_owned(),
                interface: interface.network_interface_id.clone(),
            }));
            let receiver = self.receiver_of(interface, resolution);
            resolution.targets.push(Target {
                flow,
                traffic,
                whom: nets.iter().copied().map(Peer::Cidr).collect(),
                space: space(nets, flow.ports),
                block: None,
                receiver,
                calls_back: false,
                s3: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instances_name_holds_its_address() {
        assert_eq!(
            address_in("ip-10-0-1-5.ec2.internal"),
            Some("10.0.1.5".parse().unwrap())
        );
        assert_eq!(address_in("ip-10-0-1.ec2.internal"), None);
    }
}
