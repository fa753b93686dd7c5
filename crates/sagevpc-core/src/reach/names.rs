//! What names resolve to, and so what a destination is.

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use ipnet::IpNet;

use super::{
    Destination, EndpointFault, Reach, ResolvedDestination,
    alike::{PacketsLikeness, TargetNumbers},
    cause::Cause,
    filter::Flow,
    hop::Hop,
    space::{EVERY_PORT, Space, public, space},
    unseen::Unseen,
};
use crate::{
    catalog::is_aws_service,
    observed::{AddressType, EndpointState, NetworkInterface, Stage, Unread, VpcEndpoint, Word, files::FileKind},
    types::{BucketUse, NFS, Peer, Protocol, Region, SecurityGroupId, SubnetId, Traffic, VpcEndpointId},
};

/// A destination as the source's resolver sees it.
#[derive(Debug, Default)]
pub(super) struct Resolution {
    pub(super) hops: Vec<Hop>,
    pub(super) unseen: Vec<Unseen>,
    pub(super) stop: Option<Cause>,
    /// Why the name does not resolve; the rest is what it would resolve to.
    pub(super) unresolved: Option<Cause>,
    pub(super) targets: Vec<Target>,
    /// Whether a name is resolved first.
    pub(super) is_by_name: bool,
    /// The name, where its addresses may be any of the target's.
    pub(super) somewhere_in: Option<String>,
    /// Why the way goes to public addresses, where a way inside was to be had.
    pub(super) detour: Option<Detour>,
}

/// One set of addresses to reach, all of it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) flow: Flow,
    /// The same, as rules are written.
    pub(super) traffic: Traffic,
    pub(super) space: Space,
    /// What the addresses are, as the peers of rules.
    pub(super) whom: Vec<Peer>,
    /// The same as one block, where it is one.
    pub(super) block: Option<IpNet>,
    pub(super) receiver: Receiver,
    /// Whether it opens connections to the source as well.
    pub(super) calls_back: bool,
    /// The bucket that is asked for there, where it is S3.
    pub(super) s3: Option<Option<BucketUse>>,
}

/// Who answers at a target's addresses.
#[derive(Clone, Debug)]
pub(super) enum Receiver {
    /// Someone outside the VPC.
    Outside,
    /// An interface endpoint, with its groups.
    Endpoint(VpcEndpointId, BTreeSet<SecurityGroupId>),
    /// An interface in the VPC, with its groups.
    Interface(BTreeSet<SecurityGroupId>),
    /// A mount target of a file system, with its groups, which SageMaker opens to
    /// workloads.
    MountTarget(BTreeSet<SecurityGroupId>),
    /// Whoever has the source's own groups.
    Members,
    /// Whoever lets workloads in: SageMaker, which opens its groups to them, or who
    /// is said to be there.
    SageMaker,
}

impl Receiver {
    /// The groups of the interface that answers, where it is known.
    pub(super) fn groups(&self) -> Option<&BTreeSet<SecurityGroupId>> {
        match self {
            Self::Endpoint(_, groups) | Self::Interface(groups) | Self::MountTarget(groups) => Some(groups),
            Self::Outside | Self::Members | Self::SageMaker => None,
        }
    }
}

/// Why a service is reached by its public addresses.
#[derive(Debug)]
pub(super) enum Detour {
    NoEndpoint(String),
    PrivateDnsOff {
        service: String,
        endpoint: VpcEndpointId,
        has_host_names: bool,
    },
    HostnamesOff,
    /// The endpoint that is to have the name does not serve, and has it only then.
    Unavailable(VpcEndpointId, Word<EndpointState>),
    OtherRegion {
        bucket: String,
        region: Region,
        here: Option<Region>,
    },
}

