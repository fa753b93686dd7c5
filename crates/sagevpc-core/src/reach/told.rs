//! Under which condition and reason a cause is told.

use super::{Cause, Destination, Through, Unseen};
use crate::{
    api::{AcceptUnknown, Reason},
    catalog::{ELASTIC_INFERENCE, S3_EXPRESS, names_service},
    observed::NatGatewayState,
    report::{Concern, Lack},
    types::Direction,
};

impl Destination {
    /// What a way there is about.
    pub fn concern(&self) -> Concern {
        match self {
            Self::S3 { .. } | Self::BucketElsewhere { .. } | Self::PackageMirrors => Concern::S3,
            Self::Service(name) if names_service(name, ELASTIC_INFERENCE) => Concern::ElasticInference,
            Self::Service(_) => Concern::Endpoints,
            Self::Members { .. } | Self::Efa | Self::Subnet { .. } => Concern::Subnets,
            Self::Resolver { .. } => Concern::Dns,
            Self::Host { .. } | Self::Cidr { .. } | Self::Inside { .. } => Concern::Internet,
        }
    }
}

impl Cause {
    /// What it is about, on the way to the destination.
    pub fn concern(&self, destination: &Destination) -> Concern {
        match self {
            Self::DnsOff { .. } | Self::NoResolver { .. } | Self::NoDnsServer { .. } => Concern::Dns,
            Self::NotAdmitted {
                direction: Direction::Ingress,
                ..
            } if matches!(destination, Destination::Service(_)) => destination.concern(),
            Self::NotAdmitted { .. } => Concern::SecurityGroups,
            Self::AclDenies(_) => Concern::NetworkAcls,
            Self::PolicyBlocks { .. } => Concern::S3,
            Self::BucketElsewhere { .. } => Concern::S3,
            Self::NoRoute { .. }
            | Self::PrivateAddress { .. }
            | Self::TakesNothing { .. }
            | Self::NobodyThere { .. }
            | Self::NobodyHas { .. }
            | Self::NoRouteTable { .. }
            | Self::Blackhole { .. }
            | Self::NoAddress { .. }
            | Self::NoSubnet { .. }
            | Self::EndpointUnavailable { .. }
            | Self::NoEndpoint { .. }
            | Self::PrivateDnsOff { .. }
            | Self::NatUnavailable { .. }
            | Self::NatIsPrivate { .. }
            | Self::NatInPrivateSubnet { .. }
            | Self::NatTakesNoIpv6 { .. }
            | Self::NoPublicAddress { .. }
            | Self::NotPublic(_)
            | Self::PublicAccessBlocked(_)
            | Self::Across(_)
            | Self::GatewayDetached { .. } => destination.concern(),
        }
    }

    /// Why, in a word, on the way to the destination.
    pub fn reason(&self, destination: &Destination) -> Reason {
        let is_s3 = destination.concern() == Concern::S3;
        match self {
            Self::DnsOff { .. } => Reason::DnsDisabled,
            Self::NoResolver { .. } => Reason::DhcpOptionsIncomplete,
            Self::NotAdmitted { .. } => Reason::RuleMissing,
            Self::AclDenies(_) => Reason::NetworkAclBlocks,
            Self::NoRoute { .. } if is_s3 => Reason::S3EndpointMissing,
            Self::EndpointUnavailable { fault, .. } if fault.is_pending() => Reason::Waiting,
            Self::EndpointUnavailable { .. } if is_s3 => Reason::S3EndpointUnavailable,
            Self::EndpointUnavailable { .. } => Reason::EndpointUnavailable,
            Self::PolicyBlocks { .. } => Reason::PolicyBlocks,
            Self::NoEndpoint { .. } => Reason::EndpointMissing,
            Self::PrivateDnsOff { .. } => Reason::PrivateDnsOff,
            Self::Blackhole { .. } => Reason::BlackholeRoute,
            Self::NatUnavailable { state, .. } if *state == NatGatewayState::Pending => Reason::Waiting,
            Self::NatUnavailable { .. } | Self::NatIsPrivate { .. } => Reason::NatGatewayUnavailable,
            Self::NatInPrivateSubnet { .. } => Reason::NatGatewayInPrivateSubnet,
            Self::PublicAccessBlocked(_) => Reason::PublicAccessBlocked,
            Self::Across(fault) if fault.is_pending() => Reason::Waiting,
            Self::GatewayDetached { .. } => Reason::InternetGatewayMissing,
            Self::BucketElsewhere { .. } => Reason::BucketInOtherRegion,
            Self::NoRoute { .. } if destination.concern() == Concern::Dns => Reason::Unreached,
            Self::NoRoute { .. } | Self::NoPublicAddress { .. } | Self::NatTakesNoIpv6 { .. } => Reason::NoWayOut,
            Self::NoAddress { .. }
            | Self::NoRouteTable { .. }
            | Self::NoSubnet { .. }
            | Self::PrivateAddress { .. }
            | Self::TakesNothing { .. }
            | Self::NobodyThere { .. }
            | Self::NobodyHas { .. }
            | Self::NotPublic(_)
            | Self::NoDnsServer { .. }
            | Self::Across(_) => Reason::Unreached,
        }
    }

