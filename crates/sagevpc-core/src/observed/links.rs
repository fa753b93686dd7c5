//! What joins VPCs to other networks: peering connections, transit gateways with
//! their attachments and routes, virtual private gateways.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Types.html>.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    AttachmentState, PeeringState, Switch, TransitAttachmentState, TransitResource, TransitRouteState,
    TransitRouteType, Word, shapes::shapes,
};
use crate::types::{
    AccountId, Region, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId,
    VpcPeeringConnectionId, VpnGatewayId,
};

shapes! {
    /// A peering connection between two VPCs.
    VpcPeeringConnection {
        /// Its id.
        vpc_peering_connection_id: VpcPeeringConnectionId,
        /// How far it is.
        #[serde(default)]
        status: Option<PeeringStatus>,
        /// The VPC that was asked.
        #[serde(default)]
        accepter_vpc_info: Option<PeeringVpcInfo>,
        /// The VPC that asked.
        #[serde(default)]
        requester_vpc_info: Option<PeeringVpcInfo>,
    }

    /// How far a peering connection is.
    PeeringStatus {
        /// Its state.
        code: Word<PeeringState>,
        /// More of it.
        #[serde(default)]
        message: Option<String>,
    }

    /// One end of a peering connection.
    PeeringVpcInfo {
        /// The VPC.
        #[serde(default)]
        vpc_id: Option<VpcId>,
        /// Its account.
        #[serde(default)]
        owner_id: Option<AccountId>,
        /// Its region.
        #[serde(default)]
        region: Option<Region>,
        /// Its first IPv4 block.
        #[serde(default)]
        cidr_block: Option<IpNet>,
        /// All its IPv4 blocks.
        #[serde(default)]
        cidr_block_set: Vec<PeeringCidr>,
        /// Its IPv6 blocks.
        #[serde(default)]
        ipv6_cidr_block_set: Vec<PeeringCidr>,
    }

    /// A block of one end of a peering connection.
    PeeringCidr {
        /// The block, of IPv4 or IPv6.
        #[serde(alias = "Ipv6CidrBlock")]
        cidr_block: IpNet,
    }

    /// A transit gateway.
    TransitGateway {
        /// Its id.
        transit_gateway_id: TransitGatewayId,
        /// Its account.
        #[serde(default)]
        owner_id: Option<AccountId>,
    }

    /// Something attached to a transit gateway, as the gateway's owner sees it.
    TransitGatewayAttachment {
        /// Its id.
        transit_gateway_attachment_id: TransitGatewayAttachmentId,
        /// The gateway.
        transit_gateway_id: TransitGatewayId,
        /// The gateway's account.
        #[serde(default)]
        transit_gateway_owner_id: Option<AccountId>,
        /// The account of what is attached.
        #[serde(default)]
        resource_owner_id: Option<AccountId>,
        /// What kind of thing is attached.
        #[serde(default)]
        resource_type: Option<Word<TransitResource>>,
        /// What is attached, by its id.
        #[serde(default)]
        resource_id: Option<String>,
        /// How far it is.
        #[serde(default)]
        state: Option<Word<TransitAttachmentState>>,
        /// The route table that decides on what comes from it.
        #[serde(default)]
        association: Option<TransitGatewayAssociation>,
    }

    /// A use of a transit gateway's route table.
    TransitGatewayAssociation {
        /// The table.
        #[serde(default)]
        transit_gateway_route_table_id: Option<TransitGatewayRouteTableId>,
        /// `associated`, or on the way to or from it.
        #[serde(default)]
        state: Option<String>,
    }

    /// A VPC attached to a transit gateway, with the subnets that it is attached by.
    TransitGatewayVpcAttachment {
        /// Its id.
        transit_gateway_attachment_id: TransitGatewayAttachmentId,
        /// The gateway.
        transit_gateway_id: TransitGatewayId,
        /// The VPC.
        vpc_id: VpcId,
        /// The VPC's account.
        #[serde(default)]
        vpc_owner_id: Option<AccountId>,
        /// How far it is.
        #[serde(default)]
        state: Option<Word<TransitAttachmentState>>,
        /// A subnet of each zone from which the gateway is reached.
        #[serde(default)]
        subnet_ids: Vec<SubnetId>,
        /// What is switched on.
        #[serde(default)]
        options: Option<TransitGatewayVpcAttachmentOptions>,
    }

    /// What is switched on for an attachment of a VPC.
    TransitGatewayVpcAttachmentOptions {
        /// Whether both directions of a flow go by one zone.
        #[serde(default)]
        appliance_mode_support: Option<Word<Switch>>,
        /// Whether security groups may name groups of other attached VPCs.
        #[serde(default)]
        security_group_referencing_support: Option<Word<Switch>>,
    }

    /// The routes of one route table of a transit gateway.
    TransitGatewayRoutes {
        /// The table.
        transit_gateway_route_table_id: TransitGatewayRouteTableId,
        /// Its routes.
        #[serde(default)]
        routes: Vec<TransitGatewayRoute>,
        /// Whether there are more, which were not given out.
        #[serde(default)]
        additional_routes_available: bool,
    }

    /// A route of a transit gateway.
    TransitGatewayRoute {
        /// The addresses that it is for.
        #[serde(default)]
        destination_cidr_block: Option<IpNet>,
        /// The attachments that it leads to; none for one that drops all.
        #[serde(default)]
        transit_gateway_attachments: Vec<TransitGatewayRouteAttachment>,
        /// Where it comes from.
        #[serde(default, rename = "Type")]
        type_: Option<Word<TransitRouteType>>,
        /// Whether it leads somewhere.
        #[serde(default)]
        state: Option<Word<TransitRouteState>>,
    }

    /// Where a route of a transit gateway leads.
    TransitGatewayRouteAttachment {
        /// The attachment.
        transit_gateway_attachment_id: TransitGatewayAttachmentId,
        /// What is attached, by its id.
        #[serde(default)]
        resource_id: Option<String>,
        /// What kind of thing is attached.
        #[serde(default)]
        resource_type: Option<Word<TransitResource>>,
    }

    /// Who tells a transit gateway's route table of its addresses.
    TransitGatewayPropagations {
        /// The table.
        transit_gateway_route_table_id: TransitGatewayRouteTableId,
        /// The attachments.
        #[serde(default)]
        transit_gateway_route_table_propagations: Vec<TransitGatewayPropagation>,
    }

    /// An attachment that tells of its addresses.
    TransitGatewayPropagation {
        /// The attachment.
        #[serde(default)]
        transit_gateway_attachment_id: Option<TransitGatewayAttachmentId>,
        /// What is attached, by its id.
        #[serde(default)]
        resource_id: Option<String>,
        /// What kind of thing is attached.
        #[serde(default)]
        resource_type: Option<Word<TransitResource>>,
        /// Whether it does.
        #[serde(default)]
        state: Option<Word<Switch>>,
    }

    /// A virtual private gateway.
    VpnGateway {
        /// Its id.
        vpn_gateway_id: VpnGatewayId,
        /// The VPC that it is attached to, if it is.
        #[serde(default)]
        vpc_attachments: Vec<super::InternetGatewayAttachment>,
    }
}

