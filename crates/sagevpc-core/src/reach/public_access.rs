//! VPC Block Public Access: what an account keeps off the gateways to the
//! internet, whatever routes, security groups and network ACLs say.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html>.

use std::{collections::BTreeSet, fmt};

use super::{
    Reach,
    cause::Cause,
    hop::Hop,
    network::{Edge, Leg, Trip},
};
use crate::{
    observed::{InternetGatewayBlockMode, VpcSnapshot},
    types::{SubnetId, listed},
};

/// VPC Block Public Access in the way of what goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicAccessBlock {
    mode: InternetGatewayBlockMode,
    passage: Passage,
    scope: Scope,
}

/// How packets would pass a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Out, by a NAT gateway or an egress-only internet gateway, which let nobody in.
    OutAlone,
    /// Out with an address of their own, by an internet gateway that could also let
    /// somebody in.
    Direct,
    /// In from the internet.
    In,
}

/// What the mode holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// All of the VPC.
    Vpc(String),
    /// These subnets, each by itself.
    Subnets(BTreeSet<SubnetId>),
}

impl PublicAccessBlock {
    /// What keeps NAT gateways in one of these subnets, or egress-only internet
    /// gateways, from taking out what comes from another; `None` where nothing
    /// does.
    pub fn of<'i>(vpc: &VpcSnapshot, subnets: impl IntoIterator<Item = &'i SubnetId>) -> Option<Self> {
        Self::on_the_way(vpc, subnets.into_iter().map(Some), Passage::OutAlone)
    }

    /// What keeps off whoever would come in to a subnet.
    pub(super) fn inwards(vpc: &VpcSnapshot, subnet: &SubnetId) -> Option<Self> {
        Self::on_the_way(vpc, [Some(subnet)], Passage::In)
    }

    /// The same of what may go out directly. A subnet that does not say what
    /// holds for it has what the VPC has, as has what is in no subnet.
    fn on_the_way<'i>(
        vpc: &VpcSnapshot,
        subnets: impl IntoIterator<Item = Option<&'i SubnetId>>,
        passage: Passage,
    ) -> Option<Self> {
        let stops = |mode: &InternetGatewayBlockMode| match mode {
            InternetGatewayBlockMode::BlockBidirectional => true,
            InternetGatewayBlockMode::BlockIngress => passage != Passage::OutAlone,
            InternetGatewayBlockMode::Off | InternetGatewayBlockMode::Other => false,
        };
        let of_vpc = vpc.internet_gateway_block_mode(None).filter(stops);
        let mut blocked = BTreeSet::new();
        let mut strictest = None;
        for subnet in subnets {
            if let Some(mode) = vpc.internet_gateway_block_mode(subnet).filter(stops) {
                blocked.extend(subnet.cloned());
                strictest = strictest
                    .filter(|found| *found == InternetGatewayBlockMode::BlockBidirectional)
                    .or(Some(mode));
            }
        }
        let scope = match of_vpc {
            Some(_) => Scope::Vpc(vpc.vpc.vpc_id.to_string()),
            None => Scope::Subnets(blocked),
        };
        Some(Self {
            mode: strictest?,
            passage,
            scope,
        })
    }

    /// The resource to look at.
    pub(super) fn resource(&self) -> String {
        match &self.scope {
            Scope::Vpc(vpc) => vpc.clone(),
            Scope::Subnets(subnets) => listed(subnets),
        }
    }

    /// What would let it out, which is for those to do who run the network.
    pub fn fix(&self) -> String {
        // An exclusion for what goes out alone covers NAT gateways and
        // egress-only internet gateways.
        let exclusion = match self.passage {
            Passage::OutAlone => "allow-egress",
            Passage::Direct | Passage::In => "allow-bidirectional",
        };
        let command = |option: &str, id: &str| {
            format!(
                "`aws ec2 create-vpc-block-public-access-exclusion {option} {id} --internet-gateway-exclusion-mode \
                 {exclusion}`"
            )
        };
        let commands = match &self.scope {
            Scope::Vpc(vpc) => command("--vpc-id", vpc),
            Scope::Subnets(subnets) => listed(subnets.iter().map(|id| command("--subnet-id", id.as_str()))),
        };
        let otherwise = match self.passage {
            Passage::Direct => {
                " Or lead the route to an egress-only internet gateway, which block-ingress lets through."
            }
            Passage::OutAlone => {
                " Or set the mode to block-ingress, which lets NAT gateways and egress-only internet gateways out, with \
                 `aws ec2 modify-vpc-block-public-access-options --internet-gateway-block-mode block-ingress`."
            }
            Passage::In => "",
        };
        format!(
            "Whoever runs the network must allow it, with an exclusion from VPC Block Public Access: {commands}.{otherwise}"
        )
    }
}

impl fmt::Display for PublicAccessBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            InternetGatewayBlockMode::BlockIngress => "block-ingress",
            InternetGatewayBlockMode::BlockBidirectional
            | InternetGatewayBlockMode::Off
            | InternetGatewayBlockMode::Other => "block-bidirectional",
        };
        let what = match (self.passage, self.mode) {
            (Passage::In, _) => "in from the internet",
            (Passage::OutAlone | Passage::Direct, InternetGatewayBlockMode::BlockIngress) => {
                "through an internet gateway but what NAT gateways send"
            }
            (
                Passage::OutAlone | Passage::Direct,
                InternetGatewayBlockMode::BlockBidirectional
                | InternetGatewayBlockMode::Off
                | InternetGatewayBlockMode::Other,
            ) => "to the internet, by NAT gateways and egress-only internet gateways neither",
        };
        write!(
            f,
            "VPC Block Public Access of {} is {mode}, which lets nothing {what}",
            self.resource()
        )
    }
}

impl Reach<'_> {
    /// Past VPC Block Public Access, out by a gateway. It holds for the subnet
    /// that the packet leaves from, and for the one that it comes from.
    pub(super) fn past_public_access_block(&self, trip: &Trip<'_>, from: Edge, is_egress_only: bool, leg: Leg) -> Leg {
        let is_translated = leg.hops.iter().any(|hop| matches!(hop, Hop::NatGateway { .. }));
        let subnets = [from.place, Some(trip.from)].map(|place| place.map(|place| &self.places[place].id));
        let passage = if is_egress_only || is_translated {
            Passage::OutAlone
        } else {
            Passage::Direct
        };
        match PublicAccessBlock::on_the_way(self.snapshot, subnets, passage) {
            Some(block) => leg.denied(Cause::PublicAccessBlocked(block)),
            None => leg,
        }
    }
}
