//! One VPC, cut out of a snapshot, with the questions that planning asks of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ipnet::IpNet;

use super::{
    Address, Beyond, Bucket, DhcpOptions, Discovered, EndpointService, FlowLog, InstanceTypeOffering, InternetGateway,
    InternetGatewayBlockMode, NatGateway, NetworkAcl, NetworkInterface, NetworkInterfacePermission, PrefixList, Roles,
    RouteTable, SecurityGroup, Snapshot, Subnet, Unread, Vpc, VpcAttributes, VpcEndpoint, Word,
    files::{self, FileKind},
    names::{is_region, is_s3, is_s3_express},
    tags_of,
};
use crate::types::{
    AccountId, Accounts, AllocationId, AvailabilityZoneId, FlowLogId, NatGatewayId, NetworkAclId, NetworkInterfaceId,
    PrefixListId, Region, RouteTableId, SecurityGroupId, SubnetId, TAG_CLUSTER, VpcEndpointId, VpcId,
};

/// One VPC as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct VpcSnapshot {
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// The workloads' account, where it is another than the network's.
    pub workloads_account: Option<AccountId>,
    /// The region, where it is known.
    pub region: Option<Region>,
    /// The VPC itself.
    pub vpc: Vpc,
    /// Its DNS attributes, where they were seen.
    pub attributes: Option<VpcAttributes>,
    /// Its DHCP options, where they were seen.
    pub dhcp_options: Option<DhcpOptions>,
    /// Its subnets.
    pub subnets: BTreeMap<SubnetId, Subnet>,
    /// Its route tables.
    pub route_tables: BTreeMap<RouteTableId, RouteTable>,
    /// Its security groups.
    pub security_groups: BTreeMap<SecurityGroupId, SecurityGroup>,
    /// Its endpoints, those still being deleted included, in the order of ids.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// Network interfaces in it.
    pub network_interfaces: BTreeMap<NetworkInterfaceId, NetworkInterface>,
    /// Prefix lists of the region's gateway services.
    pub prefix_lists: Vec<PrefixList>,
    /// Services of the region that endpoints lead to.
    pub endpoint_services: Vec<EndpointService>,
    /// Its network ACLs; none where they were not looked at.
    pub network_acls: BTreeMap<NetworkAclId, NetworkAcl>,
    /// Its NAT gateways, deleted ones included.
    pub nat_gateways: BTreeMap<NatGatewayId, NatGateway>,
    /// The internet gateway attached to it.
    pub internet_gateway: Option<InternetGateway>,
    /// Elastic IP addresses of the account that carry our tags.
    pub addresses: BTreeMap<AllocationId, Address>,
    /// Flow logs of it and of its subnets.
    pub flow_logs: BTreeMap<FlowLogId, FlowLog>,
    /// Permissions of others on its network interfaces.
    pub network_interface_permissions: Vec<NetworkInterfacePermission>,
    /// Where EC2 offers the instance types that profiles name; none of a type
    /// that was not looked at.
    pub instance_type_offerings: Vec<InstanceTypeOffering>,
    /// What SageMaker runs in it.
    pub discovered: Discovered,
    /// The workloads' account, where it is another than the network's and does
    /// not see the VPC.
    pub not_shared_with: Option<AccountId>,
    /// Buckets that were asked for, by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Execution roles of its workloads.
    pub roles: Roles,
    /// Subnets that were looked up by id and belong to other VPCs.
    pub subnets_elsewhere: BTreeMap<SubnetId, VpcId>,
    /// Security groups that were looked up by id and belong to other VPCs.
    pub security_groups_elsewhere: BTreeMap<SecurityGroupId, VpcId>,
    /// What was there and could not be read, as far as it may be of this VPC.
    pub unread: Vec<Unread>,
    /// The lists that nobody looked at.
    pub missing: BTreeSet<FileKind>,
    /// What it is joined to, and what lies there.
    pub beyond: Arc<Beyond>,
}

