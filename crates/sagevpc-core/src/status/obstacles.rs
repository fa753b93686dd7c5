//! What stands between a profile, or the VPC, and being ready: findings, and
//! actions that are not done.

use super::{Assessment, Observation};
use crate::{
    api::{ActionState, ManagementPolicy, Reason},
    catalog::Symptom,
    plan::{Outcome, Plan, PlannedAction, Serves, Step},
    report::{Concern, Failure, FailureKind, Finding, Scope, Weight},
    types::{ProfileKey, listed},
    validate::ValidVpc,
};

/// Something in the way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Obstacle {
    pub(super) concern: Concern,
    pub(super) weight: Weight,
    pub(super) reason: Reason,
    /// The cause, and the fix.
    pub(super) message: String,
    /// The resource that it is about, where it is one.
    pub(super) resource: Option<String>,
    /// What SageMaker would show.
    pub(super) symptom: Option<Symptom>,
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
            resource: None,
            symptom: None,
            is_planned: false,
            workloads: None,
            passes: false,
        }
    }

    fn of_finding(finding: &Finding, workloads: Option<Vec<String>>) -> Self {
        Self {
            weight: finding.weight,
            resource: finding.resource.clone(),
            symptom: finding.symptom,
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
            ..Self::new(concern, failure_reason(failure), failure.explained())
        }
    }

    /// The message, with what SageMaker would show.
    pub(super) fn explained(&self) -> String {
        match self.symptom {
            None => self.message.clone(),
            Some(symptom) => {
                let lead = if self.is_planned {
                    "Until then SageMaker would show"
                } else {
                    "SageMaker would show"
                };
                format!("{} {lead}: {}.", self.message, symptom.text())
            }
        }
    }

    /// Whether it concerns the workload.
    pub(super) fn concerns(&self, workload: &str) -> bool {
        self.workloads
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == workload))
    }
}

/// Whom obstacles are looked for.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    /// The VPC as such: what concerns everyone in it.
    Vpc,
    /// One profile: what concerns it, alone or with everyone.
    Profile(&'a ProfileKey),
}

/// Everything in the way, the spec's own faults first.
pub(super) fn obstacles(assessment: &Assessment<'_>, who: Who<'_>) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    let concerns = |finding: &Finding| match who {
        Who::Vpc => match finding.scope {
            Scope::Vpc | Scope::SageMakerVpc => Some(None),
            Scope::Profile(_) | Scope::Workloads(..) => None,
        },
        Who::Profile(key) => finding.concerns(key).map(|workloads| workloads.map(<[String]>::to_vec)),
    };
    let mut add = |findings: &[Finding]| {
        for finding in findings {
            if let Some(workloads) = concerns(finding) {
                obstacles.push(Obstacle::of_finding(finding, workloads));
            }
        }
    };
    match assessment.validated {
        Err(refused) => add(&refused.findings),
        Ok(validated) => {
            add(&validated.findings);
            if let Observation::Seen { plan, outcome } = assessment.observation {
                add(&plan.findings);
                let serves = |served: &Serves| match who {
                    Who::Vpc => match served {
                        Serves::Vpc | Serves::SageMakerVpc | Serves::Profiles(_) => true,
                        Serves::Profile(_) => false,
                    },
                    Who::Profile(key) => served.includes(key),
                };
                let pending = plan.actions.iter().filter(|planned| serves(&planned.serves));
                obstacles.extend(pending.filter_map(|planned| of_action(planned, outcome, &validated.vpc)));
            }
        }
    }
    obstacles.sort_by_key(|obstacle| (obstacle.concern, obstacle.weight));
    obstacles
}

/// How far an action is, and what to say of it.
pub(super) struct Progress {
    pub(super) state: ActionState,
    pub(super) reason: Reason,
    pub(super) message: String,
    pub(super) passes: bool,
}

