//! Interface endpoints, as EC2 makes and changes them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Memory, tags_as_list};
use sagevpc_core::{
    observed::{GroupIdentifier, NetworkInterface, PrivateIpAddress, Snapshot, VpcEndpoint},
    plan::{Action, ClientTokens, Step, Target, VpcEndpointChange},
    types::{NetworkInterfaceId, ResourceKey, SecurityGroupId, SubnetId, VpcEndpointId},
};

impl Memory {
    pub(super) fn interface_endpoint(
        &mut self,
        action: &Action,
        tokens: &ClientTokens,
        made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        match action {
            Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
                key,
                vpc,
                service_name,
                subnets,
                groups,
                private_dns,
                ip_address_type,
                policy,
                tags,
            }) => {
                let token = tokens.get(key);
                if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
                    made.insert(key.clone(), known.clone());
                    return Step::Done;
                }
                assert!(!subnets.is_empty(), "an interface endpoint has a subnet");
                assert!(!groups.is_empty(), "EC2 would take the VPC's default group");
                if *private_dns {
                    self.claim_name(service_name);
                }
                let id = self.next_id("vpce");
                self.tokens.extend(token.map(|token| (token.clone(), id.clone())));
                self.snapshot.vpc_endpoints.push(VpcEndpoint {
                    vpc_endpoint_id: VpcEndpointId::new(&id),
                    vpc_endpoint_type: Some("Interface".into()),
                    vpc_id: vpc.clone(),
                    service_name: service_name.clone(),
                    state: "available".into(),
                    policy_document: policy.as_ref().map(ToString::to_string),
                    route_table_ids: Vec::new(),
                    subnet_ids: Vec::new(),
                    groups: self.carried(groups, made),
                    network_interface_ids: Vec::new(),
                    private_dns_enabled: *private_dns,
                    ip_address_type: ip_address_type.map(|kind| kind.as_str().into()),
                    dns_entries: Vec::new(),
                    dns_options: None,
                    owner_id: None,
                    requester_managed: false,
                    tags: tags_as_list(tags),
                });
                let id = VpcEndpointId::new(&id);
                for subnet in subnets {
                    self.attach(&id, subnet);
                }
                made.insert(key.clone(), id.to_string());
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
                if *private_dns == Some(true) {
                    let service = self.endpoint(id).service_name.clone();
                    self.claim_name(&service);
                }
                for subnet in remove_subnets {
                    self.detach(id, subnet);
                }
                for subnet in add_subnets {
                    self.attach(id, subnet);
                }
                let added = self.carried(add_groups, made);
                let endpoint = self.endpoint(id);
                for group in &added {
                    assert!(!endpoint.groups.contains(group), "{group:?} is on {id} already");
                }
                endpoint.groups.extend(added);
                endpoint.groups.retain(|group| !remove_groups.contains(&group.group_id));
                assert!(!endpoint.groups.is_empty(), "EC2 refuses to take the last group off");
                if let Some(policy) = policy {
                    endpoint.policy_document = Some(policy.to_string());
                }
                if let Some(on) = private_dns {
                    assert_ne!(endpoint.private_dns_enabled, *on, "{id} has private DNS so already");
                    endpoint.private_dns_enabled = *on;
                }
                if let Some(kind) = ip_address_type {
                    endpoint.ip_address_type = Some(kind.as_str().into());
                }
                let (groups, interfaces) = (endpoint.groups.clone(), endpoint.network_interface_ids.clone());
                for interface in &mut self.snapshot.network_interfaces {
                    if interfaces.contains(&interface.network_interface_id) {
                        interface.groups = groups.clone();
                    }
                }
            }
            other => unreachable!("{other:?} is about no interface endpoint"),
        }
        Step::Done
    }

    /// Deletes an endpoint, and its interfaces with it.
    pub fn delete_endpoint(&mut self, id: &VpcEndpointId) {
        for subnet in self.endpoint(id).subnet_ids.clone() {
            self.detach(id, &subnet);
        }
        self.snapshot
            .vpc_endpoints
            .retain(|endpoint| endpoint.vpc_endpoint_id != *id);
    }

    /// Puts another group on an endpoint in place of its own.
    pub fn swap_groups(&mut self, id: &VpcEndpointId, group: &str) {
        let groups = vec![GroupIdentifier {
            group_id: SecurityGroupId::new(group),
        }];
        let endpoint = self.endpoint(id);
        endpoint.groups = groups.clone();
        let interfaces = endpoint.network_interface_ids.clone();
        for interface in &mut self.snapshot.network_interfaces {
            if interfaces.contains(&interface.network_interface_id) {
                interface.groups = groups.clone();
            }
        }
    }

    fn carried(
        &self,
        groups: &[Target<SecurityGroupId>],
        made: &BTreeMap<ResourceKey, String>,
    ) -> Vec<GroupIdentifier> {
        let id = |target: &Target<SecurityGroupId>| match target {
            Target::Existing(id) => id.clone(),
            Target::Made(key) => SecurityGroupId::new(&made[key]),
        };
        let ids: Vec<SecurityGroupId> = groups.iter().map(id).collect();
        for id in &ids {
            let is_known = self.snapshot.security_groups.iter().any(|group| group.group_id == *id);
            assert!(is_known, "EC2 knows no group {id}");
        }
        ids.into_iter().map(|group_id| GroupIdentifier { group_id }).collect()
    }

    /// A name leads to one endpoint of a VPC.
    fn claim_name(&self, service: &str) {
        let attributes = self.snapshot.vpc_attributes.first().expect("the VPC has attributes");
        assert!(
            attributes.enable_dns_support.value && attributes.enable_dns_hostnames.value,
            "EC2 refuses private DNS without both attributes"
        );
        let names = |name: &str| -> BTreeSet<String> {
            let services = self.snapshot.endpoint_services.iter();
            let of_it = services.filter(|service| service.service_name == name && service.is_interface());
            of_it
                .flat_map(|service| service.private_names())
                .map(str::to_owned)
                .collect()
        };
        let wanted = names(service);
        assert!(!wanted.is_empty(), "{service} has no private DNS name");
        for endpoint in self
            .snapshot
            .vpc_endpoints
            .iter()
            .filter(|other| other.private_dns_enabled)
        {
            assert!(
                names(&endpoint.service_name).is_disjoint(&wanted),
                "conflicting DNS domain: {} has the name of {service}",
                endpoint.vpc_endpoint_id
            );
        }
    }

    fn attach(&mut self, id: &VpcEndpointId, subnet: &SubnetId) {
        let zone_of = |snapshot: &Snapshot, id: &SubnetId| {
            let subnet = snapshot.subnets.iter().find(|subnet| subnet.subnet_id == *id);
            let subnet = subnet.expect("EC2 knows the subnet");
            subnet.zone().expect("a subnet is in a zone").to_owned()
        };
        let zone = zone_of(&self.snapshot, subnet);
        let endpoint = self.endpoint(id).clone();
        for other in &endpoint.subnet_ids {
            assert_ne!(zone_of(&self.snapshot, other), zone, "DuplicateSubnetsInSameZone");
        }
        let service = self
            .snapshot
            .endpoint_services
            .iter()
            .find(|service| service.service_name == endpoint.service_name && service.is_interface());
        let zones = &service.expect("EC2 knows the service").availability_zones;
        assert!(
            zones.is_empty() || zones.contains(&zone),
            "the service is not in {zone}"
        );
        let there = self
            .snapshot
            .subnets
            .iter_mut()
            .find(|found| found.subnet_id == *subnet);
        let there = there.expect("EC2 knows the subnet");
        assert!(there.available_ip_address_count > 0, "{subnet} has no free address");
        there.available_ip_address_count -= 1;
        let address = there.cidr_block.map(|block| {
            let ninth = block.network().to_bits() + 9;
            std::net::Ipv4Addr::from_bits(ninth).to_string()
        });
        let interface = NetworkInterfaceId::new(self.next_id("eni"));
        self.snapshot.network_interfaces.push(NetworkInterface {
            association: None,
            network_interface_id: interface.clone(),
            vpc_id: endpoint.vpc_id.clone(),
            subnet_id: subnet.clone(),
            description: format!("VPC Endpoint Interface {id}"),
            interface_type: Some("vpc_endpoint".into()),
            requester_id: None,
            status: Some("in-use".to_owned()),
            attachment: None,
            groups: endpoint.groups.clone(),
            private_ip_addresses: address
                .map(|private_ip_address| PrivateIpAddress {
                    private_ip_address,
                    association: None,
                })
                .into_iter()
                .collect(),
            ipv6_addresses: Vec::new(),
            ipv4_prefixes: Vec::new(),
            ipv6_prefixes: Vec::new(),
            owner_id: None,
        });
        let endpoint = self.endpoint(id);
        endpoint.subnet_ids.push(subnet.clone());
        endpoint.network_interface_ids.push(interface);
    }

    pub fn detach(&mut self, id: &VpcEndpointId, subnet: &SubnetId) {
        let interfaces = self.endpoint(id).network_interface_ids.clone();
        let gone =
            self.snapshot.network_interfaces.iter().find(|interface| {
                interface.subnet_id == *subnet && interfaces.contains(&interface.network_interface_id)
            });
        if let Some(gone) = gone.map(|interface| interface.network_interface_id.clone()) {
            self.snapshot
                .network_interfaces
                .retain(|interface| interface.network_interface_id != gone);
            let there = self
                .snapshot
                .subnets
                .iter_mut()
                .find(|found| found.subnet_id == *subnet);
            there.expect("EC2 knows the subnet").available_ip_address_count += 1;
            self.endpoint(id).network_interface_ids.retain(|other| *other != gone);
        }
        let endpoint = self.endpoint(id);
        assert!(endpoint.subnet_ids.contains(subnet), "{id} is not in {subnet}");
        endpoint.subnet_ids.retain(|other| other != subnet);
    }
}
