//! The table is complete, and the policy that follows from it is sound.

use std::collections::BTreeSet;

use super::*;
use crate::{
    plan::{DnsAttribute, Target},
    policy::PolicyDocument,
    types::{ResourceKey, Tags},
};

fn one_of_each_action() -> Vec<Action> {
    let group = || Target::Existing("sg-0123456789abcdef0".into());
    let mut actions = vec![
        Action::ModifyVpcAttribute {
            vpc: "vpc-0123456789abcdef0".into(),
            attribute: DnsAttribute::EnableDnsSupport,
        },
        Action::CreateSecurityGroup {
            key: ResourceKey::S3GatewayEndpoint,
            vpc: "vpc-0123456789abcdef0".into(),
            name: "name".into(),
            description: "description".into(),
            tags: Tags::new(),
        },
        Action::DeleteSecurityGroup {
            id: "sg-0123456789abcdef0".into(),
        },
        Action::CreateVpcEndpoint {
            key: ResourceKey::S3GatewayEndpoint,
            vpc: "vpc-0123456789abcdef0".into(),
            service_name: "com.amazonaws.us-east-1.s3".into(),
            route_tables: Vec::new(),
            policy: PolicyDocument::new([]),
            tags: Tags::new(),
        },
        Action::ModifyVpcEndpoint {
            id: "vpce-0123456789abcdef0".into(),
            policy: None,
            add_route_tables: Vec::new(),
            remove_route_tables: Vec::new(),
        },
        Action::DeleteVpcEndpoint {
            id: "vpce-0123456789abcdef0".into(),
        },
        Action::PutBucketPolicy {
            bucket: "fraud-data".into(),
            region: crate::types::Region::new("us-east-1"),
            add_endpoints: Vec::new(),
            remove_endpoints: Vec::new(),
            add_exemptions: Vec::new(),
            remove_exemptions: Vec::new(),
        },
        Action::CreateTags {
            resource: "sg-0123456789abcdef0".into(),
            tags: Tags::new(),
        },
        Action::DeleteTags {
            resource: "sg-0123456789abcdef0".into(),
            keys: Vec::new(),
        },
    ];
    for direction in [Direction::Ingress, Direction::Egress] {
        actions.push(Action::AuthorizeSecurityGroup {
            group: group(),
            direction,
            rules: Vec::new(),
        });
        actions.push(Action::RevokeSecurityGroup {
            group: group(),
            direction,
            rules: Vec::new(),
        });
    }
    actions
}

fn statements() -> Vec<Value> {
    iam_policy()["Statement"].as_array().cloned().unwrap_or_default()
}

#[test]
fn every_action_is_the_call_of_its_name_and_every_change_is_some_action() {
    let actions = one_of_each_action();
    for action in &actions {
        assert_eq!(Call::from(action).name(), action.name());
    }
    // A bucket's policy that held nothing but our statement goes as a whole.
    let by_actions: BTreeSet<Call> = actions
        .iter()
        .map(Call::from)
        .chain([Call::DeleteBucketPolicy])
        .collect();
    let mutating: BTreeSet<Call> = Call::ALL.iter().copied().filter(|call| call.facts().mutates).collect();
    assert_eq!(by_actions, mutating);
}

#[test]
fn every_call_has_the_permission_of_its_name_in_the_policy() {
    let granted: BTreeSet<String> = statements()
        .iter()
        .flat_map(|statement| statement["Action"].as_array().cloned().unwrap_or_default())
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect();
    for call in Call::ALL {
        let facts = call.facts();
        assert!(
            facts
                .permissions
                .iter()
                .any(|permission| permission.action == call.qualified()),
            "{call}"
        );
        for permission in facts
            .permissions
            .iter()
            .filter(|permission| permission.grant != Grant::Free)
        {
            assert!(
                granted.contains(permission.action),
                "{call} needs {}",
                permission.action
            );
        }
    }
}

#[test]
fn only_what_cannot_be_narrowed_is_granted_on_everything() {
    for statement in statements() {
        if statement["Resource"] == "*" {
            let actions = statement["Action"].as_array().cloned().unwrap_or_default();
            assert!(
                actions
                    .iter()
                    .all(|action| { action.as_str().is_some_and(|name| name.starts_with("ec2:Describe")) })
            );
        }
    }
}

#[test]
fn nothing_is_changed_or_deleted_without_a_condition_on_our_tag() {
    for call in Call::ALL.iter().filter(|call| call.facts().mutates) {
        let narrowed = call.facts().permissions.iter().any(|permission| {
            statement_of(permission.grant).is_some_and(|statement| statement.to_string().contains(TAG_CLUSTER))
        });
        // IAM has no usable condition for a VPC's attributes, and a bucket's
        // policy is told by our statement in it.
        let cannot_be = [
            Call::ModifyVpcAttribute,
            Call::PutBucketPolicy,
            Call::DeleteBucketPolicy,
        ];
        assert!(narrowed || cannot_be.contains(call), "{call}");
    }
}

#[test]
fn whoever_only_observes_needs_only_the_first_statement() {
    let needed: BTreeSet<Grant> = Call::ALL
        .iter()
        .filter(|call| call.facts().feature == Feature::Observation)
        .flat_map(|call| call.facts().permissions)
        .map(|permission| permission.grant)
        .collect();
    assert_eq!(needed, BTreeSet::from([Grant::Read, Grant::Free]));
    assert_eq!(statements()[0]["Sid"], "SeeTheNetwork");
}

#[test]
fn the_policy_fits_into_one_managed_policy() {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    const MANAGED_POLICY_MAX_CHARS: usize = 6_144;
    let policy = iam_policy().to_string();
    assert!(policy.len() <= MANAGED_POLICY_MAX_CHARS, "{}", policy.len());
}
