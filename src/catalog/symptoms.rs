//! What SageMaker says when something is missing, so that a condition can be
//! found by the error that a user already has before them.

/// An error of SageMaker's, or what its users see in place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// No way to S3 from the workload's subnet.
    NoWayToS3,
    /// The endpoint's policy keeps an image's layers out of reach.
    ImagePullFails,
    /// The VPC's DHCP options lack keys.
    DhcpOptions,
    /// Instances of one job cannot reach each other.
    MembersCannotTalk,
    /// The subnets have too few addresses, or too few zones.
    NoCapacity,
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
    /// The words to look for.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoWayToS3 => {
                "Data download failed: Please ensure that the subnet's route table has a route to an S3 VPC endpoint \
                 or a NAT device"
            }
            Self::ImagePullFails => "an image pull from ECR that fails",
            Self::DhcpOptions => "expected DHCP options to include keys domain-name-servers and domain-name",
            Self::MembersCannotTalk => "a distributed job whose containers cannot reach each other",
            Self::NoCapacity => "a ClientError at creation that the subnets do not suffice",
            Self::StaysStarting => "a job that stays Starting",
            Self::NoWayToSageMaker => "SageMaker studio is unable to reach SageMaker Endpoint",
            Self::NoWayToServices => "a call to an AWS service that times out",
            Self::NoWayOut => "a connection to the internet that times out",
            Self::NoWayOutSometimes => "connections to the internet that time out now and then",
            Self::RoleLacksActions => "Please check if you have ec2:CreateNetworkInterface permission",
        }
    }
}
