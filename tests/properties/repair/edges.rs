//! Damage to our rules in network ACLs, and to our flow logs.

use proptest::{prelude::*, sample::Index};
use sagevpc::{
    observed::{NetworkAclEntry, Snapshot, tags_of},
    types::{AclEntry, Direction, Protocol},
};

use crate::memory::edges::{RESERVED, entry_of};

/// Something that someone does behind our back.
#[derive(Clone, Debug)]
pub enum Damage {
    DeleteRule(Index),
    DenyInstead(Index),
    OpenRule(Index),
    DeleteFlowLog(Index),
}

pub fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>();
    (0..4usize, place).prop_map(|(kind, place)| match kind {
        0 => Damage::DeleteRule(place),
        1 => Damage::DenyInstead(place),
        2 => Damage::OpenRule(place),
        _ => Damage::DeleteFlowLog(place),
    })
}

fn is_ours(entry: &NetworkAclEntry) -> bool {
    u16::try_from(entry.rule_number).is_ok_and(|number| RESERVED.contains(&number))
}

pub fn inflict(snapshot: &mut Snapshot, damage: &Damage) {
    let rules: Vec<(usize, usize)> = snapshot
        .network_acls
        .iter()
        .enumerate()
        .flat_map(|(acl, found)| {
            found
                .entries
                .iter()
                .enumerate()
                .map(move |(place, entry)| (acl, place, entry))
        })
        .filter(|(_, _, entry)| is_ours(entry))
        .map(|(acl, place, _)| (acl, place))
        .collect();
    let everyone = |direction, number, allows, is_ipv6: bool| {
        let everywhere = if is_ipv6 { "::/0" } else { "0.0.0.0/0" }.parse().unwrap();
        entry_of(&AclEntry::new(
            direction,
            number,
            allows,
            Protocol::All,
            None,
            everywhere,
        ))
    };
    match damage {
        Damage::DeleteRule(place) if !rules.is_empty() => {
            let (acl, place) = *place.get(&rules);
            snapshot.network_acls[acl].entries.remove(place);
        }
        Damage::DenyInstead(place) if !rules.is_empty() => {
            let (acl, place) = *place.get(&rules);
            let entry = &mut snapshot.network_acls[acl].entries[place];
            let direction = if entry.egress {
                Direction::Egress
            } else {
                Direction::Ingress
            };
            let number = u16::try_from(entry.rule_number).expect("a number of ours");
            // EC2 counts the rules of each IP version, and may have no room for one of the other.
            *entry = everyone(direction, number, false, entry.ipv6_cidr_block.is_some());
        }
        // Only where rules of ours are is a number in that range ours for sure.
        Damage::OpenRule(place) if !rules.is_empty() => {
            let (acl, _) = *place.get(&rules);
            let entries = &mut snapshot.network_acls[acl].entries;
            let ingress = entries
                .iter()
                .filter(|entry| !entry.egress && entry.rule_number < 32_767);
            let is_taken = entries.iter().any(|entry| !entry.egress && entry.rule_number == 30_077);
            if ingress.count() < 19 && !is_taken {
                entries.push(everyone(Direction::Ingress, 30_077, true, false));
            }
        }
        Damage::DeleteFlowLog(place) => {
            let is_ours = |tags: &[_]| tags_of(tags).contains_key("sagevpc.dev/cluster");
            let logs: Vec<usize> = (0..snapshot.flow_logs.len())
                .filter(|log| is_ours(&snapshot.flow_logs[*log].tags))
                .collect();
            if !logs.is_empty() {
                snapshot.flow_logs.remove(*place.get(&logs));
            }
        }
        Damage::DeleteRule(_) | Damage::DenyInstead(_) | Damage::OpenRule(_) => {}
    }
}
