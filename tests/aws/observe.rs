//! What is there is seen, with every field; many who look cost what one does.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    AttributeBooleanValue, IpPermission as SdkPermission, IpRange as SdkRange, NewDhcpConfiguration,
    PrefixListId as SdkPrefixList, UserIdGroupPair as SdkPair, VpcEndpointType,
};

use crate::{
    plans::{done, only},
    support::{
        moto::{Moto, REGION},
        network::{Network, ZONES, s3_service},
        road::Road,
        tally::Tally,
    },
};
use sagevpc_core::{
    observed::{
        DhcpConfiguration, DhcpValue, EndpointState, Flag, Interest, IpPermission, IpRange, PrefixListRef, Tag,
        UserIdGroupPair, VpcAttributes, VpcSnapshot, Word,
    },
    plan::{Action, DnsAttribute, VpcChange},
    types::{AvailabilityZoneId, Region, SecurityGroupId, SubnetId, VpcId},
};

fn interest(vpc: &VpcId) -> Interest {
    Interest {
        vpc: Some(vpc.clone()),
        ..Interest::default()
    }
}

async fn seen(network: &Network, account: &crate::support::moto::Account) -> VpcSnapshot {
    let ec2 = account.ec2(Tally::new()).await;
    ec2.observe(&interest(&network.vpc))
        .await
        .unwrap()
        .vpc(&network.vpc)
        .unwrap()
}

#[tokio::test]
async fn a_vpc_is_seen_with_its_settings() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let options = NewDhcpConfiguration::builder()
        .key("domain-name-servers")
        .values("10.0.0.2")
        .values("10.0.0.3");
    let options = network
        .client
        .create_dhcp_options()
        .dhcp_configurations(options.build())
        .send()
        .await
        .unwrap();
    let options = options.dhcp_options.unwrap().dhcp_options_id.unwrap();
    let associate = network.client.associate_dhcp_options().vpc_id(network.vpc.as_str());
    associate.dhcp_options_id(&options).send().await.unwrap();

    let vpc = seen(&network, &account).await;

    assert_eq!(vpc.account.as_ref(), Some(&account.id));
    assert_eq!(vpc.region, Some(Region::new(REGION)));
    assert_eq!(vpc.vpc.owner_id.as_ref(), Some(&account.id));
    assert_eq!(vpc.vpc.instance_tenancy.as_ref().map(Word::as_str), Some("default"));
    assert_eq!(vpc.vpc.cidr_block, Some("10.0.0.0/16".parse().unwrap()));
    assert_eq!(vpc.vpc.ipv6_cidr_block_association_set, []);
    assert_eq!(
        vpc.vpc.tags,
        [Tag {
            key: "Name".into(),
            value: "research".into()
        }]
    );
    assert_eq!(
        vpc.attributes,
        Some(VpcAttributes {
            vpc_id: network.vpc.clone(),
            enable_dns_support: Flag { value: true },
            enable_dns_hostnames: Flag { value: false },
        })
    );
    let dhcp = vpc.dhcp_options.unwrap();
    assert_eq!(dhcp.dhcp_options_id.as_str(), options);
    let values = ["10.0.0.2", "10.0.0.3"]
        .map(|value| DhcpValue { value: value.into() })
        .to_vec();
    assert_eq!(
        dhcp.dhcp_configurations,
        [DhcpConfiguration {
            key: "domain-name-servers".into(),
            values
        }]
    );
}

