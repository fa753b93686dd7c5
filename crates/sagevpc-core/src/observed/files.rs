//! Snapshots as JSON files, one for each kind, each as the AWS CLI's
//! describe command prints it. Files may be missing: what is not there was not
//! seen. What cannot be read of a file is noted ([`Unread`](super::Unread)), and the rest of it
//! counts. `Buckets.json` holds, for each bucket, its `Name`, `Region` and `Policy`,
//! the text that `aws s3api get-bucket-policy` prints, or the `Error` code that S3
//! answered with. `TransitGatewayRoutes.json`, `TransitGatewayStaticRoutes.json` and
//! `TransitGatewayPropagations.json` hold an entry for each route table, with its
//! `TransitGatewayRouteTableId` and what the command prints of it. The text comes and goes as values; reading and writing folders is the
//! caller's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Snapshot, Subnet,
    attributes::Attributes,
    entries::{Entry, entry},
    names::is_region,
};
use crate::types::{AccountId, Region, VpcId};

/// A file of a snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}; it must hold what `{}` prints", in_full(command))]
pub struct SnapshotFileError {
    /// The file, as the caller names it.
    pub file: String,
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

/// The file that says whose a snapshot is.
pub const ORIGIN: &str = "Snapshot.json";

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $field:ident: $file:literal, $key:literal, $id:literal, $command:literal;)*) => {
        /// A kind of thing that a snapshot has a file of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FileKind {
            $($(#[$doc])* $kind,)*
        }

        impl FileKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name of its file.
            pub const fn file(self) -> &'static str {
                match self { $(Self::$kind => $file,)* }
            }

            /// The command of the AWS CLI that prints it.
            pub const fn command(self) -> &'static str {
                match self { $(Self::$kind => $command,)* }
            }

            /// The name of its list.
            const fn key(self) -> &'static str {
                match self { $(Self::$kind => $key,)* }
            }

            /// The field with an entry's id.
            pub(super) const fn id(self) -> &'static str {
                match self { $(Self::$kind => $id,)* }
            }
        }

        /// Writes a snapshot as files: name to text, of the lists that were looked at.
        pub fn write(snapshot: &Snapshot) -> BTreeMap<&'static str, String> {
            let mut files = BTreeMap::from([$(($file, pretty(&json!({ $key: snapshot.$field }))),)*]);
            for kind in &snapshot.missing {
                files.remove(kind.file());
            }
            let origin = Origin { account: snapshot.account.clone(), region: snapshot.region.clone() };
            files.insert(ORIGIN, pretty(&json!(origin)));
            files
        }

        impl Snapshot {
            /// Adds what another has.
            fn merge(&mut self, other: &Self) {
                $(self.$field.extend(other.$field.iter().cloned());)*
                self.unread.extend(other.unread.iter().cloned());
                self.account = self.account.take().or_else(|| other.account.clone());
                self.region = self.region.take().or_else(|| other.region.clone());
            }
        }

        impl Reading {
            /// Adds the entries of one list.
            fn add_list(&mut self, kind: FileKind, file: &str, items: Vec<Value>) {
                self.lists.insert(kind);
                match kind {
                    FileKind::VpcAttributes => {
                        for (place, item) in items.into_iter().enumerate() {
                            self.attributes.add(file, place, &item, &mut self.snapshot.unread);
                        }
                    }
                    $(#[allow(unreachable_patterns, reason = "attributes have a way of their own")]
                    FileKind::$kind => for (place, item) in items.into_iter().enumerate() {
                        let Entry { read, problems } = entry(kind, file, place, item);
                        self.snapshot.unread.extend(problems);
                        self.snapshot.$field.extend(read);
                    },)*
                }
            }
        }
    };
}

