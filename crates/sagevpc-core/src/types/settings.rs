//! Settings of AWS resources that are the same in a spec and in a request.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an interface endpoint can be reached by, in EC2's words.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum IpAddressType {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Both.
    Dualstack,
}

impl IpAddressType {
    /// EC2's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Dualstack => "dualstack",
        }
    }
}

impl fmt::Display for IpAddressType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which traffic a flow log records, in EC2's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum TrafficType {
    /// All of it.
    #[default]
    All,
    /// What was let through.
    Accept,
    /// What was not.
    Reject,
}

impl TrafficType {
    /// EC2's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
        }
    }
}

/// Where a flow log's records go, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum LogDestinationType {
    /// A log group of CloudWatch Logs.
    CloudWatchLogs,
    /// A bucket of S3.
    S3,
}

impl LogDestinationType {
    /// EC2's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => "cloud-watch-logs",
            Self::S3 => "s3",
        }
    }
}

/// How a flow log is made. It cannot be changed afterwards.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html>.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowLogSettings {
    /// Which traffic.
    pub traffic_type: TrafficType,
    /// To what.
    pub log_destination_type: LogDestinationType,
    /// The ARN of the bucket (with a prefix, if any) or log group.
    pub log_destination: String,
    /// The role that writes to the log group.
    pub deliver_logs_permission_arn: Option<String>,
    /// The fields of a record; EC2's default where `None`.
    pub log_format: Option<String>,
    /// Seconds over which records are gathered: 60 or 600.
    pub max_aggregation_interval: u32,
}

impl fmt::Display for FlowLogSettings {
    /// For messages: `ALL traffic to arn:aws:s3:::logs, every 600 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            traffic_type,
            log_destination_type: _,
            log_destination,
            deliver_logs_permission_arn,
            log_format,
            max_aggregation_interval,
        } = self;
        write!(
            f,
            "{} traffic to {log_destination}, every {max_aggregation_interval} s",
            traffic_type.as_str()
        )?;
        if let Some(role) = deliver_logs_permission_arn {
            write!(f, ", as {role}")?;
        }
        if let Some(format) = log_format {
            write!(f, ", with {format}")?;
        }
        Ok(())
    }
}
