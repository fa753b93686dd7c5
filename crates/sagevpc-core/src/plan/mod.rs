//! From the desired network and what was seen to what is to be done: pure.
//!
//! [`plan`] compares a [`Network`] with a [`VpcSnapshot`] and gives typed
//! actions with their order and reason, plus findings: what no action of ours
//! can repair. An id that is not known yet is a reference to the action that
//! makes it ([`Target::Made`]). The steps:
//!
//! | File | Decides |
//! |---|---|
//! | `claims` | whose what carries our tags is |
//! | `resolve` | which subnets and route tables a profile has, and whether it takes part |
//! | `kinds` | whether subnets, zones, tenancy and groups suit the kinds of workloads |
//! | `capacity` | whether the addresses suffice |
//! | `dns` | DNS attributes and DHCP options |
//! | `s3` | the gateway endpoint: made, adopted, changed, left |
//! | `judge` | whether an endpoint's policy lets through what is needed |
//! | `security_groups`, `group_rules` | managed groups: rules added, then rules removed |
//! | `own_groups` | a team's own groups, which are used as they are |
//! | `endpoints`, `elastic_inference` | interface endpoints and the groups around them |
//! | `internet` | the way out: NAT gateways, addresses, default routes |
//! | `network_acls` | rules that stop what is needed |
//! | `flow_logs` | what records the traffic |
//! | `buckets`, `roles` | bucket policies and execution roles |
//! | `cost` | what it costs, and what would cost too much |
//! | `others` | what of somebody else's serves the profiles |
//! | `consumers` | what runs there outside any profile |
//! | `clusters` | two clusters with one id |
//! | `shared` | what is left to the owner of a shared VPC |
//! | `project` | what the VPC will be once the plan is carried out |
//! | `reachability` | whether packets get there, once all that is done |
//! | `disruption`, `loosening` | whose traffic an action may hit |
//! | `removals` | what would cut off what runs, and so waits |
//! | `approval` | what waits for a person |
//! | `keeping` | what stays for profiles that have no say at present |
//! | `history`, `sightings`, `ledger`, `in_force`, `accounts` | what is remembered between passes |

pub mod accounts;
mod action;
mod approval;
mod buckets;
mod capacity;
mod claims;
mod clusters;
mod consumers;
mod cost;
mod disruption;
mod dns;
mod draft;
mod elastic_inference;
mod endpoints;
mod flow_logs;
mod group_rules;
mod history;
mod in_force;
mod internet;
mod judge;
mod keeping;
mod kinds;
pub mod ledger;
mod loosening;
mod matched;
mod network_acls;
mod others;
mod outcome;
mod own_groups;
mod project;
mod reachability;
mod removals;
mod replaced;
mod resolve;
mod roles;
mod s3;
mod security_groups;
mod shared;
mod sightings;

use std::collections::{BTreeMap, BTreeSet};

pub use action::{Action, ActionId, CutOff, Deed, Disruption, DnsAttribute, PlannedAction, Priority, Serves, Target};
pub use capacity::SubnetCapacity;
use claims::Claims;
pub use claims::HeldId;
pub use history::{History, Repairs, SETTLING, STORM_LIMIT, STORM_WINDOW};
pub use in_force::ProfilesInForce;
pub use outcome::{Outcome, Step};
pub use replaced::Replaced;
pub use sightings::Sightings;

use jiff::Timestamp;

use crate::{
    api::{
        ApprovedStatus, BucketInForce, ConsumersStatus, HeldStatus, PackageRepositories, ResourceStatus, VpcConfig,
        bounds::MAX_ROLES,
    },
    catalog::Usd,
    desired::Network,
    observed::VpcSnapshot,
    report::Finding,
    types::{Accounts, Direction, NetworkAclId, ProfileKey, ResourceKey},
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
    /// What interface endpoints and NAT gateways made here will cost in a month,
    /// at list prices and without the traffic, once the plan is carried out.
    pub monthly_cost: Usd,
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

/// Compares what is wanted with what was seen.
pub fn plan(network: &Network, snapshot: &VpcSnapshot, history: &History) -> Plan {
    let claims = Claims::look(network, snapshot, history);
    let mut draft = draft::Draft::new(network, snapshot, history, &claims);
    let profiles = resolve::resolve(&mut draft);
    keeping::decide(&mut draft, &profiles);
    draft.tell_drift(&profiles);
    dns::plan(&mut draft, &profiles);
    let served = s3::plan(&mut draft, &profiles);
    buckets::plan(&mut draft, &profiles, &served);
    security_groups::plan(&mut draft, &profiles);
    own_groups::note(&mut draft, &profiles);
    elastic_inference::plan(&mut draft, &profiles);
    endpoints::plan(&mut draft, &profiles);
    internet::plan(&mut draft, &profiles);
    cost::plan(&mut draft);
    capacity::tell(&mut draft, &profiles);
    network_acls::plan(&mut draft, &profiles);
    flow_logs::plan(&mut draft, &profiles);
    roles::plan(&mut draft, &profiles);
    consumers::judge(&mut draft, &profiles);
    claims::tell(&mut draft);
    shared::leave_to_owner(&mut draft);
    clusters::judge(&mut draft);
    reachability::judge(&mut draft, &profiles);
    removals::decide(&mut draft, &profiles);
    let plan = approval::decide(
        draft.finish(&profiles),
        network.vpc.approval,
        network.vpc.approved_plan.as_deref(),
        history,
    );
    let mut plan = ledger::make_room(history::calm(plan, history), history);
    for planned in &mut plan.actions {
        planned.replaced = replaced::replaced(snapshot, &planned.action);
    }
    plan
}
