//! What is wrong with a policy, in words for whoever wrote it.

use std::fmt;

use thiserror::Error;

use super::document::StatementRef;

/// Where in a document something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    statement: Option<StatementRef>,
    element: Option<String>,
}

impl Place {
    /// The document as a whole.
    pub(super) const fn document() -> Self {
        Self {
            statement: None,
            element: None,
        }
    }

    /// One statement.
    pub(super) const fn statement(statement: StatementRef) -> Self {
        Self {
            statement: Some(statement),
            element: None,
        }
    }

    /// An element of this place, such as `Condition.StringEquals`.
    pub(super) fn element(&self, name: &str) -> Self {
        let element = match &self.element {
            Some(outer) => format!("{outer}.{}", short(name)),
            None => short(name),
        };
        Self {
            statement: self.statement.clone(),
            element: Some(element),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.statement, &self.element) {
            (None, None) => f.write_str("the policy"),
            (None, Some(element)) => write!(f, "`{element}`"),
            (Some(statement), None) => write!(f, "{statement}"),
            (Some(statement), Some(element)) => write!(f, "{statement}, `{element}`"),
        }
    }
}

/// Why a text or a value is no policy document, or not one that AWS takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The text is not JSON.
    #[error("the policy is not valid JSON: {0}")]
    NotJson(String),
    /// JSON takes the last of repeated keys in silence, and a condition would
    /// be lost. AWS refuses them too.
    #[error("the policy says one thing twice: {0}; write both into one")]
    Repeated(String),
    /// An element holds something else than it should.
    #[error("{place}: expected {expected}, found {found}")]
    Unexpected {
        /// Where.
        place: Place,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// An element that must be there is not.
    #[error("{place}: `{element}` is missing; {fix}")]
    Missing {
        /// Where.
        place: Place,
        /// What is missing.
        element: &'static str,
        /// What to write.
        fix: &'static str,
    },
    /// Two elements that exclude each other are both there.
    #[error("{place}: has both `{first}` and `{second}`; keep one of them")]
    Both {
        /// Where.
        place: Place,
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// An element that the language does not have.
    #[error("{place}: `{name}` is not an element of a policy{hint}")]
    UnknownElement {
        /// Where.
        place: Place,
        /// The name found.
        name: String,
        /// The likely intention, ready to follow the message.
        hint: String,
    },
    /// A list without elements.
    #[error("{place}: the list is empty; name at least one, or remove the statement")]
    Empty {
        /// Where.
        place: Place,
    },
    /// Longer than the service takes.
    #[error(
        "the policy is {length} characters long and AWS takes {limit} here; \
         use wildcards or fewer names"
    )]
    TooLong {
        /// Characters in the document.
        length: usize,
        /// Characters that AWS takes.
        limit: usize,
    },
}

/// Quotes at most 60 characters of a text that came from outside, so that a
/// message stays a message.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        start + "…"
    } else {
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_from_the_outside_in() {
        let second = Place::statement(StatementRef { number: 2, sid: None });
        assert_eq!(
            second.element("Condition").element("Bool").to_string(),
            "statement 2, `Condition.Bool`"
        );
        assert_eq!(Place::document().element("Version").to_string(), "`Version`");
    }

    #[test]
    fn what_is_quoted_stays_short_and_whole() {
        assert_eq!(short("Resource"), "Resource");
        assert_eq!(short(&"é".repeat(100)).chars().count(), 61);
    }
}
