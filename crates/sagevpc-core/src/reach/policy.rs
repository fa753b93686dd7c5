//! What a policy decides for requests of workloads to S3, what that rests on, in
//! words, and what to write for them to pass.

use super::s3_request::{BucketOwner, RESOURCE_ACCOUNT, RESOURCE_ORG, for_bucket};
use crate::{
    catalog::bucket_actions,
    observed::VpcSnapshot,
    types::{BucketAccess, BucketUse, listed},
};
use iam_policy::{
    Context, Effect, FamilyDecision, PolicyDocument, Principal, Request, ResourceClause, Share, Statement,
    StatementRef, Unjudged, evaluate_family_for_anyone, evaluate_family_whoever_asks,
};

/// The statements that decide for a family of resources, and how.
pub fn why(decision: &FamilyDecision) -> String {
    match decision {
        FamilyDecision::ImplicitlyDenied => "no statement allows it".to_owned(),
        FamilyDecision::ExplicitlyDenied { statements } => format!("{} denies it", listed(statements)),
        FamilyDecision::Partly { statement, .. } => format!("{statement} covers only a part of it"),
        FamilyDecision::Allowed { statements } => format!("{} allows it", listed(statements)),
        FamilyDecision::Unknown { statements, missing } => {
            let keys: Vec<&str> = missing
                .iter()
                .filter_map(|missing| match missing {
                    Unjudged::ContextKey(key) => Some(key.as_str()),
                    Unjudged::Operator(_)
                    | Unjudged::Value { .. }
                    | Unjudged::SeveralValues(_)
                    | Unjudged::Variable(_)
                    | Unjudged::Principal(_)
                    | Unjudged::NotPrincipal(_) => None,
                })
                .collect();
            let on = listed(statements);
            if keys.is_empty() {
                format!("it hangs on {on}, on who asks and how")
            } else {
                format!("it hangs on {on}, on who asks and how: {} is not known", listed(keys))
            }
        }
    }
}

/// What an endpoint's policy decides for a request, and why.
#[derive(Clone, Debug)]
pub struct Judged {
    /// How much of the resources can be had.
    pub share: Share,
    /// Which statement decides so, and on account of what.
    pub why: String,
    /// What to write in the policy for the request to pass, as a sentence, where
    /// that follows from what is in it.
    pub mend: Option<String>,
}

/// A bucket, or what is asked of S3 as such, and how requests for it come.
pub struct Asked<'a> {
    /// The network that is asked about.
    pub snapshot: &'a VpcSnapshot,
    /// The bucket, where it is one; it may have wildcards.
    pub bucket: Option<&'a str>,
    /// What is known of the request.
    pub context: Context,
}

impl Asked<'_> {
    /// Judges an action on resources of the bucket.
    pub fn judge(&self, policy: &PolicyDocument, action: &str, resource: &str) -> Judged {
        let Some(bucket) = self.bucket else {
            let decision = evaluate_family_whoever_asks(policy, &self.request(self.context.clone(), action, resource));
            return Judged {
                share: decision.share(),
                why: why(&decision),
                mend: None,
            };
        };
        let owner = BucketOwner::of(self.snapshot, bucket);
        let context = for_bucket(self.context.clone(), &owner, self.snapshot, policy);
        let request = self.request(context, action, resource);
        let decision = evaluate_family_whoever_asks(policy, &request);
        let narrowing = match &decision {
            FamilyDecision::ImplicitlyDenied => allowing_otherwise(policy, action, resource),
            FamilyDecision::ExplicitlyDenied { statements } => statements.clone(),
            FamilyDecision::Partly { .. } | FamilyDecision::Allowed { .. } | FamilyDecision::Unknown { .. } => {
                Vec::new()
            }
        };
        let first = narrowing.iter().find_map(|one| {
            let statement = policy.statements.get(one.number.checked_sub(1)?)?;
            let deciding = deciding_conditions(policy, statement, &request);
            (!deciding.is_empty()).then_some((one, statement, deciding))
        });
        let (why, mend) = match first {
            None => (why(&decision), None),
            Some((place, statement, deciding)) => (
                format!(
                    "{}{}",
                    in_words(place, statement.effect, &deciding),
                    whose(&owner, bucket, &deciding)
                ),
                self.mend(&owner, bucket, place, statement, &deciding),
            ),
        };
        Judged {
            share: decision.share(),
            why,
            mend,
        }
    }

    fn request(&self, context: Context, action: &str, resource: &str) -> Request {
        Request::new(Principal::Anonymous, action, resource).in_context(context)
    }

    /// What to write, where it is the bucket's owner that a condition asks for.
    fn mend(
        &self,
        owner: &BucketOwner,
        bucket: &str,
        place: &StatementRef,
        statement: &Statement,
        deciding: &[Condition<'_>],
    ) -> Option<String> {
        let of_owner = deciding.iter().find(|condition| condition.is_of_owner())?;
        match (owner, statement.effect) {
            (BucketOwner::Unknown, _) => None,
            (BucketOwner::Account(account), Effect::Allow) => {
                Some(format!("Add {account} to {} of {place}.", of_owner.key))
            }
            (BucketOwner::Account(account), Effect::Deny) => Some(format!(
                "Except {account} by {} of {place}, or the bucket by NotResource.",
                of_owner.key
            )),
            (BucketOwner::Aws, effect) => {
                let partition = self.snapshot.region.as_ref().map_or("aws", |region| region.partition());
                let arn = format!("arn:{partition}:s3:::{bucket}");
                let uses = bucket_actions(Some(&BucketUse::new(bucket, BucketAccess::ReadOnly))).asked;
                Some(match effect {
                    Effect::Allow => {
                        let allow = Statement::allow(uses.iter().map(|(action, _)| *action))
                            .everyone()
                            .on(uses.iter().map(|(_, objects)| format!("{arn}{objects}")));
                        format!("Add this statement: {}.", allow.to_value())
                    }
                    Effect::Deny => format!(
                        "Let {place} say {} in place of its resources.",
                        excepting(statement, &arn)
                    ),
                })
            }
        }
    }
}

