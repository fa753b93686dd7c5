//! Writes to the objects: status and finalizers. Decides nothing.

use std::{fmt::Debug, sync::Arc};

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{FIELD_MANAGER, behind::Replaced, mirror::has_finalizer, slim::lacks_finalizers};
use crate::{
    lease::Authority,
    telemetry::{Metrics, Written},
};
use sagevpc_core::api::{FINALIZER, SageMakerVpc, SageMakerVpcProfile, SageMakerVpcProfileStatus, SageMakerVpcStatus};

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// It has changed since it was read: look again, and decide anew.
    #[error("{0} has changed in the meantime")]
    Superseded(String),
    /// It is no longer there.
    #[error("{0} is no longer there")]
    Gone(String),
    /// It has so many finalizers of others that they are not kept, and ours
    /// cannot be taken off the list.
    #[error("{0} has more finalizers than are kept: take others off it first")]
    TooManyFinalizers(String),
    /// Another process may be the one that writes by now.
    #[error("{0} was not written: the lease is over")]
    TermOver(String),
    /// The API server refused, or did not answer.
    #[error("{what} of {object} could not be written")]
    Failed {
        /// What was to be written.
        what: &'static str,
        /// To which object.
        object: String,
        /// Why not.
        #[source]
        source: Box<kube::Error>,
    },
}

/// The object as it is after a write.
pub type Patched<K> = Result<K, PatchError>;

/// Writes to the objects.
#[derive(Clone)]
pub struct Patches {
    client: Client,
    metrics: Arc<Metrics>,
    authority: Authority,
    replaced: Arc<Replaced>,
}

/// Whether a write holds only for the version of the object that it is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Based {
    /// It does: should the object have changed, nothing is written.
    OnThisVersion,
    /// It holds for any.
    OnAny,
}

/// A kind that is written to.
trait Patchable: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned {
    fn api(&self, client: Client) -> Api<Self>;
}

impl Patchable for SageMakerVpc {
    fn api(&self, client: Client) -> Api<Self> {
        Api::all(client)
    }
}

impl Patchable for SageMakerVpcProfile {
    fn api(&self, client: Client) -> Api<Self> {
        Api::namespaced(client, &self.namespace().unwrap_or_default())
    }
}

impl Patches {
    /// Writes through `client` for as long as `authority` lasts, and counts in
    /// `metrics`.
    pub fn new(client: Client, metrics: Arc<Metrics>, authority: Authority) -> Self {
        Self {
            client,
            metrics,
            authority,
            replaced: Arc::default(),
        }
    }

    /// Writes the status of a VPC object, all of it, if the object has not
    /// changed since: it holds the ledger, which must not be set back.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn vpc_status(&self, vpc: &SageMakerVpc, status: &SageMakerVpcStatus) -> Patched<SageMakerVpc> {
        self.status(vpc, status, Based::OnThisVersion).await
    }

    /// Writes the status of a profile, all of it.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn profile_status(
        &self,
        profile: &SageMakerVpcProfile,
        status: &SageMakerVpcProfileStatus,
        based: Based,
    ) -> Patched<SageMakerVpcProfile> {
        self.status(profile, status, based).await
    }

    /// Puts our finalizer on a VPC object.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn claim_vpc(&self, vpc: &SageMakerVpc) -> Patched<SageMakerVpc> {
        self.finalizer(vpc, true).await
    }

    /// Takes our finalizer off a VPC object.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn release_vpc(&self, vpc: &SageMakerVpc) -> Patched<SageMakerVpc> {
        self.finalizer(vpc, false).await
    }

    /// Puts our finalizer on a profile.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn claim_profile(&self, profile: &SageMakerVpcProfile) -> Patched<SageMakerVpcProfile> {
        if has_finalizer(profile) {
            return Ok(profile.clone());
        }
        self.check(profile)?;
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let patched = profile
            .api(self.client.clone())
            .patch(&profile.name_any(), &parameters, &Patch::Apply(&claim_body(profile)))
            .await;
        self.metrics
            .written(&SageMakerVpcProfile::kind(&()), Written::Finalizer, patched.is_ok());
        self.answered("the finalizer", profile, patched)
    }

    /// Takes our finalizer off a profile.
    ///
    /// # Errors
    ///
    /// [`PatchError`].
    pub async fn release_profile(&self, profile: &SageMakerVpcProfile) -> Patched<SageMakerVpcProfile> {
        self.finalizer(profile, false).await
    }

    async fn status<K: Patchable>(&self, object: &K, status: &impl Serialize, based: Based) -> Patched<K> {
        self.check(object)?;
        let body = status_body(object, status, based);
        let patched = object
            .api(self.client.clone())
            .patch_status(
                &object.name_any(),
                &PatchParams::apply(FIELD_MANAGER).force(),
                &Patch::Apply(&body),
            )
            .await;
        self.metrics.written(&K::kind(&()), Written::Status, patched.is_ok());
        self.answered("the status", object, patched)
    }

    async fn finalizer<K: Patchable>(&self, object: &K, wanted: bool) -> Patched<K> {
        if has_finalizer(object) == wanted {
            return Ok(object.clone());
        }
        self.check(object)?;
        if lacks_finalizers(object.meta()) {
            return Err(PatchError::TooManyFinalizers(name_of(object)));
        }
        let body = finalizer_body(object, wanted);
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patched = object
            .api(self.client.clone())
            .patch(&object.name_any(), &parameters, &Patch::Merge(&body))
            .await;
        self.metrics.written(&K::kind(&()), Written::Finalizer, patched.is_ok());
        self.answered("the finalizer", object, patched)
    }

    /// Notes what a write replaced, and tells what it failed with.
    fn answered<K: Patchable>(&self, what: &'static str, object: &K, patched: kube::Result<K>) -> Patched<K> {
        match patched {
            Ok(patched) => {
                self.replaced.note(object, &patched);
                Ok(patched)
            }
            Err(error) => Err(failed(what, object, error)),
        }
    }

    /// Whether a local copy shows of `object` what a write of ours has replaced
    /// a moment ago.
    pub fn have_replaced<K: Resource>(&self, object: &K) -> bool {
        self.replaced.shows_replaced(object)
    }

    fn check<K: Patchable>(&self, object: &K) -> Result<(), PatchError> {
        if self.authority.may_write() {
            Ok(())
        } else {
            Err(PatchError::TermOver(name_of(object)))
        }
    }
}

