//! Specs and what they refer to → validated values: pure.
//!
//! The API server has checked form. Here is checked what it cannot see: that a
//! namespace is allowed, that what a profile names is granted, that profiles do
//! not contradict each other, that a policy document can be read. The form is
//! checked again where the command line reads files that no API server saw.
//!
//! What is refused is a [`Finding`], never an error: other profiles go on. A
//! profile that was in force and is refused now is *frozen*: what it brought
//! about stays as it is until it is accepted again or deleted.

mod grants;
mod in_force;
mod instances;
mod profile;
mod repositories;
mod vpc;
mod workload;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use kube::ResourceExt;

pub use self::{grants::Granted, instances::InstanceGroup, profile::admits};
use self::{in_force::Registry, repositories::agree_on_repositories};
use crate::{
    api::{
        AcceptUnknown, Admit, Approval, DeletionPolicy, Destination, Discovery, Dns, FlowLogResourceType,
        InterfaceEndpointMode, InternetMode, ManagementPolicy, NatGateways, NetworkAclMode, PackageRepositories,
        SageMakerVpc, SageMakerVpcProfile, SageMakerVpcProfileSpec, is_deleting,
    },
    catalog::{Options, PresetNeeds, Prices, WorkloadKind},
    report::{Concern, Finding, Scope, Weight},
    types::{
        BucketAccess, BucketUse, Exemption, FlowLogSettings, HELD_REPOSITORIES, Holdings, IpAddressType, Ownership,
        ProfileKey, Region, RouteTableId, SecurityGroupId, SubnetId, Tags, VpcEndpointId, VpcId,
    },
};
use iam_policy::PolicyDocument;

/// A `SageMakerVpc` and everything in the cluster that bears on it.
#[derive(Clone, Debug)]
pub struct References {
    /// The cluster's stable id.
    pub cluster: String,
    /// The UID of its namespace kube-system, where it is known.
    pub cluster_uid: Option<String>,
    /// The object itself.
    pub vpc: SageMakerVpc,
    /// Other objects for the same VPC of AWS.
    pub rivals: Vec<SageMakerVpc>,
    /// The profiles that refer to it.
    pub profiles: Vec<ProfileReference>,
}

/// A profile and the labels of its namespace.
#[derive(Clone, Debug)]
pub struct ProfileReference {
    /// The profile.
    pub profile: SageMakerVpcProfile,
    /// Its namespace's labels.
    pub namespace_labels: BTreeMap<String, String>,
}

impl ProfileReference {
    /// The profile's key.
    pub fn key(&self) -> ProfileKey {
        ProfileKey::new(self.profile.namespace().unwrap_or_default(), self.profile.name_any())
    }

    /// What is looked at of what it asks for: nothing where its namespace is not
    /// admitted.
    pub fn spec(&self, vpc: &SageMakerVpc) -> Cow<'_, SageMakerVpcProfileSpec> {
        if admits(vpc, &self.namespace_labels) {
            Cow::Borrowed(&self.profile.spec)
        } else {
            Cow::Owned(self.profile.spec.unread())
        }
    }

    /// What it may name, given that its namespace is allowed.
    fn granted(&self, vpc: &SageMakerVpc) -> Granted {
        let namespace = self.profile.namespace().unwrap_or_default();
        Granted::to(&vpc.spec.grants, &namespace, &self.namespace_labels)
    }
}

/// What may be acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    /// The VPC.
    pub vpc: ValidVpc,
    /// Accepted profiles, the oldest first.
    pub profiles: Vec<ValidProfile>,
    /// Profiles that were in force and are refused now.
    pub frozen: Vec<FrozenProfile>,
    /// Profiles that are in force and not there.
    pub absent: Vec<AbsentProfile>,
    /// Profiles that are being deleted.
    pub leaving: BTreeSet<ProfileKey>,
    /// Whether more profiles are in force than status could note.
    pub overflows: bool,
    /// Why profiles were refused.
    pub findings: Vec<Finding>,
}

