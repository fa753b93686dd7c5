//! Creations that are interrupted: a crash before or after the request, an
//! answer that is lost, something made that AWS does not show yet, something
//! deleted behind our back, status that is lost.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::{collection, prelude::*, sample::Index};
use sagevpc_core::{
    api::{LedgerStatus, Reason, SageMakerVpcStatus},
    observed::{Snapshot, VpcEndpoint},
    plan::{ClientTokens, History, Plan, Repairs, SETTLING, Sightings, ledger},
    report::{Concern, Weight},
    types::{AllocationId, FlowLogId, NatGatewayId, SecurityGroupId, VpcEndpointId},
    validate::References,
};

use crate::{
    inputs::{claim, now, plan_for, world},
    memory::{Memory, is_ours},
};

/// What happens to one pass of the controller.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It comes to its end.
    Ends,
    /// It dies after the ledger was written, before anything was sent.
    DiesBeforeSending,
    /// It dies after AWS did its work, before the answer was written down.
    LosesTheAnswer,
    /// The same, and AWS does not show what it made for a while.
    LosesTheAnswerUnseen,
    /// It comes to its end, and AWS does not show what it made for a while.
    NotShownYet,
    /// It comes to its end, and someone deletes the endpoint.
    EndpointDeleted,
    /// It comes to its end, and status is lost.
    StatusLost,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Ends),
        3 => Just(Fate::DiesBeforeSending),
        3 => Just(Fate::LosesTheAnswer),
        2 => Just(Fate::LosesTheAnswerUnseen),
        2 => Just(Fate::NotShownYet),
        1 => Just(Fate::EndpointDeleted),
        1 => Just(Fate::StatusLost),
    ]
}

fn our_endpoints(snapshot: &Snapshot) -> Vec<&VpcEndpoint> {
    snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| endpoint.tags.iter().any(|tag| tag.key == "sagevpc.dev/cluster"))
        .collect()
}

/// Whether each place has one address and one NAT gateway.
fn made_once(snapshot: &Snapshot) -> bool {
    let live = snapshot.nat_gateways.iter().filter(|nat| !nat.is_gone());
    let tags = live
        .map(|nat| &nat.tags)
        .chain(snapshot.addresses.iter().map(|address| &address.tags));
    let mut purposes = BTreeSet::new();
    tags.filter_map(|tags| tags.iter().find(|tag| tag.key == "sagevpc.dev/resource"))
        .all(|tag| purposes.insert(&tag.value))
}

/// One pass of a controller that lives on.
fn pass(
    references: &mut References,
    memory: &mut Memory,
    status: &mut SageMakerVpcStatus,
    sightings: &mut Sightings,
    time: jiff::Timestamp,
) -> Plan {
    memory.pass_time();
    let history = History::new(Some(status), &Repairs::default(), time).without(sightings.gone(time));
    let plan = plan_for(references, &memory.snapshot, &history);
    sightings.note_look(&plan, time);
    claim(references, &plan);
    let written = ledger::write_ahead(&plan, &status.ledger, "uid", || "epoch".to_owned(), time);
    let mut tokens = ClientTokens::new();
    if let Some((ledger, written)) = written {
        sightings.note_begun(written.keys());
        status.ledger = ledger;
        tokens = written;
    }
    plan.in_force.note(&mut status.in_force);
    status.in_force.network_acls = plan.network_acls_ahead();
    let outcome = memory.apply_watched(&plan, &tokens, |_, _| {});
    status.in_force.network_acls = plan.network_acls_after(&outcome);
    ledger::settle(&mut status.ledger, &outcome);
    ledger::note_found(&mut status.ledger, &plan, time);
    plan
}

