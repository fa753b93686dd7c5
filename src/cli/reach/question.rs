//! What `sagevpc reach` is asked, as it is typed: where packets begin, where they
//! are to get, and what is said.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use ipnet::IpNet;

use crate::cli::folder::Located;
use sagevpc_core::{
    catalog::{is_known_service, names_service},
    observed::VpcSnapshot,
    reach::Destination,
    types::{
        BucketAccess, BucketUse, NetworkInterfaceId, PortRange, PrivatePeer, Protocol, SecurityGroupId, SubnetId,
        Traffic, is_private,
    },
};

/// Where packets begin.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// In a subnet, with groups; without any, with the VPC's default one.
    Subnet(SubnetId, BTreeSet<SecurityGroupId>),
    /// At a network interface.
    Interface(NetworkInterfaceId),
    /// At the interface that has an address.
    Address(IpAddr),
    /// On the internet: anywhere, or in a block of it.
    Internet(Option<IpNet>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet(subnet, _) => subnet.fmt(f),
            Self::Interface(interface) => interface.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Internet(Some(block)) => block.fmt(f),
            Self::Internet(None) => f.write_str("internet"),
        }
    }
}

/// Reads where packets begin.
pub(super) fn origin(text: &str) -> Result<Origin, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(Origin::Address(address));
    }
    if text.eq_ignore_ascii_case("internet") {
        return Ok(Origin::Internet(None));
    }
    if let Ok(block) = text.parse::<IpNet>() {
        if is_private(&block) {
            return Err(format!(
                "{block} is a private block: name the subnet (subnet-…) and the security groups (sg-…) in which packets \
                 begin, or one address"
            ));
        }
        return Ok(Origin::Internet((block.prefix_len() > 0).then_some(block)));
    }
    if NetworkInterfaceId::is_kind_of(text) && !text.contains(',') {
        return Ok(Origin::Interface(NetworkInterfaceId::new(text)));
    }
    let mut subnet = None;
    let mut groups = BTreeSet::new();
    for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        if SubnetId::is_kind_of(id) && subnet.is_none() {
            subnet = Some(SubnetId::new(id));
        } else if SecurityGroupId::is_kind_of(id) {
            groups.insert(SecurityGroupId::new(id));
        } else {
            return Err(format!(
                "{id} is neither a security group (sg-…) nor the one subnet (subnet-…), network interface (eni-…), \
                 address or the word internet; such as subnet-0123abcd,sg-0123abcd"
            ));
        }
    }
    let subnet =
        subnet.ok_or("a subnet (subnet-…), a network interface (eni-…), an address or the word internet is needed")?;
    Ok(Origin::Subnet(subnet, groups))
}

/// Where packets are to get, as it is typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Far {
    /// S3, or a bucket of it.
    S3(Option<String>),
    /// A service, or a host without a port.
    Word(String),
    /// A host, an interface or a block, and the ports where there are any.
    At(String, Option<PortRange>),
}

/// Reads where packets are to get.
pub(super) fn far(text: &str) -> Result<Far, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("s3") {
        return Ok(Far::S3(None));
    }
    if let Some(bucket) = text.strip_prefix("s3:") {
        let name = bucket.trim_start_matches('/').split('/').next().unwrap_or_default();
        return match name {
            "" => Err("a bucket's name is missing, such as s3:fraud-data".to_owned()),
            name => Ok(Far::S3(Some(name.to_owned()))),
        };
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Err(format!(
            "{scheme}:// is a URL: give the host and its port, such as {host}:443"
        ));
    }
    let is_bare = |text: &str| text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
    if is_bare(text) || NetworkInterfaceId::is_kind_of(text) && !text.contains(':') {
        return Ok(Far::At(text.to_owned(), None));
    }
    let Some((host, ports)) = text.rsplit_once(':') else {
        return match text {
            "" => Err("it is empty: name s3, a service such as sts, or a host and its port".to_owned()),
            text if text.contains('/') => Err(format!("{text:?} is no block of addresses, such as 10.1.0.0/16:5432")),
            text => Ok(Far::Word(text.to_owned())),
        };
    };
    let ports = port_range(ports)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains('/') && host.parse::<IpNet>().is_err() {
        return Err(format!("{host:?} is no block of addresses, such as 10.1.0.0/16:5432"));
    }
    Ok(Far::At(host.to_owned(), Some(ports)))
}

fn port_range(text: &str) -> Result<PortRange, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| format!("{text:?} is no port, which is a number from 0 to 65535"))
    };
    let (from, to) = (port(from)?, port(to)?);
    if from > to {
        return Err(format!("ports {from}-{to} end before they begin"));
    }
    Ok(PortRange {
        from: from.into(),
        to: to.into(),
    })
}

