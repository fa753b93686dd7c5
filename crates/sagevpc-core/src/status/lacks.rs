//! What profiles lack of their VPC and only its owners can mend: a table or
//! subnet to offer, a grant, an approval, addresses. What a team can mend by
//! itself, and what the owners of a bucket or a role must mend, is not in here,
//! nor what passes by itself: the platform's alerts are not a team's to set off
//! by a typing error.

use super::{
    Assessment,
    in_the_way::InTheWay,
    obstacles::Obstacle,
    remedy::{task, who},
};
use crate::{
    api::{Reason, SageMakerVpcProfileSpec, Who, is_deleting},
    report::Concern,
    types::{ProfileKey, in_sentences, listed},
};

/// Lacks that a message tells in full; the others are counted.
const MAX_TOLD: usize = 3;

/// Characters of each.
const MAX_LACK: usize = 416;

/// Characters of all that they lack, where that is less than each of them may take:
/// what one lacks is told with the commands that mend it.
const MAX_LACKS: usize = 960;

/// What the profiles lack, each with the first of it.
pub(super) struct Lacks {
    profiles: usize,
    all: Vec<(ProfileKey, Obstacle)>,
    own: Vec<(ProfileKey, Obstacle)>,
}

/// Looks through the profiles that are not on their way out. `of_vpc` is what
/// stands in the way of the VPC as such.
pub(super) fn lacks(assessment: &Assessment<'_>, found: &InTheWay<'_>, of_vpc: &[Obstacle]) -> Lacks {
    let mut lacks = Lacks {
        profiles: 0,
        all: Vec::new(),
        own: Vec::new(),
    };
    for reference in &assessment.references.profiles {
        if is_deleting(&reference.profile) {
            continue;
        }
        lacks.profiles += 1;
        let key = reference.key();
        let spec = reference.spec(&assessment.references.vpc);
        let is_lack = |obstacle: &&Obstacle| obstacle.weight.bears_on_ready() && is_the_vpcs(obstacle, &spec);
        let mut mine: Vec<&Obstacle> = found.of_profile(&key).filter(is_lack).collect();
        if let Some(worst) = worst(&mine) {
            let condition = worst.concern.condition();
            let told = if of_vpc.contains(&worst) {
                Obstacle {
                    message: format!("see {condition}."),
                    fix: None,
                    ..worst
                }
            } else {
                worst
            };
            lacks.all.push((key.clone(), told));
        }
        mine.retain(|obstacle| !of_vpc.contains(obstacle) && !asks_for_more(obstacle.reason));
        if let Some(worst) = worst(&mine) {
            lacks.own.push((key, worst));
        }
    }
    lacks
}

impl Lacks {
    /// All that profiles lack.
    pub(super) fn all(&self) -> Option<Obstacle> {
        told(&self.all, self.profiles)
    }

    /// What they lack that nothing else on the SageMakerVpc speaks of, though it
    /// is theirs by what the SageMakerVpc grants.
    pub(super) fn own(&self) -> Option<Obstacle> {
        told(&self.own, self.profiles)
    }
}

fn worst(obstacles: &[&Obstacle]) -> Option<Obstacle> {
    let worst = obstacles.iter().min_by_key(|obstacle| obstacle.weight);
    worst.map(|obstacle| (*obstacle).clone())
}

fn told(lacks: &[(ProfileKey, Obstacle)], profiles: usize) -> Option<Obstacle> {
    let worst = lacks
        .iter()
        .map(|(_, obstacle)| obstacle)
        .min_by_key(|obstacle| obstacle.weight)?;
    // Many lack the same.
    let mut texts: Vec<(&Obstacle, Vec<&ProfileKey>)> = Vec::new();
    for (key, obstacle) in lacks {
        match texts
            .iter_mut()
            .find(|(other, _)| (&other.message, &other.fix) == (&obstacle.message, &obstacle.fix))
        {
            Some((_, keys)) => keys.push(key),
            None => texts.push((obstacle, vec![key])),
        }
    }
    texts.sort_by_key(|(obstacle, _)| obstacle.weight);
    let untold: usize = texts.iter().skip(MAX_TOLD).map(|(_, keys)| keys.len()).sum();
    let shown = &texts[..texts.len().min(MAX_TOLD)];
    let room = (MAX_LACKS / shown.len().max(1)).max(MAX_LACK);
    let mut parts: Vec<String> = shown
        .iter()
        .map(|(obstacle, keys)| format!("{}: {}", listed(keys), told_in_short(obstacle, room)))
        .collect();
    if untold > 0 {
        parts.push(format!("And {untold} more."));
    }
    let count = lacks.len();
    let (verb, noun) = match (count, profiles) {
        (1, 1) => ("lacks", "profile"),
        (1, _) => ("lacks", "profiles"),
        (_, _) => ("lack", "profiles"),
    };
    let message = format!(
        "{count} of {profiles} {noun} {verb} something that the owners of this SageMakerVpc must mend. {}",
        parts.join(" ")
    );
    Some(Obstacle {
        weight: worst.weight,
        ..Obstacle::new(Concern::Served, worst.reason, message)
    })
}

