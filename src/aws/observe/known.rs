//! What is remembered from one round to the next: what changes seldom or never.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::aws::errors::Refusal;
use sagevpc_core::{
    observed::{EndpointService, Flag, InstanceTypeOffering, PrefixList, Vpc, VpcAttributes},
    plan::DnsAttribute,
    types::VpcId,
};

/// How long facts of the region are taken to hold.
const FACTS_AGE: Duration = Duration::from_secs(3_600);

/// How long a VPC's DNS attributes are taken to hold.
const ATTRIBUTES_AGE: Duration = Duration::from_secs(300);

/// How many attributes are refreshed in one round for their age alone, the
/// oldest first: they must leave room in AWS's bucket of 100 calls for those
/// that are seen for the first time.
const REFRESHED_AT_ONCE: usize = 80;

/// One attribute of one VPC: what EC2 tells in one call.
pub(super) type VpcAttribute = (VpcId, DnsAttribute);

const DNS_ATTRIBUTES: [DnsAttribute; 2] = [DnsAttribute::EnableDnsSupport, DnsAttribute::EnableDnsHostnames];

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
    attributes: Mutex<BTreeMap<VpcAttribute, (Instant, bool)>>,
    instance_types: Mutex<BTreeMap<String, (Instant, Vec<InstanceTypeOffering>)>>,
}

impl Known {
    /// Those of the instance types that were not asked about for a while.
    pub(super) fn unknown_instance_types(&self, types: &BTreeSet<String>) -> Vec<String> {
        let known = self.instance_types.lock();
        let is_known = |name: &&String| known.get(*name).is_some_and(|(at, _)| at.elapsed() < FACTS_AGE);
        types.iter().filter(|name| !is_known(name)).cloned().collect()
    }

    /// Notes where the instance types are offered.
    pub(super) fn note_instance_types(&self, types: &[String], found: Vec<InstanceTypeOffering>) {
        let mut known = self.instance_types.lock();
        for name in types {
            known.insert(name.clone(), (Instant::now(), Vec::new()));
        }
        for offering in found {
            if let Some((_, offerings)) = known.get_mut(&offering.instance_type) {
                offerings.push(offering);
            }
        }
    }

    /// Where the instance types are offered, as far as is known.
    pub(super) fn instance_type_offerings(&self, types: &BTreeSet<String>) -> Vec<InstanceTypeOffering> {
        let known = self.instance_types.lock();
        let offered = types.iter().filter_map(|name| known.get(name));
        offered.flat_map(|(_, offerings)| offerings.iter().cloned()).collect()
    }

    /// Forgets an attribute, so that it is read anew.
    pub(in crate::aws) fn forget_attribute(&self, vpc: &VpcId, attribute: DnsAttribute) {
        self.attributes().remove(&(vpc.clone(), attribute));
    }

    /// Notes what an attribute was when it was asked for.
    pub(super) fn note_attribute(&self, attribute: VpcAttribute, asked_at: Instant, is_on: bool) {
        self.attributes().insert(attribute, (asked_at, is_on));
    }

    /// The attributes of a VPC, once all of them were read.
    pub(super) fn attributes_of(&self, vpc: &VpcId) -> Option<VpcAttributes> {
        let known = self.attributes();
        let flag = |attribute| {
            let (_, value) = *known.get(&(vpc.clone(), attribute))?;
            Some(Flag { value })
        };
        Some(VpcAttributes {
            vpc_id: vpc.clone(),
            enable_dns_support: flag(DnsAttribute::EnableDnsSupport)?,
            enable_dns_hostnames: flag(DnsAttribute::EnableDnsHostnames)?,
        })
    }

    /// How many attributes of a VPC were never read.
    pub(super) fn unread(&self, vpc: &VpcId) -> usize {
        let known = self.attributes();
        let read = |attribute: &DnsAttribute| known.contains_key(&(vpc.clone(), *attribute));
        DNS_ATTRIBUTES.iter().filter(|attribute| !read(attribute)).count()
    }

    /// The attributes that are to be read: those never seen, those asked for,
    /// and the oldest of those that are due.
    pub(super) fn attributes_due(&self, vpcs: &[Vpc], fresh: &BTreeSet<VpcId>) -> Vec<VpcAttribute> {
        let known = self.attributes();
        let mut wanted = Vec::new();
        let mut aged = BTreeSet::new();
        let all = vpcs
            .iter()
            .flat_map(|vpc| DNS_ATTRIBUTES.map(|attribute| (vpc.vpc_id.clone(), attribute)));
        for attribute in all {
            match known.get(&attribute) {
                Some((at, _)) if !fresh.contains(&attribute.0) => {
                    if at.elapsed() >= ATTRIBUTES_AGE {
                        aged.insert((*at, attribute));
                    }
                }
                Some(_) | None => wanted.push(attribute),
            }
        }
        let oldest = aged.into_iter().map(|(_, attribute)| attribute);
        wanted.extend(oldest.take(REFRESHED_AT_ONCE));
        wanted
    }

    fn attributes(&self) -> MutexGuard<'_, BTreeMap<VpcAttribute, (Instant, bool)>> {
        self.attributes.lock()
    }
}

/// A fact that is young enough to hold, or read anew.
pub(super) async fn fact<T: Clone>(
    known: &Fact<T>,
    read: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let lock = || known.lock();
    let remembered = lock().clone().filter(|(at, _)| at.elapsed() < FACTS_AGE);
    if let Some((_, fact)) = remembered {
        return Ok(fact);
    }
    let asked_at = Instant::now();
    let fact = read.await?;
    *lock() = Some((asked_at, fact.clone()));
    Ok(fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpc(id: &str) -> Vpc {
        serde_json::from_value(serde_json::json!({ "VpcId": id })).unwrap()
    }

    #[test]
    fn only_the_attribute_that_was_changed_is_read_again() {
        let (known, vpcs) = (Known::default(), [vpc("vpc-1"), vpc("vpc-2")]);
        let due = || known.attributes_due(&vpcs, &BTreeSet::new());
        assert_eq!(due().len(), 4);
        for attribute in due() {
            known.note_attribute(attribute, Instant::now(), true);
        }
        assert_eq!(due(), []);
        let changed = (VpcId::new("vpc-2"), DnsAttribute::EnableDnsHostnames);
        known.forget_attribute(&changed.0, changed.1);
        assert_eq!(due(), [changed]);
        assert_eq!(known.attributes_of(&VpcId::new("vpc-2")), None);
        assert!(known.attributes_of(&VpcId::new("vpc-1")).is_some());
    }
}
