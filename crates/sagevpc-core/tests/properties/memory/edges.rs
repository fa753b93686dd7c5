//! Network ACLs and flow logs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Memory, tags_as_list};
use sagevpc_core::{
    observed::{AclPortRange, FlowLog, NetworkAcl, NetworkAclEntry, Snapshot, tags_of},
    plan::{Action, ClientTokens, FlowLogChange, NetworkAclChange, Step},
    types::{AclEntry, Direction, FlowLogId, NetworkAclId, Protocol, ResourceKey},
};

/// A rule as EC2 gives it back: protocols by their numbers.
pub fn entry_of(entry: &AclEntry) -> NetworkAclEntry {
    let (cidr_block, ipv6_cidr_block) = match entry.cidr {
        ipnet::IpNet::V4(cidr) => (Some(cidr), None),
        ipnet::IpNet::V6(cidr) => (None, Some(cidr)),
    };
    NetworkAclEntry {
        rule_number: entry.rule_number.into(),
        egress: entry.direction == Direction::Egress,
        rule_action: if entry.allows { "allow" } else { "deny" }.into(),
        protocol: match entry.protocol {
            Protocol::All => "-1".to_owned(),
            Protocol::Number(number) => number.to_string(),
        },
        cidr_block,
        ipv6_cidr_block,
        port_range: entry.ports.map(|ports| AclPortRange {
            from: ports.from,
            to: ports.to,
        }),
        icmp_type_code: None,
    }
}

impl Memory {
    pub(super) fn network_acl(&mut self, action: &Action) -> Step {
        match action {
            Action::NetworkAcl(NetworkAclChange::CreateEntry { acl, entry }) => {
                let acl = self.acl(acl);
                let taken = place(acl, entry.direction, entry.rule_number);
                assert!(taken.is_none(), "NetworkAclEntryAlreadyExists: {entry}");
                acl.entries.push(entry_of(entry));
                let alike = acl.entries.iter().filter(|other| {
                    other.egress == (entry.direction == Direction::Egress)
                        && other.ipv6_cidr_block.is_some() == matches!(entry.cidr, ipnet::IpNet::V6(_))
                        && other.rule_number < 32_767
                });
                assert!(alike.count() < 20, "NetworkAclEntryLimitExceeded: {entry}");
            }
            Action::NetworkAcl(NetworkAclChange::ReplaceEntry { acl, entry }) => {
                let acl = self.acl(acl);
                let old = place(acl, entry.direction, entry.rule_number);
                let old = old.unwrap_or_else(|| panic!("EC2 finds no rule to replace by {entry}"));
                acl.entries[old] = entry_of(entry);
            }
            Action::NetworkAcl(NetworkAclChange::DeleteEntry {
                acl,
                direction,
                rule_number,
            }) => {
                let acl = self.acl(acl);
                let old = place(acl, *direction, *rule_number);
                let old = old.unwrap_or_else(|| panic!("EC2 finds no {direction} rule {rule_number}"));
                acl.entries.remove(old);
            }
            other => panic!("{other:?} is not about network ACLs"),
        }
        Step::Done
    }

    fn acl(&mut self, id: &NetworkAclId) -> &mut NetworkAcl {
        let found = self
            .snapshot
            .network_acls
            .iter_mut()
            .find(|acl| acl.network_acl_id == *id);
        found.expect("EC2 knows the network ACL")
    }

    pub(super) fn flow_log(
        &mut self,
        action: &Action,
        tokens: &ClientTokens,
        made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        match action {
            Action::FlowLog(FlowLogChange::Create {
                key,
                resource,
                settings,
                tags,
            }) => {
                let token = tokens.get(key);
                if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
                    made.insert(key.clone(), known.clone());
                    return Step::Done;
                }
                let clash = self.snapshot.flow_logs.iter().find(|log| {
                    log.resource_id == *resource && log.log_destination.as_ref() == Some(&settings.log_destination)
                });
                assert!(clash.is_none(), "FlowLogAlreadyExists: {clash:?}");
                let id = self.next_id("fl");
                self.tokens.extend(token.map(|token| (token.clone(), id.clone())));
                self.snapshot.flow_logs.push(FlowLog {
                    flow_log_id: FlowLogId::new(&id),
                    resource_id: resource.clone(),
                    traffic_type: Some(settings.traffic_type.as_str().to_owned()),
                    log_destination_type: Some(settings.log_destination_type.as_str().to_owned()),
                    log_destination: Some(settings.log_destination.clone()),
                    log_group_name: None,
                    deliver_logs_permission_arn: settings.deliver_logs_permission_arn.clone(),
                    log_format: settings.log_format.clone(),
                    max_aggregation_interval: i32::try_from(settings.max_aggregation_interval).ok(),
                    flow_log_status: Some("ACTIVE".to_owned()),
                    deliver_logs_status: None,
                    deliver_logs_error_message: None,
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::FlowLog(FlowLogChange::Delete { id }) => {
                let before = self.snapshot.flow_logs.len();
                self.snapshot.flow_logs.retain(|log| log.flow_log_id != *id);
                assert!(
                    self.snapshot.flow_logs.len() < before,
                    "InvalidFlowLogId.NotFound: {id}"
                );
            }
            other => panic!("{other:?} is not about flow logs"),
        }
        Step::Done
    }
}

fn place(acl: &NetworkAcl, direction: Direction, rule_number: u16) -> Option<usize> {
    acl.entries.iter().position(|entry| {
        entry.egress == (direction == Direction::Egress) && entry.rule_number == i32::from(rule_number)
    })
}

/// Numbers that are ours where the spec names no others.
pub const RESERVED: std::ops::RangeInclusive<u16> = 30_000..=30_099;

/// Each rule with the ACL that it is in.
fn rules(snapshot: &Snapshot) -> impl Iterator<Item = (&NetworkAcl, AclEntry)> {
    let acls = snapshot.network_acls.iter();
    acls.flat_map(|acl| acl.rules().into_iter().map(move |rule| (acl, rule)))
}

/// Rules and flow logs that are not ours.
pub fn foreign(snapshot: &Snapshot) -> BTreeSet<String> {
    let rules = rules(snapshot)
        .filter(|(_, rule)| !RESERVED.contains(&rule.rule_number))
        .map(|(acl, rule)| format!("{}: {rule}", acl.network_acl_id));
    let logs = snapshot.flow_logs.iter();
    let logs = logs.filter(|log| !tags_of(&log.tags).contains_key("sagevpc.dev/cluster"));
    rules.chain(logs.map(|log| format!("{log:?}"))).collect()
}

/// Rules and flow logs that are ours, whatever their numbers and ids.
pub fn ours(snapshot: &Snapshot) -> BTreeSet<String> {
    let logs = snapshot.flow_logs.iter().filter_map(|log| {
        let tags = tags_of(&log.tags);
        let purpose = tags.get("sagevpc.dev/resource")?;
        let to = log.log_destination.as_deref().unwrap_or_default();
        Some(format!(
            "{purpose} {to} {:?} {:?} {tags:?}",
            log.traffic_type, log.max_aggregation_interval
        ))
    });
    logs.chain(our_rules(snapshot)).collect()
}

/// Our rules, each with its ACL and without its number. None of them denies.
pub fn our_rules(snapshot: &Snapshot) -> BTreeSet<String> {
    rules(snapshot)
        .filter(|(_, rule)| RESERVED.contains(&rule.rule_number) && rule.allows)
        .map(|(acl, rule)| {
            let unnumbered = AclEntry { rule_number: 0, ..rule };
            format!("{} {unnumbered}", acl.network_acl_id)
        })
        .collect()
}
