//! What profiles may name: here alone is it compared with what the platform team
//! grants.
//!
//! | Of | A grant is | It never admits |
//! |---|---|---|
//! | buckets | a pattern of names | – |
//! | security groups | an id, or `*` | – |
//! | services | a pattern of names as profiles give them | a service of another account, but by its whole name |
//! | destinations | a pattern of host names, or a CIDR; with ports | a CIDR by a pattern; addresses or ports beyond its own |
//! | roles | an ARN whose name and path may hold wildcards | a role of another account or partition; one further down the path |
//!
//! What has not this form grants nothing, and is told.

mod destinations;

use std::collections::BTreeMap;

use serde::Serialize;
use wildmatch::WildMatch;

pub(super) use self::destinations::ends_in_a_number;
use self::destinations::{DestinationGrant, missing_ports};
use crate::{
    api::{Destination, Grant, Grants, LabelSelector, NamespaceGrant},
    catalog::is_aws_service,
};

/// What some profiles may name: of one namespace, or of any.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Granted(Vec<Grant>);

impl Granted {
    /// What profiles of the namespace may name, given that it is allowed.
    pub(super) fn to(grants: &Grants, namespace: &str, labels: &BTreeMap<String, String>) -> Self {
        let items = grants.namespaces.iter();
        let of_namespace = items.filter(|item| selects(item, namespace, labels));
        let all = std::iter::once(&grants.everyone).chain(of_namespace.map(|item| &item.grant));
        Self(all.cloned().collect())
    }

    /// What profiles of at least one namespace may name, whichever that is.
    pub(crate) fn to_anyone(grants: &Grants) -> Self {
        let items = grants.namespaces.iter().map(|item| &item.grant);
        Self(std::iter::once(&grants.everyone).chain(items).cloned().collect())
    }

    /// Whether a profile may name the bucket.
    pub fn has_bucket(&self, name: &str) -> bool {
        self.any(|grant| &grant.buckets, |pattern| admits_bucket(pattern, name))
    }

    /// Whether the bucket's policy may be changed.
    pub fn may_change_bucket(&self, name: &str) -> bool {
        let is_enforced = self.any(|grant| &grant.enforce.buckets, |pattern| admits_bucket(pattern, name));
        is_enforced && self.has_bucket(name)
    }

    /// Whether a profile may exempt anyone from the closing of the bucket.
    pub(super) fn may_exempt_from(&self, bucket: &str) -> bool {
        self.any(|grant| &grant.exempt, |pattern| admits_bucket(pattern, bucket))
    }

    /// Whether a profile may say what becomes of the package repositories.
    pub(super) fn has_package_repositories(&self) -> bool {
        self.0.iter().any(|grant| grant.package_repositories)
    }

    /// The most instances that all profiles of a namespace may have: what its own
    /// items say, before what is for every namespace.
    pub(super) fn max_instances(&self) -> Option<u32> {
        let (everyone, own) = self.0.split_first()?;
        let own = own.iter().filter_map(|grant| grant.max_instances);
        own.max().or(everyone.max_instances)
    }

    /// Whether a profile may use the security group as its own.
    pub fn has_security_group(&self, id: &str) -> bool {
        self.any(|grant| &grant.security_groups, |pattern| admits_group(pattern, id))
    }

    /// Whether a profile may have an endpoint made for the service.
    pub fn has_service(&self, name: &str) -> bool {
        self.any(|grant| &grant.services, |pattern| admits_service(pattern, name))
    }

    /// Whether a profile may name the role.
    pub fn has_role(&self, arn: &str) -> bool {
        self.any(|grant| &grant.roles, |pattern| admits_role(pattern, arn))
    }

    /// Whether the role may get our inline policy.
    pub fn may_change_role(&self, arn: &str) -> bool {
        self.any(|grant| &grant.enforce.roles, |pattern| admits_role(pattern, arn)) && self.has_role(arn)
    }

    /// Patterns of the roles that may get our inline policy, if they are granted.
    pub fn enforced_roles(&self) -> Vec<&str> {
        let all = self.0.iter().flat_map(|grant| &grant.enforce.roles);
        all.map(String::as_str).collect()
    }

    /// Grants that would let a profile reach the destination: those of its ports
    /// that are not granted. None where all are.
    pub(super) fn lacks_for(&self, destination: &Destination) -> Vec<String> {
        let grants: Vec<DestinationGrant> = self
            .0
            .iter()
            .flat_map(|grant| &grant.destinations)
            .filter_map(|text| text.parse().ok())
            .collect();
        missing_ports(&grants, destination)
    }

    fn any(&self, patterns: impl Fn(&Grant) -> &Vec<String>, admits: impl Fn(&str) -> bool) -> bool {
        self.0
            .iter()
            .any(|grant| patterns(grant).iter().any(|text| admits(text)))
    }
}

