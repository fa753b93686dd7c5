//! An EC2 in memory: carries a plan out on a snapshot as EC2 would.

#[path = "memory/buckets.rs"]
mod buckets;
#[path = "memory/edges.rs"]
pub mod edges;
#[path = "memory/endpoints.rs"]
mod endpoints;
#[path = "memory/roles.rs"]
mod roles;
#[path = "memory/way_out.rs"]
mod way_out;

use std::collections::{BTreeMap, BTreeSet};

use iam_policy::{PolicyDocument, same_meaning};
use jiff::Timestamp;

use sagevpc_core::{
    api::SageMakerVpcStatus,
    observed::{
        GroupIdentifier, IpPermission, IpRange, Ipv6Range, NatGateway, PrefixListRef, Route, SecurityGroup, Snapshot,
        Tag, UserIdGroupPair, VpcEndpoint, tags_of,
    },
    plan::{
        Action, ActionId, AddressChange, BucketChange, ClientTokens, DnsAttribute, FlowLogChange, History,
        NatGatewayChange, NetworkAclChange, Outcome, Plan, PlannedAction, Repairs, RoleChange, RouteChange, SETTLING,
        SecurityGroupChange, Step, TagsChange, Target, VpcChange, VpcEndpointChange, ledger,
    },
    types::{
        AllocationId, Direction, NatGatewayId, Peer, ResourceKey, RouteTableId, Rule, SecurityGroupId, Tags,
        VpcEndpointId,
    },
};

/// EC2, as far as plans concern it.
#[derive(Clone, Debug)]
pub struct Memory {
    /// What there is.
    pub snapshot: Snapshot,
    /// What creations with a client token made.
    tokens: BTreeMap<String, String>,
    made: u64,
    /// What the controller keeps in status meanwhile.
    pub status: SageMakerVpcStatus,
    /// Passes that were carried out, each a minute and more after the other.
    passes: i32,
}

