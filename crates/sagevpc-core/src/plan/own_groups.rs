//! Whether a team's own security groups admit what its workloads need. They
//! are judged and never changed.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{draft::Draft, internet, resolve::ResolvedProfile};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::{HTTPS_TO_ENDPOINTS, PeerNeed, RuleNeed, Symptom},
    observed::SecurityGroup,
    report::{Concern, Finding, Scope},
    types::{Peer, PrefixListId, ResourceKey, Rule, SecurityGroupId, listed},
    validate::SecurityGroups,
};

const CONCERN: Concern = Concern::SecurityGroups;

pub(super) fn judge(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) {
    for resolved in profiles {
        if let SecurityGroups::Own(ids) = &resolved.profile().security_groups {
            judge_profile(draft, resolved, ids);
        }
    }
}

fn judge_profile(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, ids: &BTreeSet<SecurityGroupId>) {
    let snapshot = draft.snapshot;
    let groups: Vec<&SecurityGroup> = ids.iter().filter_map(|id| snapshot.security_groups.get(id)).collect();
    if groups.len() < ids.len() {
        // Reported where the profile was found to have bad input.
        return;
    }
    for group in &groups {
        let purpose = format!("workloads of {}", resolved.key());
        draft.list(
            "SecurityGroup",
            group.group_id.as_str(),
            purpose,
            ResourceOwnership::Found,
        );
    }
    let count = resolved.profile().workloads.len();
    draft.groups_of.insert(resolved.key().clone(), vec![ids.clone(); count]);

    let held: Vec<(&SecurityGroup, BTreeSet<Rule>)> = groups.iter().map(|group| (*group, group.rules())).collect();
    for (place, workload) in resolved.profile().workloads.iter().enumerate() {
        let callers = &resolved.network.services.callers;
        let to_endpoints = callers.contains(&place).then_some(&HTTPS_TO_ENDPOINTS);
        let missing: Vec<&RuleNeed> = workload
            .kind
            .rules(workload.options)
            .chain(to_endpoints)
            .filter(|need| !is_admitted(draft, resolved, ids, &held, need))
            .collect();
        for need in missing {
            let message = format!(
                "Security group {} does not admit {} for workload {}: its owners must add that rule, or remove \
                 spec.securityGroups so that sagevpc makes and keeps a group.",
                listed(ids),
                described(draft, resolved, need),
                workload.name
            );
            let symptom = match need.peer {
                PeerNeed::S3 | PeerNeed::SubnetCidrs => Symptom::NoWayToS3,
                PeerNeed::VpcCidrs => Symptom::NoWayToServices,
                PeerNeed::Members => Symptom::MembersCannotTalk,
            };
            let scope = Scope::Workloads(resolved.key().clone(), vec![workload.name.clone()]);
            let finding = Finding::new(CONCERN, scope, Reason::RuleMissing, message).showing(symptom);
            // Any of several groups could get the rule.
            draft.push(match groups.as_slice() {
                [only] => finding.about(&only.group_id),
                _ => finding,
            });
        }
    }
    judge_way_out(draft, resolved, ids, &held);
}

/// Whether the groups together let the workloads out to their destinations.
fn judge_way_out(
    draft: &mut Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    ids: &BTreeSet<SecurityGroupId>,
    groups: &[(&SecurityGroup, BTreeSet<Rule>)],
) {
    let covers = |peer: &Peer, wanted: &Peer| match (peer, wanted) {
        (Peer::Cidr(cidr), Peer::Cidr(wanted)) => cidr.contains(wanted),
        (Peer::Cidr(_) | Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_), _) => false,
    };
    let is_admitted = |wanted: &Rule| {
        let mut held = groups.iter().flat_map(|(_, rules)| rules);
        held.any(|rule| rule.admits_service_of(wanted) && covers(&rule.peer, &wanted.peer))
    };
    let missing: Vec<Rule> = internet::indispensable_rules(resolved)
        .into_iter()
        .filter(|wanted| !is_admitted(wanted))
        .collect();
    if missing.is_empty() {
        return;
    }
    let message = format!(
        "Security group {} does not admit {}, which spec.destinations needs: its owners must add that, or remove \
         spec.securityGroups so that sagevpc makes and keeps a group.",
        listed(ids),
        listed(missing)
    );
    draft.find(
        CONCERN,
        resolved.scope(),
        Reason::RuleMissing,
        Some(Symptom::NoWayOut),
        message,
    );
}

