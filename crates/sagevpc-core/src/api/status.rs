//! The status of a `SageMakerVpc`.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Condition, PackageRepositories,
    bounds::{
        HOLDINGS, MAX_ACL_NUMBERS_IN_FORCE, MAX_ACLS_IN_FORCE, MAX_ACTION_CHANGE, MAX_ACTION_MESSAGE,
        MAX_ACTION_REASON, MAX_ACTION_RESOURCE, MAX_ACTIONS, MAX_APPROVED, MAX_APPROVED_VICTIMS, MAX_BUCKET_ENDPOINTS,
        MAX_BUCKET_EXEMPTIONS, MAX_BUCKETS_IN_FORCE, MAX_CONDITIONS, MAX_CONSUMERS, MAX_COST, MAX_DRIFT_CHANGE,
        MAX_FINGERPRINT, MAX_HELD_MESSAGE, MAX_HOLDINGS, MAX_ID, MAX_LEDGER_ENTRIES, MAX_LEDGER_IDS, MAX_LEDGER_KEY,
        MAX_PROFILES_IN_FORCE, MAX_PURPOSE, MAX_RESOURCES, MAX_ROLE_ARN, MAX_ROLES, MAX_VICTIM, PRINTABLE,
    },
    condition::time_schema,
};
use crate::types::{AccountId, Holdings, NetworkAclId, ProfileKey, SecurityGroupId, SubnetId, VpcEndpointId};

/// What is known about a VPC.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SageMakerVpcStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Each concern, Ready first.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = MAX_CONDITIONS))]
    pub conditions: Vec<Condition>,
    /// Workloads that can run, of all that profiles declare, such as 5/6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24))]
    pub workloads: Option<String>,
    /// The profiles that refer to this VPC.
    #[serde(default)]
    pub profiles: ProfilesStatus,
    /// What serves the workloads in AWS.
    #[serde(default)]
    #[schemars(length(max = MAX_RESOURCES))]
    pub resources: Vec<ResourceStatus>,
    /// How many resources are not listed for lack of room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_truncated: Option<u32>,
    /// What SageMaker runs in the VPC.
    #[serde(default)]
    pub consumers: ConsumersStatus,
    /// What would be, is being or waits to be approved to be done.
    #[serde(default)]
    pub plan: PlanStatus,
    /// Differences between AWS and what is declared.
    #[serde(default)]
    pub drift: DriftStatus,
    /// What is in force, so that a contradiction never weakens it.
    #[serde(default)]
    pub in_force: InForce,
    /// Creations, written ahead, so that a crash leaves nothing twice.
    #[serde(default)]
    pub ledger: LedgerStatus,
}

/// The profiles that refer to a VPC, counted by state, with the first of each.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfilesStatus {
    /// All of them.
    pub total: u32,
    /// Those whose workloads can all run.
    pub ready: u32,
    /// Those that were accepted and are not ready.
    pub not_ready: u32,
    /// Those that were not accepted.
    pub refused: u32,
    /// The first that is not ready, as namespace/name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub first_not_ready: Option<String>,
    /// The first that was not accepted, as namespace/name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub first_refused: Option<String>,
}

/// What SageMaker runs in a VPC.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumersStatus {
    /// SageMaker's network interfaces in the VPC.
    pub network_interfaces: u32,
    /// What was found to run there: endpoints, jobs, notebook instances and
    /// domains.
    pub total: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_CONSUMERS))]
    pub listed: Vec<ConsumerStatus>,
}

/// Something of SageMaker's that runs in a VPC.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerStatus {
    /// What it is, such as endpoint or training job.
    #[schemars(length(max = 32))]
    pub kind: String,
    /// Its name; a domain's id.
    #[schemars(length(max = 63))]
    pub name: String,
    /// How many instances it runs; 0 where SageMaker does not say.
    pub instances: u32,
    /// Its subnets.
    #[schemars(length(max = 16), inner(length(max = 32)))]
    pub subnets: Vec<SubnetId>,
    /// Its security groups.
    #[schemars(length(max = 10), inner(length(max = 32)))]
    pub security_group_ids: Vec<SecurityGroupId>,
    /// The profile whose subnets and groups these are, as namespace/name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub profile: Option<String>,
}

/// Something in AWS that serves the workloads.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// What it is, such as VpcEndpoint or SecurityGroup.
    #[serde(rename = "type")]
    #[schemars(length(max = 32))]
    pub type_: String,
    /// Its id.
    #[schemars(length(max = MAX_ID), regex(pattern = PRINTABLE))]
    pub id: String,
    /// What it is for.
    #[schemars(length(max = MAX_PURPOSE))]
    pub purpose: String,
    /// Whose it is.
    pub ownership: ResourceOwnership,
}

