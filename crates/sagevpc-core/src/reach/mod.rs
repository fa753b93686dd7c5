//! Whether packets get there, and answers back: pure.
//!
//! [`Reach`] reads one VPC once. From a subnet, with the security groups of a
//! workload, it follows the packet to a [`Destination`] and the answer back, and
//! gives a [`Verdict`]: reachable, with the way; stopped, with the first thing
//! that stops it and what would fix that; or unknown, with what cannot be seen.
//!
//! | File | Knows |
//! |---|---|
//! | `space` | sets of packets, cut where rules and routes have their bounds |
//! | `filter`, `icmp` | what security groups and network ACLs let through |
//! | `routes` | where route tables send addresses |
//! | `routing` | where routes take packets, whatever else is in the way |
//! | `names`, `gateway_names`, `inside` | what names resolve to |
//! | `addresses` | what answers at addresses |
//! | `network` | the way between the source's subnet and the destination |
//! | `across` | ways by peering connections, transit gateways and appliances |
//! | `inbound` | connections that somebody on the internet opens |
//! | `resolvers` | whether names can be asked for |
//! | `efa` | what Elastic Fabric Adapters ask of security groups |
//! | `alike` | what fares alike, so that it is followed once |
//! | `gateways` | endpoints, NAT gateways and internet gateways on that way |
//! | `start` | where packets begin, and what is asked of them |
//! | `parts` | the parts of a way, with security groups at both ends |
//! | `verdict` | what all of it comes to |
//! | `bucket_policy` | what a bucket's policy denies |
//! | `call_back` | connections that what is reached opens itself |
//! | `hop`, `cause`, `unseen`, `policy` | the words for it |
//! | `public_access` | what VPC Block Public Access keeps in |
//! | `acl_denial` | what a network ACL denies, and what would open it |
//! | `group_fix` | what security groups lack, and what would give it to them |
//! | `endpoint_fault` | why an endpoint does not serve |
//! | `nat_fix` | what has a NAT gateway lead out |
//! | `fix`, `s3_fix` | what would let packets through, and who can do it |
//! | `told` | the condition, the reason and the lack that a cause is told under |
//!
//! # What is decided, and how
//!
//! - A destination is a set of addresses. Rules and routes cut it where their
//!   own bounds run, and each part goes its own way: nothing is sampled. Of S3
//!   and of a block of addresses, every part must get through. A name outside
//!   the VPC has addresses that are not known here: it can be reached where all
//!   public addresses can, not where none can, and else it is unknown.
//! - A packet may begin at any address of its subnet and any port from 32768 to
//!   60999, which Linux chooses from; answers to all of them must pass, and from
//!   any above 1023 once it comes from a NAT gateway.
//! - Security groups keep state, network ACLs keep none and do not apply
//!   between hosts of one subnet.
//! - An interface endpoint's name leads to its interfaces in all its subnets, so
//!   each of them must be reachable.
//! - IPv4 decides where the source's subnet has it; IPv6 where it has nothing
//!   else, or the destination is an IPv6 block.
//! - Policies of interface endpoints are not judged: they decide on requests, not
//!   on packets. That of S3's gateway endpoint is, for there a denial looks to
//!   SageMaker as if S3 were out of reach. A bucket's policy is judged beside it
//!   (`bucket_policy`), and packets get there whatever it says.

mod acl_denial;
mod across;
mod addresses;
mod alike;
mod bucket_policy;
mod call_back;
mod cause;
mod efa;
mod endpoint_fault;
mod filter;
mod fix;
mod gateway_names;
mod gateways;
mod group_fix;
mod hop;
mod icmp;
mod inbound;
mod inside;
mod names;
mod nat_fix;
mod network;
mod parts;
mod policy;
mod public_access;
mod resolvers;
mod routes;
mod routing;
mod s3_fix;
mod s3_request;
mod space;
mod start;
mod told;
mod unseen;
mod verdict;
mod within;

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    net::IpAddr,
    rc::Rc,
};

use ipnet::IpNet;

pub use acl_denial::AclDenial;
pub use across::{Hidden, HiddenPart, Link, LinkFault, NoWayBack};
pub use bucket_policy::{BucketAsker, BucketRefusal, denied};
pub use cause::{Cause, RouteUsed, Stop, Through};
pub use endpoint_fault::EndpointFault;
pub use fix::{Means, fix_of_all};
pub use hop::Hop;
pub use inbound::{Inbound, NotPublic};
pub use policy::{Asked, Judged, why};
pub use public_access::PublicAccessBlock;
pub use routes::{Gone, SiblingRoute};
pub use routing::Routing;
pub use s3_request::{BucketOwner, for_bucket, through};
pub use start::Start;
pub use unseen::Unseen;
pub use verdict::{Answer, Extent, Path, Verdict};

