//! Whether names can be asked for at all: of AWS's own resolver always, of DNS
//! servers of somebody's own through the network.

use std::net::IpAddr;

use super::{
    Destination, Start,
    cause::{Cause, Stop},
    verdict::{Answer, Path, Verdict},
};
use crate::types::DNS_QUERIES;

/// A DNS server, asked by UDP.
pub(super) fn by_udp(server: IpAddr) -> Destination {
    let [traffic, _] = DNS_QUERIES;
    Destination::Resolver { server, traffic }
}

impl Start<'_, '_> {
    /// Why no DNS server of the VPC answers from here; `None` where one may: clients
    /// ask the next where one does not, so that others only make names resolve slowly.
    pub fn no_dns_server(&self) -> Option<Cause> {
        let snapshot = self.reach.snapshot;
        if snapshot.custom_resolvers().len() < snapshot.resolvers().len() {
            return None;
        }
        let mut first = None;
        for server in snapshot.custom_resolver_addresses() {
            match self.answer(&by_udp(server))?.verdict {
                Verdict::Reachable(_) | Verdict::Unknown(..) => return None,
                Verdict::Stopped(_, Stop { cause, .. }) => {
                    first.get_or_insert((server, cause));
                }
            }
        }
        let (server, why) = first?;
        Some(Cause::NoDnsServer {
            servers: snapshot.custom_resolvers(),
            server,
            why: Box::new(why),
        })
    }

    /// What becomes of packets to a destination that is asked for by itself: where it
    /// is a name and no DNS server can be asked, that stops them. Of profiles, DNS
    /// servers are demanded by themselves.
    pub fn answer_alone(&self, destination: &Destination) -> Answer {
        let mut answer = self.answer(destination).unwrap_or_else(|| Answer {
            verdict: self.to(destination),
            causes: Vec::new(),
            unseen: Vec::new(),
            remarks: Vec::new(),
        });
        let is_by_name = *destination != Destination::Efa && self.is_by_name(destination);
        if let Some(cause) = is_by_name.then(|| self.no_dns_server()).flatten() {
            answer.causes.insert(0, cause.clone());
            answer.verdict = Verdict::Stopped(Path::default(), Stop { cause, part: None });
        }
        answer
    }
}
