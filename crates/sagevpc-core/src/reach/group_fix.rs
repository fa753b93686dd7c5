//! What security groups lack: the rules, and the commands that add them.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{Cause, fix::Means};
use crate::types::{Direction, Peer, PortRange, Protocol, Rule, SecurityGroupId, VpcEndpointId, joined, listed};

/// The groups of one interface that refuse something: whichever of them gets
/// the rules.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Holders<'c> {
    groups: &'c [SecurityGroupId],
    direction: Direction,
    /// Whether they are those of what is reached, and not the workload's.
    is_far: bool,
}

/// The rules that would admit what a security group refuses, none for what
/// something else stops.
pub(super) fn rules_for(cause: &Cause) -> Vec<Rule> {
    let Cause::NotAdmitted {
        direction,
        traffic,
        peers,
        callers,
        ..
    } = cause
    else {
        return Vec::new();
    };
    let rule = |peer: Peer| Rule::new(*direction, traffic.protocol, traffic.ports, peer);
    // A rule that names the caller's group holds in each of its subnets. One that
    // is still to be made has no id yet.
    let mut callers = callers.iter().flatten();
    match callers.find(|id| SecurityGroupId::is_kind_of(id.as_str())) {
        Some(id) => vec![rule(Peer::Group {
            id: id.clone(),
            owner: None,
        })],
        None => peers.iter().cloned().map(rule).collect(),
    }
}

/// What would have security groups admit all that they refuse by these.
pub(super) fn group_fix<'c>(causes: impl IntoIterator<Item = &'c Cause>, means: &Means<'_>) -> String {
    // Endpoints that share groups lack the same rules.
    let mut lacking: BTreeMap<Holders<'_>, (BTreeSet<Rule>, BTreeSet<&VpcEndpointId>)> = BTreeMap::new();
    for cause in causes {
        if let Cause::NotAdmitted {
            groups,
            direction,
            endpoint,
            callers,
            ..
        } = cause
        {
            let holders = Holders {
                groups,
                direction: *direction,
                is_far: callers.is_some(),
            };
            let (rules, endpoints) = lacking.entry(holders).or_default();
            rules.extend(rules_for(cause));
            endpoints.extend(endpoint);
        }
    }
    let fixes: Vec<String> = lacking
        .iter()
        .map(|(holders, (rules, endpoints))| holders.fix(rules, endpoints, means))
        .collect();
    fixes.join(" ")
}

impl Holders<'_> {
    fn fix(&self, rules: &BTreeSet<Rule>, endpoints: &BTreeSet<&VpcEndpointId>, means: &Means<'_>) -> String {
        let is_ours = |group: &SecurityGroupId| means.ours.contains(group.as_str());
        let is_of_ours = !self.groups.is_empty() && self.groups.iter().all(is_ours);
        if means.sagemaker_vpc.is_some() && is_of_ours {
            return "It is sagevpc's and will hold that once the plan is carried out.".to_owned();
        }
        let plural = if rules.len() == 1 { "a rule" } else { "rules" };
        let to = match self.groups {
            [only] => only.to_string(),
            several => format!("one of {}", listed(several)),
        };
        let command = self.groups.first().map_or_else(String::new, |group| {
            format!(", with `{}`", command(group, self.direction, rules))
        });
        let add = format!("Add {plural} to {to}: {}{command}.", joined(rules));
        let is_others = |endpoint: &&&VpcEndpointId| !means.ours.contains(endpoint.as_str());
        let of_others: Vec<&&VpcEndpointId> = endpoints.iter().filter(is_others).collect();
        match (means.sagemaker_vpc, endpoints.is_empty(), self.is_far) {
            (None, ..) => add,
            (Some(_), false, _) if of_others.is_empty() => add,
            (Some(_), false, _) => format!(
                "{add} Its owners must add that, or let sagevpc: list {} in spec.adopt.",
                joined(of_others)
            ),
            (Some(_), true, true) => format!("{add} Its owners must add that."),
            (Some(_), true, false) => format!(
                "{add} Its owners must add that, or remove spec.securityGroups so that sagevpc makes and keeps a group."
            ),
        }
    }
}

