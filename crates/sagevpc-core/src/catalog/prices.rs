//! What AWS asks for a network: list prices, by the hour and by the gigabyte.
//!
//! The table is generated from AWS's price list, by `make prices`. What it does
//! not hold is not known: no region's prices stand for another's.

mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    iter::Sum,
    ops::Add,
};

use serde::{Serialize, Serializer};

use crate::types::Region;

/// An amount in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(u64);

/// Millionths in a dollar.
const MICROS: u64 = 1_000_000;

impl Usd {
    /// So many millionths of a dollar.
    pub const fn micros(micros: u64) -> Self {
        Self(micros)
    }

    /// An amount as the price list writes it, such as `0.0450000000`; `None` for
    /// what is no amount, or finer than millionths.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) {
            return None;
        }
        let part = part.trim_end_matches('0');
        if part.len() > 6 {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let part: u64 = format!("{part:0<6}").parse().ok()?;
        Some(Self(whole.checked_mul(MICROS)?.checked_add(part)?))
    }

    /// The amount in millionths of a dollar.
    pub const fn in_micros(self) -> u64 {
        self.0
    }

    /// As a price is written, with all its digits: `0.045`.
    pub fn exact(self) -> String {
        let text = format!("{}.{:06}", self.0 / MICROS, self.0 % MICROS);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Whole dollars.
    pub const fn dollars(dollars: u32) -> Self {
        Self(dollars as u64 * MICROS)
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
        let cents = self.0.div_ceil(MICROS / 100);
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

/// What has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priced {
    /// An interface endpoint, an hour in one zone.
    InterfaceEndpointHour,
    /// A gigabyte through an interface endpoint.
    InterfaceEndpointGigabyte,
    /// A zonal NAT gateway, an hour.
    NatGatewayHour,
    /// A gigabyte through a NAT gateway.
    NatGatewayGigabyte,
    /// A regional NAT gateway, an hour in one zone.
    RegionalNatGatewayHour,
    /// A public IPv4 address, an hour.
    PublicIpv4Hour,
}

impl Priced {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::InterfaceEndpointHour,
        Self::InterfaceEndpointGigabyte,
        Self::NatGatewayHour,
        Self::NatGatewayGigabyte,
        Self::RegionalNatGatewayHour,
        Self::PublicIpv4Hour,
    ];

    /// Its name in `spec.prices`.
    pub const fn field(self) -> &'static str {
        match self {
            Self::InterfaceEndpointHour => "interfaceEndpointHour",
            Self::InterfaceEndpointGigabyte => "interfaceEndpointGigabyte",
            Self::NatGatewayHour => "natGatewayHour",
            Self::NatGatewayGigabyte => "natGatewayGigabyte",
            Self::RegionalNatGatewayHour => "regionalNatGatewayHour",
            Self::PublicIpv4Hour => "publicIpv4Hour",
        }
    }
}

impl Serialize for Priced {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Priced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())
    }
}

/// Prices of one region, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<Priced, Usd>);

/// What something costs in a month; otherwise the prices that are not known.
pub type Cost = Result<Usd, BTreeSet<Priced>>;

impl Prices {
    /// Those of the region's price list.
    pub fn of(region: &Region) -> Self {
        let row = table::TABLE.iter().find(|(name, _)| *name == region.as_str());
        let prices = row
            .into_iter()
            .flat_map(|(_, prices)| Priced::ALL.into_iter().zip(prices));
        Self(
            prices
                .filter_map(|(priced, micros)| Some((priced, Usd((*micros)?))))
                .collect(),
        )
    }

    /// The same, with these in the place of the list's.
    #[must_use]
    pub fn with(mut self, own: &Self) -> Self {
        self.0.extend(own.0.iter().map(|(priced, price)| (*priced, *price)));
        self
    }

    /// The price, where it is known.
    pub fn get(&self, priced: Priced) -> Option<Usd> {
        self.0.get(&priced).copied()
    }

    /// An interface endpoint in that many zones, a month.
    ///
    /// # Errors
    ///
    /// Where its price is not known.
    pub fn interface_endpoint(&self, zones: usize) -> Cost {
        self.a_month(Priced::InterfaceEndpointHour, zones)
    }