/// Ids of ours that someone can delete, by hand and at once.
fn deletable(snapshot: &Snapshot) -> Vec<String> {
    let endpoints = our_endpoints(snapshot)
        .into_iter()
        .map(|endpoint| endpoint.vpc_endpoint_id.to_string());
    let live = snapshot
        .nat_gateways
        .iter()
        .filter(|nat| is_ours(&nat.tags) && !nat.is_gone());
    let nat_gateways = live.map(|nat| nat.nat_gateway_id.to_string());
    let logs = snapshot.flow_logs.iter().filter(|log| is_ours(&log.tags));
    let in_use = |id: &SecurityGroupId| {
        let mut interfaces = snapshot.network_interfaces.iter();
        interfaces.any(|interface| interface.groups.iter().any(|group| group.group_id == *id))
    };
    let groups = snapshot.security_groups.iter();
    let groups = groups.filter(|group| is_ours(&group.tags) && !in_use(&group.group_id));
    endpoints
        .chain(nat_gateways)
        .chain(logs.map(|log| log.flow_log_id.to_string()))
        .chain(groups.map(|group| group.group_id.to_string()))
        .collect()
}

/// How many endpoints are told to have no free address.
fn without_addresses(plan: &Plan) -> usize {
    let findings = plan.findings.iter();
    let lacking = findings.filter(|finding| {
        finding.concern == Concern::Endpoints
            && finding.reason == Reason::TooFewAddresses
            && finding.weight == Weight::Blocks
    });
    lacking.count()
}

fn delete(memory: &mut Memory, id: &str) {
    if id.starts_with("vpce-") {
        memory.delete_endpoint(&VpcEndpointId::new(id));
    } else if id.starts_with("nat-") {
        let id = NatGatewayId::new(id);
        let nat = memory.snapshot.nat_gateways.iter().find(|nat| nat.nat_gateway_id == id);
        let addresses: Vec<AllocationId> = nat.into_iter().flat_map(|nat| nat.allocation_ids().cloned()).collect();
        memory.delete_nat_gateway(&id);
        memory.pass_time();
        // Whoever tidies up gives the address back as well.
        memory
            .snapshot
            .addresses
            .retain(|address| !addresses.contains(&address.allocation_id));
    } else if id.starts_with("fl-") {
        let id = FlowLogId::new(id);
        memory.snapshot.flow_logs.retain(|log| log.flow_log_id != id);
    } else {
        let id = SecurityGroupId::new(id);
        memory.snapshot.security_groups.retain(|group| group.group_id != id);
    }
}

