//! Interface endpoints.

use std::collections::BTreeMap;

use sagevpc::{
    plan::{Action, ClientTokens, Step},
    types::ResourceKey,
};

use super::Memory;

impl Memory {
    pub(super) fn interface_endpoint(
        &mut self,
        action: &Action,
        _tokens: &ClientTokens,
        _made: &mut BTreeMap<ResourceKey, String>,
    ) -> Step {
        unimplemented!("{action:?}")
    }
}
