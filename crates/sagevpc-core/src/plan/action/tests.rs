//! The table is complete.

use std::collections::BTreeSet;

use super::*;
use crate::{
    plan::{
        AddressChange, BucketChange, DnsAttribute, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange,
        RouteChange, SecurityGroupChange, TagsChange, Target, VpcChange, VpcEndpointChange,
    },
    types::{
        AclEntry, AvailabilityZoneId, Direction, FlowLogSettings, LogDestinationType, NatPlace, Protocol, ResourceKey,
        Tags, TrafficType,
    },
};
use iam_policy::PolicyDocument;

fn one_of_each_action() -> Vec<Action> {
    let group = || Target::Existing("sg-0123456789abcdef0".into());
    let mut actions = vec![
        Action::Vpc(VpcChange::ModifyAttribute {
            vpc: "vpc-0123456789abcdef0".into(),
            attribute: DnsAttribute::EnableDnsSupport,
        }),
        Action::SecurityGroup(SecurityGroupChange::Create {
            key: ResourceKey::S3GatewayEndpoint,
            vpc: "vpc-0123456789abcdef0".into(),
            name: "name".into(),
            description: "description".into(),
            tags: Tags::new(),
        }),
        Action::SecurityGroup(SecurityGroupChange::Delete {
            id: "sg-0123456789abcdef0".into(),
        }),
        Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
            key: ResourceKey::S3GatewayEndpoint,
            vpc: "vpc-0123456789abcdef0".into(),
            service_name: "com.amazonaws.us-east-1.s3".into(),
            route_tables: Vec::new(),
            policy: PolicyDocument::new([]),
            tags: Tags::new(),
        }),
        Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id: "vpce-0123456789abcdef0".into(),
            policy: None,
            add_route_tables: Vec::new(),
            remove_route_tables: Vec::new(),
        }),
        Action::VpcEndpoint(VpcEndpointChange::Delete {
            id: "vpce-0123456789abcdef0".into(),
        }),
        Action::Bucket(BucketChange::PutPolicy {
            bucket: "fraud-data".into(),
            region: crate::types::Region::new("us-east-1"),
            add_endpoints: Vec::new(),
            remove_endpoints: Vec::new(),
            add_exemptions: Vec::new(),
            remove_exemptions: Vec::new(),
        }),
        Action::Role(RoleChange::PutPolicy {
            key: ResourceKey::S3GatewayEndpoint,
            role: "arn:aws:iam::111122223333:role/fraud".into(),
            name: "name".into(),
            policy: PolicyDocument::new([]),
            replaces: false,
        }),
        Action::Role(RoleChange::DeletePolicy {
            role: "arn:aws:iam::111122223333:role/fraud".into(),
            name: "name".into(),
        }),
        Action::Tags(TagsChange::Create {
            resource: "sg-0123456789abcdef0".into(),
            tags: Tags::new(),
        }),
        Action::Tags(TagsChange::Delete {
            resource: "sg-0123456789abcdef0".into(),
            keys: Vec::new(),
        }),
    ];
    actions.extend(way_out());
    actions.extend(edges());
    for direction in [Direction::Ingress, Direction::Egress] {
        actions.push(Action::SecurityGroup(SecurityGroupChange::Authorize {
            group: group(),
            direction,
            rules: Vec::new(),
        }));
        actions.push(Action::SecurityGroup(SecurityGroupChange::Revoke {
            group: group(),
            direction,
            rules: Vec::new(),
        }));
    }
    actions
}

fn way_out() -> Vec<Action> {
    let subnet = "subnet-0123456789abcdef0";
    let table = || "rtb-0123456789abcdef0".into();
    let destination = "0.0.0.0/0".parse().unwrap();
    let nat_gateway = || Target::Existing("nat-0123456789abcdef0".into());
    vec![
        Action::Address(AddressChange::Allocate {
            key: ResourceKey::Address { subnet: subnet.into() },
            tags: Tags::new(),
        }),
        Action::Address(AddressChange::Release {
            id: "eipalloc-0123456789abcdef0".into(),
        }),
        Action::NatGateway(NatGatewayChange::Create {
            key: ResourceKey::NatGateway {
                place: NatPlace::Subnet(subnet.into()),
            },
            subnet: subnet.into(),
            address: Target::Existing("eipalloc-0123456789abcdef0".into()),
            tags: Tags::new(),
        }),
        Action::NatGateway(NatGatewayChange::CreateRegional {
            key: ResourceKey::NatGateway {
                place: NatPlace::Regional,
            },
            vpc: "vpc-0123456789abcdef0".into(),
            zones: [AvailabilityZoneId::new("use1-az1")].into(),
            tags: Tags::new(),
        }),
        Action::NatGateway(NatGatewayChange::Delete {
            id: "nat-0123456789abcdef0".into(),
        }),
        Action::Route(RouteChange::Create {
            table: table(),
            destination,
            nat_gateway: nat_gateway(),
        }),
        Action::Route(RouteChange::Replace {
            table: table(),
            destination,
            nat_gateway: nat_gateway(),
        }),
        Action::Route(RouteChange::Delete {
            table: table(),
            destination,
        }),
    ]
}

fn edges() -> Vec<Action> {
    let acl = || "acl-0123456789abcdef0".into();
    let entry = AclEntry {
        direction: Direction::Egress,
        rule_number: 1,
        allows: true,
        protocol: Protocol::All,
        ports: None,
        cidr: "0.0.0.0/0".parse().unwrap(),
    };
    let settings = FlowLogSettings {
        traffic_type: TrafficType::All,
        log_destination_type: LogDestinationType::S3,
        log_destination: "arn:aws:s3:::logs".into(),
        deliver_logs_permission_arn: None,
        log_format: None,
        max_aggregation_interval: 600,
    };
    vec![
        Action::NetworkAcl(NetworkAclChange::CreateEntry {
            acl: acl(),
            entry: entry.clone(),
        }),
        Action::NetworkAcl(NetworkAclChange::ReplaceEntry { acl: acl(), entry }),
        Action::NetworkAcl(NetworkAclChange::DeleteEntry {
            acl: acl(),
            direction: Direction::Egress,
            rule_number: 1,
        }),
        Action::FlowLog(FlowLogChange::Create {
            key: ResourceKey::FlowLog {
                resource: "vpc-0123456789abcdef0".into(),
            },
            resource: "vpc-0123456789abcdef0".into(),
            settings,
            tags: Tags::new(),
        }),
        Action::FlowLog(FlowLogChange::Delete {
            id: "fl-0123456789abcdef0".into(),
        }),
    ]
}

#[test]
fn every_call_that_changes_something_carries_an_action_out() {
    let actions = one_of_each_action();
    // A bucket's policy that held nothing but our statement goes as a whole.
    let by_actions: BTreeSet<Call> = actions
        .iter()
        .map(Call::from)
        .chain([Call::DeleteBucketPolicy])
        .collect();
    let mutating: BTreeSet<Call> = Call::ALL.iter().copied().filter(|call| call.facts().mutates).collect();
    assert_eq!(by_actions, mutating);
}
