//! The policy that follows from the table is sound.

use std::collections::BTreeSet;

use super::*;
use crate::{catalog::calls::Feature, types::TAG_CLUSTER};

fn statements_of(to: &Narrowing) -> Vec<Value> {
    iam_policy(to)["Statement"].as_array().cloned().unwrap_or_default()
}

fn statements() -> Vec<Value> {
    statements_of(&Narrowing::default())
}

/// One installation, narrowed in every way.
fn narrowed() -> Narrowing {
    Narrowing {
        cluster_id: Some("prod".into()),
        account: Some("111122223333".into()),
        vpcs: vec!["vpc-0123456789abcdef0".into(), "vpc-0123456789abcdef1".into()],
        buckets: vec!["fraud-*".into()],
        roles: vec!["sagemaker-*".into()],
        permissions_boundary: Some("arn:aws:iam::111122223333:policy/bounded".into()),
        ..Narrowing::default()
    }
}

fn actions(to: &Narrowing) -> BTreeSet<String> {
    let statements = statements_of(to);
    let actions = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
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
            let reads = [
                "ec2:Describe",
                "ec2:SearchTransitGatewayRoutes",
                "sagemaker:Describe",
                "sagemaker:List",
            ];
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
            let to = Narrowing::default();
            let statements = permission.grant.statements(&to).into_iter();
            let mut written = statements.filter_map(|statement| written(statement, permission.grant, &to));
            written.any(|statement| statement.to_string().contains(TAG_CLUSTER))
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
        creations(&Narrowing::default()),
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
    let length = |to: &Narrowing| iam_policy(to).to_string().len();
    let whole = length(&Narrowing::default());
    assert!(whole <= MANAGED_POLICY_MAX_CHARS, "{whole}");
    for part in [Part::Reads, Part::Changes] {
        let half = length(&Narrowing {
            part: Some(part),
            ..narrowed()
        });
        assert!(half <= MANAGED_POLICY_MAX_CHARS, "{half}");
    }
}

#[test]
fn the_halves_are_the_whole_and_the_first_changes_nothing() {
    let half = |part| {
        statements_of(&Narrowing {
            part: Some(part),
            ..Narrowing::default()
        })
    };
    let (reads, changes) = (half(Part::Reads), half(Part::Changes));
    let mut both = [reads.clone(), changes].concat();
    let mut whole = statements();
    for statements in [&mut both, &mut whole] {
        statements.sort_by_key(|statement| statement["Sid"].to_string());
    }
    assert_eq!(both, whole);
    let text = json!(reads).to_string();
    for call in Call::ALL.iter().filter(|call| call.facts().mutates) {
        assert!(!text.contains(&format!("\"{}\"", call.qualified())), "{call}");
    }
}

#[test]
fn narrowed_it_allows_the_same_actions() {
    assert_eq!(actions(&narrowed()), actions(&Narrowing::default()));
}

#[test]
fn narrowed_every_change_is_bound_to_the_cluster_or_to_its_vpcs_and_buckets() {
    let bounds = [
        r#""aws:RequestTag/sagevpc.dev/cluster":"prod""#,
        r#""aws:ResourceTag/sagevpc.dev/cluster":"prod""#,
        "vpc/vpc-0123456789abcdef0",
        "arn:*:s3:::fraud-*",
    ];
    // Private names and the delivery of logs are AWS's own; roles of other
    // accounts, and the one that writes flow logs, are trusted by their names
    // and by whom they are passed to; an endpoint takes groups of its own VPC.
    let elsewhere = [
        "PutGroupsOnEndpoints",
        "UsePrivateDns",
        "DeliverFlowLogs",
        "PassTheRoleOfFlowLogs",
        "ReachOtherAccounts",
    ];
    let mutating: BTreeSet<&str> = Call::ALL
        .iter()
        .filter(|call| call.facts().mutates)
        .map(|call| call.qualified())
        .collect();
    for statement in statements_of(&narrowed()) {
        let text = statement.to_string();
        assert!(!text.contains("\"Null\""), "{text}");
        let changes = statement["Action"].as_array().unwrap().iter();
        let changes = changes
            .filter_map(|action| action.as_str())
            .any(|action| mutating.contains(action));
        let is_bound = bounds.iter().any(|bound| text.contains(bound));
        let is_elsewhere = elsewhere.iter().any(|sid| statement["Sid"] == *sid);
        assert!(!changes || is_bound || is_elsewhere, "{text}");
    }
}

