//! By transit gateways: attachments, the zones that they serve, and the tables
//! that decide.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html>.

use ipnet::IpNet;

use super::{
    super::{
        Reach,
        cause::Cause,
        hop::Hop,
        network::{Crossing, Leg},
        routes::parts,
        space::{Cell, Space},
        unseen::Unseen,
    },
    Across, Hidden, HiddenPart, Link, LinkFault, Stand,
};
use crate::{
    observed::{TransitLead, TransitRoutes, TransitTarget},
    types::{Direction, TransitGatewayAttachmentId, TransitGatewayId, TransitGatewayRouteTableId, VpcId},
};

/// Where a packet is once it is on a transit gateway.
struct OnGateway {
    table: TransitGatewayRouteTableId,
    routes: TransitRoutes,
    leg: Leg,
}

/// What becomes of a packet at the gateway's door.
enum Boarded {
    On(OnGateway),
    /// It ends there, or what lies there is not known.
    Ends(Leg),
}

/// Where a transit gateway sends a part of what is on it.
enum Sent {
    To(TransitGatewayAttachmentId, VpcId, Space, Leg),
    /// It ends there, or what lies there is not known.
    Ends(Leg),
}

impl<'w, 's> Across<'w, 's> {
    /// On by a transit gateway, into another VPC.
    pub(super) fn by_transit(
        &self,
        stand: &Stand<'w, 's>,
        gateway: &TransitGatewayId,
        leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let legs = self.onto(stand, gateway, Crossing::There, leg);
        let mut all = Vec::new();
        for on in legs {
            match on {
                Boarded::Ends(leg) => all.push(leg),
                Boarded::On(on) => {
                    let sought = on.leg.space.clone();
                    for sent in self.sent(gateway, &on, sought, false) {
                        match sent {
                            Sent::Ends(leg) => all.push(leg),
                            Sent::To(attachment, vpc, part, leg) => {
                                let leg = leg.with(part);
                                all.extend(self.enter(stand, gateway, &attachment, vpc, leg, steps));
                            }
                        }
                    }
                }
            }
        }
        all
    }

    /// Answers go on by a transit gateway.
    pub(super) fn back_by_transit(
        &self,
        stand: &Stand<'w, 's>,
        gateway: &TransitGatewayId,
        part: &[Cell],
        leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let mut all = Vec::new();
        for on in self.onto(stand, gateway, Crossing::Back, leg) {
            let on = match on {
                Boarded::On(on) => on,
                Boarded::Ends(leg) => {
                    all.push(leg);
                    continue;
                }
            };
            // Every part must be led home: each goes on from where the last ended.
            let mut legs = vec![on.leg.clone()];
            for sent in self.sent(gateway, &on, part.to_vec(), true) {
                let follow = |leg: Leg| match &sent {
                    _ if leg.stop.is_some() => vec![leg],
                    Sent::Ends(end) => vec![merged(leg, end)],
                    Sent::To(attachment, vpc, _, end) => {
                        let leg = merged(leg, end);
                        self.back_enter(stand, gateway, attachment, vpc, leg, steps)
                    }
                };
                legs = legs.into_iter().flat_map(follow).collect();
            }
            all.extend(legs);
        }
        all
    }

