//! One round of looking: everything that planning for some VPCs of one account
//! and region needs. Never changes anything.
//!
//! What a round costs, however many VPCs take part (up to 200 of them in a
//! call, and up to 1000 of what is described in a page):
//!
//! | Call | When |
//! |---|---|
//! | DescribeVpcs, -Subnets, -RouteTables, -SecurityGroups, -VpcEndpoints, -NetworkInterfaces, -NetworkAcls | always, side by side |
//! | DescribeDhcpOptions | where a VPC has a set of its own |
//! | DescribeSubnets, -SecurityGroups by id | where a spec names ids that are in none of the VPCs |
//! | DescribeNatGateways, -InternetGateways | where a spec wants a way out, or a route leads to such a gateway |
//! | DescribeVpcPeeringConnections, -TransitGatewayAttachments, -TransitGatewayVpcAttachments, -VpnGateways | where a route leads to such a thing; then what is in the VPCs at the other end, as of those that are asked for |
//! | SearchTransitGatewayRoutes | for each route table of such a transit gateway that this account sees |
//! | DescribeAddresses | where a spec wants a way out |
//! | DescribeFlowLogs | of the VPCs and their subnets, 200 in a call; once more for all of ours while a VPC object is deleted |
//! | DescribeNetworkInterfacePermissions | where asked for and SageMaker has interfaces: 200 of them in a call, 255 in a page |
//! | DescribePrefixLists, -VpcEndpointServices (gateways) | once an hour |
//! | DescribeVpcEndpointServices (interfaces) | once an hour, where a spec wants interface endpoints |
//! | DescribeInstanceTypeOfferings | once an hour, of the instance types that specs name |
//! | DescribeVpcAttribute | for each VPC and attribute once in five minutes, and after a change of it: AWS lets nobody batch it |
//!
//! A call that the role may not make fails the round, but for those that only
//! some specs need: [`Round`] says what becomes of these. What is asked of each
//! VPC alone fails that VPC alone.

mod attributes;
mod beyond;
mod known;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use attributes::refresh_attributes;
use beyond::look_beyond;
pub(super) use known::Known;
use known::{Facts, fact};
use parking_lot::Mutex;

use super::{describe, ec2::Ec2Connection, errors::Refusal};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{
        Address, Aspect, DhcpOptions, EndpointService, FlowLog, InstanceTypeOffering, Interest, InternetGateway,
        NatGateway, NetworkAcl, NetworkInterface, NetworkInterfacePermission, Route, RouteTable, SecurityGroup,
        Snapshot, Subnet, Vpc, VpcAttributes,
    },
    report::{Failure, FailureKind},
    types::{DhcpOptionsId, FlowLogId, SecurityGroupId, SubnetId, VpcId},
};

/// How long a round may take. Whoever asked has to write a status afterwards.
const DEADLINE: Duration = Duration::from_secs(25);

/// What a round is to look at.
#[derive(Default)]
struct Asked {
    vpcs: BTreeSet<VpcId>,
    fresh: BTreeSet<VpcId>,
    subnets: BTreeSet<SubnetId>,
    security_groups: BTreeSet<SecurityGroupId>,
    aspects: BTreeSet<Aspect>,
    /// The VPCs whose flow logs are wanted.
    flow_logs: BTreeSet<VpcId>,
    /// Instance types whose zones are wanted.
    instance_types: BTreeSet<String>,
}

impl Asked {
    fn merge(interests: Vec<Interest>) -> Self {
        let mut asked = Self::default();
        for Interest {
            vpc,
            subnets,
            security_groups,
            buckets: _,
            fresh,
            aspects,
            instance_types,
            roles: _,
        } in interests
        {
            if fresh {
                asked.fresh.extend(vpc.clone());
            }
            if aspects.contains(&Aspect::FlowLogs) {
                asked.flow_logs.extend(vpc.clone());
            }
            asked.instance_types.extend(instance_types);
            asked.aspects.extend(aspects);
            asked.vpcs.extend(vpc);
            asked.subnets.extend(subnets);
            asked.security_groups.extend(security_groups);
        }
        asked
    }
}

