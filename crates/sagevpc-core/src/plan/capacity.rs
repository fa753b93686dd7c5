//! Whether the free addresses suffice for all profiles together.
//!
//! Each profile needs addresses in any of its own subnets, and profiles share
//! subnets: whether all fit is a flow from profiles to subnets. Profiles that had
//! room as they are come first, and then older ones: who asks for more waits
//! behind those who only go on. What a profile's running workloads hold already counts
//! towards what it needs. A profile that has no effect takes no addresses. An
//! instance gets all its addresses from one subnet, and where it needs several
//! zones, each of them must have room for it.

mod running;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{Graph, algo::dinics, graph::NodeIndex};

use self::running::Running;
use super::{Action, draft::Draft, endpoints, result::SubnetCapacity, zones};
use crate::{
    api::Reason,
    observed::{Subnet, VpcSnapshot},
    plan::{NatGatewayChange, VpcEndpointChange, resolved::ResolvedProfile},
    report::{Concern, Scope, Weight},
    types::{SubnetId, listed},
    validate::ValidWorkload,
};

/// Addresses that AWS keeps of each subnet.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const KEPT_BY_AWS: u64 = 5;

/// Left over of a hundred, below which someone should know.
const SCARCE_PERCENT: u64 = 10;

/// A profile that the addresses do not suffice for.
pub(super) struct Shortage {
    /// Its place.
    pub(super) profile: usize,
    /// The workloads concerned, by their places; all where `None`.
    pub(super) workloads: Option<Vec<usize>>,
    /// The numbers needed and there, and what to do.
    pub(super) message: String,
}

