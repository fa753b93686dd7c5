//! Whose the VPC's S3 gateway endpoints are, and which `spec.adopt` makes ours.

use std::collections::BTreeMap;

use crate::{
    api::Reason,
    observed::{EndpointState, Stage, VpcEndpoint, VpcSnapshot, tags_of},
    plan::draft::Draft,
    report::{Concern, Finding, Scope},
    types::{ResourceKey, RouteTableId, TAG_CLUSTER, VpcEndpointId, listed},
};

pub(super) const KEY: ResourceKey = ResourceKey::S3GatewayEndpoint;
pub(super) const CONCERN: Concern = Concern::S3;

/// The VPC's S3 gateway endpoints, by whose they are.
pub(super) struct Endpoints<'a> {
    pub(super) ours: Vec<&'a VpcEndpoint>,
    /// Ours, on its way out.
    pub(super) ours_leaving: Vec<&'a VpcEndpoint>,
    pub(super) to_adopt: Vec<&'a VpcEndpoint>,
    pub(super) others: Vec<&'a VpcEndpoint>,
}

impl<'a> Endpoints<'a> {
    pub(super) fn sort(draft: &mut Draft<'a>) -> Self {
        let vpc = &draft.network.vpc;
        let mut sorted = Self {
            ours: Vec::new(),
            ours_leaving: Vec::new(),
            to_adopt: Vec::new(),
            others: Vec::new(),
        };
        for endpoint in draft.snapshot.s3_gateway_endpoints() {
            let tags = tags_of(&endpoint.tags);
            let is_ours = draft.claims.key_of(endpoint.vpc_endpoint_id.as_str()) == Some(&KEY);
            match endpoint.stage() {
                Stage::Deleted => {}
                Stage::Deleting if is_ours => sorted.ours_leaving.push(endpoint),
                Stage::Deleting => {}
                Stage::Available | Stage::Pending | Stage::Failed if is_ours => {
                    sorted.ours.push(endpoint);
                }
                Stage::Available | Stage::Pending | Stage::Failed => {
                    let is_claimed = tags.contains_key(TAG_CLUSTER) || endpoint.requester_managed;
                    if vpc.adopt_endpoints.contains(&endpoint.vpc_endpoint_id) && !is_claimed {
                        sorted.to_adopt.push(endpoint);
                    } else {
                        sorted.others.push(endpoint);
                    }
                }
            }
        }
        // Should there be two, the adopted one stays: others may rely on it.
        sorted.ours.sort_by_key(|endpoint| {
            let adopted = draft.claims.is_adopted(endpoint.vpc_endpoint_id.as_str());
            (!adopted, endpoint.vpc_endpoint_id.clone())
        });
        sorted.settle_adoption(draft);
        sorted
    }

    /// Of those to adopt, one becomes the VPC's endpoint, unless it has one. The
    /// others are used as they are.
    fn settle_adoption(&mut self, draft: &mut Draft<'a>) {
        let adoptable = usize::from(self.ours.is_empty()).min(self.to_adopt.len());
        self.others.extend(self.to_adopt.split_off(adoptable));
        let vpc = &draft.network.vpc;
        let kept: Vec<&VpcEndpointId> = self
            .ours
            .iter()
            .chain(&self.to_adopt)
            .map(|endpoint| &endpoint.vpc_endpoint_id)
            .collect();
        for id in vpc
            .adopt_endpoints
            .iter()
            .filter(|id| !vpc.deleting && !kept.contains(id))
            .filter(|id| !is_interface_endpoint(draft.snapshot, id))
        {
            let message = why_not_adopted(draft.snapshot, id, &kept);
            draft.push(Finding::new(Concern::Accepted, Scope::SageMakerVpc, Reason::CannotAdopt, message).about(id));
        }
    }

    /// The tables that endpoints of others serve, each with its endpoint.
    pub(super) fn served_by_others(&self) -> BTreeMap<RouteTableId, &'a VpcEndpoint> {
        self.others
            .iter()
            .filter(|endpoint| endpoint.stage() != Stage::Failed)
            .flat_map(|endpoint| endpoint.route_table_ids.iter().map(|table| (table.clone(), *endpoint)))
            .collect()
    }
}

/// Why an endpoint that `spec.adopt` lists is somebody else's for good, if so.
pub(in crate::plan) fn why_claimed(endpoint: &VpcEndpoint) -> Option<String> {
    let id = &endpoint.vpc_endpoint_id;
    if let Some(cluster) = tags_of(&endpoint.tags).get(TAG_CLUSTER) {
        return Some(format!(
            "{id}, listed in spec.adopt, is managed from another SageMakerVpc or cluster: its tag {TAG_CLUSTER} is \
             {cluster}. It is used as it is; remove the id from spec.adopt, or have it released there first."
        ));
    }
    endpoint.requester_managed.then(|| {
        format!(
            "{id}, listed in spec.adopt, is managed by another AWS service. It is used as it is; remove the id from \
             spec.adopt."
        )
    })
}

/// Whether the id is that of an interface endpoint, which is settled where
/// these are planned.
fn is_interface_endpoint(snapshot: &VpcSnapshot, id: &VpcEndpointId) -> bool {
    snapshot.vpc_endpoint(id).is_some_and(VpcEndpoint::is_interface)
}

/// Why an endpoint that `spec.adopt` lists is not managed, and what to do.
fn why_not_adopted(snapshot: &VpcSnapshot, id: &VpcEndpointId, kept: &[&VpcEndpointId]) -> String {
    let found = snapshot
        .vpc_endpoint(id)
        .filter(|endpoint| endpoint.state != EndpointState::Deleted);
    let Some(endpoint) = found else {
        return format!(
            "{id}, listed in spec.adopt, is no endpoint of {}: correct the id, or remove it.",
            snapshot.vpc.vpc_id
        );
    };
    if !snapshot.s3_gateway_endpoints().any(|s3| s3.vpc_endpoint_id == *id) {
        return format!(
            "{id}, listed in spec.adopt, is an endpoint for {}, and only interface endpoints and a gateway endpoint for \
             S3 can be adopted. Remove the id from spec.adopt.",
            endpoint.service_name
        );
    }
    if let Some(message) = why_claimed(endpoint) {
        return message;
    }
    format!(
        "{id} is listed in spec.adopt, and the VPC has {} as its S3 endpoint already: one is managed. Remove the id \
         from spec.adopt; the endpoint is used as it is.",
        listed(kept)
    )
}
