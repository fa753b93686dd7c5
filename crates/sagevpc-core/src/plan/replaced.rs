//! What an action replaces or takes away, as AWS showed it before: so that who
//! reads the log, or an event, can put it back.

use serde::Serialize;
use serde_json::{Value, json};

use super::Action;
use crate::{
    observed::{Route, VpcSnapshot},
    plan::{
        AddressChange, BucketChange, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange, RouteChange,
        SecurityGroupChange, TagsChange, VpcChange, VpcEndpointChange,
    },
    types::{AclEntry, Direction, NetworkAclId},
};
use iam_policy::{PolicyDocument, diff};

/// Differences between two documents that words have room for.
const MAX_DIFFERENCES: usize = 3;

/// What is no more once an action is carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replaced {
    /// What there was: a policy, or what AWS describes, in its spelling.
    pub before: Value,
    /// What takes its place, where it is a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What is different, where few words say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

impl Replaced {
    fn whole(before: impl Serialize) -> Self {
        Self {
            before: without_nulls(json!(before)),
            after: None,
            words: None,
        }
    }

    fn named(before: impl Serialize, words: &str) -> Self {
        Self {
            words: Some(words.to_owned()),
            ..Self::whole(before)
        }
    }

    fn was(before: impl Serialize, words: &str) -> Self {
        Self::named(before, &format!("it was {words}"))
    }

    fn policy(before: &PolicyDocument, after: &PolicyDocument) -> Self {
        let differences: Vec<String> = diff(before, after).iter().map(ToString::to_string).collect();
        let more = differences.len().saturating_sub(MAX_DIFFERENCES);
        let mut told = differences;
        told.truncate(MAX_DIFFERENCES);
        if more > 0 {
            told.push(format!("{more} more"));
        }
        Self {
            before: json!(before),
            after: Some(json!(after)),
            words: (!told.is_empty()).then(|| told.join("; ")),
        }
    }
}

/// What the action replaces or takes away; `None` where it only adds, where its
/// own words say all, and where AWS shows nothing of it.
pub(super) fn replaced(vpc: &VpcSnapshot, action: &Action) -> Option<Replaced> {
    match action {
        Action::VpcEndpoint(
            VpcEndpointChange::ModifyGateway { id, policy, .. } | VpcEndpointChange::ModifyInterface { id, policy, .. },
        ) => {
            let before = vpc.vpc_endpoint(id)?.policy().ok()?;
            Some(Replaced::policy(&before, policy.as_ref()?))
        }
        Action::VpcEndpoint(VpcEndpointChange::Delete { id }) => {
            let endpoint = vpc.vpc_endpoint(id)?;
            Some(Replaced::named(endpoint, &endpoint.service_name))
        }
        Action::Route(RouteChange::Replace { table, destination, .. } | RouteChange::Delete { table, destination }) => {
            let mut routes = vpc.route_tables.get(table)?.routes.iter();
            let route = routes.find(|route| route.destination() == Some(*destination))?;
            Some(Replaced::was(route, &target(route)?))
        }
        Action::NetworkAcl(NetworkAclChange::ReplaceEntry { acl, entry }) => {
            rule(vpc, acl, entry.direction, entry.rule_number)
        }
        Action::NetworkAcl(NetworkAclChange::DeleteEntry {
            acl,
            direction,
            rule_number,
        }) => rule(vpc, acl, *direction, *rule_number),
        Action::SecurityGroup(SecurityGroupChange::Delete { id }) => {
            let group = vpc.security_groups.get(id)?;
            Some(Replaced::named(group, &group.group_name))
        }
        Action::NatGateway(NatGatewayChange::Delete { id }) => vpc.nat_gateways.get(id).map(Replaced::whole),
        Action::Address(AddressChange::Release { id }) => {
            let address = vpc.addresses.get(id)?;
            Some(Replaced {
                words: address.public_ip.clone(),
                ..Replaced::whole(address)
            })
        }
        Action::FlowLog(FlowLogChange::Delete { id }) => vpc.flow_logs.get(id).map(Replaced::whole),
        Action::Role(RoleChange::PutPolicy { role, name, policy, .. }) => {
            let before = role_policy(vpc, role, name)?;
            Some(Replaced::policy(&before, policy))
        }
        Action::Role(RoleChange::DeletePolicy { role, name }) => role_policy(vpc, role, name).map(Replaced::whole),
        Action::Bucket(BucketChange::PutPolicy { bucket, .. }) => {
            let policy = vpc.buckets.get(bucket)?.policy.as_ref()?;
            serde_json::from_str::<Value>(policy).ok().map(Replaced::whole)
        }
        Action::Vpc(VpcChange::ModifyAttribute { .. })
        | Action::SecurityGroup(
            SecurityGroupChange::Create { .. }
            | SecurityGroupChange::Authorize { .. }
            | SecurityGroupChange::Revoke { .. },
        )
        | Action::VpcEndpoint(VpcEndpointChange::CreateGateway { .. } | VpcEndpointChange::CreateInterface { .. })
        | Action::Address(AddressChange::Allocate { .. })
        | Action::NatGateway(NatGatewayChange::Create { .. } | NatGatewayChange::CreateRegional { .. })
        | Action::Route(RouteChange::Create { .. })
        | Action::NetworkAcl(NetworkAclChange::CreateEntry { .. })
        | Action::FlowLog(FlowLogChange::Create { .. })
        | Action::Tags(TagsChange::Create { .. } | TagsChange::Delete { .. }) => None,
    }
}

/// Where a route leads to.
fn target(route: &Route) -> Option<String> {
    let target = route.target()?.id();
    Some(if route.is_active() {
        target.to_owned()
    } else {
        format!("{target}, a blackhole")
    })
}

fn rule(vpc: &VpcSnapshot, acl: &NetworkAclId, direction: Direction, rule_number: u16) -> Option<Replaced> {
    let rules = vpc.network_acls.get(acl)?.rules();
    let is_it = |rule: &&AclEntry| rule.direction == direction && rule.rule_number == rule_number;
    let rule = rules.iter().find(is_it)?;
    Some(Replaced::was(rule, &rule.to_string()))
}

/// The inline policy of this name that the role has.
pub(super) fn role_policy(vpc: &VpcSnapshot, role: &str, name: &str) -> Option<PolicyDocument> {
    let document = vpc.roles.details.get(role)?.inline_policy(name)?;
    PolicyDocument::try_from(document).ok()
}

/// What AWS leaves out of its answers, too.
fn without_nulls(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            for field in fields.values_mut() {
                *field = without_nulls(field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_nulls(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}
