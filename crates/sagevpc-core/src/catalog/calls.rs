//! Every call to AWS that the controller makes: one table.
//!
//! What each call needs of IAM, what it draws on AWS's request quotas, and what
//! it is for. [`iam_policy()`] follows from it, so a call cannot be added without
//! its permission. Resource types and condition keys follow the
//! [service authorization reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html),
//! quotas the [EC2 throttling page](https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).

mod permit;

use std::{fmt, time::Duration};

use crate::types::Direction;

pub use permit::{Grant, MANAGED_POLICY_MAX_CHARS, Narrowing, Part, Widening, iam_policy};

/// A service of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon EC2, which the VPC is a part of.
    Ec2,
    /// Amazon SageMaker.
    SageMaker,
    /// AWS Security Token Service.
    Sts,
    /// Amazon S3.
    S3,
    /// AWS Identity and Access Management.
    Iam,
}

impl Service {
    /// The prefix of its permissions in IAM, and its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::SageMaker => "sagemaker",
            Self::Sts => "sts",
            Self::S3 => "s3",
            Self::Iam => "iam",
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
    /// SageMaker's lists and descriptions. AWS publishes no bucket for them, so
    /// this is less than what an account has by default.
    SageMaker,
    /// A bucket's settings. S3 says of no number, only that these calls are
    /// not meant to be frequent.
    Bucket,
    /// AWS STS.
    Identity,
    /// AWS IAM, for which AWS publishes no figures: little enough to leave room
    /// for the account's people.
    Roles,
}

impl Throttle {
    /// How many calls may be made at once after a time of rest.
    pub const fn burst(self) -> u32 {
        match self {
            Self::Describe | Self::Tags => 100,
            Self::Endpoint => 4,
            Self::SageMaker => 10,
            Self::NatGateway => 10,
            Self::Change | Self::Roles => 50,
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
            Self::SageMaker => Duration::from_millis(250),
            Self::Tags | Self::Bucket => Duration::from_millis(100),
            Self::Change | Self::Roles => Duration::from_millis(200),
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
    /// VPC endpoints: the gateway endpoint for S3, and interface endpoints.
    Endpoints,
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
    /// Execution roles that workloads name.
    Roles,
    /// `spec.grants.enforce.roles`.
    RolePolicies,
    /// Adoption, release, `deletionPolicy: Retain`, `spec.tags`.
    Tagging,
    /// `spec.discovery`: what runs in a VPC.
    Discovery,
    /// `spec.credentials`: VPCs of other accounts.
    OtherAccounts,
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
    ($($name:ident: $service:ident $prefix:literal, $mutates:literal, $throttle:ident, $feature:ident,
        [$($action:ident: $grant:ident),* $(; $($other:literal: $other_grant:ident),*)?];)*) => {
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

            /// Its service, as IAM writes it before the name: `ec2`.
            pub const fn prefix(self) -> &'static str {
                match self { $(Self::$name => $prefix,)* }
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
                    permissions: &[
                        $(Permission {
                            action: concat!($prefix, ":", stringify!($action)),
                            grant: Grant::$grant,
                        },)*
                        $($(Permission { action: $other, grant: Grant::$other_grant },)*)?
                    ],
                },)* }
            }
        }
    };
}

