//! Elastic Inference: its endpoint and the two groups around it, and what to do
//! where the service is gone.
//!
//! See <https://docs.aws.amazon.com/sagemaker/latest/dg/ei-setup.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    disruption,
    draft::Draft,
    endpoints::{
        self, Dns, EndpointGroup, EndpointNeed, Setting,
        elastic::{Workloads, need, services_were_seen, workloads},
        finish_group, keep, let_go_groups, place, prepare_group, serves,
    },
    group_rules::Keeping,
};
use crate::{
    api::Reason,
    catalog::{MAX_SECURITY_GROUPS, Symptom, WorkloadKind},
    desired::group_name,
    observed::VpcEndpoint,
    plan::{
        kept::HeldThing,
        resolved::{ResolvedProfile, WorkloadGroups},
    },
    report::Concern,
    types::{Direction, Peer, ResourceKey, Rule, listed},
    validate::SecurityGroups,
};

const CONCERN: Concern = Concern::ElasticInference;
const CLIENT: ResourceKey = ResourceKey::ElasticInferenceClient;
const ENDPOINT: ResourceKey = ResourceKey::ElasticInferenceEndpoint;

/// Notes the client group as one of those of the workloads.
pub(super) fn plan(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], known: &mut WorkloadGroups) {
    let workloads = workloads(profiles);
    let need = need(draft, profiles);
    let frozen = draft.keeping.has(HeldThing::ElasticInference);
    let Some(need) = need else {
        report_retirement(draft, &workloads);
        if !frozen {
            let reason = "no workload uses Elastic Inference any more";
            let_go_groups(draft, &[CLIENT, ENDPOINT], reason);
        }
        return;
    };
    report_full_interfaces(draft, profiles, &workloads);
    let client = match endpoints::serving(draft, &need) {
        Some(endpoint) => use_found(draft, &workloads, &need, endpoint, frozen),
        None => keep_own(draft, &workloads, &need, frozen),
    };
    if let Some(Peer::Group { id, .. }) = client {
        for resolved in profiles {
            if let Some((_, places)) = workloads.get(resolved.key()) {
                known.note(resolved, places.iter().copied(), [&id]);
            }
        }
    }
}

fn report_retirement(draft: &mut Draft<'_>, workloads: &Workloads<'_>) {
    let region = &draft.network.vpc.region;
    let (reason, message) = if services_were_seen(draft) {
        let message = format!(
            "Elastic Inference is not offered in {region}: AWS shut it down in April 2024. Host the model on instances \
             with AWS Inferentia (ml.inf2) or a GPU (ml.g4dn, ml.g5) instead: drop the accelerator, and change the \
             workload's kind to Hosting, or to Notebook for a notebook instance."
        );
        (Reason::ServiceRetired, message)
    } else {
        let message = format!(
            "Whether Elastic Inference is offered in {region} was not seen: allow the controller's role \
             ec2:DescribeVpcEndpointServices, or add VpcEndpointServices.json to the snapshot."
        );
        (Reason::ServiceNotFound, message)
    };
    for (scope, _) in workloads.values() {
        draft.find(CONCERN, scope.clone(), reason, None, message.clone());
    }
}

/// A network interface carries five groups, and the client group is one.
fn report_full_interfaces(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], workloads: &Workloads<'_>) {
    for resolved in profiles {
        let Some((scope, _)) = workloads.get(resolved.key()) else {
            continue;
        };
        let SecurityGroups::Own(ids) = &resolved.profile().security_groups else {
            continue;
        };
        if ids.len() < MAX_SECURITY_GROUPS {
            continue;
        }
        let message = format!(
            "spec.securityGroups names {}, and a workload with an accelerator gets the group {CLIENT} besides, where \
             SageMaker takes {MAX_SECURITY_GROUPS} in all: name one fewer.",
            listed(ids)
        );
        draft.find(CONCERN, scope.clone(), Reason::InvalidSpec, None, message);
    }
}

/// The groups as they are kept.
fn keeping<'k>(key: &'k ResourceKey, name: &'k str, workloads: &Workloads<'_>) -> Keeping<'k> {
    let is_client = *key == CLIENT;
    Keeping {
        key,
        name,
        description: if is_client {
            "Callers of Elastic Inference. Managed by sagevpc."
        } else {
            "The Elastic Inference endpoint. Managed by sagevpc."
        },
        serves: serves(workloads.keys().copied()),
        concern: CONCERN,
        whose: "accelerators",
        symptom: |_, _| Some(Symptom::NoWayToServices),
        hit: if is_client {
            |loss| disruption::of_lost_rules(loss.snapshot, &loss.group.group_id)
        } else {
            endpoints::of_lost_admission
        },
    }
}

