//! Statuses fit into what the API server takes, whatever there is to say, and
//! do not change while nothing does.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kube::CustomResourceExt;
use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    desired::Network,
    observed::{NetworkAcl, NetworkInterface, Snapshot},
    plan::{History, Outcome, Plan, Repairs, Step, plan},
    report::{Failure, FailureKind},
    status::{Assessment, Observation, Statuses, assess},
    validate::{References, validate},
};
use serde_json::{Value, json};

use crate::{
    inputs::{VPC, World, now, world},
    schema::violations,
};

/// The most that etcd is asked to hold of a status.
const MAX_STATUS_BYTES: usize = 256 * 1024;

fn status_schema(crd: &impl serde::Serialize) -> Value {
    let crd = serde_json::to_value(crd).expect("a CRD is JSON");
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"].clone()
}

/// What moves a cursor, rings a bell, turns the writing round or begins a line.
const STEERING: &str = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}\u{2066}\u{2028}\u{7f}\r\n";

/// Whether anything of that is in a text.
fn steers(text: &str) -> bool {
    text.chars()
        .any(|character| STEERING.contains(character) && (character.is_control() || !character.is_ascii()))
}

/// Every text in a value, and every key.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat())
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// What AWS says, at length and in any script.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("denied".to_owned()),
        (1..4000usize).prop_map(|length| "é".repeat(length)),
        (1..2000usize).prop_map(|length| "許可 ".repeat(length)),
        (1..300usize).prop_map(|length| STEERING.repeat(length)),
    ]
}

fn step() -> impl Strategy<Value = Option<Step>> {
    let kinds = vec![
        FailureKind::NoCredentials,
        FailureKind::WrongAccount,
        FailureKind::AccessDenied,
        FailureKind::Throttled,
        FailureKind::Unreachable,
        FailureKind::QuotaExceeded,
        FailureKind::Rejected,
    ];
    let failure = (sample::select(kinds), words()).prop_map(|(kind, message)| {
        Some(Step::Failed(Failure {
            kind,
            action: "ec2:AuthorizeSecurityGroupEgress".to_owned(),
            code: Some("UnauthorizedOperation".to_owned()),
            message,
        }))
    });
    prop_oneof![
        Just(None),
        Just(Some(Step::Done)),
        words().prop_map(|message| Some(Step::Waiting { message })),
        failure,
    ]
}

/// How much there is of everything.
#[derive(Clone, Debug)]
struct Crowd {
    /// Copies of each profile, under names as long as they get.
    copies: usize,
    /// Workloads of each, likewise.
    workloads: usize,
    /// Interfaces of others in every subnet.
    interfaces: usize,
    /// Subnets that are named and are not there.
    missing_subnets: usize,
    /// Ids that are to be adopted and are not there.
    missing_adoptions: usize,
}

fn crowd() -> impl Strategy<Value = Crowd> {
    (1..5usize, 1..=32usize, 0..40usize, 0..=64usize, 0..=32usize).prop_map(
        |(copies, workloads, interfaces, missing_subnets, missing_adoptions)| Crowd {
            copies,
            workloads,
            interfaces,
            missing_subnets,
            missing_adoptions,
        },
    )
}

/// A name of 63 characters.
fn long(name: &str) -> String {
    format!("{name}{}", "x".repeat(63 - name.len()))
}

fn crowded(mut world: World, crowd: &Crowd) -> World {
    let mut profiles = Vec::new();
    for (number, reference) in world.references.profiles.iter().enumerate() {
        for copy in 0..crowd.copies {
            let mut reference = reference.clone();
            let profile = &mut reference.profile;
            profile.metadata.name = Some(long(&format!("p{number}-{copy}-")));
            profile.metadata.namespace = Some(long("n"));
            let first = profile.spec.workloads[0].clone();
            profile.spec.workloads = (0..crowd.workloads)
                .map(|place| {
                    let mut workload = first.clone();
                    workload.name = long(&format!("w{place}-"));
                    workload
                })
                .collect();
            if copy == 1 && crowd.missing_subnets > 0 {
                let ids: Vec<String> = (0..crowd.missing_subnets)
                    .map(|place| format!("subnet-{place:017x}"))
                    .collect();
                profile.spec.subnets = serde_json::from_value(json!({ "ids": ids })).expect("a selection");
            }
            profiles.push(reference);
        }
    }
    world.references.profiles = profiles;
    world.references.vpc.spec.adopt = (0..crowd.missing_adoptions)
        .map(|place| format!("vpce-{place:017x}"))
        .collect();
    let subnets: Vec<String> = world
        .snapshot
        .subnets
        .iter()
        .map(|subnet| subnet.subnet_id.to_string())
        .collect();
    world
        .snapshot
        .network_interfaces
        .extend((0..crowd.interfaces).map(|place| -> NetworkInterface {
            serde_json::from_value(json!({
                "NetworkInterfaceId": format!("eni-{:017x}", 0x1000 + place),
                "VpcId": VPC,
                "SubnetId": subnets[place % subnets.len()],
                "Description": if place % 2 == 0 { "ü".repeat(255) } else { STEERING.repeat(20) },
                "TagSet": [{ "Key": "Name", "Value": STEERING }],
            }))
            .expect("an interface")
        }));
    world
}

