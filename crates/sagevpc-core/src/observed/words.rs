//! Words of AWS's from closed sets: states, kinds, verdicts. Each is read once,
//! ignoring case, and keeps the text that AWS gave.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A closed set of words that AWS uses.
pub trait ClosedSet: Copy + PartialEq {
    /// The word that this text is, ignoring case; the set's `Other` for one that
    /// this version does not know.
    fn read(text: &str) -> Self;
}

/// A word of AWS's, and which of a closed set it is.
///
/// The text stays as AWS gave it, so that a snapshot is written as it was read,
/// and a word that this version does not know is still shown. EC2 writes many
/// words in another case than its own model says.
#[derive(Clone)]
pub struct Word<K> {
    text: String,
    means: K,
}

impl<K: ClosedSet> Word<K> {
    /// Which of the set it is.
    pub const fn means(&self) -> K {
        self.means
    }

    /// The text that AWS gave.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K: ClosedSet> From<String> for Word<K> {
    fn from(text: String) -> Self {
        Self {
            means: K::read(&text),
            text,
        }
    }
}

impl<K: ClosedSet> From<&str> for Word<K> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl<K> PartialEq for Word<K> {
    /// Whether it is the same word, ignoring case.
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl<K> Eq for Word<K> {}

impl<K: ClosedSet> PartialEq<K> for Word<K> {
    fn eq(&self, other: &K) -> bool {
        self.means == *other
    }
}

impl<K> fmt::Display for Word<K> {
    /// As AWS gave it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> fmt::Debug for Word<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<K> Serialize for Word<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, K: ClosedSet> Deserialize<'de> for Word<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

macro_rules! closed_sets {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
            /// A word that this version does not know.
            Other,
        }

        impl ClosedSet for $name {
            fn read(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($text) {
                    return Self::$word;
                })*
                Self::Other
            }
        }
    )*};
}

closed_sets! {
    /// The state of a VPC endpoint.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>.
    EndpointState {
        /// The service's owner must accept it first.
        PendingAcceptance = "pendingAcceptance",
        /// AWS sets it up.
        Pending = "pending",
        /// It serves.
        Available = "available",
        /// It is going.
        Deleting = "deleting",
        /// It is gone; EC2 still shows it for a while.
        Deleted = "deleted",
        /// The service's owner refused it.
        Rejected = "rejected",
        /// AWS could not set it up.
        Failed = "failed",
        /// Nobody accepted it in time.
        Expired = "expired",
        /// A part of it serves.
        Partial = "partial",
    }

    /// A kind of VPC endpoint.
    EndpointType {
        /// Routes lead to it.
        Gateway = "Gateway",
        /// It has network interfaces in subnets.
        Interface = "Interface",
        /// It leads to appliances that look at traffic.
        GatewayLoadBalancer = "GatewayLoadBalancer",
        /// It leads to one resource of another VPC.
        Resource = "Resource",
        /// It leads to a service network of VPC Lattice.
        ServiceNetwork = "ServiceNetwork",
    }

    /// The state of a NAT gateway.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html>.
    NatGatewayState {
        /// AWS makes it.
        Pending = "pending",
        /// AWS could not make it.
        Failed = "failed",
        /// It serves.
        Available = "available",
        /// It is going.
        Deleting = "deleting",
        /// It is gone; EC2 still shows it for about an hour.
        Deleted = "deleted",
    }

    /// Where a NAT gateway works.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
    AvailabilityMode {
        /// In the subnet that it is in.
        Zonal = "zonal",
        /// In every zone of its VPC, and in no subnet.
        Regional = "regional",
    }

    /// What addresses a NAT gateway gives to what goes through it.
    ConnectivityType {
        /// Public ones.
        Public = "public",
        /// Its own private one.
        Private = "private",
    }

    /// What VPC Block Public Access keeps off internet gateways and egress-only
    /// internet gateways.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_BlockPublicAccessStates.html>.
    InternetGatewayBlockMode {
        /// Nothing.
        Off = "off",
        /// All traffic, in and out.
        BlockBidirectional = "block-bidirectional",
        /// All but what NAT gateways and egress-only internet gateways send, and
        /// the answers to that.
        BlockIngress = "block-ingress",
    }

    /// The state of a route.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html>.
    RouteState {
        /// It leads somewhere.
        Active = "active",
        /// What it leads to is gone.
        Blackhole = "blackhole",
        /// AWS does not use it, as it breaks a rule of the table.
        Filtered = "filtered",
    }

    /// The state of an attachment to a VPC.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InternetGatewayAttachment.html>.
    AttachmentState {
        /// It is attached; so EC2 says it of an internet gateway.
        Available = "available",
        /// It is on its way to the VPC.
        Attaching = "attaching",
        /// It is attached.
        Attached = "attached",
        /// It is on its way off.
        Detaching = "detaching",
        /// It is not attached any more.
        Detached = "detached",
    }

    /// The state of a peering connection.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcPeeringConnectionStateReason.html>.
    PeeringState {
        /// It is being asked for.
        Initiating = "initiating-request",
        /// The other VPC's owner must accept it first.
        PendingAcceptance = "pending-acceptance",
        /// AWS sets it up.
        Provisioning = "provisioning",
        /// It serves.
        Active = "active",
        /// It is going.
        Deleting = "deleting",
        /// It is gone; EC2 still shows it for a while.
        Deleted = "deleted",
        /// The other VPC's owner refused it.
        Rejected = "rejected",
        /// AWS could not make it.
        Failed = "failed",
        /// Nobody accepted it in time.
        Expired = "expired",
    }

    /// The state of an attachment to a transit gateway.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayAttachment.html>.
    TransitAttachmentState {
        /// The gateway's owner must accept it first.
        PendingAcceptance = "pendingAcceptance",
        /// AWS sets it up.
        Pending = "pending",
        /// It serves.
        Available = "available",
        /// It serves while it is changed.
        Modifying = "modifying",
    }

    /// What is attached to a transit gateway.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayAttachment.html>.
    TransitResource {
        /// A VPC.
        Vpc = "vpc",
        /// A VPN connection.
        Vpn = "vpn",
        /// A Direct Connect gateway.
        DirectConnectGateway = "direct-connect-gateway",
        /// A Connect attachment, to an appliance.
        Connect = "connect",
        /// Another transit gateway.
        Peering = "peering",
        /// Another transit gateway, too.
        TransitGatewayPeering = "tgw-peering",
    }

    /// Where a route of a transit gateway comes from.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayRoute.html>.
    TransitRouteType {
        /// Somebody made it.
        Static = "static",
        /// An attachment told of it.
        Propagated = "propagated",
    }

    /// The state of a route of a transit gateway.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayRoute.html>.
    TransitRouteState {
        /// AWS makes it.
        Pending = "pending",
        /// It leads somewhere.
        Active = "active",
        /// It drops what it matches.
        Blackhole = "blackhole",
        /// It is going.
        Deleting = "deleting",
        /// It is gone.
        Deleted = "deleted",
    }

    /// Whether something is on.
    Switch {
        /// It is.
        Enable = "enable",
        /// It is, of a propagation.
        Enabled = "enabled",
        /// It is not.
        Disable = "disable",
    }

    /// What a rule of a network ACL does with what matches.
    RuleAction {
        /// It lets it through.
        Allow = "allow",
        /// It drops it.
        Deny = "deny",
    }

    /// Whether a flow log's records arrive.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html>.
    DeliveryStatus {
        /// They do.
        Success = "SUCCESS",
        /// They do not.
        Failed = "FAILED",
    }

    /// What a network interface belongs to, as far as it matters.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html>.
    InterfaceType {
        /// A NAT gateway.
        NatGateway = "nat_gateway",
        /// An interface endpoint.
        VpcEndpoint = "vpc_endpoint",
        /// An endpoint that leads to appliances.
        GatewayLoadBalancerEndpoint = "gateway_load_balancer_endpoint",
        /// A transit gateway.
        TransitGateway = "transit_gateway",
        /// A mount target of Amazon EFS.
        Efs = "efs",
    }

    /// What an endpoint or a service of endpoints can be reached by. What is
    /// wished for is [`IpAddressType`](crate::types::IpAddressType).
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>.
    AddressType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
        /// Both.
        Dualstack = "dualstack",
    }

    /// Who offers a service of endpoints.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ServiceDetail.html>.
    ServiceOwner {
        /// AWS itself; all others are accounts.
        Amazon = "amazon",
    }

    /// On what hardware a VPC's instances run.
    ///
    /// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Vpc.html>.
    Tenancy {
        /// As each asks for.
        Default = "default",
        /// On hardware of the account's alone.
        Dedicated = "dedicated",
        /// On a host of the account's.
        Host = "host",
    }

    /// What a simulation says of an action.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>.
    SimulatedDecision {
        /// It is allowed.
        Allowed = "allowed",
        /// A statement denies it.
        ExplicitDeny = "explicitDeny",
        /// No statement allows it.
        ImplicitDeny = "implicitDeny",
    }
}

