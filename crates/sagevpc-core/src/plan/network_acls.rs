//! Network ACLs: rules that are missing, added or reported.
//!
//! An ACL belongs to whoever made it, and so do its rules; ours are those that
//! are noted when we make them, under numbers of the range that the spec
//! reserves. `Verify` changes nothing, not even what `Enforce` left there.
//!
//! | File | Knows |
//! |---|---|
//! | `traffic` | what is needed, for whom, and what of it which ACL denies |
//! | `passage` | packets that are needed and denied |
//! | `packets` | which rules match all that others do |
//! | `slots` | what EC2 tells an entry by |
//! | `record` | which rules are ours |
//! | `entries` | which rules of ours let the rest through, and how they fit |

mod entries;
mod packets;
mod passage;
mod record;
mod slots;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

pub(super) use self::entries::RESERVED;
use self::{
    entries::{Rules, Wanted},
    packets::Packets,
    slots::{Slots, slot},
    traffic::{Asked, Beneficiaries, Passages},
};
use super::{Action, PlannedAction, Serves, disruption, draft::Draft};
use crate::{
    api::{DeletionPolicy, NetworkAclMode, Reason, ResourceOwnership},
    catalog::{MAX_ACL_RULES, Symptom},
    plan::{NetworkAclChange, network_acls::passage::RuleKind, resolved::ResolvedProfile},
    report::{Concern, Finding, Lack, Scope, Weight},
    types::{AclEntry, Direction, NetworkAclId, ResourceKey},
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
    let vpc_cidrs: Vec<IpNet> = draft.snapshot.vpc.cidrs().collect();
    let asked = Asked::gather(draft, profiles);
    let none = Passages::new();
    let is_claimed = |acl: &NetworkAclId, rules: &Rules| {
        !noted.contains_key(acl) && rules.others.iter().any(|rule| rules.may_be_ours(rule))
    };
    let without_ours = if all.iter().any(|(acl, rules)| is_claimed(acl, rules)) {
        asked.denied(draft, |acl| Some(all.get(acl)?.for_certain_of_others()))
    } else {
        BTreeMap::new()
    };
    let all: BTreeMap<&NetworkAclId, Rules> = all
        .into_iter()
        .map(|(acl, rules)| {
            let passages = without_ours.get(acl).unwrap_or(&none);
            let rules = if is_claimed(acl, &rules) {
                record::claim(rules, passages.keys(), &vpc_cidrs)
            } else {
                rules
            };
            (acl, rules)
        })
        .collect();
    let denied = asked.denied(draft, |acl| Some(&all.get(acl)?.others));
    let whom = Whom {
        profiles,
        beneficiaries: &asked.beneficiaries,
    };
    let crossed = asked.crossed();
    for (acl, rules) in &all {
        let passages = denied.get(*acl).unwrap_or(&none);
        if !rules.ours.is_empty() {
            ours.insert((*acl).clone(), made(rules));
        }
        if crossed.contains(*acl) {
            record::tell(draft, acl, rules);
        }
        let wanted = entries::wanted(rules, passages.keys(), &vpc_cidrs);
        let (surplus, harmless) = intruders(draft, &asked, acl, rules, &wanted);
        let change = Change {
            acl,
            rules,
            wanted: &wanted,
            passages,
            is_going: draft.network.vpc.deleting || !crossed.contains(*acl),
            no_room: record::no_room(ours, acl),
        };
        let without_place = change.plan(draft, &whom, surplus, harmless);
        if !rules.ours.is_empty() {
            let purpose = format!(
                "rules {} to {} are sagevpc's",
                rules.reserved.start(),
                rules.reserved.end()
            );
            draft.list("NetworkAcl", acl.as_str(), purpose, ResourceOwnership::Found);
        }
        too_many(draft, &asked, &whom, acl, rules, &wanted, &without_place);
    }
}

/// What is to be changed in one ACL.
struct Change<'c> {
    acl: &'c NetworkAclId,
    rules: &'c Rules,
    wanted: &'c Wanted,
    passages: &'c Passages,
    /// Whether nothing of anybody's crosses it any more.
    is_going: bool,
    no_room: Option<String>,
}

