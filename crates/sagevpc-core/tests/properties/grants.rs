//! What teams may name: no rule that is made for a profile goes beyond what its
//! namespace is granted, and nobody is touched by grants that are not theirs.

use std::collections::BTreeMap;

use ipnet::IpNet;
use proptest::{collection, prelude::*, sample};
use serde_json::{Value, json};

use crate::{
    inputs::{World, claim, now, plan_for, validated, world},
    memory::Memory,
};
use sagevpc_core::{
    api::{Destination, NamespaceGrant, NetworkAclMode, Reason},
    observed::Snapshot,
    plan::{Action, History, NetworkAclChange, Plan, SecurityGroupChange, Target},
    report::Scope,
    types::{AclEntry, Direction, Peer, PortRange, ProfileKey, Protocol, ResourceKey, Rule},
    validate::{ProfileReference, References},
};

/// A grant of destinations, and for which namespaces.
#[derive(Clone, Debug)]
struct Drawn {
    target: &'static str,
    ports: &'static str,
    /// All of them where it names none.
    namespaces: Option<Vec<usize>>,
}

const TARGETS: [&str; 11] = [
    "pypi.org",
    "*.example.com",
    "*",
    "*.*",
    "192.0.2.0/24",
    "192.0.2.0/25",
    "192.0.2.128/25",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "::/0",
];

fn drawn() -> impl Strategy<Value = Drawn> {
    let ports = vec!["", ":443", ":5432/tcp", ":8000-9000", ":*"];
    let namespaces = proptest::option::of(sample::subsequence(vec![0usize, 1, 2], 1..=2));
    (sample::select(TARGETS.to_vec()), sample::select(ports), namespaces).prop_map(|(target, ports, namespaces)| {
        Drawn {
            target,
            ports,
            namespaces,
        }
    })
}

fn destination() -> impl Strategy<Value = Value> {
    let targets = vec![
        json!({ "host": "pypi.org" }),
        json!({ "host": "files.example.com" }),
        json!({ "host": "example.com.evil.org" }),
        json!({ "cidr": "192.0.2.0/24" }),
        json!({ "cidr": "192.0.2.9/26" }),
        json!({ "cidr": "192.0.2.0/23" }),
        json!({ "cidr": "192.0.2.0/0" }),
        json!({ "cidr": "2001:db8:1:2::/64" }),
        json!({ "cidr": "2001:db8::/31" }),
        json!({ "cidr": "::/0" }),
    ];
    let ports = sample::subsequence(vec![22, 443, 5432, 8443], 1..=2);
    (sample::select(targets), ports).prop_map(|(mut target, ports)| {
        target["ports"] = json!(ports);
        target
    })
}

fn namespace(place: usize) -> String {
    format!("ml-{place}")
}

impl Drawn {
    fn is_for(&self, place: usize) -> bool {
        self.namespaces.as_ref().is_none_or(|places| places.contains(&place))
    }

    /// Whether it is everything: the pattern of any name and nothing else.
    fn is_everything(&self) -> bool {
        self.target == "*" && self.ports.is_empty()
    }

    fn has_port(&self, port: u16) -> bool {
        match self.ports {
            _ if self.is_everything() => true,
            "" | ":443" => port == 443,
            ":5432/tcp" => port == 5432,
            ":8000-9000" => (8000..=9000).contains(&port),
            _ => true,
        }
    }

    /// The addresses that rules on its account may name: any for host names.
    fn blocks(&self) -> Vec<IpNet> {
        match self.target.parse() {
            Ok(block) => vec![block],
            Err(_) => vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        }
    }

    fn admits_host(&self, host: &str) -> bool {
        match self.target {
            "*" | "*.*" => true,
            "*.example.com" => host == "files.example.com",
            target => host == target,
        }
    }
}

/// Whether every address of the block lies in one of these: halved until it
/// does, or one half lies in none.
fn is_covered(block: IpNet, by: &[IpNet]) -> bool {
    if by.iter().any(|one| one.contains(&block)) {
        return true;
    }
    let may_be = by.iter().any(|one| block.contains(one));
    let halves = block.subnets(block.prefix_len() + 1);
    may_be && halves.is_ok_and(|mut halves| halves.all(|half| is_covered(half, by)))
}

/// The blocks that these grants admit on a port; on any where none is given.
fn blocks<'a>(grants: impl Iterator<Item = &'a Drawn>, port: Option<u16>) -> Vec<IpNet> {
    grants
        .filter(|grant| port.is_none_or(|port| grant.has_port(port)))
        .flat_map(Drawn::blocks)
        .collect()
}

