//! What a network ACL denies: the words for it, and what would open it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use ipnet::IpNet;

use super::{filter::LAST_RULE, fix::Means, hop::preposition};
use crate::{
    api::NetworkAclMode,
    types::{Direction, LAST_ACL_RULE, NetworkAclId, Protocol, Traffic, joined, listed},
};

/// The highest number that EC2 takes for a rule of somebody's own.
const LAST_OWN_RULE: u16 = LAST_ACL_RULE - 1;

/// Packets, or answers to them, that a rule of a network ACL denies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclDenial {
    /// The ACL.
    pub acl: NetworkAclId,
    /// Which way.
    pub direction: Direction,
    /// The number of the rule; 32767 is the one at the end.
    pub rule: i32,
    /// What is denied.
    pub traffic: Traffic,
    /// To or from whom.
    pub peers: Vec<IpNet>,
    /// Whether it is the answer that is denied.
    pub answer: bool,
    /// Whether all of it would pass without the rule.
    pub else_allowed: bool,
}

impl AclDenial {
    /// The rules that are missing, each as one reads, with whatever denies it.
    pub(super) fn missing_rules(&self) -> Vec<String> {
        let Self {
            direction,
            traffic,
            rule,
            ..
        } = self;
        let why = if *rule < LAST_RULE {
            format!("denied by rule {rule}")
        } else {
            "no rule allows all of it".to_owned()
        };
        let towards = preposition(*direction);
        let rules = self.peers.iter();
        rules
            .map(|peer| format!("{direction} {traffic} {towards} {peer} ({why})"))
            .collect()
    }

    /// The command that adds a rule under this number.
    fn command(&self, number: i32, peer: IpNet) -> String {
        let way = match self.direction {
            Direction::Egress => "--egress",
            Direction::Ingress => "--ingress",
        };
        let protocol = self.traffic.protocol.as_ec2();
        let ports = match (self.traffic.protocol, self.traffic.ports) {
            (Protocol::ICMP | Protocol::ICMPV6, None) => " --icmp-type-code Code=-1,Type=-1".to_owned(),
            (Protocol::ICMP | Protocol::ICMPV6, Some(range)) => {
                format!(" --icmp-type-code Code={},Type={}", range.to, range.from)
            }
            (Protocol::All | Protocol::Number(_), Some(range)) => {
                format!(" --port-range From={},To={}", range.from, range.to)
            }
            (Protocol::All | Protocol::Number(_), None) => String::new(),
        };
        let block = match peer {
            IpNet::V4(_) => "--cidr-block",
            IpNet::V6(_) => "--ipv6-cidr-block",
        };
        format!(
            "aws ec2 create-network-acl-entry --network-acl-id {} {way} --rule-number {number} --protocol \
             {protocol}{ports} {block} {peer} --rule-action allow",
            self.acl
        )
    }
}

impl fmt::Display for AclDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acl,
            direction,
            rule,
            traffic,
            peers,
            answer,
            else_allowed: _,
        } = self;
        let end = if *rule == LAST_RULE {
            "*".to_owned()
        } else {
            rule.to_string()
        };
        let answers = if *answer { "answers, " } else { "" };
        write!(
            f,
            "{direction} rule {end} of network ACL {acl} denies {answers}{traffic} {} {}",
            preposition(*direction),
            listed(peers)
        )
    }
}

/// Commands that a fix spells out; what is lacking is listed in full beside it.
const SPELLED_OUT: usize = 8;

/// What would open one network ACL to all of these.
pub(super) fn acl_fix<'d>(denials: impl IntoIterator<Item = &'d AclDenial>, means: &Means<'_>) -> String {
    let mut denied_by = BTreeSet::new();
    let mut is_all_else_allowed = true;
    // What two rules deny of the same must come before both.
    let mut lacking: BTreeMap<(Direction, Traffic, IpNet), &AclDenial> = BTreeMap::new();
    for denial in denials {
        is_all_else_allowed &= denial.else_allowed;
        denied_by.extend((denial.rule < LAST_RULE).then_some(denial.rule));
        for peer in &denial.peers {
            let lack = lacking
                .entry((denial.direction, denial.traffic, *peer))
                .or_insert(denial);
            if denial.rule < lack.rule {
                *lack = denial;
            }
        }
    }
    let (first, last) = means.rule_numbers;
    let enforces = means.sagemaker_vpc.is_some() && means.network_acls == NetworkAclMode::Enforce;
    if enforces && !denied_by.is_empty() {
        let comes = if denied_by.iter().all(|rule| *rule < i32::from(first)) {
            "comes before any"
        } else {
            "does not come after all"
        };
        return format!(
            "Rule {} {comes} that sagevpc may add ({first} to {last}): remove it, or set \
             spec.networkAcls.firstRuleNumber so that sagevpc's rules come first.",
            listed(&denied_by)
        );
    }
    let mut numbered: BTreeSet<(Direction, i32)> = BTreeSet::new();
    let mut commands = Vec::new();
    let mut leave_no_room = BTreeSet::new();
    for ((direction, _, peer), denial) in &lacking {
        let is_free = |number: &i32| {
            !means.has_acl_rule(&denial.acl, *direction, *number) && !numbered.contains(&(*direction, *number))
        };
        let number = if denial.rule < LAST_RULE {
            (1..denial.rule).rev().find(is_free)
        } else {
            (first.max(1).into()..=LAST_OWN_RULE.into()).find(is_free)
        };
        if let Some(number) = number {
            numbered.insert((*direction, number));
            commands.push(format!("`{}`", denial.command(number, *peer)));
        } else if denial.rule < LAST_RULE {
            leave_no_room.insert(denial.rule);
        }
    }
    if !leave_no_room.is_empty() {
        let (rules, leave, them) = match leave_no_room.len() {
            1 => ("Rule", "leaves", "it a higher number, or remove it"),
            _ => ("Rules", "leave", "them higher numbers, or remove them"),
        };
        return format!(
            "{rules} {} {leave} no number free for a rule that comes before: give {them}. Then add rules that allow it \
             with lower numbers.",
            listed(&leave_no_room)
        );
    }
    let rest = commands.len().saturating_sub(SPELLED_OUT);
    commands.truncate(SPELLED_OUT);
    let command = match (commands.is_empty(), rest) {
        (true, _) => String::new(),
        (false, 0) => format!(", with {}", joined(&commands)),
        (false, _) => format!(", with {} and {rest} more like these", joined(&commands)),
    };
    let plural = if lacking.len() == 1 {
        "a rule that allows"
    } else {
        "rules that allow"
    };
    if denied_by.is_empty() {
        let asks = means.sagemaker_vpc.filter(|_| !enforces);
        let enforce = asks.map_or_else(String::new, |vpc| {
            format!("; or have sagevpc add them: set spec.networkAcls.mode of SageMakerVpc {vpc} to Enforce")
        });
        return format!("Add {plural} it{command}{enforce}.");
    }
    let below = listed(&denied_by);
    let rules = if denied_by.len() == 1 { "rule" } else { "rules" };
    let add = format!("dd {plural} it with a number below {below}{command}.");
    if is_all_else_allowed {
        format!("Remove {rules} {below}, or a{add}")
    } else {
        format!("A{add}")
    }
}
