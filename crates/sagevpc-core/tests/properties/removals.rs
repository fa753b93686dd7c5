//! What runs is not cut off: while a network interface of SageMaker's is there,
//! no action of any plan takes away a way that its workload needs, in whatever
//! order the plan lets actions be done. Ways are those of single packets, moved
//! by the oracle of `reach`, and what policies of buckets and roles permit.

#[path = "removals/permissions.rs"]
mod permissions;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use iam_policy::{Share, evaluate_family_for_anyone};
use ipnet::Ipv4Net;
use proptest::{prelude::*, sample};
use sagevpc_core::{
    api::{EnforceGrants, InternetMode, PackageRepositories, RequireVpcEndpoint, SageMakerVpcProfileSpec},
    catalog::{Need, RolePart},
    observed::{EndpointState, NetworkInterface, Snapshot, VpcEndpoint, VpcSnapshot},
    plan::{ActionId, Plan, PlannedAction},
    types::{NetworkInterfaceId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId},
};
use serde_json::{Value, json};

use self::permissions::{allow_more, allows, closing_all, lets_in, own_statement, world_with_permissions};
use crate::{
    inputs::{VPC, World, claim, delete, plan_for, validated},
    memory::Memory,
    planning::converge,
    reach::oracle::{Ends, Fate, Packet, fate},
};

/// Somewhere that an interface's workload must get, or what it must be allowed.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    S3(Option<String>),
    Service(String),
    Outside(u16),
    Members(SubnetId),
    /// An action, by the role that SageMaker takes it with.
    Action(String, &'static str),
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
#[derive(Clone, Debug)]
enum Change {
    DeleteProfile(usize),
    DeleteAll,
    Shrink(usize),
    Withdraw,
    CloseTheWayOut,
    /// One more profile, which has all buckets read by VPC endpoints only.
    CloseBuckets(usize),
    Require(usize),
    RequireNoMore(usize),
    /// The policies of buckets and roles are no longer ours to change.
    WithdrawEnforcement,
    TakeRolesOff(usize),
    /// A role's owner allows it something more.
    AllowMore(usize, Value),
    /// A profile that is being deleted gives way to a smaller one of its name.
    Recreate(usize),
    /// A profile leaves its own groups for one that is made for it, and shrinks.
    ToManaged(usize),
    /// Package repositories are to be out of reach.
    DenyRepositories,
    /// Endpoints of services let nobody call anything any more.
    NarrowPolicies,
}

/// A bucket that Amazon Linux packages come from.
const REPOSITORY: &str = "al2023-repos-us-east-1-de612dc2";
/// A team's own group.
const TEAMS: &str = "sg-0000000000000bea1";

/// Profiles share a group of their team's, which lets all out.
fn share_a_group(world: &mut World) {
    let group = json!({
        "GroupId": TEAMS, "GroupName": "data-science", "VpcId": VPC, "OwnerId": "111122223333",
        "IpPermissions": [{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": TEAMS }] }],
        "IpPermissionsEgress": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }],
    });
    let group = serde_json::from_value(group).expect("a group");
    world.snapshot.security_groups.push(group);
    world.references.vpc.spec.grants.everyone.security_groups = vec!["*".to_owned()];
    for reference in world.references.profiles.iter_mut().take(2) {
        let own = serde_json::from_value(json!({ "ids": [TEAMS] })).expect("groups of its own");
        reference.profile.spec.security_groups = Some(own);
    }
}

fn shrink(spec: &mut SageMakerVpcProfileSpec) {
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

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..3usize).prop_map(Change::DeleteProfile),
        Just(Change::DeleteAll),
        (0..3usize).prop_map(Change::Shrink),
        Just(Change::Withdraw),
        Just(Change::CloseTheWayOut),
        (0..3usize).prop_map(Change::CloseBuckets),
        (0..3usize).prop_map(Change::Require),
        (0..3usize).prop_map(Change::RequireNoMore),
        Just(Change::WithdrawEnforcement),
        (0..3usize).prop_map(Change::TakeRolesOff),
        (0..2usize, own_statement()).prop_map(|(role, statement)| Change::AllowMore(role, statement)),
        (0..3usize).prop_map(Change::Recreate),
        (0..3usize).prop_map(Change::ToManaged),
        Just(Change::DenyRepositories),
        Just(Change::NarrowPolicies),
    ]
}

