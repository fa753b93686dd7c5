//! What lets traffic out of the VPC, and what records it.

use std::time::{Duration, Instant};

use aws_sdk_ec2::types::{FlowLog, NatGateway, NatGatewayState};
use serde_json::{Value, json};

use crate::fixture::{World, eventually, has_tag, wait};

fn nat_gateways(world: &World<'_>) -> Vec<NatGateway> {
    let described = wait(world.network.client.describe_nat_gateways().send()).unwrap();
    let all = described.nat_gateways.unwrap_or_default().into_iter();
    all.filter(|nat| nat.vpc_id() == Some(&world.network.vpc))
        .filter(|nat| nat.state() != Some(&NatGatewayState::Deleted))
        .collect()
}

/// Where the private subnets' tables lead by default.
fn ways_out(world: &World<'_>) -> Vec<Option<String>> {
    let request = world.network.client.describe_route_tables();
    let tables = wait(request.set_route_table_ids(Some(world.network.tables.to_vec())).send()).unwrap();
    let tables = tables.route_tables.unwrap_or_default();
    tables
        .iter()
        .map(|table| {
            let default = table
                .routes()
                .iter()
                .find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"));
            default.and_then(|route| route.nat_gateway_id().map(str::to_owned))
        })
        .collect()
}

fn outward(name: &'static str, mode: &str) -> (World<'static>, Value, Value) {
    let world = World::new(name);
    let vpc = world.vpc(json!({
        "internet": { "mode": mode, "natGateways": "Single" },
        "grants": { "destinations": ["*.example.org"], "buckets": ["fraud-*"] },
    }));
    let profile = world.profile(
        "team",
        json!({
            "workloads": [{ "name": "prepare", "kind": "Processing" }],
            "destinations": [{ "host": "packages.example.org", "ports": [443] }],
        }),
    );
    (world, vpc, profile)
}

#[test]
fn a_managed_way_out_comes_is_kept_and_goes() {
    let (world, vpc, profile) = outward("way-out", "ManagedNat");
    let public = world.network.open_a_public_subnet();
    let before = world.network.census();
    world.kubectl().apply(&[vpc, profile]);
    world.until_ready("team");
    world.until_vpc("InSync", "True", "Ok");
    let nats = nat_gateways(&world);
    let [nat] = nats.as_slice() else { panic!("{nats:?}") };
    assert_eq!(nat.subnet_id(), Some(public.as_str()));
    assert!(has_tag(nat.tags(), "sagevpc.dev/resource"), "{nat:?}");
    let id = nat.nat_gateway_id().unwrap().to_owned();
    assert_eq!(ways_out(&world), [Some(id.clone()), Some(id.clone())]);

    let delete = world.network.client.delete_route().destination_cidr_block("0.0.0.0/0");
    wait(delete.route_table_id(&world.network.tables[1]).send()).unwrap();
    eventually("the route is back", || {
        let ways = ways_out(&world);
        if ways == [Some(id.clone()), Some(id.clone())] {
            Ok(())
        } else {
            Err(format!("{ways:?}"))
        }
    });

    world.delete_profile("team");
    world.until_gone("the profile", || world.profile_now("team"));
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(nat_gateways(&world), []);
    let addresses = wait(world.network.client.describe_addresses().send()).unwrap();
    assert_eq!(addresses.addresses(), []);
    assert_eq!(world.network.census(), before);
}

#[test]
fn a_missing_way_out_is_told_with_what_would_make_one() {
    let (world, vpc, profile) = outward("no-way-out", "Existing");
    world.kubectl().apply(&[vpc, profile]);
    let message = world.until_profile("team", "InternetReady", "False", "NoWayOut");
    assert!(
        message.contains("subnet-") && message.contains("Ask the platform team to give the subnets a way out"),
        "{message}"
    );
    // The platform team is told how.
    let message = world.until_vpc("ProfilesReady", "False", "NoWayOut");
    assert!(message.contains("ManagedNat"), "{message}");
    let profile = world.profile_now("team").unwrap();
    assert_eq!(profile["status"]["workloads"][0]["ready"], "No", "{profile:#}");
}

fn flow_logs(world: &World<'_>) -> Vec<FlowLog> {
    let described = wait(world.network.client.describe_flow_logs().send()).unwrap();
    let all = described.flow_logs.unwrap_or_default().into_iter();
    all.filter(|log| log.resource_id() == Some(&world.network.vpc))
        .collect()
}

#[test]
fn a_flow_log_comes_is_replaced_when_it_changes_and_goes() {
    let world = World::new("flow-log");
    let to = |prefix: &str| json!({ "flowLogs": { "logDestinationType": "s3", "logDestination": format!("arn:aws:s3:::flow-logs/{prefix}") } });
    world.account.make_bucket("flow-logs");
    world
        .kubectl()
        .apply(&[world.vpc(to("first")), world.profile("team", json!({}))]);
    world.until_ready("team");
    world.until_vpc("FlowLogsReady", "True", "Ok");
    let only = || {
        let logs = flow_logs(&world);
        match logs.as_slice() {
            [log] => Ok(log.clone()),
            _ => Err(format!("{logs:?}")),
        }
    };
    let first = only().unwrap();
    world.patch_vpc(to("second"));
    let second = eventually("the flow log is another", || {
        only().and_then(|log| {
            let moved = log.log_destination() == Some("arn:aws:s3:::flow-logs/second");
            if moved { Ok(log) } else { Err(format!("{log:?}")) }
        })
    });
    assert_ne!(first.flow_log_id(), second.flow_log_id());
    world.delete_profile("team");
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(flow_logs(&world), []);
}

#[test]
fn what_is_deleted_within_a_minute_of_being_made_is_made_again_at_once() {
    let world = World::new("deleted-young");
    world.account.make_bucket("flow-logs-deleted-young");
    let logs = json!({ "logDestinationType": "s3", "logDestination": "arn:aws:s3:::flow-logs-deleted-young" });
    let mut absent = Instant::now();
    world
        .kubectl()
        .apply(&[world.vpc(json!({ "flowLogs": logs })), world.profile("team", json!({}))]);
    world.until_ready("team");
    let client = &world.network.client;
    // What was made again is as young as what was made first: on a machine with
    // much to do, one of these comes within the minute.
    let in_time = (0..3).any(|_| {
        world.until_vpc("Ready", "True", "Ok");
        let endpoint = world.network.endpoint();
        let [log] = flow_logs(&world).try_into().unwrap();
        let id = endpoint.vpc_endpoint_id().unwrap();
        let before = std::mem::replace(&mut absent, Instant::now());
        wait(client.delete_vpc_endpoints().vpc_endpoint_ids(id).send()).unwrap();
        let old = log.flow_log_id().unwrap();
        wait(client.delete_flow_logs().flow_log_ids(old).send()).unwrap();
        eventually("both are there again", || {
            let (endpoints, logs) = (world.network.endpoints(), flow_logs(&world));
            if endpoints.is_empty() || logs.is_empty() {
                return Err(format!("{endpoints:?} {logs:?}"));
            }
            Ok(())
        });
        let in_time = before.elapsed() < Duration::from_secs(60);
        world.until_vpc("Ready", "True", "Ok");
        let [again] = flow_logs(&world).try_into().unwrap();
        assert_ne!(again.flow_log_id(), Some(old));
        assert_ne!(world.network.endpoint().vpc_endpoint_id(), Some(id));
        in_time
    });
    assert!(
        in_time,
        "later than a minute after they were made, they would have come anyway"
    );
}
