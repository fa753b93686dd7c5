//! Where an interface endpoint has its interfaces: in one subnet of each zone
//! that the service and the workloads share.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::needs::EndpointNeed;
use crate::{
    observed::{Subnet, VpcSnapshot},
    plan::{Action, PlannedAction, VpcEndpointChange},
    types::{IpAddressType, SubnetId, listed},
};

/// What becomes of an endpoint's subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plan) struct Placement {
    /// Those that it has and keeps.
    pub(in crate::plan) keep: BTreeSet<SubnetId>,
    /// Those that it gets, in the order of their zones.
    pub(in crate::plan) add: Vec<SubnetId>,
    /// Those that no workload is near any more.
    pub(in crate::plan) remove: Vec<SubnetId>,
    /// Zones whose subnets have no free address.
    pub(in crate::plan) full_zones: Vec<String>,
}

impl Placement {
    /// Whether the endpoint is anywhere.
    pub(in crate::plan) fn is_nowhere(&self) -> bool {
        self.keep.is_empty() && self.add.is_empty()
    }

    /// All subnets that the endpoint is to have.
    pub(in crate::plan) fn all(&self) -> Vec<SubnetId> {
        self.keep.iter().chain(&self.add).cloned().collect()
    }
}

/// Addresses that other endpoints are to take, by their subnet.
pub(in crate::plan) type Taken = BTreeMap<SubnetId, u32>;

/// The addresses that endpoints planned so far take.
pub(in crate::plan) fn taken_so_far<'p>(actions: impl Iterator<Item = &'p PlannedAction>) -> Taken {
    let mut taken = Taken::new();
    for planned in actions {
        if let Action::VpcEndpoint(
            VpcEndpointChange::CreateInterface { subnets, .. }
            | VpcEndpointChange::ModifyInterface {
                add_subnets: subnets, ..
            },
        ) = &planned.action
        {
            for subnet in subnets {
                *taken.entry(subnet.clone()).or_default() += 1;
            }
        }
    }
    taken
}

/// Places an endpoint that is in these subnets now. What is there is kept, so
/// that addresses that change hands never move it.
pub(in crate::plan) fn place(
    snapshot: &VpcSnapshot,
    need: &EndpointNeed<'_>,
    present: &[SubnetId],
    address_type: Option<IpAddressType>,
    taken: &Taken,
) -> Placement {
    let mut placement = Placement::default();
    // EC2 refuses two subnets of one zone, so a zone that is served is kept by
    // whichever subnet serves it.
    let mut served: BTreeSet<&str> = BTreeSet::new();
    let wanted = wanted_zones(need);
    for id in present {
        match snapshot.subnets.get(id).and_then(Subnet::zone) {
            Some(zone) if wanted.contains_key(zone) => {
                served.insert(zone);
                placement.keep.insert(id.clone());
            }
            Some(_) => placement.remove.push(id.clone()),
            None => {
                placement.keep.insert(id.clone());
            }
        }
    }
    // Where the service is not known, or nothing is in use just now, only what
    // is there can stay.
    if need.service.details.is_none() || need.subnets.is_empty() {
        placement.keep.extend(placement.remove.drain(..));
        return placement;
    }
    let with_ipv6 = matches!(address_type, Some(IpAddressType::Ipv6 | IpAddressType::Dualstack));
    let free = |subnet: &Subnet| {
        let gone = taken.get(&subnet.subnet_id).copied().unwrap_or_default();
        subnet.available_ip_address_count.saturating_sub(gone)
    };
    for (zone, subnets) in wanted.iter().filter(|(zone, _)| !served.contains(*zone)) {
        let best = subnets.iter().filter(|subnet| free(subnet) > 0).min_by_key(|subnet| {
            let lacks_ipv6 = with_ipv6 && subnet.ipv6_cidr_block_association_set.is_empty();
            (lacks_ipv6, Reverse(free(subnet)), &subnet.subnet_id)
        });
        match best {
            Some(subnet) => placement.add.push(subnet.subnet_id.clone()),
            None => placement.full_zones.push((*zone).to_owned()),
        }
    }
    placement
}

/// The zones that the service and the workloads share, each with the subnets
/// there.
fn wanted_zones<'n>(need: &'n EndpointNeed<'_>) -> BTreeMap<&'n str, Vec<&'n Subnet>> {
    let offered = need.service.zones();
    let mut zones: BTreeMap<&str, Vec<&Subnet>> = BTreeMap::new();
    for subnet in need.subnets.values() {
        if let Some(zone) = subnet.zone()
            && offered.as_ref().is_none_or(|offered| offered.contains(zone))
        {
            zones.entry(zone).or_default().push(subnet);
        }
    }
    zones
}

/// The zones of the subnets that the workloads have and the endpoint has no
/// interface in, though the service is there.
pub(in crate::plan) fn zones_without<'n>(
    snapshot: &VpcSnapshot,
    need: &'n EndpointNeed<'_>,
    present: &[SubnetId],
) -> Vec<&'n str> {
    let served: BTreeSet<&str> = present
        .iter()
        .filter_map(|id| snapshot.subnets.get(id)?.zone())
        .collect();
    let wanted = wanted_zones(need);
    wanted.into_keys().filter(|zone| !served.contains(zone)).collect()
}

/// Where the service is and the workloads are, for a message.
pub(in crate::plan) fn apart(need: &EndpointNeed<'_>) -> (String, String) {
    let workloads: BTreeSet<&str> = need.subnets.values().filter_map(|subnet| subnet.zone()).collect();
    (listed(need.service.zones().unwrap_or_default()), listed(workloads))
}
