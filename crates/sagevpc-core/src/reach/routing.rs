//! Where routes take packets, whatever else is in the way.

use std::collections::BTreeSet;

use super::{
    Destination,
    cause::{Cause, Through},
    hop::Hop,
    network::Leg,
    start::Start,
};
use crate::types::NatGatewayId;

/// What the routes of a subnet do with packets to a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Whether some of it is reached and answers, whatever security groups say
    /// and as far as can be seen.
    pub arrives: bool,
    /// Whether there is none for some of it.
    pub is_missing: bool,
    /// Whether one for some of it leads to what is gone.
    pub is_dead: bool,
    /// The NAT gateways that they lead to.
    pub nat_gateways: BTreeSet<NatGatewayId>,
}

impl Start<'_, '_> {
    /// What the subnet's routes do with packets to the destination.
    pub fn routing(&self, destination: &Destination) -> Routing {
        let mut routing = Routing::default();
        let asked = self.resolve(destination);
        for way in self.ways(&asked).into_iter().flatten() {
            for leg in way.iter() {
                routing.arrives |= leg.is_open();
                let stop = leg.stop.as_ref();
                routing.is_missing |= stop.is_some_and(|cause| matches!(cause, Cause::NoRoute { .. }));
                routing.is_dead |= stop.is_some_and(|cause| matches!(cause, Cause::Blackhole { .. }));
                routing.nat_gateways.extend(nat_gateway(leg).cloned());
            }
        }
        routing
    }
}

/// The NAT gateway that a leg goes through, or is stopped by.
fn nat_gateway(leg: &Leg) -> Option<&NatGatewayId> {
    if let Some(
        Cause::NatUnavailable { gateway, .. }
        | Cause::NatIsPrivate { gateway, .. }
        | Cause::NatTakesNoIpv6 { gateway }
        | Cause::NatInPrivateSubnet(Through { gateway, .. }),
    ) = &leg.stop
    {
        return Some(gateway);
    }
    leg.hops.iter().find_map(|hop| {
        if let Hop::NatGateway { gateway, .. } = hop {
            Some(gateway)
        } else {
            None
        }
    })
}