fn pass(references: &References, snapshot: &Snapshot, steps: &[Option<Step>], seconds: i64) -> (Plan, Statuses) {
    let now = now() + SignedDuration::from_secs(seconds);
    let validated = validate(references).expect("these specs are sound");
    let network = Network::new(&validated);
    let history = History::new(references.vpc.status.as_ref(), &Repairs::default(), now);
    let seen = snapshot.vpc(&network.vpc.vpc_id).expect("the VPC is there");
    let plan = plan(&network, &seen, &history);
    let ends = plan.actions.iter().zip(steps.iter().cycle());
    let outcome = Outcome {
        steps: ends
            .filter_map(|(planned, step)| Some((planned.id, step.clone()?)))
            .collect(),
        made: BTreeMap::new(),
    };
    let statuses = assess(&Assessment {
        references,
        validated: Ok(&validated),
        observation: Observation::Seen {
            plan: &plan,
            outcome: &outcome,
        },
        ledger: references.vpc.status.clone().unwrap_or_default().ledger,
        now,
    });
    (plan, statuses)
}

fn remember(references: &mut References, statuses: &Statuses) {
    references.vpc.status = Some(statuses.vpc.clone());
    for reference in &mut references.profiles {
        reference.profile.status = statuses.profiles.get(&reference.key()).cloned();
    }
}

fn problems(schema: &Value, status: &impl serde::Serialize) -> Vec<String> {
    let status = serde_json::to_value(status).expect("a status is JSON");
    let mut problems = violations(schema, &status);
    let bytes = status.to_string().len();
    if bytes > MAX_STATUS_BYTES {
        problems.push(format!("it takes {bytes} bytes"));
    }
    let steering = texts(&status).into_iter().find(|text| steers(text));
    problems.extend(steering.map(|text| format!("it steers terminals: {text:?}")));
    problems
}

/// The same ACLs, with their rules listed from the last to the first.
fn with_rules_turned(mut acls: Vec<NetworkAcl>) -> Vec<NetworkAcl> {
    acls.iter_mut().for_each(|acl| acl.entries.reverse());
    acls
}

proptest! {
    #[test]
    fn statuses_fit_into_their_schema(
        world in prop_oneof![world("None"), world("Disruptive"), world("All")],
        crowd in crowd(),
        steps in collection::vec(step(), 1..6),
    ) {
        let of_vpc = status_schema(&SageMakerVpc::crd());
        let of_profile = status_schema(&SageMakerVpcProfile::crd());
        let mut world = crowded(world, &crowd);
        // What the first pass says is what the second one reads.
        for seconds in [0, 60] {
            let (_, statuses) = pass(&world.references, &world.snapshot, &steps, seconds);
            let found = problems(&of_vpc, &statuses.vpc);
            prop_assert!(found.is_empty(), "SageMakerVpc: {found:#?}");
            for (key, status) in &statuses.profiles {
                let found = problems(&of_profile, status);
                prop_assert!(found.is_empty(), "{key}: {found:#?}");
            }
            remember(&mut world.references, &statuses);
        }
    }

    #[test]
    fn a_status_changes_only_when_something_did(mut world in prop_oneof![world("None"), world("Disruptive")]) {
        let (_, first) = pass(&world.references, &world.snapshot, &[None], 0);
        remember(&mut world.references, &first);
        let (_, second) = pass(&world.references, &world.snapshot, &[None], 60);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn the_order_in_which_aws_lists_things_does_not_matter(
        (world, shuffled) in prop_oneof![world("None"), world("Disruptive")].prop_flat_map(|world| {
            let snapshot = world.snapshot.clone();
            let lists = (
                Just(snapshot.subnets.clone()).prop_shuffle(),
                Just(snapshot.route_tables.clone()).prop_shuffle(),
                Just(snapshot.security_groups.clone()).prop_shuffle(),
                Just(snapshot.network_interfaces.clone()).prop_shuffle(),
                Just(snapshot.network_acls.clone()).prop_shuffle(),
            );
            let shuffled = lists.prop_map(move |(subnets, route_tables, security_groups, network_interfaces, network_acls)| Snapshot {
                subnets,
                route_tables,
                security_groups,
                network_interfaces,
                network_acls: with_rules_turned(network_acls),
                ..snapshot.clone()
            });
            (Just(world), shuffled)
        })
    ) {
        prop_assert_eq!(
            pass(&world.references, &world.snapshot, &[None], 0),
            pass(&world.references, &shuffled, &[None], 0)
        );
    }
}