/// Reads a protocol by its name or number.
pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    Protocol::parse(text.trim()).ok_or_else(|| format!("{text:?} is none of tcp, udp, icmp, icmpv6, all and 0 to 255"))
}

/// Reads a type of ICMP, and maybe a code: `8` or `3/4`.
pub(super) fn icmp(text: &str) -> Result<PortRange, String> {
    let (kind, code) = text
        .split_once('/')
        .map_or((text, None), |(kind, code)| (kind, Some(code)));
    let number = |text: &str| {
        text.trim()
            .parse::<u8>()
            .map_err(|_| format!("{text:?} is no type or code of ICMP, such as 8 or 3/4"))
    };
    Ok(PortRange {
        from: number(kind)?.into(),
        to: code.map(number).transpose()?.map_or(-1, i32::from),
    })
}

/// What is said to a host, an interface, a group or a block.
///
/// # Errors
///
/// When a port is missing, with an example; or does not go with the protocol.
pub(super) fn traffic(far: &Far, protocol: Protocol, icmp: Option<PortRange>) -> Result<Traffic, String> {
    let is_icmp = protocol == Protocol::ICMP || protocol == Protocol::ICMPV6;
    if icmp.is_some() && !is_icmp {
        return Err("--icmp goes with --protocol icmp or icmpv6".to_owned());
    }
    let (host, ports) = match far {
        Far::At(host, ports) => (host, *ports),
        Far::S3(_) | Far::Word(_) => return over_tcp(far, protocol),
    };
    let has_ports = protocol == Protocol::TCP || protocol == Protocol::UDP;
    let ports = match (has_ports, ports) {
        (true, None) => {
            return Err(format!(
                "a port is needed, such as --to {host}:443, or ports, such as {host}:8000-8100"
            ));
        }
        (false, Some(_)) => {
            let name = Traffic { protocol, ports: None };
            return Err(format!("{name} has no ports: write --to {host}"));
        }
        (true, ports) => ports,
        (false, None) => icmp,
    };
    Ok(Traffic { protocol, ports })
}

/// AWS services are asked for on their own port.
fn over_tcp(far: &Far, protocol: Protocol) -> Result<Traffic, String> {
    match (far, protocol) {
        (_, Protocol::TCP) => Ok(Traffic::tcp(443)),
        (Far::Word(name) | Far::At(name, _), Protocol::All | Protocol::Number(_)) => Err(format!(
            "{name} is asked for over TCP: leave --protocol out, or give an address"
        )),
        (Far::S3(_), Protocol::All | Protocol::Number(_)) => {
            Err("S3 is asked for over TCP: leave --protocol out, or give an address".to_owned())
        }
    }
}

/// The destination that is meant in this VPC.
///
/// # Errors
///
/// When something is missing, with an example; or does not go together.
pub(super) fn destination(
    far: &Far,
    protocol: Protocol,
    icmp: Option<PortRange>,
    vpc: &VpcSnapshot,
    snapshots: &[Located],
) -> Result<Destination, String> {
    let host = match far {
        Far::S3(bucket) => {
            over_tcp(far, protocol)?;
            let bucket = bucket
                .as_ref()
                .map(|name| BucketUse::new(name, BucketAccess::ReadWrite));
            return Ok(Destination::S3 { bucket });
        }
        Far::Word(name) if is_service(name, vpc) => {
            over_tcp(far, protocol)?;
            return Ok(Destination::Service(name.clone()));
        }
        Far::Word(name) => {
            return Err(format!(
                "{name} is not known as an AWS service: a host needs a port, such as --to {name}:443; a service that \
                 VpcEndpointServices.json does not list is named in full, such as com.amazonaws.us-east-1.sts"
            ));
        }
        Far::At(host, _) => host,
    };
    let traffic = traffic(far, protocol, icmp)?;
    let is_of_many = match protocol {
        Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6 => false,
        Protocol::All | Protocol::Number(_) => true,
    };
    if let Some(address) = address(host, snapshots)? {
        let name = address.to_string();
        return Ok(Destination::Host { name, traffic });
    }
    match host.parse::<IpNet>() {
        Ok(cidr) => Ok(Destination::Cidr { cidr, traffic }),
        Err(_) if is_of_many => Err(format!(
            "{host} is asked for over tcp, udp or icmp: give an address or a block for {}",
            Traffic { protocol, ports: None }
        )),
        Err(_) if SecurityGroupId::is_kind_of(host) => Ok(Destination::Inside {
            whom: PrivatePeer::Group(host.as_str().into()),
            traffic,
            calls_back: false,
        }),
        Err(_) => Ok(Destination::Host {
            name: host.clone(),
            traffic,
        }),
    }
}