/// How far something is that AWS makes and deletes by and by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It serves.
    Available,
    /// It will serve.
    Pending,
    /// It is going.
    Deleting,
    /// It is gone; EC2 still shows it for a while.
    Deleted,
    /// It will never serve.
    Failed,
}

impl EndpointState {
    /// How far an endpoint in this state is. What is not known to have ended is
    /// on its way.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Available => Stage::Available,
            Self::PendingAcceptance | Self::Pending | Self::Partial | Self::Other => Stage::Pending,
            Self::Deleting => Stage::Deleting,
            Self::Deleted => Stage::Deleted,
            Self::Rejected | Self::Failed | Self::Expired => Stage::Failed,
        }
    }
}

impl NatGatewayState {
    /// How far a NAT gateway in this state is. What is not known to have ended
    /// is on its way.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Available => Stage::Available,
            Self::Pending | Self::Other => Stage::Pending,
            Self::Deleting => Stage::Deleting,
            Self::Deleted => Stage::Deleted,
            Self::Failed => Stage::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_word_is_written_as_it_was_read_and_means_the_same_in_any_case() {
        for text in ["available", "Available", "AVAILABLE"] {
            let word: Word<EndpointState> = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(word, EndpointState::Available);
            assert_eq!(word, Word::from("available"));
            assert_eq!(serde_json::to_value(&word).unwrap(), Value::from(text));
            assert_eq!(word.to_string(), text);
        }
    }

    #[test]
    fn a_word_that_is_not_known_stays_what_it_was() {
        let word: Word<NatGatewayState> = serde_json::from_value(json!("resting")).unwrap();
        assert_eq!(word, NatGatewayState::Other);
        assert_eq!(word.means().stage(), Stage::Pending);
        assert_eq!((word.as_str(), word.to_string()), ("resting", "resting".to_owned()));
        assert_eq!(serde_json::to_value(&word).unwrap(), json!("resting"));
        assert_ne!(word, Word::from("asleep"));
    }
}
