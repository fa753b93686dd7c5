//! Network ACLs and flow logs.

use std::collections::BTreeMap;

use sagevpc::{
    plan::{Action, ClientTokens, Step},
    types::ResourceKey,
};

use super::Memory;

impl Memory {
    pub(super) fn network_acl(&mut self, action: &Action) -> Step {
        unimplemented!("{action:?}")
    }

    pub(super) fn flow_log(
        &mut self,
        action: &Action,
        _tokens: &ClientTokens,
        _made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        unimplemented!("{action:?}")
    }
}
