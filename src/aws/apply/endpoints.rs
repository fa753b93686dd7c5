//! Gateway endpoints, and the deletion of either kind.

use aws_sdk_ec2::types::{ResourceType, VpcEndpointType};

use super::work::{self, Performed, Setback, Work};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Thing},
};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    catalog::calls::Call,
    observed::Stage,
    types::{ResourceKey, RouteTableId, Tags, VpcEndpointId, VpcId},
};

/// An endpoint to be made.
pub(super) struct Wanted<'a> {
    pub(super) key: &'a ResourceKey,
    pub(super) vpc: &'a VpcId,
    pub(super) service_name: &'a str,
    pub(super) route_tables: &'a [RouteTableId],
    pub(super) policy: &'a PolicyDocument,
    pub(super) tags: &'a Tags,
}

/// Makes an endpoint, once: with the same token AWS answers with the endpoint
/// that it made the first time.
///
/// See <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.
pub(super) async fn create(work: &Work<'_>, wanted: Wanted<'_>, token: Option<&String>) -> Performed {
    let Wanted {
        key,
        vpc,
        service_name,
        route_tables,
        policy,
        tags,
    } = wanted;
    let call = Call::CreateVpcEndpoint;
    let token = work::token_for(call, key, token)?;
    let request = work
        .client()
        .create_vpc_endpoint()
        .vpc_endpoint_type(VpcEndpointType::Gateway)
        .vpc_id(vpc.as_str())
        .service_name(service_name)
        .set_route_table_ids(Some(strings(route_tables)))
        .policy_document(policy.to_string())
        .client_token(token)
        .tag_specifications(convert::to_tag_specification(ResourceType::VpcEndpoint, tags));
    match work.call(call, request.send()).await {
        Ok(answer) => work::made(key, answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id)),
        Err(setback) if setback.meaning() == Some(Meaning::TokenMismatch) => made_before(work, key, tags).await,
        Err(setback) => Err(setback.vanished("VPC or route table of those named")),
    }
}

/// The endpoint that an earlier request with the same token made, when that
/// request was not quite this one: the next plan compares and corrects it.
pub(super) async fn made_before(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Performed {
    let endpoints = work.look(describe::our_vpc_endpoints(work.connection(), tags)).await?;
    let serving = endpoints.into_iter().filter(|endpoint| match endpoint.stage() {
        Stage::Available | Stage::Pending => true,
        Stage::Deleting | Stage::Deleted | Stage::Failed => false,
    });
    match work.made_before(key, serving.map(|endpoint| endpoint.vpc_endpoint_id.to_string()))? {
        Some(id) => Ok(Some(id)),
        None => Err(Setback::Waiting(format!(
            "EC2 remembers an earlier request for {key} that differed, and does not show the endpoint yet"
        ))),
    }
}

/// Changes an endpoint, everything in one call: each call that touches a route
/// table may break connections that are open through it.
pub(super) async fn modify(
    work: &Work<'_>,
    endpoint: &VpcEndpointId,
    policy: Option<&PolicyDocument>,
    add: &[RouteTableId],
    remove: &[RouteTableId],
) -> Performed {
    match send_modify(work, endpoint, policy, add, remove).await {
        Ok(()) => Ok(None),
        // One of the tables leads to it already, or to it no longer: only what
        // is really missing is asked for again.
        Err(Setback::Refused(refusal)) if refusal.meaning == Meaning::AlreadyThere => {
            let found = work.look(describe::vpc_endpoint(work.connection(), endpoint)).await?;
            let on = found.map(|endpoint| endpoint.route_table_ids).unwrap_or_default();
            let still_add: Vec<_> = add.iter().filter(|table| !on.contains(table)).cloned().collect();
            let still_remove: Vec<_> = remove.iter().filter(|table| on.contains(table)).cloned().collect();
            if still_add == add && still_remove == remove {
                return Err(refusal.into());
            }
            if policy.is_none() && still_add.is_empty() && still_remove.is_empty() {
                return Ok(None);
            }
            send_modify(work, endpoint, policy, &still_add, &still_remove)
                .await
                .map(|()| None)
        }
        Err(setback) => Err(setback.vanished(endpoint.as_str())),
    }
}

async fn send_modify(
    work: &Work<'_>,
    endpoint: &VpcEndpointId,
    policy: Option<&PolicyDocument>,
    add: &[RouteTableId],
    remove: &[RouteTableId],
) -> Result<(), Setback> {
    let request = work
        .client()
        .modify_vpc_endpoint()
        .vpc_endpoint_id(endpoint.as_str())
        .set_policy_document(policy.map(ToString::to_string))
        .set_add_route_table_ids(some(add))
        .set_remove_route_table_ids(some(remove));
    work.call(Call::ModifyVpcEndpoint, request.send()).await?;
    Ok(())
}

/// Deletes an endpoint.
pub(super) async fn delete(work: &Work<'_>, endpoint: &VpcEndpointId) -> Performed {
    let call = Call::DeleteVpcEndpoints;
    let request = work.client().delete_vpc_endpoints().vpc_endpoint_ids(endpoint.as_str());
    let refusal = match work.call(call, request.send()).await {
        Ok(answer) => work::unsuccessful(call, answer.unsuccessful),
        Err(Setback::Refused(refusal)) => Some(refusal),
        Err(setback @ Setback::Waiting(_)) => return Err(setback),
    };
    match refusal {
        None => Ok(None),
        Some(refusal) if refusal.meaning == Meaning::NotThere(Thing::VpcEndpoint) => Ok(None),
        Some(refusal) if refusal.meaning == Meaning::StillInUse => Err(Setback::Waiting(format!(
            "{endpoint} is still in use: {}",
            refusal.failure.message
        ))),
        Some(refusal) => Err(refusal.into()),
    }
}

pub(super) fn strings<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A list as a request takes it: absent rather than empty.
pub(super) fn some<T: ToString>(ids: &[T]) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| strings(ids))
}
