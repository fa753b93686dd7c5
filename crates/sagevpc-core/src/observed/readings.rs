//! What the fields of a resource come to: how far it is, whose it is, rules in
//! one spelling.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{
    Address, AttachmentState, AvailabilityMode, ConnectivityType, EndpointType, InterfaceType, InternetGateway,
    IpPermission, NatGateway, NetworkAcl, NetworkAclEntry, NetworkInterface, NetworkInterfaceAssociation, PrefixList,
    RuleAction, SecurityGroup, Stage, Subnet, UserIdGroupPair, Vpc, VpcEndpoint,
};
use crate::types::{AclEntry, AllocationId, AvailabilityZoneId, Direction, Peer, PortRange, Protocol, Rule, VpcId};
use iam_policy::{PolicyDocument, PolicyError};

impl VpcEndpoint {
    /// Whether it is a gateway endpoint.
    pub fn is_gateway(&self) -> bool {
        self.vpc_endpoint_type
            .as_ref()
            .is_none_or(|kind| *kind == EndpointType::Gateway)
    }

    /// Whether it is an interface endpoint.
    pub fn is_interface(&self) -> bool {
        self.vpc_endpoint_type
            .as_ref()
            .is_some_and(|kind| *kind == EndpointType::Interface)
    }

    /// Whether it leads to appliances, such as a firewall's.
    pub fn leads_to_appliances(&self) -> bool {
        self.vpc_endpoint_type
            .as_ref()
            .is_some_and(|kind| *kind == EndpointType::GatewayLoadBalancer)
    }

    /// How far it is.
    pub const fn stage(&self) -> Stage {
        self.state.means().stage()
    }

    /// Whether it is there, serving or not, and not on its way out.
    pub const fn is_there(&self) -> bool {
        match self.stage() {
            Stage::Available | Stage::Pending | Stage::Failed => true,
            Stage::Deleting | Stage::Deleted => false,
        }
    }

    /// Its policy; EC2 gives an endpoint without one full access.
    ///
    /// # Errors
    ///
    /// When it cannot be read as an IAM policy.
    pub fn policy(&self) -> Result<PolicyDocument, PolicyError> {
        match &self.policy_document {
            Some(text) => text.parse(),
            None => Ok(PolicyDocument::full_access()),
        }
    }
}

impl Vpc {
    /// Its addresses, IPv4 first.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> + '_ {
        let secondary = self
            .cidr_block_association_set
            .iter()
            .filter_map(|association| association.cidr_block)
            .filter(|block| Some(*block) != self.cidr_block);
        let ipv6 = self
            .ipv6_cidr_block_association_set
            .iter()
            .filter_map(|association| association.ipv6_cidr_block.map(IpNet::V6));
        self.cidr_block.into_iter().chain(secondary).map(IpNet::V4).chain(ipv6)
    }
}

impl Subnet {
    /// Its zone, by the name that the account knows it by, or by its id where
    /// the name was not seen.
    pub fn zone(&self) -> Option<&str> {
        let id = self.availability_zone_id.as_ref().map(|id| id.as_str());
        self.availability_zone.as_deref().or(id)
    }

    /// Its addresses, IPv4 first.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.cidr_block.map(IpNet::V4).into_iter().chain(
            self.ipv6_cidr_block_association_set
                .iter()
                .filter_map(|association| association.ipv6_cidr_block.map(IpNet::V6)),
        )
    }
}

impl NetworkAcl {
    /// Its rules, in the order in which they are tried.
    pub fn rules(&self) -> Vec<AclEntry> {
        let mut rules: Vec<AclEntry> = self.entries.iter().filter_map(NetworkAclEntry::rule).collect();
        rules.sort_by_key(|rule| (rule.direction, rule.rule_number));
        rules
    }
}

impl NetworkAclEntry {
    /// Whether all of it can be read. Rules are tried in order, so that nothing
    /// is known of what comes to one that cannot.
    pub fn is_readable(&self) -> bool {
        self.rule().is_some() && self.rule_action != RuleAction::Other
    }

    /// The rule; `None` for what EC2 does not give out.
    fn rule(&self) -> Option<AclEntry> {
        let direction = if self.egress {
            Direction::Egress
        } else {
            Direction::Ingress
        };
        let ipv4 = self.cidr_block.map(IpNet::V4);
        let ports = self.port_range.as_ref().map(|range| PortRange {
            from: range.from,
            to: range.to,
        });
        let icmp = self.icmp_type_code.as_ref().map(|icmp| PortRange {
            from: icmp.type_,
            to: icmp.code,
        });
        Some(AclEntry::new(
            direction,
            u16::try_from(self.rule_number).ok()?,
            self.rule_action == RuleAction::Allow,
            Protocol::parse(&self.protocol)?,
            ports.or(icmp),
            ipv4.or_else(|| self.ipv6_cidr_block.map(IpNet::V6))?,
        ))
    }
}

