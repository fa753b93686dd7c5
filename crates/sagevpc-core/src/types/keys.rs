//! Names for what we make, stable across restarts and rebuilt clusters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{NetworkAclId, RouteTableId, SubnetId};

/// A profile, by namespace and name. Names rather than UIDs, so that a profile
/// restored from a backup or re-created by GitOps finds its resources again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProfileKey {
    /// The profile's namespace.
    pub namespace: String,
    /// The profile's name.
    pub name: String,
}

impl ProfileKey {
    /// The key of the profile `name` in `namespace`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Where a NAT gateway is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NatPlace {
    /// In this public subnet, and so in one zone.
    Subnet(SubnetId),
    /// In no subnet: it is regional, and serves all zones of the VPC.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
    Regional,
}

impl NatPlace {
    /// Its subnet, where it is in one.
    pub const fn subnet(&self) -> Option<&SubnetId> {
        match self {
            Self::Subnet(subnet) => Some(subnet),
            Self::Regional => None,
        }
    }
}

impl fmt::Display for NatPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet(subnet) => subnet.fmt(f),
            Self::Regional => f.write_str(REGIONAL),
        }
    }
}

/// What a resource of ours is for, within one VPC. Written into the tag
/// [`TAG_RESOURCE`](super::TAG_RESOURCE), it is how a resource is found again
/// when the answer to its creation was lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ResourceKey {
    /// The VPC's gateway endpoint for S3.
    S3GatewayEndpoint,
    /// The VPC's gateway endpoint for S3's directory buckets.
    S3ExpressGatewayEndpoint,
    /// The VPC's interface endpoint for a service.
    InterfaceEndpoint {
        /// The service by its short name, such as `sagemaker.api`.
        service: String,
    },
    /// The security group of the VPC's interface endpoints.
    EndpointSecurityGroup,
    /// The security group of those that call Elastic Inference.
    ElasticInferenceClient,
    /// The security group of the Elastic Inference endpoint.
    ElasticInferenceEndpoint,
    /// A public NAT gateway.
    NatGateway {
        /// Where it is.
        place: NatPlace,
    },
    /// The elastic IP address of a NAT gateway.
    Address {
        /// The public subnet of the NAT gateway.
        subnet: SubnetId,
    },
    /// A flow log.
    FlowLog {
        /// The VPC or subnet whose traffic it records.
        resource: String,
    },
    /// Our entries in a network ACL, which itself is not ours.
    NetworkAclEntries {
        /// The ACL.
        acl: NetworkAclId,
    },
    /// Our default route in a route table, which itself is not ours.
    DefaultRoute {
        /// The route table.
        table: RouteTableId,
    },
    /// Our statement in a bucket's policy, which itself is not ours.
    BucketPolicy {
        /// The bucket's name.
        bucket: String,
    },
    /// Our inline policy on an execution role, which itself is not ours.
    RolePolicy {
        /// The role's name.
        role: String,
    },
    /// The security group of a profile's workloads, or of one of them.
    WorkloadSecurityGroup {
        /// Whose workloads.
        profile: ProfileKey,
        /// The one workload, where each has a group of its own.
        workload: Option<String>,
    },
}

impl ResourceKey {
    /// Whether it lies in the workloads' account, where the VPC is another's: the
    /// security groups of their interfaces, their buckets and roles.
    pub const fn is_the_workloads(&self) -> bool {
        match self {
            Self::WorkloadSecurityGroup { .. }
            | Self::ElasticInferenceClient
            | Self::BucketPolicy { .. }
            | Self::RolePolicy { .. } => true,
            Self::S3GatewayEndpoint
            | Self::S3ExpressGatewayEndpoint
            | Self::InterfaceEndpoint { .. }
            | Self::EndpointSecurityGroup
            | Self::ElasticInferenceEndpoint
            | Self::NatGateway { .. }
            | Self::Address { .. }
            | Self::FlowLog { .. }
            | Self::NetworkAclEntries { .. }
            | Self::DefaultRoute { .. } => false,
        }
    }

