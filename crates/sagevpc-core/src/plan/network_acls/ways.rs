//! Where the VPC's conversations go once the plan is carried out: the subnets
//! of interface endpoints and of NAT gateways.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    observed::{Route, Stage, Subnet, VpcSnapshot},
    types::{RouteTableId, SubnetId},
};

/// The subnets of each service's interface endpoints.
pub(super) fn endpoints(projected: &VpcSnapshot) -> BTreeMap<&str, BTreeSet<&SubnetId>> {
    let mut places: BTreeMap<&str, BTreeSet<&SubnetId>> = BTreeMap::new();
    let endpoints = projected.vpc_endpoints.iter().filter(|endpoint| !endpoint.is_gateway());
    for endpoint in endpoints.filter(|endpoint| matches!(endpoint.stage(), Stage::Available | Stage::Pending)) {
        let subnets = places.entry(endpoint.service_name.as_str()).or_default();
        subnets.extend(&endpoint.subnet_ids);
    }
    places
}

/// The subnet of the NAT gateway that IPv4 leaves a table's subnets through.
pub(super) fn nat<'a>(projected: &'a VpcSnapshot, table: &RouteTableId) -> Option<&'a Subnet> {
    let routes = &projected.route_tables.get(table)?.routes;
    let id = routes.iter().find_map(|route| {
        let is_default = route.destination_cidr_block.is_some_and(|to| to.prefix_len() == 0);
        route.nat_gateway().filter(|_| is_default && route.is_active())
    })?;
    let subnet = projected.nat_gateways.get(&id)?.subnet_id.as_ref()?;
    projected.subnets.get(subnet)
}

/// Whether a table has a way out for IPv6.
pub(super) fn leads_ipv6_out(projected: &VpcSnapshot, table: &RouteTableId) -> bool {
    let is_way_out = |route: &Route| {
        let is_default = route.destination_ipv6_cidr_block.is_some_and(|to| to.prefix_len() == 0);
        is_default && route.is_active() && route.leaves_vpc()
    };
    let table = projected.route_tables.get(table);
    table.is_some_and(|table| table.routes.iter().any(is_way_out))
}
