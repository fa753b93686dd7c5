//! The largest value that an OpenAPI schema of Kubernetes admits: every list,
//! map and string at its bound.
//!
//! Bounds and forms that a schema cannot state are read from the CEL rules, in
//! the spellings that ours have.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::longest::longest;

/// Fields that the schema admits in any size.
#[derive(Debug)]
pub struct Unbounded(pub Vec<String>);

/// What text is made of where any will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filler {
    /// A letter of the ASCII alphabet.
    OneByte,
    /// A character beyond the Basic Multilingual Plane.
    FourBytes,
}

impl Filler {
    /// A text of `length` characters, another for each `number`.
    fn text(self, length: usize, number: usize) -> String {
        let filler = match self {
            Self::OneByte => "x",
            Self::FourBytes => "𝒳",
        };
        let number: String = number.to_string().chars().take(length).collect();
        filler.repeat(length - number.len()) + &number
    }
}

/// Fields whose rules say more than a form, each with its largest value.
const EXAMPLES: [(&str, &str); 4] = [
    // The longest spelling of a time that is long enough and not too long.
    ("spec.absentProfileGracePeriod", "00001h00001m00001s"),
    ("spec.resyncInterval", "00001h00001m00001s"),
    // A word shorter than others, but it brings a document with it.
    ("spec.s3.policy.type", "Custom"),
    // Shorter than Regional, but it takes public subnets beside it.
    ("spec.internet.natGateways", "PerZone"),
];

/// Fields that rules admit only in the place of larger ones, or with a kind whose
/// name is shorter by more than they take.
const LEFT_OUT: [&str; 5] = [
    "spec.destinations[].cidr",
    "spec.destinations[].fileSystem",
    "spec.destinations[].securityGroupId",
    "spec.workloads[].orchestrator",
    "spec.workloads[].shadowEndpoint",
];

/// The largest value that the schema of the field at `path` admits.
pub fn largest(schema: &Value, path: &str, filler: Filler) -> Result<Value, Unbounded> {
    let mut walk = Walk {
        filler,
        unbounded: BTreeSet::new(),
    };
    let value = walk.value(schema, path, &[], 0);
    if walk.unbounded.is_empty() {
        Ok(value)
    } else {
        Err(Unbounded(walk.unbounded.into_iter().collect()))
    }
}

struct Walk {
    filler: Filler,
    unbounded: BTreeSet<String>,
}

impl Walk {
    /// `rules` are those of the list that the value is an item of; `number` is
    /// its place there.
    fn value(&mut self, schema: &Value, path: &str, rules: &[&str], number: usize) -> Value {
        let rules = [rules, &rules_of(schema)].concat();
        if let Some((_, example)) = EXAMPLES.iter().find(|(field, _)| *field == path) {
            return Value::from(*example);
        }
        if let Some(words) = schema["enum"].as_array() {
            return words
                .iter()
                .max_by_key(|word| word.to_string().len())
                .cloned()
                .unwrap_or_default();
        }
        match schema["type"].as_str() {
            Some("string") => self.string(schema, path, &rules, number),
            Some("array") => self.array(schema, path, &rules),
            Some("object") if schema["properties"].is_object() => self.object(schema, path, &rules, number),
            Some("object") => self.map(schema, path, &rules),
            Some("integer") => integer(schema),
            // Longer than `true`.
            Some("boolean") => Value::from(false),
            Some(_) | None => self.refuse(path),
        }
    }

    fn refuse(&mut self, path: &str) -> Value {
        self.unbounded.insert(path.to_owned());
        Value::Null
    }

    fn string(&mut self, schema: &Value, path: &str, rules: &[&str], number: usize) -> Value {
        if schema["format"] == "date-time" {
            return Value::from("2026-01-01T12:00:00.000000Z");
        }
        let Some(length) = size(schema, "maxLength") else {
            return self.refuse(path);
        };
        let patterns = schema["pattern"]
            .as_str()
            .into_iter()
            .chain(rules.iter().filter_map(|rule| matched(rule)));
        match patterns.last() {
            Some(pattern) => Value::from(longest(pattern, length, number)),
            None => Value::from(self.filler.text(length, number)),
        }
    }

