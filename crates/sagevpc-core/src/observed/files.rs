//! Snapshots as folders of JSON, one file for each kind, each as the AWS CLI's
//! describe command prints it. Files may be missing: what is not there was not
//! seen. `Buckets.json` holds, for each bucket, its `Name`, `Region` and `Policy`,
//! the text that `aws s3api get-bucket-policy` prints, or the `Error` code that S3
//! answered with. The text comes and goes as values; reading and writing folders is the
//! caller's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Snapshot, names::is_region};
use crate::types::{AccountId, Region};

/// A file of a snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}; each file must hold what `aws {}` prints", in_full(command))]
pub struct SnapshotFileError {
    /// The file's name.
    pub file: &'static str,
    /// The command whose output it should be.
    pub command: &'static str,
    /// What is wrong.
    pub problem: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Origin {
    account: Option<AccountId>,
    region: Option<Region>,
}

const ORIGIN: &str = "Snapshot.json";

macro_rules! kinds {
    ($($field:ident: $file:literal, $key:literal, $command:literal;)*) => {
        /// The names of the files, each with the CLI command that prints it.
        pub const FILES: &[(&str, &str)] = &[$(($file, $command),)*];

        /// Writes a snapshot as files: name to text.
        pub fn write(snapshot: &Snapshot) -> BTreeMap<&'static str, String> {
            let mut files = BTreeMap::from([$(($file, pretty(&json!({ $key: snapshot.$field }))),)*]);
            let origin = Origin { account: snapshot.account.clone(), region: snapshot.region.clone() };
            files.insert(ORIGIN, pretty(&json!(origin)));
            files
        }

        /// Reads a snapshot from files; `read` gives a file's text, or `None`
        /// where it is missing.
        ///
        /// # Errors
        ///
        /// When a file is not what its command prints.
        pub fn read(mut read: impl FnMut(&str) -> Option<String>) -> Result<Snapshot, SnapshotFileError> {
            let origin: Option<Origin> = match read(ORIGIN) {
                Some(text) => Some(parse(ORIGIN, "", &text)?),
                None => None,
            };
            let (account, region) = origin.map_or((None, None), |origin| (origin.account, origin.region));
            let mut snapshot = Snapshot {
                account,
                region,
                $($field: match read($file) {
                    Some(text) => list($file, $key, $command, &text)?,
                    None => Vec::new(),
                },)*
            };
            snapshot.region = snapshot.region.clone().or_else(|| region_of(&snapshot));
            Ok(snapshot)
        }
    };
}

kinds! {
    vpcs: "Vpcs.json", "Vpcs", "describe-vpcs";
    vpc_attributes: "VpcAttributes.json", "VpcAttributes", "describe-vpc-attribute";
    subnets: "Subnets.json", "Subnets", "describe-subnets";
    route_tables: "RouteTables.json", "RouteTables", "describe-route-tables";
    security_groups: "SecurityGroups.json", "SecurityGroups", "describe-security-groups";
    vpc_endpoints: "VpcEndpoints.json", "VpcEndpoints", "describe-vpc-endpoints";
    network_interfaces: "NetworkInterfaces.json", "NetworkInterfaces", "describe-network-interfaces";
    dhcp_options: "DhcpOptions.json", "DhcpOptions", "describe-dhcp-options";
    prefix_lists: "PrefixLists.json", "PrefixLists", "describe-prefix-lists";
    endpoint_services: "VpcEndpointServices.json", "ServiceDetails", "describe-vpc-endpoint-services";
    network_acls: "NetworkAcls.json", "NetworkAcls", "describe-network-acls";
    nat_gateways: "NatGateways.json", "NatGateways", "describe-nat-gateways";
    internet_gateways: "InternetGateways.json", "InternetGateways", "describe-internet-gateways";
    addresses: "Addresses.json", "Addresses", "describe-addresses";
    flow_logs: "FlowLogs.json", "FlowLogs", "describe-flow-logs";
    buckets: "Buckets.json", "Buckets", "s3api get-bucket-policy";
    network_interface_permissions: "NetworkInterfacePermissions.json", "NetworkInterfacePermissions", "describe-network-interface-permissions";
    consumers: "Consumers.json", "Consumers", "sagevpc snapshot";
    roles: "Roles.json", "RoleDetailList", "iam get-account-authorization-details";
    managed_policies: "ManagedPolicies.json", "Policies", "iam get-account-authorization-details";
    role_simulations: "RoleSimulations.json", "RoleSimulations", "iam simulate-principal-policy";
    unseen_roles: "UnseenRoles.json", "UnseenRoles", "iam get-role";
}

/// The region that the names of prefix lists and services, or else of zones,
/// speak of; `None` where there are several.
fn region_of(snapshot: &Snapshot) -> Option<Region> {
    let lists = snapshot.prefix_lists.iter().map(|list| &list.prefix_list_name);
    let services = snapshot.endpoint_services.iter().map(|service| &service.service_name);
    let names = lists.chain(services).flat_map(|name| name.split('.'));
    let zones = snapshot
        .subnets
        .iter()
        .filter_map(|subnet| subnet.availability_zone.as_deref());
    let of_zones = zones.map(|zone| zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase()));
    only(names).or_else(|| only(of_zones))
}

/// The one region among the texts.
fn only<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Region> {
    let regions: BTreeSet<&str> = texts.filter(|text| is_region(text)).collect();
    let mut regions = regions.into_iter();
    regions.next().filter(|_| regions.next().is_none()).map(Region::new)
}

/// A command with the service's name, which is EC2 where it names none.
fn in_full(command: &str) -> String {
    if command.contains(' ') {
        command.to_owned()
    } else {
        format!("ec2 {command}")
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn parse<T: DeserializeOwned>(file: &'static str, command: &'static str, text: &str) -> Result<T, SnapshotFileError> {
    serde_json::from_str(text).map_err(|error| SnapshotFileError {
        file,
        command,
        problem: error.to_string(),
    })
}

fn list<T: DeserializeOwned>(
    file: &'static str,
    key: &'static str,
    command: &'static str,
    text: &str,
) -> Result<Vec<T>, SnapshotFileError> {
    let mut content: BTreeMap<String, Value> = parse(file, command, text)?;
    let Some(items) = content.remove(key) else {
        return Err(SnapshotFileError {
            file,
            command,
            problem: format!("there is no list {key:?} in it"),
        });
    };
    serde_json::from_value(items).map_err(|error| SnapshotFileError {
        file,
        command,
        problem: error.to_string(),
    })
}
