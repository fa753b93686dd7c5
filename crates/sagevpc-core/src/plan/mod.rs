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
//!
//! Below the steps lie the values that they give each other, which know none of
//! them:
//!
//! | File | Holds |
//! |---|---|
//! | `action` | what can be done to AWS |
//! | `result`, `outcome` | a plan, and what became of it |
//! | `resolved`, `kept` | a profile with what it has in the VPC, and what stays for those without a say |
//! | `draft`, `graph` | a plan in the making, and what comes after what in it |
//! | `owned`, `unknown`, `drift`, `matched` | what is ours, what of it nobody remembers, and what others changed |
//! | `finish` | from what was drafted to the plan |

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
mod drift;
mod elastic_inference;
mod endpoints;
mod finish;
mod flow_logs;
mod graph;
mod group_rules;
mod history;
mod in_force;
mod internet;
mod judge;
mod keeping;
mod kept;
mod kinds;
pub mod ledger;
mod loosening;
mod matched;
mod network_acls;
mod others;
mod outcome;
mod own_groups;
mod owned;
mod project;
mod reachability;
mod removals;
mod replaced;
mod resolve;
mod resolved;
mod result;
mod roles;
mod s3;
mod security_groups;
mod shared;
mod sightings;
mod unknown;
mod zones;

pub use action::{
    Action, ActionId, AddressChange, BucketChange, CutOff, Deed, Disruption, DnsAttribute, FlowLogChange,
    NatGatewayChange, NetworkAclChange, PlannedAction, Priority, RoleChange, RouteChange, SecurityGroupChange, Serves,
    TagsChange, Target, VpcChange, VpcEndpointChange,
};
use claims::Claims;
pub use cost::MonthlyCost;
use endpoints::ByWayOut;
use finish::Results;
pub use history::{History, Repairs, SETTLING, STORM_LIMIT, STORM_WINDOW};
pub use outcome::{Outcome, Step};
pub use replaced::Replaced;
pub use result::{ClientTokens, HeldId, Plan, ProfilesInForce, SubnetCapacity};
pub use sightings::Sightings;

use crate::{desired::Network, observed::VpcSnapshot};

/// Compares what is wanted with what was seen.
pub fn plan(network: &Network, snapshot: &VpcSnapshot, history: &History) -> Plan {
    let claims = Claims::look(network, snapshot, history);
    let mut draft = draft::Draft::new(network, snapshot, history, &claims);
    let profiles = resolve::resolve(&mut draft);
    draft.keeping = keeping::decide(&mut draft, &profiles);
    let fingerprint = drift::fingerprint(&draft, &profiles);
    draft.drifting = history.network_in_force.as_ref() == Some(&fingerprint);
    dns::plan(&mut draft, &profiles);
    let served = s3::plan(&mut draft, &profiles);
    s3::plan_express(&mut draft, &profiles, &served);
    draft.by_way_out = ByWayOut::of(&draft, &profiles);
    let buckets = buckets::plan(&mut draft, &profiles, &served);
    let mut groups = security_groups::plan(&mut draft, &profiles);
    own_groups::note(&mut draft, &profiles, &mut groups);
    elastic_inference::plan(&mut draft, &profiles, &mut groups);
    endpoints::plan(&mut draft, &profiles);
    internet::plan(&mut draft, &profiles);
    let monthly_cost = cost::plan(&mut draft);
    let capacity = capacity::tell(&mut draft, &profiles);
    let network_acls = network_acls::plan(&mut draft, &profiles);
    flow_logs::plan(&mut draft, &profiles);
    let role_policies = roles::plan(&mut draft, &profiles);
    let consumers = consumers::judge(&mut draft, &profiles, &groups);
    claims::tell(&mut draft);
    shared::leave_to_owner(&mut draft);
    let taken = clusters::judge(&mut draft);
    reachability::judge(&mut draft, &profiles, &groups);
    removals::decide(&mut draft, &profiles, &groups);
    let results = Results {
        package_repositories: served.package_repositories,
        buckets,
        groups,
        monthly_cost,
        capacity,
        network_acls,
        role_policies,
        consumers,
        taken,
        fingerprint,
    };
    let plan = approval::decide(
        finish::finish(draft, &profiles, results),
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
