//! What runs is not cut off: while a network interface of SageMaker's is there,
//! no action of any plan takes away a way that its workload needs, in whatever
//! order the plan lets actions be done. Ways are those of single packets, moved
//! by the oracle of `reach`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::Ipv4Net;
use proptest::{prelude::*, sample};
use sagevpc::{
    api::InternetMode,
    catalog::Need,
    observed::{EndpointState, NetworkInterface, Snapshot, VpcSnapshot},
    plan::{ActionId, Plan, PlannedAction},
    policy::{Share, evaluate_family_for_anyone},
    types::{NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId},
};
use serde_json::json;

use crate::{
    inputs::{VPC, World, claim, delete, plan_for, validated, world},
    memory::Memory,
    planning::converge,
    reach::oracle::{Ends, Fate, Packet, fate},
};

/// Somewhere that an interface's workload must get.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    S3(Option<String>),
    Service(String),
    Outside(u16),
    Members(SubnetId),
}

/// An interface of SageMaker's, and what its workload needs.
#[derive(Clone, Debug)]
struct Running {
    id: NetworkInterfaceId,
    subnet: SubnetId,
    groups: Vec<SecurityGroupId>,
    ways: Vec<Way>,
}

/// What someone does while it runs.
#[derive(Clone, Copy, Debug)]
enum Change {
    DeleteProfile(usize),
    DeleteAll,
    Shrink(usize),
    Withdraw,
    CloseTheWayOut,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..3usize).prop_map(Change::DeleteProfile),
        Just(Change::DeleteAll),
        (0..3usize).prop_map(Change::Shrink),
        Just(Change::Withdraw),
        Just(Change::CloseTheWayOut),
    ]
}

impl Change {
    fn make(self, world: &mut World) {
        let count = world.references.profiles.len();
        let at = |place: usize| place % count.max(1);
        match self {
            Self::DeleteProfile(place) if count > 0 => {
                let mut gone = world.references.clone();
                delete(&mut gone);
                let profile = &mut world.references.profiles[at(place)].profile;
                profile.metadata.deletion_timestamp = gone.vpc.metadata.deletion_timestamp;
            }
            Self::Shrink(place) if count > 0 => {
                let spec = &mut world.references.profiles[at(place)].profile.spec;
                spec.workloads.truncate(1);
                for workload in &mut spec.workloads {
                    workload.distributed = false;
                    workload.efa = false;
                }
                spec.buckets.clear();
                spec.services.clear();
                spec.destinations.clear();
                spec.package_repositories = None;
            }
            Self::DeleteAll => delete(&mut world.references),
            Self::Withdraw => {
                world.references.vpc.spec.grants.everyone.buckets.clear();
                world.references.vpc.spec.grants.everyone.destinations.clear();
            }
            Self::CloseTheWayOut => world.references.vpc.spec.internet.mode = InternetMode::None,
            Self::DeleteProfile(_) | Self::Shrink(_) => {}
        }
    }
}

fn seen(snapshot: &Snapshot) -> VpcSnapshot {
    snapshot.vpc(&VpcId::new(VPC)).expect("the VPC is there")
}

/// Starts something on each subnet of each workload that can be started.
fn start(world: &World, memory: &mut Memory) -> Vec<Running> {
    let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
    let validated = validated(&world.references);
    let mut running = Vec::new();
    for profile in validated
        .profiles
        .iter()
        .filter(|profile| plan.contributing.contains(&profile.key))
    {
        let configs = &plan.vpc_configs[&profile.key];
        for (workload, config) in profile.workloads.iter().zip(configs) {
            let requirements = workload.kind.requirements();
            let mut ways = Vec::new();
            if requirements.needs.contains(&Need::S3) && !workload.direct_internet_access {
                ways.push(Way::S3(None));
                ways.extend(profile.buckets.iter().map(|bucket| Way::S3(Some(bucket.clone()))));
            }
            if !workload.direct_internet_access {
                let of_kind = requirements.services.iter().map(|name| (*name).to_owned());
                ways.extend(of_kind.chain(profile.services.iter().cloned()).map(Way::Service));
                let ports = profile.destinations.iter().flat_map(|destination| &destination.ports);
                ways.extend(ports.map(|port| Way::Outside(*port)));
            }
            if workload.options.distributed {
                ways.extend(config.subnets.iter().cloned().map(Way::Members));
            }
            if config.security_group_ids.is_empty() {
                continue;
            }
            for subnet in config.subnets.iter().take(2) {
                let number = 0x7000 + running.len();
                let interface: NetworkInterface = serde_json::from_value(json!({
                    "NetworkInterfaceId": format!("eni-{number:017x}"),
                    "VpcId": VPC,
                    "SubnetId": subnet,
                    "Description": "[Do not delete] Network Interface created by SageMaker",
                    "Groups": config.security_group_ids.iter().map(|id| json!({ "GroupId": id })).collect::<Vec<_>>(),
                }))
                .expect("an interface");
                running.push(Running {
                    id: interface.network_interface_id.clone(),
                    subnet: subnet.clone(),
                    groups: config.security_group_ids.clone(),
                    ways: ways.clone(),
                });
                memory.snapshot.network_interfaces.push(interface);
            }
        }
    }
    running
}

