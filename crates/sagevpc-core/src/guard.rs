//! What keeps SageMaker in the declared subnets and security groups: a policy that
//! denies all else, and whether one does.
//!
//! `ForAllValues` holds for a request that has none of the key, and
//! `ForAnyValue` does not, so a denial of foreign ids does not deny a request
//! without any: that takes a denial of its own, by `Null`.
//!
//! See [condition keys with several values](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html)
//! and [SageMaker's keys](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html#amazonsagemaker-policy-keys).

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use crate::{
    catalog::{GROUPS_KEY, GUARDED_ACTIONS, GuardedAction, NamesVpc, SUBNETS_KEY},
    types::{Region, SecurityGroupId, SubnetId, listed},
};
use iam_policy::{
    Comparison, Context, ContextValue, Decision, Effect, Operator, PolicyDocument, Principal, Request, SetQualifier,
    Statement, evaluate,
};

/// The most characters of a service control policy.
///
/// See <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
pub const SCP_MAX_CHARS: usize = 5120;

/// The most characters of a managed policy, white space not counted.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub const MANAGED_POLICY_MAX_CHARS: usize = 6144;

/// Where SageMaker may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// The subnets, of all VPCs that are declared.
    pub subnets: BTreeSet<SubnetId>,
    /// The security groups, likewise.
    pub groups: BTreeSet<SecurityGroupId>,
}

/// Someone's policies, as far as they were read.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Those of which one must allow a request, each with its name.
    pub policies: Vec<(String, PolicyDocument)>,
    /// What must allow it as well.
    pub boundary: Option<(String, PolicyDocument)>,
    /// Those that were not seen, or cannot be read: they may deny anything, or
    /// allow it.
    pub unread: Vec<String>,
}

/// A request that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Attempt {
    /// In what is declared.
    Declared,
    /// Without a VPC.
    WithoutVpc,
    /// In the declared subnets, with no security groups.
    WithoutGroups,
    /// In a subnet that is not declared.
    ForeignSubnet,
    /// In declared subnets, and in one that is not.
    OneForeignSubnet,
    /// With a security group that is not declared.
    ForeignGroup,
    /// With declared security groups, and with one that is not.
    OneForeignGroup,
}

impl Attempt {
    const ALL: [Self; 7] = [
        Self::Declared,
        Self::WithoutVpc,
        Self::WithoutGroups,
        Self::ForeignSubnet,
        Self::OneForeignSubnet,
        Self::ForeignGroup,
        Self::OneForeignGroup,
    ];

    /// Whether it is to be allowed.
    pub const fn is_declared(self) -> bool {
        matches!(self, Self::Declared)
    }

    /// Whether it can be made by this call, and is to be denied if it is.
    const fn is_of(self, names: NamesVpc) -> bool {
        match self {
            Self::Declared | Self::ForeignGroup | Self::OneForeignGroup => true,
            Self::ForeignSubnet | Self::OneForeignSubnet => matches!(names, NamesVpc::Must | NamesVpc::May),
            Self::WithoutVpc | Self::WithoutGroups => matches!(names, NamesVpc::Must),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Declared => "in the declared subnets and security groups",
            Self::WithoutVpc => "without a VPC",
            Self::WithoutGroups => "in the declared subnets without security groups",
            Self::ForeignSubnet => "in a subnet that is not declared",
            Self::OneForeignSubnet => "in declared subnets and one that is not declared",
            Self::ForeignGroup => "with a security group that is not declared",
            Self::OneForeignGroup => "with declared security groups and one that is not declared",
        })
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is allowed, by this.
    Allowed(String),
    /// It is denied, by this or for want of an allowance.
    Denied(String),
    /// That hangs on this.
    Unknown(String),
}

/// A request that was tried, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// How.
    pub attempt: Attempt,
    /// The action.
    pub action: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

impl Trial {
    /// Whether it came out as a guard is to have it; `None` where that is not
    /// known.
    pub const fn is_right(&self) -> Option<bool> {
        match self.outcome {
            Outcome::Allowed(_) => Some(self.attempt.is_declared()),
            Outcome::Denied(_) => Some(!self.attempt.is_declared()),
            Outcome::Unknown(_) => None,
        }
    }
}

impl Guard {
    /// The policy: denials alone, for what allows stands elsewhere. It reads the
    /// same as an identity-based policy and as a service control policy.
    pub fn document(&self) -> PolicyDocument {
        let actions = |is_meant: fn(NamesVpc) -> bool| {
            let meant = GUARDED_ACTIONS.iter().filter(move |guarded| is_meant(guarded.names));
            Statement::deny(meant.map(|guarded| guarded.action)).on(["*"])
        };
        let must = |names: NamesVpc| matches!(names, NamesVpc::Must);
        let foreign = || Operator {
            set: Some(SetQualifier::ForAnyValue),
            comparison: Comparison::StringNotEquals,
            if_exists: false,
        };
        PolicyDocument::new([
            actions(must)
                .sid("DenyWithoutSubnets")
                .when(Comparison::Null, SUBNETS_KEY, ["true"]),
            actions(must)
                .sid("DenyWithoutSecurityGroups")
                .when(Comparison::Null, GROUPS_KEY, ["true"]),
            actions(|names| matches!(names, NamesVpc::Must | NamesVpc::May))
                .sid("DenyOtherSubnets")
                .when(foreign(), SUBNETS_KEY, self.subnets.iter().map(SubnetId::as_str)),
            actions(|_| true).sid("DenyOtherSecurityGroups").when(
                foreign(),
                GROUPS_KEY,
                self.groups.iter().map(SecurityGroupId::as_str),
            ),
        ])
    }

