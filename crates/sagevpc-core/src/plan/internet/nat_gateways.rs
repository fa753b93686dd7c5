//! NAT gateways of ours: made, kept, let go.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    addresses,
    places::{self, Places},
    routes::{Cleared, Leaving},
};
use crate::{
    api::{Reason, ResourceOwnership},
    catalog::Symptom,
    observed::{NatGateway, Route, RouteTable, Stage, VpcSnapshot, tags_of},
    plan::{
        Action, ActionId, NatGatewayChange, PlannedAction, Serves, Target, disruption,
        draft::Draft,
        internet::need::{CONCERN, Kept, WayOutNeed, default_route, served},
    },
    report::{Finding, Lack, Scope},
    types::{AllocationId, NatGatewayId, NatPlace, ResourceKey, RouteTableId, SubnetId},
};

/// NAT gateways that fail in one place before the next waits until EC2 shows
/// them no longer, which is after about an hour.
const MAX_FAILURES: usize = 3;

/// The NAT gateways of ours, by their places.
pub(super) struct NatGateways<'a> {
    /// Those that EC2 shows, in the order of their ids.
    shown: BTreeMap<&'a NatGatewayId, (&'a NatGateway, NatPlace)>,
    /// Those that EC2 shows no longer, and that we were told of when we made
    /// them.
    remembered: BTreeSet<NatGatewayId>,
    /// Public subnets that have an elastic IP address of ours.
    addressed: BTreeSet<SubnetId>,
    /// Places where one was asked for lately, and is not shown yet.
    expected: BTreeSet<NatPlace>,
}

impl<'a> NatGateways<'a> {
    pub(super) fn look(draft: &Draft<'a>) -> Self {
        let shown = draft
            .snapshot
            .nat_gateways
            .iter()
            .filter_map(|(id, nat)| {
                let ResourceKey::NatGateway { place } = draft.claims.key_of(id.as_str())? else {
                    return None;
                };
                Some((id, (nat, place.clone())))
            })
            .collect();
        let mut remembered = BTreeSet::new();
        let mut expected = BTreeSet::new();
        for (key, entry) in &draft.history.ledger {
            let ResourceKey::NatGateway { place } = key else {
                continue;
            };
            let id = entry.id.as_deref().map(NatGatewayId::new);
            remembered.extend(id.filter(|id| !draft.snapshot.nat_gateways.contains_key(id)));
            if draft.not_visible_yet(key).is_some() || draft.history.may_appear(key) {
                expected.insert(place.clone());
            }
        }
        Self {
            shown,
            remembered,
            addressed: addresses::places(draft),
            expected,
        }
    }

    /// The NAT gateway of ours that a default route leads to. One that is gone
    /// for so long that EC2 shows neither it nor its tags is known by the id that
    /// we were given when we made it.
    pub(super) fn led_to_by(&self, route: &Route) -> Option<NatGatewayId> {
        let id = route.nat_gateway()?;
        let is_ours = self.is_shown(&id) || (!route.is_active() && self.remembered.contains(&id));
        is_ours.then_some(id)
    }

    /// Whether it is ours and EC2 shows it, be it gone or not.
    pub(super) fn is_shown(&self, id: &NatGatewayId) -> bool {
        self.shown.contains_key(id)
    }

    /// The one of ours in this place that serves, or will.
    pub(super) fn serving(&self, place: &NatPlace) -> Option<&'a NatGateway> {
        self.in_place(place)
            .filter(|nat| is_live(nat))
            .min_by_key(|nat| (nat.stage(), &nat.nat_gateway_id))
    }

    /// Whether one of ours is in this subnet, or may yet be shown there.
    pub(super) fn claims(&self, subnet: &SubnetId) -> bool {
        let place = NatPlace::Subnet(subnet.clone());
        self.expected.contains(&place) || self.serving(&place).is_some()
    }

    /// The place of one of ours that serves, or will.
    pub(super) fn live_place_of(&self, id: &NatGatewayId) -> Option<&NatPlace> {
        self.shown
            .get(id)
            .filter(|(nat, _)| is_live(nat))
            .map(|(_, place)| place)
    }

    /// What decides between public subnets: where one of ours serves comes first, then
    /// where an address waits for one, then the lowest id.
    pub(super) fn rank<'s>(&self, subnet: &'s SubnetId) -> (bool, bool, &'s SubnetId) {
        let serving = self.serving(&NatPlace::Subnet(subnet.clone()));
        (serving.is_none(), !self.addressed.contains(subnet), subnet)
    }

    fn in_place<'s>(&'s self, place: &'s NatPlace) -> impl Iterator<Item = &'a NatGateway> + 's {
        self.shown
            .values()
            .filter(move |(_, other)| other == place)
            .map(|(nat, _)| *nat)
    }
}