fn stop(memory: &mut Memory, running: &[Running]) {
    let is_one = |interface: &NetworkInterface| running.iter().any(|one| one.id == interface.network_interface_id);
    memory
        .snapshot
        .network_interfaces
        .retain(|interface| !is_one(interface));
}

/// An address in the block that a host may have.
fn host(block: Ipv4Net) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(block.network().to_bits() + 10))
}

/// How far a packet gets: 2 is there and back, 1 is out of sight.
fn gets(vpc: &VpcSnapshot, running: &Running, way: &Way) -> u8 {
    let Some(source) = vpc.subnets[&running.subnet].cidr_block.map(host) else {
        return 0;
    };
    let groups: Vec<&str> = running.groups.iter().map(|id| id.as_str()).collect();
    let mut policy_allows = true;
    let (port, protocol, receiver, far): (u16, u8, Option<Vec<&str>>, Vec<IpAddr>) = match way {
        Way::S3(bucket) => {
            policy_allows = bucket
                .as_deref()
                .is_none_or(|bucket| lets_through(vpc, &running.subnet, bucket));
            let list = vpc.s3_prefix_list().expect("S3 has a list");
            let far = list.cidrs.iter().map(|cidr| host(cidr.parse().expect("a block")));
            (443, 6, None, far.collect())
        }
        Way::Service(name) => {
            let suffix = format!(".{name}");
            let endpoint = vpc.vpc_endpoints.iter().find(|endpoint| {
                endpoint.is_interface()
                    && endpoint.private_dns_enabled
                    && endpoint.is_there()
                    && (endpoint.service_name.ends_with(&suffix) || endpoint.service_name == *name)
            });
            match endpoint {
                Some(endpoint) if endpoint.endpoint_state() != EndpointState::Available => return 0,
                Some(endpoint) => {
                    let blocks = endpoint.subnet_ids.iter().filter_map(|id| vpc.subnets[id].cidr_block);
                    let receiver = endpoint.groups.iter().map(|group| group.group_id.as_str()).collect();
                    (443, 6, Some(receiver), blocks.map(host).collect())
                }
                None => (443, 6, None, vec![outside()]),
            }
        }
        Way::Outside(port) => (*port, 6, None, vec![outside()]),
        Way::Members(subnet) => {
            let far = vpc.subnets[subnet].cidr_block.map(|block| {
                let IpAddr::V4(host) = host(block) else { unreachable!() };
                IpAddr::V4(Ipv4Addr::from_bits(host.to_bits() + 1))
            });
            (9999, 17, Some(groups.clone()), far.into_iter().collect())
        }
    };
    let ends = Ends {
        subnet: running.subnet.as_str(),
        groups,
        receiver,
        policy_allows,
    };
    let fates = far.into_iter().map(|destination| {
        let packet = Packet {
            source,
            destination,
            protocol,
            port,
            own_port: 40_000,
        };
        match fate(vpc, &ends, packet) {
            Fate::Arrives => 2,
            Fate::OutOfSight => 1,
            Fate::Dropped(_) => 0,
        }
    });
    fates.min().unwrap_or(0)
}

/// An address that is nobody's here.
fn outside() -> IpAddr {
    "8.8.8.8".parse().expect("an address")
}

