//! Rules go to EC2 in a spelling that it takes, and come back as they went.

use super::*;
use sagevpc_core::{
    observed::{AclPortRange, EndpointState, NetworkAclEntry},
    types::{AclEntry, Direction, PortRange, Protocol},
};

const GROUP: &str = "sg-0123456789abcdef0";

fn cidr(text: &str) -> Peer {
    Peer::Cidr(text.parse().unwrap())
}

/// A group that holds `rules`, as EC2 would show it if it kept our spelling.
fn shown(rules: &[Rule]) -> SecurityGroup {
    let group = sdk::SecurityGroup::builder()
        .group_id(GROUP)
        .vpc_id("vpc-0123456789abcdef0");
    let of = |direction| -> Vec<Rule> {
        rules
            .iter()
            .filter(|rule| rule.direction == direction)
            .cloned()
            .collect()
    };
    let group = group
        .set_ip_permissions(Some(to_ip_permissions(GROUP, &of(Direction::Ingress))))
        .set_ip_permissions_egress(Some(to_ip_permissions(GROUP, &of(Direction::Egress))))
        .build();
    security_group(group).unwrap()
}

#[test]
fn rules_of_every_kind_come_back_as_they_went() {
    let other = Peer::Group {
        id: "sg-0fedcba9876543210".into(),
        owner: None,
    };
    let peered = Peer::Group {
        id: "sg-00000000000000000".into(),
        owner: Some(AccountId::new("111122223333")),
    };
    let mut rules = Vec::new();
    for direction in [Direction::Ingress, Direction::Egress] {
        for peer in [
            Peer::Itself,
            other.clone(),
            peered.clone(),
            Peer::PrefixList("pl-63a5400a".into()),
            cidr("10.0.0.0/24"),
            cidr("2001:db8::/56"),
        ] {
            for protocol in [
                Protocol::All,
                Protocol::TCP,
                Protocol::UDP,
                Protocol::ICMP,
                Protocol::ICMPV6,
                Protocol::Number(50),
            ] {
                rules.push(Rule::new(direction, protocol, None, peer.clone()));
            }
            rules.push(Rule::https(direction, peer.clone()));
            rules.push(Rule::new(
                direction,
                Protocol::UDP,
                Some(PortRange { from: 500, to: 501 }),
                peer,
            ));
        }
    }
    assert_eq!(shown(&rules).rules(), rules.into_iter().collect());
}

#[test]
fn all_of_tcp_is_said_with_ports_and_all_traffic_without() {
    let permission = |protocol| to_ip_permission(GROUP, &Rule::new(Direction::Egress, protocol, None, Peer::Itself));
    let tcp = permission(Protocol::TCP);
    assert_eq!(
        (tcp.ip_protocol(), tcp.from_port(), tcp.to_port()),
        (Some("tcp"), Some(0), Some(65_535))
    );
    let icmp = permission(Protocol::ICMP);
    assert_eq!((icmp.from_port(), icmp.to_port()), (Some(-1), Some(-1)));
    let all = permission(Protocol::All);
    assert_eq!(
        (all.ip_protocol(), all.from_port(), all.to_port()),
        (Some("-1"), None, None)
    );
}

#[test]
fn a_rule_for_the_group_itself_names_its_id() {
    let permission = to_ip_permission(GROUP, &Rule::all(Direction::Ingress, Peer::Itself));
    let ids: Vec<_> = permission
        .user_id_group_pairs()
        .iter()
        .map(|pair| pair.group_id())
        .collect();
    assert_eq!(ids, [Some(GROUP)]);
}

#[test]
fn states_keep_the_spelling_of_the_answer() {
    let endpoint = sdk::VpcEndpoint::builder()
        .vpc_endpoint_id("vpce-0123456789abcdef0")
        .vpc_id("vpc-0123456789abcdef0")
        .state(sdk::State::from("available"))
        .build();
    let seen = vpc_endpoint(endpoint).unwrap();
    assert_eq!(seen.state.as_str(), "available");
    assert_eq!(seen.state, EndpointState::Available);
}

#[test]
fn an_association_that_is_going_is_none() {
    let state = |state| sdk::RouteTableAssociationState::builder().state(state).build();
    let association_in = |code| {
        association(
            sdk::RouteTableAssociation::builder()
                .subnet_id("subnet-1")
                .association_state(state(code))
                .build(),
        )
    };
    assert!(association_in(sdk::RouteTableAssociationStateCode::Associated).is_some());
    assert!(association_in(sdk::RouteTableAssociationStateCode::Disassociating).is_none());
}

#[test]
fn what_has_no_id_is_left_out() {
    assert_eq!(vpc(sdk::Vpc::builder().build()), None);
    assert_eq!(subnet(sdk::Subnet::builder().subnet_id("subnet-1").build()), None);
}

fn acl_entry(protocol: Protocol, ports: Option<PortRange>, cidr: &str) -> AclEntry {
    AclEntry {
        direction: Direction::Egress,
        rule_number: 30_000,
        allows: true,
        protocol,
        ports,
        cidr: cidr.parse().unwrap(),
    }
}

#[test]
fn rules_of_network_acls_name_protocols_by_number_and_always_say_ports() {
    let fields = |protocol, ports| to_acl_entry(&acl_entry(protocol, ports, "0.0.0.0/0"));
    let tcp = fields(Protocol::TCP, None);
    assert_eq!(tcp.protocol, "6");
    let ports = tcp.ports.unwrap();
    assert_eq!((ports.from(), ports.to()), (Some(0), Some(65_535)));
    let icmp = fields(Protocol::ICMP, None);
    assert_eq!((icmp.protocol.as_str(), &icmp.ports), ("1", &None));
    let types = icmp.icmp.unwrap();
    assert_eq!((types.r#type(), types.code()), (Some(-1), Some(-1)));
    let all = fields(Protocol::All, None);
    assert_eq!((all.protocol.as_str(), all.ports, all.icmp), ("-1", None, None));
}

#[test]
fn a_rule_of_a_network_acl_is_known_again_when_ec2_shows_it() {
    let wanted = acl_entry(Protocol::TCP, Some(PortRange { from: 443, to: 443 }), "2001:db8::/56");
    let shown = NetworkAclEntry {
        rule_number: 30_000,
        egress: true,
        rule_action: "allow".into(),
        protocol: "6".into(),
        cidr_block: None,
        ipv6_cidr_block: Some("2001:db8::/56".parse().unwrap()),
        port_range: Some(AclPortRange { from: 443, to: 443 }),
        icmp_type_code: None,
    };
    assert_eq!(acl_entry_as_shown(&wanted), Some(shown.clone()));
    let denied = AclEntry {
        allows: false,
        ..wanted
    };
    assert_ne!(acl_entry_as_shown(&denied), Some(shown));
}
