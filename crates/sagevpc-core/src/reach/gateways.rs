//! What routes out of the VPC lead to: gateway endpoints, NAT gateways,
//! internet gateways, and what cannot be seen.

use std::rc::Rc;

use ipnet::IpNet;

use super::{
    EndpointFault, Reach,
    across::{Across, Sender},
    cause::{Cause, RouteUsed, Through},
    hop::Hop,
    nat_fix,
    network::{Crossing, Edge, Leg, Trip},
    policy::Asked,
    routes::{Gone, Leads, SiblingRoute, Table, Via, sibling},
    s3_request::through,
    space::{Cell, EVERY_PORT, Space, take},
    unseen::Unseen,
};
use crate::{
    catalog::{bucket_actions, directory_bucket_arn, is_directory_bucket},
    observed::{ConnectivityType, NatGateway, RouteDestination, Stage, VpcEndpoint, files::FileKind},
    types::{BucketUse, Direction, NatGatewayId, Region, VpcEndpointId, is_private, private_blocks},
};
use iam_policy::{PolicyDocument, Share};

/// What an endpoint's policy decides for a bucket.
#[derive(Clone, Debug)]
pub(super) enum Decided {
    LetsThrough,
    Blocks(Vec<Cause>),
    Open(Vec<Unseen>),
}

impl<'s> Reach<'s> {
    /// Follows a route out of the VPC.
    pub(super) fn out(&self, trip: &Trip<'_>, from: Edge, leg: Leg, lead: &Leads) -> Vec<Leg> {
        let parts = self.to_internet(trip.from, leg, lead).into_iter();
        let follow = |part: Leg| {
            if part.stop.is_some() {
                part
            } else {
                self.led_out(trip, from, part, lead)
            }
        };
        parts.map(follow).collect()
    }

    pub(super) fn led_out(&self, trip: &Trip<'_>, from: Edge, leg: Leg, lead: &Leads) -> Leg {
        match &lead.via {
            // The route to an internet gateway that is detached is a blackhole.
            Via::Blackhole(Gone::InternetGateway(gateway)) => self.detached(gateway, leg),
            Via::Blackhole(target @ (Gone::NatGateway(_) | Gone::Across(_) | Gone::Other(_))) => {
                match from.table.map(|table| self.tables[table].id.clone()) {
                    Some(table) => leg.stopped(Cause::Blackhole {
                        route: RouteUsed {
                            table,
                            destination: lead.destination.clone(),
                        },
                        target: target.clone(),
                    }),
                    None => leg,
                }
            }
            Via::GatewayEndpoint(endpoint) => self.past_gateway_endpoint(trip, endpoint, leg),
            Via::InternetGateway(gateway) => {
                self.past_internet_gateway(gateway, self.past_public_access_block(trip, from, false, leg))
            }
            Via::EgressOnlyInternetGateway(gateway) => {
                let leg = self.past_public_access_block(trip, from, true, leg);
                leg.past(Hop::InternetGateway {
                    gateway: gateway.clone(),
                })
            }
            Via::Unseen(unseen) => leg.not_knowing(unseen.clone()),
            Via::Across(link) => leg.not_knowing(link.unseen()),
            Via::Local | Via::NatGateway(_) => leg,
        }
    }

    /// Parts what nobody on the internet has from the rest, where a route leads
    /// there.
    fn to_internet(&self, from: usize, mut leg: Leg, lead: &Leads) -> Vec<Leg> {
        match lead.via {
            Via::InternetGateway(_) | Via::EgressOnlyInternetGateway(_) => {}
            Via::Local
            | Via::Blackhole(_)
            | Via::GatewayEndpoint(_)
            | Via::NatGateway(_)
            | Via::Across(_)
            | Via::Unseen(_) => {
                return vec![leg];
            }
        }
        let mut private_part = Space::new();
        for net in private_blocks(false).chain(private_blocks(true)) {
            private_part.extend(take(&mut leg.space, &net, EVERY_PORT));
        }
        let mut legs = Vec::new();
        if let Some(route) = leg.first_route().filter(|_| !private_part.is_empty()) {
            let cause = Cause::PrivateAddress {
                route,
                sibling: self.sibling(self.places[from].table, &private_part),
            };
            legs.push(leg.with(private_part).stopped(cause));
        }
        if !leg.space.is_empty() {
            legs.push(leg);
        }
        legs
    }