/// What a round found, for all who asked.
#[derive(Clone)]
pub(super) struct Round {
    snapshot: Arc<Snapshot>,
    /// What the role may not look at, of what is looked at only where needed.
    denied: Arc<BTreeMap<Aspect, Failure>>,
    /// VPCs that could not be looked at in full, each for a reason of its own.
    unseen: Arc<BTreeMap<VpcId, Failure>>,
}

impl Round {
    /// What was found, for one of those who asked.
    ///
    /// Whoever wants gateways, addresses or flow logs and may not see them gets
    /// the denial: to take them for absent would be to make them again. All
    /// others go on without. Network ACLs, and others' permissions on network
    /// interfaces, are judged and never made: whoever may not see them gets
    /// none of them.
    pub(super) fn for_one(self, interest: &Interest) -> Result<Arc<Snapshot>, Failure> {
        if let Some(failure) = interest.vpc.as_ref().and_then(|vpc| self.unseen.get(vpc)) {
            return Err(failure.clone());
        }
        let needed = |aspect: &Aspect| match aspect {
            Aspect::WayOut
            | Aspect::Addresses
            | Aspect::FlowLogs
            | Aspect::LeftFlowLogs
            | Aspect::InterfaceServices => true,
            Aspect::InterfacePermissions => false,
        };
        let mut denied = interest.aspects.iter().filter(|aspect| needed(aspect));
        match denied.find_map(|aspect| self.denied.get(aspect)) {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.snapshot),
        }
    }
}

/// What the role may not look at, gathered on the way.
#[derive(Default)]
struct Denied(Mutex<BTreeMap<Aspect, Failure>>);

impl Denied {
    /// What was found; nothing, noted, where the role may not look.
    fn or_nothing<T: Default>(&self, aspect: Aspect, found: Result<T, Refusal>) -> Result<T, Refusal> {
        match found {
            Err(refusal) if refusal.failure.kind == FailureKind::AccessDenied => {
                let mut denied = self.0.lock();
                denied.entry(aspect).or_insert(refusal.failure);
                Ok(T::default())
            }
            other => other,
        }
    }

    fn into_inner(self) -> BTreeMap<Aspect, Failure> {
        self.0.into_inner()
    }
}

/// How many attributes that were never read one round may read: AWS gives one
/// in a call, of which it takes 100 at once. After a restart all VPCs would wait
/// for those of all others otherwise.
const FIRST_READ_AT_ONCE: usize = 100;

/// How many of those who ask one round serves: as many VPCs as a filter takes,
/// so that none costs a call more.
pub(super) fn fitting(known: &Known, interests: &mut dyn Iterator<Item = &Interest>) -> usize {
    let (mut vpcs, mut unread) = (BTreeSet::new(), 0);
    let fits = |interest: &&Interest| {
        if let Some(vpc) = interest.vpc.as_ref().filter(|vpc| !vpcs.contains(*vpc)) {
            vpcs.insert(vpc.clone());
            unread += known.unread(vpc);
        }
        vpcs.len() <= describe::FILTER_VALUES && unread <= FIRST_READ_AT_ONCE
    };
    interests.take_while(fits).count()
}

/// Looks at everything that was asked for.
pub(super) async fn round(connection: &Ec2Connection, interests: Vec<Interest>) -> Result<Round, Failure> {
    match tokio::time::timeout(DEADLINE, look(connection, Asked::merge(interests))).await {
        Ok(Ok(round)) => Ok(round),
        Ok(Err(refusal)) => Err(refusal.failure),
        Err(_) => Err(unreachable(&format!(
            "EC2 in {} did not answer all questions within {} seconds",
            connection.share.region,
            DEADLINE.as_secs()
        ))),
    }
}

/// The answer to those whose round ended without one.
pub(super) fn interrupted() -> Failure {
    unreachable("looking at the VPC was interrupted before EC2 had answered")
}

fn unreachable(message: &str) -> Failure {
    Refusal::without_code(Call::DescribeVpcs, FailureKind::Unreachable, message).failure
}

