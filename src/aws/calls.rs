//! Every call to AWS that the controller makes: one table.
//!
//! What each call needs of IAM, what it draws on AWS's request quotas, and what
//! it is for. [`iam_policy`] follows from it, so a call cannot be added without
//! its permission. Resource types and condition keys follow the
//! [service authorization reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html),
//! quotas the [EC2 throttling page](https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).

use std::{fmt, time::Duration};

use serde_json::{Value, json};

use crate::{
    plan::Action,
    types::{Direction, TAG_CLUSTER},
};

/// A service of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon EC2, which the VPC is a part of.
    Ec2,
    /// AWS Security Token Service.
    Sts,
    /// Amazon S3.
    S3,
}

impl Service {
    /// The prefix of its permissions in IAM, and its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::S3 => "s3",
        }
    }
}

/// How AWS limits a call. The limit holds for each account, region and action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Throttle {
    /// Describe calls that filter or page, as all of ours do.
    Describe,
    /// Creating, changing and deleting VPC endpoints: by far the scarcest.
    Endpoint,
    /// Creating and deleting NAT gateways.
    NatGateway,
    /// Setting tags and taking them off.
    Tags,
    /// Other changes.
    Change,
    /// A bucket's settings. S3 says of no number, only that these calls are
    /// not meant to be frequent.
    Bucket,
    /// AWS STS.
    Identity,
}

impl Throttle {
    /// How many calls may be made at once after a time of rest.
    pub const fn burst(self) -> u32 {
        match self {
            Self::Describe | Self::Tags => 100,
            Self::Endpoint => 4,
            Self::NatGateway => 10,
            Self::Change => 50,
            Self::Bucket => 20,
            Self::Identity => 600,
        }
    }

    /// How long AWS takes to allow one more.
    pub const fn period(self) -> Duration {
        match self {
            Self::Describe => Duration::from_millis(50),
            Self::Endpoint => Duration::from_nanos(3_333_333_334),
            Self::NatGateway => Duration::from_secs(1),
            Self::Tags | Self::Bucket => Duration::from_millis(100),
            Self::Change => Duration::from_millis(200),
            Self::Identity => Duration::from_nanos(1_666_667),
        }
    }
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Seeing what is there. The only one that `managementPolicy: Observe` needs.
    Observation,
    /// `spec.dns: Enforce`.
    Dns,
    /// The gateway endpoint for S3.
    S3Endpoint,
    /// Security groups that we manage.
    SecurityGroups,
    /// `spec.internet.mode: ManagedNat`.
    Internet,
    /// `spec.networkAcls.mode: Enforce`.
    NetworkAcls,
    /// `spec.flowLogs`.
    FlowLogs,
    /// `requireVpcEndpoint` of buckets; for writing, `spec.grants.enforce.buckets`.
    BucketPolicies,
    /// Adoption, release, `deletionPolicy: Retain`, `spec.tags`.
    Tagging,
    /// `spec.credentials`: VPCs of other accounts.
    OtherAccounts,
}

/// How far a permission can be narrowed: each is a statement of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// IAM lets nobody narrow it: on `*`.
    Read,
    /// On any VPC. EC2 offers keys for the attribute but does not fill them in.
    ChangeVpc,
    /// On any route table: routes have no tags.
    ChangeRoutes,
    /// On any network ACL: its rules have no tags.
    ChangeNetworkAcls,
    /// On what is made, if the request gives it our tags.
    CreateTagged,
    /// On what a creation or change refers to: VPCs and route tables.
    Refer,
    /// On what carries our tags.
    ChangeOurs,
    /// Tags, while a call makes the resource.
    TagOnCreation,
    /// Tags on what is adopted, if the request gives it our tags.
    TagOnAdoption,
    /// Tags on what carries ours.
    TagOurs,
    /// On any bucket: to be narrowed to those that are granted.
    ReadBuckets,
    /// Likewise, for those in `spec.grants.enforce.buckets`.
    ChangeBuckets,
    /// On roles named `sagevpc…`, in any account that trusts us.
    AssumeRole,
    /// Everyone has it: IAM knows no such action, or S3 tells even those who
    /// may not.
    Free,
}