fn is_live(nat: &NatGateway) -> bool {
    match nat.stage() {
        Stage::Available | Stage::Pending => true,
        Stage::Deleting | Stage::Deleted | Stage::Failed => false,
    }
}

/// The NAT gateway of a place, as routes lead to it.
pub(super) struct Gateway {
    pub(super) target: Target<NatGatewayId>,
    /// The action that makes it, where none is there.
    pub(super) made_by: Option<ActionId>,
    /// What keeps it from serving yet.
    pub(super) waits_for: Option<String>,
    /// The elastic IP addresses of ours that it has or gets; a regional one has
    /// AWS's.
    pub(super) addresses: BTreeSet<AllocationId>,
}

/// Has a NAT gateway in each place.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    places: &Places,
    nat_gateways: &NatGateways<'_>,
    cleared: &Cleared,
) -> BTreeMap<NatPlace, Gateway> {
    let mut gateways = BTreeMap::new();
    for (place, tables) in places.all() {
        let its: Vec<&WayOutNeed> = tables.iter().filter_map(|table| needs.get(*table)).collect();
        let gateway = match nat_gateways.serving(place) {
            Some(nat) => keep_one(draft, nat, place, served(its)),
            None => {
                let earlier = tables.iter().filter_map(|table| cleared.get(*table).copied()).collect();
                create(draft, nat_gateways, place, &its, earlier)
            }
        };
        gateways.insert(place.clone(), gateway);
    }
    gateways
}

fn keep_one(draft: &mut Draft<'_>, nat: &NatGateway, place: &NatPlace, serves: Serves) -> Gateway {
    let id = &nat.nat_gateway_id;
    let key = ResourceKey::NatGateway { place: place.clone() };
    draft.list("NatGateway", id.as_str(), key.to_string(), ResourceOwnership::Ours);
    draft.keep_tags(id.as_str(), &key, serves.clone(), &tags_of(&nat.tags));
    let is_pending = nat.stage() == Stage::Pending;
    if !is_pending && !leads_out(draft.snapshot, nat, place) {
        report_dead_end(draft, nat, place, &serves);
    }
    Gateway {
        target: Target::Existing(id.clone()),
        made_by: None,
        waits_for: is_pending.then(|| format!("NAT gateway {id} is pending; that takes some minutes.")),
        addresses: match place {
            NatPlace::Subnet(subnet) => addresses::keep(draft, nat, subnet, &serves),
            NatPlace::Regional => BTreeSet::new(),
        },
    }
}

/// Whether it leads to the VPC's internet gateway. AWS gives a regional one a
/// table that does.
fn leads_out(snapshot: &VpcSnapshot, nat: &NatGateway, place: &NatPlace) -> bool {
    match (place, table_of(snapshot, nat, place)) {
        (NatPlace::Subnet(subnet), _) => places::is_public(snapshot, subnet),
        (NatPlace::Regional, Some(table)) => {
            default_route(table).is_some_and(|route| places::leads_to_the_internet(snapshot, route))
        }
        (NatPlace::Regional, None) => places::attached(snapshot).is_some(),
    }
}

/// The route table by which it leads out.
fn table_of<'v>(snapshot: &'v VpcSnapshot, nat: &NatGateway, place: &NatPlace) -> Option<&'v RouteTable> {
    match place {
        NatPlace::Subnet(subnet) => snapshot.route_table_of(subnet),
        NatPlace::Regional => snapshot.route_tables.get(nat.route_table_id.as_ref()?),
    }
}

