//! Who wrote `spec.approvedPlan`, as the API server noted it: told beside what
//! was approved, and never asked when something is decided, for a client names
//! itself as it likes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, ObjectMeta};
use serde_json::{Value, json};

use sagevpc_core::{api::SageMakerVpc, types::shortened};

/// Characters that name who approved.
const MAX_NAME: usize = 64;

/// Keeps of the managed fields who wrote the approval, and nothing else.
pub(super) fn keep(meta: &mut ObjectMeta) {
    let entries = meta.managed_fields.take().unwrap_or_default().into_iter();
    let writers: Vec<ManagedFieldsEntry> = entries
        .filter(writes_approval)
        .map(|entry| ManagedFieldsEntry {
            manager: entry.manager,
            time: entry.time,
            fields_v1: Some(FieldsV1(json!({ "f:spec": { "f:approvedPlan": {} } }))),
            ..ManagedFieldsEntry::default()
        })
        .collect();
    meta.managed_fields = (!writers.is_empty()).then_some(writers);
}

fn writes_approval(entry: &ManagedFieldsEntry) -> bool {
    let fields = entry.fields_v1.as_ref().map(|FieldsV1(fields)| fields);
    fields
        .and_then(|fields| fields.pointer("/f:spec/f:approvedPlan"))
        .is_some_and(Value::is_object)
}

/// The field manager that wrote the approval last.
pub(crate) fn approver(vpc: &SageMakerVpc) -> Option<String> {
    let entries = vpc.metadata.managed_fields.iter().flatten();
    let last = entries
        .filter(|entry| writes_approval(entry))
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    let name = last.manager.as_deref()?;
    Some(shortened(name, MAX_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpc() -> SageMakerVpc {
        serde_json::from_value(json!({
            "apiVersion": "sagevpc.dev/v1alpha1",
            "kind": "SageMakerVpc",
            "metadata": { "name": "research", "managedFields": [
                { "manager": "argocd", "operation": "Apply", "time": "2026-01-01T12:00:00Z",
                  "fieldsV1": { "f:spec": { "f:region": {}, "f:approvedPlan": {} } } },
                { "manager": "kubectl-patch", "operation": "Update", "time": "2026-01-01T13:00:00Z",
                  "fieldsV1": { "f:spec": { "f:approvedPlan": {} } } },
                { "manager": "sagevpc", "operation": "Update", "time": "2026-01-01T14:00:00Z",
                  "fieldsV1": { "f:status": { "f:conditions": {} } } },
            ] },
            "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
        }))
        .unwrap()
    }

    #[test]
    fn who_wrote_the_approval_last_is_told_and_nothing_else_is_kept() {
        let mut vpc = vpc();
        assert_eq!(approver(&vpc).as_deref(), Some("kubectl-patch"));
        keep(&mut vpc.metadata);
        assert_eq!(approver(&vpc).as_deref(), Some("kubectl-patch"));
        let kept = serde_json::to_string(&vpc.metadata.managed_fields).unwrap();
        assert!(!kept.contains("region") && !kept.contains("conditions"), "{kept}");
        vpc.metadata.managed_fields = None;
        assert_eq!(approver(&vpc), None);
    }
}
