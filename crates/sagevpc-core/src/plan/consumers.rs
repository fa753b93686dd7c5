//! What runs in the VPC, and whether it uses anything outside any profile.
//!
//! SageMaker's network interfaces say what is used; its API says by what. What
//! runs on subnets or groups that no profile knows of is not kept in repair, and
//! takes addresses that nobody counted on.

use std::collections::BTreeSet;

use super::draft::Draft;
use crate::{
    api::{ConsumerStatus, ConsumersStatus, Discovery, Reason, bounds::MAX_CONSUMERS},
    observed::{Consumer, Discovered, NetworkInterface, SecurityGroup, VpcSnapshot},
    plan::resolved::{ResolvedProfile, WorkloadGroups},
    report::{Concern, Scope, Weight},
    types::{ProfileKey, SecurityGroupId, SubnetId, listed},
};

const CONCERN: Concern = Concern::Consumers;

/// Gives what runs in the VPC, and tells what runs there outside any profile.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    groups: &WorkloadGroups,
) -> ConsumersStatus {
    if draft.network.vpc.deleting {
        return ConsumersStatus::default();
    }
    let snapshot = draft.snapshot;
    let territories: Vec<Territory<'_>> = profiles
        .iter()
        .filter(|resolved| resolved.takes_part())
        .map(|resolved| Territory::of(resolved, groups))
        .collect();
    let summary = summary(snapshot, &territories);
    if draft.network.vpc.discovery == Discovery::Enabled {
        report_refusal(draft);
    }
    report_outsiders(draft, profiles, &territories);
    summary
}

/// The subnets and groups of one profile.
pub(super) struct Territory<'a> {
    pub(super) profile: &'a ProfileKey,
    subnets: BTreeSet<&'a SubnetId>,
    groups: BTreeSet<SecurityGroupId>,
}

impl<'a> Territory<'a> {
    pub(super) fn of(resolved: &ResolvedProfile<'a>, groups: &WorkloadGroups) -> Self {
        Self {
            profile: resolved.key(),
            subnets: resolved.subnets.iter().map(|subnet| &subnet.subnet_id).collect(),
            groups: groups.of_profile(resolved.key()).cloned().collect(),
        }
    }

    /// Whether something with these subnets and groups is one of the profile's
    /// workloads: it stays within the profile's subnets, and carries one of its
    /// groups and no other but what SageMaker adds.
    fn holds<'b>(
        &self,
        snapshot: &VpcSnapshot,
        mut subnets: impl Iterator<Item = &'b SubnetId>,
        groups: impl Iterator<Item = &'b SecurityGroupId>,
    ) -> bool {
        let groups: Vec<&SecurityGroupId> = groups.filter(|group| !is_sagemakers(snapshot, group)).collect();
        subnets.all(|subnet| self.subnets.contains(subnet))
            && !groups.is_empty()
            && groups.iter().all(|group| self.groups.contains(*group))
    }

    pub(super) fn holds_interface(&self, snapshot: &VpcSnapshot, interface: &NetworkInterface) -> bool {
        let groups = interface.groups.iter().map(|group| &group.group_id);
        self.holds(snapshot, std::iter::once(&interface.subnet_id), groups)
    }

    fn holds_consumer(&self, snapshot: &VpcSnapshot, consumer: &Consumer) -> bool {
        self.holds(snapshot, consumer.subnets.iter(), consumer.security_group_ids.iter())
    }
}

pub(super) fn is_sagemakers(snapshot: &VpcSnapshot, group: &SecurityGroupId) -> bool {
    snapshot
        .security_groups
        .get(group)
        .is_some_and(SecurityGroup::is_sagemakers)
}

