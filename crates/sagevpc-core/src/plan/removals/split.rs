//! What an action does to the ways through a network: which of it adds to them,
//! which takes away, and how the two are told apart where one call does both.

use crate::{
    observed::VpcSnapshot,
    plan::{
        Action, AddressChange, BucketChange, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange,
        RouteChange, SecurityGroupChange, TagsChange, Target, VpcChange, VpcEndpointChange, loosening::widened,
    },
    types::VpcEndpointId,
};
use iam_policy::{ENDPOINT_POLICY_MAX_CHARS, PolicyDocument, same_meaning};

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
        Action::SecurityGroup(SecurityGroupChange::Delete { .. })
        | Action::Address(AddressChange::Allocate { .. } | AddressChange::Release { .. })
        | Action::FlowLog(FlowLogChange::Create { .. } | FlowLogChange::Delete { .. })
        | Action::Role(RoleChange::PutPolicy { .. } | RoleChange::DeletePolicy { .. })
        | Action::Tags(TagsChange::Create { .. } | TagsChange::Delete { .. }) => Effect::None,
        Action::SecurityGroup(SecurityGroupChange::Create { .. } | SecurityGroupChange::Authorize { .. })
        | Action::NatGateway(NatGatewayChange::Create { .. } | NatGatewayChange::CreateRegional { .. })
        | Action::Route(RouteChange::Create { .. })
        | Action::NetworkAcl(NetworkAclChange::CreateEntry { .. }) => Effect::Opens,
        Action::Vpc(VpcChange::ModifyAttribute { .. })
        | Action::VpcEndpoint(VpcEndpointChange::CreateGateway { .. } | VpcEndpointChange::CreateInterface { .. }) => {
            Effect::Leads
        }
        // One that is being made has nobody's traffic.
        Action::SecurityGroup(SecurityGroupChange::Revoke { group, .. }) => match group {
            Target::Existing(_) => Effect::Closes,
            Target::Made(_) => Effect::Opens,
        },
        Action::VpcEndpoint(
            VpcEndpointChange::ModifyGateway { .. }
            | VpcEndpointChange::ModifyInterface { .. }
            | VpcEndpointChange::Delete { .. },
        )
        | Action::NatGateway(NatGatewayChange::Delete { .. })
        | Action::Route(RouteChange::Replace { .. } | RouteChange::Delete { .. })
        | Action::NetworkAcl(NetworkAclChange::ReplaceEntry { .. } | NetworkAclChange::DeleteEntry { .. })
        | Action::Bucket(BucketChange::PutPolicy { .. }) => Effect::Closes,
    }
}

/// Whether it serves only some time after AWS made it.
pub(super) fn takes_time(action: &Action) -> bool {
    matches!(
        action,
        Action::VpcEndpoint(VpcEndpointChange::CreateInterface { .. })
            | Action::NatGateway(NatGatewayChange::Create { .. } | NatGatewayChange::CreateRegional { .. })
    )
}

/// What of an action closes ways, and no more.
pub(super) fn closing(action: &Action) -> Action {
    match action.clone() {
        Action::Route(RouteChange::Replace {
            table,
            destination,
            nat_gateway: _,
        }) => Action::Route(RouteChange::Delete { table, destination }),
        Action::NetworkAcl(NetworkAclChange::ReplaceEntry { acl, entry }) => {
            Action::NetworkAcl(NetworkAclChange::DeleteEntry {
                acl,
                direction: entry.direction,
                rule_number: entry.rule_number,
            })
        }
        Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id,
            policy,
            add_route_tables: _,
            remove_route_tables,
        }) => Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id,
            policy,
            add_route_tables: Vec::new(),
            remove_route_tables,
        }),
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
            id,
            policy,
            add_subnets: _,
            remove_subnets,
            add_groups: _,
            remove_groups,
            private_dns,
            ip_address_type,
        }) => Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
            id,
            policy,
            add_subnets: Vec::new(),
            remove_subnets,
            add_groups: Vec::new(),
            remove_groups,
            private_dns,
            ip_address_type,
        }),
        whole => whole,
    }
}

