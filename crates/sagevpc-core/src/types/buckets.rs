//! What is done with a bucket, and whom its policy admits.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::VpcEndpointId;

/// What workloads do with a bucket: the wider, the later.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(inline)]
pub enum BucketAccess {
    /// They read objects and list them.
    ReadOnly,
    /// They write objects as well.
    #[default]
    ReadWrite,
}

/// A bucket, with what is done with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketUse {
    /// The bucket's name; it may have wildcards where policies are asked.
    pub name: String,
    /// What is done with it.
    pub access: BucketAccess,
}

impl BucketUse {
    /// This use of the bucket.
    pub fn new(name: impl Into<String>, access: BucketAccess) -> Self {
        let name = name.into();
        Self { name, access }
    }
}

/// Someone whom the denial of all other ways to a bucket spares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Exemption {
    /// AWS services that read on someone's behalf, or for themselves.
    AwsServices,
    /// Roles and users whose ARN matches.
    Principal(String),
}

impl Exemption {
    /// A short name under which status remembers it.
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.to_string().as_bytes())[..8])
    }
}

impl fmt::Display for Exemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsServices => f.write_str("AWS services"),
            Self::Principal(arn) => f.write_str(arn),
        }
    }
}

/// Whom our statement in a bucket's policy lets read: what comes through these
/// endpoints, and those who are exempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// VPC endpoints.
    pub vpc_endpoints: BTreeSet<VpcEndpointId>,
    /// Those whom it spares.
    pub exemptions: BTreeSet<Exemption>,
}
