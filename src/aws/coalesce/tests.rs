//! Who shares a round with whom, and that nobody waits for ever.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, mpsc};

use super::*;

/// All who wait fit into one round.
fn all(requests: &mut dyn Iterator<Item = &u32>) -> usize {
    requests.count()
}

/// Answers each round with its number and what it was asked.
fn numbered(rounds: Arc<AtomicUsize>) -> Gathering<u32, (usize, Vec<u32>)> {
    Gathering::new(all, move |requests| {
        let number = rounds.fetch_add(1, Ordering::SeqCst) + 1;
        async move { (number, requests) }
    })
}

#[tokio::test]
async fn requests_of_one_moment_share_a_round() {
    let rounds = Arc::new(AtomicUsize::new(0));
    let gathering = numbered(Arc::clone(&rounds));
    let answers = futures::future::join_all((0..200).map(|request| gathering.ask(request))).await;
    let everyone: Vec<u32> = (0..200).collect();
    assert!(answers.iter().all(|answer| *answer == Some((1, everyone.clone()))));
    assert_eq!(rounds.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_never_joins_a_round_that_has_begun() {
    let (began, mut rounds) = mpsc::unbounded_channel();
    let go_on = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&go_on);
    let gathering = Gathering::new(all, move |requests: Vec<u32>| {
        let (began, gate) = (began.clone(), Arc::clone(&gate));
        async move {
            began.send(requests.clone()).unwrap();
            gate.acquire().await.unwrap().forget();
            requests
        }
    });
    let ask = |request| {
        tokio::spawn({
            let gathering = gathering.clone();
            async move { gathering.ask(request).await }
        })
    };
    let first = ask(1);
    assert_eq!(rounds.recv().await, Some(vec![1]));
    let (second, third) = (ask(2), ask(3));
    go_on.add_permits(1);
    assert_eq!(first.await.unwrap(), Some(vec![1]));
    go_on.add_permits(1);
    let mut later = second.await.unwrap().unwrap();
    later.sort_unstable();
    assert_eq!(later, [2, 3]);
    assert!(third.await.unwrap().is_some());
}

#[tokio::test]
async fn a_round_goes_on_when_someone_stops_waiting() {
    let gathering = numbered(Arc::default());
    let (gone, stays) = (gathering.ask(1), gathering.ask(2));
    let gone = tokio::time::timeout(Duration::ZERO, gone);
    let (gone, stays) = tokio::join!(gone, stays);
    assert!(gone.is_err());
    assert_eq!(stays, Some((1, vec![1, 2])));
}

#[tokio::test]
async fn after_a_round_that_panics_the_next_request_is_served() {
    let gathering = Gathering::new(all, |requests: Vec<u32>| async move {
        assert!(!requests.contains(&13), "unlucky");
        requests
    });
    assert_eq!(gathering.ask(13).await, None);
    assert_eq!(gathering.ask(7).await, Some(vec![7]));
}

#[tokio::test]
async fn those_who_come_one_after_the_other_share_a_round() {
    let rounds = Arc::new(AtomicUsize::new(0));
    let gathering = numbered(Arc::clone(&rounds));
    let asked = (0..20).map(|request| {
        let gathering = &gathering;
        async move {
            tokio::time::sleep(QUIET * request / 10).await;
            gathering.ask(request).await
        }
    });
    futures::future::join_all(asked).await;
    assert_eq!(rounds.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_round_does_not_wait_for_ever_for_those_who_keep_coming() {
    let gathering = numbered(Arc::default());
    let (first, ()) = tokio::join!(gathering.ask(0), async {
        for request in 1..100 {
            let gathering = gathering.clone();
            tokio::spawn(async move { gathering.ask(request).await });
            tokio::time::sleep(QUIET / 4).await;
        }
    });
    let (number, requests) = first.unwrap();
    assert_eq!(number, 1);
    assert!(requests.len() < 100, "{requests:?}");
}

#[tokio::test]
async fn those_who_do_not_fit_share_the_next_round() {
    let gathering = Gathering::new(
        |requests: &mut dyn Iterator<Item = &u32>| requests.take(3).count(),
        |requests: Vec<u32>| async move { requests },
    );
    let answers = futures::future::join_all((0..7).map(|request| gathering.ask(request))).await;
    let expected = [vec![0, 1, 2], vec![3, 4, 5], vec![6]].map(Some);
    assert_eq!(answers[0], expected[0]);
    assert_eq!(answers[5], expected[1]);
    assert_eq!(answers[6], expected[2]);
}
