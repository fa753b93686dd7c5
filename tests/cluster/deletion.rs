//! What goes takes with it what was made for it, and nothing else.

use serde_json::json;

use crate::fixture::{World, eventually, has_tag};

#[test]
fn deletion_leaves_aws_as_it_was() {
    let world = World::new("deletion");
    let before = world.network.census();
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    assert_ne!(world.network.census(), before);

    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    assert_eq!(world.network.groups().len(), 0, "the profile's group goes with it");
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}

#[test]
fn the_vpc_object_waits_for_the_profiles_that_refer_to_it() {
    let world = World::new("deletion-vpc");
    let before = world.network.census();
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let made = world.network.census();

    world.delete_vpc();
    let message = world.until_vpc("Ready", "False", "Deleting");
    let profile = format!("{}/fraud", world.name);
    assert!(message.contains(&profile), "{message}");
    let told = world.until_event("SageMakerVpc", world.name, "DeletionBlocked");
    assert!(told.contains(&profile), "{told}");
    world.until_profile("fraud", "Accepted", "False", "Deleting");
    world.until_ready("fraud");
    // One that comes now is too late.
    world.kubectl().apply(&[world.profile("late", json!({}))]);
    let message = world.until_profile("late", "Accepted", "False", "Deleting");
    assert!(message.contains("another VPC"), "{message}");
    assert_eq!(world.network.census(), made, "nothing goes, and nothing is made");

    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
    let message = world.until_profile("late", "Accepted", "False", "VpcRefNotFound");
    assert!(message.contains(world.name), "{message}");
    world.delete_profile("late");
    world.until_gone("the profile", || world.profile_now("late"));
}

#[test]
fn one_profile_of_two_takes_only_its_own() {
    let world = World::new("deletion-one");
    world.kubectl().apply(&[
        world.vpc(json!({})),
        world.profile("stays", json!({})),
        world.profile("goes", json!({})),
    ]);
    world.until_ready("stays");
    world.until_ready("goes");
    let kept = world.profile_now("stays").unwrap()["status"]["vpcConfig"].clone();
    let endpoint = world.network.endpoint();

    world.delete_profile("goes");
    world.until_gone("the profile", || world.profile_now("goes"));
    let left = [world.network.group().group_id().unwrap().to_owned()];
    assert_eq!(kept["securityGroupIds"], json!(left));
    assert_eq!(world.network.endpoint(), endpoint);
    world.until_ready("stays");
}

#[test]
fn a_group_in_use_is_named_with_what_uses_it_and_goes_later() {
    let world = World::new("deletion-blocked");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let group = world.network.group().group_id().unwrap().to_owned();
    let interface = world
        .network
        .make_interface(&group, "[DO NOT DELETE] ENI managed by SageMaker for a job");

    world.delete_profile("fraud");
    let told = world.until_event("SageMakerVpcProfile", "fraud", "DeletionBlocked");
    assert!(told.contains(&interface) && told.contains(&group), "{told}");
    assert!(
        world.profile_now("fraud").is_some(),
        "it stays as long as its group does"
    );
    world.network.delete_interface(&interface);
    world.until_gone("the profile", || world.profile_now("fraud"));
    assert_eq!(world.network.groups().len(), 0);
}