/// Our own endpoint, with both groups. Each group's rules name the other, so
/// both are made before either gets its rules.
fn keep_own(draft: &mut Draft<'_>, workloads: &Workloads<'_>, need: &EndpointNeed<'_>, frozen: bool) -> Option<Peer> {
    let present = endpoints::present(draft, need);
    let zones = place(draft.snapshot, need, &present, None, &BTreeMap::new())
        .all()
        .len();
    let fewest = WorkloadKind::ElasticInference.requirements().availability_zones;
    let scopes = need.scopes();
    if zones < fewest {
        let offered = need.service.zones().unwrap_or_default();
        let message = format!(
            "Elastic Inference needs its endpoint in at least {fewest} availability zones that offer it, and the \
             subnets in use are in {zones} of these ({}): choose subnets in more of them in spec.subnets.",
            listed(offered)
        );
        for scope in &scopes {
            draft.find(CONCERN, scope.clone(), Reason::TooFewZones, None, message.clone());
        }
        if present.is_empty() {
            return None;
        }
    }
    let ownership = &draft.network.vpc.ownership;
    let names = (group_name(&CLIENT, ownership), group_name(&ENDPOINT, ownership));
    let of_client = keeping(&CLIENT, &names.0, workloads);
    let of_endpoint = keeping(&ENDPOINT, &names.1, workloads);
    let client = prepare_group(draft, &of_client, &scopes);
    let endpoint = prepare_group(draft, &of_endpoint, &scopes);
    let (Some(client), Some(endpoint)) = (client, endpoint) else {
        return None;
    };
    let out = BTreeSet::from([Rule::all(Direction::Egress, endpoint.peer())]);
    let mut rules = BTreeSet::from([Rule::all(Direction::Ingress, client.peer())]);
    rules.extend(everywhere(draft).map(|peer| Rule::all(Direction::Egress, peer)));
    let let_in = finish_group(draft, &of_endpoint, &endpoint, &rules);
    finish_group(draft, &of_client, &client, &out);

    let group = EndpointGroup {
        target: endpoint.target(),
        ready: let_in,
        rules,
    };
    let setting = Setting {
        concern: CONCERN,
        group: Some(&group),
        dns: &Dns::of(draft),
        frozen,
    };
    keep(draft, need, &setting);
    Some(client.peer())
}

/// Somebody else's endpoint: the client group leads to the groups that it has.
fn use_found(
    draft: &mut Draft<'_>,
    workloads: &Workloads<'_>,
    need: &EndpointNeed<'_>,
    endpoint: &VpcEndpoint,
    frozen: bool,
) -> Option<Peer> {
    let name = group_name(&CLIENT, &draft.network.vpc.ownership);
    let of_client = keeping(&CLIENT, &name, workloads);
    let client = prepare_group(draft, &of_client, &need.scopes());
    if let Some(client) = &client {
        let groups = endpoint.groups.iter().map(|group| Peer::Group {
            id: group.group_id.clone(),
            owner: None,
        });
        let out = groups.map(|peer| Rule::all(Direction::Egress, peer)).collect();
        finish_group(draft, &of_client, client, &out);
    }
    let setting = Setting {
        concern: CONCERN,
        group: None,
        dns: &Dns::of(draft),
        frozen,
    };
    keep(draft, need, &setting);
    if !frozen {
        let_go_groups(draft, &[ENDPOINT], "another endpoint serves Elastic Inference");
    }
    client.map(|client| client.peer())
}

/// All addresses, of both families where the VPC has both: a new group lets out
/// to these.
fn everywhere(draft: &Draft<'_>) -> impl Iterator<Item = Peer> + use<> {
    let has_ipv6 = draft.snapshot.vpc.cidrs().any(|cidr| cidr.addr().is_ipv6());
    let families = ["0.0.0.0/0", "::/0"];
    let count = if has_ipv6 { 2 } else { 1 };
    families
        .into_iter()
        .take(count)
        .filter_map(|all| all.parse().ok().map(Peer::Cidr))
}
