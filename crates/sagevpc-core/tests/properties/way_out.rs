//! The way out: who needs it has it, and it is never gone while it moves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sagevpc_core::{
    observed::{NatGateway, Route, Snapshot, Stage},
    report::{Concern, Weight},
    types::{RouteTableId, SubnetId},
};

use crate::{
    inputs::{VPC, claim, internet, plan_for, world},
    memory::Memory,
    planning::converge,
};

fn is_default(route: &&Route) -> bool {
    route.destination_cidr_block.is_some_and(|to| to.prefix_len() == 0)
}

/// The NAT gateway that a default route of the table leads to, where all of that
/// serves.
fn way_out<'s>(snapshot: &'s Snapshot, table: &RouteTableId) -> Option<&'s NatGateway> {
    let table = snapshot
        .route_tables
        .iter()
        .find(|other| other.route_table_id == *table)?;
    let route = table.routes.iter().find(is_default).filter(|route| route.is_active())?;
    let nat = snapshot
        .nat_gateways
        .iter()
        .find(|nat| Some(nat.nat_gateway_id.as_str()) == route.nat_gateway_id.as_deref())?;
    (nat.stage() == Stage::Available).then_some(nat)
}

/// Whether what comes to the NAT gateway goes on to the internet: from a public
/// subnet, or, where it is regional, by the VPC's internet gateway.
fn goes_on(snapshot: &Snapshot, nat: &NatGateway) -> bool {
    match &nat.subnet_id {
        Some(subnet) => is_public(snapshot, subnet),
        None => {
            let mut gateways = snapshot.internet_gateways.iter();
            nat.is_regional() && gateways.any(|gateway| gateway.is_attached_to(&VPC.into()))
        }
    }
}

/// The tables that have one.
fn with_way_out(snapshot: &Snapshot) -> BTreeSet<RouteTableId> {
    let tables = snapshot.route_tables.iter().map(|table| table.route_table_id.clone());
    tables.filter(|table| way_out(snapshot, table).is_some()).collect()
}

fn is_public(snapshot: &Snapshot, subnet: &SubnetId) -> bool {
    let tables = snapshot.route_tables.iter().filter(|table| {
        let mut uses = table.associations.iter();
        uses.any(|association| association.subnet_id.as_ref() == Some(subnet))
    });
    tables
        .flat_map(|table| &table.routes)
        .any(|route| route.to_internet_gateway() && route.is_active())
}

proptest! {
    #[test]
    fn whoever_names_a_host_reaches_the_internet_or_is_told(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        let snapshot = memory.snapshot.vpc(&VPC.into()).expect("the VPC is there");
        for reference in &world.references.profiles {
            let key = reference.key();
            let names_host = reference.profile.spec.destinations.iter().any(|to| to.host.is_some());
            let is_told = plan.findings.iter().any(|finding| {
                finding.concern == Concern::Internet
                    && finding.weight != Weight::Advice
                    && finding.concerns(&key).is_some()
            });
            if !names_host || is_told || !plan.contributing.contains(&key) {
                continue;
            }
            for subnet in plan.vpc_configs[&key].iter().flat_map(|config| &config.subnets) {
                let table = snapshot.route_table_of(subnet).map(|table| table.route_table_id.clone());
                let nat = table.and_then(|table| way_out(&memory.snapshot, &table));
                prop_assert!(nat.is_some_and(|nat| goes_on(&memory.snapshot, nat)), "{subnet} has no way out");
            }
        }
    }

    #[test]
    fn a_way_out_that_moves_is_never_gone(mut world in world("None"), wishes in internet()) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let before = with_way_out(&memory.snapshot);
        world.references.vpc.spec.internet = serde_json::from_value(wishes).unwrap();
        let mut steps = Vec::new();
        for _ in 0..6 {
            let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
            claim(&mut world.references, &plan);
            memory.carry_out_watched(&plan, |planned, snapshot| {
                steps.push((planned.to_string(), with_way_out(snapshot)));
            });
            memory.pass_time();
        }
        let after = with_way_out(&memory.snapshot);
        for (step, there) in &steps {
            let lost: Vec<_> = before.intersection(&after).filter(|table| !there.contains(*table)).collect();
            prop_assert!(lost.is_empty(), "{step} cut the way out of {lost:?}");
        }
    }
}
