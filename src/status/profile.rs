//! The status of a profile.

use super::{
    Assessment, Observation, bounded,
    conditions::{Conditions, joined},
    obstacles::{Obstacle, Who, failure_reason, obstacles, open_drift, passes, progress},
};
use crate::{
    api::{
        Condition, ConditionStatus, ConditionType, ManagedSecurityGroups, Reason, SageMakerVpcProfile,
        SageMakerVpcProfileStatus, Verdict, VpcConfig, WorkloadStatus, bounds::MAX_WORKLOAD_MESSAGE,
    },
    plan::{Concern, Weight},
    types::{ProfileKey, listed},
    validate::ProfileReference,
};

pub(super) fn status(assessment: &Assessment<'_>, reference: &ProfileReference) -> SageMakerVpcProfileStatus {
    let profile = &reference.profile;
    let key = reference.key();
    let before = profile.status.clone().unwrap_or_default();
    let generation = profile.metadata.generation;
    let obstacles = all_obstacles(assessment, reference, &key);
    let mut conditions = Conditions::new(&before.conditions, generation, assessment.now);

    if profile.metadata.deletion_timestamp.is_some() {
        let message = deletion_message(assessment, &key);
        conditions.set(ConditionType::Ready, ConditionStatus::False, Reason::Deleting, &message);
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

    let configs = match assessment.observation {
        Observation::Seen { plan, .. } => plan.vpc_configs.get(&key),
        Observation::NotLooked | Observation::Failed(_) | Observation::VpcMissing => None,
    };
    let workloads: Vec<WorkloadStatus> = profile
        .spec
        .workloads
        .iter()
        .enumerate()
        .map(|(index, workload)| {
            let earlier = before.workloads.iter().find(|earlier| earlier.name == workload.name);
            let earlier = earlier.and_then(|earlier| earlier.vpc_config.as_ref());
            let config = match assessment.observation {
                Observation::Failed(_) => earlier,
                Observation::Seen { .. } | Observation::NotLooked | Observation::VpcMissing => {
                    configs.and_then(|configs| configs.get(index))
                }
            };
            workload_status(&workload.name, &obstacles, config, earlier)
        })
        .collect();
    let runnable = workloads
        .iter()
        .filter(|workload| workload.ready == Verdict::Yes)
        .count();

    set_concerns(&mut conditions, assessment, profile, &obstacles);
    conditions.ready(&obstacles, "All workloads can run with the VpcConfig below.");
    in_sync(&mut conditions, assessment, &key, &before.conditions);

    let has_effect = match assessment.observation {
        Observation::Seen { plan, .. } => plan.contributing.contains(&key),
        Observation::NotLooked | Observation::Failed(_) | Observation::VpcMissing => false,
    };
    let (accepted_generation, accepted_buckets) = if has_effect {
        let buckets = profile.spec.buckets.iter().map(|bucket| bucket.name.clone());
        (generation, buckets.collect())
    } else {
        (before.accepted_generation, before.accepted_buckets)
    };
    SageMakerVpcProfileStatus {
        observed_generation: generation,
        conditions: conditions.finish(),
        vpc_config: common_config(profile, &workloads),
        workloads_ready: Some(format!("{runnable}/{}", workloads.len())),
        workloads,
        accepted_generation,
        accepted_buckets,
    }
}

/// What stands in the profile's way, with what keeps the whole VPC from being
/// looked at.
fn all_obstacles(assessment: &Assessment<'_>, reference: &ProfileReference, key: &ProfileKey) -> Vec<Obstacle> {
    let vpc = &reference.profile.spec.vpc_ref.name;
    let in_the_way = |weight, concern, reason, message, passes| Obstacle {
        concern,
        weight,
        reason,
        message,
        workloads: None,
        passes,
    };
    if assessment.validated.is_err() {
        let message = format!("SageMakerVpc {vpc} is not accepted itself: its owners find the reason in its status.");
        return vec![in_the_way(
            Weight::Blocks,
            Concern::Accepted,
            Reason::VpcNotAccepted,
            message,
            false,
        )];
    }
    if assessment.references.vpc.metadata.deletion_timestamp.is_some() {
        let message = format!(
            "SageMakerVpc {vpc} is being deleted, and what it offers with it: delete this profile, and create one that \
             refers to another VPC."
        );
        return vec![in_the_way(
            Weight::Blocks,
            Concern::Accepted,
            Reason::Deleting,
            message,
            false,
        )];
    }
    let mut all = obstacles(assessment, Who::Profile(key));
    match assessment.observation {
        Observation::Failed(failure) => {
            // What runs there may run on: it is only that nobody can see it.
            all.push(in_the_way(
                Weight::Unknown,
                Concern::Subnets,
                failure_reason(failure),
                failure.explained(),
                passes(failure.kind),
            ));
        }
        Observation::VpcMissing => {
            let message = format!("The VPC of SageMakerVpc {vpc} does not exist: its owners find more in its status.");
            all.push(in_the_way(
                Weight::Blocks,
                Concern::Accepted,
                Reason::VpcNotFound,
                message,
                false,
            ));
        }
        Observation::NotLooked | Observation::Seen { .. } => {}
    }
    all
}

fn set_concerns(
    conditions: &mut Conditions<'_>,
    assessment: &Assessment<'_>,
    profile: &SageMakerVpcProfile,
    obstacles: &[Obstacle],
) {
    conditions.concern(
        Concern::Accepted,
        obstacles,
        "The profile is allowed, granted what it names, and in force.",
    );
    let refused = obstacles
        .iter()
        .any(|obstacle| obstacle.concern == Concern::Accepted && obstacle.weight == Weight::Blocks);
    let unseen = !matches!(assessment.observation, Observation::Seen { .. });
    let concerns = [
        (Concern::Subnets, "The subnets exist, and suit every workload."),
        (
            Concern::Capacity,
            "The subnets have addresses enough for all workloads at once.",
        ),
        (Concern::Dns, "Names of AWS services resolve in the VPC."),
        (
            Concern::S3,
            "S3 can be reached through its gateway endpoint, and the policy lets the workloads through.",
        ),
        (
            Concern::SecurityGroups,
            "The security groups admit what the workloads need.",
        ),
    ];
    let about_buckets = (
        Concern::BucketPolicies,
        "The policies of the buckets let only the VPC's endpoints in, where that is asked for.",
    );
    let asks_for_it = profile
        .spec
        .buckets
        .iter()
        .any(|bucket| bucket.require_vpc_endpoint.is_some());
    for (concern, all_is_well) in concerns.into_iter().chain(asks_for_it.then_some(about_buckets)) {
        let has_own = obstacles.iter().any(|obstacle| obstacle.concern == concern);
        if (refused || unseen) && !has_own {
            let message = "Not judged: the profile is not in force, or AWS could not be looked at.";
            conditions.set(
                concern.condition(),
                ConditionStatus::Unknown,
                first_reason(obstacles),
                message,
            );
        } else {
            conditions.concern(concern, obstacles, all_is_well);
        }
    }
}

fn first_reason(obstacles: &[Obstacle]) -> Reason {
    obstacles.first().map_or(Reason::InProgress, |obstacle| obstacle.reason)
}

/// Whether AWS is as declared, as far as this profile is concerned.
fn in_sync(conditions: &mut Conditions<'_>, assessment: &Assessment<'_>, key: &ProfileKey, before: &[Condition]) {
    let (Observation::Seen { plan, outcome }, Ok(validated)) = (assessment.observation, assessment.validated) else {
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
    let open = open_drift(plan, outcome, &validated.vpc);
    conditions.in_sync(open.filter(|planned| planned.serves.includes(key)));
}

/// Whether something of this weight bears on whether a workload can run.
const fn keeps_from_running(weight: Weight) -> bool {
    match weight {
        Weight::Blocks | Weight::Unknown => true,
        Weight::Unmet | Weight::Advice => false,
    }
}

fn workload_status(
    name: &str,
    obstacles: &[Obstacle],
    config: Option<&VpcConfig>,
    earlier: Option<&VpcConfig>,
) -> WorkloadStatus {
    let concerned: Vec<&Obstacle> = obstacles
        .iter()
        .filter(|obstacle| {
            obstacle
                .workloads
                .as_ref()
                .is_none_or(|names| names.iter().any(|other| other == name))
        })
        .filter(|obstacle| keeps_from_running(obstacle.weight))
        .collect();
    let ready = match concerned.iter().map(|obstacle| obstacle.weight).min() {
        None => Verdict::Yes,
        Some(Weight::Blocks) => Verdict::No,
        Some(Weight::Unknown) => Verdict::Unknown,
        Some(Weight::Unmet | Weight::Advice) => Verdict::Yes,
    };
    let message = if concerned.is_empty() {
        "It can run.".to_owned()
    } else {
        joined(&concerned)
    };
    // Usable means complete, and not held up by anything but a lack of
    // addresses just now; once given, it stays as long as it is true.
    let complete = config.filter(|config| !config.subnets.is_empty() && !config.security_group_ids.is_empty());
    let usable = concerned
        .iter()
        .all(|obstacle| obstacle.concern == Concern::Capacity || obstacle.weight != Weight::Blocks);
    let vpc_config = complete.filter(|config| usable || earlier == Some(*config)).cloned();
    WorkloadStatus {
        name: name.to_owned(),
        ready,
        message: bounded(&message, MAX_WORKLOAD_MESSAGE),
        vpc_config,
    }
}

/// The one `VpcConfig` for all workloads, where they share one.
fn common_config(profile: &SageMakerVpcProfile, workloads: &[WorkloadStatus]) -> Option<VpcConfig> {
    let managed = profile.spec.security_groups.as_ref().and_then(|groups| groups.managed);
    match managed {
        Some(ManagedSecurityGroups::PerWorkload) => None,
        Some(ManagedSecurityGroups::PerProfile) | None => {
            workloads.iter().find_map(|workload| workload.vpc_config.clone())
        }
    }
}

/// What is left to do before the profile can go.
fn deletion_message(assessment: &Assessment<'_>, key: &ProfileKey) -> String {
    let (Observation::Seen { plan, outcome }, Ok(validated)) = (assessment.observation, assessment.validated) else {
        return "Its resources are removed from AWS first; AWS could not be looked at yet.".to_owned();
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
    let obstacles: Vec<String> = plan
        .actions
        .iter()
        .filter(|planned| planned.key.as_ref().and_then(|owned| owned.profile()) == Some(key))
        .map(|planned| progress(planned, outcome, &validated.vpc).message)
        .collect();
    format!(
        "Still to be removed from AWS: {}. {}",
        listed(left),
        obstacles.join(" ")
    )
}
