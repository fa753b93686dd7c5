//! Transit gateways and central ways out, and virtual private gateways.

use serde_json::{Value, json};

use super::{OURS, THEIRS, World, route, says, told, transit_route};
use crate::reach::Destination;

const SPOKE: &str = "10.2.1.5:5432";

#[test]
fn all_go_out_by_a_central_vpc_and_answers_come_back() {
    let world = World::new();
    assert_eq!(world.told_of_the_internet(), "reachable");
    assert_eq!(world.told(SPOKE), "reachable");
}

#[test]
fn a_zone_without_a_subnet_of_the_attachment_is_cut_off() {
    let outside = Destination::outside(443);
    let told = told(&World::new().ask("subnet-a2", &outside), &outside);
    says(
        &told,
        &[
            "tgw-attach-a",
            "no subnet in az2",
            "modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id tgw-attach-a --add-subnet-ids subnet-a2",
        ],
    );
}

#[test]
fn an_attachment_must_serve_and_be_associated() {
    let waiting = World::new()
        .with("TransitGatewayVpcAttachments", "tgw-attach-a", |found| {
            found["State"] = json!("pendingAcceptance")
        })
        .with("TransitGatewayAttachments", "tgw-attach-a", |found| {
            found["State"] = json!("pendingAcceptance")
        });
    says(
        &waiting.told_of_the_internet(),
        &[
            "tgw-attach-a",
            "pendingAcceptance",
            "accept-transit-gateway-vpc-attachment",
        ],
    );
    let world = World::new().with("TransitGatewayAttachments", "tgw-attach-a", |found| {
        found["Association"] = Value::Null
    });
    says(
        &world.told_of_the_internet(),
        &[
            "tgw-attach-a is associated with no route table",
            "associate-transit-gateway-route-table",
            THEIRS,
        ],
    );
    let world = World::new()
        .without("TransitGatewayVpcAttachments", "tgw-attach-a")
        .without("TransitGatewayAttachments", "tgw-attach-a");
    says(
        &world.told_of_the_internet(),
        &["vpc-a is not attached", "create-transit-gateway-vpc-attachment"],
    );
}

#[test]
fn the_gateways_table_must_lead_there() {
    let world = World::new().with("TransitGatewayRoutes", "tgw-rtb-spokes", |table| {
        table["Routes"] = json!([])
    });
    says(
        &world.told(SPOKE),
        &[
            "tgw-rtb-spokes has no route for it to 10.2.0.0/16",
            "--transit-gateway-route-table-id tgw-rtb-spokes --destination-cidr-block 10.2.0.0/16 \
             --transit-gateway-attachment-id tgw-attach-c",
        ],
    );
    says(
        &world.told_of_the_internet(),
        &["tgw-rtb-spokes has no route for it to 0.0.0.0/0"],
    );
    let world = World::new().with("TransitGatewayRoutes", "tgw-rtb-spokes", |table| {
        table["Routes"][1]["State"] = json!("blackhole");
    });
    says(
        &world.told(SPOKE),
        &["route 10.2.0.0/16 of transit gateway route table tgw-rtb-spokes drops it"],
    );
}

#[test]
fn the_gateways_table_must_lead_back() {
    let world = World::new().with("TransitGatewayRoutes", "tgw-rtb-core", |table| {
        table["Routes"] = json!([])
    });
    for told in [world.told(SPOKE), world.told_of_the_internet()] {
        says(
            &told,
            &[
                "tgw-rtb-core has no route for answers to 10.0.0.0/16",
                "--transit-gateway-attachment-id tgw-attach-a",
                "account 222222222222",
            ],
        );
    }
}

#[test]
fn a_static_route_is_tried_before_one_that_an_attachment_told_of() {
    let world = World::new().with("TransitGatewayRoutes", "tgw-rtb-spokes", |table| {
        let mut told_of = transit_route("10.2.0.0/16", "tgw-attach-e");
        told_of["Type"] = json!("propagated");
        let routes = table["Routes"].as_array_mut().unwrap();
        routes.insert(0, told_of);
    });
    assert_eq!(world.told(SPOKE), "reachable");
}

#[test]
fn static_routes_and_propagations_make_a_table() {
    let told_of = |attachment: &str, vpc: &str| json!({ "TransitGatewayAttachmentId": attachment, "ResourceId": vpc, "ResourceType": "vpc", "State": "enabled" });
    let mut world = World::new();
    world.0.remove("TransitGatewayRoutes");
    let world = world
        .add("TransitGatewayStaticRoutes", json!({ "TransitGatewayRouteTableId": "tgw-rtb-spokes", "Routes": [transit_route("0.0.0.0/0", "tgw-attach-e")] }))
        .add("TransitGatewayStaticRoutes", json!({ "TransitGatewayRouteTableId": "tgw-rtb-core", "Routes": [] }))
        .add("TransitGatewayPropagations", json!({ "TransitGatewayRouteTableId": "tgw-rtb-spokes", "TransitGatewayRouteTablePropagations": [told_of("tgw-attach-c", "vpc-c")] }))
        .add("TransitGatewayPropagations", json!({ "TransitGatewayRouteTableId": "tgw-rtb-core", "TransitGatewayRouteTablePropagations": [told_of("tgw-attach-a", "vpc-a")] }));
    assert_eq!(world.told(SPOKE), "reachable");
    assert_eq!(world.told_of_the_internet(), "reachable");
}

