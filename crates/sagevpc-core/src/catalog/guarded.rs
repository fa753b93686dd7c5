//! Which calls to SageMaker can be held to a VPC by IAM, and how.
//!
//! From the condition keys of
//! [Actions, resources, and condition keys for Amazon SageMaker](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).

/// The context key that holds the subnets of a request.
pub const SUBNETS_KEY: &str = "sagemaker:VpcSubnets";
/// The context key that holds the security groups of a request.
pub const GROUPS_KEY: &str = "sagemaker:VpcSecurityGroupIds";

/// How far a call speaks of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamesVpc {
    /// It puts what it makes outside any VPC where it names none.
    Must,
    /// It leaves a VPC as it is where it names none, or is mostly made without
    /// one: classic endpoint configurations have that of their models.
    May,
    /// It takes security groups alone: its subnets are those of a domain.
    Groups,
}

/// A call that takes a VPC's configuration.
#[derive(Debug)]
pub struct GuardedAction {
    /// The action in IAM.
    pub action: &'static str,
    /// How far it speaks of a VPC.
    pub names: NamesVpc,
    /// The type of what it makes or changes, as it stands in ARNs.
    pub resource: &'static str,
}

const fn guarded(action: &'static str, names: NamesVpc, resource: &'static str) -> GuardedAction {
    GuardedAction {
        action,
        names,
        resource,
    }
}

/// All of them, by name. Calls that start what was made before, such as
/// `CreateTransformJob` and `CreateEndpoint`, have no such keys: the model's
/// creation is what counts.
pub const GUARDED_ACTIONS: &[GuardedAction] = &[
    guarded("sagemaker:CreateAutoMLJob", NamesVpc::Must, "automl-job"),
    guarded("sagemaker:CreateAutoMLJobV2", NamesVpc::Must, "automl-job"),
    guarded("sagemaker:CreateCluster", NamesVpc::Must, "cluster"),
    guarded(
        "sagemaker:CreateDataQualityJobDefinition",
        NamesVpc::Must,
        "data-quality-job-definition",
    ),
    guarded("sagemaker:CreateDomain", NamesVpc::Must, "domain"),
    guarded("sagemaker:CreateEndpointConfig", NamesVpc::May, "endpoint-config"),
    guarded(
        "sagemaker:CreateHyperParameterTuningJob",
        NamesVpc::Must,
        "hyper-parameter-tuning-job",
    ),
    guarded("sagemaker:CreateModel", NamesVpc::Must, "model"),
    guarded(
        "sagemaker:CreateModelBiasJobDefinition",
        NamesVpc::Must,
        "model-bias-job-definition",
    ),
    guarded(
        "sagemaker:CreateModelExplainabilityJobDefinition",
        NamesVpc::Must,
        "model-explainability-job-definition",
    ),
    guarded(
        "sagemaker:CreateModelQualityJobDefinition",
        NamesVpc::Must,
        "model-quality-job-definition",
    ),
    guarded(
        "sagemaker:CreateMonitoringSchedule",
        NamesVpc::Must,
        "monitoring-schedule",
    ),
    guarded("sagemaker:CreateNotebookInstance", NamesVpc::Must, "notebook-instance"),
    guarded("sagemaker:CreateProcessingJob", NamesVpc::Must, "processing-job"),
    guarded("sagemaker:CreateTrainingJob", NamesVpc::Must, "training-job"),
    guarded("sagemaker:CreateUserProfile", NamesVpc::Groups, "user-profile"),
    guarded("sagemaker:UpdateCluster", NamesVpc::May, "cluster"),
    guarded("sagemaker:UpdateDomain", NamesVpc::May, "domain"),
    guarded(
        "sagemaker:UpdateMonitoringSchedule",
        NamesVpc::Must,
        "monitoring-schedule",
    ),
    guarded("sagemaker:UpdateUserProfile", NamesVpc::Groups, "user-profile"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_in_order_and_each_once() {
        let names: Vec<&str> = GUARDED_ACTIONS.iter().map(|guarded| guarded.action).collect();
        assert!(names.is_sorted());
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(names.contains(&"sagemaker:CreateTrainingJob"));
        // It takes the model's network, and has no key of its own.
        assert!(!names.contains(&"sagemaker:CreateTransformJob"));
    }
}
