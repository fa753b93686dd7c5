//! Changes to a VPC endpoint, of either kind.

use serde::Serialize;

use super::{
    Target,
    change::{Change, Deed, List, all},
};
use crate::{
    catalog::calls::Call,
    report::Lack,
    types::{IpAddressType, ResourceKey, RouteTableId, SecurityGroupId, SubnetId, Tags, VpcEndpointId, VpcId},
};
use iam_policy::PolicyDocument;

/// A change to a VPC endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum VpcEndpointChange {
    /// Makes a gateway endpoint.
    #[serde(rename = "CreateVpcEndpoint")]
    CreateGateway {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// The service, as DescribeVpcEndpointServices names it.
        service_name: String,
        /// The tables that lead to it.
        route_tables: Vec<RouteTableId>,
        /// What may be reached through it.
        policy: PolicyDocument,
        /// Its tags.
        tags: Tags,
    },
    /// Changes a gateway endpoint, everything in one call.
    #[serde(rename = "ModifyVpcEndpoint")]
    ModifyGateway {
        /// The endpoint.
        id: VpcEndpointId,
        /// Its new policy, if that changes.
        policy: Option<PolicyDocument>,
        /// Tables to lead to it.
        add_route_tables: Vec<RouteTableId>,
        /// Tables to lead to it no longer.
        remove_route_tables: Vec<RouteTableId>,
    },
    /// Makes an interface endpoint.
    #[serde(rename = "CreateInterfaceEndpoint")]
    CreateInterface {
        /// What it is for.
        key: ResourceKey,
        /// The VPC.
        vpc: VpcId,
        /// The service, as DescribeVpcEndpointServices names it.
        service_name: String,
        /// Where it gets an interface: one subnet in each zone.
        subnets: Vec<SubnetId>,
        /// The security groups of its interfaces.
        groups: Vec<Target<SecurityGroupId>>,
        /// Whether the service's own name is to lead to it in the whole VPC.
        private_dns: bool,
        /// What it can be reached by; EC2's choice where `None`.
        ip_address_type: Option<IpAddressType>,
        /// What may be reached through it; everything where `None`.
        policy: Option<PolicyDocument>,
        /// Its tags.
        tags: Tags,
    },
    /// Changes an interface endpoint, everything in one call.
    #[serde(rename = "ModifyInterfaceEndpoint")]
    ModifyInterface {
        /// The endpoint.
        id: VpcEndpointId,
        /// Its new policy, if that changes.
        policy: Option<PolicyDocument>,
        /// Subnets in which it gets an interface.
        add_subnets: Vec<SubnetId>,
        /// Subnets in which it loses its interface.
        remove_subnets: Vec<SubnetId>,
        /// Security groups to put on its interfaces.
        add_groups: Vec<Target<SecurityGroupId>>,
        /// Security groups to take off them.
        remove_groups: Vec<SecurityGroupId>,
        /// Whether the service's own name leads to it, if that changes.
        private_dns: Option<bool>,
        /// What it can be reached by, if that changes.
        ip_address_type: Option<IpAddressType>,
    },
    /// Deletes an endpoint of either kind.
    #[serde(rename = "DeleteVpcEndpoint")]
    Delete {
        /// The endpoint.
        id: VpcEndpointId,
    },
}