    /// Tries all that a guard is to deny, and what it is to leave alone, against
    /// someone's policies.
    pub fn try_on(&self, held: &Held, region: &Region, account: &str) -> Vec<Trial> {
        let attempts = |guarded: &'static GuardedAction| {
            let made = Attempt::ALL.into_iter().filter(|attempt| attempt.is_of(guarded.names));
            made.map(|attempt| Trial {
                attempt,
                action: guarded.action,
                outcome: held.decide(&self.request(guarded, attempt, region, account)),
            })
        };
        GUARDED_ACTIONS.iter().flat_map(attempts).collect()
    }

    fn request(&self, guarded: &GuardedAction, attempt: Attempt, region: &Region, account: &str) -> Request {
        let foreign_subnet = foreign("subnet-", |id| self.subnets.iter().any(|own| own.as_str() == id));
        let foreign_group = foreign("sg-", |id| self.groups.iter().any(|own| own.as_str() == id));
        let subnets = || self.subnets.iter().map(ToString::to_string);
        let groups = || self.groups.iter().map(ToString::to_string);
        let subnets: Vec<String> = match attempt {
            _ if guarded.names == NamesVpc::Groups => Vec::new(),
            Attempt::WithoutVpc => Vec::new(),
            Attempt::ForeignSubnet => vec![foreign_subnet],
            Attempt::OneForeignSubnet => subnets().chain([foreign_subnet]).collect(),
            Attempt::Declared | Attempt::WithoutGroups | Attempt::ForeignGroup | Attempt::OneForeignGroup => {
                subnets().collect()
            }
        };
        let groups: Vec<String> = match attempt {
            Attempt::WithoutVpc | Attempt::WithoutGroups => Vec::new(),
            Attempt::ForeignGroup => vec![foreign_group],
            Attempt::OneForeignGroup => groups().chain([foreign_group]).collect(),
            Attempt::Declared | Attempt::ForeignSubnet | Attempt::OneForeignSubnet => groups().collect(),
        };
        let given = |values: Vec<String>| {
            if values.is_empty() {
                ContextValue::Absent
            } else {
                ContextValue::Values(values)
            }
        };
        let context = Context::partial()
            .with_value("aws:RequestedRegion", region.as_str())
            .with(SUBNETS_KEY, given(subnets))
            .with(GROUPS_KEY, given(groups));
        let resource = format!(
            "arn:{}:sagemaker:{region}:{account}:{}/sagevpc-guard",
            region.partition(),
            guarded.resource
        );
        Request::new(Principal::Anonymous, guarded.action, resource).in_context(context)
    }
}

/// An id that is none of the declared ones.
fn foreign(kind: &str, is_declared: impl Fn(&str) -> bool) -> String {
    let ids = (0_u32..).map(|number| format!("{kind}{:017x}", 0xf0e1_4e00_u64 + u64::from(number)));
    let mut foreign = ids.skip_while(|id| is_declared(id));
    foreign.next().unwrap_or_else(|| kind.to_owned())
}

impl Held {
    /// A document alone. One that denies and allows nothing leaves it to others to
    /// allow: all is taken to be allowed by them.
    pub fn document(name: &str, document: PolicyDocument) -> Self {
        let allows = document
            .statements
            .iter()
            .any(|statement| statement.effect == Effect::Allow);
        let others = (!allows).then(|| {
            let everything = PolicyDocument::new([Statement::allow(["*"]).on(["*"])]);
            ("others".to_owned(), everything)
        });
        Self {
            policies: [(name.to_owned(), document)].into_iter().chain(others).collect(),
            ..Self::default()
        }
    }

