//! Where routes that are not ours take what goes out, as `reach` follows them.

use std::{borrow::Cow, collections::BTreeSet};

use ipnet::IpNet;

use super::{destinations::from_subnet, nat_gateways::NatGateways};
use crate::{
    api::ResourceOwnership,
    demand::Demand,
    observed::{Subnet, VpcSnapshot},
    plan::{
        draft::Draft,
        project::project,
        reachability::{destinations_of, reader},
        resolved::ResolvedProfile,
    },
    reach::Routing,
    types::{NatGatewayId, ProfileKey, SubnetId},
};

/// The VPC as it will be, without default routes of ours: these come and go with
/// need.
pub(super) struct RoutesOfOthers<'s>(Cow<'s, VpcSnapshot>);

impl<'s> RoutesOfOthers<'s> {
    pub(super) fn of(draft: &Draft<'s>, nat_gateways: &NatGateways<'_>, outbound: &[&ResolvedProfile<'_>]) -> Self {
        if outbound.is_empty() {
            return Self(Cow::Borrowed(draft.snapshot));
        }
        let mut vpc = project(draft.snapshot, draft.actions().map(|planned| &planned.action));
        for table in vpc.to_mut().route_tables.values_mut() {
            table.routes.retain(|route| {
                let is_ours = super::need::is_default(route) && nat_gateways.led_to_by(route).is_some();
                !is_ours
            });
        }
        Self(vpc)
    }

    /// What they do with each demand that goes out, from each subnet.
    pub(super) fn follow<'p, 'a>(
        &self,
        draft: &Draft<'_>,
        outbound: &[&'p ResolvedProfile<'a>],
        mut visit: impl FnMut(&'p ResolvedProfile<'a>, &'a Subnet, &Demand, &Routing),
    ) {
        if outbound.is_empty() {
            return;
        }
        let reach = reader(draft, &self.0);
        for resolved in outbound {
            let workloads = 0..resolved.profile().workloads.len();
            let demands: BTreeSet<&Demand> = workloads
                .flat_map(|place| resolved.network.demands.of_workload(place))
                .filter(|demand| demand.goes_out())
                .collect();
            for subnet in &resolved.subnets {
                let id = &subnet.subnet_id;
                let Some(start) = reach.from(id, &BTreeSet::new()) else {
                    continue;
                };
                for demand in &demands {
                    for destination in destinations_of(&self.0, demand, std::slice::from_ref(id)) {
                        visit(resolved, subnet, demand, &start.routing(&destination));
                    }
                }
            }
        }
    }

    /// What comes of it.
    pub(super) fn led(&self, draft: &Draft<'_>, outbound: &[&ResolvedProfile<'_>]) -> Led {
        let mut led = Led::default();
        self.follow(draft, outbound, |resolved, subnet, demand, routing| {
            let mut blocks = from_subnet(demand, subnet).into_iter();
            if routing.is_missing && blocks.any(|block| matches!(block, IpNet::V4(_))) {
                led.without.insert((resolved.key().clone(), subnet.subnet_id.clone()));
            }
            led.nat_gateways.extend(routing.nat_gateways.iter().cloned());
        });
        led
    }
}

/// Where routes that are not ours take what goes out.
#[derive(Default)]
pub(super) struct Led {
    /// The subnets of profiles whose tables have none for some IPv4 addresses.
    pub(super) without: BTreeSet<(ProfileKey, SubnetId)>,
    nat_gateways: BTreeSet<NatGatewayId>,
}

impl Led {
    /// Lists the NAT gateways of others that they lead to.
    pub(super) fn list(&self, draft: &mut Draft<'_>, nat_gateways: &NatGateways<'_>) {
        for id in self.nat_gateways.iter().filter(|id| !nat_gateways.is_shown(id)) {
            let purpose = "way out".to_owned();
            draft.list("NatGateway", id.as_str(), purpose, ResourceOwnership::Found);
        }
    }
}
