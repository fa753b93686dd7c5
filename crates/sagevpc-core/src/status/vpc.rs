//! The status of a `SageMakerVpc`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Assessment, Observation,
    aged::Outage,
    concerns,
    conditions::Conditions,
    in_the_way::InTheWay,
    lacks::lacks,
    last_seen,
    obstacles::{Obstacle, failure_reason, progress},
    remedy::who,
    to_the_second,
    told::Told,
    truncated,
};
use crate::{
    api::{
        ActionStatus, Condition, ConditionStatus, ConditionType, DriftStatus, InForce, PlanStatus, ProfilesStatus,
        Reason, ResourceStatus, SageMakerVpcProfileStatus, SageMakerVpcStatus, Verdict,
        bounds::{
            MAX_ACTION_CHANGE, MAX_ACTION_MESSAGE, MAX_ACTION_REASON, MAX_ACTION_RESOURCE, MAX_ACTIONS,
            MAX_DRIFT_CHANGE, MAX_PURPOSE, MAX_RESOURCES,
        },
        is_deleting,
    },
    plan::{Outcome, Plan, PlannedAction, ledger},
    report::Concern,
    types::{Accounts, ProfileKey, in_sentences, listed, shortened},
    validate::{ValidVpc, awaited},
};

pub(super) fn status(
    assessment: &Assessment<'_>,
    found: &InTheWay<'_>,
    profiles: &BTreeMap<ProfileKey, SageMakerVpcProfileStatus>,
) -> SageMakerVpcStatus {
    let object = &assessment.references.vpc;
    let before = object.status.clone().unwrap_or_default();
    let generation = object.metadata.generation;
    let mut conditions = Conditions::new(&before.conditions, generation, assessment.now);
    set_conditions(&mut conditions, assessment, found);
    let conditions = match Outage::of(assessment).and_then(|outage| outage.aged(&before.conditions)) {
        Some(aged) => conditions.over(aged),
        None => conditions.finish(),
    };

    let live = live_profiles(assessment, profiles);
    let verdicts = live.iter().flat_map(|(_, status)| &status.workloads);
    let runnable = verdicts
        .clone()
        .filter(|workload| workload.ready == Verdict::Yes)
        .count();
    let mut status = SageMakerVpcStatus {
        observed_generation: generation,
        conditions,
        workloads: Some(format!("{runnable}/{}", verdicts.count())),
        profiles: count(&live),
        ledger: assessment.ledger.clone(),
        consumers: before.consumers,
        resources: before.resources,
        resources_truncated: before.resources_truncated,
        plan: before.plan,
        drift: before.drift,
        in_force: before.in_force,
    };
    if let (Observation::Seen { plan, outcome }, Ok(validated)) = (assessment.observation, assessment.validated) {
        status.resources = resources(plan);
        status.resources_truncated = truncated(plan.resources.len(), MAX_RESOURCES);
        status.consumers = plan.consumers.clone();
        status.plan = plan_status(plan, outcome, &validated.vpc);
        status.drift = drift_status(assessment, plan, found.open_drift(), status.drift);
        status.in_force = in_force(plan, outcome, status.in_force);
        ledger::note_found(&mut status.ledger, plan, to_the_second(assessment.now));
    }
    status
}

fn resources(plan: &Plan) -> Vec<ResourceStatus> {
    let shown = plan.resources.iter().take(MAX_RESOURCES);
    shown
        .map(|resource| ResourceStatus {
            purpose: shortened(&resource.purpose, MAX_PURPOSE),
            ..resource.clone()
        })
        .collect()
}

fn set_conditions(conditions: &mut Conditions<'_>, assessment: &Assessment<'_>, found: &InTheWay<'_>) {
    let mut obstacles = found.of_vpc();
    obstacles.extend(vpc_missing(assessment));
    conditions.concern(
        Concern::Accepted,
        &obstacles,
        "The spec is sound, and no older object has the same VPC.",
    );
    reachability(conditions, assessment);

    if is_deleting(&assessment.references.vpc) {
        let message = deletion_message(assessment);
        let summary = "It is removed from AWS; Reconciling says what is left and what that waits for.";
        conditions.set(ConditionType::Ready, ConditionStatus::False, Reason::Deleting, summary);
        conditions.set(
            ConditionType::Reconciling,
            ConditionStatus::True,
            Reason::Deleting,
            &message,
        );
        return;
    }
    if let Observation::Seen { plan, .. } = assessment.observation {
        let lacks = lacks(assessment, found, &obstacles);
        let served: Vec<Obstacle> = lacks.all().into_iter().collect();
        for concern in Concern::ALL.into_iter().filter(|concern| *concern != Concern::Accepted) {
            let all_is_well = assessment
                .validated
                .ok()
                .and_then(|validated| concerns::of_vpc(concern, validated, plan));
            let obstacles = if concern == Concern::Served {
                &served
            } else {
                &obstacles
            };
            conditions.concern_where_it_applies(concern, obstacles, all_is_well);
        }
        in_sync(conditions, assessment, found);
        obstacles.extend(lacks.own());
    }
    if let Observation::Failed(failure) = assessment.observation {
        obstacles.push(Obstacle::of_failure(Concern::Accepted, failure));
    }
    conditions.ready(&obstacles, "The VPC offers what its profiles need.", |obstacle| {
        who(obstacle, None)
    });
}