impl VpcSnapshot {
    pub(super) fn cut(snapshot: &Snapshot, vpc_id: &VpcId) -> Option<Self> {
        let vpc = snapshot.vpcs.iter().find(|vpc| vpc.vpc_id == *vpc_id)?;
        Some(Self::around(vpc.clone(), snapshot))
    }

    /// Everything in the snapshot that is in the VPC, or bears on it.
    fn around(vpc: Vpc, snapshot: &Snapshot) -> Self {
        let vpc_id = &vpc.vpc_id;
        let dhcp_options = vpc.dhcp_options_id.as_ref().and_then(|id| {
            snapshot
                .dhcp_options
                .iter()
                .find(|options| options.dhcp_options_id == *id)
                .cloned()
        });
        let mut vpc_endpoints: Vec<VpcEndpoint> = snapshot
            .vpc_endpoints
            .iter()
            .filter(|endpoint| endpoint.vpc_id == *vpc_id)
            .cloned()
            .collect();
        vpc_endpoints.sort_by(|a, b| a.vpc_endpoint_id.cmp(&b.vpc_endpoint_id));
        let (subnets, subnets_elsewhere): (Vec<_>, Vec<_>) =
            snapshot.subnets.iter().partition(|subnet| subnet.vpc_id == *vpc_id);
        let (groups, groups_elsewhere): (Vec<_>, Vec<_>) = snapshot
            .security_groups
            .iter()
            .partition(|group| group.vpc_id == *vpc_id);
        let subnet_ids: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.subnet_id.as_str()).collect();
        let interface_ids: BTreeSet<&NetworkInterfaceId> = snapshot
            .network_interfaces
            .iter()
            .filter(|interface| interface.vpc_id == *vpc_id)
            .map(|interface| &interface.network_interface_id)
            .collect();
        let zones = || files::region_of_zones(subnets.iter().copied());
        let region = snapshot.region.clone().or_else(zones);
        // Files of several regions may lie side by side.
        let several = region.as_ref().filter(|_| snapshot.region.is_none());
        let is_here = |name: &str| {
            let mut named = name.split('.').filter(|part| is_region(part));
            several.is_none_or(|region| named.all(|named| named == region.as_str()))
        };
        Self {
            account: snapshot.account.clone(),
            workloads_account: None,
            region: region.clone(),
            attributes: snapshot
                .vpc_attributes
                .iter()
                .find(|attributes| attributes.vpc_id == *vpc_id)
                .cloned(),
            dhcp_options,
            subnets: subnets
                .iter()
                .copied()
                .map(|subnet| (subnet.subnet_id.clone(), subnet.clone()))
                .collect(),
            route_tables: snapshot
                .route_tables
                .iter()
                .filter(|table| table.vpc_id == *vpc_id)
                .map(|table| (table.route_table_id.clone(), table.clone()))
                .collect(),
            security_groups: groups
                .into_iter()
                .map(|group| (group.group_id.clone(), group.clone()))
                .collect(),
            vpc_endpoints,
            network_interfaces: snapshot
                .network_interfaces
                .iter()
                .filter(|interface| interface.vpc_id == *vpc_id)
                .map(|interface| (interface.network_interface_id.clone(), interface.clone()))
                .collect(),
            prefix_lists: snapshot
                .prefix_lists
                .iter()
                .filter(|list| is_here(&list.prefix_list_name))
                .cloned()
                .collect(),
            endpoint_services: snapshot
                .endpoint_services
                .iter()
                .filter(|service| is_here(&service.service_name))
                .cloned()
                .collect(),
            network_acls: snapshot
                .network_acls
                .iter()
                .filter(|acl| acl.vpc_id == *vpc_id)
                .map(|acl| (acl.network_acl_id.clone(), acl.clone()))
                .collect(),
            nat_gateways: snapshot
                .nat_gateways
                .iter()
                .filter(|nat| nat.vpc_id.as_ref() == Some(vpc_id))
                .map(|nat| (nat.nat_gateway_id.clone(), nat.clone()))
                .collect(),
            internet_gateway: snapshot
                .internet_gateways
                .iter()
                .find(|gateway| {
                    gateway
                        .attachments
                        .iter()
                        .any(|attachment| attachment.vpc_id.as_ref() == Some(vpc_id))
                })
                .cloned(),
            addresses: snapshot
                .addresses
                .iter()
                .map(|address| (address.allocation_id.clone(), address.clone()))
                .collect(),
            flow_logs: snapshot
                .flow_logs
                .iter()
                .filter(|log| log.resource_id == vpc_id.as_str() || subnet_ids.contains(log.resource_id.as_str()))
                .map(|log| (log.flow_log_id.clone(), log.clone()))
                .collect(),
            not_shared_with: None,
            discovered: discovered(snapshot, &subnet_ids),
            instance_type_offerings: snapshot.instance_type_offerings.clone(),
            network_interface_permissions: snapshot
                .network_interface_permissions
                .iter()
                .filter(|permission| {
                    permission
                        .network_interface_id
                        .as_ref()
                        .is_some_and(|id| interface_ids.contains(id))
                })
                .cloned()
                .collect(),
            buckets: by_name(&snapshot.buckets),
            roles: snapshot.roles(),
            subnets_elsewhere: subnets_elsewhere
                .into_iter()
                .map(|subnet| (subnet.subnet_id.clone(), subnet.vpc_id.clone()))
                .collect(),
            security_groups_elsewhere: groups_elsewhere
                .into_iter()
                .map(|group| (group.group_id.clone(), group.vpc_id.clone()))
                .collect(),
            unread: snapshot
                .unread
                .iter()
                .filter(|unread| unread.may_be_of(vpc_id))
                .cloned()
                .collect(),
            missing: snapshot.missing.clone(),
            beyond: Arc::default(),
            vpc,
        }
    }

    /// What VPC Block Public Access keeps off the internet gateways of a subnet,
    /// or of the VPC where none is given or the subnet does not say; `None`
    /// where neither was seen to say anything.
    pub fn internet_gateway_block_mode(&self, subnet: Option<&SubnetId>) -> Option<InternetGatewayBlockMode> {
        let of_subnet = subnet
            .and_then(|id| self.subnets.get(id))
            .and_then(|subnet| subnet.block_public_access_states.as_ref());
        let states = of_subnet.or(self.vpc.block_public_access_states.as_ref())?;
        states.internet_gateway_block_mode.as_ref().map(Word::means)
    }

    /// The same, with what these snapshots show of what it is joined to: its own
    /// first, and those of other accounts and regions.
    pub fn joined_to(self, snapshots: &[&Snapshot]) -> Self {
        let beyond = Arc::new(Beyond::of(&self, snapshots));
        Self { beyond, ..self }
    }

    /// A VPC that is gone, with what is there all the same: elastic IP addresses
    /// and flow logs of ours outlive a VPC, as does what was put into buckets'
    /// policies and on roles on its account.
    pub fn gone(vpc_id: &VpcId, snapshot: &Snapshot) -> Self {
        let vpc = Vpc {
            vpc_id: vpc_id.clone(),
            owner_id: None,
            instance_tenancy: None,
            cidr_block: None,
            cidr_block_association_set: Vec::new(),
            dhcp_options_id: None,
            ipv6_cidr_block_association_set: Vec::new(),
            block_public_access_states: None,
            tags: Vec::new(),
        };
        let mut gone = Self::around(vpc, snapshot);
        // Its subnets are gone too, so that flow logs are told by their tags.
        let ours = snapshot
            .flow_logs
            .iter()
            .filter(|log| tags_of(&log.tags).contains_key(TAG_CLUSTER));
        gone.flow_logs
            .extend(ours.map(|log| (log.flow_log_id.clone(), log.clone())));
        gone
    }

    /// The accounts that were looked at. Where nobody can tell who we are, a VPC
    /// that is seen is taken to be our own.
    pub fn accounts(&self) -> Accounts {
        let network = self.account.clone().or_else(|| self.vpc.owner_id.clone());
        Accounts {
            workloads: self.workloads_account.clone().or_else(|| network.clone()),
            network,
        }
    }

    /// The account that owns the VPC, where it is another than the one that
    /// looked.
    pub fn foreign_owner(&self) -> Option<&AccountId> {
        let owner = self.vpc.owner_id.as_ref()?;
        let account = self.account.as_ref()?;
        (owner != account).then_some(owner)
    }

    /// Adds what only the workloads' account sees of a VPC that is shared with
    /// it: its own security groups and network interfaces. Those stay its own
    /// when it does not see the VPC any more.
    pub fn add_view_of(&mut self, account: AccountId, view: &Snapshot) {
        self.workloads_account = Some(account.clone());
        let view = view.vpc(&self.vpc.vpc_id).unwrap_or_else(|| {
            self.not_shared_with = Some(account);
            Self::gone(&self.vpc.vpc_id, view)
        });
        self.security_groups.extend(view.security_groups);
        self.network_interfaces.extend(view.network_interfaces);
        self.security_groups_elsewhere
            .retain(|id, _| !self.security_groups.contains_key(id));
    }

    /// SageMaker's network interfaces in it.
    pub fn sagemakers_interfaces(&self) -> impl Iterator<Item = &NetworkInterface> {
        self.network_interfaces
            .values()
            .filter(|interface| interface.is_sagemakers())
    }

    /// Those of them at which traffic begins: an endpoint's only answer.
    pub fn running_interfaces(&self) -> impl Iterator<Item = &NetworkInterface> {
        self.sagemakers_interfaces()
            .filter(|interface| !interface.only_answers())
    }

    /// Notes what SageMaker said runs in the account, as far as it runs here.
    pub fn note_discovered(&mut self, discovered: Discovered) {
        self.discovered = match discovered {
            Discovered::Seen {
                mut consumers,
                complete,
            } => {
                consumers.retain(|consumer| consumer.subnets.iter().any(|subnet| self.subnets.contains_key(subnet)));
                Discovered::Seen { consumers, complete }
            }
            Discovered::NotAsked | Discovered::Refused { .. } => discovered,
        };
    }

    /// The same, with these buckets, which are looked at by another way than the
    /// VPC.
    pub fn with_buckets(mut self, buckets: &[Bucket]) -> Self {
        self.buckets.extend(by_name(buckets));
        self
    }

    /// Whether EC2 offers the instance type, by its own name, in the subnet's
    /// zone; `None` where nobody saw the type offered anywhere, or knows the
    /// zone.
    pub fn offers(&self, subnet: &Subnet, instance_type: &str) -> Option<bool> {
        let of_type = |offering: &&InstanceTypeOffering| offering.instance_type == instance_type;
        let mut offerings = self.instance_type_offerings.iter().filter(of_type).peekable();
        offerings.peek()?;
        let id = subnet.availability_zone_id.as_ref().map(AvailabilityZoneId::as_str);
        let name = subnet.availability_zone.as_deref();
        if id.is_none() && name.is_none() {
            return None;
        }
        let is_seen = offerings.any(|offering| [id, name].contains(&Some(offering.location.as_str())));
        (is_seen || self.unread(FileKind::InstanceTypeOfferings).next().is_none()).then_some(is_seen)
    }

    /// The route table of a subnet: its own, or the VPC's main one.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html>.
    pub fn route_table_of(&self, subnet: &SubnetId) -> Option<&RouteTable> {
        let explicit = self.route_tables.values().find(|table| {
            table
                .associations
                .iter()
                .any(|association| association.subnet_id.as_ref() == Some(subnet))
        });
        // A table that cannot be read might be its own, and then this is not.
        let main = || {
            let mut tables = self.route_tables.values();
            tables.find(|table| table.associations.iter().any(|association| association.main))
        };
        explicit.or_else(|| main().filter(|_| self.unread(FileKind::RouteTables).next().is_none()))
    }

    /// The network ACL of a subnet: each has exactly one. `None` where network
    /// ACLs were not looked at.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>.
    pub fn network_acl_of(&self, subnet: &SubnetId) -> Option<&NetworkAcl> {
        let explicit = self.network_acls.values().find(|acl| {
            acl.associations
                .iter()
                .any(|association| association.subnet_id.as_ref() == Some(subnet))
        });
        // As above, one that cannot be read might be its own.
        let default = || self.network_acls.values().find(|acl| acl.is_default);
        explicit.or_else(|| default().filter(|_| self.unread(FileKind::NetworkAcls).next().is_none()))
    }

    /// Entries of a kind that could not be read and are left out.
    pub fn unread(&self, kind: FileKind) -> impl Iterator<Item = &Unread> {
        self.unread
            .iter()
            .filter(move |unread| unread.kind == kind && unread.is_whole)
    }

    /// Whether all there is of a kind was looked at and could be read, so that
    /// what is not in the list is not there.
    pub fn is_whole(&self, kind: FileKind) -> bool {
        !self.missing.contains(&kind) && self.unread(kind).next().is_none()
    }

    /// The S3 gateway service's name in this region, as AWS gives it.
    pub fn s3_service_name(&self) -> Option<&str> {
        self.endpoint_services
            .iter()
            .find(|service| is_s3(&service.service_name) && service.is_gateway())
            .map(|service| service.service_name.as_str())
            .or_else(|| self.s3_prefix_list().map(|list| list.prefix_list_name.as_str()))
    }

    /// The gateway service's name of S3's directory buckets in this region, as AWS
    /// gives it; not every region has it.
    pub fn s3_express_service_name(&self) -> Option<&str> {
        self.endpoint_services
            .iter()
            .find(|service| is_s3_express(&service.service_name) && service.is_gateway())
            .map(|service| service.service_name.as_str())
            .or_else(|| self.s3_express_prefix_list().map(|list| list.prefix_list_name.as_str()))
    }

    /// The addresses of a prefix list; `None` where they are not known.
    pub fn addresses_of(&self, list: &PrefixListId) -> Option<Vec<IpNet>> {
        let mut lists = self.prefix_lists.iter();
        lists.find(|known| known.prefix_list_id == *list)?.addresses()
    }

    /// The prefix list of S3 in this region.
    pub fn s3_prefix_list(&self) -> Option<&PrefixList> {
        self.prefix_lists.iter().find(|list| is_s3(&list.prefix_list_name))
    }

    /// The prefix list of S3's directory buckets in this region.
    pub fn s3_express_prefix_list(&self) -> Option<&PrefixList> {
        self.prefix_lists
            .iter()
            .find(|list| is_s3_express(&list.prefix_list_name))
    }

    /// The endpoint with this id, one still being deleted included.
    pub fn vpc_endpoint(&self, id: &VpcEndpointId) -> Option<&VpcEndpoint> {
        self.vpc_endpoints
            .iter()
            .find(|endpoint| endpoint.vpc_endpoint_id == *id)
    }

    /// The VPC's gateway endpoints for S3, those still being deleted included.
    pub fn s3_gateway_endpoints(&self) -> impl Iterator<Item = &VpcEndpoint> {
        self.vpc_endpoints.iter().filter(|endpoint| endpoint.is_s3_gateway())
    }

    /// The VPC's gateway endpoints for directory buckets, those still being
    /// deleted included.
    pub fn s3_express_gateway_endpoints(&self) -> impl Iterator<Item = &VpcEndpoint> {
        self.vpc_endpoints
            .iter()
            .filter(|endpoint| endpoint.is_s3_express_gateway())
    }
}

/// What a snapshot says runs in these subnets; whether that is all, whoever
/// wrote it down knew.
fn discovered(snapshot: &Snapshot, subnets: &BTreeSet<&str>) -> Discovered {
    if snapshot.consumers.is_empty() {
        return Discovered::NotAsked;
    }
    let consumers = snapshot
        .consumers
        .iter()
        .filter(|consumer| consumer.subnets.iter().any(|subnet| subnets.contains(subnet.as_str())));
    Discovered::Seen {
        consumers: consumers.cloned().collect(),
        complete: true,
    }
}

fn by_name(buckets: &[Bucket]) -> BTreeMap<String, Bucket> {
    buckets
        .iter()
        .map(|bucket| (bucket.name.clone(), bucket.clone()))
        .collect()
}
