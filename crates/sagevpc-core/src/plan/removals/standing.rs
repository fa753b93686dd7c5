//! How far a way can be relied on, and whether it still can once something is
//! done.

use std::collections::BTreeSet;

use super::{closed::Closed, ways::User};
use crate::{
    catalog::package_repositories,
    observed::{VpcEndpoint, VpcSnapshot},
    plan::{
        draft::Draft,
        loosening::widened,
        reachability::{Reached, is_taken_to_work, reached},
    },
    reach::{Destination, Extent, Hop, Start},
    types::{Admission, Exemption, HELD_REPOSITORIES, Region, VpcEndpointId},
};
use iam_policy::{Share, evaluate_family_for_anyone, same_meaning};

/// How far a way can be relied on.
pub(super) struct WayStanding {
    reached: Reached,
    /// How much of the destination may be reached where not all of it is.
    part: Extent,
    /// How much of that is.
    sure: Extent,
    /// Whom a bucket that is closed to others lets in by any way: who runs may be
    /// one of them. `None` where it is not closed.
    exempt: Option<BTreeSet<Exemption>>,
    /// The gateway endpoint by which S3 is reached. Policies of buckets that
    /// nobody here sees may admit no other way.
    endpoint: Option<VpcEndpointId>,
}

impl WayStanding {
    /// Whether there is a way at all.
    pub(super) fn is_any(&self) -> bool {
        self.reached > Reached::No || !self.part.is_empty()
    }

    /// Whether it is as good as the one before.
    pub(super) fn is_kept(&self, before: &Self) -> bool {
        let lets_in_as_many = match (&self.exempt, &before.exempt) {
            (Some(now), Some(before)) => now.is_superset(before),
            (None, _) | (_, None) => true,
        };
        let is_by_the_same = before.endpoint.is_none() || self.endpoint == before.endpoint;
        let is_as_wide = || self.part.covers(&before.part) && self.sure.covers(&before.sure);
        let is_reached =
            self.reached == Reached::Yes || (self.reached >= before.reached && lets_in_as_many && is_as_wide());
        is_reached && is_by_the_same
    }
}

/// How far a way can be relied on.
pub(super) fn standing(draft: &Draft<'_>, closed: &Closed, start: &Start<'_, '_>, way: &Destination) -> WayStanding {
    let admission = match way {
        Destination::S3 { bucket: Some(bucket) } => closed.of(&bucket.name),
        Destination::S3 { bucket: None }
        | Destination::BucketElsewhere { .. }
        | Destination::PackageMirrors
        | Destination::Service(_)
        | Destination::Host { .. }
        | Destination::Cidr { .. }
        | Destination::Members { .. }
        | Destination::Efa
        | Destination::Resolver { .. }
        | Destination::Subnet { .. }
        | Destination::Inside { .. } => None,
    };
    let (reached, endpoint) = how_far(draft, admission, start, way);
    let exempt = admission.map(|admission| admission.exemptions.clone());
    if reached == Reached::Yes {
        return WayStanding {
            reached,
            part: Extent::default(),
            sure: Extent::default(),
            exempt,
            endpoint,
        };
    }
    let is_let_in = |hops: &[Hop]| admission.is_none_or(|admission| lets_in(admission, gateway_endpoint(hops)));
    let may_be_let_in = |hops: &[Hop]| is_let_in(hops) || exempt.as_ref().is_some_and(|exempt| !exempt.is_empty());
    WayStanding {
        reached,
        part: start.extent(way, |hops, _| may_be_let_in(hops)),
        sure: start.extent(way, |hops, unseen| is_let_in(hops) && is_taken_to_work(draft, unseen)),
        exempt,
        endpoint,
    }
}

