//! Objects that go without having been deleted: with the cluster that they were
//! in, or by the hands of someone who took our finalizer off.

use serde_json::json;

use crate::fixture::{Controller, Stack, World, always_until, condition, eventually};

const NO_FINALIZERS: &str = r#"{"metadata":{"finalizers":null}}"#;

/// Waits until the VPC was looked at some more times, checking all the while.
fn a_few_looks(controller: &Controller, world: &World<'_>, check: impl FnMut()) {
    let passes = || {
        let own = format!("vpc=\"{}\"", world.name);
        let log = controller.log();
        log.lines()
            .filter(|line| line.contains(&own) && line.contains("the pass ended"))
            .count()
    };
    let begun = passes();
    always_until("the VPC was looked at three times more", check, || {
        let looks = passes() - begun;
        (looks >= 3).then_some(()).ok_or(format!("{looks} times"))
    });
}

/// Takes an object away as if it had never been: nobody sees it being deleted.
fn lose(world: &World<'_>, kind: &str, arguments: &[&str]) {
    let kubectl = world.kubectl();
    let patch = ["patch", kind, "--type=merge", "--patch", NO_FINALIZERS];
    kubectl.run(&[&patch[..], arguments].concat());
    kubectl.run(&[&["delete", kind][..], arguments].concat());
}

fn until_all_is_known(world: &World<'_>) {
    eventually("the SageMakerVpc misses nobody", || {
        let now = world.vpc_now().unwrap();
        condition(&now, "ProfilesPresent").map_or(Ok(()), |found| Err(found.to_string()))
    });
}

#[test]
fn a_rebuilt_cluster_waits_for_its_profiles_and_resumes_with_the_same_resources() {
    let stack = Stack::start();
    let controller = Controller::start(&stack, "controller", |_| {});
    let world = World::on(&stack, "rebuilt");
    let untouched = world.network.census();
    let vpc = |grace: &str| {
        world.vpc(json!({
            "absentProfileGracePeriod": grace,
            "services": ["sagemaker.api"],
            "grants": { "buckets": ["fraud-*"], "services": ["*"], "packageRepositories": true },
        }))
    };
    let profile = world.profile("fraud", json!({ "packageRepositories": "Deny" }));
    world.kubectl().apply(&[vpc("10m"), profile.clone()]);
    world.until_ready("fraud");
    world.until_vpc("Ready", "True", "Ok");
    let made = world.network.census();
    assert_ne!(made, untouched);

    // The cluster is lost with all that was in it. In the new one the SageMakerVpc is there first.
    assert_eq!(controller.stop(), Some(0));
    lose(&world, "sagemakervpcprofile", &["fraud", "--namespace", world.name]);
    lose(&world, "sagemakervpc", &[world.name]);
    world.kubectl().apply(&[vpc("10m")]);
    let controller = Controller::start(&stack, "controller", |_| {});
    let said = world.until_vpc("ProfilesPresent", "False", "ResourcesUnknown");
    let groups = world.network.groups();
    let is_named = |id: Option<&str>| id.is_some_and(|id| said.contains(id));
    assert!(groups.iter().any(|group| is_named(group.group_id())), "{said}");
    assert!(said.contains("absentProfileGracePeriod"), "{said}");
    a_few_looks(&controller, &world, || assert_eq!(world.network.census(), made));
    // When it began is not forgotten by a restart.
    let since = || world.vpc_now().unwrap()["status"]["inForce"]["since"].clone();
    let begun = since();
    controller.kill();
    let controller = Controller::start(&stack, "controller", |_| {});
    a_few_looks(&controller, &world, || assert_eq!(world.network.census(), made));
    assert_eq!(since(), begun);
    world.kubectl().apply(std::slice::from_ref(&profile));
    world.until_ready("fraud");
    a_few_looks(&controller, &world, || assert_eq!(world.network.census(), made));

    // A team takes our finalizer off and deletes its profile: nobody sees that, and it may be a mistake.
    lose(&world, "sagemakervpcprofile", &["fraud", "--namespace", world.name]);
    let said = world.until_vpc("ProfilesPresent", "False", "ProfilesAbsent");
    assert!(said.contains("rebuilt/fraud"), "{said}");
    a_few_looks(&controller, &world, || assert_eq!(world.network.census(), made));
    world.kubectl().apply(&[profile]);
    world.until_ready("fraud");
    assert_eq!(world.network.census(), made);

    // Gone again, and nobody waits any longer.
    lose(&world, "sagemakervpcprofile", &["fraud", "--namespace", world.name]);
    world.until_vpc("ProfilesPresent", "False", "ProfilesAbsent");
    world.kubectl().apply(&[vpc("0s")]);
    eventually("all is as it was", || {
        let now = world.network.census();
        (now == untouched).then_some(()).ok_or(now)
    });
    until_all_is_known(&world);
}
