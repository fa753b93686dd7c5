//! Buckets fill as AWS fills them, and the more urgent goes first. The clock is
//! a counter that the test moves.

use governor::clock::FakeRelativeClock;

use futures::FutureExt;

use super::*;

fn bucket(throttle: Throttle) -> (Bucket<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Bucket::new(throttle, clock.clone()), clock)
}

fn drain(bucket: &Bucket<FakeRelativeClock>, tokens: u32) {
    for _ in 0..tokens {
        let waiting = bucket.enter(Priority::Growth);
        assert_eq!(bucket.turn(waiting.ticket), Turn::Go);
    }
}

fn wait(turn: &Turn) -> Duration {
    match turn {
        Turn::After(wait) => *wait,
        Turn::Go | Turn::NotYet => panic!("expected to wait for a token, got {turn:?}"),
    }
}

#[test]
fn four_endpoint_calls_go_at_once_and_the_fifth_after_three_and_a_third_seconds() {
    let (bucket, clock) = bucket(Throttle::Endpoint);
    drain(&bucket, 4);
    let fifth = bucket.enter(Priority::Growth);
    let after = wait(&bucket.turn(fifth.ticket));
    assert!(
        after > Duration::from_millis(3_333) && after < Duration::from_millis(3_334),
        "{after:?}"
    );
    clock.advance(after);
    assert_eq!(bucket.turn(fifth.ticket), Turn::Go);
}

#[test]
fn no_bucket_gives_more_in_an_hour_than_aws_does() {
    for (throttle, burst, an_hour) in [
        (Throttle::Describe, 100, 72_000),
        (Throttle::Endpoint, 4, 1_080),
        (Throttle::Tags, 100, 36_000),
        (Throttle::Change, 50, 18_000),
        (Throttle::Identity, 600, 2_160_000),
    ] {
        assert_eq!(throttle.burst(), burst);
        assert!(
            Duration::from_secs(3_600) >= throttle.period() * an_hour - throttle.period(),
            "{throttle:?}"
        );
        assert!(
            throttle.period() * an_hour >= Duration::from_secs(3_600),
            "{throttle:?}"
        );
    }
}

#[test]
fn a_repair_that_arrives_last_goes_before_growth_and_growth_before_deletion() {
    let (bucket, clock) = bucket(Throttle::Endpoint);
    drain(&bucket, 4);
    let deletion = bucket.enter(Priority::Deletion);
    let growth = bucket.enter(Priority::Growth);
    let repair = bucket.enter(Priority::Repair);
    clock.advance(Throttle::Endpoint.period());
    assert_eq!(bucket.turn(deletion.ticket), Turn::NotYet);
    assert_eq!(bucket.turn(growth.ticket), Turn::NotYet);
    assert_eq!(bucket.turn(repair.ticket), Turn::Go);
    drop(repair);
    assert!(matches!(bucket.turn(growth.ticket), Turn::After(_)));
    clock.advance(Throttle::Endpoint.period());
    assert_eq!(bucket.turn(deletion.ticket), Turn::NotYet);
    assert_eq!(bucket.turn(growth.ticket), Turn::Go);
}

#[test]
fn of_equals_the_first_to_come_goes_first() {
    let (bucket, clock) = bucket(Throttle::Endpoint);
    drain(&bucket, 4);
    let first = bucket.enter(Priority::Repair);
    let second = bucket.enter(Priority::Repair);
    clock.advance(Throttle::Endpoint.period());
    assert_eq!(bucket.turn(second.ticket), Turn::NotYet);
    assert_eq!(bucket.turn(first.ticket), Turn::Go);
}

#[test]
fn whoever_gives_up_holds_nobody_back() {
    let (bucket, clock) = bucket(Throttle::Endpoint);
    drain(&bucket, 4);
    let repair = bucket.enter(Priority::Repair);
    let deletion = bucket.enter(Priority::Deletion);
    drop(repair);
    clock.advance(Throttle::Endpoint.period());
    assert_eq!(bucket.turn(deletion.ticket), Turn::Go);
}

fn scope(account: &str, region: &str) -> Scope {
    Scope {
        account: account.into(),
        region: Region::new(region),
    }
}

#[tokio::test]
async fn accounts_regions_and_actions_have_buckets_of_their_own() {
    let quotas = Quotas::default();
    let calls = [
        Call::CreateVpcEndpoint,
        Call::ModifyVpcEndpoint,
        Call::DeleteVpcEndpoints,
    ];
    let scopes = [
        scope("111122223333", "us-east-1"),
        scope("111122223333", "eu-west-1"),
        scope("444455556666", "us-east-1"),
    ];
    // Four of each are there at once; one bucket for two of them would make
    // someone wait.
    for call in calls {
        for scope in &scopes {
            for _ in 0..4 {
                let token = quotas.acquire(scope.clone(), call, Priority::Growth).now_or_never();
                assert!(token.is_some(), "{call} in {scope:?}");
            }
        }
    }
    assert_eq!(quotas.buckets.lock().len(), calls.len() * scopes.len());
}

#[tokio::test]
async fn a_waiter_is_woken_when_those_before_it_are_served() {
    let quotas = Arc::new(Quotas::default());
    let scope = scope("111122223333", "us-east-1");
    // One more than the burst, side by side: the last ones wait for the
    // refill, which is fast for this class, and all get through.
    let burst = Throttle::Describe.burst();
    let acquired = (0..burst + 3).map(|_| quotas.acquire(scope.clone(), Call::DescribeVpcs, Priority::Repair));
    let done = tokio::time::timeout(Duration::from_secs(30), futures::future::join_all(acquired)).await;
    assert_eq!(done.map(|all| all.len()).ok(), Some(103));
}
