//! Buckets of AWS's own that workloads read, or must not read, through the S3
//! gateway endpoint.

use crate::types::{BucketAccess, BucketUse, Region};

/// The objects that Amazon Linux package repositories are served from, as
/// ARNs with wildcards, for `s3:GetObject`.
///
/// The first three are those of AWS's page on restricting an S3 endpoint; the
/// other two are the buckets in use today, which that page does not name.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/neo-vpc.html> and
/// <https://docs.aws.amazon.com/linux/al2023/ug/managing-repos-os-updates.html>.
pub fn package_repositories(region: &Region) -> Vec<String> {
    let partition = region.partition();
    [
        "packages.*.amazonaws.com".to_owned(),
        "repo.*.amazonaws.com".to_owned(),
        "amazonlinux.*.amazonaws.com".to_owned(),
        format!("amazonlinux-2-repos-{region}"),
        format!("al2023-repos-{region}-de612dc2"),
    ]
    .map(|bucket| format!("arn:{partition}:s3:::{bucket}/*"))
    .to_vec()
}

/// The bucket that Amazon ECR serves image layers from. A policy that allows
/// named buckets only must keep it, or images no longer arrive.
///
/// It is the only bucket of AWS's own that AWS documents as needed behind such
/// a policy. Others that teams may read, such as JumpStart's
/// `jumpstart-cache-prod-<region>`, are named by the profiles that do.
///
/// See <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>.
pub fn ecr_layer_bucket(region: &Region) -> String {
    format!("prod-{region}-starport-layer-bucket")
}

/// What a use of a bucket comes to in actions of S3.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketActions {
    /// The `Sid` of the statement in a policy of sagevpc's making.
    pub sid: &'static str,
    /// The requests that a workload makes, each with what of the bucket it is on:
    /// by these, policies are judged.
    pub asked: &'static [(&'static str, &'static str)],
    /// What a policy of sagevpc's making lets through for it, on the bucket and
    /// its objects.
    pub allowed: &'static [&'static str],
}

/// A bucket that is read and written.
const READ_AND_WRITTEN: BucketActions = BucketActions {
    sid: "AllowBuckets",
    asked: &[("s3:GetObject", "/*"), ("s3:PutObject", "/*"), ("s3:ListBucket", "")],
    allowed: &["s3:*"],
};

/// One that is only read.
const READ: BucketActions = BucketActions {
    sid: "AllowReadingBuckets",
    asked: &[("s3:GetObject", "/*"), ("s3:ListBucket", "")],
    allowed: &["s3:Get*", "s3:List*"],
};

/// S3 as such: something is read.
const ANYTHING_READ: BucketActions = BucketActions {
    asked: &[("s3:GetObject", "/*")],
    ..READ
};

/// Names of AWS's own buckets that SageMaker's users read: of `JumpStart`, of
/// samples, of packages, of images. Nobody but AWS writes to them.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-jumpstart.html>.
const BUCKETS_OF_AWS: [&str; 8] = [
    "al2023-repos-",
    "amazonlinux-2-repos-",
    "jumpstart-cache-prod-",
    "jumpstart-private-cache-prod-",
    "sagemaker-example-files-prod-",
    "sagemaker-sample-data-",
    "sagemaker-sample-files",
    "sagemaker-servicecatalog-seedcode-",
];

/// Beginnings of the buckets of older package repositories, whose names go on
/// with a region or a wildcard for it.
const REPOSITORIES_OF_AWS: [&str; 3] = ["packages.", "repo.", "amazonlinux."];

/// The buckets that AWS `CodeArtifact` serves packages' files from, by region.
///
/// See <https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html>.
const BUCKETS_OF_CODE_ARTIFACT: [(&str, &str); 10] = [
    ("us-east-1", "assets-193858265520-us-east-1"),
    ("us-east-2", "assets-250872398865-us-east-2"),
    ("us-west-2", "assets-787052242323-us-west-2"),
    ("eu-west-1", "assets-438097961670-eu-west-1"),
    ("eu-west-2", "assets-247805302724-eu-west-2"),
    ("eu-west-3", "assets-762466490029-eu-west-3"),
    ("eu-north-1", "assets-611884512288-eu-north-1"),
    ("eu-south-1", "assets-484130244270-eu-south-1"),
    ("eu-central-1", "assets-769407342218-eu-central-1"),
    ("ap-northeast-1", "assets-660291247815-ap-northeast-1"),
];

/// The bucket that AWS `CodeArtifact` serves packages' files from, where it is
/// known.
pub(super) fn code_artifact_bucket(region: &Region) -> Option<&'static str> {
    let mut buckets = BUCKETS_OF_CODE_ARTIFACT.iter();
    buckets
        .find(|(named, _)| *named == region.as_str())
        .map(|(_, bucket)| *bucket)
}

