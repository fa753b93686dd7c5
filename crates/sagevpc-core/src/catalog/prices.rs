//! What AWS asks for a network by the hour: list prices, without the traffic
//! and without the public addresses.

use std::{fmt, iter::Sum, ops::Add};

use serde::{Serialize, Serializer};

use crate::types::Region;

/// An amount in thousandths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(u64);

impl Usd {
    /// Whole dollars.
    pub const fn dollars(dollars: u32) -> Self {
        Self(dollars as u64 * 1000)
    }

    /// That many times the amount.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// Dollars and cents: `7.30`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0.div_ceil(10);
        write!(f, "{}.{:02}", cents / 100, cents % 100)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Hours that AWS's own estimates take a month to have.
///
/// See <https://calculator.aws/>.
const HOURS_A_MONTH: u64 = 730;

/// List prices of one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// An interface endpoint, an hour in one zone.
    interface_endpoint: Usd,
    /// A NAT gateway, an hour.
    nat_gateway: Usd,
}

const fn prices(interface_endpoint: u64, nat_gateway: u64) -> Prices {
    Prices {
        interface_endpoint: Usd(interface_endpoint),
        nat_gateway: Usd(nat_gateway),
    }
}

/// Those of us-east-1, which stand for every region that is not listed.
///
/// See <https://aws.amazon.com/privatelink/pricing/> and
/// <https://aws.amazon.com/vpc/pricing/>.
const US_EAST_1: Prices = prices(10, 45);

/// Regions that ask for more, from the same pages.
const OTHERS: &[(&str, Prices)] = &[
    ("ap-northeast-1", prices(14, 62)),
    ("ap-southeast-1", prices(13, 59)),
    ("eu-central-1", prices(12, 52)),
    ("eu-west-1", prices(11, 48)),
];

impl Prices {
    /// Those of the region, or those of us-east-1 where it is not listed.
    pub fn of(region: &Region) -> Self {
        let listed = OTHERS.iter().find(|(name, _)| *name == region.as_str());
        listed.map_or(US_EAST_1, |(_, prices)| *prices)
    }

    /// An interface endpoint in that many zones, a month.
    pub fn interface_endpoint(self, zones: usize) -> Usd {
        self.interface_endpoint.times(HOURS_A_MONTH).times(zones as u64)
    }

    /// A NAT gateway, a month.
    pub fn nat_gateway(self) -> Usd {
        self.nat_gateway.times(HOURS_A_MONTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_costs_what_the_price_list_says() {
        let virginia = Prices::of(&Region::new("us-east-1"));
        assert_eq!(virginia.interface_endpoint(3).to_string(), "21.90");
        assert_eq!(virginia.nat_gateway().to_string(), "32.85");
        let frankfurt = Prices::of(&Region::new("eu-central-1"));
        assert_eq!(frankfurt.interface_endpoint(1).to_string(), "8.76");
    }

    #[test]
    fn a_part_of_a_cent_counts_as_one() {
        assert_eq!(Usd(10_001).to_string(), "10.01");
        assert_eq!(Usd::dollars(40).to_string(), "40.00");
    }
}
