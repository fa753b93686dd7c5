//! Sets of packets: addresses at the far end, and ports, as disjoint cells.
//!
//! Rules and routes cut cells where their own bounds run, so that every packet
//! of a cell fares alike. Nothing is sampled.

use ipnet::{IpNet, Ipv4Net};

use crate::types::{ANSWER_PORTS, LINUX_PORTS, PortRange};

/// Ports, or all of them where the protocol has none.
pub(super) const EVERY_PORT: (u16, u16) = (0, u16::MAX);

/// Where answers may go.
pub(super) const ANSWERS: (u16, u16) = bounds(ANSWER_PORTS);

/// Where they go to SageMaker's instances.
pub(super) const EPHEMERAL: (u16, u16) = bounds(LINUX_PORTS);

const fn bounds(range: PortRange) -> (u16, u16) {
    (range.from as u16, range.to as u16)
}

/// Packets to or from these addresses, to these ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) net: IpNet,
    /// First and last.
    pub(super) ports: (u16, u16),
}

/// Disjoint cells.
pub(super) type Space = Vec<Cell>;

/// These addresses on these ports.
pub(super) fn space(nets: impl IntoIterator<Item = IpNet>, ports: (u16, u16)) -> Space {
    nets.into_iter().map(|net| Cell { net, ports }).collect()
}

/// The same addresses on other ports, each block once.
pub(super) fn on_ports(space: &[Cell], ports: (u16, u16)) -> Space {
    let mut other: Space = Vec::with_capacity(space.len());
    for cell in space {
        let moved = Cell { ports, ..*cell };
        if !other.contains(&moved) {
            other.push(moved);
        }
    }
    other
}

/// Takes out of `space` what lies in this block and these ports, and gives it.
pub(super) fn take(space: &mut Space, net: &IpNet, ports: (u16, u16)) -> Space {
    let mut taken = Vec::new();
    if space.iter().any(|cell| overlap(cell, net, ports)) {
        let mut left = Vec::with_capacity(space.len());
        for cell in space.drain(..) {
            if overlap(&cell, net, ports) {
                taken.push(carve(cell, net, ports, &mut left));
            } else {
                left.push(cell);
            }
        }
        *space = left;
    }
    taken
}

fn overlap(cell: &Cell, net: &IpNet, ports: (u16, u16)) -> bool {
    let nets = net.contains(&cell.net) || cell.net.contains(net);
    nets && ports.0 <= cell.ports.1 && cell.ports.0 <= ports.1
}

/// The part of a cell that lies in the block and the ports, which it overlaps;
/// the rest goes to `left`.
fn carve(cell: Cell, net: &IpNet, ports: (u16, u16), left: &mut Space) -> Cell {
    let mut inside = cell.net;
    while inside != *net && inside.contains(net) {
        let Some((low, high)) = halves(inside) else { break };
        let (near, far) = if low.contains(net) { (low, high) } else { (high, low) };
        left.push(Cell { net: far, ..cell });
        inside = near;
    }
    let (first, last) = (ports.0.max(cell.ports.0), ports.1.min(cell.ports.1));
    if cell.ports.0 < first {
        left.push(Cell {
            net: inside,
            ports: (cell.ports.0, first - 1),
        });
    }
    if last < cell.ports.1 {
        left.push(Cell {
            net: inside,
            ports: (last + 1, cell.ports.1),
        });
    }
    Cell {
        net: inside,
        ports: (first, last),
    }
}

fn halves(net: IpNet) -> Option<(IpNet, IpNet)> {
    let mut halves = net.subnets(net.prefix_len().checked_add(1)?).ok()?;
    Some((halves.next()?, halves.next()?))
}

/// IPv4 addresses that nobody on the internet has.
///
/// See <https://www.iana.org/assignments/iana-ipv4-special-registry>.
const NOT_PUBLIC: [(u8, u8, u8, u8, u8); 13] = [
    (0, 0, 0, 0, 8),
    (10, 0, 0, 0, 8),
    (100, 64, 0, 0, 10),
    (127, 0, 0, 0, 8),
    (169, 254, 0, 0, 16),
    (172, 16, 0, 0, 12),
    (192, 0, 0, 0, 24),
    (192, 0, 2, 0, 24),
    (192, 168, 0, 0, 16),
    (198, 18, 0, 0, 15),
    (198, 51, 100, 0, 24),
    (203, 0, 113, 0, 24),
    (224, 0, 0, 0, 3),
];

