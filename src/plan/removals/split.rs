//! What an action does to the ways through a network: which of it adds to them,
//! which takes away, and how the two are told apart where one call does both.

use crate::{
    observed::VpcSnapshot,
    plan::{Action, Target, loosening::widened},
    policy::{ENDPOINT_POLICY_MAX_CHARS, PolicyDocument, same_meaning},
    types::VpcEndpointId,
};

/// What an action does to ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// It opens some.
    Opens,
    /// It leads what goes one way by another from then on.
    Leads,
    /// It may close some.
    Closes,
}

pub(super) fn effect(action: &Action) -> Effect {
    match action {
        Action::DeleteSecurityGroup { .. }
        | Action::AllocateAddress { .. }
        | Action::ReleaseAddress { .. }
        | Action::CreateFlowLogs { .. }
        | Action::DeleteFlowLogs { .. }
        | Action::PutRolePolicy { .. }
        | Action::DeleteRolePolicy { .. }
        | Action::CreateTags { .. }
        | Action::DeleteTags { .. } => Effect::None,
        Action::CreateSecurityGroup { .. }
        | Action::AuthorizeSecurityGroup { .. }
        | Action::CreateNatGateway { .. }
        | Action::CreateRoute { .. }
        | Action::CreateNetworkAclEntry { .. } => Effect::Opens,
        Action::ModifyVpcAttribute { .. }
        | Action::CreateVpcEndpoint { .. }
        | Action::CreateInterfaceEndpoint { .. } => Effect::Leads,
        // One that is being made has nobody's traffic.
        Action::RevokeSecurityGroup { group, .. } => match group {
            Target::Existing(_) => Effect::Closes,
            Target::Made(_) => Effect::Opens,
        },
        Action::ModifyVpcEndpoint { .. }
        | Action::ModifyInterfaceEndpoint { .. }
        | Action::DeleteVpcEndpoint { .. }
        | Action::DeleteNatGateway { .. }
        | Action::ReplaceRoute { .. }
        | Action::DeleteRoute { .. }
        | Action::ReplaceNetworkAclEntry { .. }
        | Action::DeleteNetworkAclEntry { .. }
        | Action::PutBucketPolicy { .. } => Effect::Closes,
    }
}

/// Whether it serves only some time after AWS made it.
pub(super) fn takes_time(action: &Action) -> bool {
    matches!(
        action,
        Action::CreateInterfaceEndpoint { .. } | Action::CreateNatGateway { .. }
    )
}

/// What of an action closes ways, and no more.
pub(super) fn closing(action: &Action) -> Action {
    match action.clone() {
        Action::ReplaceRoute {
            table,
            destination,
            nat_gateway: _,
        } => Action::DeleteRoute { table, destination },
        Action::ReplaceNetworkAclEntry { acl, entry } => Action::DeleteNetworkAclEntry {
            acl,
            direction: entry.direction,
            rule_number: entry.rule_number,
        },
        Action::ModifyVpcEndpoint {
            id,
            policy,
            add_route_tables: _,
            remove_route_tables,
        } => Action::ModifyVpcEndpoint {
            id,
            policy,
            add_route_tables: Vec::new(),
            remove_route_tables,
        },
        Action::ModifyInterfaceEndpoint {
            id,
            policy,
            add_subnets: _,
            remove_subnets,
            add_groups: _,
            remove_groups,
            private_dns,
            ip_address_type,
        } => Action::ModifyInterfaceEndpoint {
            id,
            policy,
            add_subnets: Vec::new(),
            remove_subnets,
            add_groups: Vec::new(),
            remove_groups,
            private_dns,
            ip_address_type,
        },
        whole => whole,
    }
}

