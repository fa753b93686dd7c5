//! Texts with [policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).

use super::{
    document::Version,
    judgement::{Judgement, Unjudged},
    pattern::{Pattern, Symbol},
};

/// A text of a policy in which variables wait for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Characters that stand for themselves.
    Literal(String),
    /// `?`
    One,
    /// `*`
    Many,
    /// `${key}` or `${key, 'default'}`, the key in lower case.
    Variable { key: String, default: Option<String> },
}

/// What a request says about a context key that a variable names.
pub(super) enum Lookup {
    /// It has this one value.
    Value(String),
    /// It has none, or several, of which a variable takes none.
    Nothing,
    /// The caller does not know.
    Unknown,
}

/// A template with the request's values put in.
///
/// AWS documents that a text whose variable has no value matches nothing, and
/// that the statement may then be invalid as a whole. Where a policy speaks of
/// what does *not* match, these two are not the same, and it stays open.
pub(super) enum Resolved {
    /// All variables had a value.
    Pattern(Pattern),
    /// The variable of this key has no value: the text matches nothing.
    Unresolvable(String),
    /// The values of some variables are not known.
    Unknown {
        /// The true pattern matches nothing that this one does not.
        widest: Pattern,
        /// The variables.
        keys: Vec<String>,
        /// Whether one of them may turn out to have no value and no default.
        may_be_unresolvable: bool,
    },
}

impl Resolved {
    /// Whether the text matches, as `matches` says of its pattern; `negated`
    /// where it counts when it does not.
    pub fn judge(self, text: &str, negated: bool, matches: impl Fn(&Pattern) -> Judgement) -> Judgement {
        match self {
            Self::Pattern(pattern) => matches(&pattern),
            Self::Unresolvable(key) if negated => Judgement::unknown(Unjudged::Variable(key)),
            Self::Unresolvable(_) => Judgement::False,
            Self::Unknown {
                widest,
                keys,
                may_be_unresolvable,
            } => {
                if widest.matches(text) || (negated && may_be_unresolvable) {
                    Judgement::unknown_keys(keys)
                } else {
                    Judgement::False
                }
            }
        }
    }
}

impl Template {
    /// Reads a text in which `*` and `?` are wildcards.
    pub fn with_wildcards(text: &str, version: Version) -> Self {
        Self::parse(text, version, true)
    }

    /// Reads a text in which `*` and `?` stand for themselves.
    pub fn plain(text: &str, version: Version) -> Self {
        Self::parse(text, version, false)
    }

    fn parse(text: &str, version: Version, wildcards: bool) -> Self {
        let variables = match version {
            Version::V2008 => false,
            Version::V2012 => true,
        };
        let special = |character| match character {
            '$' => variables,
            '*' | '?' => wildcards,
            _ => false,
        };
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(special) {
            literal.push_str(&rest[..at]);
            let (piece, after) = match &rest[at..at + 1] {
                "*" => (Piece::Many, &rest[at + 1..]),
                "?" => (Piece::One, &rest[at + 1..]),
                dollar => variable(&rest[at..]).unwrap_or_else(|| (Piece::Literal(dollar.to_owned()), &rest[at + 1..])),
            };
            rest = after;
            match piece {
                Piece::Literal(more) => literal.push_str(&more),
                other @ (Piece::One | Piece::Many | Piece::Variable { .. }) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(other);
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self(pieces)
    }

    /// The same text for a comparison that ignores case.
    pub fn fold_case(self) -> Self {
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Literal(text) => Piece::Literal(fold_case(&text)),
            wildcard @ (Piece::One | Piece::Many) => wildcard,
            Piece::Variable { key, default } => Piece::Variable {
                key,
                default: default.map(|text| fold_case(&text)),
            },
        });
        Self(pieces.collect())
    }

    /// The pattern of a text that has neither variables nor wildcards.
    pub fn literal(&self) -> Option<Pattern> {
        match self.0.as_slice() {
            [] => Some(Pattern::literal("")),
            [Piece::Literal(text)] => Some(Pattern::literal(text)),
            _ => None,
        }
    }

    /// The pattern of a text without variables.
    pub fn pattern(&self) -> Option<Pattern> {
        match self.resolve(|_| Lookup::Nothing) {
            Resolved::Pattern(pattern) if !self.has_variables() => Some(pattern),
            Resolved::Pattern(_) | Resolved::Unresolvable(_) | Resolved::Unknown { .. } => None,
        }
    }

