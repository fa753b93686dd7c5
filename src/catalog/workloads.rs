//! The table of workload kinds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::{Direction, PortRange, Protocol};

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
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
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
    /// Whether its subnets must have no route to an internet gateway.
    pub private_subnets: bool,
    /// Whether a job of several instances may talk among themselves.
    pub may_be_distributed: bool,
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
    /// The Elastic Inference service, its endpoint and its two groups.
    ElasticInference,
}

/// When a rule is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// For each workload of the kind.
    Always,
    /// For a job whose instances talk to each other.
    Distributed,
    /// For a job whose instances encrypt what they say to each other.
    Encrypted,
    /// For a job with an Elastic Fabric Adapter.
    Efa,
}

/// The other end of a needed rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerNeed {
    /// S3 in the region, by its prefix list.
    S3,
    /// The addresses of the workload's own subnets.
    SubnetCidrs,
    /// All addresses of the VPC: where its interface endpoints are.
    VpcCidrs,
    /// The other instances of the same job.
    Members,
}

/// A rule that the workload's security groups must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleNeed {
    /// When it is needed.
    pub when: When,
    /// Which way.
    pub direction: Direction,
    /// Which protocol.
    pub protocol: Protocol,
    /// Which ports; `None` for all.
    pub ports: Option<PortRange>,
    /// From or to whom.
    pub peer: PeerNeed,
}

const HTTPS_TO_S3: RuleNeed = RuleNeed {
    when: When::Always,
    direction: Direction::Egress,
    protocol: Protocol::TCP,
    ports: Some(PortRange::only(443)),
    peer: PeerNeed::S3,
};

/// What whoever calls a service through its interface endpoint needs.
pub const HTTPS_TO_ENDPOINTS: RuleNeed = RuleNeed {
    peer: PeerNeed::VpcCidrs,
    ..HTTPS_TO_S3
};

// AWS's page names neither protocol nor port for the subnets' addresses, so
// nothing narrower than all of them is known to suffice.
const TO_OWN_SUBNETS: RuleNeed = RuleNeed {
    when: When::Always,
    direction: Direction::Egress,
    protocol: Protocol::All,
    ports: None,
    peer: PeerNeed::SubnetCidrs,
};

const FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Distributed,
    direction: Direction::Ingress,
    protocol: Protocol::All,
    ports: None,
    peer: PeerNeed::Members,
};

const TO_MEMBERS: RuleNeed = RuleNeed {
    direction: Direction::Egress,
    ..FROM_MEMBERS
};

const ALWAYS_FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Always,
    ..FROM_MEMBERS
};

const ALWAYS_TO_MEMBERS: RuleNeed = RuleNeed {
    when: When::Always,
    ..TO_MEMBERS
};

const EFA_FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Efa,
    ..FROM_MEMBERS
};

const EFA_TO_MEMBERS: RuleNeed = RuleNeed {
    when: When::Efa,
    ..TO_MEMBERS
};

/// IPsec's key exchange.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html>.
const IKE_FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Encrypted,
    protocol: Protocol::UDP,
    ports: Some(PortRange::only(500)),
    ..FROM_MEMBERS
};

const IKE_TO_MEMBERS: RuleNeed = RuleNeed {
    direction: Direction::Egress,
    ..IKE_FROM_MEMBERS
};

/// IPsec's encrypted payload, protocol 50.
const ESP_FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Encrypted,
    protocol: Protocol::Number(50),
    ..FROM_MEMBERS
};

const ESP_TO_MEMBERS: RuleNeed = RuleNeed {
    direction: Direction::Egress,
    ..ESP_FROM_MEMBERS
};

/// Studio's apps talk to each other on these ports.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html>.
const APPS_FROM_MEMBERS: RuleNeed = RuleNeed {
    when: When::Always,
    protocol: Protocol::TCP,
    ports: Some(PortRange { from: 8192, to: 65_535 }),
    ..FROM_MEMBERS
};

