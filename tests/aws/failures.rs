//! What AWS refuses, and when it does not answer, is told as what it is: by
//! whom, of what, and why.

use std::time::Instant;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use sagevpc::aws::{CallOutcome, Connections, Ec2};
use sagevpc_core::{
    observed::Interest,
    plan::Step,
    report::{Failure, FailureKind},
    types::{Region, VpcId},
};

use crate::{
    plans::{create_endpoint, create_group, failure, look, only, step},
    support::{
        moto::{Moto, REGION, loader},
        network::Network,
        road::{Fault, Road},
        tally::Tally,
    },
};

pub(crate) fn somewhere() -> Interest {
    Interest {
        vpc: Some(VpcId::new("vpc-0123456789abcdef0")),
        ..Interest::default()
    }
}

fn refused(status: u16, code: &'static str, message: &str) -> Fault {
    Fault::Refuse {
        status,
        code,
        message: message.into(),
    }
}

/// Our own connection with these credentials, without a role.
async fn with_credentials(url: &str, credentials: impl ProvideCredentials + 'static) -> Ec2 {
    let loader = loader(url).credentials_provider(SharedCredentialsProvider::new(credentials));
    Connections::from_loader(loader, Tally::new())
        .await
        .ec2(&Region::new(REGION), None)
        .await
}

#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = CredentialsError::not_loaded("no providers in chain provided credentials");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn an_aws_that_is_not_there_is_unreachable_in_good_time() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let ec2 = with_credentials(&url, Credentials::new("testing", "testing", None, None, "test")).await;
    let begun = Instant::now();
    let failure = ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Unreachable, None));
    assert!(failure.action.starts_with("ec2:Describe"), "{}", failure.action);
    assert!(failure.message.contains("Connection refused"), "{}", failure.message);
    assert!(begun.elapsed().as_secs() < 25, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_look_that_is_never_answered_ends_in_good_time() {
    let account = Moto::shared().account();
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    for _ in 0..3 {
        road.next("DescribeSubnets", Fault::Silence);
    }
    let begun = Instant::now();
    let failure = ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.message.contains(REGION), "{}", failure.message);
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_look_without_credentials_says_so() {
    let ec2 = with_credentials(Moto::shared().url(), NoCredentials).await;
    let failure = ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoCredentials);
    assert!(failure.message.contains("no providers in chain"), "{}", failure.message);
}

#[tokio::test]
async fn credentials_that_aws_does_not_know_are_no_credentials() {
    let moto = Moto::start();
    moto.enforce_iam(&["ec2:*".to_owned()]).await;
    let unknown = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret-of-this-test", None, None, "test");
    let failure = with_credentials(moto.url(), unknown)
        .await
        .observe(&somewhere())
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::NoCredentials, Some("AuthFailure"))
    );
    assert!(!format!("{failure:?}").contains("secret-of-this-test"));
    assert!(!format!("{failure:?}").contains("AKIAIOSFODNN7EXAMPLE"));
}

