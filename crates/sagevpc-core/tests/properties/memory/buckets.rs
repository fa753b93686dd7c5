//! Buckets and their policies.

use std::collections::BTreeMap;

use super::Memory;
use sagevpc_core::{
    desired::{BucketPolicy, BucketPolicyChange, ChangedPolicy},
    plan::{Action, BucketChange, Step, Target},
    types::{Admission, ResourceKey, VpcEndpointId},
};

impl Memory {
    pub(super) fn bucket_policy(&mut self, action: &Action, made: &BTreeMap<ResourceKey, String>) -> Step {
        let Action::Bucket(BucketChange::PutPolicy {
            bucket,
            region: _,
            add_endpoints,
            remove_endpoints,
            add_exemptions,
            remove_exemptions,
        }) = action
        else {
            panic!("{action:?} changes no bucket's policy")
        };
        let id = |target: &Target<VpcEndpointId>| match target {
            Target::Existing(id) => id.clone(),
            Target::Made(key) => VpcEndpointId::new(&made[key]),
        };
        let change = BucketPolicyChange {
            add: Admission {
                vpc_endpoints: add_endpoints.iter().map(id).collect(),
                exemptions: add_exemptions.iter().cloned().collect(),
            },
            remove: Admission {
                vpc_endpoints: remove_endpoints.iter().cloned().collect(),
                exemptions: remove_exemptions.iter().cloned().collect(),
            },
        };
        let found = self.snapshot.buckets.iter_mut().find(|found| found.name == *bucket);
        let found = found.expect("S3 knows the bucket");
        let policy = BucketPolicy::read(&action.resource(), found.policy.as_deref()).expect("S3 holds a policy");
        match policy.changed(&change) {
            ChangedPolicy::Same => {}
            ChangedPolicy::Text(text) => found.policy = Some(text),
            ChangedPolicy::None => found.policy = None,
        }
        Step::Done
    }
}
