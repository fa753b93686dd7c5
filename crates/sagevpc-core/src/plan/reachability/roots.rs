//! What is one cause: what is mended by one who mends it.
//!
//! Rules that one security group or network ACL lacks, what one NAT gateway or
//! one endpoint's policy stops, and one route that several tables lack are each
//! told once, however many workloads, subnets and destinations it concerns.

use std::collections::{BTreeMap, BTreeSet};

use super::obstacles::{Concerned, Obstacle, What};
use crate::{
    reach::{Cause, RouteUsed, Through, Unseen},
    report::Weight,
    types::{NetworkAclId, RouteTableId, SecurityGroupId, VpcEndpointId, listed},
};

/// What is at the root of causes that share a concern and a reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// Rules that the groups of one interface lack.
    Groups {
        groups: Vec<SecurityGroupId>,
        /// Whether they are those of what is called, and not the workload's.
        are_called: bool,
    },
    /// Rules that a network ACL lacks.
    Acl(NetworkAclId),
    /// A route that a table lacks; tables that lack the same are told together.
    Table(RouteTableId),
    /// Something else, by its id or name.
    Resource(String),
}

impl Root {
    pub(super) fn of(cause: &Cause) -> Self {
        match cause {
            Cause::NotAdmitted { groups, callers, .. } => Self::Groups {
                groups: groups.clone(),
                are_called: callers.is_some(),
            },
            Cause::AclDenies(denial) => Self::Acl(denial.acl.clone()),
            Cause::NoRoute { table, .. }
            | Cause::PrivateAddress {
                route: RouteUsed { table, .. },
                ..
            } => Self::Table(table.clone()),
            Cause::Blackhole { target, .. } => Self::Resource(target.to_string()),
            Cause::NoPublicAddress { gateway, .. } => Self::Resource(gateway.clone()),
            Cause::DnsOff { .. }
            | Cause::NoResolver { .. }
            | Cause::NoDnsServer { .. }
            | Cause::NoAddress { .. }
            | Cause::TakesNothing { .. }
            | Cause::NobodyThere { .. }
            | Cause::NobodyHas { .. }
            | Cause::BucketElsewhere { .. }
            | Cause::NoRouteTable { .. }
            | Cause::NoSubnet { .. }
            | Cause::EndpointUnavailable { .. }
            | Cause::PolicyBlocks { .. }
            | Cause::NoEndpoint { .. }
            | Cause::PrivateDnsOff { .. }
            | Cause::NatUnavailable { .. }
            | Cause::NatIsPrivate { .. }
            | Cause::NatInPrivateSubnet(Through { .. })
            | Cause::NatTakesNoIpv6 { .. }
            | Cause::NotPublic(_)
            | Cause::PublicAccessBlocked(_)
            | Cause::Across(_)
            | Cause::GatewayDetached { .. } => Self::Resource(cause.resource()),
        }
    }

    /// The one resource whose owners can mend causes of this root, where it is
    /// one: of an endpoint's groups, the endpoint.
    pub(super) fn resource(&self, causes: &[Cause]) -> Option<String> {
        let endpoints = endpoints(causes);
        let resources: BTreeSet<String> = causes.iter().map(Cause::resource).collect();
        match self {
            Self::Groups { .. } if endpoints.len() == 1 => endpoints.first().map(ToString::to_string),
            // Any of several groups could get a rule.
            Self::Groups { groups, .. } => match groups.as_slice() {
                [only] => Some(only.to_string()),
                [] | [_, ..] => None,
            },
            Self::Acl(acl) => Some(acl.to_string()),
            Self::Table(_) | Self::Resource(_) if resources.len() == 1 => resources.first().cloned(),
            Self::Table(_) => None,
            Self::Resource(resource) => Some(resource.clone()),
        }
    }
}

/// The interface endpoints whose groups lack rules.
pub(super) fn endpoints(causes: &[Cause]) -> BTreeSet<&VpcEndpointId> {
    let of_groups = causes.iter().filter_map(|cause| {
        if let Cause::NotAdmitted { endpoint, .. } = cause {
            endpoint.as_ref()
        } else {
            None
        }
    });
    of_groups.collect()
}