/// What it lacks, or, where that has no room, what is to be done.
fn told_in_short(obstacle: &Obstacle, room: usize) -> String {
    let text = in_sentences(&obstacle.told(), room);
    if text.ends_with('…') {
        format!("{} ({}).", task(obstacle.reason), obstacle.named())
    } else {
        text
    }
}

/// Whether a team asks for what it was never given. Its owners see it, and their
/// VPC is as they want it: nobody makes it unready by asking.
fn asks_for_more(reason: Reason) -> bool {
    matches!(reason, Reason::NotGranted | Reason::SubnetNotOffered)
}

/// Whether it is for the VPC's owners to mend what stands in a profile's way,
/// and told of them nowhere else.
fn is_the_vpcs(obstacle: &Obstacle, spec: &SageMakerVpcProfileSpec) -> bool {
    who(obstacle, Some(spec)) == Who::Platform && !is_told_elsewhere(obstacle.reason)
}

fn is_told_elsewhere(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotAllowed
            | Reason::DeletionBlocked
            | Reason::InternalError
            | Reason::Drifted
            | Reason::DuplicateVpc
            | Reason::VpcNotAccepted
            | Reason::OutsideProfiles
            | Reason::DiscoveryOff
            | Reason::ProfilesAbsent
            | Reason::ResourcesUnknown
            | Reason::TooManyProfiles
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Weight;

    fn lack(name: usize, message: &str) -> (ProfileKey, Obstacle) {
        let key = ProfileKey::new("ml", format!("p{name}"));
        (
            key,
            Obstacle::new(Concern::S3, Reason::RouteTableNotOffered, message.to_owned()),
        )
    }

    #[test]
    fn who_lacks_the_same_is_told_together_and_the_rest_is_counted() {
        let mut lacks: Vec<_> = (0..3).map(|name| lack(name, "Offer rtb-1.")).collect();
        lacks.extend((3..8).map(|name| lack(name, &format!("Offer rtb-{name}."))));
        let told = told(&lacks, 9).unwrap();
        assert_eq!(
            told.message,
            "8 of 9 profiles lack something that the owners of this SageMakerVpc must mend. ml/p0, ml/p1 and ml/p2: \
             Offer rtb-1. ml/p3: Offer rtb-3. ml/p4: Offer rtb-4. And 3 more."
        );
        assert_eq!(told.reason, Reason::RouteTableNotOffered);
    }

    #[test]
    fn the_text_is_bounded_whatever_profiles_lack() {
        let long = "x".repeat(5_000);
        let lacks: Vec<_> = (0..1_000).map(|name| lack(name, &format!("{name}{long}"))).collect();
        let told = told(&lacks, 1_000).unwrap();
        assert!(told.message.len() <= crate::api::bounds::MAX_CONDITION_MESSAGE);
        assert!(told.message.ends_with("And 997 more."));
    }

    #[test]
    fn what_can_be_seen_and_blocks_is_told_before_what_cannot() {
        let unknown = Obstacle {
            weight: Weight::Unknown,
            ..Obstacle::new(Concern::Internet, Reason::BeyondTheVpc, "A peer.".to_owned())
        };
        let lacks = [(ProfileKey::new("ml", "a"), unknown), lack(1, "Offer rtb-1.")];
        let told = told(&lacks, 2).unwrap();
        assert_eq!(
            (told.weight, told.reason),
            (Weight::Blocks, Reason::RouteTableNotOffered)
        );
    }
}
