//! Network ACLs: rules that are missing, added or reported.
//!
//! An ACL belongs to whoever made it, and so do its rules; ours are those that
//! are noted when we make them, under numbers of the range that the spec
//! reserves. `Verify` changes nothing, not even what `Enforce` left there.
//!
//! | File | Knows |
//! |---|---|
//! | `traffic` | what must pass which ACL, and for whom |
//! | `passage` | how much it weighs that some of it is stopped |
//! | `ways` | where endpoints and NAT gateways are once the plan is carried out |
//! | `packets` | what ordered rules do with sets of packets |
//! | `slots` | what EC2 tells an entry by |
//! | `record` | which rules are ours |
//! | `entries` | which rules of ours let the rest through, and how they fit |

mod entries;
mod packets;
mod passage;
mod record;
mod slots;
mod traffic;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

pub(super) use self::entries::RESERVED;
use self::{
    entries::{Rules, Wanted, in_order},
    packets::{Packets, stops},
    slots::{Slots, slot},
    traffic::{Beneficiaries, Needed, Passages},
};
use super::{Action, PlannedAction, Serves, disruption, draft::Draft};
use crate::{
    api::{DeletionPolicy, NetworkAclMode, Reason, ResourceOwnership},
    catalog::{MAX_ACL_RULES, Symptom},
    observed::VpcSnapshot,
    plan::{NetworkAclChange, network_acls::passage::RuleKind, resolved::ResolvedProfile},
    report::{Concern, Finding, Lack, Scope, Weight},
    types::{AclEntry, Direction, NetworkAclId, Protocol, ResourceKey},
};

const CONCERN: Concern = Concern::NetworkAcls;

/// Entries by their ACLs.
pub(super) type Entries = BTreeMap<NetworkAclId, Slots>;

/// Gives the rules that we are known to have made, by the ACL.
pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Entries {
    let snapshot = draft.snapshot;
    let noted = record::noted(draft.history);
    if snapshot.network_acls.is_empty() {
        if profiles.iter().any(ResolvedProfile::takes_part) {
            let message = format!(
                "The network ACLs of {} were not looked at: whether they let the traffic through is unknown. Allow the \
                 controller's role ec2:DescribeNetworkAcls, or add NetworkAcls.json to the snapshot.",
                snapshot.vpc.vpc_id
            );
            let weight = Weight::Unknown;
            draft.find_weighing(weight, CONCERN, Scope::Vpc, Reason::NetworkAclBlocks, message);
        }
        return noted;
    }
    let first = draft.network.vpc.first_rule_number;
    let all: BTreeMap<&NetworkAclId, Rules> = snapshot
        .network_acls
        .iter()
        .map(|(id, acl)| (id, Rules::new(acl.rules(), first, noted.get(id))))
        .collect();
    let mut ours: Entries = all.iter().map(|(id, rules)| ((*id).clone(), made(rules))).collect();
    ours.retain(|_, slots| !slots.is_empty());
    match draft.network.vpc.network_acls {
        NetworkAclMode::Verify => {}
        NetworkAclMode::Enforce => enforce(draft, profiles, all, &noted, &mut ours),
    }
    ours
}

/// The rules that we made and that are there.
fn made(rules: &Rules) -> Slots {
    rules.ours.iter().chain(&rules.intruders).map(slot).collect()
}

/// The ACLs that hold rules of ours that are to go in the end, by their ids.
pub(super) fn owned(draft: &Draft<'_>, ours: &Entries) -> impl Iterator<Item = (String, ResourceKey)> {
    let vpc = &draft.network.vpc;
    let is_to_go = vpc.network_acls == NetworkAclMode::Enforce && vpc.deletion_policy == DeletionPolicy::Delete;
    let acls = ours.keys().filter(move |_| is_to_go);
    acls.filter(|id| draft.snapshot.network_acls.contains_key(*id))
        .map(|id| (id.to_string(), key(id)))
}

fn key(acl: &NetworkAclId) -> ResourceKey {
    ResourceKey::NetworkAclEntries { acl: acl.clone() }
}

