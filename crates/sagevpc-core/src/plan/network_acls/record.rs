//! Which rules are ours. An entry of a network ACL carries no tags; EC2 tells it
//! by its ACL, direction and number. So the numbers of those that we make are
//! noted in status before they are made. An entry that someone changed is ours
//! all the same; one that someone else made is not, whatever its number.
//!
//! Where nothing is noted of an ACL, as after status was lost, an entry that is
//! just what ours would be counts as made already.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    Entries,
    entries::{self, Rules},
    passage::Passage,
    slots::{Slots, slot},
};
use crate::{
    api::{
        NetworkAclInForce, Reason,
        bounds::{MAX_ACL_NUMBERS_IN_FORCE, MAX_ACLS_IN_FORCE},
    },
    plan::{
        Action, History, NetworkAclChange, Outcome, Plan, PlannedAction, Step, draft::Draft,
        network_acls::passage::RuleKind,
    },
    report::{Concern, Scope, Weight},
    types::{AclEntry, Direction, NetworkAclId, listed},
};

/// What is noted, by the ACL.
pub(in crate::plan) fn noted(history: &History) -> BTreeMap<NetworkAclId, Slots> {
    let slots = |direction: Direction, numbers: &[u16]| -> Vec<(Direction, u16)> {
        numbers.iter().map(|number| (direction, *number)).collect()
    };
    let acls = history.network_acls.iter();
    acls.map(|acl| {
        let ingress = slots(Direction::Ingress, &acl.ingress);
        let egress = slots(Direction::Egress, &acl.egress);
        (acl.network_acl_id.clone(), ingress.into_iter().chain(egress).collect())
    })
    .collect()
}

/// Takes entries for ours that are just what ours would be.
pub(super) fn claim<'a>(rules: Rules, passages: impl Iterator<Item = &'a Passage>, vpc: &[IpNet]) -> Rules {
    let mut trial = rules;
    let all = std::mem::take(&mut trial.others);
    (trial.ours, trial.others) = all.into_iter().partition(|rule| trial.may_be_ours(rule));
    let wanted = entries::wanted(&trial, passages, vpc);
    let is_just_it =
        |rule: &AclEntry| wanted.entries.contains(rule) && !wanted.too_many.contains_key(&RuleKind::of(rule));
    let (ours, left): (Vec<_>, Vec<_>) = std::mem::take(&mut trial.ours).into_iter().partition(is_just_it);
    trial.ours = ours;
    trial.others.extend(left);
    trial
}

/// Reports entries of others under numbers that the spec reserves.
pub(super) fn tell(draft: &mut Draft<'_>, acl: &NetworkAclId, rules: &Rules) {
    let theirs: BTreeSet<String> = rules
        .others
        .iter()
        .filter(|rule| rules.reserved.contains(&rule.rule_number))
        .map(|rule| format!("{} rule {}", rule.direction, rule.rule_number))
        .collect();
    if theirs.is_empty() {
        return;
    }
    let message = format!(
        "Network ACL {acl} has {} under numbers that spec.networkAcls reserves ({} to {}), and sagevpc did not make \
         them: they are left alone, and rules that are needed get other numbers. Remove them where nobody needs them, \
         or choose another spec.networkAcls.firstRuleNumber.",
        listed(theirs),
        rules.reserved.start(),
        rules.reserved.end()
    );
    let reason = Reason::OwnershipUnclear;
    draft.find_weighing(
        Weight::Advice,
        Concern::NetworkAcls,
        Scope::SageMakerVpc,
        reason,
        message,
    );
}

/// Why no entry can be made in an ACL that nothing is noted of.
pub(super) fn no_room(noted: &Entries, acl: &NetworkAclId) -> Option<String> {
    (noted.len() >= MAX_ACLS_IN_FORCE && !noted.contains_key(acl)).then(|| {
        format!(
            "sagevpc keeps rules in {MAX_ACLS_IN_FORCE} network ACLs of this VPC already, and notes no more: use fewer \
             network ACLs."
        )
    })
}

impl Plan {
    /// What is to be noted before the plan is carried out.
    pub fn network_acls_ahead(&self) -> Vec<NetworkAclInForce> {
        self.with_entries(PlannedAction::runs_now)
    }

    /// What is to be noted after the plan was carried out, or tried to be.
    pub fn network_acls_after(&self, outcome: &Outcome) -> Vec<NetworkAclInForce> {
        self.with_entries(|planned| match outcome.steps.get(&planned.id) {
            Some(Step::Done | Step::Waiting { .. } | Step::Failed(_)) => planned.runs_now(),
            Some(Step::Blocked { .. }) | None => false,
        })
    }

    fn with_entries(&self, is_tried: impl Fn(&PlannedAction) -> bool) -> Vec<NetworkAclInForce> {
        let mut noted = self.network_acls.clone();
        for planned in self.actions.iter().filter(|planned| is_tried(planned)) {
            if let Action::NetworkAcl(
                NetworkAclChange::CreateEntry { acl, entry } | NetworkAclChange::ReplaceEntry { acl, entry },
            ) = &planned.action
            {
                noted.entry(acl.clone()).or_default().insert(slot(entry));
            }
        }
        let numbers = |slots: &Slots, wanted: Direction| -> Vec<u16> {
            let of_it = slots.iter().filter(|(direction, _)| *direction == wanted);
            of_it
                .map(|(_, number)| *number)
                .take(MAX_ACL_NUMBERS_IN_FORCE)
                .collect()
        };
        noted
            .into_iter()
            .filter(|(_, slots)| !slots.is_empty())
            .take(MAX_ACLS_IN_FORCE)
            .map(|(network_acl_id, slots)| NetworkAclInForce {
                network_acl_id,
                ingress: numbers(&slots, Direction::Ingress),
                egress: numbers(&slots, Direction::Egress),
            })
            .collect()
    }
}
