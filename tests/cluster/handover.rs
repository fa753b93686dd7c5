//! One writer, and never none, while processes freeze, lose AWS, come and go;
//! seen from the road between each process and AWS.

use std::time::{Duration, Instant};

use aws_sdk_ec2::types::{SecurityGroup, VpcEndpoint};
use serde_json::json;

use crate::fixture::{Controller, Stack, Way, World, always_until, eventually, wait};

/// A controller, and its own way to AWS.
struct Candidate {
    controller: Controller,
    way: Way,
}

impl Candidate {
    fn start(stack: &Stack, name: &str) -> Self {
        let way = Way::new(stack);
        let controller = Controller::start(stack, name, |command| {
            command.env("SAGEVPC_LEASE_IDENTITY", name);
            command.env("AWS_ENDPOINT_URL", way.url());
        });
        Self { controller, way }
    }

    /// Waits until it says this of itself.
    fn until_it_says(&self, wanted: &str) {
        eventually(wanted, || match self.controller.readiness() {
            Ok(said) if said == wanted => Ok(()),
            Ok(said) | Err(said) => Err(said),
        });
    }

    /// Waits until it has made a pass.
    fn until_it_works(&self) {
        eventually("it makes passes", || {
            let metrics = self.controller.metrics();
            (metrics.passes() > 0).then_some(()).ok_or(metrics.0)
        });
    }
}

/// Every endpoint that was ever made in the world's VPC: AWS's server shows
/// deleted ones for ever.
fn endpoints_ever(world: &World<'_>) -> Vec<VpcEndpoint> {
    let described = wait(world.network.client.describe_vpc_endpoints().send()).unwrap();
    let all = described.vpc_endpoints.unwrap_or_default().into_iter();
    all.filter(|endpoint| endpoint.vpc_id() == Some(&world.network.vpc))
        .collect()
}

/// That the world has what it asks for, and that nothing was made twice.
fn has_everything_once(world: &World<'_>) {
    world.until_ready("fraud");
    let ever = endpoints_ever(world);
    assert_eq!(ever.len(), 1, "{}: {ever:?}", world.name);
    let groups = world.network.groups();
    assert_eq!(groups.len(), 1, "{}: {groups:?}", world.name);
}

fn apply(world: &World<'_>) {
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
}

/// Takes away what the group admits, as someone else would.
fn damage(world: &World<'_>) {
    let group = world.network.group();
    let permissions = Some(group.ip_permissions().to_vec());
    let revoke = world.network.client.revoke_security_group_ingress();
    let request = revoke.group_id(group.group_id().unwrap());
    wait(request.set_ip_permissions(permissions).send()).unwrap();
}

fn until_repaired(world: &World<'_>) {
    eventually("the damage is repaired", || {
        let groups: Vec<SecurityGroup> = world.network.groups();
        let is_whole = groups.iter().all(|group| !group.ip_permissions().is_empty());
        is_whole.then_some(()).ok_or_else(|| format!("{groups:?}"))
    });
}

#[test]
fn one_that_freezes_in_the_middle_of_a_creation_makes_nothing_twice_when_it_wakes() {
    let stack = Stack::start();
    let frozen = Candidate::start(&stack, "one");
    frozen.until_it_says("ok: leader");
    let other = Candidate::start(&stack, "other");
    other.until_it_says("ok: standby; one leads");
    let world = World::on(&stack, "frozen-midway");
    frozen.way.hold_up("CreateVpcEndpoint");
    apply(&world);
    eventually("the endpoint is being made", || {
        let changes = frozen.way.changes();
        let is_sent = changes.iter().any(|change| change.action == "CreateVpcEndpoint");
        is_sent.then_some(()).ok_or_else(|| format!("{changes:?}"))
    });
    frozen.controller.signal("STOP");

    other.until_it_says("ok: leader");
    world.until_ready("fraud");
    // What was sent long ago arrives now, and the one that sent it wakes.
    frozen.way.let_go();
    let before = frozen.way.changes().len();
    frozen.controller.signal("CONT");
    frozen.until_it_says("ok: standby; other leads");
    let passes = other.controller.metrics().passes();
    eventually("the other one has looked twice since", || {
        let now = other.controller.metrics().passes();
        (now >= passes + 2).then_some(()).ok_or(now)
    });
    let log = other.controller.log();
    assert!(
        log.lines()
            .any(|line| line.contains(" leading ") && line.contains("other")),
        "{log}"
    );
    let after = frozen.way.changes();
    assert_eq!(after.len(), before, "it sends nothing any more: {after:?}");
    has_everything_once(&world);
}

