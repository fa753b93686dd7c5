//! Rules of network ACLs and flow logs: seen, made, changed, taken away.

use aws_sdk_ec2::types::ResourceType;
use sagevpc::aws::Ec2;
use sagevpc_core::{
    observed::{AclPortRange, Aspect, FlowLog, IcmpTypeCode, NetworkAcl, Word, tags_of},
    plan::{Action, FlowLogChange, NetworkAclChange, Step},
    types::{
        AclEntry, Direction, FlowLogId, FlowLogSettings, LogDestinationType, NetworkAclId, PortRange, Protocol,
        ResourceKey, TrafficType,
    },
};

use crate::{
    plans::{done, failure, look, look_at, only, refused, step, us, waiting, world_and_account},
    support::{
        moto::{Account, REGION},
        network::{Network, tags},
        road::Fault,
    },
};

async fn default_acl(ec2: &Ec2, network: &Network) -> NetworkAcl {
    let snapshot = look(ec2, &network.vpc).await;
    let mut acls = snapshot.network_acls.into_values();
    acls.find(|acl| acl.is_default).unwrap()
}

fn entry(direction: Direction, protocol: Protocol, ports: Option<(i32, i32)>, cidr: &str) -> AclEntry {
    AclEntry {
        direction,
        rule_number: 30_001,
        allows: true,
        protocol,
        ports: ports.map(|(from, to)| PortRange { from, to }),
        cidr: cidr.parse().unwrap(),
    }
}

fn https() -> AclEntry {
    entry(Direction::Egress, Protocol::TCP, Some((443, 443)), "10.0.0.0/16")
}

fn create(acl: &NetworkAcl, entry: &AclEntry) -> Action {
    Action::NetworkAcl(NetworkAclChange::CreateEntry {
        acl: acl.network_acl_id.clone(),
        entry: entry.clone(),
    })
}

fn replace(acl: &NetworkAcl, entry: &AclEntry) -> Action {
    Action::NetworkAcl(NetworkAclChange::ReplaceEntry {
        acl: acl.network_acl_id.clone(),
        entry: entry.clone(),
    })
}

fn delete(acl: &NetworkAclId, entry: &AclEntry) -> Action {
    Action::NetworkAcl(NetworkAclChange::DeleteEntry {
        acl: acl.clone(),
        direction: entry.direction,
        rule_number: entry.rule_number,
    })
}

#[tokio::test]
async fn network_acls_are_seen_with_their_subnets_and_rules() {
    let (_, network, _, ec2) = world_and_account().await;
    let acl = default_acl(&ec2, &network).await;
    let subnets: Vec<_> = acl
        .associations
        .iter()
        .filter_map(|each| each.subnet_id.clone())
        .collect();
    assert_eq!(subnets, network.subnets);
    assert_eq!(acl.vpc_id, network.vpc);
    let mut rules: Vec<_> = acl
        .entries
        .iter()
        .map(|entry| {
            (
                entry.egress,
                entry.rule_number,
                entry.rule_action.as_str(),
                entry.protocol.as_str(),
            )
        })
        .collect();
    rules.sort_unstable();
    let expected = [(100, "allow"), (32_767, "deny")];
    let both_ways = [false, true].map(|egress| expected.map(|(number, action)| (egress, number, action, "-1")));
    assert_eq!(rules, both_ways.concat());
    assert!(
        acl.entries
            .iter()
            .all(|entry| entry.cidr_block == "0.0.0.0/0".parse().ok())
    );
}

