//! Whether a workload's subnets span the availability zones that it needs: only
//! those count in which EC2 offers its instance type. A type that nobody saw
//! offered anywhere narrows nothing.
//!
//! See <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-discovery.html>.

use std::collections::BTreeSet;

use super::{draft::Draft, resolved::ResolvedProfile};
use crate::{
    api::Reason,
    catalog::{Symptom, ec2_instance_type},
    observed::{Subnet, VpcSnapshot},
    report::{Concern, Finding, Weight},
    types::listed,
    validate::ValidWorkload,
};

/// Whether instances of the workload can be in the subnet, as far as is known.
pub(super) fn can_be_in(snapshot: &VpcSnapshot, workload: &ValidWorkload, subnet: &Subnet) -> bool {
    let offered = |name: &String| snapshot.offers(subnet, ec2_instance_type(name));
    workload.instance_type.as_ref().and_then(offered) != Some(false)
}

/// Reports too few zones, and zones that do not have the workload's type.
pub(super) fn judge<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>) {
    if resolved.subnets.is_empty() {
        return;
    }
    let snapshot = draft.snapshot;
    let zones = |subnets: &[&'a Subnet]| -> BTreeSet<_> {
        let of_each = subnets.iter();
        of_each
            .filter_map(|subnet| subnet.availability_zone_id.as_ref())
            .collect()
    };
    let all = zones(&resolved.subnets);
    // Those without a type of their own lack the same, and are told together.
    let needed = |workload: &ValidWorkload| workload.kind.availability_zones(workload.options);
    let concerned = resolved.indices(|workload| needed(workload) > all.len());
    if let Some(first) = concerned.first() {
        let workload = &resolved.profile().workloads[*first];
        let whose = if workload.options.shadow_endpoint {
            " for its shadow endpoint"
        } else {
            ""
        };
        let message = format!(
            "{} needs subnets in at least {} availability zones{whose}, even for one instance, and {} {} in {}: add a \
             subnet of another zone.",
            workload.kind,
            needed(workload),
            listed(resolved.subnets.iter().map(|subnet| &subnet.subnet_id)),
            if resolved.subnets.len() == 1 { "is" } else { "are all" },
            listed(all),
        );
        let scope = resolved.block(&concerned);
        let symptom = Some(Symptom::TooFewZones);
        draft.find(Concern::Subnets, scope, Reason::TooFewZones, symptom, message);
    }
    for index in resolved.indices(|workload| workload.instance_type.is_some()) {
        if !concerned.contains(&index) {
            judge_type(draft, resolved, index, snapshot);
        }
    }
}

/// Reports where the type of a workload's instances is not offered.
fn judge_type<'a>(draft: &mut Draft<'a>, resolved: &mut ResolvedProfile<'a>, index: usize, snapshot: &VpcSnapshot) {
    let workload = &resolved.profile().workloads[index];
    let Some(instance_type) = workload.instance_type.clone() else {
        return;
    };
    let (with, without): (Vec<&Subnet>, Vec<&Subnet>) = resolved
        .subnets
        .iter()
        .partition(|subnet| can_be_in(snapshot, workload, subnet));
    if without.is_empty() {
        return;
    }
    let zones: BTreeSet<_> = with
        .iter()
        .filter_map(|subnet| subnet.availability_zone_id.as_ref())
        .collect();
    let needed = workload.kind.availability_zones(workload.options);
    let suffices = needed <= zones.len();
    let described = |subnets: &[&Subnet]| {
        listed(subnets.iter().map(|subnet| match &subnet.availability_zone_id {
            Some(zone) => format!("{} ({zone})", subnet.subnet_id),
            None => subnet.subnet_id.to_string(),
        }))
    };
    let there = if with.is_empty() {
        String::new()
    } else {
        format!(", only in that of {}", described(&with))
    };
    let effect = match (suffices, needed) {
        (true, _) => format!(
            "instances of {name} cannot be there, and its vpcConfig leaves {} out",
            if without.len() == 1 { "it" } else { "them" },
            name = workload.name,
        ),
        (false, 1) => format!("so nowhere that {} may run", workload.name),
        (false, _) => format!(
            "and {} needs {needed} zones that offer it, even for one instance",
            workload.kind
        ),
    };
    let message = format!(
        "EC2 does not offer {instance_type} in the availability zone of {}{there}: {effect}.",
        described(&without),
    );
    let fix = format!(
        "`aws ec2 describe-instance-type-offerings --location-type availability-zone-id --filters \
         Name=instance-type,Values={}` lists the zones that do: add a subnet of one of them, or choose another type.",
        ec2_instance_type(&instance_type),
    );
    let places = [index];
    let finding = if suffices {
        let ids = without.iter().map(|subnet| subnet.subnet_id.clone()).collect();
        resolved.left_out.insert(index, ids);
        let scope = resolved.scope_of(&places.into_iter().collect());
        Finding::new(Concern::Subnets, scope, Reason::TooFewZones, message).weighing(Weight::Advice)
    } else {
        let symptom = if needed > 1 {
            Symptom::TooFewZones
        } else {
            Symptom::ZoneWithoutType
        };
        let scope = resolved.block(&places);
        Finding::new(Concern::Subnets, scope, Reason::TooFewZones, message).showing(symptom)
    };
    draft.push(finding.mended_by(fix));
}
