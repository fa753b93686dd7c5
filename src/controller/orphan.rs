//! Profiles whose `vpcRef` names no `SageMakerVpc`. They are told so, and let
//! go: a VPC object goes when nothing is left of all its profiles' either, or
//! when its owners give up what is. Nobody could tidy it up any more, and a new
//! object of the same name finds it by its tags and does.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, runtime::controller::Action};

use super::{caught::caught, context::Context, events, reconcile::UNTIL_FOLLOWED, writes::unless_gone};
use crate::{
    cluster::{Based, PatchError, reference},
    telemetry::chain,
};
use sagevpc_core::{
    api::{SageMakerVpcProfile, is_deleting},
    status,
};

/// Objects that are applied together arrive in any order: a profile this young
/// may only have come before its VPC object.
const TOGETHER: SignedDuration = SignedDuration::from_secs(2);

/// The API server refused, or did not answer. How often it did so in a row is
/// not known here, so that this is neither short nor long.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// A bug of ours does not go by itself.
const AFTER_PANIC: Duration = Duration::from_secs(300);

/// The local copy catches up within milliseconds.
const AFTER_CHANGE: Duration = Duration::from_millis(250);

/// One pass over one profile. Does nothing if its VPC object is there, for then
/// the pass over that one speaks for it.
///
/// # Errors
///
/// When the profile could not be written.
pub(super) async fn reconcile(profile: Arc<SageMakerVpcProfile>, context: Arc<Context>) -> Result<Action, PatchError> {
    if !context.health.follows_all() {
        return Ok(Action::requeue(UNTIL_FOLLOWED));
    }
    if context.stores.vpc(&profile.spec.vpc_ref.name).is_some() {
        return Ok(Action::await_change());
    }
    let now = Timestamp::now();
    if let Some(wait) = too_young(&profile, now) {
        return Ok(Action::requeue(wait));
    }
    match caught(speak(&profile, &context, now)).await {
        Ok(spoken) => unless_gone(spoken).map(|()| Action::await_change()),
        Err(panicked) => {
            tracing::error!(
                profile = profile.name_any(),
                namespace = profile.namespace(),
                error = chain(&panicked),
                "speaking for a profile without a SageMakerVpc broke off"
            );
            context.metrics.panicked(&SageMakerVpcProfile::kind(&()));
            Ok(Action::requeue(AFTER_PANIC))
        }
    }
}

/// When to try again after a failure.
pub(super) fn retry(_: Arc<SageMakerVpcProfile>, error: &PatchError, _: Arc<Context>) -> Action {
    match error {
        PatchError::Superseded(_) | PatchError::Gone(_) => Action::requeue(AFTER_CHANGE),
        PatchError::TermOver(_) => Action::await_change(),
        PatchError::Failed { .. } | PatchError::TooManyFinalizers(_) => {
            tracing::warn!(
                error = chain(error),
                "a profile without a SageMakerVpc could not be written"
            );
            Action::requeue(AFTER_FAILURE)
        }
    }
}

async fn speak(profile: &SageMakerVpcProfile, context: &Context, now: Timestamp) -> Result<(), PatchError> {
    let released = context.patches.release_profile(profile).await?;
    if is_deleting(&released) {
        return Ok(());
    }
    let status = status::orphan(&released, now);
    if released.status.as_ref() != Some(&status) {
        // Should the VPC object have come meanwhile, its pass has spoken, and
        // must not be contradicted.
        context
            .patches
            .profile_status(&released, &status, Based::OnThisVersion)
            .await?;
        let about = reference(&released);
        let before = released
            .status
            .as_ref()
            .map(|status| status.conditions.as_slice())
            .unwrap_or_default();
        for notice in events::transitions(before, &status.conditions, &status.blockers) {
            context.publisher.publish(&about, &notice).await;
        }
    }
    Ok(())
}

/// How long to wait until the profile is old enough, if it is not.
fn too_young(profile: &SageMakerVpcProfile, now: Timestamp) -> Option<Duration> {
    let age = now.duration_since(profile.creation_timestamp()?.0);
    // An age from another clock may be anything; only a small one says something.
    (SignedDuration::ZERO..TOGETHER)
        .contains(&age)
        .then(|| (TOGETHER - age).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    #[test]
    fn a_profile_applied_together_with_its_vpc_object_is_given_time() {
        let mut profile: SageMakerVpcProfile = serde_json::from_value(serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": "fraud", "namespace": "ml-fraud" },
            "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
        }))
        .unwrap();
        let now: Timestamp = "2026-01-01T12:00:02Z".parse().unwrap();
        let mut wait = |created: &str| {
            profile.metadata.creation_timestamp = Some(Time(created.parse().unwrap()));
            too_young(&profile, now)
        };
        assert_eq!(wait("2026-01-01T12:00:01Z"), Some(Duration::from_secs(1)));
        assert_eq!(wait("2026-01-01T12:00:00Z"), None);
        assert_eq!(wait("2026-01-01T12:59:00Z"), None, "the clocks disagree");
    }
}
