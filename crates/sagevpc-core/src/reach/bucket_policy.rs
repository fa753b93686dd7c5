//! What a bucket's policy denies of what workloads ask through an S3 gateway
//! endpoint, and what to write there.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{
    policy::why,
    s3_request::{BucketOwner, for_bucket, through},
};
use crate::{
    observed::VpcSnapshot,
    types::{VpcEndpointId, listed},
};
use iam_policy::{
    Context, Effect, FamilyDecision, PolicyDocument, Principal, Request, Statement, StatementRef, evaluate_family,
    evaluate_family_whoever_asks,
};

/// Who asks a bucket, and by which way.
#[derive(Clone, Copy, Debug)]
pub struct BucketAsker<'a> {
    /// The network that the request comes from.
    pub snapshot: &'a VpcSnapshot,
    /// The endpoint that it goes through.
    pub endpoint: &'a VpcEndpointId,
    /// Where in the VPC it comes from.
    pub from: &'a [IpNet],
    /// The ARN of the role that asks, where it is known.
    pub role: Option<&'a str>,
}

/// That a bucket's policy does not let a request in for sure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketRefusal {
    /// Whether it denies it, rather than that this cannot be told.
    pub is_sure: bool,
    /// Which statement does, and what to write in its place, to follow a colon.
    pub why: String,
}

impl BucketAsker<'_> {
    /// Whether the bucket's policy denies an action on resources of it.
    pub fn refusal(
        &self,
        policy: &PolicyDocument,
        bucket: &str,
        action: &str,
        resource: &str,
    ) -> Option<BucketRefusal> {
        let owner = BucketOwner::of(self.snapshot, bucket);
        let context = through(self.snapshot, Some(self.endpoint), self.from.iter().copied());
        let context = for_bucket(context, &owner, self.snapshot, policy);
        let context = match self.role {
            Some(role) => context.with_value("aws:PrincipalArn", role),
            None => context,
        };
        let decision = denied(policy, action, resource, context, self.role);
        let (is_sure, which, statements) = match &decision {
            FamilyDecision::Allowed { .. } | FamilyDecision::ImplicitlyDenied => return None,
            FamilyDecision::ExplicitlyDenied { statements } => {
                (true, format!("{} does", listed(statements)), statements.as_slice())
            }
            FamilyDecision::Partly { statement, .. } => (
                true,
                format!("{statement} covers a part of it"),
                std::slice::from_ref(statement),
            ),
            FamilyDecision::Unknown { statements, .. } => (false, why(&decision), statements.as_slice()),
        };
        let wrong = self.what_is_wrong(policy, statements);
        Some(BucketRefusal {
            is_sure,
            why: format!("{which}.{wrong}"),
        })
    }

    /// What in these statements is not so of requests through the endpoint, and what
    /// to write in its place, as sentences.
    fn what_is_wrong(&self, policy: &PolicyDocument, statements: &[StatementRef]) -> String {
        let Self { snapshot, endpoint, .. } = self;
        let places = statements.iter().filter_map(|one| one.number.checked_sub(1));
        let conditions = places
            .filter_map(|place| policy.statements.get(place))
            .flat_map(|statement| statement.condition.values().flatten());
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        let mut other_vpcs: BTreeSet<&str> = BTreeSet::new();
        let mut asks_for_address = false;
        let mut asks_for_role = false;
        let mut asks_for_subnet = false;
        for (key, values) in conditions {
            let values = values.iter().map(String::as_str);
            match key.to_ascii_lowercase().as_str() {
                "aws:sourcevpce" => gone.extend(values.filter(|id| snapshot.vpc_endpoint(&(*id).into()).is_none())),
                "aws:sourcevpc" => other_vpcs.extend(values.filter(|id| *id != snapshot.vpc.vpc_id.as_str())),
                "aws:sourceip" => asks_for_address = true,
                "aws:vpcsourceip" => asks_for_subnet = true,
                "aws:principalarn" => asks_for_role = true,
                _ => {}
            }
        }
        let vpc = &snapshot.vpc.vpc_id;
        let mut text = String::new();
        if !gone.is_empty() {
            text.push_str(&format!(
                " It names {}, which {vpc} does not have: write {endpoint} there.",
                listed(gone)
            ));
        }
        if !other_vpcs.is_empty() {
            text.push_str(&format!(" It names {}: write {vpc} there.", listed(other_vpcs)));
        }
        if asks_for_address {
            text.push_str(&format!(
                " It asks for aws:SourceIp, and a request through a gateway endpoint has no public address: ask for \
                 aws:SourceVpce {endpoint} as well."
            ));
        }
        if asks_for_subnet {
            text.push_str(
                " It asks for aws:VpcSourceIp, the address in the VPC: add the blocks of these subnets there.",
            );
        }
        if let Some(role) = self.role.filter(|_| asks_for_role) {
            text.push_str(&format!(
                " It asks for aws:PrincipalArn, and the role is {role}: add it there."
            ));
        }
        text
    }
}

/// What a bucket's policy denies. What it allows does not matter: in its own
/// account a role's policy is enough.
pub fn denied(
    policy: &PolicyDocument,
    action: &str,
    resource: &str,
    context: Context,
    role: Option<&str>,
) -> FamilyDecision {
    let everything = || Statement::allow(["*"]).everyone().on(["*"]);
    let mut denials = policy.clone();
    // None goes, so that a statement keeps its number in messages.
    for statement in denials
        .statements
        .iter_mut()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        *statement = everything();
    }
    denials.statements.push(everything());
    match role {
        Some(role) => {
            let request = Request::new(Principal::Aws(role.to_owned()), action, resource).in_context(context);
            evaluate_family(&denials, &request)
        }
        None => {
            let request = Request::new(Principal::Anonymous, action, resource).in_context(context);
            evaluate_family_whoever_asks(&denials, &request)
        }
    }
}
