//! What would let packets through, in words: what to do by hand, and what
//! sagevpc would do if its objects asked for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AclDenial, Cause, Destination, Gone, RouteUsed, SiblingRoute, Through, Unseen, acl_denial::acl_fix,
    cause::DEFAULT_ROUTE, gateway_names::s3_host, group_fix::group_fix, hop::preposition, nat_fix::nat_fix,
    resolvers::by_udp,
};
use crate::{
    api::{AcceptUnknown, InternetMode, NetworkAclMode},
    catalog::{Prices, calls::Call},
    observed::{NatGatewayState, NetworkAcl, RouteDestination, VpcSnapshot},
    report::Concern,
    types::{Direction, NatGatewayId, NetworkAclId, RouteTableId, VpcEndpointId, joined, listed},
};

/// What a fix may be, besides doing it by hand: whose the resources are, and
/// what the SageMakerVpc asks for.
#[derive(Clone, Debug, Default)]
pub struct Means<'a> {
    /// The SageMakerVpc's name; `None` where there is none.
    pub sagemaker_vpc: Option<&'a str>,
    /// Its `spec.internet.mode`.
    pub internet: InternetMode,
    /// Its `spec.networkAcls.mode`.
    pub network_acls: NetworkAclMode,
    /// The numbers of the rules that sagevpc may add to network ACLs, from the
    /// first to the last.
    pub rule_numbers: (u16, u16),
    /// What endpoints cost in the VPC's region, as far as that is known.
    pub prices: Prices,
    /// Ids of security groups and endpoints that sagevpc keeps.
    pub ours: BTreeSet<&'a str>,
    /// The network ACLs, whose rules have numbers that no other may get; none
    /// where they are not known.
    pub acls: Option<&'a BTreeMap<NetworkAclId, NetworkAcl>>,
    /// The VPC, where what is to be done by hand may be told of it; none where
    /// sagevpc does that.
    pub vpc: Option<&'a VpcSnapshot>,
}

impl Means<'_> {
    /// What an endpoint costs, in brackets.
    fn endpoint_costs(&self) -> String {
        let cost = self.prices.interface_endpoint(1);
        cost.map_or_else(
            |_| String::new(),
            |cost| format!(" ({cost} USD a month in each zone, at list prices)"),
        )
    }

    /// Make an interface endpoint for the service.
    fn an_endpoint(&self, service: &str) -> String {
        let costs = self.endpoint_costs();
        match self.sagemaker_vpc {
            Some(vpc) => {
                format!("Add {service} to spec.services of SageMakerVpc {vpc}, for an interface endpoint{costs}")
            }
            None => format!("Make an interface endpoint for {service} with private DNS{costs}"),
        }
    }

    /// Whether the number of a network ACL's rule is in use.
    pub(super) fn has_acl_rule(&self, acl: &NetworkAclId, direction: Direction, number: i32) -> bool {
        let acl = self.acls.and_then(|acls| acls.get(acl));
        let mut entries = acl.into_iter().flat_map(|acl| &acl.entries);
        entries.any(|entry| entry.rule_number == number && entry.egress == (direction == Direction::Egress))
    }

    /// Lead routes of these tables to NAT gateways.
    fn to_nat_gateways<'t>(
        &self,
        command: &str,
        tables: impl IntoIterator<Item = &'t RouteTableId>,
        to: &str,
    ) -> String {
        let commands = tables.into_iter().map(|table| {
            format!("`aws ec2 {command} --route-table-id {table} --destination-cidr-block {to} --nat-gateway-id nat-…`")
        });
        let commands: Vec<String> = commands.collect();
        let by_hand = format!("Lead it to a NAT gateway in a public subnet with {}", joined(&commands));
        match (self.internet, self.sagemaker_vpc) {
            (InternetMode::ManagedNat, _) | (_, None) => format!("{by_hand}."),
            (InternetMode::Existing | InternetMode::None, Some(vpc)) => {
                format!(
                    "{by_hand}, or have sagevpc make one with spec.internet.mode: ManagedNat of SageMakerVpc {vpc}."
                )
            }
        }
    }

    /// Turn a route of somebody else's to a NAT gateway.
    fn turn(&self, route: &RouteUsed) -> String {
        self.turn_in_tables(route, [&route.table])
    }

    /// Turn such a route of each of these tables.
    pub(super) fn turn_in_tables<'t>(
        &self,
        route: &RouteUsed,
        tables: impl IntoIterator<Item = &'t RouteTableId>,
    ) -> String {
        let turn = self.to_nat_gateways("replace-route", tables, &route.destination.to_string());
        match (self.internet, self.sagemaker_vpc) {
            (InternetMode::ManagedNat, Some(_)) if route.is_default() => {
                format!("Remove the route, so that sagevpc makes one of its own; or: {turn}")
            }
            (InternetMode::ManagedNat | InternetMode::Existing | InternetMode::None, _) => turn,
        }
    }

    fn turn_or(&self, route: Option<&RouteUsed>, otherwise: &str) -> String {
        route.map_or_else(|| otherwise.to_owned(), |route| self.turn(route))
    }

    /// Change an endpoint's policy.
    fn change_policy(&self, endpoint: &str) -> String {
        match self.sagemaker_vpc {
            Some(vpc) if self.ours.contains(endpoint) || !VpcEndpointId::is_kind_of(endpoint) => {
                format!("Change the document, spec.s3.policy.document of SageMakerVpc {vpc}, or use type: Buckets.")
            }
            Some(_) | None => format!("Its owners must change it, or let sagevpc: list {endpoint} in spec.adopt."),
        }
    }
}

