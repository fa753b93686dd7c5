//! Peering connections.

use serde_json::json;

use super::{OURS, THEIRS, World, postgres_from, route, says};

const PEER: &str = "10.1.1.5:5432";

#[test]
fn a_peering_connection_leads_to_the_other_vpc_and_back() {
    assert_eq!(World::new().told(PEER), "reachable");
}

#[test]
fn a_peering_connection_that_waits_or_is_gone_stops() {
    let waiting = World::new().with("VpcPeeringConnections", "pcx-1", |connection| {
        connection["Status"]["Code"] = json!("pending-acceptance");
    });
    says(
        &waiting.told(PEER),
        &["pcx-1 is pending-acceptance", "accept-vpc-peering-connection", THEIRS],
    );
    let gone = World::new().with("RouteTables", "rtb-a", |table| {
        table["Routes"][1]["State"] = json!("blackhole");
    });
    says(
        &gone.told(PEER),
        &["rtb-a", "pcx-1", "blackhole", "Make a new peering connection"],
    );
}

#[test]
fn the_peer_must_lead_answers_back() {
    let world = World::new().routes("rtb-b", &[]);
    says(
        &world.told(PEER),
        &[
            "rtb-b of subnet-b1 in vpc-b has no route back to 10.0.0.0/16",
            "account 222222222222",
            "create-route --route-table-id rtb-b --destination-cidr-block 10.0.0.0/16 --vpc-peering-connection-id pcx-1",
        ],
    );
    let world = World::new().routes("rtb-b", &[route("10.0.0.0/16", "NatGatewayId", "nat-b")]);
    says(
        &world.told(PEER),
        &["leads answers to 10.0.0.0/16 elsewhere", "nat-b", "replace-route"],
    );
}

#[test]
fn the_peers_network_acl_and_groups_must_let_it_in_and_answers_out() {
    for egress in [true, false] {
        let world = World::new().with("NetworkAcls", "acl-b", |acl| {
            acl["Entries"] = acl["Entries"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|rule| rule["Egress"] != egress)
                .cloned()
                .collect();
        });
        says(&world.told(PEER), &["acl-b", if egress { "egress" } else { "ingress" }]);
    }
    let world = World::new().with("SecurityGroups", "sg-b", |group| {
        group["IpPermissions"][0]["IpRanges"][0]["CidrIp"] = json!("10.7.0.0/16");
    });
    says(&world.told(PEER), &["sg-b", "ingress tcp 5432", "10.0.1.0/24"]);
}

#[test]
fn the_peers_groups_may_name_ours_in_one_region() {
    let named = World::new().with("SecurityGroups", "sg-b", |group| {
        group["IpPermissions"][0] = postgres_from("UserIdGroupPairs", &json!([{ "GroupId": "sg-a", "UserId": OURS }]));
    });
    assert_eq!(named.told(PEER), "reachable");
    let ours = named.with("SecurityGroups", "sg-a", |group| {
        group["IpPermissionsEgress"] = json!([{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "sg-b" }] }]);
    });
    assert_eq!(ours.told(PEER), "reachable");
    let other = ours.with("SecurityGroups", "sg-a", |group| {
        group["IpPermissionsEgress"] = json!([{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "sg-c" }] }]);
    });
    says(&other.told(PEER), &["sg-a", "egress tcp 5432"]);
}

#[test]
fn nobody_at_an_address_of_the_peers_is_told() {
    says(
        &World::new().told("10.1.1.6:5432"),
        &["nothing in subnet-b1 has the address 10.1.1.6"],
    );
    says(
        &World::new().told("10.1.7.6:5432"),
        &["no subnet of vpc-b has that address"],
    );
}

#[test]
fn a_peering_connection_leads_no_further_than_the_peer() {
    let world = World::new().routes("rtb-a", &[route("0.0.0.0/0", "VpcPeeringConnectionId", "pcx-1")]);
    says(&world.told_of_the_internet(), &["pcx-1 leads to vpc-b alone"]);
    says(
        &world.told("10.8.0.1:443"),
        &["pcx-1 leads to vpc-b alone", "Narrow the route"],
    );
}

#[test]
fn of_a_peer_that_was_not_seen_it_is_told_what_to_look_at() {
    let world = World::new().without("Vpcs", "vpc-b");
    assert_eq!(
        world.told(PEER),
        "unknown: what vpc-b of account 222222222222 in us-east-1 does with it, to which peering connection pcx-1 leads"
    );
    let closed = world.with("SecurityGroups", "sg-a", |group| {
        group["IpPermissionsEgress"] = json!([])
    });
    says(&closed.told(PEER), &["sg-a", "egress tcp 5432"]);
}
