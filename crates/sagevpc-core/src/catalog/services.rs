//! Names of AWS services that take interface endpoints.

use super::Symptom;
use crate::types::Region;

/// The short name of the Elastic Inference service.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html>.
pub const ELASTIC_INFERENCE: &str = "elastic-inference.runtime";

/// The gateway service of S3's directory buckets, by its short name.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-az-networking.html>.
pub const S3_EXPRESS: &str = "s3express";

/// The short name of what serves Studio to its users, `aws.sagemaker.REGION.studio`
/// in full.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-interface-endpoint.html>.
pub const STUDIO_UI: &str = "studio";

/// Interface endpoints that a VPC takes, by default.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>.
pub const MAX_INTERFACE_ENDPOINTS: usize = 50;

/// What follows partition and region in EC2's name of a service:
/// `sagemaker.api` of `com.amazonaws.us-east-1.sagemaker.api`, `notebook` of
/// `aws.sagemaker.us-east-1.notebook`. `None` for a name that does not hold the
/// region.
///
/// ```
/// use sagevpc_core::{catalog::short_service_name, types::Region};
///
/// let region = Region::new("cn-north-1");
/// assert_eq!(short_service_name("cn.com.amazonaws.cn-north-1.ecr.dkr", &region), Some("ecr.dkr"));
/// ```
pub fn short_service_name<'a>(service_name: &'a str, region: &Region) -> Option<&'a str> {
    let (_, short) = service_name.split_once(&format!(".{}.", region.as_str()))?;
    Some(short)
}

/// Whether a name, short or full, names the service with this short name.
pub fn names_service(name: &str, short: &str) -> bool {
    name == short || name.strip_suffix(short).is_some_and(|prefix| prefix.ends_with('.'))
}

/// Whether a name, short or full, is of AWS's own services. Any account can
/// offer one: EC2 names these `com.amazonaws.vpce.REGION.vpce-svc-ID`.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html>.
pub fn is_aws_service(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.split('.').any(|part| part == "vpce" || part.starts_with("vpce-"))
}

/// What the names of a service's actions begin with in IAM, for services that
/// SageMaker's workloads are known to call.
///
/// See the [service authorization reference](https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
pub fn action_prefix(short: &str) -> Option<&'static str> {
    match short.strip_suffix("-fips").unwrap_or(short) {
        "sagemaker.api" | "sagemaker.runtime" | "sagemaker.featurestore-runtime" | STUDIO_UI => Some("sagemaker"),
        "sts" => Some("sts"),
        "logs" => Some("logs"),
        "monitoring" => Some("cloudwatch"),
        "ecr.api" | "ecr.dkr" => Some("ecr"),
        "kms" => Some("kms"),
        "secretsmanager" => Some("secretsmanager"),
        "servicecatalog" => Some("servicecatalog"),
        ELASTIC_INFERENCE => Some("elastic-inference"),
        _ => None,
    }
}

/// What SageMaker's users see while the service, by its short or full name, is
/// out of reach.
pub fn symptom_without_service(name: &str) -> Symptom {
    // Jobs take credentials from the one and log to the other as they start.
    const NEEDED_TO_START: [&str; 2] = ["sts", "logs"];
    if name.starts_with("sagemaker.") || name.contains(".sagemaker.") || name == STUDIO_UI {
        Symptom::NoWayToSageMaker
    } else if NEEDED_TO_START.iter().any(|short| names_service(name, short)) {
        Symptom::StaysStarting
    } else {
        Symptom::NoWayToServices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_leave_partition_and_region_out() {
        let region = Region::new("us-east-1");
        for (full, short) in [
            ("com.amazonaws.us-east-1.sagemaker.api", Some("sagemaker.api")),
            ("com.amazonaws.us-east-1.sagemaker.api-fips", Some("sagemaker.api-fips")),
            ("aws.sagemaker.us-east-1.studio", Some("studio")),
            ("com.amazonaws.eu-west-1.sts", None),
            ("sts", None),
        ] {
            assert_eq!(short_service_name(full, &region), short, "{full}");
        }
    }

    #[test]
    fn services_of_other_accounts_are_told_by_name() {
        for (name, is_awss) in [
            ("sts", true),
            ("ecr.api", true),
            ("com.amazonaws.us-east-1.logs", true),
            ("aws.sagemaker.us-east-1.studio", true),
            ("cn.com.amazonaws.cn-north-1.ecr.dkr", true),
            ("com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", false),
            ("cn.com.amazonaws.vpce.cn-north-1.vpce-svc-0123456789abcdef0", false),
            ("vpce-svc-0123456789abcdef0", false),
            ("com.amazonaws.VPCE.us-east-1.VPCE-SVC-0123456789abcdef0", false),
        ] {
            assert_eq!(is_aws_service(name), is_awss, "{name}");
        }
    }

    #[test]
    fn a_name_that_only_ends_alike_names_another_service() {
        assert!(names_service("com.amazonaws.us-east-1.logs", "logs"));
        assert!(names_service("logs", "logs"));
        assert!(!names_service("com.amazonaws.us-east-1.flow-logs", "logs"));
        assert!(!names_service("com.amazonaws.us-east-1.logs-fips", "logs"));
    }
}
