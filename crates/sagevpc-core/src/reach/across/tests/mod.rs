//! Networks of several VPCs, each whole at first, and what is said once one
//! thing in them is missing or wrong.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    observed::{Snapshot, files},
    reach::{Destination, Means, Reach, Verdict},
    types::{AccountId, Region, SubnetId, Traffic},
};

mod appliances;
mod peering;
mod transit;

/// `vpc-a` is asked from. It has a peering connection to `vpc-b`, and is
/// attached to a transit gateway with `vpc-e`, by which all go out, and `vpc-c`.
struct World(BTreeMap<&'static str, Value>);

const OURS: &str = "111111111111";
const THEIRS: &str = "222222222222";

fn local(cidr: &str) -> Value {
    json!({ "DestinationCidrBlock": cidr, "GatewayId": "local", "State": "active" })
}

fn route(to: &str, field: &str, id: &str) -> Value {
    let mut route = json!({ "DestinationCidrBlock": to, "State": "active" });
    route[field] = json!(id);
    route
}

fn table(id: &str, vpc: &str, subnets: &[&str], routes: &[Value]) -> Value {
    let uses: Vec<Value> = subnets.iter().map(|subnet| json!({ "SubnetId": subnet })).collect();
    json!({ "RouteTableId": id, "VpcId": vpc, "Associations": uses, "Routes": routes })
}

fn subnet(id: &str, vpc: &str, cidr: &str, zone: &str) -> Value {
    json!({ "SubnetId": id, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone,
        "AvailabilityZoneId": format!("use1-{zone}") })
}

fn open_acl(vpc: &str) -> Value {
    let rule = |egress: bool| {
        json!({ "RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0" })
    };
    json!({ "NetworkAclId": vpc.replace("vpc", "acl"), "VpcId": vpc, "IsDefault": true, "Associations": [],
        "Entries": [rule(true), rule(false)] })
}

fn vpc(id: &str, cidr: &str, owner: &str) -> Value {
    json!({ "VpcId": id, "CidrBlock": cidr, "OwnerId": owner, "DhcpOptionsId": "dopt-1" })
}

fn attachment(id: &str, vpc: &str, owner: &str) -> Value {
    json!({ "TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "TransitGatewayOwnerId": THEIRS,
        "ResourceOwnerId": owner, "ResourceType": "vpc", "ResourceId": vpc, "State": "available",
        "Association": { "TransitGatewayRouteTableId": if vpc == "vpc-a" { "tgw-rtb-spokes" } else { "tgw-rtb-core" },
            "State": "associated" } })
}

fn vpc_attachment(id: &str, vpc: &str, owner: &str, subnets: &[&str]) -> Value {
    json!({ "TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "VpcId": vpc, "VpcOwnerId": owner,
        "State": "available", "SubnetIds": subnets })
}

fn transit_route(to: &str, attachment: &str) -> Value {
    json!({ "DestinationCidrBlock": to, "Type": "static", "State": "active",
        "TransitGatewayAttachments": [{ "TransitGatewayAttachmentId": attachment, "ResourceType": "vpc" }] })
}

fn group(id: &str, vpc: &str, ingress: &Value) -> Value {
    json!({ "GroupId": id, "GroupName": id, "VpcId": vpc, "IpPermissions": [ingress],
        "IpPermissionsEgress": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }] })
}

fn interface(id: &str, vpc: &str, subnet: &str, address: &str, group: &str) -> Value {
    json!({ "NetworkInterfaceId": id, "VpcId": vpc, "SubnetId": subnet,
        "PrivateIpAddresses": [{ "PrivateIpAddress": address }], "Groups": [{ "GroupId": group }] })
}