/// One of ours stays in its place, for its address may be in others' lists;
/// that its place lost its way out is for the VPC's owners to mend.
fn report_dead_end(draft: &mut Draft<'_>, nat: &NatGateway, place: &NatPlace, serves: &Serves) {
    let snapshot = draft.snapshot;
    let is = match place {
        NatPlace::Subnet(subnet) => format!("is in {subnet}"),
        NatPlace::Regional => "is regional".to_owned(),
    };
    let (reason, (message, fix)) = match (places::attached(snapshot), table_of(snapshot, nat, place)) {
        (Some(gateway), Some(table)) => (
            Reason::NatGatewayInPrivateSubnet,
            (
                format!(
                    "NAT gateway {} {is}, and {} leads no longer to internet gateway {}.",
                    nat.nat_gateway_id, table.route_table_id, gateway.internet_gateway_id,
                ),
                format!(
                    "Put the route back with `aws ec2 create-route --route-table-id {} --destination-cidr-block \
                     0.0.0.0/0 --gateway-id {}`, or replace-route where there is another.",
                    table.route_table_id, gateway.internet_gateway_id
                ),
            ),
        ),
        (None, _) | (_, None) => (
            Reason::InternetGatewayMissing,
            places::no_internet_gateway(snapshot, place.subnet().is_some()),
        ),
    };
    let profiles = match serves {
        Serves::Profiles(keys) => keys.clone(),
        Serves::Profile(key) => BTreeSet::from([key.clone()]),
        Serves::Vpc | Serves::SageMakerVpc => BTreeSet::new(),
    };
    for key in profiles {
        draft.push(
            Finding::new(CONCERN, Scope::Profile(key), reason, message.clone())
                .mended_by(fix.clone())
                .lacking(Lack::NatGateway(nat.nat_gateway_id.clone()))
                .showing(Symptom::NoWayOut),
        );
    }
}

fn create(
    draft: &mut Draft<'_>,
    nat_gateways: &NatGateways<'_>,
    place: &NatPlace,
    needs: &[&WayOutNeed],
    cleared: Vec<ActionId>,
) -> Gateway {
    let snapshot = draft.snapshot;
    let key = ResourceKey::NatGateway { place: place.clone() };
    let unseen = draft.not_visible_yet(&key).map(NatGatewayId::new);
    if let Some(id) = unseen.filter(|id| !snapshot.nat_gateways.contains_key(id)) {
        return Gateway {
            waits_for: Some(format!(
                "AWS made NAT gateway {id} and does not show it yet; this takes seconds."
            )),
            target: Target::Existing(id),
            made_by: None,
            addresses: place
                .subnet()
                .map(|subnet| addresses::of_place(draft, subnet).map(|address| address.allocation_id.clone()))
                .into_iter()
                .flatten()
                .collect(),
        };
    }
    let failures: Vec<&NatGateway> = nat_gateways
        .in_place(place)
        .filter(|nat| nat.stage() == Stage::Failed || nat.failure_message.is_some())
        .collect();
    let gone = nat_gateways.in_place(place).last();
    let reason = match (failures.last(), gone) {
        (Some(failed), _) => format!("{} failed: {}", failed.nat_gateway_id, failure(failed)),
        (None, Some(gone)) => format!("{} was deleted", gone.nat_gateway_id),
        (None, None) => "subnets in use have no way out".to_owned(),
    };
    let too_often = failures
        .last()
        .filter(|_| failures.len() >= MAX_FAILURES)
        .map(|failed| {
            format!(
                "{} NAT gateways failed {} within about an hour, the last with: {}. Mend that; the next is tried \
             once EC2 shows fewer of them.",
                failures.len(),
                match place {
                    NatPlace::Subnet(subnet) => format!("in {subnet}"),
                    NatPlace::Regional => format!("in {}", snapshot.vpc.vpc_id),
                },
                failure(failed)
            )
        });
    let unclear = draft.claims.unclear(&key);
    let serves = served(needs.iter().copied());
    let tags = draft.tags_for(&key);
    let (change, address) = match place {
        NatPlace::Subnet(subnet) => {
            let address = addresses::choose(draft, subnet, &serves);
            let change = NatGatewayChange::Create {
                key: key.clone(),
                subnet: subnet.clone(),
                address: address.target.clone(),
                tags,
            };
            (change, Some(address))
        }
        NatPlace::Regional => {
            let subnets = needs.iter().flat_map(|need| &need.subnets);
            let change = NatGatewayChange::CreateRegional {
                key: key.clone(),
                vpc: snapshot.vpc.vpc_id.clone(),
                zones: subnets
                    .filter_map(|subnet| places::zone_of(snapshot, subnet))
                    .cloned()
                    .collect(),
                tags,
            };
            (change, None)
        }
    };
    let (target, allocated_by, no_address_yet) = match address {
        Some(address) => (Some(address.target), address.made_by, address.waits_for),
        None => (None, None, None),
    };
    let planned = PlannedAction::new(Action::NatGateway(change), serves, reason)
        .blocking(CONCERN)
        .symptom(Symptom::NoWayOut)
        .after(allocated_by)
        .after(cleared)
        .waiting_for(unclear.or(too_often).or(no_address_yet));
    let made_by = draft.act(planned);
    let addresses = match target {
        Some(Target::Existing(id)) => BTreeSet::from([id]),
        Some(Target::Made(_)) | None => BTreeSet::new(),
    };
    Gateway {
        target: Target::Made(key),
        made_by: Some(made_by),
        waits_for: None,
        addresses,
    }
}

