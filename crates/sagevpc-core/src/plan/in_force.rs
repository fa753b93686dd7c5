//! Which profiles are in force, written down before anything is made for them,
//! and what of ours nobody remembers.
//!
//! | What happens | What the next pass does |
//! |---|---|
//! | a profile takes part | notes it, with what it relies on, before anything is made for it |
//! | it is refused, or its subnets are gone | what it relies on stays |
//! | it is seen to be deleted | forgets it: what nobody else needs goes |
//! | it is absent | what it relies on stays for `spec.absentProfileGracePeriod`, then it is forgotten |
//! | status is lost, or an old one | what AWS shows and nobody remembers has all stay for that period |

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    draft::Draft,
    endpoints::{self, ByWayOut, elastic},
    internet,
    owned::tagged,
    removals::holders::{self, Holders},
    result::ProfilesInForce,
    unknown::unknown,
};
use crate::{
    api::{ManagementPolicy, ProfileInForce, bounds::MAX_PROFILES_IN_FORCE},
    plan::{
        kept::HeldThing,
        resolved::{ResolvedProfile, Standing, WorkloadGroups},
    },
    types::{Holdings, ProfileKey, SecurityGroupId},
    validate::SecurityGroups,
};

/// What is to be noted from now on.
pub(super) fn next(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>], groups: &WorkloadGroups) -> ProfilesInForce {
    let network = draft.network;
    let before = draft.history.in_force.clone().unwrap_or_default();
    if network.vpc.deleting {
        return ProfilesInForce {
            profiles: before.profiles,
            truncated: before.profiles_truncated,
            since: before.since,
            unknown: before.unknown,
        };
    }
    let has_effect = network.vpc.management_policy == ManagementPolicy::Enforce && !network.vpc.paused;
    let mut noted: Vec<(ProfileKey, Holdings, Option<Timestamp>)> = Vec::new();
    // What runs may have been started with an earlier spec, and is remembered
    // by it until it ends and nothing waits for it any more: what it needs may be
    // there for others' sake at present, who go before it.
    let is_waited_for = draft.actions().any(|planned| planned.cuts_off.is_some());
    let calls = Calls::of(draft, profiles);
    let running = Running::of(draft);
    for resolved in profiles {
        let key = resolved.key().clone();
        match resolved.standing {
            Standing::TakesPart if has_effect => {
                let mut now = holdings(resolved, &calls, &draft.by_way_out);
                now = now.with(running.relied_on(draft, resolved, groups, is_waited_for));
                noted.push((key, now, None));
            }
            Standing::TakesPart | Standing::Kept | Standing::Out if resolved.profile().established => {
                noted.push((key, resolved.profile().holdings, None));
            }
            Standing::TakesPart | Standing::Kept | Standing::Out => {}
        }
    }
    let frozen = network.frozen.iter();
    noted.extend(frozen.map(|frozen| (frozen.key.clone(), frozen.holdings, None)));
    let now = draft.history.now;
    let mut unknown = unknown(draft);
    for absent in &network.absent {
        let since = absent.since.unwrap_or(now);
        let end = SignedDuration::try_from(network.vpc.absent_grace).map_or(Timestamp::MAX, |grace| {
            since.checked_add(grace).unwrap_or(Timestamp::MAX)
        });
        if end > now || draft.keeping.is_everything() {
            noted.push((absent.key.clone(), absent.holdings, Some(since)));
        } else {
            // It was waited for. What is its own is no news when it is forgotten.
            let its_own = tagged(draft).filter(|(_, key)| key.profile() == Some(&absent.key));
            its_own.for_each(|(id, _)| unknown.seen.insert(&id));
        }
    }
    running.hand_over(draft, &mut noted);
    // Where there is no room for all, those that are noted stay noted.
    let earlier: BTreeSet<ProfileKey> = before.profiles.iter().map(ProfileInForce::key).collect();
    noted.sort_by_key(|(key, ..)| !earlier.contains(key));
    let surplus = noted.len().saturating_sub(MAX_PROFILES_IN_FORCE);
    noted.truncate(MAX_PROFILES_IN_FORCE);
    noted.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    ProfilesInForce {
        profiles: noted
            .into_iter()
            .map(|(key, holdings, absent_since)| ProfileInForce {
                namespace: key.namespace,
                name: key.name,
                holds: (holdings != Holdings::NOTHING).then(|| holdings.to_string()),
                absent_since,
            })
            .collect(),
        truncated: u32::try_from(surplus).ok().filter(|surplus| *surplus > 0),
        since: Some(unknown.since),
        unknown: (unknown.seen != Holdings::NOTHING).then(|| unknown.seen.to_string()),
    }
}