#[tokio::test]
async fn rules_of_every_kind_are_seen_as_they_were_made() {
    let (_, network, _, ec2) = world_and_account().await;
    let acl = default_acl(&ec2, &network).await;
    let (ingress, egress) = (Direction::Ingress, Direction::Egress);
    for (wanted, ports, icmp) in [
        (https(), Some((443, 443)), None),
        (
            entry(ingress, Protocol::UDP, None, "2001:db8::/56"),
            Some((0, 65_535)),
            None,
        ),
        (
            entry(ingress, Protocol::ICMP, None, "10.0.0.0/16"),
            None,
            Some((-1, -1)),
        ),
        (entry(egress, Protocol::All, None, "0.0.0.0/0"), None, None),
        (entry(egress, Protocol::Number(50), None, "10.0.1.0/24"), None, None),
    ] {
        done(&ec2, &only(create(&acl, &wanted))).await;
        let seen = default_acl(&ec2, &network).await;
        let is_wanted = |egress| egress == (wanted.direction == Direction::Egress);
        let ours = seen
            .entries
            .iter()
            .find(|entry| entry.rule_number == 30_001 && is_wanted(entry.egress));
        let ours = ours.unwrap();
        assert_eq!(Protocol::parse(&ours.protocol), Some(wanted.protocol));
        assert_eq!(ours.rule_action.as_str(), "allow");
        let cidr = ours.cidr_block.map(Into::into).or(ours.ipv6_cidr_block.map(Into::into));
        assert_eq!(cidr, Some(wanted.cidr));
        assert_eq!(ours.port_range, ports.map(|(from, to)| AclPortRange { from, to }));
        assert_eq!(
            ours.icmp_type_code,
            icmp.map(|(type_, code)| IcmpTypeCode { type_, code })
        );
        done(&ec2, &only(delete(&acl.network_acl_id, &wanted))).await;
    }
    assert_eq!(default_acl(&ec2, &network).await, acl);
}

#[tokio::test]
async fn a_rule_that_is_there_already_counts_as_made_and_one_that_is_gone_as_taken_off() {
    let (_, network, road, ec2) = world_and_account().await;
    let acl = default_acl(&ec2, &network).await;
    road.next("CreateNetworkAclEntry", Fault::LoseAnswer);
    done(&ec2, &only(create(&acl, &https()))).await;
    done(&ec2, &only(create(&acl, &https()))).await;
    road.next("DeleteNetworkAclEntry", Fault::LoseAnswer);
    done(&ec2, &only(delete(&acl.network_acl_id, &https()))).await;
    done(&ec2, &only(delete(&acl.network_acl_id, &https()))).await;
    assert_eq!(default_acl(&ec2, &network).await, acl);
    let gone = NetworkAclId::new("acl-00000000000000000");
    done(&ec2, &only(delete(&gone, &https()))).await;
}

#[tokio::test]
async fn a_number_that_someone_else_took_is_left_alone() {
    let (_, network, _, ec2) = world_and_account().await;
    let acl = default_acl(&ec2, &network).await;
    let theirs = AclEntry {
        allows: false,
        ..https()
    };
    done(&ec2, &only(create(&acl, &theirs))).await;
    let before = default_acl(&ec2, &network).await;
    let step = step(&ec2, create(&acl, &https())).await;
    assert!(waiting(&step).contains("egress rule 30001"), "{step:?}");
    assert_eq!(default_acl(&ec2, &network).await, before);
}

#[tokio::test]
async fn a_rule_is_put_in_place_of_another_and_one_that_vanished_is_looked_for_again() {
    let (_, network, _, ec2) = world_and_account().await;
    let acl = default_acl(&ec2, &network).await;
    let vanished = step(&ec2, replace(&acl, &https())).await;
    assert!(waiting(&vanished).contains("egress rule 30001"), "{vanished:?}");
    let wider = entry(Direction::Egress, Protocol::TCP, None, "10.0.0.0/16");
    done(&ec2, &only(create(&acl, &wider))).await;
    for _ in 0..2 {
        done(&ec2, &only(replace(&acl, &https()))).await;
    }
    let seen = default_acl(&ec2, &network).await;
    let ours: Vec<_> = seen
        .entries
        .iter()
        .filter(|entry| entry.rule_number == 30_001)
        .collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].port_range, Some(AclPortRange { from: 443, to: 443 }));
}

