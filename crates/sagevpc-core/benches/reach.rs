//! How long it takes to follow every way of a large VPC: 50 profiles with a
//! security group each, six subnets, twelve destinations.

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sagevpc_core::{
    observed::{VpcSnapshot, files},
    reach::{Destination, Reach, Verdict},
    types::{BucketAccess, BucketUse, Protocol, Region, SecurityGroupId, SubnetId, Traffic},
};
use serde_json::{Value, json};

const VPC: &str = "vpc-0123456789abcdef0";
const SUBNETS: usize = 6;
const PROFILES: usize = 50;
const SERVICES: [&str; 4] = ["sagemaker.api", "sagemaker.runtime", "sts", "logs"];

fn subnet(number: usize) -> SubnetId {
    SubnetId::new(format!("subnet-{number:017x}"))
}

fn group(number: usize) -> SecurityGroupId {
    SecurityGroupId::new(format!("sg-{number:017x}"))
}

/// Six private subnets with a NAT gateway in a seventh, network ACLs of ten
/// rules, and endpoints for S3 and four services. The rules deny addresses that
/// nobody has, so that every way can be gone.
fn snapshot() -> VpcSnapshot {
    let subnets: Vec<Value> = (0..=SUBNETS)
        .map(|number| json!({ "SubnetId": subnet(number), "VpcId": VPC, "CidrBlock": format!("10.0.{number}.0/24") }))
        .collect();
    let mut acls: Vec<Value> = (0..=SUBNETS)
        .map(|number| {
            let denials = (0..8).map(|rule| {
                json!({ "RuleNumber": rule + 1, "Egress": rule % 2 == 0, "RuleAction": "deny", "Protocol": "6",
                    "CidrBlock": format!("203.0.113.{}/27", rule * 32), "PortRange": { "From": 0, "To": 65_535 } })
            });
            let open = [true, false].into_iter().map(|egress| {
                json!({ "RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1",
                    "CidrBlock": "0.0.0.0/0" })
            });
            json!({ "NetworkAclId": format!("acl-{number:017x}"), "VpcId": VPC,
                "Associations": [{ "SubnetId": subnet(number) }], "Entries": denials.chain(open).collect::<Vec<_>>() })
        })
        .collect();
    acls[0]["IsDefault"] = json!(true);
    let local = json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" });
    let tables = json!([
        { "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Associations": [{ "Main": true }],
            "Routes": [local, { "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0000000a" }] },
        { "RouteTableId": "rtb-0000000b", "VpcId": VPC, "Associations": [{ "SubnetId": subnet(SUBNETS) }],
            "Routes": [local, { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0000000a" }] },
    ]);
    let groups: Vec<Value> = (0..=PROFILES)
        .map(|number| {
            let members = json!([{ "GroupId": group(number) }]);
            json!({ "GroupId": group(number), "GroupName": format!("group-{number}"), "VpcId": VPC,
                "IpPermissions": [{ "IpProtocol": "-1", "UserIdGroupPairs": members },
                    { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{ "CidrIp": "10.0.0.0/16" }] }],
                "IpPermissionsEgress": [{ "IpProtocol": "-1", "UserIdGroupPairs": members },
                    { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{ "PrefixListId": "pl-0000000a" }] },
                    { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }] })
        })
        .collect();
    let mut endpoints = vec![
        json!({ "VpcEndpointId": "vpce-0000000a", "VpcEndpointType": "Gateway", "VpcId": VPC,
        "ServiceName": "com.amazonaws.us-east-1.s3", "State": "available", "RouteTableIds": ["rtb-0000000a"] }),
    ];
    endpoints.extend(SERVICES.iter().enumerate().map(|(number, service)| {
        json!({ "VpcEndpointId": format!("vpce-{number:017x}"), "VpcEndpointType": "Interface", "VpcId": VPC,
            "ServiceName": format!("com.amazonaws.us-east-1.{service}"), "State": "available",
            "SubnetIds": [subnet(0), subnet(2), subnet(4)], "Groups": [{ "GroupId": group(PROFILES) }],
            "PrivateDnsEnabled": true })
    }));
    let on = json!({ "Value": true });
    let all = BTreeMap::from([
        (
            "Vpcs",
            json!([{ "VpcId": VPC, "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "dopt-0000000a" }]),
        ),
        (
            "VpcAttributes",
            json!([{ "VpcId": VPC, "EnableDnsSupport": on, "EnableDnsHostnames": on }]),
        ),
        (
            "DhcpOptions",
            json!([{ "DhcpOptionsId": "dopt-0000000a", "DhcpConfigurations": [
                { "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] }] }]),
        ),
        ("Subnets", json!(subnets)),
        ("RouteTables", tables),
        ("NetworkAcls", json!(acls)),
        ("SecurityGroups", json!(groups)),
        ("VpcEndpoints", json!(endpoints)),
        (
            "NatGateways",
            json!([{ "NatGatewayId": "nat-0000000a", "VpcId": VPC, "SubnetId": subnet(SUBNETS), "State": "available" }]),
        ),
        (
            "InternetGateways",
            json!([{ "InternetGatewayId": "igw-0000000a", "Attachments": [{ "VpcId": VPC, "State": "available" }] }]),
        ),
        (
            "PrefixLists",
            json!([{ "PrefixListId": "pl-0000000a", "PrefixListName": "com.amazonaws.us-east-1.s3",
                "Cidrs": ["3.5.0.0/19", "18.34.0.0/19", "52.216.0.0/15", "54.231.0.0/16"] }]),
        ),
    ]);
    let mut snapshot = files::read(|file| {
        let kind = file.trim_end_matches(".json");
        Some(json!({ kind: all.get(kind)? }).to_string())
    })
    .expect("the snapshot is well formed");
    snapshot.region = Some(Region::new("us-east-1"));
    snapshot.vpc(&VPC.into()).expect("the VPC is there")
}

/// Twelve destinations, of which the buckets are a profile's own.
fn destinations(profile: usize) -> Vec<Destination> {
    let buckets = ["data", "models"].map(|bucket| Destination::S3 {
        bucket: Some(BucketUse::new(
            format!("team-{profile}-{bucket}"),
            BucketAccess::ReadWrite,
        )),
    });
    let traffic = Traffic {
        protocol: Protocol::All,
        ports: None,
    };
    let members = (0..3).map(|number| Destination::Members {
        subnet: subnet(number),
        traffic,
    });
    let hosts = ["pypi.org", "conda.anaconda.org"].map(|name| Destination::Host {
        name: name.to_owned(),
        traffic: Traffic::tcp(443),
    });
    let cidr = Destination::Cidr {
        cidr: "8.8.0.0/16".parse().expect("a block"),
        traffic: Traffic::tcp(443),
    };
    let services = SERVICES.map(|name| Destination::Service(name.to_owned()));
    services
        .into_iter()
        .chain(buckets)
        .chain(members)
        .chain(hosts)
        .chain([cidr])
        .collect()
}

/// Every way of every profile, from a snapshot that was not read before. Gives
/// how many can be gone.
fn follow(snapshot: &VpcSnapshot, profiles: &[(BTreeSet<SecurityGroupId>, Vec<Destination>)]) -> usize {
    let reach = Reach::new(snapshot);
    let mut reachable = 0;
    for (groups, destinations) in profiles {
        for number in 0..SUBNETS {
            let start = reach.from(&subnet(number), groups).expect("the subnet is there");
            let verdicts = destinations.iter().map(|destination| start.to(destination));
            reachable += verdicts
                .filter(|verdict| matches!(verdict, Verdict::Reachable(_)))
                .count();
        }
    }
    reachable
}

fn ways(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let profiles: Vec<_> = (0..PROFILES)
        .map(|number| (BTreeSet::from([group(number)]), destinations(number)))
        .collect();
    let ways: usize = profiles
        .iter()
        .map(|(_, destinations)| destinations.len() * SUBNETS)
        .sum();
    assert_eq!(follow(&snapshot, &profiles), ways, "every way of this VPC can be gone");
    let mut group = criterion.benchmark_group("reach");
    group.bench_function(BenchmarkId::new("ways", ways), |bencher| {
        bencher.iter(|| follow(black_box(&snapshot), black_box(&profiles)));
    });
    group.finish();
}

criterion_group!(benches, ways);
criterion_main!(benches);
