//! Execution roles, as IAM keeps them.

use std::collections::BTreeMap;

use super::Memory;
use sagevpc_core::{
    observed::{RoleDetail, RolePolicy},
    plan::{Action, RoleChange},
    types::ResourceKey,
};

impl Memory {
    pub(super) fn role_policy(&mut self, action: &Action, made: &mut BTreeMap<ResourceKey, String>) {
        match action {
            Action::Role(RoleChange::PutPolicy {
                key,
                role,
                name,
                policy,
                replaces,
            }) => {
                let role = self.role(role);
                let before = role.role_policy_list.len();
                role.role_policy_list.retain(|other| other.policy_name != *name);
                assert_eq!(
                    role.role_policy_list.len() < before,
                    *replaces,
                    "whether a policy is replaced was seen"
                );
                role.role_policy_list.push(RolePolicy {
                    policy_name: name.clone(),
                    policy_document: policy.to_value(),
                });
                if !replaces {
                    made.insert(key.clone(), role.role_name.clone());
                }
            }
            Action::Role(RoleChange::DeletePolicy { role, name }) => {
                let role = self.role(role);
                role.role_policy_list.retain(|policy| policy.policy_name != *name);
            }
            other => panic!("{other:?} is not about roles"),
        }
    }

    fn role(&mut self, arn: &str) -> &mut RoleDetail {
        let found = self.snapshot.roles.iter_mut().find(|role| role.arn == arn);
        found.expect("IAM knows the role")
    }
}
