//! What an execution role must be allowed: the actions on network interfaces
//! that SageMaker takes with the role's permissions, and the rest of what
//! Elastic Inference's page lists.

use std::collections::BTreeSet;

use super::{RoleActions, WorkloadKind};
use iam_policy::Comparison;

/// Whom a role's trust policy must let assume it.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>.
pub const SAGEMAKER_PRINCIPAL: &str = "sagemaker.amazonaws.com";

/// Actions that an execution role must be allowed, all on the same resources.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleNeed {
    /// The actions, as IAM names them. `sagemaker:*` stands for all of them.
    pub actions: &'static [&'static str],
    /// On what: `*`, or ARNs of the partition `aws`, with wildcards.
    pub resources: &'static [&'static str],
    /// Under what circumstances SageMaker takes them; under any where `None`.
    pub when: Option<RoleCondition>,
    /// Whether a controller of networks may give them.
    pub part: RolePart,
}

/// What a need of a role's is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RolePart {
    /// The workload's network interfaces: what our inline policy may hold.
    Network,
    /// Anything else, such as data, images and the passing of roles. It is
    /// verified and told, and never given: whoever may write a profile must not
    /// raise a role by it.
    Other,
}

/// A condition under which it is enough that a role is allowed an action.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleCondition {
    /// How the key is compared.
    pub operator: Comparison,
    /// The context key.
    pub key: &'static str,
    /// Its value in SageMaker's requests.
    pub value: &'static str,
}

/// Every resource.
const ALL: &[&str] = &["*"];

const fn on_all(part: RolePart, actions: &'static [&'static str]) -> RoleNeed {
    RoleNeed {
        actions,
        resources: ALL,
        when: None,
        part,
    }
}

const fn network(actions: &'static [&'static str]) -> RoleNeed {
    on_all(RolePart::Network, actions)
}

const fn other(actions: &'static [&'static str]) -> RoleNeed {
    on_all(RolePart::Other, actions)
}

/// What most pages list.
const ENI_9: RoleNeed = network(&[
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]);

const ENI_10: RoleNeed = network(&["ec2:DescribeVpcEndpoints"]);

/// The managed policy AmazonSageMakerFullAccess lacks it, though AWS's page on
/// Neo says that the policy is enough.
const ENI_11: RoleNeed = network(&["ec2:ModifyNetworkInterfaceAttribute"]);

static NOTHING: [RoleNeed; 0] = [];
static NINE: [RoleNeed; 1] = [ENI_9];
static TEN: [RoleNeed; 2] = [ENI_9, ENI_10];
static ELEVEN: [RoleNeed; 3] = [ENI_9, ENI_10, ENI_11];

/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html>.
static ELASTIC_INFERENCE: [RoleNeed; 12] = [
    ENI_9,
    ENI_10,
    other(&["elastic-inference:Connect"]),
    other(&["sagemaker:*"]),
    other(&[
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
    ]),
    other(&[
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutMetricData",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
    ]),
    other(&[
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeleteScheduledAction",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
    ]),
    other(&[
        "s3:CreateBucket",
        "s3:GetBucketLocation",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
    ]),
    RoleNeed {
        actions: &["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        resources: &[
            "arn:aws:s3:::*SageMaker*",
            "arn:aws:s3:::*Sagemaker*",
            "arn:aws:s3:::*sagemaker*",
        ],
        when: None,
        part: RolePart::Other,
    },
    RoleNeed {
        actions: &["s3:GetObject"],
        resources: ALL,
        when: Some(RoleCondition {
            operator: Comparison::StringEqualsIgnoreCase,
            key: "s3:ExistingObjectTag/SageMaker",
            value: "true",
        }),
        part: RolePart::Other,
    },
    RoleNeed {
        actions: &["iam:CreateServiceLinkedRole"],
        resources: &[
            "arn:aws:iam::*:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/\
             AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        ],
        when: Some(RoleCondition {
            operator: Comparison::StringLike,
            key: "iam:AWSServiceName",
            value: "sagemaker.application-autoscaling.amazonaws.com",
        }),
        part: RolePart::Other,
    },
    RoleNeed {
        actions: &["iam:PassRole"],
        resources: ALL,
        when: Some(RoleCondition {
            operator: Comparison::StringEquals,
            key: "iam:PassedToService",
            value: SAGEMAKER_PRINCIPAL,
        }),
        part: RolePart::Other,
    },
];

impl RoleActions {
    /// All sets, from the least to the most.
    pub const ALL: [Self; 5] = [Self::None, Self::Eni9, Self::Eni10, Self::Eni11, Self::ElasticInference];

    /// What must be allowed, and on what.
    pub fn needs(self) -> &'static [RoleNeed] {
        match self {
            Self::None => &NOTHING,
            Self::Eni9 => &NINE,
            Self::Eni10 => &TEN,
            Self::Eni11 => &ELEVEN,
            Self::ElasticInference => &ELASTIC_INFERENCE,
        }
    }

    /// Everything that a role may be given by us, whatever kinds of workload run
    /// with it.
    pub fn network_needs() -> BTreeSet<&'static RoleNeed> {
        let needs = Self::ALL.into_iter().flat_map(Self::needs);
        needs.filter(|need| need.part == RolePart::Network).collect()
    }

    /// The actions, as IAM names them, each once.
    pub fn actions(self) -> Vec<&'static str> {
        let mut actions: Vec<&str> = Vec::new();
        for action in self.needs().iter().flat_map(|need| need.actions) {
            if !actions.contains(action) {
                actions.push(action);
            }
        }
        actions
    }
}

