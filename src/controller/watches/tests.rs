use serde_json::json;

use super::*;

fn vpc(name: &str, vpc_id: &str) -> SageMakerVpc {
    serde_json::from_value(json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpc",
        "metadata": { "name": name },
        "spec": { "region": "us-east-1", "vpcId": vpc_id },
    }))
    .unwrap()
}

fn profile(namespace: &str, name: &str, vpc: &str) -> SageMakerVpcProfile {
    serde_json::from_value(json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpcProfile",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "vpcRef": { "name": vpc }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
    }))
    .unwrap()
}

/// Two teams in one VPC, a third in another, and two objects for one VPC.
fn cluster() -> Mirrors {
    let mut mirrors = Mirrors::default();
    for object in [
        vpc("research", "vpc-1"),
        vpc("research-again", "vpc-1"),
        vpc("production", "vpc-2"),
    ] {
        mirrors.vpcs.take(Event::Apply(object));
    }
    for object in [
        profile("ml-a", "a", "research"),
        profile("ml-b", "b", "research"),
        profile("ml-c", "c", "production"),
    ] {
        mirrors.profiles.take(Event::Apply(object));
    }
    mirrors
}

fn change<K>(object: K, gone: bool) -> Change<K> {
    Change {
        object: Arc::new(object),
        gone,
    }
}

fn woken(vpcs: &[&str], profiles: &[(&str, &str)]) -> Woken {
    Woken {
        vpcs: vpcs.iter().map(|name| (*name).to_owned()).collect(),
        profiles: profiles
            .iter()
            .map(|(namespace, name)| ((*namespace).to_owned(), (*name).to_owned()))
            .collect(),
    }
}

#[test]
fn a_vpc_object_wakes_itself_and_others_for_the_same_vpc() {
    let stores = cluster().stores();
    let changed = by_vpc(&change(vpc("research", "vpc-1"), false), &stores);
    assert_eq!(changed, woken(&["research", "research-again"], &[]));
}

#[test]
fn a_vpc_object_that_goes_wakes_its_rivals_and_its_profiles() {
    let mut mirrors = cluster();
    mirrors.vpcs.take(Event::Delete(vpc("research", "vpc-1")));
    let gone = by_vpc(&change(vpc("research", "vpc-1"), true), &mirrors.stores());
    assert_eq!(gone, woken(&["research-again"], &[("ml-a", "a"), ("ml-b", "b")]));
}

#[test]
fn a_profile_wakes_its_vpc_object_and_in_case_there_is_none_itself() {
    let object = profile("ml-a", "a", "research");
    assert_eq!(
        by_profile(&change(object.clone(), false)),
        woken(&["research"], &[("ml-a", "a")])
    );
    assert_eq!(by_profile(&change(object, true)), woken(&["research"], &[]));
}

#[test]
fn a_namespace_wakes_the_vpc_objects_of_its_profiles() {
    let meta: NamespaceMeta = serde_json::from_value(json!({ "metadata": { "name": "ml-c" } })).unwrap();
    assert_eq!(
        by_namespace(&change(meta, false), &cluster().stores()),
        woken(&["production"], &[])
    );
    let other: NamespaceMeta = serde_json::from_value(json!({ "metadata": { "name": "kube-public" } })).unwrap();
    assert_eq!(
        by_namespace(&change(other, false), &cluster().stores()),
        woken(&[], &[])
    );
}
