//! An action in its place in the plan.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Action, TagsChange};
use crate::{
    catalog::{Symptom, Usd},
    plan::replaced::Replaced,
    report::{Concern, Weight},
    types::{NetworkInterfaceId, ProfileKey, ResourceKey, is_adopted},
};
use iam_policy::PolicyDocument;

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

/// Those besides SageMaker whose traffic an action may change or cut: network
/// interfaces, or whoever reads a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disruption {
    /// What happens to them.
    pub effect: String,
    /// The interfaces, or the others, each as a message names it.
    pub interfaces: Vec<String>,
    /// The same by what stays the same of each: what an approval covers.
    #[serde(skip)]
    pub whom: BTreeSet<String>,
}

/// Network interfaces of SageMaker's that an action would cut off from what
/// their workloads need.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CutOff {
    /// What they would no longer reach, or no longer be allowed.
    pub from: Vec<String>,
    /// Their ids.
    pub interfaces: BTreeSet<NetworkInterfaceId>,
    /// They and what runs with them, as a message names them.
    pub whom: String,
}

/// Whom an action serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Serves {
    /// Everyone in the VPC.
    Vpc,
    /// Some profiles, by something of the VPC's that they share.
    Profiles(BTreeSet<ProfileKey>),
    /// One profile.
    Profile(ProfileKey),
    /// The SageMakerVpc object alone: workloads run without it.
    SageMakerVpc,
}

impl Serves {
    /// Whether it serves this profile.
    pub fn includes(&self, profile: &ProfileKey) -> bool {
        match self {
            Self::Vpc => true,
            Self::Profiles(served) => served.contains(profile),
            Self::Profile(served) => served == profile,
            Self::SageMakerVpc => false,
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
    /// How much that weighs.
    pub weight: Weight,
    /// Profiles that it keeps from nothing meanwhile: their workloads have
    /// another way to what it gives.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub spares: BTreeSet<ProfileKey>,
    /// What SageMaker's users see while it is not done.
    #[serde(skip)]
    pub symptom: Option<Symptom>,
    /// Whom else it may hit.
    pub disruption: Option<Disruption>,
    /// What runs of SageMaker's that it would cut off.
    pub cuts_off: Option<CutOff>,
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
    /// Whether it would wait, had a person not approved it.
    pub approved: bool,
    /// What it adds to the cost of a month, at list prices.
    pub monthly_cost: Option<Usd>,
    /// What it replaces or takes away.
    pub replaced: Option<Replaced>,
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
            weight: Weight::Blocks,
            spares: BTreeSet::new(),
            symptom: None,
            disruption: None,
            cuts_off: None,
            drift: false,
            closes_access: false,
            backs_off: false,
            waits_for: None,
            held: false,
            approved: false,
            monthly_cost: None,
            replaced: None,
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

    /// Its concern's condition stays false until it is done, and workloads run
    /// all the same.
    pub(in crate::plan) fn leaving_unmet(mut self, concern: Concern) -> Self {
        self.blocks = Some(concern);
        self.weight = Weight::Unmet;
        self
    }

    pub(in crate::plan) fn symptom(mut self, symptom: impl Into<Option<Symptom>>) -> Self {
        self.symptom = symptom.into();
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

    /// Everyone whom it hits, by what stays the same of each.
    pub fn victims(&self) -> BTreeSet<&str> {
        let others = self.disruption.iter().flat_map(|disruption| &disruption.whom);
        let running = self.cuts_off.iter().flat_map(|cut_off| &cut_off.interfaces);
        others
            .map(String::as_str)
            .chain(running.map(NetworkInterfaceId::as_str))
            .collect()
    }

    /// What it adopts, and the id of that.
    pub fn adopts(&self) -> Option<(&ResourceKey, &str)> {
        match &self.action {
            Action::Tags(TagsChange::Create { resource, tags }) if is_adopted(tags) => {
                Some((self.key.as_ref()?, resource))
            }
            _ => None,
        }
    }

    /// What repairs of it are counted under: the resource's lasting name.
    pub fn subject(&self) -> String {
        self.key
            .as_ref()
            .map_or_else(|| self.action.resource(), ToString::to_string)
    }

    /// Whether it is on what belongs to the workloads' account, where the VPC is
    /// another's: the security groups of their interfaces, their buckets and
    /// roles.
    pub fn is_the_workloads(&self) -> bool {
        self.key.as_ref().is_some_and(ResourceKey::is_the_workloads)
    }

    /// Whether nothing that we know of keeps it from being done now.
    pub fn runs_now(&self) -> bool {
        !self.held && self.waits_for.is_none()
    }

    /// A fingerprint of what is done, the same before and after the resource
    /// got its id. Approval is given to these.
    pub fn fingerprint(&self) -> String {
        let about = self.subject();
        let detail = self
            .action
            .policy()
            .map(PolicyDocument::fingerprint)
            .unwrap_or_default();
        let text = format!(
            "{}\0{about}\0{}\0{detail}",
            self.action.name(),
            self.action.lasting_change()
        );
        hex::encode(&Sha256::digest(text.as_bytes())[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{NatGatewayChange, RouteChange, Target},
        types::NatPlace,
    };

    #[test]
    fn an_approval_outlives_the_making_of_what_an_action_refers_to() {
        let place = || "subnet-0123456789abcdef0".into();
        let table = || "rtb-0123456789abcdef0".into();
        let route = |nat_gateway| {
            let action = Action::Route(RouteChange::Create {
                table: table(),
                destination: "0.0.0.0/0".parse().unwrap(),
                nat_gateway,
            });
            PlannedAction::new(action, Serves::Vpc, "r").about(&ResourceKey::DefaultRoute { table: table() })
        };
        let to_be_made = route(Target::Made(ResourceKey::NatGateway {
            place: NatPlace::Subnet(place()),
        }));
        let made = route(Target::Existing("nat-0123456789abcdef0".into()));
        assert_eq!(to_be_made.fingerprint(), made.fingerprint());

        let nat = |address| {
            let action = Action::NatGateway(NatGatewayChange::Create {
                key: ResourceKey::NatGateway {
                    place: NatPlace::Subnet(place()),
                },
                subnet: place(),
                address,
                tags: crate::types::Tags::new(),
            });
            PlannedAction::new(action, Serves::Vpc, "r")
        };
        let with_new = nat(Target::Made(ResourceKey::Address { subnet: place() }));
        let with_old = nat(Target::Existing("eipalloc-0123456789abcdef0".into()));
        assert_eq!(with_new.fingerprint(), with_old.fingerprint());
        assert_ne!(with_new.fingerprint(), made.fingerprint());
    }
}
