//! Buckets as one role sees them: which region, which policy.
//!
//! Reading every bucket's policy would be rude: only those that are asked for
//! are looked at, each by itself, and for five minutes what was seen is taken
//! to hold. S3 limits these calls more than it says, so they are paced. What
//! keeps a bucket from being looked at is a fact about that bucket, and no
//! failure of the look at the VPC.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    clients::{Connect, ConnectionMeans, configured},
    errors::{Meaning, Refusal, Thing},
    quotas::Share,
};
use sagevpc_core::{
    catalog::calls::{Call, Service},
    observed::Bucket,
    plan::Priority,
    report::FailureKind,
    types::Region,
};

/// How long a bucket is taken to be as it was seen.
const AGE: Duration = Duration::from_secs(300);

/// How long a look at one bucket may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// Buckets that are looked at side by side.
const AT_ONCE: usize = 8;

/// The header in which S3 tells a bucket's region, even to those who may not
/// read it.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// S3 as one role. Cheap to clone; clones share what was seen.
#[derive(Clone)]
pub struct S3 {
    connection: Arc<S3Connection>,
}

struct S3Connection {
    means: ConnectionMeans,
    /// What AWS allows us, and where buckets are looked for first.
    share: Share,
    clients: Mutex<HashMap<Region, aws_sdk_s3::Client>>,
    seen: Mutex<HashMap<String, (Instant, Bucket)>>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("region", &self.connection.share.region)
            .finish_non_exhaustive()
    }
}

/// Who may work on a bucket just now: one at a time in this process, whoever
/// acts, for S3 replaces a policy as a whole and takes no condition on what it
/// replaces.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<Turn, Arc<tokio::sync::Mutex<()>>>>);

/// A bucket, by its partition and name.
type Turn = (&'static str, String);

impl Turns {
    async fn wait(&self, partition: &'static str, bucket: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock();
            // What nobody holds or waits for is forgotten.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry((partition, bucket.to_owned())).or_default())
        };
        turn.lock_owned().await
    }
}

impl Connect for S3 {
    fn connect(means: ConnectionMeans) -> Self {
        Self {
            connection: Arc::new(S3Connection {
                share: Share::new(&means, Priority::Repair),
                means,
                clients: Mutex::default(),
                seen: Mutex::default(),
            }),
        }
    }
}

impl S3 {
    /// Looks at buckets. Never changes anything, and never fails: what kept a
    /// bucket from being looked at stands in its [`Bucket::error`]. What is not
    /// older than five minutes is not read again, unless `fresh`.
    pub async fn observe(&self, buckets: &BTreeSet<String>, fresh: bool) -> Vec<Bucket> {
        let asked_at = Instant::now();
        let looks: Vec<_> = buckets
            .iter()
            .map(|name| self.clone().look_in_time(name.clone(), asked_at, fresh))
            .collect();
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }

    async fn look_in_time(self, name: String, asked_at: Instant, fresh: bool) -> Bucket {
        let look = self.look(&name, asked_at, fresh);
        tokio::time::timeout(DEADLINE, look)
            .await
            .unwrap_or_else(|_| Bucket::unseen(&name, None, FailureKind::Unreachable.as_str()))
    }

    async fn look(&self, name: &str, asked_at: Instant, fresh: bool) -> Bucket {
        if let Some(bucket) = self.known(name, asked_at, fresh) {
            return bucket;
        }
        let _turn = self.turn(name).await;
        // Someone else may have looked in the meantime.
        if let Some(bucket) = self.known(name, asked_at, fresh) {
            return bucket;
        }
        let read_at = Instant::now();
        let bucket = self.read(name).await;
        self.connection
            .seen
            .lock()
            .insert(name.to_owned(), (read_at, bucket.clone()));
        bucket
    }

    fn known(&self, name: &str, asked_at: Instant, fresh: bool) -> Option<Bucket> {
        let seen = self.connection.seen.lock();
        let (at, bucket) = seen.get(name)?;
        let holds = if fresh { *at >= asked_at } else { at.elapsed() < AGE };
        holds.then(|| bucket.clone())
    }

