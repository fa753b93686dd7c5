//! What the platform team lets profiles name.

use kube::KubeSchema;
use schemars::Schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    LabelSelector,
    bounds::{MAX_GRANTED_LABELS, MAX_GRANTED_NAMESPACES, MAX_GRANTS, MAX_NAMESPACE_GRANTS, MAX_OWN_GRANTS},
};

/// What profiles may name: those of every allowed namespace, and besides that
/// those of certain ones.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grants {
    /// What profiles of every allowed namespace may name.
    #[serde(flatten)]
    pub everyone: Grant,
    /// What profiles of certain namespaces may name besides that. The order of
    /// the items does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_NAMESPACE_GRANTS), transform = bound_own_grants)]
    pub namespaces: Vec<NamespaceGrant>,
}

/// Keeps the whole object within what etcd takes: what every namespace may name
/// stands there once, and this many times.
fn bound_own_grants(schema: &mut Schema) {
    let bounded = Value::from(MAX_GRANTS);
    let mut open: Vec<&mut Value> = schema.get_mut("items").into_iter().collect();
    while let Some(value) = open.pop() {
        if let Some(most) = value.get_mut("maxItems").filter(|most| **most == bounded) {
            *most = Value::from(MAX_OWN_GRANTS);
        }
        if let Some(most) = value.get_mut("maxProperties") {
            *most = Value::from(MAX_GRANTED_LABELS);
        }
        open.extend(value.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()));
    }
}

/// What profiles of certain namespaces may name. Where there are both names and
/// a selector, a namespace must meet both; where there is neither, every allowed
/// namespace is meant.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceGrant {
    /// Namespaces by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self.all(name, name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))").message("grants.namespaces.names takes names of namespaces, such as ml-fraud; a selector chooses by labels"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = MAX_GRANTED_NAMESPACES), inner(length(min = 1, max = 63)))]
    pub names: Option<Vec<String>>,
    /// Namespaces with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// What their profiles may name.
    #[serde(flatten)]
    pub grant: Grant,
}

/// What profiles may name. In patterns `*` stands for any characters and `?` for
/// one.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Patterns of buckets' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(bucket, bucket.matches('^[a-z0-9.*?-]+$'))").message("grants.buckets takes names of buckets, such as fraud-data or fraud-*: lower case, no ARN, no path"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 63)))]
    pub buckets: Vec<String>,
    /// Ids of security groups that profiles may use as their own, or * for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(id, id.matches('^([*]|sg-[*]|sg-([0-9a-f]{8}|[0-9a-f]{17}))$'))").message("grants.securityGroups takes ids of security groups, such as sg-0123456789abcdef0, or * for any: ids are given at random, so that part of one says nothing"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 32)))]
    pub security_groups: Vec<String>,
    /// Services that profiles may have an interface endpoint made for: patterns
    /// of the names that profiles give them. A service of another account than
    /// AWS's own (vpce-svc-…) must be named in full. What a workload cannot do
    /// without needs no grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(service, service.matches('^[A-Za-z0-9._*?-]+$'))").message("grants.services takes names of services, such as ecr.api, where * stands for any characters"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 128)))]
    pub services: Vec<String>,
    /// Destinations: a pattern of host names, a CIDR or a security group's id, and
    /// after a colon a port, a range of ports, or * for all; /udp behind it where
    /// it is not TCP. Without a port, 443. A pattern of names admits neither CIDR
    /// nor group. * alone is any destination on any port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(destination, destination.matches('^([a-z0-9.*?-]+|[0-9a-f.:]+/[0-9]{1,3})(:([0-9]{1,5}(-[0-9]{1,5})?|[*]))?(/tcp|/udp)?$'))").message("grants.destinations takes host names, CIDRs and ids of security groups, with ports where they are not 443: *.example.com, db.example.com:5432, 192.0.2.0/24:8000-8099, 2001:db8::/32:* or sg-0123456789abcdef0:5432"))]
    #[x_kube(validation = Rule::new("self.all(destination, !destination.matches('^[0-9.*?]*[0-9][0-9.*?]*(:[0-9*-]+)?(/tcp|/udp)?$'))").message("grants.destinations takes addresses as CIDRs, such as 10.1.0.0/16 and 192.0.2.7/32: a pattern stands for host names only"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 253)))]
    pub destinations: Vec<String>,
    /// ARNs of execution roles. Partition and account are given in full, and *
    /// stands for characters of one part of the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(arn, arn.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/*?-]+$'))").message("grants.roles takes ARNs of roles with their account, such as arn:aws:iam::111122223333:role/fraud-*"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 256)))]
    pub roles: Vec<String>,
    /// Patterns of names of buckets: profiles that ask for them to be read through
    /// VPC endpoints only may exempt AWS services and principals from that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(bucket, bucket.matches('^[a-z0-9.*?-]+$'))").message("grants.exempt takes names of buckets, such as fraud-data or fraud-*: lower case, no ARN, no path"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 63)))]
    pub exempt: Vec<String>,
    /// Whether profiles may say whether the Amazon Linux package repositories are
    /// in reach: one S3 endpoint policy serves the whole VPC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub package_repositories: bool,
    /// The most instances that the profiles of one namespace may declare together.
    /// Where items are for a namespace and say so, the largest of theirs counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000000))]
    pub max_instances: Option<u32>,
    /// What of these may be changed.
    #[serde(default)]
    pub enforce: EnforceGrants,
}

/// What of the things granted may be changed; all else is only verified.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnforceGrants {
    /// Patterns of names of buckets whose policy may get our statement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(bucket, bucket.matches('^[a-z0-9.*?-]+$'))").message("grants.enforce.buckets takes names of buckets, such as fraud-data or fraud-*: lower case, no ARN, no path"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 63)))]
    pub buckets: Vec<String>,
    /// ARNs of roles that may get our inline policy, which holds actions on
    /// network interfaces and nothing else. Profiles must be granted
    /// them as well, and the IAM policy that `sagevpc print iam-policy` prints
    /// lets only roles be changed that carry the tag sagevpc.dev/cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(arn, arn.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/*?-]+$'))").message("grants.enforce.roles takes ARNs of roles with their account, such as arn:aws:iam::111122223333:role/fraud-*"))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = MAX_GRANTS), inner(length(min = 1, max = 256)))]
    pub roles: Vec<String>,
}
