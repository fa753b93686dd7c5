//! An action in its place in the plan.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Action;
use crate::{
    catalog::{Symptom, Usd},
    plan::Concern,
    types::{ProfileKey, ResourceKey},
};

/// A number that names an action within its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ActionId(pub usize);

/// How urgent an action is when many wait for the same quota of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Priority {
    /// Something that worked is broken.
    Repair,
    /// Something new is wanted.
    Growth,
    /// Something is no longer wanted.
    Deletion,
}

/// Network interfaces that are not SageMaker's whose traffic an action may
/// change or cut.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disruption {
    /// What happens to them.
    pub effect: String,
    /// The interfaces, each as a message names it.
    pub interfaces: Vec<String>,
}

/// Whom an action serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Serves {
    /// Everyone in the VPC.
    Vpc,
    /// The SageMakerVpc object alone: workloads run without it.
    SageMakerVpc,
    /// One profile.
    Profile(ProfileKey),
    /// Several profiles, by way of something that the VPC has once.
    Profiles(BTreeSet<ProfileKey>),
}

impl Serves {
    /// Whether it serves this profile.
    pub fn includes(&self, profile: &ProfileKey) -> bool {
        match self {
            Self::Vpc => true,
            Self::SageMakerVpc => false,
            Self::Profile(served) => served == profile,
            Self::Profiles(served) => served.contains(profile),
        }
    }
}

/// An action in its place in the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAction {
    /// Its number in the plan.
    pub id: ActionId,
    /// What is done.
    pub action: Action,
    /// The resource of ours that it is about, under the name that stays the
    /// same when the resource is made anew.
    pub key: Option<ResourceKey>,
    /// Actions that must be done before it.
    pub after: Vec<ActionId>,
    /// Why, for a person to read.
    pub reason: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Whom it serves.
    pub serves: Serves,
    /// The concern whose condition stays false until it is done, unless
    /// workloads can run without it.
    pub blocks: Option<Concern>,
    /// What SageMaker's users see while it is not done.
    #[serde(skip)]
    pub symptom: Option<Symptom>,
    /// Whom else it may hit.
    pub disruption: Option<Disruption>,
    /// Whether it puts back what was changed behind our back.
    pub drift: bool,
    /// Whether it closes access that someone opened.
    pub closes_access: bool,
    /// Whether it is held back because it was done too often lately.
    pub backs_off: bool,
    /// What it must wait for, as far as that can be seen already.
    pub waits_for: Option<String>,
    /// Whether it waits to be approved.
    pub held: bool,
    /// What it adds to the cost of a month, at list prices.
    pub monthly_cost: Option<Usd>,
}

/// What is done to what, in one line, for messages and events.
impl fmt::Display for PlannedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, .. } = self;
        write!(f, "{} {}: {}", action.name(), action.resource(), action.change())
    }
}

impl PlannedAction {
    /// An action of no special urgency that nothing depends on.
    pub fn new(action: Action, serves: Serves, reason: impl Into<String>) -> Self {
        Self {
            id: ActionId(0),
            key: action.makes().cloned(),
            action,
            after: Vec::new(),
            reason: reason.into(),
            priority: Priority::Growth,
            serves,
            blocks: None,
            symptom: None,
            disruption: None,
            drift: false,
            closes_access: false,
            backs_off: false,
            waits_for: None,
            held: false,
            monthly_cost: None,
        }
    }

    pub(in crate::plan) fn about(mut self, key: &ResourceKey) -> Self {
        self.key = Some(key.clone());
        self
    }

    pub(in crate::plan) fn after(mut self, earlier: impl IntoIterator<Item = ActionId>) -> Self {
        self.after.extend(earlier);
        self
    }

    pub(in crate::plan) fn blocking(mut self, concern: Concern) -> Self {
        self.blocks = Some(concern);
        self
    }

    pub(in crate::plan) fn symptom(mut self, symptom: Symptom) -> Self {
        self.symptom = Some(symptom);
        self
    }

    pub(in crate::plan) fn deleting(mut self) -> Self {
        self.priority = Priority::Deletion;
        self
    }

    pub(in crate::plan) fn disrupting(mut self, disruption: Option<Disruption>) -> Self {
        self.disruption = disruption;
        self
    }

    pub(in crate::plan) fn closing_access(mut self) -> Self {
        self.closes_access = true;
        self
    }

    pub(in crate::plan) fn waiting_for(mut self, obstacle: Option<String>) -> Self {
        self.waits_for = obstacle;
        self
    }

    /// What repairs of it are counted under: the resource's lasting name.
    pub fn subject(&self) -> String {
        self.key
            .as_ref()
            .map_or_else(|| self.action.resource(), ToString::to_string)
    }

    /// Whether nothing that we know of keeps it from being done now.
    pub fn runs_now(&self) -> bool {
        !self.held && self.waits_for.is_none()
    }

    /// A fingerprint of what is done, the same before and after the resource
    /// got its id. Approval is given to these.
    pub fn fingerprint(&self) -> String {
        let about = self.subject();
        let detail = match &self.action {
            Action::CreateVpcEndpoint { policy, .. }
            | Action::CreateInterfaceEndpoint {
                policy: Some(policy), ..
            }
            | Action::ModifyInterfaceEndpoint {
                policy: Some(policy), ..
            }
            | Action::ModifyVpcEndpoint {
                policy: Some(policy), ..
            } => policy.fingerprint(),
            Action::ModifyVpcEndpoint { policy: None, .. }
            | Action::CreateInterfaceEndpoint { policy: None, .. }
            | Action::ModifyInterfaceEndpoint { policy: None, .. }
            | Action::AllocateAddress { .. }
            | Action::ReleaseAddress { .. }
            | Action::CreateNatGateway { .. }
            | Action::DeleteNatGateway { .. }
            | Action::CreateRoute { .. }
            | Action::ReplaceRoute { .. }
            | Action::DeleteRoute { .. }
            | Action::CreateNetworkAclEntry { .. }
            | Action::ReplaceNetworkAclEntry { .. }
            | Action::DeleteNetworkAclEntry { .. }
            | Action::CreateFlowLogs { .. }
            | Action::DeleteFlowLogs { .. }
            | Action::ModifyVpcAttribute { .. }
            | Action::CreateSecurityGroup { .. }
            | Action::AuthorizeSecurityGroup { .. }
            | Action::RevokeSecurityGroup { .. }
            | Action::DeleteSecurityGroup { .. }
            | Action::DeleteVpcEndpoint { .. }
            | Action::CreateTags { .. }
            | Action::DeleteTags { .. } => String::new(),
        };
        let text = format!(
            "{}\0{about}\0{}\0{detail}",
            self.action.name(),
            self.action.full_change()
        );
        hex::encode(&Sha256::digest(text.as_bytes())[..8])
    }
}
