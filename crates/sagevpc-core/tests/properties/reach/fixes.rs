//! What is told to be the fix: run, it takes away what it was told for.

use std::collections::BTreeSet;

use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    observed::{IpPermission, NetworkAclEntry, Route, VpcSnapshot},
    reach::{Answer, Cause, Destination, Means, Reach, Verdict, fix_of_all},
    types::{NetworkAclId, RouteTableId, SecurityGroupId, SubnetId},
};
use serde_json::{Map, Value, json};

use super::networks::{GROUPS, SUBNETS, destination, network};

/// The commands of a fix that can be run as they stand.
fn commands(fix: &str) -> Vec<Vec<String>> {
    let quoted = fix.split('`').skip(1).step_by(2);
    let whole = quoted.filter(|command| command.starts_with("aws ec2 ") && !command.contains('…'));
    whole.map(words).collect()
}

/// The words of a command, as a shell reads them.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for letter in command.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// Does to a VPC what EC2 would; whether it knows the command.
fn run(vpc: &mut VpcSnapshot, command: &[String]) -> bool {
    let option = |name: &str| {
        let place = command.iter().position(|word| word == name)?;
        command.get(place + 1).cloned()
    };
    match command[2].as_str() {
        verb @ ("authorize-security-group-egress" | "authorize-security-group-ingress") => {
            let group = SecurityGroupId::new(option("--group-id").unwrap());
            let place = command.iter().position(|word| word == "--ip-permissions").unwrap();
            let group = vpc.security_groups.get_mut(&group).expect("the group is there");
            let held = if verb.ends_with("egress") {
                &mut group.ip_permissions_egress
            } else {
                &mut group.ip_permissions
            };
            held.extend(command[place + 1..].iter().map(|text| permission(text)));
            true
        }
        "create-network-acl-entry" => {
            let acl = NetworkAclId::new(option("--network-acl-id").unwrap());
            let acl = vpc.network_acls.get_mut(&acl).expect("the ACL is there");
            let entry = entry(command, option);
            let is_taken =
                |other: &NetworkAclEntry| other.rule_number == entry.rule_number && other.egress == entry.egress;
            assert!(
                !acl.entries.iter().any(is_taken),
                "EC2 takes no number twice: {command:?}"
            );
            acl.entries.push(entry);
            true
        }
        "modify-vpc-endpoint" => {
            let id = option("--vpc-endpoint-id").unwrap();
            let mut endpoints = vpc.vpc_endpoints.iter_mut();
            let endpoint = endpoints
                .find(|endpoint| endpoint.vpc_endpoint_id.as_str() == id)
                .unwrap();
            if command.iter().any(|word| word == "--private-dns-enabled") {
                let on = vpc.attributes.as_ref().unwrap();
                assert!(
                    on.enable_dns_support.value && on.enable_dns_hostnames.value,
                    "EC2 refuses private DNS without both attributes: {command:?}"
                );
                endpoint.private_dns_enabled = true;
                return true;
            }
            let Some(table) = option("--add-route-table-ids") else {
                return false;
            };
            endpoint.route_table_ids.push(RouteTableId::new(&table));
            let endpoint_id = endpoint.vpc_endpoint_id.to_string();
            let service = endpoint.service_name.clone();
            let mut lists = vpc.prefix_lists.iter();
            let list = lists.find(|list| list.prefix_list_name == service).unwrap();
            let list = list.prefix_list_id.to_string();
            let table = vpc.route_tables.get_mut(&RouteTableId::new(table)).unwrap();
            table.routes.push(route(
                json!({ "DestinationPrefixListId": list, "GatewayId": endpoint_id, "State": "active" }),
            ));
            true
        }
        "modify-vpc-attribute" => {
            let attributes = vpc.attributes.as_mut().unwrap();
            let has = |name: &str| command.iter().any(|word| word == name);
            attributes.enable_dns_support.value |= has("--enable-dns-support");
            attributes.enable_dns_hostnames.value |= has("--enable-dns-hostnames");
            has("--enable-dns-support") || has("--enable-dns-hostnames")
        }
        verb @ ("create-route" | "delete-route" | "replace-route") => {
            let table = RouteTableId::new(option("--route-table-id").unwrap());
            let table = vpc.route_tables.get_mut(&table).unwrap();
            let to = [
                "--destination-cidr-block",
                "--destination-ipv6-cidr-block",
                "--destination-prefix-list-id",
            ]
            .into_iter()
            .zip([
                "DestinationCidrBlock",
                "DestinationIpv6CidrBlock",
                "DestinationPrefixListId",
            ])
            .find_map(|(name, field)| Some((field, option(name)?)));
            let (field, to) = to.unwrap();
            let is_it = |route: &Route| serde_json::to_value(route).unwrap()[field] == json!(to);
            let is_there = table.routes.iter().any(is_it);
            assert_eq!(is_there, verb != "create-route", "EC2 refuses {command:?}");
            table.routes.retain(|route| !is_it(route));
            if verb == "delete-route" {
                return true;
            }
            let targets = [
                ("--gateway-id", "GatewayId"),
                ("--nat-gateway-id", "NatGatewayId"),
                ("--network-interface-id", "NetworkInterfaceId"),
                ("--egress-only-internet-gateway-id", "EgressOnlyInternetGatewayId"),
                ("--transit-gateway-id", "TransitGatewayId"),
                ("--vpc-peering-connection-id", "VpcPeeringConnectionId"),
                ("--vpc-endpoint-id", "GatewayId"),
            ];
            let Some((target, id)) = targets.iter().find_map(|(name, field)| Some((*field, option(name)?))) else {
                return false;
            };
            table
                .routes
                .push(route(json!({ field: to, target: id, "State": "active" })));
            true
        }
        _ => false,
    }
}

