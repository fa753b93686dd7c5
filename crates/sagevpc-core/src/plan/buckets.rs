//! Bucket policies: our statement, or what is there, judged.
//!
//! A profile may ask that a bucket is read through VPC endpoints only. Where
//! the platform team lets us write to the bucket's policy, our statement in it
//! admits the endpoints that profiles naming the bucket come by; elsewhere what
//! is there is judged. An endpoint is admitted before the one that it replaces
//! goes, and no longer admitted once it is gone. What was put there is noted,
//! so that it can be taken away when nobody asks for it any more.
//!
//! | File | What it knows |
//! |---|---|
//! | `wishes` | what profiles ask of which bucket |
//! | `named` | buckets that are named only, and what is wrong with a policy |
//! | `seen` | what was seen of a bucket, and what of it is there on our account |
//! | `difference` | what our statement lacks, and what it has too much |
//! | `verdict` | what a policy stops, and what it lets in |
//! | `in_force` | what is noted, before and after a plan is carried out |

mod difference;
mod in_force;
mod named;
mod seen;
mod verdict;
mod wishes;

use std::collections::BTreeSet;

use self::{
    difference::Difference,
    seen::{Seen, Unseen},
    wishes::{Wish, wishes},
};
use super::{Action, ActionId, Disruption, PlannedAction, Serves, Target, draft::Draft, s3::Served};
use crate::{
    api::{
        BucketInForce, DeletionPolicy, Reason,
        bounds::{MAX_BUCKET_ENDPOINTS, MAX_BUCKET_EXEMPTIONS, MAX_BUCKETS_IN_FORCE},
    },
    catalog::Symptom,
    desired::{BUCKET_POLICY_MAX_BYTES, BucketPolicy, ChangedPolicy, bucket_arn},
    plan::{BucketChange, VpcEndpointChange, kept::HeldThing, resolved::ResolvedProfile},
    report::{Concern, Weight},
    types::{Admission, Exemption, Region, ResourceKey, VpcEndpointId},
};

const CONCERN: Concern = Concern::BucketPolicies;
const NOBODY_ASKS: &str = "no profile asks any more that the bucket is read through VPC endpoints only";

/// Gives what is known of our statements in buckets' policies.
pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], served: &Served) -> Vec<BucketInForce> {
    let taking_part: Vec<&ResolvedProfile<'_>> = profiles.iter().filter(|resolved| resolved.takes_part()).collect();
    let wishes = wishes(&taking_part, served);
    let held = &draft.history.buckets;
    let mut buckets = Buckets {
        introduced: held.keys().cloned().collect(),
        made_by: served.made_by,
        in_force: Vec::new(),
        draft,
    };
    for wish in wishes.values() {
        buckets.grant(wish);
    }
    for wish in named::named(&taking_part, served, &wishes) {
        buckets.judge(&wish);
    }
    for held in held.values().filter(|held| !wishes.contains_key(held.name.as_str())) {
        let is_named = taking_part
            .iter()
            .any(|resolved| resolved.profile().buckets.contains_key(&held.name));
        buckets.let_go(held, is_named);
    }
    let mut in_force = buckets.in_force;
    in_force.sort_by(|a, b| a.name.cmp(&b.name));
    in_force
}

/// The bucket's region: as S3 tells it, or as the profile does.
fn region_of(draft: &Draft<'_>, bucket: &str, resolved: &ResolvedProfile<'_>) -> Option<Region> {
    let seen = draft.snapshot.buckets.get(bucket);
    let told = seen.and_then(|seen| seen.region.clone());
    told.or_else(|| resolved.profile().bucket_regions.get(bucket).cloned())
}

/// All buckets, one after the other.
struct Buckets<'d, 'a> {
    draft: &'d mut Draft<'a>,
    /// Buckets that have our statement, or are to get it.
    introduced: BTreeSet<String>,
    /// What makes our endpoint.
    made_by: Option<ActionId>,
    /// What is known of our statements.
    in_force: Vec<BucketInForce>,
}

impl Buckets<'_, '_> {
    /// Whether what is in the bucket's policy stays for a profile that has no say
    /// at present.
    fn keeps(&self, bucket: &str) -> bool {
        self.draft.keeping.has(HeldThing::BucketPolicy(bucket))
    }

    /// The bucket's region, where it is another than the VPC's.
    fn elsewhere(&self, wish: &Wish<'_>) -> Option<Region> {
        let mut asking = wish.asking.iter();
        let told = asking.find_map(|resolved| region_of(self.draft, wish.bucket, resolved));
        told.filter(|region| *region != self.draft.network.vpc.region)
    }

