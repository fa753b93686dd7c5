//! Which subnets and route tables each profile has, and whether it takes part.
//!
//! A profile whose input is bad changes nothing in AWS: unless it had effect
//! before, it is left out of the plan until the input is mended.

use std::collections::{BTreeMap, BTreeSet};

use super::{Concern, Scope, capacity, draft::Draft, endpoints};
use crate::{
    api::Reason,
    catalog::{MAX_SUBNETS, Symptom},
    desired::ProfileNetwork,
    observed::{RouteTable, Subnet, VpcSnapshot, tags_of},
    types::{ProfileKey, RouteTableId, SubnetId, Tags, listed},
    validate::{Choice, SecurityGroups, ValidProfile, ValidWorkload},
};

/// A profile with what it has in this VPC.
pub(super) struct ResolvedProfile<'a> {
    pub(super) network: &'a ProfileNetwork,
    /// Its subnets, in the order of their ids.
    pub(super) subnets: Vec<&'a Subnet>,
    /// The route table of each subnet in use.
    pub(super) tables: BTreeMap<RouteTableId, Vec<&'a SubnetId>>,
    pub(super) standing: Standing,
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
    fn block(&mut self, workloads: &[usize]) -> Scope {
        self.blocked.extend(workloads);
        let names = workloads
            .iter()
            .map(|index| self.profile().workloads[*index].name.clone())
            .collect();
        Scope::Workloads(self.key().clone(), names)
    }

    fn block_all(&mut self) -> Scope {
        self.blocked.extend(0..self.profile().workloads.len());
        self.scope()
    }

    fn indices(&self, applies: impl Fn(&ValidWorkload) -> bool) -> Vec<usize> {
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
/// its subnets, its VPC's tenancy, and the addresses there are.
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
                blocked: BTreeSet::new(),
            };
            choose_subnets(draft, &mut resolved, &offered);
            judge_tenancy(draft, &mut resolved);
            judge_zones(draft, &mut resolved);
            for subnet in &resolved.subnets {
                if let Some(table) = snapshot.route_table_of(&subnet.subnet_id) {
                    resolved
                        .tables
                        .entry(table.route_table_id.clone())
                        .or_default()
                        .push(&subnet.subnet_id);
                }
            }
            judge_privacy(draft, &mut resolved);
            judge_own_groups(draft, &mut resolved);
            resolved
        })
        .collect();
    let taken = endpoints::addresses_to_take(draft, &profiles);
    for (place, message) in capacity::shortages(snapshot, &network.vpc.ownership, &taken, &profiles) {
        let resolved = &mut profiles[place];
        let scope = resolved.block_all();
        draft.find(
            Concern::Capacity,
            scope,
            Reason::TooFewAddresses,
            Some(Symptom::NoCapacity),
            message,
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
    missing: Vec<(Reason, String)>,
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
                .map(|id| absent(snapshot, id, "spec.subnets of the SageMakerVpc"))
                .collect()
        }
    };
    for (reason, message) in &missing {
        draft.find(Concern::Subnets, Scope::SageMakerVpc, *reason, None, message.clone());
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
fn absent(snapshot: &VpcSnapshot, id: &SubnetId, field: &str) -> (Reason, String) {
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
                for (reason, message) in &offered.missing {
                    let scope = resolved.block_all();
                    draft.find(Concern::Subnets, scope, *reason, None, message.clone());
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
                let (reason, message) = if snapshot.subnets.contains_key(id) {
                    let message = format!(
                        "Subnet {id}, named in spec.subnets, is not offered by SageMakerVpc {}: choose another, or ask \
                         its owners to offer it.",
                        vpc.ownership.vpc
                    );
                    (Reason::SubnetNotOffered, message)
                } else {
                    absent(snapshot, id, "spec.subnets")
                };
                let scope = resolved.block_all();
                draft.find(Concern::Subnets, scope, reason, None, message);
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
    if chosen.len() > MAX_SUBNETS {
        let message = format!(
            "{} subnets are in use and SageMaker takes at most {MAX_SUBNETS}: narrow spec.subnets of this profile.",
            chosen.len()
        );
        let scope = resolved.block_all();
        draft.find(Concern::Subnets, scope, Reason::TooManySubnets, None, message);
    }
    resolved.subnets = chosen;
}

fn judge_tenancy<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    let vpc = &draft.snapshot.vpc;
    let is_default = vpc
        .instance_tenancy
        .as_deref()
        .is_none_or(|tenancy| tenancy == "default");
    let concerned = resolved.indices(|workload| workload.kind.requirements().default_tenancy);
    if is_default || concerned.is_empty() {
        return;
    }
    let kinds: BTreeSet<_> = concerned
        .iter()
        .map(|index| resolved.profile().workloads[*index].kind)
        .collect();
    let message = format!(
        "{} has instance tenancy {}, and {} runs only in a VPC of default tenancy: change it with \
         `aws ec2 modify-vpc-tenancy --vpc-id {} --instance-tenancy default`, or use another VPC.",
        vpc.vpc_id,
        vpc.instance_tenancy.as_deref().unwrap_or("unknown"),
        listed(kinds),
        vpc.vpc_id
    );
    let scope = resolved.block(&concerned);
    draft.find(Concern::Subnets, scope, Reason::DedicatedTenancy, None, message);
}

fn judge_zones<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    if resolved.subnets.is_empty() {
        return;
    }
    let zones: BTreeSet<_> = resolved
        .subnets
        .iter()
        .filter_map(|subnet| subnet.availability_zone_id.as_ref())
        .collect();
    let concerned = resolved.indices(|workload| workload.kind.requirements().availability_zones > zones.len());
    let Some(first) = concerned.first() else {
        return;
    };
    let workload = &resolved.profile().workloads[*first];
    let needed = workload.kind.requirements().availability_zones;
    let message = format!(
        "{} needs subnets in at least {needed} availability zones, even for one instance, and {} {} in {}: add a \
         subnet of another zone.",
        workload.kind,
        listed(resolved.subnets.iter().map(|subnet| &subnet.subnet_id)),
        if resolved.subnets.len() == 1 { "is" } else { "are all" },
        listed(zones),
    );
    let scope = resolved.block(&concerned);
    draft.find(
        Concern::Subnets,
        scope,
        Reason::TooFewZones,
        Some(Symptom::NoCapacity),
        message,
    );
}

