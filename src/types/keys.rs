//! Names for what we make, stable across restarts and rebuilt clusters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

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

/// What a resource of ours is for, within one VPC. Written into the tag
/// [`TAG_RESOURCE`](super::TAG_RESOURCE), it is how a resource is found again
/// when the answer to its creation was lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ResourceKey {
    /// The VPC's gateway endpoint for S3.
    S3GatewayEndpoint,
    /// The security group of a profile's workloads, or of one of them.
    WorkloadSecurityGroup {
        /// Whose workloads.
        profile: ProfileKey,
        /// The one workload, where each has a group of its own.
        workload: Option<String>,
    },
}

impl ResourceKey {
    /// The profile that this resource belongs to alone, if there is one.
    pub fn profile(&self) -> Option<&ProfileKey> {
        match self {
            Self::S3GatewayEndpoint => None,
            Self::WorkloadSecurityGroup { profile, .. } => Some(profile),
        }
    }
}

const S3_GATEWAY_ENDPOINT: &str = "s3-gateway-endpoint";
const SECURITY_GROUP: &str = "security-group";

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3GatewayEndpoint => f.write_str(S3_GATEWAY_ENDPOINT),
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
        assert!("nat-gateway/use1-az1".parse::<ResourceKey>().is_err());
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
