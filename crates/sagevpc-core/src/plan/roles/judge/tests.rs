//! What a role's policies, its boundary and AWS's simulation come to.

use serde_json::{Value, json};

use super::*;
use crate::catalog::RoleActions;

const ARN: &str = "arn:aws:iam::111122223333:role/ml/fraud";

fn role(policies: &[(&str, Value)]) -> RoleDetail {
    let inline: Vec<Value> = policies
        .iter()
        .map(|(name, document)| json!({ "PolicyName": name, "PolicyDocument": document }))
        .collect();
    serde_json::from_value(json!({ "RoleName": "fraud", "Arn": ARN, "RolePolicyList": inline })).unwrap()
}

fn allow(action: &str, resource: &str) -> Value {
    json!({ "Statement": { "Effect": "Allow", "Action": action, "Resource": resource } })
}

fn region() -> Region {
    Region::new("us-east-1")
}

/// What stands in the way of an action of a set, in the eyes of `policies`.
fn judged(policies: &RolePolicies, set: RoleActions, action: &str) -> Option<Cause> {
    let need = set.needs().iter().find(|need| need.actions.contains(&action));
    policies.judge(Question {
        need: need.expect("the set has it"),
        action,
        without_condition: false,
    })
}

#[test]
fn what_any_sagemakervpc_gave_does_not_count_as_the_roles_own() {
    let given = allow("ec2:*", "*");
    let role = role(&[
        ("sagevpc-research-41accc6f54", given.clone()),
        ("sagevpc-other-13d0a69a76", given),
    ]);
    let judge = |policies: &RolePolicies| judged(policies, RoleActions::Eni9, "ec2:DescribeVpcs");
    assert_eq!(judge(&RolePolicies::all(&role, &Roles::default(), &region())), None);
    assert_eq!(
        judge(&RolePolicies::without_ours(&role, &Roles::default(), &region())),
        Some(Cause::Unstated)
    );
}

#[test]
fn a_policy_that_was_not_seen_leaves_open_what_others_do_not_deny() {
    let deny = json!({ "Statement": { "Effect": "Deny", "Action": "ec2:DescribeVpcs", "Resource": "*" } });
    let mut role = role(&[("everything", allow("*", "*")), ("guard", deny)]);
    role.attached_managed_policies =
        serde_json::from_value(json!([{ "PolicyArn": "arn:aws:iam::aws:policy/p" }])).unwrap();
    let policies = RolePolicies::all(&role, &Roles::default(), &region());
    assert!(matches!(
        judged(&policies, RoleActions::Eni9, "ec2:DescribeSubnets"),
        Some(Cause::Unclear(why)) if why.contains("arn:aws:iam::aws:policy/p")
    ));
    assert!(matches!(
        judged(&policies, RoleActions::Eni9, "ec2:DescribeVpcs"),
        Some(Cause::Denied(by)) if by == "statement 1 of inline policy guard"
    ));
}

#[test]
fn a_denial_that_may_apply_makes_an_allowance_unclear() {
    let deny = json!({ "Statement": {
        "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:SourceVpc": "vpc-1" } },
    } });
    let elsewhere = json!({ "Statement": {
        "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:RequestedRegion": "us-east-1" } },
    } });
    let judge = |deny: &Value| {
        let role = role(&[("everything", allow("*", "*")), ("guard", deny.clone())]);
        let policies = RolePolicies::all(&role, &Roles::default(), &region());
        judged(&policies, RoleActions::Eni9, "ec2:DescribeVpcs")
    };
    assert!(matches!(judge(&deny), Some(Cause::Unclear(_))));
    assert_eq!(judge(&elsewhere), None, "the region of requests is known");
}

#[test]
fn all_of_a_services_actions_are_allowed_only_together() {
    let judge = |action: &str| {
        let role = role(&[("some", allow(action, "*"))]);
        let policies = RolePolicies::all(&role, &Roles::default(), &region());
        judged(&policies, RoleActions::ElasticInference, "sagemaker:*")
    };
    assert_eq!(judge("SageMaker:*"), None);
    assert_eq!(judge("*"), None);
    assert_eq!(judge("sagemaker:Create*"), Some(Cause::Unstated));
}

#[test]
fn what_is_needed_under_a_condition_is_enough_under_that_condition() {
    let pass = |service: &str| {
        let document = json!({ "Statement": {
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": { "StringEquals": { "iam:PassedToService": service } },
        } });
        let policies = RolePolicies::all(&role(&[("pass", document)]), &Roles::default(), &region());
        judged(&policies, RoleActions::ElasticInference, "iam:PassRole")
    };
    assert_eq!(pass("sagemaker.amazonaws.com"), None);
    assert_eq!(pass("ec2.amazonaws.com"), Some(Cause::Unstated));
}

#[test]
fn all_resources_needed_must_be_allowed() {
    let judge = |resource: &str| {
        let policies = RolePolicies::all(
            &role(&[("s3", allow("s3:PutObject", resource))]),
            &Roles::default(),
            &region(),
        );
        judged(&policies, RoleActions::ElasticInference, "s3:PutObject")
    };
    assert_eq!(judge("arn:aws:s3:::*"), None);
    // Names can match two of the three spellings at once.
    assert!(matches!(judge("arn:aws:s3:::*sagemaker*"), Some(Cause::Narrow(_))));
    assert_eq!(judge("arn:aws:s3:::fraud-data"), Some(Cause::Unstated));
}

fn result(value: Value) -> EvaluationResult {
    let mut whole = json!({ "EvalActionName": "ec2:DescribeVpcs", "EvalResourceName": "*", "EvalDecision": "allowed" });
    for (key, value) in value.as_object().unwrap() {
        whole[key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

#[test]
fn a_simulation_is_read_with_all_its_details() {
    let bounded = json!({ "AllowedByPermissionsBoundary": false });
    for (value, expected) in [
        (json!({}), None),
        (json!({ "EvalDecision": "implicitDeny" }), Some(Cause::Unstated)),
        (
            json!({ "EvalDecision": "explicitDeny", "OrganizationsDecisionDetail": { "AllowedByOrganizations": false } }),
            Some(Cause::Organization),
        ),
        (
            json!({ "EvalDecision": "implicitDeny", "PermissionsBoundaryDecisionDetail": bounded }),
            Some(Cause::Bounded("its permissions boundary".to_owned())),
        ),
        (
            json!({ "EvalDecision": "implicitDeny", "MissingContextValues": ["ec2:Vpc"] }),
            Some(Cause::Narrow("a condition on ec2:Vpc".to_owned())),
        ),
        (
            json!({ "ResourceSpecificResults": [
                { "EvalResourceName": "a", "EvalResourceDecision": "allowed" },
                { "EvalResourceName": "b", "EvalResourceDecision": "implicitDeny" },
            ] }),
            Some(Cause::Unstated),
        ),
    ] {
        assert_eq!(simulated(&result(value.clone()), false), expected, "{value}");
    }
}

#[test]
fn what_is_simulated_without_a_key_that_policies_ask_for_is_not_certain() {
    let allowed = result(json!({ "MissingContextValues": ["ec2:Vpc"] }));
    assert!(matches!(simulated(&allowed, false), Some(Cause::Unclear(_))));
    assert!(matches!(simulated(&allowed, true), Some(Cause::Narrow(_))));
    let denied = result(json!({ "EvalDecision": "explicitDeny", "MissingContextValues": ["ec2:Vpc"] }));
    assert!(matches!(simulated(&denied, true), Some(Cause::Unclear(_))));
}