    /// What the network lacks by it, on the way to the destination.
    pub fn lack(&self, destination: &Destination) -> Lack {
        match self {
            Self::DnsOff { .. } | Self::NoResolver { .. } | Self::NoDnsServer { .. } => Lack::Dns,
            Self::NoRoute { .. } if destination.is_directory_bucket() => Lack::Service(S3_EXPRESS.to_owned()),
            Self::NoRoute { table, .. } if destination.concern() == Concern::S3 => Lack::S3Route(Some(table.clone())),
            Self::NoRoute { .. } if destination.concern() == Concern::Dns => Lack::Other,
            Self::NoRoute { table, .. } => Lack::WayOut(Some(table.clone())),
            Self::EndpointUnavailable { endpoint, .. } => match destination {
                Destination::Service(name) => Lack::Service(name.clone()),
                Destination::S3 { .. }
                | Destination::BucketElsewhere { .. }
                | Destination::PackageMirrors
                | Destination::Members { .. }
                | Destination::Efa
                | Destination::Subnet { .. }
                | Destination::Resolver { .. }
                | Destination::Host { .. }
                | Destination::Cidr { .. }
                | Destination::Inside { .. } => Lack::Endpoint(endpoint.clone()),
            },
            Self::NoEndpoint { service, .. } | Self::PrivateDnsOff { service, .. } => Lack::Service(service.clone()),
            Self::AclDenies(denial) => Lack::AclRules(denial.acl.clone()),
            Self::NotAdmitted { groups, .. } => match groups.as_slice() {
                [only] => Lack::GroupRules(only.clone()),
                [] | [_, ..] => Lack::Other,
            },
            Self::PolicyBlocks { .. }
            | Self::PrivateAddress { .. }
            | Self::TakesNothing { .. }
            | Self::NobodyThere { .. }
            | Self::NobodyHas { .. }
            | Self::BucketElsewhere { .. }
            | Self::Blackhole { .. }
            | Self::NoAddress { .. }
            | Self::NoRouteTable { .. }
            | Self::NoSubnet { .. }
            | Self::NatTakesNoIpv6 { .. }
            | Self::NoPublicAddress { .. }
            | Self::NotPublic(_)
            | Self::PublicAccessBlocked(_)
            | Self::Across(_)
            | Self::GatewayDetached { through: None, .. } => Lack::Other,
            Self::NatUnavailable { gateway, .. }
            | Self::NatIsPrivate { gateway, .. }
            | Self::NatInPrivateSubnet(Through { gateway, .. }) => Lack::NatGateway(gateway.clone()),
            Self::GatewayDetached {
                through: Some(through), ..
            } => Lack::NatGateway(through.gateway.clone()),
        }
    }
}

