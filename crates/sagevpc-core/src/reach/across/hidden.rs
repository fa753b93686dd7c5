//! What cannot be seen beyond a link of which something was.

use std::fmt;

use super::Link;
use crate::{
    catalog::calls::Call,
    types::{AccountId, Region, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId},
};

/// What cannot be seen beyond a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hidden {
    /// The link.
    pub by: Link,
    /// What of it.
    pub what: HiddenPart,
}

/// A part of another network, or of what leads there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HiddenPart {
    /// A VPC.
    Vpc {
        /// Its id.
        vpc: VpcId,
        /// Its account, where it is known.
        account: Option<AccountId>,
        /// Its region, where it is known.
        region: Option<Region>,
    },
    /// The route table that an attachment is associated with, which the owner of
    /// the transit gateway sees.
    Association {
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
        /// The gateway's account, where it is known.
        owner: Option<AccountId>,
    },
    /// The subnets by which a VPC is attached.
    AttachmentSubnets {
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
    },
    /// The routes of a transit gateway's table.
    TransitRoutes {
        /// The table.
        table: TransitGatewayRouteTableId,
    },
    /// What is attached to a transit gateway and is no VPC.
    Attached {
        /// The attachment.
        attachment: TransitGatewayAttachmentId,
        /// What it is, in EC2's words.
        kind: Option<String>,
        /// Its id.
        resource: Option<String>,
    },
}

impl Hidden {
    pub(super) fn vpc(by: &Link, vpc: VpcId, account: Option<AccountId>, region: Option<Region>) -> Self {
        Self {
            by: by.clone(),
            what: HiddenPart::Vpc { vpc, account, region },
        }
    }

    pub(super) fn of_gateway(gateway: &TransitGatewayId, what: HiddenPart) -> Self {
        Self {
            by: Link::TransitGateway(gateway.clone()),
            what,
        }
    }

    /// The file that a snapshot lacks, where it is one.
    pub(in crate::reach) const fn file(&self) -> Option<&'static str> {
        match &self.what {
            HiddenPart::Vpc { .. } => Some("Vpcs.json"),
            HiddenPart::Association { .. } => Some("TransitGatewayAttachments.json"),
            HiddenPart::AttachmentSubnets { .. } => Some("TransitGatewayVpcAttachments.json"),
            HiddenPart::TransitRoutes { .. } => Some("TransitGatewayRoutes.json"),
            HiddenPart::Attached { .. } => None,
        }
    }

    /// How it can be seen; `None` where it cannot.
    pub(in crate::reach) fn how(&self) -> Option<String> {
        let of_account = |account: &Option<AccountId>| {
            let account = account.as_ref();
            account.map_or_else(|| "its account".to_owned(), |account| format!("account {account}"))
        };
        Some(match &self.what {
            HiddenPart::Vpc { vpc, account, .. } => {
                format!("Look at {vpc} with a role of {}", of_account(account))
            }
            HiddenPart::Association { owner, .. } => {
                format!("Look at {} with a role of {}", self.by, of_account(owner))
            }
            HiddenPart::AttachmentSubnets { attachment } => format!("Look at {attachment}"),
            HiddenPart::TransitRoutes { table } => {
                let call = Call::SearchTransitGatewayRoutes;
                format!("Let whoever looks at {table} take {call}")
            }
            HiddenPart::Attached { .. } => return None,
        })
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = &self.by;
        match &self.what {
            HiddenPart::Vpc { vpc, account, region } => {
                write!(f, "what {vpc}")?;
                if let Some(account) = account {
                    write!(f, " of account {account}")?;
                }
                if let Some(region) = region {
                    write!(f, " in {region}")?;
                }
                write!(f, " does with it, to which {by} leads")
            }
            HiddenPart::Association { attachment, owner } => {
                write!(f, "by which route table {by}")?;
                if let Some(owner) = owner {
                    write!(f, " of account {owner}")?;
                }
                write!(f, " sends what comes by {attachment}")
            }
            HiddenPart::AttachmentSubnets { attachment } => {
                write!(f, "by which subnets {attachment} joins {by}")
            }
            HiddenPart::TransitRoutes { table } => write!(f, "the routes of {table} of {by}"),
            HiddenPart::Attached {
                attachment,
                kind,
                resource,
            } => {
                let kind = kind.as_deref().unwrap_or("something");
                write!(f, "what lies behind {attachment} of {by}, which leads to {kind}")?;
                resource.as_ref().map_or(Ok(()), |resource| write!(f, " {resource}"))
            }
        }
    }
}
