//! What workloads need of the network: the one list of it.
//!
//! From the catalogue of kinds and from a profile's spec follows, for each
//! workload, whom it must reach or be reached by, with what traffic, and what
//! its users see otherwise. Security groups, network ACLs, interface endpoints,
//! the way out and the verdicts all read this list; nothing else knows what a
//! kind needs.
//!
//! A notebook instance with direct internet access has a network interface of
//! SageMaker's besides the one in the VPC, and only what lies in the VPC goes by
//! the latter: of everything else nothing is needed here.
//!
//! See <https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html>.
//!
//! A container in network isolation calls nothing but its peers. SageMaker
//! itself brings its data from S3 and takes its output there, through the VPC's
//! subnets.
//!
//! See <https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html>.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::{
    api::{Destination, PackageRepositories, SageMakerVpcProfileSpec, Workload},
    catalog::{
        HTTPS_TO_ENDPOINTS, Need, Options, PeerNeed, PresetNeeds, RuleNeed, Symptom, When, WorkloadKind,
        is_aws_service, is_directory_bucket, names_service, symptom_without_service,
    },
    types::{BucketAccess, BucketUse, DNS_QUERIES, Direction, PrivatePeer, Region, Traffic, is_private},
    validate::{ValidProfile, ValidWorkload},
};

/// Something that a workload must reach, or be reached by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    /// Whom.
    pub peer: DemandPeer,
    /// With what.
    pub traffic: Traffic,
    /// What is lost without it.
    pub strength: Strength,
}

/// The far end of a demand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DemandPeer {
    /// S3 in the region.
    S3 {
        /// A bucket, a directory bucket among them, or S3 as such.
        bucket: Option<BucketUse>,
    },
    /// The mirror lists of Amazon Linux 2's package repositories, which yum asks
    /// S3 for over HTTP.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html>.
    PackageMirrors,
    /// An AWS service, by its short or full name.
    Service(String),
    /// The Elastic Inference service, by an endpoint with groups of its own.
    ElasticInference,
    /// The other instances of the same job, both ways.
    Members,
    /// The other instances of the same job by Elastic Fabric Adapters, in each
    /// security group by itself.
    EfaMembers,
    /// What SageMaker itself puts into the workload's subnets.
    OwnSubnets,
    /// The DNS servers that instances ask, where they are not AWS's.
    Resolver,
    /// A host outside, whose addresses may change.
    Host(String),
    /// Every address of a block.
    Cidr {
        /// The block.
        cidr: IpNet,
        /// Whether it is needed only as far as it lies in the VPC.
        inside_only: bool,
    },
    /// Something of a private network: no way out of the VPC leads to it.
    Inside {
        /// What it is.
        whom: PrivatePeer,
        /// Whether it opens connections on the same ports itself.
        calls_back: bool,
    },
}

/// How much depends on a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The workload cannot do without.
    Required,
    /// It calls it as a rule, and without it something less than the whole is
    /// lost.
    Usual,
    /// AWS's page asks for the rule, and nobody is known to listen: packets must
    /// be let out, and need get nowhere.
    LetOut,
    /// AWS's page asks for the rule, and the traffic goes another way.
    RuleOnly,
}

/// Where what a team names lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the internet: a way out of the VPC leads to it.
    Outside,
    /// In the VPC, or in a private network that it is joined to.
    Inside,
}

impl Demand {
    /// What the workload's users see while it is not met, where that is known.
    pub fn symptom(&self) -> Option<Symptom> {
        match &self.peer {
            DemandPeer::S3 { .. } => Some(Symptom::NoWayToS3),
            DemandPeer::Service(name) => Some(symptom_without_service(name)),
            DemandPeer::ElasticInference => Some(Symptom::NoWayToServices),
            DemandPeer::Members => Some(Symptom::MembersCannotTalk),
            DemandPeer::EfaMembers => Some(Symptom::EfaFails),
            DemandPeer::OwnSubnets | DemandPeer::PackageMirrors | DemandPeer::Inside { .. } => None,
            DemandPeer::Cidr { cidr, .. } if is_private(cidr) => None,
            DemandPeer::Resolver => Some(Symptom::StaysStarting),
            DemandPeer::Host(_) | DemandPeer::Cidr { .. } => Some(Symptom::NoWayOut),
        }
    }

    /// The same, where something else does in its place.
    #[must_use]
    pub fn as_usual(&self) -> Self {
        Self {
            strength: Strength::Usual,
            ..self.clone()
        }
    }

