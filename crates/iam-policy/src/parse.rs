//! Reads a document from JSON, in every spelling that IAM accepts.
//!
//! Follows the [grammar](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
//! What AWS would refuse for its values (an unknown action, a malformed ARN)
//! is not judged here: a document that AWS holds must always be readable.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    document::{
        ActionClause, Conditions, Effect, PolicyDocument, PrincipalClause, PrincipalKind, PrincipalSet, ResourceClause,
        Statement, StatementRef, Version,
    },
    error::{Place, PolicyError, short},
    json::Unrepeated,
    operator::Operator,
};

const DOCUMENT_ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl FromStr for PolicyDocument {
    type Err = PolicyError;

    /// Reads a document from JSON.
    ///
    /// # Errors
    ///
    /// Text that is not JSON, an element given twice, or JSON that is not a
    /// policy; the message says where and what was expected.
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let Unrepeated(value) = serde_json::from_str(text).map_err(|error| {
            if error.is_data() {
                PolicyError::Repeated(error.to_string())
            } else {
                PolicyError::NotJson(error.to_string())
            }
        })?;
        Self::try_from(&value)
    }
}

impl TryFrom<&Value> for PolicyDocument {
    type Error = PolicyError;

    fn try_from(value: &Value) -> Result<Self, PolicyError> {
        let place = Place::document();
        let members = as_object(value, &place, "an object with `Version` and `Statement`")?;
        refuse_unknown(members, &DOCUMENT_ELEMENTS, &place)?;
        let version = match optional_text(members, "Version", &place)?.as_deref() {
            None | Some("2008-10-17") => Version::V2008,
            Some("2012-10-17") => Version::V2012,
            Some(other) => {
                return Err(PolicyError::Unexpected {
                    place: place.element("Version"),
                    expected: "\"2012-10-17\" or \"2008-10-17\"",
                    found: format!("{:?}", short(other)),
                });
            }
        };
        Ok(Self {
            version,
            id: optional_text(members, "Id", &place)?,
            statements: statements(members)?,
        })
    }
}

fn statements(document: &Map<String, Value>) -> Result<Vec<Statement>, PolicyError> {
    let place = Place::document();
    match document.get("Statement") {
        None => Err(PolicyError::Missing {
            place,
            element: "Statement",
            fix: "a policy is a list of statements",
        }),
        Some(Value::Array(list)) if list.is_empty() => Err(PolicyError::Empty {
            place: place.element("Statement"),
        }),
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(index, value)| statement(index, value))
            .collect(),
        Some(single) => Ok(vec![statement(0, single)?]),
    }
}

fn statement(index: usize, value: &Value) -> Result<Statement, PolicyError> {
    let place = Place::statement(StatementRef {
        number: index + 1,
        sid: value
            .get("Sid")
            .and_then(Value::as_str)
            .filter(|sid| !sid.is_empty())
            .map(short),
    });
    let members = as_object(value, &place, "an object with `Effect` and `Action`")?;
    refuse_unknown(members, &STATEMENT_ELEMENTS, &place)?;
    Ok(Statement {
        sid: optional_text(members, "Sid", &place)?,
        effect: effect(members, &place)?,
        principal: principal(members, &place)?,
        action: action(members, &place)?,
        resource: resource(members, &place)?,
        condition: conditions(members, &place)?,
    })
}

fn effect(members: &Map<String, Value>, place: &Place) -> Result<Effect, PolicyError> {
    let Some(text) = optional_text(members, "Effect", place)? else {
        return Err(PolicyError::Missing {
            place: place.clone(),
            element: "Effect",
            fix: "write \"Allow\" or \"Deny\"",
        });
    };
    match text.as_str() {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(PolicyError::Unexpected {
            place: place.element("Effect"),
            expected: "\"Allow\" or \"Deny\", spelt so",
            found: format!("{:?}", short(other)),
        }),
    }
}

fn principal(members: &Map<String, Value>, place: &Place) -> Result<Option<PrincipalClause>, PolicyError> {
    Ok(match one_of(members, "Principal", "NotPrincipal", place)? {
        None => None,
        Some(Either::First(value)) => Some(PrincipalClause::Principal(principals(
            value,
            &place.element("Principal"),
        )?)),
        Some(Either::Second(value)) => Some(PrincipalClause::NotPrincipal(principals(
            value,
            &place.element("NotPrincipal"),
        )?)),
    })
}

fn principals(value: &Value, place: &Place) -> Result<PrincipalSet, PolicyError> {
    const EXPECTED: &str = "\"*\", or an object such as {\"AWS\": \"arn:aws:iam::111122223333:role/name\"}";
    if value.as_str() == Some("*") {
        return Ok(PrincipalSet::Everyone);
    }
    let members = as_object(value, place, EXPECTED)?;
    if members.is_empty() {
        return Err(PolicyError::Empty { place: place.clone() });
    }
    let mut lists = BTreeMap::new();
    for (name, ids) in members {
        let Some(kind) = PrincipalKind::ALL.into_iter().find(|kind| kind.as_str() == name) else {
            return Err(unknown(name, &PrincipalKind::ALL.map(PrincipalKind::as_str), place));
        };
        let place = place.element(name);
        let ids = non_empty(ids, &place, "a principal or a list of them", |id| {
            // AWS takes account ids without quotes; JSON drops leading zeros.
            text(id).or_else(|| id.as_u64().map(|account| format!("{account:012}")))
        })?;
        lists.insert(kind, ids);
    }
    Ok(PrincipalSet::Named(lists))
}

