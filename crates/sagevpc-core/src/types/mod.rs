//! Values that the rest of the code speaks in: ids, tags, rules. Pure.

mod accounts;
mod acl;
mod blocks;
mod buckets;
mod holdings;
mod ids;
mod keys;
mod rules;
mod settings;
mod shown;
mod tags;
mod traffic;

pub use accounts::Accounts;
pub use acl::{AclEntry, LAST_ACL_RULE};
pub use blocks::{PrivatePeer, is_private, private_blocks};
pub use buckets::{Admission, BucketAccess, BucketUse, Exemption};
pub use holdings::{HELD_REPOSITORIES, HOLDINGS_LETTERS, Holdings, NoHoldings, held_size};
pub use ids::{
    AccountId, AllocationId, AvailabilityZoneId, DhcpOptionsId, FlowLogId, InternetGatewayId, NatGatewayId,
    NetworkAclId, NetworkInterfaceId, PrefixListId, Region, RouteTableId, SecurityGroupId, SubnetId,
    TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcEndpointId, VpcId,
    VpcPeeringConnectionId, VpnGatewayId,
};
pub use keys::{NatPlace, ProfileKey, ResourceKey};
pub(crate) use rules::write_rule;
pub use rules::{Direction, Peer, PortRange, Protocol, Rule};
pub use settings::{FlowLogSettings, IpAddressType, LogDestinationType, TrafficType};
pub use shown::{in_sentences, one_line, plain, shortened};
pub use tags::{
    CLUSTER_NAMESPACE, Ownership, TAG_ADOPTED, TAG_CLUSTER, TAG_CLUSTER_UID, TAG_RESOURCE, TAG_RETAINED_FROM, TAG_VPC,
    Tags, has_tags, is_adopted,
};
pub use traffic::{ANSWER_PORTS, DNS_QUERIES, LINUX_PORTS, NFS, Traffic};

/// Joins names for a message: `a`, `a and b`, `a, b and c`, and beyond five
/// `a, b, c, d, e and 4 more`, so that a sentence stays readable.
///
/// ```
/// use sagevpc_core::types::listed;
///
/// assert_eq!(listed(["rtb-1", "rtb-2", "rtb-3"]), "rtb-1, rtb-2 and rtb-3");
/// ```
pub fn listed<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if names.len() > SHOWN + 1 {
        let rest = names.len() - SHOWN;
        names.truncate(SHOWN);
        return format!("{} and {rest} more", names.join(", "));
    }
    match names.pop() {
        None => "none".to_owned(),
        Some(only) if names.is_empty() => only,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

/// Joins all names, none left out.
pub fn joined<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(listed(Vec::<&str>::new()), "none");
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b"]), "a and b");
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(1..=6), "1, 2, 3, 4, 5 and 6");
        assert_eq!(listed(1..=9), "1, 2, 3, 4, 5 and 4 more");
    }
}
