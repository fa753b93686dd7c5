//! What an execution role is given: statements out of what it lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Question, RolePolicies};
use crate::{
    catalog::{RoleActions, RoleNeed},
    observed::RoleDetail,
    types::Region,
};
use iam_policy::{PolicyDocument, Statement};

/// Characters that the inline policies of a role may have together, white space
/// left out.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(super) const INLINE_POLICIES_MAX_CHARS: usize = 10_240;

/// Actions to allow, by what they are needed for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleGrant {
    actions: BTreeSet<(&'static RoleNeed, &'static str)>,
}

impl RoleGrant {
    pub(super) fn add(&mut self, need: &'static RoleNeed, action: &'static str) {
        self.actions.insert((need, action));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    pub(super) fn holds(&self, need: &'static RoleNeed, action: &'static str) -> bool {
        self.actions.contains(&(need, action))
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.actions.extend(other.actions);
    }

    /// What a document allows of all that a role may be given.
    pub(super) fn of(document: &PolicyDocument, arn: &str, region: &Region) -> Self {
        let policies = RolePolicies::only(arn, document, region);
        let mut grant = Self::default();
        for need in RoleActions::network_needs() {
            for action in need.actions {
                let question = Question {
                    need,
                    action,
                    without_condition: true,
                };
                if policies.judge(question).is_none() {
                    grant.add(need, action);
                }
            }
        }
        grant
    }

    /// Statements that allow it: one for each set of resources and conditions.
    pub(super) fn statements(&self, region: &Region) -> Vec<Statement> {
        let mut together: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for (need, action) in &self.actions {
            let place = (need.when.as_ref(), need.resources_in(region.partition()));
            together.entry(place).or_default().insert(action);
        }
        together
            .into_iter()
            .map(|((when, resources), actions)| {
                let statement = Statement::allow(actions).on(resources);
                match when {
                    Some(when) => statement.when(when.operator.clone(), when.key, [when.value]),
                    None => statement,
                }
            })
            .collect()
    }

    /// The document that allows it and nothing else.
    pub(super) fn document(&self, region: &Region) -> PolicyDocument {
        PolicyDocument::new(self.statements(region))
    }

    /// The statements as JSON, to be copied into a policy.
    pub(super) fn to_copy(&self, region: &Region) -> String {
        let statements = self.statements(region);
        let texts: Vec<String> = statements
            .iter()
            .map(|statement| statement.to_value().to_string())
            .collect();
        texts.join(", ")
    }
}

/// The characters that a role's inline policies would have, with `policy` under
/// `name`.
pub(super) fn inline_characters(role: &RoleDetail, name: &str, policy: &PolicyDocument) -> usize {
    let others = role.role_policy_list.iter().filter(|other| other.policy_name != name);
    let length = |text: String| text.chars().filter(|character| !character.is_whitespace()).count();
    others
        .map(|other| length(other.policy_document.to_string()))
        .sum::<usize>()
        + length(policy.to_string())
}
