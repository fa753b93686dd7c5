//! A plan as a value: what is to be done, what cannot be, and what is to be
//! remembered of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    action::{PlannedAction, Priority},
    cost::MonthlyCost,
};
use crate::{
    api::{
        ApprovedStatus, BucketInForce, ConsumersStatus, HeldStatus, InForce, PackageRepositories, ProfileInForce,
        ResourceStatus, VpcConfig, bounds::MAX_ROLES,
    },
    report::Finding,
    types::{Accounts, Direction, NetworkAclId, ProfileKey, ResourceKey, SubnetId},
};

/// What is to be done, and what cannot be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The actions, each after those that it needs.
    pub actions: Vec<PlannedAction>,
    /// What no action of ours can repair.
    pub findings: Vec<Finding>,
    /// What serves the workloads already.
    pub resources: Vec<ResourceStatus>,
    /// The `VpcConfig` of each workload that takes part, by profile, in the
    /// order of the profile's workloads. Group ids not known yet are left out.
    pub vpc_configs: BTreeMap<ProfileKey, Vec<VpcConfig>>,
    /// Profiles that have effect in AWS: each must carry our finalizer before
    /// anything is done for it.
    pub contributing: BTreeSet<ProfileKey>,
    /// Profiles that still have resources of ours.
    pub leftover: BTreeSet<ProfileKey>,
    /// Everything that is ours in the VPC, by its id.
    pub owned: BTreeMap<String, ResourceKey>,
    /// The accounts that were looked at, and that the actions work in.
    pub accounts: Accounts,
    /// What is ours and there to stay, by what it is for.
    pub held_ids: BTreeMap<ResourceKey, HeldId>,
    /// Ids of what is ours and still shown, what is gone included.
    pub shown: BTreeSet<String>,
    /// What carries our tags and is left alone, for it is not known to be ours:
    /// by its id, with what its tags say that it is for.
    pub strangers: BTreeMap<String, ResourceKey>,
    /// ARNs of roles that have our inline policy, or may have it.
    pub roles_in_force: BTreeSet<String>,
    /// A fingerprint of what AWS is to match: the network, with the subnets and
    /// tables that it has in this VPC.
    pub fingerprint: String,
    /// What the S3 endpoint's policy does about the package repositories, once
    /// the plan is carried out.
    pub package_repositories: Option<PackageRepositories>,
    /// What runs in the VPC.
    pub consumers: ConsumersStatus,
    /// Buckets whose policy names endpoints of this VPC on our account, or may
    /// do so.
    pub buckets: Vec<BucketInForce>,
    /// The rules of network ACLs that we are known to have made and that are
    /// there, each by its direction and number, by the ACL.
    pub network_acls: BTreeMap<NetworkAclId, BTreeSet<(Direction, u16)>>,
    /// How the subnets in use stand, in the order of their ids.
    pub capacity: Vec<SubnetCapacity>,
    /// What interface endpoints and NAT gateways made here cost in a month, at
    /// list prices and without the traffic.
    pub monthly_cost: MonthlyCost,
    /// The profiles in force, as status is to note them: before anything is made
    /// for them.
    pub in_force: ProfilesInForce,
    /// When what stays for absent profiles is decided anew, if anything does.
    pub settles_at: Option<Timestamp>,
    /// What waits to be approved.
    pub held: Option<HeldStatus>,
    /// What was approved.
    pub approved: Option<ApprovedStatus>,
}

/// Client tokens for the creations of a plan, by what is created.
pub type ClientTokens = BTreeMap<ResourceKey, String>;

impl Plan {
    /// Whether everything wanted is there, though what is no longer wanted may
    /// not be gone yet: an interface that outlives its workload can hold a
    /// group for days, and must not keep drift from being told meanwhile.
    pub fn is_in_force(&self) -> bool {
        self.actions
            .iter()
            .all(|planned| planned.priority == Priority::Deletion)
    }

    /// Whether anything is to be done now.
    pub fn has_runnable(&self) -> bool {
        self.actions.iter().any(PlannedAction::runs_now)
    }

    /// Adds the roles to `roles` that have our inline policy, or get it by one of
    /// the actions that `counts` says, as many as can be remembered.
    pub fn note_roles(&self, roles: &mut Vec<String>, counts: impl Fn(&PlannedAction) -> bool) {
        roles.extend(self.roles_in_force.iter().cloned());
        let given = self.actions.iter().filter(|planned| counts(planned));
        roles.extend(given.filter_map(|planned| planned.action.puts_policy_on().map(str::to_owned)));
        roles.sort_unstable();
        roles.dedup();
        roles.truncate(MAX_ROLES);
    }

    /// Actions that put back what was changed behind our back.
    pub fn drift(&self) -> impl Iterator<Item = &PlannedAction> {
        self.actions.iter().filter(|planned| planned.drift)
    }
}

/// How a subnet's addresses stand against what is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetCapacity {
    /// The subnet.
    pub subnet: SubnetId,
    /// Addresses that EC2 can give out.
    pub free: u32,
    /// Addresses that are needed besides those held already: by all the
    /// profiles that may use the subnet, and by what is to be made in it. Where
    /// profiles have several subnets, each of them shows what all need together.
    pub needed: u32,
}

/// The id of something of ours that is there to stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldId {
    /// Its id.
    pub id: String,
    /// Whether it was there before us.
    pub adopted: bool,
}

/// What status is to note of the profiles in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilesInForce {
    /// The profiles.
    pub profiles: Vec<ProfileInForce>,
    /// How many there is no room for.
    pub truncated: Option<u32>,
    /// When AWS last showed something for the first time that nobody remembered.
    pub since: Option<Timestamp>,
    /// What that was.
    pub unknown: Option<String>,
}

impl ProfilesInForce {
    /// Writes it into status.
    pub fn note(&self, in_force: &mut InForce) {
        let Self {
            profiles,
            truncated,
            since,
            unknown,
        } = self;
        in_force.profiles.clone_from(profiles);
        in_force.profiles_truncated = *truncated;
        in_force.since = *since;
        in_force.unknown.clone_from(unknown);
    }
}