#[test]
fn routes_and_rules_of_network_acls_are_those_of_the_vpcs_alone() {
    let vpcs = json!([
        "arn:*:ec2:*:*:vpc/vpc-0123456789abcdef0",
        "arn:*:ec2:*:*:vpc/vpc-0123456789abcdef1"
    ]);
    let statements = statements_of(&narrowed());
    let by_sid = |sid: &str| statements.iter().find(|statement| statement["Sid"] == sid).unwrap();
    for sid in ["LeadOut", "OpenNetworkAcls"] {
        assert_eq!(
            by_sid(sid)["Condition"],
            json!({ "ArnLike": { "ec2:Vpc": vpcs } }),
            "{sid}"
        );
    }
    assert_eq!(by_sid("TurnDnsOn")["Resource"], vpcs);
    assert_eq!(by_sid("UseTheVpcs")["Resource"], vpcs);
    for sid in ["TagWhatIsAdopted", "UseTheirSubnetsAndRouteTables"] {
        assert_eq!(
            by_sid(sid)["Condition"]["ArnLikeIfExists"],
            json!({ "ec2:Vpc": vpcs }),
            "{sid}"
        );
    }
}

#[test]
fn a_role_without_the_boundary_is_given_nothing_and_can_still_be_relieved() {
    let statements = statements_of(&narrowed());
    let having = |action: &str| -> Vec<&Value> {
        let has = |statement: &&Value| statement["Action"].as_array().unwrap().contains(&json!(action));
        statements.iter().filter(has).collect()
    };
    let boundary = json!({ "iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/bounded" });
    let [put] = having("iam:PutRolePolicy")[..] else {
        panic!("it is allowed once")
    };
    assert_eq!(put["Condition"]["ArnEquals"], boundary);
    let [delete] = having("iam:DeleteRolePolicy")[..] else {
        panic!("it is allowed once")
    };
    assert_eq!(delete["Condition"].get("ArnEquals"), None);
    for statement in [put, delete] {
        assert_eq!(
            statement["Resource"],
            json!(["arn:*:iam::111122223333:role/sagemaker-*"])
        );
        assert_eq!(
            statement["Condition"]["StringEquals"]["aws:ResourceTag/sagevpc.dev/cluster"],
            "prod"
        );
    }
}

#[test]
fn what_is_left_out_takes_its_actions_along_and_no_others() {
    let all = actions(&Narrowing::default());
    let gone = |widening| {
        let to = Narrowing {
            without: BTreeSet::from([widening]),
            ..Narrowing::default()
        };
        let left = actions(&to);
        assert!(left.is_subset(&all), "{widening:?}");
        all.difference(&left).cloned().collect::<Vec<_>>()
    };
    assert_eq!(gone(Widening::Adopt), [""; 0], "tags on what is ours stay");
    assert_eq!(
        gone(Widening::BucketPolicies),
        ["s3:DeleteBucketPolicy", "s3:PutBucketPolicy"]
    );
    assert_eq!(
        gone(Widening::RolePolicies),
        ["iam:DeleteRolePolicy", "iam:PutRolePolicy"]
    );
    assert_eq!(
        gone(Widening::Nat),
        [
            "ec2:AllocateAddress",
            "ec2:CreateNatGateway",
            "ec2:CreateRoute",
            "ec2:DeleteNatGateway",
            "ec2:DeleteRoute",
            "ec2:ReleaseAddress",
            "ec2:ReplaceRoute",
            "iam:CreateServiceLinkedRole",
        ]
    );
    assert_eq!(
        gone(Widening::NetworkAcls),
        [
            "ec2:CreateNetworkAclEntry",
            "ec2:DeleteNetworkAclEntry",
            "ec2:ReplaceNetworkAclEntry"
        ]
    );
    assert_eq!(
        gone(Widening::FlowLogs),
        [
            "ec2:CreateFlowLogs",
            "ec2:DeleteFlowLogs",
            "iam:PassRole",
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery"
        ]
    );
    assert_eq!(gone(Widening::Dns), ["ec2:ModifyVpcAttribute"]);
    assert_eq!(gone(Widening::OtherAccounts), ["sts:AssumeRole"]);
    assert!(
        gone(Widening::Discovery)
            .iter()
            .all(|action| action.starts_with("sagemaker:"))
    );
}

#[test]
fn without_adoption_nothing_that_was_there_can_be_tagged() {
    let to = Narrowing {
        without: BTreeSet::from([Widening::Adopt]),
        ..narrowed()
    };
    for statement in statements_of(&to) {
        if statement["Action"]
            .as_array()
            .unwrap()
            .contains(&json!("ec2:CreateTags"))
        {
            let condition = statement["Condition"]["StringEquals"].to_string();
            assert!(
                condition.contains("ec2:CreateAction") || condition.contains("aws:ResourceTag/sagevpc.dev/cluster"),
                "{statement}"
            );
        }
    }
}
