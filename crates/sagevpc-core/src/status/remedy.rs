//! Who can mend what stands in the way, and what they must do, in a few words.

use super::obstacles::Obstacle;
use crate::{
    api::{Reason, SageMakerVpcProfileSpec, Who},
    report::Concern,
    types::one_line,
};

/// Characters of the message of `Ready`, so that it can be read in one line.
pub(super) const MAX_READY_MESSAGE: usize = 140;

/// Who can mend it. `spec` is that of the profile in whose way it is; `None`
/// on a SageMakerVpc, which is the platform team's.
pub(super) fn who(obstacle: &Obstacle, spec: Option<&SageMakerVpcProfileSpec>) -> Who {
    if obstacle.passes {
        return Who::Aws;
    }
    let Some(spec) = spec else {
        return Who::Platform;
    };
    let narrows = spec.subnets.is_some();
    let has_own_groups = spec.security_groups.as_ref().is_some_and(|groups| groups.ids.is_some());
    let team_if = |is_the_teams| if is_the_teams { Who::Team } else { Who::Platform };
    match obstacle.reason {
        // Theirs to allow, approve, permit or resume.
        Reason::NotAllowed
        | Reason::NotGranted
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
        | Reason::PriceUnknown
        | Reason::TooExpensive
        | Reason::VpcNotAccepted
        | Reason::DuplicateVpc
        | Reason::Drifted
        | Reason::DeletionBlocked
        | Reason::OutsideProfiles
        | Reason::DiscoveryOff
        | Reason::ProfilesAbsent
        | Reason::ResourcesUnknown
        | Reason::TooManyProfiles
        | Reason::InternalError => Who::Platform,
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
        | Reason::FlowLogNotDelivered => Who::Platform,
        // A team that chose among the subnets can choose otherwise.
        Reason::SubnetNotFound | Reason::PublicSubnet | Reason::TooFewZones => team_if(narrows),
        // So can one that brought its own groups.
        Reason::RuleMissing | Reason::TooManyRules => team_if(has_own_groups),
        Reason::Unreached | Reason::ReachUnknown => {
            team_if(has_own_groups && obstacle.concern == Concern::SecurityGroups)
        }
        // The team's own.
        Reason::InvalidSpec
        | Reason::VpcRefNotFound
        | Reason::Conflict
        | Reason::Deleting
        | Reason::SubnetInOtherVpc
        | Reason::TooManySubnets
        | Reason::DirectInternetAccess
        | Reason::SecurityGroupMissing
        | Reason::SecurityGroupInOtherVpc
        | Reason::SharedSecurityGroup
        | Reason::TooManySecurityGroups
        | Reason::ServiceNotFound
        | Reason::ServiceRetired
        | Reason::ProfileNotWritten => Who::Team,
        // Of a bucket or a role that the team named, whose owners it knows.
        Reason::BucketOpen
        | Reason::BucketPolicyBlocks
        | Reason::BucketInOtherRegion
        | Reason::BucketNotSeen
        | Reason::RoleNotSeen
        | Reason::RoleNotAssumable
        | Reason::ActionsMissing => Who::Team,
        Reason::Ok | Reason::InProgress | Reason::Waiting | Reason::Unreachable | Reason::Throttled => Who::Aws,
    }
}

