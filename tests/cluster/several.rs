//! Several VPCs and profiles at once.

use serde_json::json;

use crate::fixture::{Network, World, has_tag, tables_of};

#[test]
fn vpcs_of_one_account_come_up_side_by_side_each_with_its_own() {
    let world = World::new("several");
    let names = ["several", "several-2", "several-3", "several-4", "several-5"];
    let more: Vec<Network> = names[1..].iter().map(|_| Network::new(&world.account)).collect();
    let networks: Vec<&Network> = [&world.network].into_iter().chain(&more).collect();
    let mut objects = Vec::new();
    for (name, network) in names.iter().zip(&networks) {
        objects.push(world.vpc_named(name, json!({ "vpcId": network.vpc })));
        objects.push(world.profile(name, json!({ "vpcRef": { "name": name } })));
    }
    world.kubectl().apply(&objects);
    for (name, network) in names.iter().zip(&networks) {
        world.until_ready(name);
        assert_eq!(
            tables_of(&network.endpoint()),
            network.tables.iter().cloned().collect(),
            "{name}"
        );
        let group = network.group();
        assert!(has_tag(group.tags(), "sagevpc.dev/vpc"), "{group:?}");
        let own = world.profile_now(name).unwrap()["status"]["vpcConfig"]["securityGroupIds"].clone();
        assert_eq!(own, json!([group.group_id().unwrap()]), "{name}");
    }
}

#[test]
fn profiles_of_one_vpc_share_its_endpoint_and_have_groups_of_their_own() {
    let world = World::new("sharing");
    let only = |name: &str, workload: serde_json::Value| world.profile(name, json!({ "workloads": [workload] }));
    world.kubectl().apply(&[
        world.vpc(json!({})),
        only("first", json!({ "name": "serve", "kind": "Hosting" })),
        only(
            "second",
            json!({ "name": "prepare", "kind": "Processing", "instances": 2, "distributed": true }),
        ),
        world.profile("third", json!({ "securityGroups": { "managed": "PerWorkload" } })),
    ]);
    for profile in ["first", "second", "third"] {
        world.until_ready(profile);
    }
    world.network.endpoint();
    assert_eq!(world.network.groups().len(), 1 + 1 + 3);
    let third = world.profile_now("third").unwrap();
    let configs: std::collections::BTreeSet<String> = third["status"]["workloads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|workload| workload["vpcConfig"]["securityGroupIds"].to_string())
        .collect();
    assert_eq!(configs.len(), 3, "each workload has a group of its own: {configs:?}");
}
