//! Conditions out of obstacles.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    obstacles::{HeldBack, Obstacle},
    remedy::headline,
    to_the_second,
    told::Told,
};
use crate::{
    api::{Condition, ConditionStatus, ConditionType, Reason, Who, bounds::MAX_CONDITION_MESSAGE},
    plan::PlannedAction,
    report::{Concern, Weight},
    types::{in_sentences, listed},
};

/// Messages that one condition joins.
const MAX_JOINED: usize = 5;

/// Collects an object's conditions; times come from the conditions before.
pub(super) struct Conditions<'a> {
    before: &'a [Condition],
    generation: Option<i64>,
    now: Timestamp,
    conditions: Vec<(ConditionType, Condition)>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(before: &'a [Condition], generation: Option<i64>, now: Timestamp) -> Self {
        Self {
            before,
            generation,
            now: to_the_second(now),
            conditions: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, type_: ConditionType, status: ConditionStatus, reason: Reason, message: &str) {
        let unchanged = self
            .before
            .iter()
            .find(|before| before.type_ == type_.as_str() && before.status == status);
        let condition = Condition {
            type_: type_.as_str().to_owned(),
            status,
            reason: reason.as_str().to_owned(),
            message: in_sentences(message, MAX_CONDITION_MESSAGE),
            last_transition_time: unchanged.map_or(self.now, |before| before.last_transition_time),
            observed_generation: self.generation,
        };
        self.conditions.push((type_, condition));
    }

    /// The condition of a concern, out of what stands in its way.
    pub(super) fn concern(&mut self, concern: Concern, obstacles: &[Obstacle], all_is_well: &str) {
        let mine: Vec<&Obstacle> = obstacles
            .iter()
            .filter(|obstacle| obstacle.concern == concern)
            .collect();
        let (status, reason) = match worst(&mine) {
            None => (ConditionStatus::True, Reason::Ok),
            Some(obstacle) => (status_for(obstacle.weight), obstacle.reason),
        };
        let message = if mine.is_empty() {
            all_is_well.to_owned()
        } else {
            joined(&mine)
        };
        self.set(concern.condition(), status, reason, &message);
    }

    /// The condition of a concern of a profile: what stands in the way of its
    /// workloads is named, for `status.blockers` says the rest.
    pub(super) fn concern_beside_blockers(&mut self, concern: Concern, obstacles: &[Obstacle], all_is_well: &str) {
        let mine: Vec<&Obstacle> = obstacles
            .iter()
            .filter(|obstacle| obstacle.concern == concern)
            .collect();
        let (blockers, others): (Vec<&Obstacle>, Vec<&Obstacle>) = mine
            .iter()
            .copied()
            .partition(|obstacle| obstacle.weight.stands_in_the_way());
        let Some(first) = worst(&blockers) else {
            self.concern(concern, obstacles, all_is_well);
            return;
        };
        let named: BTreeSet<String> = blockers.iter().map(|obstacle| obstacle.named()).collect();
        let mut message = format!("See status.blockers: {}.", listed(named));
        if !others.is_empty() {
            message.push_str(&format!(" {}", joined(&others)));
        }
        self.set(concern.condition(), status_for(first.weight), first.reason, &message);
    }

    /// The condition of a concern that not every object has: it is there where
    /// the concern applies, and wherever something stands in its way.
    pub(super) fn concern_where_it_applies(
        &mut self,
        concern: Concern,
        obstacles: &[Obstacle],
        all_is_well: Option<&str>,
    ) {
        let has_own = obstacles.iter().any(|obstacle| obstacle.concern == concern);
        if all_is_well.is_some() || has_own {
            self.concern(concern, obstacles, all_is_well.unwrap_or_default());
        }
    }

    /// `Ready`, and `Reconciling` or `Stalled` while it is not: who must do what
    /// first, and of how much more the rest of the status speaks.
    pub(super) fn ready(&mut self, obstacles: &[Obstacle], all_is_well: &str, who: impl Fn(&Obstacle) -> Who) {
        let all: Vec<&Obstacle> = obstacles
            .iter()
            .filter(|obstacle| obstacle.weight.bears_on_ready())
            .collect();
        let Some(first) = worst(&all) else {
            self.set(ConditionType::Ready, ConditionStatus::True, Reason::Ok, all_is_well);
            return;
        };
        let others: BTreeSet<(&str, Option<&str>)> = all
            .iter()
            .map(|obstacle| (obstacle.message.as_str(), obstacle.fix.as_deref()))
            .collect();
        let whose = who(first);
        let message = headline(first, whose, others.len() - 1);
        self.set(ConditionType::Ready, status_for(first.weight), first.reason, &message);
        let passing = all.iter().find(|obstacle| obstacle.passes);
        match passing {
            Some(obstacle) => {
                let message = "What waits goes on by itself.";
                self.set(
                    ConditionType::Reconciling,
                    ConditionStatus::True,
                    obstacle.reason,
                    message,
                );
            }
            None => {
                let message = match whose {
                    Who::Team => "Nothing more happens until the profile's team acts.",
                    Who::Platform => "Nothing more happens until the platform team acts.",
                    Who::Aws => "Nothing more happens until AWS answers otherwise.",
                };
                self.set(ConditionType::Stalled, ConditionStatus::True, first.reason, message);
            }
        }
    }

    /// `InSync`, given what was changed behind our back and is not put back yet,
    /// and what is held back, each with the reason.
    pub(super) fn in_sync<'p>(
        &mut self,
        open: impl Iterator<Item = &'p PlannedAction>,
        held_back: impl Iterator<Item = (&'p PlannedAction, HeldBack)>,
    ) {
        let open: Vec<&PlannedAction> = open.collect();
        let held_back: Vec<(&PlannedAction, HeldBack)> = held_back.filter(|(planned, _)| !planned.drift).collect();
        let of_drift = if open.iter().any(|planned| planned.backs_off) {
            Reason::RepairBackoff
        } else {
            Reason::Drifted
        };
        let of_held = held_back.first().map(|(_, why)| match why {
            HeldBack::ForApproval => Reason::AwaitingApproval,
            HeldBack::ByObserve => Reason::ObserveOnly,
            HeldBack::ByPause => Reason::Paused,
        });
        let Some(reason) = open.first().map(|_| of_drift).or(of_held) else {
            self.set(
                ConditionType::InSync,
                ConditionStatus::True,
                Reason::Ok,
                "Nothing was changed behind sagevpc's back, and no change is held back.",
            );
            return;
        };
        let mut parts = Vec::new();
        if !open.is_empty() {
            parts.push(format!(
                "Something was changed behind sagevpc's back; to be put back: {}.",
                listed(open)
            ));
        }
        if let Some((_, why)) = held_back.first() {
            let why = match why {
                HeldBack::ForApproval => "changes wait to be approved (status.plan.held of the SageMakerVpc)",
                HeldBack::ByObserve => "its managementPolicy is Observe",
                HeldBack::ByPause => "its spec.paused holds all changes back",
            };
            let changes = listed(held_back.iter().map(|(planned, _)| planned));
            parts.push(format!("AWS differs from what is declared, and {why}: {changes}."));
        }
        self.set(ConditionType::InSync, ConditionStatus::False, reason, &parts.join(" "));
    }

    /// Earlier conditions, with whether AWS answers as it is now.
    pub(super) fn over(self, mut earlier: Vec<Condition>) -> Vec<Condition> {
        let is_reachable = |condition: &Condition| condition.type_ == ConditionType::AwsReachable.as_str();
        let now = self.finish().into_iter().find(is_reachable);
        for (there, now) in earlier.iter_mut().filter(|condition| is_reachable(condition)).zip(now) {
            *there = now;
        }
        earlier
    }

    /// All conditions, in the order in which they are shown.
    pub(super) fn finish(mut self) -> Vec<Condition> {
        self.conditions.sort_by_key(|(type_, _)| *type_);
        let mut told = Told::default();
        let each = self.conditions.into_iter().map(|(type_, mut condition)| {
            let new = told.once(&condition.message);
            condition.message = if new.is_empty() {
                format!(
                    "{type_} is {}, {}, as another condition says.",
                    condition.status, condition.reason
                )
            } else {
                new
            };
            condition
        });
        each.collect()
    }
}

fn worst<'a>(obstacles: &[&'a Obstacle]) -> Option<&'a Obstacle> {
    obstacles
        .iter()
        .filter(|obstacle| obstacle.weight != Weight::Advice)
        .min_by_key(|obstacle| obstacle.weight)
        .copied()
}

fn status_for(weight: Weight) -> ConditionStatus {
    match weight {
        Weight::Blocks | Weight::Unmet | Weight::Aside => ConditionStatus::False,
        Weight::Unknown => ConditionStatus::Unknown,
        Weight::Advice => ConditionStatus::True,
    }
}

/// The messages one after the other, each once.
pub(super) fn joined(obstacles: &[&Obstacle]) -> String {
    let mut messages: Vec<String> = Vec::new();
    for message in obstacles.iter().map(|obstacle| obstacle.explained()) {
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    let more = messages.len().saturating_sub(MAX_JOINED);
    messages.truncate(MAX_JOINED);
    let mut text = messages.join(" ");
    if more > 0 {
        text.push_str(&format!(" And {more} more."));
    }
    text
}
