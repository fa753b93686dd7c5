//! Whether the routes that are there lead out: each subnet's route to each
//! destination, the NAT gateway that it leads to, and the way on from there.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{CONCERN, default_route, destinations::from_subnet, nat_gateways::NatGateways, places, scope, symptom};
use crate::{
    api::{AcceptUnknown, InternetMode, Reason, ResourceOwnership},
    observed::{NatGateway, Route, RouteTable, RouteTarget, Stage, VpcSnapshot, Word},
    plan::{draft::Draft, resolve::ResolvedProfile},
    report::{Finding, Weight},
    types::{NatGatewayId, RouteTableId, SubnetId, listed},
    validate::ValidVpc,
};

/// Why something outside is not reached, or may not be, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    weight: Weight,
    reason: Reason,
    cause: String,
    fix: String,
}

/// Where a route leads, as far as it can be seen.
enum NextHop<'a> {
    /// Within the VPC.
    Local,
    /// An internet gateway.
    InternetGateway(&'a str),
    /// An egress-only internet gateway, for IPv6.
    EgressOnly,
    /// A NAT gateway.
    NatGateway(NatGatewayId),
    /// Something that cannot be seen behind, with what accepts it.
    Beyond(&'a str, AcceptUnknown),
}

/// Judges the way out of each subnet of these profiles. Our own default routes
/// are judged where they are planned, or, where they stay though nothing plans
/// them, here: `without_ours` is false then.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    outbound: &[&ResolvedProfile<'_>],
    nat_gateways: &NatGateways<'_>,
    without_ours: bool,
) {
    let snapshot = draft.snapshot;
    let judge = Judge::of(draft);
    let leaving_out = without_ours.then_some(nat_gateways);
    let mut used: BTreeSet<NatGatewayId> = BTreeSet::new();
    for resolved in outbound {
        let mut problems: BTreeMap<Problem, (BTreeSet<&SubnetId>, BTreeSet<&str>)> = BTreeMap::new();
        for subnet in &resolved.subnets {
            let Some(table) = snapshot.route_table_of(&subnet.subnet_id) else {
                continue;
            };
            for (wanted, block) in from_subnet(resolved, subnet) {
                let found: Vec<Problem> = match route_for(table, block, leaving_out) {
                    None => judge.no_route(table, block).into_iter().collect(),
                    Some(route) => std::iter::once(route)
                        .chain(routes_within(table, block))
                        .inspect(|route| used.extend(route.nat_gateway()))
                        .filter_map(|route| judge.route(table, route, block))
                        .collect(),
                };
                for problem in found {
                    let (subnets, names) = problems.entry(problem).or_default();
                    subnets.insert(&subnet.subnet_id);
                    names.insert(wanted.name());
                }
            }
        }
        let without: BTreeSet<&SubnetId> = problems
            .iter()
            .filter(|(problem, _)| problem.weight == Weight::Blocks)
            .flat_map(|(_, (subnets, _))| subnets.iter().copied())
            .collect();
        let symptom = symptom(without.len(), resolved.subnets.len());
        for (problem, (subnets, names)) in problems {
            let Problem {
                weight,
                reason,
                cause,
                fix,
            } = problem;
            let verb = match weight {
                Weight::Blocks => "cannot be reached",
                Weight::Unknown | Weight::Unmet | Weight::Aside | Weight::Advice => "may be out of reach",
            };
            let message = format!("From {}, {} {verb}: {cause}. {fix}", listed(subnets), listed(names));
            draft.push(Finding {
                weight,
                symptom: (weight == Weight::Blocks).then_some(symptom),
                ..Finding::new(CONCERN, scope(resolved), reason, message)
            });
        }
    }
    let is_there = |id: &&NatGatewayId| snapshot.nat_gateways.contains_key(*id) && !nat_gateways.is_shown(id);
    for id in used.iter().filter(is_there) {
        let purpose = "way out".to_owned();
        draft.list("NatGateway", id.as_str(), purpose, ResourceOwnership::Found);
    }
}

