//! The security groups that profiles get.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{
    catalog::RuleNeed,
    demand::Demands,
    types::{Ownership, ResourceKey},
    validate::{SecurityGroups, ValidProfile},
};

/// A security group to make and keep.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedGroup {
    /// What it is for.
    pub key: ResourceKey,
    /// Its name in EC2, unique in the VPC.
    pub name: String,
    /// What it says of itself in EC2.
    pub description: String,
    /// The workloads that use it, by their place in the profile.
    pub workloads: BTreeSet<usize>,
    /// The rules it must hold, and no others.
    pub rules: Vec<RuleNeed>,
}

/// The groups to make and keep for a profile; none where it brings its own.
pub(super) fn managed(profile: &ValidProfile, demands: &Demands, ownership: &Ownership) -> Vec<ManagedGroup> {
    let group = |workload: Option<String>, members: BTreeSet<usize>| ManagedGroup {
        rules: demands.rules(&members),
        ..empty_group(profile, ownership, workload, members)
    };
    let workloads = profile.workloads.iter().enumerate();
    match &profile.security_groups {
        SecurityGroups::Own(_) => Vec::new(),
        SecurityGroups::PerProfile => vec![group(None, (0..profile.workloads.len()).collect())],
        SecurityGroups::PerWorkload => workloads
            .map(|(place, workload)| group(Some(workload.name.clone()), BTreeSet::from([place])))
            .collect(),
    }
}

fn empty_group(
    profile: &ValidProfile,
    ownership: &Ownership,
    workload: Option<String>,
    workloads: BTreeSet<usize>,
) -> ManagedGroup {
    let of = match &workload {
        Some(name) => format!("workload {name} of profile {}", profile.key),
        None => format!("profile {}", profile.key),
    };
    let key = ResourceKey::WorkloadSecurityGroup {
        profile: profile.key.clone(),
        workload,
    };
    ManagedGroup {
        name: group_name(&key, ownership),
        description: description(&format!("SageMaker workloads: {of}. Managed by sagevpc.")),
        key,
        workloads,
        rules: Vec::new(),
    }
}

/// A name that says whose the group is and that no other cluster or object
/// gives in the same VPC: it ends in a hash of what must tell them apart.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
/// for what a name may hold.
pub(crate) fn group_name(key: &ResourceKey, ownership: &Ownership) -> String {
    let identity = format!("{}\0{}\0{key}", ownership.cluster, ownership.vpc);
    let hash = hex::encode(&Sha256::digest(identity.as_bytes())[..5]);
    let readable = match key {
        ResourceKey::S3GatewayEndpoint => "s3".to_owned(),
        ResourceKey::EndpointSecurityGroup => "endpoints".to_owned(),
        ResourceKey::S3ExpressGatewayEndpoint
        | ResourceKey::InterfaceEndpoint { .. }
        | ResourceKey::ElasticInferenceClient
        | ResourceKey::ElasticInferenceEndpoint
        | ResourceKey::NatGateway { .. }
        | ResourceKey::Address { .. }
        | ResourceKey::FlowLog { .. }
        | ResourceKey::NetworkAclEntries { .. }
        | ResourceKey::DefaultRoute { .. }
        | ResourceKey::BucketPolicy { .. }
        | ResourceKey::RolePolicy { .. } => key.to_string().replace('/', "-"),
        ResourceKey::WorkloadSecurityGroup {
            profile,
            workload: None,
        } => {
            format!("{}-{}", profile.namespace, profile.name)
        }
        ResourceKey::WorkloadSecurityGroup {
            profile,
            workload: Some(workload),
        } => {
            format!("{}-{}-{workload}", profile.namespace, profile.name)
        }
    };
    format!("sagevpc-{readable}-{hash}")
}

/// EC2 takes 255 characters.
fn description(text: &str) -> String {
    text.chars().take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ProfileKey;

    fn name(cluster: &str, vpc: &str, workload: Option<&str>) -> String {
        let key = ResourceKey::WorkloadSecurityGroup {
            profile: ProfileKey::new("ml-fraud", "fraud"),
            workload: workload.map(str::to_owned),
        };
        group_name(
            &key,
            &Ownership {
                cluster: cluster.into(),
                cluster_uid: None,
                vpc: vpc.into(),
            },
        )
    }

    #[test]
    fn names_tell_clusters_objects_and_workloads_apart() {
        let names = [
            name("a", "v", None),
            name("b", "v", None),
            name("a", "w", None),
            name("a", "v", Some("serve")),
        ];
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| name.starts_with("sagevpc-ml-fraud-fraud-")));
    }

    #[test]
    fn the_longest_name_fits() {
        let long = "x".repeat(63);
        let key = ResourceKey::WorkloadSecurityGroup {
            profile: ProfileKey::new(long.clone(), long.clone()),
            workload: Some(long),
        };
        assert!(
            group_name(
                &key,
                &Ownership {
                    cluster: "c".into(),
                    cluster_uid: None,
                    vpc: "v".into()
                }
            )
            .len()
                <= 255
        );
    }
}
