//! Our statement in bucket policies that hold anything else.

use iam_policy::{ContextValue, PolicyDocument, Request, evaluate, same_meaning};
use proptest::collection::btree_set;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sagevpc_core::{
    desired::{BUCKET_STATEMENT, BucketPolicy, BucketPolicyChange, ChangedPolicy, bucket_statement},
    types::{Admission, Exemption, VpcEndpointId},
};

#[expect(dead_code, reason = "the properties of policies need more of it")]
#[path = "../../../iam-policy/tests/properties/vocabulary.rs"]
mod vocabulary;

use vocabulary::*;

/// As the vocabulary names it.
const BUCKET: &str = "a";
const ENDPOINTS: [&str; 4] = ["vpce-1", "vpce-2", "vpce-3", "vpce-4"];

fn admission() -> impl Strategy<Value = Admission> {
    let exemption = prop_oneof![
        Just(Exemption::AwsServices),
        select(
            &[
                "arn:aws:iam::111122223333:role/ml/*",
                "arn:aws:iam::111122223333:user/ana"
            ][..]
        )
        .prop_map(|arn| Exemption::Principal(arn.to_owned())),
    ];
    (
        btree_set(select(&ENDPOINTS[..]).prop_map(VpcEndpointId::new), 0..4),
        btree_set(exemption, 0..3),
    )
        .prop_map(|(vpc_endpoints, exemptions)| Admission {
            vpc_endpoints,
            exemptions,
        })
}

/// A change that does not take away what it adds.
fn change() -> impl Strategy<Value = BucketPolicyChange> {
    (admission(), admission()).prop_map(|(add, mut remove)| {
        remove.vpc_endpoints.retain(|id| !add.vpc_endpoints.contains(id));
        remove
            .exemptions
            .retain(|exemption| !add.exemptions.contains(exemption));
        BucketPolicyChange { add, remove }
    })
}

/// A policy of others, perhaps with our statement somewhere in it.
fn policy() -> impl Strategy<Value = (PolicyDocument, Option<Admission>)> {
    let admitting = admission().prop_filter("it admits some endpoint", |admission| {
        !admission.vpc_endpoints.is_empty()
    });
    (document(), proptest::option::of((admitting, any::<Index>()))).prop_map(|(mut policy, ours)| {
        let admission = ours.map(|(admission, place)| {
            let place = place.index(policy.statements.len() + 1);
            policy.statements.insert(place, bucket_statement(BUCKET, &admission));
            admission
        });
        (policy, admission)
    })
}

fn read(policy: &PolicyDocument) -> BucketPolicy {
    BucketPolicy::read(BUCKET, Some(&policy.to_string())).expect("it was written as a policy")
}

fn without_ours(policy: &PolicyDocument) -> PolicyDocument {
    let mut others = policy.clone();
    others
        .statements
        .retain(|statement| statement.sid.as_deref() != Some(BUCKET_STATEMENT));
    others
}

/// The policy after a change.
fn after(policy: &PolicyDocument, change: &BucketPolicyChange) -> PolicyDocument {
    match read(policy).changed(change) {
        ChangedPolicy::Same => policy.clone(),
        ChangedPolicy::Text(text) => text.parse().expect("a policy is written"),
        ChangedPolicy::None => panic!("the others' statements are lost"),
    }
}

fn through(request: &Request, endpoint: ContextValue) -> Request {
    let context = request.context.clone().with("aws:SourceVpce", endpoint);
    request.clone().in_context(context)
}

proptest! {
    #[test]
    fn everything_else_stays((policy, _) in policy(), change in change()) {
        let changed = after(&policy, &change);
        prop_assert_eq!(without_ours(&changed).statements, without_ours(&policy).statements);
        prop_assert!(same_meaning(&without_ours(&changed), &without_ours(&policy)));
        prop_assert_eq!((changed.version, changed.id), (policy.version, policy.id));
    }

    #[test]
    fn only_what_is_named_is_added_and_removed((policy, before) in policy(), change in change()) {
        let before = before.unwrap_or_default();
        let changed = read(&after(&policy, &change));
        let endpoints: std::collections::BTreeSet<_> = before
            .vpc_endpoints
            .union(&change.add.vpc_endpoints)
            .filter(|id| !change.remove.vpc_endpoints.contains(id))
            .cloned()
            .collect();
        prop_assert_eq!(changed.has_statement(), !endpoints.is_empty());
        prop_assert_eq!(&changed.admission().vpc_endpoints, &endpoints);
        if !endpoints.is_empty() {
            prop_assert!(changed.is_intact());
            prop_assert!(changed.admission().exemptions.is_superset(&change.add.exemptions));
            prop_assert!(changed.admission().exemptions.is_disjoint(&change.remove.exemptions));
        }
    }

    #[test]
    fn a_change_made_twice_is_made_once((policy, _) in policy(), change in change()) {
        let changed = after(&policy, &change);
        prop_assert_eq!(read(&changed).changed(&change), ChangedPolicy::Same);
    }

    #[test]
    fn changes_of_two_vpcs_may_come_in_either_order(
        (policy, _) in policy(),
        (mine, mut theirs) in (change(), change()),
    ) {
        // Each VPC has endpoints and exemptions of its own.
        for part in [&mut theirs.add, &mut theirs.remove] {
            part.vpc_endpoints = part
                .vpc_endpoints
                .iter()
                .map(|id| VpcEndpointId::new(format!("{id}f")))
                .collect();
            part.exemptions.clear();
        }
        let mut mine = mine;
        mine.add.exemptions.clear();
        mine.remove.exemptions.clear();
        let one = read(&after(&after(&policy, &mine), &theirs));
        let other = read(&after(&after(&policy, &theirs), &mine));
        prop_assert_eq!(
            &one.admission().vpc_endpoints,
            &other.admission().vpc_endpoints
        );
        prop_assert!(same_meaning(&without_ours(one.document()), &without_ours(other.document())));
    }

    #[test]
    fn nothing_but_reading_objects_by_other_ways_is_denied(
        (policy, _) in policy(),
        change in change(),
        request in request(&MEMBERS, circumstances().prop_map(|circumstances| known_in_full(&circumstances))),
        endpoint in select(&ENDPOINTS[..]),
    ) {
        let changed = after(&policy, &change);
        let others = without_ours(&policy);
        let admission = read(&changed).admission().clone();
        let inside = through(&request, ContextValue::Values(vec![endpoint.to_owned()]));
        let outside = through(&request, ContextValue::Absent);
        let is_read = request.action == "s3:GetObject" && (request.resource == "a" || request.resource.starts_with("a/"));
        if !is_read || admission.vpc_endpoints.contains(&VpcEndpointId::new(endpoint)) || admission.vpc_endpoints.is_empty() {
            prop_assert_eq!(evaluate(&changed, &inside).is_allowed(), evaluate(&others, &inside).is_allowed());
        }
        if is_read && !admission.vpc_endpoints.is_empty() && admission.exemptions.is_empty() {
            prop_assert_eq!(evaluate(&changed, &outside).is_allowed(), Some(false));
        }
        if !is_read {
            prop_assert_eq!(evaluate(&changed, &outside).is_allowed(), evaluate(&others, &outside).is_allowed());
        }
    }
}