/// One more profile, like another but for what it asks of buckets.
fn add_profile(world: &mut World, like: usize) {
    let mut more = world.references.profiles[like].clone();
    let number = world.references.profiles.len();
    more.profile.metadata.name = Some(format!("q{number}"));
    more.profile.metadata.uid = Some(format!("v{number}"));
    more.profile.metadata.deletion_timestamp = None;
    more.profile.metadata.finalizers = None;
    more.profile.status = None;
    more.profile.spec.buckets = closing_all();
    world.references.profiles.push(more);
}

impl Change {
    fn make(&self, world: &mut World, memory: &mut Memory) {
        let count = world.references.profiles.len();
        let at = |place: usize| place % count.max(1);
        match *self {
            Self::DeleteProfile(place) if count > 0 => {
                let mut gone = world.references.clone();
                delete(&mut gone);
                let profile = &mut world.references.profiles[at(place)].profile;
                profile.metadata.deletion_timestamp = gone.vpc.metadata.deletion_timestamp;
            }
            Self::Shrink(place) if count > 0 => shrink(&mut world.references.profiles[at(place)].profile.spec),
            Self::Recreate(place) if count > 0 => {
                let profile = &mut world.references.profiles[at(place)].profile;
                if profile.metadata.deletion_timestamp.take().is_some() {
                    profile.metadata.uid = Some("anew".to_owned());
                    shrink(&mut profile.spec);
                }
            }
            Self::ToManaged(place) if count > 0 => {
                let spec = &mut world.references.profiles[at(place)].profile.spec;
                spec.security_groups = None;
                shrink(spec);
            }
            Self::DenyRepositories => {
                for reference in &mut world.references.profiles {
                    let wish = &mut reference.profile.spec.package_repositories;
                    *wish = wish.map(|_| PackageRepositories::Deny);
                }
            }
            Self::NarrowPolicies => {
                let little = |(service, action): (&str, &str)| {
                    let document = json!({ "Version": "2012-10-17", "Statement": [
                        { "Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*" },
                    ] });
                    json!({ "service": service, "document": document.to_string() })
                };
                let services = [
                    ("sts", "sts:GetSessionToken"),
                    ("kms", "kms:ListAliases"),
                    ("logs", "logs:DescribeLogGroups"),
                    ("sagemaker.api", "sagemaker:ListTags"),
                ];
                let policies = services.map(little);
                let policies = policies.map(|policy| serde_json::from_value(policy).expect("a policy"));
                world.references.vpc.spec.interface_endpoints.policies = policies.to_vec();
            }
            Self::DeleteAll => delete(&mut world.references),
            Self::Withdraw => {
                world.references.vpc.spec.grants.everyone.buckets.clear();
                world.references.vpc.spec.grants.everyone.destinations.clear();
            }
            Self::CloseTheWayOut => world.references.vpc.spec.internet.mode = InternetMode::None,
            Self::CloseBuckets(place) if count > 0 => add_profile(world, at(place)),
            Self::Require(place) if count > 0 => require(world, at(place), Some(RequireVpcEndpoint::default())),
            Self::RequireNoMore(place) if count > 0 => require(world, at(place), None),
            Self::WithdrawEnforcement => world.references.vpc.spec.grants.everyone.enforce = EnforceGrants::default(),
            Self::TakeRolesOff(place) if count > 0 => {
                let workloads = &mut world.references.profiles[at(place)].profile.spec.workloads;
                workloads.iter_mut().for_each(|workload| workload.role_arn = None);
            }
            Self::AllowMore(role, ref statement) => allow_more(&mut memory.snapshot, role, statement),
            Self::DeleteProfile(_)
            | Self::Shrink(_)
            | Self::CloseBuckets(_)
            | Self::Require(_)
            | Self::RequireNoMore(_)
            | Self::TakeRolesOff(_)
            | Self::Recreate(_)
            | Self::ToManaged(_) => {}
        }
    }
}

