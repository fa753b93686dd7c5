//! Where the VPC's conversations go once the plan is carried out: the subnets
//! of interface endpoints and of NAT gateways.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    observed::{Route, Stage, Subnet, VpcSnapshot},
    plan::{Action, Target, draft::Draft},
    types::{ResourceKey, RouteTableId, SubnetId, VpcEndpointId},
};

/// The subnets of each service's interface endpoints, once the plan is carried
/// out.
pub(super) fn endpoints(draft: &Draft<'_>) -> BTreeMap<String, BTreeSet<SubnetId>> {
    let mut by_id: BTreeMap<&VpcEndpointId, (&str, BTreeSet<SubnetId>)> = draft
        .snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| !endpoint.is_gateway())
        .filter(|endpoint| matches!(endpoint.stage(), Stage::Available | Stage::Pending))
        .map(|endpoint| {
            let subnets = endpoint.subnet_ids.iter().cloned().collect();
            (&endpoint.vpc_endpoint_id, (endpoint.service_name.as_str(), subnets))
        })
        .collect();
    let mut made: Vec<(&str, BTreeSet<SubnetId>)> = Vec::new();
    for planned in draft.actions() {
        if let Action::CreateInterfaceEndpoint {
            service_name, subnets, ..
        } = &planned.action
        {
            made.push((service_name, subnets.iter().cloned().collect()));
        }
        if let Action::DeleteVpcEndpoint { id } = &planned.action {
            by_id.remove(id);
        }
        if let Action::ModifyInterfaceEndpoint {
            id,
            add_subnets,
            remove_subnets,
            ..
        } = &planned.action
            && let Some((_, subnets)) = by_id.get_mut(id)
        {
            subnets.extend(add_subnets.iter().cloned());
            subnets.retain(|subnet| !remove_subnets.contains(subnet));
        }
    }
    let mut places: BTreeMap<String, BTreeSet<SubnetId>> = BTreeMap::new();
    for (service, subnets) in by_id.into_values().chain(made) {
        places.entry(service.to_owned()).or_default().extend(subnets);
    }
    places
}

/// The ways out of the route tables, once the plan is carried out.
pub(super) struct WaysOut<'a> {
    snapshot: &'a VpcSnapshot,
    /// The subnet of the NAT gateway that a table leads to.
    nats: BTreeMap<&'a RouteTableId, &'a SubnetId>,
}

impl<'a> WaysOut<'a> {
    pub(super) fn look(draft: &'a Draft<'_>) -> Self {
        let snapshot = draft.snapshot;
        let mut made: BTreeMap<&ResourceKey, &SubnetId> = BTreeMap::new();
        let mut nats: BTreeMap<&RouteTableId, &SubnetId> = snapshot
            .route_tables
            .values()
            .filter_map(|table| {
                let nat = table.routes.iter().find_map(|route| {
                    let is_way_out = route.is_active() && is_default(route);
                    route.nat_gateway().filter(|_| is_way_out)
                })?;
                let nat = snapshot.nat_gateways.get(&nat)?;
                Some((&table.route_table_id, nat.subnet_id.as_ref()?))
            })
            .collect();
        for planned in draft.actions() {
            if let Action::CreateNatGateway { key, subnet, .. } = &planned.action {
                made.insert(key, subnet);
            }
            if let Action::CreateRoute { table, nat_gateway, .. } | Action::ReplaceRoute { table, nat_gateway, .. } =
                &planned.action
            {
                let subnet = match nat_gateway {
                    Target::Existing(id) => snapshot.nat_gateways.get(id).and_then(|nat| nat.subnet_id.as_ref()),
                    Target::Made(key) => made.get(key).copied(),
                };
                nats.extend(subnet.map(|subnet| (table, subnet)));
            }
        }
        Self { snapshot, nats }
    }

    /// The subnet of the NAT gateway that IPv4 leaves through.
    pub(super) fn nat(&self, table: &RouteTableId) -> Option<&'a Subnet> {
        self.snapshot.subnets.get(*self.nats.get(table)?)
    }

    /// Whether it has a way out for IPv6.
    pub(super) fn leads_ipv6_out(&self, table: &RouteTableId) -> bool {
        self.snapshot.route_tables.get(table).is_some_and(|table| {
            table.routes.iter().any(|route| {
                let everywhere = route.destination_ipv6_cidr_block.is_some_and(|to| to.prefix_len() == 0);
                everywhere && route.is_active() && route.leaves_vpc()
            })
        })
    }
}

fn is_default(route: &Route) -> bool {
    route.destination_cidr_block.is_some_and(|to| to.prefix_len() == 0)
}