/// Whether one namespace is granted the destination, port by port.
fn is_granted(grants: &[Drawn], place: usize, destination: &Destination) -> bool {
    destination.ports.iter().all(|port| {
        let here = || {
            grants
                .iter()
                .filter(|grant| grant.is_for(place) && grant.has_port(*port))
        };
        if here().any(Drawn::is_everything) {
            return true;
        }
        match (&destination.host, &destination.cidr) {
            (Some(host), _) => here().any(|grant| grant.admits_host(host)),
            (None, Some(cidr)) => {
                let of_addresses = here().filter(|grant| grant.target.contains('/'));
                let cidr: IpNet = cidr.parse().unwrap();
                is_covered(cidr.trunc(), &blocks(of_addresses, None))
            }
            (None, None) => false,
        }
    })
}

/// Gives each profile a namespace of its own, and the destinations to one each.
fn grant(world: &mut World, grants: &[Drawn], wishes: &[Vec<Value>]) {
    let spec = &mut world.references.vpc.spec;
    spec.internet = serde_json::from_value(json!({ "mode": "Existing" })).unwrap();
    spec.network_acls.mode = NetworkAclMode::Enforce;
    spec.grants.everyone.destinations = Vec::new();
    spec.grants.namespaces = grants
        .iter()
        .map(|grant| {
            let names = grant
                .namespaces
                .as_ref()
                .map(|places| places.iter().map(|place| namespace(*place)).collect());
            let mut item = NamespaceGrant {
                names,
                ..NamespaceGrant::default()
            };
            item.grant.destinations = vec![format!("{}{}", grant.target, grant.ports)];
            item
        })
        .collect();
    for (place, reference) in world.references.profiles.iter_mut().enumerate() {
        reference.profile.metadata.namespace = Some(namespace(place));
        reference.profile.spec.destinations = serde_json::from_value(json!(wishes[place])).unwrap();
    }
}

fn plan_now(references: &References, snapshot: &Snapshot) -> Plan {
    plan_for(references, snapshot, &History::none(now()))
}

/// Rules of the groups that the plan makes, each with whom it is made for.
fn rules(plan: &Plan) -> Vec<(ProfileKey, Rule)> {
    plan.actions
        .iter()
        .filter_map(|planned| match &planned.action {
            Action::SecurityGroup(SecurityGroupChange::Authorize {
                group: Target::Made(ResourceKey::WorkloadSecurityGroup { profile, .. }),
                rules,
                ..
            }) => Some(rules.iter().map(|rule| (profile.clone(), rule.clone()))),
            _ => None,
        })
        .flatten()
        .collect()
}

fn entries(plan: &Plan) -> Vec<AclEntry> {
    plan.actions
        .iter()
        .filter_map(|planned| match &planned.action {
            Action::NetworkAcl(
                NetworkAclChange::CreateEntry { entry, .. } | NetworkAclChange::ReplaceEntry { entry, .. },
            ) => Some(entry.clone()),
            _ => None,
        })
        .filter(|entry| entry.allows)
        .collect()
}

/// The one port of a rule over TCP.
fn port(protocol: Protocol, ports: Option<&PortRange>) -> Option<u16> {
    let range = ports.filter(|range| protocol == Protocol::TCP && range.from == range.to)?;
    u16::try_from(range.from).ok()
}

