//! Every kind of workload in random VPCs: what is published is what SageMaker
//! takes, and whoever cannot run is told why.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample};
use sagevpc_core::{
    api::{Reason, ShadowEndpoint, Verdict},
    catalog::WorkloadKind,
    desired::Network,
    plan::{History, Outcome, Repairs, plan},
    status::{Assessment, Observation, Statuses, assess},
    validate::validate,
};

use crate::{
    inputs::{World, now, world},
    memory::Memory,
    planning::converge,
};

/// Gives the workloads these kinds, with the options that each takes.
pub fn with_kinds(mut world: World, kinds: &[WorkloadKind], efa: bool) -> World {
    let profiles = world.references.profiles.iter_mut();
    let workloads = profiles.flat_map(|reference| &mut reference.profile.spec.workloads);
    for (workload, kind) in workloads.zip(kinds.iter().cycle()) {
        let requirements = kind.requirements();
        workload.kind = *kind;
        workload.distributed &= requirements.may_be_distributed;
        workload.inter_container_encryption = workload.distributed && requirements.may_be_encrypted();
        workload.efa = efa && requirements.addresses_with_efa.is_some();
        workload.network_isolation = efa && requirements.may_be_isolated;
        workload.shadow_endpoint =
            (efa && requirements.shadow_endpoint.is_some()).then_some(ShadowEndpoint { instances: 1 });
    }
    world
}

/// All kinds but the one whose service a region may not have.
fn kinds() -> impl Strategy<Value = Vec<WorkloadKind>> {
    let known: Vec<WorkloadKind> = WorkloadKind::ALL
        .into_iter()
        .filter(|kind| *kind != WorkloadKind::ElasticInference)
        .collect();
    collection::vec(sample::select(known), 1..6)
}

/// The statuses of a pass over what is there.
fn statuses(world: &World, memory: &Memory) -> Statuses {
    let references = &world.references;
    let validated = validate(references).expect("these specs are sound");
    let network = Network::new(&validated);
    let history = History::new(references.vpc.status.as_ref(), &Repairs::default(), now());
    let seen = memory.snapshot.vpc(&network.vpc.vpc_id).expect("the VPC is there");
    assess(&Assessment {
        references,
        validated: Ok(&validated),
        observation: Observation::Seen {
            plan: &plan(&network, &seen, &history),
            outcome: &Outcome {
                steps: BTreeMap::new(),
                made: BTreeMap::new(),
            },
        },
        ledger: Default::default(),
        now: now(),
    })
}

proptest! {
    #[test]
    fn what_is_published_is_what_sagemaker_takes(world in world("None"), kinds in kinds(), efa in any::<bool>()) {
        let mut world = with_kinds(world, &kinds, efa);
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world, &mut memory);
        let statuses = statuses(&world, &memory);
        for reference in &world.references.profiles {
            let status = &statuses.profiles[&reference.key()];
            for (declared, told) in reference.profile.spec.workloads.iter().zip(&status.workloads) {
                let requirements = declared.kind.requirements();
                let (fewest, most) = requirements.subnets;
                if let Some(config) = &told.vpc_config {
                    prop_assert!((fewest..=most).contains(&config.subnets.len()), "{}: {config:?}", declared.kind);
                    prop_assert!(
                        (1..=requirements.security_groups).contains(&config.security_group_ids.len()),
                        "{}: {config:?}",
                        declared.kind
                    );
                }
                prop_assert!(told.ready != Verdict::Yes || told.vpc_config.is_some(), "{told:?}");
            }
        }
    }

    #[test]
    fn whoever_cannot_run_is_told_why(world in world("Disruptive"), kinds in kinds(), efa in any::<bool>()) {
        let world = with_kinds(world, &kinds, efa);
        let memory = Memory::new(world.snapshot.clone());
        let statuses = statuses(&world, &memory);
        for status in statuses.profiles.values() {
            for told in &status.workloads {
                let mut its = status.blockers.iter();
                let is_stopped =
                    its.any(|blocker| blocker.workloads.is_empty() || blocker.workloads.contains(&told.name));
                prop_assert_eq!(told.ready == Verdict::Yes, !is_stopped, "{:?}", status);
            }
            for blocker in &status.blockers {
                prop_assert!(Reason::ALL.iter().any(|reason| reason.as_str() == blocker.reason), "{blocker:?}");
                prop_assert!(!blocker.message.is_empty());
            }
        }
    }
}
