//! What stands between a profile, or the VPC, and being ready: findings, and
//! actions that are not done.

use std::borrow::Cow;

use crate::{
    api::{ActionState, ManagementPolicy, Reason},
    catalog::Symptom,
    plan::{Outcome, PlannedAction, Step},
    report::{Concern, Failure, FailureKind, Finding, Scope, Weight, shown},
    types::listed,
    validate::ValidVpc,
};

/// Something in the way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Obstacle {
    pub(super) concern: Concern,
    pub(super) weight: Weight,
    pub(super) reason: Reason,
    /// The cause, at times with the fix.
    pub(super) message: String,
    /// The fix, where it is told apart.
    pub(super) fix: Option<String>,
    /// The resource that it is about, where it is one.
    pub(super) resource: Option<String>,
    /// What SageMaker would show.
    pub(super) symptom: Option<Symptom>,
    /// Workloads that show something else, or nothing that is known.
    pub(super) shows_otherwise: Vec<(String, Option<Symptom>)>,
    /// Whether an action of ours takes it away.
    pub(super) is_planned: bool,
    /// The workloads concerned, where not all are.
    pub(super) workloads: Option<Vec<String>>,
    /// Whether it goes away without anyone doing anything.
    pub(super) passes: bool,
}

impl Obstacle {
    /// One that blocks every workload until somebody does something.
    pub(super) fn new(concern: Concern, reason: Reason, message: String) -> Self {
        Self {
            concern,
            weight: Weight::Blocks,
            reason,
            message,
            fix: None,
            resource: None,
            symptom: None,
            shows_otherwise: Vec::new(),
            is_planned: false,
            workloads: None,
            passes: false,
        }
    }

    pub(super) fn of_finding(finding: &Finding) -> Self {
        let workloads = match &finding.scope {
            Scope::Vpc | Scope::SageMakerVpc | Scope::Profile(_) => None,
            Scope::Workloads(_, names) => Some(names.clone()),
        };
        Self {
            weight: finding.weight,
            resource: finding.resource.clone(),
            fix: finding.fix.clone(),
            symptom: finding.symptom,
            shows_otherwise: finding.shows_otherwise.clone(),
            workloads,
            passes: finding.reason == Reason::Waiting,
            ..Self::new(finding.concern, finding.reason, finding.message.clone())
        }
    }

    /// AWS gave no answer, or a refusal: what runs may run on, and nobody can
    /// see it.
    pub(super) fn of_failure(concern: Concern, failure: &Failure) -> Self {
        Self {
            weight: Weight::Unknown,
            passes: passes(failure.kind),
            fix: failure.fix().map(str::to_owned),
            ..Self::new(concern, failure_reason(failure), failure.said())
        }
    }

    /// The message, with the fix.
    pub(super) fn told(&self) -> String {
        match &self.fix {
            Some(fix) => format!("{} {fix}", self.message),
            None => self.message.clone(),
        }
    }

    /// The message, with the fix and what SageMaker would show.
    pub(super) fn explained(&self) -> String {
        match self.shown() {
            None => self.told(),
            Some(shown) => {
                let lead = if self.is_planned {
                    "Until then SageMaker would show"
                } else {
                    "SageMaker would show"
                };
                format!("{} {lead}: {shown}.", self.told())
            }
        }
    }

    /// What SageMaker would show.
    pub(super) fn shown(&self) -> Option<String> {
        let names = self.workloads.as_deref().unwrap_or_default();
        let shown = shown(self.symptom, names, &self.shows_otherwise);
        (!shown.is_empty()).then(|| shown.join("; or: "))
    }

    /// It in two words: why, and of what.
    pub(super) fn named(&self) -> String {
        match &self.resource {
            Some(resource) => format!("{} ({resource})", self.reason),
            None => self.reason.to_string(),
        }
    }

    /// Whether it concerns the workload.
    pub(super) fn concerns(&self, workload: &str) -> bool {
        self.workloads
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == workload))
    }
}

/// How far an action is, and what to say of it.
pub(super) struct Progress<'a> {
    pub(super) state: ActionState,
    pub(super) reason: Reason,
    /// What is to be said besides the state.
    pub(super) message: Option<Cow<'a, str>>,
    pub(super) fix: Option<&'static str>,
    pub(super) passes: bool,
}

