//! Interface endpoints are made once and changed in one call, and what stands in
//! the way of their private names is told.

use sagevpc::aws::Ec2;
use sagevpc_core::{
    observed::{VpcEndpoint, Word, tags_of},
    plan::{Action, DnsAttribute, Step, Target, VpcChange, VpcEndpointChange},
    types::{IpAddressType, ResourceKey, SecurityGroupId, SubnetId, VpcEndpointId},
};

use crate::{
    plans::{
        create_group, done, endpoints, failure, group_key, look, only, plan, policy, refused, run, step, us, waiting,
        world_and_account,
    },
    support::{
        moto::{Account, Moto, REGION},
        network::{Network, ZONES},
        road::{Fault, Road},
    },
};

struct World {
    account: Account,
    network: Network,
    road: Road,
    ec2: Ec2,
}

/// A VPC that resolves names.
async fn world() -> World {
    let (account, network, road, ec2) = world_and_account().await;
    let hostnames = Action::Vpc(VpcChange::ModifyAttribute {
        vpc: network.vpc.clone(),
        attribute: DnsAttribute::EnableDnsHostnames,
    });
    done(&ec2, &only(hostnames)).await;
    World {
        account,
        network,
        road,
        ec2,
    }
}

fn key() -> ResourceKey {
    ResourceKey::InterfaceEndpoint { service: "sts".into() }
}

fn create(network: &Network, subnets: &[usize], groups: Vec<Target<SecurityGroupId>>) -> Action {
    Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
        key: key(),
        vpc: network.vpc.clone(),
        service_name: format!("com.amazonaws.{REGION}.sts"),
        subnets: subnets.iter().map(|number| network.subnets[*number].clone()).collect(),
        groups,
        private_dns: true,
        ip_address_type: Some(IpAddressType::Ipv4),
        policy: Some(policy("sts:*")),
        tags: us().tags(&key()),
    })
}

fn with_subnet(id: &VpcEndpointId, subnet: &SubnetId) -> Action {
    Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
        id: id.clone(),
        policy: None,
        add_subnets: vec![subnet.clone()],
        remove_subnets: Vec::new(),
        add_groups: Vec::new(),
        remove_groups: Vec::new(),
        private_dns: None,
        ip_address_type: None,
    })
}

fn moved(id: &VpcEndpointId, network: &Network, from: &SecurityGroupId, to: &SecurityGroupId) -> Action {
    Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
        id: id.clone(),
        policy: Some(policy("sts:AssumeRole")),
        add_subnets: vec![network.subnets[2].clone()],
        remove_subnets: vec![network.subnets[0].clone()],
        add_groups: vec![Target::Existing(to.clone())],
        remove_groups: vec![from.clone()],
        private_dns: Some(false),
        ip_address_type: None,
    })
}