proptest! {
    #[test]
    fn what_was_seen_and_is_deleted_is_made_again_at_the_second_look(
        mut world in world("None"),
        which in any::<Index>(),
    ) {
        let mut memory = Memory::new(world.snapshot.clone());
        let mut status = SageMakerVpcStatus::default();
        let mut sightings = Sightings::default();
        let mut time = now();
        let mut go_on = |memory: &mut Memory, seconds: i64| {
            time += SignedDuration::from_secs(seconds);
            pass(&mut world.references, memory, &mut status, &mut sightings, time)
        };
        let converged = (0..8).map(|_| go_on(&mut memory, 1)).find(|plan| plan.actions.is_empty());
        prop_assert!(converged.is_some());
        let told_before = converged.as_ref().map_or(0, without_addresses);
        let ours = deletable(&memory.snapshot);
        if !ours.is_empty() {
            let id: &String = which.get(&ours);
            delete(&mut memory, id);
        }
        go_on(&mut memory, 5);
        go_on(&mut memory, 5);
        // What hangs on it follows.
        for _ in 0..6 {
            go_on(&mut memory, 1);
        }
        let left = go_on(&mut memory, 1);
        prop_assert!(left.actions.is_empty(), "{:?}", left.actions);
        prop_assert!(left.findings.iter().all(|finding| finding.reason != Reason::Waiting), "{:?}", left.findings);
        // Another endpoint that waited for an address may have taken what became free,
        // and whoever lacks it then is told.
        let made_or_told = deletable(&memory.snapshot).len() + without_addresses(&left);
        prop_assert!(made_or_told >= ours.len() + told_before, "{:?}", left.findings);
        prop_assert!(made_once(&memory.snapshot));
        prop_assert!(time.duration_since(now()) < SETTLING, "all of it within the time that is waited for what is new");
    }

    #[test]
    fn what_is_created_is_created_once(
        mut world in world("None"),
        fates in collection::vec((fate(), 1..50i64), 1..6),
    ) {
        let mut memory = Memory::new(world.snapshot.clone());
        let mut status = SageMakerVpcStatus::default();
        let mut time = now();
        let mut epochs = 0;
        let mut sightings = Sightings::default();
        let mut hidden: BTreeSet<String> = BTreeSet::new();
        let last = [(Fate::Ends, 100), (Fate::Ends, 100), (Fate::Ends, 100), (Fate::Ends, 100)];
        for (fate, seconds) in fates.into_iter().chain(last) {
            time += SignedDuration::from_secs(seconds);
            memory.pass_time();
            // AWS shows everything within the time that we allow it.
            if seconds >= SETTLING.as_secs() {
                hidden.clear();
            }
            let mut shown = memory.snapshot.clone();
            let is_shown = |id: &dyn ToString| !hidden.contains(&id.to_string());
            shown.vpc_endpoints.retain(|endpoint| is_shown(&endpoint.vpc_endpoint_id));
            shown.nat_gateways.retain(|nat| is_shown(&nat.nat_gateway_id));
            shown.addresses.retain(|address| is_shown(&address.allocation_id));
            shown.flow_logs.retain(|log| is_shown(&log.flow_log_id));
            hidden.clear();

            let history = History::new(Some(&status), &Repairs::default(), time).without(sightings.gone(time));
            let plan = plan_for(&world.references, &shown, &history);
            sightings.note_look(&plan, time);
            claim(&mut world.references, &plan);
            let epoch = || {
                epochs += 1;
                format!("epoch-{epochs}")
            };
            let written = ledger::write_ahead(&plan, &status.ledger, "uid", epoch, time);
            let tokens = match written {
                Some((ledger, tokens)) => {
                    sightings.note_begun(tokens.keys());
                    status.ledger = ledger;
                    tokens
                }
                None => ClientTokens::new(),
            };
            status.in_force.network_acls = plan.network_acls_ahead();
            if let Fate::DiesBeforeSending = fate {
                sightings = Sightings::default();
                continue;
            }
            let outcome = memory.apply_watched(&plan, &tokens, |_, _| {});
            if let Fate::NotShownYet | Fate::LosesTheAnswerUnseen = fate {
                let made = outcome.made.values().filter(|id| !id.starts_with("sg-"));
                hidden = made.cloned().collect();
            }
            if let Fate::LosesTheAnswer | Fate::LosesTheAnswerUnseen = fate {
                sightings = Sightings::default();
                continue;
            }
            ledger::settle(&mut status.ledger, &outcome);
            status.in_force.network_acls = plan.network_acls_after(&outcome);
            match fate {
                Fate::EndpointDeleted => {
                    let gone = our_endpoints(&memory.snapshot).first().map(|e| e.vpc_endpoint_id.clone());
                    gone.into_iter().for_each(|id| memory.delete_endpoint(&id));
                }
                Fate::StatusLost => status.ledger = LedgerStatus::default(),
                Fate::Ends
 | Fate::NotShownYet
 | Fate::DiesBeforeSending
 | Fate::LosesTheAnswer
 | Fate::LosesTheAnswerUnseen => {}
            }
            let mut services: Vec<&String> =
                our_endpoints(&memory.snapshot).iter().map(|endpoint| &endpoint.service_name).collect();
            services.sort();
            prop_assert!(services.windows(2).all(|pair| pair[0] != pair[1]), "{services:?}");
            prop_assert!(made_once(&memory.snapshot));
            let recorded: BTreeSet<&str> = memory.snapshot.flow_logs.iter().map(|log| log.resource_id.as_str()).collect();
            let foreign = world.snapshot.flow_logs.len();
            prop_assert!(memory.snapshot.flow_logs.len() <= recorded.len() + foreign);
        }
        memory.pass_time();
        let history = History::new(Some(&status), &Repairs::default(), time + SETTLING);
        let left = plan_for(&world.references, &memory.snapshot, &history);
        prop_assert!(left.actions.is_empty(), "{:?}", left.actions);
    }
}
