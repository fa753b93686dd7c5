use serde_json::json;

use super::*;
use sagevpc_core::{
    api::{HeldStatus, SageMakerVpcProfileStatus, SageMakerVpcStatus},
    plan::{Action, ActionId, DnsAttribute, SecurityGroupChange, Serves, VpcChange},
    types::{ResourceKey, SecurityGroupId, VpcId},
    validate::ProfileReference,
};

fn fraud() -> ProfileKey {
    ProfileKey::new("ml-fraud", "fraud")
}

/// A VPC object and one profile, with the statuses that they had.
fn references(vpc: SageMakerVpcStatus, profile: SageMakerVpcProfileStatus) -> References {
    let mut vpc_object: sagevpc_core::api::SageMakerVpc = serde_json::from_value(json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpc",
        "metadata": { "name": "research" },
        "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
    }))
    .unwrap();
    vpc_object.status = Some(vpc);
    let mut profile_object: sagevpc_core::api::SageMakerVpcProfile = serde_json::from_value(json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpcProfile",
        "metadata": { "name": "fraud", "namespace": "ml-fraud" },
        "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
    }))
    .unwrap();
    profile_object.status = Some(profile);
    References {
        cluster: "c".into(),
        cluster_uid: None,
        vpc: vpc_object,
        rivals: Vec::new(),
        profiles: vec![ProfileReference {
            profile: profile_object,
            namespace_labels: Default::default(),
        }],
    }
}

fn condition(type_: ConditionType, status: ConditionStatus, reason: Reason) -> Condition {
    Condition {
        type_: type_.as_str().into(),
        status,
        reason: reason.as_str().into(),
        message: "what is wrong, and the fix".into(),
        last_transition_time: "2026-01-01T12:00:00Z".parse().unwrap(),
        observed_generation: Some(1),
    }
}

fn with_plan(actions: Vec<ActionStatus>) -> SageMakerVpcStatus {
    SageMakerVpcStatus {
        plan: PlanStatus {
            actions,
            ..PlanStatus::default()
        },
        ..SageMakerVpcStatus::default()
    }
}

fn statuses(vpc: SageMakerVpcStatus, profile: SageMakerVpcProfileStatus) -> Statuses {
    Statuses {
        vpc,
        profiles: [(fraud(), profile)].into(),
    }
}

fn dns_off(drift: bool) -> PlannedAction {
    let action = Action::Vpc(VpcChange::ModifyAttribute {
        vpc: VpcId::new("vpc-1"),
        attribute: DnsAttribute::EnableDnsSupport,
    });
    PlannedAction {
        drift,
        ..PlannedAction::new(action, Serves::Vpc, "names must resolve")
    }
}

fn group_in_use() -> PlannedAction {
    let action = Action::SecurityGroup(SecurityGroupChange::Delete {
        id: SecurityGroupId::new("sg-1"),
    });
    let key = Some(ResourceKey::WorkloadSecurityGroup {
        profile: fraud(),
        workload: None,
    });
    PlannedAction {
        key,
        priority: Priority::Deletion,
        ..PlannedAction::new(action, Serves::Vpc, "nothing needs it")
    }
}

fn plan(actions: Vec<PlannedAction>) -> Plan {
    Plan {
        actions,
        ..Plan::default()
    }
}

fn told_of(planned: &PlannedAction, state: ActionState, message: &str) -> ActionStatus {
    ActionStatus {
        action: planned.action.name().into(),
        resource: planned.action.resource(),
        change: planned.action.change(),
        reason: planned.reason.clone(),
        state,
        message: Some(message.into()),
    }
}

fn reasons(notices: &[(About, Notice)]) -> Vec<(&'static str, bool)> {
    notices
        .iter()
        .map(|(about, notice)| (notice.reason, *about == About::Vpc))
        .collect()
}

#[test]
fn drift_that_is_repaired_at_once_is_told_as_found_and_as_repaired() {
    let plan = plan(vec![dns_off(true)]);
    let outcome = Outcome {
        steps: [(ActionId(0), Step::Done)].into(),
        ..Outcome::default()
    };
    let now = with_plan(vec![told_of(&plan.actions[0], ActionState::Done, "done")]);
    let notices = decide(
        &references(SageMakerVpcStatus::default(), Default::default()),
        Some((&plan, &outcome)),
        &statuses(now, Default::default()),
    );
    assert_eq!(reasons(&notices), [(DRIFT_DETECTED, true), (DRIFT_REPAIRED, true)]);
    assert_eq!(notices[0].1.type_, NoticeType::Warning);
    assert_eq!(
        notices[0].1.message,
        "ModifyVpcAttribute vpc-1: enableDnsSupport: false -> true (names must resolve)"
    );
}

