//! Objects out of YAML files, put together as the cluster would have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::Time};
use kube::{CustomResourceExt, Resource, ResourceExt};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    types::{CLUSTER_NAMESPACE, listed},
    validate::{ProfileReference, References},
};

mod strict;

/// The label with a namespace's name.
///
/// See <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Objects of several files.
#[derive(Debug, Default)]
pub struct Objects {
    vpcs: Vec<SageMakerVpc>,
    profiles: Vec<SageMakerVpcProfile>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// The UID of kube-system, where a file has it.
    cluster_uid: Option<String>,
    /// Kinds that have no part in the plan.
    others: BTreeSet<String>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// It is not YAML, or an object in it has not the form of its kind.
    #[error("{file}: {problem}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A profile refers to a SageMakerVpc that no file has.
    #[error(
        "profile {profile} refers to SageMakerVpc {vpc}, which is in none of the files: add the file that has it, \
         or correct spec.vpcRef.name"
    )]
    NoVpc {
        /// The profile, as namespace/name.
        profile: String,
        /// The SageMakerVpc's name.
        vpc: String,
    },
    /// No file has a SageMakerVpc.
    #[error("there is no SageMakerVpc in the files{found}: name a file that has one with -f")]
    Nothing {
        /// What is there instead, as a clause.
        found: String,
    },
}

/// A namespace that is in none of the files, and whose labels would say whether
/// a profile is admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNamespace {
    /// The SageMakerVpc that admits by labels.
    pub vpc: String,
    /// The namespace.
    pub namespace: String,
    /// Its profiles of that SageMakerVpc, by name.
    pub profiles: Vec<String>,
    /// The labels that are asked for, as `key=value`.
    pub labels: Vec<String>,
}

impl fmt::Display for UnknownNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            vpc,
            namespace,
            profiles,
            labels,
        } = self;
        write!(
            f,
            "Namespace {namespace} is in none of the files, so that nobody can tell whether SageMakerVpc {vpc} admits {}: \
             that hangs on the label {}. What follows holds if it has it; to know, add what `kubectl get namespace \
             {namespace} -o yaml` prints with -f.",
            listed(profiles),
            listed(labels)
        )
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "apiVersion")]
    api_version: String,
}