/// What server-side apply takes: every field of ours, so that one that is left
/// out is taken away.
fn status_body<K: Patchable>(object: &K, status: &impl Serialize, based: Based) -> Value {
    let mut body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "name": object.name_any() },
        "status": status,
    });
    match based {
        Based::OnThisVersion => body["metadata"]["resourceVersion"] = json!(object.resource_version()),
        Based::OnAny => {}
    }
    body
}

/// What server-side apply adds to the finalizers that are there, whatever else
/// is changed at the same time: a team that writes to its profile without pause
/// keeps nobody waiting. The UID keeps it from being another object.
fn claim_body<K: Patchable>(object: &K) -> Value {
    json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {
            "name": object.name_any(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            "finalizers": [FINALIZER],
        },
    })
}

/// A merge patch replaces the whole list, so it holds only for this version.
fn finalizer_body<K: Patchable>(object: &K, wanted: bool) -> Value {
    let others = object
        .finalizers()
        .iter()
        .map(String::as_str)
        .filter(|finalizer| *finalizer != FINALIZER);
    let finalizers: Vec<&str> = others.chain(wanted.then_some(FINALIZER)).collect();
    json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers } })
}

fn name_of<K: Patchable>(object: &K) -> String {
    match object.namespace() {
        Some(namespace) => format!("{} {namespace}/{}", K::kind(&()), object.name_any()),
        None => format!("{} {}", K::kind(&()), object.name_any()),
    }
}

fn failed<K: Patchable>(what: &'static str, object: &K, error: kube::Error) -> PatchError {
    let name = name_of(object);
    match &error {
        kube::Error::Api(status) if status.is_conflict() => PatchError::Superseded(name),
        kube::Error::Api(status) if status.is_not_found() => PatchError::Gone(name),
        _ => PatchError::Failed {
            what,
            object: name,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(finalizers: &[&str]) -> SageMakerVpcProfile {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": {
                "name": "fraud", "namespace": "ml-fraud", "resourceVersion": "7", "finalizers": finalizers,
            },
            "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
        }))
        .unwrap()
    }

    #[test]
    fn the_finalizers_of_others_stay() {
        let added = finalizer_body(&profile(&["a/b"]), true);
        assert_eq!(
            added,
            json!({ "metadata": { "resourceVersion": "7", "finalizers": ["a/b", FINALIZER] } })
        );
        let removed = finalizer_body(&profile(&["a/b", FINALIZER, "c/d"]), false);
        assert_eq!(
            removed,
            json!({ "metadata": { "resourceVersion": "7", "finalizers": ["a/b", "c/d"] } })
        );
    }

    #[test]
    fn only_a_write_based_on_a_version_names_it() {
        let status = SageMakerVpcProfileStatus::default();
        let of = |based| status_body(&profile(&[]), &status, based)["metadata"].clone();
        assert_eq!(
            of(Based::OnThisVersion),
            json!({ "name": "fraud", "resourceVersion": "7" })
        );
        assert_eq!(of(Based::OnAny), json!({ "name": "fraud" }));
    }
}
