//! The security groups that we make and keep: rules are added, then removed.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{
    Action, PlannedAction, Serves, consumers, disruption,
    draft::Draft,
    group_rules::{Keeping, change_rules, fill, make},
    internet,
};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::{HTTPS_TO_ENDPOINTS, MAX_RULES_PER_DIRECTION, PeerNeed, Symptom},
    desired::ManagedGroup,
    observed::{SecurityGroup, tags_of},
    plan::{
        SecurityGroupChange,
        resolved::{ResolvedProfile, Standing, WorkloadGroups},
    },
    report::{Concern, Finding, Scope, Weight},
    types::{Direction, Peer, ProfileKey, ResourceKey, Rule, SecurityGroupId, TAG_CLUSTER, is_private, listed},
};

const CONCERN: Concern = Concern::SecurityGroups;

/// Gives the groups that the workloads have, as far as their ids are known.
pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>]) -> WorkloadGroups {
    let mut known = WorkloadGroups::default();
    let there = There::look(draft);
    for resolved in profiles.iter().filter(|resolved| resolved.takes_part()) {
        for group in &resolved.network.groups {
            keep(draft, resolved, group, &there, &mut known);
        }
    }
    let wanted: BTreeSet<&ResourceKey> = profiles
        .iter()
        .filter(|resolved| resolved.standing != Standing::Out)
        .flat_map(|resolved| &resolved.network.groups)
        .map(|group| &group.key)
        .collect();
    for (group, key) in &there.ours {
        // What is everyone's is decided where endpoints are.
        let Some(profile) = key.profile() else { continue };
        if !wanted.contains(key) && !stays(draft, profiles, profile) {
            let_go(draft, group, key);
        }
    }
    report_what_is_not_adopted(draft);
    known
}

/// Whether a group that is not wanted stays for a profile that has no say at
/// present, or is still to come.
fn stays(draft: &Draft<'_>, profiles: &[ResolvedProfile<'_>], profile: &ProfileKey) -> bool {
    let may_come = || {
        let is_there = profiles
            .iter()
            .any(|resolved| resolved.key() == profile && resolved.standing != Standing::Out);
        !is_there && !draft.network.leaving.contains(profile)
    };
    draft.keeping.is_of(profile) || (draft.keeping.is_everything() && may_come())
}

/// The VPC's security groups, looked through once for all profiles.
struct There<'a> {
    /// Those of ours, in the order of their ids.
    ours: Vec<(&'a SecurityGroup, ResourceKey)>,
    by_key: BTreeMap<ResourceKey, &'a SecurityGroup>,
    /// All, by their names in lower case: EC2 tells no case apart in them.
    by_name: BTreeMap<String, &'a SecurityGroup>,
}

impl<'a> There<'a> {
    fn look(draft: &Draft<'a>) -> Self {
        let groups = draft.snapshot.security_groups.values();
        let ours: Vec<(&SecurityGroup, ResourceKey)> = groups
            .clone()
            .filter_map(|group| Some((group, draft.claims.key_of(group.group_id.as_str())?.clone())))
            .collect();
        Self {
            by_key: ours.iter().map(|(group, key)| (key.clone(), *group)).collect(),
            by_name: groups
                .map(|group| (group.group_name.to_ascii_lowercase(), group))
                .collect(),
            ours,
        }
    }
}

