//! The VPC as it will be once a plan's actions are carried out.
//!
//! What is made gets its resource key for an id, and is taken to serve: whoever
//! must wait for it hears that from the action itself.

mod shown;

use std::borrow::Cow;

use ipnet::IpNet;

pub(super) use self::shown::acl_entry;
use self::shown::{as_word, endpoint, flow_log, member, permission, route, tags_as_list};
use super::{Action, DnsAttribute, Target};
use crate::{
    observed::{
        Address, IpPermission, NatGateway, NatGatewayAddress, RouteTarget, SecurityGroup, Stage, Tag, VpcEndpoint,
        VpcSnapshot,
    },
    plan::{
        AddressChange, BucketChange, FlowLogChange, NatGatewayChange, NetworkAclChange, RoleChange, RouteChange,
        SecurityGroupChange, TagsChange, VpcChange, VpcEndpointChange,
    },
    types::{
        AllocationId, AvailabilityZoneId, Direction, FlowLogId, NatGatewayId, NetworkAclId, Peer, ResourceKey,
        RouteTableId, Rule, SecurityGroupId, Tags, VpcEndpointId,
    },
};
use iam_policy::PolicyDocument;

const AVAILABLE: &str = "available";

/// The VPC once these actions are done, whatever they wait for.
pub(super) fn project<'s, 'p>(
    snapshot: &'s VpcSnapshot,
    actions: impl IntoIterator<Item = &'p Action>,
) -> Cow<'s, VpcSnapshot> {
    let mut projected = Cow::Borrowed(snapshot);
    for action in actions {
        perform(projected.to_mut(), action);
    }
    projected
}

/// The id of what is there, or the one that it goes by here.
pub(super) fn projected_id<Id: Clone + for<'a> From<&'a str>>(target: &Target<Id>) -> Id {
    match target {
        Target::Existing(id) => id.clone(),
        Target::Made(key) => key.to_string().as_str().into(),
    }
}

