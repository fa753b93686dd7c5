//! Security groups and network ACLs: what of a set of packets they let through.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    alike::{Admits, Naming, naming},
    names::is_of_family,
    space::{EVERY_PORT, Space, take},
};
use crate::{
    observed::{NetworkAcl, NetworkAclEntry, PrefixList, RuleAction, SecurityGroup},
    types::{
        Direction, LAST_ACL_RULE, NetworkAclId, Peer, PortRange, PrefixListId, Protocol, Rule, SecurityGroupId, Traffic,
    },
};

/// The number of the rule at the end of every network ACL, which denies.
pub(super) const LAST_RULE: i32 = LAST_ACL_RULE as i32;

/// One protocol's packets, by the ports that they go to. ICMP has types and codes
/// for ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) protocol: u8,
    pub(super) ports: (u16, u16),
}

impl Flow {
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;

    /// What one protocol carries; of all of them, TCP.
    pub(super) fn of(traffic: Traffic) -> Self {
        let bound = |port: i32| u16::try_from(port.clamp(0, i32::from(u16::MAX))).unwrap_or(u16::MAX);
        let flow = Self {
            protocol: number(traffic.protocol).unwrap_or(Self::TCP),
            ports: EVERY_PORT,
        };
        let ports = match traffic.ports {
            Some(range) if flow.has_ports() => (bound(range.from), bound(range.to)),
            Some(range) => flow.messages(range).unwrap_or(EVERY_PORT),
            None => EVERY_PORT,
        };
        Self { ports, ..flow }.with_the_one_code()
    }

    pub(super) const fn has_ports(self) -> bool {
        matches!(self.protocol, Self::TCP | Self::UDP)
    }
}

/// A rule's ports, as far as it speaks of this protocol at all. ICMP has types
/// and codes for ports.
fn ports(rule: Protocol, range: Option<PortRange>, flow: Flow) -> Option<(u16, u16)> {
    match rule {
        Protocol::All => Some(EVERY_PORT),
        Protocol::Number(number) if number != flow.protocol => None,
        Protocol::Number(_) => match range {
            None => Some(EVERY_PORT),
            Some(range) if flow.has_ports() => {
                let bound = |port: i32| u16::try_from(port.clamp(0, i32::from(u16::MAX))).unwrap_or(u16::MAX);
                (range.from <= range.to).then(|| (bound(range.from), bound(range.to)))
            }
            Some(range) => flow.messages(range),
        },
    }
}

/// The rules of every security group, read once.
#[derive(Debug)]
pub(super) struct Groups {
    rules: BTreeMap<SecurityGroupId, [Vec<Rule>; 2]>,
    /// Groups with rules that cannot be read, which might admit more.
    unreadable: BTreeSet<SecurityGroupId>,
    lists: BTreeMap<PrefixListId, Vec<IpNet>>,
    naming: Naming,
}

/// What security groups do with a set of packets.
#[derive(Debug)]
pub(super) struct Admission {
    /// What none of them admits.
    pub(super) refused: Space,
    /// The first rule that admits any, and whose it is.
    pub(super) by: Option<(SecurityGroupId, Rule)>,
    /// Prefix lists whose addresses are not known and might admit the rest.
    pub(super) unknown_lists: BTreeSet<PrefixListId>,
    /// Groups that were not seen, or not all of them, and might admit the rest.
    pub(super) unknown_groups: BTreeSet<SecurityGroupId>,
}

