//! Profiles of namespaces that their `SageMakerVpc` does not admit. Anyone in
//! the cluster may write them, as many and as large as the API server takes
//! them, and nothing that they ask for is looked at. So copies keep who they
//! are, and what they say once they are admitted is listed anew.

use kube::{ResourceExt, runtime::reflector::ObjectRef};

use super::Stores;
use sagevpc_core::{api::SageMakerVpcProfile, validate::admits};

/// Bytes of a status that are kept: more than we write for such a profile.
const MAX_STATUS: usize = 16 * 1024;

/// Whether the namespace of the profile is admitted, as far as the copies show.
fn is_admitted(profile: &SageMakerVpcProfile, stores: &Stores) -> bool {
    let namespace = profile.namespace().unwrap_or_default();
    let vpc = stores.vpc(&profile.spec.vpc_ref.name);
    let namespace = stores.namespaces.get(&ObjectRef::new(&namespace));
    vpc.zip(namespace)
        .is_some_and(|(vpc, namespace)| admits(&vpc, namespace.labels()))
}

/// Drops what is never read of a profile that is not admitted.
pub fn reduce(profile: &mut SageMakerVpcProfile, stores: &Stores) {
    if is_admitted(profile, stores) {
        return;
    }
    profile.spec = profile.spec.unread();
    let size = |status| serde_json::to_vec(status).map_or(usize::MAX, |text| text.len());
    if profile.status.as_ref().is_some_and(|status| size(status) > MAX_STATUS) {
        profile.status = None;
    }
}

/// Whether the copy lacks what is to be read by now.
pub fn lacks_spec(profile: &SageMakerVpcProfile, stores: &Stores) -> bool {
    profile.spec.is_unread() && is_admitted(profile, stores)
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::{Behind, Mirror, NamespaceMeta, dereference};
    use sagevpc_core::api::SageMakerVpc;

    #[derive(Default)]
    struct Copies {
        vpcs: Mirror<SageMakerVpc>,
        profiles: Mirror<SageMakerVpcProfile>,
        namespaces: Mirror<NamespaceMeta>,
    }

    impl Copies {
        fn stores(&self) -> Stores {
            Stores {
                vpcs: self.vpcs.store(),
                profiles: self.profiles.store(),
                namespaces: self.namespaces.store(),
            }
        }

        fn offer(&mut self) {
            let vpc = json!({
                "metadata": { "name": "research" },
                "spec": {
                    "region": "us-east-1", "vpcId": "vpc-1",
                    "allowedNamespaces": { "selector": { "matchLabels": { "team": "ml" } } },
                },
            });
            self.vpcs.take(Event::Apply(object(vpc)));
        }

        fn label(&mut self, labels: Value) {
            let namespace = json!({ "metadata": { "name": "team", "labels": labels } });
            self.namespaces.take(Event::Apply(object(namespace)));
        }

        /// As the watch does.
        fn write(&mut self, mut profile: SageMakerVpcProfile) -> SageMakerVpcProfile {
            reduce(&mut profile, &self.stores());
            let key = ObjectRef::from_obj(&profile);
            self.profiles.take(Event::Apply(profile));
            (*self.profiles.store().get(&key).unwrap()).clone()
        }
    }

    fn object<K: serde::de::DeserializeOwned>(value: Value) -> K {
        serde_json::from_value(value).unwrap()
    }

    /// As much as the schema takes, or more.
    fn large(number: usize) -> SageMakerVpcProfile {
        let long = |length: usize, what: usize| format!("{what:0>length$}");
        object(json!({
            "metadata": { "name": format!("p{number}"), "namespace": "team", "uid": "1", "generation": 1 },
            "spec": {
                "vpcRef": { "name": "research" },
                "workloads": (0..32).map(|n| json!({
                    "name": long(63, n), "kind": "Training", "roleArn": long(256, n),
                })).collect::<Vec<_>>(),
                "buckets": (0..64).map(|n| json!({
                    "name": long(63, n),
                    "requireVpcEndpoint": { "exempt": { "principals": vec![long(256, n); 8] } },
                })).collect::<Vec<_>>(),
                "services": (0..32).map(|n| long(128, n)).collect::<Vec<_>>(),
                "destinations": (0..32).map(|n| json!({ "host": long(253, n) })).collect::<Vec<_>>(),
                "subnets": { "ids": (0..16).map(|n| long(32, n)).collect::<Vec<_>>() },
                "packageRepositories": "Deny",
            },
            "status": { "conditions": [{
                "type": "Ready", "status": "False", "reason": "Forged", "message": "x".repeat(100_000),
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }] },
        }))
    }

    fn size(profile: &SageMakerVpcProfile) -> usize {
        serde_json::to_vec(profile).unwrap().len()
    }

    #[test]
    fn whoever_is_not_admitted_takes_no_room_whatever_is_asked_for() {
        assert!(size(&large(0)) > 250_000, "or it proves nothing");
        for (offered, labels) in [(false, json!({ "team": "ml" })), (true, json!({ "team": "other" }))] {
            let mut copies = Copies::default();
            if offered {
                copies.offer();
            }
            copies.label(labels);
            let kept = copies.write(large(0));
            assert!(size(&kept) < 8 * 1024, "{kept:?}");
        }
    }

    #[test]
    fn whoever_is_admitted_is_kept_whole() {
        let mut copies = Copies::default();
        copies.offer();
        copies.label(json!({ "team": "ml" }));
        assert_eq!(copies.write(large(0)).spec, large(0).spec);
    }

    #[test]
    fn nothing_is_decided_on_what_a_copy_lacks_once_it_is_admitted() {
        let mut copies = Copies::default();
        copies.offer();
        copies.label(json!({}));
        let kept = copies.write(large(0));
        let vpc = copies.stores().vpc("research").unwrap();
        let references = dereference(&copies.stores(), "c", &vpc).unwrap();
        assert_eq!(references.profiles.len(), 1, "it is told that it is not admitted");
        assert!(!lacks_spec(&kept, &copies.stores()));

        copies.label(json!({ "team": "ml" }));
        assert!(lacks_spec(&kept, &copies.stores()), "so that it is listed anew");
        let behind = dereference(&copies.stores(), "c", &vpc).unwrap_err();
        assert!(matches!(behind, Behind::Spec(_)), "{behind}");

        let whole = copies.write(large(0));
        assert!(!lacks_spec(&whole, &copies.stores()));
        assert_eq!(
            dereference(&copies.stores(), "c", &vpc).unwrap().profiles[0]
                .profile
                .spec,
            whole.spec
        );
    }
}