    /// The profile that this resource belongs to alone, if there is one.
    pub fn profile(&self) -> Option<&ProfileKey> {
        match self {
            Self::WorkloadSecurityGroup { profile, .. } => Some(profile),
            Self::S3GatewayEndpoint
            | Self::S3ExpressGatewayEndpoint
            | Self::InterfaceEndpoint { .. }
            | Self::EndpointSecurityGroup
            | Self::ElasticInferenceClient
            | Self::ElasticInferenceEndpoint
            | Self::NatGateway { .. }
            | Self::Address { .. }
            | Self::FlowLog { .. }
            | Self::NetworkAclEntries { .. }
            | Self::DefaultRoute { .. }
            | Self::BucketPolicy { .. }
            | Self::RolePolicy { .. } => None,
        }
    }
}

const S3_GATEWAY_ENDPOINT: &str = "s3-gateway-endpoint";
const S3_EXPRESS_GATEWAY_ENDPOINT: &str = "s3express-gateway-endpoint";
const SECURITY_GROUP: &str = "security-group";
const INTERFACE_ENDPOINT: &str = "interface-endpoint";
const ENDPOINT_SECURITY_GROUP: &str = "endpoint-security-group";
const ELASTIC_INFERENCE_CLIENT: &str = "elastic-inference-client";
const ELASTIC_INFERENCE_ENDPOINT: &str = "elastic-inference-endpoint";
const NAT_GATEWAY: &str = "nat-gateway";
const REGIONAL: &str = "regional";
// As EC2 calls an address in ARNs. Tags and ledgers hold it.
const ELASTIC_IP: &str = "elastic-ip";
const FLOW_LOG: &str = "flow-log";
const NETWORK_ACL_ENTRIES: &str = "network-acl-entries";
const DEFAULT_ROUTE: &str = "default-route";
const BUCKET_POLICY: &str = "bucket-policy";
const ROLE_POLICY: &str = "role-policy";

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3GatewayEndpoint => f.write_str(S3_GATEWAY_ENDPOINT),
            Self::S3ExpressGatewayEndpoint => f.write_str(S3_EXPRESS_GATEWAY_ENDPOINT),
            Self::InterfaceEndpoint { service } => write!(f, "{INTERFACE_ENDPOINT}/{service}"),
            Self::EndpointSecurityGroup => f.write_str(ENDPOINT_SECURITY_GROUP),
            Self::ElasticInferenceClient => f.write_str(ELASTIC_INFERENCE_CLIENT),
            Self::ElasticInferenceEndpoint => f.write_str(ELASTIC_INFERENCE_ENDPOINT),
            Self::NatGateway { place } => write!(f, "{NAT_GATEWAY}/{place}"),
            Self::Address { subnet } => write!(f, "{ELASTIC_IP}/{subnet}"),
            Self::FlowLog { resource } => write!(f, "{FLOW_LOG}/{resource}"),
            Self::NetworkAclEntries { acl } => write!(f, "{NETWORK_ACL_ENTRIES}/{acl}"),
            Self::DefaultRoute { table } => write!(f, "{DEFAULT_ROUTE}/{table}"),
            Self::BucketPolicy { bucket } => write!(f, "{BUCKET_POLICY}/{bucket}"),
            Self::RolePolicy { role } => write!(f, "{ROLE_POLICY}/{role}"),
            Self::WorkloadSecurityGroup {
                profile,
                workload: None,
            } => write!(f, "{SECURITY_GROUP}/{profile}"),
            Self::WorkloadSecurityGroup {
                profile,
                workload: Some(workload),
            } => {
                write!(f, "{SECURITY_GROUP}/{profile}/{workload}")
            }
        }
    }
}

/// A tag value that names no resource this version knows. Such a resource is
/// ours by its other tags, but of a newer version: it is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no resource that this version of sagevpc knows")]
pub struct UnknownResourceKey(pub String);

