//! Classes of actions and resources that statements treat alike, and the rows
//! that they are classes for.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountPrincipal, ContextValue, Effect, PolicyDocument, Principal, ResourceClause, Statement, Template, Version,
};
use crate::{document::ActionClause, pattern::Pattern};

/// A statement, or the part of one that speaks of one resource with variables.
pub(super) struct Row {
    /// 0 or 1: whose it is.
    pub document: usize,
    pub version: Version,
    pub statement: Statement,
    pub resources: Resources,
}

impl Row {
    pub fn effect(&self) -> Effect {
        self.statement.effect
    }
}

/// The resources of a row.
pub(super) enum Resources {
    Any,
    Listed(Vec<Pattern>),
    /// None of those, nor any of the texts with variables.
    NotListed(Vec<Pattern>, BTreeSet<String>),
    /// One text with variables.
    Variable(String),
}

/// The rows of two documents.
pub(super) fn rows(a: &PolicyDocument, b: &PolicyDocument) -> Vec<Row> {
    let mut rows = Vec::new();
    for (place, document) in [a, b].into_iter().enumerate() {
        for statement in &document.statements {
            let parts = match &statement.resource {
                None => vec![Resources::Any],
                Some(ResourceClause::Resource(list)) => {
                    let (variables, plain) = sorted(list, document.version);
                    let variables = variables.into_iter().map(Resources::Variable);
                    variables.chain([Resources::Listed(plain)]).collect()
                }
                Some(ResourceClause::NotResource(list)) => {
                    let (variables, plain) = sorted(list, document.version);
                    vec![Resources::NotListed(plain, variables)]
                }
            };
            rows.extend(parts.into_iter().map(|resources| Row {
                document: place,
                version: document.version,
                statement: statement.clone(),
                resources,
            }));
        }
    }
    rows
}

/// Texts with variables, and patterns.
fn sorted(list: &[String], version: Version) -> (BTreeSet<String>, Vec<Pattern>) {
    let mut variables = BTreeSet::new();
    let mut plain = Vec::new();
    for text in list {
        let template = Template::with_wildcards(text, version);
        match template.pattern() {
            Some(pattern) => plain.push(pattern),
            None => {
                variables.insert(template.canonical());
            }
        }
    }
    (variables, plain)
}

/// A set of rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rows(Vec<u64>);

impl Rows {
    pub fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub fn all(count: usize) -> Self {
        Self::of(count, |_| true)
    }

    pub fn of(count: usize, holds: impl Fn(usize) -> bool) -> Self {
        let mut rows = Self::none(count);
        for row in (0..count).filter(|row| holds(*row)) {
            rows.0[row / 64] |= 1 << (row % 64);
        }
        rows
    }

    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate();
        words.flat_map(|(place, word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| place * 64 + bit)
        })
    }
}

/// A part of a request.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Action(String),
    Resource(String),
    Asker(Principal, AccountPrincipal),
    Key(String, ContextValue),
}

/// What all rows treat alike.
#[derive(Debug)]
pub(super) struct Class {
    /// The rows that apply to it.
    pub rows: Rows,
    /// One of it; `None` where it is not known whether there is one.
    pub shown: Option<Part>,
}

/// All classes of one part of requests. Each tells other rows apart.
#[derive(Debug)]
pub(super) struct Dimension(pub Vec<Class>);

impl Dimension {
    /// Classes that the same rows apply to are one, shown where one of them is.
    pub fn of(classes: impl IntoIterator<Item = Class>) -> Self {
        let mut by_rows: BTreeMap<Rows, Option<Part>> = BTreeMap::new();
        for class in classes {
            let shown = by_rows.entry(class.rows).or_default();
            if shown.is_none() {
                *shown = class.shown;
            }
        }
        Self(by_rows.into_iter().map(|(rows, shown)| Class { rows, shown }).collect())
    }
}

/// Numbers patterns, each once.
#[derive(Default)]
pub(super) struct Numbered(Vec<Pattern>);

impl Numbered {
    pub fn number(&mut self, pattern: Pattern) -> usize {
        let place = self.0.iter().position(|known| *known == pattern);
        place.unwrap_or_else(|| {
            self.0.push(pattern);
            self.0.len() - 1
        })
    }

    /// The classes of texts that the patterns tell apart.
    pub fn told_apart(&self) -> Option<Vec<(BTreeSet<usize>, String)>> {
        Pattern::told_apart(&self.0)
    }
}

/// What an action is like: those without a colon do not exist.
const ACTION: &str = "?*:?*";

pub(super) fn actions(rows: &[Row]) -> Option<Dimension> {
    let mut numbered = Numbered::default();
    let action = numbered.number(Pattern::parse(ACTION));
    let mut numbers = |list: &[String]| -> BTreeSet<usize> {
        let patterns = list.iter().map(|text| Pattern::parse(&text.to_ascii_lowercase()));
        patterns.map(|pattern| numbered.number(pattern)).collect()
    };
    let of_rows: Vec<(BTreeSet<usize>, bool)> = rows
        .iter()
        .map(|row| match &row.statement.action {
            ActionClause::Action(list) => (numbers(list), true),
            ActionClause::NotAction(list) => (numbers(list), false),
        })
        .collect();
    let classes = numbered
        .told_apart()?
        .into_iter()
        .filter(|(taking, _)| taking.contains(&action));
    Some(Dimension::of(classes.map(|(taking, text)| Class {
        rows: Rows::of(rows.len(), |row| {
            let (listed, wanted) = &of_rows[row];
            listed.is_disjoint(&taking) != *wanted
        }),
        shown: Some(Part::Action(text)),
    })))
}

pub(super) fn resources(rows: &[Row]) -> Option<Dimension> {
    let mut numbered = Numbered::default();
    let mut numbers =
        |list: &[Pattern]| -> BTreeSet<usize> { list.iter().map(|pattern| numbered.number(pattern.clone())).collect() };
    let of_rows: Vec<Option<(BTreeSet<usize>, bool)>> = rows
        .iter()
        .map(|row| match &row.resources {
            Resources::Any | Resources::Variable(_) => None,
            Resources::Listed(list) => Some((numbers(list), true)),
            Resources::NotListed(list, _) => Some((numbers(list), false)),
        })
        .collect();
    Some(Dimension::of(numbered.told_apart()?.into_iter().map(
        |(taking, text)| Class {
            rows: Rows::of(rows.len(), |row| {
                let of_row = of_rows[row].as_ref();
                of_row.is_none_or(|(listed, wanted)| listed.is_disjoint(&taking) != *wanted)
            }),
            shown: Some(Part::Resource(text)),
        },
    )))
}

/// A dimension for each resource with variables: it is that of the request, or not.
pub(super) fn variable_resources(rows: &[Row], open: &mut BTreeSet<String>) -> Vec<Dimension> {
    let mut texts: BTreeSet<&String> = BTreeSet::new();
    for row in rows {
        match &row.resources {
            Resources::Any | Resources::Listed(_) => {}
            Resources::NotListed(_, variables) => texts.extend(variables),
            Resources::Variable(text) => {
                texts.insert(text);
            }
        }
    }
    open.extend(texts.iter().map(|text| (*text).clone()));
    let class = |text: &String, is_meant: bool| Class {
        rows: Rows::of(rows.len(), |row| match &rows[row].resources {
            Resources::Any | Resources::Listed(_) => true,
            Resources::NotListed(_, variables) => !(is_meant && variables.contains(text)),
            Resources::Variable(own) => own != text || is_meant,
        }),
        shown: None,
    };
    texts
        .into_iter()
        .map(|text| Dimension::of([class(text, false), class(text, true)]))
        .collect()
}
