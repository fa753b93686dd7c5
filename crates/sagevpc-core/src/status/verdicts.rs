//! What a plan comes to for each workload, before and after it is carried out.

use jiff::Timestamp;
use serde::Serialize;

use super::{Assessment, Observation, assess};
use crate::{
    api::{Blocker, Verdict, WorkloadStatus},
    plan::{Outcome, Plan},
    types::ProfileKey,
    validate::{References, Validated},
};

/// The verdict on a workload by a plan that nobody has carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedVerdict {
    /// Its profile, as namespace/name.
    pub profile: String,
    /// The workload.
    pub workload: String,
    /// Whether it can run as AWS is now.
    pub now: Verdict,
    /// Whether it can run once the plan is carried out.
    pub planned: Verdict,
    /// Why not, in a word each.
    pub reasons: Vec<String>,
}

impl PlannedVerdict {
    /// Whether it can run, once the plan is carried out.
    pub fn is_ready(&self) -> bool {
        self.planned == Verdict::Yes
    }
}

/// The verdicts on all workloads of a SageMakerVpc, in the order of profiles.
pub fn verdicts(references: &References, validated: &Validated, plan: &Plan) -> Vec<PlannedVerdict> {
    let outcome = Outcome::default();
    let done = Plan {
        actions: Vec::new(),
        held: None,
        ..plan.clone()
    };
    let assessed = |plan: &Plan| {
        let statuses = assess(&Assessment {
            references,
            validated: Ok(validated),
            observation: Observation::Seen {
                plan,
                outcome: &outcome,
            },
            ledger: references.vpc.status.clone().unwrap_or_default().ledger,
            now: Timestamp::UNIX_EPOCH,
        });
        statuses.profiles
    };
    let (before, after) = (assessed(plan), assessed(&done));
    let of_profile = |(key, status): (&ProfileKey, &crate::api::SageMakerVpcProfileStatus)| -> Vec<PlannedVerdict> {
        let earlier = before
            .get(key)
            .map(|status| status.workloads.as_slice())
            .unwrap_or_default();
        let now = |name: &str| {
            let mut same = earlier.iter().filter(|workload| workload.name == name);
            same.next().map_or(Verdict::Unknown, |workload| workload.ready)
        };
        let verdict = |workload: &WorkloadStatus| PlannedVerdict {
            profile: key.to_string(),
            workload: workload.name.clone(),
            now: now(&workload.name),
            planned: workload.ready,
            reasons: reasons(&status.blockers, &workload.name),
        };
        status.workloads.iter().map(verdict).collect()
    };
    after.iter().flat_map(of_profile).collect()
}

/// The reasons of what stands in the way, each once.
fn reasons(blockers: &[Blocker], workload: &str) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    let is_its =
        |blocker: &&Blocker| blocker.workloads.is_empty() || blocker.workloads.iter().any(|name| name == workload);
    for blocker in blockers.iter().filter(is_its) {
        if !reasons.contains(&blocker.reason) {
            reasons.push(blocker.reason.clone());
        }
    }
    reasons
}
