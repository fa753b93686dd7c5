use super::AccountId;

/// The accounts behind a VPC, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The network's: endpoints, gateways, routes, addresses, flow logs.
    pub network: Option<AccountId>,
    /// The workloads': their security groups, roles and buckets.
    pub workloads: Option<AccountId>,
}

impl Accounts {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.network.is_none() && self.workloads.is_none()
    }
}