/// Whether the endpoint on the subnet's way to S3, if there is one, lets the
/// bucket be read.
fn lets_through(vpc: &VpcSnapshot, subnet: &SubnetId, bucket: &str) -> bool {
    let table = vpc.route_table_of(subnet).map(|table| &table.route_table_id);
    let on_it = |id| {
        vpc.s3_gateway_endpoints()
            .find(|endpoint| endpoint.route_table_ids.contains(id))
    };
    let Some(endpoint) = table.and_then(on_it) else {
        return true;
    };
    let policy = endpoint.policy().expect("it can be read");
    let object = format!("arn:aws:s3:::{bucket}/*");
    evaluate_family_for_anyone(&policy, "s3:GetObject", &object).share() == Share::All
}

fn standing(snapshot: &Snapshot, running: &[Running]) -> Vec<Vec<u8>> {
    let vpc = seen(snapshot);
    let of_one = |one: &Running| one.ways.iter().map(|way| gets(&vpc, one, way)).collect();
    running.iter().map(of_one).collect()
}

/// The plan with its actions in another order that it permits.
fn shuffled(mut plan: Plan, order: &[usize]) -> Plan {
    let mut left: Vec<PlannedAction> = std::mem::take(&mut plan.actions);
    let mut done: BTreeMap<ActionId, ()> = BTreeMap::new();
    let mut picks = order.iter().cycle();
    while !left.is_empty() {
        let ready: Vec<usize> = (0..left.len())
            .filter(|place| left[*place].after.iter().all(|earlier| done.contains_key(earlier)))
            .collect();
        let pick = ready[picks.next().copied().unwrap_or(0) % ready.len()];
        let planned = left.remove(pick);
        done.insert(planned.id, ());
        plan.actions.push(planned);
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_runs_keeps_the_ways_that_it_needs_until_it_ends(
        mut world in world("None"),
        changes in proptest::collection::vec(change(), 1..3),
        order in proptest::collection::vec(0..1000usize, 1..20),
        which in sample::select(vec![1usize, 2, 3]),
    ) {
        // Where no name resolves, nobody has a way to anything.
        for attributes in &mut world.snapshot.vpc_attributes {
            attributes.enable_dns_support.value = true;
            attributes.enable_dns_hostnames.value = true;
        }
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let all = start(&world, &mut memory);
        // Some have ended already.
        let (running, ended): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(place, _)| place % which == 0);
        let mut running: Vec<Running> = running.into_iter().map(|(_, one)| one).collect();
        // Where no other instance is, nobody needs to get.
        let places: Vec<_> = running.iter().map(|one| (one.subnet.clone(), one.groups.clone())).collect();
        for one in &mut running {
            let groups = one.groups.clone();
            one.ways.retain(|way| match way {
                Way::Members(subnet) => places.contains(&(subnet.clone(), groups.clone())),
                Way::S3(_) | Way::Service(_) | Way::Outside(_) => true,
            });
        }
        stop(&mut memory, &ended.into_iter().map(|(_, one)| one).collect::<Vec<_>>());
        let mut before = standing(&memory.snapshot, &running);
        changes.iter().for_each(|change| change.make(&mut world));
        let mut rounds = 0;
        loop {
            let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
            let runs = |planned: &PlannedAction| planned.runs_now()
                && planned.after.iter().all(|id| plan.actions[id.0].runs_now());
            if !plan.actions.iter().any(runs) {
                break;
            }
            rounds += 1;
            prop_assert!(rounds < 8, "it never comes to rest: {:?}", plan.actions);
            claim(&mut world.references, &plan);
            let mut lost = None;
            memory.carry_out_watched(&shuffled(plan, &order), |planned, snapshot| {
                let now = standing(snapshot, &running);
                for (one, (now, had)) in running.iter().zip(now.iter().zip(&before)) {
                    let mut ways = one.ways.iter().zip(now.iter().zip(had));
                    if let Some((way, _)) = ways.find(|(_, (now, had))| now < had) {
                        lost.get_or_insert_with(|| format!("{planned} takes {way:?} from {one:?}"));
                    }
                }
            });
            prop_assert_eq!(lost, None);
            memory.pass_time();
            let now = standing(&memory.snapshot, &running);
            // What was gained meanwhile is not taken away either.
            before = now.iter().zip(&before).map(|(now, had)| {
                now.iter().zip(had).map(|(now, had)| (*now).max(*had)).collect()
            }).collect();
        }
        stop(&mut memory, &running);
        converge(&mut world, &mut memory);
    }
}