#[tokio::test]
async fn a_role_that_we_may_not_assume_is_named_with_the_action() {
    let account = Moto::shared().account();
    let road = Road::to(Moto::shared().url()).await;
    let tally = Tally::new();
    let ec2 = account.ec2_by(road.url(), tally.clone()).await;
    let message = format!(
        "User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:AssumeRole on {}",
        account.role().role_arn
    );
    // Each call of a round asks for credentials until one has got them.
    for _ in 0..20 {
        road.next("AssumeRole", refused(403, "AccessDenied", &message));
    }
    let failure = ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!(
        failure,
        Failure {
            kind: FailureKind::AccessDenied,
            action: "sts:AssumeRole".into(),
            code: Some("AccessDenied".into()),
            message,
        }
    );
    let attempts = tally.outcomes("AssumeRole");
    assert!(
        attempts.contains(&CallOutcome::Failed(FailureKind::AccessDenied)),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn a_role_is_assumed_once_for_all_calls() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    look(&ec2, &network.vpc).await;
    look(&ec2, &network.vpc).await;
    assert_eq!(tally.outcomes("AssumeRole"), [CallOutcome::Ok]);
    assert_eq!(tally.outcomes("DescribeVpcs"), [CallOutcome::Ok; 2]);
    assert_eq!(ec2.account().await.as_ref(), Ok(&account.id));
    assert_eq!(
        tally.outcomes("GetCallerIdentity"),
        [],
        "a role's ARN names its account"
    );
}

#[tokio::test]
async fn our_own_account_is_asked_for_once() {
    let tally = Tally::new();
    let connections = Connections::from_loader(loader(Moto::shared().url()), tally.clone()).await;
    let ec2 = connections.ec2(&Region::new(REGION), None).await;
    let snapshot = ec2.observe(&somewhere()).await.unwrap();
    assert_eq!(snapshot.account.as_ref(), Some(&Moto::shared().own_account().id));
    ec2.observe(&somewhere()).await.unwrap();
    assert_eq!(tally.outcomes("GetCallerIdentity"), [CallOutcome::Ok]);
}

#[tokio::test]
async fn a_network_without_a_way_to_sts_is_seen_all_the_same() {
    let road = Road::to(Moto::shared().url()).await;
    for _ in 0..3 {
        road.next("GetCallerIdentity", Fault::LoseAnswer);
    }
    let ec2 = with_credentials(road.url(), Credentials::new("testing", "testing", None, None, "test")).await;
    let snapshot = ec2.observe(&somewhere()).await.unwrap();
    assert_eq!(snapshot.account, None);
    assert_eq!(ec2.observe(&somewhere()).await.unwrap().account, None);
    assert_eq!(road.calls("GetCallerIdentity").len(), 3);
}

#[tokio::test]
async fn a_look_that_is_denied_names_the_action() {
    let account = Moto::shared().account();
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    let message = "You are not authorized to perform this operation.";
    road.next("DescribeRouteTables", refused(403, "UnauthorizedOperation", message));
    let failure = ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::AccessDenied);
    assert_eq!(failure.action, "ec2:DescribeRouteTables");
    assert_eq!(failure.message, message);
}

#[tokio::test]
async fn refusals_of_an_action_are_told_apart() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    let endpoint = || create_endpoint(&network.vpc, &[&network.main_table]);

    road.next(
        "CreateVpcEndpoint",
        refused(
            403,
            "UnauthorizedOperation",
            "No. Encoded authorization failure message: abc",
        ),
    );
    let denied = failure(step(&ec2, endpoint()).await);
    assert_eq!(
        (denied.kind, denied.action.as_str()),
        (FailureKind::AccessDenied, "ec2:CreateVpcEndpoint")
    );
    assert_eq!(denied.message, "No.");

    road.next(
        "CreateVpcEndpoint",
        refused(400, "VpcEndpointLimitExceeded", "The maximum number is reached"),
    );
    assert_eq!(failure(step(&ec2, endpoint()).await).kind, FailureKind::QuotaExceeded);

    road.next(
        "CreateSecurityGroup",
        refused(400, "InvalidParameterValue", "Invalid name"),
    );
    let rejected = failure(step(&ec2, create_group(&network.vpc, "sg-x")).await);
    assert_eq!(
        (rejected.kind, rejected.message.as_str()),
        (FailureKind::Rejected, "Invalid name")
    );
    assert_eq!(rejected.code.as_deref(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn what_stays_throttled_is_told_after_three_attempts() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let tally = Tally::new();
    let ec2 = account.ec2_by(road.url(), tally.clone()).await;
    for _ in 0..3 {
        road.next(
            "CreateSecurityGroup",
            refused(503, "RequestLimitExceeded", "Request limit exceeded."),
        );
    }
    let throttled = failure(step(&ec2, create_group(&network.vpc, "workloads")).await);
    assert_eq!(throttled.kind, FailureKind::Throttled);
    assert_eq!(
        tally.outcomes("CreateSecurityGroup"),
        [CallOutcome::Failed(FailureKind::Throttled); 3]
    );
}

#[tokio::test]
async fn a_failure_of_one_action_does_not_stop_the_others() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    road.next("CreateSecurityGroup", refused(403, "UnauthorizedOperation", "No."));
    let mut plan = only(create_group(&network.vpc, "workloads"));
    plan.actions.extend(
        crate::plans::plan([
            (create_group(&network.vpc, "unused"), &[][..]),
            (create_endpoint(&network.vpc, &[&network.main_table]), &[]),
        ])
        .actions
        .split_off(1),
    );
    let outcome = crate::plans::run(&ec2, &plan).await;
    assert_eq!(outcome.failures().count(), 1);
    assert_eq!(outcome.steps.values().filter(|step| **step == Step::Done).count(), 1);
    assert_eq!(crate::plans::endpoints(&look(&ec2, &network.vpc).await).len(), 1);
}
