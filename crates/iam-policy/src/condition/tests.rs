//! What each operator makes of the values of a request.

use serde_json::{Value, json};

use super::*;
use crate::{
    document::PolicyDocument,
    judgement::Judgement::{False, True},
};

/// Judges a `Condition` for a request that has exactly these keys.
fn judged(condition: Value, context: &Context) -> Judgement {
    let document = PolicyDocument::try_from(&json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Condition": condition},
    }))
    .unwrap();
    judge(&document.statements[0].condition, context, document.version)
}

fn having(values: &[&str]) -> Context {
    let values = values.iter().copied().map(str::to_owned).collect();
    Context::complete().with("k", ContextValue::Values(values))
}

/// Whether one operator holds for one key.
fn holds(operator: &str, values: Value, given: &[&str]) -> Judgement {
    judged(json!({operator: {"K": values}}), &having(given))
}

#[test]
fn each_family_compares_as_its_page_says() {
    for (operator, value, given, expected) in [
        ("StringEquals", "a*", "a*", true),
        ("StringEquals", "a*", "ab", false),
        ("StringEquals", "a", "A", false),
        ("StringNotEquals", "a", "b", true),
        ("StringNotEquals", "a", "a", false),
        ("StringEqualsIgnoreCase", "ÄNA", "äna", true),
        ("StringNotEqualsIgnoreCase", "ANA", "ana", false),
        ("StringLike", "home/*/?", "home/x/y/z", true),
        ("StringLike", "home/?", "home/", false),
        ("StringNotLike", "home/*", "home/x", false),
        ("NumericEquals", "10", "10.0", true),
        ("NumericNotEquals", "10", "9", true),
        ("NumericLessThan", "10", "9", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "9", "10", true),
        ("NumericGreaterThanEquals", "10", "9", false),
        ("DateEquals", "2020-01-01T00:00:00Z", "1577836800", true),
        ("DateNotEquals", "2020-01-01", "2020-01-02", true),
        ("DateLessThan", "2020-01-02", "2020-01-01", true),
        ("DateLessThanEquals", "2020-01-01", "2020-01-02", false),
        ("DateGreaterThan", "2020-01-01", "2020-01-02", true),
        ("DateGreaterThanEquals", "2020-01-02", "2020-01-02", true),
        ("Bool", "true", "true", true),
        ("Bool", "false", "true", false),
        ("BinaryEquals", "QQ==", "QQ==", true),
        ("BinaryEquals", "QQ==", "qq==", false),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", true),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", false),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.9", true),
        ("ArnEquals", "arn:aws:sns:*:1:t*", "arn:aws:sns:eu-west-1:1:topic", true),
        ("ArnNotEquals", "arn:aws:sns:*:1:t", "arn:aws:sns:eu-west-1:1:t", false),
    ] {
        assert_eq!(
            holds(operator, json!(value), &[given]),
            expected.into(),
            "{operator} {value} {given}"
        );
    }
}

#[test]
fn a_wildcard_in_an_arn_stays_between_its_colons() {
    let pattern = "arn:aws:someservice:*:111122223333:finance/*";
    let given = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    assert_eq!(holds("StringLike", json!(pattern), &[given]), True);
    assert_eq!(holds("ArnLike", json!(pattern), &[given]), False);
    assert_eq!(holds("ArnNotLike", json!(pattern), &[given]), True);
    assert_eq!(holds("ArnLike", json!(pattern), &["no arn"]), False);
}

#[test]
fn of_several_values_any_may_match_and_none_when_negated() {
    let values = json!(["a", "b"]);
    assert_eq!(holds("StringEquals", values.clone(), &["b"]), True);
    assert_eq!(holds("StringNotEquals", values.clone(), &["b"]), False);
    assert_eq!(holds("StringNotEquals", values, &["c"]), True);
    assert_eq!(holds("StringEquals", json!([]), &["c"]), False);
    assert_eq!(holds("StringNotEquals", json!([]), &["c"]), True);
}

