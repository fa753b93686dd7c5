//! What is told by its addresses or its group to be of a private network.

use ipnet::IpNet;

use super::SecurityGroupId;

/// Something of a private network: of the VPC, or of one that is joined to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrivatePeer {
    /// Every address of a block.
    Cidr(IpNet),
    /// Every interface of the VPC that has a security group.
    Group(SecurityGroupId),
    /// A host by its name.
    Host {
        /// The name.
        name: String,
        /// Whether it is known to lead to an address of the VPC.
        is_inside: bool,
    },
}

/// Addresses of private networks, which nobody is reached by over the internet.
///
/// See <https://www.rfc-editor.org/rfc/rfc1918> and <https://www.rfc-editor.org/rfc/rfc6598>.
const PRIVATE: [&str; 5] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
];

/// The blocks of private networks of a family.
pub fn private_blocks(is_ipv6: bool) -> impl Iterator<Item = IpNet> {
    let blocks = PRIVATE.iter().filter_map(|block| block.parse::<IpNet>().ok());
    blocks.filter(move |block| matches!(block, IpNet::V6(_)) == is_ipv6)
}

/// Whether all addresses of the block are private networks'.
pub fn is_private(block: &IpNet) -> bool {
    private_blocks(matches!(block, IpNet::V6(_))).any(|private| private.contains(block))
}
