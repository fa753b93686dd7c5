//! The IAM policy that we ship holds every action that we take, narrowed to one
//! installation as well, and what it does not hold is told by name.
//!
//! The server looks at actions only; how far the policy narrows them is checked
//! where the policy is made.

use aws_sdk_ec2::types::GatewayType;
use sagevpc::aws::{Connections, Ec2};
use sagevpc_core::{
    catalog::calls::{Call, Narrowing, Service, iam_policy},
    observed::{Aspect, Interest},
    plan::{
        Action, AddressChange, DnsAttribute, FlowLogChange, NatGatewayChange, NetworkAclChange, RouteChange,
        SecurityGroupChange, Step, TagsChange, Target, VpcChange, VpcEndpointChange,
    },
    report::FailureKind,
    types::{
        AclEntry, AllocationId, Direction, FlowLogId, FlowLogSettings, LogDestinationType, NatGatewayId, NatPlace,
        Peer, Protocol, Region, ResourceKey, Rule, SecurityGroupId, Tags, TrafficType,
    },
};

use crate::{
    beyond::{attached, peered},
    plans::{authorize, create_endpoint, create_group, done, group_key, look, only, plan, policy, revoke, run, us},
    support::{
        moto::{Moto, REGION, loader},
        network::Network,
        tally::Tally,
    },
};

/// A network, and our own connection to it with these permissions.
async fn world(moto: &Moto, actions: &[String], tally: std::sync::Arc<Tally>) -> (Network, Ec2) {
    let network = Network::new(&moto.own_account()).await;
    let group = network.group("others").await;
    network.interface(&group, "SageMaker-Network-Interface").await;
    across(&network).await;
    let credentials = moto.enforce_iam(actions).await;
    let loader = loader(moto.url()).credentials_provider(credentials);
    let ec2 = Connections::from_loader(loader, tally)
        .await
        .ec2(&Region::new(REGION), None)
        .await;
    (network, ec2)
}

fn granted() -> Vec<String> {
    let policy = iam_policy(&Narrowing {
        cluster_id: Some("test-cluster".into()),
        vpcs: vec!["vpc-0123456789abcdef0".into()],
        ..Narrowing::default()
    });
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn rule(direction: Direction) -> [Rule; 1] {
    [Rule::all(direction, Peer::Itself)]
}

#[tokio::test]
async fn the_policy_that_we_ship_allows_everything_that_we_do() {
    let moto = Moto::start();
    let tally = Tally::new();
    let (network, ec2) = world(&moto, &granted(), tally.clone()).await;
    look(&ec2, &network.vpc).await;
    let made = || Target::Made(group_key());
    let first = done(
        &ec2,
        &plan([
            (create_group(&network.vpc, "workloads"), &[][..]),
            (authorize(made(), Direction::Ingress, &rule(Direction::Ingress)), &[0]),
            (authorize(made(), Direction::Egress, &rule(Direction::Egress)), &[0]),
            (revoke(made(), Direction::Ingress, &rule(Direction::Ingress)), &[1]),
            (revoke(made(), Direction::Egress, &rule(Direction::Egress)), &[2]),
            (create_endpoint(&network.vpc, &[&network.main_table]), &[]),
            (
                Action::Vpc(VpcChange::ModifyAttribute {
                    vpc: network.vpc.clone(),
                    attribute: DnsAttribute::EnableDnsHostnames,
                }),
                &[],
            ),
        ]),
    )
    .await;
    let group = SecurityGroupId::new(first.made[&group_key()].clone());
    let endpoint = first.made[&ResourceKey::S3GatewayEndpoint].as_str();
    way_out(&ec2, &network).await;
    edges(&ec2, &network).await;
    let every_aspect = [
        Aspect::InterfaceServices,
        Aspect::WayOut,
        Aspect::Addresses,
        Aspect::FlowLogs,
        Aspect::LeftFlowLogs,
        Aspect::InterfacePermissions,
    ];
    let interest = Interest {
        vpc: Some(network.vpc.clone()),
        aspects: every_aspect.into(),
        instance_types: ["m5.large".to_owned()].into(),
        ..Interest::default()
    };
    ec2.observe(&interest).await.unwrap();
    done(
        &ec2,
        &plan([
            (
                Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
                    id: endpoint.into(),
                    policy: Some(policy("s3:GetObject")),
                    add_route_tables: Vec::new(),
                    remove_route_tables: Vec::new(),
                }),
                &[][..],
            ),
            (
                Action::Tags(TagsChange::Create {
                    resource: group.to_string(),
                    tags: Tags::from([("a".into(), "b".into())]),
                }),
                &[],
            ),
            (
                Action::Tags(TagsChange::Delete {
                    resource: group.to_string(),
                    keys: vec!["a".into()],
                }),
                &[1],
            ),
            (
                Action::VpcEndpoint(VpcEndpointChange::Delete { id: endpoint.into() }),
                &[0],
            ),
            (Action::SecurityGroup(SecurityGroupChange::Delete { id: group }), &[2]),
        ]),
    )
    .await;
    // Nothing was left out: every call to EC2 was made.
    let calls = || Call::ALL.iter().filter(|call| call.facts().service == Service::Ec2);
    let made = tally.take();
    let missed: Vec<&str> = calls()
        .map(|call| call.name())
        .filter(|name| !made.contains_key(*name))
        .collect();
    assert_eq!(missed, [""; 0]);
}

