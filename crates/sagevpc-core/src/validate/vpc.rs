//! Validates a `SageMakerVpc` by itself and against others for the same VPC.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kube::ResourceExt;

use super::{
    Choice, EndpointPolicy, Granted, References, Refused, ValidFlowLogs, ValidInterfaceEndpoints, ValidVpc, created,
    refusal,
};
use crate::{
    api::{
        EndpointPolicyType, FlowLogs, InterfaceEndpointPolicy, LedgerEntry, Reason, ResourceOwnership, ResourceStatus,
        SageMakerVpc, Selection, is_deleting,
    },
    catalog::{action_prefix, short_service_name},
    report::{Finding, Scope},
    types::{FlowLogSettings, Ownership, ResourceKey, RouteTableId, SecurityGroupId, SubnetId, VpcEndpointId},
};
use iam_policy::{PolicyDocument, lets_some_action_through};

/// The shortest interval that the schema admits.
const SHORTEST_RESYNC: Duration = Duration::from_secs(5);
/// The longest duration that the schema admits.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// `is_awaited` says whether it has to stay as it is for profiles in force.
pub(super) fn validate(references: &References, is_awaited: bool) -> Result<ValidVpc, Refused> {
    let vpc = &references.vpc;
    let spec = &vpc.spec;
    let deleting = is_deleting(vpc) && !is_awaited;
    let mut findings = Vec::new();

    if !spec.vpc_id.is_well_formed() {
        findings.push(invalid(format!(
            "spec.vpcId {:?} is not a VPC's id: write one such as vpc-0123456789abcdef0.",
            spec.vpc_id.as_str()
        )));
    }
    let resync_interval = resync_interval(&spec.resync_interval).unwrap_or_else(|problem| {
        findings.push(invalid(problem));
        SHORTEST_RESYNC
    });
    let absent_grace = absent_grace(&spec.absent_profile_grace_period).unwrap_or_else(|problem| {
        findings.push(invalid(problem));
        LONGEST
    });
    let subnets = choice(spec.subnets.as_ref(), "spec.subnets", &Scope::Vpc, &mut findings);
    let route_tables = choice(
        spec.route_tables.as_ref(),
        "spec.routeTables",
        &Scope::Vpc,
        &mut findings,
    );
    let public_subnets = choice(
        spec.internet.public_subnets.as_ref(),
        "spec.internet.publicSubnets",
        &Scope::Vpc,
        &mut findings,
    );
    let policies = interface_endpoint_policies(vpc, &mut findings);
    let s3_policy = endpoint_policy(vpc).unwrap_or_else(|finding| {
        findings.push(*finding);
        EndpointPolicy::FullAccess
    });
    if let Some(older) = older_rival(references) {
        let message = format!(
            "SageMakerVpc {older} has {} already and is older: one VPC has one SageMakerVpc. Delete this one, and let \
             profiles refer to {older} instead.",
            spec.vpc_id
        );
        findings.push(refusal(Scope::Vpc, Reason::DuplicateVpc, message).about(older));
    }
    if !findings.is_empty() && !deleting {
        return Err(Refused { findings });
    }

    let adopt = |is_kind_of: fn(&str) -> bool| spec.adopt.iter().filter(move |id| is_kind_of(id));
    Ok(ValidVpc {
        ownership: Ownership {
            cluster: references.cluster.clone(),
            cluster_uid: references.cluster_uid.clone(),
            vpc: vpc.name_any(),
        },
        region: spec.region.clone(),
        vpc_id: spec.vpc_id.clone(),
        management_policy: spec.management_policy,
        deletion_policy: spec.deletion_policy,
        approval: spec.approval,
        approved_plan: spec.approved_plan.clone(),
        take_over_from: spec.take_over_from.clone(),
        paused: spec.paused,
        deleting,
        resync_interval,
        absent_grace,
        subnets: subnets.map(|choice| choice.map_ids(SubnetId::new)),
        route_tables: route_tables.map(|choice| choice.map_ids(RouteTableId::new)),
        s3_policy,
        dns: spec.dns,
        accept_unknown: spec.accept_unknown.iter().copied().collect(),
        tags: spec.tags.clone(),
        adopt_endpoints: adopt(VpcEndpointId::is_kind_of).map(VpcEndpointId::new).collect(),
        adopt_security_groups: adopt(SecurityGroupId::is_kind_of).map(SecurityGroupId::new).collect(),
        package_repositories: None,
        services: spec.services.iter().cloned().collect(),
        interface_endpoints: ValidInterfaceEndpoints {
            mode: spec.interface_endpoints.mode,
            admit: spec.interface_endpoints.admit,
            ip_address_type: spec.interface_endpoints.ip_address_type,
            policies,
        },
        internet: spec.internet.mode,
        nat_gateways: spec.internet.nat_gateways,
        had_nat_gateways: had_nat_gateways(vpc),
        public_subnets: public_subnets.map(|choice| choice.map_ids(SubnetId::new)),
        network_acls: spec.network_acls.mode,
        first_rule_number: spec.network_acls.first_rule_number,
        flow_logs: spec.flow_logs.as_ref().map(flow_logs),
        max_monthly_cost: spec.max_monthly_cost,
        prices: spec.prices.as_ref().map(crate::api::Prices::given).unwrap_or_default(),
        discovery: spec.discovery,
        granted: Granted::to_anyone(&spec.grants),
        roles_in_force: vpc
            .status
            .iter()
            .flat_map(|status| &status.in_force.roles)
            .cloned()
            .collect(),
    })
}