/// What is to be done, as an order.
pub(super) const fn task(reason: Reason) -> &'static str {
    match reason {
        Reason::Ok | Reason::InProgress | Reason::Waiting | Reason::Unreachable | Reason::Throttled => "wait",
        Reason::Deleting => "delete this profile, and use another VPC",
        Reason::Paused => "end the pause of the SageMakerVpc",
        Reason::AwaitingApproval => "approve the changes that wait",
        Reason::DeletionBlocked => "see what still runs, and stop it",
        Reason::ObserveOnly => "make the changes, or allow sagevpc to",
        Reason::ActionFailed => "mend what AWS refused",
        Reason::InternalError => "report this bug of sagevpc",
        Reason::RepairBackoff => "find out who keeps changing it",
        Reason::Drifted => "find out who changed it",
        Reason::InvalidSpec => "correct the spec",
        Reason::VpcRefNotFound => "correct spec.vpcRef",
        Reason::NotAllowed => "allow the namespace",
        Reason::NotGranted => "grant what the profile names",
        Reason::Conflict => "agree with the older profile",
        Reason::DuplicateVpc => "keep one SageMakerVpc for the VPC",
        Reason::ClusterIdTaken => "give each cluster an id of its own",
        Reason::VpcNotAccepted => "correct the SageMakerVpc",
        Reason::InvalidPolicy => "correct the policy document",
        Reason::NoCredentials => "give the controller AWS credentials",
        Reason::WrongAccount => "correct the controller's credentials",
        Reason::AccessDenied => "permit the controller's role the action",
        Reason::VpcNotFound => "correct the VPC's id, region or account",
        Reason::DedicatedTenancy => "use a VPC of default tenancy",
        Reason::SubnetNotFound => "name subnets that exist",
        Reason::SubnetInOtherVpc => "name subnets of this VPC",
        Reason::SubnetNotOffered => "offer the subnet",
        Reason::PublicSubnet => "use private subnets",
        Reason::TooFewZones => "add a subnet in another zone",
        Reason::TooManySubnets => "name fewer subnets",
        Reason::TooFewAddresses => "offer subnets with more free addresses",
        Reason::DnsDisabled => "turn DNS of the VPC on",
        Reason::DhcpOptionsIncomplete => "complete the DHCP options",
        Reason::CustomResolver => "confirm the VPC's own DNS servers",
        Reason::DirectInternetAccess => "turn direct internet access off",
        Reason::S3EndpointMissing => "lead the subnets to an S3 endpoint",
        Reason::S3EndpointUnavailable => "mend the S3 endpoint",
        Reason::RouteTableNotOffered => "offer the route table",
        Reason::PolicyBlocks => "open the endpoint's policy",
        Reason::PackageRepositoriesOpen => "close the endpoint's policy to package repositories",
        Reason::SecurityGroupMissing => "name security groups that exist",
        Reason::SecurityGroupInOtherVpc => "name security groups of this VPC",
        Reason::SharedSecurityGroup => "use security groups of its own",
        Reason::RuleMissing => "add rules to the security group",
        Reason::TooManySecurityGroups => "name fewer security groups",
        Reason::TooManyRules => "do with fewer rules",
        Reason::NameTaken => "free the name",
        Reason::OwnershipUnclear => "say whose the resources are",
        Reason::CannotAdopt => "correct spec.adopt",
        Reason::EndpointMissing => "add an interface endpoint",
        Reason::EndpointUnavailable => "mend the interface endpoint",
        Reason::ServiceNotFound => "correct the service's name",
        Reason::ServiceNotInZone => "offer subnets in the service's zones",
        Reason::PrivateDnsConflict => "free the service's private DNS name",
        Reason::PrivateDnsOff => "turn the endpoint's private DNS on",
        Reason::ServiceRetired => "do without the service",
        Reason::ReachedByWayOut => "add interface endpoints where they are wanted",
        Reason::PriceUnknown => "give the price in spec.prices, or remove spec.maxMonthlyCost",
        Reason::TooExpensive => "raise spec.maxMonthlyCost, or ask for less",
        Reason::NoWayOut => "give the subnets a way out",
        Reason::BlackholeRoute => "mend the route",
        Reason::PublicAccessBlocked => "exempt it from VPC Block Public Access",
        Reason::NatGatewayInPrivateSubnet => "give the NAT gateway a public subnet",
        Reason::NatGatewayUnavailable => "replace the NAT gateway",
        Reason::NatGatewayInOtherZone => "add a NAT gateway in the zone",
        Reason::InternetGatewayMissing => "attach an internet gateway",
        Reason::BeyondTheVpc => "confirm the way through others' networks",
        Reason::NetworkAclBlocks => "open the network ACL",
        Reason::TooManyAclEntries => "free rules of the network ACL",
        Reason::FlowLogDiffers => "correct the flow log",
        Reason::FlowLogNotDelivered => "mend the flow log's delivery",
        Reason::BucketOpen => "have the bucket's policy closed",
        Reason::BucketPolicyBlocks => "have the bucket's policy opened",
        Reason::BucketInOtherRegion => "use a bucket in the VPC's region",
        Reason::BucketNotSeen => "check the bucket's name",
        Reason::RoleNotSeen => "check the role's ARN",
        Reason::RoleNotAssumable => "have SageMaker trusted by the role",
        Reason::ActionsMissing => "have the role's missing actions allowed",
        Reason::Unreached => "mend the way",
        Reason::ReachUnknown => "make the way visible",
        Reason::OutsideProfiles => "declare what runs, or stop it",
        Reason::DiscoveryOff => "switch discovery on",
        Reason::SharedVpc => "have the VPC's owner account mend it",
        Reason::ProfilesAbsent => "restore the profiles, or let them go",
        Reason::ResourcesUnknown => "check what AWS shows",
        Reason::TooManyProfiles => "spread profiles over more VPCs",
        Reason::ProfileNotWritten => "find out why Kubernetes refuses it",
    }
}

