//! Which objects must stay until AWS is tidied up after them.
//!
//! Ours goes on before anything is made for an object, and off when a look at
//! AWS finds nothing left of it. What is only observed never gets one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    context::Context,
    memory::Memory,
    observe::Look,
    writes::{SideBySide, concerns_one_object, refusal, unless_gone},
};
use crate::{
    cluster::{PatchError, has_finalizer},
    telemetry::chain,
};
use sagevpc_core::{
    api::{LedgerStatus, ManagementPolicy, SageMakerVpc, SageMakerVpcProfile, is_deleting},
    plan::{Plan, accounts},
    types::{ProfileKey, ResourceKey},
    validate::{ProfileReference, References, awaited},
};

/// Whether AWS may be changed for this VPC.
pub(super) fn may_change(vpc: &SageMakerVpc) -> bool {
    vpc.spec.management_policy == ManagementPolicy::Enforce && !vpc.spec.paused
}

/// Whether something was made for the VPC, and the note of where was lost.
pub(super) fn is_claimed_unpinned(vpc: &SageMakerVpc) -> bool {
    has_finalizer(vpc) && accounts::pinned(vpc.status.as_ref()).is_empty()
}

/// What came of putting our finalizer on.
pub(super) struct Claimed {
    /// The VPC object, as it is then.
    pub(super) vpc: SageMakerVpc,
    /// Profiles that take no change, each with why.
    pub(super) left_out: BTreeMap<ProfileKey, String>,
}

/// Puts our finalizer on all that is about to have effect in AWS, or has. A
/// profile that takes no change is left out, so that it holds up nobody else.
///
/// # Errors
///
/// When nothing can be written. Then nothing may be changed in AWS.
pub(super) async fn claim(
    context: &Context,
    references: &References,
    plan: Option<&Plan>,
) -> Result<Claimed, PatchError> {
    let vpc = &references.vpc;
    let mut claimed = Claimed {
        vpc: vpc.clone(),
        left_out: BTreeMap::new(),
    };
    let Some(plan) = plan.filter(|_| may_change(vpc) && !is_deleting(vpc)) else {
        return Ok(claimed);
    };
    let mut claims = SideBySide::new();
    for reference in &references.profiles {
        if plan.contributing.contains(&reference.key()) {
            claims.push(async {
                let written = context.patches.claim_profile(&reference.profile).await;
                (reference.key(), written.map(|_| ()))
            });
        }
    }
    for (key, written) in claims.all().await {
        match written {
            Ok(()) => {}
            Err(error) if concerns_one_object(&error) => {
                tracing::warn!(profile = %key, error = chain(&error), "the pass goes on without a profile that takes no change");
                claimed.left_out.insert(key, refusal(&error));
            }
            Err(error) => return Err(error),
        }
    }
    if plan.has_runnable() || !plan.owned.is_empty() {
        claimed.vpc = context.patches.claim_vpc(vpc).await?;
    }
    Ok(claimed)
}

/// What may go now.
#[derive(Debug, Default)]
pub(super) struct Releases<'a> {
    /// Whether the VPC object may.
    pub(super) vpc: bool,
    /// Profiles that may.
    pub(super) profiles: Vec<&'a SageMakerVpcProfile>,
}

/// What is known to be left in AWS of what is ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Remains<'a> {
    /// Nothing that we may take away.
    Nothing,
    /// What the plan says.
    Planned(&'a Plan),
    /// Nobody could look.
    Unseen,
}

impl<'a> Remains<'a> {
    /// What a look tells of it.
    pub(super) fn of(vpc: &SageMakerVpc, look: &Look, plan: Option<&'a Plan>) -> Self {
        if vpc.spec.management_policy == ManagementPolicy::Observe {
            return Self::Nothing;
        }
        match (look, plan) {
            // Whether it was this account in which things were made is not known
            // any more.
            (Look::VpcMissing, _) if is_claimed_unpinned(vpc) => Self::Unseen,
            // AWS deletes no VPC that still holds a group or an endpoint, and the
            // rest is looked for once the object is to go.
            (Look::VpcMissing, _) => Self::Nothing,
            (Look::Seen(_), Some(plan)) => Self::Planned(plan),
            (Look::Seen(_) | Look::NotLooked | Look::Failed(_), _) => Self::Unseen,
        }
    }
}

/// Decides what may go: objects that are being deleted and have nothing left
/// in AWS, not even something that was made just now and is not shown yet.
pub(super) fn releases<'a>(
    references: &'a References,
    remains: Remains<'_>,
    ledger: &LedgerStatus,
    memory: &Memory,
    now: Timestamp,
) -> Releases<'a> {
    let may_appear = |whose: &dyn Fn(&ResourceKey) -> bool| {
        let theirs = ledger
            .entries
            .iter()
            .filter(|entry| entry.key.parse().is_ok_and(|key| whose(&key)));
        theirs.into_iter().any(|entry| memory.sightings.may_appear(entry, now))
    };
    let nothing_of_vpc = || match remains {
        Remains::Nothing => true,
        Remains::Planned(plan) => plan.owned.is_empty() && !may_appear(&|_| true),
        Remains::Unseen => false,
    };
    let is_awaited = || !awaited(references).is_empty();
    let nothing_of = |profile: &ProfileKey| match remains {
        Remains::Nothing => true,
        Remains::Planned(plan) => {
            !plan.leftover.contains(profile) && !may_appear(&|resource| resource.profile() == Some(profile))
        }
        Remains::Unseen => false,
    };
    let going = |reference: &&ProfileReference| is_deleting(&reference.profile) && nothing_of(&reference.key());
    Releases {
        vpc: is_deleting(&references.vpc) && nothing_of_vpc() && !is_awaited(),
        profiles: references
            .profiles
            .iter()
            .filter(going)
            .map(|reference| &reference.profile)
            .collect(),
    }
}

/// Lets the VPC object go.
///
/// # Errors
///
/// When it could not be let go.
pub(super) async fn release_vpc(context: &Context, vpc: &SageMakerVpc) -> Result<(), PatchError> {
    unless_gone(context.patches.release_vpc(vpc).await)
}

/// Lets profiles go. One that takes no change now is tried again with the next
/// pass.
///
/// # Errors
///
/// When nothing can be written.
pub(super) async fn release_profiles(context: &Context, releases: &Releases<'_>) -> Result<(), PatchError> {
    let mut going = SideBySide::new();
    for profile in &releases.profiles {
        going.push(async { unless_gone(context.patches.release_profile(profile).await) });
    }
    for released in going.all().await {
        match released {
            Ok(()) => {}
            Err(error) if concerns_one_object(&error) => {
                tracing::debug!(error = chain(&error), "a profile could not be let go yet");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
