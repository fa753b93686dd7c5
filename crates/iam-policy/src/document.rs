//! The types of a policy document, and how code builds one.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{operator::Operator, principal::is_everyone};

/// The longest policy that a VPC endpoint takes, in characters, white space
/// included.
///
/// See [endpoint policies](https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
pub const ENDPOINT_POLICY_MAX_CHARS: usize = 20_480;

/// The version of the policy language.
///
/// They differ in [policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html):
/// in the older one `${…}` is plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `2008-10-17`, and what AWS assumes when the document names none.
    V2008,
    /// `2012-10-17`.
    V2012,
}

impl Version {
    /// The version as documents spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a statement does to the requests it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Effect {
    /// It allows them, unless another statement denies them.
    Allow,
    /// It denies them, whatever allows them.
    Deny,
}

impl Effect {
    /// The effect as documents spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kinds of principal that a policy can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum PrincipalKind {
    /// Accounts, users, roles and their sessions.
    #[serde(rename = "AWS")]
    Aws,
    /// S3's canonical user ids.
    CanonicalUser,
    /// Identity providers, in trust policies.
    Federated,
    /// AWS services, such as `sagemaker.amazonaws.com`.
    Service,
}

impl PrincipalKind {
    /// Every kind, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Aws, Self::CanonicalUser, Self::Federated, Self::Service];

    /// The kind as documents spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::CanonicalUser => "CanonicalUser",
            Self::Federated => "Federated",
            Self::Service => "Service",
        }
    }
}

/// Principals, as `Principal` and `NotPrincipal` list them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalSet {
    /// `"*"`.
    Everyone,
    /// Lists by kind: `{"AWS": […], "Service": […]}`.
    Named(BTreeMap<PrincipalKind, Vec<String>>),
}

impl PrincipalSet {
    /// Accounts, users and roles, by id or ARN.
    pub fn aws<I: IntoIterator<Item: Into<String>>>(ids: I) -> Self {
        Self::of_kind(PrincipalKind::Aws, ids)
    }

    /// AWS services, by their principal's name.
    pub fn services<I: IntoIterator<Item: Into<String>>>(names: I) -> Self {
        Self::of_kind(PrincipalKind::Service, names)
    }

    fn of_kind<I: IntoIterator<Item: Into<String>>>(kind: PrincipalKind, ids: I) -> Self {
        Self::Named(BTreeMap::from([(kind, strings(ids))]))
    }
}

/// Whom a statement speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalClause {
    /// Those listed.
    Principal(PrincipalSet),
    /// Everyone but those listed.
    NotPrincipal(PrincipalSet),
}

/// The actions a statement speaks of, with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionClause {
    /// Those listed.
    Action(Vec<String>),
    /// All but those listed.
    NotAction(Vec<String>),
}

/// The resources a statement speaks of, with wildcards and variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceClause {
    /// Those listed.
    Resource(Vec<String>),
    /// All but those listed.
    NotResource(Vec<String>),
}

/// Conditions: by operator, then context key, the values to compare with.
///
/// All of them must hold; of one key's values any may match.
pub type Conditions = BTreeMap<Operator, BTreeMap<String, Vec<String>>>;

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The statement's name, without effect on access.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Whom it speaks of. Policies of users and roles have none: they speak of
    /// whom they are attached to.
    pub principal: Option<PrincipalClause>,
    /// Which actions.
    pub action: ActionClause,
    /// Which resources. Trust policies have none: they speak of their role.
    pub resource: Option<ResourceClause>,
    /// Under which conditions.
    pub condition: Conditions,
}

impl Statement {
    /// Allows `actions`, so far for no stated principal or resource.
    pub fn allow<I: IntoIterator<Item: Into<String>>>(actions: I) -> Self {
        Self::new(Effect::Allow, actions)
    }

    /// Denies `actions`, so far for no stated principal or resource.
    pub fn deny<I: IntoIterator<Item: Into<String>>>(actions: I) -> Self {
        Self::new(Effect::Deny, actions)
    }

    fn new<I: IntoIterator<Item: Into<String>>>(effect: Effect, actions: I) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            action: ActionClause::Action(strings(actions)),
            resource: None,
            condition: Conditions::new(),
        }
    }

    /// The same statement with a Sid.
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// The same statement, speaking of these principals.
    pub fn principals(mut self, principals: PrincipalSet) -> Self {
        self.principal = Some(PrincipalClause::Principal(principals));
        self
    }

    /// The same statement, speaking of everyone.
    pub fn everyone(self) -> Self {
        self.principals(PrincipalSet::Everyone)
    }

    /// Whether it speaks of whoever asks.
    pub fn speaks_of_everyone(&self) -> bool {
        match &self.principal {
            Some(PrincipalClause::Principal(set)) => is_everyone(set, self.resource.is_some()),
            Some(PrincipalClause::NotPrincipal(_)) | None => false,
        }
    }

    /// The same statement, speaking of these resources.
    pub fn on<I: IntoIterator<Item: Into<String>>>(mut self, resources: I) -> Self {
        self.resource = Some(ResourceClause::Resource(strings(resources)));
        self
    }

    /// The same statement under one more condition. A condition with the same
    /// operator and key is replaced, as JSON holds one of them.
    pub fn when<I: IntoIterator<Item: Into<String>>>(
        mut self,
        operator: impl Into<Operator>,
        key: impl Into<String>,
        values: I,
    ) -> Self {
        self.condition
            .entry(operator.into())
            .or_default()
            .insert(key.into(), strings(values));
        self
    }
}

