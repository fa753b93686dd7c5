//! What stops packets between networks, and what would let them through.

use std::fmt;

use ipnet::IpNet;

use super::{super::RouteUsed, Link};
use crate::types::{
    AccountId, SubnetId, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcEndpointId,
    VpcId, VpcPeeringConnectionId, VpnGatewayId, listed,
};

/// What stops a packet, or its answer, between networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// A peering connection does not serve.
    PeeringInactive {
        /// The connection.
        connection: VpcPeeringConnectionId,
        /// Its state.
        state: String,
        /// The account that must accept it, where that is what it waits for.
        accepter: Option<AccountId>,
    },
    /// What a VPC reaches by a link is for its own alone.
    NotThrough {
        /// What leads there.
        by: Link,
        /// The VPC.
        vpc: VpcId,
        /// What it would go on by; `None` where it has no such address.
        on: Option<String>,
    },
    /// A VPC's route table does not lead answers back.
    NoWayBack(Box<NoWayBack>),
    /// An attachment to a transit gateway does not serve.
    AttachmentUnavailable {
        /// The gateway.
        gateway: TransitGatewayId,
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
        /// Its state.
        state: String,
    },
    /// A VPC is not attached to a transit gateway.
    NotAttached {
        /// The gateway.
        gateway: TransitGatewayId,
        /// The VPC.
        vpc: VpcId,
        /// The route that leads there.
        route: Option<RouteUsed>,
    },
    /// A VPC's attachment has no subnet in a zone.
    ZoneNotAttached {
        /// The gateway.
        gateway: TransitGatewayId,
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
        /// The subnet that packets come from.
        subnet: SubnetId,
        /// Its zone.
        zone: String,
        /// The VPC's account, where it is another one.
        owner: Option<AccountId>,
    },
    /// No route table of a transit gateway decides on what comes from a VPC.
    NotAssociated {
        /// The gateway.
        gateway: TransitGatewayId,
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
        /// The gateway's account, where it is another one.
        owner: Option<AccountId>,
    },
    /// A transit gateway's route table leads nowhere for some addresses.
    NoTransitRoute {
        /// The table.
        table: TransitGatewayRouteTableId,
        /// The addresses.
        to: Vec<IpNet>,
        /// What a route to add would lead to, where one attached VPC has them.
        attachment: Option<TransitGatewayAttachmentId>,
        /// Whether it is the answers that have no route.
        is_answer: bool,
        /// The gateway's account, where it is another one.
        owner: Option<AccountId>,
    },
    /// A route of a transit gateway drops what it matches.
    TransitBlackhole {
        /// The table.
        table: TransitGatewayRouteTableId,
        /// The route's block.
        to: IpNet,
        /// Whether it is the answers that are dropped.
        is_answer: bool,
        /// The gateway's account, where it is another one.
        owner: Option<AccountId>,
    },
    /// A virtual private gateway is not attached to the VPC.
    GatewayDetached {
        /// The gateway.
        gateway: VpnGatewayId,
        /// The VPC.
        vpc: VpcId,
    },
    /// An appliance that keeps state sees one direction alone.
    OneSided {
        /// The endpoint that leads to it.
        endpoint: VpcEndpointId,
        /// Whether it is the answers that it does not see.
        is_answer: bool,
    },
    /// Routes lead round in a circle.
    Circle {
        /// A VPC on it.
        vpc: VpcId,
    },
}

/// A table that does not lead answers back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoWayBack {
    /// The table.
    pub table: String,
    /// The subnet that it is of.
    pub subnet: SubnetId,
    /// The VPC.
    pub vpc: VpcId,
    /// Where answers are to get.
    pub to: IpNet,
    /// What they are to go by.
    pub by: Option<Link>,
    /// The route by which they go in its place, and to what.
    pub instead: Option<(RouteUsed, String)>,
    /// The table's account, where it is another one.
    pub owner: Option<AccountId>,
}

/// Who must do it, where it is another account's.
fn owner(owner: Option<&AccountId>) -> String {
    owner.map_or_else(String::new, |owner| format!("Its owner is account {owner}. "))
}

impl LinkFault {
    /// The route that leads to what is wrong, where it begins with one.
    pub fn route(&self) -> Option<&RouteUsed> {
        if let Self::NotAttached { route, .. } = self {
            route.as_ref()
        } else {
            None
        }
    }

