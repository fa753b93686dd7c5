//! The way out of the VPC: NAT gateways, their addresses and routes; or what
//! is there, judged.
//!
//! | File | Decides |
//! |---|---|
//! | `destinations` | which addresses and rules the destinations stand for |
//! | `existing` | the routes that are there, and whose NAT gateways they lead to |
//! | `places` | in which public subnets NAT gateways are to be, or that one is regional |
//! | `nat_gateways` | NAT gateways of ours: made, kept, let go |
//! | `addresses` | their elastic IP addresses |
//! | `need` | who needs a way out, and what of it stays |
//! | `routes` | the default routes to them: added, turned, taken away |
//!
//! A route cannot be tagged. Ours is a default route that leads to a NAT
//! gateway of ours; one of anybody else's is never replaced, but used and
//! judged. What takes a way out away comes in the order route, NAT gateway,
//! address, and what gives one in the opposite order.

mod addresses;
mod destinations;
mod existing;
mod nat_gateways;
mod need;
mod places;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use destinations::{anywhere_ipv6, https_anywhere, rules};
use existing::RoutesOfOthers;
use nat_gateways::NatGateways;
use need::Kept;
pub(super) use need::goes_out;

use super::draft::Draft;
use crate::{api::InternetMode, plan::resolved::ResolvedProfile};

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let outbound: Vec<&ResolvedProfile<'_>> = outbound(profiles).collect();
    let nat_gateways = NatGateways::look(draft);
    let led = RoutesOfOthers::of(draft, &nat_gateways, &outbound).led(draft, &outbound);
    let needs = match draft.network.vpc.internet {
        InternetMode::ManagedNat => routes::needs(draft, &outbound, &led),
        InternetMode::None | InternetMode::Existing => BTreeMap::new(),
    };
    let places = places::choose(draft, profiles, &needs, &nat_gateways);
    let cleared = routes::clear(draft, &needs, &places, &nat_gateways);
    let gateways = nat_gateways::keep(draft, &needs, &places, &nat_gateways, &cleared);
    let turned = routes::keep(draft, &needs, &places, &nat_gateways, &gateways, &cleared);

    // Where no place can be found, what is there may be all that there is.
    if !draft.keeping.is_everything() && !places.are_missing() {
        let kept = Kept::of(draft, &nat_gateways);
        let taken_away = routes::let_go(draft, &places, &nat_gateways, &kept);
        let deleted = nat_gateways::let_go(draft, &nat_gateways, &gateways, &[turned, taken_away], &kept);
        addresses::let_go(draft, &gateways, &deleted, &kept);
    }
    led.list(draft, &nat_gateways);
}

/// The destinations that routes of somebody else's lead to, each with the table.
pub(super) fn led_by_others(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeSet<String> {
    let outbound: Vec<&ResolvedProfile<'_>> = outbound(profiles).collect();
    let mut led = BTreeSet::new();
    let of_others = RoutesOfOthers::of(draft, &NatGateways::look(draft), &outbound);
    of_others.follow(draft, &outbound, |_, subnet, demand, routing| {
        let table = draft.snapshot.route_table_of(&subnet.subnet_id);
        if let Some(table) = table.filter(|_| !routing.is_missing && !routing.is_dead) {
            let blocks = destinations::from_subnet(demand, subnet).into_iter();
            led.extend(blocks.map(|block| format!("{block} from {}", table.route_table_id)));
        }
    });
    led
}

/// The profiles that go out.
fn outbound<'p, 'a>(profiles: &'p [ResolvedProfile<'a>]) -> impl Iterator<Item = &'p ResolvedProfile<'a>> {
    profiles
        .iter()
        .filter(|resolved| resolved.takes_part() && goes_out(resolved))
}
