//! What stays as it is for profiles that have no say at present: those that are
//! frozen, those that are absent and may come back, and those whose subnets
//! cannot be found. Each keeps what it relied on itself, and no more.
//!
//! Where AWS shows things of ours that nobody remembers, profiles may be still
//! to come that rely on anything: for a while all stays.

use jiff::{SignedDuration, Timestamp};

use super::{
    draft::Draft,
    kept::{HeldThing, Keeping},
    unknown::unknown,
};
use crate::{
    api::{Reason, bounds::MAX_PROFILES_IN_FORCE},
    plan::resolved::{ResolvedProfile, Standing},
    report::{Concern, Finding, Scope, Weight},
    types::{Holdings, ProfileKey, listed},
    validate::Granted,
};

/// Whether the thing stays for a profile that may still name it: what the
/// platform team takes back goes. Of a profile that is not there nobody knows
/// the namespace's labels, so it may name whatever another may.
pub(super) fn is_still_granted(draft: &Draft<'_>, thing: HeldThing<'_>, is_granted: impl Fn(&Granted) -> bool) -> bool {
    let Draft { network, keeping, .. } = draft;
    if !keeping.is_any() || !is_granted(&network.vpc.granted) {
        return false;
    }
    let name = thing.to_string();
    let mut keepers = keeping.holders.iter().filter(|(_, holdings)| holdings.may_hold(&name));
    keeping.everything
        || keepers.any(|(key, _)| {
            let frozen = network.frozen.iter().find(|frozen| frozen.key == *key);
            frozen.is_none_or(|frozen| is_granted(&frozen.granted))
        })
}

/// Decides what stays, and says what stays for a while only.
pub(super) fn decide(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> Keeping {
    if draft.network.vpc.deleting {
        return Keeping::default();
    }
    let now = draft.history.now;
    let grace = SignedDuration::try_from(draft.network.vpc.absent_grace).unwrap_or(SignedDuration::MAX);
    let end = |since: Timestamp| since.checked_add(grace).unwrap_or(Timestamp::MAX);
    let network = draft.network;
    let mut holders: Vec<(ProfileKey, Holdings)> = network
        .frozen
        .iter()
        .map(|frozen| (frozen.key.clone(), frozen.holdings))
        .collect();
    let kept = profiles.iter().filter(|resolved| resolved.standing == Standing::Kept);
    holders.extend(kept.map(|resolved| (resolved.key().clone(), resolved.profile().holdings)));
    let awaited: Vec<_> = network
        .absent
        .iter()
        .map(|absent| (absent, end(absent.since.unwrap_or(now))))
        .filter(|(_, end)| *end > now)
        .collect();
    holders.extend(awaited.iter().map(|(absent, _)| (absent.key.clone(), absent.holdings)));
    let first = awaited.iter().map(|(_, end)| *end).min();
    let unknown = unknown(draft);
    let unknown_until = unknown.is_any().then(|| end(unknown.since)).filter(|end| *end > now);
    let keeping = Keeping {
        everything: unknown_until.is_some() || network.overflows,
        holders,
        ends: first.into_iter().chain(unknown_until).min(),
    };

    let name = &network.vpc.ownership.vpc;
    let mut tell = |reason, message| {
        let finding = Finding::new(Concern::Profiles, Scope::SageMakerVpc, reason, message);
        draft.push(finding.weighing(Weight::Aside));
    };
    if let Some(until) = first {
        let keys = awaited.iter().map(|(absent, _)| &absent.key);
        let message = format!(
            "In force and not there, though not seen to be deleted: {}. What they rely on stays as it is until {until} at \
             least: apply them again by then, or it goes. To wait longer or less, set spec.absentProfileGracePeriod of \
             SageMakerVpc {name}.",
            listed(keys),
        );
        tell(Reason::ProfilesAbsent, message);
    }
    if let Some(until) = unknown_until {
        let message = format!(
            "AWS shows {} of this SageMakerVpc that its status knows nothing of, as after a cluster was rebuilt or restored \
             from a backup: profiles may be still to come that rely on anything made here. Nothing of it goes until {until}: \
             apply the profiles by then. To wait longer or less, set spec.absentProfileGracePeriod.",
            listed(&unknown.shown),
        );
        tell(Reason::ResourcesUnknown, message);
    }
    if network.overflows {
        let message = format!(
            "More than {MAX_PROFILES_IN_FORCE} profiles are in force, and status can note no more: what nobody needs any \
             more stays until there are fewer. Delete profiles that are not used, or spread them over several VPCs."
        );
        tell(Reason::TooManyProfiles, message);
    }
    keeping
}
