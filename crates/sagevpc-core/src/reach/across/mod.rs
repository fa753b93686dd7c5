//! Ways across to other networks and through appliances, and back.
//!
//! A route that leads to a peering connection, a transit gateway or an endpoint
//! of appliances goes on where the snapshot shows what is there: each VPC is
//! read as one [`Reach`] of its own, and packets go from one to the next until
//! they arrive or leave for the internet. Answers then go back by the tables of
//! wherever they are, to where the packets set out.
//!
//! | File | Knows |
//! |---|---|
//! | `link` | what routes lead across |
//! | `there` | the way to the destination |
//! | `back` | the way that answers take |
//! | `transit` | attachments and route tables of transit gateways |
//! | `fault`, `hidden` | what stops packets on the way, and what cannot be seen |

mod back;
mod fault;
mod hidden;
mod link;
#[cfg(test)]
mod tests;
mod there;
mod transit;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    Reach,
    network::{Leg, Trip},
};
use crate::types::{AccountId, SecurityGroupId, VpcId};

pub use fault::{LinkFault, NoWayBack};
pub use hidden::{Hidden, HiddenPart};
pub use link::Link;

/// How many steps from network to network are followed: more are a circle.
const STEPS: usize = 16;

/// Whose address packets have where they set out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// An instance's, which has no public one.
    Instance,
    /// A NAT gateway's.
    NatGateway {
        /// Whether it has none but a private one.
        is_private: bool,
    },
}

/// Who answers in another VPC.
#[derive(Clone, Debug)]
pub(super) struct FarEnd {
    /// The VPC.
    pub(super) vpc: VpcId,
    /// The groups of the interface that has the address.
    pub(super) groups: BTreeSet<SecurityGroupId>,
    /// From where packets come, as it sees them.
    pub(super) sources: Vec<IpNet>,
    /// Whether its groups may name the source's.
    pub(super) knows_groups: bool,
}

/// A way across, from where packets set out.
pub(super) struct Across<'w, 's> {
    /// The VPC that was asked of.
    pub(super) root: &'w Reach<'s>,
    /// The VPC whose address the packets have.
    pub(super) own: &'w Reach<'s>,
    pub(super) trip: &'w Trip<'w>,
    /// The place in it where they set out and where answers are to get.
    pub(super) start: usize,
    pub(super) sender: Sender,
    /// How many appliances were passed before.
    pub(super) passed: usize,
}

/// Where a packet or an answer is.
#[derive(Clone)]
struct Stand<'w, 's> {
    view: &'w Reach<'s>,
    /// In this subnet, by its place.
    at: usize,
    /// Whether it has passed the subnet's network ACL on the way out.
    is_out: bool,
    /// What it came to this VPC by, or through last.
    by: Option<Link>,
}

impl<'s> Reach<'s> {
    /// Follows a route across, out of the subnet at `start`, and answers back to
    /// it, up to its network ACL.
    pub(super) fn across(&self, trip: &Trip<'_>, link: &Link, leg: Leg) -> Vec<Leg> {
        let across = Across {
            root: self,
            own: self,
            trip,
            start: trip.from,
            sender: Sender::Instance,
            passed: leg.appliances.len(),
        };
        across.follow(link, leg)
    }

    /// A VPC that packets may come to; `None` where it was not seen.
    fn view(&self, vpc: &VpcId) -> Option<&Reach<'s>> {
        if self.snapshot.vpc.vpc_id == *vpc {
            return Some(self);
        }
        let neighbours = self.neighbours.get_or_init(|| {
            let vpcs = self.snapshot.beyond.vpcs.iter();
            vpcs.map(|(id, vpc)| (id.clone(), Reach::new(vpc)))
                .collect::<BTreeMap<_, _>>()
        });
        neighbours.get(vpc)
    }

    /// The groups' rules of another VPC.
    pub(super) fn groups_of(&self, vpc: &VpcId) -> Option<&super::filter::Groups> {
        self.view(vpc).map(|view| &view.groups)
    }
}

impl<'w, 's> Across<'w, 's> {
    /// Follows the link, and answers back.
    pub(super) fn follow(&self, link: &Link, leg: Leg) -> Vec<Leg> {
        let stand = Stand {
            view: self.own,
            at: self.start,
            is_out: true,
            by: None,
        };
        self.by_link(&stand, link, leg, STEPS)
    }

    /// Whether a VPC is that whose address the packets have.
    fn is_own(&self, view: &Reach<'_>) -> bool {
        view.snapshot.vpc.vpc_id == self.own.snapshot.vpc.vpc_id
    }

    /// The account of a VPC, where it is another than that which was asked of.
    fn owner(&self, view: &Reach<'_>) -> Option<AccountId> {
        let owner = |reach: &Reach<'_>| {
            let snapshot = reach.snapshot;
            snapshot.vpc.owner_id.clone().or_else(|| snapshot.account.clone())
        };
        owner(view).filter(|found| owner(self.root).as_ref() != Some(found))
    }

    /// Whether two subnets are in one zone; `None` where that cannot be told.
    /// Accounts have names of their own for zones.
    fn is_same_zone(&self, one: (&Reach<'_>, usize), other: (&Reach<'_>, usize)) -> Option<bool> {
        let (first, second) = (subnet_of(one)?, subnet_of(other)?);
        if let (Some(a), Some(b)) = (&first.availability_zone_id, &second.availability_zone_id) {
            return Some(a == b);
        }
        let is_one_account = one.0.snapshot.account == other.0.snapshot.account;
        match (&first.availability_zone, &second.availability_zone) {
            (Some(a), Some(b)) if is_one_account => Some(a == b),
            (Some(_) | None, _) => None,
        }
    }
}

fn subnet_of<'v>((view, at): (&'v Reach<'_>, usize)) -> Option<&'v crate::observed::Subnet> {
    view.snapshot.subnets.get(&view.places[at].id)
}
