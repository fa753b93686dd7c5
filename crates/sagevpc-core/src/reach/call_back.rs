//! Connections that what is reached opens itself, to whoever reached it: file
//! systems call their clients back.

use std::collections::BTreeSet;

use super::{
    Reach,
    cause::Cause,
    filter::Admission,
    network::{Crossing, Leg, Trip},
    parts::{blocks_of, not_known},
    space::space,
    start::Start,
    unseen::Unseen,
};
use crate::types::Direction;

/// What security groups say of a connection that the receiver opens.
#[derive(Default)]
pub(super) struct CallBack {
    /// That the receiver's groups do not let it out, which comes first.
    pub(super) let_out: Option<Cause>,
    /// That the caller's do not let it in, which comes last.
    pub(super) let_in: Option<Cause>,
    pub(super) unseen: Vec<Unseen>,
}

impl Start<'_, '_> {
    /// What security groups say of connections that the receiver opens itself. Where
    /// these go by something that nobody can look into, nobody knows what they look
    /// like as they come in.
    pub(super) fn called_back(&self, trip: &Trip<'_>, leg: &Leg) -> CallBack {
        let target = trip.target;
        if !target.calls_back {
            return CallBack::default();
        }
        let none = BTreeSet::new();
        let theirs = target.receiver.groups().unwrap_or(&none);
        let sources = space(trip.nets.iter().copied(), target.flow.ports);
        let groups = &self.reach.groups;
        let out =
            (!theirs.is_empty()).then(|| groups.admit(theirs, Direction::Egress, target.flow, sources, &self.groups));
        let comes_in = || {
            groups.admit(
                &self.groups,
                Direction::Ingress,
                target.flow,
                target.space.clone(),
                theirs,
            )
        };
        let back = (!leg.is_back_unseen).then(comes_in);
        let unseen = back.iter().chain(&out).flat_map(not_known).collect();
        let refused = |admission: &Admission| !admission.refused.is_empty() && not_known(admission).is_empty();
        let out = out.filter(refused).map(|out| Cause::NotAdmitted {
            groups: theirs.iter().cloned().collect(),
            direction: Direction::Egress,
            traffic: target.traffic,
            peers: blocks_of(&out.refused),
            endpoint: None,
            callers: Some(self.groups.iter().cloned().collect()),
        });
        let back = back.filter(refused).map(|_| Cause::NotAdmitted {
            groups: self.groups.iter().cloned().collect(),
            direction: Direction::Ingress,
            traffic: target.traffic,
            peers: target.whom.clone(),
            endpoint: None,
            callers: None,
        });
        CallBack {
            let_out: out,
            let_in: back,
            unseen,
        }
    }
}

impl Reach<'_> {
    /// Past the network ACLs for connections that the target, in the subnet at
    /// `at`, opens to the source.
    pub(super) fn called_from(&self, trip: &Trip<'_>, at: usize, leg: Leg) -> Vec<Leg> {
        let out = self.past_acl_from(trip, at, Direction::Egress, Crossing::There, leg);
        let answered = if out.is_back_unseen {
            vec![out]
        } else {
            let there = self.past_acl(trip, trip.from, Direction::Ingress, Crossing::There, out);
            let answers = |leg| self.past_acl(trip, trip.from, Direction::Egress, Crossing::Back, leg);
            there.into_iter().flat_map(answers).collect()
        };
        let answered = answered.into_iter();
        answered
            .map(|leg| self.past_acl_from(trip, at, Direction::Ingress, Crossing::Back, leg))
            .collect()
    }
}
