//! Network ACLs: rules that are missing, added or reported.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn plan(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
