//! What documents count as equal, spelling by spelling.

use serde_json::{Value, json};

use super::*;

/// A policy with one full statement, of which `change` makes another.
fn with(change: impl FnOnce(&mut Value)) -> PolicyDocument {
    let mut document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Read",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*"],
            "Condition": {
                "StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]},
                "Bool": {"aws:SecureTransport": "true"},
            },
        }],
    });
    change(&mut document);
    PolicyDocument::try_from(&document).unwrap()
}

fn with_statement(member: &str, value: Value) -> PolicyDocument {
    with(|document| document["Statement"][0][member] = value)
}

fn principals(value: Value) -> PolicyDocument {
    with_statement("Principal", value)
}

fn condition(value: Value) -> PolicyDocument {
    with_statement("Condition", value)
}

#[track_caller]
fn equal(a: &PolicyDocument, b: &PolicyDocument) {
    assert!(same_meaning(a, b), "{a}\n{b}");
    assert_eq!(a.fingerprint(), b.fingerprint());
}

#[track_caller]
fn apart(a: &PolicyDocument, b: &PolicyDocument) {
    assert!(!same_meaning(a, b), "{a}\n{b}");
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn names_order_and_repetition_mean_nothing() {
    let plain = with(|_| ());
    equal(&plain, &with_statement("Sid", json!("Other")));
    equal(&plain, &with(|document| document["Id"] = json!("id")));
    equal(
        &plain,
        &with_statement("Action", json!(["s3:ListBucket", "s3:GetObject", "s3:ListBucket"])),
    );
    equal(
        &plain,
        &condition(json!({
            "Bool": {"aws:SecureTransport": true},
            "StringEquals": {"AWS:sourcevpce": ["vpce-2", "vpce-1", "vpce-2"]},
            "StringLike": {},
        })),
    );
    let twice = with(|document| {
        let statement = document["Statement"][0].clone();
        document["Statement"] = json!([statement, statement]);
    });
    equal(&plain, &twice);
}

#[test]
fn statements_are_a_set() {
    let written =
        |actions: [&str; 2]| PolicyDocument::new(actions.map(|action| Statement::deny([action]).everyone().on(["*"])));
    equal(&written(["s3:Get*", "s3:Put*"]), &written(["s3:Put*", "s3:Get*"]));
    apart(&written(["s3:Get*", "s3:Put*"]), &written(["s3:Get*", "s3:Get*"]));
}

#[test]
fn versions_differ_where_a_variable_is_replaced_and_only_there() {
    let in_version = |version: Value, resource: &str| {
        with(|document| {
            document["Version"] = version;
            document["Statement"][0]["Resource"] = json!(resource);
        })
    };
    let missing = with(|document| {
        document.as_object_mut().unwrap().remove("Version");
    });
    equal(&missing, &with(|_| ()));
    let [old, new] = ["2008-10-17", "2012-10-17"].map(Value::from);
    let own = "arn:aws:s3:::a/${aws:username}/*";
    apart(&in_version(old.clone(), own), &in_version(new.clone(), own));
    equal(
        &in_version(old, "arn:aws:s3:::a/$x"),
        &in_version(new.clone(), "arn:aws:s3:::a/${$}x"),
    );
    equal(
        &in_version(new.clone(), own),
        &in_version(new.clone(), "arn:aws:s3:::a/${AWS:UserName}/*"),
    );
    apart(&in_version(new.clone(), "${*}"), &in_version(new, "*"));
}

#[test]
fn actions_ignore_case_and_resources_do_not() {
    equal(
        &with(|_| ()),
        &with_statement("Action", json!(["S3:getobject", "s3:LISTBUCKET"])),
    );
    apart(
        &with(|_| ()),
        &with_statement("Resource", json!(["arn:aws:s3:::A", "arn:aws:s3:::a/*"])),
    );
    apart(
        &with_statement("Action", json!("*")),
        &with_statement("Action", json!("s3:*")),
    );
}

#[test]
fn an_element_and_its_opposite_are_apart() {
    let without = |member: &str, not: &str| {
        with(|document| {
            let statement = document["Statement"][0].as_object_mut().unwrap();
            let value = statement.remove(member).unwrap();
            statement.insert(not.to_owned(), value);
        })
    };
    for (member, not) in [
        ("Principal", "NotPrincipal"),
        ("Action", "NotAction"),
        ("Resource", "NotResource"),
    ] {
        apart(&with(|_| ()), &without(member, not));
    }
    apart(&with(|_| ()), &with_statement("Effect", json!("Deny")));
}

#[test]
fn covered_elements_of_a_list_mean_nothing() {
    for (long, short) in [
        (json!(["s3:Get*", "s3:GetObject", "s3:Get?*"]), json!("s3:get*")),
        (json!(["*", "s3:GetObject"]), json!(["*"])),
        (json!(["s3:a*", "s3:ab*", "s3:b"]), json!(["s3:b", "s3:a*"])),
    ] {
        equal(&with_statement("Action", long), &with_statement("Action", short));
    }
    apart(
        &with_statement("Resource", json!(["a*", "a${aws:username}"])),
        &with_statement("Resource", json!(["a*"])),
    );
    apart(
        &with_statement("Resource", json!(["a${*}", "ab"])),
        &with_statement("Resource", json!(["a${*}"])),
    );
    equal(
        &condition(json!({"StringLike": {"s3:prefix": ["home/*", "home/ana/*"]}})),
        &condition(json!({"StringLike": {"s3:prefix": "home/*"}})),
    );
    apart(
        &condition(json!({"StringEquals": {"s3:prefix": ["home/*", "home/ana/*"]}})),
        &condition(json!({"StringEquals": {"s3:prefix": "home/*"}})),
    );
}

#[test]
fn everyone_has_two_spellings_where_there_is_a_resource() {
    let star = principals(json!("*"));
    equal(&star, &principals(json!({"AWS": "*"})));
    equal(
        &star,
        &principals(json!({"AWS": ["*", "111122223333"], "Service": "x"})),
    );
    apart(&star, &principals(json!({"AWS": "111122223333"})));
    apart(&star, &principals(json!({"Service": "*"})));

    let trust = |principal: Value| {
        with(|document| {
            let statement = document["Statement"][0].as_object_mut().unwrap();
            statement.remove("Resource");
            statement.insert("Principal".to_owned(), principal);
        })
    };
    apart(&trust(json!("*")), &trust(json!({"AWS": "*"})));
}

#[test]
fn an_account_is_its_root_arn_in_any_partition_and_not_its_roles() {
    let account = principals(json!({"AWS": "111122223333"}));
    for spelling in [
        json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
        json!({"AWS": "arn:aws-us-gov:iam::111122223333:root"}),
        json!({"AWS": ["111122223333", "arn:aws:iam::111122223333:root"]}),
    ] {
        equal(&account, &principals(spelling));
    }
    apart(&account, &principals(json!({"AWS": "111122223334"})));
    apart(
        &account,
        &principals(json!({"AWS": ["111122223333", "arn:aws:iam::111122223333:role/r"]})),
    );
    apart(
        &principals(json!({"AWS": "arn:aws:iam::111122223333:role/r"})),
        &principals(json!({"AWS": "AROAEXAMPLE"})),
    );
}

#[test]
fn condition_values_compare_by_what_they_stand_for() {
    for (operator, a, b) in [
        ("Bool", json!(true), json!("True")),
        ("Null", json!(false), json!("false")),
        ("NumericLessThan", json!(10), json!(["010.0"])),
        ("DateLessThan", json!("2020-01-01T00:00:00Z"), json!(1_577_836_800)),
        ("DateEquals", json!("2020-01-01"), json!("2020-01-01T01:00:00+01:00")),
        ("IpAddress", json!("10.0.0.9/8"), json!("10.0.0.0/8")),
        ("IpAddress", json!("203.0.113.9"), json!("203.0.113.9/32")),
        ("NotIpAddress", json!("2001:DB8::/32"), json!("2001:db8:0::/32")),
        ("StringEqualsIgnoreCase", json!("Ana"), json!("aNA")),
        ("StringEquals", json!(7), json!("7")),
    ] {
        equal(
            &condition(json!({operator: {"k": a}})),
            &condition(json!({operator: {"k": b}})),
        );
    }
    for (operator, a, b) in [
        ("StringEquals", json!("7"), json!("7.0")),
        ("StringEquals", json!("Ana"), json!("ana")),
        ("BinaryEquals", json!("QQ=="), json!("qq==")),
        ("NumericEquals", json!("x"), json!("X")),
        ("StringEquals", json!([]), json!("")),
    ] {
        apart(
            &condition(json!({operator: {"k": a}})),
            &condition(json!({operator: {"k": b}})),
        );
    }
}

#[test]
fn operators_are_apart_but_for_the_two_spellings_of_arn_matching() {
    let of = |operator: &str| condition(json!({operator: {"k": "arn:aws:s3:::a"}}));
    equal(&of("ArnEquals"), &of("ArnLike"));
    equal(
        &of("ForAnyValue:ArnNotEqualsIfExists"),
        &of("ForAnyValue:ArnNotLikeIfExists"),
    );
    for other in [
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
        "StringNotEquals",
        "stringEquals",
        "ArnEquals",
    ] {
        apart(&of("StringEquals"), &of(other));
    }
    // They are spelt apart, and decide alike for a text without wildcards.
    let (equals, like) = (of("StringEquals"), of("StringLike"));
    assert!(same_meaning(&equals, &like));
    assert_ne!(equals.fingerprint(), like.fingerprint());
}

#[test]
fn conditions_on_one_key_in_two_spellings_both_count() {
    apart(
        &condition(json!({"StringEquals": {"aws:x": "1", "AWS:X": "2"}})),
        &condition(json!({"StringEquals": {"aws:x": ["1", "2"]}})),
    );
}

#[test]
fn a_text_that_may_hold_a_variable_stays_with_its_version() {
    let flag = |version: &str| {
        with(|document| {
            document["Version"] = json!(version);
            document["Statement"][0]["Condition"] = json!({"Bool": {"k": "${aws:x}"}});
        })
    };
    apart(&flag("2008-10-17"), &flag("2012-10-17"));
}

#[test]
fn a_fingerprint_is_a_sha256_in_hex() {
    let fingerprint = with(|_| ()).fingerprint();
    assert_eq!(fingerprint.len(), 64);
    assert!(fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
}
