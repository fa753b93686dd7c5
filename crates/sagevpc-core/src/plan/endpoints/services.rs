//! Which service of AWS's a name means. Names are never built: what exists is
//! what AWS lists.

use std::collections::BTreeSet;

use crate::{
    catalog::short_service_name,
    observed::{EndpointService, EndpointState, VpcEndpoint, VpcSnapshot},
    types::{Region, ResourceKey},
};

/// How alike two names are to be told as near: 1 is equal.
const NEAR: f64 = 0.8;

/// Near names that are told.
const MAX_NEAR: usize = 3;

/// A service that takes interface endpoints.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Service<'a> {
    /// Its full name.
    pub(in crate::plan) name: &'a str,
    /// Its short one, or again the full one where the short one is not its
    /// alone.
    pub(in crate::plan) short: &'a str,
    /// What AWS says of it; unknown where only an endpoint of it was seen.
    pub(in crate::plan) details: Option<&'a EndpointService>,
    /// Whether its own name is to lead to the endpoint in the whole VPC.
    pub(in crate::plan) private_dns: bool,
}

impl<'a> Service<'a> {
    fn offered(snapshot: &'a VpcSnapshot, region: &Region, details: &'a EndpointService) -> Self {
        let name = details.service_name.as_str();
        let is_alone = |short: &&str| {
            interface_services(snapshot, region)
                .filter(|(_, other)| other == short)
                .count()
                < 2
        };
        // A service with gateway endpoints, such as S3, is reached by its own
        // name through these: private DNS would move all that traffic.
        let has_gateway = snapshot
            .endpoint_services
            .iter()
            .any(|other| other.service_name == name && other.is_gateway());
        Self {
            name,
            short: short_service_name(name, region).filter(is_alone).unwrap_or(name),
            details: Some(details),
            private_dns: !has_gateway && !details.private_names().is_empty(),
        }
    }

    /// The service behind an endpoint.
    pub(in crate::plan) fn behind(snapshot: &'a VpcSnapshot, region: &Region, endpoint: &'a VpcEndpoint) -> Self {
        let name = endpoint.service_name.as_str();
        let known = snapshot
            .endpoint_services
            .iter()
            .find(|service| service.is_interface() && service.service_name == name);
        match known {
            Some(details) => Self::offered(snapshot, region, details),
            None => Self {
                name,
                short: short_service_name(name, region).unwrap_or(name),
                details: None,
                private_dns: endpoint.private_dns_enabled,
            },
        }
    }

    /// What its endpoint is called among what is ours.
    pub(in crate::plan) fn key(&self) -> ResourceKey {
        ResourceKey::InterfaceEndpoint {
            service: self.short.to_owned(),
        }
    }

    /// The zones that it has, by name; `None` for all of them.
    pub(in crate::plan) fn zones(&self) -> Option<BTreeSet<&'a str>> {
        let zones = &self.details?.availability_zones;
        (!zones.is_empty()).then(|| zones.iter().map(String::as_str).collect())
    }
}

/// What a name was found to mean.
#[derive(Debug)]
pub(in crate::plan) enum NamedService<'a> {
    /// This service.
    Service(Service<'a>),
    /// No service; these have names like it.
    Nothing {
        /// Short names, the likest first.
        near: Vec<&'a str>,
    },
    /// Any of these: full names.
    Several(Vec<&'a str>),
    /// Nobody knows: services were not looked at.
    Unseen,
}

/// What the name means: a full name exactly, a short one among Amazon's own
/// services.
pub(in crate::plan) fn look_up<'a>(snapshot: &'a VpcSnapshot, region: &Region, name: &str) -> NamedService<'a> {
    let services = || {
        snapshot
            .endpoint_services
            .iter()
            .filter(|service| service.is_interface())
    };
    if let Some(exact) = services().find(|service| service.service_name == name) {
        return NamedService::Service(Service::offered(snapshot, region, exact));
    }
    let of_that_name: Vec<&EndpointService> = interface_services(snapshot, region)
        .filter(|(_, short)| *short == name)
        .map(|(service, _)| service)
        .collect();
    match of_that_name.as_slice() {
        [only] => return NamedService::Service(Service::offered(snapshot, region, only)),
        [] => {}
        several => {
            let mut names: Vec<&str> = several.iter().map(|service| service.service_name.as_str()).collect();
            names.sort_unstable();
            return NamedService::Several(names);
        }
    }
    // What serves already is not given up because a list is short.
    let there = snapshot.vpc_endpoints.iter().find(|endpoint| {
        let service = &endpoint.service_name;
        let is_it = service == name || short_service_name(service, region) == Some(name);
        is_it && endpoint.is_interface() && endpoint.state != EndpointState::Deleted
    });
    if let Some(endpoint) = there {
        return NamedService::Service(Service::behind(snapshot, region, endpoint));
    }
    if services().next().is_none() {
        return NamedService::Unseen;
    }
    NamedService::Nothing {
        near: near(snapshot, region, name),
    }
}

/// Whether the name may be had here, as far as that is known.
pub(in crate::plan) fn is_offered(snapshot: &VpcSnapshot, region: &Region, name: &str) -> bool {
    match look_up(snapshot, region, name) {
        NamedService::Nothing { .. } => false,
        NamedService::Service(_) | NamedService::Several(_) | NamedService::Unseen => true,
    }
}

/// Amazon's own services with interface endpoints, each with its short name.
fn interface_services<'a>(
    snapshot: &'a VpcSnapshot,
    region: &Region,
) -> impl Iterator<Item = (&'a EndpointService, &'a str)> {
    snapshot
        .endpoint_services
        .iter()
        .filter(|service| service.is_interface() && service.is_amazons())
        .filter_map(move |service| Some((service, short_service_name(&service.service_name, region)?)))
}

fn near<'a>(snapshot: &'a VpcSnapshot, region: &Region, name: &str) -> Vec<&'a str> {
    let wanted = short_service_name(name, region).unwrap_or(name).to_ascii_lowercase();
    let mut scored: Vec<(f64, &str)> = interface_services(snapshot, region)
        .map(|(_, short)| (strsim::jaro_winkler(&wanted, short), short))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup();
    scored.into_iter().take(MAX_NEAR).map(|(_, short)| short).collect()
}
