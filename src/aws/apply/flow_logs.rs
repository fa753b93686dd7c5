//! Flow logs.

use aws_sdk_ec2::types::{
    FlowLogsResourceType, LogDestinationType as SdkDestinationType, ResourceType, TrafficType as SdkTrafficType,
};

use super::{
    made::Made,
    work::{self, Performed, Setback, Work},
};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    plan::FlowLogChange,
    types::{FlowLogId, FlowLogSettings, LogDestinationType, ResourceKey, SubnetId, Tags, TrafficType},
};

/// Changes a flow log.
pub(super) async fn change(work: &Work<'_>, change: &FlowLogChange, made: &Made<'_>) -> Performed {
    match change {
        FlowLogChange::Create {
            key,
            resource,
            settings,
            tags,
        } => create(work, key, resource, settings, tags, made.token(key)).await,
        FlowLogChange::Delete { id } => delete(work, id).await,
    }
}

/// Makes a flow log, once: with the same token AWS answers with the one that it
/// made the first time.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html>.
async fn create(
    work: &Work<'_>,
    key: &ResourceKey,
    resource: &str,
    settings: &FlowLogSettings,
    tags: &Tags,
    token: Option<&String>,
) -> Performed {
    let call = Call::CreateFlowLogs;
    let token = work::token_for(call, key, token)?;
    let FlowLogSettings {
        traffic_type,
        log_destination_type,
        log_destination,
        deliver_logs_permission_arn,
        log_format,
        max_aggregation_interval,
    } = settings;
    let request = work
        .client()
        .create_flow_logs()
        .resource_ids(resource)
        .resource_type(kind_of(resource))
        .traffic_type(match traffic_type {
            TrafficType::All => SdkTrafficType::All,
            TrafficType::Accept => SdkTrafficType::Accept,
            TrafficType::Reject => SdkTrafficType::Reject,
        })
        .log_destination_type(match log_destination_type {
            LogDestinationType::CloudWatchLogs => SdkDestinationType::CloudWatchLogs,
            LogDestinationType::S3 => SdkDestinationType::S3,
        })
        .log_destination(log_destination)
        .set_deliver_logs_permission_arn(deliver_logs_permission_arn.clone())
        .set_log_format(log_format.clone())
        .set_max_aggregation_interval(i32::try_from(*max_aggregation_interval).ok())
        .client_token(token)
        .tag_specifications(convert::to_tag_specification(ResourceType::VpcFlowLog, tags));
    let mut refusal = match work.call(call, request.send()).await {
        Ok(answer) => match work::unsuccessful(call, answer.unsuccessful) {
            None => return work::made(key, answer.flow_log_ids.and_then(|ids| ids.into_iter().next())),
            Some(refusal) => refusal,
        },
        Err(Setback::Refused(refusal)) => refusal,
        Err(setback @ Setback::Waiting(_)) => return Err(setback),
    };
    match refusal.meaning {
        Meaning::TokenMismatch => match made_before(work, key, tags).await? {
            Some(id) => Ok(Some(id)),
            None => Err(Setback::Waiting(format!(
                "EC2 remembers an earlier request for {key} that differed, and does not show the flow log yet"
            ))),
        },
        Meaning::AlreadyThere => match made_before(work, key, tags).await? {
            Some(id) => Ok(Some(id)),
            None => {
                refusal.failure.message = format!(
                    "{resource} has a flow log of someone else's that records the same to {log_destination}, and EC2 \
                     makes no second one: delete that flow log, choose another destination, or leave \
                     spec.flowLogs out"
                );
                Err(refusal.into())
            }
        },
        Meaning::NotThere(_)
        | Meaning::StillInUse
        | Meaning::NameTaken
        | Meaning::DnsConflict
        | Meaning::NotReady
        | Meaning::Refused(_) => Err(Setback::from(refusal).vanished(resource)),
    }
}

fn kind_of(resource: &str) -> FlowLogsResourceType {
    if resource.starts_with(SubnetId::PREFIX) {
        FlowLogsResourceType::Subnet
    } else {
        FlowLogsResourceType::Vpc
    }
}

async fn made_before(work: &Work<'_>, key: &ResourceKey, tags: &Tags) -> Result<Option<String>, Setback> {
    let logs = work.look(describe::our_flow_logs(work.connection(), tags)).await?;
    work.made_before(key, logs.into_iter().map(|log| log.flow_log_id.to_string()))
}

/// Deletes a flow log.
async fn delete(work: &Work<'_>, id: &FlowLogId) -> Performed {
    let call = Call::DeleteFlowLogs;
    let request = work.client().delete_flow_logs().flow_log_ids(id.as_str());
    let refusal = match work.call(call, request.send()).await {
        Ok(answer) => work::unsuccessful(call, answer.unsuccessful),
        Err(Setback::Refused(refusal)) => Some(refusal),
        Err(setback @ Setback::Waiting(_)) => return Err(setback),
    };
    match refusal {
        None => Ok(None),
        Some(refusal) if refusal.meaning == Meaning::NotThere(Thing::FlowLog) => Ok(None),
        Some(refusal) => Err(refusal.into()),
    }
}
