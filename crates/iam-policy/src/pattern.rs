//! Wildcard patterns: `*` for any text, `?` for any one character.

use std::{collections::BTreeSet, fmt};

use super::containment;

/// One place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Symbol {
    /// This character.
    Literal(char),
    /// `?`
    One,
    /// `*`
    Many,
}

/// A wildcard pattern, in a form in which equal runs of wildcards are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Vec<Symbol>);

impl Pattern {
    /// Reads `*` and `?` as wildcards and everything else as itself.
    pub fn parse(text: &str) -> Self {
        text.chars()
            .map(|character| match character {
                '*' => Symbol::Many,
                '?' => Symbol::One,
                other => Symbol::Literal(other),
            })
            .collect()
    }

    /// Matches `text` only.
    pub fn literal(text: &str) -> Self {
        text.chars().map(Symbol::Literal).collect()
    }

    pub(super) fn symbols(&self) -> &[Symbol] {
        &self.0
    }

    /// Whether the pattern matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let pattern = &self.0;
        let (mut at, mut read) = (0, 0);
        // The last `*` passed, and up to where it has taken the text. Trying
        // only the last one is enough: what an earlier one could take more,
        // the last one can take too.
        let mut last_many: Option<(usize, usize)> = None;
        while read < text.len() {
            match pattern.get(at) {
                Some(Symbol::Many) => {
                    last_many = Some((at, read));
                    at += 1;
                    continue;
                }
                Some(Symbol::One) => {
                    (at, read) = (at + 1, read + 1);
                    continue;
                }
                Some(Symbol::Literal(character)) if *character == text[read] => {
                    (at, read) = (at + 1, read + 1);
                    continue;
                }
                Some(Symbol::Literal(_)) | None => {}
            }
            match last_many {
                Some((many, taken)) => {
                    last_many = Some((many, taken + 1));
                    (at, read) = (many + 1, taken + 1);
                }
                None => return false,
            }
        }
        pattern[at..].iter().all(|symbol| *symbol == Symbol::Many)
    }

    /// Whether some text matches both patterns.
    pub fn intersects(&self, other: &Self) -> bool {
        containment::intersects(&self.0, &other.0)
    }

    /// Whether every text that matches this pattern matches one of `broad`.
    ///
    /// `true` is certain. `false` is certain too, except for patterns with so
    /// many `?` beside `*` that deciding would take unreasonable time.
    pub fn is_covered_by<'a>(&self, broad: impl IntoIterator<Item = &'a Self>) -> bool {
        let broad: Vec<&[Symbol]> = broad
            .into_iter()
            .filter(|pattern| self.intersects(pattern))
            .map(Self::symbols)
            .collect();
        broad.contains(&self.symbols()) || containment::covered(&self.0, &broad)
    }

    /// A text for each way in which patterns take and refuse texts, with the
    /// places of those that take it; `None` where that would take unreasonable
    /// time.
    pub(super) fn told_apart(patterns: &[Self]) -> Option<Vec<(BTreeSet<usize>, String)>> {
        let patterns: Vec<&[Symbol]> = patterns.iter().map(Self::symbols).collect();
        containment::told_apart(&patterns)
    }

    /// The parts between the first `colons` colons, as ARNs are split; `None`
    /// if there are fewer.
    pub(super) fn split_at_colons(&self, colons: usize) -> Option<Vec<Self>> {
        let parts: Vec<Self> = self
            .0
            .splitn(colons + 1, |symbol| *symbol == Symbol::Literal(':'))
            .map(|part| Self(part.to_vec()))
            .collect();
        (parts.len() == colons + 1).then_some(parts)
    }
}

/// Collapses each run of wildcards to its `?`s and at most one `*`.
impl FromIterator<Symbol> for Pattern {
    fn from_iter<I: IntoIterator<Item = Symbol>>(symbols: I) -> Self {
        let mut normal: Vec<Symbol> = Vec::new();
        for symbol in symbols {
            match (symbol, normal.last()) {
                (Symbol::Many, Some(Symbol::Many)) => {}
                (Symbol::One, Some(Symbol::Many)) => {
                    let many = normal.len() - 1;
                    normal.insert(many, Symbol::One);
                }
                (Symbol::Many | Symbol::One | Symbol::Literal(_), _) => normal.push(symbol),
            }
        }
        Self(normal)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for symbol in &self.0 {
            match symbol {
                Symbol::Literal(character) => write!(f, "{character}")?,
                Symbol::One => f.write_str("?")?,
                Symbol::Many => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_iam_defines_them() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("?", "é", true),
            (
                "arn:aws:s3:::packages.*.amazonaws.com/*",
                "arn:aws:s3:::packages.eu-west-1.amazonaws.com/2018.03/x",
                true,
            ),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbX", false),
            ("a*?", "a", false),
            ("a?*", "ab", true),
            ("s3:Get*", "s3:get", false),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_literal_has_no_wildcards() {
        assert!(Pattern::literal("a*").matches("a*"));
        assert!(!Pattern::literal("a*").matches("ab"));
    }

    #[test]
    fn runs_of_wildcards_have_one_form() {
        assert_eq!(Pattern::parse("a**?*b"), Pattern::parse("a?*b"));
        assert_eq!(Pattern::parse("*??").to_string(), "??*");
        assert_ne!(Pattern::parse("*?"), Pattern::parse("*"));
    }

    #[test]
    fn arns_split_into_six_parts_and_no_more() {
        let parts = Pattern::parse("arn:aws:sns:*:1:a:b").split_at_colons(5);
        let texts: Option<Vec<String>> = parts.map(|parts| parts.iter().map(ToString::to_string).collect());
        assert_eq!(
            texts,
            Some(["arn", "aws", "sns", "*", "1", "a:b"].map(str::to_owned).to_vec())
        );
        assert_eq!(Pattern::parse("arn:aws:*").split_at_colons(5), None);
    }
}
