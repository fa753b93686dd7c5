//! A plan in the making.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    ActionId, Concern, Finding, History, Plan, PlannedAction, Priority, Scope, Weight,
    resolve::{ResolvedProfile, Standing},
};
use crate::{
    api::{DeletionPolicy, PackageRepositories, Reason, ResourceOwnership, ResourceStatus, VpcConfig},
    catalog::{Symptom, Usd},
    desired::Network,
    observed::{EndpointState, VpcSnapshot, tags_of},
    plan::{Action, Serves},
    types::{
        ProfileKey, ResourceKey, SecurityGroupId, TAG_ADOPTED, TAG_CLUSTER, TAG_RESOURCE, TAG_RETAINED_FROM, TAG_VPC,
        Tags, is_adopted,
    },
};

pub(super) struct Draft<'a> {
    pub(super) network: &'a Network,
    pub(super) snapshot: &'a VpcSnapshot,
    pub(super) history: &'a History,
    actions: Vec<PlannedAction>,
    findings: Vec<Finding>,
    resources: Vec<ResourceStatus>,
    /// Group ids of each workload of each profile, as far as they are known.
    pub(super) groups_of: BTreeMap<ProfileKey, Vec<BTreeSet<SecurityGroupId>>>,
    /// What the S3 endpoint's policy is to do about the package repositories.
    pub(super) package_repositories: Option<PackageRepositories>,
    /// Whether AWS once matched this very network, so that a difference from it
    /// was made by someone else.
    drifting: bool,
    fingerprint: String,
    /// What all that is ours will cost in a month.
    pub(super) monthly_cost: Usd,
}

impl<'a> Draft<'a> {
    pub(super) fn new(network: &'a Network, snapshot: &'a VpcSnapshot, history: &'a History) -> Self {
        Self {
            network,
            snapshot,
            history,
            actions: Vec::new(),
            findings: Vec::new(),
            resources: Vec::new(),
            groups_of: BTreeMap::new(),
            package_repositories: None,
            fingerprint: String::new(),
            drifting: false,
            monthly_cost: Usd::default(),
        }
    }

    /// Tells differences that someone made behind our back from those that are
    /// wanted anew: AWS matched this very network before, with the same
    /// profiles taking part on the same subnets and tables.
    pub(super) fn tell_drift(&mut self, profiles: &[ResolvedProfile<'_>]) {
        let mut hash = Sha256::new();
        hash.update(self.network.fingerprint());
        for resolved in profiles {
            hash.update(format!(
                "\0{}\0{:?}\0{:?}",
                resolved.key(),
                resolved.standing,
                resolved.tables
            ));
        }
        self.fingerprint = hex::encode(&hash.finalize()[..16]);
        self.drifting = self.history.network_in_force.as_ref() == Some(&self.fingerprint);
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

    /// What is planned so far, in order.
    pub(super) fn actions(&self) -> &[PlannedAction] {
        &self.actions
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
        self.findings.push(Finding {
            concern,
            scope,
            weight: Weight::Blocks,
            reason,
            message,
            symptom,
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
        self.findings.push(Finding {
            concern,
            scope,
            weight,
            reason,
            message,
            symptom: None,
        });
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
    /// was adopted or is to be retained, takes our tags off.
    pub(super) fn let_go(
        &mut self,
        id: &str,
        key: &ResourceKey,
        tags: &Tags,
        reason: &str,
        deletion: impl FnOnce(&mut Self) -> PlannedAction,
    ) {
        let retained = self.retains();
        if !is_adopted(tags) && !retained {
            let planned = deletion(self);
            self.act(planned.about(key).deleting());
            return;
        }
        let mut before = None;
        if !is_adopted(tags) {
            let left = Tags::from([(TAG_RETAINED_FROM.to_owned(), self.network.vpc.ownership.retained_from())]);
            let action = Action::CreateTags {
                resource: id.to_owned(),
                tags: left,
            };
            let why = format!("{reason}; deletionPolicy is Retain");
            before = Some(self.act(PlannedAction::new(action, Serves::Vpc, why).about(key).deleting()));
        }
        let keys = [TAG_ADOPTED, TAG_CLUSTER, TAG_RESOURCE, TAG_VPC]
            .map(str::to_owned)
            .to_vec();
        let action = Action::DeleteTags {
            resource: id.to_owned(),
            keys,
        };
        let why = if retained && !is_adopted(tags) {
            format!("{reason}; deletionPolicy is Retain")
        } else {
            format!("{reason}; it was adopted, so it is released")
        };
        self.act(
            PlannedAction::new(action, Serves::Vpc, why)
                .about(key)
                .deleting()
                .after(before),
        );
    }

    /// Everything that is ours in the VPC, what is being deleted included.
    fn owned(&self) -> BTreeMap<String, ResourceKey> {
        let ownership = &self.network.vpc.ownership;
        let endpoints = self
            .snapshot
            .vpc_endpoints
            .iter()
            .filter(|endpoint| endpoint.endpoint_state() != EndpointState::Deleted)
            .map(|endpoint| (endpoint.vpc_endpoint_id.to_string(), &endpoint.tags));
        let groups = self
            .snapshot
            .security_groups
            .values()
            .map(|group| (group.group_id.to_string(), &group.tags));
        let nat_gateways = self
            .snapshot
            .nat_gateways
            .values()
            .filter(|nat| !nat.is_gone())
            .map(|nat| (nat.nat_gateway_id.to_string(), &nat.tags));
        let addresses = self
            .snapshot
            .addresses
            .values()
            .map(|address| (address.allocation_id.to_string(), &address.tags));
        let flow_logs = self
            .snapshot
            .flow_logs
            .values()
            .map(|log| (log.flow_log_id.to_string(), &log.tags));
        endpoints
            .chain(groups)
            .chain(nat_gateways)
            .chain(addresses)
            .chain(flow_logs)
            .filter_map(|(id, tags)| Some((id, ownership.key_of(&tags_of(tags))?)))
            .collect()
    }

    pub(super) fn finish(mut self, profiles: &[ResolvedProfile<'_>]) -> Plan {
        self.findings.sort();
        self.findings.dedup();
        self.resources.sort_by(|a, b| (&a.type_, &a.id).cmp(&(&b.type_, &b.id)));
        self.resources.dedup();
        let owned = self.owned();
        let vpc_configs = profiles
            .iter()
            .map(|resolved| (resolved.key().clone(), self.vpc_configs(resolved)))
            .collect();
        Plan {
            vpc_configs,
            contributing: profiles
                .iter()
                .filter(|resolved| resolved.standing == Standing::TakesPart)
                .map(|resolved| resolved.key().clone())
                .collect(),
            leftover: owned.values().filter_map(|key| key.profile().cloned()).collect(),
            owned,
            actions: self.actions,
            findings: self.findings,
            resources: self.resources,
            fingerprint: self.fingerprint,
            package_repositories: self.package_repositories,
            monthly_cost: self.monthly_cost,
            held: None,
            approved: None,
        }
    }

    fn vpc_configs(&self, resolved: &ResolvedProfile<'_>) -> Vec<VpcConfig> {
        let subnets: Vec<_> = resolved.subnets.iter().map(|subnet| subnet.subnet_id.clone()).collect();
        let known = self.groups_of.get(resolved.key());
        (0..resolved.profile().workloads.len())
            .map(|index| VpcConfig {
                subnets: subnets.clone(),
                security_group_ids: known
                    .and_then(|groups| groups.get(index))
                    .map(|ids| ids.iter().cloned().collect())
                    .unwrap_or_default(),
            })
            .collect()
    }
}
