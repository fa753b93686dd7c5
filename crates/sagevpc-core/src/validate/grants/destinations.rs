//! Grants of destinations: names with ports, or sets of addresses with ports.

use std::{ops::RangeInclusive, str::FromStr};

use ipnet::IpNet;
use wildmatch::WildMatch;

use crate::api::Destination;

/// The port of a grant, and of a destination, that names none.
const HTTPS: u16 = 443;

/// The grant of everything.
const ANYTHING: &str = "*";

const EVERY_PORT: RangeInclusive<u16> = 1..=u16::MAX;

/// `name-or-cidr[:port[-port]|:*][/tcp]`: what profiles may reach, over TCP,
/// which is all that destinations speak; or `*` alone, as in the other lists of
/// grants, which is all there is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DestinationGrant {
    to: To,
    ports: RangeInclusive<u16>,
}

#[derive(Clone, Debug, PartialEq)]
enum To {
    /// Every name and every address.
    Anything,
    /// Host names.
    Hosts(WildMatch),
    /// A block of addresses.
    Addresses(IpNet),
}

impl FromStr for DestinationGrant {
    /// The fix, as the end of a sentence.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || {
            "give a host's name or a CIDR, with ports where they are not 443: *.example.com, db.example.com:5432, \
             192.0.2.0/24:8000-8099 or 2001:db8::/32:*"
                .to_owned()
        };
        if text == ANYTHING {
            return Ok(Self {
                to: To::Anything,
                ports: EVERY_PORT,
            });
        }
        let text = text.strip_suffix("/tcp").unwrap_or(text);
        // The prefix's length tells an IPv6 address's colons from that of the ports.
        let (target, ports) = match text.split_once('/') {
            Some((address, rest)) => {
                let (length, ports) = split_ports(rest);
                (To::Addresses(block(&format!("{address}/{length}"))?), ports)
            }
            None => {
                let (name, ports) = split_ports(text);
                (To::Hosts(hosts(name).ok_or_else(form)??), ports)
            }
        };
        Ok(Self {
            to: target,
            ports: ports.map_or(Ok(HTTPS..=HTTPS), |ports| range(ports).ok_or_else(form))?,
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

/// The ports of the destination that these grants do not cover, each written as
/// the grant that would.
pub(super) fn missing_ports(grants: &[DestinationGrant], destination: &Destination) -> Vec<String> {
    let name = destination.name();
    // An address means the block that it lies in.
    let cidr = destination
        .cidr
        .as_ref()
        .map(|cidr| cidr.parse().map(|cidr: IpNet| cidr.trunc()));
    let is_covered = |port: &u16| {
        let here = grants.iter().filter(|grant| grant.ports.contains(port));
        if here.clone().any(|grant| grant.to == To::Anything) {
            return true;
        }
        match &cidr {
            None => here.clone().any(|grant| match &grant.to {
                To::Hosts(pattern) => pattern.matches(name),
                To::Anything | To::Addresses(_) => false,
            }),
            Some(Err(_)) => false,
            Some(Ok(cidr)) => {
                let blocks: Vec<IpNet> = here
                    .filter_map(|grant| match &grant.to {
                        To::Addresses(block) => Some(*block),
                        To::Anything | To::Hosts(_) => None,
                    })
                    .collect();
                // Blocks side by side may cover it together.
                IpNet::aggregate(&blocks).iter().any(|block| block.contains(cidr))
            }
        }
    };
    let shown = match &cidr {
        Some(Ok(cidr)) => cidr.to_string(),
        Some(Err(_)) | None => name.to_owned(),
    };
    let missing = destination.ports.iter().filter(|port| !is_covered(port));
    missing
        .map(|port| {
            if *port == HTTPS {
                shown.clone()
            } else {
                format!("{shown}:{port}")
            }
        })
        .collect()
}

/// Whether a host's name is an address in truth: no name ends in a number.
///
/// See <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
pub(in crate::validate) fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit())
}
