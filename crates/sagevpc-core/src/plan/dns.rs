//! DNS attributes of the VPC, which we may turn on, and its DHCP options,
//! which we only judge.

use std::collections::BTreeSet;

use super::{Action, DnsAttribute, PlannedAction, Serves, draft::Draft};
use crate::{
    api::{AcceptUnknown, Dns, Reason},
    catalog::{Need, Symptom},
    observed::AWS_RESOLVER,
    plan::{VpcChange, resolved::ResolvedProfile},
    report::{Concern, Finding, Lack, Scope, Weight},
    types::{DhcpOptionsId, VpcId, listed},
};

/// The keys of DHCP options that SageMaker looks for.
const SERVERS: &str = "domain-name-servers";
const DOMAIN_NAME: &str = "domain-name";

/// How a set that lacks some of them is mended.
const COMPLETE_SET: &str = "Create a set that has both domain-name-servers and domain-name, and associate it with `aws ec2 \
                            associate-dhcp-options`.";

pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    if is_needed(profiles) {
        attributes(draft);
        dhcp_options(draft, profiles);
    }
}

/// Whether anything needs names to resolve.
fn is_needed(profiles: &[ResolvedProfile<'_>]) -> bool {
    let taking_part = profiles.iter().filter(|resolved| resolved.takes_part());
    let mut workloads = taking_part.flat_map(|resolved| &resolved.profile().workloads);
    workloads.any(|workload| workload.kind.requirements().needs.contains(&Need::Dns))
}

fn attributes(draft: &mut Draft<'_>) {
    let vpc = draft.snapshot.vpc.vpc_id.clone();
    let Some(attributes) = &draft.snapshot.attributes else {
        let message = format!("The DNS attributes of {vpc} were not looked at: whether names resolve is unknown.");
        draft.push(
            Finding::new(Concern::Dns, Scope::Vpc, Reason::DnsDisabled, message)
                .about(vpc)
                .weighing(Weight::Unknown),
        );
        return;
    };
    let states = [
        (DnsAttribute::EnableDnsSupport, attributes.enable_dns_support.value),
        (DnsAttribute::EnableDnsHostnames, attributes.enable_dns_hostnames.value),
    ];
    // AWS refuses host names while DNS support is off.
    let mut support = None;
    for (attribute, _) in states.into_iter().filter(|(_, is_on)| !is_on) {
        match draft.network.vpc.dns {
            Dns::Enforce => {
                let action = Action::Vpc(VpcChange::ModifyAttribute {
                    vpc: vpc.clone(),
                    attribute,
                });
                let reason = "SageMaker and private DNS names of endpoints need DNS in the VPC";
                let planned = PlannedAction::new(action, Serves::Vpc, reason)
                    .blocking(Concern::Dns)
                    .after(support);
                support = Some(draft.act(planned.symptom(Symptom::StaysStarting)));
            }
            Dns::Verify => match attribute {
                DnsAttribute::EnableDnsSupport => {
                    let finding = off(draft, attribute, "names of AWS services do not resolve there");
                    draft.push(finding.lacking(Lack::Dns).showing(Symptom::StaysStarting));
                }
                // Whom that keeps from what they call, reachability says.
                DnsAttribute::EnableDnsHostnames => {}
            },
        }
    }
}

/// Advises to have host names where nobody is kept from anything without.
pub(super) fn advise_on_hostnames(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let attributes = draft.snapshot.attributes.as_ref();
    let is_off = attributes.is_some_and(|attributes| !attributes.enable_dns_hostnames.value);
    let is_told = |finding: &Finding| finding.reason == Reason::DnsDisabled && finding.weight == Weight::Blocks;
    let stays_off = is_off && draft.network.vpc.dns == Dns::Verify;
    if stays_off && is_needed(profiles) && !draft.findings().iter().any(is_told) {
        let what = "names of AWS services lead past their interface endpoints to public addresses";
        let finding = off(draft, DnsAttribute::EnableDnsHostnames, what);
        draft.push(finding.weighing(Weight::Advice));
    }
}

/// That an attribute is off and stays so.
fn off(draft: &Draft<'_>, attribute: DnsAttribute, what: &str) -> Finding {
    let vpc = &draft.snapshot.vpc.vpc_id;
    let option = match attribute {
        DnsAttribute::EnableDnsSupport => "enable-dns-support",
        DnsAttribute::EnableDnsHostnames => "enable-dns-hostnames",
    };
    let message = format!("{attribute} of {vpc} is off, so {what}, and spec.dns is Verify.");
    let fix =
        format!("Turn it on with `aws ec2 modify-vpc-attribute --vpc-id {vpc} --{option}`, or set spec.dns: Enforce.");
    Finding::new(Concern::Dns, Scope::Vpc, Reason::DnsDisabled, message)
        .mended_by(fix)
        .about(vpc)
}

fn dhcp_options(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    let vpc = draft.snapshot.vpc.vpc_id.clone();
    let Some(options) = &draft.snapshot.dhcp_options else {
        // EC2 writes `default` where a VPC has no option set at all.
        let has_none = draft
            .snapshot
            .vpc
            .dhcp_options_id
            .as_ref()
            .is_none_or(|id| id.as_str() == "default");
        if has_none {
            let message = format!("{vpc} has no DHCP options.");
            let fix = format!(
                "Create a set with domain-name-servers={AWS_RESOLVER} and a domain-name, and associate it with `aws ec2 \
                 associate-dhcp-options`."
            );
            draft.push(
                Finding::new(Concern::Dns, Scope::Vpc, Reason::DhcpOptionsIncomplete, message)
                    .mended_by(fix)
                    .about(vpc)
                    .lacking(Lack::Dns)
                    .showing(Symptom::DhcpOptions),
            );
        } else {
            let message = format!("The DHCP options of {vpc} were not looked at: whether names resolve is unknown.");
            let finding = Finding::new(Concern::Dns, Scope::Vpc, Reason::DhcpOptionsIncomplete, message);
            draft.push(finding.weighing(Weight::Unknown).lacking(Lack::Dns));
        }
        return;
    };
    let id = options.dhcp_options_id.clone();
    let resolvers = options.values(SERVERS);
    let has_domain_name = !options.values(DOMAIN_NAME).is_empty();
    if resolvers.is_empty() {
        let missing = [Some(SERVERS), (!has_domain_name).then_some(DOMAIN_NAME)];
        let message = lacking(&id, &vpc, &listed(missing.into_iter().flatten()));
        draft.push(
            Finding::new(Concern::Dns, Scope::Vpc, Reason::DhcpOptionsIncomplete, message)
                .mended_by(COMPLETE_SET)
                .about(&id)
                .lacking(Lack::Dns)
                .showing(Symptom::DhcpOptions),
        );
    } else if !has_domain_name {
        without_domain_name(draft, profiles, &id, &lacking(&id, &vpc, DOMAIN_NAME));
    }
    let own = draft.snapshot.custom_resolvers();
    if !own.is_empty() {
        let accepted = draft
            .network
            .vpc
            .accept_unknown
            .contains(&AcceptUnknown::CustomResolver);
        let weight = if accepted { Weight::Advice } else { Weight::Unknown };
        // A client asks any of them, so that one that answers is not enough.
        let besides = if own.len() < resolvers.len() {
            ", besides AWS's own resolver, and clients take whichever answers first"
        } else {
            ""
        };
        let message = format!(
            "DHCP options {id} of {vpc} send name queries to {}{besides}. Whether these servers resolve AWS's names, \
             those of interface endpoints among them, cannot be seen from here: use {AWS_RESOLVER} alone, or, if they \
             forward to it, list CustomResolver in spec.acceptUnknown of the SageMakerVpc.",
            listed(own)
        );
        draft.push(
            Finding::new(Concern::Dns, Scope::Vpc, Reason::CustomResolver, message)
                .about(&id)
                .lacking(Lack::Dns)
                .weighing(weight),
        );
    }
}

/// What DHCP options lack.
fn lacking(id: &DhcpOptionsId, vpc: &VpcId, keys: &str) -> String {
    format!("DHCP options {id} of {vpc} lack {keys}.")
}

/// Tells those whose workloads cannot do without a domain name.
fn without_domain_name(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    options: &DhcpOptionsId,
    message: &str,
) {
    for resolved in profiles.iter().filter(|resolved| resolved.takes_part()) {
        let workloads = resolved.profile().workloads.iter().enumerate();
        let needing: BTreeSet<usize> = workloads
            .filter(|(_, workload)| workload.kind.requirements().needs.contains(&Need::DomainName))
            .map(|(place, _)| place)
            .collect();
        if needing.is_empty() {
            continue;
        }
        let scope = resolved.scope_of(&needing);
        draft.push(
            Finding::new(Concern::Dns, scope, Reason::DhcpOptionsIncomplete, message)
                .mended_by(COMPLETE_SET)
                .about(options)
                .showing(Symptom::DhcpOptions),
        );
    }
}
