//! What the network lacks while an action is not done.

use super::{Action, Target};
use crate::report::Lack;

impl Action {
    /// What it gives the network: whoever says why it is not done tells of that.
    pub(in crate::plan) fn gives(&self) -> Vec<Lack> {
        match self {
            Self::ModifyVpcAttribute { .. } => vec![Lack::Dns],
            Self::CreateVpcEndpoint { .. } => vec![Lack::S3Route(None)],
            Self::ModifyVpcEndpoint {
                id, add_route_tables, ..
            } => {
                let routes = add_route_tables.iter().cloned().map(|table| Lack::S3Route(Some(table)));
                routes.chain([Lack::Endpoint(id.clone())]).collect()
            }
            Self::CreateInterfaceEndpoint { service_name, .. } => vec![Lack::Service(service_name.clone())],
            Self::ModifyInterfaceEndpoint { id, .. } => vec![Lack::Endpoint(id.clone())],
            Self::AllocateAddress { .. } | Self::CreateNatGateway { .. } => vec![Lack::WayOut(None)],
            Self::CreateRoute { table, .. } | Self::ReplaceRoute { table, .. } => {
                vec![Lack::WayOut(Some(table.clone()))]
            }
            Self::CreateNetworkAclEntry { acl, .. } | Self::ReplaceNetworkAclEntry { acl, .. } => {
                vec![Lack::AclRules(acl.clone())]
            }
            Self::AuthorizeSecurityGroup {
                group: Target::Existing(id),
                ..
            } => vec![Lack::GroupRules(id.clone())],
            Self::AuthorizeSecurityGroup {
                group: Target::Made(_), ..
            }
            | Self::CreateSecurityGroup { .. }
            | Self::RevokeSecurityGroup { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::DeleteVpcEndpoint { .. }
            | Self::ReleaseAddress { .. }
            | Self::DeleteNatGateway { .. }
            | Self::DeleteRoute { .. }
            | Self::DeleteNetworkAclEntry { .. }
            | Self::CreateFlowLogs { .. }
            | Self::DeleteFlowLogs { .. }
            | Self::PutBucketPolicy { .. }
            | Self::PutRolePolicy { .. }
            | Self::DeleteRolePolicy { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => Vec::new(),
        }
    }
}
