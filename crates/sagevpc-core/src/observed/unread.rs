//! What was there and could not be read.

use std::fmt;

use super::files::FileKind;
use crate::types::VpcId;

/// An entry of a snapshot, or a part of one, that cannot be read. All else is
/// read; what depends on this alone is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What it would be.
    pub kind: FileKind,
    /// The file that it is in, as the reader names it.
    pub file: String,
    /// Its place in the file's list, from 0.
    pub place: usize,
    /// Its id, where that can be read.
    pub id: Option<String>,
    /// Its VPC, where that can be read.
    pub vpc: Option<VpcId>,
    /// The field, such as `Routes[2]`; `None` where it is the entry itself.
    pub field: Option<String>,
    /// What is wrong with it.
    pub problem: String,
    /// Whether all of the entry is left out on its account.
    pub is_whole: bool,
}

impl Unread {
    /// Whether it is, or may be, of this VPC.
    pub fn may_be_of(&self, vpc: &VpcId) -> bool {
        self.vpc.as_ref().is_none_or(|found| found == vpc)
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: entry {}", self.file, self.place + 1)?;
        if let Some(id) = &self.id {
            write!(f, " ({id})")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.problem)
    }
}
