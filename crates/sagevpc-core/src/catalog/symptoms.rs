//! What SageMaker says when something is missing, so that a condition can be
//! found by the error that a user already has before them.

use super::{Need, PeerNeed, RoleActions, WorkloadKind};

/// An error of SageMaker's, or what its users see in place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// No way to S3 from the workload's subnet.
    NoWayToS3,
    /// A bucket refuses, or the policy of the way to it does.
    BucketRefuses,
    /// The endpoint's policy keeps an image's layers out of reach.
    ImagePullFails,
    /// A training image is in a private registry that the job does not reach
    /// through the VPC.
    PrivateRegistry,
    /// The VPC's DHCP options lack keys.
    DhcpOptions,
    /// Instances of one job cannot reach each other.
    MembersCannotTalk,
    /// Instances with Elastic Fabric Adapters cannot reach each other.
    EfaFails,
    /// A cluster's instances do not reach what they start with.
    ClusterDoesNotStart,
    /// A file system of Amazon FSx for Lustre is out of reach.
    NoWayToLustre,
    /// The subnets have too few addresses.
    NoCapacity,
    /// The subnets span too few availability zones.
    TooFewZones,
    /// None of the subnets' zones has the instance type.
    ZoneWithoutType,
    /// Names do not resolve, or AWS STS or CloudWatch Logs is out of reach.
    StaysStarting,
    /// SageMaker's own API is out of reach.
    NoWayToSageMaker,
    /// Another service is out of reach.
    NoWayToServices,
    /// What lies outside the VPC is out of reach.
    NoWayOut,
    /// What lies outside the VPC is out of reach from some of the subnets.
    NoWayOutSometimes,
    /// The execution role lacks actions on network interfaces.
    RoleLacksActions,
}

