//! Status conditions, and the fixed lists of their types and reasons.
//!
//! `Ready`, `Reconciling` and `Stalled` mean what kstatus takes them to mean;
//! the last two are there only while they apply. All others are true when all
//! is well.
//!
//! See <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>.

use std::fmt;

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::MAX_CONDITION_MESSAGE;

/// One aspect of an object's state.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which aspect.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 64))]
    pub type_: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in one word of a fixed list.
    #[schemars(length(min = 1, max = 64))]
    pub reason: String,
    /// What it is about, what SageMaker would have said, and what to do.
    #[schemars(length(max = MAX_CONDITION_MESSAGE))]
    pub message: String,
    /// When the status last changed.
    #[schemars(schema_with = "time_schema")]
    pub last_transition_time: Timestamp,
    /// The generation of the spec that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// A point in time, as Kubernetes writes it.
pub(super) fn time_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "date-time" })
}

/// Whether a condition holds.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(inline)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be seen.
    Unknown,
}

impl ConditionStatus {
    /// The word as it is written into status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $word_doc:literal])* $word:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[doc = $word_doc])* $word,)* }

        impl $name {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// The word as it is written into status.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word),)* }
            }

            /// What it means, in a sentence: the words of its documentation
            /// here, which the reference page shows too.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$word => concat!($($word_doc),*),)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The aspects that conditions speak of.
    ConditionType {
        /// Everything that the object declares is there and can be used.
        Ready,
        /// Changes are under way.
        Reconciling,
        /// Nothing more happens until a person does something.
        Stalled,
        /// The spec is sound, allowed, and contradicts nobody else's.
        Accepted,
        /// AWS answers, and allows what is asked of it.
        AwsReachable,
        /// The subnets exist, are private where they must be, and span the
        /// zones needed.
        SubnetsReady,
        /// The subnets have addresses enough.
        CapacityReady,
        /// Names resolve in the VPC.
        DnsReady,
        /// S3 can be reached through its gateway endpoint, and its policy lets
        /// the workloads at what they need.
        S3Ready,
        /// The security groups admit what the workloads need.
        SecurityGroupsReady,
        /// The services that workloads call have interface endpoints that
        /// serve.
        EndpointsReady,
        /// Elastic Inference is offered in the region, with its endpoint and
        /// groups.
        ElasticInferenceReady,
        /// What lies outside the VPC can be reached from every subnet that
        /// needs it.
        InternetReady,
        /// The network ACLs let the traffic out and the answers back in.
        NetworkAclsReady,
        /// The flow logs record what is declared.
        FlowLogsReady,
        /// The bucket policies let only the VPC's endpoints in, where that is
        /// asked for.
        BucketPoliciesReady,
        /// The execution roles may do what SageMaker does with their
        /// permissions.
        RolesReady,
        /// What runs in the VPC is known, and uses nothing outside any
        /// profile.
        ConsumersKnown,
        /// The profiles in force are there, and status knows of all that is
        /// ours.
        ProfilesPresent,
        /// No profile lacks anything that only the SageMakerVpc's owners can
        /// mend, such as an offer, a grant, an approval or free addresses.
        ProfilesReady,
        /// AWS is as declared: nothing was changed behind our back, and no
        /// change is held back.
        InSync,
    }
}

