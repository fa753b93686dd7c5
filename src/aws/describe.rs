//! The describe calls: filtered, batched, every page.
//!
//! All select with filters, never with the lists of ids that most of them take
//! as well: an id that does not exist makes such a list fail as a whole, and a
//! filter just not match.

use aws_sdk_ec2::types::{Filter, LocationType, VpcAttributeName};

pub(super) use edges::{
    address, all_our_addresses, all_our_flow_logs, flow_logs, internet_gateways, nat_gateway, nat_gateways,
    network_acl, network_acls, network_interface_permissions, our_addresses, our_flow_logs, our_nat_gateways,
    route_table,
};
pub(super) use links::{
    transit_gateway_attachments, transit_gateway_routes, transit_gateway_vpc_attachments, vpc_peering_connections,
    vpn_gateways,
};

use super::{
    convert,
    ec2::Ec2Connection,
    errors::{Meaning, Refusal},
};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{
        DhcpOptions, EndpointService, InstanceTypeOffering, NetworkInterface, PrefixList, RouteTable, SecurityGroup,
        Subnet, Vpc, VpcEndpoint,
    },
    plan::DnsAttribute,
    types::{SecurityGroupId, TAG_CLUSTER, TAG_RESOURCE, TAG_VPC, Tags, VpcEndpointId, VpcId},
};

/// The filter for what is in certain VPCs.
pub(super) const VPC: &str = "vpc-id";
/// The filter for certain subnets.
pub(super) const SUBNET: &str = "subnet-id";
/// The filter for certain security groups, or interfaces that have them.
pub(super) const SECURITY_GROUP: &str = "group-id";

/// How many values one call may filter by.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.
pub(super) const FILTER_VALUES: usize = 200;

/// The largest page, for most kinds of things.
const PAGE: i32 = 1000;
/// The largest page of route tables.
const ROUTE_TABLES_PAGE: i32 = 100;

/// Makes a call until there are no more pages. A macro, since each operation of
/// the SDK has types of its own; some call their filters `filter`.
macro_rules! every_page {
    ($connection:expr, $call:ident, $operation:ident, $page:expr, $filters:expr, $items:ident, $convert:path) => {
        every_page!(
            $connection,
            $call,
            $operation,
            $page,
            $filters,
            $items,
            $convert,
            set_filters
        )
    };
    ($connection:expr, $call:ident, $operation:ident, $page:expr, $filters:expr, $items:ident, $convert:path, $set:ident) => {{
        let filters: Vec<Filter> = $filters;
        let mut found = Vec::new();
        let mut next_page = None;
        loop {
            let request = $connection
                .client
                .$operation()
                .$set(Some(filters.clone()))
                .max_results($page);
            let answer = $connection
                .share
                .read(Call::$call, request.set_next_token(next_page).send())
                .await?;
            next_page = answer.next_token.filter(|token| !token.is_empty());
            found.extend(answer.$items.unwrap_or_default().into_iter().filter_map($convert));
            if next_page.is_none() {
                break found;
            }
        }
    }};
}

/// Makes a call for as many values as AWS takes at a time.
macro_rules! every_batch {
    ($connection:expr, $call:ident, $operation:ident, $page:expr, $name:expr, $values:expr, $items:ident, $convert:path) => {
        every_batch!(
            $connection,
            $call,
            $operation,
            $page,
            $name,
            $values,
            $items,
            $convert,
            set_filters
        )
    };
    ($connection:expr, $call:ident, $operation:ident, $page:expr, $name:expr, $values:expr, $items:ident, $convert:path, $set:ident) => {{
        let mut all = Vec::new();
        for batch in $values.chunks(FILTER_VALUES) {
            let filters = vec![filter($name, batch.to_vec())];
            all.extend(every_page!(
                $connection,
                $call,
                $operation,
                $page,
                filters,
                $items,
                $convert,
                $set
            ));
        }
        Ok(all)
    }};
}

// After the macros, which they use.
mod edges;
mod links;

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

pub(super) async fn vpcs(connection: &Ec2Connection, ids: &[String]) -> Result<Vec<Vpc>, Refusal> {
    every_batch!(
        connection,
        DescribeVpcs,
        describe_vpcs,
        PAGE,
        VPC,
        ids,
        vpcs,
        convert::vpc
    )
}