impl Symptom {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::NoWayToS3,
        Self::BucketRefuses,
        Self::ImagePullFails,
        Self::PrivateRegistry,
        Self::DhcpOptions,
        Self::MembersCannotTalk,
        Self::EfaFails,
        Self::ClusterDoesNotStart,
        Self::NoWayToLustre,
        Self::NoCapacity,
        Self::TooFewZones,
        Self::ZoneWithoutType,
        Self::StaysStarting,
        Self::NoWayToSageMaker,
        Self::NoWayToServices,
        Self::NoWayOut,
        Self::NoWayOutSometimes,
        Self::RoleLacksActions,
    ];

    /// The words to look for.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoWayToS3 => {
                "Data download failed: Please ensure that the subnet's route table has a route to an S3 VPC endpoint \
                 or a NAT device"
            }
            Self::BucketRefuses => "Data download failed:Unable to download object … (AccessDenied: Access Denied)",
            Self::ImagePullFails => "an image pull from ECR that fails",
            Self::PrivateRegistry => {
                "TrainingImageConfig with TrainingRepositoryAccessMode set to VPC must be provided"
            }
            Self::EfaFails => "EFA health checks did not run successfully",
            Self::ClusterDoesNotStart => "Lifecycle scripts did not run successfully",
            Self::NoWayToLustre => "do not permit Lustre LNET network traffic on port 988",
            Self::DhcpOptions => "expected DHCP options to include keys domain-name-servers and domain-name",
            Self::MembersCannotTalk => "a distributed job whose containers cannot reach each other",
            Self::NoCapacity => "a ClientError at creation that the subnets do not suffice",
            Self::TooFewZones => "Unable to locate at least 2 availability zone(s) with the requested instance type",
            Self::ZoneWithoutType => "We currently do not have sufficient capacity",
            Self::StaysStarting => {
                "a job that stays Starting to the SDK client in the VPC that waits for it, though it has finished"
            }
            Self::NoWayToSageMaker => "SageMaker studio is unable to reach SageMaker Endpoint",
            Self::NoWayToServices => "a call to an AWS service that times out",
            Self::NoWayOut => "a connection to the internet that times out",
            Self::NoWayOutSometimes => "connections to the internet that time out now and then",
            Self::RoleLacksActions => "Please check if you have ec2:CreateNetworkInterface permission",
        }
    }

    /// Other words for the same.
    pub const fn other_texts(self) -> &'static [&'static str] {
        match self {
            Self::NoWayToS3 => &[
                "Artifact upload failed:",
                "Failed to download model data from URL",
                "Failed to download data. ListObjectsV2 failed for s3://…",
                "Please ensure that an S3 VPC endpoint exists in route table or NAT gateway for the VPC mode",
            ],
            Self::NoWayToSageMaker => &[
                "Failed to launch app … Please ensure your VPC has connectivity to SageMaker via Internet or VPC \
                 Endpoint",
            ],
            Self::EfaFails => &["a distributed job with EFA that hangs as it begins to communicate"],
            Self::ClusterDoesNotStart => {
                &["Instance bootstrap failed likely because of customer network misconfiguration"]
            }
            Self::TooFewZones => &["Error hosting endpoint sagemaker-clarify-endpoint-…: Failed"],
            Self::StaysStarting => &["an error of AWS STS"],
            Self::BucketRefuses
            | Self::ImagePullFails
            | Self::PrivateRegistry
            | Self::NoWayToLustre
            | Self::DhcpOptions
            | Self::MembersCannotTalk
            | Self::NoCapacity
            | Self::ZoneWithoutType
            | Self::NoWayToServices
            | Self::NoWayOut
            | Self::NoWayOutSometimes
            | Self::RoleLacksActions => &[],
        }
    }

    /// What is missing then, to follow `when`.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::NoWayToS3 => {
                "one of the subnets has no route to S3, a security group or network ACL stops the traffic, or the \
                 policy of the S3 endpoint or of the bucket denies it"
            }
            Self::ImagePullFails => {
                "the S3 endpoint's policy keeps the bucket that ECR serves image layers from out of reach"
            }
            Self::BucketRefuses => {
                "S3 answers, and the policy of the bucket, of the role or of the S3 endpoint does not let the object be \
                 read"
            }
            Self::PrivateRegistry => {
                "the image is in a private registry in the VPC, and the job does not say so: set \
                 TrainingImageConfig.TrainingRepositoryAccessMode to Vpc"
            }
            Self::EfaFails => {
                "a security group does not let all traffic in from itself and out to itself, or only to 0.0.0.0/0, which \
                 does not count"
            }
            Self::ClusterDoesNotStart => {
                "S3 is out of reach from the cluster's subnet, or what its lifecycle scripts call is"
            }
            Self::NoWayToLustre => {
                "security groups do not let TCP 988 and 1018 to 1023 through, both ways, between instances and the file \
                 system"
            }
            Self::DhcpOptions => "the VPC's DHCP options lack a key",
            Self::MembersCannotTalk => "the security group does not admit its own members",
            Self::NoCapacity => "the subnets have too few free addresses",
            Self::TooFewZones => {
                "an endpoint, a Clarify job's shadow endpoint among them, gets subnets of one availability zone, or the \
                 instance type is offered in one of their zones only"
            }
            Self::ZoneWithoutType => {
                "none of the subnets is in an availability zone that has the instance type, or that has room for it"
            }
            Self::StaysStarting => {
                "names do not resolve, for DNS or an endpoint's private DNS is off, or sts or logs is out of reach"
            }
            Self::NoWayToSageMaker => {
                "sagemaker.api or sagemaker.runtime has no interface endpoint, or its security group is closed"
            }
            Self::NoWayToServices => "the service has no interface endpoint, or its security group is closed",
            Self::NoWayOut => "there is no NAT gateway, no route to it, or a security group or network ACL is closed",
            Self::NoWayOutSometimes => "one of the subnets has no route to a NAT gateway",
            Self::RoleLacksActions => "the execution role lacks actions on network interfaces",
        }
    }

    /// Whether a workload of this kind can come to show it.
    pub fn threatens(self, kind: WorkloadKind) -> bool {
        let requirements = kind.requirements();
        match self {
            Self::NoWayToS3 | Self::BucketRefuses | Self::ImagePullFails => requirements.needs.contains(&Need::S3),
            Self::PrivateRegistry => kind == WorkloadKind::Training,
            Self::EfaFails => requirements.addresses_with_efa.is_some(),
            Self::ClusterDoesNotStart => requirements.is_cluster,
            Self::NoWayToLustre => requirements.is_cluster || kind == WorkloadKind::Training,
            Self::DhcpOptions => requirements.needs.contains(&Need::DomainName),
            Self::StaysStarting => requirements.needs.contains(&Need::Dns),
            Self::MembersCannotTalk => requirements.rules.iter().any(|rule| rule.peer == PeerNeed::Members),
            Self::NoCapacity | Self::ZoneWithoutType | Self::NoWayOut | Self::NoWayOutSometimes => true,
            Self::TooFewZones => {
                let shadow = requirements
                    .shadow_endpoint
                    .map_or(0, |shadow| shadow.availability_zones);
                requirements.availability_zones.max(shadow) > 1
            }
            Self::NoWayToSageMaker => kind == WorkloadKind::Studio,
            Self::NoWayToServices => {
                requirements.shadow_endpoint.is_some()
                    || !requirements.services.is_empty()
                    || !requirements.usual_services.is_empty()
            }
            Self::RoleLacksActions => requirements.role_actions != RoleActions::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_symptoms_read_alike() {
        let texts: Vec<&str> = Symptom::ALL
            .iter()
            .flat_map(|symptom| std::iter::once(symptom.text()).chain(symptom.other_texts().iter().copied()))
            .collect();
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len());
        let causes: BTreeSet<_> = Symptom::ALL.map(Symptom::cause).into();
        assert_eq!(causes.len(), Symptom::ALL.len());
    }

    #[test]
    fn every_symptom_threatens_some_kind() {
        for symptom in Symptom::ALL {
            assert!(
                WorkloadKind::ALL.into_iter().any(|kind| symptom.threatens(kind)),
                "{symptom:?}"
            );
        }
    }
}
