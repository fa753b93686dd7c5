//! What EC2 tells an entry of a network ACL by.

use std::collections::BTreeSet;

use crate::types::{AclEntry, Direction};

/// Entries of one ACL, by what EC2 tells them by.
pub(in crate::plan) type Slots = BTreeSet<(Direction, u16)>;

/// The slot that an entry has.
pub(super) fn slot(rule: &AclEntry) -> (Direction, u16) {
    (rule.direction, rule.rule_number)
}
