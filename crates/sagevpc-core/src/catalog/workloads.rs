//! The table of workload kinds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    STUDIO_UI,
    instance_types::{addresses_in_a_cluster, network_cards},
    rules::{
        ALWAYS_FROM_MEMBERS, ALWAYS_TO_MEMBERS, APPS_FROM_MEMBERS, APPS_TO_MEMBERS, DISTRIBUTED_JOB, EFA_FROM_MEMBERS,
        EFA_TO_MEMBERS, FROM_MEMBERS, HTTPS_TO_S3, NFS_TO_OWN_SUBNETS, Options, RuleNeed, TO_MEMBERS, TO_OWN_SUBNETS,
        TRAINING_JOB, When,
    },
};

/// A kind of SageMaker workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum WorkloadKind {
    /// A Neo compilation job (`CreateCompilationJob`).
    Compilation,
    /// A hosted model (`CreateModel`, `CreateEndpointConfig`).
    Hosting,
    /// A processing job (`CreateProcessingJob`).
    Processing,
    /// A hosted model or a notebook instance with an Elastic Inference
    /// accelerator.
    ElasticInference,
    /// A training job (`CreateTrainingJob`).
    Training,
    /// A hyperparameter tuning job (`CreateHyperParameterTuningJob`).
    Tuning,
    /// A batch transform job (`CreateTransformJob`).
    Transform,
    /// A notebook instance (`CreateNotebookInstance`).
    Notebook,
    /// A Studio domain in VpcOnly mode (`CreateDomain`).
    Studio,
    /// A SageMaker Clarify job (`CreateProcessingJob`, or a monitoring schedule).
    Clarify,
    /// A Model Monitor job (`CreateMonitoringSchedule`).
    ModelMonitor,
    /// A HyperPod cluster, or an instance group of one (`CreateCluster`).
    HyperPod,
}

impl WorkloadKind {
    /// The word as users write and read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compilation => "Compilation",
            Self::Hosting => "Hosting",
            Self::Processing => "Processing",
            Self::ElasticInference => "ElasticInference",
            Self::Training => "Training",
            Self::Tuning => "Tuning",
            Self::Transform => "Transform",
            Self::Notebook => "Notebook",
            Self::Studio => "Studio",
            Self::Clarify => "Clarify",
            Self::ModelMonitor => "ModelMonitor",
            Self::HyperPod => "HyperPod",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a kind of workload requires. Counts are per instance where they say so.
#[derive(Debug)]
pub struct Requirements {
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The API call and parameter that take the VPC's configuration.
    pub api: &'static str,
    /// The AWS page that says so.
    pub doc: &'static str,
    /// Free private IPv4 addresses for each instance; for a Studio domain, for
    /// each user.
    pub addresses_per_instance: u32,
    /// How many AWS advises to have instead, where nothing checks it.
    pub addresses_advised: Option<u32>,
    /// The same with an Elastic Fabric Adapter; `None` where there can be none.
    pub addresses_with_efa: Option<u32>,
    /// The fewest and the most subnets that SageMaker takes.
    pub subnets: (usize, usize),
    /// The most security groups that SageMaker takes from us.
    pub security_groups: usize,
    /// Availability zones that its subnets must span, even for one instance.
    pub availability_zones: usize,
    /// Whether the VPC must have default instance tenancy.
    pub default_tenancy: bool,
    /// Whether AWS advises subnets without a route to an internet gateway.
    /// SageMaker does not check it.
    pub private_subnets_advised: bool,
    /// Whether its instances are people, whom a security group that they share
    /// lets into each other's applications.
    pub instances_are_users: bool,
    /// Whether a job of several instances may talk among themselves.
    pub may_be_distributed: bool,
    /// Whether it may have SageMaker's own way to the internet besides the VPC.
    pub may_have_direct_internet_access: bool,
    /// Whether it is a cluster that Slurm or Amazon EKS manages, whose instances
    /// all come from one of its subnets.
    pub is_cluster: bool,
    /// Whether its containers may be without a network
    /// (`EnableNetworkIsolation`).
    pub may_be_isolated: bool,
    /// What it needs besides where it gets predictions from a shadow endpoint;
    /// `None` where it never does.
    pub shadow_endpoint: Option<&'static ShadowEndpointNeeds>,
    /// What else the network must offer.
    pub needs: &'static [Need],
    /// Services that it calls from inside the VPC and cannot do without, by
    /// their short names.
    pub services: &'static [&'static str],
    /// Services that it calls as a rule: without them something less than the
    /// whole is lost.
    pub usual_services: &'static [&'static str],
    /// What its security groups must admit.
    pub rules: &'static [RuleNeed],
    /// What its execution role must be allowed to do about the network.
    pub role_actions: RoleActions,
    /// Those of them that only some of AWS's pages list: without them it is not
    /// known to fail.
    pub role_actions_advised: &'static [&'static str],
    /// Whether SageMaker checks that the role has these on `*` and without a
    /// condition, and refuses the job otherwise.
    pub role_unconditioned: bool,
}