impl PrefixList {
    /// Its addresses; `None` where they are not known.
    pub fn addresses(&self) -> Option<Vec<IpNet>> {
        let are_known = !self.cidrs.is_empty();
        are_known.then(|| self.cidrs.iter().filter_map(|cidr| cidr.parse().ok()).collect())
    }
}

impl NatGateway {
    /// How far it is. EC2 always says so; a description without it is of one
    /// that serves.
    pub fn stage(&self) -> Stage {
        self.state
            .as_ref()
            .map_or(Stage::Available, |state| state.means().stage())
    }

    /// Whether it works in all zones of its VPC, from no subnet.
    pub fn is_regional(&self) -> bool {
        let mode = self.availability_mode.as_ref();
        mode.is_some_and(|mode| *mode == AvailabilityMode::Regional)
    }

    /// The zones that it works in, of a regional one.
    pub fn zones(&self) -> BTreeSet<&AvailabilityZoneId> {
        let addresses = self.nat_gateway_addresses.iter();
        addresses
            .filter_map(|address| address.availability_zone_id.as_ref())
            .collect()
    }

    /// Whether it is gone; EC2 still shows it for about an hour.
    pub fn is_gone(&self) -> bool {
        self.stage() == Stage::Deleted
    }

    /// Its own addresses in its subnet.
    pub fn private_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let addresses = self.nat_gateway_addresses.iter();
        addresses.filter_map(|address| address.private_ip.as_deref()?.parse().ok())
    }

    /// Whether it gives what goes through it a public address.
    pub fn is_public(&self) -> bool {
        self.connectivity_type
            .as_ref()
            .is_none_or(|kind| *kind == ConnectivityType::Public)
    }

    /// The elastic IP addresses that it has.
    pub fn allocation_ids(&self) -> impl Iterator<Item = &AllocationId> {
        self.nat_gateway_addresses
            .iter()
            .filter_map(|address| address.allocation_id.as_ref())
    }
}

impl Address {
    /// Whether something has it.
    pub const fn is_in_use(&self) -> bool {
        self.association_id.is_some() || self.network_interface_id.is_some()
    }
}

impl InternetGateway {
    /// Whether it is attached to the VPC, and not on its way off.
    pub fn is_attached_to(&self, vpc: &VpcId) -> bool {
        self.attachments.iter().any(|attachment| {
            let is_attached = attachment.state.as_ref().is_none_or(|state| match state.means() {
                AttachmentState::Available | AttachmentState::Attached => true,
                AttachmentState::Attaching
                | AttachmentState::Detaching
                | AttachmentState::Detached
                | AttachmentState::Other => false,
            });
            attachment.vpc_id.as_ref() == Some(vpc) && is_attached
        })
    }
}

impl NetworkInterface {
    /// Whether SageMaker made it for a workload. SageMaker signs the
    /// description; there is no field that says so.
    pub fn is_sagemakers(&self) -> bool {
        self.description.to_ascii_lowercase().contains("sagemaker")
            || self
                .requester_id
                .as_deref()
                .is_some_and(|requester| requester.to_ascii_lowercase().contains("sagemaker"))
    }

    /// Its addresses in the VPC, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let ipv4 = self.private_ip_addresses.iter().map(|ip| &ip.private_ip_address);
        let all = ipv4.chain(self.ipv6_addresses.iter().map(|ip| &ip.ipv6_address));
        all.filter_map(|text| text.parse().ok())
    }

    /// Its public IPv4 addresses, by which an internet gateway knows it, each with
    /// the one in the VPC that it stands for; the first of these where it does not
    /// say.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterfaceAssociation.html>.
    pub fn public_addresses(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> + '_ {
        let public = |association: &Option<NetworkInterfaceAssociation>| {
            association.as_ref()?.public_ip.as_ref()?.parse::<IpAddr>().ok()
        };
        let each = self.private_ip_addresses.iter().filter_map(move |ip| {
            let own = ip.private_ip_address.parse().ok()?;
            Some((public(&ip.association)?, own))
        });
        let first = public(&self.association).zip(self.addresses().next());
        let says_which = self.private_ip_addresses.iter().any(|ip| ip.association.is_some());
        each.chain(first.filter(|_| !says_which))
    }

    /// Whether it has the address, by itself or in a block.
    pub fn has_address(&self, address: IpAddr) -> bool {
        let ipv4 = self.ipv4_prefixes.iter().map(|prefix| &prefix.ipv4_prefix);
        let blocks = ipv4.chain(self.ipv6_prefixes.iter().map(|prefix| &prefix.ipv6_prefix));
        let mut blocks = blocks.filter_map(|text| text.parse::<IpNet>().ok());
        self.addresses().any(|own| own == address) || blocks.any(|block| block.contains(&address))
    }

    /// Whether traffic of somebody other than SageMaker may begin at it: a
    /// gateway's or an endpoint's interface only answers.
    pub fn is_somebody_elses(&self) -> bool {
        !self.only_answers() && !self.is_sagemakers()
    }

    /// Whether it is a gateway's or an endpoint's.
    pub fn only_answers(&self) -> bool {
        self.interface_type.as_ref().is_some_and(|kind| match kind.means() {
            InterfaceType::NatGateway
            | InterfaceType::VpcEndpoint
            | InterfaceType::GatewayLoadBalancerEndpoint
            | InterfaceType::TransitGateway
            | InterfaceType::Efs => true,
            InterfaceType::Other => false,
        })
    }

    /// Whether it is a mount target of Amazon EFS, by its type or by what EFS says
    /// of it.
    ///
    /// See <https://docs.aws.amazon.com/efs/latest/ug/accessing-fs.html>.
    pub fn is_mount_target(&self) -> bool {
        let kind = self.interface_type.as_ref().map(|kind| kind.means());
        kind == Some(InterfaceType::Efs) || self.description.starts_with("EFS mount target for ")
    }

    /// The IPv4 addresses that it takes from its subnet; at least one.
    pub fn address_count(&self) -> u32 {
        u32::try_from(self.private_ip_addresses.len())
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// How it is named in a message: id, and what its maker says of it.
    pub fn described(&self) -> String {
        if self.description.is_empty() {
            self.network_interface_id.to_string()
        } else {
            format!("{} ({})", self.network_interface_id, self.description)
        }
    }

    /// The same, with how long it has been in use, where that is known.
    pub fn described_with_age(&self) -> String {
        let since = self
            .attachment
            .as_ref()
            .and_then(|attachment| attachment.attach_time.as_deref());
        match since {
            Some(since) => format!("{} since {since}", self.described()),
            None => self.described(),
        }
    }
}