impl Groups {
    pub(super) fn new<'s>(groups: impl Iterator<Item = &'s SecurityGroup>, lists: &[PrefixList]) -> Self {
        let mut unreadable = BTreeSet::new();
        let read = groups.map(|group| {
            if !group.is_readable() {
                unreadable.insert(group.group_id.clone());
            }
            let (egress, ingress) = group
                .rules()
                .into_iter()
                .partition(|rule| rule.direction == Direction::Egress);
            (group.group_id.clone(), [ingress, egress])
        });
        let lists = lists
            .iter()
            .filter_map(|list| Some((list.prefix_list_id.clone(), list.addresses()?)));
        let rules: BTreeMap<_, [Vec<Rule>; 2]> = read.collect();
        let each = rules
            .iter()
            .flat_map(|(id, rules)| rules.iter().flatten().map(move |rule| (id, rule)));
        Self {
            naming: naming(each),
            rules,
            unreadable,
            lists: lists.collect(),
        }
    }

    /// The rules of a group; `None` where it was not seen.
    pub(super) fn rules_of(&self, id: &SecurityGroupId) -> Option<impl Iterator<Item = &Rule>> {
        self.rules.get(id).map(|rules| rules.iter().flatten())
    }

    /// Whether all rules of a group that was seen could be read.
    pub(super) fn are_known(&self, id: &SecurityGroupId) -> bool {
        !self.unreadable.contains(id)
    }

    /// The rules that name a group, each with its holder.
    pub(super) fn naming(&self, id: &SecurityGroupId) -> &[(SecurityGroupId, Admits)] {
        self.naming.get(id).map_or(&[], Vec::as_slice)
    }

    /// The addresses of a prefix list, where they are known.
    pub(super) fn list(&self, id: &PrefixListId) -> Option<&[IpNet]> {
        self.lists.get(id).map(Vec::as_slice)
    }

    /// Protocols that rules name by number.
    pub(super) fn protocols(&self) -> impl Iterator<Item = u8> + '_ {
        let rules = self.rules.values().flatten().flatten();
        rules.filter_map(|rule| number(rule.protocol))
    }

    /// What an interface with `groups` lets through, where the far end has
    /// `peers` as its groups: whatever any of them admits. Groups keep state, so
    /// answers to what they admit pass.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>.
    pub(super) fn admit(
        &self,
        groups: &BTreeSet<SecurityGroupId>,
        direction: Direction,
        flow: Flow,
        mut space: Space,
        peers: &BTreeSet<SecurityGroupId>,
    ) -> Admission {
        let mut admission = Admission {
            refused: Vec::new(),
            by: None,
            unknown_lists: BTreeSet::new(),
            unknown_groups: BTreeSet::new(),
        };
        for group in groups {
            let Some([ingress, egress]) = self.rules.get(group) else {
                admission.unknown_groups.insert(group.clone());
                continue;
            };
            if self.unreadable.contains(group) {
                admission.unknown_groups.insert(group.clone());
            }
            let rules = match direction {
                Direction::Ingress => ingress,
                Direction::Egress => egress,
            };
            for rule in rules {
                let Some(ports) = ports(rule.protocol, rule.ports, flow) else {
                    continue;
                };
                let mut admits_any = false;
                let mut admit = |net: &IpNet| admits_any |= !take(&mut space, net, ports).is_empty();
                match &rule.peer {
                    Peer::Cidr(net) => admit(net),
                    Peer::PrefixList(list) => match self.lists.get(list) {
                        Some(nets) => nets.iter().for_each(admit),
                        None => {
                            admission.unknown_lists.insert(list.clone());
                        }
                    },
                    Peer::Itself if peers.contains(group) => every_address().iter().for_each(admit),
                    Peer::Group { id, .. } if peers.contains(id) => every_address().iter().for_each(admit),
                    Peer::Itself | Peer::Group { .. } | Peer::Made(_) => {}
                }
                if admits_any && admission.by.is_none() {
                    admission.by = Some((group.clone(), rule.clone()));
                }
                if space.is_empty() {
                    return admission;
                }
            }
        }
        admission.refused = space;
        admission
    }
}

fn every_address() -> [IpNet; 2] {
    [
        IpNet::V4(ipnet::Ipv4Net::default()),
        IpNet::V6(ipnet::Ipv6Net::default()),
    ]
}

fn number(protocol: Protocol) -> Option<u8> {
    match protocol {
        Protocol::All => None,
        Protocol::Number(number) => Some(number),
    }
}

/// A network ACL's rules, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Acl {
    pub(super) id: NetworkAclId,
    ingress: Vec<Entry>,
    egress: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    number: i32,
    allows: bool,
    protocol: Protocol,
    ports: Option<PortRange>,
    net: IpNet,
}

/// What a network ACL does with a set of packets.
#[derive(Debug)]
pub(super) struct Passage {
    /// What passes, with the number of the rule that lets the first of it.
    pub(super) allowed: Space,
    pub(super) by: i32,
    /// What does not, by the rules that deny it.
    pub(super) denied: Vec<(i32, Space)>,
}

