//! Yes, no, or not known and why.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

/// Something that a decision hangs on and that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unjudged {
    /// A context key of which it is not known whether the request has it, and
    /// with what value.
    ContextKey(String),
    /// A condition operator that is not known here, or that IAM does not have.
    Operator(String),
    /// A value that the operator cannot compare.
    Value {
        /// The operator.
        operator: String,
        /// The context key.
        key: String,
        /// The value, of the policy or of the request.
        value: String,
    },
    /// A key with several values, under an operator for one.
    SeveralValues(String),
    /// A variable without a value where the policy speaks of what does *not*
    /// match. AWS says only that the statement may become invalid.
    Variable(String),
    /// A principal that may or may not be the one who asks: a unique id in
    /// place of an ARN, or one session of a role.
    Principal(String),
    /// A `NotPrincipal` that lists one of a principal, its role and its
    /// account, but not all: AWS may still check the others.
    NotPrincipal(String),
}

impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContextKey(key) => write!(f, "the request's `{key}` is not known"),
            Self::Operator(name) => write!(f, "the condition operator `{name}` is not known"),
            Self::Value { operator, key, value } => write!(f, "`{operator}` cannot compare {value:?} for `{key}`"),
            Self::SeveralValues(key) => write!(
                f,
                "`{key}` has several values and the condition has no `ForAllValues:` or `ForAnyValue:`"
            ),
            Self::Variable(key) => write!(f, "the variable `${{{key}}}` has no value"),
            Self::Principal(id) => {
                write!(f, "it is not known whether `{id}` is the one who asks")
            }
            Self::NotPrincipal(id) => write!(
                f,
                "`NotPrincipal` names `{id}` in part: to exempt it, list it, its role and its account"
            ),
        }
    }
}

/// The truth of a part of a policy for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    True,
    False,
    Unknown(BTreeSet<Unjudged>),
}

impl Judgement {
    pub fn unknown(reason: Unjudged) -> Self {
        Self::Unknown(BTreeSet::from([reason]))
    }

    pub fn unknown_keys(keys: Vec<String>) -> Self {
        Self::Unknown(keys.into_iter().map(Unjudged::ContextKey).collect())
    }

    /// True if all are; false if one is, whatever is unknown.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut reasons = BTreeSet::new();
        for part in parts {
            match part {
                Self::True => {}
                Self::False => return Self::False,
                Self::Unknown(more) => reasons.extend(more),
            }
        }
        if reasons.is_empty() {
            Self::True
        } else {
            Self::Unknown(reasons)
        }
    }

    /// True if one is, whatever is unknown; false if all are.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::all(parts.into_iter().map(Self::negate)).negate()
    }

    pub fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown(reasons) => Self::Unknown(reasons),
        }
    }

    pub fn negate_if(self, negated: bool) -> Self {
        if negated { self.negate() } else { self }
    }
}

impl From<bool> for Judgement {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Judgement::{False, True},
        *,
    };

    fn unknown() -> Judgement {
        Judgement::unknown(Unjudged::ContextKey("aws:sourcevpce".to_owned()))
    }

    #[test]
    fn the_unknown_matters_only_where_nothing_else_decides() {
        assert_eq!(Judgement::all([unknown(), False]), False);
        assert_eq!(Judgement::all([unknown(), True]), unknown());
        assert_eq!(Judgement::any([unknown(), True]), True);
        assert_eq!(Judgement::any([unknown(), False]), unknown());
        assert_eq!(unknown().negate(), unknown());
        assert_eq!(Judgement::all([]), True);
        assert_eq!(Judgement::any([]), False);
    }
}
