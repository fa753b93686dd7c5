//! What our statement lacks, and what it has too much.

use std::collections::BTreeSet;

use super::{deleted_endpoint, seen::Seen, wishes::Wish};
use crate::{
    desired::{BucketPolicy, BucketPolicyChange},
    plan::{Target, draft::Draft},
    types::{Admission, Exemption, VpcEndpointId},
};

/// Stands for an endpoint that has no id yet, and is as long as any.
const NO_ID_YET: &str = "vpce-00000000000000000";

/// How our statement differs from what is wished.
pub(super) struct Difference {
    /// Endpoints to admit.
    pub(super) missing: BTreeSet<Target<VpcEndpointId>>,
    /// Endpoints that are admitted until they are deleted, which the plan does.
    pub(super) leaving: BTreeSet<VpcEndpointId>,
    /// Exemptions to make.
    pub(super) add_exemptions: BTreeSet<Exemption>,
    /// Exemptions that open the bucket to someone whom the statement, as it was
    /// put there, keeps out: they wait for a person, and nothing waits for them.
    pub(super) opening: BTreeSet<Exemption>,
    /// What is there on our account and nobody wants any more.
    pub(super) remove: Admission,
}

impl Difference {
    /// `keeps` says whether what profiles without a say brought about stays.
    pub(super) fn between(draft: &Draft<'_>, wish: &Wish<'_>, policy: &BucketPolicy, keeps: bool) -> Self {
        let seen = Seen::of(draft);
        let present = policy.admission();
        let wanted = wish.existing_endpoints();
        let ours = seen.on_our_account(wish.bucket, policy);
        let is_deleted = |id: &VpcEndpointId| {
            let mut actions = draft.actions();
            actions.any(|planned| deleted_endpoint(&planned.action) == Some(id))
        };
        let (leaving, stale): (BTreeSet<_>, BTreeSet<_>) =
            ours.vpc_endpoints.difference(&wanted).cloned().partition(is_deleted);
        let held = draft.history.buckets.get(wish.bucket);
        let is_noted =
            |exemption: &Exemption| held.is_some_and(|held| held.exemptions.contains(&exemption.fingerprint()));
        let to_add = wish.exemptions.difference(&present.exemptions).cloned();
        let (opening, add_exemptions) = to_add.partition(|exemption| policy.has_statement() && !is_noted(exemption));
        Self {
            opening,
            missing: wish
                .endpoints
                .iter()
                .filter(|target| match target {
                    Target::Existing(id) => !present.vpc_endpoints.contains(id),
                    Target::Made(_) => true,
                })
                .cloned()
                .collect(),
            leaving,
            add_exemptions,
            remove: Admission {
                vpc_endpoints: stale
                    .into_iter()
                    .filter(|id| !keeps || seen.endpoint(id).is_none())
                    .collect(),
                exemptions: ours
                    .exemptions
                    .difference(&wish.exemptions)
                    .filter(|_| !keeps)
                    .cloned()
                    .collect(),
            },
        }
    }

    /// Whether there is nothing to change before an endpoint is deleted.
    pub(super) fn is_none(&self, policy: &BucketPolicy) -> bool {
        let Self {
            missing,
            leaving: _,
            add_exemptions,
            // They have an action of their own.
            opening: _,
            remove,
        } = self;
        missing.is_empty() && add_exemptions.is_empty() && *remove == Admission::default() && policy.is_intact()
    }

    /// The change, as far as it can be told before endpoints have their ids.
    pub(super) fn foreseen(&self) -> BucketPolicyChange {
        let id = |target: &Target<VpcEndpointId>| match target {
            Target::Existing(id) => id.clone(),
            Target::Made(_) => VpcEndpointId::new(NO_ID_YET),
        };
        BucketPolicyChange {
            add: Admission {
                vpc_endpoints: self.missing.iter().map(id).collect(),
                exemptions: self.add_exemptions.clone(),
            },
            remove: self.remove.clone(),
        }
    }
}
