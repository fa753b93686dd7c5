//! What cannot be read of a snapshot makes unknown what depends on it, and
//! nothing else.

use std::collections::BTreeMap;

use sagevpc_core::{
    observed::{Snapshot, VpcSnapshot, files::Reading},
    reach::{Destination, Reach, Verdict},
    types::{SecurityGroupId, SubnetId, Traffic},
};
use serde_json::{Value, json};

const VPC: &str = "vpc-0000000a";
const FROM: &str = "subnet-0000000a";

/// Two subnets; an endpoint of STS and a host at 10.0.1.9 are in the second.
fn files() -> BTreeMap<&'static str, Value> {
    let on = json!({ "Value": true });
    let rule = |egress: bool| json!({ "RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0" });
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let group = |id: &str, ingress: Value| json!({ "GroupId": id, "GroupName": id, "VpcId": VPC, "IpPermissions": ingress, "IpPermissionsEgress": all });
    let interface = |id: &str, subnet: &str, address: &str, group: &str| {
        json!({ "NetworkInterfaceId": id, "VpcId": VPC, "SubnetId": subnet, "InterfaceType": "interface",
            "Groups": [{ "GroupId": group }], "PrivateIpAddresses": [{ "PrivateIpAddress": address }] })
    };
    BTreeMap::from([
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
        (
            "Subnets",
            json!([{ "SubnetId": FROM, "VpcId": VPC, "CidrBlock": "10.0.0.0/24" },
                { "SubnetId": "subnet-0000000b", "VpcId": VPC, "CidrBlock": "10.0.1.0/24" }]),
        ),
        (
            "RouteTables",
            json!([{ "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Associations": [{ "Main": true }],
                "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" },
                    { "DestinationCidrBlock": "192.168.0.0/16", "NatGatewayId": "nat-0000000a", "State": "blackhole" }] }]),
        ),
        (
            "NetworkAcls",
            json!([{ "NetworkAclId": "acl-0000000a", "VpcId": VPC, "IsDefault": true, "Entries": [rule(true), rule(false)] }]),
        ),
        (
            "SecurityGroups",
            json!([
                group("sg-0000000a", json!([])),
                group("sg-0000000b", all.clone()),
                group("sg-0000000c", json!([]))
            ]),
        ),
        (
            "VpcEndpoints",
            json!([{ "VpcEndpointId": "vpce-0000000a", "VpcEndpointType": "Interface", "VpcId": VPC,
                "ServiceName": "com.amazonaws.us-east-1.sts", "State": "available", "PrivateDnsEnabled": true,
                "SubnetIds": ["subnet-0000000b"], "Groups": [{ "GroupId": "sg-0000000b" }] }]),
        ),
        (
            "NetworkInterfaces",
            json!([
                interface("eni-0000000a", "subnet-0000000b", "10.0.1.9", "sg-0000000b"),
                interface("eni-0000000b", "subnet-0000000b", "10.0.1.8", "sg-0000000c")
            ]),
        ),
    ])
}

fn read(files: &BTreeMap<&'static str, Value>) -> Snapshot {
    let mut reading = Reading::default();
    for (kind, entries) in files {
        let text = json!({ *kind: entries }).to_string();
        assert!(
            reading
                .add(&format!("aws/{kind}.json"), &text)
                .expect("each file is JSON")
        );
    }
    reading.finish()
}

fn vpc(files: &BTreeMap<&'static str, Value>) -> VpcSnapshot {
    read(files).vpc(&VPC.into()).expect("the VPC is there")
}

fn sts() -> Destination {
    Destination::Service("sts".to_owned())
}

fn host(text: &str) -> Destination {
    let (name, port) = text.split_once(':').expect("a port");
    let traffic = Traffic::tcp(port.parse().expect("a number"));
    match format!("{name}/32").parse() {
        Ok(cidr) => Destination::Cidr { cidr, traffic },
        Err(_) => panic!("{name}"),
    }
}

