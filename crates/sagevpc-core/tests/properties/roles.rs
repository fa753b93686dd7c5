//! Execution roles: what they lack is given, nothing else of theirs changes,
//! and two that serve one role never take turns.

use std::collections::BTreeMap;

use iam_policy::PolicyDocument;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    inputs::{World, delete, now, plan_for, validated, world},
    kinds::with_kinds,
    memory::Memory,
};
use sagevpc_core::{
    api::{FINALIZER, Reason},
    catalog::WorkloadKind,
    desired::{Network, role_policy_name},
    observed::{RoleDetail, RolePolicy, Snapshot, VpcSnapshot},
    plan::{Action, ClientTokens, History, Plan, RoleChange, plan},
    report::{Concern, Finding, Scope, Weight},
    validate::References,
};

fn arn(number: usize) -> String {
    format!("arn:aws:iam::111122223333:role/ml/r{number}")
}

/// Policies that roles have for reasons of their own.
fn policy() -> impl Strategy<Value = Value> {
    let actions = select(vec![
        "*",
        "ec2:*",
        "ec2:Describe*",
        "ec2:*NetworkInterface",
        "ec2:CreateNetworkInterface",
        "s3:*",
    ]);
    let effect = select(vec!["Allow", "Allow", "Allow", "Deny"]);
    let condition = select(vec![
        json!({}),
        json!({}),
        json!({ "StringEquals": { "aws:RequestedRegion": "us-east-1" } }),
        json!({ "StringEquals": { "aws:SourceVpc": "vpc-1" } }),
    ]);
    let resource = select(vec!["*", "*", "arn:aws:ec2:*:*:subnet/*"]);
    (vec(actions, 1..3), effect, condition, resource).prop_map(|(actions, effect, condition, resource)| {
        json!({ "Version": "2012-10-17", "Statement": {
            "Effect": effect, "Action": actions, "Resource": resource, "Condition": condition,
        } })
    })
}

fn role(number: usize, policies: Vec<Value>) -> RoleDetail {
    serde_json::from_value(json!({
        "RoleName": format!("r{number}"),
        "Arn": arn(number),
        "AssumeRolePolicyDocument": { "Statement": {
            "Effect": "Allow", "Principal": { "Service": "sagemaker.amazonaws.com" }, "Action": "sts:AssumeRole",
        } },
        "RolePolicyList": policies.into_iter().enumerate().map(|(place, document)| json!({
            "PolicyName": format!("own-{place}"), "PolicyDocument": document,
        })).collect::<Vec<_>>(),
    }))
    .expect("a role")
}

/// A VPC whose workloads run with two roles, which may be changed if `enforced`.
fn world_with_roles(enforced: bool) -> impl Strategy<Value = World> {
    let policies = || vec(policy(), 0..3);
    (world("None"), policies(), policies(), vec(0..3usize, 12)).prop_map(move |(mut world, first, second, uses)| {
        let grants = &mut world.references.vpc.spec.grants.everyone;
        grants.roles = vec!["arn:aws:iam::111122223333:role/ml/*".to_owned()];
        grants.enforce.roles = if enforced {
            vec!["arn:aws:iam::111122223333:role/ml/r?".to_owned()]
        } else {
            Vec::new()
        };
        let mut uses = uses.into_iter().cycle();
        for reference in &mut world.references.profiles {
            for workload in &mut reference.profile.spec.workloads {
                // The third stands for none.
                workload.role_arn = uses.next().filter(|number| *number < 2).map(arn);
            }
        }
        world.snapshot.roles = vec![role(0, first), role(1, second)];
        world
    })
}

fn plan_of(references: &References, memory: &Memory) -> Plan {
    plan_for(references, &memory.snapshot, &memory.history())
}

/// Does what the plan says of roles, as the controller does: what is to be
/// remembered first. Says how much that was.
fn carry_out(references: &mut References, memory: &mut Memory) -> usize {
    let plan = plan_of(references, memory);
    let status = references.vpc.status.get_or_insert_default();
    let mut roles = Vec::new();
    plan.note_roles(&mut roles, |planned| planned.runs_now());
    status.in_force.roles = roles;
    let about_roles = plan.actions.iter().filter(|planned| match planned.action {
        Action::Role(RoleChange::PutPolicy { .. } | RoleChange::DeletePolicy { .. }) => planned.runs_now(),
        _ => false,
    });
    let mut count = 0;
    for planned in about_roles {
        memory.perform(&planned.action, &ClientTokens::new(), &mut BTreeMap::new());
        count += 1;
    }
    count
}