/// The same in several actions: what adds first, then each part that takes
/// away. One where it cannot be told apart.
pub(super) fn parts(action: &Action, snapshot: &VpcSnapshot) -> Vec<Action> {
    match action {
        Action::RevokeSecurityGroup {
            group,
            direction,
            rules,
        } => rules
            .iter()
            .map(|rule| Action::RevokeSecurityGroup {
                group: group.clone(),
                direction: *direction,
                rules: vec![rule.clone()],
            })
            .collect(),
        Action::ModifyVpcEndpoint {
            id,
            policy,
            add_route_tables,
            remove_route_tables,
        } => {
            let part = |policy: Option<PolicyDocument>, add: &[_], remove: &[_]| {
                (policy.is_some() || !add.is_empty() || !remove.is_empty()).then(|| Action::ModifyVpcEndpoint {
                    id: id.clone(),
                    policy,
                    add_route_tables: add.to_vec(),
                    remove_route_tables: remove.to_vec(),
                })
            };
            let wider = policy.as_ref().and_then(|policy| wider(snapshot, id, policy));
            [
                part(wider, add_route_tables, &[]),
                part(policy.clone(), &[], &[]),
                part(None, &[], remove_route_tables),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        Action::ModifyInterfaceEndpoint {
            id,
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        } => {
            let removal =
                |policy: Option<PolicyDocument>, subnets: &[_], groups: &[_]| Action::ModifyInterfaceEndpoint {
                    id: id.clone(),
                    policy,
                    add_subnets: Vec::new(),
                    remove_subnets: subnets.to_vec(),
                    add_groups: Vec::new(),
                    remove_groups: groups.to_vec(),
                    private_dns: None,
                    ip_address_type: None,
                };
            let nothing = removal(None, &[], &[]);
            let addition = Action::ModifyInterfaceEndpoint {
                id: id.clone(),
                policy: policy.as_ref().and_then(|policy| wider(snapshot, id, policy)),
                add_subnets: add_subnets.clone(),
                remove_subnets: Vec::new(),
                add_groups: add_groups.clone(),
                remove_groups: Vec::new(),
                private_dns: *private_dns,
                ip_address_type: *ip_address_type,
            };
            let mut parts = vec![
                addition,
                removal(policy.clone(), &[], &[]),
                removal(None, remove_subnets, &[]),
                removal(None, &[], remove_groups),
            ];
            parts.retain(|part| *part != nothing);
            parts
        }
        Action::PutBucketPolicy {
            bucket,
            region,
            add_endpoints,
            remove_endpoints,
            add_exemptions,
            remove_exemptions,
        } if !(remove_endpoints.is_empty() && remove_exemptions.is_empty()) => {
            let adds = !(add_endpoints.is_empty() && add_exemptions.is_empty());
            let addition = adds.then(|| Action::PutBucketPolicy {
                bucket: bucket.clone(),
                region: region.clone(),
                add_endpoints: add_endpoints.clone(),
                remove_endpoints: Vec::new(),
                add_exemptions: add_exemptions.clone(),
                remove_exemptions: Vec::new(),
            });
            let removal = Action::PutBucketPolicy {
                bucket: bucket.clone(),
                region: region.clone(),
                add_endpoints: Vec::new(),
                remove_endpoints: remove_endpoints.clone(),
                add_exemptions: Vec::new(),
                remove_exemptions: remove_exemptions.clone(),
            };
            addition.into_iter().chain([removal]).collect()
        }
        whole => vec![whole.clone()],
    }
}

/// A policy that lets through what the endpoint's policy does now and what the
/// new one does, where that is more than now.
fn wider(snapshot: &VpcSnapshot, id: &VpcEndpointId, policy: &PolicyDocument) -> Option<PolicyDocument> {
    let endpoint = snapshot
        .vpc_endpoints
        .iter()
        .find(|found| found.vpc_endpoint_id == *id)?;
    let now = endpoint.policy().ok()?;
    let wider = widened(&now, policy);
    let is_more = !same_meaning(&wider, &now) && !same_meaning(&wider, policy);
    (is_more && wider.to_string().len() <= ENDPOINT_POLICY_MAX_CHARS).then_some(wider)
}

/// Revocations from one group as one.
pub(super) fn merged(actions: Vec<Action>) -> Vec<Action> {
    let mut merged: Vec<Action> = Vec::new();
    for action in actions {
        if let Action::RevokeSecurityGroup { rules: more, .. } = &action
            && let Some(Action::RevokeSecurityGroup { rules, .. }) = merged.last_mut()
        {
            rules.extend(more.iter().cloned());
        } else {
            merged.push(action);
        }
    }
    merged
}
