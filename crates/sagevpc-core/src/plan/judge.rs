//! What an endpoint's policy says of the package repositories, which profiles
//! need or want kept out, and of the layers of images. Whether it lets buckets
//! through, reachability says.

use crate::{
    api::{PackageRepositories, Reason},
    catalog::{Symptom, ecr_layer_bucket, package_repositories},
    desired::bucket_arn,
    plan::resolved::ResolvedProfile,
    reach::why,
    report::{Concern, Finding, Weight},
    types::{Region, VpcEndpointId},
};
use iam_policy::{PolicyDocument, Share, evaluate_family_for_anyone};

/// Findings on a policy that is not of our making, for one profile.
///
/// `where_` names the policy in messages, `endpoint` has it where it is in force
/// already, and `fix` says where to change it.
pub(super) fn endpoint_policy(
    policy: &PolicyDocument,
    resolved: &ResolvedProfile<'_>,
    region: &Region,
    where_: &str,
    endpoint: Option<&VpcEndpointId>,
    fix: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let scope = resolved.scope_of(&resolved.network.demands.of_s3());
    let mut add = |weight, reason, symptom, message: String| {
        findings.push(Finding {
            resource: endpoint.map(ToString::to_string),
            symptom,
            ..Finding::new(Concern::S3, scope.clone(), reason, message).weighing(weight)
        });
    };
    let profile = resolved.profile();
    for resource in package_repositories(region) {
        let decision = evaluate_family_for_anyone(policy, "s3:GetObject", &resource);
        match (profile.package_repositories, decision.share()) {
            (None, _)
            | (Some(PackageRepositories::Allow), Share::All)
            | (Some(PackageRepositories::Deny), Share::None) => {}
            (Some(PackageRepositories::Allow), reach) => {
                let (weight, verb) = match reach {
                    Share::Unknown => (Weight::Unknown, "may not let"),
                    Share::All | Share::Some | Share::None => (Weight::Blocks, "does not let"),
                };
                let message = format!(
                    "{where_} {verb} s3:GetObject on {resource} through, and the profile needs the package \
                     repositories: {}. {fix}",
                    why(&decision)
                );
                add(weight, Reason::PolicyBlocks, None, message);
            }
            (Some(PackageRepositories::Deny), reach) => {
                let (weight, verb) = match reach {
                    Share::Unknown => (Weight::Unknown, "may let"),
                    Share::All | Share::Some | Share::None => (Weight::Blocks, "lets"),
                };
                let message = format!(
                    "{where_} {verb} s3:GetObject on {resource} through, and the profile denies the package \
                     repositories: {}. {fix}",
                    why(&decision)
                );
                add(weight, Reason::PackageRepositoriesOpen, None, message);
            }
        }
    }
    let layers = format!("{}/*", bucket_arn(region, &ecr_layer_bucket(region)));
    let decision = evaluate_family_for_anyone(policy, "s3:GetObject", &layers);
    if decision.is_allowed() == Some(false) {
        let message = format!(
            "{where_} does not let s3:GetObject on {layers} through, so that images which are pulled from ECR inside \
             the VPC would not arrive: {}. {fix}",
            why(&decision)
        );
        add(
            Weight::Advice,
            Reason::PolicyBlocks,
            Some(Symptom::ImagePullFails),
            message,
        );
    }
    findings
}
