//! Entries of a snapshot's lists, each read alone: what cannot be read of one is
//! noted, and of what remains nothing follows that the unread part might change.

use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{IpPermission, NetworkAclEntry, Route, Tag, Unread, files::FileKind};
use crate::types::VpcId;

/// An entry as far as it could be read.
pub(super) struct Entry<T> {
    pub(super) read: Option<T>,
    pub(super) problems: Vec<Unread>,
}

/// A list in entries of a kind whose members are read each alone.
struct Part {
    list: &'static str,
    problem: fn(&Value) -> Option<String>,
    /// What stands in for one that cannot be read: of such a shape that it is
    /// known to say nothing (see [`Route::is_readable`] and its like).
    stand_in: fn(&Value) -> Value,
}

const fn parts(kind: FileKind) -> &'static [Part] {
    match kind {
        FileKind::RouteTables => &[Part {
            list: "Routes",
            problem: problem::<Route>,
            stand_in: destination_alone,
        }],
        FileKind::SecurityGroups => &[
            Part {
                list: "IpPermissions",
                problem: problem::<IpPermission>,
                stand_in: no_permission,
            },
            Part {
                list: "IpPermissionsEgress",
                problem: problem::<IpPermission>,
                stand_in: no_permission,
            },
        ],
        FileKind::NetworkAcls => &[Part {
            list: "Entries",
            problem: problem::<NetworkAclEntry>,
            stand_in: no_rule,
        }],
        FileKind::Vpcs
        | FileKind::VpcAttributes
        | FileKind::Subnets
        | FileKind::VpcEndpoints
        | FileKind::NetworkInterfaces
        | FileKind::DhcpOptions
        | FileKind::PrefixLists
        | FileKind::EndpointServices
        | FileKind::NatGateways
        | FileKind::InternetGateways
        | FileKind::VpcPeeringConnections
        | FileKind::TransitGateways
        | FileKind::TransitGatewayAttachments
        | FileKind::TransitGatewayVpcAttachments
        | FileKind::TransitGatewayRoutes
        | FileKind::TransitGatewayStaticRoutes
        | FileKind::TransitGatewayPropagations
        | FileKind::VpnGateways
        | FileKind::Addresses
        | FileKind::FlowLogs
        | FileKind::Buckets
        | FileKind::NetworkInterfacePermissions
        | FileKind::InstanceTypeOfferings
        | FileKind::Consumers
        | FileKind::Roles
        | FileKind::ManagedPolicies
        | FileKind::RoleSimulations
        | FileKind::UnseenRoles => &[],
    }
}

/// Fields that nothing is judged by: an entry is read without them.
const IDLE: [&str; 3] = ["Tags", "Description", "GroupName"];

/// Reads one entry of a list.
pub(super) fn entry<T: DeserializeOwned>(kind: FileKind, file: &str, place: usize, mut value: Value) -> Entry<T> {
    if let Ok(read) = T::deserialize(&value) {
        return Entry {
            read: Some(read),
            problems: Vec::new(),
        };
    }
    let text = |field: &str| Some(value.get(field)?.as_str()?.to_owned());
    let (id, vpc) = (text(kind.id()), text("VpcId").map(VpcId::new));
    let unread = |field: Option<String>, problem: String, is_whole: bool| Unread {
        kind,
        file: file.to_owned(),
        place,
        id: id.clone(),
        vpc: vpc.clone(),
        field,
        problem,
        is_whole,
    };
    let mut problems = Vec::new();
    for part in parts(kind) {
        let Some(Value::Array(members)) = value.get_mut(part.list) else {
            continue;
        };
        for (member_place, member) in members.iter_mut().enumerate() {
            if let Some(problem) = (part.problem)(member) {
                let field = format!("{}[{member_place}]", part.list);
                problems.push(unread(Some(field), problem, false));
                *member = (part.stand_in)(member);
            }
        }
    }
    if let Value::Object(fields) = &mut value {
        for field in IDLE {
            let stand_in = match field {
                "Tags" => json!([]),
                _ => json!(""),
            };
            let is_sound = match (field, fields.get(field)) {
                (_, None) => field != "GroupName" || kind != FileKind::SecurityGroups,
                ("Tags", Some(tags)) => Vec::<Tag>::deserialize(tags).is_ok(),
                (_, Some(text)) => text.is_string(),
            };
            if !is_sound {
                let problem = "it is missing or of another shape than AWS's, and is left out".to_owned();
                problems.push(unread(Some(field.to_owned()), problem, false));
                fields.insert(field.to_owned(), stand_in);
            }
        }
    }
    match T::deserialize(&value) {
        Ok(read) => Entry {
            read: Some(read),
            problems,
        },
        Err(error) => {
            let field = culprit::<T>(&value, &error.to_string());
            problems.push(unread(field, error.to_string(), true));
            Entry { read: None, problems }
        }
    }
}

fn problem<T: DeserializeOwned>(value: &Value) -> Option<String> {
    let error = T::deserialize(value).err()?.to_string();
    Some(match culprit::<T>(value, &error) {
        Some(field) => format!("{field}: {error}"),
        None => error,
    })
}

/// The field without which an object is read, or something else is amiss.
fn culprit<T: DeserializeOwned>(value: &Value, error: &str) -> Option<String> {
    let Value::Object(fields) = value else { return None };
    let without = |field: &str| {
        let others: Map<String, Value> = fields
            .iter()
            .filter(|(name, _)| *name != field)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        T::deserialize(Value::Object(others))
            .err()
            .map(|error| error.to_string())
    };
    let missing = |field: &str| format!("missing field `{field}`");
    fields
        .keys()
        .find(|field| match without(field) {
            None => true,
            Some(other) => other == missing(field) && error != other,
        })
        .cloned()
}

/// A route's destination, where that can be read, and no target.
fn destination_alone(route: &Value) -> Value {
    const DESTINATIONS: [&str; 3] = [
        "DestinationCidrBlock",
        "DestinationIpv6CidrBlock",
        "DestinationPrefixListId",
    ];
    let readable = DESTINATIONS.iter().filter_map(|field| {
        let value = route.get(field)?;
        let alone = json!({ *field: value });
        Route::deserialize(&alone)
            .is_ok()
            .then(|| ((*field).to_owned(), value.clone()))
    });
    Value::Object(readable.collect())
}

fn no_permission(_: &Value) -> Value {
    json!({ "IpProtocol": "" })
}

fn no_rule(_: &Value) -> Value {
    json!({ "RuleNumber": 0, "Egress": false, "RuleAction": "", "Protocol": "" })
}
