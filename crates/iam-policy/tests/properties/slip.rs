//! Changes a document in one word, as a writer might by mistake.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

use super::vocabulary::{ACTIONS, IDS, KEYS, OPERATORS, RESOURCES, VALUES};

/// A slip of the pen: one word of the document's JSON becomes another of the
/// vocabulary, changes its case or its modifiers, is lost or is doubled.
pub fn slip(value: &Value, place: &Index, kind: u8, word: &str) -> Value {
    let mut value = value.clone();
    let mut paths = Vec::new();
    collect_words(&value["Statement"], "/Statement".to_owned(), &mut paths);
    paths.push("/Version".to_owned());
    let path = place.get(&paths);
    if let Some(found) = value.pointer_mut(path) {
        match found {
            Value::Object(members) => rename_one(members, kind, word),
            Value::String(text) => *text = slipped(text, kind, word),
            Value::Array(list) if kind.is_multiple_of(3) => {
                list.pop();
            }
            Value::Array(list) => list.push(word.into()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    value
}

fn rename_one(members: &mut Map<String, Value>, kind: u8, word: &str) {
    let Some(name) = members.keys().nth(usize::from(kind) % members.len().max(1)) else {
        return;
    };
    let name = name.clone();
    let renamed = match (kind % 5, name.as_str()) {
        (_, "Principal" | "Action" | "Resource") => format!("Not{name}"),
        (0, _) => name
            .strip_suffix("IfExists")
            .map_or(format!("{name}IfExists"), str::to_owned),
        (1, _) => format!("ForAllValues:{name}"),
        (2, _) => format!("ForAnyValue:{name}"),
        (_, _) => word.to_owned(),
    };
    if let Some(value) = members.remove(&name) {
        members.insert(renamed, value);
    }
}

fn slipped(text: &str, kind: u8, word: &str) -> String {
    match (kind % 5, text) {
        (_, "Allow") => "Deny".to_owned(),
        (_, "Deny") => "Allow".to_owned(),
        (_, "2012-10-17") => "2008-10-17".to_owned(),
        (0, _) => text.to_ascii_uppercase(),
        (1, _) => format!("{text}*"),
        (2, _) => text.trim_end_matches('*').to_owned(),
        (_, _) => word.to_owned(),
    }
}

fn collect_words(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect_words(member, format!("{path}/{name}"), paths);
            }
        }
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                collect_words(element, format!("{path}/{index}"), paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    paths.push(path);
}

pub fn any_word() -> impl Strategy<Value = &'static str> {
    let words: Vec<&str> = [&ACTIONS[..], &RESOURCES, &IDS, &KEYS, &OPERATORS, &VALUES].concat();
    select(words)
}
