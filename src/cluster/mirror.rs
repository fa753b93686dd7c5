//! Local copies of what is watched, and which changes mean something.

use std::{collections::HashSet, fmt::Debug, hash::Hash, sync::Arc};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::Event,
    },
};

use super::{REQUESTED_AT, approver, slim::slim};
use sagevpc_core::{
    api::{SageMakerVpc, SageMakerVpcProfile, is_deleting},
    types::CLUSTER_NAMESPACE,
};

/// A namespace's metadata: its labels say whose profiles are allowed.
pub type NamespaceMeta = PartialObjectMeta<Namespace>;

/// Read access to the local copies.
#[derive(Clone)]
pub struct Stores {
    /// Every `SageMakerVpc`.
    pub vpcs: Store<SageMakerVpc>,
    /// Every `SageMakerVpcProfile`.
    pub profiles: Store<SageMakerVpcProfile>,
    /// Every namespace.
    pub namespaces: Store<NamespaceMeta>,
}

impl Stores {
    /// The `SageMakerVpc` of this name.
    pub fn vpc(&self, name: &str) -> Option<Arc<SageMakerVpc>> {
        self.vpcs.get(&ObjectRef::new(name))
    }

    /// The UID of the namespace that every cluster has, and keeps for life.
    pub fn cluster_uid(&self) -> Option<String> {
        self.namespaces.get(&ObjectRef::new(CLUSTER_NAMESPACE))?.uid()
    }

    /// Profiles that refer to the `SageMakerVpc` of this name.
    pub fn profiles_of(&self, vpc: &str) -> Vec<Arc<SageMakerVpcProfile>> {
        let mut profiles = self.profiles.state();
        profiles.retain(|profile| profile.spec.vpc_ref.name == vpc);
        profiles
    }
}

/// What of an object decides anything: a change of the rest wakes nobody.
pub trait Watched: Resource<DynamicType = ()> + Clone + 'static {
    /// The part that counts.
    type Part: PartialEq;

    /// The part of this object that counts.
    fn meaning(&self) -> Self::Part;

    /// Drops what is never read, to save memory.
    fn slim(&mut self) {
        slim(self.meta_mut());
    }
}

/// What counts of an object with a spec. Status does not, for it is we who
/// write it; nor do finalizers, for ours is set by us and others' are not our
/// concern.
#[derive(PartialEq)]
pub struct Declared {
    uid: Option<String>,
    generation: Option<i64>,
    deleting: bool,
    requested_at: Option<String>,
}

fn declared<K: Resource>(object: &K) -> Declared {
    let meta = object.meta();
    Declared {
        uid: meta.uid.clone(),
        generation: meta.generation,
        deleting: is_deleting(object),
        requested_at: meta
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(REQUESTED_AT).cloned()),
    }
}

impl Watched for SageMakerVpc {
    type Part = Declared;

    fn meaning(&self) -> Declared {
        declared(self)
    }

    fn slim(&mut self) {
        approver::keep(&mut self.metadata);
        let (approvals, finalizers) = (self.metadata.managed_fields.take(), self.metadata.finalizers.take());
        slim(&mut self.metadata);
        // The platform's own.
        self.metadata.managed_fields = approvals;
        self.metadata.finalizers = finalizers;
    }
}

impl Watched for SageMakerVpcProfile {
    type Part = (Declared, bool);

    fn meaning(&self) -> Self::Part {
        (declared(self), self.spec.is_unread())
    }
}

impl Watched for NamespaceMeta {
    type Part = (Option<String>, Option<std::collections::BTreeMap<String, String>>);

    fn meaning(&self) -> Self::Part {
        (self.metadata.uid.clone(), self.metadata.labels.clone())
    }

    fn slim(&mut self) {
        let labels = self.metadata.labels.take();
        slim(&mut self.metadata);
        self.metadata.labels = labels;
    }
}

/// A change that means something.
#[derive(Debug)]
pub struct Change<K> {
    /// The object, as it is now, or as it was last if it is gone.
    pub object: Arc<K>,
    /// Whether it is gone.
    pub gone: bool,
}

/// The local copy of one kind. The one place that writes to its [`Store`].
///
/// kube's own filters look at each event by itself, and so miss an object that
/// was deleted while the watch was interrupted, and the end of one that carried
/// no finalizer. Here each event is compared with the copy that it changes.
pub struct Mirror<K: Watched> {
    writer: Writer<K>,
    store: Store<K>,
}

impl<K: Watched> Default for Mirror<K> {
    fn default() -> Self {
        let (store, writer) = reflector::store();
        Self { writer, store }
    }
}

