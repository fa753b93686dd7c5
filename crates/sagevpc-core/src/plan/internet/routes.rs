//! Default routes to NAT gateways of ours.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    destinations::anywhere_ipv4,
    existing::Led,
    nat_gateways::{Gateway, NatGateways},
    places::Places,
};
use crate::{
    api::{DeletionPolicy, Reason},
    observed::{NetworkInterface, Route},
    plan::{
        Action, ActionId, PlannedAction, RouteChange, Serves, Target, disruption,
        draft::Draft,
        internet::need::{CONCERN, Kept, WayOutNeed, default_route, scope, served, symptom},
        resolved::ResolvedProfile,
        s3::is_offered,
    },
    report::{Finding, Lack},
    types::{NatGatewayId, NatPlace, ResourceKey, RouteTableId, SubnetId, listed},
};

/// Actions by which routes leave a NAT gateway, by its id.
pub(super) type Leaving = BTreeMap<NatGatewayId, Vec<ActionId>>;

/// Actions that clear a table of a dead route, by the table.
pub(super) type Cleared = BTreeMap<RouteTableId, ActionId>;

/// The tables that need a default route of ours: those of subnets whose
/// destinations nobody else's route leads to. A table that is not offered is
/// reported.
pub(super) fn needs(
    draft: &mut Draft<'_>,
    outbound: &[&ResolvedProfile<'_>],
    led: &Led,
) -> BTreeMap<RouteTableId, WayOutNeed> {
    let snapshot = draft.snapshot;
    let mut needs: BTreeMap<RouteTableId, WayOutNeed> = BTreeMap::new();
    for resolved in outbound {
        let mut not_offered: BTreeMap<&RouteTableId, BTreeSet<&SubnetId>> = BTreeMap::new();
        for subnet in &resolved.subnets {
            let Some(table) = snapshot.route_table_of(&subnet.subnet_id) else {
                continue;
            };
            if !led
                .without
                .contains(&(resolved.key().clone(), subnet.subnet_id.clone()))
            {
                continue;
            }
            if !is_offered(draft, &table.route_table_id) {
                not_offered
                    .entry(&table.route_table_id)
                    .or_default()
                    .insert(&subnet.subnet_id);
                continue;
            }
            let need = needs.entry(table.route_table_id.clone()).or_insert_with(|| WayOutNeed {
                subnets: BTreeSet::new(),
                profiles: BTreeSet::new(),
            });
            need.subnets.insert(subnet.subnet_id.clone());
            need.profiles.insert(resolved.key().clone());
        }
        let without: usize = not_offered.values().map(BTreeSet::len).sum();
        for (table, subnets) in not_offered {
            let message = format!(
                "Subnet {} routes through {table}, which spec.routeTables of SageMakerVpc {} does not offer, so no \
                 default route can be put on it: offer the table, or choose other subnets.",
                listed(subnets),
                draft.network.vpc.ownership.vpc
            );
            let symptom = symptom(without, resolved.subnets.len());
            draft.push(
                Finding::new(CONCERN, scope(resolved), Reason::RouteTableNotOffered, message)
                    .lacking(Lack::WayOut(Some(table.clone())))
                    .showing(symptom),
            );
        }
    }
    needs
}

/// Has every table that needs it lead to the NAT gateway of its place, once
/// that serves.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    places: &Places,
    nat_gateways: &NatGateways<'_>,
    gateways: &BTreeMap<NatPlace, Gateway>,
    cleared: &Cleared,
) -> Leaving {
    let snapshot = draft.snapshot;
    let present: BTreeMap<&RouteTableId, Option<&Route>> = needs
        .keys()
        .filter_map(|id| Some((id, default_route(snapshot.route_tables.get(id)?))))
        .collect();
    let without = present
        .values()
        .filter(|route| !route.is_some_and(Route::is_active))
        .count();
    let symptom = symptom(without, present.len());
    let mut leaving = Leaving::new();
    for (table, route) in present {
        let (Some(need), Some(gateway)) = (needs.get(table), places.of(table).and_then(|place| gateways.get(place)))
        else {
            continue;
        };
        let now = route.and_then(Route::nat_gateway);
        let leads_there = gateway.existing().is_some_and(|id| now.as_ref() == Some(id));
        if leads_there && route.is_some_and(Route::is_active) {
            continue;
        }
        let key = ResourceKey::DefaultRoute { table: table.clone() };
        let serves = served([need]);
        let there = now.as_ref().is_some_and(|id| nat_gateways.is_shown(id));
        let action = if there {
            Action::Route(RouteChange::Replace {
                table: table.clone(),
                destination: anywhere_ipv4(),
                nat_gateway: gateway.target.clone(),
            })
        } else {
            Action::Route(RouteChange::Create {
                table: table.clone(),
                destination: anywhere_ipv4(),
                nat_gateway: gateway.target.clone(),
            })
        };
        let planned = PlannedAction::new(action, serves, reason(draft, table, route))
            .about(&key)
            .blocking(CONCERN)
            .symptom(symptom)
            .after(gateway.made_by)
            .after(cleared.get(table).copied())
            .waiting_for(gateway.waiting());
        let id = draft.act(planned);
        if let Some(now) = now.filter(|_| there) {
            leaving.entry(now).or_default().push(id);
        }
    }
    leaving
}