impl Memory {
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            tokens: BTreeMap::new(),
            made: 0,
            status: SageMakerVpcStatus::default(),
            passes: 0,
        }
    }

    /// What the controller knows when it looks again.
    pub fn history(&self) -> History {
        History::new(
            Some(&self.status),
            &Repairs::default(),
            start() + SETTLING * self.passes,
        )
    }

    /// Carries a plan out as the controller does: what is made is written down
    /// first, and what was found afterwards.
    pub fn carry_out(&mut self, plan: &Plan) -> Outcome {
        self.carry_out_watched(plan, |_, _| {})
    }

    /// The same, telling `watch` what there is after each action.
    pub fn carry_out_watched(&mut self, plan: &Plan, watch: impl FnMut(&PlannedAction, &Snapshot)) -> Outcome {
        let time = self.history().now;
        plan.in_force.note(&mut self.status.in_force);
        let written = ledger::write_ahead(plan, &self.status.ledger, "uid", || "epoch".to_owned(), time);
        let tokens = match written {
            Some((ledger, tokens)) => {
                self.status.ledger = ledger;
                tokens
            }
            None => ClientTokens::new(),
        };
        self.status.in_force.network_acls = plan.network_acls_ahead();
        self.status.in_force.buckets = plan.buckets_ahead();
        let outcome = self.apply_watched(plan, &tokens, watch);
        self.status.in_force.network_acls = plan.network_acls_after(&outcome);
        self.status.in_force.buckets = plan.buckets_after(&outcome);
        ledger::settle(&mut self.status.ledger, &outcome);
        ledger::note_found(&mut self.status.ledger, plan, time);
        self.passes += 1;
        outcome
    }

    /// Carries out every action that may run, in the order of the plan.
    pub fn apply(&mut self, plan: &Plan) -> Outcome {
        self.apply_watched(plan, &ClientTokens::new(), |_, _| {})
    }

    /// Like [`apply`](Self::apply), telling `watch` what there is after each
    /// action.
    pub fn apply_watched(
        &mut self,
        plan: &Plan,
        tokens: &ClientTokens,
        mut watch: impl FnMut(&PlannedAction, &Snapshot),
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for planned in &plan.actions {
            if !planned.runs_now() {
                continue;
            }
            let is_done = |id: &ActionId| matches!(outcome.steps.get(id), Some(Step::Done));
            if let Some(by) = planned.after.iter().find(|id| !is_done(id)) {
                outcome.steps.insert(planned.id, Step::Blocked { by: *by });
                continue;
            }
            let step = self.perform(&planned.action, tokens, &mut outcome.made);
            outcome.steps.insert(planned.id, step);
            watch(planned, &self.snapshot);
        }
        outcome
    }

    /// One action, as EC2 does it.
    pub fn perform(
        &mut self,
        action: &Action,
        tokens: &ClientTokens,
        made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        match action {
            Action::Vpc(VpcChange::ModifyAttribute { vpc, attribute }) => {
                let attributes = self
                    .snapshot
                    .vpc_attributes
                    .iter_mut()
                    .find(|found| found.vpc_id == *vpc);
                let attributes = attributes.expect("the plan read these attributes");
                match attribute {
                    DnsAttribute::EnableDnsSupport => attributes.enable_dns_support.value = true,
                    DnsAttribute::EnableDnsHostnames => {
                        assert!(
                            attributes.enable_dns_support.value,
                            "EC2 refuses host names without DNS support"
                        );
                        attributes.enable_dns_hostnames.value = true;
                    }
                }
            }
            Action::SecurityGroup(SecurityGroupChange::Create {
                key,
                vpc,
                name,
                description,
                tags,
            }) => {
                let taken = self
                    .snapshot
                    .security_groups
                    .iter()
                    .any(|group| group.vpc_id == *vpc && group.group_name.eq_ignore_ascii_case(name));
                assert!(!taken, "EC2 refuses a second group named {name}");
                let id = self.next_id("sg");
                self.snapshot.security_groups.push(SecurityGroup {
                    group_id: SecurityGroupId::new(&id),
                    group_name: name.clone(),
                    vpc_id: vpc.clone(),
                    owner_id: self.snapshot.account.clone(),
                    description: description.clone(),
                    ip_permissions: Vec::new(),
                    ip_permissions_egress: vec![permission_of_cidr("0.0.0.0/0")],
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::SecurityGroup(SecurityGroupChange::Authorize {
                group,
                direction,
                rules,
            }) => {
                let rules = &named(rules, made);
                let group = self.group(group, made);
                for rule in rules {
                    assert!(!group.rules().contains(rule), "EC2 refuses {rule} a second time");
                    add_rule(group, rule);
                }
                let count = group.rules().iter().filter(|rule| rule.direction == *direction).count();
                assert!(count <= 60, "EC2 takes 60 rules");
            }
            Action::SecurityGroup(SecurityGroupChange::Revoke {
                group,
                direction: _,
                rules,
            }) => {
                let group = self.group(group, made);
                for rule in rules {
                    assert!(group.rules().contains(rule), "EC2 finds no {rule} to revoke");
                    remove_rule(group, rule);
                }
            }
            Action::SecurityGroup(SecurityGroupChange::Delete { id }) => {
                let on = |groups: &[GroupIdentifier]| groups.iter().any(|group| group.group_id == *id);
                if self
                    .snapshot
                    .network_interfaces
                    .iter()
                    .any(|interface| on(&interface.groups))
                {
                    return Step::Waiting {
                        message: "DependencyViolation".to_owned(),
                    };
                }
                let names = |rule: &Rule| matches!(&rule.peer, Peer::Group { id: other, .. } if other == id);
                let named = self
                    .snapshot
                    .security_groups
                    .iter()
                    .any(|group| group.rules().iter().any(names));
                if named {
                    return Step::Waiting {
                        message: "DependencyViolation".to_owned(),
                    };
                }
                self.snapshot.security_groups.retain(|group| group.group_id != *id);
            }
            Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
                key,
                vpc,
                service_name,
                route_tables,
                policy,
                tags,
            }) => {
                let token = tokens.get(key);
                if let Some(known) = token.and_then(|token| self.tokens.get(token)) {
                    made.insert(key.clone(), known.clone());
                    return Step::Done;
                }
                self.claim_routes(None, route_tables);
                let id = self.next_id("vpce");
                self.tokens.extend(token.map(|token| (token.clone(), id.clone())));
                self.snapshot.vpc_endpoints.push(VpcEndpoint {
                    vpc_endpoint_id: VpcEndpointId::new(&id),
                    vpc_endpoint_type: Some("Gateway".into()),
                    vpc_id: vpc.clone(),
                    service_name: service_name.clone(),
                    state: "available".into(),
                    policy_document: Some(policy.to_string()),
                    route_table_ids: route_tables.clone(),
                    subnet_ids: Vec::new(),
                    groups: Vec::new(),
                    network_interface_ids: Vec::new(),
                    private_dns_enabled: false,
                    ip_address_type: None,
                    dns_entries: Vec::new(),
                    dns_options: None,
                    owner_id: None,
                    requester_managed: false,
                    tags: tags_as_list(tags),
                });
                made.insert(key.clone(), id);
            }
            Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
                id,
                policy,
                add_route_tables,
                remove_route_tables,
            }) => {
                self.claim_routes(Some(id), add_route_tables);
                let endpoint = self.endpoint(id);
                if let Some(policy) = policy {
                    endpoint.policy_document = Some(policy.to_string());
                }
                endpoint
                    .route_table_ids
                    .retain(|table| !remove_route_tables.contains(table));
                endpoint.route_table_ids.extend(add_route_tables.iter().cloned());
            }
            Action::VpcEndpoint(VpcEndpointChange::Delete { id }) => self.delete_endpoint(id),
            Action::VpcEndpoint(
                VpcEndpointChange::CreateInterface { .. } | VpcEndpointChange::ModifyInterface { .. },
            ) => {
                return self.interface_endpoint(action, tokens, made);
            }
            Action::Address(AddressChange::Allocate { .. } | AddressChange::Release { .. })
            | Action::NatGateway(
                NatGatewayChange::Create { .. }
                | NatGatewayChange::CreateRegional { .. }
                | NatGatewayChange::Delete { .. },
            )
            | Action::Route(RouteChange::Create { .. } | RouteChange::Replace { .. } | RouteChange::Delete { .. }) => {
                return self.way_out(action, tokens, made);
            }
            Action::NetworkAcl(
                NetworkAclChange::CreateEntry { .. }
                | NetworkAclChange::ReplaceEntry { .. }
                | NetworkAclChange::DeleteEntry { .. },
            ) => return self.network_acl(action),
            Action::FlowLog(FlowLogChange::Create { .. } | FlowLogChange::Delete { .. }) => {
                return self.flow_log(action, tokens, made);
            }
            Action::Bucket(BucketChange::PutPolicy { .. }) => return self.bucket_policy(action, made),
            Action::Role(RoleChange::PutPolicy { .. } | RoleChange::DeletePolicy { .. }) => {
                self.role_policy(action, made)
            }
            Action::Tags(TagsChange::Create { resource, tags }) => {
                let list = self.tags(resource);
                list.retain(|tag| !tags.contains_key(&tag.key));
                list.extend(tags_as_list(tags));
            }
            Action::Tags(TagsChange::Delete { resource, keys }) => {
                self.tags(resource).retain(|tag| !keys.contains(&tag.key))
            }
        }
        Step::Done
    }

    fn next_id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}-{:017x}", 0xaaaa_0000_0000 + self.made)
    }

    fn group(&mut self, target: &Target<SecurityGroupId>, made: &BTreeMap<ResourceKey, String>) -> &mut SecurityGroup {
        let id = match target {
            Target::Existing(id) => id.clone(),
            Target::Made(key) => SecurityGroupId::new(&made[key]),
        };
        let found = self
            .snapshot
            .security_groups
            .iter_mut()
            .find(|group| group.group_id == id);
        found.expect("EC2 knows the group")
    }

    pub fn endpoint(&mut self, id: &VpcEndpointId) -> &mut VpcEndpoint {
        let found = self
            .snapshot
            .vpc_endpoints
            .iter_mut()
            .find(|endpoint| endpoint.vpc_endpoint_id == *id);
        found.expect("EC2 knows the endpoint")
    }

    fn tags(&mut self, resource: &str) -> &mut Vec<Tag> {
        if resource.starts_with("vpce-") {
            return &mut self.endpoint(&VpcEndpointId::new(resource)).tags;
        }
        if resource.starts_with("nat-") {
            return &mut self.nat_gateway(&NatGatewayId::new(resource)).tags;
        }
        if resource.starts_with("eipalloc-") {
            return &mut self.address(&AllocationId::new(resource)).tags;
        }
        if resource.starts_with("fl-") {
            let mut logs = self.snapshot.flow_logs.iter_mut();
            let found = logs.find(|log| log.flow_log_id.as_str() == resource);
            return &mut found.expect("EC2 knows the flow log").tags;
        }
        let found = self
            .snapshot
            .security_groups
            .iter_mut()
            .find(|group| group.group_id.as_str() == resource);
        &mut found.expect("EC2 knows the resource").tags
    }

    /// EC2 has one route to S3 in a table.
    fn claim_routes(&self, by: Option<&VpcEndpointId>, tables: &[RouteTableId]) {
        for endpoint in &self.snapshot.vpc_endpoints {
            let others = Some(&endpoint.vpc_endpoint_id) != by;
            let clash = endpoint.route_table_ids.iter().find(|table| tables.contains(table));
            assert!(
                !others || clash.is_none(),
                "RouteAlreadyExists: {clash:?} of {}",
                endpoint.vpc_endpoint_id
            );
            assert!(
                others || clash.is_none(),
                "{clash:?} is on {} already",
                endpoint.vpc_endpoint_id
            );
        }
    }
}