kinds! {
    /// VPCs.
    Vpcs => vpcs: "Vpcs.json", "Vpcs", "VpcId", "describe-vpcs";
    /// DNS attributes of VPCs.
    VpcAttributes => vpc_attributes: "VpcAttributes.json", "VpcAttributes", "VpcId", "describe-vpc-attribute";
    /// Subnets.
    Subnets => subnets: "Subnets.json", "Subnets", "SubnetId", "describe-subnets";
    /// Route tables.
    RouteTables => route_tables: "RouteTables.json", "RouteTables", "RouteTableId", "describe-route-tables";
    /// Security groups.
    SecurityGroups => security_groups: "SecurityGroups.json", "SecurityGroups", "GroupId", "describe-security-groups";
    /// VPC endpoints.
    VpcEndpoints => vpc_endpoints: "VpcEndpoints.json", "VpcEndpoints", "VpcEndpointId", "describe-vpc-endpoints";
    /// Network interfaces.
    NetworkInterfaces => network_interfaces: "NetworkInterfaces.json", "NetworkInterfaces", "NetworkInterfaceId", "describe-network-interfaces";
    /// DHCP options.
    DhcpOptions => dhcp_options: "DhcpOptions.json", "DhcpOptions", "DhcpOptionsId", "describe-dhcp-options";
    /// Prefix lists.
    PrefixLists => prefix_lists: "PrefixLists.json", "PrefixLists", "PrefixListId", "describe-prefix-lists";
    /// Services that endpoints lead to.
    EndpointServices => endpoint_services: "VpcEndpointServices.json", "ServiceDetails", "ServiceName", "describe-vpc-endpoint-services";
    /// Network ACLs.
    NetworkAcls => network_acls: "NetworkAcls.json", "NetworkAcls", "NetworkAclId", "describe-network-acls";
    /// NAT gateways.
    NatGateways => nat_gateways: "NatGateways.json", "NatGateways", "NatGatewayId", "describe-nat-gateways";
    /// Internet gateways.
    InternetGateways => internet_gateways: "InternetGateways.json", "InternetGateways", "InternetGatewayId", "describe-internet-gateways";
    /// Peering connections.
    VpcPeeringConnections => vpc_peering_connections: "VpcPeeringConnections.json", "VpcPeeringConnections", "VpcPeeringConnectionId", "describe-vpc-peering-connections";
    /// Transit gateways.
    TransitGateways => transit_gateways: "TransitGateways.json", "TransitGateways", "TransitGatewayId", "describe-transit-gateways";
    /// What is attached to transit gateways.
    TransitGatewayAttachments => transit_gateway_attachments: "TransitGatewayAttachments.json", "TransitGatewayAttachments", "TransitGatewayAttachmentId", "describe-transit-gateway-attachments";
    /// VPCs that are attached to transit gateways.
    TransitGatewayVpcAttachments => transit_gateway_vpc_attachments: "TransitGatewayVpcAttachments.json", "TransitGatewayVpcAttachments", "TransitGatewayAttachmentId", "describe-transit-gateway-vpc-attachments";
    /// Routes of transit gateways.
    TransitGatewayRoutes => transit_gateway_routes: "TransitGatewayRoutes.json", "TransitGatewayRoutes", "TransitGatewayRouteTableId", "search-transit-gateway-routes";
    /// Their static routes alone.
    TransitGatewayStaticRoutes => transit_gateway_static_routes: "TransitGatewayStaticRoutes.json", "TransitGatewayStaticRoutes", "TransitGatewayRouteTableId", "search-transit-gateway-routes";
    /// Who tells transit gateways of addresses.
    TransitGatewayPropagations => transit_gateway_propagations: "TransitGatewayPropagations.json", "TransitGatewayPropagations", "TransitGatewayRouteTableId", "get-transit-gateway-route-table-propagations";
    /// Virtual private gateways.
    VpnGateways => vpn_gateways: "VpnGateways.json", "VpnGateways", "VpnGatewayId", "describe-vpn-gateways";
    /// Elastic IP addresses.
    Addresses => addresses: "Addresses.json", "Addresses", "AllocationId", "describe-addresses";
    /// Flow logs.
    FlowLogs => flow_logs: "FlowLogs.json", "FlowLogs", "FlowLogId", "describe-flow-logs";
    /// Buckets.
    Buckets => buckets: "Buckets.json", "Buckets", "Name", "s3api get-bucket-policy";
    /// Permissions on network interfaces.
    NetworkInterfacePermissions => network_interface_permissions: "NetworkInterfacePermissions.json", "NetworkInterfacePermissions", "NetworkInterfacePermissionId", "describe-network-interface-permissions";
    /// Where instance types are offered.
    InstanceTypeOfferings => instance_type_offerings: "InstanceTypeOfferings.json", "InstanceTypeOfferings", "InstanceType", "ec2 describe-instance-type-offerings --location-type availability-zone-id";
    /// What runs.
    Consumers => consumers: "Consumers.json", "Consumers", "Arn", "sagevpc snapshot";
    /// Roles.
    Roles => roles: "Roles.json", "RoleDetailList", "Arn", "iam get-account-authorization-details";
    /// What roles are given.
    ManagedPolicies => managed_policies: "ManagedPolicies.json", "Policies", "Arn", "iam get-account-authorization-details";
    /// What IAM says of roles.
    RoleSimulations => role_simulations: "RoleSimulations.json", "RoleSimulations", "PolicySourceArn", "iam simulate-principal-policy";
    /// Roles that were not seen.
    UnseenRoles => unseen_roles: "UnseenRoles.json", "UnseenRoles", "Arn", "iam get-role";
}

