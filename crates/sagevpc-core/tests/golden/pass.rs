//! Takes a case the way that the controller goes: objects → validate → desired
//! → plan → status, with the status of one pass as the input of the next.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sagevpc_core::{
    desired::Network,
    observed::{Discovered, Snapshot},
    plan::{self, History, Outcome, Plan, Repairs, Step},
    render,
    report::{Failure, FailureKind},
    status::{Assessment, Observation, Statuses, assess},
    validate::{References, Refused, Validated, validate},
};
use serde::Deserialize;

/// When the first pass of every case runs.
pub fn start() -> Timestamp {
    "2026-02-01T00:00:00Z".parse().expect("a timestamp")
}

/// What AWS answers to a pass.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answers {
    /// A refusal to be looked at.
    #[serde(default)]
    pub looking: Option<Refusal>,
    /// A refusal to say what runs.
    pub discovering: Option<Refusal>,
    /// Refusals of actions, each by its name and resource.
    #[serde(default)]
    pub refused: BTreeMap<String, Refusal>,
}

/// A refusal of AWS's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    kind: String,
    action: String,
    code: Option<String>,
    message: String,
}

impl Refusal {
    fn failure(&self) -> Failure {
        use FailureKind::{AccessDenied, NoCredentials, QuotaExceeded, Rejected, Throttled, Unreachable};
        let kinds = [
            NoCredentials,
            AccessDenied,
            Throttled,
            Unreachable,
            QuotaExceeded,
            Rejected,
        ];
        Failure {
            kind: *kinds
                .iter()
                .find(|kind| kind.as_str() == self.kind)
                .expect("a kind of failure"),
            action: self.action.clone(),
            code: self.code.clone(),
            message: self.message.clone(),
        }
    }
}

/// Everything that one pass yields.
pub struct Pass {
    pub validated: Result<Validated, Refused>,
    /// The plan, where there was something to plan for.
    pub plan: Option<Plan>,
    pub statuses: Statuses,
    /// The plan as `sagevpc plan` prints it.
    pub text: String,
}

/// Runs one pass.
pub fn run(references: &References, snapshot: &Snapshot, answers: &Answers, now: Timestamp) -> Pass {
    let validated = validate(references);
    let history = History::new(references.vpc.status.as_ref(), &Repairs::default(), now);
    let network = validated.as_ref().ok().map(Network::new);
    let plan = network.as_ref().and_then(|network| {
        let mut seen = snapshot.vpc(&network.vpc.vpc_id)?;
        if let Some(refusal) = &answers.discovering {
            let failure = refusal.failure();
            seen.note_discovered(Discovered::Refused {
                denied: failure.kind == FailureKind::AccessDenied,
                message: failure.explained(),
            });
        }
        Some(plan::plan(network, &seen, &history))
    });
    let outcome = outcome(plan.as_ref(), answers);
    let looking = answers.looking.as_ref().map(Refusal::failure);
    let observation = match (&network, &looking, &plan) {
        (None, _, _) => Observation::NotLooked,
        (Some(_), Some(failure), _) => Observation::Failed(failure),
        (Some(_), None, None) => Observation::VpcMissing,
        (Some(_), None, Some(plan)) => Observation::Seen {
            plan,
            outcome: &outcome,
        },
    };
    let statuses = assess(&Assessment {
        references,
        validated: validated.as_ref(),
        observation,
        ledger: references.vpc.status.clone().unwrap_or_default().ledger,
        now,
    });
    let text = match (&validated, &network, &plan) {
        (Err(refused), _, _) => render::refused("research", refused),
        (Ok(validated), Some(network), Some(plan)) => render::plan(&network.vpc, plan, &validated.findings),
        (Ok(validated), _, _) => render::missing(&validated.vpc),
    };
    Pass {
        validated,
        plan,
        statuses,
        text,
    }
}

fn outcome(plan: Option<&Plan>, answers: &Answers) -> Outcome {
    let mut outcome = Outcome::default();
    for (name, refusal) in &answers.refused {
        let refused = plan
            .iter()
            .flat_map(|plan| &plan.actions)
            .find(|planned| *name == format!("{} {}", planned.action.name(), planned.action.resource()));
        let refused = refused.unwrap_or_else(|| panic!("the plan has no action {name} to be refused"));
        outcome.steps.insert(refused.id, Step::Failed(refusal.failure()));
    }
    outcome
}

/// Writes a pass's statuses into the objects, as the API server would hold
/// them for the next pass.
pub fn remember(references: &mut References, statuses: &Statuses) {
    references.vpc.status = Some(statuses.vpc.clone());
    for reference in &mut references.profiles {
        reference.profile.status = statuses.profiles.get(&reference.key()).cloned();
    }
}

/// The time of the pass after the one at `now`.
pub fn next(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_secs(60)
}
