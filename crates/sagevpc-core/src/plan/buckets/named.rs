//! Buckets that profiles name and do not ask to be closed: whether what is known
//! of their policies lets the workloads in, and why not.

use std::collections::{BTreeMap, BTreeSet};

use super::wishes::Wish;
use crate::{
    observed::VpcSnapshot,
    plan::{resolved::ResolvedProfile, s3::Served},
    types::{VpcEndpointId, listed},
};
use iam_policy::{PolicyDocument, StatementRef};

/// Those among the buckets, each with the profiles that name it.
pub(super) fn named<'a>(
    profiles: &[&'a ResolvedProfile<'a>],
    served: &Served,
    wishes: &BTreeMap<&'a str, Wish<'a>>,
) -> Vec<Wish<'a>> {
    let mut named: BTreeMap<&str, Vec<&'a ResolvedProfile<'a>>> = BTreeMap::new();
    for resolved in profiles {
        if resolved.network.demands.of_s3().is_empty() {
            continue;
        }
        for bucket in resolved.profile().buckets.keys().map(String::as_str) {
            if !wishes.contains_key(bucket) {
                named.entry(bucket).or_default().push(resolved);
            }
        }
    }
    let wish = |(bucket, asking): (&'a str, Vec<&'a ResolvedProfile<'a>>)| Wish {
        bucket,
        endpoints: asking
            .iter()
            .flat_map(|resolved| served.endpoints_of(resolved))
            .collect(),
        asking,
        exemptions: BTreeSet::new(),
        enforced: false,
    };
    named.into_iter().map(wish).collect()
}

/// What in these statements is not so of requests through the endpoint, and what
/// to write in its place, as sentences. The role is the one that asks, where it is
/// known.
pub(super) fn what_is_wrong(
    snapshot: &VpcSnapshot,
    policy: &PolicyDocument,
    statements: &[StatementRef],
    endpoint: &VpcEndpointId,
    role: Option<&str>,
) -> String {
    let places = statements.iter().filter_map(|one| one.number.checked_sub(1));
    let conditions = places
        .filter_map(|place| policy.statements.get(place))
        .flat_map(|statement| statement.condition.values().flatten());
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    let mut other_vpcs: BTreeSet<&str> = BTreeSet::new();
    let mut asks_for_address = false;
    let mut asks_for_role = false;
    let mut asks_for_subnet = false;
    for (key, values) in conditions {
        let values = values.iter().map(String::as_str);
        match key.to_ascii_lowercase().as_str() {
            "aws:sourcevpce" => gone.extend(values.filter(|id| snapshot.vpc_endpoint(&(*id).into()).is_none())),
            "aws:sourcevpc" => other_vpcs.extend(values.filter(|id| *id != snapshot.vpc.vpc_id.as_str())),
            "aws:sourceip" => asks_for_address = true,
            "aws:vpcsourceip" => asks_for_subnet = true,
            "aws:principalarn" => asks_for_role = true,
            _ => {}
        }
    }
    let vpc = &snapshot.vpc.vpc_id;
    let mut text = String::new();
    if !gone.is_empty() {
        text.push_str(&format!(
            " It names {}, which {vpc} does not have: write {endpoint} there.",
            listed(gone)
        ));
    }
    if !other_vpcs.is_empty() {
        text.push_str(&format!(" It names {}: write {vpc} there.", listed(other_vpcs)));
    }
    if asks_for_address {
        text.push_str(&format!(
            " It asks for aws:SourceIp, and a request through a gateway endpoint has no public address: ask for \
             aws:SourceVpce {endpoint} as well."
        ));
    }
    if asks_for_subnet {
        text.push_str(" It asks for aws:VpcSourceIp, the address in the VPC: add the blocks of these subnets there.");
    }
    if let Some(role) = role.filter(|_| asks_for_role) {
        text.push_str(&format!(
            " It asks for aws:PrincipalArn, and the role is {role}: add it there."
        ));
    }
    text
}