#[tokio::test]
async fn subnets_are_seen_with_their_zones_addresses_and_tables() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let ingress = network
        .client
        .create_internet_gateway()
        .send()
        .await
        .unwrap()
        .internet_gateway
        .unwrap();
    let gateway = ingress.internet_gateway_id.unwrap();
    let attach = network.client.attach_internet_gateway().internet_gateway_id(&gateway);
    attach.vpc_id(network.vpc.as_str()).send().await.unwrap();
    let route = network
        .client
        .create_route()
        .route_table_id(network.third_table.as_str());
    route
        .destination_cidr_block("0.0.0.0/0")
        .gateway_id(&gateway)
        .send()
        .await
        .unwrap();

    let vpc = seen(&network, &account).await;

    assert_eq!(
        vpc.subnets.keys().collect::<BTreeSet<_>>(),
        network.subnets.iter().collect()
    );
    let mut zones = BTreeSet::new();
    for (number, id) in network.subnets.iter().enumerate() {
        let subnet = &vpc.subnets[id];
        assert_eq!(subnet.vpc_id, network.vpc);
        assert_eq!(subnet.availability_zone.as_deref(), Some(ZONES[number]));
        assert_eq!(subnet.cidr_block, Some(format!("10.0.{number}.0/24").parse().unwrap()));
        assert_eq!(subnet.available_ip_address_count, 251);
        assert_eq!(
            subnet.tags,
            [Tag {
                key: "tier".into(),
                value: "private".into()
            }]
        );
        zones.extend(subnet.availability_zone_id.clone());
    }
    assert_eq!(zones.len(), 3, "{zones:?}");
    assert!(
        zones
            .iter()
            .all(|zone: &AvailabilityZoneId| zone.as_str().starts_with("use1-az")),
        "{zones:?}"
    );

    let table = |subnet: usize| vpc.route_table_of(&network.subnets[subnet]).unwrap();
    assert_eq!(table(0).route_table_id, network.main_table);
    assert!(!table(0).is_public());
    assert_eq!(table(2).route_table_id, network.third_table);
    assert!(table(2).is_public());
    let local = table(0)
        .routes
        .iter()
        .find(|route| route.gateway_id.as_deref() == Some("local"))
        .unwrap();
    assert_eq!(local.destination_cidr_block, Some("10.0.0.0/16".parse().unwrap()));
    assert_eq!(local.state.as_ref().map(Word::as_str), Some("active"));
    let out = table(2)
        .routes
        .iter()
        .find(|route| route.gateway_id.as_deref() == Some(gateway.as_str()))
        .unwrap();
    assert_eq!(out.destination_cidr_block, Some("0.0.0.0/0".parse().unwrap()));
}

#[tokio::test]
async fn security_groups_and_interfaces_are_seen_with_their_rules_and_owners() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let (group, other) = (network.group("workloads").await, network.group("databases").await);
    let s3 = network.s3_prefix_list().await;
    let https = || SdkPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let to_s3 = https().prefix_list_ids(SdkPrefixList::builder().prefix_list_id(s3.as_str()).build());
    let authorize = network
        .client
        .authorize_security_group_egress()
        .group_id(group.as_str());
    authorize.ip_permissions(to_s3.build()).send().await.unwrap();
    let from_all = SdkPermission::builder()
        .ip_protocol("-1")
        .user_id_group_pairs(SdkPair::builder().group_id(group.as_str()).build())
        .user_id_group_pairs(SdkPair::builder().group_id(other.as_str()).build());
    let from_net = https().ip_ranges(SdkRange::builder().cidr_ip("10.0.0.0/16").build());
    let authorize = network
        .client
        .authorize_security_group_ingress()
        .group_id(group.as_str());
    authorize
        .ip_permissions(from_all.build())
        .ip_permissions(from_net.build())
        .send()
        .await
        .unwrap();
    let interface = network.interface(&group, "SageMaker-Network-Interface").await;

    let vpc = seen(&network, &account).await;

    let seen_group = &vpc.security_groups[&group];
    assert_eq!(seen_group.group_name, "workloads");
    assert_eq!(seen_group.description, "made by a test");
    assert_eq!(seen_group.vpc_id, network.vpc);
    assert_eq!(seen_group.owner_id.as_ref(), Some(&account.id));
    assert_eq!(seen_group.tags, []);
    let permission = |protocol: &str, port: Option<i32>| IpPermission {
        ip_protocol: protocol.into(),
        from_port: port,
        to_port: port,
        ip_ranges: Vec::new(),
        ipv6_ranges: Vec::new(),
        prefix_list_ids: Vec::new(),
        user_id_group_pairs: Vec::new(),
    };
    let everyone = vec![IpRange {
        cidr_ip: "0.0.0.0/0".into(),
    }];
    assert_eq!(
        seen_group.ip_permissions_egress,
        [
            IpPermission {
                ip_ranges: everyone,
                ..permission("-1", None)
            },
            IpPermission {
                prefix_list_ids: vec![PrefixListRef {
                    prefix_list_id: s3.clone()
                }],
                ..permission("tcp", Some(443))
            },
        ]
    );
    let pair = |id: &SecurityGroupId| UserIdGroupPair {
        group_id: Some(id.clone()),
        user_id: Some(account.id.clone()),
    };
    let network_range = vec![IpRange {
        cidr_ip: "10.0.0.0/16".into(),
    }];
    assert_eq!(
        seen_group.ip_permissions,
        [
            IpPermission {
                user_id_group_pairs: vec![pair(&group), pair(&other)],
                ..permission("-1", None)
            },
            IpPermission {
                ip_ranges: network_range,
                ..permission("tcp", Some(443))
            },
        ]
    );

    let seen_interface = &vpc.network_interfaces[&interface];
    assert_eq!(seen_interface.subnet_id, network.subnets[0]);
    assert_eq!(seen_interface.description, "SageMaker-Network-Interface");
    assert!(seen_interface.is_sagemakers());
    assert_eq!(
        seen_interface.interface_type.as_ref().map(Word::as_str),
        Some("interface")
    );
    assert_eq!(seen_interface.status.as_deref(), Some("available"));
    assert_eq!(
        seen_interface
            .groups
            .iter()
            .map(|group| &group.group_id)
            .collect::<Vec<_>>(),
        [&group]
    );
    assert_eq!(seen_interface.private_ip_addresses.len(), 1);

    assert_eq!(vpc.s3_prefix_list().map(|list| &list.prefix_list_id), Some(&s3));
    assert_eq!(vpc.s3_service_name(), Some(s3_service().as_str()));
    assert!(
        vpc.endpoint_services.iter().all(|service| service.is_gateway()),
        "{:?}",
        vpc.endpoint_services
    );
}

