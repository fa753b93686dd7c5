//! A controller that is stopped and started, with nobody else beside it.

use serde_json::{Value, json};

use crate::fixture::{Controller, Metrics, Stack, World, eventually, wait};

/// A point in the making of a VPC at which the process is killed.
struct Moment {
    name: &'static str,
    has_come: fn(&World<'_>) -> bool,
}

const MOMENTS: &[Moment] = &[
    Moment {
        name: "before-aws",
        has_come: |world| has(&world.vpc_now(), "/metadata/finalizers/0"),
    },
    Moment {
        name: "written-down",
        has_come: |world| has(&world.vpc_now(), "/status/ledger/entries/0"),
    },
    Moment {
        name: "group-made",
        has_come: |world| !world.network.groups().is_empty(),
    },
    Moment {
        name: "endpoint-made",
        has_come: |world| !world.network.endpoints().is_empty(),
    },
    Moment {
        name: "answer-noted",
        has_come: |world| has(&world.vpc_now(), "/status/ledger/entries/0/id"),
    },
];

fn has(object: &Option<Value>, pointer: &str) -> bool {
    object.as_ref().and_then(|object| object.pointer(pointer)).is_some()
}

#[test]
fn killed_at_any_moment_it_makes_nothing_twice_and_loses_nothing() {
    let stack = Stack::start();
    let mut controller = Controller::start(&stack, "controller", |_| {});
    let mut worlds = Vec::new();
    for moment in MOMENTS {
        let world = World::on(&stack, moment.name);
        let before = world.network.census();
        world
            .kubectl()
            .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
        eventually(moment.name, || (moment.has_come)(&world).then_some(()).ok_or("not yet"));
        controller.kill();
        controller = Controller::start(&stack, "controller", |_| {});
        world.until_ready("fraud");
        let (endpoint, group) = (world.network.endpoint(), world.network.group());
        let listed = world.vpc_now().unwrap()["status"]["resources"].to_string();
        for id in [endpoint.vpc_endpoint_id().unwrap(), group.group_id().unwrap()] {
            assert!(listed.contains(id), "{}: {id} is not among {listed}", moment.name);
        }
        worlds.push((world, before));
    }

    for (world, _) in &worlds {
        world.delete_profile("fraud");
        world.delete_vpc();
    }
    let groups = || {
        worlds
            .iter()
            .map(|(world, _)| world.network.groups().len())
            .sum::<usize>()
    };
    eventually("the deletions have begun", || {
        let left = groups();
        (left < worlds.len()).then_some(()).ok_or(left)
    });
    controller.kill();
    let controller = Controller::start(&stack, "controller", |_| {});
    for (world, before) in &worlds {
        world.until_gone("the VPC object", || world.vpc_now());
        assert_eq!(&world.network.census(), before, "{}", world.name);
    }
    assert_eq!(controller.stop(), Some(0), "asked to end, it ends well");
}

const SETTLED: &str = "sagevpc_passes_total{result=\"Settled\"}";

#[test]
fn a_steady_state_changes_nothing_in_aws_and_writes_nothing_to_kubernetes() {
    let stack = Stack::start();
    let worlds = ["steady-1", "steady-2", "steady-3"].map(|name| World::on(&stack, name));
    let controller = Controller::start(&stack, "controller", |_| {});
    for world in &worlds {
        world
            .kubectl()
            .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    }
    for world in &worlds {
        world.until_ready("fraud");
        world.until_vpc("Ready", "True", "Ok");
    }
    let look_again = |what: &str, rounds: u64| {
        let begun = controller.metrics().sum(SETTLED);
        eventually(what, || {
            let metrics = controller.metrics();
            let looks = metrics.sum(SETTLED) - begun;
            (looks >= rounds * 3).then_some(metrics).ok_or(looks)
        })
    };
    let counted = |metrics: &Metrics| {
        let other_passes = metrics.sum("sagevpc_passes_total") - metrics.sum(SETTLED);
        (
            metrics.sum("sagevpc_kubernetes_writes_total"),
            metrics.aws_changes(),
            other_passes,
        )
    };
    let before = counted(&look_again("whatever was still to be said is said", 1));
    assert!(before.0 > 0 && before.1 > 0, "{before:?}: the metrics count");
    let after = look_again("every VPC was looked at three times", 3);
    assert_eq!(counted(&after), before, "{}", after.0);
}

#[test]
fn a_fresh_look_can_be_asked_for() {
    let stack = Stack::start();
    let controller = Controller::start(&stack, "controller", |_| {});
    let world = World::on(&stack, "requested");
    world.kubectl().apply(&[
        world.vpc(json!({ "resyncInterval": "24h" })),
        world.profile("fraud", json!({})),
    ]);
    world.until_ready("fraud");
    let group = world.network.group().group_id().unwrap().to_owned();
    wait(
        world
            .network
            .client
            .revoke_security_group_ingress()
            .group_id(&group)
            .set_ip_permissions(Some(world.network.group().ip_permissions().to_vec()))
            .send(),
    )
    .unwrap();
    world
        .kubectl()
        .run(&["annotate", "sagemakervpc", world.name, "sagevpc.dev/requested-at=now"]);
    world.until_event("SageMakerVpc", world.name, "DriftRepaired");
    assert_eq!(controller.metrics().sum("sagevpc_drift_repaired_total"), 1);
}

#[test]
fn an_object_of_a_newer_version_stops_nobody_and_loses_nothing() {
    let stack = Stack::start();
    let controller = Controller::start(&stack, "controller", |_| {});
    let old = World::on(&stack, "readable");
    old.kubectl()
        .apply(&[old.vpc(json!({})), old.profile("fraud", json!({}))]);
    old.until_ready("fraud");
    let made = old.network.census();

    let crd = "customresourcedefinition/sagemakervpcprofiles.sagevpc.dev";
    let schema = old.kubectl().run(&["get", crd, "-o", "json"]);
    let newer = schema.replacen("\"Processing\"", "\"Processing\", \"Quantum\"", 1);
    assert_ne!(schema, newer);
    old.kubectl().apply(&[serde_json::from_str(&newer).unwrap()]);
    let newer = old.profile(
        "fraud",
        json!({ "workloads": [{ "name": "train", "kind": "Quantum" }] }),
    );
    eventually("the newer version's kind is admitted", || {
        old.kubectl().try_apply(std::slice::from_ref(&newer))
    });
    eventually("what cannot be read is named", || {
        let log = controller.log();
        let is_named = log
            .lines()
            .any(|line| line.contains("cannot read the object") && line.contains("readable/fraud"));
        is_named.then_some(()).ok_or(log)
    });

    let other = World::on(&stack, "others");
    other
        .kubectl()
        .apply(&[other.vpc(json!({})), other.profile("fraud", json!({}))]);
    other.until_ready("fraud");
    assert_eq!(old.network.census(), made);
}