fn enforce(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    all: BTreeMap<&NetworkAclId, Rules>,
    noted: &Entries,
    ours: &mut Entries,
) {
    let snapshot = draft.snapshot;
    let vpc_cidrs: Vec<IpNet> = snapshot.vpc.cidrs().collect();
    let Needed { acls, beneficiaries } = traffic::gather(draft, profiles, |acl| {
        all.get(acl)
            .is_some_and(|rules| !lets_everything_through(snapshot, &rules.with(&rules.intruders)))
    });
    let whom = Whom {
        profiles,
        beneficiaries: &beneficiaries,
    };
    let none = Passages::new();
    for (acl, rules) in all {
        let passages = acls.get(acl).unwrap_or(&none);
        let rules = match noted.get(acl) {
            Some(_) => rules,
            None => record::claim(rules, passages.keys(), &vpc_cidrs),
        };
        let rules = &rules;
        if !rules.ours.is_empty() {
            ours.insert(acl.clone(), made(rules));
        }
        if !passages.is_empty() {
            record::tell(draft, acl, rules);
        }
        let wanted = entries::wanted(rules, passages.keys(), &vpc_cidrs);
        let no_room = record::no_room(ours, acl);
        change(draft, &whom, acl, rules, &wanted, passages, no_room.as_deref());
        if !rules.ours.is_empty() {
            let purpose = format!(
                "rules {} to {} are sagevpc's",
                rules.reserved.start(),
                rules.reserved.end()
            );
            draft.list("NetworkAcl", acl.as_str(), purpose, ResourceOwnership::Found);
        }
        let there = rules.with(&wanted.entries);
        for (kind, count) in &wanted.too_many {
            too_many(draft, &whom, acl, *kind, *count, passages, &there);
        }
    }
}

/// Whether nothing that may be needed can be stopped.
fn lets_everything_through(snapshot: &VpcSnapshot, rules: &[&AclEntry]) -> bool {
    let has_ipv6 = snapshot.vpc.cidrs().any(|cidr| matches!(cidr, IpNet::V6(_)));
    let ipv6 = has_ipv6.then(|| IpNet::V6(ipnet::Ipv6Net::default()));
    let everywhere = [IpNet::V4(ipnet::Ipv4Net::default())].into_iter().chain(ipv6);
    everywhere.into_iter().all(|cidr| {
        let everything = Packets::new(Protocol::All, None, cidr);
        [Direction::Egress, Direction::Ingress]
            .into_iter()
            .all(|direction| stops(rules.iter().copied(), direction, everything).is_empty())
    })
}

/// Adds what is missing, then takes away what nobody needs.
fn change(
    draft: &mut Draft<'_>,
    whom: &Whom<'_>,
    acl: &NetworkAclId,
    rules: &Rules,
    wanted: &Wanted,
    passages: &Passages,
    no_room: Option<&str>,
) {
    let vpc = &draft.network.vpc;
    let stays = vpc.deletion_policy == DeletionPolicy::Retain || draft.keeping.has_acl(draft.snapshot, acl);
    let is_going = vpc.deleting || passages.is_empty();
    let unneeded = rules.ours.iter().filter(|rule| !wanted.entries.contains(rule));
    let (mut surplus, mut harmless) = intruders(rules, wanted, passages);
    surplus.extend(unneeded.filter(|_| !stays));
    let key = key(acl);
    let lost = disruption::of_lost_acl_rules(draft.snapshot, acl);
    let mut added = Vec::new();
    let mut room: BTreeMap<RuleKind, usize> = BTreeMap::new();
    let mut without_place: Vec<&AclEntry> = Vec::new();
    for entry in wanted.entries.iter().filter(|entry| !rules.ours.contains(entry)) {
        let kind = RuleKind::of(entry);
        let room = room.entry(kind).or_insert_with(|| rules.room_now(kind));
        let serves = whom.served(passages, entry);
        let reason = "workloads need it, and no rule that is tried before lets it through";
        // Where EC2 takes no more rules, one that nobody needs gives its place.
        let is_full = *room == 0;
        let given_up = take(&mut surplus, |rule| {
            RuleKind::of(rule) == kind && (!rule.allows || is_full)
        });
        let given_up = given_up.or_else(|| take(&mut harmless, |rule| RuleKind::of(rule) == kind && is_full));
        if is_full && given_up.is_none() {
            without_place.push(entry);
            continue;
        }
        let planned = match given_up {
            Some(old) => {
                let action = Action::NetworkAcl(NetworkAclChange::ReplaceEntry {
                    acl: acl.clone(),
                    entry: AclEntry {
                        rule_number: old.rule_number,
                        ..entry.clone()
                    },
                });
                PlannedAction::new(action, serves, format!("{reason}; {old} is in its place"))
                    .disrupting(lost.clone().filter(|_| old.allows))
            }
            None => {
                *room = room.saturating_sub(1);
                let action = Action::NetworkAcl(NetworkAclChange::CreateEntry {
                    acl: acl.clone(),
                    entry: entry.clone(),
                });
                PlannedAction::new(action, serves, reason).waiting_for(no_room.map(str::to_owned))
            }
        };
        let planned = planned.about(&key).blocking(CONCERN);
        added.push(draft.act(match whom.symptom(passages, entry) {
            Some(symptom) => planned.symptom(symptom),
            None => planned,
        }));
    }
    // Rules of profiles that are frozen keep their places.
    let placed = wanted.entries.iter().filter(|entry| !without_place.contains(entry));
    let there = rules.with(placed);
    let mut counts: BTreeMap<RuleKind, usize> = BTreeMap::new();
    for entry in &without_place {
        *counts.entry(RuleKind::of(entry)).or_default() += 1;
    }
    let told = |kind: &RuleKind| wanted.too_many.contains_key(kind);
    for (kind, count) in counts.into_iter().filter(|(kind, _)| !told(kind)) {
        too_many(draft, whom, acl, kind, (count, 0), passages, &there);
    }
    for rule in surplus {
        let action = Action::NetworkAcl(NetworkAclChange::DeleteEntry {
            acl: acl.clone(),
            direction: rule.direction,
            rule_number: rule.rule_number,
        });
        let planned = if rule.allows {
            let reason = format!("no workload needs {rule}");
            let planned = PlannedAction::new(action, Serves::Vpc, reason)
                .disrupting(lost.clone())
                .after(added.iter().copied());
            if is_going {
                planned.deleting()
            } else {
                planned.closing_access()
            }
        } else {
            let reason = format!("{rule} stops what workloads need, under a number that is sagevpc's");
            PlannedAction::new(action, Serves::Vpc, reason).blocking(CONCERN)
        };
        draft.act(planned.about(&key));
    }
}