/// The route that traffic to the block takes: that of the longest prefix.
/// Default routes to NAT gateways in `leaving_out` do not count: ours come and
/// go with need.
pub(super) fn route_for<'t>(
    table: &'t RouteTable,
    block: IpNet,
    leaving_out: Option<&NatGateways<'_>>,
) -> Option<&'t Route> {
    let left_out = default_route(table)
        .filter(|route| leaving_out.is_some_and(|nat_gateways| nat_gateways.led_to_by(route).is_some()));
    let leading = table
        .routes
        .iter()
        .filter(|route| left_out.is_none_or(|left_out| left_out != *route))
        .filter_map(|route| Some((route.destination()?, route)))
        .filter(|(to, _)| to.contains(&block));
    leading.max_by_key(|(to, _)| to.prefix_len()).map(|(_, route)| route)
}

/// Routes that take a part of the block elsewhere. Where a host is among all
/// addresses nobody can tell, so they do not matter for one.
fn routes_within(table: &RouteTable, block: IpNet) -> impl Iterator<Item = &Route> {
    table.routes.iter().filter(move |route| {
        block.prefix_len() > 0 && route.destination().is_some_and(|to| block.contains(&to) && to != block)
    })
}

fn next_hop(route: &Route) -> Option<NextHop<'_>> {
    Some(match route.target()? {
        RouteTarget::Local => NextHop::Local,
        RouteTarget::InternetGateway(id) => NextHop::InternetGateway(id),
        RouteTarget::NatGateway(id) => NextHop::NatGateway(NatGatewayId::new(id)),
        RouteTarget::EgressOnlyInternetGateway(_) => NextHop::EgressOnly,
        RouteTarget::VpcEndpoint(id) | RouteTarget::NetworkInterface(id) => {
            NextHop::Beyond(id, AcceptUnknown::Firewall)
        }
        RouteTarget::TransitGateway(id) | RouteTarget::CoreNetwork(id) => {
            NextHop::Beyond(id, AcceptUnknown::TransitGateway)
        }
        RouteTarget::VirtualPrivateGateway(id)
        | RouteTarget::PeeringConnection(id)
        | RouteTarget::LocalGateway(id)
        | RouteTarget::CarrierGateway(id)
        | RouteTarget::Other(id) => NextHop::Beyond(id, AcceptUnknown::Peering),
    })
}

/// What judging a route takes.
struct Judge<'a> {
    snapshot: &'a VpcSnapshot,
    vpc: &'a ValidVpc,
}

impl<'a> Judge<'a> {
    fn of(draft: &Draft<'a>) -> Self {
        Self {
            snapshot: draft.snapshot,
            vpc: &draft.network.vpc,
        }
    }

    /// That no route leads to the block, unless that was told where our own
    /// routes are planned.
    fn no_route(&self, table: &RouteTable, block: IpNet) -> Option<Problem> {
        let id = &table.route_table_id;
        let (cause, fix) = match (block, self.vpc.internet) {
            (IpNet::V4(_), InternetMode::ManagedNat) => return None,
            (IpNet::V4(_), InternetMode::Existing | InternetMode::None) => (
                format!("{id} has no route there"),
                format!("{}.", self.lead_to_nat_gateway("create-route", id, "0.0.0.0/0")),
            ),
            (IpNet::V6(_), _) => (
                format!("{id} has no route there for IPv6, which no NAT gateway takes out"),
                format!(
                    "Add one with `aws ec2 create-route --route-table-id {id} --destination-ipv6-cidr-block ::/0 \
                     --egress-only-internet-gateway-id eigw-…`, or name a destination of IPv4."
                ),
            ),
        };
        Some(Problem {
            weight: Weight::Blocks,
            reason: Reason::NoWayOut,
            cause,
            fix,
        })
    }

