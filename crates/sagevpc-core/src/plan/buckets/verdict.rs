//! What a bucket's policy stops, and what it lets in.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{CONCERN, wishes::Wish};
use crate::{
    api::{AcceptUnknown, Reason},
    catalog::{Symptom, bucket_actions},
    desired::{BucketPolicy, bucket_arn, bucket_statement},
    observed::{Subnet, VpcSnapshot},
    plan::{draft::Draft, resolved::ResolvedProfile},
    reach::{BucketAsker, denied},
    report::{Finding, Weight},
    types::{Admission, BucketUse, SubnetId, listed},
};
use iam_policy::{Context, ContextValue, FamilyDecision, PolicyDocument};

/// The Sid of a statement that someone is told to add. It must not be taken for
/// ours.
const SID: &str = "OnlyThroughVpcEndpoints";

/// Whether the bucket lets in what comes by another way than an endpoint.
pub(super) fn judge_openness(draft: &mut Draft<'_>, wish: &Wish<'_>, policy: &BucketPolicy) {
    let vpc = &draft.network.vpc;
    let arn = bucket_arn(&vpc.region, wish.bucket);
    let account = draft.snapshot.account.as_ref().map_or("000000000000", |id| id.as_str());
    let stranger = format!("arn:{}:iam::{account}:role/somebody-else", vpc.region.partition());
    let outside = of_somebody()
        .with("aws:SourceVpce", ContextValue::Absent)
        .with("aws:SourceVpc", ContextValue::Absent)
        .with_value("aws:PrincipalArn", stranger);
    let verb = match denied(policy.document(), "s3:GetObject", &format!("{arn}/*"), outside, None) {
        FamilyDecision::ExplicitlyDenied { .. } => return,
        FamilyDecision::Unknown { statements, .. } => {
            format!(
                "may let others read it by other ways: it hangs on {}",
                listed(&statements)
            )
        }
        FamilyDecision::Allowed { .. } | FamilyDecision::Partly { .. } | FamilyDecision::ImplicitlyDenied => {
            "does not keep others from reading it by other ways".to_owned()
        }
    };
    let admission = Admission {
        vpc_endpoints: wish.existing_endpoints(),
        exemptions: wish.exemptions.clone(),
    };
    let what = if admission.vpc_endpoints.is_empty() {
        "that denies s3:GetObject unless aws:SourceVpce is the S3 endpoint, once there is one".to_owned()
    } else {
        bucket_statement(&arn, &admission).sid(SID).to_value().to_string()
    };
    let message = format!(
        "The policy of bucket {} {verb}. Add it to spec.grants.enforce.buckets of SageMakerVpc {}, or this statement to \
         its policy: {what}",
        wish.bucket, vpc.ownership.vpc
    );
    for resolved in &wish.asking {
        draft.find_weighing(
            Weight::Unmet,
            CONCERN,
            resolved.scope(),
            Reason::BucketOpen,
            message.clone(),
        );
    }
}

/// Requests that fare alike.
#[derive(Default)]
struct Requests<'r> {
    /// The roles that make them.
    roles: BTreeSet<Option<&'r str>>,
    /// The subnets that they come from, where the policy tells these apart.
    from: BTreeSet<Option<&'r SubnetId>>,
    /// What they are.
    what: Vec<String>,
}

/// Where requests of profiles come from, as far as the policy tells places apart:
/// all of the VPC, or each subnet by itself.
fn origins<'r>(
    snapshot: &VpcSnapshot,
    policy: &PolicyDocument,
    asking: &[&'r ResolvedProfile<'r>],
) -> BTreeMap<Option<&'r SubnetId>, Vec<IpNet>> {
    if !policy.asks_for("aws:VpcSourceIp") {
        let all = snapshot.subnets.values().flat_map(Subnet::cidrs);
        return BTreeMap::from([(None, all.collect())]);
    }
    let subnets = asking.iter().flat_map(|resolved| &resolved.subnets);
    let each = subnets.map(|subnet| (Some(&subnet.subnet_id), subnet.cidrs().collect()));
    each.collect()
}