/// A `SageMakerVpc` that is refused as a whole: nothing may be changed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Why.
    pub findings: Vec<Finding>,
}

/// Things chosen by their ids or by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<Id> {
    /// These.
    Ids(BTreeSet<Id>),
    /// Those with these tags; an empty value admits any.
    Tags(Tags),
}

/// The policy that the S3 gateway endpoint is to have.
#[derive(Clone, Debug, PartialEq)]
pub enum EndpointPolicy {
    /// Everything is allowed.
    FullAccess,
    /// Only named buckets.
    Buckets,
    /// A document of the user's own.
    Custom(Box<PolicyDocument>),
}

/// A validated `SageMakerVpc`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidVpc {
    /// Who we are to its resources.
    pub ownership: Ownership,
    /// Its region.
    pub region: Region,
    /// Its id.
    pub vpc_id: VpcId,
    /// Whether AWS may be changed.
    pub management_policy: ManagementPolicy,
    /// Whether resources are deleted in the end.
    pub deletion_policy: DeletionPolicy,
    /// Which changes wait for a person.
    pub approval: Approval,
    /// The digest that a person approved.
    pub approved_plan: Option<String>,
    /// The cluster whose resources are taken over.
    pub take_over_from: Option<String>,
    /// Whether all changes are held back.
    pub paused: bool,
    /// Whether the object is being deleted.
    pub deleting: bool,
    /// How often to look.
    pub resync_interval: Duration,
    /// How long what an absent profile brought about stays.
    pub absent_grace: Duration,
    /// The subnets offered; none where `None`.
    pub subnets: Option<Choice<SubnetId>>,
    /// The route tables offered; those of the subnets in use where `None`.
    pub route_tables: Option<Choice<RouteTableId>>,
    /// The policy of the S3 endpoint.
    pub s3_policy: EndpointPolicy,
    /// Whether DNS attributes are turned on.
    pub dns: Dns,
    /// What is taken to work though it cannot be judged.
    pub accept_unknown: BTreeSet<AcceptUnknown>,
    /// Tags for everything made.
    pub tags: Tags,
    /// Endpoints to manage from now on.
    pub adopt_endpoints: BTreeSet<VpcEndpointId>,
    /// Security groups to manage from now on.
    pub adopt_security_groups: BTreeSet<SecurityGroupId>,
    /// What profiles agree on for the package repositories.
    pub package_repositories: Option<PackageRepositories>,
    /// Services that get an interface endpoint whatever profiles need, as named.
    pub services: BTreeSet<String>,
    /// How interface endpoints are made.
    pub interface_endpoints: ValidInterfaceEndpoints,
    /// Whether there is a way out, and whose.
    pub internet: InternetMode,
    /// How many NAT gateways are made.
    pub nat_gateways: NatGateways,
    /// Whether NAT gateways or addresses were made here before: what is left of
    /// them must go even where no way out is wanted any more.
    pub had_nat_gateways: bool,
    /// Where NAT gateways may be put; any public subnet where `None`.
    pub public_subnets: Option<Choice<SubnetId>>,
    /// Whether rules are added to network ACLs.
    pub network_acls: NetworkAclMode,
    /// The first number of such rules.
    pub first_rule_number: u16,
    /// Flow logs to make and keep.
    pub flow_logs: Option<ValidFlowLogs>,
    /// The most that it may cost in a month, in US dollars.
    pub max_monthly_cost: Option<u32>,
    /// Prices that count in the place of list prices.
    pub prices: Prices,
    /// Whether what runs in it is looked for.
    pub discovery: Discovery,
    /// What profiles of at least one namespace may name.
    pub granted: Granted,
    /// Roles that were given our inline policy, as status remembers them.
    pub roles_in_force: BTreeSet<String>,
}

impl ValidVpc {
    /// Whether `spec.adopt` lists the id.
    pub fn adopts(&self, id: &str) -> bool {
        let endpoints = self.adopt_endpoints.iter().map(VpcEndpointId::as_str);
        let groups = self.adopt_security_groups.iter().map(SecurityGroupId::as_str);
        endpoints.chain(groups).any(|listed| listed == id)
    }
}