impl FromStr for ResourceKey {
    type Err = UnknownResourceKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [S3_GATEWAY_ENDPOINT] => Ok(Self::S3GatewayEndpoint),
            [S3_EXPRESS_GATEWAY_ENDPOINT] => Ok(Self::S3ExpressGatewayEndpoint),
            [INTERFACE_ENDPOINT, service] => Ok(Self::InterfaceEndpoint {
                service: (*service).to_owned(),
            }),
            [ENDPOINT_SECURITY_GROUP] => Ok(Self::EndpointSecurityGroup),
            [ELASTIC_INFERENCE_CLIENT] => Ok(Self::ElasticInferenceClient),
            [ELASTIC_INFERENCE_ENDPOINT] => Ok(Self::ElasticInferenceEndpoint),
            [NAT_GATEWAY, REGIONAL] => Ok(Self::NatGateway {
                place: NatPlace::Regional,
            }),
            [NAT_GATEWAY, subnet] => Ok(Self::NatGateway {
                place: NatPlace::Subnet(SubnetId::new(*subnet)),
            }),
            [ELASTIC_IP, subnet] => Ok(Self::Address {
                subnet: SubnetId::new(*subnet),
            }),
            [FLOW_LOG, resource] => Ok(Self::FlowLog {
                resource: (*resource).to_owned(),
            }),
            [NETWORK_ACL_ENTRIES, acl] => Ok(Self::NetworkAclEntries {
                acl: NetworkAclId::new(*acl),
            }),
            [DEFAULT_ROUTE, table] => Ok(Self::DefaultRoute {
                table: RouteTableId::new(*table),
            }),
            [BUCKET_POLICY, bucket] => Ok(Self::BucketPolicy {
                bucket: (*bucket).to_owned(),
            }),
            [ROLE_POLICY, role] => Ok(Self::RolePolicy {
                role: (*role).to_owned(),
            }),
            [SECURITY_GROUP, namespace, name] => Ok(Self::WorkloadSecurityGroup {
                profile: ProfileKey::new(*namespace, *name),
                workload: None,
            }),
            [SECURITY_GROUP, namespace, name, workload] => Ok(Self::WorkloadSecurityGroup {
                profile: ProfileKey::new(*namespace, *name),
                workload: Some((*workload).to_owned()),
            }),
            _ => Err(UnknownResourceKey(text.to_owned())),
        }
    }
}

impl From<ResourceKey> for String {
    fn from(key: ResourceKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for ResourceKey {
    type Error = UnknownResourceKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_a_round_trip_through_the_tag() {
        let profile = ProfileKey::new("ml-fraud", "fraud");
        for key in [
            ResourceKey::S3GatewayEndpoint,
            ResourceKey::S3ExpressGatewayEndpoint,
            ResourceKey::InterfaceEndpoint {
                service: "sagemaker.api".into(),
            },
            ResourceKey::EndpointSecurityGroup,
            ResourceKey::ElasticInferenceClient,
            ResourceKey::ElasticInferenceEndpoint,
            ResourceKey::NatGateway {
                place: NatPlace::Subnet("subnet-0123456789abcdef0".into()),
            },
            ResourceKey::NatGateway {
                place: NatPlace::Regional,
            },
            ResourceKey::Address {
                subnet: "subnet-0123456789abcdef0".into(),
            },
            ResourceKey::FlowLog {
                resource: "vpc-0123456789abcdef0".into(),
            },
            ResourceKey::NetworkAclEntries {
                acl: "acl-0123456789abcdef0".into(),
            },
            ResourceKey::DefaultRoute {
                table: "rtb-0123456789abcdef0".into(),
            },
            ResourceKey::BucketPolicy {
                bucket: "fraud-data".into(),
            },
            ResourceKey::RolePolicy {
                role: "fraud+training@ml".into(),
            },
            ResourceKey::WorkloadSecurityGroup {
                profile: profile.clone(),
                workload: None,
            },
            ResourceKey::WorkloadSecurityGroup {
                profile,
                workload: Some("serve".into()),
            },
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn a_key_of_a_newer_version_is_refused() {
        assert!("transit-gateway/use1-az1".parse::<ResourceKey>().is_err());
    }

    #[test]
    fn the_longest_key_fits_into_a_tag_value() {
        let long = "x".repeat(63);
        let key = ResourceKey::WorkloadSecurityGroup {
            profile: ProfileKey::new(long.clone(), long.clone()),
            workload: Some(long),
        };
        assert!(key.to_string().len() <= 256);
    }
}