calls! {
    DescribeAddresses: Ec2 "ec2", false, Describe, Observation, [DescribeAddresses: Read];
    DescribeDhcpOptions: Ec2 "ec2", false, Describe, Observation, [DescribeDhcpOptions: Read];
    DescribeFlowLogs: Ec2 "ec2", false, Describe, Observation, [DescribeFlowLogs: Read];
    DescribeInstanceTypeOfferings: Ec2 "ec2", false, Describe, Observation, [DescribeInstanceTypeOfferings: Read];
    DescribeInternetGateways: Ec2 "ec2", false, Describe, Observation, [DescribeInternetGateways: Read];
    DescribeNatGateways: Ec2 "ec2", false, Describe, Observation, [DescribeNatGateways: Read];
    DescribeNetworkAcls: Ec2 "ec2", false, Describe, Observation, [DescribeNetworkAcls: Read];
    DescribeNetworkInterfacePermissions: Ec2 "ec2", false, Describe, Observation,
        [DescribeNetworkInterfacePermissions: Read];
    DescribeNetworkInterfaces: Ec2 "ec2", false, Describe, Observation, [DescribeNetworkInterfaces: Read];
    DescribePrefixLists: Ec2 "ec2", false, Describe, Observation, [DescribePrefixLists: Read];
    DescribeRouteTables: Ec2 "ec2", false, Describe, Observation, [DescribeRouteTables: Read];
    DescribeSecurityGroups: Ec2 "ec2", false, Describe, Observation, [DescribeSecurityGroups: Read];
    DescribeSubnets: Ec2 "ec2", false, Describe, Observation, [DescribeSubnets: Read];
    DescribeTransitGatewayAttachments: Ec2 "ec2", false, Describe, Observation,
        [DescribeTransitGatewayAttachments: Read];
    DescribeTransitGatewayVpcAttachments: Ec2 "ec2", false, Describe, Observation,
        [DescribeTransitGatewayVpcAttachments: Read];
    DescribeVpcAttribute: Ec2 "ec2", false, Describe, Observation, [DescribeVpcAttribute: Read];
    DescribeVpcEndpointServices: Ec2 "ec2", false, Describe, Observation, [DescribeVpcEndpointServices: Read];
    DescribeVpcEndpoints: Ec2 "ec2", false, Describe, Observation, [DescribeVpcEndpoints: Read];
    DescribeVpcPeeringConnections: Ec2 "ec2", false, Describe, Observation, [DescribeVpcPeeringConnections: Read];
    DescribeVpcs: Ec2 "ec2", false, Describe, Observation, [DescribeVpcs: Read];
    DescribeVpnGateways: Ec2 "ec2", false, Describe, Observation, [DescribeVpnGateways: Read];
    SearchTransitGatewayRoutes: Ec2 "ec2", false, Describe, Observation, [SearchTransitGatewayRoutes: Read];
    ModifyVpcAttribute: Ec2 "ec2", true, Change, Dns, [ModifyVpcAttribute: ChangeVpc];
    CreateVpcEndpoint: Ec2 "ec2", true, Endpoint, Endpoints,
        [CreateVpcEndpoint: CreateTagged, CreateVpcEndpoint: Refer, CreateVpcEndpoint: ReferGroups,
         CreateTags: TagOnCreation; "route53:AssociateVPCWithHostedZone": UsePrivateDns];
    ModifyVpcEndpoint: Ec2 "ec2", true, Endpoint, Endpoints,
        [ModifyVpcEndpoint: ChangeOurs, ModifyVpcEndpoint: Refer, ModifyVpcEndpoint: ReferGroups;
         "route53:AssociateVPCWithHostedZone": UsePrivateDns];
    DeleteVpcEndpoints: Ec2 "ec2", true, Endpoint, Endpoints, [DeleteVpcEndpoints: ChangeOurs];
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
        [CreateNatGateway: CreateTagged, CreateNatGateway: Refer, CreateNatGateway: ChangeOurs,
         CreateTags: TagOnCreation; "iam:CreateServiceLinkedRole": LinkNatGatewayRole];
    DeleteNatGateway: Ec2 "ec2", true, NatGateway, Internet, [DeleteNatGateway: ChangeOurs];
    CreateRoute: Ec2 "ec2", true, Change, Internet, [CreateRoute: ChangeRoutes];
    ReplaceRoute: Ec2 "ec2", true, Change, Internet, [ReplaceRoute: ChangeRoutes];
    DeleteRoute: Ec2 "ec2", true, Change, Internet, [DeleteRoute: ChangeRoutes];
    CreateNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [CreateNetworkAclEntry: ChangeNetworkAcls];
    ReplaceNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [ReplaceNetworkAclEntry: ChangeNetworkAcls];
    DeleteNetworkAclEntry: Ec2 "ec2", true, Change, NetworkAcls, [DeleteNetworkAclEntry: ChangeNetworkAcls];
    CreateFlowLogs: Ec2 "ec2", true, Change, FlowLogs,
        [CreateFlowLogs: CreateTagged, CreateFlowLogs: Refer, CreateTags: TagOnCreation;
         "iam:PassRole": PassFlowLogRole, "logs:CreateLogDelivery": DeliverLogs];
    DeleteFlowLogs: Ec2 "ec2", true, Change, FlowLogs,
        [DeleteFlowLogs: ChangeOurs; "logs:DeleteLogDelivery": DeliverLogs];
    CreateTags: Ec2 "ec2", true, Tags, Tagging, [CreateTags: TagOnAdoption, CreateTags: TagOurs];
    DeleteTags: Ec2 "ec2", true, Tags, Tagging, [DeleteTags: TagOurs];
    DescribeCluster: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeCluster: Discover];
    DescribeCompilationJob: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeCompilationJob: Discover];
    DescribeDomain: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeDomain: Discover];
    DescribeEndpoint: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeEndpoint: Discover];
    DescribeEndpointConfig: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeEndpointConfig: Discover];
    DescribeModel: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeModel: Discover];
    DescribeNotebookInstance: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeNotebookInstance: Discover];
    DescribeProcessingJob: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeProcessingJob: Discover];
    DescribeTrainingJob: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeTrainingJob: Discover];
    DescribeTransformJob: SageMaker "sagemaker", false, SageMaker, Discovery, [DescribeTransformJob: Discover];
    ListClusters: SageMaker "sagemaker", false, SageMaker, Discovery, [ListClusters: Discover];
    ListCompilationJobs: SageMaker "sagemaker", false, SageMaker, Discovery, [ListCompilationJobs: Discover];
    ListDomains: SageMaker "sagemaker", false, SageMaker, Discovery, [ListDomains: Discover];
    ListEndpoints: SageMaker "sagemaker", false, SageMaker, Discovery, [ListEndpoints: Discover];
    ListNotebookInstances: SageMaker "sagemaker", false, SageMaker, Discovery, [ListNotebookInstances: Discover];
    ListProcessingJobs: SageMaker "sagemaker", false, SageMaker, Discovery, [ListProcessingJobs: Discover];
    ListTrainingJobs: SageMaker "sagemaker", false, SageMaker, Discovery, [ListTrainingJobs: Discover];
    ListTransformJobs: SageMaker "sagemaker", false, SageMaker, Discovery, [ListTransformJobs: Discover];
    HeadBucket: S3 "s3", false, Bucket, BucketPolicies, [HeadBucket: Free];
    GetBucketPolicy: S3 "s3", false, Bucket, BucketPolicies, [GetBucketPolicy: ReadBuckets];
    PutBucketPolicy: S3 "s3", true, Bucket, BucketPolicies, [PutBucketPolicy: ChangeBuckets];
    DeleteBucketPolicy: S3 "s3", true, Bucket, BucketPolicies, [DeleteBucketPolicy: ChangeBuckets];
    GetRole: Iam "iam", false, Roles, Roles, [GetRole: ReadRoles];
    ListRolePolicies: Iam "iam", false, Roles, Roles, [ListRolePolicies: ReadRoles];
    GetRolePolicy: Iam "iam", false, Roles, Roles, [GetRolePolicy: ReadRoles];
    ListAttachedRolePolicies: Iam "iam", false, Roles, Roles, [ListAttachedRolePolicies: ReadRoles];
    GetPolicy: Iam "iam", false, Roles, Roles, [GetPolicy: ReadRoles];
    GetPolicyVersion: Iam "iam", false, Roles, Roles, [GetPolicyVersion: ReadRoles];
    SimulatePrincipalPolicy: Iam "iam", false, Roles, Roles, [SimulatePrincipalPolicy: ReadRoles];
    PutRolePolicy: Iam "iam", true, Roles, RolePolicies, [PutRolePolicy: ChangeRoles];
    DeleteRolePolicy: Iam "iam", true, Roles, RolePolicies, [DeleteRolePolicy: ChangeRoles];
    AssumeRole: Sts "sts", false, Identity, OtherAccounts, [AssumeRole: AssumeRole];
    GetCallerIdentity: Sts "sts", false, Identity, Observation, [GetCallerIdentity: Free];
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.qualified())
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