    /// A bucket that profiles want to be read through VPC endpoints only.
    fn grant(&mut self, wish: &Wish<'_>) {
        let vpc = &self.draft.network.vpc;
        let name = wish.bucket;
        if let Some(region) = self.elsewhere(wish) {
            let message = format!(
                "Bucket {name} is in {region}, and what reads it from {} comes through no S3 gateway endpoint: \
                 requireVpcEndpoint would keep everyone out. Remove it, or use a bucket in {}.",
                vpc.vpc_id, vpc.region
            );
            self.unmet(wish, Reason::BucketInOtherRegion, &message);
            self.remember_as_it_was(name);
            return;
        }
        let policy = match Seen::of(self.draft).policy(name) {
            Ok(policy) => policy,
            Err(Unseen { reason, why, fix }) => {
                let message = format!("Whether bucket {name} lets only VPC endpoints in is not known: {why}. {fix}");
                self.unmet(wish, reason, &message);
                self.remember_as_it_was(name);
                return;
            }
        };
        self.remember(wish, &policy);
        let changed = if wish.enforced {
            self.enforce(wish, &policy)
        } else {
            verdict::judge_openness(self.draft, wish, &policy);
            None
        };
        verdict::judge_endpoints(self.draft, wish, changed.as_ref().unwrap_or(&policy));
    }

    /// A bucket that nobody asks to be closed, as far as its policy was seen.
    fn judge(&mut self, wish: &Wish<'_>) {
        if self.elsewhere(wish).is_some() {
            return;
        }
        if let Ok(policy) = Seen::of(self.draft).policy(wish.bucket) {
            verdict::judge_endpoints(self.draft, wish, &policy);
        }
    }

    /// Has our statement admit the endpoints that lead there. Gives the policy
    /// as it will be, if it is to be changed.
    fn enforce(&mut self, wish: &Wish<'_>, policy: &BucketPolicy) -> Option<BucketPolicy> {
        if let Some(problem) = self.obstacle(wish, policy) {
            self.unmet(wish, Reason::BucketOpen, &problem);
            return None;
        }
        if wish.endpoints.is_empty() {
            return None;
        }
        let difference = Difference::between(self.draft, wish, policy, self.keeps(wish.bucket));
        let mut after = None;
        if !difference.is_none(policy) {
            if let ChangedPolicy::Text(text) = policy.changed(&difference.foreseen()) {
                if text.len() > BUCKET_POLICY_MAX_BYTES {
                    let message = format!(
                        "With our statement the policy of bucket {} would have {} bytes, and S3 takes at most \
                         {BUCKET_POLICY_MAX_BYTES}: shorten its other statements, or exempt fewer principals.",
                        wish.bucket,
                        text.len()
                    );
                    self.unmet(wish, Reason::BucketOpen, &message);
                    return None;
                }
                let arn = bucket_arn(&self.draft.network.vpc.region, wish.bucket);
                after = BucketPolicy::read(&arn, Some(&text)).ok();
            }
            self.introduced.insert(wish.bucket.to_owned());
            self.change(wish, policy, &difference);
        }
        if !difference.opening.is_empty() {
            self.open(wish, &difference.opening);
        }
        if !difference.leaving.is_empty() {
            self.drop_leaving(wish, &difference.leaving);
        }
        after
    }

    /// Why our statement cannot be there: no endpoint leads to the bucket, or
    /// status could not remember what the statement holds.
    fn obstacle(&self, wish: &Wish<'_>, policy: &BucketPolicy) -> Option<String> {
        let name = wish.bucket;
        if wish.endpoints.is_empty() {
            return (!policy.has_statement()).then(|| {
                format!(
                    "Bucket {name} is not closed to others yet: that follows once an S3 gateway endpoint leads there \
                     from the profile's subnets."
                )
            });
        }
        if !self.introduced.contains(name) && self.introduced.len() >= MAX_BUCKETS_IN_FORCE {
            return Some(format!(
                "Bucket {name} is not closed to others: one SageMakerVpc keeps the policies of at most \
                 {MAX_BUCKETS_IN_FORCE} buckets. Ask for fewer, or change its policy yourself."
            ));
        }
        if wish.endpoints.len() > MAX_BUCKET_ENDPOINTS {
            return Some(format!(
                "Bucket {name} is not closed to others: the VPC reads it through more than {MAX_BUCKET_ENDPOINTS} S3 \
                 endpoints. Narrow spec.subnets of the profiles that name it."
            ));
        }
        (wish.exemptions.len() > MAX_BUCKET_EXEMPTIONS).then(|| {
            format!(
                "Bucket {name} is not closed to others: its profiles make {} exemptions, and at most \
                 {MAX_BUCKET_EXEMPTIONS} can be made. Name fewer principals, with * where their ARNs differ.",
                wish.exemptions.len()
            )
        })
    }

