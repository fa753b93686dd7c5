//! Teams that want opposite things of one VPC, and teams that may no longer be
//! in it.

use serde_json::{Value, json};

use crate::fixture::{World, eventually, rules_of};

fn wants(world: &World<'_>, name: &str, repositories: &str) -> Value {
    world.profile(name, json!({ "packageRepositories": repositories }))
}

#[test]
fn the_older_profile_has_its_way_and_the_later_is_told_of_it() {
    let world = World::new("conflict");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), wants(&world, "older", "Deny")]);
    world.until_ready("older");
    let policy = world.network.endpoint().policy_document().unwrap().to_owned();

    world.kubectl().apply(&[wants(&world, "later", "Allow")]);
    let message = world.until_profile("later", "Accepted", "False", "Conflict");
    assert!(message.contains(&format!("{}/older", world.name)), "{message}");
    world.until_event("SageMakerVpcProfile", "later", "Refused");
    assert_eq!(world.network.endpoint().policy_document(), Some(policy.as_str()));
    world.network.group();

    world.delete_profile("older");
    world.until_ready("later");
    assert_ne!(world.network.endpoint().policy_document(), Some(policy.as_str()));
}

#[test]
fn a_profile_that_changes_its_mind_does_not_open_what_another_wants_closed() {
    let world = World::new("conflict-later");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("older", json!({}))]);
    world.until_ready("older");
    world.kubectl().apply(&[wants(&world, "later", "Deny")]);
    world.until_ready("later");
    let policy = world.network.endpoint().policy_document().unwrap().to_owned();

    world.kubectl().apply(&[wants(&world, "older", "Allow")]);
    world.until_profile("older", "Accepted", "False", "Conflict");
    assert_eq!(world.network.endpoint().policy_document(), Some(policy.as_str()));
    assert_eq!(world.network.groups().len(), 2, "what the older one has stays");
}

#[test]
fn a_namespace_that_loses_its_permission_keeps_what_it_has_and_gets_no_more() {
    let world = World::new("permission");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let (endpoint, group) = (world.network.endpoint(), world.network.group());

    world.kubectl().apply(&[world.namespace(json!({ "team": "another" }))]);
    let message = world.until_profile("fraud", "Accepted", "False", "NotAllowed");
    assert!(
        message.contains(&format!("kubectl label namespace {} team={}", world.name, world.name)),
        "{message}"
    );
    // A profile of more workloads is refused as well, and changes nothing.
    let more = json!({ "workloads": [{ "name": "serve", "kind": "Hosting" }], "packageRepositories": "Deny" });
    world.kubectl().apply(&[world.profile("fraud", more)]);
    world.until_profile("fraud", "Accepted", "False", "NotAllowed");
    assert_eq!(rules_of(&world.network.group()), rules_of(&group));
    assert_eq!(world.network.endpoint().policy_document(), endpoint.policy_document());

    world.delete_profile("fraud");
    world.until_gone("the profile", || world.profile_now("fraud"));
    eventually("what it had goes with it", || {
        let left = (world.network.groups().len(), world.network.endpoints().len());
        if left == (0, 0) {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    });
}

#[test]
fn a_namespace_is_admitted_by_labelling_it() {
    let world = World::new("admission");
    world.kubectl().apply(&[world.namespace(json!({}))]);
    world.kubectl().run(&["label", "namespace", world.name, "team-"]);
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_profile("fraud", "Accepted", "False", "NotAllowed");
    assert_eq!(world.network.groups(), []);
    world
        .kubectl()
        .run(&["label", "namespace", world.name, &format!("team={}", world.name)]);
    world.until_ready("fraud");
}
