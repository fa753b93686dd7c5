//! What is remembered from one round to the next: what changes seldom or never.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::aws::errors::Refusal;
use sagevpc_core::{
    observed::{EndpointService, PrefixList, Vpc, VpcAttributes},
    types::VpcId,
};

/// How long facts of the region are taken to hold.
const FACTS_AGE: Duration = Duration::from_secs(3_600);

/// How long a VPC's DNS attributes are taken to hold.
const ATTRIBUTES_AGE: Duration = Duration::from_secs(300);

/// How many VPCs' attributes are refreshed in one round for their age alone,
/// the oldest first: two calls each must leave room in AWS's bucket of 100 for
/// those that are seen for the first time.
const REFRESHED_AT_ONCE: usize = 40;

/// Facts of a region: what AWS offers there.
#[derive(Clone, Default)]
pub(super) struct Facts {
    pub(super) prefix_lists: Vec<PrefixList>,
    pub(super) gateway_services: Vec<EndpointService>,
}

/// Something of the region, and when it was asked for.
pub(super) type Fact<T> = Mutex<Option<(Instant, T)>>;

/// What is remembered from earlier rounds.
#[derive(Default)]
pub(in crate::aws) struct Known {
    pub(super) facts: Fact<Facts>,
    pub(super) interface_services: Fact<Vec<EndpointService>>,
    attributes: Mutex<HashMap<VpcId, (Instant, VpcAttributes)>>,
}

impl Known {
    pub(in crate::aws) fn forget_attributes(&self, vpc: &VpcId) {
        self.attributes().remove(vpc);
    }

    pub(super) fn attributes(&self) -> MutexGuard<'_, HashMap<VpcId, (Instant, VpcAttributes)>> {
        self.attributes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The VPCs whose attributes are to be read: those never seen, those asked
    /// for, and the oldest of those that are due.
    pub(super) fn attributes_due(&self, vpcs: &[Vpc], fresh: &BTreeSet<VpcId>) -> Vec<VpcId> {
        let known = self.attributes();
        let mut wanted = Vec::new();
        let mut aged = BTreeMap::new();
        for Vpc { vpc_id, .. } in vpcs {
            match known.get(vpc_id) {
                Some((at, _)) if !fresh.contains(vpc_id) => {
                    if at.elapsed() >= ATTRIBUTES_AGE {
                        aged.insert((*at, vpc_id), vpc_id.clone());
                    }
                }
                Some(_) | None => wanted.push(vpc_id.clone()),
            }
        }
        wanted.extend(aged.into_values().take(REFRESHED_AT_ONCE));
        wanted
    }
}

/// A fact that is young enough to hold, or read anew.
pub(super) async fn fact<T: Clone>(
    known: &Fact<T>,
    read: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let remembered = lock().clone().filter(|(at, _)| at.elapsed() < FACTS_AGE);
    if let Some((_, fact)) = remembered {
        return Ok(fact);
    }
    let asked_at = Instant::now();
    let fact = read.await?;
    *lock() = Some((asked_at, fact.clone()));
    Ok(fact)
}
