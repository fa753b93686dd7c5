//! Random VPCs and the objects that speak of them.

#[path = "inputs/edges.rs"]
mod edges;
#[path = "inputs/services.rs"]
mod services;

use std::collections::BTreeMap;

use edges::Edges;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    desired::Network,
    observed::Snapshot,
    plan::{History, Plan, PlannedAction, plan},
    validate::{ProfileReference, References, Validated, validate},
};
use serde_json::{Value, json};

use self::services::{Services, named, services};
use crate::memory::start;

pub const VPC: &str = "vpc-0123456789abcdef0";

/// A VPC and what the cluster says of it.
#[derive(Clone, Debug)]
pub struct World {
    pub references: References,
    pub snapshot: Snapshot,
}

/// One subnet, before ids are given.
#[derive(Clone, Debug)]
struct SubnetInput {
    zone: u8,
    /// A table of its own, or the main one.
    table: Option<u8>,
    free: u32,
    tier: &'static str,
    ipv6: bool,
}

fn subnet() -> impl Strategy<Value = SubnetInput> {
    let tier = sample::select(vec!["private", "private", "private", "other"]);
    (
        0..3u8,
        proptest::option::of(0..2u8),
        prop_oneof![0..12u32, 100..4000u32],
        tier,
        any::<bool>(),
    )
        .prop_map(|(zone, table, free, tier, ipv6)| SubnetInput {
            zone,
            table,
            free,
            tier,
            ipv6,
        })
}

const POLICIES: [&str; 3] = [
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::fraud-data/*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::*repos*/*"}]}"#,
];

/// What the VPC holds that is nobody's business of ours.
#[derive(Clone, Debug)]
struct Others {
    /// An endpoint of someone else's on these tables (0 is the main one).
    endpoint: Option<(Vec<u8>, usize)>,
    /// Tables with a way out through a NAT gateway.
    nat: Vec<u8>,
    /// Interfaces of someone else's, by the place of their subnet.
    interfaces: Vec<usize>,
    dns: (bool, bool),
    /// Public subnets, by their zones.
    public: Vec<u8>,
    /// Whether the VPC has an internet gateway.
    internet_gateway: bool,
}

fn others() -> impl Strategy<Value = Others> {
    let tables = || sample::subsequence(vec![0u8, 1, 2], 0..=3);
    (
        proptest::option::weighted(0.3, (tables(), 0..POLICIES.len())),
        tables(),
        collection::vec(0..5usize, 0..4),
        any::<(bool, bool)>(),
        collection::vec(0..3u8, 0..3),
        proptest::bool::weighted(0.9),
    )
        .prop_map(|(endpoint, nat, interfaces, dns, public, internet_gateway)| Others {
            endpoint,
            nat,
            interfaces,
            dns,
            public,
            internet_gateway,
        })
}

fn table_id(number: u8) -> String {
    format!("rtb-{number:017x}")
}

/// The table of the public subnets.
const PUBLIC: u8 = 9;

