//! Reads a case: objects and what AWS shows, each as a change to the common
//! base, so that a case's files hold only what is particular to it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use kube::ResourceExt;
use sagevpc_core::{
    api::{FINALIZER, ProfileInForce},
    objects::Objects,
    observed::{Snapshot, files},
    types::{AccountId, Holdings, Region},
    validate::References,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The cluster's id in every case.
pub const CLUSTER: &str = "prod";

/// Where the cases are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(super::GOLDEN)
}

/// A file's content, if the file is there.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The objects of the quickstart with these files merged into them, without
/// those that a file says `absent: true` of, put together as `sagevpc plan` does. The SageMakerVpc `research` comes first.
pub fn references(patches: &[PathBuf]) -> References {
    let mut objects = documents(&root().join("quickstart.yaml"));
    for patch in patches.iter().flat_map(|path| documents(path)) {
        if patch["absent"] == true {
            objects.retain(|object| identity(object) != identity(&patch));
            continue;
        }
        match objects.iter_mut().find(|object| identity(object) == identity(&patch)) {
            Some(object) => merge(object, patch),
            None => objects.push(patch),
        }
    }
    let mut all = Objects::default();
    for object in &objects {
        let text = serde_json::to_string(object).expect("a value is JSON, and JSON is YAML");
        all.add("objects.yaml", &text)
            .expect("the objects of a case have the form of their kinds");
    }
    let references = all
        .references(CLUSTER)
        .expect("every profile of a case has its SageMakerVpc");
    let mut research = references
        .into_iter()
        .find(|references| references.vpc.metadata.name.as_deref() == Some("research"))
        .expect("a case has the SageMakerVpc research");
    remember(&mut research);
    research
}

/// Unless a case says otherwise, its SageMakerVpc has been there for long and
/// has seen all that AWS shows. A profile with our finalizer is noted as in
/// force, relying on anything: so a case says that it had effect before.
fn remember(references: &mut References) {
    let in_force = &mut references.vpc.status.get_or_insert_default().in_force;
    if in_force.since.is_some() {
        return;
    }
    in_force.since = Some("2026-01-01T00:00:00Z".parse().expect("a timestamp"));
    in_force.unknown = Some(Holdings::EVERYTHING.to_string());
    let profiles = references.profiles.iter().map(|reference| &reference.profile);
    let established = profiles.filter(|profile| profile.finalizers().iter().any(|finalizer| finalizer == FINALIZER));
    in_force.profiles = established
        .map(|profile| ProfileInForce {
            namespace: profile.namespace().expect("a profile has a namespace"),
            name: profile.name_any(),
            holds: Some(Holdings::EVERYTHING.to_string()),
            absent_since: None,
        })
        .collect();
}

fn identity(object: &Value) -> [Option<&str>; 3] {
    ["/kind", "/metadata/namespace", "/metadata/name"].map(|path| object.pointer(path).and_then(Value::as_str))
}

/// Merges as `kubectl patch --type=merge` does: maps by key, `null` removes,
/// anything else replaces.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, patch) => *into = patch,
    }
}

/// What AWS shows: the base, then the layers that the file names, then the
/// file's own entries. Each replaces the entry of the same id, or adds one;
/// `Absent` lists ids of entries to leave out.
pub fn snapshot(path: &Path) -> Snapshot {
    changed(read(path).unwrap_or_default(), &path.display().to_string())
}

/// The base with these changes; `where_` names them where they are wrong.
pub fn changed(mut changes: Map<String, Value>, where_: &str) -> Snapshot {
    let base: Map<String, Value> = read(&root().join("base.yaml")).expect("there is a base");
    let names = |value: Option<Value>| -> Vec<String> {
        value
            .map(|value| serde_json::from_value(value).expect("a list of names"))
            .unwrap_or_default()
    };
    let layers = names(changes.remove("Layers"));
    let absent = names(changes.remove("Absent"));

    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    add(&mut all, base);
    for layer in layers {
        let path = root().join("layers").join(&layer).with_extension("yaml");
        add(
            &mut all,
            read(&path).unwrap_or_else(|| panic!("there is no layer {layer}")),
        );
    }
    add(&mut all, changes);
    for (kind, entries) in &mut all {
        entries.retain(|entry| !absent.contains(&id(kind, entry)));
    }

    let mut snapshot = files::read(|file| {
        let kind = match file {
            "VpcEndpointServices.json" => "ServiceDetails",
            "Roles.json" => "RoleDetailList",
            "ManagedPolicies.json" => "Policies",
            other => other.trim_end_matches(".json"),
        };
        let entries = all.remove(kind)?;
        Some(serde_json::json!({ kind: entries }).to_string())
    })
    .unwrap_or_else(|error| panic!("{where_}: {error}"));
    assert!(all.is_empty(), "{where_}: no file of a snapshot holds {:?}", all.keys());
    assert!(snapshot.unread.is_empty(), "{where_}: {:?}", snapshot.unread);
    snapshot.account = Some(AccountId::new("111122223333"));
    snapshot.region = Some(Region::new("us-east-1"));
    snapshot
}

fn add(all: &mut BTreeMap<String, Vec<Value>>, more: Map<String, Value>) {
    for (kind, entries) in more {
        let entries: Vec<Value> = serde_json::from_value(entries).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let there = all.entry(kind.clone()).or_default();
        for entry in entries {
            match there.iter_mut().find(|other| id(&kind, other) == id(&kind, &entry)) {
                Some(other) => *other = entry,
                None => there.push(entry),
            }
        }
    }
}

fn id(kind: &str, entry: &Value) -> String {
    let field = match kind {
        "Vpcs" | "VpcAttributes" => "VpcId",
        "Subnets" => "SubnetId",
        "RouteTables" => "RouteTableId",
        "SecurityGroups" => "GroupId",
        "VpcEndpoints" => "VpcEndpointId",
        "NetworkInterfaces" => "NetworkInterfaceId",
        "DhcpOptions" => "DhcpOptionsId",
        "PrefixLists" => "PrefixListId",
        "ServiceDetails" => "ServiceName",
        "NetworkAcls" => "NetworkAclId",
        "NatGateways" => "NatGatewayId",
        "InternetGateways" => "InternetGatewayId",
        "VpcPeeringConnections" => "VpcPeeringConnectionId",
        "TransitGateways" => "TransitGatewayId",
        "TransitGatewayAttachments" | "TransitGatewayVpcAttachments" => "TransitGatewayAttachmentId",
        "TransitGatewayRoutes" | "TransitGatewayStaticRoutes" | "TransitGatewayPropagations" => {
            "TransitGatewayRouteTableId"
        }
        "VpnGateways" => "VpnGatewayId",
        "Addresses" => "AllocationId",
        "Consumers" => "Name",
        "InstanceTypeOfferings" => "Location",
        "FlowLogs" => "FlowLogId",
        "Buckets" => "Name",
        "NetworkInterfacePermissions" => "NetworkInterfacePermissionId",
        "RoleDetailList" | "Policies" | "UnseenRoles" => "Arn",
        "RoleSimulations" => "PolicySourceArn",
        other => panic!("{other} is no kind of thing in AWS that a snapshot holds"),
    };
    entry[field]
        .as_str()
        .unwrap_or_else(|| panic!("an entry of {kind} has no {field}"))
        .to_owned()
}
