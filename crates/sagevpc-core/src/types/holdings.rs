//! What something relies on, in a form whose size does not hang on how much it
//! is.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

/// Bits of a set: as many as [`LETTERS`] letters say.
const BITS: usize = 6 * HOLDINGS_LETTERS;
/// Letters of a set written down.
pub const HOLDINGS_LETTERS: usize = 64;
/// Bits that stand for one thing.
const BITS_OF_ONE: usize = 3;

/// Held by a profile that says what it wants of the package repositories.
pub const HELD_REPOSITORIES: &str = "package-repositories";

/// What a profile holds that was granted room for as much as this.
pub fn held_size(instances: u64, addresses: u32) -> String {
    format!("size/{instances}/{addresses}")
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A set of names as a [Bloom filter](https://en.wikipedia.org/wiki/Bloom_filter).
///
/// What was put in is found again, always. What was not is now and then taken
/// for something that was: with twenty names in it one time in three hundred.
/// So it serves where that errs to the safe side, by keeping something for a
/// while that could go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holdings([u8; HOLDINGS_LETTERS]);

impl Holdings {
    /// Holds nothing.
    pub const NOTHING: Self = Self([0; HOLDINGS_LETTERS]);

    /// Holds whatever it is asked for.
    pub const EVERYTHING: Self = Self([0b11_1111; HOLDINGS_LETTERS]);

    /// Puts a name in.
    pub fn insert(&mut self, name: &str) {
        for bit in bits(name) {
            self.0[bit / 6] |= 1 << (bit % 6);
        }
    }

    /// Holds what either does.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (letter, more) in self.0.iter_mut().zip(other.0) {
            *letter |= more;
        }
        self
    }

    /// Whether the name may have been put in.
    pub fn may_hold(&self, name: &str) -> bool {
        bits(name).iter().all(|bit| self.0[bit / 6] & (1 << (bit % 6)) != 0)
    }
}

impl Default for Holdings {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl<'a> FromIterator<&'a str> for Holdings {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        let mut holdings = Self::NOTHING;
        for name in names {
            holdings.insert(name);
        }
        holdings
    }
}

fn bits(name: &str) -> [usize; BITS_OF_ONE] {
    let hash = Sha256::digest(name.as_bytes());
    std::array::from_fn(|place| {
        let two = [hash[2 * place], hash[2 * place + 1]];
        usize::from(u16::from_be_bytes(two)) % BITS
    })
}

impl fmt::Display for Holdings {
    /// Letters of base64url, without those at the end that stand for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self
            .0
            .iter()
            .rposition(|letter| *letter != 0)
            .map_or(0, |last| last + 1);
        for letter in &self.0[..used] {
            write!(f, "{}", char::from(ALPHABET[usize::from(*letter)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holdings({self})")
    }
}

/// A text that is no set of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a set of holdings")]
pub struct NoHoldings(pub String);

impl FromStr for Holdings {
    type Err = NoHoldings;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoHoldings(text.to_owned());
        if text.len() > HOLDINGS_LETTERS {
            return Err(wrong());
        }
        let mut holdings = Self::NOTHING;
        for (place, letter) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == letter).ok_or_else(wrong)?;
            holdings.0[place] = u8::try_from(value).map_err(|_| wrong())?;
        }
        Ok(holdings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(what: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{what}/{number}")).collect()
    }

    #[test]
    fn what_was_put_in_is_found_also_once_written_down() {
        for count in [0, 1, 20, 200] {
            let names = names("bucket", count);
            let holdings: Holdings = names.iter().map(String::as_str).collect();
            let read: Holdings = holdings.to_string().parse().unwrap();
            assert_eq!(read, holdings);
            assert!(names.iter().all(|name| read.may_hold(name)));
        }
    }

    #[test]
    fn little_else_is_found() {
        let held = names("bucket", 20);
        let holdings: Holdings = held.iter().map(String::as_str).collect();
        let mistaken = names("service", 10_000)
            .iter()
            .filter(|name| holdings.may_hold(name))
            .count();
        assert!(mistaken < 100, "{mistaken} of 10,000");
    }

    #[test]
    fn the_ends_are_what_they_say() {
        assert!(!Holdings::NOTHING.may_hold("bucket/a"));
        assert!(Holdings::EVERYTHING.may_hold("bucket/a"));
        assert_eq!(Holdings::NOTHING.to_string(), "");
        assert_eq!(Holdings::EVERYTHING.to_string(), "_".repeat(HOLDINGS_LETTERS));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        assert!("a=".parse::<Holdings>().is_err());
        assert!("A".repeat(HOLDINGS_LETTERS + 1).parse::<Holdings>().is_err());
    }
}
