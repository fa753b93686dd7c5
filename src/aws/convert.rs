//! Types of the SDK to ours and back, field by field.
//!
//! The SDK makes every field optional. What has no id cannot be spoken of and
//! is left out; an address that cannot be read counts as none. A rule or a route
//! that lacks a part stays, without it: whoever judges by it sees that it cannot
//! be read.

mod edges;
mod links;

use aws_sdk_ec2::types as sdk;

pub(super) use edges::{
    acl_entry_as_shown, address, flow_log, internet_gateway, nat_gateway, network_acl, network_interface_permission,
    to_acl_entry,
};
pub(super) use links::{
    transit_gateway_attachment, transit_gateway_route, transit_gateway_vpc_attachment, vpc_peering_connection,
    vpn_gateway,
};

use sagevpc_core::{
    observed::{
        BlockPublicAccessStates, CidrAssociation, DhcpConfiguration, DhcpOptions, DhcpValue, DnsEntry, DnsOptions,
        EndpointService, GroupIdentifier, InstanceTypeOffering, IpPermission, IpRange, Ipv4Prefix, Ipv6Address,
        Ipv6Association, Ipv6Prefix, Ipv6Range, NetworkInterface, NetworkInterfaceAssociation,
        NetworkInterfaceAttachment, PrefixList, PrefixListRef, PrivateDnsName, PrivateIpAddress, Route, RouteTable,
        RouteTableAssociation, SecurityGroup, ServiceType, Subnet, Tag, UserIdGroupPair, Vpc, VpcEndpoint, Word,
    },
    types::{
        AccountId, AvailabilityZoneId, DhcpOptionsId, NetworkInterfaceId, Peer, PrefixListId, RouteTableId, Rule,
        SecurityGroupId, SubnetId, Tags, VpcEndpointId, VpcId,
    },
};

/// The elements of a list that may be missing, converted.
fn each<S, T>(list: Option<Vec<S>>, convert: impl FnMut(S) -> Option<T>) -> Vec<T> {
    list.unwrap_or_default().into_iter().filter_map(convert).collect()
}

fn parsed<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}

fn tag(tag: sdk::Tag) -> Option<Tag> {
    Some(Tag {
        key: tag.key?,
        value: tag.value.unwrap_or_default(),
    })
}

pub(super) fn vpc(vpc: sdk::Vpc) -> Option<Vpc> {
    Some(Vpc {
        vpc_id: VpcId::new(vpc.vpc_id?),
        owner_id: vpc.owner_id.map(AccountId::new),
        instance_tenancy: vpc.instance_tenancy.map(|tenancy| tenancy.as_str().into()),
        cidr_block: parsed(vpc.cidr_block),
        cidr_block_association_set: each(vpc.cidr_block_association_set, vpc_cidr_association),
        dhcp_options_id: vpc.dhcp_options_id.map(DhcpOptionsId::new),
        ipv6_cidr_block_association_set: each(vpc.ipv6_cidr_block_association_set, vpc_ipv6_association),
        block_public_access_states: vpc.block_public_access_states.map(block_public_access_states),
        tags: each(vpc.tags, tag),
    })
}

/// A block that is being taken away, or was, is listed for a while.
fn vpc_ipv6_association(association: sdk::VpcIpv6CidrBlockAssociation) -> Option<Ipv6Association> {
    use sdk::VpcCidrBlockStateCode::{Associated, Associating};
    let state = association.ipv6_cidr_block_state.and_then(|state| state.state);
    matches!(state, None | Some(Associated | Associating)).then(|| Ipv6Association {
        ipv6_cidr_block: parsed(association.ipv6_cidr_block),
    })
}

fn vpc_cidr_association(association: sdk::VpcCidrBlockAssociation) -> Option<CidrAssociation> {
    use sdk::VpcCidrBlockStateCode::{Associated, Associating};
    let state = association.cidr_block_state.and_then(|state| state.state);
    matches!(state, None | Some(Associated | Associating)).then(|| CidrAssociation {
        cidr_block: parsed(association.cidr_block),
    })
}

pub(super) fn subnet(subnet: sdk::Subnet) -> Option<Subnet> {
    Some(Subnet {
        subnet_id: SubnetId::new(subnet.subnet_id?),
        vpc_id: VpcId::new(subnet.vpc_id?),
        owner_id: subnet.owner_id.map(AccountId::new),
        availability_zone_id: subnet.availability_zone_id.map(AvailabilityZoneId::new),
        availability_zone: subnet.availability_zone,
        cidr_block: parsed(subnet.cidr_block),
        ipv6_cidr_block_association_set: each(subnet.ipv6_cidr_block_association_set, subnet_ipv6_association),
        available_ip_address_count: subnet
            .available_ip_address_count
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0),
        block_public_access_states: subnet.block_public_access_states.map(block_public_access_states),
        tags: each(subnet.tags, tag),
    })
}

