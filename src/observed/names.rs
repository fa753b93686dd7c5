//! How names resolve in a VPC.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{DhcpOptions, EndpointService, Vpc, VpcSnapshot};
use crate::types::Region;

/// The name that stands for AWS's resolver in DHCP options.
pub const AWS_RESOLVER: &str = "AmazonProvidedDNS";

/// Where AWS's resolver answers in every VPC.
const AWS_RESOLVER_ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253)),
];

impl DhcpOptions {
    /// The values of an option.
    pub fn values(&self, key: &str) -> Vec<String> {
        let configurations = self
            .dhcp_configurations
            .iter()
            .filter(|configuration| configuration.key == key);
        configurations
            .flat_map(|configuration| configuration.values.iter().map(|value| value.value.clone()))
            .collect()
    }
}

impl Vpc {
    /// Whether a DNS server is AWS's resolver, by its name or by an address:
    /// besides those that are the same everywhere, it has the third of the VPC's
    /// block.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>.
    pub fn is_awss_resolver(&self, server: &str) -> bool {
        let third = self
            .cidr_block
            .and_then(|block| block.network().to_bits().checked_add(2))
            .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        match server.parse::<IpAddr>() {
            Ok(address) => AWS_RESOLVER_ADDRESSES.contains(&address) || third == Some(address),
            Err(_) => server.eq_ignore_ascii_case(AWS_RESOLVER),
        }
    }
}

impl EndpointService {
    /// Whether private DNS gives the service this name.
    pub fn has_name(&self, host: &str) -> bool {
        let listed = self
            .private_dns_names
            .iter()
            .filter_map(|name| name.private_dns_name.as_deref());
        listed
            .chain(self.private_dns_name.as_deref())
            .any(|name| match name.strip_prefix('*') {
                Some(suffix) => host.ends_with(suffix),
                None => host == name,
            })
    }
}

impl VpcSnapshot {
    /// Whether `service_name`, a full one as AWS gives it, is what `name` means:
    /// the same, or what follows the region in it, such as `sagemaker.api` in
    /// `com.amazonaws.us-east-1.sagemaker.api`.
    pub fn is_service(&self, service_name: &str, name: &str) -> bool {
        if service_name == name {
            return true;
        }
        let Some(rest) = service_name.strip_suffix(name) else {
            return false;
        };
        match self.region.as_ref().map(Region::as_str) {
            Some(region) => rest.strip_suffix('.').is_some_and(|rest| rest.ends_with(region)),
            None => rest.ends_with('.') && rest.matches('.').count() == 3,
        }
    }
}
