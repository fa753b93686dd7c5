//! What buckets and roles permit what runs, by the plainest reading of their
//! policies.

use std::collections::BTreeSet;

use proptest::{collection::vec, option, prelude::*, sample::select};
use sagevpc_core::{
    api::{Bucket as BucketSpec, Exempt, RequireVpcEndpoint},
    desired::{BucketPolicy, BucketPolicyChange, ChangedPolicy},
    observed::{Bucket, RoleDetail, Snapshot},
    types::{Admission, BucketAccess, Region, VpcEndpointId},
};
use serde_json::{Value, json};

use crate::inputs::{World, world};

const BUCKETS: [&str; 3] = ["fraud-0", "fraud-1", "fraud-2"];

/// What a bucket's owners put into its policy: nothing that bears on endpoints.
const OF_OTHERS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"theirs","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::fraud-1/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

/// Endpoints that others admitted to the third bucket: one of another VPC, and
/// that of someone else in this one.
const OTHERS_ADMITTED: [&str; 2] = ["vpce-0eeeeeeeeeeeeeee0", "vpce-0fffffffffffffff0"];

fn role_arn(number: usize) -> String {
    format!("arn:aws:iam::111122223333:role/ml/r{number}")
}

fn role(number: usize, own: Option<Value>) -> RoleDetail {
    let own = own.map(|statement| {
        json!({ "PolicyName": "own", "PolicyDocument": {
        "Version": "2012-10-17", "Statement": statement } })
    });
    serde_json::from_value(json!({
        "RoleName": format!("r{number}"),
        "Arn": role_arn(number),
        "AssumeRolePolicyDocument": { "Statement": {
            "Effect": "Allow", "Principal": { "Service": "sagemaker.amazonaws.com" }, "Action": "sts:AssumeRole",
        } },
        "RolePolicyList": own.into_iter().collect::<Vec<_>>(),
    }))
    .expect("a role")
}

/// What a role's owner may allow it.
pub fn own_statement() -> impl Strategy<Value = Value> {
    let narrow = json!({ "StringEquals": { "aws:SourceVpc": "vpc-1" } });
    select(vec![
        json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": narrow }),
        json!({ "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*", "Condition": narrow }),
        json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "arn:aws:ec2:*:*:subnet/*" }),
    ])
}

/// A VPC whose profiles read three buckets, some of them by VPC endpoints only,
/// and whose workloads run with two roles.
pub fn world_with_permissions() -> impl Strategy<Value = World> {
    let reads = vec((0..BUCKETS.len(), option::of(any::<bool>())), 0..3);
    let admitted = vec(select(OTHERS_ADMITTED.to_vec()), 0..3);
    (
        world("None"),
        vec(reads, 3),
        admitted,
        vec(0..3usize, 12),
        vec(option::of(own_statement()), 2),
    )
        .prop_map(|(mut world, reads, admitted, roles, own)| {
            let grants = &mut world.references.vpc.spec.grants.everyone;
            grants.enforce.buckets = vec!["fraud-*".to_owned()];
            grants.roles = vec!["arn:aws:iam::111122223333:role/ml/*".to_owned()];
            grants.enforce.roles = grants.roles.clone();
            let mut roles = roles.into_iter().cycle();
            for (reference, reads) in world.references.profiles.iter_mut().zip(reads) {
                let spec = &mut reference.profile.spec;
                let mut named = BTreeSet::new();
                let buckets = reads.into_iter().filter(|(number, _)| named.insert(*number));
                spec.buckets = buckets.map(|(number, required)| reading(number, required)).collect();
                for workload in &mut spec.workloads {
                    // The third stands for none.
                    workload.role_arn = roles.next().filter(|number| *number < 2).map(role_arn);
                }
            }
            let policies = [None, Some(OF_OTHERS.to_owned()), closed_by_others("fraud-2", &admitted)];
            let buckets = BUCKETS.into_iter().zip(policies);
            world.snapshot.buckets = buckets.map(|(name, policy)| bucket(name, policy)).collect();
            let roles = own.into_iter().enumerate();
            world.snapshot.roles = roles.map(|(number, own)| role(number, own)).collect();
            world
        })
}

fn reading(number: usize, required: Option<bool>) -> BucketSpec {
    BucketSpec {
        name: BUCKETS[number].to_owned(),
        region: None,
        access: BucketAccess::ReadWrite,
        require_vpc_endpoint: required.map(requirement),
    }
}