fn perform(vpc: &mut VpcSnapshot, action: &Action) {
    match action {
        Action::Vpc(VpcChange::ModifyAttribute { vpc: _, attribute }) => {
            if let Some(attributes) = &mut vpc.attributes {
                match attribute {
                    DnsAttribute::EnableDnsSupport => attributes.enable_dns_support.value = true,
                    DnsAttribute::EnableDnsHostnames => attributes.enable_dns_hostnames.value = true,
                }
            }
        }
        Action::SecurityGroup(SecurityGroupChange::Create {
            key,
            vpc: _,
            name,
            description,
            tags,
        }) => create_security_group(vpc, key, name, description, tags),
        Action::SecurityGroup(SecurityGroupChange::Authorize {
            group,
            direction,
            rules,
        }) => authorize(vpc, &projected_id(group), *direction, rules),
        Action::SecurityGroup(SecurityGroupChange::Revoke {
            group,
            direction,
            rules,
        }) => revoke(vpc, &projected_id(group), *direction, rules),
        Action::SecurityGroup(SecurityGroupChange::Delete { id }) => {
            vpc.security_groups.remove(id);
        }
        Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
            key,
            vpc: _,
            service_name,
            route_tables,
            policy,
            tags,
        }) => {
            let mut made = endpoint(vpc, key, "Gateway", service_name, Some(policy), tags);
            made.route_table_ids = route_tables.clone();
            vpc.vpc_endpoints.push(made);
        }
        Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
            id,
            policy,
            add_route_tables,
            remove_route_tables,
        }) => {
            if let Some(endpoint) = endpoint_of(vpc, id) {
                endpoint
                    .route_table_ids
                    .retain(|table| !remove_route_tables.contains(table));
                endpoint.route_table_ids.extend(add_route_tables.iter().cloned());
                set_policy(endpoint, policy.as_ref());
            }
        }
        Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
            key,
            vpc: _,
            service_name,
            subnets,
            groups,
            private_dns,
            ip_address_type,
            policy,
            tags,
        }) => {
            let mut made = endpoint(vpc, key, "Interface", service_name, policy.as_ref(), tags);
            made.subnet_ids = subnets.clone();
            made.groups = groups.iter().map(member).collect();
            made.private_dns_enabled = *private_dns;
            made.ip_address_type = ip_address_type.map(as_word);
            vpc.vpc_endpoints.push(made);
        }
        Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
            id,
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        }) => {
            if let Some(endpoint) = endpoint_of(vpc, id) {
                endpoint.subnet_ids.retain(|subnet| !remove_subnets.contains(subnet));
                endpoint.subnet_ids.extend(add_subnets.iter().cloned());
                endpoint.groups.retain(|group| !remove_groups.contains(&group.group_id));
                endpoint.groups.extend(add_groups.iter().map(member));
                endpoint.private_dns_enabled = private_dns.unwrap_or(endpoint.private_dns_enabled);
                endpoint.ip_address_type = ip_address_type.map(as_word).or(endpoint.ip_address_type.take());
                set_policy(endpoint, policy.as_ref());
            }
        }
        Action::VpcEndpoint(VpcEndpointChange::Delete { id }) => delete_endpoint(vpc, id),
        Action::Address(AddressChange::Allocate { key, tags }) => {
            let id = AllocationId::new(key.to_string());
            let address = Address {
                allocation_id: id.clone(),
                public_ip: None,
                association_id: None,
                network_interface_id: None,
                tags: tags_as_list(tags),
            };
            vpc.addresses.insert(id, address);
        }
        Action::Address(AddressChange::Release { id }) => {
            vpc.addresses.remove(id);
        }
        Action::NatGateway(NatGatewayChange::Create {
            key,
            subnet,
            address,
            tags,
        }) => {
            let made = NatGateway {
                subnet_id: Some(subnet.clone()),
                nat_gateway_addresses: vec![nat_address(Some(projected_id(address)), None)],
                ..new_nat_gateway(vpc, key, tags)
            };
            vpc.nat_gateways.insert(made.nat_gateway_id.clone(), made);
        }
        Action::NatGateway(NatGatewayChange::CreateRegional { key, zones, tags, .. }) => {
            let made = NatGateway {
                availability_mode: Some("regional".into()),
                nat_gateway_addresses: zones.iter().map(|zone| nat_address(None, Some(zone.clone()))).collect(),
                ..new_nat_gateway(vpc, key, tags)
            };
            vpc.nat_gateways.insert(made.nat_gateway_id.clone(), made);
        }
        Action::NatGateway(NatGatewayChange::Delete { id }) => delete_nat_gateway(vpc, id),
        Action::Route(
            RouteChange::Create {
                table,
                destination,
                nat_gateway,
            }
            | RouteChange::Replace {
                table,
                destination,
                nat_gateway,
            },
        ) => {
            remove_route(vpc, table, destination);
            await_nat_gateway(vpc, &projected_id(nat_gateway));
            if let Some(table) = vpc.route_tables.get_mut(table) {
                table.routes.push(route(destination, &projected_id(nat_gateway)));
            }
        }
        Action::Route(RouteChange::Delete { table, destination }) => remove_route(vpc, table, destination),
        Action::NetworkAcl(
            NetworkAclChange::CreateEntry { acl, entry } | NetworkAclChange::ReplaceEntry { acl, entry },
        ) => {
            remove_entry(vpc, acl, entry.direction, entry.rule_number);
            if let Some(acl) = vpc.network_acls.get_mut(acl) {
                acl.entries.push(acl_entry(entry));
            }
        }
        Action::NetworkAcl(NetworkAclChange::DeleteEntry {
            acl,
            direction,
            rule_number,
        }) => remove_entry(vpc, acl, *direction, *rule_number),
        Action::FlowLog(FlowLogChange::Create {
            key,
            resource,
            settings,
            tags,
        }) => {
            let id = FlowLogId::new(key.to_string());
            vpc.flow_logs.insert(id.clone(), flow_log(id, resource, settings, tags));
        }
        Action::FlowLog(FlowLogChange::Delete { id }) => {
            vpc.flow_logs.remove(id);
        }
        // What roles and buckets allow has no bearing on packets.
        Action::Bucket(BucketChange::PutPolicy { .. })
        | Action::Role(RoleChange::PutPolicy { .. } | RoleChange::DeletePolicy { .. }) => {}
        Action::Tags(TagsChange::Create { resource, tags }) => {
            if let Some(list) = tags_of(vpc, resource) {
                list.retain(|tag| !tags.contains_key(&tag.key));
                list.extend(tags_as_list(tags));
            }
        }
        Action::Tags(TagsChange::Delete { resource, keys }) => {
            if let Some(list) = tags_of(vpc, resource) {
                list.retain(|tag| !keys.contains(&tag.key));
            }
        }
    }
}

fn tags_of<'v>(vpc: &'v mut VpcSnapshot, resource: &str) -> Option<&'v mut Vec<Tag>> {
    let groups = vpc
        .security_groups
        .values_mut()
        .map(|group| (group.group_id.as_str(), &mut group.tags));
    let endpoints = vpc
        .vpc_endpoints
        .iter_mut()
        .map(|endpoint| (endpoint.vpc_endpoint_id.as_str(), &mut endpoint.tags));
    let gateways = vpc
        .nat_gateways
        .values_mut()
        .map(|nat| (nat.nat_gateway_id.as_str(), &mut nat.tags));
    let addresses = vpc
        .addresses
        .values_mut()
        .map(|address| (address.allocation_id.as_str(), &mut address.tags));
    let flow_logs = vpc
        .flow_logs
        .values_mut()
        .map(|log| (log.flow_log_id.as_str(), &mut log.tags));
    groups
        .chain(endpoints)
        .chain(gateways)
        .chain(addresses)
        .chain(flow_logs)
        .find(|(id, _)| *id == resource)
        .map(|(_, tags)| tags)
}

