//! What of somebody else's serves the profiles: used as it is, and theirs to take
//! away. When they do, what takes its place is made for the first time, and puts
//! nothing of ours back.

use std::collections::BTreeSet;

use super::{draft::Draft, endpoints, flow_logs, internet, s3};
use crate::{observed::Stage, plan::resolved::ResolvedProfile, types::RouteTableId};

/// What others serve, one line for each thing served.
pub(super) fn serving(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeSet<String> {
    let tables: BTreeSet<&RouteTableId> = s3::using_s3(profiles)
        .flat_map(|resolved| resolved.tables.keys())
        .collect();
    let to_s3 = draft
        .snapshot
        .s3_gateway_endpoints()
        .filter(|endpoint| !draft.claims.is_ours(endpoint.vpc_endpoint_id.as_str()))
        .filter(|endpoint| endpoint.is_there() && endpoint.stage() != Stage::Failed)
        .flat_map(|endpoint| &endpoint.route_table_ids)
        .filter(|table| tables.contains(table))
        .map(|table| format!("S3 from {table}"));
    let adopted = draft
        .claims
        .ours()
        .iter()
        .filter(|(_, ours)| ours.adopted)
        .map(|(id, _)| format!("adopted {id}"));
    let mut serving: BTreeSet<String> = to_s3.chain(adopted).collect();
    serving.extend(endpoints::served_by_others(draft, profiles));
    serving.extend(internet::led_by_others(draft, profiles));
    serving.extend(flow_logs::recorded_by_others(draft, profiles));
    serving
}
