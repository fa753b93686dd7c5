//! The values that typed condition operators compare.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

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

/// An instant, in seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl Instant {
    /// Reads seconds since 1970, or a date as the
    /// [W3C writes it](https://www.w3.org/TR/NOTE-datetime): `2026-01-02`, with
    /// `T03:04Z`, `T03:04:05+01:00` or `T03:04:05.6Z`, or without day.
    ///
    /// Four digits alone could be a year or an hour in 1970: they are neither
    /// here.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        if text.len() != 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = text.parse().ok()?;
            return Some(Self {
                seconds,
                nanoseconds: 0,
            });
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = digits(parts.next()?, 2)?;
        let day = match (parts.next(), time) {
            (Some(day), _) => digits(day, 2)?,
            (None, None) => 1,
            (None, Some(_)) => return None,
        };
        if parts.next().is_some() {
            return None;
        }
        let midnight = days_since_1970(year, month, day)? * 86_400;
        let (seconds, nanoseconds) = match time {
            Some(time) => time_of_day(time)?,
            None => (0, 0),
        };
        Some(Self {
            seconds: midnight + seconds,
            nanoseconds,
        })
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds, self.nanoseconds)
    }
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Seconds from midnight UTC, and nanoseconds, of `03:04:05.6+01:00`.
fn time_of_day(text: &str) -> Option<(i64, u32)> {
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (clock, zone) = text.split_at(at);
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone[1..].split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (clock, sign * (hours * 3600 + minutes * 60))
        }
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let (second, nanoseconds) = match parts.next() {
        Some(second) => {
            let (second, fraction) = match second.split_once('.') {
                Some((second, fraction)) => (second, nanoseconds(fraction)?),
                None => (second, 0),
            };
            (digits(second, 2)?, fraction)
        }
        None => (0, 0),
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second - offset, nanoseconds))
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    (!fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| format!("{fraction:0<9}").parse().ok())
        .flatten()
}

/// Days from 1970-01-01 in the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [
        31,
        if leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let index = usize::try_from(month - 1).ok()?;
    if day < 1 || day > *lengths.get(index)? {
        return None;
    }
    let leap_days_before = |year: i64| {
        let past = year - 1;
        past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
    };
    let years = (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
    Some(years + lengths[..index].iter().sum::<i64>() + day - 1)
}

/// A network in CIDR notation, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or an address. Bits past the prefix
    /// are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= longest)?,
            None => longest,
        };
        Some(Self {
            address: masked(address, prefix),
            prefix,
        })
    }

    /// Whether an address lies in the network. IPv4 and IPv6 are apart.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
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
            ("1577836801", 1_577_836_801),
        ] {
            let expected = Instant {
                seconds,
                nanoseconds: 0,
            };
            assert_eq!(Instant::parse(text), Some(expected), "{text}");
        }
        assert!(Instant::parse("2020-01-01T00:00:00.5Z") < Instant::parse("2020-01-01T00:00:01Z"));
        assert_eq!(
            Instant::parse("2020-01-01T00:00:00.50Z"),
            Instant::parse("2020-01-01T00:00:00.5Z")
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
            "99999999999999999999",
            "２０２０-01-01",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn networks_contain_what_their_prefix_says() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).map(|network| network.contains(address.parse().unwrap()))
        };
        assert_eq!(contains("10.0.0.9/8", "10.255.0.1"), Some(true));
        assert_eq!(contains("10.0.0.0/8", "11.0.0.0"), Some(false));
        assert_eq!(contains("0.0.0.0/0", "203.0.113.9"), Some(true));
        assert_eq!(contains("203.0.113.9", "203.0.113.9"), Some(true));
        assert_eq!(contains("::/0", "203.0.113.9"), Some(false));
        assert_eq!(contains("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1"), Some(true));
        assert_eq!(
            Network::parse("10.1.2.3/8").map(|network| network.to_string()),
            Some("10.0.0.0/8".to_owned())
        );
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_ignore_case() {
        assert_eq!(parse_bool("True"), Some(true));
        assert_eq!(parse_bool("false"), Some(false));
        assert_eq!(parse_bool("1"), None);
    }
}
