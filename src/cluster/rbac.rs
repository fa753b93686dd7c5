//! Every permission that the controller uses in Kubernetes: two tables, one for
//! the whole cluster and one for the controller's own namespace.
//!
//! The chart's ClusterRole and Role are made from them, and the tests run the
//! controller with these permissions and no others.

use serde::Serialize;

use sagevpc_core::api::GROUP;

/// The name of the Lease, unless another one is chosen. All that run in a
/// namespace share it, whatever their release is called.
pub const LEASE: &str = "sagevpc";

/// A permission, and the code that needs it.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The API group; the core group is empty.
    pub group: &'static str,
    /// The resources, subresources included.
    pub resources: &'static [&'static str],
    /// The objects, by name; all where none is named.
    pub names: &'static [&'static str],
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// What needs it.
    pub needed_by: &'static str,
}

/// In the whole cluster.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs", "sagemakervpcprofiles"],
        names: &[],
        verbs: &["list", "watch"],
        needed_by: "Mirror: what is declared, in local copies",
    },
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs", "sagemakervpcprofiles"],
        names: &[],
        verbs: &["patch"],
        needed_by: "Patches: finalizers",
    },
    Permission {
        group: GROUP,
        resources: &["sagemakervpcs/status", "sagemakervpcprofiles/status"],
        names: &[],
        verbs: &["patch"],
        needed_by: "Patches: status",
    },
    Permission {
        group: "",
        resources: &["namespaces"],
        names: &[],
        verbs: &["list", "watch"],
        needed_by: "Mirror: namespaces' labels, and the UID of kube-system as the default id of the cluster",
    },
    Permission {
        group: "events.k8s.io",
        resources: &["events"],
        names: &[],
        verbs: &["create", "patch"],
        needed_by: "Publisher: events",
    },
];

/// In the controller's own namespace.
pub const OWN_NAMESPACE: &[Permission] = &[
    Permission {
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: &[],
        verbs: &["create"],
        needed_by: "Elector: the Lease, where there is none; no name can be asked for in advance",
    },
    Permission {
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: &[LEASE],
        verbs: &["get", "list", "watch", "update"],
        needed_by: "Elector: who leads",
    },
];

/// A rule as a ClusterRole or a Role lists it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups.
    pub api_groups: Vec<&'static str>,
    /// Resources.
    pub resources: Vec<&'static str>,
    /// Objects, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<&'static str>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

/// The rules of the ClusterRole, in the order of the table.
pub fn rules() -> Vec<Rule> {
    listed(PERMISSIONS)
}

/// The rules of the Role, likewise.
pub fn own_rules() -> Vec<Rule> {
    listed(OWN_NAMESPACE)
}

fn listed(permissions: &[Permission]) -> Vec<Rule> {
    permissions
        .iter()
        .map(|permission| Rule {
            api_groups: vec![permission.group],
            resources: permission.resources.to_vec(),
            resource_names: permission.names.to_vec(),
            verbs: permission.verbs.to_vec(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::Resource;

    use super::*;
    use sagevpc_core::api::{SageMakerVpc, SageMakerVpcProfile};

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
        for permission in PERMISSIONS.iter().chain(OWN_NAMESPACE) {
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

    #[test]
    fn leases_are_written_in_our_own_namespace_only_and_no_other_than_ours() {
        let of_leases = |permission: &&Permission| permission.resources.contains(&"leases");
        assert_eq!(PERMISSIONS.iter().filter(of_leases).count(), 0);
        for permission in OWN_NAMESPACE {
            assert_eq!(permission.resources, ["leases"]);
            assert!(
                permission.verbs == ["create"] || permission.names == [LEASE],
                "{permission:?}"
            );
            assert!(!permission.verbs.contains(&"delete"));
        }
    }
}
