//! Whether an endpoint's policy lets through what profiles need, and keeps out
//! what they want kept out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Concern, Finding, Weight, resolve::ResolvedProfile};
use crate::{
    api::{PackageRepositories, Reason},
    catalog::{Symptom, ecr_layer_bucket, package_repositories},
    desired::bucket_arn,
    policy::{
        Effect, FamilyDecision, PolicyDocument, Principal, PrincipalClause, PrincipalSet, Request, StatementRef,
        evaluate_family,
    },
    types::{Region, VpcEndpointId},
};

/// What a workload does with a bucket of its own, and on what of it.
pub(super) const BUCKET_USES: [(&str, &str); 3] =
    [("s3:GetObject", "/*"), ("s3:PutObject", "/*"), ("s3:ListBucket", "")];

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
    let mut add = |weight, reason, symptom, message: String| {
        findings.push(Finding {
            resource: endpoint.map(ToString::to_string),
            symptom,
            ..Finding::new(Concern::S3, resolved.scope(), reason, message).weighing(weight)
        });
    };
    let profile = resolved.profile();
    // What is in another region does not come through the endpoint.
    let is_here = |bucket: &&String| profile.bucket_regions.get(*bucket).is_none_or(|other| other == region);
    for bucket in profile.buckets.iter().filter(is_here) {
        for (action, objects) in BUCKET_USES {
            let resource = format!("{}{objects}", bucket_arn(region, bucket));
            let (weight, why) = match decide(policy, action, &resource) {
                FamilyDecision::Allowed { .. } => continue,
                FamilyDecision::ImplicitlyDenied => (Weight::Blocks, "no statement allows it".to_owned()),
                FamilyDecision::ExplicitlyDenied { statements } => {
                    (Weight::Blocks, format!("{} denies it", named(&statements)))
                }
                FamilyDecision::Partly { statement, .. } => (
                    Weight::Blocks,
                    format!("{} covers only a part of it", named(&[statement])),
                ),
                FamilyDecision::Unknown { statements, .. } => (
                    Weight::Unknown,
                    format!("it hangs on {}, on who asks and how", named(&statements)),
                ),
            };
            let verb = if weight == Weight::Blocks {
                "does not let"
            } else {
                "may not let"
            };
            let message = format!("{where_} {verb} {action} on {resource} through: {why}. {fix}");
            add(weight, Reason::PolicyBlocks, Some(Symptom::NoWayToS3), message);
        }
    }
    for resource in package_repositories(region) {
        let decision = decide(policy, "s3:GetObject", &resource);
        match (profile.package_repositories, Reach::of(&decision)) {
            (None, _)
            | (Some(PackageRepositories::Allow), Reach::All)
            | (Some(PackageRepositories::Deny), Reach::None) => {}
            (Some(PackageRepositories::Allow), reach) => {
                let (weight, verb) = match reach {
                    Reach::Unknown => (Weight::Unknown, "may not let"),
                    Reach::All | Reach::Some | Reach::None => (Weight::Blocks, "does not let"),
                };
                let message = format!(
                    "{where_} {verb} s3:GetObject on {resource} through, and the profile needs the package \
                     repositories{}. {fix}",
                    because(&decision)
                );
                add(weight, Reason::PolicyBlocks, None, message);
            }
            (Some(PackageRepositories::Deny), reach) => {
                let (weight, verb) = match reach {
                    Reach::Unknown => (Weight::Unknown, "may let"),
                    Reach::All | Reach::Some | Reach::None => (Weight::Blocks, "lets"),
                };
                let message = format!(
                    "{where_} {verb} s3:GetObject on {resource} through, and the profile denies the package \
                     repositories{}. {fix}",
                    because(&decision)
                );
                add(weight, Reason::PackageRepositoriesOpen, None, message);
            }
        }
    }
    let layers = format!("{}/*", bucket_arn(region, &ecr_layer_bucket(region)));
    let decision = decide(policy, "s3:GetObject", &layers);
    if decision.is_allowed() == Some(false) {
        let message = format!(
            "{where_} does not let s3:GetObject on {layers} through, so that images which are pulled from ECR inside \
             the VPC would not arrive{}. {fix}",
            because(&decision)
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

/// How much of a family of resources can be had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Some,
    None,
    Unknown,
}

impl Reach {
    fn of(decision: &FamilyDecision) -> Self {
        match decision {
            FamilyDecision::Allowed { .. } => Self::All,
            FamilyDecision::Partly { .. } => Self::Some,
            FamilyDecision::ImplicitlyDenied | FamilyDecision::ExplicitlyDenied { .. } => Self::None,
            FamilyDecision::Unknown { .. } => Self::Unknown,
        }
    }
}

/// The statement that an answer comes from, to follow a statement of the fact.
fn because(decision: &FamilyDecision) -> String {
    match decision {
        FamilyDecision::Unknown { statements, .. } => {
            format!(": it hangs on {}, on who asks and how", named(statements))
        }
        FamilyDecision::Allowed { statements } => format!(": {} allows it", named(statements)),
        FamilyDecision::Partly { statement, .. } => format!(": {statement} covers only a part of it"),
        FamilyDecision::ImplicitlyDenied => ": no statement allows it".to_owned(),
        FamilyDecision::ExplicitlyDenied { statements } => format!(": {} denies it", named(statements)),
    }
}

fn decide(policy: &PolicyDocument, action: &str, resource: &str) -> FamilyDecision {
    decide_for_somebody(policy, &Request::new(Principal::Anonymous, action, resource))
}

/// Which role will ask is not known here. Where statements name principals,
/// the policy is judged for somebody whom all that allow mean and none that
/// deny, and for the reverse; where that makes a difference, the answer stays
/// open.
pub(super) fn decide_for_somebody(policy: &PolicyDocument, request: &Request) -> FamilyDecision {
    let naming: Vec<StatementRef> = policy
        .statements
        .iter()
        .enumerate()
        .filter(|(_, statement)| !statement.speaks_of_everyone())
        .map(|(index, statement)| StatementRef {
            number: index + 1,
            sid: statement.sid.clone(),
        })
        .collect();
    if naming.is_empty() {
        return evaluate_family(policy, request);
    }
    let most = evaluate_family(&meaning_them_if(policy, Effect::Allow), request);
    let least = evaluate_family(&meaning_them_if(policy, Effect::Deny), request);
    if Reach::of(&most) == Reach::of(&least) {
        return least;
    }
    FamilyDecision::Unknown {
        missing: BTreeSet::new(),
        statements: naming,
    }
}

/// The policy for somebody whom, of the statements that name principals, those
/// of this effect mean and the others do not.
fn meaning_them_if(policy: &PolicyDocument, effect: Effect) -> PolicyDocument {
    // None goes, so that a statement keeps its number in messages.
    let mut policy = policy.clone();
    for statement in policy
        .statements
        .iter_mut()
        .filter(|statement| !statement.speaks_of_everyone())
    {
        let whom = if statement.effect == effect {
            PrincipalSet::Everyone
        } else {
            PrincipalSet::Named(BTreeMap::new())
        };
        statement.principal = Some(PrincipalClause::Principal(whom));
    }
    policy
}

fn named(statements: &[StatementRef]) -> String {
    crate::types::listed(statements)
}