/// Whose a resource is.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[schemars(inline)]
pub enum ResourceOwnership {
    /// Made, kept and in the end deleted by sagevpc.
    Ours,
    /// Found, kept and in the end released by sagevpc.
    Adopted,
    /// Found and used as it is; never changed.
    Found,
}

/// The plan, as it stood when status was written.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// The changes, in order.
    #[serde(default)]
    #[schemars(length(max = MAX_ACTIONS))]
    pub actions: Vec<ActionStatus>,
    /// How many changes are not listed for lack of room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions_truncated: Option<u32>,
    /// What interface endpoints and NAT gateways made here will cost in a month
    /// once this is done: US dollars at list prices, without the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_COST))]
    pub monthly_cost: Option<String>,
    /// The changes that wait to be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStatus>,
    /// The changes that were approved last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<ApprovedStatus>,
}

/// Changes that were approved. Those of them that could not be made at once
/// need no second approval.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedStatus {
    /// The digest that was approved.
    #[schemars(length(max = 64))]
    pub digest: String,
    /// When. What is not done within a day needs another approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub at: Option<Timestamp>,
    /// Fingerprints of the changes behind it.
    #[schemars(length(max = MAX_APPROVED), inner(length(max = MAX_FINGERPRINT)))]
    pub changes: Vec<String>,
    /// The number of the set of those whom each of them hits; 0 is nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_APPROVED), inner(range(max = 256)))]
    pub hits: Vec<u32>,
    /// Fingerprints of those who are in these sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_APPROVED_VICTIMS), inner(length(max = MAX_VICTIM)))]
    pub victims: Vec<String>,
}

/// One change to AWS.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionStatus {
    /// The EC2 action, such as CreateVpcEndpoint.
    #[schemars(length(max = 64))]
    pub action: String,
    /// What it changes: an id, or what is to be made.
    #[schemars(length(max = MAX_ACTION_RESOURCE))]
    pub resource: String,
    /// What it changes, field by field.
    #[schemars(length(max = MAX_ACTION_CHANGE))]
    pub change: String,
    /// Why.
    #[schemars(length(max = MAX_ACTION_REASON))]
    pub reason: String,
    /// How far it is.
    pub state: ActionState,
    /// What stands in its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_ACTION_MESSAGE))]
    pub message: Option<String>,
}

/// How far a change is.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(inline)]
pub enum ActionState {
    /// It would be made, were it not for Observe or paused.
    Planned,
    /// It waits to be approved.
    Held,
    /// It waits for AWS, or for another change.
    Waiting,
    /// AWS refused it.
    Failed,
    /// It was made; the next look at AWS will tell.
    Done,
}

impl ActionState {
    /// The word as it is written into status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "Planned",
            Self::Held => "Held",
            Self::Waiting => "Waiting",
            Self::Failed => "Failed",
            Self::Done => "Done",
        }
    }
}

/// Changes that wait to be approved.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldStatus {
    /// Copy this into spec.approvedPlan to approve exactly these changes.
    #[schemars(length(max = 64))]
    pub digest: String,
    /// How many changes are held.
    pub count: u32,
    /// What they would do, and to which network interfaces.
    #[schemars(length(max = MAX_HELD_MESSAGE))]
    pub message: String,
}

/// Differences between AWS and what is declared.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// Differences that are there now.
    pub open: u32,
    /// Differences that were repaired since this object was created.
    pub repaired: u64,
    /// When a difference was last found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub last_found: Option<Timestamp>,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DRIFT_CHANGE))]
    pub last_change: Option<String>,
}

/// What is in force in AWS on behalf of profiles.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InForce {
    /// What profiles agreed on for the package repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_repositories: Option<PackageRepositories>,
    /// The account in which things were made for the VPC, noted before the
    /// first: what is seen under another account never counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Likewise the account in which things of the workloads' were made: their
    /// security groups, statements in buckets' policies, inline policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads_account: Option<AccountId>,
    /// Fingerprint of the network that AWS was last seen to match. Differences
    /// from the same network found later are drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub network: Option<String>,
    /// Buckets whose policy we changed, or are about to change: noted before
    /// the change, so that none is forgotten when its profile has gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = MAX_BUCKETS_IN_FORCE))]
    pub buckets: Vec<BucketInForce>,
    /// Rules of network ACLs that we made, or are about to make: noted first, for
    /// they carry no tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["networkAclId".into()]))]
    #[schemars(length(max = MAX_ACLS_IN_FORCE))]
    pub network_acls: Vec<NetworkAclInForce>,
    /// Execution roles that have our inline policy, or are about to get it, so
    /// that it is found again when no profile names them any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ROLES), inner(length(max = MAX_ROLE_ARN)))]
    pub roles: Vec<String>,
    /// Profiles that have effect in AWS, or had and may have again: noted
    /// before anything is made for them. What they brought about goes when they
    /// were seen to be deleted, or have been absent for
    /// spec.absentProfileGracePeriod.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["namespace".into(), "name".into()]))]
    #[schemars(length(max = MAX_PROFILES_IN_FORCE))]
    pub profiles: Vec<ProfileInForce>,
    /// How many more have effect and are not noted for lack of room. While there
    /// are any, nothing goes that they may rely on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiles_truncated: Option<u32>,
    /// When AWS last showed something of ours for the first time that this
    /// status knew nothing of; at first, when this status was begun. A rebuilt
    /// cluster looks like that, and one restored from an old backup: nothing
    /// that profiles may rely on which are still to come goes before
    /// spec.absentProfileGracePeriod is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub since: Option<Timestamp>,
    /// A fingerprint of what was shown so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_HOLDINGS), regex(pattern = HOLDINGS))]
    pub unknown: Option<String>,
}

