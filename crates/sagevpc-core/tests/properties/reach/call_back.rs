//! What has a security group, and what opens connections to who called it.

use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    reach::Destination,
    types::{PrivatePeer, Traffic},
};
use serde_json::json;

use super::{
    Question, agree,
    networks::{GROUPS, SUBNETS, network},
    oracle::{Ends, Fate, Packet, fate, goes_out_of_sight, subnet_of},
};

impl Question<'_> {
    /// What becomes of a packet by which the destination opens a connection to who
    /// called it, where it does so. Past what nobody can look into, nobody knows who
    /// called.
    pub fn fate_of_a_call_back(&self, ends: &Ends<'_>, called: Packet) -> Option<Fate> {
        let Destination::Inside { calls_back: true, .. } = self.destination else {
            return None;
        };
        if goes_out_of_sight(self.vpc, ends.subnet, called.destination) {
            return None;
        }
        let back = Packet {
            source: called.destination,
            destination: called.source,
            ..called
        };
        let ends = Ends {
            subnet: subnet_of(self.vpc, called.destination)?,
            groups: ends.receiver.clone()?,
            receiver: Some(ends.groups.clone()),
            policy_allows: true,
        };
        Some(fate(self.vpc, &ends, back))
    }
}

proptest! {
    #[test]
    fn what_has_a_group_is_reached_and_calls_back_as_its_packets_do(
        vpc in network(),
        questions in collection::vec(
            (
                sample::select(&SUBNETS[..2]),
                sample::subsequence(GROUPS.to_vec(), 1..=2),
                sample::select(GROUPS.to_vec()),
                sample::select(vec![443, 22]),
                any::<bool>(),
            ),
            4,
        ),
    ) {
        let mut vpc = vpc;
        for (interface, group) in vpc.network_interfaces.values_mut().zip(&GROUPS[..2]) {
            interface.groups = serde_json::from_value(json!([{ "GroupId": group }])).unwrap();
        }
        for (subnet, groups, group, port, calls_back) in questions {
            let whom = PrivatePeer::Group(group.into());
            let destination = Destination::Inside { whom, traffic: Traffic::tcp(port), calls_back };
            agree(&Question { vpc: &vpc, subnet, groups, destination })?;
        }
    }
}
