//! Whose traffic an action may change or cut, besides SageMaker's.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::Disruption;
use crate::{
    observed::{NetworkInterface, PrefixList, RouteTable, VpcSnapshot},
    types::{NetworkAclId, RouteTableId, SecurityGroupId},
};

/// What happens to others on these tables once a route to a gateway endpoint of
/// S3 is there, which leads to the addresses of a list. Whoever has no other road
/// there today loses nothing.
pub(super) fn of_new_s3_route(
    snapshot: &VpcSnapshot,
    list: Option<&PrefixList>,
    tables: &[RouteTableId],
) -> Option<Disruption> {
    let with_another_road: BTreeSet<&RouteTableId> = tables
        .iter()
        .filter(|id| {
            snapshot
                .route_tables
                .get(*id)
                .is_some_and(|table| has_another_road(snapshot, list, table))
        })
        .collect();
    disruption(
        "their traffic to S3 moves from its present way to the gateway endpoint: open connections break, the source \
         address changes, and the endpoint's policy applies",
        others_on(snapshot, &with_another_road),
    )
}

/// What happens to others on these tables when the endpoint's policy changes.
pub(super) fn of_policy_change(snapshot: &VpcSnapshot, tables: &[RouteTableId]) -> Option<Disruption> {
    disruption(
        "their requests to S3 fall under the new policy",
        others_on(snapshot, &tables.iter().collect()),
    )
}

/// What happens to others on these tables when the way to the endpoint goes.
pub(super) fn of_lost_s3_route(snapshot: &VpcSnapshot, tables: &[RouteTableId]) -> Option<Disruption> {
    disruption(
        "their way to S3 through the gateway endpoint goes: open connections break",
        others_on(snapshot, &tables.iter().collect()),
    )
}

/// What happens to others on these tables when the way out through a NAT
/// gateway goes.
pub(super) fn of_lost_way_out(snapshot: &VpcSnapshot, tables: &[RouteTableId]) -> Option<Disruption> {
    disruption(
        "their way out of the VPC through the NAT gateway goes: open connections break, and new ones time out",
        others_on(snapshot, &tables.iter().collect()),
    )
}

/// What happens to others that carry this group when it loses rules.
pub(super) fn of_lost_rules(snapshot: &VpcSnapshot, group: &SecurityGroupId) -> Option<Disruption> {
    let members = snapshot
        .network_interfaces
        .values()
        .filter(|interface| interface.groups.iter().any(|member| member.group_id == *group));
    disruption(
        "traffic that these rules admitted is cut",
        members.filter(|interface| interface.is_somebody_elses()),
    )
}

/// What happens to others in the subnets of a network ACL when it loses rules
/// that allow.
pub(super) fn of_lost_acl_rules(snapshot: &VpcSnapshot, acl: &NetworkAclId) -> Option<Disruption> {
    let others = snapshot
        .network_interfaces
        .values()
        .filter(|interface| interface.is_somebody_elses());
    disruption(
        "traffic that these rules let through is cut",
        others.filter(|interface| {
            let theirs = snapshot.network_acl_of(&interface.subnet_id);
            theirs.is_some_and(|found| found.network_acl_id == *acl)
        }),
    )
}

pub(super) fn disruption<'a>(
    effect: &str,
    interfaces: impl IntoIterator<Item = &'a NetworkInterface>,
) -> Option<Disruption> {
    let interfaces: Vec<&NetworkInterface> = interfaces.into_iter().collect();
    (!interfaces.is_empty()).then(|| Disruption {
        effect: effect.to_owned(),
        interfaces: interfaces.iter().map(|interface| interface.described()).collect(),
        whom: interfaces
            .iter()
            .map(|interface| interface.network_interface_id.to_string())
            .collect(),
    })
}

/// Interfaces that are not SageMaker's, in subnets on these tables.
pub(super) fn others_on<'a>(snapshot: &'a VpcSnapshot, tables: &BTreeSet<&RouteTableId>) -> Vec<&'a NetworkInterface> {
    if tables.is_empty() {
        return Vec::new();
    }
    snapshot
        .network_interfaces
        .values()
        .filter(|interface| interface.is_somebody_elses())
        .filter(|interface| {
            snapshot
                .route_table_of(&interface.subnet_id)
                .is_some_and(|table| tables.contains(&table.route_table_id))
        })
        .collect()
}

fn has_another_road(snapshot: &VpcSnapshot, list: Option<&PrefixList>, table: &RouteTable) -> bool {
    let s3 = list.and_then(PrefixList::addresses).unwrap_or_default();
    let takes_some = |destination: &IpNet| {
        let meets = |cidr: &IpNet| destination.contains(cidr) || cidr.contains(destination);
        destination.prefix_len() == 0 || s3.iter().any(meets)
    };
    let mut roads = table
        .routes
        .iter()
        .filter(|route| route.is_active() && route.leaves_vpc());
    roads.any(|route| match (route.destination(), &route.destination_prefix_list_id) {
        (Some(destination), _) => takes_some(&destination),
        // Addresses that are not known may be S3's.
        (None, Some(list)) => snapshot.addresses_of(list).is_none_or(|all| all.iter().any(takes_some)),
        (None, None) => false,
    })
}
