//! Tags of ours on what is somebody else's: it is told, and never touched.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection,
    prelude::*,
    sample::{self, Index},
};
use sagevpc_core::{
    api::DeletionPolicy,
    observed::{NetworkAclEntry, Snapshot, Stage, Tag},
    plan::Plan,
    types::{AclEntry, AllocationId, Direction, FlowLogId, NatGatewayId, Protocol, SecurityGroupId, VpcEndpointId},
};

use crate::{
    inputs::{World, claim, delete, plan_for, world},
    memory::{Memory, edges::entry_of, is_ours},
    planning::converge,
    repair::{damage, inflict},
};

/// What happens once somebody has copied our tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing.
    Nothing,
    /// Somebody damages what is ours.
    Damage,
    /// A profile goes.
    ProfileGoes,
    /// The SageMakerVpc is deleted.
    Deleted,
    /// It is deleted, and what is there is to stay.
    Retained,
    /// Status is lost.
    StatusLost,
    /// Status is lost, and the SageMakerVpc deleted.
    LostAndDeleted,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        Just(Turn::Nothing),
        Just(Turn::Damage),
        Just(Turn::ProfileGoes),
        Just(Turn::Deleted),
        Just(Turn::Retained),
        Just(Turn::StatusLost),
        Just(Turn::LostAndDeleted),
    ]
}

/// A copy of the tags of something of ours.
#[derive(Clone, Debug)]
struct Copy {
    of: Index,
    /// Whether its id comes before that of ours.
    first: bool,
    /// Whether it is marked as adopted as well.
    adopted: bool,
}

fn copies() -> impl Strategy<Value = Vec<Copy>> {
    let copy = any::<(Index, bool, bool)>().prop_map(|(of, first, adopted)| Copy { of, first, adopted });
    collection::vec(copy, 1..5)
}

/// Everything that carries our tags, by its id.
fn tagged(snapshot: &Snapshot) -> BTreeMap<String, Vec<Tag>> {
    let endpoints = snapshot.vpc_endpoints.iter();
    let groups = snapshot.security_groups.iter();
    let nat_gateways = snapshot.nat_gateways.iter();
    let live = nat_gateways.filter(|nat| nat.stage() == Stage::Available);
    let addresses = snapshot.addresses.iter();
    let logs = snapshot.flow_logs.iter();
    endpoints
        .map(|endpoint| (endpoint.vpc_endpoint_id.to_string(), &endpoint.tags))
        .chain(groups.map(|group| (group.group_id.to_string(), &group.tags)))
        .chain(live.map(|nat| (nat.nat_gateway_id.to_string(), &nat.tags)))
        .chain(addresses.map(|address| (address.allocation_id.to_string(), &address.tags)))
        .chain(logs.map(|log| (log.flow_log_id.to_string(), &log.tags)))
        .filter(|(_, tags)| is_ours(tags))
        .map(|(id, tags)| (id, tags.clone()))
        .collect()
}

