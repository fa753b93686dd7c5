//! The parts of a `SageMakerVpc` that say what the network offers besides S3.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selection;
use crate::types::{IpAddressType, LogDestinationType, TrafficType};

/// How the VPC's interface endpoints are made.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceEndpoints {
    /// Which services get one. Always: each that profiles need. WhereNoWayOut:
    /// only what workloads do not reach from each of their subnets by a way out,
    /// such as a NAT gateway; the security groups that are made for them then
    /// let out HTTPS to any address. What spec.services names gets one in either
    /// mode.
    #[serde(default)]
    pub mode: InterfaceEndpointMode,
    /// Whom their security group admits on port 443. VpcCidrs: everyone in the
    /// VPC, for private DNS sends everyone there. Profiles: only the security
    /// groups of profiles.
    #[serde(default)]
    pub admit: Admit,
    /// What they can be reached by. Without it, EC2 follows the subnets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<IpAddressType>,
    /// Policies of single endpoints. Without one, an endpoint lets everything
    /// through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["service".into()]))]
    #[schemars(length(max = 4))]
    pub policies: Vec<InterfaceEndpointPolicy>,
}

/// Which services get interface endpoints.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum InterfaceEndpointMode {
    /// Each that profiles need.
    #[default]
    Always,
    /// Those that no way out leads to.
    WhereNoWayOut,
}

/// The policy of an interface endpoint.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterfaceEndpointPolicy {
    /// The service, by its short or its full name.
    #[schemars(length(min = 1, max = 128))]
    pub service: String,
    /// The policy document, as JSON text.
    #[schemars(length(min = 2, max = 20480))]
    pub document: String,
}

/// Whom the security group of interface endpoints admits.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Admit {
    /// Every address of the VPC.
    #[default]
    VpcCidrs,
    /// The security groups of profiles.
    Profiles,
}

/// The way out of the VPC.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.mode == 'ManagedNat' || !has(self.publicSubnets)").message("spec.internet.publicSubnets goes with mode: ManagedNat; remove it here"))]
#[x_kube(validation = Rule::new("self.natGateways != 'Regional' || !has(self.publicSubnets)").message("a regional NAT gateway is in no subnet: remove spec.internet.publicSubnets, or choose natGateways PerZone or Single"))]
pub struct Internet {
    /// None: profiles may name no destination outside. Existing: the way out
    /// that is there is used and judged. ManagedNat: public NAT gateways are
    /// made and kept, with elastic IP addresses and default routes, as long as
    /// a profile in effect names destinations. A default route that is there
    /// already is never replaced: it is used and judged.
    #[serde(default)]
    pub mode: InternetMode,
    /// Which NAT gateways are made: one in each zone of the private subnets, one
    /// in one zone for all, or a regional one. Where it changes, new ones are made
    /// and the routes turned to them before the old ones and their addresses go.
    #[serde(default)]
    pub nat_gateways: NatGateways,
    /// The public subnets that NAT gateways may be put in: their route tables
    /// must lead to an internet gateway. Without it, any such subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_subnets: Option<Selection>,
}

/// Whether there is a way out of the VPC, and whose.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum InternetMode {
    /// None is wanted.
    #[default]
    None,
    /// That which is there.
    Existing,
    /// NAT gateways that are made and kept.
    ManagedNat,
}

/// Which NAT gateways are made.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum NatGateways {
    /// One in each zone that has a private subnet in use.
    #[default]
    PerZone,
    /// One for all, in one zone.
    Single,
    /// A regional one, which is in every zone that has network interfaces. It
    /// takes no public subnet and no elastic IP address of ours, for AWS gives
    /// it addresses; the VPC needs an internet gateway. It costs for each zone.
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
    Regional,
}

/// The network ACLs of the subnets in use.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAcls {
    /// Verify: one that stops needed traffic is reported, with the rules that
    /// it lacks; nothing is changed, and rules that Enforce added stay. Enforce:
    /// these rules are added, and taken away once nothing needs them.
    #[serde(default)]
    pub mode: NetworkAclMode,
    /// The first number of the rules that are added, counting up to 99 above.
    /// Rules of others under these numbers are left alone, and ours get other
    /// ones; where the number changes, ours move.
    #[serde(default = "first_rule_number")]
    #[schemars(range(min = 1, max = 32600))]
    pub first_rule_number: u16,
}

impl Default for NetworkAcls {
    fn default() -> Self {
        Self {
            mode: NetworkAclMode::default(),
            first_rule_number: first_rule_number(),
        }
    }
}

fn first_rule_number() -> u16 {
    30_000
}

/// Whether rules are added to network ACLs.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum NetworkAclMode {
    /// They are only reported.
    #[default]
    Verify,
    /// They are added where they are missing.
    Enforce,
}

/// Flow logs: records of the traffic in the VPC. The fields are those of EC2's
/// CreateFlowLogs.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.logDestinationType != 'cloud-watch-logs' || has(self.deliverLogsPermissionArn)").message("spec.flowLogs.deliverLogsPermissionArn names the role that writes to the log group: logDestinationType cloud-watch-logs needs it"))]
#[x_kube(validation = Rule::new("self.logDestinationType != 's3' || !has(self.deliverLogsPermissionArn)").message("spec.flowLogs.deliverLogsPermissionArn goes with logDestinationType cloud-watch-logs; remove it here"))]
pub struct FlowLogs {
    /// Whether one flow log records the whole VPC, or one each subnet in use.
    #[serde(default)]
    pub resource_type: FlowLogResourceType,
    /// Which traffic is recorded.
    #[serde(default)]
    pub traffic_type: TrafficType,
    /// Where the records go.
    pub log_destination_type: LogDestinationType,
    /// The ARN of the bucket, which may be followed by a prefix, or of the log
    /// group.
    #[x_kube(validation = Rule::new("self.matches('^arn:[a-z-]+:(s3|logs):.+$')").message("spec.flowLogs.logDestination is the ARN of a bucket or log group, such as arn:aws:s3:::my-logs/prefix or arn:aws:logs:us-east-1:111122223333:log-group:flow-logs"))]
    #[schemars(length(min = 10, max = 1024))]
    pub log_destination: String,
    /// The role that writes to the log group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^arn:[a-z-]+:iam::[0-9]{12}:role/.+$')").message("spec.flowLogs.deliverLogsPermissionArn must be a role's ARN"))]
    #[schemars(length(min = 20, max = 2048))]
    pub deliver_logs_permission_arn: Option<String>,
    /// The fields of a record, such as `${srcaddr} ${dstaddr}`. Without it, EC2's
    /// default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub log_format: Option<String>,
    /// Seconds over which records are gathered: 60 or 600.
    #[serde(default = "aggregation_interval")]
    #[x_kube(validation = Rule::new("self == 60 || self == 600").message("spec.flowLogs.maxAggregationInterval is 60 or 600 seconds"))]
    #[schemars(range(min = 60, max = 600))]
    pub max_aggregation_interval: u32,
}

fn aggregation_interval() -> u32 {
    600
}

/// What a flow log records.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum FlowLogResourceType {
    /// The whole VPC.
    #[default]
    #[serde(rename = "VPC")]
    Vpc,
    /// Each subnet in use by itself.
    Subnet,
}

/// Whether what runs in the VPC is looked for with SageMaker's API.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Discovery {
    /// It is.
    #[default]
    Enabled,
    /// It is not: only network interfaces are counted.
    Disabled,
}