/// What a job needs besides where SageMaker makes an endpoint of the model for
/// it, for as long as it runs.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-vpc.html>.
#[derive(Debug)]
pub struct ShadowEndpointNeeds {
    /// Free private IPv4 addresses for each instance of the endpoint.
    pub addresses_per_instance: u32,
    /// Availability zones that the model's subnets must span, even for one
    /// instance.
    pub availability_zones: usize,
    /// Services by which the job makes the endpoint and asks it.
    pub services: &'static [&'static str],
}

/// What an execution role must be allowed to do about the network, from the
/// least to the most. [`RoleActions::actions`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleActions {
    /// Nothing: SageMaker uses its own service-linked role.
    None,
    /// The nine actions on network interfaces that most pages list.
    Eni9,
    /// These, and DescribeVpcEndpoints.
    Eni10,
    /// These, and ModifyNetworkInterfaceAttribute, which the managed policy
    /// AmazonSageMakerFullAccess does not hold.
    Eni11,
    /// Everything that the page on Elastic Inference lists.
    ElasticInference,
}

/// Something that the network offers to everyone in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A way to Amazon S3 that stays inside AWS: the gateway endpoint.
    S3,
    /// Name resolution.
    Dns,
    /// A domain name in the VPC's DHCP options, without which jobs of SageMaker's
    /// fail to set up their instances.
    ///
    /// See <https://github.com/aws/sagemaker-python-sdk/issues/3955>.
    DomainName,
    /// The Elastic Inference service, its endpoint and its two groups.
    ElasticInference,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3 gateway endpoint",
            Self::Dns => "DNS",
            Self::DomainName => "DHCP domain-name",
            Self::ElasticInference => "Elastic Inference",
        })
    }
}

/// Asks for nothing special. Each kind states against this whatever is true of
/// it, and takes no fact from another kind: one that is corrected for a kind
/// would change others unseen.
const NEUTRAL: Requirements = Requirements {
    about: "",
    api: "",
    doc: "",
    addresses_per_instance: 1,
    addresses_advised: None,
    addresses_with_efa: None,
    subnets: (1, 16),
    security_groups: 5,
    availability_zones: 1,
    default_tenancy: false,
    private_subnets_advised: false,
    instances_are_users: false,
    may_be_distributed: false,
    may_have_direct_internet_access: false,
    is_cluster: false,
    may_be_isolated: false,
    shadow_endpoint: None,
    needs: &[],
    services: &[],
    usual_services: &[],
    rules: &[],
    role_actions: RoleActions::None,
    role_actions_advised: &[],
    role_unconditioned: false,
};

const COMPILATION: Requirements = Requirements {
    about: "A Neo job that compiles a model for its target hardware.",
    api: "CreateCompilationJob, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/neo-vpc.html",
    addresses_per_instance: 2,
    default_tenancy: true,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3, TO_OWN_SUBNETS],
    role_actions: RoleActions::Eni11,
    ..NEUTRAL
};

const HOSTING: Requirements = Requirements {
    about: "A model behind an endpoint.",
    api: "CreateModel, VpcConfig; CreateEndpointConfig, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
    addresses_per_instance: 2,
    subnets: (2, 16),
    availability_zones: 2,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3],
    role_actions: RoleActions::Eni10,
    // The page on hosting lists it, and the page on roles does not:
    // https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    role_actions_advised: &["ec2:DescribeVpcEndpoints"],
    ..NEUTRAL
};

const PROCESSING: Requirements = Requirements {
    about: "A job that prepares data or evaluates a model.",
    api: "CreateProcessingJob, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/process-vpc.html",
    addresses_per_instance: 2,
    private_subnets_advised: true,
    may_be_distributed: true,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns, Need::DomainName],
    rules: DISTRIBUTED_JOB,
    role_actions: RoleActions::Eni9,
    role_unconditioned: true,
    ..NEUTRAL
};

