//! Which endpoint leads whom to S3.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::PackageRepositories,
    plan::{ActionId, Target, resolved::ResolvedProfile},
    types::{RouteTableId, VpcEndpointId},
};

/// Which endpoint leads each route table to S3, once the plan is carried out.
pub(in crate::plan) struct Served {
    /// Endpoints of others, by the tables that they are on.
    pub(super) by_others: BTreeMap<RouteTableId, VpcEndpointId>,
    /// Ours, which is on all others in use.
    pub(super) by_ours: Option<Target<VpcEndpointId>>,
    /// The action that makes it.
    pub(in crate::plan) made_by: Option<ActionId>,
    /// What its policy is to do about the package repositories.
    pub(in crate::plan) package_repositories: Option<PackageRepositories>,
}

impl Served {
    /// The endpoints that a profile's requests to S3 come through.
    pub(in crate::plan) fn endpoints_of(&self, resolved: &ResolvedProfile<'_>) -> BTreeSet<Target<VpcEndpointId>> {
        let by_table = |table| match self.by_others.get(table) {
            Some(id) => Some(Target::Existing(id.clone())),
            None => self.by_ours.clone(),
        };
        resolved.tables.keys().filter_map(by_table).collect()
    }
}