/// What adds the rules to a group.
///
/// See <https://docs.aws.amazon.com/cli/latest/reference/ec2/authorize-security-group-ingress.html>.
fn command(group: &SecurityGroupId, direction: Direction, rules: &BTreeSet<Rule>) -> String {
    let mut services: BTreeMap<(Protocol, Option<PortRange>), Vec<&Peer>> = BTreeMap::new();
    for rule in rules {
        services
            .entry((rule.protocol, rule.ports))
            .or_default()
            .push(&rule.peer);
    }
    let permissions = services
        .into_iter()
        .map(|((protocol, ports), peers)| format!("'{}'", permission(group, protocol, ports, &peers)));
    let permissions: Vec<String> = permissions.collect();
    format!(
        "aws ec2 authorize-security-group-{direction} --group-id {group} --ip-permissions {}",
        permissions.join(" ")
    )
}

/// One permission in the AWS CLI's shorthand.
fn permission(group: &SecurityGroupId, protocol: Protocol, ports: Option<PortRange>, peers: &[&Peer]) -> String {
    let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for peer in peers {
        let (list, entry) = match peer {
            Peer::Cidr(block @ IpNet::V4(_)) => ("IpRanges", format!("{{CidrIp={block}}}")),
            Peer::Cidr(block @ IpNet::V6(_)) => ("Ipv6Ranges", format!("{{CidrIpv6={block}}}")),
            Peer::PrefixList(list) => ("PrefixListIds", format!("{{PrefixListId={list}}}")),
            Peer::Itself => ("UserIdGroupPairs", format!("{{GroupId={group}}}")),
            Peer::Group { id, .. } => ("UserIdGroupPairs", format!("{{GroupId={id}}}")),
            Peer::Made(key) => ("UserIdGroupPairs", format!("{{GroupId={key}}}")),
        };
        lists.entry(list).or_default().push(entry);
    }
    let range = match (protocol, ports) {
        (_, Some(range)) => format!(",FromPort={},ToPort={}", range.from, range.to),
        (Protocol::TCP | Protocol::UDP, None) => ",FromPort=0,ToPort=65535".to_owned(),
        (Protocol::ICMP | Protocol::ICMPV6, None) => ",FromPort=-1,ToPort=-1".to_owned(),
        (Protocol::All | Protocol::Number(_), None) => String::new(),
    };
    let lists: Vec<String> = lists
        .into_iter()
        .map(|(list, entries)| format!(",{list}=[{}]", entries.join(",")))
        .collect();
    format!("IpProtocol={}{range}{}", protocol.as_ec2(), lists.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Traffic;

    fn refused(subnet: &str, callers: Option<&[&str]>) -> Cause {
        Cause::NotAdmitted {
            groups: vec!["sg-0000000a".into()],
            direction: Direction::Ingress,
            traffic: Traffic::tcp(5439),
            peers: vec![Peer::Cidr(subnet.parse().unwrap())],
            endpoint: None,
            callers: callers.map(|ids| ids.iter().map(|id| (*id).into()).collect()),
        }
    }

    #[test]
    fn what_is_told_of_several_subnets_opens_the_group_to_all_of_them() {
        let causes = [
            refused("10.0.1.0/24", Some(&[])),
            refused("10.0.2.0/24", Some(&["WorkloadSecurityGroup"])),
        ];
        assert_eq!(
            group_fix(&causes, &Means::default()),
            "Add rules to sg-0000000a: ingress tcp 5439 from 10.0.1.0/24, ingress tcp 5439 from 10.0.2.0/24, with `aws ec2 \
             authorize-security-group-ingress --group-id sg-0000000a --ip-permissions \
             'IpProtocol=tcp,FromPort=5439,ToPort=5439,IpRanges=[{CidrIp=10.0.1.0/24},{CidrIp=10.0.2.0/24}]'`."
        );
    }

    #[test]
    fn a_rule_that_names_the_callers_group_holds_in_all_its_subnets() {
        let caller = Some(["sg-0000000b"].as_slice());
        let causes = [refused("10.0.1.0/24", caller), refused("10.0.2.0/24", caller)];
        let means = Means {
            sagemaker_vpc: Some("research"),
            ..Means::default()
        };
        assert_eq!(
            group_fix(&causes, &means),
            "Add a rule to sg-0000000a: ingress tcp 5439 from sg-0000000b, with `aws ec2 authorize-security-group-ingress \
             --group-id sg-0000000a --ip-permissions \
             'IpProtocol=tcp,FromPort=5439,ToPort=5439,UserIdGroupPairs=[{GroupId=sg-0000000b}]'`. Its owners must add that."
        );
    }
}