impl Unseen {
    /// What it is about, on the way to the destination.
    pub fn concern(&self, destination: &Destination) -> Concern {
        match self {
            Self::DnsAttributes | Self::DhcpOptions | Self::CustomResolver { .. } => Concern::Dns,
            Self::NetworkAcls
            | Self::Routes { .. }
            | Self::PrefixList { .. }
            | Self::Endpoint { .. }
            | Self::EndpointGroups { .. }
            | Self::Policy { .. }
            | Self::SecurityGroup { .. }
            | Self::NatGateway { .. }
            | Self::InternetGateway { .. }
            | Self::TransitGateway { .. }
            | Self::CoreNetwork { .. }
            | Self::Firewall { .. }
            | Self::Peering { .. }
            | Self::VirtualPrivateGateway { .. }
            | Self::Beyond(_)
            | Self::Gateway { .. }
            | Self::Receiver { .. }
            | Self::OwnersEndpoint { .. }
            | Self::Listener { .. }
            | Self::PrivateName { .. }
            | Self::NameInside { .. }
            | Self::Addresses { .. } => destination.concern(),
        }
    }

    /// The switch that takes it to work, where there is one; `is_shared` says
    /// whether the VPC is another account's.
    pub fn acceptance(&self, is_shared: bool) -> Option<AcceptUnknown> {
        match self {
            Self::CustomResolver { .. } => Some(AcceptUnknown::CustomResolver),
            Self::TransitGateway { .. } | Self::CoreNetwork { .. } => Some(AcceptUnknown::TransitGateway),
            Self::Firewall { .. } => Some(AcceptUnknown::Firewall),
            Self::Beyond(hidden) => Some(hidden.by.acceptance()),
            // Like a peering connection, it leads to a network of somebody else's.
            Self::Peering { .. } | Self::VirtualPrivateGateway { .. } | Self::Gateway { .. } => {
                Some(AcceptUnknown::Peering)
            }
            // Endpoints of a shared VPC are its owner's, whom alone they show themselves to.
            Self::OwnersEndpoint { .. } => Some(AcceptUnknown::SharedVpc),
            Self::Endpoint { .. } if is_shared => Some(AcceptUnknown::SharedVpc),
            Self::DnsAttributes
            | Self::DhcpOptions
            | Self::NetworkAcls
            | Self::Routes { .. }
            | Self::PrefixList { .. }
            | Self::Endpoint { .. }
            | Self::EndpointGroups { .. }
            | Self::Policy { .. }
            | Self::SecurityGroup { .. }
            | Self::NatGateway { .. }
            | Self::InternetGateway { .. }
            | Self::Receiver { .. }
            | Self::Listener { .. }
            | Self::PrivateName { .. }
            | Self::NameInside { .. }
            | Self::Addresses { .. } => None,
        }
    }

    /// Why, in a word.
    pub fn reason(&self, is_shared: bool) -> Reason {
        match self.acceptance(is_shared) {
            Some(AcceptUnknown::CustomResolver) => Reason::CustomResolver,
            Some(AcceptUnknown::SharedVpc) => Reason::SharedVpc,
            Some(
                AcceptUnknown::TransitGateway
                | AcceptUnknown::Firewall
                | AcceptUnknown::Peering
                | AcceptUnknown::BucketPolicy,
            ) => Reason::BeyondTheVpc,
            None if matches!(self, Self::Policy { .. }) => Reason::PolicyBlocks,
            None => Reason::ReachUnknown,
        }
    }

    /// What the network lacks by it.
    pub fn lack(&self) -> Lack {
        match self {
            Self::DnsAttributes | Self::DhcpOptions | Self::CustomResolver { .. } => Lack::Dns,
            Self::Endpoint { endpoint } | Self::EndpointGroups { endpoint } | Self::Policy { endpoint, .. } => {
                Lack::Endpoint(endpoint.as_str().into())
            }
            Self::OwnersEndpoint { service } => Lack::Service(service.clone()),
            Self::NetworkAcls
            | Self::Routes { .. }
            | Self::PrefixList { .. }
            | Self::SecurityGroup { .. }
            | Self::NatGateway { .. }
            | Self::InternetGateway { .. }
            | Self::TransitGateway { .. }
            | Self::CoreNetwork { .. }
            | Self::Firewall { .. }
            | Self::Peering { .. }
            | Self::VirtualPrivateGateway { .. }
            | Self::Beyond(_)
            | Self::Gateway { .. }
            | Self::Receiver { .. }
            | Self::Listener { .. }
            | Self::PrivateName { .. }
            | Self::NameInside { .. }
            | Self::Addresses { .. } => Lack::Other,
        }
    }
}
