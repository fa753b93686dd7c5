//! Which concerns an object has a condition for, and what each says when all
//! is well.
//!
//! A concern that does not apply (the way out, where nobody goes out) has no
//! condition, until something stands in its way all the same. Whether it
//! applies hangs on specs, so that conditions do not come and go; only what runs in
//! a VPC is spoken of where something does.

use std::collections::BTreeSet;

use crate::{
    api::{InternetMode, NetworkAclMode, SageMakerVpcProfileSpec},
    demand::Demands,
    plan::Plan,
    report::Concern,
    validate::Validated,
};

/// What the concern's condition on a profile says when all is well; `None`
/// where it does not apply.
pub(super) fn of_profile(concern: Concern, spec: &SageMakerVpcProfileSpec, demands: &Demands) -> Option<&'static str> {
    match concern {
        Concern::Accepted => Some("The profile is allowed, granted what it names, and in force."),
        Concern::Subnets => Some("The subnets exist, and suit every workload."),
        Concern::Capacity => Some("The subnets have addresses enough for all workloads at once."),
        Concern::Dns => Some("Names of AWS services resolve in the VPC."),
        Concern::S3 => (!demands.of_s3().is_empty())
            .then_some("S3 can be reached through its gateway endpoint, and the policy lets the workloads through."),
        Concern::SecurityGroups => Some("The security groups admit what the workloads need."),
        Concern::Endpoints => (!demands.callers().is_empty())
            .then_some("The services that the workloads call have interface endpoints that serve."),
        Concern::ElasticInference => {
            (!demands.of_elastic_inference().is_empty()).then_some("Elastic Inference has its endpoint and its groups.")
        }
        Concern::Internet if !demands.going_out().is_empty() => {
            Some("Every subnet has a way to the destinations outside the VPC.")
        }
        Concern::Internet => (!demands.staying_inside().is_empty())
            .then_some("Every subnet has a way to the destinations that are named; none of them is on the internet."),
        Concern::NetworkAcls => Some("The network ACLs let the workloads' traffic out, and the answers back in."),
        Concern::Roles => spec
            .workloads
            .iter()
            .any(|workload| workload.role_arn.is_some())
            .then_some("The execution roles may do what SageMaker does with their permissions."),
        Concern::BucketPolicies => spec
            .buckets
            .iter()
            .any(|bucket| bucket.require_vpc_endpoint.is_some())
            .then_some("The policies of the buckets let only the VPC's endpoints in, where that is asked for."),
        Concern::FlowLogs | Concern::Consumers | Concern::Profiles | Concern::Served => None,
    }
}

/// What the concern's condition on a SageMakerVpc that was accepted says when
/// all is well; `None` where it does not apply, or is each profile's own.
pub(super) fn of_vpc(concern: Concern, validated: &Validated, plan: &Plan) -> Option<&'static str> {
    let Validated { vpc, profiles, .. } = validated;
    let have =
        |need: fn(&Demands) -> BTreeSet<usize>| profiles.iter().any(|profile| !need(&Demands::of(profile)).is_empty());
    match concern {
        Concern::Subnets => Some("The subnets offered exist."),
        Concern::Dns => Some("Names of AWS services resolve in the VPC."),
        Concern::S3 => Some("The S3 gateway endpoint serves the subnets in use."),
        Concern::Endpoints => (!vpc.services.is_empty() || have(Demands::callers))
            .then_some("The interface endpoints that are needed serve."),
        Concern::ElasticInference => {
            have(Demands::of_elastic_inference).then_some("Elastic Inference has its endpoint and its groups.")
        }
        Concern::Internet => match vpc.internet {
            InternetMode::None => None,
            InternetMode::Existing | InternetMode::ManagedNat => Some("There is a way out of the VPC."),
        },
        Concern::NetworkAcls => match vpc.network_acls {
            NetworkAclMode::Verify => None,
            NetworkAclMode::Enforce => Some("The network ACLs let through what the workloads need."),
        },
        Concern::FlowLogs => vpc
            .flow_logs
            .is_some()
            .then_some("The flow logs record what is declared."),
        Concern::Accepted
        | Concern::Capacity
        | Concern::SecurityGroups
        | Concern::BucketPolicies
        | Concern::Roles
        | Concern::Profiles => None,
        Concern::Served => (!profiles.is_empty() || !validated.findings.is_empty())
            .then_some("No profile lacks anything that the owners of this SageMakerVpc must mend."),
        Concern::Consumers => (plan.consumers.network_interfaces > 0)
            .then_some("What SageMaker runs in the VPC is in status.consumers, and all of it belongs to profiles."),
    }
}