/// What runs, and whose it may be.
struct Running<'a> {
    /// The groups that it has.
    groups: BTreeSet<&'a SecurityGroupId>,
    holders: Holders,
}

impl<'a> Running<'a> {
    fn of(draft: &Draft<'a>) -> Self {
        let interfaces = draft.snapshot.running_interfaces();
        Self {
            groups: interfaces
                .flat_map(|interface| interface.groups.iter().map(|group| &group.group_id))
                .collect(),
            holders: Holders::noted(draft),
        }
    }

    /// What a profile is to be remembered to rely on besides what it declares:
    /// what runs with its groups may have been started with an earlier spec, or
    /// by nobody knows whom.
    fn relied_on(
        &self,
        draft: &Draft<'_>,
        resolved: &ResolvedProfile<'_>,
        known: &WorkloadGroups,
        is_waited_for: bool,
    ) -> Holdings {
        let profile = resolved.profile();
        let mut running = known
            .of_profile(resolved.key())
            .filter(|group| self.groups.contains(group));
        if running.any(|group| self.holders.of(draft, group).next().is_none()) {
            return Holdings::EVERYTHING;
        }
        let before = Some(profile.holdings)
            .filter(|_| profile.established)
            .unwrap_or_default();
        let is_its_own = |group: &&SecurityGroupId| holders::uses(draft, resolved.key(), before, group);
        if is_waited_for || self.groups.iter().any(is_its_own) {
            before
        } else {
            Holdings::NOTHING
        }
    }

    /// Hands what was relied on with a group by those that are gone to whoever
    /// is remembered for the same group: nobody can tell whose what runs is.
    fn hand_over(&self, draft: &Draft<'_>, noted: &mut [(ProfileKey, Holdings, Option<Timestamp>)]) {
        let there: BTreeSet<ProfileKey> = noted.iter().map(|(key, ..)| key.clone()).collect();
        for group in &self.groups {
            let of_group = self.holders.of(draft, group);
            let gone = of_group.filter(|(key, _)| !there.contains(key));
            let left = gone.fold(Holdings::NOTHING, |left, (_, holdings)| left.with(*holdings));
            for (key, holdings, _) in noted.iter_mut() {
                if holders::uses(draft, key, *holdings, group) {
                    *holdings = holdings.with(left);
                }
            }
        }
    }
}

/// The services that profiles call, by their full names.
struct Calls(BTreeMap<ProfileKey, BTreeSet<String>>, BTreeSet<ProfileKey>);

impl Calls {
    fn of(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Self {
        let mut calls: BTreeMap<ProfileKey, BTreeSet<String>> = BTreeMap::new();
        for (profile, service) in endpoints::callers(draft, profiles) {
            calls.entry(profile).or_default().insert(service);
        }
        let elastic = elastic::callers(profiles);
        Self(calls, elastic)
    }
}

/// What the profile relies on.
fn holdings(resolved: &ResolvedProfile<'_>, calls: &Calls, by_way_out: &ByWayOut) -> Holdings {
    let profile = resolved.profile();
    let mut holdings = Holdings::NOTHING;
    let mut hold = |thing: HeldThing<'_>| holdings.insert(&thing.to_string());
    resolved
        .subnets
        .iter()
        .for_each(|subnet| hold(HeldThing::Subnet(&subnet.subnet_id)));
    let called = calls.0.get(resolved.key()).into_iter().flatten();
    for service in called {
        hold(HeldThing::Endpoints);
        hold(HeldThing::Service(service));
    }
    if calls.1.contains(resolved.key()) {
        hold(HeldThing::ElasticInference);
    }
    if internet::goes_out(resolved) || by_way_out.is_taken_by_any(resolved) {
        hold(HeldThing::WayOut);
    }
    profile
        .bucket_uses()
        .for_each(|bucket| hold(HeldThing::Bucket(&bucket)));
    let closed = profile.required_endpoints.keys();
    closed.for_each(|bucket| hold(HeldThing::BucketPolicy(bucket)));
    if resolved.has_room {
        hold(HeldThing::Room(&profile.size()));
    }
    if profile.package_repositories.is_some() {
        hold(HeldThing::PackageRepositories);
    }
    if let SecurityGroups::Own(groups) = &profile.security_groups {
        groups.iter().for_each(|group| hold(HeldThing::Group(group)));
    }
    for (place, workload) in profile.workloads.iter().enumerate() {
        if let Some(role) = &workload.role_arn {
            hold(HeldThing::Role(role));
        }
        if let [only] = resolved.subnets_to_name(place).as_slice() {
            hold(HeldThing::Named(&workload.name, only));
        }
    }
    holdings
}