async fn look(connection: &Ec2Connection, asked: Asked) -> Result<Round, Refusal> {
    let Asked {
        vpcs,
        fresh,
        subnets,
        security_groups,
        aspects,
        flow_logs,
        instance_types,
    } = asked;
    let vpcs: Vec<String> = vpcs.iter().map(ToString::to_string).collect();
    let denied = Denied::default();
    let wants = |aspect: Aspect| aspects.contains(&aspect);
    // The calls do not need each other; whichever fails first ends the round.
    let network = async {
        tokio::try_join!(
            vpcs_with_settings(connection, &vpcs, &fresh),
            subnets_with_logs(connection, &vpcs, &subnets, &flow_logs, &denied),
            left_flow_logs(connection, wants(Aspect::LeftFlowLogs), &denied),
            tables_with_gateways(connection, &vpcs, wants(Aspect::WayOut), &denied),
            security_groups_of(connection, &vpcs, &security_groups),
            describe::vpc_endpoints(connection, &vpcs),
            interfaces_with_permissions(connection, &vpcs, wants(Aspect::InterfacePermissions), &denied),
            network_acls_of(connection, &vpcs),
            addresses(connection, wants(Aspect::Addresses), &denied),
            facts(connection),
            interface_services(connection, wants(Aspect::InterfaceServices)),
            instance_type_offerings(connection, &instance_types),
        )
    };
    let (network, account) = tokio::join!(network, connection.account_if_known());
    let (
        VpcsWithSettings {
            vpcs,
            vpc_attributes,
            unseen,
            dhcp_options,
        },
        (subnets, flow_logs),
        left_flow_logs,
        TablesWithGateways {
            route_tables,
            nat_gateways,
            internet_gateways,
        },
        security_groups,
        vpc_endpoints,
        (network_interfaces, network_interface_permissions),
        network_acls,
        addresses,
        Facts {
            prefix_lists,
            gateway_services,
        },
        interface_services,
        instance_type_offerings,
    ) = network?;
    let mut flow_logs = flow_logs;
    let known: BTreeSet<FlowLogId> = flow_logs.iter().map(|log| log.flow_log_id.clone()).collect();
    flow_logs.extend(
        left_flow_logs
            .into_iter()
            .filter(|log| !known.contains(&log.flow_log_id)),
    );
    let mut snapshot = Snapshot {
        account,
        region: Some(connection.share.region.clone()),
        vpcs,
        vpc_attributes,
        subnets,
        route_tables,
        security_groups,
        vpc_endpoints,
        network_interfaces,
        dhcp_options,
        prefix_lists,
        endpoint_services: gateway_services.into_iter().chain(interface_services).collect(),
        network_acls,
        nat_gateways,
        internet_gateways,
        // What routes lead across is looked at once they are known.
        vpc_peering_connections: Vec::new(),
        transit_gateways: Vec::new(),
        transit_gateway_attachments: Vec::new(),
        transit_gateway_vpc_attachments: Vec::new(),
        transit_gateway_routes: Vec::new(),
        transit_gateway_static_routes: Vec::new(),
        transit_gateway_propagations: Vec::new(),
        vpn_gateways: Vec::new(),
        addresses,
        flow_logs,
        network_interface_permissions,
        instance_type_offerings,
        // S3, IAM and SageMaker are asked by other ways.
        roles: Vec::new(),
        managed_policies: Vec::new(),
        role_simulations: Vec::new(),
        unseen_roles: Vec::new(),
        buckets: Vec::new(),
        consumers: Vec::new(),
        // What lacks a part comes as it is: see `convert`.
        unread: Vec::new(),
        missing: BTreeSet::new(),
    };
    look_beyond(connection, &mut snapshot).await?;
    Ok(Round {
        snapshot: Arc::new(snapshot),
        denied: Arc::new(denied.into_inner()),
        unseen: Arc::new(unseen),
    })
}

struct VpcsWithSettings {
    vpcs: Vec<Vpc>,
    vpc_attributes: Vec<VpcAttributes>,
    unseen: BTreeMap<VpcId, Failure>,
    dhcp_options: Vec<DhcpOptions>,
}