/// Takes the first rule out that is such a one.
fn take<'a>(rules: &mut Vec<&'a AclEntry>, is_such: impl Fn(&AclEntry) -> bool) -> Option<&'a AclEntry> {
    let place = rules.iter().position(|rule| is_such(rule))?;
    Some(rules.remove(place))
}

/// Denials under our numbers: those that stop something needed, and the rest.
fn intruders<'a>(rules: &'a Rules, wanted: &Wanted, passages: &Passages) -> (Vec<&'a AclEntry>, Vec<&'a AclEntry>) {
    if rules.intruders.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let there = rules.others.iter().chain(&rules.intruders);
    let all = in_order(there.chain(&wanted.entries));
    let stopping: BTreeSet<(Direction, u16)> = passages
        .keys()
        .flat_map(|passage| {
            let stops = passage.stops(all.iter().copied());
            stops.into_iter().filter_map(|stop| Some((passage.direction, stop.by?)))
        })
        .collect();
    rules
        .intruders
        .iter()
        .partition(|rule| stopping.contains(&(rule.direction, rule.rule_number)))
}

/// Whom the passages are for.
struct Whom<'a> {
    profiles: &'a [ResolvedProfile<'a>],
    beneficiaries: &'a [Beneficiaries],
}

impl<'a> Whom<'a> {
    /// Whoever needs a passage that the rule opens.
    fn opened(&self, passages: &Passages, entry: &AclEntry) -> impl Iterator<Item = &'a Beneficiaries> {
        let let_through = Packets::of_rule(entry);
        let places: BTreeSet<usize> = passages
            .iter()
            .filter(|(passage, _)| passage.direction == entry.direction && let_through.contain(&passage.packets()))
            .flat_map(|(_, whom)| whom.iter().copied())
            .collect();
        let beneficiaries = self.beneficiaries;
        places.into_iter().map(move |place| &beneficiaries[place])
    }

    /// What users see while the rule is missing.
    fn symptom(&self, passages: &Passages, entry: &AclEntry) -> Option<Symptom> {
        self.opened(passages, entry).filter_map(|whom| whom.symptom).min()
    }

    fn served(&self, passages: &Passages, entry: &AclEntry) -> Serves {
        let opened = self.opened(passages, entry);
        let places: BTreeSet<usize> = opened.flat_map(|whom| whom.workloads.keys().copied()).collect();
        match places.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => Serves::Profile(self.profiles[*only].key().clone()),
            [] | [_, ..] => Serves::Vpc,
        }
    }
}

/// Tells those whose packets do not pass what is there in the end.
fn too_many(
    draft: &mut Draft<'_>,
    whom: &Whom<'_>,
    acl: &NetworkAclId,
    kind: RuleKind,
    (count, room): (usize, usize),
    passages: &Passages,
    there: &[&AclEntry],
) {
    let version = if kind.is_ipv6 { "IPv6" } else { "IPv4" };
    let message = format!(
        "Network ACL {acl} would need {count} more {} rules for {version}, and has room for {room}: EC2 takes {} by \
         default. Remove rules that nobody needs, choose fewer subnets, or have the quota \"Rules per network ACL\" \
         raised.",
        kind.direction, MAX_ACL_RULES.0
    );
    let concerned: BTreeSet<usize> = passages
        .iter()
        .filter(|(passage, _)| passage.kind() == kind && !passage.stops(there.iter().copied()).is_empty())
        .flat_map(|(_, places)| places)
        .flat_map(|place| whom.beneficiaries[*place].workloads.keys().copied())
        .collect();
    for place in concerned {
        let scope = whom.profiles[place].scope();
        let finding = Finding::new(CONCERN, scope, Reason::TooManyAclEntries, message.clone());
        draft.push(finding.lacking(Lack::AclRules(acl.clone())));
    }
}