/// Who must do what first, and why, in one line; `more` things stand in the way
/// besides.
pub(super) fn headline(first: &Obstacle, who: Who, more: usize) -> String {
    let label = match who {
        Who::Team => "Team: ",
        Who::Platform => "Platform team: ",
        Who::Aws => "",
    };
    let order = format!("{label}{}", task(first.reason));
    let order = match order.strip_prefix("wait") {
        Some(rest) => format!("Wait{rest}"),
        None => order,
    };
    let cause = first.reason.meaning().trim().replace('`', "");
    let resource = first.resource.as_deref().map(one_line);
    let named = resource.map_or_else(|| order.clone(), |resource| format!("{order} ({resource})"));
    let more = match more {
        0 => String::new(),
        more => format!(" {more} more below."),
    };
    let shorter = [
        format!("{named}. {cause}{more}"),
        format!("{named}. {cause}"),
        format!("{named}.{more}"),
        format!("{order}. {cause}{more}"),
        format!("{order}. {cause}"),
    ];
    let fitting = shorter.into_iter().find(|text| text.len() <= MAX_READY_MESSAGE);
    fitting.unwrap_or_else(|| format!("{order}."))
}

/// What a team is told to do about what only the platform team can mend.
pub(super) fn request(obstacle: &Obstacle, vpc: &str) -> String {
    let resource = obstacle.resource.as_deref().map(one_line);
    let resource = resource.map_or_else(String::new, |resource| format!(" ({resource})"));
    format!(
        "Ask the platform team to {}{resource}; the status of SageMakerVpc {vpc} says more.",
        task(obstacle.reason)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_the_way_is_told_in_one_line() {
        let arn = format!("arn:aws:iam::123456789012:role/{}", "x".repeat(64));
        for reason in Reason::ALL {
            for resource in [None, Some("sg-0c0ffee1d2a3b4c5d".to_owned()), Some(arn.clone())] {
                let obstacle = Obstacle {
                    resource,
                    ..Obstacle::new(Concern::S3, *reason, String::new())
                };
                for who in [Who::Team, Who::Platform, Who::Aws] {
                    for more in [0, 1, 31] {
                        let told = headline(&obstacle, who, more);
                        assert!(told.len() <= MAX_READY_MESSAGE, "{told}");
                        assert!(told.contains(&task(*reason)[1..]) && told.ends_with('.'), "{told}");
                    }
                }
            }
        }
    }

    #[test]
    fn who_must_act_comes_first_and_then_the_cause() {
        let obstacle = Obstacle {
            resource: Some("sg-1".to_owned()),
            ..Obstacle::new(Concern::SecurityGroups, Reason::RuleMissing, String::new())
        };
        assert_eq!(
            headline(&obstacle, Who::Platform, 2),
            "Platform team: add rules to the security group (sg-1). A rule is missing. 2 more below."
        );
    }
}
