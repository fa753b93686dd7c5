//! A controller that is stopped and started, with nobody else beside it.

use serde_json::{Value, json};

use crate::fixture::{Controller, Stack, World, eventually};

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
    for moment in MOMENTS {
        let world = World::on(&stack, moment.name);
        let before = world.network.census();
        let controller = Controller::start(&stack, "controller", |_| {});
        world
            .kubectl()
            .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
        eventually(moment.name, || {
            if (moment.has_come)(&world) {
                Ok(())
            } else {
                Err("not yet")
            }
        });
        controller.kill();

        let controller = Controller::start(&stack, "controller", |_| {});
        world.until_ready("fraud");
        let (endpoint, group) = (world.network.endpoint(), world.network.group());
        let listed = world.vpc_now().unwrap()["status"]["resources"].to_string();
        for id in [endpoint.vpc_endpoint_id().unwrap(), group.group_id().unwrap()] {
            assert!(listed.contains(id), "{}: {id} is not among {listed}", moment.name);
        }

        world.delete_vpc();
        eventually("the deletion has begun", || {
            if world.network.groups().is_empty() {
                Ok(())
            } else {
                Err("the group is there")
            }
        });
        controller.kill();
        let controller = Controller::start(&stack, "controller", |_| {});
        world.until_gone("the VPC object", || world.vpc_now());
        assert_eq!(world.network.census(), before, "{}", moment.name);
        assert_eq!(controller.stop(), Some(0), "asked to end, it ends well");
    }
}

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
    let settled = || controller.metric("sagevpc_passes_total{result=\"Settled\"}");
    let others = || controller.metric("sagevpc_passes_total") - settled();
    let writes = || controller.metric("sagevpc_kubernetes_writes_total");
    let changes = || {
        ["Create", "Modify", "Delete", "Authorize", "Revoke"]
            .map(|verb| controller.metric(&format!("sagevpc_aws_calls_total{{service=\"ec2\",action=\"{verb}")))
            .iter()
            .sum::<u64>()
    };
    let pass_all = |what: &str, rounds: u64| {
        let begun = settled();
        eventually(what, || {
            let passed = settled() - begun;
            if passed >= rounds * 3 {
                Ok(())
            } else {
                Err(format!("{passed} passes"))
            }
        });
    };
    pass_all("whatever was still to be said is said", 1);
    let before = (writes(), changes(), others());
    assert!(before.0 > 0 && before.1 > 0, "{before:?}: the metrics count");
    pass_all("every VPC was looked at three times", 3);
    assert_eq!((writes(), changes(), others()), before, "{}", controller.metrics());
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
    crate::fixture::wait(
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
    assert_eq!(
        controller.metric("sagevpc_drift_repaired_total"),
        1,
        "{}",
        controller.metrics()
    );
}
