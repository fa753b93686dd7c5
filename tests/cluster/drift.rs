//! What is changed behind our back is found by looking, told, and put back.

use serde_json::json;

use crate::fixture::{Controller, World, always_until, eventually, rules_of, tables_of, wait};

const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// A world that is as declared.
fn settled(name: &'static str) -> World<'static> {
    let world = World::new(name);
    world.kubectl().apply(&[
        world.vpc(json!({})),
        world.profile("fraud", json!({ "packageRepositories": "Deny" })),
    ]);
    world.until_ready("fraud");
    // The VPC's status follows the profile's.
    world.until_vpc("Ready", "True", "Ok");
    world
}

#[test]
fn a_revoked_rule_comes_back() {
    let world = settled("drift-rule");
    let group = world.network.group();
    let before = rules_of(&group);
    let revoke = world
        .network
        .client
        .revoke_security_group_ingress()
        .group_id(group.group_id().unwrap());
    wait(revoke.set_ip_permissions(Some(group.ip_permissions().to_vec())).send()).unwrap();
    assert_ne!(rules_of(&world.network.group()), before);

    eventually("the rule is back", || {
        let now = rules_of(&world.network.group());
        if now == before {
            Ok(())
        } else {
            Err(format!("{now:?} and not {before:?}"))
        }
    });
    let told = world.until_event("SageMakerVpcProfile", "fraud", "DriftRepaired");
    assert!(told.contains(group.group_id().unwrap()), "{told}");
    world.until_event("SageMakerVpc", world.name, "DriftDetected");
}

#[test]
fn a_rule_that_someone_added_goes() {
    let world = settled("drift-added");
    let group = world.network.group();
    let before = rules_of(&group);
    let world_open = aws_sdk_ec2::types::IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build())
        .build();
    let open = world
        .network
        .client
        .authorize_security_group_ingress()
        .group_id(group.group_id().unwrap());
    wait(open.ip_permissions(world_open).send()).unwrap();
    eventually("the rule is gone", || {
        let now = rules_of(&world.network.group());
        if now == before {
            Ok(())
        } else {
            Err(format!("{now:?} and not {before:?}"))
        }
    });
}

#[test]
fn a_route_table_taken_off_the_endpoint_comes_back() {
    let world = settled("drift-table");
    let endpoint = world.network.endpoint();
    let before = tables_of(&endpoint);
    let modify = world
        .network
        .client
        .modify_vpc_endpoint()
        .vpc_endpoint_id(endpoint.vpc_endpoint_id().unwrap());
    wait(modify.remove_route_table_ids(&world.network.tables[1]).send()).unwrap();
    assert_ne!(tables_of(&world.network.endpoint()), before);

    eventually("the route table is back", || {
        let now = tables_of(&world.network.endpoint());
        if now == before {
            Ok(())
        } else {
            Err(format!("{now:?} and not {before:?}"))
        }
    });
    let told = world.until_event("SageMakerVpc", world.name, "DriftDetected");
    assert!(told.contains(&world.network.tables[1]), "{told}");
    eventually("the repair is counted", || {
        let vpc = world.vpc_now().unwrap();
        let drift = &vpc["status"]["drift"];
        if drift["open"] == 0 && drift["repaired"] == 1 {
            Ok(())
        } else {
            Err(drift.to_string())
        }
    });
}

#[test]
fn a_replaced_policy_is_put_back() {
    let world = settled("drift-policy");
    let endpoint = world.network.endpoint();
    let before = endpoint.policy_document().unwrap().to_owned();
    let modify = world
        .network
        .client
        .modify_vpc_endpoint()
        .vpc_endpoint_id(endpoint.vpc_endpoint_id().unwrap());
    wait(modify.policy_document(FULL_ACCESS).send()).unwrap();

    eventually("the policy is back", || {
        let now = world.network.endpoint().policy_document().unwrap().to_owned();
        if now == before { Ok(()) } else { Err(now) }
    });
    world.until_event("SageMakerVpc", world.name, "DriftRepaired");
}

#[test]
fn a_policy_in_another_spelling_is_no_drift() {
    let world = settled("drift-spelling");
    let endpoint = world.network.endpoint();
    let mut policy: serde_json::Value = serde_json::from_str(endpoint.policy_document().unwrap()).unwrap();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement["Principal"] = json!({ "AWS": ["*"] });
    }
    let respelled = serde_json::to_string_pretty(&policy).unwrap();
    let modify = world
        .network
        .client
        .modify_vpc_endpoint()
        .vpc_endpoint_id(endpoint.vpc_endpoint_id().unwrap());
    wait(modify.policy_document(&respelled).send()).unwrap();
    a_few_looks(&world, || {
        assert_eq!(world.network.endpoint().policy_document(), Some(respelled.as_str()));
    });
    assert_eq!(world.event("SageMakerVpc", world.name, "DriftDetected"), None);
}

#[test]
fn a_steady_state_writes_nothing() {
    let world = settled("steady");
    let before = (world.vpc_now(), world.profile_now("fraud"), world.network.census());
    a_few_looks(&world, || {});
    let after = (world.vpc_now(), world.profile_now("fraud"), world.network.census());
    assert_eq!(before, after, "resourceVersion and times included");
}

/// Waits until the VPC was looked at some more times, checking all the while.
fn a_few_looks(world: &World<'_>, check: impl FnMut()) {
    let controller = Controller::shared();
    let passes = || {
        let own = format!("vpc=\"{}\"", world.name);
        controller
            .log()
            .lines()
            .filter(|line| line.contains(&own) && line.contains("the pass ended"))
            .count()
    };
    let begun = passes();
    always_until("the VPC was looked at three times more", check, || {
        let now = passes();
        if now >= begun + 3 {
            Ok(())
        } else {
            Err(format!("{} times", now - begun))
        }
    });
}