impl RouteUsed {
    fn is_default(&self) -> bool {
        match &self.destination {
            RouteDestination::Block(net) => net.prefix_len() == 0,
            RouteDestination::PrefixList(_) => false,
        }
    }
}

/// What would let through all that these stop on the way to their destinations:
/// whatever is told together is mended by what is told of it.
pub fn fix_of_all<'c>(stopped: impl IntoIterator<Item = (&'c Cause, &'c Destination)>, means: &Means<'_>) -> String {
    let mut refusals: Vec<&Cause> = Vec::new();
    let mut denials: BTreeMap<&NetworkAclId, Vec<&AclDenial>> = BTreeMap::new();
    let mut fixes: Vec<String> = Vec::new();
    // Tables that lack a default route, and services that have no endpoint either.
    let mut without_nat: BTreeSet<&RouteTableId> = BTreeSet::new();
    let mut without_endpoint: BTreeMap<&String, BTreeSet<&RouteTableId>> = BTreeMap::new();
    // Routes to NAT gateways that are gone, by where they lead.
    let mut to_turn: BTreeMap<String, (&RouteUsed, BTreeSet<&RouteTableId>)> = BTreeMap::new();
    // Ways through NAT gateways whose own subnets lead nowhere.
    let mut to_lead_out: BTreeMap<&NatGatewayId, BTreeSet<&Through>> = BTreeMap::new();
    for (cause, destination) in stopped {
        match cause {
            Cause::NotAdmitted { .. } => refusals.push(cause),
            Cause::AclDenies(denial) => denials.entry(&denial.acl).or_default().push(denial),
            Cause::NoRoute {
                table,
                is_ipv6: false,
                sibling: None,
            } if destination.concern() == Concern::Internet => {
                without_nat.insert(table);
            }
            Cause::Blackhole {
                route,
                target: Gone::NatGateway(_),
            } => {
                let alike = to_turn.entry(route.destination.to_string());
                alike.or_insert_with(|| (route, BTreeSet::new())).1.insert(&route.table);
            }
            Cause::NatInPrivateSubnet(through) => {
                to_lead_out.entry(&through.gateway).or_default().insert(through);
            }
            Cause::NoEndpoint {
                service,
                otherwise: Some(otherwise),
            } if otherwise.table_without_nat().is_some() => {
                let tables = without_endpoint.entry(service).or_default();
                tables.extend(otherwise.table_without_nat());
            }
            other => fixes.push(other.fix(destination, means)),
        }
    }
    let of_groups = (!refusals.is_empty()).then(|| group_fix(refusals, means));
    let of_acls = denials.values().map(|denials| acl_fix(denials.iter().copied(), means));
    let of_tables =
        (!without_nat.is_empty()).then(|| means.to_nat_gateways("create-route", without_nat, DEFAULT_ROUTE));
    let of_services = without_endpoint.into_iter().map(|(service, tables)| {
        let way_out = means.to_nat_gateways("create-route", tables, DEFAULT_ROUTE);
        format!("{}. Or give it a way out: {way_out}", means.an_endpoint(service))
    });
    let of_routes = to_turn
        .into_values()
        .map(|(route, tables)| means.turn_in_tables(route, tables));
    let all = of_groups
        .into_iter()
        .chain(of_acls)
        .chain(of_tables)
        .chain(of_routes)
        .chain(to_lead_out.values().map(|ways| nat_fix(ways, means)))
        .chain(of_services)
        .chain(fixes);
    let each = all.fold(Vec::new(), |mut each: Vec<String>, fix| {
        if !each.contains(&fix) {
            each.push(fix);
        }
        each
    });
    each.join(" ")
}

