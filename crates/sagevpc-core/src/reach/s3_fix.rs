//! S3 first by its gateway endpoint, which costs nothing, whatever else would lead
//! there.

use super::{Cause, Destination, fix::Means};
use crate::{observed::EndpointState, types::RouteTableId};

impl Means<'_> {
    /// Lead a table to S3 by its gateway endpoint, which costs nothing.
    fn s3_by_gateway(&self, table: &RouteTableId) -> Option<String> {
        let vpc = self.vpc?;
        let mut endpoints = vpc.s3_gateway_endpoints();
        let there = endpoints.find(|endpoint| endpoint.state != EndpointState::Deleted);
        Some(match (there, &vpc.region) {
            (Some(endpoint), _) => format!(
                "Put {table} on the S3 gateway endpoint: `aws ec2 modify-vpc-endpoint --vpc-endpoint-id {} \
                 --add-route-table-ids {table}`.",
                endpoint.vpc_endpoint_id
            ),
            (None, region) => {
                let list = vpc.s3_prefix_list().map(|list| list.prefix_list_name.clone());
                let region = region.as_ref().map_or("REGION", |region| region.as_str());
                let service = list.unwrap_or_else(|| format!("com.amazonaws.{region}.s3"));
                format!(
                    "Make an S3 gateway endpoint, which costs nothing: `aws ec2 create-vpc-endpoint --vpc-id {} \
                     --vpc-endpoint-type Gateway --service-name {service} --route-table-ids {table}`.",
                    vpc.vpc.vpc_id
                )
            }
        })
    }
}

impl Cause {
    /// What would let it through on the way to the destination, in a sentence or
    /// two.
    pub fn fix(&self, destination: &Destination, means: &Means<'_>) -> String {
        let by_gateway = self
            .table_without_s3(destination)
            .and_then(|table| means.s3_by_gateway(table));
        match by_gateway {
            Some(by_gateway) => by_gateway,
            None => self.fix_on_the_way(destination, means),
        }
    }

    /// The table that would lead to S3 by its gateway endpoint, and leads nowhere.
    fn table_without_s3(&self, destination: &Destination) -> Option<&RouteTableId> {
        let is_here = match destination {
            Destination::S3 { .. } | Destination::PackageMirrors => !destination.is_directory_bucket(),
            Destination::BucketElsewhere { .. }
            | Destination::Service(_)
            | Destination::Members { .. }
            | Destination::Efa
            | Destination::Subnet { .. }
            | Destination::Resolver { .. }
            | Destination::Host { .. }
            | Destination::Cidr { .. }
            | Destination::Inside { .. } => false,
        };
        let table = if let Self::NoRoute { table, .. } = self {
            Some(table)
        } else if let Self::GatewayDetached { route, through, .. } = self {
            let by_nat = through.as_ref().and_then(|through| through.route.as_ref());
            by_nat.or(route.as_ref()).map(|route| &route.table)
        } else if let Self::PublicAccessBlocked(_) | Self::Across(_) | Self::PrivateAddress { .. } = self {
            None
        } else {
            self.route().map(|route| &route.table)
        };
        table.filter(|_| is_here)
    }
}
