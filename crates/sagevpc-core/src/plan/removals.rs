//! What would cut off what runs of SageMaker's, and so waits: the one place
//! that decides it, whoever wants something gone, and why.
//!
//! | File | Knows |
//! |---|---|
//! | `holders` | whose what runs may be, by what was noted |
//! | `ways` | which ways network interfaces of SageMaker's need and have |
//! | `standing` | how far each can be relied on, and what makes it less |
//! | `closed` | which endpoints buckets admit |
//! | `roles` | whose permissions a change to a role takes away |
//! | `split` | what of an action adds to the ways and what takes away |
//! | `order` | in which order what is no longer needed goes |
//!
//! The network is followed as it would be with an action done and without what
//! is still to come, for a way that is promised carries nothing. What takes no
//! way away goes on. What takes one away that another action of the plan gives
//! back waits for that one. The rest waits until those whom it would cut off
//! are gone, or until a person approves it. Actions are judged together, for
//! two that are harmless alone may not be so together.
//!
//! What puts back what someone opened behind our back is let through: it was
//! never given to anyone.

mod closed;
pub(super) mod holders;
pub(super) mod order;
mod roles;
mod split;
mod standing;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    closed::Closed,
    split::{Effect, effect},
    standing::{Narrowed, standing},
    ways::{User, users},
};
use super::{Action, ActionId, CutOff, PlannedAction, Serves, consumers, draft::Draft, project::project};
use crate::{
    plan::{
        reachability::reader,
        resolved::{ResolvedProfile, WorkloadGroups},
    },
    reach::Destination,
    report::{Concern, Weight},
    types::{ResourceKey, listed},
};

pub(super) fn decide(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], groups: &WorkloadGroups) {
    order::settle(draft);
    let may_cut = |planned: &PlannedAction| match effect(&planned.action) {
        Effect::Leads | Effect::Closes => true,
        Effect::Opens | Effect::None => roles::takes_permissions(planned),
    };
    if !draft.actions().any(may_cut) {
        return;
    }
    let rulings = {
        let users = users(draft, profiles, groups);
        if users.is_empty() {
            return;
        }
        let mut trial = Trial::new(draft, &users);
        trial.run();
        roles::judge(draft, profiles, &users, &mut trial.rulings);
        trial.rulings
    };
    for (id, ruling) in rulings {
        if let Some(planned) = draft.graph.get(id) {
            let parts = ruling.carried_out(planned);
            draft.graph.split(id, parts);
        }
    }
}

/// What is to become of an action.
enum Ruling {
    /// It waits for what gives back what it takes away.
    Later(String),
    /// It is done in parts, some of which would cut something off.
    Parts(Vec<(Action, Option<CutOff>)>),
}

impl Ruling {
    fn carried_out(self, planned: &PlannedAction) -> Vec<PlannedAction> {
        match self {
            Self::Later(message) => {
                let mut later = planned.clone();
                later.waits_for.get_or_insert(message);
                vec![later]
            }
            Self::Parts(parts) => {
                let part = |(action, cut_off)| {
                    let part = PlannedAction {
                        action,
                        ..planned.clone()
                    };
                    match cut_off {
                        None => part,
                        Some(cut_off) => waiting(part, cut_off),
                    }
                };
                parts.into_iter().map(part).collect()
            }
        }
    }
}

/// An action that waits for what it would cut off. What serves workloads is
/// missing until then; what only takes something away leaves them running.
fn waiting(planned: PlannedAction, cut_off: CutOff) -> PlannedAction {
    let closes = effect(&planned.action) != Effect::Leads;
    let serves = match &planned.serves {
        Serves::Vpc | Serves::Profiles(_) if closes => Serves::SageMakerVpc,
        serves => serves.clone(),
    };
    PlannedAction {
        blocks: Some(planned.blocks.unwrap_or_else(|| concern(&planned))),
        weight: if closes { Weight::Aside } else { planned.weight },
        symptom: planned.symptom.filter(|_| !closes),
        cuts_off: Some(cut_off),
        serves,
        ..planned
    }
}

/// What the action is about, where it says so nowhere.
fn concern(planned: &PlannedAction) -> Concern {
    match &planned.key {
        None | Some(ResourceKey::S3GatewayEndpoint | ResourceKey::S3ExpressGatewayEndpoint) => Concern::S3,
        Some(ResourceKey::InterfaceEndpoint { .. } | ResourceKey::EndpointSecurityGroup) => Concern::Endpoints,
        Some(ResourceKey::ElasticInferenceClient | ResourceKey::ElasticInferenceEndpoint) => Concern::ElasticInference,
        Some(ResourceKey::WorkloadSecurityGroup { .. }) => Concern::SecurityGroups,
        Some(ResourceKey::NatGateway { .. } | ResourceKey::Address { .. } | ResourceKey::DefaultRoute { .. }) => {
            Concern::Internet
        }
        Some(ResourceKey::NetworkAclEntries { .. }) => Concern::NetworkAcls,
        Some(ResourceKey::FlowLog { .. }) => Concern::FlowLogs,
        Some(ResourceKey::BucketPolicy { .. }) => Concern::BucketPolicies,
        Some(ResourceKey::RolePolicy { .. }) => Concern::Roles,
    }
}

