//! What each change to AWS tells of itself, whatever it changes.

use crate::{catalog::calls::Call, report::Lack, types::ResourceKey};
use iam_policy::PolicyDocument;

/// What becomes of what an action works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It comes into being.
    Creates,
    /// It is there before and after.
    Changes,
    /// It is no more.
    Deletes,
}

/// How a list is written: in full, or cut short.
pub(super) type List<'a> = &'a dyn Fn(Vec<String>) -> String;

/// What [`Action`](super::Action) asks of a change to a noun.
pub(super) trait Change {
    /// The call that carries it out.
    fn call(&self) -> Call;

    /// What becomes of what it works on.
    fn deed(&self) -> Deed;

    /// What it works on: an id, or the key of what is made.
    fn resource(&self) -> String;

    /// A part of the names of AWS's actions on the same noun.
    fn family(&self) -> &'static str;

    /// What it changes, field by field, for a person to read.
    fn describe(&self, list: List<'_>) -> String;

    /// The same, with what changes once something it refers to got its id left
    /// out; `None` where nothing does.
    fn lasting(&self, _list: List<'_>) -> Option<String> {
        None
    }

    /// The key of what it makes, if it makes something.
    fn makes(&self) -> Option<&ResourceKey> {
        None
    }

    /// What it gives the network: whoever says why it is not done tells of that.
    fn gives(&self) -> Vec<Lack> {
        Vec::new()
    }

    /// The policy that it puts in force.
    fn policy(&self) -> Option<&PolicyDocument> {
        None
    }
}

/// A list of ids, keys or rules.
pub(super) fn all<T: ToString>(items: &[T], list: List<'_>) -> String {
    list(items.iter().map(ToString::to_string).collect())
}