impl VpcPeeringConnection {
    /// Whether it serves. EC2 always says so; a description without it is of one
    /// that does.
    pub fn is_active(&self) -> bool {
        let status = self.status.as_ref();
        status.is_none_or(|status| status.code == PeeringState::Active)
    }

    /// The end that is another VPC than this; `None` where neither end, or both,
    /// are.
    pub fn peer_of(&self, vpc: &VpcId) -> Option<&PeeringVpcInfo> {
        let is_own = |end: &&PeeringVpcInfo| end.vpc_id.as_ref() == Some(vpc);
        let [accepter, requester] = [&self.accepter_vpc_info, &self.requester_vpc_info].map(Option::as_ref);
        match (accepter.filter(is_own), requester.filter(is_own)) {
            (Some(_), None) => requester,
            (None, Some(_)) => accepter,
            (Some(_), Some(_)) | (None, None) => None,
        }
    }

    /// The VPCs at its ends.
    pub fn vpcs(&self) -> impl Iterator<Item = &VpcId> {
        let ends = [&self.accepter_vpc_info, &self.requester_vpc_info];
        ends.into_iter().flatten().filter_map(|end| end.vpc_id.as_ref())
    }
}

impl PeeringVpcInfo {
    /// Its addresses, as far as they were seen.
    pub fn cidrs(&self) -> impl Iterator<Item = IpNet> + '_ {
        let sets = self.cidr_block_set.iter().chain(&self.ipv6_cidr_block_set);
        self.cidr_block.into_iter().chain(sets.map(|block| block.cidr_block))
    }
}

impl VpnGateway {
    /// Whether it is attached to the VPC.
    pub fn is_attached_to(&self, vpc: &VpcId) -> bool {
        let attached = |state: &Word<AttachmentState>| match state.means() {
            AttachmentState::Available | AttachmentState::Attached => true,
            AttachmentState::Attaching
            | AttachmentState::Detaching
            | AttachmentState::Detached
            | AttachmentState::Other => false,
        };
        self.vpc_attachments
            .iter()
            .any(|attachment| attachment.vpc_id.as_ref() == Some(vpc) && attachment.state.as_ref().is_none_or(attached))
    }
}

impl TransitAttachmentState {
    /// Whether it carries traffic.
    pub const fn serves(self) -> bool {
        match self {
            Self::Available | Self::Modifying => true,
            Self::PendingAcceptance | Self::Pending | Self::Other => false,
        }
    }
}

impl TransitGatewayVpcAttachment {
    /// Whether it carries traffic.
    pub fn serves(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.means().serves())
    }

    /// Whether security groups may name groups of other attached VPCs.
    pub fn knows_groups(&self) -> bool {
        let options = self.options.as_ref();
        let support = options.and_then(|options| options.security_group_referencing_support.as_ref());
        support.is_some_and(|support| *support == Switch::Enable)
    }
}