impl Grant {
    /// All grants, in the order of their statements.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::ChangeVpc,
        Self::ChangeRoutes,
        Self::ChangeNetworkAcls,
        Self::CreateTagged,
        Self::Refer,
        Self::ChangeOurs,
        Self::TagOnCreation,
        Self::TagOnAdoption,
        Self::TagOurs,
        Self::ReadBuckets,
        Self::ChangeBuckets,
        Self::AssumeRole,
        Self::Free,
    ];

    /// The statement's id, resources and condition; `None` where no statement
    /// is needed.
    fn statement(self) -> Option<(&'static str, Value, Option<Value>)> {
        let request_tag = || json!({ "Null": { format!("aws:RequestTag/{TAG_CLUSTER}"): "false" } });
        let resource_tag = || json!({ "Null": { format!("aws:ResourceTag/{TAG_CLUSTER}"): "false" } });
        let ours = || json!(["arn:*:ec2:*:*:security-group/*", "arn:*:ec2:*:*:vpc-endpoint/*"]);
        match self {
            Self::Read => Some(("SeeTheNetwork", json!("*"), None)),
            Self::ChangeVpc => Some(("TurnDnsOn", json!("arn:*:ec2:*:*:vpc/*"), None)),
            Self::ChangeRoutes => Some(("LeadOut", json!("arn:*:ec2:*:*:route-table/*"), None)),
            Self::ChangeNetworkAcls => Some(("OpenNetworkAcls", json!("arn:*:ec2:*:*:network-acl/*"), None)),
            Self::CreateTagged => Some(("CreateWithOurTags", ours(), Some(request_tag()))),
            Self::Refer => Some((
                "UseVpcsAndRouteTables",
                json!(["arn:*:ec2:*:*:vpc/*", "arn:*:ec2:*:*:route-table/*"]),
                None,
            )),
            Self::ChangeOurs => Some(("ChangeWhatHasOurTags", ours(), Some(resource_tag()))),
            Self::TagOnCreation => Some((
                "TagWhatIsCreated",
                ours(),
                Some(json!({ "StringEquals": {
                    "ec2:CreateAction": [Call::CreateSecurityGroup.name(), Call::CreateVpcEndpoint.name()],
                } })),
            )),
            Self::TagOnAdoption => Some(("TagWhatIsAdopted", ours(), Some(request_tag()))),
            Self::TagOurs => Some(("RetagWhatHasOurTags", ours(), Some(resource_tag()))),
            Self::ReadBuckets => Some(("ReadBucketPolicies", json!("arn:*:s3:::*"), None)),
            Self::ChangeBuckets => Some(("ChangeBucketPolicies", json!("arn:*:s3:::*"), None)),
            Self::AssumeRole => Some(("ReachOtherAccounts", json!("arn:*:iam::*:role/sagevpc*"), None)),
            Self::Free => None,
        }
    }
}

/// A permission: the action as IAM names it, and how far it can be narrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The action, such as `ec2:CreateTags`.
    pub action: &'static str,
    /// How far it can be narrowed.
    pub grant: Grant,
}

/// What is to be known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The service it goes to.
    pub service: Service,
    /// Whether it changes anything.
    pub mutates: bool,
    /// How AWS limits it.
    pub throttle: Throttle,
    /// What it is for.
    pub feature: Feature,
    /// What it needs of IAM.
    pub permissions: &'static [Permission],
}

macro_rules! calls {
    ($($name:ident: $service:ident $prefix:literal, $mutates:literal, $throttle:ident, $feature:ident, [$($action:ident: $grant:ident),*];)*) => {
        /// A call to AWS, named as in AWS's documentation and in CloudTrail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // The names are AWS's own.
        pub enum Call { $($name,)* }

        impl Call {
            /// Every call that is made.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, such as `CreateVpcEndpoint`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its name with the service's, as IAM writes it: `ec2:CreateVpcEndpoint`.
            pub const fn qualified(self) -> &'static str {
                match self { $(Self::$name => concat!($prefix, ":", stringify!($name)),)* }
            }

            /// What is to be known of it.
            pub const fn facts(self) -> Facts {
                match self { $(Self::$name => Facts {
                    service: Service::$service,
                    mutates: $mutates,
                    throttle: Throttle::$throttle,
                    feature: Feature::$feature,
                    permissions: &[$(Permission {
                        action: concat!($prefix, ":", stringify!($action)),
                        grant: Grant::$grant,
                    },)*],
                },)* }
            }
        }
    };
}