/// Whether the item is for the namespace: for every allowed one where it names
/// none.
fn selects(item: &NamespaceGrant, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
    let names_it = |names: &Vec<String>| names.iter().any(|name| name == namespace);
    item.names.as_ref().is_none_or(names_it)
        && item
            .selector
            .as_ref()
            .is_none_or(|selector| has_labels(selector, labels))
}

/// Whether these are labels that the selector asks for.
pub(super) fn has_labels(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let mut wanted = selector.match_labels.iter();
    wanted.all(|(label, value)| labels.get(label) == Some(value))
}

/// What of the grants has not the form that it must have, and so grants nothing.
pub(super) fn problems(grants: &Grants) -> Vec<String> {
    let mut problems = of_grant("spec.grants", &grants.everyone);
    for (place, item) in grants.namespaces.iter().enumerate() {
        problems.extend(of_grant(&format!("spec.grants.namespaces[{place}]"), &item.grant));
    }
    problems
}

fn of_grant(path: &str, grant: &Grant) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |field: &str, texts: &[String], problem: &dyn Fn(&str) -> Option<String>| {
        let wrong = texts.iter().filter_map(|text| Some((text, problem(text)?)));
        problems
            .extend(wrong.map(|(text, fix)| format!("{path}.{field} holds {text:?}, which grants nothing: {fix}.")));
    };
    let fix = |is_right: bool, fix: &str| (!is_right).then(|| fix.to_owned());
    let bucket = |text: &str| {
        fix(
            is_bucket_pattern(text),
            "give a bucket's name, such as fraud-data or fraud-*, in lower case, with no ARN and no path",
        )
    };
    let role = |text: &str| {
        fix(
            RolePattern::parse(text).is_some(),
            "give a role's ARN with its account, such as arn:aws:iam::111122223333:role/fraud-*",
        )
    };
    let group = |text: &str| {
        fix(
            is_any_group(text) || is_group_id(text),
            "give a security group's id, such as sg-0123456789abcdef0, or * for any",
        )
    };
    let service = |text: &str| {
        fix(
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-*?".contains(c)),
            "give a service's name, such as ecr.api",
        )
    };
    let destination = |text: &str| text.parse::<DestinationGrant>().err();
    check("buckets", &grant.buckets, &bucket);
    check("securityGroups", &grant.security_groups, &group);
    check("services", &grant.services, &service);
    check("destinations", &grant.destinations, &destination);
    check("roles", &grant.roles, &role);
    check("exempt", &grant.exempt, &bucket);
    check("enforce.buckets", &grant.enforce.buckets, &bucket);
    check("enforce.roles", &grant.enforce.roles, &role);
    problems
}

fn is_bucket_pattern(text: &str) -> bool {
    let admitted = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-*?".contains(c);
    !text.is_empty() && text.chars().all(admitted)
}

fn admits_bucket(pattern: &str, name: &str) -> bool {
    is_bucket_pattern(pattern) && WildMatch::new(pattern).matches(name)
}

/// Ids are given at random: part of one would admit whichever came about.
fn is_any_group(pattern: &str) -> bool {
    pattern == "*" || pattern == "sg-*"
}

pub(super) fn is_group_id(text: &str) -> bool {
    let is_hexadecimal = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    text.strip_prefix("sg-")
        .is_some_and(|digits| [8, 17].contains(&digits.len()) && is_hexadecimal(digits))
}

fn admits_group(pattern: &str, id: &str) -> bool {
    is_any_group(pattern) || pattern == id
}

fn admits_service(pattern: &str, name: &str) -> bool {
    pattern == name || (is_aws_service(name) && WildMatch::new(pattern).matches(name))
}

/// The parts of an ARN of roles. Only path and name hold wildcards: one that
/// reached over a colon or a slash would admit roles of other accounts, and
/// roles of other teams further down the path.
struct RolePattern<'a> {
    partition: &'a str,
    account: &'a str,
    path: Vec<&'a str>,
}

impl<'a> RolePattern<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return None;
        };
        let name = resource.strip_prefix("role/")?;
        let is_partition =
            |text: &str| text.starts_with("aws") && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'-');
        let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
        let admitted = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/*?-".contains(c);
        (is_partition(partition) && is_account && !name.is_empty() && name.chars().all(admitted)).then(|| Self {
            partition,
            account,
            path: name.split('/').collect(),
        })
    }
}

fn admits_role(pattern: &str, arn: &str) -> bool {
    let (Some(pattern), Some(role)) = (RolePattern::parse(pattern), RolePattern::parse(arn)) else {
        return false;
    };
    let mut parts = pattern.path.iter().zip(&role.path);
    pattern.partition == role.partition
        && pattern.account == role.account
        && pattern.path.len() == role.path.len()
        && parts.all(|(pattern, part)| WildMatch::new(pattern).matches(part))
}

#[cfg(test)]
mod tests;
