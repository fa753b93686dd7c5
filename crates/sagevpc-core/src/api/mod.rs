//! The custom resources: what users write and read.
//!
//! Two objects, split as Gateway API splits Gateway and HTTPRoute: a
//! [`SageMakerVpc`] is the platform team's and bounds what may happen in one
//! VPC; a [`SageMakerVpcProfile`] is a team's and says which workloads run
//! there. No type of an AWS SDK appears here.

pub(crate) mod bounds;
mod condition;
mod destination;
mod grants;
mod network;
mod prices;
mod profile;
mod status;
mod vpc;

pub use condition::{Condition, ConditionStatus, ConditionType, Reason};
pub use destination::{Destination, DestinationPorts, FileSystem, TransportProtocol};
pub use grants::{EnforceGrants, Grant, Grants, NamespaceGrant};
pub use network::{
    Admit, Discovery, FlowLogResourceType, FlowLogs, InterfaceEndpointMode, InterfaceEndpointPolicy,
    InterfaceEndpoints, Internet, InternetMode, NatGateways, NetworkAclMode, NetworkAcls,
};
pub use prices::{Price, Prices};
pub use profile::{
    Blocker, Bucket, Exempt, ManagedSecurityGroups, Orchestrator, PackageRepositories, ProfileSecurityGroups,
    RequireVpcEndpoint, SageMakerVpcProfile, SageMakerVpcProfileSpec, SageMakerVpcProfileStatus, ShadowEndpoint,
    Verdict, VpcConfig, VpcRef, Who, Workload, WorkloadStatus,
};
pub use status::{
    ActionState, ActionStatus, ApprovedStatus, BucketInForce, ConsumerStatus, ConsumersStatus, DriftStatus, HeldStatus,
    InForce, LedgerEntry, LedgerStatus, NetworkAclInForce, PlanStatus, ProfileInForce, ProfilesStatus,
    ResourceOwnership, ResourceStatus, SageMakerVpcStatus,
};
pub use vpc::{
    AcceptUnknown, AllowedNamespaces, Approval, AssumedRole, Credentials, DeletionPolicy, Dns, EndpointPolicyType,
    LabelSelector, ManagementPolicy, NamespacesFrom, S3Endpoint, S3EndpointPolicy, SageMakerVpc, SageMakerVpcSpec,
    Selection, TagSelector,
};

/// The API group of both kinds.
pub const GROUP: &str = "sagevpc.dev";
/// The version that both kinds are stored in.
pub const VERSION: &str = "v1alpha1";
/// Whether an object is being deleted.
pub fn is_deleting<K: kube::Resource>(object: &K) -> bool {
    object.meta().deletion_timestamp.is_some()
}

/// The finalizer on both kinds.
pub const FINALIZER: &str = "sagevpc.dev/network";

#[cfg(test)]
mod tests {
    use serde_json::to_value;

    use super::*;
    use crate::catalog::WorkloadKind;

    #[test]
    fn words_are_shown_as_they_are_written() {
        for kind in WorkloadKind::ALL {
            assert_eq!(to_value(kind).unwrap(), kind.as_str());
        }
        for status in [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown] {
            assert_eq!(to_value(status).unwrap(), status.as_str());
        }
        for verdict in [Verdict::Yes, Verdict::Unknown, Verdict::No] {
            assert_eq!(to_value(verdict).unwrap(), verdict.as_str());
        }
        for state in [
            ActionState::Planned,
            ActionState::Held,
            ActionState::Waiting,
            ActionState::Failed,
            ActionState::Done,
        ] {
            assert_eq!(to_value(state).unwrap(), state.as_str());
        }
        for unknown in [
            AcceptUnknown::CustomResolver,
            AcceptUnknown::TransitGateway,
            AcceptUnknown::Firewall,
            AcceptUnknown::SharedVpc,
            AcceptUnknown::Peering,
            AcceptUnknown::BucketPolicy,
        ] {
            assert_eq!(to_value(unknown).unwrap(), unknown.as_str());
        }
    }
}
