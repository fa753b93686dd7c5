//! From one subnet of a VPC to another, and back.

use super::{
    Reach,
    cause::{Cause, RouteUsed},
    hop::Hop,
    network::{Crossing, Leg, Trip},
    routes::Via,
    space::{EVERY_PORT, Space, space, take},
    unseen::Unseen,
};
use crate::types::Direction;

impl Leg {
    /// What is sent back goes by something that nobody can look into.
    fn back_by(mut self, unseen: Unseen) -> Self {
        self.is_back_unseen = true;
        self.not_knowing(unseen)
    }
}

impl Reach<'_> {
    /// To another subnet of the VPC, and back.
    pub(super) fn within(&self, trip: &Trip<'_>, mut leg: Leg) -> Vec<Leg> {
        let mut legs = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            let mut part = Space::new();
            for net in &place.nets {
                part.extend(take(&mut leg.space, net, EVERY_PORT));
            }
            if part.is_empty() {
                continue;
            }
            let there = self.past_acl_from(trip, at, Direction::Ingress, Crossing::There, leg.with(part));
            let subnet = place.id.clone();
            let there = self.received(trip, there.past(Hop::Subnet { subnet }).turned(), at);
            let out = self.past_acl_from(trip, at, Direction::Egress, Crossing::Back, there);
            let back = self.routed_back(trip, at, out);
            if back.stop.is_some() {
                legs.push(back);
                continue;
            }
            let home = self.past_acl(trip, trip.from, Direction::Ingress, Crossing::Back, back);
            if trip.target.calls_back {
                legs.extend(home.into_iter().flat_map(|leg| self.called_from(trip, at, leg)));
            } else {
                legs.extend(home);
            }
        }
        if !leg.space.is_empty() {
            let vpc = self.snapshot.vpc.vpc_id.to_string();
            legs.push(leg.stopped(Cause::NoSubnet { vpc }));
        }
        legs
    }

    /// The route back from the subnet at `at`: within the VPC it is local,
    /// unless an appliance stands in between.
    fn routed_back(&self, trip: &Trip<'_>, at: usize, mut leg: Leg) -> Leg {
        if leg.stop.is_some() {
            return leg;
        }
        let Some(table) = self.places[at].table.map(|table| &self.tables[table]) else {
            return self.without_table(&self.places[at].id, leg);
        };
        let mut rest = space(trip.nets.iter().copied(), EVERY_PORT);
        for lead in &table.routes {
            if take(&mut rest, &lead.to, EVERY_PORT).is_empty() || lead.via == Via::Local {
                continue;
            }
            match &lead.via {
                Via::Unseen(unseen) => leg = leg.back_by(unseen.clone()),
                Via::Across(link) => leg = leg.back_by(link.unseen()),
                Via::Blackhole(target) => {
                    return leg.stopped(Cause::Blackhole {
                        route: RouteUsed {
                            table: table.id.clone(),
                            destination: lead.destination.clone(),
                        },
                        target: target.clone(),
                    });
                }
                Via::Local
                | Via::GatewayEndpoint(_)
                | Via::NatGateway(_)
                | Via::InternetGateway(_)
                | Via::EgressOnlyInternetGateway(_) => {
                    return leg.stopped(Cause::NoRoute {
                        table: table.id.clone(),
                        is_ipv6: trip.is_ipv6,
                        sibling: None,
                    });
                }
            }
        }
        if rest.is_empty() {
            leg
        } else {
            leg.stopped(Cause::NoRoute {
                table: table.id.clone(),
                is_ipv6: trip.is_ipv6,
                sibling: None,
            })
        }
    }
}
