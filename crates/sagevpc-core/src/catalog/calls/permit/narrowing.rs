//! How far the policy is narrowed for one installation: to a cluster, VPCs,
//! buckets and roles, and by what is not used.
//!
//! Which condition keys EC2 gives with which action is in the
//! [service authorization reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html):
//! `ec2:Vpc` comes with routes, rules of network ACLs and security groups, and
//! with subnets, route tables and groups that are referred to, except by
//! CreateVpcEndpoint, which the VPC that it is in narrows instead.

use std::{collections::BTreeSet, str::FromStr};

use serde_json::{Value, json};

use super::{Grant, PermitCondition, ec2_arns};
use crate::{
    catalog::calls::{Call, Feature},
    types::TAG_CLUSTER,
};

/// Something that makes the policy wider and that not everyone needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Widening {
    /// Taking over security groups and endpoints that were there (`spec.adopt`).
    Adopt,
    /// Changing policies of buckets (`spec.grants.enforce.buckets`).
    BucketPolicies,
    /// Changing inline policies of execution roles (`spec.grants.enforce.roles`).
    RolePolicies,
    /// NAT gateways, their addresses and routes (`internet.mode: ManagedNat`).
    Nat,
    /// Rules of network ACLs (`networkAcls.mode: Enforce`).
    NetworkAcls,
    /// Flow logs, and passing the role that writes them (`spec.flowLogs`).
    FlowLogs,
    /// Turning DNS on (`dns: Enforce`).
    Dns,
    /// Seeing what SageMaker runs (`spec.discovery`).
    Discovery,
    /// Assuming roles of other accounts (`spec.credentials`).
    OtherAccounts,
}

impl Widening {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Adopt,
        Self::BucketPolicies,
        Self::RolePolicies,
        Self::Nat,
        Self::NetworkAcls,
        Self::FlowLogs,
        Self::Dns,
        Self::Discovery,
        Self::OtherAccounts,
    ];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::BucketPolicies => "bucket-policies",
            Self::RolePolicies => "role-policies",
            Self::Nat => "nat",
            Self::NetworkAcls => "network-acls",
            Self::FlowLogs => "flow-logs",
            Self::Dns => "dns",
            Self::Discovery => "discovery",
            Self::OtherAccounts => "other-accounts",
        }
    }

    /// The one that a call is for, as far as it changes anything or sees more
    /// than the network.
    fn of(call: Call) -> Option<Self> {
        match call.facts().feature {
            Feature::Dns => Some(Self::Dns),
            Feature::Internet => Some(Self::Nat),
            Feature::NetworkAcls => Some(Self::NetworkAcls),
            Feature::FlowLogs => Some(Self::FlowLogs),
            Feature::RolePolicies => Some(Self::RolePolicies),
            Feature::Discovery => Some(Self::Discovery),
            Feature::OtherAccounts => Some(Self::OtherAccounts),
            Feature::Observation
            | Feature::Endpoints
            | Feature::SecurityGroups
            | Feature::BucketPolicies
            | Feature::Roles
            | Feature::Tagging => None,
        }
    }
}

impl FromStr for Widening {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|widening| widening.as_str() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|widening| widening.as_str()).collect();
            format!("write any of {}", names.join(", "))
        })
    }
}

/// Half of the policy: a managed policy takes so many characters, and a role
/// takes several policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is looked at: all that `managementPolicy: Observe` needs.
    Reads,
    /// What is changed.
    Changes,
}

/// How far the policy is narrowed. What is empty narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// The cluster's id, as in the tag `sagevpc.dev/cluster`.
    pub cluster_id: Option<String>,
    /// The account that execution roles are in.
    pub account: Option<String>,
    /// Ids of the VPCs.
    pub vpcs: Vec<String>,
    /// Names of buckets whose policies are looked at or changed; `*` stands for
    /// any characters.
    pub buckets: Vec<String>,
    /// Names or ARNs of execution roles, likewise.
    pub roles: Vec<String>,
    /// The ARN of the permissions boundary that a role must have to be given
    /// anything.
    pub permissions_boundary: Option<String>,
    /// What is left out.
    pub without: BTreeSet<Widening>,
    /// Only this half.
    pub part: Option<Part>,
}

