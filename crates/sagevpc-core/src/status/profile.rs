//! The status of a profile.

use std::borrow::Cow;

use super::{
    Assessment, Observation,
    aged::Outage,
    concerns,
    conditions::Conditions,
    in_the_way::InTheWay,
    obstacles::{Obstacle, progress},
    remedy, workload,
};
use crate::{
    api::{
        Condition, ConditionStatus, ConditionType, Reason, SageMakerVpcProfileSpec, SageMakerVpcProfileStatus, Verdict,
        Who, WorkloadStatus, is_deleting,
    },
    demand::Demands,
    report::{Concern, Weight},
    types::{ProfileKey, listed},
    validate::{ProfileReference, awaited},
};

pub(super) fn status(
    assessment: &Assessment<'_>,
    found: &InTheWay<'_>,
    reference: &ProfileReference,
) -> SageMakerVpcProfileStatus {
    let profile = &reference.profile;
    let key = reference.key();
    let before = profile.status.clone().unwrap_or_default();
    let generation = profile.metadata.generation;
    let spec = reference.spec(&assessment.references.vpc);
    let who = |obstacle: &Obstacle| remedy::who(obstacle, Some(&spec));
    let mut obstacles = all_obstacles(assessment, found, reference, &key);
    // How the platform team mends it is not for the team to read.
    for obstacle in obstacles.iter_mut().filter(|obstacle| who(obstacle) == Who::Platform) {
        let request = || remedy::request(obstacle, &profile.spec.vpc_ref.name);
        obstacle.fix = obstacle.weight.bears_on_ready().then(request);
    }
    let mut conditions = Conditions::new(&before.conditions, generation, assessment.now);

    if is_deleting(profile) {
        let message = deletion_message(assessment, &key);
        let summary = "Its resources are removed from AWS; Reconciling says what is left.";
        conditions.set(ConditionType::Ready, ConditionStatus::False, Reason::Deleting, summary);
        conditions.set(
            ConditionType::Reconciling,
            ConditionStatus::True,
            Reason::Deleting,
            &message,
        );
        return SageMakerVpcProfileStatus {
            observed_generation: generation,
            conditions: conditions.finish(),
            ..before
        };
    }

    if generation == before.observed_generation
        && !obstacles_of_spec(found, &key)
        && let Some(conditions) = Outage::of(assessment).and_then(|outage| outage.aged(&before.conditions))
    {
        return SageMakerVpcProfileStatus { conditions, ..before };
    }

    let configs = match assessment.observation {
        Observation::Seen { plan, .. } => plan.vpc_configs.get(&key),
        Observation::NotLooked | Observation::Failed(_) | Observation::VpcMissing => None,
    };
    let workloads: Vec<WorkloadStatus> = spec
        .workloads
        .iter()
        .enumerate()
        .filter(|(_, workload)| !workload.name.is_empty())
        .map(|(index, workload)| {
            let earlier = before.workloads.iter().find(|earlier| earlier.name == workload.name);
            let earlier = earlier.and_then(|earlier| earlier.vpc_config.as_ref());
            let config = match assessment.observation {
                Observation::Failed(_) => earlier,
                Observation::Seen { .. } | Observation::NotLooked | Observation::VpcMissing => {
                    configs.and_then(|configs| configs.get(index))
                }
            };
            workload::status(&workload.name, &obstacles, config, earlier)
        })
        .collect();
    let runnable = workloads
        .iter()
        .filter(|workload| workload.ready == Verdict::Yes)
        .count();

    set_concerns(&mut conditions, assessment, &spec, &obstacles);
    conditions.ready(&obstacles, "All workloads can run with the VpcConfig below.", who);
    let (blockers, blockers_truncated) = workload::blockers(&obstacles, who);
    in_sync(&mut conditions, assessment, found, &key, &before.conditions);

    let has_effect = match assessment.observation {
        Observation::Seen { plan, .. } => plan.contributing.contains(&key),
        Observation::NotLooked | Observation::Failed(_) | Observation::VpcMissing => false,
    };
    let accepted_generation = if has_effect {
        generation
    } else {
        before.accepted_generation
    };
    SageMakerVpcProfileStatus {
        observed_generation: generation,
        conditions: conditions.finish(),
        vpc_config: workload::common_config(profile, &workloads),
        workloads_ready: Some(format!("{runnable}/{}", spec.workloads.len())),
        blockers,
        blockers_truncated,
        workloads,
        accepted_generation,
    }
}

/// Whether something is in the way before AWS is looked at.
fn obstacles_of_spec(found: &InTheWay<'_>, key: &ProfileKey) -> bool {
    found.of_profile(key).any(|obstacle| obstacle.weight.bears_on_ready())
}