#[test]
fn the_central_vpc_must_lead_out_and_back() {
    let world = World::new().routes("rtb-et", &[]);
    says(
        &world.told_of_the_internet(),
        &["rtb-et has no route there", "--route-table-id rtb-et"],
    );
    let world = World::new().routes("rtb-en", &[route("0.0.0.0/0", "GatewayId", "igw-e")]);
    says(
        &world.told_of_the_internet(),
        &[
            "rtb-en of subnet-en in vpc-e leads answers to 10.0.0.0/16 elsewhere: 0.0.0.0/0 to igw-e",
            "create-route --route-table-id rtb-en --destination-cidr-block 10.0.0.0/16 --transit-gateway-id tgw-1",
        ],
    );
    let world = World::new().routes("rtb-en", &[route("10.0.0.0/16", "TransitGatewayId", "tgw-1")]);
    says(&world.told_of_the_internet(), &["nat-e", "subnet-en, a private subnet"]);
    let world = World::new().with("NatGateways", "nat-e", |nat| nat["State"] = json!("failed"));
    says(&world.told_of_the_internet(), &["nat-e", "failed"]);
    let world = World::new().routes("rtb-et", &[route("0.0.0.0/0", "GatewayId", "igw-e")]);
    says(
        &world.told_of_the_internet(),
        &["vpc-e", "igw-e", "takes nothing of another VPC's on"],
    );
}

#[test]
fn network_acls_of_attachments_subnets_count() {
    let closed = |subnet: &str, vpc: &str, egress: bool| {
        let rule = |egress: bool, allows: &str| {
            json!({ "RuleNumber": 100, "Egress": egress, "RuleAction": allows, "Protocol": "-1",
                "CidrBlock": "0.0.0.0/0" })
        };
        World::new().add(
            "NetworkAcls",
            json!({ "NetworkAclId": "acl-new", "VpcId": vpc, "Associations": [{ "SubnetId": subnet }],
                "Entries": [rule(egress, "deny"), rule(!egress, "allow")] }),
        )
    };
    // Packets come into the subnet from instances and out of it to them, and never out to the gateway.
    for (subnet, vpc) in [("subnet-at", "vpc-a"), ("subnet-ct", "vpc-c"), ("subnet-c1", "vpc-c")] {
        for egress in [true, false] {
            says(&closed(subnet, vpc, egress).told(SPOKE), &["acl-new"]);
        }
    }
    for subnet in ["subnet-et", "subnet-en"] {
        for egress in [true, false] {
            says(&closed(subnet, "vpc-e", egress).told_of_the_internet(), &["acl-new"]);
        }
    }
}

#[test]
fn what_of_a_transit_gateway_was_not_seen_is_named() {
    let world = World::new().without("TransitGatewayAttachments", "tgw-attach-a");
    assert_eq!(
        world.told(SPOKE),
        "unknown: by which route table transit gateway tgw-1 of account 222222222222 sends what comes by tgw-attach-a"
    );
    let world = World::new().without("TransitGatewayRoutes", "tgw-rtb-spokes");
    assert_eq!(
        world.told(SPOKE),
        "unknown: the routes of tgw-rtb-spokes of transit gateway tgw-1"
    );
    let world = World::new().without("Vpcs", "vpc-c");
    assert_eq!(
        world.told(SPOKE),
        "unknown: what vpc-c of account 222222222222 does with it, to which transit gateway tgw-1 leads"
    );
    let vpn = World::new()
        .with("TransitGatewayAttachments", "tgw-attach-c", |found| {
            found["ResourceType"] = json!("vpn");
            found["ResourceId"] = json!("vpn-1");
        })
        .without("TransitGatewayVpcAttachments", "tgw-attach-c");
    assert_eq!(
        vpn.told(SPOKE),
        "unknown: what lies behind tgw-attach-c of transit gateway tgw-1, which leads to vpn vpn-1"
    );
    let mut nothing = World::new();
    for kind in [
        "TransitGatewayAttachments",
        "TransitGatewayVpcAttachments",
        "TransitGatewayRoutes",
    ] {
        nothing.0.remove(kind);
    }
    assert_eq!(nothing.told(SPOKE), "unknown: what lies behind transit gateway tgw-1");
}

#[test]
fn a_circle_of_routes_is_told() {
    let world = World::new()
        .routes("rtb-et", &[route("0.0.0.0/0", "TransitGatewayId", "tgw-1")])
        .with("TransitGatewayRoutes", "tgw-rtb-core", |table| {
            table["Routes"] = json!([transit_route("0.0.0.0/0", "tgw-attach-e")])
        });
    says(&world.told_of_the_internet(), &["lead round in a circle"]);
}

#[test]
fn a_virtual_private_gateway_must_be_attached() {
    let gateway = |vpc: &str| {
        World::new()
            .routes("rtb-a", &[route("172.16.0.0/12", "GatewayId", "vgw-1")])
            .add(
                "VpnGateways",
                json!({ "VpnGatewayId": "vgw-1", "VpcAttachments": [{ "VpcId": vpc, "State": "attached" }] }),
            )
    };
    assert_eq!(
        gateway("vpc-a").told("172.16.0.9:443"),
        "unknown: what lies behind virtual private gateway vgw-1"
    );
    says(
        &gateway("vpc-b").told("172.16.0.9:443"),
        &[
            "vgw-1 is not attached to vpc-a",
            "attach-vpn-gateway --vpn-gateway-id vgw-1 --vpc-id vpc-a",
        ],
    );
}

#[test]
fn only_the_gateways_owner_sees_that_nothing_is_associated() {
    let world = World::new().with("TransitGatewayAttachments", "tgw-attach-a", |found| {
        found["Association"] = Value::Null;
    });
    let [ours, theirs] = [OURS, THEIRS].map(|account| world.snapshot(account));
    let vpc = ours.vpc(&"vpc-a".into()).unwrap();
    let attachment = "tgw-attach-a".into();
    assert_eq!(vpc.beyond.association(&attachment), None);
    let vpc = vpc.joined_to(&[&ours, &theirs]);
    assert_eq!(vpc.beyond.association(&attachment), Some(None));
}