fn route(value: Value) -> Route {
    serde_json::from_value(value).unwrap()
}

fn entry(command: &[String], option: impl Fn(&str) -> Option<String>) -> NetworkAclEntry {
    let protocol = match option("--protocol").unwrap().as_str() {
        "tcp" => "6".to_owned(),
        "udp" => "17".to_owned(),
        "icmp" => "1".to_owned(),
        "icmpv6" => "58".to_owned(),
        number => number.to_owned(),
    };
    let mut value = json!({
        "Egress": command.iter().any(|word| word == "--egress"),
        "RuleNumber": option("--rule-number").unwrap().parse::<i32>().unwrap(),
        "Protocol": protocol,
        "RuleAction": option("--rule-action").unwrap(),
    });
    if let Some(block) = option("--cidr-block") {
        value["CidrBlock"] = json!(block);
    }
    if let Some(block) = option("--ipv6-cidr-block") {
        value["Ipv6CidrBlock"] = json!(block);
    }
    if let Some(range) = option("--port-range") {
        let (from, to) = range.strip_prefix("From=").unwrap().split_once(",To=").unwrap();
        value["PortRange"] = json!({ "From": from.parse::<i32>().unwrap(), "To": to.parse::<i32>().unwrap() });
    }
    if option("--icmp-type-code").is_some() {
        value["IcmpTypeCode"] = json!({ "Type": -1, "Code": -1 });
    }
    serde_json::from_value(value).unwrap()
}

/// A permission in the AWS CLI's shorthand: `Key=value,Key=[{Key=value},…]`.
fn permission(text: &str) -> IpPermission {
    let mut fields = Map::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').unwrap();
        if let Some(list) = after.strip_prefix('[') {
            let (items, after) = list.split_once(']').unwrap();
            let items: Vec<Value> = items
                .split("},{")
                .map(|item| {
                    let (key, value) = item.trim_matches(['{', '}']).split_once('=').unwrap();
                    json!({ key: value })
                })
                .collect();
            fields.insert(key.to_owned(), json!(items));
            rest = after.strip_prefix(',').unwrap_or(after);
        } else {
            let (value, after) = after.split_once(',').unwrap_or((after, ""));
            let number = value.parse::<i64>().ok().filter(|_| key != "IpProtocol");
            fields.insert(
                key.to_owned(),
                number.map_or_else(|| json!(value), |number| json!(number)),
            );
            rest = after;
        }
    }
    serde_json::from_value(Value::Object(fields)).unwrap()
}

