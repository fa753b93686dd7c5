//! Whether packets get there: what every verdict rests on.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn judge(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
