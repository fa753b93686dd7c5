//! The routes that are there, and the NAT gateways of others that they lead to.
//! Whether they lead out, reachability says.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{destinations::from_subnet, nat_gateways::NatGateways};
use crate::{
    api::ResourceOwnership,
    observed::{Route, RouteTable},
    plan::{draft::Draft, internet::need::default_route, resolved::ResolvedProfile},
    types::NatGatewayId,
};

/// Lists the NAT gateways of others by which these profiles go out.
pub(super) fn list(draft: &mut Draft<'_>, outbound: &[&ResolvedProfile<'_>], nat_gateways: &NatGateways<'_>) {
    let snapshot = draft.snapshot;
    let mut used: BTreeSet<NatGatewayId> = BTreeSet::new();
    for resolved in outbound {
        for subnet in &resolved.subnets {
            let Some(table) = snapshot.route_table_of(&subnet.subnet_id) else {
                continue;
            };
            for (_, block) in from_subnet(resolved, subnet) {
                let leading = route_for(table, block, None).into_iter();
                let routes = leading.chain(routes_within(table, block));
                used.extend(routes.filter_map(Route::nat_gateway));
            }
        }
    }
    let is_there = |id: &&NatGatewayId| snapshot.nat_gateways.contains_key(*id) && !nat_gateways.is_shown(id);
    for id in used.iter().filter(is_there) {
        let purpose = "way out".to_owned();
        draft.list("NatGateway", id.as_str(), purpose, ResourceOwnership::Found);
    }
}

/// The route that traffic to the block takes: that of the longest prefix.
/// Default routes to NAT gateways in `leaving_out` do not count: ours come and
/// go with need.
pub(super) fn route_for<'t>(
    table: &'t RouteTable,
    block: IpNet,
    leaving_out: Option<&NatGateways<'_>>,
) -> Option<&'t Route> {
    let left_out = default_route(table)
        .filter(|route| leaving_out.is_some_and(|nat_gateways| nat_gateways.led_to_by(route).is_some()));
    let leading = table
        .routes
        .iter()
        .filter(|route| left_out.is_none_or(|left_out| left_out != *route))
        .filter_map(|route| Some((route.destination()?, route)))
        .filter(|(to, _)| to.contains(&block));
    leading.max_by_key(|(to, _)| to.prefix_len()).map(|(_, route)| route)
}

/// Routes that take a part of the block elsewhere. Where a host is among all
/// addresses nobody can tell, so they do not matter for one.
fn routes_within(table: &RouteTable, block: IpNet) -> impl Iterator<Item = &Route> {
    table.routes.iter().filter(move |route| {
        block.prefix_len() > 0 && route.destination().is_some_and(|to| block.contains(&to) && to != block)
    })
}