fn create_security_group(vpc: &mut VpcSnapshot, key: &ResourceKey, name: &str, description: &str, tags: &Tags) {
    let id = SecurityGroupId::new(key.to_string());
    let mut made = SecurityGroup {
        group_id: id.clone(),
        group_name: name.to_owned(),
        vpc_id: vpc.vpc.vpc_id.clone(),
        owner_id: vpc.account.clone(),
        description: description.to_owned(),
        ip_permissions: Vec::new(),
        ip_permissions_egress: Vec::new(),
        tags: tags_as_list(tags),
    };
    // EC2 gives each new group a rule that lets everything out.
    let everywhere = Peer::Cidr(IpNet::V4(ipnet::Ipv4Net::default()));
    made.ip_permissions_egress
        .push(permission(&made, &Rule::all(Direction::Egress, everywhere)));
    vpc.security_groups.insert(id, made);
}

fn authorize(vpc: &mut VpcSnapshot, group: &SecurityGroupId, direction: Direction, rules: &[Rule]) {
    if let Some(group) = vpc.security_groups.get_mut(group) {
        let added: Vec<IpPermission> = rules.iter().map(|rule| permission(group, rule)).collect();
        permissions(group, direction).extend(added);
    }
}

fn revoke(vpc: &mut VpcSnapshot, group: &SecurityGroupId, direction: Direction, rules: &[Rule]) {
    if let Some(group) = vpc.security_groups.get_mut(group) {
        let is_left = |rule: &Rule| rule.direction == direction && !rules.contains(rule);
        let left = group.rules().into_iter().filter(is_left);
        let left = left.map(|rule| permission(group, &rule)).collect();
        *permissions(group, direction) = left;
    }
}

fn permissions(group: &mut SecurityGroup, direction: Direction) -> &mut Vec<IpPermission> {
    match direction {
        Direction::Ingress => &mut group.ip_permissions,
        Direction::Egress => &mut group.ip_permissions_egress,
    }
}

fn endpoint_of<'v>(vpc: &'v mut VpcSnapshot, id: &VpcEndpointId) -> Option<&'v mut VpcEndpoint> {
    vpc.vpc_endpoints
        .iter_mut()
        .find(|endpoint| endpoint.vpc_endpoint_id == *id)
}

/// The routes to a gateway endpoint go with it.
fn delete_endpoint(vpc: &mut VpcSnapshot, id: &VpcEndpointId) {
    vpc.vpc_endpoints.retain(|endpoint| endpoint.vpc_endpoint_id != *id);
    for table in vpc.route_tables.values_mut() {
        table.routes.retain(|route| {
            route.destination_prefix_list_id.is_none() || route.target() != Some(RouteTarget::VpcEndpoint(id.as_str()))
        });
    }
}

fn set_policy(endpoint: &mut VpcEndpoint, policy: Option<&PolicyDocument>) {
    if let Some(policy) = policy {
        endpoint.policy_document = Some(policy.to_string());
    }
}

/// A public one that serves, wherever it is.
fn new_nat_gateway(vpc: &VpcSnapshot, key: &ResourceKey, tags: &Tags) -> NatGateway {
    NatGateway {
        nat_gateway_id: NatGatewayId::new(key.to_string()),
        vpc_id: Some(vpc.vpc.vpc_id.clone()),
        subnet_id: None,
        availability_mode: None,
        route_table_id: None,
        state: Some(AVAILABLE.into()),
        failure_message: None,
        connectivity_type: Some("public".into()),
        nat_gateway_addresses: Vec::new(),
        tags: tags_as_list(tags),
    }
}

fn nat_address(allocation_id: Option<AllocationId>, zone: Option<AvailabilityZoneId>) -> NatGatewayAddress {
    NatGatewayAddress {
        allocation_id,
        public_ip: None,
        private_ip: None,
        network_interface_id: None,
        availability_zone_id: zone,
    }
}

/// A route is turned to a NAT gateway only once that serves.
fn await_nat_gateway(vpc: &mut VpcSnapshot, id: &NatGatewayId) {
    if let Some(nat) = vpc.nat_gateways.get_mut(id)
        && nat.stage() == Stage::Pending
    {
        nat.state = Some(AVAILABLE.into());
    }
}

/// Routes to what is gone stay, as blackholes.
fn delete_nat_gateway(vpc: &mut VpcSnapshot, id: &NatGatewayId) {
    vpc.nat_gateways.remove(id);
    let routes = vpc.route_tables.values_mut().flat_map(|table| &mut table.routes);
    for route in routes.filter(|route| route.nat_gateway().as_ref() == Some(id)) {
        route.state = Some("blackhole".into());
    }
}

fn remove_route(vpc: &mut VpcSnapshot, table: &RouteTableId, destination: &IpNet) {
    if let Some(table) = vpc.route_tables.get_mut(table) {
        table.routes.retain(|route| route.destination() != Some(*destination));
    }
}

fn remove_entry(vpc: &mut VpcSnapshot, acl: &NetworkAclId, direction: Direction, rule_number: u16) {
    if let Some(acl) = vpc.network_acls.get_mut(acl) {
        acl.entries.retain(|entry| {
            entry.egress != (direction == Direction::Egress) || entry.rule_number != i32::from(rule_number)
        });
    }
}
