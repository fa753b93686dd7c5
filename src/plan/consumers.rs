//! What runs in the VPC, and whether it uses anything outside any profile.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn judge(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
