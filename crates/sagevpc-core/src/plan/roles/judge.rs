//! What an execution role may do: as AWS's policy simulation says, or, where
//! there is none, as its policies say.
//!
//! A role may do what one of its own policies allows, none denies, and its
//! permissions boundary allows too. Of service control policies only AWS's
//! simulation knows.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use crate::{
    catalog::RoleNeed,
    desired::is_role_policy_name,
    observed::{EvaluationResult, NamedPolicy, PoliciesOfRole, RoleDetail, Roles, SimulatedDecision, Word},
    types::{Region, joined, listed},
};
use iam_policy::{
    Context, Effect, FamilyDecision, PolicyDocument, Principal, Request, Statement, StatementRef, evaluate_family,
};

/// Why a role is not known to be allowed an action.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// No policy of it speaks of the action.
    Unstated,
    /// It is allowed on some resources only, or under a condition.
    Narrow(String),
    /// A policy denies it, whatever others allow.
    Denied(String),
    /// Its permissions boundary does not allow it.
    Bounded(String),
    /// A service control policy of the organization does not allow it.
    Organization,
    /// It cannot be told.
    Unclear(String),
}

impl Cause {
    /// In a few words, for where it weighs little.
    pub(super) fn in_short(&self) -> String {
        match self {
            Self::Unstated => "no policy of it speaks of that".to_owned(),
            Self::Narrow(why) => format!("only in part or under a condition, by {why}"),
            Self::Denied(by) => format!("{by} denies it"),
            Self::Bounded(by) => format!("{by} bounds it"),
            Self::Organization => "a service control policy does not allow it".to_owned(),
            Self::Unclear(why) => why.clone(),
        }
    }
}

/// Who judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judge {
    /// AWS, by its policy simulation.
    Aws,
    /// We, by the role's policies.
    Sagevpc,
}

/// What is asked of a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) need: &'a RoleNeed,
    pub(super) action: &'a str,
    /// Whether an allowance under a condition counts as none.
    pub(super) without_condition: bool,
}

/// The policies that decide what a role may do.
pub(super) struct RolePolicies {
    arn: String,
    region: Region,
    policies: PoliciesOfRole,
}

impl RolePolicies {
    /// All policies of a role.
    pub(super) fn all(role: &RoleDetail, roles: &Roles, region: &Region) -> Self {
        Self::of(role, roles, region, |_| true)
    }

    /// The same without what sagevpc gave it, for whichever VPC: two that left
    /// out only their own would each find the other's enough, and take theirs
    /// away in the same moment.
    pub(super) fn without_ours(role: &RoleDetail, roles: &Roles, region: &Region) -> Self {
        Self::of(role, roles, region, |name| !is_role_policy_name(name))
    }

    /// One document alone, as if it were all that the role had.
    pub(super) fn only(arn: &str, document: &PolicyDocument, region: &Region) -> Self {
        Self {
            arn: arn.to_owned(),
            region: region.clone(),
            policies: PoliciesOfRole {
                own: vec![NamedPolicy {
                    name: String::new(),
                    document: document.clone(),
                }],
                ..PoliciesOfRole::default()
            },
        }
    }

    fn of(role: &RoleDetail, roles: &Roles, region: &Region, counts: impl Fn(&str) -> bool) -> Self {
        Self {
            arn: role.arn.clone(),
            region: region.clone(),
            policies: roles.policies_of(role, counts),
        }
    }

    /// Whether every policy that bears on the role was seen and can be read.
    pub(super) fn is_complete(&self) -> bool {
        self.policies.unread.is_empty() && !matches!(self.policies.boundary, Some(Err(_)))
    }

    /// Why the role is not known to be allowed what is asked; `None` if it is.
    pub(super) fn judge(&self, question: Question<'_>) -> Option<Cause> {
        let causes: Vec<Cause> = question
            .need
            .resources_in(self.region.partition())
            .iter()
            .filter_map(|resource| self.judge_on(question, resource))
            .collect();
        worst(causes)
    }

    fn judge_on(&self, question: Question<'_>, resource: &str) -> Option<Cause> {
        let request = self.request(question, resource);
        match &self.policies.boundary {
            None => {}
            Some(Err(name)) => {
                return Some(Cause::Unclear(format!(
                    "its permissions boundary, {name}, was not seen"
                )));
            }
            Some(Ok(boundary)) => match decide(std::slice::from_ref(boundary), &request, question.without_condition) {
                None => {}
                Some(Cause::Unclear(why)) => return Some(Cause::Unclear(why)),
                Some(
                    Cause::Unstated | Cause::Narrow(_) | Cause::Denied(_) | Cause::Bounded(_) | Cause::Organization,
                ) => return Some(Cause::Bounded(boundary.name.clone())),
            },
        }
        let cause = decide(&self.policies.own, &request, question.without_condition);
        match cause {
            // What was not seen can allow or deny.
            Some(Cause::Denied(_)) => cause,
            _ if !self.policies.unread.is_empty() => Some(Cause::Unclear(format!(
                "{} was not seen",
                listed(&self.policies.unread)
            ))),
            cause => cause,
        }
    }

