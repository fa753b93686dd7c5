//! Classes of the values of context keys.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    Context, ContextValue, Template, Version,
    classes::{Class, Dimension, Numbered, Part, Row, Rows},
};
use crate::{
    condition,
    document::Conditions,
    judgement::Judgement,
    operator::{Operator, SetQualifier, Test},
    pattern::Pattern,
    value::{Decimal, parse_bool, parse_instant, parse_network},
};

/// The most values that a set of values is made from.
const MOST_ELEMENTS: usize = 7;

/// The most conditions on one key that are taken to hold or not.
const MOST_ATOMS: usize = 11;

/// A condition of a row on one key.
struct Condition<'r> {
    row: usize,
    version: Version,
    operator: &'r Operator,
    values: &'r [String],
}

/// A dimension for each context key; `None` where one tells too much apart.
pub(super) fn keys(rows: &[Row], open: &mut BTreeSet<String>) -> Option<Vec<Dimension>> {
    let mut by_key: BTreeMap<String, Vec<Condition<'_>>> = BTreeMap::new();
    for (row, of_row) in rows.iter().enumerate() {
        for (operator, named) in &of_row.statement.condition {
            for (key, values) in named {
                by_key.entry(key.to_ascii_lowercase()).or_default().push(Condition {
                    row,
                    version: of_row.version,
                    operator,
                    values,
                });
            }
        }
    }
    let dimension = |(key, conditions): (&String, &Vec<Condition<'_>>)| {
        let known = exhaustive(conditions).and_then(|values| shown(rows.len(), key, conditions, values));
        match known {
            Some(classes) => Some(Dimension::of(classes)),
            None => {
                open.insert(key.clone());
                let examples = shown_of(rows.len(), key, conditions, examples(conditions))
                    .into_iter()
                    .flatten();
                let atoms = taken_to_hold(rows.len(), conditions)?;
                Some(Dimension::of(examples.chain(atoms)))
            }
        }
    };
    by_key.iter().map(dimension).collect()
}

