//! What can be done to AWS, as values.

mod call;
mod gives;
mod planned;
mod words;

use std::fmt;

use ipnet::IpNet;
use serde::Serialize;

pub use planned::{ActionId, CutOff, Disruption, PlannedAction, Priority, Serves};
pub use words::Deed;

use crate::types::{
    AclEntry, AllocationId, Direction, Exemption, FlowLogId, FlowLogSettings, IpAddressType, NatGatewayId,
    NetworkAclId, Region, ResourceKey, RouteTableId, Rule, SecurityGroupId, SubnetId, Tags, VpcEndpointId, VpcId,
};
use iam_policy::PolicyDocument;

/// A resource that an action works on: one that is there, or one that an
/// earlier action of the same plan makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Target<Id> {
    /// It has this id.
    Existing(Id),
    /// It is made by the action with this key.
    Made(ResourceKey),
}

impl<Id: fmt::Display> fmt::Display for Target<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing(id) => write!(f, "{id}"),
            Self::Made(key) => write!(f, "{key}"),
        }
    }
}

/// A DNS attribute of a VPC.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum DnsAttribute {
    /// AWS resolves names for the VPC.
    EnableDnsSupport,
    /// Instances get names; private DNS of endpoints needs it.
    EnableDnsHostnames,
}

impl fmt::Display for DnsAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EnableDnsSupport => "enableDnsSupport",
            Self::EnableDnsHostnames => "enableDnsHostnames",
        })
    }
}