    /// Gets onto the gateway, by the attachment of the VPC, and finds the table
    /// that decides. What network ACLs tell apart comes in parts.
    fn onto(&self, stand: &Stand<'w, 's>, gateway: &TransitGatewayId, crossing: Crossing, leg: Leg) -> Vec<Boarded> {
        let link = Link::TransitGateway(gateway.clone());
        let beyond = &self.root.snapshot.beyond;
        let vpc = &stand.view.snapshot.vpc.vpc_id;
        let ends = |leg: Leg| vec![Boarded::Ends(leg)];
        let Some(attached) = beyond.attached(vpc, gateway) else {
            if !beyond.lists_all_of(stand.view.snapshot, gateway) {
                return ends(leg.not_knowing(link.unseen()));
            }
            let route = leg.route();
            return ends(leg.stopped(Cause::across(LinkFault::NotAttached {
                gateway: gateway.clone(),
                vpc: vpc.clone(),
                route,
            })));
        };
        if let Some(state) = attached.state.filter(|state| !state.means().serves()) {
            return ends(leg.stopped(Cause::across(LinkFault::AttachmentUnavailable {
                gateway: gateway.clone(),
                attachment: attached.id.clone(),
                state: state.to_string(),
            })));
        }
        let mut leg = leg;
        let mut through = None;
        if let Some(attachment) = attached.of_vpc {
            let places = attachment.subnet_ids.iter();
            let places: Vec<usize> = places.filter_map(|id| stand.view.place_of.get(id).copied()).collect();
            let zones: Vec<Option<bool>> = places
                .iter()
                .map(|place| self.is_same_zone((stand.view, stand.at), (stand.view, *place)))
                .collect();
            through = places
                .iter()
                .zip(&zones)
                .find(|(_, is_same)| **is_same == Some(true))
                .map(|(place, _)| *place);
            if !zones.is_empty() && zones.iter().all(|is_same| *is_same == Some(false)) {
                let subnet = stand.view.places[stand.at].id.clone();
                let zone = stand
                    .view
                    .snapshot
                    .subnets
                    .get(&subnet)
                    .and_then(|subnet| subnet.zone());
                return ends(leg.stopped(Cause::across(LinkFault::ZoneNotAttached {
                    gateway: gateway.clone(),
                    attachment: attached.id.clone(),
                    zone: zone.unwrap_or_default().to_owned(),
                    subnet,
                    owner: self.owner(stand.view),
                })));
            }
        } else {
            let attachment = attached.id.clone();
            let hidden = Hidden::of_gateway(gateway, HiddenPart::AttachmentSubnets { attachment });
            leg = leg.not_knowing(Unseen::beyond(hidden));
        }
        let legs = match (through.filter(|place| *place != stand.at), crossing) {
            (None, _) => vec![leg],
            (Some(place), Crossing::There) => {
                vec![
                    stand
                        .view
                        .past_acl_from(self.trip, place, Direction::Ingress, crossing, leg),
                ]
            }
            (Some(place), Crossing::Back | Crossing::BackToNat) => {
                stand.view.past_acl(self.trip, place, Direction::Ingress, crossing, leg)
            }
        };
        let association = beyond.association(attached.id);
        legs.into_iter()
            .map(|leg| self.decided(gateway, attached.id, association, leg))
            .collect()
    }

    fn decided(
        &self,
        gateway: &TransitGatewayId,
        attachment: &TransitGatewayAttachmentId,
        association: Option<Option<&TransitGatewayRouteTableId>>,
        leg: Leg,
    ) -> Boarded {
        let beyond = &self.root.snapshot.beyond;
        let table = match association {
            Some(Some(table)) => table,
            Some(None) => {
                return Boarded::Ends(leg.stopped(Cause::across(LinkFault::NotAssociated {
                    gateway: gateway.clone(),
                    attachment: attachment.clone(),
                    owner: self.owner_of(gateway),
                })));
            }
            None => {
                let hidden = HiddenPart::Association {
                    attachment: attachment.clone(),
                    owner: beyond.owner_of(gateway).cloned(),
                };
                return Boarded::Ends(leg.not_knowing(Unseen::beyond(Hidden::of_gateway(gateway, hidden))));
            }
        };
        match beyond.transit_routes(table, |vpc| self.cidrs_of(vpc)) {
            Some(routes) => Boarded::On(OnGateway {
                table: table.clone(),
                routes,
                leg,
            }),
            None => Boarded::Ends(leg.not_knowing(unseen_routes(gateway, table))),
        }
    }

