//! The last verdict while AWS gives no answer: an outage changes nothing in a
//! network, so what was seen stands for a while, and says how old it is.
//!
//! A refusal (no credentials, an action denied, another account) is no outage:
//! someone must mend it, and is told at once.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Assessment, Observation, obstacles::passes, remedy::MAX_READY_MESSAGE, to_the_second};
use crate::{
    api::{Condition, ConditionStatus, ConditionType, Reason, SageMakerVpcStatus, is_deleting},
    types::in_sentences,
};

/// How long the last verdict stands.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

/// AWS gives no answer, and has not for a short time only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    since: Timestamp,
}

impl Outage {
    /// The outage in which a pass is whose spec was judged before.
    pub(super) fn of(assessment: &Assessment<'_>) -> Option<Self> {
        let vpc = &assessment.references.vpc;
        let before = vpc.status.as_ref()?;
        let Observation::Failed(failure) = assessment.observation else {
            return None;
        };
        let is_judged = before.observed_generation.is_some() && before.observed_generation == vpc.metadata.generation;
        if !passes(failure.kind) || !is_judged || is_deleting(vpc) || assessment.validated.is_err() {
            return None;
        }
        let since = match reachable(before) {
            Some(reachable) if reachable.status == ConditionStatus::True => to_the_second(assessment.now),
            Some(reachable) if is_outage(reachable) => reachable.last_transition_time,
            // Nobody could look before either.
            Some(_) | None => return None,
        };
        (assessment.now.duration_since(since) < GRACE).then_some(Self { since })
    }

    /// The conditions as they were last known, `Ready` with the time of that; `None`
    /// where nothing was known. Of one outage they are always the same.
    pub(super) fn aged(self, before: &[Condition]) -> Option<Vec<Condition>> {
        let is_ready = |condition: &&Condition| condition.type_ == ConditionType::Ready.as_str();
        // That nobody could look is no verdict to keep.
        before.iter().find(is_ready).filter(|ready| !is_outage(ready))?;
        let aged = before.iter().map(|condition| Condition {
            message: if is_ready(&condition) {
                self.dated(&condition.message)
            } else {
                condition.message.clone()
            },
            ..condition.clone()
        });
        Some(aged.collect())
    }

    fn dated(self, message: &str) -> String {
        let as_of = self.since.to_zoned(TimeZone::UTC).strftime("%H:%M");
        let suffix = format!(" As of {as_of} UTC: AWS gives no answer.");
        if message.ends_with(&suffix) {
            return message.to_owned();
        }
        let room = MAX_READY_MESSAGE.saturating_sub(suffix.len());
        format!("{}{suffix}", in_sentences(message, room))
    }
}

/// Whether AWS answered when status was written.
fn reachable(before: &SageMakerVpcStatus) -> Option<&Condition> {
    let name = ConditionType::AwsReachable.as_str();
    before.conditions.iter().find(|condition| condition.type_ == name)
}

