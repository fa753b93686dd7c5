//! Watches, and whom their changes wake.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use futures::{StreamExt, channel::mpsc::UnboundedSender};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{WatchStreamExt, reflector::ObjectRef, watcher},
};
use serde::de::DeserializeOwned;

use super::memory::Memories;
use crate::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    cluster::{Change, Clients, Meaning, Mirror, NamespaceMeta, Stores},
    telemetry::{Metrics, chain},
};

/// Whom a change wakes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Woken {
    /// VPC objects, by name.
    vpcs: BTreeSet<String>,
    /// Profiles that may have no VPC object, by namespace and name.
    profiles: BTreeSet<(String, String)>,
}

/// Where wakes go, and who must forget what is gone.
#[derive(Clone)]
pub(super) struct Wakes {
    /// VPC objects to reconcile.
    pub(super) vpcs: UnboundedSender<ObjectRef<SageMakerVpc>>,
    /// Profiles that may have no VPC object.
    pub(super) profiles: UnboundedSender<ObjectRef<SageMakerVpcProfile>>,
    /// Memories of VPCs.
    pub(super) memories: Arc<Memories>,
    /// Metrics of VPCs.
    pub(super) metrics: Arc<Metrics>,
}

/// Fills the local copies, and wakes whom a change concerns. Never ends.
pub(super) async fn watch(clients: &Clients, mirrors: Mirrors, wakes: Wakes) {
    let stores = mirrors.stores();
    let client = || clients.watch.clone();
    tokio::join!(
        follow(Api::<SageMakerVpc>::all(client()), mirrors.vpcs, |change| {
            if change.gone {
                wakes.forget(&change.object);
            }
            wakes.wake(by_vpc(&change, &stores));
        }),
        follow(Api::<SageMakerVpcProfile>::all(client()), mirrors.profiles, |change| {
            wakes.wake(by_profile(&change))
        }),
        follow(
            Api::<PartialObjectMeta<Namespace>>::all(client()),
            mirrors.namespaces,
            |change| {
                wakes.wake(by_namespace(&change, &stores));
            }
        ),
    );
}

/// The local copies, to be filled.
#[derive(Default)]
pub(super) struct Mirrors {
    vpcs: Mirror<SageMakerVpc>,
    profiles: Mirror<SageMakerVpcProfile>,
    namespaces: Mirror<NamespaceMeta>,
}

impl Mirrors {
    /// Read access to the copies.
    pub(super) fn stores(&self) -> Stores {
        Stores {
            vpcs: self.vpcs.store(),
            profiles: self.profiles.store(),
            namespaces: self.namespaces.store(),
        }
    }
}

async fn follow<K>(api: Api<K>, mut mirror: Mirror<K>, mut on_change: impl FnMut(Change<K>))
where
    K: Meaning + Debug + DeserializeOwned + Send + Sync,
{
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => mirror.take(event).into_iter().for_each(&mut on_change),
            Err(error) => warn::<K>(&error),
        }
    }
}

/// The watch goes on by itself; until it does, the copy is old.
fn warn<K: Resource<DynamicType = ()>>(error: &watcher::Error) {
    let kind = K::plural(&());
    let advice = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.is_not_found() => {
            "the API server does not serve this kind: install the CustomResourceDefinitions"
        }
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.is_forbidden() => {
            "the service account may not list this kind: bind it to the ClusterRole of the chart"
        }
        _ => "watching is interrupted and will be resumed",
    };
    tracing::warn!(%kind, error = chain(error), "{advice}");
}

impl Wakes {
    fn wake(&self, woken: Woken) {
        // Who receives them ends before we do; by then nobody is to be woken.
        for vpc in woken.vpcs {
            let _ = self.vpcs.unbounded_send(ObjectRef::new(&vpc));
        }
        for (namespace, name) in woken.profiles {
            let _ = self.profiles.unbounded_send(ObjectRef::new(&name).within(&namespace));
        }
    }

    fn forget(&self, vpc: &SageMakerVpc) {
        self.memories.forget(&vpc.uid().unwrap_or_default());
        self.metrics.forget(&vpc.name_any());
    }
}

/// A VPC object concerns itself and others for the same VPC of AWS; and, when
/// it goes, the profiles that refer to it.
fn by_vpc(change: &Change<SageMakerVpc>, stores: &Stores) -> Woken {
    let object = &change.object;
    let others = stores
        .vpcs
        .state()
        .into_iter()
        .filter(|other| other.spec.vpc_id == object.spec.vpc_id);
    let mut woken = Woken {
        vpcs: others.map(|other| other.name_any()).collect(),
        ..Woken::default()
    };
    if change.gone {
        woken.profiles = stores
            .profiles_of(&object.name_any())
            .iter()
            .map(|profile| key(profile))
            .collect();
    } else {
        woken.vpcs.insert(object.name_any());
    }
    woken
}

/// A profile concerns its VPC object; whether that is there is seen when the
/// profile's turn comes.
fn by_profile(change: &Change<SageMakerVpcProfile>) -> Woken {
    let vpcs = [change.object.spec.vpc_ref.name.clone()].into();
    let profiles = if change.gone {
        BTreeSet::new()
    } else {
        [key(&change.object)].into()
    };
    Woken { vpcs, profiles }
}

/// A namespace's labels concern the VPC objects that its profiles refer to.
fn by_namespace(change: &Change<NamespaceMeta>, stores: &Stores) -> Woken {
    let namespace = change.object.name_any();
    let profiles = stores.profiles.state();
    let inside = profiles
        .iter()
        .filter(|profile| profile.namespace().as_ref() == Some(&namespace));
    Woken {
        vpcs: inside.map(|profile| profile.spec.vpc_ref.name.clone()).collect(),
        ..Woken::default()
    }
}

fn key(profile: &SageMakerVpcProfile) -> (String, String) {
    (profile.namespace().unwrap_or_default(), profile.name_any())
}
