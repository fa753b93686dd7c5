//! Validated specs → the network that AWS is to offer: pure.
//!
//! All profiles of a VPC merge into one [`Network`]. It says what is wanted
//! without having seen AWS: subnets are still a choice by id or tag, a rule's
//! peer is still "S3" or "the subnets' addresses". Planning fills those in.

mod bucket_policy;
pub(crate) mod fingerprint;
mod roles;
mod s3_policy;
mod security_groups;

use std::collections::BTreeSet;

pub use bucket_policy::{
    BUCKET_POLICY_MAX_BYTES, BUCKET_STATEMENT, BucketPolicy, BucketPolicyChange, ChangedPolicy, bucket_statement,
};
pub(crate) use roles::is_role_policy_name;
pub use roles::role_policy_name;
pub use s3_policy::{KeptOfPolicy, S3Policy, bucket_arn};
pub use security_groups::ManagedGroup;
pub(crate) use security_groups::group_name;

use crate::{
    api::{InterfaceEndpointMode, InternetMode},
    catalog::ec2_instance_type,
    demand::{Demands, Strength},
    observed::{Aspect, Interest},
    types::ProfileKey,
    validate::{AbsentProfile, Choice, FrozenProfile, SecurityGroups, ValidProfile, ValidVpc, Validated},
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
    /// Profiles that are in force and not there: for a while their resources
    /// stay as they are, too.
    pub absent: Vec<AbsentProfile>,
    /// Profiles that are being deleted.
    pub leaving: BTreeSet<ProfileKey>,
    /// Whether more profiles are in force than status could note.
    pub overflows: bool,
}

/// What one profile wants.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileNetwork {
    /// The profile.
    pub profile: ValidProfile,
    /// The security groups to make and keep for it.
    pub groups: Vec<ManagedGroup>,
    /// What its workloads need of the network.
    pub demands: Demands,
    /// Workloads that must reach interface endpoints, by their places.
    pub callers: BTreeSet<usize>,
}

impl Network {
    /// Merges validated specs into one network.
    pub fn new(validated: &Validated) -> Self {
        let profiles = validated
            .profiles
            .iter()
            .map(|profile| {
                let demands = Demands::of(profile);
                let callers = demands.callers();
                ProfileNetwork {
                    groups: security_groups::managed(profile, &demands, &validated.vpc.ownership),
                    profile: profile.clone(),
                    demands,
                    callers,
                }
            })
            .collect();
        Self {
            vpc: validated.vpc.clone(),
            profiles,
            frozen: validated.frozen.clone(),
            absent: validated.absent.clone(),
            leaving: validated.leaving.clone(),
            overflows: validated.overflows,
        }
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
            .chain(&self.vpc.subnets)
            .chain(&self.vpc.public_subnets);
        for choice in named {
            if let Choice::Ids(ids) = choice {
                interest.subnets.extend(ids.iter().cloned());
            }
        }
        for network in &self.profiles {
            if let SecurityGroups::Own(ids) = &network.profile.security_groups {
                interest.security_groups.extend(ids.iter().cloned());
            }
            let watched = network.profile.required_endpoints.keys();
            interest.buckets.extend(watched.cloned());
        }
        interest
            .security_groups
            .extend(self.vpc.adopt_security_groups.iter().cloned());
        let named = self
            .profiles
            .iter()
            .flat_map(|network| &network.profile.workloads)
            .filter_map(|workload| workload.role_arn.clone());
        interest.roles.extend(named);
        let workloads = self.profiles.iter().flat_map(|network| &network.profile.workloads);
        let types = workloads.filter_map(|workload| workload.instance_type.as_deref());
        interest
            .instance_types
            .extend(types.map(|name| ec2_instance_type(name).to_owned()));
        if !interest.roles.is_empty() {
            interest.aspects.insert(Aspect::InterfacePermissions);
        }
        interest.roles.extend(self.vpc.roles_in_force.iter().cloned());
        let by_way_out = self.vpc.interface_endpoints.mode == InterfaceEndpointMode::WhereNoWayOut;
        if self.vpc.internet != InternetMode::None || self.vpc.had_nat_gateways || by_way_out {
            interest.aspects.insert(Aspect::WayOut);
        }
        if self.vpc.internet == InternetMode::ManagedNat || self.vpc.had_nat_gateways {
            interest.aspects.insert(Aspect::Addresses);
        }
        if self.vpc.deleting {
            // What outlives a VPC is looked for whatever is remembered of it.
            interest
                .aspects
                .extend([Aspect::WayOut, Aspect::Addresses, Aspect::LeftFlowLogs]);
        }
        // Ours must be found when spec.flowLogs is gone, and that they are there
        // is remembered nowhere.
        interest.aspects.insert(Aspect::FlowLogs);
        if self.has_interface_endpoints() {
            interest.aspects.insert(Aspect::InterfaceServices);
        }
        interest
    }

