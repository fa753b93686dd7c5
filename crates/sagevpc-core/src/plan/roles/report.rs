//! What is said of execution roles that no action of ours mends.

use std::collections::BTreeMap;

use super::{
    CONCERN, Use,
    grant::RoleGrant,
    judge::{Cause, Judge, Question, RolePolicies, simulated},
    kinds, questions, tell,
};
use crate::{
    api::Reason,
    catalog::{RoleNeed, RolePart, SAGEMAKER_PRINCIPAL, Symptom, WorkloadKind},
    observed::{RoleDetail, UnseenCause},
    plan::draft::Draft,
    report::{Finding, Scope, Weight},
    types::{ProfileKey, listed},
};
use iam_policy::{Context, Decision, PolicyDocument, Principal, PrincipalSet, Request, Statement, evaluate};

/// Says that a role is not there or was not seen. Where AWS's simulation knows
/// it, what it may do is known all the same.
pub(super) fn unseen(draft: &mut Draft<'_>, arn: &str, uses: &[Use<'_>]) {
    let snapshot = draft.snapshot;
    let unseen = snapshot.roles.unseen.get(arn);
    let is_known = snapshot.roles.simulations.contains_key(arn);
    let cause = unseen.map(|unseen| unseen.cause);
    let words = unseen
        .map(|unseen| unseen.message.trim_end_matches('.'))
        .filter(|message| !message.is_empty())
        .map(|message| format!(" ({message})"))
        .unwrap_or_default();
    let (weight, message) = match cause {
        Some(UnseenCause::NoSuchEntity) => (
            Weight::Blocks,
            format!("Execution role {arn} does not exist: create it, or correct roleArn of the workload."),
        ),
        _ if is_known => return,
        Some(UnseenCause::OtherAccount) => (
            Weight::Unknown,
            format!(
                "Execution role {arn} belongs to another account than sagevpc's credentials, so what it may do is not \
                 known: set spec.credentials.workloads to a role of that account."
            ),
        ),
        Some(UnseenCause::AccessDenied) => (
            Weight::Unknown,
            format!(
                "AWS does not let sagevpc look at execution role {arn}{words}: allow the controller's role the iam \
                 actions that `sagevpc print iam-policy` prints."
            ),
        ),
        Some(UnseenCause::Unreachable) => (
            Weight::Unknown,
            format!("AWS gave no answer about execution role {arn}{words}; it is asked again."),
        ),
        None => (
            Weight::Unknown,
            format!(
                "Execution role {arn} was not looked at: add Roles.json and ManagedPolicies.json to the snapshot, both \
                 as `aws iam get-account-authorization-details` prints them."
            ),
        ),
    };
    tell(draft, uses, weight, Reason::RoleNotSeen, &message);
}

/// Says where SageMaker may not assume the role.
pub(super) fn trust(draft: &mut Draft<'_>, detail: &RoleDetail, uses: &[Use<'_>]) {
    let Some(policy) = &detail.assume_role_policy_document else {
        return;
    };
    let arn = &detail.arn;
    let account = arn.split(':').nth(4).unwrap_or_default();
    let assume = Statement::allow(["sts:AssumeRole"]).principals(PrincipalSet::services([SAGEMAKER_PRINCIPAL]));
    let fix = format!("Add this statement to its trust policy: {}.", assume.to_value());
    let message = match PolicyDocument::try_from(policy) {
        Err(problem) => format!("The trust policy of execution role {arn} cannot be read: {problem}. {fix}"),
        Ok(policy) => {
            let context = Context::partial().with_value("aws:SourceAccount", account);
            let service = Principal::Service(SAGEMAKER_PRINCIPAL.to_owned());
            let request = Request::new(service, "sts:AssumeRole", arn).in_context(context);
            let decision = evaluate(&policy, &request);
            match &decision {
                Decision::ExplicitlyDenied { statement } => format!(
                    "Execution role {arn} cannot be assumed by SageMaker: {statement} of its trust policy denies it. \
                     Change that statement."
                ),
                // A condition on the job that asks is met by some job.
                _ if decision.is_allowed() != Some(false) => return,
                Decision::Allowed { .. } | Decision::ImplicitlyDenied | Decision::Unknown { .. } => {
                    format!("Execution role {arn} cannot be assumed by SageMaker ({SAGEMAKER_PRINCIPAL}). {fix}")
                }
            }
        }
    };
    tell(draft, uses, Weight::Blocks, Reason::RoleNotAssumable, &message);
}

