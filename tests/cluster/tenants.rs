//! What one team does to its profile holds up no other.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::{Value, json};

use crate::fixture::{World, condition, eventually, rules_of, wait};

/// A world with a profile that runs, in a namespace that only labels admit.
fn settled(name: &'static str) -> World<'static> {
    let world = World::new(name);
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    world.until_vpc("Ready", "True", "Ok");
    world
}

/// Takes a rule away behind the controller's back, and waits until it is back.
fn is_repaired(world: &World<'_>) {
    let group = world
        .network
        .groups()
        .into_iter()
        .find(|group| group.group_name().is_some_and(|name| name.contains("fraud")))
        .expect("the profile has its group");
    let before = rules_of(&group);
    let id = group.group_id().unwrap().to_owned();
    let revoke = world.network.client.revoke_security_group_ingress().group_id(&id);
    wait(revoke.set_ip_permissions(Some(group.ip_permissions().to_vec())).send()).unwrap();
    eventually("the rule is back", || {
        let groups = world.network.groups();
        let now = groups
            .iter()
            .find(|group| group.group_id() == Some(id.as_str()))
            .map(rules_of);
        (now.as_ref() == Some(&before)).then_some(()).ok_or(format!("{now:?}"))
    });
}

/// New labels: many large ones, or a single small one.
fn labels(round: usize, large: bool) -> String {
    let all: serde_json::Map<String, Value> = if large {
        (0..32)
            .map(|place| {
                (
                    format!("m{round:04}-{place:02}{}", "x".repeat(50)),
                    json!("v".repeat(60)),
                )
            })
            .collect()
    } else {
        [(format!("s{round:04}"), json!(""))].into_iter().collect()
    };
    json!({ "metadata": { "labels": all } }).to_string()
}

#[test]
fn a_profile_that_takes_no_change_holds_up_no_other() {
    let world = settled("too-large");
    // In a namespace that is admitted once the profile is as large as etcd takes.
    let elsewhere = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "too-large-team" } });
    let mut large = world.profile("large", json!({}));
    large["metadata"]["namespace"] = json!("too-large-team");
    let many: serde_json::Map<String, Value> = (0..11_000)
        .map(|place| (format!("l{place:06}{}", "x".repeat(50)), json!("v".repeat(60))))
        .collect();
    large["metadata"]["labels"] = Value::Object(many);
    world.kubectl().apply(&[elsewhere]);
    world.kubectl().create(&large);
    let patch = |round: usize, large: bool| {
        let body = labels(round, large);
        let object = ["patch", "sagemakervpcprofile", "large", "--namespace", "too-large-team"];
        world
            .kubectl()
            .try_run(&[&object[..], &["--type=merge", "--patch", &body]].concat())
    };
    for large in [true, false] {
        let refused = (0..1_000).find_map(|round| patch(round, large).err());
        assert!(refused.is_some(), "etcd takes it however large it is");
    }
    world
        .kubectl()
        .run(&["label", "namespace", "too-large-team", &format!("team={}", world.name)]);
    let said = world.until_vpc("ProfilesPresent", "False", "ProfileNotWritten");
    assert!(said.contains("too-large-team/large"), "{said}");
    is_repaired(&world);
    world.until_ready("fraud");
    let groups = world.network.groups();
    assert!(
        !groups
            .iter()
            .any(|group| group.group_name().unwrap().contains("large-team"))
    );
}

#[test]
fn a_team_that_takes_our_finalizer_off_again_and_again_holds_up_no_other() {
    let world = settled("stripped");
    world.kubectl().apply(&[world.profile("stubborn", json!({}))]);
    world.until_ready("stubborn");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let patch = r#"{"metadata":{"finalizers":null}}"#;
            while !stop.load(Ordering::Relaxed) {
                world.kubectl().run(&[
                    "patch",
                    "sagemakervpcprofile",
                    "stubborn",
                    "--namespace",
                    world.name,
                    "--type=merge",
                    "--patch",
                    patch,
                ]);
            }
        });
        let repaired = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..3 {
                is_repaired(&world);
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(problem) = repaired {
            std::panic::resume_unwind(problem);
        }
    });
    world.until_ready("stubborn");
}

#[test]
fn what_is_granted_to_one_namespace_another_may_not_name() {
    let world = World::new("granted");
    let other = format!("{}-other", world.name);
    let role = world.account.make_role("granted-fraud");
    let grants = json!({ "namespaces": [
        { "names": [world.name], "buckets": ["fraud-*"], "roles": [role], "destinations": ["*.example.org"] },
        { "selector": { "matchLabels": { "side": "other" } }, "buckets": ["other-*"] },
    ] });
    let labels = json!({ "team": world.name, "side": "other" });
    world.kubectl().apply(&[
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": other, "labels": labels } }),
        world.vpc(
            json!({ "grants": grants, "internet": { "mode": "Existing" }, "s3": { "policy": { "type": "Buckets" } } }),
        ),
        world.profile("fraud", json!({})),
    ]);
    world.until_ready("fraud");
    let before = world.network.census();

    let workload = |role: Option<&str>| json!([{ "name": "train", "kind": "Training", "roleArn": role }]);
    for (name, names, lacks) in [
        (
            "bucket",
            json!({ "buckets": [{ "name": "fraud-data" }] }),
            ["fraud-data", "spec.grants.buckets"],
        ),
        (
            "destination",
            json!({ "buckets": [], "destinations": [{ "host": "a.example.org" }] }),
            ["a.example.org", "spec.grants.destinations"],
        ),
        (
            "role",
            json!({ "buckets": [], "workloads": workload(Some(role.as_str())) }),
            [role.as_str(), "spec.grants.roles"],
        ),
    ] {
        let mut profile = world.profile(name, names);
        profile["metadata"]["namespace"] = json!(other);
        world.kubectl().apply(&[profile]);
        let said = eventually(&format!("profile {name} is refused"), || {
            let object = ["sagemakervpcprofile", name, "--namespace", &other];
            let now = world.kubectl().get(&object).unwrap_or_default();
            let is_refused = condition(&now, "Accepted").is_some_and(|accepted| accepted["reason"] == "NotGranted");
            let blockers = now["status"]["blockers"].to_string();
            is_refused.then_some(blockers).ok_or_else(|| format!("{now:#}"))
        });
        for part in lacks.into_iter().chain(["spec.grants.namespaces", other.as_str()]) {
            assert!(said.contains(part), "{name} lacks {part}: {said}");
        }
    }
    assert_eq!(world.network.census(), before);
    world.until_ready("fraud");
}
