//! How long one pass takes to think: validate, desired, plan and status, for a
//! VPC with so many profiles of three workloads each, on six subnets.
//!
//! `nothing` is a VPC that has none of what is wanted, `converged` one that has
//! all of it: the steady state. `deleted` is one in which 200 network interfaces
//! of SageMaker's are left when it is deleted with its 20 profiles.

#[expect(dead_code, reason = "the property tests need more of it")]
#[path = "../tests/properties/memory.rs"]
mod memory;

use std::{collections::BTreeMap, hint::black_box};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use memory::Memory;
use sagevpc_core::{
    api::FINALIZER,
    desired::Network,
    observed::{Snapshot, files},
    plan::{History, Outcome, Plan, Repairs, plan},
    status::{Assessment, Observation, Statuses, assess},
    types::AccountId,
    validate::{ProfileReference, References, validate},
};
use serde_json::{Value, json};

const VPC: &str = "vpc-0123456789abcdef0";
const SUBNETS: usize = 6;

/// Six private subnets in three zones, on three route tables.
fn snapshot() -> Snapshot {
    let subnets: Vec<Value> = (0..SUBNETS)
        .map(|number| {
            json!({ "SubnetId": format!("subnet-{number:017x}"), "VpcId": VPC,
                "AvailabilityZoneId": format!("use1-az{}", number % 3 + 1),
                "CidrBlock": format!("10.0.{}.0/19", number * 32),
                "AvailableIpAddressCount": 8187, "Tags": [{ "Key": "tier", "Value": "private" }] })
        })
        .collect();
    let tables: Vec<Value> = (0..3)
        .map(|number| {
            let associations: Vec<Value> = (0..SUBNETS)
                .filter(|subnet| subnet % 3 == number)
                .map(|subnet| json!({ "SubnetId": format!("subnet-{subnet:017x}") }))
                .collect();
            json!({ "RouteTableId": format!("rtb-{number:017x}"), "VpcId": VPC, "Associations": associations,
                "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" }] })
        })
        .collect();
    let on = json!({ "Value": true });
    let dhcp = json!([{ "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] },
        { "Key": "domain-name", "Values": [{ "Value": "ec2.internal" }] }]);
    let s3 = "com.amazonaws.us-east-1.s3";
    let all = BTreeMap::from([
        (
            "Vpcs",
            json!([{ "VpcId": VPC, "InstanceTenancy": "default", "DhcpOptionsId": "dopt-0123456789abcdef0" }]),
        ),
        (
            "VpcAttributes",
            json!([{ "VpcId": VPC, "EnableDnsSupport": on, "EnableDnsHostnames": on }]),
        ),
        (
            "DhcpOptions",
            json!([{ "DhcpOptionsId": "dopt-0123456789abcdef0", "DhcpConfigurations": dhcp }]),
        ),
        ("Subnets", json!(subnets)),
        ("RouteTables", json!(tables)),
        (
            "NetworkAcls",
            json!([{ "NetworkAclId": "acl-0123456789abcdef0", "VpcId": VPC, "IsDefault": true, "Entries": [
                { "RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0" },
                { "RuleNumber": 100, "Egress": true, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0" },
            ] }]),
        ),
        (
            "PrefixLists",
            json!([{ "PrefixListId": "pl-63a5400a", "PrefixListName": s3, "Cidrs": ["52.216.0.0/15"] }]),
        ),
        (
            "ServiceDetails",
            json!([{ "ServiceName": s3, "ServiceType": [{ "ServiceType": "Gateway" }] }]),
        ),
    ]);
    let mut snapshot = files::read(|file| {
        let kind = if file == "VpcEndpointServices.json" {
            "ServiceDetails"
        } else {
            file.trim_end_matches(".json")
        };
        Some(json!({ kind: all.get(kind)? }).to_string())
    })
    .expect("the snapshot is well formed");
    snapshot.account = Some(AccountId::new("111122223333"));
    snapshot
}

fn references(profiles: usize) -> References {
    let vpc = json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpc",
        "metadata": { "name": "research", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": {
            "region": "us-east-1", "vpcId": VPC, "approval": "None",
            "allowedNamespaces": { "from": "All" },
            "subnets": { "selector": { "tags": { "tier": "private" } } },
            "s3": { "policy": { "type": "Buckets" } },
            "grants": { "buckets": ["team-*"], "packageRepositories": true },
        },
    });
    let profile = |number: usize| {
        json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": "models", "namespace": format!("team-{number}"), "generation": 1,
                "finalizers": [FINALIZER], "creationTimestamp": "2026-01-02T00:00:00Z" },
            "spec": {
                "vpcRef": { "name": "research" },
                "workloads": [
                    { "name": "compile", "kind": "Compilation", "instances": 1 },
                    { "name": "serve", "kind": "Hosting", "instances": 2 },
                    { "name": "prepare", "kind": "Processing", "instances": 4, "distributed": true },
                ],
                "packageRepositories": "Deny",
                "buckets": [{ "name": format!("team-{number}-data") }],
            },
        })
    };
    References {
        cluster: "bench".to_owned(),
        cluster_uid: None,
        vpc: serde_json::from_value(vpc).expect("a SageMakerVpc"),
        rivals: Vec::new(),
        profiles: (0..profiles)
            .map(|number| ProfileReference {
                profile: serde_json::from_value(profile(number)).expect("a profile"),
                namespace_labels: BTreeMap::new(),
            })
            .collect(),
    }
}

