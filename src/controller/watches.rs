//! Watches, and whom their changes wake.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc, time::Duration};

use futures::{StreamExt, channel::mpsc::UnboundedSender, future::pending};
use kube::{
    Api, Resource, ResourceExt,
    runtime::{
        reflector::ObjectRef,
        watcher::{self, Event, watcher},
    },
};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use super::{backoff::Backoff, memory::Memories};
use crate::{
    cluster::{
        Change, Clients, Guard, Mirror, NamespaceMeta, Read, Stores, Unreadable, WATCH_SECONDS, Watched, lacks_spec,
        reduce,
    },
    telemetry::{Health, Metrics, chain},
};
use sagevpc_core::api::{SageMakerVpc, SageMakerVpcProfile};

/// Whom a change wakes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Woken {
    /// VPC objects, by name.
    vpcs: BTreeSet<String>,
    /// Profiles that may have no VPC object, by namespace and name.
    profiles: BTreeSet<(String, String)>,
}

/// The queues of one term.
pub(super) struct Queues {
    /// VPC objects to reconcile.
    pub(super) vpcs: UnboundedSender<ObjectRef<SageMakerVpc>>,
    /// Profiles that may have no VPC object.
    pub(super) profiles: UnboundedSender<ObjectRef<SageMakerVpcProfile>>,
    /// Memories of VPCs.
    pub(super) memories: Arc<Memories>,
}

/// Where wakes go, and who must forget what is gone.
#[derive(Clone)]
pub(super) struct Wakes {
    /// Those of the present term; a standby wakes nobody.
    queues: Arc<Mutex<Option<Queues>>>,
    /// Metrics of VPCs.
    metrics: Arc<Metrics>,
}

/// That wakes lead to the queues of a term, which ends when this is dropped.
pub(super) struct Leading(Wakes);