    fn change(&mut self, wish: &Wish<'_>, policy: &BucketPolicy, difference: &Difference) {
        let Difference {
            missing,
            leaving,
            add_exemptions,
            opening: _,
            remove,
        } = difference;
        let introduces = !policy.has_statement();
        let mends = !introduces && !policy.is_intact();
        let seen = Seen::of(self.draft);
        let cuts = remove.vpc_endpoints.iter().any(|id| seen.endpoint(id).is_some());
        let tightens = introduces || mends || cuts || !remove.exemptions.is_empty();
        let keeps_us_out = !introduces && !missing.is_empty();
        let is_made = |target: &Target<VpcEndpointId>| matches!(target, Target::Made(_));
        let made_by = self.made_by.filter(|_| missing.iter().any(is_made));
        let action = Action::Bucket(BucketChange::PutPolicy {
            bucket: wish.bucket.to_owned(),
            region: self.draft.network.vpc.region.clone(),
            add_endpoints: missing.iter().cloned().collect(),
            remove_endpoints: remove.vpc_endpoints.iter().cloned().collect(),
            add_exemptions: add_exemptions.iter().cloned().collect(),
            remove_exemptions: remove.exemptions.iter().cloned().collect(),
        });
        let mut reasons = Vec::new();
        if introduces {
            reasons.push("profiles ask that the bucket is read through VPC endpoints only");
        }
        if keeps_us_out {
            reasons.push("the statement does not admit the endpoint that serves the profiles' subnets");
        }
        if mends {
            reasons.push("the statement is not as it was written");
        }
        if !remove.vpc_endpoints.is_empty() {
            reasons.push("the statement admits endpoints that no longer lead there");
        }
        if !introduces && (!add_exemptions.is_empty() || !remove.exemptions.is_empty()) {
            reasons.push("the exemptions are not those that profiles ask for");
        }
        let planned = PlannedAction::new(action, wish.serves(), reasons.join("; "))
            .about(&key(wish.bucket))
            .after(made_by)
            .disrupting(tightens.then(|| disruption(wish)));
        let planned = if keeps_us_out {
            planned.blocking(CONCERN).symptom(Symptom::NoWayToS3)
        } else {
            planned.leaving_unmet(CONCERN).closing_access()
        };
        if missing.is_empty() {
            self.draft.act(planned);
        } else {
            let is_replaced = |later: &Action| deleted_endpoint(later).is_some_and(|id| leaving.contains(id));
            self.draft.act_before(planned, is_replaced);
        }
    }

    /// Exempts those whom the statement, as it is there, keeps out. Until a person
    /// approves it, the stricter wish stands.
    fn open(&mut self, wish: &Wish<'_>, exemptions: &BTreeSet<Exemption>) {
        let action = Action::Bucket(BucketChange::PutPolicy {
            bucket: wish.bucket.to_owned(),
            region: self.draft.network.vpc.region.clone(),
            add_endpoints: Vec::new(),
            remove_endpoints: Vec::new(),
            add_exemptions: exemptions.iter().cloned().collect(),
            remove_exemptions: Vec::new(),
        });
        let disruption = Disruption {
            effect: format!(
                "{} may read its objects by other ways than VPC endpoints",
                crate::types::listed(exemptions)
            ),
            interfaces: vec![format!("whoever closed s3://{}", wish.bucket)],
            whom: BTreeSet::from([format!("owners of {}", wish.bucket)]),
        };
        let planned = PlannedAction::new(
            action,
            wish.serves(),
            "the exemptions are not those that profiles ask for",
        )
        .about(&key(wish.bucket))
        .disrupting(Some(disruption))
        .leaving_unmet(CONCERN);
        self.draft.act(planned);
    }

    /// What is about to be deleted is admitted until it is.
    fn drop_leaving(&mut self, wish: &Wish<'_>, leaving: &BTreeSet<VpcEndpointId>) {
        let deletions: Vec<ActionId> = self
            .draft
            .actions()
            .filter(|planned| deleted_endpoint(&planned.action).is_some_and(|id| leaving.contains(id)))
            .map(|planned| planned.id)
            .collect();
        let remove = Admission {
            vpc_endpoints: leaving.clone(),
            ..Admission::default()
        };
        let action = removal(self.draft, wish.bucket, &remove);
        let planned = PlannedAction::new(action, wish.serves(), "the endpoint is deleted");
        self.draft
            .act(planned.about(&key(wish.bucket)).after(deletions).deleting());
    }