fn block_public_access_states(states: sdk::BlockPublicAccessStates) -> BlockPublicAccessStates {
    BlockPublicAccessStates {
        internet_gateway_block_mode: states.internet_gateway_block_mode.map(|mode| mode.as_str().into()),
    }
}

fn subnet_ipv6_association(association: sdk::SubnetIpv6CidrBlockAssociation) -> Option<Ipv6Association> {
    use sdk::SubnetCidrBlockStateCode::{Associated, Associating};
    let state = association.ipv6_cidr_block_state.and_then(|state| state.state);
    matches!(state, None | Some(Associated | Associating)).then(|| Ipv6Association {
        ipv6_cidr_block: parsed(association.ipv6_cidr_block),
    })
}

pub(super) fn route_table(table: sdk::RouteTable) -> Option<RouteTable> {
    Some(RouteTable {
        route_table_id: RouteTableId::new(table.route_table_id?),
        vpc_id: VpcId::new(table.vpc_id?),
        associations: each(table.associations, association),
        routes: each(table.routes, |entry| Some(route(entry))),
        tags: each(table.tags, tag),
    })
}

/// An association that is being taken away, or was, is listed for a while.
fn association(association: sdk::RouteTableAssociation) -> Option<RouteTableAssociation> {
    use sdk::RouteTableAssociationStateCode::{Associated, Associating};
    let state = association.association_state.and_then(|state| state.state);
    matches!(state, None | Some(Associated | Associating)).then(|| RouteTableAssociation {
        main: association.main.unwrap_or(false),
        subnet_id: association.subnet_id.map(SubnetId::new),
        gateway_id: association.gateway_id,
    })
}

fn route(route: sdk::Route) -> Route {
    Route {
        destination_cidr_block: parsed(route.destination_cidr_block),
        destination_ipv6_cidr_block: parsed(route.destination_ipv6_cidr_block),
        destination_prefix_list_id: route.destination_prefix_list_id.map(PrefixListId::new),
        gateway_id: route.gateway_id,
        nat_gateway_id: route.nat_gateway_id,
        transit_gateway_id: route.transit_gateway_id,
        vpc_peering_connection_id: route.vpc_peering_connection_id,
        network_interface_id: route.network_interface_id.map(NetworkInterfaceId::new),
        egress_only_internet_gateway_id: route.egress_only_internet_gateway_id,
        local_gateway_id: route.local_gateway_id,
        carrier_gateway_id: route.carrier_gateway_id,
        core_network_arn: route.core_network_arn,
        state: route.state.map(|state| state.as_str().into()),
    }
}

pub(super) fn security_group(group: sdk::SecurityGroup) -> Option<SecurityGroup> {
    Some(SecurityGroup {
        group_id: SecurityGroupId::new(group.group_id?),
        group_name: group.group_name.unwrap_or_default(),
        vpc_id: VpcId::new(group.vpc_id?),
        owner_id: group.owner_id.map(AccountId::new),
        description: group.description.unwrap_or_default(),
        ip_permissions: each(group.ip_permissions, ip_permission),
        ip_permissions_egress: each(group.ip_permissions_egress, ip_permission),
        tags: each(group.tags, tag),
    })
}

fn ip_permission(permission: sdk::IpPermission) -> Option<IpPermission> {
    Some(IpPermission {
        ip_protocol: permission.ip_protocol.unwrap_or_default(),
        from_port: permission.from_port,
        to_port: permission.to_port,
        ip_ranges: each(permission.ip_ranges, |range| {
            Some(IpRange {
                cidr_ip: range.cidr_ip.unwrap_or_default(),
            })
        }),
        ipv6_ranges: each(permission.ipv6_ranges, |range| {
            Some(Ipv6Range {
                cidr_ipv6: range.cidr_ipv6.unwrap_or_default(),
            })
        }),
        prefix_list_ids: each(permission.prefix_list_ids, |list| {
            Some(PrefixListRef {
                prefix_list_id: PrefixListId::new(list.prefix_list_id?),
            })
        }),
        user_id_group_pairs: each(permission.user_id_group_pairs, |pair| {
            Some(UserIdGroupPair {
                group_id: pair.group_id.map(SecurityGroupId::new),
                user_id: pair.user_id.map(AccountId::new),
            })
        }),
    })
}