/// A profile that has effect in AWS, or had and may have again.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileInForce {
    /// The profile's namespace.
    #[schemars(length(min = 1, max = 63), regex(pattern = PRINTABLE))]
    pub namespace: String,
    /// The profile's name.
    #[schemars(length(min = 1, max = 63), regex(pattern = PRINTABLE))]
    pub name: String,
    /// A fingerprint of what it relies on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_HOLDINGS), regex(pattern = HOLDINGS))]
    pub holds: Option<String>,
    /// Since when it has been absent without having been seen to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub absent_since: Option<Timestamp>,
}

impl ProfileInForce {
    /// The profile.
    pub fn key(&self) -> ProfileKey {
        ProfileKey::new(&self.namespace, &self.name)
    }

    /// What it relies on. What cannot be read may have been anything.
    pub fn holdings(&self) -> Holdings {
        let read = |text: &String| text.parse().unwrap_or(Holdings::EVERYTHING);
        self.holds.as_ref().map_or(Holdings::NOTHING, read)
    }
}

/// The rules of a network ACL that are there on account of this VPC, by their
/// numbers.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAclInForce {
    /// The network ACL's id.
    #[schemars(length(min = 1, max = 32))]
    pub network_acl_id: NetworkAclId,
    /// Rules for what comes in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ACL_NUMBERS_IN_FORCE))]
    pub ingress: Vec<u16>,
    /// Rules for what goes out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ACL_NUMBERS_IN_FORCE))]
    pub egress: Vec<u16>,
}

/// What of our statement in a bucket's policy is there on account of this VPC.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketInForce {
    /// The bucket's name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Endpoints that it admits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_BUCKET_ENDPOINTS), inner(length(max = 32)))]
    pub vpc_endpoint_ids: Vec<VpcEndpointId>,
    /// Fingerprints of the exemptions that profiles of this VPC asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_BUCKET_EXEMPTIONS), inner(length(max = MAX_FINGERPRINT)))]
    pub exemptions: Vec<String>,
}

/// Creations, written ahead.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerStatus {
    /// Random, drawn when the ledger is begun: should status be lost, creations
    /// after it are told apart from those before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub epoch: Option<String>,
    /// One entry for each resource created. Where there are too many, the
    /// oldest that AWS answered go.
    #[serde(default)]
    #[schemars(length(max = MAX_LEDGER_ENTRIES))]
    pub entries: Vec<LedgerEntry>,
    /// Ids of what was made before what the entries name, and may not be gone
    /// yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LEDGER_IDS), inner(length(max = MAX_ID), regex(pattern = PRINTABLE)))]
    pub earlier: Vec<String>,
    /// Ids of what carried sagevpc's tags when a creation was begun, and was
    /// not known to be sagevpc's: none of it is what that creation made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_LEDGER_IDS), inner(length(max = MAX_ID), regex(pattern = PRINTABLE)))]
    pub others: Vec<String>,
}

/// One creation.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// What was to be created, as in the tag sagevpc.dev/resource.
    #[schemars(length(max = MAX_LEDGER_KEY), regex(pattern = PRINTABLE))]
    pub key: String,
    /// Counts creations of the same thing; part of the client token.
    pub incarnation: u32,
    /// What AWS answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_ID), regex(pattern = PRINTABLE))]
    pub id: Option<String>,
    /// Whether it was there before and was adopted, not created.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// When the creation was begun; part of the client token.
    #[schemars(schema_with = "time_schema")]
    pub begun: Timestamp,
    /// When it was last sent: AWS is given time from then on to show it.
    #[schemars(schema_with = "time_schema")]
    pub sent: Timestamp,
}
