//! The values that typed condition operators compare.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

/// A decimal number, compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without leading zeros.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// Reads `-12.50`; no exponents, no blanks.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        Some(Self {
            negative: negative && !(whole.is_empty() && fraction.is_empty()),
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        })
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        write!(f, "{sign}{whole}")?;
        if !self.fraction.is_empty() {
            write!(f, ".{}", self.fraction)?;
        }
        Ok(())
    }
}

/// Reads an instant, as the time since 1970 began in UTC.
///
/// It is written in seconds, or as a date of the
/// [W3C's profile](https://www.w3.org/TR/NOTE-datetime) of ISO 8601:
/// `2026-01-02`, with `T03:04Z`, `T03:04:05+01:00` or `T03:04:05.6Z`, or
/// without day. Four digits alone could be a year or an hour in 1970: they are
/// neither here.
///
/// It is no [`jiff::Timestamp`], since these end a day before the year 9999
/// does, and `9999-12-31T23:59:59Z` is how many write "never".
pub(super) fn parse_instant(text: &str) -> Option<SignedDuration> {
    const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

    // ISO 8601 has many more forms, and `jiff` reads most. They differ from
    // the profile's in their punctuation.
    let punctuation: String = text.chars().filter(|char| !char.is_ascii_digit()).collect();
    let date = match punctuation.as_str() {
        "" if text.len() != 4 => return text.parse().ok().map(SignedDuration::from_secs),
        "-" => format!("{text}-01"),
        "--" | "--T:Z" | "--T:+:" | "--T:-:" | "--T::Z" | "--T::+:" | "--T::-:" | "--T::.Z" | "--T::.+:"
        | "--T::.-:" => text.to_owned(),
        _ => return None,
    };
    let pieces = Pieces::parse(&date).ok()?;
    let local = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let ahead = pieces
        .to_numeric_offset()
        .unwrap_or(Offset::UTC)
        .duration_since(Offset::UTC);
    // The profile has no leap seconds, which `jiff` takes for the second
    // before, and no zone a day away.
    let in_profile = !date.contains(":60") && ahead.abs() < SignedDuration::from_hours(24);
    in_profile.then(|| local.duration_since(EPOCH) - ahead)
}

/// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address as the network of that
/// address alone. Bits past the prefix are dropped.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    let network = match text.split_once('/') {
        // `IpNet` would read `010.0.0.0/8` as `10.0.0.0/8`, where others read
        // an octal number; `IpAddr` refuses it.
        Some((address, prefix)) => IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()?,
        None => text.parse::<IpAddr>().ok()?.into(),
    };
    Some(network.trunc())
}

/// Reads `true` and `false` in any case, as AWS does.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_by_value_and_not_by_spelling() {
        let decimal = |text| Decimal::parse(text).unwrap();
        let rising = ["-10.5", "-10", "-0.5", "0", "0.05", "0.5", "2", "10", "10.25"];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(decimal(a).cmp(&decimal(b)), i.cmp(&j), "{a} and {b}");
            }
        }
        for (spelling, expected) in [("007", "7"), ("1.50", "1.5"), ("-0", "0"), ("+.5", "0.5")] {
            assert_eq!(decimal(spelling).to_string(), expected);
        }
        for text in ["", "-", ".", "1e3", " 1", "0x1", "1.2.3", "--1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_name_the_instant_that_the_calendar_says() {
        // Seconds as `date --utc +%s` gives them.
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29", 951_782_400),
            ("2020-01-01T00:00:01Z", 1_577_836_801),
            ("2020-01-01T01:00+01:00", 1_577_836_800),
            ("2019-12-31T18:30:00-05:30", 1_577_836_800),
            ("2100-03", 4_107_542_400),
            ("1969-12-31T23:59:59Z", -1),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1577836801", 1_577_836_801),
            ("253402300800", 253_402_300_800),
        ] {
            assert_eq!(parse_instant(text), Some(SignedDuration::from_secs(seconds)), "{text}");
        }
        assert!(parse_instant("2020-01-01T00:00:00.5Z") < parse_instant("2020-01-01T00:00:01Z"));
        assert_eq!(
            parse_instant("2020-01-01T00:00:00.50Z"),
            parse_instant("2020-01-01T00:00:00.5Z")
        );
    }

    #[test]
    fn what_is_no_date_is_not_read_as_one() {
        for text in [
            "",
            "2020",
            "2021-02-29",
            "2020-13-01",
            "2020-00-01",
            "2020-01-01T00:00:00",
            "2020-01T00:00Z",
            "2020-01-01T24:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01-01",
            "2020-01-01T+1",
            "20200101T000000Z",
            "2020-01-01 00:00Z",
            "2020-01-01t00:00z",
            "2020-01-01T00Z",
            "2020-01-01T00:00:00,5Z",
            "2020-01-01T00:00+01",
            "2020-01-01T00:00+0100",
            "2020-01-01T00:00+01:00:30",
            "2020-01-01T00:00+24:00",
            "2020-01-01T00:00Z[UTC]",
            "2016-12-31T23:59:60Z",
            "+002020-01-01",
            "-000001-01-01",
            "2020-W01-1",
            "-1",
            "99999999999999999999",
            "２０２０-01-01",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn networks_contain_what_their_prefix_says() {
        let contains = |network: &str, address: &str| {
            let address: IpAddr = address.parse().unwrap();
            parse_network(network).map(|network| network.contains(&address))
        };
        assert_eq!(contains("10.0.0.9/8", "10.255.0.1"), Some(true));
        assert_eq!(contains("10.0.0.0/8", "11.0.0.0"), Some(false));
        assert_eq!(contains("0.0.0.0/0", "203.0.113.9"), Some(true));
        assert_eq!(contains("203.0.113.9", "203.0.113.9"), Some(true));
        assert_eq!(contains("::/0", "203.0.113.9"), Some(false));
        assert_eq!(contains("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1"), Some(true));
        assert_eq!(
            parse_network("10.1.2.3/8").map(|network| network.to_string()),
            Some("10.0.0.0/8".to_owned())
        );
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "010.0.0.0/8",
            "10.0.0.010",
        ] {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_ignore_case() {
        assert_eq!(parse_bool("True"), Some(true));
        assert_eq!(parse_bool("false"), Some(false));
        assert_eq!(parse_bool("1"), None);
    }
}
