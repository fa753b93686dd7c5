//! Plans carried out from the start to the end.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sagevpc_core::{
    api::{DeletionPolicy, InternetMode},
    observed::{Snapshot, VpcEndpoint},
    plan::{History, Plan, Step},
    report::{Concern, Finding, Weight},
    types::SubnetId,
};

use crate::{
    inputs::{World, claim, delete, now, plan_for, world},
    memory::{Memory, edges::our_rules, foreign, ours},
};

/// Carries plans out until nothing is left to do, and says how often it took.
pub fn converge(world: &mut World, memory: &mut Memory) -> usize {
    for round in 0..5 {
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        if plan.actions.is_empty() {
            return round;
        }
        claim(&mut world.references, &plan);
        memory.carry_out(&plan);
        memory.pass_time();
    }
    let left = plan_for(&world.references, &memory.snapshot, &memory.history()).actions;
    panic!("after five rounds there is still something to do: {left:?}");
}

/// Carries plans out until only what is held is left, and gives the last plan.
fn run_what_may(world: &mut World, memory: &mut Memory) -> Plan {
    for _ in 0..5 {
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        if plan.actions.iter().all(|planned| planned.held) {
            return plan;
        }
        claim(&mut world.references, &plan);
        memory.carry_out(&plan);
        memory.pass_time();
    }
    panic!("after five rounds there is still something to do");
}

proptest! {
    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        // Routes follow once their NAT gateway serves.
        let most = 1 + usize::from(world.references.vpc.spec.internet.mode == InternetMode::ManagedNat);
        let rounds = converge(&mut world, &mut memory);
        prop_assert!(rounds <= most, "it took {rounds} rounds");
    }

    #[test]
    fn what_a_plan_finds_still_holds_once_it_is_carried_out(mut world in world("None")) {
        let first = plan_for(&world.references, &world.snapshot, &History::none(now()));
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let last = plan_for(&world.references, &memory.snapshot, &memory.history());
        // Endpoints take addresses, by which the subnet of a notebook is chosen.
        let named = |plan: &Plan| -> Vec<BTreeSet<SubnetId>> {
            let configs = plan.vpc_configs.values().flatten();
            configs.map(|config| config.subnets.iter().cloned().collect()).collect()
        };
        prop_assume!(named(&first) == named(&last));
        // Where profiles go without addresses, endpoints are put into subnets of those that remain, and may take there what
        // was foreseen to be taken elsewhere.
        let is_short = |finding: &Finding| finding.concern == Concern::Capacity && finding.weight == Weight::Blocks;
        prop_assume!(!first.findings.iter().any(is_short));
        // In words it may read otherwise, for addresses are taken by then.
        let told = |findings: Vec<Finding>| -> Vec<_> {
            let all = findings.into_iter();
            all.map(|finding| (finding.concern, finding.scope, finding.weight, finding.reason)).collect()
        };
        prop_assert_eq!(told(first.findings), told(last.findings));
    }

    #[test]
    fn what_is_made_stays_within_the_limit(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let Some(limit) = world.references.vpc.spec.max_monthly_cost else {
            return Ok(());
        };
        let is_made_here = |endpoint: &&VpcEndpoint| {
            endpoint.is_interface() && endpoint.tags.iter().any(|tag| tag.key == "sagevpc.dev/cluster")
        };
        let endpoints = memory.snapshot.vpc_endpoints.iter().filter(is_made_here);
        let zones: usize = endpoints.map(|endpoint| endpoint.subnet_ids.len()).sum();
        // A cent an hour for each zone.
        prop_assert!(zones as f64 * 7.3 <= f64::from(limit), "{zones} zones cost more than {limit}");
    }

    #[test]
    fn what_is_foreign_stays_as_it_is(mut world in world("None")) {
        let before = foreign(&world.snapshot);
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        prop_assert_eq!(&foreign(&memory.snapshot), &before);
        delete(&mut world.references);
        converge(&mut world, &mut memory);
        prop_assert_eq!(&foreign(&memory.snapshot), &before);
    }

    #[test]
    fn the_order_in_which_profiles_are_listed_does_not_matter(
        (world, order) in world("Disruptive").prop_flat_map(|world| {
            let places: Vec<usize> = (0..world.references.profiles.len()).collect();
            (Just(world), Just(places).prop_shuffle())
        })
    ) {
        let mut shuffled = world.references.clone();
        shuffled.profiles = order.iter().map(|place| world.references.profiles[*place].clone()).collect();
        let history = History::none(now());
        prop_assert_eq!(
            plan_for(&world.references, &world.snapshot, &history),
            plan_for(&shuffled, &world.snapshot, &history)
        );
    }

    #[test]
    fn deletion_leaves_what_was_there_before(mut world in world("None")) {
        let mut before = world.snapshot.clone();
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        // DNS that was turned on stays on: others may rely on it by now.
        before.vpc_attributes = memory.snapshot.vpc_attributes.clone();
        delete(&mut world.references);
        converge(&mut world, &mut memory);
        memory.forget();
        prop_assert_eq!(&memory.snapshot, &before);
        let left = plan_for(&world.references, &memory.snapshot, &memory.history()).owned;
        prop_assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn what_is_retained_stays_in_place_without_our_tags(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let kept = |snapshot: &Snapshot| {
            let counts = [
                snapshot.security_groups.len(),
                snapshot.vpc_endpoints.len(),
                snapshot.nat_gateways.len(),
                snapshot.addresses.len(),
            ];
            (counts, snapshot.route_tables.clone())
        };
        let there = kept(&memory.snapshot);
        world.references.vpc.spec.deletion_policy = DeletionPolicy::Retain;
        delete(&mut world.references);
        converge(&mut world, &mut memory);
        prop_assert_eq!(kept(&memory.snapshot), there);
        // Rules of network ACLs carry no tags, and stay as well.
        prop_assert_eq!(ours(&memory.snapshot), our_rules(&memory.snapshot));
    }

    #[test]
    fn held_actions_run_once_exactly_they_are_approved(mut world in world("Disruptive")) {
        let mut memory = Memory::new(world.snapshot.clone());
        let first = plan_for(&world.references, &memory.snapshot, &memory.history());
        claim(&mut world.references, &first);
        let outcome = memory.carry_out(&first);
        for planned in &first.actions {
            let was_done = matches!(outcome.steps.get(&planned.id), Some(Step::Done));
            prop_assert!(!planned.held || !was_done, "{planned:?}");
            prop_assert!(planned.held || planned.disruption.is_none());
        }
        memory.pass_time();
        let second = run_what_may(&mut world, &mut memory);
        let Some(held) = second.held.clone() else {
            prop_assert!(second.actions.is_empty());
            return Ok(());
        };
        world.references.vpc.spec.approved_plan = Some("0".repeat(16));
        let refused = plan_for(&world.references, &memory.snapshot, &memory.history());
        prop_assert!(refused.actions.iter().all(|planned| planned.held), "another digest approves nothing");
        world.references.vpc.spec.approved_plan = Some(held.digest);
        let approved = plan_for(&world.references, &memory.snapshot, &memory.history());
        prop_assert!(approved.actions.iter().all(|planned| !planned.held));
        memory.carry_out(&approved);
        let last = plan_for(&world.references, &memory.snapshot, &memory.history());
        prop_assert!(last.actions.is_empty(), "{:?}", last.actions);
    }
}
