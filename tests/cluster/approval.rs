//! What waits for a person, and what is only looked at.

use serde_json::{Value, json};

use crate::fixture::{World, condition, eventually, wait};

fn held(vpc: &Value) -> &Value {
    &vpc["status"]["plan"]["held"]
}

/// Waits until changes are held, and gives their digest.
fn until_held(world: &World<'_>) -> String {
    eventually("changes wait to be approved", || {
        let vpc = world.vpc_now().unwrap();
        held(&vpc)["digest"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{vpc:#}"))
    })
}

#[test]
fn what_can_cut_the_traffic_of_others_waits_until_exactly_that_is_approved() {
    let world = World::new("approval");
    let theirs = world.network.make_group("others");
    let interface = world.network.make_interface(&theirs, "somebody's database");
    // By this road their traffic reaches S3 today, and an endpoint would take it over.
    open_a_road_to_s3(&world);
    world.kubectl().apply(&[
        world.vpc(json!({ "s3": { "policy": { "type": "Buckets" } } })),
        world.profile("fraud", json!({})),
    ]);
    let digest = until_held(&world);
    let told = world.until_event("SageMakerVpc", world.name, "Held");
    assert!(told.contains(&digest) && told.contains(&interface), "{told}");
    world.until_profile("fraud", "Ready", "False", "AwaitingApproval");
    assert_eq!(world.network.endpoints(), [], "it waits");
    assert_eq!(world.network.groups().len(), 2, "what hits nobody is made at once");

    world.patch_vpc(json!({ "approvedPlan": "0123456789abcdef" }));
    eventually("the wrong digest is seen", || {
        let vpc = world.vpc_now().unwrap();
        if vpc["status"]["observedGeneration"] == vpc["metadata"]["generation"] {
            Ok(())
        } else {
            Err(vpc.to_string())
        }
    });
    assert_eq!(world.network.endpoints(), [], "another digest approves nothing");

    world.patch_vpc(json!({ "approvedPlan": digest }));
    world.until_ready("fraud");
    let made = world.network.endpoint();
    let told = eventually("it is told what was made, and who let it through", || {
        let events = world.events("SageMakerVpc", world.name);
        let of_it = |event: &&String| event.starts_with("Created: CreateVpcEndpoint");
        events.iter().find(of_it).cloned().ok_or_else(|| events.join("\n"))
    });
    let id = made.vpc_endpoint_id().unwrap();
    assert!(told.contains(id), "{told}");
    assert!(
        told.contains(&format!("approved by kubectl-patch as {digest}")),
        "{told}"
    );
}

/// Leads the private subnets of the main table to a NAT gateway.
fn open_a_road_to_s3(world: &World<'_>) {
    let client = &world.network.client;
    let nat = client.create_nat_gateway().subnet_id(&world.network.subnets[2]);
    let nat = nat.connectivity_type(aws_sdk_ec2::types::ConnectivityType::Private);
    let nat = wait(nat.send()).unwrap().nat_gateway.unwrap().nat_gateway_id.unwrap();
    let route = client
        .create_route()
        .route_table_id(&world.network.tables[0])
        .destination_cidr_block("0.0.0.0/0");
    wait(route.nat_gateway_id(nat).send()).unwrap();
}

#[test]
fn with_approval_all_nothing_is_made_unasked() {
    let world = World::new("approval-all");
    let before = world.network.census();
    world.kubectl().apply(&[
        world.vpc(json!({ "approval": "All" })),
        world.profile("fraud", json!({})),
    ]);
    let digest = until_held(&world);
    assert_eq!(world.network.census(), before);
    world.patch_vpc(json!({ "approvedPlan": digest }));
    // Creations bring rules with them that could not be known before; each step is asked for.
    eventually("all steps are approved and done", || {
        let profile = world.profile_now("fraud").unwrap();
        if condition(&profile, "Ready").is_some_and(|ready| ready["status"] == "True") {
            return Ok(());
        }
        let vpc = world.vpc_now().unwrap();
        if let Some(next) = held(&vpc)["digest"]
            .as_str()
            .filter(|next| vpc["spec"]["approvedPlan"] != *next)
        {
            world.patch_vpc(json!({ "approvedPlan": next }));
        }
        Err(format!("{vpc:#}"))
    });
}

#[test]
fn observe_shows_what_enforce_would_do_and_writes_nothing() {
    let world = World::new("observe");
    let before = world.network.census();
    world.kubectl().apply(&[
        world.vpc(json!({ "managementPolicy": "Observe" })),
        world.profile("fraud", json!({})),
    ]);
    let vpc = eventually("the plan is shown", || {
        let vpc = world.vpc_now().unwrap();
        let actions = vpc["status"]["plan"]["actions"].as_array().map_or(0, Vec::len);
        if actions > 0 && vpc["status"]["profiles"]["total"] == 1 {
            Ok(vpc)
        } else {
            Err(format!("{vpc:#}"))
        }
    });
    let actions = vpc["status"]["plan"]["actions"].as_array().unwrap();
    assert!(
        actions.iter().all(|action| action["state"] == "Planned"),
        "{actions:#?}"
    );
    let names: Vec<_> = actions
        .iter()
        .map(|action| action["action"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"CreateVpcEndpoint") && names.contains(&"CreateSecurityGroup"),
        "{names:?}"
    );
    world.until_profile("fraud", "Ready", "False", "ObserveOnly");
    for object in [world.vpc_now().unwrap(), world.profile_now("fraud").unwrap()] {
        assert_eq!(
            object["metadata"]["finalizers"],
            Value::Null,
            "what is observed can always be deleted"
        );
    }

    world.delete_profile("fraud");
    world.delete_vpc();
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}

#[test]
fn from_enforce_to_observe_what_was_made_stays_even_on_deletion() {
    let world = World::new("observe-later");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let made = world.network.census();
    world.patch_vpc(json!({ "managementPolicy": "Observe" }));
    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), made);
}
