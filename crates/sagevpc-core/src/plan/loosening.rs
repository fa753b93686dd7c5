//! Whether a policy only lets more through than the one before it: then nobody
//! who reaches something today loses it.

use iam_policy::{ActionClause, Effect, Pattern, PolicyDocument, ResourceClause, Statement};

/// Whether all that `before` lets through passes `after` as well, as far as can
/// be told by comparing statement with statement. `false` when in doubt.
pub(super) fn only_loosens(before: &PolicyDocument, after: &PolicyDocument) -> bool {
    let of = |policy: &PolicyDocument, effect: Effect| -> Vec<Statement> {
        let statements = policy.statements.iter();
        statements
            .filter(|statement| statement.effect == effect)
            .cloned()
            .collect()
    };
    let still_allowed = of(before, Effect::Allow)
        .iter()
        .all(|allowed| of(after, Effect::Allow).iter().any(|broad| covers(broad, allowed)));
    let denied_before = of(after, Effect::Deny)
        .iter()
        .all(|denied| of(before, Effect::Deny).iter().any(|broad| covers(broad, denied)));
    still_allowed && denied_before
}

/// A policy that lets through all that `before` does, and of what `after` lets
/// through as much as that admits.
pub(super) fn widened(before: &PolicyDocument, after: &PolicyDocument) -> PolicyDocument {
    let of = |policy: &PolicyDocument, effect: Effect| -> Vec<Statement> {
        let statements = policy.statements.iter().filter(|statement| statement.effect == effect);
        // A name may stand once in a policy.
        let nameless = |statement: &Statement| Statement {
            sid: None,
            ..statement.clone()
        };
        statements.map(nameless).collect()
    };
    let (allowed, denied) = (of(before, Effect::Allow), of(before, Effect::Deny));
    let more: Vec<Statement> = of(after, Effect::Allow)
        .into_iter()
        .filter(|statement| !allowed.iter().any(|broad| covers(broad, statement)))
        .collect();
    let left = allowed
        .iter()
        .filter(|statement| !more.iter().any(|broad| covers(broad, statement)));
    let left: Vec<Statement> = left.cloned().collect();
    let still_denied = of(after, Effect::Deny)
        .into_iter()
        .filter(|statement| denied.iter().any(|broad| covers(broad, statement)));
    PolicyDocument::new(left.into_iter().chain(more).chain(still_denied))
}

/// Whether whatever `narrow` speaks of, `broad` speaks of as well.
fn covers(broad: &Statement, narrow: &Statement) -> bool {
    let same_principals =
        broad.principal == narrow.principal || (broad.speaks_of_everyone() && narrow.speaks_of_everyone());
    let actions = match (&broad.action, &narrow.action) {
        (ActionClause::Action(broad), ActionClause::Action(narrow)) => {
            all_covered(&lower_case(broad), &lower_case(narrow))
        }
        (broad, narrow) => broad == narrow,
    };
    let resources = match (&broad.resource, &narrow.resource) {
        (Some(ResourceClause::Resource(broad)), Some(ResourceClause::Resource(narrow))) => all_covered(broad, narrow),
        (broad, narrow) => broad == narrow,
    };
    same_principals && broad.condition == narrow.condition && actions && resources
}

fn lower_case(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.to_ascii_lowercase()).collect()
}

fn all_covered(broad: &[String], narrow: &[String]) -> bool {
    // What a policy variable stands for is not known here.
    if broad.iter().chain(narrow).any(|text| text.contains("${")) {
        return broad == narrow;
    }
    let broad: Vec<Pattern> = broad.iter().map(|text| Pattern::parse(text)).collect();
    narrow.iter().all(|text| Pattern::parse(text).is_covered_by(&broad))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> PolicyDocument {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
            .parse()
            .unwrap()
    }

    fn allow(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Principal": "*", "Action": "{action}", "Resource": "{resource}"}}"#)
    }

    fn deny(resource: &str) -> String {
        format!(r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "{resource}"}}"#)
    }

    #[test]
    fn more_allowed_or_less_denied_only_loosens() {
        let before = policy(&[allow("s3:GetObject", "arn:aws:s3:::a/*"), deny("arn:aws:s3:::b*")].join(","));
        for after in [
            policy(&[allow("S3:Get*", "arn:aws:s3:::a/*"), deny("arn:aws:s3:::b/*")].join(",")),
            policy(&[allow("*", "*"), allow("s3:PutObject", "*")].join(",")),
        ] {
            assert!(only_loosens(&before, &after), "{after:?}");
            assert!(!only_loosens(&after, &before), "{after:?}");
        }
    }

    #[test]
    fn a_new_condition_or_another_principal_may_tighten() {
        let before = policy(&allow("*", "*"));
        for after in [
            r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}"#,
            r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Principal": "*", "NotAction": "s3:PutObject", "Resource": "*"}"#,
        ] {
            assert!(!only_loosens(&before, &policy(after)), "{after}");
        }
    }
}
