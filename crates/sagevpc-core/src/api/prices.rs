//! Prices that a platform team gives in the place of AWS's list prices.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalog::{self, Priced, Usd};

/// Prices in US dollars, such as those of AWS's price list for the region, or of
/// an agreement with AWS. What is left out is as AWS's list has it, where
/// sagevpc knows that.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// An interface endpoint, an hour in one zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_endpoint_hour: Option<Price>,
    /// A gigabyte through an interface endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_endpoint_gigabyte: Option<Price>,
    /// A zonal NAT gateway, an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway_hour: Option<Price>,
    /// A gigabyte through a NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway_gigabyte: Option<Price>,
    /// A regional NAT gateway, an hour in one zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_nat_gateway_hour: Option<Price>,
    /// A public IPv4 address, an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ipv4_hour: Option<Price>,
}

impl Prices {
    /// Those that are given.
    pub fn given(&self) -> catalog::Prices {
        let Self {
            interface_endpoint_hour,
            interface_endpoint_gigabyte,
            nat_gateway_hour,
            nat_gateway_gigabyte,
            regional_nat_gateway_hour,
            public_ipv4_hour,
        } = self;
        let all = [
            (Priced::InterfaceEndpointHour, interface_endpoint_hour),
            (Priced::InterfaceEndpointGigabyte, interface_endpoint_gigabyte),
            (Priced::NatGatewayHour, nat_gateway_hour),
            (Priced::NatGatewayGigabyte, nat_gateway_gigabyte),
            (Priced::RegionalNatGatewayHour, regional_nat_gateway_hour),
            (Priced::PublicIpv4Hour, public_ipv4_hour),
        ];
        all.into_iter()
            .filter_map(|(priced, price)| Some((priced, (*price)?.0)))
            .collect()
    }
}

/// A price in US dollars, as text: `"0.045"`.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(inline, transparent)]
pub struct Price(
    #[schemars(
        with = "String",
        regex(pattern = r"^[0-9]{1,3}([.][0-9]{1,6})?$"),
        length(min = 1, max = 10)
    )]
    pub Usd,
);

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.exact())
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is no price in US dollars such as \"0.045\""));
        Usd::parse(&text).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_are_written_as_text() {
        let prices: Prices = serde_json::from_value(json!({ "natGatewayHour": "0.0450" })).unwrap();
        assert_eq!(prices.given().get(Priced::NatGatewayHour), Some(Usd::micros(45_000)));
        assert_eq!(
            serde_json::to_value(prices).unwrap(),
            json!({ "natGatewayHour": "0.045" })
        );
        for wrong in [json!("a nickel"), json!("-1"), json!(0.045)] {
            let prices = serde_json::from_value::<Prices>(json!({ "natGatewayHour": wrong }));
            assert!(prices.is_err());
        }
    }
}