    /// Whether a request's values make a difference.
    pub fn has_variables(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// Puts in the values of a request. They are taken literally: a `*` in a
    /// value is no wildcard.
    pub fn resolve(&self, lookup: impl Fn(&str) -> Lookup) -> Resolved {
        let mut symbols = Vec::new();
        let mut unknown = Vec::new();
        let mut may_be_unresolvable = false;
        for piece in &self.0 {
            let (key, default) = match piece {
                Piece::Literal(text) => {
                    symbols.extend(text.chars().map(Symbol::Literal));
                    continue;
                }
                Piece::One => {
                    symbols.push(Symbol::One);
                    continue;
                }
                Piece::Many => {
                    symbols.push(Symbol::Many);
                    continue;
                }
                Piece::Variable { key, default } => (key, default),
            };
            match (lookup(key), default) {
                (Lookup::Value(value), _) => symbols.extend(value.chars().map(Symbol::Literal)),
                (Lookup::Nothing, Some(value)) => {
                    symbols.extend(value.chars().map(Symbol::Literal));
                }
                (Lookup::Nothing, None) => return Resolved::Unresolvable(key.clone()),
                (Lookup::Unknown, default) => {
                    symbols.push(Symbol::Many);
                    may_be_unresolvable |= default.is_none();
                    unknown.push(key.clone());
                }
            }
        }
        let pattern = symbols.into_iter().collect();
        if unknown.is_empty() {
            Resolved::Pattern(pattern)
        } else {
            Resolved::Unknown {
                widest: pattern,
                keys: unknown,
                may_be_unresolvable,
            }
        }
    }

    /// The context keys that it takes values from.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key.as_str()),
            Piece::Literal(_) | Piece::One | Piece::Many => None,
        })
    }

    /// The same with these values in the place of variables.
    pub fn with_values(&self, value: impl Fn(&str) -> String) -> Self {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Variable { key, .. } => Piece::Literal(value(key)),
            other @ (Piece::Literal(_) | Piece::One | Piece::Many) => other.clone(),
        });
        Self(pieces.collect())
    }

    /// One spelling for all texts that resolve alike in every request,
    /// whatever version of the language they came from: what stands for itself
    /// is written so that no variable or wildcard can be read into it.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        let mut run = Run::default();
        for piece in &self.0 {
            match piece {
                Piece::One => run.ones += 1,
                Piece::Many => run.many = true,
                Piece::Literal(literal) => {
                    run.write(&mut text);
                    write_literal(&mut text, literal);
                }
                Piece::Variable { key, default } => {
                    run.write(&mut text);
                    text.push_str("${");
                    text.push_str(key);
                    if let Some(default) = default {
                        text.push_str(", '");
                        text.push_str(default);
                        text.push('\'');
                    }
                    text.push('}');
                }
            }
        }
        run.write(&mut text);
        text
    }
}

/// The [canonical](Template::canonical) text of a pattern, and whether it has
/// variables; the text itself where it is canonical as it stands, as nearly all
/// are.
pub(super) fn canonical_pattern(text: String, version: Version) -> (String, bool) {
    let wildcard = |byte: &u8| matches!(byte, b'*' | b'?');
    let bytes = text.as_bytes();
    let adjacent = bytes.windows(2).any(|pair| pair.iter().all(wildcard));
    if !adjacent && !bytes.contains(&b'$') {
        return (text, false);
    }
    let template = Template::with_wildcards(&text, version);
    (template.canonical(), template.has_variables())
}

/// Writes what stands for itself, so that it still does where `*`, `?` and `$`
/// do not.
fn write_literal(text: &mut String, literal: &str) {
    let mut rest = literal;
    while let Some(at) = rest.find(['*', '?', '$']) {
        let (before, from) = rest.split_at(at);
        let (special, after) = from.split_at(1);
        text.extend([before, "${", special, "}"]);
        rest = after;
    }
    text.push_str(rest);
}

/// A run of wildcards, as [`Pattern`] orders them.
#[derive(Default)]
struct Run {
    ones: usize,
    many: bool,
}

impl Run {
    fn write(&mut self, text: &mut String) {
        text.extend(std::iter::repeat_n('?', self.ones));
        if self.many {
            text.push('*');
        }
        *self = Self::default();
    }
}

/// Lower case, one character at a time, as [`Template::fold_case`] does.
pub(super) fn fold_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The variable that `text` begins with, and what follows it. `${*}`, `${?}`
/// and `${$}` stand for their character.
fn variable(text: &str) -> Option<(Piece, &str)> {
    let inner_on = text.strip_prefix("${")?;
    let (inner, after) = inner_on.split_once('}')?;
    let piece = match inner {
        "" => return None,
        "*" | "?" | "$" => Piece::Literal(inner.to_owned()),
        other => with_default(other),
    };
    Some((piece, after))
}

