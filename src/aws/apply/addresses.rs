//! Elastic IP addresses.

use aws_sdk_ec2::{
    config::{self, retry::RetryConfig},
    types::{DomainType, ResourceType},
};

use super::work::{self, Performed, Setback, Work};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Refusal, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    plan::AddressChange,
    report::FailureKind,
    types::{AllocationId, ResourceKey, Tags},
};

/// Changes an elastic IP address.
pub(super) async fn change(work: &Work<'_>, change: &AddressChange) -> Performed {
    match change {
        AddressChange::Allocate { key, tags } => allocate(work, key, tags).await,
        AddressChange::Release { id } => release(work, id).await,
    }
}

/// Gets an address. EC2 has no client token for it, and each request that
/// arrives gets another address: one that has come with our tags is taken
/// before one is asked for, and the request is sent once and never again.
async fn allocate(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Performed {
    if let Some(id) = made_before(work, key, tags).await? {
        return Ok(Some(id));
    }
    let once = config::Builder::new().retry_config(RetryConfig::disabled());
    let request = work
        .client()
        .allocate_address()
        .domain(DomainType::Vpc)
        .tag_specifications(convert::to_tag_specification(ResourceType::ElasticIp, tags))
        .customize()
        .config_override(once);
    match work.call(Call::AllocateAddress, request.send()).await {
        Ok(answer) => work::made(key, answer.allocation_id),
        // It may have been made, and only the answer lost.
        Err(Setback::Refused(refusal)) if refusal.meaning == Meaning::Refused(FailureKind::Unreachable) => {
            match made_before(work, key, tags).await? {
                Some(id) => Ok(Some(id)),
                None => Err(refusal.into()),
            }
        }
        Err(setback) => Err(setback),
    }
}

async fn made_before(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Result<Option<String>, Setback> {
    let addresses = work.look(describe::our_addresses(work.connection(), tags)).await?;
    let ids = addresses.into_iter().map(|address| address.allocation_id.to_string());
    work.made_before(key, ids)
}

/// Gives an address back.
async fn release(work: &Work<'_>, id: &AllocationId) -> Performed {
    let request = work.client().release_address().allocation_id(id.as_str());
    let refusal = match work.call(Call::ReleaseAddress, request.send()).await {
        Ok(_) => return Ok(None),
        Err(Setback::Refused(refusal)) => refusal,
        Err(setback @ Setback::Waiting(_)) => return Err(setback),
    };
    match refusal.meaning {
        Meaning::NotThere(Thing::Address) => Ok(None),
        Meaning::StillInUse | Meaning::NotReady => Err(still_in_use(id, &refusal)),
        // EC2 says that it does not know us where the address is on an interface
        // that is a service's, such as a NAT gateway's.
        Meaning::Refused(FailureKind::NoCredentials) => {
            match work.look(describe::address(work.connection(), id)).await? {
                Some(address) if address.association_id.is_some() => Err(still_in_use(id, &refusal)),
                Some(_) | None => Err(refusal.into()),
            }
        }
        Meaning::NotThere(_)
        | Meaning::AlreadyThere
        | Meaning::NameTaken
        | Meaning::TokenMismatch
        | Meaning::DnsConflict
        | Meaning::Refused(_) => Err(refusal.into()),
    }
}

fn still_in_use(id: &AllocationId, refusal: &Refusal) -> Setback {
    Setback::Waiting(format!(
        "{id} is still in use, as it is for some time after its NAT gateway was deleted: {}",
        refusal.failure.message
    ))
}
