//! Whether two documents allow and deny the same, however they are written.
//!
//! Everything that statements tell apart is divided into classes that all of
//! them treat alike: of actions, of resources, of those who ask, and of values
//! of each context key. One of each class makes a request that stands for all
//! that are made of the same classes. If both documents decide each of them
//! alike, they mean the same; if one is decided differently, and
//! [`evaluate`] says so too, they differ, and that request shows it.
//!
//! What cannot be divided so (variables, operators on ARNs, unique ids) is taken
//! to hold or not, as may be. Documents that are alike in all these cases mean
//! the same; otherwise a request is looked for that shows the difference, and if
//! none is found, it is left open.

mod askers;
mod classes;
mod keys;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    canonical::canonical,
    document::{Conditions, Effect, PolicyDocument, ResourceClause, Statement, Version},
    evaluate::{AccountPrincipal, Context, ContextValue, Decision, Request, evaluate},
    principal::Principal,
    template::Template,
};
use classes::{Class, Dimension, Part, Row, Rows};

/// How two documents compare by what they allow and deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Equivalence {
    /// They decide every request alike.
    Same,
    /// They decide this request differently.
    Differs(Box<Request>),
    /// It could not be decided.
    Undecided {
        /// What it hangs on: context keys, variables, principals.
        on: BTreeSet<String>,
    },
}

/// The most combinations of classes that are gone through.
const MOST_COMBINATIONS: usize = 400_000;

/// The most requests that are tried to show a difference.
const MOST_TRIALS: usize = 2_000;

/// Compares two documents by what they allow, and by what they deny whatever else
/// allows it.
///
/// Whom an account in a policy stands for is looked at both ways, so that to name
/// a role is not the same as to name its account.
///
/// ```
/// use iam_policy::{Equivalence, PolicyDocument, equivalence};
///
/// let one: PolicyDocument = r#"{ "Statement": { "Effect": "Allow", "Principal": "*",
///     "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*" } }"#.parse()?;
/// let two: PolicyDocument = r#"{ "Statement": [
///     { "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*" },
///     { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*" } ] }"#.parse()?;
/// assert_eq!(equivalence(&one, &two), Equivalence::Same);
/// # Ok::<(), iam_policy::PolicyError>(())
/// ```
pub fn equivalence(a: &PolicyDocument, b: &PolicyDocument) -> Equivalence {
    if a == b || canonical(a) == canonical(b) {
        return Equivalence::Same;
    }
    let variables: BTreeSet<String> = [a, b].into_iter().flat_map(variables_of).collect();
    let found = Search::new(a, b, &BTreeMap::new()).run();
    if !matches!(found, Equivalence::Undecided { .. }) || variables.is_empty() {
        return found;
    }
    // Values that nothing else in the documents has show what variables make of them.
    let values: BTreeMap<String, String> = variables
        .into_iter()
        .map(|key| {
            let value = format!("value-of-{}", key.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
            (key, value)
        })
        .collect();
    match Search::new(&with_values(a, &values), &with_values(b, &values), &values)
        .showing(a, b)
        .run()
    {
        differs @ Equivalence::Differs(_) => differs,
        Equivalence::Same | Equivalence::Undecided { .. } => found,
    }
}

/// Looks for a request that two documents decide differently.
struct Search<'a> {
    rows: Vec<Row>,
    dimensions: Option<Vec<Dimension>>,
    /// What it is left open by.
    open: BTreeSet<String>,
    /// Values of variables, for requests.
    values: &'a BTreeMap<String, String>,
    /// The documents that a request must be decided differently by.
    shown_by: (PolicyDocument, PolicyDocument),
}

impl<'a> Search<'a> {
    fn new(a: &PolicyDocument, b: &PolicyDocument, values: &'a BTreeMap<String, String>) -> Self {
        let rows: Vec<Row> = classes::rows(a, b);
        let mut open = BTreeSet::new();
        let dimensions = dimensions(&rows, &mut open);
        Self {
            rows,
            dimensions,
            open,
            values,
            shown_by: (a.clone(), b.clone()),
        }
    }

    fn showing(mut self, a: &PolicyDocument, b: &PolicyDocument) -> Self {
        self.shown_by = (a.clone(), b.clone());
        self
    }

    fn run(mut self) -> Equivalence {
        let Some(dimensions) = self.dimensions.take() else {
            return self.undecided("its size");
        };
        let mut walk = Walk {
            search: &self,
            dimensions: &dimensions,
            combinations: 0,
            trials: 0,
            differs: false,
        };
        let mut chosen = Vec::with_capacity(dimensions.len());
        let shown = walk.on(&Rows::all(self.rows.len()), &mut chosen);
        let (differs, exhausted) = (walk.differs, walk.combinations <= MOST_COMBINATIONS);
        match shown {
            Some(request) => Equivalence::Differs(Box::new(request)),
            None if !exhausted => self.undecided("its size"),
            None if differs => Equivalence::Undecided { on: self.open },
            None => Equivalence::Same,
        }
    }

    fn undecided(mut self, on: &str) -> Equivalence {
        self.open.insert(on.to_owned());
        Equivalence::Undecided { on: self.open }
    }

    /// What each document decides where these rows apply: whether it denies, and
    /// whether it allows.
    fn is_decided_differently(&self, applying: &Rows) -> bool {
        let mut decided = [(false, false); 2];
        for row in applying.iter().map(|index| &self.rows[index]) {
            let of_document = &mut decided[row.document];
            match row.effect() {
                Effect::Deny => of_document.0 = true,
                Effect::Allow => of_document.1 = true,
            }
        }
        let of = |(denies, allows): (bool, bool)| (denies, allows && !denies);
        of(decided[0]) != of(decided[1])
    }

