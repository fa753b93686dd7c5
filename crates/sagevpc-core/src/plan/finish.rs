//! From what was drafted to the plan.

use std::collections::BTreeMap;

use super::{
    Plan,
    draft::Draft,
    in_force,
    owned::owned,
    resolved::{ResolvedProfile, Standing},
};
use crate::api::VpcConfig;

/// Makes a plan of what was drafted.
pub(super) fn finish(mut draft: Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Plan {
    let profiles_of_ours = if draft.taken { &[] } else { profiles };
    draft.findings.sort();
    draft.findings.dedup();
    draft
        .resources
        .sort_by(|a, b| (&a.type_, &a.id).cmp(&(&b.type_, &b.id)));
    draft.resources.dedup();
    // What another cluster has is not ours to tidy up, nor to say that it is
    // as it should be.
    let owned = if draft.taken { BTreeMap::new() } else { owned(&draft) };
    if draft.taken {
        draft.fingerprint = draft.history.network_in_force.clone().unwrap_or_default();
    }
    let in_force = in_force::next(&draft, profiles);
    let vpc_configs = profiles
        .iter()
        .map(|resolved| (resolved.key().clone(), vpc_configs(&draft, resolved)))
        .collect();
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
        actions: draft.actions,
        findings: draft.findings,
        resources: draft.resources,
        accounts: draft.snapshot.accounts(),
        roles_in_force: draft.role_policies.into_keys().collect(),
        fingerprint: draft.fingerprint,
        package_repositories: draft.package_repositories,
        consumers: draft.consumers,
        buckets: draft.buckets,
        network_acls: draft.network_acls,
        capacity: draft.capacity,
        monthly_cost: draft.monthly_cost,
        in_force,
        settles_at: draft.keeping.ends(),
        held: None,
        approved: None,
    }
}

fn vpc_configs(draft: &Draft<'_>, resolved: &ResolvedProfile<'_>) -> Vec<VpcConfig> {
    let known = draft.groups_of.get(resolved.key());
    (0..resolved.profile().workloads.len())
        .map(|index| VpcConfig {
            subnets: resolved.subnets_to_name(index),
            security_group_ids: known
                .and_then(|groups| groups.get(index))
                .map(|ids| ids.iter().cloned().collect())
                .unwrap_or_default(),
        })
        .collect()
}
