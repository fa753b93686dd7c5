//! The policy of the S3 gateway endpoint: one for all profiles of a VPC.

use std::collections::BTreeSet;

use super::{Network, ProfileNetwork};
use crate::{
    api::PackageRepositories,
    catalog::{ecr_layer_bucket, package_repositories},
    policy::{PolicyDocument, Statement},
    types::{ProfileKey, Region},
    validate::EndpointPolicy,
};

/// What the S3 gateway endpoint is to let through.
#[derive(Clone, Debug, PartialEq)]
pub struct S3Policy {
    /// The document.
    pub document: PolicyDocument,
    /// What profiles agreed on for the package repositories.
    pub package_repositories: Option<PackageRepositories>,
    /// Whether the document is the user's own, and so must be judged.
    pub is_custom: bool,
}

impl S3Policy {
    pub(super) fn merge(network: &Network, in_effect: &BTreeSet<&ProfileKey>) -> Self {
        let region = &network.vpc.region;
        let has_a_say = |network: &ProfileNetwork| {
            in_effect.contains(&network.profile.key) && network.profile.package_repositories.is_some()
        };
        let repositories = network
            .vpc
            .package_repositories
            .filter(|_| !network.frozen.is_empty() || network.profiles.iter().any(has_a_say));
        let document = match &network.vpc.s3_policy {
            EndpointPolicy::Custom(document) => (**document).clone(),
            EndpointPolicy::FullAccess => {
                let mut document = PolicyDocument::full_access();
                document.statements.extend(denial(repositories, region));
                document
            }
            EndpointPolicy::Buckets => {
                let accepted = network
                    .profiles
                    .iter()
                    .filter(|network| in_effect.contains(&network.profile.key))
                    .flat_map(|network| &network.profile.buckets);
                let frozen = network.frozen.iter().flat_map(|frozen| &frozen.buckets);
                let buckets: BTreeSet<&str> = accepted.chain(frozen).map(String::as_str).collect();
                PolicyDocument::new(allow_list(&buckets, repositories, region))
            }
        };
        Self {
            document,
            package_repositories: repositories,
            is_custom: matches!(network.vpc.s3_policy, EndpointPolicy::Custom(_)),
        }
    }
}

/// The ARN of a bucket.
pub(crate) fn bucket_arn(region: &Region, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", region.partition())
}

fn allow_list(buckets: &BTreeSet<&str>, repositories: Option<PackageRepositories>, region: &Region) -> Vec<Statement> {
    let mut statements = Vec::new();
    if !buckets.is_empty() {
        let resources = buckets.iter().flat_map(|bucket| {
            let arn = bucket_arn(region, bucket);
            [format!("{arn}/*"), arn]
        });
        statements.push(Statement::allow(["s3:*"]).sid("AllowBuckets").everyone().on(resources));
    }
    let layers = format!("{}/*", bucket_arn(region, &ecr_layer_bucket(region)));
    statements.push(
        Statement::allow(["s3:GetObject"])
            .sid("AllowImageLayers")
            .everyone()
            .on([layers]),
    );
    match repositories {
        Some(PackageRepositories::Allow) => statements.push(
            Statement::allow(["s3:GetObject"])
                .sid("AllowPackageRepositories")
                .everyone()
                .on(package_repositories(region)),
        ),
        Some(PackageRepositories::Deny) => statements.extend(denial(repositories, region)),
        None => {}
    }
    statements
}

/// The statement that keeps the package repositories out of reach. A policy
/// that only denied would block everything, so it never stands alone.
fn denial(repositories: Option<PackageRepositories>, region: &Region) -> Option<Statement> {
    match repositories {
        Some(PackageRepositories::Deny) => Some(
            Statement::deny(["s3:GetObject"])
                .sid("DenyPackageRepositories")
                .everyone()
                .on(package_repositories(region)),
        ),
        Some(PackageRepositories::Allow) | None => None,
    }
}
