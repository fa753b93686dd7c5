//! Which call to AWS carries an action out.

use super::Action;
use crate::catalog::calls::Call;

impl From<&Action> for Call {
    /// The call that carries an action out.
    fn from(action: &Action) -> Self {
        match action {
            Action::ModifyVpcAttribute { .. } => Self::ModifyVpcAttribute,
            Action::CreateSecurityGroup { .. } => Self::CreateSecurityGroup,
            Action::AuthorizeSecurityGroup { direction, .. } => Self::authorize(*direction),
            Action::RevokeSecurityGroup { direction, .. } => Self::revoke(*direction),
            Action::DeleteSecurityGroup { .. } => Self::DeleteSecurityGroup,
            Action::CreateVpcEndpoint { .. } => Self::CreateVpcEndpoint,
            Action::ModifyVpcEndpoint { .. } => Self::ModifyVpcEndpoint,
            Action::DeleteVpcEndpoint { .. } => Self::DeleteVpcEndpoints,
            Action::CreateInterfaceEndpoint { .. } => Self::CreateVpcEndpoint,
            Action::ModifyInterfaceEndpoint { .. } => Self::ModifyVpcEndpoint,
            Action::AllocateAddress { .. } => Self::AllocateAddress,
            Action::ReleaseAddress { .. } => Self::ReleaseAddress,
            Action::CreateNatGateway { .. } => Self::CreateNatGateway,
            Action::DeleteNatGateway { .. } => Self::DeleteNatGateway,
            Action::CreateRoute { .. } => Self::CreateRoute,
            Action::ReplaceRoute { .. } => Self::ReplaceRoute,
            Action::DeleteRoute { .. } => Self::DeleteRoute,
            Action::CreateNetworkAclEntry { .. } => Self::CreateNetworkAclEntry,
            Action::ReplaceNetworkAclEntry { .. } => Self::ReplaceNetworkAclEntry,
            Action::DeleteNetworkAclEntry { .. } => Self::DeleteNetworkAclEntry,
            Action::CreateFlowLogs { .. } => Self::CreateFlowLogs,
            Action::DeleteFlowLogs { .. } => Self::DeleteFlowLogs,
            Action::PutBucketPolicy { .. } => Self::PutBucketPolicy,
            Action::PutRolePolicy { .. } => Self::PutRolePolicy,
            Action::DeleteRolePolicy { .. } => Self::DeleteRolePolicy,
            Action::CreateTags { .. } => Self::CreateTags,
            Action::DeleteTags { .. } => Self::DeleteTags,
        }
    }
}

#[cfg(test)]
mod tests;
