//! What SageMaker runs in the VPC now, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use super::ResolvedProfile;
use crate::{
    observed::{NetworkInterface, VpcSnapshot},
    plan::claims::Claims,
    types::{NetworkInterfaceId, ResourceKey, SecurityGroupId, SubnetId},
    validate::SecurityGroups,
};

/// SageMaker's interfaces, each counted for one profile.
pub(super) struct Running<'a> {
    /// Our groups, by what they are for.
    groups: BTreeMap<ResourceKey, &'a SecurityGroupId>,
    /// The interfaces, by the groups that they carry.
    interfaces: BTreeMap<&'a SecurityGroupId, Vec<&'a NetworkInterface>>,
    /// Those that count for a profile already.
    claimed: BTreeSet<&'a NetworkInterfaceId>,
}

impl<'a> Running<'a> {
    pub(super) fn new(snapshot: &'a VpcSnapshot, claims: &Claims) -> Self {
        let groups = snapshot
            .security_groups
            .keys()
            .filter_map(|id| Some((claims.key_of(id.as_str())?.clone(), id)))
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
        Self {
            groups,
            interfaces,
            claimed: BTreeSet::new(),
        }
    }

    /// The addresses of the interfaces in the profile's subnets that carry one
    /// of its groups, up to what the profile asks for. Profiles may share groups
    /// of their own: what one of them claims, no other can.
    pub(super) fn claim(&mut self, resolved: &ResolvedProfile<'_>, demand: u32) -> BTreeMap<SubnetId, u32> {
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
        let mut held: BTreeMap<SubnetId, u32> = BTreeMap::new();
        let mut left = demand;
        for (id, interface) in interfaces {
            if left == 0 {
                break;
            }
            if self.claimed.insert(id) {
                let count = interface.address_count();
                left = left.saturating_sub(count);
                let there = held.entry(interface.subnet_id.clone()).or_default();
                *there = there.saturating_add(count);
            }
        }
        held
    }
}
