//! Which objects must stay until AWS is tidied up after them.
//!
//! Ours goes on before anything is made for an object, and off when a look at
//! AWS finds nothing left of it. What is only observed never gets one.

use jiff::Timestamp;

use super::{
    context::Context,
    memory::Memory,
    observe::Look,
    writes::{SideBySide, unless_gone},
};
use crate::{
    api::{LedgerStatus, ManagementPolicy, SageMakerVpc, SageMakerVpcProfile},
    cluster::{PatchError, is_deleting},
    plan::Plan,
    types::{ProfileKey, ResourceKey},
    validate::{ProfileReference, References},
};

/// Whether AWS may be changed for this VPC.
pub(super) fn may_change(vpc: &SageMakerVpc) -> bool {
    vpc.spec.management_policy == ManagementPolicy::Enforce && !vpc.spec.paused
}

/// Puts our finalizer on all that is about to have effect in AWS, or has, and
/// gives the VPC object as it is then.
///
/// # Errors
///
/// When one cannot be put on. Then nothing may be changed in AWS.
pub(super) async fn claim(
    context: &Context,
    references: &References,
    plan: Option<&Plan>,
) -> Result<SageMakerVpc, PatchError> {
    let vpc = &references.vpc;
    let Some(plan) = plan.filter(|_| may_change(vpc) && !is_deleting(vpc)) else {
        return Ok(vpc.clone());
    };
    let mut claims = SideBySide::new();
    for reference in references
        .profiles
        .iter()
        .filter(|reference| plan.contributing.contains(&reference.key()))
    {
        claims.push(async { context.patches.claim_profile(&reference.profile).await.map(|_| ()) });
    }
    claims.all().await?;
    if plan.has_runnable() || !plan.owned.is_empty() {
        context.patches.claim_vpc(vpc).await
    } else {
        Ok(vpc.clone())
    }
}

/// What may go now.
#[derive(Debug, Default)]
pub(super) struct Releases<'a> {
    /// Whether the VPC object may.
    pub(super) vpc: bool,
    /// Profiles that may.
    pub(super) profiles: Vec<&'a SageMakerVpcProfile>,
}

/// Decides what may go: objects that are being deleted and have nothing left
/// in AWS.
pub(super) fn releases<'a>(
    references: &'a References,
    look: &Look,
    plan: Option<&Plan>,
    ledger: &LedgerStatus,
    memory: &Memory,
    now: Timestamp,
) -> Releases<'a> {
    let left = Left {
        observed_only: references.vpc.spec.management_policy == ManagementPolicy::Observe,
        look,
        plan,
    };
    let may_appear = |whose: &dyn Fn(&ResourceKey) -> bool| {
        ledger
            .entries
            .iter()
            .filter(|entry| entry.key.parse().is_ok_and(|key| whose(&key)))
            .any(|entry| memory.may_appear(entry, now))
    };
    let leaving = |reference: &&ProfileReference| is_deleting(&reference.profile);
    Releases {
        vpc: is_deleting(&references.vpc) && left.nothing() && !may_appear(&|_| true),
        profiles: references
            .profiles
            .iter()
            .filter(leaving)
            .filter(|reference| {
                let key = reference.key();
                left.nothing_of(&key) && !may_appear(&|resource| resource.profile() == Some(&key))
            })
            .map(|reference| &reference.profile)
            .collect(),
    }
}

/// What is left in AWS.
struct Left<'a> {
    observed_only: bool,
    look: &'a Look,
    plan: Option<&'a Plan>,
}

impl Left<'_> {
    /// Whether nothing is left that is ours to take away.
    fn nothing(&self) -> bool {
        self.none_or(|plan| plan.owned.is_empty())
    }

    /// Whether nothing is left that is ours and this profile's.
    fn nothing_of(&self, profile: &ProfileKey) -> bool {
        self.none_or(|plan| !plan.leftover.contains(profile))
    }

    fn none_or(&self, seen: impl Fn(&Plan) -> bool) -> bool {
        if self.observed_only {
            return true;
        }
        match self.look {
            // AWS deletes no VPC that still holds a group or an endpoint.
            Look::VpcMissing => true,
            Look::Seen(_) => self.plan.is_some_and(seen),
            Look::NotLooked | Look::Failed(_) => false,
        }
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

/// Lets profiles go.
///
/// # Errors
///
/// When one could not be let go.
pub(super) async fn release_profiles(context: &Context, releases: &Releases<'_>) -> Result<(), PatchError> {
    let mut going = SideBySide::new();
    for profile in &releases.profiles {
        going.push(async { unless_gone(context.patches.release_profile(profile).await) });
    }
    going.all().await
}