/// Finds the profiles that the addresses do not suffice for.
pub(super) fn shortages(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<Shortage> {
    let taken = endpoints::addresses_to_take(draft, profiles);
    let mut all: Vec<usize> = (0..profiles.len())
        .filter(|place| !profiles[*place].subnets.is_empty() && !profiles[*place].is_out())
        .collect();
    all.sort_by_key(|place| !profiles[*place].profile().had_room());
    let question = Question {
        snapshot: draft.snapshot,
        profiles,
        needs: needs(draft, profiles, &all),
        taken,
    };
    let mut served = Vec::new();
    let mut left = Vec::new();
    if question.all_fit(&all) {
        served = all;
    } else {
        for place in all {
            served.push(place);
            if !question.all_fit(&served) {
                served.pop();
                left.push(place);
            }
        }
    }
    // What others need is told once all have had their turn: the next time, those
    // that had room come first.
    let shortage = |place: usize| Shortage {
        profile: place,
        workloads: None,
        message: question.message(&served, place),
    };
    let mut short: Vec<Shortage> = left.into_iter().map(shortage).collect();
    short.extend(served.into_iter().filter_map(|place| question.without_room(place)));
    short
}

/// Tells how the subnets stand once everything is decided: what is to be made
/// must have its addresses, and someone should know while there are still some.
pub(super) fn tell(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<SubnetCapacity> {
    let snapshot = draft.snapshot;
    let to_make = to_make(draft);
    for (id, things) in &to_make {
        let Some(subnet) = snapshot.subnets.get(id) else {
            continue;
        };
        if things.len() > count(subnet.available_ip_address_count) {
            let message = format!(
                "{} lacks addresses for what is to be made in it: {} need {}. Delete what nobody uses there, or offer \
                 another subnet of the same zone.",
                described(subnet),
                listed(things),
                things.len()
            );
            let scope = Scope::SageMakerVpc;
            draft.find(Concern::Capacity, scope, Reason::TooFewAddresses, None, message);
        }
    }
    let taking_part: Vec<usize> = (0..profiles.len())
        .filter(|place| profiles[*place].takes_part())
        .collect();
    let needs = needs(draft, profiles, &taking_part);
    let mut capacity: BTreeMap<&SubnetId, SubnetCapacity> = BTreeMap::new();
    let mut entry = |subnet: &'_ Subnet, needed: u32| {
        let Some((id, subnet)) = snapshot.subnets.get_key_value(&subnet.subnet_id) else {
            return;
        };
        let shown = capacity.entry(id).or_insert_with(|| SubnetCapacity {
            subnet: id.clone(),
            free: subnet.available_ip_address_count,
            needed: 0,
        });
        shown.needed = shown.needed.saturating_add(needed);
    };
    for place in &taking_part {
        for subnet in &profiles[*place].subnets {
            entry(subnet, needs[place].missing);
        }
    }
    for (id, things) in &to_make {
        if let Some(subnet) = snapshot.subnets.get(id) {
            entry(subnet, u32::try_from(things.len()).unwrap_or(u32::MAX));
        }
    }
    let capacity = capacity.into_values().collect();
    if draft.has_found(Concern::Capacity) {
        return capacity;
    }
    forecast(draft, profiles, &taking_part, &needs, &to_make);
    for place in &taking_part {
        advise(draft, &profiles[*place], &needs[place]);
    }
    capacity
}

/// Tells where there is room for a workload and not for what AWS advises.
fn advise(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, need: &AddressNeed) {
    let workloads = &resolved.profile().workloads;
    let advised = |workload: &ValidWorkload| workload.kind.requirements().addresses_advised.unwrap_or(0);
    let concerned: BTreeSet<usize> = resolved.indices(|workload| advised(workload) > 0).into_iter().collect();
    let wanted: u64 = concerned
        .iter()
        .map(|index| u64::from(workloads[*index].instances) * u64::from(advised(&workloads[*index])))
        .sum();
    let free = resolved
        .subnets
        .iter()
        .map(|subnet| u64::from(subnet.available_ip_address_count));
    let held = need.held.values().copied().map(u64::from);
    let there: u64 = free.chain(held).sum();
    if there >= wanted {
        return;
    }
    let message = format!(
        "AWS advises {wanted} addresses ({}), and {} have {there} for them: they can run, and users wait once their \
         apps have taken what is there. Add a subnet of /{} or larger.",
        listed(concerned.iter().map(|index| {
            let workload = &workloads[*index];
            format!("{}: {} x {}", workload.name, workload.instances, advised(workload))
        })),
        listed(resolved.subnets.iter().map(|subnet| described(subnet))),
        prefix_for(wanted - there),
    );
    let scope = resolved.scope_of(&concerned);
    let weight = Weight::Advice;
    draft.find_weighing(weight, Concern::Capacity, scope, Reason::TooFewAddresses, message);
}

/// What takes an address of each subnet as the plan is carried out, in words.
fn to_make(draft: &Draft<'_>) -> BTreeMap<SubnetId, Vec<String>> {
    let mut things: BTreeMap<SubnetId, Vec<String>> = BTreeMap::new();
    let mut add = |subnet: &SubnetId, thing: String| things.entry(subnet.clone()).or_default().push(thing);
    for planned in draft.actions() {
        if let Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
            service_name, subnets, ..
        }) = &planned.action
        {
            subnets
                .iter()
                .for_each(|subnet| add(subnet, format!("the endpoint for {service_name}")));
        }
        if let Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { id, add_subnets, .. }) = &planned.action {
            add_subnets
                .iter()
                .for_each(|subnet| add(subnet, format!("endpoint {id}")));
        }
        if let Action::NatGateway(NatGatewayChange::Create { subnet, .. }) = &planned.action {
            add(subnet, "a NAT gateway".to_owned());
        }
    }
    things
}

