//! What is said of what carries our tags and is not known to be ours.

use std::collections::BTreeSet;

use super::{CandidateKind, Claims, Stranger, Why};
use crate::{
    api::Reason,
    plan::draft::Draft,
    report::{Concern, Finding, Scope, Weight},
    types::{ResourceKey, TAG_ADOPTED, TAG_CLUSTER, TAG_RESOURCE, TAG_VPC},
};

/// Reports what is left alone though it carries our tags.
pub(in crate::plan) fn tell(draft: &mut Draft<'_>) {
    for finding in findings(draft.claims) {
        draft.push(finding);
    }
}

fn findings(claims: &Claims) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unclear: BTreeSet<&ResourceKey> = BTreeSet::new();
    for (id, stranger) in &claims.strangers {
        let concern = stranger.kind.concern();
        if stranger.why == Why::Gone {
            continue;
        }
        match why(stranger) {
            Some(why) => {
                let message = format!(
                    "{} {id} carries sagevpc's tags for {}, and {why}: it is taken for somebody else's and left alone. \
                     {}",
                    stranger.kind.as_str(),
                    stranger.key,
                    fix_for(stranger)
                );
                findings.push(told(concern, Weight::Aside, message).about(id));
            }
            None if unclear.insert(&stranger.key) => {
                let message = claims.unclear(&stranger.key).unwrap_or_default();
                findings.push(told(concern, Weight::Unmet, message));
            }
            None => {}
        }
    }
    findings
}

fn told(concern: Concern, weight: Weight, message: String) -> Finding {
    Finding::new(concern, Scope::SageMakerVpc, Reason::OwnershipUnclear, message).weighing(weight)
}

/// Why it is not ours; `None` where it may be.
fn why(stranger: &Stranger) -> Option<String> {
    match &stranger.why {
        Why::Misfit => Some(match stranger.kind {
            CandidateKind::SecurityGroup => "has another name than sagevpc gives for that".to_owned(),
            CandidateKind::GatewayEndpoint | CandidateKind::InterfaceEndpoint => "leads to another service".to_owned(),
            CandidateKind::NatGateway => "is somewhere else".to_owned(),
            CandidateKind::Address => "is used by something that sagevpc did not give it to".to_owned(),
            CandidateKind::FlowLog => "records something else".to_owned(),
        }),
        Why::AnotherIsOurs(other) => Some(format!("the one that sagevpc made for that is {other}")),
        Why::OlderThanOurs => Some("was there already when sagevpc made its own".to_owned()),
        Why::NotAdopted => {
            Some("is marked as adopted, which spec.adopt does not say and sagevpc did not note".to_owned())
        }
        Why::Unclear | Why::Gone => None,
    }
}

fn fix_for(stranger: &Stranger) -> String {
    match &stranger.why {
        Why::NotAdopted => format!(
            "Take its tags {TAG_CLUSTER}, {TAG_VPC}, {TAG_RESOURCE} and {TAG_ADOPTED} off; or list it in spec.adopt to \
             have it managed."
        ),
        Why::Misfit | Why::AnotherIsOurs(_) | Why::OlderThanOurs | Why::Unclear | Why::Gone => fix("it"),
    }
}

/// How to say that something is not sagevpc's.
pub(super) fn fix(of: &str) -> String {
    format!("Take the tags {TAG_CLUSTER}, {TAG_VPC} and {TAG_RESOURCE} off {of}.")
}
