//! Random VPCs, small and full of bounds that overlap.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    observed::{VpcSnapshot, files},
    reach::Destination,
    types::{AccountId, BucketAccess, BucketUse, DNS_QUERIES, PortRange, Protocol, Region, SubnetId, Traffic},
};
use serde_json::{Value, json};

const VPC: &str = "vpc-0000000a";
pub const SUBNETS: [&str; 3] = ["subnet-0000000a", "subnet-0000000b", "subnet-0000000c"];
pub const GROUPS: [&str; 3] = ["sg-0000000a", "sg-0000000b", "sg-0000000c"];

const BLOCKS: [&str; 10] = [
    "0.0.0.0/0",
    "0.0.0.0/0",
    "0.0.0.0/1",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "10.0.1.128/25",
    "10.0.0.64/26",
    "52.216.0.0/16",
    "52.216.0.0/15",
    "8.8.0.0/16",
];
const IPV6_BLOCKS: [&str; 4] = ["::/0", "2001:db8::/56", "2001:db8:0:1::/64", "2600::/16"];
const PORTS: [(i32, i32); 9] = [
    (0, 65_535),
    (443, 443),
    (400, 500),
    (1024, 65_535),
    (1024, 32_767),
    (32_768, 65_535),
    (32_768, 60_999),
    (32_768, 60_998),
    (0, 1023),
];

/// A type and a code of ICMP, each -1 for any, for each of the ports.
fn icmp(from: i32, to: i32) -> (i32, i32) {
    match (from, to) {
        (0, 65_535) | (400, _) => (-1, -1),
        (443, _) => (8, -1),
        (1024, 65_535) => (8, 0),
        (1024, _) => (0, -1),
        (0, _) => (0, 0),
        (_, 65_535) => (3, -1),
        _ => (3, 4),
    }
}

fn acl_entry() -> impl Strategy<Value = Value> {
    (
        1..9i32,
        any::<bool>(),
        prop::bool::weighted(0.75),
        sample::select(vec!["-1", "-1", "6", "6", "17", "1"]),
        prop_oneof![
            4 => sample::select(&BLOCKS[..]).prop_map(|block| ("CidrBlock", block)),
            1 => sample::select(&IPV6_BLOCKS[..]).prop_map(|block| ("Ipv6CidrBlock", block)),
        ],
        sample::select(&PORTS[..]),
    )
        .prop_map(|(number, egress, allows, protocol, (field, block), (from, to))| {
            let mut entry = json!({ "Egress": egress, "Protocol": protocol,
                "RuleNumber": number, "RuleAction": if allows { "allow" } else { "deny" } });
            entry[field] = json!(block);
            if matches!(protocol, "6" | "17") {
                entry["PortRange"] = json!({ "From": from, "To": to });
            }
            if protocol == "1" {
                let (kind, code) = icmp(from, to);
                entry["IcmpTypeCode"] = json!({ "Type": kind, "Code": code });
            }
            entry
        })
}

/// Rules of which no two in one direction have one number, most of them on top
/// of rules that allow everything.
fn acl(number: usize) -> impl Strategy<Value = Value> {
    (collection::vec(acl_entry(), 0..4), prop::bool::weighted(0.95)).prop_map(move |(entries, open)| {
        let mut by_number: BTreeMap<(bool, i64), Value> = BTreeMap::new();
        for entry in entries {
            let key = (entry["Egress"] == true, entry["RuleNumber"].as_i64().unwrap());
            by_number.insert(key, entry);
        }
        let mut entries: Vec<Value> = by_number.into_values().collect();
        for egress in [true, false].into_iter().filter(|_| open) {
            for (number, field, block) in [(100, "CidrBlock", "0.0.0.0/0"), (101, "Ipv6CidrBlock", "::/0")] {
                let mut entry =
                    json!({ "Egress": egress, "Protocol": "-1", "RuleNumber": number, "RuleAction": "allow" });
                entry[field] = json!(block);
                entries.push(entry);
            }
        }
        entries.reverse();
        let associations = if number == 0 {
            json!([])
        } else {
            json!([{ "SubnetId": SUBNETS[number] }])
        };
        json!({ "NetworkAclId": format!("acl-0000000{number}"), "VpcId": VPC, "IsDefault": number == 0,
            "Associations": associations, "Entries": entries })
    })
}