    /// The resource to look at.
    pub(in crate::reach) fn resource(&self) -> String {
        match self {
            Self::PeeringInactive { connection, .. } => connection.to_string(),
            Self::NotThrough { by, .. } => by.id().to_owned(),
            Self::NoWayBack(back) => back.table.clone(),
            Self::AttachmentUnavailable { attachment, .. }
            | Self::ZoneNotAttached { attachment, .. }
            | Self::NotAssociated { attachment, .. } => attachment.to_string(),
            Self::NotAttached { gateway, .. } => gateway.to_string(),
            Self::NoTransitRoute { table, .. } | Self::TransitBlackhole { table, .. } => table.to_string(),
            Self::GatewayDetached { gateway, .. } => gateway.to_string(),
            Self::OneSided { endpoint, .. } => endpoint.to_string(),
            Self::Circle { vpc } => vpc.to_string(),
        }
    }

    /// Whether it will pass by itself, or by somebody's consent.
    pub(in crate::reach) fn is_pending(&self) -> bool {
        match self {
            Self::PeeringInactive { state, .. } | Self::AttachmentUnavailable { state, .. } => [
                "pending",
                "pending-acceptance",
                "pendingAcceptance",
                "provisioning",
                "initiating-request",
            ]
            .iter()
            .any(|waiting| waiting.eq_ignore_ascii_case(state)),
            Self::NotThrough { .. }
            | Self::NoWayBack(_)
            | Self::NotAttached { .. }
            | Self::ZoneNotAttached { .. }
            | Self::NotAssociated { .. }
            | Self::NoTransitRoute { .. }
            | Self::TransitBlackhole { .. }
            | Self::GatewayDetached { .. }
            | Self::OneSided { .. }
            | Self::Circle { .. } => false,
        }
    }

    /// What would let it through, in a sentence or two.
    pub(in crate::reach) fn fix(&self) -> String {
        match self {
            Self::PeeringInactive {
                connection, accepter, ..
            } if self.is_pending() => {
                let whom = accepter.as_ref();
                let whom = whom.map_or_else(String::new, |account| format!(" in account {account}"));
                format!(
                    "Have it accepted{whom}: `aws ec2 accept-vpc-peering-connection --vpc-peering-connection-id \
                     {connection}`."
                )
            }
            Self::PeeringInactive { .. } => {
                "Make a new one with `aws ec2 create-vpc-peering-connection`, and lead the route to it.".to_owned()
            }
            Self::NotThrough { by, vpc, on: Some(_) } => format!(
                "Reach it from this VPC itself, by a gateway or an endpoint of its own: what {vpc} has is not offered \
                 through {by}."
            ),
            Self::NotThrough { by, vpc, on: None } => format!(
                "Narrow the route to {} down to the addresses of {vpc}, and lead the others elsewhere.",
                by.id()
            ),
            Self::NoWayBack(back) => back.fix(),
            Self::AttachmentUnavailable { attachment, state, .. }
                if state.eq_ignore_ascii_case("pendingAcceptance") =>
            {
                format!(
                    "Have the gateway's owner accept it: `aws ec2 accept-transit-gateway-vpc-attachment \
                     --transit-gateway-attachment-id {attachment}`."
                )
            }
            Self::AttachmentUnavailable { .. } if self.is_pending() => {
                "AWS is still setting it up; that takes some minutes.".to_owned()
            }
            Self::AttachmentUnavailable { gateway, .. } => format!(
                "Attach the VPC again: `aws ec2 create-transit-gateway-vpc-attachment --transit-gateway-id {gateway} …`."
            ),
            Self::NotAttached { gateway, vpc, .. } => format!(
                "Attach it, by a subnet in each zone: `aws ec2 create-transit-gateway-vpc-attachment \
                 --transit-gateway-id {gateway} --vpc-id {vpc} --subnet-ids subnet-…`."
            ),
            Self::ZoneNotAttached {
                attachment,
                subnet,
                zone,
                owner: whose,
                ..
            } => format!(
                "{}Add a subnet in {zone} to the attachment, {subnet} itself or another: `aws ec2 \
                 modify-transit-gateway-vpc-attachment --transit-gateway-attachment-id {attachment} --add-subnet-ids \
                 {subnet}`.",
                owner(whose.as_ref())
            ),
            Self::NotAssociated {
                attachment,
                owner: whose,
                ..
            } => format!(
                "{}Associate it with one: `aws ec2 associate-transit-gateway-route-table \
                 --transit-gateway-route-table-id tgw-rtb-… --transit-gateway-attachment-id {attachment}`.",
                owner(whose.as_ref())
            ),
            Self::NoTransitRoute {
                table,
                to,
                attachment,
                owner: whose,
                ..
            } => {
                let attachment = attachment.as_ref();
                let attachment = attachment.map_or("tgw-attach-…", |attachment| attachment.as_str());
                let block = to.first().map(ToString::to_string).unwrap_or_default();
                format!(
                    "{}Add a route: `aws ec2 create-transit-gateway-route --transit-gateway-route-table-id {table} \
                     --destination-cidr-block {block} --transit-gateway-attachment-id {attachment}`.",
                    owner(whose.as_ref())
                )
            }
            Self::TransitBlackhole {
                table,
                to,
                owner: whose,
                ..
            } => format!(
                "{}Remove it, or lead it to an attachment: `aws ec2 replace-transit-gateway-route \
                 --transit-gateway-route-table-id {table} --destination-cidr-block {to} \
                 --transit-gateway-attachment-id tgw-attach-…`.",
                owner(whose.as_ref())
            ),
            Self::GatewayDetached { gateway, vpc } => {
                format!("Attach it: `aws ec2 attach-vpn-gateway --vpn-gateway-id {gateway} --vpc-id {vpc}`.")
            }
            Self::OneSided { endpoint, .. } => format!(
                "Lead both directions by {endpoint}: the route tables at both sides of it must name it, and a transit \
                 gateway's attachment of its VPC must have appliance mode on."
            ),
            Self::Circle { vpc } => format!("Correct the routes of {vpc}."),
        }
    }
}

