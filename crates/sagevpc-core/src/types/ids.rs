//! Identifiers of AWS things, one type each, so that a subnet's id cannot be
//! passed where a security group's is meant. They are short, and passed around by
//! the thousand: most fit into a `CompactString` without memory of their own.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says whether `id` is `prefix-` followed by 8 or 17 hexadecimal digits, the
/// two lengths that EC2 has ever given out.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>.
fn is_resource_id(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| {
            matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
        })
}

macro_rules! resource_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Deserialising accepts any text: the Kubernetes API server checks the
        /// form when an object is written, and an object that got past it must
        /// not stop the watch of all others. `is_well_formed` checks it again.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(#[schemars(with = "String", length(min = 1, max = 64))] CompactString);

        impl $name {
            /// What every id of this kind starts with, without the hyphen.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps an id as AWS or a user wrote it.
            pub fn new(id: impl AsRef<str>) -> Self {
                Self(CompactString::from(id.as_ref()))
            }

            /// The id as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether a text begins as the ids of this kind do: EC2 tells ids of
            /// several kinds in one field apart by nothing else.
            pub fn is_kind_of(text: &str) -> bool {
                text.strip_prefix(Self::PREFIX).is_some_and(|rest| rest.starts_with('-'))
            }

            /// Whether the id has the form that EC2 gives to this kind.
            pub fn is_well_formed(&self) -> bool {
                is_resource_id(Self::PREFIX, &self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }
    )*};
}

resource_id! {
    /// A VPC's id, such as `vpc-0123456789abcdef0`.
    VpcId = "vpc";
    /// A subnet's id, such as `subnet-0123456789abcdef0`.
    SubnetId = "subnet";
    /// A security group's id, such as `sg-0123456789abcdef0`.
    SecurityGroupId = "sg";
    /// A route table's id, such as `rtb-0123456789abcdef0`.
    RouteTableId = "rtb";
    /// A VPC endpoint's id, such as `vpce-0123456789abcdef0`.
    VpcEndpointId = "vpce";
    /// A network interface's id, such as `eni-0123456789abcdef0`.
    NetworkInterfaceId = "eni";
    /// A prefix list's id, such as `pl-63a5400a`.
    PrefixListId = "pl";
    /// A DHCP option set's id, such as `dopt-0123456789abcdef0`, or `default`.
    DhcpOptionsId = "dopt";
    /// A network ACL's id, such as `acl-0123456789abcdef0`.
    NetworkAclId = "acl";
    /// A NAT gateway's id, such as `nat-0123456789abcdef0`.
    NatGatewayId = "nat";
    /// An internet gateway's id, such as `igw-0123456789abcdef0`.
    InternetGatewayId = "igw";
    /// An elastic IP address's allocation id, such as `eipalloc-0123456789abcdef0`.
    AllocationId = "eipalloc";
    /// A flow log's id, such as `fl-0123456789abcdef0`.
    FlowLogId = "fl";
    /// A peering connection's id, such as `pcx-0123456789abcdef0`.
    VpcPeeringConnectionId = "pcx";
    /// A transit gateway's id, such as `tgw-0123456789abcdef0`.
    TransitGatewayId = "tgw";
    /// The id of an attachment to a transit gateway, such as
    /// `tgw-attach-0123456789abcdef0`.
    TransitGatewayAttachmentId = "tgw-attach";
    /// The id of a transit gateway's route table, such as
    /// `tgw-rtb-0123456789abcdef0`.
    TransitGatewayRouteTableId = "tgw-rtb";
    /// A virtual private gateway's id, such as `vgw-0123456789abcdef0`.
    VpnGatewayId = "vgw";
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(#[schemars(with = "String", length(min = 1, max = 64))] CompactString);

        impl $name {
            /// Wraps the text as AWS or a user wrote it.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(CompactString::from(text.as_ref()))
            }

            /// The text as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

name! {
    /// A region's code, such as `us-east-1`.
    Region;
    /// An account's twelve digits.
    AccountId;
    /// An availability zone's id, such as `use1-az1`. Its *name* differs
    /// between accounts, so zones are told apart by their ids.
    ///
    /// See <https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html>.
    AvailabilityZoneId;
}

impl Region {
    /// The partition that ARNs in this region carry.
    ///
    /// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
    pub fn partition(&self) -> &'static str {
        match self.0.split('-').next() {
            Some("cn") => "aws-cn",
            _ if self.0.starts_with("us-gov-") => "aws-us-gov",
            _ if self.0.starts_with("us-iso-") => "aws-iso",
            _ if self.0.starts_with("us-isob-") => "aws-iso-b",
            _ => "aws",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_lengths_are_well_formed() {
        assert!(VpcId::new("vpc-0123456789abcdef0").is_well_formed());
        assert!(PrefixListId::new("pl-63a5400a").is_well_formed());
    }

    #[test]
    fn ids_of_another_kind_or_form_are_not_well_formed() {
        for id in [
            "",
            "vpc-",
            "vpc-XYZ",
            "subnet-0123456789abcdef0",
            "vpc-0123456789ABCDEF0",
            "vpc-0123",
        ] {
            assert!(!VpcId::new(id).is_well_formed(), "{id}");
        }
    }

    #[test]
    fn partitions_follow_the_region() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(Region::new(region).partition(), partition);
        }
    }
}
