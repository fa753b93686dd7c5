//! The status of a profile whose `vpcRef` names no SageMakerVpc.

use jiff::Timestamp;

use super::{conditions::Conditions, obstacles::Obstacle, remedy::headline};
use crate::{
    api::{ConditionStatus, ConditionType, Reason, SageMakerVpcProfile, SageMakerVpcProfileStatus, Who},
    report::Concern,
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
    let reason = Reason::VpcRefNotFound;
    let found = Obstacle::new(Concern::Accepted, reason, String::new());
    let summary = headline(&found, Who::Team, 0);
    conditions.set(ConditionType::Ready, ConditionStatus::False, reason, &summary);
    conditions.set(ConditionType::Accepted, ConditionStatus::False, reason, &message);
    let waiting = "Nothing more happens until there is such a SageMakerVpc.";
    conditions.set(ConditionType::Stalled, ConditionStatus::True, reason, waiting);
    SageMakerVpcProfileStatus {
        observed_generation: generation,
        conditions: conditions.finish(),
        vpc_config: None,
        workloads_ready: Some(format!("0/{}", profile.spec.workloads.len())),
        blockers: Vec::new(),
        blockers_truncated: None,
        workloads: Vec::new(),
        accepted_generation: before.accepted_generation,
    }
}
