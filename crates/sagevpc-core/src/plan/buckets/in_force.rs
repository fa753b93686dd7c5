//! What status notes of our statements: before a plan is carried out, what it
//! is about to add as well, so that nothing is forgotten by a crash.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{
        BucketInForce,
        bounds::{MAX_BUCKET_ENDPOINTS, MAX_BUCKET_EXEMPTIONS},
    },
    plan::{Action, BucketChange, Outcome, Plan, PlannedAction, Step, Target},
    types::{Admission, Exemption, ResourceKey, VpcEndpointId},
};

/// What is noted of a bucket; nothing where nothing is there on our account.
pub(super) fn entry(name: &str, ours: &Admission) -> Option<BucketInForce> {
    let Admission {
        vpc_endpoints,
        exemptions,
    } = ours;
    let mut fingerprints: Vec<String> = exemptions.iter().map(Exemption::fingerprint).collect();
    fingerprints.sort();
    fingerprints.truncate(MAX_BUCKET_EXEMPTIONS);
    (!vpc_endpoints.is_empty()).then(|| BucketInForce {
        name: name.to_owned(),
        vpc_endpoint_ids: vpc_endpoints.iter().take(MAX_BUCKET_ENDPOINTS).cloned().collect(),
        exemptions: fingerprints,
    })
}

impl Plan {
    /// What is to be noted before the plan is carried out.
    pub fn buckets_ahead(&self) -> Vec<BucketInForce> {
        self.with_additions(&BTreeMap::new(), PlannedAction::runs_now)
    }

    /// What is to be noted after the plan was carried out, or tried to be.
    pub fn buckets_after(&self, outcome: &Outcome) -> Vec<BucketInForce> {
        self.with_additions(&outcome.made, |planned| match outcome.steps.get(&planned.id) {
            Some(Step::Done | Step::Waiting { .. } | Step::Failed(_)) => planned.runs_now(),
            Some(Step::Blocked { .. }) | None => false,
        })
    }

    fn with_additions(
        &self,
        made: &BTreeMap<ResourceKey, String>,
        is_tried: impl Fn(&PlannedAction) -> bool,
    ) -> Vec<BucketInForce> {
        let mut noted: BTreeMap<&str, BucketInForce> = self
            .buckets
            .iter()
            .map(|bucket| (bucket.name.as_str(), bucket.clone()))
            .collect();
        for planned in self.actions.iter().filter(|planned| is_tried(planned)) {
            let Action::Bucket(BucketChange::PutPolicy {
                bucket,
                add_endpoints,
                add_exemptions,
                ..
            }) = &planned.action
            else {
                continue;
            };
            if add_endpoints.is_empty() && add_exemptions.is_empty() {
                continue;
            }
            let entry = noted.entry(bucket).or_insert_with(|| BucketInForce {
                name: bucket.clone(),
                ..BucketInForce::default()
            });
            let ids = add_endpoints.iter().filter_map(|target| match target {
                Target::Existing(id) => Some(id.clone()),
                Target::Made(key) => made.get(key).map(VpcEndpointId::new),
            });
            merge(&mut entry.vpc_endpoint_ids, ids, MAX_BUCKET_ENDPOINTS);
            let fingerprints = add_exemptions.iter().map(Exemption::fingerprint);
            merge(&mut entry.exemptions, fingerprints, MAX_BUCKET_EXEMPTIONS);
        }
        noted.into_values().collect()
    }
}

/// Adds what is not there yet. Beyond what there is room for, what was there
/// first stays.
fn merge<T: Clone + Ord>(list: &mut Vec<T>, more: impl Iterator<Item = T>, most: usize) {
    let there: BTreeSet<T> = list.iter().cloned().collect();
    list.extend(more.filter(|item| !there.contains(item)));
    list.truncate(most);
    list.sort();
}