#[test]
fn the_s3_endpoint_waits_for_what_still_runs_and_goes_by_itself() {
    let world = World::new("deletion-waits");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let group = world.network.group().group_id().unwrap().to_owned();
    let endpoint = world.network.endpoint().vpc_endpoint_id().unwrap().to_owned();
    let interface = world
        .network
        .make_interface(&group, "[DO NOT DELETE] ENI managed by SageMaker for a job");

    world.delete_profile("fraud");
    world.delete_vpc();
    let told = eventually("the endpoint waits", || {
        let vpc = world.vpc_now().expect("it stays");
        let actions = vpc["status"]["plan"]["actions"].as_array().cloned().unwrap_or_default();
        let waits = |action: &&serde_json::Value| action["resource"] == endpoint.as_str() && action["state"] == "Held";
        let found = actions.iter().find(waits);
        found.cloned().ok_or_else(|| format!("{vpc:#}"))
    });
    let message = told["message"].as_str().unwrap();
    assert!(message.contains(&interface) && message.contains("S3"), "{message}");
    let told = world.until_event("SageMakerVpc", world.name, "DeletionBlocked");
    assert!(told.contains(&interface) && told.contains(&endpoint), "{told}");
    let message = world.until_vpc("Ready", "False", "Deleting");
    assert!(message.contains(&interface), "{message}");
    assert_eq!(world.network.endpoints().len(), 1);

    world.network.delete_interface(&interface);
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!((world.network.endpoints().len(), world.network.groups().len()), (0, 0));
}

#[test]
fn retain_leaves_what_was_made_and_takes_our_tags_off() {
    let world = World::new("retain");
    world.kubectl().apply(&[
        world.vpc(json!({ "deletionPolicy": "Retain" })),
        world.profile("fraud", json!({})),
    ]);
    world.until_ready("fraud");
    let (endpoint, group) = (world.network.endpoint(), world.network.group());

    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.delete_vpc();
    world.until_gone("the VPC object", || world.vpc_now());
    let (endpoint_now, group_now) = (world.network.endpoint(), world.network.group());
    assert_eq!(endpoint_now.vpc_endpoint_id(), endpoint.vpc_endpoint_id());
    assert_eq!(group_now.group_id(), group.group_id());
    for tags in [endpoint_now.tags(), group_now.tags()] {
        assert!(has_tag(tags, "sagevpc.dev/retained-from"), "{tags:?}");
        assert!(!has_tag(tags, "sagevpc.dev/cluster"), "{tags:?}");
    }
}

#[test]
fn an_adopted_endpoint_is_managed_and_in_the_end_released() {
    let world = World::new("adoption");
    let theirs = world.network.make_endpoint(&world.network.tables[..1]);
    world.kubectl().apply(&[
        world.vpc(json!({ "adopt": [theirs] })),
        world.profile("fraud", json!({ "packageRepositories": "Deny" })),
    ]);
    world.until_ready("fraud");
    let adopted = world.network.endpoint();
    assert_eq!(
        adopted.vpc_endpoint_id(),
        Some(theirs.as_str()),
        "no second one is made"
    );
    assert_eq!(
        adopted.route_table_ids().len(),
        2,
        "it is put on the other table as well"
    );
    let resources = world.vpc_now().unwrap()["status"]["resources"].clone();
    let listed = resources
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["id"] == json!(theirs));
    assert_eq!(listed.unwrap()["ownership"], "Adopted");

    world.delete_profile("fraud");
    world.delete_vpc();
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    let released = world.network.endpoint();
    assert_eq!(released.vpc_endpoint_id(), Some(theirs.as_str()));
    assert!(released.tags().is_empty(), "{:?}", released.tags());
    assert_eq!(world.network.groups().len(), 0);
}

#[test]
fn a_paused_vpc_object_stays_until_it_may_go_on() {
    let world = World::new("paused");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    world.patch_vpc(json!({ "paused": true }));
    world.delete_profile("fraud");
    world.delete_vpc();
    eventually("the deletion is seen and held back", || {
        let vpc = world.vpc_now().expect("it stays");
        let actions = vpc["status"]["plan"]["actions"].as_array().cloned().unwrap_or_default();
        let planned = !actions.is_empty() && actions.iter().all(|action| action["state"] == "Planned");
        if planned { Ok(()) } else { Err(format!("{vpc:#}")) }
    });
    assert_eq!((world.network.endpoints().len(), world.network.groups().len()), (1, 1));
    world.patch_vpc(json!({ "paused": false }));
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!((world.network.endpoints().len(), world.network.groups().len()), (0, 0));
}
