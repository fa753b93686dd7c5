//! Flow logs: made, replaced, let go.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn plan(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
