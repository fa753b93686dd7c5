//! What profiles ask of which bucket.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    plan::{Serves, Target, resolved::ResolvedProfile, s3::Served},
    types::{BucketUse, Exemption, VpcEndpointId},
};

/// That a bucket is to be read through VPC endpoints only.
pub(super) struct Wish<'a> {
    pub(super) bucket: &'a str,
    /// The profiles that ask for it.
    pub(super) asking: Vec<&'a ResolvedProfile<'a>>,
    /// The endpoints that profiles naming the bucket come by, those that do not
    /// ask for it among them: they are to read it as before.
    pub(super) endpoints: BTreeSet<Target<VpcEndpointId>>,
    /// Who is exempt. Whom one profile exempts is exempt for all: one statement
    /// cannot both admit and deny, and none is to be cut by another's wish.
    pub(super) exemptions: BTreeSet<Exemption>,
    /// Whether the bucket's policy may be changed.
    pub(super) enforced: bool,
}

impl<'a> Wish<'a> {
    /// What the asking profiles do with the bucket, each by itself.
    pub(super) fn uses(&self) -> BTreeMap<BucketUse, Vec<&'a ResolvedProfile<'a>>> {
        let mut uses: BTreeMap<BucketUse, Vec<&ResolvedProfile<'_>>> = BTreeMap::new();
        for resolved in &self.asking {
            let access = resolved.profile().buckets.get(self.bucket).copied().unwrap_or_default();
            let bucket = BucketUse::new(self.bucket, access);
            uses.entry(bucket).or_default().push(resolved);
        }
        uses
    }

    /// Those of the endpoints that exist.
    pub(super) fn existing_endpoints(&self) -> BTreeSet<VpcEndpointId> {
        self.endpoints
            .iter()
            .filter_map(|target| match target {
                Target::Existing(id) => Some(id.clone()),
                Target::Made(_) => None,
            })
            .collect()
    }

    /// Whom an action for it serves.
    pub(super) fn serves(&self) -> Serves {
        match self.asking.as_slice() {
            [only] => Serves::Profile(only.key().clone()),
            several => Serves::Profiles(several.iter().map(|resolved| resolved.key().clone()).collect()),
        }
    }
}

/// The wishes of profiles, by bucket.
pub(super) fn wishes<'a>(profiles: &[&'a ResolvedProfile<'a>], served: &Served) -> BTreeMap<&'a str, Wish<'a>> {
    let mut wishes: BTreeMap<&str, Wish<'a>> = BTreeMap::new();
    for resolved in profiles {
        for (bucket, required) in &resolved.profile().required_endpoints {
            let wish = wishes.entry(bucket).or_insert_with(|| Wish {
                bucket,
                asking: Vec::new(),
                endpoints: BTreeSet::new(),
                exemptions: BTreeSet::new(),
                enforced: required.enforced,
            });
            wish.asking.push(resolved);
            wish.enforced |= required.enforced;
            wish.exemptions.extend(required.exempt.iter().cloned());
        }
    }
    for wish in wishes.values_mut() {
        let naming = profiles
            .iter()
            .filter(|resolved| resolved.profile().buckets.contains_key(wish.bucket));
        wish.endpoints = naming.flat_map(|resolved| served.endpoints_of(resolved)).collect();
    }
    wishes
}
