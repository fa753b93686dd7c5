//! What an endpoint's policy says of the package repositories, which profiles
//! need or want kept out, and of the layers of images. Whether it lets buckets
//! through, reachability says.

use crate::{
    api::{PackageRepositories, Reason},
    catalog::{Symptom, ecr_layer_bucket, package_repositories},
    desired::bucket_arn,
    plan::{draft::Draft, resolved::ResolvedProfile},
    reach::{Asked, Judged, through},
    report::{Concern, Finding, Weight},
    types::VpcEndpointId,
};
use iam_policy::{PolicyDocument, Share};

/// Findings on a policy that is not of our making, for one profile.
///
/// `where_` names the policy in messages, `endpoint` has it where it is in force
/// already, and `fix` says where to change it.
pub(super) fn endpoint_policy(
    draft: &Draft<'_>,
    policy: &PolicyDocument,
    resolved: &ResolvedProfile<'_>,
    where_: &str,
    endpoint: Option<&VpcEndpointId>,
    fix: &str,
) -> Vec<Finding> {
    let (snapshot, region) = (draft.snapshot, &draft.network.vpc.region);
    let judge = |resource: &str| {
        let bucket = resource
            .strip_prefix(&bucket_arn(region, ""))
            .and_then(|rest| rest.strip_suffix("/*"));
        let nets = snapshot.subnets.values().flat_map(|subnet| subnet.cidrs());
        let asked = Asked {
            snapshot,
            bucket,
            context: through(snapshot, endpoint, nets),
        };
        asked.judge(policy, "s3:GetObject", resource)
    };
    let to_do = |judged: &Judged| match &judged.mend {
        Some(mend) => format!("{mend} {fix}"),
        None => fix.to_owned(),
    };
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
        let judged = judge(&resource);
        match (profile.package_repositories, judged.share) {
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
                     repositories: {}. {}",
                    judged.why,
                    to_do(&judged)
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
                    judged.why
                );
                add(weight, Reason::PackageRepositoriesOpen, None, message);
            }
        }
    }
    let layers = format!("{}/*", bucket_arn(region, &ecr_layer_bucket(region)));
    let judged = judge(&layers);
    if matches!(judged.share, Share::Some | Share::None) {
        let message = format!(
            "{where_} does not let s3:GetObject on {layers} through, so that images which are pulled from ECR inside \
             the VPC would not arrive: {}. {}",
            judged.why,
            to_do(&judged)
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
