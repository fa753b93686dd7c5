//! From a plan to AWS, and what became of it.
//!
//! Decides nothing: which actions, in which order and which of them wait is the
//! plan's. Actions that do not need each other run side by side. Nothing here
//! waits for a state of AWS's: what is not ready is reported as
//! [`Step::Waiting`], and the next plan, from a fresh look, decides anew. Every
//! action can be done again without harm: what is there already counts as
//! made, what is gone already as deleted, and a creation whose answer was lost
//! is found again by its client token, its name or its tags.

mod addresses;
mod buckets;
mod endpoints;
mod flow_logs;
mod interface_endpoints;
mod nat_gateways;
mod network_acls;
mod roles;
mod routes;
mod security_groups;
mod tags;
mod vpcs;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use self::work::{Performed, Resolved, Setback, Work};
use super::{clients::Clients, deadline};
use sagevpc_core::{
    catalog::calls::Call,
    desired::BucketPolicyChange,
    plan::{Action, ActionId, ClientTokens, Outcome, Plan, PlannedAction, Step, Target},
    types::{Admission, Peer, ResourceKey, Rule, SecurityGroupId, VpcEndpointId},
};

/// Does what the plan says, and tells what became of each action.
///
/// `tokens` holds a client token for each resource that the plan creates. From
/// `deadline` on nothing is sent any more; a call sent just before may take ten
/// seconds longer to be answered. Held actions are left out, and what comes
/// after them is blocked.
pub async fn apply(clients: &Clients, plan: &Plan, tokens: &ClientTokens, deadline: Instant) -> Outcome {
    deadline::until(deadline, Walk::new(clients, plan, tokens, deadline).run()).await
}

/// A walk through a plan's graph.
struct Walk<'a> {
    clients: &'a Clients,
    plan: &'a Plan,
    tokens: &'a ClientTokens,
    deadline: Instant,
    /// What has been neither begun nor given up.
    left: BTreeMap<ActionId, &'a PlannedAction>,
    /// What is not to be begun at all.
    held: Vec<ActionId>,
    outcome: Outcome,
}

/// What is known of an action before it is begun.
enum Readiness {
    Ready,
    NotYet,
    Settled(Step),
}

type Performing<'a> = Pin<Box<dyn Future<Output = (ActionId, Performed)> + Send + 'a>>;

impl<'a> Walk<'a> {
    fn new(clients: &'a Clients, plan: &'a Plan, tokens: &'a ClientTokens, deadline: Instant) -> Self {
        let (held, left): (Vec<_>, Vec<_>) = plan.actions.iter().partition(|planned| planned.held);
        Self {
            clients,
            plan,
            tokens,
            deadline,
            left: left.into_iter().map(|planned| (planned.id, planned)).collect(),
            held: held.into_iter().map(|planned| planned.id).collect(),
            outcome: Outcome::default(),
        }
    }

    async fn run(mut self) -> Outcome {
        let makes: BTreeMap<ActionId, ResourceKey> = self
            .left
            .values()
            .filter_map(|planned| Some((planned.id, planned.action.makes()?.clone())))
            .collect();
        let mut under_way = FuturesUnordered::new();
        loop {
            under_way.extend(self.begin());
            let Some((id, performed)) = under_way.next().await else {
                return self.outcome;
            };
            let step = match performed {
                Ok(made) => {
                    self.outcome.made.extend(makes.get(&id).cloned().zip(made));
                    Step::Done
                }
                Err(Setback::Waiting(message)) => Step::Waiting { message },
                Err(Setback::Refused(refusal)) => Step::Failed(refusal.failure),
            };
            self.outcome.steps.insert(id, step);
        }
    }

