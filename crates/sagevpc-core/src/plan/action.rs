//! What can be done to AWS, as values: a change to each noun of AWS, which says
//! of itself by which call it is carried out, what it works on and what it does
//! to it.

mod address;
mod bucket;
mod change;
mod flow_log;
mod nat_gateway;
mod network_acl;
mod planned;
mod role;
mod route;
mod security_group;
mod tags;
#[cfg(test)]
mod tests;
mod vpc;
mod vpc_endpoint;

use std::fmt;

use serde::Serialize;

use self::change::Change;
pub use self::{
    address::AddressChange,
    bucket::BucketChange,
    change::Deed,
    flow_log::FlowLogChange,
    nat_gateway::NatGatewayChange,
    network_acl::NetworkAclChange,
    planned::{ActionId, CutOff, Disruption, PlannedAction, Priority, Serves},
    role::RoleChange,
    route::RouteChange,
    security_group::SecurityGroupChange,
    tags::TagsChange,
    vpc::{DnsAttribute, VpcChange},
    vpc_endpoint::VpcEndpointChange,
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{ResourceKey, joined, listed},
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

/// One change to AWS. Each is one call, or calls that EC2 limits to one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Action {
    /// To the VPC itself.
    Vpc(VpcChange),
    /// To a security group.
    SecurityGroup(SecurityGroupChange),
    /// To a VPC endpoint.
    VpcEndpoint(VpcEndpointChange),
    /// To an elastic IP address.
    Address(AddressChange),
    /// To a NAT gateway.
    NatGateway(NatGatewayChange),
    /// To a route.
    Route(RouteChange),
    /// To a network ACL.
    NetworkAcl(NetworkAclChange),
    /// To a flow log.
    FlowLog(FlowLogChange),
    /// To a bucket.
    Bucket(BucketChange),
    /// To an execution role.
    Role(RoleChange),
    /// To the tags of anything.
    Tags(TagsChange),
}

impl Action {
    fn change_of_noun(&self) -> &dyn Change {
        match self {
            Self::Vpc(change) => change,
            Self::SecurityGroup(change) => change,
            Self::VpcEndpoint(change) => change,
            Self::Address(change) => change,
            Self::NatGateway(change) => change,
            Self::Route(change) => change,
            Self::NetworkAcl(change) => change,
            Self::FlowLog(change) => change,
            Self::Bucket(change) => change,
            Self::Role(change) => change,
            Self::Tags(change) => change,
        }
    }

    /// The name of AWS's action, as in its documentation, CloudTrail and, after
    /// the [`service`](Self::service), IAM.
    pub fn name(&self) -> &'static str {
        Call::from(self).name()
    }

    /// The service that does it, as IAM writes it before an action's name.
    pub fn service(&self) -> &'static str {
        Call::from(self).prefix()
    }

    /// What becomes of what it works on.
    pub fn deed(&self) -> Deed {
        self.change_of_noun().deed()
    }

    /// What it works on: an id, or the key of what is made.
    pub fn resource(&self) -> String {
        self.change_of_noun().resource()
    }

    /// A part of the names of AWS's actions on the same kind of resource.
    pub fn family(&self) -> &'static str {
        self.change_of_noun().family()
    }

    /// The key of what it makes, if it makes something.
    pub fn makes(&self) -> Option<&ResourceKey> {
        self.change_of_noun().makes()
    }

    /// The ARN of the role that it puts our policy on, if it does.
    pub fn puts_policy_on(&self) -> Option<&str> {
        if let Self::Role(RoleChange::PutPolicy { role, .. }) = self {
            Some(role)
        } else {
            None
        }
    }

    /// What it changes, field by field, for a person to read. Long lists are
    /// cut short.
    pub fn change(&self) -> String {
        self.change_of_noun().describe(&listed)
    }

    /// Like [`change`](Self::change), with nothing cut short.
    pub fn full_change(&self) -> String {
        self.change_of_noun().describe(&joined)
    }

    /// Like [`full_change`](Self::full_change), and the same before and after
    /// what it refers to got its id.
    pub fn lasting_change(&self) -> String {
        let lasting = self.change_of_noun().lasting(&joined);
        lasting.unwrap_or_else(|| self.full_change())
    }

    /// The policy that it puts in force, if it does.
    pub(in crate::plan) fn policy(&self) -> Option<&PolicyDocument> {
        self.change_of_noun().policy()
    }

    /// What it gives the network: whoever says why it is not done tells of that.
    pub(in crate::plan) fn gives(&self) -> Vec<Lack> {
        self.change_of_noun().gives()
    }
}

impl From<&Action> for Call {
    /// The call that carries an action out.
    fn from(action: &Action) -> Self {
        action.change_of_noun().call()
    }
}
