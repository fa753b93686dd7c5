//! What is outside the network and bears on it: execution roles, buckets, what
//! SageMaker runs, and the workloads' own account.

use serde_json::json;

use crate::fixture::{Account, World, eventually, rules_of, wait};

#[test]
fn a_role_gets_what_it_lacks_and_loses_it_again() {
    let world = World::new("role");
    world.run_with_role("team", "fraud-compilation");
    let policies = || world.account.role_policies("fraud-compilation");
    let [policy] = &policies()[..] else {
        panic!("{:?}", policies())
    };
    assert!(policy.contains("ec2:ModifyNetworkInterfaceAttribute"), "{policy}");
    world.delete_profile("team");
    world.until_gone("the profile", || world.profile_now("team"));
    eventually("the role is as it was", || match policies().as_slice() {
        [] => Ok(()),
        left => Err(format!("{left:?}")),
    });
}

#[test]
fn a_role_that_lacks_actions_is_told_with_all_of_them() {
    let world = World::new("role-verified");
    let role = world.account.make_role("fraud-training");
    let workloads = json!([{ "name": "train", "kind": "Training", "roleArn": role }]);
    world.kubectl().apply(&[
        world.vpc(json!({ "grants": { "buckets": ["fraud-*"], "roles": [role] } })),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    let message = world.until_profile("team", "RolesReady", "False", "ActionsMissing");
    assert!(message.contains("ec2:CreateNetworkInterface"), "{message}");
    assert!(
        message.contains("Please check if you have ec2:CreateNetworkInterface permission"),
        "{message}"
    );
}

#[test]
fn a_bucket_is_locked_to_the_endpoint_once_that_is_approved() {
    let world = World::new("bucket");
    world.account.make_bucket("fraud-locked");
    let grants = json!({ "buckets": ["fraud-*"], "enforce": { "buckets": ["fraud-locked"] } });
    world.kubectl().apply(&[
        world.vpc(json!({ "grants": grants })),
        world.profile(
            "team",
            json!({ "buckets": [{ "name": "fraud-locked", "requireVpcEndpoint": {} }] }),
        ),
    ]);
    let digest = eventually("locking the bucket waits to be approved", || {
        let vpc = world.vpc_now().unwrap();
        let held = &vpc["status"]["plan"]["held"];
        let is_it = held["message"]
            .as_str()
            .is_some_and(|message| message.contains("fraud-locked"));
        if is_it {
            Ok(held["digest"].clone())
        } else {
            Err(format!("{vpc:#}"))
        }
    });
    assert_eq!(world.account.bucket_policy("fraud-locked"), None);
    world.patch_vpc(json!({ "approvedPlan": digest }));
    let endpoint = world.network.endpoint();
    let endpoint = endpoint.vpc_endpoint_id().unwrap();
    eventually("the bucket admits only the endpoint", || {
        match world.account.bucket_policy("fraud-locked") {
            Some(policy) if policy.contains(endpoint) && policy.contains("aws:SourceVpce") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    world.delete_profile("team");
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.account.bucket_policy("fraud-locked"), None);
}

#[test]
fn what_sagemaker_runs_is_listed_and_what_no_profile_knows_is_told() {
    let world = World::new("consumers");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let default = world.network.make_group("by-hand");
    world.account.serve("scores", &world.network.subnets[..1], &default);
    world
        .network
        .make_interface(&default, "[Do not delete] ENI managed by SageMaker");
    let message = world.until_vpc("ConsumersKnown", "False", "OutsideProfiles");
    assert!(message.contains("endpoint scores"), "{message}");
    let vpc = world.vpc_now().unwrap();
    let consumers = &vpc["status"]["consumers"];
    assert_eq!(consumers["listed"][0]["name"], "scores", "{consumers:#}");
    assert_eq!(consumers["networkInterfaces"], 1, "{consumers:#}");
    world.until_vpc("Ready", "True", "Ok");
}

#[test]
fn in_a_shared_vpc_groups_are_the_workloads_accounts_and_the_endpoint_is_the_owners() {
    let world = World::new("shared");
    let workloads = Account::new(world.stack);
    let credentials = json!({
        "network": { "roleArn": world.account.role_arn },
        "workloads": { "roleArn": workloads.role_arn },
    });
    world.kubectl().apply(&[
        world.vpc(json!({ "credentials": credentials })),
        world.profile("team", json!({})),
    ]);
    let message = world.until_profile("team", "SubnetsReady", "False", "SharedVpc");
    assert!(message.contains(&workloads.id), "{message}");
    assert!(message.contains("AWS Resource Access Manager"), "{message}");
    assert_eq!(world.network.groups(), []);

    world.share_with(&workloads);
    world.until_ready("team");
    let theirs = world.network.seen_by(&workloads);
    let group = theirs.group();
    let as_made = rules_of(&group);
    assert_eq!(world.network.groups(), []);
    world.network.endpoint();

    let group_id = group.group_id().unwrap();
    let revoke = workloads.client.revoke_security_group_ingress().group_id(group_id);
    wait(revoke.set_ip_permissions(Some(group.ip_permissions().to_vec())).send()).unwrap();
    assert_ne!(rules_of(&theirs.group()), as_made);
    eventually("the rules are back", || match rules_of(&theirs.group()) {
        rules if rules == as_made => Ok(()),
        rules => Err(format!("{rules:?}")),
    });
    let profile = world.profile_now("team").unwrap();
    let published = &profile["status"]["vpcConfig"]["securityGroupIds"];
    assert_eq!(*published, json!([group_id]), "{profile:#}");

    world.delete_profile("team");
    world.until_gone("the profile", || world.profile_now("team"));
    assert_eq!(theirs.groups(), []);
}