    async fn read(&self, name: &str) -> Bucket {
        let region = match self.region_of(name).await {
            Ok(region) => region,
            Err(unseen) => return *unseen,
        };
        match self.policy(name, &region, Priority::Repair).await {
            Ok(policy) => Bucket {
                name: name.to_owned(),
                region: Some(region),
                policy,
                error: None,
            },
            Err(refusal) => unseen(name, Some(region), &refusal),
        }
    }

    /// The bucket's region, or why the bucket cannot be looked at.
    async fn region_of(&self, name: &str) -> Result<Region, Box<Bucket>> {
        let call = Call::HeadBucket;
        self.share().pace(call, Priority::Repair).await;
        let answer = self
            .client(&self.connection.share.region)
            .head_bucket()
            .bucket(name)
            .send()
            .await;
        let told = match &answer {
            Ok(head) => head.bucket_region().map(str::to_owned),
            Err(error) => header(error),
        };
        match (told, answer) {
            (_, Err(error)) if status(&error) == Some(404) => Err(Box::new(Bucket::missing(name))),
            (Some(region), _) => Ok(Region::new(region)),
            // An answer to HEAD has no body, and so no code: what the policy is
            // refused with says more.
            (None, Err(error)) if status(&error) == Some(403) => Ok(self.connection.share.region.clone()),
            (None, Ok(_)) => Ok(self.connection.share.region.clone()),
            (None, Err(error)) => Err(Box::new(unseen(name, None, &Refusal::from_sdk(call, &error)))),
        }
    }

    /// The text of a bucket's policy, as it is now; `None` where it has none.
    pub(super) async fn policy(
        &self,
        bucket: &str,
        region: &Region,
        priority: Priority,
    ) -> Result<Option<String>, Refusal> {
        let call = Call::GetBucketPolicy;
        self.share().pace(call, priority).await;
        let answer = self.client(region).get_bucket_policy().bucket(bucket).send().await;
        match answer.map_err(|error| Refusal::from_sdk(call, &error)) {
            Ok(answer) => Ok(answer.policy),
            Err(refusal) if refusal.meaning == Meaning::NotThere(Thing::BucketPolicy) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Waits until nobody else in this process works on the bucket.
    pub(super) async fn turn(&self, bucket: &str) -> OwnedMutexGuard<()> {
        let S3Connection { share, means, .. } = &*self.connection;
        means.turns.wait(share.region.partition(), bucket).await
    }

    /// Forgets what was seen of a bucket, so that it is read anew.
    pub(super) fn forget(&self, bucket: &str) {
        self.connection.seen.lock().remove(bucket);
    }

    /// What AWS allows us.
    pub(super) fn share(&self) -> &Share {
        &self.connection.share
    }

    /// The client for buckets of a region.
    pub(super) fn client(&self, region: &Region) -> aws_sdk_s3::Client {
        let S3Connection { means, clients, .. } = &*self.connection;
        let make = || {
            let regional = means.in_region(region);
            // An endpoint of one's own has no names for buckets.
            let by_path = regional.config.endpoint_url().is_some();
            let config = configured!(aws_sdk_s3, regional, Service::S3).force_path_style(by_path);
            aws_sdk_s3::Client::from_conf(config.build())
        };
        clients.lock().entry(region.clone()).or_insert_with(make).clone()
    }
}

fn unseen(name: &str, region: Option<Region>, refusal: &Refusal) -> Bucket {
    if refusal.meaning == Meaning::NotThere(Thing::Bucket) {
        return Bucket::missing(name);
    }
    let failure = &refusal.failure;
    let code = failure.code.as_deref().unwrap_or(failure.kind.as_str());
    Bucket::unseen(name, region, code)
}

/// The region that a refusal tells.
fn header<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let headers = error.raw_response()?.headers();
    headers.get(REGION_HEADER).map(str::to_owned)
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
