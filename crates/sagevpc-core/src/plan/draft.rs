//! A plan in the making.

use std::collections::BTreeSet;

use super::{ActionId, History, PlannedAction, Priority, graph::Graph};
use crate::{
    api::{DeletionPolicy, Reason, ResourceOwnership, ResourceStatus},
    catalog::Symptom,
    desired::Network,
    observed::VpcSnapshot,
    plan::{Action, Serves, TagsChange, claims::Claims, endpoints::ByWayOut, kept::Keeping},
    report::{Concern, Finding, Scope, Weight},
    types::{ResourceKey, TAG_ADOPTED, TAG_CLUSTER, TAG_CLUSTER_UID, TAG_RESOURCE, TAG_RETAINED_FROM, TAG_VPC, Tags},
};

/// What is known before anything is planned, and what the steps have planned and
/// found so far. Whatever else a step finds out it gives back.
#[derive(Clone)]
pub(super) struct Draft<'a> {
    pub(super) network: &'a Network,
    pub(super) snapshot: &'a VpcSnapshot,
    pub(super) history: &'a History,
    /// Whose what carries our tags is.
    pub(super) claims: &'a Claims,
    /// What stays as it is for profiles that have no say at present.
    pub(super) keeping: Keeping,
    /// Services that are left to a way out.
    pub(super) by_way_out: ByWayOut,
    /// Whether AWS once matched this very network, so that a difference from it
    /// was made by someone else.
    pub(super) drifting: bool,
    pub(super) graph: Graph,
    pub(super) findings: Vec<Finding>,
    pub(super) resources: Vec<ResourceStatus>,
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
            by_way_out: ByWayOut::default(),
            drifting: false,
            graph: Graph::default(),
            findings: Vec::new(),
            resources: Vec::new(),
        }
    }

    /// Adds an action.
    pub(super) fn act(&mut self, planned: PlannedAction) -> ActionId {
        let planned = self.marked(planned);
        self.graph.add(planned)
    }

    fn marked(&self, mut planned: PlannedAction) -> PlannedAction {
        // What is to go and is not gone yet was never put in its place by anyone.
        planned.drift = self.drifting && planned.priority != Priority::Deletion;
        if planned.drift && planned.priority == Priority::Growth {
            planned.priority = Priority::Repair;
        }
        planned
    }

    /// Adds an action that those of this kind wait for.
    pub(super) fn act_before(&mut self, planned: PlannedAction, later: impl Fn(&Action) -> bool) -> ActionId {
        let later = self.actions().filter(|planned| later(&planned.action));
        let later: BTreeSet<ActionId> = later.map(|planned| planned.id).collect();
        let planned = self.marked(planned);
        self.graph.add_before(planned, &later)
    }

    /// The actions so far, in the order in which they were added.
    pub(super) fn actions(&self) -> impl Iterator<Item = &PlannedAction> {
        self.graph.iter()
    }

    /// Whether something was found about this already.
    pub(super) fn has_found(&self, concern: Concern) -> bool {
        self.findings.iter().any(|finding| finding.concern == concern)
    }

    /// What was found so far.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
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
            let action = Action::Tags(TagsChange::Create {
                resource: id.to_owned(),
                tags: missing,
            });
            self.act(PlannedAction::new(action, serves, "spec.tags asks for these tags").about(key));
        }
    }

    /// Makes something of someone else's ours to manage, to be released in the
    /// end.
    pub(super) fn adopt(&mut self, id: &str, key: &ResourceKey, serves: Serves, concern: Concern) -> ActionId {
        let mut tags = self.tags_for(key);
        tags.insert(TAG_ADOPTED.to_owned(), "true".to_owned());
        let action = Action::Tags(TagsChange::Create {
            resource: id.to_owned(),
            tags,
        });
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
            let action = Action::Tags(TagsChange::Create {
                resource: id.to_owned(),
                tags: left,
            });
            let why = format!("{reason}; deletionPolicy is Retain");
            before = Some(self.act(PlannedAction::new(action, Serves::Vpc, why).about(key).deleting()));
        }
        let keys = [TAG_ADOPTED, TAG_CLUSTER, TAG_CLUSTER_UID, TAG_RESOURCE, TAG_VPC]
            .map(str::to_owned)
            .to_vec();
        let action = Action::Tags(TagsChange::Delete {
            resource: id.to_owned(),
            keys,
        });
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
