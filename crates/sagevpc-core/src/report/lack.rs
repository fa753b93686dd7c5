//! What is missing, so that one cause is told once.

use crate::{
    catalog::names_service,
    types::{NatGatewayId, NetworkAclId, RouteTableId, SecurityGroupId, VpcEndpointId},
};

/// What the network lacks. Reachability finds it by following packets; whoever
/// plans knows at times why no action gives it, and tells that in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Names that resolve.
    Dns,
    /// A route to S3 on this table, or on any.
    S3Route(Option<RouteTableId>),
    /// An endpoint that serves.
    Endpoint(VpcEndpointId),
    /// An endpoint for a service, by its short or full name.
    Service(String),
    /// A way out on this table, or on any.
    WayOut(Option<RouteTableId>),
    /// A NAT gateway that leads out.
    NatGateway(NatGatewayId),
    /// Rules of this network ACL.
    AclRules(NetworkAclId),
    /// Rules of this security group.
    GroupRules(SecurityGroupId),
    /// Something that nobody who plans speaks of.
    Other,
}

impl Lack {
    /// Whether whoever tells of this has told of the other as well.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::S3Route(None), Self::S3Route(_)) | (Self::WayOut(None), Self::WayOut(_)) => true,
            (Self::Service(mine), Self::Service(theirs)) => names_service(mine, theirs) || names_service(theirs, mine),
            (Self::Other, _) => false,
            (
                Self::Dns
                | Self::S3Route(_)
                | Self::Endpoint(_)
                | Self::Service(_)
                | Self::WayOut(_)
                | Self::NatGateway(_)
                | Self::AclRules(_)
                | Self::GroupRules(_),
                _,
            ) => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_table_covers_each_and_a_name_covers_its_other_spelling() {
        let table = || Some(RouteTableId::new("rtb-1"));
        assert!(Lack::S3Route(None).covers(&Lack::S3Route(table())));
        assert!(!Lack::S3Route(table()).covers(&Lack::S3Route(None)));
        assert!(!Lack::WayOut(None).covers(&Lack::S3Route(table())));
        let (short, full) = ("sts".to_owned(), "com.amazonaws.us-east-1.sts".to_owned());
        assert!(Lack::Service(short.clone()).covers(&Lack::Service(full.clone())));
        assert!(Lack::Service(full).covers(&Lack::Service(short)));
        assert!(!Lack::Other.covers(&Lack::Other));
    }
}
