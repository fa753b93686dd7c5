//! What is outside the network and bears on it: execution roles, buckets, and
//! what SageMaker runs.

use serde_json::json;

use crate::fixture::{World, eventually};

#[test]
fn a_role_gets_what_it_lacks_and_loses_it_again() {
    let world = World::new("role");
    let role = world.account.make_role("fraud-compilation");
    let grants = json!({ "buckets": ["fraud-*"], "roles": [role], "enforce": { "roles": [role] } });
    let workloads = json!([{ "name": "compile", "kind": "Compilation", "roleArn": role }]);
    world.kubectl().apply(&[
        world.vpc(json!({ "grants": grants })),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    world.until_ready("team");
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
