//! Nothing is told twice of one object.

use std::collections::BTreeSet;

/// Sentences that are shorter may stand twice.
const MIN_SENTENCE: usize = 40;

/// Sentences that were told of an object.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeSet<String>);

impl Told {
    /// The texts one after the other, without what was told before; each begins as
    /// it did. A text that was told as a whole is empty.
    pub(super) fn each(&mut self, texts: &[String]) -> Vec<String> {
        texts
            .iter()
            .map(|text| self.once(text))
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// The text without sentences that were told before.
    pub(super) fn once(&mut self, text: &str) -> String {
        let parts = text.split_inclusive(". ");
        let new = parts.filter(|part| {
            let sentence = part.trim_end().trim_end_matches('.');
            sentence.len() < MIN_SENTENCE || self.0.insert(sentence.to_owned())
        });
        new.collect::<String>().trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_once_and_short_ones_as_often_as_need_be() {
        let long = "It follows once the NAT gateway is available; that takes some minutes.";
        let mut told = Told::default();
        assert_eq!(
            told.once(&format!("Route a. {long} Wait.")),
            format!("Route a. {long} Wait.")
        );
        assert_eq!(told.once(&format!("Route b. {long} Wait.")), "Route b. Wait.");
        assert_eq!(told.each(&[long.to_owned(), "Route c.".to_owned()]), ["Route c."]);
    }
}
