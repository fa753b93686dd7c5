//! A VPC as a team would find it: three subnets in three zones, two route
//! tables.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use sagevpc_core::types::{NetworkInterfaceId, PrefixListId, RouteTableId, SecurityGroupId, SubnetId, VpcId};

use super::moto::{Account, REGION};

/// The zones of the subnets, in their order.
pub const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// The VPC, and a client of someone else's.
pub struct Network {
    /// The client.
    pub client: aws_sdk_ec2::Client,
    /// The VPC, 10.0.0.0/16.
    pub vpc: VpcId,
    /// 10.0.0.0/24, 10.0.1.0/24 and 10.0.2.0/24, tagged `tier: private`.
    pub subnets: Vec<SubnetId>,
    /// The VPC's main route table, which the first two subnets use.
    pub main_table: RouteTableId,
    /// The third subnet's own.
    pub third_table: RouteTableId,
}

impl Network {
    /// Makes one.
    pub async fn new(account: &Account) -> Self {
        let client = account.client().await;
        let vpc = client.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(tags(
            ResourceType::Vpc,
            "Name",
            "research",
        ));
        let vpc = VpcId::new(vpc.send().await.unwrap().vpc.unwrap().vpc_id.unwrap());
        let mut subnets = Vec::new();
        for (number, zone) in ZONES.iter().enumerate() {
            let subnet = client
                .create_subnet()
                .vpc_id(vpc.as_str())
                .availability_zone(*zone)
                .cidr_block(format!("10.0.{number}.0/24"))
                .tag_specifications(tags(ResourceType::Subnet, "tier", "private"));
            subnets.push(SubnetId::new(
                subnet.send().await.unwrap().subnet.unwrap().subnet_id.unwrap(),
            ));
        }
        let main_table = main_table(&client, &vpc).await;
        let third_table = client
            .create_route_table()
            .vpc_id(vpc.as_str())
            .send()
            .await
            .unwrap()
            .route_table
            .unwrap();
        let third_table = RouteTableId::new(third_table.route_table_id.unwrap());
        let associate = client.associate_route_table().route_table_id(third_table.as_str());
        associate.subnet_id(subnets[2].as_str()).send().await.unwrap();
        Self {
            client,
            vpc,
            subnets,
            main_table,
            third_table,
        }
    }

    /// Makes a security group.
    pub async fn group(&self, name: &str) -> SecurityGroupId {
        let request = self.client.create_security_group().vpc_id(self.vpc.as_str());
        let made = request
            .group_name(name)
            .description("made by a test")
            .send()
            .await
            .unwrap();
        SecurityGroupId::new(made.group_id.unwrap())
    }

    /// Makes a network interface in the first subnet.
    pub async fn interface(&self, group: &SecurityGroupId, description: &str) -> NetworkInterfaceId {
        let request = self
            .client
            .create_network_interface()
            .subnet_id(self.subnets[0].as_str());
        let made = request
            .groups(group.as_str())
            .description(description)
            .send()
            .await
            .unwrap();
        NetworkInterfaceId::new(made.network_interface.unwrap().network_interface_id.unwrap())
    }

    /// The prefix list of S3.
    pub async fn s3_prefix_list(&self) -> PrefixListId {
        let lists = self
            .client
            .describe_prefix_lists()
            .send()
            .await
            .unwrap()
            .prefix_lists
            .unwrap();
        let s3 = lists
            .into_iter()
            .find(|list| list.prefix_list_name() == Some(s3_service().as_str()));
        PrefixListId::new(s3.unwrap().prefix_list_id.unwrap())
    }
}

/// The name of S3's gateway service.
pub fn s3_service() -> String {
    format!("com.amazonaws.{REGION}.s3")
}

/// A tag for what is created.
pub fn tags(kind: ResourceType, key: &str, value: &str) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(kind)
        .tags(Tag::builder().key(key).value(value).build())
        .build()
}

async fn main_table(client: &aws_sdk_ec2::Client, vpc: &VpcId) -> RouteTableId {
    let of_vpc = aws_sdk_ec2::types::Filter::builder()
        .name("vpc-id")
        .values(vpc.as_str())
        .build();
    let tables = client
        .describe_route_tables()
        .filters(of_vpc)
        .send()
        .await
        .unwrap()
        .route_tables
        .unwrap();
    let main = tables.into_iter().find(|table| {
        table
            .associations()
            .iter()
            .any(|association| association.main() == Some(true))
    });
    RouteTableId::new(main.unwrap().route_table_id.unwrap())
}
