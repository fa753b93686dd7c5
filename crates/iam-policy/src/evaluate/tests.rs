//! What a policy decides, element by element.

use super::*;
use crate::{
    document::PrincipalSet,
    operator::{Comparison, Operator},
};

fn get(resource: &str) -> Request {
    Request::new(
        Principal::Aws("arn:aws:iam::111122223333:role/train".to_owned()),
        "s3:GetObject",
        resource,
    )
}

fn decide<const N: usize>(statements: [Statement; N], request: &Request) -> Decision {
    evaluate(&PolicyDocument::new(statements), request)
}

fn number(number: usize) -> StatementRef {
    StatementRef { number, sid: None }
}

fn full_access() -> Statement {
    Statement::allow(["*"]).everyone().on(["*"])
}

#[test]
fn nothing_is_allowed_by_silence_or_by_deny_alone() {
    let deny = Statement::deny(["s3:GetObject"])
        .everyone()
        .on(["arn:aws:s3:::packages.*.amazonaws.com/*"]);
    let request = get("arn:aws:s3:::fraud-data/x");
    assert_eq!(decide([], &request), Decision::ImplicitlyDenied);
    assert_eq!(decide([deny], &request), Decision::ImplicitlyDenied);
}

#[test]
fn a_deny_prevails_over_every_allow() {
    let deny = Statement::deny(["s3:Get*"])
        .sid("Packages")
        .everyone()
        .on(["arn:aws:s3:::packages.*.amazonaws.com/*"]);
    let policy = || [full_access(), deny.clone()];
    assert_eq!(
        decide(policy(), &get("arn:aws:s3:::packages.eu-west-1.amazonaws.com/x")),
        Decision::ExplicitlyDenied {
            statement: StatementRef {
                number: 2,
                sid: Some("Packages".to_owned())
            }
        }
    );
    assert_eq!(
        decide(policy(), &get("arn:aws:s3:::fraud-data/x")),
        Decision::Allowed { statement: number(1) }
    );
}

#[test]
fn actions_match_whatever_their_case() {
    let allow = |action: &str| [Statement::allow([action]).on(["*"])];
    for (action, allowed) in [
        ("S3:getobject", true),
        ("s3:G?t*", true),
        ("s3:Put*", false),
        ("ec2:*", false),
        ("*", true),
    ] {
        assert_eq!(decide(allow(action), &get("x")).is_allowed(), Some(allowed), "{action}");
    }
}

#[test]
fn the_negated_elements_speak_of_everything_else() {
    let all_but = |action: &str, resource: &str| Statement {
        action: ActionClause::NotAction(vec![action.to_owned()]),
        resource: Some(ResourceClause::NotResource(vec![resource.to_owned()])),
        ..full_access()
    };
    for (action, resource, allowed) in [
        ("s3:Put*", "arn:aws:s3:::other/*", true),
        ("s3:get*", "arn:aws:s3:::other/*", false),
        ("s3:Put*", "arn:aws:s3:::fraud-data/*", false),
    ] {
        assert_eq!(
            decide([all_but(action, resource)], &get("arn:aws:s3:::fraud-data/x")).is_allowed(),
            Some(allowed),
            "{action} {resource}"
        );
    }
}

/// What a bucket's policy says that admits one endpoint only.
fn only_from(endpoint: &str) -> [Statement; 2] {
    [
        full_access(),
        Statement::deny(["s3:GetObject"])
            .everyone()
            .on(["arn:aws:s3:::fraud-data/*"])
            .when(Comparison::StringNotEquals, "aws:SourceVpce", [endpoint]),
    ]
}

#[test]
fn a_negated_condition_denies_those_without_the_key() {
    let request = get("arn:aws:s3:::fraud-data/x");
    let from = |context: Context| decide(only_from("vpce-1"), &request.clone().in_context(context)).is_allowed();
    let endpoint = |id: &str| Context::complete().with_value("aws:sourceVPCE", id);
    assert_eq!(from(endpoint("vpce-1")), Some(true));
    assert_eq!(from(endpoint("vpce-2")), Some(false));
    assert_eq!(from(Context::complete()), Some(false));
}

#[test]
fn what_is_not_known_is_reported_only_where_it_decides() {
    let policy = || only_from("vpce-1");
    assert_eq!(
        decide(policy(), &get("arn:aws:s3:::fraud-data/x")),
        Decision::Unknown {
            missing: BTreeSet::from([Unjudged::ContextKey("aws:sourcevpce".to_owned())]),
            statements: vec![number(2)],
            may_allow: true,
            may_deny: true,
        }
    );
    assert_eq!(decide(policy(), &get("other")).is_allowed(), Some(true));

    let maybe_allow = || {
        Statement::allow(["s3:*"])
            .on(["*"])
            .when(Operator::parse("Sounds"), "k", ["x"])
    };
    assert_eq!(
        decide([maybe_allow(), full_access()], &get("x")),
        Decision::Allowed { statement: number(2) }
    );
    let decision = decide([maybe_allow()], &get("x"));
    assert_eq!(decision.is_allowed(), None);
    assert!(matches!(decision, Decision::Unknown { may_deny: false, .. }));
}

#[test]
fn a_denial_that_may_be_explicit_is_still_a_denial() {
    let [_, deny] = only_from("vpce-1");
    let decision = decide([deny], &get("arn:aws:s3:::fraud-data/x"));
    assert!(matches!(
        decision,
        Decision::Unknown {
            may_allow: false,
            may_deny: true,
            ..
        }
    ));
    assert_eq!(decision.is_allowed(), Some(false));
}

#[test]
fn a_resource_with_a_variable_is_the_requesters_own() {
    let own = || [Statement::allow(["s3:*"]).on(["arn:aws:s3:::home/${aws:username}/*"])];
    let by = |context: Context| decide(own(), &get("arn:aws:s3:::home/ana/x").in_context(context)).is_allowed();
    let named = |name: &str| Context::complete().with_value("aws:username", name);
    assert_eq!(by(named("ana")), Some(true));
    assert_eq!(by(named("bob")), Some(false));
    assert_eq!(by(named("*")), Some(false));
    assert_eq!(by(Context::complete()), Some(false));
    assert_eq!(by(Context::partial()), None);

    let old = PolicyDocument {
        version: Version::V2008,
        ..PolicyDocument::new(own())
    };
    let literal = get("arn:aws:s3:::home/${aws:username}/x");
    assert_eq!(evaluate(&old, &literal).is_allowed(), Some(true));
}

#[test]
fn a_trust_policy_is_judged_without_a_resource() {
    let trust =
        || [Statement::allow(["sts:AssumeRole"]).principals(PrincipalSet::services(["sagemaker.amazonaws.com"]))];
    let assume = |service: &str| {
        Request::new(
            Principal::Service(service.to_owned()),
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/train",
        )
    };
    assert_eq!(
        decide(trust(), &assume("sagemaker.amazonaws.com")).is_allowed(),
        Some(true)
    );
    assert_eq!(decide(trust(), &assume("ec2.amazonaws.com")).is_allowed(), Some(false));
}

#[test]
fn a_gateway_endpoint_takes_an_account_for_its_root_user() {
    let account = || {
        [Statement::allow(["s3:*"])
            .principals(PrincipalSet::aws(["111122223333"]))
            .on(["*"])]
    };
    assert_eq!(decide(account(), &get("x")).is_allowed(), Some(true));
    assert_eq!(
        decide(account(), &get("x").at_gateway_endpoint()).is_allowed(),
        Some(false)
    );
}