/// Puts those together that have one root.
pub(super) fn together(found: BTreeMap<Obstacle, Concerned>) -> Vec<(Obstacle, Concerned)> {
    let mut each: Vec<(Obstacle, Concerned)> = Vec::new();
    for (obstacle, concerned) in found {
        // The worse comes first, and whoever mends it mends this.
        let lesser = each.iter_mut().find(|(worse, _)| {
            let is_same =
                (worse.concern, worse.reason, &worse.what) == (obstacle.concern, obstacle.reason, &obstacle.what);
            is_same && worse.weight != Weight::Advice && obstacle.weight == Weight::Advice
        });
        if let Some((_, worse)) = lesser {
            worse.take(&concerned);
        } else {
            each.push((obstacle, concerned));
        }
    }
    let mut told: Vec<(Obstacle, Concerned)> = Vec::new();
    for (obstacle, concerned) in each {
        let same_unseen = told.iter_mut().find(|(other, others)| {
            let is_same =
                (other.weight, other.concern, other.reason) == (obstacle.weight, obstacle.concern, obstacle.reason);
            is_same && are_of_one(&others.unseen, &concerned.unseen)
        });
        if let Some((_, others)) = same_unseen {
            others.take_with_workloads(&concerned);
            continue;
        }
        let other_table = told.iter_mut().find(|(other, others)| {
            let are_tables = matches!(
                (&other.what, &obstacle.what),
                (What::Root(Root::Table(_)), What::Root(Root::Table(_)))
            );
            let is_same =
                (other.weight, other.concern, other.reason) == (obstacle.weight, obstacle.concern, obstacle.reason);
            are_tables && is_same && others.destinations == concerned.destinations
        });
        match other_table {
            Some((_, others)) => others.take_with_workloads(&concerned),
            None => told.push((obstacle, concerned)),
        }
    }
    told
}

/// Whether what cannot be seen is of one policy, or the endpoints of one owner.
fn are_of_one(these: &[Unseen], those: &[Unseen]) -> bool {
    let policy = |unseen: &[Unseen]| {
        if let Some(Unseen::Policy { endpoint, why, .. }) = unseen.first() {
            Some((endpoint.clone(), why.clone()))
        } else {
            None
        }
    };
    let are_owners = |unseen: &[Unseen]| matches!(unseen.first(), Some(Unseen::OwnersEndpoint { .. }));
    (are_owners(these) && are_owners(those)) || (policy(these).is_some() && policy(these) == policy(those))
}

/// What cannot be seen, as a part of a sentence.
pub(super) fn unseen_in_words(unseen: &[Unseen]) -> String {
    let mut owners: BTreeSet<&String> = BTreeSet::new();
    let mut of_policies: Vec<(&String, &String, String)> = Vec::new();
    for one in unseen {
        if let Unseen::OwnersEndpoint { service } = one {
            owners.insert(service);
        }
        if let Unseen::Policy {
            endpoint,
            action,
            resource,
            why,
        } = one
        {
            of_policies.push((endpoint, why, format!("{action} on {resource}")));
        }
    }
    if owners.len() > 1 {
        return format!("whether the VPC's owner has interface endpoints for {}", listed(owners));
    }
    match of_policies.as_slice() {
        [(endpoint, why, _), _, ..] => format!(
            "whether the policy of {endpoint} lets {} through: {why}",
            listed(of_policies.iter().map(|(_, _, what)| what))
        ),
        [] | [_] => unseen.first().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Causes of one root, as a part of a sentence.
pub(super) fn in_words(causes: &[Cause]) -> String {
    let mut tables: BTreeSet<&RouteTableId> = BTreeSet::new();
    let mut blocked: BTreeMap<(&VpcEndpointId, &String), Vec<String>> = BTreeMap::new();
    // What several routes lead to is told once.
    let mut led: Vec<(Option<String>, Vec<String>)> = Vec::new();
    let mut passed: BTreeMap<String, Vec<Cause>> = BTreeMap::new();
    for cause in causes {
        if let Some(otherwise) = cause.otherwise() {
            let begin = cause.before_otherwise().to_string();
            passed.entry(begin).or_default().push(otherwise.clone());
            continue;
        }
        match cause {
            Cause::NoRoute {
                table, is_ipv6: false, ..
            } => {
                tables.insert(table);
            }
            Cause::PolicyBlocks {
                endpoint,
                action,
                resource,
                why,
                mend: _,
            } => blocked
                .entry((endpoint, why))
                .or_default()
                .push(format!("{action} on {resource}")),
            other => {
                let end = other.route().map(|_| other.after_route().to_string());
                let begin = other.route().map_or_else(|| other.to_string(), ToString::to_string);
                match led.iter_mut().find(|(known, _)| end.is_some() && *known == end) {
                    Some((_, begins)) => begins.push(begin),
                    None => led.push((end, vec![begin])),
                }
            }
        }
    }
    let mut words: Vec<String> = led
        .into_iter()
        .map(|(end, begins)| match (end, begins.len()) {
            (None, _) => listed(begins),
            (Some(end), 1) => format!("{} leads to {end}", listed(begins)),
            (Some(end), _) => format!("{} lead to {end}", listed(begins)),
        })
        .collect();
    if !tables.is_empty() {
        let verb = if tables.len() == 1 { "has" } else { "have" };
        words.push(format!("{} {verb} no route there", listed(tables)));
    }
    words.extend(
        passed
            .iter()
            .map(|(begin, otherwise)| format!("{begin}, and {}", in_words(otherwise))),
    );
    let of_policies = blocked.iter().map(|((endpoint, why), what)| {
        format!("the policy of {endpoint} does not let {} through: {why}", listed(what))
    });
    words.extend(of_policies);
    let mut parts: Vec<String> = Vec::new();
    for part in words {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(", and ")
}
