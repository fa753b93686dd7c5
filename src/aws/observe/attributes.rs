//! The DNS attributes of VPCs. AWS gives one VPC's at a time and may refuse one
//! VPC's alone, so that a refusal or a silence concerns that VPC and no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::known::VpcAttribute;
use crate::aws::{describe, ec2::Ec2Connection, errors::Refusal};
use sagevpc_core::{
    catalog::calls::Call,
    observed::Vpc,
    report::{Failure, FailureKind},
    types::VpcId,
};

/// How long DNS attributes may take: a VPC whose calls hang must not take the
/// round of all others with it.
const ATTRIBUTES_DEADLINE: Duration = Duration::from_secs(18);

/// How many calls for attributes are under way at once.
const ATTRIBUTE_CALLS: usize = 32;

/// Reads DNS attributes anew where that is due, and gives the VPCs for which
/// that failed: AWS is asked for one attribute of one VPC at a time, and may
/// refuse it.
pub(super) async fn refresh_attributes(
    connection: &Ec2Connection,
    vpcs: &[Vpc],
    fresh: &BTreeSet<VpcId>,
) -> BTreeMap<VpcId, Failure> {
    let due = connection.known.attributes_due(vpcs, fresh);
    let unread: Mutex<BTreeMap<VpcAttribute, Failure>> =
        Mutex::new(due.iter().map(|attribute| (attribute.clone(), silence())).collect());
    let note = |attribute: &VpcAttribute, answer: Result<(), Refusal>| {
        let mut unread = unread.lock();
        match answer {
            Ok(()) => unread.remove(attribute),
            Err(refusal) => unread.insert(attribute.clone(), refusal.failure),
        };
    };
    let reading = stream::iter(&due).for_each_concurrent(ATTRIBUTE_CALLS, |attribute| async {
        let asked_at = Instant::now();
        let (vpc, name) = attribute;
        let read = describe::vpc_attribute(connection, vpc, *name).await.map(|is_on| {
            // A VPC that has just been deleted has none.
            if let Some(is_on) = is_on {
                connection.known.note_attribute(attribute.clone(), asked_at, is_on);
            }
        });
        note(attribute, read);
    });
    // Those that are not read in time are noted as such already.
    let _ = tokio::time::timeout(ATTRIBUTES_DEADLINE, reading).await;
    let unread = unread.into_inner();
    unread.into_iter().map(|((vpc, _), failure)| (vpc, failure)).collect()
}

fn silence() -> Failure {
    let message = "EC2 did not answer in time";
    Refusal::without_code(Call::DescribeVpcAttribute, FailureKind::Unreachable, message).failure
}
