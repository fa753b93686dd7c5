//! What SageMaker runs in a VPC, by the `VpcConfig` that it was started with.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::types::{SecurityGroupId, SubnetId};

/// Something of SageMaker's that runs in a VPC, and so holds addresses, subnets
/// and security groups there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Consumer {
    /// What it is.
    pub kind: ConsumerKind,
    /// Its name; a domain's id.
    pub name: String,
    /// Its subnets.
    pub subnets: BTreeSet<SubnetId>,
    /// Its security groups.
    pub security_group_ids: BTreeSet<SecurityGroupId>,
    /// How many instances it runs; 0 where SageMaker does not say.
    #[serde(default)]
    pub instances: u32,
}

/// A kind of consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConsumerKind {
    /// A hosted model's endpoint.
    Endpoint,
    /// A training job.
    TrainingJob,
    /// A processing job.
    ProcessingJob,
    /// A compilation job.
    CompilationJob,
    /// A batch transform job.
    TransformJob,
    /// A notebook instance.
    NotebookInstance,
    /// A Studio domain.
    Domain,
    /// A HyperPod cluster.
    Cluster,
}

impl ConsumerKind {
    /// Its name in sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::TrainingJob => "training job",
            Self::ProcessingJob => "processing job",
            Self::CompilationJob => "compilation job",
            Self::TransformJob => "transform job",
            Self::NotebookInstance => "notebook instance",
            Self::Domain => "Studio domain",
            Self::Cluster => "HyperPod cluster",
        }
    }
}

impl fmt::Display for Consumer {
    /// For messages: `endpoint fraud-prod (2 instances)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)?;
        match self.instances {
            0 => Ok(()),
            1 => f.write_str(" (1 instance)"),
            count => write!(f, " ({count} instances)"),
        }
    }
}

/// What came of asking SageMaker what runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Discovered {
    /// It was not asked: there was no reason to, or it is switched off.
    #[default]
    NotAsked,
    /// It did not let us, or did not answer: why, and what to do.
    Refused {
        /// In words.
        message: String,
        /// Whether a permission is what is lacking.
        denied: bool,
    },
    /// It answered, as far as there was time to ask.
    Seen {
        /// What runs.
        consumers: Vec<Consumer>,
        /// Whether all that runs is among it; more is asked in later passes.
        complete: bool,
    },
}

impl Discovered {
    /// What is known to run.
    pub fn consumers(&self) -> &[Consumer] {
        match self {
            Self::Seen { consumers, .. } => consumers,
            Self::NotAsked | Self::Refused { .. } => &[],
        }
    }
}