/// Says while everything still fits that it soon will not.
fn forecast(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    taking_part: &[usize],
    needs: &BTreeMap<usize, AddressNeed>,
    to_make: &BTreeMap<SubnetId, Vec<String>>,
) {
    let in_use: BTreeMap<&SubnetId, &Subnet> = taking_part
        .iter()
        .flat_map(|place| profiles[*place].subnets.iter())
        .map(|subnet| (&subnet.subnet_id, *subnet))
        .collect();
    let free: u64 = in_use
        .values()
        .map(|subnet| u64::from(subnet.available_ip_address_count))
        .sum();
    let size: u64 = in_use.values().map(|subnet| size(subnet)).sum();
    let made: usize = in_use.keys().filter_map(|id| to_make.get(*id)).map(Vec::len).sum();
    let needed = needs.values().map(|need| u64::from(need.missing)).sum::<u64>() + made as u64;
    let largest = taking_part
        .iter()
        .flat_map(|place| &profiles[*place].profile().workloads)
        .map(each)
        .max();
    let (Some(left), Some(largest)) = (free.checked_sub(needed), largest) else {
        return;
    };
    if left < u64::from(largest) || left * 100 < size * SCARCE_PERCENT {
        let message = format!(
            "Once all that is declared runs, {left} of the {size} addresses of {} are left: add a subnet before more \
             instances are declared.",
            listed(in_use.keys())
        );
        let weight = Weight::Advice;
        draft.find_weighing(
            weight,
            Concern::Capacity,
            Scope::SageMakerVpc,
            Reason::TooFewAddresses,
            message,
        );
    }
}

/// Addresses that a subnet has for interfaces, used or not.
fn size(subnet: &Subnet) -> u64 {
    let block = subnet.cidr_block.map_or(0, |cidr| 1u64 << (32 - cidr.prefix_len()));
    block.saturating_sub(KEPT_BY_AWS)
}

fn count(addresses: u32) -> usize {
    usize::try_from(addresses).unwrap_or(usize::MAX)
}

/// Addresses that must come from one subnet: one instance's, or a whole
/// cluster's.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html>.
fn together(workload: &ValidWorkload) -> u32 {
    if workload.kind.requirements().is_cluster {
        workload.instances.saturating_mul(each(workload))
    } else {
        each(workload)
    }
}

/// The most addresses that an instance of a workload takes.
fn each(workload: &ValidWorkload) -> u32 {
    workload.addresses().map(|group| group.each).max().unwrap_or_default()
}

/// The addresses that a profile needs.
struct AddressNeed {
    /// Those that its running workloads hold already, by subnet.
    held: BTreeMap<SubnetId, u32>,
    /// Those that it needs besides.
    missing: u32,
    /// The same by the subnets that may give them: not every zone has every
    /// instance type.
    by_subnets: BTreeMap<BTreeSet<SubnetId>, u32>,
}

impl AddressNeed {
    fn new(draft: &Draft<'_>, resolved: &ResolvedProfile<'_>, held: BTreeMap<SubnetId, u32>) -> Self {
        let mut by_subnets: BTreeMap<BTreeSet<SubnetId>, u32> = BTreeMap::new();
        for workload in &resolved.profile().workloads {
            let ids = |can_be_in: &dyn Fn(&Subnet) -> bool| -> BTreeSet<SubnetId> {
                let subnets = resolved.subnets.iter().filter(|subnet| can_be_in(subnet));
                subnets.map(|subnet| subnet.subnet_id.clone()).collect()
            };
            let mut usable = ids(&|subnet| zones::can_be_in(draft.snapshot, workload, subnet));
            if usable.is_empty() {
                // That it can be nowhere is told where zones are judged.
                usable = ids(&|_| true);
            }
            let addresses = workload
                .addresses()
                .fold(0u32, |sum, group| sum.saturating_add(group.total()));
            let needed = by_subnets.entry(usable).or_default();
            *needed = needed.saturating_add(addresses);
        }
        // Who may use fewer subnets is counted first what is held there.
        let mut left = held.clone();
        let mut narrow_first: Vec<(&BTreeSet<SubnetId>, &mut u32)> = by_subnets.iter_mut().collect();
        narrow_first.sort_by_key(|(usable, _)| usable.len());
        for (usable, needed) in narrow_first {
            for (_, held) in left.iter_mut().filter(|(subnet, _)| usable.contains(*subnet)) {
                let counted = (*held).min(*needed);
                *held -= counted;
                *needed -= counted;
            }
        }
        let missing = by_subnets
            .values()
            .fold(0u32, |sum, needed| sum.saturating_add(*needed));
        Self {
            held,
            missing,
            by_subnets,
        }
    }
}

