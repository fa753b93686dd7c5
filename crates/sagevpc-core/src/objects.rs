//! Objects out of YAML files, put together as the cluster would have them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::Time};
use kube::{Resource, ResourceExt};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    api::{SageMakerVpc, SageMakerVpcProfile},
    types::CLUSTER_NAMESPACE,
    validate::{ProfileReference, References},
};

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
    #[error("there is no SageMakerVpc in the files: name a file that has one with -f")]
    Nothing,
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
        for document in documents.into_iter().filter(|document| !document.is_null()) {
            let head: Head = serde_json::from_value(document.clone())
                .map_err(|_| unreadable("a document in it is no Kubernetes object".to_owned()))?;
            match (head.api_version.as_str(), head.kind.as_str()) {
                ("sagevpc.dev/v1alpha1", "SageMakerVpc") => self.vpcs.push(object(document).map_err(unreadable)?),
                ("sagevpc.dev/v1alpha1", "SageMakerVpcProfile") => {
                    self.profiles.push(object(document).map_err(unreadable)?);
                }
                ("v1", "Namespace") => {
                    let namespace: Namespace = object(document).map_err(unreadable)?;
                    if namespace.name_any() == CLUSTER_NAMESPACE {
                        self.cluster_uid = namespace.uid();
                    }
                    self.namespaces
                        .insert(namespace.name_any(), namespace.metadata.labels.unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Each SageMakerVpc with what bears on it, as in a cluster of this id.
    ///
    /// Without a cluster, age follows from the order of files and objects. A
    /// namespace that is in none of the files is taken to be allowed, for its
    /// labels are not known.
    ///
    /// # Errors
    ///
    /// When there is no SageMakerVpc, or not the one that a profile refers to.
    pub fn references(mut self, cluster: &str) -> Result<Vec<References>, ObjectsError> {
        if self.vpcs.is_empty() {
            return Err(ObjectsError::Nothing);
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
