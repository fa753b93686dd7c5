//! Elastic Fabric Adapters, which ask more of security groups than that packets
//! pass: each group lets all traffic in and out from and to itself. A rule to
//! every address does not count, and one group without the rules is enough for
//! the health checks of the adapters to fail.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html#efa-start-security>.

use super::{
    cause::{Cause, Stop},
    filter::Groups,
    start::Start,
    unseen::Unseen,
    verdict::{Answer, Path, Verdict},
};
use crate::types::{Direction, Peer, Protocol, SecurityGroupId, Traffic};

const ALL_TRAFFIC: Traffic = Traffic {
    protocol: Protocol::All,
    ports: None,
};

/// Whether the group lets all traffic pass between its own members; `None` where
/// it was not seen, or not all of its rules.
fn admits_itself(groups: &Groups, group: &SecurityGroupId, direction: Direction) -> Option<bool> {
    let mut rules = groups.rules_of(group)?;
    let admits = rules.any(|rule| {
        let is_itself = match &rule.peer {
            Peer::Itself => true,
            Peer::Group { id, .. } => id == group,
            Peer::Made(_) | Peer::PrefixList(_) | Peer::Cidr(_) => false,
        };
        is_itself && rule.direction == direction && rule.protocol == Protocol::All
    });
    (admits || groups.are_known(group)).then_some(admits)
}

impl Start<'_, '_> {
    /// What the groups lack for adapters among their members; `None` where they
    /// lack nothing.
    pub(super) fn efa(&self) -> Option<Answer> {
        let mut causes = Vec::new();
        let mut unseen = Vec::new();
        for group in self.groups.iter() {
            for direction in [Direction::Ingress, Direction::Egress] {
                match admits_itself(&self.reach.groups, group, direction) {
                    Some(true) => {}
                    Some(false) => causes.push(Cause::NotAdmitted {
                        groups: vec![group.clone()],
                        direction,
                        traffic: ALL_TRAFFIC,
                        peers: vec![Peer::Itself],
                        endpoint: None,
                        callers: None,
                    }),
                    None => unseen.push(Unseen::SecurityGroup {
                        group: group.to_string(),
                    }),
                }
            }
        }
        unseen.dedup();
        let verdict = match causes.first() {
            Some(cause) => Verdict::Stopped(
                Path::default(),
                Stop {
                    cause: cause.clone(),
                    part: None,
                },
            ),
            None if unseen.is_empty() => return None,
            None => Verdict::Unknown(Path::default(), unseen.clone()),
        };
        Some(Answer {
            verdict,
            causes,
            unseen,
            remarks: Vec::new(),
        })
    }
}