    /// Whether packets are to get there through the VPC.
    pub const fn is_of_the_vpc(&self) -> bool {
        match self.strength {
            Strength::Required | Strength::Usual | Strength::LetOut => true,
            Strength::RuleOnly => false,
        }
    }

    /// Whether it is to be met in a VPC that has these addresses.
    pub fn applies_in(&self, vpc: impl IntoIterator<Item = IpNet>) -> bool {
        match self.peer {
            DemandPeer::Cidr {
                cidr,
                inside_only: true,
            } => vpc.into_iter().any(|own| own.contains(&cidr)),
            DemandPeer::Cidr { inside_only: false, .. }
            | DemandPeer::S3 { .. }
            | DemandPeer::Service(_)
            | DemandPeer::ElasticInference
            | DemandPeer::Members
            | DemandPeer::EfaMembers
            | DemandPeer::OwnSubnets
            | DemandPeer::PackageMirrors
            | DemandPeer::Resolver
            | DemandPeer::Host(_)
            | DemandPeer::Inside { .. } => self.is_of_the_vpc(),
        }
    }

    /// Whether it is for what lies outside the VPC, by hosts or blocks that a
    /// team names.
    pub fn goes_out(&self) -> bool {
        self.named_place() == Some(Place::Outside)
    }

    /// Whether it is for something that a team names and that no way out of the VPC
    /// leads to.
    fn stays_inside(&self) -> bool {
        self.named_place() == Some(Place::Inside)
    }

    /// Where what a team names lies; none where no team names it.
    fn named_place(&self) -> Option<Place> {
        match &self.peer {
            DemandPeer::Host(_) => self.is_of_the_vpc().then_some(Place::Outside),
            DemandPeer::Cidr { cidr, inside_only } if *inside_only || is_private(cidr) => Some(Place::Inside),
            DemandPeer::Cidr { .. } => Some(Place::Outside),
            DemandPeer::Inside { .. } => Some(Place::Inside),
            DemandPeer::S3 { .. }
            | DemandPeer::Service(_)
            | DemandPeer::ElasticInference
            | DemandPeer::Members
            | DemandPeer::EfaMembers
            | DemandPeer::OwnSubnets
            | DemandPeer::PackageMirrors
            | DemandPeer::Resolver => None,
        }
    }

    /// The rules that a security group holds for it whatever the VPC looks like.
    /// Those for hosts and blocks outside follow from the subnets' addresses,
    /// those for DNS servers from the VPC's DHCP options, and Elastic Inference has a group of its own.
    fn rules(&self) -> Vec<RuleNeed> {
        let rule = |direction, peer| RuleNeed {
            when: When::Always,
            direction,
            protocol: self.traffic.protocol,
            ports: self.traffic.ports,
            peer,
        };
        match &self.peer {
            DemandPeer::S3 { bucket: Some(bucket) } if is_directory_bucket(&bucket.name) => {
                vec![rule(Direction::Egress, PeerNeed::DirectoryBuckets)]
            }
            DemandPeer::S3 { .. } | DemandPeer::PackageMirrors => vec![rule(Direction::Egress, PeerNeed::S3)],
            DemandPeer::Members | DemandPeer::EfaMembers => vec![
                rule(Direction::Ingress, PeerNeed::Members),
                rule(Direction::Egress, PeerNeed::Members),
            ],
            DemandPeer::OwnSubnets => vec![rule(Direction::Egress, PeerNeed::SubnetCidrs)],
            DemandPeer::Service(_) => vec![HTTPS_TO_ENDPOINTS],
            DemandPeer::ElasticInference
            | DemandPeer::Resolver
            | DemandPeer::Host(_)
            | DemandPeer::Cidr { .. }
            | DemandPeer::Inside { .. } => Vec::new(),
        }
    }
}

/// The demands of a profile's workloads, by their places in the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands(Vec<Vec<Demand>>);

impl Demands {
    /// What follows from a profile.
    pub fn of(profile: &ValidProfile) -> Self {
        let named = Named {
            buckets: profile
                .buckets
                .iter()
                .map(|(name, access)| BucketUse::new(name, *access))
                .collect(),
            services: profile.services.iter().map(String::as_str).collect(),
            destinations: profile.destinations.iter().collect(),
            installs_packages: profile.package_repositories == Some(PackageRepositories::Allow),
        };
        let demands = |workload: &ValidWorkload| {
            named.demands(
                workload.kind,
                workload.options,
                workload.direct_internet_access,
                &workload.presets,
            )
        };
        Self(profile.workloads.iter().map(demands).collect())
    }

