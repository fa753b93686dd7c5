//! Names that resolve to addresses in a VPC, or in networks that it is joined to.

/// What stands in the names of resources that AWS puts into a VPC, behind the
/// resource's own label; the API of a service begins with it.
const SERVICES_IN_VPCS: [&str; 12] = [
    "cache",
    "docdb",
    "docdb-elastic",
    "efs",
    "fsx",
    "kafka",
    "memorydb",
    "mq",
    "neptune",
    "rds",
    "redshift",
    "redshift-serverless",
];

/// Ends of names that no public zone has.
const PRIVATE_ZONES: [&str; 7] = ["corp", "home", "internal", "intranet", "lan", "local", "private"];

/// Whether a name resolves to private addresses, if at all: those of databases
/// and file systems, and of zones that no public server has.
pub fn is_private_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    let (Some(first), Some(last)) = (labels.first(), labels.last()) else {
        return false;
    };
    let is_label = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if (labels.len() == 1 && is_label(first)) || PRIVATE_ZONES.contains(last) {
        return true;
    }
    let is_aws = name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn");
    let in_vpc = labels[1..].iter().any(|label| SERVICES_IN_VPCS.contains(label));
    let is_search_domain = first.starts_with("vpc-") && labels.contains(&"es");
    is_aws && (in_vpc || is_search_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_resources_in_vpcs_are_told_from_those_of_apis() {
        for name in [
            "fs-0a1b2c3d.efs.eu-west-1.amazonaws.com",
            "orders.cluster-c9akciq32.us-east-1.rds.amazonaws.com",
            "dw.abc123.eu-west-1.redshift.amazonaws.com",
            "sessions.x1.0001.euw1.cache.amazonaws.com",
            "vpc-logs-abc.eu-west-1.es.amazonaws.com",
            "ip-10-0-1-5.eu-west-1.compute.internal",
            "registry.corp",
            "registry",
        ] {
            assert!(is_private_name(name), "{name}");
        }
        for name in [
            "pypi.org",
            "rds.eu-west-1.amazonaws.com",
            "elasticfilesystem.eu-west-1.amazonaws.com",
            "sts.eu-west-1.amazonaws.com",
            "search-logs-abc.eu-west-1.es.amazonaws.com",
            "bucket.s3.eu-west-1.amazonaws.com",
        ] {
            assert!(!is_private_name(name), "{name}");
        }
    }
}
