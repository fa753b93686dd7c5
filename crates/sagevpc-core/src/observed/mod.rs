//! What was seen in AWS: plain values, in the shape in which the AWS CLI's
//! describe commands print them.
//!
//! A [`Snapshot`] covers one account and region, as much of it as was looked
//! at, and is saved as a folder with one JSON file for each kind of thing
//! ([`files`]), so that anyone can make one without us. [`Snapshot::vpc`] cuts
//! out what planning for one VPC needs. Pure: nothing here asks AWS.

mod attributes;
mod beyond;
mod buckets;
mod consumers;
mod edges;
mod entries;
pub mod files;
mod interest;
mod links;
mod names;
mod readings;
mod resources;
mod roles;
mod routes;
mod shapes;
mod unread;
mod vpc;
mod words;

pub use beyond::{Attached, Beyond, Join, TransitLead, TransitRoutes, TransitTarget, joins};
pub use buckets::Bucket;
pub use consumers::{Consumer, ConsumerKind, Discovered};
pub use edges::{
    AclPortRange, Address, FlowLog, IcmpTypeCode, InternetGateway, InternetGatewayAttachment, NatGateway,
    NatGatewayAddress, NetworkAcl, NetworkAclAssociation, NetworkAclEntry, NetworkInterfacePermission, PermissionState,
};
pub use interest::{Aspect, Interest};
pub use links::{
    PeeringCidr, PeeringStatus, PeeringVpcInfo, TransitGateway, TransitGatewayAssociation, TransitGatewayAttachment,
    TransitGatewayPropagation, TransitGatewayPropagations, TransitGatewayRoute, TransitGatewayRouteAttachment,
    TransitGatewayRoutes, TransitGatewayVpcAttachment, TransitGatewayVpcAttachmentOptions, VpcPeeringConnection,
    VpnGateway,
};
pub use names::{AWS_RESOLVER, is_region, resolver_address};
pub use resources::{
    BlockPublicAccessStates, CidrAssociation, DhcpConfiguration, DhcpOptions, DhcpValue, DnsEntry, DnsOptions,
    EndpointService, Flag, GroupIdentifier, InstanceTypeOffering, IpPermission, IpRange, Ipv4Prefix, Ipv6Address,
    Ipv6Association, Ipv6Prefix, Ipv6Range, NetworkInterface, NetworkInterfaceAssociation, NetworkInterfaceAttachment,
    PrefixList, PrefixListRef, PrivateDnsName, PrivateIpAddress, Route, RouteTable, RouteTableAssociation,
    SecurityGroup, ServiceType, Subnet, Tag, UserIdGroupPair, Vpc, VpcAttributes, VpcEndpoint, tags_of,
};
pub use roles::{
    AttachedPolicy, BoundaryDecision, EvaluationResult, ManagedPolicy, NamedPolicy, OrganizationsDecision,
    PermissionsBoundary, PoliciesOfRole, PolicyVersion, ResourceResult, RoleDetail, RolePolicy, RoleSimulation, Roles,
    UnseenCause, UnseenRole,
};
pub use routes::{RouteDestination, RouteTarget};
pub use unread::Unread;
pub use vpc::VpcSnapshot;
pub use words::{
    AddressType, AttachmentState, AvailabilityMode, ClosedSet, ConnectivityType, DeliveryStatus, EndpointState,
    EndpointType, InterfaceType, InternetGatewayBlockMode, NatGatewayState, PeeringState, RouteState, RuleAction,
    ServiceOwner, SimulatedDecision, Stage, Switch, Tenancy, TransitAttachmentState, TransitResource,
    TransitRouteState, TransitRouteType, Word,
};

use std::collections::BTreeSet;

use crate::types::{AccountId, Region, TAG_CLUSTER, VpcId};

