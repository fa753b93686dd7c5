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

macro_rules! cases {
    ($($test:ident: $case:expr,)*) => {$(
        #[test]
        fn $test() {
            check(&$case);
        }
    )*};
}

cases! {
    a_vpc_that_does_not_exist: Case {
        name: "no-vpc",
        vpc: |_| json!({ "vpcId": format!("vpc-{NOWHERE}") }),
        told: (Told::OnVpc, "Accepted", "VpcNotFound"),
        names: |_| vec![format!("vpc-{NOWHERE}"), "us-east-1".into(), "spec.credentials.network".into()],
        ..USUAL
    },
    a_subnet_that_does_not_exist: Case {
        name: "no-subnet",
        profile: |_| json!({ "subnets": { "ids": [format!("subnet-{NOWHERE}")] } }),
        told: (Told::OnProfile, "SubnetsReady", "SubnetNotFound"),
        names: |_| vec![format!("subnet-{NOWHERE}")],
        ..USUAL
    },
    a_tag_that_no_subnet_has: Case {
        name: "no-tagged-subnet",
        vpc: |_| json!({ "subnets": { "selector": { "tags": { "tier": "secret" } } } }),
        told: (Told::OnProfile, "SubnetsReady", "SubnetNotFound"),
        names: |_| vec!["spec.subnets of SageMakerVpc no-tagged-subnet".into()],
        ..USUAL
    },
    a_subnet_of_another_vpc: Case {
        name: "foreign-subnet",
        vpc: |world| json!({ "subnets": { "ids": [Network::new(&world.account).subnets[0]] } }),
        told: (Told::OnVpc, "SubnetsReady", "SubnetInOtherVpc"),
        names: |world| vec![world.network.vpc.clone()],
        ..USUAL
    },
    a_security_group_that_does_not_exist: Case {
        name: "no-group",
        vpc: |_| json!({ "grants": { "securityGroups": ["sg-*"], "buckets": ["*"] } }),
        profile: |_| json!({ "securityGroups": { "ids": [format!("sg-{NOWHERE}")] } }),
        told: (Told::OnProfile, "SecurityGroupsReady", "SecurityGroupMissing"),
        names: |_| vec![format!("sg-{NOWHERE}")],
        ..USUAL
    },
    a_security_group_of_another_vpc: Case {
        name: "foreign-group",
        vpc: |_| json!({ "grants": { "securityGroups": ["sg-*"], "buckets": ["*"] } }),
        profile: |world| {
            json!({ "securityGroups": { "ids": [Network::new(&world.account).make_group("elsewhere")] } })
        },
        told: (Told::OnProfile, "SecurityGroupsReady", "SecurityGroupInOtherVpc"),
        names: |world| vec![world.network.vpc.clone()],
        ..USUAL
    },
    a_namespace_that_is_not_allowed: Case {
        name: "not-allowed",
        vpc: |_| json!({ "allowedNamespaces": { "selector": { "matchLabels": { "team": "another" } } } }),
        told: (Told::OnProfile, "Accepted", "NotAllowed"),
        names: |_| vec!["kubectl label namespace not-allowed team=another".into()],
        ..USUAL
    },
    a_bucket_that_is_not_granted: Case {
        name: "bucket-not-granted",
        profile: |_| json!({ "buckets": [{ "name": "payroll" }] }),
        told: (Told::OnProfile, "Accepted", "NotGranted"),
        names: |_| vec!["payroll".into(), "spec.grants.buckets".into()],
        ..USUAL
    },
    a_security_group_that_is_not_granted: Case {
        name: "group-not-granted",
        profile: |_| json!({ "securityGroups": { "ids": [format!("sg-{NOWHERE}")] } }),
        told: (Told::OnProfile, "Accepted", "NotGranted"),
        names: |_| vec![format!("sg-{NOWHERE}"), "spec.grants.securityGroups".into()],
        ..USUAL
    },
    a_reference_to_no_vpc_object: Case {
        name: "no-such-ref",
        profile: |_| json!({ "vpcRef": { "name": "nowhere-at-all" } }),
        told: (Told::OnProfile, "Accepted", "VpcRefNotFound"),
        names: |_| vec!["nowhere-at-all".into(), "kubectl get sagemakervpcs".into()],
        ..USUAL
    },
    hosting_in_one_zone: Case {
        name: "one-zone",
        profile: |world| json!({ "subnets": { "ids": [world.network.subnets[0]] }, "workloads": HOSTING() }),
        told: (Told::OnProfile, "SubnetsReady", "TooFewZones"),
        names: |world| vec!["Hosting".into(), world.network.subnets[0].clone()],
        ..USUAL
    },
    too_few_addresses: Case {
        name: "too-few-addresses",
        network: |account| Network::with_prefix(account, 28),
        profile: |_| json!({ "workloads": [{ "name": "prepare", "kind": "Processing", "instances": 20 }] }),
        // 3 subnets of 16 addresses, of which AWS keeps 5 each, for 20 instances of 2.
        told: (Told::OnProfile, "CapacityReady", "TooFewAddresses"),
        names: |_| vec!["40".into(), "33".into()],
        ..USUAL
    },
    dedicated_tenancy: Case {
        name: "dedicated-tenancy",
        network: Network::dedicated,
        profile: |_| json!({ "workloads": [{ "name": "compile", "kind": "Compilation" }] }),
        told: (Told::OnProfile, "SubnetsReady", "DedicatedTenancy"),
        names: |world| vec![world.network.vpc.clone(), "Compilation".into()],
        ..USUAL
    },
    a_host_beyond_a_public_subnet: Case {
        name: "public-subnet",
        network: |account| {
            let network = Network::new(account);
            let gateway = wait(network.client.create_internet_gateway().send()).unwrap().internet_gateway.unwrap();
            let gateway = gateway.internet_gateway_id.unwrap();
            let attach = network.client.attach_internet_gateway().internet_gateway_id(&gateway);
            wait(attach.vpc_id(&network.vpc).send()).unwrap();
            let route = network.client.create_route().route_table_id(&network.tables[0]).gateway_id(&gateway);
            wait(route.destination_cidr_block("0.0.0.0/0").send()).unwrap();
            network
        },
        vpc: |_| json!({
            "managementPolicy": "Observe",
            "internet": { "mode": "Existing" },
            "grants": { "destinations": ["*"], "buckets": ["fraud-*"] },
        }),
        profile: |_| json!({
            "workloads": [{ "name": "prepare", "kind": "Processing" }],
            "destinations": [{ "host": "pypi.org" }],
        }),
        told: (Told::OnProfile, "InternetReady", "NoWayOut"),
        names: |world| vec!["no public address".into(), world.network.subnets[0].clone()],
    },
    a_policy_that_cannot_be_read: Case {
        name: "unreadable-policy",
        vpc: |_| json!({ "s3": { "policy": { "type": "Custom", "document": "{\"Version\":" } } }),
        told: (Told::OnVpc, "Accepted", "InvalidPolicy"),
        names: |_| vec!["spec.s3.policy.document".into()],
        ..USUAL
    },
    a_policy_that_only_denies: Case {
        name: "denying-policy",
        vpc: |_| {
            let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
            json!({ "s3": { "policy": { "type": "Custom", "document": deny } } })
        },
        told: (Told::OnVpc, "Accepted", "InvalidPolicy"),
        names: |_| vec!["Allow".into()],
        ..USUAL
    },
}

fn check(case: &Case) {
    let world = World::with(case.name, case.network);
    let objects = [
        world.vpc((case.vpc)(&world)),
        world.profile("fraud", (case.profile)(&world)),
    ];
    let before = world.network.census();
    world.kubectl().apply(&objects);
    let (on, type_, reason) = case.told;
    let message = match on {
        Told::OnVpc => world.until_vpc(type_, "False", reason),
        Told::OnProfile => world.until_profile("fraud", type_, "False", reason),
    };
    for name in (case.names)(&world) {
        assert!(message.contains(&name), "{name:?} is not in {message:?}");
    }
    eventually("the profile says that not all of its workloads can run", || {
        let profile = world.profile_now("fraud").unwrap();
        match profile["status"]["workloadsReady"]
            .as_str()
            .and_then(|ready| ready.split_once('/'))
        {
            Some((ready, all)) if ready != all => Ok(()),
            _ => Err(format!("{profile:#}")),
        }
    });
    assert_eq!(world.network.census(), before);
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