fn verdict(files: &BTreeMap<&'static str, Value>, to: &Destination) -> &'static str {
    let vpc = vpc(files);
    let reach = Reach::new(&vpc);
    let groups = [SecurityGroupId::new("sg-0000000a")].into();
    let start = reach.from(&SubnetId::new(FROM), &groups).expect("the subnet is there");
    match start.to(to) {
        Verdict::Reachable(_) => "reachable",
        Verdict::Stopped(..) => "stopped",
        Verdict::Unknown(..) => "unknown",
    }
}

#[test]
fn what_depends_on_an_entry_that_cannot_be_read_is_unknown_and_the_rest_is_known() {
    let whole = files();
    let (open, closed, nobody, gone) = (
        host("10.0.1.9:22"),
        host("10.0.1.8:22"),
        host("10.0.1.7:22"),
        host("192.168.0.1:22"),
    );
    let ways = [&sts(), &open, &closed, &nobody, &gone];
    let verdicts = |files: &BTreeMap<&'static str, Value>| ways.map(|to| verdict(files, to)).join(" ");
    assert_eq!(verdicts(&whole), "reachable reachable stopped stopped stopped");
    let stopped_rule = json!({ "IpProtocol": "tcp", "FromPort": "22" });
    for (pointer, with, expected, noted) in [
        // A rule that might admit more.
        (
            "/SecurityGroups/2/IpPermissions",
            json!([stopped_rule]),
            "reachable reachable unknown stopped stopped",
            "aws/SecurityGroups.json: entry 3 (sg-0000000c), IpPermissions[0]: FromPort: ",
        ),
        // A group of which nothing is known.
        (
            "/SecurityGroups/1/VpcId",
            json!(7),
            "unknown unknown stopped stopped stopped",
            "aws/SecurityGroups.json: entry 2 (sg-0000000b), VpcId: ",
        ),
        // A route to a block: ways to that block.
        (
            "/RouteTables/0/Routes/1/State",
            json!(7),
            "reachable reachable stopped stopped unknown",
            "aws/RouteTables.json: entry 1 (rtb-0000000a), Routes[1]: State: ",
        ),
        // A route to nobody knows where: whatever else the table does not hold inside.
        (
            "/RouteTables/0/Routes/1",
            json!({ "DestinationCidrBlock": "all" }),
            "reachable reachable stopped stopped unknown",
            "Routes[1]: DestinationCidrBlock: ",
        ),
        // A table that might be any subnet's.
        (
            "/RouteTables/0/Associations",
            json!(7),
            "unknown unknown unknown stopped unknown",
            "(rtb-0000000a), Associations: ",
        ),
        // A rule that is met before all others, or after.
        (
            "/NetworkAcls/0/Entries/0/Egress",
            json!("out"),
            "unknown unknown stopped stopped stopped",
            "Entries[0]: Egress: ",
        ),
        (
            "/NetworkAcls/0/NetworkAclId",
            json!(null),
            "unknown unknown stopped stopped stopped",
            "aws/NetworkAcls.json: entry 1",
        ),
        // Endpoints may be anybody's.
        (
            "/VpcEndpoints/0/State",
            json!(7),
            "unknown reachable stopped stopped stopped",
            "(vpce-0000000a), State: ",
        ),
        // What cannot be read may be at any address.
        (
            "/NetworkInterfaces/1/SubnetId",
            json!([]),
            "reachable reachable unknown unknown stopped",
            "(eni-0000000b), SubnetId: ",
        ),
        (
            "/DhcpOptions/0/DhcpConfigurations",
            json!({}),
            "unknown reachable stopped stopped stopped",
            "(dopt-0000000a)",
        ),
        (
            "/VpcAttributes/0/EnableDnsHostnames",
            json!(true),
            "unknown reachable stopped stopped stopped",
            "EnableDnsHostnames: ",
        ),
        // Nothing hangs on tags and descriptions.
        (
            "/SecurityGroups/1/Tags",
            json!({ "Name": "b" }),
            "reachable reachable stopped stopped stopped",
            "(sg-0000000b), Tags: ",
        ),
        (
            "/SecurityGroups/1/Description",
            json!(7),
            "reachable reachable stopped stopped stopped",
            "(sg-0000000b), Description: ",
        ),
    ] {
        let mut broken = serde_json::to_value(&whole).expect("maps are values");
        let (parent, field) = pointer.rsplit_once('/').expect("a field");
        match broken.pointer_mut(parent).expect("there is such an entry") {
            Value::Object(fields) => drop(fields.insert(field.to_owned(), with)),
            Value::Array(items) => items[field.parse::<usize>().expect("a place")] = with,
            other => panic!("{other}"),
        }
        let broken: BTreeMap<&'static str, Value> = whole.keys().map(|kind| (*kind, broken[*kind].clone())).collect();
        let unread: Vec<String> = read(&broken).unread.iter().map(ToString::to_string).collect();
        assert!(unread.len() == 1 && unread[0].contains(noted), "{pointer}: {unread:?}");
        assert_eq!(verdicts(&broken), expected, "{pointer}");
    }
}

#[test]
fn an_endpoint_to_a_resource_has_no_service() {
    let mut files = files();
    let resource = json!({ "VpcEndpointId": "vpce-0000000b", "VpcEndpointType": "Resource", "VpcId": VPC, "State": "Available",
        "ResourceConfigurationArn": "arn:aws:vpc-lattice:us-east-1:111122223333:resourceconfiguration/rcfg-0" });
    files
        .get_mut("VpcEndpoints")
        .and_then(Value::as_array_mut)
        .expect("a list")
        .push(resource);
    assert_eq!(read(&files).unread, []);
    assert_eq!(verdict(&files, &sts()), "reachable");
}

#[test]
fn attributes_come_one_at_a_time_as_their_command_prints_them() {
    let support = json!({ "VpcId": VPC, "EnableDnsSupport": { "Value": true } }).to_string();
    let hostnames = json!({ "VpcId": VPC, "EnableDnsHostnames": { "Value": false } }).to_string();
    let list = format!("[{support}, {hostnames}]");
    let wrapped = format!("{{\"VpcAttributes\": {list}}}");
    let appended = format!("{support}\n{hostnames}\n");
    for files in [
        &[("VpcAttributes.json", list.as_str())][..],
        &[("VpcAttributes.json", &wrapped)],
        &[("VpcAttributes.json", &appended)],
        &[("VpcAttributes-support.json", &support), ("hostnames.json", &hostnames)],
    ] {
        let mut reading = Reading::default();
        for (name, text) in files {
            assert!(reading.add(name, text).expect("it is JSON"), "{name}");
        }
        let snapshot = reading.finish();
        let [attributes] = snapshot.vpc_attributes.as_slice() else {
            panic!("{files:?}: {snapshot:?}");
        };
        assert!(attributes.enable_dns_support.value && !attributes.enable_dns_hostnames.value);
    }
    let mut reading = Reading::default();
    reading.add("VpcAttributes.json", &support).expect("it is JSON");
    let snapshot = reading.finish();
    assert_eq!(snapshot.vpc_attributes, []);
    let unread = snapshot.unread[0].to_string();
    assert!(unread.contains("--attribute enableDnsHostnames"), "{unread}");
}

#[test]
fn files_are_told_by_their_lists_and_those_of_a_kind_by_their_names() {
    let vpcs = json!({ "Vpcs": [{ "VpcId": VPC }] }).to_string();
    let mut reading = Reading::default();
    assert_eq!(reading.add("us-east-1/describe-vpcs.json", &vpcs).ok(), Some(true));
    assert_eq!(reading.add("package.json", r#"{"name": "x"}"#).ok(), Some(false));
    assert_eq!(reading.add("notes.json", "no JSON").ok(), Some(false));
    let error = reading.add("a/Subnets.json", &vpcs).expect_err("it holds no subnets");
    assert_eq!(
        error.to_string(),
        "a/Subnets.json: there is no list \"Subnets\" in it; it must hold what `aws ec2 describe-subnets` prints"
    );
    assert_eq!(reading.finish().vpcs.len(), 1);
}

/// The same with a default route to an internet gateway, behind a NAT gateway.
fn with_a_nat_gateway() -> BTreeMap<&'static str, Value> {
    let mut files = files();
    files.insert(
        "RouteTables",
        json!([
            { "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Associations": [{ "Main": true }],
                "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" },
                    { "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0000000a", "State": "active" }] },
            { "RouteTableId": "rtb-0000000b", "VpcId": VPC, "Associations": [{ "SubnetId": "subnet-0000000b" }],
                "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" },
                    { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0000000a", "State": "active" }] },
        ]),
    );
    files.insert(
        "NatGateways",
        json!([{ "NatGatewayId": "nat-0000000a", "VpcId": VPC, "SubnetId": "subnet-0000000b",
            "State": "available", "ConnectivityType": "public" }]),
    );
    files
}

#[test]
fn what_a_list_does_not_hold_is_not_there_and_what_nobody_listed_is_not_known() {
    let outside = host("8.8.8.8:443");
    let nobody = host("10.0.1.7:443");
    let mut files = with_a_nat_gateway();
    assert_eq!(verdict(&files, &outside), "unknown");
    let attached = |vpc: &str| json!([{ "InternetGatewayId": "igw-0000000a", "Attachments": [{ "VpcId": vpc, "State": "available" }] }]);
    for (gateways, expected) in [
        (attached(VPC), "reachable"),
        (attached("vpc-0000000b"), "stopped"),
        (
            json!([{ "InternetGatewayId": "igw-0000000a", "Attachments": [] }]),
            "stopped",
        ),
        (json!([]), "stopped"),
    ] {
        files.insert("InternetGateways", gateways.clone());
        assert_eq!(verdict(&files, &outside), expected, "{gateways}");
    }
    assert_eq!(verdict(&files, &nobody), "stopped");
    // A VPC with an interface endpoint has interfaces: these were not listed.
    files.insert("NetworkInterfaces", json!([]));
    assert_eq!(verdict(&files, &nobody), "unknown");
    files.remove("NetworkInterfaces");
    assert_eq!(verdict(&files, &nobody), "unknown");
}

#[test]
fn a_snapshot_that_was_saved_lacks_what_it_lacked() {
    let mut files = with_a_nat_gateway();
    files.insert("FlowLogs", json!([]));
    let snapshot = read(&files);
    let saved = sagevpc_core::observed::files::write(&snapshot);
    assert!(saved.contains_key("FlowLogs.json") && !saved.contains_key("InternetGateways.json"));
    let again =
        sagevpc_core::observed::files::read(|name| saved.get(name).cloned()).expect("what is written can be read");
    assert_eq!(again, snapshot);
}

#[test]
fn a_gateway_endpoint_s_route_that_leads_nowhere_is_no_way_to_s3() {
    let mut files = files();
    let endpoint = json!({ "VpcEndpointId": "vpce-0000000b", "VpcEndpointType": "Gateway", "VpcId": VPC, "State": "available",
        "ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": ["rtb-0000000a"] });
    files.insert("VpcEndpoints", json!([endpoint]));
    files.insert(
        "PrefixLists",
        json!([{ "PrefixListId": "pl-0000000a", "PrefixListName": "com.amazonaws.us-east-1.s3", "Cidrs": ["52.216.0.0/15"] }]),
    );
    for (state, expected) in [("active", "reachable"), ("blackhole", "stopped")] {
        let route = json!({ "DestinationPrefixListId": "pl-0000000a", "GatewayId": "vpce-0000000b", "State": state });
        let local = json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" });
        files.insert(
            "RouteTables",
            json!([{ "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Associations": [{ "Main": true }], "Routes": [local, route] }]),
        );
        assert_eq!(verdict(&files, &Destination::S3 { bucket: None }), expected, "{state}");
    }
}