    /// What is wrong with a route by which a workload goes out.
    fn route(&self, table: &RouteTable, route: &Route, block: IpNet) -> Option<Problem> {
        let id = &table.route_table_id;
        let to = route.destination().unwrap_or(block);
        let hop = next_hop(route)?;
        let blocks = |reason, cause, fix| {
            Some(Problem {
                weight: Weight::Blocks,
                reason,
                cause,
                fix,
            })
        };
        let turn_it = || {
            let turn = self.lead_to_nat_gateway("replace-route", id, &to.to_string());
            match self.vpc.internet {
                InternetMode::ManagedNat if to.prefix_len() == 0 => {
                    format!("Remove the route, so that sagevpc makes one of its own; or: {turn}.")
                }
                InternetMode::ManagedNat | InternetMode::Existing | InternetMode::None => format!("{turn}."),
            }
        };
        match hop {
            NextHop::Local => None,
            NextHop::InternetGateway(_) if self.snapshot_has_no_internet_gateway() => blocks(
                Reason::InternetGatewayMissing,
                format!("route {to} of {id} leads to an internet gateway that is not attached"),
                places::no_internet_gateway(self.snapshot),
            ),
            NextHop::InternetGateway(gateway) => match block {
                IpNet::V6(_) if places::leads_to_the_internet(self.snapshot, route) => None,
                IpNet::V6(_) | IpNet::V4(_) => blocks(
                    Reason::NoWayOut,
                    format!(
                        "route {to} of {id} leads to internet gateway {gateway}, and SageMaker gives its interfaces no \
                         public address"
                    ),
                    format!(
                        "Choose private subnets in spec.subnets. Or, where nothing else needs it: {}",
                        turn_it()
                    ),
                ),
            },
            NextHop::Beyond(what, accept) if route.is_active() => Some(self.beyond(id, to, what, accept)),
            NextHop::EgressOnly if route.is_active() => None,
            NextHop::NatGateway(nat) => match self.snapshot.nat_gateways.get(&nat) {
                Some(found) => self.nat_gateway(found, route, &format!("route {to} of {id}"), block, turn_it),
                None if route.is_active() => Some(Problem {
                    weight: Weight::Unknown,
                    reason: Reason::NatGatewayUnavailable,
                    cause: format!("route {to} of {id} leads to NAT gateway {nat}, which was not seen"),
                    fix:
                        "Allow the controller's role ec2:DescribeNatGateways, or add NatGateways.json to the snapshot."
                            .to_owned(),
                }),
                None => blocks(
                    Reason::BlackholeRoute,
                    format!("route {to} of {id} leads to NAT gateway {nat}, which is gone (a blackhole)"),
                    turn_it(),
                ),
            },
            NextHop::Beyond(what, _) => self.dead(id, to, what),
            NextHop::EgressOnly => self.dead(id, to, "an egress-only internet gateway"),
        }
    }

    /// That a route leads to something that is gone.
    fn dead(&self, table: &RouteTableId, to: IpNet, what: &str) -> Option<Problem> {
        let option = match to {
            IpNet::V4(_) => "--destination-cidr-block",
            IpNet::V6(_) => "--destination-ipv6-cidr-block",
        };
        Some(Problem {
            weight: Weight::Blocks,
            reason: Reason::BlackholeRoute,
            cause: format!("route {to} of {table} leads to {what}, which is gone (a blackhole)"),
            fix: format!(
                "Put it back, or remove the route with `aws ec2 delete-route --route-table-id {table} {option} {to}`."
            ),
        })
    }

    /// What is wrong with a NAT gateway by which a workload goes out.
    fn nat_gateway(
        &self,
        nat: &NatGateway,
        route: &Route,
        where_: &str,
        block: IpNet,
        turn_it: impl Fn() -> String,
    ) -> Option<Problem> {
        let id = &nat.nat_gateway_id;
        let problem = |reason, cause: String, fix: String| {
            Some(Problem {
                weight: Weight::Blocks,
                reason,
                cause: format!("{where_} leads to NAT gateway {id}, which {cause}"),
                fix,
            })
        };
        match nat.stage() {
            Stage::Available => {}
            Stage::Pending => {
                return problem(
                    Reason::Waiting,
                    "is pending".to_owned(),
                    "AWS is still setting it up; that takes some minutes.".to_owned(),
                );
            }
            Stage::Failed => {
                let why = nat.failure_message.as_deref().unwrap_or("EC2 does not say why");
                return problem(
                    Reason::NatGatewayUnavailable,
                    format!("failed ({})", why.trim_end_matches('.')),
                    turn_it(),
                );
            }
            Stage::Deleting | Stage::Deleted => {
                let state = nat.state.as_ref().map_or("deleted", Word::as_str);
                let reason = if route.is_active() {
                    Reason::NatGatewayUnavailable
                } else {
                    Reason::BlackholeRoute
                };
                return problem(reason, format!("is {state}"), turn_it());
            }
        }
        if let IpNet::V6(_) = block {
            return problem(
                Reason::NoWayOut,
                "takes no IPv6 out".to_owned(),
                "Lead it to an egress-only internet gateway, or name a destination of IPv4.".to_owned(),
            );
        }
        self.onward(nat, block, turn_it).map(|mut problem| {
            problem.cause = format!("{where_} leads to NAT gateway {id}, {}", problem.cause);
            problem
        })
    }