/// What stands in the profile's way, with what keeps the whole VPC from being
/// looked at.
fn all_obstacles(
    assessment: &Assessment<'_>,
    found: &InTheWay<'_>,
    reference: &ProfileReference,
    key: &ProfileKey,
) -> Vec<Obstacle> {
    let vpc = &reference.profile.spec.vpc_ref.name;
    let everything = |reason, message| Obstacle::new(Concern::Accepted, reason, message);
    if assessment.validated.is_err() {
        let message = format!("SageMakerVpc {vpc} is not accepted itself: its owners find the reason in its status.");
        return vec![everything(Reason::VpcNotAccepted, message)];
    }
    let is_going = is_deleting(&assessment.references.vpc);
    let is_awaited = awaited(assessment.references).contains(key);
    if is_going && !is_awaited {
        let message = format!(
            "SageMakerVpc {vpc} is being deleted, and what it offers with it: delete this profile, and create one that \
             refers to another VPC."
        );
        return vec![everything(Reason::Deleting, message)];
    }
    let mut all: Vec<Obstacle> = found.of_profile(key).cloned().collect();
    if is_awaited {
        let message = format!(
            "SageMakerVpc {vpc} is being deleted, and waits for this profile, which keeps what it has: delete it, and \
             create one that refers to another VPC."
        );
        let told = everything(Reason::Deleting, message);
        all.push(Obstacle {
            weight: Weight::Aside,
            ..told
        });
    }
    match assessment.observation {
        Observation::Failed(failure) => all.push(Obstacle::of_failure(Concern::Subnets, failure)),
        Observation::VpcMissing => {
            let message = format!("The VPC of SageMakerVpc {vpc} does not exist: its owners find more in its status.");
            all.push(everything(Reason::VpcNotFound, message));
        }
        Observation::NotLooked | Observation::Seen { .. } => {}
    }
    all
}

fn set_concerns(
    conditions: &mut Conditions<'_>,
    assessment: &Assessment<'_>,
    spec: &SageMakerVpcProfileSpec,
    obstacles: &[Obstacle],
) {
    let refused = obstacles
        .iter()
        .any(|obstacle| obstacle.concern == Concern::Accepted && obstacle.weight == Weight::Blocks);
    let unseen = !matches!(assessment.observation, Observation::Seen { .. });
    let demands = Demands::of_spec(spec);
    for concern in Concern::ALL {
        let all_is_well = concerns::of_profile(concern, spec, &demands);
        let has_own = obstacles.iter().any(|obstacle| obstacle.concern == concern);
        let is_unjudged = concern != Concern::Accepted && (refused || unseen) && !has_own;
        if is_unjudged && all_is_well.is_some() {
            let type_ = concern.condition();
            let message = format!("{type_} is not judged; Ready says why.");
            conditions.set(type_, ConditionStatus::Unknown, first_reason(obstacles), &message);
        } else if all_is_well.is_some() || has_own {
            conditions.concern_beside_blockers(concern, obstacles, all_is_well.unwrap_or_default());
        }
    }
}

fn first_reason(obstacles: &[Obstacle]) -> Reason {
    obstacles.first().map_or(Reason::InProgress, |obstacle| obstacle.reason)
}

/// Whether AWS is as declared, as far as this profile is concerned.
fn in_sync(
    conditions: &mut Conditions<'_>,
    assessment: &Assessment<'_>,
    found: &InTheWay<'_>,
    key: &ProfileKey,
    before: &[Condition],
) {
    let (Observation::Seen { .. }, Ok(_)) = (assessment.observation, assessment.validated) else {
        if let Some(earlier) = before
            .iter()
            .find(|condition| condition.type_ == ConditionType::InSync.as_str())
        {
            let message = "Not looked at since.";
            let status = if earlier.status == ConditionStatus::False {
                earlier.status
            } else {
                ConditionStatus::Unknown
            };
            conditions.set(ConditionType::InSync, status, Reason::Unreachable, message);
        }
        return;
    };
    conditions.in_sync(found.open_drift_of(key), found.held_back_of(key));
}

/// What is left to do before the profile can go.
fn deletion_message(assessment: &Assessment<'_>, key: &ProfileKey) -> String {
    let (Observation::Seen { plan, outcome }, Ok(validated)) = (assessment.observation, assessment.validated) else {
        let first = "AWS could not be looked at yet.";
        return match assessment.observation {
            Observation::Failed(failure) => format!("{first} {}", failure.said()),
            Observation::NotLooked | Observation::VpcMissing | Observation::Seen { .. } => first.to_owned(),
        };
    };
    let left: Vec<&str> = plan
        .owned
        .iter()
        .filter(|(_, owned)| owned.profile() == Some(key))
        .map(|(id, _)| id.as_str())
        .collect();
    if left.is_empty() {
        return "Nothing is left of it in AWS.".to_owned();
    }
    let obstacles: Vec<Cow<'_, str>> = plan
        .actions
        .iter()
        .filter(|planned| planned.key.as_ref().and_then(|owned| owned.profile()) == Some(key))
        .filter_map(|planned| progress(planned, outcome, &validated.vpc).message)
        .collect();
    let mut each: Vec<Cow<'_, str>> = Vec::new();
    for obstacle in obstacles {
        if !each.contains(&obstacle) {
            each.push(obstacle);
        }
    }
    format!("Still to be removed from AWS: {}. {}", listed(left), each.join(" "))
        .trim_end()
        .to_owned()
}
