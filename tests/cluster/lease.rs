//! Several controllers, of which one works at a time.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::fixture::{Controller, Stack, World, always_until, eventually, wait};

/// A candidate of this name.
fn named(name: &'static str) -> impl FnOnce(&mut Command) {
    move |command| {
        command.env("SAGEVPC_LEASE_IDENTITY", name);
    }
}

fn start(stack: &Stack, name: &'static str) -> Controller {
    Controller::start(stack, name, named(name))
}

/// Who has the lease, as the API server tells it.
fn holder(world: &World<'_>) -> String {
    let lease = world
        .kubectl()
        .get(&["lease", "sagevpc", "--namespace", "sagevpc-system"])
        .unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

/// Takes away what the group admits, as someone else would.
fn damage(world: &World<'_>) {
    let group = world.network.group();
    let request = world
        .network
        .client
        .revoke_security_group_ingress()
        .group_id(group.group_id().unwrap())
        .set_ip_permissions(Some(group.ip_permissions().to_vec()));
    wait(request.send()).unwrap();
}

fn is_damaged(world: &World<'_>) -> bool {
    world.network.group().ip_permissions().is_empty()
}

/// Waits until a controller makes passes, and gives how long it took.
fn until_it_works(controller: &Controller, since: Instant) -> Duration {
    eventually("it makes passes", || {
        let metrics = controller.metrics();
        (metrics.passes() > 0 && metrics.sum("sagevpc_leader ") == 1)
            .then_some(())
            .ok_or(metrics.0)
    });
    since.elapsed()
}

/// A world whose profile is ready.
fn ready_world<'a>(stack: &'a Stack, name: &'static str) -> World<'a> {
    let world = World::on(stack, name);
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    world
}

#[test]
fn a_standby_asks_aws_nothing_and_takes_over_from_one_that_was_killed() {
    let stack = Stack::start();
    let leader = start(&stack, "one");
    let world = ready_world(&stack, "killed");
    let standby = start(&stack, "other");
    assert_eq!(leader.readiness().as_deref(), Ok("ok: leader"));
    eventually("the standby names the leader", || match standby.readiness() {
        Ok(said) if said == "ok: standby; one leads" => Ok(()),
        Ok(said) | Err(said) => Err(said),
    });
    let passes = leader.metrics().passes();
    eventually("the leader has looked again", || {
        let now = leader.metrics().passes();
        (now > passes + 1).then_some(()).ok_or(now)
    });
    let metrics = standby.metrics();
    assert_eq!((metrics.aws_calls(), metrics.passes()), (0, 0), "{}", metrics.0);
    assert_eq!(metrics.sum("sagevpc_leader "), 0);
    assert!(
        !metrics.0.contains("sagevpc_vpc_ready{"),
        "what a standby says of VPCs would be old"
    );

    leader.kill();
    let killed = Instant::now();
    let took = until_it_works(&standby, killed);
    println!("measured: kill -9 to the standby's first pass: {took:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!(holder(&world), "other");
    damage(&world);
    eventually("the damage is repaired", || {
        (!is_damaged(&world)).then_some(()).ok_or("not yet")
    });
}

#[test]
fn one_that_is_asked_to_end_hands_over_at_once() {
    let stack = Stack::start();
    let leader = start(&stack, "one");
    let world = ready_world(&stack, "asked");
    let standby = start(&stack, "other");
    let asked = Instant::now();
    assert_eq!(leader.stop(), Some(0));
    let ended = asked.elapsed();
    let took = until_it_works(&standby, asked);
    println!("measured: SIGTERM to end: {ended:?}; to the standby's first pass: {took:?}");
    assert!(ended < Duration::from_secs(2), "{ended:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(holder(&world), "other");
    assert_eq!(standby.stop(), Some(0));
    assert_eq!(holder(&world), "", "nobody has it");
}

#[test]
fn cut_off_from_the_api_server_it_changes_nothing_and_goes_on_when_that_is_back() {
    let stack = Stack::start();
    let controller = start(&stack, "one");
    let world = ready_world(&stack, "cut-off");
    world.until_vpc("Ready", "True", "Ok");

    stack.signal("kube-apiserver", "STOP");
    let cut_off = Instant::now();
    let (mut calls, mut last) = (controller.metrics().aws_calls(), Duration::ZERO);
    let said = eventually("it is not ready any more", || {
        let now = controller.metrics().aws_calls();
        if now > calls {
            (calls, last) = (now, cut_off.elapsed());
        }
        match controller.readiness() {
            Ok(said) => Err(said),
            Err(said) => Ok::<_, String>(said),
        }
    });
    let unready = cut_off.elapsed();
    println!("measured: API server gone to the last call to AWS: {last:?}; to unready: {unready:?}");
    assert!(unready < Duration::from_secs(9), "{unready:?}");
    assert!(said.contains("API server does not answer"), "{said}");
    // It may say that the API server does not answer before its own term is over.
    let before = eventually("it leads no more", || {
        let now = controller.metrics();
        (now.sum("sagevpc_leader ") == 0).then_some(now).ok_or("it leads still")
    });
    let ended = cut_off.elapsed();
    assert!(ended < Duration::from_secs(12), "a standby may lead by now: {ended:?}");
    damage(&world);
    let over = Instant::now();
    always_until(
        "a standby could have taken over long ago",
        || {
            let now = controller.metrics();
            assert_eq!(now.aws_calls(), before.aws_calls(), "not even looks");
            assert!(is_damaged(&world));
        },
        || {
            (over.elapsed() > Duration::from_secs(10))
                .then_some(())
                .ok_or("not yet")
        },
    );

    stack.signal("kube-apiserver", "CONT");
    eventually("the damage is repaired", || {
        (!is_damaged(&world)).then_some(()).ok_or("not yet")
    });
    eventually("it is ready again", || controller.readiness());
    assert_eq!(holder(&world), "one");
}

#[test]
fn one_that_was_frozen_finds_its_term_over_and_does_nothing() {
    let stack = Stack::start();
    let frozen = start(&stack, "one");
    let world = ready_world(&stack, "frozen");
    let other = start(&stack, "other");
    frozen.signal("STOP");
    until_it_works(&other, Instant::now());
    damage(&world);
    eventually("the other one repairs", || {
        (!is_damaged(&world)).then_some(()).ok_or("not yet")
    });

    frozen.signal("CONT");
    eventually("it stands by", || match frozen.readiness() {
        Ok(said) if said == "ok: standby; other leads" => Ok(()),
        Ok(said) | Err(said) => Err(said),
    });
    let metrics = frozen.metrics();
    assert_eq!(metrics.sum("sagevpc_leader "), 0);
    assert_eq!(metrics.sum("sagevpc_lease_changes_total{change=\"Lost\"}"), 1);
    assert_eq!(other.stop(), Some(0));
    until_it_works(&frozen, Instant::now());
    world.until_ready("fraud");
    assert_eq!(holder(&world), "one");
}
