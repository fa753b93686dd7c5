//! The rules that we keep in a network ACL: which, and under which numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use ipnet::IpNet;

use super::{
    packets::Packets,
    passage::{Passage, RuleKind},
    slots::{Slots, slot},
};
use crate::{
    catalog::MAX_ACL_RULES,
    types::{AclEntry, Direction, LAST_ACL_RULE, PortRange, Protocol},
};

/// How many rules are ours, at most.
pub(in crate::plan) const RESERVED: u16 = 100;

/// The rules of one ACL, by whose they are.
pub(super) struct Rules {
    /// The numbers that ours get.
    pub(super) reserved: RangeInclusive<u16>,
    pub(super) ours: Vec<AclEntry>,
    /// Rules of ours that someone changed to denials: none of ours denies.
    pub(super) intruders: Vec<AclEntry>,
    pub(super) others: Vec<AclEntry>,
}

impl Rules {
    /// `made` are those that we are known to have made.
    pub(super) fn new(rules: Vec<AclEntry>, first: u16, made: Option<&Slots>) -> Self {
        let reserved = first..=first.saturating_add(RESERVED - 1);
        let is_made = |rule: &AclEntry| made.is_some_and(|made| made.contains(&slot(rule)));
        let (made, others): (Vec<_>, Vec<_>) = rules.into_iter().partition(is_made);
        let (ours, intruders) = made.into_iter().partition(|rule| rule.allows);
        Self {
            reserved,
            ours,
            intruders,
            others,
        }
    }

    /// All that are there.
    pub(super) fn all(&self) -> impl Iterator<Item = &AclEntry> {
        self.others.iter().chain(&self.ours).chain(&self.intruders)
    }

    /// Those of others, but for what may be ours though that is not noted.
    pub(super) fn for_certain_of_others(&self) -> impl Iterator<Item = &AclEntry> {
        self.others.iter().filter(|rule| !self.may_be_ours(rule))
    }

    /// Whether it allows something under one of our numbers.
    pub(super) fn may_be_ours(&self, rule: &AclEntry) -> bool {
        rule.allows && self.reserved.contains(&rule.rule_number)
    }

    /// Rules of others with these, in the order in which they are tried.
    pub(super) fn with<'a>(&'a self, more: impl IntoIterator<Item = &'a AclEntry>) -> Vec<&'a AclEntry> {
        in_order(self.others.iter().chain(more))
    }

    /// How many more rules of the kind the ACL takes now.
    pub(super) fn room_now(&self, kind: RuleKind) -> usize {
        let inside = count(&self.ours, kind) + count(&self.intruders, kind);
        self.room(kind).saturating_sub(inside)
    }

    /// How many rules of the kind the ACL takes besides those of others.
    fn room(&self, kind: RuleKind) -> usize {
        let (others, ours) = (count(&self.others, kind), count(&self.ours, kind));
        // Who has more than the default has had the quota raised.
        let (default, most) = MAX_ACL_RULES;
        let quota = if others + ours < default { default } else { most };
        (quota - 1).saturating_sub(others)
    }

    /// Whether someone denies something behind our rules, which a wider rule of
    /// ours would let through.
    fn deny_behind(&self, kind: RuleKind) -> bool {
        self.others.iter().any(|rule| {
            let is_behind = (*self.reserved.end()..LAST_ACL_RULE).contains(&rule.rule_number);
            is_behind && !rule.allows && RuleKind::of(rule) == kind
        })
    }
}

/// Rules in the order in which they are tried.
pub(super) fn in_order<'a>(rules: impl Iterator<Item = &'a AclEntry>) -> Vec<&'a AclEntry> {
    let mut rules: Vec<&AclEntry> = rules.collect();
    rules.sort_by_key(|rule| rule.rule_number);
    rules
}

/// How many rules of the kind there are, that at the end left out.
fn count(rules: &[AclEntry], kind: RuleKind) -> usize {
    let alike = rules.iter().filter(|rule| RuleKind::of(rule) == kind);
    alike.filter(|rule| rule.rule_number < LAST_ACL_RULE).count()
}

/// What a rule of ours is to let through. It has no number yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Opening {
    protocol: Protocol,
    ports: Option<PortRange>,
    cidr: IpNet,
}

impl Opening {
    const fn of(passage: &Passage) -> Self {
        Self {
            protocol: passage.protocol,
            ports: passage.ports,
            cidr: passage.cidr,
        }
    }

    /// With all addresses of the VPC in place of some of them, or with all that
    /// there are in place of some outside.
    fn widened(self, vpc: &[IpNet]) -> Self {
        let around = vpc.iter().find(|block| block.contains(&self.cidr)).copied();
        let everywhere = || match self.cidr {
            IpNet::V4(_) => ipnet::Ipv4Net::default().into(),
            IpNet::V6(_) => ipnet::Ipv6Net::default().into(),
        };
        Self {
            cidr: around.unwrap_or_else(everywhere),
            ..self
        }
    }

    fn packets(&self) -> Packets {
        Packets::new(self.protocol, self.ports, self.cidr)
    }
}

/// The rules to have, and what there was no room for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Ours, each with its number.
    pub(super) entries: Vec<AclEntry>,
    /// Directions that would need more rules than EC2 takes, each with how many
    /// and how many there is room for.
    pub(super) too_many: BTreeMap<RuleKind, (usize, usize)>,
}

