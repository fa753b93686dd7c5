//! Creations that are interrupted: a crash before or after the request, an
//! answer that is lost, something made that AWS does not show yet, something
//! deleted behind our back, status that is lost.

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
        let mut hidden: Option<String> = None;
        let last = [(Fate::Ends, 100), (Fate::Ends, 100)];
        for (fate, seconds) in fates.into_iter().chain(last) {
            time += SignedDuration::from_secs(seconds);
            // AWS shows everything within the time that we allow it.
            if seconds >= SETTLING.as_secs() {
                hidden = None;
            }
            let mut shown = memory.snapshot.clone();
            shown.vpc_endpoints.retain(|endpoint| Some(endpoint.vpc_endpoint_id.to_string()) != hidden);
            hidden = None;

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
            if let Fate::DiesBeforeSending = fate {
                continue;
            }
            let outcome = memory.apply_watched(&plan, &tokens, |_, _| {});
            if let Fate::LosesTheAnswer = fate {
                continue;
            }
            ledger::settle(&mut status.ledger, &outcome);
            match fate {
                Fate::NotShownYet => hidden = outcome.made.values().find(|id| id.starts_with("vpce-")).cloned(),
                Fate::EndpointDeleted => {
                    let gone = our_endpoints(&memory.snapshot).first().map(|e| e.vpc_endpoint_id.clone());
                    gone.into_iter().for_each(|id| memory.delete_endpoint(&id));
                }
                Fate::StatusLost => status.ledger = LedgerStatus::default(),
                Fate::Ends | Fate::DiesBeforeSending | Fate::LosesTheAnswer => {}
            }
            let mut services: Vec<&String> =
                our_endpoints(&memory.snapshot).iter().map(|endpoint| &endpoint.service_name).collect();
            services.sort();
            prop_assert!(services.windows(2).all(|pair| pair[0] != pair[1]), "{services:?}");
        }
        let history = History::new(Some(&status), &Repairs::default(), time + SETTLING);
        let left = plan_for(&world.references, &memory.snapshot, &history);
        prop_assert!(left.actions.is_empty(), "{:?}", left.actions);
    }
}