fn require(world: &mut World, place: usize, required: Option<RequireVpcEndpoint>) {
    for bucket in &mut world.references.profiles[place].profile.spec.buckets {
        bucket.require_vpc_endpoint.clone_from(&required);
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
                ways.extend(profile.buckets.keys().map(|bucket| Way::S3(Some(bucket.clone()))));
                let repositories = profile.package_repositories == Some(PackageRepositories::Allow);
                ways.extend(repositories.then(|| Way::S3(Some(REPOSITORY.to_owned()))));
            }
            if !workload.direct_internet_access && !workload.options.isolated {
                let of_kind = workload.kind.services(workload.options).map(str::to_owned);
                ways.extend(of_kind.chain(profile.services.iter().cloned()).map(Way::Service));
                let ports = profile.destinations.iter().flat_map(|destination| &destination.ports);
                ways.extend(ports.map(|port| Way::Outside(*port)));
            }
            if let Some(role) = &workload.role_arn {
                let needs = requirements.role_actions.needs().iter();
                let of_network = needs.filter(|need| need.part == RolePart::Network);
                let actions = of_network.flat_map(|need| need.actions);
                ways.extend(actions.map(|action| Way::Action(role.clone(), action)));
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
fn gets(snapshot: &Snapshot, vpc: &VpcSnapshot, running: &Running, way: &Way) -> u8 {
    let Some(source) = vpc.subnets[&running.subnet].cidr_block.map(host) else {
        return 0;
    };
    let groups: Vec<&str> = running.groups.iter().map(|id| id.as_str()).collect();
    let mut policy_allows = true;
    let (port, protocol, receiver, far): (u16, u8, Option<Vec<&str>>, Vec<IpAddr>) = match way {
        Way::Action(role, action) => return allows(snapshot, role, action),
        Way::S3(Some(bucket)) if !lets_in(snapshot, bucket, endpoint_of(vpc, &running.subnet)) => return 0,
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
                Some(endpoint) if endpoint.state != EndpointState::Available => return 0,
                Some(endpoint) if !lets_all_be_called(endpoint) => return 0,
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
            own_port: Some(40_000),
        };
        match fate(vpc, &ends, packet) {
            Fate::Arrives => 2,
            Fate::OutOfSight => 1,
            Fate::Dropped(_) => 0,
        }
    });
    fates.min().unwrap_or(0)
}

fn lets_all_be_called(endpoint: &VpcEndpoint) -> bool {
    let policy = endpoint.policy().expect("it can be read");
    evaluate_family_for_anyone(&policy, "sts:AssumeRole", "*").share() == Share::All
}

/// An address that is nobody's here.
fn outside() -> IpAddr {
    "8.8.8.8".parse().expect("an address")
}

/// The endpoint on the subnet's way to S3, if there is one.
fn on_the_way<'a>(vpc: &'a VpcSnapshot, subnet: &SubnetId) -> Option<&'a VpcEndpoint> {
    let table = &vpc.route_table_of(subnet)?.route_table_id;
    let mut endpoints = vpc.s3_gateway_endpoints();
    endpoints.find(|endpoint| endpoint.route_table_ids.contains(table))
}

fn endpoint_of<'a>(vpc: &'a VpcSnapshot, subnet: &SubnetId) -> Option<&'a VpcEndpointId> {
    on_the_way(vpc, subnet).map(|endpoint| &endpoint.vpc_endpoint_id)
}

