//! The condition operators.
//!
//! See [condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html)
//! and [set operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).

use std::cmp::Ordering;
use std::fmt;

/// How a condition compares a context key with its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are AWS's names, defined on its page")]
pub enum Comparison {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnLike,
    ArnNotEquals,
    ArnNotLike,
    Null,
    /// An operator that this module does not know: it is kept as it was
    /// written, and a decision that hangs on it is not judged.
    Other(String),
}

/// What a comparison does, apart from whether it negates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Compares texts.
    Text { ignore_case: bool, wildcards: bool },
    /// Compares decimal numbers.
    Number(Relation),
    /// Compares instants.
    Date(Relation),
    /// Compares `true` and `false`.
    Bool,
    /// Compares base64 of bytes.
    Binary,
    /// Finds an address in a network.
    Ip,
    /// Compares ARNs, segment by segment.
    Arn,
    /// Asks whether the key is absent.
    Null,
    /// Not known to this module.
    Unknown,
}

/// How the context's value must stand to the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    /// Whether a context value that compares as `ordering` to the policy's
    /// value satisfies this relation.
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Comparison {
    const KNOWN: [Self; 27] = [
        Self::StringEquals,
        Self::StringNotEquals,
        Self::StringEqualsIgnoreCase,
        Self::StringNotEqualsIgnoreCase,
        Self::StringLike,
        Self::StringNotLike,
        Self::NumericEquals,
        Self::NumericNotEquals,
        Self::NumericLessThan,
        Self::NumericLessThanEquals,
        Self::NumericGreaterThan,
        Self::NumericGreaterThanEquals,
        Self::DateEquals,
        Self::DateNotEquals,
        Self::DateLessThan,
        Self::DateLessThanEquals,
        Self::DateGreaterThan,
        Self::DateGreaterThanEquals,
        Self::Bool,
        Self::BinaryEquals,
        Self::IpAddress,
        Self::NotIpAddress,
        Self::ArnEquals,
        Self::ArnLike,
        Self::ArnNotEquals,
        Self::ArnNotLike,
        Self::Null,
    ];

    /// The comparison as documents spell it.
    pub fn name(&self) -> &str {
        match self {
            Self::StringEquals => "StringEquals",
            Self::StringNotEquals => "StringNotEquals",
            Self::StringEqualsIgnoreCase => "StringEqualsIgnoreCase",
            Self::StringNotEqualsIgnoreCase => "StringNotEqualsIgnoreCase",
            Self::StringLike => "StringLike",
            Self::StringNotLike => "StringNotLike",
            Self::NumericEquals => "NumericEquals",
            Self::NumericNotEquals => "NumericNotEquals",
            Self::NumericLessThan => "NumericLessThan",
            Self::NumericLessThanEquals => "NumericLessThanEquals",
            Self::NumericGreaterThan => "NumericGreaterThan",
            Self::NumericGreaterThanEquals => "NumericGreaterThanEquals",
            Self::DateEquals => "DateEquals",
            Self::DateNotEquals => "DateNotEquals",
            Self::DateLessThan => "DateLessThan",
            Self::DateLessThanEquals => "DateLessThanEquals",
            Self::DateGreaterThan => "DateGreaterThan",
            Self::DateGreaterThanEquals => "DateGreaterThanEquals",
            Self::Bool => "Bool",
            Self::BinaryEquals => "BinaryEquals",
            Self::IpAddress => "IpAddress",
            Self::NotIpAddress => "NotIpAddress",
            Self::ArnEquals => "ArnEquals",
            Self::ArnLike => "ArnLike",
            Self::ArnNotEquals => "ArnNotEquals",
            Self::ArnNotLike => "ArnNotLike",
            Self::Null => "Null",
            Self::Other(name) => name,
        }
    }

    /// What it compares.
    pub(super) const fn test(&self) -> Test {
        const fn text(ignore_case: bool, wildcards: bool) -> Test {
            Test::Text { ignore_case, wildcards }
        }
        match self {
            Self::StringEquals | Self::StringNotEquals => text(false, false),
            Self::StringEqualsIgnoreCase | Self::StringNotEqualsIgnoreCase => text(true, false),
            Self::StringLike | Self::StringNotLike => text(false, true),
            Self::NumericEquals | Self::NumericNotEquals => Test::Number(Relation::Equal),
            Self::NumericLessThan => Test::Number(Relation::Less),
            Self::NumericLessThanEquals => Test::Number(Relation::LessOrEqual),
            Self::NumericGreaterThan => Test::Number(Relation::Greater),
            Self::NumericGreaterThanEquals => Test::Number(Relation::GreaterOrEqual),
            Self::DateEquals | Self::DateNotEquals => Test::Date(Relation::Equal),
            Self::DateLessThan => Test::Date(Relation::Less),
            Self::DateLessThanEquals => Test::Date(Relation::LessOrEqual),
            Self::DateGreaterThan => Test::Date(Relation::Greater),
            Self::DateGreaterThanEquals => Test::Date(Relation::GreaterOrEqual),
            Self::Bool => Test::Bool,
            Self::BinaryEquals => Test::Binary,
            Self::IpAddress | Self::NotIpAddress => Test::Ip,
            Self::ArnEquals | Self::ArnLike | Self::ArnNotEquals | Self::ArnNotLike => Test::Arn,
            Self::Null => Test::Null,
            Self::Other(_) => Test::Unknown,
        }
    }

    /// Whether it holds when no value matches.
    pub(super) const fn negated(&self) -> bool {
        match self {
            Self::StringNotEquals
            | Self::StringNotEqualsIgnoreCase
            | Self::StringNotLike
            | Self::NumericNotEquals
            | Self::DateNotEquals
            | Self::NotIpAddress
            | Self::ArnNotEquals
            | Self::ArnNotLike => true,
            Self::StringEquals
            | Self::StringEqualsIgnoreCase
            | Self::StringLike
            | Self::NumericEquals
            | Self::NumericLessThan
            | Self::NumericLessThanEquals
            | Self::NumericGreaterThan
            | Self::NumericGreaterThanEquals
            | Self::DateEquals
            | Self::DateLessThan
            | Self::DateLessThanEquals
            | Self::DateGreaterThan
            | Self::DateGreaterThanEquals
            | Self::Bool
            | Self::BinaryEquals
            | Self::IpAddress
            | Self::ArnEquals
            | Self::ArnLike
            | Self::Null
            | Self::Other(_) => false,
        }
    }

    fn known(name: &str) -> Option<Self> {
        Self::KNOWN.iter().find(|comparison| comparison.name() == name).cloned()
    }
}