fn invalid(message: String) -> Finding {
    refusal(Scope::Vpc, Reason::InvalidSpec, message)
}

/// Whether its status tells of NAT gateways or elastic IP addresses of ours.
fn had_nat_gateways(vpc: &SageMakerVpc) -> bool {
    let Some(status) = &vpc.status else {
        return false;
    };
    let was_begun = |entry: &LedgerEntry| {
        let key = entry.key.parse();
        matches!(key, Ok(ResourceKey::NatGateway { .. } | ResourceKey::Address { .. }))
    };
    let is_there = |resource: &ResourceStatus| {
        resource.ownership == ResourceOwnership::Ours && ["NatGateway", "Address"].contains(&resource.type_.as_str())
    };
    status.ledger.entries.iter().any(was_begun) || status.resources.iter().any(is_there)
}

/// The name of an object for the same VPC that came before this one.
fn older_rival(references: &References) -> Option<String> {
    let rank = |object: &SageMakerVpc| (created(object), object.name_any());
    references
        .rivals
        .iter()
        .filter(|rival| !is_deleting(*rival) && rank(rival) < rank(&references.vpc))
        .min_by_key(|rival| rank(rival))
        .map(ResourceExt::name_any)
}

fn resync_interval(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|interval| (SHORTEST_RESYNC..=LONGEST).contains(interval))
        .ok_or_else(|| format!("spec.resyncInterval {text:?} is not a duration from 5s to 24h: write 60s or 5m."))
}

fn absent_grace(text: &str) -> Result<Duration, String> {
    duration(text).filter(|grace| *grace <= LONGEST).ok_or_else(|| {
        format!("spec.absentProfileGracePeriod {text:?} is not a duration from 0s to 24h: write 10m or 1h.")
    })
}

fn duration(text: &str) -> Option<Duration> {
    let parsed: kube::core::Duration = text.parse().ok()?;
    (!parsed.is_negative()).then(|| Duration::from(parsed))
}

impl Choice<String> {
    pub(super) fn map_ids<Id: Ord>(self, make: impl Fn(String) -> Id) -> Choice<Id> {
        match self {
            Self::Ids(ids) => Choice::Ids(ids.into_iter().map(make).collect()),
            Self::Tags(tags) => Choice::Tags(tags),
        }
    }
}

/// Reads a selection. An empty one would choose everything, so it is refused.
pub(super) fn choice(
    selection: Option<&Selection>,
    field: &str,
    scope: &Scope,
    findings: &mut Vec<Finding>,
) -> Option<Choice<String>> {
    let selection = selection?;
    let mut refuse = |message: String| {
        findings.push(refusal(scope.clone(), Reason::InvalidSpec, message));
        None
    };
    match (&selection.ids, &selection.selector) {
        (Some(ids), None) if ids.is_empty() => refuse(format!("{field}.ids is empty: name at least one id.")),
        (Some(ids), None) => Some(Choice::Ids(ids.iter().cloned().collect::<BTreeSet<_>>())),
        (None, Some(selector)) if selector.tags.is_empty() => {
            refuse(format!("{field}.selector.tags is empty: name at least one tag."))
        }
        (None, Some(selector)) => Some(Choice::Tags(selector.tags.clone())),
        (Some(_), Some(_)) | (None, None) => refuse(format!("{field} takes either ids or a selector of tags.")),
    }
}