/// The target of a route.
fn target() -> impl Strategy<Value = Value> {
    sample::select(vec![
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000a" }),
        json!({ "NatGatewayId": "nat-0000000f", "State": "blackhole" }),
        json!({ "GatewayId": "igw-0000000a" }),
        json!({ "TransitGatewayId": "tgw-0000000a" }),
        json!({ "VpcPeeringConnectionId": "pcx-0000000a" }),
        json!({ "NetworkInterfaceId": "eni-0000000f" }),
    ])
}

fn table(number: usize) -> impl Strategy<Value = Value> {
    let blocks = vec![
        "0.0.0.0/0",
        "0.0.0.0/0",
        "0.0.0.0/0",
        "52.216.0.0/16",
        "52.216.0.0/15",
        "8.8.0.0/16",
        "8.8.8.0/24",
    ];
    let ipv4 = collection::btree_map(sample::select(blocks), target(), 0..4);
    let ipv6 = sample::select(vec![
        json!({ "EgressOnlyInternetGatewayId": "eigw-0000000a" }),
        json!({ "GatewayId": "igw-0000000a" }),
        json!({ "TransitGatewayId": "tgw-0000000a" }),
    ]);
    let appliance = prop::bool::weighted(0.1);
    (ipv4, proptest::option::of(ipv6), appliance, prop::bool::weighted(0.7)).prop_map(
        move |(ipv4, ipv6, appliance, is_out)| {
            let mut routes = vec![
                json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" }),
                json!({ "DestinationIpv6CidrBlock": "2001:db8::/56", "GatewayId": "local" }),
            ];
            let mut add = |field: &str, block: &str, target: &Value| {
                let mut route = target.clone();
                route[field] = json!(block);
                routes.push(route);
            };
            // The last subnet is, as a rule, the public one.
            if number == 2 && is_out {
                add(
                    "DestinationCidrBlock",
                    "0.0.0.0/0",
                    &json!({ "GatewayId": "igw-0000000a" }),
                );
            } else {
                ipv4.iter()
                    .for_each(|(block, target)| add("DestinationCidrBlock", block, target));
            }
            ipv6.iter()
                .for_each(|target| add("DestinationIpv6CidrBlock", "::/0", target));
            if appliance {
                let target = json!({ "NetworkInterfaceId": "eni-0000000f" });
                add("DestinationCidrBlock", "10.0.1.0/24", &target);
            }
            let associations = if number == 0 {
                json!([{ "Main": true }])
            } else {
                json!([{ "SubnetId": SUBNETS[number] }])
            };
            json!({ "RouteTableId": format!("rtb-0000000{number}"), "VpcId": VPC, "Associations": associations,
                "Routes": routes })
        },
    )
}

fn permission() -> impl Strategy<Value = Value> {
    let peer = prop_oneof![
        6 => sample::select(&BLOCKS[..]).prop_map(|block| json!({ "IpRanges": [{ "CidrIp": block }] })),
        1 => sample::select(&IPV6_BLOCKS[..]).prop_map(|block| json!({ "Ipv6Ranges": [{ "CidrIpv6": block }] })),
        1 => Just(json!({ "PrefixListIds": [{ "PrefixListId": "pl-0000000a" }] })),
        2 => sample::select(&GROUPS[..]).prop_map(|group| json!({ "UserIdGroupPairs": [{ "GroupId": group }] })),
    ];
    (
        peer,
        sample::select(vec!["-1", "-1", "tcp", "tcp", "udp", "icmp"]),
        sample::select(&PORTS[..]),
    )
        .prop_map(|(mut permission, protocol, (from, to))| {
            permission["IpProtocol"] = json!(protocol);
            if matches!(protocol, "tcp" | "udp") {
                permission["FromPort"] = json!(from);
                permission["ToPort"] = json!(to);
            }
            if protocol == "icmp" {
                let (kind, code) = icmp(from, to);
                permission["FromPort"] = json!(kind);
                permission["ToPort"] = json!(code);
            }
            permission
        })
}

