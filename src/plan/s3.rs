//! The gateway endpoint for S3: one of ours for the route tables that no other
//! serves.

mod served;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use served::Served;

use super::{
    Action, ActionId, Concern, Disruption, Finding, PlannedAction, Scope, Serves, Target, Weight, disruption,
    draft::Draft,
    judge,
    loosening::only_loosens,
    resolve::{ResolvedProfile, Standing, has_tags},
};
use crate::{
    api::{AcceptUnknown, Reason, ResourceOwnership},
    catalog::Symptom,
    desired::{S3Policy, full_access},
    observed::{EndpointState, VpcEndpoint, VpcSnapshot, tags_of},
    policy::{PolicyDocument, same_meaning},
    types::{ProfileKey, ResourceKey, RouteTableId, TAG_CLUSTER, Tags, VpcEndpointId, is_adopted, listed},
    validate::Choice,
};

const KEY: ResourceKey = ResourceKey::S3GatewayEndpoint;
const CONCERN: Concern = Concern::S3;

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Served {
    let sorted = Endpoints::sort(draft);
    let served = sorted.served_by_others();
    let taking_part: Vec<&ResolvedProfile<'_>> = profiles.iter().filter(|resolved| resolved.takes_part()).collect();
    let needed = needed_tables(draft, &taking_part, &served);
    judge_others(draft, &taking_part, &served);

    let in_effect: BTreeSet<&ProfileKey> = profiles
        .iter()
        .filter(|resolved| resolved.standing != Standing::Out)
        .map(ResolvedProfile::key)
        .collect();
    let policy = draft.network.s3_policy(&in_effect);
    draft.package_repositories = policy.package_repositories;
    if policy.is_custom {
        judge_custom(draft, &taking_part, &policy, &needed);
    }
    let frozen =
        !draft.network.frozen.is_empty() || profiles.iter().any(|resolved| resolved.standing == Standing::Kept);

    let by_others = served
        .iter()
        .map(|(table, endpoint)| (table.clone(), endpoint.vpc_endpoint_id.clone()))
        .collect();
    let existing = |endpoint: &VpcEndpoint| Some(Target::Existing(endpoint.vpc_endpoint_id.clone()));
    let mut made_by = None;
    let by_ours = match sorted.ours.as_slice() {
        [] => match sorted.to_adopt.first() {
            Some(endpoint) if !needed.is_empty() => {
                take_over(draft, endpoint, &policy, &needed);
                existing(endpoint)
            }
            Some(_) | None => {
                made_by = create(draft, &sorted, policy, needed);
                made_by.map(|_| Target::Made(KEY))
            }
        },
        [kept, spare @ ..] => {
            for endpoint in spare {
                let_go(draft, endpoint, "a second endpoint for the same purpose is not needed");
            }
            if needed.is_empty() && !frozen {
                let_go(draft, kept, "no profile needs the endpoint any more");
                None
            } else {
                keep(draft, kept, &policy, needed, frozen);
                existing(kept)
            }
        }
    };
    Served {
        by_others,
        by_ours,
        made_by,
    }
}

/// The VPC's S3 gateway endpoints, by whose they are.
struct Endpoints<'a> {
    ours: Vec<&'a VpcEndpoint>,
    /// Ours, on its way out.
    ours_leaving: Vec<&'a VpcEndpoint>,
    to_adopt: Vec<&'a VpcEndpoint>,
    others: Vec<&'a VpcEndpoint>,
}

