//! `SageMakerVpc`: the platform team's half.

use std::{collections::BTreeMap, fmt};

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Discovery, FlowLogs, Grants, InterfaceEndpoints, Internet, NetworkAcls, Prices, SageMakerVpcStatus,
    bounds::PRINTABLE,
};
use crate::types::{Region, VpcId};

/// A VPC that SageMaker workloads run in, and what may be done to it on their
/// behalf. Written by whoever owns the network.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "sagevpc.dev",
    version = "v1alpha1",
    kind = "SageMakerVpc",
    plural = "sagemakervpcs",
    shortname = "smvpc",
    category = "sagevpc",
    status = "SageMakerVpcStatus",
    derive = "PartialEq",
    doc = "A VPC that SageMaker workloads run in, and what may be done to it on their behalf. Written by whoever owns the network; teams refer to it from a SageMakerVpcProfile.",
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters, for it becomes part of AWS tags: choose a shorter name"),
    printcolumn(name = "VPC", type_ = "string", json_path = ".spec.vpcId"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Workloads", type_ = "string", json_path = ".status.workloads", description = "Workloads that can run, of all that profiles declare"),
    printcolumn(name = "Drift", type_ = "integer", json_path = ".status.drift.open", description = "Differences between AWS and what is declared that are there now"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.managementPolicy", priority = 1),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SageMakerVpcSpec {
    /// The AWS region of the VPC, such as us-east-1. Cannot be changed.
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.region cannot be changed: delete this SageMakerVpc and create one for the other region"))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')").message("spec.region must be a region's code, such as us-east-1"))]
    #[schemars(length(min = 1, max = 32))]
    pub region: Region,

    /// The id of the VPC. Cannot be changed.
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.vpcId cannot be changed: delete this SageMakerVpc and create one for the other VPC"))]
    #[x_kube(validation = Rule::new("self.matches('^vpc-([0-9a-f]{8}|[0-9a-f]{17})$')").message("spec.vpcId must be a VPC's id, such as vpc-0123456789abcdef0; `aws ec2 describe-vpcs` lists them"))]
    #[schemars(length(min = 1, max = 32))]
    pub vpc_id: VpcId,

    /// How to reach the account that owns the VPC. Without it, the
    /// controller's own AWS credentials are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,

    /// Enforce makes AWS match what is declared. Observe changes nothing in
    /// AWS, not even on deletion, and reports what Enforce would do.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What becomes of the resources made here when they are no longer needed
    /// or this object is deleted: Delete removes them, Retain leaves them in
    /// place and takes sagevpc's tags off.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Which changes wait until a person approves them. Disruptive: those that
    /// can change or cut the traffic of network interfaces that are not
    /// SageMaker's. All: every change. None: no change waits.
    #[serde(default)]
    pub approval: Approval,

    /// The digest of the held changes that are approved, copied from
    /// status.plan.held.digest. Approves exactly those changes and no later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub approved_plan: Option<String>,

    /// Takes over what another cluster with the same id made, which is gone for
    /// good: the UID of its namespace kube-system, as the message of the reason
    /// ClusterIdTaken gives it. If that cluster lives, it stops working on this
    /// VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = PRINTABLE))]
    pub take_over_from: Option<String>,

    /// Stops all changes to AWS while true, deletions included. Status is
    /// still kept up to date.
    #[serde(default)]
    pub paused: bool,

    /// How often AWS is compared with what is declared, such as 60s or 5m.
    /// From 5 seconds to 24 hours.
    #[serde(default = "default_resync_interval")]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,5}(h|m|s)){1,3}$') && duration(self) >= duration('5s') && duration(self) <= duration('24h')").message("spec.resyncInterval must be a duration from 5s to 24h, such as 60s, 5m or 1h30m"))]
    #[schemars(length(min = 2, max = 18))]
    pub resync_interval: String,

    /// How long what a profile brought about stays when the profile is gone and
    /// was not seen to be deleted, such as 10m or 1h: a cluster that is rebuilt,
    /// or restored from a backup, has its SageMakerVpcs before its profiles.
    /// From 0s to 24 hours. A profile that is deleted is not waited for.
    #[serde(default = "default_absent_profile_grace_period")]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,5}(h|m|s)){1,3}$') && duration(self) <= duration('24h')").message("spec.absentProfileGracePeriod must be a duration from 0s to 24h, such as 10m or 1h"))]
    #[schemars(length(min = 2, max = 18))]
    pub absent_profile_grace_period: String,

    /// Whose profiles may refer to this VPC. Without it, none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,

    /// The subnets offered to profiles. Without it, none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("!has(self.ids) || self.ids.all(id, id.startsWith('subnet-'))").message("spec.subnets.ids takes ids of subnets, such as subnet-0123456789abcdef0"))]
    pub subnets: Option<Selection>,

    /// The route tables that the S3 gateway endpoint may be put on, and that may
    /// get a default route to a NAT gateway made here. Without it, those of the
    /// subnets in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("!has(self.ids) || self.ids.all(id, id.startsWith('rtb-'))").message("spec.routeTables.ids takes ids of route tables, such as rtb-0123456789abcdef0"))]
    pub route_tables: Option<Selection>,

    /// The VPC's gateway endpoint for S3.
    #[serde(default)]
    pub s3: S3Endpoint,

    /// Enforce turns DNS support and DNS host names of the VPC on where they
    /// are off (and never off again). Verify only reports them.
    #[serde(default)]
    pub dns: Dns,

    /// Services that get an interface endpoint, besides those that profiles
    /// need: short names such as sagemaker.api, ecr.dkr or logs, or full ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(name, name.matches('^[a-z0-9][A-Za-z0-9._-]*$'))").message("spec.services takes names of AWS services, such as sagemaker.api, logs, or com.amazonaws.us-east-1.logs"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    pub services: Vec<String>,

    /// How interface endpoints are made.
    #[serde(default)]
    pub interface_endpoints: InterfaceEndpoints,

    /// The way out of the VPC.
    #[serde(default)]
    pub internet: Internet,

    /// The network ACLs of the subnets in use.
    #[serde(default)]
    pub network_acls: NetworkAcls,

    /// Flow logs to make and keep. Without it, none are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_logs: Option<FlowLogs>,

    /// Prices that count in the place of AWS's list prices, or where these are
    /// not known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,

    /// The most that interface endpoints and NAT gateways made here, with their
    /// public addresses, may cost in a month, in US dollars at list prices and
    /// without the traffic. What would go beyond it is not made, nor what has
    /// no known price: see prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000000))]
    pub max_monthly_cost: Option<u32>,

    /// Whether what runs in the VPC is looked for with SageMaker's API.
    #[serde(default)]
    pub discovery: Discovery,

    /// What cannot be judged from outside and is taken to work all the same.
    /// Without it, what cannot be judged keeps workloads from being ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 8))]
    pub accept_unknown: Vec<AcceptUnknown>,

    /// Tags for everything that is made here, besides sagevpc's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = Rule::new("self.all(k, k.size() >= 1 && k.size() <= 128 && !k.startsWith('aws:') && !k.startsWith('sagevpc.dev/'))").message("spec.tags: keys have 1 to 128 characters and start with neither aws: nor sagevpc.dev/, which are reserved"))]
    #[schemars(schema_with = "tags_schema")]
    pub tags: BTreeMap<String, String>,

    /// Ids of VPC endpoints (vpce-…) and security groups (sg-…) that were
    /// there before and are to be managed from now on. In the end they are
    /// released, never deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(id, id.matches('^(vpce|sg)-([0-9a-f]{8}|[0-9a-f]{17})$'))").message("spec.adopt takes ids of VPC endpoints (vpce-…) and security groups (sg-…)"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 32)))]
    pub adopt: Vec<String>,

    /// What profiles may name. Without it, nothing.
    #[serde(default)]
    pub grants: Grants,
}

