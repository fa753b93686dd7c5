//! What has a NAT gateway lead out whose own subnet does not: one of two fixes,
//! either of which does.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Through,
    cause::{DEFAULT_ROUTE, RouteUsed},
    fix::Means,
};
use crate::types::{RouteTableId, SubnetId, listed};

impl Through {
    /// What leads its own route table to an internet gateway, and whom that would
    /// hit as well.
    fn lead_out(&self) -> String {
        let gateway = self.attached.as_deref().unwrap_or("igw-…");
        let command = |table: &RouteTableId| {
            let verb = if self.has_default {
                "replace-route"
            } else {
                "create-route"
            };
            format!(
                "`aws ec2 {verb} --route-table-id {table} --destination-cidr-block {DEFAULT_ROUTE} --gateway-id {gateway}`"
            )
        };
        match (&self.table, &self.subnet) {
            (Some(table), None) => format!("Lead its {table} to an internet gateway with {}.", command(table)),
            (None, None) => "Lead its route table to an internet gateway.".to_owned(),
            (None, Some(subnet)) => format!("Give {subnet} a route table that leads to an internet gateway."),
            (Some(table), Some(subnet)) if self.shared_with.is_empty() => {
                format!(
                    "Make {subnet} public, which alone uses {table}, with {}.",
                    command(table)
                )
            }
            (Some(table), Some(subnet)) => format!(
                "Give {subnet} a route table of its own that leads to an internet gateway; {table} stays as it is, for {} \
                 {} it too.",
                listed(&self.shared_with),
                if self.shared_with.len() == 1 { "uses" } else { "use" },
            ),
        }
    }
}

/// What would have these lead out, which are ways through one NAT gateway.
pub(super) fn nat_fix(ways: &BTreeSet<&Through>, means: &Means<'_>) -> String {
    let Some(first) = ways.first() else {
        return String::new();
    };
    // A regional one needs its own route only.
    if first.subnet.is_none() {
        return first.lead_out();
    }
    // Whoever leads to it by its own subnet's table would lose the way there.
    let is_its_own = |way: &&Through| {
        let led = way.route.as_ref().map(|route| &route.table);
        led.is_some() && led == way.table.as_ref()
    };
    let lead_out = (!ways.iter().copied().any(|way| is_its_own(&way))).then(|| first.lead_out());
    let mut routes: BTreeMap<String, (&RouteUsed, BTreeSet<&RouteTableId>)> = BTreeMap::new();
    for route in ways.iter().filter_map(|way| way.route.as_ref()) {
        let alike = routes.entry(route.destination.to_string());
        alike.or_insert_with(|| (route, BTreeSet::new())).1.insert(&route.table);
    }
    let turns = routes.into_values().map(|(route, tables)| {
        let which = format!("route {} of {}", route.destination, listed(&tables));
        let begin = if lead_out.is_some() {
            "Or, in its place, turn"
        } else {
            "Turn"
        };
        format!("{begin} {which}: {}", means.turn_in_tables(route, tables))
    });
    let all: Vec<String> = lead_out.iter().cloned().chain(turns).collect();
    all.join(" ")
}

/// The subnets, besides the NAT gateway's own, that use its route table.
pub(super) fn others_on<'s>(
    all: impl Iterator<Item = (&'s SubnetId, Option<usize>)>,
    own: (Option<&SubnetId>, Option<usize>),
) -> Vec<SubnetId> {
    let (subnet, table) = own;
    let others = all.filter(|(id, used)| table.is_some() && *used == table && Some(*id) != subnet);
    others.map(|(id, _)| id.clone()).collect()
}
