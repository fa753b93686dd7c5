//! The example that everyone starts from, as it stands in deploy/examples.

use serde_json::json;

use crate::fixture::{World, eventually, is_true, tables_of};

const QUICKSTART: &str = include_str!("../../deploy/examples/quickstart.yaml");

/// The quickstart for a test's own VPC and account, and for names of its own.
fn quickstart(world: &World<'_>) -> String {
    let role_arn = world.account.role_arn.as_ref().unwrap();
    let role = format!("  credentials: {{network: {{roleArn: {role_arn}}}}}\n  region:");
    let text = QUICKSTART
        .replace("vpc-0123456789abcdef0", &world.network.vpc)
        .replace("ml-fraud", world.name)
        .replace("research", world.name)
        .replacen("  region:", &role, 1);
    for put in [&world.network.vpc, role_arn] {
        assert_eq!(text.matches(put.as_str()).count(), 1, "{text}");
    }
    text
}

#[test]
fn becomes_ready_and_gives_the_vpc_config_to_copy() {
    let world = World::new("quickstart");
    world.kubectl().apply_text(&quickstart(&world));
    world.until_ready("fraud");

    let profile = world.profile_now("fraud").unwrap();
    let (endpoint, group) = (world.network.endpoint(), world.network.group());
    let mut subnets = world.network.subnets.clone();
    subnets.sort();
    let expected = json!({ "subnets": subnets, "securityGroupIds": [group.group_id().unwrap()] });
    assert_eq!(profile["status"]["vpcConfig"], expected);
    let workloads = profile["status"]["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), 3);
    for workload in workloads {
        assert_eq!(
            (&workload["ready"], &workload["vpcConfig"]),
            (&json!("Yes"), &expected),
            "{workload}"
        );
    }
    assert_eq!(
        profile["status"]["observedGeneration"],
        profile["metadata"]["generation"]
    );
    assert_eq!(tables_of(&endpoint), world.network.tables.iter().cloned().collect());
    let policy = endpoint.policy_document().unwrap();
    assert!(
        policy.contains("amazonlinux-2-repos-us-east-1"),
        "package repositories are denied: {policy}"
    );
}

#[test]
fn shows_on_the_vpc_object_what_serves_whom() {
    let world = World::new("quickstart-vpc");
    world.kubectl().apply_text(&quickstart(&world));
    world.until_ready("fraud");
    let vpc = eventually("the VPC object speaks of its profile", || {
        let vpc = world.vpc_now().unwrap();
        if is_true(&vpc, "Ready") && vpc["status"]["workloads"] == "3/3" {
            Ok(vpc)
        } else {
            Err(format!("{vpc:#}"))
        }
    });
    assert_eq!(
        vpc["status"]["profiles"],
        json!({ "total": 1, "ready": 1, "notReady": 0, "refused": 0 })
    );
    let resources = vpc["status"]["resources"].as_array().unwrap();
    let ids: Vec<_> = resources
        .iter()
        .map(|resource| resource["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.contains(&world.network.endpoint().vpc_endpoint_id().unwrap()),
        "{ids:?}"
    );
    assert!(ids.contains(&world.network.group().group_id().unwrap()), "{ids:?}");
    assert!(
        resources.iter().all(|resource| resource["ownership"] == "Ours"),
        "{resources:?}"
    );
    let shown = world
        .kubectl()
        .run(&["get", "sagemakervpcprofile", "--namespace", world.name]);
    assert!(shown.contains("3/3"), "{shown}");
}