/// Whether a bucket, whose name may have wildcards, is one of AWS's own: it is in
/// no account or organization of its users.
pub fn is_bucket_of_aws(bucket: &str) -> bool {
    let is_of_layers = bucket.starts_with("prod-") && bucket.ends_with("-starport-layer-bucket");
    let is_repository = bucket.ends_with(".amazonaws.com")
        && REPOSITORIES_OF_AWS
            .iter()
            .any(|beginning| bucket.starts_with(beginning));
    let is_of_packages = || BUCKETS_OF_CODE_ARTIFACT.iter().any(|(_, name)| *name == bucket);
    is_of_layers || is_repository || is_of_packages() || BUCKETS_OF_AWS.iter().any(|name| bucket.starts_with(name))
}

/// Whether the name is that of a directory bucket, of S3 Express One Zone: it ends
/// in its zone's id and these letters, as in `fraud--use1-az5--x-s3`. S3 serves
/// those by a gateway service and addresses of their own.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html>.
pub fn is_directory_bucket(bucket: &str) -> bool {
    let zone = bucket.strip_suffix("--x-s3").and_then(|named| named.rsplit_once("--"));
    zone.is_some_and(|(base, zone)| !base.is_empty() && zone.contains("-az"))
}

/// What a workload does with a directory bucket: one session is good for all
/// objects.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-create-session.html>.
pub const SESSION_OF_DIRECTORY_BUCKETS: &str = "s3express:CreateSession";

/// A directory bucket, read or written: who may open a session may do either, as
/// its role allows.
const SESSIONS: BucketActions = BucketActions {
    sid: "AllowDirectoryBuckets",
    asked: &[(SESSION_OF_DIRECTORY_BUCKETS, "")],
    allowed: &[SESSION_OF_DIRECTORY_BUCKETS],
};

/// The ARN of a directory bucket, in whichever account it is.
///
/// See <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3express.html>.
pub fn directory_bucket_arn(region: Option<&Region>, bucket: &str) -> String {
    let (partition, region) = region.map_or(("aws", "*"), |region| (region.partition(), region.as_str()));
    format!("arn:{partition}:s3express:{region}:*:bucket/{bucket}")
}

/// Which actions of S3 a use of a bucket needs; of S3 as such, that something is
/// read. Nobody writes to buckets of AWS's, whatever is declared.
pub fn bucket_actions(bucket: Option<&BucketUse>) -> &'static BucketActions {
    match bucket {
        None => &ANYTHING_READ,
        Some(bucket) if is_directory_bucket(&bucket.name) => &SESSIONS,
        Some(bucket) if is_bucket_of_aws(&bucket.name) => &READ,
        Some(bucket) => match bucket.access {
            BucketAccess::ReadOnly => &READ,
            BucketAccess::ReadWrite => &READ_AND_WRITTEN,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_buckets_are_told_by_their_names() {
        for name in [
            "a--use1-az5--x-s3",
            "fraud-data--apne1-az4--x-s3",
            "a--b--usw2-lax1-az1--x-s3",
        ] {
            assert!(is_directory_bucket(name), "{name}");
        }
        for name in [
            "fraud-data",
            "fraud--x-s3",
            "--use1-az5--x-s3",
            "a--use1-az5--x-s3-logs",
        ] {
            assert!(!is_directory_bucket(name), "{name}");
        }
    }

    #[test]
    fn only_what_is_declared_as_written_is_written_and_no_bucket_of_aws() {
        let is_written = |bucket, access| {
            let actions = bucket_actions(Some(&BucketUse::new(bucket, access)));
            let asked = actions.asked.iter().any(|(action, _)| *action == "s3:PutObject");
            assert_eq!(asked, actions.allowed.contains(&"s3:*"), "{bucket}");
            asked
        };
        let writes = |bucket| is_written(bucket, BucketAccess::ReadWrite);
        assert!(!is_written("fraud-data", BucketAccess::ReadOnly));
        for bucket in [
            "jumpstart-cache-prod-eu-west-1",
            "prod-eu-west-1-starport-layer-bucket",
            "sagemaker-sample-files",
            "sagemaker-sample-data-eu-west-1",
            "packages.eu-west-1.amazonaws.com",
        ] {
            assert!(!writes(bucket), "{bucket}");
        }
        for bucket in [
            "fraud-data",
            "sagemaker-eu-west-1-111122223333",
            "prod-models",
            "my-jumpstart-cache-prod-x",
        ] {
            assert!(writes(bucket), "{bucket}");
        }
    }

    #[test]
    fn repositories_carry_region_and_partition() {
        let repositories = package_repositories(&Region::new("cn-north-1"));
        assert!(
            repositories
                .iter()
                .all(|arn| arn.starts_with("arn:aws-cn:s3:::") && arn.ends_with("/*"))
        );
        assert!(repositories.contains(&"arn:aws-cn:s3:::amazonlinux-2-repos-cn-north-1/*".to_owned()));
    }
}
