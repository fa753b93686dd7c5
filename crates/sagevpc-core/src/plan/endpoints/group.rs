//! Security groups that the VPC has once: that of its interface endpoints, and
//! those around Elastic Inference.

use std::collections::BTreeSet;

use super::{hit, needs::serves};
use crate::{
    api::{Admit, Reason},
    catalog::{MAX_RULES_PER_DIRECTION, PeerNeed, Symptom},
    desired::group_name,
    observed::{EndpointState, SecurityGroup, tags_of},
    plan::{
        Action, ActionId, PlannedAction, SecurityGroupChange, Serves, Target,
        draft::Draft,
        group_rules::{Keeping, change_rules, fill, make},
        resolved::{ResolvedProfile, Standing},
        security_groups,
    },
    report::{Concern, Scope},
    types::{Direction, Peer, ProfileKey, ResourceKey, Rule, SecurityGroupId, listed},
    validate::SecurityGroups,
};

/// The group of an endpoint's interfaces.
#[derive(Clone, Debug)]
pub(in crate::plan) struct EndpointGroup {
    pub(in crate::plan) target: Target<SecurityGroupId>,
    /// What must be done before it lets anyone through.
    pub(in crate::plan) ready: Vec<ActionId>,
    /// Its rules, once that is done.
    pub(in crate::plan) rules: BTreeSet<Rule>,
}

/// A group that is there, or is being made.
pub(in crate::plan) enum Prepared<'a> {
    There(&'a SecurityGroup),
    Made(ResourceKey, ActionId),
}

impl Prepared<'_> {
    pub(in crate::plan) fn target(&self) -> Target<SecurityGroupId> {
        match self {
            Self::There(group) => Target::Existing(group.group_id.clone()),
            Self::Made(key, _) => Target::Made(key.clone()),
        }
    }

    /// How another group's rule names it.
    pub(in crate::plan) fn peer(&self) -> Peer {
        match self {
            Self::There(group) => Peer::Group {
                id: group.group_id.clone(),
                owner: None,
            },
            Self::Made(key, _) => Peer::Made(key.clone()),
        }
    }
}

const KEY: ResourceKey = ResourceKey::EndpointSecurityGroup;

/// Keeps the group that all interface endpoints share. `None` when something is
/// in its way, which has been reported then.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    callers: &BTreeSet<&ProfileKey>,
) -> Option<EndpointGroup> {
    let name = group_name(&KEY, &draft.network.vpc.ownership);
    let keeping = Keeping {
        key: &KEY,
        name: &name,
        description: "Interface endpoints for SageMaker workloads. Managed by sagevpc.",
        serves: serves(callers.iter().copied()),
        concern: Concern::Endpoints,
        whose: "interface endpoints",
        symptom: |_, _| Some(Symptom::NoWayToServices),
        hit: hit::of_lost_admission,
    };
    let scopes: Vec<Scope> = match callers.len() {
        0 => vec![Scope::SageMakerVpc],
        _ => callers.iter().map(|key| Scope::Profile((*key).clone())).collect(),
    };
    let mut rules = admitted(draft, profiles);
    let prepared = prepare(draft, &keeping, &scopes)?;
    if let Prepared::There(group) = &prepared
        && draft.keeping.is_any()
    {
        rules.extend(group.rules().into_iter().filter(|rule| may_be_kept(draft, rule)));
    }
    if rules.len() > MAX_RULES_PER_DIRECTION {
        let message = format!(
            "Security group {name} would need {} ingress rules to admit the groups of all profiles, and EC2 takes \
             {MAX_RULES_PER_DIRECTION}: set spec.interfaceEndpoints.admit: VpcCidrs, or use fewer groups.",
            rules.len()
        );
        for scope in scopes {
            draft.find(Concern::Endpoints, scope, Reason::TooManyRules, None, message.clone());
        }
        return None;
    }
    let ready = finish(draft, &keeping, &prepared, &rules);
    Some(EndpointGroup {
        target: prepared.target(),
        ready,
        rules,
    })
}