#[test]
fn drift_that_stays_is_told_once() {
    let plan = plan(vec![dns_off(true)]);
    let observed = with_plan(vec![told_of(
        &plan.actions[0],
        ActionState::Planned,
        "managementPolicy is Observe",
    )]);
    let now = statuses(observed.clone(), Default::default());
    let first = decide(
        &references(SageMakerVpcStatus::default(), Default::default()),
        Some((&plan, &Outcome::default())),
        &now,
    );
    assert_eq!(reasons(&first), [(DRIFT_DETECTED, true)]);
    let second = decide(
        &references(observed, Default::default()),
        Some((&plan, &Outcome::default())),
        &now,
    );
    assert_eq!(second, []);
}

#[test]
fn what_is_wanted_anew_is_no_drift() {
    let plan = plan(vec![dns_off(false)]);
    let outcome = Outcome {
        steps: [(ActionId(0), Step::Done)].into(),
        ..Outcome::default()
    };
    let now = with_plan(vec![told_of(&plan.actions[0], ActionState::Done, "done")]);
    let notices = decide(
        &references(SageMakerVpcStatus::default(), Default::default()),
        Some((&plan, &outcome)),
        &statuses(now, Default::default()),
    );
    assert_eq!(reasons(&notices), [(CHANGED, true)]);
}

#[test]
fn an_obstacle_to_a_deletion_is_told_to_both_and_again_only_when_it_changes() {
    let plan = plan(vec![group_in_use()]);
    let blocked_by = |who: &str| with_plan(vec![told_of(&plan.actions[0], ActionState::Waiting, who)]);
    let told = |before: &str, now: &str| {
        let before = references(blocked_by(before), Default::default());
        let now = statuses(blocked_by(now), Default::default());
        reasons(&decide(&before, Some((&plan, &Outcome::default())), &now))
    };
    assert_eq!(
        told("eni-1 uses it", "eni-2 uses it"),
        [(DELETION_BLOCKED, false), (DELETION_BLOCKED, true)]
    );
    assert_eq!(told("eni-1 uses it", "eni-1 uses it"), []);
}

#[test]
fn held_changes_are_told_with_the_way_to_approve_them_once_for_each_digest() {
    let holding = |digest: &str| SageMakerVpcStatus {
        plan: PlanStatus {
            held: Some(HeldStatus {
                digest: digest.into(),
                count: 1,
                message: "the endpoint".into(),
            }),
            ..PlanStatus::default()
        },
        ..SageMakerVpcStatus::default()
    };
    let told = |before: SageMakerVpcStatus, now: SageMakerVpcStatus| {
        decide(
            &references(before, Default::default()),
            None,
            &statuses(now, Default::default()),
        )
    };
    let notices = told(SageMakerVpcStatus::default(), holding("abc"));
    assert_eq!(reasons(&notices), [(HELD, true)]);
    assert!(
        notices[0]
            .1
            .message
            .contains(r#"kubectl patch sagemakervpc research --type merge -p '{"spec":{"approvedPlan":"abc"}}'"#)
    );
    assert_eq!(told(holding("abc"), holding("abc")), []);
    assert_eq!(reasons(&told(holding("abc"), holding("def"))), [(HELD, true)]);
}

#[test]
fn becoming_ready_and_no_longer_ready_is_told_on_the_profile() {
    let profile = |status, reason| SageMakerVpcProfileStatus {
        conditions: vec![condition(ConditionType::Ready, status, reason)],
        ..SageMakerVpcProfileStatus::default()
    };
    let told = |before, now| {
        let before = references(SageMakerVpcStatus::default(), before);
        reasons(&decide(&before, None, &statuses(SageMakerVpcStatus::default(), now)))
    };
    let ready = profile(ConditionStatus::True, Reason::Ok);
    let working = profile(ConditionStatus::False, Reason::InProgress);
    let stuck = profile(ConditionStatus::False, Reason::TooFewAddresses);
    assert_eq!(told(Default::default(), working.clone()), [], "it passes by itself");
    assert_eq!(told(working.clone(), ready.clone()), [(READY, false)]);
    assert_eq!(told(ready.clone(), ready.clone()), []);
    assert_eq!(told(ready, stuck.clone()), [(NOT_READY, false)]);
    assert_eq!(told(stuck.clone(), stuck), []);
}

#[test]
fn a_refusal_is_told_once_and_not_as_unreadiness_too() {
    let refused = [
        condition(ConditionType::Ready, ConditionStatus::False, Reason::NotGranted),
        condition(ConditionType::Accepted, ConditionStatus::False, Reason::NotGranted),
    ];
    let notices = transitions(&[], &refused, &[]);
    assert_eq!(
        notices.iter().map(|notice| notice.reason).collect::<Vec<_>>(),
        [REFUSED]
    );
    assert_eq!(notices[0].message, "NotGranted: what is wrong, and the fix");
    assert_eq!(transitions(&refused, &refused, &[]), []);
    let blocker =
        serde_json::from_value(json!({ "reason": "NotGranted", "message": "No grant.", "fix": "Ask for one." }));
    let notices = transitions(&[], &refused, &[blocker.unwrap()]);
    assert_eq!(
        notices[0].message, "NotGranted: No grant. Ask for one.",
        "the blocker says more"
    );
}
