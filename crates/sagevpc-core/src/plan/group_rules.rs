//! How a security group of ours is made, and how its rules change: they are
//! added, then removed.

use std::collections::BTreeSet;

use super::{Action, ActionId, Disruption, PlannedAction, Serves, Target, draft::Draft};
use crate::{
    catalog::{MAX_RULES_PER_DIRECTION, Symptom},
    observed::{SecurityGroup, VpcSnapshot},
    plan::SecurityGroupChange,
    report::Concern,
    types::{Direction, Peer, ResourceKey, Rule, listed},
};

/// A group to make and keep, whoever it is for.
pub(super) struct Keeping<'a> {
    pub(super) key: &'a ResourceKey,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) serves: Serves,
    pub(super) concern: Concern,
    /// Who needs it, in a reason.
    pub(super) whose: &'static str,
    /// What SageMaker's users see while these rules are missing.
    pub(super) symptom: fn(&Draft<'_>, &[Rule]) -> Option<Symptom>,
    /// Whom else it hits that the group loses rules.
    pub(super) hit: fn(&Loss<'_>) -> Option<Disruption>,
}

/// Rules that a group is to lose.
pub(super) struct Loss<'a> {
    pub(super) snapshot: &'a VpcSnapshot,
    pub(super) group: &'a SecurityGroup,
    pub(super) lost: &'a [Rule],
    pub(super) kept: &'a BTreeSet<Rule>,
}

/// Makes a group, which holds EC2's own rule at first.
pub(super) fn make(draft: &mut Draft<'_>, keeping: &Keeping<'_>) -> ActionId {
    let creation = Action::SecurityGroup(SecurityGroupChange::Create {
        key: keeping.key.clone(),
        vpc: draft.network.vpc.vpc_id.clone(),
        name: keeping.name.to_owned(),
        description: keeping.description.to_owned(),
        tags: draft.tags_for(keeping.key),
    });
    let reason = format!("{} need a security group", keeping.whose);
    draft.act(PlannedAction::new(creation, keeping.serves.clone(), reason).blocking(keeping.concern))
}

/// Gives a group that is being made its rules. The actions that let traffic
/// through are given back.
pub(super) fn fill(
    draft: &mut Draft<'_>,
    keeping: &Keeping<'_>,
    made: ActionId,
    wanted: &BTreeSet<Rule>,
) -> Vec<ActionId> {
    let target = || Target::Made(keeping.key.clone());
    let mut added = vec![made];
    for direction in [Direction::Egress, Direction::Ingress] {
        let rules = in_direction(wanted, direction);
        // EC2 gives each new group the rule that lets everything out.
        let rules: Vec<Rule> = rules
            .into_iter()
            .filter(|rule| Some(rule) != given_by_ec2().as_ref())
            .collect();
        if !rules.is_empty() {
            let named = makers_of(draft, &rules);
            let action = Action::SecurityGroup(SecurityGroupChange::Authorize {
                group: target(),
                direction,
                rules,
            });
            let reason = format!("{} need these rules", keeping.whose);
            let planned = PlannedAction::new(action, keeping.serves.clone(), reason);
            let planned = planned.about(keeping.key).blocking(keeping.concern).after([made]);
            added.push(draft.act(planned.after(named)));
        }
    }
    let through = added.clone();
    if let Some(surplus) = given_by_ec2().filter(|rule| !wanted.contains(rule)) {
        let action = Action::SecurityGroup(SecurityGroupChange::Revoke {
            group: target(),
            direction: Direction::Egress,
            rules: vec![surplus],
        });
        let reason = format!("the group lets out only what {} need", keeping.whose);
        let planned = PlannedAction::new(action, keeping.serves.clone(), reason);
        draft.act(planned.about(keeping.key).after(added).closing_access());
    }
    through
}

fn given_by_ec2() -> Option<Rule> {
    let everywhere = "0.0.0.0/0".parse().ok()?;
    Some(Rule::all(Direction::Egress, Peer::Cidr(everywhere)))
}

/// The actions that make the groups that these rules name.
fn makers_of(draft: &Draft<'_>, rules: &[Rule]) -> Vec<ActionId> {
    let named = rules.iter().filter_map(|rule| match &rule.peer {
        Peer::Made(key) => draft.graph.maker_of(key),
        Peer::Itself | Peer::Group { .. } | Peer::PrefixList(_) | Peer::Cidr(_) => None,
    });
    named.collect()
}

/// Adds the rules that a group lacks, then takes off those that it must not
/// have. The actions that let traffic through are given back.
pub(super) fn change_rules(
    draft: &mut Draft<'_>,
    keeping: &Keeping<'_>,
    found: &SecurityGroup,
    wanted: &BTreeSet<Rule>,
    earlier: Option<ActionId>,
) -> Vec<ActionId> {
    let actual = found.rules();
    let missing: BTreeSet<Rule> = wanted.difference(&actual).cloned().collect();
    let surplus: BTreeSet<Rule> = actual.difference(wanted).cloned().collect();
    let target = || Target::Existing(found.group_id.clone());
    let mut through = Vec::new();
    for direction in [Direction::Egress, Direction::Ingress] {
        let add = in_direction(&missing, direction);
        let remove = in_direction(&surplus, direction);
        let named = makers_of(draft, &add);
        let authorization = (!add.is_empty()).then(|| {
            let reason = format!("{} need {}", keeping.whose, listed(&add));
            let action = Action::SecurityGroup(SecurityGroupChange::Authorize {
                group: target(),
                direction,
                rules: add.clone(),
            });
            PlannedAction::new(action, keeping.serves.clone(), reason)
                .about(keeping.key)
                .blocking(keeping.concern)
                .symptom((keeping.symptom)(draft, &add))
                .after(earlier)
                .after(named)
        });
        let revocation = (!remove.is_empty()).then(|| {
            let reason = format!("{} do not need {}", keeping.whose, listed(&remove));
            let action = Action::SecurityGroup(SecurityGroupChange::Revoke {
                group: target(),
                direction,
                rules: remove.clone(),
            });
            let loss = Loss {
                snapshot: draft.snapshot,
                group: found,
                lost: &remove,
                kept: wanted,
            };
            PlannedAction::new(action, keeping.serves.clone(), reason)
                .about(keeping.key)
                .closing_access()
                .disrupting((keeping.hit)(&loss))
                .after(earlier)
        });
        // New rules first, so that nothing that stays allowed is ever cut; only
        // where EC2 has no room for both must the old ones go first.
        let there = actual.iter().filter(|rule| rule.direction == direction).count();
        if there + add.len() > MAX_RULES_PER_DIRECTION {
            let removed = revocation.map(|planned| draft.act(planned));
            through.extend(authorization.map(|planned| draft.act(planned.after(removed))));
        } else {
            let added = authorization.map(|planned| draft.act(planned));
            revocation.map(|planned| draft.act(planned.after(added)));
            through.extend(added);
        }
    }
    through
}

fn in_direction(rules: &BTreeSet<Rule>, direction: Direction) -> Vec<Rule> {
    rules
        .iter()
        .filter(|rule| rule.direction == direction)
        .cloned()
        .collect()
}
