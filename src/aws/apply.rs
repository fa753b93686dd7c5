//! From a plan to AWS, and what became of it.
//!
//! Decides nothing: which actions, in which order and which of them wait is the
//! plan's. Actions that do not need each other run side by side. Nothing here
//! waits for a state of AWS's: what is not ready is reported as
//! [`Step::Waiting`], and the next plan, from a fresh look, decides anew. Every
//! action can be done again without harm: what is there already counts as
//! made, what is gone already as deleted, and a creation whose answer was lost
//! is found again by its client token, its name or its tags.

mod addresses;
mod buckets;
mod flow_logs;
mod made;
mod nat_gateways;
mod network_acls;
mod roles;
mod routes;
mod security_groups;
mod tags;
mod vpc_endpoints;
mod vpcs;
mod work;

use std::{collections::BTreeMap, pin::Pin};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use self::{
    made::Made,
    work::{Performed, Setback, Work},
};
use super::{clients::Clients, deadline};
use sagevpc_core::{
    plan::{Action, ActionId, ClientTokens, Outcome, Plan, PlannedAction, Step},
    types::ResourceKey,
};

/// Does what the plan says, and tells what became of each action.
///
/// `tokens` holds a client token for each resource that the plan creates. From
/// `deadline` on nothing is sent any more; a call sent just before may take ten
/// seconds longer to be answered. Held actions are left out, and what comes
/// after them is blocked.
pub async fn apply(clients: &Clients, plan: &Plan, tokens: &ClientTokens, deadline: Instant) -> Outcome {
    deadline::until(deadline, Walk::new(clients, plan, tokens, deadline).run()).await
}

/// A walk through a plan's graph.
struct Walk<'a> {
    clients: &'a Clients,
    plan: &'a Plan,
    tokens: &'a ClientTokens,
    deadline: Instant,
    /// What has been neither begun nor given up.
    left: BTreeMap<ActionId, &'a PlannedAction>,
    /// What is not to be begun at all.
    held: Vec<ActionId>,
    outcome: Outcome,
}

/// What is known of an action before it is begun.
enum Readiness {
    Ready,
    NotYet,
    Settled(Step),
}

type Performing<'a> = Pin<Box<dyn Future<Output = (ActionId, Performed)> + Send + 'a>>;

impl<'a> Walk<'a> {
    fn new(clients: &'a Clients, plan: &'a Plan, tokens: &'a ClientTokens, deadline: Instant) -> Self {
        let (held, left): (Vec<_>, Vec<_>) = plan.actions.iter().partition(|planned| planned.held);
        Self {
            clients,
            plan,
            tokens,
            deadline,
            left: left.into_iter().map(|planned| (planned.id, planned)).collect(),
            held: held.into_iter().map(|planned| planned.id).collect(),
            outcome: Outcome::default(),
        }
    }

    async fn run(mut self) -> Outcome {
        let makes: BTreeMap<ActionId, ResourceKey> = self
            .left
            .values()
            .filter_map(|planned| Some((planned.id, planned.action.makes()?.clone())))
            .collect();
        let mut under_way = FuturesUnordered::new();
        loop {
            under_way.extend(self.begin());
            let Some((id, performed)) = under_way.next().await else {
                return self.outcome;
            };
            let step = match performed {
                Ok(made) => {
                    self.outcome.made.extend(makes.get(&id).cloned().zip(made));
                    Step::Done
                }
                Err(Setback::Waiting(message)) => Step::Waiting { message },
                Err(Setback::Refused(refusal)) => Step::Failed(refusal.failure),
            };
            self.outcome.steps.insert(id, step);
        }
    }

    /// Begins what has become ready and settles what cannot be done any more,
    /// and then what that settles in turn.
    fn begin(&mut self) -> Vec<Performing<'a>> {
        let mut begun = Vec::new();
        loop {
            let before = self.left.len();
            for (id, planned) in std::mem::take(&mut self.left) {
                match self.readiness(planned) {
                    Readiness::Ready => begun.push(self.perform(planned)),
                    Readiness::NotYet => {
                        self.left.insert(id, planned);
                    }
                    Readiness::Settled(step) => {
                        self.outcome.steps.insert(id, step);
                    }
                }
            }
            if self.left.len() == before {
                return begun;
            }
        }
    }

    fn readiness(&self, planned: &PlannedAction) -> Readiness {
        if let Some(message) = &planned.waits_for {
            return Readiness::Settled(Step::Waiting {
                message: message.clone(),
            });
        }
        let mut ready = true;
        for earlier in &planned.after {
            match self.outcome.steps.get(earlier) {
                Some(Step::Done) => {}
                Some(Step::Waiting { .. } | Step::Failed(_) | Step::Blocked { .. }) => {
                    return Readiness::Settled(Step::Blocked { by: *earlier });
                }
                None if self.held.contains(earlier) => {
                    return Readiness::Settled(Step::Blocked { by: *earlier });
                }
                None => ready = false,
            }
        }
        if ready { Readiness::Ready } else { Readiness::NotYet }
    }

    /// One action: the change goes whole to the noun that it changes.
    fn perform(&self, planned: &'a PlannedAction) -> Performing<'a> {
        let work = Work::new(self.clients, self.plan, planned, self.deadline);
        let made = Made::new(&self.outcome.made, self.tokens);
        Box::pin(async move {
            let performed = match &planned.action {
                Action::Vpc(change) => vpcs::change(&work, change).await,
                Action::SecurityGroup(change) => security_groups::change(&work, change, &made).await,
                Action::VpcEndpoint(change) => vpc_endpoints::change(&work, change, &made).await,
                Action::Address(change) => addresses::change(&work, change).await,
                Action::NatGateway(change) => nat_gateways::change(&work, change, &made).await,
                Action::Route(change) => routes::change(&work, change, &made).await,
                Action::NetworkAcl(change) => network_acls::change(&work, change).await,
                Action::FlowLog(change) => flow_logs::change(&work, change, &made).await,
                Action::Bucket(change) => buckets::change(&work, change, &made).await,
                Action::Role(change) => roles::change(&work, change).await,
                Action::Tags(change) => tags::change(&work, change).await,
            };
            (planned.id, performed)
        })
    }
}