const ELASTIC_INFERENCE: Requirements = Requirements {
    about: "A hosted model or a notebook instance with an Elastic Inference accelerator. AWS shut the service down in \
            2024.",
    api: "CreateModel or CreateNotebookInstance with an AcceleratorType",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html",
    addresses_per_instance: 2,
    subnets: (2, 16),
    // Its client group takes one of the five.
    security_groups: 4,
    availability_zones: 2,
    needs: &[Need::S3, Need::Dns, Need::ElasticInference],
    rules: &[HTTPS_TO_S3],
    role_actions: RoleActions::ElasticInference,
    ..NEUTRAL
};

const TRAINING: Requirements = Requirements {
    about: "A job that trains a model.",
    api: "CreateTrainingJob, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html",
    addresses_per_instance: 2,
    addresses_with_efa: Some(5),
    default_tenancy: true,
    private_subnets_advised: true,
    may_be_distributed: true,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns, Need::DomainName],
    rules: TRAINING_JOB,
    role_actions: RoleActions::Eni9,
    ..NEUTRAL
};

const TUNING: Requirements = Requirements {
    about: "A job that tunes hyperparameters by training many times.",
    api: "CreateHyperParameterTuningJob, TrainingJobDefinition.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html",
    addresses_per_instance: 2,
    addresses_with_efa: Some(5),
    default_tenancy: true,
    private_subnets_advised: true,
    may_be_distributed: true,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns, Need::DomainName],
    rules: TRAINING_JOB,
    role_actions: RoleActions::Eni9,
    ..NEUTRAL
};

const TRANSFORM: Requirements = Requirements {
    about: "A job that sends a whole dataset through a model.",
    api: "CreateModel, VpcConfig; CreateTransformJob",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/batch-vpc.html",
    addresses_per_instance: 2,
    may_be_distributed: true,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3, FROM_MEMBERS, TO_MEMBERS],
    role_actions: RoleActions::Eni9,
    ..NEUTRAL
};

const NOTEBOOK: Requirements = Requirements {
    about: "A notebook instance.",
    api: "CreateNotebookInstance, SubnetId and SecurityGroupIds",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html",
    addresses_per_instance: 1,
    subnets: (1, 1),
    may_have_direct_internet_access: true,
    needs: &[Need::S3, Need::Dns],
    services: &["sagemaker.api", "sagemaker.runtime"],
    rules: &[HTTPS_TO_S3],
    role_actions: RoleActions::Eni9,
    ..NEUTRAL
};

const STUDIO: Requirements = Requirements {
    about: "A Studio domain with AppNetworkAccessType VpcOnly: JupyterLab, Code Editor and other apps in its users' \
            spaces. Its instances are its users.",
    api: "CreateDomain, SubnetIds and DefaultUserSettings.SecurityGroups; CreateUserProfile, UserSettings.SecurityGroups",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html",
    addresses_per_instance: 1,
    addresses_advised: Some(4),
    // SageMaker adds one of its own to the five that an interface takes.
    security_groups: 4,
    default_tenancy: true,
    private_subnets_advised: true,
    instances_are_users: true,
    needs: &[Need::S3, Need::Dns],
    services: &["sagemaker.api", "sagemaker.runtime"],
    // Not every region offers the first, and users who come by the internet do without.
    usual_services: &[STUDIO_UI, "sts", "logs", "servicecatalog"],
    rules: &[HTTPS_TO_S3, NFS_TO_OWN_SUBNETS, APPS_FROM_MEMBERS, APPS_TO_MEMBERS],
    role_actions: RoleActions::None,
    ..NEUTRAL
};

/// As a hosted model needs, and what the job calls to have one.
const SHADOW_ENDPOINT: ShadowEndpointNeeds = ShadowEndpointNeeds {
    addresses_per_instance: 2,
    availability_zones: 2,
    services: &["sagemaker.api", "sagemaker.runtime"],
};

const CLARIFY: Requirements = Requirements {
    about: "A job that looks for bias in data, or in a model by way of a shadow endpoint of it.",
    api: "CreateProcessingJob, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-vpc.html",
    addresses_per_instance: 2,
    private_subnets_advised: true,
    may_be_distributed: true,
    needs: &[Need::S3, Need::Dns, Need::DomainName],
    shadow_endpoint: Some(&SHADOW_ENDPOINT),
    rules: DISTRIBUTED_JOB,
    role_actions: RoleActions::Eni9,
    role_unconditioned: true,
    ..NEUTRAL
};

