//! What no action of ours can repair.

use serde::Serialize;

use crate::{
    api::{ConditionType, Reason},
    catalog::Symptom,
    types::ProfileKey,
};

/// What a finding or an action is about; each has its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Concern {
    /// Whether the spec can have effect at all.
    Accepted,
    /// Subnets: there, private, in zones enough.
    Subnets,
    /// Free addresses.
    Capacity,
    /// Name resolution.
    Dns,
    /// The way to S3.
    S3,
    /// Security groups.
    SecurityGroups,
    /// Interface endpoints.
    Endpoints,
    /// Elastic Inference.
    ElasticInference,
    /// The way out of the VPC.
    Internet,
    /// Network ACLs.
    NetworkAcls,
    /// Flow logs.
    FlowLogs,
    /// Bucket policies.
    BucketPolicies,
    /// Execution roles.
    Roles,
    /// What runs in the VPC.
    Consumers,
}

impl Concern {
    /// All concerns, in the order of their conditions.
    pub const ALL: [Self; 14] = [
        Self::Accepted,
        Self::Subnets,
        Self::Capacity,
        Self::Dns,
        Self::S3,
        Self::SecurityGroups,
        Self::Endpoints,
        Self::ElasticInference,
        Self::Internet,
        Self::NetworkAcls,
        Self::FlowLogs,
        Self::BucketPolicies,
        Self::Roles,
        Self::Consumers,
    ];

    /// The condition that speaks of it.
    pub const fn condition(self) -> ConditionType {
        match self {
            Self::Accepted => ConditionType::Accepted,
            Self::Subnets => ConditionType::SubnetsReady,
            Self::Capacity => ConditionType::CapacityReady,
            Self::Dns => ConditionType::DnsReady,
            Self::S3 => ConditionType::S3Ready,
            Self::SecurityGroups => ConditionType::SecurityGroupsReady,
            Self::Endpoints => ConditionType::EndpointsReady,
            Self::ElasticInference => ConditionType::ElasticInferenceReady,
            Self::Internet => ConditionType::InternetReady,
            Self::NetworkAcls => ConditionType::NetworkAclsReady,
            Self::FlowLogs => ConditionType::FlowLogsReady,
            Self::BucketPolicies => ConditionType::BucketPoliciesReady,
            Self::Roles => ConditionType::RolesReady,
            Self::Consumers => ConditionType::ConsumersKnown,
        }
    }
}

/// Whom a finding concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Scope {
    /// The VPC and every profile in it.
    Vpc,
    /// The SageMakerVpc object alone: workloads run all the same.
    SageMakerVpc,
    /// One profile, all its workloads.
    Profile(ProfileKey),
    /// Some workloads of a profile.
    Workloads(ProfileKey, Vec<String>),
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Weight {
    /// The workloads concerned cannot run.
    Blocks,
    /// They can run; what the spec asks for is not so.
    Unmet,
    /// Whether they can run depends on what cannot be seen.
    Unknown,
    /// They can run; someone should know.
    Advice,
}

/// Something that stands in a workload's way, or that someone should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it is about.
    pub concern: Concern,
    /// Whom it concerns.
    pub scope: Scope,
    /// How much it weighs.
    pub weight: Weight,
    /// Why, in a word.
    pub reason: Reason,
    /// The resource, the cause and the fix.
    pub message: String,
    /// What SageMaker says of it.
    #[serde(skip)]
    pub symptom: Option<Symptom>,
}

impl Finding {
    /// Whether it concerns the profile, and if so, which of its workloads:
    /// all (`None`) or those named.
    pub fn concerns(&self, profile: &ProfileKey) -> Option<Option<&[String]>> {
        match &self.scope {
            Scope::Vpc => Some(None),
            Scope::Profile(key) if key == profile => Some(None),
            Scope::Workloads(key, names) if key == profile => Some(Some(names)),
            Scope::SageMakerVpc | Scope::Profile(_) | Scope::Workloads(..) => None,
        }
    }

    /// The message, with what SageMaker says of it.
    pub fn explained(&self) -> String {
        match self.symptom {
            Some(symptom) => format!("{} SageMaker would show: {}.", self.message, symptom.text()),
            None => self.message.clone(),
        }
    }
}