fn log_key(network: &Network) -> ResourceKey {
    ResourceKey::FlowLog {
        resource: network.vpc.to_string(),
    }
}

fn to_log_group(account: &Account) -> FlowLogSettings {
    FlowLogSettings {
        traffic_type: TrafficType::Reject,
        log_destination_type: LogDestinationType::CloudWatchLogs,
        log_destination: format!("arn:aws:logs:{REGION}:{}:log-group:vpc", account.id),
        deliver_logs_permission_arn: Some(format!("arn:aws:iam::{}:role/flow-logs", account.id)),
        log_format: Some("${srcaddr} ${dstaddr}".into()),
        max_aggregation_interval: 60,
    }
}

fn create_log(network: &Network, settings: FlowLogSettings) -> Action {
    let key = log_key(network);
    Action::FlowLog(FlowLogChange::Create {
        resource: network.vpc.to_string(),
        settings,
        tags: us().tags(&key),
        key,
    })
}

async fn logs(ec2: &Ec2, network: &Network) -> Vec<FlowLog> {
    let snapshot = look_at(ec2, &network.vpc, [Aspect::FlowLogs]).await;
    snapshot.flow_logs.into_values().collect()
}

#[tokio::test]
async fn a_flow_log_is_made_as_asked_and_seen() {
    let (account, network, _, ec2) = world_and_account().await;
    let settings = to_log_group(&account);
    let outcome = done(&ec2, &only(create_log(&network, settings.clone()))).await;
    let logs = logs(&ec2, &network).await;
    assert_eq!(logs.len(), 1);
    let log = &logs[0];
    assert_eq!(log.flow_log_id.as_str(), outcome.made[&log_key(&network)]);
    assert_eq!(log.resource_id, network.vpc.as_str());
    assert_eq!(log.traffic_type.as_deref(), Some("REJECT"));
    assert_eq!(log.log_destination_type.as_deref(), Some("cloud-watch-logs"));
    assert_eq!(log.log_destination.as_ref(), Some(&settings.log_destination));
    assert_eq!(log.deliver_logs_permission_arn, settings.deliver_logs_permission_arn);
    assert_eq!(log.log_format, settings.log_format);
    assert_eq!(log.max_aggregation_interval, Some(60));
    assert_eq!(log.flow_log_status.as_deref(), Some("ACTIVE"));
    // There is no such log group.
    assert_eq!(log.deliver_logs_status.as_ref().map(Word::as_str), Some("FAILED"));
    assert_eq!(log.deliver_logs_error_message.as_deref(), Some("Access error"));
    assert_eq!(us().key_of(&tags_of(&log.tags)), Some(log_key(&network)));
}

#[tokio::test]
async fn flow_logs_of_subnets_are_seen_with_their_vpcs() {
    let (account, network, _, ec2) = world_and_account().await;
    let of_subnet = Action::FlowLog(FlowLogChange::Create {
        key: ResourceKey::FlowLog {
            resource: network.subnets[0].to_string(),
        },
        resource: network.subnets[0].to_string(),
        settings: to_log_group(&account),
        tags: us().tags(&log_key(&network)),
    });
    done(&ec2, &only(of_subnet)).await;
    let resources: Vec<_> = logs(&ec2, &network)
        .await
        .into_iter()
        .map(|log| log.resource_id)
        .collect();
    assert_eq!(resources, [network.subnets[0].to_string()]);
}

#[tokio::test]
async fn a_flow_log_whose_answer_was_lost_is_not_made_twice() {
    let (account, network, road, ec2) = world_and_account().await;
    let create = |settings| only(create_log(&network, settings));
    road.next("CreateFlowLogs", Fault::LoseAnswer);
    let outcome = done(&ec2, &create(to_log_group(&account))).await;
    assert_eq!(road.calls("CreateFlowLogs").len(), 2);
    // With the same token but otherwise, it is found by its tags.
    let otherwise = FlowLogSettings {
        traffic_type: TrafficType::All,
        ..to_log_group(&account)
    };
    assert_eq!(done(&ec2, &create(otherwise)).await.made, outcome.made);
    assert_eq!(logs(&ec2, &network).await.len(), 1);
}

