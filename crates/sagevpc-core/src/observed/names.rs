//! How names resolve in a VPC.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;

use super::{DhcpOptions, EndpointService, Vpc, VpcEndpoint, VpcSnapshot};

/// The name that stands for AWS's resolver in DHCP options.
pub const AWS_RESOLVER: &str = "AmazonProvidedDNS";

/// Where AWS's resolver answers in every VPC.
const AWS_RESOLVER_ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253)),
];

/// The third address of a block, where AWS's resolver answers.
pub fn resolver_address(block: Ipv4Net) -> Option<Ipv4Addr> {
    block.network().to_bits().checked_add(2).map(Ipv4Addr::from_bits)
}

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
        let third = self.cidr_block.and_then(resolver_address).map(IpAddr::V4);
        match server.parse::<IpAddr>() {
            Ok(address) => AWS_RESOLVER_ADDRESSES.contains(&address) || third == Some(address),
            Err(_) => server.eq_ignore_ascii_case(AWS_RESOLVER),
        }
    }
}

impl VpcSnapshot {
    /// The DNS servers that instances ask, by the DHCP options; none where these
    /// were not seen or name none.
    pub fn resolvers(&self) -> Vec<String> {
        let options = self.dhcp_options.as_ref();
        options.map_or_else(Vec::new, |options| options.values("domain-name-servers"))
    }

    /// Those among them that are not AWS's. They are asked through the network,
    /// as AWS's is not.
    pub fn custom_resolvers(&self) -> Vec<String> {
        let mut servers = self.resolvers();
        servers.retain(|server| !self.vpc.is_awss_resolver(server));
        servers
    }

    /// Their addresses.
    pub fn custom_resolver_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.custom_resolvers()
            .into_iter()
            .filter_map(|server| server.parse().ok())
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

impl VpcEndpoint {
    /// Whether it is a gateway endpoint of S3.
    pub fn is_s3_gateway(&self) -> bool {
        self.is_gateway() && is_s3(&self.service_name)
    }

    /// Whether it is a gateway endpoint of S3's directory buckets.
    pub fn is_s3_express_gateway(&self) -> bool {
        self.is_gateway() && is_s3_express(&self.service_name)
    }
}

/// Whether a service's full name is that of S3's directory buckets, S3 Express
/// One Zone; so is their prefix list named.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-az-networking.html>.
pub(super) fn is_s3_express(service_name: &str) -> bool {
    service_name.ends_with(".s3express")
}

/// Whether a service's full name is that of S3. So is its prefix list named, and
/// both its gateway service and its service of interface endpoints.
pub(super) fn is_s3(service_name: &str) -> bool {
    service_name.ends_with(".s3")
}

impl VpcSnapshot {
    /// Whether `service_name`, a full one as AWS gives it, is what `name` means:
    /// the same, or what follows the region in it, such as `sagemaker.api` in
    /// `com.amazonaws.us-east-1.sagemaker.api`.
    pub fn is_service(&self, service_name: &str, name: &str) -> bool {
        let after_region = service_name
            .strip_suffix(name)
            .and_then(|rest| rest.strip_suffix('.'))
            .and_then(|rest| rest.rsplit('.').next());
        service_name == name || after_region.is_some_and(is_region)
    }

    /// Whether clients of the service use its endpoint by the endpoint's own
    /// names: it has no private name, or that is left to a gateway endpoint.
    pub fn goes_by_endpoints_names(&self, name: &str) -> bool {
        let mut offered = self
            .endpoint_services
            .iter()
            .filter(|offered| self.is_service(&offered.service_name, name));
        let has_gateway = offered.clone().any(EndpointService::is_gateway);
        has_gateway || offered.any(|offered| offered.private_dns_name.is_none() && offered.private_dns_names.is_empty())
    }
}

/// Whether the text has the form of a region's code, such as `us-east-1`.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_partition = parts.next().is_some_and(|part| part.len() == 2);
    let number = parts.next_back().unwrap_or_default();
    let names: Vec<&str> = parts.collect();
    is_partition
        && !names.is_empty()
        && names
            .iter()
            .all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
