//! Fields that an object's schema does not know are refused, as the API server
//! does with strict validation: a name that is typed wrong would else change
//! nothing and say nothing.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::Value;

/// What metadata of objects has, what servers add included.
///
/// See <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Says which field of an object its kind does not have. Status is the
/// controller's to write, maybe another version's.
pub(super) fn check(object: &Value, crd: &CustomResourceDefinition) -> Result<(), String> {
    let Value::Object(fields) = object else { return Ok(()) };
    const PARTS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    known("", fields.keys(), &PARTS)?;
    if let Some(Value::Object(metadata)) = fields.get("metadata") {
        known("metadata.", metadata.keys(), &METADATA)?;
    }
    let versions = crd.spec.versions.iter();
    let mut schemas = versions.filter_map(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
    let spec = schemas
        .next()
        .and_then(|schema| schema.properties.as_ref()?.get("spec"));
    match (fields.get("spec"), spec) {
        (Some(value), Some(schema)) => walk("spec", value, schema),
        (Some(_) | None, _) => Ok(()),
    }
}

fn known<'k>(path: &str, fields: impl Iterator<Item = &'k String>, known: &[&str]) -> Result<(), String> {
    for field in fields {
        if !known.contains(&field.as_str()) {
            return Err(unknown(path, field, known.iter().copied()));
        }
    }
    Ok(())
}

fn unknown<'k>(path: &str, field: &str, known: impl Iterator<Item = &'k str>) -> String {
    match near(field, known) {
        Some(meant) => format!("unknown field {path}{field}; did you mean {meant}?"),
        None => format!("unknown field {path}{field}"),
    }
}

/// The one among the known names that was most likely meant.
fn near<'k>(field: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    const ALIKE: f64 = 0.85;
    let likeness = known.map(|name| (strsim::jaro_winkler(field, name), name));
    let nearest = likeness.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (nearest.0 >= ALIKE).then_some(nearest.1)
}

fn walk(path: &str, value: &Value, schema: &JSONSchemaProps) -> Result<(), String> {
    if schema.x_kubernetes_preserve_unknown_fields == Some(true) {
        return Ok(());
    }
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let below = format!("{path}.{field}");
                let own = schema.properties.as_ref().and_then(|properties| properties.get(field));
                match (own, &schema.additional_properties) {
                    (Some(own), _) => walk(&below, value, own)?,
                    (None, Some(JSONSchemaPropsOrBool::Schema(any))) => walk(&below, value, any)?,
                    (None, Some(JSONSchemaPropsOrBool::Bool(true))) => {}
                    (None, Some(JSONSchemaPropsOrBool::Bool(false)) | None) => {
                        let names = schema.properties.iter().flat_map(|properties| properties.keys());
                        return Err(unknown(&format!("{path}."), field, names.map(String::as_str)));
                    }
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(of_items)) = &schema.items {
                for (place, item) in items.iter().enumerate() {
                    walk(&format!("{path}[{place}]"), item, of_items)?;
                }
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
