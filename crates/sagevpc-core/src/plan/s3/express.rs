//! The gateway endpoint for S3's directory buckets (S3 Express One Zone), which
//! have addresses and a service of their own. It is made only where a profile
//! names such a bucket, on those tables on which S3 itself goes by an endpoint of
//! ours: where others see to S3, they see to this as well, and reachability judges
//! what is there.
//!
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-az-networking.html>.

use std::collections::BTreeSet;

use super::{Served, change::modify, is_offered, judge_state, let_go, using_s3, whose::CONCERN};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::{S3_EXPRESS, SESSION_OF_DIRECTORY_BUCKETS, Symptom, directory_bucket_arn, is_directory_bucket},
    observed::{Stage, VpcEndpoint, tags_of},
    plan::{
        Action, PlannedAction, Serves, VpcEndpointChange, disruption, draft::Draft, keeping, kept::HeldThing,
        resolved::ResolvedProfile,
    },
    report::{Finding, Lack, Scope},
    types::{BucketAccess, BucketUse, ResourceKey, RouteTableId, listed},
    validate::EndpointPolicy,
};
use iam_policy::{PolicyDocument, ResourceClause, Statement};

const KEY: ResourceKey = ResourceKey::S3ExpressGatewayEndpoint;
/// What lists of resources call it.
const PURPOSE: &str = "S3 Express One Zone";

pub(in crate::plan) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], served: &Served) {
    let snapshot = draft.snapshot;
    let naming: Vec<&ResolvedProfile<'_>> = using_s3(profiles)
        .filter(|resolved| directory_buckets(resolved).next().is_some())
        .collect();
    let mut there: Vec<&VpcEndpoint> = snapshot
        .s3_express_gateway_endpoints()
        .filter(|endpoint| endpoint.is_there())
        .collect();
    there.sort_by_key(|endpoint| &endpoint.vpc_endpoint_id);
    let is_ours = |endpoint: &&VpcEndpoint| draft.claims.key_of(endpoint.vpc_endpoint_id.as_str()) == Some(&KEY);
    let (ours, others): (Vec<&VpcEndpoint>, Vec<&VpcEndpoint>) = there.into_iter().partition(is_ours);

    let by_others: BTreeSet<&RouteTableId> = others
        .iter()
        .filter(|endpoint| endpoint.stage() != Stage::Failed)
        .flat_map(|endpoint| &endpoint.route_table_ids)
        .collect();
    let in_use: BTreeSet<&RouteTableId> = naming.iter().flat_map(|resolved| resolved.tables.keys()).collect();
    for endpoint in others {
        if endpoint.route_table_ids.iter().any(|table| in_use.contains(table)) {
            let id = endpoint.vpc_endpoint_id.as_str();
            draft.list("VpcEndpoint", id, PURPOSE.to_owned(), ResourceOwnership::Found);
        }
    }
    let needed: BTreeSet<RouteTableId> = in_use
        .into_iter()
        .filter(|table| !by_others.contains(table) && !served.by_others.contains_key(*table))
        .filter(|table| is_offered(draft, table))
        .cloned()
        .collect();

    let policy = policy(draft, &naming, ours.first().copied());
    match ours.as_slice() {
        [] if needed.is_empty() => {}
        [] => create(draft, &naming, needed, policy),
        [kept, spare @ ..] => {
            for endpoint in spare {
                let_go(
                    draft,
                    &KEY,
                    endpoint,
                    "a second endpoint for the same purpose is not needed",
                );
            }
            let tables_kept = draft.keeping.tables(snapshot);
            let on_it = kept.route_table_ids.iter().filter(|table| tables_kept.contains(*table));
            let needed: BTreeSet<RouteTableId> = needed.into_iter().chain(on_it.cloned()).collect();
            if needed.is_empty() && !draft.keeping.is_everything() {
                let_go(draft, &KEY, kept, "no profile names a directory bucket any more");
            } else {
                keep(draft, kept, &needed, &policy);
            }
        }
    }
}

/// The directory buckets that a profile names.
fn directory_buckets<'p>(resolved: &'p ResolvedProfile<'_>) -> impl Iterator<Item = &'p str> {
    let buckets = resolved.profile().buckets.keys().map(String::as_str);
    buckets.filter(|name| is_directory_bucket(name))
}

