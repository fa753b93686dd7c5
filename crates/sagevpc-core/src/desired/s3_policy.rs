//! The policy of the S3 gateway endpoint: one for all profiles of a VPC.

use std::collections::{BTreeMap, BTreeSet};

use super::{Network, ProfileNetwork};
use crate::{
    api::PackageRepositories,
    catalog::{BucketActions, bucket_actions, ecr_layer_bucket, is_directory_bucket, package_repositories},
    types::{BucketAccess, BucketUse, HELD_REPOSITORIES, ProfileKey, Region},
    validate::EndpointPolicy,
};
use iam_policy::{ActionClause, Effect, PolicyDocument, ResourceClause, Statement};

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

/// What of an endpoint's policy stays as it is, for profiles that have no say at
/// present and rely on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptOfPolicy {
    /// The buckets, and what may be done with them.
    pub buckets: BTreeMap<String, BucketAccess>,
    /// What it does about the package repositories.
    pub package_repositories: Option<PackageRepositories>,
}

impl KeptOfPolicy {
    /// What `holds` says of a policy of ours that is there: `Some` name for a
    /// bucket, `None` for the package repositories.
    pub fn of(policy: &PolicyDocument, region: &Region, holds: impl Fn(Option<&BucketUse>) -> bool) -> Self {
        let prefix = bucket_arn(region, "");
        let repositories = package_repositories(region);
        let mut kept = Self::default();
        for statement in &policy.statements {
            let Some(ResourceClause::Resource(resources)) = &statement.resource else {
                continue;
            };
            if resources.iter().any(|resource| repositories.contains(resource)) && holds(None) {
                kept.package_repositories = Some(match statement.effect {
                    Effect::Allow => PackageRepositories::Allow,
                    Effect::Deny => PackageRepositories::Deny,
                });
            }
            let names = resources.iter().filter_map(|resource| resource.strip_prefix(&prefix));
            let whole = names.filter(|name| statement.effect == Effect::Allow && !name.contains(['*', '?', '/', '$']));
            for name in whole {
                let is_held = |access: &BucketAccess| {
                    let bucket = BucketUse::new(name, *access);
                    holds(Some(&bucket)) && lets_through(statement, &bucket)
                };
                // What is read and written may have been relied on for reading alone.
                let wider_first = [BucketAccess::ReadWrite, BucketAccess::ReadOnly];
                if let Some(access) = wider_first.into_iter().find(is_held) {
                    widen(&mut kept.buckets, name, access);
                }
            }
        }
        kept
    }
}

/// Whether a statement of ours lets through what is done with a bucket.
fn lets_through(statement: &Statement, bucket: &BucketUse) -> bool {
    let ActionClause::Action(actions) = &statement.action else {
        return false;
    };
    let is_allowed = |action: &&str| actions.iter().any(|allowed| allowed == action || allowed == "s3:*");
    bucket_actions(Some(bucket)).allowed.iter().all(is_allowed)
}

/// Adds what is done with a bucket to what others do with it.
fn widen(buckets: &mut BTreeMap<String, BucketAccess>, name: &str, access: BucketAccess) {
    let known = buckets.entry(name.to_owned()).or_insert(access);
    *known = access.max(*known);
}

impl S3Policy {
    pub(super) fn merge(network: &Network, in_effect: &BTreeSet<&ProfileKey>, kept: &KeptOfPolicy) -> Self {
        let region = &network.vpc.region;
        let has_a_say = |network: &ProfileNetwork| {
            in_effect.contains(&network.profile.key) && network.profile.package_repositories.is_some()
        };
        let kept_by = network.frozen.iter().map(|frozen| frozen.holdings);
        let is_kept = kept_by
            .chain(network.absent.iter().map(|absent| absent.holdings))
            .any(|holdings| holdings.may_hold(HELD_REPOSITORIES));
        let repositories = network
            .vpc
            .package_repositories
            .filter(|_| is_kept || network.profiles.iter().any(has_a_say))
            .or(kept.package_repositories);
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
                    .flat_map(|network| network.profile.bucket_uses());
                let kept = kept.buckets.iter();
                let kept = kept.map(|(name, access)| BucketUse::new(name, *access));
                let mut buckets = BTreeMap::new();
                // Directory buckets have an endpoint of their own.
                for bucket in accepted.chain(kept).filter(|bucket| !is_directory_bucket(&bucket.name)) {
                    widen(&mut buckets, &bucket.name, bucket.access);
                }
                // Whatever is declared, it is let through below.
                buckets.remove(&ecr_layer_bucket(region));
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
pub fn bucket_arn(region: &Region, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", region.partition())
}

fn allow_list(
    buckets: &BTreeMap<String, BucketAccess>,
    repositories: Option<PackageRepositories>,
    region: &Region,
) -> Vec<Statement> {
    let mut alike: BTreeMap<&BucketActions, Vec<&str>> = BTreeMap::new();
    for (name, access) in buckets {
        let actions = bucket_actions(Some(&BucketUse::new(name, *access)));
        alike.entry(actions).or_default().push(name);
    }
    let mut statements: Vec<Statement> = Vec::new();
    for (actions, names) in alike {
        let resources = names.into_iter().flat_map(|bucket| {
            let arn = bucket_arn(region, bucket);
            [format!("{arn}/*"), arn]
        });
        let allow = Statement::allow(actions.allowed.iter().copied());
        statements.push(allow.sid(actions.sid).everyone().on(resources));
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
