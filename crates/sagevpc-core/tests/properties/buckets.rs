//! Bucket policies, with the rest of the VPC about them: what others put there
//! stays, nothing of ours is forgotten by a crash, and nobody is shut out on
//! the way.

use std::collections::{BTreeMap, BTreeSet};

use iam_policy::{PolicyDocument, Statement};
use proptest::{prelude::*, sample::Index};
use sagevpc_core::{
    api::{Bucket as BucketSpec, Exempt, RequireVpcEndpoint},
    desired::{BUCKET_STATEMENT, BucketPolicy, BucketPolicyChange, ChangedPolicy, Network},
    observed::{Bucket, Snapshot, VpcSnapshot},
    plan::{ClientTokens, History, Outcome, Plan, Repairs, plan},
    report::{Concern, Finding, Scope, Weight},
    types::{Admission, BucketAccess, Region, VpcEndpointId},
    validate::References,
};

use crate::{
    inputs::{World, claim, delete, now, plan_for, validated, world},
    memory::{Memory, is_ours},
};

/// What the owners of one bucket have put into its policy.
const OF_OTHERS: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"theirs","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::fraud-1/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

const OF_ANOTHER_VPC: &str = "vpce-0eeeeeeeeeeeeeee0";

fn bucket(name: &str, policy: Option<&str>) -> Bucket {
    Bucket {
        name: name.to_owned(),
        region: Some(Region::new("us-east-1")),
        policy: policy.map(str::to_owned),
        error: None,
    }
}

/// Our statement, as another VPC's object put it into a bucket.
fn of_another_vpc(name: &str) -> Option<String> {
    let policy = BucketPolicy::read(&arn(name), None).expect("no policy is one");
    let change = BucketPolicyChange {
        add: Admission {
            vpc_endpoints: BTreeSet::from([VpcEndpointId::new(OF_ANOTHER_VPC)]),
            ..Default::default()
        },
        ..Default::default()
    };
    match policy.changed(&change) {
        ChangedPolicy::Text(text) => Some(text),
        ChangedPolicy::Same | ChangedPolicy::None => panic!("an endpoint was added"),
    }
}

fn arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

/// A VPC whose profiles share three buckets: one without a policy, one with a
/// policy of others, one that another VPC's object closed already.
fn world_with_buckets() -> impl Strategy<Value = World> {
    let wish = proptest::option::of((0..3usize, proptest::option::of(any::<bool>())));
    (world("None"), proptest::collection::vec(wish, 3)).prop_map(|(mut world, wishes)| {
        let grants = &mut world.references.vpc.spec.grants.everyone;
        grants.enforce.buckets = vec!["fraud-*".to_owned()];
        for (reference, wish) in world.references.profiles.iter_mut().zip(wishes) {
            reference.profile.spec.buckets = wish
                .into_iter()
                .map(|(number, required)| BucketSpec {
                    name: format!("fraud-{number}"),
                    region: None,
                    access: BucketAccess::ReadWrite,
                    require_vpc_endpoint: required.map(|aws_services| RequireVpcEndpoint {
                        exempt: Exempt {
                            aws_services,
                            ..Exempt::default()
                        },
                    }),
                })
                .collect();
        }
        world.snapshot.buckets = vec![
            bucket("fraud-0", None),
            bucket("fraud-1", Some(OF_OTHERS)),
            bucket("fraud-2", of_another_vpc("fraud-2").as_deref()),
        ];
        world
    })
}

fn history(references: &References) -> History {
    History::new(references.vpc.status.as_ref(), &Repairs::default(), now())
}

fn next(references: &References, memory: &Memory) -> Plan {
    plan_for(references, &memory.snapshot, &history(references))
}

fn note(references: &mut References, plan: &Plan, outcome: &Outcome) {
    let status = references.vpc.status.get_or_insert_default();
    status.in_force.buckets = plan.buckets_after(outcome);
}

/// Carries plans out until nothing is left to do, noting what the controller
/// notes.
fn converge(references: &mut References, memory: &mut Memory) {
    for _ in 0..6 {
        let plan = next(references, memory);
        claim(references, &plan);
        let outcome = memory.apply(&plan);
        note(references, &plan, &outcome);
        if plan.actions.is_empty() {
            return;
        }
        memory.pass_time();
    }
    panic!("after six rounds there is still something to do");
}

fn statements(bucket: &Bucket) -> Vec<Statement> {
    let text = bucket.policy.as_deref();
    let document: Option<PolicyDocument> = text.map(|text| text.parse().expect("S3 holds a policy"));
    document.map(|document| document.statements).unwrap_or_default()
}

