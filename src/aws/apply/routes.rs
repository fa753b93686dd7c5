//! Routes to NAT gateways.

use ipnet::IpNet;

use super::{
    made::Made,
    work::{Performed, Resolved, Setback, Work},
};
use crate::aws::{
    describe,
    errors::{Meaning, Refusal, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{NatGatewayState, Route},
    plan::RouteChange,
    types::{NatGatewayId, RouteTableId},
};

/// Changes a route.
pub(super) async fn change(work: &Work<'_>, change: &RouteChange, made: &Made<'_>) -> Performed {
    match change {
        RouteChange::Create {
            table,
            destination,
            nat_gateway,
        } => create(work, table, *destination, made.resolve(nat_gateway)).await,
        RouteChange::Replace {
            table,
            destination,
            nat_gateway,
        } => replace(work, table, *destination, made.resolve(nat_gateway)).await,
        RouteChange::Delete { table, destination } => delete(work, table, *destination).await,
    }
}

/// Adds a route.
async fn create(work: &Work<'_>, table: &RouteTableId, destination: IpNet, nat_gateway: Option<Resolved>) -> Performed {
    let call = Call::CreateRoute;
    let nat_gateway = once_available(work, call, nat_gateway).await?;
    let (ipv4, ipv6) = by_family(destination);
    let request = work
        .client()
        .create_route()
        .route_table_id(table.as_str())
        .set_destination_cidr_block(ipv4)
        .set_destination_ipv6_cidr_block(ipv6)
        .nat_gateway_id(nat_gateway.as_str());
    match work.call(call, request.send()).await {
        Ok(_) => Ok(None),
        Err(Setback::Refused(refusal)) if refusal.meaning == Meaning::AlreadyThere => {
            made_before(work, table, destination, &nat_gateway, refusal).await
        }
        Err(setback) => Err(setback.vanished(&format!("{table} or {nat_gateway}"))),
    }
}

/// Whether the route that is there already is the one that is wanted. Where it
/// leads elsewhere it is left as it is, for nobody decided to turn it.
async fn made_before(
    work: &Work<'_>,
    table: &RouteTableId,
    destination: IpNet,
    nat_gateway: &NatGatewayId,
    mut refusal: Refusal,
) -> Performed {
    let found = work.look(describe::route_table(work.connection(), table)).await?;
    let routes = found.map(|table| table.routes).unwrap_or_default();
    let Some(route) = routes.into_iter().find(|route| leads_to(route, destination)) else {
        return Err(Setback::Waiting(format!(
            "{table} had a route to {destination} a moment ago, and does not show it any more"
        )));
    };
    if route.nat_gateway().as_ref() == Some(nat_gateway) {
        return Ok(None);
    }
    refusal.failure.message = format!(
        "{table} got another route to {destination} in the meantime, which was left as it is: {}",
        refusal.failure.message
    );
    Err(refusal.into())
}

fn leads_to(route: &Route, destination: IpNet) -> bool {
    match destination {
        IpNet::V4(cidr) => route.destination_cidr_block == Some(cidr),
        IpNet::V6(cidr) => route.destination_ipv6_cidr_block == Some(cidr),
    }
}

/// Turns a route that is there.
async fn replace(
    work: &Work<'_>,
    table: &RouteTableId,
    destination: IpNet,
    nat_gateway: Option<Resolved>,
) -> Performed {
    let call = Call::ReplaceRoute;
    let nat_gateway = once_available(work, call, nat_gateway).await?;
    let (ipv4, ipv6) = by_family(destination);
    let request = work
        .client()
        .replace_route()
        .route_table_id(table.as_str())
        .set_destination_cidr_block(ipv4)
        .set_destination_ipv6_cidr_block(ipv6)
        .nat_gateway_id(nat_gateway.as_str());
    match work.call(call, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) => Err(setback.vanished(&format!("route to {destination} in {table}, or no {nat_gateway}"))),
    }
}

/// Takes a route away. A table that is gone has none.
async fn delete(work: &Work<'_>, table: &RouteTableId, destination: IpNet) -> Performed {
    let (ipv4, ipv6) = by_family(destination);
    let request = work
        .client()
        .delete_route()
        .route_table_id(table.as_str())
        .set_destination_cidr_block(ipv4)
        .set_destination_ipv6_cidr_block(ipv6);
    match work.call(Call::DeleteRoute, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) => match setback.meaning() {
            Some(Meaning::NotThere(Thing::Route | Thing::RouteTable)) => Ok(None),
            Some(_) | None => Err(setback),
        },
    }
}

/// The NAT gateway, once traffic can go by it. EC2 takes routes to one that is
/// not there yet, or will never be, and drops what they carry.
async fn once_available(work: &Work<'_>, call: Call, nat_gateway: Option<Resolved>) -> Result<NatGatewayId, Setback> {
    let Some(Resolved { id, new: _ }) = nat_gateway else {
        return Err(Work::refuse(
            call,
            "there is no NAT gateway yet, so no route leads to it",
        ));
    };
    let id = NatGatewayId::new(id);
    let found = work.look(describe::nat_gateway(work.connection(), &id)).await?;
    let Some((found, state)) = found.as_ref().and_then(|found| Some((found, found.state.as_ref()?))) else {
        return Err(Setback::Waiting(format!("EC2 does not show {id} yet")));
    };
    match state.means() {
        NatGatewayState::Available => Ok(id),
        NatGatewayState::Failed => {
            let why = found.failure_message.as_deref().unwrap_or_default();
            Err(Work::refuse(call, &format!("{id} could not be made by EC2: {why}")))
        }
        NatGatewayState::Pending | NatGatewayState::Deleting | NatGatewayState::Deleted | NatGatewayState::Other => {
            Err(Setback::Waiting(format!(
                "{id} is {state}, and routes are turned to it once it is available, which takes EC2 a minute or two"
            )))
        }
    }
}

fn by_family(destination: IpNet) -> (Option<String>, Option<String>) {
    match destination {
        IpNet::V4(cidr) => (Some(cidr.to_string()), None),
        IpNet::V6(cidr) => (None, Some(cidr.to_string())),
    }
}
