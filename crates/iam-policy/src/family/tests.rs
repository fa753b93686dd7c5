//! What is decided for all the objects of a bucket at once.

use super::*;
use crate::{
    document::PrincipalSet,
    evaluate::{Context, ContextValue},
    operator::Comparison,
    principal::Principal,
};

fn read(bucket: &str) -> Request {
    Request::new(
        Principal::Aws("arn:aws:iam::111122223333:role/train".to_owned()),
        "s3:GetObject",
        format!("arn:aws:s3:::{bucket}/*"),
    )
}

fn allow(resources: &[&str]) -> Statement {
    Statement::allow(["s3:GetObject"])
        .everyone()
        .on(resources.iter().copied())
}

fn deny(resources: &[&str]) -> Statement {
    Statement::deny(["s3:*"]).everyone().on(resources.iter().copied())
}

fn decide<const N: usize>(statements: [Statement; N], request: &Request) -> FamilyDecision {
    evaluate_family(&PolicyDocument::new(statements), request)
}

fn number(number: usize) -> StatementRef {
    StatementRef { number, sid: None }
}

#[test]
fn denying_package_repositories_leaves_other_buckets_allowed() {
    let policy = || {
        [
            allow(&["*"]),
            deny(&[
                "arn:aws:s3:::packages.*.amazonaws.com/*",
                "arn:aws:s3:::repo.*.amazonaws.com/*",
            ]),
        ]
    };
    assert_eq!(
        decide(policy(), &read("fraud-data")),
        FamilyDecision::Allowed {
            statements: vec![number(1)]
        }
    );
    assert_eq!(
        decide(policy(), &read("packages.eu-west-1.amazonaws.com")),
        FamilyDecision::ExplicitlyDenied {
            statements: vec![number(2)]
        }
    );
    assert_eq!(
        decide(policy(), &read("packages.*")),
        FamilyDecision::Partly {
            statement: number(2),
            effect: Effect::Deny
        }
    );
}

#[test]
fn an_allow_list_allows_what_it_names_and_no_more() {
    let policy = || [allow(&["arn:aws:s3:::fraud-data", "arn:aws:s3:::fraud-data/in/*"])];
    assert_eq!(
        decide(policy(), &read("fraud-data")),
        FamilyDecision::Partly {
            statement: number(1),
            effect: Effect::Allow
        }
    );
    assert_eq!(decide(policy(), &read("fraud-data/in")).is_allowed(), Some(true));
    assert_eq!(decide(policy(), &read("other")), FamilyDecision::ImplicitlyDenied);
    assert_eq!(decide([], &read("other")), FamilyDecision::ImplicitlyDenied);
}

#[test]
fn several_statements_can_cover_a_family_together() {
    let statements = || {
        [
            allow(&["arn:aws:s3:::b/"]),
            allow(&["arn:aws:s3:::else/*"]),
            allow(&["arn:aws:s3:::b/?*"]),
        ]
    };
    assert_eq!(
        decide(statements(), &read("b")),
        FamilyDecision::Allowed {
            statements: vec![number(1), number(3)]
        }
    );
}

#[test]
fn not_resource_reaches_what_it_does_not_list() {
    let denied_elsewhere = |list: &[&str]| Statement {
        resource: Some(ResourceClause::NotResource(
            list.iter().copied().map(str::to_owned).collect(),
        )),
        ..deny(&[])
    };
    let policy = |list: &[&str]| [allow(&["*"]), denied_elsewhere(list)];
    let all = "arn:aws:s3:::fraud-data/*";
    assert_eq!(decide(policy(&[all]), &read("fraud-data")).is_allowed(), Some(true));
    assert_eq!(
        decide(policy(&[all]), &read("other")),
        FamilyDecision::ExplicitlyDenied {
            statements: vec![number(2)]
        }
    );
    assert_eq!(
        decide(policy(&["arn:aws:s3:::fraud-data/in/*"]), &read("fraud-data")),
        FamilyDecision::Partly {
            statement: number(2),
            effect: Effect::Deny
        }
    );
    // AWS may take the statement for invalid if the variable has no value.
    let of_somebody = policy(&["arn:aws:s3:::other/${aws:username}/*"]);
    assert_eq!(decide(of_somebody, &read("fraud-data")).is_allowed(), None);
}

#[test]
fn what_is_not_known_matters_only_where_it_reaches_the_family() {
    let only_here = |resource: &str| deny(&[resource]).when(Comparison::StringNotEquals, "aws:SourceVpce", ["vpce-1"]);
    let policy = |resource: &str| [allow(&["*"]), only_here(resource)];
    assert_eq!(
        decide(policy("arn:aws:s3:::other/*"), &read("fraud-data")).is_allowed(),
        Some(true)
    );
    assert_eq!(
        decide(policy("arn:aws:s3:::fraud-data/*"), &read("fraud-data")),
        FamilyDecision::Unknown {
            missing: BTreeSet::from([Unjudged::ContextKey("aws:sourcevpce".to_owned())]),
            statements: vec![number(2)]
        }
    );
    let from_here = read("fraud-data").in_context(Context::partial().with_value("aws:SourceVpce", "vpce-1"));
    assert_eq!(
        decide(policy("arn:aws:s3:::fraud-data/*"), &from_here).is_allowed(),
        Some(true)
    );
}

#[test]
fn variables_reach_where_their_values_say() {
    let own = || {
        [Statement::allow(["s3:GetObject"])
            .principals(PrincipalSet::aws(["111122223333"]))
            .on(["arn:aws:s3:::${aws:PrincipalTag/team}/*"])]
    };
    let tagged = |value| read("fraud-data").in_context(Context::partial().with("aws:PrincipalTag/team", value));
    assert_eq!(decide(own(), &read("fraud-data")).is_allowed(), None);
    let team = ContextValue::Values(vec!["fraud-data".to_owned()]);
    assert_eq!(decide(own(), &tagged(team)).is_allowed(), Some(true));
    assert_eq!(
        decide(own(), &tagged(ContextValue::Absent)),
        FamilyDecision::ImplicitlyDenied
    );
}

#[test]
fn a_statement_that_cannot_complete_the_family_leaves_it_partly_allowed() {
    let maybe = |resource: &str| allow(&[resource]).when(Comparison::Bool, "aws:SecureTransport", ["true"]);
    let certain = || allow(&["arn:aws:s3:::b/in/*"]);
    assert_eq!(
        decide([certain(), maybe("arn:aws:s3:::b/out/*")], &read("b")),
        FamilyDecision::Partly {
            statement: number(1),
            effect: Effect::Allow
        }
    );
    assert_eq!(
        decide([certain(), maybe("arn:aws:s3:::b/*")], &read("b")).is_allowed(),
        None
    );
}