fn default_resync_interval() -> String {
    "60s".to_owned()
}

fn default_absent_profile_grace_period() -> String {
    "10m".to_owned()
}

fn tags_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 20,
        "additionalProperties": { "type": "string", "maxLength": 256 },
    })
}

/// How to reach the accounts behind a VPC.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The role to assume for everything in the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<AssumedRole>,
    /// The role to assume for what is the workloads': their security groups in
    /// a shared VPC, execution roles, buckets and SageMaker itself. Without it,
    /// that of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<AssumedRole>,
}

/// A role to assume through AWS STS.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssumedRole {
    /// The role's ARN.
    #[x_kube(validation = Rule::new("self.matches('^arn:[a-z-]+:iam::[0-9]{12}:role/.+$')").message("roleArn must be a role's ARN, such as arn:aws:iam::111122223333:role/sagevpc"))]
    #[schemars(length(min = 20, max = 2048))]
    pub role_arn: String,
    /// The external id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224))]
    pub external_id: Option<String>,
}

/// Whether AWS is changed.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum ManagementPolicy {
    /// AWS is made to match what is declared.
    #[default]
    Enforce,
    /// Nothing is changed; the status says what Enforce would do.
    Observe,
}

/// What becomes of resources that are no longer needed.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum DeletionPolicy {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay, without sagevpc's tags.
    Retain,
}

