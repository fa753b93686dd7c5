//! Which subnets and route tables each profile has, and whether it takes part.
//!
//! A profile whose input is bad changes nothing in AWS: unless it had effect
//! before, it is left out of the plan until the input is mended.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    capacity,
    draft::Draft,
    endpoints::ByWayOut,
    kinds,
    resolved::{ResolvedProfile, Standing, absent},
};
use crate::{
    api::Reason,
    catalog::Symptom,
    observed::{Subnet, tags_of},
    report::{Concern, Finding, Scope},
    types::{SubnetId, has_tags, listed},
    validate::Choice,
};

/// Resolves every profile, in the order of age, and reports what is wrong with
/// its subnets, what does not suit its kinds, and the addresses there are.
pub(super) fn resolve<'a>(draft: &mut Draft<'a>) -> Vec<ResolvedProfile<'a>> {
    let snapshot = draft.snapshot;
    let network = draft.network;
    let offered = offered(draft);
    let mut profiles: Vec<ResolvedProfile<'a>> = network
        .profiles
        .iter()
        .map(|profile| {
            let mut resolved = ResolvedProfile {
                network: profile,
                subnets: Vec::new(),
                tables: BTreeMap::new(),
                standing: Standing::TakesPart,
                has_room: true,
                blocked: BTreeSet::new(),
                left_out: BTreeMap::new(),
            };
            choose_subnets(draft, &mut resolved, &offered);
            for subnet in &resolved.subnets {
                if let Some(table) = snapshot.route_table_of(&subnet.subnet_id) {
                    resolved
                        .tables
                        .entry(table.route_table_id.clone())
                        .or_default()
                        .push(&subnet.subnet_id);
                }
            }
            kinds::judge(draft, &mut resolved);
            resolved
        })
        .collect();
    // Endpoints that are not made take no addresses.
    draft.by_way_out = ByWayOut::of(draft, &profiles);
    for shortage in capacity::shortages(draft, &profiles) {
        let resolved = &mut profiles[shortage.profile];
        resolved.has_room = false;
        let scope = match &shortage.workloads {
            Some(workloads) => resolved.block(workloads),
            None => resolved.block_all(),
        };
        draft.find(
            Concern::Capacity,
            scope,
            Reason::TooFewAddresses,
            Some(Symptom::NoCapacity),
            shortage.message,
        );
    }
    for resolved in &mut profiles {
        resolved.standing = if resolved.is_out() {
            Standing::Out
        } else if resolved.profile().established && resolved.subnets.is_empty() {
            Standing::Kept
        } else {
            Standing::TakesPart
        };
    }
    profiles
}

/// The subnets that the VPC object offers.
struct Offered<'a> {
    subnets: BTreeMap<&'a SubnetId, &'a Subnet>,
    /// What is wrong with ids that it names in vain.
    missing: Vec<Absence>,
}

/// What is wrong with an id that is named in vain.
struct Absence {
    subnet: SubnetId,
    reason: Reason,
    message: String,
}

impl Absence {
    fn new(subnet: &SubnetId, (reason, message): (Reason, String)) -> Self {
        Self {
            subnet: subnet.clone(),
            reason,
            message,
        }
    }

    fn found(&self, scope: Scope) -> Finding {
        Finding::new(Concern::Subnets, scope, self.reason, self.message.as_str()).about(&self.subnet)
    }
}

fn offered<'a>(draft: &mut Draft<'a>) -> Offered<'a> {
    let snapshot = draft.snapshot;
    let is_offered = |subnet: &Subnet| match &draft.network.vpc.subnets {
        None => false,
        Some(Choice::Tags(tags)) => has_tags(&tags_of(&subnet.tags), tags),
        Some(Choice::Ids(ids)) => ids.contains(&subnet.subnet_id),
    };
    let subnets: BTreeMap<_, _> = snapshot
        .subnets
        .iter()
        .filter(|(_, subnet)| is_offered(subnet))
        .collect();
    let missing: Vec<_> = match &draft.network.vpc.subnets {
        None | Some(Choice::Tags(_)) => Vec::new(),
        Some(Choice::Ids(ids)) => {
            let unseen = ids.iter().filter(|id| !snapshot.subnets.contains_key(*id));
            unseen
                .map(|id| Absence::new(id, absent(snapshot, id, "spec.subnets of the SageMakerVpc")))
                .collect()
        }
    };
    for absence in &missing {
        draft.push(absence.found(Scope::SageMakerVpc));
    }
    if let (Some(Choice::Tags(tags)), true) = (&draft.network.vpc.subnets, subnets.is_empty()) {
        let message = format!(
            "No subnet of {} has the tags {} of spec.subnets.selector: correct the selector, or tag the subnets that \
             profiles may use.",
            draft.network.vpc.vpc_id,
            listed(tags.iter().map(|(key, value)| format!("{key}={value}"))),
        );
        draft.find(
            Concern::Subnets,
            Scope::SageMakerVpc,
            Reason::SubnetNotFound,
            None,
            message,
        );
    }
    Offered { subnets, missing }
}

fn choose_subnets<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>, offered: &Offered<'a>) {
    let snapshot = draft.snapshot;
    let vpc = &draft.network.vpc;
    let mut chosen: Vec<&Subnet> = Vec::new();
    match &resolved.profile().subnets {
        None => {
            chosen.extend(offered.subnets.values());
            // Nothing is begun on a choice that is not what its author meant;
            // what runs on the rest of the subnets goes on.
            if !resolved.profile().established {
                for absence in &offered.missing {
                    draft.push(absence.found(resolved.block_all()));
                }
            }
        }
        Some(Choice::Tags(tags)) => {
            chosen.extend(
                offered
                    .subnets
                    .values()
                    .filter(|subnet| has_tags(&tags_of(&subnet.tags), tags)),
            );
        }
        Some(Choice::Ids(ids)) => {
            for id in ids {
                if let Some(subnet) = offered.subnets.get(id) {
                    chosen.push(subnet);
                    continue;
                }
                let why = if snapshot.subnets.contains_key(id) {
                    let message = format!(
                        "Subnet {id}, named in spec.subnets, is not offered by SageMakerVpc {}: choose another, or ask \
                         its owners to offer it.",
                        vpc.ownership.vpc
                    );
                    (Reason::SubnetNotOffered, message)
                } else {
                    absent(snapshot, id, "spec.subnets")
                };
                draft.push(Absence::new(id, why).found(resolved.block_all()));
            }
        }
    }
    if chosen.is_empty() && resolved.blocked.is_empty() {
        let message = if vpc.subnets.is_none() {
            format!(
                "SageMakerVpc {} offers no subnets: its owners must set spec.subnets there.",
                vpc.ownership.vpc
            )
        } else {
            format!(
                "No subnet of {} matches: compare spec.subnets of SageMakerVpc {} and of this profile with the ids and \
                 tags of the VPC's subnets.",
                vpc.vpc_id, vpc.ownership.vpc
            )
        };
        let scope = resolved.block_all();
        draft.find(Concern::Subnets, scope, Reason::SubnetNotFound, None, message);
    }
    resolved.subnets = chosen;
}