    /// A bucket that nobody asks for any more: what was put there on account of
    /// this VPC is taken away. `is_named` says whether profiles still read it.
    fn let_go(&mut self, held: &BucketInForce, is_named: bool) {
        let name = held.name.as_str();
        let retained = self.draft.network.vpc.deletion_policy == DeletionPolicy::Retain;
        let seen = Seen::of(self.draft);
        if seen.is_missing(name) || (retained && !self.keeps(name)) {
            return;
        }
        let (remove, obstacle) = match seen.policy(name) {
            Err(Unseen { why, fix, .. }) => {
                self.remember_as_it_was(name);
                let noted = Admission {
                    vpc_endpoints: held.vpc_endpoint_ids.iter().cloned().collect(),
                    ..Admission::default()
                };
                (noted, Some(format!("{why}. {fix}")))
            }
            Ok(policy) => {
                let ours = seen.on_our_account(name, &policy);
                self.in_force.extend(in_force::entry(name, &ours));
                let is_shared = ours.vpc_endpoints != policy.admission().vpc_endpoints;
                // Others keep the statement, and it would keep our profiles out.
                if ours.vpc_endpoints.is_empty() || (is_shared && is_named) {
                    return;
                }
                (ours, None)
            }
        };
        if self.keeps(name) {
            return;
        }
        let planned = PlannedAction::new(removal(self.draft, name, &remove), Serves::Vpc, NOBODY_ASKS);
        self.draft
            .act(planned.about(&key(name)).deleting().waiting_for(obstacle));
    }

    /// Notes what is there on our account.
    fn remember(&mut self, wish: &Wish<'_>, policy: &BucketPolicy) {
        let mut ours = Seen::of(self.draft).on_our_account(wish.bucket, policy);
        if wish.enforced {
            let present = policy.admission();
            let wanted = wish.existing_endpoints();
            ours.vpc_endpoints
                .extend(present.vpc_endpoints.intersection(&wanted).cloned());
            ours.exemptions
                .extend(present.exemptions.intersection(&wish.exemptions).cloned());
        }
        self.in_force.extend(in_force::entry(wish.bucket, &ours));
    }

    fn remember_as_it_was(&mut self, name: &str) {
        let held = self.draft.history.buckets.get(name);
        self.in_force.extend(held.cloned());
    }

    fn unmet(&mut self, wish: &Wish<'_>, reason: Reason, message: &str) {
        for resolved in &wish.asking {
            let scope = resolved.scope();
            self.draft
                .find_weighing(Weight::Unmet, CONCERN, scope, reason, message.to_owned());
        }
    }
}

fn key(bucket: &str) -> ResourceKey {
    ResourceKey::BucketPolicy {
        bucket: bucket.to_owned(),
    }
}

fn removal(draft: &Draft<'_>, bucket: &str, remove: &Admission) -> Action {
    Action::Bucket(BucketChange::PutPolicy {
        bucket: bucket.to_owned(),
        region: draft.network.vpc.region.clone(),
        add_endpoints: Vec::new(),
        remove_endpoints: remove.vpc_endpoints.iter().cloned().collect(),
        add_exemptions: Vec::new(),
        remove_exemptions: remove.exemptions.iter().cloned().collect(),
    })
}

/// The endpoint that an action deletes, if it deletes one.
fn deleted_endpoint(action: &Action) -> Option<&VpcEndpointId> {
    if let Action::VpcEndpoint(VpcEndpointChange::Delete { id }) = action {
        Some(id)
    } else {
        None
    }
}

/// Whom our statement keeps out, besides those who should be.
fn disruption(wish: &Wish<'_>) -> Disruption {
    let spared = if wish.exemptions.is_empty() {
        "AWS services that read on someone's behalf among them".to_owned()
    } else {
        format!("except {}", crate::types::listed(&wish.exemptions))
    };
    Disruption {
        effect: format!("s3:GetObject is denied to them, {spared}"),
        interfaces: vec![format!(
            "everyone who reads s3://{} by another way than {}",
            wish.bucket,
            crate::types::listed(&wish.endpoints)
        )],
        whom: BTreeSet::from([format!("readers of {}", wish.bucket)]),
    }
}
