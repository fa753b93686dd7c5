//! `SageMakerVpcProfile`: a team's half.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Condition, Destination, Selection,
    bounds::{
        MAX_BLOCKER_FIX, MAX_BLOCKER_MESSAGE, MAX_BLOCKER_RESOURCE, MAX_BLOCKER_SHOWS, MAX_BLOCKERS, MAX_CONDITIONS,
        MAX_EXEMPT_PRINCIPALS, MAX_WORKLOAD_MESSAGE, MAX_WORKLOADS,
    },
};
use crate::{
    catalog::{Options, Preset, WorkloadKind},
    types::{BucketAccess, Region, SecurityGroupId, SubnetId},
};

/// The SageMaker workloads that a team runs in a VPC, and what they need of it.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "sagevpc.dev",
    version = "v1alpha1",
    kind = "SageMakerVpcProfile",
    plural = "sagemakervpcprofiles",
    shortname = "smvp",
    category = "sagevpc",
    namespaced,
    status = "SageMakerVpcProfileStatus",
    derive = "PartialEq",
    doc = "The SageMaker workloads that a team runs in a VPC, and what they need of it. Its status says for each of them whether it can run, and gives the VpcConfig to run it with.",
    validation = Rule::new("self.metadata.name.size() <= 63").message("metadata.name must have at most 63 characters, for it becomes part of AWS tags: choose a shorter name"),
    printcolumn(name = "VPC", type_ = "string", json_path = ".spec.vpcRef.name"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Workloads", type_ = "string", json_path = ".status.workloadsReady", description = "Workloads that can run, of all that are declared"),
    printcolumn(name = "In sync", type_ = "string", json_path = ".status.conditions[?(@.type=='InSync')].status", description = "Whether AWS is as declared"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SageMakerVpcProfileSpec {
    /// The SageMakerVpc that the workloads run in. Cannot be changed.
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.vpcRef cannot be changed: delete this profile and create one for the other VPC"))]
    pub vpc_ref: VpcRef,

    /// The workloads, at least one.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = MAX_WORKLOADS))]
    pub workloads: Vec<Workload>,

    /// The subnets that the workloads use, out of those that the SageMakerVpc
    /// offers. Without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("!has(self.ids) || self.ids.all(id, id.startsWith('subnet-'))").message("spec.subnets.ids takes ids of subnets, such as subnet-0123456789abcdef0"))]
    pub subnets: Option<Selection>,

    /// The security groups that the workloads use. Without it, one is made and
    /// kept for the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<ProfileSecurityGroups>,

    /// Whether workloads may read the Amazon Linux package repositories
    /// through the S3 gateway endpoint. Deny keeps them out, Allow needs them;
    /// without it, either will do. Where one team needs and another denies
    /// them, the older profile has its way. The SageMakerVpc must let the
    /// namespace say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_repositories: Option<PackageRepositories>,

    /// Services that the workloads call, besides those that SageMaker needs: each
    /// gets an interface endpoint. Short names such as sts, kms or ecr.api, or
    /// full ones. The SageMakerVpc must grant them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(name, name.matches('^[a-z0-9][A-Za-z0-9._-]*$'))").message("spec.services takes names of AWS services, such as sts, kms, or com.amazonaws.us-east-1.sts"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 32), inner(length(min = 1, max = 128)))]
    pub services: Vec<String>,

    /// What the workloads reach besides AWS services: hosts on the internet, and
    /// databases, file systems and registries in the VPC or in networks joined to
    /// it. The SageMakerVpc must grant it, and have a way out for what is on the
    /// internet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub destinations: Vec<Destination>,

    /// The S3 buckets that the workloads read and write, directory buckets of S3
    /// Express One Zone among them. The SageMakerVpc must grant them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 64))]
    pub buckets: Vec<Bucket>,
}

impl SageMakerVpcProfileSpec {
    /// What remains where nothing that the profile asks for is looked at: whom it
    /// refers to, which groups are its own, and workloads without names.
    pub fn unread(&self) -> Self {
        let nameless = |workload: &Workload| Workload {
            name: String::new(),
            role_arn: None,
            presets: Vec::new(),
            ..workload.clone()
        };
        Self {
            vpc_ref: self.vpc_ref.clone(),
            workloads: self.workloads.iter().map(nameless).collect(),
            subnets: None,
            security_groups: self.security_groups.clone(),
            package_repositories: None,
            services: Vec::new(),
            destinations: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// Whether it is what remains of one that is not looked at: the schema wants
    /// a workload, and that each has a name.
    pub fn is_unread(&self) -> bool {
        self.workloads.iter().all(|workload| workload.name.is_empty())
    }
}

/// A reference to a SageMakerVpc.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRef {
    /// The name of the SageMakerVpc.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// One SageMaker workload, or several alike.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("!self.distributed || self.kind in ['Processing', 'Training', 'Tuning', 'Transform', 'Clarify', 'ModelMonitor']").message("distributed applies to jobs whose instances talk to each other: Processing, Training, Tuning, Transform, Clarify and ModelMonitor; remove it here"))]
#[x_kube(validation = Rule::new("!self.interContainerEncryption || self.distributed").message("interContainerEncryption applies to distributed jobs: set distributed: true, or remove it"))]
#[x_kube(validation = Rule::new("!self.interContainerEncryption || self.kind in ['Processing', 'Training', 'Tuning', 'Clarify', 'ModelMonitor']").message("interContainerEncryption applies to Processing, Training, Tuning, Clarify and ModelMonitor; remove it here"))]
#[x_kube(validation = Rule::new("!self.efa || self.kind in ['Training', 'Tuning', 'HyperPod']").message("efa applies to Training, Tuning and HyperPod; remove it here"))]
#[x_kube(validation = Rule::new("!self.directInternetAccess || self.kind == 'Notebook'").message("directInternetAccess applies to a Notebook; remove it here"))]
#[x_kube(validation = Rule::new("!self.networkIsolation || self.kind in ['Hosting', 'Processing', 'Training', 'Tuning', 'Transform', 'ModelMonitor']").message("networkIsolation applies to Hosting, Processing, Training, Tuning, Transform and ModelMonitor; a Clarify job must reach its shadow endpoint, and the other kinds have no such option; remove it here"))]
#[x_kube(validation = Rule::new("!has(self.shadowEndpoint) || self.kind in ['Clarify']").message("shadowEndpoint applies to Clarify; remove it here"))]
#[x_kube(validation = Rule::new("!has(self.orchestrator) || self.kind in ['HyperPod']").message("orchestrator applies to HyperPod; remove it here"))]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// A name, unique in the profile.
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("a workload's name consists of lower-case letters, digits and hyphens, and starts and ends with a letter or digit"))]
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// What SageMaker runs; `sagevpc explain KIND` says what each needs.
    pub kind: WorkloadKind,
    /// How many instances run at the same time, at least one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub instances: u32,
    /// Whether the instances of one job talk to each other.
    #[serde(default)]
    pub distributed: bool,
    /// Whether they encrypt what they say to each other
    /// (EnableInterContainerTrafficEncryption).
    #[serde(default)]
    pub inter_container_encryption: bool,
    /// Whether the instances have Elastic Fabric Adapters.
    #[serde(default)]
    pub efa: bool,
    /// Whether a notebook instance has SageMaker's own way to the internet
    /// besides the VPC: its traffic to S3 then bypasses the VPC.
    #[serde(default)]
    pub direct_internet_access: bool,
    /// Whether its containers have no network (EnableNetworkIsolation): they call
    /// nothing. SageMaker brings what they read from S3, and takes what they
    /// write there, through the VPC all the same.
    #[serde(default)]
    pub network_isolation: bool,
    /// The endpoint of the model that SageMaker makes for a Clarify job which gets
    /// predictions, for as long as it runs. It uses the same subnets and security
    /// groups: they must span two availability zones. Without the field, the job
    /// gets no predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_endpoint: Option<ShadowEndpoint>,
    /// The type of its instances, such as ml.p5.48xlarge. Named, only availability
    /// zones that offer it count, and what an instance of it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^ml[.][a-z0-9-]+[.][a-z0-9-]+$')").message("instanceType is a type of SageMaker's, such as ml.p5.48xlarge"))]
    #[schemars(length(min = 6, max = 64))]
    pub instance_type: Option<String>,
    /// What manages a HyperPod cluster: with Amazon EKS, its pods have addresses
    /// of their own. Without the field, Slurm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Orchestrator>,
    /// What it uses besides what its kind needs: each stands for the services and
    /// the buckets of AWS's own that AWS's page on it names. The SageMakerVpc must
    /// grant the services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 7))]
    pub presets: Vec<Preset>,
    /// The ARN of the execution role. Named, it is verified; the SageMakerVpc
    /// must grant it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^arn:[a-z-]+:iam::[0-9]{12}:role/.+$')").message("roleArn must be a role's ARN, such as arn:aws:iam::111122223333:role/fraud-training"))]
    #[schemars(length(min = 20, max = 256))]
    pub role_arn: Option<String>,
}

impl Workload {
    /// What of it bears on its rules and addresses.
    pub const fn options(&self) -> Options {
        Options {
            distributed: self.distributed,
            encrypted: self.inter_container_encryption,
            efa: self.efa,
            isolated: self.network_isolation,
            shadow_endpoint: self.shadow_endpoint.is_some(),
            eks: matches!(self.orchestrator, Some(Orchestrator::Eks)),
        }
    }
}

/// What manages a HyperPod cluster.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Orchestrator {
    /// Slurm.
    Slurm,
    /// Amazon EKS.
    Eks,
}