fn vpc_missing(assessment: &Assessment<'_>) -> Option<Obstacle> {
    let Observation::VpcMissing = assessment.observation else {
        return None;
    };
    let spec = &assessment.references.vpc.spec;
    let message = format!(
        "{} does not exist in {} of the account that the controller works in: correct spec.vpcId and spec.region (in a \
         new object, for they cannot be changed), or set spec.credentials.network to a role of the VPC's account.",
        spec.vpc_id, spec.region
    );
    Some(Obstacle {
        resource: Some(spec.vpc_id.to_string()),
        ..Obstacle::new(Concern::Accepted, Reason::VpcNotFound, message)
    })
}

/// Whether AWS answers, and allows what is asked of it.
fn reachability(conditions: &mut Conditions<'_>, assessment: &Assessment<'_>) {
    let type_ = ConditionType::AwsReachable;
    match assessment.observation {
        Observation::NotLooked => {
            conditions.set(
                type_,
                ConditionStatus::Unknown,
                Reason::InvalidSpec,
                "Not looked: the spec is refused.",
            );
        }
        Observation::Failed(failure) => {
            conditions.set(
                type_,
                ConditionStatus::False,
                failure_reason(failure),
                &failure.explained(),
            );
        }
        Observation::VpcMissing => conditions.set(type_, ConditionStatus::True, Reason::Ok, "AWS answers."),
        Observation::Seen { outcome, .. } => {
            let failures: Vec<_> = outcome.failures().map(|(_, failure)| failure).collect();
            match failures.first() {
                None => conditions.set(
                    type_,
                    ConditionStatus::True,
                    Reason::Ok,
                    "AWS answers, and refuses nothing.",
                ),
                Some(first) => {
                    let told: Vec<String> = failures.iter().map(|failure| failure.explained()).collect();
                    let message = Told::default().each(&told).join(" ");
                    conditions.set(type_, ConditionStatus::False, failure_reason(first), &message);
                }
            }
        }
    }
}

fn in_sync(conditions: &mut Conditions<'_>, assessment: &Assessment<'_>, found: &InTheWay<'_>) {
    if let (Observation::Seen { .. }, Ok(_)) = (assessment.observation, assessment.validated) {
        conditions.in_sync(found.open_drift().iter().copied(), found.held_back().iter().copied());
    }
}

/// Profiles that are not on their way out.
fn live_profiles<'a>(
    assessment: &Assessment<'_>,
    profiles: &'a BTreeMap<ProfileKey, SageMakerVpcProfileStatus>,
) -> Vec<(&'a ProfileKey, &'a SageMakerVpcProfileStatus)> {
    let leaving: Vec<ProfileKey> = assessment
        .references
        .profiles
        .iter()
        .filter(|reference| is_deleting(&reference.profile))
        .map(|reference| reference.key())
        .collect();
    profiles.iter().filter(|(key, _)| !leaving.contains(key)).collect()
}

fn count(profiles: &[(&ProfileKey, &SageMakerVpcProfileStatus)]) -> ProfilesStatus {
    let holds = |status: &SageMakerVpcProfileStatus, type_: ConditionType| {
        let is_it = |condition: &&Condition| condition.type_ == type_.as_str();
        status
            .conditions
            .iter()
            .find(is_it)
            .is_some_and(|condition| condition.status == ConditionStatus::True)
    };
    let mut counted = ProfilesStatus {
        total: u32::try_from(profiles.len()).unwrap_or(u32::MAX),
        ..Default::default()
    };
    for (key, status) in profiles {
        if holds(status, ConditionType::Ready) {
            counted.ready += 1;
        } else if holds(status, ConditionType::Accepted) {
            counted.not_ready += 1;
            counted.first_not_ready.get_or_insert_with(|| key.to_string());
        } else {
            counted.refused += 1;
            counted.first_refused.get_or_insert_with(|| key.to_string());
        }
    }
    counted
}

fn plan_status(plan: &Plan, outcome: &Outcome, vpc: &ValidVpc) -> PlanStatus {
    let actions = plan.actions.iter().take(MAX_ACTIONS).map(|planned| {
        let progress = progress(planned, outcome, vpc);
        ActionStatus {
            action: planned.action.name().to_owned(),
            resource: shortened(&planned.action.resource(), MAX_ACTION_RESOURCE),
            change: shortened(&planned.action.change(), MAX_ACTION_CHANGE),
            reason: shortened(&planned.reason, MAX_ACTION_REASON),
            state: progress.state,
            message: progress
                .message
                .map(|message| in_sentences(&message, MAX_ACTION_MESSAGE)),
        }
    });
    PlanStatus {
        actions: actions.collect(),
        actions_truncated: truncated(plan.actions.len(), MAX_ACTIONS),
        monthly_cost: plan
            .monthly_cost
            .after
            .filter(|cost| !cost.is_zero())
            .map(|cost| cost.to_string()),
        held: plan.held.clone(),
        approved: plan.approved.clone(),
    }
}

