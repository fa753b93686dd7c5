//! The table is complete, and the policy that follows from it is sound.

use std::collections::BTreeSet;

use super::*;
use crate::{
    plan::{DnsAttribute, Target},
    policy::PolicyDocument,
    types::{AclEntry, FlowLogSettings, LogDestinationType, Protocol, ResourceKey, Tags, TrafficType},
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
        Action::PutRolePolicy {
            key: ResourceKey::S3GatewayEndpoint,
            role: "arn:aws:iam::111122223333:role/fraud".into(),
            name: "name".into(),
            policy: PolicyDocument::new([]),
            replaces: false,
        },
        Action::DeleteRolePolicy {
            role: "arn:aws:iam::111122223333:role/fraud".into(),
            name: "name".into(),
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
    actions.extend(way_out());
    actions.extend(edges());
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

fn way_out() -> Vec<Action> {
    let subnet = "subnet-0123456789abcdef0";
    let table = || "rtb-0123456789abcdef0".into();
    let destination = "0.0.0.0/0".parse().unwrap();
    let nat_gateway = || Target::Existing("nat-0123456789abcdef0".into());
    vec![
        Action::AllocateAddress {
            key: ResourceKey::ElasticIp { subnet: subnet.into() },
            tags: Tags::new(),
        },
        Action::ReleaseAddress {
            id: "eipalloc-0123456789abcdef0".into(),
        },
        Action::CreateNatGateway {
            key: ResourceKey::NatGateway { subnet: subnet.into() },
            subnet: subnet.into(),
            address: Target::Existing("eipalloc-0123456789abcdef0".into()),
            tags: Tags::new(),
        },
        Action::DeleteNatGateway {
            id: "nat-0123456789abcdef0".into(),
        },
        Action::CreateRoute {
            table: table(),
            destination,
            nat_gateway: nat_gateway(),
        },
        Action::ReplaceRoute {
            table: table(),
            destination,
            nat_gateway: nat_gateway(),
        },
        Action::DeleteRoute {
            table: table(),
            destination,
        },
    ]
}

fn edges() -> Vec<Action> {
    let acl = || "acl-0123456789abcdef0".into();
    let entry = AclEntry {
        direction: Direction::Egress,
        rule_number: 1,
        allows: true,
        protocol: Protocol::All,
        ports: None,
        cidr: "0.0.0.0/0".parse().unwrap(),
    };
    let settings = FlowLogSettings {
        traffic_type: TrafficType::All,
        log_destination_type: LogDestinationType::S3,
        log_destination: "arn:aws:s3:::logs".into(),
        deliver_logs_permission_arn: None,
        log_format: None,
        max_aggregation_interval: 600,
    };
    vec![
        Action::CreateNetworkAclEntry {
            acl: acl(),
            entry: entry.clone(),
        },
        Action::ReplaceNetworkAclEntry { acl: acl(), entry },
        Action::DeleteNetworkAclEntry {
            acl: acl(),
            direction: Direction::Egress,
            rule_number: 1,
        },
        Action::CreateFlowLogs {
            key: ResourceKey::FlowLog {
                resource: "vpc-0123456789abcdef0".into(),
            },
            resource: "vpc-0123456789abcdef0".into(),
            settings,
            tags: Tags::new(),
        },
        Action::DeleteFlowLogs {
            id: "fl-0123456789abcdef0".into(),
        },
    ]
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
