//! Connections that somebody on the internet opens to an interface of the VPC.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html>.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use ipnet::IpNet;

use super::{
    Reach,
    acl_denial::AclDenial,
    cause::{Cause, RouteUsed, Stop},
    filter::{Acl, Flow, LAST_RULE},
    hop::Hop,
    names::is_of_family,
    network::Leg,
    parts::not_known,
    public_access::PublicAccessBlock,
    routes::{Table, Via, parts},
    space::{EPHEMERAL, EVERY_PORT, Space, internet, on_ports, space, take},
    unseen::Unseen,
    verdict::{Answer, Path, Verdict, distinct},
};
use crate::{
    observed::{InterfaceType, NetworkInterface},
    types::{ANSWER_PORTS, Direction, NetworkInterfaceId, Peer, Protocol, RouteTableId, SubnetId, Traffic},
};

/// Why nothing on the internet knows an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPublic {
    /// No public address stands for its own.
    NoAddress {
        /// The interface.
        interface: NetworkInterfaceId,
        /// Its address.
        address: IpAddr,
    },
    /// Its subnet's table leads to the internet by no internet gateway.
    NoRoute {
        /// The subnet.
        subnet: SubnetId,
        /// The table.
        table: RouteTableId,
        /// The internet gateway that is attached to the VPC.
        gateway: Option<String>,
        /// Whether it is asked over IPv6.
        is_ipv6: bool,
    },
}

impl NotPublic {
    /// The resource to look at.
    pub(super) fn resource(&self) -> String {
        match self {
            Self::NoAddress { interface, .. } => interface.to_string(),
            Self::NoRoute { table, .. } => table.to_string(),
        }
    }

    /// What would let somebody outside in.
    pub(super) fn fix(&self) -> String {
        match self {
            Self::NoAddress { interface, address } => format!(
                "If it is to be reached from the internet, give it an elastic IP address: `aws ec2 associate-address \
                 --allocation-id eipalloc-… --network-interface-id {interface} --private-ip-address {address}`; or put a \
                 load balancer in a public subnet before it."
            ),
            Self::NoRoute {
                table,
                gateway,
                is_ipv6,
                ..
            } => {
                let gateway = gateway.as_deref().unwrap_or("igw-…");
                let everywhere = if *is_ipv6 {
                    "--destination-ipv6-cidr-block ::/0"
                } else {
                    "--destination-cidr-block 0.0.0.0/0"
                };
                format!(
                    "If all of its subnet is to be public, lead its default route to an internet gateway: `aws ec2 \
                     create-route --route-table-id {table} {everywhere} --gateway-id {gateway}`; or put a load balancer \
                     in a public subnet before it."
                )
            }
        }
    }
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress { interface, address } => {
                write!(
                    f,
                    "{interface} has no public address for {address}, so nothing on the internet reaches it"
                )
            }
            Self::NoRoute { subnet, table, .. } => write!(
                f,
                "{table} of {subnet} has no route to an internet gateway for these addresses, so nothing comes in from them"
            ),
        }
    }
}

/// Whether somebody on the internet can open a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Whether there is an address from which it can be opened, and what stops it
    /// where there is none.
    pub answer: Answer,
    /// The addresses from which it can; none where it is all that were asked for.
    pub only: Vec<IpNet>,
}

/// An interface that is asked from outside.
struct Asked<'i> {
    interface: &'i NetworkInterface,
    /// Its address in the VPC.
    address: IpAddr,
    /// Its subnet, by its place.
    place: usize,
    /// From where, as it was asked.
    sources: IpNet,
    traffic: Traffic,
}

/// How connections of one protocol fare.
#[derive(Default)]
struct Way {
    hops: Vec<Hop>,
    /// Addresses from which nothing on the way keeps them.
    open: Space,
    /// What keeps off some, each with whether that is all.
    closed: Vec<(bool, Cause)>,
    unseen: Vec<Unseen>,
}

impl Way {
    /// Keeps to what one step lets through.
    fn step(&mut self, asked: &Space, passes: &Space, closes: impl FnOnce() -> Option<Cause>) {
        let mut left = on_ports(asked, EVERY_PORT);
        let mut keeps_off = left.clone();
        for cell in passes {
            take(&mut keeps_off, &cell.net, EVERY_PORT);
        }
        for cell in &keeps_off {
            take(&mut left, &cell.net, EVERY_PORT);
            take(&mut self.open, &cell.net, EVERY_PORT);
        }
        if !keeps_off.is_empty() {
            self.closed.extend(closes().map(|cause| (left.is_empty(), cause)));
        }
    }