    /// Whether the spec speaks of interface endpoints in any way.
    fn has_interface_endpoints(&self) -> bool {
        let calls = |network: &ProfileNetwork| {
            !network.demands.services(Strength::Required).is_empty()
                || !network.demands.of_elastic_inference().is_empty()
        };
        !self.vpc.services.is_empty()
            || !self.vpc.interface_endpoints.policies.is_empty()
            || self.profiles.iter().any(calls)
    }

    /// The S3 endpoint policy, given the profiles that have effect: what the
    /// others ask for is left out, but for what is kept.
    pub fn s3_policy(&self, in_effect: &BTreeSet<&ProfileKey>, kept: &KeptOfPolicy) -> S3Policy {
        S3Policy::merge(self, in_effect, kept)
    }

    /// A fingerprint of everything that says how AWS is to look, and of nothing
    /// that only says how to get there: approval, pause and pace are left out.
    pub fn fingerprint(&self) -> String {
        fingerprint::hashed(&fingerprint::form(self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::validate::{References, validate};

    fn aspects(mode: &str, status: &Value) -> BTreeSet<Aspect> {
        let vpc = json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": "research" },
            "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0", "internet": { "mode": mode } },
            "status": status,
        });
        let references = References {
            cluster: "prod".to_owned(),
            cluster_uid: None,
            vpc: serde_json::from_value(vpc).unwrap(),
            rivals: Vec::new(),
            profiles: Vec::new(),
        };
        let aspects = Network::new(&validate(&references).unwrap()).interest().aspects;
        let of_way_out = [Aspect::WayOut, Aspect::Addresses];
        aspects
            .into_iter()
            .filter(|aspect| of_way_out.contains(aspect))
            .collect()
    }

    #[test]
    fn nat_gateways_and_addresses_are_looked_at_where_there_may_be_some_of_ours() {
        let both = BTreeSet::from([Aspect::WayOut, Aspect::Addresses]);
        assert_eq!(aspects("None", &json!({})), BTreeSet::new());
        assert_eq!(aspects("Existing", &json!({})), BTreeSet::from([Aspect::WayOut]));
        assert_eq!(aspects("ManagedNat", &json!({})), both);
        let begun = json!({ "ledger": { "entries": [{
            "key": "elastic-ip/subnet-0123456789abcdef0", "incarnation": 1,
            "begun": "2026-01-01T00:00:00Z", "sent": "2026-01-01T00:00:00Z",
        }] } });
        assert_eq!(aspects("None", &begun), both);
        let there = json!({ "resources": [{
            "type": "NatGateway", "id": "nat-0123456789abcdef0", "purpose": "p", "ownership": "Ours",
        }] });
        assert_eq!(aspects("None", &there), both);
        let theirs = json!({ "resources": [{
            "type": "NatGateway", "id": "nat-0123456789abcdef0", "purpose": "p", "ownership": "Found",
        }] });
        assert_eq!(aspects("None", &theirs), BTreeSet::new());
    }
}
