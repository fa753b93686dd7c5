//! Which subnets and route tables each profile has, and whether it takes part.
//!
//! A profile whose input is bad changes nothing in AWS: unless it had effect
//! before, it is left out of the plan until the input is mended.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{capacity, draft::Draft, keeping::Thing, kinds};
use crate::{
    api::Reason,
    catalog::Symptom,
    desired::ProfileNetwork,
    observed::{Subnet, VpcSnapshot, tags_of},
    report::{Concern, Finding, Scope},
    types::{ProfileKey, RouteTableId, SubnetId, Tags, listed},
    validate::{Choice, ValidProfile, ValidWorkload},
};

/// A profile with what it has in this VPC.
pub(super) struct ResolvedProfile<'a> {
    pub(super) network: &'a ProfileNetwork,
    /// Its subnets, in the order of their ids.
    pub(super) subnets: Vec<&'a Subnet>,
    /// The route table of each subnet in use.
    pub(super) tables: BTreeMap<RouteTableId, Vec<&'a SubnetId>>,
    pub(super) standing: Standing,
    /// Whether there are addresses enough for all its workloads at once.
    pub(super) has_room: bool,
    /// Workloads that bad input keeps from running, by their place.
    blocked: BTreeSet<usize>,
}

/// Whether a profile has effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has.
    TakesPart,
    /// It had effect before, and its subnets can no longer be found: what is
    /// there stays as it is.
    Kept,
    /// It has none: its input is bad.
    Out,
}

impl<'a> ResolvedProfile<'a> {
    pub(super) fn key(&self) -> &'a ProfileKey {
        &self.network.profile.key
    }

    pub(super) fn profile(&self) -> &'a ValidProfile {
        &self.network.profile
    }

    pub(super) fn takes_part(&self) -> bool {
        self.standing == Standing::TakesPart
    }

    /// Whether bad input keeps it from having any effect, going by what is known
    /// so far.
    pub(super) fn is_out(&self) -> bool {
        !self.profile().established && self.blocked.len() == self.profile().workloads.len()
    }

    /// Whether bad input keeps the workload at this place from running.
    pub(super) fn is_blocked(&self, place: usize) -> bool {
        self.blocked.contains(&place)
    }

    /// The scope of a finding on this profile as a whole.
    pub(super) fn scope(&self) -> Scope {
        Scope::Profile(self.key().clone())
    }

    /// The scope of a finding on these workloads, by their places.
    pub(super) fn scope_of(&self, places: &BTreeSet<usize>) -> Scope {
        let workloads = &self.profile().workloads;
        if places.len() == workloads.len() {
            return self.scope();
        }
        let named = workloads.iter().enumerate();
        let named = named.filter(|(place, _)| places.contains(place));
        Scope::Workloads(
            self.key().clone(),
            named.map(|(_, workload)| workload.name.clone()).collect(),
        )
    }

    /// Notes that these workloads cannot run, and gives the scope to say so.
    pub(super) fn block(&mut self, workloads: &[usize]) -> Scope {
        self.blocked.extend(workloads);
        let names = workloads
            .iter()
            .map(|index| self.profile().workloads[*index].name.clone())
            .collect();
        Scope::Workloads(self.key().clone(), names)
    }

    /// Notes that none can run, and gives the scope to say so.
    pub(super) fn block_all(&mut self) -> Scope {
        self.blocked.extend(0..self.profile().workloads.len());
        self.scope()
    }

    /// The subnets to name for the workload in a call of SageMaker's, in the
    /// order of their ids.
    ///
    /// A kind that takes one subnet gets the one that was named before, as long as that has an address left, and else the one with the most: so
    /// the answer moves only when it must.
    pub(super) fn subnets_to_name(&self, index: usize) -> Vec<SubnetId> {
        let workload = &self.profile().workloads[index];
        let ids = self.subnets.iter().map(|subnet| subnet.subnet_id.clone());
        if workload.kind.requirements().subnets.1 > 1 {
            return ids.collect();
        }
        self.subnets
            .iter()
            .min_by_key(|subnet| {
                let named = Thing::Named(&workload.name, &subnet.subnet_id).to_string();
                let is_settled = self.profile().holdings.may_hold(&named) && subnet.available_ip_address_count > 0;
                (!is_settled, Reverse(subnet.available_ip_address_count))
            })
            .map(|subnet| vec![subnet.subnet_id.clone()])
            .unwrap_or_default()
    }

    /// The places of the workloads that it applies to.
    pub(super) fn indices(&self, applies: impl Fn(&ValidWorkload) -> bool) -> Vec<usize> {
        let workloads = self.profile().workloads.iter().enumerate();
        workloads
            .filter(|(_, workload)| applies(workload))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Whether the tags are all there; an empty value admits any.
pub(super) fn has_tags(tags: &Tags, wanted: &Tags) -> bool {
    wanted
        .iter()
        .all(|(key, value)| tags.get(key).is_some_and(|found| value.is_empty() || found == value))
}

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

/// Why a subnet that is named by id is not in the VPC.
pub(super) fn absent(snapshot: &VpcSnapshot, id: &SubnetId, field: &str) -> (Reason, String) {
    let vpc = &snapshot.vpc.vpc_id;
    match snapshot.subnets_elsewhere.get(id) {
        Some(other) => (
            Reason::SubnetInOtherVpc,
            format!("Subnet {id}, named in {field}, belongs to {other}, not to {vpc}: name a subnet of {vpc}."),
        ),
        None => (
            Reason::SubnetNotFound,
            format!(
                "Subnet {id}, named in {field}, does not exist in this account and region: correct the id, or remove it."
            ),
        ),
    }
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
