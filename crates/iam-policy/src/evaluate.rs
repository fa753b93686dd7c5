//! What one policy decides for one request.
//!
//! Follows AWS's [evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html)
//! for a single document: a request is denied unless a statement allows it, and
//! a statement that denies it prevails. Where several policies bear on a
//! request (role, bucket, endpoint), evaluate each and combine.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Serialize;

use super::{
    condition,
    document::{ActionClause, Effect, PolicyDocument, ResourceClause, Statement, StatementRef, Version},
    judgement::{Judgement, Unjudged},
    pattern::Pattern,
    principal::{self, Principal},
    template::{Lookup, Template},
};

/// What the request says for a context key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// These values. None is as good as absent.
    Values(Vec<String>),
    /// The request does not have the key.
    Absent,
    /// One value, of which is known only that it is none of these texts, in which
    /// policy variables stand for what the request has for them:
    /// `${aws:PrincipalAccount}`.
    NoneOf {
        /// What it is not.
        texts: Vec<String>,
        /// Whether the request may lack the key instead.
        or_absent: bool,
    },
    /// One address, of which is known only that these networks hold it.
    Within(Vec<IpNet>),
    /// It is not known whether the request has it, or with what value.
    Unknown,
}

/// The context keys of a request. Key names ignore case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<String, ContextValue>,
    unlisted: ContextValue,
}

impl Context {
    /// A context of which only what is listed is known.
    pub const fn partial() -> Self {
        Self {
            keys: BTreeMap::new(),
            unlisted: ContextValue::Unknown,
        }
    }

    /// A context that has no keys but those listed.
    pub const fn complete() -> Self {
        Self {
            keys: BTreeMap::new(),
            unlisted: ContextValue::Absent,
        }
    }

    /// The same context, with one more key.
    pub fn with(mut self, key: &str, value: ContextValue) -> Self {
        self.keys.insert(key.to_ascii_lowercase(), value);
        self
    }

    /// The same context, with a key that has one value.
    pub fn with_value(self, key: &str, value: impl Into<String>) -> Self {
        self.with(key, ContextValue::Values(vec![value.into()]))
    }

    /// What is known of a key.
    pub fn value(&self, key: &str) -> &ContextValue {
        self.get(key)
    }

    pub(super) fn get(&self, key: &str) -> &ContextValue {
        self.keys.get(&key.to_ascii_lowercase()).unwrap_or(&self.unlisted)
    }

    /// What a policy variable takes. Keys with several values cannot be used as
    /// variables.
    pub(super) fn lookup(&self, key: &str) -> Lookup {
        match self.get(key) {
            ContextValue::Unknown | ContextValue::NoneOf { .. } | ContextValue::Within(_) => Lookup::Unknown,
            ContextValue::Absent => Lookup::Nothing,
            ContextValue::Values(values) => match values.as_slice() {
                [value] => Lookup::Value(value.clone()),
                _ => Lookup::Nothing,
            },
        }
    }
}

/// Nothing is known.
impl Default for Context {
    fn default() -> Self {
        Self::partial()
    }
}

/// Whom an account in a policy stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountPrincipal {
    /// The account with all its users and roles; what they may do is then for
    /// the account's own policies to say.
    #[default]
    WholeAccount,
    /// The root user alone, as in the policies of
    /// [gateway endpoints](https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
    RootUser,
}

/// A request to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// For what, such as `s3:GetObject`.
    pub action: String,
    /// On what: an ARN, taken literally.
    /// [`evaluate_family`](super::evaluate_family) reads `*` and `?` in it as
    /// wildcards.
    pub resource: String,
    /// Under which circumstances.
    pub context: Context,
    /// Whom accounts in the policy stand for.
    pub account_principal: AccountPrincipal,
}

impl Request {
    /// A request of whose context nothing is known.
    pub fn new(principal: Principal, action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            principal,
            action: action.into(),
            resource: resource.into(),
            context: Context::default(),
            account_principal: AccountPrincipal::default(),
        }
    }

    /// The same request in this context.
    pub fn in_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// The same request, judged by the policy of a gateway endpoint.
    pub const fn at_gateway_endpoint(mut self) -> Self {
        self.account_principal = AccountPrincipal::RootUser;
        self
    }
}