/// An endpoint that SageMaker makes of a model for a job.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowEndpoint {
    /// How many instances it has (initial_instance_count of the job's analysis
    /// configuration), at least one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub instances: u32,
}

fn one() -> u32 {
    1
}

/// The security groups of a profile's workloads: its own, or managed ones.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("has(self.ids) != has(self.managed)").message("spec.securityGroups takes either ids of your own groups or managed: PerProfile or PerWorkload"))]
pub struct ProfileSecurityGroups {
    /// Ids of groups that exist already, one to five. They are judged and never
    /// changed. The SageMakerVpc must grant them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.all(id, id.matches('^sg-([0-9a-f]{8}|[0-9a-f]{17})$'))").message("spec.securityGroups.ids takes ids of security groups, such as sg-0123456789abcdef0"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 5), inner(length(min = 1, max = 32)))]
    pub ids: Option<Vec<SecurityGroupId>>,
    /// Groups that are made and kept: one for the profile, or one for each
    /// workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedSecurityGroups>,
}

/// How many managed security groups a profile gets.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum ManagedSecurityGroups {
    /// One, for all its workloads.
    #[default]
    PerProfile,
    /// One for each workload.
    PerWorkload,
}

/// What a profile wants of the Amazon Linux package repositories.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(inline)]
pub enum PackageRepositories {
    /// They must be out of reach.
    Deny,
    /// They must be in reach.
    Allow,
}

