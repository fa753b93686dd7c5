//! Buckets that only requests by certain endpoints may read: whom our statement
//! in their policies admits.

use std::collections::BTreeMap;

use crate::{
    desired::{BucketPolicy, BucketPolicyChange, bucket_arn},
    plan::{Action, BucketChange, draft::Draft, project::projected_id},
    types::Admission,
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
            let Action::Bucket(BucketChange::PutPolicy {
                bucket,
                region: _,
                add_endpoints,
                remove_endpoints,
                add_exemptions,
                remove_exemptions,
            }) = action
            else {
                continue;
            };
            let change = BucketPolicyChange {
                add: Admission {
                    vpc_endpoints: add_endpoints.iter().map(projected_id).collect(),
                    exemptions: add_exemptions.iter().cloned().collect(),
                },
                remove: Admission {
                    vpc_endpoints: remove_endpoints.iter().cloned().collect(),
                    exemptions: remove_exemptions.iter().cloned().collect(),
                },
            };
            let admission = change.applied_to(&self.0.remove(bucket).unwrap_or_default());
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
