//! What lets traffic out of a subnet and a VPC, or records it.

use aws_sdk_ec2::types as sdk;
use ipnet::IpNet;

use super::{each, parsed, tag};
use sagevpc_core::{
    observed::{
        AclPortRange, Address, FlowLog, IcmpTypeCode, InternetGateway, InternetGatewayAttachment, NatGateway,
        NatGatewayAddress, NetworkAcl, NetworkAclAssociation, NetworkAclEntry, NetworkInterfacePermission,
        PermissionState, Word,
    },
    types::{
        AccountId, AclEntry, AllocationId, AvailabilityZoneId, Direction, FlowLogId, InternetGatewayId, NatGatewayId,
        NetworkAclId, NetworkInterfaceId, PortRange, Protocol, RouteTableId, SubnetId, VpcId,
    },
};

pub(in crate::aws) fn network_acl(acl: sdk::NetworkAcl) -> Option<NetworkAcl> {
    Some(NetworkAcl {
        network_acl_id: NetworkAclId::new(acl.network_acl_id?),
        vpc_id: VpcId::new(acl.vpc_id?),
        is_default: acl.is_default.unwrap_or(false),
        associations: each(acl.associations, |association| {
            Some(NetworkAclAssociation {
                subnet_id: association.subnet_id.map(SubnetId::new),
            })
        }),
        entries: each(acl.entries, network_acl_entry),
        tags: each(acl.tags, tag),
    })
}

fn network_acl_entry(entry: sdk::NetworkAclEntry) -> Option<NetworkAclEntry> {
    Some(NetworkAclEntry {
        rule_number: entry.rule_number.unwrap_or_default(),
        egress: entry.egress.unwrap_or_default(),
        rule_action: entry.rule_action.as_ref().map_or("", sdk::RuleAction::as_str).into(),
        protocol: entry.protocol.unwrap_or_default(),
        cidr_block: parsed(entry.cidr_block),
        ipv6_cidr_block: parsed(entry.ipv6_cidr_block),
        port_range: entry.port_range.map(|range| AclPortRange {
            from: range.from.unwrap_or_default(),
            to: range.to.unwrap_or_default(),
        }),
        icmp_type_code: entry.icmp_type_code.map(|icmp| IcmpTypeCode {
            type_: icmp.r#type.unwrap_or_default(),
            code: icmp.code.unwrap_or_default(),
        }),
    })
}

pub(in crate::aws) fn nat_gateway(gateway: sdk::NatGateway) -> Option<NatGateway> {
    Some(NatGateway {
        nat_gateway_id: NatGatewayId::new(gateway.nat_gateway_id?),
        vpc_id: gateway.vpc_id.map(VpcId::new),
        subnet_id: gateway.subnet_id.map(SubnetId::new),
        availability_mode: gateway.availability_mode.map(|mode| mode.as_str().into()),
        route_table_id: gateway.route_table_id.map(RouteTableId::new),
        state: gateway.state.map(|state| state.as_str().into()),
        failure_message: gateway.failure_message,
        connectivity_type: gateway.connectivity_type.map(|kind| kind.as_str().into()),
        nat_gateway_addresses: each(gateway.nat_gateway_addresses, |address| {
            Some(NatGatewayAddress {
                allocation_id: address.allocation_id.map(AllocationId::new),
                public_ip: address.public_ip,
                private_ip: address.private_ip,
                network_interface_id: address.network_interface_id.map(NetworkInterfaceId::new),
                availability_zone_id: address.availability_zone_id.map(AvailabilityZoneId::new),
            })
        }),
        tags: each(gateway.tags, tag),
    })
}

pub(in crate::aws) fn internet_gateway(gateway: sdk::InternetGateway) -> Option<InternetGateway> {
    Some(InternetGateway {
        internet_gateway_id: InternetGatewayId::new(gateway.internet_gateway_id?),
        attachments: each(gateway.attachments, |attachment| {
            Some(InternetGatewayAttachment {
                vpc_id: attachment.vpc_id.map(VpcId::new),
                state: attachment.state.map(|state| state.as_str().into()),
            })
        }),
    })
}

pub(in crate::aws) fn address(address: sdk::Address) -> Option<Address> {
    Some(Address {
        allocation_id: AllocationId::new(address.allocation_id?),
        public_ip: address.public_ip,
        association_id: address.association_id.filter(|id| !id.is_empty()),
        network_interface_id: address
            .network_interface_id
            .filter(|id| !id.is_empty())
            .map(NetworkInterfaceId::new),
        tags: each(address.tags, tag),
    })
}