/// What others put into policies: all but our statement, and in it the
/// endpoints of another VPC.
fn of_others(memory: &Memory) -> Vec<(String, Vec<Statement>, bool)> {
    let buckets = memory.snapshot.buckets.iter();
    buckets
        .map(|bucket| {
            let (ours, others): (Vec<_>, Vec<_>) = statements(bucket)
                .into_iter()
                .partition(|statement| statement.sid.as_deref() == Some(BUCKET_STATEMENT));
            let names_theirs = ours
                .iter()
                .any(|statement| format!("{statement:?}").contains(OF_ANOTHER_VPC));
            (bucket.name.clone(), others, names_theirs)
        })
        .collect()
}

/// The endpoints that our statement lets in, by bucket; `None` without it.
fn let_in(memory: &Memory) -> BTreeMap<String, Option<BTreeSet<VpcEndpointId>>> {
    let read = |bucket: &Bucket| {
        let policy = BucketPolicy::read(&arn(&bucket.name), bucket.policy.as_deref()).expect("S3 holds a policy");
        let endpoints = policy.has_statement().then(|| policy.admission().vpc_endpoints.clone());
        (bucket.name.clone(), endpoints)
    };
    memory.snapshot.buckets.iter().map(read).collect()
}

/// Who is let in, but for the endpoints' ids: one that is made anew has another.
fn how_many(memory: &Memory) -> BTreeMap<String, Option<usize>> {
    let counted = let_in(memory).into_iter();
    counted
        .map(|(bucket, endpoints)| (bucket, endpoints.map(|ids| ids.len())))
        .collect()
}

/// A bucket's policy without our statement.
fn without_ours(bucket: &Bucket) -> Option<String> {
    let policy = BucketPolicy::read(&arn(&bucket.name), bucket.policy.as_deref()).expect("S3 holds a policy");
    let all = BucketPolicyChange {
        remove: policy.admission().clone(),
        ..BucketPolicyChange::default()
    };
    match policy.changed(&all) {
        ChangedPolicy::Same => bucket.policy.clone(),
        ChangedPolicy::Text(text) => Some(text),
        ChangedPolicy::None => None,
    }
}