async fn only_endpoint(world: &World) -> VpcEndpoint {
    let snapshot = look(&world.ec2, &world.network.vpc).await;
    let found = endpoints(&snapshot);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

fn groups_of(endpoint: &VpcEndpoint) -> Vec<&SecurityGroupId> {
    endpoint.groups.iter().map(|group| &group.group_id).collect()
}

async fn made(world: &World, group: &SecurityGroupId) -> VpcEndpointId {
    let create = create(&world.network, &[0, 1], vec![Target::Existing(group.clone())]);
    VpcEndpointId::new(done(&world.ec2, &only(create)).await.made[&key()].clone())
}

#[tokio::test]
async fn an_endpoint_is_made_with_all_that_it_is_to_have() {
    let world = world().await;
    let group = world.network.group("more").await;
    let outcome = done(
        &world.ec2,
        &plan([
            (create_group(&world.network.vpc, "endpoints"), &[][..]),
            (
                create(
                    &world.network,
                    &[0, 1],
                    vec![Target::Made(group_key()), Target::Existing(group.clone())],
                ),
                &[0],
            ),
        ]),
    )
    .await;
    let endpoint = only_endpoint(&world).await;
    assert_eq!(endpoint.vpc_endpoint_id.as_str(), outcome.made[&key()]);
    assert!(!endpoint.is_gateway());
    assert_eq!(endpoint.service_name, format!("com.amazonaws.{REGION}.sts"));
    assert_eq!(endpoint.subnet_ids, world.network.subnets[..2]);
    let ours = SecurityGroupId::new(outcome.made[&group_key()].clone());
    assert_eq!(groups_of(&endpoint), [&ours, &group]);
    assert!(endpoint.private_dns_enabled);
    assert_eq!(endpoint.ip_address_type.as_ref().map(Word::as_str), Some("ipv4"));
    assert_eq!(
        endpoint.policy_document.as_deref().unwrap().parse(),
        Ok(policy("sts:*"))
    );
    assert_eq!(us().key_of(&tags_of(&endpoint.tags)), Some(key()));

    let snapshot = look(&world.ec2, &world.network.vpc).await;
    for id in &endpoint.network_interface_ids {
        let interface = &snapshot.network_interfaces[id];
        assert_eq!(
            interface.interface_type.as_ref().map(Word::as_str),
            Some("vpc_endpoint")
        );
        assert!(!interface.is_somebody_elses());
    }
    let free = |number: usize| snapshot.subnets[&world.network.subnets[number]].available_ip_address_count;
    assert_eq!([free(0), free(1), free(2)], [250, 250, 251]);
}

#[tokio::test]
async fn an_endpoint_whose_answer_was_lost_is_not_made_twice() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    world.road.next("CreateVpcEndpoint", Fault::LoseAnswer);
    let id = made(&world, &group).await;
    assert_eq!(world.road.calls("CreateVpcEndpoint").len(), 2);
    assert_eq!(made(&world, &group).await, id);
    assert_eq!(only_endpoint(&world).await.vpc_endpoint_id, id);
}

#[tokio::test]
async fn an_endpoint_made_with_the_same_token_but_otherwise_is_found_by_its_tags() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    let id = made(&world, &group).await;
    let wider = create(&world.network, &[0, 1, 2], vec![Target::Existing(group)]);
    assert_eq!(done(&world.ec2, &only(wider)).await.made[&key()], id.as_str());
}

#[tokio::test]
async fn a_new_group_is_tried_again_until_ec2_sees_it() {
    let world = world().await;
    for _ in 0..2 {
        let message = "The security group does not exist";
        world
            .road
            .next("CreateVpcEndpoint", refused("InvalidGroup.NotFound", message));
    }
    done(
        &world.ec2,
        &plan([
            (create_group(&world.network.vpc, "endpoints"), &[][..]),
            (create(&world.network, &[0], vec![Target::Made(group_key())]), &[0]),
        ]),
    )
    .await;
    assert_eq!(world.road.calls("CreateVpcEndpoint").len(), 3);
}

#[tokio::test]
async fn without_its_group_no_endpoint_is_made() {
    let world = world().await;
    let outcome = run(
        &world.ec2,
        &only(create(&world.network, &[0], vec![Target::Made(group_key())])),
    )
    .await;
    assert_eq!(outcome.failures().count(), 1);
    assert_eq!(world.road.calls("CreateVpcEndpoint").len(), 0);
}

#[tokio::test]
async fn everything_changes_in_one_call_and_again_changes_nothing() {
    let world = world().await;
    let (before, after) = (world.network.group("before").await, world.network.group("after").await);
    let id = made(&world, &before).await;
    let change = || only(moved(&id, &world.network, &before, &after));
    done(&world.ec2, &change()).await;
    assert_eq!(world.road.calls("ModifyVpcEndpoint").len(), 1);
    let changed = only_endpoint(&world).await;
    assert_eq!(changed.subnet_ids, world.network.subnets[1..]);
    assert_eq!(groups_of(&changed), [&after]);
    assert!(!changed.private_dns_enabled);
    assert_eq!(
        changed.policy_document.as_deref().unwrap().parse(),
        Ok(policy("sts:AssumeRole"))
    );

    // The subnet is there by now, so only the rest is asked for the second time.
    done(&world.ec2, &change()).await;
    assert_eq!(only_endpoint(&world).await, changed);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_counts_as_made() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    let id = made(&world, &group).await;
    let add = with_subnet(&id, &world.network.subnets[2]);
    world.road.next("ModifyVpcEndpoint", Fault::LoseAnswer);
    done(&world.ec2, &only(add)).await;
    let added = only_endpoint(&world).await.subnet_ids;
    assert_eq!(added, world.network.subnets);
}