calls! {
    DescribeDhcpOptions: Ec2 "ec2", false, Describe, Observation, [DescribeDhcpOptions: Read];
    DescribeNetworkInterfaces: Ec2 "ec2", false, Describe, Observation, [DescribeNetworkInterfaces: Read];
    DescribePrefixLists: Ec2 "ec2", false, Describe, Observation, [DescribePrefixLists: Read];
    DescribeRouteTables: Ec2 "ec2", false, Describe, Observation, [DescribeRouteTables: Read];
    DescribeSecurityGroups: Ec2 "ec2", false, Describe, Observation, [DescribeSecurityGroups: Read];
    DescribeSubnets: Ec2 "ec2", false, Describe, Observation, [DescribeSubnets: Read];
    DescribeVpcAttribute: Ec2 "ec2", false, Describe, Observation, [DescribeVpcAttribute: Read];
    DescribeVpcEndpointServices: Ec2 "ec2", false, Describe, Observation, [DescribeVpcEndpointServices: Read];
    DescribeVpcEndpoints: Ec2 "ec2", false, Describe, Observation, [DescribeVpcEndpoints: Read];
    DescribeVpcs: Ec2 "ec2", false, Describe, Observation, [DescribeVpcs: Read];
    ModifyVpcAttribute: Ec2 "ec2", true, Change, Dns, [ModifyVpcAttribute: ChangeVpc];
    CreateVpcEndpoint: Ec2 "ec2", true, Endpoint, S3Endpoint,
        [CreateVpcEndpoint: CreateTagged, CreateVpcEndpoint: Refer, CreateTags: TagOnCreation];
    ModifyVpcEndpoint: Ec2 "ec2", true, Endpoint, S3Endpoint, [ModifyVpcEndpoint: ChangeOurs, ModifyVpcEndpoint: Refer];
    DeleteVpcEndpoints: Ec2 "ec2", true, Endpoint, S3Endpoint, [DeleteVpcEndpoints: ChangeOurs];
    CreateSecurityGroup: Ec2 "ec2", true, Change, SecurityGroups,
        [CreateSecurityGroup: CreateTagged, CreateSecurityGroup: Refer, CreateTags: TagOnCreation];
    AuthorizeSecurityGroupIngress: Ec2 "ec2", true, Change, SecurityGroups, [AuthorizeSecurityGroupIngress: ChangeOurs];
    AuthorizeSecurityGroupEgress: Ec2 "ec2", true, Change, SecurityGroups, [AuthorizeSecurityGroupEgress: ChangeOurs];
    RevokeSecurityGroupIngress: Ec2 "ec2", true, Change, SecurityGroups, [RevokeSecurityGroupIngress: ChangeOurs];
    RevokeSecurityGroupEgress: Ec2 "ec2", true, Change, SecurityGroups, [RevokeSecurityGroupEgress: ChangeOurs];
    DeleteSecurityGroup: Ec2 "ec2", true, Change, SecurityGroups, [DeleteSecurityGroup: ChangeOurs];
    AllocateAddress: Ec2 "ec2", true, Change, Internet, [AllocateAddress: CreateTagged, CreateTags: TagOnCreation];
    ReleaseAddress: Ec2 "ec2", true, Change, Internet, [ReleaseAddress: ChangeOurs];
    CreateNatGateway: Ec2 "ec2", true, NatGateway, Internet,
        [CreateNatGateway: CreateTagged, CreateNatGateway: Refer, CreateTags: TagOnCreation];
    DeleteNatGateway: Ec2 "ec2", true, NatGateway, Internet, [DeleteNatGateway: ChangeOurs];
    CreateRoute: Ec2 "ec2", true, Change, Internet, [CreateRoute: ChangeRoutes];
    ReplaceRoute: Ec2 "ec2", true, Change, Internet, [ReplaceRoute: ChangeRoutes];
    DeleteRoute: Ec2 "ec2", true, Change, Internet, [DeleteRoute: ChangeRoutes];
    CreateNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [CreateNetworkAclEntry: ChangeNetworkAcls];
    ReplaceNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [ReplaceNetworkAclEntry: ChangeNetworkAcls];
    DeleteNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [DeleteNetworkAclEntry: ChangeNetworkAcls];
    CreateFlowLogs: Ec2 "ec2", true, Change, FlowLogs,
        [CreateFlowLogs: CreateTagged, CreateFlowLogs: Refer, CreateTags: TagOnCreation];
    DeleteFlowLogs: Ec2 "ec2", true, Change, FlowLogs, [DeleteFlowLogs: ChangeOurs];
    CreateTags: Ec2 "ec2", true, Tags, Tagging, [CreateTags: TagOnAdoption, CreateTags: TagOurs];
    DeleteTags: Ec2 "ec2", true, Tags, Tagging, [DeleteTags: TagOurs];
    HeadBucket: S3 "s3", false, Bucket, BucketPolicies, [HeadBucket: Free];
    GetBucketPolicy: S3 "s3", false, Bucket, BucketPolicies, [GetBucketPolicy: ReadBuckets];
    PutBucketPolicy: S3 "s3", true, Bucket, BucketPolicies, [PutBucketPolicy: ChangeBuckets];
    DeleteBucketPolicy: S3 "s3", true, Bucket, BucketPolicies, [DeleteBucketPolicy: ChangeBuckets];
    AssumeRole: Sts "sts", false, Identity, OtherAccounts, [AssumeRole: AssumeRole];
    GetCallerIdentity: Sts "sts", false, Identity, Observation, [GetCallerIdentity: Free];
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.qualified())
    }
}