/// The VPCs that exist, and what only their ids lead to.
async fn vpcs_with_settings(
    connection: &Ec2Connection,
    ids: &[String],
    fresh: &BTreeSet<VpcId>,
) -> Result<VpcsWithSettings, Refusal> {
    let vpcs = describe::vpcs(connection, ids).await?;
    let (unseen, dhcp_options) = tokio::join!(
        refresh_attributes(connection, &vpcs, fresh),
        dhcp_options_of(connection, &vpcs)
    );
    let vpc_attributes = vpcs
        .iter()
        .filter_map(|vpc| connection.known.attributes_of(&vpc.vpc_id))
        .collect();
    Ok(VpcsWithSettings {
        vpcs,
        vpc_attributes,
        unseen,
        dhcp_options: dhcp_options?,
    })
}

/// The DHCP options of those VPCs that have some.
async fn dhcp_options_of(connection: &Ec2Connection, vpcs: &[Vpc]) -> Result<Vec<DhcpOptions>, Refusal> {
    // EC2 writes `default` where a VPC has no DHCP options at all.
    let none = DhcpOptionsId::new("default");
    let ids: BTreeSet<&DhcpOptionsId> = vpcs
        .iter()
        .filter_map(|vpc| vpc.dhcp_options_id.as_ref())
        .filter(|id| **id != none)
        .collect();
    describe::dhcp_options(connection, &strings(ids)).await
}

/// The subnets of the VPCs, and those named that are in none of them.
async fn subnets_of(
    connection: &Ec2Connection,
    vpcs: &[String],
    named: &BTreeSet<SubnetId>,
) -> Result<Vec<Subnet>, Refusal> {
    let mut found = describe::subnets(connection, describe::VPC, vpcs).await?;
    let seen: BTreeSet<&SubnetId> = found.iter().map(|subnet| &subnet.subnet_id).collect();
    let missing = strings(named.iter().filter(|id| !seen.contains(id)));
    found.extend(describe::subnets(connection, describe::SUBNET, &missing).await?);
    Ok(found)
}

/// The security groups of the VPCs, and those named that are in none of them.
async fn security_groups_of(
    connection: &Ec2Connection,
    vpcs: &[String],
    named: &BTreeSet<SecurityGroupId>,
) -> Result<Vec<SecurityGroup>, Refusal> {
    let mut found = describe::security_groups(connection, describe::VPC, vpcs).await?;
    let seen: BTreeSet<&SecurityGroupId> = found.iter().map(|group| &group.group_id).collect();
    let missing = strings(named.iter().filter(|id| !seen.contains(id)));
    found.extend(describe::security_groups(connection, describe::SECURITY_GROUP, &missing).await?);
    Ok(found)
}

/// The subnets, and the flow logs of those VPCs whose flow logs are wanted.
async fn subnets_with_logs(
    connection: &Ec2Connection,
    vpcs: &[String],
    named: &BTreeSet<SubnetId>,
    logged: &BTreeSet<VpcId>,
    denied: &Denied,
) -> Result<(Vec<Subnet>, Vec<FlowLog>), Refusal> {
    let subnets = subnets_of(connection, vpcs, named).await?;
    let within = subnets.iter().filter(|subnet| logged.contains(&subnet.vpc_id));
    let mut resources = strings(logged);
    resources.extend(strings(within.map(|subnet| &subnet.subnet_id)));
    let logs = describe::flow_logs(connection, &resources).await;
    Ok((subnets, denied.or_nothing(Aspect::FlowLogs, logs)?))
}

/// The flow logs of ours whose VPC or subnet may be gone, where they are wanted.
async fn left_flow_logs(connection: &Ec2Connection, wanted: bool, denied: &Denied) -> Result<Vec<FlowLog>, Refusal> {
    if !wanted {
        return Ok(Vec::new());
    }
    denied.or_nothing(Aspect::LeftFlowLogs, describe::all_our_flow_logs(connection).await)
}

struct TablesWithGateways {
    route_tables: Vec<RouteTable>,
    nat_gateways: Vec<NatGateway>,
    internet_gateways: Vec<InternetGateway>,
}

