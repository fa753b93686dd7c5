//! What was there before us and is adopted serves as declared, and is given
//! back in the end.

use proptest::prelude::*;
use sagevpc_core::{
    observed::{Snapshot, Tag, VpcEndpoint},
    types::VpcEndpointId,
};

use crate::{
    inputs::{delete, world},
    memory::Memory,
    planning::converge,
};

/// The gateway endpoint of someone else's that these networks may have.
const THEIRS: &str = "vpce-0fffffffffffffff0";

/// Their interface endpoint, likewise.
const THEIR_INTERFACE: &str = "vpce-0eeeeeeeeeeeeeee0";

fn theirs(snapshot: &Snapshot) -> Option<&VpcEndpoint> {
    found(snapshot, THEIRS)
}

fn found<'a>(snapshot: &'a Snapshot, id: &str) -> Option<&'a VpcEndpoint> {
    snapshot
        .vpc_endpoints
        .iter()
        .find(|endpoint| endpoint.vpc_endpoint_id == VpcEndpointId::new(id))
}

proptest! {
    #[test]
    fn an_adopted_endpoint_serves_alone_and_is_released(mut world in world("None")) {
        world.references.vpc.spec.adopt = vec![THEIRS.to_owned()];
        let Some(before) = theirs(&world.snapshot).cloned() else {
            return Ok(());
        };
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let gateways = memory.snapshot.vpc_endpoints.iter().filter(|endpoint| endpoint.is_gateway());
        prop_assert_eq!(gateways.count(), 1, "no second endpoint is made beside it");
        let adopted = theirs(&memory.snapshot).expect("it is there");
        let keeps = before.route_table_ids.iter().all(|table| adopted.route_table_ids.contains(table));
        prop_assert!(keeps, "tables of others are taken off it: {adopted:?}");

        delete(&mut world.references);
        converge(&mut world, &mut memory);
        let released = theirs(&memory.snapshot).expect("it is released, never deleted");
        let is_ours = |tag: &Tag| tag.key.starts_with("sagevpc.dev/");
        prop_assert!(!released.tags.iter().any(is_ours), "{released:?}");
        prop_assert!(before.tags.iter().all(|tag| released.tags.contains(tag)), "{released:?}");
    }

    #[test]
    fn an_adopted_interface_endpoint_keeps_what_it_had_and_is_released(mut world in world("None")) {
        world.references.vpc.spec.adopt = vec![THEIR_INTERFACE.to_owned()];
        let Some(before) = found(&world.snapshot, THEIR_INTERFACE).cloned() else {
            return Ok(());
        };
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let sts = memory.snapshot.vpc_endpoints.iter().filter(|endpoint| endpoint.service_name == before.service_name);
        prop_assert_eq!(sts.count(), 1, "no second endpoint is made beside it");
        let adopted = found(&memory.snapshot, THEIR_INTERFACE).expect("it is there");
        prop_assert!(before.subnet_ids.iter().all(|subnet| adopted.subnet_ids.contains(subnet)), "{adopted:?}");
        prop_assert!(before.groups.iter().all(|group| adopted.groups.contains(group)), "{adopted:?}");
        prop_assert_eq!(&adopted.policy_document, &before.policy_document);

        delete(&mut world.references);
        converge(&mut world, &mut memory);
        let released = found(&memory.snapshot, THEIR_INTERFACE).expect("it is released, never deleted");
        let is_ours = |tag: &Tag| tag.key.starts_with("sagevpc.dev/");
        prop_assert!(!released.tags.iter().any(is_ours), "{released:?}");
    }
}
