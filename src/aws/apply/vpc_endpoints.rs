//! VPC endpoints, of either kind: one noun of AWS, with one call each to make,
//! modify and delete it.

mod gateway;
mod interface;

use aws_sdk_ec2::{
    operation::create_vpc_endpoint::{CreateVpcEndpointOutput, builders::CreateVpcEndpointFluentBuilder},
    types::ResourceType,
};

use super::{
    made::Made,
    work::{self, Performed, Setback, Work},
};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Thing},
};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    catalog::calls::Call,
    observed::Stage,
    plan::VpcEndpointChange,
    types::{ResourceKey, Tags, VpcEndpointId, VpcId},
};

/// Changes an endpoint.
pub(super) async fn change(work: &Work<'_>, change: &VpcEndpointChange, made: &Made<'_>) -> Performed {
    match change {
        VpcEndpointChange::CreateGateway {
            key,
            vpc,
            service_name,
            route_tables,
            policy,
            tags,
        } => {
            let new = New {
                key,
                vpc,
                service_name,
                policy: Some(policy),
                tags,
                token: work::token_for(Call::CreateVpcEndpoint, key, made.token(key))?,
            };
            gateway::create(work, &new, route_tables).await
        }
        VpcEndpointChange::ModifyGateway {
            id,
            policy,
            add_route_tables,
            remove_route_tables,
        } => gateway::modify(work, id, policy.as_ref(), add_route_tables, remove_route_tables).await,
        VpcEndpointChange::CreateInterface {
            key,
            vpc,
            service_name,
            subnets,
            groups,
            private_dns,
            ip_address_type,
            policy,
            tags,
        } => {
            let new = New {
                key,
                vpc,
                service_name,
                policy: policy.as_ref(),
                tags,
                token: work::token_for(Call::CreateVpcEndpoint, key, made.token(key))?,
            };
            let place = interface::Place {
                subnets,
                groups: made.resolve_all(groups),
                private_dns: *private_dns,
                ip_address_type: *ip_address_type,
            };
            interface::create(work, &new, place).await
        }
        VpcEndpointChange::ModifyInterface {
            id,
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        } => {
            let changes = interface::Changes {
                policy: policy.as_ref(),
                add_subnets,
                remove_subnets,
                add_groups: made.resolve_all(add_groups),
                remove_groups,
                private_dns: *private_dns,
                ip_address_type: *ip_address_type,
            };
            interface::modify(work, id, changes).await
        }
        VpcEndpointChange::Delete { id } => delete(work, id).await,
    }
}

/// What an endpoint of either kind is made with. It is made once: with the same
/// token AWS answers with the endpoint that it made the first time.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>.
struct New<'a> {
    key: &'a ResourceKey,
    vpc: &'a VpcId,
    service_name: &'a str,
    policy: Option<&'a PolicyDocument>,
    tags: &'a Tags,
    token: &'a str,
}

impl New<'_> {
    fn request(&self, work: &Work<'_>) -> CreateVpcEndpointFluentBuilder {
        work.client()
            .create_vpc_endpoint()
            .vpc_id(self.vpc.as_str())
            .service_name(self.service_name)
            .set_policy_document(self.policy.map(ToString::to_string))
            .client_token(self.token)
            .tag_specifications(convert::to_tag_specification(ResourceType::VpcEndpoint, self.tags))
    }

    /// What came of the request. `named` is what it names that may not be there.
    async fn made(&self, work: &Work<'_>, answer: Result<CreateVpcEndpointOutput, Setback>, named: &str) -> Performed {
        match answer {
            Ok(answer) => work::made(
                self.key,
                answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id),
            ),
            Err(setback) if setback.meaning() == Some(Meaning::TokenMismatch) => {
                made_before(work, self.key, self.tags).await
            }
            Err(setback) => Err(setback.vanished(&format!("{named} of those named"))),
        }
    }
}

/// The endpoint that an earlier request with the same token made, when that
/// request was not quite this one: the next plan compares and corrects it.
async fn made_before(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Performed {
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

/// Deletes an endpoint.
async fn delete(work: &Work<'_>, endpoint: &VpcEndpointId) -> Performed {
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

fn strings<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A list as a request takes it: absent rather than empty.
fn some<T: ToString>(ids: &[T]) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| strings(ids))
}