#[test]
fn a_leader_that_loses_aws_keeps_the_lease_says_so_and_goes_on_by_itself() {
    let stack = Stack::start();
    let leader = Candidate::start(&stack, "one");
    leader.until_it_says("ok: leader");
    let standby = Candidate::start(&stack, "other");
    let world = World::on(&stack, "aws-lost");
    apply(&world);
    world.until_ready("fraud");

    leader.way.close();
    world.until_vpc("AwsReachable", "False", "Unreachable");
    damage(&world);
    let since = Instant::now();
    always_until(
        "the lease would have changed hands",
        || {
            assert_eq!(leader.controller.readiness().as_deref(), Ok("ok: leader"));
            assert_eq!(standby.controller.readiness().as_deref(), Ok("ok: standby; one leads"));
        },
        || {
            (since.elapsed() > Duration::from_secs(13))
                .then_some(())
                .ok_or("not yet")
        },
    );
    leader.way.open();
    let opened = Instant::now();
    until_repaired(&world);
    println!("measured: AWS back to the repair: {:?}", opened.elapsed());
    world.until_vpc("AwsReachable", "True", "Ok");
    has_everything_once(&world);
    assert_eq!(standby.controller.metrics().aws_calls(), 0);
}

/// That none changed anything after the next one had begun to.
fn wrote_one_after_the_other(ways: &[Way]) {
    for (place, pair) in ways.windows(2).enumerate() {
        let last = pair[0].changes().into_iter().map(|change| change.at).max();
        let first = pair[1].changes().into_iter().map(|change| change.at).min();
        if let (Some(last), Some(first)) = (last, first) {
            assert!(last <= first, "{place} wrote after the next one had begun");
        }
    }
}

#[test]
fn a_rolling_upgrade_under_load_has_one_writer_at_a_time_and_no_gap() {
    let stack = Stack::start();
    let mut leader = Candidate::start(&stack, "v0");
    leader.until_it_says("ok: leader");
    let worlds = ["rolling-1", "rolling-2", "rolling-3", "rolling-4"].map(|name| World::on(&stack, name));
    apply(&worlds[0]);
    worlds[0].until_ready("fraud");
    let mut ways = Vec::new();
    for (round, world) in worlds.iter().enumerate().skip(1) {
        apply(world);
        damage(&worlds[0]);
        let next = Candidate::start(&stack, &format!("v{round}"));
        let asked = Instant::now();
        assert_eq!(leader.controller.stop(), Some(0));
        let ended = asked.elapsed();
        next.until_it_works();
        let gap = asked.elapsed();
        println!("measured: SIGTERM under load to end: {ended:?}; to the next one's first pass: {gap:?}");
        assert!(gap < Duration::from_secs(10), "{gap:?}");
        ways.push(leader.way);
        leader = next;
        until_repaired(&worlds[0]);
        // The one before may have done all of it, so that this one has something to do as well.
        damage(&worlds[0]);
        until_repaired(&worlds[0]);
    }
    for world in &worlds {
        has_everything_once(world);
    }
    ways.push(leader.way);
    assert!(
        ways.iter().all(|way| !way.changes().is_empty()),
        "each had something to do"
    );
    wrote_one_after_the_other(&ways);
}

#[test]
fn twenty_hand_overs_make_nothing_twice_and_lose_nothing() {
    const NAMES: [&str; 10] = [
        "twenty-0", "twenty-1", "twenty-2", "twenty-3", "twenty-4", "twenty-5", "twenty-6", "twenty-7", "twenty-8",
        "twenty-9",
    ];
    let stack = Stack::start();
    let worlds = NAMES.map(|name| World::on(&stack, name));
    let mut leader = Candidate::start(&stack, "c0");
    let mut ways = Vec::new();
    for round in 1..=20 {
        if round % 2 == 1 {
            apply(&worlds[round / 2]);
        }
        let next = Candidate::start(&stack, &format!("c{round}"));
        assert_eq!(leader.controller.stop(), Some(0));
        next.until_it_says("ok: leader");
        ways.push(leader.way);
        leader = next;
    }
    for world in &worlds {
        has_everything_once(world);
    }
    ways.push(leader.way);
    wrote_one_after_the_other(&ways);
}