/// A snapshot that is being read, file by file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    snapshot: Snapshot,
    attributes: Attributes,
    /// The lists that are there, be they empty.
    lists: BTreeSet<FileKind>,
}

impl Reading {
    /// Adds what another has read. Of accounts and regions, its own count first.
    pub fn merge(&mut self, other: &Self) {
        self.attributes.merge(&other.attributes);
        self.lists.extend(&other.lists);
        self.snapshot.merge(&other.snapshot);
    }

    /// The account that the files say they are of.
    pub const fn account(&self) -> Option<&AccountId> {
        self.snapshot.account.as_ref()
    }

    /// The region that the files say they are of, or that names in them speak of.
    pub fn region(&self) -> Option<Region> {
        self.snapshot.region.clone().or_else(|| region_of(&self.snapshot))
    }

    /// Says of which account and region the files are that do not say it.
    pub fn place(&mut self, account: Option<&AccountId>, region: Option<&Region>) {
        let Snapshot {
            account: own,
            region: there,
            ..
        } = &mut self.snapshot;
        *own = own.take().or_else(|| account.cloned());
        *there = there.take().or_else(|| region.cloned());
    }

    /// Whether the files have VPCs with subnets, and so can stand alone.
    pub fn stands_alone(&self) -> bool {
        let has = |id: &VpcId| self.snapshot.subnets.iter().any(|subnet| subnet.vpc_id == *id);
        self.snapshot.vpcs.iter().any(|vpc| has(&vpc.vpc_id))
    }

    /// Adds what a file holds: several documents one after the other count as
    /// several files. `file` is what it is called in messages; what comes after
    /// its last `/` says which kind it should be of, and a file of another name
    /// is told by the lists in it. Gives whether the file has a part in the
    /// snapshot.
    ///
    /// # Errors
    ///
    /// When a file that has the name of a kind is not what its command prints.
    pub fn add(&mut self, file: &str, text: &str) -> Result<bool, SnapshotFileError> {
        let name = file.rsplit('/').next().unwrap_or(file);
        if name.eq_ignore_ascii_case(ORIGIN) {
            let origin: Origin =
                serde_json::from_str(text).map_err(|error| failed(file, "sagevpc snapshot", &error.to_string()))?;
            self.snapshot.account = origin.account.or(self.snapshot.account.take());
            self.snapshot.region = origin.region.or(self.snapshot.region.take());
            return Ok(true);
        }
        let mut kinds = FileKind::ALL.iter().copied();
        let named = kinds.find(|kind| kind.file().eq_ignore_ascii_case(name));
        let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        let documents = match (documents, named) {
            (Ok(documents), _) => documents,
            (Err(error), Some(kind)) => return Err(failed(file, kind.command(), &error.to_string())),
            (Err(_), None) => return Ok(false),
        };
        let mut has_part = false;
        for document in documents {
            has_part |= self.add_document(file, named, document);
        }
        match named {
            Some(kind) if !has_part => {
                let problem = format!("there is no list {:?} in it", kind.key());
                Err(failed(file, kind.command(), &problem))
            }
            Some(_) | None => Ok(has_part),
        }
    }