/// An S3 bucket.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// The bucket's name.
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9][a-z0-9.-]+[a-z0-9]$')").message("a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, such as fraud-data; no s3:// in front, no path behind"))]
    #[schemars(length(min = 3, max = 63))]
    pub name: String,
    /// The bucket's region, where it is not the VPC's. The S3 gateway endpoint
    /// leads to buckets of its own region only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')").message("a bucket's region is a region's code, such as us-east-1"))]
    pub region: Option<Region>,
    /// What the workloads do with the bucket. ReadOnly: they read and list it;
    /// policies need not let s3:PutObject through, and that of the S3 endpoint
    /// lets nothing through that writes, where it names buckets and no other
    /// profile writes to this one.
    #[serde(default)]
    pub access: BucketAccess,
    /// Asks that objects can be read through the S3 endpoints of the VPCs only:
    /// {} for everyone, or with exemptions. Where spec.grants.enforce.buckets
    /// of the SageMakerVpc names the bucket, a statement in its policy denies
    /// all other ways; else the policy is only verified. Where several profiles
    /// ask for the same bucket, the exemptions of all of them hold, once they are
    /// approved. The SageMakerVpc must let the namespace make exemptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_vpc_endpoint: Option<RequireVpcEndpoint>,
}

/// That objects can be read through VPC endpoints only.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequireVpcEndpoint {
    /// Who may read them by other ways all the same.
    #[serde(default)]
    pub exempt: Exempt,
}

/// Who may read a bucket's objects by other ways than VPC endpoints.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exempt {
    /// AWS services that read on someone's behalf (aws:ViaAWSService) or for
    /// themselves (aws:PrincipalIsAWSService), such as Athena or the console.
    #[serde(default)]
    pub aws_services: bool,
    /// ARNs of roles and users, where * stands for any characters and ? for
    /// one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(arn, arn.matches('^arn:[a-z-]+:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/*?-]+$'))").message("requireVpcEndpoint.exempt.principals takes ARNs of roles and users, such as arn:aws:iam::111122223333:role/audit or arn:aws:iam::111122223333:role/audit-*"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_EXEMPT_PRINCIPALS), inner(length(min = 20, max = 256)))]
    pub principals: Vec<String>,
}

/// What is known about a profile.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SageMakerVpcProfileStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Each concern, Ready first.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = MAX_CONDITIONS))]
    pub conditions: Vec<Condition>,
    /// Ready to copy into a SageMaker call; there once it can be used. A
    /// workload whose kind takes fewer subnets has its own below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// Workloads that can run, of all that are declared, such as 2/3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub workloads_ready: Option<String>,
    /// What keeps workloads from running, or may keep them: each cause once, the
    /// worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_BLOCKERS))]
    pub blockers: Vec<Blocker>,
    /// How much more keeps them that is not listed for lack of room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blockers_truncated: Option<u32>,
    /// A verdict on each workload; none where the SageMakerVpc is missing or does
    /// not admit the namespace.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = MAX_WORKLOADS))]
    pub workloads: Vec<WorkloadStatus>,
    /// The generation of the spec that last had effect in AWS. What it brought
    /// about is kept while a later one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_generation: Option<i64>,
}

