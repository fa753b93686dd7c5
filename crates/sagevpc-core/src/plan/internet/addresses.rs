//! Elastic IP addresses of ours.
//!
//! EC2 gives an address without a client token, and addresses have no names.
//! So what was asked for is written ahead, as for everything that is made, and
//! looked for by its tags; while its answer is lost and it may yet appear, no
//! second one is asked for. Should there be two all the same, the spare one is
//! given back. The address of a NAT gateway that is gone is used again, for it
//! may be in others' lists.

use std::collections::{BTreeMap, BTreeSet};

use super::nat_gateways::Gateway;
use crate::{
    api::ResourceOwnership,
    catalog::Symptom,
    observed::{Address, NatGateway, Word, tags_of},
    plan::{
        Action, ActionId, AddressChange, PlannedAction, Serves, Target,
        draft::Draft,
        internet::need::{CONCERN, Kept},
    },
    types::{AllocationId, NatGatewayId, NatPlace, ResourceKey, SubnetId},
};

/// The address of a NAT gateway that is to be made.
pub(super) struct Chosen {
    pub(super) target: Target<AllocationId>,
    /// The action that gets it.
    pub(super) made_by: Option<ActionId>,
    /// What keeps it from being used.
    pub(super) waits_for: Option<String>,
}

fn ours<'a>(draft: &Draft<'a>) -> impl Iterator<Item = (&'a Address, SubnetId)> {
    let claims = draft.claims;
    draft.snapshot.addresses.values().filter_map(|address| {
        let ResourceKey::Address { subnet } = claims.key_of(address.allocation_id.as_str())? else {
            return None;
        };
        Some((address, subnet.clone()))
    })
}

/// The places that have an address.
pub(super) fn places(draft: &Draft<'_>) -> BTreeSet<SubnetId> {
    ours(draft).map(|(_, place)| place).collect()
}

/// The addresses of a place, in the order of their ids.
pub(super) fn of_place<'a>(draft: &Draft<'a>, place: &SubnetId) -> impl Iterator<Item = &'a Address> {
    ours(draft)
        .filter(move |(_, other)| other == place)
        .map(|(address, _)| address)
}

/// Keeps the tags of a NAT gateway's addresses, and says which they are.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    nat: &NatGateway,
    place: &SubnetId,
    serves: &Serves,
) -> BTreeSet<AllocationId> {
    let key = ResourceKey::Address { subnet: place.clone() };
    let has: BTreeSet<&AllocationId> = nat.allocation_ids().collect();
    // One that says nothing yet of its address may have any of them.
    let kept: Vec<&Address> = of_place(draft, place)
        .filter(|address| has.is_empty() || has.contains(&address.allocation_id))
        .collect();
    for address in &kept {
        let id = address.allocation_id.as_str();
        draft.list("Address", id, key.to_string(), ResourceOwnership::Ours);
        draft.keep_tags(id, &key, serves.clone(), &tags_of(&address.tags));
    }
    kept.iter().map(|address| address.allocation_id.clone()).collect()
}

/// The address for a NAT gateway that is to be made: one that is there, or a
/// new one.
pub(super) fn choose(draft: &mut Draft<'_>, place: &SubnetId, serves: &Serves) -> Chosen {
    let key = ResourceKey::Address { subnet: place.clone() };
    let there: Vec<&Address> = of_place(draft, place).collect();
    let existing = |id: &AllocationId, waits_for| Chosen {
        target: Target::Existing(id.clone()),
        made_by: None,
        waits_for,
    };
    if let Some(free) = there.iter().find(|address| !address.is_in_use()) {
        let id = &free.allocation_id;
        draft.list("Address", id.as_str(), key.to_string(), ResourceOwnership::Ours);
        return existing(id, None);
    }
    let on_its_way = there
        .iter()
        .find_map(|address| Some((address, holder(draft, address)?)));
    if let Some((address, nat)) = on_its_way {
        let id = &address.allocation_id;
        draft.list("Address", id.as_str(), key.to_string(), ResourceOwnership::Ours);
        return existing(id, Some(still_held(address, nat)));
    }
    let unseen = draft.not_visible_yet(&key).map(AllocationId::new);
    if let Some(id) = unseen.filter(|id| !draft.snapshot.addresses.contains_key(id)) {
        let wait = format!("AWS gave elastic IP address {id} and does not show it yet; this takes seconds.");
        return existing(&id, Some(wait));
    }
    let wait = draft.history.may_appear(&key).then(|| {
        "An elastic IP address was asked for, and the answer was lost: for a minute it may yet appear, before another \
         is asked for."
            .to_owned()
    });
    let wait = draft.claims.unclear(&key).or(wait);
    let action = Action::Address(AddressChange::Allocate {
        tags: draft.tags_for(&key),
        key: key.clone(),
    });
    let planned = PlannedAction::new(action, serves.clone(), "the NAT gateway needs a public address")
        .blocking(CONCERN)
        .symptom(Symptom::NoWayOut)
        .waiting_for(wait);
    Chosen {
        target: Target::Made(key),
        made_by: Some(draft.act(planned)),
        waits_for: None,
    }
}

/// The NAT gateway that has the address.
fn holder<'a>(draft: &Draft<'a>, address: &Address) -> Option<&'a NatGateway> {
    let id = &address.allocation_id;
    draft
        .snapshot
        .nat_gateways
        .values()
        .filter(|nat| !nat.is_gone())
        .find(|nat| nat.allocation_ids().any(|other| other == id))
}

fn still_held(address: &Address, nat: &NatGateway) -> String {
    format!(
        "Elastic IP address {} is still held by NAT gateway {}, which is {}; it is free once that is gone.",
        address.allocation_id,
        nat.nat_gateway_id,
        nat.state.as_ref().map_or("on its way", Word::as_str)
    )
}

/// Lets go of addresses that no NAT gateway of ours has or gets.
pub(super) fn let_go(
    draft: &mut Draft<'_>,
    gateways: &BTreeMap<NatPlace, Gateway>,
    deleted: &BTreeMap<NatGatewayId, ActionId>,
    kept: &Kept,
) {
    let needed: BTreeSet<&AllocationId> = gateways.values().flat_map(|gateway| &gateway.addresses).collect();
    let spare: Vec<(&Address, SubnetId)> = ours(draft)
        .filter(|(address, _)| !needed.contains(&address.allocation_id))
        .collect();
    for (address, place) in spare {
        let nat = holder(draft, address);
        if nat.is_some_and(|nat| kept.nat_gateways.contains(&nat.nat_gateway_id)) {
            continue;
        }
        let obstacle = match nat {
            Some(nat) => Some(still_held(address, nat)),
            None if address.is_in_use() => Some(format!(
                "Elastic IP address {} is used by {}: take it off there, so that it can be given back.",
                address.allocation_id,
                address
                    .network_interface_id
                    .as_ref()
                    .map_or_else(|| "something else".to_owned(), ToString::to_string)
            )),
            None => None,
        };
        let before = nat.and_then(|nat| deleted.get(&nat.nat_gateway_id)).copied();
        let key = ResourceKey::Address { subnet: place };
        let reason = "no NAT gateway needs the address any more";
        draft.let_go(address.allocation_id.as_str(), &key, reason, |_| {
            let action = Action::Address(AddressChange::Release {
                id: address.allocation_id.clone(),
            });
            PlannedAction::new(action, Serves::Vpc, reason)
                .after(before)
                .waiting_for(obstacle)
        });
    }
}
