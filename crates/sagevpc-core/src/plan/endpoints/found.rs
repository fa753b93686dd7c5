//! Interface endpoints that are there: whose they are, which may be adopted,
//! and what those of others lack.

use super::{
    needs::{EndpointNeed, find_for_all},
    placement::zones_without,
    services::Service,
};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::action_prefix,
    observed::{AddressType, EndpointState, Stage, VpcEndpoint},
    plan::{draft::Draft, s3::why_claimed},
    report::{Concern, Scope, Weight},
    types::{IpAddressType, ResourceKey, listed},
};
use iam_policy::lets_some_action_through;

/// The VPC's endpoints for one service, by whose they are.
pub(super) struct Endpoints<'a> {
    /// Ours, the one to keep first.
    pub(super) ours: Vec<&'a VpcEndpoint>,
    /// Anybody's that is on its way out.
    pub(super) leaving: Vec<&'a VpcEndpoint>,
    /// Somebody else's that becomes ours.
    pub(super) to_adopt: Option<&'a VpcEndpoint>,
    /// Somebody else's that serves already, or would with private DNS.
    pub(super) serving: Option<&'a VpcEndpoint>,
}

impl<'a> Endpoints<'a> {
    pub(super) fn of(draft: &Draft<'a>, service: &Service<'_>) -> Self {
        let vpc = &draft.network.vpc;
        let mut sorted = Self {
            ours: Vec::new(),
            leaving: Vec::new(),
            to_adopt: None,
            serving: None,
        };
        let mut adoptable = Vec::new();
        let mut nameless = None;
        let of_the_service = draft
            .snapshot
            .vpc_endpoints
            .iter()
            .filter(|endpoint| endpoint.is_interface() && endpoint.service_name == service.name);
        for endpoint in of_the_service {
            let is_ours = key_of(draft, endpoint).is_some();
            match endpoint.stage() {
                Stage::Deleted => {}
                Stage::Deleting => sorted.leaving.push(endpoint),
                Stage::Available | Stage::Pending | Stage::Failed if is_ours => {
                    sorted.ours.push(endpoint);
                }
                Stage::Available | Stage::Pending => {
                    let serves = endpoint.private_dns_enabled || !service.private_dns;
                    if vpc.adopt_endpoints.contains(&endpoint.vpc_endpoint_id) && why_claimed(endpoint).is_none() {
                        adoptable.push(endpoint);
                    } else if serves && sorted.serving.is_none() {
                        sorted.serving = Some(endpoint);
                    } else if !serves && nameless.is_none() {
                        nameless = Some(endpoint);
                    }
                }
                Stage::Failed => {}
            }
        }
        // Private DNS can be turned on: that costs nothing, and a second endpoint
        // does.
        if sorted.serving.is_none() && sorted.ours.is_empty() && adoptable.is_empty() {
            sorted.serving = nameless;
        }
        // Should there be two, the adopted one stays, or else that which the
        // name leads to.
        sorted.ours.sort_by_key(|endpoint| {
            let adopted = draft.claims.is_adopted(endpoint.vpc_endpoint_id.as_str());
            (!adopted, !endpoint.private_dns_enabled, &endpoint.vpc_endpoint_id)
        });
        adoptable.sort_by_key(|endpoint| (!endpoint.private_dns_enabled, &endpoint.vpc_endpoint_id));
        let has_name = |endpoint: &VpcEndpoint| service.private_dns && endpoint.private_dns_enabled;
        // The name leads to one endpoint of the VPC only: where that is
        // somebody else's, none of ours is of use.
        if !sorted.serving.is_some_and(has_name) {
            sorted.to_adopt = adoptable.first().copied().filter(|_| sorted.ours.is_empty());
            if !sorted.ours.is_empty() || sorted.to_adopt.is_some() {
                sorted.serving = None;
            }
        }
        sorted
    }

    /// The one that serves, or is to.
    pub(super) fn chosen(&self) -> Option<&'a VpcEndpoint> {
        self.serving.or(self.ours.first().copied()).or(self.to_adopt)
    }
}

/// What an interface endpoint of ours is for.
pub(super) fn key_of(draft: &Draft<'_>, endpoint: &VpcEndpoint) -> Option<ResourceKey> {
    let key = draft.claims.key_of(endpoint.vpc_endpoint_id.as_str())?;
    match key {
        ResourceKey::InterfaceEndpoint { .. } => Some(key.clone()),
        ResourceKey::S3GatewayEndpoint
        | ResourceKey::S3ExpressGatewayEndpoint
        | ResourceKey::EndpointSecurityGroup
        | ResourceKey::ElasticInferenceClient
        | ResourceKey::ElasticInferenceEndpoint
        | ResourceKey::NatGateway { .. }
        | ResourceKey::Address { .. }
        | ResourceKey::FlowLog { .. }
        | ResourceKey::NetworkAclEntries { .. }
        | ResourceKey::DefaultRoute { .. }
        | ResourceKey::BucketPolicy { .. }
        | ResourceKey::RolePolicy { .. }
        | ResourceKey::WorkloadSecurityGroup { .. } => None,
    }
}

