//! Writes a document in another spelling of the same meaning.

use iam_policy::{
    ActionClause, Conditions, Operator, PolicyDocument, PrincipalClause, PrincipalKind, PrincipalSet, ResourceClause,
    Statement, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::vocabulary::ROOT;

/// Decisions on how to respell a document, taken one by one. When they run out
/// everything stays as it is, so failures shrink to the rewrites that matter.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn yes(&mut self) -> bool {
        self.0.next().is_some_and(|choice| choice % 2 == 1)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % count.max(1)
    }

    fn shuffle<T: Clone>(&mut self, list: &mut Vec<T>) {
        if list.is_empty() {
            return;
        }
        if self.yes() {
            let repeated = list[self.below(list.len())].clone();
            list.push(repeated);
        }
        let by = self.below(list.len());
        list.rotate_left(by);
        if self.yes() {
            list.reverse();
        }
    }

    fn case(&mut self, text: &str) -> String {
        match self.below(3) {
            0 => text.to_owned(),
            1 => text.to_ascii_uppercase(),
            _ => text.to_ascii_lowercase(),
        }
    }

    /// A list in any order, some of it twice; one element as itself.
    fn list(&mut self, mut list: Vec<Value>) -> Value {
        self.shuffle(&mut list);
        match list.as_slice() {
            [only] if self.yes() => only.clone(),
            _ => Value::Array(list),
        }
    }

    /// Adds something that an element of the list covers.
    fn widen(&mut self, list: &mut Vec<String>) {
        let wide: Vec<&String> = list
            .iter()
            .filter(|text| text.ends_with('*') && !text.contains("${"))
            .collect();
        if !wide.is_empty() && self.yes() {
            let stem = wide[self.below(wide.len())].trim_end_matches('*').to_owned();
            list.push(stem + ["", "more", "*x"][self.below(3)]);
        }
    }

    fn patterns(&mut self, list: &[String]) -> Value {
        let mut list = list.to_vec();
        self.widen(&mut list);
        self.list(list.into_iter().map(Value::from).collect())
    }

    fn actions(&mut self, list: &[String]) -> Value {
        let mut list = list.to_vec();
        self.widen(&mut list);
        let list = list.iter().map(|action| self.case(action).into()).collect();
        self.list(list)
    }

    fn principals(&mut self, set: &PrincipalSet, has_resource: bool) -> Value {
        let lists = match set {
            PrincipalSet::Everyone if has_resource && self.yes() => return json!({"AWS": ["*"]}),
            PrincipalSet::Everyone => return json!("*"),
            PrincipalSet::Named(lists) => lists,
        };
        let everyone = lists
            .get(&PrincipalKind::Aws)
            .is_some_and(|ids| ids.iter().any(|id| id == "*"));
        if has_resource && everyone && self.yes() {
            return json!("*");
        }
        let mut written = Map::new();
        for (kind, ids) in lists {
            let ids = ids.iter().map(|id| self.identity(id)).collect();
            written.insert(kind.as_str().to_owned(), self.list(ids));
        }
        Value::Object(written)
    }

    fn identity(&mut self, id: &str) -> Value {
        if id != ROOT && id != "111122223333" {
            return json!(id);
        }
        let spellings = [
            json!(id),
            json!(ROOT),
            json!("arn:aws-cn:iam::111122223333:root"),
            json!("111122223333"),
            json!(111_122_223_333_u64),
        ];
        spellings[self.below(spellings.len())].clone()
    }

    fn conditions(&mut self, conditions: &Conditions) -> Value {
        let mut written = Map::new();
        for (operator, keys) in conditions {
            let mut name = operator.to_string();
            let other = match name.as_str() {
                "ArnLike" => "ArnEquals",
                "ArnEquals" => "ArnLike",
                "ArnNotEquals" => "ArnNotLike",
                _ => "",
            };
            // A block of that name may be there already.
            let free = !conditions.contains_key(&Operator::parse(other));
            if !other.is_empty() && free && self.yes() {
                name = other.to_owned();
            }
            let numeric = name.starts_with("Numeric");
            let mut tests = Map::new();
            for (key, values) in keys {
                let mut values = values.clone();
                if name.ends_with("Like") && !name.contains("Arn") {
                    self.widen(&mut values);
                }
                let values = values.iter().map(|text| self.value(text, numeric)).collect();
                tests.insert(self.case(key), self.list(values));
            }
            written.insert(name, Value::Object(tests));
        }
        if self.yes() {
            written.entry("DateEquals").or_insert(json!({}));
        }
        Value::Object(written)
    }

    fn value(&mut self, text: &str, numeric: bool) -> Value {
        match text {
            "true" if self.yes() => json!(true),
            "10" if self.yes() => json!(10),
            "10" | "10.0" if numeric => json!(["10", "010", "10.0"][self.below(3)]),
            other => json!(other),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Value {
        let mut written = Map::new();
        written.insert("Effect".to_owned(), json!(statement.effect.as_str()));
        if self.yes() {
            written.insert("Sid".to_owned(), json!("Another"));
        }
        let has_resource = statement.resource.is_some();
        match &statement.principal {
            None => {}
            Some(PrincipalClause::Principal(set)) => {
                written.insert("Principal".to_owned(), self.principals(set, has_resource));
            }
            Some(PrincipalClause::NotPrincipal(set)) => {
                written.insert("NotPrincipal".to_owned(), self.principals(set, has_resource));
            }
        }
        match &statement.action {
            ActionClause::Action(list) => written.insert("Action".to_owned(), self.actions(list)),
            ActionClause::NotAction(list) => written.insert("NotAction".to_owned(), self.actions(list)),
        };
        match &statement.resource {
            None => {}
            Some(ResourceClause::Resource(list)) => {
                written.insert("Resource".to_owned(), self.patterns(list));
            }
            Some(ResourceClause::NotResource(list)) => {
                written.insert("NotResource".to_owned(), self.patterns(list));
            }
        }
        if !statement.condition.is_empty() || self.yes() {
            written.insert("Condition".to_owned(), self.conditions(&statement.condition));
        }
        Value::Object(written)
    }

    fn respell(mut self, document: &PolicyDocument) -> Value {
        let statements = document
            .statements
            .iter()
            .map(|statement| self.statement(statement))
            .collect();
        let mut written = Map::new();
        written.insert("Statement".to_owned(), self.list(statements));
        if self.yes() {
            written.insert("Id".to_owned(), json!("another"));
        }
        let variables = document.to_string().contains("${");
        let version = match (document.version, variables, self.below(3)) {
            (Version::V2012, true, _) | (_, false, 0) => Some("2012-10-17"),
            (_, _, 1) => Some("2008-10-17"),
            (_, _, _) => None,
        };
        if let Some(version) = version {
            written.insert("Version".to_owned(), json!(version));
        }
        Value::Object(written)
    }
}

/// What [`respelled`] takes its decisions from.
pub fn choices() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// The document as AWS or another writer might spell it.
pub fn respelled(document: &PolicyDocument, choices: Vec<u8>) -> Value {
    Choices(choices.into_iter()).respell(document)
}