/// Whether the bucket's policy stops what comes through the endpoints: of each
/// profile, what it does with the bucket.
pub(super) fn judge_endpoints(draft: &mut Draft<'_>, wish: &Wish<'_>, policy: &BucketPolicy) {
    for (bucket, asking) in wish.uses() {
        judge_use(draft, wish, policy, &bucket, &asking);
    }
}

fn judge_use(
    draft: &mut Draft<'_>,
    wish: &Wish<'_>,
    policy: &BucketPolicy,
    bucket: &BucketUse,
    asking: &[&ResolvedProfile<'_>],
) {
    let vpc = &draft.network.vpc;
    let arn = bucket_arn(&vpc.region, wish.bucket);
    let origins = origins(draft.snapshot, policy.document(), asking);
    let accepted = vpc.accept_unknown.contains(&AcceptUnknown::BucketPolicy);
    let mut found = Vec::new();
    for endpoint in wish.existing_endpoints() {
        let askers = askers(asking);
        // What the same statements stop is one cause.
        let mut stopped: BTreeMap<(Weight, String), Requests<'_>> = BTreeMap::new();
        let askers_from = askers
            .iter()
            .flat_map(|role| origins.iter().map(move |(subnet, from)| (role, subnet, from)));
        for (action, objects) in bucket_actions(Some(bucket)).asked {
            let resource = format!("{arn}{objects}");
            for (role, subnet, from) in askers_from.clone() {
                let asker = BucketAsker {
                    snapshot: draft.snapshot,
                    endpoint: &endpoint,
                    from,
                    role: *role,
                };
                if let Some(refusal) = asker.refusal(policy.document(), wish.bucket, action, &resource) {
                    let weight = if refusal.is_sure {
                        Weight::Blocks
                    } else {
                        Weight::Unknown
                    };
                    let requests = stopped.entry((weight, refusal.why)).or_default();
                    requests.roles.insert(*role);
                    requests.from.insert(*subnet);
                    let request = format!("{action} on {resource}");
                    if !requests.what.contains(&request) {
                        requests.what.push(request);
                    }
                }
            }
        }
        for ((weight, why), requests) in stopped {
            let from_where = if requests.from.len() == origins.len() {
                String::new()
            } else {
                format!(" from {}", listed(requests.from.iter().copied().flatten()))
            };
            let by_whom = if requests.roles == askers {
                String::new()
            } else {
                let named = requests
                    .roles
                    .iter()
                    .map(|role| role.unwrap_or("workloads without roleArn"));
                format!(" by {}", listed(named))
            };
            let (weight, verb) = match weight {
                Weight::Unknown if accepted => (Weight::Advice, "may deny"),
                Weight::Unknown => (weight, "may deny"),
                Weight::Blocks | Weight::Unmet | Weight::Aside | Weight::Advice => (weight, "denies"),
            };
            let fix = match weight {
                Weight::Unknown => "Change it, or list BucketPolicy in spec.acceptUnknown of the SageMakerVpc.",
                Weight::Blocks | Weight::Unmet | Weight::Aside | Weight::Advice => {
                    "The bucket's owners must change it."
                }
            };
            let message = format!(
                "The policy of bucket {} {verb} {}{by_whom}{from_where} through S3 endpoint {endpoint}: {why} {fix}",
                wish.bucket,
                listed(requests.what)
            );
            found.push((weight, message));
        }
    }
    for (weight, message) in found {
        for resolved in asking {
            draft.push(Finding {
                weight,
                symptom: (weight == Weight::Blocks).then_some(Symptom::BucketRefuses),
                ..Finding::new(CONCERN, resolved.scope(), Reason::BucketPolicyBlocks, message.clone())
                    .about(wish.bucket)
            });
        }
    }
}

/// The roles by which workloads of the profiles ask; `None` among them where one
/// does not say.
fn askers<'w>(asking: &[&'w ResolvedProfile<'w>]) -> BTreeSet<Option<&'w str>> {
    let workloads = asking.iter().flat_map(|resolved| &resolved.profile().workloads);
    workloads.map(|workload| workload.role_arn.as_deref()).collect()
}

/// A request as SDKs make it: encrypted, and by whom it concerns.
fn of_somebody() -> Context {
    Context::partial()
        .with_value("aws:SecureTransport", "true")
        .with_value("aws:ViaAWSService", "false")
        .with_value("aws:PrincipalIsAWSService", "false")
}