/// The classes of these values; `None` where a condition cannot judge one.
fn shown(rows: usize, key: &str, conditions: &[Condition<'_>], values: Vec<ContextValue>) -> Option<Vec<Class>> {
    shown_of(rows, key, conditions, values).into_iter().collect()
}

fn shown_of(rows: usize, key: &str, conditions: &[Condition<'_>], values: Vec<ContextValue>) -> Vec<Option<Class>> {
    let class = |value: ContextValue| {
        let context = Context::complete().with(key, value.clone());
        let mut failing = BTreeSet::new();
        for one in conditions {
            let alone = Conditions::from([(
                one.operator.clone(),
                BTreeMap::from([(key.to_owned(), one.values.to_vec())]),
            )]);
            match condition::judge(&alone, &context, one.version) {
                Judgement::True => {}
                Judgement::False => {
                    failing.insert(one.row);
                }
                Judgement::Unknown(_) => return None,
            }
        }
        Some(Class {
            rows: Rows::of(rows, |row| !failing.contains(&row)),
            shown: Some(Part::Key(key.to_owned(), value)),
        })
    };
    values.into_iter().map(class).collect()
}

/// Values of which one is of each class, where that can be told.
fn exhaustive(conditions: &[Condition<'_>]) -> Option<Vec<ContextValue>> {
    let mut of_sets = BTreeSet::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for one in conditions {
        let has_variables = |text: &String| Template::plain(text, one.version).has_variables();
        if one.values.iter().any(has_variables) {
            return None;
        }
        let kind = Kind::of(one.operator.comparison.test())?;
        if kind == Kind::Presence {
            continue;
        }
        of_sets.insert(one.operator.set.is_some());
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let is_of_sets = of_sets.contains(&true);
    if kinds.len() > 1 || of_sets.len() > 1 || (is_of_sets && !matches!(kinds.as_slice(), [Kind::Text { .. }])) {
        return None;
    }
    let values = || {
        conditions
            .iter()
            .filter(|one| Kind::of(one.operator.comparison.test()) != Some(Kind::Presence))
    };
    let texts: Vec<String> = match kinds.first() {
        None => vec!["some-value".to_owned()],
        Some(Kind::Presence) => Vec::new(),
        Some(Kind::Text { ignore_case }) => {
            let mut numbered = Numbered::default();
            if is_of_sets {
                // A set of empty texts counts as none, whatever matches them.
                numbered.number(Pattern::parse("?*"));
            }
            for one in values() {
                for text in one.values {
                    numbered.number(pattern_of(one, text, *ignore_case)?);
                }
            }
            numbered.told_apart()?.into_iter().map(|(_, text)| text).collect()
        }
        Some(Kind::Bool) => vec!["true".to_owned(), "false".to_owned()],
        Some(Kind::Number) => ordered(values().flat_map(|one| one.values), Decimal::parse, beside_number)?,
        Some(Kind::Date) => ordered(values().flat_map(|one| one.values), parse_instant, beside_instant)?,
        Some(Kind::Ip) => addresses(values().flat_map(|one| one.values))?,
    };
    let absent = [ContextValue::Absent];
    if !is_of_sets {
        let each = texts.into_iter().map(|text| ContextValue::Values(vec![text]));
        return Some(absent.into_iter().chain(each).collect());
    }
    if texts.len() > MOST_ELEMENTS {
        return None;
    }
    let sets = (1..1_usize << texts.len()).map(|set| {
        let members = texts.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1);
        ContextValue::Values(members.map(|(_, text)| text.clone()).collect())
    });
    Some(absent.into_iter().chain(sets).collect())
}

/// What conditions on a key compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text { ignore_case: bool },
    Number,
    Date,
    Bool,
    Ip,
    Presence,
}

impl Kind {
    const fn of(test: Test) -> Option<Self> {
        match test {
            Test::Text { ignore_case, .. } => Some(Self::Text { ignore_case }),
            Test::Number(_) => Some(Self::Number),
            Test::Date(_) => Some(Self::Date),
            Test::Bool => Some(Self::Bool),
            Test::Ip => Some(Self::Ip),
            Test::Null => Some(Self::Presence),
            Test::Binary | Test::Arn | Test::Unknown => None,
        }
    }
}

fn pattern_of(one: &Condition<'_>, text: &str, ignore_case: bool) -> Option<Pattern> {
    let template = match one.operator.comparison.test() {
        Test::Text { wildcards: true, .. } => Template::with_wildcards(text, one.version),
        Test::Text { wildcards: false, .. }
        | Test::Number(_)
        | Test::Date(_)
        | Test::Bool
        | Test::Binary
        | Test::Ip
        | Test::Arn
        | Test::Null
        | Test::Unknown => Template::plain(text, one.version),
    };
    if ignore_case { template.fold_case() } else { template }.pattern()
}

/// Each value, and one between each two and beyond them.
fn ordered<'v, T: Ord>(
    values: impl Iterator<Item = &'v String>,
    read: impl Fn(&str) -> Option<T>,
    beside: impl Fn(&str) -> Vec<String>,
) -> Option<Vec<String>> {
    let mut sorted: BTreeMap<T, String> = BTreeMap::new();
    for text in values {
        sorted.insert(read(text)?, text.clone());
    }
    let mut texts: Vec<String> = Vec::new();
    for text in sorted.values() {
        let near = beside(text);
        if near.iter().any(|text| read(text).is_none()) {
            return None;
        }
        texts.extend(near);
        texts.push(text.clone());
    }
    Some(texts)
}

/// Numbers just below and above another: closer than any that people write.
fn beside_number(text: &str) -> Vec<String> {
    const LITTLE: &str = "000000000000000001";
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.trim_start_matches(['+', '-']).chars().all(|digit| digit == '0');
    if digits(whole) && digits(fraction) {
        return vec![format!("-0.{fraction}{LITTLE}"), format!("0.{fraction}{LITTLE}")];
    }
    let further = format!("{whole}.{fraction}{LITTLE}");
    // The last digit that is not zero is lowered, and nines follow.
    let all: Vec<char> = format!("{whole}.{fraction}").chars().collect();
    let Some(last) = all.iter().rposition(|digit| ('1'..='9').contains(digit)) else {
        return vec![further];
    };
    let nearer = all.iter().enumerate().map(|(place, digit)| match place.cmp(&last) {
        std::cmp::Ordering::Less => *digit,
        std::cmp::Ordering::Equal => char::from_digit(digit.to_digit(10).unwrap_or(1) - 1, 10).unwrap_or('0'),
        std::cmp::Ordering::Greater if *digit == '.' => '.',
        std::cmp::Ordering::Greater => '9',
    });
    let nearer: String = nearer.chain("999999999999999999".chars()).collect();
    vec![nearer, further]
}

/// The seconds before and after an instant.
fn beside_instant(text: &str) -> Vec<String> {
    let seconds = parse_instant(text).map(|instant| instant.as_secs());
    seconds
        .into_iter()
        .flat_map(|at| [at - 1, at + 1])
        .map(|at| {
            if (1000..10_000).contains(&at) {
                format!("0{at}")
            } else {
                at.to_string()
            }
        })
        .collect()
}

/// Addresses at the bounds of networks, in them and beside them.
fn addresses<'v>(values: impl Iterator<Item = &'v String>) -> Option<Vec<String>> {
    let mut texts = BTreeSet::from(["0.0.0.0".to_owned(), "255.255.255.255".to_owned(), "::".to_owned()]);
    texts.insert("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".to_owned());
    for text in values {
        let network: IpNet = parse_network(text)?;
        match network {
            IpNet::V4(net) => {
                let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
                let near = [Some(first), Some(last), first.checked_sub(1), last.checked_add(1)];
                texts.extend(
                    near.into_iter()
                        .flatten()
                        .map(|at| std::net::Ipv4Addr::from(at).to_string()),
                );
            }
            IpNet::V6(net) => {
                let (first, last) = (u128::from(net.network()), u128::from(net.broadcast()));
                let near = [Some(first), Some(last), first.checked_sub(1), last.checked_add(1)];
                texts.extend(
                    near.into_iter()
                        .flatten()
                        .map(|at| std::net::Ipv6Addr::from(at).to_string()),
                );
            }
        }
    }
    Some(texts.into_iter().collect())
}