pub(in crate::aws) fn flow_log(log: sdk::FlowLog) -> Option<FlowLog> {
    Some(FlowLog {
        flow_log_id: FlowLogId::new(log.flow_log_id?),
        resource_id: log.resource_id?,
        traffic_type: log.traffic_type.map(|kind| kind.as_str().to_owned()),
        log_destination_type: log.log_destination_type.map(|kind| kind.as_str().to_owned()),
        log_destination: log.log_destination,
        log_group_name: log.log_group_name,
        deliver_logs_permission_arn: log.deliver_logs_permission_arn,
        log_format: log.log_format,
        max_aggregation_interval: log.max_aggregation_interval,
        flow_log_status: log.flow_log_status,
        deliver_logs_status: log.deliver_logs_status.map(Word::from),
        deliver_logs_error_message: log.deliver_logs_error_message,
        tags: each(log.tags, tag),
    })
}

pub(in crate::aws) fn network_interface_permission(
    permission: sdk::NetworkInterfacePermission,
) -> Option<NetworkInterfacePermission> {
    Some(NetworkInterfacePermission {
        network_interface_permission_id: permission.network_interface_permission_id?,
        network_interface_id: permission.network_interface_id.map(NetworkInterfaceId::new),
        aws_account_id: permission.aws_account_id.map(AccountId::new),
        aws_service: permission.aws_service,
        permission: permission.permission.map(|kind| kind.as_str().to_owned()),
        permission_state: permission.permission_state.map(|state| PermissionState {
            state: state.state.map(|state| state.as_str().to_owned()),
            status_message: state.status_message,
        }),
    })
}

/// A rule of a network ACL as a request takes it: EC2 wants the protocol as a
/// number there, ports with TCP and UDP, and type and code with ICMP.
#[derive(Debug, PartialEq)]
pub(in crate::aws) struct AclEntryFields {
    pub(in crate::aws) protocol: String,
    pub(in crate::aws) action: sdk::RuleAction,
    pub(in crate::aws) cidr_block: Option<String>,
    pub(in crate::aws) ipv6_cidr_block: Option<String>,
    pub(in crate::aws) ports: Option<sdk::PortRange>,
    pub(in crate::aws) icmp: Option<sdk::IcmpTypeCode>,
}

/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html>.
pub(in crate::aws) fn to_acl_entry(entry: &AclEntry) -> AclEntryFields {
    let AclEntry {
        direction: _,
        rule_number: _,
        allows,
        protocol,
        ports,
        cidr,
    } = entry;
    let (cidr_block, ipv6_cidr_block) = match cidr {
        IpNet::V4(cidr) => (Some(cidr.to_string()), None),
        IpNet::V6(cidr) => (None, Some(cidr.to_string())),
    };
    let (ports, icmp) = match *protocol {
        Protocol::TCP | Protocol::UDP => {
            let PortRange { from, to } = ports.unwrap_or(PortRange { from: 0, to: 65_535 });
            (Some(sdk::PortRange::builder().from(from).to(to).build()), None)
        }
        Protocol::ICMP | Protocol::ICMPV6 => {
            let PortRange { from, to } = ports.unwrap_or(PortRange { from: -1, to: -1 });
            (None, Some(sdk::IcmpTypeCode::builder().r#type(from).code(to).build()))
        }
        Protocol::All | Protocol::Number(_) => (None, None),
    };
    AclEntryFields {
        protocol: match protocol {
            Protocol::All => "-1".to_owned(),
            Protocol::Number(number) => number.to_string(),
        },
        action: if *allows {
            sdk::RuleAction::Allow
        } else {
            sdk::RuleAction::Deny
        },
        cidr_block,
        ipv6_cidr_block,
        ports,
        icmp,
    }
}

/// A rule as EC2 shows it once it is there.
pub(in crate::aws) fn acl_entry_as_shown(entry: &AclEntry) -> Option<NetworkAclEntry> {
    let AclEntryFields {
        protocol,
        action,
        cidr_block,
        ipv6_cidr_block,
        ports,
        icmp,
    } = to_acl_entry(entry);
    let entry = sdk::NetworkAclEntry::builder()
        .rule_number(i32::from(entry.rule_number))
        .egress(entry.direction == Direction::Egress)
        .protocol(protocol)
        .rule_action(action)
        .set_cidr_block(cidr_block)
        .set_ipv6_cidr_block(ipv6_cidr_block)
        .set_port_range(ports)
        .set_icmp_type_code(icmp)
        .build();
    network_acl_entry(entry)
}