/// What is let through: all of it, where that is so of S3; otherwise sessions
/// with the buckets that profiles name. A document of the user's own is for S3,
/// whose actions are others.
fn policy(draft: &Draft<'_>, naming: &[&ResolvedProfile<'_>], ours: Option<&VpcEndpoint>) -> PolicyDocument {
    let vpc = &draft.network.vpc;
    match &vpc.s3_policy {
        EndpointPolicy::FullAccess => PolicyDocument::full_access(),
        EndpointPolicy::Buckets | EndpointPolicy::Custom(_) => {
            let arn = |bucket: &str| directory_bucket_arn(Some(&vpc.region), bucket);
            let named = naming.iter().flat_map(|resolved| directory_buckets(resolved)).map(arn);
            let current = ours.and_then(|endpoint| endpoint.policy().ok());
            let prefix = arn("");
            let relied_on = |resource: &String| {
                let bucket = resource.strip_prefix(&prefix)?;
                let is_granted = [BucketAccess::ReadOnly, BucketAccess::ReadWrite]
                    .into_iter()
                    .any(|access| {
                        let held = BucketUse::new(bucket, access);
                        keeping::is_still_granted(draft, HeldThing::Bucket(&held), |granted| granted.has_bucket(bucket))
                    });
                is_granted.then(|| resource.clone())
            };
            let statements = current.iter().flat_map(|policy| &policy.statements);
            let kept = statements.flat_map(resources_of).filter_map(relied_on);
            let resources: BTreeSet<String> = named.chain(kept).collect();
            let allow = Statement::allow([SESSION_OF_DIRECTORY_BUCKETS]).sid("AllowDirectoryBuckets");
            PolicyDocument::new([allow.everyone().on(resources)])
        }
    }
}

fn resources_of(statement: &Statement) -> &[String] {
    match &statement.resource {
        Some(ResourceClause::Resource(resources)) => resources,
        Some(ResourceClause::NotResource(_)) | None => &[],
    }
}

fn create(
    draft: &mut Draft<'_>,
    naming: &[&ResolvedProfile<'_>],
    needed: BTreeSet<RouteTableId>,
    policy: PolicyDocument,
) {
    let snapshot = draft.snapshot;
    let lacking = |finding: Finding| {
        finding
            .lacking(Lack::Service(S3_EXPRESS.to_owned()))
            .showing(Symptom::NoWayToS3)
    };
    let leaving = snapshot
        .s3_express_gateway_endpoints()
        .find(|endpoint| endpoint.stage() == Stage::Deleting);
    let wait = match (leaving, draft.not_visible_yet(&KEY), draft.claims.unclear(&KEY)) {
        (Some(leaving), _, _) if draft.claims.key_of(leaving.vpc_endpoint_id.as_str()) == Some(&KEY) => Some((
            Reason::Waiting,
            format!(
                "Endpoint {} for S3 Express One Zone is still being deleted, and its routes with it: a new one follows \
                 once it is gone.",
                leaving.vpc_endpoint_id
            ),
        )),
        (_, Some(id), _) => Some((
            Reason::Waiting,
            format!("AWS made endpoint {id} for S3 Express One Zone and does not show it yet; this takes seconds."),
        )),
        (_, None, Some(unclear)) => Some((Reason::OwnershipUnclear, unclear)),
        (_, None, None) => None,
    };
    if let Some((reason, message)) = wait {
        draft.push(lacking(Finding::new(CONCERN, Scope::Vpc, reason, message)));
        return;
    }
    let Some(service_name) = snapshot.s3_express_service_name() else {
        for resolved in naming {
            let buckets: Vec<&str> = directory_buckets(resolved).collect();
            let message = format!(
                "AWS offers no gateway service of S3 Express One Zone in {}, or does not show it, so no endpoint leads to \
                 {}: name buckets that are in this region, and allow the controller's role \
                 ec2:DescribeVpcEndpointServices.",
                draft.network.vpc.region,
                listed(buckets)
            );
            let finding = Finding::new(CONCERN, super::scope(resolved), Reason::S3EndpointMissing, message);
            draft.push(lacking(finding));
        }
        return;
    };
    let route_tables: Vec<RouteTableId> = needed.into_iter().collect();
    let hit = disruption::of_new_s3_route(snapshot, snapshot.s3_express_prefix_list(), &route_tables);
    let action = Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
        key: KEY,
        vpc: draft.network.vpc.vpc_id.clone(),
        service_name: service_name.to_owned(),
        route_tables,
        policy,
        tags: draft.tags_for(&KEY),
    });
    let planned = PlannedAction::new(
        action,
        Serves::Vpc,
        "profiles name directory buckets, which S3's endpoint does not lead to",
    )
    .blocking(CONCERN)
    .symptom(Symptom::NoWayToS3)
    .disrupting(hit);
    draft.act(planned);
}

fn keep(draft: &mut Draft<'_>, endpoint: &VpcEndpoint, needed: &BTreeSet<RouteTableId>, policy: &PolicyDocument) {
    let id = endpoint.vpc_endpoint_id.as_str();
    draft.list("VpcEndpoint", id, PURPOSE.to_owned(), ResourceOwnership::Ours);
    judge_state(draft, endpoint, Scope::Vpc);
    draft.keep_tags(id, &KEY, Serves::Vpc, &tags_of(&endpoint.tags));
    modify(draft, &KEY, endpoint, policy, needed, false, None);
}