/// Every address that a host on the internet may have, but for `without`.
pub(super) fn public(is_ipv6: bool, without: impl Iterator<Item = IpNet>, ports: (u16, u16)) -> Space {
    let mut all: Space = Vec::new();
    if is_ipv6 {
        // Global unicast.
        all.extend("2000::/3".parse().ok().map(|net| Cell { net, ports }));
    } else {
        all.push(Cell {
            net: IpNet::V4(Ipv4Net::default()),
            ports,
        });
        for (a, b, c, d, length) in NOT_PUBLIC {
            if let Ok(net) = Ipv4Net::new(std::net::Ipv4Addr::new(a, b, c, d), length) {
                take(&mut all, &IpNet::V4(net), ports);
            }
        }
    }
    for net in without {
        take(&mut all, &net, ports);
    }
    all
}

/// Blocks for examples, which drawings and tests of networks have for the internet's.
///
/// See <https://www.rfc-editor.org/rfc/rfc5737>.
const EXAMPLES: [(u8, u8, u8); 3] = [(192, 0, 2), (198, 51, 100), (203, 0, 113)];

/// Every address from which something may come in from the internet, but for the
/// VPC's own.
pub(super) fn internet(is_ipv6: bool, own: impl Iterator<Item = IpNet>) -> Space {
    let own: Vec<IpNet> = own.collect();
    let mut all = public(is_ipv6, own.iter().copied(), EVERY_PORT);
    for (a, b, c) in EXAMPLES.into_iter().filter(|_| !is_ipv6) {
        if let Ok(net) = Ipv4Net::new(std::net::Ipv4Addr::new(a, b, c, 0), 24) {
            let mut examples = space([IpNet::V4(net)], EVERY_PORT);
            for net in &own {
                take(&mut examples, net, EVERY_PORT);
            }
            all.extend(examples);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_taken_and_what_is_left_is_the_whole() {
        let mut left = space([net("10.0.0.0/16")], (0, 1000));
        let taken = take(&mut left, &net("10.0.3.0/24"), (443, 443));
        assert_eq!(
            taken,
            [Cell {
                net: net("10.0.3.0/24"),
                ports: (443, 443)
            }]
        );
        let size = |space: &Space| -> u64 {
            space
                .iter()
                .map(|cell| (1u64 << (32 - cell.net.prefix_len())) * u64::from(cell.ports.1 - cell.ports.0 + 1))
                .sum()
        };
        assert_eq!(size(&left) + size(&taken), (1 << 16) * 1001);
        assert!(take(&mut left, &net("10.0.3.0/24"), (443, 443)).is_empty());
        assert!(take(&mut left, &net("2001:db8::/32"), EVERY_PORT).is_empty());
    }

    #[test]
    fn a_wider_block_takes_the_whole_cell() {
        let mut left = space([net("10.0.0.0/16"), net("192.168.0.0/16")], (443, 443));
        assert_eq!(take(&mut left, &net("10.0.0.0/8"), EVERY_PORT).len(), 1);
        assert_eq!(left, space([net("192.168.0.0/16")], (443, 443)));
    }

    #[test]
    fn no_private_address_is_public() {
        let mut all = public(false, std::iter::once(net("52.216.0.0/15")), (443, 443));
        for inside in ["10.1.2.3/32", "172.31.255.255/32", "192.168.1.1/32", "52.217.0.1/32"] {
            assert!(take(&mut all, &net(inside), EVERY_PORT).is_empty(), "{inside}");
        }
        for outside in ["8.8.8.8/32", "172.32.0.1/32", "52.218.0.0/32"] {
            assert_eq!(take(&mut all, &net(outside), EVERY_PORT).len(), 1, "{outside}");
        }
    }
}