#[tokio::test]
async fn a_flow_log_of_someone_elses_that_records_the_same_is_told() {
    let (account, network, _, ec2) = world_and_account().await;
    let settings = to_log_group(&account);
    let theirs = network.client.create_flow_logs().resource_ids(network.vpc.as_str());
    theirs
        .resource_type(aws_sdk_ec2::types::FlowLogsResourceType::Vpc)
        .traffic_type(aws_sdk_ec2::types::TrafficType::Reject)
        .log_destination(&settings.log_destination)
        .set_deliver_logs_permission_arn(settings.deliver_logs_permission_arn.clone())
        .tag_specifications(tags(ResourceType::VpcFlowLog, "owner", "security"))
        .send()
        .await
        .unwrap();
    let failure = failure(step(&ec2, create_log(&network, settings.clone())).await);
    assert_eq!(failure.code.as_deref(), Some("FlowLogAlreadyExists"));
    for named in [network.vpc.as_str(), &settings.log_destination, "spec.flowLogs"] {
        assert!(failure.message.contains(named), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_flow_log_that_aws_could_not_make_is_not_taken_for_one() {
    let (account, network, _, ec2) = world_and_account().await;
    let nowhere = FlowLogSettings {
        log_destination_type: LogDestinationType::S3,
        log_destination: "arn:aws:s3:::a-bucket-that-nobody-has/vpc".into(),
        deliver_logs_permission_arn: None,
        ..to_log_group(&account)
    };
    let failure = failure(step(&ec2, create_log(&network, nowhere)).await);
    assert!(failure.message.contains("a-bucket-that-nobody-has"), "{failure:?}");
    assert_eq!(logs(&ec2, &network).await, []);
}

#[tokio::test]
async fn a_flow_log_is_deleted_and_what_is_gone_counts_as_deleted() {
    let (account, network, road, ec2) = world_and_account().await;
    let made = done(&ec2, &only(create_log(&network, to_log_group(&account))))
        .await
        .made;
    let id = FlowLogId::new(made[&log_key(&network)].clone());
    let delete = || Action::FlowLog(FlowLogChange::Delete { id: id.clone() });
    let unsuccessful = |code: &str| {
        Fault::Answer(format!(
            "<DeleteFlowLogsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><unsuccessful><item><error>\
             <code>{code}</code><message>it says why</message></error><resourceId>{id}</resourceId></item></unsuccessful>\
             </DeleteFlowLogsResponse>"
        ))
    };
    road.next("DeleteFlowLogs", unsuccessful("Client.UnauthorizedOperation"));
    assert_eq!(failure(step(&ec2, delete()).await).message, "it says why");
    road.next("DeleteFlowLogs", unsuccessful("InvalidFlowLogId.NotFound"));
    assert_eq!(step(&ec2, delete()).await, Step::Done);
    assert_eq!(logs(&ec2, &network).await.len(), 1);
    road.next("DeleteFlowLogs", Fault::LoseAnswer);
    done(&ec2, &only(delete())).await;
    done(&ec2, &only(delete())).await;
    assert_eq!(logs(&ec2, &network).await, []);
}

#[tokio::test]
async fn a_refusal_of_a_flow_log_is_told_with_awss_words() {
    let (account, network, road, ec2) = world_and_account().await;
    let message = "The bucket policy does not let logs be delivered";
    road.next("CreateFlowLogs", refused("InvalidParameterValue", message));
    let failure = failure(step(&ec2, create_log(&network, to_log_group(&account))).await);
    assert_eq!(failure.message, message);
}
