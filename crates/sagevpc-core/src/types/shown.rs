//! Text of others' as it is shown: names, descriptions and tags are whatever
//! somebody in AWS or in a namespace wrote, and must move no cursor, ring no
//! bell, and begin no line that looks like ours.

use std::borrow::Cow;

/// Whether a character steers a terminal, or how text around it is shown:
/// control characters, overrides of the writing direction, and separators that
/// some take for the end of a line.
fn steers(character: char) -> bool {
    let is_direction = matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_separator = matches!(character, '\u{2028}' | '\u{2029}');
    character.is_control() || is_direction || is_separator
}

/// The text with everything escaped that steers a terminal, but for the ends
/// of lines: `\u001b`, as JSON writes it, so that JSON stays the same value.
///
/// ```
/// use sagevpc_core::types::plain;
///
/// assert_eq!(plain("a\u{1b}[31mb\n"), "a\\u001b[31mb\n");
/// assert_eq!(plain("naïve 許可"), "naïve 許可");
/// ```
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && steers(character))
}

/// The same, in one line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

/// As many whole sentences of the text as `bytes` take, or as much of the first.
pub fn in_sentences(text: &str, bytes: usize) -> String {
    let text = one_line(text);
    if text.len() <= bytes {
        return text.into_owned();
    }
    let ends = text.match_indices(". ").map(|(place, _)| place + 1);
    match ends.take_while(|end| *end <= bytes).last() {
        Some(end) => text[..end].to_owned(),
        None => shortened(&text, bytes),
    }
}

/// The same, in `bytes` at most: a text that is cut ends in an ellipsis, after
/// a whole word where words are of usual length.
///
/// Schemas bound characters, of up to four bytes each, and etcd bytes.
pub fn shortened(text: &str, bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    const LONGEST_WORD: usize = 64;
    let text = one_line(text);
    if text.len() <= bytes {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub(ELLIPSIS.len_utf8()));
    let of_words = text[..end].rfind(' ').filter(|space| end - space <= LONGEST_WORD);
    let mut cut = text[..of_words.map_or(end, |space| space + 1)].to_owned();
    cut.push(ELLIPSIS);
    cut
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Nearly all texts are printable ASCII, which a look at the bytes tells.
    let is_printable = text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if is_printable || !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_escaped(character) {
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_bytes_and_never_within_a_character() {
        assert_eq!(shortened("許可", 6), "許可");
        for bytes in 3..9 {
            let cut = shortened("許可許可", bytes);
            assert!(cut.len() <= bytes && cut.ends_with('…'), "{bytes}: {cut}");
        }
        assert_eq!(shortened("許可許可", 6), "許…");
        assert_eq!(shortened("a\nb", 8), "a\\u000ab", "in one line");
    }

    #[test]
    fn words_and_sentences_are_kept_whole() {
        assert_eq!(shortened("open the group", 12), "open the …");
        assert_eq!(in_sentences("Open it. Then wait. Then go.", 20), "Open it. Then wait.");
        assert_eq!(in_sentences("Open it. Go.", 20), "Open it. Go.");
        assert_eq!(in_sentences("Open the group", 12), "Open the …");
    }

    #[test]
    fn whatever_steers_a_terminal_is_shown_as_its_number() {
        for character in [
            '\0', '\u{7}', '\u{8}', '\t', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{202e}', '\u{2069}',
            '\u{2028}',
        ] {
            let shown = format!("\\u{:04x}", u32::from(character));
            assert_eq!(plain(&character.to_string()), shown);
            assert_eq!(one_line(&character.to_string()), shown);
        }
        assert_eq!((plain("\n"), one_line("\n")), ("\n".into(), "\\u000a".into()));
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{202e}", "\u{1b}\n", "\u{7f}"] });
        let shown = plain(&format!("{value:#}")).into_owned();
        assert!(!shown.contains(|character| character != '\n' && steers(character)));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
