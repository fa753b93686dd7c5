//! Checks values against the schema of a CRD, as far as structural schemas go:
//! a keyword that this does not know is an error, so that none is passed over.

use serde_json::{Map, Value};

/// Where a value is not what the schema admits, in words.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "status", &mut found);
    found
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let schema = schema.as_object().expect("a schema is an object");
    if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
        return;
    }
    for (keyword, rule) in schema {
        if let Some(problem) = violation(schema, keyword, rule, value) {
            found.push(format!("{path}: {problem}"));
        }
    }
    match value {
        Value::Object(fields) => {
            let known = schema.get("properties").and_then(Value::as_object);
            for (name, field) in fields {
                let path = format!("{path}.{name}");
                match known
                    .and_then(|known| known.get(name))
                    .or(schema.get("additionalProperties"))
                {
                    Some(schema) => check(schema, field, &path, found),
                    None => found.push(format!("{path} is not in the schema")),
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{path}[{place}]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// How the value offends against one keyword.
fn violation(schema: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value) -> Option<String> {
    let limit = || rule.as_u64().expect("a limit is a number");
    let characters = value.as_str().map(|text| text.chars().count() as u64);
    let items = value.as_array().map(|items| items.len() as u64);
    let offends = match keyword {
        "type" => match rule.as_str() {
            Some("object") => !value.is_object(),
            Some("array") => !value.is_array(),
            Some("string") => !value.is_string(),
            Some("integer") => !value.is_i64() && !value.is_u64(),
            Some("boolean") => !value.is_boolean(),
            other => panic!("{other:?} is no type that is expected in a status"),
        },
        "maxLength" => characters.is_some_and(|length| length > limit()),
        "minLength" => characters.is_some_and(|length| length < limit()),
        "pattern" => value
            .as_str()
            .zip(rule.as_str())
            .is_some_and(|(text, pattern)| !regex::Regex::new(pattern).expect("a pattern").is_match(text)),
        "maxItems" => items.is_some_and(|length| length > limit()),
        "minItems" => items.is_some_and(|length| length < limit()),
        "minimum" => value
            .as_f64()
            .zip(rule.as_f64())
            .is_some_and(|(value, least)| value < least),
        "maximum" => value
            .as_f64()
            .zip(rule.as_f64())
            .is_some_and(|(value, most)| value > most),
        "enum" => !rule.as_array().is_some_and(|words| words.contains(value)),
        "required" => rule.as_array().is_some_and(|names| {
            names
                .iter()
                .filter_map(Value::as_str)
                .any(|name| value.get(name).is_none())
        }),
        "x-kubernetes-list-map-keys" => !has_unique_keys(rule, value),
        "format" => match rule.as_str() {
            Some("date-time") => value
                .as_str()
                .is_none_or(|text| text.parse::<jiff::Timestamp>().is_err()),
            Some("int64" | "uint64") => !value.is_i64() && !value.is_u64(),
            Some("int32") => value.as_i64().is_none_or(|number| i32::try_from(number).is_err()),
            Some("uint16") => value.as_u64().is_none_or(|number| u16::try_from(number).is_err()),
            Some("uint32") => value.as_u64().is_none_or(|number| u32::try_from(number).is_err()),
            other => panic!("{other:?} is no format that is expected in a status"),
        },
        "description"
        | "properties"
        | "additionalProperties"
        | "items"
        | "nullable"
        | "default"
        | "x-kubernetes-list-type"
        | "x-kubernetes-validations" => false,
        other => panic!("{other} is no keyword that this knows, in {schema:?}"),
    };
    offends.then(|| format!("{keyword} is {rule}, and there is {value}"))
}

fn has_unique_keys(keys: &Value, value: &Value) -> bool {
    let keys: Vec<&str> = keys
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    value
        .as_array()
        .into_iter()
        .flatten()
        .all(|item| seen.insert(keys.iter().map(|key| item[*key].to_string()).collect::<Vec<_>>()))
}

#[test]
fn what_a_schema_refuses_is_found() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "maxLength": 3 },
            "id": { "type": "string", "pattern": "^[ -~]*$" },
            "list": {
                "type": "array",
                "maxItems": 1,
                "x-kubernetes-list-map-keys": ["type"],
                "items": { "type": "object", "properties": { "type": { "type": "string", "enum": ["a"] } } },
            },
        },
    });
    let admitted = serde_json::json!({ "name": "üüü", "id": "eni-0 ~", "list": [{ "type": "a" }] });
    assert_eq!(violations(&schema, &admitted), Vec::<String>::new());
    for refused in [
        serde_json::json!({}),
        serde_json::json!({ "name": 1 }),
        serde_json::json!({ "name": "long" }),
        serde_json::json!({ "name": "a", "id": "ü" }),
        serde_json::json!({ "name": "a", "other": 1 }),
        serde_json::json!({ "name": "a", "list": [{ "type": "b" }] }),
        serde_json::json!({ "name": "a", "list": [{ "type": "a" }, { "type": "a" }] }),
    ] {
        assert!(!violations(&schema, &refused).is_empty(), "{refused} is admitted");
    }
}
