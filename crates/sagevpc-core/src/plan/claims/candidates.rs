//! What carries our tags, and whether it is what they say.

use crate::{
    catalog::short_service_name,
    desired::{Network, group_name},
    observed::{
        Address, EndpointState, FlowLog, InterfaceType, NatGateway, SecurityGroup, Stage, Tag, VpcEndpoint,
        VpcSnapshot, tags_of,
    },
    report::Concern,
    types::{NatPlace, Region, ResourceKey, SubnetId, is_adopted},
};

/// Something that carries our tags.
pub(super) struct Candidate<'a> {
    pub(super) id: &'a str,
    /// What its tags say that it is for.
    pub(super) key: ResourceKey,
    pub(super) kind: CandidateKind,
    pub(super) fit: Fit,
    /// Whether its name alone tells it from all others in the VPC.
    pub(super) named: bool,
    /// Whether its tags say that it was there before us.
    pub(super) marked_adopted: bool,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CandidateKind {
    GatewayEndpoint,
    InterfaceEndpoint,
    SecurityGroup,
    NatGateway,
    Address,
    FlowLog,
}

impl CandidateKind {
    /// What a message calls it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::GatewayEndpoint | Self::InterfaceEndpoint => "Endpoint",
            Self::SecurityGroup => "Security group",
            Self::NatGateway => "NAT gateway",
            Self::Address => "Elastic IP address",
            Self::FlowLog => "Flow log",
        }
    }

    pub(super) const fn concern(self) -> Concern {
        match self {
            Self::GatewayEndpoint => Concern::S3,
            Self::InterfaceEndpoint => Concern::Endpoints,
            Self::SecurityGroup => Concern::SecurityGroups,
            Self::NatGateway | Self::Address => Concern::Internet,
            Self::FlowLog => Concern::FlowLogs,
        }
    }
}

/// Whether it is what its tags say, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Its kind, and its name or place, are those that we give.
    InPlace,
    /// It is an address that nothing has.
    Free,
    /// It is an address that something else has.
    Elsewhere,
    /// It would fit, and is gone or going.
    Gone,
    /// It is something else.
    Not,
}

/// Everything that carries our tags, in the order of kinds and ids.
pub(super) fn candidates<'a>(network: &'a Network, snapshot: &'a VpcSnapshot) -> Vec<Candidate<'a>> {
    let look = Candidates { network, snapshot };
    let endpoints = snapshot.vpc_endpoints.iter();
    let endpoints = endpoints.filter(|endpoint| endpoint.state != EndpointState::Deleted);
    let groups = snapshot.security_groups.values();
    let nat_gateways = snapshot.nat_gateways.values();
    let addresses = snapshot.addresses.values();
    let flow_logs = snapshot.flow_logs.values();
    endpoints
        .filter_map(|endpoint| look.endpoint(endpoint))
        .chain(groups.filter_map(|group| look.group(group)))
        .chain(nat_gateways.filter_map(|nat| look.nat_gateway(nat)))
        .chain(addresses.filter_map(|address| look.address(address)))
        .chain(flow_logs.filter_map(|log| look.flow_log(log)))
        .collect()
}

struct Candidates<'a> {
    network: &'a Network,
    snapshot: &'a VpcSnapshot,
}