fn endpoint_policy(vpc: &SageMakerVpc) -> Result<EndpointPolicy, Box<Finding>> {
    let policy = &vpc.spec.s3.policy;
    let unreadable = |message: String| Box::new(refusal(Scope::Vpc, Reason::InvalidPolicy, message));
    match (policy.type_, &policy.document) {
        (EndpointPolicyType::FullAccess, None) => Ok(EndpointPolicy::FullAccess),
        (EndpointPolicyType::Buckets, None) => Ok(EndpointPolicy::Buckets),
        (EndpointPolicyType::Custom, Some(text)) => {
            let document: PolicyDocument = text.parse().map_err(|error| {
                unreadable(format!(
                    "spec.s3.policy.document cannot be read as an IAM policy: {error}."
                ))
            })?;
            document.check_endpoint_policy().map_err(|error| {
                unreadable(format!(
                    "spec.s3.policy.document cannot be an endpoint's policy: {error}."
                ))
            })?;
            if !lets_some_action_through(&document, None) {
                return Err(unreadable(
                    "spec.s3.policy.document only denies, and an endpoint policy blocks whatever it does not allow: \
                     nothing would reach S3. Add a statement with \"Effect\": \"Allow\"."
                        .to_owned(),
                ));
            }
            Ok(EndpointPolicy::Custom(Box::new(document)))
        }
        (EndpointPolicyType::Custom, None) => Err(unreadable(
            "spec.s3.policy.type is Custom and there is no document: add spec.s3.policy.document.".to_owned(),
        )),
        (EndpointPolicyType::FullAccess | EndpointPolicyType::Buckets, Some(_)) => Err(unreadable(
            "spec.s3.policy.document goes with type: Custom: change the type, or remove the document.".to_owned(),
        )),
    }
}

/// The policies of single interface endpoints, those that can be read.
fn interface_endpoint_policies(vpc: &SageMakerVpc, findings: &mut Vec<Finding>) -> BTreeMap<String, PolicyDocument> {
    let mut policies = BTreeMap::new();
    for InterfaceEndpointPolicy { service, document } in &vpc.spec.interface_endpoints.policies {
        let mut refuse = |problem: String| {
            let message = format!("The policy for {service} in spec.interfaceEndpoints.policies {problem}.");
            findings.push(refusal(Scope::Vpc, Reason::InvalidPolicy, message));
        };
        let prefix = action_prefix(short_service_name(service, &vpc.spec.region).unwrap_or(service));
        match document.parse::<PolicyDocument>() {
            Err(error) => refuse(format!("cannot be read as an IAM policy: {error}")),
            Ok(parsed) => match parsed.check_endpoint_policy() {
                Err(error) => refuse(format!("cannot be an endpoint's policy: {error}")),
                Ok(()) if !lets_some_action_through(&parsed, None) => refuse(
                    "only denies, and an endpoint policy blocks whatever it does not allow: add a statement with \
                     \"Effect\": \"Allow\""
                        .to_owned(),
                ),
                Ok(()) if !lets_some_action_through(&parsed, prefix) => refuse(format!(
                    "lets nothing of the service through: add a statement with \"Effect\": \"Allow\" for actions such \
                     as {}:*",
                    prefix.unwrap_or_default()
                )),
                Ok(()) => {
                    policies.insert(service.clone(), parsed);
                }
            },
        }
    }
    policies
}

fn flow_logs(spec: &FlowLogs) -> ValidFlowLogs {
    ValidFlowLogs {
        resource_type: spec.resource_type,
        settings: FlowLogSettings {
            traffic_type: spec.traffic_type,
            log_destination_type: spec.log_destination_type,
            log_destination: spec.log_destination.clone(),
            deliver_logs_permission_arn: spec.deliver_logs_permission_arn.clone(),
            log_format: spec.log_format.clone(),
            max_aggregation_interval: spec.max_aggregation_interval,
        },
    }
}
