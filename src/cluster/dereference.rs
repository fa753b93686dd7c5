//! A VPC object with everything in the cluster that bears on it. Reads the
//! local copies; asks and changes nothing.

use kube::{ResourceExt, runtime::reflector::ObjectRef};

use super::Stores;
use sagevpc_core::{
    api::SageMakerVpc,
    types::ProfileKey,
    validate::{ProfileReference, References, admits},
};

/// The local copies do not agree with each other yet: each is filled by a watch
/// of its own. Nothing can be said until they do.
#[derive(Debug, thiserror::Error)]
pub enum Behind {
    /// A profile is known and its namespace is not yet, or no longer, whose
    /// labels say what it may do.
    #[error("the namespace of profile {0} is not in the local copy yet")]
    Namespace(ProfileKey),
    /// A profile is admitted by now, and what it says is not known yet.
    #[error("what profile {0} says is not in the local copy yet, for its namespace is admitted only now")]
    Spec(ProfileKey),
}

/// Gathers what bears on a VPC object.
///
/// # Errors
///
/// [`Behind`] while the local copies do not agree with each other.
pub fn dereference(stores: &Stores, cluster: &str, vpc: &SageMakerVpc) -> Result<References, Behind> {
    let name = vpc.name_any();
    let rivals = stores
        .vpcs
        .state()
        .iter()
        .filter(|other| other.spec.vpc_id == vpc.spec.vpc_id && other.name_any() != name)
        .map(|other| (**other).clone())
        .collect();
    let profiles = stores
        .profiles_of(&name)
        .iter()
        .map(|profile| {
            let namespace = profile.namespace().unwrap_or_default();
            let key = ProfileKey::new(namespace.clone(), profile.name_any());
            let Some(meta) = stores.namespaces.get(&ObjectRef::new(&namespace)) else {
                return Err(Behind::Namespace(key));
            };
            if profile.spec.is_unread() && admits(vpc, meta.labels()) {
                return Err(Behind::Spec(key));
            }
            Ok(ProfileReference {
                profile: (**profile).clone(),
                namespace_labels: meta.labels().clone(),
            })
        })
        .collect::<Result<Vec<_>, Behind>>()?;
    Ok(References {
        cluster: cluster.to_owned(),
        cluster_uid: stores.cluster_uid(),
        vpc: vpc.clone(),
        rivals,
        profiles,
    })
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;
    use crate::cluster::{Mirror, NamespaceMeta};
    use sagevpc_core::api::SageMakerVpcProfile;

    fn vpc(name: &str, vpc_id: &str) -> SageMakerVpc {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": name },
            "spec": { "region": "us-east-1", "vpcId": vpc_id },
        }))
        .unwrap()
    }

    fn profile(namespace: &str, vpc: &str) -> SageMakerVpcProfile {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": "fraud", "namespace": namespace },
            "spec": { "vpcRef": { "name": vpc }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
        }))
        .unwrap()
    }

    fn namespace(name: &str, label: &str) -> NamespaceMeta {
        serde_json::from_value(json!({ "metadata": { "name": name, "labels": { "team": label } } })).unwrap()
    }

    struct Mirrors(Mirror<SageMakerVpc>, Mirror<SageMakerVpcProfile>, Mirror<NamespaceMeta>);

    impl Mirrors {
        fn stores(&self) -> Stores {
            Stores {
                vpcs: self.0.store(),
                profiles: self.1.store(),
                namespaces: self.2.store(),
            }
        }
    }

    #[test]
    fn profiles_come_with_the_labels_of_their_namespaces() {
        let mut mirrors = Mirrors(Mirror::default(), Mirror::default(), Mirror::default());
        mirrors.1.take(Event::Apply(profile("mine", "research")));
        mirrors.1.take(Event::Apply(profile("mine-too", "production")));
        mirrors.2.take(Event::Apply(namespace("mine", "fraud")));
        let references = dereference(&mirrors.stores(), "c", &vpc("research", "vpc-1")).unwrap();
        let [reference] = references.profiles.as_slice() else {
            panic!("{references:?}")
        };
        assert_eq!(reference.namespace_labels["team"], "fraud");
    }

    #[test]
    fn a_profile_of_a_namespace_not_known_yet_is_waited_for() {
        let mut mirrors = Mirrors(Mirror::default(), Mirror::default(), Mirror::default());
        mirrors.1.take(Event::Apply(profile("mine", "research")));
        let behind = dereference(&mirrors.stores(), "c", &vpc("research", "vpc-1")).unwrap_err();
        assert!(
            matches!(&behind, Behind::Namespace(key) if *key == ProfileKey::new("mine", "fraud")),
            "{behind}"
        );
    }

    #[test]
    fn rivals_are_other_objects_for_the_same_vpc() {
        let mut mirrors = Mirrors(Mirror::default(), Mirror::default(), Mirror::default());
        for (name, id) in [("research", "vpc-1"), ("again", "vpc-1"), ("other", "vpc-2")] {
            mirrors.0.take(Event::Apply(vpc(name, id)));
        }
        let references = dereference(&mirrors.stores(), "c", &vpc("research", "vpc-1")).unwrap();
        assert_eq!(
            references.rivals.iter().map(ResourceExt::name_any).collect::<Vec<_>>(),
            ["again"]
        );
    }
}
