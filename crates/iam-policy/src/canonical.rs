//! One form for all documents that mean the same.
//!
//! What is levelled and what is not, and why, stands in the module's
//! documentation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    document::{
        ActionClause, Conditions, Effect, PolicyDocument, PrincipalClause, PrincipalKind, PrincipalSet, ResourceClause,
        Statement, Version,
    },
    equivalence::{Equivalence, equivalence},
    operator::{Comparison, Operator, Test},
    principal::{Identity, is_everyone},
    template::{Template, canonical_pattern},
    value::{Decimal, parse_bool, parse_instant, parse_network},
};

/// Whether two documents mean the same: every request is decided alike by
/// both.
///
/// `true` is certain. `false` also stands for what could not be decided, which
/// [`equivalence`] tells apart; see the [module](super) for what is looked
/// through.
///
/// ```
/// use iam_policy::{PolicyDocument, same_meaning};
///
/// let ours: PolicyDocument =
///     r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":"*"}]}"#.parse()?;
/// let as_aws_writes_it: PolicyDocument = r#"{
///     "Version": "2008-10-17",
///     "Statement": {"Resource": "*", "Action": "S3:getobject", "Principal": {"AWS": "*"}, "Effect": "Allow"}
/// }"#
/// .parse()?;
/// assert!(same_meaning(&ours, &as_aws_writes_it));
/// # Ok::<(), iam_policy::PolicyError>(())
/// ```
pub fn same_meaning(a: &PolicyDocument, b: &PolicyDocument) -> bool {
    equivalence(a, b) == Equivalence::Same
}

impl PolicyDocument {
    /// A digest (SHA-256 in hex) that two documents share where they are written
    /// alike up to spelling, order and repetition. They then have the
    /// [same meaning](same_meaning); others may have it too.
    pub fn fingerprint(&self) -> String {
        // Only maps with keys that are no strings fail to serialise; there are
        // none, and an empty text would still be a digest.
        let text = serde_json::to_vec(&canonical(self)).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }
}

/// The canonical form of a document: a set, as order and repetition of
/// statements mean nothing.
pub(super) fn canonical(document: &PolicyDocument) -> BTreeSet<CanonicalStatement> {
    document
        .statements
        .iter()
        .map(|statement| CanonicalStatement::new(statement, document.version))
        .collect()
}

/// A statement without its spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct CanonicalStatement {
    pub effect: Effect,
    pub principal: CanonicalPrincipal,
    pub action: CanonicalList,
    pub resource: CanonicalList,
    pub condition: BTreeSet<CanonicalCondition>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum CanonicalPrincipal {
    Unstated,
    Everyone,
    Nobody,
    Listed(BTreeMap<PrincipalKind, BTreeSet<String>>),
    NotListed(BTreeMap<PrincipalKind, BTreeSet<String>>),
}

