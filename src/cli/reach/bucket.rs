//! What a bucket's policy says of requests that reach the bucket. Packets get
//! there whatever it says, and who asks is told that access is denied.

use iam_policy::PolicyDocument;
use ipnet::IpNet;
use sagevpc_core::{
    catalog::bucket_actions,
    desired::bucket_arn,
    observed::VpcSnapshot,
    reach::{BucketAsker, BucketRefusal, Destination, Hop, Path, Verdict},
    types::{SubnetId, listed},
};

/// That packets reach a bucket, and its policy does not let in what they ask.
pub(super) struct Refused {
    /// The bucket's ARN.
    pub(super) arn: String,
    /// Whether it denies that, rather than that this cannot be told.
    pub(super) is_sure: bool,
    /// What it denies and why: each the end of a sentence, and sentences after it.
    pub(super) causes: Vec<String>,
}

/// Who changes a bucket's policy.
pub(super) const FIX: &str = "The bucket's owners must change its policy.";

impl Refused {
    /// What is printed of it.
    pub(super) fn lines(&self) -> Vec<String> {
        let word = if self.is_sure { "Stopped" } else { "Unknown" };
        let mut lines: Vec<String> = self.causes.iter().map(|cause| format!("{word}: {cause}")).collect();
        if self.is_sure {
            lines.push(format!("Fix: {FIX}"));
        }
        lines
    }
}

/// What the policy of the bucket denies to what comes from a subnet by the way
/// that was found, as far as the snapshot has the policy.
pub(super) fn refused(vpc: &VpcSnapshot, from: &SubnetId, to: &Destination, verdict: &Verdict) -> Option<Refused> {
    let (Destination::S3 { bucket: Some(bucket) }, Verdict::Reachable(Path(hops))) = (to, verdict) else {
        return None;
    };
    let endpoint = hops.iter().find_map(Hop::endpoint)?;
    let policy = vpc.buckets.get(&bucket.name)?.policy.as_deref()?;
    let policy = policy.parse::<PolicyDocument>().ok()?;
    let blocks: Vec<IpNet> = vpc.subnets.get(from)?.cidrs().collect();
    let asker = BucketAsker {
        snapshot: vpc,
        endpoint,
        from: &blocks,
        role: None,
    };
    let arn = bucket_arn(vpc.region.as_ref()?, &bucket.name);
    let mut found: Vec<(BucketRefusal, Vec<String>)> = Vec::new();
    for (action, objects) in bucket_actions(Some(bucket)).asked {
        let resource = format!("{arn}{objects}");
        let Some(refusal) = asker.refusal(&policy, &bucket.name, action, &resource) else {
            continue;
        };
        let request = format!("{action} on {resource}");
        match found.iter_mut().find(|(known, _)| *known == refusal) {
            Some((_, requests)) => requests.push(request),
            None => found.push((refusal, vec![request])),
        }
    }
    let is_sure = found.iter().any(|(refusal, _)| refusal.is_sure);
    found.retain(|(refusal, _)| refusal.is_sure == is_sure);
    let verb = if is_sure { "denies" } else { "may deny" };
    let causes: Vec<String> = found
        .into_iter()
        .map(|(refusal, requests)| {
            format!(
                "the policy of bucket {} {verb} {} through {endpoint}: {}",
                &bucket.name,
                listed(requests),
                refusal.why
            )
        })
        .collect();
    (!causes.is_empty()).then_some(Refused { arn, is_sure, causes })
}
