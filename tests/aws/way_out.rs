//! The way out: addresses, NAT gateways and routes are made once, whatever goes
//! wrong, and taken away in their order.

use sagevpc::aws::Ec2;
use sagevpc_core::{
    observed::{Aspect, Route, Word, tags_of},
    plan::{Action, ActionId, AddressChange, NatGatewayChange, RouteChange, Step, Target},
    report::FailureKind,
    types::{AllocationId, AvailabilityZoneId, NatGatewayId, NatPlace, ResourceKey, RouteTableId, SubnetId},
};

use crate::{
    plans::{done, failure, look_at, only, plan, refused, run, step, us, waiting, world},
    support::{network::Network, road::Fault},
};

fn address_key(network: &Network) -> ResourceKey {
    ResourceKey::Address {
        subnet: network.subnets[2].clone(),
    }
}

fn gateway_key(network: &Network) -> ResourceKey {
    ResourceKey::NatGateway {
        place: NatPlace::Subnet(network.subnets[2].clone()),
    }
}

fn allocate(network: &Network) -> Action {
    let key = address_key(network);
    Action::Address(AddressChange::Allocate {
        tags: us().tags(&key),
        key,
    })
}

fn create_gateway(network: &Network, subnet: &SubnetId, address: Target<AllocationId>) -> Action {
    let key = gateway_key(network);
    Action::NatGateway(NatGatewayChange::Create {
        subnet: subnet.clone(),
        address,
        tags: us().tags(&key),
        key,
    })
}

fn create_route(table: &RouteTableId, nat_gateway: Target<NatGatewayId>) -> Action {
    Action::Route(RouteChange::Create {
        table: table.clone(),
        destination: "0.0.0.0/0".parse().unwrap(),
        nat_gateway,
    })
}

fn replace_route(table: &RouteTableId, nat_gateway: Target<NatGatewayId>) -> Action {
    Action::Route(RouteChange::Replace {
        table: table.clone(),
        destination: "0.0.0.0/0".parse().unwrap(),
        nat_gateway,
    })
}

fn delete_route(table: &RouteTableId) -> Action {
    Action::Route(RouteChange::Delete {
        table: table.clone(),
        destination: "0.0.0.0/0".parse().unwrap(),
    })
}

/// A NAT gateway of ours, with its address.
async fn gateway(network: &Network, ec2: &Ec2) -> (NatGatewayId, AllocationId) {
    let made = done(
        ec2,
        &plan([
            (allocate(network), &[][..]),
            (
                create_gateway(network, &network.subnets[2], Target::Made(address_key(network))),
                &[0],
            ),
        ]),
    )
    .await
    .made;
    (
        NatGatewayId::new(made[&gateway_key(network)].clone()),
        AllocationId::new(made[&address_key(network)].clone()),
    )
}

/// A NAT gateway of somebody else's.
async fn foreign_gateway(network: &Network) -> NatGatewayId {
    let address = network.client.allocate_address().send().await.unwrap();
    let create = network
        .client
        .create_nat_gateway()
        .subnet_id(network.subnets[0].as_str());
    let made = create
        .allocation_id(address.allocation_id.unwrap())
        .send()
        .await
        .unwrap();
    NatGatewayId::new(made.nat_gateway.unwrap().nat_gateway_id.unwrap())
}

async fn addresses(ec2: &Ec2, network: &Network) -> Vec<AllocationId> {
    let snapshot = look_at(ec2, &network.vpc, [Aspect::Addresses]).await;
    snapshot.addresses.into_keys().collect()
}

async fn default_route(ec2: &Ec2, network: &Network, table: &RouteTableId) -> Option<Route> {
    let mut snapshot = look_at(ec2, &network.vpc, []).await;
    let routes = snapshot.route_tables.remove(table).unwrap().routes.into_iter();
    let to_all = "0.0.0.0/0".parse().ok();
    routes.into_iter().find(|route| route.destination_cidr_block == to_all)
}