impl Cause {
    /// The same, without S3's gateway endpoint.
    pub(super) fn fix_on_the_way(&self, destination: &Destination, means: &Means<'_>) -> String {
        match self {
            Self::DnsOff { vpc, attribute, .. } => {
                let option: String = attribute.chars().flat_map(kebab).collect();
                let command = format!("`aws ec2 modify-vpc-attribute --vpc-id {vpc} --{option}`");
                match means.sagemaker_vpc {
                    Some(name) => {
                        format!("Turn it on with {command}, or set spec.dns: Enforce of SageMakerVpc {name}.")
                    }
                    None => format!("Turn it on: {command}."),
                }
            }
            Self::NoResolver { vpc } => format!(
                "Associate DHCP options with domain-name-servers=AmazonProvidedDNS: `aws ec2 associate-dhcp-options \
                 --vpc-id {vpc} …`."
            ),
            Self::NoDnsServer { server, why, .. } => format!(
                "{} Or have the DHCP options name AmazonProvidedDNS, which no rule stops.",
                why.fix(&by_udp(*server), means)
            ),
            Self::NoAddress { subnet } => format!("Give {subnet} a block of that family, or use another subnet."),
            Self::NotAdmitted { .. } => group_fix([self], means),
            Self::AclDenies(denial) => acl_fix([denial], means),
            Self::NoRoute {
                table,
                sibling: Some(sibling),
                ..
            } => sibling.fix(table, means),
            Self::PrivateAddress {
                route,
                sibling: Some(sibling),
            } => sibling.fix(&route.table, means),
            Self::PrivateAddress { route, sibling: None } => format!(
                "Add a route to {} that leads to the network which has that address, by a peering connection, a transit \
                 gateway or a virtual private gateway.",
                route.table
            ),
            Self::TakesNothing { .. } => "Name an address that something listens at.".to_owned(),
            Self::NobodyThere { .. } => "Correct the address, or start what is to have it.".to_owned(),
            Self::NobodyHas { group } => {
                format!("Correct the id, or give {group} to what is to be reached.")
            }
            Self::BucketElsewhere {
                bucket, region, here, ..
            } => {
                let here = here.as_ref().map_or("this region", |here| here.as_str());
                let host = s3_host(Some(bucket), region.as_str());
                match means.sagemaker_vpc {
                    Some(vpc) => format!(
                        "Copy the data to a bucket in {here}; or name host {host} in spec.destinations, which \
                         takes a way out of the VPC (spec.internet of SageMakerVpc {vpc})."
                    ),
                    None => format!(
                        "Copy the data to a bucket in {here}; or give the VPC a way out, and let the security \
                         groups out to {host} on port 443."
                    ),
                }
            }
            Self::NoRoute { table, .. } if destination.is_directory_bucket() => format!(
                "Lead {table} there by the gateway endpoint of S3 Express One Zone: `aws ec2 modify-vpc-endpoint \
                 --vpc-endpoint-id vpce-… --add-route-table-ids {table}`, or, where the VPC has none, `aws ec2 \
                 create-vpc-endpoint --vpc-id vpc-… --service-name com.amazonaws.REGION.s3express --route-table-ids \
                 {table}`."
            ),
            Self::NoRoute { table, .. } if destination.concern() == Concern::S3 => format!(
                "Add a route to {table} that leads there, by the S3 gateway endpoint: `aws ec2 modify-vpc-endpoint \
                 --vpc-endpoint-id vpce-… --add-route-table-ids {table}`."
            ),
            Self::NoRoute { table, .. } if destination.concern() != Concern::Internet => {
                format!("Add a route to {table} that leads there.")
            }
            Self::NoRoute {
                table, is_ipv6: false, ..
            } => means.to_nat_gateways("create-route", [table], DEFAULT_ROUTE),
            Self::NoRoute {
                table, is_ipv6: true, ..
            } => format!(
                "No NAT gateway takes IPv6 out: add a route with `aws ec2 create-route --route-table-id {table} \
                 --destination-ipv6-cidr-block ::/0 --egress-only-internet-gateway-id eigw-…`, or name a destination \
                 of IPv4."
            ),
            Self::NoRouteTable { .. } => {
                "Add RouteTables.json, as `aws ec2 describe-route-tables` prints it, to the snapshot.".to_owned()
            }
            Self::Blackhole {
                route,
                target: Gone::NatGateway(_),
            } => means.turn(route),
            Self::Blackhole {
                route,
                target: Gone::Across(link),
            } => format!(
                "{}, or remove the route with `aws ec2 delete-route --route-table-id {} {} {}`.",
                link.put_back(),
                route.table,
                route.destination.option(),
                route.destination
            ),
            Self::Across(fault) => fault.fix(),
            Self::Blackhole {
                route,
                target: Gone::InternetGateway(_) | Gone::Other(_),
            } => {
                format!(
                    "Put it back, or remove the route with `aws ec2 delete-route --route-table-id {} {} {}`.",
                    route.table,
                    route.destination.option(),
                    route.destination
                )
            }
            Self::NoSubnet { .. } => "Correct the address.".to_owned(),
            Self::EndpointUnavailable { endpoint, fault, .. } => fault.fix(endpoint),
            Self::PolicyBlocks {
                endpoint,
                action,
                resource,
                mend,
                ..
            } => match (means.sagemaker_vpc, mend) {
                (Some(_), Some(mend)) => format!("{mend} {}", means.change_policy(endpoint.as_str())),
                (Some(_), None) => means.change_policy(endpoint.as_str()),
                (None, Some(mend)) => mend.clone(),
                (None, None) => format!("Allow {action} on {resource} in its policy."),
            },
            Self::NoEndpoint { service, otherwise } => {
                let endpoint = means.an_endpoint(service);
                match otherwise {
                    Some(otherwise) => format!(
                        "{endpoint}. Or give it a way out: {}",
                        otherwise.way_out(destination, means)
                    ),
                    None => format!("{endpoint}."),
                }
            }
            Self::PrivateDnsOff {
                endpoint,
                without_host_names,
                ..
            } => {
                let command =
                    format!("`aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --private-dns-enabled`");
                let turn_on = match without_host_names {
                    Some(vpc) => {
                        format!(
                            "`aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames` and then {command}"
                        )
                    }
                    None => command,
                };
                match means.sagemaker_vpc {
                    Some(_) if !means.ours.contains(endpoint.as_str()) => {
                        format!(
                            "Its owners can turn it on with {turn_on}, or let sagevpc: list {endpoint} in spec.adopt."
                        )
                    }
                    Some(_) | None => format!("Turn it on: {turn_on}."),
                }
            }
            Self::NatUnavailable { state, .. } if *state == NatGatewayState::Pending => {
                "AWS is still setting it up; that takes some minutes.".to_owned()
            }
            Self::NatUnavailable { route, .. } => {
                means.turn_or(route.as_ref(), "Make a new one, and turn the route to it.")
            }
            Self::NatIsPrivate { route, .. } => {
                means.turn_or(route.as_ref(), "Turn the route to a public NAT gateway.")
            }
            Self::NatTakesNoIpv6 { .. } => {
                "Lead the route to an egress-only internet gateway, or name a destination of IPv4.".to_owned()
            }
            Self::NatInPrivateSubnet(through) => nat_fix(&[through].into(), means),
            Self::NoPublicAddress { route, .. } => format!(
                "Choose private subnets{}. Or, where nothing else needs it: {}",
                means.sagemaker_vpc.map_or("", |_| " in spec.subnets"),
                means.turn(route)
            ),
            Self::NotPublic(why) => why.fix(),
            Self::PublicAccessBlocked(block) => block.fix(),
            Self::GatewayDetached {
                route: Some(route),
                attached: Some(attached),
                ..
            } => format!(
                "Lead the route to {attached}, which is: `aws ec2 replace-route --route-table-id {} {} {} --gateway-id \
                 {attached}`.",
                route.table,
                route.destination.option(),
                route.destination
            ),
            Self::GatewayDetached { gateway, vpc, .. } => {
                format!("Attach it: `aws ec2 attach-internet-gateway --vpc-id {vpc} --internet-gateway-id {gateway}`.")
            }
        }
    }

