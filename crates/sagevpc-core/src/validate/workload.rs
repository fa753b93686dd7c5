//! Whether a workload has the form that the schema holds it to, for those that
//! no API server saw.

use crate::api::Workload;

/// What is wrong with it.
pub(super) fn form(workload: &Workload) -> Vec<String> {
    let Workload { name, kind, .. } = workload;
    let requirements = kind.requirements();
    let mut problems = Vec::new();
    if workload.instances == 0 {
        problems.push(format!("Workload {name:?} has 0 instances: give at least 1."));
    }
    if workload
        .shadow_endpoint
        .as_ref()
        .is_some_and(|shadow| shadow.instances == 0)
    {
        problems.push(format!(
            "The shadowEndpoint of workload {name:?} has 0 instances: give at least 1."
        ));
    }
    if workload.distributed && !requirements.may_be_distributed {
        problems.push(format!(
            "Workload {name:?} is distributed, which a {kind} is not: remove the field."
        ));
    }
    if workload.inter_container_encryption && !workload.distributed {
        problems.push(format!(
            "Workload {name:?} has interContainerEncryption and is not distributed, so that there is nothing to \
             encrypt: set distributed: true, or remove the field."
        ));
    }
    if let Some(name_of_type) = workload.instance_type.as_ref().filter(|name| !is_instance_type(name)) {
        problems.push(format!(
            "{name_of_type:?} of workload {name:?} is no instance type of SageMaker's: write one such as ml.p5.48xlarge."
        ));
    }
    let options = [
        (
            "interContainerEncryption",
            workload.inter_container_encryption,
            requirements.may_be_encrypted(),
        ),
        ("efa", workload.efa, requirements.addresses_with_efa.is_some()),
        (
            "directInternetAccess",
            workload.direct_internet_access,
            requirements.may_have_direct_internet_access,
        ),
        (
            "networkIsolation",
            workload.network_isolation,
            requirements.may_be_isolated,
        ),
        ("orchestrator", workload.orchestrator.is_some(), requirements.is_cluster),
        (
            "shadowEndpoint",
            workload.shadow_endpoint.is_some(),
            requirements.shadow_endpoint.is_some(),
        ),
    ];
    for (field, _, _) in options.into_iter().filter(|(_, is_set, is_taken)| *is_set && !is_taken) {
        problems.push(format!(
            "Workload {name:?} has {field}, which a {kind} does not take: remove the field."
        ));
    }
    problems
}

/// Whether the text has the form of an instance type's name.
fn is_instance_type(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_part = |part: &&str| {
        let admitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(admitted)
    };
    matches!(parts.as_slice(), ["ml", family, size] if is_part(family) && is_part(size))
}
