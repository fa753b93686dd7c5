//! What teams can write themselves decides nothing: metadata and status of
//! profiles.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    api::{AllowedNamespaces, FINALIZER, LabelSelector, SageMakerVpcProfile, SageMakerVpcStatus},
    plan::Plan,
    validate::{ProfileReference, References},
};
use serde_json::{Value, json};

use crate::{
    inputs::{World, claim, plan_for, world},
    memory::{Memory, ours},
};

/// Metadata that a team can give its profile, and a status that it can write.
#[derive(Clone, Debug)]
struct Forged {
    finalizers: Vec<&'static str>,
    created: i64,
    deleting: bool,
    labels: BTreeMap<String, String>,
    status: Value,
}

fn forged() -> impl Strategy<Value = Forged> {
    let finalizers = sample::subsequence(vec![FINALIZER, "example.com/mine"], 0..=2);
    let labels = collection::btree_map("[a-z]{1,8}", "[a-z]{0,8}", 0..3);
    let config = json!({ "subnets": ["subnet-00000000000000000"], "securityGroupIds": [] });
    let statuses = vec![
        json!(null),
        json!({}),
        json!({
            "acceptedGeneration": 1,
            "vpcConfig": config,
            "workloads": [{ "name": "w0", "ready": "Yes", "message": "", "vpcConfig": config }],
        }),
    ];
    (
        finalizers,
        0..4_000_000_000i64,
        any::<bool>(),
        labels,
        sample::select(statuses),
    )
        .prop_map(|(finalizers, created, deleting, labels, status)| Forged {
            finalizers,
            created,
            deleting,
            labels,
            status,
        })
}

impl Forged {
    fn write(&self, profile: &mut SageMakerVpcProfile) {
        let time = |seconds| Some(Time(Timestamp::from_second(seconds).unwrap()));
        let finalizers = self.finalizers.iter().map(|finalizer| (*finalizer).to_owned());
        profile.metadata.finalizers = Some(finalizers.collect());
        profile.metadata.labels = Some(self.labels.clone());
        profile.metadata.annotations = Some(self.labels.clone());
        profile.metadata.creation_timestamp = time(self.created);
        profile.metadata.deletion_timestamp = self.deleting.then(|| time(self.created)).flatten();
        profile.status = serde_json::from_value(self.status.clone()).unwrap();
    }
}

/// Has only namespaces with a label be allowed, which the profiles there have.
fn close(references: &mut References) {
    let labels = BTreeMap::from([("team".to_owned(), "ml".to_owned())]);
    references.vpc.spec.allowed_namespaces = Some(AllowedNamespaces {
        selector: Some(LabelSelector {
            match_labels: labels.clone(),
        }),
        ..AllowedNamespaces::default()
    });
    for reference in &mut references.profiles {
        reference.namespace_labels = labels.clone();
    }
}

/// The plan of a controller that remembers what it did before.
fn plan_now(references: &References, memory: &Memory) -> Plan {
    plan_for(references, &memory.snapshot, &memory.history())
}

/// Carries plans out, with what the controller remembers of them.
fn settle(world: &mut World) -> Memory {
    let mut memory = Memory::new(world.snapshot.clone());
    for _ in 0..3 {
        let plan = plan_now(&world.references, &memory);
        claim(&mut world.references, &plan);
        memory.carry_out(&plan);
        memory.pass_time();
    }
    memory
}

proptest! {
    #[test]
    fn a_profile_of_a_namespace_that_is_not_allowed_changes_no_plan(
        mut world in world("Disruptive"),
        settles in any::<bool>(),
        leaves in any::<bool>(),
        forged in forged(),
        wish in sample::select(vec![None, Some("Deny"), Some("Allow")]),
    ) {
        close(&mut world.references);
        let memory = if settles { settle(&mut world) } else { Memory::new(world.snapshot.clone()) };
        // One of those in force may be on its way out, with all that it brought about.
        if leaves {
            let profile = &mut world.references.profiles[0].profile;
            profile.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        }
        let before = plan_now(&world.references, &memory);
        let mut stranger = world.references.profiles[0].profile.clone();
        forged.write(&mut stranger);
        stranger.metadata.name = Some("stranger".to_owned());
        stranger.metadata.namespace = Some("elsewhere".to_owned());
        stranger.spec.package_repositories = wish.map(|wish| serde_json::from_value(json!(wish)).unwrap());
        world.references.profiles.push(ProfileReference { profile: stranger, namespace_labels: BTreeMap::new() });
        prop_assert_eq!(plan_now(&world.references, &memory), before);
    }

    #[test]
    fn what_a_team_writes_on_its_own_profile_besides_the_spec_changes_no_plan(
        mut world in world("Disruptive"),
        settles in any::<bool>(),
        forged in collection::vec(forged(), 3),
    ) {
        close(&mut world.references);
        let memory = if settles { settle(&mut world) } else { Memory::new(world.snapshot.clone()) };
        let before = plan_now(&world.references, &memory);
        for (reference, forged) in world.references.profiles.iter_mut().zip(&forged) {
            // The API server gives these, and lets nobody change them.
            let (created, deleting) = (
                reference.profile.metadata.creation_timestamp.clone(),
                reference.profile.metadata.deletion_timestamp.clone(),
            );
            forged.write(&mut reference.profile);
            reference.profile.metadata.creation_timestamp = created;
            reference.profile.metadata.deletion_timestamp = deleting;
        }
        prop_assert_eq!(plan_now(&world.references, &memory), before);
    }

    #[test]
    fn profiles_that_are_gone_and_were_not_deleted_take_nothing_along(
        mut world in world("None"),
        status_is_lost in any::<bool>(),
        gone in 1..=3usize,
    ) {
        close(&mut world.references);
        let mut memory = settle(&mut world);
        let took_part = plan_now(&world.references, &memory).contributing;
        if status_is_lost {
            world.references.vpc.status = None;
            memory.status = SageMakerVpcStatus::default();
        }
        let left = world.references.profiles.len().saturating_sub(gone);
        world.references.profiles.truncate(left);
        let whole = ours(&memory.snapshot);
        let plan = plan_now(&world.references, &memory);
        // Whoever finds room only now has the endpoint's policy grow.
        prop_assume!(plan.contributing.is_subset(&took_part));
        memory.carry_out(&plan);
        let now = ours(&memory.snapshot);
        let lost: Vec<_> = whole.difference(&now).collect();
        prop_assert!(lost.is_empty(), "{lost:?} by {:?}", plan.actions);
    }
}