#[tokio::test]
async fn an_endpoint_is_seen_until_it_is_gone() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    let create = network
        .client
        .create_vpc_endpoint()
        .vpc_id(network.vpc.as_str())
        .service_name(s3_service());
    let create = create
        .vpc_endpoint_type(VpcEndpointType::Gateway)
        .route_table_ids(network.third_table.as_str());
    let made = create
        .policy_document(policy)
        .send()
        .await
        .unwrap()
        .vpc_endpoint
        .unwrap()
        .vpc_endpoint_id
        .unwrap();

    let vpc = seen(&network, &account).await;
    let endpoint = &vpc.vpc_endpoints[0];
    assert_eq!(endpoint.vpc_endpoint_id.as_str(), made);
    assert!(endpoint.is_gateway());
    assert_eq!(endpoint.vpc_id, network.vpc);
    assert_eq!(endpoint.service_name, s3_service());
    assert_eq!(endpoint.state, EndpointState::Available);
    assert_eq!(endpoint.policy_document.as_deref(), Some(policy));
    assert_eq!(endpoint.route_table_ids, std::slice::from_ref(&network.third_table));
    assert!(!endpoint.requester_managed);
    let table = vpc.route_table_of(&network.subnets[2]).unwrap();
    let to_s3 = table
        .routes
        .iter()
        .find(|route| route.gateway_id.as_ref() == Some(&made))
        .unwrap();
    assert_eq!(to_s3.destination_prefix_list_id, Some(network.s3_prefix_list().await));

    network
        .client
        .delete_vpc_endpoints()
        .vpc_endpoint_ids(&made)
        .send()
        .await
        .unwrap();
    let vpc = seen(&network, &account).await;
    assert!(
        vpc.vpc_endpoints
            .iter()
            .all(|endpoint| endpoint.state == EndpointState::Deleted)
    );
}

#[tokio::test]
async fn a_vpc_that_does_not_exist_is_absent() {
    let account = Moto::shared().account();
    let ec2 = account.ec2(Tally::new()).await;
    let nowhere = VpcId::new("vpc-00000000000000000");
    let snapshot = ec2.observe(&interest(&nowhere)).await.unwrap();
    assert_eq!(snapshot.vpc(&nowhere), None);
}

#[tokio::test]
async fn ids_of_other_vpcs_are_told_from_ids_of_nothing() {
    let account = Moto::shared().account();
    let (ours, other) = (Network::new(&account).await, Network::new(&account).await);
    let foreign_group = other.group("foreign").await;
    let (no_subnet, no_group) = (
        SubnetId::new("subnet-00000000000000000"),
        SecurityGroupId::new("sg-00000000000000000"),
    );
    let ec2 = account.ec2(Tally::new()).await;
    let asked = Interest {
        vpc: Some(ours.vpc.clone()),
        subnets: BTreeSet::from([ours.subnets[0].clone(), other.subnets[0].clone(), no_subnet.clone()]),
        security_groups: BTreeSet::from([foreign_group.clone(), no_group.clone()]),
        ..Interest::default()
    };
    let vpc = ec2.observe(&asked).await.unwrap().vpc(&ours.vpc).unwrap();
    assert!(vpc.subnets.contains_key(&ours.subnets[0]));
    assert_eq!(
        vpc.subnets_elsewhere,
        BTreeMap::from([(other.subnets[0].clone(), other.vpc.clone())])
    );
    assert_eq!(
        vpc.security_groups_elsewhere,
        BTreeMap::from([(foreign_group, other.vpc.clone())])
    );
    assert!(!vpc.subnets.contains_key(&no_subnet) && !vpc.security_groups.contains_key(&no_group));
}

fn describes(calls: BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    calls
        .into_iter()
        .filter(|(action, _)| action.starts_with("Describe"))
        .collect()
}