/// When the first pass takes place.
pub fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

/// What EC2 lets through an endpoint without a policy.
const FULL_ACCESS: &str =
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

fn tags_as_list(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag {
            key: key.clone(),
            value: value.clone(),
        })
        .collect()
}

/// The rules, with the ids of groups that were made.
fn named(rules: &[Rule], made: &BTreeMap<ResourceKey, String>) -> Vec<Rule> {
    let known = |rule: &Rule| match &rule.peer {
        Peer::Made(key) => Rule {
            peer: Peer::Group {
                id: SecurityGroupId::new(&made[key]),
                owner: None,
            },
            ..rule.clone()
        },
        Peer::Itself | Peer::Group { .. } | Peer::PrefixList(_) | Peer::Cidr(_) => rule.clone(),
    };
    rules.iter().map(known).collect()
}

fn permission_of_cidr(cidr: &str) -> IpPermission {
    IpPermission {
        ip_protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        ip_ranges: vec![IpRange {
            cidr_ip: cidr.to_owned(),
        }],
        ipv6_ranges: Vec::new(),
        prefix_list_ids: Vec::new(),
        user_id_group_pairs: Vec::new(),
    }
}

fn permission_of(group: &SecurityGroup, rule: &Rule) -> IpPermission {
    let mut permission = IpPermission {
        ip_protocol: rule.protocol.as_ec2(),
        from_port: rule.ports.map(|ports| ports.from),
        to_port: rule.ports.map(|ports| ports.to),
        ip_ranges: Vec::new(),
        ipv6_ranges: Vec::new(),
        prefix_list_ids: Vec::new(),
        user_id_group_pairs: Vec::new(),
    };
    match &rule.peer {
        // EC2 fills the group's own id and account in.
        Peer::Itself => permission.user_id_group_pairs.push(UserIdGroupPair {
            group_id: Some(group.group_id.clone()),
            user_id: group.owner_id.clone(),
        }),
        Peer::Group { id, owner } => permission.user_id_group_pairs.push(UserIdGroupPair {
            group_id: Some(id.clone()),
            user_id: owner.clone(),
        }),
        Peer::Made(key) => panic!("{key} has no id yet"),
        Peer::PrefixList(id) => permission.prefix_list_ids.push(PrefixListRef {
            prefix_list_id: id.clone(),
        }),
        Peer::Cidr(ipnet::IpNet::V4(cidr)) => permission.ip_ranges.push(IpRange {
            cidr_ip: cidr.to_string(),
        }),
        Peer::Cidr(ipnet::IpNet::V6(cidr)) => permission.ipv6_ranges.push(Ipv6Range {
            cidr_ipv6: cidr.to_string(),
        }),
    }
    permission
}

