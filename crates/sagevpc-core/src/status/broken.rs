//! The status of a SageMakerVpc over which a pass broke off by a bug of ours.

use jiff::Timestamp;

use super::conditions::Conditions;
use crate::api::{Condition, ConditionStatus, ConditionType, Reason, SageMakerVpc, SageMakerVpcStatus};

/// Says so, and leaves all else as it was last known.
pub fn broken(vpc: &SageMakerVpc, now: Timestamp) -> SageMakerVpcStatus {
    let before = vpc.status.clone().unwrap_or_default();
    let mut ready = Conditions::new(&before.conditions, vpc.metadata.generation, now);
    ready.set(
        ConditionType::Ready,
        ConditionStatus::False,
        Reason::InternalError,
        "Platform team: report this bug of sagevpc; the controller's log says where it broke off. What follows is as last \
         known.",
    );
    let is_other = |condition: &&Condition| condition.type_ != ConditionType::Ready.as_str();
    let others = before.conditions.iter().filter(is_other).cloned();
    SageMakerVpcStatus {
        conditions: ready.finish().into_iter().chain(others).collect(),
        ..before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_and_the_rest_stays() {
        let vpc: SageMakerVpc = serde_json::from_value(serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": "research", "generation": 3 },
            "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
            "status": { "conditions": [
                { "type": "Ready", "status": "True", "reason": "Ok", "message": "m",
                  "lastTransitionTime": "2026-01-01T12:00:00Z" },
                { "type": "DnsReady", "status": "True", "reason": "Ok", "message": "m",
                  "lastTransitionTime": "2026-01-01T12:00:00Z" },
            ] },
        }))
        .unwrap();
        let now = "2026-01-01T13:00:00Z".parse().unwrap();
        let status = broken(&vpc, now);
        let told: Vec<_> = status
            .conditions
            .iter()
            .map(|condition| (condition.type_.as_str(), condition.status, condition.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("Ready", ConditionStatus::False, "InternalError"),
                ("DnsReady", ConditionStatus::True, "Ok")
            ]
        );
        assert_eq!(status.conditions[0].observed_generation, Some(3));
        let again = SageMakerVpc {
            status: Some(status.clone()),
            ..vpc
        };
        assert_eq!(broken(&again, "2026-01-01T14:00:00Z".parse().unwrap()), status);
    }
}