#[tokio::test]
async fn a_subnet_whose_zone_is_taken_is_a_failure() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    let id = made(&world, &group).await;
    let subnet = world.network.client.create_subnet().vpc_id(world.network.vpc.as_str());
    let subnet = subnet
        .availability_zone(ZONES[0])
        .cidr_block("10.0.9.0/24")
        .send()
        .await
        .unwrap();
    let second = SubnetId::new(subnet.subnet.unwrap().subnet_id.unwrap());
    let failure = failure(step(&world.ec2, with_subnet(&id, &second)).await);
    assert_eq!(failure.code.as_deref(), Some("DuplicateSubnetsInSameZone"));
}

#[tokio::test]
async fn a_zone_without_the_service_is_a_failure() {
    let world = world().await;
    Moto::shared().offer(&world.account, "sts", &ZONES[..1]).await;
    let group = world.network.group("endpoints").await;
    let failure = failure(
        step(
            &world.ec2,
            create(&world.network, &[0, 1], vec![Target::Existing(group)]),
        )
        .await,
    );
    assert!(
        failure.message.contains(world.network.subnets[1].as_str()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_private_name_that_another_endpoint_has_is_told_with_that_endpoint() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    let theirs = world
        .network
        .client
        .create_vpc_endpoint()
        .vpc_id(world.network.vpc.as_str());
    let theirs = theirs
        .vpc_endpoint_type(aws_sdk_ec2::types::VpcEndpointType::Interface)
        .service_name(format!("com.amazonaws.{REGION}.sts"))
        .subnet_ids(world.network.subnets[2].as_str())
        .private_dns_enabled(true)
        .send()
        .await
        .unwrap();
    let theirs = theirs.vpc_endpoint.unwrap().vpc_endpoint_id.unwrap();
    let create = || create(&world.network, &[0], vec![Target::Existing(group.clone())]);
    let refusal = failure(step(&world.ec2, create()).await);
    for named in [theirs.as_str(), world.network.vpc.as_str(), "spec.adopt"] {
        assert!(refusal.message.contains(named), "{}", refusal.message);
    }

    // EC2 keeps the name for a while after its endpoint was deleted.
    let delete = VpcEndpointId::new(theirs.clone());
    done(
        &world.ec2,
        &only(Action::VpcEndpoint(VpcEndpointChange::Delete { id: delete })),
    )
    .await;
    let conflict = || {
        refused(
            "InvalidParameter",
            "there is already a conflicting DNS domain for sts in the VPC",
        )
    };
    world.road.next("CreateVpcEndpoint", conflict());
    let step_after = step(&world.ec2, create()).await;
    assert!(waiting(&step_after).contains(&theirs), "{step_after:?}");
    done(&world.ec2, &only(create())).await;
}

#[tokio::test]
async fn a_private_name_that_no_endpoint_has_is_a_hosted_zones() {
    let world = world().await;
    let group = world.network.group("endpoints").await;
    let words = "there is already a conflicting DNS domain for sts in the VPC";
    world.road.next("CreateVpcEndpoint", refused("InvalidParameter", words));
    let refusal = failure(step(&world.ec2, create(&world.network, &[0], vec![Target::Existing(group)])).await);
    assert!(refusal.message.contains("private hosted zone"), "{}", refusal.message);
}

#[tokio::test]
async fn a_change_of_an_endpoint_that_has_vanished_waits_for_the_next_look() {
    let world = world().await;
    let gone = VpcEndpointId::new("vpce-00000000000000000");
    let step = step(&world.ec2, with_subnet(&gone, &world.network.subnets[0])).await;
    assert!(
        matches!(&step, Step::Waiting { message } if message.contains(gone.as_str())),
        "{step:?}"
    );
}