impl Detour {
    /// What to say where the way to the public addresses is stopped, too.
    pub(super) fn explain(&self, vpc: &str, otherwise: Cause) -> Cause {
        let otherwise = Box::new(otherwise);
        match self {
            Self::NoEndpoint(service) => Cause::NoEndpoint {
                service: service.clone(),
                otherwise: Some(otherwise),
            },
            Self::PrivateDnsOff {
                service,
                endpoint,
                has_host_names,
            } => Cause::PrivateDnsOff {
                service: service.clone(),
                endpoint: endpoint.clone(),
                without_host_names: (!has_host_names).then(|| vpc.to_owned()),
                otherwise,
            },
            Self::OtherRegion { bucket, region, here } => Cause::BucketElsewhere {
                bucket: bucket.clone(),
                region: region.clone(),
                here: here.clone(),
                otherwise,
            },
            Self::HostnamesOff => Cause::DnsOff {
                vpc: vpc.to_owned(),
                attribute: "enableDnsHostnames",
                otherwise: Some(otherwise),
            },
            Self::Unavailable(endpoint, state) => Cause::EndpointUnavailable {
                endpoint: endpoint.clone(),
                fault: EndpointFault::State(state.clone()),
                otherwise: Some(otherwise),
            },
        }
    }
}

pub(super) const HTTPS: Traffic = Traffic::tcp(443);

/// Stands for all protocols that no rule names: it is kept for experiments, RFC
/// 3692, so that none has reason to name it.
pub(super) const ANY_OTHER: u8 = 253;

