//! One form for all documents that mean the same.
//!
//! What is levelled and what is not, and why, stands in the module's
//! documentation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::document::{
    ActionClause, Conditions, Effect, PolicyDocument, PrincipalClause, PrincipalKind, PrincipalSet, ResourceClause,
    Statement, Version,
};
use super::operator::{Comparison, Operator, Test};
use super::principal::{Identity, is_everyone};
use super::template::Template;
use super::value::{Decimal, Instant, Network, parse_bool};

/// Whether two documents mean the same: every request is decided alike by
/// both.
///
/// `true` is certain; see the [module](super) for which differences are looked
/// through.
pub fn same_meaning(a: &PolicyDocument, b: &PolicyDocument) -> bool {
    a == b || canonical(a) == canonical(b)
}

impl PolicyDocument {
    /// A digest (SHA-256 in hex) that two documents share exactly when they
    /// have the [same meaning](same_meaning).
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

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum CanonicalList {
    Unstated,
    Listed(BTreeSet<String>),
    NotListed(BTreeSet<String>),
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
        let actions = |list: &[String]| {
            // Actions have wildcards and no variables, as in the older version.
            without_covered(
                list.iter()
                    .map(|action| Template::with_wildcards(&action.to_ascii_lowercase(), Version::V2008)),
            )
        };
        let resources =
            |list: &[String]| without_covered(list.iter().map(|resource| Template::with_wildcards(resource, version)));
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
fn without_covered(templates: impl Iterator<Item = Template>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    let mut with_variables = BTreeSet::new();
    for template in templates {
        let group = if template.has_variables() {
            &mut with_variables
        } else {
            &mut texts
        };
        group.insert(template.canonical());
    }

    // Stems of the texts that end in `*`, none of them the start of another.
    // In order, a stem comes right before everything that starts with it, so
    // the last one kept is the only one to ask.
    let mut all_stems: Vec<&str> = texts.iter().filter_map(|text| stem(text)).collect();
    all_stems.sort_unstable();
    let mut stems: Vec<&str> = Vec::new();
    for candidate in all_stems {
        if !stems.last().is_some_and(|last| candidate.starts_with(last)) {
            stems.push(candidate);
        }
    }
    let covered = |text: &String| {
        let before = stems.partition_point(|stem| *stem <= text.as_str());
        let nearest = before.checked_sub(1).map(|index| stems[index]);
        nearest.is_some_and(|nearest| text.starts_with(nearest) && stem(text) != Some(nearest))
    };
    texts
        .iter()
        .filter(|text| !covered(text))
        .cloned()
        .chain(with_variables)
        .collect()
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
    let comparison = match &operator.comparison {
        Comparison::ArnEquals => Comparison::ArnLike,
        Comparison::ArnNotEquals => Comparison::ArnNotLike,
        other => other.clone(),
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
        } => without_covered(values.iter().map(|text| Template::with_wildcards(text, version)))
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
        Test::Date(_) => each(&|text| Instant::parse(text).map(|instant| instant.to_string())),
        Test::Bool | Test::Null => each(&|text| parse_bool(text).map(|flag| flag.to_string())),
        Test::Ip => each(&|text| Network::parse(text).map(|network| network.to_string())),
        Test::Binary | Test::Unknown => each(&|_| None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A policy with one full statement, of which `change` makes another.
    fn with(change: impl FnOnce(&mut Value)) -> PolicyDocument {
        let mut document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Read",
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::a/*"],
                "Condition": {
                    "StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]},
                    "Bool": {"aws:SecureTransport": "true"},
                },
            }],
        });
        change(&mut document);
        PolicyDocument::try_from(&document).unwrap()
    }

    fn with_statement(member: &str, value: Value) -> PolicyDocument {
        with(|document| document["Statement"][0][member] = value)
    }

    fn principals(value: Value) -> PolicyDocument {
        with_statement("Principal", value)
    }

    fn condition(value: Value) -> PolicyDocument {
        with_statement("Condition", value)
    }

    #[track_caller]
    fn equal(a: &PolicyDocument, b: &PolicyDocument) {
        assert!(same_meaning(a, b), "{a}\n{b}");
        assert_eq!(a.fingerprint(), b.fingerprint());
    }

    #[track_caller]
    fn apart(a: &PolicyDocument, b: &PolicyDocument) {
        assert!(!same_meaning(a, b), "{a}\n{b}");
        assert_ne!(a.fingerprint(), b.fingerprint());
    }

    #[test]
    fn names_order_and_repetition_mean_nothing() {
        let plain = with(|_| ());
        equal(&plain, &with_statement("Sid", json!("Other")));
        equal(&plain, &with(|document| document["Id"] = json!("id")));
        equal(
            &plain,
            &with_statement("Action", json!(["s3:ListBucket", "s3:GetObject", "s3:ListBucket"])),
        );
        equal(
            &plain,
            &condition(json!({
                "Bool": {"aws:SecureTransport": true},
                "StringEquals": {"AWS:sourcevpce": ["vpce-2", "vpce-1", "vpce-2"]},
                "StringLike": {},
            })),
        );
        let twice = with(|document| {
            let statement = document["Statement"][0].clone();
            document["Statement"] = json!([statement, statement]);
        });
        equal(&plain, &twice);
    }

    #[test]
    fn statements_are_a_set() {
        let written = |actions: [&str; 2]| {
            PolicyDocument::new(actions.map(|action| Statement::deny([action]).everyone().on(["*"])))
        };
        equal(&written(["s3:Get*", "s3:Put*"]), &written(["s3:Put*", "s3:Get*"]));
        apart(&written(["s3:Get*", "s3:Put*"]), &written(["s3:Get*", "s3:Get*"]));
    }

    #[test]
    fn versions_differ_where_a_variable_is_replaced_and_only_there() {
        let in_version = |version: Value, resource: &str| {
            with(|document| {
                document["Version"] = version;
                document["Statement"][0]["Resource"] = json!(resource);
            })
        };
        let missing = with(|document| {
            document.as_object_mut().unwrap().remove("Version");
        });
        equal(&missing, &with(|_| ()));
        let [old, new] = ["2008-10-17", "2012-10-17"].map(Value::from);
        let own = "arn:aws:s3:::a/${aws:username}/*";
        apart(&in_version(old.clone(), own), &in_version(new.clone(), own));
        equal(
            &in_version(old, "arn:aws:s3:::a/$x"),
            &in_version(new.clone(), "arn:aws:s3:::a/${$}x"),
        );
        equal(
            &in_version(new.clone(), own),
            &in_version(new.clone(), "arn:aws:s3:::a/${AWS:UserName}/*"),
        );
        apart(&in_version(new.clone(), "${*}"), &in_version(new, "*"));
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        equal(
            &with(|_| ()),
            &with_statement("Action", json!(["S3:getobject", "s3:LISTBUCKET"])),
        );
        apart(
            &with(|_| ()),
            &with_statement("Resource", json!(["arn:aws:s3:::A", "arn:aws:s3:::a/*"])),
        );
        apart(
            &with_statement("Action", json!("*")),
            &with_statement("Action", json!("s3:*")),
        );
    }

    #[test]
    fn an_element_and_its_opposite_are_apart() {
        let without = |member: &str, not: &str| {
            with(|document| {
                let statement = document["Statement"][0].as_object_mut().unwrap();
                let value = statement.remove(member).unwrap();
                statement.insert(not.to_owned(), value);
            })
        };
        for (member, not) in [
            ("Principal", "NotPrincipal"),
            ("Action", "NotAction"),
            ("Resource", "NotResource"),
        ] {
            apart(&with(|_| ()), &without(member, not));
        }
        apart(&with(|_| ()), &with_statement("Effect", json!("Deny")));
    }

    #[test]
    fn covered_elements_of_a_list_mean_nothing() {
        for (long, short) in [
            (json!(["s3:Get*", "s3:GetObject", "s3:Get?*"]), json!("s3:get*")),
            (json!(["*", "s3:GetObject"]), json!(["*"])),
            (json!(["s3:a*", "s3:ab*", "s3:b"]), json!(["s3:b", "s3:a*"])),
        ] {
            equal(&with_statement("Action", long), &with_statement("Action", short));
        }
        apart(
            &with_statement("Resource", json!(["a*", "ab", "${aws:username}", "b"])),
            &with_statement("Resource", json!(["a*", "${aws:username}"])),
        );
        apart(
            &with_statement("Resource", json!(["a${*}", "ab"])),
            &with_statement("Resource", json!(["a${*}"])),
        );
        equal(
            &condition(json!({"StringLike": {"s3:prefix": ["home/*", "home/ana/*"]}})),
            &condition(json!({"StringLike": {"s3:prefix": "home/*"}})),
        );
        apart(
            &condition(json!({"StringEquals": {"s3:prefix": ["home/*", "home/ana/*"]}})),
            &condition(json!({"StringEquals": {"s3:prefix": "home/*"}})),
        );
    }

    #[test]
    fn everyone_has_two_spellings_where_there_is_a_resource() {
        let star = principals(json!("*"));
        equal(&star, &principals(json!({"AWS": "*"})));
        equal(
            &star,
            &principals(json!({"AWS": ["*", "111122223333"], "Service": "x"})),
        );
        apart(&star, &principals(json!({"AWS": "111122223333"})));
        apart(&star, &principals(json!({"Service": "*"})));

        let trust = |principal: Value| {
            with(|document| {
                let statement = document["Statement"][0].as_object_mut().unwrap();
                statement.remove("Resource");
                statement.insert("Principal".to_owned(), principal);
            })
        };
        apart(&trust(json!("*")), &trust(json!({"AWS": "*"})));
    }

    #[test]
    fn an_account_is_its_root_arn_in_any_partition_and_not_its_roles() {
        let account = principals(json!({"AWS": "111122223333"}));
        for spelling in [
            json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
            json!({"AWS": "arn:aws-us-gov:iam::111122223333:root"}),
            json!({"AWS": ["111122223333", "arn:aws:iam::111122223333:root"]}),
        ] {
            equal(&account, &principals(spelling));
        }
        apart(&account, &principals(json!({"AWS": "111122223334"})));
        apart(
            &account,
            &principals(json!({"AWS": ["111122223333", "arn:aws:iam::111122223333:role/r"]})),
        );
        apart(
            &principals(json!({"AWS": "arn:aws:iam::111122223333:role/r"})),
            &principals(json!({"AWS": "AROAEXAMPLE"})),
        );
    }

    #[test]
    fn condition_values_compare_by_what_they_stand_for() {
        for (operator, a, b) in [
            ("Bool", json!(true), json!("True")),
            ("Null", json!(false), json!("false")),
            ("NumericLessThan", json!(10), json!(["010.0"])),
            ("DateLessThan", json!("2020-01-01T00:00:00Z"), json!(1_577_836_800)),
            ("DateEquals", json!("2020-01-01"), json!("2020-01-01T01:00:00+01:00")),
            ("IpAddress", json!("10.0.0.9/8"), json!("10.0.0.0/8")),
            ("IpAddress", json!("203.0.113.9"), json!("203.0.113.9/32")),
            ("NotIpAddress", json!("2001:DB8::/32"), json!("2001:db8:0::/32")),
            ("StringEqualsIgnoreCase", json!("Ana"), json!("aNA")),
            ("StringEquals", json!(7), json!("7")),
        ] {
            equal(
                &condition(json!({operator: {"k": a}})),
                &condition(json!({operator: {"k": b}})),
            );
        }
        for (operator, a, b) in [
            ("StringEquals", json!("7"), json!("7.0")),
            ("StringEquals", json!("Ana"), json!("ana")),
            ("BinaryEquals", json!("QQ=="), json!("qq==")),
            ("NumericEquals", json!("x"), json!("X")),
            ("StringEquals", json!([]), json!("")),
        ] {
            apart(
                &condition(json!({operator: {"k": a}})),
                &condition(json!({operator: {"k": b}})),
            );
        }
    }

    #[test]
    fn operators_are_apart_but_for_the_two_spellings_of_arn_matching() {
        let of = |operator: &str| condition(json!({operator: {"k": "arn:aws:s3:::a"}}));
        equal(&of("ArnEquals"), &of("ArnLike"));
        equal(
            &of("ForAnyValue:ArnNotEqualsIfExists"),
            &of("ForAnyValue:ArnNotLikeIfExists"),
        );
        for other in [
            "StringEqualsIfExists",
            "ForAllValues:StringEquals",
            "ForAnyValue:StringEquals",
            "StringLike",
            "StringNotEquals",
            "stringEquals",
            "ArnEquals",
        ] {
            apart(&of("StringEquals"), &of(other));
        }
    }

    #[test]
    fn conditions_on_one_key_in_two_spellings_both_count() {
        apart(
            &condition(json!({"StringEquals": {"aws:x": "1", "AWS:X": "2"}})),
            &condition(json!({"StringEquals": {"aws:x": ["1", "2"]}})),
        );
    }

    #[test]
    fn a_text_that_may_hold_a_variable_stays_with_its_version() {
        let flag = |version: &str| {
            with(|document| {
                document["Version"] = json!(version);
                document["Statement"][0]["Condition"] = json!({"Bool": {"k": "${aws:x}"}});
            })
        };
        apart(&flag("2008-10-17"), &flag("2012-10-17"));
    }

    #[test]
    fn a_fingerprint_is_a_sha256_in_hex() {
        let fingerprint = with(|_| ()).fingerprint();
        assert_eq!(fingerprint.len(), 64);
        assert!(fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
