//! How AWS is to look, in a form that is hashed.
//!
//! The hash is kept in status: while AWS matches a network whose hash is there,
//! a difference was made by someone else and is repaired as such. So the form
//! has names of its own and hangs on no Rust name, and on none of what only says
//! how to get there. Whatever changes it reads as another network, once: until
//! AWS matches again, what somebody breaks is no repair, and where it hits others
//! waits to be approved.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Network, ProfileNetwork};
use crate::{
    api::{InterfaceEndpointMode, PackageRepositories},
    catalog::{Options, PresetNeeds, Priced, Prices, WorkloadKind},
    types::{BucketAccess, FlowLogSettings, Ownership, Region},
    validate::{
        AbsentProfile, Choice, EndpointPolicy, FrozenProfile, RequiredEndpoint, SecurityGroups, ValidFlowLogs,
        ValidInterfaceEndpoints, ValidProfile, ValidVpc, ValidWorkload,
    },
};

/// The hash of a form whose names stand in their order.
pub(crate) fn hashed(form: &impl Serialize) -> String {
    match serde_json::to_vec(form) {
        Ok(text) => hex::encode(&Sha256::digest(text)[..16]),
        // Forms can be written: their names are text.
        Err(error) => error.to_string(),
    }
}

/// The value with its names in their order.
fn in_order(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

/// Everything that says how AWS is to look, in the order of the names.
#[derive(Serialize)]
pub(super) struct NetworkForm<'a> {
    absent: Vec<Value>,
    frozen: Vec<Value>,
    overflows: bool,
    profiles: Vec<ProfileForm<'a>>,
    vpc: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileForm<'a> {
    bucket_regions: &'a BTreeMap<String, Region>,
    buckets: BTreeSet<&'a str>,
    destinations: Vec<Value>,
    package_repositories: Option<PackageRepositories>,
    profile: String,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    read_only_buckets: BTreeSet<&'a str>,
    required_endpoints: BTreeMap<&'a str, Value>,
    security_groups: Value,
    services: &'a BTreeSet<String>,
    subnets: Option<Value>,
    workloads: Vec<WorkloadForm<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadForm<'a> {
    direct_internet_access: bool,
    distributed: bool,
    efa: bool,
    encrypted: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    eks: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_type: Option<&'a str>,
    instances: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    isolated: bool,
    kind: WorkloadKind,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    preset_buckets: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    preset_services: Vec<&'a str>,
    role_arn: Option<&'a str>,
    role_enforced: bool,
    #[serde(skip_serializing_if = "is_none")]
    shadow_instances: u32,
}

/// What an earlier version did not know of is left out where nobody asks for it,
/// so that what was approved stays approved.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

pub(super) fn form(network: &Network) -> NetworkForm<'_> {
    let Network {
        vpc,
        profiles,
        frozen,
        absent,
        // They have no say any more.
        leaving: _,
        overflows,
    } = network;
    NetworkForm {
        absent: absent.iter().map(of_absent).collect(),
        frozen: frozen.iter().map(of_frozen).collect(),
        overflows: *overflows,
        profiles: profiles.iter().map(of_profile).collect(),
        vpc: in_order(of_vpc(vpc)),
    }
}

fn of_vpc(vpc: &ValidVpc) -> Value {
    let ValidVpc {
        ownership: Ownership {
            cluster,
            cluster_uid,
            vpc: name,
        },
        region: _,
        vpc_id,
        management_policy: _,
        deletion_policy: _,
        approval: _,
        approved_plan: _,
        take_over_from: _,
        paused: _,
        deleting,
        resync_interval: _,
        absent_grace: _,
        subnets,
        route_tables,
        s3_policy,
        dns,
        accept_unknown: _,
        tags,
        adopt_endpoints,
        adopt_security_groups,
        package_repositories,
        services,
        interface_endpoints:
            ValidInterfaceEndpoints {
                mode,
                admit,
                ip_address_type,
                policies,
            },
        internet,
        nat_gateways,
        had_nat_gateways: _,
        public_subnets,
        network_acls,
        first_rule_number,
        flow_logs,
        max_monthly_cost,
        prices,
        discovery: _,
        granted,
        roles_in_force: _,
    } = vpc;
    json!({
        "cluster": cluster,
        "clusterUid": cluster_uid,
        "name": name,
        "vpcId": vpc_id,
        "deleting": deleting,
        "subnets": subnets.as_ref().map(of_choice),
        "routeTables": route_tables.as_ref().map(of_choice),
        "s3Policy": match s3_policy {
            EndpointPolicy::FullAccess => json!("FullAccess"),
            EndpointPolicy::Buckets => json!("Buckets"),
            EndpointPolicy::Custom(document) => document.to_value(),
        },
        "dns": dns,
        "tags": tags,
        "adoptEndpoints": adopt_endpoints,
        "adoptSecurityGroups": adopt_security_groups,
        "packageRepositories": package_repositories,
        "services": services,
        "interfaceEndpoints": of_interface_endpoints(*mode, &json!({
            "admit": admit,
            "ipAddressType": ip_address_type,
            "policies": policies,
        })),
        "internet": internet,
        "natGateways": nat_gateways,
        "publicSubnets": public_subnets.as_ref().map(of_choice),
        "networkAcls": network_acls,
        "firstRuleNumber": first_rule_number,
        "flowLogs": flow_logs.as_ref().map(of_flow_logs),
        "maxMonthlyCost": of_limit(*max_monthly_cost, prices),
        "enforcedRoles": granted.enforced_roles(),
    })
}