/// How interface endpoints are made.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidInterfaceEndpoints {
    /// Which services get one.
    pub mode: InterfaceEndpointMode,
    /// Whom their security group admits.
    pub admit: Admit,
    /// What they can be reached by; EC2's choice where `None`.
    pub ip_address_type: Option<IpAddressType>,
    /// Policies of single endpoints, by the service as named.
    pub policies: BTreeMap<String, PolicyDocument>,
}

/// Flow logs to make and keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidFlowLogs {
    /// Of the VPC, or of each subnet in use.
    pub resource_type: FlowLogResourceType,
    /// How.
    pub settings: FlowLogSettings,
}

/// An accepted profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidProfile {
    /// Its key.
    pub key: ProfileKey,
    /// When it was created: its rank among profiles.
    pub created: Option<Timestamp>,
    /// Whether it had effect in AWS before.
    pub established: bool,
    /// Its workloads.
    pub workloads: Vec<ValidWorkload>,
    /// A narrower choice of subnets.
    pub subnets: Option<Choice<SubnetId>>,
    /// Its security groups.
    pub security_groups: SecurityGroups,
    /// What it relied on when it last had effect.
    pub holdings: Holdings,
    /// What it wants of the package repositories.
    pub package_repositories: Option<PackageRepositories>,
    /// The buckets it needs, and what it does with them.
    pub buckets: BTreeMap<String, BucketAccess>,
    /// The regions of those that name one.
    pub bucket_regions: BTreeMap<String, Region>,
    /// The buckets that are to be read through VPC endpoints only.
    pub required_endpoints: BTreeMap<String, RequiredEndpoint>,
    /// Services that it calls besides those that SageMaker needs, as named.
    pub services: BTreeSet<String>,
    /// What it reaches outside the VPC.
    pub destinations: BTreeSet<Destination>,
}

impl ValidProfile {
    /// All buckets that its workloads use, those of presets included, and what
    /// they do with them.
    pub fn bucket_uses(&self) -> impl Iterator<Item = BucketUse> {
        let named = self.buckets.iter().map(|(name, access)| BucketUse::new(name, *access));
        let presets = self.workloads.iter().map(|workload| &workload.presets);
        let of_aws = presets.flat_map(|presets| presets.buckets.iter().chain(&presets.usual_buckets));
        named.chain(of_aws.map(|name| BucketUse::new(name, BucketAccess::ReadOnly)))
    }
}

/// That a bucket is to be read through VPC endpoints only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredEndpoint {
    /// Who may read it by other ways all the same.
    pub exempt: BTreeSet<Exemption>,
    /// Whether its policy may be changed to that end.
    pub enforced: bool,
}

/// A workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidWorkload {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: WorkloadKind,
    /// How many instances run at the same time.
    pub instances: u32,
    /// What bears on its rules and addresses.
    pub options: Options,
    /// The type of its instances, as SageMaker names it.
    pub instance_type: Option<String>,
    /// How many instances its shadow endpoint has; 0 where it has none.
    pub shadow_instances: u32,
    /// Whether it has a way to the internet of its own.
    pub direct_internet_access: bool,
    /// What its presets stand for.
    pub presets: PresetNeeds,
    /// Its execution role's ARN, where it is named.
    pub role_arn: Option<String>,
    /// Whether that role may be given what it lacks on the workload's account.
    pub role_enforced: bool,
}

/// A profile's security groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityGroups {
    /// One, made and kept.
    PerProfile,
    /// One for each workload, made and kept.
    PerWorkload,
    /// The team's own.
    Own(BTreeSet<SecurityGroupId>),
}

/// A profile that was in force and is refused now. Its resources stay.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenProfile {
    /// Its key.
    pub key: ProfileKey,
    /// What it relied on when it last had effect.
    pub holdings: Holdings,
    /// What it may name by now, so that what was taken back goes.
    pub granted: Granted,
}

