//! The IAM policy that the calls come to: how far each permission can be
//! narrowed, and the statement that says so.

use serde_json::{Value, json};

use super::Call;
use crate::types::TAG_CLUSTER;

/// How far a permission can be narrowed: each is a statement of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// IAM lets nobody narrow it: on `*`.
    Read,
    /// What runs, on `*`: lists cannot be narrowed, and what they name is not
    /// known before.
    Discover,
    /// On any VPC. EC2 offers keys for the attribute but does not fill them in.
    ChangeVpc,
    /// On any route table: routes have no tags.
    ChangeRoutes,
    /// On any network ACL: its rules have no tags.
    ChangeNetworkAcls,
    /// On what is made, if the request gives it our tags.
    CreateTagged,
    /// On the places that a creation or change refers to: VPCs, subnets and
    /// route tables.
    Refer,
    /// On the security groups that an endpoint gets or loses, which may be
    /// somebody else's. A grant of its own: with [`Refer`](Self::Refer), groups
    /// could be created without our tags.
    ReferGroups,
    /// On what carries our tags.
    ChangeOurs,
    /// Tags, while a call makes the resource.
    TagOnCreation,
    /// Tags on what is adopted, if the request gives it our tags.
    TagOnAdoption,
    /// Tags on what carries ours.
    TagOurs,
    /// Private names of AWS's services, whose zones are AWS's own.
    UsePrivateDns,
    /// The role that writes flow logs, to VPC flow logs alone.
    PassFlowLogRole,
    /// Delivery of flow logs to a bucket, which IAM lets nobody narrow.
    DeliverLogs,
    /// On any bucket: to be narrowed to those that are granted.
    ReadBuckets,
    /// Likewise, for those in `spec.grants.enforce.buckets`.
    ChangeBuckets,
    /// On any role and managed policy: to see what roles may do.
    ReadRoles,
    /// On roles whose owners gave them our tag.
    ChangeRoles,
    /// On roles named `sagevpc…`, in any account that trusts us.
    AssumeRole,
    /// Everyone has it: IAM knows no such action, or S3 tells even those who
    /// may not.
    Free,
}

impl Grant {
    /// All grants, in the order of their statements.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::Discover,
        Self::ChangeVpc,
        Self::ChangeRoutes,
        Self::ChangeNetworkAcls,
        Self::CreateTagged,
        Self::Refer,
        Self::ReferGroups,
        Self::ChangeOurs,
        Self::TagOnCreation,
        Self::TagOnAdoption,
        Self::TagOurs,
        Self::UsePrivateDns,
        Self::PassFlowLogRole,
        Self::DeliverLogs,
        Self::ReadBuckets,
        Self::ChangeBuckets,
        Self::ReadRoles,
        Self::ChangeRoles,
        Self::AssumeRole,
        Self::Free,
    ];

    /// The statement's id, resources and condition; `None` where no statement
    /// is needed.
    fn statement(self) -> Option<(&'static str, Value, Option<Value>)> {
        let request_tag = || Some(json!({ "Null": { format!("aws:RequestTag/{TAG_CLUSTER}"): "false" } }));
        let resource_tag = || Some(json!({ "Null": { format!("aws:ResourceTag/{TAG_CLUSTER}"): "false" } }));
        let adoptable = || ec2_arns(&["security-group", "vpc-endpoint"]);
        let ours = || {
            ec2_arns(&[
                "elastic-ip",
                "natgateway",
                "security-group",
                "vpc-endpoint",
                "vpc-flow-log",
            ])
        };
        match self {
            Self::Read => Some(("SeeTheNetwork", json!("*"), None)),
            Self::Discover => Some(("SeeWhatRuns", json!("*"), None)),
            Self::ChangeVpc => Some(("TurnDnsOn", ec2_arns(&["vpc"]), None)),
            Self::ChangeRoutes => Some(("LeadOut", ec2_arns(&["route-table"]), None)),
            Self::ChangeNetworkAcls => Some(("OpenNetworkAcls", ec2_arns(&["network-acl"]), None)),
            Self::CreateTagged => Some(("CreateWithOurTags", ours(), request_tag())),
            Self::Refer => Some((
                "UseVpcsSubnetsAndRouteTables",
                ec2_arns(&["route-table", "subnet", "vpc"]),
                None,
            )),
            Self::ReferGroups => Some(("PutGroupsOnEndpoints", ec2_arns(&["security-group"]), None)),
            Self::ChangeOurs => Some(("ChangeWhatHasOurTags", ours(), resource_tag())),
            Self::TagOnCreation => Some((
                "TagWhatIsCreated",
                ours(),
                Some(json!({ "StringEquals": { "ec2:CreateAction": creations() } })),
            )),
            Self::TagOnAdoption => Some(("TagWhatIsAdopted", adoptable(), request_tag())),
            Self::TagOurs => Some(("RetagWhatHasOurTags", ours(), resource_tag())),
            Self::UsePrivateDns => Some(("UsePrivateDns", json!("arn:*:route53:::hostedzone/*"), None)),
            Self::PassFlowLogRole => Some((
                "PassTheRoleOfFlowLogs",
                json!("arn:*:iam::*:role/*"),
                Some(json!({ "StringEquals": { "iam:PassedToService": "vpc-flow-logs.amazonaws.com" } })),
            )),
            Self::DeliverLogs => Some(("DeliverFlowLogs", json!("*"), None)),
            Self::ReadBuckets => Some(("ReadBucketPolicies", json!("arn:*:s3:::*"), None)),
            Self::ChangeBuckets => Some(("ChangeBucketPolicies", json!("arn:*:s3:::*"), None)),
            Self::ReadRoles => Some((
                "SeeExecutionRoles",
                json!(["arn:*:iam::*:role/*", "arn:*:iam::*:policy/*"]),
                None,
            )),
            Self::ChangeRoles => Some((
                "GiveTaggedRolesWhatTheyLack",
                json!("arn:*:iam::*:role/*"),
                resource_tag(),
            )),
            Self::AssumeRole => Some(("ReachOtherAccounts", json!("arn:*:iam::*:role/sagevpc*"), None)),
            Self::Free => None,
        }
    }
}