words! {
    /// Why a condition is as it is.
    Reason {
        /// All is well.
        Ok,
        /// The object is being deleted.
        Deleting,
        /// `spec.paused` holds all changes back.
        Paused,
        /// Changes are being made.
        InProgress,
        /// AWS works on a change, or something still uses what is to go.
        Waiting,
        /// A change waits to be approved.
        AwaitingApproval,
        /// What is to go waits for what runs and needs it.
        DeletionBlocked,
        /// A change would be made, were the policy not Observe.
        ObserveOnly,
        /// AWS refused a change.
        ActionFailed,
        /// The controller broke off by a bug of its own.
        InternalError,
        /// The same resource was repaired too often in an hour.
        RepairBackoff,
        /// AWS differs from what is declared.
        Drifted,
        /// The spec contradicts itself or is malformed.
        InvalidSpec,
        /// `spec.vpcRef` names no SageMakerVpc.
        VpcRefNotFound,
        /// The SageMakerVpc does not allow the profile's namespace.
        NotAllowed,
        /// The SageMakerVpc does not grant what the profile names.
        NotGranted,
        /// Another, older profile asks for the opposite.
        Conflict,
        /// Another, older SageMakerVpc has the same VPC.
        DuplicateVpc,
        /// Another cluster with the same id has the VPC's resources.
        ClusterIdTaken,
        /// The SageMakerVpc itself was not accepted.
        VpcNotAccepted,
        /// The policy document cannot be read, or allows nothing.
        InvalidPolicy,
        /// There are no AWS credentials, or AWS does not accept them.
        NoCredentials,
        /// The credentials lead to another account than the one in which things
        /// were made.
        WrongAccount,
        /// AWS denies an action to the controller's role.
        AccessDenied,
        /// AWS does not answer.
        Unreachable,
        /// AWS slows requests down.
        Throttled,
        /// The VPC does not exist in this account and region.
        VpcNotFound,
        /// The VPC's instance tenancy is dedicated.
        DedicatedTenancy,
        /// A subnet does not exist, or no subnet matches.
        SubnetNotFound,
        /// A subnet belongs to another VPC.
        SubnetInOtherVpc,
        /// A subnet is not offered by the SageMakerVpc.
        SubnetNotOffered,
        /// A subnet has a route to an internet gateway.
        PublicSubnet,
        /// The subnets span too few availability zones.
        TooFewZones,
        /// There are more subnets than SageMaker takes.
        TooManySubnets,
        /// The subnets have too few free addresses.
        TooFewAddresses,
        /// DNS support or DNS host names are off.
        DnsDisabled,
        /// The DHCP options lack a key that SageMaker asks for.
        DhcpOptionsIncomplete,
        /// Names are resolved by servers that cannot be judged from outside.
        CustomResolver,
        /// A notebook instance reaches S3 and the internet past the VPC.
        DirectInternetAccess,
        /// The S3 gateway endpoint is missing, or not on a route table in use.
        S3EndpointMissing,
        /// The S3 gateway endpoint exists and is not available.
        S3EndpointUnavailable,
        /// The route table of a subnet in use is not offered.
        RouteTableNotOffered,
        /// The endpoint's policy blocks what a workload needs.
        PolicyBlocks,
        /// Package repositories can be reached that are to be out of reach.
        PackageRepositoriesOpen,
        /// The security group is missing.
        SecurityGroupMissing,
        /// The security group belongs to another VPC.
        SecurityGroupInOtherVpc,
        /// Users of Studio share a security group, which lets each of them into
        /// the others' applications.
        SharedSecurityGroup,
        /// A rule is missing.
        RuleMissing,
        /// There are more security groups than the kind of workload takes.
        TooManySecurityGroups,
        /// The rules needed are more than a security group takes.
        TooManyRules,
        /// A resource that is not ours has the name that ours would get.
        NameTaken,
        /// Something carries sagevpc's tags and is not known to be sagevpc's.
        OwnershipUnclear,
        /// What is to be adopted does not exist, or does not fit.
        CannotAdopt,
        /// A service has no interface endpoint in this VPC.
        EndpointMissing,
        /// Services are reached by a way out, and get no interface endpoint.
        ReachedByWayOut,
        /// An interface endpoint is there and does not serve.
        EndpointUnavailable,
        /// No service of that name takes interface endpoints in the region.
        ServiceNotFound,
        /// The service is in none of the zones of the subnets offered.
        ServiceNotInZone,
        /// Another endpoint has the service's private DNS name.
        PrivateDnsConflict,
        /// The endpoint's private DNS is off.
        PrivateDnsOff,
        /// AWS retired the service.
        ServiceRetired,
        /// What is declared would cost more than `spec.maxMonthlyCost`.
        TooExpensive,
        /// What is declared has no known price, and `spec.maxMonthlyCost` is set.
        PriceUnknown,
        /// There is no way out of the VPC.
        NoWayOut,
        /// A route leads to something that is gone.
        BlackholeRoute,
        /// VPC Block Public Access keeps what goes out off the gateway.
        PublicAccessBlocked,
        /// A NAT gateway is in a subnet that has no way to the internet itself.
        NatGatewayInPrivateSubnet,
        /// A NAT gateway is there and does not serve.
        NatGatewayUnavailable,
        /// Subnets of one zone go out through a NAT gateway in another.
        NatGatewayInOtherZone,
        /// The VPC has no internet gateway.
        InternetGatewayMissing,
        /// What lies behind a transit gateway, a firewall or a peer cannot be
        /// judged from outside.
        BeyondTheVpc,
        /// A network ACL stops traffic that is needed.
        NetworkAclBlocks,
        /// The rules needed are more than a network ACL takes.
        TooManyAclEntries,
        /// A flow log is missing, or records something else.
        FlowLogDiffers,
        /// A flow log is there, and its records do not arrive.
        FlowLogNotDelivered,
        /// A bucket lets in what does not come through the VPC's endpoint.
        BucketOpen,
        /// A bucket's policy stops a workload.
        BucketPolicyBlocks,
        /// The bucket is in another region, and the gateway endpoint does not
        /// lead there.
        BucketInOtherRegion,
        /// The bucket does not exist, or may not be looked at.
        BucketNotSeen,
        /// The role does not exist, or may not be looked at.
        RoleNotSeen,
        /// The role's trust policy does not let SageMaker assume it.
        RoleNotAssumable,
        /// The role lacks actions that SageMaker takes with its permissions.
        ActionsMissing,
        /// Packets do not get there, or answers do not come back.
        Unreached,
        /// Whether packets get there cannot be seen.
        ReachUnknown,
        /// Workloads run on a subnet or group outside any profile.
        OutsideProfiles,
        /// Looking for what runs in the VPC is switched off.
        DiscoveryOff,
        /// The VPC, or a subnet, belongs to another account.
        SharedVpc,
        /// Profiles in force are gone, and were not seen to be deleted.
        ProfilesAbsent,
        /// AWS shows things of ours that status knows nothing of.
        ResourcesUnknown,
        /// More profiles are in force than status can note.
        TooManyProfiles,
        /// Kubernetes takes no change to the profile.
        ProfileNotWritten,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_shown_first() {
        assert_eq!(ConditionType::ALL.first(), Some(&ConditionType::Ready));
    }

    #[test]
    fn words_fit_into_the_schema() {
        for word in Reason::ALL
            .iter()
            .map(|r| r.as_str())
            .chain(ConditionType::ALL.iter().map(|t| t.as_str()))
        {
            assert!((1..=64).contains(&word.len()), "{word}");
        }
    }
}
