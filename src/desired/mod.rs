//! Validated specs → the network that AWS is to offer: pure.
//!
//! All profiles of a VPC merge into one [`Network`]. It says what is wanted
//! without having seen AWS: subnets are still a choice by id or tag, a rule's
//! peer is still "S3" or "the subnets' addresses". Planning fills those in.

mod s3_policy;
mod security_groups;
mod services;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

pub use s3_policy::S3Policy;
pub(crate) use s3_policy::{bucket_arn, full_access};
pub use security_groups::ManagedGroup;
pub(crate) use security_groups::group_name;
pub use services::ServiceCalls;

use crate::{
    catalog::Need,
    plan::{Aspect, Interest},
    types::ProfileKey,
    validate::{Choice, FrozenProfile, SecurityGroups, ValidProfile, ValidVpc, Validated},
};

/// The network that one VPC is to offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The VPC and how it is to be treated.
    pub vpc: ValidVpc,
    /// What each accepted profile wants, the oldest first.
    pub profiles: Vec<ProfileNetwork>,
    /// Profiles whose resources stay as they are.
    pub frozen: Vec<FrozenProfile>,
}

/// What one profile wants.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileNetwork {
    /// The profile.
    pub profile: ValidProfile,
    /// The security groups to make and keep for it.
    pub groups: Vec<ManagedGroup>,
    /// The services that its workloads call.
    pub services: ServiceCalls,
}

impl Network {
    /// Merges validated specs into one network.
    pub fn new(validated: &Validated) -> Self {
        let profiles = validated
            .profiles
            .iter()
            .map(|profile| {
                let services = ServiceCalls::of(profile, &validated.vpc);
                ProfileNetwork {
                    groups: security_groups::managed(profile, &services, &validated.vpc.ownership),
                    profile: profile.clone(),
                    services,
                }
            })
            .collect();
        Self {
            vpc: validated.vpc.clone(),
            profiles,
            frozen: validated.frozen.clone(),
        }
    }

    /// Whether the profile's resources are to stay as they are.
    pub fn is_frozen(&self, key: &ProfileKey) -> bool {
        self.frozen.iter().any(|frozen| frozen.key == *key)
    }

    /// What must be looked at to plan for this network.
    pub fn interest(&self) -> Interest {
        let mut interest = Interest {
            vpc: Some(self.vpc.vpc_id.clone()),
            ..Interest::default()
        };
        let named = self
            .profiles
            .iter()
            .filter_map(|network| network.profile.subnets.as_ref())
            .chain(&self.vpc.subnets);
        for choice in named {
            if let Choice::Ids(ids) = choice {
                interest.subnets.extend(ids.iter().cloned());
            }
        }
        for network in &self.profiles {
            if let SecurityGroups::Own(ids) = &network.profile.security_groups {
                interest.security_groups.extend(ids.iter().cloned());
            }
        }
        interest
            .security_groups
            .extend(self.vpc.adopt_security_groups.iter().cloned());
        if self.has_interface_endpoints() {
            interest.aspects.insert(Aspect::InterfaceServices);
        }
        interest
    }

    /// Whether the spec speaks of interface endpoints in any way.
    fn has_interface_endpoints(&self) -> bool {
        let calls = |network: &ProfileNetwork| {
            let mut kinds = network.profile.workloads.iter().map(|workload| workload.kind);
            !network.services.called.is_empty()
                || kinds.any(|kind| kind.requirements().needs.contains(&Need::ElasticInference))
        };
        !self.vpc.services.is_empty()
            || !self.vpc.interface_endpoints.policies.is_empty()
            || self.profiles.iter().any(calls)
    }

    /// The S3 endpoint policy, given the profiles that have effect: what the
    /// others ask for is left out.
    pub fn s3_policy(&self, in_effect: &BTreeSet<&ProfileKey>) -> S3Policy {
        S3Policy::merge(self, in_effect)
    }

    /// A fingerprint of everything that says how AWS is to look, and of nothing
    /// that only says how to get there: approval, pause and pace are left out.
    pub fn fingerprint(&self) -> String {
        let Self { vpc, profiles, frozen } = self;
        let described = format!(
            "{:?}",
            (
                (
                    &vpc.ownership,
                    &vpc.vpc_id,
                    &vpc.subnets,
                    &vpc.route_tables,
                    &vpc.s3_policy,
                    &vpc.dns,
                    &vpc.tags
                ),
                (
                    &vpc.adopt_endpoints,
                    &vpc.adopt_security_groups,
                    &vpc.package_repositories,
                    vpc.deleting
                ),
                (
                    &vpc.services,
                    &vpc.interface_endpoints,
                    &vpc.internet,
                    &vpc.nat_gateways,
                    &vpc.public_subnets,
                    &vpc.network_acls,
                    &vpc.first_rule_number,
                    &vpc.flow_logs,
                    &vpc.max_monthly_cost
                ),
                profiles
                    .iter()
                    .map(|network| {
                        let ValidProfile {
                            key,
                            created: _,
                            established: _,
                            workloads,
                            subnets,
                            security_groups,
                            package_repositories,
                            buckets,
                            services,
                            destinations,
                        } = &network.profile;
                        (
                            (key, workloads, subnets, security_groups),
                            (package_repositories, buckets, services, destinations),
                        )
                    })
                    .collect::<Vec<_>>(),
                frozen,
            )
        );
        hex::encode(&Sha256::digest(described.as_bytes())[..16])
    }
}
