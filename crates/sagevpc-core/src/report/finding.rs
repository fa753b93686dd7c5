//! What no action of ours can repair.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::Lack;
use crate::{
    api::{ConditionType, Reason},
    catalog::Symptom,
    types::{ProfileKey, listed},
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
    /// Whether the profiles in force are there.
    Profiles,
    /// Whether the VPC offers each profile what it needs.
    Served,
}

impl Concern {
    /// All concerns, in the order of their conditions.
    pub const ALL: [Self; 16] = [
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
        Self::Profiles,
        Self::Served,
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
            Self::Profiles => ConditionType::ProfilesPresent,
            Self::Served => ConditionType::ProfilesReady,
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
    /// They can run, and what the spec asks for is so; the concern's condition
    /// is false, and `Ready` does not suffer from it.
    Aside,
    /// They can run; someone should know.
    Advice,
}

impl Weight {
    /// Whether a workload may be kept from running by it.
    pub const fn stands_in_the_way(self) -> bool {
        match self {
            Self::Blocks | Self::Unknown => true,
            Self::Unmet | Self::Aside | Self::Advice => false,
        }
    }

    /// Whether an object is not `Ready` for it.
    pub const fn bears_on_ready(self) -> bool {
        match self {
            Self::Blocks | Self::Unmet | Self::Unknown => true,
            Self::Aside | Self::Advice => false,
        }
    }
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
    /// The resource and the cause, at times with the fix.
    pub message: String,
    /// The fix, where it is told apart: commands that only those who look after the
    /// VPC may give are, so that no team is told them.
    pub fix: Option<String>,
    /// The one resource that it is about, by its id or name, where it is one.
    pub resource: Option<String>,
    /// What SageMaker says of it.
    #[serde(skip)]
    pub symptom: Option<Symptom>,
    /// Workloads that show something else of it, each with what that is, or
    /// nothing that is known.
    #[serde(skip)]
    pub shows_otherwise: Vec<(String, Option<Symptom>)>,
    /// What the network lacks by it: what reachability finds of the same is not
    /// told besides.
    #[serde(skip)]
    pub lacks: Vec<Lack>,
}

impl Finding {
    /// A finding that keeps workloads from running.
    pub fn new(concern: Concern, scope: Scope, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            concern,
            scope,
            weight: Weight::Blocks,
            reason,
            message: message.into(),
            fix: None,
            resource: None,
            symptom: None,
            shows_otherwise: Vec::new(),
            lacks: Vec::new(),
        }
    }

    /// Says what mends it.
    #[must_use]
    pub fn mended_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Names the one resource that it is about.
    #[must_use]
    pub fn about(mut self, resource: impl fmt::Display) -> Self {
        self.resource = Some(resource.to_string());
        self
    }

    /// Says what SageMaker shows of it.
    #[must_use]
    pub fn showing(mut self, symptom: Symptom) -> Self {
        self.symptom = Some(symptom);
        self
    }

    /// Says what the network lacks by it.
    #[must_use]
    pub fn lacking(mut self, lack: Lack) -> Self {
        self.lacks.push(lack);
        self
    }

    /// Gives it this weight.
    #[must_use]
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

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

    /// The message, with the fix and what SageMaker says of it.
    pub fn explained(&self) -> String {
        let mut text = self.message.clone();
        if let Some(fix) = &self.fix {
            text.push(' ');
            text.push_str(fix);
        }
        let shown = self.shown();
        if !shown.is_empty() {
            text.push_str(&format!(" SageMaker would show: {}.", shown.join("; or: ")));
        }
        text
    }

    /// What SageMaker says of it, each once.
    fn shown(&self) -> Vec<String> {
        let names: &[String] = match &self.scope {
            Scope::Workloads(_, names) => names,
            Scope::Vpc | Scope::SageMakerVpc | Scope::Profile(_) => &[],
        };
        shown(self.symptom, names, &self.shows_otherwise)
    }
}

/// What SageMaker says of something, each once: of all workloads, or, where some
/// show something else, of which.
pub(crate) fn shown(
    symptom: Option<Symptom>,
    scope: &[String],
    otherwise: &[(String, Option<Symptom>)],
) -> Vec<String> {
    let Some(symptom) = symptom else {
        return Vec::new();
    };
    if otherwise.is_empty() {
        return vec![symptom.text().to_owned()];
    }
    let of_others: BTreeMap<&str, Option<Symptom>> = otherwise
        .iter()
        .map(|(name, symptom)| (name.as_str(), *symptom))
        .collect();
    let mut shown: BTreeMap<Symptom, Vec<&str>> = BTreeMap::new();
    let named = scope
        .iter()
        .map(String::as_str)
        .filter(|name| !of_others.contains_key(name));
    shown.entry(symptom).or_default().extend(named);
    for (name, symptom) in &of_others {
        if let Some(symptom) = symptom {
            shown.entry(*symptom).or_default().push(name);
        }
    }
    let told = shown.iter().map(|(symptom, names)| match names.as_slice() {
        [] => symptom.text().to_owned(),
        [_, ..] => format!("{} ({})", symptom.text(), listed(names)),
    });
    told.collect()
}
