//! The longest text that a regular expression matches.

use regex_syntax::{
    Parser,
    hir::{Class, Hir, HirKind},
};

/// The longest text of at most `most` characters that `pattern` matches in
/// whole, another for each `number`. Such patterns as ours are: repetitions
/// that need no looking ahead.
///
/// # Panics
///
/// When the pattern is none, or cannot be matched by so short a text.
pub fn longest(pattern: &str, most: usize, number: usize) -> String {
    let hir = Parser::new()
        .parse(pattern)
        .expect("the pattern is a regular expression");
    let mut choice = Choice { bits: number };
    choice
        .fill(&hir, most)
        .unwrap_or_else(|| panic!("{pattern} matches nothing of {most} characters"))
}

/// Counts in the letters that could as well be others.
struct Choice {
    bits: usize,
}

impl Choice {
    fn fill(&mut self, hir: &Hir, most: usize) -> Option<String> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(String::new()),
            HirKind::Literal(literal) => {
                let text = String::from_utf8(literal.0.to_vec()).ok()?;
                (text.chars().count() <= most).then_some(text)
            }
            HirKind::Class(class) => (most > 0).then(|| self.letter(class).to_string()),
            HirKind::Capture(group) => self.fill(&group.sub, most),
            HirKind::Alternation(branches) => {
                let best = branches.iter().max_by_key(|branch| {
                    let mut trial = Choice { bits: self.bits };
                    trial.fill(branch, most).map(|text| text.chars().count())
                })?;
                self.fill(best, most)
            }
            HirKind::Concat(parts) => {
                let mut text = String::new();
                for (place, part) in parts.iter().enumerate() {
                    let later: usize = parts[place + 1..].iter().map(least).sum();
                    let room = most.checked_sub(text.chars().count() + later)?;
                    text.push_str(&self.fill(part, room)?);
                }
                Some(text)
            }
            HirKind::Repetition(repetition) => {
                let mut text = String::new();
                let times = repetition.max.map_or(most, |max| max as usize);
                for time in 0..times {
                    let later = (repetition.min as usize).saturating_sub(time + 1) * least(&repetition.sub);
                    let room = most.saturating_sub(text.chars().count() + later);
                    match self.fill(&repetition.sub, room) {
                        Some(more) if !more.is_empty() => text.push_str(&more),
                        Some(_) | None if time < repetition.min as usize => return None,
                        Some(_) | None => break,
                    }
                }
                Some(text)
            }
        }
    }

    fn letter(&mut self, class: &Class) -> char {
        let has = |letter: char| match class {
            Class::Unicode(class) => class
                .ranges()
                .iter()
                .any(|range| range.start() <= letter && letter <= range.end()),
            Class::Bytes(class) => {
                let fits = |byte: u8| {
                    class
                        .ranges()
                        .iter()
                        .any(|range| range.start() <= byte && byte <= range.end())
                };
                u8::try_from(letter).is_ok_and(fits)
            }
        };
        let pair = [['a', 'b'], ['0', '1']]
            .into_iter()
            .find(|pair| pair.iter().all(|letter| has(*letter)));
        match pair {
            Some(pair) => {
                let bit = self.bits & 1;
                self.bits >>= 1;
                pair[bit]
            }
            None => ('!'..='~')
                .find(|letter| has(*letter))
                .expect("the class has a letter of the ASCII alphabet"),
        }
    }
}

/// The fewest characters that match; these patterns are of ASCII characters.
fn least(hir: &Hir) -> usize {
    hir.properties().minimum_len().unwrap_or(0)
}
