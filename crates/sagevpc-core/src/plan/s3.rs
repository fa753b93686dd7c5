//! The gateway endpoint for S3: one of ours for the route tables that no other
//! serves.

mod change;
mod express;
mod others;
mod served;
mod whose;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    change::modify,
    others::{takes_more, who_lacks},
    whose::{CONCERN, Endpoints, KEY},
};
pub(super) use self::{express::plan as plan_express, served::Served, whose::why_claimed};
use super::{Action, ActionId, PlannedAction, Serves, Target, disruption, draft::Draft, judge, keeping};
use crate::{
    api::{AcceptUnknown, Reason, ResourceOwnership},
    catalog::{Symptom, is_bucket_of_aws},
    desired::{KeptOfPolicy, S3Policy},
    observed::{RouteTarget, Stage, VpcEndpoint, VpcSnapshot, tags_of},
    plan::{
        VpcEndpointChange,
        kept::HeldThing,
        resolved::{ResolvedProfile, Standing},
    },
    report::{Finding, Lack, Scope, Weight},
    types::{BucketUse, ProfileKey, ResourceKey, RouteTableId, has_tags, listed},
    validate::Choice,
};

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Served {
    let sorted = Endpoints::sort(draft);
    let served = sorted.served_by_others();
    let taking_part: Vec<&ResolvedProfile<'_>> = using_s3(profiles).collect();
    let needed = needed_tables(draft, &taking_part, &served);
    judge_others(draft, &taking_part, &served);

    let in_effect: BTreeSet<&ProfileKey> = profiles
        .iter()
        .filter(|resolved| resolved.standing != Standing::Out)
        .map(ResolvedProfile::key)
        .collect();
    let kept = sorted.ours.first().map(|endpoint| kept_of_policy(draft, endpoint));
    let policy = draft.network.s3_policy(&in_effect, &kept.unwrap_or_default());
    let package_repositories = policy.package_repositories;
    if policy.is_custom {
        judge_custom(draft, &taking_part, &policy, &needed);
    }
    let tables_kept = draft.keeping.tables(draft.snapshot);

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
                made_by = create(draft, &sorted, policy, needed, &taking_part);
                made_by.map(|_| Target::Made(KEY))
            }
        },
        [kept, spare @ ..] => {
            for endpoint in spare {
                let_go(
                    draft,
                    &KEY,
                    endpoint,
                    "a second endpoint for the same purpose is not needed",
                );
            }
            let on_it = kept.route_table_ids.iter().filter(|table| tables_kept.contains(*table));
            let needed: BTreeSet<RouteTableId> = needed.into_iter().chain(on_it.cloned()).collect();
            if needed.is_empty() && !draft.keeping.is_everything() {
                let_go(draft, &KEY, kept, "no profile needs the endpoint any more");
                None
            } else {
                keep(draft, kept, &policy, needed);
                existing(kept)
            }
        }
    };
    Served {
        by_others,
        by_ours,
        made_by,
        package_repositories,
    }
}

/// The profiles with workloads that reach S3 through the VPC.
pub(super) fn using_s3<'p, 'a>(profiles: &'p [ResolvedProfile<'a>]) -> impl Iterator<Item = &'p ResolvedProfile<'a>> {
    let taking_part = profiles.iter().filter(|resolved| resolved.takes_part());
    taking_part.filter(|resolved| !resolved.network.demands.of_s3().is_empty())
}

/// The workloads of a profile that reach S3 through the VPC.
fn scope(resolved: &ResolvedProfile<'_>) -> Scope {
    resolved.scope_of(&resolved.network.demands.of_s3())
}

/// What of the endpoint's policy stays for profiles that have no say at present:
/// what they relied on, as far as it is still granted.
fn kept_of_policy(draft: &Draft<'_>, endpoint: &VpcEndpoint) -> KeptOfPolicy {
    let vpc = &draft.network.vpc;
    let holds = |bucket: Option<&BucketUse>| match bucket {
        Some(bucket) => keeping::is_still_granted(draft, HeldThing::Bucket(bucket), |granted| {
            // Those of presets need no grant: they are AWS's own, and only read.
            granted.has_bucket(&bucket.name) || is_bucket_of_aws(&bucket.name)
        }),
        None => draft.keeping.has(HeldThing::PackageRepositories),
    };
    endpoint
        .policy()
        .map(|policy| KeptOfPolicy::of(&policy, &vpc.region, holds))
        .unwrap_or_default()
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
                Finding::new(CONCERN, scope(resolved), Reason::RouteTableNotOffered, message)
                    .about(table)
                    .lacking(Lack::S3Route(Some(table.clone())))
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
    let Some(RouteTarget::VpcEndpoint(endpoint)) = route.target() else {
        return None;
    };
    let is_seen = snapshot
        .vpc_endpoints
        .iter()
        .any(|seen| seen.vpc_endpoint_id.as_str() == endpoint);
    (!is_seen).then(|| endpoint.to_owned())
}