fn permissions(group: &mut SecurityGroup, direction: Direction) -> &mut Vec<IpPermission> {
    match direction {
        Direction::Ingress => &mut group.ip_permissions,
        Direction::Egress => &mut group.ip_permissions_egress,
    }
}

/// Adds a rule to a group.
pub fn add_rule(group: &mut SecurityGroup, rule: &Rule) {
    let permission = permission_of(group, rule);
    permissions(group, rule.direction).push(permission);
}

/// Takes a rule off a group; each of its permissions here is one rule.
pub fn remove_rule(group: &mut SecurityGroup, rule: &Rule) {
    let kept: BTreeSet<Rule> = group.rules().into_iter().filter(|other| other != rule).collect();
    group.ip_permissions.clear();
    group.ip_permissions_egress.clear();
    for rule in &kept {
        add_rule(group, rule);
    }
}

/// Everything that is not ours, to be compared before and after.
#[derive(Debug, PartialEq)]
pub struct Foreign {
    groups: Vec<SecurityGroup>,
    endpoints: Vec<VpcEndpoint>,
    nat_gateways: Vec<NatGateway>,
    /// Every route but those to NAT gateways of ours.
    routes: BTreeSet<String>,
    /// Rules of network ACLs, and flow logs.
    edges: BTreeSet<String>,
}

