//! What one pass found in the way and what it left undone, by whom that
//! concerns: worked out once for all objects.

use std::collections::BTreeMap;

use super::{
    Assessment, Observation,
    obstacles::{HeldBack, Obstacle, held_back, is_open_drift, of_action, progress},
};
use crate::{
    plan::{PlannedAction, Serves},
    report::{Finding, Scope, Weight},
    types::ProfileKey,
};

/// What a pass found, each in the order in which it is told.
pub(super) struct InTheWay<'a> {
    /// The spec's own faults first.
    obstacles: ByProfile<'a, Obstacle>,
    /// Places of the obstacles that concern the VPC as such.
    of_vpc: Vec<usize>,
    open_drift: ByProfile<'a, &'a PlannedAction>,
    held_back: ByProfile<'a, (&'a PlannedAction, HeldBack)>,
}

/// Whom something concerns.
struct Whom<'a> {
    /// Those who look after the VPC.
    owners: bool,
    everyone: bool,
    profiles: Vec<&'a ProfileKey>,
}

impl<'a> Whom<'a> {
    fn of_scope(scope: &'a Scope) -> Self {
        let (owners, profiles) = match scope {
            Scope::Vpc | Scope::SageMakerVpc => (true, Vec::new()),
            Scope::Profile(key) | Scope::Workloads(key, _) => (false, vec![key]),
        };
        Self {
            owners,
            everyone: *scope == Scope::Vpc,
            profiles,
        }
    }

    fn of_serves(serves: &'a Serves) -> Self {
        let (owners, profiles) = match serves {
            Serves::Vpc | Serves::SageMakerVpc => (true, Vec::new()),
            Serves::Profiles(keys) => (true, keys.iter().collect()),
            Serves::Profile(key) => (false, vec![key]),
        };
        Self {
            owners,
            everyone: *serves == Serves::Vpc,
            profiles,
        }
    }
}

/// What an action that is not done is to each whom it concerns: to those who
/// have another way it is a wish of the spec's and no more.
fn apart<'a>(planned: &'a PlannedAction, obstacle: Obstacle) -> impl Iterator<Item = (Whom<'a>, Obstacle)> {
    let mut blocked = Whom::of_serves(&planned.serves);
    blocked.profiles.retain(|key| !planned.spares.contains(*key));
    let spared = (!planned.spares.is_empty()).then(|| {
        let whom = Whom {
            owners: false,
            everyone: false,
            profiles: planned.spares.iter().collect(),
        };
        let obstacle = Obstacle {
            weight: Weight::Unmet,
            symptom: None,
            ..obstacle.clone()
        };
        (whom, obstacle)
    });
    std::iter::once((blocked, obstacle)).chain(spared)
}

/// Items in their order, and the places of those that concern each profile.
struct ByProfile<'a, T> {
    items: Vec<T>,
    of_everyone: Vec<usize>,
    of_profiles: BTreeMap<&'a ProfileKey, Vec<usize>>,
}

impl<'a, T> ByProfile<'a, T> {
    fn of(items: impl IntoIterator<Item = (Whom<'a>, T)>) -> Self {
        let mut all = Self {
            items: Vec::new(),
            of_everyone: Vec::new(),
            of_profiles: BTreeMap::new(),
        };
        for (place, (whom, item)) in items.into_iter().enumerate() {
            all.items.push(item);
            if whom.everyone {
                all.of_everyone.push(place);
            }
            for key in whom.profiles {
                all.of_profiles.entry(key).or_default().push(place);
            }
        }
        all
    }

    /// What concerns a profile, alone or with others.
    fn of_profile(&self, key: &ProfileKey) -> impl Iterator<Item = &T> {
        let own = self.of_profiles.get(key);
        let mut places: Vec<usize> = self
            .of_everyone
            .iter()
            .chain(own.into_iter().flatten())
            .copied()
            .collect();
        places.sort_unstable();
        places.into_iter().map(|place| &self.items[place])
    }
}

impl<'a> InTheWay<'a> {
    pub(super) fn of(assessment: &Assessment<'a>) -> Self {
        let mut found: Vec<(Whom<'a>, Obstacle)> = Vec::new();
        let mut open_drift = Vec::new();
        let mut all_held_back = Vec::new();
        let mut add = |findings: &'a [Finding]| {
            let told = |finding: &'a Finding| (Whom::of_scope(&finding.scope), Obstacle::of_finding(finding));
            found.extend(findings.iter().map(told));
        };
        match assessment.validated {
            Err(refused) => add(&refused.findings),
            Ok(validated) => {
                add(&validated.findings);
                if let Observation::Seen { plan, outcome } = assessment.observation {
                    add(&plan.findings);
                    for planned in &plan.actions {
                        let whom = || Whom::of_serves(&planned.serves);
                        let progress = progress(planned, outcome, &validated.vpc);
                        let obstacle = of_action(planned, &progress);
                        found.extend(obstacle.into_iter().flat_map(|obstacle| apart(planned, obstacle)));
                        if is_open_drift(planned, &progress) {
                            open_drift.push((whom(), planned));
                        }
                        let why = held_back(&progress, &validated.vpc);
                        all_held_back.extend(why.map(|why| (whom(), (planned, why))));
                    }
                }
            }
        }
        found.sort_by_key(|(_, obstacle)| (obstacle.concern, obstacle.weight));
        let of_vpc = found.iter().zip(0..).filter(|((whom, _), _)| whom.owners);
        Self {
            of_vpc: of_vpc.map(|(_, place)| place).collect(),
            obstacles: ByProfile::of(found),
            open_drift: ByProfile::of(open_drift),
            held_back: ByProfile::of(all_held_back),
        }
    }

    /// What concerns the VPC as such, or everyone in it.
    pub(super) fn of_vpc(&self) -> Vec<Obstacle> {
        let places = self.of_vpc.iter();
        places.map(|place| self.obstacles.items[*place].clone()).collect()
    }

    /// What concerns one profile, alone or with everyone.
    pub(super) fn of_profile(&self, key: &ProfileKey) -> impl Iterator<Item = &Obstacle> {
        self.obstacles.of_profile(key)
    }

    /// Drift that is not put back yet.
    pub(super) fn open_drift(&self) -> &[&'a PlannedAction] {
        &self.open_drift.items
    }

    /// As far as it concerns one profile.
    pub(super) fn open_drift_of(&self, key: &ProfileKey) -> impl Iterator<Item = &'a PlannedAction> {
        self.open_drift.of_profile(key).copied()
    }

    /// What differs from what is declared and stays so until someone approves
    /// it, or lets AWS be changed again.
    pub(super) fn held_back(&self) -> &[(&'a PlannedAction, HeldBack)] {
        &self.held_back.items
    }

    /// As far as it concerns one profile.
    pub(super) fn held_back_of(&self, key: &ProfileKey) -> impl Iterator<Item = (&'a PlannedAction, HeldBack)> {
        self.held_back.of_profile(key).copied()
    }
}
