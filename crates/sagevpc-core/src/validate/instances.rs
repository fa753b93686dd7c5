//! How large profiles are, and how many instances those of a namespace may have
//! together.

use std::{collections::BTreeMap, fmt};

use kube::ResourceExt;

use super::{ProfileReference, References, ValidProfile, ValidWorkload, refusal};
use crate::{
    api::Reason,
    report::{Finding, Scope},
    types::{ProfileKey, held_size},
};

/// Instances of one sort, and the addresses that each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceGroup {
    /// How many there are.
    pub instances: u32,
    /// Addresses of each.
    pub each: u32,
}

impl InstanceGroup {
    /// Addresses of all of them.
    pub const fn total(self) -> u32 {
        self.instances.saturating_mul(self.each)
    }
}

impl fmt::Display for InstanceGroup {
    /// `4 x 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.instances, self.each)
    }
}

impl ValidWorkload {
    /// The addresses that it takes: its own instances', and its shadow
    /// endpoint's.
    pub fn addresses(&self) -> impl Iterator<Item = InstanceGroup> {
        let own = InstanceGroup {
            instances: self.instances,
            each: self
                .kind
                .addresses_per_instance(self.options, self.instance_type.as_deref()),
        };
        let shadow = self.kind.shadow_endpoint(self.options).map(|shadow| InstanceGroup {
            instances: self.shadow_instances,
            each: shadow.addresses_per_instance,
        });
        std::iter::once(own).chain(shadow)
    }
}

impl ValidProfile {
    /// Addresses that all its workloads take when they all run.
    pub fn addresses(&self) -> u32 {
        let of_workload = self.workloads.iter().flat_map(ValidWorkload::addresses);
        of_workload.fold(0u32, |sum, group| sum.saturating_add(group.total()))
    }

    /// Instances that all its workloads are.
    pub fn instances(&self) -> u64 {
        self.workloads
            .iter()
            .flat_map(ValidWorkload::addresses)
            .map(|group| u64::from(group.instances))
            .sum()
    }

    /// How large it is, as it is remembered once there was room for it.
    pub fn size(&self) -> String {
        held_size(self.instances(), self.addresses())
    }

    /// Whether there was room for it as it is: what is asked for anew comes after
    /// that, whoever is older.
    pub fn had_room(&self) -> bool {
        self.established && self.holdings.may_hold(&self.size())
    }
}

/// Profiles that declare more instances than their namespace has left. Those that
/// had theirs before come first, and then older ones.
pub(super) fn beyond_the_grant(profiles: &[ValidProfile], references: &References) -> Vec<(ProfileKey, Finding)> {
    let of_reference = |reference: &ProfileReference| {
        let most = reference.granted(&references.vpc).max_instances();
        (reference.key(), most)
    };
    let granted: BTreeMap<ProfileKey, Option<u32>> = references.profiles.iter().map(of_reference).collect();
    let mut in_turn: Vec<&ValidProfile> = profiles.iter().collect();
    in_turn.sort_by_key(|profile| !profile.had_room());
    let mut taken: BTreeMap<&str, u64> = BTreeMap::new();
    let mut refused = Vec::new();
    for profile in in_turn {
        let Some(most) = granted.get(&profile.key).copied().flatten() else {
            continue;
        };
        let others = taken.entry(&profile.key.namespace).or_default();
        let together = *others + profile.instances();
        if together <= u64::from(most) {
            *others = together;
        } else {
            refused.push((profile, most));
        }
    }
    // What others have is told once all have had their turn: the next time, those
    // that had theirs come first.
    let finding = |(profile, most): (&ValidProfile, u32)| {
        let key = &profile.key;
        let message = format!(
            "The workloads of this profile are {} instances, other profiles of namespace {} have {}, and SageMakerVpc {} \
             grants the namespace {most}: lower spec.workloads[].instances, or ask its owners for more in \
             spec.grants.maxInstances, or in maxInstances of an item of spec.grants.namespaces for this namespace.",
            profile.instances(),
            key.namespace,
            taken.get(key.namespace.as_str()).copied().unwrap_or_default(),
            references.vpc.name_any(),
        );
        (
            key.clone(),
            refusal(Scope::Profile(key.clone()), Reason::NotGranted, message),
        )
    };
    refused.into_iter().map(finding).collect()
}