impl<'c> Change<'c> {
    /// Adds what is missing, then takes away what nobody needs. Gives what EC2
    /// takes no more of. Of the rules that deny under our numbers, those of
    /// `surplus` are to go, and those of `harmless` may.
    fn plan(
        &self,
        draft: &mut Draft<'_>,
        whom: &Whom<'_>,
        mut surplus: Vec<&'c AclEntry>,
        mut harmless: Vec<&'c AclEntry>,
    ) -> Vec<&'c AclEntry> {
        let Self {
            acl,
            rules,
            wanted,
            passages,
            ..
        } = *self;
        let vpc = &draft.network.vpc;
        let stays = vpc.deletion_policy == DeletionPolicy::Retain || draft.keeping.has_acl(draft.snapshot, acl);
        let unneeded = rules.ours.iter().filter(|rule| !wanted.entries.contains(rule));
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
                    PlannedAction::new(action, serves, reason).waiting_for(self.no_room.clone())
                }
            };
            let planned = planned.about(&key).blocking(CONCERN);
            added.push(draft.act(match whom.symptom(passages, entry) {
                Some(symptom) => planned.symptom(symptom),
                None => planned,
            }));
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
                if self.is_going {
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
        without_place
    }
}

/// Takes the first rule out that is such a one.
fn take<'a>(rules: &mut Vec<&'a AclEntry>, is_such: impl Fn(&AclEntry) -> bool) -> Option<&'a AclEntry> {
    let place = rules.iter().position(|rule| is_such(rule))?;
    Some(rules.remove(place))
}

/// Denials under our numbers: those that stop something needed, and the rest.
fn intruders<'r>(
    draft: &Draft<'_>,
    asked: &Asked,
    acl: &NetworkAclId,
    rules: &'r Rules,
    wanted: &Wanted,
) -> (Vec<&'r AclEntry>, Vec<&'r AclEntry>) {
    if rules.intruders.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let there = || rules.with(rules.intruders.iter().chain(&wanted.entries));
    let denied = asked.denied(draft, |id| (id == acl).then(there));
    let passages = denied.get(acl).into_iter().flat_map(Passages::keys);
    let stopping: BTreeSet<(Direction, Option<u16>)> =
        passages.map(|passage| (passage.direction, passage.by)).collect();
    let stops = |rule: &&AclEntry| stopping.contains(&(rule.direction, Some(rule.rule_number)));
    rules.intruders.iter().partition(stops)
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
        let places: BTreeSet<usize> = opened.flat_map(|whom| whom.profiles.iter().copied()).collect();
        match places.into_iter().collect::<Vec<_>>().as_slice() {
            [only] => Serves::Profile(self.profiles[*only].key().clone()),
            [] | [_, ..] => Serves::Vpc,
        }
    }
}

/// Tells those whose packets do not pass what is there in the end. Rules of
/// profiles that are frozen keep their places.
fn too_many(
    draft: &mut Draft<'_>,
    asked: &Asked,
    whom: &Whom<'_>,
    acl: &NetworkAclId,
    rules: &Rules,
    wanted: &Wanted,
    without_place: &[&AclEntry],
) {
    let mut counts = wanted.too_many.clone();
    for entry in without_place {
        let kind = RuleKind::of(entry);
        if !wanted.too_many.contains_key(&kind) {
            counts.entry(kind).or_default().0 += 1;
        }
    }
    if counts.is_empty() {
        return;
    }
    let there = || rules.with(wanted.entries.iter().filter(|entry| !without_place.contains(entry)));
    let denied = asked.denied(draft, |id| (id == acl).then(there));
    for (kind, (count, room)) in counts {
        let version = if kind.is_ipv6 { "IPv6" } else { "IPv4" };
        let message = format!(
            "Network ACL {acl} would need {count} more {} rules for {version}, and has room for {room}: EC2 takes {} by \
             default. Remove rules that nobody needs, choose fewer subnets, or have the quota \"Rules per network ACL\" \
             raised.",
            kind.direction, MAX_ACL_RULES.0
        );
        let of_it = denied
            .get(acl)
            .into_iter()
            .flatten()
            .filter(|(passage, _)| passage.kind() == kind);
        let concerned: BTreeSet<usize> = of_it
            .flat_map(|(_, places)| places)
            .flat_map(|place| whom.beneficiaries[*place].profiles.iter().copied())
            .collect();
        for place in concerned {
            let scope = whom.profiles[place].scope();
            let finding = Finding::new(CONCERN, scope, Reason::TooManyAclEntries, message.clone());
            draft.push(finding.lacking(Lack::AclRules(acl.clone())));
        }
    }
}
