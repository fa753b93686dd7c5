//! Writes what a pass found: status, where it changed, and events.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::{
    apply::Applied,
    changes,
    context::Context,
    events::{self, About},
    finalizers::Releases,
    writes::{SideBySide, concerns_one_object, unless_gone},
};
use crate::{
    cluster::{Based, Notice, PatchError, reference},
    telemetry::{ProfileState, VpcGauges, chain},
};
use sagevpc_core::{
    api::{ActionState, ConditionStatus, ConditionType, SageMakerVpc, SageMakerVpcStatus},
    plan::{Outcome, Plan, Step},
    status::Statuses,
    types::ProfileKey,
    validate::{ProfileReference, References},
};

/// Writes the statuses of the profiles that changed, without those that may go.
/// All are tried. Gives those that take none.
///
/// # Errors
///
/// When nothing can be written.
pub(super) async fn write_profiles(
    context: &Context,
    references: &References,
    statuses: &Statuses,
    releases: &Releases<'_>,
) -> Result<BTreeSet<ProfileKey>, PatchError> {
    let staying = |reference: &&ProfileReference| {
        !releases
            .profiles
            .iter()
            .any(|released| std::ptr::eq(*released, &reference.profile))
    };
    let mut writes = SideBySide::new();
    for reference in references.profiles.iter().filter(staying) {
        let profile = &reference.profile;
        match statuses.profiles.get(&reference.key()) {
            Some(status) if profile.status.as_ref() != Some(status) => writes.push(async {
                let written = context.patches.profile_status(profile, status, Based::OnAny).await;
                (reference.key(), unless_gone(written))
            }),
            Some(_) | None => {}
        }
    }
    let mut unwritten = BTreeSet::new();
    for (key, written) in writes.all().await {
        match written {
            Ok(()) => {}
            Err(error) if concerns_one_object(&error) => {
                tracing::warn!(profile = %key, error = chain(&error), "a profile takes no status");
                unwritten.insert(key);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(unwritten)
}

/// Writes the status of the VPC object, if it changed.
///
/// # Errors
///
/// When it could not be written.
pub(super) async fn write_vpc(
    context: &Context,
    vpc: &SageMakerVpc,
    status: &SageMakerVpcStatus,
) -> Result<(), PatchError> {
    if vpc.status.as_ref() == Some(status) {
        return Ok(());
    }
    unless_gone(context.patches.vpc_status(vpc, status).await)
}

/// Publishes the events that a pass calls for.
pub(super) async fn publish(context: &Context, references: &References, notices: Vec<(About, Notice)>) {
    for (about, notice) in &notices {
        let object = match about {
            About::Vpc => Some(reference(&references.vpc)),
            About::Profile(key) => {
                let mut profiles = references.profiles.iter();
                profiles
                    .find(|profile| profile.key() == *key)
                    .map(|profile| reference(&profile.profile))
            }
        };
        if let Some(object) = object {
            context.publisher.publish(&object, notice).await;
        }
    }
}

/// Tells each change of AWS in the log.
pub(super) fn log(references: &References, plan: Option<&Plan>, applied: &Applied) {
    let Some(plan) = plan else {
        return;
    };
    for change in changes::changes(references, plan, &applied.outcome) {
        changes::log(&references.vpc.name_any(), &change, plan);
    }
}

/// Counts what a pass found and did.
pub(super) fn count(
    context: &Context,
    references: &References,
    carried_out: Option<(&Plan, &Outcome)>,
    statuses: &Statuses,
) {
    if let Some((plan, outcome)) = carried_out {
        let before = references.vpc.status.clone().unwrap_or_default();
        events::new_drift(&before.plan, &statuses.vpc.plan, plan)
            .for_each(|drift| context.metrics.drift_found(drift.action.name()));
        events::repaired_drift(plan, outcome).for_each(|drift| context.metrics.drift_repaired(drift.action.name()));
        for planned in &plan.actions {
            if let Some(step) = outcome.steps.get(&planned.id) {
                context.metrics.acted(planned.action.name(), state(step));
            }
        }
    }
    let name = references.vpc.name_any();
    if context.stores.vpc(&name).is_some() {
        let plan = carried_out.map(|(plan, _)| plan);
        context.metrics.stands(&name, gauges(statuses, plan));
    }
}

fn state(step: &Step) -> ActionState {
    match step {
        Step::Done => ActionState::Done,
        Step::Waiting { .. } | Step::Blocked { .. } => ActionState::Waiting,
        Step::Failed(_) => ActionState::Failed,
    }
}

fn gauges(statuses: &Statuses, plan: Option<&Plan>) -> VpcGauges {
    let vpc = &statuses.vpc;
    let mut gauges = VpcGauges {
        ready: vpc.conditions.iter().any(|condition| {
            condition.type_ == ConditionType::Ready.as_str() && condition.status == ConditionStatus::True
        }),
        profiles: [
            (ProfileState::Ready, vpc.profiles.ready),
            (ProfileState::NotReady, vpc.profiles.not_ready),
            (ProfileState::Refused, vpc.profiles.refused),
        ]
        .into(),
        drift_open: vpc.drift.open,
        held: vpc.plan.held.as_ref().map_or(0, |held| held.count),
        addresses: plan
            .iter()
            .flat_map(|plan| &plan.capacity)
            .map(|shown| (shown.subnet.to_string(), (shown.free, shown.needed)))
            .collect(),
        ..VpcGauges::default()
    };
    for workload in statuses.profiles.values().flat_map(|status| &status.workloads) {
        *gauges.workloads.entry(workload.ready).or_default() += 1;
    }
    gauges
}
