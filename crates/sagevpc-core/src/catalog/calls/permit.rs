//! The IAM policy that the calls come to: how far each permission can be
//! narrowed, and the statement that says so.

mod narrowing;

use serde_json::{Map, Value, json};

pub use narrowing::{Narrowing, Part, Widening};

use super::Call;

/// The most characters that a managed policy may have, white space left out.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub const MANAGED_POLICY_MAX_CHARS: usize = 6_144;

/// Whose role gives regional NAT gateways their addresses.
const NAT_GATEWAY_SERVICE: &str = "ec2-nat-gateway.amazonaws.com";

/// How far a permission can be narrowed: each is a statement of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// IAM lets nobody narrow it: on `*`.
    Read,
    /// What runs, on `*`: lists cannot be narrowed, and what they name is not
    /// known before.
    Discover,
    /// On any VPC. EC2 offers keys for the attribute but does not fill them in.
    ChangeVpc,
    /// On any route table: routes have no tags.
    ChangeRoutes,
    /// On any network ACL: its rules have no tags.
    ChangeNetworkAcls,
    /// On what is made, if the request gives it our tags.
    CreateTagged,
    /// On the places that a creation or change refers to: VPCs, subnets and
    /// route tables.
    Refer,
    /// On the security groups that an endpoint gets or loses, which may be
    /// somebody else's. A grant of its own: with [`Refer`](Self::Refer), groups
    /// could be created without our tags.
    ReferGroups,
    /// On what carries our tags.
    ChangeOurs,
    /// Tags, while a call makes the resource.
    TagOnCreation,
    /// Tags on what is adopted, if the request gives it our tags.
    TagOnAdoption,
    /// Tags on what carries ours.
    TagOurs,
    /// Private names of AWS's services, whose zones are AWS's own.
    UsePrivateDns,
    /// The role that writes flow logs, to VPC flow logs alone.
    PassFlowLogRole,
    /// The role by which EC2 gives a regional NAT gateway its addresses, which is
    /// made with the first one of an account.
    ///
    /// See <https://docs.aws.amazon.com/vpc/latest/userguide/using-service-linked-roles.html>.
    LinkNatGatewayRole,
    /// Delivery of flow logs to a bucket, which IAM lets nobody narrow.
    DeliverLogs,
    /// On any bucket: to be narrowed to those that are granted.
    ReadBuckets,
    /// Likewise, for those in `spec.grants.enforce.buckets`.
    ChangeBuckets,
    /// On any role and managed policy: to see what roles may do.
    ReadRoles,
    /// On roles whose owners gave them our tag.
    ChangeRoles,
    /// On roles named `sagevpc…`, in any account that trusts us.
    AssumeRole,
    /// Everyone has it: IAM knows no such action, or S3 tells even those who
    /// may not.
    Free,
}