/// The same in several actions: what adds first, then each part that takes
/// away. One where it cannot be told apart.
pub(super) fn parts(action: &Action, snapshot: &VpcSnapshot) -> Vec<Action> {
    match action {
        Action::SecurityGroup(SecurityGroupChange::Revoke {
            group,
            direction,
            rules,
        }) => rules
            .iter()
            .map(|rule| {
                Action::SecurityGroup(SecurityGroupChange::Revoke {
                    group: group.clone(),
                    direction: *direction,
                    rules: vec![rule.clone()],
                })
            })
            .collect(),
        Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id,
            policy,
            add_route_tables,
            remove_route_tables,
        }) => {
            let part = |policy: Option<PolicyDocument>, add: &[_], remove: &[_]| {
                (policy.is_some() || !add.is_empty() || !remove.is_empty()).then(|| {
                    Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
                        id: id.clone(),
                        policy,
                        add_route_tables: add.to_vec(),
                        remove_route_tables: remove.to_vec(),
                    })
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
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
            id,
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        }) => {
            let removal = |policy: Option<PolicyDocument>, subnets: &[_], groups: &[_]| {
                Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
                    id: id.clone(),
                    policy,
                    add_subnets: Vec::new(),
                    remove_subnets: subnets.to_vec(),
                    add_groups: Vec::new(),
                    remove_groups: groups.to_vec(),
                    private_dns: None,
                    ip_address_type: None,
                })
            };
            let nothing = removal(None, &[], &[]);
            let addition = Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
                id: id.clone(),
                policy: policy.as_ref().and_then(|policy| wider(snapshot, id, policy)),
                add_subnets: add_subnets.clone(),
                remove_subnets: Vec::new(),
                add_groups: add_groups.clone(),
                remove_groups: Vec::new(),
                private_dns: *private_dns,
                ip_address_type: *ip_address_type,
            });
            let mut parts = vec![
                addition,
                removal(policy.clone(), &[], &[]),
                removal(None, remove_subnets, &[]),
                removal(None, &[], remove_groups),
            ];
            parts.retain(|part| *part != nothing);
            parts
        }
        Action::Bucket(BucketChange::PutPolicy {
            bucket,
            region,
            add_endpoints,
            remove_endpoints,
            add_exemptions,
            remove_exemptions,
        }) if !(remove_endpoints.is_empty() && remove_exemptions.is_empty()) => {
            let adds = !(add_endpoints.is_empty() && add_exemptions.is_empty());
            let addition = adds.then(|| {
                Action::Bucket(BucketChange::PutPolicy {
                    bucket: bucket.clone(),
                    region: region.clone(),
                    add_endpoints: add_endpoints.clone(),
                    remove_endpoints: Vec::new(),
                    add_exemptions: add_exemptions.clone(),
                    remove_exemptions: Vec::new(),
                })
            });
            let removal = Action::Bucket(BucketChange::PutPolicy {
                bucket: bucket.clone(),
                region: region.clone(),
                add_endpoints: Vec::new(),
                remove_endpoints: remove_endpoints.clone(),
                add_exemptions: Vec::new(),
                remove_exemptions: remove_exemptions.clone(),
            });
            addition.into_iter().chain([removal]).collect()
        }
        whole => vec![whole.clone()],
    }
}

/// A policy that lets through what the endpoint's policy does now and what the
/// new one does, where that is more than now.
fn wider(snapshot: &VpcSnapshot, id: &VpcEndpointId, policy: &PolicyDocument) -> Option<PolicyDocument> {
    let now = snapshot.vpc_endpoint(id)?.policy().ok()?;
    let wider = widened(&now, policy);
    let is_more = !same_meaning(&wider, &now) && !same_meaning(&wider, policy);
    (is_more && wider.to_string().len() <= ENDPOINT_POLICY_MAX_CHARS).then_some(wider)
}

