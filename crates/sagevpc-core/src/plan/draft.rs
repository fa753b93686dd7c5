//! A plan in the making.

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionId, History, PlannedAction, Priority, SubnetCapacity};
use crate::{
    api::{
        BucketInForce, ConsumersStatus, DeletionPolicy, PackageRepositories, Reason, ResourceOwnership, ResourceStatus,
    },
    catalog::{Symptom, Usd},
    desired::Network,
    observed::VpcSnapshot,
    plan::{Action, Serves, claims::Claims, kept::Keeping},
    report::{Concern, Finding, Scope, Weight},
    types::{
        Direction, NetworkAclId, ProfileKey, ResourceKey, SecurityGroupId, TAG_ADOPTED, TAG_CLUSTER, TAG_CLUSTER_UID,
        TAG_RESOURCE, TAG_RETAINED_FROM, TAG_VPC, Tags,
    },
};

pub(super) struct Draft<'a> {
    pub(super) network: &'a Network,
    pub(super) snapshot: &'a VpcSnapshot,
    pub(super) history: &'a History,
    /// Whose what carries our tags is.
    pub(super) claims: &'a Claims,
    /// What stays as it is for profiles that have no say at present.
    pub(super) keeping: Keeping,
    pub(super) actions: Vec<PlannedAction>,
    pub(super) findings: Vec<Finding>,
    pub(super) resources: Vec<ResourceStatus>,
    /// Group ids of each workload of each profile, as far as they are known.
    pub(super) groups_of: BTreeMap<ProfileKey, Vec<BTreeSet<SecurityGroupId>>>,
    /// What runs in the VPC.
    pub(super) consumers: ConsumersStatus,
    /// What the S3 endpoint's policy is to do about the package repositories.
    pub(super) package_repositories: Option<PackageRepositories>,
    /// What is known of our statements in buckets' policies.
    pub(super) buckets: Vec<BucketInForce>,
    /// The rules of network ACLs that we are known to have made, by the ACL.
    pub(super) network_acls: BTreeMap<NetworkAclId, BTreeSet<(Direction, u16)>>,
    /// How the subnets in use stand.
    pub(super) capacity: Vec<SubnetCapacity>,
    /// Whether another cluster has what would be ours.
    pub(super) taken: bool,
    /// Whether AWS once matched this very network, so that a difference from it
    /// was made by someone else.
    pub(super) drifting: bool,
    /// Names of roles that have our inline policy, or may have it, by ARN.
    pub(super) role_policies: BTreeMap<String, String>,
    pub(super) fingerprint: String,
    /// What all that is ours will cost in a month.
    pub(super) monthly_cost: Usd,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        network: &'a Network,
        snapshot: &'a VpcSnapshot,
        history: &'a History,
        claims: &'a Claims,
    ) -> Self {
        Self {
            network,
            snapshot,
            history,
            claims,
            keeping: Keeping::default(),
            actions: Vec::new(),
            findings: Vec::new(),
            resources: Vec::new(),
            groups_of: BTreeMap::new(),
            consumers: ConsumersStatus::default(),
            package_repositories: None,
            buckets: Vec::new(),
            network_acls: BTreeMap::new(),
            role_policies: BTreeMap::new(),
            capacity: Vec::new(),
            fingerprint: String::new(),
            taken: false,
            drifting: false,
            monthly_cost: Usd::default(),
        }
    }

    /// Adds an action and gives it its number.
    pub(super) fn act(&mut self, mut planned: PlannedAction) -> ActionId {
        let id = ActionId(self.actions.len());
        planned.id = id;
        // What is to go and is not gone yet was never put in its place by anyone.
        planned.drift = self.drifting && planned.priority != Priority::Deletion;
        if planned.drift && planned.priority == Priority::Growth {
            planned.priority = Priority::Repair;
        }
        self.actions.push(planned);
        id
    }

    /// Takes out the actions that `goes` names, and what depends on nothing
    /// else: the others are numbered anew.
    pub(super) fn drop_actions(&mut self, goes: impl Fn(&PlannedAction) -> bool) -> Vec<PlannedAction> {
        let mut gone: BTreeSet<ActionId> = BTreeSet::new();
        for planned in &self.actions {
            if goes(planned) || planned.after.iter().any(|earlier| gone.contains(earlier)) {
                gone.insert(planned.id);
            }
        }
        let (left, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.actions)
            .into_iter()
            .partition(|planned| gone.contains(&planned.id));
        let numbers: BTreeMap<ActionId, ActionId> = kept
            .iter()
            .enumerate()
            .map(|(place, planned)| (planned.id, ActionId(place)))
            .collect();
        self.actions = kept;
        for planned in &mut self.actions {
            planned.id = numbers[&planned.id];
            for earlier in &mut planned.after {
                *earlier = numbers[earlier];
            }
        }
        left
    }

    /// The actions so far, to be marked.
    pub(super) fn actions_mut(&mut self) -> &mut [PlannedAction] {
        &mut self.actions
    }

    /// Puts the actions in the order of `rank`, and of now where that is the
    /// same, each still after those that it needs.
    pub(super) fn reorder(&mut self, rank: impl Fn(&PlannedAction) -> usize) {
        let mut waiting: BTreeMap<(usize, ActionId), PlannedAction> = std::mem::take(&mut self.actions)
            .into_iter()
            .map(|planned| ((rank(&planned), planned.id), planned))
            .collect();
        let mut numbers: BTreeMap<ActionId, ActionId> = BTreeMap::new();
        while !waiting.is_empty() {
            let is_ready = |planned: &PlannedAction| planned.after.iter().all(|id| numbers.contains_key(id));
            let ready = waiting.iter().find(|(_, planned)| is_ready(planned));
            // None would be ready in a circle, which nothing makes.
            let Some(place) = ready.or(waiting.iter().next()).map(|(place, _)| *place) else {
                break;
            };
            if let Some(planned) = waiting.remove(&place) {
                numbers.insert(place.1, ActionId(self.actions.len()));
                self.actions.push(planned);
            }
        }
        self.renumber(&numbers.into_iter().map(|(id, new)| (id, vec![new])).collect());
    }

    /// Puts actions in the place of others. What comes after one of those comes
    /// after all that is in its place, and so do those there after the first of
    /// them.
    pub(super) fn replace(&mut self, mut parts: BTreeMap<ActionId, Vec<PlannedAction>>) {
        let mut numbers: BTreeMap<ActionId, Vec<ActionId>> = BTreeMap::new();
        for planned in std::mem::take(&mut self.actions) {
            let id = planned.id;
            for planned in parts.remove(&id).unwrap_or_else(|| vec![planned]) {
                numbers.entry(id).or_default().push(ActionId(self.actions.len()));
                self.actions.push(planned);
            }
        }
        self.renumber(&numbers);
        for places in numbers.values() {
            if let [first, others @ ..] = places.as_slice() {
                others.iter().for_each(|place| self.actions[place.0].after.push(*first));
            }
        }
    }

    /// Gives the actions the numbers of their places, and has what refers to
    /// them follow.
    fn renumber(&mut self, numbers: &BTreeMap<ActionId, Vec<ActionId>>) {
        for (place, planned) in self.actions.iter_mut().enumerate() {
            planned.id = ActionId(place);
            let after = planned.after.iter().filter_map(|earlier| numbers.get(earlier));
            planned.after = after.flatten().copied().collect();
        }
    }

    /// Adds an action before the first that is like `later`, if there is one,
    /// and has those wait for it.
    pub(super) fn act_before(&mut self, planned: PlannedAction, later: impl Fn(&Action) -> bool) -> ActionId {
        let id = self.act(planned);
        let Some(place) = self.actions.iter().position(|planned| later(&planned.action)) else {
            return id;
        };
        // All from there on move up by one, and what refers to them follows.
        let moved = |other: ActionId| {
            if other == id {
                ActionId(place)
            } else {
                ActionId(other.0 + usize::from(other.0 >= place))
            }
        };
        self.actions[place..].rotate_right(1);
        for (number, planned) in self.actions.iter_mut().enumerate() {
            planned.id = ActionId(number);
            for earlier in &mut planned.after {
                *earlier = moved(*earlier);
            }
            if later(&planned.action) {
                planned.after.push(ActionId(place));
            }
        }
        ActionId(place)
    }

    /// The actions so far.
    pub(super) fn actions(&self) -> &[PlannedAction] {
        &self.actions
    }

    /// Whether something was found about this already.
    pub(super) fn has_found(&self, concern: Concern) -> bool {
        self.findings.iter().any(|finding| finding.concern == concern)
    }

    /// What was found so far.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The action that makes this, if one does.
    pub(super) fn maker_of(&self, key: &ResourceKey) -> Option<ActionId> {
        let made = |planned: &&PlannedAction| planned.action.makes() == Some(key);
        self.actions.iter().find(made).map(|planned| planned.id)
    }

    /// Changes what is planned: `change` gives back each action, or `None` for
    /// one that is not to be. What comes after such a one goes with it.
    pub(super) fn reconsider(&mut self, mut change: impl FnMut(PlannedAction) -> Option<PlannedAction>) {
        let mut numbers: BTreeMap<ActionId, ActionId> = BTreeMap::new();
        for mut planned in std::mem::take(&mut self.actions) {
            let earlier: Option<Vec<ActionId>> = planned.after.iter().map(|id| numbers.get(id).copied()).collect();
            let Some(after) = earlier else { continue };
            let before = planned.id;
            planned.after = after;
            if let Some(mut kept) = change(planned) {
                kept.id = ActionId(self.actions.len());
                numbers.insert(before, kept.id);
                self.actions.push(kept);
            }
        }
    }

    pub(super) fn find(
        &mut self,
        concern: Concern,
        scope: Scope,
        reason: Reason,
        symptom: Option<Symptom>,
        message: String,
    ) {
        self.push(Finding {
            symptom,
            ..Finding::new(concern, scope, reason, message)
        });
    }

    pub(super) fn find_weighing(
        &mut self,
        weight: Weight,
        concern: Concern,
        scope: Scope,
        reason: Reason,
        message: String,
    ) {
        self.push(Finding::new(concern, scope, reason, message).weighing(weight));
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn list(&mut self, type_: &str, id: &str, purpose: String, ownership: ResourceOwnership) {
        self.resources.push(ResourceStatus {
            type_: type_.to_owned(),
            id: id.to_owned(),
            purpose,
            ownership,
        });
    }

    /// Lists something of ours by whether it was made here or adopted.
    pub(super) fn list_ours(&mut self, type_: &str, id: &str, purpose: String) {
        let ownership = if self.claims.is_adopted(id) {
            ResourceOwnership::Adopted
        } else {
            ResourceOwnership::Ours
        };
        self.list(type_, id, purpose, ownership);
    }

    /// The tags of something new.
    pub(super) fn tags_for(&self, key: &ResourceKey) -> Tags {
        let mut tags = self.network.vpc.tags.clone();
        tags.extend(self.network.vpc.ownership.tags(key));
        tags
    }

    /// Puts back tags that the spec asks for and that are missing or changed.
    pub(super) fn keep_tags(&mut self, id: &str, key: &ResourceKey, serves: Serves, tags: &Tags) {
        let missing: Tags = self
            .network
            .vpc
            .tags
            .iter()
            .filter(|(tag, value)| tags.get(*tag) != Some(*value))
            .map(|(tag, value)| (tag.clone(), value.clone()))
            .collect();
        if !missing.is_empty() {
            let action = Action::CreateTags {
                resource: id.to_owned(),
                tags: missing,
            };
            self.act(PlannedAction::new(action, serves, "spec.tags asks for these tags").about(key));
        }
    }

    /// Makes something of someone else's ours to manage, to be released in the
    /// end.
    pub(super) fn adopt(&mut self, id: &str, key: &ResourceKey, serves: Serves, concern: Concern) -> ActionId {
        let mut tags = self.tags_for(key);
        tags.insert(TAG_ADOPTED.to_owned(), "true".to_owned());
        let action = Action::CreateTags {
            resource: id.to_owned(),
            tags,
        };
        self.act(
            PlannedAction::new(action, serves, "spec.adopt names it")
                .about(key)
                .blocking(concern),
        )
    }

    /// Whether what is no longer needed stays in place, without our tags.
    pub(super) fn retains(&self) -> bool {
        self.network.vpc.deletion_policy == DeletionPolicy::Retain
    }

    /// Lets go of something that is no longer needed: deletes it, or, where it
    /// was adopted or is to be retained, takes our tags off. Gives the last of
    /// the actions.
    pub(super) fn let_go(
        &mut self,
        id: &str,
        key: &ResourceKey,
        reason: &str,
        deletion: impl FnOnce(&mut Self) -> PlannedAction,
    ) -> ActionId {
        let retained = self.retains();
        let adopted = self.claims.is_adopted(id);
        if !adopted && !retained {
            let planned = deletion(self);
            return self.act(planned.about(key).deleting());
        }
        let mut before = None;
        if !adopted {
            let left = Tags::from([(TAG_RETAINED_FROM.to_owned(), self.network.vpc.ownership.retained_from())]);
            let action = Action::CreateTags {
                resource: id.to_owned(),
                tags: left,
            };
            let why = format!("{reason}; deletionPolicy is Retain");
            before = Some(self.act(PlannedAction::new(action, Serves::Vpc, why).about(key).deleting()));
        }
        let keys = [TAG_ADOPTED, TAG_CLUSTER, TAG_CLUSTER_UID, TAG_RESOURCE, TAG_VPC]
            .map(str::to_owned)
            .to_vec();
        let action = Action::DeleteTags {
            resource: id.to_owned(),
            keys,
        };
        let why = if retained && !adopted {
            format!("{reason}; deletionPolicy is Retain")
        } else {
            format!("{reason}; it was adopted, so it is released")
        };
        self.act(
            PlannedAction::new(action, Serves::Vpc, why)
                .about(key)
                .deleting()
                .after(before),
        )
    }

    /// The id of something that AWS said it made and may not show yet. What it
    /// shows as deleted is not waited for.
    pub(super) fn not_visible_yet(&self, key: &ResourceKey) -> Option<&'a str> {
        let endpoints = &self.snapshot.vpc_endpoints;
        let is_shown = |id: &str| {
            // A deleted endpoint is nobody's any more.
            self.claims.is_ours(id) || endpoints.iter().any(|endpoint| endpoint.vpc_endpoint_id.as_str() == id)
        };
        self.history.not_visible_yet(key).filter(|id| !is_shown(id))
    }
}
