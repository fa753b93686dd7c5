//! Whose traffic a change to an interface endpoint may change or cut, besides
//! SageMaker's.
//!
//! Private DNS sends everyone in the VPC to the endpoint. That alone cuts
//! nobody: connections that are open stay, and whoever the endpoint's group and
//! policy let through reaches the same service by another way. So a new
//! endpoint that admits the whole VPC and lets everything through hits nobody,
//! but for those whose own groups let them out to the internet and not to the
//! endpoint. Whoever reaches nothing outside the VPC today loses nothing either.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    observed::{NetworkInterface, SecurityGroup, Stage, Subnet, VpcEndpoint, VpcSnapshot},
    plan::{Disruption, disruption::disruption, group_rules::Loss},
    types::{Direction, Peer, Rule, SecurityGroupId, SubnetId},
};

/// What happens to others when the service's own name begins to lead to an
/// endpoint with these rules, in these subnets.
pub(super) fn of_private_dns(
    snapshot: &VpcSnapshot,
    short: &str,
    ingress: &BTreeSet<Rule>,
    subnets: &[SubnetId],
    lets_everything_through: bool,
) -> Option<Disruption> {
    let targets: Vec<IpNet> = subnets
        .iter()
        .filter_map(|id| snapshot.subnets.get(id))
        .flat_map(Subnet::cidrs)
        .collect();
    let hit = others(snapshot).filter(|interface| {
        has_a_way_out(snapshot, interface)
            && (!lets_everything_through
                || !admits(snapshot, ingress, None, interface)
                || is_let_out_elsewhere_only(snapshot, interface, &targets))
    });
    let effect = if lets_everything_through {
        format!("the name of {short} leads them to the endpoint, which they are not let through to")
    } else {
        format!("the name of {short} leads them to the endpoint, and their requests fall under its policy")
    };
    disruption(&effect, hit)
}

/// What happens to those who use the endpoint when its policy changes.
pub(super) fn of_policy(snapshot: &VpcSnapshot, endpoint: &VpcEndpoint, short: &str) -> Option<Disruption> {
    disruption(
        &format!("their requests to {short} fall under the new policy"),
        users(snapshot, endpoint),
    )
}

/// What happens to those who use the endpoint when it goes from a zone.
pub(super) fn of_lost_subnets(snapshot: &VpcSnapshot, endpoint: &VpcEndpoint, short: &str) -> Option<Disruption> {
    disruption(
        &format!("their connections to {short} through these subnets break"),
        users(snapshot, endpoint),
    )
}

/// What happens to those who use the endpoint when it goes.
pub(super) fn of_lost_endpoint(snapshot: &VpcSnapshot, endpoint: &VpcEndpoint) -> Option<Disruption> {
    match endpoint.stage() {
        Stage::Available => {}
        Stage::Pending | Stage::Deleting | Stage::Deleted | Stage::Failed => {
            return None;
        }
    }
    disruption(
        &format!(
            "their way to {} through the endpoint goes: open connections break",
            endpoint.service_name
        ),
        users(snapshot, endpoint),
    )
}

/// What happens to those who use the endpoint when it loses groups and only
/// these rules are left.
pub(super) fn of_lost_groups(
    snapshot: &VpcSnapshot,
    endpoint: &VpcEndpoint,
    left: &BTreeSet<Rule>,
) -> Option<Disruption> {
    disruption(
        "they are no longer let through to the endpoint",
        users(snapshot, endpoint).filter(|interface| !admits(snapshot, left, None, interface)),
    )
}

/// What happens to those whom a group of endpoints admits when it loses rules.
pub(in crate::plan) fn of_lost_admission(loss: &Loss<'_>) -> Option<Disruption> {
    let group = Some(&loss.group.group_id);
    let lost: BTreeSet<Rule> = loss.lost.iter().cloned().collect();
    disruption(
        "they are no longer let through to the interface endpoints",
        others(loss.snapshot).filter(|interface| {
            admits(loss.snapshot, &lost, group, interface) && !admits(loss.snapshot, loss.kept, group, interface)
        }),
    )
}

fn others(snapshot: &VpcSnapshot) -> impl Iterator<Item = &NetworkInterface> {
    snapshot
        .network_interfaces
        .values()
        .filter(|interface| interface.is_somebody_elses())
}