proptest! {
    #[test]
    fn every_rule_lies_inside_what_its_namespace_is_granted(
        mut world in world("None"),
        grants in collection::vec(drawn(), 0..5),
        wishes in collection::vec(collection::vec(destination(), 0..3), 3),
    ) {
        grant(&mut world, &grants, &wishes);
        let checked = validated(&world.references);
        for (place, reference) in world.references.profiles.iter().enumerate() {
            let mut wishes = reference.profile.spec.destinations.iter();
            let may = wishes.all(|wish| is_granted(&grants, place, wish));
            let scope = Scope::Profile(reference.key());
            let refused = checked.findings.iter().any(|finding| {
                finding.scope == scope && finding.reason == Reason::NotGranted && finding.message.contains("destination")
            });
            prop_assert_eq!(refused, !may, "{:?}", checked.findings);
        }
        let plan = plan_now(&world.references, &world.snapshot);
        // The same profiles take part, and need the rest as before.
        let mut without = world.references.clone();
        for (place, reference) in without.profiles.iter_mut().enumerate() {
            let destinations = &mut reference.profile.spec.destinations;
            if destinations.iter().all(|wish| is_granted(&grants, place, wish)) {
                destinations.clear();
            }
        }
        let without = plan_now(&without, &world.snapshot);
        // The VPC's own addresses, and S3's, which need no grant.
        let own = ["10.0.0.0/8", "2001:db8::/48", "52.216.0.0/15"].map(|block| block.parse().unwrap());
        let other_rules: Vec<Rule> = rules(&without).into_iter().map(|(_, rule)| rule).collect();
        for (profile, rule) in rules(&plan).into_iter().filter(|(_, rule)| !other_rules.contains(rule)) {
            let place = (0..3).find(|place| namespace(*place) == profile.namespace).unwrap();
            let Peer::Cidr(cidr) = rule.peer else {
                continue;
            };
            if is_covered(cidr, &own) {
                continue;
            }
            let port = port(rule.protocol, rule.ports.as_ref());
            let granted = blocks(grants.iter().filter(|grant| grant.is_for(place)), port);
            prop_assert_eq!(rule.direction, Direction::Egress);
            prop_assert!(port.is_some() && is_covered(cidr, &granted), "{profile}: {rule} beyond {grants:?}");
        }
        let acl = |entry: &AclEntry| (entry.direction, entry.protocol, entry.ports, entry.cidr);
        let others: Vec<_> = entries(&without).iter().map(acl).collect();
        for entry in entries(&plan) {
            if others.contains(&acl(&entry)) || is_covered(entry.cidr, &own) {
                continue;
            }
            let asked = match entry.direction {
                Direction::Egress => port(entry.protocol, entry.ports.as_ref()),
                // Answers come back to whatever port was asked from.
                Direction::Ingress => None,
            };
            let granted = blocks(grants.iter(), asked);
            let bounds_ports = entry.direction == Direction::Ingress || asked.is_some();
            prop_assert!(bounds_ports && is_covered(entry.cidr, &granted), "{entry:?} beyond {grants:?}");
        }
    }

    #[test]
    fn what_is_granted_to_others_changes_no_plan(
        mut world in world("Disruptive"),
        grants in collection::vec(drawn(), 1..5),
        wishes in collection::vec(collection::vec(destination(), 0..2), 3),
        wish in sample::select(vec![
            json!({ "buckets": [{ "name": "fraud-0" }] }),
            json!({ "services": ["sts"] }),
            json!({ "destinations": [{ "host": "pypi.org" }] }),
            json!({ "securityGroups": { "ids": ["sg-00000000000000001"] } }),
        ]),
        turn in 0..5usize,
    ) {
        grant(&mut world, &grants, &wishes);
        // Each team's own things are its own team's.
        let spec = &mut world.references.vpc.spec.grants;
        let mut theirs = NamespaceGrant { names: Some((0..3).map(namespace).collect()), ..NamespaceGrant::default() };
        theirs.grant = std::mem::take(&mut spec.everyone);
        spec.namespaces.push(theirs);
        for item in &mut spec.namespaces {
            item.names.get_or_insert_with(|| (0..3).map(namespace).collect());
        }
        let mut memory = Memory::new(world.snapshot.clone());
        for _ in 0..2 {
            let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
            claim(&mut world.references, &plan);
            memory.carry_out(&plan);
            memory.pass_time();
        }
        let before = plan_for(&world.references, &memory.snapshot, &memory.history());

        // The order of the items says nothing.
        let items = &mut world.references.vpc.spec.grants.namespaces;
        let turn = turn % items.len();
        items.rotate_left(turn);
        prop_assert_eq!(&plan_for(&world.references, &memory.snapshot, &memory.history()), &before);

        // What one more namespace is granted concerns it alone.
        let more: NamespaceGrant = serde_json::from_value(json!({
            "names": ["ml-stranger"], "destinations": ["*:*", "0.0.0.0/0:*"], "buckets": ["*"], "services": ["*"],
            "enforce": { "buckets": ["*"] },
        })).unwrap();
        world.references.vpc.spec.grants.namespaces.push(more);
        prop_assert_eq!(&plan_for(&world.references, &memory.snapshot, &memory.history()), &before);
        world.references.vpc.spec.grants.namespaces.pop();

        // A team that names what is granted to others changes nothing.
        let mut stranger = world.references.profiles[0].profile.clone();
        stranger.metadata.namespace = Some("ml-stranger".to_owned());
        let mut spec = json!({ "vpcRef": { "name": "research" }, "workloads": [{ "name": "w", "kind": "Training" }] });
        spec.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        stranger.spec = serde_json::from_value(spec).unwrap();
        world.references.profiles.insert(0, ProfileReference { profile: stranger, namespace_labels: BTreeMap::new() });
        prop_assert_eq!(&plan_for(&world.references, &memory.snapshot, &memory.history()), &before);
    }
}
