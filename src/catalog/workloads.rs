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
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compilation => "Compilation",
            Self::Hosting => "Hosting",
            Self::Processing => "Processing",
        })
    }
}

/// What a kind of workload requires. Counts are per instance where they say so.
#[derive(Debug)]
pub struct Requirements {
    /// The API call and parameter that take the VPC's configuration.
    pub api: &'static str,
    /// The AWS page that says so.
    pub doc: &'static str,
    /// Free private IPv4 addresses for each instance.
    pub addresses_per_instance: u32,
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
    /// What its security groups must admit.
    pub rules: &'static [RuleNeed],
}

/// Something that the network offers to everyone in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A way to Amazon S3 that stays inside AWS: the gateway endpoint.
    S3,
    /// Name resolution.
    Dns,
}

/// When a rule is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// For each workload of the kind.
    Always,
    /// For a job whose instances talk to each other.
    Distributed,
}

/// The other end of a needed rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerNeed {
    /// S3 in the region, by its prefix list.
    S3,
    /// The addresses of the workload's own subnets.
    SubnetCidrs,
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

const COMPILATION: Requirements = Requirements {
    api: "CreateCompilationJob, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/neo-vpc.html",
    addresses_per_instance: 2,
    availability_zones: 1,
    default_tenancy: true,
    private_subnets: false,
    may_be_distributed: false,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3, TO_OWN_SUBNETS],
};

const HOSTING: Requirements = Requirements {
    api: "CreateModel, VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
    addresses_per_instance: 2,
    availability_zones: 2,
    default_tenancy: false,
    private_subnets: false,
    may_be_distributed: false,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3],
};

const PROCESSING: Requirements = Requirements {
    api: "CreateProcessingJob, NetworkConfig.VpcConfig",
    doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/process-vpc.html",
    addresses_per_instance: 2,
    availability_zones: 1,
    default_tenancy: false,
    private_subnets: true,
    may_be_distributed: true,
    needs: &[Need::S3, Need::Dns],
    rules: &[HTTPS_TO_S3, FROM_MEMBERS, TO_MEMBERS],
};

impl WorkloadKind {
    /// Every kind, in the order of the reference page.
    pub const ALL: [Self; 3] = [Self::Compilation, Self::Hosting, Self::Processing];

    /// What this kind requires.
    pub const fn requirements(self) -> &'static Requirements {
        match self {
            Self::Compilation => &COMPILATION,
            Self::Hosting => &HOSTING,
            Self::Processing => &PROCESSING,
        }
    }

    /// The rules that a workload of this kind needs.
    pub fn rules(self, distributed: bool) -> impl Iterator<Item = &'static RuleNeed> {
        self.requirements().rules.iter().filter(move |rule| match rule.when {
            When::Always => true,
            When::Distributed => distributed,
        })
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
            assert!(kind.rules(false).any(|rule| rule.peer == PeerNeed::S3), "{kind}");
        }
    }

    #[test]
    fn only_a_distributed_job_opens_its_group_to_itself() {
        let members = |distributed| {
            WorkloadKind::Processing
                .rules(distributed)
                .filter(|rule| rule.peer == PeerNeed::Members)
                .count()
        };
        assert_eq!(members(false), 0);
        assert_eq!(members(true), 2);
    }
}