/// Makes something of somebody else's that has the tags of ours, of the same
/// kind, as far as EC2 lets there be two, and gives its id.
fn put(snapshot: &mut Snapshot, of: &str, number: usize, copy: &Copy) -> String {
    let digits = if copy.first { 0 } else { 0xffff_ffff_0000 } + number;
    let id = format!("{}-{digits:017x}", of.split('-').next().unwrap());
    let with_mark = |tags: &[Tag]| {
        let mark = Tag {
            key: "sagevpc.dev/adopted".to_owned(),
            value: "true".to_owned(),
        };
        tags.iter()
            .cloned()
            .chain(copy.adopted.then_some(mark))
            .collect::<Vec<_>>()
    };
    if let Some(group) = snapshot
        .security_groups
        .iter()
        .find(|group| group.group_id.as_str() == of)
    {
        let mut other = group.clone();
        other.group_id = SecurityGroupId::new(&id);
        other.group_name = format!("theirs-{number}");
        // EC2 keeps a group that another's rule names.
        other.ip_permissions.clear();
        other.ip_permissions_egress.clear();
        other.tags = with_mark(&group.tags);
        snapshot.security_groups.push(other);
    } else if let Some(endpoint) = snapshot
        .vpc_endpoints
        .iter()
        .find(|other| other.vpc_endpoint_id.as_str() == of)
    {
        let mut other = endpoint.clone();
        other.vpc_endpoint_id = VpcEndpointId::new(&id);
        other.route_table_ids.clear();
        other.subnet_ids.clear();
        other.network_interface_ids.clear();
        other.groups.clear();
        other.private_dns_enabled = false;
        other.tags = with_mark(&endpoint.tags);
        snapshot.vpc_endpoints.push(other);
    } else if let Some(nat) = snapshot
        .nat_gateways
        .iter()
        .find(|nat| nat.nat_gateway_id.as_str() == of)
    {
        let mut other = nat.clone();
        other.nat_gateway_id = NatGatewayId::new(&id);
        other.nat_gateway_addresses.clear();
        other.tags = with_mark(&nat.tags);
        snapshot.nat_gateways.push(other);
    } else if let Some(address) = snapshot
        .addresses
        .iter()
        .find(|address| address.allocation_id.as_str() == of)
    {
        let mut other = address.clone();
        other.allocation_id = AllocationId::new(&id);
        other.association_id = None;
        other.network_interface_id = None;
        other.tags = with_mark(&address.tags);
        snapshot.addresses.push(other);
    } else if let Some(log) = snapshot.flow_logs.iter().find(|log| log.flow_log_id.as_str() == of) {
        let mut other = log.clone();
        other.flow_log_id = FlowLogId::new(&id);
        other.log_destination = Some(format!("arn:aws:s3:::theirs-{number}"));
        other.tags = with_mark(&log.tags);
        snapshot.flow_logs.push(other);
    }
    id
}

/// What of the plan names one of these.
fn naming(plan: &Plan, ids: &BTreeSet<String>) -> Vec<String> {
    let actions = plan.actions.iter().map(|planned| format!("{:?}", planned.action));
    actions
        .filter(|action| ids.iter().any(|id| action.contains(id.as_str())))
        .collect()
}

/// The copies among all that is there.
fn found(snapshot: &Snapshot, ids: &BTreeSet<String>) -> Vec<String> {
    let groups = snapshot
        .security_groups
        .iter()
        .map(|group| (group.group_id.as_str(), format!("{group:?}")));
    let endpoints = snapshot.vpc_endpoints.iter();
    let endpoints = endpoints.map(|endpoint| (endpoint.vpc_endpoint_id.as_str(), format!("{endpoint:?}")));
    let nat_gateways = snapshot
        .nat_gateways
        .iter()
        .map(|nat| (nat.nat_gateway_id.as_str(), format!("{nat:?}")));
    let addresses = snapshot.addresses.iter();
    let addresses = addresses.map(|address| (address.allocation_id.as_str(), format!("{address:?}")));
    let logs = snapshot
        .flow_logs
        .iter()
        .map(|log| (log.flow_log_id.as_str(), format!("{log:?}")));
    groups
        .chain(endpoints)
        .chain(nat_gateways)
        .chain(addresses)
        .chain(logs)
        .filter(|(id, _)| ids.contains(*id))
        .map(|(_, whole)| whole)
        .collect()
}

