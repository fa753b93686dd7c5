//! Changes to a VPC itself.

use std::fmt;

use serde::Serialize;

use super::change::{Change, Deed, List};
use crate::{catalog::calls::Call, report::Lack, types::VpcId};

/// A DNS attribute of a VPC.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum DnsAttribute {
    /// AWS resolves names for the VPC.
    EnableDnsSupport,
    /// Instances get names; private DNS of endpoints needs it.
    EnableDnsHostnames,
}

impl fmt::Display for DnsAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EnableDnsSupport => "enableDnsSupport",
            Self::EnableDnsHostnames => "enableDnsHostnames",
        })
    }
}

/// A change to a VPC.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum VpcChange {
    /// Turns a DNS attribute on.
    #[serde(rename = "ModifyVpcAttribute")]
    ModifyAttribute {
        /// The VPC.
        vpc: VpcId,
        /// The attribute.
        attribute: DnsAttribute,
    },
}

impl Change for VpcChange {
    fn call(&self) -> Call {
        match self {
            Self::ModifyAttribute { .. } => Call::ModifyVpcAttribute,
        }
    }

    fn deed(&self) -> Deed {
        match self {
            Self::ModifyAttribute { .. } => Deed::Changes,
        }
    }

    fn resource(&self) -> String {
        match self {
            Self::ModifyAttribute { vpc, .. } => vpc.to_string(),
        }
    }

    fn family(&self) -> &'static str {
        "VpcAttribute"
    }

    fn describe(&self, _list: List<'_>) -> String {
        match self {
            Self::ModifyAttribute { attribute, .. } => format!("{attribute}: false -> true"),
        }
    }

    fn gives(&self) -> Vec<Lack> {
        match self {
            Self::ModifyAttribute { .. } => vec![Lack::Dns],
        }
    }
}
