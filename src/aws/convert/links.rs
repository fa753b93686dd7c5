//! What joins VPCs to other networks.

use aws_sdk_ec2::types as sdk;

use super::{each, parsed};
use sagevpc_core::{
    observed::{
        InternetGatewayAttachment, PeeringCidr, PeeringStatus, PeeringVpcInfo, TransitGatewayAssociation,
        TransitGatewayAttachment, TransitGatewayRoute, TransitGatewayRouteAttachment, TransitGatewayVpcAttachment,
        TransitGatewayVpcAttachmentOptions, VpcPeeringConnection, VpnGateway,
    },
    types::{
        AccountId, Region, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId,
        VpcPeeringConnectionId, VpnGatewayId,
    },
};

pub(in crate::aws) fn vpc_peering_connection(connection: sdk::VpcPeeringConnection) -> Option<VpcPeeringConnection> {
    Some(VpcPeeringConnection {
        vpc_peering_connection_id: VpcPeeringConnectionId::new(connection.vpc_peering_connection_id?),
        status: connection.status.and_then(|status| {
            Some(PeeringStatus {
                code: status.code?.as_str().into(),
                message: status.message,
            })
        }),
        accepter_vpc_info: connection.accepter_vpc_info.map(peering_end),
        requester_vpc_info: connection.requester_vpc_info.map(peering_end),
    })
}

fn peering_end(end: sdk::VpcPeeringConnectionVpcInfo) -> PeeringVpcInfo {
    PeeringVpcInfo {
        vpc_id: end.vpc_id.map(VpcId::new),
        owner_id: end.owner_id.map(AccountId::new),
        region: end.region.map(Region::new),
        cidr_block: parsed(end.cidr_block),
        cidr_block_set: each(end.cidr_block_set, |block| {
            parsed(block.cidr_block).map(|cidr_block| PeeringCidr { cidr_block })
        }),
        ipv6_cidr_block_set: each(end.ipv6_cidr_block_set, |block| {
            parsed(block.ipv6_cidr_block).map(|cidr_block| PeeringCidr { cidr_block })
        }),
    }
}

pub(in crate::aws) fn transit_gateway_attachment(
    attachment: sdk::TransitGatewayAttachment,
) -> Option<TransitGatewayAttachment> {
    Some(TransitGatewayAttachment {
        transit_gateway_attachment_id: TransitGatewayAttachmentId::new(attachment.transit_gateway_attachment_id?),
        transit_gateway_id: TransitGatewayId::new(attachment.transit_gateway_id?),
        transit_gateway_owner_id: attachment.transit_gateway_owner_id.map(AccountId::new),
        resource_owner_id: attachment.resource_owner_id.map(AccountId::new),
        resource_type: attachment.resource_type.map(|kind| kind.as_str().into()),
        resource_id: attachment.resource_id,
        state: attachment.state.map(|state| state.as_str().into()),
        association: attachment.association.map(|association| TransitGatewayAssociation {
            transit_gateway_route_table_id: association
                .transit_gateway_route_table_id
                .map(TransitGatewayRouteTableId::new),
            state: association.state.map(|state| state.as_str().to_owned()),
        }),
    })
}

pub(in crate::aws) fn transit_gateway_vpc_attachment(
    attachment: sdk::TransitGatewayVpcAttachment,
) -> Option<TransitGatewayVpcAttachment> {
    Some(TransitGatewayVpcAttachment {
        transit_gateway_attachment_id: TransitGatewayAttachmentId::new(attachment.transit_gateway_attachment_id?),
        transit_gateway_id: TransitGatewayId::new(attachment.transit_gateway_id?),
        vpc_id: VpcId::new(attachment.vpc_id?),
        vpc_owner_id: attachment.vpc_owner_id.map(AccountId::new),
        state: attachment.state.map(|state| state.as_str().into()),
        subnet_ids: each(attachment.subnet_ids, |id| Some(SubnetId::new(id))),
        options: attachment.options.map(|options| TransitGatewayVpcAttachmentOptions {
            appliance_mode_support: options.appliance_mode_support.map(|switch| switch.as_str().into()),
            security_group_referencing_support: options
                .security_group_referencing_support
                .map(|switch| switch.as_str().into()),
        }),
    })
}

pub(in crate::aws) fn transit_gateway_route(route: sdk::TransitGatewayRoute) -> Option<TransitGatewayRoute> {
    Some(TransitGatewayRoute {
        destination_cidr_block: parsed(route.destination_cidr_block),
        transit_gateway_attachments: each(route.transit_gateway_attachments, |attachment| {
            Some(TransitGatewayRouteAttachment {
                transit_gateway_attachment_id: TransitGatewayAttachmentId::new(
                    attachment.transit_gateway_attachment_id?,
                ),
                resource_id: attachment.resource_id,
                resource_type: attachment.resource_type.map(|kind| kind.as_str().into()),
            })
        }),
        type_: route.r#type.map(|kind| kind.as_str().into()),
        state: route.state.map(|state| state.as_str().into()),
    })
}

pub(in crate::aws) fn vpn_gateway(gateway: sdk::VpnGateway) -> Option<VpnGateway> {
    Some(VpnGateway {
        vpn_gateway_id: VpnGatewayId::new(gateway.vpn_gateway_id?),
        vpc_attachments: each(gateway.vpc_attachments, |attachment| {
            Some(InternetGatewayAttachment {
                vpc_id: attachment.vpc_id.map(VpcId::new),
                state: attachment.state.map(|state| state.as_str().into()),
            })
        }),
    })
}
