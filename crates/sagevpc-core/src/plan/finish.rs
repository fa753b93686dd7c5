//! From what was drafted to the plan.

use std::collections::BTreeMap;

use super::{
    Plan, SubnetCapacity,
    cost::MonthlyCost,
    draft::Draft,
    in_force,
    network_acls::Entries,
    owned::owned,
    removals::order,
    resolved::{ResolvedProfile, Standing, WorkloadGroups},
};
use crate::api::{BucketInForce, ConsumersStatus, PackageRepositories, VpcConfig};

/// What the steps found out besides what they planned and found.
pub(super) struct Results {
    pub(super) package_repositories: Option<PackageRepositories>,
    /// What is known of our statements in buckets' policies.
    pub(super) buckets: Vec<BucketInForce>,
    pub(super) groups: WorkloadGroups,
    /// What all that is ours will cost in a month.
    pub(super) monthly_cost: MonthlyCost,
    /// How the subnets in use stand.
    pub(super) capacity: Vec<SubnetCapacity>,
    /// The rules of network ACLs that we are known to have made.
    pub(super) network_acls: Entries,
    /// Names of roles that have our inline policy, or may have it, by ARN.
    pub(super) role_policies: BTreeMap<String, String>,
    /// What runs in the VPC.
    pub(super) consumers: ConsumersStatus,
    /// Whether another cluster has what would be ours.
    pub(super) taken: bool,
    /// What tells this network from another.
    pub(super) fingerprint: String,
}

/// Makes a plan of what was drafted.
pub(super) fn finish(mut draft: Draft<'_>, profiles: &[ResolvedProfile<'_>], results: Results) -> Plan {
    let profiles_of_ours = if results.taken { &[] } else { profiles };
    draft.findings.sort();
    draft.findings.dedup();
    draft
        .resources
        .sort_by(|a, b| (&a.type_, &a.id).cmp(&(&b.type_, &b.id)));
    draft.resources.dedup();
    // What another cluster has is not ours to tidy up, nor to say that it is
    // as it should be.
    let owned = if results.taken {
        BTreeMap::new()
    } else {
        owned(&draft, &results.buckets, &results.role_policies, &results.network_acls)
    };
    let fingerprint = if results.taken {
        draft.history.network_in_force.clone().unwrap_or_default()
    } else {
        results.fingerprint
    };
    let in_force = in_force::next(&draft, profiles, &results.groups);
    let vpc_configs = profiles
        .iter()
        .map(|resolved| (resolved.key().clone(), vpc_configs(&results.groups, resolved)))
        .collect();
    let rank = order::rank(&draft);
    Plan {
        vpc_configs,
        contributing: profiles_of_ours
            .iter()
            .filter(|resolved| resolved.standing == Standing::TakesPart)
            .map(|resolved| resolved.key().clone())
            .collect(),
        held_ids: draft.claims.held(),
        shown: draft.claims.ours().keys().cloned().collect(),
        strangers: draft.claims.strangers(),
        leftover: owned.values().filter_map(|key| key.profile().cloned()).collect(),
        owned,
        actions: draft.graph.into_ordered(rank),
        findings: draft.findings,
        resources: draft.resources,
        accounts: draft.snapshot.accounts(),
        roles_in_force: results.role_policies.into_keys().collect(),
        fingerprint,
        package_repositories: results.package_repositories,
        consumers: results.consumers,
        buckets: results.buckets,
        network_acls: results.network_acls,
        capacity: results.capacity,
        monthly_cost: results.monthly_cost,
        in_force,
        settles_at: draft.keeping.ends(),
        held: None,
        approved: None,
    }
}

fn vpc_configs(groups: &WorkloadGroups, resolved: &ResolvedProfile<'_>) -> Vec<VpcConfig> {
    (0..resolved.profile().workloads.len())
        .map(|index| VpcConfig {
            subnets: resolved.subnets_to_name(index),
            security_group_ids: groups
                .of_workload(resolved.key(), index)
                .map(|ids| ids.iter().cloned().collect())
                .unwrap_or_default(),
        })
        .collect()
}
