//! Objects that this version cannot read: of a newer version, say, after a
//! rollback. One of them must not stop the watch of all others, and must not
//! be taken for one that is gone either, or what it holds in AWS would go.

use std::{fmt::Debug, sync::Arc};

use kube::{
    Resource,
    core::{DeserializeGuard, error_boundary::InvalidObject},
    runtime::{
        reflector::{ObjectRef, Store},
        watcher::Event,
    },
};

/// An object that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which, as namespace/name.
    pub object: String,
    /// Why not.
    pub error: String,
}

/// What an event comes to.
#[derive(Debug)]
pub enum Read<K> {
    /// This, for objects that can be read.
    Event(Event<K>),
    /// Nothing that was not known.
    Nothing,
    /// An object cannot be read: what is known of it, if anything, still holds.
    Kept(Unreadable),
    /// An object of the list cannot be read: this, which was known of it last,
    /// stands in for it.
    Instead(Event<K>, Unreadable),
    /// The list holds objects of which nothing is known. It is not complete
    /// without them, and cannot be used.
    Incomplete(Vec<Unreadable>),
}

/// Tells the objects that can be read from those that cannot.
#[derive(Debug)]
pub struct Guard<K: Resource<DynamicType = ()> + 'static> {
    known: Store<K>,
    unreadable: Vec<Unreadable>,
}

impl<K: Resource<DynamicType = ()> + Clone + Debug> Guard<K> {
    /// In front of this copy.
    pub fn new(known: Store<K>) -> Self {
        Self {
            known,
            unreadable: Vec::new(),
        }
    }

    /// Reads an event.
    pub fn read(&mut self, event: Event<DeserializeGuard<K>>) -> Read<K> {
        match event {
            Event::Apply(DeserializeGuard(Ok(object))) => Read::Event(Event::Apply(object)),
            Event::Apply(DeserializeGuard(Err(invalid))) => Read::Kept(unreadable(invalid)),
            Event::Delete(DeserializeGuard(Ok(object))) => Read::Event(Event::Delete(object)),
            Event::Delete(DeserializeGuard(Err(invalid))) => match self.known(&invalid) {
                Some(known) => Read::Event(Event::Delete((*known).clone())),
                None => Read::Nothing,
            },
            Event::Init => {
                self.unreadable.clear();
                Read::Event(Event::Init)
            }
            Event::InitApply(DeserializeGuard(Ok(object))) => Read::Event(Event::InitApply(object)),
            Event::InitApply(DeserializeGuard(Err(invalid))) => match self.known(&invalid) {
                Some(known) => Read::Instead(Event::InitApply((*known).clone()), unreadable(invalid)),
                None => {
                    self.unreadable.push(unreadable(invalid));
                    Read::Nothing
                }
            },
            Event::InitDone if self.unreadable.is_empty() => Read::Event(Event::InitDone),
            Event::InitDone => Read::Incomplete(std::mem::take(&mut self.unreadable)),
        }
    }

    /// The very object as it could be read last.
    fn known(&self, invalid: &InvalidObject) -> Option<Arc<K>> {
        let mut key = ObjectRef::new(invalid.metadata.name.as_deref()?);
        if let Some(namespace) = &invalid.metadata.namespace {
            key = key.within(namespace);
        }
        self.known
            .get(&key)
            .filter(|known| known.meta().uid == invalid.metadata.uid)
    }
}

fn unreadable(invalid: InvalidObject) -> Unreadable {
    let name = invalid.metadata.name.unwrap_or_default();
    let object = match invalid.metadata.namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name,
    };
    Unreadable {
        object,
        error: invalid.error,
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;
    use crate::cluster::Mirror;
    use sagevpc_core::api::SageMakerVpcProfile;

    fn profile(kind: &str) -> DeserializeGuard<SageMakerVpcProfile> {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": "fraud", "namespace": "ml", "uid": "1" },
            "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "w", "kind": kind }] },
        }))
        .unwrap()
    }

    fn readable() -> DeserializeGuard<SageMakerVpcProfile> {
        profile("Hosting")
    }

    fn of_a_newer_version() -> DeserializeGuard<SageMakerVpcProfile> {
        profile("QuantumAnnealing")
    }

    /// A copy that knows the readable profile, and a guard in front of it.
    fn knowing() -> (Mirror<SageMakerVpcProfile>, Guard<SageMakerVpcProfile>) {
        let mut mirror = Mirror::default();
        mirror.take(Event::Apply(readable().0.unwrap()));
        let guard = Guard::new(mirror.store());
        (mirror, guard)
    }

    #[test]
    fn what_is_known_of_an_object_holds_when_it_can_no_longer_be_read() {
        let (mirror, mut guard) = knowing();
        let Read::Kept(unreadable) = guard.read(Event::Apply(of_a_newer_version())) else {
            panic!()
        };
        assert_eq!(unreadable.object, "ml/fraud");
        assert!(unreadable.error.contains("QuantumAnnealing"), "{}", unreadable.error);
        assert_eq!(mirror.store().len(), 1);

        guard.read(Event::Init);
        let Read::Instead(Event::InitApply(known), unreadable) = guard.read(Event::InitApply(of_a_newer_version()))
        else {
            panic!()
        };
        assert_eq!(
            (known.name_any().as_str(), unreadable.object.as_str()),
            ("fraud", "ml/fraud")
        );
        assert!(matches!(guard.read(Event::InitDone), Read::Event(Event::InitDone)));
    }

    #[test]
    fn a_list_with_an_object_of_which_nothing_is_known_is_not_used() {
        let mut guard: Guard<SageMakerVpcProfile> = Guard::new(Mirror::default().store());
        guard.read(Event::Init);
        assert!(matches!(
            guard.read(Event::InitApply(of_a_newer_version())),
            Read::Nothing
        ));
        let Read::Incomplete(unreadable) = guard.read(Event::InitDone) else {
            panic!()
        };
        assert_eq!(unreadable.len(), 1);

        guard.read(Event::Init);
        assert!(matches!(
            guard.read(Event::InitApply(readable())),
            Read::Event(Event::InitApply(_))
        ));
        assert!(
            matches!(guard.read(Event::InitDone), Read::Event(Event::InitDone)),
            "it was mended since"
        );
    }

    #[test]
    fn an_object_that_goes_unread_goes_if_it_was_known() {
        let (_mirror, mut guard) = knowing();
        let Read::Event(Event::Delete(known)) = guard.read(Event::Delete(of_a_newer_version())) else {
            panic!()
        };
        assert_eq!(known.name_any(), "fraud");
        let mut guard: Guard<SageMakerVpcProfile> = Guard::new(Mirror::default().store());
        assert!(matches!(guard.read(Event::Delete(of_a_newer_version())), Read::Nothing));
    }
}
