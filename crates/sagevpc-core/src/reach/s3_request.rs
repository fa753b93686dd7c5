//! What is known of a request to S3 that a workload makes from inside the VPC:
//! whom it comes from, by which way, and whose the bucket is.
//!
//! See [global condition keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html)
//! and [keys of S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html).

use ipnet::IpNet;

use crate::{
    catalog::is_bucket_of_aws,
    observed::VpcSnapshot,
    types::{AccountId, VpcEndpointId},
};
use iam_policy::{Context, ContextValue, PolicyDocument};

/// Whose a bucket is, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketOwner {
    /// AWS's: in an account and an organization that are none of the user's.
    Aws,
    /// This account's.
    Account(AccountId),
    /// Nobody told.
    Unknown,
}

/// S3's code for a bucket without a policy, which only its owner is told.
const NO_POLICY: &str = "NoSuchBucketPolicy";

impl BucketOwner {
    /// Whose this bucket is. S3 shows a bucket's policy, or that it has none, to
    /// the account that owns it and to no other.
    ///
    /// See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html>.
    pub fn of(snapshot: &VpcSnapshot, bucket: &str) -> Self {
        let is_shown = snapshot
            .buckets
            .get(bucket)
            .is_some_and(|seen| seen.error.as_deref().is_none_or(|error| error == NO_POLICY));
        match snapshot.accounts().workloads {
            Some(account) if is_shown => Self::Account(account),
            Some(_) | None if is_bucket_of_aws(bucket) => Self::Aws,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// What a request of a workload says, whichever way it takes: SDKs encrypt it,
/// and it carries the session of an execution role.
fn of_a_workload(snapshot: &VpcSnapshot) -> Context {
    let context = Context::partial()
        .with_value("aws:SecureTransport", "true")
        .with_value("aws:ViaAWSService", "false")
        .with_value("aws:PrincipalIsAWSService", "false")
        .with_value("aws:PrincipalType", "AssumedRole");
    match snapshot.accounts().workloads {
        Some(account) => context.with_value("aws:PrincipalAccount", account.as_str()),
        None => context,
    }
}

/// The same through an endpoint of the VPC, which puts its own id in the place of
/// a public address, from one of these networks. The id is `None` while the
/// endpoint has none.
pub fn through(
    snapshot: &VpcSnapshot,
    endpoint: Option<&VpcEndpointId>,
    from: impl IntoIterator<Item = IpNet>,
) -> Context {
    let mut context = of_a_workload(snapshot)
        .with_value("aws:SourceVpc", snapshot.vpc.vpc_id.as_str())
        .with("aws:SourceIp", ContextValue::Absent)
        .with("aws:VpcSourceIp", ContextValue::Within(from.into_iter().collect()));
    if let Some(endpoint) = endpoint {
        context = context.with_value("aws:SourceVpce", endpoint.as_str());
    }
    if let Some(region) = &snapshot.region {
        context = context.with_value("aws:RequestedRegion", region.as_str());
    }
    context
}

/// The keys that hold the account of the bucket.
pub(super) const RESOURCE_ACCOUNT: [&str; 2] = ["s3:ResourceAccount", "aws:ResourceAccount"];
/// The keys that hold its organization.
pub(super) const RESOURCE_ORG: [&str; 2] = ["aws:ResourceOrgID", "aws:ResourceOrgPaths"];

/// What a request for a bucket says besides, of whose it is. An organization that
/// a policy names is the user's own, as accounts that were looked at are; no
/// bucket of AWS's is in either.
pub fn for_bucket(context: Context, owner: &BucketOwner, snapshot: &VpcSnapshot, policy: &PolicyDocument) -> Context {
    match owner {
        BucketOwner::Unknown => context,
        BucketOwner::Account(account) => RESOURCE_ACCOUNT
            .iter()
            .fold(context, |context, key| context.with_value(key, account.as_str())),
        BucketOwner::Aws => {
            let accounts = snapshot.accounts();
            let own = [accounts.network, accounts.workloads].into_iter().flatten();
            let of_ours: Vec<String> = own
                .map(|account| account.to_string())
                .chain(["${aws:PrincipalAccount}".to_owned()])
                .collect();
            let context = RESOURCE_ACCOUNT.iter().fold(context, |context, key| {
                context.with(
                    key,
                    ContextValue::NoneOf {
                        texts: of_ours.clone(),
                        or_absent: false,
                    },
                )
            });
            RESOURCE_ORG.iter().fold(context, |context, key| {
                context.with(
                    key,
                    ContextValue::NoneOf {
                        texts: named_for(policy, key),
                        or_absent: true,
                    },
                )
            })
        }
    }
}

/// The values that a policy compares a key with.
fn named_for(policy: &PolicyDocument, key: &str) -> Vec<String> {
    let conditions = policy
        .statements
        .iter()
        .flat_map(|statement| statement.condition.values());
    conditions
        .flatten()
        .filter(|(named, _)| named.eq_ignore_ascii_case(key))
        .flat_map(|(_, values)| values.iter().cloned())
        .collect()
}
