//! The policy that follows from the table is sound.

use std::collections::BTreeSet;

use super::*;
use crate::aws::calls::Feature;

fn statements() -> Vec<Value> {
    iam_policy()["Statement"].as_array().cloned().unwrap_or_default()
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
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
    const WITHOUT_RESOURCES: [&str; 2] = ["logs:CreateLogDelivery", "logs:DeleteLogDelivery"];
    for statement in statements() {
        if statement["Resource"] == "*" {
            let actions = statement["Action"].as_array().cloned().unwrap_or_default();
            let reads = ["ec2:Describe", "sagemaker:Describe", "sagemaker:List"];
            for action in actions.iter().filter_map(|action| action.as_str()) {
                let reads_only = reads.iter().any(|read| action.starts_with(read));
                assert!(reads_only || WITHOUT_RESOURCES.contains(&action), "{action}");
            }
        }
    }
}

#[test]
fn nothing_is_changed_or_deleted_without_a_condition_on_our_tag() {
    // What these change has no tags of its own: IAM has no usable condition for
    // a VPC's attributes, routes and rules of network ACLs are parts of what is
    // not ours, and a bucket's policy is told by our statement in it.
    const WITHOUT_TAGS: &[Call] = &[
        Call::ModifyVpcAttribute,
        Call::CreateRoute,
        Call::ReplaceRoute,
        Call::DeleteRoute,
        Call::CreateNetworkAclEntry,
        Call::ReplaceNetworkAclEntry,
        Call::DeleteNetworkAclEntry,
        Call::PutBucketPolicy,
        Call::DeleteBucketPolicy,
    ];
    for call in Call::ALL.iter().filter(|call| call.facts().mutates) {
        let narrowed = call.facts().permissions.iter().any(|permission| {
            statement_of(permission.grant).is_some_and(|statement| statement.to_string().contains(TAG_CLUSTER))
        });
        assert_eq!(narrowed, !WITHOUT_TAGS.contains(call), "{call}");
    }
}

#[test]
fn what_only_refers_to_a_kind_of_thing_cannot_create_or_change_it() {
    // Without a condition on our tags, an action must not be granted on what it
    // makes or changes.
    let made_or_changed = [
        ("ec2:CreateSecurityGroup", "security-group/"),
        ("ec2:CreateVpcEndpoint", "vpc-endpoint/"),
        ("ec2:ModifyVpcEndpoint", "vpc-endpoint/"),
        ("ec2:CreateNatGateway", "natgateway/"),
        ("ec2:CreateNatGateway", "elastic-ip/"),
        ("ec2:AllocateAddress", "elastic-ip/"),
        ("ec2:CreateFlowLogs", "vpc-flow-log/"),
    ];
    for statement in statements() {
        if statement.to_string().contains(TAG_CLUSTER) {
            continue;
        }
        for (action, resource) in made_or_changed {
            let grants = |key: &str, text: &str| statement[key].to_string().contains(text);
            assert!(
                !(grants("Action", &format!("\"{action}\"")) && grants("Resource", resource)),
                "{action} on {resource} in {statement}"
            );
        }
    }
}

#[test]
fn tags_are_given_on_creation_by_every_call_that_creates() {
    assert_eq!(
        creations(),
        [
            "AllocateAddress",
            "CreateFlowLogs",
            "CreateNatGateway",
            "CreateSecurityGroup",
            "CreateVpcEndpoint"
        ]
    );
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
