//! Buckets are seen as they are, at the cost of few calls, and of their
//! policies nothing changes but our statement.

use std::{collections::BTreeSet, sync::Arc};

use iam_policy::{PolicyDocument, Statement};
use sagevpc::aws::{Clients, Connections, S3};

use crate::{
    plans::{create_endpoint, only, plan, soon, tokens},
    support::{
        moto::{Account, Moto, REGION, loader},
        network::Network,
        tally::Tally,
    },
};
use sagevpc_core::{
    desired::{BucketPolicy, bucket_statement},
    observed::Bucket,
    plan::{Action, BucketChange, Outcome, Step, Target},
    report::FailureKind,
    types::{Admission, Exemption, Region, ResourceKey, VpcEndpointId},
};

/// A bucket of an account that nobody else uses.
struct World {
    account: Account,
    clients: Clients,
    tally: Arc<Tally>,
    someone_else: aws_sdk_s3::Client,
    bucket: String,
}

impl World {
    async fn new() -> Self {
        let account = Moto::shared().account();
        let tally = Tally::new();
        let someone_else = account.s3_client().await;
        let bucket = format!("fraud-data-{}", account.id);
        someone_else.create_bucket().bucket(&bucket).send().await.unwrap();
        Self {
            clients: account.clients(tally.clone()).await,
            account,
            tally,
            someone_else,
            bucket,
        }
    }

    fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.bucket)
    }

    /// A policy of its owners'.
    async fn put(&self, policy: &PolicyDocument) {
        let request = self.someone_else.put_bucket_policy().bucket(&self.bucket);
        request.policy(policy.to_string()).send().await.unwrap();
    }

    fn theirs(&self) -> Statement {
        Statement::allow(["s3:ListBucket"])
            .sid("theirs")
            .everyone()
            .on([self.arn()])
            .when(iam_policy::Comparison::StringEquals, "aws:PrincipalOrgID", ["o-fraud"])
    }

    fn put_policy(&self, add: &[&str], remove: &[&str]) -> Action {
        Action::Bucket(BucketChange::PutPolicy {
            bucket: self.bucket.clone(),
            region: Region::new(REGION),
            add_endpoints: add.iter().map(|id| Target::Existing((*id).into())).collect(),
            remove_endpoints: remove.iter().map(|id| (*id).into()).collect(),
            add_exemptions: Vec::new(),
            remove_exemptions: Vec::new(),
        })
    }

    async fn change(&self, add: &[&str], remove: &[&str]) {
        done(&self.clients, &only(self.put_policy(add, remove))).await;
    }

    /// The policy that the bucket has now, in someone else's eyes.
    async fn policy(&self) -> Option<PolicyDocument> {
        let answer = self.someone_else.get_bucket_policy().bucket(&self.bucket).send().await;
        Some(answer.ok()?.policy?.parse().expect("it is a policy"))
    }

    async fn admitted(&self) -> BTreeSet<VpcEndpointId> {
        let policy = self.policy().await.map(|policy| policy.to_string());
        let policy = BucketPolicy::read(&self.arn(), policy.as_deref()).unwrap();
        policy.admission().vpc_endpoints.clone()
    }
}

async fn run(clients: &Clients, plan: &sagevpc_core::plan::Plan) -> Outcome {
    sagevpc::aws::apply(clients, plan, &tokens("a-token-of-this-test"), soon()).await
}

async fn done(clients: &Clients, plan: &sagevpc_core::plan::Plan) -> Outcome {
    let outcome = run(clients, plan).await;
    assert!(outcome.steps.values().all(|step| *step == Step::Done), "{outcome:#?}");
    outcome
}

async fn look(s3: &S3, name: &str, fresh: bool) -> Bucket {
    s3.observe(&BTreeSet::from([name.to_owned()]), fresh).await.remove(0)
}

fn ids(ids: &[&str]) -> BTreeSet<VpcEndpointId> {
    ids.iter().map(|id| VpcEndpointId::new(*id)).collect()
}