impl From<&Action> for Call {
    /// The call that carries an action out.
    fn from(action: &Action) -> Self {
        match action {
            Action::ModifyVpcAttribute { .. } => Self::ModifyVpcAttribute,
            Action::CreateSecurityGroup { .. } => Self::CreateSecurityGroup,
            Action::AuthorizeSecurityGroup { direction, .. } => Self::authorize(*direction),
            Action::RevokeSecurityGroup { direction, .. } => Self::revoke(*direction),
            Action::DeleteSecurityGroup { .. } => Self::DeleteSecurityGroup,
            Action::CreateVpcEndpoint { .. } => Self::CreateVpcEndpoint,
            Action::ModifyVpcEndpoint { .. } => Self::ModifyVpcEndpoint,
            Action::DeleteVpcEndpoint { .. } => Self::DeleteVpcEndpoints,
            Action::CreateInterfaceEndpoint { .. } => Self::CreateVpcEndpoint,
            Action::ModifyInterfaceEndpoint { .. } => Self::ModifyVpcEndpoint,
            Action::AllocateAddress { .. } => Self::AllocateAddress,
            Action::ReleaseAddress { .. } => Self::ReleaseAddress,
            Action::CreateNatGateway { .. } => Self::CreateNatGateway,
            Action::DeleteNatGateway { .. } => Self::DeleteNatGateway,
            Action::CreateRoute { .. } => Self::CreateRoute,
            Action::ReplaceRoute { .. } => Self::ReplaceRoute,
            Action::DeleteRoute { .. } => Self::DeleteRoute,
            Action::CreateNetworkAclEntry { .. } => Self::CreateNetworkAclEntry,
            Action::ReplaceNetworkAclEntry { .. } => Self::ReplaceNetworkAclEntry,
            Action::DeleteNetworkAclEntry { .. } => Self::DeleteNetworkAclEntry,
            Action::CreateFlowLogs { .. } => Self::CreateFlowLogs,
            Action::DeleteFlowLogs { .. } => Self::DeleteFlowLogs,
            Action::PutBucketPolicy { .. } => Self::PutBucketPolicy,
            Action::CreateTags { .. } => Self::CreateTags,
            Action::DeleteTags { .. } => Self::DeleteTags,
        }
    }
}

impl Call {
    /// The call that adds rules of a direction to a security group.
    pub const fn authorize(direction: Direction) -> Self {
        match direction {
            Direction::Ingress => Self::AuthorizeSecurityGroupIngress,
            Direction::Egress => Self::AuthorizeSecurityGroupEgress,
        }
    }

    /// The call that takes rules of a direction off a security group.
    pub const fn revoke(direction: Direction) -> Self {
        match direction {
            Direction::Ingress => Self::RevokeSecurityGroupIngress,
            Direction::Egress => Self::RevokeSecurityGroupEgress,
        }
    }
}

/// The least IAM policy under which the controller can do all of its work.
///
/// Creations must carry `sagevpc.dev/cluster`, and only what carries it can be
/// changed or deleted. What is adopted gets the tag first: without the statement
/// `TagWhatIsAdopted` nothing that was there before can be touched. VPCs and
/// route tables are anyone's: an endpoint is put on them through its own
/// permission, and of theirs nothing can be changed but a VPC's DNS attributes.
/// The first statement alone is enough for `managementPolicy: Observe`, with
/// `ReadBucketPolicies` where profiles ask that buckets are read through VPC
/// endpoints only. Both statements on buckets are to be narrowed to those that
/// are granted. Roles of
/// other accounts can be assumed if they are named `sagevpc…` and trust us.
pub fn iam_policy() -> Value {
    let statements: Vec<Value> = Grant::ALL.into_iter().filter_map(statement_of).collect();
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
