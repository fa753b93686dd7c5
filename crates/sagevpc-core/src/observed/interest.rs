//! What is to be looked at.

use std::collections::BTreeSet;

use crate::types::{SecurityGroupId, SubnetId, VpcId};

/// What one VPC's reconciliation must look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interest {
    /// The VPC.
    pub vpc: Option<VpcId>,
    /// Subnets that specs name by id: looked up even where they are not in the
    /// VPC, to tell a wrong VPC from a typing error.
    pub subnets: BTreeSet<SubnetId>,
    /// Likewise security groups.
    pub security_groups: BTreeSet<SecurityGroupId>,
    /// Buckets whose policy is looked at.
    pub buckets: BTreeSet<String>,
    /// Whether even what changes seldom is to be read anew.
    pub fresh: bool,
    /// What is looked at only where it is needed.
    pub aspects: BTreeSet<Aspect>,
    /// EC2's names of the instance types whose zones are looked at.
    pub instance_types: BTreeSet<String>,
    /// ARNs of the roles to look at.
    pub roles: BTreeSet<String>,
}

/// Something of a network that is looked at only where it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// Services that take interface endpoints.
    InterfaceServices,
    /// NAT gateways and internet gateways.
    WayOut,
    /// Elastic IP addresses of ours.
    Addresses,
    /// Flow logs.
    FlowLogs,
    /// Flow logs of ours whose VPC or subnet may be gone.
    LeftFlowLogs,
    /// Permissions of others on network interfaces.
    InterfacePermissions,
}