impl Change for VpcEndpointChange {
    fn call(&self) -> Call {
        match self {
            Self::CreateGateway { .. } | Self::CreateInterface { .. } => Call::CreateVpcEndpoint,
            Self::ModifyGateway { .. } | Self::ModifyInterface { .. } => Call::ModifyVpcEndpoint,
            Self::Delete { .. } => Call::DeleteVpcEndpoints,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::CreateGateway { .. } | Self::CreateInterface { .. } => Deed::Creates,
            Self::ModifyGateway { .. } | Self::ModifyInterface { .. } => Deed::Changes,
            Self::Delete { .. } => Deed::Deletes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::CreateGateway { key, .. } | Self::CreateInterface { key, .. } => key.to_string(),
            Self::ModifyGateway { id, .. } | Self::ModifyInterface { id, .. } | Self::Delete { id } => id.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "VpcEndpoint"
    }

    fn describe(&self, list: List<'_>) -> String {
        match self {
            Self::CreateGateway {
                service_name,
                route_tables,
                ..
            } => format!("gateway endpoint for {service_name} on {}", all(route_tables, list)),
            Self::ModifyGateway {
                id: _,
                policy,
                add_route_tables,
                remove_route_tables,
            } => {
                let mut parts = Parts::of_policy(policy.as_ref());
                parts.of_some("add route tables", add_route_tables, list);
                parts.of_some("remove route tables", remove_route_tables, list);
                parts.joined()
            }
            Self::CreateInterface {
                service_name,
                subnets,
                groups,
                private_dns,
                ip_address_type,
                ..
            } => {
                let dns = if *private_dns { " and private DNS" } else { "" };
                let kind = ip_address_type.map(|kind| format!(", {kind}")).unwrap_or_default();
                let (subnets, groups) = (all(subnets, list), all(groups, list));
                format!("interface endpoint for {service_name} in {subnets} with {groups}{dns}{kind}")
            }
            Self::ModifyInterface {
                id: _,
                policy,
                add_subnets,
                remove_subnets,
                add_groups,
                remove_groups,
                private_dns,
                ip_address_type,
            } => {
                let mut parts = Parts::of_policy(policy.as_ref());
                parts.of_some("add subnets", add_subnets, list);
                parts.of_some("remove subnets", remove_subnets, list);
                parts.of_some("add security groups", add_groups, list);
                parts.of_some("remove security groups", remove_groups, list);
                parts
                    .0
                    .extend(private_dns.map(|on| format!("privateDnsEnabled: {} -> {on}", !on)));
                parts
                    .0
                    .extend(ip_address_type.map(|kind| format!("ipAddressType -> {kind}")));
                parts.joined()
            }
            Self::Delete { .. } => "delete the endpoint".to_owned(),
        }
    }

    /// Its groups are ours, whatever their ids.
    fn lasting(&self, list: List<'_>) -> Option<String> {
        let mut lasting = self.clone();
        match &mut lasting {
            Self::CreateInterface { groups, .. } => {
                groups.clear();
                Some(lasting.describe(list))
            }
            Self::ModifyInterface { add_groups, .. } => {
                let count = std::mem::take(add_groups).len();
                Some(format!("{}; security groups added: {count}", lasting.describe(list)))
            }
            Self::CreateGateway { .. } | Self::ModifyGateway { .. } | Self::Delete { .. } => None,
        }
    }

    fn makes(&self) -> Option<&ResourceKey> {
        match self {
            Self::CreateGateway { key, .. } | Self::CreateInterface { key, .. } => Some(key),
            Self::ModifyGateway { .. } | Self::ModifyInterface { .. } | Self::Delete { .. } => None,
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::CreateGateway { key, service_name, .. } if *key == ResourceKey::S3ExpressGatewayEndpoint => {
                vec![Lack::Service(service_name.clone())]
            }
            Self::CreateGateway { .. } => vec![Lack::S3Route(None)],
            Self::ModifyGateway {
                id, add_route_tables, ..
            } => {
                let routes = add_route_tables.iter().cloned().map(|table| Lack::S3Route(Some(table)));
                routes.chain([Lack::Endpoint(id.clone())]).collect()
            }
            Self::CreateInterface { service_name, .. } => vec![Lack::Service(service_name.clone())],
            Self::ModifyInterface { id, .. } => vec![Lack::Endpoint(id.clone())],
            Self::Delete { .. } => Vec::new(),
        }
    }

    fn policy(&self) -> Option<&PolicyDocument> {
        match self {
            Self::CreateGateway { policy, .. } => Some(policy),
            Self::ModifyGateway { policy, .. }
            | Self::CreateInterface { policy, .. }
            | Self::ModifyInterface { policy, .. } => policy.as_ref(),
            Self::Delete { .. } => None,
        }
    }
}

/// What a modification does, part by part.
struct Parts(Vec<String>);

impl Parts {
    fn of_policy(policy: Option<&PolicyDocument>) -> Self {
        Self(policy.map(|_| "replace the policy".to_owned()).into_iter().collect())
    }

    fn of_some<T: ToString>(&mut self, what: &str, items: &[T], list: List<'_>) {
        if !items.is_empty() {
            self.0.push(format!("{what} {}", all(items, list)));
        }
    }

    fn joined(self) -> String {
        self.0.join("; ")
    }
}