use crate::{
    catalog::is_directory_bucket,
    observed::{NetworkAcl, NetworkAclEntry, VpcSnapshot},
    types::{BucketUse, PrivatePeer, Protocol, Region, SecurityGroupId, SubnetId, Traffic, VpcEndpointId, VpcId},
};
use alike::{Alike, Numbers, TargetNumbers};
use filter::{Acl, Admission, Groups};
use iam_policy::PolicyDocument;
use names::Resolution;
use network::Leg;
use routes::Table;
use space::Space;

/// Where packets are to get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// S3 in the region, port 443.
    S3 {
        /// A bucket, a directory bucket among them, or S3 as such: then the endpoint's policy need only let
        /// something through.
        bucket: Option<BucketUse>,
    },
    /// The mirror lists of Amazon Linux 2, which lie in S3: port 80.
    PackageMirrors,
    /// An AWS service by its short or full name, port 443.
    Service(String),
    /// Another instance of the same job, with the same security groups.
    Members {
        /// The subnet that it is in.
        subnet: SubnetId,
        /// What they say to each other.
        traffic: Traffic,
    },
    /// Another instance with Elastic Fabric Adapters and the same security groups.
    Efa,
    /// What SageMaker itself puts into a subnet, and opens to the workload.
    Subnet {
        /// The subnet.
        subnet: SubnetId,
        /// What the workload says to it.
        traffic: Traffic,
    },
    /// A host by its name or address.
    Host {
        /// The name or address.
        name: String,
        /// What is said to it, over TCP or UDP.
        traffic: Traffic,
    },
    /// A bucket of S3 in another region, port 443.
    BucketElsewhere {
        /// The bucket.
        bucket: String,
        /// Its region.
        region: Region,
    },
    /// A DNS server that is not AWS's.
    Resolver {
        /// Its address.
        server: IpAddr,
        /// What it is asked with.
        traffic: Traffic,
    },
    /// Every address of a block.
    Cidr {
        /// The block.
        cidr: IpNet,
        /// What is said to them.
        traffic: Traffic,
    },
    /// Something of a private network: of the VPC, or of one that is joined to it.
    Inside {
        /// What it is.
        whom: PrivatePeer,
        /// What is said to it, over TCP or UDP.
        traffic: Traffic,
        /// Whether it opens connections on the same ports itself.
        calls_back: bool,
    },
}

impl Destination {
    /// Whether it is a directory bucket, which S3 serves by addresses and a gateway
    /// service of their own.
    pub fn is_directory_bucket(&self) -> bool {
        matches!(self, Self::S3 { bucket: Some(bucket) } if is_directory_bucket(&bucket.name))
    }

    /// Whatever is outside the VPC: a way there is one to all public addresses.
    pub fn outside(port: u16) -> Self {
        Self::Host {
            name: "hosts outside the VPC".to_owned(),
            traffic: Traffic::tcp(port),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket: None } => f.write_str("S3"),
            Self::S3 { bucket: Some(bucket) } if is_directory_bucket(&bucket.name) => {
                write!(f, "directory bucket {} of S3 Express One Zone", bucket.name)
            }
            Self::S3 { bucket: Some(bucket) } => write!(f, "bucket {} of S3", bucket.name),
            Self::BucketElsewhere { bucket, region } => write!(f, "bucket {bucket} of S3 in {region}"),
            Self::PackageMirrors => f.write_str("mirror lists of Amazon Linux 2 (S3 on port 80)"),
            Self::Service(name) => f.write_str(name),
            Self::Members { subnet, .. } => write!(f, "instances of the same job in {subnet}"),
            Self::Efa => f.write_str("instances with Elastic Fabric Adapters"),
            Self::Subnet { subnet, traffic } => write!(f, "{traffic} in {subnet}"),
            Self::Resolver { server, traffic } => write!(f, "DNS server {server} on {traffic}"),
            Self::Host { name, traffic } => write_host(f, name, *traffic),
            Self::Cidr { cidr, traffic }
            | Self::Inside {
                whom: PrivatePeer::Cidr(cidr),
                traffic,
                ..
            } => write_at(f, cidr, *traffic),
            Self::Inside {
                whom: PrivatePeer::Group(group),
                traffic,
                ..
            } => write_at(f, group, *traffic),
            Self::Inside {
                whom: PrivatePeer::Host { name, .. },
                traffic,
                ..
            } => write_host(f, name, *traffic),
        }
    }
}

/// The port, where it is one of TCP.
fn tcp_port(traffic: Traffic) -> Option<i32> {
    let range = traffic.ports.filter(|range| range.from == range.to)?;
    (traffic.protocol == Protocol::TCP).then_some(range.from)
}

fn write_host(f: &mut fmt::Formatter<'_>, name: &str, traffic: Traffic) -> fmt::Result {
    match tcp_port(traffic) {
        Some(port) => write!(f, "{name}:{port}"),
        None => write!(f, "{name} on {traffic}"),
    }
}

fn write_at(f: &mut fmt::Formatter<'_>, whom: impl fmt::Display, traffic: Traffic) -> fmt::Result {
    match tcp_port(traffic) {
        Some(port) => write!(f, "{whom} on port {port}"),
        None => write!(f, "{whom} on {traffic}"),
    }
}

