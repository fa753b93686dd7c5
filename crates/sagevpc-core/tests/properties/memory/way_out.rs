//! NAT gateways, their addresses and routes.
//!
//! A NAT gateway is pending until [`Memory::pass_time`]; a deleted one leaves
//! its routes behind as blackholes and is shown, without its address, until
//! [`Memory::forget`].

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{Memory, tags_as_list};
use sagevpc_core::{
    observed::{
        Address, NatGateway, NatGatewayAddress, NetworkInterface, Route, RouteTable, Snapshot, Stage, Subnet, Tag,
        Word, tags_of,
    },
    plan::{Action, AddressChange, ClientTokens, NatGatewayChange, RouteChange, Step, Target},
    types::{AllocationId, AvailabilityZoneId, NatGatewayId, NetworkInterfaceId, ResourceKey, RouteTableId, SubnetId},
};

impl Memory {
    pub(super) fn way_out(
        &mut self,
        action: &Action,
        tokens: &ClientTokens,
        made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        match action {
            Action::Address(AddressChange::Allocate { key, tags }) => {
                let id = self.next_id("eipalloc");
                self.snapshot.addresses.push(Address {
                    allocation_id: AllocationId::new(&id),
                    public_ip: None,
                    association_id: None,
                    network_interface_id: None,
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::Address(AddressChange::Release { id }) => {
                assert!(
                    !self.address(id).is_in_use(),
                    "EC2 refuses to release {id}, which is in use"
                );
                self.snapshot.addresses.retain(|address| address.allocation_id != *id);
            }
            Action::NatGateway(NatGatewayChange::Create {
                key,
                subnet,
                address,
                tags,
            }) => {
                let token = tokens.get(key);
                if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
                    made.insert(key.clone(), known.clone());
                    return Step::Done;
                }
                let address = AllocationId::new(id_of(address, made));
                let id = self.next_id("nat");
                self.tokens.extend(token.map(|token| (token.clone(), id.clone())));
                let interface = self.nat_interface(subnet, &id);
                let allocated = self.address(&address);
                assert!(!allocated.is_in_use(), "a NAT gateway with an address in use fails");
                allocated.association_id = Some(format!("eipassoc-{id}"));
                allocated.network_interface_id = Some(interface.clone());
                let vpc_id = self.subnet(subnet).vpc_id.clone();
                self.snapshot.nat_gateways.push(NatGateway {
                    availability_mode: None,
                    route_table_id: None,
                    nat_gateway_id: NatGatewayId::new(&id),
                    vpc_id: Some(vpc_id),
                    subnet_id: Some(subnet.clone()),
                    state: Some("pending".into()),
                    failure_message: None,
                    connectivity_type: Some("public".into()),
                    nat_gateway_addresses: vec![NatGatewayAddress {
                        availability_zone_id: None,
                        allocation_id: Some(address),
                        public_ip: None,
                        private_ip: None,
                        network_interface_id: Some(interface),
                    }],
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::NatGateway(NatGatewayChange::CreateRegional { key, vpc, zones, tags }) => {
                let token = tokens.get(key);
                if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
                    made.insert(key.clone(), known.clone());
                    return Step::Done;
                }
                let attached = self.snapshot.internet_gateways.iter();
                assert!(
                    attached.clone().any(|gateway| gateway.is_attached_to(vpc)),
                    "a regional NAT gateway needs an internet gateway"
                );
                let id = self.next_id("nat");
                self.tokens.extend(token.map(|token| (token.clone(), id.clone())));
                self.snapshot.nat_gateways.push(NatGateway {
                    availability_mode: Some("regional".into()),
                    route_table_id: None,
                    nat_gateway_id: NatGatewayId::new(&id),
                    vpc_id: Some(vpc.clone()),
                    subnet_id: None,
                    state: Some("pending".into()),
                    failure_message: None,
                    connectivity_type: Some("public".into()),
                    nat_gateway_addresses: zones.iter().map(address_of_aws).collect(),
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::NatGateway(NatGatewayChange::Delete { id }) => self.delete_nat_gateway(id),
            Action::Route(RouteChange::Create {
                table,
                destination,
                nat_gateway,
            }) => {
                let nat = self.serving(nat_gateway, made);
                let routes = &mut self.table(table).routes;
                assert!(
                    !routes.iter().any(|route| leads_to(route, destination)),
                    "RouteAlreadyExists: {destination} in {table}"
                );
                routes.push(route(destination, &nat));
            }
            Action::Route(RouteChange::Replace {
                table,
                destination,
                nat_gateway,
            }) => {
                let nat = self.serving(nat_gateway, made);
                let routes = &mut self.table(table).routes;
                let there = routes.iter_mut().find(|route| leads_to(route, destination));
                *there.expect("EC2 finds the route to replace") = route(destination, &nat);
            }
            Action::Route(RouteChange::Delete { table, destination }) => {
                let routes = &mut self.table(table).routes;
                let before = routes.len();
                routes.retain(|route| !leads_to(route, destination));
                assert!(routes.len() < before, "EC2 finds no route {destination} in {table}");
            }
            other => unreachable!("{other:?} is no matter of the way out"),
        }
        Step::Done
    }

    /// What AWS was working on comes to its end.
    pub fn pass_time(&mut self) {
        let mut gone = Vec::new();
        for nat in &mut self.snapshot.nat_gateways {
            match nat.state.as_ref().map(Word::as_str) {
                Some("pending") => nat.state = Some("available".into()),
                Some("deleting") => {
                    nat.state = Some("deleted".into());
                    gone.extend(std::mem::take(&mut nat.nat_gateway_addresses));
                }
                _ => {}
            }
        }
        for address in gone {
            // AWS's own, of a regional one.
            let Some(interface) = address.network_interface_id else {
                continue;
            };
            let place = self
                .snapshot
                .network_interfaces
                .iter()
                .position(|other| other.network_interface_id == interface);
            let removed = self
                .snapshot
                .network_interfaces
                .remove(place.expect("the interface is there"));
            self.subnet(&removed.subnet_id).available_ip_address_count += 1;
            for address in &mut self.snapshot.addresses {
                if address.network_interface_id.as_ref() == Some(&interface) {
                    address.association_id = None;
                    address.network_interface_id = None;
                }
            }
        }
    }

    /// An hour later, EC2 shows deleted NAT gateways no longer.
    pub fn forget(&mut self) {
        self.snapshot.nat_gateways.retain(|nat| !nat.is_gone());
    }

    /// Has a NAT gateway go, by whomever.
    pub fn delete_nat_gateway(&mut self, id: &NatGatewayId) {
        self.nat_gateway(id).state = Some("deleting".into());
        let routes = self
            .snapshot
            .route_tables
            .iter_mut()
            .flat_map(|table| &mut table.routes);
        for route in routes.filter(|route| route.nat_gateway_id.as_deref() == Some(id.as_str())) {
            route.state = Some("blackhole".into());
        }
    }

    fn nat_interface(&mut self, subnet: &SubnetId, nat: &str) -> NetworkInterfaceId {
        let id = NetworkInterfaceId::new(self.next_id("eni"));
        let subnet = self.subnet(subnet);
        assert!(subnet.available_ip_address_count > 0, "a NAT gateway takes an address");
        subnet.available_ip_address_count -= 1;
        let interface = NetworkInterface {
            association: None,
            network_interface_id: id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            subnet_id: subnet.subnet_id.clone(),
            description: format!("Interface for NAT Gateway {nat}"),
            interface_type: Some("nat_gateway".into()),
            requester_id: None,
            status: None,
            attachment: None,
            groups: Vec::new(),
            private_ip_addresses: Vec::new(),
            ipv6_addresses: Vec::new(),
            ipv4_prefixes: Vec::new(),
            ipv6_prefixes: Vec::new(),
            owner_id: None,
        };
        self.snapshot.network_interfaces.push(interface);
        id
    }

    /// The NAT gateway of a target, which EC2 must be able to lead a route to.
    fn serving(&self, target: &Target<NatGatewayId>, made: &BTreeMap<ResourceKey, String>) -> NatGatewayId {
        let id = NatGatewayId::new(id_of(target, made));
        let nat = self.snapshot.nat_gateways.iter().find(|nat| nat.nat_gateway_id == id);
        let state = nat.and_then(|nat| nat.state.as_ref()).map(Word::as_str);
        assert_eq!(state, Some("available"), "a route leads to {id}, which does not serve");
        id
    }

    pub(super) fn nat_gateway(&mut self, id: &NatGatewayId) -> &mut NatGateway {
        let found = self
            .snapshot
            .nat_gateways
            .iter_mut()
            .find(|nat| nat.nat_gateway_id == *id);
        found.expect("EC2 knows the NAT gateway")
    }

    pub(super) fn address(&mut self, id: &AllocationId) -> &mut Address {
        let found = self
            .snapshot
            .addresses
            .iter_mut()
            .find(|address| address.allocation_id == *id);
        found.expect("EC2 knows the address")
    }

    fn subnet(&mut self, id: &SubnetId) -> &mut Subnet {
        let found = self.snapshot.subnets.iter_mut().find(|subnet| subnet.subnet_id == *id);
        found.expect("EC2 knows the subnet")
    }

    fn table(&mut self, id: &RouteTableId) -> &mut RouteTable {
        let found = self
            .snapshot
            .route_tables
            .iter_mut()
            .find(|table| table.route_table_id == *id);
        found.expect("EC2 knows the route table")
    }
}

/// AWS gives a regional NAT gateway an address in each zone.
fn address_of_aws(zone: &AvailabilityZoneId) -> NatGatewayAddress {
    NatGatewayAddress {
        availability_zone_id: Some(zone.clone()),
        allocation_id: Some(AllocationId::new("eipalloc-of-aws")),
        public_ip: None,
        private_ip: None,
        network_interface_id: None,
    }
}

/// What is ours, told by what it is for, and the routes to it.
pub(super) fn ours(snapshot: &Snapshot) -> Vec<String> {
    let purpose = |tags: &[Tag]| tags_of(tags).get("sagevpc.dev/resource").cloned();
    let there = |nat: &&NatGateway| !matches!(nat.stage(), Stage::Deleting | Stage::Deleted);
    let nat_gateways: BTreeMap<&str, String> = snapshot
        .nat_gateways
        .iter()
        .filter(there)
        .filter_map(|nat| Some((nat.nat_gateway_id.as_str(), purpose(&nat.tags)?)))
        .collect();
    let addresses = snapshot
        .addresses
        .iter()
        .filter_map(|address| Some(format!("{} {:?}", purpose(&address.tags)?, tags_of(&address.tags))));
    let routes = snapshot.route_tables.iter().flat_map(|table| {
        let ours = table.routes.iter().filter_map(|route| {
            let leads_to = nat_gateways.get(route.nat_gateway_id.as_deref()?)?;
            Some(format!("{} -> {leads_to}", table.route_table_id))
        });
        ours.collect::<Vec<_>>()
    });
    addresses.chain(routes).chain(nat_gateways.values().cloned()).collect()
}

fn id_of<Id: ToString>(target: &Target<Id>, made: &BTreeMap<ResourceKey, String>) -> String {
    match target {
        Target::Existing(id) => id.to_string(),
        Target::Made(key) => made[key].clone(),
    }
}

fn leads_to(route: &Route, destination: &IpNet) -> bool {
    route.destination_cidr_block.map(IpNet::V4) == Some(*destination)
}

fn route(destination: &IpNet, nat: &NatGatewayId) -> Route {
    let text = serde_json::json!({
        "DestinationCidrBlock": destination,
        "NatGatewayId": nat,
        "State": "active",
    });
    serde_json::from_value(text).expect("a route")
}