    /// Begins what has become ready and settles what cannot be done any more,
    /// and then what that settles in turn.
    fn begin(&mut self) -> Vec<Performing<'a>> {
        let mut begun = Vec::new();
        loop {
            let before = self.left.len();
            for (id, planned) in std::mem::take(&mut self.left) {
                match self.readiness(planned) {
                    Readiness::Ready => begun.push(self.perform(planned)),
                    Readiness::NotYet => {
                        self.left.insert(id, planned);
                    }
                    Readiness::Settled(step) => {
                        self.outcome.steps.insert(id, step);
                    }
                }
            }
            if self.left.len() == before {
                return begun;
            }
        }
    }

    fn readiness(&self, planned: &PlannedAction) -> Readiness {
        if let Some(message) = &planned.waits_for {
            return Readiness::Settled(Step::Waiting {
                message: message.clone(),
            });
        }
        let mut ready = true;
        for earlier in &planned.after {
            match self.outcome.steps.get(earlier) {
                Some(Step::Done) => {}
                Some(Step::Waiting { .. } | Step::Failed(_) | Step::Blocked { .. }) => {
                    return Readiness::Settled(Step::Blocked { by: *earlier });
                }
                None if self.held.contains(earlier) => {
                    return Readiness::Settled(Step::Blocked { by: *earlier });
                }
                None => ready = false,
            }
        }
        if ready { Readiness::Ready } else { Readiness::NotYet }
    }

    /// One action, from its fields to its call. Each is taken apart without
    /// `..`, so that a field that is added cannot be overlooked here.
    fn perform(&self, planned: &'a PlannedAction) -> Performing<'a> {
        let work = Work::new(self.clients, self.plan, planned, self.deadline);
        let id = planned.id;
        macro_rules! performing {
            ($call:expr) => {
                Box::pin(async move { (id, $call.await) })
            };
        }
        match &planned.action {
            Action::ModifyVpcAttribute { vpc, attribute } => {
                performing!(vpcs::modify_attribute(&work, vpc, *attribute))
            }
            Action::CreateSecurityGroup {
                key: _,
                vpc,
                name,
                description,
                tags,
            } => {
                performing!(security_groups::create(&work, vpc, name, description, tags))
            }
            Action::AuthorizeSecurityGroup {
                group,
                direction,
                rules,
            } => {
                let (group, rules) = (self.resolve(group), self.rules(rules));
                performing!(security_groups::authorize(&work, group, *direction, &rules))
            }
            Action::RevokeSecurityGroup {
                group,
                direction,
                rules,
            } => {
                let (group, rules) = (self.resolve(group), self.rules(rules));
                performing!(security_groups::revoke(&work, group, *direction, &rules))
            }
            Action::DeleteSecurityGroup { id: group } => {
                performing!(security_groups::delete(&work, group))
            }
            Action::CreateVpcEndpoint {
                key,
                vpc,
                service_name,
                route_tables,
                policy,
                tags,
            } => {
                let wanted = endpoints::Wanted {
                    key,
                    vpc,
                    service_name,
                    route_tables,
                    policy,
                    tags,
                };
                let token = self.tokens.get(key);
                performing!(endpoints::create(&work, wanted, token))
            }
            Action::ModifyVpcEndpoint {
                id: endpoint,
                policy,
                add_route_tables,
                remove_route_tables,
            } => {
                let policy = policy.as_ref();
                performing!(endpoints::modify(
                    &work,
                    endpoint,
                    policy,
                    add_route_tables,
                    remove_route_tables
                ))
            }
            Action::DeleteVpcEndpoint { id: endpoint } => {
                performing!(endpoints::delete(&work, endpoint))
            }
            Action::CreateInterfaceEndpoint {
                key,
                vpc,
                service_name,
                subnets,
                groups,
                private_dns,
                ip_address_type,
                policy,
                tags,
            } => {
                let wanted = interface_endpoints::Wanted {
                    key,
                    vpc,
                    service_name,
                    subnets,
                    groups: self.resolve_all(groups),
                    private_dns: *private_dns,
                    ip_address_type: *ip_address_type,
                    policy: policy.as_ref(),
                    tags,
                };
                let token = self.tokens.get(key);
                performing!(interface_endpoints::create(&work, wanted, token))
            }
            Action::ModifyInterfaceEndpoint {
                id: endpoint,
                policy,
                add_subnets,
                remove_subnets,
                add_groups,
                remove_groups,
                private_dns,
                ip_address_type,
            } => {
                let changes = interface_endpoints::Changes {
                    policy: policy.as_ref(),
                    add_subnets,
                    remove_subnets,
                    add_groups: self.resolve_all(add_groups),
                    remove_groups,
                    private_dns: *private_dns,
                    ip_address_type: *ip_address_type,
                };
                performing!(interface_endpoints::modify(&work, endpoint, changes))
            }
            Action::AllocateAddress { key, tags } => {
                performing!(addresses::allocate(&work, key, tags))
            }
            Action::ReleaseAddress { id: address } => {
                performing!(addresses::release(&work, address))
            }
            Action::CreateNatGateway {
                key,
                subnet,
                address,
                tags,
            } => {
                let (address, token) = (self.resolve(address), self.tokens.get(key));
                performing!(nat_gateways::create(&work, key, subnet, address, tags, token))
            }
            Action::DeleteNatGateway { id: gateway } => {
                performing!(nat_gateways::delete(&work, gateway))
            }
            Action::CreateRoute {
                table,
                destination,
                nat_gateway,
            } => {
                let nat_gateway = self.resolve(nat_gateway);
                performing!(routes::create(&work, table, *destination, nat_gateway))
            }
            Action::ReplaceRoute {
                table,
                destination,
                nat_gateway,
            } => {
                let nat_gateway = self.resolve(nat_gateway);
                performing!(routes::replace(&work, table, *destination, nat_gateway))
            }
            Action::DeleteRoute { table, destination } => {
                performing!(routes::delete(&work, table, *destination))
            }
            Action::CreateNetworkAclEntry { acl, entry } => {
                performing!(network_acls::create(&work, acl, entry))
            }
            Action::ReplaceNetworkAclEntry { acl, entry } => {
                performing!(network_acls::replace(&work, acl, entry))
            }
            Action::DeleteNetworkAclEntry {
                acl,
                direction,
                rule_number,
            } => {
                performing!(network_acls::delete(&work, acl, *direction, *rule_number))
            }
            Action::CreateFlowLogs {
                key,
                resource,
                settings,
                tags,
            } => {
                let token = self.tokens.get(key);
                performing!(flow_logs::create(&work, key, resource, settings, tags, token))
            }
            Action::DeleteFlowLogs { id: log } => {
                performing!(flow_logs::delete(&work, log))
            }
            Action::PutBucketPolicy {
                bucket,
                region,
                add_endpoints,
                remove_endpoints,
                add_exemptions,
                remove_exemptions,
            } => {
                let endpoints: Option<BTreeSet<VpcEndpointId>> = add_endpoints
                    .iter()
                    .map(|target| Some(VpcEndpointId::new(self.resolve(target)?.id)))
                    .collect();
                let Some(vpc_endpoints) = endpoints else {
                    let call = Call::from(&planned.action);
                    return performing!(async move { Err(Work::refuse(call, "the endpoint was not made")) });
                };
                let change = BucketPolicyChange {
                    add: Admission {
                        vpc_endpoints,
                        exemptions: add_exemptions.iter().cloned().collect(),
                    },
                    remove: Admission {
                        vpc_endpoints: remove_endpoints.iter().cloned().collect(),
                        exemptions: remove_exemptions.iter().cloned().collect(),
                    },
                };
                performing!(buckets::put_policy(&work, bucket, region, &change))
            }
            Action::PutRolePolicy {
                key: _,
                role,
                name,
                policy,
                replaces: _,
            } => {
                performing!(roles::put(&work, role, name, policy))
            }
            Action::DeleteRolePolicy { role, name } => {
                performing!(roles::delete(&work, role, name))
            }
            Action::CreateTags { resource, tags } => {
                performing!(tags::create(&work, resource, tags))
            }
            Action::DeleteTags { resource, keys } => {
                performing!(tags::delete(&work, resource, keys))
            }
        }
    }

    /// The rules, with the ids of groups that this pass has made.
    fn rules(&self, rules: &[Rule]) -> Vec<Rule> {
        let known = |rule: &Rule| {
            let mut rule = rule.clone();
            if let Peer::Made(key) = &rule.peer
                && let Some(id) = self.outcome.made.get(key)
            {
                rule.peer = Peer::Group {
                    id: SecurityGroupId::new(id),
                    owner: None,
                };
            }
            rule
        };
        rules.iter().map(known).collect()
    }

    /// What a target stands for: `None` if the action that should have made it
    /// has not.
    fn resolve<Id: fmt::Display>(&self, target: &Target<Id>) -> Option<Resolved> {
        match target {
            Target::Existing(id) => Some(Resolved {
                id: id.to_string(),
                new: false,
            }),
            Target::Made(key) => {
                let id = self.outcome.made.get(key)?;
                Some(Resolved {
                    id: id.clone(),
                    new: true,
                })
            }
        }
    }

    /// What all of these stand for: `None` if one of them has not been made.
    fn resolve_all<Id: fmt::Display>(&self, targets: &[Target<Id>]) -> Option<Vec<Resolved>> {
        targets.iter().map(|target| self.resolve(target)).collect()
    }
}
