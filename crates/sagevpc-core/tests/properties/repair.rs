//! Damage to what is ours, and its repair.

#[path = "repair/edges.rs"]
mod edges;

use std::collections::BTreeSet;

use proptest::{collection, prelude::*, sample::Index};
use sagevpc_core::{
    observed::{GroupIdentifier, Route, Snapshot, Stage, VpcEndpoint},
    plan::ClientTokens,
    types::{Direction, NatGatewayId, Peer, Rule, SecurityGroupId},
};

use crate::{
    inputs::{World, claim, plan_for, world},
    memory::{Memory, add_rule, edges::our_rules, foreign, is_ours, ours, remove_rule},
    planning::converge,
};

/// Something that someone does behind our back.
#[derive(Clone, Debug)]
pub enum Damage {
    RevokeRule(Index, Index),
    OpenRule(Index),
    TakeTableOff(Index),
    ReplacePolicy,
    DeleteEndpoint(Index),
    TakeZoneOff(Index, Index),
    TurnPrivateDnsOff(Index),
    SwapGroups(Index),
    DeleteGroup(Index),
    TakeTagsOff(Index),
    DeleteNatGateway(Index),
    RemoveRoute(Index),
    Edge(edges::Damage),
}

pub fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        1 => any::<(Index, Index)>().prop_map(|(group, rule)| Damage::RevokeRule(group, rule)),
        1 => any::<Index>().prop_map(Damage::OpenRule),
        1 => any::<Index>().prop_map(Damage::TakeTableOff),
        1 => Just(Damage::ReplacePolicy),
        1 => any::<Index>().prop_map(Damage::DeleteEndpoint),
        1 => any::<(Index, Index)>().prop_map(|(endpoint, zone)| Damage::TakeZoneOff(endpoint, zone)),
        1 => any::<Index>().prop_map(Damage::TurnPrivateDnsOff),
        1 => any::<Index>().prop_map(Damage::SwapGroups),
        1 => any::<Index>().prop_map(Damage::DeleteGroup),
        1 => any::<Index>().prop_map(Damage::TakeTagsOff),
        1 => any::<Index>().prop_map(Damage::DeleteNatGateway),
        1 => any::<Index>().prop_map(Damage::RemoveRoute),
        3 => edges::damage().prop_map(Damage::Edge),
    ]
}

/// The NAT gateways of ours that are there.
fn nat_gateways(snapshot: &Snapshot) -> Vec<NatGatewayId> {
    let there = snapshot
        .nat_gateways
        .iter()
        .filter(|nat| is_ours(&nat.tags) && nat.stage() == Stage::Available);
    there.map(|nat| nat.nat_gateway_id.clone()).collect()
}

fn leads_to_ours(ours: &[NatGatewayId], route: &Route) -> bool {
    ours.iter()
        .any(|id| route.nat_gateway_id.as_deref() == Some(id.as_str()))
}