impl NoWayBack {
    fn fix(&self) -> String {
        let Self {
            table,
            to,
            by,
            instead,
            owner: whose,
            vpc,
            ..
        } = self;
        let owner = owner(whose.as_ref());
        let Some(by) = by else {
            return format!("{owner}Lead {to} back by {table} of {vpc}.");
        };
        let (verb, to) = match instead {
            Some((route, _)) if route.destination.to_string() == to.to_string() => ("replace-route", to),
            Some(_) | None => ("create-route", to),
        };
        let (verb, block) = (
            verb,
            if to.addr().is_ipv6() {
                "ipv6-cidr-block"
            } else {
                "cidr-block"
            },
        );
        format!(
            "{owner}Lead answers back: `aws ec2 {verb} --route-table-id {table} --destination-{block} {to} {} {}`.",
            by.option(),
            by.id()
        )
    }
}

/// What is told behind its route, or without one the whole.
impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = |is_answer: bool| if is_answer { "answers" } else { "it" };
        match self {
            Self::PeeringInactive { connection, state, .. } => {
                write!(f, "peering connection {connection} is {state}")
            }
            Self::NotThrough { by, vpc, on: Some(on) } => write!(
                f,
                "{by} leads to {vpc}, which takes nothing of another VPC's on by {on}: that is for {vpc} alone"
            ),
            Self::NotThrough { by, vpc, on: None } => {
                write!(f, "{by} leads to {vpc} alone, which has no such address")
            }
            Self::NoWayBack(back) => back.fmt(f),
            Self::AttachmentUnavailable {
                gateway,
                attachment,
                state,
            } => write!(f, "attachment {attachment} to transit gateway {gateway} is {state}"),
            Self::NotAttached { gateway, vpc, route } => {
                if route.is_some() {
                    write!(f, "transit gateway {gateway}, to which {vpc} is not attached")
                } else {
                    write!(f, "{vpc} is not attached to transit gateway {gateway}")
                }
            }
            Self::ZoneNotAttached {
                gateway,
                attachment,
                subnet,
                zone,
                ..
            } => write!(
                f,
                "attachment {attachment} to transit gateway {gateway} has no subnet in {zone}, the zone of {subnet}, so \
                 nothing gets from there to the gateway"
            ),
            Self::NotAssociated {
                gateway, attachment, ..
            } => write!(
                f,
                "attachment {attachment} is associated with no route table of transit gateway {gateway}, so all that \
                 comes by it is dropped"
            ),
            Self::NoTransitRoute {
                table, to, is_answer, ..
            } => write!(
                f,
                "transit gateway route table {table} has no route for {} to {}",
                what(*is_answer),
                listed(to)
            ),
            Self::TransitBlackhole {
                table, to, is_answer, ..
            } => write!(
                f,
                "route {to} of transit gateway route table {table} drops {} (a blackhole)",
                what(*is_answer)
            ),
            Self::GatewayDetached { gateway, vpc } => {
                write!(f, "virtual private gateway {gateway} is not attached to {vpc}")
            }
            Self::OneSided { endpoint, is_answer } => write!(
                f,
                "{} not go by the appliance at {endpoint}, which drops connections that it sees one half of",
                if *is_answer {
                    "answers do"
                } else {
                    "packets to there do"
                }
            ),
            Self::Circle { vpc } => write!(f, "routes by {vpc} lead round in a circle"),
        }
    }
}

impl fmt::Display for NoWayBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            subnet,
            vpc,
            to,
            instead,
            ..
        } = self;
        match instead {
            Some((route, target)) => write!(
                f,
                "{table} of {subnet} in {vpc} leads answers to {to} elsewhere: {} to {target}",
                route.destination
            ),
            None => write!(f, "{table} of {subnet} in {vpc} has no route back to {to}"),
        }
    }
}
