//! Documents and requests from a vocabulary small enough that they meet.

use std::collections::BTreeMap;

use iam_policy::{
    ActionClause, Conditions, Context, ContextValue, Effect, Operator, PolicyDocument, Principal, PrincipalClause,
    PrincipalKind, PrincipalSet, Request, ResourceClause, Statement, Version,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

pub const ROOT: &str = "arn:aws:iam::111122223333:root";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/ml/train";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/train/SageMaker";
const SERVICE: &str = "sagemaker.amazonaws.com";

pub const ACTIONS: [&str; 8] = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "S3:getobject",
    "s3:?etObject",
    "s3:PutObject",
    "ec2:Describe*",
];
pub const RESOURCES: [&str; 12] = [
    "*",
    "a*",
    "a/*",
    "a/**",
    "a/*?",
    "a/x",
    "*/x",
    "b/?",
    "a/${aws:username}",
    "a/${AWS:UserName}/*",
    "a/${aws:username, 'x'}",
    "a/${*}",
];
pub const MEMBERS: [&str; 8] = ["a", "a/", "a/x", "a/*", "a/ana", "a/ana/x", "b/x", "c"];
pub const FAMILIES: [&str; 7] = ["*", "a/*", "a/?*", "a/an*", "b/?", "*/x", "a/x"];
pub const IDS: [&str; 7] = ["*", "111122223333", "999999999999", ROOT, ROLE, SESSION, "AROAEXAMPLE"];
pub const KEYS: [&str; 4] = ["aws:username", "aws:PrincipalArn", "s3:max-keys", "aws:TagKeys"];
pub const OPERATORS: [&str; 22] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIfExists",
    "StringNotEqualsIfExists",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "ForAllValues:StringLike",
    "ForAnyValue:StringLike",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringNotEquals",
    "NumericLessThan",
    "NumericEquals",
    "NumericNotEquals",
    "DateGreaterThan",
    "Bool",
    "BoolIfExists",
    "IpAddress",
    "ArnLike",
    "ArnEquals",
    "ArnNotEquals",
    "Null",
];
pub const VALUES: [&str; 14] = [
    "",
    "ana",
    "Ana",
    "an*",
    "a?a*",
    "ana*",
    "${aws:username}",
    "${aws:username, 'ana'}",
    "10",
    "10.0",
    "true",
    "10.0.0.0/8",
    "2020-01-01T00:00:00Z",
    "arn:aws:iam::*:role/*",
];
const GIVEN: [&str; 9] = [
    "",
    "ana",
    "ANA",
    "bob",
    "9",
    "true",
    "10.1.2.3",
    "2024-05-06T07:08:09Z",
    ROLE,
];

fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    vec(select(words).prop_map(str::to_owned), 1..4)
}

fn principals() -> impl Strategy<Value = PrincipalSet> {
    let services = vec(Just(SERVICE.to_owned()), 1..3);
    prop_oneof![
        Just(PrincipalSet::Everyone),
        some_of(&IDS).prop_map(PrincipalSet::aws),
        services.clone().prop_map(PrincipalSet::services),
        (some_of(&IDS), services).prop_map(|(ids, services)| {
            PrincipalSet::Named(BTreeMap::from([
                (PrincipalKind::Aws, ids),
                (PrincipalKind::Service, services),
            ]))
        }),
    ]
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let operator = prop_oneof![
        30 => select(&OPERATORS[..]),
        1 => Just("Sounds"),
    ]
    .prop_map(Operator::parse);
    let key = select(&KEYS[..]).prop_map(str::to_owned);
    let values = vec(select(&VALUES[..]).prop_map(str::to_owned), 0..3);
    btree_map(operator, btree_map(key, values, 0..3), 0..3)
}

fn statement() -> impl Strategy<Value = Statement> {
    let principal = prop_oneof![
        1 => Just(None),
        4 => principals().prop_map(|set| Some(PrincipalClause::Principal(set))),
        1 => principals().prop_map(|set| Some(PrincipalClause::NotPrincipal(set))),
    ];
    let action = prop_oneof![
        5 => some_of(&ACTIONS).prop_map(ActionClause::Action),
        1 => some_of(&ACTIONS).prop_map(ActionClause::NotAction),
    ];
    let resource = prop_oneof![
        1 => Just(None),
        8 => some_of(&RESOURCES).prop_map(|list| Some(ResourceClause::Resource(list))),
        2 => some_of(&RESOURCES).prop_map(|list| Some(ResourceClause::NotResource(list))),
    ];
    (
        proptest::option::of("[A-Z][a-z]{0,3}"),
        select(&[Effect::Allow, Effect::Deny][..]),
        principal,
        action,
        resource,
        conditions(),
    )
        .prop_map(|(sid, effect, principal, action, resource, condition)| Statement {
            sid,
            effect,
            principal,
            action,
            resource,
            condition,
        })
}