/// Routes that lead across to other networks.
async fn across(network: &Network) {
    peered(network).await;
    attached(network).await;
    let client = &network.client;
    let made = client
        .create_vpn_gateway()
        .r#type(GatewayType::Ipsec1)
        .send()
        .await
        .unwrap();
    let gateway = made.vpn_gateway.unwrap().vpn_gateway_id.unwrap();
    let attach = client.attach_vpn_gateway().vpn_gateway_id(&gateway);
    attach.vpc_id(network.vpc.as_str()).send().await.unwrap();
    let route = client.create_route().route_table_id(network.main_table.as_str());
    let route = route.destination_cidr_block("10.9.0.0/16").gateway_id(&gateway);
    route.send().await.unwrap();
}

/// A NAT gateway with its address and a route to it, made and taken away.
async fn way_out(ec2: &Ec2, network: &Network) {
    let subnet = network.subnets[2].clone();
    let address = ResourceKey::Address { subnet: subnet.clone() };
    let gateway = ResourceKey::NatGateway {
        place: NatPlace::Subnet(subnet.clone()),
    };
    let table = || network.main_table.clone();
    let destination = "0.0.0.0/0".parse().unwrap();
    let to = || Target::Made(gateway.clone());
    let made = done(
        ec2,
        &plan([
            (
                Action::Address(AddressChange::Allocate {
                    key: address.clone(),
                    tags: us().tags(&address),
                }),
                &[][..],
            ),
            (
                Action::NatGateway(NatGatewayChange::Create {
                    key: gateway.clone(),
                    subnet,
                    address: Target::Made(address.clone()),
                    tags: us().tags(&gateway),
                }),
                &[0],
            ),
            (
                Action::Route(RouteChange::Create {
                    table: table(),
                    destination,
                    nat_gateway: to(),
                }),
                &[1],
            ),
            (
                Action::Route(RouteChange::Replace {
                    table: table(),
                    destination,
                    nat_gateway: to(),
                }),
                &[2],
            ),
        ]),
    )
    .await
    .made;
    done(
        ec2,
        &plan([
            (
                Action::Route(RouteChange::Delete {
                    table: table(),
                    destination,
                }),
                &[][..],
            ),
            (
                Action::NatGateway(NatGatewayChange::Delete {
                    id: NatGatewayId::new(made[&gateway].clone()),
                }),
                &[0],
            ),
            (
                Action::Address(AddressChange::Release {
                    id: AllocationId::new(made[&address].clone()),
                }),
                &[1],
            ),
        ]),
    )
    .await;
}

/// A rule of a network ACL and a flow log, made and taken away.
async fn edges(ec2: &Ec2, network: &Network) {
    let snapshot = look(ec2, &network.vpc).await;
    let acl = snapshot.network_acls.into_keys().next().unwrap();
    let entry = AclEntry {
        direction: Direction::Egress,
        rule_number: 30_001,
        allows: true,
        protocol: Protocol::All,
        ports: None,
        cidr: "0.0.0.0/0".parse().unwrap(),
    };
    let log = ResourceKey::FlowLog {
        resource: network.vpc.to_string(),
    };
    let settings = FlowLogSettings {
        traffic_type: TrafficType::All,
        log_destination_type: LogDestinationType::CloudWatchLogs,
        log_destination: format!("arn:aws:logs:{REGION}:123456789012:log-group:vpc"),
        deliver_logs_permission_arn: Some("arn:aws:iam::123456789012:role/flow-logs".into()),
        log_format: None,
        max_aggregation_interval: 600,
    };
    let made = done(
        ec2,
        &plan([
            (
                Action::NetworkAcl(NetworkAclChange::CreateEntry {
                    acl: acl.clone(),
                    entry: entry.clone(),
                }),
                &[][..],
            ),
            (
                Action::NetworkAcl(NetworkAclChange::ReplaceEntry {
                    acl: acl.clone(),
                    entry,
                }),
                &[0],
            ),
            (
                Action::FlowLog(FlowLogChange::Create {
                    key: log.clone(),
                    resource: network.vpc.to_string(),
                    settings,
                    tags: us().tags(&log),
                }),
                &[],
            ),
        ]),
    )
    .await
    .made;
    done(
        ec2,
        &plan([
            (
                Action::NetworkAcl(NetworkAclChange::DeleteEntry {
                    acl,
                    direction: Direction::Egress,
                    rule_number: 30_001,
                }),
                &[][..],
            ),
            (
                Action::FlowLog(FlowLogChange::Delete {
                    id: FlowLogId::new(made[&log].clone()),
                }),
                &[],
            ),
        ]),
    )
    .await;
}

#[tokio::test]
async fn whoever_may_only_look_is_told_which_action_is_missing() {
    let moto = Moto::start();
    let reads: Vec<String> = granted()
        .into_iter()
        .filter(|action| action.starts_with("ec2:Describe"))
        .collect();
    let (network, ec2) = world(&moto, &reads, Tally::new()).await;
    let before = look(&ec2, &network.vpc).await;
    for action in [
        create_group(&network.vpc, "workloads"),
        create_endpoint(&network.vpc, &[&network.main_table]),
    ] {
        let name = format!("ec2:{}", action.name());
        let outcome = run(&ec2, &only(action)).await;
        let Some(Step::Failed(failure)) = outcome.steps.into_values().next() else {
            panic!("{name} was not refused")
        };
        assert_eq!(
            (failure.kind, failure.action),
            (FailureKind::AccessDenied, name.clone())
        );
        assert!(failure.message.contains(&name), "{}", failure.message);
    }
    assert_eq!(look(&ec2, &network.vpc).await, before);
}