fn report_unseen(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, endpoint: &str) {
    draft.list("VpcEndpoint", endpoint, "S3".to_owned(), ResourceOwnership::Found);
    let accepted = draft.network.vpc.accept_unknown.contains(&AcceptUnknown::SharedVpc);
    let weight = if accepted { Weight::Advice } else { Weight::Unknown };
    let message = format!(
        "S3 is reached through endpoint {endpoint} of the VPC's owner, and only the owner sees its state and policy: set \
         spec.credentials.network to a role of the owner's account, or list SharedVpc in spec.acceptUnknown.",
    );
    let finding = Finding::new(CONCERN, scope(resolved), Reason::SharedVpc, message);
    draft.push(finding.weighing(weight).lacking(Lack::Endpoint(endpoint.into())));
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
            judge_state(draft, endpoint, scope(resolved));
            let fix = format!("Its owners must change it, or let sagevpc: list {id} in spec.adopt.");
            match endpoint.policy() {
                Ok(policy) => {
                    let where_ = format!("The policy of S3 endpoint {id}");
                    for finding in judge::endpoint_policy(draft, &policy, resolved, &where_, Some(id), &fix) {
                        draft.push(finding);
                    }
                }
                Err(problem) => {
                    let message = format!("The policy of S3 endpoint {id} cannot be read: {problem}. {fix}");
                    draft.push(Finding::new(CONCERN, scope(resolved), Reason::InvalidPolicy, message).about(id));
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
        for finding in judge::endpoint_policy(draft, &policy.document, resolved, &where_, None, fix) {
            draft.push(finding);
        }
    }
}

fn judge_state(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, scope: Scope) {
    let id = &endpoint.vpc_endpoint_id;
    let (reason, message) = match endpoint.stage() {
        Stage::Available => return,
        Stage::Pending => (
            Reason::Waiting,
            format!("S3 endpoint {id} is {}: AWS is still setting it up.", endpoint.state),
        ),
        Stage::Deleting | Stage::Deleted => (Reason::Waiting, format!("S3 endpoint {id} is {}.", endpoint.state)),
        Stage::Failed => (
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
            .lacking(Lack::Endpoint(id.clone()))
            .showing(Symptom::NoWayToS3),
    );
}

fn create(
    draft: &mut Draft<'_>,
    sorted: &Endpoints<'_>,
    policy: S3Policy,
    needed: BTreeSet<RouteTableId>,
    taking_part: &[&ResolvedProfile<'_>],
) -> Option<ActionId> {
    // A table takes one route to S3, and an endpoint many tables: its owners are told.
    if needed.is_empty() || takes_more(draft, sorted, taking_part, &needed) {
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
                .lacking(Lack::Endpoint(leaving.vpc_endpoint_id.clone()))
                .lacking(Lack::S3Route(None))
                .showing(Symptom::NoWayToS3),
        );
        return None;
    }
    if let Some(id) = draft.not_visible_yet(&KEY) {
        let message = format!("AWS made S3 endpoint {id} and does not show it yet; this takes seconds.");
        let finding = Finding::new(CONCERN, Scope::Vpc, Reason::Waiting, message);
        draft.push(finding.about(id).lacking(Lack::S3Route(None)));
        return None;
    }
    if let Some(unclear) = draft.claims.unclear(&KEY) {
        let finding = Finding::new(CONCERN, Scope::Vpc, Reason::OwnershipUnclear, unclear);
        draft.push(finding.lacking(Lack::S3Route(None)).showing(Symptom::NoWayToS3));
        return None;
    }
    let Some(service_name) = draft.snapshot.s3_service_name() else {
        let message = format!(
            "The gateway service of S3 in {} was not found: allow the controller's role \
             ec2:DescribeVpcEndpointServices, or add VpcEndpointServices.json to the snapshot.",
            draft.network.vpc.region
        );
        let finding = Finding::new(CONCERN, Scope::Vpc, Reason::S3EndpointMissing, message);
        draft.push(finding.lacking(Lack::S3Route(None)).showing(Symptom::NoWayToS3));
        return None;
    };
    let lacking = who_lacks(taking_part, &needed);
    let route_tables: Vec<RouteTableId> = needed.into_iter().collect();
    let disruption = disruption::of_new_s3_route(draft.snapshot, draft.snapshot.s3_prefix_list(), &route_tables);
    let action = Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
        key: KEY,
        vpc: draft.network.vpc.vpc_id.clone(),
        service_name: service_name.to_owned(),
        route_tables,
        policy: policy.document,
        tags: draft.tags_for(&KEY),
    });
    let planned = PlannedAction::new(action, Serves::Vpc, format!("{lacking} no route to S3 inside AWS"));
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
    modify(draft, &KEY, endpoint, &policy.document, needed, true, Some(adoption));
}

fn keep(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, policy: &S3Policy, needed: BTreeSet<RouteTableId>) {
    let id = endpoint.vpc_endpoint_id.as_str();
    let tags = tags_of(&endpoint.tags);
    draft.list_ours("VpcEndpoint", id, "S3".to_owned());
    judge_state(draft, endpoint, Scope::Vpc);
    draft.keep_tags(id, &KEY, Serves::Vpc, &tags);
    let is_adopted = draft.claims.is_adopted(id);
    modify(draft, &KEY, endpoint, &policy.document, &needed, is_adopted, None);
}

fn let_go(draft: &mut Draft<'_>, key: &ResourceKey, endpoint: &VpcEndpoint, reason: &str) {
    let snapshot = draft.snapshot;
    draft.let_go(endpoint.vpc_endpoint_id.as_str(), key, reason, |_| {
        let action = Action::VpcEndpoint(VpcEndpointChange::Delete {
            id: endpoint.vpc_endpoint_id.clone(),
        });
        PlannedAction::new(action, Serves::Vpc, reason)
            .disrupting(disruption::of_lost_s3_route(snapshot, &endpoint.route_table_ids))
    });
}
