//! Buckets that only requests by certain endpoints may read: whom our statement
//! in their policies admits.

use std::collections::BTreeMap;

use crate::{
    desired::{BucketPolicy, bucket_arn},
    plan::{Action, Target, draft::Draft},
    types::{Admission, VpcEndpointId},
};

/// The buckets with our statement, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed(BTreeMap<String, Admission>);

impl Closed {
    /// As they were seen.
    pub(super) fn now(draft: &Draft<'_>) -> Self {
        let seen = draft.snapshot.buckets.values();
        let closed = seen.filter_map(|bucket| {
            let arn = bucket_arn(&draft.network.vpc.region, &bucket.name);
            let policy = BucketPolicy::read(&arn, bucket.policy.as_deref()).ok()?;
            policy
                .has_statement()
                .then(|| (bucket.name.clone(), policy.admission().clone()))
        });
        Self(closed.collect())
    }

    /// The same once these actions are done.
    pub(super) fn after<'p>(mut self, actions: impl IntoIterator<Item = &'p Action>) -> Self {
        for action in actions {
            let Action::PutBucketPolicy {
                bucket,
                region: _,
                add_endpoints,
                remove_endpoints,
                add_exemptions,
                remove_exemptions,
            } = action
            else {
                continue;
            };
            let mut admission = self.0.remove(bucket).unwrap_or_default();
            admission.vpc_endpoints.extend(add_endpoints.iter().map(id));
            admission.exemptions.extend(add_exemptions.iter().cloned());
            admission.vpc_endpoints.retain(|id| !remove_endpoints.contains(id));
            admission
                .exemptions
                .retain(|exemption| !remove_exemptions.contains(exemption));
            // The statement goes with the last endpoint.
            if !admission.vpc_endpoints.is_empty() {
                self.0.insert(bucket.clone(), admission);
            }
        }
        self
    }

    /// Whom the bucket's statement admits; `None` where it has none.
    pub(super) fn of(&self, bucket: &str) -> Option<&Admission> {
        self.0.get(bucket)
    }
}

/// The id by which a network to come has an endpoint that is not made yet.
fn id(target: &Target<VpcEndpointId>) -> VpcEndpointId {
    match target {
        Target::Existing(id) => id.clone(),
        Target::Made(key) => VpcEndpointId::new(key.to_string()),
    }
}
