//! What interface endpoints and NAT gateways cost, and what goes beyond the limit.

use super::draft::Draft;

pub(super) fn plan(_draft: &mut Draft<'_>) {}