/// The ways that users would lose, by the users' places.
type Losses = BTreeMap<usize, BTreeSet<Destination>>;

/// Actions tried one after the other on the network as it was seen.
struct Trial<'t, 'a> {
    draft: &'t Draft<'a>,
    /// The plan's actions, in their order.
    in_order: Vec<&'t PlannedAction>,
    users: &'t [User<'a>],
    closed: Closed,
    /// What is done of those that go on.
    accepted: Vec<Action>,
    /// What would be done by those that do not.
    refused: Vec<Action>,
    rulings: BTreeMap<ActionId, Ruling>,
}

impl<'t, 'a> Trial<'t, 'a> {
    fn new(draft: &'t Draft<'a>, users: &'t [User<'a>]) -> Self {
        let order = draft.graph.order(order::rank(draft));
        let in_order: Vec<&PlannedAction> = order.into_iter().filter_map(|id| draft.graph.get(id)).collect();
        Self {
            closed: Closed::now(draft),
            draft,
            in_order,
            users,
            accepted: Vec::new(),
            refused: Vec::new(),
            rulings: BTreeMap::new(),
        }
    }

    fn run(&mut self) {
        let is_judged = |planned: &&PlannedAction| !(planned.drift && planned.closes_access);
        let judged: Vec<&PlannedAction> = self.in_order.iter().copied().filter(is_judged).collect();
        let closes = |planned: &&PlannedAction| effect(&planned.action) == Effect::Closes;
        let closing: Vec<&PlannedAction> = judged.iter().copied().filter(closes).collect();
        self.settle(&closing);
        // What adds is judged with all that is added, each in its order.
        let adds = |planned: &&PlannedAction| match effect(&planned.action) {
            Effect::Leads => true,
            Effect::Closes => split::closing(&planned.action) != planned.action,
            Effect::Opens | Effect::None => false,
        };
        let adding: Vec<&PlannedAction> = judged.into_iter().filter(adds).collect();
        if adding.is_empty() || self.lost(&[], &self.additions()).is_empty() {
            return;
        }
        for planned in adding {
            if !self.rulings.contains_key(&planned.id) {
                self.judge(planned);
            }
        }
    }

    /// All that the plan adds.
    fn additions(&self) -> Vec<Action> {
        let actions = self.in_order.iter().map(|planned| &planned.action);
        let adding = actions.filter(|action| match effect(action) {
            Effect::Opens | Effect::Leads => true,
            Effect::Closes => split::closing(action) != **action,
            Effect::None => false,
        });
        adding.cloned().collect()
    }

    /// Lets those go on together that take no way away, as many at once as do.
    fn settle(&mut self, batch: &[&PlannedAction]) {
        let pieces: Vec<Action> = batch.iter().map(|planned| split::closing(&planned.action)).collect();
        if pieces.is_empty() || self.lost(&[], &pieces).is_empty() {
            self.accepted.extend(pieces);
            return;
        }
        match batch {
            [] => {}
            [only] => self.judge(only),
            [_, ..] => {
                let (first, rest) = batch.split_at(batch.len() / 2);
                self.settle(first);
                self.settle(rest);
            }
        }
    }

    /// Decides on one action that takes ways away.
    fn judge(&mut self, planned: &PlannedAction) {
        let id = planned.id;
        let before = self.needed(id);
        let whole = std::slice::from_ref(&planned.action);
        let lost = self.lost(&before, whole);
        if lost.is_empty() {
            self.accepted.extend(before);
            self.accepted.extend_from_slice(whole);
            return;
        }
        // What of it the rest of the plan gives back is waited for.
        let mut more = self.additions();
        more.retain(|action| !before.contains(action) && *action != planned.action);
        if !more.is_empty() && self.lost(&[&before[..], &more].concat(), whole).is_empty() {
            let whom = self.cut_off(&lost).whom;
            let message = format!("{whom} still need it: it follows once what takes its place serves.",);
            self.rulings.insert(id, Ruling::Later(message));
            return;
        }
        let (mut harmless, mut cutting) = (Vec::new(), Vec::new());
        let mut lost = Losses::new();
        let parts = split::parts(&planned.action, self.draft.snapshot);
        for part in parts {
            let cut = self.lost(&before, std::slice::from_ref(&part));
            if cut.is_empty() {
                self.accepted.push(part.clone());
                harmless.push(part);
            } else {
                for (user, ways) in cut {
                    lost.entry(user).or_default().extend(ways);
                }
                self.refused.push(part.clone());
                cutting.push(part);
            }
        }
        let cut_off = self.cut_off(&lost);
        let harmless = split::merged(harmless).into_iter().map(|part| (part, None));
        let cutting = split::merged(cutting)
            .into_iter()
            .map(|part| (part, Some(cut_off.clone())));
        self.rulings
            .insert(id, Ruling::Parts(harmless.chain(cutting).collect()));
    }

    /// What actions take away, be it that they do so only with what was refused.
    fn lost(&self, before: &[Action], actions: &[Action]) -> Losses {
        let with = |more: &[&[Action]]| -> Vec<Action> {
            self.accepted
                .iter()
                .chain(more.iter().copied().flatten())
                .cloned()
                .collect()
        };
        let lost = self.losses(&with(&[before, actions]));
        if !lost.is_empty() || self.refused.is_empty() {
            return lost;
        }
        let known = self.losses(&with(&[before, &self.refused]));
        let mut lost = self.losses(&with(&[before, &self.refused, actions]));
        for (user, ways) in &mut lost {
            ways.retain(|way| !known.get(user).is_some_and(|known| known.contains(way)));
        }
        lost.retain(|_, ways| !ways.is_empty());
        lost
    }

    /// What is done before the action, as far as it serves then.
    fn needed(&self, id: ActionId) -> Vec<Action> {
        let graph = &self.draft.graph;
        let is_promised = |id: &ActionId| {
            let promised = |planned: &PlannedAction| planned.waits_for.is_some() || split::takes_time(&planned.action);
            graph.get(*id).is_some_and(promised)
        };
        let serves = |id: &ActionId| !is_promised(id) && !graph.needed_by(*id).iter().any(is_promised);
        let needed = graph.needed_by(id);
        let needed = self.in_order.iter().filter(|planned| needed.contains(&planned.id));
        needed
            .filter(|planned| serves(&planned.id))
            .map(|planned| &planned.action)
            .filter(|action| effect(action) != Effect::None && effect(action) != Effect::Closes)
            .cloned()
            .collect()
    }

    /// The ways that are there now and are not with these actions done.
    fn losses(&self, actions: &[Action]) -> Losses {
        let projected = project(self.draft.snapshot, actions);
        let closed = self.closed.clone().after(actions);
        let narrowed = Narrowed::between(self.draft.snapshot, &projected, &self.draft.network.vpc.region);
        let reach = reader(self.draft, &projected);
        let mut losses = Losses::new();
        for (place, user) in self.users.iter().enumerate().filter(|(_, user)| !user.ways.is_empty()) {
            let start = reach.from(user.subnet, &user.groups);
            let lost: BTreeSet<Destination> = user
                .ways
                .iter()
                .filter(|(way, before)| {
                    let now = start.as_ref().map(|start| standing(self.draft, &closed, start, way));
                    now.is_none_or(|now| !now.is_kept(before)) || narrowed.cuts(user, way, before)
                })
                .map(|(way, _)| way.clone())
                .collect();
            if !lost.is_empty() {
                losses.insert(place, lost);
            }
        }
        losses
    }

    fn cut_off(&self, losses: &Losses) -> CutOff {
        let users = losses.keys().map(|place| &self.users[*place]);
        let ways: BTreeSet<String> = losses.values().flatten().map(ToString::to_string).collect();
        cut_off(self.draft, users, ways)
    }
}

/// Who would be cut off from what, in the words of a message.
fn cut_off<'u, 'a: 'u>(
    draft: &Draft<'_>,
    users: impl IntoIterator<Item = &'u User<'a>>,
    from: impl IntoIterator<Item = String>,
) -> CutOff {
    let mut interfaces: Vec<_> = users.into_iter().flat_map(|user| &user.interfaces).copied().collect();
    interfaces.sort_by_key(|interface| &interface.network_interface_id);
    let consumers = draft.snapshot.discovered.consumers().iter();
    let running: BTreeSet<String> = consumers
        .filter(|consumer| {
            interfaces
                .iter()
                .any(|interface| consumers::explains(consumer, interface))
        })
        .map(ToString::to_string)
        .collect();
    let mut whom = listed(interfaces.iter().map(|interface| interface.described_with_age()));
    if !running.is_empty() {
        whom.push_str(&format!(", with which run {}", listed(running)));
    }
    CutOff {
        from: from.into_iter().collect(),
        interfaces: interfaces
            .iter()
            .map(|interface| interface.network_interface_id.clone())
            .collect(),
        whom,
    }
}