impl Reach<'_> {
    /// What a destination is, for sources that speak IPv4 or IPv6.
    pub(super) fn resolve(&self, destination: &Destination, is_ipv6: bool) -> Rc<ResolvedDestination> {
        let family = usize::from(is_ipv6);
        if let Some(found) = self.known.borrow().resolutions[family].get(destination) {
            return found.clone();
        }
        let resolution = self.resolve_anew(destination, is_ipv6);
        let is_let_through = |bucket: &BucketUse| self.is_let_through(bucket);
        let likenesses: Vec<PacketsLikeness> = resolution
            .targets
            .iter()
            .map(|target| PacketsLikeness::of(target, is_let_through))
            .collect();
        let mut known = self.known.borrow_mut();
        let targets: Vec<TargetNumbers> = likenesses
            .into_iter()
            .zip(&resolution.targets)
            .map(|(likeness, target)| known.alike.number_target(likeness, &target.receiver))
            .collect();
        let is_sound = resolution.unseen.is_empty() && resolution.stop.is_none() && resolution.unresolved.is_none();
        let number = is_sound.then(|| known.alike.number_destination(&targets));
        let resolved = Rc::new(ResolvedDestination {
            resolution,
            targets,
            number,
        });
        known.resolutions[family].insert(destination.clone(), resolved.clone());
        resolved
    }

    fn resolve_anew(&self, destination: &Destination, is_ipv6: bool) -> Resolution {
        match destination {
            Destination::S3 { bucket } => self.resolve_s3(bucket.as_ref(), HTTPS, is_ipv6),
            Destination::BucketElsewhere { bucket, region } => self.resolve_bucket_elsewhere(bucket, region, is_ipv6),
            Destination::PackageMirrors => self.resolve_package_mirrors(is_ipv6),
            Destination::Service(name) => self.resolve_service(name, name, HTTPS, is_ipv6),
            Destination::Members { subnet, traffic } => {
                self.resolve_subnet(subnet, *traffic, is_ipv6, &[Peer::Itself], || Receiver::Members)
            }
            // Groups alone say whether adapters work.
            Destination::Efa => Resolution::default(),
            Destination::Subnet { subnet, traffic } if *traffic == NFS => self.resolve_homes(subnet, is_ipv6),
            Destination::Subnet { subnet, traffic } => {
                let whom = self.blocks_of(subnet, is_ipv6);
                self.resolve_subnet(subnet, *traffic, is_ipv6, &whom, || Receiver::SageMaker)
            }
            Destination::Resolver { server, traffic } => self.resolve_cidr(IpNet::from(*server), *traffic),
            Destination::Cidr { cidr, traffic } => self.resolve_cidr(*cidr, *traffic),
            Destination::Host { name, traffic } => match name.parse::<IpAddr>() {
                Ok(address) => self.resolve_cidr(IpNet::from(address), *traffic),
                Err(_) => self.resolve_host(name, *traffic, is_ipv6),
            },
            Destination::Inside {
                whom,
                traffic,
                calls_back,
            } => {
                let mut resolution = self.resolve_whom(whom, *traffic, is_ipv6);
                for target in &mut resolution.targets {
                    target.calls_back = *calls_back;
                }
                resolution
            }
        }
    }

    pub(super) fn resolve_host(&self, name: &str, traffic: Traffic, is_ipv6: bool) -> Resolution {
        if let Some(resolution) = self.resolve_by_gateway(name, traffic, is_ipv6) {
            return resolution;
        }
        let service = self
            .snapshot
            .endpoint_services
            .iter()
            .find(|service| service.has_name(name) && !service.is_gateway());
        if let Some(service) = service {
            return self.resolve_service(&service.service_name, name, traffic, is_ipv6);
        }
        let inside = self.resolve_inside(name, traffic, is_ipv6);
        inside.unwrap_or_else(|| self.by_name(|resolution| self.outside(resolution, name, traffic, is_ipv6)))
    }

    pub(super) fn blocks_of(&self, subnet: &SubnetId, is_ipv6: bool) -> Vec<Peer> {
        self.nets_of(subnet, is_ipv6).into_iter().map(Peer::Cidr).collect()
    }

    pub(super) fn nets_of(&self, subnet: &SubnetId, is_ipv6: bool) -> Vec<IpNet> {
        let place = self.place_of.get(subnet).map(|place| &self.places[*place]);
        let nets = place.into_iter().flat_map(|place| &place.nets);
        nets.filter(|net| is_of_family(net, is_ipv6)).copied().collect()
    }

    fn resolve_subnet(
        &self,
        subnet: &SubnetId,
        traffic: Traffic,
        is_ipv6: bool,
        whom: &[Peer],
        receiver: impl Fn() -> Receiver,
    ) -> Resolution {
        let nets = self.nets_of(subnet, is_ipv6);
        let targets = self.flows(traffic, is_ipv6).into_iter().map(|flow| Target {
            flow,
            traffic,
            space: space(nets.iter().copied(), flow.ports),
            whom: whom.to_vec(),
            block: None,
            receiver: receiver(),
            s3: None,
            calls_back: false,
        });
        Resolution {
            targets: targets.collect(),
            stop: nets.is_empty().then(|| Cause::NoAddress { subnet: subnet.clone() }),
            ..Resolution::default()
        }
    }

    /// One flow for each protocol that a rule tells apart, and one for the rest.
    pub(super) fn flows(&self, traffic: Traffic, is_ipv6: bool) -> Vec<Flow> {
        match traffic.protocol {
            Protocol::Number(_) => vec![Flow::of(traffic)],
            Protocol::All => {
                let of_the_other = if is_ipv6 { Flow::ICMP } else { Flow::ICMPV6 };
                let mut protocols = self.protocols.clone();
                protocols.insert(ANY_OTHER);
                protocols.remove(&of_the_other);
                let ports = EVERY_PORT;
                protocols.into_iter().map(|protocol| Flow { protocol, ports }).collect()
            }
        }
    }

    /// The service's interface endpoint that its name would lead to.
    pub(super) fn interface_endpoint(&self, service: &str) -> Option<&VpcEndpoint> {
        let endpoints = self.snapshot.vpc_endpoints.iter().filter(|endpoint| {
            endpoint.is_interface() && endpoint.is_there() && self.snapshot.is_service(&endpoint.service_name, service)
        });
        // One that failed has no name, whatever it was to have.
        endpoints.min_by_key(|endpoint| {
            let has_name = endpoint.private_dns_enabled;
            match endpoint.stage() {
                Stage::Available if has_name => 0,
                Stage::Pending if has_name => 1,
                Stage::Available => 2,
                Stage::Pending => 3,
                Stage::Failed | Stage::Deleting | Stage::Deleted => 4,
            }
        })
    }

    pub(super) fn resolve_service(&self, service: &str, host: &str, traffic: Traffic, is_ipv6: bool) -> Resolution {
        let offered = self
            .snapshot
            .endpoint_services
            .iter()
            .find(|offered| !offered.is_gateway() && self.snapshot.is_service(&offered.service_name, service));
        let host = match offered.and_then(|offered| offered.private_dns_name.as_deref()) {
            Some(name) if host == service => name.to_owned(),
            Some(_) | None => host.to_owned(),
        };
        if self.interface_endpoint(service).is_none()
            && let Some(list) = self.gateway_list(service)
        {
            return self.by_list(list, &host, traffic, is_ipv6);
        }
        self.by_name(|resolution| {
            let unread = self.snapshot.unread(FileKind::VpcEndpoints).next();
            match self.interface_endpoint(service) {
                Some(endpoint) if self.snapshot.goes_by_endpoints_names(service) => {
                    self.inside(resolution, endpoint, &host, traffic, is_ipv6);
                    return;
                }
                Some(endpoint) => match self.detour_past(service, endpoint) {
                    None => {
                        self.inside(resolution, endpoint, &host, traffic, is_ipv6);
                        return;
                    }
                    detour => resolution.detour = detour,
                },
                // A participant of a shared VPC does not see its owner's endpoints.
                None if self.snapshot.foreign_owner().is_some() => {
                    let service = service.to_owned();
                    resolution.hops.push(Hop::Unseen(Unseen::OwnersEndpoint {
                        service: service.clone(),
                    }));
                    resolution.unseen.push(Unseen::OwnersEndpoint { service });
                    return;
                }
                // What cannot be read may be the service's.
                None if unread.is_some() => {
                    let name = |unread: &Unread| unread.id.clone().unwrap_or_else(|| unread.to_string());
                    let endpoint = unread.map(name);
                    resolution
                        .unseen
                        .extend(endpoint.map(|endpoint| Unseen::Endpoint { endpoint }));
                    return;
                }
                // A service of somebody else's has no public addresses.
                None if !is_aws_service(service) => {
                    resolution.stop = Some(Cause::NoEndpoint {
                        service: service.to_owned(),
                        otherwise: None,
                    });
                    return;
                }
                None => resolution.detour = Some(Detour::NoEndpoint(service.to_owned())),
            }
            self.outside(resolution, &host, traffic, is_ipv6);
        })
    }

    /// Why the service's name does not lead to this endpoint, if it does not: private
    /// DNS needs both attributes of the VPC, and an endpoint of AWS's that serves.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>.
    pub(super) fn detour_past(&self, service: &str, endpoint: &VpcEndpoint) -> Option<Detour> {
        let id = || endpoint.vpc_endpoint_id.clone();
        let attributes = self.snapshot.attributes.as_ref();
        let has_host_names = attributes.is_none_or(|attributes| attributes.enable_dns_hostnames.value);
        if !endpoint.private_dns_enabled {
            return Some(Detour::PrivateDnsOff {
                service: service.to_owned(),
                endpoint: id(),
                has_host_names,
            });
        }
        if !has_host_names {
            return Some(Detour::HostnamesOff);
        }
        // A service of somebody else's has no other addresses.
        let is_unavailable = is_aws_service(service) && endpoint.stage() != Stage::Available;
        is_unavailable.then(|| Detour::Unavailable(id(), endpoint.state.clone()))
    }

    /// An interface endpoint: its interfaces, or the subnets that they are in.
    fn inside(&self, resolution: &mut Resolution, endpoint: &VpcEndpoint, host: &str, traffic: Traffic, is_ipv6: bool) {
        let id = &endpoint.vpc_endpoint_id;
        resolution.hops.push(Hop::PrivateName {
            name: host.to_owned(),
            endpoint: id.clone(),
        });
        let is_available = endpoint.stage() == Stage::Available;
        if !is_available || endpoint.subnet_ids.is_empty() {
            let fault = if is_available {
                EndpointFault::InNoSubnet
            } else {
                EndpointFault::State(endpoint.state.clone())
            };
            resolution.stop = Some(Cause::EndpointUnavailable {
                endpoint: id.clone(),
                fault,
                otherwise: None,
            });
            return;
        }
        if endpoint.groups.is_empty() {
            let endpoint = id.to_string();
            resolution.unseen.push(Unseen::EndpointGroups { endpoint });
        }
        let groups: BTreeSet<SecurityGroupId> = endpoint.groups.iter().map(|group| group.group_id.clone()).collect();
        let speaks_it = match endpoint.ip_address_type.as_ref().map(Word::means) {
            Some(AddressType::Dualstack) => true,
            Some(AddressType::Ipv6) => is_ipv6,
            Some(AddressType::Ipv4 | AddressType::Other) | None => !is_ipv6,
        };
        for subnet in &endpoint.subnet_ids {
            let interfaces = endpoint
                .network_interface_ids
                .iter()
                .filter_map(|interface| self.snapshot.network_interfaces.get(interface))
                .filter(|interface| interface.subnet_id == *subnet);
            let addresses: Vec<IpNet> = interfaces
                .flat_map(NetworkInterface::addresses)
                .map(IpNet::from)
                .filter(|net| is_of_family(net, is_ipv6))
                .collect();
            let nets = match (speaks_it, addresses.is_empty()) {
                (false, _) => Vec::new(),
                (true, true) => self.nets_of(subnet, is_ipv6),
                (true, false) => addresses,
            };
            resolution.targets.push(Target {
                flow: Flow::of(traffic),
                traffic,
                whom: named_by(&groups).unwrap_or_else(|| self.blocks_of(subnet, is_ipv6)),
                space: space(nets, Flow::of(traffic).ports),
                block: None,
                receiver: if groups.is_empty() {
                    Receiver::SageMaker
                } else {
                    Receiver::Endpoint(id.clone(), groups.clone())
                },
                s3: None,
                calls_back: false,
            });
        }
    }

    /// A name with public addresses that are not known here.
    pub(super) fn outside(&self, resolution: &mut Resolution, host: &str, traffic: Traffic, is_ipv6: bool) {
        resolution.hops.push(Hop::PublicName { name: host.to_owned() });
        let everywhere = self.public[usize::from(is_ipv6)].get_or_init(|| {
            let vpc = self.snapshot.vpc.cidrs();
            let lists = self.snapshot.prefix_lists.iter();
            let lists = lists
                .filter_map(|list| self.groups.list(&list.prefix_list_id))
                .flatten();
            public(is_ipv6, vpc.chain(lists.copied()), EVERY_PORT)
        });
        resolution.somewhere_in = Some(host.to_owned());
        let anywhere = if is_ipv6 {
            IpNet::V6(ipnet::Ipv6Net::default())
        } else {
            IpNet::V4(ipnet::Ipv4Net::default())
        };
        resolution.targets.push(Target {
            flow: Flow::of(traffic),
            traffic,
            space: super::space::on_ports(everywhere, Flow::of(traffic).ports),
            whom: vec![Peer::Cidr(anywhere)],
            block: Some(anywhere),
            receiver: Receiver::Outside,
            s3: None,
            calls_back: false,
        });
    }

    /// What a name resolves to, if it resolves at all.
    pub(super) fn by_name(&self, resolve: impl FnOnce(&mut Resolution)) -> Resolution {
        let mut resolution = Resolution {
            is_by_name: true,
            ..Resolution::default()
        };
        let vpc = self.snapshot.vpc.vpc_id.to_string();
        match &self.snapshot.attributes {
            None => resolution.unseen.push(Unseen::DnsAttributes),
            Some(attributes) if !attributes.enable_dns_support.value => {
                let attribute = "enableDnsSupport";
                resolution.unresolved = Some(Cause::DnsOff {
                    vpc: vpc.clone(),
                    attribute,
                    otherwise: None,
                });
            }
            Some(_) => {}
        }
        match &self.snapshot.dhcp_options {
            None => resolution.unseen.push(Unseen::DhcpOptions),
            Some(options) => {
                let servers = options.values("domain-name-servers");
                if servers.is_empty() {
                    let cause = Cause::NoResolver { vpc };
                    resolution.unresolved = resolution.unresolved.or(Some(cause));
                }
                let own = self.snapshot.custom_resolvers();
                if !own.is_empty() && !self.accepts_resolvers {
                    resolution.unseen.push(Unseen::CustomResolver { servers: own });
                }
            }
        }
        resolve(&mut resolution);
        resolution
    }
}

/// An interface that has these groups, as the peer of the narrowest rule that
/// admits it: whichever of them it names. None where none has an id yet.
pub(super) fn named_by(groups: &BTreeSet<SecurityGroupId>) -> Option<Vec<Peer>> {
    let id = groups.iter().find(|id| SecurityGroupId::is_kind_of(id.as_str()))?;
    Some(vec![Peer::Group {
        id: id.clone(),
        owner: None,
    }])
}

pub(super) fn is_of_family(net: &IpNet, is_ipv6: bool) -> bool {
    matches!(net, IpNet::V6(_)) == is_ipv6
}