/// Whether a condition says that AWS gives no answer.
fn is_outage(condition: &Condition) -> bool {
    let reasons = [Reason::Throttled, Reason::Unreachable];
    reasons.iter().any(|reason| condition.reason == reason.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        report::{Failure, FailureKind},
        status::{Statuses, assess},
        validate::{ProfileReference, References, validate},
    };

    const NOON: &str = "2026-01-01T12:00:00Z";

    fn at(minutes: i64) -> Timestamp {
        NOON.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn condition(type_: &str) -> serde_json::Value {
        serde_json::json!({
            "type": type_, "status": "True", "reason": "Ok", "message": "All is well.",
            "lastTransitionTime": "2026-01-01T09:00:00Z", "observedGeneration": 1,
        })
    }

    fn references() -> References {
        let conditions = ["Ready", "Accepted", "AwsReachable", "S3Ready"].map(condition);
        let status = serde_json::json!({ "observedGeneration": 1, "conditions": conditions });
        let vpc = serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": "research", "generation": 1 },
            "spec": {
                "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0",
                "allowedNamespaces": { "from": "All" }, "grants": { "buckets": ["*"] },
            },
            "status": status,
        });
        let profile = serde_json::json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": "fraud", "namespace": "ml", "generation": 1 },
            "spec": {
                "vpcRef": { "name": "research" },
                "workloads": [{ "name": "train", "kind": "Training" }],
                "buckets": [{ "name": "fraud-data" }],
            },
            "status": { "observedGeneration": 1, "conditions": [condition("Ready"), condition("S3Ready")] },
        });
        References {
            cluster: "c".into(),
            cluster_uid: None,
            vpc: serde_json::from_value(vpc).unwrap(),
            rivals: Vec::new(),
            profiles: vec![ProfileReference {
                profile: serde_json::from_value(profile).unwrap(),
                namespace_labels: BTreeMap::new(),
            }],
        }
    }

    /// One pass that AWS gives no answer to, whose statuses the next begins with.
    fn pass(references: &mut References, kind: FailureKind, now: Timestamp) -> Statuses {
        let failure = Failure {
            kind,
            action: "ec2:DescribeVpcs".to_owned(),
            code: None,
            message: "connection timed out".to_owned(),
        };
        let validated = validate(references);
        let statuses = assess(&Assessment {
            references,
            validated: validated.as_ref(),
            observation: Observation::Failed(&failure),
            ledger: references.vpc.status.clone().unwrap_or_default().ledger,
            now,
        });
        references.vpc.status = Some(statuses.vpc.clone());
        for reference in &mut references.profiles {
            reference.profile.status = statuses.profiles.get(&reference.key()).cloned();
        }
        statuses
    }

    fn ready(statuses: &Statuses) -> [Condition; 2] {
        let profile = statuses.profiles.values().next().unwrap();
        [&statuses.vpc.conditions, &profile.conditions].map(|conditions| conditions[0].clone())
    }

    #[test]
    fn an_outage_leaves_the_verdict_for_five_minutes_and_is_written_once() {
        let mut references = references();
        let first = pass(&mut references, FailureKind::Unreachable, at(0));
        for ready in ready(&first) {
            assert_eq!(ready.status, ConditionStatus::True);
            assert_eq!(ready.message, "All is well. As of 12:00 UTC: AWS gives no answer.");
            assert_eq!(ready.last_transition_time, at(-180), "it did not change");
            assert_eq!(ready.observed_generation, Some(1));
        }
        for minutes in 1..5 {
            let kind = if minutes % 2 == 0 {
                FailureKind::Throttled
            } else {
                FailureKind::Unreachable
            };
            let again = pass(&mut references, kind, at(minutes));
            assert_eq!(ready(&again), ready(&first));
            assert_eq!(again.profiles, first.profiles, "nothing is written");
        }
        let over = pass(&mut references, FailureKind::Unreachable, at(5));
        for ready in ready(&over) {
            assert_eq!(
                (ready.status, ready.last_transition_time),
                (ConditionStatus::Unknown, at(5))
            );
        }
    }

    #[test]
    fn a_changed_spec_is_given_no_old_verdict() {
        let mut of_profile = references();
        of_profile.profiles[0].profile.metadata.generation = Some(2);
        let [vpc, profile] = ready(&pass(&mut of_profile, FailureKind::Unreachable, at(0)));
        assert_eq!((vpc.status, vpc.observed_generation), (ConditionStatus::True, Some(1)));
        assert_eq!(
            (profile.status, profile.observed_generation),
            (ConditionStatus::Unknown, Some(2))
        );

        let mut of_vpc = references();
        of_vpc.vpc.metadata.generation = Some(2);
        for ready in ready(&pass(&mut of_vpc, FailureKind::Unreachable, at(0))) {
            assert_eq!(ready.status, ConditionStatus::Unknown);
        }
    }

    #[test]
    fn a_refusal_is_no_outage() {
        for kind in [
            FailureKind::NoCredentials,
            FailureKind::AccessDenied,
            FailureKind::WrongAccount,
        ] {
            for ready in ready(&pass(&mut references(), kind, at(0))) {
                assert_eq!(ready.status, ConditionStatus::Unknown, "{kind:?}");
            }
        }
    }
}
