//! Whether the free addresses suffice for all profiles together.
//!
//! Each profile needs addresses in any of its own subnets, and profiles share
//! subnets: whether all fit is a flow from profiles to subnets. Older profiles
//! are served first. What a profile's running workloads hold already counts
//! towards what it needs. A profile that has no effect takes no addresses.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{Graph, algo::dinics, graph::NodeIndex};

use super::resolve::ResolvedProfile;
use crate::{
    observed::{NetworkInterface, VpcSnapshot, tags_of},
    types::{NetworkInterfaceId, Ownership, ResourceKey, SecurityGroupId, SubnetId, listed},
    validate::SecurityGroups,
};

/// Addresses that EC2 can give from a block with this many bits for hosts.
const KEPT_BY_AWS: u64 = 5;

/// The profiles, by their place, that the addresses do not suffice for, each
/// with a message of the numbers needed and there. `taken` are the addresses
/// that interface endpoints which are not there yet will take.
pub(super) fn shortages(
    snapshot: &VpcSnapshot,
    ownership: &Ownership,
    taken: &BTreeMap<SubnetId, u32>,
    profiles: &[ResolvedProfile<'_>],
) -> Vec<(usize, String)> {
    let running = Running::new(snapshot, ownership);
    let needs: Vec<Need> = profiles.iter().map(|resolved| Need::of(resolved, &running)).collect();
    let all: Vec<usize> = (0..profiles.len())
        .filter(|place| !profiles[*place].subnets.is_empty() && !profiles[*place].is_out())
        .collect();
    if fits(profiles, &needs, taken, &all) {
        return Vec::new();
    }
    let mut served = Vec::new();
    let mut short = Vec::new();
    for place in all {
        served.push(place);
        if fits(profiles, &needs, taken, &served) {
            continue;
        }
        served.pop();
        short.push((place, message(profiles, &needs, &served, place)));
    }
    short
}

/// Addresses that all workloads of a profile take when they all run.
fn demand(resolved: &ResolvedProfile<'_>) -> u32 {
    resolved.profile().workloads.iter().fold(0u32, |sum, workload| {
        sum.saturating_add(
            workload
                .instances
                .saturating_mul(workload.kind.addresses_per_instance(workload.options)),
        )
    })
}

/// The addresses that a profile needs.
struct Need {
    /// Those that its running workloads hold already.
    held: u32,
    /// Those that it needs besides.
    missing: u32,
}

impl Need {
    fn of(resolved: &ResolvedProfile<'_>, running: &Running<'_>) -> Self {
        let held = running.addresses_of(resolved);
        Self {
            held,
            missing: demand(resolved).saturating_sub(held),
        }
    }
}

/// What SageMaker runs in the VPC now.
struct Running<'a> {
    /// Our groups, by what they are for.
    groups: BTreeMap<ResourceKey, &'a SecurityGroupId>,
    /// SageMaker's interfaces, by the groups that they carry.
    interfaces: BTreeMap<&'a SecurityGroupId, Vec<&'a NetworkInterface>>,
}

impl<'a> Running<'a> {
    fn new(snapshot: &'a VpcSnapshot, ownership: &Ownership) -> Self {
        let groups = snapshot
            .security_groups
            .values()
            .filter_map(|group| Some((ownership.key_of(&tags_of(&group.tags))?, &group.group_id)))
            .collect();
        let mut interfaces: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for interface in snapshot
            .network_interfaces
            .values()
            .filter(|interface| interface.is_sagemakers())
        {
            for group in &interface.groups {
                interfaces.entry(&group.group_id).or_default().push(interface);
            }
        }
        Self { groups, interfaces }
    }

    /// The addresses of the interfaces in the profile's subnets that carry one
    /// of its groups.
    fn addresses_of(&self, resolved: &ResolvedProfile<'_>) -> u32 {
        let groups: Vec<&SecurityGroupId> = match &resolved.profile().security_groups {
            SecurityGroups::Own(ids) => ids.iter().collect(),
            SecurityGroups::PerProfile | SecurityGroups::PerWorkload => {
                let managed = resolved.network.groups.iter();
                managed
                    .filter_map(|group| self.groups.get(&group.key).copied())
                    .collect()
            }
        };
        let subnets: BTreeSet<&SubnetId> = resolved.subnets.iter().map(|subnet| &subnet.subnet_id).collect();
        // An interface may carry several of them, and counts once.
        let interfaces: BTreeMap<&NetworkInterfaceId, &NetworkInterface> = groups
            .into_iter()
            .filter_map(|group| self.interfaces.get(group))
            .flatten()
            .filter(|interface| subnets.contains(&interface.subnet_id))
            .map(|interface| (&interface.network_interface_id, *interface))
            .collect();
        interfaces
            .values()
            .fold(0u32, |sum, interface| sum.saturating_add(interface.address_count()))
    }
}