    /// Where the gateway sends each part of what is sought.
    fn sent(&self, gateway: &TransitGatewayId, on: &OnGateway, sought: Space, is_answer: bool) -> Vec<Sent> {
        let beyond = &self.root.snapshot.beyond;
        let table = &on.table;
        let part_of = |part: &Space| {
            if is_answer {
                on.leg.clone()
            } else {
                on.leg.with(part.clone())
            }
        };
        let (found, rest) = parts(on.routes.leads.iter().map(|lead| (lead.to, lead)), sought);
        let mut all = Vec::new();
        for (lead, part) in found {
            let TransitLead { to, target } = lead;
            let leg = part_of(&part);
            let attachments = match target {
                TransitTarget::Blackhole => {
                    all.push(Sent::Ends(leg.stopped(Cause::across(LinkFault::TransitBlackhole {
                        table: table.clone(),
                        to: *to,
                        is_answer,
                        owner: self.owner_of(gateway),
                    }))));
                    continue;
                }
                TransitTarget::Attachments(attachments) => attachments,
            };
            let Some(attachment) = attachments.first() else {
                all.push(Sent::Ends(leg.not_knowing(unseen_routes(gateway, table))));
                continue;
            };
            let leg = leg.past(Hop::Transit {
                table: table.clone(),
                destination: *to,
                attachment: attachment.clone(),
            });
            all.push(match beyond.vpc_at(attachment) {
                Some(vpc) => Sent::To(attachment.clone(), vpc, part, leg),
                None => {
                    let seen = beyond.attachment(attachment);
                    let kind = seen
                        .and_then(|seen| seen.resource_type.as_ref())
                        .map(ToString::to_string);
                    let hidden = HiddenPart::Attached {
                        attachment: attachment.clone(),
                        kind,
                        resource: seen.and_then(|seen| seen.resource_id.clone()),
                    };
                    Sent::Ends(leg.not_knowing(Unseen::beyond(Hidden::of_gateway(gateway, hidden))))
                }
            });
        }
        if !rest.is_empty() {
            let leg = part_of(&rest);
            all.push(Sent::Ends(if on.routes.is_partial {
                leg.not_knowing(unseen_routes(gateway, table))
            } else {
                let (to, attachment) = self.sought(gateway, &rest);
                leg.stopped(Cause::across(LinkFault::NoTransitRoute {
                    table: table.clone(),
                    to,
                    attachment,
                    is_answer,
                    owner: self.owner_of(gateway),
                }))
            }));
        }
        all
    }

    /// Which route would be needed: the block of the attached VPC that has the
    /// addresses, or else the addresses themselves.
    fn sought(&self, gateway: &TransitGatewayId, cells: &[Cell]) -> (Vec<IpNet>, Option<TransitGatewayAttachmentId>) {
        let beyond = &self.root.snapshot.beyond;
        let Some(first) = cells.first() else {
            return (Vec::new(), None);
        };
        let own = self.own.snapshot.vpc.vpc_id.clone();
        let others = beyond.vpcs.keys().cloned();
        let holds = |vpc: &VpcId| self.cidrs_of(vpc)?.into_iter().find(|block| block.contains(&first.net));
        let holder = std::iter::once(own)
            .chain(others)
            .find_map(|vpc| Some((holds(&vpc)?, vpc)));
        match holder {
            Some((block, vpc)) => {
                let attached = beyond.attached(&vpc, gateway);
                (vec![block], attached.map(|attached| attached.id.clone()))
            }
            None if cells.len() == 1 => (vec![first.net], None),
            None => (
                vec![if first.net.addr().is_ipv6() {
                    IpNet::V6(ipnet::Ipv6Net::default())
                } else {
                    IpNet::V4(ipnet::Ipv4Net::default())
                }],
                None,
            ),
        }
    }

    fn cidrs_of(&self, vpc: &VpcId) -> Option<Vec<IpNet>> {
        let view = self.root.view(vpc)?;
        Some(view.snapshot.vpc.cidrs().map(|net| net.trunc()).collect())
    }

    /// The account of a transit gateway, where it is another than that which was
    /// asked of.
    fn owner_of(&self, gateway: &TransitGatewayId) -> Option<crate::types::AccountId> {
        let owner = self.root.snapshot.beyond.owner_of(gateway)?;
        let asked = &self.root.snapshot.vpc.owner_id;
        let asked = asked.as_ref().or(self.root.snapshot.account.as_ref());
        (asked != Some(owner)).then(|| owner.clone())
    }