/// Whether something with these tags is ours.
pub fn is_ours(tags: &[Tag]) -> bool {
    tags_of(tags).contains_key("sagevpc.dev/cluster")
}

/// Everything that is not ours.
pub fn foreign(snapshot: &Snapshot) -> Foreign {
    let our_nat_gateways: BTreeSet<&str> = snapshot
        .nat_gateways
        .iter()
        .filter(|nat| is_ours(&nat.tags))
        .map(|nat| nat.nat_gateway_id.as_str())
        .collect();
    let of_ours = |route: &Route| {
        let nat = route.nat_gateway_id.as_deref();
        nat.is_some_and(|id| our_nat_gateways.contains(id))
    };
    let groups = snapshot.security_groups.iter();
    let endpoints = snapshot.vpc_endpoints.iter();
    let nat_gateways = snapshot.nat_gateways.iter();
    let routes = snapshot
        .route_tables
        .iter()
        .flat_map(|table| table.routes.iter().map(move |route| (&table.route_table_id, route)));
    Foreign {
        groups: groups.filter(|group| !is_ours(&group.tags)).cloned().collect(),
        endpoints: endpoints.filter(|endpoint| !is_ours(&endpoint.tags)).cloned().collect(),
        nat_gateways: nat_gateways.filter(|nat| !is_ours(&nat.tags)).cloned().collect(),
        routes: routes
            .filter(|(_, route)| !of_ours(route))
            .map(|(table, route)| format!("{table} {route:?}"))
            .collect(),
        edges: edges::foreign(snapshot),
    }
}

/// What is ours, told by what it is for and what it does, whatever its id.
pub fn ours(snapshot: &Snapshot) -> BTreeSet<String> {
    let purpose = |tags: &[Tag]| tags_of(tags).get("sagevpc.dev/resource").cloned();
    let groups = snapshot.security_groups.iter().filter_map(|group| {
        // A group that was made anew has another id.
        let named = |rule: &Rule| match &rule.peer {
            Peer::Group { id, .. } => {
                let mut groups = snapshot.security_groups.iter();
                let peer = groups.find(|group| group.group_id == *id);
                rule.to_string()
                    .replace(id.as_str(), peer.map_or("nobody", |group| group.group_name.as_str()))
            }
            Peer::Itself | Peer::Made(_) | Peer::PrefixList(_) | Peer::Cidr(_) => rule.to_string(),
        };
        let rules: BTreeSet<String> = group.rules().iter().map(named).collect();
        Some(format!(
            "{} {} {rules:?} {:?}",
            purpose(&group.tags)?,
            group.group_name,
            tags_of(&group.tags)
        ))
    });
    let endpoints = snapshot.vpc_endpoints.iter().filter_map(|endpoint| {
        let tables: BTreeSet<_> = endpoint.route_table_ids.iter().map(ToString::to_string).collect();
        let zones: BTreeSet<_> = endpoint
            .subnet_ids
            .iter()
            .filter_map(|id| snapshot.subnets.iter().find(|subnet| subnet.subnet_id == *id)?.zone())
            .collect();
        let policy = match &endpoint.policy_document {
            Some(text) => text.parse::<PolicyDocument>().ok()?,
            None => FULL_ACCESS.parse().ok()?,
        };
        let groups: BTreeSet<_> = endpoint
            .groups
            .iter()
            .filter_map(|member| {
                let mut groups = snapshot.security_groups.iter();
                groups
                    .find(|group| group.group_id == member.group_id)
                    .map(|group| &group.group_name)
            })
            .collect();
        let tags = tags_of(&endpoint.tags);
        Some(format!(
            "{} {tables:?} {zones:?} {groups:?} {} {} {tags:?}",
            purpose(&endpoint.tags)?,
            endpoint.private_dns_enabled,
            if same_meaning(&policy, &FULL_ACCESS.parse().ok()?) {
                "everything".to_owned()
            } else {
                policy.fingerprint()
            },
        ))
    });
    groups
        .chain(endpoints)
        .chain(way_out::ours(snapshot))
        .chain(edges::ours(snapshot))
        .collect()
}