/// A profile that is in force and not there, and was not seen to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentProfile {
    /// Its key.
    pub key: ProfileKey,
    /// What it relied on when it last had effect.
    pub holdings: Holdings,
    /// Since when it has been absent; from now on where `None`.
    pub since: Option<Timestamp>,
}

/// Validates a VPC object with the profiles that refer to it.
///
/// # Errors
///
/// [`Refused`] when the VPC object itself cannot be acted on: another has the
/// same VPC, its policy cannot be read, or its form is wrong. One that is being
/// deleted is never refused: what is ours must still go.
pub fn validate(references: &References) -> Result<Validated, Refused> {
    validate_without(references, &BTreeMap::new())
}

/// The same, with profiles refused that take no change in Kubernetes, each with
/// why.
///
/// # Errors
///
/// As with [`validate`].
pub fn validate_without(
    references: &References,
    left_out: &BTreeMap<ProfileKey, String>,
) -> Result<Validated, Refused> {
    let awaited = awaited(references);
    let mut vpc = vpc::validate(references, !awaited.is_empty())?;
    if vpc.deleting {
        return Ok(Validated {
            vpc,
            profiles: Vec::new(),
            frozen: Vec::new(),
            absent: Vec::new(),
            leaving: BTreeSet::new(),
            overflows: false,
            findings: Vec::new(),
        });
    }
    let registry = Registry::of(&references.vpc);
    let leaving = references
        .profiles
        .iter()
        .filter(|reference| is_deleting(&reference.profile))
        .map(ProfileReference::key)
        .collect();
    let absent = registry.absent(&references.profiles);
    let mut by_age: Vec<&ProfileReference> = references
        .profiles
        .iter()
        .filter(|reference| !is_deleting(&reference.profile))
        .collect();
    by_age.sort_by_key(|reference| (created(&reference.profile), reference.key()));

    let mut profiles = Vec::new();
    let mut findings = grant_nothing(&references.vpc);
    let mut frozen = Vec::new();
    for reference in &by_age {
        if is_deleting(&references.vpc) && !awaited.contains(&reference.key()) {
            findings.push(comes_too_late(&reference.key(), &references.vpc.name_any()));
            continue;
        }
        if let Some(why) = left_out.get(&reference.key()) {
            frozen.extend(freeze(reference, &references.vpc, &registry));
            findings.extend(takes_no_change(&reference.key(), why));
            continue;
        }
        match profile::validate(reference, &references.vpc, &registry) {
            Ok(valid) => profiles.push(valid),
            Err(refusals) => {
                frozen.extend(freeze(reference, &references.vpc, &registry));
                findings.extend(refusals);
            }
        }
    }

    let beyond = instances::beyond_the_grant(&profiles, references);
    profiles.retain(|profile| !beyond.iter().any(|(key, _)| *key == profile.key));
    for (key, finding) in beyond {
        let refused = by_age.iter().find(|reference| reference.key() == key);
        frozen.extend(refused.and_then(|reference| freeze(reference, &references.vpc, &registry)));
        findings.push(finding);
    }

    let in_force = references
        .vpc
        .status
        .as_ref()
        .and_then(|status| status.in_force.package_repositories);
    let frozen_denier = frozen
        .iter()
        .map(|frozen| (&frozen.key, frozen.holdings))
        .chain(absent.iter().map(|absent| (&absent.key, absent.holdings)))
        .find(|(_, holdings)| holdings.may_hold(HELD_REPOSITORIES))
        .map(|(key, _)| key.clone());
    let (agreed, refusals) = agree_on_repositories(&profiles, frozen_denier.as_ref(), in_force);
    for (key, finding) in refusals {
        profiles.retain(|profile| profile.key != key);
        findings.push(finding);
        frozen.extend(
            by_age
                .iter()
                .find(|reference| reference.key() == key)
                .and_then(|reference| freeze(reference, &references.vpc, &registry)),
        );
    }
    // A profile that is frozen or absent no longer votes, but what it brought
    // about must not be weakened by that.
    let kept = frozen.iter().map(|frozen| frozen.holdings);
    let has_kept_wish = kept
        .chain(absent.iter().map(|absent| absent.holdings))
        .any(|holdings| holdings.may_hold(HELD_REPOSITORIES));
    vpc.package_repositories = match (agreed, in_force) {
        (Some(agreed), _) => Some(agreed),
        (None, Some(in_force)) if has_kept_wish => Some(in_force),
        (None, _) => None,
    };
    Ok(Validated {
        vpc,
        profiles,
        frozen,
        absent,
        leaving,
        overflows: registry.overflows(),
        findings,
    })
}

