//! The things of EC2 that are looked at, with the fields that matter, named
//! and nested as in the API and the CLI's output.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Types.html>.

use std::collections::BTreeSet;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::{
    AddressType, EndpointState, EndpointType, InterfaceType, InternetGatewayBlockMode, RouteState, ServiceOwner,
    Tenancy, Word, shapes::shapes,
};
use crate::types::{
    AccountId, AvailabilityZoneId, DhcpOptionsId, NetworkInterfaceId, PrefixListId, RouteTableId, SecurityGroupId,
    SubnetId, Tags, VpcEndpointId, VpcId,
};

shapes! {
    /// A key and its value.
    Tag {
        /// The key.
        key: String,
        /// The value.
        #[serde(default)]
        value: String,
    }

    /// A virtual private cloud.
    Vpc {
        /// Its id.
        vpc_id: VpcId,
        /// The account that owns it.
        #[serde(default)]
        owner_id: Option<AccountId>,
        /// `default`, `dedicated` or `host`.
        #[serde(default)]
        instance_tenancy: Option<Word<Tenancy>>,
        /// Its primary IPv4 addresses.
        #[serde(default)]
        cidr_block: Option<Ipv4Net>,
        /// All its IPv4 addresses, the primary ones included.
        #[serde(default)]
        cidr_block_association_set: Vec<CidrAssociation>,
        /// Its DHCP option set, or `default`.
        #[serde(default)]
        dhcp_options_id: Option<DhcpOptionsId>,
        /// Its IPv6 addresses.
        #[serde(default)]
        ipv6_cidr_block_association_set: Vec<Ipv6Association>,
        /// What VPC Block Public Access does to it, exclusions of the whole VPC
        /// counted in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        block_public_access_states: Option<BlockPublicAccessStates>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// What VPC Block Public Access does to a VPC or a subnet.
    BlockPublicAccessStates {
        /// `off`, `block-bidirectional` or `block-ingress`.
        #[serde(default)]
        internet_gateway_block_mode: Option<Word<InternetGatewayBlockMode>>,
    }

    /// Both DNS attributes of one VPC, each as `describe-vpc-attribute` prints it.
    VpcAttributes {
        /// The VPC.
        vpc_id: VpcId,
        /// Whether AWS resolves names for the VPC.
        enable_dns_support: Flag,
        /// Whether its instances get names.
        enable_dns_hostnames: Flag,
    }

    /// A boolean as EC2 wraps it.
    Flag {
        /// Whether it is on.
        value: bool,
    }

    /// An IPv4 block of a VPC.
    CidrAssociation {
        /// The block.
        #[serde(default)]
        cidr_block: Option<Ipv4Net>,
    }

    /// An IPv6 block of a VPC or subnet.
    Ipv6Association {
        /// The block.
        #[serde(default)]
        ipv6_cidr_block: Option<Ipv6Net>,
    }

    /// A subnet.
    Subnet {
        /// Its id.
        subnet_id: SubnetId,
        /// Its VPC.
        vpc_id: VpcId,
        /// The account that owns it; another than the VPC's users' where it is
        /// shared.
        #[serde(default)]
        owner_id: Option<AccountId>,
        /// Its zone by id, such as `use1-az1`.
        #[serde(default)]
        availability_zone_id: Option<AvailabilityZoneId>,
        /// Its zone by name, such as `us-east-1a`.
        #[serde(default)]
        availability_zone: Option<String>,
        /// Its IPv4 addresses.
        #[serde(default)]
        cidr_block: Option<Ipv4Net>,
        /// Its IPv6 addresses.
        #[serde(default)]
        ipv6_cidr_block_association_set: Vec<Ipv6Association>,
        /// Free IPv4 addresses, already without those that AWS keeps and those
        /// that running jobs hold.
        #[serde(default)]
        available_ip_address_count: u32,
        /// What VPC Block Public Access does to it, its own exclusions counted in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        block_public_access_states: Option<BlockPublicAccessStates>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// A route table.
    RouteTable {
        /// Its id.
        route_table_id: RouteTableId,
        /// Its VPC.
        vpc_id: VpcId,
        /// What uses it.
        #[serde(default)]
        associations: Vec<RouteTableAssociation>,
        /// Its routes.
        #[serde(default)]
        routes: Vec<Route>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// A use of a route table: by a subnet, or as the VPC's main table.
    RouteTableAssociation {
        /// Whether it is the table of every subnet that has none of its own.
        #[serde(default)]
        main: bool,
        /// The subnet, unless `main`.
        #[serde(default)]
        subnet_id: Option<SubnetId>,
        /// The internet or virtual private gateway for whose incoming packets it
        /// is the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gateway_id: Option<String>,
    }

    /// A route: one kind of destination and one kind of target.
    Route {
        /// IPv4 destination.
        #[serde(default)]
        destination_cidr_block: Option<Ipv4Net>,
        /// IPv6 destination.
        #[serde(default)]
        destination_ipv6_cidr_block: Option<Ipv6Net>,
        /// Prefix list as the destination.
        #[serde(default)]
        destination_prefix_list_id: Option<PrefixListId>,
        /// `local`, an internet gateway (`igw-`) or a gateway endpoint (`vpce-`).
        #[serde(default)]
        gateway_id: Option<String>,
        /// A NAT gateway.
        #[serde(default)]
        nat_gateway_id: Option<String>,
        /// A transit gateway.
        #[serde(default)]
        transit_gateway_id: Option<String>,
        /// A peering connection.
        #[serde(default)]
        vpc_peering_connection_id: Option<String>,
        /// A network interface, such as a firewall's or a NAT instance's.
        #[serde(default)]
        network_interface_id: Option<NetworkInterfaceId>,
        /// An egress-only internet gateway, for IPv6.
        #[serde(default)]
        egress_only_internet_gateway_id: Option<String>,
        /// A gateway of an outpost.
        #[serde(default)]
        local_gateway_id: Option<String>,
        /// A gateway of a wavelength zone.
        #[serde(default)]
        carrier_gateway_id: Option<String>,
        /// A core network of AWS Cloud WAN.
        #[serde(default)]
        core_network_arn: Option<String>,
        /// `active` or `blackhole`.
        #[serde(default)]
        state: Option<Word<RouteState>>,
    }

    /// A security group.
    SecurityGroup {
        /// Its id.
        group_id: SecurityGroupId,
        /// Its name, unique in the VPC ignoring case.
        group_name: String,
        /// Its VPC.
        vpc_id: VpcId,
        /// Its account.
        #[serde(default)]
        owner_id: Option<AccountId>,
        /// What its author says it is for.
        #[serde(default)]
        description: String,
        /// What it lets in.
        #[serde(default)]
        ip_permissions: Vec<IpPermission>,
        /// What it lets out.
        #[serde(default)]
        ip_permissions_egress: Vec<IpPermission>,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// Rules of one protocol and range of ports.
    IpPermission {
        /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
        ip_protocol: String,
        /// First port, or ICMP type.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_port: Option<i32>,
        /// Last port, or ICMP code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_port: Option<i32>,
        /// IPv4 peers.
        #[serde(default)]
        ip_ranges: Vec<IpRange>,
        /// IPv6 peers.
        #[serde(default)]
        ipv6_ranges: Vec<Ipv6Range>,
        /// Prefix lists as peers.
        #[serde(default)]
        prefix_list_ids: Vec<PrefixListRef>,
        /// Groups as peers.
        #[serde(default)]
        user_id_group_pairs: Vec<UserIdGroupPair>,
    }

    /// An IPv4 peer.
    IpRange {
        /// Its addresses.
        cidr_ip: String,
    }

    /// An IPv6 peer.
    Ipv6Range {
        /// Its addresses.
        cidr_ipv6: String,
    }

    /// A prefix list as peer.
    PrefixListRef {
        /// Its id.
        prefix_list_id: PrefixListId,
    }

    /// A group as peer.
    UserIdGroupPair {
        /// The group.
        #[serde(default)]
        group_id: Option<SecurityGroupId>,
        /// Its account.
        #[serde(default)]
        user_id: Option<AccountId>,
    }

    /// A VPC endpoint.
    VpcEndpoint {
        /// Its id.
        vpc_endpoint_id: VpcEndpointId,
        /// `Gateway`, `Interface` and others; EC2's default is `Gateway`.
        #[serde(default)]
        vpc_endpoint_type: Option<Word<EndpointType>>,
        /// Its VPC.
        vpc_id: VpcId,
        /// The service behind it, such as `com.amazonaws.us-east-1.s3`; empty where
        /// there is none, as behind one that leads to a resource.
        #[serde(default)]
        service_name: String,
        /// `available`, `pending`, `deleting` and others.
        state: Word<EndpointState>,
        /// Its policy, as JSON text.
        #[serde(default)]
        policy_document: Option<String>,
        /// The route tables that lead to it, for a gateway endpoint.
        #[serde(default)]
        route_table_ids: Vec<RouteTableId>,
        /// The subnets that it has interfaces in, for an interface endpoint.
        #[serde(default)]
        subnet_ids: Vec<SubnetId>,
        /// The security groups of its interfaces.
        #[serde(default)]
        groups: Vec<GroupIdentifier>,
        /// Its interfaces.
        #[serde(default)]
        network_interface_ids: Vec<NetworkInterfaceId>,
        /// Whether the service's own name leads to it in the whole VPC.
        #[serde(default)]
        private_dns_enabled: bool,
        /// `ipv4`, `ipv6` or `dualstack`.
        #[serde(default)]
        ip_address_type: Option<Word<AddressType>>,
        /// Names that lead to it.
        #[serde(default)]
        dns_entries: Vec<DnsEntry>,
        /// Whom the service's own name leads to it for.
        #[serde(default)]
        dns_options: Option<DnsOptions>,
        /// The account that owns it.
        #[serde(default)]
        owner_id: Option<AccountId>,
        /// Whether another AWS service manages it.
        #[serde(default)]
        requester_managed: bool,
        /// Its tags.
        #[serde(default)]
        tags: Vec<Tag>,
    }

    /// Whom a service's own name leads to an endpoint for.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DnsOptions.html>.
    DnsOptions {
        /// Whether only for those outside the VPC, whose queries come in by an
        /// inbound endpoint of Route 53's resolver.
        #[serde(default)]
        private_dns_only_for_inbound_resolver_endpoint: Option<bool>,
    }

    /// A name that leads to an endpoint.
    DnsEntry {
        /// The name.
        #[serde(default)]
        dns_name: Option<String>,
        /// The private zone that holds it.
        #[serde(default)]
        hosted_zone_id: Option<String>,
    }

    /// A network interface.
    NetworkInterface {
        /// Its id.
        network_interface_id: NetworkInterfaceId,
        /// Its VPC.
        vpc_id: VpcId,
        /// Its subnet.
        subnet_id: SubnetId,
        /// What its maker says of it.
        #[serde(default)]
        description: String,
        /// `interface`, `nat_gateway`, `vpc_endpoint` and others.
        #[serde(default)]
        interface_type: Option<Word<InterfaceType>>,
        /// Who asked for it, where an AWS service did.
        #[serde(default)]
        requester_id: Option<String>,
        /// `available` or `in-use`.
        #[serde(default)]
        status: Option<String>,
        /// Its attachment to what uses it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attachment: Option<NetworkInterfaceAttachment>,
        /// Its public IPv4 address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        association: Option<NetworkInterfaceAssociation>,
        /// Its security groups.
        #[serde(default)]
        groups: Vec<GroupIdentifier>,
        /// Its IPv4 addresses.
        #[serde(default)]
        private_ip_addresses: Vec<PrivateIpAddress>,
        /// Its IPv6 addresses.
        #[serde(default)]
        ipv6_addresses: Vec<Ipv6Address>,
        /// Its blocks of IPv4 addresses, as Kubernetes nodes have for their pods.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ipv4_prefixes: Vec<Ipv4Prefix>,
        /// Its blocks of IPv6 addresses.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ipv6_prefixes: Vec<Ipv6Prefix>,
        /// The account that owns it; another than the VPC's in a shared subnet.
        #[serde(default)]
        owner_id: Option<AccountId>,
    }

    /// The public address of an interface.
    NetworkInterfaceAssociation {
        /// The address.
        #[serde(default)]
        public_ip: Option<String>,
    }

    /// The attachment of an interface.
    NetworkInterfaceAttachment {
        /// Since when it is attached.
        #[serde(default)]
        attach_time: Option<String>,
    }

    /// A block of IPv4 addresses of an interface.
    Ipv4Prefix {
        /// The block.
        ipv4_prefix: String,
    }

    /// A block of IPv6 addresses of an interface.
    Ipv6Prefix {
        /// The block.
        ipv6_prefix: String,
    }

    /// An IPv6 address of an interface.
    Ipv6Address {
        /// The address.
        ipv6_address: String,
    }

    /// A security group on an interface.
    GroupIdentifier {
        /// Its id.
        group_id: SecurityGroupId,
    }

    /// An address of an interface.
    PrivateIpAddress {
        /// The address.
        private_ip_address: String,
        /// The public address that stands for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        association: Option<NetworkInterfaceAssociation>,
    }

    /// A set of DHCP options.
    DhcpOptions {
        /// Its id.
        dhcp_options_id: DhcpOptionsId,
        /// What it tells hosts.
        #[serde(default)]
        dhcp_configurations: Vec<DhcpConfiguration>,
    }

    /// One DHCP option.
    DhcpConfiguration {
        /// Its key, such as `domain-name-servers`.
        key: String,
        /// Its values.
        #[serde(default)]
        values: Vec<DhcpValue>,
    }

    /// One value of a DHCP option.
    DhcpValue {
        /// The value.
        value: String,
    }

    /// The addresses of an AWS service that gateway endpoints lead to.
    PrefixList {
        /// Its id.
        prefix_list_id: PrefixListId,
        /// The service's name, such as `com.amazonaws.us-east-1.s3`.
        prefix_list_name: String,
        /// The addresses.
        #[serde(default)]
        cidrs: Vec<String>,
    }

    /// A service that endpoints lead to.
    EndpointService {
        /// Its name.
        service_name: String,
        /// The kinds of endpoint that it takes.
        #[serde(default)]
        service_type: Vec<ServiceType>,
        /// The zones that it has, by name as the asking account knows them.
        #[serde(default)]
        availability_zones: Vec<String>,
        /// Who offers it: `amazon`, or an account.
        #[serde(default)]
        owner: Option<Word<ServiceOwner>>,
        /// The name that private DNS gives it, where it has one.
        #[serde(default)]
        private_dns_name: Option<String>,
        /// All such names.
        #[serde(default)]
        private_dns_names: Vec<PrivateDnsName>,
        /// Whether an endpoint for it may have a policy.
        #[serde(default)]
        vpc_endpoint_policy_supported: bool,
        /// Whether its owner must accept an endpoint.
        #[serde(default)]
        acceptance_required: bool,
        /// `ipv4`, `ipv6`: what it can be reached by.
        #[serde(default)]
        supported_ip_address_types: Vec<Word<AddressType>>,
    }

    /// Where EC2 offers an instance type.
    InstanceTypeOffering {
        /// EC2's name of the type, such as `p5.48xlarge`.
        instance_type: String,
        /// The zone, by its id or its name.
        location: String,
    }

    /// A name of a service's.
    PrivateDnsName {
        /// The name, which may begin with `*.`.
        #[serde(default)]
        private_dns_name: Option<String>,
    }

    /// A kind of endpoint.
    ServiceType {
        /// `Gateway`, `Interface` and others.
        service_type: Word<EndpointType>,
    }
}

impl EndpointService {
    /// Whether it takes gateway endpoints.
    pub fn is_gateway(&self) -> bool {
        self.takes(EndpointType::Gateway)
    }

    /// Whether AWS itself offers it, or nothing says who does.
    pub fn is_amazons(&self) -> bool {
        self.owner.as_ref().is_none_or(|owner| *owner == ServiceOwner::Amazon)
    }

    /// Whether it takes interface endpoints.
    pub fn is_interface(&self) -> bool {
        self.takes(EndpointType::Interface)
    }

    fn takes(&self, kind: EndpointType) -> bool {
        self.service_type.iter().any(|found| found.service_type == kind)
    }

    /// The names that private DNS gives it; none where it has no private DNS.
    pub fn private_names(&self) -> BTreeSet<&str> {
        let several = self.private_dns_names.iter();
        several
            .filter_map(|name| name.private_dns_name.as_deref())
            .chain(self.private_dns_name.as_deref())
            .collect()
    }
}

/// Tags as a map.
pub fn tags_of(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}