fn summary(snapshot: &VpcSnapshot, territories: &[Territory<'_>]) -> ConsumersStatus {
    let consumers = snapshot.discovered.consumers();
    let listed = consumers.iter().take(MAX_CONSUMERS).map(|consumer| ConsumerStatus {
        kind: consumer.kind.as_str().to_owned(),
        name: consumer.name.clone(),
        instances: consumer.instances,
        subnets: consumer.subnets.iter().cloned().collect(),
        security_group_ids: consumer.security_group_ids.iter().cloned().collect(),
        profile: territories
            .iter()
            .find(|territory| territory.holds_consumer(snapshot, consumer))
            .map(|territory| territory.profile.to_string()),
    });
    ConsumersStatus {
        network_interfaces: count(snapshot.sagemakers_interfaces().count()),
        total: count(consumers.len()),
        listed: listed.collect(),
    }
}

fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

/// Without an answer everything works but the names.
fn report_refusal(draft: &mut Draft<'_>) {
    let Discovered::Refused { message, denied } = &draft.snapshot.discovered else {
        return;
    };
    let (reason, fix) = if *denied {
        (
            Reason::AccessDenied,
            " Or switch the search off with spec.discovery: Disabled.",
        )
    } else {
        (Reason::Unreachable, "")
    };
    let message =
        format!("What runs in the VPC cannot be named, only counted by its network interfaces: {message}{fix}");
    draft.find_weighing(Weight::Aside, CONCERN, Scope::SageMakerVpc, reason, message);
}

/// Whether the subnet is one of a profile's.
fn is_in_use(profiles: &[ResolvedProfile<'_>], subnet: &SubnetId) -> bool {
    profiles
        .iter()
        .flat_map(|resolved| &resolved.subnets)
        .any(|used| used.subnet_id == *subnet)
}

/// Whether a group of ours is among these: a profile's, though it may be one
/// that is leaving, or is refused for now.
fn has_group_of_ours<'a>(draft: &Draft<'_>, mut groups: impl Iterator<Item = &'a SecurityGroupId>) -> bool {
    groups.any(|id| draft.claims.is_ours(id.as_str()))
}

/// What uses a subnet or group that is no profile's: by name where it is known,
/// else by its interfaces. What has a group of ours on a profile's subnets is
/// left out, for its profile may be leaving.
fn report_outsiders(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], territories: &[Territory<'_>]) {
    let snapshot = draft.snapshot;
    let consumers: Vec<&Consumer> = snapshot
        .discovered
        .consumers()
        .iter()
        .filter(|consumer| {
            !territories
                .iter()
                .any(|territory| territory.holds_consumer(snapshot, consumer))
        })
        .filter(|consumer| {
            !has_group_of_ours(draft, consumer.security_group_ids.iter())
                || !consumer.subnets.iter().all(|subnet| is_in_use(profiles, subnet))
        })
        .collect();
    let nameless: Vec<&NetworkInterface> = snapshot
        .sagemakers_interfaces()
        // None is without a group, unless nobody looked.
        .filter(|interface| !interface.groups.is_empty())
        .filter(|interface| {
            !territories
                .iter()
                .any(|territory| territory.holds_interface(snapshot, interface))
        })
        .filter(|interface| {
            !has_group_of_ours(draft, interface.groups.iter().map(|group| &group.group_id))
                || !is_in_use(profiles, &interface.subnet_id)
        })
        .filter(|interface| !consumers.iter().any(|consumer| explains(consumer, interface)))
        .collect();
    if consumers.is_empty() && nameless.is_empty() {
        return;
    }
    let who = listed(
        consumers
            .iter()
            .map(|consumer| {
                format!(
                    "{consumer} on {} with {}",
                    listed(&consumer.subnets),
                    listed(&consumer.security_group_ids)
                )
            })
            .chain(nameless.iter().map(|interface| {
                format!(
                    "{} on {} with {}",
                    interface.described(),
                    interface.subnet_id,
                    listed(interface.groups.iter().map(|group| &group.group_id))
                )
            })),
    );
    let message = format!(
        "SageMaker runs in {} on subnets or security groups that belong to no profile: {who}. Nothing there is kept in \
         repair: declare it in a SageMakerVpcProfile, or start it again with the vpcConfig of one.",
        snapshot.vpc.vpc_id
    );
    let scope = Scope::SageMakerVpc;
    draft.find_weighing(Weight::Aside, CONCERN, scope, Reason::OutsideProfiles, message);
}

/// Whether the interface may be one of the consumer's.
pub(super) fn explains(consumer: &Consumer, interface: &NetworkInterface) -> bool {
    consumer.subnets.contains(&interface.subnet_id)
        && interface
            .groups
            .iter()
            .any(|group| consumer.security_group_ids.contains(&group.group_id))
}

/// The names of what runs with this security group, for a message on what holds
/// it.
pub(super) fn with_group(snapshot: &VpcSnapshot, group: &SecurityGroupId) -> Vec<String> {
    snapshot
        .discovered
        .consumers()
        .iter()
        .filter(|consumer| consumer.security_group_ids.contains(group))
        .map(ToString::to_string)
        .collect()
}
