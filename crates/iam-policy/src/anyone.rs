//! What a policy decides while it is not known who asks.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FamilyDecision, Principal, Request,
    document::{
        ActionClause, Conditions, Effect, PolicyDocument, PrincipalClause, PrincipalSet, ResourceClause, Statement,
        StatementRef,
    },
    evaluate_family,
    pattern::Pattern,
};

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

/// Whether a policy lets somebody do something of a service, whose actions begin
/// with this prefix in IAM; of any service, where it is `None`.
///
/// `false` is certain: whatever is not allowed is denied. Who is let do what, on
/// which resources, is left open.
///
/// ```
/// use iam_policy::{PolicyDocument, lets_some_action_through};
///
/// let policy: PolicyDocument = r#"{
///     "Statement": { "Effect": "Allow", "Principal": "*", "Action": "logs:Put*", "Resource": "*" }
/// }"#
/// .parse()?;
/// assert!(lets_some_action_through(&policy, Some("logs")));
/// assert!(!lets_some_action_through(&policy, Some("sts")));
/// # Ok::<(), iam_policy::PolicyError>(())
/// ```
pub fn lets_some_action_through(policy: &PolicyDocument, prefix: Option<&str>) -> bool {
    let actions = Pattern::parse(&prefix.map_or_else(|| "*".to_owned(), |prefix| format!("{prefix}:*")));
    let patterns = |list: &[String]| -> Vec<Pattern> {
        list.iter()
            .map(|text| Pattern::parse(&text.to_ascii_lowercase()))
            .collect()
    };
    let allows = |statement: &Statement| {
        statement.effect == Effect::Allow
            && match &statement.action {
                ActionClause::Action(list) => patterns(list).iter().any(|pattern| pattern.intersects(&actions)),
                ActionClause::NotAction(list) => !actions.is_covered_by(&patterns(list)),
            }
    };
    let denies_all = |statement: &Statement| {
        let of_all = match &statement.resource {
            Some(ResourceClause::Resource(list)) => list.iter().any(|resource| resource == "*"),
            Some(ResourceClause::NotResource(_)) | None => false,
        };
        let all = match &statement.action {
            ActionClause::Action(list) => actions.is_covered_by(&patterns(list)),
            ActionClause::NotAction(list) => !patterns(list).iter().any(|pattern| pattern.intersects(&actions)),
        };
        let always = statement.condition == Conditions::default();
        statement.effect == Effect::Deny && of_all && all && always && statement.speaks_of_everyone()
    };
    policy.statements.iter().any(allows) && !policy.statements.iter().any(denies_all)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_lets_a_service_through_only_where_a_statement_allows_something_of_it() {
        let allow =
            |action: &str| format!(r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"*"}}"#);
        let deny = |action: &str, resource: &str| {
            format!(r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"{resource}"}}"#)
        };
        let not = |effect: &str, action: &str| {
            format!(r#"{{"Effect":"{effect}","Principal":"*","NotAction":"{action}","Resource":"*"}}"#)
        };
        for (statements, lets_sts, lets_any) in [
            (vec![allow("*")], true, true),
            (vec![allow("STS:AssumeRole")], true, true),
            (vec![allow("s*:Get*")], true, true),
            (vec![allow("logs:*")], false, true),
            (vec![not("Allow", "sts:*")], false, true),
            (vec![not("Allow", "sts:AssumeRole")], true, true),
            (vec![deny("s3:*", "*")], false, false),
            (vec![allow("*"), deny("sts:*", "*")], false, true),
            (vec![allow("*"), deny("sts:AssumeRole", "*")], true, true),
            (vec![allow("*"), deny("sts:*", "arn:aws:iam::1:role/x")], true, true),
            (vec![allow("*"), not("Deny", "logs:*")], false, true),
            (vec![allow("*"), deny("*", "*")], false, false),
        ] {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
            let policy: PolicyDocument = text.parse().unwrap();
            assert_eq!(lets_some_action_through(&policy, Some("sts")), lets_sts, "{text}");
            assert_eq!(lets_some_action_through(&policy, None), lets_any, "{text}");
        }
    }
}
