//! What else of SageMaker's takes a VPC's configuration, and as which kinds it is
//! declared: its network needs are theirs.

use super::WorkloadKind;

/// Something of SageMaker's that a profile declares as other kinds.
#[derive(Debug)]
pub struct Taker {
    /// What it is called.
    pub name: &'static str,
    /// The API call and parameter that take the VPC's configuration.
    pub api: &'static str,
    /// What a profile declares for it.
    pub kinds: &'static [WorkloadKind],
    /// Why, and what to mind.
    pub note: &'static str,
}

/// All of them, by name.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html>.
pub const TAKERS: &[Taker] = &[
    Taker {
        name: "AutoML",
        api: "CreateAutoMLJobV2, SecurityConfig.VpcConfig",
        kinds: &[
            WorkloadKind::Processing,
            WorkloadKind::Training,
            WorkloadKind::Transform,
        ],
        note: "Autopilot runs jobs of these kinds with the configuration that it is given; declare Hosting besides \
               where it deploys its best model.",
    },
    Taker {
        name: "Canvas",
        api: "CreateDomain, SubnetIds and DefaultUserSettings.SecurityGroups",
        kinds: &[WorkloadKind::Studio],
        note: "Canvas is an app of a Studio domain. presets: [Canvas] stands for what it calls besides, such as \
               ecr.api, ecr.dkr, monitoring, application-autoscaling, athena or redshift-data; add JumpStart and Bedrock \
               where it uses foundation models.",
    },
    Taker {
        name: "Cluster",
        api: "CreateCluster, VpcConfig; InstanceGroups.OverrideVpcConfig",
        kinds: &[WorkloadKind::HyperPod],
        note: "A workload for the cluster, and one for each instance group that has a VPC configuration of its own.",
    },
    Taker {
        name: "Domain",
        api: "CreateDomain, SubnetIds and DefaultUserSettings.SecurityGroups",
        kinds: &[WorkloadKind::Studio],
        note: "Its user profiles and spaces are the workload's instances.",
    },
    Taker {
        name: "Endpoint",
        api: "CreateModel, VpcConfig; CreateEndpointConfig, VpcConfig",
        kinds: &[WorkloadKind::Hosting],
        note: "Shadow variants, and the instances that an update starts before it stops others, count as instances too.",
    },
    Taker {
        name: "InferenceRecommender",
        api: "CreateInferenceRecommendationsJob, InputConfig.VpcConfig",
        kinds: &[WorkloadKind::Hosting],
        note: "It hosts the model on one instance type after the other.",
    },
    Taker {
        name: "JumpStart",
        api: "CreateModel, VpcConfig; CreateTrainingJob, VpcConfig",
        kinds: &[WorkloadKind::Hosting, WorkloadKind::Training],
        note: "presets: [JumpStart] stands for jumpstart-cache-prod-REGION: models and their containers' code come from \
               there.",
    },
    Taker {
        name: "LabelingJob",
        api: "CreateLabelingJob, LabelingJobAlgorithmsConfig.LabelingJobResourceConfig.VpcConfig",
        kinds: &[WorkloadKind::Training, WorkloadKind::Transform],
        note: "Automated labeling trains a model and sends data through it. Without it, nothing of a labeling job is in \
               the VPC.",
    },
    Taker {
        name: "ModelExplainability",
        api: "CreateModelExplainabilityJobDefinition, NetworkConfig.VpcConfig",
        kinds: &[WorkloadKind::Clarify],
        note: "As is ModelBias (CreateModelBiasJobDefinition), with shadowEndpoint.",
    },
    Taker {
        name: "ModelQuality",
        api: "CreateModelQualityJobDefinition, NetworkConfig.VpcConfig",
        kinds: &[WorkloadKind::ModelMonitor],
        note: "As is DataQuality (CreateDataQualityJobDefinition).",
    },
    Taker {
        name: "OptimizationJob",
        api: "CreateOptimizationJob, VpcConfig",
        kinds: &[WorkloadKind::Training],
        note: "It reads a model from S3 and writes another there.",
    },
    Taker {
        name: "TrainingPlan",
        api: "CreateTrainingJob, ResourceConfig.TrainingPlanArn; CreateCluster, InstanceGroups.TrainingPlanArn",
        kinds: &[WorkloadKind::Training, WorkloadKind::HyperPod],
        note: "A plan's capacity is in one availability zone: give a subnet of that zone in spec.subnets.",
    },
    Taker {
        name: "Workforce",
        api: "CreateWorkforce, WorkforceVpcConfig",
        kinds: &[],
        note: "No kind is declared for it: SageMaker makes an interface endpoint for the workers' portal in these \
               subnets, of an address in each, with these security groups, which must admit the workers on TCP 443.",
    },
];

/// The one with this name, in any case.
pub fn taker(name: &str) -> Option<&'static Taker> {
    TAKERS.iter().find(|taker| taker.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_called_as_a_kind_is_and_all_are_in_order() {
        for taker in TAKERS {
            let is_kind = WorkloadKind::ALL
                .into_iter()
                .any(|kind| kind.as_str().eq_ignore_ascii_case(taker.name));
            assert!(!is_kind, "{}", taker.name);
            assert!(
                taker.api.starts_with("Create") && taker.note.ends_with('.'),
                "{}",
                taker.name
            );
        }
        assert!(TAKERS.is_sorted_by_key(|taker| taker.name));
        assert!(taker("automl").is_some_and(|taker| taker.kinds.contains(&WorkloadKind::Training)));
    }
}