    fn add_document(&mut self, file: &str, named: Option<FileKind>, document: Value) -> bool {
        match document {
            // `describe-vpc-attribute` prints one attribute of one VPC, and no list.
            Value::Object(fields) if Attributes::is_one(&fields) => {
                self.add_list(FileKind::VpcAttributes, file, vec![Value::Object(fields)]);
                true
            }
            Value::Object(mut fields) => {
                let mut has_part = false;
                for kind in FileKind::ALL.iter().copied().filter(|kind| counts(*kind, named)) {
                    if let Some(Value::Array(items)) = fields.remove(kind.key()) {
                        self.add_list(kind, file, items);
                        has_part = true;
                    }
                }
                has_part
            }
            Value::Array(items) if named == Some(FileKind::VpcAttributes) => {
                self.add_list(FileKind::VpcAttributes, file, items);
                true
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
        }
    }

    /// What the files come to.
    pub fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        snapshot.vpc_attributes = self.attributes.finish(&mut snapshot.unread);
        snapshot.region = snapshot.region.clone().or_else(|| region_of(&snapshot));
        let is_missing = |kind: &FileKind| !self.lists.contains(kind);
        snapshot.missing = FileKind::ALL.iter().copied().filter(is_missing).collect();
        snapshot
    }
}

/// Whether a list of this kind counts in a file that should be of kind `named`.
/// Many commands print lists of policies, so these count in their own file alone.
fn counts(kind: FileKind, named: Option<FileKind>) -> bool {
    match named {
        Some(named) => kind == named,
        None => kind != FileKind::ManagedPolicies && kind != FileKind::Roles,
    }
}

/// Reads a snapshot from files of the usual names; `read` gives a file's text, or
/// `None` where it is missing.
///
/// # Errors
///
/// When a file is not what its command prints.
pub fn read(mut read: impl FnMut(&str) -> Option<String>) -> Result<Snapshot, SnapshotFileError> {
    let mut reading = Reading::default();
    for name in FileKind::ALL.iter().map(|kind| kind.file()).chain([ORIGIN]) {
        if let Some(text) = read(name) {
            reading.add(name, &text)?;
        }
    }
    Ok(reading.finish())
}

/// The region that the names of prefix lists and services, or else of zones,
/// speak of; `None` where there are several.
fn region_of(snapshot: &Snapshot) -> Option<Region> {
    let lists = snapshot.prefix_lists.iter().map(|list| &list.prefix_list_name);
    let services = snapshot.endpoint_services.iter().map(|service| &service.service_name);
    let names = lists.chain(services).flat_map(|name| name.split('.'));
    only(names).or_else(|| region_of_zones(snapshot.subnets.iter()))
}

/// The region that the zones of subnets are in; `None` where there are several.
pub(super) fn region_of_zones<'s>(subnets: impl Iterator<Item = &'s Subnet>) -> Option<Region> {
    let zones = subnets.filter_map(|subnet| subnet.availability_zone.as_deref());
    only(zones.map(|zone| zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase())))
}

/// The one region among the texts.
fn only<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Region> {
    let regions: BTreeSet<&str> = texts.filter(|text| is_region(text)).collect();
    let mut regions = regions.into_iter();
    regions.next().filter(|_| regions.next().is_none()).map(Region::new)
}

/// A command in full: AWS's are EC2's where they name no service.
fn in_full(command: &str) -> String {
    match command.split_once(' ') {
        Some(("sagevpc", _)) => command.to_owned(),
        Some(_) => format!("aws {command}"),
        None => format!("aws ec2 {command}"),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn failed(file: &str, command: &'static str, problem: &str) -> SnapshotFileError {
    SnapshotFileError {
        file: file.to_owned(),
        command,
        problem: problem.to_owned(),
    }
}