/// The rules of ours that let through what the rules of others deny. Those
/// that are there keep their numbers.
///
/// Where EC2 takes fewer than are wanted, what is there stays, for it serves
/// someone, and what destinations of teams need waits for room: a long list of
/// one team must not take S3 from all.
pub(super) fn wanted<'a>(rules: &Rules, passages: impl Iterator<Item = &'a Passage>, vpc: &[IpNet]) -> Wanted {
    let mut lacking: BTreeMap<RuleKind, Vec<&Passage>> = BTreeMap::new();
    for passage in passages {
        // Nothing that comes after a denial undoes it.
        if passage.by.is_none_or(|number| number > *rules.reserved.end()) {
            lacking.entry(passage.kind()).or_default().push(passage);
        }
    }
    let mut wanted = Wanted::default();
    let mut taken: BTreeSet<(Direction, u16)> = rules.all().map(|rule| (rule.direction, rule.rule_number)).collect();
    for (kind, passages) in lacking {
        let room = rules.room(kind);
        let wider = (!rules.deny_behind(kind)).then_some(vpc);
        let fitting = choices(&passages, wider).find(|choice| choice.len() <= room);
        let openings = fitting.unwrap_or_else(|| {
            let count = merged(passages.iter().copied().map(Opening::of)).len();
            wanted.too_many.insert(kind, (count, room));
            let there: Vec<&AclEntry> = rules.ours.iter().filter(|rule| RuleKind::of(rule) == kind).collect();
            wanted.entries.extend(there.iter().copied().cloned());
            let rest: Vec<&Passage> = passages.iter().copied().filter(|passage| !passage.is_chosen).collect();
            let more = choices(&rest, wider).map(|choice| lacking_in(&there, choice));
            let mut fitting = more.filter(|more| there.len() + more.len() <= room);
            fitting.next().unwrap_or_default()
        });
        let numbered = openings
            .into_iter()
            .filter_map(|opening| number(rules, kind, opening, &mut taken));
        wanted.entries.extend(numbered);
    }
    wanted.entries.sort_by_key(|rule| (rule.direction, rule.rule_number));
    wanted
}

/// What lets the packets through: exactly, or wider where that may be.
fn choices(passages: &[&Passage], wider: Option<&[IpNet]>) -> impl Iterator<Item = BTreeSet<Opening>> {
    let exact = merged(passages.iter().copied().map(Opening::of));
    std::iter::once(exact).chain(wider.map(|vpc| widened(passages, vpc)))
}

/// The openings that none of the rules lets through.
fn lacking_in(rules: &[&AclEntry], openings: BTreeSet<Opening>) -> BTreeSet<Opening> {
    let is_there = |opening: &Opening| {
        let mut rules = rules.iter().map(|rule| Packets::of_rule(rule));
        rules.any(|rule| rule.contain(&opening.packets()))
    };
    openings.into_iter().filter(|opening| !is_there(opening)).collect()
}

/// The same packets in fewer rules.
fn merged(openings: impl Iterator<Item = Opening>) -> BTreeSet<Opening> {
    let mut peers: BTreeMap<(Protocol, Option<PortRange>), Vec<IpNet>> = BTreeMap::new();
    for Opening { protocol, ports, cidr } in openings {
        peers.entry((protocol, ports)).or_default().push(cidr);
    }
    let all: Vec<Opening> = peers
        .into_iter()
        .flat_map(|((protocol, ports), cidrs)| {
            let cidrs = IpNet::aggregate(&cidrs);
            cidrs.into_iter().map(move |cidr| Opening { protocol, ports, cidr })
        })
        .collect();
    let is_spare = |opening: &Opening| {
        let mut others = all.iter().filter(|other| *other != opening);
        others.any(|other| other.packets().contain(&opening.packets()))
    };
    all.iter().filter(|opening| !is_spare(opening)).cloned().collect()
}

/// Fewer rules that let more through, but for what teams chose. Security groups
/// still say who may send.
fn widened(passages: &[&Passage], vpc: &[IpNet]) -> BTreeSet<Opening> {
    merged(passages.iter().map(|passage| {
        let opening = Opening::of(passage);
        if passage.is_chosen {
            opening
        } else {
            opening.widened(vpc)
        }
    }))
}

/// The rule under the number that it has, or under the next that is free. There
/// are more numbers than rules that EC2 takes, unless someone fills them.
fn number(rules: &Rules, kind: RuleKind, opening: Opening, taken: &mut BTreeSet<(Direction, u16)>) -> Option<AclEntry> {
    let numbered = |number| {
        AclEntry::new(
            kind.direction,
            number,
            true,
            opening.protocol,
            opening.ports,
            opening.cidr,
        )
    };
    if let Some(there) = rules
        .ours
        .iter()
        .filter(|rule| rules.reserved.contains(&rule.rule_number))
        .find(|rule| rule.does_the_same_as(&numbered(rule.rule_number)))
    {
        return Some(there.clone());
    }
    let free = rules
        .reserved
        .clone()
        .find(|number| !taken.contains(&(kind.direction, *number)))?;
    taken.insert((kind.direction, free));
    Some(numbered(free))
}
