//! Where two documents differ in meaning.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{
    canonical::{CanonicalStatement, same_meaning},
    document::{ActionClause, PolicyDocument, PrincipalClause, ResourceClause, Statement, StatementRef, Version},
};

/// An element of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Element {
    /// `Effect`
    Effect,
    /// `Principal` or `NotPrincipal`
    Principal,
    /// `Action` or `NotAction`
    Action,
    /// `Resource` or `NotResource`
    Resource,
    /// `Condition`
    Condition,
}

impl Element {
    const ALL: [Self; 5] = [
        Self::Effect,
        Self::Principal,
        Self::Action,
        Self::Resource,
        Self::Condition,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Effect => "Effect",
            Self::Principal => "Principal",
            Self::Action => "Action",
            Self::Resource => "Resource",
            Self::Condition => "Condition",
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One difference in meaning between two documents.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Difference {
    /// The documents use variables, and only one is in the version that has
    /// them.
    Version {
        /// The first document's.
        first: &'static str,
        /// The second document's.
        second: &'static str,
    },
    /// A statement of the first document that the second lacks.
    OnlyInFirst {
        /// Its place there.
        statement: StatementRef,
        /// What it says.
        value: Value,
    },
    /// A statement of the second document that the first lacks.
    OnlyInSecond {
        /// Its place there.
        statement: StatementRef,
        /// What it says.
        value: Value,
    },
    /// An element that two otherwise corresponding statements differ in.
    Changed {
        /// The statement's place in the first document.
        statement: StatementRef,
        /// The element.
        element: Element,
        /// As the first document has it, with the element's name; null if it
        /// has none.
        first: Value,
        /// As the second document has it.
        second: Value,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { first, second } => {
                write!(f, "Version: {first} became {second}, and `${{…}}` is used")
            }
            Self::OnlyInFirst { statement, value } => {
                write!(f, "{statement} is gone: {value}")
            }
            Self::OnlyInSecond { statement, value } => {
                write!(f, "{statement} is new: {value}")
            }
            Self::Changed {
                statement,
                element,
                first,
                second,
            } => write!(f, "{statement}, {element}: {first} became {second}"),
        }
    }
}

/// The differences in meaning from `a` to `b`; none exactly when they have the
/// [same meaning](super::same_meaning).
///
/// They are shown as the documents are written. Statements that have no equal on the other side are paired where they have
/// the same Sid or agree in most elements.
pub fn diff(a: &PolicyDocument, b: &PolicyDocument) -> Vec<Difference> {
    if same_meaning(a, b) {
        return Vec::new();
    }
    let statements = |version| statement_differences(a, b, version);
    if a.version == b.version {
        return statements((a.version, b.version));
    }
    let mut differences = Vec::new();
    // Read in one version, what is left does not come from the versions.
    let apart = statements((a.version, b.version));
    let alike = statements((Version::V2012, Version::V2012));
    if apart != alike {
        differences.push(Difference::Version {
            first: a.version.as_str(),
            second: b.version.as_str(),
        });
    }
    differences.extend(alike);
    differences
}

/// A statement that the other document does not have.
struct Single<'a> {
    index: usize,
    statement: &'a Statement,
    canonical: CanonicalStatement,
}

fn statement_differences(
    a: &PolicyDocument,
    b: &PolicyDocument,
    (version_a, version_b): (Version, Version),
) -> Vec<Difference> {
    let with_canonical = |document: &PolicyDocument, version| -> Vec<CanonicalStatement> {
        document
            .statements
            .iter()
            .map(|statement| CanonicalStatement::new(statement, version))
            .collect()
    };
    let in_a = with_canonical(a, version_a);
    let in_b = with_canonical(b, version_b);
    let only_a = singles(a, &in_a, &in_b);
    let mut only_b = singles(b, &in_b, &in_a);

    let mut differences = Vec::new();
    for single in only_a {
        let partner = only_b
            .iter()
            .enumerate()
            .filter_map(|(place, other)| likeness(&single, other).map(|like| (like, place)))
            // The first of the most alike.
            .max_by_key(|&(like, place)| (like, std::cmp::Reverse(place)))
            .map(|(_, place)| only_b.remove(place));
        let statement = a.reference(single.index);
        match partner {
            Some(other) => differences.extend(changes(&statement, &single, &other)),
            None => differences.push(Difference::OnlyInFirst {
                statement,
                value: single.statement.to_value(),
            }),
        }
    }
    differences.extend(only_b.into_iter().map(|single| Difference::OnlyInSecond {
        statement: b.reference(single.index),
        value: single.statement.to_value(),
    }));
    differences
}

