//! Whether what a profile has suits the kinds of its workloads: how many
//! subnets, in which zones, private or not, the VPC's tenancy, and how many
//! security groups of the team's own.

use std::collections::BTreeSet;

use super::{draft::Draft, zones};
use crate::{
    api::Reason,
    catalog::{MAX_SECURITY_GROUPS, Need},
    observed::{RouteTable, Tenancy, Word},
    plan::resolved::ResolvedProfile,
    report::{Concern, Finding, Scope, Weight},
    types::{RouteTableId, SubnetId, listed},
    validate::{SecurityGroups, ValidWorkload},
};

/// Reports what keeps workloads from running there, and notes which.
pub(super) fn judge<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    judge_number(draft, resolved);
    judge_tenancy(draft, resolved);
    zones::judge(draft, resolved);
    judge_privacy(draft, resolved);
    judge_own_groups(draft, resolved);
    judge_sharing(draft, resolved);
    note_direct_internet_access(draft, resolved);
}

/// Whether each kind takes as many subnets as there are. For a kind that takes
/// one, one is chosen.
fn judge_number(draft: &mut Draft<'_>, resolved: &mut ResolvedProfile<'_>) {
    let count = resolved.subnets.len();
    let most_of = |workload: &ValidWorkload| workload.kind.requirements().subnets.1;
    let concerned = resolved.indices(|workload| most_of(workload) > 1 && most_of(workload) < count);
    let Some(most) = concerned
        .iter()
        .map(|index| most_of(&resolved.profile().workloads[*index]))
        .min()
    else {
        return;
    };
    let message =
        format!("{count} subnets are in use and SageMaker takes at most {most}: narrow spec.subnets of this profile.");
    let scope = if concerned.len() == resolved.profile().workloads.len() {
        resolved.block_all()
    } else {
        resolved.block(&concerned)
    };
    draft.find(Concern::Subnets, scope, Reason::TooManySubnets, None, message);
}

fn judge_tenancy<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    let vpc = &draft.snapshot.vpc;
    let is_default = vpc
        .instance_tenancy
        .as_ref()
        .is_none_or(|tenancy| *tenancy == Tenancy::Default);
    let concerned = resolved.indices(|workload| workload.kind.requirements().default_tenancy);
    if is_default || concerned.is_empty() {
        return;
    }
    let kinds: BTreeSet<_> = concerned
        .iter()
        .map(|index| resolved.profile().workloads[*index].kind)
        .collect();
    let message = format!(
        "{} has instance tenancy {}, and {} runs only in a VPC of default tenancy.",
        vpc.vpc_id,
        vpc.instance_tenancy.as_ref().map_or("unknown", Word::as_str),
        listed(kinds),
    );
    let fix = format!(
        "Change it with `aws ec2 modify-vpc-tenancy --vpc-id {} --instance-tenancy default`, or use another VPC.",
        vpc.vpc_id
    );
    let scope = resolved.block(&concerned);
    draft.push(
        Finding::new(Concern::Subnets, scope, Reason::DedicatedTenancy, message)
            .mended_by(fix)
            .about(&vpc.vpc_id),
    );
}

/// Whether a subnet has a route that looks like a way out and is none.
fn judge_privacy<'a>(draft: &mut Draft<'a>, resolved: &ResolvedProfile<'a>) {
    let concerned = resolved.indices(|workload| workload.kind.requirements().private_subnets_advised);
    let is_public = |table: &RouteTableId| {
        draft
            .snapshot
            .route_tables
            .get(table)
            .is_some_and(RouteTable::is_public)
    };
    let public: Vec<String> = resolved
        .tables
        .iter()
        .filter(|(table, _)| is_public(table))
        .map(|(table, subnets)| format!("{} (through {table})", listed(subnets)))
        .collect();
    if concerned.is_empty() || public.is_empty() {
        return;
    }
    let kinds: BTreeSet<_> = concerned
        .iter()
        .map(|index| resolved.profile().workloads[*index].kind)
        .collect();
    let message = format!(
        "{} {} a route to an internet gateway, and AWS advises private subnets for {}: SageMaker gives its interfaces \
         no public address, so that route leads nowhere. Choose private subnets in spec.subnets, unless nothing on the \
         internet is needed.",
        listed(&public),
        if public.len() == 1 { "has" } else { "have" },
        listed(kinds),
    );
    let behind: Vec<&SubnetId> = resolved
        .tables
        .iter()
        .filter(|(table, _)| is_public(table))
        .flat_map(|(_, subnets)| subnets.iter().copied())
        .collect();
    let scope = resolved.scope_of(&concerned.into_iter().collect());
    let finding = Finding::new(Concern::Subnets, scope, Reason::PublicSubnet, message).weighing(Weight::Advice);
    draft.push(match behind.as_slice() {
        [only] => finding.about(only),
        _ => finding,
    });
}

