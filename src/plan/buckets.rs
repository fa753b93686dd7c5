//! Bucket policies: our statement, or what is there, judged.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn plan(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