/// The statements of a document that the other does not have, each meaning
/// once.
fn singles<'a>(
    document: &'a PolicyDocument,
    own: &[CanonicalStatement],
    others: &[CanonicalStatement],
) -> Vec<Single<'a>> {
    let others: BTreeSet<&CanonicalStatement> = others.iter().collect();
    let mut seen = BTreeSet::new();
    document
        .statements
        .iter()
        .zip(own)
        .enumerate()
        .filter(|(_, (_, canonical))| !others.contains(canonical) && seen.insert(*canonical))
        .map(|(index, (statement, canonical))| Single {
            index,
            statement,
            canonical: canonical.clone(),
        })
        .collect()
}

/// How alike two statements are; `None` if too little to call one a change of
/// the other.
fn likeness(a: &Single<'_>, b: &Single<'_>) -> Option<usize> {
    let same_sid = a.statement.sid.is_some() && a.statement.sid == b.statement.sid;
    let shared = Element::ALL
        .into_iter()
        .filter(|element| !differs(*element, &a.canonical, &b.canonical))
        .count();
    (same_sid || shared >= 3).then_some(shared + if same_sid { Element::ALL.len() } else { 0 })
}

fn differs(element: Element, a: &CanonicalStatement, b: &CanonicalStatement) -> bool {
    match element {
        Element::Effect => a.effect != b.effect,
        Element::Principal => a.principal != b.principal,
        Element::Action => a.action != b.action,
        Element::Resource => a.resource != b.resource,
        Element::Condition => a.condition != b.condition,
    }
}

fn changes(statement: &StatementRef, a: &Single<'_>, b: &Single<'_>) -> impl Iterator<Item = Difference> {
    Element::ALL
        .into_iter()
        .filter(|element| differs(*element, &a.canonical, &b.canonical))
        .map(|element| Difference::Changed {
            statement: statement.clone(),
            element,
            first: written(element, a.statement),
            second: written(element, b.statement),
        })
}

