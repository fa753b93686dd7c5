//! What an action is called, what it works on and what it changes, in words.

use std::collections::BTreeSet;

use super::Action;
use crate::{
    desired::{BUCKET_STATEMENT, bucket_arn},
    types::{Direction, Exemption, ResourceKey, RouteTableId, Rule, SubnetId, joined, listed},
};
use iam_policy::{ActionClause, PolicyDocument};

/// What becomes of what an action works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It comes into being.
    Creates,
    /// It is there before and after.
    Changes,
    /// It is no more.
    Deletes,
}

impl Action {
    /// The name of AWS's action, as in its documentation, CloudTrail and, after
    /// the [`service`](Self::service), IAM.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ModifyVpcAttribute { .. } => "ModifyVpcAttribute",
            Self::CreateSecurityGroup { .. } => "CreateSecurityGroup",
            Self::AuthorizeSecurityGroup {
                direction: Direction::Ingress,
                ..
            } => "AuthorizeSecurityGroupIngress",
            Self::AuthorizeSecurityGroup {
                direction: Direction::Egress,
                ..
            } => "AuthorizeSecurityGroupEgress",
            Self::RevokeSecurityGroup {
                direction: Direction::Ingress,
                ..
            } => "RevokeSecurityGroupIngress",
            Self::RevokeSecurityGroup {
                direction: Direction::Egress,
                ..
            } => "RevokeSecurityGroupEgress",
            Self::DeleteSecurityGroup { .. } => "DeleteSecurityGroup",
            Self::CreateVpcEndpoint { .. } => "CreateVpcEndpoint",
            Self::ModifyVpcEndpoint { .. } => "ModifyVpcEndpoint",
            Self::DeleteVpcEndpoint { .. } => "DeleteVpcEndpoints",
            Self::CreateInterfaceEndpoint { .. } => "CreateVpcEndpoint",
            Self::ModifyInterfaceEndpoint { .. } => "ModifyVpcEndpoint",
            Self::AllocateAddress { .. } => "AllocateAddress",
            Self::ReleaseAddress { .. } => "ReleaseAddress",
            Self::CreateNatGateway { .. } => "CreateNatGateway",
            Self::DeleteNatGateway { .. } => "DeleteNatGateway",
            Self::CreateRoute { .. } => "CreateRoute",
            Self::ReplaceRoute { .. } => "ReplaceRoute",
            Self::DeleteRoute { .. } => "DeleteRoute",
            Self::CreateNetworkAclEntry { .. } => "CreateNetworkAclEntry",
            Self::ReplaceNetworkAclEntry { .. } => "ReplaceNetworkAclEntry",
            Self::DeleteNetworkAclEntry { .. } => "DeleteNetworkAclEntry",
            Self::CreateFlowLogs { .. } => "CreateFlowLogs",
            Self::DeleteFlowLogs { .. } => "DeleteFlowLogs",
            Self::PutBucketPolicy { .. } => "PutBucketPolicy",
            Self::PutRolePolicy { .. } => "PutRolePolicy",
            Self::DeleteRolePolicy { .. } => "DeleteRolePolicy",
            Self::CreateTags { .. } => "CreateTags",
            Self::DeleteTags { .. } => "DeleteTags",
        }
    }

    /// What becomes of what it works on.
    pub fn deed(&self) -> Deed {
        match self {
            Self::CreateSecurityGroup { .. }
            | Self::CreateVpcEndpoint { .. }
            | Self::CreateInterfaceEndpoint { .. }
            | Self::AllocateAddress { .. }
            | Self::CreateNatGateway { .. }
            | Self::CreateRoute { .. }
            | Self::CreateNetworkAclEntry { .. }
            | Self::CreateFlowLogs { .. }
            | Self::PutRolePolicy { replaces: false, .. } => Deed::Creates,
            Self::ModifyVpcAttribute { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::ModifyInterfaceEndpoint { .. }
            | Self::ReplaceRoute { .. }
            | Self::ReplaceNetworkAclEntry { .. }
            | Self::PutBucketPolicy { .. }
            | Self::PutRolePolicy { replaces: true, .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => Deed::Changes,
            Self::DeleteSecurityGroup { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::ReleaseAddress { .. }
            | Self::DeleteNatGateway { .. }
            | Self::DeleteRoute { .. }
            | Self::DeleteNetworkAclEntry { .. }
            | Self::DeleteFlowLogs { .. }
            | Self::DeleteRolePolicy { .. } => Deed::Deletes,
        }
    }

    /// What it works on: an id, or the key of what is made.
    pub fn resource(&self) -> String {
        match self {
            Self::ModifyVpcAttribute { vpc, .. } => vpc.to_string(),
            Self::CreateSecurityGroup { key, .. }
            | Self::CreateVpcEndpoint { key, .. }
            | Self::CreateInterfaceEndpoint { key, .. }
            | Self::AllocateAddress { key, .. }
            | Self::CreateNatGateway { key, .. }
            | Self::CreateFlowLogs { key, .. } => key.to_string(),
            Self::AuthorizeSecurityGroup { group, .. } | Self::RevokeSecurityGroup { group, .. } => group.to_string(),
            Self::DeleteSecurityGroup { id } => id.to_string(),
            Self::ModifyVpcEndpoint { id, .. }
            | Self::ModifyInterfaceEndpoint { id, .. }
            | Self::DeleteVpcEndpoint { id } => id.to_string(),
            Self::ReleaseAddress { id } => id.to_string(),
            Self::DeleteNatGateway { id } => id.to_string(),
            Self::CreateRoute { table, .. } | Self::ReplaceRoute { table, .. } | Self::DeleteRoute { table, .. } => {
                table.to_string()
            }
            Self::CreateNetworkAclEntry { acl, .. }
            | Self::ReplaceNetworkAclEntry { acl, .. }
            | Self::DeleteNetworkAclEntry { acl, .. } => acl.to_string(),
            Self::DeleteFlowLogs { id } => id.to_string(),
            Self::PutBucketPolicy { bucket, region, .. } => bucket_arn(region, bucket),
            Self::PutRolePolicy { role, .. } | Self::DeleteRolePolicy { role, .. } => role.clone(),
            Self::CreateTags { resource, .. } | Self::DeleteTags { resource, .. } => resource.clone(),
        }
    }

    /// A part of the names of AWS's actions on the same kind of resource.
    pub fn family(&self) -> &'static str {
        match self {
            Self::ModifyVpcAttribute { .. } => "VpcAttribute",
            Self::CreateSecurityGroup { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. } => "SecurityGroup",
            Self::CreateVpcEndpoint { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::CreateInterfaceEndpoint { .. }
            | Self::ModifyInterfaceEndpoint { .. }
            | Self::DeleteVpcEndpoint { .. } => "VpcEndpoint",
            Self::AllocateAddress { .. } | Self::ReleaseAddress { .. } => "Address",
            Self::CreateNatGateway { .. } | Self::DeleteNatGateway { .. } => "NatGateway",
            Self::CreateRoute { .. } | Self::ReplaceRoute { .. } | Self::DeleteRoute { .. } => "Route",
            Self::CreateNetworkAclEntry { .. }
            | Self::ReplaceNetworkAclEntry { .. }
            | Self::DeleteNetworkAclEntry { .. } => "NetworkAclEntry",
            Self::CreateFlowLogs { .. } | Self::DeleteFlowLogs { .. } => "FlowLogs",
            Self::PutBucketPolicy { .. } => "BucketPolicy",
            Self::PutRolePolicy { .. } | Self::DeleteRolePolicy { .. } => "RolePolicy",
            Self::CreateTags { .. } | Self::DeleteTags { .. } => "Tags",
        }
    }

    /// The service that does it, as IAM writes it before an action's name.
    pub fn service(&self) -> &'static str {
        match self {
            Self::PutRolePolicy { .. } | Self::DeleteRolePolicy { .. } => "iam",
            Self::PutBucketPolicy { .. } => "s3",
            Self::ModifyVpcAttribute { .. }
            | Self::CreateSecurityGroup { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::CreateVpcEndpoint { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::CreateInterfaceEndpoint { .. }
            | Self::ModifyInterfaceEndpoint { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::AllocateAddress { .. }
            | Self::ReleaseAddress { .. }
            | Self::CreateNatGateway { .. }
            | Self::DeleteNatGateway { .. }
            | Self::CreateRoute { .. }
            | Self::ReplaceRoute { .. }
            | Self::DeleteRoute { .. }
            | Self::CreateNetworkAclEntry { .. }
            | Self::ReplaceNetworkAclEntry { .. }
            | Self::DeleteNetworkAclEntry { .. }
            | Self::CreateFlowLogs { .. }
            | Self::DeleteFlowLogs { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => "ec2",
        }
    }

    /// The key of what it makes, if it makes something.
    pub fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::CreateSecurityGroup { key, .. }
            | Self::CreateVpcEndpoint { key, .. }
            | Self::CreateInterfaceEndpoint { key, .. }
            | Self::AllocateAddress { key, .. }
            | Self::CreateNatGateway { key, .. }
            | Self::CreateFlowLogs { key, .. }
            | Self::PutRolePolicy {
                key, replaces: false, ..
            } => Some(key),
            Self::ModifyVpcAttribute { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::ModifyInterfaceEndpoint { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::ReleaseAddress { .. }
            | Self::DeleteNatGateway { .. }
            | Self::CreateRoute { .. }
            | Self::ReplaceRoute { .. }
            | Self::DeleteRoute { .. }
            | Self::CreateNetworkAclEntry { .. }
            | Self::ReplaceNetworkAclEntry { .. }
            | Self::DeleteNetworkAclEntry { .. }
            | Self::DeleteFlowLogs { .. }
            | Self::PutBucketPolicy { .. }
            | Self::PutRolePolicy { replaces: true, .. }
            | Self::DeleteRolePolicy { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => None,
        }
    }

    /// The ARN of the role that it puts our policy on, if it does.
    pub fn puts_policy_on(&self) -> Option<&str> {
        if let Self::PutRolePolicy { role, .. } = self {
            Some(role)
        } else {
            None
        }
    }

    /// What it changes, field by field, for a person to read. Long lists are
    /// cut short.
    pub fn change(&self) -> String {
        self.describe(listed)
    }

    /// Like [`change`](Self::change), with nothing cut short.
    pub fn full_change(&self) -> String {
        self.describe(joined)
    }

    /// Like [`full_change`](Self::full_change), and the same before and after
    /// what it refers to got its id.
    pub fn lasting_change(&self) -> String {
        match self {
            Self::CreateNatGateway { subnet, .. } => format!("public NAT gateway in {subnet}"),
            Self::CreateRoute { destination, .. } => format!("add route {destination}"),
            Self::ReplaceRoute { destination, .. } => format!("turn route {destination}"),
            Self::PutBucketPolicy { .. } => {
                let mut lasting = self.clone();
                if let Self::PutBucketPolicy { add_endpoints, .. } = &mut lasting {
                    add_endpoints.clear();
                }
                lasting.full_change()
            }
            // Its groups are ours, whatever their ids.
            Self::CreateInterfaceEndpoint { .. } => {
                let mut lasting = self.clone();
                if let Self::CreateInterfaceEndpoint { groups, .. } = &mut lasting {
                    groups.clear();
                }
                lasting.full_change()
            }
            Self::ModifyInterfaceEndpoint { add_groups, .. } => {
                let count = add_groups.len();
                let mut lasting = self.clone();
                if let Self::ModifyInterfaceEndpoint { add_groups, .. } = &mut lasting {
                    add_groups.clear();
                }
                format!("{}; security groups added: {count}", lasting.full_change())
            }
            Self::ModifyVpcAttribute { .. }
            | Self::CreateSecurityGroup { .. }
            | Self::AuthorizeSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::CreateVpcEndpoint { .. }
            | Self::ModifyVpcEndpoint { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::AllocateAddress { .. }
            | Self::ReleaseAddress { .. }
            | Self::DeleteNatGateway { .. }
            | Self::DeleteRoute { .. }
            | Self::CreateNetworkAclEntry { .. }
            | Self::ReplaceNetworkAclEntry { .. }
            | Self::DeleteNetworkAclEntry { .. }
            | Self::CreateFlowLogs { .. }
            | Self::DeleteFlowLogs { .. }
            | Self::PutRolePolicy { .. }
            | Self::DeleteRolePolicy { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => self.full_change(),
        }
    }

    fn describe(&self, list: impl Fn(Vec<String>) -> String) -> String {
        let of_rules = |rules: &[Rule]| list(rules.iter().map(ToString::to_string).collect());
        let of_subnets = |subnets: &[SubnetId]| list(subnets.iter().map(ToString::to_string).collect());
        let of_tables = |tables: &[RouteTableId]| list(tables.iter().map(ToString::to_string).collect());
        match self {
            Self::ModifyVpcAttribute { attribute, .. } => format!("{attribute}: false -> true"),
            Self::CreateSecurityGroup { name, .. } => format!("security group {name}"),
            Self::AuthorizeSecurityGroup { rules, .. } => format!("add {}", of_rules(rules)),
            Self::RevokeSecurityGroup { rules, .. } => format!("remove {}", of_rules(rules)),
            Self::DeleteSecurityGroup { .. } => "delete the security group".to_owned(),
            Self::CreateVpcEndpoint {
                service_name,
                route_tables,
                ..
            } => {
                format!("gateway endpoint for {service_name} on {}", of_tables(route_tables))
            }
            Self::ModifyVpcEndpoint {
                policy,
                add_route_tables,
                remove_route_tables,
                ..
            } => {
                let mut parts = Vec::new();
                if policy.is_some() {
                    parts.push("replace the policy".to_owned());
                }
                if !add_route_tables.is_empty() {
                    parts.push(format!("add route tables {}", of_tables(add_route_tables)));
                }
                if !remove_route_tables.is_empty() {
                    parts.push(format!("remove route tables {}", of_tables(remove_route_tables)));
                }
                parts.join("; ")
            }
            Self::DeleteVpcEndpoint { .. } => "delete the endpoint".to_owned(),
            Self::CreateInterfaceEndpoint {
                service_name,
                subnets,
                groups,
                private_dns,
                ip_address_type,
                ..
            } => {
                let dns = if *private_dns { " and private DNS" } else { "" };
                let kind = ip_address_type.map(|kind| format!(", {kind}")).unwrap_or_default();
                format!(
                    "interface endpoint for {service_name} in {} with {}{dns}{kind}",
                    of_subnets(subnets),
                    list(groups.iter().map(ToString::to_string).collect()),
                )
            }
            Self::ModifyInterfaceEndpoint {
                policy,
                add_subnets,
                remove_subnets,
                add_groups,
                remove_groups,
                private_dns,
                ip_address_type,
                ..
            } => {
                let mut parts = Vec::new();
                if policy.is_some() {
                    parts.push("replace the policy".to_owned());
                }
                if !add_subnets.is_empty() {
                    parts.push(format!("add subnets {}", of_subnets(add_subnets)));
                }
                if !remove_subnets.is_empty() {
                    parts.push(format!("remove subnets {}", of_subnets(remove_subnets)));
                }
                if !add_groups.is_empty() {
                    let groups = list(add_groups.iter().map(ToString::to_string).collect());
                    parts.push(format!("add security groups {groups}"));
                }
                if !remove_groups.is_empty() {
                    let groups = list(remove_groups.iter().map(ToString::to_string).collect());
                    parts.push(format!("remove security groups {groups}"));
                }
                if let Some(on) = private_dns {
                    parts.push(format!("privateDnsEnabled: {} -> {on}", !on));
                }
                if let Some(kind) = ip_address_type {
                    parts.push(format!("ipAddressType -> {kind}"));
                }
                parts.join("; ")
            }
            Self::AllocateAddress { .. } => "an elastic IP address".to_owned(),
            Self::ReleaseAddress { .. } => "release the elastic IP address".to_owned(),
            Self::CreateNatGateway { subnet, address, .. } => format!("public NAT gateway in {subnet} with {address}"),
            Self::DeleteNatGateway { .. } => "delete the NAT gateway".to_owned(),
            Self::CreateRoute {
                destination,
                nat_gateway,
                ..
            } => format!("add route {destination} -> {nat_gateway}"),
            Self::ReplaceRoute {
                destination,
                nat_gateway,
                ..
            } => format!("turn route {destination} -> {nat_gateway}"),
            Self::DeleteRoute { destination, .. } => format!("remove route {destination}"),
            Self::CreateNetworkAclEntry { entry, .. } => format!("add {entry}"),
            Self::ReplaceNetworkAclEntry { entry, .. } => format!("replace by {entry}"),
            Self::DeleteNetworkAclEntry {
                direction, rule_number, ..
            } => format!("remove {direction} rule {rule_number}"),
            Self::CreateFlowLogs { resource, settings, .. } => format!("flow log of {resource}: {settings}"),
            Self::DeleteFlowLogs { .. } => "delete the flow log".to_owned(),
            Self::PutBucketPolicy {
                bucket: _,
                region: _,
                add_endpoints,
                remove_endpoints,
                add_exemptions,
                remove_exemptions,
            } => {
                let names = |items: &[Exemption]| list(items.iter().map(ToString::to_string).collect());
                let mut parts = Vec::new();
                if !add_endpoints.is_empty() {
                    let endpoints = list(add_endpoints.iter().map(ToString::to_string).collect());
                    parts.push(format!("admit {endpoints}"));
                }
                if !remove_endpoints.is_empty() {
                    let endpoints = list(remove_endpoints.iter().map(ToString::to_string).collect());
                    parts.push(format!("no longer admit {endpoints}"));
                }
                if !add_exemptions.is_empty() {
                    parts.push(format!("exempt {}", names(add_exemptions)));
                }
                if !remove_exemptions.is_empty() {
                    parts.push(format!("no longer exempt {}", names(remove_exemptions)));
                }
                if parts.is_empty() {
                    parts.push("put back as it was".to_owned());
                }
                format!("statement {BUCKET_STATEMENT}: {}", parts.join("; "))
            }
            Self::PutRolePolicy {
                name, policy, replaces, ..
            } => {
                let verb = if *replaces { "replace" } else { "add" };
                format!("{verb} inline policy {name}: allow {}", list(allowed_actions(policy)))
            }
            Self::DeleteRolePolicy { name, .. } => format!("remove inline policy {name}"),
            Self::CreateTags { tags, .. } => {
                format!(
                    "set {}",
                    list(tags.iter().map(|(key, value)| format!("{key}={value}")).collect())
                )
            }
            Self::DeleteTags { keys, .. } => format!("remove {}", list(keys.clone())),
        }
    }
}

/// The actions that a document allows by name, each once.
fn allowed_actions(policy: &PolicyDocument) -> Vec<String> {
    let listed = policy.statements.iter().flat_map(|statement| match &statement.action {
        ActionClause::Action(actions) => actions.as_slice(),
        ActionClause::NotAction(_) => &[],
    });
    listed.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