pub(super) async fn subnets(connection: &Ec2Connection, by: &str, values: &[String]) -> Result<Vec<Subnet>, Refusal> {
    every_batch!(
        connection,
        DescribeSubnets,
        describe_subnets,
        PAGE,
        by,
        values,
        subnets,
        convert::subnet
    )
}

pub(super) async fn route_tables(connection: &Ec2Connection, vpcs: &[String]) -> Result<Vec<RouteTable>, Refusal> {
    every_batch!(
        connection,
        DescribeRouteTables,
        describe_route_tables,
        ROUTE_TABLES_PAGE,
        VPC,
        vpcs,
        route_tables,
        convert::route_table
    )
}

pub(super) async fn security_groups(
    connection: &Ec2Connection,
    by: &str,
    values: &[String],
) -> Result<Vec<SecurityGroup>, Refusal> {
    every_batch!(
        connection,
        DescribeSecurityGroups,
        describe_security_groups,
        PAGE,
        by,
        values,
        security_groups,
        convert::security_group
    )
}

pub(super) async fn vpc_endpoints(connection: &Ec2Connection, vpcs: &[String]) -> Result<Vec<VpcEndpoint>, Refusal> {
    every_batch!(
        connection,
        DescribeVpcEndpoints,
        describe_vpc_endpoints,
        PAGE,
        VPC,
        vpcs,
        vpc_endpoints,
        convert::vpc_endpoint
    )
}

pub(super) async fn network_interfaces(
    connection: &Ec2Connection,
    vpcs: &[String],
) -> Result<Vec<NetworkInterface>, Refusal> {
    network_interfaces_by(connection, VPC, vpcs).await
}

/// The network interfaces that a security group is on.
pub(super) async fn network_interfaces_with(
    connection: &Ec2Connection,
    group: &str,
) -> Result<Vec<NetworkInterface>, Refusal> {
    network_interfaces_by(connection, SECURITY_GROUP, &[group.to_owned()]).await
}

async fn network_interfaces_by(
    connection: &Ec2Connection,
    by: &str,
    values: &[String],
) -> Result<Vec<NetworkInterface>, Refusal> {
    every_batch!(
        connection,
        DescribeNetworkInterfaces,
        describe_network_interfaces,
        PAGE,
        by,
        values,
        network_interfaces,
        convert::network_interface
    )
}

pub(super) async fn dhcp_options(connection: &Ec2Connection, ids: &[String]) -> Result<Vec<DhcpOptions>, Refusal> {
    every_batch!(
        connection,
        DescribeDhcpOptions,
        describe_dhcp_options,
        PAGE,
        "dhcp-options-id",
        ids,
        dhcp_options,
        convert::dhcp_options
    )
}

/// The prefix lists of AWS's own gateway services: a handful in each region.
pub(super) async fn prefix_lists(connection: &Ec2Connection) -> Result<Vec<PrefixList>, Refusal> {
    Ok(every_page!(
        connection,
        DescribePrefixLists,
        describe_prefix_lists,
        PAGE,
        Vec::new(),
        prefix_lists,
        convert::prefix_list
    ))
}

/// The services that take gateway endpoints.
pub(super) async fn gateway_services(connection: &Ec2Connection) -> Result<Vec<EndpointService>, Refusal> {
    endpoint_services(connection, "Gateway").await
}

/// The services that take interface endpoints: some hundreds, each with the
/// zones that it has.
pub(super) async fn interface_services(connection: &Ec2Connection) -> Result<Vec<EndpointService>, Refusal> {
    endpoint_services(connection, "Interface").await
}

async fn endpoint_services(connection: &Ec2Connection, kind: &str) -> Result<Vec<EndpointService>, Refusal> {
    let filters = vec![filter("service-type", vec![kind.to_owned()])];
    Ok(every_page!(
        connection,
        DescribeVpcEndpointServices,
        describe_vpc_endpoint_services,
        PAGE,
        filters,
        service_details,
        convert::endpoint_service
    ))
}

