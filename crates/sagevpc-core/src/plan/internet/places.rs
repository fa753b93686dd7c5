//! In which public subnets NAT gateways are to be, or that one is regional. The
//! choice stays as it is for as long as it will do, for a NAT gateway that moves
//! gets another public address, which others may have in their lists.

use std::collections::{BTreeMap, BTreeSet};

use super::nat_gateways::NatGateways;
use crate::{
    api::{NatGateways as HowMany, Reason},
    catalog::Symptom,
    observed::{InternetGateway, Route, RouteTarget, Subnet, VpcSnapshot, tags_of},
    plan::{
        draft::Draft,
        internet::need::{CONCERN, WayOutNeed, default_route, scope},
        resolved::{ResolvedProfile, absent},
    },
    reach::PublicAccessBlock,
    report::{Finding, Lack, Scope, Weight},
    types::{AvailabilityZoneId, NatPlace, RouteTableId, SubnetId, has_tags, listed},
    validate::Choice,
};

/// The place of the NAT gateway that each table is to lead to.
#[derive(Default)]
pub(super) struct Places {
    of_table: BTreeMap<RouteTableId, NatPlace>,
    missing: bool,
}

impl Places {
    /// Where the NAT gateway of this table is to be.
    pub(super) fn of(&self, table: &RouteTableId) -> Option<&NatPlace> {
        self.of_table.get(table)
    }

    /// All places, each with the tables that it serves.
    pub(super) fn all(&self) -> BTreeMap<&NatPlace, Vec<&RouteTableId>> {
        let mut all: BTreeMap<&NatPlace, Vec<&RouteTableId>> = BTreeMap::new();
        for (table, place) in &self.of_table {
            all.entry(place).or_default().push(table);
        }
        all
    }

    /// Whether NAT gateways are needed and can be nowhere.
    pub(super) fn are_missing(&self) -> bool {
        self.missing
    }

    fn has(&self, place: &NatPlace) -> bool {
        self.of_table.values().any(|other| other == place)
    }

    /// Leads all these tables to one place.
    fn share(&mut self, tables: &BTreeMap<RouteTableId, WayOutNeed>, place: &NatPlace) {
        let tables = tables.keys().cloned();
        self.of_table.extend(tables.map(|table| (table, place.clone())));
    }
}

/// Chooses a place for each table that needs a way out, and reports what keeps
/// NAT gateways from being anywhere, or from being in the zones that use them.
pub(super) fn choose(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    nat_gateways: &NatGateways<'_>,
) -> Places {
    let mut places = Places::default();
    let asked = needs.len();
    let needs = &without_blocked(draft, profiles, needs, nat_gateways);
    places.missing = needs.len() < asked;
    if needs.is_empty() {
        return places;
    }
    let zonal = match draft.network.vpc.nat_gateways {
        HowMany::PerZone => Zonal::PerZone,
        HowMany::Single => Zonal::Single,
        HowMany::Regional => {
            choose_regional(draft, profiles, needs, nat_gateways, &mut places);
            return places;
        }
    };
    let candidates = candidates(draft, profiles, nat_gateways);
    if candidates.is_empty() {
        report_none(draft, profiles, needs);
        places.missing = true;
        return places;
    }
    let best = |zone: Option<&AvailabilityZoneId>| {
        candidates
            .iter()
            .filter(|subnet| zone.is_none() || subnet.availability_zone_id.as_ref() == zone)
            .min_by_key(|subnet| nat_gateways.rank(&subnet.subnet_id))
            .map(|subnet| NatPlace::Subnet(subnet.subnet_id.clone()))
    };
    match zonal {
        Zonal::Single => {
            if let Some(place) = best(None) {
                places.share(needs, &place);
            }
        }
        Zonal::PerZone => {
            choose_per_zone(draft.snapshot, needs, nat_gateways, &candidates, best, &mut places);
            advise_on_zones(draft, needs, &places);
        }
    }
    places
}

