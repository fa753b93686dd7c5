//! Flow logs: made, replaced, let go.
//!
//! Workloads run with or without them, so whatever is wrong with them is said
//! of the SageMakerVpc alone. EC2 changes no flow log: another one takes its
//! place. It goes first where both would write to the same place, for EC2
//! refuses a second (`FlowLogAlreadyExists`); else it goes last.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html>.

use std::collections::BTreeMap;

use super::{Action, ActionId, PlannedAction, Serves, draft::Draft};
use crate::{
    api::{FlowLogResourceType, Reason, ResourceOwnership},
    observed::{DeliveryStatus, FlowLog, tags_of},
    plan::{FlowLogChange, kept::HeldThing, resolved::ResolvedProfile},
    report::{Concern, Scope},
    types::{FlowLogSettings, LogDestinationType, ResourceKey, SubnetId, TrafficType},
};

const CONCERN: Concern = Concern::FlowLogs;

/// The fields of a record, where a flow log names none.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} \
                              ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// Seconds over which records are gathered, where a flow log names none.
const DEFAULT_INTERVAL: u32 = 600;

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let wanted = wanted(draft, profiles);
    for (resource, settings) in &wanted {
        keep(draft, resource, settings);
    }
    // Which subnets a profile has that is frozen or lost them is not known.
    let may_be_used = |log: &FlowLog, key: &ResourceKey| {
        let is_per_subnet = *key != of(draft.network.vpc.vpc_id.as_str());
        let declared = draft.network.vpc.flow_logs.as_ref();
        is_per_subnet
            && draft.keeping.has(HeldThing::Subnet(&SubnetId::new(&log.resource_id)))
            && declared.is_some_and(|declared| declared.resource_type == FlowLogResourceType::Subnet)
    };
    let unneeded: Vec<(&FlowLog, ResourceKey)> = draft
        .snapshot
        .flow_logs
        .values()
        .filter(|log| !wanted.contains_key(&log.resource_id))
        .filter_map(|log| Some((log, key_of(draft, log)?)))
        .filter(|(log, key)| !may_be_used(log, key))
        .collect();
    for (log, key) in unneeded {
        let reason = format!("nothing asks for a flow log of {} any more", log.resource_id);
        let_go(draft, log, &key, &reason);
    }
}