    /// What all of it decides together.
    fn decide(&self, request: &Request) -> Outcome {
        let judge = |(name, document): &(String, PolicyDocument)| (name.clone(), evaluate(document, request));
        let own: Vec<(String, Decision)> = self.policies.iter().map(judge).collect();
        let boundary = self.boundary.as_ref().map(judge);
        for (name, decision) in own.iter().chain(&boundary) {
            if let Decision::ExplicitlyDenied { statement } = decision {
                return Outcome::Denied(format!("{statement} of {name}"));
            }
        }
        if let Some((name, Decision::ImplicitlyDenied)) = &boundary {
            return Outcome::Denied(format!("{name}, a permissions boundary that does not allow it"));
        }
        let open: Vec<String> = own
            .iter()
            .chain(&boundary)
            .filter_map(|(name, decision)| match decision {
                Decision::Unknown { statements, .. } => Some(format!("{} of {name}", listed(statements))),
                Decision::Allowed { .. } | Decision::ImplicitlyDenied | Decision::ExplicitlyDenied { .. } => None,
            })
            .chain(self.unread.iter().map(|name| format!("{name}, which was not read")))
            .collect();
        let allowed = own.iter().find_map(|(name, decision)| match decision {
            Decision::Allowed { statement } => Some(format!("{statement} of {name}")),
            Decision::ImplicitlyDenied | Decision::ExplicitlyDenied { .. } | Decision::Unknown { .. } => None,
        });
        match allowed {
            _ if !open.is_empty() => Outcome::Unknown(listed(open)),
            Some(by) => Outcome::Allowed(by),
            None => Outcome::Denied("no statement allows it".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard {
            subnets: ["subnet-0a".into(), "subnet-0b".into()].into(),
            groups: ["sg-0a".into()].into(),
        }
    }

    fn wrong(document: &str) -> BTreeSet<(Attempt, &'static str)> {
        let held = Held::document("p", document.parse().unwrap());
        let trials = guard().try_on(&held, &Region::new("eu-west-1"), "111122223333");
        let wrong = trials.iter().filter(|trial| trial.is_right() != Some(true));
        wrong.map(|trial| (trial.attempt, trial.action)).collect()
    }

    fn attempts(document: &str) -> BTreeSet<Attempt> {
        wrong(document).into_iter().map(|(attempt, _)| attempt).collect()
    }

    #[test]
    fn what_is_printed_denies_all_that_is_not_declared() {
        let document = guard().document();
        assert_eq!(wrong(&document.to_string()), BTreeSet::new());
        assert!(
            document
                .statements
                .iter()
                .all(|statement| statement.principal.is_none())
        );
        assert!(document.to_string().len() < SCP_MAX_CHARS);
    }

    #[test]
    fn set_operators_are_read_as_iam_reads_them() {
        let deny = |condition: &str| {
            format!(
                r#"{{"Statement": {{"Effect": "Deny", "Action": "sagemaker:*", "Resource": "*", "Condition": {condition}}}}}"#
            )
        };
        let declared = r#"{"sagemaker:VpcSubnets": ["subnet-0a", "subnet-0b"]}"#;
        // One foreign subnet among declared ones is not all of them.
        let all = attempts(&deny(&format!(r#"{{"ForAllValues:StringNotEquals": {declared}}}"#)));
        assert!(all.contains(&Attempt::OneForeignSubnet) && !all.contains(&Attempt::ForeignSubnet));
        assert!(!all.contains(&Attempt::WithoutVpc));
        // No subnet at all is not any of them.
        let any = attempts(&deny(&format!(r#"{{"ForAnyValue:StringNotEquals": {declared}}}"#)));
        assert!(any.contains(&Attempt::WithoutVpc));
        assert!(!any.contains(&Attempt::OneForeignSubnet) && !any.contains(&Attempt::ForeignSubnet));
        assert!(any.contains(&Attempt::ForeignGroup) && !any.contains(&Attempt::Declared));
    }

    #[test]
    fn a_guard_that_is_too_narrow_denies_what_is_declared() {
        let document = guard().document().to_string().replace("subnet-0b", "subnet-0c");
        let wrong = attempts(&document);
        assert_eq!(wrong, BTreeSet::from([Attempt::Declared]));
        let forgotten = guard().document().to_string().replace("\"sagemaker:CreateModel\",", "");
        assert!(
            self::wrong(&forgotten)
                .iter()
                .all(|(_, action)| *action == "sagemaker:CreateModel")
        );
        assert!(!self::wrong(&forgotten).is_empty());
    }

    #[test]
    fn what_cannot_be_told_is_not_right_and_not_wrong() {
        let document = r#"{"Statement": {"Effect": "Deny", "Action": "sagemaker:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "fraud"}}}}"#;
        let held = Held::document("p", document.parse().unwrap());
        let trials = guard().try_on(&held, &Region::new("eu-west-1"), "111122223333");
        assert!(trials.iter().all(|trial| trial.is_right().is_none()));
    }

    #[test]
    fn a_boundary_denies_what_it_does_not_allow() {
        let allow = |actions: &str| -> PolicyDocument {
            let text = format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "{actions}", "Resource": "*"}}}}"#);
            text.parse().unwrap()
        };
        let held = Held {
            policies: vec![("all".to_owned(), allow("*"))],
            boundary: Some(("b".to_owned(), allow("s3:*"))),
            unread: Vec::new(),
        };
        let trials = guard().try_on(&held, &Region::new("eu-west-1"), "111122223333");
        assert!(trials.iter().all(|trial| matches!(trial.outcome, Outcome::Denied(_))));
    }
}