pub fn inflict(memory: &mut Memory, damage: &Damage) {
    inflict_on_endpoints(memory, damage);
    let our_nat_gateways = nat_gateways(&memory.snapshot);
    if let (Damage::DeleteNatGateway(nat), false) = (damage, our_nat_gateways.is_empty()) {
        memory.delete_nat_gateway(nat.get(&our_nat_gateways));
        memory.pass_time();
    }
    let snapshot = &mut memory.snapshot;
    let groups: Vec<usize> = (0..snapshot.security_groups.len())
        .filter(|place| is_ours(&snapshot.security_groups[*place].tags))
        .collect();
    let endpoint = snapshot
        .vpc_endpoints
        .iter()
        .position(|endpoint| is_ours(&endpoint.tags));
    match damage {
        Damage::RevokeRule(group, rule) if !groups.is_empty() => {
            let group = &mut snapshot.security_groups[*group.get(&groups)];
            let rules: Vec<Rule> = group.rules().into_iter().collect();
            if !rules.is_empty() {
                remove_rule(group, rule.get(&rules));
            }
        }
        Damage::OpenRule(group) if !groups.is_empty() => {
            let group = &mut snapshot.security_groups[*group.get(&groups)];
            let rule = Rule::all(Direction::Ingress, Peer::Cidr("0.0.0.0/0".parse().unwrap()));
            if !group.rules().contains(&rule) {
                add_rule(group, &rule);
            }
        }
        Damage::DeleteGroup(group) if !groups.is_empty() => {
            let place = *group.get(&groups);
            // EC2 keeps a group that is in use.
            if !is_in_use(snapshot, &snapshot.security_groups[place].group_id) {
                snapshot.security_groups.remove(place);
            }
        }
        Damage::TakeTableOff(table) => {
            if let Some(endpoint) = endpoint.map(|place| &mut snapshot.vpc_endpoints[place])
                && !endpoint.route_table_ids.is_empty()
            {
                endpoint
                    .route_table_ids
                    .remove(table.index(endpoint.route_table_ids.len()));
            }
        }
        Damage::ReplacePolicy => {
            if let Some(endpoint) = endpoint.map(|place| &mut snapshot.vpc_endpoints[place]) {
                endpoint.policy_document = Some(r#"{"Statement":[]}"#.to_owned());
            }
        }
        Damage::TakeTagsOff(group) if !groups.is_empty() => {
            let group = &mut snapshot.security_groups[*group.get(&groups)];
            group.tags.retain(|tag| tag.key.starts_with("sagevpc.dev/"));
        }
        Damage::Edge(damage) => edges::inflict(snapshot, damage),
        Damage::RemoveRoute(table) => {
            let with_ours: Vec<usize> = (0..snapshot.route_tables.len())
                .filter(|place| {
                    let routes = &snapshot.route_tables[*place].routes;
                    routes.iter().any(|route| leads_to_ours(&our_nat_gateways, route))
                })
                .collect();
            if !with_ours.is_empty() {
                let routes = &mut snapshot.route_tables[*table.get(&with_ours)].routes;
                routes.retain(|route| !leads_to_ours(&our_nat_gateways, route));
            }
        }
        Damage::RevokeRule(..)
        | Damage::OpenRule(_)
        | Damage::DeleteGroup(_)
        | Damage::TakeTagsOff(_)
        | Damage::DeleteNatGateway(_)
        | Damage::DeleteEndpoint(_)
        | Damage::TakeZoneOff(..)
        | Damage::TurnPrivateDnsOff(_)
        | Damage::SwapGroups(_) => {}
    }
}

fn inflict_on_endpoints(memory: &mut Memory, damage: &Damage) {
    let ours: Vec<VpcEndpoint> = memory
        .snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| is_ours(&endpoint.tags))
        .cloned()
        .collect();
    let interface: Vec<&VpcEndpoint> = ours.iter().filter(|endpoint| endpoint.is_interface()).collect();
    match damage {
        Damage::DeleteEndpoint(endpoint) if !ours.is_empty() => {
            memory.delete_endpoint(&endpoint.get(&ours).vpc_endpoint_id);
        }
        Damage::TakeZoneOff(endpoint, zone) if !interface.is_empty() => {
            let endpoint = endpoint.get(&interface);
            if endpoint.subnet_ids.len() > 1 {
                let subnet = zone.get(&endpoint.subnet_ids);
                // Twice the same zone is once.
                if memory.endpoint(&endpoint.vpc_endpoint_id).subnet_ids.contains(subnet) {
                    memory.detach(&endpoint.vpc_endpoint_id, subnet);
                }
            }
        }
        Damage::TurnPrivateDnsOff(endpoint) if !interface.is_empty() => {
            memory
                .endpoint(&endpoint.get(&interface).vpc_endpoint_id)
                .private_dns_enabled = false;
        }
        Damage::SwapGroups(endpoint) if !interface.is_empty() => {
            memory.swap_groups(&endpoint.get(&interface).vpc_endpoint_id, "sg-0fffffffffffffff0");
        }
        Damage::DeleteEndpoint(_)
        | Damage::TakeZoneOff(..)
        | Damage::TurnPrivateDnsOff(_)
        | Damage::SwapGroups(_)
        | Damage::RevokeRule(..)
        | Damage::OpenRule(_)
        | Damage::TakeTableOff(_)
        | Damage::ReplacePolicy
        | Damage::DeleteGroup(_)
        | Damage::TakeTagsOff(_)
        | Damage::DeleteNatGateway(_)
        | Damage::RemoveRoute(_)
        | Damage::Edge(_) => {}
    }
}

fn is_in_use(snapshot: &Snapshot, id: &SecurityGroupId) -> bool {
    let names = |rule: &Rule| matches!(&rule.peer, Peer::Group { id: named, .. } if named == id);
    let carried = |groups: &[GroupIdentifier]| groups.iter().any(|group| group.group_id == *id);
    snapshot
        .network_interfaces
        .iter()
        .any(|interface| carried(&interface.groups))
        || snapshot.vpc_endpoints.iter().any(|endpoint| carried(&endpoint.groups))
        || snapshot
            .security_groups
            .iter()
            .any(|group| group.rules().iter().any(names))
}