#[tokio::test]
async fn a_way_out_is_made_in_one_pass_and_seen() {
    let (network, _, ec2) = world().await;
    let outcome = done(
        &ec2,
        &plan([
            (allocate(&network), &[][..]),
            (
                create_gateway(&network, &network.subnets[2], Target::Made(address_key(&network))),
                &[0],
            ),
            (
                create_route(&network.main_table, Target::Made(gateway_key(&network))),
                &[1],
            ),
        ]),
    )
    .await;
    let id = NatGatewayId::new(outcome.made[&gateway_key(&network)].clone());
    let address = AllocationId::new(outcome.made[&address_key(&network)].clone());

    let snapshot = look_at(&ec2, &network.vpc, [Aspect::WayOut, Aspect::Addresses]).await;
    let gateway = &snapshot.nat_gateways[&id];
    assert_eq!(gateway.subnet_id.as_ref(), Some(&network.subnets[2]));
    assert_eq!(gateway.state.as_ref().map(Word::as_str), Some("available"));
    assert_eq!(gateway.connectivity_type.as_ref().map(Word::as_str), Some("public"));
    assert_eq!(us().key_of(&tags_of(&gateway.tags)), Some(gateway_key(&network)));
    assert_eq!(gateway.nat_gateway_addresses[0].allocation_id.as_ref(), Some(&address));
    let seen = &snapshot.addresses[&address];
    assert_eq!(us().key_of(&tags_of(&seen.tags)), Some(address_key(&network)));
    assert!(seen.public_ip.is_some() && seen.association_id.is_some(), "{seen:?}");
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert_eq!(route.nat_gateway_id.as_deref(), Some(id.as_str()));
}

#[tokio::test]
async fn a_regional_nat_gateway_is_made_once_in_no_subnet_and_takes_no_address_of_ours() {
    let (network, road, ec2) = world().await;
    let internet = network.client.create_internet_gateway().send().await.unwrap();
    let internet = internet.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = network.client.attach_internet_gateway().internet_gateway_id(internet);
    attach.vpc_id(network.vpc.as_str()).send().await.unwrap();
    let key = ResourceKey::NatGateway {
        place: NatPlace::Regional,
    };
    let create = Action::NatGateway(NatGatewayChange::CreateRegional {
        key: key.clone(),
        vpc: network.vpc.clone(),
        zones: [AvailabilityZoneId::new("use1-az1")].into(),
        tags: us().tags(&key),
    });
    road.next("CreateNatGateway", Fault::LoseAnswer);
    let plan = plan([
        (create, &[][..]),
        (create_route(&network.main_table, Target::Made(key.clone())), &[0]),
    ]);
    let id = NatGatewayId::new(done(&ec2, &plan).await.made[&key].clone());
    assert_eq!(road.calls("CreateNatGateway").len(), 2);

    let snapshot = look_at(&ec2, &network.vpc, [Aspect::WayOut, Aspect::Addresses]).await;
    assert_eq!(snapshot.nat_gateways.keys().collect::<Vec<_>>(), [&id]);
    let gateway = &snapshot.nat_gateways[&id];
    assert!(gateway.is_regional() && gateway.subnet_id.is_none(), "{gateway:?}");
    assert_eq!(us().key_of(&tags_of(&gateway.tags)), Some(key));
    assert!(snapshot.addresses.is_empty());
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert_eq!(route.nat_gateway_id.as_deref(), Some(id.as_str()));

    done(
        &ec2,
        &only(Action::NatGateway(NatGatewayChange::Delete { id: id.clone() })),
    )
    .await;
    let snapshot = look_at(&ec2, &network.vpc, [Aspect::WayOut]).await;
    assert!(snapshot.nat_gateways[&id].is_gone());
}

#[tokio::test]
async fn an_address_whose_answer_was_lost_is_found_and_no_second_one_made() {
    let (network, road, ec2) = world().await;
    road.next("AllocateAddress", Fault::LoseAnswer);
    let outcome = done(&ec2, &only(allocate(&network))).await;
    assert_eq!(
        road.calls("AllocateAddress").len(),
        1,
        "a second request makes a second address"
    );
    let again = done(&ec2, &only(allocate(&network))).await;
    assert_eq!(again.made, outcome.made);
    let ids = addresses(&ec2, &network).await;
    assert_eq!(ids, [AllocationId::new(outcome.made[&address_key(&network)].clone())]);
}