/// Lists are sorted and have nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum CanonicalList {
    Unstated,
    Listed(Vec<String>),
    NotListed(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct CanonicalCondition {
    operator: String,
    key: String,
    values: BTreeSet<CanonicalValue>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct CanonicalValue {
    text: String,
    /// The text is taken as it stands but has what may be a variable, so that
    /// the version of the language may matter.
    variables: bool,
}

impl CanonicalStatement {
    pub fn new(statement: &Statement, version: Version) -> Self {
        // Actions have wildcards and no variables, as in the older version.
        let actions = |list: &[String]| {
            let lower = list.iter().map(|action| action.to_ascii_lowercase());
            without_covered(lower, Version::V2008)
        };
        let resources = |list: &[String]| without_covered(list.iter().cloned(), version);
        Self {
            effect: statement.effect,
            principal: principal(statement.principal.as_ref(), statement.resource.is_some()),
            action: match &statement.action {
                ActionClause::Action(list) => CanonicalList::Listed(actions(list)),
                ActionClause::NotAction(list) => CanonicalList::NotListed(actions(list)),
            },
            resource: match &statement.resource {
                None => CanonicalList::Unstated,
                Some(ResourceClause::Resource(list)) => CanonicalList::Listed(resources(list)),
                Some(ResourceClause::NotResource(list)) => CanonicalList::NotListed(resources(list)),
            },
            condition: conditions(&statement.condition, version),
        }
    }
}

fn principal(clause: Option<&PrincipalClause>, has_resource: bool) -> CanonicalPrincipal {
    let (set, not) = match clause {
        None => return CanonicalPrincipal::Unstated,
        Some(PrincipalClause::Principal(set)) => (set, false),
        Some(PrincipalClause::NotPrincipal(set)) => (set, true),
    };
    match set {
        PrincipalSet::Named(lists) if !is_everyone(set, has_resource) => {
            let lists = lists
                .iter()
                .map(|(kind, ids)| (*kind, identities(*kind, ids)))
                .collect();
            if not {
                CanonicalPrincipal::NotListed(lists)
            } else {
                CanonicalPrincipal::Listed(lists)
            }
        }
        PrincipalSet::Everyone | PrincipalSet::Named(_) if not => CanonicalPrincipal::Nobody,
        PrincipalSet::Everyone | PrincipalSet::Named(_) => CanonicalPrincipal::Everyone,
    }
}

fn identities(kind: PrincipalKind, ids: &[String]) -> BTreeSet<String> {
    ids.iter()
        .map(|id| match kind {
            PrincipalKind::Aws => match Identity::parse(id) {
                Identity::Account(account) => account.to_owned(),
                Identity::Everyone
                | Identity::Role(_)
                | Identity::Session(_)
                | Identity::User(_)
                | Identity::FederatedUser(_)
                | Identity::UniqueId(_)
                | Identity::Other(_) => id.clone(),
            },
            PrincipalKind::CanonicalUser | PrincipalKind::Federated | PrincipalKind::Service => id.clone(),
        })
        .collect()
}

/// The canonical texts of a list of patterns, without those that another one
/// covers because it is the same text up to a final `*`.
///
/// Texts with variables are left out of it: where a variable has no value, a
/// text matches nothing, and AWS does not promise more.
fn without_covered(texts: impl Iterator<Item = String>, version: Version) -> Vec<String> {
    let (mut with_variables, mut plain) = (Vec::new(), Vec::new());
    for text in texts {
        let (text, has_variables) = canonical_pattern(text, version);
        if has_variables {
            with_variables.push(text);
        } else {
            plain.push(text);
        }
    }
    plain.sort_unstable();
    plain.dedup();

    // Stems of the texts that end in `*`, none of them the start of another.
    // In order, a stem comes right before everything that starts with it, so
    // the last one kept is the only one to ask.
    let mut all_stems: Vec<&str> = plain.iter().filter_map(|text| stem(text)).collect();
    all_stems.sort_unstable();
    let mut stems: Vec<&str> = Vec::new();
    for candidate in all_stems {
        if !stems.last().is_some_and(|last| candidate.starts_with(last)) {
            stems.push(candidate);
        }
    }
    let uncovered = |text: &String| {
        let before = stems.partition_point(|stem| *stem <= text.as_str());
        let nearest = before.checked_sub(1).map(|index| stems[index]);
        !nearest.is_some_and(|nearest| text.starts_with(nearest) && stem(text) != Some(nearest))
    };
    let keep: Vec<bool> = plain.iter().map(uncovered).collect();
    let mut kept: Vec<String> = plain
        .into_iter()
        .zip(keep)
        .filter_map(|(text, keep)| keep.then_some(text))
        .chain(with_variables)
        .collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// What stands before a final `*`. The `*` of `${*}` is followed by a brace.
fn stem(canonical: &str) -> Option<&str> {
    canonical.strip_suffix('*')
}

fn conditions(conditions: &Conditions, version: Version) -> BTreeSet<CanonicalCondition> {
    conditions
        .iter()
        .flat_map(|(operator, keys)| {
            keys.iter().map(move |(key, values)| CanonicalCondition {
                operator: canonical_operator(operator).to_string(),
                key: key.to_ascii_lowercase(),
                values: condition_values(operator.comparison.test(), values, version),
            })
        })
        .collect()
}

/// AWS defines the two ARN operators as one.
fn canonical_operator(operator: &Operator) -> Operator {
    let comparison = match (operator.comparison.test(), operator.comparison.negated()) {
        (Test::Arn, false) => Comparison::ArnLike,
        (Test::Arn, true) => Comparison::ArnNotLike,
        (
            Test::Text { .. }
            | Test::Number(_)
            | Test::Date(_)
            | Test::Bool
            | Test::Binary
            | Test::Ip
            | Test::Null
            | Test::Unknown,
            _,
        ) => operator.comparison.clone(),
    };
    Operator {
        comparison,
        ..*operator
    }
}

fn condition_values(test: Test, values: &[String], version: Version) -> BTreeSet<CanonicalValue> {
    let levelled = |text: String| CanonicalValue { text, variables: false };
    let verbatim = |text: &String| CanonicalValue {
        text: text.clone(),
        variables: version == Version::V2012 && text.contains("${"),
    };
    let each = |read: &dyn Fn(&String) -> Option<String>| {
        values
            .iter()
            .map(|text| read(text).map_or_else(|| verbatim(text), levelled))
            .collect()
    };
    match test {
        Test::Text {
            wildcards: true,
            ignore_case: _,
        } => without_covered(values.iter().cloned(), version)
            .into_iter()
            .map(levelled)
            .collect(),
        Test::Text {
            wildcards: false,
            ignore_case,
        } => each(&|text| {
            let template = Template::plain(text, version);
            let template = if ignore_case { template.fold_case() } else { template };
            Some(template.canonical())
        }),
        Test::Arn => each(&|text| Some(Template::with_wildcards(text, version).canonical())),
        Test::Number(_) => each(&|text| Decimal::parse(text).map(|number| number.to_string())),
        Test::Date(_) => each(&|text| parse_instant(text).map(|instant| instant.as_nanos().to_string())),
        Test::Bool | Test::Null => each(&|text| parse_bool(text).map(|flag| flag.to_string())),
        Test::Ip => each(&|text| parse_network(text).map(|network| network.to_string())),
        Test::Binary | Test::Unknown => each(&|_| None),
    }
}

#[cfg(test)]
mod tests;