/// Whether nothing but the role keeps one of these workloads from running.
fn can_run(findings: &[Finding], scope: &Scope) -> bool {
    let Scope::Workloads(profile, workloads) = scope else {
        panic!("roles are the workloads': {scope:?}");
    };
    workloads.iter().any(|workload| {
        let concerns = |finding: &&Finding| match finding.concerns(profile) {
            Some(Some(named)) => named.contains(workload),
            Some(None) => true,
            None => false,
        };
        let mut in_the_way = findings
            .iter()
            .filter(concerns)
            .filter(|finding| finding.weight == Weight::Blocks);
        !in_the_way.any(|finding| finding.concern != Concern::Roles)
    })
}

/// The policies that roles have for reasons of their own.
fn own(memory: &Memory) -> Vec<Vec<RolePolicy>> {
    let is_own = |policy: &&RolePolicy| policy.policy_name.starts_with("own-");
    let roles = memory.snapshot.roles.iter();
    roles
        .map(|role| role.role_policy_list.iter().filter(is_own).cloned().collect())
        .collect()
}

/// Everything that a role may be given, written out: what AWS's pages list of
/// network interfaces.
const NETWORK: [&str; 11] = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ec2:ModifyNetworkInterfaceAttribute",
];

/// The actions that a policy names, as it spells them.
fn actions_of(policy: &PolicyDocument) -> Vec<String> {
    let document = policy.to_value();
    let listed = |value: &Value| match value {
        Value::Array(many) => many.clone(),
        one => vec![one.clone()],
    };
    let statements = listed(&document["Statement"]);
    let actions = statements.iter().flat_map(|statement| {
        assert!(statement.get("NotAction").is_none(), "{statement}");
        listed(&statement["Action"])
    });
    actions
        .map(|action| action.as_str().expect("an action").to_owned())
        .collect()
}

