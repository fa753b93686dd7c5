//! What was made is forgotten only when the account in which it was made was
//! seen without it, or when its owners give it up.

use serde_json::json;

use crate::fixture::{Account, World, eventually, wait};

/// Points the VPC object to an account.
fn lead_to(world: &World<'_>, side: &str, account: &Account) {
    world.patch_vpc(json!({ "credentials": { side: { "roleArn": account.role_arn } } }));
}

/// Waits until the VPC object says that it is led to another account, with both.
fn until_elsewhere(world: &World<'_>, account: &Account) -> String {
    let message = world.until_vpc("AwsReachable", "False", "WrongAccount");
    for id in [&world.account.id, &account.id] {
        assert!(message.contains(id.as_str()), "{message}");
    }
    message
}

#[test]
fn what_is_seen_in_another_account_lets_nothing_go() {
    let world = World::new("pinned");
    let before = world.network.census();
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let (made, endpoint) = (world.network.census(), world.network.endpoint());
    let other = Account::new(world.stack);

    lead_to(&world, "network", &other);
    world.delete_profile("fraud");
    until_elsewhere(&world, &other);
    world.until_profile("fraud", "Ready", "False", "Deleting");
    world.delete_vpc();
    let told = world.until_event("SageMakerVpc", world.name, "DeletionBlocked");
    let id = endpoint.vpc_endpoint_id().unwrap();
    assert!(
        told.contains(id) && told.contains("AwsReachable says why (WrongAccount)"),
        "{told}"
    );
    assert!(world.vpc_now().is_some() && world.profile_now("fraud").is_some());
    assert_eq!(world.network.census(), made);

    lead_to(&world, "network", &world.account);
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}

#[test]
fn without_credentials_of_its_own_it_is_the_controllers_account_that_does_not_count() {
    let world = World::new("pinned-bare");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    world.patch_vpc(json!({ "credentials": null }));
    world.delete_profile("fraud");
    world.delete_vpc();
    let message = world.until_vpc("AwsReachable", "False", "WrongAccount");
    assert!(message.contains("123456789012"), "{message}");
    world.network.endpoint();
    assert!(world.vpc_now().is_some());
    lead_to(&world, "network", &world.account);
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.endpoints(), []);
}

#[test]
fn what_was_made_in_the_workloads_account_is_looked_for_there() {
    let world = World::new("pinned-workloads");
    world.run_with_role("fraud", "fraud-compilation");
    assert_eq!(world.account.role_policies("fraud-compilation").len(), 1);
    let other = Account::new(world.stack);
    lead_to(&world, "workloads", &other);
    world.delete_profile("fraud");
    world.delete_vpc();
    let message = until_elsewhere(&world, &other);
    assert!(message.contains("spec.credentials.workloads"), "{message}");
    assert_eq!(world.account.role_policies("fraud-compilation").len(), 1);
    lead_to(&world, "workloads", &world.account);
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.account.role_policies("fraud-compilation"), Vec::<String>::new());
}

#[test]
fn given_up_by_observe_nothing_is_removed_and_what_stays_is_named() {
    let world = World::new("given-up");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let made = world.network.census();
    let (endpoint, group) = (world.network.endpoint(), world.network.group());
    // As if the account were no more: nobody can look there.
    lead_to(&world, "network", &Account::new(world.stack));
    world.patch_vpc(json!({ "managementPolicy": "Observe" }));
    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    let told = world.until_event("SageMakerVpcProfile", "fraud", "LeftBehind");
    assert!(told.contains(group.group_id().unwrap()), "{told}");
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    let told = world.until_event("SageMakerVpc", world.name, "LeftBehind");
    for id in [
        endpoint.vpc_endpoint_id().unwrap(),
        group.group_id().unwrap(),
        &world.account.id,
    ] {
        assert!(told.contains(id), "{told}");
    }
    assert_eq!(world.network.census(), made);
}

#[test]
fn what_outlives_the_vpc_goes_with_its_object() {
    let world = World::new("outlived");
    world.network.open_a_public_subnet();
    world.account.make_bucket("outlived-logs");
    world.kubectl().apply(&[
        world.vpc(json!({
            "internet": { "mode": "ManagedNat", "natGateways": "Single" },
            "flowLogs": { "logDestinationType": "s3", "logDestination": "arn:aws:s3:::outlived-logs/a", "resourceType": "Subnet" },
            "grants": { "destinations": ["*.example.org"], "buckets": ["fraud-*"] },
        })),
        world.profile("fraud", json!({ "destinations": [{ "host": "a.example.org", "ports": [443] }] })),
    ]);
    world.until_ready("fraud");
    world.until_vpc("FlowLogsReady", "True", "Ok");
    world.patch_vpc(json!({ "paused": true }));
    world.network.delete();
    world.until_vpc("Accepted", "False", "VpcNotFound");
    let addresses = || {
        wait(world.network.client.describe_addresses().send())
            .unwrap()
            .addresses
            .unwrap_or_default()
    };
    let logs = || {
        wait(world.network.client.describe_flow_logs().send())
            .unwrap()
            .flow_logs
            .unwrap_or_default()
    };
    assert_eq!((addresses().len(), logs().len()), (1, 3));

    world.delete_profile("fraud");
    world.delete_vpc();
    let held = eventually("what is left is named", || {
        let vpc = world.vpc_now().expect("it stays");
        let message = vpc["status"]["conditions"].to_string();
        if message.contains("eipalloc-") {
            Ok(message)
        } else {
            Err(message)
        }
    });
    assert!(held.contains("fl-"), "{held}");
    world.patch_vpc(json!({ "paused": false }));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!((addresses(), logs()), (vec![], vec![]));
}

#[test]
fn with_its_status_lost_and_the_vpc_gone_it_stays_until_it_is_given_up() {
    let world = World::new("status-lost");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    world.patch_vpc(json!({ "paused": true }));
    world.network.delete();
    world.until_vpc("Accepted", "False", "VpcNotFound");
    let lost = json!({ "status": { "inForce": null, "ledger": null } }).to_string();
    let patch = [
        "patch",
        "sagemakervpc",
        world.name,
        "--subresource=status",
        "--type=merge",
        "--patch",
        &lost,
    ];
    world.kubectl().run(&patch);
    world.delete_vpc();
    let message = world.until_vpc("AwsReachable", "False", "WrongAccount");
    assert!(
        message.contains(&world.account.id) && message.contains("Observe"),
        "{message}"
    );
    world.patch_vpc(json!({ "managementPolicy": "Observe" }));
    world.until_gone("the VPC object", || world.vpc_now());
}