fn judge_privacy<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    let concerned = resolved.indices(|workload| workload.kind.requirements().private_subnets);
    let is_public = |table: &RouteTableId| {
        draft
            .snapshot
            .route_tables
            .get(table)
            .is_some_and(RouteTable::is_public)
    };
    let public: Vec<String> = resolved
        .tables
        .iter()
        .filter(|(table, _)| is_public(table))
        .map(|(table, subnets)| format!("{} (through {table})", listed(subnets)))
        .collect();
    if concerned.is_empty() || public.is_empty() {
        return;
    }
    let kinds: BTreeSet<_> = concerned
        .iter()
        .map(|index| resolved.profile().workloads[*index].kind)
        .collect();
    let message = format!(
        "{} {} a route to an internet gateway, and {} needs private subnets: SageMaker gives its interfaces no public \
         address, so that route leads nowhere. Choose private subnets in spec.subnets.",
        listed(&public),
        if public.len() == 1 { "has" } else { "have" },
        listed(kinds),
    );
    let scope = resolved.block(&concerned);
    draft.find(Concern::Subnets, scope, Reason::PublicSubnet, None, message);
}

/// Whether the team's own security groups are there. What they admit is judged
/// later.
fn judge_own_groups<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    let snapshot = draft.snapshot;
    let vpc = &snapshot.vpc.vpc_id;
    let SecurityGroups::Own(ids) = &resolved.network.profile.security_groups else {
        return;
    };
    for id in ids.iter().filter(|id| !snapshot.security_groups.contains_key(*id)) {
        let (reason, message) = match snapshot.security_groups_elsewhere.get(id) {
            Some(other) => (
                Reason::SecurityGroupInOtherVpc,
                format!("Security group {id}, named in spec.securityGroups, belongs to {other}: name one of {vpc}."),
            ),
            None => (
                Reason::SecurityGroupMissing,
                format!(
                    "Security group {id}, named in spec.securityGroups, does not exist in this account and region: \
                     correct the id, or remove the field so that sagevpc makes and keeps a group."
                ),
            ),
        };
        let scope = resolved.block_all();
        draft.find(Concern::SecurityGroups, scope, reason, None, message);
    }
}