/// Everything of these types, in any partition, region and account.
fn ec2_arns(types: &[&str]) -> Value {
    match types {
        [only] => json!(format!("arn:*:ec2:*:*:{only}/*")),
        several => several.iter().map(|kind| format!("arn:*:ec2:*:*:{kind}/*")).collect(),
    }
}

/// The calls that tag what they make.
fn creations() -> Vec<&'static str> {
    let mut names: Vec<_> = Call::ALL
        .iter()
        .filter(|call| {
            let mut permissions = call.facts().permissions.iter();
            permissions.any(|permission| permission.grant == Grant::TagOnCreation)
        })
        .map(|call| call.name())
        .collect();
    names.sort_unstable();
    names
}

/// The least IAM policy under which the controller can do all of its work.
///
/// Creations must carry `sagevpc.dev/cluster`, and only what carries it can be
/// changed or deleted. What is adopted gets the tag first: without the statement
/// `TagWhatIsAdopted` nothing that was there before can be touched. VPCs,
/// subnets, route tables and network ACLs are anyone's. Of theirs nothing can be
/// changed but a VPC's DNS attributes (`TurnDnsOn`), routes (`LeadOut`, for
/// `internet.mode: ManagedNat`) and rules (`OpenNetworkAcls`, for
/// `networkAcls.mode: Enforce`); whoever uses none of these can leave the
/// statement out. The first statement alone is enough for
/// `managementPolicy: Observe`, with `ReadBucketPolicies` where profiles ask that
/// buckets are read through VPC endpoints only. Both statements on buckets are
/// to be narrowed to those that are granted. Roles of other accounts can be assumed if they
/// are named `sagevpc…` and trust us. Execution roles are changed only if their
/// owners gave them the tag `sagevpc.dev/cluster`: who could write to any role
/// could do anything.
///
/// EC2 itself calls Route 53 for an endpoint's private names, and CloudWatch
/// Logs for the delivery of flow logs, in the caller's name. See
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html>.
pub fn iam_policy() -> Value {
    let statements: Vec<Value> = Grant::ALL.iter().copied().filter_map(statement_of).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement_of(grant: Grant) -> Option<Value> {
    let (sid, resource, condition) = grant.statement()?;
    let mut actions: Vec<&str> = Call::ALL
        .iter()
        .flat_map(|call| call.facts().permissions)
        .filter(|permission| permission.grant == grant)
        .map(|permission| permission.action)
        .collect();
    actions.sort_unstable();
    actions.dedup();
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    Some(statement)
}

#[cfg(test)]
mod tests;
