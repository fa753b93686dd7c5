//! Elastic Inference: its two groups, and where the service is gone.

use super::{draft::Draft, resolve::ResolvedProfile};

pub(super) fn plan(_draft: &mut Draft<'_>, _profiles: &[ResolvedProfile<'_>]) {}