    /// What would follow from a spec, were it valid.
    pub fn of_spec(spec: &SageMakerVpcProfileSpec) -> Self {
        let named = Named {
            buckets: spec
                .buckets
                .iter()
                .map(|bucket| BucketUse::new(&bucket.name, bucket.access))
                .collect(),
            services: spec.services.iter().map(String::as_str).collect(),
            destinations: spec.destinations.iter().collect(),
            installs_packages: spec.package_repositories == Some(PackageRepositories::Allow),
        };
        // Which region it is does not matter to what it is for.
        let region = Region::new("REGION");
        let demands = |workload: &Workload| {
            let presets = PresetNeeds::of(&workload.presets, &region);
            named.demands(
                workload.kind,
                workload.options(),
                workload.direct_internet_access,
                &presets,
            )
        };
        Self(spec.workloads.iter().map(demands).collect())
    }

    /// Those of the workload at this place.
    pub fn of_workload(&self, place: usize) -> &[Demand] {
        self.0.get(place).map_or(&[], Vec::as_slice)
    }

    /// The services that are called with this strength, by the names that they
    /// are called by, and who calls them.
    pub fn services(&self, strength: Strength) -> BTreeMap<&str, BTreeSet<usize>> {
        let mut services: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (place, demands) in self.0.iter().enumerate() {
            for demand in demands.iter().filter(|demand| demand.strength == strength) {
                if let DemandPeer::Service(name) = &demand.peer {
                    services.entry(name).or_default().insert(place);
                }
            }
        }
        services
    }

    /// Workloads that call services by interface endpoints.
    pub fn callers(&self) -> BTreeSet<usize> {
        let all = [Strength::Required, Strength::Usual];
        let called = all.into_iter().flat_map(|strength| self.services(strength));
        called.flat_map(|(_, places)| places).collect()
    }

    /// The workloads that need Elastic Inference.
    pub fn of_elastic_inference(&self) -> BTreeSet<usize> {
        let needs_it = |demand: &Demand| demand.peer == DemandPeer::ElasticInference;
        self.places(needs_it)
    }

    /// The workloads that go out of the VPC, by hosts or blocks that they name.
    pub fn going_out(&self) -> BTreeSet<usize> {
        self.places(Demand::goes_out)
    }

    /// The workloads that reach something that they name in a private network.
    pub fn staying_inside(&self) -> BTreeSet<usize> {
        self.places(Demand::stays_inside)
    }

    /// The workloads that reach S3 through the VPC.
    pub fn of_s3(&self) -> BTreeSet<usize> {
        self.places(|demand| matches!(demand.peer, DemandPeer::S3 { .. }) && demand.is_of_the_vpc())
    }

    /// The workloads that have such a demand.
    fn places(&self, is_such: impl Fn(&Demand) -> bool) -> BTreeSet<usize> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, demands)| demands.iter().any(&is_such))
            .map(|(place, _)| place)
            .collect()
    }

    /// What the security groups of these workloads must hold together.
    pub fn rules(&self, workloads: &BTreeSet<usize>) -> Vec<RuleNeed> {
        let mut rules: Vec<RuleNeed> = Vec::new();
        for place in workloads {
            for rule in self.of_workload(*place).iter().flat_map(Demand::rules) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
        rules
    }
}

/// What a profile names for all its workloads.
struct Named<'a> {
    buckets: BTreeSet<BucketUse>,
    services: BTreeSet<&'a str>,
    destinations: Vec<&'a Destination>,
    /// Whether it needs the package repositories.
    installs_packages: bool,
}

