//! Documents that are written differently, and what they mean.

use super::*;

fn document(statements: &str) -> PolicyDocument {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
        .parse()
        .unwrap()
}

/// A statement for everyone on all resources, with more members.
fn statement(effect: &str, action: &str, more: &str) -> String {
    format!(r#"{{"Effect": "{effect}", "Principal": "*", "Action": {action}, "Resource": "*"{more}}}"#)
}

fn allow(action: &str) -> String {
    statement("Allow", action, "")
}

fn when(condition: &str) -> String {
    statement("Allow", r#""s3:*""#, &format!(r#", "Condition": {condition}"#))
}

fn by(principal: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}"#)
}

fn on(resource: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Principal": "*", "Action": "s3:*", {resource}}}"#)
}

#[test]
fn what_is_written_differently_and_means_the_same() {
    let both = |a: String, b: String| format!("{a}, {b}");
    for (name, one, other) in [
        (
            "split",
            allow(r#"["s3:GetObject", "s3:PutObject"]"#),
            both(allow(r#""s3:PutObject""#), allow(r#""s3:getobject""#)),
        ),
        (
            "shadowed",
            both(allow(r#""s3:*""#), allow(r#""s3:GetObject""#)),
            allow(r#""s3:*""#),
        ),
        ("colon", allow(r#""*""#), allow(r#""*:*""#)),
        (
            "allowed under a denial",
            both(
                allow(r#"["s3:GetObject", "s3:PutObject"]"#),
                statement("Deny", r#""s3:Put*""#, ""),
            ),
            both(allow(r#""s3:GetObject""#), statement("Deny", r#""s3:Put*""#, "")),
        ),
        (
            "actions that are not",
            allow(r#""*""#),
            both(
                allow(r#""s3:*""#),
                r#"{"Effect": "Allow", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}"#.to_owned(),
            ),
        ),
        (
            "resources",
            on(r#""Resource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::a*"]"#),
            both(
                on(r#""Resource": "arn:aws:s3:::a""#),
                on(r#""Resource": "arn:aws:s3:::a?*""#),
            ),
        ),
        (
            "resources with variables",
            on(r#""Resource": ["home/${aws:username}/*", "all/*"]"#),
            both(
                on(r#""Resource": "home/${AWS:UserName}/*""#),
                on(r#""Resource": "all/*""#),
            ),
        ),
        (
            "values",
            when(r#"{"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}"#),
            both(
                when(r#"{"StringEquals": {"aws:SourceVpce": "vpce-2"}}"#),
                when(r#"{"StringLike": {"AWS:sourcevpce": "vpce-1"}}"#),
            ),
        ),
        (
            "present or absent",
            when("{}"),
            both(
                when(r#"{"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}"#),
                when(r#"{"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}"#),
            ),
        ),
        (
            "negated, which holds of what is absent",
            when(r#"{"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}"#),
            when(r#"{"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}"#),
        ),
        (
            "numbers",
            when(r#"{"NumericLessThanEquals": {"s3:max-keys": 10}}"#),
            both(
                when(r#"{"NumericLessThan": {"s3:max-keys": "10.0"}}"#),
                when(r#"{"NumericEquals": {"s3:max-keys": "10"}}"#),
            ),
        ),
        (
            "networks",
            when(r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/23"}}"#),
            both(
                when(r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/24"}}"#),
                when(r#"{"IpAddress": {"aws:SourceIp": "10.0.1.0/24"}}"#),
            ),
        ),
        (
            "ARNs in conditions",
            when(r#"{"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b*"]}}"#),
            both(
                when(r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/b*"}}"#),
                when(r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/a"}}"#),
            ),
        ),
        (
            "sets",
            when(r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}}"#),
            both(
                when(r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}"#),
                when(r#"{"ForAnyValue:StringEquals": {"aws:TagKeys": "b"}}"#),
            ),
        ),
        (
            "principals",
            by(r#"{"AWS": ["111122223333", "arn:aws:iam::999999999999:role/x"]}"#),
            both(
                by(r#"{"AWS": "arn:aws:iam::111122223333:root"}"#),
                by(r#"{"AWS": "arn:aws:iam::999999999999:role/x"}"#),
            ),
        ),
        (
            "everyone",
            both(by(r#""*""#), by(r#"{"AWS": "111122223333"}"#)),
            by(r#"{"AWS": "*"}"#),
        ),
    ] {
        assert_eq!(
            equivalence(&document(&one), &document(&other)),
            Equivalence::Same,
            "{name}"
        );
        assert_eq!(
            equivalence(&document(&other), &document(&one)),
            Equivalence::Same,
            "{name}"
        );
    }
}

#[test]
fn a_difference_is_shown_by_a_request() {
    for (name, one, other) in [
        ("actions", allow(r#""s3:Get*""#), allow(r#""s3:GetObject""#)),
        (
            "an explicit denial",
            allow(r#""s3:Get*""#),
            format!("{}, {}", allow(r#""s3:Get*""#), statement("Deny", r#""s3:Put*""#, "")),
        ),
        (
            "enumerated",
            allow(r#""s3:*""#),
            allow(r#"["s3:GetObject", "s3:PutObject"]"#),
        ),
        (
            "resources",
            on(r#""Resource": "*""#),
            on(r#""Resource": "arn:aws:s3:::*""#),
        ),
        (
            "letter case",
            on(r#""Resource": "arn:aws:s3:::a""#),
            on(r#""Resource": "arn:aws:s3:::A""#),
        ),
        (
            "a variable",
            on(r#""Resource": "home/${aws:username}""#),
            on(r#""Resource": "home/*""#),
        ),
        (
            "sets are not split where each value must do",
            when(r#"{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}"#),
            format!(
                "{}, {}",
                when(r#"{"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}"#),
                when(r#"{"ForAllValues:StringEquals": {"aws:TagKeys": "b"}}"#)
            ),
        ),
        (
            "an absent key",
            when(r#"{"StringEquals": {"aws:SourceVpce": "vpce-1"}}"#),
            when(r#"{"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}"#),
        ),
        (
            "ARNs",
            when(r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/a"}}"#),
            when(r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/b"}}"#),
        ),
        (
            "conditions that must all hold",
            when(r#"{"StringEquals": {"aws:SourceVpce": "vpce-1", "aws:SourceVpc": "vpc-1"}}"#),
            format!(
                "{}, {}",
                when(r#"{"StringEquals": {"aws:SourceVpce": "vpce-1"}}"#),
                when(r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}}"#)
            ),
        ),
        (
            "a role beside its account, which grants by itself",
            by(r#"{"AWS": "111122223333"}"#),
            by(r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:role/x"]}"#),
        ),
    ] {
        let (one, other) = (document(&one), document(&other));
        let Equivalence::Differs(request) = equivalence(&one, &other) else {
            panic!("{name}: {:?}", equivalence(&one, &other));
        };
        let decided = |document| match evaluate(document, &request) {
            Decision::Allowed { .. } => "allowed",
            Decision::ImplicitlyDenied => "not allowed",
            Decision::ExplicitlyDenied { .. } => "denied",
            Decision::Unknown { .. } => "unknown",
        };
        assert_ne!(decided(&one), decided(&other), "{name}: {request:?}");
    }
}

#[test]
fn what_cannot_be_decided_is_said_apart() {
    for (one, other, on) in [
        (
            by(r#"{"AWS": "AROAEXAMPLE"}"#),
            by(r#"{"AWS": "arn:aws:iam::111122223333:role/x"}"#),
            "AROAEXAMPLE",
        ),
        (
            when(r#"{"StringResembles": {"aws:SourceVpce": "vpce-1"}}"#),
            when(r#"{"StringResembles": {"aws:SourceVpce": "vpce-2"}}"#),
            "aws:sourcevpce",
        ),
    ] {
        match equivalence(&document(&one), &document(&other)) {
            Equivalence::Undecided { on: open } => assert!(open.iter().any(|one| one.contains(on)), "{open:?}"),
            decided @ (Equivalence::Same | Equivalence::Differs(_)) => panic!("{on}: {decided:?}"),
        }
    }
}

#[test]
fn long_lists_are_compared_as_well() {
    let buckets = |range: std::ops::Range<usize>| -> Vec<String> {
        range
            .flat_map(|n| {
                [
                    format!("arn:aws:s3:::team-{n}-data"),
                    format!("arn:aws:s3:::team-{n}-data/*"),
                ]
            })
            .collect()
    };
    let of = |range| on(&format!(r#""Resource": {:?}"#, buckets(range)));
    let whole = document(&of(0..120));
    let halves = document(&format!("{}, {}", of(60..120), of(0..60)));
    assert_eq!(equivalence(&whole, &halves), Equivalence::Same);
    assert!(matches!(
        equivalence(&whole, &document(&of(0..119))),
        Equivalence::Differs(_)
    ));
}
