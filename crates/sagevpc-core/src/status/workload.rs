//! The verdict on one workload.

use std::cmp::Reverse;

use super::{obstacles::Obstacle, told::Told, truncated};
use crate::{
    api::{
        Blocker, ManagedSecurityGroups, Reason, SageMakerVpcProfile, Verdict, VpcConfig, Who, WorkloadStatus,
        bounds::{
            MAX_BLOCKER_FIX, MAX_BLOCKER_MESSAGE, MAX_BLOCKER_RESOURCE, MAX_BLOCKER_SHOWS, MAX_BLOCKERS,
            MAX_WORKLOAD_MESSAGE,
        },
    },
    report::{Concern, Weight},
    types::{in_sentences, listed, shortened},
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
        let mut reasons: Vec<Reason> = Vec::new();
        for obstacle in &concerned {
            if !reasons.contains(&obstacle.reason) {
                reasons.push(obstacle.reason);
            }
        }
        format!("See status.blockers: {}.", listed(reasons))
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
        message: shortened(&message, MAX_WORKLOAD_MESSAGE),
        vpc_config,
    }
}

/// What keeps workloads of a profile from running, each cause once and the worst
/// first, and how many there are that have no room.
pub(super) fn blockers(obstacles: &[Obstacle], who: impl Fn(&Obstacle) -> Who) -> (Vec<Blocker>, Option<u32>) {
    let mut in_the_way: Vec<&Obstacle> = obstacles
        .iter()
        .filter(|obstacle| obstacle.weight.stands_in_the_way())
        .collect();
    in_the_way.sort_by_key(|obstacle| obstacle.weight);
    let mut blockers: Vec<Blocker> = Vec::new();
    let mut told = Told::default();
    for obstacle in in_the_way {
        let mut blocker = blocker(obstacle, who(obstacle));
        let message = told.once(&blocker.message);
        let fix = blocker.fix.as_ref().map(|fix| told.once(fix));
        blocker.fix = fix.filter(|fix| !fix.is_empty());
        if !message.is_empty() {
            blocker.message = message;
        } else if blocker.fix.is_none() {
            continue;
        }
        blockers.push(blocker);
    }
    let left_out = truncated(blockers.len(), MAX_BLOCKERS);
    blockers.truncate(MAX_BLOCKERS);
    (blockers, left_out)
}

fn blocker(obstacle: &Obstacle, who: Who) -> Blocker {
    Blocker {
        reason: obstacle.reason.as_str().to_owned(),
        who,
        resource: obstacle
            .resource
            .as_ref()
            .map(|resource| shortened(resource, MAX_BLOCKER_RESOURCE)),
        workloads: obstacle.workloads.clone().unwrap_or_default(),
        shows: obstacle.shown().map(|shown| in_sentences(&shown, MAX_BLOCKER_SHOWS)),
        message: in_sentences(&obstacle.message, MAX_BLOCKER_MESSAGE),
        fix: obstacle.fix.as_ref().map(|fix| in_sentences(fix, MAX_BLOCKER_FIX)),
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
    use crate::catalog::Symptom;

    fn obstacle(reason: Reason, weight: Weight) -> Obstacle {
        Obstacle {
            weight,
            ..Obstacle::new(Concern::S3, reason, format!("{reason}: mend it."))
        }
    }

    fn of(found: &[Obstacle]) -> (Vec<Blocker>, Option<u32>) {
        blockers(found, |_| Who::Platform)
    }

    #[test]
    fn the_worst_blocker_comes_first_and_advice_is_none() {
        let found = [
            obstacle(Reason::CustomResolver, Weight::Unknown),
            obstacle(Reason::DirectInternetAccess, Weight::Advice),
            obstacle(Reason::S3EndpointMissing, Weight::Blocks),
        ];
        let told = status("train", &found, None, None);
        assert_eq!(told.ready, Verdict::No);
        assert_eq!(
            told.message,
            "See status.blockers: S3EndpointMissing and CustomResolver."
        );
        let (blockers, left_out) = of(&found);
        let reasons: Vec<&str> = blockers.iter().map(|blocker| blocker.reason.as_str()).collect();
        assert_eq!(reasons, ["S3EndpointMissing", "CustomResolver"]);
        assert_eq!(left_out, None);
    }

    #[test]
    fn blockers_of_other_workloads_are_not_its_own() {
        let found = [Obstacle {
            workloads: Some(vec!["serve".to_owned()]),
            ..obstacle(Reason::TooFewZones, Weight::Blocks)
        }];
        assert_eq!(status("train", &found, None, None).ready, Verdict::Yes);
        assert_eq!(status("serve", &found, None, None).ready, Verdict::No);
        assert_eq!(of(&found).0[0].workloads, ["serve"]);
    }

    #[test]
    fn what_is_asked_for_already_is_not_asked_for_again() {
        let asking = |reason| Obstacle {
            fix: Some("Ask the platform team to offer the route table.".to_owned()),
            ..obstacle(reason, Weight::Blocks)
        };
        let found = [asking(Reason::NoWayOut), asking(Reason::RuleMissing)];
        let fixes: Vec<Option<String>> = of(&found).0.into_iter().map(|blocker| blocker.fix).collect();
        assert_eq!(
            fixes,
            [Some("Ask the platform team to offer the route table.".to_owned()), None]
        );
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let found: Vec<Obstacle> = Reason::ALL
            .iter()
            .take(MAX_BLOCKERS + 3)
            .map(|reason| obstacle(*reason, Weight::Blocks))
            .collect();
        let (blockers, left_out) = of(&found);
        assert_eq!(blockers.len(), MAX_BLOCKERS);
        assert_eq!(left_out, Some(3));
    }

    #[test]
    fn every_symptom_fits() {
        for symptom in Symptom::ALL {
            assert!(symptom.text().len() <= MAX_BLOCKER_SHOWS, "{symptom:?}");
        }
    }
}
