//! Network ACLs, packet by packet: what a workload needs passes, or someone is
//! told that it does not.

use std::net::IpAddr;

use proptest::prelude::*;
use sagevpc_core::{
    api::NetworkAclMode,
    catalog::WorkloadKind,
    observed::{NetworkAcl, Snapshot},
    plan::{Action, NetworkAclChange},
    report::{Concern, Weight},
    types::{Direction, Protocol, SubnetId},
};

use crate::{
    inputs::{plan_for, world},
    memory::Memory,
    planning::converge,
};

/// Whether the rule with the lowest number that matches allows the packet.
fn lets_through(acl: &NetworkAcl, direction: Direction, protocol: u8, port: u16, peer: IpAddr) -> bool {
    let mut matching: Vec<_> = acl
        .rules()
        .into_iter()
        .filter(|rule| rule.direction == direction && rule.cidr.contains(&peer))
        .filter(|rule| match rule.protocol {
            Protocol::All => true,
            Protocol::Number(number) => number == protocol,
        })
        .filter(|rule| {
            let ports = rule.ports.map(|ports| ports.from..=ports.to);
            ports.is_none_or(|ports| ports.contains(&i32::from(port)))
        })
        .collect();
    matching.sort_by_key(|rule| rule.rule_number);
    matching.first().is_some_and(|rule| rule.allows)
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Packets that cross the edge of a subnet, for a workload that asks S3 and,
/// where it talks to its other subnets, for them.
fn packets(snapshot: &Snapshot, from: &SubnetId, others: &[SubnetId]) -> Vec<(Direction, u8, u16, IpAddr)> {
    let mut packets = Vec::new();
    for s3 in ["52.216.0.0", "52.216.7.9", "52.217.255.255"] {
        let peer = s3.parse().unwrap();
        packets.push((Direction::Egress, TCP, 443, peer));
        packets.push((Direction::Ingress, TCP, 32_768, peer));
        packets.push((Direction::Ingress, TCP, 60_999, peer));
    }
    for other in others.iter().filter(|other| *other != from) {
        let subnet = snapshot.subnets.iter().find(|subnet| subnet.subnet_id == *other);
        let cidr = subnet
            .and_then(|subnet| subnet.cidr_block)
            .expect("a subnet has addresses");
        for peer in [cidr.network(), cidr.broadcast()].map(IpAddr::V4) {
            for direction in [Direction::Ingress, Direction::Egress] {
                packets.push((direction, TCP, 22, peer));
                packets.push((direction, UDP, 7777, peer));
            }
        }
    }
    packets
}

proptest! {
    #[test]
    fn what_is_needed_passes_or_is_told(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        let seen = memory.snapshot.vpc(&world.references.vpc.spec.vpc_id).expect("the VPC is there");
        for key in &plan.contributing {
            let reference = world.references.profiles.iter().find(|reference| reference.key() == *key);
            let workloads = &reference.expect("it is a profile").profile.spec.workloads;
            let talks = workloads.iter().any(|one| one.distributed || one.kind == WorkloadKind::Compilation);
            let subnets = &plan.vpc_configs[key][0].subnets;
            let others: &[SubnetId] = if talks { subnets } else { &[] };
            let stopped = subnets.iter().find_map(|from| {
                let acl = seen.network_acl_of(from).expect("each subnet has an ACL");
                packets(&memory.snapshot, from, others)
                    .into_iter()
                    .find(|(direction, protocol, port, peer)| !lets_through(acl, *direction, *protocol, *port, *peer))
            });
            let told = plan.findings.iter().any(|finding| {
                finding.concern == Concern::NetworkAcls
                    && finding.weight == Weight::Blocks
                    && finding.concerns(key).is_some()
            });
            prop_assert!(stopped.is_none() || told, "{key}: {stopped:?} is stopped, and nobody is told");
        }
    }
    #[test]
    fn nothing_is_opened_that_was_not_told_to_be_closed(mut world in world("None")) {
        let history = Memory::new(world.snapshot.clone()).history();
        let mut plan_in = |mode| {
            world.references.vpc.spec.network_acls.mode = mode;
            plan_for(&world.references, &world.snapshot, &history)
        };
        let told = plan_in(NetworkAclMode::Verify).findings.into_iter().any(|finding| {
            finding.concern == Concern::NetworkAcls && !finding.message.contains("other ports than Linux")
        });
        let opened = plan_in(NetworkAclMode::Enforce).actions.into_iter().find(|planned| {
            let change = &planned.action;
            matches!(change, Action::NetworkAcl(NetworkAclChange::CreateEntry { .. }))
        });
        prop_assert!(told || opened.is_none(), "nobody was told of what {:?} opens", opened.map(|planned| planned.action));
    }
}
