//! Gateway endpoints.

use aws_sdk_ec2::types::VpcEndpointType;

use super::{New, some, strings};
use crate::aws::{
    apply::work::{Performed, Setback, Work},
    describe,
    errors::Meaning,
};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    catalog::calls::Call,
    types::{RouteTableId, VpcEndpointId},
};

pub(super) async fn create(work: &Work<'_>, new: &New<'_>, route_tables: &[RouteTableId]) -> Performed {
    let request = new
        .request(work)
        .vpc_endpoint_type(VpcEndpointType::Gateway)
        .set_route_table_ids(Some(strings(route_tables)));
    let answer = work.call(Call::CreateVpcEndpoint, request.send()).await;
    new.made(work, answer, "VPC or route table").await
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