/// Reports interface endpoints that `spec.adopt` lists and that are not
/// managed.
pub(super) fn report_what_is_not_adopted(draft: &mut Draft<'_>, needs: &[&EndpointNeed<'_>]) {
    let vpc = &draft.network.vpc;
    if vpc.deleting {
        return;
    }
    let mut problems = Vec::new();
    for id in &vpc.adopt_endpoints {
        let found = draft.snapshot.vpc_endpoints.iter().find(|endpoint| {
            endpoint.vpc_endpoint_id == *id && endpoint.is_interface() && endpoint.state != EndpointState::Deleted
        });
        let Some(endpoint) = found.filter(|endpoint| key_of(draft, endpoint).is_none()) else {
            continue;
        };
        if let Some(message) = why_claimed(endpoint) {
            problems.push((Weight::Blocks, message));
            continue;
        }
        let service = &endpoint.service_name;
        let Some(need) = needs.iter().find(|need| need.service.name == service) else {
            let message = format!(
                "{id}, listed in spec.adopt, is an endpoint for {service}, which no workload calls, so it is left \
                 alone. Remove the id from spec.adopt, or name the service in spec.services."
            );
            problems.push((Weight::Advice, message));
            continue;
        };
        let chosen = Endpoints::of(draft, &need.service).chosen();
        if let Some(other) = chosen.filter(|chosen| chosen.vpc_endpoint_id != *id) {
            let message = format!(
                "{id} is listed in spec.adopt, and the VPC has {} for {service} already: one is managed. Remove the id \
                 from spec.adopt; the endpoint is left alone.",
                other.vpc_endpoint_id
            );
            problems.push((Weight::Blocks, message));
        }
    }
    for (weight, message) in problems {
        let scope = Scope::SageMakerVpc;
        draft.find_weighing(weight, Concern::Accepted, scope, Reason::CannotAdopt, message);
    }
}

/// What keeps an endpoint from serving, whosever it is.
pub(super) fn judge_state(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, endpoint: &VpcEndpoint, concern: Concern) {
    let id = &endpoint.vpc_endpoint_id;
    let service = need.service.short;
    let (reason, message) = match endpoint.stage() {
        Stage::Available => return,
        Stage::Pending if endpoint.state == EndpointState::PendingAcceptance => (
            Reason::Waiting,
            format!("Endpoint {id} for {service} waits until the service's owner accepts it."),
        ),
        Stage::Pending | Stage::Deleting | Stage::Deleted => (
            Reason::Waiting,
            format!(
                "Endpoint {id} for {service} is {}: AWS is still working on it.",
                endpoint.state
            ),
        ),
        Stage::Failed => (
            Reason::EndpointUnavailable,
            format!(
                "Endpoint {id} for {service} is {}: find out why from the service's owner, and delete it, so that a \
                 new one can be made.",
                endpoint.state
            ),
        ),
    };
    find_for_all(draft, need, concern, reason, &message);
}

/// Judges an endpoint of somebody else's, which is used as it is.
pub(super) fn judge(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, endpoint: &VpcEndpoint, concern: Concern) {
    let id = &endpoint.vpc_endpoint_id;
    let service = need.service.short;
    draft.list("VpcEndpoint", id.as_str(), service.to_owned(), ResourceOwnership::Found);
    judge_state(draft, need, endpoint, concern);
    let zones = zones_without(draft.snapshot, need, &endpoint.subnet_ids);
    if !zones.is_empty() && !endpoint.subnet_ids.is_empty() {
        let message = format!(
            "Endpoint {id} for {service}, which is not sagevpc's, has no interface in {}: workloads there reach it in \
             another zone, which AWS charges for, and lose it with that zone. Its owners can add subnets, or let \
             sagevpc: list {id} in spec.adopt.",
            listed(zones)
        );
        for scope in need.scopes() {
            let reason = Reason::EndpointUnavailable;
            draft.find_weighing(Weight::Advice, concern, scope, reason, message.clone());
        }
    }
    judge_policy(draft, need, endpoint, concern);
}

/// Reports a policy that lets nothing of the service through. What of it the
/// workloads will call is theirs to know, so that more is not judged.
fn judge_policy(draft: &mut Draft<'_>, need: &EndpointNeed<'_>, endpoint: &VpcEndpoint, concern: Concern) {
    let id = &endpoint.vpc_endpoint_id;
    let service = need.service.short;
    let fix = format!("Its owners must change it, or let sagevpc: list {id} in spec.adopt.");
    let (reason, problem) = match endpoint.policy() {
        Ok(policy) if lets_some_action_through(&policy, action_prefix(service)) => return,
        Ok(_) => (Reason::PolicyBlocks, format!("lets nothing of {service} through")),
        Err(error) => (Reason::InvalidPolicy, format!("cannot be read: {error}")),
    };
    let message = format!("The policy of endpoint {id} for {service}, which is not sagevpc's, {problem}. {fix}");
    find_for_all(draft, need, concern, reason, &message);
}

/// Whether the service can be reached by this kind of address.
pub(super) fn supports(service: &Service<'_>, wanted: IpAddressType) -> bool {
    let Some(details) = service.details else { return true };
    let kinds = &details.supported_ip_address_types;
    let has = |kind: AddressType| kinds.is_empty() || kinds.iter().any(|found| *found == kind);
    match wanted {
        IpAddressType::Ipv4 => has(AddressType::Ipv4),
        IpAddressType::Ipv6 => has(AddressType::Ipv6),
        IpAddressType::Dualstack => has(AddressType::Ipv4) && has(AddressType::Ipv6),
    }
}