#[tokio::test]
async fn buckets_are_seen_with_their_regions_and_policies() {
    let world = World::new().await;
    let policy = PolicyDocument::new([world.theirs()]);
    world.put(&policy).await;
    let abroad = format!("abroad-{}", world.account.id);
    let ireland = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
        .build();
    let request = world.someone_else.create_bucket().bucket(&abroad);
    request.create_bucket_configuration(ireland).send().await.unwrap();
    let missing = format!("missing-{}", world.account.id);

    let names = BTreeSet::from([world.bucket.clone(), abroad.clone(), missing.clone()]);
    let seen = world.clients.s3.observe(&names, false).await;
    assert_eq!(
        seen[0],
        Bucket {
            name: abroad,
            region: Some(Region::new("eu-west-1")),
            policy: None,
            error: None,
        }
    );
    assert_eq!(seen[1].region, Some(Region::new(REGION)));
    assert_eq!(seen[1].policy.as_deref().unwrap().parse(), Ok(policy));
    assert_eq!(seen[2], Bucket::missing(&missing));
}

#[tokio::test]
async fn our_statement_comes_and_goes_and_the_rest_stays() {
    let world = World::new().await;
    world.put(&PolicyDocument::new([world.theirs()])).await;
    let action = Action::Bucket(BucketChange::PutPolicy {
        bucket: world.bucket.clone(),
        region: Region::new(REGION),
        add_endpoints: vec![Target::Existing("vpce-1".into())],
        remove_endpoints: Vec::new(),
        add_exemptions: vec![Exemption::AwsServices],
        remove_exemptions: Vec::new(),
    });
    done(&world.clients, &only(action)).await;
    let ours = Admission {
        vpc_endpoints: ids(&["vpce-1"]),
        exemptions: BTreeSet::from([Exemption::AwsServices]),
    };
    let both = PolicyDocument::new([world.theirs(), bucket_statement(&world.arn(), &ours)]);
    assert_eq!(world.policy().await, Some(both));

    world.change(&["vpce-2"], &["vpce-1"]).await;
    assert_eq!(world.admitted().await, ids(&["vpce-2"]));
    world.change(&[], &["vpce-2"]).await;
    assert_eq!(world.policy().await, Some(PolicyDocument::new([world.theirs()])));
}

#[tokio::test]
async fn a_policy_that_held_nothing_else_goes_as_a_whole() {
    let world = World::new().await;
    world.change(&["vpce-1"], &[]).await;
    assert_eq!(world.admitted().await, ids(&["vpce-1"]));
    world.change(&[], &["vpce-1"]).await;
    assert_eq!(world.policy().await, None);
}

#[tokio::test]
async fn what_is_so_already_costs_no_change() {
    let world = World::new().await;
    world.change(&["vpce-1"], &[]).await;
    world.tally.take();
    world.change(&["vpce-1"], &["vpce-9"]).await;
    assert_eq!(world.tally.take(), [("GetBucketPolicy".to_owned(), 1)].into());
}

#[tokio::test]
async fn an_endpoint_made_by_the_same_plan_is_admitted() {
    let world = World::new().await;
    let network = Network::new(&world.account).await;
    let mut admit = world.put_policy(&[], &[]);
    if let Action::Bucket(BucketChange::PutPolicy { add_endpoints, .. }) = &mut admit {
        add_endpoints.push(Target::Made(ResourceKey::S3GatewayEndpoint));
    }
    let plan = plan([
        (create_endpoint(&network.vpc, &[&network.main_table]), &[][..]),
        (admit, &[0]),
    ]);
    let outcome = done(&world.clients, &plan).await;
    let made = &outcome.made[&ResourceKey::S3GatewayEndpoint];
    assert_eq!(world.admitted().await, ids(&[made]));
}