impl<K: Watched + Debug> Mirror<K>
where
    ObjectRef<K>: Hash + Eq,
{
    /// Read access to the copy.
    pub fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// Takes an event of the watch into the copy, and gives the changes that
    /// mean something. By then the copy shows them.
    pub fn take(&mut self, mut event: Event<K>) -> Vec<Change<K>> {
        match &mut event {
            Event::Apply(object) | Event::InitApply(object) => object.slim(),
            Event::Delete(_) | Event::Init | Event::InitDone => {}
        }
        match &event {
            Event::Apply(object) => {
                let key = ObjectRef::from_obj(object);
                let before = self.store.get(&key);
                self.writer.apply_watcher_event(&event);
                let after = self.store.get(&key);
                after
                    .filter(|after| before.is_none_or(|before| before.meaning() != after.meaning()))
                    .map(|object| Change { object, gone: false })
                    .into_iter()
                    .collect()
            }
            Event::Delete(object) => {
                self.writer.apply_watcher_event(&event);
                vec![Change {
                    object: Arc::new(object.clone()),
                    gone: true,
                }]
            }
            Event::Init | Event::InitApply(_) => {
                self.writer.apply_watcher_event(&event);
                Vec::new()
            }
            Event::InitDone => self.relisted(&event),
        }
    }

    /// The watch began anew with a full list: whatever differs from the copy
    /// changed in between.
    fn relisted(&mut self, event: &Event<K>) -> Vec<Change<K>> {
        let before = self.store.state();
        self.writer.apply_watcher_event(event);
        let after = self.store.state();
        let there: HashSet<ObjectRef<K>> = after.iter().map(|object| ObjectRef::from_obj(&**object)).collect();
        let gone = before
            .iter()
            .filter(|object| !there.contains(&ObjectRef::from_obj(&***object)))
            .map(|object| Change {
                object: object.clone(),
                gone: true,
            });
        let known: std::collections::HashMap<ObjectRef<K>, &Arc<K>> = before
            .iter()
            .map(|object| (ObjectRef::from_obj(&**object), object))
            .collect();
        let changed = after
            .iter()
            .filter(|object| {
                known
                    .get(&ObjectRef::from_obj(&***object))
                    .is_none_or(|before| before.meaning() != object.meaning())
            })
            .map(|object| Change {
                object: object.clone(),
                gone: false,
            });
        gone.chain(changed).collect()
    }
}

/// Whether an object carries our finalizer.
pub(crate) fn has_finalizer<K: Resource>(object: &K) -> bool {
    object
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == sagevpc_core::api::FINALIZER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpc(name: &str, generation: i64) -> SageMakerVpc {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": name, "uid": format!("uid-of-{name}"), "generation": generation },
            "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
        }))
        .unwrap()
    }

    fn names(changes: &[Change<SageMakerVpc>]) -> Vec<(String, bool)> {
        let mut names: Vec<_> = changes
            .iter()
            .map(|change| (change.object.name_any(), change.gone))
            .collect();
        names.sort();
        names
    }

    fn listed(
        mirror: &mut Mirror<SageMakerVpc>,
        objects: impl IntoIterator<Item = SageMakerVpc>,
    ) -> Vec<(String, bool)> {
        assert!(mirror.take(Event::Init).is_empty());
        for object in objects {
            assert!(
                mirror.take(Event::InitApply(object)).is_empty(),
                "the copy does not show it yet"
            );
        }
        names(&mirror.take(Event::InitDone))
    }

    #[test]
    fn a_new_spec_is_a_change_and_a_new_status_is_none() {
        let mut mirror = Mirror::default();
        assert_eq!(
            names(&mirror.take(Event::Apply(vpc("a", 1)))),
            [("a".to_owned(), false)]
        );
        let mut with_status = vpc("a", 1);
        with_status.status = Some(sagevpc_core::api::SageMakerVpcStatus::default());
        with_status.metadata.resource_version = Some("2".into());
        with_status.metadata.finalizers = Some(vec![sagevpc_core::api::FINALIZER.into()]);
        assert!(mirror.take(Event::Apply(with_status)).is_empty());
        assert!(
            mirror.store().get(&ObjectRef::new("a")).unwrap().status.is_some(),
            "the copy has it all the same"
        );
        assert_eq!(
            names(&mirror.take(Event::Apply(vpc("a", 2)))),
            [("a".to_owned(), false)]
        );
    }

    #[test]
    fn asking_for_a_fresh_look_is_a_change() {
        let mut mirror = Mirror::default();
        mirror.take(Event::Apply(vpc("a", 1)));
        let mut asked = vpc("a", 1);
        asked.annotations_mut().insert(REQUESTED_AT.into(), "now".into());
        assert_eq!(mirror.take(Event::Apply(asked.clone())).len(), 1);
        assert!(mirror.take(Event::Apply(asked)).is_empty());
    }

    #[test]
    fn the_end_of_an_object_without_finalizers_is_a_change() {
        let mut mirror = Mirror::default();
        mirror.take(Event::Apply(vpc("a", 1)));
        assert_eq!(
            names(&mirror.take(Event::Delete(vpc("a", 1)))),
            [("a".to_owned(), true)]
        );
        assert!(mirror.store().is_empty());
    }

    #[test]
    fn what_changed_while_the_watch_was_interrupted_is_found() {
        let mut mirror = Mirror::default();
        let all = listed(&mut mirror, [vpc("same", 1), vpc("changed", 1), vpc("gone", 1)]);
        assert_eq!(all.len(), 3);
        let changes = listed(&mut mirror, [vpc("same", 1), vpc("changed", 2), vpc("new", 1)]);
        assert_eq!(
            changes,
            [
                ("changed".to_owned(), false),
                ("gone".to_owned(), true),
                ("new".to_owned(), false)
            ]
        );
    }

    #[test]
    fn an_object_made_anew_under_the_same_name_is_a_change() {
        let mut mirror = Mirror::default();
        listed(&mut mirror, [vpc("a", 1)]);
        let mut anew = vpc("a", 1);
        anew.metadata.uid = Some("another".into());
        assert_eq!(listed(&mut mirror, [anew]), [("a".to_owned(), false)]);
    }

    #[test]
    fn copies_hold_no_managed_fields() {
        let mut mirror = Mirror::default();
        let mut object = vpc("a", 1);
        object.metadata.managed_fields = Some(vec![Default::default()]);
        mirror.take(Event::Apply(object));
        assert_eq!(
            mirror
                .store()
                .get(&ObjectRef::new("a"))
                .unwrap()
                .metadata
                .managed_fields,
            None
        );
    }
}
