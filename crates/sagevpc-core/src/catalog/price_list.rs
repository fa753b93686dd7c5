//! AWS's price list, as the bulk API gives it: what of it the table of prices
//! holds.
//!
//! Endpoints and addresses are in the offer AmazonVPC, NAT gateways in AmazonEC2.
//!
//! See <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html>.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde::Deserialize;

use super::{Priced, Usd};

/// Prices by region, as one or more offers name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    /// When the newest of the offers was published, as it says.
    published: String,
    regions: BTreeMap<String, BTreeMap<Priced, Usd>>,
}

/// What is wrong with an offer.
#[derive(Debug, thiserror::Error)]
pub enum PriceListError {
    /// It is no JSON of that form.
    #[error("not a price list of AWS's bulk API: {0}")]
    Form(#[from] serde_json::Error),
    /// A product has a price that is no amount in US dollars.
    #[error("{usage} has no price in US dollars that can be read")]
    Price {
        /// Its usage type.
        usage: String,
    },
    /// Two products of one usage have different prices.
    #[error("{usage} has more than one price")]
    Ambiguous {
        /// The usage type.
        usage: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    publication_date: String,
    products: BTreeMap<String, Product>,
    terms: Terms,
}

#[derive(Deserialize)]
struct Product {
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    #[serde(default)]
    usagetype: String,
    #[serde(default)]
    region_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Terms {
    #[serde(default)]
    on_demand: BTreeMap<String, BTreeMap<String, Term>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Term {
    price_dimensions: BTreeMap<String, Dimension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dimension {
    /// Where prices are graded, the first gigabyte's is 0.
    #[serde(default)]
    begin_range: Option<String>,
    price_per_unit: BTreeMap<String, String>,
}

impl PriceList {
    /// Adds what an offer says.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or names two prices for the same.
    pub fn add(&mut self, offer: &str) -> Result<(), PriceListError> {
        let offer: Offer = serde_json::from_str(offer)?;
        for (sku, product) in &offer.products {
            let Attributes { usagetype, region_code } = &product.attributes;
            let Some(priced) = priced(usagetype).filter(|_| !region_code.is_empty()) else {
                continue;
            };
            // Where a region is sold in another currency, its prices stay unknown.
            let Some(price) = offer.terms.price(sku, usagetype)? else {
                continue;
            };
            let known = self.regions.entry(region_code.clone()).or_default();
            if known.insert(priced, price).is_some_and(|other| other != price) {
                return Err(PriceListError::Ambiguous {
                    usage: format!("{usagetype} in {region_code}"),
                });
            }
        }
        self.published = offer.publication_date.max(std::mem::take(&mut self.published));
        Ok(())
    }
}

impl Terms {
    /// The price of the first unit, on demand.
    fn price(&self, sku: &str, usage: &str) -> Result<Option<Usd>, PriceListError> {
        let dimensions = self
            .on_demand
            .get(sku)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|term| term.price_dimensions.values());
        let mut first = dimensions.filter(|one| one.begin_range.as_deref().is_none_or(|begin| begin == "0"));
        let Some(price) = first.find_map(|one| one.price_per_unit.get("USD")) else {
            return Ok(None);
        };
        let price = Usd::parse(price).ok_or_else(|| PriceListError::Price {
            usage: usage.to_owned(),
        })?;
        Ok(Some(price))
    }
}

/// What a usage type stands for. Outside us-east-1 a prefix names the region:
/// `EUC1-NatGateway-Hours`.
fn priced(usage: &str) -> Option<Priced> {
    let is = |name: &str| {
        let rest = usage.strip_suffix(name);
        rest.is_some_and(|prefix| {
            prefix.is_empty() || (prefix.ends_with('-') && !prefix[..prefix.len() - 1].contains('-'))
        })
    };
    let all = [
        ("VpcEndpoint-Hours", Priced::InterfaceEndpointHour),
        ("VpcEndpoint-Bytes", Priced::InterfaceEndpointGigabyte),
        ("NatGateway-Hours", Priced::NatGatewayHour),
        ("NatGateway-Bytes", Priced::NatGatewayGigabyte),
        ("RegionalNatGateway-Hours", Priced::RegionalNatGatewayHour),
        ("PublicIPv4:InUseAddress", Priced::PublicIpv4Hour),
    ];
    all.into_iter().find(|(name, _)| is(name)).map(|(_, priced)| priced)
}

/// The table of prices, as Rust source.
impl fmt::Display for PriceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.published.get(..10).unwrap_or(&self.published);
        writeln!(
            f,
            "//! AWS's list prices by region, in millionths of a US dollar: written by `make\n//! prices PRICES=FILE`. As of \
             {date}.\n//!\n//! See <https://aws.amazon.com/privatelink/pricing/> and\n//! \
             <https://aws.amazon.com/vpc/pricing/>.\n\nuse super::Priced;\n\n/// The prices of each region, in the order \
             of [`Priced::ALL`].\npub(super) const TABLE: &[(&str, [Option<u64>; Priced::ALL.len()])] = &["
        )?;
        for (region, prices) in &self.regions {
            let mut row = String::new();
            for (place, priced) in Priced::ALL.iter().enumerate() {
                let separator = if place == 0 { "" } else { ", " };
                match prices.get(priced) {
                    Some(price) => write!(row, "{separator}Some({})", price.in_micros())?,
                    None => write!(row, "{separator}None")?,
                }
            }
            writeln!(f, "    (\"{region}\", [{row}]),")?;
        }
        f.write_str("];\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VPC: &str = include_str!("price_list/vpc.json");
    const EC2: &str = include_str!("price_list/ec2.json");

    #[test]
    fn the_table_holds_what_offers_say_of_endpoints_nat_gateways_and_addresses() {
        let mut list = PriceList::default();
        list.add(VPC).unwrap();
        list.add(EC2).unwrap();
        let table = list.to_string();
        assert!(table.contains("As of 2026-02-03."), "{table}");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("    (")).collect();
        assert_eq!(
            rows,
            ["    (\"xx-test-1\", [Some(11000), Some(10000), Some(48500), Some(48000), Some(49000), Some(5000)]),",]
        );
    }

    #[test]
    fn two_prices_for_the_same_are_refused() {
        let mut list = PriceList::default();
        list.add(EC2).unwrap();
        let dearer = EC2.replace("0.0485000000", "0.0500000000");
        assert!(matches!(list.add(&dearer), Err(PriceListError::Ambiguous { .. })));
    }

    #[test]
    fn what_is_no_price_list_is_refused() {
        assert!(matches!(PriceList::default().add("{}"), Err(PriceListError::Form(_))));
        let unreadable = EC2.replace("0.0485000000", "about a nickel");
        assert!(matches!(
            PriceList::default().add(&unreadable),
            Err(PriceListError::Price { .. })
        ));
    }
}