impl Grant {
    /// All grants, in the order of their statements.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::Discover,
        Self::ChangeVpc,
        Self::ChangeRoutes,
        Self::ChangeNetworkAcls,
        Self::CreateTagged,
        Self::Refer,
        Self::ReferGroups,
        Self::ChangeOurs,
        Self::TagOnCreation,
        Self::TagOnAdoption,
        Self::TagOurs,
        Self::UsePrivateDns,
        Self::PassFlowLogRole,
        Self::LinkNatGatewayRole,
        Self::DeliverLogs,
        Self::ReadBuckets,
        Self::ChangeBuckets,
        Self::ReadRoles,
        Self::ChangeRoles,
        Self::AssumeRole,
        Self::Free,
    ];

    /// Its statements, without their actions; none where none is needed.
    fn statements(self, to: &Narrowing) -> Vec<PermitStatement> {
        let ours = || ec2_arns(&to.taggable());
        let one = |sid, resource: Value, condition: PermitCondition| {
            vec![PermitStatement {
                sid,
                resource,
                condition,
                only: None,
            }]
        };
        match self {
            Self::Read => one("SeeTheNetwork", json!("*"), PermitCondition::default()),
            Self::Discover => one("SeeWhatRuns", json!("*"), PermitCondition::default()),
            Self::ChangeVpc => one("TurnDnsOn", to.vpc_arns(), PermitCondition::default()),
            Self::ChangeRoutes => one("LeadOut", ec2_arns(&["route-table"]), to.in_vpcs()),
            Self::ChangeNetworkAcls => one("OpenNetworkAcls", ec2_arns(&["network-acl"]), to.in_vpcs()),
            Self::CreateTagged => one("CreateWithOurTags", ours(), to.request_tag()),
            Self::Refer if to.vpcs.is_empty() => one(
                "UseVpcsSubnetsAndRouteTables",
                ec2_arns(&["route-table", "subnet", "vpc"]),
                PermitCondition::default(),
            ),
            Self::Refer => [
                one("UseTheVpcs", to.vpc_arns(), PermitCondition::default()),
                one(
                    "UseTheirSubnetsAndRouteTables",
                    ec2_arns(&["route-table", "subnet"]),
                    to.in_vpcs_if_told(),
                ),
            ]
            .concat(),
            // An endpoint takes no group of another VPC.
            Self::ReferGroups => one(
                "PutGroupsOnEndpoints",
                ec2_arns(&["security-group"]),
                PermitCondition::default(),
            ),
            Self::ChangeOurs => one("ChangeWhatHasOurTags", ours(), to.resource_tag()),
            Self::TagOnCreation => one("TagWhatIsCreated", ours(), to.created(creations(to))),
            Self::TagOnAdoption => one(
                "TagWhatIsAdopted",
                ec2_arns(&["security-group", "vpc-endpoint"]),
                to.request_tag().and(to.in_vpcs_if_told()),
            ),
            Self::TagOurs => one("RetagWhatHasOurTags", ours(), to.resource_tag()),
            Self::UsePrivateDns => one(
                "UsePrivateDns",
                json!("arn:*:route53:::hostedzone/*"),
                PermitCondition::default(),
            ),
            Self::PassFlowLogRole => one(
                "PassTheRoleOfFlowLogs",
                json!(format!("arn:*:iam::{}:role/*", to.account())),
                PermitCondition::of(
                    "StringEquals",
                    "iam:PassedToService",
                    json!("vpc-flow-logs.amazonaws.com"),
                ),
            ),
            Self::LinkNatGatewayRole => one(
                "LinkTheRoleOfRegionalNatGateways",
                json!(format!(
                    "arn:*:iam::{}:role/aws-service-role/{NAT_GATEWAY_SERVICE}/*",
                    to.account()
                )),
                PermitCondition::of("StringEquals", "iam:AWSServiceName", json!(NAT_GATEWAY_SERVICE)),
            ),
            Self::DeliverLogs => one("DeliverFlowLogs", json!("*"), PermitCondition::default()),
            Self::ReadBuckets => one("ReadBucketPolicies", to.bucket_arns(), PermitCondition::default()),
            Self::ChangeBuckets => one("ChangeBucketPolicies", to.bucket_arns(), PermitCondition::default()),
            Self::ReadRoles => {
                let mut resources = to.role_arns();
                resources.push("arn:*:iam::*:policy/*".to_owned());
                one("SeeExecutionRoles", json!(resources), PermitCondition::default())
            }
            Self::ChangeRoles => match to.boundary() {
                None => one("GiveTaggedRolesWhatTheyLack", json!(to.role_arns()), to.resource_tag()),
                // Taking our policy off needs no boundary: a role that lost its
                // own must not keep ours for it.
                Some(boundary) => vec![
                    PermitStatement {
                        sid: "GiveBoundedRolesWhatTheyLack",
                        resource: json!(to.role_arns()),
                        condition: to.resource_tag().and(boundary),
                        only: Some(Call::PutRolePolicy),
                    },
                    PermitStatement {
                        sid: "TakeItFromThemAgain",
                        resource: json!(to.role_arns()),
                        condition: to.resource_tag(),
                        only: Some(Call::DeleteRolePolicy),
                    },
                ],
            },
            Self::AssumeRole => one(
                "ReachOtherAccounts",
                json!("arn:*:iam::*:role/sagevpc*"),
                PermitCondition::default(),
            ),
            Self::Free => Vec::new(),
        }
    }

    /// The half of the policy that it is in.
    fn part(self) -> Part {
        match self {
            Self::Read | Self::Discover | Self::ReadBuckets | Self::ReadRoles | Self::AssumeRole | Self::Free => {
                Part::Reads
            }
            Self::ChangeVpc
            | Self::ChangeRoutes
            | Self::ChangeNetworkAcls
            | Self::CreateTagged
            | Self::Refer
            | Self::ReferGroups
            | Self::ChangeOurs
            | Self::TagOnCreation
            | Self::TagOnAdoption
            | Self::TagOurs
            | Self::UsePrivateDns
            | Self::PassFlowLogRole
            | Self::LinkNatGatewayRole
            | Self::DeliverLogs
            | Self::ChangeBuckets
            | Self::ChangeRoles => Part::Changes,
        }
    }

    /// What is left out of the policy with it, besides what belongs to the
    /// call's own feature.
    fn widening(self) -> Option<Widening> {
        match self {
            Self::TagOnAdoption => Some(Widening::Adopt),
            Self::ChangeBuckets => Some(Widening::BucketPolicies),
            Self::Read
            | Self::Discover
            | Self::ChangeVpc
            | Self::ChangeRoutes
            | Self::ChangeNetworkAcls
            | Self::CreateTagged
            | Self::Refer
            | Self::ReferGroups
            | Self::ChangeOurs
            | Self::TagOnCreation
            | Self::TagOurs
            | Self::UsePrivateDns
            | Self::PassFlowLogRole
            | Self::LinkNatGatewayRole
            | Self::DeliverLogs
            | Self::ReadBuckets
            | Self::ReadRoles
            | Self::ChangeRoles
            | Self::AssumeRole
            | Self::Free => None,
        }
    }
}

