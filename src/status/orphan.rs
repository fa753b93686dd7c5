//! The status of a profile whose `vpcRef` names no SageMakerVpc.

use jiff::Timestamp;

use super::conditions::Conditions;
use crate::api::{
    Blocker, ConditionStatus, ConditionType, Reason, SageMakerVpcProfile, SageMakerVpcProfileStatus, Verdict,
    WorkloadStatus,
};

/// Says that the reference leads nowhere, and what to do.
pub fn orphan(profile: &SageMakerVpcProfile, now: Timestamp) -> SageMakerVpcProfileStatus {
    let before = profile.status.clone().unwrap_or_default();
    let generation = profile.metadata.generation;
    let message = format!(
        "spec.vpcRef names SageMakerVpc {:?}, and there is none: `kubectl get sagemakervpcs` lists those there are; ask \
         the platform team for one, or create this profile anew with the right name.",
        profile.spec.vpc_ref.name
    );
    let mut conditions = Conditions::new(&before.conditions, generation, now);
    for type_ in [ConditionType::Ready, ConditionType::Accepted] {
        conditions.set(type_, ConditionStatus::False, Reason::VpcRefNotFound, &message);
    }
    conditions.set(
        ConditionType::Stalled,
        ConditionStatus::True,
        Reason::VpcRefNotFound,
        &message,
    );
    let workloads: Vec<WorkloadStatus> = profile
        .spec
        .workloads
        .iter()
        .map(|workload| WorkloadStatus {
            name: workload.name.clone(),
            ready: Verdict::No,
            message: message.clone(),
            blockers: vec![Blocker {
                reason: Reason::VpcRefNotFound.as_str().to_owned(),
                resource: Some(profile.spec.vpc_ref.name.clone()),
                shows: None,
                message: message.clone(),
            }],
            blockers_truncated: None,
            vpc_config: None,
        })
        .collect();
    SageMakerVpcProfileStatus {
        observed_generation: generation,
        conditions: conditions.finish(),
        vpc_config: None,
        workloads_ready: Some(format!("0/{}", workloads.len())),
        workloads,
        accepted_generation: before.accepted_generation,
    }
}
