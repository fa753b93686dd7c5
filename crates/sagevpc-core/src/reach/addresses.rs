//! What answers at addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    Reach,
    cause::Cause,
    hop::Hop,
    names::{Receiver, Resolution, Target},
    space::{space, take},
    unseen::Unseen,
};
use crate::{
    observed::{InterfaceType, NetworkInterface, files::FileKind, resolver_address},
    types::{Peer, Traffic, private_blocks},
};

/// Where each instance's own metadata and AWS's resolver and clock answer.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const LINK_LOCAL: [&str; 2] = ["169.254.0.0/16", "fd00:ec2::/32"];

impl Reach<'_> {
    /// Every address of a block, with this traffic of one protocol.
    pub(super) fn resolve_cidr(&self, cidr: IpNet, traffic: Traffic) -> Resolution {
        let is_one_address = cidr.prefix_len() == cidr.max_prefix_len();
        if is_one_address && self.is_beside_every_rule(cidr.addr()) {
            let address = cidr.addr();
            return Resolution {
                hops: vec![Hop::LinkLocal { address }],
                ..Resolution::default()
            };
        }
        let found = is_one_address.then(|| self.interface_at(cidr.addr())).flatten();
        let mut resolution = Resolution::default();
        let receiver = match found {
            Some(interface) => self.receiver_of(interface, &mut resolution),
            None => Receiver::Outside,
        };
        if found.is_none() && is_one_address {
            resolution.stop = self.nobody_at(cidr.addr());
        }
        for flow in self.flows(traffic, cidr.addr().is_ipv6()) {
            let mut addresses = space([cidr.trunc()], flow.ports);
            // Who names a block with public addresses means these.
            for net in private_blocks(cidr.addr().is_ipv6()).filter(|private| !private.contains(&cidr)) {
                take(&mut addresses, &net, flow.ports);
            }
            resolution.targets.push(Target {
                flow,
                traffic,
                space: addresses,
                whom: vec![Peer::Cidr(cidr)],
                block: Some(cidr),
                receiver: receiver.clone(),
                s3: None,
                calls_back: false,
            });
        }
        resolution
    }

    /// Whether neither routes nor security groups nor network ACLs hold for
    /// packets to an address.
    fn is_beside_every_rule(&self, address: IpAddr) -> bool {
        let mut link_local = LINK_LOCAL.iter().filter_map(|net| net.parse::<IpNet>().ok());
        let answers_dns = |net: IpNet| match (net, address) {
            (IpNet::V4(net), IpAddr::V4(address)) => resolver_address(net) == Some(address),
            (IpNet::V4(_) | IpNet::V6(_), _) => false,
        };
        let of_places = self.places.iter().flat_map(|place| place.nets.iter().copied());
        let mut blocks = self.snapshot.vpc.cidrs().chain(of_places);
        link_local.any(|net| net.contains(&address)) || blocks.any(answers_dns)
    }

    /// The interface that has the address.
    fn interface_at(&self, address: IpAddr) -> Option<&NetworkInterface> {
        let mut interfaces = self.snapshot.network_interfaces.values();
        interfaces.find(|interface| interface.has_address(address))
    }

    /// Who answers at an interface. One without security groups is AWS's, and
    /// answers as it will.
    pub(super) fn receiver_of(&self, interface: &NetworkInterface, resolution: &mut Resolution) -> Receiver {
        if interface.groups.is_empty() {
            let id = interface.network_interface_id.clone();
            let kind = interface.interface_type.as_ref().map(|kind| kind.means());
            if kind == Some(InterfaceType::NatGateway) {
                resolution.stop = Some(Cause::TakesNothing { interface: id });
            } else {
                let interface = id.to_string();
                resolution.unseen.push(Unseen::Listener { interface });
            }
        }
        Receiver::Interface(interface.groups.iter().map(|group| group.group_id.clone()).collect())
    }

    /// That nothing in the VPC has the address, where all that is in it can be
    /// seen.
    fn nobody_at(&self, address: IpAddr) -> Option<Cause> {
        // What has endpoints and workloads has interfaces: a list of none is not all.
        let is_seen = !self.snapshot.network_interfaces.is_empty()
            && self.snapshot.is_whole(FileKind::NetworkInterfaces)
            && self.snapshot.foreign_owner().is_none();
        let place = self
            .places
            .iter()
            .find(|place| place.nets.iter().any(|net| net.contains(&address)))?;
        is_seen.then(|| Cause::NobodyThere {
            subnet: place.id.clone(),
            address,
        })
    }
}
