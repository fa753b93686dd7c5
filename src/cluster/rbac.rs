//! Every permission that the controller uses in Kubernetes: one table.
//!
//! The chart's ClusterRole is made from it, and the tests run the controller
//! with these permissions and no others.

use serde::Serialize;

use crate::api::GROUP;

/// A permission, and the code that needs it.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The API group; the core group is empty.
    pub group: &'static str,
    /// The resources, subresources included.
    pub resources: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// What needs it.
    pub needed_by: &'static str,
}

/// The table.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs", "sagemakervpcprofiles"],
        verbs: &["list", "watch"],
        needed_by: "Mirror: what is declared, in local copies",
    },
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs", "sagemakervpcprofiles"],
        verbs: &["patch"],
        needed_by: "Patches: finalizers",
    },
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs/status", "sagemakervpcprofiles/status"],
        verbs: &["patch"],
        needed_by: "Patches: status",
    },
    Permission {
        group: "",
        resources: &["namespaces"],
        verbs: &["list", "watch"],
        needed_by: "Mirror: namespaces' labels, and the UID of kube-system as the default id of the cluster",
    },
    Permission {
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
        needed_by: "Publisher: events",
    },
];

/// A rule as a ClusterRole lists it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups.
    pub api_groups: Vec<&'static str>,
    /// Resources.
    pub resources: Vec<&'static str>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

/// The rules of the ClusterRole, in the order of the table.
pub fn rules() -> Vec<Rule> {
    PERMISSIONS
        .iter()
        .map(|permission| Rule {
            api_groups: vec![permission.group],
            resources: permission.resources.to_vec(),
            verbs: permission.verbs.to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::Resource;

    use super::*;
    use crate::api::{SageMakerVpc, SageMakerVpcProfile};

    #[test]
    fn both_kinds_are_named_as_they_are_served() {
        let named: BTreeSet<&str> = PERMISSIONS
            .iter()
            .filter(|permission| permission.group == GROUP)
            .flat_map(|permission| permission.resources)
            .map(|resource| resource.trim_end_matches("/status"))
            .collect();
        let served = [SageMakerVpc::plural(&()), SageMakerVpcProfile::plural(&())];
        assert_eq!(named, served.iter().map(AsRef::as_ref).collect());
    }

    #[test]
    fn nothing_is_asked_for_twice_and_nothing_in_bulk() {
        let mut seen = BTreeSet::new();
        for permission in PERMISSIONS {
            for (resource, verb) in permission
                .resources
                .iter()
                .flat_map(|resource| permission.verbs.iter().map(move |verb| (resource, verb)))
            {
                assert!(seen.insert((permission.group, resource, verb)), "{resource} {verb}");
                assert!(
                    *verb != "*" && *resource != "*" && *verb != "deletecollection",
                    "{resource} {verb}"
                );
            }
        }
    }
}
