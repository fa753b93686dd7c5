//! Buckets that profiles name and do not ask to be closed.

use std::collections::{BTreeMap, BTreeSet};

use super::wishes::Wish;
use crate::{
    catalog::is_directory_bucket,
    plan::{resolved::ResolvedProfile, s3::Served},
};

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
            if !wishes.contains_key(bucket) && !is_directory_bucket(bucket) {
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