fn failure(nat: &NatGateway) -> &str {
    nat.failure_message.as_deref().unwrap_or("EC2 does not say why")
}

/// Lets go of NAT gateways that no place needs, once no route of ours leads to
/// them. Gives the deletions, by NAT gateway.
pub(super) fn let_go(
    draft: &mut Draft<'_>,
    nat_gateways: &NatGateways<'_>,
    gateways: &BTreeMap<NatPlace, Gateway>,
    leaving: &[Leaving; 2],
    stays: &Kept,
) -> BTreeMap<NatGatewayId, ActionId> {
    let snapshot = draft.snapshot;
    let mut deleted = BTreeMap::new();
    for (id, (nat, place)) in &nat_gateways.shown {
        let kept = gateways.get(place).map(|gateway| &gateway.target);
        let reason = match nat.stage() {
            Stage::Deleting | Stage::Deleted => continue,
            Stage::Failed => format!("it failed: {}", failure(nat)),
            Stage::Available | Stage::Pending => match kept {
                Some(Target::Existing(kept)) if kept == *id => continue,
                Some(_) | None if stays.nat_gateways.contains(*id) => continue,
                Some(_) => "a second NAT gateway in the same place is not needed".to_owned(),
                None => match (place, gateways.is_empty()) {
                    (NatPlace::Subnet(_), _) => "no profile needs a NAT gateway in this place any more".to_owned(),
                    (NatPlace::Regional, true) => "no profile needs a NAT gateway any more".to_owned(),
                    (NatPlace::Regional, false) => "NAT gateways in subnets serve in its place".to_owned(),
                },
            },
        };
        let before: Vec<ActionId> = leaving
            .iter()
            .filter_map(|leaving| leaving.get(*id))
            .flatten()
            .copied()
            .collect();
        let left_dead = tables_of_others(draft, id);
        let key = ResourceKey::NatGateway { place: place.clone() };
        let deletion = draft.let_go(id.as_str(), &key, &reason, |_| {
            let action = Action::NatGateway(NatGatewayChange::Delete { id: (*id).clone() });
            PlannedAction::new(action, Serves::Vpc, reason.as_str())
                .after(before)
                .disrupting(disruption::of_lost_way_out(snapshot, &left_dead))
        });
        deleted.insert((*id).clone(), deletion);
    }
    deleted
}

/// Tables with routes to a NAT gateway that are not of our making: any but
/// default routes.
fn tables_of_others(draft: &Draft<'_>, id: &NatGatewayId) -> Vec<RouteTableId> {
    let tables = draft.snapshot.route_tables.values().filter(|table| {
        let ours = default_route(table);
        table.routes.iter().any(|route| {
            route.is_active() && route.nat_gateway().as_ref() == Some(id) && !ours.is_some_and(|ours| ours == route)
        })
    });
    tables.map(|table| table.route_table_id.clone()).collect()
}