    /// A route of another table that leads where this one does not.
    pub(super) fn sibling(&self, table: Option<usize>, cells: &[Cell]) -> Option<Box<SiblingRoute>> {
        let net = cells.first()?.net;
        let is_private = is_private(&net);
        sibling(&self.tables, table, &net, is_private).map(Box::new)
    }

    /// The S3 gateway endpoint that could take one more table, as a route that the
    /// table could have.
    pub(super) fn s3_endpoint_beside(&self, bucket: Option<&BucketUse>) -> Option<Box<SiblingRoute>> {
        let mut endpoints = self.snapshot.vpc_endpoints.iter();
        let endpoint = endpoints.find(|endpoint| serves(endpoint, bucket) && endpoint.stage() == Stage::Available)?;
        let mut lists = self.snapshot.prefix_lists.iter();
        let list = lists.find(|list| list.prefix_list_name == endpoint.service_name)?;
        Some(Box::new(SiblingRoute {
            table: endpoint.route_table_ids.iter().min().cloned(),
            destination: RouteDestination::PrefixList(list.prefix_list_id.clone()),
            target: endpoint.vpc_endpoint_id.to_string(),
            option: None,
        }))
    }

    /// Whether an S3 gateway endpoint's policy stands in no bucket's way of these;
    /// of all where none is named.
    pub fn lets_through<'b>(
        &self,
        endpoint: &VpcEndpoint,
        buckets: impl IntoIterator<Item = Option<&'b BucketUse>>,
    ) -> bool {
        let mut buckets = buckets.into_iter();
        buckets.all(|bucket| matches!(self.decided(endpoint, bucket, None), Decided::LetsThrough))
    }

    pub(super) fn past_internet_gateway(&self, id: &str, leg: Leg) -> Leg {
        let gateway = id.to_owned();
        let found = self.snapshot.internet_gateway.as_ref();
        let is_attached = found
            .filter(|found| found.internet_gateway_id.as_str() == id)
            .map(|found| found.is_attached_to(&self.snapshot.vpc.vpc_id));
        match (found, is_attached) {
            (None, _) if !self.snapshot.is_whole(FileKind::InternetGateways) => {
                leg.not_knowing(Unseen::InternetGateway { gateway })
            }
            (Some(_), Some(true)) => leg.past(Hop::InternetGateway { gateway }),
            (None, _) | (Some(_), Some(false) | None) => self.detached(&gateway, leg),
        }
    }

    fn detached(&self, gateway: &str, leg: Leg) -> Leg {
        let vpc = &self.snapshot.vpc.vpc_id;
        let attached = self.snapshot.internet_gateway.as_ref();
        let attached = attached.filter(|other| other.is_attached_to(vpc));
        let cause = Cause::GatewayDetached {
            gateway: gateway.to_owned(),
            vpc: vpc.to_string(),
            route: leg.route(),
            attached: attached.map(|other| other.internet_gateway_id.to_string()),
            through: None,
        };
        leg.stopped(cause)
    }

    pub(super) fn past_gateway_endpoint(&self, trip: &Trip<'_>, id: &VpcEndpointId, leg: Leg) -> Leg {
        let Some(endpoint) = self.snapshot.vpc_endpoint(id) else {
            let endpoint = id.to_string();
            return leg.not_knowing(Unseen::Endpoint { endpoint });
        };
        if endpoint.stage() != Stage::Available {
            return leg.stopped(Cause::EndpointUnavailable {
                endpoint: id.clone(),
                fault: EndpointFault::State(endpoint.state.clone()),
                otherwise: None,
            });
        }
        let decided = match &trip.target.s3 {
            Some(bucket) if serves(endpoint, bucket.as_ref()) => {
                self.decided(endpoint, bucket.as_ref(), Some(trip.from))
            }
            Some(_) | None => Decided::LetsThrough,
        };
        match decided {
            Decided::LetsThrough => leg.past(Hop::GatewayEndpoint { endpoint: id.clone() }),
            Decided::Blocks(causes) => {
                let leg = causes.into_iter().fold(leg, Leg::denied);
                leg.past(Hop::GatewayEndpoint { endpoint: id.clone() })
            }
            Decided::Open(unseen) => unseen.into_iter().fold(leg, Leg::not_knowing),
        }
    }

    /// Whether no gateway endpoint's policy stands in a bucket's way.
    pub(super) fn is_let_through(&self, bucket: &BucketUse) -> bool {
        let endpoints = self.snapshot.vpc_endpoints.iter();
        endpoints
            .filter(|endpoint| serves(endpoint, Some(bucket)))
            .all(|endpoint| self.lets_through(endpoint, [Some(bucket)]))
    }

    fn decided(&self, endpoint: &VpcEndpoint, bucket: Option<&BucketUse>, from: Option<usize>) -> Decided {
        let policy = self.policy(endpoint);
        let from = from.filter(|_| policy.as_ref().is_some_and(|policy| policy.asks_for("aws:VpcSourceIp")));
        let key = (endpoint.vpc_endpoint_id.clone(), bucket.cloned(), from);
        if let Some(decided) = self.known.borrow().policies.get(&key) {
            return decided.clone();
        }
        let decided = self.decide(endpoint, policy.as_deref(), bucket, from);
        self.known.borrow_mut().policies.insert(key, decided.clone());
        decided
    }

    /// An endpoint's policy, read once; `None` where it cannot be.
    fn policy(&self, endpoint: &VpcEndpoint) -> Option<Rc<PolicyDocument>> {
        let documents = &mut self.known.borrow_mut().documents;
        let read = documents
            .entry(endpoint.vpc_endpoint_id.clone())
            .or_insert_with(|| endpoint.policy().ok().map(Rc::new));
        read.clone()
    }

    fn decide(
        &self,
        endpoint: &VpcEndpoint,
        policy: Option<&PolicyDocument>,
        bucket: Option<&BucketUse>,
        from: Option<usize>,
    ) -> Decided {
        let id = endpoint.vpc_endpoint_id.to_string();
        let open = |action: &str, resource: String, why: String| Unseen::Policy {
            endpoint: id.clone(),
            action: action.to_owned(),
            resource,
            why,
        };
        let Some(policy) = policy else {
            let why = "it cannot be read".to_owned();
            return Decided::Open(vec![open(
                "s3:GetObject",
                bucket.map_or("any bucket", |bucket| &bucket.name).to_owned(),
                why,
            )]);
        };
        let partition = self.snapshot.region.as_ref().map_or("aws", Region::partition);
        let arn = match bucket {
            Some(bucket) if is_directory_bucket(&bucket.name) => {
                directory_bucket_arn(self.snapshot.region.as_ref(), &bucket.name)
            }
            Some(bucket) => format!("arn:{partition}:s3:::{}", bucket.name),
            None => format!("arn:{partition}:s3:::*"),
        };
        let narrowed = policy.narrowed_to(&format!("{arn}*"));
        let places = match from {
            Some(place) => &self.places[place..=place],
            None => self.places.as_slice(),
        };
        let nets = places.iter().flat_map(|place| place.nets.iter().copied());
        let asked = Asked {
            snapshot: self.snapshot,
            bucket: bucket.map(|bucket| bucket.name.as_str()),
            context: through(self.snapshot, Some(&endpoint.vpc_endpoint_id), nets),
        };
        let mut blocks = Vec::new();
        let mut undecided = Vec::new();
        for (action, objects) in bucket_actions(bucket).asked {
            let resource = format!("{arn}{objects}");
            let mut judged = asked.judge(&narrowed, action, &resource);
            if judged.share != Share::All {
                // What is to be written in a statement keeps all that it says.
                judged = asked.judge(policy, action, &resource);
            }
            match (judged.share, bucket) {
                (Share::All, _) | (Share::Some, None) => {}
                (Share::Some, Some(_)) | (Share::None, _) => blocks.push(Cause::PolicyBlocks {
                    endpoint: endpoint.vpc_endpoint_id.clone(),
                    action: (*action).to_owned(),
                    resource,
                    why: judged.why,
                    mend: judged.mend,
                }),
                (Share::Unknown, _) => undecided.push(open(action, resource, judged.why)),
            }
        }
        match (blocks.is_empty(), undecided.is_empty()) {
            (false, _) => Decided::Blocks(blocks),
            (true, false) => Decided::Open(undecided),
            (true, true) => Decided::LetsThrough,
        }
    }

    /// Through a NAT gateway, out of its own subnet, and back.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html>.
    pub(super) fn past_nat(&self, trip: &Trip<'_>, id: &NatGatewayId, leg: Leg) -> Vec<Leg> {
        self.through_nat(self, trip, id, leg, &|from, leg| {
            let leg = match from.place.filter(|at| *at != trip.from) {
                Some(at) => self.past_acl_from(trip, at, Direction::Egress, Crossing::Back, leg),
                None => leg,
            };
            self.past_acl(trip, trip.from, Direction::Ingress, Crossing::Back, leg)
        })
    }

    /// The subnet of a NAT gateway, by its place.
    pub(super) fn place_of_nat(&self, id: &NatGatewayId) -> Option<usize> {
        let nat = self.snapshot.nat_gateways.get(id)?;
        self.place_of.get(nat.subnet_id.as_ref()?).copied()
    }

    /// The same, with how answers go on from the gateway's subnet. `root` is the
    /// VPC that was asked of.
    pub(super) fn through_nat(
        &self,
        root: &Self,
        trip: &Trip<'_>,
        id: &NatGatewayId,
        leg: Leg,
        back: &dyn Fn(Edge, Leg) -> Vec<Leg>,
    ) -> Vec<Leg> {
        let unknown = |leg: Leg| {
            let gateway = id.to_string();
            let leg = leg.not_knowing(Unseen::NatGateway { gateway });
            self.past_acl(trip, trip.from, Direction::Ingress, Crossing::Back, leg.turned())
        };
        let Some(nat) = self.snapshot.nat_gateways.get(id) else {
            return unknown(leg);
        };
        let route = leg.route();
        if let Some(state) = &nat.state
            && nat.stage() != Stage::Available
        {
            return vec![leg.stopped(Cause::NatUnavailable {
                gateway: id.clone(),
                state: state.clone(),
                failure: nat.failure_message.clone(),
                route,
            })];
        }
        if trip.is_ipv6 {
            return vec![leg.stopped(Cause::NatTakesNoIpv6 { gateway: id.clone() })];
        }
        let Some(edge) = self.edge_of(nat) else {
            return unknown(leg);
        };
        let subnet = edge.place.map(|at| self.places[at].id.clone());
        let is_private = nat
            .connectivity_type
            .as_ref()
            .is_some_and(|kind| *kind == ConnectivityType::Private);
        let through = || Through {
            route: route.clone(),
            gateway: id.clone(),
            subnet: subnet.clone(),
            table: edge.table.map(|table| self.tables[table].id.clone()),
            shared_with: nat_fix::others_on(
                self.places.iter().map(|place| (&place.id, place.table)),
                (subnet.as_ref(), edge.table),
            ),
            has_default: edge.table.is_some_and(|table| self.tables[table].has_default()),
            attached: self
                .snapshot
                .internet_gateway
                .as_ref()
                .map(|gateway| gateway.internet_gateway_id.to_string()),
        };
        let nowhere = || {
            if is_private {
                Cause::NatIsPrivate {
                    gateway: id.clone(),
                    route: route.clone(),
                }
            } else {
                Cause::NatInPrivateSubnet(through())
            }
        };
        // Between hosts of one subnet there is no network ACL, and a regional NAT
        // gateway is in no subnet.
        let apart = edge.place.filter(|at| *at != trip.from);
        let leg = match apart {
            Some(at) => self.past_acl_from(trip, at, Direction::Ingress, Crossing::There, leg),
            None => leg,
        };
        let leg = leg.past(Hop::NatGateway {
            gateway: id.clone(),
            subnet: subnet.clone(),
        });
        let leaving = match edge.place {
            Some(at) => self.past_acl(trip, at, Direction::Egress, Crossing::There, leg),
            None => vec![leg],
        };
        let mut legs = Vec::new();
        for leg in leaving {
            let send = |leg: Leg, lead: &Leads| match &lead.via {
                Via::InternetGateway(_) if is_private => vec![leg.stopped(nowhere())],
                Via::Across(link) => {
                    // A regional NAT gateway is in no subnet to come back to.
                    let Some(at) = edge.place else {
                        return vec![leg.not_knowing(link.unseen())];
                    };
                    let own: Vec<IpNet> = nat.private_addresses().map(IpNet::from).collect();
                    let nets = if own.is_empty() { &self.places[at].nets } else { &own };
                    let across = Across {
                        root,
                        own: self,
                        trip: &Trip {
                            from: at,
                            nets,
                            ..*trip
                        },
                        start: at,
                        sender: Sender::NatGateway { is_private },
                        passed: leg.appliances.len(),
                    };
                    across.follow(link, leg)
                }
                Via::Local
                | Via::NatGateway(_)
                | Via::Blackhole(Gone::NatGateway(_) | Gone::Across(_) | Gone::Other(_)) => {
                    vec![leg.stopped(nowhere())]
                }
                Via::Blackhole(Gone::InternetGateway(_))
                | Via::GatewayEndpoint(_)
                | Via::InternetGateway(_)
                | Via::EgressOnlyInternetGateway(_)
                | Via::Unseen(_) => self.out(trip, edge, leg, lead),
            };
            let out = match (edge.table, edge.place) {
                (Some(table), _) => self.routed_by(trip, table, leg, send),
                (None, Some(at)) => self.routed(trip, at, leg, send),
                (None, None) => vec![self.out_by_the_attached(trip, edge, leg)],
            };
            for leg in out {
                match &leg.stop {
                    Some(Cause::NoRoute { .. }) => legs.push(leg.stopped(nowhere())),
                    Some(Cause::GatewayDetached {
                        gateway,
                        vpc,
                        route,
                        attached,
                        ..
                    }) => {
                        let cause = Cause::GatewayDetached {
                            gateway: gateway.clone(),
                            vpc: vpc.clone(),
                            route: route.clone(),
                            attached: attached.clone(),
                            through: Some(Box::new(through())),
                        };
                        legs.push(leg.stopped(cause));
                    }
                    Some(_) => legs.push(leg),
                    None => {
                        let leg = leg.turned();
                        let answers = match edge.place {
                            Some(at) => self.past_acl(trip, at, Direction::Ingress, Crossing::BackToNat, leg),
                            None => vec![leg],
                        };
                        legs.extend(answers.into_iter().flat_map(|leg| back(edge, leg)));
                    }
                }
            }
        }
        legs
    }

    /// Where a NAT gateway's packets leave from; `None` where that was not seen.
    fn edge_of(&self, nat: &NatGateway) -> Option<Edge> {
        if nat.is_regional() {
            let table = nat.route_table_id.as_ref();
            return Some(Edge {
                place: None,
                table: table.and_then(|id| self.tables.iter().position(|table| table.id == *id)),
            });
        }
        let at = nat.subnet_id.as_ref().and_then(|subnet| self.place_of.get(subnet))?;
        Some(Edge::of(self, *at))
    }

    /// Out by the route that AWS gives a regional NAT gateway, where its table
    /// was not seen.
    fn out_by_the_attached(&self, trip: &Trip<'_>, from: Edge, leg: Leg) -> Leg {
        let attached = self.snapshot.internet_gateway.as_ref();
        let gateway = attached.map_or("its internet gateway", |gateway| gateway.internet_gateway_id.as_str());
        self.past_internet_gateway(gateway, self.past_public_access_block(trip, from, false, leg))
    }

    /// The table that decides on what comes in by a gateway, where it has one.
    pub(super) fn edge_table(&self, gateway: &str) -> Option<&Table> {
        let tables = self.snapshot.route_tables.values();
        let mut of_gateway = tables.filter(|table| {
            let mut uses = table.associations.iter();
            uses.any(|association| association.gateway_id.as_deref() == Some(gateway))
        });
        let id = &of_gateway.next()?.route_table_id;
        self.tables.iter().find(|table| table.id == *id)
    }
}

/// Whether a gateway endpoint leads to such a bucket, or to S3 as such.
fn serves(endpoint: &VpcEndpoint, bucket: Option<&BucketUse>) -> bool {
    if bucket.is_some_and(|bucket| is_directory_bucket(&bucket.name)) {
        endpoint.is_s3_express_gateway()
    } else {
        endpoint.is_s3_gateway()
    }
}
