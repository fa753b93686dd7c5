//! The way out of the VPC: NAT gateways, their addresses and routes; or what
//! is there, judged.
//!
//! | File | Decides |
//! |---|---|
//! | `destinations` | which addresses and rules the destinations stand for |
//! | `existing` | the routes that are there, and whose NAT gateways they lead to |
//! | `places` | in which public subnets NAT gateways are to be |
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

pub(super) use destinations::rules;
use nat_gateways::NatGateways;
pub(super) use need::goes_out;
use need::{CONCERN, Kept, default_route};
use places::Places;

use super::draft::Draft;
use crate::{
    api::{InternetMode, PackageRepositories, Reason},
    observed::Route,
    plan::resolved::ResolvedProfile,
    report::Weight,
    types::{Direction, Peer, RouteTableId, Rule, listed},
    validate::SecurityGroups,
};

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let outbound: Vec<&ResolvedProfile<'_>> = profiles
        .iter()
        .filter(|resolved| resolved.takes_part() && goes_out(resolved))
        .collect();
    let nat_gateways = NatGateways::look(draft);
    let needs = match draft.network.vpc.internet {
        InternetMode::ManagedNat => routes::needs(draft, &outbound, &nat_gateways),
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
    existing::list(draft, &outbound, &nat_gateways);
    note_package_repositories(draft, profiles, &places);
}

/// The destinations that routes of somebody else's lead to, each with the table.
pub(super) fn led_by_others(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeSet<String> {
    let nat_gateways = NatGateways::look(draft);
    let mut led = BTreeSet::new();
    for resolved in profiles
        .iter()
        .filter(|resolved| resolved.takes_part() && goes_out(resolved))
    {
        for subnet in &resolved.subnets {
            let Some(table) = draft.snapshot.route_table_of(&subnet.subnet_id) else {
                continue;
            };
            for (_, block) in destinations::from_subnet(resolved, subnet) {
                let route = existing::route_for(table, block, Some(&nat_gateways));
                if route.is_some_and(Route::is_active) {
                    led.insert(format!("{block} from {}", table.route_table_id));
                }
            }
        }
    }
    led
}

/// A denial of the package repositories stands in the policy of the S3
/// endpoint, and a way out passes that by.
fn note_package_repositories(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], places: &Places) {
    let denying = profiles
        .iter()
        .filter(|resolved| resolved.takes_part())
        .filter(|resolved| resolved.profile().package_repositories == Some(PackageRepositories::Deny));
    for resolved in denying {
        let tables: Vec<&RouteTableId> = resolved
            .tables
            .keys()
            .filter(|table| places.of(table).is_some() || leads_anywhere(draft, table))
            .collect();
        if tables.is_empty() || !is_let_out(draft, resolved) {
            continue;
        }
        let message = format!(
            "packageRepositories: Deny is kept by the policy of the S3 endpoint, and the way out through {} passes it \
             by: mirrors outside S3 of this region stay in reach. Name destinations by cidr where that must not be, or \
             filter what goes out.",
            listed(tables)
        );
        draft.find_weighing(
            Weight::Advice,
            CONCERN,
            resolved.scope(),
            Reason::PackageRepositoriesOpen,
            message,
        );
    }
}

/// Whether the table has a default route by which workloads may get out.
fn leads_anywhere(draft: &Draft<'_>, table: &RouteTableId) -> bool {
    let table = draft.snapshot.route_tables.get(table);
    table
        .and_then(default_route)
        .is_some_and(|route| route.is_active() && route.leaves_vpc() && !route.to_internet_gateway())
}

/// Whether the profile's security groups let its workloads out to any address.
fn is_let_out(draft: &Draft<'_>, resolved: &ResolvedProfile<'_>) -> bool {
    let anywhere = |rule: &Rule| match rule.peer {
        Peer::Cidr(cidr) => rule.direction == Direction::Egress && cidr.prefix_len() == 0,
        Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => false,
    };
    match &resolved.profile().security_groups {
        SecurityGroups::PerProfile | SecurityGroups::PerWorkload => rules(resolved).iter().any(anywhere),
        SecurityGroups::Own(ids) => ids
            .iter()
            .filter_map(|id| draft.snapshot.security_groups.get(id))
            .any(|group| group.rules().iter().any(anywhere)),
    }
}
