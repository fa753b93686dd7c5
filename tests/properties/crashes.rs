//! Creations that are interrupted: a crash before or after the request, an
//! answer that is lost, something made that AWS does not show yet, something
//! deleted behind our back, status that is lost.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::{collection, prelude::*};
use sagevpc::{
    api::{LedgerStatus, SageMakerVpcStatus},
    observed::{Snapshot, VpcEndpoint},
    plan::{ClientTokens, History, Repairs, SETTLING, ledger},
};

use crate::{
    inputs::{claim, now, plan_for, world},
    memory::Memory,
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

proptest! {
    #[test]
    fn what_is_created_is_created_once(
        mut world in world("None"),
        fates in collection::vec((fate(), 1..50i64), 1..6),
    ) {
        let mut memory = Memory::new(world.snapshot.clone());
        let mut status = SageMakerVpcStatus::default();
        let mut time = now();
        let mut epochs = 0;
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

            let history = History::new(Some(&status), &Repairs::default(), time);
            let plan = plan_for(&world.references, &shown, &history);
            claim(&mut world.references, &plan);
            let epoch = || {
                epochs += 1;
                format!("epoch-{epochs}")
            };
            let written = ledger::write_ahead(&plan, &status.ledger, "uid", epoch, time);
            let tokens = match written {
                Some((ledger, tokens)) => {
                    status.ledger = ledger;
                    tokens
                }
                None => ClientTokens::new(),
            };
            status.in_force.network_acls = plan.network_acls_ahead();
            if let Fate::DiesBeforeSending = fate {
                continue;
            }
            let outcome = memory.apply_watched(&plan, &tokens, |_, _| {});
            if let Fate::NotShownYet | Fate::LosesTheAnswerUnseen = fate {
                let made = outcome.made.values().filter(|id| !id.starts_with("sg-"));
                hidden = made.cloned().collect();
            }
            if let Fate::LosesTheAnswer | Fate::LosesTheAnswerUnseen = fate {
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