/// A statement of the policy, without its actions.
#[derive(Clone, Debug)]
struct PermitStatement {
    sid: &'static str,
    resource: Value,
    condition: PermitCondition,
    /// The only call that it is for, where it is not for all of its grant.
    only: Option<Call>,
}

/// What a statement asks for: operators, each with keys and values.
#[derive(Clone, Debug, Default)]
struct PermitCondition(Map<String, Value>);

impl PermitCondition {
    fn of(operator: &str, key: &str, value: Value) -> Self {
        Self(Map::from_iter([(operator.to_owned(), json!({ key: value }))]))
    }

    /// Both.
    fn and(mut self, other: Self) -> Self {
        for (operator, keys) in other.0 {
            match (self.0.get_mut(&operator), keys) {
                (Some(Value::Object(mine)), Value::Object(keys)) => mine.extend(keys),
                (_, keys) => {
                    self.0.insert(operator, keys);
                }
            }
        }
        self
    }
}

/// Everything of these types, in any partition, region and account: IAM gives a
/// role nothing of another account's but what that account shares with it.
fn ec2_arns(types: &[&str]) -> Value {
    match types {
        [only] => json!(format!("arn:*:ec2:*:*:{only}/*")),
        several => several.iter().map(|kind| format!("arn:*:ec2:*:*:{kind}/*")).collect(),
    }
}

/// The calls that tag what they make.
fn creations(to: &Narrowing) -> Vec<&'static str> {
    let mut names: Vec<_> = Call::ALL
        .iter()
        .filter(|call| to.keeps(**call, Grant::TagOnCreation))
        .filter(|call| {
            let mut permissions = call.facts().permissions.iter();
            permissions.any(|permission| permission.grant == Grant::TagOnCreation)
        })
        .map(|call| call.name())
        .collect();
    names.sort_unstable();
    names
}

/// The least IAM policy under which the controller can do its work, as far as
/// it is narrowed.
///
/// Creations must carry `sagevpc.dev/cluster`, and only what carries it can be
/// changed or deleted: with [`Narrowing::cluster_id`], the value too must be
/// ours. What is adopted gets the tag first: without the statement
/// `TagWhatIsAdopted` nothing that was there before can be touched. VPCs,
/// subnets, route tables and network ACLs are anyone's, and are told by
/// [`Narrowing::vpcs`]. Of theirs nothing can be
/// changed but a VPC's DNS attributes (`TurnDnsOn`), routes (`LeadOut`, for
/// `internet.mode: ManagedNat`) and rules (`OpenNetworkAcls`, for
/// `networkAcls.mode: Enforce`). The first statement alone is enough for
/// `managementPolicy: Observe`, with `ReadBucketPolicies` where profiles ask that
/// buckets are read through VPC endpoints only. Roles of other accounts can be
/// assumed if they are named `sagevpc…` and trust us. Execution roles are changed
/// only if their owners gave them the tag `sagevpc.dev/cluster`: who could write
/// to any role could do anything. [`Narrowing::permissions_boundary`] asks for a
/// boundary on them besides.
///
/// Each [`Widening`] can be left out with all that it needs.
///
/// EC2 itself calls Route 53 for an endpoint's private names, and CloudWatch
/// Logs for the delivery of flow logs, in the caller's name. See
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html>.
pub fn iam_policy(to: &Narrowing) -> Value {
    let statements: Vec<Value> = Grant::ALL
        .iter()
        .filter(|grant| to.part.is_none_or(|part| part == grant.part()))
        .flat_map(|grant| {
            let statements = grant.statements(to).into_iter();
            statements.filter_map(|statement| written(statement, *grant, to))
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The statement with its actions, if any are left.
fn written(statement: PermitStatement, grant: Grant, to: &Narrowing) -> Option<Value> {
    let PermitStatement {
        sid,
        resource,
        condition: PermitCondition(condition),
        only,
    } = statement;
    let mut actions: Vec<&str> = Call::ALL
        .iter()
        .filter(|call| to.keeps(**call, grant) && only.is_none_or(|only| only == **call))
        .flat_map(|call| call.facts().permissions)
        .filter(|permission| permission.grant == grant)
        .map(|permission| permission.action)
        .collect();
    actions.sort_unstable();
    actions.dedup();
    if actions.is_empty() {
        return None;
    }
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource });
    if !condition.is_empty() {
        statement["Condition"] = Value::Object(condition);
    }
    Some(statement)
}

#[cfg(test)]
mod tests;