impl RoleNeed {
    /// Whether AWS's policy simulation can be asked about it: that takes no
    /// wildcards in actions, and what is asked for all at once has one set of
    /// resources and circumstances.
    pub fn can_be_simulated(&self) -> bool {
        self.resources == ALL && self.when.is_none() && !self.actions.iter().any(|action| action.contains('*'))
    }

    /// The resources, as they are called in a partition.
    pub fn resources_in(&self, partition: &str) -> Vec<String> {
        let in_partition = |arn: &&str| arn.replacen("arn:aws:", &format!("arn:{partition}:"), 1);
        self.resources.iter().map(in_partition).collect()
    }
}

impl WorkloadKind {
    /// Whether SageMaker takes a role only that is allowed these actions on `*`
    /// with no condition: it checks before a processing job starts.
    ///
    /// See <https://docs.aws.amazon.com/sagemaker/latest/dg/process-vpc.html>.
    pub const fn wants_role_actions_without_condition(self) -> bool {
        match self {
            Self::Processing | Self::Clarify | Self::ModelMonitor => true,
            Self::Compilation
            | Self::Hosting
            | Self::ElasticInference
            | Self::Training
            | Self::Tuning
            | Self::Transform
            | Self::Notebook
            | Self::Studio
            | Self::HyperPod => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_have_the_sizes_that_their_names_say() {
        let sizes = [
            RoleActions::None,
            RoleActions::Eni9,
            RoleActions::Eni10,
            RoleActions::Eni11,
        ]
        .map(|set| set.actions().len());
        assert_eq!(sizes, [0, 9, 10, 11]);
    }

    #[test]
    fn elastic_inference_needs_what_its_page_lists_and_the_ten() {
        let actions: BTreeSet<_> = RoleActions::ElasticInference.actions().into_iter().collect();
        assert!(
            RoleActions::Eni10
                .actions()
                .iter()
                .all(|action| actions.contains(action))
        );
        let of = |service: &str| actions.iter().filter(|action| action.starts_with(service)).count();
        let services = [
            "elastic-inference:",
            "sagemaker:",
            "ecr:",
            "cloudwatch:",
            "ec2:",
            "application-autoscaling:",
            "logs:",
            "s3:",
            "iam:",
        ];
        assert_eq!(services.map(of), [1, 1, 4, 4, 10, 10, 5, 7, 2]);
        assert_eq!(services.map(of).iter().sum::<usize>(), actions.len());
    }

    #[test]
    fn the_network_part_is_what_the_pages_list_about_interfaces() {
        // Written out, so that nothing gets into it by being called so.
        let listed = BTreeSet::from([
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
            "ec2:ModifyNetworkInterfaceAttribute",
        ]);
        let needs = RoleActions::network_needs();
        let actions: BTreeSet<_> = needs.iter().flat_map(|need| need.actions).copied().collect();
        assert_eq!(actions, listed);
    }

    #[test]
    fn arns_are_those_of_the_partition() {
        let objects = ELASTIC_INFERENCE.iter().find(|need| need.actions.len() == 3);
        assert_eq!(
            objects.map(|need| need.resources_in("aws-cn")[2].clone()).as_deref(),
            Some("arn:aws-cn:s3:::*sagemaker*")
        );
    }
}