    /// What is wrong with the way on from a NAT gateway, by the route table of
    /// its own subnet.
    fn onward(&self, nat: &NatGateway, block: IpNet, turn_it: impl Fn() -> String) -> Option<Problem> {
        let subnet = nat.subnet_id.as_ref()?;
        let table = self.snapshot.route_table_of(subnet)?;
        let id = &table.route_table_id;
        let blocks = |reason, cause, fix| {
            Some(Problem {
                weight: Weight::Blocks,
                reason,
                cause,
                fix,
            })
        };
        let hop = route_for(table, block, None).and_then(|route| Some((route, next_hop(route)?)));
        match hop {
            Some((route, NextHop::InternetGateway(_))) => {
                if !places::leads_to_the_internet(self.snapshot, route) {
                    return blocks(
                        Reason::InternetGatewayMissing,
                        format!("and {id} of its subnet {subnet} to an internet gateway that is not attached"),
                        places::no_internet_gateway(self.snapshot),
                    );
                }
                if nat.is_public() {
                    return None;
                }
                blocks(
                    Reason::NatGatewayUnavailable,
                    "which is private: it has no public address".to_owned(),
                    turn_it(),
                )
            }
            Some((route, NextHop::Beyond(what, accept))) if route.is_active() => {
                let mut problem = self.beyond(id, route.destination().unwrap_or(block), what, accept);
                problem.cause = format!("and from its subnet {subnet} {}", problem.cause);
                Some(problem)
            }
            Some((_, NextHop::Local)) => None,
            Some((_, NextHop::Beyond(..) | NextHop::NatGateway(_) | NextHop::EgressOnly)) | None => blocks(
                Reason::NatGatewayInPrivateSubnet,
                format!("which is in {subnet}, a private subnet: its {id} leads to no internet gateway"),
                format!(
                    "Make a NAT gateway in a public subnet, or lead {id} there with `aws ec2 create-route \
                     --route-table-id {id} --destination-cidr-block 0.0.0.0/0 --gateway-id igw-…`. {}",
                    turn_it()
                ),
            ),
        }
    }

    /// That nobody can see from here where it goes on.
    fn beyond(&self, table: &RouteTableId, to: IpNet, what: &str, accept: AcceptUnknown) -> Problem {
        let weight = if self.vpc.accept_unknown.contains(&accept) {
            Weight::Advice
        } else {
            Weight::Unknown
        };
        Problem {
            weight,
            reason: Reason::BeyondTheVpc,
            cause: format!("route {to} of {table} leads to {what}, and what lies behind cannot be seen from here"),
            fix: format!(
                "Have its owners confirm that it leads out and back, and list {accept:?} in spec.acceptUnknown of \
                 SageMakerVpc {}.",
                self.vpc.ownership.vpc
            ),
        }
    }

    fn snapshot_has_no_internet_gateway(&self) -> bool {
        let gateway = self.snapshot.internet_gateway.as_ref();
        !gateway.is_some_and(|gateway| gateway.is_attached_to(&self.snapshot.vpc.vpc_id))
    }

    /// How to lead a route to a NAT gateway.
    fn lead_to_nat_gateway(&self, command: &str, table: &RouteTableId, to: &str) -> String {
        let by_hand = format!(
            "Lead it to a public NAT gateway with `aws ec2 {command} --route-table-id {table} --destination-cidr-block \
             {to} --nat-gateway-id nat-…`"
        );
        match self.vpc.internet {
            InternetMode::ManagedNat => by_hand,
            InternetMode::Existing | InternetMode::None => format!(
                "{by_hand}, or have sagevpc make one with spec.internet.mode: ManagedNat of SageMakerVpc {}",
                self.vpc.ownership.vpc
            ),
        }
    }
}
