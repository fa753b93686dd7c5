//! What joins VPCs to other networks.

use aws_sdk_ec2::types::Filter;

use super::{FILTER_VALUES, PAGE, filter};
use crate::aws::{convert, ec2::Ec2Connection, errors::Refusal};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{
        TransitGatewayAttachment, TransitGatewayRoutes, TransitGatewayVpcAttachment, VpcPeeringConnection, VpnGateway,
    },
    types::TransitGatewayRouteTableId,
};

/// The filter for what is attached to certain transit gateways.
const TRANSIT_GATEWAY: &str = "transit-gateway-id";

pub(in crate::aws) async fn vpc_peering_connections(
    connection: &Ec2Connection,
    ids: &[String],
) -> Result<Vec<VpcPeeringConnection>, Refusal> {
    every_batch!(
        connection,
        DescribeVpcPeeringConnections,
        describe_vpc_peering_connections,
        PAGE,
        "vpc-peering-connection-id",
        ids,
        vpc_peering_connections,
        convert::vpc_peering_connection
    )
}

pub(in crate::aws) async fn transit_gateway_attachments(
    connection: &Ec2Connection,
    gateways: &[String],
) -> Result<Vec<TransitGatewayAttachment>, Refusal> {
    every_batch!(
        connection,
        DescribeTransitGatewayAttachments,
        describe_transit_gateway_attachments,
        PAGE,
        TRANSIT_GATEWAY,
        gateways,
        transit_gateway_attachments,
        convert::transit_gateway_attachment
    )
}

pub(in crate::aws) async fn transit_gateway_vpc_attachments(
    connection: &Ec2Connection,
    gateways: &[String],
) -> Result<Vec<TransitGatewayVpcAttachment>, Refusal> {
    every_batch!(
        connection,
        DescribeTransitGatewayVpcAttachments,
        describe_transit_gateway_vpc_attachments,
        PAGE,
        TRANSIT_GATEWAY,
        gateways,
        transit_gateway_vpc_attachments,
        convert::transit_gateway_vpc_attachment
    )
}

/// The routes of a table. EC2 gives out a thousand, which it does unasked, and no
/// more.
pub(in crate::aws) async fn transit_gateway_routes(
    connection: &Ec2Connection,
    table: &TransitGatewayRouteTableId,
) -> Result<TransitGatewayRoutes, Refusal> {
    let states = vec!["active".to_owned(), "blackhole".to_owned()];
    let request = connection
        .client
        .search_transit_gateway_routes()
        .transit_gateway_route_table_id(table.as_str())
        .filters(filter("state", states));
    let answer = connection
        .share
        .read(Call::SearchTransitGatewayRoutes, request.send())
        .await?;
    let routes = answer.routes.unwrap_or_default().into_iter();
    Ok(TransitGatewayRoutes {
        transit_gateway_route_table_id: table.clone(),
        routes: routes.filter_map(convert::transit_gateway_route).collect(),
        additional_routes_available: answer.additional_routes_available.unwrap_or(false),
    })
}

/// EC2 gives virtual private gateways in one answer, without pages.
pub(in crate::aws) async fn vpn_gateways(
    connection: &Ec2Connection,
    ids: &[String],
) -> Result<Vec<VpnGateway>, Refusal> {
    let mut all = Vec::new();
    for batch in ids.chunks(FILTER_VALUES) {
        let by_id = filter("vpn-gateway-id", batch.to_vec());
        let request = connection.client.describe_vpn_gateways().filters(by_id);
        let answer = connection.share.read(Call::DescribeVpnGateways, request.send()).await?;
        let gateways = answer.vpn_gateways.unwrap_or_default().into_iter();
        all.extend(gateways.filter_map(convert::vpn_gateway));
    }
    Ok(all)
}