/// Packets get there, and a bucket lets those in that come by the endpoint which
/// they come by: that one is given, too.
fn how_far(
    draft: &Draft<'_>,
    admission: Option<&Admission>,
    start: &Start<'_, '_>,
    way: &Destination,
) -> (Reached, Option<VpcEndpointId>) {
    if !matches!(way, Destination::S3 { .. }) {
        return (
            reached(draft, start.answer(way).map(|answer| answer.verdict).as_ref()),
            None,
        );
    }
    let verdict = start.to(way);
    let by_packets = reached(draft, Some(&verdict));
    let endpoint = gateway_endpoint(&verdict.path().0);
    let reached = match admission {
        None => by_packets,
        Some(admission) if lets_in(admission, endpoint) => by_packets,
        Some(admission) if admission.exemptions.is_empty() => Reached::No,
        // Who is exempt is not known here.
        Some(_) => by_packets.min(Reached::Unknown),
    };
    (reached, endpoint.cloned())
}

fn gateway_endpoint(hops: &[Hop]) -> Option<&VpcEndpointId> {
    let by_gateway = |hop: &&Hop| matches!(hop, Hop::GatewayEndpoint { .. });
    hops.iter().find(by_gateway).and_then(Hop::endpoint)
}

/// Whether a bucket's statement admits what comes this way.
fn lets_in(admission: &Admission, endpoint: Option<&VpcEndpointId>) -> bool {
    endpoint.is_some_and(|endpoint| admission.vpc_endpoints.contains(endpoint))
}

/// Endpoints whose policies let less through than they did.
pub(super) struct Narrowed<'s>(Vec<Narrower<'s>>);

struct Narrower<'s> {
    endpoint: &'s VpcEndpoint,
    /// Whether package repositories were in reach, and are no longer.
    closes_repositories: bool,
}

impl<'s> Narrowed<'s> {
    pub(super) fn between(before: &VpcSnapshot, after: &'s VpcSnapshot, region: &Region) -> Self {
        let narrower = |endpoint: &'s VpcEndpoint| {
            let was = before.vpc_endpoint(&endpoint.vpc_endpoint_id)?;
            if was.policy_document == endpoint.policy_document {
                return None;
            }
            let (was, is) = (was.policy().ok()?, endpoint.policy().ok()?);
            let closes = |objects: &String| {
                let lets_through = |policy| evaluate_family_for_anyone(policy, "s3:GetObject", objects).share();
                lets_through(&was) == Share::All && lets_through(&is) != Share::All
            };
            (!same_meaning(&widened(&was, &is), &is)).then(|| Narrower {
                endpoint,
                closes_repositories: package_repositories(region).iter().any(closes),
            })
        };
        Self(after.vpc_endpoints.iter().filter_map(narrower).collect())
    }

    /// Whether the user may call something by this way that is let through no
    /// longer. Of buckets that are known, the packets' way says so by itself.
    pub(super) fn cuts(&self, user: &User<'_>, way: &Destination, standing: &WayStanding) -> bool {
        let mut narrower = self.0.iter();
        match way {
            Destination::Service(name) => narrower.any(|narrower| narrower.endpoint.service_name == *name),
            Destination::S3 { bucket: None } => narrower.any(|narrower| {
                let reads_packages = || user.noted.is_some_and(|noted| noted.may_hold(HELD_REPOSITORIES));
                // What is reached in part only may be so by any.
                let is_by_it = |by: &VpcEndpointId| *by == narrower.endpoint.vpc_endpoint_id;
                !narrower.endpoint.is_interface()
                    && standing.endpoint.as_ref().is_none_or(is_by_it)
                    && (user.noted.is_none() || (narrower.closes_repositories && reads_packages()))
            }),
            Destination::S3 { bucket: Some(_) }
            | Destination::BucketElsewhere { .. }
            | Destination::PackageMirrors
            | Destination::Host { .. }
            | Destination::Cidr { .. }
            | Destination::Members { .. }
            | Destination::Efa
            | Destination::Resolver { .. }
            | Destination::Subnet { .. }
            | Destination::Inside { .. } => false,
        }
    }
}