/// One change to AWS. Each is one call, or calls that EC2 limits to one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Action {
    /// Turns a DNS attribute on.
    ModifyVpcAttribute {
        /// The VPC.
        vpc: VpcId,
        /// The attribute.
        attribute: DnsAttribute,
    },
    /// Makes a security group, which starts with EC2's own rule that lets
    /// everything out.
    CreateSecurityGroup {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// Its name.
        name: String,
        /// What it says of itself.
        description: String,
        /// Its tags.
        tags: Tags,
    },
    /// Adds rules of one direction to a group.
    AuthorizeSecurityGroup {
        /// The group.
        group: Target<SecurityGroupId>,
        /// The direction of all the rules.
        direction: Direction,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Takes rules of one direction off a group.
    RevokeSecurityGroup {
        /// The group.
        group: Target<SecurityGroupId>,
        /// The direction of all the rules.
        direction: Direction,
        /// The rules.
        rules: Vec<Rule>,
    },
    /// Deletes a group.
    DeleteSecurityGroup {
        /// The group.
        id: SecurityGroupId,
    },
    /// Makes a gateway endpoint.
    CreateVpcEndpoint {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// The service, as DescribeVpcEndpointServices names it.
        service_name: String,
        /// The tables that lead to it.
        route_tables: Vec<RouteTableId>,
        /// What may be reached through it.
        policy: PolicyDocument,
        /// Its tags.
        tags: Tags,
    },
    /// Changes a gateway endpoint, everything in one call.
    ModifyVpcEndpoint {
        /// The endpoint.
        id: VpcEndpointId,
        /// Its new policy, if that changes.
        policy: Option<PolicyDocument>,
        /// Tables to lead to it.
        add_route_tables: Vec<RouteTableId>,
        /// Tables to lead to it no longer.
        remove_route_tables: Vec<RouteTableId>,
    },
    /// Makes an interface endpoint.
    CreateInterfaceEndpoint {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// The service, as DescribeVpcEndpointServices names it.
        service_name: String,
        /// Where it gets an interface: one subnet in each zone.
        subnets: Vec<SubnetId>,
        /// The security groups of its interfaces.
        groups: Vec<Target<SecurityGroupId>>,
        /// Whether the service's own name is to lead to it in the whole VPC.
        private_dns: bool,
        /// What it can be reached by; EC2's choice where `None`.
        ip_address_type: Option<IpAddressType>,
        /// What may be reached through it; everything where `None`.
        policy: Option<PolicyDocument>,
        /// Its tags.
        tags: Tags,
    },
    /// Changes an interface endpoint, everything in one call.
    ModifyInterfaceEndpoint {
        /// The endpoint.
        id: VpcEndpointId,
        /// Its new policy, if that changes.
        policy: Option<PolicyDocument>,
        /// Subnets in which it gets an interface.
        add_subnets: Vec<SubnetId>,
        /// Subnets in which it loses its interface.
        remove_subnets: Vec<SubnetId>,
        /// Security groups to put on its interfaces.
        add_groups: Vec<Target<SecurityGroupId>>,
        /// Security groups to take off them.
        remove_groups: Vec<SecurityGroupId>,
        /// Whether the service's own name leads to it, if that changes.
        private_dns: Option<bool>,
        /// What it can be reached by, if that changes.
        ip_address_type: Option<IpAddressType>,
    },
    /// Deletes an endpoint of either kind.
    DeleteVpcEndpoint {
        /// The endpoint.
        id: VpcEndpointId,
    },
    /// Gets an elastic IP address. EC2 has no client token for it.
    AllocateAddress {
        /// What it is for.
        key: ResourceKey,
        /// Its tags.
        tags: Tags,
    },
    /// Gives an elastic IP address back.
    ReleaseAddress {
        /// The address.
        id: AllocationId,
    },
    /// Makes a public NAT gateway.
    CreateNatGateway {
        /// What it is for.
        key: ResourceKey,
        /// Its public subnet.
        subnet: SubnetId,
        /// Its elastic IP address.
        address: Target<AllocationId>,
        /// Its tags.
        tags: Tags,
    },
    /// Deletes a NAT gateway. Its routes stay, as blackholes.
    DeleteNatGateway {
        /// The NAT gateway.
        id: NatGatewayId,
    },
    /// Adds a route to a NAT gateway.
    CreateRoute {
        /// The route table.
        table: RouteTableId,
        /// What it leads to.
        destination: IpNet,
        /// By which way.
        nat_gateway: Target<NatGatewayId>,
    },
    /// Turns a route that is there to a NAT gateway.
    ReplaceRoute {
        /// The route table.
        table: RouteTableId,
        /// What it leads to.
        destination: IpNet,
        /// By which way.
        nat_gateway: Target<NatGatewayId>,
    },
    /// Takes a route away.
    DeleteRoute {
        /// The route table.
        table: RouteTableId,
        /// What it led to.
        destination: IpNet,
    },
    /// Adds a rule to a network ACL.
    CreateNetworkAclEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The rule.
        entry: AclEntry,
    },
    /// Puts a rule in place of the one with the same number and direction.
    ReplaceNetworkAclEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// The rule.
        entry: AclEntry,
    },
    /// Takes a rule off a network ACL.
    DeleteNetworkAclEntry {
        /// The ACL.
        acl: NetworkAclId,
        /// Its direction.
        direction: Direction,
        /// Its number.
        rule_number: u16,
    },
    /// Makes a flow log. It cannot be changed afterwards.
    CreateFlowLogs {
        /// What it is for.
        key: ResourceKey,
        /// The VPC or subnet whose traffic it records.
        resource: String,
        /// How.
        settings: FlowLogSettings,
        /// Its tags.
        tags: Tags,
    },
    /// Deletes a flow log.
    DeleteFlowLogs {
        /// The flow log.
        id: FlowLogId,
    },
    /// Changes whom our statement in a bucket's policy admits, and leaves the
    /// rest of the policy as it is then. The statement comes with the first
    /// endpoint and goes with the last, and the policy with it where it held
    /// nothing else.
    PutBucketPolicy {
        /// The bucket's name.
        bucket: String,
        /// Its region.
        region: Region,
        /// Endpoints to admit.
        add_endpoints: Vec<Target<VpcEndpointId>>,
        /// Endpoints to admit no longer.
        remove_endpoints: Vec<VpcEndpointId>,
        /// Exemptions to make.
        add_exemptions: Vec<Exemption>,
        /// Exemptions to make no longer.
        remove_exemptions: Vec<Exemption>,
    },
    /// Puts an inline policy of ours on an execution role.
    PutRolePolicy {
        /// What it is for.
        key: ResourceKey,
        /// The role's ARN.
        role: String,
        /// The policy's name.
        name: String,
        /// What it allows.
        policy: PolicyDocument,
        /// Whether there is one of this name, which it replaces.
        replaces: bool,
    },
    /// Takes an inline policy of ours off an execution role.
    DeleteRolePolicy {
        /// The role's ARN.
        role: String,
        /// The policy's name.
        name: String,
    },
    /// Sets tags.
    CreateTags {
        /// Any resource's id.
        resource: String,
        /// The tags to set.
        tags: Tags,
    },
    /// Takes tags off.
    DeleteTags {
        /// Any resource's id.
        resource: String,
        /// The keys of the tags.
        keys: Vec<String>,
    },
}