    fn array(&mut self, schema: &Value, path: &str, rules: &[&str]) -> Value {
        let Some(length) = size(schema, "maxItems") else {
            return self.refuse(path);
        };
        let mut items: Vec<Value> = Vec::with_capacity(length);
        for number in 0..length {
            let item = self.value(&schema["items"], &format!("{path}[]"), rules, number);
            // There may be fewer different words than a set may have members.
            if schema["x-kubernetes-list-type"] != "set" || !items.contains(&item) {
                items.push(item);
            }
        }
        Value::from(items)
    }

    /// All fields, except where a rule admits but one of two: then the larger.
    fn object(&mut self, schema: &Value, path: &str, rules: &[&str], number: usize) -> Value {
        let fields = schema["properties"].as_object().into_iter().flatten();
        let mut object: Map<String, Value> = fields
            .map(|(name, field)| (name, field, format!("{path}.{name}")))
            .filter(|(_, _, path)| !LEFT_OUT.contains(&path.as_str()))
            .map(|(name, field, path)| (name.clone(), self.value(field, &path, &[], number)))
            .collect();
        for (one, other) in rules.iter().filter_map(|rule| either(rule)) {
            let bytes = |name: &str| object[name].to_string().len();
            let smaller = if bytes(one) < bytes(other) { one } else { other };
            object.remove(smaller);
        }
        Value::from(object)
    }

    fn map(&mut self, schema: &Value, path: &str, rules: &[&str]) -> Value {
        let Some(length) = size(schema, "maxProperties") else {
            return self.refuse(path);
        };
        let Some(key_length) = rules.iter().find_map(|rule| key_size(rule)) else {
            return self.refuse(&format!("{path}{{key}}"));
        };
        let values = &schema["additionalProperties"];
        let of_keys = rules.iter().find_map(|rule| between(rule, " k.matches('", "')"));
        let of_values = rules.iter().filter(|rule| rule.contains("self[k].matches('"));
        let of_values: Vec<&str> = of_values.copied().collect();
        let entries = (0..length).map(|number| {
            let key = match of_keys {
                Some(pattern) => longest(pattern, key_length, number),
                None => self.filler.text(key_length, number),
            };
            (key, self.value(values, &format!("{path}{{}}"), &of_values, number))
        });
        Value::from(entries.collect::<Map<_, _>>())
    }
}

fn size(schema: &Value, bound: &str) -> Option<usize> {
    schema[bound].as_u64().and_then(|size| usize::try_from(size).ok())
}

fn integer(schema: &Value) -> Value {
    let is_at_least_zero = schema["minimum"].as_f64().is_some_and(|least| least >= 0.0);
    let most = schema["maximum"].as_f64().map(|most| most as i64);
    match (most, schema["format"].as_str()) {
        (Some(most), _) => Value::from(most),
        (None, Some("uint32")) => Value::from(u32::MAX),
        (None, Some("int32")) => Value::from(i32::MIN),
        // Kubernetes knows no larger numbers than those of 64 bits with a sign.
        (None, _) => Value::from(if is_at_least_zero { i64::MAX } else { i64::MIN }),
    }
}

/// The CEL rules of a schema.
fn rules_of(schema: &Value) -> Vec<&str> {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["rule"].as_str()).collect()
}

/// The pattern of `self.matches('…')` and of `self.all(x, x.matches('…'))`. What
/// `!self.matches('…')` refuses is of digits, and the longest texts are of letters.
fn matched(rule: &str) -> Option<&str> {
    let (subject, _) = rule.split_once(".matches('")?;
    let refuses = subject
        .trim_end_matches(|letter: char| letter.is_ascii_alphanumeric())
        .ends_with('!');
    if refuses {
        return None;
    }
    between(rule, ".matches('", "')")
}

/// The bound of `self.all(k, … k.size() <= 63 …)`.
fn key_size(rule: &str) -> Option<usize> {
    let digits = rule.strip_prefix("self.all(k, ")?.split_once("k.size() <= ")?.1;
    digits
        .split(|character: char| !character.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The two fields of `has(self.one) != has(self.other)`.
fn either(rule: &str) -> Option<(&str, &str)> {
    let (one, other) = rule.split_once(" != ")?;
    Some((between(one, "has(self.", ")")?, between(other, "has(self.", ")")?))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