/// The zones that offer the instance types, by EC2's names.
pub(super) async fn instance_type_offerings(
    connection: &Ec2Connection,
    types: &[String],
) -> Result<Vec<InstanceTypeOffering>, Refusal> {
    let mut found = Vec::new();
    for batch in types.chunks(FILTER_VALUES) {
        let mut next_page = None;
        loop {
            let request = connection
                .client
                .describe_instance_type_offerings()
                .location_type(LocationType::AvailabilityZoneId)
                .filters(filter("instance-type", batch.to_vec()))
                .max_results(PAGE)
                .set_next_token(next_page);
            let call = Call::DescribeInstanceTypeOfferings;
            let answer = connection.share.read(call, request.send()).await?;
            let offerings = answer.instance_type_offerings.unwrap_or_default();
            found.extend(offerings.into_iter().filter_map(convert::instance_type_offering));
            next_page = answer.next_token.filter(|token| !token.is_empty());
            if next_page.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Whether a DNS attribute of a VPC is on; `None` if there is no such VPC.
pub(super) async fn vpc_attribute(
    connection: &Ec2Connection,
    vpc: &VpcId,
    attribute: DnsAttribute,
) -> Result<Option<bool>, Refusal> {
    let name = match attribute {
        DnsAttribute::EnableDnsSupport => VpcAttributeName::EnableDnsSupport,
        DnsAttribute::EnableDnsHostnames => VpcAttributeName::EnableDnsHostnames,
    };
    let request = connection
        .client
        .describe_vpc_attribute()
        .vpc_id(vpc.as_str())
        .attribute(name);
    match connection.share.read(Call::DescribeVpcAttribute, request.send()).await {
        Ok(answer) => {
            let told = match attribute {
                DnsAttribute::EnableDnsSupport => answer.enable_dns_support,
                DnsAttribute::EnableDnsHostnames => answer.enable_dns_hostnames,
            };
            Ok(told.and_then(|told| told.value))
        }
        Err(refusal) if matches!(refusal.meaning, Meaning::NotThere(_)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// One endpoint by its id.
pub(super) async fn vpc_endpoint(
    connection: &Ec2Connection,
    id: &VpcEndpointId,
) -> Result<Option<VpcEndpoint>, Refusal> {
    let filters = vec![filter("vpc-endpoint-id", vec![id.to_string()])];
    let found = every_page!(
        connection,
        DescribeVpcEndpoints,
        describe_vpc_endpoints,
        PAGE,
        filters,
        vpc_endpoints,
        convert::vpc_endpoint
    );
    Ok(found.into_iter().next())
}

/// The other security groups that have rules which name `group`.
pub(super) async fn security_groups_that_name(
    connection: &Ec2Connection,
    group: &SecurityGroupId,
) -> Result<Vec<SecurityGroup>, Refusal> {
    let id = [group.to_string()];
    let (mut found, egress) = tokio::try_join!(
        security_groups(connection, "ip-permission.group-id", &id),
        security_groups(connection, "egress.ip-permission.group-id", &id),
    )?;
    found.extend(egress);
    found.retain(|other| other.group_id != *group);
    found.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    found.dedup_by(|a, b| a.group_id == b.group_id);
    Ok(found)
}

/// The endpoints that carry the three tags which name one resource of ours.
pub(super) async fn our_vpc_endpoints(connection: &Ec2Connection, tags: &Tags) -> Result<Vec<VpcEndpoint>, Refusal> {
    Ok(every_page!(
        connection,
        DescribeVpcEndpoints,
        describe_vpc_endpoints,
        PAGE,
        ours(tags),
        vpc_endpoints,
        convert::vpc_endpoint
    ))
}

/// The security groups in a VPC that carry the three tags which name one
/// resource of ours.
pub(super) async fn our_security_groups(
    connection: &Ec2Connection,
    vpc: &VpcId,
    tags: &Tags,
) -> Result<Vec<SecurityGroup>, Refusal> {
    let mut filters = ours(tags);
    filters.push(filter(VPC, vec![vpc.to_string()]));
    Ok(every_page!(
        connection,
        DescribeSecurityGroups,
        describe_security_groups,
        PAGE,
        filters,
        security_groups,
        convert::security_group
    ))
}

fn ours(tags: &Tags) -> Vec<Filter> {
    [TAG_CLUSTER, TAG_VPC, TAG_RESOURCE]
        .into_iter()
        .map(|key| filter(&format!("tag:{key}"), tags.get(key).into_iter().cloned().collect()))
        .collect()
}
