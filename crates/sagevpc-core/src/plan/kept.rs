//! What stays as it is for profiles without a say, as a value.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use crate::{
    observed::VpcSnapshot,
    types::{
        BucketAccess, BucketUse, HELD_REPOSITORIES, Holdings, NetworkAclId, ProfileKey, RouteTableId, SecurityGroupId,
        SubnetId,
    },
};

/// Something that a profile relies on.
#[derive(Clone, Copy)]
pub(super) enum HeldThing<'a> {
    /// A subnet, with the route table and the network ACL that it has.
    Subnet(&'a SubnetId),
    /// The endpoint of a service, by the service's full name.
    Service(&'a str),
    /// Interface endpoints, whichever: the group that they share.
    Endpoints,
    /// Elastic Inference.
    ElasticInference,
    /// The way out of the VPC.
    WayOut,
    /// What is done with a bucket, through the S3 endpoint.
    Bucket(&'a BucketUse),
    /// Our statement in a bucket's policy.
    BucketPolicy(&'a str),
    /// Our inline policy on a role, by its ARN.
    Role(&'a str),
    /// The subnet that is named for a workload which takes one.
    Named(&'a str, &'a SubnetId),
    /// Addresses for as much as this.
    Room(&'a str),
    /// What the S3 endpoint's policy does about package repositories.
    PackageRepositories,
    /// A security group of its team's.
    Group(&'a SecurityGroupId),
}

impl fmt::Display for HeldThing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet(id) => write!(f, "subnet/{id}"),
            Self::Service(name) => write!(f, "service/{name}"),
            Self::Endpoints => f.write_str("interface-endpoints"),
            Self::ElasticInference => f.write_str("elastic-inference"),
            Self::WayOut => f.write_str("way-out"),
            Self::Bucket(BucketUse { name, access }) => match access {
                BucketAccess::ReadOnly => write!(f, "bucket-reads/{name}"),
                BucketAccess::ReadWrite => write!(f, "bucket/{name}"),
            },
            Self::BucketPolicy(name) => write!(f, "bucket-policy/{name}"),
            Self::Role(arn) => write!(f, "role/{arn}"),
            Self::Named(workload, subnet) => write!(f, "named/{workload}/{subnet}"),
            Self::Room(size) => f.write_str(size),
            Self::PackageRepositories => f.write_str(HELD_REPOSITORIES),
            Self::Group(id) => write!(f, "group/{id}"),
        }
    }
}

/// What stays as it is.
#[derive(Clone, Default)]
pub(super) struct Keeping {
    /// Whether all of it does.
    pub(super) everything: bool,
    /// Profiles without a say, with what they relied on.
    pub(super) holders: Vec<(ProfileKey, Holdings)>,
    /// When that is decided anew.
    pub(super) ends: Option<Timestamp>,
}

impl Keeping {
    /// Whether anything stays.
    pub(super) fn is_any(&self) -> bool {
        self.everything || !self.holders.is_empty()
    }

    /// Whether all stays.
    pub(super) const fn is_everything(&self) -> bool {
        self.everything
    }

    /// Profiles without a say, with what they relied on.
    pub(super) fn holders(&self) -> &[(ProfileKey, Holdings)] {
        &self.holders
    }

    /// When what stays is decided anew.
    pub(super) const fn ends(&self) -> Option<Timestamp> {
        self.ends
    }

    /// Whether what belongs to this profile alone stays.
    pub(super) fn is_of(&self, profile: &ProfileKey) -> bool {
        self.holders.iter().any(|(holder, _)| holder == profile)
    }

    /// Whether the thing stays.
    pub(super) fn has(&self, thing: HeldThing<'_>) -> bool {
        self.has_all(&[thing])
    }

    /// Whether one profile relied on all of these.
    fn has_all(&self, things: &[HeldThing<'_>]) -> bool {
        self.everything
            || (!self.holders.is_empty() && {
                let names: Vec<String> = things.iter().map(ToString::to_string).collect();
                let holds = |holdings: &Holdings| names.iter().all(|name| holdings.may_hold(name));
                self.holders.iter().any(|(_, holdings)| holds(holdings))
            })
    }

    /// Route tables of subnets that profiles relied on.
    pub(super) fn tables(&self, snapshot: &VpcSnapshot) -> BTreeSet<RouteTableId> {
        self.tables_of(snapshot, |subnet| self.has(HeldThing::Subnet(subnet)))
    }

    /// Route tables that profiles went out of the VPC by.
    pub(super) fn tables_out(&self, snapshot: &VpcSnapshot) -> BTreeSet<RouteTableId> {
        let goes_out = |subnet: &SubnetId| self.has_all(&[HeldThing::WayOut, HeldThing::Subnet(subnet)]);
        self.tables_of(snapshot, goes_out)
    }

    fn tables_of(&self, snapshot: &VpcSnapshot, is_kept: impl Fn(&SubnetId) -> bool) -> BTreeSet<RouteTableId> {
        if !self.is_any() {
            return BTreeSet::new();
        }
        if self.everything {
            return snapshot.route_tables.keys().cloned().collect();
        }
        let subnets = snapshot.subnets.keys().filter(|subnet| is_kept(subnet));
        subnets
            .filter_map(|subnet| snapshot.route_table_of(subnet))
            .map(|table| table.route_table_id.clone())
            .collect()
    }

    /// Whether rules of a network ACL stay: that of subnets that profiles relied
    /// on, or of what was on their way.
    pub(super) fn has_acl(&self, snapshot: &VpcSnapshot, acl: &NetworkAclId) -> bool {
        if self.everything || !self.is_any() {
            return self.everything;
        }
        let goes_out = self.has(HeldThing::WayOut);
        let is_on_the_way = |subnet: &SubnetId| {
            let mut gateways = snapshot.nat_gateways.values();
            let mut endpoints = snapshot.vpc_endpoints.iter();
            (goes_out && gateways.any(|nat| nat.subnet_id.as_ref() == Some(subnet)))
                || endpoints.any(|endpoint| {
                    endpoint.subnet_ids.contains(subnet) && self.has(HeldThing::Service(&endpoint.service_name))
                })
        };
        let has_it = |subnet: &&SubnetId| {
            let found = snapshot.network_acl_of(subnet);
            found.is_some_and(|found| found.network_acl_id == *acl)
        };
        let mut subnets = snapshot.subnets.keys().filter(has_it);
        subnets.any(|subnet| self.has(HeldThing::Subnet(subnet)) || is_on_the_way(subnet))
    }
}
