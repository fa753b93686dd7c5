//! What can be done to AWS, as values.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Concern;
use crate::{
    catalog::Symptom,
    policy::PolicyDocument,
    types::{
        Direction, ProfileKey, ResourceKey, RouteTableId, Rule, SecurityGroupId, Tags, VpcEndpointId, VpcId, joined,
        listed,
    },
};

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
    /// Deletes an endpoint.
    DeleteVpcEndpoint {
        /// The endpoint.
        id: VpcEndpointId,
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

impl Action {
    /// The name of the EC2 action, as in AWS's documentation, CloudTrail and,
    /// after `ec2:`, IAM.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ModifyVpcAttribute { .. } => "ModifyVpcAttribute",
            Self::CreateSecurityGroup { .. } => "CreateSecurityGroup",
            Self::AuthorizeSecurityGroup {
                direction: Direction::Ingress,
                ..
            } => "AuthorizeSecurityGroupIngress",
            Self::AuthorizeSecurityGroup {
                direction: Direction::Egress,
                ..
            } => "AuthorizeSecurityGroupEgress",
            Self::RevokeSecurityGroup {
                direction: Direction::Ingress,
                ..
            } => "RevokeSecurityGroupIngress",
            Self::RevokeSecurityGroup {
                direction: Direction::Egress,
                ..
            } => "RevokeSecurityGroupEgress",
            Self::DeleteSecurityGroup { .. } => "DeleteSecurityGroup",
            Self::CreateVpcEndpoint { .. } => "CreateVpcEndpoint",
            Self::ModifyVpcEndpoint { .. } => "ModifyVpcEndpoint",
            Self::DeleteVpcEndpoint { .. } => "DeleteVpcEndpoints",
            Self::CreateTags { .. } => "CreateTags",
            Self::DeleteTags { .. } => "DeleteTags",
        }
    }

    /// What it works on: an id, or the key of what is made.
    pub fn resource(&self) -> String {
        match self {
            Self::ModifyVpcAttribute { vpc, .. } => vpc.to_string(),
            Self::CreateSecurityGroup { key, .. } | Self::CreateVpcEndpoint { key, .. } => key.to_string(),
            Self::AuthorizeSecurityGroup { group, .. } | Self::RevokeSecurityGroup { group, .. } => group.to_string(),
            Self::DeleteSecurityGroup { id } => id.to_string(),
            Self::ModifyVpcEndpoint { id, .. } | Self::DeleteVpcEndpoint { id } => id.to_string(),
            Self::CreateTags { resource, .. } | Self::DeleteTags { resource, .. } => resource.clone(),
        }
    }

    /// A part of the names of EC2 actions on the same kind of resource.
    pub fn family(&self) -> &'static str {
        match self {
            Self::ModifyVpcAttribute { .. } => "VpcAttribute",
            Self::CreateSecurityGroup { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. } => "SecurityGroup",
            Self::CreateVpcEndpoint { .. } | Self::ModifyVpcEndpoint { .. } | Self::DeleteVpcEndpoint { .. } => {
                "VpcEndpoint"
            }
            Self::CreateTags { .. } | Self::DeleteTags { .. } => "Tags",
        }
    }

    /// The key of what it makes, if it makes something.
    pub fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::CreateSecurityGroup { key, .. } | Self::CreateVpcEndpoint { key, .. } => Some(key),
            Self::ModifyVpcAttribute { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => None,
        }
    }

    /// What it changes, field by field, for a person to read. Long lists are
    /// cut short.
    pub fn change(&self) -> String {
        self.describe(listed)
    }

    /// Like [`change`](Self::change), with nothing cut short.
    pub fn full_change(&self) -> String {
        self.describe(joined)
    }

    fn describe(&self, list: impl Fn(Vec<String>) -> String) -> String {
        let of_rules = |rules: &[Rule]| list(rules.iter().map(ToString::to_string).collect());
        let of_tables = |tables: &[RouteTableId]| list(tables.iter().map(ToString::to_string).collect());
        match self {
            Self::ModifyVpcAttribute { attribute, .. } => format!("{attribute}: false -> true"),
            Self::CreateSecurityGroup { name, .. } => format!("security group {name}"),
            Self::AuthorizeSecurityGroup { rules, .. } => format!("add {}", of_rules(rules)),
            Self::RevokeSecurityGroup { rules, .. } => format!("remove {}", of_rules(rules)),
            Self::DeleteSecurityGroup { .. } => "delete the security group".to_owned(),
            Self::CreateVpcEndpoint {
                service_name,
                route_tables,
                ..
            } => {
                format!("gateway endpoint for {service_name} on {}", of_tables(route_tables))
            }
            Self::ModifyVpcEndpoint {
                policy,
                add_route_tables,
                remove_route_tables,
                ..
            } => {
                let mut parts = Vec::new();
                if policy.is_some() {
                    parts.push("replace the policy".to_owned());
                }
                if !add_route_tables.is_empty() {
                    parts.push(format!("add route tables {}", of_tables(add_route_tables)));
                }
                if !remove_route_tables.is_empty() {
                    parts.push(format!("remove route tables {}", of_tables(remove_route_tables)));
                }
                parts.join("; ")
            }
            Self::DeleteVpcEndpoint { .. } => "delete the endpoint".to_owned(),
            Self::CreateTags { tags, .. } => {
                format!(
                    "set {}",
                    list(tags.iter().map(|(key, value)| format!("{key}={value}")).collect())
                )
            }
            Self::DeleteTags { keys, .. } => format!("remove {}", list(keys.clone())),
        }
    }
}

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
    /// One profile.
    Profile(ProfileKey),
}

impl Serves {
    /// Whether it serves this profile.
    pub fn includes(&self, profile: &ProfileKey) -> bool {
        match self {
            Self::Vpc => true,
            Self::Profile(served) => served == profile,
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
        }
    }

    pub(super) fn about(mut self, key: &ResourceKey) -> Self {
        self.key = Some(key.clone());
        self
    }

    pub(super) fn after(mut self, earlier: impl IntoIterator<Item = ActionId>) -> Self {
        self.after.extend(earlier);
        self
    }

    pub(super) fn blocking(mut self, concern: Concern) -> Self {
        self.blocks = Some(concern);
        self
    }

    pub(super) fn symptom(mut self, symptom: Symptom) -> Self {
        self.symptom = Some(symptom);
        self
    }

    pub(super) fn deleting(mut self) -> Self {
        self.priority = Priority::Deletion;
        self
    }

    pub(super) fn disrupting(mut self, disruption: Option<Disruption>) -> Self {
        self.disruption = disruption;
        self
    }

    pub(super) fn closing_access(mut self) -> Self {
        self.closes_access = true;
        self
    }

    pub(super) fn waiting_for(mut self, obstacle: Option<String>) -> Self {
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
            | Action::ModifyVpcEndpoint {
                policy: Some(policy), ..
            } => policy.fingerprint(),
            Action::ModifyVpcEndpoint { policy: None, .. }
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