/// How NAT gateways are put into subnets.
enum Zonal {
    PerZone,
    Single,
}

/// One for all, in no subnet: it needs no more than an internet gateway. AWS
/// gives it a route table that leads there.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateways-regional.html>.
fn choose_regional(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    nat_gateways: &NatGateways<'_>,
    places: &mut Places,
) {
    let place = NatPlace::Regional;
    if attached(draft.snapshot).is_none() && nat_gateways.serving(&place).is_none() {
        let (cause, fix) = no_internet_gateway(draft.snapshot, false);
        let reason = Reason::InternetGatewayMissing;
        report(draft, profiles, needs.values(), reason, (&cause, &fix), None);
        places.missing = true;
        return;
    }
    places.share(needs, &place);
}

/// The tables for which a NAT gateway would lead out: none is made behind VPC
/// Block Public Access, where it would cost and take nothing to the internet.
/// What leads to one of ours already stays as it is.
fn without_blocked(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    nat_gateways: &NatGateways<'_>,
) -> BTreeMap<RouteTableId, WayOutNeed> {
    let snapshot = draft.snapshot;
    let mut open = needs.clone();
    for (table, need) in needs {
        let route = snapshot.route_tables.get(table).and_then(default_route);
        let leads_to = route.and_then(Route::nat_gateway);
        if leads_to.is_some_and(|id| nat_gateways.live_place_of(&id).is_some()) {
            continue;
        }
        let is_blocked = |subnet| PublicAccessBlock::of(snapshot, [subnet]).is_some();
        let block = PublicAccessBlock::of(snapshot, &need.subnets);
        let Some(block) = block.filter(|_| need.subnets.iter().all(is_blocked)) else {
            continue;
        };
        open.remove(table);
        let message = format!("No NAT gateway is made for {table}, for it would lead nowhere: {block}.");
        report(
            draft,
            profiles,
            [need],
            Reason::PublicAccessBlocked,
            (&message, &block.fix()),
            Some(table),
        );
    }
    open
}

/// Tells whoever needs these tables why they get no way out.
fn report<'n>(
    draft: &mut Draft<'_>,
    profiles: &[ResolvedProfile<'_>],
    needs: impl IntoIterator<Item = &'n WayOutNeed>,
    reason: Reason,
    (message, fix): (&str, &str),
    table: Option<&RouteTableId>,
) {
    let concerned: BTreeSet<_> = needs.into_iter().flat_map(|need| &need.profiles).collect();
    for resolved in profiles.iter().filter(|resolved| concerned.contains(resolved.key())) {
        draft.push(
            Finding::new(CONCERN, scope(resolved), reason, message)
                .mended_by(fix)
                .lacking(Lack::WayOut(table.cloned()))
                .showing(Symptom::NoWayOut),
        );
    }
}

fn choose_per_zone(
    snapshot: &VpcSnapshot,
    needs: &BTreeMap<RouteTableId, WayOutNeed>,
    nat_gateways: &NatGateways<'_>,
    candidates: &[&Subnet],
    best: impl Fn(Option<&AvailabilityZoneId>) -> Option<NatPlace>,
    places: &mut Places,
) {
    let current = |table: &RouteTableId| -> Option<&Subnet> {
        let leads_to = default_route(snapshot.route_tables.get(table)?)?.nat_gateway()?;
        let place = nat_gateways.live_place_of(&leads_to)?.subnet()?;
        candidates.iter().find(|subnet| subnet.subnet_id == *place).copied()
    };
    let mut elsewhere = Vec::new();
    for (table, need) in needs {
        let zones: BTreeSet<&AvailabilityZoneId> = need
            .subnets
            .iter()
            .filter_map(|subnet| zone_of(snapshot, subnet))
            .collect();
        let stays = current(table)
            .filter(|subnet| {
                subnet
                    .availability_zone_id
                    .as_ref()
                    .is_some_and(|zone| zones.contains(zone))
            })
            .map(|subnet| NatPlace::Subnet(subnet.subnet_id.clone()));
        match stays.or_else(|| zones.iter().find_map(|zone| best(Some(zone)))) {
            Some(place) => {
                places.of_table.insert(table.clone(), place);
            }
            None => elsewhere.push(table),
        }
    }
    // Zones without a public subnet share what the others have.
    for table in elsewhere {
        let stays = current(table)
            .map(|subnet| NatPlace::Subnet(subnet.subnet_id.clone()))
            .filter(|place| places.of_table.is_empty() || places.has(place));
        let place = stays
            .or_else(|| places.of_table.values().min().cloned())
            .or_else(|| best(None));
        places.of_table.extend(place.map(|place| (table.clone(), place)));
    }
}