#[tokio::test]
async fn an_address_that_was_not_made_is_a_failure_that_is_tried_once() {
    let (network, road, ec2) = world().await;
    for _ in 0..3 {
        road.next(
            "AllocateAddress",
            Fault::Refuse {
                status: 503,
                code: "Unavailable",
                message: "The server is overloaded".into(),
            },
        );
    }
    let failure = failure(step(&ec2, allocate(&network)).await);
    assert_eq!(
        (failure.kind, failure.action.as_str()),
        (FailureKind::Unreachable, "ec2:AllocateAddress")
    );
    assert_eq!(road.calls("AllocateAddress").len(), 1);
    assert_eq!(addresses(&ec2, &network).await, []);
}

#[tokio::test]
async fn a_nat_gateway_whose_answer_was_lost_is_not_made_twice() {
    let (network, road, ec2) = world().await;
    road.next("CreateNatGateway", Fault::LoseAnswer);
    let (id, address) = gateway(&network, &ec2).await;
    assert_eq!(road.calls("CreateNatGateway").len(), 2);
    let again = create_gateway(&network, &network.subnets[2], Target::Existing(address));
    assert_eq!(done(&ec2, &only(again)).await.made[&gateway_key(&network)], id.as_str());
    let snapshot = look_at(&ec2, &network.vpc, [Aspect::WayOut]).await;
    assert_eq!(snapshot.nat_gateways.into_keys().collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_nat_gateway_made_with_the_same_token_but_otherwise_is_found_by_its_tags() {
    let (network, _, ec2) = world().await;
    let (id, address) = gateway(&network, &ec2).await;
    let elsewhere = create_gateway(&network, &network.subnets[1], Target::Existing(address));
    assert_eq!(
        done(&ec2, &only(elsewhere)).await.made[&gateway_key(&network)],
        id.as_str()
    );
}

#[tokio::test]
async fn without_its_address_no_nat_gateway_is_made() {
    let (network, road, ec2) = world().await;
    let outcome = run(
        &ec2,
        &only(create_gateway(
            &network,
            &network.subnets[2],
            Target::Made(address_key(&network)),
        )),
    )
    .await;
    assert_eq!(outcome.failures().count(), 1);
    assert_eq!(road.calls("CreateNatGateway").len(), 0);
}

#[tokio::test]
async fn a_route_that_is_there_already_counts_as_made() {
    let (network, road, ec2) = world().await;
    let (id, _) = gateway(&network, &ec2).await;
    road.next("CreateRoute", Fault::LoseAnswer);
    let create = || only(create_route(&network.main_table, Target::Existing(id.clone())));
    done(&ec2, &create()).await;
    done(&ec2, &create()).await;
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert_eq!(route.nat_gateway_id.as_deref(), Some(id.as_str()));
}

#[tokio::test]
async fn a_route_that_leads_elsewhere_is_left_alone_and_named() {
    let (network, _, ec2) = world().await;
    let theirs = foreign_gateway(&network).await;
    let route = network
        .client
        .create_route()
        .route_table_id(network.main_table.as_str());
    let route = route
        .destination_cidr_block("0.0.0.0/0")
        .nat_gateway_id(theirs.as_str());
    route.send().await.unwrap();
    let (ours, _) = gateway(&network, &ec2).await;
    let failure = failure(step(&ec2, create_route(&network.main_table, Target::Existing(ours))).await);
    assert_eq!(failure.code.as_deref(), Some("RouteAlreadyExists"));
    assert!(
        failure.message.contains(network.main_table.as_str()),
        "{}",
        failure.message
    );
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert_eq!(route.nat_gateway_id.as_deref(), Some(theirs.as_str()));
}

#[tokio::test]
async fn a_route_is_turned_and_taken_away_and_gone_counts_as_taken_away() {
    let (network, _, ec2) = world().await;
    let (first, _) = gateway(&network, &ec2).await;
    let second = foreign_gateway(&network).await;
    done(&ec2, &only(create_route(&network.main_table, Target::Existing(first)))).await;
    let replace = || only(replace_route(&network.main_table, Target::Existing(second.clone())));
    done(&ec2, &replace()).await;
    done(&ec2, &replace()).await;
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert_eq!(route.nat_gateway_id.as_deref(), Some(second.as_str()));
    for _ in 0..2 {
        done(&ec2, &only(delete_route(&network.main_table))).await;
    }
    assert_eq!(default_route(&ec2, &network, &network.main_table).await, None);
    done(&ec2, &only(delete_route(&RouteTableId::new("rtb-00000000000000000")))).await;
}

#[tokio::test]
async fn a_route_that_has_vanished_is_not_turned_but_looked_for_again() {
    let (network, _, ec2) = world().await;
    let (id, _) = gateway(&network, &ec2).await;
    let step = step(&ec2, replace_route(&network.main_table, Target::Existing(id))).await;
    assert!(waiting(&step).contains(network.main_table.as_str()), "{step:?}");
}

fn gateway_in(state: &str) -> Fault {
    Fault::Answer(format!(
        "<DescribeNatGatewaysResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><natGatewaySet><item>\
         <natGatewayId>nat-1</natGatewayId><state>{state}</state><failureMessage>no free address</failureMessage></item>\
         </natGatewaySet></DescribeNatGatewaysResponse>"
    ))
}

#[tokio::test]
async fn no_route_leads_to_a_nat_gateway_before_it_is_available() {
    let (network, road, ec2) = world().await;
    let target = || Target::Existing(NatGatewayId::new("nat-1"));
    for action in [
        create_route(&network.main_table, target()),
        replace_route(&network.main_table, target()),
    ] {
        road.next("DescribeNatGateways", gateway_in("pending"));
        let pending = step(&ec2, action.clone()).await;
        assert!(waiting(&pending).contains("nat-1 is pending"), "{pending:?}");
        road.next("DescribeNatGateways", gateway_in("failed"));
        let failed = failure(step(&ec2, action.clone()).await);
        assert!(failed.message.contains("no free address"), "{failed:?}");
        let unseen = step(&ec2, action).await;
        assert!(waiting(&unseen).contains("nat-1"), "{unseen:?}");
    }
    assert_eq!(road.calls("CreateRoute").len() + road.calls("ReplaceRoute").len(), 0);
}

#[tokio::test]
async fn a_nat_gateway_goes_before_its_address_and_both_only_once() {
    let (network, road, ec2) = world().await;
    let (id, address) = gateway(&network, &ec2).await;
    done(
        &ec2,
        &only(create_route(&network.main_table, Target::Existing(id.clone()))),
    )
    .await;
    let release = || Action::Address(AddressChange::Release { id: address.clone() });
    let delete = || Action::NatGateway(NatGatewayChange::Delete { id: id.clone() });
    let in_use = step(&ec2, release()).await;
    assert!(waiting(&in_use).contains(address.as_str()), "{in_use:?}");

    road.next("DeleteNatGateway", Fault::LoseAnswer);
    done(&ec2, &only(delete())).await;
    done(&ec2, &only(delete())).await;
    let route = default_route(&ec2, &network, &network.main_table).await.unwrap();
    assert!(!route.is_active(), "{route:?}");
    let snapshot = look_at(&ec2, &network.vpc, [Aspect::WayOut]).await;
    assert!(snapshot.nat_gateways[&id].is_gone());

    road.next("ReleaseAddress", Fault::LoseAnswer);
    done(&ec2, &only(release())).await;
    done(&ec2, &only(release())).await;
    assert_eq!(addresses(&ec2, &network).await, []);
}

#[tokio::test]
async fn an_address_that_a_service_still_holds_waits_and_one_that_is_not_ours_is_told() {
    let (network, road, ec2) = world().await;
    let (_, address) = gateway(&network, &ec2).await;
    let message = "You do not have permission to access the specified resource.";
    road.next("ReleaseAddress", refused("AuthFailure", message));
    let held = step(&ec2, Action::Address(AddressChange::Release { id: address })).await;
    assert!(waiting(&held).contains(message), "{held:?}");
    road.next("ReleaseAddress", refused("AuthFailure", message));
    let gone = AllocationId::new("eipalloc-00000000000000000");
    let outcome = run(&ec2, &only(Action::Address(AddressChange::Release { id: gone }))).await;
    assert!(matches!(outcome.steps[&ActionId(0)], Step::Failed(_)), "{outcome:?}");
}
