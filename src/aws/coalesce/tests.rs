//! Who shares a round with whom, and that nobody waits for ever.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, mpsc};

use super::*;

/// Answers each round with its number and what it was asked.
fn numbered(rounds: Arc<AtomicUsize>) -> Gathering<u32, (usize, Vec<u32>)> {
    Gathering::new(move |requests| {
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
    let gathering = Gathering::new(move |requests: Vec<u32>| {
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
    let gathering = Gathering::new(|requests: Vec<u32>| async move {
        assert!(!requests.contains(&13), "unlucky");
        requests
    });
    assert_eq!(gathering.ask(13).await, None);
    assert_eq!(gathering.ask(7).await, Some(vec![7]));
}