    /// The table that lacks a default route, where a NAT gateway would do.
    fn table_without_nat(&self) -> Option<&RouteTableId> {
        if let Self::NoRoute {
            table, is_ipv6: false, ..
        } = self
        {
            Some(table)
        } else {
            None
        }
    }

    /// What would let it out to public addresses by a NAT gateway.
    fn way_out(&self, destination: &Destination, means: &Means<'_>) -> String {
        if let Some(table) = self.table_without_nat() {
            means.to_nat_gateways("create-route", [table], DEFAULT_ROUTE)
        } else {
            self.fix(destination, means)
        }
    }

    /// The rules that are missing, each as one reads, with whatever denies it:
    /// `egress tcp 443 to 10.0.0.0/16 (denied by rule 90)`. None where no rule
    /// would do.
    pub fn missing_rules(&self) -> Vec<String> {
        match self {
            Self::NotAdmitted {
                direction,
                traffic,
                peers,
                ..
            } => vec![format!(
                "{direction} {traffic} {} {}",
                preposition(*direction),
                listed(peers)
            )],
            Self::AclDenies(denial) => denial.missing_rules(),
            Self::DnsOff { .. }
            | Self::NoResolver { .. }
            | Self::NoDnsServer { .. }
            | Self::NoAddress { .. }
            | Self::PrivateAddress { .. }
            | Self::TakesNothing { .. }
            | Self::NobodyThere { .. }
            | Self::NobodyHas { .. }
            | Self::BucketElsewhere { .. }
            | Self::NoRoute { .. }
            | Self::NoRouteTable { .. }
            | Self::Blackhole { .. }
            | Self::NoSubnet { .. }
            | Self::EndpointUnavailable { .. }
            | Self::PolicyBlocks { .. }
            | Self::NoEndpoint { .. }
            | Self::PrivateDnsOff { .. }
            | Self::NatUnavailable { .. }
            | Self::NatIsPrivate { .. }
            | Self::NatInPrivateSubnet { .. }
            | Self::NatTakesNoIpv6 { .. }
            | Self::NoPublicAddress { .. }
            | Self::NotPublic(_)
            | Self::PublicAccessBlocked(_)
            | Self::Across(_)
            | Self::GatewayDetached { .. } => Vec::new(),
        }
    }
}

