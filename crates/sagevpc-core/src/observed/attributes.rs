//! DNS attributes of VPCs: `describe-vpc-attribute` prints one attribute of one
//! VPC at a time.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{Flag, Unread, VpcAttributes, files::FileKind};
use crate::types::VpcId;

/// The attributes by which names resolve, as their fields are called.
const SUPPORT: &str = "EnableDnsSupport";
const HOSTNAMES: &str = "EnableDnsHostnames";

/// Attributes as they come, one or several at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attributes {
    seen: BTreeMap<VpcId, Seen>,
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    file: String,
    place: usize,
    support: Option<Flag>,
    hostnames: Option<Flag>,
    is_noted: bool,
}

impl Attributes {
    /// Whether a document is what the command prints.
    pub(super) fn is_one(fields: &Map<String, Value>) -> bool {
        fields.contains_key("VpcId") && (fields.contains_key(SUPPORT) || fields.contains_key(HOSTNAMES))
    }

    /// Adds what was printed of one VPC.
    pub(super) fn add(&mut self, file: &str, place: usize, value: &Value, unread: &mut Vec<Unread>) {
        let id = value.get("VpcId").and_then(Value::as_str);
        let Some(id) = id else {
            let problem = "missing field `VpcId`".to_owned();
            unread.push(noted(file, place, None, None, problem));
            return;
        };
        let id = VpcId::new(id);
        let seen = self.seen.entry(id.clone()).or_insert_with(|| Seen {
            file: file.to_owned(),
            place,
            support: None,
            hostnames: None,
            is_noted: false,
        });
        for (field, flag) in [(SUPPORT, &mut seen.support), (HOSTNAMES, &mut seen.hostnames)] {
            match value.get(field).map(Flag::deserialize) {
                None => {}
                Some(Ok(read)) => *flag = Some(read),
                Some(Err(error)) => {
                    seen.is_noted = true;
                    unread.push(noted(file, place, Some(&id), Some(field), error.to_string()));
                }
            }
        }
    }

    /// Adds what was seen elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        for (vpc, seen) in &other.seen {
            let own = self.seen.entry(vpc.clone()).or_insert_with(|| seen.clone());
            own.support = own.support.take().or_else(|| seen.support.clone());
            own.hostnames = own.hostnames.take().or_else(|| seen.hostnames.clone());
            own.is_noted |= seen.is_noted;
        }
    }

    /// Those of which both were seen. Of which one was not, nothing is known.
    pub(super) fn finish(self, unread: &mut Vec<Unread>) -> Vec<VpcAttributes> {
        let mut both = Vec::new();
        for (vpc_id, seen) in self.seen {
            let missing = match (&seen.support, &seen.hostnames) {
                (Some(_), Some(_)) => None,
                (None, _) => Some((SUPPORT, "enableDnsSupport")),
                (Some(_), None) => Some((HOSTNAMES, "enableDnsHostnames")),
            };
            if let Some((field, attribute)) = missing.filter(|_| !seen.is_noted) {
                let problem = format!(
                    "it is missing: `aws ec2 describe-vpc-attribute --vpc-id {vpc_id} --attribute {attribute}` prints it"
                );
                unread.push(noted(&seen.file, seen.place, Some(&vpc_id), Some(field), problem));
            }
            if let (Some(enable_dns_support), Some(enable_dns_hostnames)) = (seen.support, seen.hostnames) {
                both.push(VpcAttributes {
                    vpc_id,
                    enable_dns_support,
                    enable_dns_hostnames,
                });
            }
        }
        both
    }
}

fn noted(file: &str, place: usize, vpc: Option<&VpcId>, field: Option<&str>, problem: String) -> Unread {
    Unread {
        kind: FileKind::VpcAttributes,
        file: file.to_owned(),
        place,
        id: vpc.map(ToString::to_string),
        vpc: vpc.cloned(),
        field: field.map(str::to_owned),
        problem,
        is_whole: true,
    }
}