/// One VPC, read once to be asked many times.
pub struct Reach<'s> {
    snapshot: &'s VpcSnapshot,
    accepts_resolvers: bool,
    groups: Groups,
    acls: Vec<Acl>,
    tables: Vec<Table>,
    places: Vec<Place>,
    place_of: BTreeMap<&'s SubnetId, usize>,
    /// Protocols that rules name by number: all traffic is judged by each of
    /// them and by one that none names.
    protocols: BTreeSet<u8>,
    public: [OnceCell<Space>; 2],
    known: RefCell<Known>,
    /// Other VPCs that packets may come to, read once one does.
    neighbours: OnceCell<BTreeMap<VpcId, Reach<'s>>>,
}

/// A subnet, with what stands around it.
#[derive(Debug)]
struct Place {
    id: SubnetId,
    nets: Vec<IpNet>,
    /// Its network ACL, by its place among those that were seen.
    acl: Option<usize>,
    /// Its route table, likewise.
    table: Option<usize>,
}

/// A destination as it is seen by sources of one family.
struct ResolvedDestination {
    resolution: Resolution,
    /// The numbers of its targets: those that differ in names alone share one.
    targets: Vec<TargetNumbers>,
    /// The number that it shares with those that fare alike; `None` where
    /// something is in the way from the start.
    number: Option<usize>,
}

/// A set of groups that was asked for before.
type Wearing = (Rc<BTreeSet<SecurityGroupId>>, Numbers);

/// What was found out before: profiles share subnets and destinations.
#[derive(Default)]
struct Known {
    /// Destinations for IPv4 and for IPv6.
    resolutions: [HashMap<Destination, Rc<ResolvedDestination>>; 2],
    /// Ways, by the subnet and by the packets' number.
    ways: HashMap<(usize, usize), Rc<Vec<Leg>>>,
    /// Sets of groups that workloads have.
    group_sets: BTreeMap<Rc<BTreeSet<SecurityGroupId>>, Numbers>,
    alike: Alike,
    /// What groups let out, by their set and the target's number.
    admissions: HashMap<(usize, usize), Rc<Admission>>,
    /// Endpoints' policies, where they can be read.
    documents: HashMap<VpcEndpointId, Option<Rc<PolicyDocument>>>,
    /// What endpoints' policies decide for buckets, and from which subnet where
    /// they ask for the address.
    policies: HashMap<(VpcEndpointId, Option<BucketUse>, Option<usize>), gateways::Decided>,
}

impl Known {
    /// This set of groups, as it is kept.
    fn wearing(&mut self, ids: &BTreeSet<SecurityGroupId>, groups: &Groups) -> Wearing {
        if let Some((kept, numbers)) = self.group_sets.get_key_value(ids) {
            return (kept.clone(), *numbers);
        }
        let kept = Rc::new(ids.clone());
        let numbers = self.alike.number(self.group_sets.len(), ids, groups);
        self.group_sets.insert(kept.clone(), numbers);
        (kept, numbers)
    }
}

impl<'s> Reach<'s> {
    /// Reads a VPC.
    pub fn new(snapshot: &'s VpcSnapshot) -> Self {
        let groups = Groups::new(snapshot.security_groups.values(), &snapshot.prefix_lists);
        let acls: Vec<Acl> = snapshot.network_acls.values().map(Acl::new).collect();
        let tables: Vec<Table> = snapshot
            .route_tables
            .values()
            .map(|table| Table::new(table, snapshot, &groups))
            .collect();
        let places: Vec<Place> = snapshot
            .subnets
            .values()
            .map(|subnet| {
                let is_readable = |acl: &&NetworkAcl| acl.entries.iter().all(NetworkAclEntry::is_readable);
                let acl = snapshot.network_acl_of(&subnet.subnet_id).filter(is_readable);
                let table = snapshot.route_table_of(&subnet.subnet_id);
                Place {
                    id: subnet.subnet_id.clone(),
                    nets: subnet.cidrs().collect(),
                    acl: acl.and_then(|acl| acls.iter().position(|read| read.id == acl.network_acl_id)),
                    table: table.and_then(|table| tables.iter().position(|read| read.id == table.route_table_id)),
                }
            })
            .collect();
        Self {
            place_of: snapshot.subnets.keys().zip(0..).collect(),
            protocols: groups.protocols().chain(acls.iter().flat_map(Acl::protocols)).collect(),
            accepts_resolvers: false,
            public: [OnceCell::new(), OnceCell::new()],
            known: RefCell::default(),
            neighbours: OnceCell::new(),
            snapshot,
            groups,
            acls,
            tables,
            places,
        }
    }

    /// Takes DNS servers that are not AWS's to answer as AWS's would.
    pub fn accepting_custom_resolvers(mut self) -> Self {
        self.accepts_resolvers = true;
        self
    }
}
