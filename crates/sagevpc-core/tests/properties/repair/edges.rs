//! Damage to our rules in network ACLs, and to our flow logs.

use proptest::{prelude::*, sample::Index};
use sagevpc_core::{
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

fn direction_of(entry: &NetworkAclEntry) -> Direction {
    if entry.egress {
        Direction::Egress
    } else {
        Direction::Ingress
    }
}

fn number_of(entry: &NetworkAclEntry) -> u16 {
    u16::try_from(entry.rule_number).expect("a number of ours")
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
            // EC2 counts the rules of each IP version, and may have no room for one of the other.
            *entry = everyone(
                direction_of(entry),
                number_of(entry),
                false,
                entry.ipv6_cidr_block.is_some(),
            );
        }
        Damage::OpenRule(place) if !rules.is_empty() => {
            let (acl, place) = *place.get(&rules);
            let entry = &mut snapshot.network_acls[acl].entries[place];
            *entry = everyone(
                direction_of(entry),
                number_of(entry),
                true,
                entry.ipv6_cidr_block.is_some(),
            );
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