#[tokio::test]
async fn many_who_change_one_policy_at_once_lose_nothing() {
    let world = World::new().await;
    // Each has a connection of its own, as workers with different roles have.
    let names = ["vpce-1", "vpce-2", "vpce-3", "vpce-4", "vpce-5", "vpce-6"];
    let observed = Connections::from_loader(loader(Moto::shared().url()), Tally::new()).await;
    let mut changes = Vec::new();
    for name in names {
        let mut role = world.account.role();
        role.external_id = Some(name.to_owned());
        let clients = Clients {
            s3: observed.s3(&Region::new(REGION), Some(&role)).await,
            ..world.clients.clone()
        };
        let plan = only(world.put_policy(&[name], &[]));
        changes.push(async move { done(&clients, &plan).await });
    }
    futures::future::join_all(changes).await;
    assert_eq!(world.admitted().await, ids(&names));
}

#[tokio::test]
async fn what_was_seen_holds_for_a_while_and_not_after_a_change_of_ours() {
    let world = World::new().await;
    look(&world.clients.s3, &world.bucket, false).await;
    world.tally.take();
    look(&world.clients.s3, &world.bucket, false).await;
    assert_eq!(world.tally.take().len(), 0);

    world.put(&PolicyDocument::new([world.theirs()])).await;
    assert!(look(&world.clients.s3, &world.bucket, true).await.policy.is_some());

    world.change(&["vpce-1"], &[]).await;
    let seen = look(&world.clients.s3, &world.bucket, false).await;
    assert!(seen.policy.unwrap().contains("vpce-1"));
}

#[tokio::test]
async fn many_who_look_at_one_bucket_share_the_look() {
    let world = World::new().await;
    let looks = (0..10).map(|_| look(&world.clients.s3, &world.bucket, false));
    let seen = futures::future::join_all(looks).await;
    assert!(seen.iter().all(|bucket| *bucket == seen[0]));
    let calls = world.tally.take();
    assert_eq!((calls["HeadBucket"], calls["GetBucketPolicy"]), (1, 1), "{calls:?}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_left_alone() {
    let world = World::new().await;
    let odd = r#"{"Version":"2012-10-17","Statement":[{"Sid":"odd","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Comment":"new"}]}"#;
    let request = world.someone_else.put_bucket_policy().bucket(&world.bucket);
    request.policy(odd).send().await.unwrap();
    let outcome = run(&world.clients, &only(world.put_policy(&["vpce-1"], &[]))).await;
    let (_, failure) = outcome.failures().next().expect("it is refused");
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(failure.message.contains("cannot be read"), "{}", failure.message);
    let kept = world
        .someone_else
        .get_bucket_policy()
        .bucket(&world.bucket)
        .send()
        .await;
    assert_eq!(kept.unwrap().policy.as_deref(), Some(odd));
}

#[tokio::test]
async fn a_bucket_that_vanished_is_told_by_its_name() {
    let world = World::new().await;
    world
        .someone_else
        .delete_bucket()
        .bucket(&world.bucket)
        .send()
        .await
        .unwrap();
    let outcome = run(&world.clients, &only(world.put_policy(&["vpce-1"], &[]))).await;
    let (_, failure) = outcome.failures().next().expect("it is refused");
    assert_eq!(failure.code.as_deref(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn whoever_may_not_look_is_told_so_bucket_by_bucket() {
    let moto = Moto::start();
    let account = moto.own_account();
    let someone_else = account.s3_client().await;
    someone_else.create_bucket().bucket("fraud-data").send().await.unwrap();
    let credentials = moto.enforce_iam(&["ec2:Describe*".to_owned()]).await;
    let loader = loader(moto.url()).credentials_provider(credentials);
    let connections = Connections::from_loader(loader, Tally::new()).await;
    let s3 = connections.s3(&Region::new(REGION), None).await;
    let seen = look(&s3, "fraud-data", false).await;
    assert_eq!(seen.error.as_deref(), Some("AccessDenied"), "{seen:?}");
    assert_eq!(seen.policy, None);
}