/// Revocations from one group as one.
pub(super) fn merged(actions: Vec<Action>) -> Vec<Action> {
    let mut merged: Vec<Action> = Vec::new();
    for action in actions {
        if let Action::SecurityGroup(SecurityGroupChange::Revoke { rules: more, .. }) = &action
            && let Some(Action::SecurityGroup(SecurityGroupChange::Revoke { rules, .. })) = merged.last_mut()
        {
            rules.extend(more.iter().cloned());
        } else {
            merged.push(action);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        observed::{Snapshot, VpcEndpoint},
        types::{Direction, Peer, Region, RouteTableId, Rule, SecurityGroupId, SubnetId, VpcId},
    };

    fn id(number: u8) -> VpcEndpointId {
        VpcEndpointId::new(format!("vpce-{number}"))
    }

    fn policy(buckets: &[&str]) -> PolicyDocument {
        let resources: Vec<String> = buckets
            .iter()
            .map(|name| format!("\"arn:aws:s3:::{name}/*\""))
            .collect();
        let resources = resources.join(",");
        format!(
            r#"{{"Version": "2012-10-17", "Statement":
                {{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": [{resources}]}}}}"#
        )
        .parse()
        .unwrap()
    }

    /// A VPC with one endpoint that lets these buckets through.
    fn snapshot(buckets: &[&str]) -> VpcSnapshot {
        let vpc = VpcId::new("vpc-1");
        let endpoint: VpcEndpoint = serde_json::from_value(serde_json::json!({
            "VpcEndpointId": "vpce-1", "VpcEndpointType": "Gateway", "VpcId": "vpc-1", "State": "available",
            "ServiceName": "com.amazonaws.us-east-1.s3", "PolicyDocument": policy(buckets).to_string(),
        }))
        .unwrap();
        VpcSnapshot {
            vpc_endpoints: vec![endpoint],
            ..VpcSnapshot::gone(&vpc, &Snapshot::default())
        }
    }

    fn modify(policy: Option<PolicyDocument>, add: &[&str], remove: &[&str]) -> Action {
        let tables = |ids: &[&str]| ids.iter().map(|id| RouteTableId::new(*id)).collect();
        Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id: id(1),
            policy,
            add_route_tables: tables(add),
            remove_route_tables: tables(remove),
        })
    }

    fn modify_interface(
        policy: Option<PolicyDocument>,
        add: &[&str],
        remove: &[&str],
        private_dns: Option<bool>,
    ) -> Action {
        let subnets = |ids: &[&str]| ids.iter().map(|id| SubnetId::new(*id)).collect();
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
            id: id(1),
            policy,
            add_subnets: subnets(add),
            remove_subnets: subnets(remove),
            add_groups: Vec::new(),
            remove_groups: Vec::new(),
            private_dns,
            ip_address_type: None,
        })
    }

    fn put(add: &[u8], remove: &[u8]) -> Action {
        Action::Bucket(BucketChange::PutPolicy {
            bucket: "a".to_owned(),
            region: Region::new("us-east-1"),
            add_endpoints: add.iter().map(|number| Target::Existing(id(*number))).collect(),
            remove_endpoints: remove.iter().map(|number| id(*number)).collect(),
            add_exemptions: Vec::new(),
            remove_exemptions: Vec::new(),
        })
    }

    fn revoke(group: &str, ports: &[&str]) -> Action {
        let rule = |cidr: &&str| Rule::https(Direction::Egress, Peer::Cidr(cidr.parse().unwrap()));
        Action::SecurityGroup(SecurityGroupChange::Revoke {
            group: Target::Existing(SecurityGroupId::new(group)),
            direction: Direction::Egress,
            rules: ports.iter().map(rule).collect(),
        })
    }

    #[test]
    fn what_adds_comes_first_and_each_part_that_takes_away_stands_alone() {
        let snapshot = snapshot(&["a"]);
        let change = modify(Some(policy(&["b"])), &["rtb-new"], &["rtb-old"]);
        let [addition, narrower, off] = &parts(&change, &snapshot)[..] else {
            panic!("{:?}", parts(&change, &snapshot));
        };
        let Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            policy: Some(wider),
            add_route_tables,
            remove_route_tables,
            ..
        }) = addition
        else {
            panic!("{addition:?}");
        };
        let [a, b] = [policy(&["a"]), policy(&["b"])];
        let both = PolicyDocument::new(a.statements.into_iter().chain(b.statements));
        assert!(same_meaning(wider, &both), "{wider}");
        assert_eq!(*add_route_tables, [RouteTableId::new("rtb-new")]);
        assert!(remove_route_tables.is_empty());
        assert_eq!(*narrower, modify(Some(policy(&["b"])), &[], &[]));
        assert_eq!(*off, modify(None, &[], &["rtb-old"]));
    }

    #[test]
    fn a_policy_that_only_adds_or_only_takes_away_is_one_part() {
        for (now, then) in [(&["a"][..], &["a", "b"][..]), (&["a", "b"], &["a"])] {
            let change = modify(Some(policy(then)), &[], &[]);
            assert_eq!(parts(&change, &snapshot(now)), [change]);
        }
    }

    #[test]
    fn a_policy_that_would_be_too_long_together_is_put_in_force_as_it_is() {
        let many = |start: char| -> Vec<String> { (0..400).map(|number| format!("{start}-{number:025}")).collect() };
        let (now, then) = (many('a'), many('b'));
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        let then: Vec<&str> = then.iter().map(String::as_str).collect();
        assert!(policy(&then).to_string().len() <= ENDPOINT_POLICY_MAX_CHARS);
        assert!(wider(&snapshot(&now), &id(1), &policy(&then)).is_none());
    }

    #[test]
    fn of_an_endpoint_that_is_not_there_nothing_is_known_to_be_wider() {
        assert!(wider(&snapshot(&["a"]), &id(2), &policy(&["b"])).is_none());
    }

    #[test]
    fn an_interface_endpoint_gets_its_new_subnets_before_it_loses_others() {
        let change = modify_interface(None, &["subnet-new"], &["subnet-old"], Some(true));
        assert_eq!(
            parts(&change, &snapshot(&["a"])),
            [
                modify_interface(None, &["subnet-new"], &[], Some(true)),
                modify_interface(None, &[], &["subnet-old"], None),
            ]
        );
    }

    #[test]
    fn a_statement_admits_before_it_admits_no_longer() {
        let snapshot = snapshot(&["a"]);
        assert_eq!(parts(&put(&[1], &[2]), &snapshot), [put(&[1], &[]), put(&[], &[2])]);
        // A new statement keeps others out by admitting some: that is one thing.
        assert_eq!(parts(&put(&[1], &[]), &snapshot), [put(&[1], &[])]);
        assert_eq!(parts(&put(&[], &[2]), &snapshot), [put(&[], &[2])]);
    }

    #[test]
    fn rules_are_revoked_one_by_one_and_again_together() {
        let rules = ["10.0.1.0/24", "10.0.2.0/24"];
        let both = revoke("sg-1", &rules);
        let each = parts(&both, &snapshot(&["a"]));
        assert_eq!(each, rules.map(|rule| revoke("sg-1", &[rule])));
        assert_eq!(merged(each), [both]);
    }

    #[test]
    fn what_is_no_revocation_is_not_merged() {
        let others = vec![put(&[1], &[]), put(&[], &[2])];
        assert_eq!(merged(others.clone()), others);
        assert_eq!(merged(Vec::new()), []);
    }

    #[test]
    fn closing_leaves_out_what_adds() {
        let change = modify(None, &["rtb-new"], &["rtb-old"]);
        assert_eq!(closing(&change), modify(None, &[], &["rtb-old"]));
        let change = modify_interface(None, &["subnet-new"], &["subnet-old"], Some(true));
        assert_eq!(
            closing(&change),
            modify_interface(None, &[], &["subnet-old"], Some(true))
        );
    }
}