impl Objects {
    /// Adds the objects of one file. Kinds that have no part in the plan are
    /// passed over, so that whole folders of manifests can be given.
    ///
    /// # Errors
    ///
    /// [`ObjectsError::Unreadable`] when the text is not YAML or an object has
    /// not the form of its kind.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), ObjectsError> {
        let unreadable = |problem: String| ObjectsError::Unreadable {
            file: file.to_owned(),
            problem,
        };
        let documents = documents(text).map_err(|error| unreadable(error.to_string()))?;
        for (place, document) in documents.into_iter().enumerate() {
            if !document.is_null() {
                self.add_document(document)
                    .map_err(|problem| unreadable(format!("document {}: {problem}", place + 1)))?;
            }
        }
        Ok(())
    }

    /// Adds an object, or those of a list as `kubectl get` prints it.
    fn add_document(&mut self, document: Value) -> Result<(), String> {
        let Ok(head) = serde_json::from_value::<Head>(document.clone()) else {
            return Err("it is no Kubernetes object, which has apiVersion and kind".to_owned());
        };
        match (head.api_version.as_str(), head.kind.as_str()) {
            (OURS, "SageMakerVpc") => {
                let described = described("SageMakerVpc", &document);
                strict::check(&document, &SageMakerVpc::crd()).map_err(|error| format!("{described}: {error}"))?;
                self.vpcs
                    .push(object(document).map_err(|error| format!("{described}: {error}"))?);
            }
            (OURS, "SageMakerVpcProfile") => {
                let described = described("SageMakerVpcProfile", &document);
                strict::check(&document, &SageMakerVpcProfile::crd())
                    .map_err(|error| format!("{described}: {error}"))?;
                self.profiles
                    .push(object(document).map_err(|error| format!("{described}: {error}"))?);
            }
            ("v1", "Namespace") => {
                let described = described("Namespace", &document);
                let namespace: Namespace = object(document).map_err(|error| format!("{described}: {error}"))?;
                if namespace.name_any() == CLUSTER_NAMESPACE {
                    self.cluster_uid = namespace.uid();
                }
                self.namespaces
                    .insert(namespace.name_any(), namespace.metadata.labels.unwrap_or_default());
            }
            ("v1", "List" | "NamespaceList") | (OURS, "SageMakerVpcList" | "SageMakerVpcProfileList") => {
                let of = head.kind.trim_end_matches("List");
                let Some(Value::Array(items)) = document.get("items") else {
                    return Err(format!("{}: it has no items", head.kind));
                };
                for (place, item) in items.iter().enumerate() {
                    let item = with_head(item.clone(), &head.api_version, of);
                    self.add_document(item)
                        .map_err(|problem| format!("{}, items[{place}]: {problem}", head.kind))?;
                }
            }
            (version, kind @ ("SageMakerVpc" | "SageMakerVpcProfile")) => {
                let version = if version.is_empty() { "nothing" } else { version };
                return Err(format!("{kind}: apiVersion is {version}, and must be {OURS}"));
            }
            (_, "") => {
                return Err("it is no Kubernetes object, which has apiVersion and kind".to_owned());
            }
            (_, other) => {
                self.others.insert(other.to_owned());
            }
        }
        Ok(())
    }

    /// The UID of the cluster's namespace kube-system, where a file has it: the
    /// id of a cluster that is given none.
    pub fn cluster_uid(&self) -> Option<&str> {
        self.cluster_uid.as_deref()
    }

    /// Namespaces that are in none of the files and whose labels would say whether
    /// a profile is admitted.
    pub fn unknown_namespaces(&self) -> Vec<UnknownNamespace> {
        let mut unknown: BTreeMap<(String, String), UnknownNamespace> = BTreeMap::new();
        for profile in &self.profiles {
            let namespace = profile.namespace().unwrap_or_else(|| "default".to_owned());
            let name = &profile.spec.vpc_ref.name;
            let mut vpcs = self.vpcs.iter().filter(|vpc| vpc.name_any() == *name);
            let allowed = vpcs.next().and_then(|vpc| vpc.spec.allowed_namespaces.as_ref());
            let selector = allowed.and_then(|allowed| allowed.selector.as_ref());
            let labels: Vec<String> = selector
                .iter()
                .flat_map(|selector| &selector.match_labels)
                .filter(|(key, _)| *key != NAME_LABEL)
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            if labels.is_empty() || self.namespaces.contains_key(&namespace) {
                continue;
            }
            let found = unknown
                .entry((name.clone(), namespace.clone()))
                .or_insert_with(|| UnknownNamespace {
                    vpc: name.clone(),
                    namespace: namespace.clone(),
                    profiles: Vec::new(),
                    labels,
                });
            found.profiles.push(profile.name_any());
        }
        unknown.into_values().collect()
    }

    /// Each SageMakerVpc with what bears on it, as in a cluster of this id.
    ///
    /// Without a cluster, age follows from the order of files and objects. A
    /// namespace that is in none of the files is taken to have the labels that are
    /// asked for: whoever plans says so ([`Self::unknown_namespaces`]).
    ///
    /// # Errors
    ///
    /// When there is no SageMakerVpc, or not the one that a profile refers to.
    pub fn references(mut self, cluster: &str) -> Result<Vec<References>, ObjectsError> {
        if self.vpcs.is_empty() {
            let kinds = self.others.iter().map(String::as_str);
            let profiles = (!self.profiles.is_empty()).then_some("SageMakerVpcProfile");
            let namespaces = (!self.namespaces.is_empty()).then_some("Namespace");
            let found: Vec<&str> = profiles
                .into_iter()
                .chain(namespaces)
                .chain(kinds)
                .take(MOST_NAMED)
                .collect();
            let found = match found.as_slice() {
                [] => String::new(),
                found => format!(", which hold {}", found.join(", ")),
            };
            return Err(ObjectsError::Nothing { found });
        }
        rank(&mut self.vpcs);
        rank(&mut self.profiles);
        for profile in &mut self.profiles {
            profile.metadata.namespace.get_or_insert_with(|| "default".to_owned());
        }
        for profile in &self.profiles {
            let vpc = &profile.spec.vpc_ref.name;
            if !self.vpcs.iter().any(|object| object.name_any() == *vpc) {
                let namespace = profile.namespace().unwrap_or_default();
                let profile = format!("{namespace}/{}", profile.name_any());
                return Err(ObjectsError::NoVpc {
                    profile,
                    vpc: vpc.clone(),
                });
            }
        }
        Ok(self.vpcs.iter().map(|vpc| self.references_of(vpc, cluster)).collect())
    }

    fn references_of(&self, vpc: &SageMakerVpc, cluster: &str) -> References {
        let name = vpc.name_any();
        let selector = vpc
            .spec
            .allowed_namespaces
            .as_ref()
            .and_then(|allowed| allowed.selector.as_ref());
        let admitted = selector
            .map(|selector| selector.match_labels.clone())
            .unwrap_or_default();
        References {
            cluster: cluster.to_owned(),
            cluster_uid: self.cluster_uid.clone(),
            vpc: vpc.clone(),
            rivals: self
                .vpcs
                .iter()
                .filter(|other| other.name_any() != name && other.spec.vpc_id == vpc.spec.vpc_id)
                .cloned()
                .collect(),
            profiles: self
                .profiles
                .iter()
                .filter(|profile| profile.spec.vpc_ref.name == name)
                .map(|profile| ProfileReference {
                    namespace_labels: self.labels_of(profile, &admitted),
                    profile: profile.clone(),
                })
                .collect(),
        }
    }

    /// The labels of a profile's namespace, with the one that the API server sets.
    fn labels_of(
        &self,
        profile: &SageMakerVpcProfile,
        admitted: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let name = profile.namespace().unwrap_or_default();
        let mut labels = self.namespaces.get(&name).unwrap_or(admitted).clone();
        labels.entry(NAME_LABEL.to_owned()).or_insert(name);
        labels
    }
}