fn public_table(others: &Others) -> Value {
    let associations: Vec<Value> = (0..others.public.len())
        .map(|place| json!({ "SubnetId": format!("subnet-{:017x}", 0xe0 + place) }))
        .collect();
    let state = if others.internet_gateway { "active" } else { "blackhole" };
    json!({ "RouteTableId": table_id(PUBLIC), "VpcId": VPC, "Associations": associations, "Routes": [
        { "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" },
        { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0123456789abcdef0", "State": state },
    ] })
}

fn public_subnets(others: &Others) -> impl Iterator<Item = Value> {
    others.public.iter().enumerate().map(|(place, zone)| {
        json!({
            "SubnetId": format!("subnet-{:017x}", 0xe0 + place),
            "VpcId": VPC,
            "AvailabilityZoneId": format!("use1-az{}", zone + 1),
            "CidrBlock": format!("10.0.{}.0/24", 240 + place),
            "AvailableIpAddressCount": 251,
            "Tags": [{ "Key": "tier", "Value": "public" }],
        })
    })
}

fn snapshot(subnets: &[SubnetInput], others: &Others, services: &Services, edges: &Edges) -> Snapshot {
    let tables: Vec<Value> = (0..3u8)
        .map(|number| {
            let mut associations: Vec<Value> = subnets
                .iter()
                .enumerate()
                .filter(|(_, subnet)| subnet.table.map(|table| table + 1) == Some(number))
                .map(|(place, _)| json!({ "SubnetId": format!("subnet-{place:017x}") }))
                .collect();
            if number == 0 {
                associations.push(json!({ "Main": true }));
            }
            let mut routes = vec![json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" })];
            if others.nat.contains(&number) {
                routes.push(json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0123456789abcdef0" }));
            }
            json!({ "RouteTableId": table_id(number), "VpcId": VPC, "Associations": associations, "Routes": routes })
        })
        .chain([public_table(others)])
        .collect();
    let subnets_json: Vec<Value> = subnets
        .iter()
        .enumerate()
        .map(|(place, subnet)| {
            let ipv6 = subnet
                .ipv6
                .then(|| json!({ "Ipv6CidrBlock": format!("2001:db8:0:{place:x}::/64") }));
            json!({
                "SubnetId": format!("subnet-{place:017x}"),
                "VpcId": VPC,
                "AvailabilityZoneId": format!("use1-az{}", subnet.zone + 1),
                "AvailabilityZone": format!("us-east-1{}", char::from(b'a' + subnet.zone)),
                "CidrBlock": format!("10.0.{}.0/20", place * 16),
                "Ipv6CidrBlockAssociationSet": ipv6.into_iter().collect::<Vec<_>>(),
                "AvailableIpAddressCount": subnet.free,
                "Tags": [{ "Key": "tier", "Value": subnet.tier }],
            })
        })
        .chain(public_subnets(others))
        .collect();
    let nat_gateways: Vec<Value> = (!others.nat.is_empty() && !others.public.is_empty())
        .then(|| {
            json!({ "NatGatewayId": "nat-0123456789abcdef0", "VpcId": VPC, "State": "available",
                "SubnetId": format!("subnet-{:017x}", 0xe0) })
        })
        .into_iter()
        .collect();
    let internet_gateways: Vec<Value> = others
        .internet_gateway
        .then(|| {
            json!({ "InternetGatewayId": "igw-0123456789abcdef0",
                "Attachments": [{ "VpcId": VPC, "State": "available" }] })
        })
        .into_iter()
        .collect();
    let endpoints: Vec<Value> = others
        .endpoint
        .iter()
        .map(|(on, policy)| {
            json!({
                "VpcEndpointId": "vpce-0fffffffffffffff0",
                "VpcEndpointType": "Gateway",
                "VpcId": VPC,
                "ServiceName": "com.amazonaws.us-east-1.s3",
                "State": "available",
                "PolicyDocument": POLICIES[*policy],
                "RouteTableIds": on.iter().map(|number| table_id(*number)).collect::<Vec<_>>(),
            })
        })
        .chain(services.theirs(subnets.len(), others.dns == (true, true)))
        .collect();
    let interfaces: Vec<Value> = others
        .interfaces
        .iter()
        .enumerate()
        .map(|(number, place)| {
            json!({
                "NetworkInterfaceId": format!("eni-{number:017x}"),
                "VpcId": VPC,
                "SubnetId": format!("subnet-{:017x}", place % subnets.len()),
                "Description": "build agent",
                "InterfaceType": "interface",
                "Groups": [{ "GroupId": "sg-0fffffffffffffff0" }],
            })
        })
        .collect();
    let list = |value: Value| serde_json::to_string(&value).unwrap();
    let (support, hostnames) = others.dns;
    let files = BTreeMap::from([
        (
            "Vpcs.json",
            list(
                json!({ "Vpcs": [{ "VpcId": VPC, "OwnerId": "111122223333", "InstanceTenancy": "default",
                "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "dopt-0123456789abcdef0" }] }),
            ),
        ),
        (
            "VpcAttributes.json",
            list(
                json!({ "VpcAttributes": [{ "VpcId": VPC, "EnableDnsSupport": { "Value": support },
                "EnableDnsHostnames": { "Value": support && hostnames } }] }),
            ),
        ),
        (
            "DhcpOptions.json",
            list(
                json!({ "DhcpOptions": [{ "DhcpOptionsId": "dopt-0123456789abcdef0", "DhcpConfigurations": [
                { "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] },
                { "Key": "domain-name", "Values": [{ "Value": "ec2.internal" }] }] }] }),
            ),
        ),
        ("Subnets.json", list(json!({ "Subnets": subnets_json }))),
        ("RouteTables.json", list(json!({ "RouteTables": tables }))),
        ("VpcEndpoints.json", list(json!({ "VpcEndpoints": endpoints }))),
        ("NatGateways.json", list(json!({ "NatGateways": nat_gateways }))),
        (
            "InternetGateways.json",
            list(json!({ "InternetGateways": internet_gateways })),
        ),
        (
            "NetworkInterfaces.json",
            list(json!({ "NetworkInterfaces": interfaces })),
        ),
        (
            "SecurityGroups.json",
            list(
                json!({ "SecurityGroups": [{ "GroupId": "sg-0fffffffffffffff0", "GroupName": "default",
                "VpcId": VPC, "OwnerId": "111122223333" }] }),
            ),
        ),
        (
            "PrefixLists.json",
            list(json!({ "PrefixLists": [{ "PrefixListId": "pl-63a5400a",
                "PrefixListName": "com.amazonaws.us-east-1.s3", "Cidrs": ["52.216.0.0/15"] }] })),
        ),
        ("NetworkAcls.json", list(edges.network_acls(subnets.len()))),
        ("FlowLogs.json", list(edges.flow_logs())),
        (
            "VpcEndpointServices.json",
            list(json!({ "ServiceDetails": s3_and(services.offered()) })),
        ),
    ]);
    let mut snapshot = sagevpc_core::observed::files::read(|name| files.get(name).cloned()).unwrap();
    snapshot.account = Some(sagevpc_core::types::AccountId::new("111122223333"));
    snapshot
}

/// What a profile reaches outside.
fn destinations() -> impl Strategy<Value = Vec<Value>> {
    let all = vec![
        json!({ "host": "pypi.org" }),
        json!({ "host": "files.example.com", "ports": [443, 8443] }),
        json!({ "cidr": "192.0.2.0/24", "ports": [5432] }),
        json!({ "cidr": "2001:db8:1::/48" }),
    ];
    prop_oneof![Just(Vec::new()), sample::subsequence(all, 1..=2)]
}

/// The way out, as the platform team wants it.
pub fn internet() -> impl Strategy<Value = Value> {
    sample::select(vec![
        json!({ "mode": "None" }),
        json!({ "mode": "Existing" }),
        json!({ "mode": "ManagedNat" }),
        json!({ "mode": "ManagedNat" }),
        json!({ "mode": "ManagedNat", "natGateways": "Single" }),
        json!({ "mode": "ManagedNat", "natGateways": "Regional" }),
        json!({ "mode": "ManagedNat", "publicSubnets": { "selector": { "tags": { "tier": "public" } } } }),
        json!({ "mode": "ManagedNat", "publicSubnets": { "ids": ["subnet-000000000000000e1"] } }),
    ])
}

fn s3_and(mut services: Vec<Value>) -> Vec<Value> {
    services.push(json!({ "ServiceName": "com.amazonaws.us-east-1.s3",
        "ServiceType": [{ "ServiceType": "Gateway" }] }));
    services
}

fn profile(number: usize) -> impl Strategy<Value = Value> {
    let workload = (
        sample::select(vec![
            "Compilation",
            "Hosting",
            "Processing",
            "Processing",
            "Notebook",
            "ElasticInference",
        ]),
        1..4u32,
        any::<bool>(),
    );
    (
        collection::vec(workload, 1..4),
        sample::select(vec![json!(null), json!("Deny"), json!("Allow")]),
        any::<bool>(),
        sample::select(vec![
            json!(null),
            json!({ "managed": "PerProfile" }),
            json!({ "managed": "PerWorkload" }),
        ]),
        proptest::option::weighted(0.2, 0..5usize),
        destinations(),
        named(),
    )
        .prop_map(
            move |(workloads, repositories, bucket, groups, only, destinations, services)| {
                let workloads: Vec<Value> = workloads
                    .into_iter()
                    .enumerate()
                    .map(|(place, (kind, instances, distributed))| {
                        json!({ "name": format!("w{place}"), "kind": kind, "instances": instances,
                        "distributed": distributed && kind == "Processing" })
                    })
                    .collect();
                let mut spec = json!({ "vpcRef": { "name": "research" }, "workloads": workloads });
                if !repositories.is_null() {
                    spec["packageRepositories"] = repositories;
                }
                if bucket {
                    spec["buckets"] = json!([{ "name": format!("fraud-{number}") }]);
                }
                if !groups.is_null() {
                    spec["securityGroups"] = groups;
                }
                spec["services"] = json!(services);
                if let Some(only) = only {
                    spec["subnets"] = json!({ "ids": [format!("subnet-{only:017x}")] });
                }
                if !destinations.is_empty() {
                    spec["destinations"] = json!(destinations);
                }
                let created = Timestamp::from_second(1_700_000_000).unwrap()
                    + SignedDuration::from_hours(i64::try_from(number).unwrap());
                json!({
                    "apiVersion": "sagevpc.dev/v1alpha1",
                    "kind": "SageMakerVpcProfile",
                    "metadata": { "name": format!("p{number}"), "namespace": "ml", "uid": format!("u{number}"),
                        "creationTimestamp": created.to_string(), "generation": 1 },
                    "spec": spec,
                })
            },
        )
}

fn profiles() -> impl Strategy<Value = Vec<Value>> {
    (profile(0), profile(1), profile(2), 1..=3usize)
        .prop_map(|(a, b, c, count)| [a, b, c].into_iter().take(count).collect())
}

/// A VPC with profiles, approval `approval`, and whatever else may be.
pub fn world(approval: &'static str) -> impl Strategy<Value = World> {
    (
        collection::vec(subnet(), 1..5),
        others(),
        profiles(),
        sample::select(vec!["FullAccess", "Buckets"]),
        sample::select(vec!["Enforce", "Verify"]),
        any::<bool>(),
        (internet(), edges::edges(), services()),
    )
        .prop_map(
            move |(subnets, others, profiles, policy, dns, tagged, (internet, edges, services))| {
                let tags = if tagged { json!({ "team": "ml" }) } else { json!({}) };
                let mut vpc = json!({
                    "apiVersion": "sagevpc.dev/v1alpha1",
                    "kind": "SageMakerVpc",
                    "metadata": { "name": "research", "uid": "v", "generation": 1,
                        "creationTimestamp": "2023-01-01T00:00:00Z" },
                    "spec": {
                        "region": "us-east-1", "vpcId": VPC, "approval": approval, "dns": dns, "tags": tags,
                        "allowedNamespaces": { "from": "All" },
                        "subnets": { "selector": { "tags": { "tier": "private" } } },
                        "s3": { "policy": { "type": policy } },
                        "grants": { "buckets": ["fraud-*"], "packageRepositories": true, "exempt": ["fraud-*"],
                            "destinations": ["*:*", "192.0.2.0/24:5432", "2001:db8:1::/48"] },
                        "internet": internet.clone(),
                    },
                });
                edges.declare(&mut vpc["spec"]);
                services.declare(&mut vpc["spec"]);
                let profiles = profiles
                    .into_iter()
                    .map(|mut profile| {
                        if internet["mode"] == "None" {
                            profile["spec"]["destinations"] = json!([]);
                        }
                        ProfileReference {
                            profile: serde_json::from_value(profile).unwrap(),
                            namespace_labels: BTreeMap::new(),
                        }
                    })
                    .collect();
                World {
                    references: References {
                        cluster: "test".to_owned(),
                        cluster_uid: None,
                        vpc: serde_json::from_value(vpc).unwrap(),
                        rivals: Vec::new(),
                        profiles,
                    },
                    snapshot: snapshot(&subnets, &others, &services, &edges),
                }
            },
        )
}

/// The time that every pass of these tests takes place at.
pub fn now() -> Timestamp {
    start()
}

pub fn validated(references: &References) -> Validated {
    validate(references).expect("these specs are sound")
}

/// One look and one plan.
pub fn plan_for(references: &References, snapshot: &Snapshot, history: &History) -> Plan {
    let network = Network::new(&validated(references));
    plan(
        &network,
        &snapshot.vpc(&network.vpc.vpc_id).expect("the VPC is there"),
        history,
    )
}

/// Has everything be deleted, the profiles as well.
pub fn delete(references: &mut References) {
    let now = || Some(Time(Timestamp::UNIX_EPOCH));
    references.vpc.metadata.deletion_timestamp = now();
    for reference in &mut references.profiles {
        reference.profile.metadata.deletion_timestamp = now();
    }
}

/// Notes the profiles that have effect and the roles that are given something, as
/// the controller does before it changes anything for them.
pub fn claim(references: &mut References, plan: &Plan) {
    let status = references.vpc.status.get_or_insert_default();
    plan.in_force.note(&mut status.in_force);
    status.in_force.roles = Vec::new();
    plan.note_roles(&mut status.in_force.roles, PlannedAction::runs_now);
}