proptest! {
    #[test]
    fn what_has_copied_tags_is_told_and_never_touched(
        mut world in world("None"),
        copies in copies(),
        turn in turn(),
        damages in collection::vec(damage(), 1..3),
    ) {
        let world: &mut World = &mut world;
        let mut memory = Memory::new(world.snapshot.clone());
        converge(world, &mut memory);
        let there: Vec<String> = tagged(&memory.snapshot).into_keys().collect();
        prop_assume!(!there.is_empty());
        let theirs: BTreeSet<String> = copies
            .iter()
            .enumerate()
            .map(|(number, copy)| put(&mut memory.snapshot, copy.of.get::<String>(&there), number, copy))
            .collect();
        match turn {
            Turn::Nothing => {}
            Turn::Damage => damages.iter().for_each(|damage| inflict(&mut memory, damage)),
            Turn::ProfileGoes => drop(world.references.profiles.remove(0)),
            Turn::Deleted => delete(&mut world.references),
            Turn::Retained => {
                world.references.vpc.spec.deletion_policy = DeletionPolicy::Retain;
                delete(&mut world.references);
            }
            Turn::StatusLost => memory.status = Default::default(),
            Turn::LostAndDeleted => {
                memory.status = Default::default();
                delete(&mut world.references);
            }
        }
        // Damage may have hit them, too; what is left of them stays as it is then.
        let before = found(&memory.snapshot, &theirs);
        for _ in 0..4 {
            let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
            prop_assert_eq!(naming(&plan, &theirs), Vec::<String>::new(), "{:?}", turn);
            prop_assert!(plan.owned.keys().all(|id| !theirs.contains(id)), "{:?}", plan.owned);
            claim(&mut world.references, &plan);
            memory.carry_out(&plan);
            memory.pass_time();
        }
        prop_assert_eq!(found(&memory.snapshot, &theirs), before);
        let last = plan_for(&world.references, &memory.snapshot, &memory.history());
        for id in tagged(&memory.snapshot).keys().filter(|id| theirs.contains(*id)) {
            let is_told = last.findings.iter().any(|finding| finding.message.contains(id.as_str()));
            prop_assert!(is_told, "nobody hears of {id}: {:?}", last.findings);
        }
        // Without a ledger, which of two is ours may not be known; with one it is.
        if let Turn::Deleted | Turn::Retained = turn {
            prop_assert!(last.owned.is_empty(), "{:?} are left", last.owned);
        }
    }

    #[test]
    fn rules_of_others_in_network_acls_stay_whatever_their_numbers(
        mut world in world("None"),
        rules in collection::vec(rule_of_others(), 1..6),
        are_first in any::<bool>(),
        turn in turn(),
    ) {
        let mut memory = Memory::new(world.snapshot.clone());
        let mut theirs: Vec<(usize, NetworkAclEntry)> = Vec::new();
        if are_first {
            theirs = put_rules(&mut memory.snapshot, &rules);
        }
        converge(&mut world, &mut memory);
        if !are_first {
            theirs = put_rules(&mut memory.snapshot, &rules);
        }
        match turn {
            Turn::Nothing | Turn::Damage => {}
            Turn::ProfileGoes => drop(world.references.profiles.remove(0)),
            Turn::Deleted | Turn::Retained => delete(&mut world.references),
            Turn::StatusLost => memory.status = Default::default(),
            Turn::LostAndDeleted => {
                memory.status = Default::default();
                delete(&mut world.references);
            }
        }
        for _ in 0..4 {
            let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
            claim(&mut world.references, &plan);
            memory.carry_out(&plan);
            memory.pass_time();
            for (acl, rule) in &theirs {
                let acl = &memory.snapshot.network_acls[*acl];
                prop_assert!(acl.entries.contains(rule), "{rule:?} of {} is gone: {:?}", acl.network_acl_id, plan.actions);
            }
        }
    }
}

/// A rule under one of the numbers that ours get, and the ACL that it is in.
fn rule_of_others() -> impl Strategy<Value = (usize, AclEntry)> {
    let cidr = sample::select(vec!["0.0.0.0/0", "192.0.2.0/24", "10.0.0.0/16", "::/0"]);
    let direction = sample::select(vec![Direction::Ingress, Direction::Egress]);
    (0..2usize, direction, 30_000..30_012u16, any::<bool>(), cidr).prop_map(|(acl, direction, number, allows, cidr)| {
        // None of ours is for this protocol.
        let protocol = if allows { Protocol::Number(47) } else { Protocol::All };
        let entry = AclEntry::new(direction, number, allows, protocol, None, cidr.parse().unwrap());
        (acl, entry)
    })
}

/// Puts them where their numbers are free, and gives those that found a place.
fn put_rules(snapshot: &mut Snapshot, rules: &[(usize, AclEntry)]) -> Vec<(usize, NetworkAclEntry)> {
    let mut put = Vec::new();
    for (acl, rule) in rules {
        let entry = entry_of(rule);
        let entries = &mut snapshot.network_acls[*acl].entries;
        let is_taken = entries
            .iter()
            .any(|other| other.egress == entry.egress && other.rule_number == entry.rule_number);
        let alike = entries.iter().filter(|other| {
            other.egress == entry.egress
                && other.ipv6_cidr_block.is_some() == entry.ipv6_cidr_block.is_some()
                && other.rule_number < 32_767
        });
        if !is_taken && alike.count() < 19 {
            entries.push(entry.clone());
            put.push((*acl, entry));
        }
    }
    put
}
