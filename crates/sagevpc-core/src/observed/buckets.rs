//! S3 buckets, as far as they could be looked at.

use serde::{Deserialize, Serialize};

use super::shapes::shapes;
use crate::types::Region;

shapes! {
    /// A bucket that a spec names.
    Bucket {
        /// Its name.
        name: String,
        /// Its region, where S3 told it.
        #[serde(default)]
        region: Option<Region>,
        /// Its policy's text; `None` where it has none, or could not be looked
        /// at.
        #[serde(default)]
        policy: Option<String>,
        /// Why it could not be looked at: S3's code, such as `NoSuchBucket` or
        /// `AccessDenied`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
}

/// S3's code for a bucket that does not exist.
const NO_SUCH_BUCKET: &str = "NoSuchBucket";

impl Bucket {
    /// One that could not be looked at.
    pub fn unseen(name: &str, region: Option<Region>, error: &str) -> Self {
        Self {
            name: name.to_owned(),
            region,
            policy: None,
            error: Some(error.to_owned()),
        }
    }

    /// One that does not exist.
    pub fn missing(name: &str) -> Self {
        Self::unseen(name, None, NO_SUCH_BUCKET)
    }

    /// Whether it does not exist.
    pub fn is_missing(&self) -> bool {
        self.error.as_deref() == Some(NO_SUCH_BUCKET)
    }
}