/// What is to be recorded, by the VPC's or the subnet's id, and how.
fn wanted(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> BTreeMap<String, FlowLogSettings> {
    let vpc = &draft.network.vpc;
    let Some(declared) = vpc.flow_logs.as_ref().filter(|_| !vpc.deleting) else {
        return BTreeMap::new();
    };
    let resources: Vec<String> = match declared.resource_type {
        FlowLogResourceType::Vpc => vec![vpc.vpc_id.to_string()],
        FlowLogResourceType::Subnet => profiles
            .iter()
            .filter(|resolved| resolved.takes_part())
            .flat_map(|resolved| resolved.subnets.iter().map(|subnet| subnet.subnet_id.to_string()))
            .collect(),
    };
    resources
        .into_iter()
        .map(|resource| (resource, declared.settings.clone()))
        .collect()
}

/// The VPC or subnets whose traffic is recorded as declared by somebody else.
pub(super) fn recorded_by_others(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Vec<String> {
    let wanted = wanted(draft, profiles);
    let others = draft.snapshot.flow_logs.values();
    others
        .filter(|log| key_of(draft, log).is_none())
        .filter(|log| {
            wanted
                .get(&log.resource_id)
                .is_some_and(|settings| records_the_same(log, settings))
        })
        .map(|log| format!("records of {}", log.resource_id))
        .collect()
}

fn of(resource: &str) -> ResourceKey {
    ResourceKey::FlowLog {
        resource: resource.to_owned(),
    }
}

/// What a flow log of ours is for.
fn key_of(draft: &Draft<'_>, log: &FlowLog) -> Option<ResourceKey> {
    draft.claims.key_of(log.flow_log_id.as_str()).cloned()
}

fn keep(draft: &mut Draft<'_>, resource: &str, settings: &FlowLogSettings) {
    let key = of(resource);
    let logs = draft.snapshot.flow_logs.values();
    let (mut ours, others): (Vec<&FlowLog>, Vec<&FlowLog>) = logs
        .filter(|log| log.resource_id == resource)
        .partition(|log| key_of(draft, log).is_some());
    if let Some(place) = ours.iter().position(|log| is_as_declared(log, settings)) {
        let kept = ours.remove(place);
        list(draft, kept, ResourceOwnership::Ours);
        draft.keep_tags(
            kept.flow_log_id.as_str(),
            &key,
            Serves::SageMakerVpc,
            &tags_of(&kept.tags),
        );
        judge_delivery(draft, kept);
        for spare in ours {
            let_go(draft, spare, &key, "another flow log records what is declared");
        }
        return;
    }
    if let Some(found) = others.iter().find(|log| records_the_same(log, settings)) {
        list(draft, found, ResourceOwnership::Found);
        judge_delivery(draft, found);
        for spare in ours {
            let reason = format!("flow log {} of someone else's records the same", found.flow_log_id);
            let_go(draft, spare, &key, &reason);
        }
        return;
    }
    if let Some(other) = others.iter().find(|log| goes_to(log, settings)) {
        let message = format!(
            "Flow log {} of {resource} is not sagevpc's, and writes to {} as well, but not as spec.flowLogs says \
             ({settings}); EC2 takes no second one there. Delete it, declare what it has, or choose another \
             spec.flowLogs.logDestination.",
            other.flow_log_id, settings.log_destination
        );
        draft.find(CONCERN, Scope::SageMakerVpc, Reason::FlowLogDiffers, None, message);
        return;
    }
    let unseen = draft.not_visible_yet(&key);
    if let Some(id) = unseen.filter(|id| !ours.iter().any(|log| log.flow_log_id.as_str() == *id)) {
        let message = format!("AWS made flow log {id} and does not show it yet; this takes seconds.");
        draft.find(CONCERN, Scope::SageMakerVpc, Reason::Waiting, None, message);
        return;
    }
    if let Some(unclear) = draft.claims.unclear(&key) {
        draft.find(CONCERN, Scope::SageMakerVpc, Reason::OwnershipUnclear, None, unclear);
        return;
    }
    create(draft, &key, resource, settings, &ours);
}

/// Makes a flow log in place of those of ours that differ.
fn create(draft: &mut Draft<'_>, key: &ResourceKey, resource: &str, settings: &FlowLogSettings, ours: &[&FlowLog]) {
    let (in_the_way, outdated): (Vec<&FlowLog>, Vec<&FlowLog>) = ours.iter().partition(|log| goes_to(log, settings));
    let mut before: Vec<ActionId> = Vec::new();
    for log in &in_the_way {
        let reason = "its settings are not those declared, and EC2 takes no second flow log that writes to the same \
                      place: for seconds, nothing is recorded";
        before.push(delete(draft, log, key, reason, Vec::new()));
    }
    let action = Action::FlowLog(FlowLogChange::Create {
        key: key.clone(),
        resource: resource.to_owned(),
        settings: settings.clone(),
        tags: draft.tags_for(key),
    });
    let reason = if ours.is_empty() {
        "spec.flowLogs asks for it"
    } else {
        "spec.flowLogs asks for it, and EC2 changes no flow log"
    };
    let planned = PlannedAction::new(action, Serves::SageMakerVpc, reason);
    let made = draft.act(planned.blocking(CONCERN).after(before));
    for log in outdated {
        let reason = "its settings are not those declared, and another takes its place";
        delete(draft, log, key, reason, vec![made]);
    }
}

/// Deletes a flow log that another one replaces, whatever the deletion policy
/// says of the end.
fn delete(draft: &mut Draft<'_>, log: &FlowLog, key: &ResourceKey, reason: &str, after: Vec<ActionId>) -> ActionId {
    let action = Action::FlowLog(FlowLogChange::Delete {
        id: log.flow_log_id.clone(),
    });
    let planned = PlannedAction::new(action, Serves::SageMakerVpc, reason);
    draft.act(planned.about(key).deleting().after(after))
}

fn let_go(draft: &mut Draft<'_>, log: &FlowLog, key: &ResourceKey, reason: &str) {
    draft.let_go(log.flow_log_id.as_str(), key, reason, |_| {
        let action = Action::FlowLog(FlowLogChange::Delete {
            id: log.flow_log_id.clone(),
        });
        PlannedAction::new(action, Serves::SageMakerVpc, reason)
    });
}

fn list(draft: &mut Draft<'_>, log: &FlowLog, ownership: ResourceOwnership) {
    let purpose = format!("traffic of {}", log.resource_id);
    draft.list("FlowLog", log.flow_log_id.as_str(), purpose, ownership);
}

/// See <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html>
/// and <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html>.
fn judge_delivery(draft: &mut Draft<'_>, log: &FlowLog) {
    let failed = log
        .deliver_logs_status
        .as_ref()
        .is_some_and(|status| *status == DeliveryStatus::Failed);
    if !failed {
        return;
    }
    let fix = if destination_type(log) == LogDestinationType::S3.as_str() {
        "The bucket's policy must let delivery.logs.amazonaws.com do s3:PutObject and s3:GetBucketAcl, and so must the \
         policy of its KMS key let it use the key."
            .to_owned()
    } else {
        format!(
            "Role {} must trust vpc-flow-logs.amazonaws.com and allow logs:CreateLogStream, logs:PutLogEvents, \
             logs:DescribeLogGroups and logs:DescribeLogStreams on the log group, which must exist.",
            log.deliver_logs_permission_arn.as_deref().unwrap_or("of the flow log")
        )
    };
    let message = format!(
        "Flow log {} of {} is there, and its records do not arrive: {}. {fix}",
        log.flow_log_id,
        log.resource_id,
        log.deliver_logs_error_message
            .as_deref()
            .unwrap_or("AWS does not say why")
    );
    draft.find(CONCERN, Scope::SageMakerVpc, Reason::FlowLogNotDelivered, None, message);
}

/// Whether it is what the settings would make.
fn is_as_declared(log: &FlowLog, settings: &FlowLogSettings) -> bool {
    let has_its_role = match settings.log_destination_type {
        LogDestinationType::CloudWatchLogs => log.deliver_logs_permission_arn == settings.deliver_logs_permission_arn,
        LogDestinationType::S3 => true,
    };
    has_its_role && records_the_same(log, settings)
}

/// Whether the same records arrive at the same place.
fn records_the_same(log: &FlowLog, settings: &FlowLogSettings) -> bool {
    let traffic = log.traffic_type.as_deref().unwrap_or(TrafficType::All.as_str());
    let interval = log.max_aggregation_interval.map_or(Ok(DEFAULT_INTERVAL), u32::try_from);
    goes_to(log, settings)
        && traffic.eq_ignore_ascii_case(settings.traffic_type.as_str())
        && interval == Ok(settings.max_aggregation_interval)
        && fields(log.log_format.as_deref()).eq(fields(settings.log_format.as_deref()))
}

fn fields(format: Option<&str>) -> impl Iterator<Item = &str> {
    format.unwrap_or(DEFAULT_FORMAT).split_whitespace()
}

fn destination_type(log: &FlowLog) -> &str {
    log.log_destination_type
        .as_deref()
        .unwrap_or(LogDestinationType::CloudWatchLogs.as_str())
}

/// Whether its records go to the place that the settings name. EC2 gives a log
/// group's ARN with `:*` or without, or only its name.
fn goes_to(log: &FlowLog, settings: &FlowLogSettings) -> bool {
    if destination_type(log) != settings.log_destination_type.as_str() {
        return false;
    }
    match settings.log_destination_type {
        LogDestinationType::S3 => log
            .log_destination
            .as_deref()
            .is_some_and(|bucket| bucket.trim_end_matches('/') == settings.log_destination.trim_end_matches('/')),
        LogDestinationType::CloudWatchLogs => {
            let wanted = without_streams(&settings.log_destination);
            match (&log.log_destination, &log.log_group_name) {
                (Some(arn), _) => without_streams(arn) == wanted,
                (None, Some(name)) => wanted.split_once(":log-group:").is_some_and(|(_, group)| group == name),
                (None, None) => false,
            }
        }
    }
}

fn without_streams(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "arn:aws:logs:us-east-1:111122223333:log-group:flow-logs";

    fn log(changes: serde_json::Value) -> FlowLog {
        let mut value = serde_json::json!({
            "FlowLogId": "fl-00000001",
            "ResourceId": "vpc-0000aaaa",
            "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs",
            "LogDestination": GROUP,
            "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/flow",
            "MaxAggregationInterval": 600,
        });
        for (field, change) in changes.as_object().unwrap() {
            value[field] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn settings() -> FlowLogSettings {
        FlowLogSettings {
            traffic_type: TrafficType::All,
            log_destination_type: LogDestinationType::CloudWatchLogs,
            log_destination: GROUP.to_owned(),
            deliver_logs_permission_arn: Some("arn:aws:iam::111122223333:role/flow".to_owned()),
            log_format: None,
            max_aggregation_interval: 600,
        }
    }

    #[test]
    fn a_log_group_is_the_same_however_ec2_names_it() {
        for spelling in [
            serde_json::json!({}),
            serde_json::json!({ "LogDestination": format!("{GROUP}:*") }),
            serde_json::json!({ "LogDestination": null, "LogGroupName": "flow-logs" }),
            serde_json::json!({ "LogDestinationType": null }),
            serde_json::json!({ "MaxAggregationInterval": null, "LogFormat": DEFAULT_FORMAT }),
        ] {
            assert!(is_as_declared(&log(spelling.clone()), &settings()), "{spelling}");
        }
    }

    #[test]
    fn whatever_is_recorded_or_arrives_otherwise_differs() {
        for change in [
            serde_json::json!({ "LogDestination": "arn:aws:logs:us-east-1:111122223333:log-group:flow" }),
            serde_json::json!({ "LogDestination": null, "LogGroupName": "logs" }),
            serde_json::json!({ "LogDestinationType": "s3" }),
            serde_json::json!({ "TrafficType": "REJECT" }),
            serde_json::json!({ "MaxAggregationInterval": 60 }),
            serde_json::json!({ "LogFormat": "${srcaddr} ${dstaddr}" }),
        ] {
            assert!(!records_the_same(&log(change.clone()), &settings()), "{change}");
        }
        let other_role = log(serde_json::json!({ "DeliverLogsPermissionArn": "arn:aws:iam::111122223333:role/other" }));
        assert!(records_the_same(&other_role, &settings()));
        assert!(!is_as_declared(&other_role, &settings()));
    }
}