pub(super) fn progress<'a>(planned: &'a PlannedAction, outcome: &'a Outcome, vpc: &ValidVpc) -> Progress<'a> {
    let make = |state, reason, message: Option<Cow<'a, str>>, passes| Progress {
        state,
        reason,
        message,
        fix: None,
        passes,
    };
    if let Some(obstacle) = &planned.waits_for {
        let reason = if planned.backs_off {
            Reason::RepairBackoff
        } else {
            Reason::Waiting
        };
        return make(ActionState::Waiting, reason, Some(obstacle.into()), !planned.backs_off);
    }
    match outcome.steps.get(&planned.id) {
        Some(Step::Done) => {
            return make(ActionState::Done, Reason::InProgress, None, true);
        }
        Some(Step::Waiting { message }) => {
            return make(ActionState::Waiting, Reason::Waiting, Some(message.into()), true);
        }
        Some(Step::Failed(failure)) => {
            return Progress {
                fix: failure.fix(),
                ..make(
                    ActionState::Failed,
                    failure_reason(failure),
                    Some(failure.said().into()),
                    passes(failure.kind),
                )
            };
        }
        Some(Step::Blocked { .. }) | None => {}
    }
    if vpc.management_policy == ManagementPolicy::Observe {
        return Progress {
            fix: Some("managementPolicy is Observe: set it to Enforce to have this done."),
            ..make(ActionState::Planned, Reason::ObserveOnly, None, false)
        };
    }
    if vpc.paused {
        return Progress {
            fix: Some("spec.paused holds all changes back: set it to false to have this done."),
            ..make(ActionState::Planned, Reason::Paused, None, false)
        };
    }
    if let (true, Some(cut_off)) = (planned.held, &planned.cuts_off) {
        let message = format!(
            "It would cut {} off from {}, and goes on by itself once they are gone.",
            cut_off.whom,
            listed(&cut_off.from),
        );
        // What only takes something away leaves workloads as they are.
        let reason = match planned.weight {
            Weight::Aside => Reason::DeletionBlocked,
            Weight::Blocks | Weight::Unmet | Weight::Unknown | Weight::Advice => Reason::AwaitingApproval,
        };
        return Progress {
            fix: Some(
                "Stop what still runs, and delete interfaces that nobody uses. Or approve it: copy \
                 status.plan.held.digest of the SageMakerVpc into its spec.approvedPlan.",
            ),
            ..make(ActionState::Held, reason, Some(message.into()), true)
        };
    }
    if planned.held {
        return Progress {
            fix: Some(
                "It waits to be approved: copy status.plan.held.digest of the SageMakerVpc into its spec.approvedPlan.",
            ),
            ..make(ActionState::Held, Reason::AwaitingApproval, None, false)
        };
    }
    make(ActionState::Waiting, Reason::InProgress, None, true)
}

/// Whether it is drift that is not put back yet.
pub(super) fn is_open_drift(planned: &PlannedAction, progress: &Progress<'_>) -> bool {
    planned.drift && progress.state != ActionState::Done
}

/// What holds a change back until a person does something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldBack {
    ForApproval,
    ByObserve,
    ByPause,
}

/// What keeps AWS from what is declared until someone approves the action, or
/// lets AWS be changed again.
pub(super) fn held_back(progress: &Progress<'_>, vpc: &ValidVpc) -> Option<HeldBack> {
    if vpc.management_policy == ManagementPolicy::Observe {
        return Some(HeldBack::ByObserve);
    }
    match progress.state {
        ActionState::Planned => Some(HeldBack::ByPause),
        ActionState::Held => Some(HeldBack::ForApproval),
        ActionState::Waiting | ActionState::Failed | ActionState::Done => None,
    }
}

pub(super) fn of_action(planned: &PlannedAction, progress: &Progress<'_>) -> Option<Obstacle> {
    let concern = planned.blocks?;
    let cause = format!("{planned}, because {}.", planned.reason);
    let message = match &progress.message {
        Some(told) => format!("{cause} {told}"),
        None => cause,
    };
    Some(Obstacle {
        fix: progress.fix.map(str::to_owned),
        resource: Some(planned.action.resource()),
        // What is done needs no warning any more, only a second look.
        weight: planned.weight,
        symptom: planned.symptom.filter(|_| progress.state != ActionState::Done),
        is_planned: true,
        passes: progress.passes,
        ..Obstacle::new(concern, progress.reason, message)
    })
}

/// The reason of a condition for a refusal of AWS's.
pub(super) fn failure_reason(failure: &Failure) -> Reason {
    match failure.kind {
        FailureKind::NoCredentials => Reason::NoCredentials,
        FailureKind::WrongAccount => Reason::WrongAccount,
        FailureKind::AccessDenied => Reason::AccessDenied,
        FailureKind::Throttled => Reason::Throttled,
        FailureKind::Unreachable => Reason::Unreachable,
        FailureKind::QuotaExceeded | FailureKind::Rejected => Reason::ActionFailed,
    }
}

/// Whether a refusal goes away without anyone doing anything.
pub(super) fn passes(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Throttled | FailureKind::Unreachable => true,
        FailureKind::NoCredentials
        | FailureKind::WrongAccount
        | FailureKind::AccessDenied
        | FailureKind::QuotaExceeded
        | FailureKind::Rejected => false,
    }
}