const MODEL_MONITOR: Requirements = Requirements {
    about: "A job that compares what an endpoint sees with a baseline, on a schedule.",
    api: "CreateMonitoringSchedule, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-scheduling.html",
    addresses_per_instance: 2,
    private_subnets_advised: true,
    may_be_distributed: true,
    may_be_isolated: true,
    needs: &[Need::S3, Need::Dns, Need::DomainName],
    usual_services: &["monitoring"],
    rules: DISTRIBUTED_JOB,
    role_actions: RoleActions::Eni9,
    role_unconditioned: true,
    ..NEUTRAL
};

const HYPERPOD: Requirements = Requirements {
    about: "A HyperPod cluster, or an instance group of one that has a VPC configuration of its own.",
    api: "CreateCluster, VpcConfig; InstanceGroups.OverrideVpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html",
    addresses_per_instance: 1,
    // What a P5 instance takes: nothing says less where the type is not named.
    addresses_with_efa: Some(32),
    private_subnets_advised: true,
    is_cluster: true,
    needs: &[Need::S3, Need::Dns],
    rules: &[
        HTTPS_TO_S3,
        ALWAYS_FROM_MEMBERS,
        ALWAYS_TO_MEMBERS,
        EFA_FROM_MEMBERS,
        EFA_TO_MEMBERS,
    ],
    role_actions: RoleActions::Eni9,
    ..NEUTRAL
};

impl WorkloadKind {
    /// Every kind, in the order of the reference page.
    pub const ALL: [Self; 12] = [
        Self::Compilation,
        Self::Hosting,
        Self::Processing,
        Self::ElasticInference,
        Self::Training,
        Self::Tuning,
        Self::Transform,
        Self::Notebook,
        Self::Studio,
        Self::Clarify,
        Self::ModelMonitor,
        Self::HyperPod,
    ];

    /// What this kind requires.
    pub const fn requirements(self) -> &'static Requirements {
        match self {
            Self::Compilation => &COMPILATION,
            Self::Hosting => &HOSTING,
            Self::Processing => &PROCESSING,
            Self::ElasticInference => &ELASTIC_INFERENCE,
            Self::Training => &TRAINING,
            Self::Tuning => &TUNING,
            Self::Transform => &TRANSFORM,
            Self::Notebook => &NOTEBOOK,
            Self::Studio => &STUDIO,
            Self::Clarify => &CLARIFY,
            Self::ModelMonitor => &MODEL_MONITOR,
            Self::HyperPod => &HYPERPOD,
        }
    }
}

impl Requirements {
    /// Whether what its instances say to each other can be encrypted
    /// (`EnableInterContainerTrafficEncryption`).
    pub fn may_be_encrypted(&self) -> bool {
        self.rules.iter().any(|rule| rule.when == When::Encrypted)
    }
}

impl WorkloadKind {
    /// The rules that a workload of this kind needs.
    pub fn rules(self, options: Options) -> impl Iterator<Item = &'static RuleNeed> {
        let rules = self.requirements().rules.iter();
        rules.filter(move |rule| rule.when.holds(options))
    }

    /// What it needs for a shadow endpoint, where it has one.
    pub fn shadow_endpoint(self, options: Options) -> Option<&'static ShadowEndpointNeeds> {
        self.requirements().shadow_endpoint.filter(|_| options.shadow_endpoint)
    }

    /// Availability zones that its subnets must span, even for one instance.
    pub fn availability_zones(self, options: Options) -> usize {
        let shadow = self
            .shadow_endpoint(options)
            .map_or(0, |shadow| shadow.availability_zones);
        self.requirements().availability_zones.max(shadow)
    }

    /// Services that it calls from inside the VPC and cannot do without.
    pub fn services(self, options: Options) -> impl Iterator<Item = &'static str> {
        let shadow = self.shadow_endpoint(options).map_or(&[][..], |shadow| shadow.services);
        self.requirements().services.iter().chain(shadow).copied()
    }

    /// Free addresses that each instance takes, of the type that is named or of
    /// any.
    pub fn addresses_per_instance(self, options: Options, instance_type: Option<&str>) -> u32 {
        let requirements = self.requirements();
        let cards = instance_type.and_then(network_cards);
        let with_efa = requirements.addresses_with_efa.filter(|_| options.efa);
        if requirements.is_cluster {
            let cards = cards.or(with_efa.filter(|_| instance_type.is_none()));
            return cards.map_or(requirements.addresses_per_instance, |cards| {
                addresses_in_a_cluster(cards, options.eks)
            });
        }
        match with_efa {
            Some(floor) => floor.max(cards.unwrap_or_default()),
            None => requirements.addresses_per_instance,
        }
    }
}

#[cfg(test)]
mod tests;