const APPS_TO_MEMBERS: RuleNeed = RuleNeed {
    direction: Direction::Egress,
    ..APPS_FROM_MEMBERS
};

/// The domain's home directories: its EFS mount targets are in its own subnets,
/// with a group that SageMaker makes only with the domain.
const NFS_TO_OWN_SUBNETS: RuleNeed = RuleNeed {
    when: When::Always,
    direction: Direction::Egress,
    protocol: Protocol::TCP,
    ports: Some(PortRange::only(2049)),
    peer: PeerNeed::SubnetCidrs,
};

const DISTRIBUTED_JOB: &[RuleNeed] = &[
    HTTPS_TO_S3,
    FROM_MEMBERS,
    TO_MEMBERS,
    IKE_FROM_MEMBERS,
    IKE_TO_MEMBERS,
    ESP_FROM_MEMBERS,
    ESP_TO_MEMBERS,
];

const COMPILATION: Requirements = Requirements {
    about: "A Neo job that compiles a model for its target hardware.",
    api: "CreateCompilationJob, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/neo-vpc.html",
    addresses_per_instance: 2,
    addresses_with_efa: None,
    subnets: (1, 16),
    security_groups: 5,
    availability_zones: 1,
    default_tenancy: true,
    private_subnets: false,
    may_be_distributed: false,
    needs: &[Need::S3, Need::Dns],
    services: &[],
    usual_services: &[],
    rules: &[HTTPS_TO_S3, TO_OWN_SUBNETS],
    role_actions: RoleActions::Eni11,
};

const HOSTING: Requirements = Requirements {
    about: "A model behind an endpoint.",
    api: "CreateModel, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
    availability_zones: 2,
    default_tenancy: false,
    rules: &[HTTPS_TO_S3],
    role_actions: RoleActions::Eni10,
    ..COMPILATION
};

const PROCESSING: Requirements = Requirements {
    about: "A job that prepares data or evaluates a model.",
    api: "CreateProcessingJob, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/process-vpc.html",
    default_tenancy: false,
    private_subnets: true,
    may_be_distributed: true,
    rules: DISTRIBUTED_JOB,
    role_actions: RoleActions::Eni9,
    ..COMPILATION
};

const ELASTIC_INFERENCE: Requirements = Requirements {
    about: "A hosted model or a notebook instance with an Elastic Inference accelerator. AWS shut the service down in \
            2024.",
    api: "CreateModel or CreateNotebookInstance with an AcceleratorType",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html",
    availability_zones: 2,
    needs: &[Need::S3, Need::Dns, Need::ElasticInference],
    role_actions: RoleActions::ElasticInference,
    ..HOSTING
};

const TRAINING: Requirements = Requirements {
    about: "A job that trains a model.",
    api: "CreateTrainingJob, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html",
    addresses_with_efa: Some(5),
    default_tenancy: true,
    private_subnets: false,
    rules: &[
        HTTPS_TO_S3,
        FROM_MEMBERS,
        TO_MEMBERS,
        EFA_FROM_MEMBERS,
        EFA_TO_MEMBERS,
        IKE_FROM_MEMBERS,
        IKE_TO_MEMBERS,
        ESP_FROM_MEMBERS,
        ESP_TO_MEMBERS,
    ],
    ..PROCESSING
};

const TUNING: Requirements = Requirements {
    about: "A job that tunes hyperparameters by training many times.",
    api: "CreateHyperParameterTuningJob, TrainingJobDefinition.VpcConfig",
    ..TRAINING
};

const TRANSFORM: Requirements = Requirements {
    about: "A job that sends a whole dataset through a model.",
    api: "CreateModel, VpcConfig; CreateTransformJob",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/batch-vpc.html",
    may_be_distributed: false,
    rules: &[HTTPS_TO_S3, ALWAYS_FROM_MEMBERS, ALWAYS_TO_MEMBERS],
    role_actions: RoleActions::Eni9,
    availability_zones: 1,
    ..HOSTING
};

