//! Whether an S3 gateway endpoint of somebody else's would do for more tables.

use std::collections::{BTreeMap, BTreeSet};

use super::whose::Endpoints;
use crate::{
    observed::{Stage, VpcEndpoint, tags_of},
    plan::{draft::Draft, judge, resolved::ResolvedProfile},
    reach::Reach,
    types::{BucketUse, RouteTableId, SubnetId, TAG_CLUSTER, listed},
};

/// Whether an endpoint of others, put on these tables, would do for everyone who
/// needs them. One whose policy stops something would not.
pub(super) fn takes_more(
    draft: &Draft<'_>,
    sorted: &Endpoints<'_>,
    taking_part: &[&ResolvedProfile<'_>],
    needed: &BTreeSet<RouteTableId>,
) -> bool {
    let may_be_changed = |endpoint: &&&VpcEndpoint| {
        let is_claimed = tags_of(&endpoint.tags).contains_key(TAG_CLUSTER) || endpoint.requester_managed;
        endpoint.stage() == Stage::Available && !is_claimed
    };
    let mut candidates = sorted.others.iter().filter(may_be_changed).peekable();
    if candidates.peek().is_none() {
        return false;
    }
    let reach = Reach::new(draft.snapshot);
    let users: Vec<&&ResolvedProfile<'_>> = taking_part
        .iter()
        .filter(|resolved| resolved.tables.keys().any(|table| needed.contains(table)))
        .collect();
    candidates.any(|endpoint| users.iter().all(|resolved| would_do(draft, &reach, endpoint, resolved)))
}

/// Whether an endpoint's policy is as a profile needs it.
fn would_do(draft: &Draft<'_>, reach: &Reach<'_>, endpoint: &VpcEndpoint, resolved: &ResolvedProfile<'_>) -> bool {
    let Ok(policy) = endpoint.policy() else {
        return false;
    };
    let id = Some(&endpoint.vpc_endpoint_id);
    let findings = judge::endpoint_policy(draft, &policy, resolved, "", id, "");
    let named = resolved.profile().buckets.iter();
    let uses: Vec<BucketUse> = named.map(|(name, access)| BucketUse::new(name, *access)).collect();
    let any = uses.is_empty().then_some(None);
    reach.lets_through(endpoint, uses.iter().map(Some).chain(any))
        && !findings.iter().any(|finding| finding.weight.bears_on_ready())
}

/// The subnets in use that are on these tables, with the verb to follow.
pub(super) fn who_lacks(taking_part: &[&ResolvedProfile<'_>], needed: &BTreeSet<RouteTableId>) -> String {
    let tables = taking_part.iter().flat_map(|resolved| &resolved.tables);
    let mut by_table: BTreeMap<&RouteTableId, BTreeSet<&SubnetId>> = BTreeMap::new();
    for (table, subnets) in tables {
        by_table.entry(table).or_default().extend(subnets.iter().copied());
    }
    if by_table.keys().all(|table| needed.contains(*table)) {
        return "the subnets in use have".to_owned();
    }
    let lacking = by_table.into_iter().filter(|(table, _)| needed.contains(*table));
    let subnets: BTreeSet<&SubnetId> = lacking.flat_map(|(_, subnets)| subnets).collect();
    let verb = if subnets.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", listed(subnets))
}