/// What the group lets in.
fn admitted(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeSet<Rule> {
    let https = |peer| Rule::https(Direction::Ingress, peer);
    match draft.network.vpc.interface_endpoints.admit {
        Admit::VpcCidrs => draft.snapshot.vpc.cidrs().map(|cidr| https(Peer::Cidr(cidr))).collect(),
        Admit::Profiles => {
            let with_effect = profiles
                .iter()
                .filter(|resolved| resolved.standing != Standing::Out)
                .flat_map(|resolved| groups_of(draft, resolved));
            let of_frozen = draft.snapshot.security_groups.values().filter(|group| {
                let key = draft.claims.key_of(group.group_id.as_str());
                let profile = key.and_then(ResourceKey::profile);
                profile.is_some_and(|profile| draft.keeping.is_of(profile)) && lets_out(draft, group)
            });
            let of_frozen = of_frozen.map(|group| group.group_id.clone());
            with_effect
                .chain(of_frozen.map(|id| Peer::Group { id, owner: None }))
                .map(https)
                .collect()
        }
    }
}

/// Whether a rule may admit a profile that has no say at present: whose a group
/// of others is, nobody knows.
fn may_be_kept(draft: &Draft<'_>, rule: &Rule) -> bool {
    let Peer::Group { id, .. } = &rule.peer else {
        return false;
    };
    let key = draft.claims.key_of(id.as_str());
    let profile = key.and_then(ResourceKey::profile);
    draft.keeping.is_everything() || profile.is_none_or(|profile| draft.keeping.is_of(profile))
}

/// Whether a group of workloads lets them out to interface endpoints.
fn lets_out(draft: &Draft<'_>, group: &SecurityGroup) -> bool {
    let rules = group.rules();
    let mut blocks = draft.snapshot.vpc.cidrs();
    blocks.any(|block| rules.contains(&Rule::https(Direction::Egress, Peer::Cidr(block))))
}

/// The groups of those workloads of a profile that call services.
fn groups_of(draft: &Draft<'_>, resolved: &ResolvedProfile<'_>) -> Vec<Peer> {
    let by_id = |id: SecurityGroupId| Peer::Group { id, owner: None };
    if resolved.network.callers.is_empty() {
        return Vec::new();
    }
    if let SecurityGroups::Own(ids) = &resolved.profile().security_groups {
        return ids.iter().cloned().map(by_id).collect();
    }
    let calling = resolved
        .network
        .groups
        .iter()
        .filter(|group| group.rules.iter().any(|rule| rule.peer == PeerNeed::VpcCidrs));
    calling
        .filter_map(|group| {
            let there = ours(draft, &group.key).or_else(|| adopted_now(draft, &group.name));
            if let Some(found) = there {
                return Some(by_id(found.group_id.clone()));
            }
            if let Some(id) = draft.not_visible_yet(&group.key) {
                return Some(by_id(SecurityGroupId::new(id)));
            }
            draft.graph.maker_of(&group.key).map(|_| Peer::Made(group.key.clone()))
        })
        .collect()
}

/// The group of ours for this purpose.
fn ours<'a>(draft: &Draft<'a>, key: &ResourceKey) -> Option<&'a SecurityGroup> {
    let mut groups = draft.snapshot.security_groups.values();
    groups.find(|group| draft.claims.key_of(group.group_id.as_str()) == Some(key))
}

/// A group that becomes ours in this very plan.
fn adopted_now<'a>(draft: &Draft<'a>, name: &str) -> Option<&'a SecurityGroup> {
    let listed = &draft.network.vpc.adopt_security_groups;
    let mut groups = draft.snapshot.security_groups.values();
    groups.find(|group| listed.contains(&group.group_id) && group.group_name.eq_ignore_ascii_case(name))
}

