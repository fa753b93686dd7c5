//! What profiles lack of their VPC and only its owners can mend: a table or
//! subnet to offer, a grant, an approval, addresses. What a team can mend by
//! itself, and what the owners of a bucket or a role must mend, is not in here,
//! nor what passes by itself: the platform's alerts are not a team's to set off
//! by a typing error.

use super::{Assessment, in_the_way::InTheWay, obstacles::Obstacle};
use crate::{
    api::{Reason, SageMakerVpcProfileSpec, is_deleting},
    report::Concern,
    types::{ProfileKey, listed, shortened},
};

/// Lacks that a message tells in full; the others are counted.
const MAX_TOLD: usize = 3;

/// Characters of each.
const MAX_LACK: usize = 288;

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
        let is_lack =
            |obstacle: &&Obstacle| obstacle.weight.bears_on_ready() && !obstacle.passes && is_the_vpcs(obstacle, &spec);
        let mut mine: Vec<&Obstacle> = found.of_profile(&key).filter(is_lack).collect();
        if let Some(worst) = worst(&mine) {
            lacks.all.push((key.clone(), worst));
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
        match texts.iter_mut().find(|(other, _)| other.message == obstacle.message) {
            Some((_, keys)) => keys.push(key),
            None => texts.push((obstacle, vec![key])),
        }
    }
    texts.sort_by_key(|(obstacle, _)| obstacle.weight);
    let untold: usize = texts.iter().skip(MAX_TOLD).map(|(_, keys)| keys.len()).sum();
    let shown = texts.iter().take(MAX_TOLD);
    let mut parts: Vec<String> = shown
        .map(|(obstacle, keys)| format!("{}: {}", listed(keys), shortened(&obstacle.message, MAX_LACK)))
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

/// Whether a team asks for what it was never given. Its owners see it, and their
/// VPC is as they want it: nobody makes it unready by asking.
fn asks_for_more(reason: Reason) -> bool {
    matches!(reason, Reason::NotGranted | Reason::SubnetNotOffered)
}

/// Whether it is for the VPC's owners to mend what stands in a profile's way.
fn is_the_vpcs(obstacle: &Obstacle, spec: &SageMakerVpcProfileSpec) -> bool {
    let narrows = spec.subnets.is_some();
    let has_own_groups = spec.security_groups.as_ref().is_some_and(|groups| groups.ids.is_some());
    match obstacle.reason {
        // Theirs to allow, approve, permit or resume.
        Reason::NotGranted
        | Reason::AwaitingApproval
        | Reason::ObserveOnly
        | Reason::Paused
        | Reason::ActionFailed
        | Reason::AccessDenied
        | Reason::NoCredentials
        | Reason::WrongAccount
        | Reason::RepairBackoff
        | Reason::ClusterIdTaken
        | Reason::OwnershipUnclear
        | Reason::NameTaken
        | Reason::CannotAdopt
        | Reason::SharedVpc
        | Reason::ReachedByWayOut
        | Reason::TooExpensive => true,
        // The VPC's own ways and means.
        Reason::VpcNotFound
        | Reason::DedicatedTenancy
        | Reason::SubnetNotOffered
        | Reason::TooFewAddresses
        | Reason::DnsDisabled
        | Reason::DhcpOptionsIncomplete
        | Reason::CustomResolver
        | Reason::S3EndpointMissing
        | Reason::S3EndpointUnavailable
        | Reason::RouteTableNotOffered
        | Reason::InvalidPolicy
        | Reason::PolicyBlocks
        | Reason::PackageRepositoriesOpen
        | Reason::EndpointMissing
        | Reason::EndpointUnavailable
        | Reason::ServiceNotInZone
        | Reason::PrivateDnsConflict
        | Reason::PrivateDnsOff
        | Reason::NoWayOut
        | Reason::BlackholeRoute
        | Reason::PublicAccessBlocked
        | Reason::NatGatewayInPrivateSubnet
        | Reason::NatGatewayUnavailable
        | Reason::NatGatewayInOtherZone
        | Reason::InternetGatewayMissing
        | Reason::BeyondTheVpc
        | Reason::NetworkAclBlocks
        | Reason::TooManyAclEntries
        | Reason::FlowLogDiffers
        | Reason::FlowLogNotDelivered => true,
        // A team that chose among the subnets can choose otherwise.
        Reason::SubnetNotFound | Reason::PublicSubnet | Reason::TooFewZones => !narrows,
        // So can one that brought its own groups.
        Reason::RuleMissing | Reason::TooManyRules => !has_own_groups,
        Reason::Unreached | Reason::ReachUnknown => !(has_own_groups && obstacle.concern == Concern::SecurityGroups),
        // The team's own.
        Reason::NotAllowed
        | Reason::InvalidSpec
        | Reason::VpcRefNotFound
        | Reason::Conflict
        | Reason::SubnetInOtherVpc
        | Reason::TooManySubnets
        | Reason::DirectInternetAccess
        | Reason::SecurityGroupMissing
        | Reason::SecurityGroupInOtherVpc
        | Reason::SharedSecurityGroup
        | Reason::TooManySecurityGroups
        | Reason::ServiceNotFound
        | Reason::ServiceRetired
        | Reason::ProfileNotWritten => false,
        // Those of the owners of a bucket or a role.
        Reason::BucketOpen
        | Reason::BucketPolicyBlocks
        | Reason::BucketInOtherRegion
        | Reason::BucketNotSeen
        | Reason::RoleNotSeen
        | Reason::RoleNotAssumable
        | Reason::ActionsMissing => false,
        // Told elsewhere, or nobody's to mend.
        Reason::Ok
        | Reason::Deleting
        | Reason::DeletionBlocked
        | Reason::InProgress
        | Reason::Waiting
        | Reason::InternalError
        | Reason::Drifted
        | Reason::DuplicateVpc
        | Reason::VpcNotAccepted
        | Reason::Unreachable
        | Reason::Throttled
        | Reason::OutsideProfiles
        | Reason::DiscoveryOff
        | Reason::ProfilesAbsent
        | Reason::ResourcesUnknown
        | Reason::TooManyProfiles => false,
    }
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