pub fn document() -> impl Strategy<Value = PolicyDocument> {
    (
        prop_oneof![1 => Just(Version::V2008), 4 => Just(Version::V2012)],
        proptest::option::of("[a-z]{1,4}"),
        vec(statement(), 1..4),
    )
        .prop_map(|(version, id, statements)| PolicyDocument {
            version,
            id,
            statements,
        })
}

fn context_value() -> impl Strategy<Value = ContextValue> {
    prop_oneof![
        1 => Just(ContextValue::Absent),
        4 => vec(select(&GIVEN[..]).prop_map(str::to_owned), 0..3).prop_map(ContextValue::Values),
    ]
}

/// A value for each key, and whether it is known at first.
pub type Circumstances = Vec<(ContextValue, bool)>;

pub fn circumstances() -> impl Strategy<Value = Circumstances> {
    vec((context_value(), any::<bool>()), KEYS.len())
}

pub fn known_in_part(circumstances: &Circumstances) -> Context {
    KEYS.iter()
        .zip(circumstances)
        .filter(|(_, (_, known))| *known)
        .fold(Context::partial(), |context, (key, (value, _))| {
            context.with(key, value.clone())
        })
}

pub fn known_in_full(circumstances: &Circumstances) -> Context {
    KEYS.iter()
        .zip(circumstances)
        .fold(Context::complete(), |context, (key, (value, _))| {
            context.with(key, value.clone())
        })
}

fn asking() -> impl Strategy<Value = Principal> {
    prop_oneof![
        1 => Just(Principal::Anonymous),
        1 => Just(Principal::Service(SERVICE.to_owned())),
        1 => Just(Principal::Federated("accounts.google.com".to_owned())),
        6 => select(&[ROOT, ROLE, SESSION, "999999999999", "AROAEXAMPLE"][..])
            .prop_map(|id| Principal::Aws(id.to_owned())),
    ]
}

pub fn request(
    resources: &'static [&'static str],
    context: impl Strategy<Value = Context>,
) -> impl Strategy<Value = Request> {
    (
        asking(),
        select(&["s3:GetObject", "s3:PutObject", "ec2:DescribeVpcs"][..]),
        select(resources),
        context,
        any::<bool>(),
    )
        .prop_map(|(principal, action, resource, context, gateway)| {
            let request = Request::new(principal, action, resource).in_context(context);
            if gateway {
                request.at_gateway_endpoint()
            } else {
                request
            }
        })
}

pub fn requests() -> impl Strategy<Value = Vec<Request>> {
    let context = circumstances().prop_map(|circumstances| known_in_part(&circumstances));
    vec(request(&MEMBERS, context), 16)
}

/// An open statement closed in one place, so that this place decides.
fn pointed_statement() -> impl Strategy<Value = Statement> {
    (0..4, statement()).prop_map(|(place, statement)| {
        let open = Statement {
            effect: statement.effect,
            ..Statement::allow(["*"]).everyone().on(["*"])
        };
        match place {
            0 => Statement {
                principal: statement.principal,
                ..open
            },
            1 => Statement {
                action: statement.action,
                ..open
            },
            2 => Statement {
                resource: statement.resource,
                ..open
            },
            _ => Statement {
                condition: statement.condition,
                ..open
            },
        }
    })
}

pub fn pointed_document() -> impl Strategy<Value = PolicyDocument> {
    prop_oneof![
        3 => pointed_statement().prop_map(|statement| PolicyDocument::new([statement])),
        1 => document(),
    ]
}

/// JSON of any shape, with the names and values of policies in it.
pub fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        select(
            &[
                "Version",
                "Id",
                "Statement",
                "Sid",
                "Effect",
                "Allow",
                "Principal",
                "NotPrincipal",
                "AWS",
                "Service",
                "Action",
                "NotAction",
                "Resource",
                "Condition",
                "StringLike",
                "Null",
                "2012-10-17",
                "*",
                "${",
                "${aws:username, '}",
            ][..]
        )
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(word.clone(), inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A policy in which one member is replaced by anything.
pub fn damaged() -> impl Strategy<Value = Value> {
    (document(), any::<Index>(), any_json()).prop_map(|(document, place, replacement)| {
        let mut value = document.to_value();
        let members: Vec<String> = value["Statement"][0]
            .as_object()
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default();
        value["Statement"][0][place.get(&members)] = replacement;
        value
    })
}