/// The zone that the subnet is in, where EC2 says so.
pub(super) fn zone_of<'a>(snapshot: &'a VpcSnapshot, subnet: &SubnetId) -> Option<&'a AvailabilityZoneId> {
    snapshot.subnets.get(subnet)?.availability_zone_id.as_ref()
}

/// Subnets that a NAT gateway may be in: public ones with an address to spare,
/// and those where one of ours is already. Where none are named, not those that
/// profiles use.
fn candidates<'a>(
    draft: &mut Draft<'a>,
    profiles: &[ResolvedProfile<'_>],
    nat_gateways: &NatGateways<'_>,
) -> Vec<&'a Subnet> {
    let snapshot = draft.snapshot;
    if let Some(Choice::Ids(ids)) = &draft.network.vpc.public_subnets {
        for id in ids.iter().filter(|id| !snapshot.subnets.contains_key(*id)) {
            let (reason, message) = absent(snapshot, id, "spec.internet.publicSubnets of the SageMakerVpc");
            draft.find(CONCERN, Scope::SageMakerVpc, reason, None, message);
        }
    }
    let in_use: BTreeSet<&SubnetId> = profiles
        .iter()
        .flat_map(|resolved| &resolved.subnets)
        .map(|subnet| &subnet.subnet_id)
        .collect();
    let may_be = |subnet: &Subnet| match &draft.network.vpc.public_subnets {
        Some(Choice::Ids(ids)) => ids.contains(&subnet.subnet_id),
        Some(Choice::Tags(tags)) => has_tags(&tags_of(&subnet.tags), tags),
        None => !in_use.contains(&subnet.subnet_id),
    };
    snapshot
        .subnets
        .values()
        .filter(|subnet| may_be(subnet))
        .filter(|subnet| {
            let is_free = subnet.available_ip_address_count > 0
                && is_public(snapshot, &subnet.subnet_id)
                && PublicAccessBlock::of(snapshot, [&subnet.subnet_id]).is_none();
            is_free || nat_gateways.claims(&subnet.subnet_id)
        })
        .collect()
}

/// Whether the subnet's default route leads to the VPC's internet gateway.
pub(super) fn is_public(snapshot: &VpcSnapshot, subnet: &SubnetId) -> bool {
    let table = snapshot.route_table_of(subnet);
    table
        .and_then(default_route)
        .is_some_and(|route| leads_to_the_internet(snapshot, route))
}

/// Whether the route leads to an internet gateway that is there and attached.
pub(super) fn leads_to_the_internet(snapshot: &VpcSnapshot, route: &Route) -> bool {
    let leads_there = attached(snapshot).is_some_and(|gateway| {
        route.target() == Some(RouteTarget::InternetGateway(gateway.internet_gateway_id.as_str()))
    });
    route.is_active() && leads_there
}

/// The internet gateway that is attached to the VPC.
pub(super) fn attached(snapshot: &VpcSnapshot) -> Option<&InternetGateway> {
    let gateway = snapshot.internet_gateway.as_ref();
    gateway.filter(|gateway| gateway.is_attached_to(&snapshot.vpc.vpc_id))
}