/// One pass, from what was seen to what is said of it.
fn pass(references: &References, snapshot: &Snapshot) -> (Plan, Statuses) {
    let now = Timestamp::UNIX_EPOCH;
    let validated = validate(references).expect("the objects are sound");
    let network = Network::new(&validated);
    let seen = snapshot.vpc(&network.vpc.vpc_id).expect("the VPC is there");
    let history = History::new(references.vpc.status.as_ref(), &Repairs::default(), now);
    let plan = plan(&network, &seen, &history);
    let outcome = Outcome::default();
    let statuses = assess(&Assessment {
        references,
        validated: Ok(&validated),
        observation: Observation::Seen {
            plan: &plan,
            outcome: &outcome,
        },
        ledger: Default::default(),
        now,
    });
    (plan, statuses)
}

/// The VPC once the plan was carried out, and the objects with the status that
/// says so.
fn converged(profiles: usize) -> (References, Snapshot) {
    let mut references = references(profiles);
    let mut memory = Memory::new(snapshot());
    let (plan, _) = pass(&references, &memory.snapshot);
    memory.apply(&plan);
    let (plan, statuses) = pass(&references, &memory.snapshot);
    assert!(plan.actions.is_empty(), "one pass makes all that is wanted");
    references.vpc.status = Some(statuses.vpc);
    for reference in &mut references.profiles {
        reference.profile.status = statuses.profiles.get(&reference.key()).cloned();
    }
    (references, memory.snapshot)
}

/// The same while so many interfaces of SageMaker's are there for each profile,
/// and everything is to be deleted.
fn deleted(profiles: usize, interfaces: usize) -> (References, Snapshot) {
    let (mut references, mut snapshot) = converged(profiles);
    let groups: Vec<_> = snapshot
        .security_groups
        .iter()
        .map(|group| group.group_id.clone())
        .collect();
    for (place, group) in groups.iter().enumerate() {
        for number in 0..interfaces {
            let interface = json!({
                "NetworkInterfaceId": format!("eni-{:017x}", place * interfaces + number),
                "VpcId": VPC,
                "SubnetId": format!("subnet-{:017x}", number % SUBNETS),
                "Description": "[Do not delete] Network Interface created by SageMaker",
                "Groups": [{ "GroupId": group }],
            });
            snapshot
                .network_interfaces
                .push(serde_json::from_value(interface).expect("an interface"));
        }
    }
    let now = || Some(Time(Timestamp::UNIX_EPOCH));
    references.vpc.metadata.deletion_timestamp = now();
    for reference in &mut references.profiles {
        reference.profile.metadata.deletion_timestamp = now();
    }
    let (plan, _) = pass(&references, &snapshot);
    assert!(plan.held.is_some(), "what they use waits for them");
    (references, snapshot)
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for profiles in [1, 10, 100] {
        let (references, snapshot) = (references(profiles), snapshot());
        group.bench_function(BenchmarkId::new("nothing", profiles), |bencher| {
            bencher.iter(|| pass(black_box(&references), black_box(&snapshot)));
        });
    }
    let (references, snapshot) = converged(100);
    group.bench_function(BenchmarkId::new("converged", 100), |bencher| {
        bencher.iter(|| pass(black_box(&references), black_box(&snapshot)));
    });
    let (references, snapshot) = deleted(20, 10);
    group.bench_function(BenchmarkId::new("deleted", 200), |bencher| {
        bencher.iter(|| pass(black_box(&references), black_box(&snapshot)));
    });
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