/// Finds the group, or makes it. `None` when something is in its way, which has
/// been reported then.
pub(in crate::plan) fn prepare<'a>(
    draft: &mut Draft<'a>,
    keeping: &Keeping<'_>,
    scopes: &[Scope],
) -> Option<Prepared<'a>> {
    if let Some(found) = ours(draft, keeping.key) {
        let tags = tags_of(&found.tags);
        let id = found.group_id.as_str();
        draft.list_ours("SecurityGroup", id, keeping.key.to_string());
        draft.keep_tags(id, keeping.key, keeping.serves.clone(), &tags);
        return Some(Prepared::There(found));
    }
    let mut groups = draft.snapshot.security_groups.values();
    let problem = if let Some(found) = groups.find(|group| group.group_name.eq_ignore_ascii_case(keeping.name)) {
        let message = format!(
            "Security group {} is named {}, as that of {} would be, and is not ours: delete or rename it.",
            found.group_id, found.group_name, keeping.key
        );
        Some((Reason::NameTaken, message))
    } else {
        draft.not_visible_yet(keeping.key).map(|id| {
            let message = format!("AWS made security group {id} and does not show it yet; this takes seconds.");
            (Reason::Waiting, message)
        })
    };
    let Some((reason, message)) = problem else {
        let made = make(draft, keeping);
        return Some(Prepared::Made(keeping.key.clone(), made));
    };
    for scope in scopes {
        draft.find(keeping.concern, scope.clone(), reason, None, message.clone());
    }
    None
}

/// Gives the group its rules. What must be done before it lets anyone through
/// is given back.
pub(in crate::plan) fn finish(
    draft: &mut Draft<'_>,
    keeping: &Keeping<'_>,
    prepared: &Prepared<'_>,
    rules: &BTreeSet<Rule>,
) -> Vec<ActionId> {
    match prepared {
        Prepared::There(group) => change_rules(draft, keeping, group, rules, None),
        Prepared::Made(_, made) => fill(draft, keeping, *made, rules),
    }
}

/// Lets go of the groups with this key. Rules of theirs that name one another
/// go first, for EC2 keeps a group that a rule names.
pub(in crate::plan) fn let_go(draft: &mut Draft<'_>, keys: &[ResourceKey], reason: &str) {
    let going: Vec<(&SecurityGroup, ResourceKey)> = draft
        .snapshot
        .security_groups
        .values()
        .filter_map(|group| Some((group, draft.claims.key_of(group.group_id.as_str())?.clone())))
        .filter(|(_, key)| keys.contains(key))
        .collect();
    let ids: BTreeSet<&SecurityGroupId> = going.iter().map(|(group, _)| &group.group_id).collect();
    let obstacles: Vec<Option<String>> = going.iter().map(|(group, _)| obstacle(draft, group, &ids)).collect();
    let waits = obstacles.iter().flatten().next().cloned();
    let mut revoked = Vec::new();
    for (group, key) in &going {
        let stays = draft.claims.is_adopted(group.group_id.as_str()) || draft.retains();
        for direction in [Direction::Egress, Direction::Ingress] {
            let naming: Vec<Rule> = group
                .rules()
                .into_iter()
                .filter(|rule| rule.direction == direction)
                .filter(|rule| matches!(&rule.peer, Peer::Group { id, .. } if ids.contains(id)))
                .collect();
            if naming.is_empty() || stays {
                continue;
            }
            let action = Action::SecurityGroup(SecurityGroupChange::Revoke {
                group: Target::Existing(group.group_id.clone()),
                direction,
                rules: naming,
            });
            let planned = PlannedAction::new(action, Serves::Vpc, reason).about(key).deleting();
            revoked.push(draft.act(planned.waiting_for(waits.clone())));
        }
    }
    for (group, key) in &going {
        draft.let_go(group.group_id.as_str(), key, reason, |_| {
            let action = Action::SecurityGroup(SecurityGroupChange::Delete {
                id: group.group_id.clone(),
            });
            PlannedAction::new(action, Serves::Vpc, reason)
                .waiting_for(waits.clone())
                .after(revoked.iter().copied())
        });
    }
}

/// What still uses a group, so that EC2 would refuse to delete it.
fn obstacle(draft: &Draft<'_>, group: &SecurityGroup, going: &BTreeSet<&SecurityGroupId>) -> Option<String> {
    let id = &group.group_id;
    let endpoints: Vec<_> = draft
        .snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| endpoint.state != EndpointState::Deleted)
        .filter(|endpoint| endpoint.groups.iter().any(|member| member.group_id == *id))
        .map(|endpoint| &endpoint.vpc_endpoint_id)
        .collect();
    if endpoints.is_empty() {
        return security_groups::obstacle(draft, group, going);
    }
    Some(format!(
        "Security group {id} is still on {}: it goes once they are gone, with their network interfaces.",
        listed(endpoints)
    ))
}
