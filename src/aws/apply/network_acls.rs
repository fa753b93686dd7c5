//! Rules of network ACLs.

use super::work::{Performed, Setback, Work};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    plan::NetworkAclChange,
    types::{AclEntry, Direction, NetworkAclId},
};

/// Changes a network ACL.
pub(super) async fn change(work: &Work<'_>, change: &NetworkAclChange) -> Performed {
    match change {
        NetworkAclChange::CreateEntry { acl, entry } => create(work, acl, entry).await,
        NetworkAclChange::ReplaceEntry { acl, entry } => replace(work, acl, entry).await,
        NetworkAclChange::DeleteEntry {
            acl,
            direction,
            rule_number,
        } => delete(work, acl, *direction, *rule_number).await,
    }
}

/// Adds a rule. Where its number is taken, what holds it is left as it is,
/// unless it is just this rule: a number of ours that holds something else is
/// the next plan's to put right.
async fn create(work: &Work<'_>, acl: &NetworkAclId, entry: &AclEntry) -> Performed {
    let fields = convert::to_acl_entry(entry);
    let request = work
        .client()
        .create_network_acl_entry()
        .network_acl_id(acl.as_str())
        .egress(entry.direction == Direction::Egress)
        .rule_number(i32::from(entry.rule_number))
        .protocol(fields.protocol)
        .rule_action(fields.action)
        .set_cidr_block(fields.cidr_block)
        .set_ipv6_cidr_block(fields.ipv6_cidr_block)
        .set_port_range(fields.ports)
        .set_icmp_type_code(fields.icmp);
    match work.call(Call::CreateNetworkAclEntry, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) if setback.meaning() == Some(Meaning::AlreadyThere) => made_before(work, acl, entry).await,
        Err(setback) => Err(setback.vanished(acl.as_str())),
    }
}

async fn made_before(work: &Work<'_>, acl: &NetworkAclId, entry: &AclEntry) -> Performed {
    let found = work.look(describe::network_acl(work.connection(), acl)).await?;
    let entries = found.map(|acl| acl.entries).unwrap_or_default();
    let wanted = convert::acl_entry_as_shown(entry);
    if entries.into_iter().any(|there| Some(there) == wanted) {
        return Ok(None);
    }
    Err(Setback::Waiting(format!(
        "{acl} got another {} rule {} in the meantime; the next look decides",
        entry.direction, entry.rule_number
    )))
}

/// Puts a rule in place of the one with its number.
async fn replace(work: &Work<'_>, acl: &NetworkAclId, entry: &AclEntry) -> Performed {
    let fields = convert::to_acl_entry(entry);
    let request = work
        .client()
        .replace_network_acl_entry()
        .network_acl_id(acl.as_str())
        .egress(entry.direction == Direction::Egress)
        .rule_number(i32::from(entry.rule_number))
        .protocol(fields.protocol)
        .rule_action(fields.action)
        .set_cidr_block(fields.cidr_block)
        .set_ipv6_cidr_block(fields.ipv6_cidr_block)
        .set_port_range(fields.ports)
        .set_icmp_type_code(fields.icmp);
    match work.call(Call::ReplaceNetworkAclEntry, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) => {
            let what = format!("{} rule {} in {acl}", entry.direction, entry.rule_number);
            Err(setback.vanished(&what))
        }
    }
}

/// Takes a rule off. An ACL that is gone has none.
async fn delete(work: &Work<'_>, acl: &NetworkAclId, direction: Direction, rule_number: u16) -> Performed {
    let request = work
        .client()
        .delete_network_acl_entry()
        .network_acl_id(acl.as_str())
        .egress(direction == Direction::Egress)
        .rule_number(i32::from(rule_number));
    match work.call(Call::DeleteNetworkAclEntry, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) => match setback.meaning() {
            Some(Meaning::NotThere(Thing::NetworkAclEntry | Thing::NetworkAcl)) => Ok(None),
            Some(_) | None => Err(setback),
        },
    }
}