impl Acl {
    pub(super) fn new(acl: &NetworkAcl) -> Self {
        let in_order = |egress: bool| {
            let mut entries: Vec<Entry> = acl
                .entries
                .iter()
                .filter(|entry| entry.egress == egress)
                .flat_map(Entry::read)
                .collect();
            entries.sort_by_key(|entry| entry.number);
            entries
        };
        Self {
            id: acl.network_acl_id.clone(),
            ingress: in_order(false),
            egress: in_order(true),
        }
    }

    /// Protocols that rules name by number.
    pub(super) fn protocols(&self) -> impl Iterator<Item = u8> + '_ {
        let entries = self.ingress.iter().chain(&self.egress);
        entries.filter_map(|entry| number(entry.protocol))
    }

    fn entries(&self, direction: Direction) -> &[Entry] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The rule by which everything of a family passes before any other rule is
    /// tried, as in the ACL that each VPC begins with.
    pub(super) fn open_by(&self, direction: Direction, is_ipv6: bool) -> Option<i32> {
        let mut entries = self.entries(direction).iter();
        let first = entries.find(|entry| is_of_family(&entry.net, is_ipv6))?;
        let is_open = first.allows && first.protocol == Protocol::All && first.net.prefix_len() == 0;
        is_open.then_some(first.number)
    }

    /// Whether all of these would pass if a rule were not there.
    pub(super) fn passes_without(&self, rule: i32, direction: Direction, flow: Flow, space: Space) -> bool {
        let denied = pass_by(
            self.entries(direction).iter().filter(|entry| entry.number != rule),
            flow,
            space,
        );
        denied.denied.iter().all(|(_, cells)| cells.is_empty())
    }

    /// What passes: the first rule that matches decides, and none allows.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html>.
    pub(super) fn pass(&self, direction: Direction, flow: Flow, space: Space) -> Passage {
        let first = space.first().map(|cell| is_of_family(&cell.net, true));
        if let Some(is_ipv6) = first
            && let Some(by) = self.open_by(direction, is_ipv6)
            && space.iter().all(|cell| is_of_family(&cell.net, is_ipv6))
        {
            return Passage {
                allowed: space,
                by,
                denied: Vec::new(),
            };
        }
        pass_by(self.entries(direction).iter(), flow, space)
    }
}

/// What passes by these rules, in the order in which they are tried.
fn pass_by<'e>(entries: impl Iterator<Item = &'e Entry>, flow: Flow, mut space: Space) -> Passage {
    let mut passage = Passage {
        allowed: Vec::new(),
        by: LAST_RULE,
        denied: Vec::new(),
    };
    for entry in entries {
        let decided = match ports(entry.protocol, entry.ports, flow) {
            Some(ports) => take(&mut space, &entry.net, ports),
            // A rule that denies one type of ICMP leaves not all of it.
            None if !entry.allows && number(entry.protocol) == Some(flow.protocol) => {
                take(&mut space, &entry.net, EVERY_PORT)
            }
            None => continue,
        };
        if decided.is_empty() {
            continue;
        }
        if entry.allows {
            if passage.allowed.is_empty() {
                passage.by = entry.number;
            }
            passage.allowed.extend(decided);
        } else {
            passage.denied.push((entry.number, decided));
        }
        if space.is_empty() {
            return passage;
        }
    }
    passage.denied.push((LAST_RULE, space));
    passage
}

impl Entry {
    /// One for each family that the rule speaks of.
    fn read(entry: &NetworkAclEntry) -> impl Iterator<Item = Self> + '_ {
        let nets = entry.cidr_block.map(IpNet::V4).into_iter();
        let nets = nets.chain(entry.ipv6_cidr_block.map(IpNet::V6));
        let protocol = Protocol::parse(&entry.protocol);
        let ports = entry.port_range.as_ref().map(|range| PortRange {
            from: range.from,
            to: range.to,
        });
        let of_icmp = entry
            .icmp_type_code
            .as_ref()
            .filter(|icmp| icmp.type_ != -1)
            .map(|icmp| PortRange {
                from: icmp.type_,
                to: icmp.code,
            });
        nets.filter_map(move |net| {
            let protocol = protocol?;
            let ports = match protocol {
                Protocol::TCP | Protocol::UDP => ports,
                Protocol::ICMP | Protocol::ICMPV6 => of_icmp,
                Protocol::All | Protocol::Number(_) => None,
            };
            Some(Self {
                number: entry.rule_number,
                allows: entry.rule_action == RuleAction::Allow,
                protocol,
                ports,
                net: net.trunc(),
            })
        })
    }
}