impl<'a> Endpoints<'a> {
    fn sort(draft: &mut Draft<'a>) -> Self {
        let vpc = &draft.network.vpc;
        let mut sorted = Self {
            ours: Vec::new(),
            ours_leaving: Vec::new(),
            to_adopt: Vec::new(),
            others: Vec::new(),
        };
        for endpoint in draft.snapshot.s3_gateway_endpoints() {
            let tags = tags_of(&endpoint.tags);
            let is_ours = vpc.ownership.key_of(&tags) == Some(KEY);
            match endpoint.endpoint_state() {
                EndpointState::Deleted => {}
                EndpointState::Deleting if is_ours => sorted.ours_leaving.push(endpoint),
                EndpointState::Deleting => {}
                EndpointState::Available | EndpointState::Pending | EndpointState::Failed if is_ours => {
                    sorted.ours.push(endpoint);
                }
                EndpointState::Available | EndpointState::Pending | EndpointState::Failed => {
                    let is_claimed = tags.contains_key(TAG_CLUSTER) || endpoint.requester_managed;
                    if vpc.adopt_endpoints.contains(&endpoint.vpc_endpoint_id) && !is_claimed {
                        sorted.to_adopt.push(endpoint);
                    } else {
                        sorted.others.push(endpoint);
                    }
                }
            }
        }
        // Should there be two, the adopted one stays: others may rely on it.
        sorted
            .ours
            .sort_by_key(|endpoint| (!is_adopted(&tags_of(&endpoint.tags)), endpoint.vpc_endpoint_id.clone()));
        sorted.settle_adoption(draft);
        sorted
    }

    /// Of those to adopt, one becomes the VPC's endpoint, unless it has one. The
    /// others are used as they are.
    fn settle_adoption(&mut self, draft: &mut Draft<'a>) {
        let adoptable = usize::from(self.ours.is_empty()).min(self.to_adopt.len());
        self.others.extend(self.to_adopt.split_off(adoptable));
        let vpc = &draft.network.vpc;
        let kept: Vec<&VpcEndpointId> = self
            .ours
            .iter()
            .chain(&self.to_adopt)
            .map(|endpoint| &endpoint.vpc_endpoint_id)
            .collect();
        for id in vpc
            .adopt_endpoints
            .iter()
            .filter(|id| !vpc.deleting && !kept.contains(id))
            .filter(|id| !is_interface_endpoint(draft.snapshot, id))
        {
            let message = why_not_adopted(draft.snapshot, id, &kept);
            draft.push(Finding::new(Concern::Accepted, Scope::SageMakerVpc, Reason::CannotAdopt, message).about(id));
        }
    }

    /// The tables that endpoints of others serve, each with its endpoint.
    fn served_by_others(&self) -> BTreeMap<RouteTableId, &'a VpcEndpoint> {
        self.others
            .iter()
            .filter(|endpoint| endpoint.endpoint_state() != EndpointState::Failed)
            .flat_map(|endpoint| endpoint.route_table_ids.iter().map(|table| (table.clone(), *endpoint)))
            .collect()
    }
}

/// Why an endpoint that `spec.adopt` lists is somebody else's for good, if so.
pub(super) fn why_claimed(endpoint: &VpcEndpoint) -> Option<String> {
    let id = &endpoint.vpc_endpoint_id;
    if let Some(cluster) = tags_of(&endpoint.tags).get(TAG_CLUSTER) {
        return Some(format!(
            "{id}, listed in spec.adopt, is managed from another SageMakerVpc or cluster: its tag {TAG_CLUSTER} is \
             {cluster}. It is used as it is; remove the id from spec.adopt, or have it released there first."
        ));
    }
    endpoint.requester_managed.then(|| {
        format!(
            "{id}, listed in spec.adopt, is managed by another AWS service. It is used as it is; remove the id from \
             spec.adopt."
        )
    })
}

/// Whether the id is that of an interface endpoint, which is settled where
/// these are planned.
fn is_interface_endpoint(snapshot: &VpcSnapshot, id: &VpcEndpointId) -> bool {
    let mut endpoints = snapshot.vpc_endpoints.iter();
    endpoints.any(|endpoint| endpoint.vpc_endpoint_id == *id && endpoint.is_interface())
}