    /// Into a VPC by its attachment, and on by the table of the subnet there.
    fn enter(
        &self,
        stand: &Stand<'w, 's>,
        gateway: &TransitGatewayId,
        attachment: &TransitGatewayAttachmentId,
        vpc: VpcId,
        leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        let link = Link::TransitGateway(gateway.clone());
        let leg = leg.past(Hop::Entered {
            vpc: vpc.clone(),
            by: link.clone(),
        });
        match self.entries(stand, gateway, attachment, &vpc) {
            Err(unseen) => vec![leg.not_knowing(*unseen)],
            Ok(entries) => entries
                .into_iter()
                .flat_map(|stand| self.on_from(&stand, leg.clone(), steps))
                .collect(),
        }
    }

    fn back_enter(
        &self,
        stand: &Stand<'w, 's>,
        gateway: &TransitGatewayId,
        attachment: &TransitGatewayAttachmentId,
        vpc: &VpcId,
        leg: Leg,
        steps: usize,
    ) -> Vec<Leg> {
        match self.entries(stand, gateway, attachment, vpc) {
            Err(unseen) => vec![leg.not_knowing(*unseen)],
            Ok(entries) => entries
                .into_iter()
                .flat_map(|stand| self.back(&stand, leg.clone(), steps))
                .collect(),
        }
    }

    /// The subnets by which a packet comes into a VPC: that in the zone from which
    /// it came, where there is one, and else any.
    fn entries(
        &self,
        from: &Stand<'w, 's>,
        gateway: &TransitGatewayId,
        attachment: &TransitGatewayAttachmentId,
        vpc: &VpcId,
    ) -> Result<Vec<Stand<'w, 's>>, Box<Unseen>> {
        let beyond = &self.root.snapshot.beyond;
        let link = Link::TransitGateway(gateway.clone());
        let root: &'w Reach<'s> = self.root;
        let Some(view) = root.view(vpc) else {
            let of_vpc = beyond
                .vpc_attachment(attachment)
                .and_then(|other| other.vpc_owner_id.clone());
            let owner = of_vpc.or_else(|| beyond.attachment(attachment)?.resource_owner_id.clone());
            return Err(Box::new(Unseen::beyond(Hidden::vpc(&link, vpc.clone(), owner, None))));
        };
        let subnets = beyond.vpc_attachment(attachment).map(|other| &other.subnet_ids);
        let places = subnets.into_iter().flatten().filter_map(|id| view.place_of.get(id));
        let places: Vec<usize> = places.copied().collect();
        if places.is_empty() {
            let attachment = attachment.clone();
            let hidden = Hidden::of_gateway(gateway, HiddenPart::AttachmentSubnets { attachment });
            return Err(Box::new(Unseen::beyond(hidden)));
        }
        let is_near = |place: &usize| self.is_same_zone((from.view, from.at), (view, *place)) == Some(true);
        let near: Vec<usize> = places.iter().copied().filter(is_near).collect();
        let chosen = if near.is_empty() { places } else { near };
        Ok(chosen
            .into_iter()
            .map(|at| Stand {
                view,
                at,
                is_out: false,
                by: Some(link.clone()),
            })
            .collect())
    }
}

/// What one part of the answers met, added to what another did.
fn merged(mut leg: Leg, end: &Leg) -> Leg {
    let is_new = |hop: &&Hop| !leg.hops.contains(hop);
    let hops: Vec<Hop> = end.hops.iter().filter(is_new).cloned().collect();
    leg.hops.extend(hops);
    let is_unsaid = |unseen: &&Unseen| !leg.unseen.contains(unseen);
    let unseen: Vec<Unseen> = end.unseen.iter().filter(is_unsaid).cloned().collect();
    leg.unseen.extend(unseen);
    leg.stop = leg.stop.or_else(|| end.stop.clone());
    leg
}

fn unseen_routes(gateway: &TransitGatewayId, table: &TransitGatewayRouteTableId) -> Unseen {
    let table = table.clone();
    Unseen::beyond(Hidden::of_gateway(gateway, HiddenPart::TransitRoutes { table }))
}
