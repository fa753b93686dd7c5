//! What routes lead across is seen with the VPCs at the other end, and only
//! where a route does.

use std::collections::BTreeSet;

use aws_sdk_ec2::Client;

use crate::{
    plans::{look, refused, world_and_account},
    support::network::Network,
};
use sagevpc_core::{
    reach::{Destination, Reach, Verdict},
    types::{SecurityGroupId, Traffic, TransitGatewayId, VpcId, VpcPeeringConnectionId},
};

async fn other_vpc(client: &Client) -> (String, String) {
    let made = client.create_vpc().cidr_block("10.7.0.0/16").send().await.unwrap();
    let vpc = made.vpc.unwrap().vpc_id.unwrap();
    let subnet = client.create_subnet().vpc_id(&vpc).cidr_block("10.7.1.0/24");
    let subnet = subnet.send().await.unwrap().subnet.unwrap().subnet_id.unwrap();
    (vpc, subnet)
}

/// Another VPC, and a route to it by a peering connection.
pub async fn peered(network: &Network) -> (String, VpcPeeringConnectionId) {
    let client = &network.client;
    let (vpc, _) = other_vpc(client).await;
    let asked = client.create_vpc_peering_connection().vpc_id(network.vpc.as_str());
    let asked = asked.peer_vpc_id(&vpc).send().await.unwrap();
    let id = asked.vpc_peering_connection.unwrap().vpc_peering_connection_id.unwrap();
    let accept = client.accept_vpc_peering_connection().vpc_peering_connection_id(&id);
    accept.send().await.unwrap();
    let route = client.create_route().route_table_id(network.main_table.as_str());
    let route = route
        .destination_cidr_block("10.7.0.0/16")
        .vpc_peering_connection_id(&id);
    route.send().await.unwrap();
    (vpc, VpcPeeringConnectionId::new(id))
}

/// Another VPC, and a route to it by a transit gateway.
pub async fn attached(network: &Network) -> (TransitGatewayId, String) {
    let client = &network.client;
    let made = client.create_transit_gateway().send().await.unwrap();
    let gateway = made.transit_gateway.unwrap().transit_gateway_id.unwrap();
    let (other, subnet) = other_vpc(client).await;
    for (vpc, subnet) in [(network.vpc.as_str(), network.subnets[0].as_str()), (&other, &subnet)] {
        let attach = client.create_transit_gateway_vpc_attachment().vpc_id(vpc);
        let attach = attach.transit_gateway_id(&gateway).subnet_ids(subnet);
        attach.send().await.unwrap();
    }
    let route = client.create_route().route_table_id(network.main_table.as_str());
    let route = route.destination_cidr_block("10.8.0.0/16").transit_gateway_id(&gateway);
    route.send().await.unwrap();
    (TransitGatewayId::new(gateway), other)
}

#[tokio::test]
async fn a_peer_is_seen_once_a_route_leads_there() {
    let (_, network, road, ec2) = world_and_account().await;
    look(&ec2, &network.vpc).await;
    assert_eq!(road.calls("DescribeVpcPeeringConnections").len(), 0);
    let (vpc, id) = peered(&network).await;
    let seen = look(&ec2, &network.vpc).await;
    assert!(seen.beyond.peering_connections[&id].is_active());
    let peer = &seen.beyond.vpcs[&VpcId::new(&vpc)];
    assert_eq!(peer.subnets.len(), 1);
    assert_eq!(peer.route_tables.len(), 1);
    assert_eq!(peer.network_acls.len(), 1);
    assert_eq!(seen.subnets.len(), 3, "the peer's are its own");

    // Nothing leads answers back.
    let reach = Reach::new(&seen);
    let group = seen.security_groups.keys().next().cloned();
    let groups: BTreeSet<SecurityGroupId> = group.into_iter().collect();
    let start = reach.from(&network.subnets[0], &groups).unwrap();
    let verdict = start.to(&Destination::Cidr {
        cidr: "10.7.1.0/24".parse().unwrap(),
        traffic: Traffic::tcp(5432),
    });
    let Verdict::Stopped(_, stop) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        stop.cause.to_string().contains("no route back to 10.0.0.0/16"),
        "{}",
        stop.cause
    );
}

#[tokio::test]
async fn whoever_may_not_look_beyond_sees_the_rest() {
    let (_, network, road, ec2) = world_and_account().await;
    let (_, id) = peered(&network).await;
    road.next("DescribeVpcPeeringConnections", refused("UnauthorizedOperation", "No."));
    let seen = look(&ec2, &network.vpc).await;
    assert!(!seen.beyond.peering_connections.contains_key(&id));
    assert_eq!(seen.subnets.len(), 3);
}

#[tokio::test]
async fn what_is_attached_to_a_transit_gateway_is_seen_though_its_routes_may_not_be() {
    let (_, network, road, ec2) = world_and_account().await;
    let (gateway, other) = attached(&network).await;
    road.next("SearchTransitGatewayRoutes", refused("UnauthorizedOperation", "No."));
    let seen = look(&ec2, &network.vpc).await;
    let attached = seen.beyond.attached(&network.vpc, &gateway);
    let attachment = attached.unwrap().of_vpc.unwrap();
    assert_eq!(attachment.subnet_ids, [network.subnets[0].clone()]);
    assert!(attachment.serves());
    assert_eq!(seen.beyond.vpcs[&VpcId::new(&other)].subnets.len(), 1);
}
