//! What only some specs need is looked at for these alone, and a role that may
//! not see it fails these alone.

use std::collections::{BTreeMap, BTreeSet};

use sagevpc_core::{
    observed::{Aspect, Interest, Word},
    report::FailureKind,
    types::{NetworkInterfaceId, VpcId},
};

use crate::{
    plans::{look, look_at, world_and_account},
    support::{
        moto::{Moto, REGION},
        network::{Network, ZONES},
        road::Fault,
        tally::Tally,
    },
};

const ALL: [Aspect; 6] = [
    Aspect::InterfaceServices,
    Aspect::WayOut,
    Aspect::Addresses,
    Aspect::FlowLogs,
    Aspect::LeftFlowLogs,
    Aspect::InterfacePermissions,
];

fn interest(vpc: &VpcId, aspects: impl IntoIterator<Item = Aspect>) -> Interest {
    Interest {
        vpc: Some(vpc.clone()),
        aspects: aspects.into_iter().collect(),
        ..Interest::default()
    }
}

/// What is looked at for an aspect alone, by the names of its calls.
fn calls(aspect: Aspect) -> &'static [&'static str] {
    match aspect {
        Aspect::InterfaceServices => &["DescribeVpcEndpointServices"],
        Aspect::WayOut => &["DescribeNatGateways", "DescribeInternetGateways"],
        Aspect::Addresses => &["DescribeAddresses"],
        Aspect::FlowLogs | Aspect::LeftFlowLogs => &["DescribeFlowLogs"],
        Aspect::InterfacePermissions => &["DescribeNetworkInterfacePermissions"],
    }
}

async fn attach_internet_gateway(network: &Network) -> String {
    let made = network.client.create_internet_gateway().send().await.unwrap();
    let id = made.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = network.client.attach_internet_gateway().internet_gateway_id(&id);
    attach.vpc_id(network.vpc.as_str()).send().await.unwrap();
    id
}

async fn sagemakers_interface(network: &Network) -> NetworkInterfaceId {
    let group = network.group("workloads").await;
    network.interface(&group, "SageMaker-Network-Interface").await
}

#[tokio::test]
async fn each_aspect_costs_its_own_calls_and_once_for_all_who_ask() {
    let account = Moto::shared().account();
    let networks = [Network::new(&account).await, Network::new(&account).await];
    for network in &networks {
        sagemakers_interface(network).await;
    }
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    let ask = |aspects: &[Aspect]| {
        let asked = networks
            .each_ref()
            .map(|network| interest(&network.vpc, aspects.iter().copied()));
        let ec2 = ec2.clone();
        async move {
            let both = futures::future::try_join_all(asked.iter().map(|one| ec2.observe(one))).await;
            both.unwrap();
        }
    };
    ask(&[]).await;
    tally.take();
    ask(&[]).await;
    let steady = tally.take();
    for aspect in ALL {
        ask(&[aspect]).await;
        let mut expected = steady.clone();
        expected.extend(calls(aspect).iter().map(|name| ((*name).to_owned(), 1)));
        assert_eq!(tally.take(), expected, "{aspect:?}");
    }
    ask(&[Aspect::InterfaceServices]).await;
    assert_eq!(tally.take(), steady, "services are remembered for an hour");
}

#[tokio::test]
async fn services_for_interface_endpoints_are_seen_with_their_zones() {
    let (account, network, _, ec2) = world_and_account().await;
    Moto::shared()
        .offer(&account, "elastic-inference.runtime", &ZONES[..2])
        .await;
    let vpc = look_at(&ec2, &network.vpc, [Aspect::InterfaceServices]).await;
    let named = |service: &str| {
        let name = format!("com.amazonaws.{REGION}.{service}");
        let kinds = vpc
            .endpoint_services
            .iter()
            .filter(move |found| found.service_name == name);
        kinds.cloned().collect::<Vec<_>>()
    };
    let inference = named("elastic-inference.runtime");
    assert_eq!(inference.len(), 1);
    assert_eq!(inference[0].availability_zones, ZONES[..2]);
    assert!(!inference[0].is_gateway());
    let sts = named("sts");
    assert_eq!(sts[0].owner.as_ref().map(Word::as_str), Some("amazon"));
    assert_eq!(sts[0].private_dns_name.as_deref(), Some("sts.us-east-1.amazonaws.com"));
    assert_eq!(
        sts[0]
            .supported_ip_address_types
            .iter()
            .map(Word::as_str)
            .collect::<Vec<_>>(),
        ["ipv4"]
    );
    assert!(sts[0].vpc_endpoint_policy_supported && !sts[0].acceptance_required);
    // S3 has services of both kinds.
    assert!(vpc.s3_service_name().is_some());
    let (gateway, interface): (Vec<_>, Vec<_>) = named("s3").into_iter().partition(|kind| kind.is_gateway());
    assert_eq!((gateway.len(), interface.len()), (1, 1));
}

