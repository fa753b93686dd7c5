//! What stays in AWS when an object goes that may change nothing there: told
//! before the finalizer goes, for nothing else remembers it. Pure.

use std::collections::BTreeSet;

use kube::ResourceExt;

use super::{
    events::{About, LEFT_BEHIND, warning},
    finalizers::Releases,
};
use crate::cluster::Notice;
use sagevpc_core::{
    api::{ProfileSecurityGroups, SageMakerVpc, SageMakerVpcProfile},
    plan::{Plan, accounts},
    status::last_seen,
    types::{ProfileKey, listed},
    validate::References,
};

/// What to tell of the objects that are let go although something of ours is
/// there. `plan` is what a look found; without one, the status tells what was
/// seen last.
pub(super) fn told(references: &References, releases: &Releases<'_>, plan: Option<&Plan>) -> Vec<(About, Notice)> {
    let vpc = &references.vpc;
    let mut notices = Vec::new();
    if releases.vpc {
        let left = plan.map_or_else(|| last_seen(vpc), |plan| plan.owned.keys().cloned().collect());
        notices.extend(notice(vpc, &left).map(|notice| (About::Vpc, notice)));
    }
    for profile in &releases.profiles {
        let key = ProfileKey::new(profile.namespace().unwrap_or_default(), profile.name_any());
        let left = plan.map_or_else(
            || last_seen_of(profile),
            |plan| {
                let theirs = plan.owned.iter().filter(|(_, owned)| owned.profile() == Some(&key));
                theirs.map(|(id, _)| id.clone()).collect()
            },
        );
        notices.extend(notice(vpc, &left).map(|notice| (About::Profile(key.clone()), notice)));
    }
    notices
}

fn notice(vpc: &SageMakerVpc, left: &BTreeSet<String>) -> Option<Notice> {
    if left.is_empty() {
        return None;
    }
    let account = accounts::pinned(vpc.status.as_ref());
    let place = account
        .network
        .or(account.workloads)
        .map_or_else(String::new, |account| format!(" of account {account}"));
    Some(warning(
        LEFT_BEHIND,
        format!(
            "managementPolicy is Observe, so nothing is removed from AWS. What stays in {}{place}: {}. Nobody looks after \
             it any more; a SageMakerVpc of the same name for the same VPC takes it up again.",
            vpc.spec.region,
            if left.len() > SHOWN {
                listed(left)
            } else {
                left.iter().cloned().collect::<Vec<_>>().join(", ")
            },
        ),
    ))
}

/// How many ids an event has room for.
const SHOWN: usize = 24;

/// The security groups that the profile was given.
fn last_seen_of(profile: &SageMakerVpcProfile) -> BTreeSet<String> {
    let own = match &profile.spec.security_groups {
        Some(ProfileSecurityGroups { ids: Some(ids), .. }) => ids.as_slice(),
        Some(ProfileSecurityGroups { ids: None, .. }) | None => &[],
    };
    let workloads = profile.status.iter().flat_map(|status| &status.workloads);
    workloads
        .filter_map(|workload| workload.vpc_config.as_ref())
        .flat_map(|config| &config.security_group_ids)
        .filter(|id| id.is_well_formed() && !own.contains(id))
        .map(ToString::to_string)
        .collect()
}
