//! The actions of a plan in the making, and which comes after which.
//!
//! An action keeps its id from the moment it is added, whatever is added,
//! split or left out later, and says in [`PlannedAction::after`] what it waits
//! for, at any time. Their order is settled once, when the plan is done.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use super::{ActionId, PlannedAction};
use crate::types::ResourceKey;

/// Actions, each under an id that stays.
#[derive(Clone, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<ActionId, Node>,
    /// The id that the next one gets.
    next: usize,
}

#[derive(Clone)]
struct Node {
    planned: PlannedAction,
    /// The action in whose place it stands where nothing else orders it: itself,
    /// or the one that it was split from or put before.
    place: ActionId,
}

impl Graph {
    /// Adds an action, after all that are there.
    pub(super) fn add(&mut self, planned: PlannedAction) -> ActionId {
        let id = ActionId(self.next);
        self.insert(planned, id)
    }

    /// Adds an action that others wait for from now on.
    pub(super) fn add_before(&mut self, planned: PlannedAction, later: &BTreeSet<ActionId>) -> ActionId {
        let place = later.first().copied().unwrap_or(ActionId(self.next));
        let id = self.insert(planned, place);
        for later in later {
            self.wait(*later, [id]);
        }
        id
    }

    fn insert(&mut self, mut planned: PlannedAction, place: ActionId) -> ActionId {
        let id = ActionId(self.next);
        self.next += 1;
        planned.id = id;
        self.nodes.insert(id, Node { planned, place });
        id
    }

    /// Has an action wait for others.
    pub(super) fn wait(&mut self, id: ActionId, earlier: impl IntoIterator<Item = ActionId>) {
        if let Some(planned) = self.get_mut(id) {
            planned.after.extend(earlier);
        }
    }

    /// Puts parts of an action in its place. What waits for it waits for all of
    /// them, and they, after the first, for the first.
    pub(super) fn split(&mut self, id: ActionId, parts: Vec<PlannedAction>) {
        let mut parts = parts.into_iter();
        let (Some(node), Some(mut first)) = (self.nodes.get_mut(&id), parts.next()) else {
            return;
        };
        let place = node.place;
        first.id = id;
        node.planned = first;
        let waiting: Vec<ActionId> = self
            .iter()
            .filter(|planned| planned.after.contains(&id))
            .map(|planned| planned.id)
            .collect();
        for part in parts {
            let part = self.insert(part, place);
            self.wait(part, [id]);
            for later in &waiting {
                self.wait(*later, [part]);
            }
        }
    }

    /// Leaves out the actions that `goes` names, and all that wait for those.
    /// Gives them in their order.
    pub(super) fn leave_out(&mut self, goes: impl Fn(&PlannedAction) -> bool) -> Vec<PlannedAction> {
        let named: BTreeSet<ActionId> = self.iter().filter(|planned| goes(planned)).map(|it| it.id).collect();
        if named.is_empty() {
            return Vec::new();
        }
        let is_gone = |id: ActionId| named.contains(&id) || !named.is_disjoint(&self.needed_by(id));
        let gone: BTreeSet<ActionId> = self.nodes.keys().copied().filter(|id| is_gone(*id)).collect();
        let order = self.order(|_| 0);
        let left = order.into_iter().filter(|id| gone.contains(id));
        left.filter_map(|id| Some(self.nodes.remove(&id)?.planned)).collect()
    }

    pub(super) fn get(&self, id: ActionId) -> Option<&PlannedAction> {
        self.nodes.get(&id).map(|node| &node.planned)
    }

    pub(super) fn get_mut(&mut self, id: ActionId) -> Option<&mut PlannedAction> {
        self.nodes.get_mut(&id).map(|node| &mut node.planned)
    }

    /// All of them, in the order in which they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PlannedAction> {
        self.nodes.values().map(|node| &node.planned)
    }

    /// The action that makes this, if one does.
    pub(super) fn maker_of(&self, key: &ResourceKey) -> Option<ActionId> {
        let mut makers = self.iter().filter(|planned| planned.action.makes() == Some(key));
        makers.next().map(|planned| planned.id)
    }

    /// All that must be done before an action.
    pub(super) fn needed_by(&self, id: ActionId) -> BTreeSet<ActionId> {
        let mut needed = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let after = self.get(next).map_or(&[][..], |planned| &planned.after);
            open.extend(after.iter().copied().filter(|earlier| needed.insert(*earlier)));
        }
        needed
    }

    /// The ids in an order in which each comes after what it waits for: of those
    /// that may be next, the one of the least rank, then the one added first.
    pub(super) fn order(&self, rank: impl Fn(&PlannedAction) -> usize) -> Vec<ActionId> {
        let is_there = |id: &&ActionId| self.nodes.contains_key(id);
        let mut waits_for: BTreeMap<ActionId, BTreeSet<ActionId>> = BTreeMap::new();
        let mut awaited_by: BTreeMap<ActionId, Vec<ActionId>> = BTreeMap::new();
        for planned in self.iter() {
            let earlier: BTreeSet<ActionId> = planned.after.iter().filter(is_there).copied().collect();
            for id in &earlier {
                awaited_by.entry(*id).or_default().push(planned.id);
            }
            waits_for.insert(planned.id, earlier);
        }
        let key = |id: ActionId| {
            let node = self.nodes.get(&id)?;
            Some(Reverse((rank(&node.planned), node.place, id)))
        };
        let free = waits_for.iter().filter(|(_, earlier)| earlier.is_empty());
        let mut ready: BinaryHeap<_> = free.filter_map(|(id, _)| key(*id)).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse((_, _, id))) = ready.pop() {
            order.push(id);
            for later in awaited_by.remove(&id).into_iter().flatten() {
                let left = waits_for.entry(later).or_default();
                left.remove(&id);
                if left.is_empty() {
                    ready.extend(key(later));
                }
            }
        }
        // Nothing makes a circle; if something did, all of it would still be shown.
        let done: BTreeSet<ActionId> = order.iter().copied().collect();
        order.extend(self.nodes.keys().filter(|id| !done.contains(id)));
        order
    }

    /// The actions in that order, numbered by it. What is left out is waited for
    /// no longer.
    pub(super) fn into_ordered(mut self, rank: impl Fn(&PlannedAction) -> usize) -> Vec<PlannedAction> {
        let order = self.order(rank);
        let numbers: BTreeMap<ActionId, ActionId> = order.iter().copied().zip((0..).map(ActionId)).collect();
        let taken = order.into_iter().filter_map(|id| self.nodes.remove(&id));
        let numbered = taken.map(|Node { mut planned, .. }| {
            planned.id = numbers[&planned.id];
            planned.after = planned.after.iter().filter_map(|id| numbers.get(id).copied()).collect();
            planned
        });
        numbered.collect()
    }
}

#[cfg(test)]
mod tests;