/// Whether the endpoint on the subnet's way to S3, if there is one, lets the
/// bucket be read.
fn lets_through(vpc: &VpcSnapshot, subnet: &SubnetId, bucket: &str) -> bool {
    let Some(endpoint) = on_the_way(vpc, subnet) else {
        return true;
    };
    let policy = endpoint.policy().expect("it can be read");
    let object = format!("arn:aws:s3:::{bucket}/*");
    evaluate_family_for_anyone(&policy, "s3:GetObject", &object).share() == Share::All
}

fn standing(snapshot: &Snapshot, running: &[Running]) -> Vec<Vec<u8>> {
    let vpc = seen(snapshot);
    let of_one = |one: &Running| one.ways.iter().map(|way| gets(snapshot, &vpc, one, way)).collect();
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

/// Carries plans out until what is left waits. Says what took a way from what
/// runs, if something did.
fn come_to_rest(
    world: &mut World,
    memory: &mut Memory,
    running: &[Running],
    order: &[usize],
    before: &mut Vec<Vec<u8>>,
) -> Result<(), String> {
    for _ in 0..8 {
        let plan = plan_for(&world.references, &memory.snapshot, &memory.history());
        remember_network(memory, &plan);
        let runs = |planned: &PlannedAction| {
            planned.runs_now() && planned.after.iter().all(|id| plan.actions[id.0].runs_now())
        };
        if !plan.actions.iter().any(runs) {
            // What was relied on is noted by every pass.
            plan.in_force.note(&mut memory.status.in_force);
            claim(&mut world.references, &plan);
            return Ok(());
        }
        claim(&mut world.references, &plan);
        let mut lost = None;
        memory.carry_out_watched(&shuffled(plan, order), |planned, snapshot| {
            let now = standing(snapshot, running);
            for (one, (now, had)) in running.iter().zip(now.iter().zip(&*before)) {
                let mut ways = one.ways.iter().zip(now.iter().zip(had));
                if let Some((way, _)) = ways.find(|(_, (now, had))| now < had) {
                    lost.get_or_insert_with(|| format!("{planned} takes {way:?} from {one:?}"));
                }
            }
        });
        if let Some(lost) = lost {
            return Err(lost);
        }
        memory.pass_time();
        let now = standing(&memory.snapshot, running);
        // What was gained meanwhile is not taken away either.
        for (had, now) in before.iter_mut().flatten().zip(now.into_iter().flatten()) {
            *had = now.max(*had);
        }
    }
    Err("it never comes to rest".to_owned())
}

/// Notes which network AWS matches, as status does: what differs from it later
/// is drift.
fn remember_network(memory: &mut Memory, plan: &Plan) {
    if plan.is_in_force() {
        memory.status.in_force.network = Some(plan.fingerprint.clone());
    }
}

proptest! {
    #[test]
    fn what_runs_keeps_the_ways_that_it_needs_until_it_ends(
        mut world in world_with_permissions(),
        changes in proptest::collection::vec((change(), any::<bool>()), 1..4),
        order in proptest::collection::vec(0..1000usize, 1..20),
        which in sample::select(vec![1usize, 2, 3]),
        shares in any::<bool>(),
    ) {
        if shares {
            share_a_group(&mut world);
        }
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
                Way::S3(_) | Way::Service(_) | Way::Outside(_) | Way::Action(..) => true,
            });
        }
        stop(&mut memory, &ended.into_iter().map(|(_, one)| one).collect::<Vec<_>>());
        let mut before = standing(&memory.snapshot, &running);
        prop_assert_eq!(come_to_rest(&mut world, &mut memory, &running, &order, &mut before), Ok(()));
        for (change, is_last_for_now) in &changes {
            change.make(&mut world, &mut memory);
            if *is_last_for_now {
                let rest = come_to_rest(&mut world, &mut memory, &running, &order, &mut before);
                prop_assert_eq!(rest, Ok(()), "after {:?}", change);
            }
        }
        let rest = come_to_rest(&mut world, &mut memory, &running, &order, &mut before);
        prop_assert_eq!(rest, Ok(()), "after all");
        stop(&mut memory, &running);
        converge(&mut world, &mut memory);
    }
}
