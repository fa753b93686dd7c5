//! What was seen of a bucket's policy, and what of it is there on our account.

use crate::{
    api::Reason,
    desired::{BucketPolicy, bucket_arn},
    observed::{Bucket, EndpointState, VpcEndpoint},
    plan::{History, claims::Claims, draft::Draft},
    types::{Admission, Exemption, VpcEndpointId},
    validate::ValidVpc,
};

/// What was seen, and what is remembered.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    vpc: &'a ValidVpc,
    snapshot: &'a crate::observed::VpcSnapshot,
    history: &'a History,
    claims: &'a Claims,
}

/// Why a bucket's policy is not known.
pub(super) struct Unseen {
    pub(super) reason: Reason,
    /// The cause, as the end of a sentence.
    pub(super) why: String,
    /// The fix, as a sentence.
    pub(super) fix: String,
}

impl<'a> Seen<'a> {
    pub(super) fn of(draft: &Draft<'a>) -> Self {
        Self {
            vpc: &draft.network.vpc,
            snapshot: draft.snapshot,
            history: draft.history,
            claims: draft.claims,
        }
    }

    /// Whether the bucket was looked for and does not exist.
    pub(super) fn is_missing(self, name: &str) -> bool {
        self.snapshot.buckets.get(name).is_some_and(Bucket::is_missing)
    }

    /// The bucket's policy, as far as it was seen.
    pub(super) fn policy(self, name: &str) -> Result<BucketPolicy, Unseen> {
        let unseen = |why: String, fix: String| Unseen {
            reason: Reason::BucketNotSeen,
            why,
            fix,
        };
        let Some(seen) = self.snapshot.buckets.get(name) else {
            let fix = "Add it to Buckets.json of the snapshot.".to_owned();
            return Err(unseen(format!("the policy of bucket {name} was not looked at"), fix));
        };
        if seen.is_missing() {
            let fix = "Correct the name, or create the bucket.".to_owned();
            return Err(unseen(format!("bucket {name} does not exist"), fix));
        }
        if let Some(code) = &seen.error {
            let why = format!("S3 answers {code} when asked for the policy of bucket {name}");
            let fix = format!(
                "Allow the controller's role s3:GetBucketPolicy on it, or set spec.credentials.workloads of \
                 SageMakerVpc {} to a role of the bucket's account.",
                self.vpc.ownership.vpc
            );
            return Err(unseen(why, fix));
        }
        let arn = bucket_arn(&self.vpc.region, name);
        BucketPolicy::read(&arn, seen.policy.as_deref()).map_err(|problem| Unseen {
            reason: Reason::InvalidPolicy,
            why: format!("the policy of bucket {name} cannot be read: {problem}"),
            fix: "Nothing in it is changed until it can be.".to_owned(),
        })
    }

    /// What of our statement is there on account of this VPC: what was noted,
    /// and endpoints of ours.
    pub(super) fn on_our_account(self, name: &str, policy: &BucketPolicy) -> Admission {
        let held = self.history.buckets.get(name);
        let is_tagged = |id: &VpcEndpointId| self.endpoint(id).is_some() && self.claims.is_ours(id.as_str());
        let is_noted = |id: &VpcEndpointId| held.is_some_and(|held| held.vpc_endpoint_ids.contains(id));
        let is_asked_for =
            |exemption: &Exemption| held.is_some_and(|held| held.exemptions.contains(&exemption.fingerprint()));
        let Admission {
            vpc_endpoints,
            exemptions,
        } = policy.admission();
        Admission {
            vpc_endpoints: vpc_endpoints
                .iter()
                .filter(|id| is_noted(id) || is_tagged(id))
                .cloned()
                .collect(),
            exemptions: exemptions
                .iter()
                .filter(|exemption| is_asked_for(exemption))
                .cloned()
                .collect(),
        }
    }

    /// The endpoint, while it exists in this VPC.
    pub(super) fn endpoint(self, id: &VpcEndpointId) -> Option<&'a VpcEndpoint> {
        self.snapshot
            .vpc_endpoint(id)
            .filter(|endpoint| endpoint.state != EndpointState::Deleted)
    }
}
