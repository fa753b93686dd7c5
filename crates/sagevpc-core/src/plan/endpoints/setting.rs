//! What an endpoint is kept with.

use super::group::EndpointGroup;
use crate::{
    plan::{Action, ActionId, DnsAttribute, VpcChange, draft::Draft},
    report::Concern,
};

/// What an endpoint is kept with.
pub(in crate::plan) struct Setting<'s> {
    pub(in crate::plan) concern: Concern,
    /// Its security group; none where something is in that group's way.
    pub(in crate::plan) group: Option<&'s EndpointGroup>,
    pub(in crate::plan) dns: &'s Dns,
    /// Whether profiles without a say may rely on what is there.
    pub(in crate::plan) frozen: bool,
}

/// Whether private DNS is possible in the VPC.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html>.
pub(in crate::plan) enum Dns {
    /// It is, once these actions are done.
    After(Vec<ActionId>),
    /// Both attributes must be on, and one is off and stays so.
    Off,
}

impl Dns {
    /// What the VPC's DNS attributes are, or are planned to be.
    pub(in crate::plan) fn of(draft: &Draft<'_>) -> Self {
        let Some(attributes) = &draft.snapshot.attributes else {
            return Self::After(Vec::new());
        };
        let states = [
            (DnsAttribute::EnableDnsSupport, attributes.enable_dns_support.value),
            (DnsAttribute::EnableDnsHostnames, attributes.enable_dns_hostnames.value),
        ];
        let turned_on = |wanted: DnsAttribute| {
            let is_it = |action: &Action| matches!(action, Action::Vpc(VpcChange::ModifyAttribute { attribute, .. }) if *attribute == wanted);
            draft.actions().find(|planned| is_it(&planned.action))
        };
        let mut after = Vec::new();
        for (attribute, _) in states.into_iter().filter(|(_, is_on)| !is_on) {
            match turned_on(attribute) {
                Some(planned) => after.push(planned.id),
                None => return Self::Off,
            }
        }
        Self::After(after)
    }
}
