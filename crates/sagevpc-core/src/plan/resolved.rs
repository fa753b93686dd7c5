//! A profile with what it has in its VPC.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::kept::HeldThing;
use crate::{
    api::Reason,
    desired::ProfileNetwork,
    observed::{Subnet, VpcSnapshot},
    report::Scope,
    types::{ProfileKey, RouteTableId, SecurityGroupId, SubnetId},
    validate::{ValidProfile, ValidWorkload},
};

/// A profile with what it has in this VPC.
pub(super) struct ResolvedProfile<'a> {
    pub(super) network: &'a ProfileNetwork,
    /// Its subnets, in the order of their ids.
    pub(super) subnets: Vec<&'a Subnet>,
    /// The route table of each subnet in use.
    pub(super) tables: BTreeMap<RouteTableId, Vec<&'a SubnetId>>,
    pub(super) standing: Standing,
    /// Whether there are addresses enough for all its workloads at once.
    pub(super) has_room: bool,
    /// Workloads that bad input keeps from running, by their place.
    pub(super) blocked: BTreeSet<usize>,
    /// Subnets in which instances of a workload cannot be, by its place; it can do
    /// without them.
    pub(super) left_out: BTreeMap<usize, BTreeSet<SubnetId>>,
}

/// The security groups of each workload of each profile, as far as their ids
/// are known.
#[derive(Debug, Default)]
pub(super) struct WorkloadGroups(BTreeMap<ProfileKey, Vec<BTreeSet<SecurityGroupId>>>);

impl WorkloadGroups {
    /// Notes groups of the workloads at these places.
    pub(super) fn note<'i>(
        &mut self,
        resolved: &ResolvedProfile<'_>,
        places: impl IntoIterator<Item = usize>,
        ids: impl IntoIterator<Item = &'i SecurityGroupId> + Clone,
    ) {
        let count = resolved.profile().workloads.len();
        let known = self.0.entry(resolved.key().clone()).or_default();
        known.resize(count.max(known.len()), BTreeSet::new());
        for place in places {
            if let Some(groups) = known.get_mut(place) {
                groups.extend(ids.clone().into_iter().cloned());
            }
        }
    }

    /// Those of one workload; `None` where nothing is known of its profile's.
    pub(super) fn of_workload(&self, profile: &ProfileKey, place: usize) -> Option<&BTreeSet<SecurityGroupId>> {
        self.0.get(profile)?.get(place)
    }

    /// Those of all workloads of a profile.
    pub(super) fn of_profile(&self, profile: &ProfileKey) -> impl Iterator<Item = &SecurityGroupId> {
        self.0.get(profile).into_iter().flatten().flatten()
    }
}

/// Whether a profile has effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has.
    TakesPart,
    /// It had effect before, and its subnets can no longer be found: what is
    /// there stays as it is.
    Kept,
    /// It has none: its input is bad.
    Out,
}

impl<'a> ResolvedProfile<'a> {
    pub(super) fn key(&self) -> &'a ProfileKey {
        &self.network.profile.key
    }

    pub(super) fn profile(&self) -> &'a ValidProfile {
        &self.network.profile
    }

    pub(super) fn takes_part(&self) -> bool {
        self.standing == Standing::TakesPart
    }

    /// Whether bad input keeps it from having any effect, going by what is known
    /// so far.
    pub(super) fn is_out(&self) -> bool {
        !self.profile().established && self.blocked.len() == self.profile().workloads.len()
    }

    /// Whether bad input keeps the workload at this place from running.
    pub(super) fn is_blocked(&self, place: usize) -> bool {
        self.blocked.contains(&place)
    }

    /// The scope of a finding on this profile as a whole.
    pub(super) fn scope(&self) -> Scope {
        Scope::Profile(self.key().clone())
    }

    /// The scope of a finding on these workloads, by their places.
    pub(super) fn scope_of(&self, places: &BTreeSet<usize>) -> Scope {
        let workloads = &self.profile().workloads;
        if places.len() == workloads.len() {
            return self.scope();
        }
        let named = workloads.iter().enumerate();
        let named = named.filter(|(place, _)| places.contains(place));
        Scope::Workloads(
            self.key().clone(),
            named.map(|(_, workload)| workload.name.clone()).collect(),
        )
    }

    /// Notes that these workloads cannot run, and gives the scope to say so.
    pub(super) fn block(&mut self, workloads: &[usize]) -> Scope {
        self.blocked.extend(workloads);
        let names = workloads
            .iter()
            .map(|index| self.profile().workloads[*index].name.clone())
            .collect();
        Scope::Workloads(self.key().clone(), names)
    }

    /// Notes that none can run, and gives the scope to say so.
    pub(super) fn block_all(&mut self) -> Scope {
        self.blocked.extend(0..self.profile().workloads.len());
        self.scope()
    }

    /// The subnets to name for the workload in a call of SageMaker's, in the
    /// order of their ids.
    ///
    /// A kind that takes one subnet gets the one that was named before, as long as that has an address left, and else the one with the most: so
    /// the answer moves only when it must.
    pub(super) fn subnets_to_name(&self, index: usize) -> Vec<SubnetId> {
        let workload = &self.profile().workloads[index];
        let left_out = self.left_out.get(&index);
        let is_left_out = |subnet: &Subnet| left_out.is_some_and(|ids| ids.contains(&subnet.subnet_id));
        let subnets = self.subnets.iter().filter(|subnet| !is_left_out(subnet));
        if workload.kind.requirements().subnets.1 > 1 {
            return subnets.map(|subnet| subnet.subnet_id.clone()).collect();
        }
        subnets
            .min_by_key(|subnet| {
                let named = HeldThing::Named(&workload.name, &subnet.subnet_id).to_string();
                let is_settled = self.profile().holdings.may_hold(&named) && subnet.available_ip_address_count > 0;
                (!is_settled, Reverse(subnet.available_ip_address_count))
            })
            .map(|subnet| vec![subnet.subnet_id.clone()])
            .unwrap_or_default()
    }

    /// The places of the workloads that it applies to.
    pub(super) fn indices(&self, applies: impl Fn(&ValidWorkload) -> bool) -> Vec<usize> {
        let workloads = self.profile().workloads.iter().enumerate();
        workloads
            .filter(|(_, workload)| applies(workload))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Why a subnet that is named by id is not in the VPC.
pub(super) fn absent(snapshot: &VpcSnapshot, id: &SubnetId, field: &str) -> (Reason, String) {
    let vpc = &snapshot.vpc.vpc_id;
    match snapshot.subnets_elsewhere.get(id) {
        Some(other) => (
            Reason::SubnetInOtherVpc,
            format!("Subnet {id}, named in {field}, belongs to {other}, not to {vpc}: name a subnet of {vpc}."),
        ),
        None => (
            Reason::SubnetNotFound,
            format!(
                "Subnet {id}, named in {field}, does not exist in this account and region: correct the id, or remove it."
            ),
        ),
    }
}