    /// What SageMaker's requests with this role are known to say.
    fn request(&self, question: Question<'_>, resource: &str) -> Request {
        let account = self.arn.split(':').nth(4).unwrap_or_default();
        let mut context = Context::partial()
            .with_value("aws:RequestedRegion", self.region.as_str())
            .with_value("aws:SecureTransport", "true")
            .with_value("aws:PrincipalType", "AssumedRole")
            .with_value("aws:PrincipalArn", &self.arn)
            .with_value("aws:PrincipalAccount", account);
        if let Some(when) = &question.need.when {
            context = context.with_value(when.key, when.value);
        }
        Request::new(Principal::Aws(self.arn.clone()), question.action, resource).in_context(context)
    }
}

/// What AWS's simulation says of an action; `None` where the role is allowed.
pub(super) fn simulated(result: &EvaluationResult, without_condition: bool) -> Option<Cause> {
    let by_organization = result.organizations_decision_detail.as_ref();
    if by_organization.is_some_and(|decision| !decision.allowed_by_organizations) {
        return Some(Cause::Organization);
    }
    let bounded = |decision: Option<&crate::observed::BoundaryDecision>| {
        decision.is_some_and(|decision| !decision.allowed_by_permissions_boundary)
    };
    let of_one = |decision: &Word<SimulatedDecision>, missing: &[String], is_bounded: bool| {
        if is_bounded {
            return Some(Cause::Bounded("its permissions boundary".to_owned()));
        }
        let keys = || listed(missing);
        match (decision.means(), missing.is_empty()) {
            (SimulatedDecision::Allowed, true) => None,
            (SimulatedDecision::Allowed, false) if !without_condition => Some(Cause::Unclear(format!(
                "its policies ask for {}, which is not known of SageMaker's requests",
                keys()
            ))),
            (SimulatedDecision::Allowed | SimulatedDecision::ImplicitDeny, false) => {
                Some(Cause::Narrow(format!("a condition on {}", keys())))
            }
            (SimulatedDecision::ImplicitDeny, true) => Some(Cause::Unstated),
            (SimulatedDecision::ExplicitDeny, true) => Some(Cause::Denied("one of its policies".to_owned())),
            (SimulatedDecision::ExplicitDeny, false) => Some(Cause::Unclear(format!(
                "a policy may deny it, by {}, which is not known of SageMaker's requests",
                keys()
            ))),
            (SimulatedDecision::Other, true | false) => {
                Some(Cause::Unclear(format!("AWS's simulation says {:?}", decision.as_str())))
            }
        }
    };
    let whole = of_one(
        &result.eval_decision,
        &result.missing_context_values,
        bounded(result.permissions_boundary_decision_detail.as_ref()),
    );
    let single = result.resource_specific_results.iter().map(|resource| {
        of_one(
            &resource.eval_resource_decision,
            &resource.missing_context_values,
            bounded(resource.permissions_boundary_decision_detail.as_ref()),
        )
    });
    worst(std::iter::once(whole).chain(single).flatten().collect())
}

/// The cause that says most: what is certain before what is not.
fn worst(causes: Vec<Cause>) -> Option<Cause> {
    let is_certain = |cause: &Cause| !matches!(cause, Cause::Unclear(_));
    let certain = causes.iter().find(|cause| is_certain(cause));
    certain.or(causes.first()).cloned()
}

/// What several policies say together.
fn decide(policies: &[NamedPolicy], request: &Request, without_condition: bool) -> Option<Cause> {
    let mut allowed = false;
    let mut narrow = None;
    let mut unclear = None;
    for NamedPolicy { name, document } in policies {
        let of = |statements: &[StatementRef]| format!("{} of {name}", joined(statements));
        match evaluate_family(document, request) {
            FamilyDecision::ExplicitlyDenied { statements } => return Some(Cause::Denied(of(&statements))),
            FamilyDecision::Partly {
                statement,
                effect: Effect::Deny,
            } => {
                unclear.get_or_insert(format!("{} denies a part of it", of(&[statement])));
            }
            FamilyDecision::Partly {
                statement,
                effect: Effect::Allow,
            } => {
                narrow.get_or_insert(of(&[statement]));
            }
            FamilyDecision::Allowed { statements } => {
                if without_condition && !allows_without_condition(document, request) {
                    narrow.get_or_insert(of(&statements));
                } else {
                    allowed = true;
                }
            }
            FamilyDecision::Unknown { statements, .. } => {
                if statements.iter().any(|statement| denies(document, statement)) {
                    unclear.get_or_insert(format!("{} may deny it", of(&statements)));
                } else {
                    narrow.get_or_insert(of(&statements));
                }
            }
            FamilyDecision::ImplicitlyDenied => {}
        }
    }
    match (unclear, narrow) {
        (Some(why), _) if allowed => Some(Cause::Unclear(why)),
        _ if allowed => None,
        (_, Some(statements)) => Some(Cause::Narrow(statements)),
        (_, None) => Some(Cause::Unstated),
    }
}

fn denies(document: &PolicyDocument, statement: &StatementRef) -> bool {
    let statement = statement
        .number
        .checked_sub(1)
        .and_then(|index| document.statements.get(index));
    statement.is_some_and(|statement| statement.effect == Effect::Deny)
}

/// Whether a document still allows a request when what it allows under a
/// condition is left out.
fn allows_without_condition(document: &PolicyDocument, request: &Request) -> bool {
    let stays = |statement: &&Statement| statement.effect == Effect::Deny || statement.condition.is_empty();
    let document = PolicyDocument {
        statements: document.statements.iter().filter(stays).cloned().collect(),
        ..document.clone()
    };
    evaluate_family(&document, request).is_allowed() == Some(true)
}

#[cfg(test)]
mod tests;
