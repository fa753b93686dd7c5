//! Validates a profile by itself and against what its VPC object allows.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use kube::ResourceExt;

use super::{
    Granted, ProfileReference, RequiredEndpoint, SecurityGroups, ValidProfile, ValidWorkload, created,
    grants::{ends_in_a_number, has_labels, is_group_id},
    in_force::Registry,
    refusal,
    vpc::choice,
    workload,
};
use crate::{
    api::{
        Bucket, Destination, DestinationPorts, Exempt, InternetMode, ManagedSecurityGroups, NamespacesFrom, Reason,
        SageMakerVpc, SageMakerVpcProfile, TransportProtocol, Workload, bounds::MAX_EXEMPT_PRINCIPALS,
    },
    catalog::{PresetNeeds, SESSION_OF_DIRECTORY_BUCKETS, is_directory_bucket},
    report::{Finding, Scope},
    types::{Exemption, Region, SecurityGroupId, SubnetId, listed},
};

pub(super) fn validate(
    reference: &ProfileReference,
    vpc: &SageMakerVpc,
    registry: &Registry,
) -> Result<ValidProfile, Vec<Finding>> {
    let key = reference.key();
    let scope = || Scope::Profile(key.clone());
    if !admits(vpc, &reference.namespace_labels) {
        let finding = refusal(scope(), Reason::NotAllowed, not_allowed(reference, vpc));
        return Err(vec![finding.about(&key.namespace)]);
    }
    let spec = &reference.profile.spec;
    let mut findings = Vec::new();
    findings.extend(
        form(&reference.profile)
            .into_iter()
            .map(|message| refusal(scope(), Reason::InvalidSpec, message)),
    );
    let granted = reference.granted(vpc);
    let lacking = not_granted(&reference.profile, vpc, &granted).into_iter();
    let lacking = lacking
        .chain(no_say_in_repositories(&reference.profile, vpc, &granted))
        .chain(no_way_out(&reference.profile, vpc));
    findings.extend(lacking.map(|message| refusal(scope(), Reason::NotGranted, message)));
    let chosen = choice(spec.subnets.as_ref(), "spec.subnets", &scope(), &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let security_groups = match &spec.security_groups {
        None => SecurityGroups::PerProfile,
        Some(groups) => match (&groups.ids, groups.managed) {
            (Some(ids), _) => SecurityGroups::Own(ids.iter().cloned().collect()),
            (None, Some(ManagedSecurityGroups::PerWorkload)) => SecurityGroups::PerWorkload,
            (None, Some(ManagedSecurityGroups::PerProfile) | None) => SecurityGroups::PerProfile,
        },
    };
    Ok(ValidProfile {
        established: registry.has_established(&key),
        holdings: registry.holdings_of_accepted(&key),
        key,
        created: created(&reference.profile),
        workloads: spec
            .workloads
            .iter()
            .map(|workload| ValidWorkload {
                name: workload.name.clone(),
                kind: workload.kind,
                instances: workload.instances,
                options: workload.options(),
                instance_type: workload.instance_type.clone(),
                shadow_instances: workload.shadow_endpoint.as_ref().map_or(0, |shadow| shadow.instances),
                direct_internet_access: workload.direct_internet_access,
                presets: PresetNeeds::of(&workload.presets, &vpc.spec.region),
                role_arn: workload.role_arn.clone(),
                role_enforced: workload
                    .role_arn
                    .as_ref()
                    .is_some_and(|arn| granted.may_change_role(arn)),
            })
            .collect(),
        subnets: chosen.map(|choice| choice.map_ids(SubnetId::new)),
        security_groups,
        package_repositories: spec.package_repositories,
        buckets: spec
            .buckets
            .iter()
            .map(|bucket| (bucket.name.clone(), bucket.access))
            .collect(),
        bucket_regions: spec
            .buckets
            .iter()
            .filter_map(|bucket| Some((bucket.name.clone(), bucket.region.clone()?)))
            .collect(),
        required_endpoints: spec
            .buckets
            .iter()
            .filter_map(|bucket| Some((bucket.name.clone(), required_endpoint(bucket, &granted)?)))
            .collect(),
        services: spec.services.iter().cloned().collect(),
        destinations: spec.destinations.iter().map(Destination::spelled_out).collect(),
    })
}

fn required_endpoint(bucket: &Bucket, granted: &Granted) -> Option<RequiredEndpoint> {
    let Exempt {
        aws_services,
        principals,
    } = &bucket.require_vpc_endpoint.as_ref()?.exempt;
    let principals = principals.iter().cloned().map(Exemption::Principal);
    Some(RequiredEndpoint {
        exempt: principals
            .chain(aws_services.then_some(Exemption::AwsServices))
            .collect(),
        enforced: granted.may_change_bucket(&bucket.name),
    })
}

/// Whether the VPC object admits profiles of a namespace with these labels.
pub fn admits(vpc: &SageMakerVpc, namespace_labels: &BTreeMap<String, String>) -> bool {
    let Some(allowed) = &vpc.spec.allowed_namespaces else {
        return false;
    };
    if allowed.from == Some(NamespacesFrom::All) {
        return true;
    }
    allowed
        .selector
        .as_ref()
        .is_some_and(|selector| !selector.match_labels.is_empty() && has_labels(selector, namespace_labels))
}

fn not_allowed(reference: &ProfileReference, vpc: &SageMakerVpc) -> String {
    let namespace = reference.profile.namespace().unwrap_or_default();
    let name = vpc.name_any();
    let fix = match vpc
        .spec
        .allowed_namespaces
        .as_ref()
        .and_then(|allowed| allowed.selector.as_ref())
    {
        Some(selector) => {
            let labels: Vec<String> = selector
                .match_labels
                .iter()
                .map(|(label, value)| format!("{label}={value}"))
                .collect();
            format!(
                "Its owners can admit it with: kubectl label namespace {namespace} {}.",
                labels.join(" ")
            )
        }
        None => format!("Its owners can admit it in spec.allowedNamespaces of SageMakerVpc {name}."),
    };
    format!("SageMakerVpc {name} does not allow profiles of namespace {namespace}. {fix}")
}

/// Form that the schema holds profiles to, for those that no API server saw.
fn form(profile: &SageMakerVpcProfile) -> Vec<String> {
    let spec = &profile.spec;
    let mut problems = Vec::new();
    if spec.workloads.is_empty() {
        problems.push("spec.workloads is empty: name at least one workload.".to_owned());
    }
    let mut names: Vec<&str> = spec.workloads.iter().map(|workload| workload.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        problems.push(format!(
            "Two workloads are named {:?}: give each a name of its own.",
            pair[0]
        ));
    }
    problems.extend(spec.workloads.iter().flat_map(workload::form));
    problems.extend(spec.buckets.iter().flat_map(bucket_form));
    let mut buckets: Vec<&str> = spec.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
    buckets.sort_unstable();
    if let Some(pair) = buckets.windows(2).find(|pair| pair[0] == pair[1]) {
        problems.push(format!(
            "Bucket {} is named twice in spec.buckets: put it all into one entry.",
            pair[0]
        ));
    }
    if let Some(groups) = &spec.security_groups
        && groups.ids.is_some() == groups.managed.is_some()
    {
        problems.push("spec.securityGroups takes either ids or managed.".to_owned());
    }
    problems.extend(spec.destinations.iter().filter_map(malformed));
    problems
}

fn bucket_form(bucket: &Bucket) -> Vec<String> {
    let name = &bucket.name;
    let mut problems = Vec::new();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    if !(3..=63).contains(&name.len()) || !name.chars().all(is_name) {
        problems.push(format!(
            "{name:?} in spec.buckets is no bucket's name: it has 3 to 63 lower-case letters, digits, dots and hyphens; \
             no s3:// in front, no path behind."
        ));
    }
    if let Some(region) = bucket.region.as_ref().filter(|region| !is_region(region.as_str())) {
        problems.push(format!(
            "{region:?} is no region for bucket {name}: give a region's code, such as us-east-1.",
            region = region.as_str()
        ));
    }
    if bucket.require_vpc_endpoint.is_some() && is_directory_bucket(name) {
        problems.push(format!(
            "Bucket {name} is a directory bucket, whose policy speaks of sessions and not of objects: remove \
             requireVpcEndpoint, and deny {SESSION_OF_DIRECTORY_BUCKETS} outside the VPC's endpoint in its policy."
        ));
    }
    let principals = bucket
        .require_vpc_endpoint
        .iter()
        .flat_map(|required| &required.exempt.principals);
    if principals.clone().count() > MAX_EXEMPT_PRINCIPALS {
        problems.push(format!(
            "Bucket {name} exempts more than {MAX_EXEMPT_PRINCIPALS} principals: name fewer, with * where their ARNs \
             differ."
        ));
    }
    for arn in principals.filter(|arn| !is_principal(arn)) {
        problems.push(format!(
            "{arn:?} in requireVpcEndpoint.exempt.principals of bucket {name} is no role's or user's ARN: write it like \
             arn:aws:iam::111122223333:role/audit."
        ));
    }
    problems
}

/// Whether the text has the form of a region's code.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [country, areas @ .., number] = parts.as_slice() else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    country.len() == 2
        && is_word(country)
        && !areas.is_empty()
        && areas.iter().all(|area| is_word(area))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text is the ARN of a role or user, wildcards in its name
/// admitted. A `$` would begin a policy variable.
fn is_principal(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
        return false;
    };
    let name = resource.strip_prefix("role/").or(resource.strip_prefix("user/"));
    partition.starts_with("aws")
        && account.len() == 12
        && account.bytes().all(|digit| digit.is_ascii_digit())
        && name.is_some_and(|name| {
            let admitted = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/*?-".contains(c);
            !name.is_empty() && name.chars().all(admitted)
        })
}

/// What is wrong with a destination's form, and how it is written.
fn malformed(destination: &Destination) -> Option<String> {
    let name = destination.name();
    match (&destination.host, &destination.cidr, &destination.security_group_id) {
        (Some(host), None, None) => {
            let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
            let bytes = host.as_bytes();
            let is_name = host.len() <= 253
                && is_edge(bytes.first())
                && is_edge(bytes.last())
                && bytes
                    .iter()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
            if !is_name {
                return Some(format!(
                    "Destination {name:?} is no host's name: write one such as pypi.org, in lower case, with no https:// \
                     in front and no path behind."
                ));
            }
            if ends_in_a_number(host) {
                return Some(format!(
                    "Destination {name:?} is no host's name but an address: write it as a cidr, such as 192.0.2.7/32."
                ));
            }
        }
        (None, Some(cidr), None) => {
            if cidr.parse::<IpNet>().is_err() {
                return Some(format!(
                    "Destination {name:?} is no block of addresses: write one such as 192.0.2.0/24 or 2001:db8::/32."
                ));
            }
        }
        (None, None, Some(group)) => {
            if !is_group_id(group.as_str()) {
                return Some(format!(
                    "Destination {name:?} is no security group's id: write one such as sg-0123456789abcdef0."
                ));
            }
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) | (None, None, None) => {
            return Some(format!(
                "Destination {name:?} must have either a host or a cidr or a securityGroupId, and no two of them."
            ));
        }
    }
    if destination.inside.is_some() && destination.host.is_none() {
        return Some(format!(
            "Destination {name:?} takes no inside: it is for hosts. Remove it here."
        ));
    }
    let has_ports = !destination.ports.is_empty() || !destination.port_ranges.is_empty();
    if destination.file_system.is_some() && (has_ports || destination.protocol != TransportProtocol::Tcp) {
        return Some(format!(
            "Destination {name:?} has its ports by fileSystem: leave ports, portRanges and protocol out."
        ));
    }
    let is_no_range = |range: &DestinationPorts| range.from == 0 || range.from > range.to;
    (destination.ports.contains(&0) || destination.port_ranges.iter().any(is_no_range))
        .then(|| format!("Destination {name:?} needs ports from 1 to 65535: leave ports out for 443."))
}

/// Why destinations are refused where the VPC object wants no way out.
fn no_way_out(profile: &SageMakerVpcProfile, vpc: &SageMakerVpc) -> Option<String> {
    let destinations = profile.spec.destinations.iter();
    let outside: Vec<&str> = destinations
        .filter(|destination| destination.is_on_the_internet())
        .map(Destination::name)
        .collect();
    (vpc.spec.internet.mode == InternetMode::None && !outside.is_empty()).then(|| {
        format!(
            "SageMakerVpc {} offers no way out of the VPC, and spec.destinations names {}: ask its owners to set \
             spec.internet.mode to Existing or ManagedNat, or remove them from spec.destinations here. Of a host in the VPC, \
             say inside: true.",
            vpc.name_any(),
            listed(outside),
        )
    })
}

/// Why the profile is refused for what it says of the package repositories.
fn no_say_in_repositories(profile: &SageMakerVpcProfile, vpc: &SageMakerVpc, granted: &Granted) -> Option<String> {
    let wish = profile.spec.package_repositories?;
    (!granted.has_package_repositories()).then(|| {
        format!(
            "packageRepositories: {wish:?} concerns the whole VPC, for one S3 endpoint policy serves it, and SageMakerVpc {} \
             lets namespace {} have no say in it: ask its owners to set spec.grants.packageRepositories to true, or \
             packageRepositories of an item of spec.grants.namespaces for this namespace, or remove the field here.",
            vpc.name_any(),
            profile.namespace().unwrap_or_default(),
        )
    })
}

/// Services that a workload cannot do without on account of its presets, and which
/// its kind does not call anyway.
fn preset_services(workload: &Workload, region: &Region) -> BTreeSet<&'static str> {
    let own = workload.kind.requirements();
    let mut services = PresetNeeds::of(&workload.presets, region).services;
    services.retain(|name| !own.services.contains(name));
    services
}

/// What the profile names and the VPC object does not grant to its namespace.
fn not_granted(profile: &SageMakerVpcProfile, vpc: &SageMakerVpc, granted: &Granted) -> Vec<String> {
    let spec = &profile.spec;
    let namespace = profile.namespace().unwrap_or_default();
    let region = vpc.spec.region.clone();
    let vpc = vpc.name_any();
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<String>>();
    let buckets = spec.buckets.iter().map(|bucket| bucket.name.as_str());
    let is_exempting = |bucket: &&Bucket| {
        let required = bucket.require_vpc_endpoint.as_ref();
        required.is_some_and(|required| required.exempt != Exempt::default())
    };
    let exempting = spec
        .buckets
        .iter()
        .filter(is_exempting)
        .map(|bucket| bucket.name.as_str());
    let groups = spec
        .security_groups
        .iter()
        .flat_map(|groups| groups.ids.iter().flatten());
    let of_presets = spec
        .workloads
        .iter()
        .flat_map(|workload| preset_services(workload, &region));
    let services = spec.services.iter().map(String::as_str).chain(of_presets);
    let roles = spec
        .workloads
        .iter()
        .filter_map(|workload| workload.role_arn.as_deref());
    [
        (
            "bucket",
            "buckets",
            owned(buckets.filter(|name| !granted.has_bucket(name)).collect()),
        ),
        (
            "exemptions from the closing of bucket",
            "exempt",
            owned(exempting.filter(|name| !granted.may_exempt_from(name)).collect()),
        ),
        (
            "security group",
            "securityGroups",
            owned(
                groups
                    .map(SecurityGroupId::as_str)
                    .filter(|id| !granted.has_security_group(id))
                    .collect(),
            ),
        ),
        (
            "service",
            "services",
            owned(services.filter(|name| !granted.has_service(name)).collect()),
        ),
        (
            "destination",
            "destinations",
            spec.destinations
                .iter()
                .filter(|to| malformed(to).is_none())
                .flat_map(|to| granted.lacks_for(to))
                .collect(),
        ),
        (
            "role",
            "roles",
            owned(roles.filter(|arn| !granted.has_role(arn)).collect()),
        ),
    ]
    .into_iter()
    .filter(|(_, _, names)| !names.is_empty())
    .map(|(what, field, names)| {
        let (plural, them) = if names.len() == 1 { ("", "it") } else { ("s", "them") };
        format!(
            "SageMakerVpc {vpc} does not grant {what}{plural} {} to namespace {namespace}: ask its owners to add {them} to \
             spec.grants.{field}, or to {field} of an item of spec.grants.namespaces for this namespace, or remove {them} \
             here.",
            listed(names)
        )
    })
    .collect()
}