/// Why there is no place for a NAT gateway, and how to make one.
fn report_none(draft: &mut Draft<'_>, profiles: &[ResolvedProfile<'_>], needs: &BTreeMap<RouteTableId, WayOutNeed>) {
    let snapshot = draft.snapshot;
    let vpc = &snapshot.vpc.vpc_id;
    let gateway = attached(snapshot);
    let public: BTreeSet<&SubnetId> = snapshot.subnets.keys().filter(|id| is_public(snapshot, id)).collect();
    let block = PublicAccessBlock::of(snapshot, public);
    let (reason, (message, fix)) = match (gateway, block) {
        (None, _) => (Reason::InternetGatewayMissing, no_internet_gateway(snapshot, true)),
        (Some(_), Some(block)) => (
            Reason::PublicAccessBlocked,
            (format!("There is no place for a NAT gateway: {block}."), block.fix()),
        ),
        (Some(gateway), None) => {
            let among = match &draft.network.vpc.public_subnets {
                Some(_) => "None of the subnets in spec.internet.publicSubnets of the SageMakerVpc".to_owned(),
                None => format!("No subnet of {vpc} that profiles leave free"),
            };
            let id = &gateway.internet_gateway_id;
            let message =
                format!("{among} is public and has an address to spare, so there is no place for a NAT gateway.");
            let fix = format!(
                "Make one with `aws ec2 create-subnet --vpc-id {vpc} --cidr-block …`, give it a route table of its own, \
                 and add the default route with `aws ec2 create-route --route-table-id rtb-… --destination-cidr-block \
                 0.0.0.0/0 --gateway-id {id}`."
            );
            (Reason::NoWayOut, (message, fix))
        }
    };
    report(draft, profiles, needs.values(), reason, (&message, &fix), None);
}

/// That the VPC has no internet gateway, and the commands that give it one. It
/// is the VPC owner's to make. What is in a subnet needs a route to it, too.
pub(super) fn no_internet_gateway(snapshot: &VpcSnapshot, in_subnet: bool) -> (String, String) {
    let vpc = &snapshot.vpc.vpc_id;
    let cause = format!("{vpc} has no internet gateway attached, so nothing in it reaches the internet.");
    let attach = format!("`aws ec2 attach-internet-gateway --vpc-id {vpc} --internet-gateway-id igw-…`");
    let fix = if in_subnet {
        format!(
            "Make one with `aws ec2 create-internet-gateway`, attach it with {attach}, and lead the default route of a \
             public subnet to it."
        )
    } else {
        format!("Make one with `aws ec2 create-internet-gateway`, and attach it with {attach}.")
    };
    (cause, fix)
}

/// Tells of subnets that go out through a NAT gateway in another zone.
fn advise_on_zones(draft: &mut Draft<'_>, needs: &BTreeMap<RouteTableId, WayOutNeed>, places: &Places) {
    let snapshot = draft.snapshot;
    for (place, tables) in places.all() {
        let Some(place) = place.subnet() else { continue };
        let Some(zone) = zone_of(snapshot, place) else { continue };
        let strangers: BTreeSet<String> = tables
            .iter()
            .filter_map(|table| needs.get(*table))
            .flat_map(|need| &need.subnets)
            .filter_map(|subnet| Some((subnet, zone_of(snapshot, subnet)?)))
            .filter(|(_, other)| *other != zone)
            .map(|(subnet, other)| format!("{subnet} ({other})"))
            .collect();
        if strangers.is_empty() {
            continue;
        }
        let message = format!(
            "Subnet {} goes out through the NAT gateway in {place} of {zone}: traffic between zones costs extra, and \
             when {zone} fails, so does this way out. Give each zone a public subnet, and its private subnets a route \
             table of their own; or set spec.internet.natGateways: Single, where one is meant to do, or Regional, which \
             is in all zones.",
            listed(strangers)
        );
        draft.find_weighing(
            Weight::Advice,
            CONCERN,
            Scope::SageMakerVpc,
            Reason::NatGatewayInOtherZone,
            message,
        );
    }
}