const NOTEBOOK: Requirements = Requirements {
    about: "A notebook instance.",
    api: "CreateNotebookInstance, SubnetId and SecurityGroupIds",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html",
    addresses_per_instance: 1,
    subnets: (1, 1),
    default_tenancy: false,
    services: &["sagemaker.api", "sagemaker.runtime"],
    usual_services: &[],
    rules: &[HTTPS_TO_S3],
    role_actions: RoleActions::Eni9,
    ..COMPILATION
};

const STUDIO: Requirements = Requirements {
    about: "A Studio domain with AppNetworkAccessType VpcOnly; its instances are its users.",
    api: "CreateDomain, SubnetIds, DefaultUserSettings.SecurityGroups",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html",
    addresses_per_instance: 4,
    // SageMaker adds one of its own to the five that an interface takes.
    security_groups: 4,
    default_tenancy: true,
    private_subnets: true,
    services: &["sagemaker.api", "sagemaker.runtime"],
    usual_services: &["sts", "logs", "servicecatalog"],
    rules: &[HTTPS_TO_S3, NFS_TO_OWN_SUBNETS, APPS_FROM_MEMBERS, APPS_TO_MEMBERS],
    role_actions: RoleActions::None,
    ..COMPILATION
};

const CLARIFY: Requirements = Requirements {
    about: "A job that looks for bias or explains predictions, through a shadow endpoint.",
    api: "CreateProcessingJob, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-vpc.html",
    services: &["sagemaker.api", "sagemaker.runtime"],
    ..PROCESSING
};

const MODEL_MONITOR: Requirements = Requirements {
    about: "A job that compares what an endpoint sees with a baseline, on a schedule.",
    api: "CreateMonitoringSchedule, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html#model-monitor-vpc",
    usual_services: &["monitoring"],
    ..PROCESSING
};

impl WorkloadKind {
    /// Every kind, in the order of the reference page.
    pub const ALL: [Self; 11] = [
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
        }
    }
}

/// What of a workload's options bears on its rules and addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Its instances talk to each other.
    pub distributed: bool,
    /// They encrypt what they say.
    pub encrypted: bool,
    /// They have Elastic Fabric Adapters.
    pub efa: bool,
}

impl WorkloadKind {
    /// The rules that a workload of this kind needs.
    pub fn rules(self, options: Options) -> impl Iterator<Item = &'static RuleNeed> {
        self.requirements().rules.iter().filter(move |rule| match rule.when {
            When::Always => true,
            When::Distributed => options.distributed,
            When::Encrypted => options.encrypted && options.distributed,
            When::Efa => options.efa,
        })
    }

    /// Free addresses that each instance takes.
    pub fn addresses_per_instance(self, options: Options) -> u32 {
        let requirements = self.requirements();
        requirements
            .addresses_with_efa
            .filter(|_| options.efa)
            .unwrap_or(requirements.addresses_per_instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_page_and_a_way_to_s3() {
        for kind in WorkloadKind::ALL {
            let requirements = kind.requirements();
            assert!(
                requirements.doc.starts_with("https://docs.aws.amazon.com/sagemaker/"),
                "{kind}"
            );
            assert!(requirements.needs.contains(&Need::S3), "{kind}");
            assert!(
                kind.rules(Options::default()).any(|rule| rule.peer == PeerNeed::S3),
                "{kind}"
            );
        }
    }

    #[test]
    fn only_a_distributed_job_opens_its_group_to_itself() {
        let members = |distributed| {
            WorkloadKind::Processing
                .rules(Options {
                    distributed,
                    ..Options::default()
                })
                .filter(|rule| rule.peer == PeerNeed::Members)
                .count()
        };
        assert_eq!(members(false), 0);
        assert_eq!(members(true), 2);
    }
}