pub(super) fn vpc_endpoint(endpoint: sdk::VpcEndpoint) -> Option<VpcEndpoint> {
    Some(VpcEndpoint {
        vpc_endpoint_id: VpcEndpointId::new(endpoint.vpc_endpoint_id?),
        vpc_endpoint_type: endpoint.vpc_endpoint_type.map(|kind| kind.as_str().into()),
        vpc_id: VpcId::new(endpoint.vpc_id?),
        service_name: endpoint.service_name.unwrap_or_default(),
        state: endpoint.state.as_ref().map_or("", sdk::State::as_str).into(),
        policy_document: endpoint.policy_document,
        route_table_ids: each(endpoint.route_table_ids, |id| Some(RouteTableId::new(id))),
        subnet_ids: each(endpoint.subnet_ids, |id| Some(SubnetId::new(id))),
        groups: each(endpoint.groups, |group| {
            Some(GroupIdentifier {
                group_id: SecurityGroupId::new(group.group_id?),
            })
        }),
        network_interface_ids: each(endpoint.network_interface_ids, |id| Some(NetworkInterfaceId::new(id))),
        private_dns_enabled: endpoint.private_dns_enabled.unwrap_or(false),
        ip_address_type: endpoint.ip_address_type.map(|kind| kind.as_str().into()),
        dns_entries: each(endpoint.dns_entries, |entry| {
            Some(DnsEntry {
                dns_name: entry.dns_name,
                hosted_zone_id: entry.hosted_zone_id,
            })
        }),
        dns_options: endpoint.dns_options.map(|options| DnsOptions {
            private_dns_only_for_inbound_resolver_endpoint: options.private_dns_only_for_inbound_resolver_endpoint,
        }),
        owner_id: endpoint.owner_id.map(AccountId::new),
        requester_managed: endpoint.requester_managed.unwrap_or(false),
        tags: each(endpoint.tags, tag),
    })
}

fn public_address(association: sdk::NetworkInterfaceAssociation) -> NetworkInterfaceAssociation {
    NetworkInterfaceAssociation {
        public_ip: association.public_ip,
    }
}

pub(super) fn network_interface(interface: sdk::NetworkInterface) -> Option<NetworkInterface> {
    Some(NetworkInterface {
        network_interface_id: NetworkInterfaceId::new(interface.network_interface_id?),
        vpc_id: VpcId::new(interface.vpc_id?),
        subnet_id: SubnetId::new(interface.subnet_id?),
        description: interface.description.unwrap_or_default(),
        interface_type: interface.interface_type.map(|kind| kind.as_str().into()),
        requester_id: interface.requester_id,
        status: interface.status.map(|status| status.as_str().to_owned()),
        attachment: interface.attachment.map(|attachment| NetworkInterfaceAttachment {
            attach_time: attachment.attach_time.map(|time| time.to_string()),
        }),
        association: interface.association.map(public_address),
        groups: each(interface.groups, |group| {
            Some(GroupIdentifier {
                group_id: SecurityGroupId::new(group.group_id?),
            })
        }),
        private_ip_addresses: each(interface.private_ip_addresses, |address| {
            Some(PrivateIpAddress {
                private_ip_address: address.private_ip_address?,
                association: address.association.map(public_address),
            })
        }),
        ipv6_addresses: each(interface.ipv6_addresses, |address| {
            Some(Ipv6Address {
                ipv6_address: address.ipv6_address?,
            })
        }),
        ipv4_prefixes: each(interface.ipv4_prefixes, |prefix| {
            Some(Ipv4Prefix {
                ipv4_prefix: prefix.ipv4_prefix?,
            })
        }),
        ipv6_prefixes: each(interface.ipv6_prefixes, |prefix| {
            Some(Ipv6Prefix {
                ipv6_prefix: prefix.ipv6_prefix?,
            })
        }),
        owner_id: interface.owner_id.map(AccountId::new),
    })
}

pub(super) fn dhcp_options(options: sdk::DhcpOptions) -> Option<DhcpOptions> {
    Some(DhcpOptions {
        dhcp_options_id: DhcpOptionsId::new(options.dhcp_options_id?),
        dhcp_configurations: each(options.dhcp_configurations, |configuration| {
            Some(DhcpConfiguration {
                key: configuration.key?,
                values: each(configuration.values, |value| Some(DhcpValue { value: value.value? })),
            })
        }),
    })
}

