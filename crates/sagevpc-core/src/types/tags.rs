//! The tags by which sagevpc knows its own.
//!
//! A resource is ours when it carries all three of
//!
//! | Tag | Value |
//! |---|---|
//! | `sagevpc.dev/cluster` | the configured id of the cluster, by default the UID of its `kube-system` namespace |
//! | `sagevpc.dev/vpc` | the name of the SageMakerVpc object |
//! | `sagevpc.dev/resource` | what it is for: a [`ResourceKey`] |
//!
//! and, where it is known, `sagevpc.dev/cluster-uid`, the UID of that cluster's own
//! `kube-system`, which tells two clusters with one id apart;
//! with the first two equal to those of the object at hand. They are given in
//! the same call that creates the resource, so that no crash can leave one
//! without them. An adopted resource carries `sagevpc.dev/adopted` as well: it
//! is managed, and released rather than deleted in the end. A retained one has
//! lost all of them and carries `sagevpc.dev/retained-from`.

use std::collections::BTreeMap;

use super::ResourceKey;

/// The namespace that every cluster has, and keeps for life.
pub const CLUSTER_NAMESPACE: &str = "kube-system";

/// A resource's tags, key to value.
pub type Tags = BTreeMap<String, String>;

/// The tag that names the cluster a resource belongs to.
pub const TAG_CLUSTER: &str = "sagevpc.dev/cluster";
/// The tag that tells the cluster from all others, whatever id was chosen for it.
pub const TAG_CLUSTER_UID: &str = "sagevpc.dev/cluster-uid";
/// The tag that names the SageMakerVpc object a resource belongs to.
pub const TAG_VPC: &str = "sagevpc.dev/vpc";
/// The tag that says what a resource is for.
pub const TAG_RESOURCE: &str = "sagevpc.dev/resource";
/// The tag of a resource that was there before us and that we manage.
pub const TAG_ADOPTED: &str = "sagevpc.dev/adopted";
/// The tag that replaces ours on what `deletionPolicy: Retain` leaves behind.
pub const TAG_RETAINED_FROM: &str = "sagevpc.dev/retained-from";

/// Who we are, to a resource: one SageMakerVpc object of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The cluster's stable id.
    pub cluster: String,
    /// The UID of its namespace kube-system, where it is known.
    pub cluster_uid: Option<String>,
    /// The SageMakerVpc object's name.
    pub vpc: String,
}

impl Ownership {
    /// The tags that make a new resource ours.
    pub fn tags(&self, key: &ResourceKey) -> Tags {
        let mut tags = Tags::from([
            (TAG_CLUSTER.to_owned(), self.cluster.clone()),
            (TAG_VPC.to_owned(), self.vpc.clone()),
            (TAG_RESOURCE.to_owned(), key.to_string()),
        ]);
        tags.extend(
            self.cluster_uid
                .iter()
                .map(|uid| (TAG_CLUSTER_UID.to_owned(), uid.clone())),
        );
        tags
    }

    /// What the resource with these tags is for, if it is ours and this
    /// version knows its purpose.
    pub fn key_of(&self, tags: &Tags) -> Option<ResourceKey> {
        let has = |tag: &str, value: &str| tags.get(tag).is_some_and(|found| found == value);
        if has(TAG_CLUSTER, &self.cluster) && has(TAG_VPC, &self.vpc) {
            tags.get(TAG_RESOURCE)?.parse().ok()
        } else {
            None
        }
    }

    /// The value of [`TAG_RETAINED_FROM`] on what we leave behind.
    pub fn retained_from(&self) -> String {
        format!("{}/{}", self.cluster, self.vpc)
    }
}

/// Whether a resource was there before us and is only managed by us.
pub fn is_adopted(tags: &Tags) -> bool {
    tags.contains_key(TAG_ADOPTED)
}

/// Whether the tags are all there; an empty value admits any.
pub fn has_tags(tags: &Tags, wanted: &Tags) -> bool {
    wanted
        .iter()
        .all(|(key, value)| tags.get(key).is_some_and(|found| value.is_empty() || found == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership() -> Ownership {
        Ownership {
            cluster: "prod".into(),
            cluster_uid: Some("uid-of-prod".into()),
            vpc: "research".into(),
        }
    }

    #[test]
    fn our_own_tags_are_recognised() {
        let tags = ownership().tags(&ResourceKey::S3GatewayEndpoint);
        assert_eq!(ownership().key_of(&tags), Some(ResourceKey::S3GatewayEndpoint));
    }

    #[test]
    fn tags_of_another_cluster_or_object_or_incomplete_ones_are_not_ours() {
        let ours = ownership().tags(&ResourceKey::S3GatewayEndpoint);
        for (tag, value) in [(TAG_CLUSTER, "staging"), (TAG_VPC, "other"), (TAG_RESOURCE, "nat/1")] {
            let mut tags = ours.clone();
            tags.insert(tag.to_owned(), value.to_owned());
            assert_eq!(ownership().key_of(&tags), None, "{tag}={value}");
            tags.remove(tag);
            assert_eq!(ownership().key_of(&tags), None, "no {tag}");
        }
    }
}
