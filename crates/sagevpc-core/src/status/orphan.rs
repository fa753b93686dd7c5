//! The status of a profile whose `vpcRef` names no SageMakerVpc.

use jiff::Timestamp;

use super::conditions::Conditions;
use crate::api::{ConditionStatus, ConditionType, Reason, SageMakerVpcProfile, SageMakerVpcProfileStatus};

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
    SageMakerVpcProfileStatus {
        observed_generation: generation,
        conditions: conditions.finish(),
        vpc_config: None,
        workloads_ready: Some(format!("0/{}", profile.spec.workloads.len())),
        workloads: Vec::new(),
        accepted_generation: before.accepted_generation,
    }
}