/// How a condition treats a context key that may have several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetQualifier {
    /// Every value in the request must satisfy the comparison; none does too.
    ForAllValues,
    /// Some value in the request must satisfy the comparison.
    ForAnyValue,
}

impl SetQualifier {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ForAllValues => "ForAllValues:",
            Self::ForAnyValue => "ForAnyValue:",
        }
    }
}

/// A condition operator: a comparison with its modifiers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetQualifier>,
    /// What is compared, and how.
    pub comparison: Comparison,
    /// `IfExists`: an absent key satisfies the condition.
    pub if_exists: bool,
}

impl Operator {
    /// Reads an operator's name. Names are case-sensitive: IAM refuses
    /// `stringEquals`, and one not known is kept as [`Comparison::Other`].
    pub fn parse(name: &str) -> Self {
        let split = |qualifier: SetQualifier| {
            name.strip_prefix(qualifier.prefix())
                .map(|rest| (Some(qualifier), rest))
        };
        let (set, rest) = split(SetQualifier::ForAllValues)
            .or_else(|| split(SetQualifier::ForAnyValue))
            .unwrap_or((None, name));
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        match Comparison::known(base) {
            Some(comparison) => Self {
                set,
                comparison,
                if_exists,
            },
            None => Comparison::Other(name.to_owned()).into(),
        }
    }

    /// The same operator, satisfied by an absent key.
    pub fn if_exists(mut self) -> Self {
        self.if_exists = true;
        self
    }
}

impl From<Comparison> for Operator {
    fn from(comparison: Comparison) -> Self {
        Self {
            set: None,
            comparison,
            if_exists: false,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(set) = self.set {
            f.write_str(set.prefix())?;
        }
        f.write_str(self.comparison.name())?;
        if self.if_exists {
            f.write_str("IfExists")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_operator_reads_back_with_every_modifier() {
        for comparison in Comparison::KNOWN {
            for set in [None, Some(SetQualifier::ForAllValues), Some(SetQualifier::ForAnyValue)] {
                for if_exists in [false, true] {
                    let operator = Operator {
                        set,
                        comparison: comparison.clone(),
                        if_exists,
                    };
                    assert_eq!(Operator::parse(&operator.to_string()), operator);
                }
            }
        }
    }

    #[test]
    fn an_unknown_operator_is_kept_as_written() {
        for name in ["stringEquals", "ForAllValues:Sounds", "IfExists", ""] {
            let operator = Operator::parse(name);
            assert_eq!(operator.comparison, Comparison::Other(name.to_owned()));
            assert_eq!(operator.to_string(), name);
        }
    }

    #[test]
    fn the_negated_operators_are_those_with_not_in_their_name() {
        for comparison in Comparison::KNOWN {
            assert_eq!(
                comparison.negated(),
                comparison.name().contains("Not"),
                "{}",
                comparison.name()
            );
        }
    }
}