/// The route tables, and the gateways that are wanted or that routes lead to.
async fn tables_with_gateways(
    connection: &Ec2Connection,
    vpcs: &[String],
    wanted: bool,
    denied: &Denied,
) -> Result<TablesWithGateways, Refusal> {
    let route_tables = describe::route_tables(connection, vpcs).await?;
    let leads_out = |route: &Route| route.nat_gateway().is_some() || route.to_internet_gateway();
    let needed = wanted || route_tables.iter().flat_map(|table| &table.routes).any(leads_out);
    let gateways = async {
        if !needed {
            return Ok((Vec::new(), Vec::new()));
        }
        tokio::try_join!(
            describe::nat_gateways(connection, vpcs),
            describe::internet_gateways(connection, vpcs)
        )
    };
    let (nat_gateways, internet_gateways) = denied.or_nothing(Aspect::WayOut, gateways.await)?;
    Ok(TablesWithGateways {
        route_tables,
        nat_gateways,
        internet_gateways,
    })
}

/// The network interfaces, and others' permissions on those of SageMaker's.
async fn interfaces_with_permissions(
    connection: &Ec2Connection,
    vpcs: &[String],
    wanted: bool,
    denied: &Denied,
) -> Result<(Vec<NetworkInterface>, Vec<NetworkInterfacePermission>), Refusal> {
    let interfaces = describe::network_interfaces(connection, vpcs).await?;
    let sagemakers = interfaces
        .iter()
        .filter(|interface| wanted && interface.is_sagemakers());
    let ids = strings(sagemakers.map(|interface| &interface.network_interface_id));
    let permissions = describe::network_interface_permissions(connection, &ids).await;
    Ok((
        interfaces,
        denied.or_nothing(Aspect::InterfacePermissions, permissions)?,
    ))
}

/// The network ACLs; none where the role may not see them, which no VPC is
/// without.
async fn network_acls_of(connection: &Ec2Connection, vpcs: &[String]) -> Result<Vec<NetworkAcl>, Refusal> {
    match describe::network_acls(connection, vpcs).await {
        Err(refusal) if refusal.failure.kind == FailureKind::AccessDenied => Ok(Vec::new()),
        other => other,
    }
}

/// The elastic IP addresses of ours, where they are wanted.
async fn addresses(connection: &Ec2Connection, wanted: bool, denied: &Denied) -> Result<Vec<Address>, Refusal> {
    if !wanted {
        return Ok(Vec::new());
    }
    denied.or_nothing(Aspect::Addresses, describe::all_our_addresses(connection).await)
}

/// What AWS offers in the region, remembered or read.
async fn facts(connection: &Ec2Connection) -> Result<Facts, Refusal> {
    let read = async {
        let (prefix_lists, gateway_services) = tokio::try_join!(
            describe::prefix_lists(connection),
            describe::gateway_services(connection)
        )?;
        Ok(Facts {
            prefix_lists,
            gateway_services,
        })
    };
    fact(&connection.known.facts, read).await
}

/// The services that take interface endpoints, where they are wanted.
async fn interface_services(connection: &Ec2Connection, wanted: bool) -> Result<Vec<EndpointService>, Refusal> {
    if !wanted {
        return Ok(Vec::new());
    }
    fact(
        &connection.known.interface_services,
        describe::interface_services(connection),
    )
    .await
}

/// The zones that offer the instance types; none where the role may not ask, for
/// what nobody saw is not asserted.
async fn instance_type_offerings(
    connection: &Ec2Connection,
    types: &BTreeSet<String>,
) -> Result<Vec<InstanceTypeOffering>, Refusal> {
    let unknown = connection.known.unknown_instance_types(types);
    if !unknown.is_empty() {
        match describe::instance_type_offerings(connection, &unknown).await {
            Err(refusal) if refusal.failure.kind == FailureKind::AccessDenied => {}
            found => connection.known.note_instance_types(&unknown, found?),
        }
    }
    Ok(connection.known.instance_type_offerings(types))
}

fn strings<T: ToString>(ids: impl IntoIterator<Item = T>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}
