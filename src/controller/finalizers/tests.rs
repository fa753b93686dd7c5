use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::json;

use super::*;
use sagevpc_core::{api::LedgerEntry, plan::SETTLING};

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn group_of(profile: &str) -> ResourceKey {
    ResourceKey::WorkloadSecurityGroup {
        profile: ProfileKey::new("ml", profile),
        workload: None,
    }
}

/// A VPC object and two profiles, all of them being deleted.
fn leaving() -> References {
    let mut vpc: SageMakerVpc = serde_json::from_value(json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpc",
        "metadata": { "name": "research" },
        "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
    }))
    .unwrap();
    vpc.metadata.deletion_timestamp = Some(Time(now()));
    let profiles = ["fraud", "churn"].map(|name| {
        let mut profile: SageMakerVpcProfile = serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpcProfile",
            "metadata": { "name": name, "namespace": "ml" },
            "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
        }))
        .unwrap();
        profile.metadata.deletion_timestamp = Some(Time(now()));
        ProfileReference {
            profile,
            namespace_labels: Default::default(),
        }
    });
    References {
        cluster: "c".into(),
        cluster_uid: None,
        vpc,
        rivals: Vec::new(),
        profiles: profiles.into(),
    }
}

fn having(keys: &[ResourceKey]) -> Plan {
    Plan {
        owned: keys
            .iter()
            .enumerate()
            .map(|(number, key)| (format!("sg-{number}"), key.clone()))
            .collect(),
        leftover: keys.iter().filter_map(|key| key.profile().cloned()).collect(),
        ..Plan::default()
    }
}

fn just_made(key: &ResourceKey) -> LedgerStatus {
    let entry = LedgerEntry {
        key: key.to_string(),
        incarnation: 1,
        adopted: false,
        id: Some("sg-9".into()),
        begun: now(),
        sent: now(),
    };
    LedgerStatus {
        entries: vec![entry],
        ..LedgerStatus::default()
    }
}

/// Whether the VPC object goes, and which profiles do.
fn going(references: &References, remains: Remains<'_>, ledger: &LedgerStatus, now: Timestamp) -> (bool, Vec<String>) {
    let releases = releases(references, remains, ledger, &Memory::default(), now);
    (
        releases.vpc,
        releases.profiles.iter().map(|profile| profile.name_any()).collect(),
    )
}

#[test]
fn what_has_nothing_left_goes_and_what_has_stays() {
    let ledger = LedgerStatus::default();
    let of = |plan: &Plan| going(&leaving(), Remains::Planned(plan), &ledger, now());
    assert_eq!(of(&having(&[])), (true, vec!["fraud".into(), "churn".into()]));
    assert_eq!(of(&having(&[group_of("fraud")])), (false, vec!["churn".into()]));
    assert_eq!(
        of(&having(&[ResourceKey::S3GatewayEndpoint])),
        (false, vec!["fraud".into(), "churn".into()])
    );
}

#[test]
fn nothing_goes_unseen_unless_nothing_can_be_ours() {
    let ledger = LedgerStatus::default();
    assert_eq!(going(&leaving(), Remains::Unseen, &ledger, now()), (false, vec![]));
    assert_eq!(
        going(&leaving(), Remains::Nothing, &ledger, now()),
        (true, vec!["fraud".into(), "churn".into()])
    );
}

#[test]
fn what_was_made_just_now_is_waited_for_until_aws_must_show_it() {
    let ledger = just_made(&group_of("fraud"));
    let at = |time: Timestamp| going(&leaving(), Remains::Planned(&having(&[])), &ledger, time);
    assert_eq!(at(now()), (false, vec!["churn".into()]));
    assert_eq!(at(now() + SETTLING), (true, vec!["fraud".into(), "churn".into()]));
}

#[test]
fn what_is_not_being_deleted_stays() {
    let mut references = leaving();
    references.vpc.metadata.deletion_timestamp = None;
    references.profiles[0].profile.metadata.deletion_timestamp = None;
    assert_eq!(
        going(&references, Remains::Nothing, &LedgerStatus::default(), now()),
        (false, vec!["churn".into()])
    );
}

#[test]
fn what_is_only_observed_leaves_nothing_that_is_ours_to_take_away() {
    let mut vpc = leaving().vpc;
    assert!(matches!(Remains::of(&vpc, &Look::NotLooked, None), Remains::Unseen));
    vpc.spec.management_policy = ManagementPolicy::Observe;
    assert!(matches!(Remains::of(&vpc, &Look::NotLooked, None), Remains::Nothing));
}
