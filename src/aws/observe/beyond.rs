//! What the routes of VPCs lead across, and the VPCs at the other end, as far as
//! the account sees them. What its role may not look at is left out, which makes
//! verdicts unknown and fails nobody.

use std::collections::BTreeSet;

use super::{Denied, TablesWithGateways, network_acls_of, security_groups_of, strings, tables_with_gateways};
use crate::aws::{describe, ec2::Ec2Connection, errors::Refusal};
use sagevpc_core::{
    observed::{Join, RouteTable, Snapshot, VpcPeeringConnection, joins},
    report::FailureKind,
    types::{TransitGatewayRouteTableId, VpcId},
};

/// What routes lead across, by ids.
#[derive(Default)]
struct Targets {
    peering_connections: BTreeSet<String>,
    transit_gateways: BTreeSet<String>,
    vpn_gateways: BTreeSet<String>,
}

impl Targets {
    fn of(tables: &[RouteTable]) -> Self {
        let mut all = Self::default();
        for join in tables.iter().flat_map(joins) {
            match join {
                Join::Peering(id) => all.peering_connections.insert(id.to_string()),
                Join::TransitGateway(id) => all.transit_gateways.insert(id.to_string()),
                Join::VirtualPrivateGateway(id) => all.vpn_gateways.insert(id),
            };
        }
        all
    }
}

/// What was found; nothing where the role may not look.
fn or_nothing<T: Default>(found: Result<T, Refusal>) -> Result<T, Refusal> {
    match found {
        Err(refusal) if refusal.failure.kind == FailureKind::AccessDenied => Ok(T::default()),
        other => other,
    }
}

/// Adds to a snapshot what its routes lead across, and the VPCs there.
pub(super) async fn look_beyond(connection: &Ec2Connection, snapshot: &mut Snapshot) -> Result<(), Refusal> {
    let Targets {
        peering_connections,
        transit_gateways,
        vpn_gateways,
    } = Targets::of(&snapshot.route_tables);
    let [connections, gateways, vpn_gateways] = [peering_connections, transit_gateways, vpn_gateways].map(strings);
    let (connections, attachments, of_vpcs, vpn_gateways) = tokio::try_join!(
        async { or_nothing(describe::vpc_peering_connections(connection, &connections).await) },
        async { or_nothing(describe::transit_gateway_attachments(connection, &gateways).await) },
        async { or_nothing(describe::transit_gateway_vpc_attachments(connection, &gateways).await) },
        async { or_nothing(describe::vpn_gateways(connection, &vpn_gateways).await) },
    )?;
    let associations = attachments
        .iter()
        .filter_map(|attachment| attachment.association.as_ref());
    let tables: BTreeSet<TransitGatewayRouteTableId> = associations
        .filter_map(|association| association.transit_gateway_route_table_id.clone())
        .collect();
    for table in &tables {
        let found = describe::transit_gateway_routes(connection, table).await.map(Some);
        snapshot.transit_gateway_routes.extend(or_nothing(found)?);
    }
    let seen: BTreeSet<&VpcId> = snapshot.vpcs.iter().map(|vpc| &vpc.vpc_id).collect();
    let ends = connections.iter().flat_map(VpcPeeringConnection::vpcs);
    let ends = ends.chain(of_vpcs.iter().map(|attachment| &attachment.vpc_id));
    let others: BTreeSet<VpcId> = ends.filter(|vpc| !seen.contains(vpc)).cloned().collect();
    snapshot.vpc_peering_connections = connections;
    snapshot.transit_gateway_attachments = attachments;
    snapshot.transit_gateway_vpc_attachments = of_vpcs;
    snapshot.vpn_gateways = vpn_gateways;
    look_into(connection, snapshot, &strings(&others)).await
}

/// Adds what is in other VPCs, as far as packets meet it. Those of other accounts
/// do not show themselves.
async fn look_into(connection: &Ec2Connection, snapshot: &mut Snapshot, vpcs: &[String]) -> Result<(), Refusal> {
    if vpcs.is_empty() {
        return Ok(());
    }
    let denied = Denied::default();
    let none = BTreeSet::new();
    let (vpcs, subnets, tables, groups, endpoints, interfaces, acls) = tokio::try_join!(
        describe::vpcs(connection, vpcs),
        describe::subnets(connection, describe::VPC, vpcs),
        tables_with_gateways(connection, vpcs, false, &denied),
        security_groups_of(connection, vpcs, &none),
        describe::vpc_endpoints(connection, vpcs),
        describe::network_interfaces(connection, vpcs),
        network_acls_of(connection, vpcs),
    )?;
    let TablesWithGateways {
        route_tables,
        nat_gateways,
        internet_gateways,
    } = tables;
    snapshot.vpcs.extend(vpcs);
    snapshot.subnets.extend(subnets);
    snapshot.route_tables.extend(route_tables);
    snapshot.nat_gateways.extend(nat_gateways);
    snapshot.internet_gateways.extend(internet_gateways);
    snapshot.security_groups.extend(groups);
    snapshot.vpc_endpoints.extend(endpoints);
    snapshot.network_interfaces.extend(interfaces);
    snapshot.network_acls.extend(acls);
    Ok(())
}