/// What each of the profiles needs.
fn needs(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>], places: &[usize]) -> BTreeMap<usize, AddressNeed> {
    let mut running = Running::new(draft.snapshot, draft.claims);
    places
        .iter()
        .map(|place| {
            let resolved = &profiles[*place];
            let demand = resolved.profile().addresses();
            let held = running.claim(resolved, demand);
            (*place, AddressNeed::new(draft, resolved, held))
        })
        .collect()
}

/// What is asked, and what the answer follows from.
struct Question<'a> {
    snapshot: &'a VpcSnapshot,
    profiles: &'a [ResolvedProfile<'a>],
    needs: BTreeMap<usize, AddressNeed>,
    /// Addresses that interface endpoints which are not there yet will take.
    taken: BTreeMap<SubnetId, u32>,
}

impl Question<'_> {
    fn free(&self, subnet: &Subnet) -> u32 {
        let taken = self.taken.get(&subnet.subnet_id).copied().unwrap_or(0);
        subnet.available_ip_address_count.saturating_sub(taken)
    }

    fn missing(&self, place: usize) -> u32 {
        self.needs.get(&place).map_or(0, |need| need.missing)
    }

    /// Whether these profiles can all have what they need at the same time.
    fn all_fit(&self, places: &[usize]) -> bool {
        // Profiles with the same subnets are one in the flow, so that its size
        // follows from the number of different choices and not of profiles.
        let mut demands: BTreeMap<&BTreeSet<SubnetId>, u64> = BTreeMap::new();
        let of_each = places.iter().filter_map(|place| self.needs.get(place));
        for (subnets, needed) in of_each.flat_map(|need| &need.by_subnets) {
            *demands.entry(subnets).or_default() += u64::from(*needed);
        }
        let mut graph: Graph<(), u64> = Graph::new();
        let source = graph.add_node(());
        let sink = graph.add_node(());
        let mut nodes: BTreeMap<&SubnetId, NodeIndex> = BTreeMap::new();
        for subnet in places.iter().flat_map(|place| &self.profiles[*place].subnets) {
            nodes.entry(&subnet.subnet_id).or_insert_with(|| {
                let node = graph.add_node(());
                graph.add_edge(node, sink, u64::from(self.free(subnet)));
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

    /// The workloads that have too few zones with room for one instance.
    fn without_room(&self, place: usize) -> Option<Shortage> {
        let resolved = &self.profiles[place];
        let need = self.needs.get(&place)?;
        if need.missing == 0 {
            return None;
        }
        let mut workloads = Vec::new();
        let mut problems = Vec::new();
        for (index, workload) in resolved.profile().workloads.iter().enumerate() {
            let together = together(workload);
            let has_room = |subnet: &&&Subnet| {
                let held = need.held.get(&subnet.subnet_id).copied().unwrap_or(0);
                zones::can_be_in(self.snapshot, workload, subnet) && self.free(subnet).saturating_add(held) >= together
            };
            let zones: BTreeSet<_> = resolved
                .subnets
                .iter()
                .filter(has_room)
                .map(|subnet| subnet.availability_zone_id.as_ref())
                .collect();
            let needed = workload.kind.availability_zones(workload.options);
            if zones.len() < needed {
                workloads.push(index);
                let zones_needed = if needed == 1 {
                    "in one subnet".to_owned()
                } else {
                    format!("in one subnet of each of {needed} availability zones")
                };
                problems.push(format!(
                    "{} ({}) needs {together} {zones_needed}",
                    workload.name, workload.kind
                ));
            }
        }
        // Too few zones are told where subnets are chosen.
        let zones: BTreeSet<_> = resolved
            .subnets
            .iter()
            .map(|subnet| subnet.availability_zone_id.as_ref())
            .collect();
        let lacks_zones = |index: &usize| {
            let workload = &resolved.profile().workloads[*index];
            workload.kind.availability_zones(workload.options) > zones.len()
        };
        if workloads.is_empty() || workloads.iter().all(lacks_zones) {
            return None;
        }
        let message = format!(
            "The free addresses are in the wrong places: {}, and there are {}. Delete what nobody uses there, or add a \
             subnet.",
            listed(problems),
            listed(resolved.subnets.iter().map(|subnet| described(subnet)))
        );
        Some(Shortage {
            profile: place,
            workloads: Some(workloads),
            message,
        })
    }

    fn message(&self, served: &[usize], place: usize) -> String {
        let resolved = &self.profiles[place];
        let own: BTreeSet<&SubnetId> = resolved.subnets.iter().map(|subnet| &subnet.subnet_id).collect();
        let free: u64 = resolved
            .subnets
            .iter()
            .map(|subnet| u64::from(subnet.available_ip_address_count))
            .sum();
        let taken: u64 = own
            .iter()
            .filter_map(|id| self.taken.get(*id))
            .map(|taken| u64::from(*taken))
            .sum();
        let others: u64 = served
            .iter()
            .filter(|other| {
                let theirs = &self.profiles[**other].subnets;
                theirs.iter().any(|subnet| own.contains(&subnet.subnet_id))
            })
            .map(|other| u64::from(self.missing(*other)))
            .sum();
        let needed = self.missing(place);
        let held: u32 = self.needs.get(&place).map_or(0, |need| need.held.values().sum());
        let already = if held > 0 {
            format!(" besides the {held} that its running workloads hold")
        } else {
            String::new()
        };
        let mut spoken_for = String::new();
        let narrowed = resolved.profile().workloads.iter().filter_map(|workload| {
            let count = resolved.subnets.iter();
            let count = count.filter(|subnet| zones::can_be_in(self.snapshot, workload, subnet));
            let is_narrowed = count.count() < resolved.subnets.len();
            is_narrowed.then_some(workload.instance_type.as_ref()?)
        });
        let narrowed: BTreeSet<&String> = narrowed.collect();
        let types = if narrowed.is_empty() {
            String::new()
        } else {
            format!(
                ", those for {} only from zones in which EC2 offers it",
                listed(narrowed)
            )
        };
        if others > 0 {
            spoken_for.push_str(&format!(", of which other profiles need {others}"));
        }
        if taken > 0 {
            spoken_for.push_str(&format!(", of which interface endpoints will take {taken}"));
        }
        let lacking = (u64::from(needed) + others + taken).saturating_sub(free).max(1);
        format!(
            "{} together have {free} free addresses{spoken_for}, and the workloads of this profile need \
             {needed}{already} ({}){types}. Add a subnet of /{} or larger, choose others, or lower spec.workloads[].instances.",
            listed(resolved.subnets.iter().map(|subnet| described(subnet))),
            listed(resolved.profile().workloads.iter().map(|workload| format!(
                "{}: {}",
                workload.name,
                workload.addresses().map(|group| group.to_string()).collect::<Vec<_>>().join(" + ")
            ))),
            prefix_for(lacking),
        )
    }
}

/// A subnet with its zone and what is free in it.
fn described(subnet: &Subnet) -> String {
    let free = subnet.available_ip_address_count;
    match &subnet.availability_zone_id {
        Some(zone) => format!("{} ({zone}, {free} free)", subnet.subnet_id),
        None => format!("{} ({free} free)", subnet.subnet_id),
    }
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