/// The version of our objects.
const OURS: &str = "sagevpc.dev/v1alpha1";

/// How many kinds are named in a message.
const MOST_NAMED: usize = 10;

/// An object's kind and name, for a message.
fn described(kind: &str, document: &Value) -> String {
    let name = document.pointer("/metadata/name").and_then(Value::as_str);
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
}

/// An item of a list, with what the list says of its items.
fn with_head(mut item: Value, version: &str, kind: &str) -> Value {
    if let (Value::Object(fields), false) = (&mut item, kind.is_empty()) {
        for (field, value) in [("apiVersion", version), ("kind", kind)] {
            fields.entry(field).or_insert_with(|| Value::from(value));
        }
    }
    item
}

/// The documents of a file, read by YAML 1.2's core schema: `n`, `no` and `on`
/// are names, and `1_000` is no number.
fn documents(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        legacy_octal_numbers: false,
        underscored_numbers_as_strings: true,
    };
    serde_saphyr::from_multiple_with_options(text, options)
}

fn object<T: DeserializeOwned>(document: Value) -> Result<T, String> {
    serde_json::from_value(document).map_err(|error| error.to_string())
}

/// Gives objects without a creation time one that follows their order.
fn rank<K: Resource>(objects: &mut [K]) {
    let mut time = Timestamp::UNIX_EPOCH;
    for object in objects {
        object.meta_mut().creation_timestamp.get_or_insert(Time(time));
        time += SignedDuration::from_secs(1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_older_yaml_took_for_booleans_are_names() {
        for name in [
            "n", "N", "y", "Y", "no", "No", "NO", "yes", "Yes", "YES", "on", "On", "ON", "off", "Off", "OFF", "1_000",
            "12:30:45", "0b", "1e", "tRue",
        ] {
            let read = documents(&format!("metadata: {{name: {name}, labels: {{{name}: {name}}}}}")).unwrap();
            assert_eq!(
                read,
                [json!({ "metadata": { "name": name, "labels": { name: name } } })],
                "{name}"
            );
        }
        let read = documents("[true, True, FALSE, ~, null, 12, 0o17, 0x1f, 1.5]").unwrap();
        assert_eq!(read, [json!([true, true, false, null, null, 12, 15, 31, 1.5])]);
    }

    fn vpc(more: &str) -> String {
        format!(
            "{{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpc, metadata: {{name: a, uid: x, managedFields: [], generation: 1}}, \
             spec: {{region: us-east-1, vpcId: vpc-0123456789abcdef0{more}}}, status: {{unheardOf: 1}}}}"
        )
    }

    #[test]
    fn unknown_fields_are_refused_by_their_path_and_what_a_server_made_is_not() {
        let add = |text: &str| {
            Objects::default()
                .add("a.yaml", text)
                .map_err(|error| error.to_string())
        };
        assert_eq!(add(&vpc("")), Ok(()));
        for (more, named) in [
            (", subnet: 1", "unknown field spec.subnet"),
            (", services: {endpoint: []}", "unknown field spec.services.endpoint"),
            (
                ", grants: {buckets: [], bucket: []}",
                "unknown field spec.grants.bucket",
            ),
        ] {
            let error = add(&vpc(more)).expect_err(more);
            assert!(error.contains(named) && error.contains("SageMakerVpc a"), "{error}");
        }
        let error = add(&vpc("").replace("uid: x", "label: {}")).expect_err("metadata has no label");
        assert!(error.contains("unknown field metadata.label"), "{error}");
        let profile = "{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcProfile, metadata: {name: y, namespace: n}, \
                       spec: {vpcRef: {name: a}, workloads: [{name: t, kind: Training, instance: 2}]}}";
        let error = add(profile).expect_err("a workload has no such field");
        assert!(error.contains("unknown field spec.workloads[0].instance"), "{error}");
    }

    #[test]
    fn lists_are_taken_as_kubectl_prints_them() {
        let item = vpc("");
        let bare = item.replace("apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpc, ", "");
        for text in [
            format!("{{apiVersion: v1, kind: List, items: [{item}]}}"),
            format!("{{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcList, items: [{item}]}}"),
            format!("{{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcList, items: [{bare}]}}"),
            format!("{{apiVersion: v1, kind: List, items: [{{apiVersion: v1, kind: List, items: [{item}]}}]}}"),
        ] {
            let mut objects = Objects::default();
            objects.add("a.yaml", &text).unwrap();
            assert_eq!(objects.references("prod").unwrap().len(), 1, "{text}");
        }
        let mut objects = Objects::default();
        let text = "{apiVersion: v1, kind: List, items: [{apiVersion: apps/v1, kind: Deployment}]}";
        objects.add("a.yaml", text).unwrap();
        let error = objects.references("prod").unwrap_err().to_string();
        assert!(error.contains("which hold Deployment"), "{error}");
    }

    #[test]
    fn a_namespace_that_is_asked_for_labels_and_missing_is_told() {
        let profile = "\n---\n{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcProfile, metadata: {name: y, namespace: n}, \
                       spec: {vpcRef: {name: a}, workloads: []}}";
        let unknown = |allowed: &str, more: &str| {
            let mut objects = Objects::default();
            let text = vpc(&format!(", allowedNamespaces: {allowed}")) + profile + more;
            objects.add("a.yaml", &text).unwrap();
            objects
                .unknown_namespaces()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let by_label = "{selector: {matchLabels: {team: ml}}}";
        let [told] = unknown(by_label, "").try_into().unwrap();
        assert!(
            told.contains("Namespace n ") && told.contains("team=ml") && told.contains("admits y"),
            "{told}"
        );
        let namespace = "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: n}}";
        assert!(unknown(by_label, namespace).is_empty());
        assert!(unknown("{selector: {matchLabels: {kubernetes.io/metadata.name: n}}}", "").is_empty());
        assert!(unknown("{from: All}", "").is_empty());
    }

    #[test]
    fn a_number_that_begins_with_nought_is_not_octal() {
        assert_eq!(documents("0755").unwrap()[0].as_f64(), Some(755.0));
    }

    #[test]
    fn objects_may_have_such_names() {
        let mut objects = Objects::default();
        let text = "{apiVersion: v1, kind: Namespace, metadata: {name: n, labels: {sagevpc.dev/vpc: on}}}\n---\n\
                    {apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpc, metadata: {name: no}, spec: {region: us-east-1, \
                    vpcId: vpc-0123456789abcdef0, allowedNamespaces: {selector: {matchLabels: {sagevpc.dev/vpc: on}}}}}\n---\n\
                    {apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcProfile, metadata: {name: y, namespace: n}, \
                    spec: {vpcRef: {name: no}, workloads: [{name: off, kind: Training}]}}";
        objects.add("objects.yaml", text).unwrap();
        let references = objects.references("prod").unwrap();
        let [reference] = references[0].profiles.as_slice() else {
            panic!("{references:?}");
        };
        assert_eq!(reference.key(), crate::types::ProfileKey::new("n", "y"));
        assert_eq!(reference.profile.spec.workloads[0].name, "off");
        let labels = [("kubernetes.io/metadata.name", "n"), ("sagevpc.dev/vpc", "on")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(reference.namespace_labels, BTreeMap::from(labels));
    }
}