impl Named<'_> {
    /// What a workload needs; `past_the_vpc` says whether it has a way to the
    /// internet of its own.
    fn demands(&self, kind: WorkloadKind, options: Options, past_the_vpc: bool, presets: &PresetNeeds) -> Vec<Demand> {
        let requirements = kind.requirements();
        let mut all = BTreeSet::new();
        let mut add = |peer, traffic, strength| {
            all.insert(Demand {
                peer,
                traffic,
                strength,
            });
        };
        for rule in kind.rules(options) {
            let traffic = Traffic {
                protocol: rule.protocol,
                ports: rule.ports,
            };
            match (rule.peer, rule.direction) {
                (PeerNeed::S3, _) if past_the_vpc || !requirements.needs.contains(&Need::S3) => {
                    add(DemandPeer::S3 { bucket: None }, traffic, Strength::RuleOnly);
                }
                (PeerNeed::S3, _) => {
                    let named = self.buckets.iter().cloned().map(Some);
                    // Directory buckets have a way of their own, and S3 is needed all the same.
                    let only_directories = self.buckets.iter().all(|bucket| is_directory_bucket(&bucket.name));
                    let as_such = only_directories.then_some(None);
                    let of_presets = presets.buckets.iter();
                    let of_presets = of_presets.map(|name| Some(BucketUse::new(name, BucketAccess::ReadOnly)));
                    for bucket in named.chain(as_such).chain(of_presets) {
                        add(DemandPeer::S3 { bucket }, traffic, Strength::Required);
                    }
                }
                (PeerNeed::SubnetCidrs, _) if rule.ports.is_some() => {
                    add(DemandPeer::OwnSubnets, traffic, Strength::Required);
                }
                (PeerNeed::SubnetCidrs, _) => add(DemandPeer::OwnSubnets, traffic, Strength::LetOut),
                // Rules among members come in pairs, and a demand goes both ways.
                (PeerNeed::Members, Direction::Egress) if rule.when == When::Efa => {
                    add(DemandPeer::EfaMembers, traffic, Strength::Required);
                }
                (PeerNeed::Members, Direction::Egress) => add(DemandPeer::Members, traffic, Strength::Required),
                (PeerNeed::Members, Direction::Ingress) | (PeerNeed::VpcCidrs | PeerNeed::DirectoryBuckets, _) => {}
            }
        }
        if self.installs_packages && !past_the_vpc && requirements.needs.contains(&Need::S3) {
            add(DemandPeer::PackageMirrors, Traffic::tcp(80), Strength::Required);
        }
        if !past_the_vpc && requirements.needs.contains(&Need::Dns) {
            let [by_udp, by_tcp] = DNS_QUERIES;
            add(DemandPeer::Resolver, by_udp, Strength::Required);
            // Few answers are too long for UDP.
            add(DemandPeer::Resolver, by_tcp, Strength::Usual);
        }
        if options.isolated {
            return all.into_iter().collect();
        }
        let https = Traffic::tcp(443);
        if !past_the_vpc {
            let required: BTreeSet<&str> = kind.services(options).chain(presets.services.iter().copied()).collect();
            let is_required = |name: &str| required.contains(name);
            let named_in_full = |name: &str| self.services.iter().any(|named| names_service(named, name));
            for name in required
                .iter()
                .filter(|name| !presets.services.contains(*name) || !named_in_full(name))
            {
                add(DemandPeer::Service((*name).to_owned()), https, Strength::Required);
            }
            for name in requirements.usual_services.iter().chain(&presets.usual_services) {
                if !is_required(name) && !named_in_full(name) {
                    add(DemandPeer::Service((*name).to_owned()), https, Strength::Usual);
                }
            }
            if requirements.needs.contains(&Need::ElasticInference) {
                add(DemandPeer::ElasticInference, https, Strength::Required);
            }
        }
        // A service of somebody else's is nowhere but in the VPC.
        let called = self.services.iter();
        for name in called.filter(|name| !past_the_vpc || !is_aws_service(name)) {
            add(DemandPeer::Service((*name).to_owned()), https, Strength::Required);
        }
        for destination in &self.destinations {
            for traffic in destination.traffic() {
                let peer = peer_of(destination, past_the_vpc);
                if let Some(peer) = peer {
                    add(peer, traffic, Strength::Required);
                }
            }
        }
        all.into_iter().collect()
    }
}

/// Who a destination is; none where a workload reaches it past the VPC.
fn peer_of(destination: &Destination, past_the_vpc: bool) -> Option<DemandPeer> {
    let calls_back = destination.calls_back();
    let inside = |whom| Some(DemandPeer::Inside { whom, calls_back });
    if let Some(group) = &destination.security_group_id {
        return inside(PrivatePeer::Group(group.clone()));
    }
    if let Some(cidr) = &destination.cidr {
        let cidr: IpNet = cidr.parse().ok()?;
        let inside_only = past_the_vpc;
        return if calls_back {
            inside(PrivatePeer::Cidr(cidr))
        } else {
            Some(DemandPeer::Cidr { cidr, inside_only })
        };
    }
    let name = destination.host.clone()?;
    if destination.is_on_the_internet() {
        return (!past_the_vpc).then_some(DemandPeer::Host(name));
    }
    let is_inside = destination.is_inside();
    inside(PrivatePeer::Host { name, is_inside })
}