    /// The request that these classes stand for; `None` where one of them cannot be shown.
    fn request(&self, chosen: &[&Class]) -> Option<Request> {
        let mut context = Context::complete();
        for (key, value) in self.values {
            context = context.with_value(key, value);
        }
        let mut request = Request::new(Principal::Anonymous, "", "");
        for class in chosen {
            match class.shown.as_ref()? {
                Part::Action(action) => request.action.clone_from(action),
                Part::Resource(resource) => request.resource.clone_from(resource),
                Part::Asker(principal, accounts) => {
                    request.principal = principal.clone();
                    request.account_principal = *accounts;
                }
                Part::Key(key, value) => context = context.with(key, value.clone()),
            }
        }
        Some(request.in_context(context))
    }

    /// Whether the documents decide a request differently, and for certain.
    fn is_shown_by(&self, request: &Request) -> bool {
        let decided = |document| match evaluate(document, request) {
            Decision::Allowed { .. } => Some((false, true)),
            Decision::ImplicitlyDenied => Some((false, false)),
            Decision::ExplicitlyDenied { .. } => Some((true, false)),
            Decision::Unknown { .. } => None,
        };
        let (a, b) = (decided(&self.shown_by.0), decided(&self.shown_by.1));
        a.is_some() && b.is_some() && a != b
    }
}

/// Goes through the combinations of classes.
struct Walk<'s> {
    search: &'s Search<'s>,
    dimensions: &'s [Dimension],
    combinations: usize,
    trials: usize,
    /// Whether one was found that may be decided differently.
    differs: bool,
}

impl<'s> Walk<'s> {
    fn on(&mut self, applying: &Rows, chosen: &mut Vec<&'s Class>) -> Option<Request> {
        self.combinations += 1;
        if self.combinations > MOST_COMBINATIONS || self.trials > MOST_TRIALS {
            return None;
        }
        let Some(dimension) = self.dimensions.get(chosen.len()) else {
            if !self.search.is_decided_differently(applying) {
                return None;
            }
            self.differs = true;
            self.trials += 1;
            let request = self.search.request(chosen)?;
            return self.search.is_shown_by(&request).then_some(request);
        };
        let is_last = chosen.len() + 1 == self.dimensions.len();
        for class in &dimension.0 {
            let still = applying.and(&class.rows);
            if still.is_empty() || (is_last && !self.search.is_decided_differently(&still)) {
                continue;
            }
            chosen.push(class);
            let shown = self.on(&still, chosen);
            chosen.pop();
            if shown.is_some() {
                return shown;
            }
        }
        None
    }
}

/// Everything that the rows tell apart; `None` where that is too much.
fn dimensions(rows: &[Row], open: &mut BTreeSet<String>) -> Option<Vec<Dimension>> {
    let mut all = vec![classes::actions(rows)?, classes::resources(rows)?];
    all.extend(classes::variable_resources(rows, open));
    all.push(askers::askers(rows, open)?);
    all.extend(keys::keys(rows, open)?);
    // Those that tell little apart come last: combinations end early.
    all.sort_by_key(|dimension| std::cmp::Reverse(dimension.0.len()));
    Some(all)
}

/// The keys of the variables that a document uses.
fn variables_of(document: &PolicyDocument) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for text in document.statements.iter().flat_map(texts) {
        let template = Template::with_wildcards(text, document.version);
        keys.extend(template.variables().map(str::to_owned));
    }
    keys
}

fn texts(statement: &Statement) -> impl Iterator<Item = &String> {
    let resources = match &statement.resource {
        Some(ResourceClause::Resource(list) | ResourceClause::NotResource(list)) => list.as_slice(),
        None => &[],
    };
    let values = statement.condition.values().flat_map(BTreeMap::values).flatten();
    resources.iter().chain(values)
}

/// The document for requests with these values of variables.
fn with_values(document: &PolicyDocument, values: &BTreeMap<String, String>) -> PolicyDocument {
    let value = |key: &str| values.get(key).cloned().unwrap_or_default();
    let text = |text: &String| {
        let template = Template::with_wildcards(text, document.version);
        if template.has_variables() {
            template.with_values(value).canonical()
        } else {
            text.clone()
        }
    };
    let list = |list: &[String]| -> Vec<String> { list.iter().map(text).collect() };
    let statements = document.statements.iter().map(|statement| Statement {
        resource: statement.resource.as_ref().map(|resource| match resource {
            ResourceClause::Resource(texts) => ResourceClause::Resource(list(texts)),
            ResourceClause::NotResource(texts) => ResourceClause::NotResource(list(texts)),
        }),
        condition: with_values_in(&statement.condition, &list),
        ..statement.clone()
    });
    PolicyDocument {
        version: document.version,
        id: None,
        statements: statements.collect(),
    }
}

fn with_values_in(conditions: &Conditions, list: &impl Fn(&[String]) -> Vec<String>) -> Conditions {
    let keys = |keys: &BTreeMap<String, Vec<String>>| {
        let replaced = keys.iter().map(|(key, values)| (key.clone(), list(values)));
        replaced.collect()
    };
    conditions
        .iter()
        .map(|(operator, named)| (operator.clone(), keys(named)))
        .collect()
}

#[cfg(test)]
mod tests;
