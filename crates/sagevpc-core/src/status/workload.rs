//! The verdict on one workload.

use std::cmp::Reverse;

use super::{conditions::joined, obstacles::Obstacle, truncated};
use crate::{
    api::{
        Blocker, ManagedSecurityGroups, SageMakerVpcProfile, Verdict, VpcConfig, WorkloadStatus,
        bounds::{MAX_BLOCKER_MESSAGE, MAX_BLOCKER_RESOURCE, MAX_BLOCKER_SHOWS, MAX_BLOCKERS, MAX_WORKLOAD_MESSAGE},
    },
    catalog::Symptom,
    report::{Concern, Weight},
    types::shortened,
};

/// The verdict on the workload, given everything in its profile's way, the
/// `VpcConfig` that it would have now and the one that was published before.
pub(super) fn status(
    name: &str,
    obstacles: &[Obstacle],
    config: Option<&VpcConfig>,
    earlier: Option<&VpcConfig>,
) -> WorkloadStatus {
    let mut concerned: Vec<&Obstacle> = obstacles
        .iter()
        .filter(|obstacle| obstacle.concerns(name) && obstacle.weight.stands_in_the_way())
        .collect();
    concerned.sort_by_key(|obstacle| obstacle.weight);
    let ready = match concerned.first().map(|obstacle| obstacle.weight) {
        None | Some(Weight::Unmet | Weight::Aside | Weight::Advice) => Verdict::Yes,
        Some(Weight::Blocks) => Verdict::No,
        Some(Weight::Unknown) => Verdict::Unknown,
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
    let mut blockers: Vec<Blocker> = Vec::new();
    for blocker in concerned.iter().map(|obstacle| blocker(obstacle, name)) {
        if !blockers.contains(&blocker) {
            blockers.push(blocker);
        }
    }
    let blockers_truncated = truncated(blockers.len(), MAX_BLOCKERS);
    blockers.truncate(MAX_BLOCKERS);
    WorkloadStatus {
        name: name.to_owned(),
        ready,
        message: shortened(&message, MAX_WORKLOAD_MESSAGE),
        blockers,
        blockers_truncated,
        vpc_config,
    }
}

fn blocker(obstacle: &Obstacle, workload: &str) -> Blocker {
    Blocker {
        reason: obstacle.reason.as_str().to_owned(),
        resource: obstacle
            .resource
            .as_ref()
            .map(|resource| shortened(resource, MAX_BLOCKER_RESOURCE)),
        shows: obstacle
            .symptom_of(workload)
            .map(Symptom::text)
            .map(|text| shortened(text, MAX_BLOCKER_SHOWS)),
        message: shortened(&obstacle.message, MAX_BLOCKER_MESSAGE),
    }
}

/// The one `VpcConfig` for all workloads, where they share one: a kind that
/// takes fewer subnets than the others does not narrow theirs.
pub(super) fn common_config(profile: &SageMakerVpcProfile, workloads: &[WorkloadStatus]) -> Option<VpcConfig> {
    let managed = profile.spec.security_groups.as_ref().and_then(|groups| groups.managed);
    match managed {
        Some(ManagedSecurityGroups::PerWorkload) => None,
        Some(ManagedSecurityGroups::PerProfile) | None => workloads
            .iter()
            .filter_map(|workload| workload.vpc_config.as_ref())
            .min_by_key(|config| Reverse(config.subnets.len()))
            .cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Reason;

    fn obstacle(reason: Reason, weight: Weight) -> Obstacle {
        Obstacle {
            weight,
            ..Obstacle::new(Concern::S3, reason, format!("{reason}: mend it."))
        }
    }

    #[test]
    fn the_worst_blocker_comes_first_and_advice_is_none() {
        let found = [
            obstacle(Reason::CustomResolver, Weight::Unknown),
            obstacle(Reason::DirectInternetAccess, Weight::Advice),
            obstacle(Reason::S3EndpointMissing, Weight::Blocks),
        ];
        let status = status("train", &found, None, None);
        assert_eq!(status.ready, Verdict::No);
        let reasons: Vec<&str> = status.blockers.iter().map(|blocker| blocker.reason.as_str()).collect();
        assert_eq!(reasons, ["S3EndpointMissing", "CustomResolver"]);
        assert_eq!(status.blockers_truncated, None);
    }

    #[test]
    fn blockers_of_other_workloads_are_not_its_own() {
        let found = [Obstacle {
            workloads: Some(vec!["serve".to_owned()]),
            ..obstacle(Reason::TooFewZones, Weight::Blocks)
        }];
        assert_eq!(status("train", &found, None, None).blockers, []);
        assert_eq!(status("serve", &found, None, None).blockers.len(), 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let found: Vec<Obstacle> = Reason::ALL
            .iter()
            .take(MAX_BLOCKERS + 3)
            .map(|reason| obstacle(*reason, Weight::Blocks))
            .collect();
        let status = status("train", &found, None, None);
        assert_eq!(status.blockers.len(), MAX_BLOCKERS);
        assert_eq!(status.blockers_truncated, Some(3));
    }

    #[test]
    fn every_symptom_fits() {
        for symptom in Symptom::ALL {
            assert!(symptom.text().len() <= MAX_BLOCKER_SHOWS, "{symptom:?}");
        }
    }
}