fn requirement(aws_services: bool) -> RequireVpcEndpoint {
    RequireVpcEndpoint {
        exempt: Exempt {
            aws_services,
            ..Exempt::default()
        },
    }
}

/// Every bucket, by VPC endpoints only.
pub fn closing_all() -> Vec<BucketSpec> {
    (0..BUCKETS.len()).map(|number| reading(number, Some(false))).collect()
}

fn bucket(name: &str, policy: Option<String>) -> Bucket {
    Bucket {
        name: name.to_owned(),
        region: Some(Region::new("us-east-1")),
        policy,
        error: None,
    }
}

/// Our statement, as another VPC's object put it into a bucket.
fn closed_by_others(name: &str, admitted: &[&str]) -> Option<String> {
    let policy = BucketPolicy::read(&format!("arn:aws:s3:::{name}"), None).expect("no policy is one");
    let change = BucketPolicyChange {
        add: Admission {
            vpc_endpoints: admitted.iter().map(|id| VpcEndpointId::new(*id)).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    match policy.changed(&change) {
        ChangedPolicy::Text(text) => Some(text),
        ChangedPolicy::Same | ChangedPolicy::None => None,
    }
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(many) => many.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    let list = listed(value).into_iter();
    list.map(|text| text.as_str().expect("a text")).collect()
}

/// Whether the bucket's policy lets a workload read by this endpoint, or by
/// none: it comes with TLS, for itself and not for a service of AWS's.
pub fn lets_in(snapshot: &Snapshot, bucket: &str, endpoint: Option<&VpcEndpointId>) -> bool {
    let found = snapshot.buckets.iter().find(|found| found.name == bucket);
    let Some(text) = found.and_then(|found| found.policy.as_deref()) else {
        return true;
    };
    let policy: Value = serde_json::from_str(text).expect("S3 holds a policy");
    let denies = |statement: &&Value| {
        assert_eq!(statement["Effect"], "Deny", "{statement}");
        let mut conditions = statement["Condition"].as_object().into_iter().flatten();
        conditions.all(|(operator, keys)| {
            let mut keys = keys.as_object().expect("keys").iter();
            keys.all(|(key, values)| match (operator.as_str(), key.as_str()) {
                ("StringNotEquals", "aws:SourceVpce") => {
                    let admitted = texts(values);
                    endpoint.is_none_or(|endpoint| !admitted.contains(&endpoint.as_str()))
                }
                ("Bool", "aws:SecureTransport") => false,
                ("BoolIfExists", "aws:ViaAWSService" | "aws:PrincipalIsAWSService") => texts(values) == ["false"],
                other => panic!("{other:?} is in no policy here"),
            })
        })
    };
    !listed(&policy["Statement"]).iter().any(denies)
}

/// How far a role may do something: 2 is wherever, 1 in part.
pub fn allows(snapshot: &Snapshot, role: &str, action: &str) -> u8 {
    let role = snapshot.roles.iter().find(|found| found.arn == role);
    let policies = role.into_iter().flat_map(|role| &role.role_policy_list);
    let statements = policies.flat_map(|policy| {
        let statements = listed(&policy.policy_document["Statement"]).into_iter();
        statements.map(|statement| (policy.policy_name.starts_with("sagevpc-"), statement))
    });
    let of_one = |(is_ours, statement): (bool, &Value)| {
        let is_named = texts(&statement["Action"]).into_iter().any(|pattern| {
            let whole = pattern.strip_suffix('*').map(|start| action.starts_with(start));
            whole.unwrap_or(pattern == action)
        });
        let is_whole = is_ours || (statement["Resource"] == "*" && statement["Condition"].is_null());
        if is_named { 1 + u8::from(is_whole) } else { 0 }
    };
    statements.map(of_one).max().unwrap_or(0)
}

/// Has a role's owner allow it something more.
pub fn allow_more(snapshot: &mut Snapshot, number: usize, statement: &Value) {
    let roles = &mut snapshot.roles;
    let place = number % roles.len();
    let policies = &mut roles[place].role_policy_list;
    let policy = json!({ "PolicyName": format!("own-{}", policies.len()), "PolicyDocument": {
        "Version": "2012-10-17", "Statement": statement } });
    policies.push(serde_json::from_value(policy).expect("a policy"));
}
