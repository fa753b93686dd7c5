//! Whether one wildcard pattern covers or overlaps another.
//!
//! Patterns are small automata: one state for each place between symbols, a
//! loop at each `*`.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::pattern::Symbol;

/// Beyond this many states looked at, coverage counts as not shown. Patterns
/// that people write need a few hundred.
const MOST_STATES: usize = 50_000;

/// Whether some text matches both patterns.
///
/// Walks all pairs of places that a common text can lead to.
pub(super) fn intersects(mut a: &[Symbol], mut b: &[Symbol]) -> bool {
    // Most pairs differ in a letter with no wildcard before it, or none behind.
    while let ([Symbol::Literal(x), rest_of_a @ ..], [Symbol::Literal(y), rest_of_b @ ..]) = (a, b) {
        if x != y {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    while let ([rest_of_a @ .., Symbol::Literal(x)], [rest_of_b @ .., Symbol::Literal(y)]) = (a, b) {
        if x != y {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    // `reachable[j]`: the pair (current place in a, j).
    let mut reachable = vec![false; b.len() + 1];
    reachable[0] = true;
    for i in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            if !reachable[j] {
                continue;
            }
            let many_a = a.get(i) == Some(&Symbol::Many);
            let many_b = b.get(j) == Some(&Symbol::Many);
            // A `*` may take nothing, or whatever the other one asks for.
            if many_a {
                next[j] = true;
            }
            if j < b.len() && (many_b || many_a) {
                reachable[j + 1] = true;
            }
            if many_b && i < a.len() {
                next[j] = true;
            }
            if let (Some(in_a), Some(in_b)) = (a.get(i), b.get(j))
                && compatible(*in_a, *in_b)
            {
                next[j + 1] = true;
            }
        }
        if i == a.len() {
            return reachable[b.len()];
        }
        reachable = next;
    }
    false
}

/// Whether one character can satisfy both symbols, `*` left aside.
fn compatible(a: Symbol, b: Symbol) -> bool {
    match (a, b) {
        (Symbol::Many, _) | (_, Symbol::Many) => false,
        (Symbol::One, Symbol::One | Symbol::Literal(_)) | (Symbol::Literal(_), Symbol::One) => true,
        (Symbol::Literal(x), Symbol::Literal(y)) => x == y,
    }
}

/// Whether every text that matches `narrow` matches one of `broad`.
///
/// Looks for a text that `narrow` takes and no pattern of `broad` does, by
/// following `narrow` symbol by symbol together with all places that the
/// patterns of `broad` can then be at.
pub(super) fn covered(narrow: &[Symbol], broad: &[&[Symbol]]) -> bool {
    let start = Places::start(broad);
    let mut seen = HashSet::new();
    let mut work = 0;
    let mut open = vec![(0, start)];
    while let Some((at, places)) = open.pop() {
        if places.take_everything(broad) {
            continue;
        }
        // Every pattern matches some text, so none is left to take the rest.
        if places.0.is_empty() {
            return false;
        }
        if !seen.insert((at, places.clone())) {
            continue;
        }
        work += places.0.len();
        if work > MOST_STATES {
            return false;
        }
        match narrow.get(at) {
            None => {
                if !places.accept(broad) {
                    return false;
                }
            }
            Some(Symbol::Literal(character)) => {
                open.push((at + 1, places.after(Input::Character(*character), broad)));
            }
            Some(symbol @ (Symbol::One | Symbol::Many)) => {
                let stays = *symbol == Symbol::Many;
                let onward = if stays { at } else { at + 1 };
                for input in places.distinguished(broad) {
                    open.push((onward, places.after(input, broad)));
                }
                if stays {
                    open.push((at + 1, places));
                }
            }
        }
    }
    true
}

/// A text for each way in which the patterns take and refuse texts, with those
/// that take it; `None` where finding them all would take unreasonable time.
pub(super) fn told_apart(patterns: &[&[Symbol]]) -> Option<Vec<(BTreeSet<usize>, String)>> {
    let mut found: BTreeMap<BTreeSet<usize>, String> = BTreeMap::new();
    let start = Places::start(patterns);
    let mut seen = HashSet::from([start.clone()]);
    let mut work = 0;
    let mut open = VecDeque::from([(start, String::new())]);
    while let Some((places, text)) = open.pop_front() {
        found.entry(places.accepting(patterns)).or_insert_with(|| text.clone());
        work += places.0.len() + 1;
        if work > MOST_STATES {
            return None;
        }
        for input in places.distinguished(patterns) {
            let next = places.after(input, patterns);
            if seen.insert(next.clone()) {
                let character = match input {
                    Input::Character(character) => character,
                    Input::Other => unnamed(patterns),
                };
                open.push_back((next, format!("{text}{character}")));
            }
        }
    }
    Some(found.into_iter().collect())
}

/// A character that no pattern asks for by name.
fn unnamed(patterns: &[&[Symbol]]) -> char {
    let is_named = |character: &char| {
        patterns
            .iter()
            .any(|pattern| pattern.contains(&Symbol::Literal(*character)))
    };
    let plain = ('a'..='z').rev().chain('0'..='9');
    plain
        .chain('\u{e0}'..='\u{fff}')
        .find(|character| !is_named(character))
        .unwrap_or('\u{fffd}')
}

/// A character that a text may have next.
#[derive(Clone, Copy)]
enum Input {
    Character(char),
    /// One that no place asks for by name.
    Other,
}

/// Where the patterns can be: (pattern, place), in order.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Places(Vec<(usize, usize)>);

impl Places {
    fn start(patterns: &[&[Symbol]]) -> Self {
        Self::settle((0..patterns.len()).map(|pattern| (pattern, 0)), patterns)
    }

    /// Adds the places reached by letting a `*` take nothing, and drops those
    /// before a pattern's last `*` reached: whatever text takes an earlier
    /// place to the end takes that `*` there too.
    fn settle(reached: impl Iterator<Item = (usize, usize)>, patterns: &[&[Symbol]]) -> Self {
        let mut all = BTreeSet::new();
        for (pattern, mut place) in reached {
            all.insert((pattern, place));
            while patterns[pattern].get(place) == Some(&Symbol::Many) {
                place += 1;
                all.insert((pattern, place));
            }
        }
        let mut kept: Vec<(usize, usize)> = Vec::with_capacity(all.len());
        for (pattern, place) in all {
            if patterns[pattern].get(place) == Some(&Symbol::Many) {
                while kept.last().is_some_and(|(earlier, _)| *earlier == pattern) {
                    kept.pop();
                }
            }
            kept.push((pattern, place));
        }
        Self(kept)
    }

    fn after(&self, input: Input, patterns: &[&[Symbol]]) -> Self {
        let reached = self
            .0
            .iter()
            .filter_map(|&(pattern, place)| match (patterns[pattern].get(place)?, input) {
                (Symbol::Many, Input::Character(_) | Input::Other) => Some((pattern, place)),
                (Symbol::One, Input::Character(_) | Input::Other) => Some((pattern, place + 1)),
                (Symbol::Literal(wanted), Input::Character(given)) if *wanted == given => Some((pattern, place + 1)),
                (Symbol::Literal(_), Input::Character(_) | Input::Other) => None,
            });
        Self::settle(reached, patterns)
    }

    /// The characters that make a difference here, and one that makes none.
    fn distinguished(&self, patterns: &[&[Symbol]]) -> Vec<Input> {
        let named: BTreeSet<char> = self
            .0
            .iter()
            .filter_map(|&(pattern, place)| match patterns[pattern].get(place) {
                Some(Symbol::Literal(character)) => Some(*character),
                Some(Symbol::One | Symbol::Many) | None => None,
            })
            .collect();
        named.into_iter().map(Input::Character).chain([Input::Other]).collect()
    }

    fn accept(&self, patterns: &[&[Symbol]]) -> bool {
        self.0.iter().any(|&(pattern, place)| place == patterns[pattern].len())
    }

    /// The patterns that take a text which ends here.
    fn accepting(&self, patterns: &[&[Symbol]]) -> BTreeSet<usize> {
        let at_end = self
            .0
            .iter()
            .filter(|(pattern, place)| *place == patterns[*pattern].len());
        at_end.map(|(pattern, _)| *pattern).collect()
    }

    /// Whether a pattern is at a final `*`.
    fn take_everything(&self, patterns: &[&[Symbol]]) -> bool {
        self.0
            .iter()
            .any(|&(pattern, place)| place + 1 == patterns[pattern].len() && patterns[pattern][place] == Symbol::Many)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;

    /// Every text of up to four characters over an alphabet that has one
    /// character more than the patterns below use.
    fn texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..4 {
            last = last
                .iter()
                .flat_map(|text| ["a", "b", "z"].map(|c| format!("{text}{c}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    /// Every pattern of up to three symbols.
    fn patterns() -> Vec<Pattern> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..3 {
            last = last
                .iter()
                .flat_map(|text| ["a", "b", "?", "*"].map(|c| format!("{text}{c}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all.iter().map(|text| Pattern::parse(text)).collect()
    }

    #[test]
    fn small_patterns_agree_with_trying_every_text() {
        // Four characters are enough: a pattern with a `*` asks for at most two
        // others, one without a `*` takes at most three.
        let texts = texts();
        let patterns = patterns();
        let matched: Vec<Vec<bool>> = patterns
            .iter()
            .map(|pattern| texts.iter().map(|text| pattern.matches(text)).collect())
            .collect();
        for (narrow, in_narrow) in patterns.iter().zip(&matched) {
            for (broad, in_broad) in patterns.iter().zip(&matched) {
                let mut pairs = in_narrow.iter().zip(in_broad);
                assert_eq!(
                    narrow.is_covered_by([broad]),
                    pairs.clone().all(|(narrow, broad)| !narrow || *broad),
                    "{narrow} in {broad}"
                );
                assert_eq!(
                    narrow.intersects(broad),
                    pairs.any(|(narrow, broad)| *narrow && *broad),
                    "{narrow} and {broad}"
                );
            }
        }
    }

    #[test]
    fn disjoint_patterns_do_not_intersect() {
        for (a, b, expected) in [
            ("a*", "*b", true),
            ("a*", "b*", false),
            ("a?", "a", false),
            ("*a", "*b", false),
            ("a*c", "ab*", true),
            ("?*?", "a", false),
            (
                "arn:aws:s3:::fraud-data/*",
                "arn:aws:s3:::packages.*.amazonaws.com/*",
                false,
            ),
            ("arn:aws:s3:::p*/x", "arn:aws:s3:::packages.*.amazonaws.com/*", true),
        ] {
            let (a, b) = (Pattern::parse(a), Pattern::parse(b));
            assert_eq!(a.intersects(&b), expected, "{a} and {b}");
            assert_eq!(b.intersects(&a), expected, "{b} and {a}");
        }
    }

    #[test]
    fn several_patterns_cover_together_what_none_does_alone() {
        let any = Pattern::parse("*");
        let [empty, some] = ["", "?*"].map(Pattern::parse);
        assert!(!any.is_covered_by([&empty]));
        assert!(!any.is_covered_by([&some]));
        assert!(any.is_covered_by([&empty, &some]));
    }

    #[test]
    fn nothing_covers_nothing() {
        assert!(!Pattern::parse("").is_covered_by([]));
    }

    #[test]
    fn a_costly_question_is_answered_no_rather_than_never() {
        // The third-but-n-th character from the end: the classic exponential.
        let costly = Pattern::parse(&format!("*a{}", "?".repeat(40)));
        let narrow = Pattern::parse(&format!("*b{}", "?".repeat(40)));
        assert!(!narrow.is_covered_by([&costly]));
        assert!(costly.is_covered_by([&costly]));
    }
}