pub(super) fn instance_type_offering(offering: sdk::InstanceTypeOffering) -> Option<InstanceTypeOffering> {
    Some(InstanceTypeOffering {
        instance_type: offering.instance_type?.as_str().to_owned(),
        location: offering.location?,
    })
}

pub(super) fn prefix_list(list: sdk::PrefixList) -> Option<PrefixList> {
    Some(PrefixList {
        prefix_list_id: PrefixListId::new(list.prefix_list_id?),
        prefix_list_name: list.prefix_list_name?,
        cidrs: list.cidrs.unwrap_or_default(),
    })
}

pub(super) fn endpoint_service(service: sdk::ServiceDetail) -> Option<EndpointService> {
    Some(EndpointService {
        service_name: service.service_name?,
        service_type: each(service.service_type, |kind| {
            Some(ServiceType {
                service_type: kind.service_type?.as_str().into(),
            })
        }),
        availability_zones: service.availability_zones.unwrap_or_default(),
        owner: service.owner.map(Word::from),
        private_dns_name: service.private_dns_name,
        private_dns_names: each(service.private_dns_names, |name| {
            Some(PrivateDnsName {
                private_dns_name: name.private_dns_name,
            })
        }),
        vpc_endpoint_policy_supported: service.vpc_endpoint_policy_supported.unwrap_or(false),
        acceptance_required: service.acceptance_required.unwrap_or(false),
        supported_ip_address_types: each(service.supported_ip_address_types, |kind| Some(kind.as_str().into())),
    })
}

/// Tags as a request takes them.
pub(super) fn to_tags(tags: &Tags) -> Vec<sdk::Tag> {
    tags.iter()
        .map(|(key, value)| sdk::Tag::builder().key(key).value(value).build())
        .collect()
}

/// Tags for what a request creates.
pub(super) fn to_tag_specification(kind: sdk::ResourceType, tags: &Tags) -> sdk::TagSpecification {
    sdk::TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(to_tags(tags)))
        .build()
}

/// Rules as a request takes them. `group` is the one that holds them.
pub(super) fn to_ip_permissions(group: &str, rules: &[Rule]) -> Vec<sdk::IpPermission> {
    rules.iter().map(|rule| to_ip_permission(group, rule)).collect()
}

fn to_ip_permission(group: &str, rule: &Rule) -> sdk::IpPermission {
    let Rule {
        direction: _,
        protocol,
        ports,
        peer,
    } = rule;
    let permission = sdk::IpPermission::builder().ip_protocol(protocol.as_ec2());
    let permission = match ports {
        Some(ports) => permission.from_port(ports.from).to_port(ports.to),
        None => match every_port(*protocol) {
            Some((from, to)) => permission.from_port(from).to_port(to),
            None => permission,
        },
    };
    let pair = sdk::UserIdGroupPair::builder();
    match peer {
        Peer::Itself => permission.user_id_group_pairs(pair.group_id(group).build()),
        Peer::Group { id, owner } => {
            let owner = owner.as_ref().map(ToString::to_string);
            permission.user_id_group_pairs(pair.group_id(id.as_str()).set_user_id(owner).build())
        }
        // What has no id yet gets it where the plan is carried out.
        Peer::Made(_) => permission,
        Peer::PrefixList(id) => {
            permission.prefix_list_ids(sdk::PrefixListId::builder().prefix_list_id(id.as_str()).build())
        }
        Peer::Cidr(ipnet::IpNet::V4(cidr)) => {
            permission.ip_ranges(sdk::IpRange::builder().cidr_ip(cidr.to_string()).build())
        }
        Peer::Cidr(ipnet::IpNet::V6(cidr)) => {
            permission.ipv6_ranges(sdk::Ipv6Range::builder().cidr_ipv6(cidr.to_string()).build())
        }
    }
    .build()
}

/// How EC2 wants "all of them" to be said, where a protocol has ports: it takes
/// no rule for TCP or UDP without them.
fn every_port(protocol: sagevpc_core::types::Protocol) -> Option<(i32, i32)> {
    use sagevpc_core::types::Protocol;
    match protocol {
        Protocol::TCP | Protocol::UDP => Some((0, 65_535)),
        Protocol::ICMP | Protocol::ICMPV6 => Some((-1, -1)),
        Protocol::All | Protocol::Number(_) => None,
    }
}

#[cfg(test)]
mod tests;