impl SiblingRoute {
    /// Give the route to a table that lacks it.
    fn fix(&self, table: &RouteTableId, means: &Means<'_>) -> String {
        let Self {
            table: has_it,
            destination,
            target,
            option,
        } = self;
        let Some(option) = option else {
            let put = format!("`aws ec2 modify-vpc-endpoint --vpc-endpoint-id {target} --add-route-table-ids {table}`");
            let begin = match has_it {
                Some(has_it) => format!("{has_it} leads there by {target}; put {table} on it as well"),
                None => format!("Endpoint {target} leads there; put {table} on it"),
            };
            return match means.sagemaker_vpc {
                Some(_) if !means.ours.contains(target.as_str()) => {
                    format!("{begin}: its owners can, with {put}, or let sagevpc: list {target} in spec.adopt.")
                }
                Some(_) | None => format!("{begin}: {put}."),
            };
        };
        let has_it = has_it.as_ref().map_or("another table", |table| table.as_str());
        format!(
            "Add the route that {has_it} has: `aws ec2 create-route --route-table-id {table} {} {destination} {option} \
             {target}`.",
            destination.option()
        )
    }
}

impl Unseen {
    /// How it can be seen of what lies beyond; `None` where that is not known.
    fn how(&self) -> Option<String> {
        let allow = |calls: &[Call]| format!("Let the controller's role take {}", listed(calls));
        match self {
            Self::Beyond(hidden) => hidden.how(),
            Self::TransitGateway { .. } => Some(allow(&[
                Call::DescribeTransitGatewayAttachments,
                Call::DescribeTransitGatewayVpcAttachments,
            ])),
            Self::Peering { .. } => Some(allow(&[Call::DescribeVpcPeeringConnections])),
            Self::DnsAttributes
            | Self::DhcpOptions
            | Self::CustomResolver { .. }
            | Self::NetworkAcls
            | Self::Routes { .. }
            | Self::PrefixList { .. }
            | Self::Endpoint { .. }
            | Self::EndpointGroups { .. }
            | Self::Policy { .. }
            | Self::SecurityGroup { .. }
            | Self::NatGateway { .. }
            | Self::InternetGateway { .. }
            | Self::CoreNetwork { .. }
            | Self::Firewall { .. }
            | Self::VirtualPrivateGateway { .. }
            | Self::Gateway { .. }
            | Self::Receiver { .. }
            | Self::OwnersEndpoint { .. }
            | Self::Listener { .. }
            | Self::NameInside { .. }
            | Self::PrivateName { .. }
            | Self::Addresses { .. } => None,
        }
    }

