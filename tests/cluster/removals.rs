//! What runs is not cut off: what it uses waits for it, by name, goes once it is
//! gone, and at once when that is approved.

use aws_sdk_ec2::types::NatGatewayState;
use serde_json::{Value, json};

use crate::fixture::{Network, World, eventually, wait};

const DESCRIPTION: &str = "[DO NOT DELETE] ENI managed by SageMaker for a job";

/// Starts something in the first subnet, with the group of the workloads.
fn start(world: &World<'_>) -> String {
    let groups = world.network.groups();
    let of_workloads = groups
        .iter()
        .find(|group| {
            group
                .description()
                .is_some_and(|text| text.starts_with("SageMaker workloads: "))
        })
        .expect("the profile has a group");
    world
        .network
        .make_interface(of_workloads.group_id().unwrap(), DESCRIPTION)
}

/// Waits until such a change waits for the interface, and gives the message.
#[track_caller]
fn until_waiting(world: &World<'_>, action: &str, interface: &str) -> String {
    eventually(&format!("{action} waits for {interface}"), || {
        let vpc = world.vpc_now().expect("it stays");
        let actions = vpc["status"]["plan"]["actions"].as_array().cloned().unwrap_or_default();
        let waits = |change: &&Value| {
            let message = change["message"].as_str().unwrap_or_default();
            change["action"] == action && change["state"] == "Held" && message.contains(interface)
        };
        let found = actions.iter().find(waits);
        let message = found.map(|change| change["message"].as_str().unwrap_or_default().to_owned());
        message.ok_or_else(|| format!("{:#}", vpc["status"]))
    })
}

fn approve(world: &World<'_>) {
    let vpc = world.vpc_now().expect("it is there");
    let digest = vpc["status"]["plan"]["held"]["digest"].clone();
    assert!(digest.is_string(), "{vpc:#}");
    world.patch_vpc(json!({ "approvedPlan": digest }));
}

