//! Our statement in a bucket's policy.
//!
//! S3 replaces a policy as a whole and takes no condition on what it replaces:
//! PutBucketPolicy has no `If-Match`. So the change is put into the policy as
//! it is at that moment, one at a time in this process, and read back. Should
//! someone else have written in between, the next look finds out, and whoever
//! lost puts its part in again.

use super::{
    made::Made,
    work::{Performed, Setback, Work},
};
use sagevpc_core::{
    catalog::calls::Call,
    desired::{BucketPolicy, BucketPolicyChange, ChangedPolicy, bucket_arn},
    plan::BucketChange,
    types::{Admission, Region, VpcEndpointId},
};

/// Changes a bucket.
pub(super) async fn change(work: &Work<'_>, change: &BucketChange, made: &Made<'_>) -> Performed {
    let BucketChange::PutPolicy {
        bucket,
        region,
        add_endpoints,
        remove_endpoints,
        add_exemptions,
        remove_exemptions,
    } = change;
    let Some(endpoints) = made.resolve_all(add_endpoints) else {
        return Err(Work::refuse(Call::PutBucketPolicy, "the endpoint was not made"));
    };
    let change = BucketPolicyChange {
        add: Admission {
            vpc_endpoints: endpoints.into_iter().map(|made| VpcEndpointId::new(made.id)).collect(),
            exemptions: add_exemptions.iter().cloned().collect(),
        },
        remove: Admission {
            vpc_endpoints: remove_endpoints.iter().cloned().collect(),
            exemptions: remove_exemptions.iter().cloned().collect(),
        },
    };
    put_policy(work, bucket, region, &change).await
}

/// Changes our statement.
async fn put_policy(work: &Work<'_>, bucket: &str, region: &Region, change: &BucketPolicyChange) -> Performed {
    let s3 = work.s3;
    let call = Call::PutBucketPolicy;
    let _turn = s3.turn(bucket).await;
    // Whatever comes of it, what was seen before says nothing any more.
    s3.forget(bucket);
    let changed = match read(work, bucket, region).await?.changed(change) {
        ChangedPolicy::Same => return Ok(None),
        changed @ (ChangedPolicy::Text(_) | ChangedPolicy::None) => changed,
    };
    let client = s3.client(region);
    match changed {
        ChangedPolicy::Same => {}
        ChangedPolicy::Text(text) => {
            let request = client.put_bucket_policy().bucket(bucket).policy(text);
            work.call(call, request.send()).await?;
        }
        ChangedPolicy::None => {
            let request = client.delete_bucket_policy().bucket(bucket);
            work.call(Call::DeleteBucketPolicy, request.send()).await?;
        }
    }
    let after = read(work, bucket, region).await?;
    if is_done(change, after.admission()) {
        Ok(None)
    } else {
        Err(Setback::Waiting(format!(
            "the policy of bucket {bucket} was changed by someone else in the same moment, or S3 does not show the \
             change yet; the next pass tries again"
        )))
    }
}

async fn read(work: &Work<'_>, bucket: &str, region: &Region) -> Result<BucketPolicy, Setback> {
    let text = work.look(work.s3.policy(bucket, region, work.priority())).await?;
    BucketPolicy::read(&bucket_arn(region, bucket), text.as_deref()).map_err(|problem| {
        Work::refuse(
            Call::PutBucketPolicy,
            &format!("the policy of bucket {bucket} cannot be read, so nothing in it is changed: {problem}"),
        )
    })
}

fn is_done(change: &BucketPolicyChange, present: &Admission) -> bool {
    let BucketPolicyChange { add, remove } = change;
    present.vpc_endpoints.is_superset(&add.vpc_endpoints)
        && present.exemptions.is_superset(&add.exemptions)
        && present.vpc_endpoints.is_disjoint(&remove.vpc_endpoints)
        && present.exemptions.is_disjoint(&remove.exemptions)
}
