//! What lets traffic out of a subnet and a VPC, or records it: network ACLs,
//! gateways and their addresses, flow logs.

use aws_sdk_ec2::types::Filter;

use super::{FILTER_VALUES, PAGE, ROUTE_TABLES_PAGE, VPC, filter, ours};
use crate::aws::{convert, ec2::Ec2Connection, errors::Refusal};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{Address, FlowLog, InternetGateway, NatGateway, NetworkAcl, NetworkInterfacePermission, RouteTable},
    types::{AllocationId, NatGatewayId, NetworkAclId, RouteTableId, TAG_CLUSTER, Tags},
};

/// The largest page of permissions on network interfaces.
const PERMISSIONS_PAGE: i32 = 255;

pub(in crate::aws) async fn network_acls(
    connection: &Ec2Connection,
    vpcs: &[String],
) -> Result<Vec<NetworkAcl>, Refusal> {
    network_acls_by(connection, VPC, vpcs).await
}

/// One network ACL by its id.
pub(in crate::aws) async fn network_acl(
    connection: &Ec2Connection,
    id: &NetworkAclId,
) -> Result<Option<NetworkAcl>, Refusal> {
    let found = network_acls_by(connection, "network-acl-id", &[id.to_string()]).await?;
    Ok(found.into_iter().next())
}

async fn network_acls_by(connection: &Ec2Connection, by: &str, values: &[String]) -> Result<Vec<NetworkAcl>, Refusal> {
    every_batch!(
        connection,
        DescribeNetworkAcls,
        describe_network_acls,
        PAGE,
        by,
        values,
        network_acls,
        convert::network_acl
    )
}

/// One route table by its id.
pub(in crate::aws) async fn route_table(
    connection: &Ec2Connection,
    id: &RouteTableId,
) -> Result<Option<RouteTable>, Refusal> {
    let found = every_page!(
        connection,
        DescribeRouteTables,
        describe_route_tables,
        ROUTE_TABLES_PAGE,
        vec![filter("route-table-id", vec![id.to_string()])],
        route_tables,
        convert::route_table
    );
    Ok(found.into_iter().next())
}

pub(in crate::aws) async fn nat_gateways(
    connection: &Ec2Connection,
    vpcs: &[String],
) -> Result<Vec<NatGateway>, Refusal> {
    every_batch!(
        connection,
        DescribeNatGateways,
        describe_nat_gateways,
        PAGE,
        VPC,
        vpcs,
        nat_gateways,
        convert::nat_gateway,
        set_filter
    )
}

/// One NAT gateway by its id.
pub(in crate::aws) async fn nat_gateway(
    connection: &Ec2Connection,
    id: &NatGatewayId,
) -> Result<Option<NatGateway>, Refusal> {
    let by_id = vec![filter("nat-gateway-id", vec![id.to_string()])];
    Ok(nat_gateways_by(connection, by_id).await?.into_iter().next())
}

/// The NAT gateways that carry the three tags which name one resource of ours.
pub(in crate::aws) async fn our_nat_gateways(
    connection: &Ec2Connection,
    tags: &Tags,
) -> Result<Vec<NatGateway>, Refusal> {
    nat_gateways_by(connection, ours(tags)).await
}

async fn nat_gateways_by(connection: &Ec2Connection, filters: Vec<Filter>) -> Result<Vec<NatGateway>, Refusal> {
    Ok(every_page!(
        connection,
        DescribeNatGateways,
        describe_nat_gateways,
        PAGE,
        filters,
        nat_gateways,
        convert::nat_gateway,
        set_filter
    ))
}

/// The internet gateways that are attached to the VPCs.
pub(in crate::aws) async fn internet_gateways(
    connection: &Ec2Connection,
    vpcs: &[String],
) -> Result<Vec<InternetGateway>, Refusal> {
    every_batch!(
        connection,
        DescribeInternetGateways,
        describe_internet_gateways,
        PAGE,
        "attachment.vpc-id",
        vpcs,
        internet_gateways,
        convert::internet_gateway
    )
}

/// The elastic IP addresses of the account that carry a tag of ours, whichever
/// cluster's.
pub(in crate::aws) async fn all_our_addresses(connection: &Ec2Connection) -> Result<Vec<Address>, Refusal> {
    addresses_by(connection, vec![filter("tag-key", vec![TAG_CLUSTER.to_owned()])]).await
}

/// The elastic IP addresses that carry the three tags which name one resource
/// of ours.
pub(in crate::aws) async fn our_addresses(connection: &Ec2Connection, tags: &Tags) -> Result<Vec<Address>, Refusal> {
    addresses_by(connection, ours(tags)).await
}

/// One elastic IP address by its id.
pub(in crate::aws) async fn address(connection: &Ec2Connection, id: &AllocationId) -> Result<Option<Address>, Refusal> {
    let by_id = vec![filter("allocation-id", vec![id.to_string()])];
    Ok(addresses_by(connection, by_id).await?.into_iter().next())
}

/// EC2 gives addresses in one answer, without pages.
async fn addresses_by(connection: &Ec2Connection, filters: Vec<Filter>) -> Result<Vec<Address>, Refusal> {
    let request = connection.client.describe_addresses().set_filters(Some(filters));
    let answer = connection.share.read(Call::DescribeAddresses, request.send()).await?;
    let addresses = answer.addresses.unwrap_or_default().into_iter();
    Ok(addresses.filter_map(convert::address).collect())
}

/// The flow logs of VPCs and subnets.
pub(in crate::aws) async fn flow_logs(
    connection: &Ec2Connection,
    resources: &[String],
) -> Result<Vec<FlowLog>, Refusal> {
    every_batch!(
        connection,
        DescribeFlowLogs,
        describe_flow_logs,
        PAGE,
        "resource-id",
        resources,
        flow_logs,
        convert::flow_log,
        set_filter
    )
}

/// The flow logs of the account that carry a tag of ours, whichever cluster's.
pub(in crate::aws) async fn all_our_flow_logs(connection: &Ec2Connection) -> Result<Vec<FlowLog>, Refusal> {
    Ok(every_page!(
        connection,
        DescribeFlowLogs,
        describe_flow_logs,
        PAGE,
        vec![filter("tag-key", vec![TAG_CLUSTER.to_owned()])],
        flow_logs,
        convert::flow_log,
        set_filter
    ))
}

/// The flow logs that carry the three tags which name one resource of ours.
pub(in crate::aws) async fn our_flow_logs(connection: &Ec2Connection, tags: &Tags) -> Result<Vec<FlowLog>, Refusal> {
    Ok(every_page!(
        connection,
        DescribeFlowLogs,
        describe_flow_logs,
        PAGE,
        ours(tags),
        flow_logs,
        convert::flow_log,
        set_filter
    ))
}

/// The permissions of others on network interfaces.
pub(in crate::aws) async fn network_interface_permissions(
    connection: &Ec2Connection,
    interfaces: &[String],
) -> Result<Vec<NetworkInterfacePermission>, Refusal> {
    every_batch!(
        connection,
        DescribeNetworkInterfacePermissions,
        describe_network_interface_permissions,
        PERMISSIONS_PAGE,
        "network-interface-permission.network-interface-id",
        interfaces,
        network_interface_permissions,
        convert::network_interface_permission
    )
}