/// What SageMaker calls the groups that it makes for a Studio domain's file
/// system and puts on the domain's interfaces by itself.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html>.
const SAGEMAKERS_GROUPS: &str = "security-group-for-";

/// The one among them that the file system's mount targets have.
const MOUNT_TARGETS_GROUPS: &str = "security-group-for-inbound-nfs-";

impl SecurityGroup {
    /// Whether SageMaker made it, for a Studio domain's file system.
    pub fn is_sagemakers(&self) -> bool {
        self.group_name.starts_with(SAGEMAKERS_GROUPS)
    }

    /// Whether SageMaker made it for the mount targets of a Studio domain.
    pub fn is_of_mount_targets(&self) -> bool {
        self.group_name.starts_with(MOUNT_TARGETS_GROUPS)
    }

    /// Its rules, each in its one spelling. A rule of a kind that this version
    /// cannot read is left out, and so never revoked.
    pub fn rules(&self) -> BTreeSet<Rule> {
        let ingress = self
            .ip_permissions
            .iter()
            .map(|permission| (Direction::Ingress, permission));
        let egress = self
            .ip_permissions_egress
            .iter()
            .map(|permission| (Direction::Egress, permission));
        ingress
            .chain(egress)
            .flat_map(|(direction, permission)| self.rules_of(direction, permission))
            .collect()
    }

    /// Whether all of its rules can be read: one that cannot might admit what no
    /// other does.
    pub fn is_readable(&self) -> bool {
        let is_net = |text: &String| text.parse::<IpNet>().is_ok();
        let mut all = self.ip_permissions.iter().chain(&self.ip_permissions_egress);
        all.all(|permission| {
            Protocol::parse(&permission.ip_protocol).is_some()
                && permission.ip_ranges.iter().all(|range| is_net(&range.cidr_ip))
                && permission.ipv6_ranges.iter().all(|range| is_net(&range.cidr_ipv6))
        })
    }

    fn rules_of(&self, direction: Direction, permission: &IpPermission) -> Vec<Rule> {
        let Some(protocol) = Protocol::parse(&permission.ip_protocol) else {
            return Vec::new();
        };
        let ports = permission
            .from_port
            .zip(permission.to_port)
            .map(|(from, to)| PortRange { from, to });
        let ipv4 = permission.ip_ranges.iter().map(|range| range.cidr_ip.as_str());
        let ipv6 = permission.ipv6_ranges.iter().map(|range| range.cidr_ipv6.as_str());
        let cidrs = ipv4.chain(ipv6).filter_map(|cidr| cidr.parse().ok()).map(Peer::Cidr);
        let lists = permission
            .prefix_list_ids
            .iter()
            .map(|list| Peer::PrefixList(list.prefix_list_id.clone()));
        let groups = permission
            .user_id_group_pairs
            .iter()
            .filter_map(|pair| self.peer_group(pair));
        cidrs
            .chain(lists)
            .chain(groups)
            .map(|peer| Rule::new(direction, protocol, ports, peer))
            .collect()
    }

    fn peer_group(&self, pair: &UserIdGroupPair) -> Option<Peer> {
        let id = pair.group_id.clone()?;
        if id == self.group_id {
            return Some(Peer::Itself);
        }
        let owner = pair.user_id.clone().filter(|user| self.owner_id.as_ref() != Some(user));
        Some(Peer::Group { id, owner })
    }
}
