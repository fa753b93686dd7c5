//! What lets traffic out of a subnet and a VPC, or records it: network ACLs,
//! gateways and their addresses, flow logs.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Types.html>.

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{
    AttachmentState, AvailabilityMode, ConnectivityType, DeliveryStatus, NatGatewayState, RuleAction, Tag, Word,
    shapes::shapes,
};
use crate::types::{
    AccountId, AllocationId, AvailabilityZoneId, FlowLogId, InternetGatewayId, NatGatewayId, NetworkAclId,
    NetworkInterfaceId, RouteTableId, SubnetId, VpcId,
};

shapes! {
    /// A network ACL.
    NetworkAcl {
        /// Its id.
        network_acl_id: NetworkAclId,
        /// Its VPC.
        vpc_id: VpcId,
        /// Whether it is that of subnets that name no other.
        #[serde(default)]
        is_default: bool,
        /// The subnets that use it.
        #[serde(default)]
        associations: Vec<NetworkAclAssociation>,
        /// Its rules, both ways.
        #[serde(default)]
        entries: Vec<NetworkAclEntry>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// A use of a network ACL.
    NetworkAclAssociation {
        /// The subnet.
        #[serde(default)]
        subnet_id: Option<SubnetId>,
    }

    /// A rule of a network ACL. Rules are tried in the order of their numbers;
    /// the first that matches decides. The last, 32767 (`*`), denies.
    NetworkAclEntry {
        /// Its number.
        rule_number: i32,
        /// Whether it is for traffic that leaves the subnet.
        egress: bool,
        /// `allow` or `deny`.
        rule_action: Word<RuleAction>,
        /// A number, or `-1` for all.
        protocol: String,
        /// IPv4 peers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cidr_block: Option<Ipv4Net>,
        /// IPv6 peers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ipv6_cidr_block: Option<Ipv6Net>,
        /// Ports, for TCP and UDP; the destination's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port_range: Option<AclPortRange>,
        /// Type and code, for ICMP.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icmp_type_code: Option<IcmpTypeCode>,
    }

    /// Ports of a network ACL's rule.
    AclPortRange {
        /// The first.
        #[serde(default)]
        from: i32,
        /// The last.
        #[serde(default)]
        to: i32,
    }

    /// ICMP type and code, each -1 for any.
    IcmpTypeCode {
        /// The type.
        #[serde(default, rename = "Type")]
        type_: i32,
        /// The code.
        #[serde(default)]
        code: i32,
    }

    /// A NAT gateway.
    NatGateway {
        /// Its id.
        nat_gateway_id: NatGatewayId,
        /// Its VPC.
        #[serde(default)]
        vpc_id: Option<VpcId>,
        /// Its subnet; a regional one has none.
        #[serde(default)]
        subnet_id: Option<SubnetId>,
        /// `zonal` or `regional`; EC2's default is `zonal`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        availability_mode: Option<Word<AvailabilityMode>>,
        /// The route table that a regional one has of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        route_table_id: Option<RouteTableId>,
        /// How far it is.
        #[serde(default)]
        state: Option<Word<NatGatewayState>>,
        /// Why it failed.
        #[serde(default)]
        failure_message: Option<String>,
        /// `public` or `private`; EC2's default is `public`.
        #[serde(default)]
        connectivity_type: Option<Word<ConnectivityType>>,
        /// Its addresses.
        #[serde(default)]
        nat_gateway_addresses: Vec<NatGatewayAddress>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// An address of a NAT gateway.
    NatGatewayAddress {
        /// The elastic IP address.
        #[serde(default)]
        allocation_id: Option<AllocationId>,
        /// The public address.
        #[serde(default)]
        public_ip: Option<String>,
        /// The private address.
        #[serde(default)]
        private_ip: Option<String>,
        /// Its interface.
        #[serde(default)]
        network_interface_id: Option<NetworkInterfaceId>,
        /// The zone by id whose traffic it serves, of a regional one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        availability_zone_id: Option<AvailabilityZoneId>,
    }

    /// An internet gateway.
    InternetGateway {
        /// Its id.
        internet_gateway_id: InternetGatewayId,
        /// The VPC that it is attached to, if it is.
        #[serde(default)]
        attachments: Vec<InternetGatewayAttachment>,
    }

    /// An internet gateway's place.
    InternetGatewayAttachment {
        /// The VPC.
        #[serde(default)]
        vpc_id: Option<VpcId>,
        /// `available`, or on the way to or from it.
        #[serde(default)]
        state: Option<Word<AttachmentState>>,
    }

    /// An elastic IP address.
    Address {
        /// Its id.
        allocation_id: AllocationId,
        /// The address.
        #[serde(default)]
        public_ip: Option<String>,
        /// Its use, where it has one.
        #[serde(default)]
        association_id: Option<String>,
        /// The interface that it is on.
        #[serde(default)]
        network_interface_id: Option<NetworkInterfaceId>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// A flow log. It cannot be changed, only made anew.
    FlowLog {
        /// Its id.
        flow_log_id: FlowLogId,
        /// The VPC, subnet or interface whose traffic it records.
        resource_id: String,
        /// `ALL`, `ACCEPT` or `REJECT`.
        #[serde(default)]
        traffic_type: Option<String>,
        /// `cloud-watch-logs`, `s3` or `kinesis-data-firehose`.
        #[serde(default)]
        log_destination_type: Option<String>,
        /// The ARN of the bucket, log group or stream.
        #[serde(default)]
        log_destination: Option<String>,
        /// The log group by its name.
        #[serde(default)]
        log_group_name: Option<String>,
        /// The role that writes to the log group.
        #[serde(default)]
        deliver_logs_permission_arn: Option<String>,
        /// The fields of a record.
        #[serde(default)]
        log_format: Option<String>,
        /// Seconds over which records are gathered: 60 or 600.
        #[serde(default)]
        max_aggregation_interval: Option<i32>,
        /// `ACTIVE`.
        #[serde(default)]
        flow_log_status: Option<String>,
        /// `SUCCESS` or `FAILED`.
        #[serde(default)]
        deliver_logs_status: Option<Word<DeliveryStatus>>,
        /// Why records do not arrive.
        #[serde(default)]
        deliver_logs_error_message: Option<String>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// A permission of someone else's on a network interface.
    NetworkInterfacePermission {
        /// Its id.
        network_interface_permission_id: String,
        /// The interface.
        #[serde(default)]
        network_interface_id: Option<NetworkInterfaceId>,
        /// The account that has it.
        #[serde(default)]
        aws_account_id: Option<AccountId>,
        /// The service that has it.
        #[serde(default)]
        aws_service: Option<String>,
        /// `INSTANCE-ATTACH` or `EIP-ASSOCIATE`.
        #[serde(default)]
        permission: Option<String>,
        /// How far it is.
        #[serde(default)]
        permission_state: Option<PermissionState>,
    }

    /// How far a permission is.
    PermissionState {
        /// `pending`, `granted`, `revoking` or `revoked`.
        #[serde(default)]
        state: Option<String>,
        /// More of it.
        #[serde(default)]
        status_message: Option<String>,
    }
}
