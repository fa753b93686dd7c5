//! Who needs a way out, and what of it stays.

use std::collections::BTreeSet;

use super::{destinations, nat_gateways::NatGateways};
use crate::{
    catalog::Symptom,
    observed::{Route, RouteTable},
    plan::{Serves, draft::Draft, resolved::ResolvedProfile},
    report::{Concern, Scope},
    types::{NatGatewayId, ProfileKey, RouteTableId, SubnetId},
};

pub(super) const CONCERN: Concern = Concern::Internet;

/// The way out that stays for profiles that have no say at present.
pub(super) struct Kept {
    /// Tables that they went out by.
    pub(super) tables: BTreeSet<RouteTableId>,
    /// NAT gateways that those lead to.
    pub(super) nat_gateways: BTreeSet<NatGatewayId>,
}

impl Kept {
    pub(super) fn of(draft: &Draft<'_>, nat_gateways: &NatGateways<'_>) -> Self {
        let snapshot = draft.snapshot;
        let tables = draft.keeping.tables_out(snapshot);
        let found = tables.iter().filter_map(|table| snapshot.route_tables.get(table));
        let led_to = found
            .flat_map(|table| &table.routes)
            .filter_map(|route| nat_gateways.led_to_by(route))
            .collect();
        Self {
            tables,
            nat_gateways: led_to,
        }
    }
}

/// A route table that needs a way out of ours, and for whom.
#[derive(Clone)]
pub(super) struct WayOutNeed {
    /// The subnets in use on it.
    pub(super) subnets: BTreeSet<SubnetId>,
    /// The profiles that use them.
    pub(super) profiles: BTreeSet<ProfileKey>,
}

/// Whom a way out for these tables serves.
pub(super) fn served<'a>(needs: impl IntoIterator<Item = &'a WayOutNeed>) -> Serves {
    Serves::Profiles(
        needs
            .into_iter()
            .flat_map(|need| need.profiles.iter().cloned())
            .collect(),
    )
}

/// Whether workloads of the profile go out through the VPC.
pub(in crate::plan) fn goes_out(resolved: &ResolvedProfile<'_>) -> bool {
    !resolved.network.demands.going_out().is_empty()
}

/// The workloads of the profile that go out through the VPC.
pub(super) fn scope(resolved: &ResolvedProfile<'_>) -> Scope {
    resolved.scope_of(&resolved.network.demands.going_out())
}

/// What SageMaker's users see while so many of all these have no way out.
pub(super) fn symptom(without: usize, all: usize) -> Symptom {
    if without < all {
        Symptom::NoWayOutSometimes
    } else {
        Symptom::NoWayOut
    }
}

/// The table's default route for IPv4.
pub(super) fn default_route(table: &RouteTable) -> Option<&Route> {
    table.routes.iter().find(|route| is_default(route))
}

/// Whether it is a default route for IPv4.
pub(super) fn is_default(route: &Route) -> bool {
    route.destination() == Some(destinations::anywhere_ipv4())
}