    fn not_knowing(&mut self, unseen: Unseen) {
        self.hops.push(Hop::Unseen(unseen.clone()));
        self.unseen.push(unseen);
    }
}

/// What is left of `asked` without `denied`.
fn without<'c>(asked: &Space, denied: impl IntoIterator<Item = &'c super::space::Cell>) -> Space {
    let mut left = on_ports(asked, EVERY_PORT);
    for cell in denied {
        take(&mut left, &cell.net, EVERY_PORT);
    }
    left
}

impl Reach<'_> {
    /// Follows connections that somebody on the internet opens to an address of an
    /// interface, and their answers: from anywhere, or from some addresses alone.
    /// `None` where its subnet was not seen.
    pub fn from_internet(
        &self,
        interface: &NetworkInterface,
        address: IpAddr,
        sources: Option<IpNet>,
        traffic: Traffic,
    ) -> Option<Inbound> {
        let is_ipv6 = address.is_ipv6();
        let place = *self.place_of.get(&interface.subnet_id)?;
        let all = if is_ipv6 {
            IpNet::V6(ipnet::Ipv6Net::default())
        } else {
            IpNet::V4(ipnet::Ipv4Net::default())
        };
        let asked = Asked {
            interface,
            address,
            place,
            sources: sources.unwrap_or(all),
            traffic,
        };
        let everywhere = match sources {
            Some(net) => space([net.trunc()], EVERY_PORT),
            None => internet(is_ipv6, self.snapshot.vpc.cidrs()),
        };
        let mut open = everywhere.clone();
        let mut unseen = Vec::new();
        let mut path = Path::default();
        for flow in self.flows(traffic, is_ipv6) {
            let way = self.come_in_from(&asked, flow, &open);
            if way.open.is_empty() {
                return Some(stopped(way));
            }
            unseen.extend(way.unseen);
            path = Path(way.hops);
            open = way.open;
        }
        let is_all = without(&everywhere, &open).is_empty();
        let only = if is_all {
            Vec::new()
        } else {
            IpNet::aggregate(&open.iter().map(|cell| cell.net).collect())
        };
        let unseen: BTreeSet<Unseen> = unseen.into_iter().collect();
        let unseen: Vec<Unseen> = unseen.into_iter().collect();
        let verdict = if unseen.is_empty() {
            Verdict::Reachable(path)
        } else {
            Verdict::Unknown(path, unseen.clone())
        };
        let answer = Answer {
            verdict,
            causes: Vec::new(),
            unseen,
            remarks: Vec::new(),
        };
        Some(Inbound { answer, only })
    }

    /// Connections of one protocol, from these addresses.
    fn come_in_from(&self, asked: &Asked<'_>, flow: Flow, from: &Space) -> Way {
        let mut way = Way {
            open: from.clone(),
            ..Way::default()
        };
        self.known_outside(asked, from, &mut way);
        let route = self.by_internet_gateway(asked, from, &mut way);
        let subnet = &self.places[asked.place].id;
        if let Some(block) = PublicAccessBlock::inwards(self.snapshot, subnet) {
            way.step(from, &Space::new(), || Some(Cause::PublicAccessBlocked(block)));
        }
        let acl = self.places[asked.place].acl.map(|acl| &self.acls[acl]);
        if acl.is_none() {
            way.not_knowing(Unseen::NetworkAcls);
        }
        if let Some(acl) = acl {
            self.past_acl_inwards(asked, acl, Direction::Ingress, flow, from, &mut way);
        }
        self.admitted_inwards(asked, flow, from, &mut way);
        let answers = match flow.has_ports() {
            true => Some(Flow {
                ports: EPHEMERAL,
                ..flow
            }),
            false => flow.answered(),
        };
        if let (Some(acl), Some(answers)) = (acl, answers) {
            self.past_acl_inwards(asked, acl, Direction::Egress, answers, from, &mut way);
        }
        way.hops.extend(route);
        way
    }

    /// The address by which the interface is known outside.
    fn known_outside(&self, asked: &Asked<'_>, from: &Space, way: &mut Way) {
        let Asked { interface, address, .. } = asked;
        let id = &interface.network_interface_id;
        let is_nat = interface
            .interface_type
            .as_ref()
            .is_some_and(|kind| kind.means() == InterfaceType::NatGateway);
        if is_nat {
            let cause = Cause::TakesNothing { interface: id.clone() };
            way.step(from, &Space::new(), || Some(cause));
            return;
        }
        if address.is_ipv6() {
            return;
        }
        let is_known = interface.public_addresses().any(|(_, own)| own == *address)
            // Elastic IP addresses are listed by themselves, too.
            || self.snapshot.addresses.values().any(|elastic| {
                elastic.network_interface_id.as_ref() == Some(id) && interface.addresses().next() == Some(*address)
            });
        if !is_known {
            let cause = NotPublic::NoAddress {
                interface: id.clone(),
                address: *address,
            };
            way.step(from, &Space::new(), || Some(Cause::NotPublic(cause)));
        }
    }

    /// In by the internet gateway that answers leave by: the route that they take.
    fn by_internet_gateway(&self, asked: &Asked<'_>, from: &Space, way: &mut Way) -> Option<Hop> {
        let subnet = &self.places[asked.place].id;
        let is_ipv6 = asked.address.is_ipv6();
        let Some(table) = self.places[asked.place].table.map(|table| &self.tables[table]) else {
            let leg = self.without_table(subnet, Leg::default());
            way.unseen.extend(leg.unseen);
            if let Some(cause) = leg.stop {
                way.step(from, &Space::new(), || Some(cause));
            }
            return None;
        };
        let of_family = table.routes.iter().filter(|lead| is_of_family(&lead.to, is_ipv6));
        let (by_route, _) = parts(of_family.map(|lead| (lead.to, lead)), from.clone());
        let mut by_gateway = Space::new();
        let mut out_of_sight = Space::new();
        let mut taken = None;
        let mut not_seen = table.unknown.clone();
        for (lead, part) in by_route {
            match &lead.via {
                Via::InternetGateway(gateway) => {
                    let used = RouteUsed {
                        table: table.id.clone(),
                        destination: lead.destination.clone(),
                    };
                    taken.get_or_insert((gateway, used));
                    by_gateway.extend(part);
                }
                Via::Unseen(unseen) => {
                    not_seen.push(unseen.clone());
                    out_of_sight.extend(part);
                }
                Via::Across(link) => {
                    not_seen.push(link.unseen());
                    out_of_sight.extend(part);
                }
                Via::Local
                | Via::Blackhole(_)
                | Via::GatewayEndpoint(_)
                | Via::NatGateway(_)
                | Via::EgressOnlyInternetGateway(_) => {}
            }
        }
        let gateway = self.snapshot.internet_gateway.as_ref();
        let attached = gateway.filter(|gateway| gateway.is_attached_to(&self.snapshot.vpc.vpc_id));
        let no_route = NotPublic::NoRoute {
            subnet: subnet.clone(),
            table: table.id.clone(),
            gateway: attached.map(|gateway| gateway.internet_gateway_id.to_string()),
            is_ipv6,
        };
        let Some((gateway, used)) = taken else {
            if not_seen.is_empty() {
                way.step(from, &Space::new(), || Some(Cause::NotPublic(no_route)));
            } else {
                not_seen.into_iter().for_each(|unseen| way.not_knowing(unseen));
                let passes = if table.unknown.is_empty() { &out_of_sight } else { from };
                way.step(from, passes, || Some(Cause::NotPublic(no_route)));
            }
            return None;
        };
        let reached = self.past_internet_gateway(gateway, Leg::default());
        if let Some(cause) = reached.stop {
            way.step(from, &Space::new(), || Some(cause));
            return None;
        }
        reached.unseen.into_iter().for_each(|unseen| way.not_knowing(unseen));
        way.hops.push(Hop::FromInternet {
            gateway: gateway.clone(),
            public: asked.public_address(),
            address: asked.address,
        });
        if let Some(edge) = self.edge_table(gateway) {
            self.by_edge_table(edge, asked.address, from, way);
        }
        way.step(from, &by_gateway, || Some(Cause::NotPublic(no_route)));
        Some(Hop::Route {
            table: used.table,
            destination: used.destination,
            to: gateway.clone(),
        })
    }

    /// Where the internet gateway's own table sends what comes in.
    fn by_edge_table(&self, edge: &Table, address: IpAddr, from: &Space, way: &mut Way) {
        let Some(lead) = edge.routes.iter().find(|lead| lead.to.contains(&address)) else {
            return;
        };
        match &lead.via {
            Via::Unseen(unseen) => way.not_knowing(unseen.clone()),
            Via::Across(link) => way.not_knowing(link.unseen()),
            Via::Blackhole(target) => {
                let cause = Cause::Blackhole {
                    route: RouteUsed {
                        table: edge.id.clone(),
                        destination: lead.destination.clone(),
                    },
                    target: target.clone(),
                };
                way.step(from, &Space::new(), || Some(cause));
            }
            Via::Local
            | Via::GatewayEndpoint(_)
            | Via::NatGateway(_)
            | Via::InternetGateway(_)
            | Via::EgressOnlyInternetGateway(_) => {}
        }
    }

    /// Through the network ACL of the interface's subnet, or answers out of it.
    fn past_acl_inwards(
        &self,
        asked: &Asked<'_>,
        acl: &Acl,
        direction: Direction,
        flow: Flow,
        from: &Space,
        way: &mut Way,
    ) {
        let answer = direction == Direction::Egress;
        let passage = acl.pass(direction, flow, on_ports(from, flow.ports));
        let denied: Vec<&(i32, Space)> = passage.denied.iter().filter(|(_, cells)| !cells.is_empty()).collect();
        let cells = denied.iter().flat_map(|(_, cells)| cells);
        let passes = without(from, cells);
        if !passes.is_empty() {
            way.hops.push(Hop::NetworkAcl {
                acl: acl.id.clone(),
                subnet: self.places[asked.place].id.clone(),
                direction,
                rule: passage.by,
                answer,
            });
        }
        let first = denied.first();
        way.step(from, &passes, || {
            let (rule, cells) = first?;
            let ports = if answer && flow.has_ports() {
                Some(ANSWER_PORTS)
            } else {
                flow.as_range()
            };
            let protocol = match asked.traffic.protocol {
                Protocol::All => Protocol::All,
                Protocol::Number(_) => Protocol::Number(flow.protocol),
            };
            Some(Cause::AclDenies(AclDenial {
                else_allowed: *rule < LAST_RULE && acl.passes_without(*rule, direction, flow, cells.clone()),
                acl: acl.id.clone(),
                direction,
                rule: *rule,
                traffic: Traffic { protocol, ports },
                peers: vec![asked.sources],
                answer,
            }))
        });
    }

    /// What the interface's groups admit; they keep state, so answers pass.
    fn admitted_inwards(&self, asked: &Asked<'_>, flow: Flow, from: &Space, way: &mut Way) {
        let groups: BTreeSet<_> = asked
            .interface
            .groups
            .iter()
            .map(|group| group.group_id.clone())
            .collect();
        if groups.is_empty() {
            let interface = asked.interface.network_interface_id.to_string();
            way.not_knowing(Unseen::Listener { interface });
            return;
        }
        let wanted = on_ports(from, flow.ports);
        let admission = self
            .groups
            .admit(&groups, Direction::Ingress, flow, wanted, &BTreeSet::new());
        way.hops.extend(
            admission
                .by
                .clone()
                .map(|(group, rule)| Hop::SecurityGroup { group, rule }),
        );
        let passes = without(from, &admission.refused);
        let unseen = not_known(&admission);
        if passes.is_empty() && !unseen.is_empty() {
            unseen.into_iter().for_each(|unseen| way.not_knowing(unseen));
            return;
        }
        way.step(from, &passes, || {
            Some(Cause::NotAdmitted {
                groups: groups.iter().cloned().collect(),
                direction: Direction::Ingress,
                traffic: asked.traffic,
                peers: vec![Peer::Cidr(asked.sources)],
                endpoint: None,
                callers: Some(Vec::new()),
            })
        });
    }
}

impl Asked<'_> {
    /// The address that is known outside.
    fn public_address(&self) -> IpAddr {
        let mut all = self.interface.public_addresses();
        all.find_map(|(public, own)| (own == self.address).then_some(public))
            .unwrap_or(self.address)
    }
}

/// What keeps everybody off: each thing that does so alone, or else all of them
/// together.
fn stopped(way: Way) -> Inbound {
    let alone = way
        .closed
        .iter()
        .filter(|(is_all, _)| *is_all)
        .map(|(_, cause)| cause.clone());
    let mut causes = distinct(alone);
    if causes.is_empty() {
        causes = distinct(way.closed.into_iter().map(|(_, cause)| cause));
    }
    let verdict = match causes.first() {
        Some(cause) => {
            let stop = Stop {
                cause: cause.clone(),
                part: None,
            };
            Verdict::Stopped(Path::default(), stop)
        }
        None => Verdict::Unknown(Path::default(), way.unseen.clone()),
    };
    let answer = Answer {
        verdict,
        causes,
        unseen: way.unseen,
        remarks: Vec::new(),
    };
    Inbound {
        answer,
        only: Vec::new(),
    }
}