fn group(number: usize) -> impl Strategy<Value = Value> {
    (
        collection::vec(permission(), 0..4),
        collection::vec(permission(), 0..4),
        prop::bool::weighted(0.75),
    )
        .prop_map(move |(mut ingress, mut egress, open)| {
            if open {
                ingress.push(json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "10.0.0.0/16" }] }));
                egress.push(json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }));
                egress.push(json!({ "IpProtocol": "-1", "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] }));
            }
            json!({ "GroupId": GROUPS[number], "GroupName": format!("group-{number}"), "VpcId": VPC,
                "IpPermissions": ingress, "IpPermissionsEgress": egress })
        })
}

pub const ALLOWS: &str = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
const DENIES: &str = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#;

const DENIES_SESSIONS: &str =
    r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3express:*","Resource":"*"}]}"#;

/// A bucket that S3's own endpoint does not lead to.
pub const DIRECTORY_BUCKET: &str = "fraud--use1-az4--x-s3";

/// The gateway endpoints of S3 and of its directory buckets, an interface endpoint
/// of S3, and those of STS, as far as there are any.
fn endpoints() -> impl Strategy<Value = Vec<Value>> {
    let state = || {
        sample::select(vec![
            "available",
            "available",
            "available",
            "available",
            "pending",
            "failed",
            "deleting",
        ])
    };
    let tables = sample::subsequence(vec!["rtb-00000000", "rtb-00000001", "rtb-00000002"], 0..=3);
    let policy = sample::select(vec![ALLOWS, ALLOWS, ALLOWS, DENIES]);
    let tables_of_express = tables.clone();
    let policy_of_express = sample::select(vec![ALLOWS, ALLOWS, DENIES_SESSIONS]);
    let express = (state(), tables_of_express, policy_of_express).prop_map(|(state, tables, policy)| {
        json!({ "VpcEndpointId": "vpce-0000000e", "VpcEndpointType": "Gateway", "VpcId": VPC, "State": state,
            "ServiceName": "com.amazonaws.us-east-1.s3express", "RouteTableIds": tables, "PolicyDocument": policy })
    });
    let s3 = (state(), tables, policy).prop_map(|(state, tables, policy)| {
        json!({ "VpcEndpointId": "vpce-0000000a", "VpcEndpointType": "Gateway", "VpcId": VPC, "State": state,
            "ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": tables, "PolicyDocument": policy })
    });
    let interface = move |id: &'static str, service: &'static str, with_name: f64| {
        let subnets = sample::subsequence(SUBNETS.to_vec(), 1..=3);
        let of_whom = (sample::select(&GROUPS[..]), prop::bool::weighted(with_name));
        let options = sample::select(vec![Value::Null, json!(true), json!(false)]);
        (state(), subnets, of_whom, options).prop_map(move |(state, subnets, (group, private_dns), only_outside)| {
            let interfaces: Vec<String> = subnets.iter().map(|subnet| interface_in(subnet)).collect();
            let options = json!({ "PrivateDnsOnlyForInboundResolverEndpoint": only_outside });
            json!({ "VpcEndpointId": id, "VpcEndpointType": "Interface", "VpcId": VPC, "State": state,
                "ServiceName": format!("com.amazonaws.us-east-1.{service}"), "SubnetIds": subnets,
                "Groups": [{ "GroupId": group }], "NetworkInterfaceIds": interfaces,
                "PrivateDnsEnabled": private_dns,
                "DnsOptions": if service == "s3" { options } else { Value::Null } })
        })
    };
    (
        proptest::option::weighted(0.8, s3),
        proptest::option::weighted(0.8, interface("vpce-0000000b", "sts", 0.8)),
        proptest::option::weighted(0.2, interface("vpce-0000000c", "sts", 0.5)),
        proptest::option::weighted(0.2, interface("vpce-0000000d", "s3", 0.7)),
        proptest::option::weighted(0.5, express),
    )
        .prop_map(|(s3, sts, mut other, by_interface, express)| {
            // EC2 gives a name to one endpoint of a VPC that does or will serve.
            let holds_it = |endpoint: &Value| {
                endpoint["PrivateDnsEnabled"] == true
                    && ["available", "pending"].iter().any(|state| endpoint["State"] == *state)
            };
            if let Some(other) = other.as_mut().filter(|_| sts.as_ref().is_some_and(holds_it)) {
                other["PrivateDnsEnabled"] = json!(false);
            }
            s3.into_iter()
                .chain(sts)
                .chain(other)
                .chain(by_interface)
                .chain(express)
                .collect()
        })
}