/// Actions, each with what it is needed for.
type Actions = Vec<(&'static RoleNeed, &'static str)>;

/// Actions that a kind of workload misses in its role, for one cause.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct MissingActions {
    judge: Judge,
    cause: Cause,
    /// Whether what is allowed under a condition was refused for it.
    without_condition: bool,
    /// Whether we could give them.
    part: RolePart,
    /// Whether nothing is known to fail without them.
    advised_only: bool,
    actions: Actions,
}

/// Says what a role lacks, but for what our policy gives it.
pub(super) fn lacks(
    draft: &mut Draft<'_>,
    arn: &str,
    uses: &[Use<'_>],
    detail: Option<&RoleDetail>,
    given: &RoleGrant,
) {
    let region = &draft.network.vpc.region;
    let policies = detail.map(|detail| RolePolicies::all(detail, &draft.snapshot.roles, region));
    let by_kind: BTreeMap<WorkloadKind, Vec<MissingActions>> = kinds(uses)
        .into_iter()
        .map(|kind| (kind, lacks_of(draft, arn, kind, policies.as_ref(), given)))
        .collect();
    let mut concerned: BTreeMap<(&ProfileKey, &MissingActions), Vec<String>> = BTreeMap::new();
    for used in uses {
        for lack in by_kind.get(&used.workload.kind).into_iter().flatten() {
            let workloads = concerned.entry((used.profile, lack)).or_default();
            workloads.push(used.workload.name.clone());
        }
    }
    for ((profile, lack), workloads) in concerned {
        let mut of_profile = uses.iter().filter(|used| used.profile == profile);
        let is_enforced = of_profile.any(|used| used.workload.role_enforced);
        let scope = Scope::Workloads(profile.clone(), workloads);
        draft.push(finding(draft, arn, lack.clone(), is_enforced, scope));
    }
}

/// What a kind of workload misses in a role.
fn lacks_of(
    draft: &Draft<'_>,
    arn: &str,
    kind: WorkloadKind,
    policies: Option<&RolePolicies>,
    given: &RoleGrant,
) -> Vec<MissingActions> {
    let advised = kind.requirements().role_actions_advised;
    let mut by_cause: BTreeMap<(Judge, Cause, RolePart, bool), Actions> = BTreeMap::new();
    for (question, need, action) in questions(kind) {
        let advised_only = advised.contains(&action);
        if let Some((judge, cause)) = verdict(draft, arn, policies, question)
            && !mends(given, &cause, need, action)
            // What may be there is not advised.
            && !(advised_only && matches!(cause, Cause::Unclear(_)))
        {
            by_cause
                .entry((judge, cause, need.part, advised_only))
                .or_default()
                .push((need, action));
        }
    }
    by_cause
        .into_iter()
        .map(|((judge, cause, part, advised_only), actions)| MissingActions {
            judge,
            part,
            advised_only,
            without_condition: matches!(cause, Cause::Narrow(_)) && kind.wants_role_actions_without_condition(),
            cause,
            actions,
        })
        .collect()
}

/// Who says that an action is missing, and why. AWS is believed before us,
/// where it was asked.
fn verdict(
    draft: &Draft<'_>,
    arn: &str,
    policies: Option<&RolePolicies>,
    question: Question<'_>,
) -> Option<(Judge, Cause)> {
    let result = draft
        .snapshot
        .roles
        .simulations
        .get(arn)
        .filter(|_| question.need.can_be_simulated())
        .and_then(|simulation| {
            let mut results = simulation.evaluation_results.iter();
            results.find(|result| result.eval_action_name.eq_ignore_ascii_case(question.action))
        });
    match (result, policies) {
        (Some(result), _) => Some((Judge::Aws, simulated(result, question.without_condition)?)),
        (None, Some(policies)) => Some((Judge::Sagevpc, policies.judge(question)?)),
        (None, None) => None,
    }
}

/// Whether our policy, as it is or is to be, mends it.
fn mends(given: &RoleGrant, cause: &Cause, need: &'static RoleNeed, action: &'static str) -> bool {
    match cause {
        Cause::Unstated | Cause::Narrow(_) => given.holds(need, action),
        Cause::Denied(_) | Cause::Bounded(_) | Cause::Organization | Cause::Unclear(_) => false,
    }
}

fn finding(draft: &Draft<'_>, arn: &str, lack: MissingActions, is_enforced: bool, scope: Scope) -> Finding {
    let MissingActions {
        judge,
        cause,
        without_condition,
        part,
        advised_only,
        actions,
    } = lack;
    let vpc = &draft.network.vpc;
    let names = listed(actions.iter().map(|(_, action)| action));
    let judged = match judge {
        Judge::Aws => "judged by AWS's policy simulation",
        Judge::Sagevpc => {
            "judged by sagevpc from the role's policies; service control policies of an organization are not seen"
        }
    };
    let mut missing = RoleGrant::default();
    for (need, action) in &actions {
        missing.add(need, action);
    }
    let statement = missing.to_copy(&vpc.region);
    let switch = match part {
        RolePart::Network if is_enforced => String::new(),
        RolePart::Network => format!(
            ", or have the owners of SageMakerVpc {} list the role in spec.grants.enforce.roles",
            vpc.ownership.vpc
        ),
        RolePart::Other => " (sagevpc gives a role nothing beyond what network interfaces need)".to_owned(),
    };
    let fix = format!("to its policies{switch}: {statement}.");
    let (weight, message) = match cause {
        cause if advised_only => (
            Weight::Advice,
            format!(
                "Execution role {arn} is not allowed {names} ({}; {judged}), which only some of AWS's pages list for \
                 this kind: it can run without. To do as they advise, add {fix}",
                cause.in_short()
            ),
        ),
        Cause::Unstated => (
            Weight::Blocks,
            format!(
                "Execution role {arn} lacks {names}, which SageMaker takes with its permissions ({judged}). Add {fix}"
            ),
        ),
        Cause::Narrow(why) if without_condition => (
            Weight::Blocks,
            format!(
                "Execution role {arn} is allowed {names} only in part or under a condition, by {why} ({judged}), and \
                 SageMaker starts a processing job only where they are allowed on * with no condition. Add {fix}"
            ),
        ),
        Cause::Narrow(why) => (
            Weight::Unknown,
            format!(
                "Execution role {arn} is allowed {names} only in part or under a condition, by {why} ({judged}), and \
                 whether that covers SageMaker's requests is not known. To be sure, add {fix}"
            ),
        ),
        Cause::Denied(by) => (
            Weight::Blocks,
            format!(
                "Execution role {arn} is denied {names}, which SageMaker takes with its permissions, by {by} \
                 ({judged}): no statement that allows can outdo it. Change the statement that denies."
            ),
        ),
        Cause::Bounded(by) => (
            Weight::Blocks,
            format!(
                "Execution role {arn} may not do {names}, which SageMaker takes with its permissions, for {by} bounds it \
                 and does not allow them ({judged}). Allow them in the boundary, or take another role."
            ),
        ),
        Cause::Organization => (
            Weight::Blocks,
            format!(
                "Execution role {arn} may not do {names}, which SageMaker takes with its permissions, for a service \
                 control policy of the organization does not allow them ({judged}). Have the organization's owners \
                 allow them in this account."
            ),
        ),
        Cause::Unclear(why) => (
            Weight::Unknown,
            format!("Whether execution role {arn} may do {names} is not known: {why} ({judged})."),
        ),
    };
    let about_interfaces = actions.iter().any(|(_, action)| action.starts_with("ec2:"));
    Finding {
        concern: CONCERN,
        scope,
        weight,
        reason: Reason::ActionsMissing,
        message,
        resource: Some(arn.to_string()),
        symptom: (about_interfaces && weight == Weight::Blocks).then_some(Symptom::RoleLacksActions),
        fix: None,
        shows_otherwise: Vec::new(),
        lacks: Vec::new(),
    }
}
