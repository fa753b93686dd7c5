//! What a policy decides while it is not known who asks.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Effect, PolicyDocument, PrincipalClause, PrincipalSet, StatementRef};
use super::{FamilyDecision, Principal, Request, evaluate_family};

/// How much of a family of resources can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Every member.
    All,
    /// Some of them.
    Some,
    /// None.
    None,
    /// It cannot be told.
    Unknown,
}

impl FamilyDecision {
    /// How much of the family this leaves.
    pub const fn share(&self) -> Share {
        match self {
            Self::Allowed { .. } => Share::All,
            Self::Partly { .. } => Share::Some,
            Self::ImplicitlyDenied | Self::ExplicitlyDenied { .. } => Share::None,
            Self::Unknown { .. } => Share::Unknown,
        }
    }
}

/// Decides an action on a family of resources where it is not known who asks.
pub fn evaluate_family_for_anyone(policy: &PolicyDocument, action: &str, resource: &str) -> FamilyDecision {
    evaluate_family_whoever_asks(policy, &Request::new(Principal::Anonymous, action, resource))
}

/// Decides a request for a family of resources where it is not known who asks.
///
/// Where statements name principals, the policy is judged for somebody whom all
/// that allow mean and none that deny, and for the reverse; where that makes a
/// difference, the answer stays open.
pub fn evaluate_family_whoever_asks(policy: &PolicyDocument, request: &Request) -> FamilyDecision {
    let naming: Vec<StatementRef> = policy
        .statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| !statement.speaks_of_everyone())
        .map(|(index, statement)| StatementRef {
            number: index + 1,
            sid: statement.sid.clone(),
        })
        .collect();
    if naming.is_empty() {
        return evaluate_family(policy, request);
    }
    let most = evaluate_family(&meaning_them_if(policy, Effect::Allow), request);
    let least = evaluate_family(&meaning_them_if(policy, Effect::Deny), request);
    if most.share() == least.share() {
        return least;
    }
    FamilyDecision::Unknown {
        missing: BTreeSet::new(),
        statements: naming,
    }
}

/// The policy for somebody whom, of the statements that name principals, those
/// of this effect mean and the others do not.
fn meaning_them_if(policy: &PolicyDocument, effect: Effect) -> PolicyDocument {
    // None goes, so that a statement keeps its number in messages.
    let mut policy = policy.clone();
    for statement in policy
        .statements
        .iter_mut()
        .filter(|statement| !statement.speaks_of_everyone())
    {
        let whom = if statement.effect == effect {
            PrincipalSet::Everyone
        } else {
            PrincipalSet::Named(BTreeMap::new())
        };
        statement.principal = Some(PrincipalClause::Principal(whom));
    }
    policy
}
