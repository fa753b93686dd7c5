//! The inline policy that execution roles get.

use sha2::{Digest, Sha256};

use crate::types::Ownership;

const PREFIX: &str = "sagevpc-";

/// Characters of the hash that ends the name.
const HASH: usize = 10;

/// The name of our inline policy on any role: one for each SageMakerVpc object
/// of each cluster, so that two that serve one role never write the same. It
/// ends in a hash of what tells them apart; IAM takes 128 characters.
///
/// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>.
pub fn role_policy_name(ownership: &Ownership) -> String {
    let identity = format!("{}\0{}", ownership.cluster, ownership.vpc);
    let hash = hex::encode(Sha256::digest(identity.as_bytes()));
    let vpc: String = ownership.vpc.chars().take(63).collect();
    format!("{PREFIX}{vpc}-{}", &hash[..HASH])
}

/// Whether an inline policy bears a name that some SageMakerVpc gives.
pub(crate) fn is_role_policy_name(name: &str) -> bool {
    let hash = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('-'));
    hash.is_some_and(|(_, hash)| hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(cluster: &str, vpc: &str) -> String {
        role_policy_name(&Ownership {
            cluster: cluster.into(),
            cluster_uid: None,
            vpc: vpc.into(),
        })
    }

    #[test]
    fn names_tell_clusters_and_objects_apart_and_are_known_again() {
        let names = [
            name("prod", "research"),
            name("test", "research"),
            name("prod", "fraud"),
        ];
        assert!(names.iter().all(|name| is_role_policy_name(name)), "{names:?}");
        assert!(names[0] != names[1] && names[0] != names[2]);
        assert!(name("prod", &"x".repeat(253)).len() <= 128);
    }

    #[test]
    fn names_that_people_give_are_not_taken_for_ours() {
        for name in ["sagevpc", "sagevpc-extra", "sagevpc-research-0123", "other-0123456789"] {
            assert!(!is_role_policy_name(name), "{name}");
        }
    }
}