#[test]
fn an_absent_key_fails_unless_negated_or_if_exists() {
    for (operator, expected) in [
        ("StringEquals", false),
        ("StringEqualsIfExists", true),
        ("StringNotEquals", true),
        ("StringNotEqualsIfExists", true),
        ("NotIpAddress", true),
        ("Bool", false),
        ("BoolIfExists", true),
        ("ForAllValues:StringEquals", true),
        ("ForAllValues:StringEqualsIfExists", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAnyValue:StringNotEquals", false),
        ("ForAnyValue:StringEqualsIfExists", false),
    ] {
        let condition = json!({operator: {"k": "true"}});
        assert_eq!(
            judged(condition.clone(), &Context::complete()),
            expected.into(),
            "{operator}"
        );
        assert_eq!(judged(condition, &having(&[])), expected.into(), "{operator}");
    }
    assert_eq!(holds("StringEqualsIfExists", json!("a"), &["b"]), False);
}

#[test]
fn null_asks_for_absence() {
    let null = |wanted: bool, context: &Context| judged(json!({"Null": {"k": wanted}}), context);
    assert_eq!(null(true, &Context::complete()), True);
    assert_eq!(null(false, &Context::complete()), False);
    assert_eq!(null(true, &having(&["x"])), False);
    assert_eq!(null(false, &having(&["x"])), True);
}

#[test]
fn set_operators_ask_all_or_any_value_of_the_request() {
    let allowed = json!(["PostDateTime", "Message", "Tags"]);
    for (given, all, any) in [
        (vec!["PostDateTime", "Message"], true, true),
        (vec!["PostDateTime", "ID"], false, true),
        (vec!["ID"], false, false),
        (vec![""], true, false),
    ] {
        assert_eq!(
            holds("ForAllValues:StringLike", allowed.clone(), &given),
            all.into(),
            "{given:?}"
        );
        assert_eq!(
            holds("ForAnyValue:StringLike", allowed.clone(), &given),
            any.into(),
            "{given:?}"
        );
    }
    assert_eq!(holds("ForAllValues:StringNotEquals", json!("a"), &["b", "a"]), False);
    assert_eq!(holds("ForAnyValue:StringNotEquals", json!("a"), &["b", "a"]), True);
    assert_eq!(holds("ForAnyValue:StringNotEquals", json!("a"), &["a"]), False);
}

#[test]
fn all_conditions_must_hold() {
    let both = |flag: &str| json!({"StringEquals": {"k": "a"}, "Bool": {"aws:SecureTransport": flag}});
    let context = having(&["a"]).with_value("aws:SecureTransport", "true");
    assert_eq!(judged(both("true"), &context), True);
    assert_eq!(judged(both("false"), &context), False);
    assert_eq!(judged(json!({}), &Context::partial()), True);
}

#[test]
fn what_cannot_be_judged_is_named_with_its_cause() {
    let value = |operator: &str, value: &str| Unjudged::Value {
        operator: operator.to_owned(),
        key: "k".to_owned(),
        value: value.to_owned(),
    };
    for (operator, values, given, reason) in [
        ("Sounds", json!("x"), vec!["x"], Unjudged::Operator("Sounds".to_owned())),
        (
            "NullIfExists",
            json!("true"),
            vec!["x"],
            Unjudged::Operator("NullIfExists".to_owned()),
        ),
        (
            "StringEquals",
            json!("x"),
            vec!["x", "y"],
            Unjudged::SeveralValues("K".to_owned()),
        ),
        ("NumericEquals", json!("x"), vec!["1"], value("NumericEquals", "x")),
        ("NumericEquals", json!("1"), vec!["x"], value("NumericEquals", "x")),
        ("DateLessThan", json!("2020"), vec!["0"], value("DateLessThan", "2020")),
        (
            "IpAddress",
            json!("10.0.0.0/8"),
            vec!["here"],
            value("IpAddress", "here"),
        ),
        ("ArnLike", json!("*"), vec!["arn:aws:s3:::a"], value("ArnLike", "*")),
        (
            "StringNotEquals",
            json!("${aws:username}"),
            vec!["ana"],
            Unjudged::Variable("aws:username".to_owned()),
        ),
    ] {
        assert_eq!(
            holds(operator, values, &given),
            Judgement::unknown(reason),
            "{operator}"
        );
    }
    assert_eq!(
        judged(
            json!({"StringEquals": {"AWS:SourceVpce": "vpce-1"}}),
            &Context::partial()
        ),
        Judgement::unknown(Unjudged::ContextKey("aws:sourcevpce".to_owned()))
    );
}

#[test]
fn variables_take_the_requests_values() {
    let context = having(&["home/Ana/x"]).with_value("aws:username", "Ana");
    let like = |value: &str| judged(json!({"StringLike": {"k": value}}), &context);
    assert_eq!(like("home/${aws:username}/*"), True);
    assert_eq!(like("home/${aws:userid, 'Ana'}/*"), True);
    assert_eq!(like("home/${aws:userid}/*"), False);
    let ignoring = json!({"StringEqualsIgnoreCase": {"k": "HOME/${aws:UserName}/X"}});
    assert_eq!(judged(ignoring, &context), True);
}

#[test]
fn an_unknown_variable_matters_only_where_it_could_match() {
    let context = Context::partial().with_value("k", "home/ana");
    let like = |value: &str| judged(json!({"StringLike": {"k": value}}), &context);
    assert_eq!(
        like("home/${aws:username}"),
        Judgement::unknown(Unjudged::ContextKey("aws:username".to_owned()))
    );
    assert_eq!(like("work/${aws:username}"), False);
}

/// Whether one operator holds for `k` where only this is known of it, with the
/// caller's account at hand.
fn holds_for(operator: &str, values: Value, known: ContextValue) -> Judgement {
    let context = Context::partial()
        .with("k", known)
        .with_value("aws:PrincipalAccount", "111122223333");
    judged(json!({operator: {"k": values}}), &context)
}

#[test]
fn what_a_value_is_not_decides_where_a_policy_asks_for_that() {
    let unknown = Judgement::unknown(Unjudged::ContextKey("k".to_owned()));
    let not_ours = |or_absent| ContextValue::NoneOf {
        texts: vec!["111122223333".to_owned(), "${aws:PrincipalOrgID}".to_owned()],
        or_absent,
    };
    for (operator, values, present, or_absent) in [
        ("StringEquals", json!("111122223333"), False, False),
        ("StringLike", json!(["111122223333"]), False, False),
        ("StringEquals", json!("${aws:PrincipalAccount}"), False, False),
        ("StringEqualsIgnoreCase", json!("${AWS:principalorgid}"), False, False),
        ("ForAnyValue:StringEquals", json!("111122223333"), False, False),
        (
            "ForAllValues:StringEquals",
            json!("111122223333"),
            False,
            unknown.clone(),
        ),
        ("StringEqualsIfExists", json!("111122223333"), False, unknown.clone()),
        ("StringNotEquals", json!("111122223333"), True, True),
        (
            "StringNotEqualsIfExists",
            json!(["111122223333", "${aws:PrincipalOrgID}"]),
            True,
            True,
        ),
        ("Null", json!("false"), True, unknown.clone()),
        (
            "StringEquals",
            json!(["111122223333", "999999999999"]),
            unknown.clone(),
            unknown.clone(),
        ),
        (
            "StringNotEquals",
            json!("999999999999"),
            unknown.clone(),
            unknown.clone(),
        ),
        ("StringLike", json!("1111*"), unknown.clone(), unknown.clone()),
        ("NumericEquals", json!("111122223333"), unknown.clone(), unknown.clone()),
    ] {
        assert_eq!(
            holds_for(operator, values.clone(), not_ours(false)),
            present,
            "{operator} {values}"
        );
        assert_eq!(
            holds_for(operator, values.clone(), not_ours(true)),
            or_absent,
            "{operator} {values}, or absent"
        );
    }
}

#[test]
fn networks_that_hold_the_address_decide_where_all_or_none_are_meant() {
    let unknown = Judgement::unknown(Unjudged::ContextKey("k".to_owned()));
    let within = || ContextValue::Within(["10.0.1.0/24", "10.0.2.0/24"].map(|net| net.parse().unwrap()).to_vec());
    for (operator, values, expected) in [
        ("IpAddress", json!("10.0.0.0/8"), True),
        ("IpAddress", json!(["10.0.1.0/24", "10.0.2.0/23"]), True),
        ("IpAddress", json!("10.0.1.0/24"), unknown.clone()),
        ("IpAddress", json!("10.0.1.7"), unknown.clone()),
        ("IpAddress", json!("192.168.0.0/16"), False),
        ("NotIpAddress", json!("192.168.0.0/16"), True),
        ("NotIpAddress", json!("10.0.0.0/8"), False),
        ("IpAddressIfExists", json!("10.0.0.0/8"), True),
        ("StringEquals", json!("10.0.1.7"), unknown.clone()),
        ("Null", json!("true"), False),
    ] {
        assert_eq!(
            holds_for(operator, values.clone(), within()),
            expected,
            "{operator} {values}"
        );
    }
}
