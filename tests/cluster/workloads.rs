//! Every kind of workload, from nothing to ready and gone again.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{VpcEndpoint, VpcEndpointType};
use serde_json::{Value, json};

use crate::fixture::{World, eventually, wait};

/// The services that have an interface endpoint in the world's VPC.
fn services(world: &World<'_>) -> BTreeSet<String> {
    let endpoints = world.network.endpoints();
    endpoints
        .iter()
        .filter(|endpoint| endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Interface))
        .map(|endpoint| endpoint.service_name().unwrap().to_owned())
        .collect()
}

/// Brings up a profile with this one workload, checks what it gets, and takes
/// it down until AWS is as it was.
#[track_caller]
fn comes_and_goes(name: &'static str, workload: Value, subnets: usize, wanted: &[&str]) {
    let world = World::new(name);
    let before = world.network.census();
    let profile = json!({ "workloads": [workload] });
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("team", profile)]);
    world.until_ready("team");

    let config = world.profile_now("team").unwrap()["status"]["workloads"][0]["vpcConfig"].clone();
    assert_eq!(config["subnets"].as_array().unwrap().len(), subnets, "{config:#}");
    assert_eq!(config["securityGroupIds"].as_array().unwrap().len(), 1, "{config:#}");
    let wanted: BTreeSet<String> = wanted
        .iter()
        .map(|service| format!("com.amazonaws.us-east-1.{service}"))
        .collect();
    assert_eq!(services(&world), wanted);

    world.delete_profile("team");
    world.until_gone("the profile", || world.profile_now("team"));
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}

#[test]
fn training_comes_and_goes() {
    let workload = json!({ "name": "train", "kind": "Training", "instances": 2, "distributed": true,
        "interContainerEncryption": true, "efa": true });
    comes_and_goes("training", workload, 3, &[]);
}

#[test]
fn tuning_comes_and_goes() {
    comes_and_goes(
        "tuning",
        json!({ "name": "tune", "kind": "Tuning", "instances": 4 }),
        3,
        &[],
    );
}

#[test]
fn transform_comes_and_goes() {
    comes_and_goes("transform", json!({ "name": "score", "kind": "Transform" }), 3, &[]);
}

#[test]
fn model_monitor_comes_and_goes() {
    comes_and_goes("monitor", json!({ "name": "watch", "kind": "ModelMonitor" }), 3, &[]);
}

#[test]
fn clarify_comes_and_goes() {
    let workload = json!({ "name": "explain", "kind": "Clarify", "shadowEndpoint": {} });
    comes_and_goes("clarify", workload, 3, &["sagemaker.api", "sagemaker.runtime"]);
}

#[test]
fn a_notebook_comes_and_goes() {
    let workload = json!({ "name": "look", "kind": "Notebook" });
    comes_and_goes("notebook", workload, 1, &["sagemaker.api", "sagemaker.runtime"]);
}

#[test]
fn studio_comes_and_goes() {
    let workload = json!({ "name": "domain", "kind": "Studio", "instances": 5 });
    comes_and_goes("studio", workload, 3, &["sagemaker.api", "sagemaker.runtime"]);
}

#[test]
fn elastic_inference_is_told_to_be_gone_and_keeps_nobody_else_from_running() {
    let world = World::new("elastic-inference");
    let workloads = json!([
        { "name": "serve", "kind": "Hosting", "instances": 2 },
        { "name": "accelerated", "kind": "ElasticInference", "instances": 2 },
    ]);
    world.kubectl().apply(&[
        world.vpc(json!({})),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    let message = world.until_profile("team", "ElasticInferenceReady", "False", "ServiceRetired");
    assert!(message.contains("inf2"), "{message}");
    eventually("the other workload can run", || {
        let profile = world.profile_now("team").unwrap();
        match profile["status"]["workloadsReady"].as_str() {
            Some("1/2") => Ok(()),
            _ => Err(format!("{profile:#}")),
        }
    });
    let profile = world.profile_now("team").unwrap();
    let verdicts = &profile["status"]["workloads"];
    assert_eq!(
        (&verdicts[0]["ready"], &verdicts[1]["ready"]),
        (&json!("Yes"), &json!("No"))
    );
    let blocker = &profile["status"]["blockers"][0];
    assert_eq!(blocker["reason"], "ServiceRetired", "{blocker:#}");
    assert_eq!(blocker["who"], "Team", "{blocker:#}");
    assert_eq!(blocker["workloads"], json!(["accelerated"]), "{blocker:#}");
    assert_eq!(services(&world), BTreeSet::new());
}

/// The interface endpoint for a service.
fn endpoint_for(world: &World<'_>, service: &str) -> VpcEndpoint {
    let endpoints = world.network.endpoints();
    let found = endpoints
        .iter()
        .find(|endpoint| endpoint.service_name().is_some_and(|name| name.ends_with(service)));
    found.unwrap_or_else(|| panic!("{endpoints:?}")).clone()
}

fn groups_of(endpoint: &VpcEndpoint) -> BTreeSet<String> {
    let groups = endpoint.groups().iter();
    groups.map(|group| group.group_id().unwrap().to_owned()).collect()
}

#[test]
fn an_endpoints_swapped_group_and_lost_private_dns_come_back() {
    let world = World::new("swapped");
    let workloads = json!([{ "name": "look", "kind": "Notebook" }]);
    world.kubectl().apply(&[
        world.vpc(json!({ "services": ["sts"] })),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    world.until_ready("team");
    world.until_vpc("InSync", "True", "Ok");
    let before = endpoint_for(&world, ".sts");
    let other = world.network.make_group("somebody-elses");
    let mut modify = world
        .network
        .client
        .modify_vpc_endpoint()
        .vpc_endpoint_id(before.vpc_endpoint_id().unwrap())
        .add_security_group_ids(&other)
        .private_dns_enabled(false);
    for group in groups_of(&before) {
        modify = modify.remove_security_group_ids(group);
    }
    wait(modify.send()).unwrap();
    assert_ne!(groups_of(&endpoint_for(&world, ".sts")), groups_of(&before));

    eventually("the endpoint is as it was", || {
        let now = endpoint_for(&world, ".sts");
        let is_back = groups_of(&now) == groups_of(&before) && now.private_dns_enabled() == Some(true);
        if is_back { Ok(()) } else { Err(format!("{now:?}")) }
    });
    world.until_event("SageMakerVpc", world.name, "DriftRepaired");
    world.until_vpc("EndpointsReady", "True", "Ok");
}