fn interface_in(subnet: &str) -> String {
    subnet.replace("subnet-", "eni-")
}

fn nat() -> impl Strategy<Value = Value> {
    (
        sample::select(vec!["available"; 9].into_iter().chain(["failed"]).collect::<Vec<_>>()),
        sample::select(vec![SUBNETS[2], SUBNETS[2], SUBNETS[1]]),
        sample::select(vec!["public"; 9].into_iter().chain(["private"]).collect::<Vec<_>>()),
    )
        .prop_map(|(state, subnet, kind)| {
            json!({ "NatGatewayId": "nat-0000000a", "VpcId": VPC, "SubnetId": subnet, "State": state,
                "ConnectivityType": kind })
        })
        .boxed()
        .prop_union(regional_nat().boxed())
}

/// A NAT gateway of the whole VPC, with a route table of its own.
fn regional_nat() -> impl Strategy<Value = Value> {
    Just(
        json!({ "NatGatewayId": "nat-0000000a", "VpcId": VPC, "State": "available", "ConnectivityType": "public",
        "AvailabilityMode": "regional", "RouteTableId": "rtb-0000000a" }),
    )
}

/// The table that a regional NAT gateway has, which nobody changes as a rule.
fn table_of_regional_nat() -> impl Strategy<Value = Value> {
    prop::bool::weighted(0.8).prop_map(|leads_out| {
        let mut routes = vec![json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" })];
        if leads_out {
            routes.push(json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0000000a" }));
        }
        json!({ "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Routes": routes })
    })
}

/// What VPC Block Public Access does, where it is said.
fn blocked() -> impl Strategy<Value = Value> {
    let mode = |mode: &str| json!({ "InternetGatewayBlockMode": mode });
    prop_oneof![
        8 => Just(Value::Null),
        4 => Just(mode("off")),
        1 => Just(mode("block-ingress")),
        1 => Just(mode("block-bidirectional")),
    ]
}

/// A VPC.
pub fn network() -> impl Strategy<Value = VpcSnapshot> {
    let gateway = sample::select(vec!["igw-0000000a", "igw-0000000a", "igw-0000000a", "igw-0000000f", ""]);
    (
        (acl(0), acl(1), acl(2)),
        (table(0), table(1), table(2), table_of_regional_nat()),
        (group(0), group(1), group(2)),
        endpoints(),
        nat(),
        gateway,
        (prop::bool::weighted(0.9), prop::bool::weighted(0.9)),
        (blocked(), blocked(), blocked(), blocked()),
    )
        .prop_map(|(acls, tables, groups, endpoints, nat, gateway, dns, blocked)| {
            let of_subnets = [blocked.1, blocked.2, blocked.3];
            let subnets: Vec<Value> = SUBNETS
                .iter()
                .enumerate()
                .map(|(place, id)| {
                    json!({ "SubnetId": id, "VpcId": VPC, "CidrBlock": format!("10.0.{place}.0/24"),
                        "BlockPublicAccessStates": of_subnets[place], "Ipv6CidrBlockAssociationSet": [{ "Ipv6CidrBlock": format!("2001:db8:0:{place}::/64") }] })
                })
                .collect();
            let interfaces: Vec<Value> = SUBNETS
                .iter()
                .enumerate()
                .map(|(place, subnet)| {
                    json!({ "NetworkInterfaceId": interface_in(subnet), "VpcId": VPC, "SubnetId": subnet,
                        "PrivateIpAddresses": [{ "PrivateIpAddress": format!("10.0.{place}.77") }] })
                })
                .collect();
            let gateways: Vec<Value> = (!gateway.is_empty())
                .then(
                    || json!({ "InternetGatewayId": gateway, "Attachments": [{ "VpcId": VPC, "State": "available" }] }),
                )
                .into_iter()
                .collect();
            let flag = |value: bool| json!({ "Value": value });
            let all = BTreeMap::from([
                (
                    "Vpcs",
                    json!([{ "VpcId": VPC, "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "dopt-0000000a",
                    "BlockPublicAccessStates": blocked.0,
                    "Ipv6CidrBlockAssociationSet": [{ "Ipv6CidrBlock": "2001:db8::/56" }] }]),
                ),
                (
                    "VpcAttributes",
                    json!([{ "VpcId": VPC, "EnableDnsSupport": flag(dns.0), "EnableDnsHostnames": flag(dns.1) }]),
                ),
                (
                    "DhcpOptions",
                    json!([{ "DhcpOptionsId": "dopt-0000000a", "DhcpConfigurations": [
                    { "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] }] }]),
                ),
                ("Subnets", json!(subnets)),
                ("RouteTables", json!([tables.0, tables.1, tables.2, tables.3])),
                ("NetworkAcls", json!([acls.0, acls.1, acls.2])),
                ("SecurityGroups", json!([groups.0, groups.1, groups.2])),
                ("VpcEndpoints", json!(endpoints)),
                ("NetworkInterfaces", json!(interfaces)),
                ("NatGateways", json!([nat])),
                ("InternetGateways", json!(gateways)),
                (
                    "PrefixLists",
                    json!([{ "PrefixListId": "pl-0000000a",
                    "PrefixListName": "com.amazonaws.us-east-1.s3", "Cidrs": ["52.216.0.0/15", "54.231.0.0/16"] },
                    { "PrefixListId": "pl-0000000e",
                    "PrefixListName": "com.amazonaws.us-east-1.s3express", "Cidrs": ["18.88.0.0/18"] }]),
                ),
            ]);
            let mut snapshot = files::read(|file| {
                let kind = file.trim_end_matches(".json");
                Some(json!({ kind: all.get(kind)? }).to_string())
            })
            .expect("the network is well formed");
            snapshot.region = Some(Region::new("us-east-1"));
            snapshot.account = Some(AccountId::new("111122223333"));
            snapshot.vpc(&VPC.into()).expect("the VPC is there")
        })
}

/// Where packets may be to get, but for what has a group.
pub fn destination() -> impl Strategy<Value = Destination> {
    let cidrs = vec![
        "8.8.8.8/32",
        "8.0.0.0/7",
        "0.0.0.0/0",
        "10.0.1.77/32",
        "10.0.0.0/23",
        "2600::/12",
        "52.217.0.0/16",
    ];
    let traffic = sample::select(vec![
        Traffic {
            protocol: Protocol::All,
            ports: None,
        },
        Traffic::tcp(2049),
        Traffic {
            protocol: Protocol::Number(50),
            ports: None,
        },
    ]);
    let subnet = || sample::select(&SUBNETS[..]).prop_map(SubnetId::new);
    prop_oneof![
        Just(Destination::S3 { bucket: None }),
        Just(Destination::S3 {
            bucket: Some(BucketUse::new(DIRECTORY_BUCKET, BucketAccess::ReadWrite))
        }),
        Just(Destination::PackageMirrors),
        Just(Destination::Service("sts".to_owned())),
        Just(Destination::Host {
            name: "pypi.org".to_owned(),
            traffic: Traffic::tcp(443)
        }),
        (sample::select(cidrs.clone()), sample::select(vec![443, 22])).prop_map(|(cidr, port)| Destination::Cidr {
            cidr: cidr.parse().unwrap(),
            traffic: Traffic::tcp(port)
        }),
        (
            sample::select(cidrs),
            sample::select(vec![None, Some((8, -1)), Some((3, 4))])
        )
            .prop_map(|(cidr, message)| Destination::Cidr {
                cidr: cidr.parse().unwrap(),
                traffic: Traffic {
                    protocol: Protocol::ICMP,
                    ports: message.map(|(from, to)| PortRange { from, to }),
                }
            }),
        (
            sample::select(vec!["10.0.1.77", "10.0.2.78", "10.0.0.77", "8.8.8.8"]),
            sample::select(DNS_QUERIES.to_vec())
        )
            .prop_map(|(server, traffic)| Destination::Resolver {
                server: server.parse().unwrap(),
                traffic
            }),
        (subnet(), traffic.clone()).prop_map(|(subnet, traffic)| Destination::Members { subnet, traffic }),
        (subnet(), traffic).prop_map(|(subnet, traffic)| Destination::Subnet { subnet, traffic }),
    ]
}