fn postgres_from(peer: &str, value: &Value) -> Value {
    let mut rule = json!({ "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432 });
    rule[peer] = value.clone();
    rule
}

impl World {
    fn new() -> Self {
        let by_tgw = |to: &str| route(to, "TransitGatewayId", "tgw-1");
        let from_a = json!([{ "CidrIp": "10.0.0.0/16" }]);
        Self(BTreeMap::from([
            (
                "Vpcs",
                json!([
                    vpc("vpc-a", "10.0.0.0/16", OURS),
                    vpc("vpc-b", "10.1.0.0/16", THEIRS),
                    vpc("vpc-c", "10.2.0.0/16", THEIRS),
                    vpc("vpc-e", "10.9.0.0/16", THEIRS),
                ]),
            ),
            (
                "Subnets",
                json!([
                    subnet("subnet-a1", "vpc-a", "10.0.1.0/24", "az1"),
                    subnet("subnet-a2", "vpc-a", "10.0.2.0/24", "az2"),
                    subnet("subnet-at", "vpc-a", "10.0.9.0/28", "az1"),
                    subnet("subnet-b1", "vpc-b", "10.1.1.0/24", "az1"),
                    subnet("subnet-c1", "vpc-c", "10.2.1.0/24", "az1"),
                    subnet("subnet-ct", "vpc-c", "10.2.9.0/28", "az1"),
                    subnet("subnet-en", "vpc-e", "10.9.1.0/24", "az1"),
                    subnet("subnet-et", "vpc-e", "10.9.9.0/28", "az1"),
                ]),
            ),
            (
                "RouteTables",
                json!([
                    table(
                        "rtb-a",
                        "vpc-a",
                        &["subnet-a1", "subnet-a2"],
                        &[
                            local("10.0.0.0/16"),
                            route("10.1.0.0/16", "VpcPeeringConnectionId", "pcx-1"),
                            by_tgw("0.0.0.0/0"),
                        ]
                    ),
                    table("rtb-at", "vpc-a", &["subnet-at"], &[local("10.0.0.0/16")]),
                    table(
                        "rtb-b",
                        "vpc-b",
                        &["subnet-b1"],
                        &[
                            local("10.1.0.0/16"),
                            route("10.0.0.0/16", "VpcPeeringConnectionId", "pcx-1"),
                        ]
                    ),
                    table(
                        "rtb-c",
                        "vpc-c",
                        &["subnet-c1"],
                        &[local("10.2.0.0/16"), by_tgw("10.0.0.0/16")]
                    ),
                    table("rtb-ct", "vpc-c", &["subnet-ct"], &[local("10.2.0.0/16")]),
                    table(
                        "rtb-en",
                        "vpc-e",
                        &["subnet-en"],
                        &[
                            local("10.9.0.0/16"),
                            by_tgw("10.0.0.0/16"),
                            route("0.0.0.0/0", "GatewayId", "igw-e"),
                        ]
                    ),
                    table(
                        "rtb-et",
                        "vpc-e",
                        &["subnet-et"],
                        &[local("10.9.0.0/16"), route("0.0.0.0/0", "NatGatewayId", "nat-e")]
                    ),
                ]),
            ),
            (
                "VpcAttributes",
                json!([{ "VpcId": "vpc-a", "EnableDnsSupport": { "Value": true },
                    "EnableDnsHostnames": { "Value": true } }]),
            ),
            (
                "DhcpOptions",
                json!([{ "DhcpOptionsId": "dopt-1", "DhcpConfigurations": [
                    { "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] }] }]),
            ),
            ("NetworkAcls", json!(["vpc-a", "vpc-b", "vpc-c", "vpc-e"].map(open_acl))),
            (
                "SecurityGroups",
                json!([
                    group("sg-a", "vpc-a", &json!({ "IpProtocol": "-1", "IpRanges": [] })),
                    group("sg-b", "vpc-b", &postgres_from("IpRanges", &from_a)),
                    group("sg-c", "vpc-c", &postgres_from("IpRanges", &from_a)),
                ]),
            ),
            (
                "NetworkInterfaces",
                json!([
                    interface("eni-a", "vpc-a", "subnet-a1", "10.0.1.5", "sg-a"),
                    interface("eni-b", "vpc-b", "subnet-b1", "10.1.1.5", "sg-b"),
                    interface("eni-c", "vpc-c", "subnet-c1", "10.2.1.5", "sg-c"),
                ]),
            ),
            (
                "NatGateways",
                json!([{ "NatGatewayId": "nat-e", "VpcId": "vpc-e", "SubnetId": "subnet-en", "State": "available",
                    "ConnectivityType": "public", "NatGatewayAddresses": [{ "PrivateIp": "10.9.1.7" }] }]),
            ),
            (
                "InternetGateways",
                json!([{ "InternetGatewayId": "igw-e", "Attachments": [{ "VpcId": "vpc-e", "State": "available" }] }]),
            ),
            (
                "VpcPeeringConnections",
                json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" },
                    "RequesterVpcInfo": { "VpcId": "vpc-a", "OwnerId": OURS, "CidrBlock": "10.0.0.0/16" },
                    "AccepterVpcInfo": { "VpcId": "vpc-b", "OwnerId": THEIRS, "Region": "us-east-1",
                        "CidrBlock": "10.1.0.0/16" } }]),
            ),
            (
                "TransitGatewayAttachments",
                json!([
                    attachment("tgw-attach-a", "vpc-a", OURS),
                    attachment("tgw-attach-c", "vpc-c", THEIRS),
                    attachment("tgw-attach-e", "vpc-e", THEIRS),
                ]),
            ),
            (
                "TransitGatewayVpcAttachments",
                json!([
                    vpc_attachment("tgw-attach-a", "vpc-a", OURS, &["subnet-at"]),
                    vpc_attachment("tgw-attach-c", "vpc-c", THEIRS, &["subnet-ct"]),
                    vpc_attachment("tgw-attach-e", "vpc-e", THEIRS, &["subnet-et"]),
                ]),
            ),
            (
                "TransitGatewayRoutes",
                json!([
                    { "TransitGatewayRouteTableId": "tgw-rtb-spokes", "Routes": [
                        transit_route("0.0.0.0/0", "tgw-attach-e"), transit_route("10.2.0.0/16", "tgw-attach-c")] },
                    { "TransitGatewayRouteTableId": "tgw-rtb-core", "Routes": [
                        transit_route("10.0.0.0/16", "tgw-attach-a")] },
                ]),
            ),
        ]))
    }

    /// Changes an entry, which is told by any of its ids.
    fn with(mut self, kind: &str, id: &str, change: impl Fn(&mut Value)) -> Self {
        let entries = self.0.get_mut(kind).and_then(Value::as_array_mut).expect("a list");
        let has_id = |entry: &&mut Value| {
            let fields = entry.as_object().expect("an object");
            fields.values().any(|value| value.as_str() == Some(id))
        };
        change(entries.iter_mut().find(has_id).expect("an entry of that id"));
        self
    }

    /// Leaves an entry out.
    fn without(mut self, kind: &str, id: &str) -> Self {
        let entries = self.0.get_mut(kind).and_then(Value::as_array_mut).expect("a list");
        let before = entries.len();
        entries.retain(|entry| {
            let fields = entry.as_object().expect("an object");
            !fields.values().any(|value| value.as_str() == Some(id))
        });
        assert!(entries.len() < before, "{kind} has no {id}");
        self
    }

    fn add(mut self, kind: &'static str, entry: Value) -> Self {
        let entries = self.0.entry(kind).or_insert_with(|| json!([]));
        entries.as_array_mut().expect("a list").push(entry);
        self
    }

    /// Gives a table other routes besides its local one.
    fn routes(self, table: &str, routes: &[Value]) -> Self {
        self.with("RouteTables", table, |table| {
            let local = table["Routes"][0].clone();
            table["Routes"] = std::iter::once(local).chain(routes.iter().cloned()).collect();
        })
    }

    /// What an account shows of it.
    fn snapshot(&self, account: &str) -> Snapshot {
        let mut snapshot = files::read(|file| {
            let kind = file.trim_end_matches(".json");
            Some(json!({ kind: self.0.get(kind)? }).to_string())
        })
        .expect("the network is well formed");
        snapshot.region = Some(Region::new("us-east-1"));
        snapshot.account = Some(AccountId::new(account));
        snapshot
    }

    fn ask(&self, from: &str, destination: &Destination) -> Verdict {
        let [ours, theirs] = [OURS, THEIRS].map(|account| self.snapshot(account));
        let vpc = ours.vpc(&"vpc-a".into()).expect("the VPC is there");
        let vpc = vpc.joined_to(&[&ours, &theirs]);
        let reach = Reach::new(&vpc);
        let start = reach.from(&SubnetId::new(from), &["sg-a".into()].into());
        let start = start.expect("the subnet is there");
        let verdict = start.to(destination);
        let answer = start.answer(destination);
        assert!(answer.is_none_or(|answer| answer.verdict == verdict));
        verdict
    }

    /// What is said of the way to an address, with its fix.
    fn told(&self, to: &str) -> String {
        let (address, port) = to.split_once(':').expect("an address and a port");
        let destination = Destination::Cidr {
            cidr: address.parse::<std::net::IpAddr>().expect("an address").into(),
            traffic: Traffic::tcp(port.parse().expect("a port")),
        };
        told(&self.ask("subnet-a1", &destination), &destination)
    }

    fn told_of_the_internet(&self) -> String {
        let destination = Destination::outside(443);
        told(&self.ask("subnet-a1", &destination), &destination)
    }
}

fn told(verdict: &Verdict, destination: &Destination) -> String {
    match verdict {
        Verdict::Reachable(_) => "reachable".to_owned(),
        Verdict::Stopped(_, stop) => {
            format!(
                "{}: {}. {}",
                stop.cause.resource(),
                stop.cause,
                stop.cause.fix(destination, &Means::default())
            )
        }
        Verdict::Unknown(_, unseen) => {
            let unseen: Vec<String> = unseen.iter().map(ToString::to_string).collect();
            format!("unknown: {}", unseen.join("; "))
        }
    }
}

#[track_caller]
fn says(told: &str, parts: &[&str]) {
    for part in parts {
        assert!(told.contains(part), "{told:?} does not say {part:?}");
    }
}