/// What a policy decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// This statement allows it and none denies it.
    Allowed {
        /// The first that does.
        statement: StatementRef,
    },
    /// No statement speaks of it: denied unless another policy allows it.
    ImplicitlyDenied,
    /// This statement denies it, whatever any policy allows.
    ExplicitlyDenied {
        /// The first that does.
        statement: StatementRef,
    },
    /// It hangs on something that could not be judged.
    Unknown {
        /// What, and all of it matters.
        missing: BTreeSet<Unjudged>,
        /// The statements that hang on it.
        statements: Vec<StatementRef>,
        /// Whether the policy allows the request in some case.
        may_allow: bool,
        /// Whether the policy denies it explicitly in some case.
        may_deny: bool,
    },
}

impl Decision {
    /// Whether this policy allows the request; `None` if it is not known.
    pub const fn is_allowed(&self) -> Option<bool> {
        match self {
            Self::Allowed { .. } => Some(true),
            Self::ImplicitlyDenied | Self::ExplicitlyDenied { .. } => Some(false),
            Self::Unknown { may_allow: false, .. } => Some(false),
            Self::Unknown { may_allow: true, .. } => None,
        }
    }
}

/// Decides a request by one policy.
pub fn evaluate(document: &PolicyDocument, request: &Request) -> Decision {
    let judged = document.statements.iter().enumerate().map(|(index, statement)| {
        let applies = Judgement::all([
            applies_apart_from_resource(document.version, statement, request),
            resource_applies(document.version, statement, request),
        ]);
        (index, statement.effect, applies)
    });

    let mut allowed = None;
    let mut missing = BTreeSet::new();
    let mut hanging = Vec::new();
    let (mut maybe_allow, mut maybe_deny) = (false, false);
    for (index, effect, applies) in judged {
        match (effect, applies) {
            (_, Judgement::False) => {}
            (Effect::Deny, Judgement::True) => {
                return Decision::ExplicitlyDenied {
                    statement: document.reference(index),
                };
            }
            (Effect::Allow, Judgement::True) => allowed = allowed.or(Some(index)),
            (effect, Judgement::Unknown(reasons)) => {
                match effect {
                    Effect::Allow => maybe_allow = true,
                    Effect::Deny => maybe_deny = true,
                }
                hanging.push((index, effect, reasons));
            }
        }
    }
    // What only may allow does not matter where something does.
    if allowed.is_some() {
        hanging.retain(|(_, effect, _)| *effect == Effect::Deny);
    }
    match (allowed, hanging.is_empty()) {
        (Some(index), true) => Decision::Allowed {
            statement: document.reference(index),
        },
        (None, true) => Decision::ImplicitlyDenied,
        (_, false) => {
            let mut statements = Vec::with_capacity(hanging.len());
            for (index, _, reasons) in hanging {
                statements.push(document.reference(index));
                missing.extend(reasons);
            }
            Decision::Unknown {
                missing,
                statements,
                may_allow: allowed.is_some() || maybe_allow,
                may_deny: maybe_deny,
            }
        }
    }
}

/// Whether a statement applies to a request as far as principal, action and
/// conditions go.
pub(super) fn applies_apart_from_resource(version: Version, statement: &Statement, request: &Request) -> Judgement {
    Judgement::all([
        action_applies(&statement.action, &request.action),
        principal::judge(
            statement.principal.as_ref(),
            statement.resource.is_some(),
            &request.principal,
            request.account_principal,
        ),
        condition::judge(&statement.condition, &request.context, version),
    ])
}

fn action_applies(clause: &ActionClause, action: &str) -> Judgement {
    let action = action.to_ascii_lowercase();
    let listed = |list: &[String]| {
        list.iter()
            .any(|listed| Pattern::parse(&listed.to_ascii_lowercase()).matches(&action))
    };
    match clause {
        ActionClause::Action(list) => listed(list),
        ActionClause::NotAction(list) => !listed(list),
    }
    .into()
}

fn resource_applies(version: Version, statement: &Statement, request: &Request) -> Judgement {
    let (list, not) = match &statement.resource {
        None => return Judgement::True,
        Some(ResourceClause::Resource(list)) => (list, false),
        Some(ResourceClause::NotResource(list)) => (list, true),
    };
    let matches = |text: &String| {
        let template = Template::with_wildcards(text, version);
        template
            .resolve(|key| request.context.lookup(key))
            .judge(&request.resource, not, |pattern| {
                pattern.matches(&request.resource).into()
            })
    };
    Judgement::any(list.iter().map(matches)).negate_if(not)
}

#[cfg(test)]
mod tests;