fn with_default(inner: &str) -> Piece {
    let split = inner.split_once(',').and_then(|(key, default)| {
        let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        Some((key.trim(), default))
    });
    let (key, default) = match split {
        Some((key, default)) => (key, Some(default.to_owned())),
        None => (inner, None),
    };
    Piece::Variable {
        key: key.to_ascii_lowercase(),
        default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str, version: Version) -> String {
        Template::with_wildcards(text, version).canonical()
    }

    fn resolve(text: &str, username: Lookup) -> Resolved {
        let username = std::cell::Cell::new(Some(username));
        Template::with_wildcards(text, Version::V2012).resolve(|key| {
            if key == "aws:username" {
                username.take().unwrap_or(Lookup::Nothing)
            } else {
                Lookup::Nothing
            }
        })
    }

    #[test]
    fn spelling_of_variables_and_wildcard_runs_is_levelled() {
        for (text, expected) in [
            ("home/${AWS:UserName}/**", "home/${aws:username}/*"),
            ("${aws:userid,'none'}", "${aws:userid, 'none'}"),
            ("a*?b", "a?*b"),
            ("${*}${?}${$}{", "${*}${?}${$}{"),
            ("$5", "${$}5"),
            ("${}", "${$}{}"),
            ("${open", "${$}{open"),
        ] {
            assert_eq!(canonical(text, Version::V2012), expected, "{text}");
        }
    }

    #[test]
    fn the_short_way_to_a_canonical_text_leads_to_the_same() {
        for text in ["", "s3:Get*", "a?b*", "a*?", "**", "$*", "${aws:username}*", "é*"] {
            for version in [Version::V2008, Version::V2012] {
                let template = Template::with_wildcards(text, version);
                assert_eq!(
                    canonical_pattern(text.to_owned(), version),
                    (template.canonical(), template.has_variables()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_older_version_has_no_variables() {
        assert_eq!(canonical("${aws:username}*", Version::V2008), "${$}{aws:username}*");
        assert_eq!(canonical("plain*", Version::V2008), "plain*");
    }

    #[test]
    fn a_canonical_text_is_its_own_canonical_text() {
        for text in ["a*?$b", "${x, 'it''s'}?", "$${y}", "${*}*"] {
            let once = canonical(text, Version::V2012);
            assert_eq!(canonical(&once, Version::V2012), once, "{text}");
        }
    }

    #[test]
    fn a_value_is_put_in_literally() {
        let Resolved::Pattern(pattern) = resolve("home/${aws:username}/*", Lookup::Value("a*".to_owned())) else {
            panic!("resolves");
        };
        assert!(pattern.matches("home/a*/x"));
        assert!(!pattern.matches("home/ab/x"));
    }

    #[test]
    fn a_default_is_taken_when_there_is_no_value() {
        let Resolved::Pattern(pattern) = resolve("${aws:username, 'guest'}", Lookup::Nothing) else {
            panic!("resolves");
        };
        assert!(pattern.matches("guest"));
        assert!(matches!(
            resolve("${aws:username}", Lookup::Nothing),
            Resolved::Unresolvable(key) if key == "aws:username"
        ));
    }

    #[test]
    fn an_unknown_value_leaves_the_widest_pattern() {
        for (text, without_default) in [("home/${aws:username}/*", true), ("home/${aws:username, 'x'}/*", false)] {
            let Resolved::Unknown {
                widest,
                keys,
                may_be_unresolvable,
            } = resolve(text, Lookup::Unknown)
            else {
                panic!("is unknown");
            };
            assert_eq!(widest, Pattern::parse("home/*/*"));
            assert_eq!(keys, ["aws:username"]);
            assert_eq!(may_be_unresolvable, without_default);
        }
    }

    #[test]
    fn plain_texts_have_no_wildcards_but_variables() {
        let template = Template::plain("*${aws:username}", Version::V2012);
        assert_eq!(template.canonical(), "${*}${aws:username}");
        assert!(template.has_variables());
        assert!(!Template::plain("${*}", Version::V2012).has_variables());
    }

    #[test]
    fn case_is_folded_outside_of_keys() {
        let template = Template::plain("ÄB${aws:userid, 'Ä'}", Version::V2012).fold_case();
        assert_eq!(template.canonical(), "äb${aws:userid, 'ä'}");
        assert_eq!(fold_case("ÄB"), "äb");
    }
}