fn drift_status(assessment: &Assessment<'_>, plan: &Plan, open: &[&PlannedAction], before: DriftStatus) -> DriftStatus {
    let all: Vec<String> = plan.drift().map(ToString::to_string).collect();
    let open = u32::try_from(open.len()).unwrap_or(u32::MAX);
    let repaired = all.len() as u64 - u64::from(open);
    let change = (!all.is_empty()).then(|| shortened(&listed(&all), MAX_DRIFT_CHANGE));
    // The time is that of finding it, not of the last look at it.
    let is_new = change.is_some() && (before.open == 0 || change != before.last_change);
    DriftStatus {
        open,
        repaired: before.repaired + repaired,
        last_found: if is_new {
            Some(to_the_second(assessment.now))
        } else {
            before.last_found
        },
        last_change: change.or(before.last_change),
    }
}

fn in_force(plan: &Plan, outcome: &Outcome, before: InForce) -> InForce {
    let s3_is_settled = !plan.actions.iter().any(|planned| planned.blocks == Some(Concern::S3));
    let pinned = Accounts {
        network: before.account,
        workloads: before.workloads_account,
    };
    let accounts = plan.pin(pinned, |planned| outcome.steps.contains_key(&planned.id));
    let mut in_force = InForce {
        account: accounts.network,
        workloads_account: accounts.workloads,
        package_repositories: if s3_is_settled {
            plan.package_repositories
        } else {
            before.package_repositories
        },
        network: if plan.is_in_force() {
            Some(plan.fingerprint.clone())
        } else {
            before.network
        },
        buckets: plan.buckets_after(outcome),
        network_acls: plan.network_acls_after(outcome),
        roles: roles_in_force(plan, outcome),
        ..before
    };
    plan.in_force.note(&mut in_force);
    in_force
}

/// Roles that have our inline policy, and those that were to get it just now,
/// whatever came of it.
fn roles_in_force(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut roles = Vec::new();
    plan.note_roles(&mut roles, |planned| outcome.steps.contains_key(&planned.id));
    roles
}

/// What is left to do before the object can go, and what stands in the way.
fn deletion_message(assessment: &Assessment<'_>) -> String {
    let awaited = awaited(assessment.references);
    if !awaited.is_empty() {
        return format!(
            "Profiles {} refer to it and are in force: what they rely on stays until they are deleted, and it goes once \
             they are gone. Delete them, and create others that refer to another SageMakerVpc where they are still needed.",
            listed(awaited)
        );
    }
    let (Observation::Seen { plan, outcome }, Ok(validated)) = (assessment.observation, assessment.validated) else {
        return match assessment.observation {
            Observation::Failed(failure) => {
                let last = last_seen(&assessment.references.vpc);
                let last = if last.is_empty() {
                    String::new()
                } else {
                    format!(" Last seen there: {}.", listed(last))
                };
                format!(
                    "What is left in AWS cannot be seen, so nothing is forgotten.{last} AwsReachable says why ({}).",
                    failure.kind.as_str()
                )
            }
            Observation::NotLooked | Observation::VpcMissing | Observation::Seen { .. } => {
                "Nothing is left of it in AWS.".to_owned()
            }
        };
    };
    let left_alone = left_alone(plan);
    if plan.owned.is_empty() {
        return format!("Nothing is left of it in AWS.{left_alone}");
    }
    let obstacles: Vec<String> = plan
        .actions
        .iter()
        .map(|planned| {
            let progress = progress(planned, outcome, &validated.vpc);
            let how_far = progress
                .message
                .unwrap_or_else(|| format!("{}.", progress.state.as_str()).into());
            format!("{planned}: {how_far}")
        })
        .collect();
    let obstacles = Told::default().each(&obstacles);
    let fixes: BTreeSet<&str> = plan
        .actions
        .iter()
        .filter_map(|planned| progress(planned, outcome, &validated.vpc).fix)
        .collect();
    let fixes: String = fixes.iter().map(|fix| format!(" {fix}")).collect();
    format!(
        "Still in AWS: {}. {}{fixes}{left_alone}",
        listed(plan.owned.keys()),
        obstacles.join(" ")
    )
}

/// What stays though it carries our tags, to follow a sentence.
fn left_alone(plan: &Plan) -> String {
    if plan.strangers.is_empty() {
        return String::new();
    }
    format!(
        " {} carry sagevpc's tags, are not known to be sagevpc's, and are left alone.",
        listed(plan.strangers.keys())
    )
}