proptest! {
    #[test]
    fn no_role_is_given_more_than_the_network_part(
        world in world_with_roles(true),
        kinds in vec(select(WorkloadKind::ALL.to_vec()), 1..6),
        was in select(vec![None, Some("iam:PassRole"), Some("sagemaker:*"), Some("*"), Some("ec2:Describe*")]),
        established in any::<bool>(),
        refused in any::<bool>(),
    ) {
        let mut world = with_kinds(world, &kinds, false);
        let ownership = validated(&world.references).vpc.ownership;
        let mut memory = Memory::new(world.snapshot.clone());
        if established {
            for reference in &mut world.references.profiles {
                reference.profile.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
            }
        }
        if refused && let Some(reference) = world.references.profiles.first_mut() {
            reference.profile.spec.security_groups =
                serde_json::from_value(json!({ "ids": ["sg-0123456789abcdef0"] })).expect("a group");
        }
        // What a policy of our name holds, whoever wrote it, is no reason to keep it.
        if let Some(action) = was {
            for role in &mut memory.snapshot.roles {
                role.role_policy_list.push(RolePolicy {
                    policy_name: role_policy_name(&ownership),
                    policy_document: json!({ "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" } }),
                });
            }
        }
        for planned in plan_of(&world.references, &memory).actions {
            if let Action::Role(RoleChange::PutPolicy { policy, .. }) = &planned.action {
                for action in actions_of(policy) {
                    prop_assert!(NETWORK.contains(&action.as_str()), "{action} in {}", policy.to_value());
                }
            }
        }
    }

    #[test]
    fn what_a_role_lacks_is_given_once(mut world in world_with_roles(true)) {
        let mut memory = Memory::new(world.snapshot.clone());
        let before = own(&memory);
        carry_out(&mut world.references, &mut memory);
        prop_assert_eq!(carry_out(&mut world.references, &mut memory), 0, "it is done at once");
        prop_assert_eq!(own(&memory), before);
        // What is left is what no statement of ours mends.
        let findings = plan_of(&world.references, &memory).findings;
        for finding in &findings {
            let is_lack = finding.reason == Reason::ActionsMissing && finding.weight == Weight::Blocks;
            let is_beyond_us = ["is denied", "nothing beyond what network interfaces need"];
            let is_told = is_beyond_us.iter().any(|words| finding.message.contains(words));
            prop_assert!(!is_lack || is_told || !can_run(&findings, &finding.scope), "{}", finding.message);
        }
    }

    #[test]
    fn what_is_only_verified_is_never_changed(mut world in world_with_roles(false)) {
        let mut memory = Memory::new(world.snapshot.clone());
        prop_assert_eq!(carry_out(&mut world.references, &mut memory), 0);
    }

    #[test]
    fn roles_are_in_the_end_as_they_were(mut world in world_with_roles(true)) {
        let mut memory = Memory::new(world.snapshot.clone());
        carry_out(&mut world.references, &mut memory);
        delete(&mut world.references);
        carry_out(&mut world.references, &mut memory);
        prop_assert_eq!(&memory.snapshot.roles, &world.snapshot.roles);
        let owned = plan_of(&world.references, &memory).roles_in_force;
        prop_assert!(owned.is_empty(), "{owned:?}");
    }

    #[test]
    fn what_a_role_was_given_outlives_no_vpc(mut world in world_with_roles(true)) {
        let mut memory = Memory::new(world.snapshot.clone());
        let given = carry_out(&mut world.references, &mut memory);
        delete(&mut world.references);
        let network = Network::new(&validated(&world.references));
        let roles = memory.snapshot.vpc(&network.vpc.vpc_id).expect("the VPC is still there").roles;
        let gone = VpcSnapshot {
            roles,
            ..VpcSnapshot::gone(&network.vpc.vpc_id, &Snapshot::default())
        };
        let plan = plan(&network, &gone, &History::none(now()));
        prop_assert_eq!(plan.actions.len(), given);
        let only_roles = plan.actions.iter().all(|planned| matches!(planned.action, Action::Role(RoleChange::DeletePolicy { .. })));
        prop_assert!(only_roles, "{:?}", plan.actions);
        prop_assert_eq!(plan.owned.len(), given);
    }

    #[test]
    fn two_that_serve_one_role_never_take_turns(mut world in world_with_roles(true), order in any::<bool>()) {
        let mut memory = Memory::new(world.snapshot.clone());
        let mut other = world.references.clone();
        other.vpc.metadata.name = Some("other".to_owned());
        for _ in 0..2 {
            // Neither has seen yet what the other does.
            let (first, second) = if order { (&mut world.references, &mut other) } else { (&mut other, &mut world.references) };
            carry_out(first, &mut memory);
            carry_out(second, &mut memory);
        }
        prop_assert_eq!(carry_out(&mut world.references, &mut memory), 0);
        prop_assert_eq!(carry_out(&mut other, &mut memory), 0);
        delete(&mut other);
        carry_out(&mut other, &mut memory);
        prop_assert_eq!(carry_out(&mut world.references, &mut memory), 0, "what one takes off, the other does not miss");
    }

    #[test]
    fn our_policy_is_put_back_whatever_becomes_of_it(mut world in world_with_roles(true), damage in 0..3u8) {
        let mut memory = Memory::new(world.snapshot.clone());
        carry_out(&mut world.references, &mut memory);
        let whole = memory.snapshot.roles.clone();
        for role in &mut memory.snapshot.roles {
            let ours = |policy: &RolePolicy| policy.policy_name.starts_with("sagevpc-");
            match damage {
                0 => role.role_policy_list.retain(|policy| !ours(policy)),
                1 => role.role_policy_list.iter_mut().filter(|policy| ours(policy)).for_each(|policy| {
                    policy.policy_document = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
                }),
                _ => role.role_policy_list.iter_mut().filter(|policy| ours(policy)).for_each(|policy| {
                    policy.policy_document = json!("no policy");
                }),
            }
        }
        carry_out(&mut world.references, &mut memory);
        let sorted = |roles: &[RoleDetail]| -> Vec<RoleDetail> {
            let mut roles = roles.to_vec();
            roles.iter_mut().for_each(|role| role.role_policy_list.sort_by(|a, b| a.policy_name.cmp(&b.policy_name)));
            roles
        };
        prop_assert_eq!(sorted(&memory.snapshot.roles), sorted(&whole));
    }
}