/// One account and region as it was seen.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Snapshot {
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// The region, where it is known.
    pub region: Option<Region>,
    /// `describe-vpcs`.
    pub vpcs: Vec<Vpc>,
    /// `describe-vpc-attribute`, both attributes of each VPC.
    pub vpc_attributes: Vec<VpcAttributes>,
    /// `describe-subnets`.
    pub subnets: Vec<Subnet>,
    /// `describe-route-tables`.
    pub route_tables: Vec<RouteTable>,
    /// `describe-security-groups`.
    pub security_groups: Vec<SecurityGroup>,
    /// `describe-vpc-endpoints`.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// `describe-network-interfaces`.
    pub network_interfaces: Vec<NetworkInterface>,
    /// `describe-dhcp-options`.
    pub dhcp_options: Vec<DhcpOptions>,
    /// `describe-prefix-lists`: those of AWS's gateway services.
    pub prefix_lists: Vec<PrefixList>,
    /// `describe-vpc-endpoint-services`.
    pub endpoint_services: Vec<EndpointService>,
    /// `describe-network-acls`. Each VPC has at least its default one: where
    /// there is none, they were not looked at.
    pub network_acls: Vec<NetworkAcl>,
    /// `describe-nat-gateways`.
    pub nat_gateways: Vec<NatGateway>,
    /// `describe-internet-gateways`.
    pub internet_gateways: Vec<InternetGateway>,
    /// `describe-vpc-peering-connections`.
    pub vpc_peering_connections: Vec<VpcPeeringConnection>,
    /// `describe-transit-gateways`.
    pub transit_gateways: Vec<TransitGateway>,
    /// `describe-transit-gateway-attachments`: all kinds, with the route tables
    /// that they are associated with.
    pub transit_gateway_attachments: Vec<TransitGatewayAttachment>,
    /// `describe-transit-gateway-vpc-attachments`: those of VPCs, with their
    /// subnets.
    pub transit_gateway_vpc_attachments: Vec<TransitGatewayVpcAttachment>,
    /// `search-transit-gateway-routes`, all routes of each table.
    pub transit_gateway_routes: Vec<TransitGatewayRoutes>,
    /// The same, the static routes of each table alone.
    pub transit_gateway_static_routes: Vec<TransitGatewayRoutes>,
    /// `get-transit-gateway-route-table-propagations`, of each table.
    pub transit_gateway_propagations: Vec<TransitGatewayPropagations>,
    /// `describe-vpn-gateways`: virtual private gateways.
    pub vpn_gateways: Vec<VpnGateway>,
    /// `describe-addresses`: elastic IP addresses that carry our tags.
    pub addresses: Vec<Address>,
    /// `describe-flow-logs`.
    pub flow_logs: Vec<FlowLog>,
    /// `describe-network-interface-permissions`.
    pub network_interface_permissions: Vec<NetworkInterfacePermission>,
    /// `describe-instance-type-offerings` by zone, of the types that profiles
    /// name.
    pub instance_type_offerings: Vec<InstanceTypeOffering>,
    /// What SageMaker said runs, if it was asked.
    pub consumers: Vec<Consumer>,
    /// Buckets that were asked for, each with its policy.
    pub buckets: Vec<Bucket>,
    /// `RoleDetailList` of `get-account-authorization-details`: execution roles.
    pub roles: Vec<RoleDetail>,
    /// `Policies` of `get-account-authorization-details`: what they are given.
    pub managed_policies: Vec<ManagedPolicy>,
    /// `simulate-principal-policy`, for each role.
    pub role_simulations: Vec<RoleSimulation>,
    /// Roles that were looked for and not seen.
    pub unseen_roles: Vec<UnseenRole>,
    /// What was there and could not be read.
    pub unread: Vec<Unread>,
    /// The lists that nobody looked at: of what would be in them nothing is known.
    pub missing: BTreeSet<files::FileKind>,
}

impl Snapshot {
    /// What planning for `vpc_id` needs, or `None` if no such VPC was seen.
    pub fn vpc(&self, vpc_id: &VpcId) -> Option<VpcSnapshot> {
        Some(VpcSnapshot::cut(self, vpc_id)?.joined_to(&[self]))
    }

    /// The ids of clusters that tags name as what made things.
    pub fn clusters(&self) -> impl Iterator<Item = &str> {
        let tags = (self.vpcs.iter().map(|found| &found.tags))
            .chain(self.subnets.iter().map(|found| &found.tags))
            .chain(self.route_tables.iter().map(|found| &found.tags))
            .chain(self.security_groups.iter().map(|found| &found.tags))
            .chain(self.vpc_endpoints.iter().map(|found| &found.tags))
            .chain(self.network_acls.iter().map(|found| &found.tags))
            .chain(self.nat_gateways.iter().map(|found| &found.tags))
            .chain(self.addresses.iter().map(|found| &found.tags))
            .chain(self.flow_logs.iter().map(|found| &found.tags));
        tags.flatten()
            .filter(|tag| tag.key == TAG_CLUSTER)
            .map(|tag| tag.value.as_str())
    }

    /// The same with what was seen of roles, which IAM tells and not EC2.
    pub fn with_roles(self, roles: Roles) -> Self {
        Self {
            roles: roles.details.into_values().collect(),
            managed_policies: roles.managed_policies.into_values().collect(),
            role_simulations: roles.simulations.into_values().collect(),
            unseen_roles: roles.unseen.into_values().collect(),
            ..self
        }
    }

    /// What was seen of roles. Simulations for other regions are left out.
    pub fn roles(&self) -> Roles {
        let is_ours = |simulation: &&RoleSimulation| simulation.region.is_none() || simulation.region == self.region;
        Roles {
            details: self.roles.iter().map(|role| (role.arn.clone(), role.clone())).collect(),
            managed_policies: self
                .managed_policies
                .iter()
                .map(|policy| (policy.arn.clone(), policy.clone()))
                .collect(),
            simulations: self
                .role_simulations
                .iter()
                .filter(is_ours)
                .map(|simulation| (simulation.policy_source_arn.clone(), simulation.clone()))
                .collect(),
            unseen: self
                .unseen_roles
                .iter()
                .map(|role| (role.arn.clone(), role.clone()))
                .collect(),
        }
    }
}
