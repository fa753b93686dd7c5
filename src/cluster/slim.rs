//! What copies keep of an object's metadata: names, versions, times, and what
//! is asked for. Annotations, labels and managed fields are anybody's, as many
//! and as long as the API server takes them, and decide nothing here.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest, Sha256};

use super::REQUESTED_AT;
use sagevpc_core::api::FINALIZER;

/// Characters of an annotation's value; a longer one is told from others by its
/// digest.
const MAX_VALUE: usize = 64;

/// Bytes of finalizers that are kept: they must be written again when ours goes.
const MAX_FINALIZERS: usize = 2048;

/// Stands for finalizers that are not kept.
const OTHERS: &str = "sagevpc.dev/others-that-are-not-kept";

/// Drops what is never read.
pub(super) fn slim(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    meta.labels = None;
    meta.owner_references = None;
    meta.generate_name = None;
    meta.self_link = None;
    let requested = meta.annotations.take().and_then(|mut all| all.remove(REQUESTED_AT));
    meta.annotations = requested.map(|value| [(REQUESTED_AT.to_owned(), short(value))].into());
    let finalizers = meta.finalizers.iter().flatten();
    if finalizers.map(String::len).sum::<usize>() > MAX_FINALIZERS {
        let ours = meta.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER);
        let kept = ours.then_some(FINALIZER).into_iter().chain([OTHERS]);
        meta.finalizers = Some(kept.map(str::to_owned).collect());
    }
}

fn short(value: String) -> String {
    if value.len() <= MAX_VALUE {
        value
    } else {
        hex::encode(&Sha256::digest(value.as_bytes())[..16])
    }
}

/// Whether there are finalizers that are not kept, so that the list cannot be
/// written.
pub(super) fn lacks_finalizers(meta: &ObjectMeta) -> bool {
    meta.finalizers.iter().flatten().any(|finalizer| finalizer == OTHERS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::{Mirror, Watched};
    use kube::runtime::{reflector::ObjectRef, watcher::Event};
    use sagevpc_core::api::SageMakerVpcProfile;

    fn profile(name: usize) -> SageMakerVpcProfile {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": format!("p{name}"), "namespace": "hostile", "uid": "1", "generation": 1 },
            "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
        }))
        .unwrap()
    }

    /// All that a team can hang onto its profile.
    fn hostile(name: usize) -> SageMakerVpcProfile {
        let mut profile = profile(name);
        let meta = &mut profile.metadata;
        let many = |what: &'static str| (0..40).map(move |number| format!("example.org/{what}-{number:050}"));
        let long = [
            ("note".to_owned(), "x".repeat(64 * 1024)),
            (REQUESTED_AT.to_owned(), "x".repeat(4096)),
        ];
        meta.annotations = Some(long.into());
        meta.labels = Some(many("label").map(|name| (name, "x".repeat(63))).collect());
        meta.finalizers = Some(many("f").chain([FINALIZER.to_owned()]).collect());
        meta.managed_fields = Some(vec![Default::default(); 10]);
        meta.owner_references = Some(vec![Default::default(); 10]);
        profile
    }

    #[test]
    fn ten_thousand_hostile_profiles_take_no_more_than_as_many_others() {
        const COUNT: usize = 10_000;
        let mut mirror: Mirror<SageMakerVpcProfile> = Mirror::default();
        mirror.take(Event::Init);
        for name in 0..COUNT {
            mirror.take(Event::InitApply(hostile(name)));
        }
        mirror.take(Event::InitDone);
        let stored = mirror.store().state();
        assert_eq!(stored.len(), COUNT);
        let size = |object: &SageMakerVpcProfile| serde_json::to_vec(object).unwrap().len();
        let held: usize = stored.iter().map(|object| size(object)).sum();
        let plain: usize = (0..COUNT).map(|name| size(&profile(name))).sum();
        assert!(
            held < plain * 2,
            "{held} bytes are held, and {plain} of profiles without all that"
        );
        let largest = stored.iter().map(|object| size(object)).max().unwrap();
        assert!(largest < 1024, "{largest}");
        assert!(size(&hostile(0)) > 32 * 1024, "or it proves nothing");
    }

    #[test]
    fn whoever_asks_for_a_fresh_look_is_heard_however_long_the_word() {
        let asked = |value: String| {
            let mut profile = profile(0);
            profile.metadata.annotations = Some([(REQUESTED_AT.to_owned(), value)].into());
            slim(&mut profile.metadata);
            profile
        };
        let (one, other) = (asked("x".repeat(5000)), asked("x".repeat(5001)));
        assert!(one.meaning() != other.meaning());
        let value = &asked("now".to_owned()).metadata.annotations.unwrap()[REQUESTED_AT];
        assert_eq!(value, "now");
    }

    #[test]
    fn a_few_finalizers_are_kept_and_many_are_not_forgotten_to_be_there() {
        let mut mirror: Mirror<SageMakerVpcProfile> = Mirror::default();
        let mut few = profile(0);
        few.metadata.finalizers = Some(vec!["example.org/a".into(), FINALIZER.into()]);
        mirror.take(Event::Apply(few.clone()));
        mirror.take(Event::Apply(hostile(1)));
        let kept = |name: &str| {
            let object = mirror.store().get(&ObjectRef::new(name).within("hostile")).unwrap();
            object.metadata.clone()
        };
        assert_eq!(kept("p0").finalizers, few.metadata.finalizers);
        assert!(!lacks_finalizers(&kept("p0")));
        assert!(lacks_finalizers(&kept("p1")));
        assert!(
            kept("p1")
                .finalizers
                .unwrap()
                .iter()
                .any(|finalizer| finalizer == FINALIZER)
        );
    }
}