/// The resources of a denial without a bucket.
fn excepting(statement: &Statement, arn: &str) -> String {
    let mut left_out = vec![arn.to_owned(), format!("{arn}/*")];
    match &statement.resource {
        Some(ResourceClause::NotResource(list)) => {
            left_out.splice(0..0, list.iter().cloned());
        }
        Some(ResourceClause::Resource(_)) | None => {}
    }
    let texts: Vec<String> = left_out.iter().map(|text| format!("{text:?}")).collect();
    format!("\"NotResource\": [{}]", texts.join(", "))
}

/// The statements that allow a request if it is made in the right way.
fn allowing_otherwise(policy: &PolicyDocument, action: &str, resource: &str) -> Vec<StatementRef> {
    match evaluate_family_for_anyone(policy, action, resource) {
        FamilyDecision::Unknown { statements, .. } => statements,
        FamilyDecision::ImplicitlyDenied
        | FamilyDecision::ExplicitlyDenied { .. }
        | FamilyDecision::Partly { .. }
        | FamilyDecision::Allowed { .. } => Vec::new(),
    }
}

/// One condition of a statement.
struct Condition<'s> {
    operator: String,
    key: &'s str,
    values: &'s [String],
}

impl Condition<'_> {
    fn is_of_owner(&self) -> bool {
        let keys = RESOURCE_ACCOUNT.iter().chain(&RESOURCE_ORG);
        keys.into_iter().any(|key| key.eq_ignore_ascii_case(self.key))
    }
}

/// The conditions on account of which a statement does not allow a request, or
/// denies it.
fn deciding_conditions<'s>(policy: &PolicyDocument, statement: &'s Statement, request: &Request) -> Vec<Condition<'s>> {
    let all = statement
        .condition
        .iter()
        .flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| (operator, key, values)));
    all.filter(|(operator, key, values)| {
        let alone = Statement::allow(["*"]).everyone().on(["*"]).when(
            (*operator).clone(),
            key.as_str(),
            values.iter().cloned(),
        );
        let document = PolicyDocument {
            version: policy.version,
            ..PolicyDocument::new([alone])
        };
        let holds = evaluate_family_whoever_asks(&document, request).share();
        holds
            == match statement.effect {
                Effect::Allow => Share::None,
                Effect::Deny => Share::All,
            }
    })
    .map(|(operator, key, values)| Condition {
        operator: operator.to_string(),
        key,
        values,
    })
    .collect()
}

fn in_words(place: &StatementRef, effect: Effect, conditions: &[Condition<'_>]) -> String {
    let conditions = conditions
        .iter()
        .map(|one| format!("{} {} {}", one.operator, one.key, listed(one.values)));
    let conditions = listed(conditions);
    match effect {
        Effect::Allow => format!("{place} allows it only where {conditions} holds"),
        Effect::Deny => format!("{place} denies it where {conditions} holds"),
    }
}

/// Whose the bucket is, where a condition asks for it.
fn whose(owner: &BucketOwner, bucket: &str, conditions: &[Condition<'_>]) -> String {
    if !conditions.iter().any(Condition::is_of_owner) {
        return String::new();
    }
    match owner {
        BucketOwner::Aws => format!(", and {bucket} is AWS's own, in no account of yours"),
        BucketOwner::Account(account) => format!(", and {bucket} is in account {account}"),
        BucketOwner::Unknown => String::new(),
    }
}