pub(super) fn progress(planned: &PlannedAction, outcome: &Outcome, vpc: &ValidVpc) -> Progress {
    let make = |state, reason, message: String, passes| Progress {
        state,
        reason,
        message,
        passes,
    };
    if let Some(obstacle) = &planned.waits_for {
        let reason = if planned.backs_off {
            Reason::RepairBackoff
        } else {
            Reason::Waiting
        };
        return make(ActionState::Waiting, reason, obstacle.clone(), !planned.backs_off);
    }
    match outcome.steps.get(&planned.id) {
        Some(Step::Done) => {
            return make(
                ActionState::Done,
                Reason::InProgress,
                "Done; the next look at AWS will confirm it.".into(),
                true,
            );
        }
        Some(Step::Waiting { message }) => {
            return make(ActionState::Waiting, Reason::Waiting, message.clone(), true);
        }
        Some(Step::Failed(failure)) => {
            return make(
                ActionState::Failed,
                failure_reason(failure),
                failure.explained(),
                passes(failure.kind),
            );
        }
        Some(Step::Blocked { .. }) | None => {}
    }
    if vpc.management_policy == ManagementPolicy::Observe {
        let message = "managementPolicy is Observe: set it to Enforce to have this done.".to_owned();
        return make(ActionState::Planned, Reason::ObserveOnly, message, false);
    }
    if vpc.paused {
        let message = "spec.paused holds all changes back: set it to false to have this done.".to_owned();
        return make(ActionState::Planned, Reason::Paused, message, false);
    }
    if let (true, Some(cut_off)) = (planned.held, &planned.cuts_off) {
        let message = format!(
            "It would cut {} off from {}. It goes on by itself once they are gone: stop what still runs, and delete \
             interfaces that nobody uses. Or approve it: copy status.plan.held.digest of the SageMakerVpc into its \
             spec.approvedPlan.",
            cut_off.whom,
            listed(&cut_off.from),
        );
        // What only takes something away leaves workloads as they are.
        let reason = match planned.weight {
            Weight::Aside => Reason::DeletionBlocked,
            Weight::Blocks | Weight::Unmet | Weight::Unknown | Weight::Advice => Reason::AwaitingApproval,
        };
        return make(ActionState::Held, reason, message, true);
    }
    if planned.held {
        let message = "It waits to be approved: copy status.plan.held.digest of the SageMakerVpc into its \
                       spec.approvedPlan."
            .to_owned();
        return make(ActionState::Held, Reason::AwaitingApproval, message, false);
    }
    make(
        ActionState::Waiting,
        Reason::InProgress,
        "It follows once what it needs is done.".to_owned(),
        true,
    )
}

/// Drift that is not put back yet.
pub(super) fn open_drift<'a>(
    plan: &'a Plan,
    outcome: &'a Outcome,
    vpc: &'a ValidVpc,
) -> impl Iterator<Item = &'a PlannedAction> {
    plan.drift()
        .filter(move |planned| progress(planned, outcome, vpc).state != ActionState::Done)
}

/// What holds a change back until a person does something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldBack {
    ForApproval,
    ByObserve,
    ByPause,
}

/// What differs from what is declared and stays so until someone approves it, or
/// lets AWS be changed again.
pub(super) fn held_back<'a>(
    plan: &'a Plan,
    outcome: &'a Outcome,
    vpc: &'a ValidVpc,
) -> impl Iterator<Item = (&'a PlannedAction, HeldBack)> {
    plan.actions.iter().filter_map(move |planned| {
        if vpc.management_policy == ManagementPolicy::Observe {
            return Some((planned, HeldBack::ByObserve));
        }
        match progress(planned, outcome, vpc).state {
            ActionState::Planned => Some((planned, HeldBack::ByPause)),
            ActionState::Held => Some((planned, HeldBack::ForApproval)),
            ActionState::Waiting | ActionState::Failed | ActionState::Done => None,
        }
    })
}

fn of_action(planned: &PlannedAction, outcome: &Outcome, vpc: &ValidVpc) -> Option<Obstacle> {
    let concern = planned.blocks?;
    let progress = progress(planned, outcome, vpc);
    let message = format!("{planned}, because {}. {}", planned.reason, progress.message);
    Some(Obstacle {
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