/// Groups are adopted under the names that ours would have. Those that are
/// listed and have no such name, or belong to somebody else, are reported.
fn report_what_is_not_adopted(draft: &mut Draft<'_>) {
    let vpc = &draft.network.vpc;
    if vpc.deleting {
        return;
    }
    let names: BTreeSet<String> = draft
        .network
        .profiles
        .iter()
        .flat_map(|network| &network.groups)
        .map(|group| group.name.to_ascii_lowercase())
        .collect();
    let mut problems = Vec::new();
    for id in &vpc.adopt_security_groups {
        let Some(group) = draft.snapshot.security_groups.get(id) else {
            let message = format!(
                "{id}, listed in spec.adopt, is no security group of {}: correct the id, or remove it.",
                vpc.vpc_id
            );
            problems.push((id, Weight::Blocks, message));
            continue;
        };
        if draft.claims.is_ours(id.as_str()) {
            continue;
        }
        if let Some(cluster) = tags_of(&group.tags).get(TAG_CLUSTER) {
            let message = format!(
                "{id}, listed in spec.adopt, is managed from another SageMakerVpc or cluster: its tag {TAG_CLUSTER} is \
                 {cluster}. Remove the id from spec.adopt, or have it released there first."
            );
            problems.push((id, Weight::Blocks, message));
        } else if !names.contains(&group.group_name.to_ascii_lowercase()) {
            let message = format!(
                "{id}, listed in spec.adopt, is named {}, and no profile's security group would get that name, so it is \
                 left alone. Remove the id from spec.adopt unless its profile is still to come.",
                group.group_name
            );
            problems.push((id, Weight::Advice, message));
        }
    }
    for (id, weight, message) in problems {
        draft.push(
            Finding::new(Concern::Accepted, Scope::SageMakerVpc, Reason::CannotAdopt, message)
                .about(id)
                .weighing(weight),
        );
    }
}

