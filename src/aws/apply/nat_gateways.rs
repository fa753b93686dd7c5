//! NAT gateways.

use aws_sdk_ec2::types::{AvailabilityMode, ConnectivityType, ResourceType};

use super::{
    made::Made,
    work::{self, Performed, Resolved, Setback, Work},
};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    observed::NatGatewayState,
    plan::NatGatewayChange,
    types::{NatGatewayId, ResourceKey, SubnetId, Tags, VpcId},
};

/// Changes a NAT gateway.
pub(super) async fn change(work: &Work<'_>, change: &NatGatewayChange, made: &Made<'_>) -> Performed {
    match change {
        NatGatewayChange::Create {
            key,
            subnet,
            address,
            tags,
        } => create(work, key, subnet, made.resolve(address), tags, made.token(key)).await,
        NatGatewayChange::CreateRegional {
            key,
            vpc,
            zones: _,
            tags,
        } => create_regional(work, key, vpc, tags, made.token(key)).await,
        NatGatewayChange::Delete { id } => delete(work, id).await,
    }
}

/// Makes a public NAT gateway, once: with the same token AWS answers with the
/// one that it made the first time.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>.
async fn create(
    work: &Work<'_>,
    key: &ResourceKey,
    subnet: &SubnetId,
    address: Option<Resolved>,
    tags: &Tags,
    token: Option<&String>,
) -> Performed {
    let call = Call::CreateNatGateway;
    let token = work::token_for(call, key, token)?;
    let Some(Resolved { id: address, new }) = address else {
        return Err(Work::refuse(
            call,
            "there is no elastic IP address for it yet, so the NAT gateway was not made",
        ));
    };
    let request = work
        .client()
        .create_nat_gateway()
        .connectivity_type(ConnectivityType::Public)
        .subnet_id(subnet.as_str())
        .allocation_id(&address)
        .client_token(token)
        .tag_specifications(convert::to_tag_specification(ResourceType::Natgateway, tags));
    let send = || work.call(call, request.clone().send());
    let answer = if new {
        work.once_visible(send).await
    } else {
        send().await
    };
    match answer {
        Ok(answer) => work::made(key, answer.nat_gateway.and_then(|gateway| gateway.nat_gateway_id)),
        Err(setback) if setback.meaning() == Some(Meaning::TokenMismatch) => made_before(work, key, tags).await,
        Err(setback) => Err(setback.vanished(&format!("{subnet} or {address}"))),
    }
}

/// Makes a regional NAT gateway, once, in automatic mode: no subnet and no
/// address is named, so AWS takes it into the zones that need it and gives it
/// addresses there.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
async fn create_regional(
    work: &Work<'_>,
    key: &ResourceKey,
    vpc: &VpcId,
    tags: &Tags,
    token: Option<&String>,
) -> Performed {
    let call = Call::CreateNatGateway;
    let token = work::token_for(call, key, token)?;
    let request = work
        .client()
        .create_nat_gateway()
        .availability_mode(AvailabilityMode::Regional)
        .connectivity_type(ConnectivityType::Public)
        .vpc_id(vpc.as_str())
        .client_token(token)
        .tag_specifications(convert::to_tag_specification(ResourceType::Natgateway, tags));
    match work.call(call, request.send()).await {
        Ok(answer) => work::made(key, answer.nat_gateway.and_then(|gateway| gateway.nat_gateway_id)),
        Err(setback) if setback.meaning() == Some(Meaning::TokenMismatch) => made_before(work, key, tags).await,
        Err(setback) => Err(setback.vanished(vpc.as_str())),
    }
}

/// The NAT gateway that an earlier request with the same token made, when that
/// request was not quite this one.
async fn made_before(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Performed {
    let gateways = work.look(describe::our_nat_gateways(work.connection(), tags)).await?;
    let serving = gateways.into_iter().filter(|gateway| {
        gateway.state.as_ref().is_some_and(|state| match state.means() {
            NatGatewayState::Pending | NatGatewayState::Available => true,
            NatGatewayState::Failed | NatGatewayState::Deleting | NatGatewayState::Deleted | NatGatewayState::Other => {
                false
            }
        })
    });
    match work.made_before(key, serving.map(|gateway| gateway.nat_gateway_id.to_string()))? {
        Some(id) => Ok(Some(id)),
        None => Err(Setback::Waiting(format!(
            "EC2 remembers an earlier request for {key} that differed, and does not show the NAT gateway yet"
        ))),
    }
}

/// Deletes a NAT gateway, which takes EC2 a minute or two.
async fn delete(work: &Work<'_>, id: &NatGatewayId) -> Performed {
    let request = work.client().delete_nat_gateway().nat_gateway_id(id.as_str());
    match work.call(Call::DeleteNatGateway, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) if setback.meaning() == Some(Meaning::NotThere(Thing::NatGateway)) => Ok(None),
        Err(setback) => Err(setback),
    }
}
