//! How EC2 will show what is made.

use ipnet::IpNet;

use super::{AVAILABLE, projected_id};
use crate::{
    observed::{
        AclPortRange, AddressType, FlowLog, GroupIdentifier, IcmpTypeCode, IpPermission, IpRange, Ipv6Range,
        NetworkAclEntry, PrefixListRef, Route, SecurityGroup, Tag, UserIdGroupPair, VpcEndpoint, VpcSnapshot, Word,
    },
    plan::Target,
    types::{
        AclEntry, Direction, FlowLogId, FlowLogSettings, IpAddressType, LogDestinationType, NatGatewayId, Peer,
        Protocol, ResourceKey, Rule, SecurityGroupId, Tags, VpcEndpointId,
    },
};
use iam_policy::PolicyDocument;

/// A rule as EC2 shows it.
pub(super) fn permission(group: &SecurityGroup, rule: &Rule) -> IpPermission {
    let mut permission = IpPermission {
        ip_protocol: rule.protocol.as_ec2(),
        from_port: rule.ports.map(|ports| ports.from),
        to_port: rule.ports.map(|ports| ports.to),
        ip_ranges: Vec::new(),
        ipv6_ranges: Vec::new(),
        prefix_list_ids: Vec::new(),
        user_id_group_pairs: Vec::new(),
    };
    match &rule.peer {
        Peer::Itself => permission.user_id_group_pairs.push(UserIdGroupPair {
            group_id: Some(group.group_id.clone()),
            user_id: group.owner_id.clone(),
        }),
        Peer::Group { id, owner } => permission.user_id_group_pairs.push(UserIdGroupPair {
            group_id: Some(id.clone()),
            user_id: owner.clone(),
        }),
        Peer::Made(key) => permission.user_id_group_pairs.push(UserIdGroupPair {
            group_id: Some(projected_id(&Target::Made(key.clone()))),
            user_id: group.owner_id.clone(),
        }),
        Peer::PrefixList(id) => permission.prefix_list_ids.push(PrefixListRef {
            prefix_list_id: id.clone(),
        }),
        Peer::Cidr(IpNet::V4(cidr)) => permission.ip_ranges.push(IpRange {
            cidr_ip: cidr.to_string(),
        }),
        Peer::Cidr(IpNet::V6(cidr)) => permission.ipv6_ranges.push(Ipv6Range {
            cidr_ipv6: cidr.to_string(),
        }),
    }
    permission
}

pub(super) fn as_word(kind: IpAddressType) -> Word<AddressType> {
    kind.as_str().into()
}

pub(super) fn endpoint(
    vpc: &VpcSnapshot,
    key: &ResourceKey,
    kind: &str,
    service_name: &str,
    policy: Option<&PolicyDocument>,
    tags: &Tags,
) -> VpcEndpoint {
    VpcEndpoint {
        vpc_endpoint_id: VpcEndpointId::new(key.to_string()),
        vpc_endpoint_type: Some(kind.into()),
        vpc_id: vpc.vpc.vpc_id.clone(),
        service_name: service_name.to_owned(),
        state: AVAILABLE.into(),
        policy_document: policy.map(ToString::to_string),
        route_table_ids: Vec::new(),
        subnet_ids: Vec::new(),
        groups: Vec::new(),
        network_interface_ids: Vec::new(),
        private_dns_enabled: false,
        ip_address_type: None,
        dns_entries: Vec::new(),
        dns_options: None,
        owner_id: vpc.account.clone(),
        requester_managed: false,
        tags: tags_as_list(tags),
    }
}

pub(super) fn route(destination: &IpNet, nat_gateway: &NatGatewayId) -> Route {
    let (ipv4, ipv6) = match destination {
        IpNet::V4(net) => (Some(*net), None),
        IpNet::V6(net) => (None, Some(*net)),
    };
    Route {
        destination_cidr_block: ipv4,
        destination_ipv6_cidr_block: ipv6,
        destination_prefix_list_id: None,
        gateway_id: None,
        nat_gateway_id: Some(nat_gateway.to_string()),
        transit_gateway_id: None,
        vpc_peering_connection_id: None,
        network_interface_id: None,
        egress_only_internet_gateway_id: None,
        local_gateway_id: None,
        carrier_gateway_id: None,
        core_network_arn: None,
        state: Some("active".into()),
    }
}

pub(in crate::plan) fn acl_entry(entry: &AclEntry) -> NetworkAclEntry {
    let (ipv4, ipv6) = match entry.cidr {
        IpNet::V4(net) => (Some(net), None),
        IpNet::V6(net) => (None, Some(net)),
    };
    let is_icmp = matches!(entry.protocol, Protocol::ICMP | Protocol::ICMPV6);
    NetworkAclEntry {
        rule_number: entry.rule_number.into(),
        egress: entry.direction == Direction::Egress,
        rule_action: if entry.allows { "allow" } else { "deny" }.into(),
        // EC2 gives numbers out, never names.
        protocol: match entry.protocol {
            Protocol::All => "-1".to_owned(),
            Protocol::Number(number) => number.to_string(),
        },
        cidr_block: ipv4,
        ipv6_cidr_block: ipv6,
        port_range: entry.ports.filter(|_| !is_icmp).map(|ports| AclPortRange {
            from: ports.from,
            to: ports.to,
        }),
        icmp_type_code: entry.ports.filter(|_| is_icmp).map(|ports| IcmpTypeCode {
            type_: ports.from,
            code: ports.to,
        }),
    }
}

pub(super) fn flow_log(id: FlowLogId, resource: &str, settings: &FlowLogSettings, tags: &Tags) -> FlowLog {
    let is_log_group = settings.log_destination_type == LogDestinationType::CloudWatchLogs;
    FlowLog {
        flow_log_id: id,
        resource_id: resource.to_owned(),
        traffic_type: Some(settings.traffic_type.as_str().to_owned()),
        log_destination_type: Some(settings.log_destination_type.as_str().to_owned()),
        log_destination: Some(settings.log_destination.clone()),
        log_group_name: None,
        deliver_logs_permission_arn: settings.deliver_logs_permission_arn.clone().filter(|_| is_log_group),
        log_format: settings.log_format.clone(),
        max_aggregation_interval: i32::try_from(settings.max_aggregation_interval).ok(),
        flow_log_status: Some("ACTIVE".to_owned()),
        deliver_logs_status: Some("SUCCESS".into()),
        deliver_logs_error_message: None,
        tags: tags_as_list(tags),
    }
}

pub(super) fn tags_as_list(tags: &Tags) -> Vec<Tag> {
    let one = |(key, value): (&String, &String)| Tag {
        key: key.clone(),
        value: value.clone(),
    };
    tags.iter().map(one).collect()
}

pub(super) fn member(group: &Target<SecurityGroupId>) -> GroupIdentifier {
    GroupIdentifier {
        group_id: projected_id(group),
    }
}
