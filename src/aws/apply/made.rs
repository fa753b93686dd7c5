//! What this pass has made so far, for what comes after it.

use std::{collections::BTreeMap, fmt};

use super::work::Resolved;
use sagevpc_core::{
    plan::{ClientTokens, Target},
    types::{Peer, ResourceKey, Rule, SecurityGroupId},
};

/// What was made, and the client tokens of what is to be.
pub(super) struct Made<'a> {
    ids: BTreeMap<ResourceKey, String>,
    tokens: &'a ClientTokens,
}

impl<'a> Made<'a> {
    pub(super) fn new(ids: &BTreeMap<ResourceKey, String>, tokens: &'a ClientTokens) -> Self {
        Self {
            ids: ids.clone(),
            tokens,
        }
    }

    /// The client token of what has this key, if it has one.
    pub(super) fn token(&self, key: &ResourceKey) -> Option<&'a String> {
        self.tokens.get(key)
    }

    /// The rules, with the ids of groups that this pass has made.
    pub(super) fn rules(&self, rules: &[Rule]) -> Vec<Rule> {
        let known = |rule: &Rule| {
            let mut rule = rule.clone();
            if let Peer::Made(key) = &rule.peer
                && let Some(id) = self.ids.get(key)
            {
                rule.peer = Peer::Group {
                    id: SecurityGroupId::new(id),
                    owner: None,
                };
            }
            rule
        };
        rules.iter().map(known).collect()
    }

    /// What a target stands for: `None` if the action that should have made it
    /// has not.
    pub(super) fn resolve<Id: fmt::Display>(&self, target: &Target<Id>) -> Option<Resolved> {
        match target {
            Target::Existing(id) => Some(Resolved {
                id: id.to_string(),
                new: false,
            }),
            Target::Made(key) => {
                let id = self.ids.get(key)?;
                Some(Resolved {
                    id: id.clone(),
                    new: true,
                })
            }
        }
    }

    /// What all of these stand for: `None` if one of them has not been made.
    pub(super) fn resolve_all<Id: fmt::Display>(&self, targets: &[Target<Id>]) -> Option<Vec<Resolved>> {
        targets.iter().map(|target| self.resolve(target)).collect()
    }
}