/// Whether these profiles can all have what they need at the same time.
fn fits(profiles: &[ResolvedProfile<'_>], needs: &[Need], taken: &BTreeMap<SubnetId, u32>, places: &[usize]) -> bool {
    // Profiles with the same subnets are one in the flow, so that its size
    // follows from the number of different choices and not of profiles.
    let mut demands: BTreeMap<Vec<&SubnetId>, u64> = BTreeMap::new();
    for place in places {
        let subnets = profiles[*place]
            .subnets
            .iter()
            .map(|subnet| &subnet.subnet_id)
            .collect();
        *demands.entry(subnets).or_default() += u64::from(needs[*place].missing);
    }
    let mut graph: Graph<(), u64> = Graph::new();
    let source = graph.add_node(());
    let sink = graph.add_node(());
    let mut nodes: BTreeMap<&SubnetId, NodeIndex> = BTreeMap::new();
    for subnet in places.iter().flat_map(|place| &profiles[*place].subnets) {
        nodes.entry(&subnet.subnet_id).or_insert_with(|| {
            let node = graph.add_node(());
            let taken = taken.get(&subnet.subnet_id).copied().unwrap_or_default();
            let free = subnet.available_ip_address_count.saturating_sub(taken);
            graph.add_edge(node, sink, u64::from(free));
            node
        });
    }
    let mut total = 0;
    for (subnets, demand) in demands {
        let node = graph.add_node(());
        graph.add_edge(source, node, demand);
        for subnet in subnets {
            graph.add_edge(node, nodes[subnet], demand);
        }
        total += demand;
    }
    dinics(&graph, source, sink).0 == total
}

fn message(profiles: &[ResolvedProfile<'_>], needs: &[Need], served: &[usize], place: usize) -> String {
    let resolved = &profiles[place];
    let free = resolved
        .subnets
        .iter()
        .fold(0u64, |sum, subnet| sum + u64::from(subnet.available_ip_address_count));
    let own: BTreeSet<&SubnetId> = resolved.subnets.iter().map(|subnet| &subnet.subnet_id).collect();
    let others: u64 = served
        .iter()
        .filter(|other| {
            profiles[**other]
                .subnets
                .iter()
                .any(|subnet| own.contains(&subnet.subnet_id))
        })
        .map(|other| u64::from(needs[*other].missing))
        .sum();
    let Need { held, missing: needed } = needs[place];
    let already = if held > 0 {
        format!(" besides the {held} that its running workloads hold")
    } else {
        String::new()
    };
    let shared = if others > 0 {
        format!(", of which older profiles need {others}")
    } else {
        String::new()
    };
    let lacking = (u64::from(needed) + others).saturating_sub(free).max(1);
    format!(
        "{} together have {free} free addresses{shared}, and the workloads of this profile need {needed}{already} \
         ({}). Add a subnet of /{} or larger, choose others, or lower spec.workloads[].instances.",
        listed(own),
        listed(resolved.profile().workloads.iter().map(|workload| {
            let each = workload.kind.addresses_per_instance(workload.options);
            format!("{}: {} x {each}", workload.name, workload.instances)
        })),
        prefix_for(lacking),
    )
}

/// The longest prefix whose subnet has this many addresses to give.
fn prefix_for(addresses: u64) -> u8 {
    // EC2's smallest subnet is a /28.
    (16..=28u8)
        .rev()
        .find(|prefix| (1u64 << (32 - prefix)) - KEPT_BY_AWS >= addresses)
        .unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::prefix_for;

    #[test]
    fn the_subnet_proposed_has_room_for_what_is_lacking() {
        assert_eq!(prefix_for(1), 28);
        assert_eq!(prefix_for(11), 28);
        assert_eq!(prefix_for(12), 27);
        assert_eq!(prefix_for(27), 27);
        assert_eq!(prefix_for(28), 26);
    }
}
