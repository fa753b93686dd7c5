//! Changes to a bucket.

use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List, all},
};
use crate::{
    catalog::calls::Call,
    desired::{BUCKET_STATEMENT, bucket_arn},
    types::{Exemption, Region, VpcEndpointId},
};

/// A change to a bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum BucketChange {
    /// Changes whom our statement in the bucket's policy admits, and leaves the
    /// rest of the policy as it is then. The statement comes with the first
    /// endpoint and goes with the last, and the policy with it where it held
    /// nothing else.
    #[serde(rename = "PutBucketPolicy")]
    PutPolicy {
        /// The bucket's name.
        bucket: String,
        /// Its region.
        region: Region,
        /// Endpoints to admit.
        add_endpoints: Vec<Target<VpcEndpointId>>,
        /// Endpoints to admit no longer.
        remove_endpoints: Vec<VpcEndpointId>,
        /// Exemptions to make.
        add_exemptions: Vec<Exemption>,
        /// Exemptions to make no longer.
        remove_exemptions: Vec<Exemption>,
    },
}

impl Change for BucketChange {
    fn call(&self) -> Call {
        match self {
            Self::PutPolicy { .. } => Call::PutBucketPolicy,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::PutPolicy { .. } => Deed::Changes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::PutPolicy { bucket, region, .. } => bucket_arn(region, bucket),
        }
    }

    fn family(&self) -> &'static str {
        "BucketPolicy"
    }

    fn describe(&self, list: List<'_>) -> String {
        let Self::PutPolicy {
            bucket: _,
            region: _,
            add_endpoints,
            remove_endpoints,
            add_exemptions,
            remove_exemptions,
        } = self;
        let parts = [
            (!add_endpoints.is_empty()).then(|| format!("admit {}", all(add_endpoints, list))),
            (!remove_endpoints.is_empty()).then(|| format!("no longer admit {}", all(remove_endpoints, list))),
            (!add_exemptions.is_empty()).then(|| format!("exempt {}", all(add_exemptions, list))),
            (!remove_exemptions.is_empty()).then(|| format!("no longer exempt {}", all(remove_exemptions, list))),
        ];
        let mut parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            parts.push("put back as it was".to_owned());
        }
        format!("statement {BUCKET_STATEMENT}: {}", parts.join("; "))
    }

    fn lasting(&self, list: List<'_>) -> Option<String> {
        let mut lasting = self.clone();
        let Self::PutPolicy { add_endpoints, .. } = &mut lasting;
        add_endpoints.clear();
        Some(lasting.describe(list))
    }
}