/// What a group of this profile's is, in AWS.
enum Found<'a> {
    Ours(&'a SecurityGroup),
    ToAdopt(&'a SecurityGroup),
    Nothing,
    /// Something is in the way, and has been reported.
    InTheWay,
}

fn keep(
    draft: &mut Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    group: &ManagedGroup,
    there: &There<'_>,
    known: &mut WorkloadGroups,
) {
    let serves = Serves::Profile(resolved.key().clone());
    let Some(wanted) = rules(draft, resolved, group) else {
        return;
    };
    match look_for(draft, resolved, group, there) {
        Found::InTheWay => {}
        Found::Nothing => {
            let keeping = of_workloads(group, serves);
            let made = make(draft, &keeping);
            fill(draft, &keeping, made, &wanted);
        }
        Found::Ours(found) => {
            known.note(resolved, group.workloads.iter().copied(), [&found.group_id]);
            let (id, tags) = (found.group_id.as_str(), tags_of(&found.tags));
            draft.list_ours("SecurityGroup", id, purpose(group));
            draft.keep_tags(id, &group.key, serves.clone(), &tags);
            change_rules(draft, &of_workloads(group, serves), found, &wanted, None);
        }
        Found::ToAdopt(found) => {
            known.note(resolved, group.workloads.iter().copied(), [&found.group_id]);
            draft.list(
                "SecurityGroup",
                found.group_id.as_str(),
                purpose(group),
                ResourceOwnership::Found,
            );
            let adoption = draft.adopt(found.group_id.as_str(), &group.key, serves.clone(), CONCERN);
            change_rules(draft, &of_workloads(group, serves), found, &wanted, Some(adoption));
        }
    }
}

fn purpose(group: &ManagedGroup) -> String {
    match &group.key {
        ResourceKey::S3GatewayEndpoint
        | ResourceKey::S3ExpressGatewayEndpoint
        | ResourceKey::InterfaceEndpoint { .. }
        | ResourceKey::EndpointSecurityGroup
        | ResourceKey::ElasticInferenceClient
        | ResourceKey::ElasticInferenceEndpoint
        | ResourceKey::NatGateway { .. }
        | ResourceKey::Address { .. }
        | ResourceKey::FlowLog { .. }
        | ResourceKey::NetworkAclEntries { .. }
        | ResourceKey::DefaultRoute { .. }
        | ResourceKey::BucketPolicy { .. }
        | ResourceKey::RolePolicy { .. } => group.key.to_string(),
        ResourceKey::WorkloadSecurityGroup {
            profile,
            workload: None,
        } => format!("workloads of {profile}"),
        ResourceKey::WorkloadSecurityGroup {
            profile,
            workload: Some(workload),
        } => {
            format!("workload {workload} of {profile}")
        }
    }
}

/// The rules that the group must hold; `None` when that cannot be said, which
/// has been reported then.
fn rules(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>, group: &ManagedGroup) -> Option<BTreeSet<Rule>> {
    let mut rules = BTreeSet::new();
    for need in &group.rules {
        let mut add = |peer| rules.insert(Rule::new(need.direction, need.protocol, need.ports, peer));
        match need.peer {
            PeerNeed::Members => {
                add(Peer::Itself);
            }
            PeerNeed::SubnetCidrs => {
                for cidr in resolved.subnets.iter().flat_map(|subnet| subnet.cidrs()) {
                    add(Peer::Cidr(cidr));
                }
            }
            PeerNeed::VpcCidrs => {
                for cidr in draft.snapshot.vpc.cidrs() {
                    add(Peer::Cidr(cidr));
                }
            }
            PeerNeed::S3 => match draft.snapshot.s3_prefix_list() {
                Some(list) => {
                    add(Peer::PrefixList(list.prefix_list_id.clone()));
                }
                None => {
                    let message = format!(
                        "The prefix list of S3 in {} was not found, so no rule can admit it: allow the controller's \
                         role ec2:DescribePrefixLists, or add PrefixLists.json to the snapshot.",
                        draft.network.vpc.region
                    );
                    draft.find(CONCERN, resolved.scope(), Reason::RuleMissing, None, message);
                    return None;
                }
            },
            // Where the region has none, that is told with the endpoint that leads there.
            PeerNeed::DirectoryBuckets => {
                let list = draft.snapshot.s3_express_prefix_list();
                rules.extend(list.map(|list| {
                    let peer = Peer::PrefixList(list.prefix_list_id.clone());
                    Rule::new(need.direction, need.protocol, need.ports, peer)
                }));
            }
        }
    }
    rules.extend(internet::rules(resolved, &group.workloads, draft.snapshot));
    if draft.by_way_out.is_taken_by(resolved, &group.workloads) {
        rules.extend(internet::https_anywhere(resolved));
    }
    for direction in [Direction::Ingress, Direction::Egress] {
        let count = rules.iter().filter(|rule| rule.direction == direction).count();
        if count > MAX_RULES_PER_DIRECTION {
            let message = format!(
                "Security group {} would need {count} {direction} rules, and EC2 takes {MAX_RULES_PER_DIRECTION}: \
                 choose fewer subnets in spec.subnets, or name fewer destinations.",
                group.name
            );
            draft.push(Finding::new(CONCERN, resolved.scope(), Reason::TooManyRules, message).about(&group.name));
            return None;
        }
    }
    Some(rules)
}

fn look_for<'a>(
    draft: &mut Draft<'_>,
    resolved: &ResolvedProfile<'_>,
    group: &ManagedGroup,
    there: &There<'a>,
) -> Found<'a> {
    let ownership = &draft.network.vpc.ownership;
    if let Some(found) = there.by_key.get(&group.key) {
        return Found::Ours(found);
    }
    if let Some(found) = there.by_name.get(&group.name.to_ascii_lowercase()) {
        let is_claimed = tags_of(&found.tags).contains_key(TAG_CLUSTER);
        if draft.network.vpc.adopt_security_groups.contains(&found.group_id) && !is_claimed {
            return Found::ToAdopt(found);
        }
        let message = format!(
            "Security group {} is named {}, as the one for this profile would be, and is not ours: list its id in \
             spec.adopt of SageMakerVpc {}, or delete or rename it.",
            found.group_id, found.group_name, ownership.vpc
        );
        draft.push(Finding::new(CONCERN, resolved.scope(), Reason::NameTaken, message).about(&found.group_id));
        return Found::InTheWay;
    }
    if let Some(id) = draft.not_visible_yet(&group.key) {
        let message = format!("AWS made security group {id} and does not show it yet; this takes seconds.");
        draft.push(Finding::new(CONCERN, resolved.scope(), Reason::Waiting, message).about(id));
        return Found::InTheWay;
    }
    Found::Nothing
}

