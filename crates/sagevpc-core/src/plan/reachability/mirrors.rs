//! Package repositories that are in reach though a profile denies them: their
//! denial stands in the policy of the S3 endpoint, and a way out passes that by.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{PackageRepositories, Reason},
    plan::resolved::ResolvedProfile,
    reach::{Destination, Reach},
    report::{Concern, Finding, Weight},
    types::{RouteTableId, SecurityGroupId, SubnetId, listed},
};

/// The ports that mirrors are asked by.
const PORTS: [u16; 2] = [80, 443];

/// The subnets from which packets find a way to a mirror, if security groups
/// let them out.
#[derive(Default)]
pub(super) struct LeadingOut<'s>(BTreeMap<&'s SubnetId, bool>);

impl<'s> LeadingOut<'s> {
    fn has(&mut self, reach: &Reach<'_>, subnet: &'s SubnetId) -> bool {
        *self.0.entry(subnet).or_insert_with(|| {
            let start = reach.from(subnet, &BTreeSet::new());
            start.is_some_and(|start| {
                PORTS
                    .iter()
                    .any(|port| start.routing(&Destination::outside(*port)).arrives)
            })
        })
    }

    /// What to say to a profile that denies the package repositories, and whose
    /// workloads with these groups reach mirrors all the same.
    pub(super) fn advise<'g>(
        &mut self,
        reach: &Reach<'_>,
        resolved: &ResolvedProfile<'s>,
        groups: impl Iterator<Item = &'g BTreeSet<SecurityGroupId>> + Clone,
    ) -> Option<Finding> {
        if resolved.profile().package_repositories != Some(PackageRepositories::Deny) {
            return None;
        }
        let is_let_out = |subnet: &SubnetId, groups: &BTreeSet<SecurityGroupId>| {
            let start = reach.from(subnet, groups);
            let open = |port: &u16| {
                start
                    .as_ref()
                    .map(|start| start.extent(&Destination::outside(*port), |_, _| true))
            };
            PORTS.iter().filter_map(open).any(|extent| !extent.is_empty())
        };
        let mut tables: BTreeSet<&RouteTableId> = BTreeSet::new();
        for (table, subnets) in &resolved.tables {
            let mut leading_out = subnets.iter().filter(|subnet| self.has(reach, subnet));
            if leading_out.any(|subnet| groups.clone().any(|groups| is_let_out(subnet, groups))) {
                tables.insert(table);
            }
        }
        if tables.is_empty() {
            return None;
        }
        let message = format!(
            "packageRepositories: Deny is kept by the policy of the S3 endpoint, and the way out through {} passes it \
             by: mirrors outside S3 of this region stay in reach. Name destinations by cidr where that must not be, or \
             filter what goes out.",
            listed(tables)
        );
        let reason = Reason::PackageRepositoriesOpen;
        Some(Finding::new(Concern::Internet, resolved.scope(), reason, message).weighing(Weight::Advice))
    }
}