impl Narrowing {
    pub(super) fn account(&self) -> &str {
        self.account.as_deref().unwrap_or("*")
    }

    /// Whether what a call needs by this grant is in the policy.
    pub(super) fn keeps(&self, call: Call, grant: Grant) -> bool {
        let left_out = |widening: Option<Widening>| widening.is_some_and(|widening| self.without.contains(&widening));
        !left_out(Widening::of(call)) && !left_out(grant.widening())
    }

    /// The types of what carries our tags.
    pub(super) fn taggable(&self) -> Vec<&'static str> {
        let all = [
            ("elastic-ip", Some(Widening::Nat)),
            ("natgateway", Some(Widening::Nat)),
            ("security-group", None),
            ("vpc-endpoint", None),
            ("vpc-flow-log", Some(Widening::FlowLogs)),
        ];
        let kept = all
            .iter()
            .filter(|(_, widening)| widening.is_none_or(|widening| !self.without.contains(&widening)));
        kept.map(|(kind, _)| *kind).collect()
    }

    /// The VPCs. An id is one VPC's, whoever's it is.
    pub(super) fn vpc_arns(&self) -> Value {
        if self.vpcs.is_empty() {
            return ec2_arns(&["vpc"]);
        }
        self.vpcs.iter().map(|id| format!("arn:*:ec2:*:*:vpc/{id}")).collect()
    }

    pub(super) fn bucket_arns(&self) -> Value {
        if self.buckets.is_empty() {
            return json!("arn:*:s3:::*");
        }
        self.buckets.iter().map(|name| format!("arn:*:s3:::{name}")).collect()
    }

    pub(super) fn role_arns(&self) -> Vec<String> {
        if self.roles.is_empty() {
            return vec![format!("arn:*:iam::{}:role/*", self.account())];
        }
        let arn = |role: &String| {
            if role.starts_with("arn:") {
                role.clone()
            } else {
                format!("arn:*:iam::{}:role/{role}", self.account())
            }
        };
        self.roles.iter().map(arn).collect()
    }

    /// Only within the VPCs.
    pub(super) fn in_vpcs(&self) -> PermitCondition {
        self.within("ArnLike")
    }

    /// Only within the VPCs, where EC2 says in which one something is.
    pub(super) fn in_vpcs_if_told(&self) -> PermitCondition {
        self.within("ArnLikeIfExists")
    }

    fn within(&self, operator: &str) -> PermitCondition {
        if self.vpcs.is_empty() {
            return PermitCondition::default();
        }
        PermitCondition::of(operator, "ec2:Vpc", self.vpc_arns())
    }

    /// Only if the request gives our tag.
    pub(super) fn request_tag(&self) -> PermitCondition {
        self.tag("aws:RequestTag")
    }

    /// Only on what has our tag.
    pub(super) fn resource_tag(&self) -> PermitCondition {
        self.tag("aws:ResourceTag")
    }

    fn tag(&self, key: &str) -> PermitCondition {
        let key = format!("{key}/{TAG_CLUSTER}");
        match &self.cluster_id {
            Some(id) => PermitCondition::of("StringEquals", &key, json!(id)),
            None => PermitCondition::of("Null", &key, json!("false")),
        }
    }

    /// Only while one of these calls makes it, and with our tag where that is
    /// known.
    pub(super) fn created(&self, by: Vec<&str>) -> PermitCondition {
        let while_made = PermitCondition::of("StringEquals", "ec2:CreateAction", json!(by));
        match self.cluster_id {
            Some(_) => while_made.and(self.request_tag()),
            None => while_made,
        }
    }

    /// Only on roles with the boundary, where one is asked for.
    pub(super) fn boundary(&self) -> Option<PermitCondition> {
        let boundary = self.permissions_boundary.as_ref()?;
        Some(PermitCondition::of(
            "ArnEquals",
            "iam:PermissionsBoundary",
            json!(boundary),
        ))
    }
}