/// Whether the groups together admit what is needed: EC2 lets through what any
/// of an interface's groups admits.
fn is_admitted(
    draft: &Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    ids: &BTreeSet<SecurityGroupId>,
    groups: &[(&SecurityGroup, BTreeSet<Rule>)],
    need: &RuleNeed,
) -> bool {
    let service = Rule::new(need.direction, need.protocol, need.ports, Peer::Itself);
    let admitting: Vec<&Peer> = groups
        .iter()
        .flat_map(|(_, rules)| rules)
        .filter(|rule| rule.admits_service_of(&service))
        .map(|rule| &rule.peer)
        .collect();
    let cidrs: Vec<&IpNet> = admitting
        .iter()
        .filter_map(|peer| match peer {
            Peer::Cidr(cidr) => Some(cidr),
            Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => None,
        })
        .collect();
    let covers = |wanted: &IpNet| cidrs.iter().any(|cidr| cidr.contains(wanted));
    let has_list = |id: &PrefixListId| {
        admitting.iter().any(|peer| match peer {
            Peer::PrefixList(found) => found == id,
            Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::Cidr(_) => false,
        })
    };
    let mut vpc_cidrs = draft.snapshot.vpc.cidrs();
    let mut own_cidrs = resolved.subnets.iter().flat_map(|subnet| subnet.cidrs());
    match need.peer {
        PeerNeed::S3 => draft.snapshot.s3_prefix_list().is_some_and(|list| {
            let addresses: Vec<IpNet> = list.cidrs.iter().filter_map(|cidr| cidr.parse().ok()).collect();
            let all_covered = if addresses.is_empty() {
                cidrs.iter().any(|cidr| cidr.prefix_len() == 0)
            } else {
                addresses.iter().all(covers)
            };
            has_list(&list.prefix_list_id) || all_covered
        }),
        PeerNeed::SubnetCidrs => own_cidrs.all(|cidr| covers(&cidr)),
        PeerNeed::VpcCidrs => {
            let to_their_group = admitting.iter().any(|peer| match peer {
                Peer::Group { id, .. } => is_on_endpoints(draft, id),
                Peer::Itself | Peer::Made(_) | Peer::PrefixList(_) | Peer::Cidr(_) => false,
            });
            to_their_group || vpc_cidrs.all(|cidr| covers(&cidr))
        }
        PeerNeed::Members => {
            let by_group = admitting.iter().any(|peer| match peer {
                Peer::Itself => true,
                Peer::Group { id, .. } => ids.contains(id),
                Peer::Made(_) | Peer::PrefixList(_) | Peer::Cidr(_) => false,
            });
            by_group || own_cidrs.all(|cidr| covers(&cidr))
        }
    }
}

/// Whether this is the group of our interface endpoints.
fn is_on_endpoints(draft: &Draft<'_>, id: &SecurityGroupId) -> bool {
    draft.claims.key_of(id.as_str()) == Some(&ResourceKey::EndpointSecurityGroup)
}

/// The needed rule in words: `egress tcp 443 to prefix list pl-63a5400a`.
fn described(draft: &Draft<'_>, resolved: &ResolvedProfile<'_>, need: &RuleNeed) -> String {
    let rule = |peer| Rule::new(need.direction, need.protocol, need.ports, peer);
    match need.peer {
        PeerNeed::Members => rule(Peer::Itself).to_string(),
        PeerNeed::S3 => match draft.snapshot.s3_prefix_list() {
            Some(list) => rule(Peer::PrefixList(list.prefix_list_id.clone())).to_string(),
            None => format!("{} to S3", need.direction),
        },
        PeerNeed::VpcCidrs => listed(draft.snapshot.vpc.cidrs().map(|cidr| rule(Peer::Cidr(cidr)))),
        PeerNeed::SubnetCidrs => listed(
            resolved
                .subnets
                .iter()
                .flat_map(|subnet| subnet.cidrs())
                .map(|cidr| rule(Peer::Cidr(cidr))),
        ),
    }
}