/// Why the table gets a route; others on it that gain a way out are named.
fn reason(draft: &Draft<'_>, table: &RouteTableId, route: Option<&Route>) -> String {
    match route {
        Some(route) if route.is_active() => "its NAT gateway is to be another".to_owned(),
        Some(_) => "its NAT gateway is gone".to_owned(),
        None => {
            let others = disruption::others_on(draft.snapshot, &BTreeSet::from([table]));
            if others.is_empty() {
                return "subnets in use have no way out".to_owned();
            }
            format!(
                "subnets in use have no way out; {} on the same table gain one as well",
                listed(others.into_iter().map(NetworkInterface::described))
            )
        }
    }
}

/// Takes away default routes to NAT gateways of ours that EC2 shows no longer:
/// once others are made, nothing tells any more that these were ours. They
/// carry nothing.
pub(super) fn clear(
    draft: &mut Draft<'_>,
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    places: &Places,
    nat_gateways: &NatGateways<'_>,
) -> Cleared {
    let snapshot = draft.snapshot;
    let mut cleared = Cleared::new();
    for (table, need) in needs.iter().filter(|(table, _)| places.of(table).is_some()) {
        let leads_to = snapshot
            .route_tables
            .get(table)
            .and_then(default_route)
            .and_then(|route| nat_gateways.led_to_by(route));
        if leads_to.is_some_and(|nat| !nat_gateways.is_shown(&nat)) {
            let planned = delete(table, served([need]), "its NAT gateway is gone");
            cleared.insert(table.clone(), draft.act(planned.blocking(CONCERN)));
        }
    }
    cleared
}

/// Takes default routes of ours away where nobody needs them any more.
pub(super) fn let_go(draft: &mut Draft<'_>, places: &Places, nat_gateways: &NatGateways<'_>, kept: &Kept) -> Leaving {
    let mut leaving = Leaving::new();
    if draft.network.vpc.deletion_policy == DeletionPolicy::Retain {
        return leaving;
    }
    let snapshot = draft.snapshot;
    for (table, found) in &snapshot.route_tables {
        let Some(route) = default_route(found) else { continue };
        let Some(nat) = nat_gateways.led_to_by(route) else {
            continue;
        };
        if places.of(table).is_some() || kept.tables.contains(table) {
            continue;
        }
        let hit = route
            .is_active()
            .then(|| disruption::of_lost_way_out(snapshot, std::slice::from_ref(table)));
        let planned = delete(table, Serves::Vpc, "no profile needs this way out any more")
            .deleting()
            .disrupting(hit.flatten());
        let id = draft.act(planned);
        leaving.entry(nat).or_default().push(id);
    }
    leaving
}

fn delete(table: &RouteTableId, serves: Serves, reason: &str) -> PlannedAction {
    let action = Action::Route(RouteChange::Delete {
        table: table.clone(),
        destination: anywhere_ipv4(),
    });
    PlannedAction::new(action, serves, reason).about(&ResourceKey::DefaultRoute { table: table.clone() })
}

impl Gateway {
    fn existing(&self) -> Option<&NatGatewayId> {
        match &self.target {
            Target::Existing(id) => Some(id),
            Target::Made(_) => None,
        }
    }

    /// What a route to it waits for.
    fn waiting(&self) -> Option<String> {
        let follows = || "It follows once the NAT gateway is available; that takes some minutes.".to_owned();
        self.made_by.map(|_| follows()).or_else(|| self.waits_for.clone())
    }
}