/// An address, or the first that an interface has; `None` for a name or a block.
fn address(host: &str, snapshots: &[Located]) -> Result<Option<IpAddr>, String> {
    if !NetworkInterfaceId::is_kind_of(host) {
        return Ok(host.parse().ok());
    }
    let id = NetworkInterfaceId::new(host);
    let mut interfaces = snapshots
        .iter()
        .flat_map(|located| &located.snapshot.network_interfaces);
    let interface = interfaces.find(|interface| interface.network_interface_id == id);
    let interface = interface.ok_or_else(|| format!("NetworkInterfaces.json has no {host}: correct --to"))?;
    let first = interface.addresses().next();
    first.map(Some).ok_or_else(|| format!("{host} has no address"))
}

/// Whether a word is an AWS service's name: one that endpoints are offered for, or
/// has the form of one. A host's name ends otherwise.
fn is_service(name: &str, vpc: &VpcSnapshot) -> bool {
    const FULL: [&str; 3] = ["com.amazonaws.", "aws.sagemaker.", "cn.com.amazonaws."];
    let offered = vpc
        .endpoint_services
        .iter()
        .map(|service| service.service_name.as_str());
    let there = vpc.vpc_endpoints.iter().map(|endpoint| endpoint.service_name.as_str());
    offered.chain(there).any(|full| names_service(full, name))
        || FULL.iter().any(|start| name.starts_with(start))
        || is_known_service(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: i32, to: i32) -> Option<PortRange> {
        Some(PortRange { from, to })
    }

    #[test]
    fn destinations_are_told_apart_by_their_form() {
        let at = |host: &str, ports| Ok(Far::At(host.to_owned(), ports));
        for (text, expected) in [
            ("s3", Ok(Far::S3(None))),
            (" s3:fraud-data ", Ok(Far::S3(Some("fraud-data".to_owned())))),
            ("s3://fraud-data/key", Ok(Far::S3(Some("fraud-data".to_owned())))),
            ("sagemaker.api", Ok(Far::Word("sagemaker.api".to_owned()))),
            ("pypi.org:443", at("pypi.org", range(443, 443))),
            ("10.0.0.9:8000-8100", at("10.0.0.9", range(8000, 8100))),
            ("[2001:db8::1]:443", at("2001:db8::1", range(443, 443))),
            ("2001:db8::1", at("2001:db8::1", None)),
            ("10.1.0.0/16:5432", at("10.1.0.0/16", range(5432, 5432))),
            ("10.1.0.0/16", at("10.1.0.0/16", None)),
            ("eni-0000000a:22", at("eni-0000000a", range(22, 22))),
        ] {
            assert_eq!(far(text), expected, "{text}");
        }
        for text in [
            "",
            "pypi.org:https",
            "10.1.0.0/99:443",
            ":443",
            "https://pypi.org/simple",
            "a:9-1",
            "a:70000",
            "s3:",
        ] {
            assert!(far(text).is_err(), "{text}");
        }
    }

    #[test]
    fn packets_begin_in_one_subnet_or_at_one_interface() {
        let Origin::Subnet(subnet, groups) = origin(" subnet-0000000a, sg-00000002,sg-00000001 ").unwrap() else {
            panic!("it is a subnet");
        };
        assert_eq!((subnet.as_str(), groups.len()), ("subnet-0000000a", 2));
        assert!(matches!(origin("eni-0000000a"), Ok(Origin::Interface(_))));
        assert!(matches!(origin("10.0.0.9"), Ok(Origin::Address(_))));
        assert_eq!(origin("Internet"), Ok(Origin::Internet(None)));
        assert!(matches!(origin("203.0.113.0/24"), Ok(Origin::Internet(Some(_)))));
        for text in [
            "10.0.0.0/24",
            "sg-00000001",
            "subnet-0000000a,subnet-0000000b",
            "vpc-0000aaaa",
            "",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_is_asked_for_where_there_is_none() {
        let of = |to: &str, by: Protocol| traffic(&far(to).unwrap(), by, None);
        assert!(of("10.0.0.9", Protocol::TCP).unwrap_err().contains("--to 10.0.0.9:443"));
        assert!(
            of("10.0.0.9:8", Protocol::ICMP)
                .unwrap_err()
                .contains("icmp has no ports")
        );
        assert_eq!(of("10.0.0.9", Protocol::ICMP).map(|traffic| traffic.ports), Ok(None));
        assert_eq!(
            of("10.0.0.9:1-9", Protocol::UDP).map(|traffic| traffic.ports),
            Ok(range(1, 9))
        );
    }

    #[test]
    fn icmp_has_types_and_codes() {
        assert_eq!((icmp("8").ok(), icmp("3/4").ok()), (range(8, -1), range(3, 4)));
        assert!(icmp("300").is_err() && icmp("echo").is_err());
        assert_eq!(protocol("all"), Ok(Protocol::All));
        assert_eq!(protocol("50"), Ok(Protocol::Number(50)));
        assert!(protocol("http").is_err());
    }
}
