//! How statuses are told, whatever the case: short where they are read first,
//! nothing twice, nothing cut, and to whom it is of use.

use std::collections::BTreeMap;

use sagevpc_core::{api::Who, status::Statuses};
use serde_json::Value;

/// Characters of the message of `Ready`.
const MAX_READY: usize = 140;
/// Sentences that are shorter may stand twice.
const MIN_SENTENCE: usize = 40;
/// Lines of two screens, which `kubectl describe` takes for a profile's status.
const MAX_LINES: usize = 170;

/// Where the statuses are not told as they should be.
pub fn problems(statuses: &Statuses) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |whose: &str, status: Value, conditions: &[sagevpc_core::api::Condition]| {
        for condition in conditions.iter().filter(|condition| condition.type_ == "Ready") {
            if condition.message.len() > MAX_READY {
                problems.push(format!("{whose}: Ready is too long: {}", condition.message));
            }
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts(&status).into_iter().filter(|text| text.ends_with('…')) {
            problems.push(format!("{whose}: cut: {text}"));
        }
        let blockers = status["blockers"].as_array().into_iter().flatten();
        let told = blockers.flat_map(|blocker| [&blocker["message"], &blocker["fix"]]);
        let told = told.filter_map(Value::as_str).map(str::to_owned);
        let told = told.chain(conditions.iter().map(|condition| condition.message.clone()));
        for text in told {
            for sentence in text.split(". ").filter(|sentence| sentence.len() >= MIN_SENTENCE) {
                *seen.entry(sentence.trim_end_matches('.').to_owned()).or_default() += 1;
            }
        }
        for (sentence, times) in seen.iter().filter(|(_, times)| **times > 1) {
            problems.push(format!("{whose}: {times} times: {sentence}"));
        }
    };
    check("the SageMakerVpc", json(&statuses.vpc), &statuses.vpc.conditions);
    for (key, status) in &statuses.profiles {
        check(&key.to_string(), json(status), &status.conditions);
    }
    for (key, status) in &statuses.profiles {
        let lines = lines(&json(status));
        if lines > MAX_LINES {
            problems.push(format!("{key}: the status takes {lines} lines"));
        }
        for blocker in &status.blockers {
            let is_told_commands = [Some(&blocker.message), blocker.fix.as_ref()]
                .into_iter()
                .flatten()
                .any(|text| text.contains("`aws "));
            if blocker.who == Who::Platform && is_told_commands {
                problems.push(format!("{key}: a command that its team may not give: {blocker:?}"));
            }
            if blocker.who == Who::Platform && blocker.fix.is_none() && status.blockers.len() == 1 {
                problems.push(format!("{key}: not told whom to ask: {blocker:?}"));
            }
        }
    }
    problems
}

fn json(status: &impl serde::Serialize) -> Value {
    serde_json::to_value(status).expect("a status is JSON")
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The lines that `kubectl describe` prints of a value: one for each field and
/// each item.
fn lines(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(lines).sum(),
        Value::Object(fields) => fields
            .values()
            .map(|value| match value {
                Value::Array(_) | Value::Object(_) => 1 + lines(value),
                _ => 1,
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}