/// Others whom the endpoint's groups let through.
fn users<'a>(snapshot: &'a VpcSnapshot, endpoint: &'a VpcEndpoint) -> impl Iterator<Item = &'a NetworkInterface> {
    let groups: Vec<Option<&SecurityGroup>> = endpoint
        .groups
        .iter()
        .map(|group| snapshot.security_groups.get(&group.group_id))
        .collect();
    // Groups that were not seen may admit anyone.
    let unseen = groups.is_empty() || groups.iter().any(Option::is_none);
    others(snapshot).filter(move |interface| {
        let mut seen = groups.iter().flatten();
        unseen || seen.any(|group| admits(snapshot, &group.rules(), Some(&group.group_id), interface))
    })
}

/// Whether rules of a group let HTTPS in from the interface.
fn admits(
    snapshot: &VpcSnapshot,
    rules: &BTreeSet<Rule>,
    group: Option<&SecurityGroupId>,
    interface: &NetworkInterface,
) -> bool {
    let carries = |id: &SecurityGroupId| interface.groups.iter().any(|member| member.group_id == *id);
    let addresses = addresses(snapshot, interface);
    rules
        .iter()
        .filter(|rule| rule.admits_service_of(&Rule::https(Direction::Ingress, Peer::Itself)))
        .any(|rule| match &rule.peer {
            Peer::Itself => group.is_some_and(carries),
            Peer::Group { id, .. } => carries(id),
            Peer::Cidr(cidr) => addresses.iter().any(|address| cidr.contains(address)),
            // A list whose addresses are not known may hold anyone's.
            Peer::PrefixList(list) => snapshot.addresses_of(list).is_none_or(|all| {
                let holds = |address: &IpNet| all.iter().any(|cidr| cidr.contains(address));
                addresses.iter().any(holds)
            }),
            Peer::Made(_) => false,
        })
}

/// The interface's addresses, or those of its subnet where they were not seen.
fn addresses(snapshot: &VpcSnapshot, interface: &NetworkInterface) -> Vec<IpNet> {
    let own: Vec<IpNet> = interface.addresses().map(IpNet::from).collect();
    if !own.is_empty() {
        return own;
    }
    let subnet = snapshot.subnets.get(&interface.subnet_id);
    subnet.map(|subnet| subnet.cidrs().collect()).unwrap_or_default()
}

fn has_a_way_out(snapshot: &VpcSnapshot, interface: &NetworkInterface) -> bool {
    snapshot
        .route_table_of(&interface.subnet_id)
        .is_some_and(|table| table.routes.iter().any(|route| route.is_active() && route.leaves_vpc()))
}

/// Whether the interface's own groups let HTTPS out of the VPC, and not to
/// these addresses in it.
fn is_let_out_elsewhere_only(snapshot: &VpcSnapshot, interface: &NetworkInterface, targets: &[IpNet]) -> bool {
    let https = Rule::https(Direction::Egress, Peer::Itself);
    let mut is_unknown = false;
    let mut cidrs: Vec<IpNet> = Vec::new();
    let groups = interface.groups.iter();
    let rules = groups
        .filter_map(|member| snapshot.security_groups.get(&member.group_id))
        .flat_map(SecurityGroup::rules);
    for rule in rules.filter(|rule| rule.admits_service_of(&https)) {
        match &rule.peer {
            Peer::Cidr(cidr) => cidrs.push(*cidr),
            // AWS's own lists, which are known, hold S3's addresses and the like.
            Peer::PrefixList(list) => is_unknown |= snapshot.addresses_of(list).is_none(),
            Peer::Itself | Peer::Group { .. } | Peer::Made(_) => {}
        }
    }
    let inside = |cidr: &IpNet| snapshot.vpc.cidrs().any(|block| block.contains(cidr));
    // A list whose addresses are not known may lead anywhere.
    let elsewhere = is_unknown || cidrs.iter().any(|cidr| !inside(cidr));
    let to_target = |target: &IpNet| cidrs.iter().any(|cidr| cidr.contains(target));
    elsewhere && !targets.iter().any(to_target)
}