proptest! {
    #[test]
    fn what_is_closed_admits_whoever_reads_it(mut world in world_with_buckets()) {
        let mut memory = Memory::new(world.snapshot.clone());
        let before = of_others(&memory);
        converge(&mut world.references, &mut memory);
        prop_assert_eq!(of_others(&memory), before);
        let last = next(&world.references, &memory);
        let closed = let_in(&memory);
        for reference in world.references.profiles.iter().filter(|profile| last.contributing.contains(&profile.key())) {
            let key = reference.key();
            for bucket in reference.profile.spec.buckets.iter().filter(|bucket| bucket.require_vpc_endpoint.is_some()) {
                let concerns = |finding: &&Finding| match &finding.scope {
                    Scope::SageMakerVpc | Scope::Vpc => true,
                    Scope::Profile(profile) | Scope::Workloads(profile, _) => *profile == key,
                };
                let without_a_way = last.findings.iter().filter(concerns).any(|finding| {
                    matches!(finding.concern, Concern::S3 | Concern::Subnets) && finding.weight == Weight::Blocks
                });
                prop_assert!(closed[&bucket.name].is_some() || without_a_way, "{} stays open: {:?}", bucket.name, last.findings);
            }
        }
        // S3's gateway endpoints that are there: ours, and one of somebody else's.
        let there: BTreeSet<&VpcEndpointId> = memory.snapshot.vpc_endpoints.iter()
            .filter(|endpoint| endpoint.is_gateway())
            .map(|endpoint| &endpoint.vpc_endpoint_id)
            .collect();
        for (bucket, endpoints) in let_in(&memory) {
            for id in endpoints.iter().flatten().filter(|id| id.as_str() != OF_ANOTHER_VPC) {
                prop_assert!(there.contains(id), "{bucket} lets {id} in, which is not there");
            }
        }
    }

    #[test]
    fn nobody_who_stays_is_shut_out_on_the_way(
        mut world in world_with_buckets(),
        wishes in world_with_buckets(),
    ) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world.references, &mut memory);
        for (reference, changed) in world.references.profiles.iter_mut().zip(&wishes.references.profiles) {
            reference.profile.spec = changed.profile.spec.clone();
        }
        let before = let_in(&memory);
        let plan = next(&world.references, &memory);
        claim(&mut world.references, &plan);
        let mut steps = Vec::new();
        memory.apply_watched(&plan, &ClientTokens::new(), |planned, snapshot| {
            steps.push((planned.action.name(), let_in(&Memory::new(snapshot.clone()))));
        });
        let after = let_in(&memory);
        for (bucket, was) in &before {
            let (Some(was), Some(is)) = (was, &after[bucket]) else { continue };
            for (name, on_the_way) in &steps {
                let Some(now) = &on_the_way[bucket] else { continue };
                let lost: Vec<_> = was.intersection(is).filter(|id| !now.contains(*id)).collect();
                prop_assert!(lost.is_empty(), "{name} shut {lost:?} out of {bucket}");
            }
        }
    }

    #[test]
    fn policies_are_in_the_end_as_they_were(mut world in world_with_buckets()) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world.references, &mut memory);
        delete(&mut world.references);
        converge(&mut world.references, &mut memory);
        for (after, before) in memory.snapshot.buckets.iter().zip(&world.snapshot.buckets) {
            prop_assert_eq!(statements(after), statements(before));
        }
        let status = world.references.vpc.status.unwrap_or_default();
        prop_assert!(status.in_force.buckets.is_empty(), "{:?}", status.in_force.buckets);
    }

    #[test]
    fn no_bucket_is_forgotten_by_a_crash(mut world in world_with_buckets(), place in any::<Index>()) {
        let mut memory = Memory::new(world.snapshot.clone());
        let first = next(&world.references, &memory);
        claim(&mut world.references, &first);
        // Written down before anything is sent; what came of it never is.
        world.references.vpc.status.get_or_insert_default().in_force.buckets = first.buckets_ahead();
        let mut made = BTreeMap::new();
        let sent = place.index(first.actions.len() + 1);
        for planned in first.actions.iter().take(sent).filter(|planned| planned.runs_now()) {
            memory.perform(&planned.action, &ClientTokens::new(), &mut made);
        }
        memory.pass_time();
        delete(&mut world.references);
        converge(&mut world.references, &mut memory);
        for (after, before) in memory.snapshot.buckets.iter().zip(&world.snapshot.buckets) {
            prop_assert_eq!(statements(after), statements(before));
        }
    }

    #[test]
    fn buckets_are_opened_though_the_vpc_went_before_its_object(mut world in world_with_buckets()) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world.references, &mut memory);
        delete(&mut world.references);
        let network = Network::new(&validated(&world.references));
        let gone = VpcSnapshot::gone(&network.vpc.vpc_id, &Snapshot::default());
        let gone = gone.with_buckets(&memory.snapshot.buckets);
        let last = plan(&network, &gone, &history(&world.references));
        memory.apply(&last);
        for (after, before) in memory.snapshot.buckets.iter().zip(&world.snapshot.buckets) {
            prop_assert_eq!(statements(after), statements(before));
        }
    }

    #[test]
    fn our_statement_is_put_back_whatever_becomes_of_it(mut world in world_with_buckets(), damage in 0..3u8) {
        let mut memory = Memory::new(world.snapshot.clone());
        converge(&mut world.references, &mut memory);
        let whole = how_many(&memory);
        let ours: Vec<String> = world.references.vpc.status.iter()
            .flat_map(|status| &status.in_force.buckets)
            .map(|bucket| bucket.name.clone())
            .collect();
        match damage {
            0 => for bucket in memory.snapshot.buckets.iter_mut().filter(|bucket| bucket.name != "fraud-2") {
                bucket.policy = without_ours(bucket);
            },
            1 => for bucket in memory.snapshot.buckets.iter_mut().filter(|bucket| ours.contains(&bucket.name)) {
                bucket.policy = bucket.policy.as_ref().map(|text| text.replace("s3:GetObject", "s3:*"));
            },
            // The endpoint that is let in goes, and another takes its place.
            _ => {
                let id = memory.snapshot.vpc_endpoints.iter()
                    .find(|endpoint| endpoint.is_gateway() && is_ours(&endpoint.tags))
                    .map(|endpoint| endpoint.vpc_endpoint_id.clone());
                if let Some(id) = id {
                    memory.delete_endpoint(&id);
                }
            }
        }
        converge(&mut world.references, &mut memory);
        prop_assert_eq!(how_many(&memory), whole);
        for bucket in memory.snapshot.buckets.iter().filter(|bucket| ours.contains(&bucket.name)) {
            let policy = BucketPolicy::read(&arn(&bucket.name), bucket.policy.as_deref()).expect("S3 holds a policy");
            prop_assert!(policy.is_intact(), "{bucket:?}");
        }
    }
}