/// Why an endpoint that `spec.adopt` lists is not managed, and what to do.
fn why_not_adopted(snapshot: &VpcSnapshot, id: &VpcEndpointId, kept: &[&VpcEndpointId]) -> String {
    let found = snapshot
        .vpc_endpoints
        .iter()
        .find(|endpoint| endpoint.vpc_endpoint_id == *id && endpoint.endpoint_state() != EndpointState::Deleted);
    let Some(endpoint) = found else {
        return format!(
            "{id}, listed in spec.adopt, is no endpoint of {}: correct the id, or remove it.",
            snapshot.vpc.vpc_id
        );
    };
    if !snapshot.s3_gateway_endpoints().any(|s3| s3.vpc_endpoint_id == *id) {
        return format!(
            "{id}, listed in spec.adopt, is an endpoint for {}, and only interface endpoints and a gateway endpoint for \
             S3 can be adopted. Remove the id from spec.adopt.",
            endpoint.service_name
        );
    }
    if let Some(message) = why_claimed(endpoint) {
        return message;
    }
    format!(
        "{id} is listed in spec.adopt, and the VPC has {} as its S3 endpoint already: one is managed. Remove the id \
         from spec.adopt; the endpoint is used as it is.",
        listed(kept)
    )
}

/// The tables that an endpoint of ours must be on: those of the subnets in use,
/// as far as they are offered and no other endpoint serves them.
fn needed_tables(
    draft: &mut Draft<'_>,
    taking_part: &[&ResolvedProfile<'_>],
    served: &BTreeMap<RouteTableId, &VpcEndpoint>,
) -> BTreeSet<RouteTableId> {
    let mut needed = BTreeSet::new();
    for resolved in taking_part {
        for (table, subnets) in resolved.tables.iter().filter(|(table, _)| !served.contains_key(*table)) {
            if let Some(endpoint) = unseen_endpoint(draft.snapshot, table) {
                report_unseen(draft, resolved, &endpoint);
                continue;
            }
            if is_offered(draft, table) {
                needed.insert(table.clone());
                continue;
            }
            let message = format!(
                "Subnet {} routes through {table}, which spec.routeTables of SageMakerVpc {} does not offer, so no S3 \
                 endpoint can be put on it: offer the table, or choose other subnets.",
                listed(subnets),
                draft.network.vpc.ownership.vpc
            );
            draft.push(
                Finding::new(CONCERN, resolved.scope(), Reason::RouteTableNotOffered, message)
                    .about(table)
                    .showing(Symptom::NoWayToS3),
            );
        }
    }
    needed
}

/// The endpoint that a shared VPC's table leads to S3 by. A participant sees the
/// owner's routes, and not the owner's endpoints.
fn unseen_endpoint(snapshot: &VpcSnapshot, table: &RouteTableId) -> Option<String> {
    snapshot.foreign_owner()?;
    let s3 = &snapshot.s3_prefix_list()?.prefix_list_id;
    let routes = &snapshot.route_tables.get(table)?.routes;
    let route = routes
        .iter()
        .find(|route| route.is_active() && route.destination_prefix_list_id.as_ref() == Some(s3))?;
    let endpoint = route.gateway_id.clone()?;
    let is_seen = snapshot
        .vpc_endpoints
        .iter()
        .any(|seen| seen.vpc_endpoint_id.as_str() == endpoint);
    (!is_seen).then_some(endpoint)
}

fn report_unseen(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, endpoint: &str) {
    draft.list("VpcEndpoint", endpoint, "S3".to_owned(), ResourceOwnership::Found);
    let accepted = draft.network.vpc.accept_unknown.contains(&AcceptUnknown::SharedVpc);
    let weight = if accepted { Weight::Advice } else { Weight::Unknown };
    let message = format!(
        "S3 is reached through endpoint {endpoint} of the VPC's owner, and only the owner sees its state and policy: set \
         spec.credentials.network to a role of the owner's account, or list SharedVpc in spec.acceptUnknown.",
    );
    draft.find_weighing(weight, CONCERN, resolved.scope(), Reason::SharedVpc, message);
}

pub(super) fn is_offered(draft: &Draft<'_>, table: &RouteTableId) -> bool {
    match &draft.network.vpc.route_tables {
        None => true,
        Some(Choice::Ids(ids)) => ids.contains(table),
        Some(Choice::Tags(wanted)) => draft
            .snapshot
            .route_tables
            .get(table)
            .is_some_and(|found| has_tags(&tags_of(&found.tags), wanted)),
    }
}

/// Endpoints of others are used as they are, and judged.
fn judge_others(
    draft: &mut Draft<'_>,
    taking_part: &[&ResolvedProfile<'_>],
    served: &BTreeMap<RouteTableId, &VpcEndpoint>,
) {
    for resolved in taking_part {
        let used: BTreeMap<_, &VpcEndpoint> = resolved
            .tables
            .keys()
            .filter_map(|table| served.get(table))
            .map(|endpoint| (&endpoint.vpc_endpoint_id, *endpoint))
            .collect();
        for endpoint in used.into_values() {
            let id = &endpoint.vpc_endpoint_id;
            draft.list("VpcEndpoint", id.as_str(), "S3".to_owned(), ResourceOwnership::Found);
            judge_state(draft, endpoint, resolved.scope());
            let fix = format!("Its owners must change it, or let sagevpc: list {id} in spec.adopt.");
            match policy_of(endpoint) {
                Ok(policy) => {
                    let where_ = format!("The policy of S3 endpoint {id}");
                    let region = &draft.network.vpc.region;
                    for finding in judge::endpoint_policy(&policy, resolved, region, &where_, Some(id), &fix) {
                        draft.push(finding);
                    }
                }
                Err(problem) => {
                    let message = format!("The policy of S3 endpoint {id} cannot be read: {problem}. {fix}");
                    draft.push(Finding::new(CONCERN, resolved.scope(), Reason::InvalidPolicy, message).about(id));
                }
            }
        }
    }
}

/// A document of the user's own is put in force as it is, and judged.
fn judge_custom(
    draft: &mut Draft<'_>,
    taking_part: &[&ResolvedProfile<'_>],
    policy: &S3Policy,
    needed: &BTreeSet<RouteTableId>,
) {
    let vpc = &draft.network.vpc;
    let where_ = format!("spec.s3.policy.document of SageMakerVpc {}", vpc.ownership.vpc);
    let fix = "Change the document, or use type: Buckets.";
    for resolved in taking_part
        .iter()
        .filter(|resolved| resolved.tables.keys().any(|table| needed.contains(table)))
    {
        for finding in judge::endpoint_policy(&policy.document, resolved, &vpc.region, &where_, None, fix) {
            draft.push(finding);
        }
    }
}

fn judge_state(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, scope: Scope) {
    let id = &endpoint.vpc_endpoint_id;
    let (reason, message) = match endpoint.endpoint_state() {
        EndpointState::Available => return,
        EndpointState::Pending => (
            Reason::Waiting,
            format!("S3 endpoint {id} is {}: AWS is still setting it up.", endpoint.state),
        ),
        EndpointState::Deleting | EndpointState::Deleted => {
            (Reason::Waiting, format!("S3 endpoint {id} is {}.", endpoint.state))
        }
        EndpointState::Failed => (
            Reason::S3EndpointUnavailable,
            format!(
                "S3 endpoint {id} is {}: delete it, so that a new one can be made.",
                endpoint.state
            ),
        ),
    };
    draft.push(
        Finding::new(CONCERN, scope, reason, message)
            .about(id)
            .showing(Symptom::NoWayToS3),
    );
}

/// The endpoint's policy; EC2 gives an endpoint without one full access.
fn policy_of(endpoint: &VpcEndpoint) -> Result<PolicyDocument, crate::policy::PolicyError> {
    match &endpoint.policy_document {
        Some(text) => text.parse(),
        None => Ok(full_access()),
    }
}

fn create(
    draft: &mut Draft<'_>,
    sorted: &Endpoints<'_>,
    policy: S3Policy,
    needed: BTreeSet<RouteTableId>,
) -> Option<ActionId> {
    if needed.is_empty() {
        return None;
    }
    if let Some(leaving) = sorted.ours_leaving.first() {
        let message = format!(
            "S3 endpoint {} is still being deleted, and its routes with it: a new one follows once it is gone.",
            leaving.vpc_endpoint_id
        );
        draft.push(
            Finding::new(CONCERN, Scope::Vpc, Reason::Waiting, message)
                .about(&leaving.vpc_endpoint_id)
                .showing(Symptom::NoWayToS3),
        );
        return None;
    }
    if let Some(id) = draft.history.not_visible_yet(&KEY) {
        let message = format!("AWS made S3 endpoint {id} and does not show it yet; this takes seconds.");
        draft.push(Finding::new(CONCERN, Scope::Vpc, Reason::Waiting, message).about(id));
        return None;
    }
    let Some(service_name) = draft.snapshot.s3_service_name() else {
        let message = format!(
            "The gateway service of S3 in {} was not found: allow the controller's role \
             ec2:DescribeVpcEndpointServices, or add VpcEndpointServices.json to the snapshot.",
            draft.network.vpc.region
        );
        draft.find(
            CONCERN,
            Scope::Vpc,
            Reason::S3EndpointMissing,
            Some(Symptom::NoWayToS3),
            message,
        );
        return None;
    };
    let route_tables: Vec<RouteTableId> = needed.into_iter().collect();
    let disruption = disruption::of_new_s3_route(draft.snapshot, &route_tables);
    let action = Action::CreateVpcEndpoint {
        key: KEY,
        vpc: draft.network.vpc.vpc_id.clone(),
        service_name: service_name.to_owned(),
        route_tables,
        policy: policy.document,
        tags: draft.tags_for(&KEY),
    };
    let planned = PlannedAction::new(action, Serves::Vpc, "the subnets in use have no route to S3 inside AWS");
    let planned = planned
        .blocking(CONCERN)
        .symptom(Symptom::NoWayToS3)
        .disrupting(disruption);
    Some(draft.act(planned))
}

fn take_over(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, policy: &S3Policy, needed: &BTreeSet<RouteTableId>) {
    let id = endpoint.vpc_endpoint_id.as_str();
    draft.list("VpcEndpoint", id, "S3".to_owned(), ResourceOwnership::Found);
    let adoption = draft.adopt(id, &KEY, Serves::Vpc, CONCERN);
    judge_state(draft, endpoint, Scope::Vpc);
    modify(draft, endpoint, policy, needed, true, Some(adoption));
}

fn keep(
    draft: &mut Draft<'_>,
    endpoint: &VpcEndpoint,
    policy: &S3Policy,
    needed: BTreeSet<RouteTableId>,
    frozen: bool,
) {
    let id = endpoint.vpc_endpoint_id.as_str();
    let tags = tags_of(&endpoint.tags);
    let adopted = is_adopted(&tags);
    let ownership = if adopted {
        ResourceOwnership::Adopted
    } else {
        ResourceOwnership::Ours
    };
    draft.list("VpcEndpoint", id, "S3".to_owned(), ownership);
    judge_state(draft, endpoint, Scope::Vpc);
    draft.keep_tags(id, &KEY, Serves::Vpc, &tags);
    modify(draft, endpoint, policy, &needed, adopted || frozen, None);
}

/// Changes policy and tables in as few calls as safety allows: what is added
/// comes first, and what is taken away only after it, held by itself where it
/// could hit others.
fn modify(
    draft: &mut Draft<'_>,
    endpoint: &VpcEndpoint,
    policy: &S3Policy,
    needed: &BTreeSet<RouteTableId>,
    keeps_other_tables: bool,
    earlier: Option<ActionId>,
) {
    let snapshot = draft.snapshot;
    let present: BTreeSet<RouteTableId> = endpoint.route_table_ids.iter().cloned().collect();
    let add: Vec<RouteTableId> = needed.difference(&present).cloned().collect();
    let remove: Vec<RouteTableId> = if keeps_other_tables {
        Vec::new()
    } else {
        present.difference(needed).cloned().collect()
    };
    let current = policy_of(endpoint).ok();
    let is_same = current
        .as_ref()
        .is_some_and(|current| same_meaning(current, &policy.document));
    let new_policy = (!is_same).then(|| policy.document.clone());
    // Whoever reaches something today still does where more is let through.
    let only_loosens = match &current {
        Some(current) => only_loosens(current, &policy.document),
        None => same_meaning(&policy.document, &full_access()),
    };

    let of_policy = new_policy
        .as_ref()
        .filter(|_| !only_loosens)
        .and_then(|_| disruption::of_policy_change(snapshot, &endpoint.route_table_ids));
    let of_add = (!add.is_empty())
        .then(|| disruption::of_new_s3_route(snapshot, &add))
        .flatten();
    let of_remove = (!remove.is_empty())
        .then(|| disruption::of_lost_s3_route(snapshot, &remove))
        .flatten();

    let mut call = |policy: Option<PolicyDocument>, add: Vec<RouteTableId>, remove: Vec<RouteTableId>, hit| {
        if policy.is_none() && add.is_empty() && remove.is_empty() {
            return;
        }
        let blocks = policy.is_some() || !add.is_empty();
        let mut reasons = Vec::new();
        if policy.is_some() {
            reasons.push("the endpoint's policy is not the one declared");
        }
        if !add.is_empty() {
            reasons.push("subnets in use have no route to the endpoint");
        }
        if !remove.is_empty() {
            reasons.push("no subnet in use has these route tables");
        }
        let action = Action::ModifyVpcEndpoint {
            id: endpoint.vpc_endpoint_id.clone(),
            policy,
            add_route_tables: add,
            remove_route_tables: remove,
        };
        let mut planned = PlannedAction::new(action, Serves::Vpc, reasons.join("; "))
            .about(&KEY)
            .after(earlier)
            .disrupting(hit);
        if blocks {
            planned = planned.blocking(CONCERN).symptom(Symptom::NoWayToS3);
        } else {
            planned = planned.closing_access();
        }
        draft.act(planned);
    };

    // EC2 allows 0.3 of these calls a second, so what hits nobody is one call,
    // and each part that may have to wait for a person is one by itself.
    let apart = |hit: &Option<Disruption>| hit.is_some();
    call(
        new_policy.clone().filter(|_| !apart(&of_policy)),
        if apart(&of_add) { Vec::new() } else { add.clone() },
        if apart(&of_remove) { Vec::new() } else { remove.clone() },
        None,
    );
    if apart(&of_add) {
        call(None, add, Vec::new(), of_add);
    }
    if apart(&of_policy) {
        call(new_policy, Vec::new(), Vec::new(), of_policy);
    }
    if apart(&of_remove) {
        call(None, Vec::new(), remove, of_remove);
    }
}

fn let_go(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, reason: &str) {
    let tags: Tags = tags_of(&endpoint.tags);
    let snapshot = draft.snapshot;
    draft.let_go(endpoint.vpc_endpoint_id.as_str(), &KEY, &tags, reason, |_| {
        let action = Action::DeleteVpcEndpoint {
            id: endpoint.vpc_endpoint_id.clone(),
        };
        PlannedAction::new(action, Serves::Vpc, reason)
            .disrupting(disruption::of_lost_s3_route(snapshot, &endpoint.route_table_ids))
    });
}