/// Fills the local copies, and wakes whom a change concerns. Never ends.
pub(super) async fn watch(clients: &Clients, mirrors: Mirrors, wakes: Wakes, health: Health) {
    let stores = mirrors.stores();
    let client = || clients.watch.clone();
    let mut vpcs = Guard::new(stores.vpcs.clone());
    let mut profiles = Guard::new(stores.profiles.clone());
    let anew = Notify::new();
    let admit = || {
        let profiles = stores.profiles.state();
        if profiles.iter().any(|profile| lacks_spec(profile, &stores)) {
            anew.notify_one();
        }
    };
    tokio::join!(
        follow(
            Api::all(client()),
            pending,
            |event| vpcs.read(event),
            mirrors.vpcs,
            &health,
            |change| {
                if change.gone {
                    wakes.forget(&change.object);
                }
                wakes.wake(by_vpc(&change, &stores));
                admit();
            }
        ),
        async {
            // Who is admitted is known by the other two.
            health.follows(&SageMakerVpcProfile::plural(&()), false);
            let _ = tokio::join!(stores.vpcs.wait_until_ready(), stores.namespaces.wait_until_ready());
            follow(
                Api::all(client()),
                async || anew.notified().await,
                |event| reduced(profiles.read(event), &stores),
                mirrors.profiles,
                &health,
                |change| {
                    if lacks_spec(&change.object, &stores) {
                        anew.notify_one();
                    }
                    wakes.wake(by_profile(&change));
                },
            )
            .await;
        },
        // Metadata can always be read.
        follow::<NamespaceMeta, _>(
            Api::all(client()),
            pending,
            Read::Event,
            mirrors.namespaces,
            &health,
            |change| {
                wakes.wake(by_namespace(&change, &stores));
                admit();
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

/// Objects in one page of a list. Each can be as large as etcd takes it, and all
/// of a page are in memory before any of it is dropped.
const PAGE: u32 = 20;

/// How long to wait until objects that cannot be read may have been mended.
const UNTIL_MENDED: Duration = Duration::from_secs(30);

/// How long to wait before a watch that was interrupted is begun anew.
const INTERRUPTED: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(15),
};

/// Drops what is never read of those that are not admitted.
fn reduced(read: Read<SageMakerVpcProfile>, stores: &Stores) -> Read<SageMakerVpcProfile> {
    let smaller = |mut event| {
        if let Event::Apply(profile) | Event::InitApply(profile) = &mut event {
            reduce(profile, stores);
        }
        event
    };
    match read {
        Read::Event(event) => Read::Event(smaller(event)),
        Read::Instead(event, unreadable) => Read::Instead(smaller(event), unreadable),
        Read::Nothing | Read::Kept(_) | Read::Incomplete(_) => read,
    }
}

/// Fills one copy, for ever, with what `read` makes of each event, and from the
/// beginning whenever `anew` says so.
///
/// A watch that is interrupted begins anew with a full list. Resumed where it
/// broke off it would be silent until something changes, and nobody could tell
/// whether the copy is as old as the interruption.
async fn follow<W, K>(
    api: Api<W>,
    anew: impl AsyncFn(),
    mut read: impl FnMut(Event<W>) -> Read<K>,
    mut mirror: Mirror<K>,
    health: &Health,
    mut on_change: impl FnMut(Change<K>),
) where
    W: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
    K: Watched<DynamicType = ()> + Debug,
{
    let kind = K::plural(&());
    let config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(PAGE);
    let mut interruptions = 0;
    health.follows(&kind, false);
    loop {
        let mut events = std::pin::pin!(watcher(api.clone(), config.clone()));
        let pause = loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = anew() => break Duration::ZERO,
            };
            match event {
                Some(Ok(event)) => match read(event) {
                    Read::Event(event) => {
                        let complete = matches!(event, Event::InitDone);
                        mirror.take(event).into_iter().for_each(&mut on_change);
                        if complete {
                            interruptions = 0;
                            health.follows(&kind, true);
                        }
                    }
                    Read::Nothing => {}
                    Read::Kept(unreadable) => warn_unreadable::<K>(&unreadable, KEPT),
                    Read::Instead(event, unreadable) => {
                        mirror.take(event).into_iter().for_each(&mut on_change);
                        warn_unreadable::<K>(&unreadable, KEPT);
                    }
                    Read::Incomplete(unreadable) => {
                        for unreadable in &unreadable {
                            warn_unreadable::<K>(
                                unreadable,
                                "nothing is done until it is mended, lest it be taken for one that is gone",
                            );
                        }
                        break UNTIL_MENDED;
                    }
                },
                Some(Err(error)) => {
                    health.follows(&kind, false);
                    warn::<K>(&error);
                    interruptions += 1;
                    break INTERRUPTED.jittered(interruptions - 1, fastrand::f64());
                }
                None => break Duration::ZERO,
            }
        };
        tokio::time::sleep(pause).await;
    }
}

const KEPT: &str = "what was known of it still holds";

fn warn_unreadable<K: Resource<DynamicType = ()>>(unreadable: &Unreadable, so: &str) {
    tracing::error!(
        kind = %K::plural(&()),
        object = unreadable.object,
        error = unreadable.error,
        "this version of sagevpc cannot read the object, and {so}: run the version that it was written for, or correct it"
    );
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
    /// Wakes nobody yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            queues: Arc::default(),
            metrics,
        }
    }

    /// From now on wakes lead to these queues, and everything there is is woken.
    pub(super) fn lead_to(&self, queues: Queues, stores: &Stores) -> Leading {
        *self.queues.lock() = Some(queues);
        // What changes meanwhile is woken twice at worst.
        self.wake(Woken {
            vpcs: stores.vpcs.state().iter().map(|vpc| vpc.name_any()).collect(),
            profiles: stores.profiles.state().iter().map(|profile| key(profile)).collect(),
        });
        Leading(self.clone())
    }

    fn wake(&self, woken: Woken) {
        let queues = self.queues.lock();
        let Some(queues) = &*queues else {
            return;
        };
        // Who receives them ends before we do; by then nobody is to be woken.
        for vpc in woken.vpcs {
            let _ = queues.vpcs.unbounded_send(ObjectRef::new(&vpc));
        }
        for (namespace, name) in woken.profiles {
            let _ = queues.profiles.unbounded_send(ObjectRef::new(&name).within(&namespace));
        }
    }

    fn forget(&self, vpc: &SageMakerVpc) {
        if let Some(queues) = &*self.queues.lock() {
            queues.memories.forget(&vpc.uid().unwrap_or_default());
        }
        self.metrics.forget(&vpc.name_any());
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        *self.0.queues.lock() = None;
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

#[cfg(test)]
mod tests;
