//! Whether a statement's conditions hold for a request.
//!
//! Follows [condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html),
//! [several keys or values](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html)
//! and [set operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    document::{Conditions, Version},
    evaluate::{Context, ContextValue},
    judgement::{Judgement, Unjudged},
    operator::{Operator, Relation, SetQualifier, Test},
    template::{Lookup, Resolved, Template, fold_case},
    value::{Decimal, parse_bool, parse_instant, parse_network},
};

/// Whether all conditions hold.
pub(super) fn judge(conditions: &Conditions, context: &Context, version: Version) -> Judgement {
    Judgement::all(conditions.iter().flat_map(|(operator, keys)| {
        keys.iter().map(move |(key, values)| {
            Condition {
                operator,
                key,
                values,
                context,
                version,
            }
            .judge()
        })
    }))
}

/// One operator applied to one key.
struct Condition<'a> {
    operator: &'a Operator,
    key: &'a str,
    values: &'a [String],
    context: &'a Context,
    version: Version,
}

impl Condition<'_> {
    fn judge(&self) -> Judgement {
        let test = self.operator.comparison.test();
        match test {
            Test::Unknown => return self.unknown_operator(),
            Test::Null => return self.null(),
            Test::Text { .. } | Test::Number(_) | Test::Date(_) | Test::Bool | Test::Binary | Test::Ip | Test::Arn => {}
        }
        let given = match self.context.get(self.key) {
            ContextValue::Unknown => return self.unknown_key(),
            ContextValue::Absent => return self.when_absent(),
            ContextValue::NoneOf { texts, or_absent } => return self.when_none_of(texts, *or_absent, test),
            ContextValue::Within(networks) => return self.when_within(networks, test),
            ContextValue::Values(given) if given.is_empty() => return self.when_absent(),
            ContextValue::Values(given) => given,
        };
        // A set of empty texts counts as empty; AWS names it as an example.
        let empty_set = given.iter().all(String::is_empty);
        let each = given.iter().map(|given| self.satisfied_by(given, test));
        match self.operator.set {
            None if given.len() > 1 => Judgement::unknown(Unjudged::SeveralValues(self.key.to_owned())),
            None => Judgement::all(each),
            Some(_) if empty_set => self.when_absent(),
            Some(SetQualifier::ForAllValues) => Judgement::all(each),
            Some(SetQualifier::ForAnyValue) => Judgement::any(each),
        }
    }

    fn when_absent(&self) -> Judgement {
        match self.operator.set {
            Some(SetQualifier::ForAllValues) => true,
            // `IfExists` speaks of each value here, and there is none.
            Some(SetQualifier::ForAnyValue) => false,
            None => self.operator.if_exists || self.operator.comparison.negated(),
        }
        .into()
    }

    /// A value that is none of some texts: no match where the policy's value is
    /// one of them, and not known where it is another.
    fn when_none_of(&self, texts: &[String], or_absent: bool, test: Test) -> Judgement {
        let is_excluded = |value: &String| match test {
            Test::Text { ignore_case, wildcards } => {
                let template = if wildcards {
                    Template::with_wildcards(value, self.version)
                } else {
                    Template::plain(value, self.version)
                };
                let folded = |template: Template| if ignore_case { template.fold_case() } else { template };
                let template = folded(template);
                let spelling = template.canonical();
                let resolved = match template.resolve(|key| self.context.lookup(key)) {
                    Resolved::Pattern(pattern) => Some(pattern),
                    Resolved::Unresolvable(_) | Resolved::Unknown { .. } => None,
                };
                texts.iter().any(|text| {
                    let text = folded(Template::plain(text, Version::V2012));
                    text.canonical() == spelling
                        || resolved
                            .as_ref()
                            .is_some_and(|resolved| text.literal().as_ref() == Some(resolved))
                })
            }
            Test::Number(_) | Test::Date(_) | Test::Bool | Test::Binary | Test::Ip | Test::Arn => false,
            Test::Null | Test::Unknown => false,
        };
        let match_of = |value: &String| {
            if is_excluded(value) {
                Judgement::False
            } else {
                self.unknown_key()
            }
        };
        let present = Judgement::any(self.values.iter().map(match_of)).negate_if(self.operator.comparison.negated());
        if or_absent && present != self.when_absent() {
            self.unknown_key()
        } else {
            present
        }
    }

    /// An address that may be any of these networks'.
    fn when_within(&self, networks: &[IpNet], test: Test) -> Judgement {
        if test != Test::Ip {
            return self.unknown_key();
        }
        let of_value = |value: &String| match parse_network(value) {
            None => self.incomparable(value),
            Some(listed) if !networks.is_empty() && networks.iter().all(|network| listed.contains(network)) => {
                Judgement::True
            }
            Some(listed) if networks.iter().any(|net| listed.contains(net) || net.contains(&listed)) => {
                self.unknown_key()
            }
            Some(_) if networks.is_empty() => self.unknown_key(),
            Some(_) => Judgement::False,
        };
        let each = self.values.iter().map(of_value);
        // Each network may be another value's.
        let listed: Vec<IpNet> = self.values.iter().filter_map(|value| parse_network(value)).collect();
        let all_held = !networks.is_empty()
            && networks
                .iter()
                .all(|network| listed.iter().any(|listed| listed.contains(network)));
        let matches = if all_held {
            Judgement::True
        } else {
            Judgement::any(each)
        };
        matches.negate_if(self.operator.comparison.negated())
    }

    fn null(&self) -> Judgement {
        if self.operator.set.is_some() || self.operator.if_exists {
            return self.unknown_operator();
        }
        let absent = match self.context.get(self.key) {
            ContextValue::Unknown => return self.unknown_key(),
            ContextValue::NoneOf { or_absent: true, .. } => return self.unknown_key(),
            ContextValue::NoneOf { or_absent: false, .. } | ContextValue::Within(_) => false,
            ContextValue::Absent => true,
            ContextValue::Values(given) => given.is_empty(),
        };
        Judgement::any(self.values.iter().map(|value| match parse_bool(value) {
            Some(wanted) => Judgement::from(wanted == absent),
            None => self.incomparable(value),
        }))
    }

    /// Whether one value of the request satisfies the comparison.
    fn satisfied_by(&self, given: &str, test: Test) -> Judgement {
        let negated = self.operator.comparison.negated();
        Judgement::any(self.values.iter().map(|value| self.matches(value, given, test))).negate_if(negated)
    }

    fn matches(&self, value: &str, given: &str, test: Test) -> Judgement {
        match test {
            Test::Text { ignore_case, wildcards } => self.text(value, given, ignore_case, wildcards),
            Test::Arn => self.arn(value, given),
            Test::Number(relation) => self.ordered(value, given, relation, Decimal::parse),
            Test::Date(relation) => self.ordered(value, given, relation, parse_instant),
            Test::Bool => self.compared(value, given, parse_bool, |value, given| value == given),
            Test::Ip => match (parse_network(value), given.parse::<IpAddr>()) {
                (Some(network), Ok(address)) => network.contains(&address).into(),
                (None, _) => self.incomparable(value),
                (Some(_), Err(_)) => self.incomparable(given),
            },
            Test::Binary => (value == given).into(),
            Test::Null | Test::Unknown => self.unknown_operator(),
        }
    }

    fn ordered<T: Ord>(
        &self,
        value: &str,
        given: &str,
        relation: Relation,
        read: impl Fn(&str) -> Option<T>,
    ) -> Judgement {
        self.compared(value, given, read, |value, given| relation.holds(given.cmp(value)))
    }

    fn compared<T>(
        &self,
        value: &str,
        given: &str,
        read: impl Fn(&str) -> Option<T>,
        holds: impl Fn(&T, &T) -> bool,
    ) -> Judgement {
        match (read(value), read(given)) {
            (Some(value), Some(given)) => holds(&value, &given).into(),
            (None, _) => self.incomparable(value),
            (Some(_), None) => self.incomparable(given),
        }
    }

    fn text(&self, value: &str, given: &str, ignore_case: bool, wildcards: bool) -> Judgement {
        let template = if wildcards {
            Template::with_wildcards(value, self.version)
        } else {
            Template::plain(value, self.version)
        };
        let negated = self.operator.comparison.negated();
        if ignore_case {
            let folded = |key: &str| match self.context.lookup(key) {
                Lookup::Value(value) => Lookup::Value(fold_case(&value)),
                nothing @ (Lookup::Nothing | Lookup::Unknown) => nothing,
            };
            let given = fold_case(given);
            template
                .fold_case()
                .resolve(folded)
                .judge(&given, negated, |pattern| pattern.matches(&given).into())
        } else {
            let lookup = |key: &str| self.context.lookup(key);
            template
                .resolve(lookup)
                .judge(given, negated, |pattern| pattern.matches(given).into())
        }
    }

    /// ARNs match part by part: a `*` does not reach past a colon, except in
    /// the last part.
    fn arn(&self, value: &str, given: &str) -> Judgement {
        let template = Template::with_wildcards(value, self.version);
        let lookup = |key: &str| self.context.lookup(key);
        let negated = self.operator.comparison.negated();
        template.resolve(lookup).judge(given, negated, |pattern| {
            let Some(patterns) = pattern.split_at_colons(5) else {
                return self.incomparable(value);
            };
            let parts: Vec<&str> = given.splitn(6, ':').collect();
            let all_match = parts.len() == patterns.len()
                && patterns.iter().zip(parts).all(|(pattern, part)| pattern.matches(part));
            all_match.into()
        })
    }

    fn unknown_key(&self) -> Judgement {
        Judgement::unknown(Unjudged::ContextKey(self.key.to_ascii_lowercase()))
    }

    fn unknown_operator(&self) -> Judgement {
        Judgement::unknown(Unjudged::Operator(self.operator.to_string()))
    }

    fn incomparable(&self, value: &str) -> Judgement {
        Judgement::unknown(Unjudged::Value {
            operator: self.operator.to_string(),
            key: self.key.to_ascii_lowercase(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