#[tokio::test]
async fn twelve_vpcs_cost_the_calls_of_one_but_for_their_attributes() {
    let account = Moto::shared().account();
    let mut networks = Vec::new();
    for _ in 0..12 {
        networks.push(Network::new(&account).await);
    }
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    let all = |ec2: sagevpc::aws::Ec2| {
        let asked: Vec<_> = networks.iter().map(|network| interest(&network.vpc)).collect();
        async move {
            futures::future::try_join_all(asked.iter().map(|one| ec2.observe(one)))
                .await
                .unwrap()
        }
    };
    let once =
        |actions: &[&str]| -> BTreeMap<String, usize> { actions.iter().map(|name| ((*name).to_owned(), 1)).collect() };
    let steady = once(&[
        "DescribeDhcpOptions",
        "DescribeNetworkAcls",
        "DescribeNetworkInterfaces",
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcEndpoints",
        "DescribeVpcs",
    ]);

    let snapshots = all(ec2.clone()).await;
    assert!(
        networks
            .iter()
            .zip(&snapshots)
            .all(|(network, snapshot)| snapshot.vpc(&network.vpc).is_some())
    );
    let mut first = steady.clone();
    first.extend(once(&["DescribePrefixLists", "DescribeVpcEndpointServices"]));
    first.insert("DescribeVpcAttribute".to_owned(), 2 * networks.len());
    assert_eq!(describes(tally.take()), first);

    all(ec2.clone()).await;
    assert_eq!(describes(tally.take()), steady);
    ec2.observe(&interest(&networks[0].vpc)).await.unwrap();
    assert_eq!(describes(tally.take()), steady);
}

#[tokio::test]
async fn what_changes_seldom_is_read_anew_when_asked_for() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let ec2 = account.ec2(Tally::new()).await;
    let hostnames = |fresh: bool| {
        let (ec2, asked, vpc) = (
            ec2.clone(),
            Interest {
                fresh,
                ..interest(&network.vpc)
            },
            network.vpc.clone(),
        );
        async move {
            ec2.observe(&asked)
                .await
                .unwrap()
                .vpc(&vpc)
                .unwrap()
                .attributes
                .unwrap()
                .enable_dns_hostnames
                .value
        }
    };
    assert!(!hostnames(false).await);
    let on = AttributeBooleanValue::builder().value(true).build();
    let modify = network.client.modify_vpc_attribute().vpc_id(network.vpc.as_str());
    modify.enable_dns_hostnames(on).send().await.unwrap();
    assert!(
        !hostnames(false).await,
        "a round costs no call for what was read a moment ago"
    );
    assert!(hostnames(true).await);
    assert!(hostnames(false).await);
}

#[tokio::test]
async fn only_what_we_changed_is_read_anew_after_a_change() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    assert!(!attributes(&ec2, &network.vpc).await.enable_dns_hostnames.value);
    tally.take();
    let turn_on = Action::Vpc(VpcChange::ModifyAttribute {
        vpc: network.vpc.clone(),
        attribute: DnsAttribute::EnableDnsHostnames,
    });
    done(&ec2, &only(turn_on)).await;
    assert!(attributes(&ec2, &network.vpc).await.enable_dns_hostnames.value);
    assert_eq!(tally.take().get("DescribeVpcAttribute"), Some(&1));
    attributes(&ec2, &network.vpc).await;
    assert_eq!(tally.take().get("DescribeVpcAttribute"), None);
}

async fn attributes(ec2: &sagevpc::aws::Ec2, vpc: &VpcId) -> VpcAttributes {
    let seen = ec2.observe(&interest(vpc)).await.unwrap().vpc(vpc).unwrap();
    seen.attributes.unwrap()
}

#[tokio::test]
async fn every_page_is_read() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    let page = |subnet: &str, next: &str| {
        format!(
            "<DescribeSubnetsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><subnetSet><item>\
             <subnetId>{subnet}</subnetId><vpcId>{}</vpcId></item></subnetSet>{next}</DescribeSubnetsResponse>",
            network.vpc
        )
    };
    road.next(
        "DescribeSubnets",
        crate::support::road::Fault::Answer(page("subnet-1", "<nextToken>second</nextToken>")),
    );
    road.next(
        "DescribeSubnets",
        crate::support::road::Fault::Answer(page("subnet-2", "<nextToken></nextToken>")),
    );
    let vpc = ec2
        .observe(&interest(&network.vpc))
        .await
        .unwrap()
        .vpc(&network.vpc)
        .unwrap();
    assert_eq!(
        vpc.subnets.keys().map(SubnetId::as_str).collect::<Vec<_>>(),
        ["subnet-1", "subnet-2"]
    );
    let tokens: Vec<_> = road
        .calls("DescribeSubnets")
        .iter()
        .map(|call| call.get("NextToken").cloned())
        .collect();
    assert_eq!(tokens, [None, Some("second".to_owned())]);
}