    /// A NAT gateway with its public address, a month.
    ///
    /// # Errors
    ///
    /// Where a price is not known.
    pub fn nat_gateway(&self) -> Cost {
        together([
            self.a_month(Priced::NatGatewayHour, 1),
            self.a_month(Priced::PublicIpv4Hour, 1),
        ])
    }

    /// A regional NAT gateway in that many zones, each with a public address, a
    /// month. It is in one at least.
    ///
    /// # Errors
    ///
    /// Where a price is not known.
    pub fn regional_nat_gateway(&self, zones: usize) -> Cost {
        let zones = zones.max(1);
        together([
            self.a_month(Priced::RegionalNatGatewayHour, zones),
            self.a_month(Priced::PublicIpv4Hour, zones),
        ])
    }

    fn a_month(&self, priced: Priced, count: usize) -> Cost {
        if count == 0 {
            return Ok(Usd::default());
        }
        let price = self.get(priced).ok_or_else(|| BTreeSet::from([priced]))?;
        Ok(price.times(HOURS_A_MONTH).times(count as u64))
    }
}

impl FromIterator<(Priced, Usd)> for Prices {
    fn from_iter<I: IntoIterator<Item = (Priced, Usd)>>(prices: I) -> Self {
        Self(prices.into_iter().collect())
    }
}

/// What all cost together.
///
/// # Errors
///
/// All prices that are not known.
pub fn together(costs: impl IntoIterator<Item = Cost>) -> Cost {
    let mut sum = Usd::default();
    let mut unknown = BTreeSet::new();
    for cost in costs {
        match cost {
            Ok(cost) => sum = sum + cost,
            Err(prices) => unknown.extend(prices),
        }
    }
    if unknown.is_empty() { Ok(sum) } else { Err(unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(region: &str) -> Prices {
        Prices::of(&Region::new(region))
    }

    #[test]
    fn a_month_costs_what_the_price_list_says() {
        let month = |cost: Cost| cost.unwrap().to_string();
        assert_eq!(month(of("us-east-1").interface_endpoint(3)), "21.90");
        assert_eq!(month(of("us-east-1").nat_gateway()), "36.50");
        let own: Prices = [(Priced::RegionalNatGatewayHour, Usd::micros(45_000))]
            .into_iter()
            .collect();
        assert_eq!(month(of("us-east-1").with(&own).regional_nat_gateway(3)), "109.50");
        assert_eq!(month(of("us-east-1").with(&own).regional_nat_gateway(0)), "36.50");
        assert_eq!(month(of("eu-central-1").interface_endpoint(1)), "8.76");
        assert_eq!(month(of("sa-east-1").nat_gateway()), "71.54");
    }

    #[test]
    fn what_is_not_in_the_list_is_not_known() {
        assert_eq!(
            of("mx-central-1").nat_gateway(),
            Err(BTreeSet::from([Priced::NatGatewayHour, Priced::PublicIpv4Hour]))
        );
        assert_eq!(of("mx-central-1").interface_endpoint(0), Ok(Usd::default()));
        let own: Prices = [(Priced::InterfaceEndpointHour, Usd::micros(12_500))]
            .into_iter()
            .collect();
        let prices = of("mx-central-1").with(&own);
        assert_eq!(prices.interface_endpoint(2).unwrap().to_string(), "18.25");
    }

    #[test]
    fn amounts_are_read_as_the_list_writes_them() {
        assert_eq!(Usd::parse("0.0450000000"), Some(Usd::micros(45_000)));
        assert_eq!(Usd::parse("3"), Some(Usd::dollars(3)));
        assert_eq!(Usd::parse("0.0450000000").unwrap().exact(), "0.045");
        assert_eq!(Usd::dollars(3).exact(), "3");
        for wrong in ["", ".5", "1e3", "-1", "0.00000001"] {
            assert_eq!(Usd::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_part_of_a_cent_counts_as_one() {
        assert_eq!(Usd::micros(10_000_001).to_string(), "10.01");
        assert_eq!(Usd::dollars(40).to_string(), "40.00");
    }
}