/// Which changes wait for a person.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Approval {
    /// None waits.
    None,
    /// Those wait that can change or cut the traffic of network interfaces
    /// that are not SageMaker's.
    #[default]
    Disruptive,
    /// Every change waits.
    All,
}

/// Whether DNS attributes of the VPC are repaired.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Dns {
    /// They are turned on where they are off.
    #[default]
    Enforce,
    /// They are only reported.
    Verify,
}

/// Something that cannot be judged from outside.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(inline)]
pub enum AcceptUnknown {
    /// DNS servers other than AWS's own, named in the VPC's DHCP options.
    CustomResolver,
    /// What lies behind a transit gateway or a core network.
    TransitGateway,
    /// What a firewall or another appliance on the way lets through.
    Firewall,
    /// What only the owner of a shared VPC sees: the policy and state of its
    /// endpoints.
    SharedVpc,
    /// What lies behind a peering connection, or a virtual private, local or
    /// carrier gateway.
    Peering,
    /// What a bucket's policy makes hang on who asks and how.
    BucketPolicy,
}

impl AcceptUnknown {
    /// The word as users write and read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CustomResolver => "CustomResolver",
            Self::TransitGateway => "TransitGateway",
            Self::Firewall => "Firewall",
            Self::SharedVpc => "SharedVpc",
            Self::Peering => "Peering",
            Self::BucketPolicy => "BucketPolicy",
        }
    }
}

impl fmt::Display for AcceptUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose profiles may refer to the VPC: those of namespaces with certain
/// labels, or of all.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("has(self.from) != has(self.selector)").message("spec.allowedNamespaces takes either from: All or a selector"))]
pub struct AllowedNamespaces {
    /// All namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NamespacesFrom>,
    /// Namespaces with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Namespaces named by a word.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum NamespacesFrom {
    /// Every namespace.
    All,
}

/// Namespaces chosen by their labels.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that the namespace must carry, all of them.
    #[x_kube(validation = Rule::new("self.all(k, k.size() <= 317 && k.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$'))").message("selector.matchLabels takes keys of labels, such as team or sagevpc.dev/vpc, of 317 characters at most"))]
    #[x_kube(validation = Rule::new("self.all(k, self[k].matches('^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$'))").message("selector.matchLabels takes values of labels: letters, digits, and between them hyphens, underscores and dots"))]
    #[schemars(schema_with = "labels_schema")]
    pub match_labels: BTreeMap<String, String>,
}

fn labels_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 16,
        "additionalProperties": { "type": "string", "maxLength": 63 },
    })
}

/// Things of AWS chosen by their ids or by their tags.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("has(self.ids) != has(self.selector)").message("give either ids or a selector of tags"))]
pub struct Selection {
    /// These ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.all(id, id.matches('^(subnet|rtb)-([0-9a-f]{8}|[0-9a-f]{17})$'))").message("an id ends in 8 or 17 hexadecimal digits, such as subnet-0123456789abcdef0 or rtb-0123456789abcdef0"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 32)))]
    pub ids: Option<Vec<String>>,
    /// Those with these tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<TagSelector>,
}

/// Things of AWS chosen by their tags.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TagSelector {
    /// Tags that must be there, all of them. An empty value admits any value.
    #[x_kube(validation = Rule::new("self.all(k, k.size() >= 1 && k.size() <= 128)").message("the keys of tags have 1 to 128 characters"))]
    #[schemars(schema_with = "selector_schema")]
    pub tags: BTreeMap<String, String>,
}

fn selector_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 16,
        "additionalProperties": { "type": "string", "maxLength": 256 },
    })
}

/// The VPC's gateway endpoint for S3.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct S3Endpoint {
    /// What may be reached through it.
    #[serde(default)]
    pub policy: S3EndpointPolicy,
}

/// The policy of the S3 gateway endpoint.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("(self.type == 'Custom') == has(self.document)").message("spec.s3.policy.document goes with type: Custom, and type: Custom needs it"))]
pub struct S3EndpointPolicy {
    /// FullAccess: everything. Buckets: only the buckets that profiles name,
    /// and what SageMaker itself reads. Custom: the document given.
    #[serde(rename = "type", default)]
    pub type_: EndpointPolicyType,
    /// The policy document, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 20480))]
    pub document: Option<String>,
}

/// How the policy of the S3 gateway endpoint is made.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum EndpointPolicyType {
    /// Everything is allowed.
    #[default]
    FullAccess,
    /// Only the buckets that profiles name, and what SageMaker itself reads.
    Buckets,
    /// The document given.
    Custom,
}
