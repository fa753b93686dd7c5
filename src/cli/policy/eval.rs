//! `sagevpc policy eval`: what several policies decide together.
//!
//! In one account, a policy of the caller's own is enough, and so is a
//! resource's policy that names the caller or everyone. One that names the
//! caller's account leaves it to the account's own policies. Across accounts
//! both must allow.
//!
//! See [resource-based policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-req-context.html)
//! and [cross-account access](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use super::Output;
use iam_policy::{ContextValue, Decision, PolicyDocument, Principal, Request, StatementRef, Unjudged, evaluate};

/// What policies decide together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Together {
    Allowed,
    ImplicitlyDenied,
    ExplicitlyDenied,
    Unknown,
}

impl Together {
    pub(super) const fn exit(self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::ImplicitlyDenied | Self::ExplicitlyDenied => 2,
            Self::Unknown => 3,
        }
    }
}

/// A statement of one of several policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Source {
    file: String,
    #[serde(flatten)]
    statement: StatementRef,
}

/// The half that does not allow, where the other does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Half {
    /// A policy of the caller's, of this account.
    CallersOwn(String),
    /// The resource's, in this account.
    Resources(String),
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) decision: Together,
    /// The statements that decide, or that it hangs on.
    statements: Vec<Source>,
    /// What it hangs on.
    missing: BTreeSet<Unjudged>,
    /// What else must allow it, where these statements do.
    #[serde(skip_serializing_if = "Option::is_none")]
    half_missing: Option<Half>,
}

impl Answer {
    fn new(decision: Together, statements: Vec<Source>) -> Self {
        Self {
            decision,
            statements,
            missing: BTreeSet::new(),
            half_missing: None,
        }
    }

    pub(super) fn described(&self, output: Output) -> String {
        if let Output::Json = output {
            return format!("{:#}\n", json!(self));
        }
        let sources: Vec<String> = self
            .statements
            .iter()
            .map(|Source { file, statement }| format!("{statement} of {file}"))
            .collect();
        let sources = sources.join(", ");
        match (self.decision, &self.half_missing) {
            (Together::Allowed, _) => format!("Allowed by {sources}.\n"),
            (Together::ExplicitlyDenied, _) => format!("Denied by {sources}.\n"),
            (Together::ImplicitlyDenied, None) => "Denied: no statement allows it.\n".to_owned(),
            (Together::ImplicitlyDenied, Some(Half::CallersOwn(account))) => format!(
                "Denied: {sources} allows it only together with a policy of the caller's own, of account {account}, and \
                 none that was given does: allow it there as well.\n"
            ),
            (Together::ImplicitlyDenied, Some(Half::Resources(account))) => format!(
                "Denied: {sources} allows it only together with the policy of the resource, in account {account}, and none \
                 that was given does: allow it there as well.\n"
            ),
            (Together::Unknown, _) => {
                let missing: String = self.missing.iter().map(|missing| format!("- {missing}\n")).collect();
                format!("Not known; it hangs on {sources}:\n{missing}")
            }
        }
    }
}

/// Decides a request by several policies: they must allow it, and none deny it.
pub(super) fn decide(policies: &[(String, PolicyDocument)], request: &Request) -> Answer {
    // What policies of the caller allow, what policies of resources allow whoever is named, and what these leave to
    // the caller's account.
    let (mut own, mut direct, mut delegating) = (Vec::new(), Vec::new(), Vec::new());
    let mut hanging = Vec::new();
    let mut reasons = BTreeSet::new();
    let (mut allowance_hangs, mut denial_hangs) = (false, false);
    for (file, policy) in policies {
        let source = |statement| Source {
            file: file.clone(),
            statement,
        };
        match evaluate(policy, request) {
            Decision::Allowed { statement } => {
                let is_of_resource = policy.statements.iter().any(|statement| statement.principal.is_some());
                // There an account stands for nobody but its root user.
                let named = evaluate(policy, &request.clone().at_gateway_endpoint());
                match named {
                    _ if !is_of_resource => own.push(source(statement)),
                    Decision::Allowed { statement } => direct.push(source(statement)),
                    Decision::ImplicitlyDenied | Decision::ExplicitlyDenied { .. } | Decision::Unknown { .. } => {
                        delegating.push(source(statement));
                    }
                }
            }
            Decision::ImplicitlyDenied => {}
            Decision::ExplicitlyDenied { statement } => {
                return Answer::new(Together::ExplicitlyDenied, vec![source(statement)]);
            }
            Decision::Unknown {
                missing,
                statements,
                may_allow,
                may_deny,
            } => {
                hanging.extend(statements.into_iter().map(source));
                reasons.extend(missing);
                allowance_hangs |= may_allow;
                denial_hangs |= may_deny;
            }
        }
    }
    let caller = caller_account(&request.principal);
    let owner = owner_account(request).filter(|owner| caller.is_some_and(|caller| caller != *owner));
    let (has_own, has_resources) = (!own.is_empty(), !direct.is_empty() || !delegating.is_empty());
    let is_enough = match owner {
        None => has_own || !direct.is_empty(),
        Some(_) => has_own && has_resources,
    };
    let allowing: Vec<Source> = direct.into_iter().chain(delegating).chain(own).collect();
    if is_enough && !denial_hangs {
        return Answer::new(Together::Allowed, allowing);
    }
    if !is_enough && !allowance_hangs {
        let half = match (has_own, has_resources) {
            (false, true) => caller.map(|account| Half::CallersOwn(account.to_owned())),
            (true, false) => owner.map(|account| Half::Resources(account.to_owned())),
            (true, true) | (false, false) => None,
        };
        return Answer {
            half_missing: half.clone(),
            ..Answer::new(
                Together::ImplicitlyDenied,
                if half.is_some() { allowing } else { Vec::new() },
            )
        };
    }
    Answer {
        missing: reasons,
        ..Answer::new(Together::Unknown, hanging)
    }
}

/// The account of the one who asks.
fn caller_account(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Aws(id) => account_of(id).or_else(|| is_account(id).then_some(id)),
        Principal::Anonymous | Principal::Service(_) | Principal::Federated(_) => None,
    }
}

/// The account that owns the resource, as its ARN or the context says.
fn owner_account(request: &Request) -> Option<&str> {
    let told = ["aws:ResourceAccount", "s3:ResourceAccount"]
        .into_iter()
        .find_map(|key| match request.context.value(key) {
            ContextValue::Values(values) => values.first().map(String::as_str),
            ContextValue::Absent | ContextValue::NoneOf { .. } | ContextValue::Within(_) | ContextValue::Unknown => {
                None
            }
        });
    told.or_else(|| account_of(&request.resource))
}

fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    is_account(account).then_some(account)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
