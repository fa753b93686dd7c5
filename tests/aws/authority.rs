//! Nothing is asked of AWS once the right to act is over.

use std::sync::Arc;

use sagevpc::{
    aws::{Connections, Ec2},
    lease::Authority,
};
use sagevpc_core::types::Region;

use crate::{
    failures::somewhere,
    support::{
        moto::{Account, Moto, REGION, loader},
        road::{Fault, Road},
        tally::Tally,
    },
};

async fn under(authority: &Authority, road: &Road, account: &Account, tally: Arc<Tally>) -> Ec2 {
    let connections = Connections::from_loader(loader(road.url()), tally).await;
    connections
        .under(authority.clone())
        .ec2(&Region::new(REGION), Some(&account.role()))
        .await
}

#[tokio::test]
async fn once_it_is_over_not_even_credentials_are_asked_for() {
    let (account, tally) = (Moto::shared().account(), Tally::new());
    let road = Road::to(Moto::shared().url()).await;
    let authority = Authority::unlimited();
    let ec2 = under(&authority, &road, &account, tally.clone()).await;
    authority.close();
    ec2.observe(&somewhere()).await.unwrap_err();
    assert_eq!(tally.take(), [].into());
    authority.idle().await;
}

#[tokio::test]
async fn no_attempt_is_repeated_once_it_is_over() {
    let (account, tally) = (Moto::shared().account(), Tally::new());
    let road = Road::to(Moto::shared().url()).await;
    let authority = Authority::unlimited();
    let ec2 = under(&authority, &road, &account, tally).await;
    for _ in 0..3 {
        road.next("DescribeSubnets", Fault::Silence);
    }
    let looking = tokio::spawn(async move { ec2.observe(&somewhere()).await.map(|_| ()) });
    // The first attempt waits for its answer in vain, for ten seconds.
    while road.calls("DescribeSubnets").is_empty() {
        tokio::task::yield_now().await;
    }
    authority.end();
    looking.await.unwrap().unwrap_err();
    assert_eq!(road.calls("DescribeSubnets").len(), 1);
    authority.idle().await;
}