fn action(members: &Map<String, Value>, place: &Place) -> Result<ActionClause, PolicyError> {
    const EXPECTED: &str = "an action such as \"s3:GetObject\", or a list of them";
    match one_of(members, "Action", "NotAction", place)? {
        None => Err(PolicyError::Missing {
            place: place.clone(),
            element: "Action",
            fix: "name the actions, such as \"s3:GetObject\"",
        }),
        Some(Either::First(value)) => {
            non_empty(value, &place.element("Action"), EXPECTED, text).map(ActionClause::Action)
        }
        Some(Either::Second(value)) => {
            non_empty(value, &place.element("NotAction"), EXPECTED, text).map(ActionClause::NotAction)
        }
    }
}

fn resource(members: &Map<String, Value>, place: &Place) -> Result<Option<ResourceClause>, PolicyError> {
    const EXPECTED: &str = "an ARN such as \"arn:aws:s3:::bucket/*\", or a list of them";
    match one_of(members, "Resource", "NotResource", place)? {
        None => Ok(None),
        Some(Either::First(value)) => non_empty(value, &place.element("Resource"), EXPECTED, text)
            .map(|list| Some(ResourceClause::Resource(list))),
        Some(Either::Second(value)) => non_empty(value, &place.element("NotResource"), EXPECTED, text)
            .map(|list| Some(ResourceClause::NotResource(list))),
    }
}

fn conditions(members: &Map<String, Value>, place: &Place) -> Result<Conditions, PolicyError> {
    const BLOCK: &str = "an object such as {\"StringEquals\": {\"aws:SourceVpce\": \"vpce-1\"}}";
    const KEYS: &str = "an object of context keys and values";
    const VALUES: &str = "a string, number or boolean, or a list of them";
    let Some(value) = members.get("Condition") else {
        return Ok(Conditions::new());
    };
    let place = place.element("Condition");
    let mut conditions = Conditions::new();
    for (name, keys) in as_object(value, &place, BLOCK)? {
        let place = place.element(name);
        let mut tests = BTreeMap::new();
        for (key, values) in as_object(keys, &place, KEYS)? {
            // An empty list is legal here: it matches nothing.
            let values = list(values, &place.element(key), VALUES, scalar)?;
            tests.insert(key.clone(), values);
        }
        conditions.insert(Operator::parse(name), tests);
    }
    Ok(conditions)
}

enum Either<'a> {
    First(&'a Value),
    Second(&'a Value),
}

fn one_of<'a>(
    members: &'a Map<String, Value>,
    first: &'static str,
    second: &'static str,
    place: &Place,
) -> Result<Option<Either<'a>>, PolicyError> {
    match (members.get(first), members.get(second)) {
        (Some(_), Some(_)) => Err(PolicyError::Both {
            place: place.clone(),
            first,
            second,
        }),
        (Some(value), None) => Ok(Some(Either::First(value))),
        (None, Some(value)) => Ok(Some(Either::Second(value))),
        (None, None) => Ok(None),
    }
}

fn optional_text(members: &Map<String, Value>, name: &str, place: &Place) -> Result<Option<String>, PolicyError> {
    members
        .get(name)
        .map(|value| text(value).ok_or_else(|| unexpected(value, &place.element(name), "a string")))
        .transpose()
}

fn non_empty(
    value: &Value,
    place: &Place,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<String>,
) -> Result<Vec<String>, PolicyError> {
    let list = list(value, place, expected, read)?;
    if list.is_empty() {
        return Err(PolicyError::Empty { place: place.clone() });
    }
    Ok(list)
}

fn list(
    value: &Value,
    place: &Place,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<String>,
) -> Result<Vec<String>, PolicyError> {
    let read = |item: &Value| read(item).ok_or_else(|| unexpected(item, place, expected));
    match value {
        Value::Array(items) => items.iter().map(read).collect(),
        single => Ok(vec![read(single)?]),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_object<'a>(
    value: &'a Value,
    place: &Place,
    expected: &'static str,
) -> Result<&'a Map<String, Value>, PolicyError> {
    value.as_object().ok_or_else(|| unexpected(value, place, expected))
}

fn unexpected(value: &Value, place: &Place, expected: &'static str) -> PolicyError {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("the boolean {flag}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {:?}", short(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    PolicyError::Unexpected {
        place: place.clone(),
        expected,
        found,
    }
}

fn refuse_unknown(members: &Map<String, Value>, known: &[&str], place: &Place) -> Result<(), PolicyError> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unknown(name, known, place)),
        None => Ok(()),
    }
}

fn unknown(name: &str, known: &[&str], place: &Place) -> PolicyError {
    // `Actions`, `resource`, `Statements`: case and plural are the usual slips.
    let singular = name.strip_suffix('s').unwrap_or(name);
    let meant = known
        .iter()
        .find(|candidate| candidate.eq_ignore_ascii_case(name) || candidate.eq_ignore_ascii_case(singular));
    PolicyError::UnknownElement {
        place: place.clone(),
        name: short(name),
        hint: meant.map_or_else(
            || format!("; known here are {}", known.join(", ")),
            |candidate| format!("; write `{candidate}`"),
        ),
    }
}

#[cfg(test)]
mod tests;
