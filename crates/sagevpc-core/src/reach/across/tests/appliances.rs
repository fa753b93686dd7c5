//! Endpoints of appliances, on both sides of NAT gateways.

use serde_json::{Value, json};

use super::{World, local, route, says, subnet, table};

/// The central VPC with a firewall between its attachment and its NAT gateway.
fn inspected() -> World {
    World::new()
        .add("Subnets", subnet("subnet-ef", "vpc-e", "10.9.5.0/28", "az1"))
        .add(
            "VpcEndpoints",
            json!({ "VpcEndpointId": "vpce-f", "VpcEndpointType": "GatewayLoadBalancer", "VpcId": "vpc-e",
                "ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1", "State": "available",
                "SubnetIds": ["subnet-ef"] }),
        )
        .add(
            "RouteTables",
            table(
                "rtb-ef",
                "vpc-e",
                &["subnet-ef"],
                &[
                    local("10.9.0.0/16"),
                    route("10.0.0.0/16", "TransitGatewayId", "tgw-1"),
                    route("0.0.0.0/0", "NatGatewayId", "nat-e"),
                ],
            ),
        )
        .routes("rtb-et", &[route("0.0.0.0/0", "GatewayId", "vpce-f")])
        .routes(
            "rtb-en",
            &[
                route("10.0.0.0/16", "GatewayId", "vpce-f"),
                route("0.0.0.0/0", "GatewayId", "igw-e"),
            ],
        )
}

const FIREWALL: &str = "unknown: what the appliance at vpce-f lets through";

#[test]
fn packets_go_on_behind_a_firewall() {
    assert_eq!(inspected().told_of_the_internet(), FIREWALL);
    let world = inspected().routes("rtb-ef", &[route("10.0.0.0/16", "TransitGatewayId", "tgw-1")]);
    says(&world.told_of_the_internet(), &["rtb-ef has no route there"]);
    let world = inspected().routes("rtb-ef", &[route("0.0.0.0/0", "NatGatewayId", "nat-e")]);
    says(
        &world.told_of_the_internet(),
        &["rtb-ef of subnet-ef in vpc-e leads answers to 10.0.0.0/16 elsewhere"],
    );
    let world = inspected().with("VpcEndpoints", "vpce-f", |endpoint| endpoint["State"] = json!("failed"));
    says(&world.told_of_the_internet(), &["vpce-f is failed"]);
}

#[test]
fn answers_must_pass_the_firewall_too() {
    let world = inspected().routes(
        "rtb-en",
        &[
            route("10.0.0.0/16", "TransitGatewayId", "tgw-1"),
            route("0.0.0.0/0", "GatewayId", "igw-e"),
        ],
    );
    says(
        &world.told_of_the_internet(),
        &["answers do not go by the appliance at vpce-f", "appliance mode"],
    );
}

/// The central VPC with a firewall between its NAT gateway and the internet.
fn inspected_behind() -> World {
    inspected()
        .routes("rtb-et", &[route("0.0.0.0/0", "NatGatewayId", "nat-e")])
        .routes(
            "rtb-en",
            &[
                route("10.0.0.0/16", "TransitGatewayId", "tgw-1"),
                route("0.0.0.0/0", "GatewayId", "vpce-f"),
            ],
        )
        .routes("rtb-ef", &[route("0.0.0.0/0", "GatewayId", "igw-e")])
}

#[test]
fn a_firewall_behind_the_nat_gateway_sees_answers_by_the_internet_gateways_table() {
    says(
        &inspected_behind().told_of_the_internet(),
        &["answers do not go by the appliance at vpce-f"],
    );
    let mut of_gateway = table(
        "rtb-igw",
        "vpc-e",
        &[],
        &[local("10.9.0.0/16"), route("10.9.1.0/24", "GatewayId", "vpce-f")],
    );
    of_gateway["Associations"] = json!([{ "GatewayId": "igw-e" }]);
    let world = inspected_behind().add("RouteTables", of_gateway);
    assert_eq!(world.told_of_the_internet(), FIREWALL);
}

#[test]
fn a_firewall_in_the_vpc_itself_is_followed_as_well() {
    let at_home =
        |answers: &[Value]| {
            World::new()
            .add("Subnets", subnet("subnet-af", "vpc-a", "10.0.5.0/28", "az1"))
            .add("Subnets", subnet("subnet-an", "vpc-a", "10.0.6.0/28", "az1"))
            .add(
                "VpcEndpoints",
                json!({ "VpcEndpointId": "vpce-f", "VpcEndpointType": "GatewayLoadBalancer", "VpcId": "vpc-a",
                    "ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-1", "State": "available",
                    "SubnetIds": ["subnet-af"] }),
            )
            .add(
                "NatGateways",
                json!({ "NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-an", "State": "available" }),
            )
            .add(
                "InternetGateways",
                json!({ "InternetGatewayId": "igw-a", "Attachments": [{ "VpcId": "vpc-a", "State": "available" }] }),
            )
            .routes("rtb-a", &[route("0.0.0.0/0", "GatewayId", "vpce-f")])
            .add(
                "RouteTables",
                table(
                    "rtb-af",
                    "vpc-a",
                    &["subnet-af"],
                    &[local("10.0.0.0/16"), route("0.0.0.0/0", "NatGatewayId", "nat-a")],
                ),
            )
            .add("RouteTables", table("rtb-an", "vpc-a", &["subnet-an"], &[local("10.0.0.0/16")]))
            .routes("rtb-an", answers)
        };
    let out = route("0.0.0.0/0", "GatewayId", "igw-a");
    let world = at_home(&[out.clone(), route("10.0.1.0/24", "GatewayId", "vpce-f")]);
    assert_eq!(world.told_of_the_internet(), FIREWALL);
    says(
        &at_home(&[out]).told_of_the_internet(),
        &["answers do not go by the appliance at vpce-f"],
    );
}