#[tokio::test]
async fn gateways_are_seen_where_a_route_leads_to_them_though_nobody_asked() {
    let (_, network, road, ec2) = world_and_account().await;
    let id = attach_internet_gateway(&network).await;
    assert_eq!(look(&ec2, &network.vpc).await.internet_gateway, None);
    assert_eq!(road.calls("DescribeInternetGateways").len(), 0);
    let route = network
        .client
        .create_route()
        .route_table_id(network.third_table.as_str());
    let route = route.destination_cidr_block("0.0.0.0/0").gateway_id(&id);
    route.send().await.unwrap();
    let gateway = look(&ec2, &network.vpc).await.internet_gateway.unwrap();
    assert_eq!(gateway.internet_gateway_id.as_str(), id);
    assert_eq!(gateway.attachments[0].vpc_id.as_ref(), Some(&network.vpc));
    assert_eq!(
        gateway.attachments[0].state.as_ref().map(Word::as_str),
        Some("available")
    );
}

#[tokio::test]
async fn permissions_are_seen_on_sagemakers_interfaces_alone() {
    let (_, network, road, ec2) = world_and_account().await;
    look_at(&ec2, &network.vpc, [Aspect::InterfacePermissions]).await;
    assert_eq!(
        road.calls("DescribeNetworkInterfacePermissions").len(),
        0,
        "there are no interfaces"
    );
    let group = network.group("workloads").await;
    let interface = network.interface(&group, "SageMaker-Network-Interface").await;
    let other = network.interface(&group, "a database").await;
    for id in [&interface, &other] {
        let permit = network.client.create_network_interface_permission();
        permit
            .network_interface_id(id.as_str())
            .aws_service("sagemaker.amazonaws.com")
            .permission(aws_sdk_ec2::types::InterfacePermissionType::InstanceAttach)
            .send()
            .await
            .unwrap();
    }
    let vpc = look_at(&ec2, &network.vpc, [Aspect::InterfacePermissions]).await;
    assert_eq!(vpc.network_interface_permissions.len(), 1);
    let permission = &vpc.network_interface_permissions[0];
    assert_eq!(permission.network_interface_id.as_ref(), Some(&interface));
    assert_eq!(permission.aws_service.as_deref(), Some("sagemaker.amazonaws.com"));
    assert_eq!(permission.permission.as_deref(), Some("INSTANCE-ATTACH"));
    let state = permission.permission_state.as_ref().unwrap();
    assert_eq!(state.state.as_deref(), Some("granted"));
}

#[tokio::test]
async fn what_a_role_may_not_see_fails_those_alone_who_would_make_it_again() {
    for (aspect, fails) in [
        (Aspect::WayOut, true),
        (Aspect::Addresses, true),
        (Aspect::FlowLogs, true),
        (Aspect::LeftFlowLogs, true),
        (Aspect::InterfacePermissions, false),
    ] {
        let (_, network, road, ec2) = world_and_account().await;
        sagemakers_interface(&network).await;
        let message = "You are not authorized to perform this operation.";
        let denied = || Fault::Refuse {
            status: 403,
            code: "UnauthorizedOperation",
            message: message.into(),
        };
        for name in calls(aspect) {
            road.next(name, denied());
        }
        let (asked, others) = (interest(&network.vpc, [aspect]), interest(&network.vpc, []));
        let (with, without) = tokio::join!(ec2.observe(&asked), ec2.observe(&others));
        assert!(without.unwrap().vpc(&network.vpc).is_some(), "{aspect:?}");
        assert_eq!(with.is_err(), fails, "{aspect:?}");
        if let Err(failure) = with {
            assert_eq!(failure.kind, FailureKind::AccessDenied);
            let names: BTreeSet<String> = calls(aspect).iter().map(|name| format!("ec2:{name}")).collect();
            assert!(names.contains(&failure.action), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn network_acls_that_a_role_may_not_see_are_absent() {
    let (_, network, road, ec2) = world_and_account().await;
    road.next(
        "DescribeNetworkAcls",
        Fault::Refuse {
            status: 403,
            code: "UnauthorizedOperation",
            message: "No.".into(),
        },
    );
    assert_eq!(look(&ec2, &network.vpc).await.network_acls, BTreeMap::new());
    assert_eq!(look(&ec2, &network.vpc).await.network_acls.len(), 1);
}

#[tokio::test]
async fn what_fails_otherwise_fails_the_round() {
    let (_, network, road, ec2) = world_and_account().await;
    road.next(
        "DescribeFlowLogs",
        Fault::Refuse {
            status: 400,
            code: "InvalidParameterValue",
            message: "No.".into(),
        },
    );
    let failure = ec2
        .observe(&interest(&network.vpc, [Aspect::FlowLogs]))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.action.as_str()),
        (FailureKind::Rejected, "ec2:DescribeFlowLogs")
    );
}