/// Values that are likely to show a difference where not all can be told.
fn examples(conditions: &[Condition<'_>]) -> Vec<ContextValue> {
    let filled = |text: &String| text.replace(['*', '?'], "x");
    let values: BTreeSet<String> = conditions
        .iter()
        .flat_map(|one| one.values.iter().map(filled))
        .collect();
    let texts = values
        .into_iter()
        .chain(["arn:aws:iam::000000000000:role/somebody-else".to_owned()]);
    let each = texts.map(|text| ContextValue::Values(vec![text]));
    std::iter::once(ContextValue::Absent).chain(each).collect()
}

/// Something that holds for a request or not.
type Atom = (String, String);

/// Classes where each condition holds or does not, as may be; `None` where they
/// are too many.
fn taken_to_hold(rows: usize, conditions: &[Condition<'_>]) -> Option<Vec<Class>> {
    let mut atoms: BTreeMap<Atom, usize> = BTreeMap::new();
    for atom in conditions.iter().flat_map(|one| one.atoms()) {
        let next = atoms.len();
        atoms.entry(atom).or_insert(next);
    }
    if atoms.len() > MOST_ATOMS {
        return None;
    }
    let all = (0..1_usize << atoms.len()).flat_map(|holding| [(holding, false), (holding, true)]);
    let classes = all.map(|(holding, is_absent)| {
        let holds = |atom: &Atom| atoms.get(atom).is_some_and(|place| holding >> place & 1 == 1);
        let failing: BTreeSet<usize> = conditions
            .iter()
            .filter(|one| !one.is_met(is_absent, &holds))
            .map(|one| one.row)
            .collect();
        Class {
            rows: Rows::of(rows, |row| !failing.contains(&row)),
            shown: None,
        }
    });
    Some(classes.collect())
}

impl Condition<'_> {
    /// Whether it says of each value whether it matches, and is made of that.
    fn is_of_single_values(&self) -> bool {
        let negated = self.operator.comparison.negated();
        match self.operator.comparison.test() {
            Test::Null | Test::Unknown => false,
            Test::Text { .. } | Test::Number(_) | Test::Date(_) | Test::Bool | Test::Binary | Test::Ip | Test::Arn => {
                match self.operator.set {
                    None => true,
                    Some(SetQualifier::ForAnyValue) => !negated,
                    Some(SetQualifier::ForAllValues) => negated,
                }
            }
        }
    }

    fn atoms(&self) -> Vec<Atom> {
        if self.operator.comparison.test() == Test::Null && self.is_plain() {
            return Vec::new();
        }
        if !self.is_of_single_values() {
            let values: BTreeSet<String> = self.values.iter().map(|value| self.canonical(value)).collect();
            return vec![(self.operator.to_string(), format!("{values:?}"))];
        }
        let test = format!("{:?} {}", self.operator.comparison.test(), self.operator.set.is_some());
        self.values
            .iter()
            .map(|value| (test.clone(), self.canonical(value)))
            .collect()
    }

    fn is_plain(&self) -> bool {
        self.operator.set.is_none() && !self.operator.if_exists
    }

    fn canonical(&self, value: &str) -> String {
        let template = match self.operator.comparison.test() {
            Test::Text { ignore_case, wildcards } => {
                let template = if wildcards {
                    Template::with_wildcards(value, self.version)
                } else {
                    Template::plain(value, self.version)
                };
                if ignore_case { template.fold_case() } else { template }
            }
            Test::Arn => Template::with_wildcards(value, self.version),
            Test::Bool | Test::Null => return self.read(value, parse_bool),
            Test::Number(_) => return self.read(value, Decimal::parse),
            Test::Ip => return self.read(value, parse_network),
            Test::Date(_) => return self.read(value, |text| parse_instant(text).map(|instant| instant.as_nanos())),
            Test::Binary | Test::Unknown => return self.read(value, |_| None::<bool>),
        };
        template.canonical()
    }

    /// What a value is read as; the text where it cannot be, which may hold a
    /// variable.
    fn read<T: std::fmt::Display>(&self, value: &str, read: impl Fn(&str) -> Option<T>) -> String {
        match read(value) {
            Some(read) => read.to_string(),
            None if value.contains("${") => format!("{value} of {}", self.version),
            None => value.to_owned(),
        }
    }

    fn is_met(&self, is_absent: bool, holds: &impl Fn(&Atom) -> bool) -> bool {
        let negated = self.operator.comparison.negated();
        let atoms = self.atoms();
        match self.operator.comparison.test() {
            Test::Null if self.is_plain() => {
                return self.values.iter().any(|value| parse_bool(value) == Some(is_absent));
            }
            // Nobody knows what IAM makes of those.
            Test::Null | Test::Unknown => return atoms.iter().any(holds),
            Test::Text { .. } | Test::Number(_) | Test::Date(_) | Test::Bool | Test::Binary | Test::Ip | Test::Arn => {}
        }
        match (is_absent, self.operator.set) {
            (true, None) => self.operator.if_exists || negated,
            (true, Some(SetQualifier::ForAllValues)) => true,
            (true, Some(SetQualifier::ForAnyValue)) => false,
            (false, _) if self.is_of_single_values() => atoms.iter().any(holds) != negated,
            (false, _) => atoms.iter().any(holds),
        }
    }
}