    /// How it can be seen, or done without; `is_shared` says whether the VPC is
    /// another account's.
    pub fn fix(&self, means: &Means<'_>, is_shared: bool) -> String {
        let vpc = means
            .sagemaker_vpc
            .map_or_else(|| "the SageMakerVpc".to_owned(), |name| format!("SageMakerVpc {name}"));
        match self.acceptance(is_shared) {
            Some(AcceptUnknown::CustomResolver) => {
                format!("If they forward to AWS's, list CustomResolver in spec.acceptUnknown of {vpc}.")
            }
            Some(AcceptUnknown::SharedVpc) => format!(
                "Set spec.credentials.network to a role of the owner's account, or list SharedVpc in \
                 spec.acceptUnknown of {vpc}."
            ),
            Some(
                acceptance @ (AcceptUnknown::TransitGateway
                | AcceptUnknown::Firewall
                | AcceptUnknown::Peering
                | AcceptUnknown::BucketPolicy),
            ) => {
                let accept = format!(
                    "ave its owners confirm that it leads there and back, and list {acceptance} in spec.acceptUnknown \
                     of {vpc}."
                );
                match self.how() {
                    Some(how) => format!("{how}; or h{accept}"),
                    None => format!("H{accept}"),
                }
            }
            None => match (self.file(), self) {
                (_, Self::Policy { endpoint, .. }) => means.change_policy(endpoint),
                (Some(file), _) => {
                    format!("Allow the controller's role to look at it, or add {file} to the snapshot.")
                }
                (None, Self::Addresses { .. }) => "Open the way to all public addresses.".to_owned(),
                (None, Self::NameInside { .. }) => {
                    "Make sure by its owners that its security groups admit the workloads', or name its group \
                     (securityGroupId) or its address in its place."
                        .to_owned()
                }
                (None, Self::PrivateName { .. }) => "Name its address or its block in its place.".to_owned(),
                (None, Self::Listener { .. }) => "Make sure by its owners that it answers.".to_owned(),
                (None, _) => "Choose a way that can be seen.".to_owned(),
            },
        }
    }
}

/// A letter as the AWS CLI spells it within an option.
fn kebab(letter: char) -> impl Iterator<Item = char> {
    let hyphen = letter.is_ascii_uppercase().then_some('-');
    hyphen.into_iter().chain([letter.to_ascii_lowercase()])
}