/// Says of grants that grant nothing, for they are malformed.
fn grant_nothing(vpc: &SageMakerVpc) -> Vec<Finding> {
    let problems = grants::problems(&vpc.spec.grants);
    let told = |message| {
        let reason = crate::api::Reason::InvalidSpec;
        Finding::new(Concern::Accepted, Scope::SageMakerVpc, reason, message).weighing(Weight::Aside)
    };
    problems.into_iter().map(told).collect()
}

/// Profiles in force that refer to a VPC object which is being deleted, and are
/// not being deleted themselves: what they rely on stays until they are.
pub fn awaited(references: &References) -> BTreeSet<ProfileKey> {
    // What is only looked at has nothing to keep.
    let is_ours_to_keep = references.vpc.spec.management_policy == ManagementPolicy::Enforce;
    if !is_deleting(&references.vpc) || !is_ours_to_keep {
        return BTreeSet::new();
    }
    let registry = Registry::of(&references.vpc);
    let staying = references
        .profiles
        .iter()
        .filter(|reference| !is_deleting(&reference.profile))
        .map(ProfileReference::key);
    staying.filter(|key| registry.has_established(key)).collect()
}

fn comes_too_late(key: &ProfileKey, vpc: &str) -> Finding {
    let message = format!(
        "SageMakerVpc {vpc} is being deleted and takes no more profiles: delete this one, and create one that refers to \
         another VPC."
    );
    refusal(Scope::Profile(key.clone()), crate::api::Reason::Deleting, message)
}

/// Tells the profile, should it take a status, and the SageMakerVpc.
fn takes_no_change(key: &ProfileKey, why: &str) -> [Finding; 2] {
    let message = format!(
        "Kubernetes takes no change to profile {key}: {why}. Nothing new is made for it, and what it has stays as it is: \
         make it smaller, mostly by its labels and annotations, or stop what keeps it from being written."
    );
    let of_vpc = Finding::new(
        Concern::Profiles,
        Scope::SageMakerVpc,
        crate::api::Reason::ProfileNotWritten,
        message.clone(),
    );
    [
        refusal(
            Scope::Profile(key.clone()),
            crate::api::Reason::ProfileNotWritten,
            message,
        ),
        of_vpc.about(key).weighing(Weight::Aside),
    ]
}

/// What a refused profile keeps, if it ever had effect: what it relied on with
/// the spec that was accepted. A spec that is refused must neither gain anything
/// nor cut off what runs on the one before it.
fn freeze(reference: &ProfileReference, vpc: &SageMakerVpc, registry: &Registry) -> Option<FrozenProfile> {
    let key = reference.key();
    let holdings = registry.holdings(&key)?;
    // A namespace that is no longer allowed may have lost the label that chose
    // its grants: it is not they that were taken back.
    let granted = if admits(vpc, &reference.namespace_labels) {
        reference.granted(vpc)
    } else {
        Granted::to_anyone(&vpc.spec.grants)
    };
    Some(FrozenProfile { key, holdings, granted })
}

/// A finding that refuses a spec.
fn refusal(scope: Scope, reason: crate::api::Reason, message: String) -> Finding {
    Finding::new(Concern::Accepted, scope, reason, message)
}

fn created<K: kube::Resource>(object: &K) -> Option<Timestamp> {
    object.meta().creation_timestamp.as_ref().map(|time| time.0)
}