/// The form of a network whose mode is the default is that of versions which
/// knew no other.
fn of_interface_endpoints(mode: InterfaceEndpointMode, rest: &Value) -> Value {
    match mode {
        InterfaceEndpointMode::Always => rest.clone(),
        InterfaceEndpointMode::WhereNoWayOut => json!({ "mode": mode, "rest": rest }),
    }
}

/// Prices bear on what is made only where there is a limit; without any, the
/// form is that of versions which knew none.
fn of_limit(limit: Option<u32>, prices: &Prices) -> Value {
    let given: BTreeMap<&str, String> = Priced::ALL
        .into_iter()
        .filter_map(|priced| Some((priced.field(), prices.get(priced)?.exact())))
        .collect();
    match limit {
        Some(limit) if !given.is_empty() => json!({ "limit": limit, "prices": given }),
        Some(_) | None => json!(limit),
    }
}

fn of_choice<Id: serde::Serialize>(choice: &Choice<Id>) -> Value {
    match choice {
        Choice::Ids(ids) => json!({ "ids": ids }),
        Choice::Tags(tags) => json!({ "tags": tags }),
    }
}

fn of_flow_logs(flow_logs: &ValidFlowLogs) -> Value {
    let ValidFlowLogs {
        resource_type,
        settings:
            FlowLogSettings {
                traffic_type,
                log_destination_type,
                log_destination,
                deliver_logs_permission_arn,
                log_format,
                max_aggregation_interval,
            },
    } = flow_logs;
    json!({
        "resourceType": resource_type,
        "trafficType": traffic_type,
        "logDestinationType": log_destination_type,
        "logDestination": log_destination,
        "deliverLogsPermissionArn": deliver_logs_permission_arn,
        "logFormat": log_format,
        "maxAggregationInterval": max_aggregation_interval,
    })
}

fn of_profile(network: &ProfileNetwork) -> ProfileForm<'_> {
    let ProfileNetwork {
        profile,
        // These follow from the profile and the VPC.
        groups: _,
        demands: _,
        callers: _,
    } = network;
    let ValidProfile {
        key,
        created: _,
        established: _,
        workloads,
        subnets,
        security_groups,
        // Says what it had, not how AWS is to look.
        holdings: _,
        package_repositories,
        buckets,
        bucket_regions,
        required_endpoints,
        services,
        destinations,
    } = profile;
    let required = required_endpoints.iter();
    ProfileForm {
        bucket_regions,
        buckets: buckets.keys().map(String::as_str).collect(),
        destinations: destinations
            .iter()
            .map(|destination| in_order(json!(destination)))
            .collect(),
        package_repositories: *package_repositories,
        profile: key.to_string(),
        read_only_buckets: buckets
            .iter()
            .filter(|(_, access)| **access == BucketAccess::ReadOnly)
            .map(|(name, _)| name.as_str())
            .collect(),
        required_endpoints: required
            .map(|(bucket, required)| (bucket.as_str(), of_required_endpoint(required)))
            .collect(),
        security_groups: match security_groups {
            SecurityGroups::PerProfile => json!("PerProfile"),
            SecurityGroups::PerWorkload => json!("PerWorkload"),
            SecurityGroups::Own(ids) => json!({ "ids": ids }),
        },
        services,
        subnets: subnets.as_ref().map(of_choice),
        workloads: workloads.iter().map(of_workload).collect(),
    }
}

fn of_workload(workload: &ValidWorkload) -> WorkloadForm<'_> {
    let ValidWorkload {
        name,
        kind,
        instances,
        options:
            Options {
                distributed,
                encrypted,
                efa,
                isolated,
                // It is there where it has instances.
                shadow_endpoint: _,
                eks,
            },
        instance_type,
        shadow_instances,
        direct_internet_access,
        presets:
            PresetNeeds {
                services,
                usual_services,
                buckets,
                usual_buckets,
            },
        role_arn,
        role_enforced,
    } = workload;
    WorkloadForm {
        direct_internet_access: *direct_internet_access,
        distributed: *distributed,
        efa: *efa,
        encrypted: *encrypted,
        eks: *eks,
        instance_type: instance_type.as_deref(),
        instances: *instances,
        isolated: *isolated,
        kind: *kind,
        name,
        preset_buckets: buckets.iter().chain(usual_buckets).map(String::as_str).collect(),
        preset_services: services.iter().chain(usual_services).copied().collect(),
        role_arn: role_arn.as_deref(),
        role_enforced: *role_enforced,
        shadow_instances: *shadow_instances,
    }
}

fn of_required_endpoint(required: &RequiredEndpoint) -> Value {
    let RequiredEndpoint { exempt, enforced } = required;
    let exempt: Vec<String> = exempt.iter().map(ToString::to_string).collect();
    json!({ "enforced": enforced, "exempt": exempt })
}

fn of_frozen(frozen: &FrozenProfile) -> Value {
    let FrozenProfile { key, holdings, granted } = frozen;
    let (profile, holdings) = (key.to_string(), holdings.to_string());
    in_order(json!({ "granted": granted, "holdings": holdings, "profile": profile }))
}

fn of_absent(absent: &AbsentProfile) -> Value {
    let AbsentProfile {
        key,
        holdings,
        since: _,
    } = absent;
    json!({ "holdings": holdings.to_string(), "profile": key.to_string() })
}

#[cfg(test)]
mod tests;