/// An IAM policy document.
///
/// `==` compares what is written; [`same_meaning`](super::same_meaning)
/// compares what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDocument {
    /// The version of the language; [`Version::V2008`] where none is written.
    pub version: Version,
    /// The policy's name, without effect on access.
    pub id: Option<String>,
    /// The statements, in the order written.
    pub statements: Vec<Statement>,
}

impl PolicyDocument {
    /// The policy that EC2 gives an endpoint without one.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>.
    pub fn full_access() -> Self {
        Self::new([Statement::allow(["*"]).sid("AllowAll").everyone().on(["*"])])
    }

    /// A document in the current version of the language.
    pub fn new<I: IntoIterator<Item = Statement>>(statements: I) -> Self {
        Self {
            version: Version::V2012,
            id: None,
            statements: statements.into_iter().collect(),
        }
    }

    /// The reference by which results name the statement at `index`.
    pub(super) fn reference(&self, index: usize) -> StatementRef {
        StatementRef {
            number: index + 1,
            sid: self.statements.get(index).and_then(|statement| statement.sid.clone()),
        }
    }

    /// Whether a condition of a statement is on this context key.
    pub fn asks_for(&self, key: &str) -> bool {
        let conditions = self.statements.iter().flat_map(|one| one.condition.values());
        conditions.flatten().any(|(named, _)| named.eq_ignore_ascii_case(key))
    }

    /// Replaces principals by what `names` maps them to.
    ///
    /// AWS writes the unique id of a role or user (`AROA…`, `AIDA…`) where a
    /// policy named its ARN. Given the ids that the caller has looked up, the
    /// document reads as it was written. Ids that `names` lacks stay.
    pub fn rewrite_principals(mut self, names: &BTreeMap<String, String>) -> Self {
        for statement in &mut self.statements {
            let set = match &mut statement.principal {
                Some(PrincipalClause::Principal(set) | PrincipalClause::NotPrincipal(set)) => set,
                None => continue,
            };
            let lists = match set {
                PrincipalSet::Everyone => continue,
                PrincipalSet::Named(lists) => lists,
            };
            for id in lists.get_mut(&PrincipalKind::Aws).into_iter().flatten() {
                if let Some(name) = names.get(id.as_str()) {
                    id.clone_from(name);
                }
            }
        }
        self
    }
}

/// Names a statement to a reader: its place, and its Sid if it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct StatementRef {
    /// The statement's place, counted from 1.
    pub number: usize,
    /// The statement's Sid.
    pub sid: Option<String>,
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(f, "statement {} (Sid {sid:?})", self.number),
            None => write!(f, "statement {}", self.number),
        }
    }
}

fn strings<I: IntoIterator<Item: Into<String>>>(items: I) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_spoken_of_in_either_spelling_and_in_a_trust_policy_in_one() {
        let on_a = |statement: Statement| statement.on(["arn:aws:s3:::a/*"]);
        let listed = || Statement::allow(["*"]).principals(PrincipalSet::aws(["111122223333", "*"]));
        assert!(on_a(Statement::allow(["*"]).everyone()).speaks_of_everyone());
        assert!(on_a(listed()).speaks_of_everyone());
        assert!(
            !listed().speaks_of_everyone(),
            "it leaves services and federated users out"
        );
        for statement in [
            Statement::allow(["*"]),
            Statement::allow(["*"]).principals(PrincipalSet::aws(["111122223333"])),
            Statement {
                principal: Some(PrincipalClause::NotPrincipal(PrincipalSet::aws(["111122223333"]))),
                ..Statement::deny(["*"])
            },
        ] {
            assert!(!on_a(statement.clone()).speaks_of_everyone(), "{statement:?}");
        }
    }

    #[test]
    fn rewriting_principals_names_known_ids_and_keeps_the_rest() {
        let names = BTreeMap::from([(
            "AROAEXAMPLE".to_owned(),
            "arn:aws:iam::111122223333:role/train".to_owned(),
        )]);
        let written = |ids: [&str; 2]| {
            PolicyDocument::new([
                Statement::allow(["s3:*"]).principals(PrincipalSet::aws(ids)),
                Statement::deny(["s3:*"]).everyone(),
            ])
        };
        assert_eq!(
            written(["AROAEXAMPLE", "AIDAOTHER"]).rewrite_principals(&names),
            written(["arn:aws:iam::111122223333:role/train", "AIDAOTHER"])
        );
    }
}
