//! How documents are written, and what an endpoint asks of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    document::{
        ActionClause, Conditions, ENDPOINT_POLICY_MAX_CHARS, PolicyDocument, PrincipalClause, PrincipalSet,
        ResourceClause, Statement,
    },
    error::{Place, PolicyError},
    json::Unrepeated,
};

impl Statement {
    /// The statement as JSON.
    pub fn to_value(&self) -> Value {
        let (action_name, actions) = match &self.action {
            ActionClause::Action(list) => ("Action", list),
            ActionClause::NotAction(list) => ("NotAction", list),
        };
        let mut members = vec![
            (action_name, one_or_many(actions)),
            ("Effect", Value::from(self.effect.as_str())),
        ];
        if !self.condition.is_empty() {
            members.push(("Condition", conditions_value(&self.condition)));
        }
        if let Some(clause) = &self.principal {
            members.push(match clause {
                PrincipalClause::Principal(set) => ("Principal", principals_value(set)),
                PrincipalClause::NotPrincipal(set) => ("NotPrincipal", principals_value(set)),
            });
        }
        if let Some(clause) = &self.resource {
            members.push(match clause {
                ResourceClause::Resource(list) => ("Resource", one_or_many(list)),
                ResourceClause::NotResource(list) => ("NotResource", one_or_many(list)),
            });
        }
        if let Some(sid) = &self.sid {
            members.push(("Sid", Value::from(sid.as_str())));
        }
        object(members)
    }
}

impl PolicyDocument {
    /// The document as JSON that AWS takes: lists of one as a plain value,
    /// everything else in the order it was written.
    ///
    /// Keys are inserted in alphabetical order, so the text does not depend on
    /// whether `serde_json` was built to sort keys or to preserve their order.
    pub fn to_value(&self) -> Value {
        let statements = self.statements.iter().map(Statement::to_value).collect();
        let mut members = vec![
            ("Statement", Value::Array(statements)),
            ("Version", Value::from(self.version.as_str())),
        ];
        if let Some(id) = &self.id {
            members.push(("Id", Value::from(id.as_str())));
        }
        object(members)
    }

    /// Checks what every VPC endpoint asks of its policy: a principal and a
    /// resource in each statement, and a text of at most
    /// [`ENDPOINT_POLICY_MAX_CHARS`] as [`Display`](fmt::Display) writes it.
    ///
    /// # Errors
    ///
    /// The first statement that lacks an element, or the length.
    pub fn check_endpoint_policy(&self) -> Result<(), PolicyError> {
        for (index, statement) in self.statements.iter().enumerate() {
            let missing = |element, fix| PolicyError::Missing {
                place: Place::statement(self.reference(index)),
                element,
                fix,
            };
            if statement.principal.is_none() {
                return Err(missing(
                    "Principal",
                    "an endpoint policy must say for whom; `\"Principal\": \"*\"` stands for everyone",
                ));
            }
            if statement.resource.is_none() {
                return Err(missing(
                    "Resource",
                    "an endpoint policy must say for what; `\"Resource\": \"*\"` stands for everything",
                ));
            }
        }
        let length = self.to_string().chars().count();
        if length > ENDPOINT_POLICY_MAX_CHARS {
            return Err(PolicyError::TooLong {
                length,
                limit: ENDPOINT_POLICY_MAX_CHARS,
            });
        }
        Ok(())
    }
}

/// Writes compact JSON, as [`PolicyDocument::to_value`].
impl fmt::Display for PolicyDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_value(), f)
    }
}

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Unrepeated(value) = Unrepeated::deserialize(deserializer)?;
        Self::try_from(&value).map_err(serde::de::Error::custom)
    }
}

fn object(mut members: Vec<(&str, Value)>) -> Value {
    members.sort_by_key(|(name, _)| *name);
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn one_or_many(list: &[String]) -> Value {
    match list {
        [only] => Value::from(only.as_str()),
        many => Value::from(many),
    }
}

fn principals_value(set: &PrincipalSet) -> Value {
    match set {
        PrincipalSet::Everyone => Value::from("*"),
        PrincipalSet::Named(lists) => object(
            lists
                .iter()
                .map(|(kind, ids)| (kind.as_str(), one_or_many(ids)))
                .collect(),
        ),
    }
}

fn conditions_value(conditions: &Conditions) -> Value {
    // By the written name, which orders differently from the operators.
    let by_name: BTreeMap<String, Value> = conditions
        .iter()
        .map(|(operator, keys)| {
            let keys: Map<String, Value> = keys
                .iter()
                .map(|(key, values)| (key.clone(), one_or_many(values)))
                .collect();
            (operator.to_string(), Value::Object(keys))
        })
        .collect();
    Value::Object(by_name.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::operator::Comparison, *};

    fn read_bucket() -> Statement {
        Statement::allow(["s3:GetObject"])
            .sid("Read")
            .everyone()
            .on(["arn:aws:s3:::fraud-data/*"])
            .when(Comparison::StringEquals, "aws:SourceVpce", ["vpce-1"])
    }

    #[test]
    fn a_built_statement_is_written_as_aws_takes_it() {
        let document = PolicyDocument::new([read_bucket()]);
        assert_eq!(
            document.to_value(),
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "Read",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::fraud-data/*",
                    "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
                }],
            })
        );
    }

    #[test]
    fn keys_are_written_in_alphabetical_order() {
        let text = PolicyDocument::new([read_bucket()]).to_string();
        let places: Vec<_> = [
            "\"Statement\"",
            "\"Action\"",
            "\"Condition\"",
            "\"Effect\"",
            "\"Principal\"",
            "\"Resource\"",
            "\"Sid\"",
            "\"Version\"",
        ]
        .iter()
        .map(|key| text.find(key))
        .collect();
        assert!(places.iter().all(Option::is_some), "{text}");
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn an_endpoint_policy_needs_principal_resource_and_a_bounded_length() {
        let ready = read_bucket();
        assert_eq!(PolicyDocument::new([ready.clone()]).check_endpoint_policy(), Ok(()));

        let nobody = Statement {
            principal: None,
            ..ready.clone()
        };
        let message = PolicyDocument::new([ready.clone(), nobody])
            .check_endpoint_policy()
            .map_err(|error| error.to_string());
        assert!(
            message.as_ref().is_err_and(
                |text| text.starts_with("statement 2 (Sid \"Read\"): ") && text.contains("`Principal` is missing")
            ),
            "{message:?}"
        );

        let nothing = Statement {
            resource: None,
            ..ready.clone()
        };
        assert!(PolicyDocument::new([nothing]).check_endpoint_policy().is_err());

        let bare = PolicyDocument::new([ready.clone().on([""])]).to_string();
        let fitting = "x".repeat(ENDPOINT_POLICY_MAX_CHARS - bare.len());
        let at_limit = PolicyDocument::new([ready.clone().on([fitting.clone()])]);
        assert_eq!(at_limit.check_endpoint_policy(), Ok(()));
        let over = PolicyDocument::new([ready.on([fitting + "x"])]);
        assert_eq!(
            over.check_endpoint_policy(),
            Err(PolicyError::TooLong {
                length: ENDPOINT_POLICY_MAX_CHARS + 1,
                limit: ENDPOINT_POLICY_MAX_CHARS
            })
        );
    }
}