/// Whether the team's own security groups are there. What they admit is judged
/// later.
fn judge_own_groups<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    let snapshot = draft.snapshot;
    let vpc = &snapshot.vpc.vpc_id;
    let SecurityGroups::Own(ids) = &resolved.network.profile.security_groups else {
        return;
    };
    for id in ids.iter().filter(|id| !snapshot.security_groups.contains_key(*id)) {
        let (reason, message) = match snapshot.security_groups_elsewhere.get(id) {
            Some(other) => (
                Reason::SecurityGroupInOtherVpc,
                format!("Security group {id}, named in spec.securityGroups, belongs to {other}: name one of {vpc}."),
            ),
            None => (
                Reason::SecurityGroupMissing,
                format!(
                    "Security group {id}, named in spec.securityGroups, does not exist in this account and region: \
                     correct the id, or remove the field so that sagevpc makes and keeps a group."
                ),
            ),
        };
        let scope = resolved.block_all();
        draft.push(Finding::new(Concern::SecurityGroups, scope, reason, message).about(id));
    }
    judge_number_of_groups(draft, resolved, ids.len());
}

/// Whether each kind takes as many groups as the team brings.
fn judge_number_of_groups(draft: &mut Draft<'_>, resolved: &mut ResolvedProfile<'_>, count: usize) {
    let most_of = |workload: &ValidWorkload| workload.kind.requirements().security_groups;
    // The client group of an accelerator is told of where it is planned.
    let gets_another = |workload: &ValidWorkload| workload.kind.requirements().needs.contains(&Need::ElasticInference);
    for index in resolved.indices(|workload| most_of(workload) < count && !gets_another(workload)) {
        let workload = &resolved.profile().workloads[index];
        let message = format!(
            "spec.securityGroups names {count} groups, and {} takes at most {}, for an interface takes \
             {MAX_SECURITY_GROUPS} in all: name fewer, or give workload {} a profile of its own.",
            workload.kind,
            most_of(workload),
            workload.name
        );
        let scope = resolved.block(&[index]);
        draft.find(
            Concern::SecurityGroups,
            scope,
            Reason::TooManySecurityGroups,
            None,
            message,
        );
    }
}

/// Whether people share a security group, which lets each of them into the
/// others' applications.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html>.
fn judge_sharing(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>) {
    let profile = resolved.profile();
    let users = resolved.indices(|workload| workload.kind.requirements().instances_are_users);
    let each_has_its_own = profile.security_groups == SecurityGroups::PerWorkload;
    let shares = |index: &usize| profile.workloads[*index].instances > 1 || (users.len() > 1 && !each_has_its_own);
    let sharing: BTreeSet<usize> = users.iter().copied().filter(shares).collect();
    if sharing.is_empty() {
        return;
    }
    let names = sharing.iter().map(|index| &profile.workloads[*index].name);
    let message = format!(
        "The user profiles of {} share a security group, which lets each user into the others' applications: AWS \
         advises a distinct group for each user profile. Declare a workload of one instance for each user, set \
         spec.securityGroups.managed to PerWorkload, and give each user profile the vpcConfig of its own workload.",
        listed(names)
    );
    let scope = resolved.scope_of(&sharing);
    let finding = Finding::new(Concern::SecurityGroups, scope, Reason::SharedSecurityGroup, message);
    draft.push(finding.weighing(Weight::Advice));
}

/// A notebook instance with a way to the internet of its own uses the VPC for
/// what is in the VPC, and nothing else.
fn note_direct_internet_access(draft: &mut Draft<'_>, resolved: &ResolvedProfile<'_>) {
    for workload in &resolved.profile().workloads {
        if !workload.direct_internet_access {
            continue;
        }
        let message = format!(
            "Workload {} has directInternetAccess: its traffic to S3 and to the internet goes through SageMaker's own \
             VPC, so neither the S3 endpoint's policy nor security groups hold for it. Remove the field, and set \
             DirectInternetAccess to Disabled, to send all of it through {}.",
            workload.name, draft.network.vpc.vpc_id
        );
        let scope = Scope::Workloads(resolved.key().clone(), vec![workload.name.clone()]);
        draft.push(
            Finding::new(Concern::S3, scope, Reason::DirectInternetAccess, message)
                .about(&workload.name)
                .weighing(Weight::Advice),
        );
    }
}