/// What is in the way, where something is.
fn asked(vpc: &VpcSnapshot, subnet: &str, groups: &[&str], to: &Destination) -> Option<Answer> {
    let groups: BTreeSet<SecurityGroupId> = groups.iter().map(|id| SecurityGroupId::new(*id)).collect();
    let reach = Reach::new(vpc);
    let start = reach
        .from(&SubnetId::new(subnet), &groups)
        .expect("the subnet is there");
    start.answer(to)
}

/// Whether the fix of a cause is all there is to do against it.
fn is_mended_by_commands(vpc: &VpcSnapshot, cause: &Cause) -> bool {
    match cause {
        Cause::DnsOff { .. } | Cause::PrivateDnsOff { .. } => true,
        Cause::GatewayDetached {
            route: Some(_),
            attached: Some(_),
            ..
        } => true,
        Cause::NatInPrivateSubnet(through) => {
            let is_its_own = through.route.as_ref().map(|route| &route.table) == through.table.as_ref();
            let is_alone = through.subnet.is_none() || (through.shared_with.is_empty() && !is_its_own);
            let table = through.table.as_ref().map(|table| &vpc.route_tables[table]);
            // Routes to a part of the internet may lead nowhere as well.
            let leads_on = |route: &Route| {
                let block = route.destination_cidr_block.filter(|block| block.prefix_len() > 0);
                block.is_some() && route.gateway_id.as_deref() != Some("local")
            };
            let has_others = table.is_some_and(|table| table.routes.iter().any(leads_on));
            is_alone && table.is_some() && through.attached.is_some() && !has_others
        }
        Cause::NotAdmitted { groups, .. } => !groups.is_empty(),
        // A rule of so low a number may leave no room for one that comes before.
        Cause::AclDenies(denial) => denial.rule > 50,
        Cause::NoRoute { sibling, .. } | Cause::PrivateAddress { sibling, .. } => sibling.is_some(),
        _ => false,
    }
}

/// Runs what is told, and asks again.
fn mends(vpc: &VpcSnapshot, subnet: &str, groups: &[&str], to: &Destination) -> Result<(), TestCaseError> {
    let Some(answer) = asked(vpc, subnet, groups, to) else {
        return Ok(());
    };
    if !matches!(answer.verdict, Verdict::Stopped(..)) {
        return Ok(());
    }
    let means = Means {
        acls: Some(&vpc.network_acls),
        ..Means::default()
    };
    let mended: Vec<&Cause> = answer
        .causes
        .iter()
        .filter(|cause| is_mended_by_commands(vpc, cause))
        .collect();
    let fix = fix_of_all(mended.iter().map(|cause| (*cause, to)), &means);
    // Not all of it is spelled out.
    if fix.contains("more like these") {
        return Ok(());
    }
    let mut after = vpc.clone();
    for command in commands(&fix) {
        prop_assert!(run(&mut after, &command), "nobody knows {command:?}");
    }
    let left = asked(&after, subnet, groups, to)
        .map(|answer| answer.causes)
        .unwrap_or_default();
    for cause in mended {
        prop_assert!(!left.contains(cause), "{cause} stands after {fix}: {left:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_told_to_be_the_fix_takes_away_what_it_is_told_for(
        vpc in network(),
        questions in collection::vec(
            (sample::select(&SUBNETS[..2]), sample::subsequence(GROUPS.to_vec(), 1..=2), destination()),
            4,
        ),
    ) {
        for (subnet, groups, destination) in questions {
            mends(&vpc, subnet, &groups, &destination)?;
        }
    }
}
