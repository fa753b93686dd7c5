//! Buckets of AWS's own that workloads read, or must not read, through the S3
//! gateway endpoint.

use crate::types::Region;

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

/// What a workload does with a bucket of its own, and on what of it.
const BUCKET_USES: [(&str, &str); 3] = [("s3:GetObject", "/*"), ("s3:PutObject", "/*"), ("s3:ListBucket", "")];

/// What it does with a bucket that it may only read.
const BUCKET_READS: [(&str, &str); 2] = [("s3:GetObject", "/*"), ("s3:ListBucket", "")];

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

/// Whether a bucket, whose name may have wildcards, is one of AWS's own: it is in
/// no account or organization of its users.
pub fn is_bucket_of_aws(bucket: &str) -> bool {
    let is_of_layers = bucket.starts_with("prod-") && bucket.ends_with("-starport-layer-bucket");
    let is_repository = bucket.ends_with(".amazonaws.com")
        && REPOSITORIES_OF_AWS
            .iter()
            .any(|beginning| bucket.starts_with(beginning));
    is_of_layers || is_repository || BUCKETS_OF_AWS.iter().any(|name| bucket.starts_with(name))
}

/// What a workload does with this bucket, as actions each with what of the bucket
/// it is on; with S3 as such, that it reads something.
pub fn bucket_uses(bucket: Option<&str>) -> &'static [(&'static str, &'static str)] {
    let Some(bucket) = bucket else {
        return &BUCKET_USES[..1];
    };
    if is_bucket_of_aws(bucket) {
        &BUCKET_READS
    } else {
        &BUCKET_USES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_to_buckets_of_aws() {
        let writes = |bucket| {
            bucket_uses(Some(bucket))
                .iter()
                .any(|(action, _)| *action == "s3:PutObject")
        };
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
