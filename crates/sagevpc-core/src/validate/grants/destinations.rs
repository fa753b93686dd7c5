//! Grants of destinations: names, blocks of addresses or security groups, with
//! ports.

use std::{ops::RangeInclusive, str::FromStr};

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::is_group_id;
use crate::{
    api::Destination,
    types::{Protocol, Traffic},
};

/// The port of a grant, and of a destination, that names none.
const HTTPS: u16 = 443;

/// The grant of everything.
const ANYTHING: &str = "*";

const EVERY_PORT: RangeInclusive<u16> = 1..=u16::MAX;

/// `name-or-cidr-or-group[:port[-port]|:*][/tcp|/udp]`: what profiles may reach,
/// over TCP where nothing else is said; or `*` alone, as in the other lists of
/// grants, which is all there is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DestinationGrant {
    to: To,
    ports: RangeInclusive<u16>,
    /// `None` for all.
    protocol: Option<Protocol>,
}

#[derive(Clone, Debug, PartialEq)]
enum To {
    /// Whatever there is.
    Anything,
    /// Host names.
    Hosts(WildMatch),
    /// A block of addresses.
    Addresses(IpNet),
    /// What has a security group.
    Group(String),
}

impl FromStr for DestinationGrant {
    /// The fix, as the end of a sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || {
            "give a host's name, a CIDR or a security group's id, with ports where they are not 443: *.example.com, \
             db.example.com:5432, 192.0.2.0/24:8000-8099, 2001:db8::/32:* or sg-0123456789abcdef0:5432/tcp"
                .to_owned()
        };
        if text == ANYTHING {
            return Ok(Self {
                to: To::Anything,
                ports: EVERY_PORT,
                protocol: None,
            });
        }
        let (text, protocol) = match (text.strip_suffix("/tcp"), text.strip_suffix("/udp")) {
            (Some(text), _) => (text, Protocol::TCP),
            (None, Some(text)) => (text, Protocol::UDP),
            (None, None) => (text, Protocol::TCP),
        };
        // The prefix's length tells an IPv6 address's colons from that of the ports.
        let (target, ports) = match text.split_once('/') {
            Some((address, rest)) => {
                let (length, ports) = split_ports(rest);
                (To::Addresses(block(&format!("{address}/{length}"))?), ports)
            }
            None => {
                let (name, ports) = split_ports(text);
                let target = if is_group_id(name) {
                    To::Group(name.to_owned())
                } else {
                    To::Hosts(hosts(name).ok_or_else(form)??)
                };
                (target, ports)
            }
        };
        Ok(Self {
            to: target,
            ports: ports.map_or(Ok(HTTPS..=HTTPS), |ports| range(ports).ok_or_else(form))?,
            protocol: Some(protocol),
        })
    }
}

fn split_ports(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((target, ports)) => (target, Some(ports)),
        None => (text, None),
    }
}

/// A block whose host bits are set may be meant to be one address, or a whole
/// block: nobody but its writer knows.
fn block(text: &str) -> Result<IpNet, String> {
    let block: IpNet = text.parse().map_err(|_| {
        "it is no block of addresses: give one such as 192.0.2.0/24 or 2001:db8::/32, and no pattern".to_owned()
    })?;
    if block != block.trunc() {
        return Err(format!(
            "its address has bits beyond the prefix: give {} for the block, or {}/{} for the one address",
            block.trunc(),
            block.addr(),
            block.max_prefix_len()
        ));
    }
    Ok(block)
}

fn hosts(name: &str) -> Option<Result<WildMatch, String>> {
    let admitted = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-*?".contains(c);
    if name.is_empty() || !name.chars().all(admitted) {
        return None;
    }
    let is_of_numbers = name.chars().all(|c| c.is_ascii_digit() || ".*?".contains(c));
    if is_of_numbers && name.contains(|c: char| c.is_ascii_digit()) {
        return Some(Err(
            "a pattern stands for host names: give addresses as a CIDR, such as 10.1.0.0/16".to_owned(),
        ));
    }
    Some(Ok(WildMatch::new(name)))
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if text == "*" {
        return Some(EVERY_PORT);
    }
    let port = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        is_number
            .then(|| text.parse::<u16>().ok())
            .flatten()
            .filter(|port| *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some(first..=last)
}

/// The ports of the destination that these grants do not cover, each range written
/// as the grant that would.
pub(super) fn missing_ports(grants: &[DestinationGrant], destination: &Destination) -> Vec<String> {
    // An address means the block that it lies in.
    let cidr = destination
        .cidr
        .as_ref()
        .map(|cidr| cidr.parse().map(|cidr: IpNet| cidr.trunc()));
    let shown = match &cidr {
        Some(Ok(cidr)) => cidr.to_string(),
        Some(Err(_)) | None => destination.name().to_owned(),
    };
    let is_covered = |protocol: Protocol, port: u16| {
        let here = grants
            .iter()
            .filter(|grant| grant.ports.contains(&port) && grant.protocol.is_none_or(|one| one == protocol));
        let mut blocks: Vec<IpNet> = Vec::new();
        for grant in here {
            match &grant.to {
                To::Anything => return true,
                To::Hosts(pattern) if destination.host.as_ref().is_some_and(|host| pattern.matches(host)) => {
                    return true;
                }
                To::Group(id)
                    if destination
                        .security_group_id
                        .as_ref()
                        .is_some_and(|one| one.as_str() == id) =>
                {
                    return true;
                }
                To::Addresses(block) => blocks.push(*block),
                To::Hosts(_) | To::Group(_) => {}
            }
        }
        // Blocks side by side may cover it together.
        let blocks = IpNet::aggregate(&blocks);
        matches!(&cidr, Some(Ok(cidr)) if blocks.iter().any(|block| block.contains(cidr)))
    };
    let mut missing = Vec::new();
    for traffic in destination.traffic() {
        let Some((from, to)) = bounds(traffic) else {
            continue;
        };
        // What is granted changes at bounds of grants alone.
        let edges = grants
            .iter()
            .flat_map(|grant| [Some(*grant.ports.start()), grant.ports.end().checked_add(1)])
            .flatten();
        let mut tried = edges.filter(|port| (from..=to).contains(port)).chain([from]);
        if tried.all(|port| is_covered(traffic.protocol, port)) {
            continue;
        }
        let ports = match (from, to) {
            (HTTPS, HTTPS) => String::new(),
            (from, to) if from == to => format!(":{from}"),
            (from, to) => format!(":{from}-{to}"),
        };
        let protocol = if traffic.protocol == Protocol::UDP { "/udp" } else { "" };
        missing.push(format!("{shown}{ports}{protocol}"));
    }
    missing
}

fn bounds(traffic: Traffic) -> Option<(u16, u16)> {
    let range = traffic.ports?;
    Some((u16::try_from(range.from).ok()?, u16::try_from(range.to).ok()?))
}

/// Whether a host's name is an address in truth: no name ends in a number.
///
/// See <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
pub(in crate::validate) fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit())
}