impl<'a> Candidates<'a> {
    fn candidate(
        &self,
        id: &'a str,
        tags: &[Tag],
        kind: CandidateKind,
        fit: impl FnOnce(&ResourceKey) -> Fit,
    ) -> Option<Candidate<'a>> {
        let tags = tags_of(tags);
        let key = self.network.vpc.ownership.key_of(&tags)?;
        Some(Candidate {
            id,
            fit: fit(&key),
            key,
            kind,
            named: kind == CandidateKind::SecurityGroup,
            marked_adopted: is_adopted(&tags),
        })
    }

    fn endpoint(&self, endpoint: &'a VpcEndpoint) -> Option<Candidate<'a>> {
        let kind = if endpoint.is_interface() {
            CandidateKind::InterfaceEndpoint
        } else {
            CandidateKind::GatewayEndpoint
        };
        let there = if endpoint.is_there() { Fit::InPlace } else { Fit::Gone };
        let region = &self.network.vpc.region;
        self.candidate(
            endpoint.vpc_endpoint_id.as_str(),
            &endpoint.tags,
            kind,
            |key| match key {
                ResourceKey::S3GatewayEndpoint => {
                    let mut of_s3 = self.snapshot.s3_gateway_endpoints();
                    let is_of_s3 = of_s3.any(|other| other.vpc_endpoint_id == endpoint.vpc_endpoint_id);
                    if is_of_s3 { there } else { Fit::Not }
                }
                ResourceKey::S3ExpressGatewayEndpoint if endpoint.is_s3_express_gateway() => there,
                ResourceKey::InterfaceEndpoint { service } if is_for(endpoint, service, region) => there,
                ResourceKey::InterfaceEndpoint { .. }
                | ResourceKey::S3ExpressGatewayEndpoint
                | ResourceKey::EndpointSecurityGroup
                | ResourceKey::ElasticInferenceClient
                | ResourceKey::ElasticInferenceEndpoint
                | ResourceKey::NatGateway { .. }
                | ResourceKey::Address { .. }
                | ResourceKey::FlowLog { .. }
                | ResourceKey::NetworkAclEntries { .. }
                | ResourceKey::DefaultRoute { .. }
                | ResourceKey::BucketPolicy { .. }
                | ResourceKey::RolePolicy { .. }
                | ResourceKey::WorkloadSecurityGroup { .. } => Fit::Not,
            },
        )
    }

    fn group(&self, group: &'a SecurityGroup) -> Option<Candidate<'a>> {
        let ownership = &self.network.vpc.ownership;
        let id = group.group_id.as_str();
        self.candidate(id, &group.tags, CandidateKind::SecurityGroup, |key| match key {
            ResourceKey::WorkloadSecurityGroup { .. }
            | ResourceKey::EndpointSecurityGroup
            | ResourceKey::ElasticInferenceClient
            | ResourceKey::ElasticInferenceEndpoint => {
                let is_its_name = group.group_name.eq_ignore_ascii_case(&group_name(key, ownership));
                if is_its_name { Fit::InPlace } else { Fit::Not }
            }
            ResourceKey::S3GatewayEndpoint
            | ResourceKey::S3ExpressGatewayEndpoint
            | ResourceKey::InterfaceEndpoint { .. }
            | ResourceKey::NatGateway { .. }
            | ResourceKey::Address { .. }
            | ResourceKey::FlowLog { .. }
            | ResourceKey::NetworkAclEntries { .. }
            | ResourceKey::DefaultRoute { .. }
            | ResourceKey::BucketPolicy { .. }
            | ResourceKey::RolePolicy { .. } => Fit::Not,
        })
    }

    fn nat_gateway(&self, nat: &'a NatGateway) -> Option<Candidate<'a>> {
        let id = nat.nat_gateway_id.as_str();
        self.candidate(id, &nat.tags, CandidateKind::NatGateway, |key| match key {
            ResourceKey::NatGateway { place } if is_at(nat, place) => match nat.stage() {
                Stage::Available | Stage::Pending => Fit::InPlace,
                Stage::Deleting | Stage::Deleted | Stage::Failed => Fit::Gone,
            },
            ResourceKey::NatGateway { .. }
            | ResourceKey::S3GatewayEndpoint
            | ResourceKey::S3ExpressGatewayEndpoint
            | ResourceKey::InterfaceEndpoint { .. }
            | ResourceKey::EndpointSecurityGroup
            | ResourceKey::ElasticInferenceClient
            | ResourceKey::ElasticInferenceEndpoint
            | ResourceKey::Address { .. }
            | ResourceKey::FlowLog { .. }
            | ResourceKey::NetworkAclEntries { .. }
            | ResourceKey::DefaultRoute { .. }
            | ResourceKey::BucketPolicy { .. }
            | ResourceKey::RolePolicy { .. }
            | ResourceKey::WorkloadSecurityGroup { .. } => Fit::Not,
        })
    }

    fn address(&self, address: &'a Address) -> Option<Candidate<'a>> {
        let id = address.allocation_id.as_str();
        self.candidate(id, &address.tags, CandidateKind::Address, |key| match key {
            ResourceKey::Address { subnet } if self.is_on_nat_gateway_in(address, subnet) => Fit::InPlace,
            ResourceKey::Address { .. } if address.is_in_use() => Fit::Elsewhere,
            ResourceKey::Address { .. } => Fit::Free,
            ResourceKey::S3GatewayEndpoint
            | ResourceKey::S3ExpressGatewayEndpoint
            | ResourceKey::InterfaceEndpoint { .. }
            | ResourceKey::EndpointSecurityGroup
            | ResourceKey::ElasticInferenceClient
            | ResourceKey::ElasticInferenceEndpoint
            | ResourceKey::NatGateway { .. }
            | ResourceKey::FlowLog { .. }
            | ResourceKey::NetworkAclEntries { .. }
            | ResourceKey::DefaultRoute { .. }
            | ResourceKey::BucketPolicy { .. }
            | ResourceKey::RolePolicy { .. }
            | ResourceKey::WorkloadSecurityGroup { .. } => Fit::Not,
        })
    }

    /// Whether a NAT gateway in this subnet has the address, or had it a moment
    /// ago.
    fn is_on_nat_gateway_in(&self, address: &Address, subnet: &SubnetId) -> bool {
        let interface = address.network_interface_id.as_ref();
        let interface = interface.and_then(|id| self.snapshot.network_interfaces.get(id));
        let is_a_nat_gateways = interface.is_some_and(|interface| {
            interface.subnet_id == *subnet
                && interface
                    .interface_type
                    .as_ref()
                    .is_some_and(|kind| *kind == InterfaceType::NatGateway)
        });
        let mut in_subnet = self.snapshot.nat_gateways.values().filter(|nat| is_in(nat, subnet));
        let is_held = in_subnet.any(|nat| nat.allocation_ids().any(|held| *held == address.allocation_id));
        is_a_nat_gateways || is_held
    }

    fn flow_log(&self, log: &'a FlowLog) -> Option<Candidate<'a>> {
        let id = log.flow_log_id.as_str();
        self.candidate(id, &log.tags, CandidateKind::FlowLog, |key| match key {
            ResourceKey::FlowLog { resource } if *resource == log.resource_id => Fit::InPlace,
            ResourceKey::FlowLog { .. }
            | ResourceKey::S3GatewayEndpoint
            | ResourceKey::S3ExpressGatewayEndpoint
            | ResourceKey::InterfaceEndpoint { .. }
            | ResourceKey::EndpointSecurityGroup
            | ResourceKey::ElasticInferenceClient
            | ResourceKey::ElasticInferenceEndpoint
            | ResourceKey::NatGateway { .. }
            | ResourceKey::Address { .. }
            | ResourceKey::NetworkAclEntries { .. }
            | ResourceKey::DefaultRoute { .. }
            | ResourceKey::BucketPolicy { .. }
            | ResourceKey::RolePolicy { .. }
            | ResourceKey::WorkloadSecurityGroup { .. } => Fit::Not,
        })
    }
}

/// Whether it is an interface endpoint for the service, short or in full.
fn is_for(endpoint: &VpcEndpoint, service: &str, region: &Region) -> bool {
    let name = endpoint.service_name.as_str();
    endpoint.is_interface() && (service == name || short_service_name(name, region) == Some(service))
}

/// Whether it is where the key says, as far as EC2 says where it is.
fn is_at(nat: &NatGateway, place: &NatPlace) -> bool {
    match place {
        NatPlace::Subnet(subnet) => !nat.is_regional() && is_in(nat, subnet),
        NatPlace::Regional => nat.is_regional(),
    }
}

/// Whether it is in the subnet, as far as EC2 says where it is.
fn is_in(nat: &NatGateway, subnet: &SubnetId) -> bool {
    nat.subnet_id.as_ref().is_none_or(|place| place == subnet)
}
