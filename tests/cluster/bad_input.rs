//! What cannot work is told with its cause and its fix, and changes nothing in
//! AWS.

use serde_json::{Value, json};

use crate::fixture::{Account, Network, Stack, World, eventually, wait};

const NOWHERE: &str = "0123456789abcdef0";

/// One thing that is wrong.
struct Case {
    name: &'static str,
    network: fn(&Account) -> Network,
    /// What of the VPC object's spec is unusual.
    vpc: fn(&World<'_>) -> Value,
    /// What of the profile's spec is unusual.
    profile: fn(&World<'_>) -> Value,
    /// On which object it is told, by which condition, for which reason.
    told: (Told, &'static str, &'static str),
    /// What the message must name.
    names: fn(&World<'_>) -> Vec<String>,
}

#[derive(Clone, Copy)]
enum Told {
    OnVpc,
    OnProfile,
}

const USUAL: Case = Case {
    name: "",
    network: Network::new,
    vpc: |_| json!({}),
    profile: |_| json!({}),
    told: (Told::OnProfile, "", ""),
    names: |_| Vec::new(),
};

const HOSTING: fn() -> Value = || json!([{ "name": "serve", "kind": "Hosting" }]);

const CASES: &[Case] = &[
    Case {
        name: "no-vpc",
        vpc: |_| json!({ "vpcId": format!("vpc-{NOWHERE}") }),
        told: (Told::OnVpc, "Accepted", "VpcNotFound"),
        names: |_| {
            vec![
                format!("vpc-{NOWHERE}"),
                "us-east-1".into(),
                "spec.credentials.network".into(),
            ]
        },
        ..USUAL
    },
    Case {
        name: "no-subnet",
        profile: |_| json!({ "subnets": { "ids": [format!("subnet-{NOWHERE}")] } }),
        told: (Told::OnProfile, "SubnetsReady", "SubnetNotFound"),
        names: |_| vec![format!("subnet-{NOWHERE}")],
        ..USUAL
    },
    Case {
        name: "no-tagged-subnet",
        vpc: |_| json!({ "subnets": { "selector": { "tags": { "tier": "secret" } } } }),
        told: (Told::OnVpc, "SubnetsReady", "SubnetNotFound"),
        names: |_| vec!["tier".into(), "secret".into()],
        ..USUAL
    },
    Case {
        name: "foreign-subnet",
        vpc: |world| json!({ "subnets": { "ids": [Network::new(&world.account).subnets[0]] } }),
        told: (Told::OnVpc, "SubnetsReady", "SubnetInOtherVpc"),
        names: |world| vec![world.network.vpc.clone()],
        ..USUAL
    },
    Case {
        name: "no-group",
        vpc: |_| json!({ "grants": { "securityGroups": ["sg-*"], "buckets": ["*"] } }),
        profile: |_| json!({ "securityGroups": { "ids": [format!("sg-{NOWHERE}")] } }),
        told: (Told::OnProfile, "SecurityGroupsReady", "SecurityGroupMissing"),
        names: |_| vec![format!("sg-{NOWHERE}")],
        ..USUAL
    },
    Case {
        name: "foreign-group",
        vpc: |_| json!({ "grants": { "securityGroups": ["sg-*"], "buckets": ["*"] } }),
        profile: |world| json!({ "securityGroups": { "ids": [Network::new(&world.account).make_group("elsewhere")] } }),
        told: (Told::OnProfile, "SecurityGroupsReady", "SecurityGroupInOtherVpc"),
        names: |world| vec![world.network.vpc.clone()],
        ..USUAL
    },
    Case {
        name: "not-allowed",
        vpc: |_| json!({ "allowedNamespaces": { "selector": { "matchLabels": { "team": "another" } } } }),
        told: (Told::OnProfile, "Accepted", "NotAllowed"),
        names: |_| vec!["kubectl label namespace not-allowed team=another".into()],
        ..USUAL
    },
    Case {
        name: "bucket-not-granted",
        profile: |_| json!({ "buckets": [{ "name": "payroll" }] }),
        told: (Told::OnProfile, "Accepted", "NotGranted"),
        names: |_| vec!["payroll".into(), "spec.grants.buckets".into()],
        ..USUAL
    },
    Case {
        name: "group-not-granted",
        profile: |_| json!({ "securityGroups": { "ids": [format!("sg-{NOWHERE}")] } }),
        told: (Told::OnProfile, "Accepted", "NotGranted"),
        names: |_| vec![format!("sg-{NOWHERE}"), "spec.grants.securityGroups".into()],
        ..USUAL
    },
    Case {
        name: "no-such-ref",
        profile: |_| json!({ "vpcRef": { "name": "nowhere-at-all" } }),
        told: (Told::OnProfile, "Accepted", "VpcRefNotFound"),
        names: |_| vec!["nowhere-at-all".into(), "kubectl get sagemakervpcs".into()],
        ..USUAL
    },
    Case {
        name: "one-zone",
        profile: |world| json!({ "subnets": { "ids": [world.network.subnets[0]] }, "workloads": HOSTING() }),
        told: (Told::OnProfile, "SubnetsReady", "TooFewZones"),
        names: |world| vec!["serve".into(), world.network.subnets[0].clone()],
        ..USUAL
    },
    Case {
        name: "too-few-addresses",
        network: |account| Network::with_prefix(account, 28),
        profile: |_| json!({ "workloads": [{ "name": "prepare", "kind": "Processing", "instances": 20 }] }),
        // 3 subnets of 16 addresses, of which AWS keeps 5 each, for 20 instances of 2.
        told: (Told::OnProfile, "CapacityReady", "TooFewAddresses"),
        names: |_| vec!["40".into(), "33".into()],
        ..USUAL
    },
    Case {
        name: "dedicated-tenancy",
        network: Network::dedicated,
        told: (Told::OnProfile, "SubnetsReady", "DedicatedTenancy"),
        names: |world| vec![world.network.vpc.clone(), "compile".into()],
        ..USUAL
    },
    Case {
        name: "public-subnet",
        network: |account| {
            let network = Network::new(account);
            let gateway = wait(network.client.create_internet_gateway().send())
                .unwrap()
                .internet_gateway
                .unwrap();
            let gateway = gateway.internet_gateway_id.unwrap();
            let attach = network.client.attach_internet_gateway().internet_gateway_id(&gateway);
            wait(attach.vpc_id(&network.vpc).send()).unwrap();
            let route = network
                .client
                .create_route()
                .route_table_id(&network.tables[0])
                .gateway_id(&gateway);
            wait(route.destination_cidr_block("0.0.0.0/0").send()).unwrap();
            network
        },
        told: (Told::OnProfile, "SubnetsReady", "PublicSubnet"),
        names: |world| vec!["prepare".into(), world.network.subnets[0].clone()],
        ..USUAL
    },
    Case {
        name: "unreadable-policy",
        vpc: |_| json!({ "s3": { "policy": { "type": "Custom", "document": "{\"Version\":" } } }),
        told: (Told::OnVpc, "Accepted", "InvalidPolicy"),
        names: |_| vec!["spec.s3.policy.document".into()],
        ..USUAL
    },
    Case {
        name: "denying-policy",
        vpc: |_| {
            let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
            json!({ "s3": { "policy": { "type": "Custom", "document": deny } } })
        },
        told: (Told::OnVpc, "Accepted", "InvalidPolicy"),
        names: |_| vec!["Allow".into()],
        ..USUAL
    },
];

#[test]
fn what_cannot_work_is_told_with_the_cause_and_changes_nothing() {
    let mut worlds = Vec::new();
    for case in CASES {
        let world = World::with(case.name, case.network);
        let objects = [
            world.vpc((case.vpc)(&world)),
            world.profile("fraud", (case.profile)(&world)),
        ];
        let before = world.network.census();
        world.kubectl().apply(&objects);
        worlds.push((case, world, before));
    }
    for (case, world, before) in worlds {
        let (on, type_, reason) = case.told;
        let message = match on {
            Told::OnVpc => world.until_vpc(type_, "False", reason),
            Told::OnProfile => world.until_profile("fraud", type_, "False", reason),
        };
        for name in (case.names)(&world) {
            assert!(message.contains(&name), "{}: {name:?} is not in {message:?}", case.name);
        }
        eventually(&format!("profile {} says that it is not ready", case.name), || {
            let profile = world.profile_now("fraud").unwrap();
            if profile["status"]["workloadsReady"]
                .as_str()
                .is_some_and(|ready| !ready.starts_with('3'))
            {
                return Ok(());
            }
            Err(format!("{profile:#}"))
        });
        assert_eq!(world.network.census(), before, "{}", case.name);
    }
}

#[test]
fn of_two_objects_for_one_vpc_the_older_has_it() {
    let world = World::new("duplicate");
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);
    world.until_ready("fraud");
    let made = world.network.census();
    world.kubectl().apply(&[world.vpc_named("duplicate-later", json!({}))]);
    let later = || world.kubectl().get(&["sagemakervpc", "duplicate-later"]);
    eventually("the later one is refused", || {
        let object = later().unwrap();
        let accepted = crate::fixture::condition(&object, "Accepted")
            .cloned()
            .unwrap_or_default();
        if accepted["reason"] == "DuplicateVpc" && accepted["message"].as_str().unwrap().contains("duplicate") {
            return Ok(());
        }
        Err(format!("{object:#}"))
    });
    assert_eq!(world.network.census(), made);
    world.until_ready("fraud");

    world
        .kubectl()
        .run(&["delete", "sagemakervpcprofile", "fraud", "--namespace", world.name]);
    world.delete_vpc();
    world.until_gone("the older one", || world.vpc_now());
    eventually("the later one takes over", || {
        let object = later().unwrap();
        if crate::fixture::is_true(&object, "Accepted") {
            Ok(())
        } else {
            Err(format!("{object:#}"))
        }
    });
}

#[test]
fn a_profile_waits_for_a_vpc_object_that_comes_later() {
    let world = World::on(Stack::shared(), "waits-for-vpc");
    world.kubectl().apply(&[world.profile("fraud", json!({}))]);
    world.until_profile("fraud", "Accepted", "False", "VpcRefNotFound");
    world.until_event("SageMakerVpcProfile", "fraud", "Refused");
    world.kubectl().apply(&[world.vpc(json!({}))]);
    world.until_ready("fraud");
}