fn of_workloads<'a>(group: &'a ManagedGroup, serves: Serves) -> Keeping<'a> {
    Keeping {
        key: &group.key,
        name: &group.name,
        description: &group.description,
        serves,
        concern: CONCERN,
        whose: "the workloads",
        symptom: symptom_without,
        hit: |loss| disruption::of_lost_rules(loss.snapshot, &loss.group.group_id),
    }
}

/// What SageMaker's users see while these rules are missing.
fn symptom_without(draft: &Draft<'_>, rules: &[Rule]) -> Option<Symptom> {
    let is_inside = |cidr: &IpNet| draft.snapshot.vpc.cidrs().any(|own| own.contains(cidr));
    let is_outside = |rule: &Rule| match &rule.peer {
        Peer::Cidr(cidr) => !is_inside(cidr) && !is_private(cidr),
        Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => false,
    };
    let to_an_endpoint = |rule: &Rule| match &rule.peer {
        Peer::Cidr(cidr) => rule.ports == HTTPS_TO_ENDPOINTS.ports && is_inside(cidr),
        Peer::Itself | Peer::Group { .. } | Peer::Made(_) | Peer::PrefixList(_) => false,
    };
    // Of what a team names in a private network, its own programs tell.
    let to_a_private_peer = |rule: &Rule| match &rule.peer {
        Peer::Cidr(cidr) => is_private(cidr) && rule.ports.is_some() && !to_an_endpoint(rule),
        Peer::Group { .. } => true,
        Peer::Itself | Peer::Made(_) | Peer::PrefixList(_) => false,
    };
    if rules.iter().all(to_a_private_peer) {
        None
    } else if rules.iter().all(|rule| rule.peer == Peer::Itself) {
        Some(Symptom::MembersCannotTalk)
    } else if rules.iter().all(to_an_endpoint) {
        Some(Symptom::NoWayToServices)
    } else if rules.iter().all(is_outside) {
        Some(Symptom::NoWayOut)
    } else {
        Some(Symptom::NoWayToS3)
    }
}

fn let_go(draft: &mut Draft<'_>, group: &SecurityGroup, key: &ResourceKey) {
    let reason = "no profile needs the security group any more";
    let obstacle = obstacle(draft, group, &BTreeSet::new());
    draft.let_go(group.group_id.as_str(), key, reason, |_| {
        let action = Action::SecurityGroup(SecurityGroupChange::Delete {
            id: group.group_id.clone(),
        });
        PlannedAction::new(action, Serves::Vpc, reason).waiting_for(obstacle)
    });
}

/// What still uses a group, so that EC2 would refuse to delete it, but for
/// rules of groups that go with it.
pub(super) fn obstacle(draft: &Draft<'_>, group: &SecurityGroup, going: &BTreeSet<&SecurityGroupId>) -> Option<String> {
    let snapshot = draft.snapshot;
    let interfaces: Vec<String> = snapshot
        .network_interfaces
        .values()
        .filter(|interface| interface.groups.iter().any(|member| member.group_id == group.group_id))
        .map(|interface| interface.described())
        .collect();
    if !interfaces.is_empty() {
        let running = consumers::with_group(snapshot, &group.group_id);
        let runs = if running.is_empty() {
            String::new()
        } else {
            format!(" With it run {}.", listed(running))
        };
        return Some(format!(
            "Security group {} is still used by {}.{runs} SageMaker's interfaces outlive their workload by some minutes; \
             stop what still runs, and delete interfaces that nobody uses.",
            group.group_id,
            listed(interfaces)
        ));
    }
    let referring: Vec<&SecurityGroupId> = snapshot
        .security_groups
        .values()
        .filter(|other| other.group_id != group.group_id && !going.contains(&other.group_id))
        .filter(|other| {
            other
                .rules()
                .iter()
                .any(|rule| matches!(&rule.peer, Peer::Group { id, .. } if *id == group.group_id))
        })
        .map(|other| &other.group_id)
        .collect();
    (!referring.is_empty()).then(|| {
        format!(
            "Security group {} is still named in rules of {}: remove those rules.",
            group.group_id,
            listed(referring)
        )
    })
}