/// Subnets and security groups as SageMaker's `VpcConfig` takes them, sorted.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcConfig {
    /// `Subnets`.
    #[schemars(length(max = 16), inner(length(max = 32)))]
    pub subnets: Vec<SubnetId>,
    /// `SecurityGroupIds`.
    #[schemars(length(max = 5), inner(length(max = 32)))]
    pub security_group_ids: Vec<SecurityGroupId>,
}

/// A verdict on one workload.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// The workload's name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Whether it can run.
    pub ready: Verdict,
    /// The reasons of what stops it, which status.blockers explains.
    #[schemars(length(max = MAX_WORKLOAD_MESSAGE))]
    pub message: String,
    /// Ready to copy into the SageMaker call for this workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
}

/// Something that keeps a workload from running, or may keep it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// Why, in one word of the conditions' list of reasons.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// Who can mend it.
    #[serde(default)]
    pub who: Who,
    /// The resource that it is about, by its id or name, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_BLOCKER_RESOURCE))]
    pub resource: Option<String>,
    /// The workloads that it concerns; none where it concerns all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_WORKLOADS), inner(length(max = 63)))]
    pub workloads: Vec<String>,
    /// What SageMaker would show, were the workload started now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_BLOCKER_SHOWS))]
    pub shows: Option<String>,
    /// The cause, at times with what mends it.
    #[schemars(length(max = MAX_BLOCKER_MESSAGE))]
    pub message: String,
    /// What mends it. Where the platform team must, what to ask it for: how it is
    /// done stands on the SageMakerVpc and in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_BLOCKER_FIX))]
    pub fix: Option<String>,
}

/// Who can mend something.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Who {
    /// The team whose profile it is, or owners of a bucket or role that it names.
    Team,
    /// The team that looks after the VPC.
    #[default]
    Platform,
    /// AWS, or sagevpc: it passes by itself.
    #[serde(rename = "AWS")]
    Aws,
}

/// Whether a workload can run.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Verdict {
    /// It can.
    Yes,
    /// It depends on something that cannot be seen, which the message names.
    Unknown,
    /// It cannot.
    No,
}

impl Verdict {
    /// The word as it is written into status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::Unknown => "Unknown",
            Self::No => "No",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::CustomResourceExt;

    use super::*;
    use crate::catalog::Requirements;

    /// The kinds that a rule of the schema admits the option for: those that it
    /// names in quotes.
    fn kinds_with(option: &str) -> BTreeSet<String> {
        let crd = serde_json::to_value(SageMakerVpcProfile::crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let rules = schema["properties"]["spec"]["properties"]["workloads"]["items"]["x-kubernetes-validations"]
            .as_array()
            .unwrap();
        let rule = rules
            .iter()
            .filter_map(|rule| rule["rule"].as_str())
            .find(|rule| {
                let is_set = [format!("!self.{option} ||"), format!("!has(self.{option}) ||")];
                is_set
                    .iter()
                    .any(|is_set| rule.starts_with(&format!("{is_set} self.kind")))
            })
            .unwrap();
        rule.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn kinds_that(take: impl Fn(&Requirements) -> bool) -> BTreeSet<String> {
        WorkloadKind::ALL
            .into_iter()
            .filter(|kind| take(kind.requirements()))
            .map(|kind| kind.to_string())
            .collect()
    }

    #[test]
    fn the_schema_admits_options_for_the_kinds_of_the_catalogue() {
        assert_eq!(
            kinds_with("distributed"),
            kinds_that(|requirements| requirements.may_be_distributed)
        );
        assert_eq!(
            kinds_with("interContainerEncryption"),
            kinds_that(Requirements::may_be_encrypted)
        );
        assert_eq!(
            kinds_with("efa"),
            kinds_that(|requirements| requirements.addresses_with_efa.is_some())
        );
        assert_eq!(
            kinds_with("networkIsolation"),
            kinds_that(|requirements| requirements.may_be_isolated)
        );
        assert_eq!(
            kinds_with("shadowEndpoint"),
            kinds_that(|requirements| requirements.shadow_endpoint.is_some())
        );
        assert_eq!(
            kinds_with("orchestrator"),
            kinds_that(|requirements| requirements.is_cluster)
        );
        assert_eq!(
            kinds_with("directInternetAccess"),
            kinds_that(|requirements| requirements.may_have_direct_internet_access)
        );
    }
}