/// What admits traffic: each group's rules, each table's way to S3 and its
/// routes, and where the names of services lead to.
fn access(snapshot: &Snapshot) -> BTreeSet<String> {
    let rules = snapshot.security_groups.iter().flat_map(|group| {
        group
            .rules()
            .into_iter()
            .map(move |rule| format!("{}: {rule}", group.group_id))
    });
    let tables = snapshot
        .vpc_endpoints
        .iter()
        .flat_map(|endpoint| endpoint.route_table_ids.iter().map(|table| format!("{table} -> S3")));
    let ways_out = snapshot.route_tables.iter().flat_map(|table| {
        let active = table.routes.iter().filter(|route| route.is_active());
        active.filter_map(|route| {
            Some(format!(
                "{} -> {:?}",
                table.route_table_id, route.destination_cidr_block?
            ))
        })
    });
    let services = snapshot.vpc_endpoints.iter().flat_map(|endpoint| {
        let subnets = endpoint.subnet_ids.iter().filter(|_| endpoint.private_dns_enabled);
        subnets.map(|subnet| format!("{} -> {subnet}", endpoint.service_name))
    });
    rules
        .chain(tables)
        .chain(ways_out)
        .chain(services)
        .chain(our_rules(snapshot))
        .collect()
}

proptest! {
    #[test]
    fn damage_is_put_back(mut world in world("None"), damages in collection::vec(damage(), 1..4)) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let (whole, untouched) = (ours(&memory.snapshot), foreign(&memory.snapshot));
        for damage in &damages {
            inflict(&mut memory, damage);
        }
        converge(&mut world, &mut memory);
        prop_assert_eq!(ours(&memory.snapshot), whole);
        prop_assert_eq!(foreign(&memory.snapshot), untouched);
    }

    #[test]
    fn damage_is_told_from_new_wishes(mut world in world("Disruptive"), damages in collection::vec(damage(), 1..4)) {
        world.references.vpc.spec.approval = sagevpc_core::api::Approval::None;
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        world.references.vpc.spec.approval = sagevpc_core::api::Approval::Disruptive;
        let mut history = memory.history();
        let settled = plan_for(&world.references, &memory.snapshot, &history);
        history.network_in_force = Some(settled.fingerprint.clone());
        for damage in &damages {
            inflict(&mut memory, damage);
        }
        let repair = plan_for(&world.references, &memory.snapshot, &history);
        prop_assert!(repair.actions.iter().all(|planned| planned.drift && !planned.held), "{:?}", repair.actions);
        // A profile that goes is a wish, not damage.
        world.references.profiles.remove(0);
        let changed = plan_for(&world.references, &memory.snapshot, &history);
        prop_assert!(changed.actions.iter().all(|planned| !planned.drift), "{:?}", changed.actions);
    }

    #[test]
    fn nothing_wanted_is_taken_away_on_the_way(
        (before, after) in (world("None"), world("None")),
        damages in collection::vec(damage(), 0..3),
    ) {
        let mut start: World = before;
        let mut memory = Memory::new(start.snapshot.clone());
        converge(&mut start, &mut memory);
        for damage in &damages {
            inflict(&mut memory, damage);
        }
        // The same VPC with other wishes: profiles of the same names, changed.
        for (reference, changed) in start.references.profiles.iter_mut().zip(&after.references.profiles) {
            reference.profile.spec = changed.profile.spec.clone();
        }
        let there = access(&memory.snapshot);
        let plan = plan_for(&start.references, &memory.snapshot, &memory.history());
        let mut steps = Vec::new();
        let mut trial = memory.clone();
        trial.apply_watched(&plan, &ClientTokens::new(), |planned, snapshot| {
            steps.push((planned.action.name(), access(snapshot)));
        });
        let wanted = access(&trial.snapshot);
        let to_keep: BTreeSet<&String> = there.intersection(&wanted).collect();
        for (name, access) in &steps {
            let lost: Vec<_> = to_keep.iter().filter(|kept| !access.contains(**kept)).collect();
            prop_assert!(lost.is_empty(), "{name} cut {lost:?}");
        }
    }

    #[test]
    fn a_refused_profile_keeps_what_it_has(mut world in world("None")) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        let whole = ours(&memory.snapshot);
        // The controller notes what was accepted and is in force.
        let in_force = plan.package_repositories;
        claim(&mut world.references, &plan);
        let status = world.references.vpc.status.get_or_insert_default();
        status.in_force.package_repositories = in_force;
        world.references.vpc.spec.allowed_namespaces = None;
        let frozen = plan_for(&world.references, &memory.snapshot, &memory.history());
        memory.carry_out(&frozen);
        prop_assert_eq!(ours(&memory.snapshot), whole, "{:?}", frozen.actions);
    }
}