#[test]
fn interface_endpoints_wait_for_what_calls_them() {
    let world = World::new("removal-services");
    let before = world.network.census();
    let workloads = json!([{ "name": "notes", "kind": "Notebook" }]);
    world.kubectl().apply(&[
        world.vpc(json!({})),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    world.until_ready("team");
    let made = world.network.endpoints().len();
    let interface = start(&world);

    world.delete_profile("team");
    world.delete_vpc();
    let message = until_waiting(&world, "DeleteVpcEndpoints", &interface);
    assert!(message.contains("goes on by itself once they are gone"), "{message}");
    assert_eq!(world.network.endpoints().len(), made, "S3's and those of the services");

    world.network.delete_interface(&interface);
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}

#[test]
fn the_way_out_waits_after_an_edit_and_goes_when_that_is_approved() {
    let world = World::new("removal-way-out");
    world.network.open_a_public_subnet();
    let profile = |destinations: Value| {
        let spec = json!({
            "workloads": [{ "name": "prepare", "kind": "Processing" }],
            "destinations": destinations,
        });
        world.profile("team", spec)
    };
    let vpc = world.vpc(json!({
        "internet": { "mode": "ManagedNat", "natGateways": "Single" },
        "grants": { "destinations": ["*.example.org"], "buckets": ["fraud-*"] },
    }));
    let named = json!([{ "host": "packages.example.org", "ports": [443] }]);
    world.kubectl().apply(&[vpc, profile(named)]);
    world.until_ready("team");
    let interface = start(&world);
    let nats = || {
        let described = wait(world.network.client.describe_nat_gateways().send()).unwrap();
        let all = described.nat_gateways.unwrap_or_default().into_iter();
        all.filter(|nat| nat.vpc_id() == Some(&world.network.vpc))
            .filter(|nat| nat.state() != Some(&NatGatewayState::Deleted))
            .count()
    };

    world.kubectl().apply(&[profile(json!([]))]);
    let message = until_waiting(&world, "DeleteRoute", &interface);
    assert!(message.contains("hosts outside the VPC"), "{message}");
    let message = world.until_vpc("InternetReady", "False", "DeletionBlocked");
    assert!(message.contains(&interface), "{message}");
    eventually("an event names it", || {
        let events = world.events("SageMakerVpc", world.name);
        let is_it = |event: &String| event.starts_with("DeletionBlocked: ") && event.contains(&interface);
        if events.iter().any(is_it) {
            Ok(())
        } else {
            Err(events.join("\n"))
        }
    });
    assert_eq!(nats(), 1);
    world.until_ready("team");

    approve(&world);
    eventually("the NAT gateway is gone", || match nats() {
        0 => Ok(()),
        left => Err(format!(
            "{left} are left: {:#}",
            world.vpc_now().unwrap()["status"]["plan"]
        )),
    });
}

#[test]
fn rules_of_a_group_wait_after_an_edit() {
    let world = World::new("removal-rules");
    let profile = |distributed: bool| {
        let workloads =
            json!([{ "name": "prepare", "kind": "Processing", "instances": 2, "distributed": distributed }]);
        world.profile("team", json!({ "workloads": workloads }))
    };
    world.kubectl().apply(&[world.vpc(json!({})), profile(true)]);
    world.until_ready("team");
    let interface = start(&world);
    let admitting = || world.network.group().ip_permissions().len();
    assert_eq!(admitting(), 1);

    world.kubectl().apply(&[profile(false)]);
    until_waiting(&world, "RevokeSecurityGroupIngress", &interface);
    let message = world.until_profile("team", "SecurityGroupsReady", "False", "DeletionBlocked");
    assert!(message.contains(&interface), "{message}");
    world.until_ready("team");
    assert_eq!(admitting(), 1);

    world.network.delete_interface(&interface);
    world.until_profile("team", "SecurityGroupsReady", "True", "Ok");
    assert_eq!(admitting(), 0);
}

#[test]
fn rules_of_a_network_acl_wait_for_what_they_let_through() {
    let world = World::new("removal-acl");
    let client = &world.network.client;
    let filter = aws_sdk_ec2::types::Filter::builder()
        .name("vpc-id")
        .values(&world.network.vpc)
        .build();
    let described = wait(client.describe_network_acls().filters(filter).send()).unwrap();
    let acl = described.network_acls()[0].clone();
    let id = acl.network_acl_id().unwrap();
    for entry in acl.entries().iter().filter(|entry| entry.rule_number() != Some(32_767)) {
        let delete = client.delete_network_acl_entry().network_acl_id(id);
        let delete = delete.rule_number(entry.rule_number().unwrap());
        wait(delete.egress(entry.egress().unwrap()).send()).unwrap();
    }
    let entries = || {
        let described = wait(client.describe_network_acls().network_acl_ids(id).send()).unwrap();
        described.network_acls()[0].entries().len()
    };
    let before = entries();
    let workloads = json!([{ "name": "prepare", "kind": "Processing" }]);
    world.kubectl().apply(&[
        world.vpc(json!({ "networkAcls": { "mode": "Enforce" } })),
        world.profile("team", json!({ "workloads": workloads })),
    ]);
    world.until_ready("team");
    let made = entries();
    assert!(made > before);
    let interface = start(&world);

    world.delete_profile("team");
    world.delete_vpc();
    until_waiting(&world, "DeleteNetworkAclEntry", &interface);
    assert_eq!(entries(), made);
    world.network.delete_interface(&interface);
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(entries(), before);
}

#[test]
fn a_roles_policy_waits_for_what_may_run_with_it() {
    let world = World::new("removal-role");
    let role = world.run_with_role("team", "fraud-removal");
    assert_eq!(world.account.role_policies("fraud-removal").len(), 1);
    let interface = start(&world);

    world.delete_profile("team");
    world.delete_vpc();
    let message = until_waiting(&world, "DeleteRolePolicy", &interface);
    assert!(message.contains(&role), "{message}");
    assert_eq!(world.account.role_policies("fraud-removal").len(), 1);
    world.network.delete_interface(&interface);
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.account.role_policies("fraud-removal"), Vec::<String>::new());
}

#[test]
fn a_buckets_statement_goes_before_the_endpoint_that_it_admits() {
    let world = World::new("removal-bucket");
    world.account.make_bucket("fraud-removal");
    let grants = json!({ "buckets": ["fraud-*"], "enforce": { "buckets": ["fraud-removal"] } });
    world.kubectl().apply(&[
        world.vpc(json!({ "grants": grants, "approval": "None" })),
        world.profile(
            "team",
            json!({ "buckets": [{ "name": "fraud-removal", "requireVpcEndpoint": {} }] }),
        ),
    ]);
    world.until_ready("team");
    eventually("the bucket is closed", || {
        world
            .account
            .bucket_policy("fraud-removal")
            .map(|_| ())
            .ok_or("it has no policy")
    });
    let interface = start(&world);

    world.delete_profile("team");
    world.delete_vpc();
    until_waiting(&world, "DeleteVpcEndpoints", &interface);
    eventually("nobody is kept out of the bucket any more", || {
        match world.account.bucket_policy("fraud-removal") {
            None => Ok(()),
            Some(policy) => Err(policy),
        }
    });
    world.network.endpoint();
    approve(&world);
    eventually("the endpoint is gone at once", || {
        match world.network.endpoints().len() {
            0 => Ok(()),
            left => Err(left),
        }
    });
    world.network.delete_interface(&interface);
    world.until_gone("the VPC object", || world.vpc_now());
}

#[test]
fn whoever_takes_a_profiles_name_takes_nothing_from_what_runs() {
    let world = World::new("removal-recreated");
    let profile = |services: Value| {
        let workloads = json!([{ "name": "prepare", "kind": "Processing" }]);
        world.profile("team", json!({ "workloads": workloads, "services": services }))
    };
    world.kubectl().apply(&[
        world.vpc(json!({ "grants": { "services": ["sts"], "buckets": ["fraud-*"] } })),
        profile(json!(["sts"])),
    ]);
    world.until_ready("team");
    let interface = start(&world);
    let made = world.network.endpoints().len();
    assert_eq!(made, 2, "S3's and that of the service");

    world.delete_profile("team");
    until_waiting(&world, "DeleteVpcEndpoints", &interface);
    let object = ["patch", "sagemakervpcprofile", "team", "--namespace", world.name];
    let patch = ["--type=merge", "--patch", r#"{"metadata":{"finalizers":null}}"#];
    world.kubectl().run(&[&object[..], &patch].concat());
    world.until_gone("the profile", || world.profile_now("team"));
    world.kubectl().apply(&[profile(json!([]))]);
    world.until_ready("team");
    let message = until_waiting(&world, "DeleteVpcEndpoints", &interface);
    assert!(message.contains("com.amazonaws.us-east-1.sts"), "{message}");
    assert_eq!(world.network.endpoints().len(), made);

    world.network.delete_interface(&interface);
    eventually("the endpoint of the service is gone", || {
        match world.network.endpoints().len() {
            1 => Ok(()),
            left => Err(left),
        }
    });
}

#[test]
fn a_buckets_statement_admits_an_endpoint_for_as_long_as_something_reads_by_it() {
    let world = World::new("removal-statement");
    world.account.make_bucket("fraud-statement");
    // Of two VPCs, so that the statement outlives either's endpoint.
    let elsewhere = Network::new(&world.account);
    let grants = json!({ "buckets": ["fraud-*"], "enforce": { "buckets": ["fraud-statement"] } });
    let vpc = json!({ "grants": grants, "approval": "None" });
    let mut other = world.vpc_named("removal-statement-other", vpc.clone());
    other["spec"]["vpcId"] = json!(elsewhere.vpc);
    let closed = json!([{ "name": "fraud-statement", "requireVpcEndpoint": {} }]);
    let of_other = json!({ "vpcRef": { "name": "removal-statement-other" }, "buckets": closed });
    world.kubectl().apply(&[
        world.vpc(vpc),
        other,
        world.profile("team", json!({ "buckets": closed })),
        world.profile("others", of_other),
    ]);
    world.until_ready("team");
    world.until_ready("others");
    let of = |network: &Network| network.endpoint().vpc_endpoint_id().unwrap().to_owned();
    let (ours, theirs) = (of(&world.network), of(&elsewhere));
    let policy = || world.account.bucket_policy("fraud-statement").unwrap_or_default();
    eventually("both endpoints are admitted", || {
        let policy = policy();
        if policy.contains(&ours) && policy.contains(&theirs) {
            Ok(())
        } else {
            Err(policy)
        }
    });
    let interface = start(&world);

    world.delete_profile("team");
    let message = until_waiting(&world, "PutBucketPolicy", &interface);
    assert!(message.contains("bucket fraud-statement of S3"), "{message}");
    assert!(policy().contains(&ours), "{}", policy());

    world.network.delete_interface(&interface);
    eventually("the endpoint is admitted no longer", || {
        let policy = policy();
        if !policy.contains(&ours) && policy.contains(&theirs) {
            Ok(())
        } else {
            Err(policy)
        }
    });
}
