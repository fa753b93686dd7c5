//! What is read, and what is said about what is not.

use serde_json::json;

use super::*;
use crate::operator::Comparison;

fn read(value: Value) -> Result<PolicyDocument, String> {
    PolicyDocument::try_from(&value).map_err(|error| error.to_string())
}

#[test]
fn every_element_of_a_statement_is_read() {
    let document = read(json!({
        "Version": "2012-10-17",
        "Id": "bucket",
        "Statement": [{
            "Sid": "OnlyFromHere",
            "Effect": "Deny",
            "NotPrincipal": {"AWS": [111122223333_u64, "*"], "Service": "s3.amazonaws.com"},
            "NotAction": ["s3:List*"],
            "NotResource": "arn:aws:s3:::open/*",
            "Condition": {
                "Bool": {"aws:ViaAWSService": false},
                "NumericLessThan": {"s3:max-keys": [10, "20"]},
            },
        }],
    }));
    let expected = Statement {
        sid: Some("OnlyFromHere".to_owned()),
        effect: Effect::Deny,
        principal: Some(PrincipalClause::NotPrincipal(PrincipalSet::Named(BTreeMap::from([
            (PrincipalKind::Aws, vec!["111122223333".to_owned(), "*".to_owned()]),
            (PrincipalKind::Service, vec!["s3.amazonaws.com".to_owned()]),
        ])))),
        action: ActionClause::NotAction(vec!["s3:List*".to_owned()]),
        resource: Some(ResourceClause::NotResource(vec!["arn:aws:s3:::open/*".to_owned()])),
        condition: Conditions::new(),
    }
    .when(Comparison::Bool, "aws:ViaAWSService", ["false"])
    .when(Comparison::NumericLessThan, "s3:max-keys", ["10", "20"]);
    assert_eq!(
        document,
        Ok(PolicyDocument {
            version: Version::V2012,
            id: Some("bucket".to_owned()),
            statements: vec![expected],
        })
    );
}

#[test]
fn a_single_statement_needs_no_list_and_a_trust_policy_no_resource() {
    let document = read(json!({
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }));
    assert_eq!(
        document,
        Ok(PolicyDocument {
            version: Version::V2008,
            id: None,
            statements: vec![
                Statement::allow(["sts:AssumeRole"]).principals(PrincipalSet::services(["sagemaker.amazonaws.com"])),
            ],
        })
    );
}

fn with_statement(member: &str, value: Value) -> Value {
    let mut statement = json!({"Sid": "S", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    statement[member] = value;
    json!({"Statement": [statement]})
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (value, message) in [
        (
            json!([]),
            "the policy: expected an object with `Version` and `Statement`, found a list",
        ),
        (
            json!({}),
            "the policy: `Statement` is missing; a policy is a list of statements",
        ),
        (
            json!({"Statement": []}),
            "`Statement`: the list is empty; name at least one, or remove the statement",
        ),
        (
            json!({"Version": "2012-10-18", "Statement": []}),
            "`Version`: expected \"2012-10-17\" or \"2008-10-17\", found \"2012-10-18\"",
        ),
        (
            json!({"Statement": [], "Statements": []}),
            "the policy: `Statements` is not an element of a policy; write `Statement`",
        ),
        (
            json!({"Statement": ["x"]}),
            "statement 1: expected an object with `Effect` and `Action`, found the string \"x\"",
        ),
        (
            with_statement("Effect", json!("allow")),
            "statement 1 (Sid \"S\"), `Effect`: expected \"Allow\" or \"Deny\", spelt so, found \"allow\"",
        ),
        (
            with_statement("Action", json!(["s3:*", 7])),
            "statement 1 (Sid \"S\"), `Action`: expected an action such as \"s3:GetObject\", or a list of them, found the number 7",
        ),
        (
            with_statement("NotAction", json!("s3:*")),
            "statement 1 (Sid \"S\"): has both `Action` and `NotAction`; keep one of them",
        ),
        (
            with_statement("Resource", json!([])),
            "statement 1 (Sid \"S\"), `Resource`: the list is empty; name at least one, or remove the statement",
        ),
        (
            with_statement("Principal", json!({"Aws": "*"})),
            "statement 1 (Sid \"S\"), `Principal`: `Aws` is not an element of a policy; write `AWS`",
        ),
        (
            with_statement("Principal", json!({"Group": "*"})),
            "statement 1 (Sid \"S\"), `Principal`: `Group` is not an element of a policy; known here are AWS, CanonicalUser, Federated, Service",
        ),
        (
            with_statement("Condition", json!({"Bool": {"aws:SecureTransport": null}})),
            "statement 1 (Sid \"S\"), `Condition.Bool.aws:SecureTransport`: expected a string, number or boolean, or a list of them, found null",
        ),
    ] {
        assert_eq!(read(value.clone()), Err(message.to_owned()), "{value}");
    }
}

#[test]
fn text_that_is_not_json_and_repeated_keys_are_told_apart() {
    assert!(matches!("{".parse::<PolicyDocument>(), Err(PolicyError::NotJson(_))));
    let twice = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"a": "1"}, "StringEquals": {"b": "2"}}}}"#;
    assert!(matches!(
        twice.parse::<PolicyDocument>(),
        Err(PolicyError::Repeated(what)) if what.contains("`StringEquals` appears twice")
    ));
}

#[test]
fn serde_reads_and_writes_documents() {
    let document: PolicyDocument = serde_json::from_value(with_statement("Principal", json!("*"))).unwrap();
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(text, document.to_string());
    assert_eq!(text.parse(), Ok(document));
    assert!(serde_json::from_str::<PolicyDocument>("{\"Statement\": 1}").is_err());
}