/// An element as its statement writes it, under its own name.
fn written(element: Element, statement: &Statement) -> Value {
    let name = match element {
        Element::Effect => "Effect",
        Element::Principal => match statement.principal {
            None => return Value::Null,
            Some(PrincipalClause::Principal(_)) => "Principal",
            Some(PrincipalClause::NotPrincipal(_)) => "NotPrincipal",
        },
        Element::Action => match statement.action {
            ActionClause::Action(_) => "Action",
            ActionClause::NotAction(_) => "NotAction",
        },
        Element::Resource => match statement.resource {
            None => return Value::Null,
            Some(ResourceClause::Resource(_)) => "Resource",
            Some(ResourceClause::NotResource(_)) => "NotResource",
        },
        Element::Condition => "Condition",
    };
    match statement.to_value().get_mut(name).map(Value::take) {
        Some(value) => Value::Object([(name.to_owned(), value)].into_iter().collect()),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::operator::Comparison, *};

    fn read() -> Statement {
        Statement::allow(["s3:GetObject"])
            .sid("Read")
            .everyone()
            .on(["arn:aws:s3:::fraud-data/*"])
    }

    fn packages() -> Statement {
        Statement::deny(["s3:GetObject"])
            .sid("Packages")
            .everyone()
            .on(["arn:aws:s3:::packages.*.amazonaws.com/*"])
    }

    fn texts(differences: &[Difference]) -> Vec<String> {
        differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_meanings_do_not_differ() {
        let a = PolicyDocument::new([read(), packages()]);
        let b = PolicyDocument::new([packages().sid("P"), read(), read()]);
        assert_eq!(diff(&a, &b), []);
    }

    #[test]
    fn a_statement_on_one_side_is_shown_with_its_place() {
        let a = PolicyDocument::new([read(), packages()]);
        let b = PolicyDocument::new([read()]);
        let place = StatementRef {
            number: 2,
            sid: Some("Packages".to_owned()),
        };
        assert_eq!(
            diff(&a, &b),
            [Difference::OnlyInFirst {
                statement: place.clone(),
                value: packages().to_value(),
            }]
        );
        assert_eq!(
            diff(&b, &a),
            [Difference::OnlyInSecond {
                statement: place,
                value: packages().to_value(),
            }]
        );
    }

    #[test]
    fn a_changed_element_is_shown_before_and_after() {
        let a = PolicyDocument::new([packages(), read()]);
        let b = PolicyDocument::new([
            packages(),
            read()
                .sid("R")
                .when(Comparison::StringEquals, "aws:SourceVpce", ["vpce-1"]),
        ]);
        assert_eq!(
            diff(&a, &b),
            [Difference::Changed {
                statement: StatementRef {
                    number: 2,
                    sid: Some("Read".to_owned())
                },
                element: Element::Condition,
                first: Value::Null,
                second: json!({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}),
            }]
        );
    }

    #[test]
    fn statements_of_one_sid_are_paired_however_much_they_changed() {
        let a = PolicyDocument::new([read()]);
        let b = PolicyDocument::new([Statement {
            sid: Some("Read".to_owned()),
            resource: Some(ResourceClause::NotResource(vec!["x".to_owned()])),
            ..Statement::deny(["s3:Put*"])
        }]);
        assert_eq!(
            texts(&diff(&a, &b)),
            [
                r#"statement 1 (Sid "Read"), Effect: {"Effect":"Allow"} became {"Effect":"Deny"}"#,
                r#"statement 1 (Sid "Read"), Principal: {"Principal":"*"} became null"#,
                r#"statement 1 (Sid "Read"), Action: {"Action":"s3:GetObject"} became {"Action":"s3:Put*"}"#,
                r#"statement 1 (Sid "Read"), Resource: {"Resource":"arn:aws:s3:::fraud-data/*"} became {"NotResource":"x"}"#,
            ]
        );
    }

    #[test]
    fn of_several_candidates_the_most_alike_is_paired() {
        let a = PolicyDocument::new([Statement { sid: None, ..read() }]);
        let elsewhere = Statement { sid: None, ..read() }.on(["*"]);
        let different = Statement {
            sid: None,
            ..packages()
        };
        let b = PolicyDocument::new([different, elsewhere]);
        assert_eq!(
            texts(&diff(&a, &b)),
            [
                r#"statement 1, Resource: {"Resource":"arn:aws:s3:::fraud-data/*"} became {"Resource":"*"}"#,
                r#"statement 1 is new: {"Action":"s3:GetObject","Effect":"Deny","Principal":"*","Resource":"arn:aws:s3:::packages.*.amazonaws.com/*"}"#,
            ]
        );
    }

    #[test]
    fn a_version_is_a_difference_where_variables_are_used() {
        let own = || read().on(["arn:aws:s3:::b/${aws:username}/*"]);
        let a = PolicyDocument {
            version: Version::V2008,
            ..PolicyDocument::new([own()])
        };
        let b = PolicyDocument::new([own()]);
        assert_eq!(
            diff(&a, &b),
            [Difference::Version {
                first: "2008-10-17",
                second: "2012-10-17"
            }]
        );
        let more = PolicyDocument::new([own(), packages()]);
        assert_eq!(diff(&a, &more).len(), 2);
        let old = PolicyDocument {
            version: Version::V2008,
            ..PolicyDocument::new([read()])
        };
        assert_eq!(diff(&old, &PolicyDocument::new([read(), packages()])).len(), 1);
    }
}
