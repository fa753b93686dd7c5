//! The actions on network interfaces that SageMaker takes with an execution
//! role's permissions, and the rest of what Elastic Inference's page lists.

use super::RoleActions;

/// What most pages list.
const ENI_9: [&str; 9] = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
];

const ENI_10: &str = "ec2:DescribeVpcEndpoints";

/// The managed policy AmazonSageMakerFullAccess lacks it, though AWS's page on
/// Neo says that the policy is enough.
const ENI_11: &str = "ec2:ModifyNetworkInterfaceAttribute";

/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html>.
const ELASTIC_INFERENCE: [&str; 1] = ["elastic-inference:Connect"];

impl RoleActions {
    /// The actions, as IAM names them.
    pub fn actions(self) -> Vec<&'static str> {
        let mut actions = Vec::new();
        if self >= Self::Eni9 {
            actions.extend(ENI_9);
        }
        if self >= Self::Eni10 {
            actions.push(ENI_10);
        }
        if self == Self::Eni11 {
            actions.push(ENI_11);
        }
        if self == Self::ElasticInference {
            actions.extend(ELASTIC_INFERENCE);
        }
        actions
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
}
